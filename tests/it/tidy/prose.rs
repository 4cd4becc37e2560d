//! The first line of each doc comment, which has to stand alone: rustdoc's lists show nothing else of it.

use super::{Source, program, sources};

/// Words that make a first line an answer to a question that nobody has read, or point at something before it.
const OPENERS: [&str; 14] =
    ["It", "What", "Which", "Who", "Whose", "That", "These", "Those", "Whether", "Where", "How", "When", "Why", "This"];

/// Sort of item that a doc comment describes, as far as the rule differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Documented {
    /// A field of a struct or of a variant: its name and type say most of it.
    Field,
    /// A variant of an enum, which may be described by a word.
    Variant,
    /// A function that returns `bool`.
    Predicate,
    /// Any other item, and a module.
    Item,
}

/// First line of a doc comment.
struct DocLine<'a> {
    number: usize,
    text: &'a str,
    of: Documented,
}

/// The first line of every doc comment in a source, with the sort of item below it.
fn first_lines(source: &str) -> Vec<DocLine<'_>> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(mark) = ["///", "//!"].into_iter().find(|mark| lines[at].starts_with(mark)) else {
            at += 1;
            continue;
        };
        let (number, text) = (at + 1, lines[at][mark.len()..].trim());
        while lines.get(at).is_some_and(|line| line.starts_with(mark)) {
            at += 1;
        }
        let of = if mark == "//!" { Documented::Item } else { documented(&lines[at..]) };
        found.push(DocLine { number, text, of });
    }
    found
}

/// The sort of item that begins at `lines`, behind attributes and comments.
fn documented(lines: &[&str]) -> Documented {
    let mut open: usize = 0;
    let mut rest = lines.iter().skip_while(|line| {
        let skipped = open > 0 || line.is_empty() || line.starts_with("//") || line.starts_with("#[");
        if open > 0 || line.starts_with("#[") {
            open = (open + line.matches('[').count()).saturating_sub(line.matches(']').count());
        }
        skipped
    });
    let Some(line) = rest.next() else { return Documented::Item };
    let bare = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
    let bare = bare.strip_prefix("r#").unwrap_or(bare);
    let name: String = bare.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let behind = &bare[name.len()..];
    if name.starts_with(char::is_lowercase) && behind.starts_with(": ") {
        return Documented::Field;
    }
    if name.starts_with(char::is_uppercase) && (behind.is_empty() || behind.starts_with([',', '(', ' '])) {
        return Documented::Variant;
    }
    if line.contains("-> bool") { Documented::Predicate } else { Documented::Item }
}

/// The rule that a first line breaks, if it breaks any.
fn objection(line: &DocLine<'_>) -> Option<&'static str> {
    let mut words = line.text.split_whitespace();
    let first = words.next().unwrap_or_default().trim_end_matches([',', '.', ':', ';', '\'']);
    if line.of != Documented::Field && OPENERS.contains(&first) {
        return Some("begin with a noun, or with the verb of what a function does");
    }
    if !matches!(line.of, Documented::Field | Documented::Variant) && line.text.split_whitespace().count() <= 3 {
        return Some("say more than the name does");
    }
    let reports = line.of == Documented::Predicate && words.take(2).any(|word| word == "whether");
    reports.then_some("begin with \"Returns `true` if\"")
}

#[test]
fn a_first_doc_line_stands_alone() {
    let all: Vec<Source> = program().into_iter().chain(sources("tests")).collect();
    let (mut seen, mut found) = (0, Vec::new());
    for source in &all {
        let lines = first_lines(&source.text);
        seen += lines.len();
        let broken = lines.iter().filter_map(|line| Some((line, objection(line)?)));
        found.extend(broken.map(|(line, why)| format!("{}:{}: {why}: {}", source.path, line.number, line.text)));
    }
    println!("looked at {seen} first doc lines");
    assert!(seen > 3000, "only {seen} first doc lines were found");
    assert!(found.is_empty(), "rustdoc shows this line alone: rewrite it\n{}", found.join("\n"));
}

#[test]
fn the_rule_for_first_doc_lines_depends_on_the_item() {
    let cases = [
        ("//! How things are.", "", false),
        ("//! The things there are.", "", true),
        ("/// What a thing is.", "#[expect(\n    dead_code,\n    reason = \"…\"\n)]\npub struct Thing {", false),
        ("/// What a thing is called.", "pub name: String,", true),
        ("/// Name.", "#[serde(default)]\nr#type: String,", true),
        ("/// Large.", "Large,", true),
        ("/// It is small.", "Small(u8),", false),
        ("/// Opens it.", "fn open() {", false),
        ("/// Opens a thing for reading.", "fn open() {", true),
        ("/// Tells whether a thing is open.", "fn is_open() -> bool {", false),
        ("/// Returns `true` if a thing is open.", "fn is_open() -> bool {", true),
    ];
    for (doc, item, kept) in cases {
        let source = format!("{doc}\n{item}\n");
        let lines = first_lines(&source);
        assert_eq!(objection(&lines[0]).is_none(), kept, "{doc} {item}");
    }
}

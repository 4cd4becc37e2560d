//! Judges of output that can only be read: by the rules of each form, which are said here once more and not taken from
//! the program.

use serde_json::Value as Json;

/// A form of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Human,
    /// For people, in colour.
    Colored,
    /// One document; for people where there is none.
    Json,
    /// A document a line.
    Lines,
    /// GitHub's commands, a line each.
    Commands,
    Markdown,
    Junit,
    Dot,
    Mermaid,
    /// Assignments.
    Shell,
}

/// The forms of `--report`, by their names.
pub const REPORTS: [(Form, &str); 5] = [
    (Form::Markdown, "md"),
    (Form::Json, "json"),
    (Form::Lines, "ndjson"),
    (Form::Commands, "github"),
    (Form::Junit, "junit"),
];

/// The mistake in a text of a form; nothing if it is as it should be.
pub fn judge(form: Form, text: &str) -> Option<String> {
    let text = if form == Form::Colored { without_colors(text) } else { text.to_owned() };
    let wrong = steers(form, &text).or_else(|| match form {
        Form::Json => (!text.is_empty()).then(|| parsed(&text)).flatten(),
        Form::Lines => text.lines().find_map(parsed),
        Form::Markdown => active(&text),
        Form::Junit => (!text.is_empty()).then(|| elements(&text)).flatten(),
        Form::Dot => text.lines().find(|line| !quotes(line).is_multiple_of(2)).map(str::to_owned),
        Form::Mermaid => text
            .lines()
            .find(|line| label(line).is_some_and(|label| label.contains(['"', '<', '`', '['])))
            .map(str::to_owned),
        Form::Shell => text.lines().find(|line| !is_assignment(line)).map(str::to_owned),
        Form::Human | Form::Colored | Form::Commands => None,
    });
    wrong.map(|wrong| format!("{form:?}: {wrong}\n{}", text.escape_debug().to_string().replace("\\n", "\n")))
}

/// A character, or the beginning of a line, that does more than stand there.
fn steers(form: Form, text: &str) -> Option<String> {
    let unseen = |c: char| {
        let hidden = "\u{ad}\u{61c}\u{feff}\u{2060}".contains(c)
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{e0000}'..='\u{e0fff}');
        hidden || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(c) = text.chars().find(|c| unseen(*c) || c.is_control() && *c != '\n' && *c != '\t') {
        return Some(format!("it holds {c:?}"));
    }
    for line in text.split('\n') {
        let begin = line.trim_start();
        if ["##[", "##vso[", "##teamcity["].iter().any(|command| line.contains(command)) {
            return Some(format!("a command within {line:?}"));
        }
        let ours = ["::error ", "::warning ", "::notice "];
        let is_ours = form == Form::Commands && ours.iter().any(|command| line.starts_with(command));
        if begin.starts_with("::") && !is_ours || form == Form::Commands && !is_ours && !line.is_empty() {
            return Some(format!("a command is {line:?}"));
        }
        if ["FORGED", "# FORGED", "--- FORGED"].iter().any(|forged| begin.starts_with(forged)) {
            return Some(format!("somebody else wrote {line:?}"));
        }
    }
    None
}

/// Without the escape sequences that are ours: the basic colours, bold and dim, and their end.
fn without_colors(text: &str) -> String {
    let ours = ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m", "[36m"];
    // What annotates configs has colours of its own.
    let theirs = ["[1m\u{1b}[91m", "[91m", "[94m", "[93m", "[96m", "[92m", "[95m"];
    let sequences = ours.iter().chain(&theirs).map(|code| format!("\u{1b}{code}"));
    sequences.fold(text.to_owned(), |text, sequence| text.replace(&sequence, ""))
}

fn parsed(text: &str) -> Option<String> {
    serde_json::from_str::<Json>(text).err().map(|error| error.to_string())
}

/// A line that Markdown would make something of: links, pictures, HTML, headings, people who are mentioned.
fn active(text: &str) -> Option<String> {
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => {}
            None if ticks.len() > 2 => fence = Some(ticks),
            // Code, since a paragraph never comes before it.
            None if line.starts_with("    ") => {}
            None => {
                let prose = without_escapes(&without_code(line));
                let found = ["<img", "<!-- |", "](javascript", "![FORGED", "@org", "http://x"];
                if let Some(found) = found.iter().find(|found| prose.contains(**found)) {
                    return Some(format!("`{found}` in {line:?}"));
                }
            }
        }
    }
    fence.map(|open| format!("{open} is never closed"))
}

/// A line of Markdown without what a backslash makes mere text.
fn without_escapes(line: &str) -> String {
    let mut shown = String::new();
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let behind = characters.clone().next();
        if c == '\\' && behind.is_some_and(|c| c.is_ascii_punctuation()) {
            characters.next();
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A line of Markdown without its code.
fn without_code(line: &str) -> String {
    let (mut prose, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('`') {
        prose.push_str(&rest[..at]);
        if prose.ends_with('\\') {
            prose.push('`');
            rest = &rest[at + 1..];
            continue;
        }
        let length = rest[at..].chars().take_while(|c| *c == '`').count();
        let (ticks, behind) = rest[at..].split_at(length);
        let closed = behind
            .match_indices(ticks)
            .find(|(end, _)| !behind[..*end].ends_with('`') && !behind[end + length..].starts_with('`'));
        rest = closed.map_or(behind, |(end, _)| &behind[end + length..]);
    }
    prose + rest
}

/// The reason why a text is no well-formed document of the elements that test reporters know.
fn elements(text: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        match reader.read_event() {
            Err(error) => return Some(error.to_string()),
            Ok(quick_xml::events::Event::Eof) => return None,
            Ok(quick_xml::events::Event::Start(start)) => {
                let name = start.local_name().as_ref().to_owned();
                let known = ["testsuites", "testsuite", "testcase", "failure", "error", "skipped"];
                if !known.iter().any(|known| *known == name) {
                    return Some(format!("an element {name:?}"));
                }
            }
            Ok(_) => {}
        }
    }
}

/// The quotes of a line of Graphviz that are none within a text.
fn quotes(line: &str) -> usize {
    line.replace("\\\\", "").replace("\\\"", "").matches('"').count()
}

/// The text of a node of Mermaid's.
fn label(line: &str) -> Option<&str> {
    line.split_once("[\"")?.1.strip_suffix("\"]")
}

fn is_assignment(line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else { return false };
    let inner = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && inner.is_some_and(|inner| !inner.replace(r"'\''", "").contains('\''))
}

#[test]
fn what_is_hostile_is_found() {
    for (form, text) in [
        (Form::Human, "a\u{1b}[31m"),
        (Form::Human, "a\n  ::error::x"),
        (Form::Human, "a ##[error]"),
        (Form::Human, "a\nFORGED line"),
        (Form::Colored, "\u{1b}[31mred\u{1b}[0m \u{1b}[2J"),
        (Form::Json, "{"),
        (Form::Lines, "{}\nx"),
        (Form::Commands, "::error title=x::y\nz"),
        (Form::Commands, "::add-mask::y"),
        (Form::Markdown, "a <img src=x>"),
        (Form::Markdown, "a `b` @org/team"),
        (Form::Markdown, "```\nnever"),
        (Form::Junit, "<testsuites><a></a></testsuites>"),
        (Form::Dot, "  \"a\"b\" -> \"c\";"),
        (Form::Mermaid, "  n0[\"a\" <b>\"]"),
        (Form::Shell, "A='b'c'"),
    ] {
        assert!(judge(form, text).is_some(), "{form:?} {text:?}");
    }
    for (form, text) in [
        (Form::Colored, "\u{1b}[31mred\u{1b}[0m a::b"),
        (Form::Markdown, "`<img>` ``a`@org``\n```diff\n<img\n```\n\n    <img"),
        (Form::Commands, "::error file=a,title=b::c%0A::d\n"),
        (Form::Shell, "A='it'\\''s'"),
        (Form::Dot, "  \"a\\\\\" [label=\"\\\"\"];"),
    ] {
        assert_eq!(judge(form, text), None, "{form:?} {text:?}");
    }
}

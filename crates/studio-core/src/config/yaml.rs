//! Parser from text to tree: YAML 1.2 with its core schema, in the dialect that MDAA's parser reads.
//!
//! Only what the core schema names is more than text: `yes`, `1_000`, `12:30` and dates are text, `010` is ten. `<<` is an
//! ordinary key. Unknown tags make their scalars text. A key may stand once. Anchors and aliases work, within a budget.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as ParserSpan, StructureStyle, Tag};
use indexmap::IndexMap;
use serde_json::Number;

use super::codes;
use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::tree::{Member, Tree, YamlValue};
use crate::model::Source;

/// Budget for values that aliases copy: a "billion laughs" attack needs billions, a domain of thousands of users some
/// ten thousand.
const ALIAS_BUDGET: usize = 100_000;
/// Budget for bytes of text that aliases copy and `!include` inserts; a config has some ten thousand.
const COPY_BUDGET: usize = 4 << 20;
/// Limit on nested values; configs nest about ten deep.
const DEPTH_LIMIT: usize = 64;

/// Reads the file that an `!include` names, relative to the current directory; the error says why it cannot be read.
pub type Include<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// The tree of one file's text, whose root is a mapping.
pub fn parse(file: &str, text: &str, include: &Include<'_>) -> Result<Tree, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        file,
        text,
        open: Vec::new(),
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        copied: Size::default(),
        include,
        diagnostics: Diagnostics::default(),
    };
    let root = reader.document().map_err(|fatal| {
        let mut diagnostics = std::mem::take(&mut reader.diagnostics);
        diagnostics.push(*fatal);
        diagnostics
    })?;
    if reader.diagnostics.has_errors() { Err(reader.diagnostics) } else { Ok(root) }
}

/// A mistake after which reading cannot go on; boxed since it is large and rare.
type Fatal = Box<Diagnostic>;

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// Where the brackets and braces stand that are not closed yet.
    open: Vec<Span>,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Measured>,
    copied: Size,
    include: &'a Include<'a>,
    diagnostics: Diagnostics,
}

/// A tree as it is read, with its size, so that an alias for it can be refused before it is copied.
#[derive(Clone)]
struct Measured {
    tree: Tree,
    size: Size,
    depth: usize,
}

/// Size of a tree, in values and in bytes of text.
#[derive(Clone, Copy, Default)]
struct Size {
    values: usize,
    bytes: usize,
}

impl Size {
    /// One value, or a key, with its text.
    fn of(text: &str) -> Self {
        Self { values: 1, bytes: text.len() }
    }

    fn add(&mut self, other: Self) {
        self.values = self.values.saturating_add(other.values);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Tree, Fatal> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    let span = self.span(at);
                    return Err(Box::new(
                        Diagnostic::new(&codes::SEVERAL_DOCUMENTS, format!("{} holds several documents", self.file))
                            .label(&span, "a second one begins here")
                            .help("put each document into its own file; several files are merged left to right"),
                    ));
                }
                Event::DocumentStart(..) => {
                    let (event, at) = self.next()?;
                    root = Some(self.value(event, at, 0)?.tree);
                }
                _ => {}
            }
        }
        match root {
            Some(tree @ Tree { value: YamlValue::Map(_), .. }) => Ok(tree),
            Some(Tree { value: YamlValue::Null, span }) => Err(self.empty("is empty").label(&span, "").into()),
            Some(other) => {
                Err(self.empty(&format!("holds {} instead of a mapping", other.describe())).at(&other.span).into())
            }
            None => {
                let span = Span { source: Source { file: self.file.into(), line: 1, column: 1 }, length: 1 };
                Err(self.empty("is empty").at(&span).into())
            }
        }
    }

    fn empty(&self, what: &str) -> Diagnostic {
        Diagnostic::new(&codes::EMPTY, format!("{} {what}", self.file))
            .help("a config is a mapping with the key `domain`; the command init writes one to start from")
    }

    fn value(&mut self, event: Event<'a>, at: ParserSpan, depth: usize) -> Result<Measured, Fatal> {
        let span = self.span(at);
        self.spend(Size::default(), depth, &span)?;
        let (anchor, measured) = match event {
            Event::Alias(id) => return self.alias(id, depth, &span),
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), &span)?;
                let size = Size::of(if let YamlValue::Text(text) = &value { text } else { "" });
                (anchor, Measured { tree: Tree { value, span }, size, depth: 0 })
            }
            Event::SequenceStart(style, anchor, _) => {
                (anchor, self.within(style, span, |reader, span| reader.list(span, depth))?)
            }
            Event::MappingStart(style, anchor, _) => {
                (anchor, self.within(style, span, |reader, span| reader.map(span, depth))?)
            }
            other => {
                let summary = format!("{other:?} is out of place");
                let help = "look for a missing value or a mark too many";
                return Err(Box::new(Diagnostic::new(&codes::SYNTAX, summary).at(&span).help(help)));
            }
        };
        if anchor > 0 {
            self.anchors.insert(anchor, measured.clone());
        }
        Ok(measured)
    }

    /// Reads a collection, remembering where it began if it has to be closed.
    fn within(
        &mut self,
        style: StructureStyle,
        span: Span,
        read: impl FnOnce(&mut Self, Span) -> Result<Measured, Fatal>,
    ) -> Result<Measured, Fatal> {
        if style != StructureStyle::Flow {
            return read(self, span);
        }
        self.open.push(span.clone());
        let collection = read(self, span)?;
        self.open.pop();
        Ok(collection)
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Measured, Fatal> {
        let (mut items, mut size, mut deepest) = (Vec::new(), Size::of(""), 0);
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                let tree = Tree { value: YamlValue::List(items), span };
                return Ok(Measured { tree, size, depth: deepest + 1 });
            }
            let item = self.value(event, at, depth + 1)?;
            size.add(item.size);
            deepest = deepest.max(item.depth);
            items.push(item.tree);
        }
    }

    fn map(&mut self, span: Span, depth: usize) -> Result<Measured, Fatal> {
        let (mut members, mut size, mut deepest) = (IndexMap::<String, Member>::new(), Size::of(""), 0);
        loop {
            let (event, at) = self.next()?;
            let key_span = self.span(at);
            let key = match event {
                Event::MappingEnd => {
                    let tree = Tree { value: YamlValue::Map(members), span };
                    return Ok(Measured { tree, size, depth: deepest + 1 });
                }
                Event::Scalar(text, _, anchor, _) => {
                    if anchor > 0 {
                        let tree = Tree { value: YamlValue::Text(text.to_string()), span: key_span.clone() };
                        self.anchors.insert(anchor, Measured { tree, size: Size::of(&text), depth: 0 });
                    }
                    text.into_owned()
                }
                Event::Alias(id) => match self.alias(id, depth, &key_span)?.tree.value {
                    YamlValue::Text(text) => text,
                    _ => return Err(Self::bad_key(&key_span)),
                },
                _ => return Err(Self::bad_key(&key_span)),
            };
            let (event, at) = self.next()?;
            let value = self.value(event, at, depth + 1)?;
            size.add(Size::of(&key));
            size.add(value.size);
            deepest = deepest.max(value.depth);
            if let Some(first) = members.get(&key) {
                self.diagnostics.push(duplicate_key(&key, &key_span, &first.key));
            } else {
                members.insert(key, Member { key: key_span, value: value.tree });
            }
        }
    }

    #[expect(clippy::unnecessary_box_returns, reason = "every failure of the reader is one, kept small by its box")]
    fn bad_key(span: &Span) -> Fatal {
        let summary = "a key must be plain text";
        let help = "put quotes around a value that begins with `{`, such as \"{{context:name}}\"";
        Box::new(Diagnostic::new(&codes::SYNTAX, summary).at(span).help(help))
    }

    fn alias(&mut self, id: usize, depth: usize, span: &Span) -> Result<Measured, Fatal> {
        let Some(&Measured { size, depth: below, .. }) = self.anchors.get(&id) else {
            let summary = "an alias refers to the value that holds it";
            let help = "write out what is meant";
            return Err(Box::new(Diagnostic::new(&codes::SYNTAX, summary).at(span).help(help)));
        };
        self.spend(size, depth + below, span)?;
        Ok(self.anchors[&id].clone())
    }

    /// Counts what is about to be copied, and refuses what is too much or too deep.
    fn spend(&mut self, size: Size, depth: usize, span: &Span) -> Result<(), Fatal> {
        self.copied.add(size);
        let (summary, help) = if self.copied.values > ALIAS_BUDGET {
            (format!("the aliases of {} copy more than {ALIAS_BUDGET} values", self.file), "use fewer aliases")
        } else if self.copied.bytes > COPY_BUDGET {
            let summary = format!("aliases and includes of {} copy more than {} MB", self.file, COPY_BUDGET >> 20);
            (summary, "use fewer of them, or put long texts into assets")
        } else if depth > DEPTH_LIMIT {
            (format!("{} nests values more than {DEPTH_LIMIT} deep", self.file), "no setting lies as deep as that")
        } else {
            return Ok(());
        };
        Err(Box::new(Diagnostic::new(&codes::TOO_LARGE, summary).at(span).help(help)))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<YamlValue, Fatal> {
        if let Some(tag) = tag {
            if tag.handle() == "!" && tag.suffix() == "include" {
                return self.included(text, span);
            }
            return Ok(match tag.core_suffix() {
                Some("null" | "bool" | "int" | "float") => core_value(text),
                _ => YamlValue::Text(text.into()),
            });
        }
        Ok(if style == ScalarStyle::Plain { core_value(text) } else { YamlValue::Text(text.into()) })
    }

    fn included(&mut self, path: &str, span: &Span) -> Result<YamlValue, Fatal> {
        let path = super::document::join(super::document::folder(self.file), path);
        match (self.include)(&path) {
            Ok(text) => {
                self.spend(Size::of(&text), 0, span)?;
                Ok(YamlValue::Text(text))
            }
            Err(reason) => {
                let summary = format!("`{path}` cannot be included: {reason}");
                let help = "the path is relative to the folder of this file";
                self.diagnostics.push(Diagnostic::new(&codes::INCLUDE, summary).at(span).help(help));
                Ok(YamlValue::Broken)
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, ParserSpan), Fatal> {
        loop {
            match self.events.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => return Err(Box::new(self.syntax(&error))),
                None => return Ok((Event::StreamEnd, ParserSpan::default())),
            }
        }
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let marker = error.marker();
        let mut source = Source { file: self.file.into(), line: marker.line().max(1), column: marker.col() + 1 };
        let lines = self.text.lines().count();
        if source.line > lines {
            // What is missing at the end is missing on the last line, not behind it.
            let last = self.text.lines().last().unwrap_or_default();
            (source.line, source.column) = (lines.max(1), last.chars().count() + 1);
        }
        let span = Span { source, length: 1 };
        // The parser has a limit of its own, which depth reaches before values are counted.
        if error.info().contains("recursion limit") {
            let summary = format!("{} nests values too deep", self.file);
            return Diagnostic::new(&codes::TOO_LARGE, summary).at(&span).help("no setting lies as deep as that");
        }
        let mistake = Diagnostic::new(&codes::SYNTAX, format!("{} is not YAML: {}", self.file, error.info())).at(&span);
        let line = self.text.lines().nth(span.source.line - 1).unwrap_or_default();
        let indentation = &line[..line.len() - line.trim_start().len()];
        if indentation.contains('\t') {
            return mistake.help("indent with spaces: YAML allows no tabs there");
        }
        if let Some(open) = self.open.last() {
            let closing = if self.character(open) == Some('[') { ']' } else { '}' };
            let help =
                format!("close it with `{closing}`, or put quotes around text that holds brackets, braces or commas");
            return mistake.label(open, "this is still open").help(help);
        }
        if error.info().contains("unknown anchor") {
            return mistake.help("put `&` and the same name in front of the value that it stands for, further up");
        }
        mistake.help("look at this line and the one above for a missing quote or colon, or for text that needs quotes")
    }

    /// The character at the beginning of a span.
    fn character(&self, span: &Span) -> Option<char> {
        let line = self.text.lines().nth(span.source.line - 1)?;
        line.chars().nth(span.source.column - 1)
    }

    fn span(&self, at: ParserSpan) -> Span {
        let (start, end) = (at.start, at.end);
        let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
        let source = Source { file: self.file.into(), line: start.line().max(1), column: start.col() + 1 };
        Span { source, length: length.max(1) }
    }
}

/// A diagnostic for a key that is given twice, with both spans.
pub fn duplicate_key(key: &str, second: &Span, first: &Span) -> Diagnostic {
    Diagnostic::new(&codes::DUPLICATE_KEY, format!("`{key}` is given twice"))
        .label(second, "again here")
        .label(first, "first here")
        .help("keep one of them")
}

/// The value of a plain scalar by YAML's core schema.
fn core_value(text: &str) -> YamlValue {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => YamlValue::Null,
        "true" | "True" | "TRUE" => YamlValue::Boolean(true),
        "false" | "False" | "FALSE" => YamlValue::Boolean(false),
        _ => core_number(text).map_or_else(|| YamlValue::Text(text.into()), YamlValue::Number),
    }
}

fn core_number(text: &str) -> Option<Number> {
    let digits = |text: &str, radix: u32| {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        plain.then(|| i64::from_str_radix(text, radix).ok()).flatten().map(Number::from)
    };
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent));
    if !is_number {
        return None;
    }
    // `i64` reads a plus sign, `f64` a missing whole or fraction; both ignore leading zeros, as the core schema does.
    text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(text: &str) -> Result<Tree, Diagnostics> {
        parse("dir/a.yaml", text, &|path| match path {
            "dir/script.sh" => Ok("echo hi\n".into()),
            other => Err(format!("no {other}")),
        })
    }

    fn value(text: &str) -> Json {
        read(&format!("k: {text}\n")).unwrap().to_json()["k"].clone()
    }

    fn codes_of(text: &str) -> Vec<&'static str> {
        read(text).unwrap_err().iter().map(|d| d.code).collect()
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let cases = [
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("010", json!(10)),
            ("0o10", json!(8)),
            ("0x1F", json!(31)),
            ("1e3", json!(1000.0)),
            ("1_000", json!("1_000")),
            ("12:30", json!("12:30")),
            ("2020-01-01", json!("2020-01-01")),
            ("TRUE", json!(true)),
            ("tRUE", json!("tRUE")),
            ("'443'", json!("443")),
            ("-1", json!(-1)),
            ("+5", json!(5)),
            ("443.5", json!(443.5)),
            (".5", json!(0.5)),
            ("1.", json!(1.0)),
            ("e3", json!("e3")),
            ("1e", json!("1e")),
            (".", json!(".")),
            ("-", json!(["x"])),
            ("~", json!(null)),
            ("", json!(null)),
            ("!custom 5", json!("5")),
            ("!!str 5", json!("5")),
            ("!!int '5'", json!(5)),
            ("!include ./script.sh", json!("echo hi\n")),
            ("!include script.sh", json!("echo hi\n")),
            ("\"{{context:x}}\"", json!("{{context:x}}")),
            ("123456789012345678901234567890", json!(1.234_567_890_123_456_8e29)),
        ];
        for (text, expected) in cases.into_iter().filter(|(text, _)| *text != "-") {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let tree = read("a:\n  b: [x, 'yy']\n").unwrap();
        let member = &tree.get("a").unwrap().map().unwrap()["b"];
        assert_eq!((member.key.source.line, member.key.source.column, member.key.length), (2, 3, 1));
        let YamlValue::List(items) = &member.value.value else { panic!() };
        assert_eq!((items[1].span.source.line, items[1].span.source.column, items[1].span.length), (2, 10, 4));
    }

    #[test]
    fn what_is_not_a_config_is_refused() {
        let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
        let cases = [
            ("a: 1\nb: 2\na: 3\nb: 4\n", vec!["SD1002", "SD1002"]),
            ("a: 1\n---\nb: 2\n", vec!["SD1008"]),
            ("", vec!["SD1009"]),
            ("# nothing\n", vec!["SD1009"]),
            ("---\n", vec!["SD1009"]),
            ("- a\n", vec!["SD1009"]),
            ("a: [\n", vec!["SD1001"]),
            ("a: b: c\n", vec!["SD1001"]),
            ("? {a: b}\n: c\n", vec!["SD1001"]),
            ("a: {{context:x}}\n", vec!["SD1001"]),
            ("a: &x [*x]\n", vec!["SD1001"]),
            ("a: *nobody\n", vec!["SD1001"]),
            ("a: !include gone\n", vec!["SD1010"]),
            (&deep, vec!["SD1007"]),
        ];
        for (text, expected) in cases {
            assert_eq!(codes_of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_built() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_string();
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
        }
        assert_eq!(codes_of(&text), ["SD1007"]);
        let long = "x".repeat(100_000);
        let copies = vec!["*a"; 9000].join(", ");
        assert_eq!(codes_of(&format!("x: &a {long}\nz: [{copies}]\n")), ["SD1007"]);
        assert_eq!(codes_of(&format!("x: &a [{long}]\nz: [{copies}]\n")), ["SD1007"]);
        assert_eq!(codes_of(&format!("x: &a {{{}: 1}}\nz: [{copies}]\n", &long[..1000])), ["SD1007"]);
        let keys: String = (0..9000).map(|_| "- {*a : 1}\n").collect();
        assert_eq!(codes_of(&format!("x: &a {long}\nz:\n{keys}")), ["SD1007"]);
    }

    #[test]
    fn includes_have_a_budget_too() {
        let text: String = (0..100).map(|index| format!("k{index}: !include long\n")).collect();
        let read = parse("a.yaml", &text, &|_| Ok("x".repeat(100_000)));
        assert_eq!(read.unwrap_err().iter().map(|d| d.code).collect::<Vec<_>>(), ["SD1007"]);
    }

    #[test]
    fn aliases_copy_and_double_angle_is_a_key() {
        let tree = read("a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n").unwrap();
        assert_eq!(tree.to_json(), json!({"a": {"x": 1}, "b": {"x": 1}, "c": {"<<": {"x": 1}}}));
    }

    #[test]
    fn a_byte_order_mark_is_nothing() {
        assert_eq!(read("\u{feff}a: 1\n").unwrap().to_json(), json!({"a": 1}));
    }
}

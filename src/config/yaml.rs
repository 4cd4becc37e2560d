//! Text to tree: YAML 1.2 with its core schema, in the dialect that MDAA's parser reads.
//!
//! Only what the core schema names is more than text: `yes`, `1_000`, `12:30` and dates are text, `010` is ten. `<<` is an
//! ordinary key. Unknown tags make their scalars text. A key may stand once. Anchors and aliases work, within a budget.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use indexmap::IndexMap;
use serde_json::Number;

use super::codes;
use super::diagnostic::{Diagnostic, Diagnostics, Place};
use super::tree::{Member, Tree, Value};
use crate::model::Source;

/// How many values aliases may copy in all; a bomb wants billions, a domain of thousands of users some ten thousand.
const ALIAS_BUDGET: usize = 100_000;
/// How deep values may nest; configs nest about ten deep.
const DEPTH_LIMIT: usize = 64;

/// Reads the file that an `!include` names, relative to the current directory; the error says why it cannot be read.
pub type Include<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// The tree of one file's text, whose root is a mapping.
pub fn parse(file: &str, text: &str, include: &Include<'_>) -> Result<Tree, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        file,
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        copied: 0,
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
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Anchor>,
    copied: usize,
    include: &'a Include<'a>,
    diagnostics: Diagnostics,
}

/// What an anchor stands for, with its size, so that an alias can be refused before it is copied.
struct Anchor {
    tree: Tree,
    values: usize,
    depth: usize,
}

/// A tree as it is read, with its size.
struct Measured {
    tree: Tree,
    values: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Tree, Fatal> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    let place = self.place(span);
                    return Err(Box::new(
                        Diagnostic::new(&codes::SEVERAL_DOCUMENTS, format!("{} holds several documents", self.file))
                            .note(&place, "a second one begins here")
                            .help("put each document into its own file; several files are merged left to right"),
                    ));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.value(event, span, 0)?.tree);
                }
                _ => {}
            }
        }
        match root {
            Some(tree @ Tree { value: Value::Map(_), .. }) => Ok(tree),
            Some(Tree { value: Value::Null, place }) => Err(self.empty("is empty").note(&place, "").into()),
            Some(other) => {
                Err(self.empty(&format!("holds {} instead of a mapping", other.describe())).at(&other.place).into())
            }
            None => {
                let place = Place { source: Source { file: self.file.into(), line: 1, column: 1 }, length: 1 };
                Err(self.empty("is empty").at(&place).into())
            }
        }
    }

    fn empty(&self, what: &str) -> Diagnostic {
        Diagnostic::new(&codes::EMPTY, format!("{} {what}", self.file))
            .help("a config is a mapping with the key `domain`; `studio-deploy init` writes one to start from")
    }

    fn value(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Measured, Fatal> {
        let place = self.place(span);
        self.spend(0, depth, &place)?;
        let (anchor, measured) = match event {
            Event::Alias(id) => return self.alias(id, depth, &place),
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), &place);
                (anchor, Measured { tree: Tree { value, place }, values: 1, depth: 0 })
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.list(place, depth)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map(place, depth)?),
            other => {
                let summary = format!("{other:?} is out of place");
                return Err(Box::new(Diagnostic::new(&codes::SYNTAX, summary).at(&place)));
            }
        };
        if anchor > 0 {
            let Measured { ref tree, values, depth } = measured;
            self.anchors.insert(anchor, Anchor { tree: tree.clone(), values, depth });
        }
        Ok(measured)
    }

    fn list(&mut self, place: Place, depth: usize) -> Result<Measured, Fatal> {
        let (mut items, mut values, mut deepest) = (Vec::new(), 1, 0);
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                let tree = Tree { value: Value::List(items), place };
                return Ok(Measured { tree, values, depth: deepest + 1 });
            }
            let item = self.value(event, span, depth + 1)?;
            values += item.values;
            deepest = deepest.max(item.depth);
            items.push(item.tree);
        }
    }

    fn map(&mut self, place: Place, depth: usize) -> Result<Measured, Fatal> {
        let (mut members, mut values, mut deepest) = (IndexMap::<String, Member>::new(), 1, 0);
        loop {
            let (event, span) = self.next()?;
            let key_place = self.place(span);
            let key = match event {
                Event::MappingEnd => {
                    let tree = Tree { value: Value::Map(members), place };
                    return Ok(Measured { tree, values, depth: deepest + 1 });
                }
                Event::Scalar(text, _, anchor, _) => {
                    if anchor > 0 {
                        let tree = Tree { value: Value::Text(text.to_string()), place: key_place.clone() };
                        self.anchors.insert(anchor, Anchor { tree, values: 1, depth: 0 });
                    }
                    text.into_owned()
                }
                Event::Alias(id) => match self.anchors.get(&id).and_then(|anchor| anchor.tree.text()) {
                    Some(text) => text.to_string(),
                    None => return Err(Self::bad_key(&key_place)),
                },
                _ => return Err(Self::bad_key(&key_place)),
            };
            let (event, span) = self.next()?;
            let value = self.value(event, span, depth + 1)?;
            values += value.values + 1;
            deepest = deepest.max(value.depth);
            if let Some(first) = members.get(&key) {
                self.diagnostics.push(duplicate_key(&key, &key_place, &first.key));
            } else {
                members.insert(key, Member { key: key_place, value: value.tree });
            }
        }
    }

    #[expect(clippy::unnecessary_box_returns, reason = "every failure of the reader is one, kept small by its box")]
    fn bad_key(place: &Place) -> Fatal {
        let summary = "a key must be plain text";
        let help = "put quotes around a value that begins with `{`, such as \"{{context:name}}\"";
        Box::new(Diagnostic::new(&codes::SYNTAX, summary).at(place).help(help))
    }

    fn alias(&mut self, id: usize, depth: usize, place: &Place) -> Result<Measured, Fatal> {
        let Some(&Anchor { values, depth: below, .. }) = self.anchors.get(&id) else {
            let summary = "an alias refers to the value that holds it";
            return Err(Box::new(Diagnostic::new(&codes::SYNTAX, summary).at(place)));
        };
        self.spend(values, depth + below, place)?;
        let tree = self.anchors[&id].tree.clone();
        Ok(Measured { tree, values, depth: below })
    }

    fn spend(&mut self, values: usize, depth: usize, place: &Place) -> Result<(), Fatal> {
        self.copied = self.copied.saturating_add(values);
        let summary = if self.copied > ALIAS_BUDGET {
            format!("the aliases of {} copy more than {ALIAS_BUDGET} values", self.file)
        } else if depth > DEPTH_LIMIT {
            format!("{} nests values more than {DEPTH_LIMIT} deep", self.file)
        } else {
            return Ok(());
        };
        Err(Box::new(Diagnostic::new(&codes::TOO_LARGE, summary).at(place)))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, place: &Place) -> Value {
        if let Some(tag) = tag {
            if tag.handle() == "!" && tag.suffix() == "include" {
                return self.included(text, place);
            }
            return match tag.core_suffix() {
                Some("null" | "bool" | "int" | "float") => core_value(text),
                _ => Value::Text(text.into()),
            };
        }
        if style == ScalarStyle::Plain { core_value(text) } else { Value::Text(text.into()) }
    }

    fn included(&mut self, path: &str, place: &Place) -> Value {
        let path = super::document::join(super::document::folder(self.file), path);
        (self.include)(&path).map_or_else(
            |reason| {
                let summary = format!("`{path}` cannot be included: {reason}");
                let help = "the path is relative to the folder of this file";
                self.diagnostics.push(Diagnostic::new(&codes::INCLUDE, summary).at(place).help(help));
                Value::Broken
            },
            Value::Text,
        )
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Fatal> {
        loop {
            match self.events.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => return Err(Box::new(self.syntax(&error))),
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let marker = error.marker();
        let source = Source { file: self.file.into(), line: marker.line().max(1), column: marker.col() + 1 };
        let place = Place { source, length: 1 };
        // The parser has a limit of its own, which depth reaches before values are counted.
        if error.info().contains("recursion limit") {
            return Diagnostic::new(&codes::TOO_LARGE, format!("{} nests values too deep", self.file)).at(&place);
        }
        Diagnostic::new(&codes::SYNTAX, format!("{} is not YAML: {}", self.file, error.info())).at(&place)
    }

    fn place(&self, span: Span) -> Place {
        let (start, end) = (span.start, span.end);
        let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
        let source = Source { file: self.file.into(), line: start.line().max(1), column: start.col() + 1 };
        Place { source, length: length.max(1) }
    }
}

/// That a key is given twice, with both places.
pub fn duplicate_key(key: &str, second: &Place, first: &Place) -> Diagnostic {
    Diagnostic::new(&codes::DUPLICATE_KEY, format!("`{key}` is given twice"))
        .note(second, "again here")
        .note(first, "first here")
        .help("keep one of them")
}

/// What the core schema makes of a plain scalar.
fn core_value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Boolean(true),
        "false" | "False" | "FALSE" => Value::Boolean(false),
        _ => core_number(text).map_or_else(|| Value::Text(text.into()), Value::Number),
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
        let Value::List(items) = &member.value.value else { panic!() };
        assert_eq!((items[1].place.source.line, items[1].place.source.column, items[1].place.length), (2, 10, 4));
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

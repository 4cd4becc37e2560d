//! XML to JSON and back, for the protocols that speak it.

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::Event;
use serde_json::{Map, Value as Json};

/// Form in which a protocol writes a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// `<Name><member>…</member></Name>`, as in IAM and STS.
    Members,
    /// `<name><item>…</item></name>`, as in EC2.
    Items,
    /// `<Name>…</Name>` once an entry, as in S3.
    Flat,
}

/// An element called `name` with `value` inside.
pub fn render(name: &str, value: &Json, lists: Lists) -> String {
    let mut out = String::new();
    write(&mut out, name, value, lists);
    out
}

fn write(out: &mut String, name: &str, value: &Json, lists: Lists) {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    match value {
        Json::Null => return,
        Json::Array(items) => {
            let entry = match lists {
                Lists::Members => "member",
                Lists::Items => "item",
                Lists::Flat => {
                    for item in items {
                        write(out, name, item, lists);
                    }
                    return;
                }
            };
            out.push_str(&open);
            for item in items {
                write(out, entry, item, lists);
            }
        }
        Json::Object(members) => {
            out.push_str(&open);
            for (member, value) in members {
                write(out, member, value, lists);
            }
        }
        Json::String(text) => {
            out.push_str(&open);
            out.push_str(&text_of(text));
        }
        Json::Bool(_) | Json::Number(_) => {
            out.push_str(&open);
            out.push_str(&value.to_string());
        }
    }
    out.push_str(&close);
}

/// Returns `true` if XML 1.0 can hold a character at all, written out or as a reference (XML 1.0, section 2.2, `Char`).
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A text as XML writes it. A carriage return is a reference, since a reader would make a line feed of it. What XML cannot
/// hold becomes U+FFFD: S3 does write such a character of a key as a reference, which no parser of XML 1.0 reads, and
/// offers `encoding-type` for it; a document that nobody can read would show nothing but that.
pub fn text_of(text: &str) -> String {
    let held: String = text.chars().map(|c| if is_character(c) { c } else { '\u{fffd}' }).collect();
    escape(held.as_str()).replace('\r', "&#13;")
}

/// Reads a document: its root's name, and its content with repeated elements as lists.
///
/// Attributes say nothing that the sandbox needs and are dropped.
pub fn parse(document: &[u8]) -> Option<(String, Json)> {
    let document = std::str::from_utf8(document).ok().filter(|text| text.chars().all(is_character))?;
    let mut reader = Reader::from_str(document);
    let mut open: Vec<(String, Map<String, Json>, String)> = Vec::new();
    loop {
        let closed = match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push((start.local_name().as_ref().to_owned(), Map::new(), String::new()));
                continue;
            }
            Event::Empty(start) => (start.local_name().as_ref().to_owned(), Json::String(String::new())),
            Event::Text(text) => {
                if let Some((_, _, content)) = open.last_mut() {
                    content.push_str(&text.xml10_content());
                }
                continue;
            }
            Event::CData(text) => {
                if let Some((_, _, content)) = open.last_mut() {
                    content.push_str(&text.xml10_content());
                }
                continue;
            }
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().ok()? {
                    Some(character) => is_character(character).then(|| character.to_string())?,
                    None => resolve_predefined_entity(&reference.xml10_content())?.to_owned(),
                };
                if let Some((_, _, content)) = open.last_mut() {
                    content.push_str(&resolved);
                }
                continue;
            }
            Event::End(_) => {
                let (name, members, content) = open.pop()?;
                (name, if members.is_empty() { Json::String(content) } else { Json::Object(members) })
            }
            Event::Eof => return None,
            _ => continue,
        };
        let (name, value) = closed;
        let Some((_, parent, _)) = open.last_mut() else { return Some((name, value)) };
        match parent.get_mut(&name) {
            None => {
                parent.insert(name, value);
            }
            Some(Json::Array(items)) => items.push(value),
            Some(first) => {
                let first = first.take();
                parent.insert(name, Json::Array(vec![first, value]));
            }
        }
    }
}

/// The entries of a flat list, which reads as a single value when there is only one.
pub fn entries(value: Option<&Json>) -> Vec<&Json> {
    match value {
        None => Vec::new(),
        Some(Json::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod round_trips;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_follow_the_protocol() {
        let value = json!({"Names": ["a", "b&c"], "Empty": null, "On": true});
        for (lists, expected) in [
            (Lists::Members, "<R><Names><member>a</member><member>b&amp;c</member></Names><On>true</On></R>"),
            (Lists::Items, "<R><Names><item>a</item><item>b&amp;c</item></Names><On>true</On></R>"),
            (Lists::Flat, "<R><Names>a</Names><Names>b&amp;c</Names><On>true</On></R>"),
        ] {
            assert_eq!(render("R", &value, lists), expected);
        }
    }

    #[test]
    fn documents_read_back() {
        let document = br#"<?xml version="1.0"?><Tagging xmlns="x"><TagSet><Tag><Key>a</Key><Value>1 &amp; &#50;</Value></Tag><Tag><Key>b</Key><Value/></Tag></TagSet></Tagging>"#;
        let (root, content) = parse(document).unwrap();
        assert_eq!(root, "Tagging");
        assert_eq!(content, json!({"TagSet": {"Tag": [{"Key": "a", "Value": "1 & 2"}, {"Key": "b", "Value": ""}]}}));
        assert_eq!(entries(content.pointer("/TagSet/Tag")).len(), 2);
        assert_eq!(parse(b"<a><b></a>"), None);
        assert_eq!(parse(b"not xml"), None);
        assert_eq!((parse(b"<a>&#1;</a>"), parse(b"<a>\x01</a>")), (None, None));
    }
}

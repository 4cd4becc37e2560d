//! Common ground of the services: a table of operations, reading an input, cutting lists into pages, tags, times.
//!
//! Whatever the protocol, an operation is a function from an input to an answer, both JSON in the API's own names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::wire::{Answer, Principal, Refusal};
use super::world::World;

/// The function behind an operation.
type Handler = fn(&mut World, Input<'_>, &Principal) -> Answer;

/// An operation that a service of the sandbox knows.
pub struct Operation {
    /// Its name in the API.
    pub name: &'static str,
    /// The members of its input that the sandbox models, separated by spaces; any other is refused, not ignored.
    pub members: &'static str,
    /// What it does.
    pub run: Handler,
}

/// Shorthand for a row of a service's table.
pub const fn operation(name: &'static str, members: &'static str, run: Handler) -> Operation {
    Operation { name, members, run }
}

/// Runs the operation called `name`.
pub fn call(table: &[Operation], world: &mut World, name: &str, input: &Json, caller: &Principal) -> Answer {
    let Some(operation) = table.iter().find(|operation| operation.name == name) else {
        return Err(Refusal::new(
            "UnknownOperationException",
            format!("the sandbox does not know the operation {name}"),
        ));
    };
    let Json::Object(members) = input else {
        return Err(Refusal::new("SerializationException", "the input is not a structure"));
    };
    // A member that would be ignored here but obeyed by AWS would make the sandbox lie.
    if let Some(member) = members.keys().find(|member| !operation.members.split(' ').any(|known| known == *member)) {
        let message = format!("the sandbox does not model the member {member} of {name}");
        return Err(Refusal::new("ValidationException", message));
    }
    (operation.run)(world, Input(input), caller)
}

/// Returns `true` if an operation of any service changes something.
pub fn writes(operation: &str) -> bool {
    const READS: [&str; 9] =
        ["Get", "List", "Describe", "Head", "Simulate", "AssumeRole", "Search", "CreatePresigned", "BatchGet"];
    !READS.iter().any(|prefix| operation.starts_with(prefix))
}

/// The input of an operation.
#[derive(Clone, Copy)]
pub struct Input<'a>(pub &'a Json);

impl<'a> Input<'a> {
    /// A member, whatever it is.
    pub fn get(self, name: &str) -> Option<&'a Json> {
        self.0.get(name).filter(|json| !json.is_null())
    }

    /// The member `name`, if it is a text.
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Json::as_str)
    }

    /// A text member that must be there.
    pub fn need(self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name).ok_or_else(|| {
            let place = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
            validation(format!(
                "1 validation error detected: Value null at '{place}' failed to satisfy constraint: Member must not be \
                 null"
            ))
        })
    }

    /// A number, which the query protocol sends as text.
    pub fn number(self, name: &str) -> Option<i64> {
        self.get(name).and_then(|json| json.as_i64().or_else(|| json.as_str()?.parse().ok()))
    }

    /// A truth value, which the query protocol sends as text; absent is false.
    pub fn flag(self, name: &str) -> bool {
        self.get(name).is_some_and(|json| json.as_bool() == Some(true) || json.as_str() == Some("true"))
    }

    /// A list member; absent is empty.
    pub fn list(self, name: &str) -> impl Iterator<Item = Input<'a>> {
        self.get(name).and_then(Json::as_array).into_iter().flatten().map(Input)
    }

    /// A list of texts; absent is empty.
    pub fn texts(self, name: &str) -> Vec<&'a str> {
        self.list(name).filter_map(|item| item.0.as_str()).collect()
    }

    /// The limit of a page, kept between 1 and `most`; `most` when the caller does not say.
    pub fn limit(self, name: &str, most: usize) -> usize {
        self.number(name).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(most).clamp(1, most)
    }

    /// A list of tags, each a structure with the members `key` and `value`.
    pub fn tags(self, name: &str, key: &str, value: &str) -> Result<BTreeMap<String, String>, Refusal> {
        let mut tags = BTreeMap::new();
        for tag in self.list(name) {
            let (tag_key, tag_value) = (tag.need(key)?, tag.text(value).unwrap_or_default());
            check_tag(tag_key, tag_value)?;
            if tags.insert(tag_key.to_owned(), tag_value.to_owned()).is_some() {
                return Err(Refusal::new("InvalidTag", format!("Duplicate tag keys found: {tag_key}")));
            }
        }
        if tags.len() > 50 {
            return Err(Refusal::new("TooManyTags", "The number of tags must not exceed 50."));
        }
        Ok(tags)
    }
}

/// A `ValidationException`, with HTTP 400.
pub fn validation(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

/// Refuses what no service takes as a tag: keys of 1 to 128 characters, values of up to 256, of letters, digits,
/// spaces and `_.:/=+-@`; the prefix `aws:` is AWS's own (AWS General Reference, "Tag naming limits and requirements").
pub fn check_tag(key: &str, value: &str) -> Result<(), Refusal> {
    let allowed = |text: &str| text.chars().all(|c| c.is_alphanumeric() || is_separator(c) || "_.:/=+-@".contains(c));
    if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
        return Err(validation(format!("1 validation error detected: the tag {key} is too long or has no key")));
    }
    if !allowed(key) || !allowed(value) {
        return Err(validation(format!(
            "1 validation error detected: Value '{value}' of the tag '{key}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*"
        )));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(validation(format!("aws: prefixed tag key names are not allowed for external use: {key}")));
    }
    Ok(())
}

/// Refuses that tags of AWS's own are removed, whichever service is asked: they can be neither edited nor deleted (Tagging AWS
/// resources user guide, "Tag naming limits and requirements"). The words of each service for it are a guess.
pub fn check_untagging(operation: &str, input: &Json) -> Result<(), Refusal> {
    const UNTAGS: [&str; 3] = ["Untag", "DeleteTags", "RemoveTagsFromResource"];
    if !UNTAGS.iter().any(|prefix| operation.starts_with(prefix)) {
        return Ok(());
    }
    let input = Input(input);
    let keys = ["TagKeys", "tagKeys"].into_iter().flat_map(|member| input.texts(member));
    let keys = keys.chain(input.list("Tag").filter_map(|tag| tag.text("Key")));
    match keys.into_iter().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        Some(key) => Err(validation(format!("aws: prefixed tag key names are not allowed for external use: {key}"))),
        None => Ok(()),
    }
}

/// `\p{Z}`, which tabs and line breaks do not belong to (Unicode character database, categories Zs, Zl and Zp).
const fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Tags as a list of structures with the members `key` and `value`.
pub fn tag_list(tags: &BTreeMap<String, String>, key: &str, value: &str) -> Json {
    tags.iter().map(|(tag_key, tag_value)| json!({key: tag_key, value: tag_value})).collect()
}

/// One page of a list, and the token of the next if there is one.
pub fn page<T>(mut items: Vec<T>, limit: usize, token: Option<&str>) -> Result<(Vec<T>, Option<String>), Refusal> {
    // The token is opaque to callers; a prefix makes text that is none of ours recognisable.
    const PREFIX: &str = "sandbox-page-";
    let start = match token.filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => token
            .strip_prefix(PREFIX)
            .and_then(|start| start.parse().ok())
            .ok_or_else(|| validation(format!("the pagination token {token} is not valid")))?,
    };
    let mut rest = items.split_off(items.len().min(start));
    let more = rest.len() > limit;
    rest.truncate(limit);
    Ok((rest, more.then(|| format!("{PREFIX}{}", start + limit))))
}

/// A time as JSON services tell it: seconds since the epoch.
pub fn epoch(milliseconds: i64) -> Json {
    // Exact: virtual time stays far below 2^53 milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "virtual times are far below 2^53")]
    let seconds = milliseconds as f64 / 1000.0;
    json!(seconds)
}

/// A time as XML services tell it.
pub fn iso(milliseconds: i64) -> String {
    timestamp(milliseconds).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A time as HTTP headers tell it.
pub fn http_date(milliseconds: i64) -> String {
    timestamp(milliseconds).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Returns `true` if text fits a pattern in which `*` stands for any text and `?` for any character.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_once() {
        let mut token = None;
        let mut seen = Vec::new();
        loop {
            let (items, next) = page((0..7).collect(), 3, token.as_deref()).unwrap();
            seen.extend(items);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..7).collect::<Vec<_>>());
        assert!(page(vec![1], 1, Some("nonsense")).is_err());
    }

    #[test]
    fn wildcards_match_as_in_policies() {
        for (pattern, text, expected) in [
            ("s3:Get*", "s3:GetObject", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*d", "abcbd", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn tags_have_limits() {
        for (key, value, expected) in
            [("a", "b", true), ("", "b", false), ("aws:x", "b", false), ("a", "b?", false), ("ä:/@", "x=1", true)]
        {
            assert_eq!(check_tag(key, value).is_ok(), expected, "{key}={value}");
        }
        assert!(check_tag("a", &"x".repeat(257)).is_err());
    }

    #[test]
    fn times_have_the_formats_of_their_protocols() {
        assert_eq!(iso(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
        assert_eq!(http_date(1_767_225_600_000), "Thu, 01 Jan 2026 00:00:00 GMT");
    }

    #[test]
    fn reads_are_told_from_writes() {
        for (operation, expected) in [("GetRole", false), ("CreateRole", true), ("CreatePresignedDomainUrl", false)] {
            assert_eq!(writes(operation), expected, "{operation}");
        }
    }
}

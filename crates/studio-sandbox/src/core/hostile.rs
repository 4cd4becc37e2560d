//! An account whose texts are hostile: what somebody could write into a tag, a description or a policy, and what no form
//! of the API's rules out, wherever an answer has a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value as Json};

/// Text that is put behind another: escape sequences of a terminal in both forms, line ends, commands of GitHub, Azure
/// DevOps and TeamCity, characters that are not seen or turn the line around, Markdown, HTML, and every kind of quote.
pub const TEXT: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{8}\u{7f}\r\nFORGED line\n::error::owned\n \t::add-mask::e\r\
    ::stop-commands::x\u{2028}::warning::y\u{85}##[error]z ##vso[task.complete]a ##teamcity[b]\n##[group]c\u{202e}\u{2066}\
    \u{200b}\u{feff}\u{e0041}<img src=x onerror=y><!-- | `x` ``` [FORGED](javascript:x) ![FORGED](http://x) @org/team #1 \
    \"'$(id)${x}\\\n# FORGED heading\n```\n--- FORGED\n";

/// The texts of answers that are hostile, and the text that they get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hostile {
    /// A place, `Operation.Member.Member`, or `*` for every one. A document within a text (a policy, a record) goes on like
    /// members, and `{}` behind a member is its name.
    place: String,
    text: String,
}

impl Hostile {
    /// [`TEXT`] at a place.
    pub(crate) fn new(place: &str) -> Self {
        Self::with(place, TEXT)
    }

    /// Another text at a place.
    pub(crate) fn with(place: &str, text: &str) -> Self {
        Self { place: place.into(), text: text.into() }
    }

    fn is_everywhere(&self) -> bool {
        self.place == "*"
    }

    /// Makes texts of an answer hostile; every place that has a text.
    pub(crate) fn spoil(&self, operation: &str, answer: &mut Json) -> Vec<String> {
        let mut places = Vec::new();
        self.walk(operation, answer, &mut places);
        places
    }

    fn hits(&self, place: &str) -> bool {
        self.is_everywhere() || self.place == place
    }

    fn walk(&self, place: &str, value: &mut Json, places: &mut Vec<String>) {
        match value {
            Json::Array(items) => items.iter_mut().for_each(|item| self.walk(place, item, places)),
            Json::Object(members) => {
                members.iter_mut().for_each(|(name, value)| self.walk(&format!("{place}.{name}"), value, places));
            }
            Json::String(text) => self.text(place, text, places),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    fn text(&self, place: &str, text: &mut String, places: &mut Vec<String>) {
        places.push(place.to_owned());
        if let Some((mut document, encoding)) = Encoding::read(text) {
            self.document(place, &mut document, places);
            *text = encoding.write(&document);
            // A document that is none would hide what is in it.
            if self.is_everywhere() {
                return;
            }
        }
        if self.hits(place) {
            text.push_str(&self.text);
        }
    }

    /// A document that somebody wrote, whose names are as free as its values.
    fn document(&self, place: &str, value: &mut Json, places: &mut Vec<String>) {
        match value {
            Json::Array(items) => items.iter_mut().for_each(|item| self.document(place, item, places)),
            Json::Object(members) => {
                let spoilt = std::mem::take(members).into_iter().map(|(mut name, mut value)| {
                    let below = format!("{place}.{name}");
                    self.document(&below, &mut value, places);
                    places.push(format!("{below}{{}}"));
                    if self.hits(&format!("{below}{{}}")) && !self.is_everywhere() {
                        name.push_str(&self.text);
                    }
                    (name, value)
                });
                *members = spoilt.collect::<Map<_, _>>();
            }
            other => self.walk(place, other, places),
        }
    }
}

/// Form in which a document stands in a text.
enum Encoding {
    Plain,
    /// As IAM answers with policies.
    Percent,
    /// As Studio keeps scripts, which are one text.
    Base64,
}

impl Encoding {
    fn read(text: &str) -> Option<(Json, Self)> {
        let json = |text: &str| serde_json::from_str(text).ok().filter(Json::is_object);
        if text.starts_with('{') {
            return Some((json(text)?, Self::Plain));
        }
        if text.starts_with("%7B") {
            return Some((json(&percent_decode_str(text).decode_utf8().ok()?)?, Self::Percent));
        }
        let script = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
        script.starts_with("#!").then_some((Json::String(script), Self::Base64))
    }

    fn write(&self, document: &Json) -> String {
        match (self, document) {
            (Self::Base64, Json::String(script)) => STANDARD.encode(script),
            (Self::Percent, _) => utf8_percent_encode(&document.to_string(), NON_ALPHANUMERIC).to_string(),
            _ => document.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_text_is_hostile_or_every_one() {
        let answer = json!({"Id": "i", "Tags": [{"Key": "k"}, {"Key": "l"}], "Size": 1, "Policy": "{\"Sid\":\"s\"}"});
        let places = |hostile: &str| {
            let mut spoilt = answer.clone();
            (Hostile::new(hostile).spoil("Get", &mut spoilt), spoilt)
        };
        let (all, spoilt) = places("none");
        let expected = ["Get.Id", "Get.Tags.Key", "Get.Tags.Key", "Get.Policy", "Get.Policy.Sid", "Get.Policy.Sid{}"];
        assert_eq!((all, spoilt), (expected.map(str::to_owned).to_vec(), answer.clone()));
        let (_, spoilt) = places("Get.Tags.Key");
        assert_eq!(spoilt["Tags"][1]["Key"], format!("l{TEXT}"));
        assert_eq!((&spoilt["Id"], &spoilt["Policy"]), (&answer["Id"], &answer["Policy"]));
        let (_, spoilt) = places("Get.Policy.Sid{}");
        assert_eq!(spoilt["Policy"], json!({format!("Sid{TEXT}"): "s"}).to_string());
        let (_, spoilt) = places("*");
        assert_eq!(spoilt["Policy"], json!({"Sid": format!("s{TEXT}")}).to_string());
    }
}

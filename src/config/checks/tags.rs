//! Tags.

use std::collections::BTreeMap;

use super::{Review, is_open};
use crate::config::Config;
use crate::config::codes;

/// How many of the 50 tags of a resource are left: MDAA's five, this tool's two and the user id are set here.
const TAGS_LEFT: usize = 42;
/// AWS's limits on keys and values.
const KEY_LIMIT: usize = 128;
pub(super) const VALUE_LIMIT: usize = 256;

pub(super) fn check(review: &mut Review<'_>, config: &Config) {
    block(review, &config.deployment.tags, &["deployment", "tags"]);
    block(review, &config.domain.tags, &["domain", "tags"]);
    let mut all = config.tags.clone();
    all.extend(config.domain.tags.clone());
    if all.len() > TAGS_LEFT {
        let summary = format!("AWS refuses {} tags besides the {} that are set here", all.len(), 50 - TAGS_LEFT);
        review.report(&codes::TAG, &["domain", "tags"], summary, format!("leave at most {TAGS_LEFT}"));
    }
}

fn block(review: &mut Review<'_>, tags: &BTreeMap<String, String>, path: &[&str]) {
    for (key, value) in tags {
        let path = [path, &[key.as_str()]].concat();
        if key.to_lowercase().starts_with("aws:") {
            review.report(
                &codes::TAG,
                &path,
                format!("AWS refuses the tag `{key}`"),
                "keys that begin with `aws:` belong to AWS",
            );
        } else if key.is_empty() || key.chars().count() > KEY_LIMIT || !is_tag_text(key) {
            let help = "keys have 1 to 128 letters, digits, blanks and _ . : / = + - @";
            review.report(&codes::TAG, &path, format!("AWS refuses the tag key `{key}`"), help);
        }
        if !is_open(value) && (value.chars().count() > VALUE_LIMIT || !is_tag_text(value)) {
            let help = "values have up to 256 letters, digits, blanks and _ . : / = + - @";
            review.report(&codes::TAG, &path, format!("AWS refuses the value of the tag `{key}`"), help);
        }
        if key.starts_with("mdaa_") || key.starts_with("studio-deploy:") {
            let summary = format!("the tag `{key}` is set here and yours has no effect");
            review.report(&codes::TAG_PRIORITY, &path, summary, "remove it, or give it another key");
        } else if key == "userid" {
            let summary = "the tag `userid` replaces the one that says whose profile a profile is";
            review.report(&codes::TAG_PRIORITY, &path, summary, "give it another key");
        }
    }
}

/// Letters and digits of any script count, as in AWS's pattern.
pub(super) fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
}

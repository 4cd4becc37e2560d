//! Checks of tags against AWS's limits and against the tags that this tool sets.

use std::collections::{BTreeMap, BTreeSet};

use super::{Review, is_open};
use crate::config::Config;
use crate::config::codes;

/// Limit on the tags of a resource, in every service that is used here (IAM, KMS, EC2, S3's buckets, SageMaker, EFS and
/// SSM alike, by their API references); objects in S3, which can have ten, get none.
const LIMIT: usize = 50;
/// Number of tags that every resource gets besides: MDAA's five and this tool's two.
const OURS: usize = 7;
/// One more tag on some resources: `userid` on a profile, and SageMaker's own on the home file system
/// (`ManagedByAmazonSageMakerResource`), so that in no mode there is room for more.
const ONE_MORE: usize = 1;
/// AWS's limits on keys and values.
const KEY_LIMIT: usize = 128;
pub(super) const VALUE_LIMIT: usize = 256;

pub(super) fn check(review: &mut Review<'_>, config: &Config) {
    block(review, &config.deployment.tags, &["deployment", "tags"]);
    block(review, &config.domain.tags, &["domain", "tags"]);
    outer(review, config);
    number(review, config);
}

/// The tags of an mdaa.yaml, which are written in no file of the config.
fn outer(review: &mut Review<'_>, config: &Config) {
    let outer: BTreeMap<String, String> =
        config.tags.iter().filter(|(key, _)| !config.deployment.tags.contains_key(*key)).map(own).collect();
    block(review, &outer, &["deployment", "tags"]);
}

fn own((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

/// Checks that the resource with the most tags can carry all of them.
fn number(review: &mut Review<'_>, config: &Config) {
    let domain = &config.domain;
    let prefix = if review.context.is_on("@aws-mdaa/legacyCaefTags") { "caef_" } else { "mdaa_" };
    let is_ours = |key: &str| {
        let word = key.strip_prefix(prefix);
        word.is_some_and(|word| ["org", "env", "domain", "module_name", "cdk_app"].contains(&word))
            || ["studio-deploy:deployment", "studio-deploy:address"].contains(&key)
    };
    let all: BTreeSet<&str> =
        [&config.tags, &domain.tags].into_iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
    let theirs = all.iter().filter(|key| !is_ours(key)).count();
    let left = LIMIT - OURS - ONE_MORE;
    if theirs > left {
        let summary = format!(
            "AWS refuses {theirs} tags besides the {OURS} that are set here and the one that SageMaker sets on the home file system"
        );
        // Where there are the most, there is the most to be taken away.
        let is_inner = domain.tags.len() >= config.deployment.tags.len() && !domain.tags.is_empty();
        let path = if is_inner { ["domain", "tags"] } else { ["deployment", "tags"] };
        review.report(&codes::TAG, &path, summary, format!("leave at most {left}"));
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

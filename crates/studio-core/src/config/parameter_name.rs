//! Names of SSM parameters, held to SSM's own rules before anybody asks SSM.
//!
//! SSM API reference, "PutParameter" and "GetParameters" (`Name`); SSM user guide, "Understanding parameter name
//! requirements and constraints", "Working with parameter labels" and "Discovering public parameters".

use crate::model::Arn;

/// Limit on the characters of a name, together with what precedes it in the parameter's ARN.
const LENGTH_LIMIT: usize = 1011;
/// Limit on the levels of a name.
const LEVEL_LIMIT: usize = 15;
/// Limit on the characters of a label.
const LABEL_LIMIT: usize = 100;
/// The shortest name that a region has, which stands in for one that is not known yet.
const SHORTEST_REGION: &str = "us-east-1";

/// A name that SSM does not accept: the reason, and advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misnamed {
    /// The reason, worded to follow the name.
    pub(super) why: String,
    /// The text to write instead.
    pub(super) help: String,
}

/// The region and partition that a name is looked up in, as far as they are known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Home<'a> {
    /// The partition, such as `aws`.
    pub(super) partition: Option<&'a str>,
    /// The region, such as `us-east-1`.
    pub(super) region: Option<&'a str>,
}

impl Home<'_> {
    /// The number of characters before a name in its ARN: `arn:aws:ssm:us-east-2:111122223333:parameter/` has 45.
    fn head(self) -> usize {
        let (partition, region) = (self.partition.unwrap_or("aws"), self.region.unwrap_or(SHORTEST_REGION));
        "arn::ssm::111122223333:parameter/".len() + partition.len() + region.len()
    }
}

/// Purpose of a name: anybody may read AWS's public parameters, and nobody may write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

/// Checks that text can refer to a parameter: by name or ARN, at its latest version, another one or a label.
pub(super) fn check_reference(text: &str, home: Home<'_>) -> Result<(), Misnamed> {
    if text.trim().is_empty() {
        return misnamed("names no parameter", "write its name behind the colon");
    }
    if text.trim() != text {
        return misnamed("begins or ends with a blank or a line end", "remove it");
    }
    let (name, selector) = if text.starts_with("arn:") {
        let arn =
            Arn::parse(text).filter(|arn| arn.service == "ssm" && is_account(arn.account) && !arn.region.is_empty());
        let Some(path) =
            arn.and_then(|arn| arn.resource.strip_prefix("parameter")).filter(|path| path.starts_with('/'))
        else {
            return misnamed("is not the ARN of a parameter", "write arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME");
        };
        split(path)
    } else {
        split(text)
    };
    if let Some(selector) = selector {
        check_selector(selector)?;
    }
    check(name, home, Use::Read)
}

/// Checks that a parameter of this name can be created.
pub(super) fn check_written(name: &str, home: Home<'_>) -> Result<(), Misnamed> {
    check(name, home, Use::Write)
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(name, selector)| (name, Some(selector)))
}

fn check_selector(selector: &str) -> Result<(), Misnamed> {
    let lower = selector.to_ascii_lowercase();
    let is_label = !selector.is_empty()
        && selector.len() <= LABEL_LIMIT
        && selector.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && !selector.starts_with(|c: char| c.is_ascii_digit())
        && !["aws", "ssm"].iter().any(|reserved| lower.starts_with(reserved));
    let is_version = selector.parse::<u64>().is_ok_and(|version| version > 0) && !selector.starts_with('+');
    if is_label || is_version {
        return Ok(());
    }
    misnamed(
        "has neither a version nor a label behind its colon",
        "write NAME:3 or NAME:label; labels have up to 100 letters, digits and _ . -, and begin with none of a digit, aws and ssm",
    )
}

fn check(name: &str, home: Home<'_>, used: Use) -> Result<(), Misnamed> {
    if let Some(c) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "_.-/".contains(*c))) {
        return misnamed(format!("holds `{}`", c.escape_debug()), "use letters, digits and _ . - /");
    }
    let length = home.head() + name.trim_start_matches('/').len();
    if length > LENGTH_LIMIT {
        let why = format!("has {length} characters as an ARN, where {LENGTH_LIMIT} are allowed");
        return misnamed(why, "use a shorter name");
    }
    if name.trim_matches('/').is_empty() || name.contains("//") || name.ends_with('/') {
        return misnamed(
            "has a level without a name",
            "write it like /team/network/vpc-id, without a slash at the end",
        );
    }
    if name.contains('/') && !name.starts_with('/') {
        return misnamed("has levels and does not begin with a slash", format!("did you mean /{name}?"));
    }
    let levels = name.trim_start_matches('/').split('/').count();
    if levels > LEVEL_LIMIT {
        return misnamed(format!("has {levels} levels, where {LEVEL_LIMIT} are allowed"), "use fewer levels");
    }
    let root = name.trim_start_matches('/').to_ascii_lowercase();
    let is_public = used == Use::Read && name.starts_with("/aws/");
    let Some(reserved) = ["aws", "ssm"].into_iter().find(|reserved| root.starts_with(reserved) && !is_public) else {
        return Ok(());
    };
    let help = match used {
        Use::Read => "no parameter of anybody's has such a name; AWS's public ones begin with /aws/",
        Use::Write => "AWS keeps such names for itself",
    };
    misnamed(format!("begins with `{reserved}`"), help)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

fn misnamed(why: impl Into<String>, help: impl Into<String>) -> Result<(), Misnamed> {
    Err(Misnamed { why: why.into(), help: help.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_to_the_rules_of_ssm() {
        const READ: &str = "read";
        const BOTH: &str = "both";
        const NONE: &str = "none";
        let home = Home { partition: Some("aws"), region: Some("us-east-2") };
        let (longest, too_long) = (format!("/{}", "x".repeat(966)), format!("/{}", "x".repeat(967)));
        let (deepest, too_deep) = ("/x".repeat(15), "/x".repeat(16));
        let label = "l".repeat(100);
        let cases = [
            ("/a/b", BOTH),
            ("plain", BOTH),
            ("/plain", BOTH),
            ("A.b-c_9", BOTH),
            (&longest, BOTH),
            (&deepest, BOTH),
            ("/aws/service/global-infrastructure/regions", READ),
            ("/a/b:3", READ),
            ("/a/b:prod", READ),
            (&format!("/a/b:{label}"), READ),
            ("arn:aws:ssm:us-east-2:111122223333:parameter/a/b", READ),
            ("arn:aws:ssm:us-east-2:111122223333:parameter/a/b:7", READ),
            ("arn:aws:ssm:us-east-2::parameter/aws/service/x", NONE),
            (&too_long, NONE),
            (&too_deep, NONE),
            ("", NONE),
            ("/", NONE),
            (" /a", NONE),
            ("/a\n", NONE),
            ("/a b", NONE),
            ("/a/ü", NONE),
            ("a/b", NONE),
            ("/a//b", NONE),
            ("/a/", NONE),
            ("/a@b", NONE),
            ("/awsome/x", NONE),
            ("/AWS/service/x", NONE),
            ("awsThing", NONE),
            ("/ssm/x", NONE),
            ("SSM-thing", NONE),
            ("/a:0", NONE),
            ("/a:", NONE),
            ("/a:1a", NONE),
            ("/a:awslabel", NONE),
            ("/a:b:c", NONE),
            (&format!("/a:{label}l"), NONE),
            ("arn:aws:s3:::bucket/x", NONE),
            ("arn:aws:ssm:us-east-2:111122223333:document/a", NONE),
            ("arn:aws:ssm:us-east-2:111122223333:parametera", NONE),
        ];
        for (name, expected) in cases {
            let (read, written) = (check_reference(name, home).is_ok(), check_written(name, home).is_ok());
            let found = match (read, written) {
                (true, true) => BOTH,
                (true, false) => READ,
                (false, _) => NONE,
            };
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_arn_before_the_name_is_as_long_as_aws_counts_it() {
        let home = Home { partition: Some("aws"), region: Some("us-east-2") };
        assert_eq!(home.head(), 45);
    }
}

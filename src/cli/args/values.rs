//! Parsers for values of options that are more than text.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::model::{Address, Kind};

/// Selection of resources to adopt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopt {
    /// Everything that carries this deployment's own `mdaa_*` tags.
    Tagged,
    /// One resource, even without tags.
    Address(Address),
}

impl Adopt {
    /// Value of `--adopt` when none is given.
    pub const TAGGED: &'static str = "tagged";
}

impl FromStr for Adopt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == Self::TAGGED {
            return Ok(Self::Tagged);
        }
        text.parse().map(Self::Address).map_err(|error: crate::model::address::NotAnAddress| error.to_string())
    }
}

/// A role's unique id, and its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleOfId {
    /// The unique id.
    pub id: String,
    /// The ARN.
    pub arn: String,
}

impl FromStr for RoleOfId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((id, arn)) if !id.is_empty() && arn.starts_with("arn:") && arn.contains(":role/") => {
                Ok(Self { id: id.into(), arn: arn.into() })
            }
            _ => {
                Err("expected a unique id and an ARN, such as AROAEXAMPLE=arn:aws:iam::123456789012:role/studio".into())
            }
        }
    }
}

/// Response times of the emulator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LatencyChoice {
    /// No time at all.
    #[default]
    None,
    /// As long as AWS, times a factor.
    Realistic(f64),
}

impl FromStr for LatencyChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "realistic" => Ok(Self::Realistic(1.0)),
            factor => match factor.parse::<f64>() {
                Ok(factor) if factor.is_finite() && factor >= 0.0 => Ok(Self::Realistic(factor)),
                _ => Err("expected none, realistic, or a factor such as 0.1".into()),
            },
        }
    }
}

/// Operation that has a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TimedOperation {
    /// Creation of a resource.
    Create,
    /// Update of a resource.
    Update,
    /// Deletion of a resource.
    Delete,
}

/// Time limit of one operation of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The kind.
    pub kind: Kind,
    /// The operation.
    pub operation: TimedOperation,
    /// The longest time.
    pub time: Duration,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "expected KIND.OPERATION=DURATION, such as domain.create=30m".to_owned();
        let (what, time) = text.split_once('=').ok_or_else(shape)?;
        let (kind, operation) = what.split_once('.').ok_or_else(shape)?;
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        let kind = kind.ok_or_else(|| format!("`{what}` names no known kind: {}", shape()))?;
        let operation = <TimedOperation as clap::ValueEnum>::from_str(operation, false)
            .map_err(|_| format!("`{operation}` is not one of create, update, delete"))?;
        Ok(Self { kind, operation, time: duration(time)? })
    }
}

/// A form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// Markdown.
    Md,
    /// Data.
    Json,
    /// Events.
    Ndjson,
    /// GitHub's annotations.
    Github,
    /// Results for test reporters.
    Junit,
}

/// One more output of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTarget {
    /// Its form.
    pub format: ReportFormat,
    /// Its file.
    pub path: PathBuf,
}

impl FromStr for ReportTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text.split_once('=').ok_or("expected FORMAT=PATH, such as md=report.md")?;
        let format = <ReportFormat as clap::ValueEnum>::from_str(format, false)
            .map_err(|_| format!("`{format}` is not one of md, json, ndjson, github, junit"))?;
        if path.is_empty() {
            return Err("the path is missing".into());
        }
        if path == "-" {
            return Err(NO_STREAM.into());
        }
        Ok(Self { format, path: path.into() })
    }
}

/// Error where `-` would create a file of that name.
const NO_STREAM: &str = "expected a file; one named `-` is `./-`";

/// Parses the path of a file; `-` for standard input or output is refused.
pub(super) fn file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| if path.as_os_str() == "-" { Err(NO_STREAM) } else { Ok(path) })
}

/// Parses `KEY=VALUE` into its two parts.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err("expected KEY=VALUE".into()),
    }
}

/// Names of a deployment, or several for an mdaa.yaml. A variable that is empty is no way to say "all of them".
pub(super) fn names(text: &str) -> Result<String, String> {
    match text.split(',').any(|name| name.trim().is_empty()) {
        true => Err("a name is empty: omit the option instead".into()),
        false => Ok(text.into()),
    }
}

/// Parses text that must not be empty.
pub(super) fn some(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("the value is empty: omit the option instead".into()) } else { Ok(text.into()) }
}

/// Parses an account id, which has twelve digits.
pub(super) fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.into())
    } else {
        Err("expected an account id of twelve digits".into())
    }
}

/// Parses a URL: `http` or `https`, a host, and what may follow it.
pub(super) fn endpoint(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if name.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) || !port.is_none_or(is_port) {
        return Err("expected a URL such as http://127.0.0.1:4566".into());
    }
    Ok(text.into())
}

/// The ARN of a role; partition and account may be left open.
pub(super) fn role(text: &str) -> Result<String, String> {
    let filled = text.replace("{{partition}}", "aws").replace("{{account}}", "000000000000");
    let parts: Vec<&str> = filled.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "iam", "", of, resource]
            if partition.starts_with("aws")
                && account(of).is_ok()
                && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.contains("{{")) =>
        {
            Ok(text.into())
        }
        _ => Err("expected an ARN such as arn:aws:iam::123456789012:role/deployer; \
            only {{partition}} and {{account}} may be placeholders"
            .into()),
    }
}

/// Parses the validity of a URL: 5 to 300 seconds, by `ExpiresInSeconds` of `CreatePresignedDomainUrl`.
pub(super) fn expiry(text: &str) -> Result<Duration, String> {
    within(text, 5, 300)
}

/// Parses the duration of a session: 1800 to 43200 seconds, by `SessionExpirationDurationInSeconds` of
/// `CreatePresignedDomainUrl`.
pub(super) fn session(text: &str) -> Result<Duration, String> {
    within(text, 1800, 43_200)
}

fn within(text: &str, least: u64, most: u64) -> Result<Duration, String> {
    let time = duration(text)?;
    if (Duration::from_secs(least)..=Duration::from_secs(most)).contains(&time) {
        Ok(time)
    } else {
        Err(format!("expected {least}s to {most}s"))
    }
}

/// Seconds as a bare number, or `90s`, `5m`, `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration: expected seconds, or a value such as 90s, 5m or 1h30m");
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = 0_u64;
    // Each unit at most once, the largest first.
    for (unit, seconds) in [('h', 3600), ('m', 60), ('s', 1)] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if let Some(after) = rest[digits..].strip_prefix(unit) {
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            total = number.checked_mul(seconds).and_then(|more| total.checked_add(more)).ok_or_else(wrong)?;
            rest = after;
        }
    }
    if rest.is_empty() && !text.is_empty() { Ok(Duration::from_secs(total)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_any_unit() {
        for (text, expected) in [
            ("300", Some(300)),
            ("300s", Some(300)),
            ("5m", Some(300)),
            ("1h30m", Some(5400)),
            ("1h0m1s", Some(3601)),
            ("", None),
            ("s", None),
            ("5", Some(5)),
            ("5x", None),
            ("-5", None),
            ("1m1h", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(duration(text).ok().map(|time| time.as_secs()), expected, "{text}");
        }
    }

    #[test]
    fn a_presigned_url_lives_as_long_as_aws_allows() {
        for (text, accepted) in [("4", false), ("5", true), ("300s", true), ("5m", true), ("301", false)] {
            assert_eq!(expiry(text).is_ok(), accepted, "{text}");
        }
        for (text, accepted) in [("29m59s", false), ("30m", true), ("12h", true), ("43201", false)] {
            assert_eq!(session(text).is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn structured_values_say_what_they_should_be() {
        assert_eq!("domain.create=30m".parse::<Limit>().unwrap().time, Duration::from_mins(30));
        for wrong in ["domain=30m", "studio.create=30m", "domain.make=30m", "domain.create=soon"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
        assert_eq!("md=a=b".parse::<ReportTarget>().unwrap().path, PathBuf::from("a=b"));
        assert!("md=".parse::<ReportTarget>().is_err() && "pdf=x".parse::<ReportTarget>().is_err());
        assert_eq!("0.5".parse::<LatencyChoice>(), Ok(LatencyChoice::Realistic(0.5)));
        assert!(
            "fast".parse::<LatencyChoice>().is_err()
                && "-1".parse::<LatencyChoice>().is_err()
                && "NaN".parse::<LatencyChoice>().is_err()
        );
        for (text, accepted) in [
            ("http://127.0.0.1:4566", true),
            ("https://vpce-1.sts.us-east-1.vpce.amazonaws.com/", true),
            ("http://[::1]:80", true),
            ("http://[::1]", true),
            ("notaurl", false),
            ("127.0.0.1:4566", false),
            ("http://", false),
            ("http://host:port", false),
            ("http://a b", false),
            ("", false),
        ] {
            assert_eq!(endpoint(text).is_ok(), accepted, "{text}");
        }
        for (text, accepted) in [
            ("arn:aws:iam::123456789012:role/path/deployer", true),
            ("arn:{{partition}}:iam::{{account}}:role/deployer", true),
            ("arn:aws-us-gov:iam::123456789012:role/x", true),
            ("notanarn", false),
            ("arn:aws:iam::1234:role/x", false),
            ("arn:aws:iam::123456789012:user/x", false),
            ("arn:aws:iam::123456789012:role/", false),
            ("arn:aws:iam::{{acount}}:role/x", false),
        ] {
            assert_eq!(role(text).is_ok(), accepted, "{text}");
        }
        assert_eq!(pair("key=a=b"), Ok(("key".into(), "a=b".into())));
        assert!(pair("=b").is_err() && pair("key").is_err());
        assert!(account("12345678901").is_err() && account("123456789012").is_ok() && account("12345678901x").is_err());
    }
}

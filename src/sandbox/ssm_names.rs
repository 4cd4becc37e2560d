//! SSM: what parameters may be called, and which of them a filter means.

use serde_json::Value as Json;

use super::service::{Input, validation};
use super::wire::Refusal;
use super::world::{World, account_in};

/// A parameter as a caller names it: by name or ARN, perhaps at a version.
pub struct Reference {
    /// The account that has it.
    pub account: String,
    /// The name.
    pub name: String,
    /// The version, unless it is the latest.
    pub version: Option<i64>,
}

/// Reads `name`, `name:version` and an ARN with either. One of another region is not known there; the words are a guess.
pub fn reference(world: &World, text: &str) -> Result<Reference, Refusal> {
    let account = account_in(text).map_or_else(|| world.account(), str::to_owned);
    let name = match text.strip_prefix(&world.arn_of(&account, "ssm", "parameter")) {
        // `…:parameter/a/b` is the ARN of `/a/b`, since `a/b` is no valid name; `…:parameter/a` is that of `/a` and of `a`.
        Some(path) => {
            let bare = path.strip_prefix('/').unwrap_or(path);
            let name = bare.split_once(':').map_or(bare, |(name, _)| name);
            let is_bare = world.get_of::<Json>(&account, super::ssm::PARAMETERS, name).is_some();
            if bare.contains('/') || !is_bare { path } else { bare }
        }
        None if text.starts_with("arn:") => {
            return Err(validation(format!("Parameter ARN is not of this region: {text}")));
        }
        None => text,
    };
    let (name, version) = match name.rsplit_once(':') {
        Some((name, version)) => {
            let number =
                version.parse().map_err(|_| validation(format!("the sandbox has no parameter labels: {text}")))?;
            (name, Some(number))
        }
        None => (name, None),
    };
    Ok(Reference { account, name: name.to_owned(), version })
}

/// A parameter's ARN.
pub fn arn(world: &World, name: &str) -> String {
    arn_of(world, &world.account(), name)
}

/// The ARN of a parameter that `account` has.
pub fn arn_of(world: &World, account: &str, name: &str) -> String {
    world.arn_of(account, "ssm", &format!("parameter/{}", name.strip_prefix('/').unwrap_or(name)))
}

/// Refuses names that SSM does not take (SSM API reference, "PutParameter").
pub fn check(name: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if name.is_empty() || name.len() > 1011 || !name.chars().all(valid) || name.contains("//") || name.ends_with('/') {
        return Err(validation(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of \
             sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the \
             following 3 symbols .-_",
        ));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(validation("Parameter name must be a fully qualified name."));
    }
    let root = name.trim_start_matches('/').to_ascii_lowercase();
    for reserved in ["aws", "ssm"] {
        if root.starts_with(reserved) {
            return Err(validation(format!(
                "Parameter name: can't be prefixed with \"{reserved}\" (case-insensitive)."
            )));
        }
    }
    if name.matches('/').count() > 15 {
        let message = "A hierarchy can have a maximum of 15 levels.";
        return Err(Refusal::new("HierarchyLevelLimitExceededException", message));
    }
    Ok(())
}

/// Whether `name` lies under `path`, directly or, when `recursive`, at any depth.
pub fn is_under(name: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    let rest = name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| recursive || !rest.contains('/'))
}

/// Whether a parameter fits one of `DescribeParameters`' filters.
pub fn fits(
    name: &str,
    kind: &str,
    tags: &std::collections::BTreeMap<String, String>,
    filter: Input<'_>,
) -> Result<bool, Refusal> {
    let (key, values) = (filter.need("Key")?, filter.texts("Values"));
    let bare = |text: &str| text.trim_start_matches('/').to_owned();
    let option = filter.text("Option");
    let invalid = |what: &str| Refusal::new("InvalidFilterOption", format!("the option {what} does not go with {key}"));
    Ok(match (key, option) {
        ("Name", None | Some("Equals")) => values.iter().any(|value| bare(value) == bare(name)),
        ("Name", Some("BeginsWith")) => values.iter().any(|value| bare(name).starts_with(&bare(value))),
        ("Name", Some("Contains")) => values.iter().any(|value| name.contains(value)),
        ("Path", None | Some("OneLevel")) => values.iter().any(|value| is_under(name, value, false)),
        ("Path", Some("Recursive")) => values.iter().any(|value| is_under(name, value, true)),
        ("Type", None | Some("Equals")) => values.contains(&kind),
        (_, None | Some("Equals")) if key.starts_with("tag:") => {
            tags.get(&key[4..]).is_some_and(|value| values.is_empty() || values.contains(&value.as_str()))
        }
        ("Name" | "Path" | "Type", Some(option)) => return Err(invalid(option)),
        _ => return Err(Refusal::new("InvalidFilterKey", format!("the sandbox has no parameter filter {key}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_rules() {
        for (name, expected) in [
            ("/a/b", true),
            ("plain", true),
            ("a/b", false),
            ("/aws/x", false),
            ("SSMthing", false),
            ("/a//b", false),
            ("/a/", false),
            ("/a b", false),
            (&"/x".repeat(15), true),
            (&"/x".repeat(16), false),
        ] {
            assert_eq!(check(name).is_ok(), expected, "{name}");
        }
    }

    #[test]
    fn references_are_names_versions_and_arns() {
        let mut world = World::default();
        super::super::ssm::seed(&mut world, "plain", "value");
        for (text, name, version) in [
            ("/a/b", "/a/b", None),
            ("/a/b:3", "/a/b", Some(3)),
            ("arn:aws:ssm:us-east-1:123456789012:parameter/a/b", "/a/b", None),
            ("arn:aws:ssm:us-east-1:123456789012:parameter/a:2", "/a", Some(2)),
            ("arn:aws:ssm:us-east-1:123456789012:parameter/plain:2", "plain", Some(2)),
        ] {
            let reference = reference(&world, text).unwrap();
            assert_eq!((reference.name.as_str(), reference.version), (name, version));
        }
        assert!(reference(&world, "arn:aws:ssm:eu-west-1:123456789012:parameter/a").is_err());
    }

    #[test]
    fn paths_have_levels() {
        for (name, path, recursive, expected) in [
            ("/a/b", "/a", false, true),
            ("/a/b/c", "/a", false, false),
            ("/a/b/c", "/a/", true, true),
            ("/ab", "/a", true, false),
            ("/a", "/", false, true),
        ] {
            assert_eq!(is_under(name, path, recursive), expected, "{name} {path}");
        }
    }
}

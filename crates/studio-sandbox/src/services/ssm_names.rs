//! SSM: what parameters may be called, and which of them a filter means.

use serde_json::Value as Json;

use crate::core::service::{Input, validation};
use crate::core::wire::Refusal;
use crate::core::world::{World, account_in};

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
            // There are no labels here, so that nobody has put one on any version; the words are a guess.
            let number = version.parse().map_err(|_| {
                let message = format!("Systems Manager could not find version {version} of {name}.");
                Refusal::new("ParameterVersionNotFound", message)
            })?;
            (name, Some(number))
        }
        None => (name, None),
    };
    check_form(world, name)?;
    Ok(Reference { account, name: name.to_owned(), version })
}

/// The ARN of the account's parameter `name`.
pub fn arn(world: &World, name: &str) -> String {
    arn_of(world, &world.account(), name)
}

/// The ARN of a parameter that `account` has.
pub fn arn_of(world: &World, account: &str, name: &str) -> String {
    world.arn_of(account, "ssm", &format!("parameter/{}", name.strip_prefix('/').unwrap_or(name)))
}

/// SSM's words about names that are no names at all, of PutParameter and GetParameter alike (localstack #7712, #11538).
const MALFORMED: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist \
                         of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the \
                         following 3 symbols .-_";

/// Refuses to make a parameter of a name that SSM does not take (SSM API reference, "PutParameter"; SSM user guide,
/// "Understanding parameter name requirements and constraints").
pub fn check(world: &World, name: &str) -> Result<(), Refusal> {
    check_form(world, name)?;
    let root = name.trim_start_matches('/');
    let begins = |reserved: &str| root.to_ascii_lowercase().starts_with(reserved);
    // Below a path AWS's own names are refused like a lack of permission, without the slash (moto's put_parameter, and
    // reports of Terraform's users about `/awssec/…`).
    if begins("aws") && name.starts_with('/') && root.contains('/') {
        let message = format!("No access to reserved parameter name: {root}.");
        return Err(Refusal::new("AccessDeniedException", message));
    }
    if begins("aws") || begins("ssm") {
        return Err(validation("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."));
    }
    Ok(())
}

/// Refuses names that no parameter can have, whoever made it: AWS's own begin with `/aws/`. That reading is refused for the
/// same as writing is known for characters and paths (the reports above), and a guess for lengths and levels.
fn check_form(world: &World, name: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let bare = name.trim_matches('/');
    if bare.is_empty() || !name.chars().all(valid) || name.contains("//") || name.ends_with('/') {
        return Err(validation(MALFORMED));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(validation("Parameter name must be a fully qualified name."));
    }
    // What precedes the name in the ARN counts too.
    if arn(world, name).len() > 1011 {
        return Err(validation("The parameter name and its ARN have more than 1011 characters."));
    }
    if bare.split('/').count() > 15 {
        let message = "A hierarchy can have a maximum of 15 levels.";
        return Err(Refusal::new("HierarchyLevelLimitExceededException", message));
    }
    if bare.to_ascii_lowercase().starts_with("ssm") && bare.contains('/') {
        return Err(validation(MALFORMED));
    }
    Ok(())
}

/// Returns `true` if `name` lies under `path`, directly or, when `recursive`, at any depth.
pub fn is_under(name: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    let rest = name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| recursive || !rest.contains('/'))
}

/// Returns `true` if a parameter fits one of `DescribeParameters`' filters.
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
        let world = World::default();
        let (longest, too_long) = ("x".repeat(1011 - 45), "x".repeat(1011 - 44));
        for (name, expected) in [
            ("/a/b", Ok(())),
            ("plain", Ok(())),
            ("/plain", Ok(())),
            (&longest, Ok(())),
            (&too_long, Err("ValidationException")),
            ("a/b", Err("ValidationException")),
            ("/aws/x", Err("AccessDeniedException")),
            ("/Awsome/x", Err("AccessDeniedException")),
            ("awsome", Err("ValidationException")),
            ("/ssm/x", Err("ValidationException")),
            ("SSMthing", Err("ValidationException")),
            ("/a//b", Err("ValidationException")),
            ("/a/", Err("ValidationException")),
            ("/", Err("ValidationException")),
            ("/a b", Err("ValidationException")),
            (&"/x".repeat(15), Ok(())),
            (&"/x".repeat(16), Err("HierarchyLevelLimitExceededException")),
        ] {
            assert_eq!(check(&world, name).map_err(|refusal| refusal.code), expected.map_err(str::to_owned), "{name}");
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

//! MDAA's four names, which all other names derive from: who says them, and what they may be.

use std::fmt;

use super::agreement::Agreement;
use crate::config::DeploymentBlock;
use crate::failure::{Failure, codes};

/// The names as the command line gives them; for an mdaa.yaml the last three are filters, of several names each.
#[derive(Clone, Debug, Default)]
pub struct GivenNames {
    /// The organisation.
    pub org: Option<String>,
    /// The environment.
    pub env: Option<String>,
    /// The data domain.
    pub domain: Option<String>,
    /// The module.
    pub module: Option<String>,
}

/// The four names that MDAA derives all others from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityNames {
    /// The organisation.
    pub org: String,
    /// The environment.
    pub env: String,
    /// The data domain.
    pub domain: String,
    /// The module.
    pub module: String,
}

impl IdentityNames {
    /// In lower case, as MDAA's app names things.
    pub(super) fn lowered(&self) -> Self {
        let lower = |name: &str| name.to_ascii_lowercase();
        Self { org: lower(&self.org), env: lower(&self.env), domain: lower(&self.domain), module: lower(&self.module) }
    }
}

impl fmt::Display for IdentityNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.org, self.env, self.domain, self.module)
    }
}

/// The names of a deployment, as the command line and its config say them; with `stem`, the name of the config's file, names
/// that nobody gave are made up.
///
/// # Errors
/// Names that are missing, malformed or contradict each other.
pub(super) fn names(
    given: &GivenNames,
    block: &DeploymentBlock,
    agreement: &Agreement<'_>,
    stem: Option<&str>,
) -> Result<IdentityNames, Failure> {
    let made_up = |name: &str| stem.map(|_| name.to_owned());
    let agreed =
        |what, flag: &Option<String>, file: &Option<String>| agreement.agreed(what, flag.as_ref(), file.as_ref());
    let names = [
        ("org", agreed("org", &given.org, &block.org)?.or_else(|| made_up("demo"))),
        ("env", agreed("env", &given.env, &block.env)?.or_else(|| made_up("dev"))),
        ("domain", agreed("domain", &given.domain, &block.domain)?.or_else(|| made_up("ml"))),
        ("module", agreed("module", &given.module, &block.module)?.or_else(|| stem.map(slug))),
    ];
    let missing: Vec<&str> = names.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let flags: Vec<String> = missing.iter().map(|name| format!("--{name} NAME")).collect();
        let failure = Failure::new(&codes::INVALID_IDENTITY, format!("the deployment has no {}", missing.join(", ")));
        return Err(failure.help(format!(
            "say {}, or put `deployment: {{org, env, domain, module}}` into the config; all names derive from these four",
            flags.join(" ")
        )));
    }
    let [org, env, domain, module] = names.map(|(_, value)| value.unwrap_or_default());
    checked(&org, &env, &domain, &module)
}

/// The four names, which MDAA accepts of letters, digits and hyphens only.
///
/// # Errors
/// The first name that has anything else.
pub(super) fn checked(org: &str, env: &str, domain: &str, module: &str) -> Result<IdentityNames, Failure> {
    for (what, name) in [("org", org), ("env", env), ("domain", domain), ("module", module)] {
        let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !fits {
            let failure =
                Failure::new(&codes::INVALID_IDENTITY, format!("`{name}` cannot be the {what} of a deployment"));
            return Err(failure.help("use letters, digits and hyphens only, as MDAA does"));
        }
    }
    Ok(IdentityNames { org: org.into(), env: env.into(), domain: domain.into(), module: module.into() })
}

/// A name that a file's name can stand for.
pub(super) fn slug(stem: &str) -> String {
    let slug: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "studio".into() } else { slug.into() }
}

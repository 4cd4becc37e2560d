//! MDAA's naming convention: every name that an environment's objects have, derived from its four words.
//!
//! Identity is derived, never stored, so nothing here looks at the account. The rules, oddities included, are those of
//! MDAA 1.6.0's default naming class, because consumers and existing environments of MDAA already use its results.

mod names;

use sha1::{Digest, Sha1};

pub use names::Names;

use crate::digest::hex;
use crate::model::Deployment;

/// SageMaker's limit on domain names, and S3's on bucket names.
const DOMAIN_AND_BUCKET_LIMIT: usize = 63;
/// IAM's limit on role names, which MDAA applies to managed policies too.
const IAM_LIMIT: usize = 64;
/// KMS's limit on alias names.
const ALIAS_LIMIT: usize = 256;
/// MDAA's limit on the part of a lifecycle config's name before the content hash.
const LIFECYCLE_LIMIT: usize = 50;
/// Number of hexadecimal digits of the content hash in a lifecycle config's name.
const CONTENT_HASH_LENGTH: usize = 10;
/// SageMaker's limit on user profile names.
const PROFILE_LIMIT: usize = 63;

/// A name that breaks MDAA's rule for names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be a name: it must begin and end with a letter or digit, with only letters, digits, `-`, `_` and `.` between"
)]
pub struct InvalidName(pub String);

/// The four words that every name is made of, lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamingConvention {
    org: String,
    env: String,
    domain: String,
    module: String,
}

impl From<&Deployment> for NamingConvention {
    fn from(deployment: &Deployment) -> Self {
        Self::new(&deployment.org, &deployment.env, &deployment.domain, &deployment.module)
    }
}

impl NamingConvention {
    /// The names of one environment; the words are lower-cased as MDAA does.
    pub fn new(org: &str, env: &str, domain: &str, module: &str) -> Self {
        Self {
            org: org.to_lowercase(),
            env: env.to_lowercase(),
            domain: domain.to_lowercase(),
            module: module.to_lowercase(),
        }
    }

    /// `org-env-domain-module[-suffix]`, with the tail replaced by a hash where it reaches `limit`.
    ///
    /// A name of exactly `limit` characters is hashed too. MDAA documents that as a mistake it keeps, since repairing it
    /// would rename what exists.
    pub fn resource_name(&self, suffix: Option<&str>, limit: Option<usize>) -> Result<String, InvalidName> {
        let mut name = format!("{}-{}-{}-{}", self.org, self.env, self.domain, self.module);
        if let Some(suffix) = suffix.filter(|suffix| !suffix.is_empty()) {
            name.push('-');
            name.push_str(&suffix.to_lowercase());
        }
        if let Some(limit) = limit.filter(|&limit| limit > 0) {
            // Lengths are in UTF-16 units: the rule was written in JavaScript.
            let units: Vec<u16> = name.encode_utf16().collect();
            if units.len() >= limit {
                let hash = name_hash(&name);
                let kept = limit.saturating_sub(hash.len() + 1).min(units.len());
                name = format!("{}-{hash}", String::from_utf16_lossy(&units[..kept]));
            }
        }
        validate(name)
    }

    /// The Studio domain's name.
    pub fn studio_domain(&self) -> Result<String, InvalidName> {
        self.resource_name(None, Some(DOMAIN_AND_BUCKET_LIMIT))
    }

    /// The sharing bucket's name.
    pub fn bucket(&self) -> Result<String, InvalidName> {
        self.resource_name(None, Some(DOMAIN_AND_BUCKET_LIMIT))
    }

    /// The name of the role that Studio apps run as.
    pub fn execution_role(&self) -> Result<String, InvalidName> {
        self.iam("default-execution-role")
    }

    /// The name of the role that uploads lifecycle assets.
    pub fn asset_role(&self) -> Result<String, InvalidName> {
        self.iam("deployment")
    }

    /// The name of the managed policy that lets the execution role launch apps.
    pub fn execution_policy(&self) -> Result<String, InvalidName> {
        self.iam("basic-execution")
    }

    /// The name of the asset role's managed policy.
    pub fn asset_policy(&self) -> Result<String, InvalidName> {
        self.iam("domain-bucket-deploy")
    }

    /// The alias of the customer managed key, `alias/` included.
    pub fn key_alias(&self) -> Result<String, InvalidName> {
        Ok(format!("alias/{}", self.resource_name(Some("efs"), Some(ALIAS_LIMIT))?))
    }

    /// The security group's name: the prefix twice, as MDAA does, and of any length.
    pub fn security_group(&self) -> Result<String, InvalidName> {
        let prefix = self.resource_name(None, None)?;
        self.resource_name(Some(&prefix), None)
    }

    /// The security group's description.
    pub fn security_group_description(&self) -> String {
        format!("{}/security-group", self.stack(None))
    }

    /// The name of a lifecycle config with this content, given the API's app type and the base64 text of the script.
    pub fn lifecycle_config(&self, app_type: &str, content: &str) -> Result<String, InvalidName> {
        Ok(format!("{}-{}", self.lifecycle_base(app_type)?, content_hash(content)))
    }

    /// Prefix of the names of all lifecycle configs of an app type, before `-` and the content hash.
    pub fn lifecycle_base(&self, app_type: &str) -> Result<String, InvalidName> {
        self.resource_name(Some(app_type), Some(LIFECYCLE_LIMIT))
    }

    /// The SSM parameter path `/org/domain/module/…`, lower case; MDAA leaves the environment out.
    pub fn parameter(&self, key: &str) -> String {
        format!("/{}/{}/{}/{key}", self.org, self.domain, self.module).to_lowercase()
    }

    /// The organisation's SSM path, `/org/…`, with the case of `path` kept.
    pub fn org_path(&self, path: &str) -> String {
        format!("/{}/{}", self.org, strip_slash(path))
    }

    /// The data domain's SSM path, `/org/domain/…`, with the case of `path` kept.
    pub fn domain_path(&self, path: &str) -> String {
        format!("/{}/{}/{}", self.org, self.domain, strip_slash(path))
    }

    /// The environment's SSM path, `/org/domain/env/…`, with the case of `path` kept.
    pub fn env_path(&self, path: &str) -> String {
        format!("/{}/{}/{}/{}", self.org, self.domain, self.env, strip_slash(path))
    }

    /// The name of the CloudFormation stack that MDAA would have created.
    pub fn stack(&self, suffix: Option<&str>) -> String {
        let suffix = suffix.map(str::to_lowercase);
        [Some(self.org.as_str()), Some(&self.env), Some(&self.domain), Some(&self.module), suffix.as_deref()]
            .into_iter()
            .flatten()
            .filter(|word| word.chars().any(|c| c.is_ascii_alphanumeric() || c == '_'))
            .map(|word| word.replace('_', "-"))
            .collect::<Vec<_>>()
            .join("-")
    }

    fn iam(&self, suffix: &str) -> Result<String, InvalidName> {
        self.resource_name(Some(suffix), Some(IAM_LIMIT))
    }
}

/// The first ten hexadecimal digits of the SHA-1 of a lifecycle config's base64 text.
pub fn content_hash(content: &str) -> String {
    let mut digits: String = hex(&Sha1::digest(content.as_bytes()));
    digits.truncate(CONTENT_HASH_LENGTH);
    digits
}

/// The user profile name that MDAA derives from a user id: everything but letters, digits and `_` becomes `-`.
pub fn derive_profile_name(user_id: &str) -> String {
    user_id.encode_utf16().map(|unit| u8::try_from(unit).map_or('-', char::from)).map(word_or_hyphen).collect()
}

/// Returns `true` if SageMaker accepts a user profile name: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}` and at most 63 characters.
pub fn is_profile_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.len() <= PROFILE_LIMIT
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn word_or_hyphen(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }
}

fn strip_slash(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

fn validate(name: String) -> Result<String, InvalidName> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if edge(name.chars().next()) && edge(name.chars().next_back()) && name.chars().all(inner) {
        Ok(name)
    } else {
        Err(InvalidName(name))
    }
}

/// MDAA's hash of a too long name.
///
/// Only the multiplication wraps to 32 bits, the last addition does not, so this is not Java's `hashCode`; and a character
/// beyond the basic plane counts twice, once whole and once as its low surrogate. A negative hash keeps its sign.
fn name_hash(name: &str) -> String {
    let units: Vec<u16> = name.encode_utf16().collect();
    let hash = units.iter().enumerate().fold(0_i64, |hash, (index, &unit)| {
        let point = match (unit, units.get(index + 1)) {
            (0xD800..=0xDBFF, Some(&low @ 0xDC00..=0xDFFF)) => {
                0x1_0000 + ((i64::from(unit) - 0xD800) << 10) + (i64::from(low) - 0xDC00)
            }
            _ => i64::from(unit),
        };
        #[expect(clippy::cast_possible_truncation, reason = "the hash is defined on the low 32 bits")]
        let wrapped = 31_i32.wrapping_mul(hash as i32);
        i64::from(wrapped) + point
    });
    if hash < 0 { format!("-{:x}", -hash) } else { format!("{hash:x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(module: &str) -> NamingConvention {
        NamingConvention::new("test-org", "test-env", "test-domain", &format!("test-sagemaker-studio-domain-{module}"))
    }

    #[test]
    fn names_are_those_of_mdaa_snapshots() {
        let cases = [
            ("minimal", "", 63, "test-org-test-env-test-domain-test-sagemaker-studio-do--e503a7c"),
            (
                "minimal",
                "default-execution-role",
                64,
                "test-org-test-env-test-domain-test-sagemaker-studio-doma-a226980",
            ),
            ("minimal", "deployment", 64, "test-org-test-env-test-domain-test-sagemaker-studio-do--39657952"),
            ("minimal", "basic-execution", 64, "test-org-test-env-test-domain-test-sagemaker-studio-dom-35d41df0"),
            ("minimal", "domain-bucket-deploy", 64, "test-org-test-env-test-domain-test-sagemaker-studio-do--72cb2e76"),
            ("minimal", "cdk-assets-read", 64, "test-org-test-env-test-domain-test-sagemaker-studio-dom-2cb4a234"),
            ("minimal", "efs", 256, "test-org-test-env-test-domain-test-sagemaker-studio-domain-minimal-efs"),
            (
                "minimal",
                "StudioDomainUpdate-handler",
                64,
                "test-org-test-env-test-domain-test-sagemaker-studio-do--4003fb37",
            ),
            (
                "minimal",
                "StudioDomainUpdate-provider",
                64,
                "test-org-test-env-test-domain-test-sagemaker-studio-doma-4890852",
            ),
            ("sso", "", 63, "test-org-test-env-test-domain-test-sagemaker-studio-domain-sso"),
            ("sso", "deployment", 64, "test-org-test-env-test-domain-test-sagemaker-studio-do--5f1af400"),
            ("sso", "basic-execution", 64, "test-org-test-env-test-domain-test-sagemaker-studio-do--45bde422"),
            ("sso", "domain-bucket-deploy", 64, "test-org-test-env-test-domain-test-sagemaker-studio-dom-151e585c"),
            ("sso", "cdk-assets-read", 64, "test-org-test-env-test-domain-test-sagemaker-studio-do--4edd5fde"),
            (
                "sso",
                "StudioDomainUpdate-handler",
                64,
                "test-org-test-env-test-domain-test-sagemaker-studio-do--22fa59e5",
            ),
            ("main", "", 63, "test-org-test-env-test-domain-test-sagemaker-studio-do-17e590b6"),
            ("main", "basic-execution", 64, "test-org-test-env-test-domain-test-sagemaker-studio-do--39bebade"),
            ("main", "domain-bucket-deploy", 64, "test-org-test-env-test-domain-test-sagemaker-studio-dom-1b3a5998"),
            ("main", "JupyterServer", 50, "test-org-test-env-test-domain-test-sagema-497b0fb9"),
            ("main", "JupyterLab", 50, "test-org-test-env-test-domain-test-sagema-313b84d7"),
            ("main", "KernelGateway", 50, "test-org-test-env-test-domain-test-sagema-2adcb690"),
            (
                "main",
                "StudioLifecycleConfig-handler",
                64,
                "test-org-test-env-test-domain-test-sagemaker-studio-do--388f3fc4",
            ),
            (
                "main",
                "StudioLifecycleConfig-provider",
                64,
                "test-org-test-env-test-domain-test-sagemaker-studio-do--145444c1",
            ),
        ];
        for (module, suffix, limit, expected) in cases {
            assert_eq!(
                sample(module).resource_name(Some(suffix), Some(limit)).as_deref(),
                Ok(expected),
                "{module} {suffix} {limit}"
            );
        }
    }

    #[test]
    fn names_are_those_of_mdaa_beyond_the_snapshots() {
        let big = ("my-organization", "development", "enterprise-data-science", "sagemaker-studio-domain-eu");
        let acme = ("acme", "dev", "ds", "studio");
        let long = ("acme", "production", "data-science", "studio-domain-primary");
        let xs = "x".repeat(100);
        let cases = [
            (("test-org", "test-env", "test-domain", "test-module"), xs.as_str(), 20, "test-org-te-5a4488cb"),
            (acme, "", 0, "acme-dev-ds-studio"),
            (acme, "Default-Execution-Role", 64, "acme-dev-ds-studio-default-execution-role"),
            (acme, "", 18, "acme-dev--526a05c9"),
            (acme, "", 19, "acme-dev-ds-studio"),
            (long, "default-execution-role", 64, "acme-production-data-science-studio-domain-primary-def--7358a5a1"),
            (long, "basic-execution", 64, "acme-production-data-science-studio-domain-primary-basi-7e24d9f1"),
            (long, "domain-bucket-deploy", 64, "acme-production-data-science-studio-domain-primary-dom--385191d7"),
            (long, "JupyterServer", 50, "acme-production-data-science-studio-domai-438b8c48"),
            (long, "JupyterLab", 50, "acme-production-data-science-studio-domai-3a73eaa8"),
            (long, "KernelGateway", 50, "acme-production-data-science-studio-domai-24ed331f"),
            (big, "", 63, "my-organization-development-enterprise-data-science-sa-3b0dbae2"),
            (big, "default-execution-role", 64, "my-organization-development-enterprise-data-science-sa--718cb59e"),
            (big, "deployment", 64, "my-organization-development-enterprise-data-science-sa--3863d570"),
            (big, "basic-execution", 64, "my-organization-development-enterprise-data-science-sag-5507974e"),
            (big, "JupyterLab", 50, "my-organization-development-enterprise-da-7cbd872b"),
            (big, "KernelGateway", 50, "my-organization-development-enterprise-da-1929a3bc"),
            (("a", "b", "c", "d"), "my.name_x", 0, "a-b-c-d-my.name_x"),
        ];
        for ((org, env, domain, module), suffix, limit, expected) in cases {
            let names = NamingConvention::new(org, env, domain, module);
            assert_eq!(names.resource_name(Some(suffix), Some(limit)).as_deref(), Ok(expected), "{suffix} {limit}");
        }
    }

    #[test]
    fn illegal_names_are_refused() {
        let cases = [
            ("a", Some("x y"), None, "a-b-c-d-x y"),
            ("a", Some("trail-"), None, "a-b-c-d-trail-"),
            ("-a", None, None, "-a-b-c-d"),
            ("a", None, Some(5), "-5d817523"),
        ];
        for (org, suffix, limit, name) in cases {
            let result = NamingConvention::new(org, "b", "c", "d").resource_name(suffix, limit);
            assert_eq!(result, Err(InvalidName(name.into())));
        }
        for name in ["a_b_c", "a-b-c", "abc123", "a-b-c-1", "a", "a1-2b"] {
            assert!(validate(name.into()).is_ok(), "{name}");
        }
        for name in ["-abc", "abc-", "ab c", "", "a-"] {
            assert!(validate(name.into()).is_err(), "{name}");
        }
    }

    #[test]
    fn the_hash_wraps_only_in_the_multiplication() {
        let cases = [
            ("polygenelubricants", "80000000"),
            ("u52h71pejz", "80000035"),
            ("031j4s6a1z", "8000006f"),
            ("😀", "3da800"),
            ("x😀y", "7ade501"),
            ("héllo", "62519ce"),
            ("", "0"),
            ("a", "61"),
        ];
        for (text, expected) in cases {
            assert_eq!(name_hash(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_and_stack_names() {
        let names = NamingConvention::new("o", "e", "d", "m");
        assert_eq!(names.parameter("role/X/Arn"), "/o/d/m/role/x/arn");
        assert_eq!(names.org_path("//x"), "/o//x");
        assert_eq!(names.env_path("/x/y"), "/o/d/e/x/y");
        assert_eq!(names.domain_path("Y"), "/o/d/Y");
        assert_eq!(names.stack(Some("Test")), "o-e-d-m-test");
        assert_eq!(NamingConvention::new("o", "--", "d_x", "m").stack(None), "o-d-x-m");
        assert_eq!(names.security_group().as_deref(), Ok("o-e-d-m-o-e-d-m"));
        assert_eq!(names.security_group_description(), "o-e-d-m/security-group");
        assert_eq!(names.key_alias().as_deref(), Ok("alias/o-e-d-m-efs"));
        assert_eq!(NamingConvention::new("Test-ORG", "e", "d", "m").bucket().as_deref(), Ok("test-org-e-d-m"));
    }

    #[test]
    fn content_hashes() {
        let cases =
            [("ZWNobyBrZXJuZWw=", "699cccbc5d"), ("ZWNobyBrZXJuZWwKZWNobyB0d28=", "7dfc4d12e3"), ("", "da39a3ee5e")];
        for (content, expected) in cases {
            assert_eq!(content_hash(content), expected);
        }
        assert_eq!(
            NamingConvention::new("acme", "dev", "ds", "studio")
                .lifecycle_config("KernelGateway", "ZWNobyBrZXJuZWw=")
                .as_deref(),
            Ok("acme-dev-ds-studio-kernelgateway-699cccbc5d")
        );
    }

    #[test]
    fn profile_names() {
        let longest = "a".repeat(63);
        let too_long = "a".repeat(64);
        let hyphens = format!("a{}b", "-".repeat(68));
        let cases = [
            ("user@example.com", "user-example-com", true),
            ("first last", "first-last", true),
            ("user!!name", "user--name", true),
            ("a..b", "a--b", true),
            ("joséx", "jos-x", true),
            ("😀a", "--a", false),
            ("lead_ds", "lead_ds", false),
            ("a.", "a-", false),
            ("---invalid---", "---invalid---", false),
            ("", "", false),
            (&longest, &longest, true),
            (&too_long, &too_long, false),
            (&hyphens, &hyphens, false),
        ];
        for (id, name, valid) in cases {
            assert_eq!(derive_profile_name(id), name);
            assert_eq!(is_profile_name(name), valid, "{id}");
        }
    }
}

//! Watched settings of a domain and of profiles: those that the config leaves unset and somebody has set, where that
//! opens access, runs somebody's code in apps, or sends what users have elsewhere.
//!
//! What nobody sets AWS may answer with a default of its own, so each setting says which values matter.

use crate::model::{Node, Observed, Path, Value};
use crate::plan::{Mend, Rules, Unset, Watched, is_blank};

/// Values of a setting that matter.
#[derive(Clone, Copy)]
enum Matters {
    /// Whatever says something.
    Any,
    /// One word alone.
    Word(&'static str),
    /// An image of the domain's own account: those that AWS sets are in accounts of AWS's.
    OwnImage,
}

/// A setting by the end of its path; which values matter; and why.
struct Setting(&'static [&'static str], Matters, &'static str);

const SCRIPT: &str = "apps run this script when they start";
const ROLE: &str = "apps may act as this role";

/// The settings that matter. What is none of them is listed with its reason in `docs/drift.md`, which a test holds to this.
const SETTINGS: &[Setting] = &[
    Setting(
        &["DockerSettings", "EnableDockerAccess"],
        Matters::Word("ENABLED"),
        "apps may run containers of any image",
    ),
    Setting(&["DockerSettings", "VpcOnlyTrustedAccounts"], Matters::Any, "apps may run images of these accounts"),
    Setting(
        &["DomainSettings", "SecurityGroupIds"],
        Matters::Any,
        "these groups decide what reaches the domain's apps",
    ),
    Setting(&["DomainSettings", "IpAddressType"], Matters::Word("dualstack"), "apps have addresses of IPv6 too"),
    Setting(
        &["TrustedIdentityPropagationSettings", "Status"],
        Matters::Word("ENABLED"),
        "users act as themselves elsewhere",
    ),
    Setting(&["AmazonQSettings", "Status"], Matters::Word("ENABLED"), "what users write is sent to Amazon Q"),
    Setting(&["AmazonQSettings", "QProfileArn"], Matters::Any, "what users write is sent to this profile of Amazon Q"),
    Setting(
        &["UnifiedStudioSettings", "StudioWebPortalAccess"],
        Matters::Word("ENABLED"),
        "Unified Studio may open the domain",
    ),
    Setting(
        &["UnifiedStudioSettings", "DomainAccountId"],
        Matters::Any,
        "a Unified Studio domain of this account may open it",
    ),
    Setting(&["UnifiedStudioSettings", "DomainId"], Matters::Any, "this Unified Studio domain may open it"),
    Setting(&["UnifiedStudioSettings", "ProjectId"], Matters::Any, "this Unified Studio project may open it"),
    Setting(&["UnifiedStudioSettings", "ProjectS3Path"], Matters::Any, "what users have may be put there"),
    Setting(
        &["UnifiedStudioSettings", "SingleSignOnApplicationArn"],
        Matters::Any,
        "whoever is assigned to it may sign in",
    ),
    Setting(&["DomainExecutionRoleArn"], Matters::Any, "RStudio acts as this role"),
    Setting(&["RStudioConnectUrl"], Matters::Any, "users publish there"),
    Setting(&["RStudioPackageManagerUrl"], Matters::Any, "packages that users install come from there"),
    Setting(&["RStudioServerProAppSettings", "AccessStatus"], Matters::Word("ENABLED"), "users may open RStudio"),
    Setting(&["RStudioServerProAppSettings", "UserGroup"], Matters::Word("R_STUDIO_ADMIN"), "users administer RStudio"),
    Setting(&["ExecutionRole"], Matters::Any, "apps run as this role"),
    Setting(&["SecurityGroups"], Matters::Any, "these groups decide what reaches the apps"),
    Setting(&["SharingSettings", "NotebookOutputOption"], Matters::Word("Allowed"), "what notebooks print is shared"),
    Setting(&["SharingSettings", "S3OutputPath"], Matters::Any, "shared notebooks are copied there"),
    Setting(&["LifecycleConfigArn"], Matters::Any, SCRIPT),
    Setting(&["LifecycleConfigArns"], Matters::Any, SCRIPT),
    Setting(&["BuiltInLifecycleConfigArn"], Matters::Any, SCRIPT),
    Setting(&["CustomImages"], Matters::Any, "users may run these images"),
    Setting(&["SageMakerImageArn"], Matters::OwnImage, "apps run this image"),
    Setting(&["SageMakerImageVersionArn"], Matters::OwnImage, "apps run this image"),
    Setting(&["CodeRepositories"], Matters::Any, "apps offer the code of these repositories"),
    Setting(&["EmrSettings", "AssumableRoleArns"], Matters::Any, ROLE),
    Setting(&["EmrSettings", "ExecutionRoleArns"], Matters::Any, ROLE),
    Setting(&["AmazonForecastRoleArn"], Matters::Any, ROLE),
    Setting(&["CrossAccountModelRegisterRoleArn"], Matters::Any, ROLE),
    Setting(&["AmazonBedrockRoleArn"], Matters::Any, ROLE),
    Setting(&["ExecutionRoleArn"], Matters::Any, ROLE),
    Setting(&["WorkspaceSettings", "S3ArtifactPath"], Matters::Any, "what users make in Canvas is put there"),
    Setting(&["IdentityProviderOAuthSettings"], Matters::Any, "Canvas reaches these sources of data"),
    Setting(&["CustomPosixUserConfig", "Uid"], Matters::Any, "apps read and write files as this user"),
    Setting(&["CustomPosixUserConfig", "Gid"], Matters::Any, "apps read and write files as this group"),
    Setting(&["CustomFileSystemConfigs"], Matters::Any, "apps mount these file systems"),
];

/// The findings below `roots`: values that no node says, and that do not hold by themselves where it says nothing.
pub fn watch(observed: &Observed, node: Option<&Node>, roots: &[&str], rules: &dyn Rules) -> Vec<Watched> {
    let Some(node) = node else { return Vec::new() };
    let said: Vec<Path> = node.properties.leaves().into_iter().map(|(path, _)| path).collect();
    let is_said = |path: &Path| said.iter().any(|leaf| leaf.starts_with(path) || path.starts_with(leaf));
    let holds = |path: &Path, live: &Value| node.fallback.at(path).is_some_and(|value| rules.same(path, value, live));
    let arn = observed.outputs.iter().find(|(name, _)| matches!(name.as_str(), "DomainArn" | "UserProfileArn"));
    let account = arn.and_then(|(_, arn)| arn.split(':').nth(4)).unwrap_or_default();
    let mut found = Vec::new();
    for (path, live) in observed.properties.leaves() {
        let is_of_settings = path.0.first().is_some_and(|root| roots.contains(&root.as_str()));
        if !is_of_settings || is_said(&path) || holds(&path, live) {
            continue;
        }
        if let Some(why) = why(&path, live, account) {
            let mend = match rules.unset(&path, live) {
                Unset::Send(value) => Mend::Apply(value),
                Unset::Omit => Mend::Apply(Value::Null),
                Unset::Impossible => Mend::Config,
            };
            found.push(Watched { path, found: live.clone(), why: why.into(), mend });
        }
    }
    found
}

/// The reason why a setting matters, if it does.
fn why(path: &Path, live: &Value, account: &str) -> Option<&'static str> {
    let Setting(_, matters, why) = SETTINGS.iter().find(|setting| {
        let end = path.0.len().checked_sub(setting.0.len());
        end.is_some_and(|end| path.0[end..].iter().map(String::as_str).eq(setting.0.iter().copied()))
    })?;
    let is_so = match matters {
        Matters::Any => !is_blank(Some(live)),
        Matters::Word(word) => live.as_str() == Some(word),
        // RStudio itself runs AWS's image alone, and AWS names it in the domain's settings.
        Matters::OwnImage if path.0.iter().any(|key| key == "RStudioServerProDomainSettings") => false,
        Matters::OwnImage => live.as_str().is_some_and(|arn| arn.split(':').nth(4) == Some(account)),
    };
    is_so.then_some(*why)
}

//! The sandbox as the AWS of a run.

use std::any::Any;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use aws_types::SdkConfig;
use aws_types::sdk_config::{RetryConfig, SharedCredentialsProvider};
use serde_json::json;

use super::needed::needed;
use crate::aws::bounds::Bounds;
use crate::aws::connect::{ATTEMPTS, ConnectOptions, filled_in, unassumed};
use crate::aws::error::failed;
use crate::deploy::{Backend, Loaded};
use crate::failure::Failure;
use crate::failure::codes;
use crate::hint::{Caller, quoted};
use crate::model::Arn;
use studio_sandbox::Faults;
use studio_sandbox::{Sandbox, SandboxOptions, Seed, SeedRole};
use studio_sandbox::{StoreError, beside};

/// The region of a sandbox that nobody gave one.
pub const REGION: &str = "us-east-1";
/// The account of a sandbox that nobody gave one.
pub const ACCOUNT: &str = "123456789012";

/// The AWS inside the process, for one command.
#[derive(Debug)]
pub struct SandboxAws {
    sandbox: Sandbox,
}

/// A sandbox's file that cannot be used, with the way out.
#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
pub fn unusable(error: StoreError) -> Failure {
    let helps = match &error {
        StoreError::Io { .. } => vec!["check who may read and write the file and its folder".to_owned()],
        StoreError::Foreign { .. } => vec![
            "nothing was changed in it; name another file with `--sandbox=FILE`, which is made when there is none"
                .to_owned(),
        ],
        StoreError::Version { path, .. } | StoreError::Damaged { path, .. } => {
            let (old, aside) = (quoted(path), quoted(beside(path, ".old")));
            vec![
                format!("move it away with `mv {old} {aside}` if anything in it may be needed"),
                format!("{} deletes it, and the next command starts a new one", reset(path)),
            ]
        }
    };
    Failure::new(&codes::FILE, error.to_string()).helps(helps)
}

/// The command that deletes a sandbox.
fn reset(path: &Path) -> String {
    Caller::default().run_quoted("sandbox reset", [format!("--sandbox={}", quoted(path)).as_str()])
}

impl SandboxAws {
    /// Opens a sandbox in which these faults are to be injected.
    ///
    /// # Errors
    /// A file that cannot be used, or a fault that does not exist.
    pub fn open(options: SandboxOptions, faults: &str) -> Result<Self, Failure> {
        let faults: Faults = faults
            .parse()
            .map_err(|error: studio_sandbox::FaultError| Failure::new(&codes::USAGE, error.to_string()))?;
        Ok(Self::of(Sandbox::open(SandboxOptions { faults, ..options }).map_err(unusable)?))
    }

    /// A backend of a sandbox that is open already.
    pub const fn of(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }

    /// The sandbox that this backend works with.
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The role by which `options` lead into an account: in AWS somebody has made it, with every permission.
    fn entrance(&self, options: &ConnectOptions, account: &str) -> Result<Option<SeedRole>, Failure> {
        let Some(role) = &options.role_arn else { return Ok(None) };
        let partition = self.sandbox.with_world(|world| world.partition()).map_err(unusable)?;
        let role = role.replace("{{partition}}", partition).replace("{{account}}", account);
        let Some(arn) = Arn::parse(&role).filter(|arn| arn.account == account && arn.partition == partition) else {
            return Ok(None);
        };
        let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        Ok(arn.role_name().map(|name| SeedRole {
            name: name.to_owned(),
            path: arn.resource.strip_prefix("role").and_then(|path| path.strip_suffix(name)).map(str::to_owned),
            policy: Some(policy.to_string()),
            ..SeedRole::default()
        }))
    }
}

#[async_trait(?Send)]
impl Backend for SandboxAws {
    fn is_sandbox(&self) -> bool {
        true
    }

    fn prepare(&self, loaded: &Loaded, options: &ConnectOptions) -> Result<Vec<String>, Failure> {
        // Each deployment finds what it refers to when it is seen for the first time, and nothing later, so that a
        // reference that leads nowhere is an error as it would be in AWS.
        let name = loaded.names.to_string();
        if self.sandbox.is_prepared(&name) {
            return Ok(Vec::new());
        }
        // What is made is kept once the run changes something: one that is refused, or only looks, leaves no trace.
        self.sandbox.hold();
        // The first deployment of the command decides where the sandbox is.
        if self.sandbox.is_new() {
            let account = options.account.as_deref().unwrap_or(ACCOUNT);
            self.sandbox.found(account, options.region.as_deref().unwrap_or(REGION)).map_err(unusable)?;
        }
        let elsewhere = |asked: &Option<String>, here: &str| asked.as_ref().is_some_and(|asked| asked != here);
        if elsewhere(&options.region, &self.sandbox.region()) {
            return Ok(Vec::new());
        }
        let home = self.sandbox.with_world(|world| world.account()).map_err(unusable)?;
        let account = options.account.clone().unwrap_or_else(|| home.clone());
        let entrance = self.entrance(options, &account)?;
        // Without a role in it nobody gets into another account.
        if account != home && entrance.is_none() {
            return Ok(Vec::new());
        }
        let is_made = account != home || options.role_arn.as_ref().is_some_and(|role| role.contains("{{account}}"));
        let entrance = entrance.filter(|_| is_made);
        // What is wrong with the config is said where all of it is looked at; once it is mended there is something to make.
        let made = match seed(&self.sandbox, loaded, &account, entrance) {
            Err(failure) if !failure.mistakes.is_empty() => return Ok(Vec::new()),
            seeded => seeded?,
        };
        self.sandbox.with_world(|world| world.set_prepared(&name)).map_err(unusable)?;
        Ok(made)
    }

    fn hold_clock(&self) -> Box<dyn Any> {
        Box::new(self.sandbox.busy())
    }

    async fn config(&self, options: &ConnectOptions) -> Result<(SdkConfig, bool), Failure> {
        let region = self.sandbox.region();
        if let Some(asked) = options.region.as_ref().filter(|asked| **asked != region) {
            let summary = format!("the sandbox is in {region}, and {asked} is asked for");
            return Err(Failure::new(&codes::WRONG_PLACE, summary).help(match self.sandbox.path() {
                Some(path) => format!("name another file with `--sandbox=FILE`; {} deletes this one", reset(&path)),
                None => "start another sandbox for it".into(),
            }));
        }
        let mut config = self.sandbox.sdk_config().retry_config(
            RetryConfig::adaptive().with_max_attempts(ATTEMPTS).with_initial_backoff(Duration::from_millis(500)),
        );
        config = config.timeout_config(Bounds::USUAL.timeouts());
        if let Some(role) = &options.role_arn {
            let base = config.build();
            let role = filled_in(role, options, &base).await?;
            let assumed =
                aws_sdk_sts::Client::new(&base).assume_role().role_arn(&role).role_session_name("studio-deploy");
            let assumed = assumed.send().await.map_err(|e| unassumed(&role, &failed("AssumeRole", e)))?;
            if let Some(keys) = assumed.credentials() {
                let credentials = aws_credential_types::Credentials::new(
                    keys.access_key_id(),
                    keys.secret_access_key(),
                    Some(keys.session_token().to_owned()),
                    None,
                    "assumed role",
                );
                return Ok((
                    base.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build(),
                    true,
                ));
            }
            config = base.to_builder();
        }
        Ok((config.build(), true))
    }
}

/// Makes what a config refers to and must exist in `account`, and the role that leads into it, if it is another than the
/// operator's; a line for each thing made.
///
/// # Errors
/// Mistakes in the config, or a file that cannot be written.
pub fn seed(
    sandbox: &Sandbox,
    loaded: &Loaded,
    account: &str,
    entrance: Option<SeedRole>,
) -> Result<Vec<String>, Failure> {
    let (region, partition) = (sandbox.region(), sandbox.with_world(|world| world.partition()).map_err(unusable)?);
    let context = loaded.context(Some(account), Some(&region), Some(partition));
    let mut needed = needed(&loaded.document, &context).map_err(|mistakes| loaded.invalid(&mistakes))?;
    loaded.permissions_boundary.iter().for_each(|arn| needed.boundary(arn));
    let mut seed = std::mem::take(&mut needed.seed);
    seed.roles.extend(entrance);
    let home = sandbox.with_world(|world| world.account()).map_err(unusable)?;
    if account != home {
        seed = Seed { others: [(account.to_owned(), seed)].into(), ..Seed::default() };
    }
    let mut made = sandbox.seed(&seed).map_err(unusable)?;
    let studio = sandbox.with_world(|world| world.within(account, |world| needed.studio(world)));
    made.extend(studio.map_err(unusable)?);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_comes_with_the_way_out() {
        let path = PathBuf::from("/home/it's mine.json");
        let reason = String::new;
        for (error, expected) in [
            (StoreError::Foreign { path: path.clone(), reason: reason() }, ["nothing was changed", "--sandbox=FILE"]),
            (
                StoreError::Version { path: path.clone(), version: reason() },
                ["mv '/home/it'\\''s mine.json'", "sandbox reset"],
            ),
            (StoreError::Damaged { path, reason: reason() }, [".old'", "--sandbox='/home/it'\\''s mine.json'"]),
        ] {
            let failure = unusable(error);
            for expected in expected {
                assert!(failure.help.contains(expected), "{expected}: {}", failure.help);
            }
        }
    }
}

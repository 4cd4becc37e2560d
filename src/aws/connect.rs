//! The way to the real AWS: the SDK's own chain, so that profiles, roles and endpoints work as in every AWS tool.

use std::path::Path;
use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig, profile};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::os_shim_internal::{Env, Fs};

use super::bounds::Bounds;
use super::error::{failed, not_assumed};
use super::lookups::Lookups;
use super::{bounded, named};
use crate::cloud::{CloudError, ErrorKind};
use crate::failure::Failure;
use crate::failure::codes;
use crate::files;
use crate::hint::Caller;

/// The number of attempts at a call: with hundreds of profiles SageMaker throttles long before it serves.
pub const ATTEMPTS: u32 = 25;

/// The AWS that is asked for: account, region, profile, role, endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectOptions {
    /// The region, when somebody named one.
    pub region: Option<String>,
    /// The account, when somebody named one.
    pub account: Option<String>,
    /// The profile of the AWS configuration.
    pub profile: Option<String>,
    /// The role to become; may hold `{{partition}}` and `{{account}}`.
    pub role_arn: Option<String>,
    /// Another endpoint for every service.
    pub endpoint_url: Option<String>,
}

/// The real AWS, as the SDK's own chain of profiles and credentials leads to it.
#[derive(Debug)]
pub struct RealAws {
    /// The bounds of each call.
    pub bounds: Bounds,
}

impl Default for RealAws {
    fn default() -> Self {
        Self { bounds: Bounds::USUAL }
    }
}

impl RealAws {
    /// The configuration that leads to it, and whether buckets have to be addressed by path.
    ///
    /// # Errors
    /// A profile that does not exist, files that cannot be read, a role that cannot be assumed.
    pub async fn connect(&self, options: &ConnectOptions) -> Result<(SdkConfig, bool), Failure> {
        check_profile(options).await?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(self.bounds.timeouts())
            .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS));
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        let path_style = config.endpoint_url().is_some() || has_own_s3_endpoint(&config);
        match &options.role_arn {
            None => Ok((config, path_style)),
            Some(role) => {
                let role = filled_in(role, options, &config).await?;
                let once = bounded(&config, Bounds::FIRST).to_builder().retry_config(RetryConfig::standard()).build();
                let provider = AssumeRoleProvider::builder(&role).session_name("studio-deploy").configure(&once);
                let provider = provider.build().await;
                // Whether it may be assumed is found out here, where it is known that this is what failed.
                provider.provide_credentials().await.map_err(|error| unassumed(&role, &not_assumed(&error)))?;
                let provider = SharedCredentialsProvider::new(provider);
                Ok((config.to_builder().credentials_provider(provider).build(), path_style))
            }
        }
    }
}

/// The variables that name files which the SDK reads whole, whatever they are.
const GIVEN_FILES: [&str; 4] = [
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];
/// The largest size of such a file, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Makes sure that the SDK comes to an end with a file, and does not go on without what is no text, in another account
/// perhaps. What does not exist or may not be read is for it to judge.
fn check_file(path: &str) -> Result<(), Failure> {
    use std::io::ErrorKind::{NotFound, PermissionDenied};
    match files::check_text(Path::new(path), LARGEST_FILE) {
        Err(error) if !matches!(error.kind(), NotFound | PermissionDenied) => {
            let failure =
                Failure::new(&codes::CREDENTIALS, format!("the AWS configuration cannot be read: {path}: {error}"));
            Err(failure.help(format!("put a file there, or lead {} elsewhere", GIVEN_FILES.join(", "))))
        }
        _ => Ok(()),
    }
}

/// Makes sure that the profile that is asked for exists: the SDK goes on without one that does not.
async fn check_profile(options: &ConnectOptions) -> Result<(), Failure> {
    let env = Env::real();
    let given = GIVEN_FILES.iter().filter_map(|name| env.get(name).ok());
    let home = env.get("HOME").into_iter();
    let usual = home.flat_map(|home| [format!("{home}/.aws/config"), format!("{home}/.aws/credentials")]);
    given.chain(usual).try_for_each(|path| check_file(&path))?;
    let asked = options.profile.clone().map(Into::into);
    #[expect(clippy::default_trait_access, reason = "the only name of this type that can be reached is deprecated")]
    let files = Default::default();
    let read = profile::load(&Fs::real(), &Env::real(), &files, asked).await;
    let profiles = read.map_err(|error| {
        Failure::new(&codes::CREDENTIALS, "the AWS configuration cannot be read").detail(error.to_string())
    })?;
    let name = profiles.selected_profile();
    let token = profiles.get_profile(name).and_then(|profile| profile.get("web_identity_token_file"));
    token.map_or(Ok(()), check_file)?;
    if name == "default" && options.profile.is_none() || profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let known = if known.is_empty() { "there are none".into() } else { format!("there are {}", known.join(", ")) };
    Err(Failure::new(&codes::CREDENTIALS, format!("the AWS configuration has no profile `{name}`"))
        .help(format!("choose another with `--profile` or AWS_PROFILE ({known}), or add it with `aws configure`")))
}

/// The failure that a role cannot be assumed.
pub fn unassumed(role: &str, error: &CloudError) -> Failure {
    let failure = Failure::from(error.clone());
    if error.kind != ErrorKind::Denied {
        return failure;
    }
    failure.named(format!("the role {role} cannot be assumed")).helps(
        [
            "it may not exist, its trust policy has to name the caller, and the caller needs sts:AssumeRole on it",
            "`aws sts get-caller-identity` shows the identity that AWS sees",
        ]
        .map(str::to_owned),
    )
}

/// The identity that the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The twelve digits of the account.
    pub account: String,
    /// The user or the session.
    pub arn: String,
    /// The partition that the account is in (`aws`, `aws-cn`, `aws-us-gov`).
    pub partition: String,
}

/// One way into an account and region, and whose credentials it takes.
#[derive(Debug)]
pub struct Session {
    /// The SDK's configuration.
    pub config: SdkConfig,
    /// Whether buckets have to be addressed by path.
    pub path_style: bool,
    /// The region.
    pub region: String,
    /// The identity that the calls are made as.
    pub caller: CallerIdentity,
    /// The answers that the deployments of a run share in this account and region.
    pub lookups: Option<Arc<Lookups>>,
}

impl Session {
    /// Makes sure that a configuration leads to a region and to an account.
    ///
    /// # Errors
    /// No credentials, no region, or that STS cannot be reached.
    pub async fn open(
        (config, path_style): (SdkConfig, bool),
        lookups: Option<Arc<Lookups>>,
        words: &Caller,
    ) -> Result<Self, Failure> {
        let Some(region) = config.region().map(ToString::to_string) else {
            let failure = Failure::new(&codes::WRONG_PLACE, "no region is known");
            return Err(
                failure.help("say `--region REGION`, set AWS_REGION, or put `deployment: {region: …}` into the config")
            );
        };
        let caller = caller(&config).await.map_err(|error| Failure::cloud(&error, Some(&region), words))?;
        Ok(Self { config, path_style, region, caller, lookups })
    }
}

/// Asks STS who we are; every caller may. It is the first call of every run: nobody throttles it, and whoever mistyped an
/// endpoint or sits behind a closed network wants to hear so in seconds.
///
/// # Errors
/// No credentials, expired ones, or that STS cannot be reached.
pub async fn caller(config: &SdkConfig) -> Result<CallerIdentity, CloudError> {
    let config = bounded(config, Bounds::FIRST);
    let config = named!(aws_sdk_sts, &config).retry_config(RetryConfig::standard()).build();
    let identity = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
    let identity = identity.map_err(|e| failed("GetCallerIdentity", e))?;
    let arn = identity.arn.unwrap_or_default();
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    Ok(CallerIdentity { account: identity.account.unwrap_or_default(), arn, partition })
}

/// Returns `true` if only S3 has an endpoint of its own (`AWS_ENDPOINT_URL_S3`, or the profile's).
fn has_own_s3_endpoint(config: &SdkConfig) -> bool {
    use aws_types::service_config::ServiceConfigKey;
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = config.service_config().zip(key.ok()).and_then(|(service, key)| service.load_config(key));
    own.is_some()
}

/// The role's ARN: one run may reach the accounts that an mdaa.yaml names.
///
/// # Errors
/// When it has to be asked who the caller is, and that fails.
pub async fn filled_in(role: &str, options: &ConnectOptions, config: &SdkConfig) -> Result<String, Failure> {
    if !role.contains("{{") {
        return Ok(role.to_owned());
    }
    let caller = caller(config).await?;
    let account = options.account.as_deref().unwrap_or(&caller.account);
    Ok(role.replace("{{partition}}", &caller.partition).replace("{{account}}", account))
}

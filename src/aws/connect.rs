//! The way to the real AWS: the SDK's own chain, so that profiles, roles and endpoints work as in every AWS tool.

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};

use super::error::failed;
use crate::cli::failure::Failure;
use crate::cli::surroundings::{Backend, Wanted};
use crate::cloud::CloudError;

/// How often a call is tried: with hundreds of profiles SageMaker throttles long before it serves.
pub const ATTEMPTS: u32 = 25;

/// The real AWS.
#[derive(Debug)]
pub struct RealAws;

#[async_trait(?Send)]
impl Backend for RealAws {
    async fn config(&self, wanted: &Wanted) -> Result<(SdkConfig, bool), Failure> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS));
        if let Some(region) = &wanted.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &wanted.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &wanted.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        let path_style = config.endpoint_url().is_some() || has_own_s3_endpoint(&config);
        match &wanted.role_arn {
            None => Ok((config, path_style)),
            Some(role) => {
                let role = filled_in(role, wanted, &config).await?;
                let provider =
                    AssumeRoleProvider::builder(role).session_name("studio-deploy").configure(&config).build();
                let provider = aws_credential_types::provider::SharedCredentialsProvider::new(provider.await);
                Ok((config.to_builder().credentials_provider(provider).build(), path_style))
            }
        }
    }
}

/// Who the credentials take us for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The user or the session.
    pub arn: String,
    /// The partition that the account is in (`aws`, `aws-cn`, `aws-us-gov`).
    pub partition: String,
}

/// Asks STS who we are; every caller may. It is the first call of every run: nobody throttles it, and whoever mistyped an
/// endpoint or sits behind a closed network wants to hear so in seconds.
///
/// # Errors
/// No credentials, expired ones, or that STS cannot be reached.
pub async fn caller(config: &SdkConfig) -> Result<Caller, CloudError> {
    let config = aws_sdk_sts::config::Builder::from(config).retry_config(RetryConfig::standard()).build();
    let identity = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
    let identity = identity.map_err(|e| failed("GetCallerIdentity", e))?;
    let arn = identity.arn.unwrap_or_default();
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    Ok(Caller { account: identity.account.unwrap_or_default(), arn, partition })
}

/// Whether only S3 has an endpoint of its own (`AWS_ENDPOINT_URL_S3`, or the profile's).
fn has_own_s3_endpoint(config: &SdkConfig) -> bool {
    use aws_types::service_config::ServiceConfigKey;
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = config.service_config().zip(key.ok()).and_then(|(service, key)| service.load_config(key));
    own.is_some()
}

/// The role's ARN: one run may reach the accounts that an mdaa.yaml names.
async fn filled_in(role: &str, wanted: &Wanted, config: &SdkConfig) -> Result<String, Failure> {
    if !role.contains("{{") {
        return Ok(role.to_owned());
    }
    let caller = caller(config).await?;
    let account = wanted.account.as_deref().unwrap_or(&caller.account);
    Ok(role.replace("{{partition}}", &caller.partition).replace("{{account}}", account))
}

//! The bucket that a config gives: whether it is there, where it is, and whether assets can be put into it.

use super::error::failed;
use super::roles::ExistingRole;
use super::{Account, resolve};
use crate::cloud::{CloudError, ErrorKind};
use crate::config::Config;
use crate::config::codes::Code;
use crate::config::diagnostic::{Diagnostic, Severity};

/// A bucket that the config gives and that cannot be used from here.
pub static BUCKET_OUT_OF_REACH: Code = Code {
    id: "SD1106",
    severity: Severity::Error,
    title: "the given bucket cannot be used",
    explanation: "The bucket of `domainBucket` does not exist, is in another region although assets are to be uploaded, or \
                  lets neither you nor the asset role list it. A bucket may belong to another account: then its own policy \
                  has to let the asset role in. Whoever uploads assets lists what lies there first, to upload only what \
                  changed and to delete only what the asset no longer has, so s3:ListBucket is needed besides the \
                  permissions on its objects.",
};

/// Answer of S3 about a bucket.
enum Look {
    Open,
    Missing,
    /// In this region.
    Elsewhere(String),
    /// There, and whoever asked may not look into it.
    Closed(CloudError),
}

/// The mistake about the bucket that a config gives, if it gives one. A bucket that is closed to the caller is none of
/// the caller's business unless something is uploaded: the execution role uses it, by the bucket's own policy.
///
/// # Errors
/// What S3 and STS fail with.
pub(super) async fn mistake(
    account: &Account,
    config: &Config,
    role: Option<&ExistingRole>,
) -> Result<Option<Diagnostic>, CloudError> {
    let Some(given) = &config.domain.domain_bucket else { return Ok(None) };
    if given.domain_bucket_name.contains("{{") {
        return Ok(None);
    }
    let (name, here) = (&given.domain_bucket_name, &account.deployment.region);
    let uploads = resolve::uploads(config);
    let wrong = |why: String, help: String| Some(Diagnostic::new(&BUCKET_OUT_OF_REACH, why).help(help));
    Ok(match look(account, &account.s3, name).await? {
        Look::Missing => wrong(
            format!("the bucket {name} does not exist"),
            "correct `domainBucketName` or make the bucket first; without `domainBucket` one is made".into(),
        ),
        Look::Elsewhere(there) if uploads => wrong(
            format!("the bucket {name} is in {there}, and the domain in {here}"),
            format!("give a bucket of {here}: through a VPC's endpoint apps reach the buckets of its own region only"),
        ),
        Look::Closed(why) if uploads => {
            let Some(role) = role else { return Ok(None) };
            let by_role = match account.assume(&role.arn).await {
                Ok(credentials) => look(account, &account.s3_as(credentials), name).await?,
                Err(error) if error.kind == ErrorKind::Denied => Look::Closed(error),
                Err(error) => return Err(error),
            };
            match by_role {
                Look::Open => None,
                _ => wrong(
                    format!("neither you nor the role {} may list the bucket {name}: {}", role.arn, why.message),
                    format!(
                        "allow s3:ListBucket on it to that role, which you have to be able to assume, or to yourself; where \
                         account {} does not own the bucket, its own policy has to allow it too",
                        account.deployment.account
                    ),
                ),
            }
        }
        Look::Open | Look::Elsewhere(_) | Look::Closed(_) => None,
    })
}

/// Looks at a bucket, whosever it is. S3 tells everybody that there is one, and where: 404 is the answer only when there is
/// none (S3 API reference, "HeadBucket").
async fn look(account: &Account, s3: &aws_sdk_s3::Client, name: &str) -> Result<Look, CloudError> {
    let head = s3.head_bucket().bucket(name).send().await;
    let region = match &head {
        Ok(answer) => answer.bucket_region().map(str::to_owned),
        Err(error) => error.raw_response().and_then(region_of),
    };
    if let Some(there) = region.clone().filter(|there| *there != account.deployment.region) {
        return Ok(Look::Elsewhere(there));
    }
    match head.map_err(|e| failed("HeadBucket", e)) {
        Ok(_) => Ok(Look::Open),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Look::Missing),
        Err(error) if error.kind == ErrorKind::Denied && region.is_some() => Ok(Look::Closed(error)),
        Err(error) => Err(error),
    }
}

/// The region that S3 names in an answer about a bucket, refusals and redirects included.
pub fn region_of(answer: &aws_smithy_runtime_api::client::orchestrator::HttpResponse) -> Option<String> {
    answer.headers().get("x-amz-bucket-region").map(str::to_owned)
}

//! Presigned URLs that sign a user in to Studio. Each is a credential.

use std::time::Duration;

use super::Account;
use super::error::failed;
use crate::cloud::CloudError;

/// The terms of a URL: for whom, and where it leads.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// The domain's id.
    pub domain_id: String,
    /// The user's profile.
    pub profile: String,
    /// How long the URL may be used.
    pub expires_in: Option<Duration>,
    /// How long the session lasts.
    pub session_duration: Option<Duration>,
    /// The space to land in.
    pub space: Option<String>,
    /// The page to land on.
    pub landing_uri: Option<String>,
}

/// Asks SageMaker for a URL; empty where the answer has none.
///
/// # Errors
/// A call that failed.
pub async fn presigned_url(account: &Account, sign_in: &SignIn) -> Result<String, CloudError> {
    let seconds = |time: Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
    let call = account.sagemaker.create_presigned_domain_url();
    let call = call.domain_id(&sign_in.domain_id).user_profile_name(&sign_in.profile);
    let call = call.set_expires_in_seconds(sign_in.expires_in.map(seconds));
    let call = call.set_session_expiration_duration_in_seconds(sign_in.session_duration.map(seconds));
    let call = call.set_space_name(sign_in.space.clone()).set_landing_uri(sign_in.landing_uri.clone());
    let answer = call.send().await.map_err(|e| failed("CreatePresignedDomainUrl", e))?;
    Ok(answer.authorized_url.unwrap_or_default())
}

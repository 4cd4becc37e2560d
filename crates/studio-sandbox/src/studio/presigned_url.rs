//! `CreatePresignedDomainUrl`: the link by which an IAM user enters a domain.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use super::{domain, invalid, required, space, text, user_profile};
use crate::core::wire::{Answer, Principal};
use crate::core::world::World;

/// Seconds until the link expires, and until the session does: the defaults of the API model.
const EXPIRES: i64 = 300;
const SESSION: i64 = 43_200;

/// `CreatePresignedDomainUrl`. Its shape has checked the ranges already.
pub fn create(world: &World, input: &Json, caller: &Principal) -> Answer {
    let domain = domain::find(world, required(input, "DomainId"))?;
    let profile = user_profile::find(world, &domain.id, required(input, "UserProfileName"))?;
    if domain.auth_mode != "IAM" {
        return Err(invalid("CreatePresignedDomainUrl can only be called for domains with AuthMode IAM."));
    }
    if let Some(name) = text(input, "SpaceName") {
        space::find(world, &domain.id, name)?;
    }
    let landing = text(input, "LandingUri").unwrap_or_default();
    let places = [
        "studio::",
        "app:JupyterServer:",
        "app:JupyterLab:",
        "app:RStudioServerPro:",
        "app:CodeEditor:",
        "app:Canvas:",
    ];
    if !landing.is_empty() && !places.iter().any(|place| landing.starts_with(place)) {
        return Err(invalid(format!("LandingUri '{landing}' does not begin with one of: {}.", places.join(", "))));
    }
    let number = |name: &str, usual: i64| input.get(name).and_then(Json::as_i64).unwrap_or(usual);
    // AWS's token is opaque. This one says what it is good for, so that a test can look into it.
    let token = json!({
        "domain": domain.id,
        "user": profile.name,
        "space": text(input, "SpaceName"),
        "landing": landing,
        "principal": caller.principal_arn,
        "expires": world.now() / 1000 + number("ExpiresInSeconds", EXPIRES),
        "session": number("SessionExpirationDurationInSeconds", SESSION),
    });
    let token = URL_SAFE_NO_PAD.encode(token.to_string());
    Ok(json!({"AuthorizedUrl": format!("{}/auth?token={token}", domain::url(world, &domain.id))}))
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn a_link_is_for_one_user_and_expires() {
        let mut account = TestAccount::new();
        let domain = account.in_service(json!({}));
        account.profile(&domain, "ann", json!({}));
        let now = account.world.now() / 1000;
        let request = json!({"DomainId": domain, "UserProfileName": "ann", "ExpiresInSeconds": 60});
        let url = account.ok("CreatePresignedDomainUrl", request)["AuthorizedUrl"].as_str().unwrap().to_owned();
        let (page, token) = url.split_once("?token=").unwrap();
        assert_eq!(page, format!("https://{domain}.studio.us-east-1.sagemaker.aws/auth"));
        let token: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
        assert_eq!(token["principal"], "arn:aws:iam::123456789012:role/admin");
        assert_eq!((&token["expires"], &token["session"]), (&json!(now + 60), &json!(43_200)));
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            ("IAM", json!({"ExpiresInSeconds": 4}), "ValidationException"),
            ("IAM", json!({"ExpiresInSeconds": 301}), "ValidationException"),
            ("IAM", json!({"SessionExpirationDurationInSeconds": 1799}), "ValidationException"),
            ("IAM", json!({"LandingUri": "https://evil"}), "ValidationException"),
            ("IAM", json!({"SpaceName": "none"}), "ResourceNotFound"),
            ("IAM", json!({"UserProfileName": "bob"}), "ResourceNotFound"),
            ("IAM", json!({"DomainId": "d-none"}), "ResourceNotFound"),
            ("SSO", json!({}), "ValidationException"),
        ];
        for (mode, more, code) in cases {
            let mut account = TestAccount::new();
            let domain = account.in_service(json!({"AuthMode": mode}));
            let user = json!({"SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "ann"});
            account.profile(&domain, "ann", if mode == "SSO" { user } else { json!({}) });
            let mut request = json!({"DomainId": domain, "UserProfileName": "ann"});
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(account.refused("CreatePresignedDomainUrl", request).code, code, "{mode} {more}");
        }
    }
}

//! User profiles: their roles and their names.

use std::collections::BTreeMap;

use super::{Review, is_open};
use crate::config::codes;
use crate::config::diagnostic::Diagnostic;
use crate::config::{AuthMode, DomainConfig};
use crate::naming::is_profile_name;

pub(super) fn check(review: &mut Review<'_>, domain: &DomainConfig) {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mode = review.is_sound(&["domain", "authMode"]).then_some(domain.auth_mode);
    for (user, profile) in &domain.user_profiles {
        let path = ["domain", "userProfiles", user.as_str()];
        match (&profile.user_role, mode) {
            (Some(role), None | Some(AuthMode::Iam)) => {
                super::domain::anchored(review, role, &["domain", "userProfiles", user, "userRole"]);
            }
            (None, Some(AuthMode::Iam)) if review.is_sound(&path) => {
                let summary = format!("the profile of `{user}` needs a `userRole`");
                let help =
                    "with `authMode: IAM` it says from which role the user opens Studio: add `userRole: {name: …}`";
                let diagnostic = Diagnostic::new(&codes::USER_ROLE, summary).at(&review.key(&path)).help(help);
                review.diagnostics.push(diagnostic);
            }
            (Some(_), Some(AuthMode::Sso)) => review.report(
                &codes::UNUSED_ROLE,
                &["domain", "userProfiles", user, "userRole"],
                "`userRole` has no effect with `authMode: SSO`",
                "remove it",
            ),
            (None, _) => {}
        }
        let name = domain.profile_name(user);
        if is_open(&name) || is_open(user) {
            continue;
        }
        if !is_profile_name(&name) {
            name_is_illegal(review, user, &name, profile.profile_name.is_some());
        } else if let Some(other) = taken.insert(name.to_lowercase(), user) {
            let (here, there) = (review.key(&path), review.key(&["domain", "userProfiles", other]));
            let diagnostic = Diagnostic::new(
                &codes::PROFILE_COLLISION,
                format!("`{other}` and `{user}` would have the same profile, `{}`", name.to_lowercase()),
            );
            review.diagnostics.push(
                diagnostic
                    .note(&here, "this one")
                    .note(&there, "and this one")
                    .help("give one of them a `profileName`"),
            );
        }
    }
}

fn name_is_illegal(review: &mut Review<'_>, user: &str, name: &str, own: bool) {
    let rule = "a profile name has up to 63 letters, digits and hyphens, with no hyphen first or last";
    if own {
        let path = ["domain", "userProfiles", user, "profileName"];
        review.report(&codes::PROFILE_NAME, &path, format!("`{name}` cannot be the name of a profile"), rule);
        return;
    }
    let summary = format!("the user id `{user}` yields the profile name `{name}`, which SageMaker refuses");
    let place = review.key(&["domain", "userProfiles", user]);
    let suggestion = legal_name(name).map(|name| format!("; for example `profileName: {name}`")).unwrap_or_default();
    let diagnostic = Diagnostic::new(&codes::PROFILE_NAME, summary).at(&place);
    review.diagnostics.push(diagnostic.help(format!("{rule}: give the user a `profileName`{suggestion}")));
}

/// The nearest legal name, if there is one.
fn legal_name(name: &str) -> Option<String> {
    let hyphens = name.replace('_', "-");
    let short: String = hyphens.trim_matches('-').chars().take(63).collect();
    let legal = short.trim_matches('-').to_string();
    is_profile_name(&legal).then_some(legal)
}

//! User profiles: their roles and their names.

use std::collections::BTreeMap;

use super::tags::{VALUE_LIMIT, is_tag_text};
use super::{Review, is_open};
use crate::config::codes;
use crate::config::diagnostic::Diagnostic;
use crate::config::{AuthMode, Config, UserProfile};
use crate::naming::is_profile_name;

/// Length of IAM's unique ids, assumed where the config does not give the role's.
const ROLE_ID_LENGTH: usize = 21;

pub(super) fn check(review: &mut Review<'_>, config: &Config) {
    let domain = &config.domain;
    let has_own_tag = [&config.tags, &domain.tags].iter().any(|tags| tags.contains_key("userid"));
    let mut taken: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mode = review.is_sound(&["domain", "authMode"]).then_some(domain.auth_mode);
    for (user, profile) in &domain.user_profiles {
        let path = ["domain", "userProfiles", user.as_str()];
        match (&profile.user_role, mode) {
            (Some(role), None | Some(AuthMode::Iam)) => {
                super::domain::role(review, role, &["domain", "userProfiles", user, "userRole"]);
                if mode.is_some() && !has_own_tag && !is_open(user) {
                    user_tag(review, user, profile);
                }
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
        if is_profile_name(&name) {
            taken.entry(name.to_lowercase()).or_default().push(user);
        } else {
            name_is_illegal(review, user, &name, profile.profile_name.is_some());
        }
    }
    for (name, users) in taken.iter().filter(|(_, users)| users.len() > 1) {
        collision(review, name, users);
    }
}

/// One message about all users who would share a profile, at the last of them.
fn collision(review: &mut Review<'_>, name: &str, users: &[&str]) {
    let list: Vec<String> = users.iter().map(|user| format!("`{user}`")).collect();
    let list = list.split_last().map(|(last, others)| format!("{} and {last}", others.join(", "))).unwrap_or_default();
    let summary = format!("{list} would have the same profile, `{name}`");
    let mut diagnostic = Diagnostic::new(&codes::PROFILE_COLLISION, summary);
    for (index, user) in users.iter().rev().enumerate() {
        let span = review.key(&["domain", "userProfiles", user]);
        diagnostic = diagnostic.label(&span, if index == 0 { "this one" } else { "and this one" });
    }
    let which = if users.len() == 2 { "one of them" } else { "all but one of them" };
    review.diagnostics.push(diagnostic.help(format!("give {which} a `profileName`")));
}

/// With `authMode: IAM` a profile gets a tag of the role's id and the user id, which must be what a tag may hold.
fn user_tag(review: &mut Review<'_>, user: &str, profile: &UserProfile) {
    let id = profile.user_role.as_ref().and_then(|role| role.id.as_ref()).filter(|id| !is_open(id));
    let length = id.map_or(ROLE_ID_LENGTH, |id| id.chars().count()) + 1 + user.chars().count();
    let why = if !is_tag_text(user) {
        "tags hold letters, digits, blanks and _ . : / = + - @ only"
    } else if length > VALUE_LIMIT {
        "with the role's id it is longer than the 256 characters of a tag"
    } else {
        return;
    };
    let summary = format!("AWS refuses the user id `{user}` in the tag that says whose profile it is");
    let diagnostic =
        Diagnostic::new(&codes::TAG, summary).at(&review.key(&["domain", "userProfiles", user])).help(format!(
            "{why}; with such a session name nobody can be recognised: use another, or set a tag `userid` of your own"
        ));
    review.diagnostics.push(diagnostic);
}

fn name_is_illegal(review: &mut Review<'_>, user: &str, name: &str, own: bool) {
    let rule = "a profile name has up to 63 letters, digits and hyphens, with no hyphen first or last";
    if own {
        let path = ["domain", "userProfiles", user, "profileName"];
        review.report(&codes::PROFILE_NAME, &path, format!("`{name}` cannot be the name of a profile"), rule);
        return;
    }
    let summary = format!("the user id `{user}` yields the profile name `{name}`, which SageMaker refuses");
    let span = review.key(&["domain", "userProfiles", user]);
    let suggestion = legal_name(name).map(|name| format!("; for example `profileName: {name}`")).unwrap_or_default();
    let diagnostic = Diagnostic::new(&codes::PROFILE_NAME, summary).at(&span);
    review.diagnostics.push(diagnostic.help(format!("{rule}: give the user a `profileName`{suggestion}")));
}

/// The nearest legal name, if there is one.
fn legal_name(name: &str) -> Option<String> {
    let hyphens = name.replace('_', "-");
    let short: String = hyphens.trim_matches('-').chars().take(63).collect();
    let legal = short.trim_matches('-').to_string();
    is_profile_name(&legal).then_some(legal)
}

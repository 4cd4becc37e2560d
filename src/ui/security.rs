//! Changes of a plan that decide who may do or reach what.

use crate::model::{Address, Kind, Path, Value};
use crate::plan::outline::{self, opened_by};
use crate::plan::{Action, Plan, Step};

/// Every security-relevant change, for people.
pub(super) fn relevant(plan: &Plan) -> Vec<(&Address, String)> {
    let mut found = Vec::new();
    for step in plan.steps() {
        let texts = match step.action() {
            Action::Create => step.node().map(|node| openings(&node.properties)).unwrap_or_default(),
            Action::Update | Action::Adopt | Action::Replace => changes(step),
            Action::Keep | Action::Delete | Action::Retain => Vec::new(),
        };
        found.extend(texts.into_iter().map(|text| (step.address(), text)));
    }
    found
}

fn changes(step: &Step) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for change in step.changes() {
        let Some(meaning) = meaning(step.address().kind, &change.path) else { continue };
        let items = |value: Option<&Value>| -> Vec<Value> {
            match value {
                Some(Value::List(items)) => items.clone(),
                other => other.cloned().into_iter().collect(),
            }
        };
        // What was open before is no news, and everything that is not is told.
        let before = items(change.before.as_ref());
        let new = items(change.after.as_ref()).into_iter().filter(|item| !before.contains(item));
        let opened: Vec<String> =
            new.filter_map(|item| Some(openness(&change.path, &item, opened_by(&item)?))).collect();
        let open = if opened.is_empty() { String::new() } else { format!(": {}", opened.join(", ")) };
        let text = format!("{}: {meaning}{open}", change.path);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// The decision that a property makes, when that is who may do or reach something.
fn meaning(kind: Kind, path: &Path) -> Option<&'static str> {
    let has = |key: &str| path.0.iter().any(|other| other == key);
    let first = path.0.first()?.as_str();
    Some(match (kind, first) {
        (_, "AssumeRolePolicyDocument") => "who may become the role",
        (_, "PermissionsBoundary") => "what the role may do at most",
        (_, "PolicyDocument") => "what the role may do",
        (_, "Roles" | "Entities") => "who may do it",
        (_, "InlinePolicies" | "AttachedPolicies") => "what the role may do",
        (_, "KeyPolicy") => "who may use the key",
        (Kind::Bucket, "Policy") => "who may use the bucket",
        (Kind::Bucket, _) if has("PublicAccessBlock") || has("PublicAccessBlockConfiguration") => {
            "whether the bucket may be public"
        }
        (Kind::Bucket, "AccessList" | "ObjectOwnership" | "Cors") => "who may use the bucket",
        (Kind::Bucket, "Replication" | "Website") => "where what is in the bucket can be read",
        (Kind::Bucket, "LifecycleRules") => "how long what is in the bucket lasts",
        (Kind::SecurityGroup, "Tags" | "Description" | "GroupName" | "VpcId") => return None,
        (Kind::SecurityGroup | Kind::NfsSecurityGroup, "Ingress") => "which traffic comes in",
        (Kind::SecurityGroup | Kind::NfsSecurityGroup, "Egress") => "which traffic goes out",
        (Kind::SecurityGroup | Kind::NfsSecurityGroup, _) => "which network traffic is let through",
        (Kind::Domain, "AppNetworkAccessType") => "how apps reach the internet",
        (Kind::Domain, "AuthMode") => "how users sign in",
        (Kind::Domain | Kind::UserProfile, _) if has("SecurityGroups") || has("SecurityGroupIds") => {
            "which security groups apps have"
        }
        (Kind::Domain | Kind::UserProfile, _) if has("ExecutionRole") => "which role apps run as",
        _ => return None,
    })
}

/// The properties by which something new is open to everybody.
fn openings(properties: &Value) -> Vec<String> {
    let leaves = properties.leaves().into_iter().flat_map(|(path, value)| {
        let items = match value {
            Value::List(items) => items.iter().collect(),
            one => vec![one],
        };
        items.into_iter().map(move |item| (path.clone(), item))
    });
    leaves.filter_map(|(path, item)| Some(openness(&path, item, opened_by(item)?))).collect()
}

/// Openness in words: traffic that comes in is another matter than traffic that goes out.
fn openness(path: &Path, item: &Value, by: &str) -> String {
    let traffic = || match outline::traffic(item).as_str() {
        "everything" => "traffic".to_owned(),
        some => some.to_owned(),
    };
    match path.0.first().map(String::as_str) {
        Some("Ingress") => format!("inbound {} from anywhere ({by})", traffic()),
        Some("Egress") => format!("outbound {} to anywhere ({by})", traffic()),
        Some("AppNetworkAccessType") => format!("apps reach the internet directly ({by})"),
        _ => format!("{path}: {by}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_who_may_do_or_reach_something_is_named() {
        for (kind, path, relevant) in [
            (Kind::ExecutionRole, "AssumeRolePolicyDocument.Statement", true),
            (Kind::ExecutionRole, "Tags.owner", false),
            (Kind::ExecutionPolicy, "PolicyDocument.Statement", true),
            (Kind::KmsKey, "KeyPolicy.Statement", true),
            (Kind::KmsKey, "EnableKeyRotation", false),
            (Kind::Bucket, "Policy.Statement", true),
            (Kind::Bucket, "PublicAccessBlock.BlockPublicAcls", true),
            (Kind::SecurityGroup, "Ingress", true),
            (Kind::SecurityGroup, "Tags.owner", false),
            (Kind::Domain, "AppNetworkAccessType", true),
            (Kind::Domain, "DefaultUserSettings.SecurityGroups", true),
            (Kind::Domain, "DefaultUserSettings.JupyterLabAppSettings.LifecycleConfigArns", false),
            (Kind::UserProfile, "UserSettings.ExecutionRole", true),
        ] {
            let path: Path = path.parse().unwrap();
            assert_eq!(meaning(kind, &path).is_some(), relevant, "{kind} {path}");
        }
    }
}

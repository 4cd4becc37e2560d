//! Whose a thing is: by its tags.
//!
//! Everything taggable carries MDAA's five tags, the user's, and two of ours: which deployment made it and under which
//! address. Names are derivable, so a thing of our name without our tags is somebody else's.

use std::collections::BTreeMap;

use crate::model::{Address, Deployment, Found, Observed, Owner, Value};
use crate::naming;

/// The tag that says which deployment a thing belongs to.
pub const DEPLOYMENT: &str = "studio-deploy:deployment";
/// The tag that says which address it has.
pub const ADDRESS: &str = "studio-deploy:address";

/// What the keys of MDAA's own tags begin with, and what they begin with on request: its former name.
pub const MDAA_PREFIXES: [&str; 2] = ["mdaa", "caef"];

/// The tags of the thing at `address`: `user`'s, overridden by MDAA's (`mdaa_org`, …), overridden by ours.
pub fn tags(
    deployment: &Deployment,
    prefix: &str,
    user: &BTreeMap<String, String>,
    address: &Address,
) -> BTreeMap<String, String> {
    let mut tags = user.clone();
    tags.extend(mdaa_tags(deployment, prefix));
    tags.insert(DEPLOYMENT.into(), deployment.tag());
    tags.insert(ADDRESS.into(), address_tag(address));
    tags
}

/// The value of the tag that says which address a thing has.
pub fn address_tag(address: &Address) -> String {
    tag_safe(&address.to_string())
}

/// MDAA's own tags.
fn mdaa_tags(deployment: &Deployment, prefix: &str) -> BTreeMap<String, String> {
    [
        ("org", deployment.org.as_str()),
        ("env", &deployment.env),
        ("domain", &deployment.domain),
        ("cdk_app", "sm-studio-domain"),
        ("module_name", &deployment.module),
    ]
    .into_iter()
    .map(|(key, value)| (format!("{prefix}_{key}"), value.to_owned()))
    .collect()
}

/// A tag value may hold letters, digits, blanks and `_.:/=+-@` only, 256 at most.
fn tag_safe(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || " _.:/=+-@".contains(c) { c } else { '_' }).take(256).collect()
}

/// Tags as a property.
pub fn property(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}

/// The tags in a node's or an observed object's properties.
pub fn of(properties: &Value) -> BTreeMap<String, String> {
    let tags = properties.get("Tags").map(Value::entries).into_iter().flatten();
    tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Whose a thing with these tags is: none means ours.
pub fn owner(deployment: &Deployment, tags: &BTreeMap<String, String>) -> Option<Owner> {
    match tags.get(DEPLOYMENT) {
        Some(tag) if *tag == deployment.tag() => return None,
        Some(tag) => return Some(Owner::Deployment(tag.clone())),
        None => {}
    }
    let stack = tags.get("aws:cloudformation:stack-name").cloned();
    // CloudFormation tags by itself what MDAA does not.
    // Whichever name MDAA went by then.
    let says = |prefix: &&str| mdaa_tags(deployment, prefix).iter().all(|(key, value)| tags.get(key) == Some(value));
    let mdaa = MDAA_PREFIXES.iter().any(says) || stack == Some(naming::Names::from(deployment).stack(None));
    Some(match (mdaa, stack) {
        (true, stack) => Owner::Mdaa { stack },
        (false, Some(stack)) => Owner::Stack(stack),
        (false, None) => Owner::Unknown,
    })
}

/// A live object, judged by the tags in its properties.
pub fn judge(deployment: &Deployment, observed: Observed) -> Found {
    match owner(deployment, &of(&observed.properties)) {
        None => Found::Ours(observed),
        Some(owner) => Found::Foreign { owner, observed: Some(observed) },
    }
}

/// A live object of a kind that MDAA leaves without tags: one of our name without any is MDAA's, or nobody's.
pub fn judge_untagged(deployment: &Deployment, observed: Observed) -> Found {
    let untagged = of(&observed.properties).is_empty();
    match judge(deployment, observed) {
        Found::Foreign { owner: Owner::Unknown, observed } if untagged => {
            Found::Foreign { owner: Owner::MdaaByName, observed }
        }
        found => found,
    }
}

/// What to write and what to remove so that the live tags become those of `properties`: only keys that `changes` name.
pub fn difference(properties: &Value, changes: &[crate::plan::Change]) -> (BTreeMap<String, String>, Vec<String>) {
    let wanted = of(properties);
    let mut write = BTreeMap::new();
    let mut remove = Vec::new();
    for change in changes {
        let [tags, key] = change.path.0.as_slice() else { continue };
        if tags != "Tags" {
            continue;
        }
        match wanted.get(key) {
            Some(value) => {
                write.insert(key.clone(), value.clone());
            }
            None => remove.push(key.clone()),
        }
    }
    (write, remove)
}

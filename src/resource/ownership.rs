//! Ownership of a thing, by its tags.
//!
//! Everything taggable carries MDAA's five tags, the user's, and two of ours: which deployment made it and under which
//! address. Names are derivable, so a thing of our name without our tags is somebody else's.

use std::collections::BTreeMap;

use crate::aws::{Account, stack};
use crate::cloud::CloudError;
use crate::model::{Address, Deployment, Found, Observed, Owner, Value};
use crate::naming;

/// The tag that says which deployment a thing belongs to.
pub const DEPLOYMENT: &str = "studio-deploy:deployment";
/// The tag that says which address it has.
pub const ADDRESS: &str = "studio-deploy:address";

/// The tags by which CloudFormation says whose a thing is. They stay when a stack lets go of it, and nobody can remove them.
pub const STACK_NAME: &str = "aws:cloudformation:stack-name";
/// The same by the stack's ARN, which names account and region.
pub const STACK_ID: &str = "aws:cloudformation:stack-id";

/// Prefixes of the keys of MDAA's own tags: its name, and on request its former name.
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

/// MDAA's own tags, whose keys begin with `prefix`.
pub fn mdaa_tags(deployment: &Deployment, prefix: &str) -> BTreeMap<String, String> {
    words(deployment).into_iter().map(|(key, value)| (format!("{prefix}_{key}"), value.to_owned())).collect()
}

/// The values of MDAA's five tags, by what follows the prefix of their keys.
fn words(deployment: &Deployment) -> [(&'static str, &str); 5] {
    [
        ("org", &deployment.org),
        ("env", &deployment.env),
        ("domain", &deployment.domain),
        ("module_name", &deployment.module),
        ("cdk_app", "sm-studio-domain"),
    ]
}

/// A tag value may hold letters, digits, blanks and `_.:/=+-@` only, 256 at most.
fn tag_safe(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || " _.:/=+-@".contains(c) { c } else { '_' }).take(256).collect()
}

/// Returns `true` if a tag is AWS's own: nobody else can write or remove it.
pub fn is_of_aws(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
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

/// The owner of a thing with these tags: none means ours.
///
/// A claim of somebody else's goes before everything: of another deployment, another stack, another environment. What
/// MDAA made is known by all five of its tags, whichever prefix they had then; the stack's name alone proves nothing,
/// since the words of different environments may join to the same name. Nobody can remove the tags of a stack, so one of
/// another name claims nothing any more once it `is_gone`; then all else has to say that the thing is ours.
pub fn owner(deployment: &Deployment, tags: &BTreeMap<String, String>, is_gone: bool) -> Option<Owner> {
    let Some(stack) = other_stack(deployment, tags) else { return owner_besides(deployment, tags) };
    match owner_besides(deployment, tags) {
        Some(Owner::Deployment(other)) => Some(Owner::Deployment(other)),
        None if is_gone => None,
        Some(Owner::Mdaa { .. }) if is_gone => Some(Owner::Released { stack }),
        _ => Some(Owner::Stack(stack)),
    }
}

/// The ARN of the stack on whose life it depends whose a thing with these tags is: all else says that it is ours. A stack
/// that another account or region has cannot be asked for, so its claim holds.
pub fn claimant<'a>(deployment: &Deployment, tags: &'a BTreeMap<String, String>) -> Option<&'a str> {
    other_stack(deployment, tags)?;
    let is_here = |id: &&String| id.starts_with(&deployment.arn("cloudformation", "stack/"));
    let id = tags.get(STACK_ID).filter(is_here)?;
    matches!(owner_besides(deployment, tags), None | Some(Owner::Mdaa { .. })).then_some(id)
}

/// The owner by [`owner`], once CloudFormation has been asked where that decides.
///
/// # Errors
/// What CloudFormation fails with.
pub async fn owner_in(account: &Account, tags: &BTreeMap<String, String>) -> Result<Option<Owner>, CloudError> {
    let is_gone = match claimant(&account.deployment, tags) {
        Some(id) => stack::is_gone(account, id).await?,
        None => false,
    };
    Ok(owner(&account.deployment, tags, is_gone))
}

/// The owner by all tags but those of another stack.
fn owner_besides(deployment: &Deployment, tags: &BTreeMap<String, String>) -> Option<Owner> {
    let own = tags.get(DEPLOYMENT);
    if let Some(other) = own.filter(|tag| **tag != deployment.tag()) {
        return Some(Owner::Deployment(other.clone()));
    }
    if own.is_some() {
        return None;
    }
    if let Some(other) = MDAA_PREFIXES.iter().find_map(|prefix| other_environment(deployment, tags, prefix)) {
        return Some(Owner::Environment(other));
    }
    let missing = |prefix: &&str| {
        let keys = mdaa_tags(deployment, prefix).into_keys();
        keys.filter(|key| !tags.contains_key(key)).collect::<Vec<String>>()
    };
    let missing = MDAA_PREFIXES.iter().map(missing).min_by_key(Vec::len).unwrap_or_default();
    let stack = tags.get(STACK_NAME).cloned();
    Some(match (missing.len(), stack) {
        (0, stack) => Owner::Mdaa { stack },
        (5, None) => Owner::Unknown,
        _ => Owner::Partly { missing },
    })
}

/// The stack that CloudFormation's own tags name, unless it is the one that MDAA makes for this deployment. A stack of its
/// name in another region is another one: roles and buckets are found from everywhere.
fn other_stack(deployment: &Deployment, tags: &BTreeMap<String, String>) -> Option<String> {
    let own = naming::NamingConvention::from(deployment).stack(None);
    let id = tags.get(STACK_ID);
    let is_own = |id: &&String| id.starts_with(&deployment.arn("cloudformation", &format!("stack/{own}/")));
    match tags.get(STACK_NAME) {
        Some(name) if *name != own => Some(name.clone()),
        _ => id.filter(|id| !is_own(id)).cloned(),
    }
}

/// The environment that MDAA's tags name, when any of them says another than this.
fn other_environment(deployment: &Deployment, tags: &BTreeMap<String, String>, prefix: &str) -> Option<String> {
    let said = |key: &str| tags.get(&format!("{prefix}_{key}"));
    let differs = words(deployment).iter().any(|(key, value)| said(key).is_some_and(|said| said != value));
    let [four @ .., (app, ours)] = words(deployment);
    let four = four.map(|(key, _)| said(key).map_or("?", String::as_str)).join("/");
    differs.then(|| match said(app) {
        Some(other) if other != ours => format!("{four} ({other})"),
        _ => four,
    })
}

/// A live object, judged by the tags in its properties.
///
/// # Errors
/// What CloudFormation fails with, when the object carries the tags of another stack.
pub async fn classify(account: &Account, observed: Observed) -> Result<Found, CloudError> {
    let owner = owner_in(account, &of(&observed.properties)).await?;
    Ok(found(owner, observed))
}

/// A live object of a kind that MDAA leaves without tags: one of our name without any is MDAA's, or nobody's.
///
/// # Errors
/// As [`classify`].
pub async fn classify_untagged(account: &Account, observed: Observed) -> Result<Found, CloudError> {
    let owner = owner_in(account, &of(&observed.properties)).await?;
    Ok(found_untagged(owner, observed))
}

/// A live object of an owner.
pub fn found(owner: Option<Owner>, observed: Observed) -> Found {
    match owner {
        None => Found::Ours(observed),
        Some(owner) => Found::Foreign { owner, observed: Some(observed) },
    }
}

/// The same of a kind that MDAA leaves without tags.
pub fn found_untagged(owner: Option<Owner>, observed: Observed) -> Found {
    // What CloudFormation itself puts on a thing is none of MDAA's five.
    let untagged = of(&observed.properties).keys().all(|key| is_of_aws(key));
    match owner {
        Some(Owner::Unknown | Owner::Partly { .. }) if untagged => found(Some(Owner::MdaaByName), observed),
        owner => found(owner, observed),
    }
}

/// The tags to write and to remove so that the live tags become those of `properties`: only keys that `changes` name.
pub fn difference(properties: &Value, changes: &[crate::plan::Change]) -> (BTreeMap<String, String>, Vec<String>) {
    let wanted = of(properties);
    let mut write = BTreeMap::new();
    let mut remove = Vec::new();
    for change in changes {
        let [tags, key] = change.path.0.as_slice() else { continue };
        if tags != "Tags" || is_of_aws(key) {
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

//! IAM: managed policies, their versions, and what they are attached to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::iam::{
    add_tags, check_description, check_document, check_name, check_path, conflict, encode, no_such_entity, paged, put,
    role, role_to_change,
};
use super::iam_members;
use crate::core::policy::POLICIES;
use crate::core::records::{ROLES, Role};
use crate::core::service::{Input, Operation, iso, operation, tag_list, validation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{UPPER, World, account_in};

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("CreatePolicy", "PolicyName Path PolicyDocument Description Tags", create_policy),
    operation("GetPolicy", "PolicyArn", get_policy),
    operation("ListPolicies", "Scope OnlyAttached PathPrefix PolicyUsageFilter Marker MaxItems", list_policies),
    operation("DeletePolicy", "PolicyArn", delete_policy),
    operation("CreatePolicyVersion", "PolicyArn PolicyDocument SetAsDefault", create_version),
    operation("GetPolicyVersion", "PolicyArn VersionId", get_version),
    operation("ListPolicyVersions", "PolicyArn Marker MaxItems", list_versions),
    operation("SetDefaultPolicyVersion", "PolicyArn VersionId", set_default),
    operation("DeletePolicyVersion", "PolicyArn VersionId", delete_version),
    operation("TagPolicy", "PolicyArn Tags", tag_policy),
    operation("UntagPolicy", "PolicyArn TagKeys", untag_policy),
    operation("ListPolicyTags", "PolicyArn Marker MaxItems", list_policy_tags),
    operation("AttachRolePolicy", "RoleName PolicyArn", attach),
    operation("DetachRolePolicy", "RoleName PolicyArn", detach),
    operation("ListAttachedRolePolicies", "RoleName PathPrefix Marker MaxItems", list_attached),
    operation(
        "ListEntitiesForPolicy",
        "PolicyArn EntityFilter PathPrefix PolicyUsageFilter Marker MaxItems",
        list_entities,
    ),
];

/// The limit of a managed policy (IAM user guide, "IAM and AWS STS quotas").
const MOST_CHARACTERS: usize = 6144;

/// A customer managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    name: String,
    path: String,
    id: String,
    /// Its ARN.
    pub arn: String,
    description: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    versions: BTreeMap<u32, Version>,
    default: u32,
    /// The highest version so far: numbers are not used twice.
    latest: u32,
    created: i64,
    updated: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    document: String,
    created: i64,
}

/// The default version's document of a policy of `account`.
pub fn default_document(world: &World, account: &str, arn: &str) -> Option<String> {
    let policy: Policy = world.get_of(account, POLICIES, arn)?;
    policy.versions.get(&policy.default).map(|version| version.document.clone())
}

/// Refuses the ARN of a policy that does not exist. AWS's own are taken to exist.
pub fn check_exists(world: &World, arn: &str) -> Result<(), Refusal> {
    if is_aws_managed(arn) {
        return Ok(());
    }
    // To attach one of another account is refused as one that does not exist (IAM API reference, "AttachRolePolicy").
    match find(world, arn) {
        Err(refusal) if refusal.code == "AccessDenied" => Err(not_attachable(arn)),
        found => found.map(drop),
    }
}

fn not_attachable(arn: &str) -> Refusal {
    no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
}

/// Returns `true` for a policy of AWS's own, which is taken to exist: the sandbox does not know their documents.
fn is_aws_managed(arn: &str) -> bool {
    arn.starts_with("arn:") && arn.contains(":iam::aws:policy/")
}

/// Makes a policy that allows everything, unless there is one; those of AWS's own are there anyway.
pub fn seed(world: &mut World, arn: &str) -> bool {
    let Some((_, path)) = arn.split_once(":policy") else { return false };
    if is_aws_managed(arn) || world.has(POLICIES, arn) {
        return false;
    }
    let (path, name) = path.rsplit_once('/').unwrap_or(("", path));
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    });
    let now = world.now();
    let policy = Policy {
        name: name.into(),
        path: format!("{path}/"),
        id: format!("ANPA{}", world.id(UPPER, 17)),
        arn: arn.into(),
        description: None,
        tags: BTreeMap::new(),
        versions: BTreeMap::from([(1, Version { document: document.to_string(), created: now })]),
        default: 1,
        latest: 1,
        created: now,
        updated: now,
    };
    put_policy(world, &policy);
    true
}

fn find(world: &World, arn: &str) -> Result<Policy, Refusal> {
    if !arn.starts_with("arn:") || !arn.contains(":policy/") {
        return Err(Refusal::new("InvalidInput", format!("ARN {arn} is not valid.")));
    }
    // Guess: another account's is refused as all is that IAM has no cross-account access to; nobody has written down the
    // words.
    if account_in(arn) != Some(world.account().as_str()) {
        let message = format!("You are not authorized to perform this operation on the policy {arn}");
        return Err(Refusal::new("AccessDenied", message).with_status(403));
    }
    world.get(POLICIES, arn).ok_or_else(|| not_attachable(arn))
}

fn policy(world: &World, input: Input<'_>) -> Result<Policy, Refusal> {
    find(world, input.need("PolicyArn")?)
}

fn put_policy(world: &mut World, policy: &Policy) {
    world.put(POLICIES, &policy.arn, policy);
}

fn attached_roles(world: &World, arn: &str) -> Vec<Role> {
    let roles = world.list::<Role>(ROLES, "").into_iter().map(|(_, role)| role);
    roles.filter(|role| role.attached.iter().any(|attached| attached == arn)).collect()
}

fn bounded_roles(world: &World, arn: &str) -> Vec<Role> {
    let roles = world.list::<Role>(ROLES, "").into_iter().map(|(_, role)| role);
    roles.filter(|role| role.boundary.as_deref() == Some(arn)).collect()
}

fn describe(world: &World, policy: &Policy) -> Json {
    json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": format!("v{}", policy.default),
        "AttachmentCount": attached_roles(world, &policy.arn).len(),
        "PermissionsBoundaryUsageCount": bounded_roles(world, &policy.arn).len(),
        "IsAttachable": true,
        "Description": policy.description,
        "CreateDate": iso(policy.created),
        "UpdateDate": iso(policy.updated),
        "Tags": if policy.tags.is_empty() { Json::Null } else { tag_list(&policy.tags, "Key", "Value") },
    })
}

fn create_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (name, document) = (input.need("PolicyName")?, input.need("PolicyDocument")?);
    check_name(name, "policyName", 128)?;
    let path = input.text("Path").unwrap_or("/");
    check_path(path)?;
    check_document(document, false, MOST_CHARACTERS)?;
    let arn = format!("arn:{}:iam::{}:policy{path}{name}", world.partition(), world.account());
    let policies = world.list::<Policy>(POLICIES, "");
    if policies.iter().any(|(_, policy)| policy.name.eq_ignore_ascii_case(name)) {
        let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(conflict("EntityAlreadyExists", message));
    }
    let description = input.text("Description");
    // IAM's model, `policyDescriptionType`: a length and no pattern.
    check_description(description, |_| true)?;
    let mut tags = BTreeMap::new();
    add_tags(&mut tags, input)?;
    let now = world.now();
    let policy = Policy {
        name: name.into(),
        path: path.into(),
        id: format!("ANPA{}", world.id(UPPER, 17)),
        arn,
        description: description.map(Into::into),
        tags,
        versions: BTreeMap::from([(1, Version { document: document.into(), created: now })]),
        default: 1,
        latest: 1,
        created: now,
        updated: now,
    };
    put_policy(world, &policy);
    Ok(json!({"Policy": describe(world, &policy)}))
}

fn get_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let arn = input.need("PolicyArn")?;
    if is_aws_managed(arn) {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        return Ok(json!({"Policy": {
            "PolicyName": name, "PolicyId": "ANPAAWSMANAGED0000000", "Arn": arn, "Path": "/", "DefaultVersionId": "v1",
            "AttachmentCount": attached_roles(world, arn).len(), "IsAttachable": true, "CreateDate": iso(0),
            "UpdateDate": iso(0),
        }}));
    }
    let policy = policy(world, input)?;
    Ok(json!({"Policy": describe(world, &policy)}))
}

fn list_policies(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let attached_only = input.flag("OnlyAttached");
    // Scope AWS has nothing to list: the sandbox takes AWS's policies on trust.
    let policies = if input.text("Scope") == Some("AWS") { Vec::new() } else { world.list::<Policy>(POLICIES, "") };
    let fitting = policies.into_iter().map(|(_, policy)| policy).filter(|policy| {
        policy.path.starts_with(prefix) && (!attached_only || !attached_roles(world, &policy.arn).is_empty())
    });
    // ListPolicies leaves tags and descriptions out (IAM API reference, "ListPolicies").
    let described =
        fitting.map(|policy| describe(world, &Policy { tags: BTreeMap::new(), description: None, ..policy }));
    paged(input, "Policies", described.collect())
}

fn delete_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let policy = policy(world, input)?;
    let members = [true, false].into_iter().any(|users| !iam_members::holders(world, &policy.arn, users).is_empty());
    if members || !attached_roles(world, &policy.arn).is_empty() || !bounded_roles(world, &policy.arn).is_empty() {
        return Err(conflict("DeleteConflict", "Cannot delete a policy attached to entities."));
    }
    if policy.versions.len() > 1 {
        let message = "This policy has more than one version. Before you delete a policy, you must delete the \
                       policy's versions. The default version is deleted with the policy.";
        return Err(conflict("DeleteConflict", message));
    }
    world.remove(POLICIES, &policy.arn);
    Ok(json!({}))
}

fn describe_version(policy: &Policy, number: u32, version: &Version, with_document: bool) -> Json {
    json!({
        "Document": with_document.then(|| encode(&version.document)),
        "VersionId": format!("v{number}"),
        "IsDefaultVersion": number == policy.default,
        "CreateDate": iso(version.created),
    })
}

fn create_version(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut policy = policy(world, input)?;
    let document = input.need("PolicyDocument")?;
    check_document(document, false, MOST_CHARACTERS)?;
    if policy.versions.len() >= 5 {
        let message = format!(
            "A managed policy can have up to 5 versions. Before you create a new version of {}, you must delete an \
             existing version.",
            policy.arn
        );
        return Err(conflict("LimitExceeded", message));
    }
    policy.latest += 1;
    policy.updated = world.now();
    if input.flag("SetAsDefault") {
        policy.default = policy.latest;
    }
    let version = Version { document: document.into(), created: policy.updated };
    let answer = describe_version(&policy, policy.latest, &version, false);
    policy.versions.insert(policy.latest, version);
    put_policy(world, &policy);
    Ok(json!({"PolicyVersion": answer}))
}

fn version_number(policy: &Policy, input: Input<'_>) -> Result<u32, Refusal> {
    let id = input.need("VersionId")?;
    let number = id.strip_prefix('v').and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| {
        validation(format!(
            "1 validation error detected: Value '{id}' at 'versionId' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?"
        ))
    })?;
    policy.versions.contains_key(&number).then_some(number).ok_or_else(|| {
        no_such_entity(format!("Policy {} version {id} does not exist or is not attachable.", policy.arn))
    })
}

fn get_version(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let policy = policy(world, input)?;
    let number = version_number(&policy, input)?;
    Ok(json!({"PolicyVersion": describe_version(&policy, number, &policy.versions[&number], true)}))
}

fn list_versions(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let policy = policy(world, input)?;
    let versions = policy.versions.iter().rev();
    let described = versions.map(|(number, version)| describe_version(&policy, *number, version, false)).collect();
    paged(input, "Versions", described)
}

fn set_default(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut policy = policy(world, input)?;
    policy.default = version_number(&policy, input)?;
    policy.updated = world.now();
    put_policy(world, &policy);
    Ok(json!({}))
}

fn delete_version(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut policy = policy(world, input)?;
    let number = version_number(&policy, input)?;
    if number == policy.default {
        return Err(conflict("DeleteConflict", "Cannot delete the default version of a policy."));
    }
    policy.versions.remove(&number);
    put_policy(world, &policy);
    Ok(json!({}))
}

fn tag_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut policy = policy(world, input)?;
    add_tags(&mut policy.tags, input)?;
    put_policy(world, &policy);
    Ok(json!({}))
}

fn untag_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut policy = policy(world, input)?;
    for key in input.texts("TagKeys") {
        policy.tags.remove(key);
    }
    put_policy(world, &policy);
    Ok(json!({}))
}

fn list_policy_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let tags = tag_list(&policy(world, input)?.tags, "Key", "Value");
    paged(input, "Tags", tags.as_array().cloned().unwrap_or_default())
}

fn attach(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    let arn = input.need("PolicyArn")?;
    check_exists(world, arn)?;
    if !role.attached.iter().any(|attached| attached == arn) {
        // The default quota (IAM user guide, "IAM and AWS STS quotas").
        if role.attached.len() >= 10 {
            return Err(conflict("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10"));
        }
        role.attached.push(arn.into());
        put(world, &role);
    }
    Ok(json!({}))
}

fn detach(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    let arn = input.need("PolicyArn")?;
    let Some(index) = role.attached.iter().position(|attached| attached == arn) else {
        return Err(no_such_entity(format!("Policy {arn} was not found.")));
    };
    role.attached.remove(index);
    put(world, &role);
    Ok(json!({}))
}

fn list_attached(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let attached = role(world, input)?.attached.into_iter();
    let described = attached.map(|arn| json!({"PolicyName": arn.rsplit('/').next(), "PolicyArn": arn})).collect();
    paged(input, "AttachedPolicies", described)
}

fn list_entities(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let arn = input.need("PolicyArn")?;
    check_exists(world, arn)?;
    let roles = match (input.text("EntityFilter"), input.text("PolicyUsageFilter")) {
        (Some("User" | "Group" | "AWSManagedPolicy" | "LocalManagedPolicy"), _) => Vec::new(),
        (_, Some("PermissionsBoundary")) => bounded_roles(world, arn),
        (_, Some(_)) => attached_roles(world, arn),
        (_, None) => [attached_roles(world, arn), bounded_roles(world, arn)].concat(),
    };
    let described = roles.iter().map(|role| json!({"RoleName": role.name, "RoleId": role.id})).collect();
    let mut answer = paged(input, "PolicyRoles", described)?;
    // The page that lists the roles lists users and groups too: there are few.
    answer["PolicyGroups"] = json!(iam_members::listed(world, input, arn, false));
    answer["PolicyUsers"] = json!(iam_members::listed(world, input, arn, true));
    Ok(answer)
}

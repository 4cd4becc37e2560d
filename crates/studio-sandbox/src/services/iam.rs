//! IAM: roles. Managed policies are in `iam_policies`.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use super::iam_members;
use super::iam_policies;
use crate::core::policy;
use crate::core::records::{ROLES, Role};
use crate::core::service::{Input, Operation, iso, operation, page, tag_list, validation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{UPPER, World};

const OPERATIONS: &[Operation] = &[
    operation(
        "CreateRole",
        "RoleName Path AssumeRolePolicyDocument Description MaxSessionDuration PermissionsBoundary Tags",
        create_role,
    ),
    operation("GetRole", "RoleName", get_role),
    operation("ListRoles", "PathPrefix Marker MaxItems", list_roles),
    operation("DeleteRole", "RoleName", delete_role),
    operation("UpdateRole", "RoleName Description MaxSessionDuration", update_role),
    operation("UpdateAssumeRolePolicy", "RoleName PolicyDocument", update_trust),
    operation("TagRole", "RoleName Tags", tag_role),
    operation("UntagRole", "RoleName TagKeys", untag_role),
    operation("ListRoleTags", "RoleName Marker MaxItems", list_role_tags),
    operation("PutRolePermissionsBoundary", "RoleName PermissionsBoundary", put_boundary),
    operation("DeleteRolePermissionsBoundary", "RoleName", delete_boundary),
    operation("PutRolePolicy", "RoleName PolicyName PolicyDocument", put_role_policy),
    operation("GetRolePolicy", "RoleName PolicyName", get_role_policy),
    operation("DeleteRolePolicy", "RoleName PolicyName", delete_role_policy),
    operation("ListRolePolicies", "RoleName Marker MaxItems", list_role_policies),
    operation("ListInstanceProfilesForRole", "RoleName Marker MaxItems", list_instance_profiles),
    operation(
        "SimulatePrincipalPolicy",
        "PolicySourceArn ActionNames ResourceArns ContextEntries PolicyInputList CallerArn ResourcePolicy Marker MaxItems",
        simulate,
    ),
];

/// Answers one operation of IAM.
pub fn handle(world: &mut World, operation: &str, input: &Json, caller: &Principal) -> Answer {
    let tables = [OPERATIONS, iam_members::OPERATIONS, iam_policies::OPERATIONS];
    let table = tables.into_iter().find(|table| table.iter().any(|row| row.name == operation)).unwrap_or(OPERATIONS);
    crate::core::service::call(table, world, operation, input, caller)
}

/// Nothing has that name.
pub fn no_such_entity(message: impl Into<String>) -> Refusal {
    Refusal::new("NoSuchEntity", message).with_status(404)
}

/// Something stands in the way.
pub fn conflict(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(code, message).with_status(409)
}

/// A role that the caller may change.
pub fn role_to_change(world: &World, input: Input<'_>) -> Result<Role, Refusal> {
    let role = role(world, input)?;
    if is_reserved(&role.path, &role.name) {
        let message = format!(
            "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
            role.name
        );
        return Err(Refusal::new("UnmodifiableEntity", message));
    }
    Ok(role)
}

/// Roles of Identity Center and of services are AWS's own to change.
fn is_reserved(path: &str, name: &str) -> bool {
    ["/aws-reserved/", "/aws-service-role/"].iter().any(|reserved| path.starts_with(reserved))
        || name.starts_with("AWSReservedSSO_")
}

/// The role that the input names. Names are not distinguished by case (IAM API reference, "CreateRole"); that look-ups do
/// not distinguish them either is a guess.
pub fn role(world: &World, input: Input<'_>) -> Result<Role, Refusal> {
    let name = input.need("RoleName")?;
    check_name(name, "roleName", 64)?;
    let otherwise = || {
        let mut roles = world.list::<Role>(ROLES, "").into_iter();
        roles.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, role)| role)
    };
    let missing = || no_such_entity(format!("The role with name {name} cannot be found."));
    world.get(ROLES, name).or_else(otherwise).ok_or_else(missing)
}

/// Puts a role into its table.
pub fn put(world: &mut World, role: &Role) {
    world.put(ROLES, &role.name, role);
}

/// One page of a list as IAM answers it.
pub fn paged(input: Input<'_>, name: &str, items: Vec<Json>) -> Answer {
    // MaxItems is 100 unless told otherwise and 1,000 at most (IAM API reference, "ListRoles").
    let limit = input.number("MaxItems").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100).clamp(1, 1000);
    let (items, marker) = page(items, limit, input.text("Marker"))?;
    Ok(json!({name: items, "IsTruncated": marker.is_some(), "Marker": marker}))
}

/// Names are letters, digits and `+=,.@_-` (IAM user guide, "IAM and AWS STS quotas").
pub fn check_name(name: &str, member: &str, most: usize) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if name.is_empty() || name.len() > most || !name.chars().all(valid) {
        return Err(validation(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must have \
             length less than or equal to {most} and satisfy regular expression pattern: [\\w+=,.@-]+"
        )));
    }
    Ok(())
}

/// Descriptions have up to 1,000 characters; a role's are of those of Latin-1 that can be shown (IAM's model,
/// `roleDescriptionType`: `[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`).
pub fn check_description(text: Option<&str>, may_hold: fn(char) -> bool) -> Result<(), Refusal> {
    match text {
        Some(text) if text.chars().count() > 1000 => Err(validation(
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length \
             less than or equal to 1000",
        )),
        Some(text) if !text.chars().all(may_hold) => Err(validation(
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*",
        )),
        _ => Ok(()),
    }
}

const fn is_role_text(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}')
}

/// Paths begin and end with a slash.
pub fn check_path(path: &str) -> Result<(), Refusal> {
    // IAM's model, `pathType`: `(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`.
    let valid = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= 512
        && path.chars().all(|c| matches!(c, '!'..='~'));
    valid.then_some(()).ok_or_else(|| {
        validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters.",
        )
    })
}

/// Documents are URL-encoded in answers.
pub fn encode(document: &str) -> String {
    utf8_percent_encode(document, NON_ALPHANUMERIC).to_string()
}

/// Refuses a document that IAM would not take.
pub fn check_document(document: &str, principals: bool, most: usize) -> Result<Json, Refusal> {
    let malformed = |message: String| Refusal::new("MalformedPolicyDocument", message);
    policy::check_characters(document)?;
    let json = policy::parse(document, principals).map_err(malformed)?;
    // White space does not count (IAM user guide, "IAM and AWS STS character limits").
    if document.chars().filter(|character| !character.is_whitespace()).count() > most {
        return Err(conflict("LimitExceeded", format!("Cannot exceed quota for PolicySize: {most}")));
    }
    Ok(json)
}

/// A trust policy holds up to 2,048 characters, and names only principals that exist.
fn check_trust(world: &World, document: &str) -> Result<(), Refusal> {
    let json = check_document(document, true, 2048)?;
    match policy::unknown_principal(world, &json, true) {
        Some(principal) => {
            let message = format!("Invalid principal in policy: \"AWS\":\"{principal}\"");
            Err(Refusal::new("MalformedPolicyDocument", message))
        }
        None => Ok(()),
    }
}

fn check_max_session(input: Input<'_>) -> Result<Option<i32>, Refusal> {
    let Some(seconds) = input.number("MaxSessionDuration") else { return Ok(None) };
    match i32::try_from(seconds) {
        Ok(seconds @ 3600..=43_200) => Ok(Some(seconds)),
        _ => Err(validation(format!(
            "1 validation error detected: Value '{seconds}' at 'maxSessionDuration' failed to satisfy constraint: \
             Member must have value between 3600 and 43200"
        ))),
    }
}

/// Adds tags to those that are there, within IAM's limit of 50.
pub fn add_tags(tags: &mut BTreeMap<String, String>, input: Input<'_>) -> Result<(), Refusal> {
    tags.extend(input.tags("Tags", "Key", "Value").map_err(as_invalid_input)?);
    if tags.len() > 50 {
        return Err(conflict("LimitExceeded", "The number of tags has reached the maximum limit."));
    }
    Ok(())
}

fn as_invalid_input(refusal: Refusal) -> Refusal {
    match refusal.code.as_str() {
        "InvalidTag" => {
            Refusal::new("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        }
        "TooManyTags" => conflict("LimitExceeded", "The number of tags has reached the maximum limit."),
        _ => refusal,
    }
}

fn describe(role: &Role) -> Json {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": iso(role.created),
        "AssumeRolePolicyDocument": encode(&role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
        "PermissionsBoundary": role.boundary.as_ref().map(|arn| json!({
            "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn,
        })),
        "Tags": if role.tags.is_empty() { Json::Null } else { tag_list(&role.tags, "Key", "Value") },
    })
}

fn create_role(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let name = input.need("RoleName")?;
    check_name(name, "roleName", 64)?;
    let path = input.text("Path").unwrap_or("/");
    check_path(path)?;
    if is_reserved(path, name) {
        return Err(Refusal::new("AccessDenied", "Role path or name is reserved for AWS").with_status(403));
    }
    let trust = input.need("AssumeRolePolicyDocument")?;
    check_trust(world, trust)?;
    // Names are unique without regard to case (IAM user guide, "IAM and AWS STS quotas").
    if world.list::<Role>(ROLES, "").iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
        return Err(conflict("EntityAlreadyExists", format!("Role with name {name} already exists.")));
    }
    let description = input.text("Description");
    check_description(description, is_role_text)?;
    let boundary = input.text("PermissionsBoundary");
    if let Some(arn) = boundary {
        iam_policies::check_exists(world, arn)?;
    }
    let mut tags = BTreeMap::new();
    add_tags(&mut tags, input)?;
    let now = world.now();
    let role = Role {
        name: name.into(),
        path: path.into(),
        id: format!("AROA{}", world.id(UPPER, 17)),
        arn: format!("arn:{}:iam::{}:role{path}{name}", world.partition(), world.account()),
        trust: trust.into(),
        description: description.map(Into::into),
        max_session: check_max_session(input)?.unwrap_or(3600),
        boundary: boundary.map(Into::into),
        tags,
        attached: Vec::new(),
        inline: BTreeMap::new(),
        created: now,
        visible_at: now + world.faults()["iam-propagation"].as_i64().unwrap_or(0),
    };
    put(world, &role);
    Ok(json!({"Role": describe(&role)}))
}

fn get_role(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut answer = describe(&role(world, input)?);
    answer["RoleLastUsed"] = json!({});
    Ok(json!({"Role": answer}))
}

fn list_roles(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let roles = world.list::<Role>(ROLES, "").into_iter().filter(|(_, role)| role.path.starts_with(prefix));
    // ListRoles leaves out tags and boundaries (IAM API reference, "ListRoles").
    let described = roles.map(|(_, role)| describe(&Role { tags: BTreeMap::new(), boundary: None, ..role })).collect();
    paged(input, "Roles", described)
}

fn delete_role(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let role = role_to_change(world, input)?;
    if !role.attached.is_empty() {
        return Err(conflict("DeleteConflict", "Cannot delete entity, must detach all policies first."));
    }
    if !role.inline.is_empty() {
        return Err(conflict("DeleteConflict", "Cannot delete entity, must delete policies first."));
    }
    world.remove(ROLES, &role.name);
    Ok(json!({}))
}

fn update_role(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    if let Some(description) = input.text("Description") {
        check_description(Some(description), is_role_text)?;
        role.description = Some(description.into());
    }
    role.max_session = check_max_session(input)?.unwrap_or(role.max_session);
    put(world, &role);
    Ok(json!({}))
}

fn update_trust(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    let document = input.need("PolicyDocument")?;
    check_trust(world, document)?;
    role.trust = document.into();
    put(world, &role);
    Ok(json!({}))
}

fn tag_role(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    add_tags(&mut role.tags, input)?;
    put(world, &role);
    Ok(json!({}))
}

fn untag_role(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    for key in input.texts("TagKeys") {
        role.tags.remove(key);
    }
    put(world, &role);
    Ok(json!({}))
}

fn list_role_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let tags = tag_list(&role(world, input)?.tags, "Key", "Value");
    paged(input, "Tags", tags.as_array().cloned().unwrap_or_default())
}

fn put_boundary(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    let arn = input.need("PermissionsBoundary")?;
    iam_policies::check_exists(world, arn)?;
    role.boundary = Some(arn.into());
    put(world, &role);
    Ok(json!({}))
}

fn delete_boundary(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    if role.boundary.take().is_none() {
        return Err(no_such_entity(format!("Role {} does not have a permissions boundary.", role.name)));
    }
    put(world, &role);
    Ok(json!({}))
}

fn put_role_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut role = role_to_change(world, input)?;
    let (name, document) = (input.need("PolicyName")?, input.need("PolicyDocument")?);
    check_name(name, "policyName", 128)?;
    check_document(document, false, 10_240)?;
    role.inline.insert(name.into(), document.into());
    // All inline policies of a role together hold 10,240 characters (IAM user guide, "IAM and AWS STS quotas").
    let size: usize = role.inline.values().map(|text| text.chars().filter(|c| !c.is_whitespace()).count()).sum();
    if size > 10_240 {
        let message = format!("Maximum policy size of 10240 bytes exceeded for role {}", role.name);
        return Err(conflict("LimitExceeded", message));
    }
    put(world, &role);
    Ok(json!({}))
}

fn no_inline(role: &Role, name: &str) -> Refusal {
    no_such_entity(format!("The role policy with name {name} cannot be found for role {}.", role.name))
}

fn get_role_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (role, name) = (role(world, input)?, input.need("PolicyName")?);
    let document = role.inline.get(name).ok_or_else(|| no_inline(&role, name))?;
    Ok(json!({"RoleName": role.name, "PolicyName": name, "PolicyDocument": encode(document)}))
}

fn delete_role_policy(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (mut role, name) = (role_to_change(world, input)?, input.need("PolicyName")?);
    if role.inline.remove(name).is_none() {
        return Err(no_inline(&role, name));
    }
    put(world, &role);
    Ok(json!({}))
}

fn list_role_policies(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let names = role(world, input)?.inline.into_keys().map(Json::from).collect();
    paged(input, "PolicyNames", names)
}

fn list_instance_profiles(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    role(world, input)?;
    paged(input, "InstanceProfiles", Vec::new())
}

/// Everything is allowed: the sandbox's operator may do anything.
fn simulate(_: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    input.need("PolicySourceArn")?;
    let resource = input.texts("ResourceArns").first().copied().unwrap_or("*");
    let results = input.texts("ActionNames").into_iter().map(|action| {
        json!({"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed", "MatchedStatements": [], "MissingContextValues": []})
    });
    Ok(json!({"EvaluationResults": results.collect::<Vec<_>>(), "IsTruncated": false}))
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::Client;
    use aws_sdk_iam::types::Tag;

    use crate::core::front::{Sandbox, SandboxOptions};
    use crate::core::seed::{Seed, SeedRole};
    use crate::core::testing::{code, faulty, query, seeded};

    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

    fn client(sandbox: &Sandbox) -> Client {
        Client::new(&sandbox.sdk_config().build())
    }

    #[tokio::test]
    async fn a_role_lives_through_the_sdk() {
        let client = client(&seeded(SandboxOptions::default()));
        let tag = Tag::builder().key("mdaa_org").value("acme").build().unwrap();
        let create =
            || client.create_role().role_name("ann").assume_role_policy_document(TRUST).tags(tag.clone()).send();
        let role = create().await.unwrap().role.unwrap();
        assert_eq!(role.arn, "arn:aws:iam::123456789012:role/ann");
        assert_eq!(code(create().await), "EntityAlreadyExists");
        let role = client.get_role().role_name("ann").send().await.unwrap().role.unwrap();
        assert_eq!(role.tags(), [tag]);
        assert!(role.assume_role_policy_document.unwrap().starts_with("%7B%22Version"));

        client.put_role_policy().role_name("ann").policy_name("p").policy_document(ALL).send().await.unwrap();
        assert_eq!(code(client.delete_role().role_name("ann").send().await), "DeleteConflict");
        client.delete_role_policy().role_name("ann").policy_name("p").send().await.unwrap();

        let policy = client.create_policy().policy_name("q").policy_document(ALL).send().await.unwrap().policy.unwrap();
        let arn = policy.arn.unwrap();
        client.attach_role_policy().role_name("ann").policy_arn(&arn).send().await.unwrap();
        assert_eq!(code(client.delete_policy().policy_arn(&arn).send().await), "DeleteConflict");
        for _ in 0..4 {
            client
                .create_policy_version()
                .policy_arn(&arn)
                .policy_document(ALL)
                .set_as_default(true)
                .send()
                .await
                .unwrap();
        }
        let fifth = client.create_policy_version().policy_arn(&arn).policy_document(ALL).send().await;
        assert_eq!(code(fifth), "LimitExceeded");
        assert_eq!(
            code(client.delete_policy_version().policy_arn(&arn).version_id("v5").send().await),
            "DeleteConflict"
        );
        client.delete_policy_version().policy_arn(&arn).version_id("v1").send().await.unwrap();
        let versions = client.list_policy_versions().policy_arn(&arn).send().await.unwrap().versions.unwrap();
        assert_eq!(versions.len(), 4);
        let attached = client.list_attached_role_policies().role_name("ann").send().await.unwrap();
        assert_eq!(attached.attached_policies()[0].policy_name(), Some("q"));
        let entities = client.list_entities_for_policy().policy_arn(&arn).send().await.unwrap();
        assert_eq!(entities.policy_roles()[0].role_name(), Some("ann"));
        client.detach_role_policy().role_name("ann").policy_arn(&arn).send().await.unwrap();
        assert_eq!(client.get_role().role_name("ANN").send().await.unwrap().role.unwrap().role_name, "ann");
        client.delete_role().role_name("ann").send().await.unwrap();
        assert_eq!(code(client.get_role().role_name("ann").send().await), "NoSuchEntity");
    }

    #[test]
    fn a_role_is_described_in_what_can_be_shown() {
        let sandbox = seeded(SandboxOptions::default());
        let update = |text: &str| {
            query(&sandbox, "iam", &[("Action", "UpdateRole"), ("RoleName", "execution"), ("Description", text)]).0
        };
        for (text, status) in [("a\tb\nc", 200), ("\u{e4}", 200), ("a\u{1}b", 400), ("\u{a0}", 400), ("a\rb", 200)] {
            assert_eq!(update(text), status, "{text:?}");
        }
        let (_, document) = query(&sandbox, "iam", &[("Action", "GetRole"), ("RoleName", "execution")]);
        assert!(document.contains("a&#13;b"), "{document}");
    }

    #[tokio::test]
    async fn lists_come_in_pages() {
        let client = client(&seeded(SandboxOptions::default()));
        for index in 0..7 {
            let name = format!("role-{index}");
            client.create_role().role_name(name).assume_role_policy_document(TRUST).send().await.unwrap();
        }
        let pages = client.list_roles().max_items(3).into_paginator().items().send();
        let roles = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
        assert_eq!(roles.len(), 8);
    }

    #[test]
    fn malformed_input_is_refused() {
        let sandbox = seeded(SandboxOptions::default());
        let unknown =
            TRUST.replace(r#""Service":"sagemaker.amazonaws.com""#, r#""AWS":"arn:aws:iam::123456789012:role/gone""#);
        for (name, trust, tag, expected) in [
            ("a b", TRUST, "v", "ValidationError"),
            ("a", "{", "v", "MalformedPolicyDocument"),
            ("a", unknown.as_str(), "v", "MalformedPolicyDocument"),
            ("a", &TRUST.replace("Allow", "All\u{e9}\u{101}w"), "v", "ValidationError"),
            ("a", TRUST, "v?", "ValidationError"),
            ("EXECUTION", TRUST, "v", "EntityAlreadyExists"),
            ("AWSReservedSSO_x", TRUST, "v", "AccessDenied"),
        ] {
            let pairs = [
                ("Action", "CreateRole"),
                ("RoleName", name),
                ("AssumeRolePolicyDocument", trust),
                ("Tags.member.1.Key", "k"),
                ("Tags.member.1.Value", tag),
            ];
            let (_, document) = query(&sandbox, "iam", &pairs);
            assert!(document.contains(&format!("<Code>{expected}</Code>")), "{document}");
        }
        let (status, document) = query(&sandbox, "iam", &[("Action", "Nonsense")]);
        assert!(status == 400 && document.contains("InvalidAction"), "{document}");
    }

    #[tokio::test]
    async fn what_others_have_is_not_found_here() {
        let sandbox = seeded(SandboxOptions::default());
        let policy = "arn:aws:iam::999988887777:policy/bound";
        let theirs = Seed {
            roles: vec![SeedRole { name: "theirs".into(), ..SeedRole::default() }],
            policies: vec![policy.into()],
            ..Seed::default()
        };
        let others = [("999988887777".to_owned(), theirs)].into();
        let made = sandbox.seed(&Seed { others, ..Seed::default() }).unwrap();
        assert_eq!(made, ["role theirs of account 999988887777", &format!("policy {policy} of account 999988887777")]);
        let client = client(&sandbox);
        assert_eq!(code(client.get_role().role_name("theirs").send().await), "NoSuchEntity");
        assert_eq!(client.list_roles().send().await.unwrap().roles.len(), 1);
        assert_eq!(code(client.get_policy().policy_arn(policy).send().await), "AccessDenied");
        let attach = client.attach_role_policy().role_name("execution").policy_arn(policy);
        assert_eq!(code(attach.send().await), "NoSuchEntity");
        let role =
            client.create_role().role_name("bound").assume_role_policy_document(TRUST).permissions_boundary(policy);
        assert_eq!(code(role.send().await), "NoSuchEntity");
    }

    #[tokio::test]
    async fn a_new_role_is_unknown_elsewhere_for_a_while() {
        let sandbox = faulty("iam-propagation=10s");
        client(&sandbox).create_role().role_name("new").assume_role_policy_document(TRUST).send().await.unwrap();
        let kms = aws_sdk_kms::Client::new(&sandbox.sdk_config().build());
        let policy = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"},
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/new"},"Action":"kms:Decrypt","Resource":"*"}]}"#;
        let create = || kms.create_key().policy(policy).send();
        assert_eq!(code(create().await), "MalformedPolicyDocumentException");
        sandbox.pass(std::time::Duration::from_secs(10)).await;
        create().await.unwrap();
    }
}

//! IAM: users and groups, as far as policies are attached to them. What they may do is not modelled.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::iam::{check_name, conflict, no_such_entity};
use super::iam_policies::check_exists;
use crate::core::service::{Input, Operation, iso, operation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{UPPER, World};

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("CreateUser", "UserName Path", create_user),
    operation("AttachUserPolicy", "UserName PolicyArn", |world, input, _| attach(world, input, USER)),
    operation("DetachUserPolicy", "UserName PolicyArn", |world, input, _| detach(world, input, USER)),
    operation("CreateGroup", "GroupName Path", create_group),
    operation("AttachGroupPolicy", "GroupName PolicyArn", |world, input, _| attach(world, input, GROUP)),
    operation("DetachGroupPolicy", "GroupName PolicyArn", |world, input, _| detach(world, input, GROUP)),
];

/// Users, or groups: the table, the member that names one, the word for one, and the first letters of its id.
#[derive(Clone, Copy)]
struct Members(&'static str, &'static str, &'static str, &'static str);

const USER: Members = Members("iam/user", "UserName", "user", "AIDA");
const GROUP: Members = Members("iam/group", "GroupName", "group", "AGPA");

#[derive(Debug, Serialize, Deserialize)]
struct Member {
    name: String,
    id: String,
    attached: Vec<String>,
    created: i64,
}

/// Users or groups that have a policy attached, with their names and ids as IAM lists them.
pub fn holders(world: &World, arn: &str, users: bool) -> Vec<Json> {
    let (Members(table, ..), name, id) =
        if users { (USER, "UserName", "UserId") } else { (GROUP, "GroupName", "GroupId") };
    let members = world.list::<Member>(table, "").into_iter().map(|(_, member)| member);
    let holds = members.filter(|member| member.attached.iter().any(|attached| attached == arn));
    holds.map(|member| json!({name: member.name, id: member.id})).collect()
}

/// The users or groups that ListEntitiesForPolicy lists. None is bounded by a policy here.
pub fn listed(world: &World, input: Input<'_>, arn: &str, users: bool) -> Vec<Json> {
    let kind = if users { "User" } else { "Group" };
    let is_wanted = input.text("EntityFilter").is_none_or(|filter| filter == kind)
        && input.text("PolicyUsageFilter") != Some("PermissionsBoundary");
    if is_wanted { holders(world, arn, users) } else { Vec::new() }
}

fn create(
    world: &mut World,
    input: Input<'_>,
    Members(table, named, word, letters): Members,
) -> Result<Member, Refusal> {
    let name = input.need(named)?;
    check_name(name, named, if word == "user" { 64 } else { 128 })?;
    if world.has(table, name) {
        let message = format!("{}{} with name {name} already exists.", word[..1].to_uppercase(), &word[1..]);
        return Err(conflict("EntityAlreadyExists", message));
    }
    let id = format!("{letters}{}", world.id(UPPER, 17));
    let member = Member { name: name.into(), id, attached: Vec::new(), created: world.now() };
    world.put(table, name, &member);
    Ok(member)
}

fn described(world: &World, member: &Member, Members(_, named, word, _): Members) -> Json {
    let arn = format!("arn:{}:iam::{}:{word}/{}", world.partition(), world.account(), member.name);
    json!({
        named: member.name, named.replace("Name", "Id"): member.id, "Path": "/", "Arn": arn,
        "CreateDate": iso(member.created),
    })
}

fn create_user(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let member = create(world, input, USER)?;
    Ok(json!({"User": described(world, &member, USER)}))
}

fn create_group(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let member = create(world, input, GROUP)?;
    Ok(json!({"Group": described(world, &member, GROUP)}))
}

fn find(world: &World, input: Input<'_>, Members(table, named, word, _): Members) -> Result<Member, Refusal> {
    let name = input.need(named)?;
    world.get(table, name).ok_or_else(|| no_such_entity(format!("The {word} with name {name} cannot be found.")))
}

fn attach(world: &mut World, input: Input<'_>, members: Members) -> Answer {
    let mut member = find(world, input, members)?;
    let arn = input.need("PolicyArn")?;
    check_exists(world, arn)?;
    if !member.attached.iter().any(|attached| attached == arn) {
        member.attached.push(arn.into());
        world.put(members.0, &member.name, &member);
    }
    Ok(json!({}))
}

fn detach(world: &mut World, input: Input<'_>, members: Members) -> Answer {
    let mut member = find(world, input, members)?;
    let arn = input.need("PolicyArn")?;
    let before = member.attached.len();
    member.attached.retain(|attached| attached != arn);
    if before == member.attached.len() {
        return Err(no_such_entity(format!("Policy {arn} was not found.")));
    }
    world.put(members.0, &member.name, &member);
    Ok(json!({}))
}

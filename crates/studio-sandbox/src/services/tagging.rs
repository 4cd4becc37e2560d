//! The Resource Groups Tagging API: what is tagged, whatever service it belongs to. Roles are not in it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::iam_policies::Policy;
use super::s3_buckets::{self, BUCKETS};
use super::ssm::{PARAMETERS, ParameterRecord};
use super::{ec2_groups, efs, kms, ssm_names};
use crate::core::policy::POLICIES;
use crate::core::records::{FILE_SYSTEMS, KEYS, Key, SECURITY_GROUPS, SecurityGroup};
use crate::core::service::{Input, Operation, check_tag, operation, page, tag_list};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::World;

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation(
        "GetResources",
        "TagFilters ResourceTypeFilters ResourcesPerPage TagsPerPage PaginationToken ResourceARNList \
         IncludeComplianceDetails ExcludeCompliantResources",
        get_resources,
    ),
    operation("TagResources", "ResourceARNList Tags", tag_resources),
    operation("UntagResources", "ResourceARNList TagKeys", untag_resources),
];

/// Something that has tags, and the record that holds them in its member `tags`.
struct Tagged {
    /// Its ARN.
    pub arn: String,
    /// The record's table.
    pub table: String,
    /// The record's key.
    pub key: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// In place of a table: Studio's own operations change these tags.
const STUDIO: &str = "";

/// Whatever a kind of record has to show.
type Source = fn(&World) -> Vec<Tagged>;

const SOURCES: &[Source] = &[keys, security_groups, file_systems, buckets, parameters, policies, studio];

fn tagged(arn: String, table: &str, key: String, tags: BTreeMap<String, String>) -> Tagged {
    Tagged { arn, table: table.into(), key, tags }
}

fn keys(world: &World) -> Vec<Tagged> {
    let keys = world.list::<Key>(KEYS, "").into_iter();
    let there = keys.filter(|(_, key)| key.deletion_at.is_none_or(|at| at > world.now()));
    there.map(|(id, key)| tagged(kms::arn(world, &id), KEYS, id, key.tags)).collect()
}

fn security_groups(world: &World) -> Vec<Tagged> {
    let groups = world.list::<SecurityGroup>(SECURITY_GROUPS, "").into_iter();
    groups.map(|(id, group)| tagged(ec2_groups::arn(world, &id), SECURITY_GROUPS, id, group.tags)).collect()
}

fn file_systems(world: &World) -> Vec<Tagged> {
    let systems = efs::file_systems(world).into_iter();
    systems.map(|system| tagged(efs::arn(world, &system.id), FILE_SYSTEMS, system.id, system.tags)).collect()
}

fn buckets(world: &World) -> Vec<Tagged> {
    s3_buckets::own(world).map(|(name, bucket)| tagged(bucket.arn(world), BUCKETS, name, bucket.tags)).collect()
}

fn parameters(world: &World) -> Vec<Tagged> {
    let parameters = world.list::<ParameterRecord>(PARAMETERS, "").into_iter();
    parameters.map(|(name, parameter)| tagged(ssm_names::arn(world, &name), PARAMETERS, name, parameter.tags)).collect()
}

/// Global services' things are found in the partition's first region only.
fn policies(world: &World) -> Vec<Tagged> {
    if !["us-east-1", "cn-north-1", "us-gov-west-1"].contains(&world.region().as_str()) {
        return Vec::new();
    }
    let policies = world.list::<Policy>(POLICIES, "").into_iter();
    policies.map(|(arn, policy)| tagged(policy.arn.clone(), POLICIES, arn, policy.tags)).collect()
}

/// Studio computes its ARNs; AddTags and DeleteTags are its own way to change tags, so those are what changes here call.
fn studio(world: &World) -> Vec<Tagged> {
    crate::studio::taggable(world).into_iter().map(|(arn, tags)| tagged(arn.clone(), STUDIO, arn, tags)).collect()
}

fn all(world: &World) -> Vec<Tagged> {
    let mut all: Vec<Tagged> = SOURCES.iter().flat_map(|source| source(world)).collect();
    all.sort_by(|one, other| one.arn.cmp(&other.arn));
    all
}

/// `service` or `service:type`, as in `ec2:security-group`; a bucket's ARN has no type.
fn is_of_type(arn: &str, wanted: &str) -> bool {
    let mut fields = arn.splitn(6, ':').skip(2);
    let service = fields.next().unwrap_or_default();
    let resource = fields.nth(2).unwrap_or_default();
    match wanted.split_once(':') {
        None => service == wanted,
        Some((wanted_service, _)) if service == "s3" => wanted_service == "s3",
        Some((wanted_service, kind)) => service == wanted_service && resource.split(['/', ':']).next() == Some(kind),
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

/// A list of ARNs goes with no filter and in no pages, and has a hundred at most (Resource Groups Tagging API reference,
/// "GetResources"). Things that do not exist are left out of the answer.
fn check_arns(input: Input<'_>, arns: &[&str]) -> Result<(), Refusal> {
    if input.get("ResourceARNList").is_none() {
        return Ok(());
    }
    let others = ["TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "TagsPerPage", "PaginationToken"];
    let is_given = |name: &&&str| match input.get(name) {
        None | Some(Json::Null) => false,
        Some(Json::String(text)) => !text.is_empty(),
        Some(Json::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    if let Some(other) = others.iter().find(is_given) {
        return Err(invalid(format!("You can't specify both ResourceARNList and {other} in the same request.")));
    }
    if arns.is_empty() || arns.len() > 100 {
        return Err(invalid("1 validation error detected: ResourceARNList must have between 1 and 100 entries"));
    }
    Ok(())
}

fn get_resources(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (types, arns) = (input.texts("ResourceTypeFilters"), input.texts("ResourceARNList"));
    check_arns(input, &arns)?;
    let mut filters = Vec::new();
    for filter in input.list("TagFilters") {
        filters.push((filter.need("Key")?, filter.texts("Values")));
    }
    if filters.len() > 50 {
        return Err(invalid("1 validation error detected: TagFilters must have at most 50 entries"));
    }
    let unknown: Vec<String> = serde_json::from_value(world.faults()["tagging-unknown"].clone()).unwrap_or_default();
    let fits = |thing: &Tagged| {
        !thing.tags.is_empty()
            && !unknown.iter().any(|kind| is_of_type(&thing.arn, kind))
            && (types.is_empty() || types.iter().any(|kind| is_of_type(&thing.arn, kind)))
            && (arns.is_empty() || arns.contains(&thing.arn.as_str()))
            && filters.iter().all(|(key, values)| {
                thing.tags.get(*key).is_some_and(|value| values.is_empty() || values.contains(&value.as_str()))
            })
    };
    let found: Vec<Json> = all(world)
        .into_iter()
        .filter(fits)
        .map(|thing| json!({"ResourceARN": thing.arn, "Tags": tag_list(&thing.tags, "Key", "Value")}))
        .collect();
    let limit = input.limit("ResourcesPerPage", 100);
    let (found, next) = page(found, limit, input.text("PaginationToken"))
        .map_err(|_| Refusal::new("PaginationTokenExpiredException", "The pagination token is not valid."))?;
    // The last page's token is the empty text and not absent (Resource Groups Tagging API reference, "GetResources").
    Ok(json!({"ResourceTagMappingList": found, "PaginationToken": next.unwrap_or_default()}))
}

fn change(
    world: &mut World,
    input: Input<'_>,
    caller: &Principal,
    change: impl Fn(&mut BTreeMap<String, String>),
) -> Answer {
    let mut failed = json!({});
    let things = all(world);
    for arn in input.texts("ResourceARNList") {
        let Some(thing) = things.iter().find(|thing| thing.arn == arn) else {
            failed[arn] = json!({
                "StatusCode": 400, "ErrorCode": "InvalidParameterException",
                "ErrorMessage": "the resource does not exist or cannot be tagged here",
            });
            continue;
        };
        let mut tags = thing.tags.clone();
        change(&mut tags);
        if thing.table == STUDIO {
            let gone: Vec<&String> = thing.tags.keys().filter(|key| !tags.contains_key(*key)).collect();
            let input = json!({"ResourceArn": arn, "TagKeys": gone});
            crate::studio::handle(world, "DeleteTags", &input, caller)?;
            let input = json!({"ResourceArn": arn, "Tags": tag_list(&tags, "Key", "Value")});
            crate::studio::handle(world, "AddTags", &input, caller)?;
            continue;
        }
        if let Some(mut record) = world.get::<Json>(&thing.table, &thing.key) {
            record["tags"] = json!(tags);
            world.put(&thing.table, &thing.key, &record);
        }
    }
    Ok(json!({"FailedResourcesMap": failed}))
}

fn tag_resources(world: &mut World, input: Input<'_>, caller: &Principal) -> Answer {
    let added: BTreeMap<String, String> = input
        .get("Tags")
        .and_then(|tags| serde_json::from_value(tags.clone()).ok())
        .ok_or_else(|| invalid("Tags must be a map of texts"))?;
    for (key, value) in &added {
        check_tag(key, value).map_err(|refusal| invalid(refusal.message))?;
    }
    change(world, input, caller, |tags| tags.extend(added.clone()))
}

fn untag_resources(world: &mut World, input: Input<'_>, caller: &Principal) -> Answer {
    let keys = input.texts("TagKeys");
    change(world, input, caller, |tags| tags.retain(|key, _| !keys.contains(&key.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_from_arns() {
        for (arn, wanted, expected) in [
            ("arn:aws:ec2:us-east-1:1:security-group/sg-1", "ec2:security-group", true),
            ("arn:aws:ec2:us-east-1:1:security-group/sg-1", "ec2", true),
            ("arn:aws:ec2:us-east-1:1:security-group/sg-1", "ec2:vpc", false),
            ("arn:aws:s3:::bucket", "s3", true),
            ("arn:aws:kms:us-east-1:1:key/x", "s3", false),
            ("arn:aws:sagemaker:us-east-1:1:domain/d-1", "sagemaker:domain", true),
        ] {
            assert_eq!(is_of_type(arn, wanted), expected, "{arn} {wanted}");
        }
    }
}

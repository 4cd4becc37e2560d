//! Parameter Store of SSM, with its versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::ssm_names::{self, Reference, reference};
use crate::core::service::{Input, Operation, epoch, operation, page, tag_list, validation};
use crate::core::wire::{Answer, Principal, Refusal};
use crate::core::world::{World, account_in};

/// The operations that the sandbox knows.
pub const OPERATIONS: &[Operation] = &[
    operation("GetParameter", "Name WithDecryption", get_parameter),
    operation("GetParameters", "Names WithDecryption", get_parameters),
    operation(
        "GetParametersByPath",
        "Path Recursive WithDecryption MaxResults NextToken ParameterFilters",
        get_by_path,
    ),
    operation("PutParameter", "Name Value Type Description Overwrite Tags Tier DataType KeyId", put_parameter),
    operation("DeleteParameter", "Name", delete_parameter),
    operation("DeleteParameters", "Names", delete_parameters),
    operation("DescribeParameters", "ParameterFilters MaxResults NextToken", describe_parameters),
    operation("AddTagsToResource", "ResourceType ResourceId Tags", add_tags),
    operation("RemoveTagsFromResource", "ResourceType ResourceId TagKeys", remove_tags),
    operation("ListTagsForResource", "ResourceType ResourceId", list_tags),
];

/// Table of [`ParameterRecord`], by name.
pub const PARAMETERS: &str = "ssm/parameter";
/// Table of the versions' values, by name and version.
const HISTORY: &str = "ssm/history";
/// Table of the times at which versions were written, by name and version: `LastModifiedDate` is that of the version
/// (SSM API reference, Parameter).
const WRITTEN: &str = "ssm/written";
/// Table of the times at which names were deleted.
const DELETED: &str = "ssm/deleted";

/// SSM keeps this many versions of a parameter (SSM user guide, "Working with parameter versions").
const MOST_VERSIONS: i64 = 100;

/// A parameter at its latest version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ParameterRecord {
    /// Its name.
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// The latest value.
    pub value: String,
    /// The latest version.
    pub version: i64,
    /// Free text.
    pub description: Option<String>,
    /// `Standard` or `Advanced`.
    pub tier: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// When it was last written: virtual milliseconds.
    pub modified: i64,
    /// The accounts that it is shared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<String>,
}

/// Makes a parameter of type `String`, or the version of it that is asked for, unless there is one. One of another
/// account is shared with the operator's, as only those of the advanced tier can be (SSM user guide, "Working with shared
/// parameters"); one of another region cannot be made here.
pub fn seed(world: &mut World, text: &str, value: &str) -> bool {
    let Ok(Reference { account, name, version }) = reference(world, text) else { return false };
    let shared_with: Vec<String> = Some(world.home()).into_iter().filter(|home| *home != account).collect();
    // Below `/aws/` stands what AWS has made itself.
    if find(world, text).is_ok() || (!name.starts_with("/aws/") && ssm_names::check(world, &name).is_err()) {
        return false;
    }
    let parameter = ParameterRecord {
        name,
        kind: "String".into(),
        value: value.into(),
        version: version.unwrap_or(1),
        description: None,
        tier: if shared_with.is_empty() { "Standard" } else { "Advanced" }.into(),
        tags: BTreeMap::new(),
        modified: world.now(),
        shared_with,
    };
    world.within(&account, |world| write(world, &parameter));
    true
}

fn write(world: &mut World, parameter: &ParameterRecord) {
    world.put(PARAMETERS, &parameter.name, parameter);
    world.put(HISTORY, &history_key(&parameter.name, parameter.version), &parameter.value);
    world.put(WRITTEN, &history_key(&parameter.name, parameter.version), &parameter.modified);
    for table in [HISTORY, WRITTEN] {
        world.remove(table, &history_key(&parameter.name, parameter.version - MOST_VERSIONS));
    }
}

fn history_key(name: &str, version: i64) -> String {
    format!("{name}:{version:010}")
}

fn not_found(name: &str) -> Refusal {
    Refusal::new("ParameterNotFound", format!("Parameter {name} not found."))
}

/// Another account's parameter is there for those whom it is shared with, by its whole ARN. The words of the refusal are a
/// guess.
fn find(world: &World, text: &str) -> Result<ParameterRecord, Refusal> {
    let Reference { account, name, version } = reference(world, text)?;
    let parameter: Option<ParameterRecord> = world.get_of(&account, PARAMETERS, &name);
    let here = world.account();
    if account != here && !parameter.as_ref().is_some_and(|parameter| parameter.shared_with.contains(&here)) {
        let message = format!(
            "You are not authorized to perform: ssm:GetParameter on resource: {text} because no resource-based policy \
             allows the ssm:GetParameter action"
        );
        return Err(Refusal::new("AccessDeniedException", message));
    }
    let parameter = parameter.ok_or_else(|| not_found(text))?;
    let Some(version) = version else { return Ok(parameter) };
    let value = world.get_of(&account, HISTORY, &history_key(&name, version)).ok_or_else(|| {
        Refusal::new("ParameterVersionNotFound", format!("Systems Manager could not find version {version} of {name}."))
    })?;
    let modified = world.get(WRITTEN, &history_key(&name, version)).unwrap_or(parameter.modified);
    Ok(ParameterRecord { value, version, modified, ..parameter })
}

/// The answer about a parameter that was asked for by `text`.
fn describe(world: &World, parameter: &ParameterRecord, text: &str) -> Json {
    let account = account_in(text).map_or_else(|| world.account(), str::to_owned);
    json!({
        "Name": parameter.name,
        "Type": parameter.kind,
        "Value": parameter.value,
        "Version": parameter.version,
        "Selector": selector(text),
        "LastModifiedDate": epoch(parameter.modified),
        "ARN": ssm_names::arn_of(world, &account, &parameter.name),
        "DataType": "text",
    })
}

fn selector(text: &str) -> Option<&str> {
    // An ARN's colons are no selector's; its last part may have one.
    let name = text.rsplit('/').next().unwrap_or(text);
    name.rfind(':').map(|at| &name[at..]).filter(|selector| selector[1..].parse::<i64>().is_ok())
}

fn get_parameter(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let name = input.need("Name")?;
    let parameter = find(world, name)?;
    Ok(json!({"Parameter": describe(world, &parameter, name)}))
}

fn names(input: Input<'_>) -> Result<Vec<&str>, Refusal> {
    let names = input.texts("Names");
    if names.is_empty() || names.len() > 10 {
        return Err(validation(format!(
            "1 validation error detected: Value '[{}]' at 'names' failed to satisfy constraint: Member must have length \
             less than or equal to 10",
            names.join(", ")
        )));
    }
    Ok(names)
}

fn get_parameters(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in names(input)? {
        match find(world, name) {
            Ok(parameter) => found.push(describe(world, &parameter, name)),
            // One name that the caller may not read, or that is none, fails the call; the second is a guess.
            Err(refusal) if ["AccessDeniedException", "ValidationException"].contains(&refusal.code.as_str()) => {
                return Err(refusal);
            }
            Err(_) => invalid.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

fn token_error(_: Refusal) -> Refusal {
    Refusal::new("InvalidNextToken", "The specified token isn't valid.")
}

fn get_by_path(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let path = input.need("Path")?;
    if !path.starts_with('/') {
        return Err(validation("The parameter path must begin with a forward slash."));
    }
    let mut found = Vec::new();
    for (name, parameter) in world.list::<ParameterRecord>(PARAMETERS, "") {
        let mut fits = ssm_names::is_under(&name, path, input.flag("Recursive"));
        for filter in input.list("ParameterFilters") {
            fits = fits && ssm_names::fits(&name, &parameter.kind, &parameter.tags, filter)?;
        }
        if fits {
            found.push(describe(world, &parameter, ""));
        }
    }
    let (parameters, next) =
        page(found, input.limit("MaxResults", 10), input.text("NextToken")).map_err(token_error)?;
    Ok(json!({"Parameters": parameters, "NextToken": next}))
}

fn put_parameter(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (name, value) = (input.need("Name")?, input.need("Value")?);
    ssm_names::check(world, name)?;
    let overwrite = input.flag("Overwrite");
    let tags = input.tags("Tags", "Key", "Value")?;
    if overwrite && !tags.is_empty() {
        return Err(validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
             overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ));
    }
    if input.text("DataType").is_some_and(|kind| kind != "text") {
        return Err(validation("the sandbox has parameters of data type text only"));
    }
    let before: Option<ParameterRecord> = world.get(PARAMETERS, name);
    let delay = world.faults()["ssm-recreate-delay"].as_i64().unwrap_or(0);
    let just_deleted = world.get::<i64>(DELETED, name).is_some_and(|at| at + delay > world.now());
    if (before.is_some() && !overwrite) || just_deleted {
        let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request \
                       to true.";
        return Err(Refusal::new("ParameterAlreadyExists", message));
    }
    let kind = match (input.text("Type"), &before) {
        (Some(kind @ ("String" | "StringList" | "SecureString")), _) => kind.to_owned(),
        (Some(other), _) => {
            return Err(validation(format!(
                "1 validation error detected: Value '{other}' at 'type' failed to satisfy constraint: Member must \
                 satisfy enum value set: [SecureString, StringList, String]"
            )));
        }
        (None, Some(before)) => before.kind.clone(),
        (None, None) => return Err(validation("A parameter type is required when you create a parameter.")),
    };
    if before.as_ref().is_some_and(|before| before.kind != kind) {
        let message = "The parameter's type cannot be changed. Delete the parameter and create it anew.";
        return Err(Refusal::new("HierarchyTypeMismatchException", message));
    }
    let tier = match input.text("Tier") {
        Some(tier @ ("Standard" | "Advanced")) => tier.to_owned(),
        Some("Intelligent-Tiering") if value.len() > 4096 => "Advanced".into(),
        _ => before.as_ref().map_or_else(|| "Standard".into(), |before| before.tier.clone()),
    };
    check_value(value, &tier)?;
    let parameter = ParameterRecord {
        name: name.into(),
        kind,
        value: value.into(),
        version: before.as_ref().map_or(1, |before| before.version + 1),
        description: input
            .text("Description")
            .map(str::to_owned)
            .or_else(|| before.as_ref().and_then(|before| before.description.clone())),
        shared_with: before.as_ref().map_or_else(Vec::new, |before| before.shared_with.clone()),
        tags: before.map_or(tags, |before| before.tags),
        tier,
        modified: world.now(),
    };
    write(world, &parameter);
    world.remove(DELETED, name);
    Ok(json!({"Version": parameter.version, "Tier": parameter.tier}))
}

/// 4 KB in the standard tier, 8 KB in the advanced one (SSM user guide, "Managing parameter tiers").
fn check_value(value: &str, tier: &str) -> Result<(), Refusal> {
    if value.is_empty() {
        return Err(validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length \
             greater than or equal to 1.",
        ));
    }
    let most = if tier == "Advanced" { 8192 } else { 4096 };
    if value.len() > most {
        return Err(validation(format!(
            "{tier} tier parameters support a maximum parameter value of {most} characters. To create a larger parameter \
             value, upgrade the parameter to use the advanced-parameter tier."
        )));
    }
    Ok(())
}

fn delete(world: &mut World, text: &str) -> Result<(), Refusal> {
    let Reference { account, name, .. } = reference(world, text)?;
    if account != world.account() || !world.remove(PARAMETERS, &name) {
        return Err(not_found(text));
    }
    for (key, _) in world.list::<String>(HISTORY, &format!("{name}:")) {
        world.remove(HISTORY, &key);
        world.remove(WRITTEN, &key);
    }
    let now = world.now();
    if world.faults().get("ssm-recreate-delay").is_some() {
        world.put(DELETED, &name, &now);
    }
    Ok(())
}

fn delete_parameter(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    delete(world, input.need("Name")?)?;
    Ok(json!({}))
}

fn delete_parameters(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
    for name in names(input)? {
        if delete(world, name).is_ok() { &mut deleted } else { &mut invalid }.push(name);
    }
    Ok(json!({"DeletedParameters": deleted, "InvalidParameters": invalid}))
}

fn describe_parameters(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut found = Vec::new();
    for (name, parameter) in world.list::<ParameterRecord>(PARAMETERS, "") {
        let mut fits = true;
        for filter in input.list("ParameterFilters") {
            fits = fits && ssm_names::fits(&name, &parameter.kind, &parameter.tags, filter)?;
        }
        if fits {
            found.push(json!({
                "Name": name,
                "ARN": ssm_names::arn(world, &name),
                "Type": parameter.kind,
                "LastModifiedDate": epoch(parameter.modified),
                "Description": parameter.description,
                "Version": parameter.version,
                "Tier": parameter.tier,
                "Policies": [],
                "DataType": "text",
            }));
        }
    }
    let limit = input.number("MaxResults").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10).clamp(1, 50);
    let (parameters, next) = page(found, limit, input.text("NextToken")).map_err(token_error)?;
    Ok(json!({"Parameters": parameters, "NextToken": next}))
}

fn tagged(world: &World, input: Input<'_>) -> Result<ParameterRecord, Refusal> {
    match input.need("ResourceType")? {
        "Parameter" => {
            let id = input.need("ResourceId")?;
            let invalid = || Refusal::new("InvalidResourceId", format!("The resource ID \"{id}\" is not valid."));
            world.get(PARAMETERS, id).ok_or_else(invalid)
        }
        other => Err(Refusal::new("InvalidResourceType", format!("{other} is not a valid resource type."))),
    }
}

fn add_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut parameter = tagged(world, input)?;
    parameter.tags.extend(input.tags("Tags", "Key", "Value")?);
    if parameter.tags.len() > 50 {
        return Err(Refusal::new("TooManyTagsError", "The number of tags must not exceed 50."));
    }
    world.put(PARAMETERS, &parameter.name, &parameter);
    Ok(json!({}))
}

fn remove_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    let mut parameter = tagged(world, input)?;
    for key in input.texts("TagKeys") {
        parameter.tags.remove(key);
    }
    world.put(PARAMETERS, &parameter.name, &parameter);
    Ok(json!({}))
}

fn list_tags(world: &mut World, input: Input<'_>, _: &Principal) -> Answer {
    Ok(json!({"TagList": tag_list(&tagged(world, input)?.tags, "Key", "Value")}))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::Client;
    use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType, Tag};

    use crate::core::front::SandboxOptions;
    use crate::core::testing::{code, faulty, seeded};

    #[tokio::test]
    async fn parameters_live_through_the_sdk() {
        let sandbox = seeded(SandboxOptions::default());
        let client = Client::new(&sandbox.sdk_config().build());
        let put =
            |name: &str, value: &str| client.put_parameter().name(name).value(value).r#type(ParameterType::String);
        let tag = Tag::builder().key("owner").value("me").build().unwrap();
        put("/a/b", "1").tags(tag.clone()).send().await.unwrap();
        assert_eq!(code(put("/a/b", "2").send().await), "ParameterAlreadyExists");
        assert_eq!(code(put("/a/b", "2").overwrite(true).tags(tag).send().await), "ValidationException");
        assert_eq!(put("/a/b", "2").overwrite(true).send().await.unwrap().version(), 2);
        assert_eq!(code(put("/a/c", &"x".repeat(4097)).send().await), "ValidationException");
        assert_eq!(code(put("/aws/x", "1").send().await), "AccessDeniedException");
        for (name, expected) in
            [("/a/b", "2"), ("/a/b:1", "1"), ("arn:aws:ssm:us-east-1:123456789012:parameter/a/b", "2")]
        {
            let found = client.get_parameter().name(name).send().await.unwrap().parameter.unwrap();
            assert_eq!(found.value(), Some(expected), "{name}");
        }
        assert_eq!(code(client.get_parameter().name("/a/b:9").send().await), "ParameterVersionNotFound");
        let elsewhere = "arn:aws:ssm:us-east-1:999988887777:parameter/a/b";
        assert_eq!(code(client.get_parameter().name(elsewhere).send().await), "AccessDeniedException");
        assert_eq!(code(client.get_parameters().names("/a/b").names(elsewhere).send().await), "AccessDeniedException");
        sandbox.with_world(|world| assert!(super::seed(world, elsewhere, "shared"))).unwrap();
        let both = client.get_parameters().names("/a/b").names(elsewhere).send().await.unwrap();
        let values: Vec<_> = both.parameters().iter().filter_map(|one| Some((one.arn()?, one.value()?))).collect();
        assert_eq!(values, [("arn:aws:ssm:us-east-1:123456789012:parameter/a/b", "2"), (elsewhere, "shared")]);
        for wrong in ["a/b", "/a b", "/a//b", "/ssm/b"] {
            assert_eq!(code(client.get_parameter().name(wrong).send().await), "ValidationException", "{wrong}");
        }
        assert_eq!(code(client.get_parameter().name("/a/b:label").send().await), "ParameterVersionNotFound");
        assert_eq!(code(client.get_parameter().name("/none").send().await), "ParameterNotFound");
        let both = client.get_parameters().names("/a/b").names("/none").send().await.unwrap();
        assert_eq!((both.parameters().len(), both.invalid_parameters()), (1, ["/none".to_owned()].as_slice()));
        for index in 0..23 {
            put(&format!("/many/{index}/x"), "v").send().await.unwrap();
        }
        let pages = client.get_parameters_by_path().path("/many").recursive(true).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
        assert_eq!(pages.iter().map(|page| page.parameters().len()).collect::<Vec<_>>(), [10, 10, 3]);
        let filter = |key: &str, option: &str, value: &str| {
            ParameterStringFilter::builder().key(key).option(option).values(value).build().unwrap()
        };
        for (filter, expected) in [
            (filter("Name", "BeginsWith", "/many"), 23),
            (filter("Path", "OneLevel", "/a"), 1),
            (filter("tag:owner", "Equals", "me"), 1),
            (filter("Name", "Equals", "/none"), 0),
        ] {
            let pages = client.describe_parameters().parameter_filters(filter).into_paginator().send();
            let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
            assert_eq!(pages.iter().map(|page| page.parameters().len()).sum::<usize>(), expected);
        }
        client.delete_parameter().name("/a/b").send().await.unwrap();
        assert_eq!(code(client.delete_parameter().name("/a/b").send().await), "ParameterNotFound");
    }

    #[tokio::test]
    async fn a_deleted_name_may_be_refused_for_a_while() {
        let sandbox = faulty("ssm-recreate-delay=30s");
        let client = Client::new(&sandbox.sdk_config().build());
        let put = || client.put_parameter().name("/lock").value("1").r#type(ParameterType::String).send();
        put().await.unwrap();
        client.delete_parameter().name("/lock").send().await.unwrap();
        assert_eq!(code(put().await), "ParameterAlreadyExists");
        sandbox.pass(std::time::Duration::from_secs(30)).await;
        put().await.unwrap();
    }
}

//! EC2: what each operation asks of its caller.

use super::{Need, tags};
use crate::core::records::{SECURITY_GROUPS, SecurityGroup};
use crate::core::service::Input;
use crate::core::world::World;
use crate::services::ec2_groups::specified_tags;

pub(super) fn needs(world: &World, operation: &str, input: Input<'_>) -> Vec<Need> {
    let action = format!("ec2:{operation}");
    // No Describe action knows resources.
    if operation.starts_with("Describe") {
        return vec![Need::anywhere(action)];
    }
    let given = tags(input, "Tag", "Key", "Value");
    match operation {
        "CreateSecurityGroup" => {
            let specified = specified_tags(input, "security-group").unwrap_or_default();
            let group = world.arn("ec2", "security-group/*");
            let vpc = world.arn("ec2", &format!("vpc/{}", input.text("VpcId").unwrap_or("*")));
            let mut needs = vec![Need::new(&action, &group).tagging(&specified), Need::new(&action, vpc)];
            if !specified.is_empty() {
                needs.push(Need::new("ec2:CreateTags", group).tagging(&specified).key("ec2:CreateAction", operation));
            }
            needs
        }
        "CreateTags" | "DeleteTags" => {
            let each = input.texts("ResourceId").into_iter().map(|id| of(world, &action, id));
            let keys: Vec<&str> = input.list("Tag").filter_map(|tag| tag.text("Key")).collect();
            let is_new = operation == "CreateTags";
            each.map(|need| if is_new { need.tagging(&given) } else { need.untagging(&keys) }).collect()
        }
        _ => match input.text("GroupId") {
            Some(id) => {
                let rule = world.arn("ec2", "security-group-rule/*");
                let mut needs = vec![of(world, &action, id)];
                // The one of them that knows rules as resources.
                needs.extend((operation == "ModifySecurityGroupRules").then(|| Need::new(&action, rule)));
                needs
            }
            None => vec![Need::anywhere(action)],
        },
    }
}

/// `action` on what an id names; what its beginning says is the kind.
fn of(world: &World, action: &str, id: &str) -> Need {
    const KINDS: [(&str, &str); 6] = [
        ("sg-", "security-group"),
        ("sgr-", "security-group-rule"),
        ("vpc-", "vpc"),
        ("subnet-", "subnet"),
        ("eni-", "network-interface"),
        ("pl-", "prefix-list"),
    ];
    let kind = KINDS.iter().find(|(prefix, _)| id.starts_with(prefix)).map_or("security-group", |(_, kind)| kind);
    let need = Need::new(action, world.arn("ec2", &format!("{kind}/{id}")));
    match world.get::<SecurityGroup>(SECURITY_GROUPS, id) {
        Some(group) => need.tagged(&group.tags).key("ec2:Vpc", world.arn("ec2", &format!("vpc/{}", group.vpc))),
        None => need,
    }
}

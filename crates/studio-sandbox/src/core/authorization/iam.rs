//! IAM: what each operation asks of its caller.

use super::{Need, tags};
use crate::core::policy::POLICIES;
use crate::core::records::{ROLES, Role};
use crate::core::service::Input;
use crate::core::world::World;
use crate::services::iam_policies::Policy;

pub(super) fn needs(world: &World, operation: &str, input: Input<'_>) -> Vec<Need> {
    let action = format!("iam:{operation}");
    let account = |resource: &str| format!("arn:{}:iam::{}:{resource}", world.partition(), world.account());
    let given = tags(input, "Tags", "Key", "Value");
    let new = |kind: &str, name: &str, tag: &str| {
        let path = input.text("Path").unwrap_or("/");
        let arn = account(&format!("{kind}{path}{}", input.text(name).unwrap_or_default()));
        let mut needs = vec![Need::new(&action, &arn).tagging(&given)];
        if !given.is_empty() {
            needs.push(Need::new(tag, &arn).tagging(&given));
        }
        needs
    };
    match operation {
        "CreateRole" => {
            let boundary = input.text("PermissionsBoundary");
            let bounded = |need: Need| match boundary {
                Some(arn) if need.action == "iam:CreateRole" => need.key("iam:PermissionsBoundary", arn),
                _ => need,
            };
            new("role", "RoleName", "iam:TagRole").into_iter().map(bounded).collect()
        }
        "CreatePolicy" => new("policy", "PolicyName", "iam:TagPolicy"),
        "ListRoles" => vec![Need::new(action, account("role/"))],
        "ListPolicies" => vec![Need::new(action, account("policy/"))],
        "SimulatePrincipalPolicy" => vec![Need::new(action, input.text("PolicySourceArn").unwrap_or("*"))],
        _ if input.text("UserName").is_some() || input.text("GroupName").is_some() => {
            let name = input.text("UserName").map(|name| format!("user/{name}"));
            let name = name.or_else(|| Some(format!("group/{}", input.text("GroupName")?))).unwrap_or_default();
            let need = Need::new(action, account(&name));
            vec![input.text("PolicyArn").into_iter().fold(need, |need, policy| need.key("iam:PolicyARN", policy))]
        }
        _ => match (input.text("RoleName"), input.text("PolicyArn")) {
            (Some(name), policy) => {
                let role: Option<Role> = world.get(ROLES, name);
                let arn = role.as_ref().map_or_else(|| account(&format!("role/{name}")), |role| role.arn.clone());
                let mut need = Need::new(action, arn).tagging(&given).untagging(&input.texts("TagKeys"));
                if let Some(role) = &role {
                    need = need.tagged(&role.tags);
                }
                // The boundary is the one that is given, or else the one that the role has.
                let live = role.and_then(|role| role.boundary);
                if let Some(boundary) = input.text("PermissionsBoundary").map(str::to_owned).or(live) {
                    need = need.key("iam:PermissionsBoundary", boundary);
                }
                vec![policy.into_iter().fold(need, |need, policy| need.key("iam:PolicyARN", policy))]
            }
            (None, Some(arn)) => {
                let need = Need::new(action, arn).tagging(&given).untagging(&input.texts("TagKeys"));
                vec![match world.get::<Policy>(POLICIES, arn) {
                    Some(policy) => need.tagged(&policy.tags),
                    None => need,
                }]
            }
            (None, None) => vec![Need::anywhere(action)],
        },
    }
}

//! The bodies of CreateDomain and UpdateDomain: one lowering of the same properties.

use serde_json::Value as Json;

use super::super::ownership;
use super::super::studio::settings::{couple_portal, send_unset};
use super::super::studio::tags;
use crate::model::{Node, Observed, Path, Value};
use crate::plan::Change;

/// The body of CreateDomain: every property but those that AWS makes by itself.
pub(super) fn create(node: &Node) -> Json {
    let mut request = node.properties.to_request();
    if let Some(members) = request.as_object_mut() {
        members.remove("HomeEfsTags");
        members.remove("NfsSecurityGroupTags");
        members.insert("Tags".into(), tags::in_request(&ownership::of(&node.properties)));
    }
    request
}

/// The body of UpdateDomain: only top-level members that changed, and of the settings trees only the members that
/// changed, those in full. AWS merges, to an undocumented depth: this is right whichever it is; and it refuses some
/// members even when they say what already holds.
pub(super) fn update(node: &Node, observed: &Observed, changes: &[Change]) -> Json {
    let mut request = Value::from_iter([("DomainId", observed.id.as_str())]);
    for change in changes {
        let keys: Vec<&str> = change.path.0.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["Tags" | "HomeEfsTags" | "NfsSecurityGroupTags", ..] | [] => {}
            [top @ ("DefaultUserSettings" | "DefaultSpaceSettings" | "DomainSettings"), member, ..] => {
                let path = for_update(&Path::of([top, member]));
                if request.at(&path).is_none()
                    && let Some(whole) = node.properties.at(&Path::of([top, member]))
                {
                    request.set_at(&path, whole.clone());
                }
            }
            [top, ..] => {
                if let Some(whole) = node.properties.get(top) {
                    request.set(*top, whole.clone());
                }
            }
        }
    }
    send_unset(&mut request, changes, for_update);
    // "VpcId and Subnet IDs are required for updating domains to VpcOnly mode", and neither is for the way back:
    // https://github.com/hashicorp/terraform-provider-aws/issues/45528.
    if request.text("AppNetworkAccessType") == Some("VpcOnly") {
        for key in ["SubnetIds", "VpcId"] {
            if let Some(value) = node.properties.get(key) {
                request.set(key, value.clone());
            }
        }
    }
    if request.at(&Path::of(["DefaultUserSettings", "StudioWebPortal"])).is_some() {
        couple_portal(&mut request, node, "DefaultUserSettings");
    }
    request.to_request()
}

/// The path at which UpdateDomain takes what DescribeDomain has at `path`.
fn for_update(path: &Path) -> Path {
    let mut path = path.clone();
    if path.0.first().is_some_and(|top| top == "DomainSettings") {
        path.0[0] = "DomainSettingsForUpdate".into();
        if let Some(member) = path.0.get_mut(1).filter(|member| *member == "RStudioServerProDomainSettings") {
            member.push_str("ForUpdate");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::address;
    use super::*;

    #[test]
    fn an_update_carries_only_what_changed() {
        let node = Node::new(
            address(),
            Value::from(json!({
                "AppNetworkAccessType": "VpcOnly",
                "SubnetIds": ["a", "b"],
                "DefaultUserSettings": {"ExecutionRole": "r", "JupyterLabAppSettings": {"LifecycleConfigArns": ["x"]}},
                "DomainSettings": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"},
                "Tags": {"a": "b"},
            })),
        );
        let change = |path: Path| Change { path, before: None, after: None, source: None, unsets: false };
        let lifecycle = Path::of(["DefaultUserSettings", "JupyterLabAppSettings", "LifecycleConfigArns"]);
        let changes = [change(lifecycle), change(Path::of(["Tags", "a"]))];
        let request = update(&node, &Observed::new("d-1", Value::map()), &changes);
        let expected = json!({"DomainId": "d-1", "DefaultUserSettings": {"JupyterLabAppSettings": {"LifecycleConfigArns": ["x"]}}});
        assert_eq!(request, expected);
    }
}

//! Merging of an update into settings.
//!
//! Members that a request leaves out keep their values, and `[]` empties a list: terraform-provider-aws issue 43127 and
//! the developer guide's pages on detaching lifecycle configurations. How deep that goes inside nested structures is not
//! documented, so that it is a switch.

use serde_json::Value as Json;

use super::records::Object;

/// Depth to which members that a request leaves out keep their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// In structures of structures, too.
    Deep,
    /// Only in the settings structure itself: its members are replaced whole.
    Shallow,
}

/// The members that the text `None` clears: their patterns in the API model allow it.
const CLEARED_BY_NONE: [&str; 4] =
    ["LifecycleConfigArn", "BuiltInLifecycleConfigArn", "SageMakerImageVersionArn", "TrainingPlanArn"];

/// Changes the settings structure `current` by what a request says.
pub fn merge(current: &mut Object, change: &Object, depth: Depth) {
    for (name, value) in change {
        match (current.get_mut(name), value) {
            (Some(Json::Object(inner)), Json::Object(change)) if depth == Depth::Deep => merge(inner, change, depth),
            _ => {
                current.insert(name.clone(), value.clone());
            }
        }
    }
    clear(current);
}

/// `over` merged into a copy of `under`: what a profile's settings come to on top of its domain's.
pub fn layered(under: Option<&Json>, over: Option<&Json>) -> Object {
    let mut result = under.and_then(Json::as_object).cloned().unwrap_or_default();
    if let Some(over) = over.and_then(Json::as_object) {
        merge(&mut result, over, Depth::Deep);
    }
    result
}

/// Removes the members that are cleared, and the structures that are empty after that.
pub fn clear(settings: &mut Object) {
    settings.retain(|name, value| match value {
        Json::String(text) => text != "None" || !CLEARED_BY_NONE.contains(&name.as_str()),
        Json::Object(inner) => {
            let was_empty = inner.is_empty();
            clear(inner);
            was_empty || !inner.is_empty()
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn omitted_members_stay_and_clears_clear() {
        let now = json!({"A": {"L": ["x"], "S": {"LifecycleConfigArn": "arn:1", "InstanceType": "t"}}, "T": "on"});
        let cases = [
            (json!({}), now.clone(), now.clone()),
            (
                json!({"A": {"L": []}}),
                json!({"A": {"L": [], "S": {"LifecycleConfigArn": "arn:1", "InstanceType": "t"}}, "T": "on"}),
                json!({"A": {"L": []}, "T": "on"}),
            ),
            (
                json!({"A": {"S": {"LifecycleConfigArn": "None"}}}),
                json!({"A": {"L": ["x"], "S": {"InstanceType": "t"}}, "T": "on"}),
                json!({"T": "on"}),
            ),
            (
                json!({"A": {"S": {"LifecycleConfigArn": "arn:2"}}, "T": "None"}),
                json!({"A": {"L": ["x"], "S": {"LifecycleConfigArn": "arn:2", "InstanceType": "t"}}, "T": "None"}),
                json!({"A": {"S": {"LifecycleConfigArn": "arn:2"}}, "T": "None"}),
            ),
        ];
        for (change, deep, shallow) in cases {
            for (depth, expected) in [(Depth::Deep, &deep), (Depth::Shallow, &shallow)] {
                let mut current = now.as_object().unwrap().clone();
                merge(&mut current, change.as_object().unwrap(), depth);
                assert_eq!(&Json::Object(current), expected, "{depth:?}");
            }
        }
    }
}

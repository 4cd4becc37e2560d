//! The faults that only Studio can have, read from record `faults` of table `meta`.
//!
//! - `fail`: `{operation: reason}`, an asynchronous operation that ends badly, once;
//! - `meanwhile`: `{operation: what}`, what a user does right before it, once;
//! - `ignore-field`: paths of members that Create and Update operations accept and drop;
//! - `freeze`: statuses that never end;
//! - `rstudio-licences`: `none` where the account has none;
//! - `merge`: `shallow` makes updates replace whole members of a settings structure;
//! - `quota`: how many `domains` and `user-profiles` each account may have;
//! - `app-delete-slow`: how many seconds an app takes to stop;
//! - `update-times`, `tag-times`, `app-times`, `list-times`: what a profile's `LastModifiedTime` does that AWS does not document.

use serde_json::{Value as Json, json};

use super::life::Status;
use super::records::Object;
use crate::core::world::World;

const META: &str = "meta";
const FAULTS: &str = "faults";

/// The faults in force.
#[derive(Debug)]
pub struct StudioFaults(Json);

impl StudioFaults {
    /// The faults of `world`.
    pub fn of(world: &World) -> Self {
        Self(world.get(META, FAULTS).unwrap_or(Json::Null))
    }

    /// Returns `true` if whatever has this status keeps it.
    pub fn is_frozen(&self, status: Status) -> bool {
        self.texts("freeze").any(|frozen| frozen == status.name())
    }

    /// Returns `true` if updates replace whole members of a settings structure instead of merging into them.
    pub fn merges_shallowly(&self) -> bool {
        self.texts("merge").any(|depth| depth == "shallow")
    }

    /// Returns `true` if an update of a profile moves its `LastModifiedTime`, as the name says and nobody documents.
    pub fn updates_move_times(&self) -> bool {
        self.0.get("update-times").is_none()
    }

    /// Returns `true` if `LastModifiedTime` moves with tags: AWS documents neither way.
    pub fn tags_move_times(&self) -> bool {
        self.0.get("tag-times").is_some()
    }

    /// Returns `true` if a profile's `LastModifiedTime` moves when an app starts: AWS documents neither way.
    pub fn apps_move_times(&self) -> bool {
        self.0.get("app-times").is_some()
    }

    /// Returns `true` if lists tell times in whole seconds.
    pub fn lists_in_seconds(&self) -> bool {
        self.0.get("list-times").is_some()
    }

    /// Returns `true` if the account has no licence for RStudio.
    pub fn has_no_rstudio_licence(&self) -> bool {
        self.texts("rstudio-licences").any(|licences| licences == "none")
    }

    /// Quota of `what` in each account, if not the usual one.
    pub fn quota(&self, what: &str) -> Option<usize> {
        usize::try_from(self.0.get("quota")?.get(what)?.as_u64()?).ok()
    }

    /// Seconds that an app takes to stop, if not the usual time.
    pub fn app_deletion(&self) -> Option<i64> {
        let seconds = self.0.get("app-delete-slow")?;
        seconds.as_i64().or_else(|| seconds.as_str()?.parse().ok())
    }

    /// Drops the members of a request that AWS is to accept and forget.
    pub fn ignore_fields(&self, input: &mut Json) {
        for path in self.texts("ignore-field") {
            let names: Vec<&str> = path.split('.').collect();
            if let (Some(object), Some((last, parents))) = (input.as_object_mut(), names.split_last()) {
                drop_member(object, parents, last);
            }
        }
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let value = self.0.get(name);
        let several = value.and_then(Json::as_array).into_iter().flatten();
        several.chain(value).filter_map(Json::as_str)
    }
}

fn drop_member(object: &mut Object, parents: &[&str], name: &str) {
    match parents.split_first() {
        None => {
            object.remove(name);
        }
        Some((first, rest)) => {
            let Some(inner) = object.get_mut(*first).and_then(Json::as_object_mut) else { return };
            drop_member(inner, rest, name);
            // A structure that is empty now was never meant to be sent empty.
            if inner.is_empty() {
                object.remove(*first);
            }
        }
    }
}

/// Takes the reason why `operation` is to fail, if it is: a fault is used up by that.
pub fn take_failure(world: &mut World, operation: &str) -> Option<String> {
    let mut faults: Json = world.get(META, FAULTS)?;
    let reason = faults.get_mut("fail")?.as_object_mut()?.remove(operation)?;
    world.put(META, FAULTS, &faults);
    Some(reason.as_str().unwrap_or("InternalFailure").to_owned())
}

/// Takes the request that a user makes right before `operation`, if a fault names one: its operation and its input.
pub fn take_meanwhile(world: &mut World, operation: &str, domain: &Json) -> Option<(&'static str, Json)> {
    let mut faults: Json = world.get(META, FAULTS)?;
    let what = faults.get_mut("meanwhile")?.as_object_mut()?.remove(operation)?;
    world.put(META, FAULTS, &faults);
    let (what, whose) = what.as_str()?.split_once('@')?;
    let app = |owner: &str| json!({"DomainId": domain, owner: whose, "AppType": "JupyterLab", "AppName": "meanwhile"});
    Some(match what {
        "app" => ("CreateApp", app("UserProfileName")),
        "space-app" => ("CreateApp", app("SpaceName")),
        _ => (
            "CreateSpace",
            json!({
                "DomainId": domain, "SpaceName": "meanwhile", "OwnershipSettings": {"OwnerUserProfileName": whose},
                "SpaceSharingSettings": {"SharingType": "Private"}, "SpaceSettings": {"AppType": "JupyterLab"},
            }),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_dropped_by_path() {
        let faults = StudioFaults(json!({"ignore-field": ["A.B.C", "A.D", "E", "F.G"]}));
        let cases = [
            (json!({"A": {"B": {"C": 1, "X": 2}, "D": 3}}), json!({"A": {"B": {"X": 2}}})),
            (json!({"A": {"B": {"C": 1}, "Y": 1}}), json!({"A": {"Y": 1}})),
            (json!({"E": [1], "Z": 1}), json!({"Z": 1})),
            (json!({"F": "text"}), json!({"F": "text"})),
        ];
        for (mut input, expected) in cases {
            faults.ignore_fields(&mut input);
            assert_eq!(input, expected);
        }
    }

    #[test]
    fn a_failure_is_used_up() {
        let mut world = World::default();
        world.put(META, FAULTS, &json!({"fail": {"CreateDomain": "no"}, "merge": "shallow", "app-delete-slow": "90"}));
        assert_eq!(take_failure(&mut world, "UpdateDomain"), None);
        assert_eq!(take_failure(&mut world, "CreateDomain"), Some("no".into()));
        assert_eq!(take_failure(&mut world, "CreateDomain"), None);
        let faults = StudioFaults::of(&world);
        assert!(faults.merges_shallowly());
        assert_eq!(faults.app_deletion(), Some(90));
    }
}

//! Status machines on virtual time: an operation begins a [`Course`], and [`settle`] ends the courses that are due.
//!
//! Statuses and their order are those of the developer guide's pages on domains, user profiles and spaces (`sm-domain`)
//! and of the API model's `AppStatus`. A record knows what happens to it next and when; table [`DUE`] is only the order
//! in which to look.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::faults::{self, StudioFaults};
use super::records::{App, Domain, Living, Space, Stored, UserProfileRecord};
use crate::core::world::World;

/// Table of what is due, by moment.
const DUE: &str = "studio/due";

/// The status of a domain, user profile, space or app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Being made.
    Pending,
    /// Usable.
    InService,
    /// Being changed.
    Updating,
    /// The change failed; it may be tried again.
    #[serde(rename = "Update_Failed")]
    UpdateFailed,
    /// Making it failed.
    Failed,
    /// Going away.
    Deleting,
    /// Going away failed; it may be tried again, and nothing else.
    #[serde(rename = "Delete_Failed")]
    DeleteFailed,
    /// Gone but still listed, which only apps are.
    Deleted,
}

impl Status {
    /// The status as the API spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::Updating => "Updating",
            Self::UpdateFailed => "Update_Failed",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
            Self::DeleteFailed => "Delete_Failed",
            Self::Deleted => "Deleted",
        }
    }

    /// Returns `true` if something is under way, so that nothing else may begin.
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Pending | Self::Updating | Self::Deleting)
    }
}

/// The status of a record, and what will become of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Life {
    /// The status now.
    pub status: Status,
    /// Why it failed.
    pub failure: Option<String>,
    /// Virtual milliseconds.
    pub created: i64,
    /// Virtual milliseconds.
    pub modified: i64,
    /// What happens next.
    pub next: Option<NextStatus>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// The next change of a record's status, and its moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NextStatus {
    /// Virtual milliseconds.
    pub at: i64,
    /// What happens.
    pub then: Then,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// The end of a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// The record gets this status.
    Become(Status),
    /// The record is gone.
    Vanish,
}

impl Life {
    /// A life that begins now.
    pub fn new(world: &World, tags: BTreeMap<String, String>) -> Self {
        let now = world.now();
        Self { status: Status::Pending, failure: None, created: now, modified: now, next: None, tags }
    }
}

/// Course of an asynchronous operation, from its first status to its last.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// The operation's name, as a fault names it.
    pub operation: &'static str,
    /// The status while it lasts.
    pub during: Status,
    /// How long it lasts, in virtual milliseconds.
    pub lasts: i64,
    /// How it ends.
    pub then: Then,
    /// The status if it fails.
    pub failed: Status,
}

const fn course(operation: &'static str, during: Status, seconds: i64, then: Then, failed: Status) -> Course {
    Course { operation, during, lasts: seconds * 1000, then, failed }
}

const READY: Then = Then::Become(Status::InService);

// The durations are inferred: AWS publishes none. They keep the whole tests of terraform-provider-aws plausible (create,
// read and delete of a domain in 229 to 291 s, pull requests 16077 and 34729; with an app 443 to 556 s, 21508).

/// Course of making a domain.
pub const CREATE_DOMAIN: Course = course("CreateDomain", Status::Pending, 150, READY, Status::Failed);
/// Course of changing a domain.
pub const UPDATE_DOMAIN: Course = course("UpdateDomain", Status::Updating, 25, READY, Status::UpdateFailed);
/// Course of deleting a domain.
pub const DELETE_DOMAIN: Course = course("DeleteDomain", Status::Deleting, 75, Then::Vanish, Status::DeleteFailed);
/// Making a user profile.
pub const CREATE_USER_PROFILE: Course = course("CreateUserProfile", Status::Pending, 15, READY, Status::Failed);
/// Changing a user profile.
pub const UPDATE_USER_PROFILE: Course = course("UpdateUserProfile", Status::Updating, 8, READY, Status::UpdateFailed);
/// Deleting a user profile.
pub const DELETE_USER_PROFILE: Course =
    course("DeleteUserProfile", Status::Deleting, 10, Then::Vanish, Status::DeleteFailed);
/// Course of making a space.
pub const CREATE_SPACE: Course = course("CreateSpace", Status::Pending, 5, READY, Status::Failed);
/// Course of changing a space.
pub const UPDATE_SPACE: Course = course("UpdateSpace", Status::Updating, 5, READY, Status::UpdateFailed);
/// Course of deleting a space.
pub const DELETE_SPACE: Course = course("DeleteSpace", Status::Deleting, 10, Then::Vanish, Status::DeleteFailed);
/// Course of starting an app.
pub const CREATE_APP: Course = course("CreateApp", Status::Pending, 150, READY, Status::Failed);
/// Stopping an app. The API has no status for an app that failed to stop but `Failed`.
pub const DELETE_APP: Course = course("DeleteApp", Status::Deleting, 45, Then::Become(Status::Deleted), Status::Failed);

/// Kind of a record that is due.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum LifeKind {
    /// A [`Domain`].
    Domain,
    /// A [`UserProfileRecord`].
    UserProfile,
    /// A [`Space`].
    Space,
    /// An [`App`].
    App,
}

#[derive(Debug, Serialize, Deserialize)]
struct Due {
    at: i64,
    kind: LifeKind,
    key: String,
}

/// Begins a course; whether it will end well. A fault for the operation, or a `reason` of its own, makes it fail.
///
/// The caller writes the record.
pub fn begin<R: Living>(world: &mut World, record: &mut R, course: &Course, reason: Option<String>) -> bool {
    let failure = reason.or_else(|| faults::take_failure(world, course.operation));
    let then = if failure.is_some() { Then::Become(course.failed) } else { course.then };
    let ends_well = failure.is_none();
    let now = world.now();
    let life = record.life_mut();
    life.status = course.during;
    life.failure = None;
    life.modified = now;
    schedule(world, record, NextStatus { at: now + course.lasts, then, failure });
    ends_well
}

/// Sets down what happens to a record next.
pub fn schedule<R: Living>(world: &mut World, record: &mut R, next: NextStatus) {
    let due = Due { at: next.at, kind: R::KIND, key: record.key() };
    record.life_mut().next = Some(next);
    world.put(DUE, &format!("{:015} {} {}", due.at, R::TABLE, due.key), &due);
}

/// Lets everything happen that is due by now, in the order of time.
pub fn settle(world: &mut World) {
    loop {
        let now = world.now();
        let due = world.list::<Due>(DUE, "").into_iter().take_while(|(_, due)| due.at <= now);
        let mut happened = false;
        for (entry, due) in due.collect::<Vec<_>>() {
            let ended = match due.kind {
                LifeKind::Domain => end::<Domain>(world, &due),
                LifeKind::UserProfile => end::<UserProfileRecord>(world, &due),
                LifeKind::Space => end::<Space>(world, &due),
                LifeKind::App => end::<App>(world, &due),
            };
            if ended {
                world.remove(DUE, &entry);
                happened = true;
            }
        }
        // An end may be the beginning of something else that is due by now, too: a deleted app is forgotten a day later.
        if !happened {
            return;
        }
    }
}

/// Ends a course; whether it is off the list. A frozen one stays on it.
fn end<R: Living + Stored>(world: &mut World, due: &Due) -> bool {
    let Some(mut record) = world.get::<R>(R::TABLE, &due.key) else { return true };
    if StudioFaults::of(world).is_frozen(record.life().status) {
        return false;
    }
    let Some(next) = record.life_mut().next.take_if(|next| next.at == due.at) else { return true };
    match next.then {
        Then::Become(status) => {
            let is_still = !StudioFaults::of(world).updates_move_times();
            let life = record.life_mut();
            let was = std::mem::replace(&mut life.status, status);
            life.failure = next.failure;
            if was != Status::Updating || !is_still {
                life.modified = due.at;
            }
            record.reached(world, due.at);
            world.put(R::TABLE, &due.key, &record);
        }
        Then::Vanish => {
            world.remove(R::TABLE, &due.key);
            record.gone(world, due.at);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::TestAccount;
    use super::*;

    #[test]
    fn statuses_are_spelt_as_on_the_wire() {
        let all = [
            Status::Pending,
            Status::InService,
            Status::Updating,
            Status::UpdateFailed,
            Status::Failed,
            Status::Deleting,
            Status::DeleteFailed,
            Status::Deleted,
        ];
        for status in all {
            assert_eq!(serde_json::to_value(status).unwrap(), json!(status.name()));
        }
    }

    #[test]
    fn a_course_ends_on_time_and_not_before() {
        let mut account = TestAccount::new();
        let domain = account.domain(json!({}));
        let steps = [(0, "Pending"), (149_999, "Pending"), (1, "InService"), (1_000_000, "InService")];
        for (milliseconds, expected) in steps {
            account.world.advance(milliseconds);
            assert_eq!(account.domain_status(&domain), expected);
        }
        assert!(account.world.list::<Due>(DUE, "").is_empty());
    }

    #[test]
    fn what_is_frozen_stays_until_it_thaws() {
        let mut account = TestAccount::new();
        account.world.put("meta", "faults", &json!({"freeze": ["Pending"]}));
        let domain = account.domain(json!({}));
        account.world.advance(1_000_000);
        assert_eq!(account.domain_status(&domain), "Pending");
        account.world.put("meta", "faults", &json!({}));
        assert_eq!(account.domain_status(&domain), "InService");
    }

    #[test]
    fn a_fault_fails_one_course() {
        let mut account = TestAccount::new();
        account.world.put("meta", "faults", &json!({"fail": {"CreateDomain": "InternalFailure"}}));
        let first = account.domain(json!({}));
        account.world.advance(150_000);
        let described = account.ok("DescribeDomain", json!({"DomainId": first}));
        assert_eq!(described["Status"], "Failed");
        assert_eq!(described["FailureReason"], "InternalFailure");
        account.ok("DeleteDomain", json!({"DomainId": first}));
        account.world.advance(75_000);
        let second = account.domain(json!({}));
        account.world.advance(150_000);
        assert_eq!(account.domain_status(&second), "InService");
    }
}

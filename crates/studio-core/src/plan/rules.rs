//! Rules of a kind, and the options that a user gives.

use std::collections::BTreeSet;

use globset::Glob;

use super::{Outline, Watched};
use crate::hint::Hint;
use crate::model::{Address, Kind, Node, Observed, Path, Value};

/// Effect of changing a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// By an update, at any time.
    InPlace,
    /// By an update that AWS refuses while these apps run.
    AppsStopped(Apps),
    /// Only by deleting and making again; what that would lose.
    Immutable(&'static str),
}

/// Apps that stand in the way of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apps {
    /// Every one that runs, starts or is going away.
    Live,
    /// Apps that run or start.
    Active,
    /// Of these, the ones that belong to one user.
    Private,
    /// Of these, the ones in spaces that users share.
    Shared,
}

/// Way to unset a property that earlier applies have set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unset {
    /// By sending this value.
    Send(Value),
    /// By leaving it out: the update sends the whole.
    Omit,
    /// Not at all: the API keeps what it has.
    Impossible,
}

/// Meaning of removing an object from the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Goes.
    Delete,
    /// Goes, since somebody has asked for just that, and data with it.
    Requested {
        /// What is lost, for people.
        loses: String,
    },
    /// Goes, since nobody ever used it.
    Unused {
        /// What it was for, for people.
        why: String,
    },
    /// Goes only with this consent, because of what is lost with it.
    NeedsConsent {
        /// What is lost, for people.
        loses: String,
    },
    /// Stays for the data in it; what it is, for people, and how to remove it. The properties that go nevertheless.
    Retain {
        /// For people.
        why: String,
        /// Removed from the retained object all the same (a key's alias).
        drops: Vec<Path>,
        /// The command that deletes it later.
        later: Option<Hint>,
    },
}

/// Rules of a kind: pure, and written in the kind's own file.
pub trait Rules {
    /// The effect of changing the property at `path`.
    fn effect(&self, path: &Path, before: Option<&Value>, after: Option<&Value>) -> Effect {
        let _ = (path, before, after);
        Effect::InPlace
    }

    /// The way to unset the property at `path`, live now.
    fn unset(&self, path: &Path, live: &Value) -> Unset {
        let _ = (path, live);
        Unset::Omit
    }

    /// Returns `true` if two values of the property at `path` mean the same although they differ as text.
    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        let _ = path;
        desired.same(live)
    }

    /// Returns `true` if a change of `other` makes sense only together with one of `left_out`.
    fn goes_with(&self, left_out: &Path, other: &Path) -> bool {
        let _ = (left_out, other);
        false
    }

    /// Findings on a thing of ours that `node` says nothing about, and that open access, expose or lose data.
    /// Outputs of other nodes are filled in as far as they are known.
    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        let _ = (observed, node);
        Vec::new()
    }

    /// The finding about a thing that somebody else put beside ours, when that is watched.
    fn stranger(&self, observed: &Observed) -> Option<Watched> {
        let _ = observed;
        None
    }

    /// The outline of what is to be made: its name in the account, and the one to six properties that a reviewer must know.
    fn outline(&self, node: &Node) -> Outline {
        let _ = node;
        Outline::default()
    }

    /// Fate of the data beside an object that is deleted for good.
    fn deletion_policy(&self, retention: &Retention) -> DeletionPolicy {
        let _ = retention;
        DeletionPolicy::Retain
    }

    /// The meaning of removing `observed`.
    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        let _ = (observed, retention);
        Removal::Delete
    }
}

/// Look-up of the rules of a kind.
pub type RulesOf<'a> = &'a dyn Fn(Kind) -> &'static dyn Rules;

/// Retention of what holds data when it is no longer wanted: what nobody says anything of stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The home file system, with the domain.
    pub delete_home_efs: Option<bool>,
    /// The bucket, with everything in it.
    pub delete_bucket: Option<bool>,
    /// The key, whose deletion is scheduled.
    pub delete_kms_key: Option<bool>,
}

impl Retention {
    /// The same retention, with `other` where this says nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            delete_home_efs: self.delete_home_efs.or(other.delete_home_efs),
            delete_bucket: self.delete_bucket.or(other.delete_bucket),
            delete_kms_key: self.delete_kms_key.or(other.delete_kms_key),
        }
    }
}

/// Fate of data that lies beside an object when that is deleted, such as a domain's home file system.
///
/// CloudFormation's word: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The data stays.
    #[default]
    Retain,
    /// The data goes with the object.
    Delete,
}

/// The part of a plan that is to be done, by globs of addresses; all of it when there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only what fits, and what that waits for.
    pub target: Vec<Glob>,
    /// Nothing that fits, nor what waits for it.
    pub exclude: Vec<Glob>,
}

impl Selection {
    /// Returns `true` if there is any.
    pub fn is_empty(&self) -> bool {
        self.target.is_empty() && self.exclude.is_empty()
    }
}

/// Consent and wishes of the user for this plan.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Everything goes: `destroy`.
    pub destroy: bool,
    /// What happens to what holds data.
    pub retention: Retention,
    /// User profiles that may be deleted, by address name.
    pub allow_profile_delete: BTreeSet<String>,
    /// Nodes that may be replaced.
    pub allow_replace: BTreeSet<Address>,
    /// Take over what carries this deployment's own `mdaa_*` tags.
    pub adopt: bool,
    /// Take over these even though nothing tags them.
    pub adopt_addresses: BTreeSet<Address>,
    /// Delete the apps that stand in the way of a change, or of a profile or domain that goes.
    pub stop_apps: bool,
    /// Delete the apps, the spaces and other people's profiles that stand in the way of a profile or domain that goes.
    pub drain: bool,
    /// What is to be done, of all that differs.
    pub selection: Selection,
    /// The config says that nothing may be destroyed, nor the domain replaced.
    pub protect: bool,
    /// Leave out what is blocked, of a step too of which the rest may happen.
    pub skip_blocked: bool,
    /// Take back what was found on these, of all that is watched.
    pub mend: BTreeSet<Address>,
    /// Read everything, whatever the record's fingerprints say.
    pub refresh: bool,
}

impl Options {
    /// Returns `true` if everything is read in full: on request, and wherever something is deleted or taken over for good.
    pub fn reads_everything(&self) -> bool {
        self.refresh || self.destroy || self.adopt || !self.adopt_addresses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_first_holds_and_the_rest_is_filled_in() {
        let all = |home, bucket, key| Retention { delete_home_efs: home, delete_bucket: bucket, delete_kms_key: key };
        let (yes, no) = (Some(true), Some(false));
        for (name, first, then, expected) in [
            ("nothing and nothing", all(None, None, None), all(None, None, None), all(None, None, None)),
            ("nothing and something", all(None, None, None), all(yes, no, yes), all(yes, no, yes)),
            ("something and nothing", all(no, yes, no), all(None, None, None), all(no, yes, no)),
            ("something and something else", all(no, yes, no), all(yes, no, yes), all(no, yes, no)),
            ("each by itself", all(no, None, None), all(yes, no, None), all(no, no, None)),
        ] {
            assert_eq!(first.or(then), expected, "{name}");
        }
    }

    #[test]
    fn a_selection_is_empty_without_any_glob() {
        let glob = || vec![Glob::new("domain.*").expect("a glob")];
        for (target, exclude, expected) in
            [(vec![], vec![], true), (glob(), vec![], false), (vec![], glob(), false), (glob(), glob(), false)]
        {
            assert_eq!(Selection { target, exclude }.is_empty(), expected);
        }
    }

    #[test]
    fn a_kind_that_says_nothing_changes_in_place_and_goes() {
        struct Silent;
        impl Rules for Silent {}
        let (path, live) = (Path::of(["A"]), Value::from("a"));
        let observed = Observed::new("id", Value::map());
        assert_eq!(Silent.effect(&path, None, Some(&live)), Effect::InPlace);
        assert_eq!(Silent.unset(&path, &live), Unset::Omit);
        assert_eq!(Silent.removal(&observed, &Retention::default()), Removal::Delete);
        assert!(Silent.same(&path, &vec!["a", "b"].into(), &vec!["b", "a"].into()));
        assert!(!Silent.same(&path, &"a".into(), &"b".into()) && !Silent.goes_with(&path, &path));
        assert!(Silent.watch(&observed, None).is_empty() && Silent.stranger(&observed).is_none());
    }
}

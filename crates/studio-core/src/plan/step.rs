//! What happens to one address, and all of them together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Change, Omitted, Record, Watched};
use crate::hint::Hint;
use crate::model::{Address, Deployment, Node, Observed, Path, Source};

/// What happens to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is as it should be.
    Keep,
    /// It is taken over, and changed where it differs.
    Adopt,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Delete,
    /// It is no longer wanted, but kept for the data in it.
    Retain,
}

impl Action {
    /// The sign in front of the address in every view.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Keep | Self::Retain => " ",
            Self::Adopt => "<-",
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "-/+",
            Self::Delete => "-",
        }
    }

    /// Whether doing it changes the account.
    pub const fn is_change(self) -> bool {
        !matches!(self, Self::Keep | Self::Retain)
    }
}

/// Why a step may not happen, and what would let it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// What stands in the way, for people.
    pub why: String,
    /// The next thing to do about it, for people.
    pub hint: String,
    /// Whether a look at what the plan relies on found it, rather than a rule about what may happen.
    pub is_failed_check: bool,
}

impl Blocked {
    /// What a rule forbids.
    pub fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: hint.into(), is_failed_check: false }
    }
}

/// One address and what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is.
    pub address: Address,
    /// What happens.
    pub action: Action,
    /// What it should be; none when it goes. Outputs that are known are filled in.
    pub node: Option<Node>,
    /// What it is now; none when there is nothing.
    pub observed: Option<Observed>,
    /// What differs.
    pub changes: Vec<Change>,
    /// Why, for people.
    pub reason: String,
    /// Set when it may not happen.
    pub blocked: Option<Blocked>,
    /// Steps that must be done first.
    pub waits_for: BTreeSet<Address>,
    /// What deletes later what is retained now.
    pub later: Option<Hint>,
    /// The YAML place to look at, where neither a change nor the node has the right one: of what is no longer in the
    /// config, or of what a check found.
    pub place: Option<Source>,
}

impl Step {
    /// The YAML place that causes the step: the first changed property's, else the node's own.
    pub fn source(&self) -> Option<&Source> {
        let changed = self.changes.iter().find_map(|change| change.source.as_ref());
        let own = || self.node.as_ref().and_then(|node| node.source(&Path::default()));
        self.place.as_ref().or(changed).or_else(own)
    }

    /// Whether it stays although nothing wants it any more, for the data in it.
    pub fn is_retained(&self) -> bool {
        self.action == Action::Retain || self.action == Action::Update && self.node.is_none()
    }

    /// Whether this step will be executed.
    pub fn runs(&self) -> bool {
        self.action.is_change() && self.blocked.is_none()
    }
}

/// Something to know before applying, that no step says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What it is about, when it is about one address.
    pub address: Option<Address>,
    /// For people.
    pub message: String,
}

/// What will be done, in order, and what may not be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For which environment.
    pub deployment: Deployment,
    /// For display only: whether everything goes.
    pub destroy: bool,
    /// Every address, in the order of execution.
    pub steps: Vec<Step>,
    /// What else there is to know.
    pub notices: Vec<Notice>,
    /// What could not be compared, and why: a notice says so too.
    pub unread: Vec<(Address, String)>,
    /// What was found of all that is watched, and stays as it is: no step says anything of it.
    pub watched: Vec<(Address, Watched)>,
    /// What is watched and could not be looked at, and why: a notice says so too.
    pub unwatched: Vec<(Address, String)>,
    /// What was to be mended, and is nowhere.
    pub unmatched: Vec<Address>,
    /// Whether what is blocked is left out and the rest is done.
    pub skips_blocked: bool,
    /// What steps do not do of all that the config asks for, since it is blocked or needed by what is; a notice says why.
    pub left_out: BTreeMap<Address, Vec<Change>>,
    /// What is left out because it was not selected.
    pub omitted: Option<Box<Omitted>>,
    /// What the record says once everything is done; none when nothing is left to record.
    pub record: Option<Record>,
    /// What the record says now.
    pub recorded: Option<Record>,
}

impl Plan {
    /// Whether nothing has to be done: the only definition of "no changes".
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| !step.action.is_change()) && self.record == self.recorded
    }

    /// Whether something that the config asks for is not done by this plan: it is blocked, or left out.
    pub fn is_partial(&self) -> bool {
        !self.left_out.is_empty() || self.blocked().next().is_some()
    }

    /// Whether the account is not as the config says, whether or not this plan may mend it, or something was found that
    /// is watched.
    pub fn differs(&self) -> bool {
        !self.is_empty() || self.is_partial() || self.omitted.is_some() || !self.watched.is_empty()
    }

    /// The steps that may not happen.
    pub fn blocked(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.blocked.is_some())
    }

    /// The addresses of which something is left out because it was not selected.
    pub fn omitted(&self) -> impl Iterator<Item = &Address> {
        self.omitted.iter().flat_map(|omitted| omitted.addresses())
    }

    /// A digest of everything that the config asks for, whatever part of it is done.
    pub fn config_digest(&self) -> Option<&str> {
        match &self.omitted {
            Some(omitted) => omitted.config_digest.as_deref(),
            None => self.record.as_ref().map(|record| record.config_digest.as_str()),
        }
    }

    /// How many steps there are of `action`.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// The step of `address`.
    pub fn step(&self, address: &Address) -> Option<&Step> {
        self.steps.iter().find(|step| step.address == *address)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Situation, address, step};
    use super::*;
    use crate::model::{Owner, State};

    #[test]
    fn only_keeping_and_retaining_change_nothing() {
        for (action, symbol, is_change) in [
            (Action::Keep, " ", false),
            (Action::Retain, " ", false),
            (Action::Adopt, "<-", true),
            (Action::Create, "+", true),
            (Action::Update, "~", true),
            (Action::Replace, "-/+", true),
            (Action::Delete, "-", true),
        ] {
            assert_eq!((action.symbol(), action.is_change()), (symbol, is_change), "{action:?}");
        }
    }

    #[test]
    fn a_step_runs_if_it_changes_something_and_may() {
        let scene = Situation::default()
            .wants("domain.d", json!({"Plain": "b"}))
            .has("domain.d", json!({"Plain": "a"}))
            .keeps("bucket.kept", json!({"Plain": "a"}))
            .wants("kms_key.k", json!({"Plain": "a"}))
            .has_in(State::Disabled, "kms_key.k", json!({"Plain": "a"}))
            .has("bucket.b", json!({"Removal": "bucket"}))
            .has("user_profile.ann", json!({"Removal": "guarded"}))
            .has("parameter.p", json!({"Alias": "a", "Removal": "all but alias"}));
        let plan = scene.plan("");
        for (at, runs, is_retained) in [
            ("domain.d", true, false),
            ("bucket.kept", false, false),
            ("kms_key.k", false, false),
            ("bucket.b", false, true),
            ("user_profile.ann", false, false),
            ("parameter.p", true, true),
        ] {
            assert_eq!((step(&plan, at).runs(), step(&plan, at).is_retained()), (runs, is_retained), "{at}");
        }
        let counts =
            [Action::Keep, Action::Update, Action::Delete, Action::Retain, Action::Create].map(|a| plan.count(a));
        assert_eq!(counts, [2, 2, 1, 1, 0]);
        assert_eq!(plan.blocked().count(), 2);
        assert!(plan.step(&address("app.a")).is_none());
    }

    #[test]
    fn a_step_stands_where_its_change_does() {
        let place = |line| Source { file: "other.yaml".into(), line, column: 1 };
        let scene = Situation::default()
            .wants("domain.d", json!({"Other": "a", "Plain": "b"}))
            .has("domain.d", json!({"Other": "a", "Plain": "a"}))
            .wants("bucket.new", json!({"Plain": "a"}))
            .has("parameter.old", json!({}))
            .foreign(Owner::Unknown, "bucket.new", json!({"Plain": "x"}));
        let plan = scene.plan("");
        for (at, line) in [("domain.d", Some(3)), ("bucket.new", Some(1)), ("parameter.old", None)] {
            assert_eq!(step(&plan, at).source().map(|source| source.line), line, "{at}");
            let placed = Step { place: Some(place(9)), ..step(&plan, at).clone() };
            assert_eq!(placed.source(), Some(&place(9)), "{at}: a check knows better");
        }
    }

    #[test]
    fn a_plan_of_a_part_knows_what_the_whole_asks_for() {
        let scene =
            Situation::default().wants("domain.d", json!({"Plain": "a"})).wants("bucket.b", json!({"Plain": "a"}));
        let (whole, part) = (scene.plan(""), scene.plan("target=bucket.b"));
        assert!(whole.config_digest().is_some());
        assert_eq!(part.config_digest(), whole.config_digest());
        assert_eq!((whole.omitted().count(), part.omitted().count()), (0, 1));
        assert!(part.differs() && !part.is_partial());
        assert_eq!(Situation::default().plan("destroy").config_digest(), None);
    }
}

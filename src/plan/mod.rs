//! The difference between what should exist and what does, ordered: pure, and the only place where anything is decided.
//!
//! [`plan`] takes the graph, the snapshot, the record of what earlier applies have managed, and what the user allows.
//! Nothing is left to decide while executing: what may not happen stands in the plan as [`Step::blocked`].

mod apps;
mod diff;
mod record;
mod removal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use diff::{Change, changes, is_blank};
pub use record::{AssetDigest, PathSet, Record};

use crate::model::{
    Address, Deployment, Found, Graph, Kind, Node, Observed, Owner, Path, Snapshot, Source, State, Value,
};

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

/// How a property can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// By an update, at any time.
    InPlace,
    /// By an update that AWS refuses while these apps run.
    AppsStopped(Apps),
    /// Only by deleting and making again; what that would lose.
    Immutable(&'static str),
}

/// Which apps stand in the way of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apps {
    /// Every one that runs, starts or is going away.
    Live,
    /// Those that run or start.
    Active,
    /// Of these, the ones that belong to one user.
    Private,
    /// Of these, the ones in spaces that users share.
    Shared,
}

/// How a property that earlier applies have set can be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unset {
    /// By sending this value.
    Send(Value),
    /// By leaving it out: the update sends the whole.
    Omit,
    /// Not at all: the API keeps what it has.
    Impossible,
}

/// What removing an object from the account means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It goes.
    Delete,
    /// It goes, since somebody has asked for just that, and data with it.
    Asked {
        /// What is lost, for people.
        loses: String,
    },
    /// It goes only with this consent, because of what is lost with it.
    Guarded {
        /// What is lost, for people.
        loses: String,
    },
    /// It stays for the data in it; what it is and how to remove it, for people. The properties that go nevertheless.
    Retain {
        /// For people.
        why: String,
        /// Removed from the retained object all the same (a key's alias).
        drops: Vec<Path>,
    },
}

/// What is decided about a kind by rule: pure, and written in the kind's own file.
pub trait Rules {
    /// How the property at `path` can be changed.
    fn effect(&self, path: &Path, before: Option<&Value>, after: Option<&Value>) -> Effect {
        let _ = (path, before, after);
        Effect::InPlace
    }

    /// How the property at `path`, live now, can be taken back.
    fn unset(&self, path: &Path, live: &Value) -> Unset {
        let _ = (path, live);
        Unset::Omit
    }

    /// Whether two values of the property at `path` mean the same although they differ as text.
    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        let _ = path;
        desired.same(live)
    }

    /// What removing `observed` means.
    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        let _ = (observed, retention);
        Removal::Delete
    }
}

/// What happens to what holds data when it is no longer wanted: whether it goes; what nobody says anything of stays.
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
    /// This, and `other` where this says nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            delete_home_efs: self.delete_home_efs.or(other.delete_home_efs),
            delete_bucket: self.delete_bucket.or(other.delete_bucket),
            delete_kms_key: self.delete_kms_key.or(other.delete_kms_key),
        }
    }
}

/// What the user allows and wants of this plan.
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
    /// Delete the apps that stand in the way of a change.
    pub stop_apps: bool,
    /// Delete the apps and spaces that stand in the way of a destroy.
    pub drain: bool,
    /// The config says that nothing may be destroyed, nor the domain replaced.
    pub protect: bool,
    /// Leave out what is blocked, of a step too of which the rest may happen.
    pub skip_blocked: bool,
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
    /// What could not be looked at, and why.
    pub unread: Vec<(Address, String)>,
    /// Steps that do not do all that the config asks for, since a part of it is blocked; a notice says which.
    pub left_out: BTreeSet<Address>,
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

    /// The steps that may not happen.
    pub fn blocked(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.blocked.is_some())
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

/// Two nodes that wait for each other: a bug of the graph, since a config cannot say such a thing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} waits for itself by way of other nodes: this is a bug in studio-deploy")]
pub struct Cycle(pub Address);

/// Decides everything.
///
/// # Errors
/// [`Cycle`] when nodes wait for each other.
pub fn plan(
    deployment: &Deployment,
    graph: &Graph,
    snapshot: &Snapshot,
    recorded: Option<Record>,
    rules: &dyn Fn(Kind) -> &'static dyn Rules,
    options: &Options,
) -> Result<Plan, Cycle> {
    let order = order(graph)?;
    let mut notices = Vec::new();
    let mut steps = Vec::new();
    let mut settled: BTreeMap<Address, Settled> = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    let mut replaced = BTreeMap::new();
    let known = Known { snapshot, recorded: recorded.as_ref(), going: going(graph, snapshot) };
    for address in &order {
        let node = &graph[address];
        let rules = rules(address.kind);
        let mut step = step(deployment, node, &known, &settled, rules, options, &mut notices);
        if let Some(notice) = apps::keep_immutable(&mut step, rules, options) {
            left_out.insert(address.clone());
            notices.push(notice);
        }
        follow(&mut step, &replaced, rules);
        if step.action == Action::Replace {
            protect(&mut step, options);
            replaced.insert(address.clone(), step.blocked.clone());
        }
        settled.insert(address.clone(), Settled::of(&step));
        steps.push(step);
    }
    for notice in apps::block(&mut steps, snapshot, rules, options) {
        left_out.extend(notice.address.clone());
        notices.push(notice);
    }
    removal::add(&mut steps, graph, snapshot, rules, options, &mut notices);
    apps::keep_in_use(&mut steps, &left_out);
    let record = record::next(graph, recorded.as_ref(), &steps, options.destroy);
    let unread = snapshot.iter().filter_map(|(address, found)| match found {
        Found::Unreadable(why) => Some((address.clone(), why.clone())),
        _ => None,
    });
    let unread = unread.collect();
    let deployment = deployment.clone();
    Ok(Plan { deployment, destroy: options.destroy, steps, notices, unread, left_out, record, recorded })
}

/// What later nodes may know of an earlier one.
enum Settled {
    /// It stays the object that it is, with these outputs.
    Stays(BTreeMap<String, String>),
    /// It is made, or made again: nothing is known.
    Unknown,
}

impl Settled {
    fn of(step: &Step) -> Self {
        match (&step.observed, step.action) {
            (Some(observed), Action::Keep | Action::Adopt | Action::Update) => Self::Stays(observed.outputs.clone()),
            _ => Self::Unknown,
        }
    }
}

/// What is known of the account.
struct Known<'a> {
    snapshot: &'a Snapshot,
    recorded: Option<&'a Record>,
    /// The ARNs of lifecycle configs of ours that go.
    going: BTreeSet<&'a str>,
}

impl Known<'_> {
    /// The paths of a live object that are ours to take back: what the record says, and what names something of ours that
    /// goes, which it cannot outlive. So a lost record leaves no app without the script that it starts with.
    fn managed(&self, observed: &Observed) -> Vec<Path> {
        let goes = |value: &Value| value.as_str().is_some_and(|text| self.going.contains(text));
        let names = |value: &Value| match value {
            Value::List(items) => !items.is_empty() && items.iter().all(goes),
            value => goes(value),
        };
        let leaves = observed.properties.leaves();
        leaves.into_iter().filter(|(_, value)| names(value)).map(|(path, _)| path).collect()
    }
}

fn going<'a>(graph: &Graph, snapshot: &'a Snapshot) -> BTreeSet<&'a str> {
    let going = snapshot
        .iter()
        .filter(|(address, _)| address.kind == Kind::LifecycleConfig && !graph.contains_key(*address))
        .filter_map(|(_, found)| found.ours()?.outputs.get("Arn"));
    going.map(String::as_str).collect()
}

fn step(
    deployment: &Deployment,
    node: &Node,
    known: &Known<'_>,
    settled: &BTreeMap<Address, Settled>,
    rules: &dyn Rules,
    options: &Options,
    notices: &mut Vec<Notice>,
) -> Step {
    let address = &node.address;
    // What is known of a live object does not make its changes unnecessary: whatever builds on it waits for them.
    let waits_for = node.dependencies().into_iter().cloned().collect();
    let mut node = node.clone();
    node.properties = node.properties.resolve(&|of, attribute| match settled.get(of) {
        Some(Settled::Stays(outputs)) => outputs.get(attribute).cloned(),
        _ => None,
    });
    let mut step = Step {
        address: address.clone(),
        action: Action::Keep,
        node: None,
        observed: None,
        changes: Vec::new(),
        reason: String::new(),
        blocked: None,
        waits_for,
        place: None,
    };
    match known.snapshot.get(address).unwrap_or(&Found::Absent) {
        Found::Absent => {
            step.action = Action::Create;
            step.reason = "it does not exist yet".into();
            if let Some((old, observed)) = superseded(address, known.snapshot) {
                step.reason = format!("it takes the place of {old}");
                // What the YAML says nothing about, such as a name that follows from the content, is no news.
                step.changes = changes(&node, observed, &[], rules, &mut Vec::new());
                step.changes.retain(|change| node.sources.contains_key(&change.path));
            }
        }
        Found::Unreadable(why) => {
            step.blocked = Some(Blocked::new(
                format!("it could not be read: {why}"),
                "`studio-deploy permissions` prints what a plan needs to read",
            ));
        }
        Found::Foreign { owner, observed } => {
            let adopted = match owner {
                Owner::Mdaa { .. } | Owner::MdaaByName => options.adopt || options.adopt_addresses.contains(address),
                owner => owner.may_yield() && options.adopt_addresses.contains(address),
            };
            step.observed.clone_from(observed);
            match observed {
                Some(observed) if adopted => {
                    step.changes = changes(&node, observed, &[], rules, notices);
                    step.action = Action::Adopt;
                    step.reason = match owner {
                        Owner::Mdaa { stack: Some(stack) } => format!("MDAA's stack {stack} made it"),
                        Owner::Mdaa { stack: None } => "MDAA made it".into(),
                        Owner::MdaaByName => "its name is MDAA's, and it has no tags".into(),
                        _ => "you named it".into(),
                    };
                    judge(&mut step, observed, rules, options);
                }
                _ => step.blocked = Some(foreign(address, owner, deployment)),
            }
        }
        Found::Ours(observed) => {
            step.observed = Some(observed.clone());
            judge_state(&mut step, observed);
            if matches!(step.action, Action::Keep | Action::Update) && step.blocked.is_none() {
                let mut managed = known.recorded.map_or(&[][..], |record| record.paths(address)).to_vec();
                managed.extend(known.managed(observed));
                managed.sort();
                managed.dedup();
                step.changes = changes(&node, observed, &managed, rules, notices);
                if !step.changes.is_empty() {
                    if step.action == Action::Keep {
                        step.action = Action::Update;
                        step.reason = "it differs".into();
                    }
                    judge(&mut step, observed, rules, options);
                } else if let State::UpdateFailed(reason) = &observed.state {
                    step.action = Action::Update;
                    step.reason = format!("its last update failed: {reason}");
                }
            }
        }
    }
    step.node = Some(node);
    step
}

/// The earlier object that a new one takes the place of, when there is just one: `lifecycle_config.kernel@<hash>`.
fn superseded<'a>(address: &Address, snapshot: &'a Snapshot) -> Option<(&'a Address, &'a Observed)> {
    let prefix = format!("{}@", address.name);
    let mut older = snapshot.iter().filter_map(|(other, found)| {
        (other.kind == address.kind && other.name.starts_with(&prefix)).then(|| Some((other, found.ours()?))).flatten()
    });
    let first = older.next();
    if older.next().is_some() { None } else { first }
}

/// What the state of the live object says before its properties are looked at.
fn judge_state(step: &mut Step, observed: &Observed) {
    match &observed.state {
        State::Usable | State::UpdateFailed(_) => {}
        // The apply waits for it, then looks again; what differs now may be a change on its way.
        State::Busy(status) if status == "Deleting" => {
            step.action = Action::Replace;
            step.reason = "it is being deleted".into();
        }
        State::Busy(status) => {
            step.action = Action::Update;
            step.reason = format!("it is {status}");
        }
        State::Failed(reason) => {
            step.action = Action::Replace;
            step.reason = format!("AWS could not make it: {reason}");
        }
        State::DeleteFailed(reason) => {
            step.action = Action::Replace;
            step.reason = format!("AWS could not delete it: {reason}");
        }
        State::PendingDeletion(date) => {
            step.blocked = Some(Blocked::new(
                format!("it is scheduled for deletion on {date}"),
                format!("keep it with `aws kms cancel-key-deletion --key-id {}` and `aws kms enable-key`", observed.id),
            ));
        }
    }
}

/// Whether the changes of a live object may be made in place.
fn judge(step: &mut Step, observed: &Observed, rules: &dyn Rules, options: &Options) {
    let immutable = step.changes.iter().find_map(|change| {
        match rules.effect(&change.path, change.before.as_ref(), change.after.as_ref()) {
            Effect::Immutable(loses) => Some((change.path.clone(), loses)),
            _ => None,
        }
    });
    if let Some((path, loses)) = immutable {
        step.action = Action::Replace;
        step.reason = format!("{path} cannot be changed on a live object");
        if !options.allow_replace.contains(&step.address) {
            // What is lost with the object is lost with its replacement, and known in more detail.
            let loses = match rules.removal(observed, &options.retention) {
                Removal::Guarded { loses } => format!("loses {loses}"),
                Removal::Delete | Removal::Asked { .. } | Removal::Retain { .. } => loses.to_owned(),
            };
            step.blocked = Some(Blocked::new(
                format!("{path} of {} cannot be changed in place, and replacing it {loses}", observed.id),
                format!("put the old value back, or allow it with `--allow-replace {}`", step.address),
            ));
        }
    }
}

/// What can only be replaced because something that it is part of is: who consented to that consented to this, and who
/// did not is asked about that.
///
/// Whatever else about it cannot be changed in place needs consent of its own.
fn follow(step: &mut Step, replaced: &BTreeMap<Address, Option<Blocked>>, rules: &dyn Rules) {
    let of_replaced = |change: &Change| {
        let outputs = change.after.iter().flat_map(Value::outputs);
        outputs.into_iter().find_map(|(of, _)| replaced.get_key_value(of))
    };
    let is_immutable = |change: &&Change| {
        matches!(rules.effect(&change.path, change.before.as_ref(), change.after.as_ref()), Effect::Immutable(_))
    };
    let immutable: Option<Vec<_>> = step.changes.iter().filter(is_immutable).map(of_replaced).collect();
    if step.action == Action::Replace
        && let Some((of, blocked)) = immutable.and_then(|all| all.first().copied())
    {
        step.reason = format!("{of} is replaced");
        step.blocked = blocked
            .as_ref()
            .map(|blocked| Blocked::new(format!("{of} would have to be replaced first"), blocked.hint.clone()));
    }
}

/// Nothing that holds data is replaced where the config protects it.
fn protect(step: &mut Step, options: &Options) {
    let live = step.observed.as_ref().is_some_and(|observed| !matches!(observed.state, State::Failed(_)));
    if options.protect && live && matches!(step.address.kind, Kind::Domain | Kind::UserProfile) {
        step.blocked = Some(Blocked::new(
            "the config protects this environment, and replacing it would cut users off from their data",
            "put the old value back, or remove `protect: true` from the config first",
        ));
    }
}

fn foreign(address: &Address, owner: &Owner, deployment: &Deployment) -> Blocked {
    let (why, hint) = match owner {
        Owner::Mdaa { stack } => (
            stack.as_ref().map_or_else(
                || "it carries this deployment's MDAA tags but not ours".to_owned(),
                |stack| format!("MDAA's CloudFormation stack {stack} owns it"),
            ),
            "take it over with `--adopt`".to_owned(),
        ),
        Owner::MdaaByName => (
            "it has the name that MDAA gives it and no tags, and MDAA tags none of its kind".to_owned(),
            format!("take it over with `--adopt`, or alone with `--adopt={address}`"),
        ),
        Owner::Deployment(tag) => (
            format!("the deployment {tag} owns it"),
            "destroy it there first, or choose another org, env, domain or module name".to_owned(),
        ),
        Owner::Stack(stack) => (
            format!("the CloudFormation stack {stack} owns it"),
            "choose another org, env, domain or module name, or delete it there first".to_owned(),
        ),
        // A bucket's name is the only one that accounts share.
        Owner::Account => (
            "another account owns that name, which is unique in the whole world, or this account may not look at it"
                .to_owned(),
            format!(
                "choose another org, env, domain or module name, or make a bucket whose name ends in -{}-{} and give it as \
                 `domainBucket`",
                deployment.account, deployment.region
            ),
        ),
        Owner::Unknown => (
            "something of that name exists that studio-deploy did not make".to_owned(),
            format!("delete or rename it, or take it over with `--adopt={address}`"),
        ),
    };
    Blocked::new(why, hint)
}

/// The nodes so that each comes after what it waits for; among equals in creation order, so that plans read alike.
fn order(graph: &Graph) -> Result<Vec<Address>, Cycle> {
    let mut done = BTreeSet::new();
    let mut order = Vec::with_capacity(graph.len());
    let mut waiting: BTreeMap<&Address, BTreeSet<&Address>> = graph
        .iter()
        .map(|(address, node)| {
            (address, node.dependencies().into_iter().filter(|of| graph.contains_key(*of)).collect())
        })
        .collect();
    while !waiting.is_empty() {
        let ready: Vec<&Address> =
            waiting.iter().filter(|(_, needs)| needs.is_subset(&done)).map(|(address, _)| *address).collect();
        if ready.is_empty() {
            return Err(Cycle((*waiting.keys().next().expect("not empty")).clone()));
        }
        for address in ready {
            waiting.remove(address);
            done.insert(address);
            order.push(address.clone());
        }
    }
    Ok(order)
}

//! Plans of what tests say should be and is, under rules that a test reads off the names of properties.

use std::collections::BTreeSet;

use globset::Glob;
use serde_json::Value as Json;

use super::{
    Action, Apps, Cycle, DeletionPolicy, Draft, Effect, Mend, Options, Plan, Record, Removal, Retention, Rules, Step,
    Unset, Watched,
};
use super::{is_blank, plan};
use crate::hint::Hint;
use crate::model::{
    Address, Deployment, Found, Graph, Kind, Node, Observed, Owner, Path, Snapshot, Source, State, Text, Value,
};

/// Rules of properties by their names, the same for every kind. One that it does not know is a mistake of the test.
pub(super) struct ByName;

impl Rules for ByName {
    fn effect(&self, path: &Path, _: Option<&Value>, _: Option<&Value>) -> Effect {
        match path.0.first().map(String::as_str) {
            Some("Fixed" | "FixedRole") => Effect::Immutable("loses what is in it"),
            Some("Live") => Effect::AppsStopped(Apps::Live),
            Some("Active") => Effect::AppsStopped(Apps::Active),
            Some("Private") => Effect::AppsStopped(Apps::Private),
            Some("Shared") => Effect::AppsStopped(Apps::Shared),
            Some(
                "Plain" | "Other" | "Role" | "Roles" | "Group" | "Value" | "Folded" | "Sent" | "Default" | "Sticky"
                | "Left" | "Right" | "Odd" | "Tags" | "Encryption" | "Settings",
            ) => Effect::InPlace,
            _ => panic!("no rule says how {path} changes"),
        }
    }

    fn unset(&self, path: &Path, _: &Value) -> Unset {
        match path.0.last().map(String::as_str) {
            Some("Sent") => Unset::Send("None".into()),
            Some("Default") => Unset::Send("default".into()),
            Some("Sticky") => Unset::Impossible,
            _ => Unset::Omit,
        }
    }

    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        let folded = |value: &Value| value.as_str().map(str::to_lowercase);
        desired.same(live) || *path == Path::of(["Folded"]) && folded(desired) == folded(live)
    }

    fn goes_with(&self, left_out: &Path, other: &Path) -> bool {
        (left_out, other) == (&Path::of(["Fixed"]), &Path::of(["Right"]))
    }

    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        let said = |key: &str| node.is_some_and(|node| node.properties.get(key).is_some());
        let entries = observed.properties.entries().filter(|(key, value)| !said(key) && !is_blank(Some(value)));
        let found = entries.filter_map(|(key, value)| {
            let path = Path::of([key.as_str()]);
            match key.as_str() {
                "Odd" => Some(Watched::surplus(path, value, "it is odd")),
                "ByHand" => Some(Watched::by_hand(path, value, "data hangs on it", "take it away")),
                "InConfig" => {
                    Some(Watched { path, found: value.clone(), why: "it is open".into(), mend: Mend::Config })
                }
                _ => None,
            }
        });
        found.collect()
    }

    fn stranger(&self, observed: &Observed) -> Option<Watched> {
        let odd = observed.properties.get("Odd")?;
        Some(Watched::by_hand(Path::default(), odd, "somebody put it here", "ask them"))
    }

    fn deletion_policy(&self, retention: &Retention) -> DeletionPolicy {
        if retention.delete_home_efs == Some(true) { DeletionPolicy::Delete } else { DeletionPolicy::Retain }
    }

    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        let why = "it holds data".to_owned();
        let later = Some(Hint::new("destroy", ["--bucket", "delete"]));
        match observed.properties.text("Removal") {
            None => Removal::Delete,
            Some("asked") => Removal::Requested { loses: "all of it is lost".into() },
            Some("unused") => Removal::Unused { why: "nobody used it".into() },
            Some("guarded") => Removal::NeedsConsent { loses: "the home directory".into() },
            Some("bucket") if retention.delete_bucket == Some(true) => Removal::Delete,
            Some("efs") if retention.delete_home_efs == Some(true) => Removal::Delete,
            Some("key") if retention.delete_kms_key == Some(true) => Removal::Delete,
            Some("bucket" | "efs" | "key") => Removal::Retain { why, drops: Vec::new(), later },
            Some("all but alias") => Removal::Retain { why, drops: vec![Path::of(["Alias"])], later: None },
            Some("later") => {
                Removal::Retain { why, drops: Vec::new(), later: Some(Hint::new("unlock", Vec::<String>::new())) }
            }
            Some(other) => panic!("no rule says what removing {other} means"),
        }
    }
}

/// [`ByName`], for every kind.
pub(super) fn by_name(_: Kind) -> &'static dyn Rules {
    &ByName
}

/// The address that a text says.
pub(super) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// The addresses that a text says, in order, with blanks between them.
pub(super) fn addresses(texts: &str) -> Vec<Address> {
    texts.split_whitespace().map(address).collect()
}

/// The path that a text says.
pub(super) fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// The environment of all these plans.
pub(super) fn deployment() -> Deployment {
    let [org, env, domain, module, account, region, partition] =
        ["acme", "dev", "ml", "studio", "111122223333", "us-east-1", "aws"].map(str::to_owned);
    Deployment { org, env, domain, module, account, region, partition }
}

/// A live object whose id is its name, with the ARN that [`arn`] says.
pub(super) fn observed(at: &str, properties: Json) -> Observed {
    let Address { kind, name } = address(at);
    let observed = Observed::new(&name, properties.into()).output("Arn", arn(at));
    if kind == Kind::SecurityGroup { observed.output("GroupId", format!("sg-{name}")) } else { observed }
}

/// The ARN of the live object at an address.
pub(super) fn arn(at: &str) -> String {
    match address(at) {
        Address { kind: Kind::ExecutionRole | Kind::AssetRole, name } => format!("arn:aws:iam::1:role/path/{name}"),
        Address { kind, name } => format!("arn:aws:test:us-east-1:1:{kind}/{name}"),
    }
}

/// The options that a text says, as on a command line, with blanks between them.
pub(super) fn options(words: &str) -> Options {
    let mut options = Options::default();
    let (mut target, mut exclude) = (Vec::new(), Vec::new());
    for word in words.split_whitespace() {
        let (option, value) = word.split_once('=').unwrap_or((word, ""));
        match (option, value) {
            ("destroy", "") => options.destroy = true,
            ("adopt", "") => options.adopt = true,
            ("adopt", at) => drop(options.adopt_addresses.insert(address(at))),
            ("replace", at) => drop(options.allow_replace.insert(address(at))),
            ("profile-delete", name) => drop(options.allow_profile_delete.insert(name.into())),
            ("mend", at) => drop(options.mend.insert(address(at))),
            ("stop-apps", "") => options.stop_apps = true,
            ("drain", "") => options.drain = true,
            ("protect", "") => options.protect = true,
            ("skip", "") => options.skip_blocked = true,
            ("bucket", "delete") => options.retention.delete_bucket = Some(true),
            ("efs", "delete") => options.retention.delete_home_efs = Some(true),
            ("key", "delete") => options.retention.delete_kms_key = Some(true),
            ("target", glob) => target.push(Glob::new(glob).unwrap()),
            ("exclude", glob) => exclude.push(Glob::new(glob).unwrap()),
            _ => panic!("{word} is no option"),
        }
    }
    (options.selection.target, options.selection.exclude) = (target, exclude);
    options
}

/// Desired and live objects, added one by one.
#[derive(Clone, Default)]
pub(super) struct Situation {
    pub(super) graph: Graph,
    pub(super) snapshot: Snapshot,
    pub(super) recorded: Option<Record>,
}

impl Situation {
    /// A node, whose texts name outputs as `${address.attribute}`; it and its leaves stand in the config.
    pub(super) fn wants(mut self, at: &str, properties: Json) -> Self {
        let mut node = Node::new(address(at), waiting(properties.into()));
        let leaves = node.properties.leaves().into_iter().map(|(path, _)| path);
        for (line, path) in [Path::default()].into_iter().chain(leaves).enumerate() {
            node.sources.insert(path, Source { file: "studio.yaml".into(), line: line + 1, column: 1 });
        }
        self.graph.insert(node.address.clone(), node);
        self
    }

    /// The same with what holds where the node at `at` says nothing.
    pub(super) fn inherits(mut self, at: &str, fallback: Json) -> Self {
        self.graph.get_mut(&address(at)).unwrap().fallback = fallback.into();
        self
    }

    /// An order without data.
    pub(super) fn after(mut self, at: &str, of: &str) -> Self {
        self.graph.get_mut(&address(at)).unwrap().after.extend(addresses(of));
        self
    }

    /// A thing of ours.
    pub(super) fn has(self, at: &str, properties: Json) -> Self {
        self.finds(at, Found::Ours(observed(at, properties)))
    }

    /// A thing of ours in some state.
    pub(super) fn has_in(self, state: State, at: &str, properties: Json) -> Self {
        self.finds(at, Found::Ours(Observed { state, ..observed(at, properties) }))
    }

    /// A thing of somebody else's.
    pub(super) fn foreign(self, owner: Owner, at: &str, properties: Json) -> Self {
        self.finds(at, Found::Foreign { owner, observed: Some(observed(at, properties)) })
    }

    /// Whatever is found at an address.
    pub(super) fn finds(mut self, at: &str, found: Found) -> Self {
        self.snapshot.insert(address(at), found);
        self
    }

    /// A thing that should be and is, alike.
    pub(super) fn keeps(self, at: &str, properties: Json) -> Self {
        self.wants(at, properties.clone()).has(at, filled(properties))
    }

    /// As if all that is wanted so far had been applied.
    pub(super) fn applied(mut self) -> Self {
        self.recorded = self.plan("").record;
        self
    }

    /// No longer wants something.
    pub(super) fn without(mut self, at: &str) -> Self {
        assert!(self.graph.remove(&address(at)).is_some(), "{at} was not wanted");
        self
    }

    /// The plan with such options, cut where they select.
    pub(super) fn plan(&self, words: &str) -> Plan {
        self.draft(words).finish()
    }

    /// The plan with such options before checks look at it.
    pub(super) fn draft(&self, words: &str) -> Draft<'static> {
        self.try_plan(&options(words)).unwrap()
    }

    /// The plan with such options, or the cycle that there is none for.
    pub(super) fn try_plan(&self, options: &Options) -> Result<Draft<'static>, Cycle> {
        plan(&deployment(), &self.graph, &self.snapshot, self.recorded.clone(), &by_name, options)
    }
}

/// Reads `${address.attribute}` as an output.
fn waiting(value: Value) -> Value {
    match value {
        Value::Text(text) => {
            let literal = text.known().unwrap();
            let Some((before, rest)) = literal.split_once("${") else { return Value::Text(text) };
            let (output, after) = rest.split_once('}').unwrap();
            let (of, attribute) = output.rsplit_once('.').unwrap();
            Value::Text(Text::literal(before).then(Text::output(address(of), attribute)).then(after))
        }
        Value::List(items) => Value::List(items.into_iter().map(waiting).collect()),
        Value::Map(map) => map.into_iter().map(|(key, value)| (key, waiting(value))).collect(),
        other => other,
    }
}

/// The same with every ARN filled in.
fn filled(properties: Json) -> Json {
    let arns = |of: &Address, attribute: &str| (attribute == "Arn").then(|| arn(&of.to_string()));
    waiting(properties.into()).resolve(&arns).to_json()
}

/// The action of a step, in a word.
pub(super) fn word(action: Action) -> String {
    serde_json::to_value(action).unwrap().as_str().unwrap().to_owned()
}

/// Each step in a line: `update domain.studio`, and whether it is blocked.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let line = |step: &Step| {
        let blocked = if step.blocked.is_some() { " (blocked)" } else { "" };
        format!("{} {}{blocked}", word(step.action()), step.address)
    };
    plan.steps.iter().map(line).collect()
}

/// The step of an address, which there has to be.
#[track_caller]
pub(super) fn step<'a>(plan: &'a Plan, at: &str) -> &'a Step {
    plan.step(&address(at)).unwrap_or_else(|| panic!("no step of {at} in {:?}", lines(plan)))
}

/// The reason why a step is blocked, if it is.
#[track_caller]
pub(super) fn why<'a>(plan: &'a Plan, at: &str) -> Option<&'a str> {
    step(plan, at).blocked.as_ref().map(|blocked| blocked.why.as_str())
}

/// The changes of a step, by path.
#[track_caller]
pub(super) fn changed(plan: &Plan, at: &str) -> Vec<String> {
    step(plan, at).changes().iter().map(|change| change.path.to_string()).collect()
}

/// Addresses that a step waits for.
#[track_caller]
pub(super) fn waits(plan: &Plan, at: &str) -> BTreeSet<Address> {
    step(plan, at).waits_for.clone()
}

/// Messages of the notices about an address.
pub(super) fn notices(plan: &Plan, at: &str) -> Vec<String> {
    let about = |notice: &&super::Notice| notice.address == Some(address(at));
    plan.notices.iter().filter(about).map(|notice| notice.message.clone()).collect()
}

//! Wire form of a plan: what `--format json` prints, and what a saved plan's file holds.

use std::collections::{BTreeMap, BTreeSet};

use globset::Glob;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::summary::{Summary, only_record_changes};
use super::{Action, Mend, Options, Plan, Step, Watched};
use crate::digest::hex;
use crate::model::{Address, Source, Value};

/// The format that this version writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// A whole plan as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// Grows when the meaning of a member changes.
    pub format_version: u32,
    /// The version of studio-deploy that planned.
    pub tool_version: String,
    /// When it was planned, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Until when a saved plan may be applied, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// `org/env/domain/module`.
    pub deployment: String,
    /// The twelve digits of the account.
    pub account: String,
    /// The region.
    pub region: String,
    /// A digest of everything that the config asks for; null when everything goes.
    pub config_digest: Option<String>,
    /// Whether everything goes.
    pub destroy: bool,
    /// Whether something may not happen, so that apply would write nothing.
    pub blocked: bool,
    /// Whether nothing changes but what is remembered of the deployment.
    pub record_only: bool,
    /// Everything that does not stay as it is, in the order of execution.
    pub changes: Vec<StepDocument>,
    /// The addresses of which something is left out, since it was not selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omitted: Vec<String>,
    /// What else there is to know.
    pub notices: Vec<NoticeDocument>,
    /// What was found on things of ours that the config says nothing about, and that no change takes back.
    #[serde(default)]
    pub watched: Vec<WatchedDocument>,
    /// What was allowed when it was planned; applying a saved plan allows the same.
    #[serde(default)]
    pub consent: ConsentDocument,
    /// The numbers.
    pub summary: Summary,
    /// SHA-256 of everything else, of a saved plan: it tells a file that was cut or edited, and is no signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// One address with what happens to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// `kind.name`.
    pub address: String,
    /// What kind of thing it is.
    pub kind: String,
    /// Which one.
    pub name: String,
    /// What happens.
    pub action: ActionWord,
    /// Why, for people.
    pub reason: String,
    /// What it is now; null when it does not exist. A literal `${` is written `$${`.
    pub before: Json,
    /// What it should be, in the API's names; null when it goes. What only the apply will know is written
    /// `${address.attribute}`.
    pub after: Json,
    /// The paths that differ.
    pub changed_paths: Vec<String>,
    /// What differs.
    pub changes: Vec<ChangeDocument>,
    /// Why it may not happen; null when it may.
    pub blocked_by: Option<BlockedDocument>,
    /// The place in the YAML that causes it.
    pub source: Option<Source>,
    /// The addresses that must be done first.
    pub waits_for: Vec<String>,
}

/// The action of a step, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionWord {
    /// Unchanged.
    Keep,
    /// Taken over, and changed where it differs.
    Adopt,
    /// Created.
    Create,
    /// Updated in place.
    Update,
    /// Deleted and created again.
    Replace,
    /// Deleted.
    Delete,
    /// No longer wanted, but kept for the data in it.
    Retain,
}

impl From<Action> for ActionWord {
    fn from(action: Action) -> Self {
        match action {
            Action::Keep => Self::Keep,
            Action::Adopt => Self::Adopt,
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Replace => Self::Replace,
            Action::Delete => Self::Delete,
            Action::Retain => Self::Retain,
        }
    }
}

/// One property that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDocument {
    /// Where it stands; a key that holds a dot stands in brackets.
    pub path: String,
    /// What it is now; null when it is not set.
    pub before: Json,
    /// What it should be; null when it is taken back.
    pub after: Json,
    /// The place in the YAML that it comes from.
    pub source: Option<Source>,
}

/// The reason why a step may not happen, and what would let it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedDocument {
    /// What stands in the way, for people.
    pub why: String,
    /// The next thing to do about it, for people.
    pub hint: String,
}

/// Something to know before applying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeDocument {
    /// What it is about, when it is about one address.
    pub address: Option<String>,
    /// For people.
    pub message: String,
    /// Whether it tells of an intended difference from MDAA, about which nobody has to do anything.
    #[serde(default)]
    pub is_difference: bool,
}

/// A finding on a thing of ours: the config says nothing about it, and it opens access, exposes or loses data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchedDocument {
    /// `kind.name`.
    pub address: String,
    /// Where, in the API's names; empty for the whole object.
    pub path: String,
    /// What stands there.
    pub found: Json,
    /// Why it matters, for people.
    pub why: String,
    /// Whether `--fix` with this address reverts it.
    pub mendable: bool,
    /// The command by which a person reverts it; null when `--fix` does, or only the config can.
    pub command: Option<String>,
}

impl WatchedDocument {
    /// A finding as JSON.
    pub fn of((address, watched): &(Address, Watched)) -> Self {
        Self {
            address: address.to_string(),
            path: watched.path.to_string(),
            found: watched.found.to_json(),
            why: watched.why.clone(),
            mendable: matches!(watched.mend, Mend::Apply(_)),
            command: match &watched.mend {
                Mend::Apply(_) | Mend::Config => None,
                Mend::Person(command) => Some(command.clone()),
            },
        }
    }
}

/// Consent that was given when a plan was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentDocument {
    /// Whether what carries this deployment's MDAA tags is taken over.
    pub adopt: bool,
    /// What is taken over although nothing tags it.
    pub adopt_addresses: Vec<String>,
    /// What may be deleted and made again.
    pub allow_replace: Vec<String>,
    /// The users whose profiles may be deleted.
    pub allow_profile_delete: Vec<String>,
    /// Whether apps that stand in the way are deleted.
    pub stop_apps: bool,
    /// Whether apps, spaces and other people's profiles are deleted that stand in the way of what goes.
    #[serde(default)]
    pub drain: bool,
    /// Whether what is blocked is left out, and the rest applied.
    #[serde(default)]
    pub skip_blocked: bool,
    /// The addresses that `--fix` names.
    #[serde(default)]
    pub mend: Vec<String>,
    /// The globs of what alone is done, with what it waits for.
    #[serde(default)]
    pub target: Vec<String>,
    /// The globs of what is not done, nor what waits for it.
    #[serde(default)]
    pub exclude: Vec<String>,
}

impl ConsentDocument {
    fn of(options: &Options) -> Self {
        let texts = |addresses: &BTreeSet<Address>| addresses.iter().map(ToString::to_string).collect();
        let globs = |globs: &[Glob]| globs.iter().map(ToString::to_string).collect();
        Self {
            adopt: options.adopt,
            adopt_addresses: texts(&options.adopt_addresses),
            allow_replace: texts(&options.allow_replace),
            allow_profile_delete: options.allow_profile_delete.iter().cloned().collect(),
            stop_apps: options.stop_apps,
            drain: options.drain,
            skip_blocked: options.skip_blocked,
            mend: texts(&options.mend),
            target: globs(&options.selection.target),
            exclude: globs(&options.selection.exclude),
        }
    }

    /// Allows the same again; an address that does not parse allows nothing.
    pub fn write_to(&self, options: &mut Options) {
        let addresses = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<Address>>();
        options.adopt |= self.adopt;
        options.adopt_addresses.extend(addresses(&self.adopt_addresses));
        options.allow_replace.extend(addresses(&self.allow_replace));
        options.allow_profile_delete.extend(self.allow_profile_delete.iter().cloned());
        options.stop_apps |= self.stop_apps;
        options.drain |= self.drain;
        options.skip_blocked |= self.skip_blocked;
        options.mend.extend(addresses(&self.mend));
        // One that cannot be read fits nothing but itself.
        let globs = |texts: &[String]| {
            let read = |text: &String| Glob::new(text).or_else(|_| Glob::new(&globset::escape(text)));
            texts.iter().filter_map(|text| read(text).ok()).collect::<Vec<_>>()
        };
        options.selection.target.extend(globs(&self.target));
        options.selection.exclude.extend(globs(&self.exclude));
    }
}

/// A file that is no saved plan of this version.
#[derive(Debug, thiserror::Error)]
pub enum NotAPlan {
    /// No JSON, or not of this shape.
    #[error("the file is not a saved plan: {0}")]
    Shape(#[from] serde_json::Error),
    /// Another format version.
    #[error(
        "the plan has format version {0}, and this version of studio-deploy reads {FORMAT_VERSION} only: plan again"
    )]
    Version(u64),
    /// Two plans of one deployment.
    #[error("the file has two plans of {0}")]
    Twice(String),
    /// A digest that does not fit.
    #[error("the saved plan was changed or cut since it was saved: it does not fit its own digest")]
    Altered,
    /// Another version of this program saved it.
    #[error("studio-deploy {0} saved the plan, and this is {version}: each version applies its own plans only", version = env!("CARGO_PKG_VERSION"))]
    Tool(String),
    /// No date until when it may be applied.
    #[error("the saved plan does not say until when it may be applied")]
    Undated,
    /// Its time is over.
    #[error("the saved plan has expired at {0}")]
    Expired(String),
}

impl PlanDocument {
    /// A plan as data, not dated.
    pub fn of(plan: &Plan) -> Self {
        let summary = Summary::of(plan);
        let steps = plan.steps.iter().filter(|step| step.action() != Action::Keep || step.blocked.is_some());
        let notices = plan.notices.iter().map(|notice| NoticeDocument {
            address: notice.address.as_ref().map(ToString::to_string),
            message: notice.message.clone(),
            is_difference: notice.is_difference,
        });
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            created: None,
            expires: None,
            deployment: plan.deployment.to_string(),
            account: plan.deployment.account.clone(),
            region: plan.deployment.region.clone(),
            config_digest: plan.config_digest().filter(|_| !plan.destroy).map(str::to_owned),
            destroy: plan.destroy,
            blocked: summary.blocked > 0,
            record_only: only_record_changes(plan),
            changes: steps.map(StepDocument::of).collect(),
            omitted: plan.omitted().map(ToString::to_string).collect(),
            notices: notices.collect(),
            watched: plan.watched.iter().map(WatchedDocument::of).collect(),
            consent: ConsentDocument::default(),
            summary,
            digest: None,
        }
    }

    /// Sets the date of this plan and the date until when it may be applied.
    #[must_use]
    pub fn dated(mut self, created: impl Into<String>, expires: impl Into<String>) -> Self {
        self.created = Some(created.into());
        self.expires = Some(expires.into());
        self
    }

    /// Sets what was allowed when this plan was made.
    #[must_use]
    pub fn allowing(mut self, options: &Options) -> Self {
        self.consent = ConsentDocument::of(options);
        self
    }

    /// Reads a saved plan.
    ///
    /// # Errors
    /// [`NotAPlan`] when the text is no plan, one of another format version, or not what was saved.
    pub fn read(text: &str) -> Result<Self, NotAPlan> {
        Self::parse(serde_json::from_str(text)?)
    }

    /// The same of JSON.
    pub(super) fn parse(json: Json) -> Result<Self, NotAPlan> {
        let (said, plan): (_, Self) = unseal(json)?;
        Ok(Self { digest: Some(said), ..plan })
    }

    /// Refuses what cannot be applied now, as far as the file itself can say. Only the caller has a clock: `has_passed` says
    /// whether a time in RFC 3339 is over, and nothing of what is no time.
    ///
    /// # Errors
    /// [`NotAPlan`] when another version saved it, when it has expired, or when nobody can tell.
    pub fn usable(&self, has_passed: impl Fn(&str) -> Option<bool>) -> Result<(), NotAPlan> {
        if self.tool_version != env!("CARGO_PKG_VERSION") {
            return Err(NotAPlan::Tool(self.tool_version.clone()));
        }
        let expires = self.expires.as_deref().ok_or(NotAPlan::Undated)?;
        match has_passed(expires) {
            Some(false) => Ok(()),
            Some(true) => Err(NotAPlan::Expired(expires.to_owned())),
            None => Err(NotAPlan::Undated),
        }
    }

    /// Text of this plan with its digest: the content of a saved plan's file.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.sealed())
    }

    /// JSON of this plan with its digest.
    pub(super) fn sealed(&self) -> Json {
        seal(json!(Self { digest: None, ..self.clone() }))
    }

    /// The first difference between this saved plan and the plan `now`, for people; none when they ask for the same.
    pub fn moved(&self, now: &Self) -> Option<String> {
        for (what, then, now) in [
            ("the deployment", &self.deployment, &now.deployment),
            ("the account", &self.account, &now.account),
            ("the region", &self.region, &now.region),
        ] {
            if then != now {
                return Some(format!("{what} was {then} and is {now}"));
            }
        }
        if (self.destroy, self.record_only) != (now.destroy, now.record_only) {
            return Some("the plan was made for another command or another state of the record".into());
        }
        let (before, after) = (self.by_address(), now.by_address());
        let addresses: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for address in addresses {
            match (before.get(address), after.get(address)) {
                (Some(then), Some(now)) => {
                    if let Some(moved) = then.moved(now) {
                        return Some(moved);
                    }
                }
                // It was only waited for, and has settled meanwhile.
                (Some(then), None) if then.action == Action::Update.into() && then.changes.is_empty() => {}
                (Some(_), None) => return Some(format!("{address} no longer differs")),
                (None, _) => return Some(format!("{address} differs now and did not when the plan was made")),
            }
        }
        (self.config_digest != now.config_digest).then(|| "the config has changed".into())
    }

    fn by_address(&self) -> BTreeMap<&str, &StepDocument> {
        self.changes.iter().map(|step| (step.address.as_str(), step)).collect()
    }
}

impl StepDocument {
    fn of(step: &Step) -> Self {
        let json = |value: Option<&Value>| value.map_or(Json::Null, Value::to_json);
        let changes = step.changes().iter().map(|change| ChangeDocument {
            path: change.path.to_string(),
            before: json(change.before.as_ref()),
            after: json(change.after.as_ref()),
            source: change.source.clone(),
        });
        Self {
            address: step.address.to_string(),
            kind: step.address.kind.to_string(),
            name: step.address.name.clone(),
            action: step.action().into(),
            reason: step.reason.clone(),
            before: json(step.observed().map(|observed| &observed.properties)),
            after: json(step.node().map(|node| &node.properties)),
            changed_paths: step.changes().iter().map(|change| change.path.to_string()).collect(),
            changes: changes.collect(),
            blocked_by: step
                .blocked
                .as_ref()
                .map(|blocked| BlockedDocument { why: blocked.why.clone(), hint: blocked.hint.clone() }),
            source: step.source().cloned(),
            waits_for: step.waits_for.iter().map(ToString::to_string).collect(),
        }
    }

    fn moved(&self, now: &Self) -> Option<String> {
        let Self { address, .. } = self;
        if self.action != now.action || self.blocked_by != now.blocked_by {
            return Some(format!("{address} is no longer to be treated in the same way"));
        }
        let same = |one: &ChangeDocument, other: &ChangeDocument| {
            one.path == other.path
                && Value::from(one.before.clone()).same(&Value::from(other.before.clone()))
                && Value::from(one.after.clone()).same(&Value::from(other.after.clone()))
        };
        let moved = |these: &[ChangeDocument], those: &[ChangeDocument]| {
            these.iter().find(|one| !those.iter().any(|other| same(one, other))).map(|change| change.path.clone())
        };
        if let Some(path) = moved(&self.changes, &now.changes).or_else(|| moved(&now.changes, &self.changes)) {
            return Some(format!("{path} of {address} has moved"));
        }
        let same = Value::from(self.after.clone()).same(&Value::from(now.after.clone()));
        (!same).then(|| format!("{address} should be something else now"))
    }
}

/// A document with its digest as its last member.
pub(super) fn seal(mut document: Json) -> Json {
    document["digest"] = json!(digest(&document));
    document
}

/// The digest of a document of this format, and the document, which fits it.
pub(super) fn unseal<T: DeserializeOwned>(mut json: Json) -> Result<(String, T), NotAPlan> {
    // The version is looked at first, since another version may have another shape.
    match json.get("format_version").and_then(Json::as_u64) {
        Some(version) if version != u64::from(FORMAT_VERSION) => return Err(NotAPlan::Version(version)),
        _ => {}
    }
    let said = json.as_object_mut().and_then(|members| members.shift_remove("digest"));
    let document = T::deserialize(&json)?;
    match said {
        Some(Json::String(said)) if said == digest(&json) => Ok((said, document)),
        _ => Err(NotAPlan::Altered),
    }
}

/// SHA-256 of JSON in its canonical form: members in the order of their names, no white space.
fn digest(json: &Json) -> String {
    let mut sorted = json.clone();
    sorted.sort_all_objects();
    hex(&Sha256::digest(sorted.to_string()))
}

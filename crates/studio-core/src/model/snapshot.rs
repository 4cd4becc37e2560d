//! Live state: the counterpart of each node, and what is ours beyond them.

use std::collections::BTreeMap;

use super::{Address, Path, Value};

/// A live object, in the shape of the node that describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// What update and delete name it by: a role name, a key id, a group id, a domain id, …
    pub id: String,
    /// The attributes that other nodes may use, by the API's names (`Arn`, `RoleId`, …).
    pub outputs: BTreeMap<String, String>,
    /// What it is, in the node's names and shapes. Members that nobody set may be present or not.
    pub properties: Value,
    /// Whether it can be used as it is.
    pub state: State,
    /// What a write was refused for want of a permission, and can be done without: a notice has said so.
    pub refused: Vec<Path>,
    /// Why a part of it could not be read, so that its properties are no comparison: for people.
    pub unread: Option<String>,
    /// What of it is watched and could not be looked at, each with the reason: for people.
    pub unwatched: Vec<String>,
    /// When AWS says that it was made and last changed, told by the same answer as the properties.
    pub timestamps: Option<Timestamps>,
}

impl Observed {
    /// A usable object with no outputs yet.
    pub fn new(id: impl Into<String>, properties: Value) -> Self {
        let (state, refused, unread, unwatched) = (State::Usable, Vec::new(), None, Vec::new());
        let (id, outputs, timestamps) = (id.into(), BTreeMap::new(), None);
        Self { id, outputs, properties, state, refused, unread, unwatched, timestamps }
    }

    /// Adds an output to the object.
    #[must_use]
    pub fn output(mut self, attribute: &str, value: impl Into<String>) -> Self {
        self.outputs.insert(attribute.into(), value.into());
        self
    }
}

/// Times that AWS tells of a live object, which make its version: one that is made again has another, and so has one that was
/// changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamps {
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified: i64,
}

/// Status of a live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Ready.
    Usable,
    /// On its way to ready or gone; the status in AWS's word.
    Busy(String),
    /// Broken for good: only delete and create help. Status and reason in AWS's words.
    Failed(String),
    /// The last update failed but the object serves; updating again helps. Reason in AWS's words.
    UpdateFailed(String),
    /// The last delete failed; only deleting again helps. Reason in AWS's words.
    DeleteFailed(String),
    /// A key that is scheduled for deletion, with the date.
    PendingDeletion(String),
    /// A key that somebody switched off.
    Disabled,
}

/// Owner of an object that has our name but not our tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// All five of MDAA's tags, and nothing says otherwise: MDAA made it. Its CloudFormation stack, if tagged with one.
    Mdaa {
        /// The value of `aws:cloudformation:stack-name`.
        stack: Option<String>,
    },
    /// Nothing but the name speaks for MDAA: it has no tags, and of this kind MDAA tags none.
    MdaaByName,
    /// Nothing says otherwise, but not all of MDAA's tags are there either, of a kind that MDAA gives all of them.
    Partly {
        /// The keys that are missing.
        missing: Vec<String>,
    },
    /// Ours by all five of MDAA's tags, but a CloudFormation stack of another name made it, which is gone.
    Released {
        /// The stack's name.
        stack: String,
    },
    /// Another deployment of ours, by its tag's value.
    Deployment(String),
    /// Another environment of MDAA's, in its own four words.
    Environment(String),
    /// A CloudFormation stack that is not this deployment's MDAA stack, and lives for all that is known.
    Stack(String),
    /// Ours or MDAA's, but there are several where one is wanted: each with what uses it, for people.
    Several(Vec<String>),
    /// Another account's (a bucket name is global).
    Account,
    /// A bucket in another region, by its name: one bucket's in the whole world.
    Elsewhere(String),
    /// Nobody that the tags name.
    Unknown,
}

impl Owner {
    /// Returns `true` if consent is enough to adopt the object: no other deployment, environment, stack or account claims it.
    pub const fn may_yield(&self) -> bool {
        matches!(
            self,
            Self::Mdaa { .. } | Self::MdaaByName | Self::Partly { .. } | Self::Released { .. } | Self::Unknown
        )
    }

    /// Returns `true` if another owner claims the object.
    pub const fn is_claimed(&self) -> bool {
        matches!(self, Self::Deployment(_) | Self::Environment(_) | Self::Stack(_) | Self::Account | Self::Elsewhere(_))
    }
}

/// Result of reading one address. A read that fails, or is refused, is an error and never `Absent`.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing of that name.
    Absent,
    /// Ours, by its tags.
    Ours(Observed),
    /// Somebody else's thing of that name.
    Foreign {
        /// Who says so.
        owner: Owner,
        /// What it looks like, when it could be read.
        observed: Option<Observed>,
    },
}

impl Found {
    /// The live object, when it is ours.
    pub const fn ours(&self) -> Option<&Observed> {
        match self {
            Self::Ours(observed) => Some(observed),
            _ => None,
        }
    }
}

/// Live state of each address, objects included that the graph no longer names.
pub type Snapshot = BTreeMap<Address, Found>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_claims_does_not_yield() {
        let text = || "x".to_owned();
        for (owner, yields, is_claimed) in [
            (Owner::Mdaa { stack: None }, true, false),
            (Owner::Mdaa { stack: Some(text()) }, true, false),
            (Owner::MdaaByName, true, false),
            (Owner::Partly { missing: vec![text()] }, true, false),
            (Owner::Released { stack: text() }, true, false),
            (Owner::Unknown, true, false),
            (Owner::Several(vec![text(), text()]), false, false),
            (Owner::Deployment(text()), false, true),
            (Owner::Environment(text()), false, true),
            (Owner::Stack(text()), false, true),
            (Owner::Account, false, true),
            (Owner::Elsewhere(text()), false, true),
        ] {
            assert_eq!((owner.may_yield(), owner.is_claimed()), (yields, is_claimed), "{owner:?}");
        }
    }

    #[test]
    fn only_what_is_ours_is_ours() {
        let observed = Observed::new("id", Value::map()).output("Arn", "arn:1").output("Arn", "arn:2");
        assert_eq!((observed.outputs.len(), &observed.outputs["Arn"]), (1, &"arn:2".to_owned()));
        assert_eq!((&observed.state, observed.id.as_str()), (&State::Usable, "id"));
        let foreign = Found::Foreign { owner: Owner::Mdaa { stack: None }, observed: Some(observed.clone()) };
        for (name, found, expected) in [
            ("absent", Found::Absent, None),
            ("foreign", foreign, None),
            ("ours", Found::Ours(observed.clone()), Some(&observed)),
        ] {
            assert_eq!(found.ours(), expected, "{name}");
        }
    }
}

//! Transition of one address, as a word and with what it takes.

use serde::Serialize;

use super::{Change, DeletionPolicy};
use crate::model::{Node, Observed};

/// Action of a step, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// As it should be.
    Keep,
    /// Taken over, and changed where it differs.
    Adopt,
    /// Made.
    Create,
    /// Changed in place.
    Update,
    /// Deleted and made again.
    Replace,
    /// Deleted.
    Delete,
    /// No longer wanted, but kept for the data in it.
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

    /// Returns `true` if doing it changes the account.
    pub const fn is_change(self) -> bool {
        !matches!(self, Self::Keep | Self::Retain)
    }
}

/// Transition of one address, with exactly what carrying it out takes: a step that lacks something cannot be built.
#[derive(Clone, Debug, PartialEq)]
pub enum Transition {
    /// Stays as it is.
    Keep {
        /// What it should be; none of what nothing wants any more.
        node: Option<Node>,
        /// What it is; none of what is somebody else's and may not be looked at.
        live: Option<Observed>,
    },
    /// Made.
    Create {
        /// What it should be.
        node: Node,
        /// What is new against what it takes the place of.
        changes: Vec<Change>,
    },
    /// Changed in place.
    Update {
        /// What it should be.
        node: Node,
        /// What it is.
        live: Observed,
        /// What differs; nothing where an earlier update is only waited for or repeated.
        changes: Vec<Change>,
    },
    /// Taken over, and changed where it differs.
    Adopt {
        /// What it should be.
        node: Node,
        /// What it is.
        live: Observed,
        /// What differs.
        changes: Vec<Change>,
    },
    /// Deleted and made again.
    Replace {
        /// What it should be.
        node: Node,
        /// What it is.
        live: Observed,
        /// What differs; nothing where it is made again because of its state.
        changes: Vec<Change>,
    },
    /// No longer wanted and kept for the data in it, but for what is taken from it.
    Release {
        /// What it is.
        live: Observed,
        /// What is taken from it.
        changes: Vec<Change>,
    },
    /// Deleted.
    Delete {
        /// What it is.
        live: Observed,
        /// Fate of the data beside the object.
        data: DeletionPolicy,
    },
    /// No longer wanted, but kept for the data in it.
    Retain {
        /// What it is.
        live: Observed,
    },
}

impl Transition {
    /// The action that people and pipelines know it by. Taking something from what is retained is an update to them.
    pub const fn action(&self) -> Action {
        match self {
            Self::Keep { .. } => Action::Keep,
            Self::Create { .. } => Action::Create,
            Self::Update { .. } | Self::Release { .. } => Action::Update,
            Self::Adopt { .. } => Action::Adopt,
            Self::Replace { .. } => Action::Replace,
            Self::Delete { .. } => Action::Delete,
            Self::Retain { .. } => Action::Retain,
        }
    }

    pub(super) fn into_parts(self) -> (Option<Node>, Option<Observed>, Vec<Change>) {
        match self {
            Self::Keep { node, live } => (node, live, Vec::new()),
            Self::Create { node, changes } => (Some(node), None, changes),
            Self::Update { node, live, changes }
            | Self::Adopt { node, live, changes }
            | Self::Replace { node, live, changes } => (Some(node), Some(live), changes),
            Self::Release { live, changes } => (None, Some(live), changes),
            Self::Delete { live, .. } | Self::Retain { live } => (None, Some(live), Vec::new()),
        }
    }
}

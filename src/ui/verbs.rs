//! The verbs of each action.

use crate::plan::Action;

/// `create` in "could not create".
pub(super) const fn infinitive(action: Action) -> &'static str {
    match action {
        Action::Keep | Action::Retain => "keep",
        Action::Adopt => "adopt",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
    }
}

/// `creating` in "domain.studio: creating".
pub(super) const fn progressive(action: Action) -> &'static str {
    match action {
        Action::Keep | Action::Retain => "keeping",
        Action::Adopt => "adopting",
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
    }
}

/// `created` in "domain.studio: created after 3m 05s".
pub(super) const fn past(action: Action) -> &'static str {
    match action {
        Action::Keep | Action::Retain => "kept",
        Action::Adopt => "adopted",
        Action::Create => "created",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
    }
}

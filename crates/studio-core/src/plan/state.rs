//! Demands of the state that something is in, whatever its properties are.

use super::{Blocked, Options, Removal, Rules};
use crate::model::{Address, Kind, Observed, State};

/// Demand of a live object's state.
pub(super) enum Demand {
    /// Compared, and changed where it differs.
    Compare,
    /// An update waits for it, then looks again: what differs now may be a change on its way. The reason, for people.
    Wait(String),
    /// An update is made again even where nothing differs. The reason, for people.
    Retry(String),
    /// Made again.
    Replace {
        /// Why, for people.
        reason: String,
        /// Why that needs consent.
        blocked: Option<Blocked>,
    },
    /// Serves nobody as it is, and people have to do something about it.
    Unusable(Blocked),
}

/// The demand of a live object's state, before its properties are looked at.
pub(super) fn demand_of(address: &Address, live: &Observed, rules: &dyn Rules, options: &Options) -> Demand {
    match &live.state {
        State::Usable => Demand::Compare,
        State::UpdateFailed(reason) => Demand::Retry(format!("its last update failed: {reason}")),
        State::Busy(status) if status == "Deleting" => {
            Demand::Replace { reason: "it is being deleted".into(), blocked: None }
        }
        State::Busy(status) => Demand::Wait(format!("it is {status}")),
        State::Failed(reason) => Demand::Replace { reason: format!("AWS could not make it: {reason}"), blocked: None },
        State::DeleteFailed(reason) => {
            // Somebody wanted it gone; who wants it back has to know that it comes back without what was in it.
            let loses = match (rules.removal(live, &options.retention), address.kind) {
                (Removal::NeedsConsent { loses }, _) => Some(loses),
                (_, Kind::Domain) => Some("every user's home directory from sight".into()),
                _ => None,
            };
            let blocked = loses.filter(|_| !options.allow_replace.contains(address)).map(|loses| {
                Blocked::new(
                    format!(
                        "it serves nobody since AWS could not delete it ({reason}), and making it again loses {loses}"
                    ),
                    format!("delete it for good with `destroy`, or make it again with `--allow-replace {address}`"),
                )
            });
            Demand::Replace { reason: format!("AWS could not delete it: {reason}"), blocked }
        }
        State::PendingDeletion(_) | State::Disabled => unusable(live).map_or(Demand::Compare, Demand::Unusable),
    }
}

/// Reason why a key serves nobody as it is, and how it does again.
pub(super) fn unusable(observed: &Observed) -> Option<Blocked> {
    let id = &observed.id;
    match &observed.state {
        State::PendingDeletion(date) => Some(Blocked::new(
            format!("it is scheduled for deletion on {date}"),
            format!("keep it: `aws kms cancel-key-deletion --key-id {id}`, then `aws kms enable-key --key-id {id}`"),
        )),
        State::Disabled => Some(Blocked::new(
            format!("the key {id} is disabled, so that nobody can read what it encrypts"),
            format!("enable it: `aws kms enable-key --key-id {id}`"),
        )),
        _ => None,
    }
}

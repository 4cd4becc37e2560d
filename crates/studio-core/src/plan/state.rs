//! What happens to something because of the state that it is in, whatever its properties are.

use super::{Action, Blocked, Options, Removal, Rules, Step};
use crate::model::{Kind, Observed, State};

/// What the state of the live object says before its properties are looked at.
pub(super) fn judge(step: &mut Step, observed: &Observed, rules: &dyn Rules, options: &Options) {
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
            // Somebody wanted it gone; who wants it back has to know that it comes back without what was in it.
            let loses = match (rules.removal(observed, &options.retention), step.address.kind) {
                (Removal::Guarded { loses }, _) => Some(loses),
                (_, Kind::Domain) => Some("every user's home directory from sight".into()),
                _ => None,
            };
            if let Some(loses) = loses.filter(|_| !options.allow_replace.contains(&step.address)) {
                step.blocked = Some(Blocked::new(
                    format!(
                        "it serves nobody since AWS could not delete it ({reason}), and making it again loses {loses}"
                    ),
                    format!(
                        "delete it for good with `destroy`, or make it again with `--allow-replace {}`",
                        step.address
                    ),
                ));
            }
        }
        State::PendingDeletion(_) | State::Disabled => step.blocked = unusable(observed),
    }
}

/// Why a key serves nobody as it is, and how it does again.
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

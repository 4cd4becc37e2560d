//! Ways in which AWS hurts people who run Studio, row by row of `docs/behaviour.md`, and what happens instead.

mod adoption;
mod assets;
mod changes;
mod checks;
mod drains;
mod failures;
pub mod left_out;
mod mdaa;
mod removal;
mod scripts;
mod selection;
mod signals;
mod stacks;

use studio_sandbox::{Call, Faults};

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::behind::{alter, describe_domain, disown, domain_id, lose_record, pass, put, start_app, studio};
use crate::support::configs::TWO_USERS as BASE;
use crate::support::ended::Ended;

/// An account in which [`BASE`] is applied.
fn deployed() -> Lab {
    let lab = Lab::new();
    lab.run(APPLY, BASE).expect(0);
    lab
}

/// Has other faults from now on, up to the end of the next command.
fn faults(lab: &Lab, text: &str) {
    let faults: Faults = text.parse().unwrap();
    lab.sandbox.set_faults(faults.clone());
    lab.set_faults_once(faults);
}

fn calls<'a>(ended: &'a Ended, operation: &str) -> Vec<&'a Call> {
    ended.calls.iter().filter(|call| call.operation == operation).collect()
}

fn count(ended: &Ended, operation: &str) -> usize {
    calls(ended, operation).len()
}

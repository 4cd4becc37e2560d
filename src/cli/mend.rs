//! Addresses that `--fix` may name.

use std::collections::BTreeSet;

use crate::config::suggest::nearest;
use crate::failure::Failure;
use crate::failure::codes;
use crate::model::Address;
use crate::plan::Plan;

/// The failure of a `--fix` that matches nothing: otherwise a typo would pass for something fixed.
pub(super) fn unmatched(address: &Address, plan: &Plan) -> Failure {
    let found: BTreeSet<String> = plan.watched().iter().map(|(address, _)| address.to_string()).collect();
    let known = plan.steps().iter().map(|step| step.address().to_string()).chain(found.iter().cloned());
    let known: Vec<String> = known.collect();
    let failure = Failure::new(&codes::USAGE, format!("`--fix {address}` matches nothing in the account"));
    match (nearest(&address.to_string(), known.iter().map(String::as_str)), found.is_empty()) {
        (Some(near), _) => failure.help(format!("did you mean `{near}`?")),
        (None, true) => failure.help("nothing was found that could be fixed"),
        (None, false) => {
            failure.help(format!("something was found on {}", found.into_iter().collect::<Vec<_>>().join(", ")))
        }
    }
}

//! The pipelines of `docs/ci` and `action.yml`, executed step by step as a runner would, against the sandbox.
//!
//! `github`, `gitlab` and `codebuild` read the files as they stand and run their shell; `machine` has what is around a runner. What
//! reaches a service (`gh`, `curl`, `pip`, `aws`) is a recorder in `tools/`, installing included, except that checksums are checked.

mod codebuild;
mod expressions;
mod github;
mod gitlab;
mod machine;
mod on_github;
mod on_gitlab;
mod release;
mod repository;

use crate::support::configs::MINIMAL;
use machine::Machine;

/// Identity, account and region of the config in every repository.
const DEPLOYMENT: &str =
    "deployment: {org: acme, env: dev, domain: ml, module: studio, account: '123456789012', region: eu-central-1}\n";
/// A user more than the minimal config has.
const USER: &str = "    ben:\n      userRole:\n        name: test-user-role\n";

/// A machine whose repository has the minimal config, with more behind it.
fn with(more: &str) -> Machine {
    let machine = Machine::new();
    commit(&machine, more);
    machine
}

/// Commits the minimal config, with more behind it.
fn commit(machine: &Machine, more: &str) {
    machine.commit("studio.yaml", &format!("{DEPLOYMENT}{MINIMAL}{more}"));
}

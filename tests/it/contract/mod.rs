//! MDAA's contract, through the real binary: what it refuses, what it blocks, whole trees, and environments of MDAA's own.

mod adoption;
mod fuzz;
mod gate;
mod ownership;
mod refused;
mod tree;

use serde_json::Value as Json;

use crate::support::ended::Ended;
use crate::support::program::Desk;

/// Words of a deployment none of which is a part of another, and its account.
const PLACE: [&str; 12] = [
    "--org",
    "test-org",
    "--env",
    "test-env",
    "--domain",
    "test-domain",
    "--module",
    "test-module",
    "--account",
    "111122223333",
    "--region",
    "us-east-1",
];

/// Runs a command on the desk's sandbox about that deployment.
fn sandboxed(desk: &Desk, args: &[&str]) -> Ended {
    desk.run_as(args, &PLACE)
}

/// The address and the action of every step of a plan as JSON.
fn actions(plan: &Json) -> Vec<(String, String)> {
    let text = |change: &Json, key: &str| change[key].as_str().unwrap().to_owned();
    let changes = plan["changes"].as_array().unwrap();
    changes.iter().map(|change| (text(change, "address"), text(change, "action"))).collect()
}

/// A file of this repository.
fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

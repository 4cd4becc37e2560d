//! One binary that reads MDAA's `sm-studio-domain` YAML and makes an AWS account match it.
//!
//! ```text
//! text ─parse→ Document ─resolve→ Config ─desire→ Graph ─observe→ Snapshot ─plan→ Plan ─apply→ Report
//!       pure             reads           pure           reads              pure        writes
//! ```
//!
//! Everything is decided by [`plan`], which is pure; only [`apply`](mod@apply) writes. Destroy is the same line with an
//! empty graph. The modules stand in the order of the line, and behind them what the line stands on.

// The line; what is decided on it stands in a crate of its own, which knows neither the SDK nor a file nor a clock.
pub use studio_core::{cloud, config, digest, escape, failure, gate, hint, model, naming, plan, wording};
pub use studio_files as files;
pub mod assets;
pub mod preflight;
pub mod apply;

// The account: the seam, what each kind is, and the SDK.
pub mod resource;
pub mod aws;

// One deployment, and many, from files to report.
pub mod deploy;

// The people and pipelines in front of it.
pub mod ui;
pub mod cli;

// An AWS to try it on; nothing above knows it.
#[cfg(feature = "sandbox")]
pub mod sandbox;

#[cfg(test)]
mod testing;

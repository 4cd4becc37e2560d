//! The decisions of studio-deploy, as pure functions over data.
//!
//! ```text
//! text ─parse→ Document ─resolve→ Config ─desire→ Graph ─observe→ Snapshot ─plan→ Plan ─apply→ Report
//!       pure             reads           pure           reads              pure        writes
//! ```
//!
//! The pure stages of the line: no SDK, no runtime, no file and no clock, which the dependencies of this crate hold it
//! to. Whoever calls reads what has to be read and hands it in.

pub mod config;
pub mod naming;
pub mod model;
pub mod plan;
pub mod gate;
pub mod cloud;

// What may be said about it.
pub mod digest;
pub mod escape;
pub mod failure;
pub mod hint;
pub mod wording;

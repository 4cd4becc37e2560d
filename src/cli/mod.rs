//! The command line: what may be said on it, how a run ends, and what is said when it does not end well.

pub mod args;
pub mod codes;
pub mod exit;
pub mod failure;

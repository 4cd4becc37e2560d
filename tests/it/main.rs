//! The integration tests: one binary, so that the SDK is linked once.
//!
//! `laws` says what must hold after any command, `properties` what must hold for any plan, and `faults` what must hold
//! whatever goes wrong on the way; `tidy` holds the source to ARCHITECTURE.md and the README, and `cli` runs
//! the real program. Everything is hermetic:
//! each test has an account of its own inside the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cli;
mod faults;
mod laws;
mod moto;
mod properties;
mod support;
mod tidy;

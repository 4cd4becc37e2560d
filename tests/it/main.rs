//! The integration tests: one binary, so that the SDK is linked once.
//!
//! `laws` says what must hold after any command, `properties` what must hold for any plan, `references` and `given` for
//! whatever a config names, and `faults` what must hold whatever goes wrong on the way, `denied` what a refused read must never come to,
//! `simulation` plays whole stories of all of it, `hostile` what no text from outside may do, `exit_codes` how each command can end,
//! `calls` how many calls they take, `pace` how long they would take, `fingerprints` that what is not asked for is as it was, `hints` what comes of every command that is told, `counts` whether runs count as plans do, `words` what becomes of what people write;
//! `contract` and `independent` hold what is made against MDAA, `tidy` holds the source to
//! ARCHITECTURE.md and the README, `cli` runs the real program, `pipelines` the files of `docs/ci` as a runner would, and
//! `behaviour` is how AWS hurts people today, row by row of `docs/behaviour.md`. Everything is hermetic: each test has an account
//! of its own inside the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod behaviour;
mod calls;
mod cli;
mod contract;
mod convergence;
mod counts;
mod denied;
mod drift;
mod exit_codes;
mod faults;
mod fingerprints;
mod fleet;
mod given;
mod hints;
mod hostile;
mod independent;
mod laws;
mod moto;
mod pace;
mod permissions;
mod pipelines;
mod properties;
mod references;
mod screens;
mod silence;
mod simulation;
mod support;
mod tidy;
mod words;

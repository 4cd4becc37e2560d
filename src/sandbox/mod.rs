//! The one place where the product and the emulator meet: the sandbox as the AWS of a run, and its own commands.

pub mod backend;
pub mod command;
pub mod needed;

pub use studio_sandbox::core::{
    authorization, faults, front, hostile, http_client, policy, records, seed, serve, sleep, store, wire, world,
};
pub use studio_sandbox::studio;

//! The one place where the product and the emulator meet: the sandbox as the AWS of a run, and its own commands.

pub mod backend;
pub mod command;
pub mod needed;

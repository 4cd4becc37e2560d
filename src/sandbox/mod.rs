//! The one place where the product and the emulator meet: the sandbox as the AWS of a run, and what a config needs in it.

pub mod backend;
pub mod needed;

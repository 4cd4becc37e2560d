//! One binary that reads MDAA's `sm-studio-domain` YAML and makes an AWS account match it.

pub mod config;
pub mod model;
pub mod naming;
#[cfg(feature = "sandbox")]
pub mod sandbox;

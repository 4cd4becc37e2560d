//! One binary that reads MDAA's `sm-studio-domain` YAML and makes an AWS account match it.

pub mod apply;
pub mod assets;
pub mod aws;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod model;
pub mod naming;
pub mod plan;
pub mod preflight;
pub mod resolve;
pub mod resource;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod ui;

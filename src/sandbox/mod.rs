//! The embedded AWS behind `--sandbox`.
//!
//! It answers the SDK's real HTTP requests: `http_client` and `serve` take them in, `front` finds out who asks which
//! service for what, a service answers from the one [`world::World`], and `store` writes down what changed before the
//! answer leaves. One request is one synchronous turn. `faults` and `lag` make it as unpleasant as AWS can be.

pub mod authorization;
pub mod backend;
pub mod command;
pub mod faults;
pub mod front;
pub mod hostile;
pub mod http_client;
mod journal;
pub mod needed;
pub mod policy;
pub mod records;
pub mod seed;
pub mod serve;
pub mod sleep;
pub mod store;
pub mod studio;
pub mod wire;
pub mod world;

mod cloudformation;
mod ec2;
mod ec2_groups;
mod ec2_rules;
mod ec2_shared;
mod efs;
mod iam;
mod iam_members;
mod iam_policies;
mod kms;
mod kms_access;
mod kms_aliases;
mod kms_grants;
mod lag;
mod protocol;
mod s3;
mod s3_access;
mod s3_access_lists;
mod s3_buckets;
mod s3_configurations;
mod s3_lists;
mod s3_multipart;
mod s3_objects;
mod service;
mod ssm;
mod ssm_names;
mod sts;
mod tagging;
#[cfg(test)]
mod testing;
mod xml;

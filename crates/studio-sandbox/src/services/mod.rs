//! The services besides SageMaker, each as far as a Studio environment meets it.

pub mod cloudformation;
pub mod ec2;
pub mod ec2_groups;
pub mod ec2_rules;
pub mod ec2_shared;
pub mod efs;
pub mod iam;
pub mod iam_members;
pub mod iam_policies;
pub mod kms;
pub mod kms_access;
pub mod kms_aliases;
pub mod kms_grants;
pub mod s3;
pub mod s3_access;
pub mod s3_access_lists;
pub mod s3_buckets;
pub mod s3_configurations;
pub mod s3_lists;
pub mod s3_multipart;
pub mod s3_objects;
pub mod ssm;
pub mod ssm_names;
pub mod sts;
pub mod tagging;

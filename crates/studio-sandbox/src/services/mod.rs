//! The services besides SageMaker, each as far as a Studio environment meets it.

pub(crate) mod cloudformation;
pub(crate) mod ec2;
pub(crate) mod ec2_groups;
pub(crate) mod ec2_rules;
pub(crate) mod ec2_shared;
pub(crate) mod efs;
pub(crate) mod iam;
pub(crate) mod iam_members;
pub(crate) mod iam_policies;
pub(crate) mod kms;
pub(crate) mod kms_access;
pub(crate) mod kms_aliases;
pub(crate) mod kms_grants;
pub(crate) mod s3;
pub(crate) mod s3_access;
pub(crate) mod s3_access_lists;
pub(crate) mod s3_buckets;
pub(crate) mod s3_configurations;
pub(crate) mod s3_lists;
pub(crate) mod s3_multipart;
pub(crate) mod s3_objects;
pub(crate) mod ssm;
pub(crate) mod ssm_names;
pub(crate) mod sts;
pub(crate) mod tagging;

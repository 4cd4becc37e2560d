//! What IAM has to allow: each kind says in its own file what its verbs call; what all of them share stands here.
//!
//! Action names follow the service authorization reference, which differs from the API's in places: `HeadBucket` needs
//! `s3:ListBucket`. A law test compares what runs call with what is declared.

use super::{KINDS, Names};
use crate::model::Deployment;
use crate::naming;

/// What is allowed on which resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// ARNs, as IAM's policies name resources.
    pub resources: Vec<String>,
    /// To look: what a plan needs.
    pub read: &'static [&'static str],
    /// To make and to change.
    pub write: &'static [&'static str],
    /// To delete and to let go.
    pub delete: &'static [&'static str],
}

/// Everything that plan, apply and destroy need.
pub fn all(deployment: &Deployment, names: &Names) -> Vec<Grant> {
    let mut grants = shared(deployment, names);
    grants.extend(of_stack(deployment));
    grants.extend(KINDS.iter().flat_map(|kind| kind.grants(deployment, names)));
    grants
}

/// What is asked of the stack that something is taken over from.
fn of_stack(deployment: &Deployment) -> Vec<Grant> {
    let stack = naming::Names::from(deployment).stack(None);
    vec![
        Grant {
            resources: vec![deployment.arn("cloudformation", &format!("stack/{stack}/*"))],
            read: &["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
            write: &[],
            delete: &[],
        },
        // It knows no resources (service authorization reference, "AWS CloudFormation").
        Grant { resources: vec!["*".into()], read: &["cloudformation:ListImports"], write: &[], delete: &[] },
    ]
}

/// What is called beside the kinds: who the caller is, what the config refers to, the record and the lock.
fn shared(deployment: &Deployment, names: &Names) -> Vec<Grant> {
    vec![
        Grant {
            resources: vec!["*".into()],
            read: &[
                "sts:GetCallerIdentity",
                "iam:ListRoles",
                "iam:SimulatePrincipalPolicy",
                "tag:GetResources",
                // What the preflight looks at; without these it says less.
                "ec2:DescribeManagedPrefixLists",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
                "sagemaker:ListMlflowTrackingServers",
            ],
            write: &[],
            delete: &[],
        },
        Grant {
            resources: ["image/*", "image-version/*", "app-image-config/*"]
                .map(|any| deployment.arn("sagemaker", any))
                .into(),
            read: &["sagemaker:DescribeImage", "sagemaker:DescribeImageVersion", "sagemaker:DescribeAppImageConfig"],
            write: &[],
            delete: &[],
        },
        Grant {
            // Roles and parameters of any name may be referred to.
            resources: vec![deployment.iam_arn("role/*"), deployment.arn("ssm", "parameter/*")],
            read: &["iam:GetRole", "ssm:GetParameter", "ssm:GetParameters"],
            write: &[],
            delete: &[],
        },
        Grant {
            resources: vec![deployment.arn("ssm", &format!("parameter{}/*", names.record))],
            read: &["ssm:GetParameter"],
            write: &["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:DeleteParameter"],
            delete: &["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:DeleteParameter"],
        },
    ]
}

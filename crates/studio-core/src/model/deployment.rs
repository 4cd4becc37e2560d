//! The identity of an environment, and the account and region that hold it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The identity of one environment: MDAA's four names, and the account and region that hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// MDAA's organisation name, lower case.
    pub org: String,
    /// MDAA's environment name, lower case.
    pub env: String,
    /// MDAA's data domain name (not the Studio domain), lower case.
    pub domain: String,
    /// MDAA's module name, lower case.
    pub module: String,
    /// The twelve digits of the account.
    pub account: String,
    /// The region.
    pub region: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …: from the caller's own ARN.
    pub partition: String,
}

impl Deployment {
    /// The value of the `studio-deploy:deployment` tag: `org/env/domain/module@region`.
    pub fn tag(&self) -> String {
        format!("{self}@{}", self.region)
    }

    /// An ARN of this partition, region and account.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    /// An IAM ARN of this partition and account.
    pub fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }
}

/// The partition of a region, by what the region's name begins with; those that are not listed are commercial.
///
/// Sources: AWS fault isolation boundaries, "AWS Partitions"; botocore's `partitions.json`.
/// The emulator has a table of its own, on purpose: what both took from one place could be wrong in both.
pub fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// `org/env/domain/module`: what people type to confirm.
impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.org, self.env, self.domain, self.module)
    }
}

#[cfg(test)]
mod tests {
    use super::{Deployment, partition_of};

    #[test]
    fn a_region_says_its_partition() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("us-east-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition_of(region), partition);
        }
    }

    #[test]
    fn a_deployment_is_named_by_four_words_and_its_place() {
        let [org, env, domain, module, account, region, partition] =
            ["acme", "dev", "ml", "studio", "111122223333", "cn-north-1", "aws-cn"].map(str::to_owned);
        let deployment = Deployment { org, env, domain, module, account, region, partition };
        assert_eq!(deployment.to_string(), "acme/dev/ml/studio");
        assert_eq!(deployment.tag(), "acme/dev/ml/studio@cn-north-1");
        assert_eq!(deployment.arn("kms", "key/1"), "arn:aws-cn:kms:cn-north-1:111122223333:key/1");
        assert_eq!(deployment.iam_arn("role/a"), "arn:aws-cn:iam::111122223333:role/a");
    }
}

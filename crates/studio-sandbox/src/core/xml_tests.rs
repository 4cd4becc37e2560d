//! Every text that a service with XML answers with comes through the SDK as it was, whatever XML can hold stands in it.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, Tag, Tagging, VersioningConfiguration,
};

use super::super::faults::Faults;
use super::super::front::{Sandbox, SandboxOptions};
use super::super::testing::seeded;
use crate::services::cloudformation::{STACKS, StackRecord};

/// Everything that XML can hold and a reader may take for something else: line ends of all kinds, control characters that
/// XML allows, what is not seen, markup, references, and blanks at both ends.
const AWKWARD: &str = " \t\r\n\r\u{7f}\u{80}\u{85}\u{9f}\u{a0}\u{ad}\u{2028}\u{2029}\u{202e}\u{feff}\u{fffd}\u{d7ff}\u{e000}\
    \u{10000}\u{10ffff}<a>&amp;&#13;<![CDATA[x]]>\"'%0A+ \n\t ";

/// Members that are no text: dates, numbers, and what a request repeats.
const TYPED: [&str; 13] = [
    "CreateDate",
    "CreationDate",
    "CreationTime",
    "LastModified",
    "UpdateDate",
    "Size",
    "MaxKeys",
    "KeyCount",
    "IsTruncated",
    "IsLatest",
    "Days",
    "MaxSessionDuration",
    "BucketKeyEnabled",
];

/// Answers, or why there are none, as Rust shows them.
macro_rules! shown {
    ($($client:ident.$operation:ident($($set:ident = $value:expr),*)),* $(,)?) => {
        vec![$((
            stringify!($operation),
            match $client.$operation()$(.$set($value))*.send().await {
                Ok(answer) => format!("{answer:?}"),
                Err(error) => format!("refused: {error:?}"),
            },
        )),*]
    };
}

/// An account with one of everything.
async fn account() -> Sandbox {
    let sandbox = seeded(SandboxOptions::default());
    let config = sandbox.sdk_config().build();
    let iam = aws_sdk_iam::Client::new(&config);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let tag = aws_sdk_iam::types::Tag::builder().key("owner").value("me").build().unwrap();
    iam.tag_role().role_name("execution").tags(tag.clone()).send().await.unwrap();
    iam.update_role().role_name("execution").description("d").send().await.unwrap();
    iam.put_role_policy().role_name("execution").policy_name("in").policy_document(all).send().await.unwrap();
    iam.create_policy().policy_name("p").policy_document(all).description("d").tags(tag).send().await.unwrap();
    iam.attach_role_policy()
        .role_name("execution")
        .policy_arn("arn:aws:iam::123456789012:policy/p")
        .send()
        .await
        .unwrap();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let group = ec2.create_security_group().group_name("g").description("d").vpc_id("vpc-1").send().await.unwrap();
    let tag = aws_sdk_ec2::types::Tag::builder().key("owner").value("me").build();
    ec2.create_tags().resources(group.group_id.unwrap()).tags(tag).send().await.unwrap();
    let s3 = aws_sdk_s3::Client::new(&config);
    s3.create_bucket().bucket("home").send().await.unwrap();
    let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket("home").versioning_configuration(versioning).send().await.unwrap();
    let tags = Tagging::builder().tag_set(Tag::builder().key("k").value("v").build().unwrap()).build().unwrap();
    s3.put_bucket_tagging().bucket("home").tagging(tags).send().await.unwrap();
    let rule = LifecycleRule::builder().id("r").filter(LifecycleRuleFilter::builder().prefix("x/").build());
    let rule = rule.status(ExpirationStatus::Enabled).expiration(LifecycleExpiration::builder().days(1).build());
    let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap()).build().unwrap();
    s3.put_bucket_lifecycle_configuration().bucket("home").lifecycle_configuration(rules).send().await.unwrap();
    s3.put_object().bucket("home").key("a/k").send().await.unwrap();
    s3.put_object().bucket("home").key("k").send().await.unwrap();
    s3.delete_object().bucket("home").key("k").send().await.unwrap();
    let stack = StackRecord {
        id: "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1".into(),
        name: "s".into(),
        status: "CREATE_COMPLETE".into(),
        template: "Resources: {}".into(),
        tags: [("k".to_owned(), "v".to_owned())].into(),
        exports: [("e".to_owned(), vec!["other".to_owned()])].into(),
        ..StackRecord::default()
    };
    sandbox.with_world(|world| world.put(STACKS, &stack.id.clone(), &stack)).unwrap();
    sandbox
}

/// The answers of every reading call of the services with XML, and the refusals of some.
async fn ask(sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    let config = sandbox.sdk_config().retry_config(aws_types::sdk_config::RetryConfig::disabled()).build();
    let iam = aws_sdk_iam::Client::new(&config);
    let sts = aws_sdk_sts::Client::new(&config);
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let s3 = aws_sdk_s3::Client::new(&config);
    let stacks = aws_sdk_cloudformation::Client::new(&config);
    let policy = "arn:aws:iam::123456789012:policy/p";
    shown![
        iam.get_role(role_name = "execution"),
        iam.get_role(role_name = "gone"),
        iam.list_roles(),
        iam.list_role_tags(role_name = "execution"),
        iam.get_role_policy(role_name = "execution", policy_name = "in"),
        iam.list_role_policies(role_name = "execution"),
        iam.list_attached_role_policies(role_name = "execution"),
        iam.get_policy(policy_arn = policy),
        iam.list_policies(),
        iam.get_policy_version(policy_arn = policy, version_id = "v1"),
        iam.list_policy_versions(policy_arn = policy),
        iam.list_policy_tags(policy_arn = policy),
        iam.list_entities_for_policy(policy_arn = policy),
        sts.get_caller_identity(),
        ec2.describe_vpcs(),
        ec2.describe_subnets(),
        ec2.describe_availability_zones(),
        ec2.describe_prefix_lists(),
        ec2.describe_security_groups(),
        ec2.describe_security_groups(group_ids = "sg-0123456789abcdef0"),
        ec2.describe_security_group_rules(),
        ec2.describe_route_tables(),
        ec2.describe_tags(),
        s3.list_buckets(),
        s3.get_bucket_tagging(bucket = "home"),
        s3.get_bucket_tagging(bucket = "gone"),
        s3.get_bucket_versioning(bucket = "home"),
        s3.get_bucket_encryption(bucket = "home"),
        s3.get_bucket_lifecycle_configuration(bucket = "home"),
        s3.list_objects_v2(bucket = "home", delimiter = "/"),
        s3.list_objects(bucket = "home"),
        s3.list_object_versions(bucket = "home"),
        stacks.describe_stacks(stack_name = "s"),
        stacks.describe_stacks(stack_name = "gone"),
        stacks.get_template(stack_name = "s"),
        stacks.list_imports(export_name = "e"),
    ]
}

#[tokio::test]
async fn every_text_comes_through_the_sdk() {
    let sandbox = account().await;
    sandbox.set_faults("hostile=none".parse().unwrap());
    let clean = ask(&sandbox).await;
    // What stands within a policy is IAM's to encode; the policy as a whole is among the texts.
    let is_other =
        |place: &str| place.contains("Document.") || TYPED.iter().any(|typed| place.ends_with(&format!(".{typed}")));
    let places: BTreeSet<String> = sandbox.texts().into_iter().filter(|place| !is_other(place)).collect();
    let awkward = format!("{AWKWARD:?}");
    let awkward = awkward.trim_matches('"');
    let mut lost = Vec::new();
    for place in &places {
        sandbox.set_faults(Faults::awkward(place, AWKWARD));
        let spoilt = ask(&sandbox).await;
        let is_there =
            |(said, before): (&(&str, String), &(&str, String))| said.1 != before.1 && said.1.contains(awkward);
        if !spoilt.iter().zip(&clean).any(is_there) {
            let changed = spoilt.iter().zip(&clean).find(|(said, before)| said.1 != before.1);
            lost.push(format!("{place}: {:?}", changed.map(|(said, _)| said)));
        }
    }
    assert!(lost.is_empty() && places.len() > 120, "{} of {}\n{}", lost.len(), places.len(), lost.join("\n"));
    println!("{} texts of {} answers", places.len(), clean.len());
}

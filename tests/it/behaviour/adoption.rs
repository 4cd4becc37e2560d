//! Taking over what MDAA made: with the key that the data is encrypted with, and nothing of anybody else's. The stack that it
//! comes from is in `stacks`.

use serde_json::{Value as Json, json};

use super::{BASE, PLAN, alter, count, deployed, disown, faults, put};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;
use crate::support::ended::Ended;

pub const ADOPT: &[&str] = &["apply", "--auto-approve", "--adopt"];
pub const STACK: &str = "acme-dev-ml-studio";
pub const STACK_ID: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/acme-dev-ml-studio/0f1e2d";
/// An environment as MDAA leaves it: with its tags, and CloudFormation's on everything that CloudFormation tags.
pub fn of_mdaa() -> Lab {
    let lab = deployed();
    disown(&lab);
    by_cloudformation(&lab);
    super::lose_record(&lab);
    lab
}

fn by_cloudformation(lab: &Lab) {
    fn tag(json: &mut Json) {
        match json {
            Json::Object(members) if members.contains_key("mdaa_org") => {
                members.insert("aws:cloudformation:stack-name".into(), json!(STACK));
                members.insert("aws:cloudformation:stack-id".into(), json!(STACK_ID));
                members.insert("aws:cloudformation:logical-id".into(), json!("Thing"));
            }
            Json::Object(members) => members.values_mut().for_each(tag),
            Json::Array(items) => items.iter_mut().for_each(tag),
            _ => {}
        }
    }
    every(lab, |_, json| tag(json));
}

/// Changes every record of the account.
pub fn every(lab: &Lab, change: impl Fn(&str, &mut Json)) {
    let changed = lab.sandbox.with_world(|world| {
        let records = world.records("").map(|(table, key, json)| (table.to_owned(), key.to_owned(), json.clone()));
        for (table, key, mut json) in records.collect::<Vec<_>>() {
            change(&table, &mut json);
            world.put(&table, &key, &json);
        }
    });
    changed.unwrap();
}

/// Operations that wrote, the record and the parameters of this environment's own names aside.
pub fn touched(ended: &Ended) -> Vec<&str> {
    let writes = ended.writes().into_iter().filter(|call| call.service != "ssm");
    writes.map(|call| call.operation.as_str()).collect()
}

/// The one key that the deployment made.
fn key(lab: &Lab) -> String {
    lab.tables()["kms/key"].iter().find(|(_, key)| !key["tags"]["mdaa_org"].is_null()).unwrap().0.clone()
}

#[test]
fn a_key_that_mdaa_left_is_found_by_its_tags() {
    let adopted = of_mdaa();
    // MDAA's own destroy keeps the bucket and the key, and deletes all else, the alias too.
    let mut left = adopted.tables();
    left.retain(|table, _| !["studio/", "efs/", "kms/alias", "ssm/"].iter().any(|gone| table.starts_with(gone)));
    left.get_mut("iam/role").unwrap().retain(|_, role| role["tags"]["mdaa_org"].is_null());
    left.get_mut("iam/policy").unwrap().retain(|_, policy| policy["tags"]["mdaa_org"].is_null());
    left.get_mut("ec2/security-group").unwrap().retain(|id, _| id.len() != 20);
    left.get_mut("s3/bucket").unwrap().values_mut().for_each(|bucket| bucket["policy"] = Json::Null);
    let lab = || Lab::like(&left);
    let id = key(&lab());

    let one = lab();
    let ended = one.run(APPLY, BASE).expect(5);
    ended.assert_says("kms_key.efs");
    let ended = one.run(ADOPT, BASE).expect(0);
    assert_eq!((count(&ended, "CreateKey"), count(&ended, "PutBucketEncryption")), (0, 0));
    assert_eq!(one.tables()["kms/alias"]["alias/acme-dev-ml-studio-efs"]["key"], json!(id));
    one.run(PLAN, BASE).expect(0);

    // Of several the one that the bucket is encrypted with.
    let second = |lab: &Lab| {
        let mut other = lab.tables()["kms/key"][&id].clone();
        let second = id.replace(|c: char| c.is_ascii_digit(), "a");
        other["id"] = json!(second);
        put(lab, "kms/key", &second, &other);
        second
    };
    let two = lab();
    second(&two);
    let ended = two.run(ADOPT, BASE).expect(0);
    assert_eq!(count(&ended, "PutBucketEncryption"), 0);
    assert_eq!(two.tables()["kms/alias"]["alias/acme-dev-ml-studio-efs"]["key"], json!(id));
    // Nobody can tell which where nothing uses them.
    let unused = lab();
    let other = second(&unused);
    let bucket = unused.tables()["s3/bucket"].iter().find(|(_, b)| !b["tags"]["mdaa_org"].is_null()).unwrap().0.clone();
    unused.sandbox.with_world(|world| world.remove("s3/bucket", &bucket)).unwrap();
    let ended = unused.run(ADOPT, BASE).expect(5);
    assert!(ended.writes().is_empty());
    ended.assert_says(&format!("{id} (nothing was found that it encrypts)"));
    ended.assert_says(&format!("{other} (nothing was found that it encrypts)"));
    ended.assert_says("aws kms create-alias --alias-name alias/acme-dev-ml-studio-efs --target-key-id KEY");
    // One that is on its way out, or switched off, serves nobody until somebody says so.
    for (member, value, hint) in [
        ("enabled", json!(false), "aws kms enable-key"),
        ("deletion_at", json!(9_999_999_999_999_i64), "aws kms cancel-key-deletion"),
    ] {
        let off = lab();
        alter(&off, "kms/key", &id, member, &value);
        let ended = off.run(ADOPT, BASE).expect(5);
        assert!(ended.writes().is_empty());
        ended.assert_says(hint);
        let named = off.run(&["apply", "--auto-approve", "--adopt=bucket.sharing"], BASE).expect(5);
        assert!(named.writes().is_empty());
    }
}

#[test]
fn a_bucket_never_changes_its_key_in_silence() {
    let lab = of_mdaa();
    let stranger = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000";
    every(&lab, |table, json| {
        if table == "s3/bucket" && !json["tags"]["mdaa_org"].is_null() {
            let of_bucket = json["configurations"]["encryption"].as_str().unwrap();
            let (before, rest) = of_bucket.split_once("<KMSMasterKeyID>").unwrap();
            let (_, after) = rest.split_once('<').unwrap();
            json["configurations"]["encryption"] = json!(format!("{before}<KMSMasterKeyID>{stranger}<{after}"));
        }
    });
    let ended = lab.run(ADOPT, BASE).expect(5);
    assert!(ended.writes().is_empty());
    ended.assert_says("nobody can read it without that key");
    ended.assert_says(&format!("kmsKeyArn: {stranger}"));
    // What is ours already was moved by hand: it comes back, and the plan says what stays behind.
    let lab = deployed();
    let bucket = lab.tables()["s3/bucket"].iter().find(|(_, b)| !b["tags"]["mdaa_org"].is_null()).unwrap().0.clone();
    let mut settings = lab.tables()["s3/bucket"][&bucket]["configurations"].clone();
    let own = format!("arn:aws:kms:us-east-1:123456789012:key/{}", key(&lab));
    settings["encryption"] = json!(settings["encryption"].as_str().unwrap().replace(&own, stranger));
    alter(&lab, "s3/bucket", &bucket, "configurations", &settings);
    let ended = lab.run(APPLY, BASE).expect(0);
    ended.assert_says(&format!("is encrypted with the key {stranger}"));
    assert_eq!(count(&ended, "PutBucketEncryption"), 1);
}

#[test]
fn words_that_join_to_the_same_names_are_another_environment() {
    let (one, other) = (["acme", "dev", "ml-x", "studio"], ["acme", "dev-ml", "x", "studio"]);
    let identity = |words: [&'static str; 4]| {
        let options = ["--org", "--env", "--domain", "--module"];
        options.into_iter().zip(words).flat_map(|(option, word)| [option, word]).collect::<Vec<_>>()
    };
    let run = |lab: &Lab, words, line: &[&str]| {
        let config = lab.config(BASE);
        lab.command_as(&[line, &[&config]].concat(), &identity(words))
    };
    for (is_of_mdaa, is_untagged) in [(false, false), (true, false), (true, true)] {
        let lab = Lab::new();
        run(&lab, one, APPLY).expect(0);
        if is_of_mdaa {
            disown(&lab);
        }
        if is_untagged {
            // As MDAA leaves policies and scripts.
            every(&lab, |table, json| {
                if matches!(table, "iam/policy" | "studio/lifecycle-config") {
                    json["tags"] = json!({});
                }
            });
        }
        let plan = run(&lab, other, &["plan", "--adopt"]).expect(0);
        let owner =
            if is_of_mdaa { "MDAA's environment acme/dev/ml-x/studio" } else { "acme/dev/ml-x/studio@us-east-1" };
        plan.assert_says(owner);
        let addresses = [
            "execution_role.default",
            "kms_key.efs",
            "bucket.sharing",
            "domain.studio",
            "user_profile.ann",
            "lifecycle_config.jupyterLab",
            "execution_policy.basic",
        ];
        let named: Vec<String> = addresses.iter().map(|address| format!("--adopt={address}")).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        for flags in
            [&["--adopt"][..], &["--adopt", "--skip-blocked"], &named, &[&named[..], &["--skip-blocked"]].concat()]
        {
            let before = lab.tables();
            let ended = run(&lab, other, &[APPLY, flags].concat());
            assert_ne!(ended.code, 0, "{flags:?}");
            assert_eq!(touched(&ended), [""; 0], "{flags:?}");
            let after = lab.tables();
            for table in ["iam/role", "iam/policy", "kms/key", "s3/bucket", "studio/domain", "studio/user-profile"] {
                assert_eq!(before[table], after[table], "{flags:?}: {table}");
            }
        }
    }
}

#[test]
fn a_namesake_in_another_vpc_is_nobodys_business() {
    let made = deployed().tables()["ec2/security-group"].clone();
    let name = made.values().find(|group| group["description"] == "acme-dev-ml-studio/security-group").unwrap()["name"]
        .clone();
    let namesake = |lab: &Lab, vpc: &str, tags: Json| {
        let id = format!("sg-ffff{vpc}");
        let group = json!({"id": id, "name": name, "description": "theirs", "vpc": vpc, "tags": tags,
            "rules": {}, "held_until": 0});
        put(lab, "ec2/security-group", &id, &group);
    };
    let stranger = json!({"aws:cloudformation:stack-name": "theirs"});
    let lab = Lab::new();
    lab.run(&["plan"], BASE).expect(0);
    for tags in [json!({}), stranger.clone()] {
        namesake(&lab, "vpc-9", tags);
        lab.run(&["plan"], BASE).expect(0);
    }
    lab.run(APPLY, BASE).expect(0);
    lab.run(PLAN, BASE).expect(0);
    let theirs = lab.tables()["ec2/security-group"]["sg-ffffvpc-9"].clone();
    lab.run(crate::support::account::DESTROY, BASE).expect(0);
    assert_eq!(lab.tables()["ec2/security-group"]["sg-ffffvpc-9"], theirs);
    // MDAA's own is the one that is taken over.
    let lab = of_mdaa();
    namesake(&lab, "vpc-9", stranger.clone());
    lab.run(ADOPT, BASE).expect(0);
    lab.run(PLAN, BASE).expect(0);
    // In the same VPC the name is taken.
    let lab = Lab::new();
    lab.run(&["plan"], BASE).expect(0);
    namesake(&lab, "vpc-1", stranger);
    lab.run(APPLY, BASE).expect(5).assert_says("the CloudFormation stack theirs owns it");
}

#[test]
fn what_the_config_no_longer_names_is_mentioned_and_left() {
    let lab = of_mdaa();
    let less = edit(BASE, "    ben: {userRole: {name: users}}\n", "");
    let less = edit(&less, "  lifecycleConfigs:\n    jupyterLab: {cmds: [echo one]}\n", "");
    let ended = lab.run(&["plan", "--adopt"], &less).expect(0);
    for what in ["the user profile ben", "the lifecycle config acme-dev-ml-studio", "the parameter /acme/ml"] {
        ended.assert_says(&format!("MDAA made {what}"));
    }
    let ended = lab.run(ADOPT, &less).expect(0);
    let gone = ["DeleteUserProfile", "DeleteStudioLifecycleConfig", "DeleteParameter", "DeleteParameters"];
    assert_eq!(gone.map(|operation| count(&ended, operation)), [0; 4]);
    // The script that MDAA set as the default still runs, and the config says nothing of it.
    lab.run(PLAN, &less).expect(2).assert_says("DefaultResourceSpec.LifecycleConfigArn");
}

#[test]
fn what_may_not_be_tagged_behind_a_domain_is_a_notice() {
    for (denied, what) in
        [("elasticfilesystem:TagResource", "the home file system"), ("ec2:CreateTags", "the NFS security groups")]
    {
        let lab = Lab::new();
        faults(&lab, &format!("deny={denied}"));
        let before = lab.sandbox.virtual_now();
        let ended = lab.run(APPLY, BASE).expect(8);
        ended.assert_says(&format!("{what} could not be tagged"));
        // A domain is made in minutes; nothing is waited for afterwards.
        assert!(lab.sandbox.virtual_now() - before < 400_000, "{}", lab.sandbox.virtual_now() - before);
        assert_eq!(lab.tables()["studio/user-profile"].len(), 2);
        // Allowed again, what is missing is all that is done.
        let ended = lab.run(APPLY, BASE).expect(0);
        assert_eq!(touched(&ended).len(), 1, "{:?}", touched(&ended));
        lab.run(PLAN, BASE).expect(0);
    }
}

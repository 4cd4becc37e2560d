//! Things that a config gives and does not make: the bucket, the network, images. Each is looked up before the first
//! write. What is not there, is somebody else's, or lies elsewhere ends the run at its line, and what is shared on
//! purpose serves.

use serde_json::{Value as Json, json};
use studio_sandbox::World;
use studio_sandbox::{Seed, SeedRole, SeedSubnet};

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::ended::Ended;

const HOME: &str = "123456789012";
const THEIRS: &str = "999988887777";
const OUR_GROUP: &str = "sg-00000001";
const THEIR_GROUP: &str = "sg-00000002";

/// Two accounts with a network, roles and buckets each.
fn lab() -> Lab {
    let lab = Lab::new();
    let role = |name: &str| SeedRole { name: name.into(), ..SeedRole::default() };
    let network = |mark: &str, group: &str| Seed {
        vpcs: vec![format!("vpc-{mark}")],
        subnets: ["1", "2"].map(|n| SeedSubnet { id: format!("subnet-{mark}{n}"), vpc: format!("vpc-{mark}") }).into(),
        security_groups: vec![(group.to_owned(), format!("vpc-{mark}"))],
        ..Seed::default()
    };
    let theirs =
        Seed { roles: vec![role("uploader")], buckets: vec!["their-bucket".into()], ..network("theirs", THEIR_GROUP) };
    let home = Seed {
        roles: ["admin", "users", "uploader"].map(role).into(),
        buckets: vec!["given-bucket".into()],
        others: [(THEIRS.to_owned(), theirs)].into(),
        ..network("ours", OUR_GROUP)
    };
    lab.sandbox.found(HOME, "us-east-1").unwrap();
    lab.sandbox.seed(&home).unwrap();
    let all = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}).to_string();
    change(&lab, |world| {
        alter(world, "iam/role", "uploader", "inline", json!({"write": all}));
        world.within(THEIRS, |world| alter(world, "iam/role", "uploader", "inline", json!({"write": all})));
    });
    // What was there all along no read lags behind.
    lab.sandbox.seed(&Seed::default()).unwrap();
    lab
}

fn change(lab: &Lab, change: impl FnOnce(&mut World)) {
    lab.sandbox.with_world(change).unwrap();
    lab.sandbox.seed(&Seed::default()).unwrap();
}

fn alter(world: &mut World, table: &str, key: &str, member: &str, value: Json) {
    let mut record: Json = world.get(table, key).unwrap();
    record[member] = value;
    world.put(table, key, &record);
}

/// Lets principals of these accounts do everything with a bucket.
fn open(lab: &Lab, bucket: &str, principals: &[&str]) {
    let resources = [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
    let policy = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "s3:*", "Resource": resources}});
    change(lab, |world| alter(world, "s3/bucket", bucket, "policy", json!(policy.to_string())));
}

#[track_caller]
fn is_refused(ended: &Ended, line: usize, why: &[&str]) {
    let said = ended.said();
    assert_eq!(ended.code, 4, "{said}");
    assert!(ended.writes().is_empty(), "{:?}", ended.writes());
    for why in why {
        assert!(said.contains(why), "it does not say `{why}`:\n{said}");
    }
    assert!(said.contains(&format!("studio.yaml:{line}")), "it does not name line {line}:\n{said}");
}

/// A config that gives a bucket, at line 5, and uploads something or nothing.
fn with_bucket(bucket: &str, role: &str, uploads: bool) -> String {
    let assets =
        "  lifecycleConfigs: {jupyterLab: {assets: {testing: {sourcePath: ./testing_asset_dir}}, cmds: [echo]}}\n";
    format!(
        "domain:\n  authMode: IAM\n  vpcId: vpc-ours\n  subnetIds: [subnet-ours1]\n  domainBucket: {{domainBucketName: {bucket}, \
         assetDeploymentRole: {{arn: 'arn:aws:iam::{role}'}}}}\n  dataAdminRoles: [{{name: admin}}]\n  userProfiles: {{ann: \
         {{userRole: {{name: users}}}}}}\n{}",
        if uploads { assets } else { "" }
    )
}

#[test]
fn a_given_bucket_is_looked_up_before_the_first_write() {
    let own = format!("{HOME}:role/uploader");
    let their = format!("{THEIRS}:role/uploader");
    let mut cases = 0;
    for uploads in [true, false] {
        for command in [&["plan"][..], APPLY, &["diff"], &["drift"]] {
            cases += 1;
            let ended = lab().run(command, &with_bucket("no-such-bucket", &own, uploads));
            is_refused(&ended, 5, &["SD1106", "the bucket no-such-bucket does not exist"]);
        }
    }
    // In another region: whatever S3 answers, it names the region.
    let lab_of = |region: &str| {
        let lab = lab();
        change(&lab, |world| alter(world, "s3/bucket", "given-bucket", "region", json!(region)));
        lab
    };
    let ended = lab_of("eu-west-1").run(APPLY, &with_bucket("given-bucket", &own, true));
    is_refused(&ended, 5, &["SD1106", "given-bucket is in eu-west-1, and the domain in us-east-1"]);
    lab_of("eu-west-1").run(APPLY, &with_bucket("given-bucket", &own, false)).expect(0);
    // Another account's, closed to everybody; then open to the role alone, of either account.
    let ended = lab().run(APPLY, &with_bucket("their-bucket", &own, true));
    is_refused(&ended, 5, &["SD1106", "neither you nor the role", "s3:ListBucket"]);
    lab().run(APPLY, &with_bucket("their-bucket", &own, false)).expect(0);
    for role in [&own, &their] {
        cases += 3;
        let lab = lab();
        open(&lab, "their-bucket", &[&format!("arn:aws:iam::{role}")]);
        let text = with_bucket("their-bucket", role, true);
        lab.run(APPLY, &text).expect(0);
        lab.run(PLAN, &text).expect(0);
        let objects = lab.tables()["s3/object"].keys().filter(|key| key.starts_with("their-bucket")).count();
        assert!(objects > 0, "{:?}", lab.tables()["s3/object"].keys());
    }
    // The caller's own, closed to the caller by its policy.
    let lab = lab();
    let deny = json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:ListBucket", "Resource":
        "arn:aws:s3:::given-bucket"}});
    change(&lab, |world| alter(world, "s3/bucket", "given-bucket", "policy", json!(deny.to_string())));
    let ended = lab.run(APPLY, &with_bucket("given-bucket", &own, true));
    is_refused(&ended, 5, &["neither you nor the role", "s3:ListBucket"]);
    // What is made here may have its name taken in another region.
    let lab = self::lab();
    lab.run(APPLY, &with_bucket("given-bucket", &own, false)).expect(0);
    let generated = with_bucket("x", "x", false)
        .lines()
        .filter(|line| !line.contains("domainBucket"))
        .collect::<Vec<_>>()
        .join("\n");
    let lab = self::lab();
    lab.sandbox.seed(&Seed { buckets: vec!["acme-dev-ml-studio".into()], ..Seed::default() }).unwrap();
    change(&lab, |world| alter(world, "s3/bucket", "acme-dev-ml-studio", "region", json!("eu-west-1")));
    let ended = lab.run(APPLY, &generated).expect(5);
    assert!(ended.writes().is_empty());
    assert!(ended.shows("a bucket of that name is in eu-west-1"), "{}", ended.data);
    println!("{} given buckets", cases + 7);
}

/// A config in a VPC, with lines of its own below `domain:`.
fn in_vpc(vpc: &str, subnets: &str, lines: &str) -> String {
    format!(
        "domain:\n  authMode: IAM\n  vpcId: {vpc}\n  subnetIds: [{subnets}]\n{lines}  dataAdminRoles: [{{name: admin}}]\n  \
         userProfiles: {{ann: {{userRole: {{name: users}}}}}}\n"
    )
}

#[test]
fn what_another_account_has_of_the_network_serves_as_far_as_it_is_shared() {
    let shared = || {
        let lab = lab();
        let share = |world: &mut World| alter(world, "ec2/subnet", "subnet-theirs1", "shared_with", json!([HOME]));
        change(&lab, |world| world.within(THEIRS, share));
        lab
    };
    let rule = "  securityGroupIngress:\n    sg:\n      - {sgId: sg-00000002, protocol: tcp, port: 443}\n";
    let missing = |what: &str| format!("the {what} does not exist in us-east-1");
    let refused = [
        (false, in_vpc("vpc-theirs", "subnet-theirs1", ""), 3, missing("VPC vpc-theirs")),
        (false, in_vpc("vpc-ours", "subnet-ours1, subnet-theirs1", ""), 4, missing("subnet subnet-theirs1")),
        (
            false,
            in_vpc("vpc-ours", "subnet-ours1", "  securityGroupId: sg-00000002\n"),
            5,
            missing("security group sg-00000002"),
        ),
        (false, in_vpc("vpc-ours", "subnet-ours1", rule), 7, missing("security group sg-00000002")),
        (true, in_vpc("vpc-theirs", "subnet-theirs1, subnet-theirs2", ""), 4, missing("subnet subnet-theirs2")),
        (
            true,
            in_vpc("vpc-theirs", "subnet-theirs1", "  securityGroupId: sg-00000002\n"),
            5,
            missing("security group sg-00000002"),
        ),
        (
            true,
            in_vpc("vpc-ours", "subnet-ours1, subnet-theirs1", ""),
            4,
            "subnet-theirs1 is in vpc-theirs, and the domain in vpc-ours".into(),
        ),
        (
            true,
            in_vpc("vpc-theirs", "subnet-theirs1", "  securityGroupId: sg-00000001\n"),
            5,
            "sg-00000001 is in vpc-ours, and the domain in vpc-theirs".into(),
        ),
        (
            true,
            in_vpc("vpc-theirs", "subnet-theirs1", "  defaultUserSettings: {securityGroups: [sg-00000001]}\n"),
            5,
            "sg-00000001 is in vpc-ours, and the domain in vpc-theirs".into(),
        ),
    ];
    for (is_shared, text, line, why) in &refused {
        let lab = if *is_shared { shared() } else { lab() };
        is_refused(&lab.run(APPLY, text), *line, &[why]);
    }
    // The way that organisations do it: the network is one account's, and others live in it.
    let lab = shared();
    let text = in_vpc("vpc-theirs", "subnet-theirs1", "");
    let was = lab.tables()["ec2/subnet@999988887777"].clone();
    let ended = lab.run(APPLY, &text).expect(0);
    let said = ended.said();
    assert!(
        said.contains("not checked: whether subnet-theirs1 leads out of the VPC, since account 999988887777"),
        "{said}"
    );
    assert!(!said.contains("has no VPC endpoint"), "{said}");
    lab.run(PLAN, &text).expect(0);
    lab.run(&["destroy", "--auto-approve", "--confirm", "acme/dev/ml/studio", "--home-efs", "delete"], &text).expect(0);
    assert_eq!(lab.tables()["ec2/subnet@999988887777"], was);
    println!("{} networks", refused.len() + 1);
}

#[test]
fn what_settings_name_of_studios_own_is_looked_up_before_the_first_write() {
    let arn = |kind: &str| format!("arn:aws:sagemaker:us-east-1:{HOME}:{kind}");
    let image =
        |image: &str| format!("jupyterLabAppSettings: {{customImages: [{{appImageConfigName: lab, {image}}}]}}");
    let spec = |spec: &str| format!("jupyterLabAppSettings: {{defaultResourceSpec: {{{spec}}}}}");
    let script = arn("studio-lifecycle-config/nobodys");
    let cases = [
        (image("imageName: lab, imageVersionNumber: 1"), None),
        (image("imageName: lab"), None),
        (image("imageName: Lab"), Some("the image Lab does not exist")),
        (image("imageName: lab, imageVersionNumber: 2"), Some("the version 2 of the image lab does not exist")),
        (
            image("imageName: lab").replace("Name: lab, i", "Name: other, i"),
            Some("the app image config other does not exist"),
        ),
        (spec(&format!("sageMakerImageArn: '{}'", arn("image/lab"))), None),
        (spec(&format!("sageMakerImageArn: '{}'", arn("image/tub"))), Some("the image tub does not exist")),
        (
            spec(&format!("sageMakerImageVersionArn: '{}'", arn("image-version/lab/7"))),
            Some("the version 7 of the image lab does not exist"),
        ),
        (
            format!("jupyterLabAppSettings: {{lifecycleConfigArns: ['{script}']}}"),
            Some("the lifecycle config nobodys does not exist"),
        ),
        // What AWS and other accounts have cannot be looked at.
        (spec("sageMakerImageArn: 'arn:aws:sagemaker:us-east-1:081325390199:image/datascience-1.0'"), None),
    ];
    let users = |settings: &str| {
        in_vpc("vpc-ours", "subnet-ours1", "")
            .replace("name: users}", &format!("name: users}}, settings: {{{settings}}}"))
    };
    for (settings, why) in &cases {
        let places = [
            (in_vpc("vpc-ours", "subnet-ours1", &format!("  defaultUserSettings: {{{settings}}}\n")), 5),
            (users(settings), 6),
        ];
        for (text, line) in places {
            let lab = lab();
            change(&lab, |world| {
                world.put("studio/image", "lab", &json!({}));
                world.put("studio/image-version", "lab/1", &json!({}));
                world.put("studio/app-image-config", "lab", &json!({}));
            });
            let ended = lab.run(APPLY, &text);
            match why {
                Some(why) => is_refused(&ended, line, &[why, "aws sagemaker list-"]),
                None => assert_eq!(ended.code, 0, "{settings}\n{}{}", ended.data, ended.notes),
            }
        }
    }
    println!("{} settings that name something", cases.len() * 2);
}

//! Whatever a config names in IAM and KMS is the whole of what it says: account, path and name. What is somewhere else, or
//! nowhere, is found out before the first write, and nothing but what was named is ever touched.

use serde_json::{Value as Json, json};
use studio_sandbox::World;
use studio_sandbox::{Seed, SeedRole, SeedSubnet};

use crate::support::account::{APPLY, Lab, PLAN};
use crate::support::ended::Ended;
use crate::support::picture::{self, Tables};

pub const HOME: &str = "123456789012";
pub const THEIRS: &str = "999988887777";
/// The unique ids of the role `given` in the two accounts.
const IDS: [&str; 2] = ["AROAGIVENATHOME000001", "AROAGIVENELSEWHERE001"];
const DESTROY: &[&str] = &["destroy", "--auto-approve", "--confirm", "acme/dev/ml/studio", "--home-efs", "delete"];

/// A role called `given` of the same path in two accounts, and keys of the same id and alias.
pub fn lab() -> Lab {
    let lab = Lab::new();
    let role = |name: &str, path: &str, id: Option<&str>| SeedRole {
        name: name.into(),
        path: Some(path.into()),
        id: id.map(Into::into),
        ..SeedRole::default()
    };
    let keys = || vec!["k-1".to_owned(), "k-closed".to_owned()];
    let theirs = Seed {
        roles: vec![role("given", "/team/", Some(IDS[1])), role("theirs", "/", None), role("closed", "/", None)],
        keys: keys(),
        aliases: vec!["alias/given".into()],
        buckets: vec!["their-bucket".into()],
        ..Seed::default()
    };
    let home = Seed {
        vpcs: vec!["vpc-1".into()],
        subnets: vec![SeedSubnet { id: "subnet-1".into(), vpc: "vpc-1".into() }],
        roles: vec![
            role("given", "/team/", Some(IDS[0])),
            role("admin", "/", None),
            role("users", "/", None),
            role("AWSServiceRoleForThings", "/aws-service-role/things.amazonaws.com/", None),
            role("AWSReservedSSO_Data_0123456789abcdef", "/aws-reserved/sso.amazonaws.com/eu-west-1/", None),
        ],
        keys: vec!["k-1".into()],
        aliases: vec!["alias/given".into()],
        buckets: vec!["given-bucket".into()],
        others: [(THEIRS.to_owned(), theirs)].into(),
        ..Seed::default()
    };
    lab.sandbox.found(HOME, "us-east-1").unwrap();
    lab.sandbox.seed(&home).unwrap();
    let all = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}).to_string();
    let resources = ["arn:aws:s3:::given-bucket", "arn:aws:s3:::given-bucket/*"];
    let open = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": THEIRS}, "Action": "s3:*", "Resource": resources}});
    let change = lab.sandbox.with_world(|world| {
        let mut bucket: Json = world.get("s3/bucket", "given-bucket").unwrap();
        bucket["policy"] = json!(open.to_string());
        world.put("s3/bucket", "given-bucket", &bucket);
        let inline = |world: &mut World, name: &str| {
            let mut role: Json = world.get("iam/role", name).unwrap();
            role["inline"] = json!({"write": all});
            world.put("iam/role", name, &role);
        };
        inline(world, "AWSReservedSSO_Data_0123456789abcdef");
        world.within(THEIRS, |world| {
            inline(world, "given");
            for (table, key, member) in [("iam/role", "closed", "trust"), ("kms/key", "k-closed", "policy")] {
                let mut record: Json = world.get(table, key).unwrap();
                record[member] = json!(record[member].as_str().unwrap().replace(HOME, "111122223333"));
                world.put(table, key, &record);
            }
        });
    });
    change.unwrap();
    // What was there all along no read lags behind.
    lab.sandbox.seed(&Seed::default()).unwrap();
    lab
}

/// A place that names a role.
struct Place {
    name: &'static str,
    /// The lines that stand for it, with `REF` where the reference does.
    lines: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// SageMaker becomes it, and a policy is attached to it.
    Execution,
    /// We become it, and a policy is attached to it.
    Assets,
    /// Its unique id is needed.
    Id,
    /// A setting that takes an ARN, of a role of the account.
    Setting,
    /// A setting that takes the ARN of a role of any account.
    Anywhere,
}

const USERS: &str = "  userProfiles: {ann: {userRole: {name: users}}}\n";
const ADMINS: &str = "  dataAdminRoles: [{name: admin}]\n";

const PLACES: [Place; 10] = [
    Place {
        name: "defaultExecutionRole",
        lines: "ADMINS  defaultExecutionRole: REF # <-\nUSERS",
        kind: Kind::Execution,
    },
    Place {
        name: "assetDeploymentRole",
        lines: "ADMINS  domainBucket: {domainBucketName: given-bucket, assetDeploymentRole: REF} # <-\nUSERS  lifecycleConfigs: \
                {jupyterLab: {assets: {testing: {sourcePath: ./testing_asset_dir}}, cmds: [echo]}}\n",
        kind: Kind::Assets,
    },
    Place { name: "dataAdminRoles", lines: "  dataAdminRoles: [REF] # <-\nUSERS", kind: Kind::Id },
    Place { name: "userRole", lines: "ADMINS  userProfiles: {ann: {userRole: REF}} # <-\n", kind: Kind::Id },
    Place {
        name: "defaultSpaceSettings",
        lines: "ADMINS  defaultSpaceSettings: {executionRole: REF} # <-\nUSERS",
        kind: Kind::Setting,
    },
    Place {
        name: "profile settings",
        lines: "ADMINS  userProfiles: {ann: {userRole: {name: users}, settings: {executionRole: REF}}} # <-\n",
        kind: Kind::Setting,
    },
    Place {
        name: "forecasts",
        lines: "ADMINSUSERS  defaultUserSettings: {canvasAppSettings: {timeSeriesForecastingSettings: \
                {status: ENABLED, amazonForecastRoleArn: REF}}} # <-\n",
        kind: Kind::Setting,
    },
    Place {
        name: "Bedrock",
        lines: "ADMINSUSERS  defaultUserSettings: {canvasAppSettings: {generativeAiSettings: {amazonBedrockRoleArn: REF}}} # <-\n",
        kind: Kind::Setting,
    },
    Place {
        name: "the model registry",
        lines: "ADMINSUSERS  defaultUserSettings: {canvasAppSettings: {modelRegisterSettings: \
                {status: ENABLED, crossAccountModelRegisterRoleArn: REF}}} # <-\n",
        kind: Kind::Anywhere,
    },
    Place {
        name: "EMR",
        lines: "ADMINSUSERS  defaultUserSettings: {jupyterLabAppSettings: {emrSettings: {assumableRoleArns: [REF]}}} # <-\n",
        kind: Kind::Anywhere,
    },
];

/// Meaning that a reference ends up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The role `given` of the account is meant.
    Home,
    /// The role `given` of the other account is meant.
    Elsewhere,
    /// Another thing is meant, which nothing is attached to.
    Other,
    /// Refused with this exit code and this text.
    Refused(u8, &'static str),
}

/// Every form in which a place may name a role, and what becomes of it.
fn forms(place: &Place) -> Vec<(String, End)> {
    use End::{Elsewhere, Home, Other, Refused};
    let arn = |account: &str, path: &str| format!("arn:aws:iam::{account}:role/{path}");
    let (kind, is_setting) = (place.kind, matches!(place.kind, Kind::Setting | Kind::Anywhere));
    let elsewhere = |exists: bool| match kind {
        Kind::Execution | Kind::Setting => Refused(4, "SageMaker takes roles of its own account only"),
        Kind::Assets if exists => Elsewhere,
        Kind::Assets => Refused(4, "cannot be assumed"),
        Kind::Id => Refused(4, "add it as `id`"),
        Kind::Anywhere => Elsewhere,
    };
    let named = "a role of that name is arn:aws:iam::123456789012:role/team/given";
    let form = Refused(3, if is_setting { "SD1508" } else { "SD1040" });
    let arns = vec![
        (arn(HOME, "team/given"), Home),
        (arn(HOME, "given"), Refused(4, named)),
        (arn(HOME, "other/given"), Refused(4, named)),
        (arn(HOME, "team/deeper/given"), Refused(4, named)),
        (arn(HOME, "team/Given"), Refused(4, named)),
        (arn(HOME, "Team/given"), Refused(4, named)),
        (arn(HOME, "nobody"), Refused(4, "nobody")),
        (arn(HOME, "theirs"), Refused(4, "theirs")),
        (arn(THEIRS, "team/given"), elsewhere(true)),
        (arn(THEIRS, "given"), elsewhere(kind == Kind::Anywhere)),
        (arn(THEIRS, "closed"), elsewhere(kind == Kind::Anywhere)),
        (arn(THEIRS, "nobody"), elsewhere(kind == Kind::Anywhere)),
        (arn("111122223333", "team/given"), elsewhere(kind == Kind::Anywhere)),
        (arn(HOME, "team/given").replace("arn:aws:", "arn:aws-cn:"), Refused(4, "in the partition aws-cn")),
        (format!("arn:aws:sts::{HOME}:assumed-role/given/ann"), form),
        (format!("arn:aws:iam::{HOME}:root"), form),
        (format!("arn:aws:iam::{HOME}:user/given"), form),
    ];
    if is_setting {
        return arns;
    }
    let mut forms: Vec<(String, End)> = arns.into_iter().map(|(arn, end)| (format!("{{arn: '{arn}'}}"), end)).collect();
    let by_id = kind == Kind::Id;
    let attached = |end: End| if by_id { Other } else { end };
    let identity_center = "AWSReservedSSO_Data_0123456789abcdef";
    forms.extend([
        ("{name: given}".to_owned(), Home),
        ("{name: GIVEN}".into(), Home),
        ("{name: nobody}".into(), Refused(4, "nobody")),
        ("{name: theirs}".into(), Refused(4, "theirs")),
        ("{name: team/given}".into(), Refused(3, "write `name: given`")),
        (format!("{{id: {}}}", IDS[0]), Home),
        (format!("{{id: {}}}", IDS[1]), if by_id { Elsewhere } else { Refused(4, IDS[1]) }),
        ("{id: AROADELETED0000000001}".into(), attached(Refused(4, "AROADELETED0000000001"))),
        (format!("{{id: {}, name: given}}", IDS[0]), Home),
        (format!("{{id: {}, name: given}}", IDS[1]), Refused(4, "SD1105")),
        (format!("{{id: {}, arn: '{}'}}", IDS[0], arn(HOME, "team/given")), Home),
        (format!("{{id: {}, arn: '{}'}}", IDS[1], arn(HOME, "team/given")), Refused(4, "SD1105")),
        (
            format!("{{id: {}, arn: '{}'}}", IDS[1], arn(THEIRS, "team/given")),
            if kind == Kind::Execution { elsewhere(true) } else { Elsewhere },
        ),
        (format!("{{name: users, arn: '{}'}}", arn(HOME, "team/given")), Refused(3, "SD1045")),
        ("{name: Data, sso: true}".into(), Other),
        (format!("{{name: {identity_center}}}"), Other),
        (
            format!("{{arn: '{}'}}", arn(HOME, &format!("aws-reserved/sso.amazonaws.com/eu-west-1/{identity_center}"))),
            Other,
        ),
        (
            format!("{{arn: '{}'}}", arn(HOME, &format!("aws-reserved/sso.amazonaws.com/{identity_center}"))),
            Refused(4, "eu-west-1"),
        ),
        ("{name: AWSServiceRoleForThings}".into(), attached(Refused(4, "belongs to a service of AWS"))),
    ]);
    forms
}

/// Records that others have, and that the account had before.
fn given(tables: &Tables, was: &Tables) -> Tables {
    let mut given = Tables::new();
    for (table, records) in tables.iter().filter(|(table, _)| !table.starts_with("meta") && !table.starts_with("sts/"))
    {
        let old = |key: &String| table.contains('@') || was.get(table).is_some_and(|records| records.contains_key(key));
        let records = records.iter().filter(|(key, _)| old(key)).map(|(key, record)| (key.clone(), record.clone()));
        given.insert(table.clone(), records.collect());
    }
    given.retain(|_, records: &mut std::collections::BTreeMap<String, Json>| !records.is_empty());
    given
}

/// The roles of every account that anything is attached to, as `account/name`.
fn attached(tables: &Tables) -> Vec<String> {
    let mut attached = Vec::new();
    for (table, key, record) in picture::records(tables).filter(|(table, ..)| table.starts_with("iam/role")) {
        let account = table.split_once('@').map_or(HOME, |(_, account)| account);
        if record["attached"].as_array().is_some_and(|policies| !policies.is_empty()) && !key.starts_with("acme-") {
            attached.push(format!("{account}/{key}"));
        }
    }
    attached
}

#[track_caller]
fn is_refused(ended: Ended, (code, says): (u8, &str), line: usize, was: &Tables, lab: &Lab, what: &str) {
    let said = ended.said();
    assert_eq!(ended.code, code, "{what}\n{said}");
    assert!(ended.writes().is_empty(), "{what} wrote {:?}", ended.writes());
    assert!(said.contains(says), "{what} does not say `{says}`:\n{said}");
    assert!(said.contains(&format!("studio.yaml:{line}")), "{what} does not name line {line}:\n{said}");
    assert_eq!(given(&lab.tables(), was), given(was, was), "{what}");
}

pub fn config(lines: &str, reference: &str) -> (String, usize) {
    let lines = lines.replace("ADMINS", ADMINS).replace("USERS", USERS).replace("REF", reference);
    let text = format!("domain:\n  authMode: IAM\n  vpcId: vpc-1\n  subnetIds: [subnet-1]\n{lines}");
    let line = text.lines().position(|line| line.ends_with("# <-")).unwrap() + 1;
    (text, line)
}

#[test]
fn a_role_is_the_whole_of_what_names_it() {
    let mut cases = 0;
    let pristine = lab().tables();
    for place in &PLACES {
        for (reference, end) in forms(place) {
            cases += 1;
            let what = format!("{} as {reference}", place.name);
            let (text, line) = config(place.lines, &reference);
            let lab = Lab::like(&pristine);
            let was = lab.tables();
            let ended = lab.run(APPLY, &text);
            if let End::Refused(code, says) = end {
                is_refused(ended, (code, says), line, &was, &lab, &what);
                continue;
            }
            let said = ended.said();
            assert_eq!(ended.code, 0, "{what}\n{said}");
            let tables = lab.tables();
            let wanted: &[&str] = match (place.kind, end) {
                (Kind::Execution | Kind::Assets, End::Home) => &["123456789012/given"],
                _ => &[],
            };
            assert_eq!(attached(&tables), wanted, "{what}");
            if place.kind == Kind::Id {
                let known = serde_json::to_string(&tables["s3/bucket"]["acme-dev-ml-studio"]).unwrap()
                    + &serde_json::to_string(&tables["studio/user-profile"]).unwrap();
                for (id, of) in IDS.iter().zip([End::Home, End::Elsewhere]) {
                    assert_eq!(known.contains(&format!("{id}:")), end == of, "{what}: {id}");
                }
            }
            if reference.contains("AROADELETED") {
                assert!(
                    said.contains("no role of account 123456789012 has the unique id AROADELETED0000000001"),
                    "{said}"
                );
            }
            let users = tables.get("sts/session").into_iter().flatten().map(|(_, session)| session["role"].clone());
            let expected = match end {
                End::Elsewhere => format!("arn:aws:iam::{THEIRS}:role/team/given"),
                _ => format!("arn:aws:iam::{HOME}:role/team/given"),
            };
            if place.kind == Kind::Assets && end != End::Other {
                assert!(users.into_iter().all(|role| role == json!(expected)), "{what}");
            }
            // How it goes on depends on the place more than on the form.
            if cases % 3 != 0 {
                continue;
            }
            lab.run(PLAN, &text).expect(0);
            lab.run(DESTROY, &text).expect(0);
            let (left, before) = (given(&lab.tables(), &was), given(&was, &was));
            for (table, records) in &before {
                assert_eq!(Some(records), left.get(table), "{what}: {table}");
            }
        }
    }
    println!("{cases} references to roles");
}

#[test]
fn a_key_is_the_whole_of_what_names_it() {
    let arn = |account: &str, resource: &str| format!("arn:aws:kms:us-east-1:{account}:{resource}");
    let of_domain = "ADMINSUSERS  kmsKeyArn: 'REF' # <-\n";
    let of_sharing = "ADMINSUSERS  defaultUserSettings: {sharingSettings: {s3KmsKeyId: 'REF'}} # <-\n";
    let mut cases = Vec::new();
    for (place, is_domain) in [(of_domain, true), (of_sharing, false)] {
        let here = |resource: &str| arn(HOME, resource);
        let there = |resource: &str| arn(THEIRS, resource);
        let unless_domain = |code: u8, says: &'static str| is_domain.then_some((code, says));
        cases.extend([
            (place, here("key/k-1"), None),
            (place, here("alias/given"), None),
            (place, here("key/k-9"), Some((4, "k-9 does not exist"))),
            (place, here("alias/none"), Some((4, "alias/none does not exist"))),
            (place, there("key/k-1"), None),
            (place, there("alias/given"), None),
            (place, there("key/k-closed"), unless_domain(4, "does not let this account use it")),
            (place, there("key/k-9"), unless_domain(4, "account 999988887777 has no key")),
            (place, arn("111122223333", "key/k-1"), unless_domain(4, "account 111122223333 has no key")),
            (place, here("key/k-1").replace("us-east-1", "eu-west-1"), unless_domain(4, "is in eu-west-1")),
            (place, here("key/k-1").replace("arn:aws:", "arn:aws-cn:"), Some((4, "is in aws-cn"))),
            (
                place,
                "arn:aws:iam::123456789012:role/k-1".into(),
                Some((if is_domain { 3 } else { 4 }, "not the ARN of a key")),
            ),
        ]);
    }
    for (reference, end) in [
        ("k-1", None),
        ("alias/given", None),
        ("k-closed", Some((4, "k-closed does not exist"))),
        ("alias/none", Some((4, "alias/none"))),
    ] {
        cases.push((of_sharing, reference.to_owned(), end));
        // AWS takes every form for a domain too.
        cases.push((of_domain, reference.to_owned(), end));
    }
    let pristine = lab().tables();
    for (place, reference, end) in &cases {
        let (text, line) = config(place, reference);
        let what = format!("{} as {reference}", if *place == of_domain { "kmsKeyArn" } else { "s3KmsKeyId" });
        let lab = Lab::like(&pristine);
        let was = lab.tables();
        let ended = lab.run(APPLY, &text);
        if let Some(refused) = end {
            is_refused(ended, *refused, line, &was, &lab, &what);
            continue;
        }
        assert_eq!(ended.code, 0, "{what}\n{}{}", ended.data, ended.notes);
        lab.run(PLAN, &text).expect(0);
        lab.run(DESTROY, &text).expect(0);
        assert_eq!(given(&lab.tables(), &was), given(&was, &was), "{what}");
    }
    println!("{} references to keys", cases.len());
}

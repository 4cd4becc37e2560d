//! Taking over an environment that MDAA deployed: the same names, other tags, and nothing of it made again.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

const STACK: &str = "test-org-test-env-test-domain-test-module";
const CONFIG: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1]
  dataAdminRoles:
    - name: admin
  userProfiles:
    ann.lee:
      userRole: {name: team}
    bob:
      userRole: {name: team}
  lifecycleConfigs:
    jupyterLab:
      assets:
        setup: {sourcePath: ./setup}
      cmds: [sh $ASSETS_DIR/setup/run.sh]
";

/// Every record of the world under `prefix`, changed by `change`.
fn rewrite(place: &Desk, prefix: &str, change: impl Fn(&str, Json) -> Option<Json>) {
    place
        .sandbox()
        .with_world(|world| {
            let records =
                world.records(prefix).map(|(table, key, json)| (table.to_owned(), key.to_owned(), json.clone()));
            for (table, key, json) in records.collect::<Vec<_>>() {
                match change(&table, json) {
                    Some(json) => world.put(&table, &key, &json),
                    None => {
                        world.remove(&table, &key);
                    }
                }
            }
        })
        .unwrap();
}

/// Every map of tags in `json` that says that we own the thing, as MDAA would have it: none, or with the stack's name.
fn retag(json: &mut Json, untagged: bool) {
    match json {
        Json::Object(members) if members.contains_key("studio-deploy:deployment") => {
            members.retain(|key, _| !key.starts_with("studio-deploy:") && !untagged);
            if !untagged {
                members.insert("aws:cloudformation:stack-name".into(), json!(STACK));
                members.insert("aws:cloudformation:logical-id".into(), json!("TestModule1A2B3C4D"));
            }
        }
        Json::Object(members) => members.values_mut().for_each(|value| retag(value, untagged)),
        Json::Array(items) => items.iter_mut().for_each(|value| retag(value, untagged)),
        _ => {}
    }
}

/// An environment as MDAA leaves it, made of one that we made.
fn of_mdaa() -> Desk {
    let place = Desk::empty();
    place.write("studio.yaml", CONFIG);
    place.write("setup/run.sh", "echo ready\n");
    sandboxed(&place, &["apply", "studio.yaml", "--auto-approve"]).expect(0);
    let keys: Vec<String> = place
        .sandbox()
        .with_world(|world| {
            world
                .records("kms/key")
                .filter(|(table, ..)| *table == "kms/key")
                .map(|(_, key, _)| key.to_owned())
                .collect()
        })
        .unwrap();
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{key}");
    rewrite(&place, "", |table, mut json| {
        match table {
            // MDAA keeps no record and takes no lock.
            "ssm/parameter" if json.to_string().contains("\"/studio-deploy/") => return None,
            // It names keys by their id.
            "studio/domain" | "studio/user-profile" => {
                json = serde_json::from_str(&json.to_string().replace(&arn, key)).unwrap();
            }
            "iam/role" if json["name"] == format!("{STACK}-deployment") => {
                let trust = json["trust"].as_str().unwrap();
                let lambda = r#"{"Service":"lambda.amazonaws.com"}"#;
                json["trust"] = json!(trust.replace(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, lambda));
            }
            // Its Lambda function uploads without metadata.
            "s3/object" => {
                let versions = json["versions"].as_array_mut().unwrap();
                for version in versions {
                    version["headers"] = json!({});
                }
            }
            _ => {}
        }
        let untagged = matches!(table, "iam/policy" | "studio/lifecycle-config" | "efs/file-system")
            || json["name"].as_str().is_some_and(|name| name.starts_with("security-group-for-"));
        retag(&mut json, untagged);
        Some(json)
    });
    place
}

/// Ids that must outlive an adoption: of what holds data, or is named by id elsewhere.
fn identities(place: &Desk) -> BTreeMap<String, Vec<String>> {
    let tables = [
        "iam/role",
        "iam/policy",
        "kms/key",
        "ec2/security-group",
        "s3/bucket",
        "s3/object",
        "studio/domain",
        "studio/user-profile",
        "studio/lifecycle-config",
        "efs/file-system",
    ];
    place
        .sandbox()
        .with_world(|world| {
            let of = |table: &str| {
                let records = world.records(table).filter(|(found, ..)| *found == table);
                records
                    .map(|(_, key, json)| format!("{key} {} {} {}", json["id"], json["uid"], json["created"]))
                    .collect()
            };
            tables.into_iter().map(|table| (table.to_owned(), of(table))).collect()
        })
        .unwrap()
}

#[test]
fn an_environment_of_mdaa_is_foreign_until_it_is_adopted() {
    let place = of_mdaa();
    let before = identities(&place);
    let plan = sandboxed(&place, &["plan", "studio.yaml", "--format", "json"]).expect(0).json();
    let mut stacks = 0;
    for change in plan["changes"].as_array().unwrap() {
        if change["kind"] == "bucket_object" {
            continue;
        }
        let why = change["blocked_by"].to_string();
        assert!(why.contains("MDAA"), "{change}");
        assert!(why.contains("--adopt"), "{change}");
        let untagged =
            matches!(change["kind"].as_str(), Some("asset_policy" | "execution_policy" | "lifecycle_config"));
        assert_eq!(why.contains("and no tags"), untagged, "{change}");
        stacks += usize::from(why.contains(STACK));
    }
    assert!(stacks > 15, "{plan}");
    sandboxed(&place, &["apply", "studio.yaml", "--auto-approve"]).expect(5).says(STACK);

    let adopting = sandboxed(&place, &["plan", "studio.yaml", "--adopt"]).expect(0);
    assert!(adopting.shows("<-"), "{adopting:?}");
    let plan = sandboxed(&place, &["plan", "studio.yaml", "--adopt", "--format", "json"]).expect(0).json();
    for (address, action) in actions(&plan) {
        let expected = if address.starts_with("bucket_object.") { "update" } else { "adopt" };
        assert_eq!(action, expected, "{address}");
    }
    assert!(!adopting.notes_show("takes effect"), "{adopting:?}");
    let adopted = sandboxed(&place, &["apply", "studio.yaml", "--adopt", "--auto-approve"]).expect(0);
    // What lies in the bucket is what would be uploaded.
    let called = |operation: &str| adopted.calls.iter().any(|call| call.operation == operation);
    assert!(called("PutBucketPolicy") || called("GetObject"), "{adopted:?}");
    assert!(!called("PutObject"), "{adopted:?}");
    sandboxed(&place, &["plan", "studio.yaml", "--detailed-exitcode"]).expect(0);
    // Nothing was made again, and no user lost a home directory.
    assert_eq!(identities(&place), before);
    // From now on it is ours like any other, the stack's tags notwithstanding.
    let again = sandboxed(&place, &["apply", "studio.yaml", "--auto-approve"]).expect(0);
    assert!(!again.calls.iter().any(|call| call.writes), "{again:?}");
}

#[test]
fn what_somebody_else_made_is_never_adopted() {
    let place = of_mdaa();
    rewrite(&place, "iam/role", |_, mut json| {
        if json["tags"].get("mdaa_env").is_some() {
            json["tags"]["mdaa_env"] = json!("prod");
            json["tags"]["aws:cloudformation:stack-name"] = json!("other-stack");
        }
        Some(json)
    });
    let apply = sandboxed(&place, &["apply", "studio.yaml", "--adopt", "--auto-approve"]).expect(5);
    apply.says("the CloudFormation stack other-stack owns it");
    rewrite(&place, "iam/role", |_, mut json| {
        if json["tags"].get("mdaa_env").is_some() {
            json["tags"]["studio-deploy:deployment"] = json!("test-org/test-env/other/test-module@us-east-1");
        }
        Some(json)
    });
    let apply = sandboxed(&place, &["apply", "studio.yaml", "--adopt", "--auto-approve"]).expect(5);
    apply.says("the deployment test-org/test-env/other/test-module@us-east-1 owns it");
}

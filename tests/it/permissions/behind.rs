//! Changes that people make to an account behind the back of whoever deploys to it.

use serde_json::{Value as Json, json};

use crate::support::account::Lab;
use crate::support::behind::{domain_id, studio};

/// A user at work: an app, and a space.
pub fn work(lab: &Lab, user: &str) {
    let id = domain_id(lab);
    let space = json!({"DomainId": id, "SpaceName": "hers", "OwnershipSettings": {"OwnerUserProfileName": user},
        "SpaceSharingSettings": {"SharingType": "Private"}, "SpaceSettings": {"AppType": "JupyterLab"}});
    studio(lab, "CreateSpace", &space);
    lab.sandbox.with_world(|world| world.advance(200_000)).unwrap();
    let app = json!({"DomainId": id, "SpaceName": "hers", "AppType": "JupyterLab", "AppName": "default"});
    studio(lab, "CreateApp", &app);
    lab.sandbox.with_world(|world| world.advance(200_000)).unwrap();
}

/// Changes every record of a table that has to do with the deployment, and nobody's else.
pub fn change(lab: &Lab, table: &str, change: &dyn Fn(&mut Json)) {
    lab.sandbox
        .with_world(|world| {
            for (key, mut record) in world.list::<Json>(table, "") {
                let text = format!("{key}{record}");
                if ["acme/dev/ml/studio", "acme-dev-ml-studio"].iter().any(|name| text.contains(name)) {
                    change(&mut record);
                    world.put(table, &key, &record);
                }
            }
        })
        .unwrap();
}

/// Somebody changes by hand what an apply puts right again.
pub fn meddle(lab: &Lab) {
    change(lab, "kms/key", &|key| {
        key["rotation"] = json!(false);
        key["policy"] = json!(key["policy"].as_str().unwrap().replace("kms:Encrypt", "kms:DescribeKey"));
    });
    change(lab, "iam/role", &|role| {
        role["trust"] = json!(role["trust"].as_str().unwrap().replace("sts:AssumeRole", "sts:*"));
        role["boundary"] = Json::Null;
    });
    // A changed document, with as many versions as IAM keeps.
    change(lab, "iam/policy", &|policy| {
        let mut version = policy["versions"][policy["default"].to_string()].clone();
        let other =
            version["document"].as_str().unwrap().replace("kms:Encrypt", "kms:List*").replace("s3:Abort*", "s3:*");
        version["document"] = json!(other);
        policy["versions"] = (1..6).map(|number: u32| (number.to_string(), version.clone())).collect();
        (policy["default"], policy["latest"]) = (json!(5), json!(5));
    });
    change(lab, "s3/bucket", &|bucket| {
        bucket["policy"] = Json::Null;
        for configuration in ["encryption", "versioning", "publicAccessBlock"] {
            bucket["configurations"].as_object_mut().unwrap().remove(configuration);
        }
    });
    change(lab, "ec2/security-group", &|group| {
        if group["name"].as_str().unwrap().contains("nfs") {
            return;
        }
        let rules = group["rules"].as_object_mut().unwrap();
        let mut stray = Vec::new();
        for (_, rule) in rules.iter_mut() {
            rule["description"] = json!("by hand");
        }
        for (number, egress) in [("sgr-in", false), ("sgr-out", true)] {
            let kept = rules.iter().find(|(_, rule)| rule["egress"] == json!(egress)).unwrap();
            let gone = kept.0.clone();
            let mut rule = kept.1.clone();
            rule["peer"] = json!({"Ipv4": "10.99.0.0/16"});
            stray.push((number.to_owned(), rule, gone));
        }
        for (number, rule, gone) in stray {
            rules.remove(&gone);
            rules.insert(number, rule);
        }
    });
    change(lab, "studio/domain", &|domain| {
        domain["settings"]["DefaultUserSettings"]["JupyterServerAppSettings"]["DefaultResourceSpec"]["InstanceType"] =
            json!("ml.t3.medium");
    });
    misconfigure(lab);
    // What a listing shows besides what was uploaded is looked at with the asset role.
    lab.sandbox
        .with_world(|world| {
            for (key, object) in world.list::<Json>("s3/object", "") {
                world.put("s3/object", &format!("{key}.bak"), &object);
            }
        })
        .unwrap();
}

/// Somebody changes users and describes rules by hand.
pub fn misconfigure(lab: &Lab) {
    change(lab, "ec2/security-group", &|group| {
        for (_, rule) in group["rules"].as_object_mut().unwrap() {
            rule["description"] = json!("by hand");
        }
    });
    lab.sandbox
        .with_world(|world| {
            for (key, mut profile) in world.list::<Json>("studio/user-profile", "") {
                profile["settings"]["SharingSettings"]["S3OutputPath"] = json!("s3://elsewhere/");
                profile["life"]["modified"] = json!(profile["life"]["modified"].as_i64().unwrap() + 1);
                world.put("studio/user-profile", &key, &profile);
            }
        })
        .unwrap();
}

/// Leaves the things behind the domain as a run does that could not tag them.
pub fn untag_home(lab: &Lab) {
    for table in ["efs/file-system", "ec2/security-group"] {
        change(lab, table, &|thing| {
            let tags = thing["tags"].as_object_mut().unwrap();
            if tags.keys().any(|key| key.starts_with("Managed")) {
                tags.retain(|key, _| key.starts_with("Managed"));
            }
        });
    }
}

/// Somebody hangs policies on roles, and puts a notebook into the bucket.
pub fn hang(lab: &Lab) {
    let everything = json!({"Statement": {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}}).to_string();
    lab.sandbox
        .with_world(|world| {
            let policies: Vec<String> = world.list::<Json>("iam/policy", "").into_iter().map(|(arn, _)| arn).collect();
            let ours = policies.iter().filter(|arn| arn.contains("acme-dev-ml-studio"));
            let ours: Vec<Json> = ours.map(|arn| json!(arn)).collect();
            for (name, mut role) in world.list::<Json>("iam/role", "") {
                if name.starts_with("acme-dev-ml-studio") {
                    role["inline"]["by-hand"] = json!(everything);
                    role["attached"].as_array_mut().unwrap().push(json!("arn:aws:iam::aws:policy/ReadOnlyAccess"));
                    world.put("iam/role", &name, &role);
                } else if name == "test-user-role" {
                    role["attached"].as_array_mut().unwrap().extend(ours.clone());
                    world.put("iam/role", &name, &role);
                }
            }
            let version = json!({"id": "v1", "marker": false, "body": "", "size": 0, "etag": "\"0\"", "modified": 0,
                "headers": {}, "tags": {}});
            for (name, _) in world.list::<Json>("s3/bucket", "acme-dev-ml-studio") {
                world.put("s3/object", &format!("{name}/sharing/a.ipynb"), &json!({"versions": [version]}));
            }
        })
        .unwrap();
}

/// Somebody hangs on things of ours whatever opens, exposes or loses data, and an apply takes back that is told to: the
/// addresses.
pub fn expose(lab: &Lab) -> Vec<String> {
    hang(lab);
    change(lab, "s3/bucket", &|bucket| {
        let configurations = bucket["configurations"].as_object_mut().unwrap();
        let document = |root: &str, content: &str| json!(format!("<{root}>{content}</{root}>"));
        let origin = "<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>";
        let expiry = "<Rule><ID>gone</ID><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>";
        let page = "<IndexDocument><Suffix>a</Suffix></IndexDocument>";
        let copy = "<Role>r</Role><Rule><Status>Enabled</Status><Destination><Bucket>b</Bucket></Destination></Rule>";
        let owner = "<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>";
        for (query, text) in [
            ("lifecycle", document("LifecycleConfiguration", expiry)),
            ("website", document("WebsiteConfiguration", page)),
            ("replication", document("ReplicationConfiguration", copy)),
            ("cors", document("CORSConfiguration", origin)),
            ("ownershipControls", document("OwnershipControls", owner)),
            ("acl", json!("READ f00")),
        ] {
            configurations.insert(query.into(), text);
        }
    });
    change(lab, "ec2/security-group", &|group| {
        if group["name"].as_str().unwrap().contains("nfs") {
            let rules = group["rules"].as_object_mut().unwrap();
            let mut rule = rules.values().next().unwrap().clone();
            rule["peer"] = json!({"Ipv4": "0.0.0.0/0"});
            rules.insert("sgr-open".into(), rule);
        }
    });
    // What there is of it depends on the config.
    let tables = lab.tables();
    let named = |table: &str, part: &str| {
        tables.get(table).into_iter().flatten().find(|(key, record)| {
            let name = record["name"].as_str().unwrap_or(key);
            name.contains(part)
        })
    };
    let ours = [
        ("iam/role", "acme-dev-ml-studio-default-execution-role", "execution_role.default"),
        ("iam/role", "acme-dev-ml-studio-deployment", "asset_role.deployment"),
        ("s3/bucket", "acme-dev-ml-studio", "bucket.sharing"),
        ("iam/policy", "basic-execution", "execution_policy.basic"),
    ];
    let mut addresses: Vec<String> = ours
        .into_iter()
        .filter(|(table, part, _)| named(table, part).is_some())
        .map(|(.., address)| address.to_owned())
        .collect();
    let groups = tables["ec2/security-group"].values().filter_map(|group| group["name"].as_str());
    addresses.extend(groups.filter(|name| name.contains("-nfs-")).map(|name| format!("nfs_security_group.{name}")));
    addresses
}

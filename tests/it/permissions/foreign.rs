//! Nothing that is printed for one deployment lets anybody read, change or delete what is another's: a second deployment
//! of the same account, and what nobody has tagged.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use studio_sandbox::Decision;
use studio_sandbox::Keys;
use studio_sandbox::{Principal, Response};

use super::holder::{Case, HOLDER, allow, give, list, statements};
use crate::support::account::{Lab, NEIGHBOUR};
use crate::support::behind::{OPERATOR, signed};
use crate::support::configs::{EVERYTHING, SAMPLES};

/// Something of somebody else's.
struct Thing {
    arn: String,
    service: &'static str,
    keys: Keys,
}

fn key(keys: &mut Keys, name: &str, value: &str) {
    keys.entry(name.to_ascii_lowercase()).or_default().push(value.to_owned());
}

/// Returns `true` if an action tells names, tags and settings alone: they may be looked at, since they say whose a
/// thing is; its contents may not.
fn only_describes(action: &str) -> bool {
    let (service, verb) = action.split_once(':').unwrap();
    let reads_data = service == "ssm" && verb.starts_with("GetParameter") || verb.starts_with("GetObject");
    (verb.starts_with("Describe") || verb.starts_with("List") || verb.starts_with("Get")) && !reads_data
        || verb == "SimulatePrincipalPolicy"
}

/// Returns `true` if an action makes something new, so that it is never about what is there already.
fn only_makes(action: &str) -> bool {
    let verb = action.split_once(':').unwrap().1;
    let adds = ["CreateTags", "CreateGrant", "CreateAlias", "CreatePolicyVersion"];
    verb.starts_with("Create") && !adds.contains(&verb)
}

/// An account with the deployment, its neighbour, and things that nobody has tagged.
fn account(config: &str) -> Lab {
    let lab = Lab::new();
    let path = lab.config(EVERYTHING);
    lab.command_as(&["apply", "--auto-approve", &path], &NEIGHBOUR).expect(0);
    let case = Case { name: "", config: config.to_owned(), boundary: None };
    if config == EVERYTHING {
        case.run(&lab, &["apply", "--auto-approve"]).expect(0);
    }
    lab.sandbox
        .with_world(|world| {
            let copy = |table: &str, key: &str, change: &dyn Fn(&mut Json)| {
                let (_, mut record) = world.list::<Json>(table, "").into_iter().next().unwrap();
                record["tags"] = json!({});
                change(&mut record);
                (table.to_owned(), key.to_owned(), record)
            };
            let made = [
                copy("iam/role", "theirs", &|role| {
                    role["name"] = json!("theirs");
                    role["arn"] = json!("arn:aws:iam::123456789012:role/theirs");
                }),
                copy("kms/key", "their-key", &|key| key["id"] = json!("their-key")),
                copy("ec2/security-group", "sg-theirs", &|group| group["id"] = json!("sg-theirs")),
                copy("efs/file-system", "fs-theirs", &|system| system["id"] = json!("fs-theirs")),
                copy("s3/bucket", "theirs", &|bucket| {
                    bucket["name"] = json!("theirs");
                    bucket["policy"] = Json::Null;
                }),
                copy("ssm/parameter", "/theirs", &|parameter| parameter["name"] = json!("/theirs")),
            ];
            for (table, key, record) in made {
                world.put(&table, &key, &record);
            }
            world.put("kms/alias", "alias/theirs", &json!({"key": "their-key", "created": 0, "updated": 0}));
        })
        .unwrap();
    lab
}

/// Function from a thing's key and its record to its ARN.
type Arn<'a> = &'a dyn Fn(&str, &Json) -> Option<String>;

/// Everything that is not the deployment's, with the condition keys that it fills in itself.
fn things(lab: &Lab) -> Vec<Thing> {
    let mut things = Vec::new();
    let place = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:123456789012:{resource}");
    let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, alias) in lab.sandbox.with_world(|world| world.list::<Json>("kms/alias", "")).unwrap() {
        aliases.entry(alias["key"].as_str().unwrap().to_owned()).or_default().push(name);
    }
    let text = |record: &Json, name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let kinds: [(&str, &'static str, Arn<'_>); 12] = [
        ("iam/role", "iam", &|_, role| Some(text(role, "arn"))),
        ("iam/policy", "iam", &|_, policy| Some(text(policy, "arn"))),
        ("kms/key", "kms", &|id, _| Some(place("kms", &format!("key/{id}")))),
        ("kms/alias", "kms", &|name, _| Some(place("kms", name))),
        ("ec2/security-group", "ec2", &|id, _| Some(place("ec2", &format!("security-group/{id}")))),
        ("efs/file-system", "elasticfilesystem", &|id, _| {
            Some(place("elasticfilesystem", &format!("file-system/{id}")))
        }),
        ("s3/bucket", "s3", &|name, _| Some(format!("arn:aws:s3:::{name}"))),
        ("s3/bucket", "s3", &|name, _| Some(format!("arn:aws:s3:::{name}/sharing/secret.ipynb"))),
        ("ssm/parameter", "ssm", &|name, _| Some(place("ssm", &format!("parameter{name}")))),
        ("studio/domain", "sagemaker", &|id, _| Some(place("sagemaker", &format!("domain/{id}")))),
        ("studio/user-profile", "sagemaker", &|key, _| Some(place("sagemaker", &format!("user-profile/{key}")))),
        ("studio/lifecycle-config", "sagemaker", &|name, _| {
            Some(place("sagemaker", &format!("studio-lifecycle-config/{name}")))
        }),
    ];
    for (table, service, arn) in kinds {
        for (id, record) in lab.sandbox.with_world(|world| world.list::<Json>(table, "")).unwrap() {
            let tags = if record["tags"].is_object() { &record["tags"] } else { &record["life"]["tags"] };
            let mut keys = Keys::new();
            for (name, value) in tags.as_object().into_iter().flatten() {
                key(&mut keys, &format!("aws:ResourceTag/{name}"), value.as_str().unwrap());
                key(&mut keys, &format!("{service}:ResourceTag/{name}"), value.as_str().unwrap());
            }
            if table == "kms/key" {
                aliases.get(&id).into_iter().flatten().for_each(|name| key(&mut keys, "kms:ResourceAliases", name));
            }
            let arn = arn(&id, &record).unwrap();
            let theirs = [format!("{id}{record}"), arn.clone()].iter().any(|text| text.contains("studio-two"));
            let named = ["theirs", "their-key"].iter().any(|name| arn.contains(name));
            if theirs || named {
                things.push(Thing { arn, service, keys });
            }
        }
    }
    // What users of the neighbour have made carries no tags of anybody's.
    let domains = lab.sandbox.with_world(|world| world.list::<Json>("studio/domain", "")).unwrap();
    for (id, _) in domains.iter().filter(|(_, domain)| domain.to_string().contains("studio-two")) {
        for what in [format!("app/{id}/ann/JupyterLab/default"), format!("space/{id}/hers")] {
            things.push(Thing { arn: place("sagemaker", &what), service: "sagemaker", keys: Keys::new() });
        }
    }
    things
}

/// Keys that somebody may put into a request to get around conditions: each on top of what the thing itself fills in.
fn attempts(thing: &Thing) -> Vec<Keys> {
    let ours = ["acme/dev/ml/studio@us-east-1", "acme/dev/ml/studio-two@us-east-1"];
    let mut attempts = vec![thing.keys.clone()];
    for tag in ours {
        let mut keys = thing.keys.clone();
        key(&mut keys, "aws:RequestTag/studio-deploy:deployment", tag);
        key(&mut keys, "aws:TagKeys", "studio-deploy:deployment");
        attempts.push(keys);
    }
    for (name, value) in [
        ("iam:PassedToService", "sagemaker.amazonaws.com"),
        ("iam:PassedToService", "ec2.amazonaws.com"),
        ("iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess"),
        ("iam:PolicyARN", "arn:aws:iam::123456789012:policy/acme-dev-ml-studio-two-basic-execution"),
        ("kms:ViaService", "sagemaker.us-east-1.amazonaws.com"),
    ] {
        let mut keys = thing.keys.clone();
        key(&mut keys, name, value);
        key(&mut keys, "kms:GrantIsForAWSResource", "true");
        attempts.push(keys);
    }
    attempts
}

fn caller() -> Principal {
    Principal {
        arn: "arn:aws:sts::123456789012:assumed-role/pipeline/me".into(),
        user_id: "AROAPIPELINE000000000:me".into(),
        principal_arn: HOLDER.into(),
    }
}

#[test]
fn no_statement_reaches_what_is_anothers() {
    let mut tried = 0;
    let mut reached = Vec::new();
    for (name, config) in SAMPLES.into_iter().chain([("everything", EVERYTHING)]) {
        let lab = account(if name == "everything" { EVERYTHING } else { "" });
        let things = things(&lab);
        assert!(things.len() > 40, "{}", things.len());
        let case = Case { name, config: config.to_owned(), boundary: None };
        for options in [
            &["--for", "plan"][..],
            &["--for", "apply"],
            &["--for", "destroy"],
            &["--for", "apply", "--adopt"],
            &["--for", "destroy", "--domain-id", "d-ofthisdomain"],
        ] {
            let all = statements(&case.permissions(&lab, options));
            let mut actions: Vec<String> = all.iter().flat_map(|statement| list(&statement["Action"])).collect();
            // What nobody has printed, and everybody would want.
            actions.extend(
                [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "sts:AssumeRole",
                    "ssm:GetParameter",
                    "iam:PutRolePolicy",
                ]
                .map(str::to_owned),
            );
            actions.sort();
            actions.dedup();
            for action in actions.iter().filter(|action| !only_describes(action) && !only_makes(action)) {
                for thing in &things {
                    let service = action.split(':').next().unwrap();
                    let about_roles = thing.arn.contains(":role/") && (service == "sts" || service == "iam");
                    if service != thing.service && !about_roles {
                        continue;
                    }
                    for keys in attempts(thing) {
                        tried += 1;
                        let (action, resource) = (action.clone(), thing.arn.clone());
                        let decision = Decision { caller: caller(), action, resource, keys, is_allowed: false };
                        if allow(&all, &decision) {
                            reached.push(format!(
                                "{name} {options:?}: {} on {} with {:?}",
                                decision.action, decision.resource, decision.keys
                            ));
                        }
                    }
                }
            }
        }
    }
    println!("{tried} requests about what is another's");
    assert!(reached.is_empty(), "{} are allowed:\n{}", reached.len(), reached.join("\n"));
}

/// The access key of a session of the holder's.
fn session(lab: &Lab) -> String {
    let body = format!("Action=AssumeRole&RoleSessionName=me&RoleArn={HOLDER}");
    let answer = lab.sandbox.answer(&signed("sts", OPERATOR, ("POST", "/"), &[], &body));
    let text = String::from_utf8(answer.body).unwrap();
    text.split_once("<AccessKeyId>").unwrap().1.split_once('<').unwrap().0.to_owned()
}

#[test]
fn calls_about_what_is_anothers_are_denied() {
    let lab = account(EVERYTHING);
    let case = Case { name: "", config: EVERYTHING.to_owned(), boundary: None };
    let documents = ["plan", "apply", "destroy"]
        .iter()
        .flat_map(|purpose| case.permissions(&lab, &["--for", purpose]))
        .collect::<Vec<_>>();
    give(&lab, &documents);
    let access_key = session(&lab);
    let of = |table: &str| {
        let records = lab.sandbox.with_world(|world| world.list::<Json>(table, "")).unwrap();
        let theirs = records.into_iter().filter(|(key, record)| format!("{key}{record}").contains("studio-two"));
        theirs.map(|(key, _)| key).collect::<Vec<_>>()
    };
    let (domain, key_id, group, system) = (
        of("studio/domain")[0].clone(),
        of("kms/key")[0].clone(),
        of("ec2/security-group")[0].clone(),
        of("efs/file-system")[0].clone(),
    );
    let domain_arn = format!("arn:aws:sagemaker:us-east-1:123456789012:domain/{domain}");
    let ours = json!([{"Key": "studio-deploy:deployment", "Value": "acme/dev/ml/studio@us-east-1"}]);
    let key_tags = json!([{"TagKey": "studio-deploy:deployment", "TagValue": "acme/dev/ml/studio@us-east-1"}]);
    let policy = "arn:aws:iam::123456789012:policy/acme-dev-ml-studio-basic-execution";
    let role = "acme-dev-ml-studio-two-default-execution-role";
    let json_calls = [
        ("sagemaker", "DeleteDomain", json!({"DomainId": domain})),
        ("sagemaker", "UpdateDomain", json!({"DomainId": domain, "DefaultUserSettings": {}})),
        ("sagemaker", "AddTags", json!({"ResourceArn": domain_arn, "Tags": ours})),
        ("sagemaker", "DeleteTags", json!({"ResourceArn": domain_arn, "TagKeys": ["studio-deploy:deployment"]})),
        ("sagemaker", "DeleteUserProfile", json!({"DomainId": domain, "UserProfileName": "ann"})),
        ("sagemaker", "UpdateUserProfile", json!({"DomainId": domain, "UserProfileName": "ann"})),
        (
            "sagemaker",
            "DeleteApp",
            json!({"DomainId": domain, "UserProfileName": "ann", "AppType": "JupyterLab", "AppName": "default"}),
        ),
        ("sagemaker", "DeleteSpace", json!({"DomainId": domain, "SpaceName": "hers"})),
        ("sagemaker", "CreatePresignedDomainUrl", json!({"DomainId": domain, "UserProfileName": "ann"})),
        (
            "sagemaker",
            "DeleteStudioLifecycleConfig",
            json!({"StudioLifecycleConfigName": of("studio/lifecycle-config")[0]}),
        ),
        ("kms", "ScheduleKeyDeletion", json!({"KeyId": key_id})),
        ("kms", "PutKeyPolicy", json!({"KeyId": key_id, "PolicyName": "default", "Policy": "{}"})),
        ("kms", "TagResource", json!({"KeyId": key_id, "Tags": key_tags})),
        ("kms", "TagResource", json!({"KeyId": "their-key", "Tags": key_tags})),
        ("kms", "DeleteAlias", json!({"AliasName": "alias/theirs"})),
        ("kms", "UpdateAlias", json!({"AliasName": "alias/theirs", "TargetKeyId": key_id})),
        ("kms", "GetKeyPolicy", json!({"KeyId": key_id, "PolicyName": "default"})),
        ("ssm", "GetParameter", json!({"Name": "/studio-deploy/acme/dev/ml/studio-two/record"})),
        ("ssm", "GetParameters", json!({"Names": ["/theirs"]})),
        ("ssm", "GetParametersByPath", json!({"Path": "/acme/ml/studio-two"})),
        ("ssm", "GetParametersByPath", json!({"Path": "/", "Recursive": true})),
        ("ssm", "PutParameter", json!({"Name": "/acme/ml/studio-two/domain/id", "Value": "x", "Overwrite": true})),
        ("ssm", "DeleteParameter", json!({"Name": "/studio-deploy/acme/dev/ml/studio-two/lock"})),
        ("ssm", "DeleteParameters", json!({"Names": ["/theirs"]})),
    ];
    let form_calls = [
        ("iam", format!("Action=DeleteRole&RoleName={role}")),
        ("iam", format!("Action=UpdateAssumeRolePolicy&RoleName={role}&PolicyDocument={{}}")),
        ("iam", format!("Action=AttachRolePolicy&RoleName={role}&PolicyArn={policy}")),
        ("iam", "Action=AttachRolePolicy&RoleName=theirs&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess".into()),
        ("iam", "Action=AttachRolePolicy&RoleName=acme-dev-ml-studio-default-execution-role&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess".into()),
        ("iam", "Action=AttachRolePolicy&RoleName=pipeline&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess".into()),
        ("iam", "Action=PutRolePolicy&RoleName=pipeline&PolicyName=p&PolicyDocument={}".into()),
        ("iam", format!("Action=DeletePolicy&PolicyArn={}", of("iam/policy")[0])),
        ("iam", format!("Action=CreatePolicyVersion&PolicyArn={}&PolicyDocument={{}}", of("iam/policy")[0])),
        ("ec2", format!("Action=DeleteSecurityGroup&GroupId={group}")),
        ("ec2", "Action=DeleteSecurityGroup&GroupId=sg-theirs".into()),
        ("ec2", format!("Action=CreateTags&ResourceId.1={group}&Tag.1.Key=studio-deploy:deployment&Tag.1.Value=acme/dev/ml/studio@us-east-1")),
        ("ec2", "Action=CreateTags&ResourceId.1=sg-theirs&Tag.1.Key=studio-deploy:deployment&Tag.1.Value=acme/dev/ml/studio@us-east-1".into()),
        ("ec2", format!("Action=AuthorizeSecurityGroupIngress&GroupId={group}")),
        ("sts", "Action=AssumeRole&RoleSessionName=me&RoleArn=arn:aws:iam::123456789012:role/acme-dev-ml-studio-two-deployment".into()),
    ];
    let path_calls = [
        ("s3", "GET", "/acme-dev-ml-studio-two?list-type=2".to_owned()),
        ("s3", "GET", "/acme-dev-ml-studio-two/sharing/a".into()),
        ("s3", "PUT", "/theirs/a".into()),
        ("s3", "DELETE", "/theirs/a".into()),
        ("s3", "DELETE", "/acme-dev-ml-studio-two".into()),
        ("s3", "DELETE", "/acme-dev-ml-studio-two?policy".into()),
        ("s3", "GET", "/acme-dev-ml-studio/sharing/secret.ipynb".into()),
        ("elasticfilesystem", "DELETE", format!("/2015-02-01/file-systems/{system}")),
        ("elasticfilesystem", "DELETE", "/2015-02-01/file-systems/fs-theirs".into()),
    ];
    let mut answers: Vec<(String, Response)> = Vec::new();
    for (service, operation, body) in &json_calls {
        let target = format!("Service.{operation}");
        let asked = signed(service, &access_key, ("POST", "/"), &[("x-amz-target", &target)], &body.to_string());
        answers.push((format!("{service} {operation} {body}"), lab.sandbox.answer(&asked)));
    }
    for (service, body) in &form_calls {
        let asked = signed(service, &access_key, ("POST", "/"), &[], body);
        answers.push((format!("{service} {body}"), lab.sandbox.answer(&asked)));
    }
    for (service, method, path) in &path_calls {
        let asked = signed(service, &access_key, (method, path), &[], "");
        answers.push((format!("{service} {method} {path}"), lab.sandbox.answer(&asked)));
    }
    for id in [system.as_str(), "fs-theirs"] {
        let body = json!({"Tags": ours}).to_string();
        let asked =
            signed("elasticfilesystem", &access_key, ("POST", &format!("/2015-02-01/resource-tags/{id}")), &[], &body);
        answers.push((format!("tag {id}"), lab.sandbox.answer(&asked)));
    }
    println!("{} calls about what is another's", answers.len());
    for (what, answer) in answers {
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains("is not authorized to perform"), "{what}: {} {text}", answer.status);
    }
}

//! Changes that somebody makes to things of ours, each with what is said about it.

use serde_json::{Value as Json, json};
use studio_sandbox::Response;

use crate::support::account::Lab;
use crate::support::behind::{OPERATOR, domain_id, signed, studio};

/// Asks a service as a person would.
fn ask(lab: &Lab, service: &str, method: &str, path: &str, query: &[(&str, &str)], body: &str) -> String {
    let kind = if method == "POST" { "application/x-www-form-urlencoded" } else { "application/xml" };
    ask_with(lab, service, method, (path, query), body, &[("content-type", kind)])
}

/// The same with headers.
fn ask_with(
    lab: &Lab,
    service: &str,
    method: &str,
    (path, query): (&str, &[(&str, &str)]),
    body: &str,
    more: &[(&str, &str)],
) -> String {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let path = [path, &query.join("&")].join("?");
    let request = signed(service, OPERATOR, (method, &path), more, body);
    let Response { status, body, .. } = lab.sandbox.answer(&request);
    let body = String::from_utf8(body).unwrap();
    assert!(status < 300, "{service} {path} {query:?}: {status} {body}", query = request.query);
    body
}

/// One of the services that read forms.
fn form(lab: &Lab, service: &str, members: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect()
    };
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    ask(lab, service, "POST", "/", &[], &members.join("&"))
}

fn iam(lab: &Lab, action: &str, members: &[(&str, &str)]) {
    form(lab, "iam", &[&[("Action", action), ("Version", "2010-05-08")], members].concat());
}

fn ec2(lab: &Lab, action: &str, members: &[(&str, &str)]) {
    form(lab, "ec2", &[&[("Action", action), ("Version", "2016-11-15")], members].concat());
}

fn kms(lab: &Lab, operation: &str, input: &Json) {
    let target = format!("TrentService.{operation}");
    let more = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
    ask_with(lab, "kms", "POST", ("/", &[]), &input.to_string(), &more);
}

/// Sets one configuration of our bucket.
fn bucket(lab: &Lab, what: &str, body: &str) {
    ask(lab, "s3", "PUT", "/acme-dev-ml-studio", &[(what, "")], body);
}

const ROLE: (&str, &str) = ("RoleName", "acme-dev-ml-studio-default-execution-role");
const EVERYTHING_GOES: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The id of the group that SageMaker made for one direction.
fn nfs_group(lab: &Lab, direction: &str) -> (String, String) {
    let tables = lab.tables();
    let mut groups = tables["ec2/security-group"].iter();
    let prefix = format!("security-group-for-{direction}-nfs-");
    let name = |group: &Json| group["name"].as_str().unwrap().to_owned();
    let (id, group) = groups.find(|(_, group)| name(group).starts_with(&prefix)).unwrap();
    (id.clone(), name(group))
}

/// A change behind the config's back, and what is said about it.
pub struct Change {
    pub name: &'static str,
    pub make: fn(&Lab) -> String,
    pub says: &'static str,
    pub is_mended: bool,
}

const fn change(name: &'static str, make: fn(&Lab) -> String, says: &'static str, is_mended: bool) -> Change {
    Change { name, make, says, is_mended }
}

/// Each with the address that it is found at.
pub const CHANGES: &[Change] = &[
    change(
        "an inline policy that allows everything",
        |lab| {
            let policy = [("PolicyName", "evil"), ("PolicyDocument", EVERYTHING_GOES)];
            iam(lab, "PutRolePolicy", &[&[ROLE], &policy[..]].concat());
            "execution_role.default".into()
        },
        "InlinePolicies.evil",
        true,
    ),
    change(
        "AWS's policy for administrators",
        |lab| {
            iam(lab, "AttachRolePolicy", &[ROLE, ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess")]);
            "execution_role.default".into()
        },
        "AdministratorAccess",
        true,
    ),
    change(
        "a boundary",
        |lab| {
            let boundary = ("PermissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess");
            iam(lab, "PutRolePermissionsBoundary", &[ROLE, boundary]);
            "execution_role.default".into()
        },
        "PermissionsBoundary",
        true,
    ),
    change(
        "our policy on another role",
        |lab| {
            let tables = lab.tables();
            let arn = tables["iam/policy"].keys().find(|arn| arn.ends_with("basic-execution")).unwrap();
            iam(lab, "AttachRolePolicy", &[("RoleName", "test-user-role"), ("PolicyArn", arn)]);
            "execution_policy.basic".into()
        },
        "Entities.Roles.test-user-role",
        true,
    ),
    change(
        "our policy for a user",
        |lab| {
            let tables = lab.tables();
            let arn = tables["iam/policy"].keys().find(|arn| arn.ends_with("basic-execution")).unwrap();
            iam(lab, "CreateUser", &[("UserName", "mallory")]);
            iam(lab, "AttachUserPolicy", &[("UserName", "mallory"), ("PolicyArn", arn)]);
            "execution_policy.basic".into()
        },
        "detach-user-policy --user-name mallory",
        false,
    ),
    change(
        "our policy for a group",
        |lab| {
            let tables = lab.tables();
            let arn = tables["iam/policy"].keys().find(|arn| arn.ends_with("basic-execution")).unwrap();
            iam(lab, "CreateGroup", &[("GroupName", "all")]);
            iam(lab, "AttachGroupPolicy", &[("GroupName", "all"), ("PolicyArn", arn)]);
            "execution_policy.basic".into()
        },
        "detach-group-policy --group-name all",
        false,
    ),
    change(
        "a grant for another account",
        |lab| {
            let tables = lab.tables();
            let ours = |alias: &Json| alias["key"].as_str().unwrap().to_owned();
            let key = tables["kms/alias"].get("alias/acme-dev-ml-studio-efs").map(ours).unwrap();
            let to = "arn:aws:iam::999988887777:root";
            kms(lab, "CreateGrant", &json!({"KeyId": key, "GranteePrincipal": to, "Operations": ["Decrypt"]}));
            "kms_key.efs".into()
        },
        "revoke-grant",
        false,
    ),
    change(
        "an object more below the assets' prefix",
        |lab| {
            lab.sandbox
                .with_world(|world| {
                    let (key, object) =
                        world.list::<Json>("s3/object", "acme-dev-ml-studio/").into_iter().next().unwrap();
                    let (folder, _) = key.rsplit_once("/testing/").unwrap();
                    world.put("s3/object", &format!("{folder}/evil/run.sh"), &object);
                })
                .unwrap();
            "bucket_object.lifecycle-assets".into()
        },
        "evil/run.sh",
        false,
    ),
    change(
        "a file more in an asset",
        |lab| {
            lab.sandbox
                .with_world(|world| {
                    let (key, object) =
                        world.list::<Json>("s3/object", "acme-dev-ml-studio/").into_iter().next().unwrap();
                    world.put("s3/object", &format!("{key}.sh"), &object);
                })
                .unwrap();
            "bucket_object.jupyterLab/testing".into()
        },
        ".sh",
        true,
    ),
    change(
        "a rule that deletes everything after a day",
        |lab| {
            bucket(
                lab,
                "lifecycle",
                "<LifecycleConfiguration><Rule><ID>gone</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>\
                 <Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
            );
            "bucket.sharing".into()
        },
        "deletes objects after 1 days",
        true,
    ),
    change(
        "an access list for another account",
        |lab| {
            bucket(
                lab,
                "ownershipControls",
                "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>",
            );
            bucket(
                lab,
                "acl",
                "<AccessControlPolicy><Owner><ID>0</ID></Owner><AccessControlList><Grant><Grantee><ID>f00</ID></Grantee>\
                 <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
            );
            "bucket.sharing".into()
        },
        "READ to f00",
        true,
    ),
    change(
        "a website",
        |lab| {
            let page = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";
            bucket(lab, "website", &format!("<WebsiteConfiguration>{page}</WebsiteConfiguration>"));
            "bucket.sharing".into()
        },
        "Website",
        true,
    ),
    change(
        "a copy of everything",
        |lab| {
            bucket(
                lab,
                "replication",
                "<ReplicationConfiguration><Role>arn:aws:iam::123456789012:role/r</Role><Rule><Status>Enabled</Status>\
                 <Destination><Bucket>arn:aws:s3:::theirs</Bucket></Destination></Rule></ReplicationConfiguration>",
            );
            "bucket.sharing".into()
        },
        "arn:aws:s3:::theirs",
        true,
    ),
    change(
        "other origins",
        |lab| {
            bucket(
                lab,
                "cors",
                "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>\
                 </CORSConfiguration>",
            );
            "bucket.sharing".into()
        },
        "Cors",
        true,
    ),
    change(
        "a port of the home file system's group",
        |lab| {
            let (id, name) = nfs_group(lab, "inbound");
            open_port(lab, "AuthorizeSecurityGroupIngress", &id);
            format!("nfs_security_group.{name}")
        },
        "CidrIp: 0.0.0.0/0",
        true,
    ),
    change(
        "a way out of the home file system's group",
        |lab| {
            let (id, name) = nfs_group(lab, "outbound");
            open_port(lab, "AuthorizeSecurityGroupEgress", &id);
            format!("nfs_security_group.{name}")
        },
        "CidrIp: 0.0.0.0/0",
        true,
    ),
    change(
        "a profile made by hand",
        |lab| {
            studio(lab, "CreateUserProfile", &json!({"DomainId": domain_id(lab), "UserProfileName": "mallory"}));
            "user_profile.mallory".into()
        },
        "delete-user-profile",
        false,
    ),
    change(
        "Docker",
        |lab| {
            let docker = json!({"DockerSettings": {"EnableDockerAccess": "ENABLED"}});
            studio(lab, "UpdateDomain", &json!({"DomainId": domain_id(lab), "DomainSettingsForUpdate": docker}));
            "domain.studio".into()
        },
        "DockerSettings.EnableDockerAccess",
        true,
    ),
];

fn open_port(lab: &Lab, action: &str, id: &str) {
    let rule = [
        ("GroupId", id),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "22"),
        ("IpPermissions.1.ToPort", "22"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    ec2(lab, action, &rule);
}

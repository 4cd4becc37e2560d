//! Configs of the tests: the samples, and what people do to them.

use studio_deploy::model::Deployment;

use super::account::{APPLY, DESTROY};

/// The deployment of the engine's tests. The words of a command are `account::IDENTITY`.
pub fn deployment(module: &str) -> Deployment {
    let [org, env, domain] = ["acme", "dev", "ml"].map(str::to_owned);
    let (account, region, partition) = ("123456789012".into(), "us-east-1".into(), "aws".into());
    Deployment { org, env, domain, module: module.into(), account, region, partition }
}

/// The three samples, by name.
pub const SAMPLES: [(&str, &str); 3] = [
    ("minimal", include_str!("../../../samples/minimal.yaml")),
    ("comprehensive", include_str!("../../../samples/comprehensive.yaml")),
    ("sso", include_str!("../../../samples/sso.yaml")),
];

/// Text of the minimal sample.
pub const MINIMAL: &str = SAMPLES[0].1;
/// Text of the comprehensive sample.
pub const COMPREHENSIVE: &str = SAMPLES[1].1;
/// The sample with Identity Center.
pub const SSO: &str = SAMPLES[2].1;

/// The least that a config can say.
pub const BARE: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1]
  dataAdminRoles: [{name: admin}]
";

/// A config with a user and nothing else.
pub const ONE_USER: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1, subnet-2]
  dataAdminRoles: [{name: admin}]
  userProfiles:
    ann: {userRole: {name: users}}
";

macro_rules! two_users {
    () => {
        "\
domain:
  authMode: IAM
  vpcId: vpc-1
  subnetIds: [subnet-1, subnet-2]
  dataAdminRoles: [{name: admin}]
  userProfiles:
    ann: {userRole: {name: users}}
    ben: {userRole: {name: users}}
  lifecycleConfigs:
    jupyterLab: {cmds: [echo one]}
  tags: {team: science}
"
    };
}

/// A config with two users, a script and a tag.
pub const TWO_USERS: &str = two_users!();

/// The same, in a file that says what deployment it is, as `IDENTITY` does on a command line.
pub const NAMED: &str = concat!("deployment: {org: acme, env: dev, domain: ml, module: studio}\n", two_users!());

/// A config with one of everything that is made, and most of what can be changed about it.
pub const EVERYTHING: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-id
  subnetIds: [subnet-id]
  dataAdminRoles:
    - arn: arn:{{partition}}:iam::{{account}}:role/test-admin-role
  tags: {team: science}
  securityGroupIngress:
    ipv4:
      - {cidr: 10.0.0.0/24, protocol: tcp, port: 443}
  userProfiles:
    ann: {userRole: {name: test-user-role}}
    ben: {userRole: {name: test-user-role}}
  defaultUserSettings:
    jupyterLabAppSettings:
      codeRepositories:
        - repositoryUrl: https://github.com/example/test-repo.git
  lifecycleConfigs:
    jupyterLab:
      assets:
        testing: {sourcePath: ./testing_asset_dir}
      cmds:
        - echo one
    kernel:
      cmds:
        - echo kernel
";

/// Config that makes the sandbox have what a later config needs besides.
pub const LATER: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-id
  subnetIds: [subnet-id]
  kmsKeyArn: arn:{{partition}}:kms:{{region}}:{{account}}:key/given-key
  securityGroupId: sg-given
  dataAdminRoles:
    - arn: arn:{{partition}}:iam::{{account}}:role/test-admin-role
  defaultExecutionRole: {name: given-execution-role}
  domainBucket:
    domainBucketName: given-bucket
    assetDeploymentRole: {name: given-asset-role}
  userProfiles:
    ann: {userRole: {name: test-user-role}}
";

/// A command on a config, in an account where another config stands already.
pub struct Story {
    /// What happens.
    pub name: &'static str,
    /// What stands already.
    pub from: Option<String>,
    /// The command.
    pub command: Vec<&'static str>,
    /// Its config.
    pub to: String,
}

/// `text` with one place changed.
#[track_caller]
pub fn edit(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` should stand once in\n{text}");
    text.replace(from, to)
}

/// From nothing to each sample, from one config to another, and back to nothing.
pub fn stories() -> Vec<Story> {
    let apply = |name, from: Option<&str>, to: String| Story {
        name,
        from: from.map(str::to_owned),
        command: APPLY.to_vec(),
        to,
    };
    let change = |name, from: &str, to: &str| apply(name, Some(EVERYTHING), edit(EVERYTHING, from, to));
    let mut removed = change("a user goes", "    ben: {userRole: {name: test-user-role}}\n", "");
    removed.command.extend(["--allow-profile-delete", "ben"]);
    let given = edit(
        EVERYTHING,
        "  tags: {team: science}\n",
        "  tags: {team: science}
  domainBucket:
    domainBucketName: given-bucket
    assetDeploymentRole: {name: given-asset-role}
",
    );
    let destroy = |name, from: &str, more: &[&'static str]| Story {
        name,
        from: Some(from.to_owned()),
        command: [DESTROY, more].concat(),
        to: from.to_owned(),
    };
    vec![
        apply("minimal", None, MINIMAL.into()),
        apply("comprehensive", None, COMPREHENSIVE.into()),
        apply("sso", None, SSO.into()),
        apply("everything", None, EVERYTHING.into()),
        change("a command changes", "echo one", "echo two"),
        change("a user comes", "    ben:", "    cid: {userRole: {name: test-user-role}}\n    ben:"),
        removed,
        change("a rule changes", "port: 443", "port: 8443"),
        change("a tag changes", "team: science", "team: art"),
        change("a tag goes", "  tags: {team: science}\n", ""),
        change(
            "a setting goes",
            "\
    jupyterLabAppSettings:
      codeRepositories:
        - repositoryUrl: https://github.com/example/test-repo.git
",
            "\
    jupyterLabAppSettings: {}
",
        ),
        change(
            "a lifecycle config goes",
            "\
    kernel:
      cmds:
        - echo kernel
",
            "",
        ),
        apply("a bucket is given instead of made", Some(EVERYTHING), given),
        destroy("minimal goes", MINIMAL, &[]),
        destroy("everything goes", EVERYTHING, &["--home-efs", "delete", "--bucket", "delete", "--kms-key", "delete"]),
    ]
}

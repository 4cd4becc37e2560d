//! Each sample is planned, applied, changed and destroyed by a role that holds what is printed for it.

use serde_json::{Value as Json, json};
use studio_sandbox::Decision;

use super::behind::{expose, hang, meddle, misconfigure, untag_home, work};
use super::holder::{Case, decisions, give};
use crate::support::account::Lab;
use crate::support::behind::domain_id;
use crate::support::configs::{COMPREHENSIVE, EVERYTHING, LATER, MINIMAL, SSO, edit};
use crate::support::ended::Ended;
use crate::support::picture::Tables;

/// Config of what stood before a sample is applied: everything made, in another network, with more than the sample has.
pub const BEFORE: &str = "\
domain:
  authMode: IAM
  vpcId: vpc-old
  subnetIds: [subnet-old]
  dataAdminRoles:
    - arn: arn:{{partition}}:iam::{{account}}:role/test-admin-role
  tags: {team: gone}
  userProfiles:
    old: {userRole: {name: test-user-role}}
  lifecycleConfigs:
    jupyterLab: {cmds: [echo old]}
    kernel: {cmds: [echo old]}
    jupyter: {cmds: [echo old]}
";

/// A config with everything given that can be, and a script with files.
fn given() -> String {
    format!("{LATER}{SCRIPT}")
}

const SCRIPT: &str = "  lifecycleConfigs:
    jupyterLab:
      assets:
        testing: {sourcePath: ./testing_asset_dir}
      cmds: [echo one]
";

/// A run of a story, and the account in which it began.
pub struct Run {
    pub purpose: &'static str,
    pub command: Vec<String>,
    pub config: String,
    pub before: Tables,
    pub decisions: Vec<Decision>,
    pub documents: Vec<Json>,
}

pub fn cases() -> Vec<Case> {
    let plain = |name, config: &str| Case { name, config: config.to_owned(), boundary: None };
    vec![
        plain("minimal", MINIMAL),
        plain("sso", SSO),
        plain("comprehensive", &COMPREHENSIVE.replace("idleTimeoutInMinutes: 30", "idleTimeoutInMinutes: 60")),
        plain("everything", EVERYTHING),
        plain("given", &given()),
        Case { name: "boundary", config: with_prefix_list(), boundary: Some("bound") },
    ]
}

fn with_prefix_list() -> String {
    let rule = "    prefixList:\n      - {prefixList: pl-given, protocol: tcp, port: 443}\n    ipv4:\n";
    edit(EVERYTHING, "    ipv4:\n", rule)
}

/// The config with other tags, which are the only thing that the next one changes again.
fn tagged(case: &Case) -> Case {
    let text = &case.config;
    case.with(match text.contains("  tags: {team: science}\n") {
        true => edit(text, "  tags: {team: science}\n", "  tags: {room: green}\n"),
        false => format!("{text}  tags: {{room: green}}\n"),
    })
}

/// The config with everything that it can be changed to without needing other permissions: another user above all.
fn changed(case: &Case) -> String {
    let eve = if case.config.contains("authMode: SSO") { "{}" } else { "{userRole: {name: test-user-role}}" };
    let mut text = edit(&case.config, "  userProfiles:\n", &format!("  userProfiles:\n    eve: {eve}\n"));
    text = text.replace("echo one", "echo two").replacen("port: 443", "port: 8443", 1);
    tagged(&case.with(text)).config
}

/// Tables with everything that `cases` refer to.
pub fn surroundings(cases: &[Case]) -> Tables {
    let mut all = Tables::new();
    for case in cases {
        let lab = Lab::new();
        let ended = case.run(&lab, &["plan"]);
        assert_eq!(ended.code, 0, "{}: {}\n{}", case.name, ended.data, ended.notes);
        for (table, records) in lab.tables() {
            all.entry(table).or_default().extend(records);
        }
    }
    all
}

/// A user of the config's.
fn user(case: &Case) -> &'static str {
    ["example-user-id", "sso-user-id"].into_iter().find(|user| case.config.contains(user)).unwrap_or("ann")
}

/// The case, the account and the runs of one sample's stories.
pub struct ProcessState<'a> {
    pub case: &'a Case,
    /// The account in which nothing of the deployment stands.
    pub empty: &'a Tables,
    pub runs: Vec<Run>,
}

impl ProcessState<'_> {
    /// A run as a role with what is printed for `purpose` with each of `options`.
    fn run(&mut self, lab: &Lab, case: &Case, purpose: &'static str, options: &[&[&str]], command: &[&str]) -> Ended {
        let printed = options.iter().flat_map(|one| case.permissions(lab, &[&["--for", purpose], *one].concat()));
        let documents: Vec<Json> = printed.collect();
        give(lab, &documents);
        let before = lab.tables();
        let ended = case.run_as_holder(lab, command);
        let decisions = decisions(lab);
        let (command, config) = (command.iter().map(ToString::to_string).collect(), case.config.clone());
        self.runs.push(Run { purpose, command, config, before, decisions, documents });
        ended
    }

    /// A run that lacks nothing.
    #[track_caller]
    fn well(&mut self, lab: &Lab, case: &Case, purpose: &'static str, options: &[&str], command: &[&str]) {
        self.well_with(lab, case, purpose, &[options], command);
    }

    /// The same with what is printed in more ways than one.
    #[track_caller]
    fn well_with(&mut self, lab: &Lab, case: &Case, purpose: &'static str, options: &[&[&str]], command: &[&str]) {
        let ended = self.run(lab, case, purpose, options, command);
        assert_eq!(ended.code, 0, "{} {command:?}:\n{}\n{}", case.name, ended.data, ended.notes);
        let said = ended.said();
        for sign in ["not authorized", "AccessDenied", "could not be", "cannot be assumed", "not checked"] {
            assert!(!said.contains(sign), "{} {command:?}: {said}", case.name);
        }
    }

    /// A run that is told that something is another's, and lacks no permission to find that out.
    #[track_caller]
    fn blocked(&mut self, lab: &Lab, purpose: &'static str, command: &[&str]) {
        let case = self.case.clone();
        let ended = self.run(lab, &case, purpose, &[&[]], command);
        assert!(
            matches!(ended.code, 0 | 5),
            "{} {command:?}: {}\n{}\n{}",
            case.name,
            ended.code,
            ended.data,
            ended.notes
        );
    }

    /// An account in which something else stands.
    fn after(&self, before: &Case) -> Lab {
        let lab = Lab::like(self.empty);
        before.run(&lab, &["apply", "--auto-approve"]).expect(0);
        lab
    }
}

/// A URL for a user, where there are any.
fn sign_in(life: &mut ProcessState<'_>, lab: &Lab, options: &[&str]) {
    let case = life.case;
    if !case.config.contains("authMode: SSO") {
        life.well(lab, case, "url", options, &["url", "--user", user(case)]);
    }
}

const CONFIRM: [&str; 2] = ["--confirm", "acme/dev/ml/studio"];
const EVERYTHING_TOO: [&str; 6] = ["--home-efs", "delete", "--bucket", "delete", "--kms-key", "delete"];

/// A sample's life from nothing to everything and back, by a role that holds what is printed for each command of it.
pub fn live(life: &mut ProcessState<'_>) {
    let ProcessState { case, empty, .. } = *life;
    let (changed, tagged) = (case.with(changed(case)), tagged(case));
    let plan: &[&str] = &["plan"];
    let apply: &[&str] = &["apply", "--auto-approve", "--allow-profile-delete", "eve"];
    let destroy = [&["destroy", "--auto-approve"], &CONFIRM[..]].concat();

    let lab = Lab::like(empty);
    life.well(&lab, case, "plan", &[], plan);
    life.well(&lab, case, "apply", &[], apply);
    life.well(&lab, case, "plan", &[], plan);
    life.well(&lab, &changed, "apply", &[], apply);
    meddle(&lab);
    life.well(&lab, &changed, "plan", &[], plan);
    life.well(&lab, case, "apply", &[], apply);
    life.well(&lab, &tagged, "apply", &[], apply);
    let exposed = expose(&lab);
    life.well(&lab, &tagged, "plan", &[], plan);
    let mend: Vec<&str> = exposed.iter().flat_map(|address| ["--fix", address]).collect();
    life.well(&lab, case, "apply", &[], &[apply, &mend].concat());
    sign_in(life, &lab, &[]);
    // The same once the domain's id is known: a user comes, and goes with what she made.
    let id = domain_id(&lab);
    let with_id = ["--domain-id", id.as_str()];
    untag_home(&lab);
    misconfigure(&lab);
    life.well(&lab, &changed, "apply", &with_id, apply);
    work(&lab, "eve");
    life.well(&lab, case, "apply", &with_id, &[apply, &["--drain"]].concat());
    sign_in(life, &lab, &with_id);
    work(&lab, user(case));
    life.well(&lab, case, "plan", &with_id, &["plan", "--destroy", "--drain"]);
    life.well(&lab, case, "destroy", &with_id, &[&destroy[..], &["--drain"]].concat());
    let left = lab.tables();
    life.well(&lab, case, "destroy", &[], &[&destroy[..], &EVERYTHING_TOO].concat());
    // Left by a run that could not tag them.
    let lab = Lab::like(&left);
    untag_home(&lab);
    life.well(&lab, case, "destroy", &with_id, &["cleanup", "--domain-id", &id, "--yes"]);
}

/// Lives through everything else that may come to pass in a sample's life.
pub fn meet_everything(life: &mut ProcessState<'_>) {
    let ProcessState { case, empty, .. } = *life;
    let plan: &[&str] = &["plan"];
    let apply: &[&str] = &["apply", "--auto-approve", "--allow-profile-delete", "eve"];
    let destroy = [&["destroy", "--auto-approve"], &CONFIRM[..]].concat();
    let destroy_bucket = [&destroy[..], &["--bucket", "delete"]].concat();

    // Over what was there before, and now has to go; a stopped app, and the file system of an earlier domain.
    let boundary = if case.boundary.is_some() { None } else { Some("bound") };
    let lab = life.after(&Case { boundary, ..case.with(BEFORE.into()) });
    hang(&lab);
    work(&lab, "old");
    let id = domain_id(&lab);
    let with_id = ["--domain-id", id.as_str()];
    let replace = ["--allow-replace", "domain.studio", "--allow-replace", "security_group.domain"];
    let consent = [&replace[..], &["--allow-profile-delete", "old"], &CONFIRM].concat();
    let over = [&["apply", "--auto-approve"], &consent[..]].concat();
    // The new domain has another id, so that what is printed without one is needed besides.
    life.well_with(&lab, case, "apply", &[&with_id, &[]], &[&over[..], &["--drain"]].concat());
    life.well(&lab, case, "plan", &[], plan);
    // The file system of the domain in the other network stays, since its interfaces are in a VPC that the config no longer
    // names, and so does the key that encrypts it.
    life.well(&lab, case, "destroy", &[], &destroy_bucket);

    // Everything given before.
    let lab = life.after(&case.with(given()));
    life.well(&lab, case, "apply", &[], &[&over[..], &["--allow-profile-delete", "ann"]].concat());

    // So many users that the record stands in pieces, and fewer again.
    let user = if case.config.contains("authMode: SSO") { "{}" } else { "{userRole: {name: test-user-role}}" };
    let crowd: Vec<String> = (0..90).map(|n| format!("{:x}", 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(n + 1))).collect();
    let users: String = crowd.iter().map(|name| format!("    u{name}: {user}\n")).collect();
    let crowded = case.with(edit(&case.config, "  userProfiles:\n", &format!("  userProfiles:\n{users}")));
    let consent: Vec<String> = crowd.iter().map(|name| format!("--allow-profile-delete=u{name}")).collect();
    let consent: Vec<&str> = consent.iter().map(String::as_str).collect();
    let lab = Lab::like(empty);
    crowded.run(&lab, apply).expect(0);
    let tables = lab.tables();
    life.well(&lab, &crowded, "plan", &[], plan);
    life.well(&lab, case, "apply", &[], &[apply, &consent].concat());
    life.well(&Lab::like(&tables), &crowded, "destroy", &[], &destroy);

    // Destroyed as it was before, although the config says otherwise by now.
    let here = BEFORE.replace("vpc-old", "vpc-id").replace("subnet-old", "subnet-id");
    let lab = life.after(&case.with(here));
    hang(&lab);
    life.well(&lab, case, "plan", &[], &["plan", "--destroy"]);
    life.well(&lab, case, "destroy", &[], &[&destroy[..], &EVERYTHING_TOO].concat());

    // A domain that failed leaves a file system that nobody used: the next apply clears it away, and so does a destroy.
    for (purpose, command, is_known) in
        [("apply", apply, false), ("destroy", &destroy, false), ("destroy", &destroy, true)]
    {
        let lab = Lab::like(empty);
        lab.set_faults_once("fail=CreateDomain:InternalFailure".parse().unwrap());
        case.run(&lab, apply).expect(8);
        untag_home(&lab);
        let id = domain_id(&lab);
        let with_id = ["--domain-id", id.as_str()];
        life.well(&lab, case, purpose, &with_id[..if is_known { 2 } else { 0 }], command);
    }

    // So does the next apply when the domain is gone already.
    let lab = Lab::like(empty);
    lab.set_faults_once("fail=CreateDomain:InternalFailure".parse().unwrap());
    case.run(&lab, apply).expect(8);
    let id = domain_id(&lab);
    lab.sandbox.with_world(|world| world.remove("studio/domain", &id)).unwrap();
    life.well(&lab, case, "apply", &[], apply);

    // A key without its alias.
    let lab = life.after(&case.with(BEFORE.into()));
    let unalias = || lab.sandbox.with_world(|world| world.remove("kms/alias", "alias/acme-dev-ml-studio-efs")).unwrap();
    unalias();
    life.blocked(&lab, "plan", plan);
    life.blocked(&lab, "apply", &over);
    unalias();
    life.well(&lab, case, "destroy", &[], &destroy_bucket);

    // Our alias on somebody's key, our bucket in somebody's account.
    let lab = Lab::like(empty);
    lab.sandbox
        .with_world(|world| {
            let (_, mut key) = world.list::<Json>("kms/key", "").into_iter().next().unwrap();
            key["id"] = json!("their-key");
            world.put("kms/key", "their-key", &key);
            world.put(
                "kms/alias",
                "alias/acme-dev-ml-studio-efs",
                &json!({"key": "their-key", "created": 0, "updated": 0}),
            );
            let (_, mut bucket) = world.list::<Json>("s3/bucket", "").into_iter().next().unwrap();
            bucket["name"] = json!("acme-dev-ml-studio");
            bucket["owner"] = json!("999988887777");
            world.put("s3/bucket", "acme-dev-ml-studio", &bucket);
        })
        .unwrap();
    life.blocked(&lab, "plan", plan);
    life.blocked(&lab, "apply", apply);
    life.blocked(&lab, "destroy", &destroy);
}

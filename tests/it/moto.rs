//! A second opinion on the wire: everything outside Studio against moto, which others wrote.
//!
//! moto knows no lifecycle configs, user profiles or spaces, so no whole deployment can be applied there; but roles, the
//! key, the security group, the bucket, policies, parameters, the record and the lock can be made, found, changed and
//! deleted. `tests/independent/run` starts a moto server and says where; without one there is nothing to test here.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use studio_deploy::aws::lock::{Holder, Locality, Lock, Process, ProcessState};
use studio_deploy::aws::roles::Roles;
use studio_deploy::aws::{Account, record};
use studio_deploy::cloud::{Cloud, Deleted};
use studio_deploy::config::document::{Document, InputFile};
use studio_deploy::config::template::Context;
use studio_deploy::config::{self};
use studio_deploy::model::{Found, Graph, Kind, Node, Observed, Path, Value};
use studio_deploy::naming::Names;
use studio_deploy::plan::DeletionPolicy;
use studio_deploy::plan::{PathSet, Record, changes};
use studio_deploy::resource::{Desired, Flags, rules};

use crate::support::configs::deployment;

/// Environment variable with the server's address, as `tests/independent/run` sets it.
const SERVER: &str = "STUDIO_DEPLOY_TEST_MOTO";

const CONFIG: &str = "
domain:
  authMode: IAM
  vpcId: VPC
  subnetIds: [SUBNET]
  dataAdminRoles: [{id: AROADATAADMIN00000001}]
  securityGroupIngress:
    ipv4:
      - {cidr: 10.0.0.0/24, protocol: tcp, port: 443}
      - {cidr: 10.1.0.0/24, protocol: tcp, port: 8000, toPort: 8010, description: a range}
";

/// The kinds that moto knows enough of.
const KINDS: [Kind; 6] =
    [Kind::ExecutionRole, Kind::AssetRole, Kind::KmsKey, Kind::SecurityGroup, Kind::Bucket, Kind::AssetPolicy];

fn desired(vpc: &str, subnet: &str, tags: &[(&str, &str)]) -> Desired {
    let text = CONFIG.replace("VPC", vpc).replace("SUBNET", subnet);
    let file = InputFile { name: "studio.yaml".into(), text };
    let document = Document::parse(&[file], &|_| Err("no includes".into())).unwrap();
    let config = config::resolve(&document, &Context::default(), Some(&BTreeMap::new())).unwrap().config;
    let deployment = deployment("moto");
    Desired {
        names: Names::new(&deployment).unwrap(),
        deployment,
        config,
        roles: Roles { data_admins: vec!["AROADATAADMIN00000001".into()], ..Roles::default() },
        assets: BTreeMap::new(),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        permissions_boundary: None,
        flags: Flags::default(),
    }
}

/// The node with what the live ones offer filled in.
fn known(node: &Node, live: &BTreeMap<studio_deploy::model::Address, Observed>) -> Node {
    let lookup = |of: &studio_deploy::model::Address, name: &str| live.get(of)?.outputs.get(name).cloned();
    Node { properties: node.properties.resolve(&lookup), ..node.clone() }
}

fn graph(desired: &Desired) -> Graph {
    desired.graph().into_iter().filter(|(address, _)| KINDS.contains(&address.kind)).collect()
}

fn assert_settled(node: &Node, live: &Observed) {
    let left = changes(node, live, &[], rules(node.address.kind));
    assert!(left.is_empty(), "{}: {left:#?}", node.address);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "who has a server at hand says so in the environment")]
async fn everything_outside_studio_works_against_moto() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(server)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .load()
        .await;
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/24").send().await.unwrap();
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();

    let before = desired(&vpc, &subnet, &[("team", "blue")]);
    let account = Account::new(&config, true, before.deployment.clone(), before.names.clone(), Box::new(|_| {}));
    let mut live = BTreeMap::new();
    for (address, node) in graph(&before) {
        let node = known(&node, &live);
        assert!(node.properties.is_known(), "{address} waits for {:?}", node.properties.outputs());
        assert_eq!(account.find(&node, &|_| true).await.unwrap(), Found::Absent, "{address}");
        let made = account.create(&node).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_settled(&node, &made);
        // Once more: a create whose answer was lost is repeated.
        if address.kind != Kind::KmsKey {
            let again = account.create(&node).await.unwrap_or_else(|error| panic!("{address} again: {error}"));
            assert_settled(&node, &again);
        }
        live.insert(address, made);
    }

    let mut after = desired(&vpc, &subnet, &[("team", "green"), ("cost", "42")]);
    after.config.domain.security_group_ingress.ipv4.remove(0);
    after.roles.data_admins = vec!["AROADATAADMIN00000002".into()];
    for (address, node) in graph(&after) {
        let node = known(&node, &live);
        let found = account.find(&node, &|_| true).await.unwrap();
        let observed = found.ours().unwrap_or_else(|| panic!("{address} is {found:?}"));
        let changed = changes(&node, observed, &[], rules(address.kind));
        assert!(!changed.is_empty(), "{address} has other tags now");
        let made = account.update(&node, observed, &changed).await;
        assert_settled(&node, &made.unwrap_or_else(|error| panic!("{address}: {error}")));
    }

    for (address, observed) in live.iter().rev() {
        let deleted = account
            .delete(address, observed, DeletionPolicy::Retain)
            .await
            .unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(deleted, Deleted::Gone, "{address}");
    }
    keeps_records(&account).await;
    // A run of its own: whoever has lost the lock writes nothing more.
    let contender = Account::new(&config, true, before.deployment.clone(), before.names.clone(), Box::new(|_| {}));
    locks(&contender).await;
    publishes_parameters(&account, &before).await;
}

async fn keeps_records(account: &Account) {
    assert_eq!(record::read(account).await.unwrap(), None);
    let small = Record { format: Record::FORMAT, config_digest: "small".into(), ..Record::default() };
    // Digits of a multiplicative sequence: compression does not get hold of them, so the record needs several pieces.
    let name = |n: u64| format!("user_profile.{:016x}{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15), n.pow(5)).parse();
    let large = Record {
        managed: vec![PathSet {
            paths: vec![Path::of(["UserSettings"])],
            of: (1..600).map(|n| name(n).unwrap()).collect(),
        }],
        ..small.clone()
    };
    for record in [Some(&small), Some(&large), Some(&small), None] {
        record::write(account, record).await.unwrap();
        assert_eq!(record::read(account).await.unwrap().as_ref(), record);
    }
}

async fn locks(account: &Account) {
    let hand = |token: &str, namespace: &str, pid: u32| {
        let process = Process {
            host: "host".into(),
            pid,
            boot: Some("boot".into()),
            namespace: Some(namespace.into()),
            started: Some(1),
        };
        let locality = Locality { process: process.clone(), life: |_| ProcessState::Gone, uptime: || Duration::ZERO };
        Lock::new(account, Holder { holder: "ann".into(), process, token: token.into(), ..Holder::default() }, locality)
    };
    let (one, other) = (hand("one", "a", 1), hand("other", "b", 1));
    one.acquire(Duration::ZERO, &|_| ()).await.unwrap();
    let refused = other.acquire(Duration::ZERO, &|_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("ann on host"), "{refused}");
    assert!(one.heartbeat().await.unwrap() && !other.heartbeat().await.unwrap());
    // Only its holder gives it back.
    other.release().await.unwrap();
    let standing = one.standing().await.unwrap();
    assert_eq!(standing.and_then(|standing| standing.holder).map(|holder| holder.token), Some("one".into()));
    one.release().await.unwrap();
    let other = hand("again", "b", 1);
    other.acquire(Duration::ZERO, &|_| ()).await.unwrap();
    // In the same PID namespace a dead process leaves its lock to the next.
    let heir = hand("heir", "b", 2);
    heir.acquire(Duration::ZERO, &|_| ()).await.unwrap();
    heir.remove().await.unwrap();
    assert_eq!(heir.standing().await.unwrap(), None);
}

async fn publishes_parameters(account: &Account, desired: &Desired) {
    let graph = desired.graph();
    let vpc_id = graph.values().find(|node| node.address.name.ends_with("domain/vpc-id")).unwrap();
    let made = account.create(vpc_id).await.unwrap();
    assert_settled(vpc_id, &made);
    let mut moved = vpc_id.clone();
    moved.properties.set("Value", "vpc-moved");
    let changed = changes(&moved, &made, &[], rules(Kind::Parameter));
    let made = account.update(&moved, &made, &changed).await.unwrap();
    assert_eq!(made.properties.get("Value"), Some(&Value::from("vpc-moved")));
    let parameters: Graph = [(vpc_id.address.clone(), vpc_id.clone())].into();
    let kind = studio_deploy::resource::of(Kind::Parameter);
    let nodes: Vec<Node> = parameters.values().cloned().collect();
    let view = studio_deploy::resource::ObserveContext { nodes: &nodes, record: None, domain: None };
    let seen = kind.observe(account, view).await.unwrap();
    assert!(seen.iter().any(|(address, found)| *address == vpc_id.address && found.ours().is_some()), "{seen:?}");
    account.delete(&vpc_id.address, &made, DeletionPolicy::Retain).await.unwrap();
    assert_eq!(account.find(vpc_id, &|_| true).await.unwrap(), Found::Absent);
}

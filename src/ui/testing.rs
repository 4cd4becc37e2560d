//! Plans made by hand, and streams that can be looked at.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::{Screen, Terminal};
use crate::hint::Hint;
use crate::model::{Address, Found, Kind, Node, Observed, Owner, Path, Snapshot, Source, Text, Value};
use crate::plan::{Effect, Options, Plan, Record, Removal, Retention, Rules, Unset, plan};

/// A stream that keeps what is written.
#[derive(Clone, Default)]
pub(crate) struct Kept(Rc<RefCell<Vec<u8>>>);

impl Kept {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A screen whose two streams are such terminals, and what is written to each.
pub(crate) fn screen(terminal: Terminal) -> (Screen, Kept, Kept) {
    let (data, notes) = (Kept::default(), Kept::default());
    (Screen::new((Box::new(data.clone()), terminal), (Box::new(notes.clone()), terminal)), data, notes)
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// Rules with one example of everything that rules can say.
struct Sample(Kind);

impl Rules for Sample {
    fn effect(&self, path: &Path, _: Option<&Value>, _: Option<&Value>) -> Effect {
        match (self.0, path.0.first().map(String::as_str)) {
            (Kind::Domain, Some("VpcId")) => Effect::Immutable("loses every user's home directory"),
            _ => Effect::InPlace,
        }
    }

    fn unset(&self, _: &Path, live: &Value) -> Unset {
        match live {
            Value::Text(_) => Unset::Send("None".into()),
            _ => Unset::Omit,
        }
    }

    fn removal(&self, _: &Observed, retention: &Retention) -> Removal {
        match self.0 {
            Kind::UserProfile => Removal::NeedsConsent { loses: "the home directory of the user".into() },
            Kind::Bucket if retention.delete_bucket != Some(true) => {
                let why = "`removalPolicy.bucket` is retain".into();
                Removal::Retain { why, drops: Vec::new(), later: Some(Hint::new("destroy", ["--bucket", "delete"])) }
            }
            _ => Removal::Delete,
        }
    }
}

fn sample(kind: Kind) -> &'static dyn Rules {
    match kind {
        Kind::Domain => &Sample(Kind::Domain),
        Kind::UserProfile => &Sample(Kind::UserProfile),
        Kind::Bucket => &Sample(Kind::Bucket),
        _ => &Sample(Kind::Parameter),
    }
}

/// Desired and live objects of a case, put together one by one.
#[derive(Default)]
pub(crate) struct Scene {
    nodes: BTreeMap<Address, Node>,
    snapshot: Snapshot,
    recorded: Option<Record>,
    pub(crate) options: Options,
}

impl Scene {
    pub(crate) fn wants(mut self, at: &str, line: usize, properties: Json) -> Self {
        let mut node = Node::new(address(at), waiting(Value::from(properties)));
        node.sources.insert(Path::default(), source(line));
        for (offset, (path, _)) in node.properties.leaves().into_iter().enumerate() {
            node.sources.insert(path, source(line + offset + 1));
        }
        self.nodes.insert(node.address.clone(), node);
        self
    }

    pub(crate) fn has(mut self, at: &str, properties: Json) -> Self {
        let mut observed = Observed::new(format!("id-of-{at}"), Value::from(properties));
        for attribute in ["Arn", "DomainId"] {
            observed = observed.output(attribute, format!("{attribute}-of-{at}"));
        }
        self.snapshot.insert(address(at), Found::Ours(observed));
        self
    }

    pub(crate) fn foreign(mut self, at: &str, owner: Owner) -> Self {
        let observed = Some(Observed::new("theirs", Value::map()));
        self.snapshot.insert(address(at), Found::Foreign { owner, observed });
        self
    }

    /// As if this had been applied before.
    pub(crate) fn recorded(mut self) -> Self {
        self.recorded = self.plan().record().cloned();
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&crate::testing::deployment(), &self.nodes, &self.snapshot, self.recorded.clone(), &sample, &self.options)
            .unwrap()
            .finish()
    }
}

pub(crate) fn source(line: usize) -> Source {
    Source { file: "studio.yaml".into(), line, column: 3 }
}

/// Reads `${address.attribute}` as an output, which no YAML can say.
fn waiting(value: Value) -> Value {
    match value {
        Value::Text(text) => {
            let literal = text.known().unwrap_or_default();
            let Some((before, rest)) = literal.split_once("${") else { return Value::Text(text) };
            let (output, after) = rest.split_once('}').unwrap();
            let (of, attribute) = output.rsplit_once('.').unwrap();
            Value::Text(Text::literal(before).then(Text::output(address(of), attribute)).then(after))
        }
        Value::List(items) => Value::List(items.into_iter().map(waiting).collect()),
        Value::Map(map) => map.into_iter().map(|(key, value)| (key, waiting(value))).collect(),
        other => other,
    }
}

/// A scene in which everything is missing.
pub(crate) fn create_all() -> Scene {
    Scene::default()
        .wants(
            "execution_role.default",
            3,
            json!({"RoleName": "acme-dev-ml-studio", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}}),
        )
        .wants(
            "security_group.domain",
            8,
            json!({"GroupName": "acme-dev-ml-studio", "Ingress": [{"IpProtocol": "tcp", "FromPort": 443, "CidrIp": "0.0.0.0/0"}]}),
        )
        .wants(
            "domain.studio",
            10,
            json!({"AuthMode": "IAM", "DefaultUserSettings": {
                "ExecutionRole": "${execution_role.default.Arn}", "SecurityGroups": ["${security_group.domain.GroupId}"]}}),
        )
        .wants("parameter./acme/ml/studio/url", 20, json!({"Value": "https://${domain.studio.DomainId}.studio"}))
}

/// A policy, a set, a tag and a taken-back setting change; the rest stays.
pub(crate) fn update() -> Scene {
    let read = json!({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::data/*"});
    let more =
        json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::data/*"});
    let old = json!({"Sid": "Old", "Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let role = json!({"RoleName": "acme-dev-ml-studio"});
    let before = json!({"AuthMode": "IAM", "DefaultUserSettings": {"SecurityGroups": ["sg-1", "sg-2"], "Idle": 60,
        "JupyterLabAppSettings": {"LifecycleConfigArn": "arn:aws:sagemaker:x"}}, "Tags": {"owner": "ann"}});
    let after = json!({"AuthMode": "IAM", "DefaultUserSettings": {"SecurityGroups": ["sg-2", "sg-3"], "Idle": 120},
        "Tags": {"owner": "ben", "cost": "42"}});
    let mut scene = Scene::default()
        .wants("execution_role.default", 2, role.clone())
        .has("execution_role.default", role)
        .wants("domain.studio", 10, before.clone())
        .has("domain.studio", before)
        .recorded();
    scene = scene.wants("domain.studio", 10, after);
    scene
        .wants("execution_policy.basic", 30, json!({"PolicyDocument": {"Version": "2012-10-17", "Statement": [more]}}))
        .has("execution_policy.basic", json!({"PolicyDocument": {"Version": "2012-10-17", "Statement": [old, read]}}))
}

/// A startup script changes.
pub(crate) fn script() -> Scene {
    Scene::default()
        .wants(
            "lifecycle_config.jupyterLab",
            40,
            json!({"Content": "#!/bin/bash\nset -eu\npip install b\necho done\n"}),
        )
        .has("lifecycle_config.jupyterLab", json!({"Content": "#!/bin/bash\nset -eu\npip install a\necho done\n"}))
}

/// Two users left the config and one of them may go; the domain would move to another network.
pub(crate) fn removal() -> Scene {
    let mut scene = Scene::default()
        .wants("domain.studio", 10, json!({"VpcId": "vpc-2"}))
        .has("domain.studio", json!({"VpcId": "vpc-1"}))
        .has("user_profile.ann", json!({"UserProfileName": "ann"}))
        .has("user_profile.ben", json!({"UserProfileName": "ben"}));
    scene.options.allow_profile_delete = BTreeSet::from(["ann".to_owned()]);
    scene
}

/// Everything goes but the bucket.
pub(crate) fn destroy() -> Scene {
    let mut scene = Scene::default()
        .has("bucket.sharing", json!({"Bucket": "acme-dev-ml-studio"}))
        .has("domain.studio", json!({"VpcId": "vpc-1"}))
        .has("user_profile.ann", json!({"UserProfileName": "ann"}));
    scene.options.destroy = true;
    scene
}

//! Published SSM parameters: what other modules read, under MDAA's names.
//!
//! Identity: the name, which as in MDAA leaves out the environment: one that another environment published is not
//! ours. Values are replaced in place. Destroy deletes them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::permissions::{CHANGE, Grant, LOOK, MAKE, Scope};
use super::{
    Desired, ObserveContext, Resource, asset_policy, asset_role, bucket, domain, execution_policy, execution_role,
};
use super::{kms_key, lifecycle_config, ownership, required, security_group};
use crate::aws::error::failed;
use crate::aws::wait::WaitPolicy;
use crate::aws::{Account, answer, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Graph, Kind, Node, Observed, Owner, Path, Text, Value};
use crate::plan::outline::said;
use crate::plan::{Change, DeletionPolicy, Outline, Rules};

/// Number of parameters whose tags are read at once.
const PARALLEL: usize = 8;

/// Verbs and rules of the kind `parameter`.
#[derive(Debug)]
pub struct ParameterResource;

impl Rules for ParameterResource {
    fn outline(&self, node: &Node) -> Outline {
        Outline::new(said(node.properties.get("Value")))
    }
}

#[async_trait(?Send)]
impl Resource for ParameterResource {
    fn kind(&self) -> Kind {
        Kind::Parameter
    }

    /// MDAA's path leaves out the environment, so several may publish below it: what is there is told apart by its tag,
    /// where there is one. `PutParameter` overwrites without tags; whether AWS fills in the tag of what is overwritten is
    /// not written down, so that it is asked for only where it is there.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let path = scope.names.parameters.trim_matches('/');
        let own = || [scope.arn("ssm", &format!("parameter/{path}/*"))];
        let mut grants = vec![
            Grant::new(LOOK, &["ssm:GetParametersByPath"], [scope.arn("ssm", &format!("parameter/{path}"))]),
            Grant::new(LOOK, &["ssm:ListTagsForResource"], own()),
            Grant::new(CHANGE, &["ssm:DeleteParameter"], own()).unless_anothers(scope),
        ];
        if !scope.skips_parameters {
            let writes =
                ["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:RemoveTagsFromResource", "ssm:GetParameter"];
            grants.push(Grant::new(MAKE, &writes, own()).unless_anothers(scope));
        }
        grants
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        if desired.flags.skip_parameters {
            return Vec::new();
        }
        published(desired)
            .into_iter()
            .map(|Published { key, value, said }| {
                let name = format!("{}{key}", desired.names.parameters);
                let address = Address::new(Kind::Parameter, &name);
                let tags = desired.tags(&address);
                let properties = [
                    ("Name", Value::from(name)),
                    ("Type", "String".into()),
                    ("Value", Value::Text(value)),
                    ("Tags", tags),
                ];
                let mut node = Node::new(address, Value::from_iter(properties));
                let keys: Vec<&str> = ["domain"].into_iter().chain(said).collect();
                node.sources.extend(desired.source(&keys).map(|source| (Path::default(), source)));
                node
            })
            .collect()
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        let values = values_below(account, &account.names.parameters).await?;
        let wanted: BTreeSet<&str> = context.nodes.iter().filter_map(|node| node.properties.text("Name")).collect();
        // Each is asked for its tags: a filter that lists those with the right ones would not say which carry others besides,
        // such as another stack's.
        let looks = values.iter().map(|(name, (value, kind))| {
            let wanted = &wanted;
            async move {
                let tags = live_tags(account, name).await?;
                let found = ownership::classify(account, observed(name, value, kind, &tags)).await?;
                // Below MDAA's path other modules and environments may publish what they like.
                let is_of_mdaa = matches!(found, Found::Foreign { owner: Owner::Mdaa { .. }, .. });
                let ours = matches!(found, Found::Ours(_)) || is_of_mdaa || wanted.contains(name.as_str());
                Ok(ours.then(|| (Address::new(Kind::Parameter, name), found)))
            }
        });
        let found: Vec<Option<(Address, Found)>> = stream::iter(looks).buffered(PARALLEL).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn find(&self, account: &Account, node: &Node) -> Result<Found, CloudError> {
        find(account, required::text(node, "Name")?).await
    }

    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let name = required::text(node, "Name")?;
        let value = required::text(node, "Value")?;
        let put = async || {
            let put = account
                .ssm
                .put_parameter()
                .name(name)
                .r#type(ParameterType::String)
                .value(value)
                .set_tags(Some(tags::list(&ownership::of(&node.properties))));
            match put.send().await.map_err(|e| failed("PutParameter", e)) {
                // Our own attempt whose answer was lost. SSM also says so of a name that was deleted half a minute ago.
                Err(error) if error.is("ParameterAlreadyExists") => match find(account, name).await? {
                    Found::Absent => Err(error),
                    _ => Ok(()),
                },
                other => other.map(drop),
            }
        };
        let is_transient = |error: &CloudError| error.is("ParameterAlreadyExists");
        account.clock.retry(WaitPolicy::PROPAGATION, is_transient, put).await?;
        read_back(account, node).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let name = &observed.id;
        if changes.iter().any(|change| change.path.0[0] != "Tags") {
            let value = required::text(node, "Value")?;
            let put = account.ssm.put_parameter().name(name).r#type(ParameterType::String).value(value).overwrite(true);
            put.send().await.map_err(|e| failed("PutParameter", e))?;
        }
        let (write, remove) = ownership::difference(&node.properties, changes);
        let parameter = ResourceTypeForTagging::Parameter;
        if !write.is_empty() {
            let add = account.ssm.add_tags_to_resource().resource_type(parameter.clone()).resource_id(name);
            add.set_tags(Some(tags::list(&write))).send().await.map_err(|e| failed("AddTagsToResource", e))?;
        }
        if !remove.is_empty() {
            let take = account.ssm.remove_tags_from_resource().resource_type(parameter).resource_id(name);
            take.set_tag_keys(Some(remove)).send().await.map_err(|e| failed("RemoveTagsFromResource", e))?;
        }
        read_back(account, node).await
    }

    async fn delete(
        &self,
        account: &Account,
        _address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        match account.ssm.delete_parameter().name(&observed.id).send().await.map_err(|e| failed("DeleteParameter", e)) {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(Deleted::Gone),
        }
    }
}

/// A parameter of MDAA's.
struct Published {
    /// Its name below the module's path.
    key: String,
    value: Text,
    /// The keys below `domain` that it comes from.
    said: Vec<&'static str>,
}

/// The published values, by key below the deployment's path: MDAA's list.
fn published(desired: &Desired) -> Vec<Published> {
    let config = &desired.config.domain;
    let one = |key: &str, value: Text, said: &[&'static str]| Published {
        key: key.to_lowercase(),
        value,
        said: said.to_vec(),
    };
    let policy = |attribute| Text::output(execution_policy::address(), attribute);
    let mut published = vec![
        one("domain/id", Text::output(domain::address(), "DomainId"), &[]),
        one("domain/vpc-id", config.vpc_id.as_str().into(), &["vpcId"]),
        one("domain/subnet-ids", config.subnet_ids.join(",").into(), &["subnetIds"]),
        one("managed-policy/basic-execution/arn", policy("Arn"), &[]),
        one("managed-policy/basic-execution/name", policy("PolicyName"), &[]),
    ];
    let made: Graph = super::KINDS
        .iter()
        .filter(|kind| kind.kind() < Kind::Domain)
        .flat_map(|kind| kind.desired(desired))
        .map(|node| (node.address.clone(), node))
        .collect();
    let mut outputs = |of: Address, attributes: &[(&str, &str)], said: &[&'static str]| {
        if made.contains_key(&of) {
            let output = |attribute: &str| Text::output(of.clone(), attribute);
            published.extend(attributes.iter().map(|(key, attribute)| one(key, output(attribute), said)));
        }
    };
    let role = |name: &str| ["arn", "id", "name"].map(|attribute| format!("role/{name}/{attribute}"));
    for (of, name) in [(execution_role::address(), "default-execution-role"), (asset_role::address(), "deployment")] {
        let [arn, id, name] = role(name);
        outputs(of, &[(&arn, "Arn"), (&id, "RoleId"), (&name, "RoleName")], &[]);
    }
    outputs(kms_key::address(), &[("kms/efs/arn", "Arn"), ("kms/efs/id", "KeyId")], &[]);
    outputs(bucket::address(), &[("bucket/name", "BucketName"), ("bucket/arn", "Arn")], &[]);
    let group = format!("security-group/{}/id", desired.names.prefix);
    outputs(security_group::address(), &[(&group, "GroupId")], &[]);
    let policy = [
        ("managed-policy/domain-bucket-deploy/arn", "Arn"),
        ("managed-policy/domain-bucket-deploy/name", "PolicyName"),
    ];
    outputs(asset_policy::address(), &policy, &["domainBucket"]);
    for kind in config.lifecycle_configs.keys() {
        outputs(
            lifecycle_config::address(*kind),
            &[(&format!("studiolifecycleconfig/{}/arn", kind.app_type()), "Arn")],
            &["lifecycleConfigs", kind.key()],
        );
    }
    published
}

fn observed(name: &str, value: &str, kind: &str, tags: &BTreeMap<String, String>) -> Observed {
    let properties = Value::from_iter([
        ("Name", Value::from(name)),
        ("Type", kind.into()),
        ("Value", value.into()),
        ("Tags", ownership::property(tags)),
    ]);
    Observed::new(name, properties).output("Value", value)
}

async fn values_below(account: &Account, path: &str) -> Result<BTreeMap<String, (String, String)>, CloudError> {
    let get = account.ssm.get_parameters_by_path().path(path.trim_end_matches('/')).recursive(true);
    let parameters = get.into_paginator().send().try_collect().await;
    let pages: Vec<_> = parameters.map_err(|e| failed("GetParametersByPath", e))?;
    let each = pages.iter().flat_map(|page| page.parameters()).map(|parameter| {
        let member = |name: &str, value| answer::text("GetParametersByPath", name, value).map(str::to_owned);
        let kind = parameter.r#type().map(ParameterType::as_str);
        let value = (member("Value", parameter.value())?, member("Type", kind)?);
        Ok((member("Name", parameter.name())?, value))
    });
    each.collect()
}

pub(super) async fn live_tags(account: &Account, name: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let list = account.ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
    let tags = match list.send().await.map_err(|e| failed("ListTagsForResource", e)) {
        Ok(tags) => tags,
        // Gone between two calls.
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    Ok(tags::by_key(tags.tag_list()))
}

async fn find(account: &Account, name: &str) -> Result<Found, CloudError> {
    let parameter = match account.ssm.get_parameter().name(name).send().await.map_err(|e| failed("GetParameter", e)) {
        Ok(answer) => answer::member("GetParameter", "Parameter", answer.parameter)?,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let tags = live_tags(account, name).await?;
    let kind = answer::text("GetParameter", "Type", parameter.r#type().map(ParameterType::as_str))?;
    let value = answer::text("GetParameter", "Value", parameter.value())?;
    ownership::classify(account, observed(name, value, kind, &tags)).await
}

async fn read_back(account: &Account, node: &Node) -> Result<Observed, CloudError> {
    let name = required::text(node, "Name")?;
    account.find_ours(&node.address, || find(account, name)).await
}

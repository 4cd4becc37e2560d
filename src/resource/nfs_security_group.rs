//! The two security groups that SageMaker makes so that apps reach the home file system: never desired, only found.
//!
//! Identity: the names `security-group-for-{inbound,outbound}-nfs-<domain id>`. They refer to each other, so the rules
//! go before the groups; after a domain is deleted its network interfaces hold them for up to a minute. Those of a
//! domain that lives are never touched but for their tags. Destroy keeps them as long as the file system, which uses
//! them, and deletes them with it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, Tag};

use super::permissions::{CHANGE, FIND, Grant, MAKE, Scope};
use super::{ObserveContext, Resource, home_efs, required, security_group, unused};
use crate::aws::error::failed;
use crate::aws::{Account, answer, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Kind, Node, Observed, Path, Value};
use crate::plan::{Change, DeletionPolicy, Removal, Retention, Rules, Watched};

/// Prefixes of the two groups' names.
const PREFIXES: [&str; 2] = ["security-group-for-inbound-nfs-", "security-group-for-outbound-nfs-"];

/// Verbs and rules of the kind `nfs_security_group`.
#[derive(Debug)]
pub struct NfsSecurityGroup;

impl Rules for NfsSecurityGroup {
    /// SageMaker lets the two groups reach each other, and nobody else.
    fn watch(&self, observed: &Observed, _node: Option<&Node>) -> Vec<Watched> {
        let properties = &observed.properties;
        let pair = properties.get("Pair").map(Value::items).unwrap_or_default();
        let is_made = |rule: &&Value| rule.get("GroupId").is_some_and(|peer| pair.contains(peer));
        let why = "SageMaker made the group for the home file system alone, and this rule lets other traffic through";
        let directions = ["Ingress", "Egress"].into_iter().filter_map(|direction| {
            let rules = properties.get(direction)?.items();
            let (made, others): (Vec<&Value>, Vec<&Value>) = rules.iter().partition(is_made);
            let list = |rules: Vec<&Value>| Value::List(rules.into_iter().cloned().collect());
            let is_found = !others.is_empty();
            let found = list(others);
            is_found.then(|| Watched::wrong(Path::of([direction]), &found, why, list(made)))
        });
        directions.collect()
    }

    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        if let Some(why) = unused::why(observed) {
            return Removal::Unused { why };
        }
        if retention.delete_home_efs == Some(true) {
            return Removal::Delete;
        }
        let domain = domain_of(observed.properties.text("GroupName").unwrap_or_default());
        let why = "the home file system's mount targets use it".into();
        Removal::Retain { why, drops: Vec::new(), later: Some(unused::cleanup(domain)) }
    }
}

#[async_trait(?Send)]
impl Resource for NfsSecurityGroup {
    fn kind(&self) -> Kind {
        Kind::NfsSecurityGroup
    }

    /// SageMaker makes the groups with a tag that names the domain and none of ours: until they carry ours they are known
    /// by that, and the domain's id is not known before the first apply.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let groups = || [scope.arn("ec2", "security-group/*")];
        let mut grants = vec![
            Grant::anywhere(FIND, &["ec2:DescribeSecurityGroups"]),
            home_efs::of_domains(scope, Grant::new(CHANGE, &["ec2:CreateTags"], groups()))
                .tagging_as_ours(scope)
                .unless_anothers(scope),
        ];
        grants.extend(scope.owned(&Grant::new(MAKE, &["ec2:CreateTags", "ec2:DeleteTags"], groups())));
        let delete = ["ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress", "ec2:DeleteSecurityGroup"];
        grants.extend(home_efs::to_delete(scope, &delete, &groups()));
        // An apply may delete a group of ours anyway, and change the rules of one where it makes one; where it makes none it
        // still takes back what it is told to, and clears away groups that nobody used.
        if scope.config.domain.security_group_id.is_some() {
            grants.extend(scope.owned(&Grant::new(MAKE, &delete[..2], groups())));
        }
        grants
    }

    fn observe_after_domain(&self) -> bool {
        true
    }

    async fn observe(
        &self,
        account: &Account,
        context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        let mut groups = match context.domain {
            Some(domain) => of_domain(account, &domain.id).await?,
            None => Vec::new(),
        };
        let tagged = home_efs::tagged(account, "ec2:security-group").await?;
        if !tagged.is_empty() {
            let by_id = Filter::builder().name("group-id").set_values(Some(tagged)).build();
            let describe = account.ec2.describe_security_groups().filters(by_id).into_paginator().items();
            let found = describe.send().try_collect().await.map_err(|e| failed("DescribeSecurityGroups", e))?;
            groups.extend(found.into_iter().filter(|group| {
                group.group_name().is_some_and(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
            }));
        }
        groups.sort_by(|one, other| one.group_id().cmp(&other.group_id()));
        groups.dedup_by(|one, other| one.group_id() == other.group_id());
        let failed = match context.domain {
            Some(domain) if unused::is_unused(account, domain).await? => Some(domain.id.as_str()),
            _ => None,
        };
        let mut found = Vec::new();
        for group in &groups {
            let mut observed = observed(group)?;
            let pair = groups.iter().filter(|other| {
                domain_of(other.group_name().unwrap_or_default()) == domain_of(group.group_name().unwrap_or_default())
            });
            observed
                .properties
                .set("Pair", pair.filter_map(|other| other.group_id()).map(Value::from).collect::<Vec<_>>());
            let name = required::property(Kind::NfsSecurityGroup, &observed, "GroupName")?.to_owned();
            let domain = domain_of(&name);
            let marked = group.tags().iter().any(|tag| tag.key() == Some(unused::UNUSED));
            // As long as something is on the file system it needs them.
            let is_unused = failed == Some(domain)
                || marked
                    && context.domain.is_none_or(|live| live.id != domain)
                    && home_efs::of_domain(account, domain).await?.iter().all(home_efs::is_empty);
            if is_unused {
                unused::note(&mut observed, domain);
            }
            found.push((Address::new(Kind::NfsSecurityGroup, name), Found::Ours(observed)));
        }
        Ok(found)
    }

    /// Takes away rules that SageMaker did not make.
    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        for change in changes {
            let wanted = node.properties.at(&change.path).map(Value::items).unwrap_or_default();
            let live = observed.properties.at(&change.path).map(Value::items).unwrap_or_default();
            let surplus: Vec<&Value> = live.iter().filter(|rule| !wanted.contains(rule)).collect();
            let is_egress = change.path == Path::of(["Egress"]);
            security_group::revoke(account, observed, is_egress, &surplus).await?;
        }
        let look = || async {
            let by_id = Filter::builder().name("group-id").values(&observed.id).build();
            let describe = account.ec2.describe_security_groups().filters(by_id).send().await;
            let describe = describe.map_err(|e| failed("DescribeSecurityGroups", e))?;
            let Some(group) = describe.security_groups().first() else { return Ok(Found::Absent) };
            let mut live = self::observed(group)?;
            live.properties.set("Pair", observed.properties.get("Pair").cloned().unwrap_or(Value::Null));
            Ok(Found::Ours(live))
        };
        account.find_ours(&node.address, look).await
    }

    async fn delete(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let id = &observed.id;
        let domain = domain_of(required::property(Kind::NfsSecurityGroup, observed, "GroupName")?);
        // Of both: whichever goes first, the other one's rules refer to it.
        for group in of_domain(account, domain).await? {
            let id = answer::text("DescribeSecurityGroups", "GroupId", group.group_id.as_deref())?;
            let (ingress, egress) =
                (group.ip_permissions.unwrap_or_default(), group.ip_permissions_egress.unwrap_or_default());
            if !ingress.is_empty() {
                let revoke = account.ec2.revoke_security_group_ingress().group_id(id).set_ip_permissions(Some(ingress));
                let revoked = revoke.send().await.map(drop).map_err(|e| failed("RevokeSecurityGroupIngress", e));
                unless_gone(account, id, revoked).await?;
            }
            if !egress.is_empty() {
                let revoke = account.ec2.revoke_security_group_egress().group_id(id).set_ip_permissions(Some(egress));
                let revoked = revoke.send().await.map(drop).map_err(|e| failed("RevokeSecurityGroupEgress", e));
                unless_gone(account, id, revoked).await?;
            }
        }
        security_group::delete(account, address, id).await
    }
}

/// The id of the domain that a group was made for.
fn domain_of(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or_default()
}

/// The outcome for rules of a group that may be deleted meanwhile.
async fn unless_gone(account: &Account, id: &str, revoked: Result<(), CloudError>) -> Result<(), CloudError> {
    match revoked {
        Err(error) if error.is("InvalidPermission.NotFound") || error.kind == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind == ErrorKind::Denied && security_group::is_gone(account, id).await? => Ok(()),
        other => other,
    }
}

/// The groups that SageMaker made for a domain, whoever's that is: by their exact names.
///
/// # Errors
/// What EC2 fails with.
pub async fn made_for(account: &Account, domain: &str) -> Result<Vec<Observed>, CloudError> {
    of_domain(account, domain).await?.iter().map(observed).collect()
}

fn observed(group: &aws_sdk_ec2::types::SecurityGroup) -> Result<Observed, CloudError> {
    let id = answer::text("DescribeSecurityGroups", "GroupId", group.group_id())?;
    let name = answer::text("DescribeSecurityGroups", "GroupName", group.group_name())?;
    let rules = |permissions| security_group::flatten(permissions, id).map(Value::List);
    let properties = Value::from_iter([
        ("GroupName", Value::from(name)),
        ("Ingress", rules(group.ip_permissions())?),
        ("Egress", rules(group.ip_permissions_egress())?),
    ]);
    Ok(Observed::new(id, properties))
}

async fn of_domain(account: &Account, domain: &str) -> Result<Vec<aws_sdk_ec2::types::SecurityGroup>, CloudError> {
    let names = PREFIXES.iter().map(|prefix| format!("{prefix}{domain}")).collect();
    let by_name = Filter::builder().name("group-name").set_values(Some(names)).build();
    let describe = account.ec2.describe_security_groups().filters(by_name).into_paginator().items();
    describe.send().try_collect().await.map_err(|e| failed("DescribeSecurityGroups", e))
}

/// The tags that both groups of a domain carry.
pub(super) async fn common_tags(account: &Account, domain: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let mut common: Option<BTreeMap<String, String>> = None;
    for group in of_domain(account, domain).await? {
        let tags = tags::by_key(group.tags());
        common = Some(match common {
            None => tags,
            Some(common) => common.into_iter().filter(|(key, value)| tags.get(key) == Some(value)).collect(),
        });
    }
    Ok(common.unwrap_or_default())
}

/// Changes the tags of both groups of a domain.
pub(super) async fn tag(
    account: &Account,
    domain: &str,
    write: &BTreeMap<String, String>,
    remove: Vec<String>,
) -> Result<(), CloudError> {
    let ids: Vec<String> = of_domain(account, domain).await?.into_iter().filter_map(|group| group.group_id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    if !write.is_empty() {
        let create = account.ec2.create_tags().set_resources(Some(ids.clone())).set_tags(Some(tags::list(write)));
        create.send().await.map_err(|e| failed("CreateTags", e))?;
    }
    if !remove.is_empty() {
        let tags = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
        let delete = account.ec2.delete_tags().set_resources(Some(ids)).set_tags(Some(tags));
        delete.send().await.map_err(|e| failed("DeleteTags", e))?;
    }
    Ok(())
}

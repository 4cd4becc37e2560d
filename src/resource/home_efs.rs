//! The file system with everybody's home directories, which SageMaker makes for a domain: never desired, only found.
//!
//! Identity: the domain's `HomeEfsFileSystemId`; after the domain is gone, our tags. Destroy keeps it; only an
//! explicit choice deletes it, after its mount targets.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_efs::types::FileSystemDescription;
use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::permissions::{CHANGE, FIND, Grant, LOOK, MAKE, REMOVE, Scope, resource_tag};
use super::{ObserveContext, Resource, ownership, unused};
use crate::aws::error::failed;
use crate::aws::wait::{WaitPolicy, WaitProgress};
use crate::aws::{Account, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::model::{Address, Found, Kind, Observed, State, Value};
use crate::plan::{Action, DeletionPolicy, Removal, Retention, Rules};

/// The tag by which SageMaker says which domain it made something for: the value is the domain's ARN.
const MADE_FOR: &str = "ManagedByAmazonSageMakerResource";

/// Verbs and rules of the kind `home_efs`.
#[derive(Debug)]
pub struct HomeEfs;

impl Rules for HomeEfs {
    fn removal(&self, observed: &Observed, retention: &Retention) -> Removal {
        if let Some(why) = unused::why(observed) {
            return Removal::Unused { why };
        }
        let size = observed.properties.text("Size").unwrap_or("unknown size");
        if retention.delete_home_efs == Some(true) {
            let what = holds(observed);
            let loses = format!("{} is deleted, and {what} with it for good ({size})", observed.id);
            return Removal::Requested { loses };
        }
        let why = format!("{} holds {} ({size})", observed.id, holds(observed));
        match domain_of(&observed.properties) {
            Some(domain) => Removal::Retain { why, drops: Vec::new(), later: Some(unused::cleanup(&domain)) },
            None => {
                let why = format!("{why}; later: `aws efs delete-file-system --file-system-id {}`", observed.id);
                Removal::Retain { why, drops: Vec::new(), later: None }
            }
        }
    }
}

#[async_trait(?Send)]
impl Resource for HomeEfs {
    fn kind(&self) -> Kind {
        Kind::HomeEfs
    }

    /// As the groups around it, the file system is known by SageMaker's tag until it carries ours.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let systems = || [scope.arn("elasticfilesystem", "file-system/*")];
        let mut grants = vec![
            Grant::anywhere(LOOK, &["elasticfilesystem:DescribeFileSystems"]),
            Grant::new(FIND, &["elasticfilesystem:ListTagsForResource"], systems()),
            // A destroy writes down whose the file system of a domain that failed is, before that domain is gone.
            of_domains(scope, Grant::new(CHANGE, &["elasticfilesystem:TagResource"], systems()))
                .tagging_as_ours(scope)
                .unless_anothers(scope),
        ];
        let tags = ["elasticfilesystem:TagResource", "elasticfilesystem:UntagResource"];
        grants.extend(scope.owned(&Grant::new(MAKE, &tags, systems())));
        // What is gone has no tags any more, and has to be seen to be gone.
        grants.push(Grant::new(CHANGE, &["elasticfilesystem:DescribeMountTargets"], systems()));
        let delete = ["elasticfilesystem:DeleteMountTarget", "elasticfilesystem:DeleteFileSystem"];
        grants.extend(to_delete(scope, &delete, &systems()));
        grants.extend(to_clear_away(scope, &delete, &systems()));
        // EFS deletes a mount target's network interface on the caller's behalf (EFS API reference, DeleteMountTarget). The
        // interface carries no tag of anybody's.
        let interfaces = Grant::new(CHANGE, &["ec2:DeleteNetworkInterface"], [scope.arn("ec2", "network-interface/*")]);
        grants.push(interfaces.when("ArnEquals", "ec2:Vpc", [scope.vpc()]));
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
        let mut ids = tagged(account, "elasticfilesystem:file-system").await?;
        if let Some(id) = context.domain.and_then(|domain| domain.outputs.get("HomeEfsFileSystemId")) {
            ids.push(id.clone());
        }
        // A domain that failed does not always say what was made for it.
        let broken = context.domain.filter(|domain| matches!(domain.state, State::Failed(_) | State::DeleteFailed(_)));
        let of_broken = match broken {
            Some(broken) => of_domain(account, &broken.id).await?,
            None => Vec::new(),
        };
        ids.extend(of_broken.iter().map(|system| system.id.clone()));
        let is_unused = match broken {
            Some(broken) => unused::is_unused(account, broken).await?,
            None => false,
        };
        ids.sort();
        ids.dedup();
        let mut found = Vec::new();
        for id in ids.into_iter().filter(|id| !id.is_empty()) {
            let describe = account.efs.describe_file_systems().file_system_id(&id);
            match describe.send().await.map_err(|e| failed("DescribeFileSystems", e)) {
                Ok(answer) => {
                    let Some(live) = answer.file_systems().first() else { continue };
                    let mut observed = observed(live);
                    let tags = ownership::of(&observed.properties);
                    let marked = tags.get(unused::UNUSED).filter(|_| is_empty(&observed));
                    match (broken.filter(|_| of_broken.iter().any(|system| system.id == id)), marked) {
                        (Some(broken), _) if is_unused => unused::note(&mut observed, &broken.id),
                        // In one that could not be deleted there were users.
                        (Some(Observed { state: State::Failed(_), .. }), _) => {
                            observed.properties.set("MadeFor", "failed");
                        }
                        (Some(_), _) => {}
                        (None, Some(domain)) => unused::note(&mut observed, domain),
                        (None, None) => {}
                    }
                    found.push((Address::new(Kind::HomeEfs, &id), Found::Ours(observed)));
                }
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn delete(
        &self,
        account: &Account,
        address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let id = &observed.id;
        let gone = async || {
            let targets = account.efs.describe_mount_targets().file_system_id(id).send().await;
            let targets = match targets.map_err(|e| failed("DescribeMountTargets", e)) {
                Ok(targets) => targets,
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(WaitProgress::Ready(())),
                Err(error) => return Err(error),
            };
            for target in targets.mount_targets() {
                let delete = account.efs.delete_mount_target().mount_target_id(target.mount_target_id());
                match delete.send().await.map_err(|e| failed("DeleteMountTarget", e)) {
                    Err(error) if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
            if !targets.mount_targets().is_empty() {
                account.phase(address, "deleting mount targets");
                return Ok(WaitProgress::Busy("mounted".into()));
            }
            match account
                .efs
                .delete_file_system()
                .file_system_id(id)
                .send()
                .await
                .map_err(|e| failed("DeleteFileSystem", e))
            {
                Err(error) if error.kind == ErrorKind::NotFound => Ok(WaitProgress::Ready(())),
                Err(error) if error.kind == ErrorKind::Conflict => Ok(WaitProgress::Busy("in use".into())),
                other => other.map(|_| WaitProgress::Busy("deleting".into())),
            }
        };
        let wait_policy = account.wait_policy(Kind::HomeEfs, Action::Delete, WaitPolicy::NETWORK);
        account.clock.until(&address.to_string(), wait_policy, gone).await?;
        Ok(Deleted::Gone)
    }
}

/// `grant` on what SageMaker made behind a domain: of the domain if its id is known, else of any.
pub(super) fn of_domains(scope: &Scope<'_>, grant: Grant) -> Grant {
    let operator = if scope.domain_id.is_some() { "StringEquals" } else { "StringLike" };
    grant.when(operator, resource_tag(MADE_FOR), [scope.domain_arn()])
}

/// `actions` that delete what is behind a domain: what carries our tag, and what belongs to the domain with the id that is
/// known.
pub(super) fn to_delete(scope: &Scope<'_>, actions: &[&'static str], resources: &[String]) -> Vec<Grant> {
    let grant = Grant::new(REMOVE, actions, resources.iter().cloned());
    let mut grants = scope.owned(&grant);
    if scope.domain_id.is_some() {
        grants.push(of_domains(scope, grant).unless_anothers(scope));
    }
    grants
}

/// `actions` by which an apply deletes what is marked as never used; it deletes nothing else.
pub(super) fn to_clear_away(scope: &Scope<'_>, actions: &[&'static str], resources: &[String]) -> Vec<Grant> {
    let grant = Grant::new(MAKE, actions, resources.iter().cloned());
    scope.owned(&grant.when("Null", resource_tag(unused::UNUSED), ["false".to_owned()]))
}

/// The file systems that SageMaker made for a domain, whoever's that is, by the tag that it puts on them.
///
/// # Errors
/// What EFS fails with.
pub async fn of_domain(account: &Account, domain: &str) -> Result<Vec<Observed>, CloudError> {
    let all = account.efs.describe_file_systems().into_paginator().items().send().try_collect().await;
    let all = all.map_err(|e| failed("DescribeFileSystems", e))?;
    let observed = all.iter().map(observed);
    Ok(observed.filter(|system| domain_of(&system.properties).as_deref() == Some(domain)).collect())
}

/// Returns `true` if a file system may be one that nobody wrote to.
pub(super) fn is_empty(observed: &Observed) -> bool {
    observed.properties.get("Empty") == Some(&Value::Bool(true))
}

/// The contents of a file system, for people: nobody has a home directory in a domain that failed.
fn holds(observed: &Observed) -> &'static str {
    if observed.properties.get("MadeFor").is_some() { "what is on it" } else { "everybody's home directory" }
}

fn observed(live: &FileSystemDescription) -> Observed {
    let size = live.size_in_bytes().map_or(i64::MAX, |size| size.value());
    let tags = tags::by_key(live.tags());
    let properties = Value::from_iter([
        ("Size", Value::from(measure(size))),
        ("Empty", unused::is_empty(size).into()),
        ("Tags", ownership::property(&tags)),
    ]);
    Observed::new(live.file_system_id(), properties)
}

/// The id of the domain that a file system was made for: SageMaker tags it with the domain's ARN.
fn domain_of(properties: &Value) -> Option<String> {
    let arn = ownership::of(properties).remove(MADE_FOR)?;
    arn.rsplit_once(":domain/").map(|(_, id)| id.to_owned())
}

/// The ids (what follows the last `/` of the ARN) of everything of a type that carries our deployment's tag.
pub(super) async fn tagged(account: &Account, kind: &str) -> Result<Vec<String>, CloudError> {
    let filter = TagFilter::builder().key(ownership::DEPLOYMENT).values(account.deployment.tag()).build();
    let get = account.tagging.get_resources().tag_filters(filter).resource_type_filters(kind);
    let resources = get.into_paginator().items().send().try_collect().await.map_err(|e| failed("GetResources", e))?;
    let arns = resources.iter().filter_map(|resource| resource.resource_arn());
    Ok(arns.filter_map(|arn| arn.rsplit('/').next()).map(str::to_owned).collect())
}

/// The tags of a file system.
pub(super) async fn tags(account: &Account, id: &str) -> Result<BTreeMap<String, String>, CloudError> {
    if id.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tags = account.efs.list_tags_for_resource().resource_id(id).into_paginator().send().try_collect().await;
    match tags.map_err(|e| failed("ListTagsForResource", e)) {
        Ok(pages) => {
            let pages: Vec<_> = pages;
            Ok(tags::by_key(pages.iter().flat_map(|page| page.tags())))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Changes the tags of a file system.
pub(super) async fn tag(
    account: &Account,
    id: &str,
    write: &BTreeMap<String, String>,
    remove: Vec<String>,
) -> Result<(), CloudError> {
    if !write.is_empty() {
        let tag = account.efs.tag_resource().resource_id(id).set_tags(Some(tags::list(write)));
        tag.send().await.map_err(|e| failed("TagResource", e))?;
    }
    if !remove.is_empty() {
        let untag = account.efs.untag_resource().resource_id(id).set_tag_keys(Some(remove));
        untag.send().await.map_err(|e| failed("UntagResource", e))?;
    }
    Ok(())
}

/// A size for people.
fn measure(bytes: i64) -> String {
    const MIB: i64 = 1024 * 1024;
    match bytes / MIB {
        _ if bytes == i64::MAX => "of unknown size".into(),
        0 => "less than 1 MiB".into(),
        mib if mib < 10 * 1024 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (bytes, expected) in
            [(0, "less than 1 MiB"), (6144, "less than 1 MiB"), (3 << 20, "3 MiB"), (12 << 30, "12 GiB")]
        {
            assert_eq!(measure(bytes), expected);
        }
    }
}

//! The managed policies that a deployment makes: a descriptor tells the two apart, and the rest is the same.
//!
//! Identity: the ARN, which follows from the name. A document is changed by a new default version; IAM keeps five, so
//! the oldest goes first (IAM quotas). MDAA does not tag policies; here they carry tags, so that whose they are can be
//! told.

use async_trait::async_trait;
use aws_sdk_iam::types::PolicyUsageType;

use super::permissions::{CHANGE, Grant, LOOK, MAKE, REMOVE, Scope, open};
use super::policy::{Statement, document};
use super::{Desired, ObserveContext, Resource, ownership, policy, required};
use crate::aws::error::failed;
use crate::aws::roles::{ExistingRole, Roles};
use crate::aws::{Account, answer, tags};
use crate::cloud::{CloudError, Deleted, ErrorKind};
use crate::config::{Config, RoleReference};
use crate::hint::quoted;
use crate::model::{Address, Found, Kind, Node, Observed, Path, Text, Value};
use crate::naming::Names;
use crate::plan::outline::named;
use crate::plan::{Change, DeletionPolicy, Outline, Rules, Watched};
use crate::wording::counted;

/// Most versions of a policy that IAM keeps.
const VERSIONS: usize = 5;

/// One of the two managed policies that a deployment may have: what tells it from the other.
#[derive(Debug)]
pub struct ManagedPolicy {
    /// The only address of it.
    pub address: fn() -> Address,
    /// Its name among those of the environment.
    pub name: fn(&Names) -> &str,
    /// Returns `true` if the config needs it.
    pub is_made: fn(&Config) -> bool,
    /// What it allows.
    pub statements: fn(&Desired) -> Vec<Statement>,
    /// The role that it is attached to, in every form that a stage knows it by.
    pub holder: PolicyHolder,
    /// The keys in the YAML that it comes from.
    pub keys: &'static [&'static str],
}

/// The role that a managed policy is attached to: one that the config gives, or one that is made.
#[derive(Debug)]
pub struct PolicyHolder {
    /// The reference to a given one.
    pub reference: fn(&Config) -> Option<&RoleReference>,
    /// The same role, resolved.
    pub existing: fn(&Roles) -> Option<&ExistingRole>,
    /// The address of the one that is made.
    pub made: fn() -> Address,
    /// The ARNs of either, for grants.
    pub arns: fn(&Scope<'_>) -> Vec<String>,
}

impl Rules for ManagedPolicy {
    fn outline(&self, node: &Node) -> Outline {
        let properties = &node.properties;
        let roles = properties.get("Roles").map(Value::items).unwrap_or_default();
        let statements = properties.at(&Path::of(["PolicyDocument", "Statement"])).map_or(0, |all| all.items().len());
        let holders = roles.iter().map(|role| named(Some(role))).collect::<Vec<_>>().join(", ");
        let holders = if holders.is_empty() { "nobody yet".to_owned() } else { holders };
        Outline::new(format!(
            "{}, {}",
            properties.text("PolicyName").unwrap_or_default(),
            counted(statements, "statement")
        ))
        .fact("attached to", holders)
    }

    /// Besides what documents allow: more roles than ours may use a policy.
    fn same(&self, path: &Path, desired: &Value, live: &Value) -> bool {
        if path.0.first().is_some_and(|key| key == "Roles") {
            desired.items().iter().all(|role| live.items().contains(role))
        } else {
            policy::same(desired, live)
        }
    }

    /// Whom the policy lets do something besides the role that it is for.
    fn watch(&self, observed: &Observed, node: Option<&Node>) -> Vec<Watched> {
        let roles = |properties: &Value| properties.get("Roles").map(Value::items).unwrap_or_default().to_vec();
        let (wanted, live) =
            (node.map(|node| roles(&node.properties)).unwrap_or_default(), roles(&observed.properties));
        // Where it is attached to nothing it is there to be attached by others; where the role changes, all others are detached.
        let looks_at_roles = !wanted.is_empty() && wanted.iter().all(|role| live.contains(role));
        let why = "it may do whatever this policy is for";
        let kinds = observed.properties.get("Entities").map(Value::entries).into_iter().flatten();
        let all = kinds
            .flat_map(|(kind, entities)| entities.entries().map(move |(name, found)| (kind.as_str(), name, found)));
        let found = all.filter_map(|(kind, name, found)| {
            let path = Path(vec!["Entities".into(), kind.into(), name.clone()]);
            let word = match kind {
                "Users" => "user",
                "Groups" => "group",
                _ if looks_at_roles && wanted.iter().all(|role| role.as_str() != Some(name)) => {
                    return Some(Watched::surplus(path, found, why));
                }
                _ => return None,
            };
            let name = quoted(name);
            let command = format!("aws iam detach-{word}-policy --{word}-name {name} --policy-arn {}", observed.id);
            Some(Watched::by_hand(path, found, why, command))
        });
        found.collect()
    }
}

#[async_trait(?Send)]
impl Resource for ManagedPolicy {
    fn kind(&self) -> Kind {
        (self.address)().kind
    }

    /// By its name. It is attached to its holder alone, and only it is.
    fn grants(&self, scope: &Scope<'_>) -> Vec<Grant> {
        let (name, is_made) = ((self.name)(scope.names), (self.is_made)(scope.config));
        let given = (self.holder.reference)(scope.config);
        let holder =
            if given.is_some_and(RoleReference::is_immutable) { Vec::new() } else { (self.holder.arns)(scope) };
        let arn = scope.deployment.iam_arn(&format!("policy/{name}"));
        let policy = || [arn.clone()];
        let only_it = |grant: Grant| grant.when("ArnEquals", "iam:PolicyARN", policy());
        let mut grants = vec![
            Grant::new(LOOK, &["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy"], policy()),
            Grant::new(CHANGE, &["iam:ListPolicyVersions", "iam:DeletePolicyVersion"], policy()),
            // What a policy of ours hangs on by now may be any role.
            only_it(Grant::new(CHANGE, &["iam:DetachRolePolicy"], [scope.deployment.iam_arn("role/*")])),
        ];
        let deletes = if is_made { REMOVE } else { CHANGE };
        grants.push(Grant::new(deletes, &["iam:DeletePolicy"], policy()));
        if is_made {
            let writes = ["iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:TagPolicy", "iam:UntagPolicy"];
            grants.push(Grant::new(MAKE, &writes, policy()));
            let attach = only_it(Grant::new(MAKE, &["iam:AttachRolePolicy"], holder));
            grants.push(match scope.boundary.filter(|_| given.is_none()) {
                Some(boundary) => attach.when("StringEquals", "iam:PermissionsBoundary", [open(boundary)]),
                None => attach,
            });
        }
        grants
    }

    fn desired(&self, desired: &Desired) -> Vec<Node> {
        if !(self.is_made)(&desired.config) {
            return Vec::new();
        }
        let role = match (self.holder.existing)(&desired.roles) {
            Some(given) if given.immutable => None,
            Some(given) => Some(Text::literal(&given.name)),
            None => Some(Text::output((self.holder.made)(), "RoleName")),
        };
        let address = (self.address)();
        let properties = Value::from_iter([
            ("PolicyName", Value::from((self.name)(&desired.names))),
            ("PolicyDocument", document((self.statements)(desired))),
            ("Roles", Value::from(role.into_iter().collect::<Vec<_>>())),
            ("Tags", desired.tags(&address)),
        ]);
        let mut node = Node::new(address, properties);
        node.sources.extend(desired.source(self.keys).map(|source| (Path::default(), source)));
        vec![node]
    }

    async fn observe(
        &self,
        account: &Account,
        _context: ObserveContext<'_>,
    ) -> Result<Vec<(Address, Found)>, CloudError> {
        Ok(vec![((self.address)(), find(account, (self.name)(&account.names)).await?)])
    }

    /// Makes the policy and attaches it.
    async fn create(&self, account: &Account, node: &Node) -> Result<Observed, CloudError> {
        let name = required::text(node, "PolicyName")?;
        let document = policy::text(required::value(node, "PolicyDocument")?);
        let made = account
            .iam
            .create_policy()
            .policy_name(name)
            .policy_document(document)
            .set_tags(Some(tags::list(&ownership::of(&node.properties))))
            .send()
            .await
            .map_err(|e| failed("CreatePolicy", e));
        match made {
            Ok(_) => {}
            Err(error) if error.is("EntityAlreadyExists") => {}
            Err(error) => return Err(error),
        }
        let observed = account.find_ours(&node.address, || find(account, name)).await?;
        attach(account, node, &observed).await?;
        read_back(account, node, name).await
    }

    async fn update(
        &self,
        account: &Account,
        node: &Node,
        observed: &Observed,
        changes: &[Change],
    ) -> Result<Observed, CloudError> {
        let name = required::text(node, "PolicyName")?;
        let arn = &observed.id;
        if changes.iter().any(|change| change.path.starts_with(&Path::of(["PolicyDocument"]))) {
            prune(account, arn, VERSIONS - 1).await?;
            let document = policy::text(required::value(node, "PolicyDocument")?);
            let create =
                account.iam.create_policy_version().policy_arn(arn).policy_document(document).set_as_default(true);
            create.send().await.map_err(|e| failed("CreatePolicyVersion", e))?;
        }
        for change in changes {
            if let ["Entities", "Roles", role, ..] = change.path.0.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                detach(account, arn, role).await?;
            }
        }
        if changes.iter().any(|change| change.path.starts_with(&Path::of(["Roles"]))) {
            let wanted: Vec<&str> = node
                .properties
                .get("Roles")
                .map(Value::items)
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let live = observed.properties.get("Roles").map(Value::items).unwrap_or_default();
            attach(account, node, observed).await?;
            for role in live.iter().filter_map(Value::as_str).filter(|role| !wanted.contains(role)) {
                detach(account, arn, role).await?;
            }
        }
        let (write, remove) = ownership::difference(&node.properties, changes);
        if !write.is_empty() {
            let tag = account.iam.tag_policy().policy_arn(arn).set_tags(Some(tags::list(&write)));
            tag.send().await.map_err(|e| failed("TagPolicy", e))?;
        }
        if !remove.is_empty() {
            let untag = account.iam.untag_policy().policy_arn(arn).set_tag_keys(Some(remove));
            untag.send().await.map_err(|e| failed("UntagPolicy", e))?;
        }
        read_back(account, node, name).await
    }

    /// Detaches the policy from everything and deletes it with all its versions.
    async fn delete(
        &self,
        account: &Account,
        _address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let arn = &observed.id;
        let live = observed.properties.get("Roles").map(Value::items).unwrap_or_default();
        for role in live.iter().filter_map(Value::as_str) {
            detach(account, arn, role).await?;
        }
        match prune(account, arn, 1).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(Deleted::Gone),
            other => other?,
        }
        match account.iam.delete_policy().policy_arn(arn).send().await.map_err(|e| failed("DeletePolicy", e)) {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(Deleted::Gone),
        }
    }
}

/// The live policy `name`.
async fn find(account: &Account, name: &str) -> Result<Found, CloudError> {
    let arn = account.deployment.iam_arn(&format!("policy/{name}"));
    let answer = account.iam.get_policy().policy_arn(&arn).send().await.map_err(|e| failed("GetPolicy", e));
    let policy = match answer {
        Ok(answer) => answer::member("GetPolicy", "Policy", answer.policy)?,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let version = policy.default_version_id().unwrap_or("v1");
    let get = account.iam.get_policy_version().policy_arn(&arn).version_id(version).send();
    // Those that it lets do something: whom it bounds, it takes from.
    let usage = PolicyUsageType::PermissionsPolicy;
    let entities = account.iam.list_entities_for_policy().policy_arn(&arn).policy_usage_filter(usage);
    let entities = entities.into_paginator().send().try_collect();
    let (version, entities) = tokio::join!(Box::pin(get), Box::pin(entities));
    let version = version.map_err(|e| failed("GetPolicyVersion", e))?;
    let entities = entities.map_err(|e| failed("ListEntitiesForPolicy", e))?;
    let text = version.policy_version().and_then(|version| version.document());
    let text = answer::text("GetPolicyVersion", "Document", text)?;
    let roles: Vec<&str> =
        entities.iter().flat_map(|page| page.policy_roles()).filter_map(|role| role.role_name()).collect();
    let pages = || entities.iter();
    let users = pages().flat_map(|page| page.policy_users()).filter_map(|user| user.user_name());
    let groups = pages().flat_map(|page| page.policy_groups()).filter_map(|group| group.group_name());
    let all = [("Roles", roles.clone()), ("Users", users.collect()), ("Groups", groups.collect())];
    let all = all.map(|(kind, names)| (kind, names.into_iter().map(|name| (name, true)).collect::<Value>()));
    let properties = Value::from_iter([
        ("PolicyName", Value::from(name)),
        ("PolicyDocument", policy::parse_encoded(text)),
        ("Roles", Value::from(roles)),
        ("Entities", Value::from_iter(all)),
        ("Tags", ownership::property(&tags::by_key(policy.tags()))),
    ]);
    let observed = Observed::new(&arn, properties).output("Arn", &arn).output("PolicyName", name);
    ownership::classify_untagged(account, observed).await
}

async fn read_back(account: &Account, node: &Node, name: &str) -> Result<Observed, CloudError> {
    account.find_ours(&node.address, || find(account, name)).await
}

async fn attach(account: &Account, node: &Node, observed: &Observed) -> Result<(), CloudError> {
    let live = observed.properties.get("Roles").map(Value::items).unwrap_or_default();
    let wanted = node.properties.get("Roles").map(Value::items).unwrap_or_default();
    for role in wanted.iter().filter(|role| !live.contains(role)).filter_map(Value::as_str) {
        let attach = account.iam.attach_role_policy().role_name(role).policy_arn(&observed.id);
        attach.send().await.map_err(|e| failed("AttachRolePolicy", e))?;
        account.recently_created(role);
    }
    Ok(())
}

async fn detach(account: &Account, arn: &str, role: &str) -> Result<(), CloudError> {
    let detach = account.iam.detach_role_policy().role_name(role).policy_arn(arn);
    match detach.send().await.map_err(|e| failed("DetachRolePolicy", e)) {
        Err(error) if error.kind != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Deletes the oldest versions until at most `keep` are left; the default version always stays.
async fn prune(account: &Account, arn: &str, keep: usize) -> Result<(), CloudError> {
    let pages = account.iam.list_policy_versions().policy_arn(arn).into_paginator().send().try_collect().await;
    let pages = pages.map_err(|e| failed("ListPolicyVersions", e))?;
    let mut versions: Vec<_> = pages.iter().flat_map(|page| page.versions()).collect();
    let surplus = versions.len().saturating_sub(keep);
    versions.retain(|version| !version.is_default_version());
    // Versions are numbered as they are made: `v1`, `v2`, …
    versions.sort_by_key(|version| version.version_id().and_then(|id| id.trim_start_matches('v').parse::<u64>().ok()));
    for version in versions.into_iter().take(surplus) {
        let id = answer::text("ListPolicyVersions", "VersionId", version.version_id())?;
        let delete = account.iam.delete_policy_version().policy_arn(arn).version_id(id);
        match delete.send().await.map_err(|e| failed("DeletePolicyVersion", e)) {
            Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

//! `permissions`: the IAM policies that are needed, from what each kind says that its verbs call.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::args::{Format, PermissionsArgs, PermissionsFor};
use super::run::Run;
use crate::config::{self, Config};
use crate::deploy::Loaded;
use crate::escape::{self, one_line};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::files::{self, Rights};
use crate::model::Deployment;
use crate::model::deployment::partition_of;
use crate::naming::Names;
use crate::resource::ownership;
use crate::resource::permissions::document::{MOST_POLICIES, documents};
use crate::resource::permissions::{Grant, Purpose, Scope, of, open};
use crate::ui::{Screen, table};

/// The longest name of a policy (IAM user guide, "IAM and AWS STS quotas").
const LONGEST_NAME: usize = 128;

/// A policy as IAM is given it.
struct Policy {
    name: String,
    account: String,
    document: Json,
}

pub(super) fn run(args: &PermissionsArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let screen = run.screen;
    let deployments = run.load_quietly(&args.files)?.deployments;
    if args.domain_id.is_some() && deployments.len() > 1 {
        let failure =
            Failure::new(&codes::USAGE, format!("{} deployments fit, and a domain is of one", deployments.len()));
        return Err(failure.help("choose one with --domain, --env and --module"));
    }
    // A role is of one account, so each account has policies of its own.
    let mut by_account: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
    for loaded in &deployments {
        let deployment = deployment(loaded);
        let grants = grants(loaded, &deployment, args, screen)?;
        by_account.entry(deployment.account).or_default().extend(grants);
    }
    if args.domain_id.is_none() && args.purpose != Some(PermissionsFor::Plan) {
        screen.note(
            "AWS chooses the domain's id, and only the id says whose apps and spaces are: once the domain exists, \
             `--domain-id` allows `--stop-apps` and `--drain`, and narrows the rest to that domain",
        );
    }
    if run.global.output.format.is_some_and(|format| format != Format::Json) {
        let rows = by_account.values().flatten().flat_map(rows);
        let mut rows: Vec<(String, String)> = rows.collect();
        rows.sort();
        rows.dedup();
        screen.data(&table::render(&rows, table::ValueFormat::Table))?;
        return Ok(Exit::Success);
    }
    let policies: Vec<Policy> =
        by_account.iter().flat_map(|(account, grants)| named(account, grants, &deployments, args)).collect();
    for account in by_account.keys() {
        let count = policies.iter().filter(|policy| policy.account == *account).count();
        if count > MOST_POLICIES {
            screen.note(&format!(
                "{count} policies are more than the {MOST_POLICIES} that a role takes unless IAM's quota is raised: choose \
                 deployments with --domain, --env and --module, and give each a role"
            ));
        }
    }
    match &args.out {
        Some(folder) => write(folder, &policies, screen)?,
        None => screen.data(&format!("{:#}\n", printed(&policies)))?,
    }
    Ok(Exit::Success)
}

/// One policy as the document itself, so that it can be given to IAM as it is; several with their names.
fn printed(policies: &[Policy]) -> Json {
    match policies {
        [policy] => policy.document.clone(),
        several => {
            let each = several
                .iter()
                .map(|policy| json!({"name": policy.name, "account": policy.account, "document": policy.document}));
            json!({"policies": each.collect::<Vec<_>>()})
        }
    }
}

/// A file for each policy, as `aws iam create-policy --policy-document file://…` takes it.
fn write(folder: &Path, policies: &[Policy], screen: &Screen) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::new(&codes::FILE, format!("{} cannot be written: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for policy in policies {
        let path = folder.join(format!("{}.json", policy.name));
        files::write(&path, escape::outgoing(&format!("{:#}\n", policy.document)).as_bytes(), Rights::Keep)
            .map_err(|error| failed(&path, error))?;
        screen.data(&format!("{}\n", one_line(&path.display().to_string())))?;
    }
    Ok(())
}

/// The policies of an account, with names that say what they are for.
fn named(account: &str, grants: &[Grant], deployments: &[Loaded], args: &PermissionsArgs) -> Vec<Policy> {
    let what = match deployments {
        [one] => one.names.to_string().replace('/', "-"),
        _ if account == "*" => "all".to_owned(),
        _ => account.to_owned(),
    };
    let purpose = args.purpose.map_or("all", PermissionsFor::word);
    let documents = documents(grants);
    let several = documents.len() > 1;
    let numbered = documents.into_iter().enumerate().map(|(at, document)| {
        let number = if several { format!("-{}", at + 1) } else { String::new() };
        let tail = format!("-{purpose}{number}");
        let mut name = format!("studio-deploy-{what}");
        name.truncate(LONGEST_NAME - tail.len());
        Policy { name: name + &tail, account: account.to_owned(), document }
    });
    numbered.collect()
}

/// Everything that the command needs for one deployment.
fn grants(
    loaded: &Loaded,
    deployment: &Deployment,
    args: &PermissionsArgs,
    screen: &Screen,
) -> Result<Vec<Grant>, Failure> {
    let names = Names::new(deployment).map_err(|error| {
        Failure::new(&codes::INVALID_IDENTITY, error.to_string()).help("choose other names for the deployment")
    })?;
    let context = loaded.context(None, None, Some(&deployment.partition));
    let reviewed = config::review(&loaded.document, &context, None);
    let parameters: Vec<String> = reviewed.needs.into_iter().map(|(name, _)| name).collect();
    let config = match reviewed.config {
        Some(config) if !reviewed.diagnostics.has_errors() => config,
        _ => return Err(loaded.invalid(&reviewed.diagnostics)),
    };
    let roles_by_id = args.role.iter().map(|role| (role.id.clone(), role.arn.clone())).collect();
    for unknown in unknown(deployment, &config, &roles_by_id) {
        screen.note(&unknown);
    }
    let prefix = ownership::MDAA_PREFIXES[usize::from(context.is_on("@aws-mdaa/legacyCaefTags"))];
    let scope = Scope {
        deployment,
        names: &names,
        config: &config,
        parameters: &parameters,
        boundary: loaded.permissions_boundary.as_deref(),
        domain_id: args.domain_id.as_deref(),
        roles_by_id: &roles_by_id,
        adopts: args.adopt.then_some(prefix),
        skips_parameters: context.skips_parameters(),
        public_access_block_external: context.is_on("@aws-mdaa/publicAccessBlockManagedExternally"),
    };
    let purposes = match args.purpose {
        Some(PermissionsFor::Plan) => vec![Purpose::Plan],
        Some(PermissionsFor::Apply) => vec![Purpose::Apply],
        Some(PermissionsFor::Destroy) => vec![Purpose::Destroy],
        Some(PermissionsFor::Url) => vec![Purpose::Url],
        None => vec![Purpose::Apply, Purpose::Destroy],
    };
    Ok(purposes.into_iter().flat_map(|purpose| of(&scope, purpose)).collect())
}

/// The deployment as far as it is known; `*` stands for an account or a region that nobody names.
fn deployment(loaded: &Loaded) -> Deployment {
    let names = loaded.names.clone();
    Deployment {
        org: names.org,
        env: names.env,
        domain: names.domain,
        module: names.module,
        account: loaded.account.clone().unwrap_or_else(|| "*".into()),
        region: loaded.region.clone().unwrap_or_else(|| "*".into()),
        partition: partition_of(loaded.region.as_deref().unwrap_or_default()).to_owned(),
    }
}

/// Values that had to stay open, a sentence each with what closes it.
fn unknown(deployment: &Deployment, config: &Config, roles_by_id: &BTreeMap<String, String>) -> Vec<String> {
    let mut unknown = Vec::new();
    if deployment.account == "*" {
        unknown.push("no account is known, so the policies hold for any: say `--account`".to_owned());
    }
    if deployment.region == "*" {
        unknown.push(
            "no region is known, so the policies hold for all regions of the partition `aws`: say `--region`"
                .to_owned(),
        );
    }
    let domain = &config.domain;
    let mut values = vec![("vpcId", domain.vpc_id.as_str())];
    values.extend(domain.kms_key_arn.iter().map(|arn| ("kmsKeyArn", arn.as_str())));
    values.extend(domain.domain_bucket.iter().map(|bucket| ("domainBucketName", bucket.domain_bucket_name.as_str())));
    let mut roles = vec![];
    roles.extend(domain.default_execution_role.iter().map(|role| ("defaultExecutionRole", role)));
    roles.extend(domain.domain_bucket.iter().map(|bucket| ("assetDeploymentRole", &bucket.asset_deployment_role)));
    for (what, role) in &roles {
        match (&role.arn, &role.name) {
            (Some(text), _) | (None, Some(text)) => values.push((what, text)),
            (None, None) => {
                let id = role.id.as_deref().unwrap_or_default();
                if !roles_by_id.contains_key(id) {
                    unknown.push(format!(
                        "`{what}` is given by its unique id, which no policy can name, so nothing is allowed with that \
                         role: say `--role {id}=ARN`"
                    ));
                }
            }
        }
    }
    for (what, value) in values {
        if open(value).contains('*') && value.contains("resolve:ssm:") {
            unknown.push(format!(
                "`{what}` stands in an SSM parameter, so the policies hold for any: put the value there and print again"
            ));
        }
    }
    unknown
}

/// A row for each action: what it is allowed on, and when.
fn rows(grant: &Grant) -> Vec<(String, String)> {
    let resources = grant.resources.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let when: Vec<String> = grant
        .conditions
        .iter()
        .map(|condition| format!("{} {} {}", condition.key, condition.operator, condition.values.join(" or ")))
        .collect();
    let when = if when.is_empty() { String::new() } else { format!(" when {}", when.join(" and ")) };
    grant.actions.iter().map(|action| ((*action).to_owned(), format!("{resources}{when}"))).collect()
}

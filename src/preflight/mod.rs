//! Checks of what AWS would refuse, or users would only notice later: made before the first write, by reads alone.
//!
//! Checks only find; what their [`Finding`]s mean for the plan is decided in `plan/`. What is sure to fail, or lets nobody
//! open Studio, is an [`Obstacle`] of the step that would fail; what may be meant so is a [`Notice`]. A look that fails ends
//! the run, since what it would have found may be an obstacle; only what gives mere advice ([`ADVICE`]) is left out, with a
//! notice. A live object that stays as it is never blocks.

mod differences;
mod key;
mod network;
mod roles;
mod settings;
mod stack;
mod trust;

use std::collections::BTreeSet;

use crate::apply::{Outcome, Report};
use crate::aws::error::failed;
use crate::aws::{Account, PAGE};
use crate::cloud::CloudError;
use crate::gate;
use crate::model::{Address, Kind, Path, Value};
use crate::naming::NamingConvention;
use crate::plan::{Action, Change, Check, Draft, Finding, Notice, Obstacle, Plan, Step};
use crate::resource::{Desired, bucket_object, domain};

/// The operations whose answers are mere advice: a plan is as true without them. `docs/denied-reads.md` lists them.
pub const ADVICE: [&str; 4] =
    ["DescribeRouteTables", "DescribeVpcEndpoints", "ListMlflowTrackingServers", "SimulatePrincipalPolicy"];

/// A draft with everything that is found about it: what the config itself tells, whether a stack would take along what is
/// adopted, and then what AWS says of the rest.
///
/// # Errors
/// A look that failed, unless it is one for advice.
pub async fn check<'a>(account: &Account, desired: &Desired, draft: Draft<'a>) -> Result<Draft<'a>, CloudError> {
    let stack = NamingConvention::from(&desired.deployment).stack(None);
    let origins = origins(desired, draft.plan());
    let draft = draft.with(origins).with(gate::findings(&desired.config, &stack));
    let of_stack = stack::check(account, draft.plan()).await?;
    let draft = draft.with(of_stack);
    let found = look(account, desired, draft.plan()).await?;
    Ok(draft.with(found))
}

/// Findings where the config had what it no longer has, as far as it still has the list or mapping around it.
fn origins(desired: &Desired, plan: &Plan) -> Vec<Finding> {
    let origin = |step: &Step| {
        let key = match step.address().kind {
            Kind::UserProfile => "userProfiles",
            Kind::LifecycleConfig | Kind::BucketObject => "lifecycleConfigs",
            Kind::Parameter if step.address().name.contains("/studiolifecycleconfig/") => "lifecycleConfigs",
            Kind::App | Kind::Space => return None,
            _ => "",
        };
        Some(Finding::Origin { address: step.address().clone(), source: desired.source(&["domain", key])? })
    };
    plan.steps().iter().filter(|step| step.node().is_none()).filter_map(origin).collect()
}

/// Findings about everything that the plan relies on.
async fn look(account: &Account, desired: &Desired, plan: &Plan) -> Result<Vec<Finding>, CloudError> {
    let findings = Findings::default();
    // Side by side they would be one future that is too large for a small stack.
    tokio::try_join!(
        Box::pin(roles::named(account, plan, &findings)),
        Box::pin(roles::ids(account, desired, plan, &findings)),
        Box::pin(key::check(account, desired, plan, &findings)),
        Box::pin(key::of_settings(account, desired, plan, &findings)),
        Box::pin(network::existence(account, desired, plan, &findings)),
        Box::pin(network::check(account, desired, plan, &findings)),
        Box::pin(settings::existence(account, plan, &findings)),
        Box::pin(roles::boundary(account, desired, plan, &findings)),
        Box::pin(roles::gaps(account, desired, plan, &findings)),
        Box::pin(quota(account, plan, &findings)),
    )?;
    differences::tell(desired, plan, &findings);
    await_start(plan, &findings);
    leads_out(desired, plan, &findings);
    if makes_domain(plan) && desired.config.domain.default_space_settings.is_none() {
        findings.notice("shared spaces are not enabled: `domain.defaultSpaceSettings` lets users make them".into());
    }
    Ok(findings.sorted())
}

/// Findings about what a domain that goes leaves running: SageMaker bills it on, and shows it nowhere once the domain
/// is gone.
///
/// Source: https://github.com/aws/amazon-sagemaker-feedback/issues/172.
///
/// # Errors
/// None today: all that is looked at gives mere advice.
pub async fn check_destroy<'a>(account: &Account, draft: Draft<'a>) -> Result<Draft<'a>, CloudError> {
    let goes = draft.plan().step(&domain::address()).is_some_and(|step| step.action() == Action::Delete);
    if !goes {
        return Ok(draft);
    }
    let findings = Findings::default();
    let servers = async {
        let list = account.sagemaker.list_mlflow_tracking_servers().into_paginator().page_size(PAGE).items().send();
        list.try_collect().await.map_err(|e| failed("ListMlflowTrackingServers", e))
    };
    match account.briefly("ListMlflowTrackingServers", servers).await {
        Ok(servers) => {
            let names: Vec<&str> = servers.iter().filter_map(|server| server.tracking_server_name()).collect();
            if !names.is_empty() {
                findings.notice(format!(
                    "MLflow tracking servers in this region are not deleted and go on billing: {}; \
                     `aws sagemaker delete-mlflow-tracking-server --tracking-server-name NAME` deletes one",
                    names.join(", ")
                ));
            }
        }
        // Not every region has them.
        Err(error) if error.is("UnknownOperationException") => {}
        Err(error) => findings.unadvised("whether MLflow tracking servers go on billing", error)?,
    }
    Ok(draft.with(findings.sorted()))
}

/// Notices about what people have to do after a run: nobody but an administrator of Identity Center lets its users in.
///
/// CreateUserProfile does not assign the user to the domain's application, as the console does; until then signing in
/// ends with "access denied". Source: https://github.com/boto/boto3/issues/3180.
pub fn after(plan: &Plan, report: &Report) -> Vec<Notice> {
    let outputs = report.outputs.get(&domain::address());
    let application = outputs.and_then(|outputs| outputs.get("SingleSignOnApplicationArn"));
    let done = report.outcomes.iter().filter(|(.., outcome)| *outcome == Outcome::Done);
    let done: BTreeSet<&Address> = done.map(|(address, ..)| address).collect();
    let made = plan.steps().iter().filter(|step| {
        step.address().kind == Kind::UserProfile && step.action() == Action::Create && done.contains(step.address())
    });
    let users = made.filter_map(|step| {
        Some((step.address().clone(), step.node()?.properties.text("SingleSignOnUserValue")?.to_owned()))
    });
    users
        .map(|(address, user)| {
            let assigned =
                format!("{user} can sign in once assigned to the domain's application in IAM Identity Center");
            let message = match application {
                Some(application) => format!(
                    "{assigned}: `aws sso-admin create-application-assignment --application-arn {application} \
                     --principal-type USER --principal-id ID`"
                ),
                None => assigned,
            };
            Notice::new(Some(address), message)
        })
        .collect()
}

/// Scripts run, and fetch their assets, when an app starts: apps that run go on with what they have.
fn await_start(plan: &Plan, findings: &Findings) {
    let stands = plan.step(&domain::address()).is_some_and(|step| {
        step.observed().is_some() && matches!(step.action(), Action::Keep | Action::Update | Action::Adopt)
    });
    let changes = |step: &&Step| match step.address().kind {
        Kind::LifecycleConfig => brings(step, &Path::of(["StudioLifecycleConfigContent"])),
        Kind::BucketObject => brings(step, &Path::of(["Files"])) && !is_unknown(step),
        _ => false,
    };
    for step in plan.steps().iter().filter(|step| step.runs() && is_unknown(step)) {
        let message = "what lies there may not be looked at yet; what turns out to be the same is not uploaded again";
        findings.about(step.address(), message.to_owned());
    }
    let changed: Vec<String> = plan.steps().iter().filter(changes).map(|step| step.address().to_string()).collect();
    if stands && !changed.is_empty() {
        findings.notice(format!("{}: takes effect in an app when it starts next", changed.join(", ")));
    }
}

/// Links out of an asset's folder are followed, as MDAA follows them. Whoever reviews a plan hears what is uploaded from
/// elsewhere: it may be nobody's intention.
fn leads_out(desired: &Desired, plan: &Plan, findings: &Findings) {
    for (name, manifest) in desired.assets.iter().filter(|(_, manifest)| !manifest.links.is_empty()) {
        let address = Address::new(Kind::BucketObject, name);
        if plan.step(&address).is_some_and(Step::runs) {
            let links = manifest.links.iter().map(|(path, target)| format!("{path} -> {}", target.display()));
            let links: Vec<String> = links.collect();
            let message = format!(
                "symbolic links lead out of the asset's folder, and what they lead to is uploaded: {}; `exclude` leaves it out",
                links.join(", ")
            );
            findings.about(&address, message);
        }
    }
}

/// Returns `true` if all that is known of an asset to be uploaded is that something lies there.
fn is_unknown(step: &Step) -> bool {
    let unknown = |change: &Change| change.before.as_ref().and_then(Value::as_str) == Some(bucket_object::UNKNOWN);
    step.address().kind == Kind::BucketObject && !step.changes().is_empty() && step.changes().iter().all(unknown)
}

/// Failed domains use up the quota although the console hides them: https://github.com/aws/amazon-sagemaker-examples/issues/1564.
async fn quota(account: &Account, plan: &Plan, findings: &Findings) -> Result<(), CloudError> {
    if !makes_domain(plan) {
        return Ok(());
    }
    let domains = account.domains().await?;
    let ours = plan.step(&domain::address()).and_then(|step| step.observed()).map(|observed| observed.id.as_str());
    for failed in domains.iter().filter(|domain| domain.domain_id() != ours) {
        if failed.status().is_some_and(|status| status.as_str() == "Failed") {
            let id = failed.domain_id().unwrap_or_default();
            findings.notice(format!(
                "the failed domain {} ({id}) counts towards the quota of domains; `aws sagemaker delete-domain --domain-id \
                 {id}` removes it",
                failed.domain_name().unwrap_or_default()
            ));
        }
    }
    Ok(())
}

/// Returns `true` if a domain is made.
fn makes_domain(plan: &Plan) -> bool {
    plan.step(&domain::address()).is_some_and(|step| matches!(step.action(), Action::Create | Action::Replace))
}

/// Returns `true` if a step brings the property at `path` about: what has been so all along is no reason to block.
fn brings(step: &Step, path: &Path) -> bool {
    match step.action() {
        Action::Create | Action::Replace => true,
        Action::Update | Action::Adopt => {
            step.changes().iter().any(|change| change.path.starts_with(path) || path.starts_with(&change.path))
        }
        Action::Keep | Action::Delete | Action::Retain => false,
    }
}

/// Findings so far of looks that run side by side.
#[derive(Debug, Default)]
struct Findings(std::sync::Mutex<Vec<Finding>>);

impl Findings {
    fn add(&self, finding: Finding) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(finding);
    }

    fn notice(&self, message: String) {
        self.about(&domain::address(), message);
    }

    fn about(&self, address: &Address, message: String) {
        self.add(Finding::notice(Some(address.clone()), message));
    }

    /// An intended difference from MDAA, which asks nothing of anybody.
    fn difference(&self, address: &Address, message: String) {
        let notice = Notice::new(Some(address.clone()), message);
        self.add(Finding::Notice(Notice { is_difference: true, ..notice }));
    }

    /// An obstacle where the step brings the property at `path` about, else a notice.
    fn against(&self, step: &Step, path: &Path, why: String, hint: String) {
        if brings(step, path) {
            let source = step.node().and_then(|node| node.source(path)).cloned();
            let address = step.address().clone();
            self.add(Finding::Obstacle(Obstacle { address, why, hint, source, check: Check::Preflight }));
        } else {
            self.about(step.address(), format!("{why}; {hint}"));
        }
    }

    /// Says that advice is missing, and why; whatever else failed ends the run.
    fn unadvised(&self, what: &str, error: CloudError) -> Result<(), CloudError> {
        if !ADVICE.contains(&error.operation.as_str()) {
            return Err(error);
        }
        self.notice(format!("not checked: {what} ({error})"));
        Ok(())
    }

    /// Everything, notices in an order of their own: looks end in any order, and a plan reads the same every time.
    fn sorted(self) -> Vec<Finding> {
        let mut found = self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = |finding: &Finding| match finding {
            Finding::Notice(notice) => Some((notice.address.clone(), notice.message.clone())),
            Finding::Obstacle(_) | Finding::Origin { .. } => None,
        };
        found.sort_by_cached_key(key);
        found
    }
}

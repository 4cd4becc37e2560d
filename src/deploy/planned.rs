//! The plan of a deployment: towards its config, or towards nothing.

use super::connected::Connected;
use super::resolved::Resolved;
use crate::cloud::Cloud;
use crate::config::{Config, OnDestroy};
use crate::failure::Failure;
use crate::model::Graph;
use crate::plan::{Draft, Options, Plan, Record, Retention, plan};
use crate::preflight;
use crate::resource::rules;

/// A plan with what it leads to; nothing when everything goes.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The config that it leads to.
    pub resolved: Option<Resolved>,
}

impl Connected {
    /// Plans what leads to a config.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub async fn plan(&self, resolved: &Resolved, options: &Options) -> Result<Plan, Failure> {
        // An apply keeps home file system, bucket and key, whatever is said of a destroy.
        let (protect, retention) = (resolved.desired.config.domain.protect, Retention::default());
        let options = Options { protect, retention, ..options.clone() };
        let draft = self.draft(&resolved.graph, &options).await?;
        let checked = preflight::check(&self.account, &resolved.desired, draft).await;
        Ok(checked.map_err(|error| self.cloud(&error))?.finish())
    }

    /// Plans the removal of everything. Nothing but identity, `removalPolicy` and `protect` matters, so that a role or
    /// parameter that has vanished never stands in the way.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub async fn plan_destroy(&self, options: &Options) -> Result<Plan, Failure> {
        let config = self.open_config();
        let retention = options.retention.or(config.map(retention).unwrap_or_default());
        let protect =
            config.is_some_and(|config| config.domain.protect) || self.written("protect") == Some("true".into());
        let options = Options { destroy: true, protect, retention, ..options.clone() };
        let draft = self.draft(&Graph::new(), &options).await?;
        let checked = preflight::check_destroy(&self.account, draft).await;
        Ok(checked.map_err(|error| self.cloud(&error))?.finish())
    }

    /// Plans once more what was planned.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub async fn plan_again(&self, planned: &Planned, options: &Options) -> Result<Plan, Failure> {
        match &planned.resolved {
            Some(resolved) => self.plan(resolved, options).await,
            None => self.plan_destroy(options).await,
        }
    }

    /// A scalar under `domain:` as it is written.
    fn written(&self, key: &str) -> Option<String> {
        let value = self.loaded.document.tree().get("domain")?.get(key)?;
        Some(value.to_json().to_string().trim_matches('"').to_owned())
    }

    async fn draft(&self, graph: &Graph, options: &Options) -> Result<Draft<'static>, Failure> {
        let record = self.account.read_record().await.map_err(|error| self.cloud(&error))?;
        let unread = record.as_ref().filter(|_| options.reads_everything()).map(Record::without_fingerprints);
        let known = unread.as_ref().or(record.as_ref());
        let snapshot = self.account.observe(graph, known).await.map_err(|error| self.cloud(&error))?;
        Ok(plan(self.deployment(), graph, &snapshot, record, &rules, options)?)
    }
}

/// The fates that the config's `removalPolicy` names.
fn retention(config: &Config) -> Retention {
    let goes = |fate: OnDestroy| Some(fate == OnDestroy::Delete);
    let policy = config.domain.removal_policy;
    Retention {
        delete_home_efs: goes(policy.home_efs),
        delete_bucket: goes(policy.bucket),
        delete_kms_key: goes(policy.kms_key),
    }
}

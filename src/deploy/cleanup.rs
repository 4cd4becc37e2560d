//! The plan that removes what a deleted domain left behind.

use super::connected::Connected;
use super::run::{Executed, Execution, finished};
use crate::failure::{Failure, codes};
use crate::model::Graph;
use crate::plan::{Options, Plan, Retention, plan};
use crate::resource::{leftovers, rules};

impl Connected {
    /// Plans the removal of what a deleted domain left behind. What belongs to a domain that lives is never touched.
    ///
    /// # Errors
    /// The domain lives, or the account cannot be read.
    pub async fn plan_cleanup(&self, domain_id: &str) -> Result<Plan, Failure> {
        let status = leftovers::domain_status(&self.account, domain_id).await.map_err(|error| self.cloud(&error))?;
        if let Some(status) = status {
            let summary = format!("{domain_id} is not deleted: it is {status}");
            let help = format!(
                "what belongs to a domain that lives stays; {} removes the domain",
                self.caller.run("destroy", &[])
            );
            return Err(Failure::new(&codes::BLOCKED, summary).help(help));
        }
        let left = leftovers::observe(&self.account, domain_id).await.map_err(|error| self.cloud(&error))?;
        let retention = Retention { delete_home_efs: Some(true), ..Retention::default() };
        let options = Options { destroy: true, retention, ..Options::default() };
        Ok(plan(self.deployment(), &Graph::new(), &left, None, &rules, &options)?.finish())
    }

    /// Carries such a plan out. It takes no lock: no apply can want what is left of a domain that is gone.
    pub async fn clean_up(&self, run: &Execution<'_>, plan: Plan) -> Executed {
        let _writing = run.host.signals.writing();
        finished(run, self, plan).await
    }
}

//! Files of saved plans: the plan of one deployment, or those of several.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::document::{FORMAT_VERSION, NotAPlan, PlanDocument, seal, unseal};

/// The plans of several deployments, each whole in itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlansDocument {
    /// Grows when the meaning of a member changes.
    pub format_version: u32,
    /// The plans, in the order of the config.
    pub plans: Vec<PlanDocument>,
    /// SHA-256 of everything else: it tells a file that was cut or edited, and is no signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The content of a file of saved plans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SavedPlans {
    /// The plans of several deployments.
    Several(PlansDocument),
    /// The plan of one deployment.
    One(Box<PlanDocument>),
}

impl SavedPlans {
    /// The plans of a file. A plan whose file has others beside it is no other plan for that.
    ///
    /// # Errors
    /// [`NotAPlan`] when the text is no plan, one of another format version, or not what was saved.
    pub fn read(text: &str) -> Result<Vec<PlanDocument>, NotAPlan> {
        let json: Json = serde_json::from_str(text)?;
        if json.get("plans").is_none() {
            return Ok(vec![PlanDocument::parse(json)?]);
        }
        let (_, document): (_, PlansDocument) = unseal(json)?;
        let mut seen = BTreeSet::new();
        match document.plans.iter().find(|plan| !seen.insert(&plan.deployment)) {
            Some(twice) => Err(NotAPlan::Twice(twice.deployment.clone())),
            None => Ok(document.plans),
        }
    }

    /// The text of a file with these plans.
    pub fn text(plans: &[PlanDocument]) -> String {
        match plans {
            [plan] => plan.text(),
            plans => {
                let plans: Vec<Json> = plans.iter().map(PlanDocument::sealed).collect();
                format!("{:#}\n", seal(json!({"format_version": FORMAT_VERSION, "plans": plans})))
            }
        }
    }
}

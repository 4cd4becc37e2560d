//! A config with everything that it refers to, and the graph that it asks for.

use std::sync::Arc;

use super::connected::Connected;
use super::review::files_and_sizes;
use crate::assets;
use crate::aws::resolve::{self, Unresolved};
use crate::config::diagnostic::{DiagnosticReport, Diagnostics, Severity};
use crate::config::{self, Config, Reviewed};
use crate::failure::{Exit, Failure, codes};
use crate::model::Graph;
use crate::resource::{Desired, Flags, limits};

/// The demands of a config, as values and as a graph, and what is to be said about it.
#[derive(Debug)]
pub struct Resolved {
    /// The config with everything that it refers to.
    pub desired: Desired,
    /// The nodes that it asks for.
    pub graph: Graph,
    /// Warnings, and values that AWS would refuse.
    pub warnings: DiagnosticReport,
}

impl Connected {
    /// Fills in every reference of the config. Strictly, as before a write, values that AWS would refuse are mistakes.
    ///
    /// # Errors
    /// Mistakes in the config, missing parameters and roles, or that AWS could not be asked.
    pub async fn resolve(&self, is_strict: bool) -> Result<Resolved, Failure> {
        // Whatever can be said without AWS comes before it is asked, all at once.
        let mut diagnostics = self.open.diagnostics.clone();
        diagnostics.extend(files_and_sizes(&self.loaded, &self.context, self.open.config.as_ref()));
        if diagnostics.has_errors() {
            return Err(self.invalid(&diagnostics));
        }
        let Reviewed { config, diagnostics, .. } = self.with_parameters().await?;
        let Some(mut config) = config else { return Err(self.invalid(&diagnostics)) };
        if diagnostics.has_errors() {
            return Err(self.lacking(&config, diagnostics).await);
        }
        if let Some(arn) = &mut config.domain.kms_key_arn {
            *arn = resolve::key_arn(&self.account, arn).await.map_err(|error| self.cloud(&error))?;
        }
        // Beside everything else, since files may be large: a signal is heard, and the terminal goes on.
        let config = Arc::new(config);
        let read = Arc::clone(&config);
        // On a virtual clock the lock's heartbeats would come as often as the reading takes.
        let held = self.backend.hold_clock();
        let manifests = tokio::task::spawn_blocking(move || assets::manifests(&read)).await;
        drop(held);
        let manifests = manifests.map_err(|error| Failure::new(&codes::BUG, error.to_string()))?;
        let config = Arc::unwrap_or_clone(config);
        let manifests = match manifests {
            Ok(manifests) => manifests,
            Err(mut mistakes) => {
                mistakes.extend(diagnostics);
                return Err(self.lacking(&config, mistakes).await);
            }
        };
        let roles = match resolve::references(&self.account, &config).await {
            Ok(roles) => roles,
            Err(Unresolved::Mistakes(mut mistakes)) => {
                mistakes.extend(diagnostics);
                return Err(Failure { exit: Exit::Access, ..self.invalid(&mistakes) });
            }
            Err(Unresolved::Cloud(error)) => return Err(self.cloud(&error)),
        };
        let mut tags = config.tags.clone();
        tags.extend(config.domain.tags.clone());
        let context = &self.context;
        let desired = Desired {
            deployment: self.deployment().clone(),
            names: self.account.names.clone(),
            roles,
            assets: manifests,
            tags,
            permissions_boundary: self.loaded.permissions_boundary.clone(),
            flags: Flags {
                public_access_block_external: context.is_on("@aws-mdaa/publicAccessBlockManagedExternally"),
                legacy_tags: context.is_on("@aws-mdaa/legacyCaefTags"),
                skip_parameters: context.skips_parameters(),
            },
            config,
        };
        let mut warnings = diagnostics;
        warnings.extend(limits::refused(&desired));
        if is_strict && warnings.has_refused() {
            return Err(self.invalid(&warnings.strict()));
        }
        let graph = desired.graph();
        Ok(Resolved { desired, graph, warnings: self.loaded.report(&warnings) })
    }

    /// The config with the values of its parameters; the one that is known already where it has none.
    async fn with_parameters(&self) -> Result<Reviewed, Failure> {
        if self.open.needs.is_empty() {
            return Ok(self.open.clone());
        }
        let names = self.open.needs.iter().map(|(name, _)| name.clone()).collect();
        let parameters = resolve::parameters(&self.account, &names).await.map_err(|error| self.cloud(&error))?;
        Ok(config::review(&self.loaded.document, &self.context, Some(&parameters)))
    }

    /// The mistakes of a config once its parameters are known, together with what else the account lacks.
    async fn lacking(&self, config: &Config, mut mistakes: Diagnostics) -> Failure {
        let of_account = &config::codes::MISSING_PARAMETER;
        // What the account lacks is no mistake of the config's, be it a parameter or a role.
        let is_missing = mistakes.iter().all(|one| one.severity != Severity::Error || one.code == of_account.id);
        // Where AWS cannot be asked either, what is known already is said.
        if let Err(Unresolved::Mistakes(more)) = resolve::references(&self.account, config).await {
            mistakes.extend(more);
        }
        let failure = self.invalid(&mistakes);
        if is_missing { Failure { exit: Exit::Access, ..failure } } else { failure }
    }
}

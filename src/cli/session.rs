//! One deployment with the account that it is in: everything that is known before a plan.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::args::Global;
use super::load::Loaded;
use super::review::review;
use super::surroundings::{Backend, Surroundings, Wanted};
use crate::apply::Event;
use crate::aws::connect::caller;
use crate::aws::resolve::{self, Unresolved};
use crate::aws::{Account, Progressed};
use crate::cloud::{Cloud, CloudError};
use crate::config::OnDestroy;
use crate::config::diagnostic::{Diagnostics, Severity};
use crate::config::{self, Config, Reviewed};
use crate::escape::one_line;
use crate::failure::Failure;
use crate::failure::codes;
use crate::hint::Caller;
use crate::model::{Deployment, Graph};
use crate::naming::Names;
use crate::plan::{Draft, Options, Plan, Retention, plan};
use crate::resource::{Desired, Flags, limits, rules};
use crate::{assets, naming, preflight};

/// The way of everything that is told while a run goes on, to whoever listens.
#[derive(Clone, Default)]
pub struct Bus(Rc<RefCell<Option<Box<dyn Fn(Event)>>>>);

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bus")
    }
}

impl Bus {
    /// Hands everything that is told from now on to `listener`.
    pub fn listen(&self, listener: impl Fn(Event) + 'static) {
        *self.0.borrow_mut() = Some(Box::new(listener));
    }

    /// Tells whoever listens.
    pub fn tell(&self, event: Event) {
        if let Some(listener) = self.0.borrow().as_ref() {
            listener(event);
        }
    }
}

/// One deployment, connected to its account.
#[derive(Debug)]
pub struct Session {
    /// The files of the deployment, read and merged.
    pub loaded: Loaded,
    /// The account that the deployment is in.
    pub account: Account,
    /// The way of everything that is told while a run goes on.
    pub bus: Bus,
    /// The things that were made so that the config leads somewhere, a line each.
    pub prepared: Vec<String>,
    /// Whether the command is about other deployments too, so that what is said has to name this one.
    pub is_one_of_several: bool,
    /// Whether values that AWS would refuse are errors, since the command writes.
    pub is_strict: bool,
    /// The ARN of the user or role that the calls are made as.
    pub acting_as: String,
    /// The words with which the run was called.
    pub caller: Caller,
    backend: Rc<dyn Backend>,
    colour: bool,
}

/// The demands of a config, and what is to be said about it.
#[derive(Debug)]
pub struct Goal {
    /// The config with everything that it refers to.
    pub desired: Desired,
    /// Warnings, and values that AWS would refuse.
    pub warnings: Diagnostics,
}

impl Session {
    /// Connects to the account of a deployment, and makes sure that it is the right one.
    ///
    /// # Errors
    /// No credentials, the wrong account, no region, or names that AWS does not take.
    pub async fn open(
        loaded: Loaded,
        global: &Global,
        surroundings: &Surroundings,
        colour: bool,
    ) -> Result<Self, Failure> {
        let words = &global.caller;
        let wanted = Wanted {
            region: loaded.region.clone(),
            account: loaded.account.clone(),
            profile: global.target.profile.clone(),
            role_arn: global.target.role_arn.clone(),
            endpoint_url: global.target.endpoint_url.clone(),
        };
        let prepared = surroundings.backend.prepare(&loaded, &wanted)?;
        let (config, path_style) = surroundings.backend.config(&wanted).await?;
        let Some(region) = config.region().map(ToString::to_string) else {
            let failure = Failure::new(&codes::WRONG_PLACE, "no region is known");
            return Err(
                failure.help("say `--region REGION`, set AWS_REGION, or put `deployment: {region: …}` into the config")
            );
        };
        let caller = caller(&config).await.map_err(|error| Failure::cloud(&error, Some(&region), words))?;
        if let Some(expected) = loaded.account.as_ref().filter(|expected| **expected != caller.account) {
            let who = match global.target.account {
                Some(_) => format!("{} says", words.option("account")),
                None => "the config is for account".into(),
            };
            let summary = format!("{who} {expected}, and {} is in {}", caller.arn, caller.account);
            return Err(Failure::new(&codes::WRONG_PLACE, summary)
                .at(loaded.said_at("account"))
                .help("choose other credentials with `--profile` or `--role-arn`, or correct the account"));
        }
        let identity = loaded.names.clone();
        let deployment = Deployment {
            org: identity.org,
            env: identity.env,
            domain: identity.domain,
            module: identity.module,
            account: caller.account,
            region,
            partition: caller.partition,
        };
        let mut names = Names::new(&deployment).map_err(|error: naming::InvalidName| {
            Failure::new(&codes::INVALID_IDENTITY, error.to_string()).help("choose other names for the deployment")
        })?;
        if let Some(name) = own_domain_name(&loaded, &deployment) {
            names.domain = name;
        }
        let bus = Bus::default();
        let teller = bus.clone();
        let tell = Box::new(move |progressed| {
            teller.tell(match progressed {
                Progressed::Phase(address, phase) => Event::Phase { address, phase },
                Progressed::Notice(address, message) => Event::Notice { address, message },
            });
        });
        let mut account = Account::new(&config, path_style, deployment, names, tell);
        account.limits = global.run.limits();
        Ok(Self {
            loaded,
            account,
            bus,
            prepared,
            is_one_of_several: false,
            is_strict: false,
            acting_as: caller.arn,
            caller: words.clone(),
            backend: Rc::clone(&surroundings.backend),
            colour,
        })
    }

    /// The environment that this is about.
    pub fn deployment(&self) -> &Deployment {
        &self.account.deployment
    }

    /// The line above this deployment's part of the output, where there are several.
    pub fn heading(&self) -> String {
        if self.is_one_of_several { format!("\n{}\n", one_line(&self.deployment().to_string())) } else { String::new() }
    }

    /// An AWS failure as an error for people.
    pub fn cloud(&self, error: &CloudError) -> Failure {
        Failure::cloud(error, Some(&self.account.deployment.region), &self.caller)
    }

    /// Mistakes of the config as an error for people.
    pub fn invalid(&self, mistakes: &Diagnostics) -> Failure {
        self.loaded.invalid(mistakes, self.colour)
    }

    /// The rendered text of warnings.
    pub fn rendered(&self, warnings: &Diagnostics) -> String {
        warnings.render(self.loaded.document.texts(), self.colour)
    }

    /// Fills in every reference of the config.
    ///
    /// # Errors
    /// Mistakes in the config, missing parameters and roles, or that AWS could not be asked.
    pub async fn goal(&mut self) -> Result<Goal, Failure> {
        let place = self.deployment().clone();
        let context = self.loaded.context(Some(&place.account), Some(&place.region), Some(&place.partition));
        let document = &self.loaded.document;
        // Whatever can be said without AWS comes before it is asked, all at once.
        let Reviewed { diagnostics, .. } = review(&self.loaded, &context);
        if diagnostics.has_errors() {
            return Err(self.invalid(&diagnostics));
        }
        let needs = config::needs(document, &context).map_err(|mistakes| self.invalid(&mistakes))?;
        let names = needs.into_iter().map(|(name, _)| name).collect();
        let parameters = resolve::parameters(&self.account, &names).await.map_err(|error| self.cloud(&error))?;
        let Reviewed { config, diagnostics } = config::review(document, &context, Some(&parameters));
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
                return Err(Failure { exit: crate::failure::Exit::Access, ..self.invalid(&mistakes) });
            }
            Err(Unresolved::Cloud(error)) => return Err(self.cloud(&error)),
        };
        let mut tags = config.tags.clone();
        tags.extend(config.domain.tags.clone());
        let desired = Desired {
            deployment: self.deployment().clone(),
            names: self.account.names.clone(),
            roles,
            assets: manifests.clone(),
            tags,
            permissions_boundary: self.loaded.permissions_boundary.clone(),
            flags: Flags {
                public_access_block_external: context.is_on("@aws-mdaa/publicAccessBlockManagedExternally"),
                legacy_tags: context.is_on("@aws-mdaa/legacyCaefTags"),
                skip_parameters: context.skips_parameters(),
            },
            config,
        };
        self.account.assets = manifests;
        let mut warnings = diagnostics;
        warnings.extend(limits::refused(&desired));
        if self.is_strict && warnings.has_refused() {
            return Err(self.invalid(&warnings.strict()));
        }
        Ok(Goal { desired, warnings })
    }

    /// What is wrong with a config once its parameters are known, together with what else the account lacks.
    async fn lacking(&self, config: &Config, mut mistakes: Diagnostics) -> Failure {
        let of_account = &config::codes::MISSING_PARAMETER;
        // What the account lacks is no mistake of the config's, be it a parameter or a role.
        let is_missing = mistakes.iter().all(|one| one.severity != Severity::Error || one.code == of_account.id);
        // Where AWS cannot be asked either, what is known already is said.
        if let Err(Unresolved::Mistakes(more)) = resolve::references(&self.account, config).await {
            mistakes.extend(more);
        }
        let failure = self.invalid(&mistakes);
        if is_missing { Failure { exit: crate::failure::Exit::Access, ..failure } } else { failure }
    }

    /// The plan that reaches a goal.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub async fn plan(&mut self, goal: &Goal, options: &Options) -> Result<Plan, Failure> {
        let graph = goal.desired.graph();
        let mut options = options.clone();
        options.protect = goal.desired.config.domain.protect;
        let draft = self.draft(&graph, &options).await?;
        let checked = preflight::check(&self.account, &goal.desired, draft).await;
        Ok(checked.map_err(|error| self.cloud(&error))?.finish())
    }

    /// The plan that removes everything. Nothing but identity, `removalPolicy` and `protect` matters, so that a
    /// role or parameter that has vanished never stands in the way.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub async fn plan_destroy(&mut self, options: &Options) -> Result<Plan, Failure> {
        let place = self.deployment().clone();
        let context = self.loaded.context(Some(&place.account), Some(&place.region), Some(&place.partition));
        let config = config::resolve(&self.loaded.document, &context, None).ok().map(|resolved| resolved.config);
        let retention = options.retention.or(config.as_ref().map(retention).unwrap_or_default());
        let protect =
            config.is_some_and(|config| config.domain.protect) || self.written("protect") == Some("true".into());
        let options = Options { destroy: true, protect, retention, ..options.clone() };
        self.account.retention = options.retention;
        let draft = self.draft(&Graph::new(), &options).await?;
        let checked = preflight::check_destroy(&self.account, draft).await;
        Ok(checked.map_err(|error| self.cloud(&error))?.finish())
    }

    /// A scalar under `domain:` as it is written.
    fn written(&self, key: &str) -> Option<String> {
        let value = self.loaded.document.tree().get("domain")?.get(key)?;
        Some(value.to_json().to_string().trim_matches('"').to_owned())
    }

    async fn draft(&self, graph: &Graph, options: &Options) -> Result<Draft<'static>, Failure> {
        let record = self.account.read_record().await.map_err(|error| self.cloud(&error))?;
        let snapshot = self.account.observe(graph, record.as_ref()).await.map_err(|error| self.cloud(&error))?;
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

/// A `domainName` that the config gives in place of MDAA's name.
fn own_domain_name(loaded: &Loaded, place: &Deployment) -> Option<String> {
    let context = loaded.context(Some(&place.account), Some(&place.region), Some(&place.partition));
    let resolved = config::resolve(&loaded.document, &context, None).ok()?;
    resolved.config.domain.domain_name
}

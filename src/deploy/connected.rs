//! A deployment with the account that it is in, which is made sure to be the right one.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::backend::Backend;
use super::host::Host;
use super::load::Loaded;
use super::sessions::Sessions;
use crate::apply::Event;
use crate::aws::connect::{CallerIdentity, ConnectOptions};
use crate::aws::{Account, Progressed};
use crate::cloud::CloudError;
use crate::config::diagnostic::Diagnostics;
use crate::config::template::Context;
use crate::config::{self, Config, Reviewed};
use crate::failure::{Failure, codes};
use crate::hint::Caller;
use crate::model::Deployment;
use crate::naming;
use crate::naming::Names;

/// The way of everything that is told while a run goes on, to whoever listens.
#[derive(Clone, Default)]
pub struct Bus(Rc<RefCell<Option<Box<dyn Fn(Event)>>>>);

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bus")
    }
}

impl Bus {
    /// Hands every event from now on to `listener`, and to nobody else.
    pub fn listen(&self, listener: impl Fn(Event) + 'static) {
        *self.0.borrow_mut() = Some(Box::new(listener));
    }

    /// Hands an event to the listener.
    pub fn emit(&self, event: Event) {
        if let Some(listener) = self.0.borrow().as_ref() {
            listener(event);
        }
    }

    /// Hands a notice to the listener that is about no address.
    pub fn notice(&self, message: String) {
        self.emit(Event::Notice { address: None, message });
    }
}

/// One deployment, connected to its account.
#[derive(Debug)]
pub struct Connected {
    /// The files of the deployment, read and merged.
    pub loaded: Loaded,
    /// The account that the deployment is in.
    pub account: Account,
    /// The way of everything that is told while a run goes on.
    pub bus: Bus,
    /// The things that were made so that the config leads somewhere, a line each.
    pub prepared: Vec<String>,
    /// The ARN of the user or role that the calls are made as.
    pub acting_as: String,
    /// The words with which the run was called.
    pub caller: Caller,
    /// The values that references are filled in with.
    pub(super) context: Context,
    /// The config, references to parameters left open.
    pub(super) open: Reviewed,
    pub(super) backend: Rc<dyn Backend>,
}

impl Connected {
    /// Connects to the account of a deployment, and makes sure that it is the right one. Of the `options`, the config
    /// says region and account where the caller does not.
    ///
    /// # Errors
    /// No credentials, the wrong account, no region, or names that AWS does not take.
    pub async fn open(
        loaded: Loaded,
        options: &ConnectOptions,
        sessions: &Sessions,
        host: &Host,
        words: &Caller,
    ) -> Result<Self, Failure> {
        let is_given = options.account.is_some();
        let options =
            ConnectOptions { region: loaded.region.clone(), account: loaded.account.clone(), ..options.clone() };
        let prepared = host.backend.prepare(&loaded, &options)?;
        let session = sessions.get(&options, host, words).await?;
        let (caller, region) = (session.caller.clone(), session.region.clone());
        check_account(&loaded, &caller, is_given, words)?;
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
        let context = loaded.context(Some(&deployment.account), Some(&deployment.region), Some(&deployment.partition));
        let open = config::review(&loaded.document, &context, None);
        if let Some(name) = valid(&open).and_then(|config| config.domain.domain_name.clone()) {
            names.domain = name;
        }
        let bus = Bus::default();
        let progress = bus.clone();
        let tell = Box::new(move |progressed| {
            progress.emit(match progressed {
                Progressed::Phase(address, phase) => Event::Phase { address, phase },
                Progressed::Notice(address, message) => Event::Notice { address, message },
            });
        });
        let mut account = Account::new(&session.config, session.path_style, deployment, names, tell);
        account.lookups.clone_from(&session.lookups);
        // What is said of one of several is to be done to that one.
        let said = [("--domain", &loaded.said.domain), ("--env", &loaded.said.env), ("--module", &loaded.said.module)];
        let said = said.map(|(option, name)| (option, name.as_str()));
        let caller_words = if loaded.is_one_of_several { words.about(&said) } else { words.clone() };
        Ok(Self {
            loaded,
            account,
            bus,
            prepared,
            acting_as: caller.arn,
            caller: caller_words,
            context,
            open,
            backend: Rc::clone(&host.backend),
        })
    }

    /// The environment that this is about.
    pub fn deployment(&self) -> &Deployment {
        &self.account.deployment
    }

    /// The config as far as it is known without its parameters; none when it is invalid.
    pub fn open_config(&self) -> Option<&Config> {
        valid(&self.open)
    }

    /// An AWS failure as an error for people.
    pub fn cloud(&self, error: &CloudError) -> Failure {
        Failure::cloud(error, Some(&self.account.deployment.region), &self.caller)
    }

    /// Mistakes of the config as an error for people.
    pub fn invalid(&self, mistakes: &Diagnostics) -> Failure {
        self.loaded.invalid(mistakes)
    }
}

/// The config that was reviewed, if nothing is wrong with it.
fn valid(reviewed: &Reviewed) -> Option<&Config> {
    reviewed.config.as_ref().filter(|_| !reviewed.diagnostics.has_errors())
}

/// Refuses credentials of another account than the deployment is for.
fn check_account(loaded: &Loaded, caller: &CallerIdentity, is_given: bool, words: &Caller) -> Result<(), Failure> {
    let Some(expected) = loaded.account.as_ref().filter(|expected| **expected != caller.account) else {
        return Ok(());
    };
    let who = if is_given { format!("{} says", words.option("account")) } else { "the config is for account".into() };
    let summary = format!("{who} {expected}, and {} is in {}", caller.arn, caller.account);
    Err(Failure::new(&codes::WRONG_PLACE, summary)
        .at(loaded.said_at("account"))
        .help("choose other credentials with `--profile` or `--role-arn`, or correct the account"))
}

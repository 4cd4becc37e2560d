//! The files that the command line names, read and merged: one module, or every module of an mdaa.yaml.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::agreement::{Agreement, said_at};
use super::files::{Texts, Unreadable, include, read, read_configs, texts};
use super::host::Host;
use super::identity::{GivenNames, IdentityNames, checked, names, slug};
use crate::config::diagnostic::{DiagnosticReport, Diagnostics};
use crate::config::document::{Document, InputFile};
use crate::config::mdaa::{Filter, Mdaa, Module, NamedFile, OtherModule, read_tag_file};
use crate::config::template::Context;
use crate::config::tree::Tree;
use crate::config::yaml;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::hint::Caller;
use crate::model::Source;

/// The names that are looked for when the command line names no file.
const DEFAULTS: [&str; 4] = ["studio.yaml", "sm-studio-domain.yaml", "mdaa.yaml", "caef.yaml"];

/// The files to read, and what is said of them besides.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The config's files; the usual ones when there are none.
    pub config: Vec<PathBuf>,
    /// The four names, or filters.
    pub names: GivenNames,
    /// Single values for `{{context:…}}`.
    pub context: Vec<(String, String)>,
    /// A file of such values.
    pub param_file: Option<PathBuf>,
    /// The account that it must be.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The words with which the run was called, for messages.
    pub caller: Caller,
}

/// One deployment's config, references not filled in yet.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The tree of the merged files.
    pub document: Document,
    /// The four names as they were said, as templates fill them in.
    pub said: IdentityNames,
    /// The same in lower case, of which everything that AWS gets to see is named.
    pub names: IdentityNames,
    /// The account that it is for, when somebody says.
    pub account: Option<String>,
    /// The region that it is for, when somebody says.
    pub region: Option<String>,
    /// Values for `{{context:…}}`, and MDAA's switches.
    pub values: BTreeMap<String, Json>,
    /// Tags besides those of the document.
    pub tags: BTreeMap<String, String>,
    /// A policy that bounds every role that is made.
    pub permissions_boundary: Option<String>,
    /// The environment's variables, which `{{env_var:…}}` refers to.
    pub environment: BTreeMap<String, String>,
    /// Whether there are other deployments beside it, so that what is said has to name this one.
    pub is_one_of_several: bool,
}

/// Everything that the command line names.
#[derive(Clone, Debug)]
pub struct LoadedAll {
    /// The deployments.
    pub deployments: Vec<Loaded>,
    /// Modules of an mdaa.yaml that this tool does not deploy.
    pub others: Vec<OtherModule>,
    /// Warnings about the mdaa.yaml.
    pub warnings: DiagnosticReport,
    /// Modules of an mdaa.yaml whose files cannot be read, by deployment; only `validate` gets to see them.
    pub unreadable: Vec<(String, Failure)>,
}

impl Loaded {
    /// The values that references are filled in with, as far as they are known before AWS is asked.
    pub fn context(&self, account: Option<&str>, region: Option<&str>, partition: Option<&str>) -> Context {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Context {
            org: self.said.org.clone(),
            env: self.said.env.clone(),
            domain: self.said.domain.clone(),
            module_name: self.said.module.clone(),
            account: own(account).or_else(|| self.account.clone()),
            region: own(region).or_else(|| self.region.clone()),
            partition: own(partition),
            values: self.values.clone(),
            environment: self.environment.clone(),
            tags: self.tags.clone(),
        }
    }

    /// The place where the `deployment:` block says something.
    pub fn said_at(&self, key: &str) -> Option<&Source> {
        said_at(&self.document, key)
    }

    /// Diagnostics with the lines that they are about.
    pub fn report(&self, diagnostics: &Diagnostics) -> DiagnosticReport {
        report(diagnostics.clone(), self.document.texts())
    }

    /// Diagnostics as an error.
    pub fn invalid(&self, mistakes: &Diagnostics) -> Failure {
        Failure::invalid_config(self.report(mistakes))
    }
}

fn report(diagnostics: Diagnostics, texts: &Texts) -> DiagnosticReport {
    DiagnosticReport { name: None, diagnostics, texts: texts.clone() }
}

/// Reads everything that the command line names.
///
/// # Errors
/// A file that cannot be read, is not YAML or says nonsense; names that are missing or malformed.
pub fn load(options: &LoadOptions, host: &Host) -> Result<LoadedAll, Failure> {
    let mut all = read_in(options, host, Purpose::Deploy)?;
    match all.unreadable.len() {
        0 => Ok(all),
        1 if all.deployments.is_empty() => Err(all.unreadable.remove(0).1),
        _ => Err(Failure::invalid_configs(all.unreadable)),
    }
}

/// The same for a command that deploys nothing: names that nobody gave are made up, since its findings do not hang on
/// them, and what is wrong with one module does not hide another.
///
/// # Errors
/// As [`load`], but for modules that cannot be read.
pub fn load_offline(options: &LoadOptions, host: &Host) -> Result<LoadedAll, Failure> {
    read_in(options, host, Purpose::Validate)
}

/// The same without the modules' own files, for a command that only tells which deployments there are.
///
/// # Errors
/// As [`load`], but for the files of modules.
pub fn load_names(options: &LoadOptions, host: &Host) -> Result<LoadedAll, Failure> {
    read_in(options, host, Purpose::List)
}

/// The purpose that a config is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Deploy,
    Validate,
    List,
}

fn read_in(options: &LoadOptions, host: &Host, purpose: Purpose) -> Result<LoadedAll, Failure> {
    let mut all = read_all(options, host, purpose)?;
    let several = all.deployments.len() > 1;
    all.deployments.iter_mut().for_each(|loaded| loaded.is_one_of_several = several);
    Ok(all)
}

fn read_all(options: &LoadOptions, host: &Host, purpose: Purpose) -> Result<LoadedAll, Failure> {
    let inputs = read_configs(&paths(options)?)?;
    let invalid = |mistakes: Diagnostics| Failure::invalid_config(report(mistakes, &texts(&inputs)));
    let document = Document::parse(&inputs, &include).map_err(invalid)?;
    let is_mdaa = document.tree().get("organization").is_some() && document.tree().get("domains").is_some();
    if is_mdaa {
        let [input] = inputs.as_slice() else {
            let failure = Failure::new(&codes::USAGE, "an mdaa.yaml is given together with other files");
            return Err(failure.help("give the mdaa.yaml alone; it names its modules' files itself"));
        };
        let mdaa = Mdaa::parse(input, &host.variables).map_err(invalid)?;
        let warnings = report(mdaa.warnings.clone(), &texts(&inputs));
        let selected = mdaa.select(&filter(&options.names)).map_err(|mistakes| {
            Failure::new(&codes::USAGE, "a filter names what the mdaa.yaml does not have").details(mistakes)
        })?;
        let (mut deployments, mut unreadable) = (Vec::new(), Vec::new());
        for module in selected {
            let document = match purpose {
                Purpose::List => Ok((Document::without_files(&module.span), BTreeMap::new())),
                _ => files_of(module, input),
            };
            match document {
                Ok(read) => deployments.push(of_module(module, read, options, host, purpose)?),
                Err((mistakes, texts)) => {
                    let said = checked(&module.org, &module.env, &module.domain, &module.module)?;
                    unreadable.push((said.lowered().to_string(), Failure::invalid_config(report(mistakes, &texts))));
                }
            }
        }
        if let Some(name) = twice(&deployments) {
            let failure = Failure::new(&codes::INVALID_IDENTITY, format!("two modules are the deployment {name}"));
            return Err(
                failure.help("names that differ only in case name the same things in AWS: rename one of the two")
            );
        }
        return Ok(LoadedAll { deployments, others: mdaa.others, warnings, unreadable });
    }
    let makes_up_names = purpose == Purpose::Validate || host.backend.is_sandbox();
    let stem = inputs.first().map(|file| stem(&file.name)).unwrap_or_default();
    let block = match document.deployment_block() {
        Ok(block) => block,
        Err(mut mistakes) => {
            mistakes.extend(besides_block(document, &stem, options, host)?);
            return Err(invalid(mistakes));
        }
    };
    let agreement = Agreement { document: &document, host, caller: &options.caller };
    let said = names(&options.names, &block, &agreement, makes_up_names.then_some(stem.as_str()))?;
    let mut values = block.context.clone();
    values.extend(given_values(options)?);
    let account = agreement.agreed("account", options.account.as_ref(), block.account.as_ref())?;
    let region = match purpose {
        Purpose::Deploy => agreement.agreed_region(options.region.as_ref(), block.region.as_ref())?,
        _ => agreement.agreed("region", options.region.as_ref(), block.region.as_ref())?,
    };
    let loaded = Loaded {
        document,
        names: said.lowered(),
        said,
        account,
        region,
        values,
        tags: BTreeMap::new(),
        permissions_boundary: None,
        environment: host.variables.clone(),
        is_one_of_several: false,
    };
    let (deployments, warnings) = (vec![loaded], DiagnosticReport::default());
    Ok(LoadedAll { deployments, others: Vec::new(), warnings, unreadable: Vec::new() })
}

/// Mistakes of a config besides its `deployment:` block, which cannot be read: its findings do not hang on names.
fn besides_block(document: Document, stem: &str, options: &LoadOptions, host: &Host) -> Result<Diagnostics, Failure> {
    let made_up = ["demo", "dev", "ml"].map(str::to_owned);
    let [org, env, domain] = made_up;
    let said = IdentityNames { org, env, domain, module: slug(stem) };
    let context = document.tree().get("deployment").and_then(|block| block.get("context")).map(Tree::to_json);
    let mut values = context.and_then(|context| context.as_object().cloned()).unwrap_or_default();
    values.extend(given_values(options)?);
    let loaded = Loaded {
        document,
        names: said.clone(),
        said,
        account: None,
        region: None,
        values: values.into_iter().collect(),
        tags: BTreeMap::new(),
        permissions_boundary: None,
        environment: host.variables.clone(),
        is_one_of_several: false,
    };
    Ok(super::review(&loaded, &loaded.context(None, None, None)).diagnostics)
}

/// A deployment that is there more than once.
fn twice(deployments: &[Loaded]) -> Option<String> {
    let mut seen = BTreeSet::new();
    deployments.iter().map(|loaded| loaded.names.to_string()).find(|name| !seen.insert(name.clone()))
}

fn filter(given: &GivenNames) -> Filter {
    let names = |given: &Option<String>| {
        given.iter().flat_map(|given| given.split(',')).map(|name| name.trim().to_owned()).collect::<Vec<_>>()
    };
    Filter { domains: names(&given.domain), envs: names(&given.env), modules: names(&given.module) }
}

/// The content of a module's files, its tags apart, or everything that is wrong with them.
fn files_of(module: &Module, mdaa: &InputFile) -> Result<(Document, BTreeMap<String, String>), (Diagnostics, Texts)> {
    let mut mistakes = Diagnostics::default();
    let mut inputs = Vec::new();
    let mut read_named = |files: &[NamedFile], mistakes: &mut Diagnostics| {
        let first = inputs.len();
        for file in files {
            match read(Path::new(&file.path)) {
                Ok(input) => inputs.push(input),
                Err(Unreadable::Io(error)) => mistakes.push(file.unreadable(&error.to_string())),
                Err(Unreadable::Text(mistake, input)) => {
                    mistakes.push(*mistake);
                    inputs.push(InputFile { text: String::new(), ..input });
                }
            }
        }
        inputs[first..].to_vec()
    };
    let configs = read_named(&module.config_files, &mut mistakes);
    let tag_files = read_named(&module.tag_files, &mut mistakes);
    let mut tags = BTreeMap::new();
    for file in &tag_files {
        match read_tag_file(file) {
            Ok(read) => tags.extend(read),
            Err(more) => mistakes.extend(more),
        }
    }
    let document = match configs.as_slice() {
        [] => Ok(Document::without_files(&module.span)),
        configs => Document::parse(configs, &include),
    };
    match document {
        Ok(document) if mistakes.is_empty() => {
            let document = module.inline.iter().fold(document, |document, inline| document.overlay(inline.clone()));
            Ok((document.with_text(mdaa), tags))
        }
        document => {
            mistakes.extend(document.err().unwrap_or_default());
            Err((mistakes, texts(inputs.iter().chain([mdaa]))))
        }
    }
}

fn of_module(
    module: &Module,
    (document, mut tags): (Document, BTreeMap<String, String>),
    options: &LoadOptions,
    host: &Host,
    purpose: Purpose,
) -> Result<Loaded, Failure> {
    tags.extend(module.tag_data.clone());
    let mut values = module.context.clone();
    values.extend(given_values(options)?);
    let said = checked(&module.org, &module.env, &module.domain, &module.module)?;
    let agreement = Agreement { document: &document, host, caller: &options.caller };
    // The organisation is no filter: there is only one.
    agreement.agreed("org", options.names.org.as_ref(), Some(&module.org))?;
    agreement.agrees_with(module)?;
    // A file may be stricter than the mdaa.yaml that it is taken from, which leaves the place to the caller.
    let block = document.deployment_block().unwrap_or_default();
    let (account, region) =
        (module.account.as_ref().or(block.account.as_ref()), module.region.as_ref().or(block.region.as_ref()));
    let account = agreement.agreed("account", options.account.as_ref(), account)?;
    let region = match purpose {
        Purpose::Deploy => agreement.agreed_region(options.region.as_ref(), region)?,
        _ => agreement.agreed("region", options.region.as_ref(), region)?,
    };
    Ok(Loaded {
        document,
        names: said.lowered(),
        said,
        account,
        region,
        values,
        tags,
        permissions_boundary: module.permissions_boundary.clone(),
        environment: host.variables.clone(),
        is_one_of_several: false,
    })
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The values for `{{context:…}}` of the command line: a file's, then single ones.
fn given_values(options: &LoadOptions) -> Result<BTreeMap<String, Json>, Failure> {
    let mut values = BTreeMap::new();
    if let Some(path) = &options.param_file {
        let file = read(path).map_err(|unreadable| unreadable.failure(path))?;
        let tree = yaml::parse(&file.name, &file.text, &include)
            .map_err(|mistakes| Failure::invalid_config(report(mistakes, &texts([&file]))))?;
        match tree.to_json() {
            Json::Object(members) => values.extend(members),
            _ => {
                let failure = Failure::new(&codes::USAGE, format!("{} holds no mapping", path.display()));
                return Err(failure.help("write one `key: value` a line"));
            }
        }
    }
    let single = options.context.iter().map(|(key, value)| (key.clone(), Json::String(value.clone())));
    values.extend(single);
    Ok(values)
}

fn paths(options: &LoadOptions) -> Result<Vec<PathBuf>, Failure> {
    if !options.config.is_empty() {
        return Ok(options.config.clone());
    }
    let default = DEFAULTS.into_iter().map(PathBuf::from).find(|path| path.exists() || path.is_symlink());
    default.map(|path| vec![path]).ok_or_else(|| {
        let failure = Failure::new(&codes::FILE, format!("there is none of {} here", DEFAULTS.join(", ")));
        let help = format!("name the config, or write one to start from: {}", options.caller.alone("init", &[]));
        Failure { exit: Exit::InvalidConfig, ..failure }.help(help)
    })
}

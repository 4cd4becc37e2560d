//! The files that the command line names, read and merged: one module, or every module of an mdaa.yaml.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::args::{ConfigFiles, Global};
use super::files::{Texts, Unreadable, include, read, read_configs, texts};
use super::surroundings::Surroundings;
use super::told::{Told, said_at};
use crate::config::diagnostic::Diagnostics;
use crate::config::document::{Document, InputFile};
use crate::config::mdaa::{Filter, Mdaa, Module, NamedFile, OtherModule, read_tag_file};
use crate::config::template::Context;
use crate::config::tree::Tree;
use crate::config::{DeploymentBlock, yaml};
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::hint::Caller;
use crate::model::Source;

/// The names that are looked for when the command line names no file.
const DEFAULTS: [&str; 4] = ["studio.yaml", "sm-studio-domain.yaml", "mdaa.yaml", "caef.yaml"];

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
}

/// MDAA's four names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityNames {
    /// The organisation.
    pub org: String,
    /// The environment.
    pub env: String,
    /// The data domain.
    pub domain: String,
    /// The module.
    pub module: String,
}

impl IdentityNames {
    /// In lower case, as MDAA's app names things.
    fn lowered(&self) -> Self {
        let lower = |name: &str| name.to_ascii_lowercase();
        Self { org: lower(&self.org), env: lower(&self.env), domain: lower(&self.domain), module: lower(&self.module) }
    }
}

impl fmt::Display for IdentityNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.org, self.env, self.domain, self.module)
    }
}

/// Everything that the command line names.
#[derive(Clone, Debug)]
pub struct LoadedAll {
    /// The deployments.
    pub deployments: Vec<Loaded>,
    /// Modules of an mdaa.yaml that this tool does not deploy.
    pub others: Vec<OtherModule>,
    /// Warnings about the mdaa.yaml, rendered.
    pub warnings: String,
    /// Whether it was an mdaa.yaml.
    pub is_mdaa: bool,
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

    /// Diagnostics as an error with the lines that they are about.
    pub fn invalid(&self, mistakes: &Diagnostics, colour: bool) -> Failure {
        Failure::invalid_config(mistakes.clone(), self.document.texts(), colour)
    }
}

/// Reads everything that the command line names.
///
/// # Errors
/// A file that cannot be read, is not YAML or says nonsense; names that are missing or malformed.
pub fn load(
    files: &ConfigFiles,
    global: &Global,
    surroundings: &Surroundings,
    colour: bool,
) -> Result<LoadedAll, Failure> {
    let mut all = read_in(files, global, surroundings, colour, Purpose::Deploy)?;
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
pub fn load_offline(
    files: &ConfigFiles,
    global: &Global,
    surroundings: &Surroundings,
    colour: bool,
) -> Result<LoadedAll, Failure> {
    read_in(files, global, surroundings, colour, Purpose::Validate)
}

/// The same without the modules' own files, for a command that only tells which deployments there are.
///
/// # Errors
/// As [`load`], but for the files of modules.
pub fn load_names(
    files: &ConfigFiles,
    global: &Global,
    surroundings: &Surroundings,
    colour: bool,
) -> Result<LoadedAll, Failure> {
    read_in(files, global, surroundings, colour, Purpose::List)
}

/// The purpose that a config is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Deploy,
    Validate,
    List,
}

fn read_in(
    files: &ConfigFiles,
    global: &Global,
    surroundings: &Surroundings,
    colour: bool,
    purpose: Purpose,
) -> Result<LoadedAll, Failure> {
    let inputs = read_configs(&paths(files, &global.caller)?, colour)?;
    let invalid = |mistakes: Diagnostics| Failure::invalid_config(mistakes, &texts(&inputs), colour);
    let document = Document::parse(&inputs, &include).map_err(invalid)?;
    let is_mdaa = document.tree().get("organization").is_some() && document.tree().get("domains").is_some();
    if is_mdaa {
        let [input] = inputs.as_slice() else {
            let failure = Failure::new(&codes::USAGE, "an mdaa.yaml is given together with other files");
            return Err(failure.help("give the mdaa.yaml alone; it names its modules' files itself"));
        };
        let mdaa = Mdaa::parse(input, &surroundings.variables).map_err(invalid)?;
        let warnings = mdaa.warnings.render(&texts(&inputs), colour);
        let selected = mdaa.select(&filter(global)).map_err(|mistakes| {
            Failure::new(&codes::USAGE, "a filter names what the mdaa.yaml does not have").details(mistakes)
        })?;
        let (mut deployments, mut unreadable) = (Vec::new(), Vec::new());
        for module in selected {
            let document = match purpose {
                Purpose::List => Ok((Document::without_files(&module.span), BTreeMap::new())),
                _ => files_of(module, input),
            };
            match document {
                Ok(read) => deployments.push(of_module(module, read, global, surroundings, purpose)?),
                Err((mistakes, texts)) => {
                    let said = checked(&module.org, &module.env, &module.domain, &module.module)?;
                    unreadable.push((said.lowered().to_string(), Failure::invalid_config(mistakes, &texts, colour)));
                }
            }
        }
        if let Some(name) = twice(&deployments) {
            let failure = Failure::new(&codes::INVALID_IDENTITY, format!("two modules are the deployment {name}"));
            return Err(
                failure.help("names that differ only in case name the same things in AWS: rename one of the two")
            );
        }
        return Ok(LoadedAll { deployments, others: mdaa.others, warnings, is_mdaa, unreadable });
    }
    let makes_up_names = purpose == Purpose::Validate || surroundings.backend.is_sandbox();
    let stem = inputs.first().map(|file| stem(&file.name)).unwrap_or_default();
    let block = match document.deployment_block() {
        Ok(block) => block,
        Err(mut mistakes) => {
            mistakes.extend(besides_block(document, &stem, global, surroundings)?);
            return Err(invalid(mistakes));
        }
    };
    let told = Told { document: &document, surroundings, caller: &global.caller };
    let said = names(global, &block, &told, makes_up_names.then_some(stem.as_str()))?;
    let mut values = block.context.clone();
    values.extend(given_values(global)?);
    let account = told.agreed("account", global.target.account.as_ref(), block.account.as_ref())?;
    let region = match purpose {
        Purpose::Deploy => told.agreed_region(global.target.region.as_ref(), block.region.as_ref())?,
        _ => told.agreed("region", global.target.region.as_ref(), block.region.as_ref())?,
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
        environment: surroundings.variables.clone(),
    };
    let (deployments, warnings) = (vec![loaded], String::new());
    Ok(LoadedAll { deployments, others: Vec::new(), warnings, is_mdaa, unreadable: Vec::new() })
}

/// What is wrong with a config besides its `deployment:` block, which cannot be read: its findings do not hang on names.
fn besides_block(
    document: Document,
    stem: &str,
    global: &Global,
    surroundings: &Surroundings,
) -> Result<Diagnostics, Failure> {
    let made_up = ["demo", "dev", "ml"].map(str::to_owned);
    let [org, env, domain] = made_up;
    let said = IdentityNames { org, env, domain, module: slug(stem) };
    let context = document.tree().get("deployment").and_then(|block| block.get("context")).map(Tree::to_json);
    let mut values = context.and_then(|context| context.as_object().cloned()).unwrap_or_default();
    values.extend(given_values(global)?);
    let loaded = Loaded {
        document,
        names: said.clone(),
        said,
        account: None,
        region: None,
        values: values.into_iter().collect(),
        tags: BTreeMap::new(),
        permissions_boundary: None,
        environment: surroundings.variables.clone(),
    };
    Ok(super::review::review(&loaded, &loaded.context(None, None, None)).diagnostics)
}

/// A deployment that is there more than once.
fn twice(deployments: &[Loaded]) -> Option<String> {
    let mut seen = BTreeSet::new();
    deployments.iter().map(|loaded| loaded.names.to_string()).find(|name| !seen.insert(name.clone()))
}

fn filter(global: &Global) -> Filter {
    let names = |given: &Option<String>| {
        given.iter().flat_map(|given| given.split(',')).map(|name| name.trim().to_owned()).collect::<Vec<_>>()
    };
    let identity = &global.identity;
    Filter { domains: names(&identity.domain), envs: names(&identity.env), modules: names(&identity.module) }
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
    global: &Global,
    surroundings: &Surroundings,
    purpose: Purpose,
) -> Result<Loaded, Failure> {
    tags.extend(module.tag_data.clone());
    let mut values = module.context.clone();
    values.extend(given_values(global)?);
    let said = checked(&module.org, &module.env, &module.domain, &module.module)?;
    let told = Told { document: &document, surroundings, caller: &global.caller };
    // The organisation is no filter: there is only one.
    told.agreed("org", global.identity.org.as_ref(), Some(&module.org))?;
    told.agrees_with(module)?;
    // A file may be stricter than the mdaa.yaml that it is taken from, which leaves the place to the caller.
    let block = document.deployment_block().unwrap_or_default();
    let (account, region) =
        (module.account.as_ref().or(block.account.as_ref()), module.region.as_ref().or(block.region.as_ref()));
    let account = told.agreed("account", global.target.account.as_ref(), account)?;
    let region = match purpose {
        Purpose::Deploy => told.agreed_region(global.target.region.as_ref(), region)?,
        _ => told.agreed("region", global.target.region.as_ref(), region)?,
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
        environment: surroundings.variables.clone(),
    })
}

fn names(
    global: &Global,
    block: &DeploymentBlock,
    told: &Told<'_>,
    sandbox_stem: Option<&str>,
) -> Result<IdentityNames, Failure> {
    let identity = &global.identity;
    let made_up = |name: &str| sandbox_stem.map(|_| name.to_owned());
    let agreed = |what, flag: &Option<String>, file: &Option<String>| told.agreed(what, flag.as_ref(), file.as_ref());
    let given = [
        ("org", agreed("org", &identity.org, &block.org)?.or_else(|| made_up("demo"))),
        ("env", agreed("env", &identity.env, &block.env)?.or_else(|| made_up("dev"))),
        ("domain", agreed("domain", &identity.domain, &block.domain)?.or_else(|| made_up("ml"))),
        ("module", agreed("module", &identity.module, &block.module)?.or_else(|| sandbox_stem.map(slug))),
    ];
    let missing: Vec<&str> = given.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let flags: Vec<String> = missing.iter().map(|name| format!("--{name} NAME")).collect();
        let failure = Failure::new(&codes::INVALID_IDENTITY, format!("the deployment has no {}", missing.join(", ")));
        return Err(failure.help(format!(
            "say {}, or put `deployment: {{org, env, domain, module}}` into the config; all names derive from these four",
            flags.join(" ")
        )));
    }
    let [org, env, domain, module] = given.map(|(_, value)| value.unwrap_or_default());
    checked(&org, &env, &domain, &module)
}

/// MDAA accepts letters, digits and hyphens only.
fn checked(org: &str, env: &str, domain: &str, module: &str) -> Result<IdentityNames, Failure> {
    for (what, name) in [("org", org), ("env", env), ("domain", domain), ("module", module)] {
        let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !fits {
            let failure =
                Failure::new(&codes::INVALID_IDENTITY, format!("`{name}` cannot be the {what} of a deployment"));
            return Err(failure.help("use letters, digits and hyphens only, as MDAA does"));
        }
    }
    Ok(IdentityNames { org: org.into(), env: env.into(), domain: domain.into(), module: module.into() })
}

fn slug(stem: &str) -> String {
    let slug: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "studio".into() } else { slug.into() }
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The values for `{{context:…}}` of the command line: a file's, then single ones.
fn given_values(global: &Global) -> Result<BTreeMap<String, Json>, Failure> {
    let mut values = BTreeMap::new();
    if let Some(path) = &global.identity.param_file {
        let file = read(path).map_err(|unreadable| unreadable.failure(path, false))?;
        let tree = yaml::parse(&file.name, &file.text, &include)
            .map_err(|mistakes| Failure::invalid_config(mistakes, &texts([&file]), false))?;
        match tree.to_json() {
            Json::Object(members) => values.extend(members),
            _ => {
                let failure = Failure::new(&codes::USAGE, format!("{} holds no mapping", path.display()));
                return Err(failure.help("write one `key: value` a line"));
            }
        }
    }
    let single = global.identity.context.iter().map(|(key, value)| (key.clone(), Json::String(value.clone())));
    values.extend(single);
    Ok(values)
}

fn paths(files: &ConfigFiles, caller: &Caller) -> Result<Vec<PathBuf>, Failure> {
    if !files.config.is_empty() {
        return Ok(files.config.clone());
    }
    let default = DEFAULTS.into_iter().map(PathBuf::from).find(|path| path.exists() || path.is_symlink());
    default.map(|path| vec![path]).ok_or_else(|| {
        let failure = Failure::new(&codes::FILE, format!("there is none of {} here", DEFAULTS.join(", ")));
        let help = format!("name the config, or write one to start from: {}", caller.alone("init", &[]));
        Failure { exit: Exit::InvalidConfig, ..failure }.help(help)
    })
}

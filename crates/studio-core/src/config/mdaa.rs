//! mdaa.yaml: its modules, and the values that each inherits from organisation, data domain, template and environment.
//!
//! Only modules of `@aws-mdaa/sm-studio-domain` are worked out; of the others the names are kept, for filters and reports.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::document::{InputFile, folder, make_relative};
use super::suggest::nearest;
use super::template::{self, Context, Parameters, Stage};
use super::tree::{Member, Tree, YamlValue};
use super::{codes, identity, mdaa_schema, schema_check, yaml};

/// The npm package whose modules this tool deploys.
pub const PACKAGE: &str = "@aws-mdaa/sm-studio-domain";

/// Advice for a reference that mdaa.yaml does not fill in outside of inline config.
const TAKEN: &str = "only {{org}}, {{domain}}, {{env}}, {{module_name}}, {{context:NAME}} and {{env_var:NAME}} are filled in here, as in \
                     MDAA: write the value itself";

/// Budget for inheritance, in values and bytes of text: of environments from templates, and of modules from the levels
/// above them. The largest organisations come to some hundred thousand.
const INHERITANCE_BUDGET: usize = 8 << 20;

/// The modules that an mdaa.yaml describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Mdaa {
    /// The modules that this tool deploys, in the order of the file.
    pub modules: Vec<Module>,
    /// The modules that it does not.
    pub others: Vec<OtherModule>,
    /// What is worth knowing.
    pub warnings: Diagnostics,
}

/// One `sm-studio-domain` module with all that it inherits.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The organisation's name.
    pub org: String,
    /// The data domain's name.
    pub domain: String,
    /// The environment's name.
    pub env: String,
    /// The module's name.
    pub module: String,
    /// The account to deploy to, unless that is left to the caller.
    pub account: Option<String>,
    /// The region to deploy to, unless that is left to the caller.
    pub region: Option<String>,
    /// Values for `{{context:…}}`, and MDAA's own switches.
    pub context: BTreeMap<String, Json>,
    /// Tags that are given inline; they win over those of files.
    pub tag_data: BTreeMap<String, String>,
    /// Files with tags, in order.
    pub tag_files: Vec<NamedFile>,
    /// The module's config files, in order.
    pub config_files: Vec<NamedFile>,
    /// Config that is given inline; its top-level keys win over those of files.
    pub inline: Option<Tree>,
    /// A policy that bounds every role that is made.
    pub permissions_boundary: Option<String>,
    /// Where the module stands.
    pub span: Span,
}

/// A file that mdaa.yaml names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// Its path, relative to the current folder.
    pub path: String,
    /// Where it is named.
    pub span: Span,
}

impl NamedFile {
    /// A diagnostic for a file that cannot be read, at the line that names it.
    pub fn unreadable(&self, why: &str) -> Diagnostic {
        let help = "paths that begin with `./` or `../` are relative to mdaa.yaml's folder, others to the current one";
        let summary = format!("`{}` cannot be read: {why}", self.path);
        Diagnostic::new(&codes::MDAA_FILE, summary).at(&self.span).help(help)
    }
}

/// A module of another package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherModule {
    /// The data domain's name.
    pub domain: String,
    /// The environment's name.
    pub env: String,
    /// The module's name.
    pub module: String,
    /// The package, without its version.
    pub package: String,
}

/// Selection of modules by name; an empty list means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Names of data domains.
    pub domains: Vec<String>,
    /// Names of environments.
    pub envs: Vec<String>,
    /// Names of modules.
    pub modules: Vec<String>,
}

impl Mdaa {
    /// Reads an mdaa.yaml; the environment is what `{{env_var:…}}` refers to.
    pub fn parse(file: &InputFile, environment: &BTreeMap<String, String>) -> Result<Self, Diagnostics> {
        // MDAA does not know `!include` in this file.
        let mut root = yaml::parse(&file.name, &file.text, &|_| Err("mdaa.yaml cannot include files".into()))?;
        make_relative(&mut root, folder(&file.name), &mut Vec::new());
        let checked = schema_check::check(mdaa_schema::schema(), "", &root, &[]);
        let mut reader = Reader {
            root: &root,
            environment,
            mdaa: Self { modules: Vec::new(), others: Vec::new(), warnings: Diagnostics::default() },
            inherited: 0,
            // What else is wrong is found all the same.
            mistakes: checked.diagnostics,
        };
        reader.domains();
        if reader.mistakes.has_errors() {
            return Err(reader.mistakes);
        }
        reader.mdaa.warnings.extend(reader.mistakes);
        Ok(reader.mdaa)
    }

    /// The modules that a filter means, or every name in it that does not exist, in a sentence each.
    pub fn select(&self, filter: &Filter) -> Result<Vec<&Module>, Vec<String>> {
        let all = || {
            let ours = self.modules.iter().map(|m| [m.domain.as_str(), &m.env, &m.module]);
            ours.chain(self.others.iter().map(|m| [m.domain.as_str(), &m.env, &m.module]))
        };
        let wanted = [&filter.domains, &filter.envs, &filter.modules];
        let meant = |names: &[&str; 3], levels: usize| {
            (0..levels).all(|level| wanted[level].is_empty() || wanted[level].iter().any(|name| name == names[level]))
        };
        let mut mistakes = Vec::new();
        for (level, what) in ["domain", "env", "module"].into_iter().enumerate() {
            let valid: BTreeSet<&str> = all().filter(|names| meant(names, level)).map(|names| names[level]).collect();
            for name in wanted[level].iter().filter(|name| !valid.contains(name.as_str())) {
                let list = valid.iter().copied().collect::<Vec<_>>().join(", ");
                mistakes.push(format!("there is no {what} `{name}`; there are {list}"));
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(self.modules.iter().filter(|m| meant(&[&m.domain, &m.env, &m.module], 3)).collect())
    }
}

/// The tags of a tag file: a mapping whose key `tags` is used.
pub fn read_tag_file(file: &InputFile) -> Result<BTreeMap<String, String>, Diagnostics> {
    let root = yaml::parse(&file.name, &file.text, &|_| Err("tag files cannot include files".into()))?;
    let Some(tags) = root.get("tags") else { return Ok(BTreeMap::new()) };
    let schema = serde_json::json!({"type": "object", "additionalProperties": {"type": "string"}});
    let checked = schema_check::check(&schema, "", tags, &["tags".into()]);
    let mut mistakes = checked.diagnostics;
    mistakes.extend(template::literal(tags, "tag files are taken as they are: give the tag under `tag_config_data`"));
    if mistakes.has_errors() { Err(mistakes) } else { schema_check::read(checked.json) }
}

struct Reader<'a> {
    root: &'a Tree,
    environment: &'a BTreeMap<String, String>,
    mdaa: Mdaa,
    /// How much was copied from one level to another.
    inherited: usize,
    mistakes: Diagnostics,
}

impl Reader<'_> {
    fn domains(&mut self) {
        let root = self.root;
        let org = text(root, "organization").unwrap_or_default();
        if let Some(written) = root.get("organization").filter(|written| written.text().is_some()) {
            self.name("organisation", &org, written);
        }
        for (domain, member) in members(root, "domains") {
            self.key("data domain", domain, member);
            for (env, environment) in members(&member.value, "environments") {
                self.key("environment", env, environment);
                let Some(merged) = self.with_template(&member.value, env, &environment.value) else { continue };
                for (module, tree) in members(&merged, "modules") {
                    self.key("module", module, tree);
                    self.module([&org, domain, env, module], [root, &member.value, &merged, &tree.value], tree);
                }
            }
        }
    }

    /// An environment merged into its template.
    fn with_template(&mut self, domain: &Tree, name: &str, environment: &Tree) -> Option<Tree> {
        let Some(wanted) = text(environment, "template") else { return Some(environment.clone()) };
        // A domain's template wins over a global one of the same name.
        let Some(template) = template_of(domain, &wanted).or_else(|| template_of(self.root, &wanted)) else {
            let names = [domain, self.root].into_iter().flat_map(|level| members(level, "env_templates"));
            let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
            let help = nearest(&wanted, names.iter().copied()).map_or_else(
                || match names.as_slice() {
                    [] => "there are no `env_templates`: add one, or remove `template`".into(),
                    names => format!("the templates are {}", names.join(", ")),
                },
                |near| format!("did you mean `{near}`?"),
            );
            let summary = format!("the environment `{name}` uses the template `{wanted}`, which does not exist");
            let span = &environment.get("template").unwrap_or(environment).span;
            self.mistakes.push(Diagnostic::new(&codes::MDAA_TEMPLATE, summary).at(span).help(help));
            return None;
        };
        self.inherit([template], &environment.span)?;
        let mut template = template.clone();
        // Modules are taken whole, the template's first.
        let mut modules: IndexMap<String, Member> = members(&template, "modules").clone();
        modules.extend(members(environment, "modules").clone());
        merge_by_index(&mut template, environment);
        if let YamlValue::Map(members) = &mut template.value {
            let span = template.span.clone();
            let value = Tree { value: YamlValue::Map(modules), span: span.clone() };
            members.insert("modules".into(), Member { key: span, value });
        }
        Some(template)
    }

    /// Counts what is copied from one level to another; nothing when it is too much, which is reported once.
    fn inherit<'t>(&mut self, trees: impl IntoIterator<Item = &'t Tree>, span: &Span) -> Option<()> {
        if self.inherited > INHERITANCE_BUDGET {
            return None;
        }
        self.inherited += trees.into_iter().map(size).sum::<usize>() + 1;
        if self.inherited <= INHERITANCE_BUDGET {
            return Some(());
        }
        let summary = "modules and environments inherit more than any organisation needs";
        let help = "use smaller templates, or move what only some modules need into their own files";
        self.mistakes.push(Diagnostic::new(&codes::TOO_LARGE, summary).at(span).help(help));
        None
    }

    fn module(&mut self, names: [&str; 4], levels: [&Tree; 4], member: &Member) {
        let [org, domain, env, module] = names;
        let [global, data_domain, environment, own] = levels;
        let context = Context {
            org: org.into(),
            env: env.into(),
            domain: domain.into(),
            module_name: module.into(),
            values: overlaid(levels, "context").map_or_else(BTreeMap::new, |tree| map_of(&tree.to_json())),
            environment: self.environment.clone(),
            ..Context::default()
        };
        let Some(path) = own.get("module_path").or_else(|| own.get("cdk_app")) else {
            let summary = format!("the module `{module}` lacks `module_path`");
            let help = format!("add `module_path: \"{PACKAGE}\"`");
            self.mistakes.push(Diagnostic::new(&codes::MDAA_MODULE, summary).at(&member.key).help(help));
            return;
        };
        let package = package(&self.final_text(path, &context));
        if package != PACKAGE || text(own, "module_type").is_some_and(|kind| kind != "cdk") {
            let [domain, env, module] = [domain, env, module].map(String::from);
            self.mdaa.others.push(OtherModule { domain, env, module, package });
            return;
        }
        let passed_on = ["context", "tag_config_data", "tag_configs"];
        let passed_on = levels[..3].iter().flat_map(|level| passed_on.iter().filter_map(|key| level.get(key)));
        let Some(()) = self.inherit(passed_on.collect::<Vec<_>>(), &member.key) else { return };
        self.unsupported(levels, module);
        let nearest_level = |key: &str| [environment, data_domain, global].into_iter().find_map(|level| level.get(key));
        let target = |key: &str| {
            nearest_level(key).filter(|tree| !tree.text().is_some_and(|text| text.eq_ignore_ascii_case("default")))
        };
        let lists = |key: &str| levels.iter().flat_map(|level| list(level, key)).collect::<Vec<_>>();
        let files = ["app_configs", "module_configs"].iter().flat_map(|key| list(own, key)).collect::<Vec<_>>();
        let tag_data = overlaid(levels, "tag_config_data").map(|tree| {
            let tree = self.expand(&tree, &context);
            self.mistakes.extend(template::literal(&tree, TAKEN));
            tree
        });
        let inline = inline(own).map(|tree| self.expand(&tree, &context));
        let values = overlaid(levels, "context").map(|tree| self.expand(&tree, &context));
        let module = Module {
            org: org.into(),
            domain: domain.into(),
            env: env.into(),
            module: module.into(),
            account: target("account").map(|account| self.account_or_region("account", account, &context)),
            region: target("region").map(|region| self.account_or_region("region", region, &context)),
            tag_data: tag_data.map_or_else(BTreeMap::new, |tree| texts_of(&tree)),
            tag_files: self.files(lists("tag_configs"), &context),
            config_files: self.files(files, &context),
            inline,
            permissions_boundary: nearest_level("permissions_boundary_arn").map(|arn| self.final_text(arn, &context)),
            context: values.map_or_else(BTreeMap::new, |tree| map_of(&tree.to_json())),
            span: member.key.clone(),
        };
        self.mdaa.modules.push(module);
    }

    /// Refuses what would change names or rules, and warns of what has no effect.
    fn unsupported(&mut self, levels: [&Tree; 4], module: &str) {
        for level in levels {
            for key in ["naming_module", "naming_class", "custom_naming", "custom_aspects"] {
                let Some(tree) =
                    level.get(key).filter(|tree| !matches!(&tree.value, YamlValue::List(items) if items.is_empty()))
                else {
                    continue;
                };
                let summary =
                    format!("`{key}` applies to the module `{module}`, but is JavaScript that cannot be run here");
                let help = "remove it for this module, or keep deploying the module with MDAA";
                self.mistakes.push(Diagnostic::new(&codes::MDAA_UNSUPPORTED, summary).at(&tree.span).help(help));
            }
        }
        for key in ["predeploy", "postdeploy", "additional_accounts", "additional_stacks"] {
            if let Some(tree) = levels[3].get(key) {
                let summary = format!("`{key}` of the module `{module}` has no effect here");
                let help = "run such steps around studio-deploy, in the pipeline that calls it";
                self.mdaa.warnings.push(Diagnostic::new(&codes::MDAA_IGNORED, summary).at(&tree.span).help(help));
            }
        }
    }

    fn expand(&mut self, tree: &Tree, context: &Context) -> Tree {
        let expanded = template::expand(tree, context, Parameters::Unknown, Stage::Launcher);
        self.mistakes.extend(expanded.diagnostics);
        expanded.tree
    }

    /// The account or region with its references filled in.
    fn account_or_region(&mut self, key: &str, tree: &Tree, context: &Context) -> String {
        let text = self.final_text(tree, context);
        // What is not filled in has been told of.
        let filled = Tree { value: YamlValue::Text(text.clone()), span: tree.span.clone() };
        if !text.is_empty()
            && template::literal(&filled, TAKEN).is_empty()
            && let Some(mistake) = identity::check_account_or_region(key, &filled)
        {
            self.mistakes.push(mistake);
        }
        text
    }

    /// A text that no later pass looks at, so that every reference in it has to be filled in.
    fn final_text(&mut self, tree: &Tree, context: &Context) -> String {
        let expanded = self.expand(tree, context);
        self.mistakes.extend(template::literal(&expanded, TAKEN));
        expanded.text().unwrap_or_default().into()
    }

    fn files(&mut self, trees: Vec<Tree>, context: &Context) -> Vec<NamedFile> {
        let file = |tree: Tree| {
            let path = self.expand(&tree, context).text()?.to_string();
            Some(NamedFile { path, span: tree.span })
        };
        trees.into_iter().filter_map(file).collect()
    }

    fn key(&mut self, what: &str, name: &str, member: &Member) {
        let at = Tree { value: YamlValue::Null, span: member.key.clone() };
        self.name(what, name, &at);
    }

    fn name(&mut self, what: &str, name: &str, at: &Tree) {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            let summary = format!("`{name}` cannot be the name of the {what}");
            let help = "use lower-case letters, digits and hyphens";
            self.mistakes.push(Diagnostic::new(&codes::NAME, summary).at(&at.span).help(help));
        }
    }
}

/// The package of a module path: without its version, and under its present name.
fn package(path: &str) -> String {
    let renamed = path.replace("caef", "mdaa");
    match renamed.strip_prefix('@').and_then(|rest| rest.split_once('@')) {
        Some((package, _)) => format!("@{package}"),
        None => renamed,
    }
}

/// A template that a level defines.
fn template_of<'t>(level: &'t Tree, name: &str) -> Option<&'t Tree> {
    level.get("env_templates").and_then(|templates| templates.get(name))
}

/// The size of a tree: its number of values, plus the bytes of its texts.
fn size(tree: &Tree) -> usize {
    1 + match &tree.value {
        YamlValue::Text(text) => text.len(),
        YamlValue::List(items) => items.iter().map(size).sum(),
        YamlValue::Map(members) => members.iter().map(|(key, member)| key.len() + size(&member.value)).sum(),
        _ => 0,
    }
}

/// The mappings at a key of several levels, laid over each other key by key.
fn overlaid(levels: [&Tree; 4], key: &str) -> Option<Tree> {
    let found: Vec<&Tree> = levels.into_iter().filter_map(|level| level.get(key)).collect();
    let span = found.last()?.span.clone();
    let members = found.into_iter().filter_map(Tree::map).flat_map(Clone::clone).collect();
    Some(Tree { value: YamlValue::Map(members), span })
}

/// A module's inline config.
fn inline(module: &Tree) -> Option<Tree> {
    let found: Vec<&Tree> =
        ["app_config_data", "module_config_data"].iter().filter_map(|key| module.get(key)).collect();
    let span = found.last()?.span.clone();
    let members = found.into_iter().filter_map(Tree::map).flat_map(Clone::clone).collect();
    Some(Tree { value: YamlValue::Map(members), span })
}

/// Merges as lodash does by default: mappings merge, lists merge element by element, anything else is replaced.
fn merge_by_index(base: &mut Tree, over: &Tree) {
    match (&mut base.value, &over.value) {
        (YamlValue::Map(members), YamlValue::Map(others)) => {
            for (key, other) in others {
                match members.get_mut(key) {
                    Some(member) => merge_by_index(&mut member.value, &other.value),
                    None => {
                        members.insert(key.clone(), other.clone());
                    }
                }
            }
        }
        (YamlValue::List(items), YamlValue::List(others)) => {
            for (index, other) in others.iter().enumerate() {
                match items.get_mut(index) {
                    Some(item) => merge_by_index(item, other),
                    None => items.push(other.clone()),
                }
            }
        }
        _ => *base = over.clone(),
    }
}

fn text(tree: &Tree, key: &str) -> Option<String> {
    tree.get(key).and_then(Tree::text).map(String::from)
}

fn members<'a>(tree: &'a Tree, key: &str) -> &'a IndexMap<String, Member> {
    static NONE: std::sync::LazyLock<IndexMap<String, Member>> = std::sync::LazyLock::new(IndexMap::new);
    tree.get(key).and_then(Tree::map).unwrap_or(&NONE)
}

fn list(tree: &Tree, key: &str) -> Vec<Tree> {
    match tree.get(key).map(|tree| &tree.value) {
        Some(YamlValue::List(items)) => items.clone(),
        _ => Vec::new(),
    }
}

fn map_of(json: &Json) -> BTreeMap<String, Json> {
    json.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn texts_of(tree: &Tree) -> BTreeMap<String, String> {
    let members = tree.map().into_iter().flatten();
    members.filter_map(|(key, member)| Some((key.clone(), member.value.text()?.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Mdaa, Diagnostics> {
        let file = InputFile { name: "conf/mdaa.yaml".into(), text: text.into() };
        Mdaa::parse(&file, &BTreeMap::from([("TEAM".to_string(), "blue".to_string())]))
    }

    const TREE: &str = r#"
organization: acme
region: us-east-1
account: "111111111111"
context: {o: global, obj: {a: 1, b: 2}, vpc: ssm:/vpc/id}
tag_configs: [./g.yaml]
tag_config_data: {team: "{{env_var:TEAM}}", level: global}
permissions_boundary_arn: arn:boundary
env_templates:
  base:
    account: "222222222222"
    region: eu-west-1
    context: {o: tpl, obj: {a: 9}}
    tag_configs: [t0.yaml, t1.yaml]
    modules:
      roles: {module_path: "@aws-mdaa/roles"}
      studio: {module_path: "@aws-mdaa/sm-studio-domain", module_configs: [from-template.yaml]}
domains:
  ds:
    region: us-west-2
    context: {o: domain}
    environments:
      dev:
        template: base
        account: Default
        context: {o: env}
        tag_configs: [e0.yaml]
        modules:
          studio:
            cdk_app: "@aws-caef/sm-studio-domain@1.2.3"
            context: {o: mod, who: "{{domain}}/{{context:o}}"}
            app_configs: [./first.yaml]
            module_configs: ["{{env}}.yaml"]
            tag_config_data: {level: module}
            module_config_data:
              domain:
                vpcId: "{{context:vpc}}"
                assetPrefix: "{{region}}"
                lifecycleConfigs: {kernel: {cmds: [./run.sh]}}
"#;

    #[test]
    fn modules_inherit() {
        let mdaa = parse(TREE).unwrap();
        assert_eq!(mdaa.others.len(), 1);
        assert_eq!(mdaa.others[0].package, "@aws-mdaa/roles");
        let [module] = mdaa.modules.as_slice() else { panic!("{:?}", mdaa.modules) };
        assert_eq!([&module.org, &module.domain, &module.env, &module.module], ["acme", "ds", "dev", "studio"]);
        assert_eq!((module.account.as_deref(), module.region.as_deref()), (None, Some("eu-west-1")));
        assert_eq!(module.context["o"], json!("mod"));
        assert_eq!(module.context["obj"], json!({"a": 9}));
        assert_eq!(module.context["who"], json!("ds/mod"));
        let paths = |files: &[NamedFile]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&module.tag_files), ["conf/g.yaml", "e0.yaml", "t1.yaml"]);
        assert_eq!(paths(&module.config_files), ["conf/first.yaml", "dev.yaml"]);
        assert_eq!(module.config_files[1].span.source.line, 33);
        assert_eq!(module.tag_data["team"], "blue");
        assert_eq!(module.tag_data["level"], "module");
        assert_eq!(module.permissions_boundary.as_deref(), Some("arn:boundary"));
        assert_eq!(
            module.inline.as_ref().unwrap().to_json(),
            json!({"domain": {"vpcId": "ssm:/vpc/id", "assetPrefix": "{{region}}",
                "lifecycleConfigs": {"kernel": {"cmds": ["./run.sh"]}}}})
        );
        assert_eq!(module.span.source.line, 29);
    }

    #[test]
    fn mistakes_are_found() {
        let module = |text: &str| format!("organization: acme\ndomains: {{d: {{environments: {{e: {text}}}}}}}\n");
        let studio = "modules: {m: {module_path: \"@aws-mdaa/sm-studio-domain\"}}";
        let cases = [
            (module("{template: nope}"), "SD1050"),
            (module("{modules: {m: {}}}"), "SD1052"),
            (module("{modules: {m_x: {module_path: x}}}"), "SD1042"),
            (module("{account: 5}"), "SD1004"),
            (module("{modules: {m: {module_path: x, region: y}}}"), "SD1003"),
            (module(&format!("{{{studio}, custom_naming: {{naming_module: x}}}}")), "SD1051"),
            (module(&format!("{{{studio}, context: {{a: \"{{{{context:b}}}}\"}}}}")), "SD1021"),
            ("organization: Acme\ndomains: {}\n".into(), "SD1042"),
            ("domains: {}\n".into(), "SD1005"),
        ];
        for (text, code) in cases {
            let codes: Vec<_> = parse(&text).unwrap_err().iter().map(|d| d.code).collect();
            assert_eq!(codes, [code], "{text}");
        }
        let several = module("{template: nope, account: 5, modules: {m_x: {module_path: x}}}");
        let codes: Vec<_> = parse(&several).unwrap_err().iter().map(|d| d.code).collect();
        assert_eq!(codes, ["SD1050", "SD1004"]);
        let aspects = module(&format!("{{{studio}, custom_aspects: []}}"));
        assert!(parse(&aspects).is_ok());
    }

    #[test]
    fn what_is_inherited_without_end_is_refused() {
        let modules: String =
            (0..1000).map(|at| format!("m{at}: {{module_path: '@aws-mdaa/sm-studio-domain'}}, ")).collect();
        let environments: String = (0..1000).map(|at| format!("e{at}: {{template: t}}, ")).collect();
        let text = format!(
            "organization: a\nenv_templates: {{t: {{modules: {{{modules}}}}}}}\ndomains: {{d: {{environments: {{{environments}}}}}}}\n"
        );
        let codes: Vec<_> = parse(&text).unwrap_err().iter().map(|d| d.code).collect();
        assert_eq!(codes, ["SD1007"]);
    }

    #[test]
    fn hooks_are_named_as_without_effect() {
        let text = "organization: a\ndomains: {d: {environments: {e: {modules: {m: {module_path: '@aws-mdaa/sm-studio-domain', predeploy: {command: x}}}}}}}\n";
        let warnings = parse(text).unwrap().warnings;
        assert_eq!(warnings.iter().map(|d| d.code).collect::<Vec<_>>(), ["SD2010"]);
    }

    #[test]
    fn filters_select_or_say_what_is_unknown() {
        let mdaa = parse(TREE).unwrap();
        let filter = |domains: &[&str], envs: &[&str], modules: &[&str]| {
            let own = |names: &[&str]| names.iter().map(ToString::to_string).collect();
            mdaa.select(&Filter { domains: own(domains), envs: own(envs), modules: own(modules) }).map(|m| m.len())
        };
        assert_eq!(filter(&[], &[], &[]), Ok(1));
        assert_eq!(filter(&["ds"], &["dev"], &["studio"]), Ok(1));
        assert_eq!(filter(&[], &[], &["roles"]), Ok(0));
        assert_eq!(filter(&["x"], &[], &["y"]).unwrap_err().len(), 2);
    }

    #[test]
    fn tag_files_hold_text() {
        let read = |text: &str| read_tag_file(&InputFile { name: "t.yaml".into(), text: text.into() });
        assert_eq!(read("tags: {a: b}\n").unwrap(), BTreeMap::from([("a".into(), "b".into())]));
        assert_eq!(read("other: {a: b}\n").unwrap(), BTreeMap::new());
        assert!(read("tags: {a: 5}\n").is_err());
    }

    #[test]
    fn packages_lose_version_and_old_name() {
        let cases = [("@aws-mdaa/x", "@aws-mdaa/x"), ("@aws-caef/x@1.0", "@aws-mdaa/x"), ("./local", "./local")];
        for (path, expected) in cases {
            assert_eq!(package(path), expected);
        }
    }
}

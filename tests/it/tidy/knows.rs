//! The columns "Knows" in ARCHITECTURE.md's map, written from the imports of each module.

use std::collections::{BTreeMap, BTreeSet};

use super::floors::{named, room};
use super::{Source, read, root, sources};

/// Heading of a column that is written here.
const HEADING: &str = "| Module | What it is | Knows |";

/// Crates of the repository as a table's heading names them, each with the name that imports use.
const CRATES: [(&str, &str); 3] =
    [("studio-core", "studio_core"), ("studio-files", "studio_files"), ("studio-sandbox", "studio_sandbox")];

/// The source with a path as if its crate were the repository, so that `super::` leads to the top of that crate.
fn in_its_crate(source: Source, folder: &str) -> Source {
    let below = source.path.strip_prefix(folder).unwrap_or(&source.path).to_owned();
    Source { path: format!("src{below}"), ..source }
}

/// Modules at the top of a crate, each with its sources; unit tests are not among them.
fn modules(folder: &str) -> BTreeMap<String, Vec<Source>> {
    let mut modules: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    for source in sources(folder).into_iter().filter(|source| !source.path.ends_with("tests.rs")) {
        let source = in_its_crate(source, folder);
        modules.entry(room(&source.path).to_owned()).or_default().push(source);
    }
    modules
}

/// The text of a module's column: other modules of its crate, then other crates of the repository, then the SDK.
fn knows(module: &str, sources: &[Source], own: &BTreeSet<&str>, core: &BTreeSet<&str>, is_root: bool) -> String {
    let mut known = BTreeSet::new();
    let mut crates = BTreeSet::new();
    for source in sources {
        known.extend(named(source, own).into_iter().map(|(name, _)| name).filter(|name| name != module));
        // The root package hands the modules of studio-core on as its own.
        if is_root && !named(source, core).is_empty() {
            crates.insert("studio-core");
        }
        for (name, import) in CRATES {
            if source.uses(&format!("{import}::")).next().is_some() {
                crates.insert(name);
            }
        }
        if is_root && !named(source, &BTreeSet::from(["files"])).is_empty() {
            crates.insert("studio-files");
        }
        let names_sdk = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_sdk);
        if source.code.iter().any(|(_, line)| names_sdk(line)) {
            crates.insert("the SDK");
        }
    }
    let all: Vec<&str> = known.iter().map(String::as_str).chain(crates).collect();
    if all.is_empty() { "nothing else".to_owned() } else { all.join(", ") }
}

/// Returns `true` if a word is the name of one of the SDK's crates.
fn is_sdk(word: &str) -> bool {
    ["aws_sdk_", "aws_smithy_"].iter().any(|prefix| word.starts_with(prefix))
        || ["aws_config", "aws_types", "aws_credential_types"].contains(&word)
}

/// ARCHITECTURE.md with every column "Knows" as the imports say.
fn written(page: &str) -> String {
    let core = modules("crates/studio-core/src");
    let core: BTreeSet<&str> = core.keys().map(String::as_str).filter(|name| *name != "lib").collect();
    let mut lines = Vec::new();
    let mut folder = String::new();
    let mut rows: Option<BTreeMap<String, Vec<Source>>> = None;
    for line in page.lines() {
        if let Some(name) = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:")) {
            name.clone_into(&mut folder);
        }
        if line == HEADING {
            rows = Some(modules(&folder));
        } else if line.is_empty() {
            rows = None;
        }
        let cells: Vec<&str> = line.split('|').collect();
        let module = line.split('`').nth(1).map(|name| name.trim_end_matches('/').trim_end_matches(".rs"));
        let (Some(modules), [_, name, what, _, _], Some(module)) = (&rows, cells.as_slice(), module) else {
            lines.push(line.to_owned());
            continue;
        };
        let sources = modules.get(module).unwrap_or_else(|| panic!("{folder} has no module {module}"));
        let own: BTreeSet<&str> =
            modules.keys().map(String::as_str).filter(|name| !["lib", "main"].contains(name)).collect();
        lines.push(format!("|{name}|{what}| {} |", knows(module, sources, &own, &core, folder == "src")));
    }
    lines.join("\n") + "\n"
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever wants the columns written says so in the environment")]
fn the_map_says_what_each_module_knows() {
    let page = read("ARCHITECTURE.md");
    assert_eq!(page.matches(HEADING).count(), 3, "a table a crate that has modules");
    let written = written(&page);
    if std::env::var_os("UPDATE_ARCHITECTURE").is_some() {
        std::fs::write(root().join("ARCHITECTURE.md"), &written).unwrap();
        return;
    }
    let changed: Vec<String> = page
        .lines()
        .zip(written.lines())
        .filter(|(old, new)| old != new)
        .map(|(old, new)| format!("- {old}\n+ {new}"))
        .collect();
    assert!(changed.is_empty(), "stale: `just architecture` writes it from the imports\n{}", changed.join("\n"));
}

#[test]
fn a_module_knows_what_it_imports_and_nothing_of_its_tests() {
    let code =
        "use crate::{plan::{self, Step}, model};\nlet hint = super::super::hint::Hint;\nlet sdk = aws_sdk_ssm::Client;";
    let code = code.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect();
    let source = Source { path: "crates/studio-core/src/config/a/b.rs".into(), text: String::new(), code };
    let source = in_its_crate(source, "crates/studio-core/src");
    assert_eq!(source.path, "src/config/a/b.rs");
    let own = BTreeSet::from(["config", "hint", "model", "plan"]);
    let known = |is_root| knows("config", std::slice::from_ref(&source), &own, &own, is_root);
    assert_eq!(known(false), "model, plan, the SDK", "`super::super::` is the folder of `config`");
    assert_eq!(known(true), "model, plan, studio-core, the SDK");
    assert_eq!(knows("config", &[], &own, &own, true), "nothing else");
}

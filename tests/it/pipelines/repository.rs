//! Agreement of the files around the pipelines: the version, the repository's address, the pinned actions.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use super::machine::document;

/// Files that name actions.
const WORKFLOWS: [&str; 5] = [
    "action.yml",
    "docs/ci/github.yml",
    "docs/ci/github-accounts.yml",
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
];

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_foreign_action_is_pinned_by_its_commit() {
    let mut seen = BTreeSet::new();
    for path in WORKFLOWS {
        for line in text(path).lines() {
            let Some((_, used)) = line.split_once("uses: ") else { continue };
            let (action, version) = used.split_once('@').expect("an action has a version");
            if action == "OWNER/studio-deploy" {
                assert_eq!(version, concat!("v", env!("CARGO_PKG_VERSION")), "{path}: {line}");
                continue;
            }
            let (commit, release) = version.split_once(" # v").unwrap_or((version, ""));
            assert!(
                commit.len() == 40 && !release.is_empty(),
                "{path}: `{line}` names a commit, and its release behind it"
            );
            seen.insert(used.to_owned());
        }
    }
    let actions: BTreeSet<&str> = seen.iter().map(|used| used.split('@').next().unwrap()).collect();
    assert_eq!(seen.len(), actions.len(), "each action in one version: {seen:?}");
}

#[test]
fn pipelines_install_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(document("action.yml")["inputs"]["version"]["default"], version);
    assert_eq!(document("docs/ci/gitlab.yml")["variables"]["STUDIO_DEPLOY_VERSION"], version);
    for name in ["plan", "apply", "drift"] {
        let specification = document(&format!("docs/ci/codebuild/{name}.yml"));
        assert_eq!(specification["env"]["variables"]["STUDIO_DEPLOY_VERSION"], version);
    }
}

#[test]
fn the_repository_has_one_address() {
    let manifest = text("Cargo.toml");
    let address = manifest.lines().find_map(|line| line.strip_prefix("repository = \""));
    let address = address.and_then(|rest| rest.strip_suffix('"')).expect("Cargo.toml has the repository's address");
    let name = address.strip_prefix("https://github.com/").unwrap();
    let repository = name.split_once('/').expect("it has an owner").1;
    let (used, released) = (format!("/{repository}@"), format!("/{repository}/releases"));
    let mut places = 0;
    for path in WORKFLOWS.into_iter().chain([
        "docs/ci/README.md",
        "docs/ci/gitlab.yml",
        "pyproject.toml",
        "README.md",
        "SECURITY.md",
        ".github/ISSUE_TEMPLATE/config.yml",
    ]) {
        for (at, line) in text(path).lines().enumerate() {
            for (place, _) in line.match_indices(&used).chain(line.match_indices(&released)) {
                let before = &line[..=place + repository.len()];
                assert!(before.ends_with(name), "{path}:{}: {line}: the repository is {name}", at + 1);
                places += 1;
            }
        }
    }
    assert!(places > 8, "only {places} were found");
}

#[test]
fn every_job_has_an_end_and_no_more_permissions_than_it_says() {
    for path in &WORKFLOWS[1..] {
        let workflow = document(path);
        assert!(workflow["permissions"].is_object(), "{path} has permissions of its own");
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["timeout-minutes"].is_u64(), "{path}: {name} ends at some time");
            let write: Vec<&Json> = job["permissions"].as_object().into_iter().flat_map(|all| all.values()).collect();
            assert!(write.iter().all(|permission| permission.is_string()), "{path}: {name}");
        }
    }
}

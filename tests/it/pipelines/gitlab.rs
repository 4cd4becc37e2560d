//! Runner for GitLab's pipeline of `docs/ci`: rules, matrices, scripts and artifacts.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::machine::{Machine, document};

/// Reason for a pipeline, with what GitLab says about it.
pub enum Source {
    /// A new commit of a merge request.
    MergeRequest(u32),
    /// A commit on the default branch.
    Push(String),
    /// A pipeline that the schedule starts.
    Schedule,
    /// Somebody's button, on the default branch.
    Web,
}

/// A job that has ended.
#[derive(Debug)]
pub struct Job {
    /// The exit code of its script.
    pub code: i32,
    /// Everything that it printed.
    pub log: String,
    /// The role that its token is for.
    pub role: Option<String>,
}

/// Archive that the pipeline installs.
const ARCHIVE: &str = "studio-deploy-x86_64-unknown-linux-gnu.tar.gz";

type Variables = BTreeMap<String, String>;

/// Runs a pipeline, its manual jobs included, until a job fails; the jobs that ran, by name.
pub fn run(machine: &Machine, source: &Source) -> BTreeMap<String, Job> {
    let pipeline = document("docs/ci/gitlab.yml");
    let id = machine.kept("runs").len() + 1;
    let mut variables = predefined(source);
    for (name, value) in pipeline["variables"].as_object().unwrap() {
        variables.insert(name.clone(), value.as_str().unwrap().to_owned());
    }
    // What whoever pastes the file writes into it.
    variables.insert("STUDIO_DEPLOY_SHA256".into(), machine.published_sha256(ARCHIVE));
    let (mut ended, mut recorded, mut planned) = (BTreeMap::new(), Vec::new(), None::<PathBuf>);
    for (name, job) in pipeline.as_object().unwrap() {
        if !job["script"].is_array() || !runs(job, &variables) {
            continue;
        }
        for entry in entries(job) {
            let folder = machine.workspace();
            machine.check_out(&folder);
            if let Some(artifacts) = planned.as_ref().filter(|_| job["needs"] == json!(["plan"])) {
                super::machine::copy(artifacts, &folder);
            }
            let mut own = variables.clone();
            let labels: Vec<&str> = entry.iter().map(|(_, value)| value.as_str()).collect();
            let full = if labels.is_empty() { name.clone() } else { format!("{name}: [{}]", labels.join(", ")) };
            own.insert("CI_JOB_NAME".into(), full.clone());
            own.insert("CI_JOB_ID".into(), format!("{id}{}", recorded.len()));
            own.extend(entry);
            if job["id_tokens"].is_object() {
                assert_eq!(job["id_tokens"]["AWS_TOKEN"]["aud"], "$CI_SERVER_URL");
                own.insert("AWS_TOKEN".into(), "token".into());
            }
            for (name, value) in job["variables"].as_object().into_iter().flatten() {
                own.insert(name.clone(), value.as_str().unwrap().to_owned());
            }
            let own: Variables = own.iter().map(|(name, value)| (name.clone(), expanded(value, &own))).collect();
            let script = [&pipeline[".studio"]["before_script"], &job["script"]];
            let lines = script.iter().flat_map(|lines| lines.as_array().unwrap()).map(|line| line.as_str().unwrap());
            let script = format!("{}\nenv | grep ^AWS_ROLE_ARN= || true\n", lines.collect::<Vec<_>>().join("\n"));
            let env: Vec<(String, String)> = own.clone().into_iter().collect();
            let shell = machine.shell(&["-eo", "pipefail"], &script, &folder, "", &env);
            let saved = machine.path("artifacts").join(&own["CI_JOB_ID"]);
            fs::create_dir_all(&saved).unwrap();
            for path in job["artifacts"]["paths"].as_array().into_iter().flatten() {
                let path = expanded(path.as_str().unwrap(), &own);
                drop(fs::copy(folder.join(&path), saved.join(&path)));
            }
            if name == "plan" {
                planned = Some(saved);
            }
            let status = if shell.code == 0 { "success" } else { "failed" };
            recorded.push(json!({"id": own["CI_JOB_ID"].parse::<u32>().unwrap(), "name": full, "status": status}));
            let role = shell.log.lines().find_map(|line| line.strip_prefix("AWS_ROLE_ARN=")).map(str::to_owned);
            ended.insert(name.clone(), Job { code: shell.code, log: shell.log, role });
        }
        if ended[name].code != 0 {
            break;
        }
    }
    if matches!(source, Source::MergeRequest(_)) {
        machine.add("runs", json!({"id": id, "jobs": recorded}));
    }
    ended
}

fn predefined(source: &Source) -> Variables {
    let mut variables = vec![
        ("CI_DEFAULT_BRANCH", "main".to_owned()),
        ("CI_SERVER_URL", "https://gitlab.example.com".into()),
        ("CI_API_V4_URL", "https://gitlab.example.com/api/v4".into()),
        ("CI_PROJECT_ID", "1".into()),
        ("STUDIO_TOKEN", "secret".into()),
    ];
    let name = match source {
        Source::MergeRequest(number) => {
            variables.push(("CI_MERGE_REQUEST_IID", number.to_string()));
            "merge_request_event"
        }
        Source::Push(sha) => {
            variables.push(("CI_COMMIT_SHA", sha.clone()));
            "push"
        }
        Source::Schedule => "schedule",
        Source::Web => "web",
    };
    variables.push(("CI_PIPELINE_SOURCE", name.into()));
    if name != "merge_request_event" {
        variables.push(("CI_COMMIT_BRANCH", "main".into()));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The entries of a job's matrix, each the variables that it sets; one without any if there is no matrix.
fn entries(job: &Json) -> Vec<Vec<(String, String)>> {
    let Some(matrix) = job["parallel"]["matrix"].as_array() else { return vec![Vec::new()] };
    let pairs = |entry: &Json| {
        let pairs = entry.as_object().unwrap().iter();
        pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    };
    matrix.iter().map(pairs).collect()
}

/// Returns `true` if the first rule that holds lets the job run, by hand or by itself.
fn runs(job: &Json, variables: &Variables) -> bool {
    let rules = job["rules"].as_array().unwrap();
    let holds = |rule: &&Json| rule["if"].as_str().is_none_or(|condition| is_met(condition, variables));
    rules.iter().find(holds).is_some_and(|rule| rule["when"] != "never")
}

fn is_met(condition: &str, variables: &Variables) -> bool {
    let value = |word: &str| match word.trim().strip_prefix('$') {
        Some(name) => variables.get(name).cloned().unwrap_or_default(),
        None => word.trim().trim_matches('"').to_owned(),
    };
    condition.split("&&").all(|part| match part.split_once("==") {
        Some((left, right)) => value(left) == value(right),
        None => part.split_once("!=").is_some_and(|(left, right)| value(left) != value(right)),
    })
}

/// A text with the variables in it replaced.
fn expanded(text: &str, variables: &Variables) -> String {
    let mut result = text.to_owned();
    // The longest first, since a name may begin with another.
    let mut names: Vec<&String> = variables.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        result = result.replace(&format!("${name}"), &variables[name]);
    }
    result
}

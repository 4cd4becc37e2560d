//! Runner for GitHub's workflows, as far as those of `docs/ci` go: jobs, matrices, steps, artifacts and our own action.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};

use super::expressions::{Scope, as_text, filled, filled_text, is_met};
use super::machine::{Machine, copy, document};

/// The repository whose pipeline runs.
pub const REPOSITORY: &str = "acme/platform";
/// Address of the action in the pipelines, without its version.
const ACTION: &str = "OWNER/studio-deploy";

/// Reason for a run, as the context `github` has it.
pub struct Event {
    name: &'static str,
    /// The commit that is checked out.
    sha: String,
    details: Json,
}

impl Event {
    /// A new commit of a pull request, from the repository itself or from a fork.
    pub fn pull_request(number: u32, head: &str, from: &str) -> Self {
        let details = json!({"pull_request": {"number": number, "head": {"sha": head, "repo": {"full_name": from}}}});
        Self { name: "pull_request", sha: format!("merge-of-{head}"), details }
    }

    /// A commit on the default branch.
    pub fn push(sha: &str) -> Self {
        Self { name: "push", sha: sha.to_owned(), details: json!({}) }
    }

    /// A run that the schedule starts.
    pub fn schedule() -> Self {
        Self { name: "schedule", sha: "nightly".into(), details: json!({}) }
    }

    /// Somebody's button, on the default branch.
    pub fn dispatch() -> Self {
        Self { name: "workflow_dispatch", sha: "by-hand".into(), details: json!({}) }
    }
}

/// A job that has ended, one of several if it has a matrix.
#[derive(Debug)]
pub struct Job {
    /// `success`, `failure` or `skipped`.
    pub result: &'static str,
    /// Everything that its steps printed.
    pub log: String,
    /// The role that it assumed.
    pub role: Option<String>,
    /// The environment that gates it.
    pub environment: Option<String>,
}

/// The jobs of a run, by name.
#[derive(Debug)]
pub struct Run(BTreeMap<String, Vec<Job>>);

impl Run {
    /// The results of a job, one for each entry of its matrix.
    pub fn results(&self, job: &str) -> Vec<&'static str> {
        self.0[job].iter().map(|job| job.result).collect()
    }

    /// A job without a matrix, which must have ended this way.
    #[track_caller]
    pub fn expect(&self, job: &str, result: &str) -> &Job {
        let [job] = self.0[job].as_slice() else { panic!("{job} has a matrix") };
        assert_eq!(job.result, result, "{}", job.log);
        job
    }

    /// The jobs of a matrix, which must all have ended this way.
    #[track_caller]
    pub fn expect_all(&self, job: &str, result: &str) -> &[Job] {
        for job in &self.0[job] {
            assert_eq!(job.result, result, "{}", job.log);
        }
        &self.0[job]
    }
}

/// Runs a workflow of `docs/ci` for an event.
pub fn run(machine: &Machine, workflow: &str, event: &Event) -> Run {
    let workflow = document(workflow);
    assert!(workflow["on"].get(event.name).is_some(), "the workflow runs on {}", event.name);
    let id = machine.kept("runs").len() + 1;
    let pull = &event.details["pull_request"]["head"];
    let head = json!({"id": id, "head_sha": pull["sha"], "head_repository": pull["repo"]});
    machine.add("runs", head);
    let context = json!({
        "event_name": event.name, "event": event.details, "sha": event.sha, "repository": REPOSITORY, "run_id": id,
        "ref": if event.name == "pull_request" { "refs/pull/7/merge" } else { "refs/heads/main" }, "token": "token",
        "workflow_ref": format!("{REPOSITORY}/.github/workflows/studio.yml@refs/heads/main"),
    });
    let jobs = workflow["jobs"].as_object().unwrap();
    let mut runner =
        Runner { machine, github: context, needs: Map::new(), clean: BTreeMap::new(), jobs: BTreeMap::new() };
    while runner.jobs.len() < jobs.len() {
        let ready = jobs.iter().find(|(name, job)| {
            !runner.jobs.contains_key(*name) && needs(job).iter().all(|need| runner.jobs.contains_key(need))
        });
        let (name, job) = ready.expect("no job waits for itself");
        runner.job(name, job);
    }
    Run(runner.jobs)
}

/// The jobs that a job waits for.
fn needs(job: &Json) -> Vec<String> {
    match &job["needs"] {
        Json::Array(names) => names.iter().map(as_text).collect(),
        Json::Null => Vec::new(),
        name => vec![as_text(name)],
    }
}

struct Runner<'a> {
    machine: &'a Machine,
    github: Json,
    /// The context `needs`: of each job that has ended, its result and its outputs.
    needs: Map<String, Json>,
    /// The jobs that succeeded, as did everything that they waited for.
    clean: BTreeMap<String, bool>,
    jobs: BTreeMap<String, Vec<Job>>,
}

impl Runner<'_> {
    fn job(&mut self, name: &str, job: &Json) {
        let vars = json!({"STUDIO_PLAN_ROLE": "plan-role", "STUDIO_APPLY_ROLE": "apply-role", "STUDIO_REGION": "eu-central-1"});
        let mut contexts = json!({"github": self.github, "needs": self.needs, "vars": vars});
        let needs_are_clean = needs(job).iter().all(|need| self.clean[need]);
        let scope = Scope { contexts: &contexts, success: needs_are_clean };
        if !is_met(job.get("if"), &scope) {
            self.ended(
                name,
                needs_are_clean,
                vec![Job { result: "skipped", log: String::new(), role: None, environment: None }],
                json!({}),
            );
            return;
        }
        let matrix = match job["strategy"]["matrix"].as_str() {
            Some(matrix) => filled(matrix, &scope)["include"].as_array().unwrap().clone(),
            None => vec![Json::Null],
        };
        let (mut jobs, mut outputs) = (Vec::new(), json!({}));
        for entry in matrix {
            contexts["matrix"] = entry;
            let mut work = Work {
                machine: self.machine,
                folder: self.machine.workspace(),
                path: String::new(),
                env: environment(&self.github),
                log: String::new(),
                role: None,
            };
            let (success, steps) = work.steps(&job["steps"], contexts.clone());
            contexts["steps"] = steps;
            let scope = Scope { contexts: &contexts, success };
            for (name, value) in job["outputs"].as_object().into_iter().flatten() {
                outputs[name] = filled(value.as_str().unwrap(), &scope);
            }
            assert!(work.role.is_none() || job["permissions"]["id-token"] == "write", "{name} may not assume a role");
            if let Some(group) = job["concurrency"]["group"].as_str() {
                assert!(!filled_text(group, &scope).ends_with('-'), "{name}: {group}");
            }
            let environment = job["environment"].as_str().map(|name| filled_text(name, &scope));
            let result = if success { "success" } else { "failure" };
            jobs.push(Job { result, log: work.log, role: work.role, environment });
        }
        self.ended(name, needs_are_clean, jobs, outputs);
    }

    fn ended(&mut self, name: &str, needs_are_clean: bool, jobs: Vec<Job>, outputs: Json) {
        let result = jobs.iter().map(|job| job.result).find(|result| *result != "success").unwrap_or("success");
        self.needs.insert(name.to_owned(), json!({"result": result, "outputs": outputs}));
        self.clean.insert(name.to_owned(), needs_are_clean && result == "success");
        self.jobs.insert(name.to_owned(), jobs);
    }
}

/// The variables that a runner sets.
fn environment(github: &Json) -> Vec<(String, String)> {
    let names = ["event_name", "sha", "repository", "run_id", "ref", "workflow_ref"];
    let mut env: Vec<(String, String)> =
        names.iter().map(|name| (format!("GITHUB_{}", name.to_uppercase()), as_text(&github[name]))).collect();
    env.push(("GITHUB_SERVER_URL".into(), "https://github.com".into()));
    env
}

/// A job at work.
struct Work<'a> {
    machine: &'a Machine,
    folder: PathBuf,
    /// Folders that steps have put on the PATH.
    path: String,
    env: Vec<(String, String)>,
    log: String,
    role: Option<String>,
}

impl Work<'_> {
    /// Runs steps in order; returns whether all went well, and the context `steps`.
    fn steps(&mut self, steps: &Json, mut contexts: Json) -> (bool, Json) {
        contexts["steps"] = json!({});
        let mut success = true;
        for step in steps.as_array().unwrap() {
            let scope = Scope { contexts: &contexts, success };
            if !is_met(step.get("if"), &scope) {
                continue;
            }
            let (went_well, outputs) = match step["uses"].as_str() {
                Some(uses) => {
                    let given = step["with"].as_object().into_iter().flatten();
                    let given = given.map(|(name, value)| (name.clone(), filled_text(&as_text(value), &scope).into()));
                    self.uses(uses.split_once('@').unwrap().0, &given.collect::<Map<_, _>>().into(), &contexts)
                }
                None => self.run(step, &scope),
            };
            success &= went_well;
            if let Some(id) = step["id"].as_str() {
                contexts["steps"][id] = json!({"outputs": outputs});
            }
        }
        (success, contexts["steps"].take())
    }

    fn run(&mut self, step: &Json, scope: &Scope<'_>) -> (bool, Json) {
        let script = step["run"].as_str().expect("a step runs or uses something");
        assert!(!script.contains("${{"), "a shell evaluates what an expression puts into it: {script}");
        let mut env = self.env.clone();
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            env.push((name.clone(), filled_text(&as_text(value), scope)));
        }
        let temporary = self.machine.path("temporary");
        env.push(("RUNNER_TEMP".into(), temporary.display().to_string()));
        let root = env!("CARGO_MANIFEST_DIR").to_owned();
        env.push(("GITHUB_ACTION_PATH".into(), root));
        let files = ["GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"].map(|name| (name, temporary.join(name)));
        for (name, file) in &files {
            fs::write(file, "").unwrap();
            env.push(((*name).to_owned(), file.display().to_string()));
        }
        let options: &[&str] =
            if step["shell"] == "bash" { &["--noprofile", "--norc", "-eo", "pipefail"] } else { &["-e"] };
        let folder = filled_text(step["working-directory"].as_str().unwrap_or("."), scope);
        let ended = self.machine.shell(options, script, &self.folder.join(folder), &self.path, &env);
        self.log.push_str(&ended.log);
        self.log.push_str(&fs::read_to_string(&files[2].1).unwrap());
        for line in fs::read_to_string(&files[1].1).unwrap().lines() {
            self.path.insert_str(0, &format!("{line}:"));
        }
        let outputs = fs::read_to_string(&files[0].1).unwrap();
        let outputs = outputs.lines().map(|line| {
            let (name, value) = line.split_once('=').expect("an output is one line");
            (name.to_owned(), value.into())
        });
        (ended.code == 0, outputs.collect::<Map<_, _>>().into())
    }

    fn uses(&mut self, action: &str, given: &Json, contexts: &Json) -> (bool, Json) {
        let text = |name: &str| given[name].as_str().unwrap_or_default();
        let run = self.machine.path("artifacts").join(as_text(&contexts["github"]["run_id"]));
        match action {
            "actions/checkout" => {
                assert_eq!(text("persist-credentials"), "false", "no later step finds the token in the workspace");
                self.machine.check_out(&self.folder);
            }
            "aws-actions/configure-aws-credentials" => {
                self.role = Some(text("role-to-assume").to_owned());
                self.env.push(("AWS_REGION".into(), text("aws-region").to_owned()));
            }
            "actions/upload-artifact" => {
                let artifact = run.join(text("name"));
                fs::create_dir_all(&artifact).unwrap();
                let copied = fs::copy(self.folder.join(text("path")), artifact.join(text("path")));
                return (copied.is_ok(), json!({}));
            }
            "actions/download-artifact" => match text("pattern").strip_suffix('*') {
                Some(prefix) => {
                    for entry in fs::read_dir(run).into_iter().flatten() {
                        let name = entry.unwrap().file_name().into_string().unwrap();
                        if let Some(rest) = name.strip_prefix(prefix) {
                            let target = self.folder.join(text("path")).join(format!("{prefix}{rest}"));
                            fs::create_dir_all(&target).unwrap();
                            copy(
                                &self
                                    .machine
                                    .path("artifacts")
                                    .join(as_text(&contexts["github"]["run_id"]))
                                    .join(&name),
                                &target,
                            );
                        }
                    }
                }
                None => copy(&run.join(text("name")), &self.folder),
            },
            ACTION => return self.action(given, contexts),
            other => panic!("{other} is no action that is known here"),
        }
        (true, json!({}))
    }

    /// Runs our own action: `action.yml` of this repository.
    fn action(&mut self, given: &Json, contexts: &Json) -> (bool, Json) {
        let action = document("action.yml");
        let mut contexts = json!({"github": contexts["github"]});
        contexts["github"]["action_repository"] = ACTION.into();
        let mut inputs = Map::new();
        for (name, input) in action["inputs"].as_object().unwrap() {
            let default = filled_text(&as_text(&input["default"]), &Scope { contexts: &contexts, success: true });
            let given = given.get(name).map(as_text);
            assert!(given.is_some() || input["required"] != true, "{name} is required");
            inputs.insert(name.clone(), given.unwrap_or(default).into());
        }
        let unknown = given.as_object().unwrap().keys().find(|name| !inputs.contains_key(*name));
        assert_eq!(unknown, None, "the action has no such input");
        contexts["inputs"] = inputs.into();
        let (success, steps) = self.steps(&action["runs"]["steps"], contexts.clone());
        contexts["steps"] = steps;
        let outputs = action["outputs"].as_object().unwrap().iter();
        let scope = Scope { contexts: &contexts, success };
        let outputs = outputs.map(|(name, output)| (name.clone(), filled(output["value"].as_str().unwrap(), &scope)));
        (success, outputs.collect::<Map<_, _>>().into())
    }
}

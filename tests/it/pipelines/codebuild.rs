//! The build specifications for CodeBuild, and the script that creates the roles of a pipeline.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::machine::{Machine, Shell, document};
use super::{USER, commit, with};

/// Runs a build specification as the action of a pipeline; its artifacts are kept under its name.
fn build(machine: &Machine, name: &str) -> Shell {
    let specification = document(&format!("docs/ci/codebuild/{name}.yml"));
    let mut env = BTreeMap::new();
    for (name, value) in specification["env"]["variables"].as_object().unwrap() {
        env.insert(name.clone(), value.as_str().unwrap().to_owned());
    }
    assert_eq!(specification["env"]["shell"], "bash");
    // What whoever pastes the file writes into it, and what CodeBuild says of the input artifact.
    env.insert("STUDIO_DEPLOY_SHA256".into(), machine.sha256("wheel"));
    env.insert("TOPIC_ARN".into(), "arn:aws:sns:eu-central-1:123456789012:drift".into());
    env.insert("CODEBUILD_SRC_DIR_Planned".into(), machine.path("artifacts/plan").display().to_string());
    let phases = ["install", "build"].map(|phase| specification["phases"][phase]["commands"].as_array().unwrap());
    let commands = phases.into_iter().flatten().map(|command| command.as_str().unwrap());
    // One shell for all, which goes on to the next command only when one ends well.
    let script: String = commands.map(|command| format!("{command}\n[ $? = 0 ] || exit 1\n")).collect();
    let folder = machine.workspace();
    machine.check_out(&folder);
    let path = format!("{}:", machine.path("installed").display());
    let env: Vec<(String, String)> = env.into_iter().collect();
    let ended = machine.shell(&[], &script, &folder, &path, &env);
    let artifacts = machine.path("artifacts").join(name);
    fs::create_dir_all(&artifacts).unwrap();
    for file in specification["artifacts"]["files"].as_array().into_iter().flatten() {
        drop(fs::copy(folder.join(file.as_str().unwrap()), artifacts.join(file.as_str().unwrap())));
    }
    ended
}

#[test]
fn codebuild_plans_applies_the_saved_plan_and_tells_of_drift() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    let apply = |code: i32, text: &str| {
        let ended = build(&machine, "apply");
        assert_eq!(ended.code, code, "{}", ended.log);
        assert!(ended.log.contains(text), "{}", ended.log);
    };
    assert_eq!(build(&machine, "plan").code, 0);
    apply(0, "27 created");
    // A plan is for its own config.
    commit(&machine, USER);
    apply(1, "SD4002");
    let planned = build(&machine, "plan");
    assert_eq!(planned.code, 0, "{}", planned.log);
    apply(0, "1 created");

    let clean = build(&machine, "drift");
    assert_eq!(clean.code, 0, "{}", clean.log);
    assert!(!machine.log().contains("aws sns"), "{}", machine.log());
    machine.by_hand("Attach");
    assert_eq!(build(&machine, "drift").code, 2);
    assert!(machine.log().contains("aws sns publish"), "{}", machine.log());
    assert!(fs::read_to_string(machine.path("documents")).unwrap().contains("AdministratorAccess"));

    // What is blocked does not get to whoever approves.
    commit(&machine, "");
    assert_eq!(build(&machine, "plan").code, 1);
}

#[test]
fn codebuild_installs_nothing_but_the_wheel_it_knows() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    let script = "requirements=$(mktemp); echo 'studio-deploy==0.1.0 --hash=sha256:00' > $requirements
        pip install --only-binary :all: --require-hashes --requirement $requirements";
    let ended = machine.shell(&["-e"], script, &machine.workspace(), "", &[]);
    assert!(ended.code == 1 && ended.log.contains("the hashes do not match"), "{}", ended.log);
}

#[test]
fn the_roles_of_a_pipeline_may_do_what_permissions_says() {
    if !Machine::is_usable() {
        return;
    }
    let machine = with("");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci/roles/create.sh");
    let script = fs::read_to_string(script).unwrap();
    // As `create.sh github acme/platform studio.yaml`: the shell hands a script that it reads no arguments.
    let script = script.replacen("set -euo pipefail", "set -euo pipefail\nset -- $ARGUMENTS", 1);
    let path = format!("{}:", machine.path("release/studio-deploy").display());
    for (arguments, subjects) in [
        (
            "github acme/platform studio.yaml",
            ["repo:acme/platform:pull_request", "repo:acme/platform:environment:studio"],
        ),
        (
            "gitlab acme/platform studio.yaml",
            ["project_path:acme/platform:ref_type:branch:ref:*", "project_path:acme/platform:ref_type:branch:ref:main"],
        ),
    ] {
        let folder = machine.workspace();
        machine.check_out(&folder);
        drop(fs::remove_file(machine.path("documents")));
        let env = [("ARGUMENTS".to_owned(), arguments.to_owned())];
        let ended = machine.shell(&[], &script, &folder, &path, &env);
        assert_eq!(ended.code, 0, "{}", ended.log);
        let documents = fs::read_to_string(machine.path("documents")).unwrap();
        for text in subjects.into_iter().chain(["sts:AssumeRoleWithWebIdentity", "sagemaker:CreateDomain"]) {
            assert!(documents.contains(text), "{text} is not in\n{documents}");
        }
        let log = machine.log();
        for made in
            ["create-role --role-name studio-plan", "create-role --role-name studio-apply", "attach-role-policy"]
        {
            assert!(log.contains(made), "{made} is not in\n{log}");
        }
    }
}

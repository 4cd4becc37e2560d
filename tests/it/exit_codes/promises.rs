//! Promises of exit codes besides their tables: about the first write, and about the place.

use super::{CONFIG, changes};
use crate::support::account::{APPLY, DESTROY, Lab};
use crate::support::behind::{domain_id, left_over};

#[test]
fn a_first_write_that_is_refused_ends_with_the_code_of_its_reason() {
    let lab = Lab::new();
    lab.run(APPLY, CONFIG).expect(0);
    let base = lab.tables();
    let refused = |faults: &str, first: &dyn Fn(&Lab), line: &[&str], text: &str| {
        let lab = Lab::like(&base);
        first(&lab);
        lab.set_faults_once(faults.parse().unwrap());
        let ended = lab.run(line, text);
        assert_eq!(ended.code, 4, "{line:?}\n{}\n{}", ended.data, ended.notes);
        assert_eq!(changes(&ended), 0, "{line:?}\n{}", ended.data);
        assert!(ended.notes_show("SD3002") || ended.shows("SD3002"), "{}\n{}", ended.data, ended.notes);
    };
    // The record is the first thing that is written.
    refused("deny=ssm:PutParameter@2", &|_| (), APPLY, &CONFIG.replace("science", "art"));
    // Drift: the record says already what is to be.
    let drift = |lab: &Lab| lab.forget("ssm/parameter", "/domain/vpc-id");
    refused("deny=ssm:PutParameter@2", &drift, APPLY, CONFIG);
    // All that is left to be deleted is refused.
    let but_last = |lab: &Lab| {
        lab.set_faults_once("deny=iam:DeleteRole".parse().unwrap());
        lab.run(DESTROY, CONFIG).expect(8);
    };
    refused("deny=iam:DetachRolePolicy,deny=iam:DeleteRolePolicy,deny=iam:DeleteRole", &but_last, DESTROY, CONFIG);
    let gone = |lab: &Lab| drop(lab.run(DESTROY, CONFIG).expect(0));
    let domain = domain_id(&Lab::like(&base));
    let cleanup = ["cleanup", "--yes", "--domain-id", &domain];
    refused(
        "deny=elasticfilesystem:DeleteMountTarget,deny=elasticfilesystem:DeleteFileSystem",
        &gone,
        &cleanup,
        CONFIG,
    );
    assert!(left_over(&lab, "efs/file-system") > 0);
}

#[test]
fn a_region_of_the_environment_contradicts_no_config_in_silence() {
    let lab = Lab::new();
    let config = CONFIG.replace("module: studio}", "module: studio, region: us-east-1}");
    for (name, value, flag, code) in [
        ("AWS_REGION", "eu-west-1", &[][..], 4),
        ("AWS_DEFAULT_REGION", "eu-west-1", &[], 4),
        ("STUDIO_DEPLOY_REGION", "us-east-1", &["--region", "us-east-1"], 0),
        ("AWS_REGION", "us-east-1", &[], 0),
        ("AWS_REGION", "", &[], 0),
        // Who says it for this run has decided.
        ("AWS_REGION", "eu-west-1", &["--region", "us-east-1"], 0),
    ] {
        lab.set_variable(name, value);
        for command in ["plan", "diff", "apply", "destroy", "drift", "output", "graph", "unlock"] {
            let ended = lab.run(&[&[command], flag].concat(), &config);
            if code == 4 {
                assert_eq!(ended.code, 4, "{command}: {}", ended.notes);
                for said in [name, value, "us-east-1", "studio.yaml:1:"] {
                    assert!(ended.notes_show(said), "{command}: `{said}` is not in\n{}", ended.notes);
                }
                assert!(ended.calls.is_empty(), "{command}");
            } else {
                assert!(!ended.notes_show("SD3003"), "{name}={value} {command}: {}", ended.notes);
            }
        }
        lab.run(&["validate"], &config).expect(0);
        lab.run(&["list"], &config).expect(0);
    }
}

//! The form of what is printed.

use serde_json::Value as Json;

use super::holder::{Case, PLACE, documents, list, statements};
use crate::support::account::{IDENTITY, Lab};
use crate::support::configs::{EVERYTHING, SAMPLES};

/// IAM's limit of a managed policy, white space aside.
const MOST: usize = 6144;

fn size(document: &Json) -> usize {
    document.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

#[test]
fn every_policy_fits_and_a_role_takes_them_all() {
    for (name, config) in SAMPLES.into_iter().chain([("everything", EVERYTHING)]) {
        let lab = Lab::new();
        let case = Case { name, config: config.into(), boundary: None };
        for options in [
            &["--for", "plan"][..],
            &["--for", "apply"],
            &["--for", "destroy"],
            &["--for", "apply", "--adopt", "--domain-id", "d-abcdefghijkl"],
            &[],
        ] {
            let documents = case.permissions(&lab, options);
            let sizes: Vec<usize> = documents.iter().map(size).collect();
            println!("{name} {options:?}: {} statements, {sizes:?} characters", statements(&documents).len());
            assert!(sizes.iter().all(|size| *size <= MOST) && sizes.len() <= 10, "{name} {options:?}: {sizes:?}");
        }
        assert_ne!(case.permissions(&lab, &["--for", "plan"]), case.permissions(&lab, &["--for", "apply"]));
    }
}

#[test]
fn names_are_this_configs() {
    let printed: Vec<String> = SAMPLES
        .into_iter()
        .map(|(name, config)| {
            let case = Case { name, config: config.into(), boundary: None };
            Json::from(case.permissions(&Lab::new(), &["--for", "apply"])).to_string()
        })
        .collect();
    assert!(printed[0] != printed[1] && printed[1] != printed[2]);
    for (text, expected) in [
        (&printed[0], "role/acme-dev-ml-studio-default-execution-role"),
        (&printed[2], "role/test-execution-role"),
        (&printed[2], "arn:aws:kms:us-east-1:123456789012:key/test-efs-key"),
        (&printed[0], r#""aws:ResourceTag/studio-deploy:deployment":"acme/dev/ml/studio@us-east-1""#),
        (&printed[0], r#""iam:PassedToService":"sagemaker.amazonaws.com""#),
        (&printed[0], "parameter/studio-deploy/acme/dev/ml/studio/lock"),
        (&printed[0], "kms:GenerateDataKeyWithoutPlaintext"),
        (&printed[0], "elasticfilesystem:CreateFileSystem"),
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}

#[test]
fn every_partition_has_its_arns() {
    for (region, partition) in [
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let lab = Lab::new();
        let config = lab.config(SAMPLES[2].1);
        let line = ["permissions", "--region", region, "--account", "123456789012", &config];
        let printed = lab.command_as(&line, &IDENTITY).expect(0);
        for document in documents(&serde_json::from_str(&printed.data).unwrap()) {
            for resource in statements(&[document]).iter().flat_map(|statement| list(&statement["Resource"])) {
                let right = resource == "*" || resource.starts_with(&format!("arn:{partition}:"));
                assert!(right, "{region}: {resource}");
            }
        }
    }
}

#[test]
fn what_is_unknown_is_said() {
    let lab = Lab::new();
    let config = lab.config(SAMPLES[0].1);
    let open = lab.command_as(&["permissions", "--for", "plan", &config], &IDENTITY).expect(0);
    assert!(open.notes_show("no account is known") && open.notes_show("no region is known"), "{}", open.notes);
    assert!(open.shows(r#""StringLike""#) || !open.shows("ResourceTag"), "{}", open.data);
    let known =
        lab.command_as(&[&["permissions", "--for", "plan"], &PLACE[..], &[&config]].concat(), &IDENTITY).expect(0);
    assert_eq!(known.notes, "");
    assert!(!known.shows("arn:aws:iam::*"), "{}", known.data);
}

#[test]
fn files_are_ready_for_iam() {
    let lab = Lab::new();
    let (config, folder) = (lab.config(SAMPLES[0].1), lab.path("policies"));
    let folder = folder.to_str().unwrap();
    let line = [&["permissions", "--for", "apply", "--out", folder], &PLACE[..], &[&config]].concat();
    let written = lab.command_as(&line, &IDENTITY).expect(0);
    assert!(!written.data.is_empty());
    for path in written.data.lines() {
        assert!(path.contains("studio-deploy-acme-dev-ml-studio-apply"), "{path}");
        let document: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(document["Version"], "2012-10-17");
    }
}

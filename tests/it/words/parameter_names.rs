//! Names of SSM parameters: the config is held to the same rules as the service, wherever a name is read or written.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::ParameterType;
use studio_sandbox::Seed;

use crate::support::account::{IDENTITY, Lab, PLAN};
use crate::support::configs::BARE;

/// Names of every length, depth, character and beginning that matters.
fn names() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for length in [1, 965, 966, 967, 1010, 1011, 1012, 2048, 2049] {
        names.push("x".repeat(length));
        names.push(format!("/{}", "x".repeat(length)));
    }
    for levels in [1, 2, 14, 15, 16, 17] {
        names.push("/x".repeat(levels));
    }
    for c in [
        'a', 'Z', '0', '_', '.', '-', '/', ' ', '@', '+', '=', ',', '*', '%', 'ü', 'ａ', '\u{200b}', '\'', '"', '{',
        '\\',
    ] {
        names.push(format!("/p{c}q"));
        names.push(format!("{c}q"));
        names.push(format!("/p{c}"));
    }
    for root in ["aws", "AWS", "Aws", "awsome", "ssm", "SSM", "ssmx", "xaws", "a", "a-ws"] {
        names.extend([
            root.to_owned(),
            format!("/{root}"),
            format!("/{root}/x"),
            format!("/{root}-x/y"),
            format!("/x/{root}"),
        ]);
    }
    names.extend(["", "/", "//", "a/b", "/a//b", "a/", ".", "/.", "-"].map(str::to_owned));
    names
}

fn reading(name: &str) -> String {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{BARE}  assetPrefix: \"ssm:{name}\"\n")
}

#[test]
fn a_name_is_read_and_written_as_the_service_would() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let names = names();
    for name in &names {
        let lab = Lab::new();
        lab.sandbox.found("123456789012", "us-east-1").unwrap();
        let client = Client::new(&lab.sandbox.sdk_config().build());
        // A blank behind the colon is no part of the name.
        let (asked, text) = (name.trim_start(), reading(name));
        let read = runtime.block_on(client.get_parameter().name(asked).send());
        let is_missing = matches!(&read, Err(error) if error.code() == Some("ParameterNotFound"));
        // What a seed makes could have been made.
        let seed = Seed { parameters: vec![(asked.to_owned(), "value".into())], ..Seed::default() };
        let is_seeded = !lab.sandbox.seed(&seed).unwrap().is_empty();
        let put = client.put_parameter().name(asked).value("1").r#type(ParameterType::String).overwrite(true);
        let is_put = runtime.block_on(put.send()).is_ok();
        // AWS's own are there without anybody's doing.
        let is_possible = is_put || (asked.starts_with("/aws/") && is_missing);
        assert_eq!(is_seeded, is_possible, "{name}");
        assert!(!is_possible || is_missing, "{name} can be there and not be read: {read:?}");
        let ended = lab.run(&["validate", "--region", "us-east-1"], &text);
        let is_refused = ended.notes_show("SD1028");
        assert_eq!(is_possible, !is_refused, "{name}: {read:?}\n{}", ended.notes);
        if is_refused {
            assert!(
                ended.code == 3 && ended.notes_show("studio.yaml:6") && ended.notes_show("help:"),
                "{}",
                ended.notes
            );
        }
    }
    println!("{} names of parameters, read, written and seeded", names.len());
}

#[test]
fn an_organisation_whose_parameters_cannot_be_published_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = reading("/a");
    for org in ["acme", "aws", "awsome", "AWS-team", "ssm", "ssm-team", "xaws", "a"] {
        let lab = Lab::new();
        lab.sandbox.found("123456789012", "us-east-1").unwrap();
        let client = Client::new(&lab.sandbox.sdk_config().build());
        let name = format!("/{}/ml/studio/domain/id", org.to_lowercase());
        let put = client.put_parameter().name(name).value("1").r#type(ParameterType::String);
        let takes = runtime.block_on(put.send()).is_ok();
        let identity = IDENTITY.map(|word| if word == "acme" { org } else { word });
        let config = lab.config(&text);
        for command in [&["validate"], PLAN] {
            let ended = lab.command_as(&[command, &[&config]].concat(), &identity);
            assert_eq!(takes, !ended.notes_show("SD1028"), "{org} {command:?}\n{}", ended.notes);
            assert_eq!(ended.code == 3, !takes, "{org} {command:?}\n{}", ended.notes);
        }
        let without =
            text.replace("domain:\n", "deployment: {context: {'@aws-mdaa/skipCreateParams': true}}\ndomain:\n");
        let ended = lab.command_as(&["validate", &lab.config(&without)], &identity);
        assert_eq!(ended.code, 0, "{org}\n{}", ended.notes);
    }
}

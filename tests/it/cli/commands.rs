//! The smaller commands, each by what it promises.

use super::*;

#[test]
fn a_url_is_a_credential() {
    let desk = Desk::applied();
    let ended = desk.run(&["url", "minimal.yaml", "--user", "example-user-id", "--log-file", "log", "-vv"]).expect(0);
    assert!(ended.data.starts_with("https://d-") && ended.data.lines().count() == 1, "{}", ended.data);
    let token = ended.data.trim().rsplit('=').next().unwrap();
    assert!(!ended.notes_show(token) && !desk.read("log").contains(token));
    let raw = desk.run(&["url", "minimal.yaml", "--user", "example-user-id", "--raw"]).expect(0);
    assert_eq!(raw.notes, "");
    let all = ["--expires-in", "60", "--session-duration", "1h", "--landing-uri", "app:JupyterLab:"];
    let mut args = vec!["url", "minimal.yaml", "--user", "example-user-id"];
    args.extend(all);
    let ended = desk.run(&args).expect(0);
    let call = ended.calls.iter().find(|call| call.operation == "CreatePresignedDomainUrl").unwrap();
    assert_eq!(call.input["ExpiresInSeconds"], 60);
    assert_eq!(call.input["SessionExpirationDurationInSeconds"], 3600);
    assert_eq!(call.input["LandingUri"], "app:JupyterLab:");
    for (option, value) in [
        ("--expires-in", "4s"),
        ("--expires-in", "301s"),
        ("--session-duration", "1799s"),
        ("--session-duration", "13h"),
        ("--expires-in", "soon"),
    ] {
        desk.run(&["url", "minimal.yaml", "--user", "example-user-id", option, value]).expect(64);
    }
}

#[test]
fn a_domain_of_identity_center_gives_out_no_url() {
    let desk = Desk::new();
    desk.apply("sso.yaml").expect(0);
    desk.run(&["url", "sso.yaml", "--user", "sso-user-id"]).expect(3).notes_have("access portal");
}

#[test]
fn a_user_who_is_not_there_is_told_from_one_who_is_misspelt() {
    let desk = Desk::applied();
    let url = |user: &str| desk.run(&["url", "minimal.yaml", "--user", user]).expect(4);
    url("nosuch").notes_have("no user `nosuch`").notes_have("in the config: example-user-id");
    url("exampel-user-id").notes_have("is `example-user-id` meant?");
}

#[test]
fn output_speaks_to_people_shells_and_ci() {
    let desk = Desk::applied();
    let id = desk.run(&["output", "domain.studio.DomainId", "minimal.yaml", "--format", "raw"]).expect(0).data;
    let id = id.trim();
    assert!(id.starts_with("d-"));
    desk.run(&["output", "minimal.yaml"]).expect(0).data_has(id).data_has("/acme/ml/studio/domain/id");
    desk.run(&["output", "minimal.yaml", "--format", "env"])
        .expect(0)
        .data_has(&format!("DOMAIN_STUDIO_DOMAINID='{id}'"));
    desk.run(&["output", "minimal.yaml", "--format", "github"]).expect(0).data_has(&format!("={id}\n"));
    let json = desk.run(&["output", "minimal.yaml", "--format", "json"]).expect(0).json();
    assert_eq!(json["domain.studio.DomainId"], id);
    desk.run(&["output", "no.such.value", "minimal.yaml"])
        .expect(64)
        .notes_have("studio-deploy output minimal.yaml --org acme");
    desk.run(&["output", "domain.studio.DomainID", "minimal.yaml"]).expect(64).notes_have("`domain.studio.DomainId`");
}

#[test]
fn an_output_keeps_its_name_when_a_script_changes() {
    let desk = Desk::new();
    let arn = |script: &str| {
        desk.minimal_and("studio.yaml", &format!("  lifecycleConfigs:\n    jupyterLab:\n      cmds: [\"{script}\"]\n"));
        desk.apply("studio.yaml").expect(0);
        let all = desk.run(&["output", "studio.yaml"]).expect(0).data;
        assert!(!all.contains('@'), "{all}");
        desk.run(&["output", "lifecycle_config.jupyterLab.Arn", "studio.yaml", "--format", "raw"]).expect(0).data
    };
    assert_ne!(arn("echo one"), arn("echo two"));
}

#[test]
fn configs_are_checked_and_compared_without_aws() {
    let desk = Desk::new();
    let mut args = vec!["validate", "minimal.yaml", "--print-resolved"];
    args.extend(IDENTITY);
    // References that only AWS can fill in stay as they are written.
    let resolved = desk.raw(&args).expect(0).json();
    assert_eq!(
        resolved["domain"]["dataAdminRoles"][0]["arn"],
        "arn:{{partition}}:iam::{{account}}:role/test-admin-role"
    );
    desk.run(&["diff", "minimal.yaml", "--against", "minimal.yaml"]).expect(0);
    let ended =
        desk.run(&["diff", "sso.yaml", "--against", "minimal.yaml"]).expect(2).data_has("+    \"authMode\": \"SSO\"");
    assert!(ended.calls.is_empty());
}

#[test]
fn what_begins_with_init_applies() {
    for variant in ["minimal", "comprehensive", "sso"] {
        let desk = Desk::new();
        desk.raw(&["init", "--variant", variant, "--out", "new/studio.yaml"])
            .expect(0)
            .notes_have("wrote new/studio.yaml");
        desk.raw(&["init", "--out", "new/studio.yaml"]).expect(1).notes_have("exists already");
        assert!(desk.read("new/studio.yaml").starts_with("# yaml-language-server: $schema=./studio.schema.json\n"));
        let schema: Json = serde_json::from_str(&desk.read("new/studio.schema.json")).unwrap();
        assert!(jsonschema::validator_for(&schema).is_ok());
        desk.raw(&["apply", "new/studio.yaml", "--sandbox=F", "--auto-approve"]).expect(0);
        desk.raw(&["plan", "new/studio.yaml", "--sandbox=F", "--detailed-exitcode"]).expect(0);
    }
}

#[test]
fn a_graph_shows_what_builds_on_what() {
    let desk = Desk::applied();
    desk.run(&["graph", "minimal.yaml"]).expect(0).data_has("kms_key.efs  keep").data_has("    domain.studio  keep");
    desk.run(&["graph", "minimal.yaml", "--format", "dot"])
        .expect(0)
        .data_has("\"domain.studio\" -> \"execution_policy.basic\";");
    desk.run(&["graph", "minimal.yaml", "--format", "mermaid"]).expect(0).data_has("flowchart LR\n");
    desk.run(&["plan", "minimal.yaml", "--destroy", "--format", "json"]).expect(0);
    desk.run(&["plan", "minimal.yaml", "--out", "p.json"]).expect(0);
    desk.raw(&["graph", "--plan", "p.json", "--format", "json"]).expect(0);
}

#[test]
fn the_sandbox_is_emptied_and_seeded() {
    let desk = Desk::applied();
    desk.run(&["sandbox", "reset"]).expect(0);
    desk.run(&["sandbox", "seed", "minimal.yaml"]).expect(0).notes_have("made VPC vpc-id");
    desk.plan("minimal.yaml").expect(2).data_has("27 to create");
    assert_eq!(desk.run(&["sandbox", "reset", "--format", "json"]).expect(0).json()["file"], "F");
    let seeded = desk.run(&["sandbox", "seed", "minimal.yaml", "--format", "json"]).expect(0).json();
    assert!(seeded["made"].as_array().unwrap().contains(&"VPC vpc-id".into()), "{seeded}");
}

#[test]
fn what_leads_nowhere_is_told_on_the_command_line() {
    let desk = Desk::new();
    desk.run(&["plan", "minimal.yaml", "--endpoint-url", "notaurl"]).expect(64).notes_have("http://127.0.0.1:4566");
    desk.run(&["plan", "minimal.yaml", "--role-arn", "notanarn"]).expect(64).notes_have("arn:aws:iam::");
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let desk = Desk::new();
    fs::create_dir(desk.path(".aws")).unwrap();
    desk.write(".aws/config", "[profile ci]\nregion = us-east-1\n");
    for (line, variable) in [(&["--profile", "nosuch"][..], ""), (&[], "nosuch")] {
        let mut args = vec!["plan", "minimal.yaml"];
        args.extend(IDENTITY);
        args.extend(line);
        let mut command = desk.command(&args);
        if !variable.is_empty() {
            command.env("AWS_PROFILE", variable);
        }
        end(&mut command).expect(4).notes_have("has no profile `nosuch`").notes_have("there are ci)");
    }
}

#[test]
fn the_version_needs_nothing() {
    let ended = Desk::new().raw(&["--version"]).expect(0);
    assert_eq!(ended.data, concat!("studio-deploy ", env!("CARGO_PKG_VERSION"), "\n"));
}

//! The two streams: data on standard output, everything else on standard error, in the form that is asked for.

use super::*;

fn validator(kind: &str) -> jsonschema::Validator {
    let schema = Desk::new().raw(&["schema", "--kind", kind]).expect(0).json();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn json_parses_for_every_command_errors_included() {
    let desk = Desk::applied();
    desk.write("bad.yaml", "domain: {}\n");
    for (args, code) in [
        (&["validate", "minimal.yaml", "--print-resolved"][..], 0),
        (&["validate", "bad.yaml"], 3),
        (&["plan", "minimal.yaml"], 0),
        (&["plan", "bad.yaml"], 3),
        (&["plan", "nothing.yaml"], 3),
        (&["diff", "minimal.yaml"], 0),
        (&["diff", "minimal.yaml", "--against", "minimal.yaml"], 0),
        (&["diff", "minimal.yaml", "--against", "sso.yaml"], 2),
        (&["apply", "minimal.yaml", "--auto-approve"], 0),
        (&["apply", "sso.yaml"], 5),
        (&["drift", "minimal.yaml"], 0),
        (&["url", "minimal.yaml", "--user", "example-user-id"], 0),
        (&["url", "minimal.yaml", "--user", "nobody"], 4),
        (&["output", "minimal.yaml"], 0),
        (&["output", "nothing", "minimal.yaml"], 64),
        (&["graph", "minimal.yaml"], 0),
        (&["permissions", "minimal.yaml"], 0),
        (&["list", "minimal.yaml"], 0),
        (&["unlock", "minimal.yaml"], 0),
        (&["explain", "SD1003"], 0),
        (&["explain", "SD0000"], 64),
        (&["plan", "--bogus"], 64),
        (&["init", "--out", "-"], 0),
        (&["destroy", "minimal.yaml"], 10),
        (&["destroy", "minimal.yaml", "--auto-approve", "--confirm", NAME], 0),
    ] {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        let ended = desk.run(&all);
        if (args[0], args[1]) != ("apply", "sso.yaml") {
            assert_eq!(ended.code, code, "{args:?}: {}", ended.notes);
        }
        let json = ended.json();
        if matches!(ended.code, 1 | 4..=10 | 64) {
            assert_eq!(json["error"]["exit"], ended.code, "{args:?}: {json}");
            assert!(json["error"]["code"].as_str().unwrap().starts_with("SD"), "{json}");
        }
    }
}

#[test]
fn events_begin_with_hello_end_with_end_and_fit_their_schema() {
    let validator = validator("events");
    let desk = Desk::new();
    desk.write("bad.yaml", "domain: {}\n");
    for (args, code) in [
        (&["plan", "minimal.yaml", "--detailed-exitcode"][..], 2),
        (&["apply", "minimal.yaml"], 10),
        (&["apply", "minimal.yaml", "--auto-approve"], 0),
        (&["apply", "minimal.yaml", "--auto-approve"], 0),
        (&["plan", "bad.yaml"], 3),
        (&["plan", "nothing.yaml"], 3),
        (&["plan", "--bogus"], 64),
        (&["destroy", "minimal.yaml", "--auto-approve", "--confirm", NAME], 0),
    ] {
        let mut all = args.to_vec();
        all.extend(["--format", "ndjson"]);
        let ended = desk.run(&all).expect(code);
        let lines: Vec<Json> = ended.data.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (at, line) in lines.iter().enumerate() {
            validator.validate(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(line["seq"], at + 1);
        }
        let (first, last) = (lines.first().unwrap(), lines.last().unwrap());
        assert_eq!((&first["type"], &last["type"]), (&"hello".into(), &"end".into()), "{args:?}");
        assert_eq!(last["exit_code"], code, "{args:?}");
        assert_eq!(lines.iter().filter(|line| line["type"] == "hello" || line["type"] == "end").count(), 2);
        let failed = !matches!(code, 0 | 2);
        assert_eq!(lines.iter().any(|line| line["type"] == "error"), failed, "{args:?}: {}", ended.data);
        let writes = ended.writes().len() as u64;
        assert_eq!(last["writes"].as_u64().unwrap() > 0, writes > 0, "{args:?}");
    }
}

#[test]
fn what_is_blocked_is_counted_in_the_end() {
    let desk = Desk::applied();
    let renamed = desk.read("minimal.yaml").replace("example-user-id:", "zoe:");
    desk.write("renamed.yaml", &renamed);
    let end = |more: &[&str], code| {
        let ended =
            desk.run(&[&["apply", "renamed.yaml", "--auto-approve", "--format", "ndjson"], more].concat()).expect(code);
        serde_json::from_str::<Json>(ended.data.lines().last().unwrap()).unwrap()
    };
    let counts = &end(&[], 5)["counts"];
    assert_eq!((&counts["blocked"], &counts["added"]), (&1.into(), &0.into()));
    assert_eq!(end(&["--skip-blocked"], 8)["counts"]["blocked"], 1);
    // Nothing else is left to do.
    assert_eq!(end(&["--skip-blocked"], 5)["counts"]["blocked"], 1);
}

#[test]
fn a_plan_as_data_fits_its_schema() {
    let validator = validator("plan");
    let desk = Desk::new();
    for config in ["minimal.yaml", "comprehensive.yaml"] {
        let plan = Desk::new().run(&["plan", config, "--format", "json"]).expect(0);
        validator.validate(&plan.json()).unwrap_or_else(|error| panic!("{config}: {error}"));
    }
    desk.run(&["plan", "minimal.yaml", "--out", "p.json"]).expect(0);
    validator.validate(&serde_json::from_str(&desk.read("p.json")).unwrap()).unwrap();
}

#[test]
fn a_pipe_never_sees_an_escape_byte() {
    let desk = Desk::new();
    for args in
        [&["apply", "minimal.yaml", "--auto-approve", "--progress", "live"][..], &["plan", "sso.yaml"], &["--help"]]
    {
        let ended = desk.run(args);
        assert!(!ended.data.contains('\u{1b}') && !ended.notes.contains('\u{1b}'), "{args:?}");
    }
    let forced = desk.run(&["plan", "minimal.yaml", "--color", "always"]);
    assert!(forced.data.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    let mut args = vec!["apply", "minimal.yaml", "--auto-approve", "--sandbox=F", "--format", "ndjson"];
    args.extend(IDENTITY);
    let mut child = desk.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    desk.plan("minimal.yaml").expect(0);
}

#[test]
fn quiet_says_only_data_and_errors() {
    let desk = Desk::new();
    let ended = desk.run(&["apply", "minimal.yaml", "--auto-approve", "-q"]).expect(0);
    assert_eq!(ended.notes, "");
    assert!(ended.shows("Apply complete"));
}

#[test]
fn reports_are_more_outputs_of_the_same_run() {
    let desk = Desk::new();
    let reports = ["md=r.md", "json=r.json", "ndjson=r.ndjson", "github=r.github", "junit=r.xml"];
    let mut args = vec!["apply", "minimal.yaml", "--auto-approve"];
    args.extend(reports.iter().flat_map(|report| ["--report", report]));
    desk.run(&args).expect(0);
    assert!(desk.read("r.md").contains("| create | `domain.studio` |"));
    let json: Json = serde_json::from_str(&desk.read("r.json")).unwrap();
    assert_eq!(json["exit_code"], 0);
    assert_eq!(json["deployments"][0]["report"]["complete"], true);
    let events = desk.read("r.ndjson");
    assert!(events.lines().next().unwrap().contains("\"hello\"") && events.lines().last().unwrap().contains("\"end\""));
    assert!(desk.read("r.github").contains("::notice file=minimal.yaml,line="));
    assert!(desk.read("r.xml").contains("<testcase classname=\"domain\" name=\"create domain.studio\"/>"));
    desk.run(&["diff", "minimal.yaml", "--report", "md=d.md"]).expect(0);
    assert!(desk.read("d.md").contains("# studio-deploy diff: exit 0"));
    desk.write("bad.yaml", "domain: {}\n");
    desk.run(&["plan", "bad.yaml", "--report", "junit=r.xml", "--report", "md=r.md"]).expect(3);
    assert!(desk.read("r.xml").contains("errors=\"1\""));
    assert!(desk.read("r.md").contains("exit 3"));
}

#[test]
fn more_is_said_to_whoever_asks_for_it() {
    let desk = Desk::applied();
    let usual = desk.run(&["plan", "minimal.yaml"]).expect(0);
    assert!(!usual.notes_show("calls to AWS"), "{}", usual.notes);
    desk.run(&["plan", "minimal.yaml", "-v"])
        .expect(0)
        .notes_have("in 123456789012 us-east-1, as arn:aws:")
        .notes_have("calls to AWS for the plan");
    desk.run(&["destroy", "minimal.yaml", "--auto-approve", "--confirm", NAME, "-v"])
        .expect(0)
        .notes_have("of them writes");
}

//! Mistakes that people type, and the harm that none of them may do.

use std::os::unix::fs::{PermissionsExt, symlink};

use std::path::{Path, PathBuf};

use super::*;

/// Everything in the folder.
fn listing(desk: &Desk) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(desk.folder()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

const BLOCK: &str = "deployment: {org: acme, env: dev, domain: ml, module: studio}\n";

#[test]
fn a_single_dash_makes_no_other_environment() {
    let desk = Desk::new();
    let before = listing(&desk);
    for args in [
        &["apply", "minimal.yaml", "-destroy", "--auto-approve"][..],
        &["plan", "minimal.yaml", "-detailed-exitcode"],
        &["apply", "-auto-approve", "minimal.yaml"],
        &["-destroy", "apply", "minimal.yaml"],
        &["plan", "minimal.yaml", "-out=p.json"],
        &["plan", "minimal.yaml", "-target", "domain.studio"],
        &["apply", "minimal.yaml", "\u{2013}destroy"],
        &["plan", "minimal.yaml", "-dml"],
        &["sandbox", "reset", "-destroy"],
    ] {
        let ended = desk.raw(&[args, &["--sandbox=F", "--sandbox-log", "calls"]].concat()).expect(64);
        assert!(ended.data.is_empty() && listing(&desk) == before, "{args:?}");
    }
    desk.raw(&["apply", "minimal.yaml", "-destroy", "--auto-approve", "--sandbox=F"])
        .expect(64)
        .notes_have("did you mean `--destroy`?");
}

#[test]
fn names_that_contradict_the_config_are_refused() {
    let desk = Desk::new();
    desk.write("own.yaml", &format!("{BLOCK}{}", desk.read("minimal.yaml")));
    let run = |args: &[&str]| desk.raw(&[args, &["--sandbox=F", "--sandbox-log", "calls"]].concat());
    let mut cases = 0;
    for command in [
        &["plan"][..],
        &["apply", "--auto-approve"],
        &["diff"],
        &["drift"],
        &["output"],
        &["unlock"],
        &["list"],
        &["validate"],
    ] {
        for (long, short) in [("org", ""), ("env", "-e"), ("domain", "-d"), ("module", "-m")] {
            let long = format!("--{long}");
            for option in [long.as_str(), short].into_iter().filter(|option| !option.is_empty()) {
                let ended = run(&[command, &["own.yaml", option, "estroy"]].concat()).expect(4);
                ended.notes_have("SD3003").notes_have("own.yaml:1:").notes_have("estroy");
                cases += 1;
            }
            let mut line = desk.command(command);
            let name = format!("STUDIO_DEPLOY_{}", long[2..].to_uppercase());
            end(line.args(["own.yaml", "--sandbox=F"]).env(&name, "estroy")).expect(4).notes_have(&name);
            end(desk.command(command).args(["own.yaml", "--sandbox=F"]).env(&name, "")).expect(64).notes_have(&name);
            cases += 2;
        }
    }
    println!("{cases} contradictions");
    assert!(!desk.path("F").exists());
    // The same in other letters is the same, and the config's spelling counts.
    run(&["apply", "own.yaml", "-d", "ML", "--env", "Dev", "--auto-approve"]).expect(0);
    run(&["plan", "own.yaml", "--detailed-exitcode"]).expect(0);
    run(&["plan", "own.yaml", "--target", "user_profil.*"]).expect(64).notes_have("matches no address");
    run(&["plan", "own.yaml", "--exclude", "user_profil.*"]).expect(64).notes_have("matches no address");
    run(&["apply", "own.yaml", "--plan", "none.json"]).expect(3).notes_have("plan own.yaml --out none.json");
    end(desk.command(&["plan", "own.yaml", "--sandbox=F"]).env("STUDIO_DEPLOY_DOMIAN", "x"))
        .expect(64)
        .notes_have("DOMAIN?");
}

#[test]
fn an_mdaa_yaml_is_filtered_and_not_contradicted() {
    let desk = Desk::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/mdaa/mdaa.yaml");
    let mdaa = samples.to_str().unwrap();
    desk.raw(&["list", mdaa, "-d", "research"]).expect(0);
    desk.raw(&["list", mdaa, "-d", "RESEARCH"]).expect(64).notes_have("there is no domain");
    desk.raw(&["list", mdaa, "-d", "nothing"]).expect(64);
    desk.raw(&["list", mdaa, "--org", "somebody-else"]).expect(4).notes_have("the config is for org");
    desk.write("one.yaml", &format!("{}{}", BLOCK.replace("domain: ml", "domain: other"), desk.read("minimal.yaml")));
    let module = "organization: acme\ndomains:\n  ml:\n    environments:\n      dev:\n        modules:\n          studio:\n            \
        module_path: '@aws-mdaa/sm-studio-domain'\n            module_configs: [./one.yaml]\n";
    desk.write("mdaa.yaml", module);
    desk.raw(&["plan", "mdaa.yaml", "--sandbox=F"]).expect(4).notes_have("the mdaa.yaml says ml");
}

#[test]
fn only_a_sandbox_is_ever_reset() {
    let desk = Desk::applied();
    desk.write("precious.yaml", "domain: {}\n");
    desk.write("empty", "");
    symlink("F", desk.path("link")).unwrap();
    for name in ["precious.yaml", "minimal.yaml", "empty", "link", "testing_asset_dir"] {
        let option = format!("--sandbox={name}");
        desk.raw(&["sandbox", "reset", &option]).expect(1).notes_have("is not a sandbox's file");
        desk.raw(&["plan", "minimal.yaml", &option]).expect(1).notes_have("is not a sandbox's file");
        assert!(fs::symlink_metadata(desk.path(name)).is_ok(), "{name}");
        assert!(!desk.path(&format!("{name}.lock")).exists(), "nothing is left beside {name}");
    }
    let text = desk.read("F");
    desk.write("other.json", &text[..=text.trim_end().rfind('\n').unwrap()]);
    let ended = desk.raw(&["plan", "minimal.yaml", "--sandbox=other.json"]).expect(1);
    ended.notes_have("sandbox reset --sandbox=other.json").notes_have("mv other.json other.json.old");
    desk.raw(&["sandbox", "reset", "--sandbox=other.json"]).expect(0);
    assert!(!desk.path("other.json").exists());
    desk.plan("minimal.yaml").expect(0);
}

#[test]
fn a_run_that_is_refused_leaves_no_sandbox() {
    let desk = Desk::new();
    let before = listing(&desk);
    desk.minimal_and(
        "blocked.yaml",
        "  securityGroupIngress:\n    ipv4:\n      - {cidr: 0.0.0.0/0, protocol: tcp, port: 22}\n",
    );
    desk.write("bad.yaml", "domain: {}\n");
    let with_files = listing(&desk);
    assert_ne!(before, with_files);
    let run = |args: &[&str], code| {
        desk.raw(&[args, &IDENTITY, &["--sandbox=deep/F"]].concat()).expect(code);
        assert_eq!(listing(&desk), with_files, "{args:?}");
    };
    run(&["apply", "minimal.yaml"], 10);
    run(&["apply", "blocked.yaml", "--auto-approve"], 5);
    run(&["apply", "bad.yaml", "--auto-approve"], 3);
    run(&["apply", "minimal.yaml", "--auto-approve", "--account", "123"], 64);
    run(&["sandbox", "seed", "bad.yaml"], 3);
    run(&["plan", "minimal.yaml"], 0);
    run(&["diff", "minimal.yaml"], 2);
    run(&["list", "minimal.yaml"], 0);
    desk.raw(&[&["apply", "minimal.yaml", "--auto-approve"], &IDENTITY[..], &["--sandbox=deep/F"]].concat()).expect(0);
    assert!(desk.path("deep/F").exists());
    desk.raw(&[&["plan", "minimal.yaml", "--detailed-exitcode"], &IDENTITY[..], &["--sandbox=deep/F"]].concat())
        .expect(0);
}

#[test]
fn what_may_be_confidential_is_for_nobody_else() {
    let desk = Desk::new();
    let line = format!(
        "umask 0; {PROGRAM} plan minimal.yaml {} --sandbox=F --out p.json --log-file log --report md=r.md --report ndjson=r.ndjson \
         && {PROGRAM} apply minimal.yaml {} --sandbox=F --auto-approve",
        IDENTITY.join(" "),
        IDENTITY.join(" ")
    );
    end(desk.other("sh").args(["-c", &line])).expect(0);
    for name in ["p.json", "log", "r.md", "r.ndjson", "F", "F.lock"] {
        let mode = fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name} is {mode:o}");
    }
    desk.run(&["plan", "minimal.yaml", "--out", "no/such/p.json"]).expect(1).notes_have("no/such/p.json");
    let ended = desk.run(&["apply", "minimal.yaml", "--auto-approve", "--report", "md=no/such"]).expect(1);
    assert!(ended.calls.is_empty(), "a report that cannot be written is told before the first call");
}

#[test]
fn what_is_left_out_of_a_plan_is_said() {
    let desk = Desk::applied();
    desk.minimal_and("more.yaml", "  tags: {team: science}\n");
    let shown = |args: &[&str]| {
        let ended = desk.run(&[&["plan", "more.yaml"], args].concat()).expect(0);
        assert!(!ended.shows("No changes"), "{args:?}: {}", ended.data);
        ended.data
    };
    let all = shown(&[]);
    assert!(!all.contains("PARTIAL"), "{all}");
    for args in [["--target", "user_profile.*"], ["--exclude", "user_profile.*"], ["--exclude", "*"]] {
        let part = shown(&args);
        assert!(part.contains("PARTIAL: ") && part.contains("not selected, and left out ("), "{args:?}: {part}");
    }
}

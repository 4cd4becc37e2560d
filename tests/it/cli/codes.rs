//! Every documented exit code, and what is said with it.

use super::*;

/// A mistake in the minimal sample: what is replaced by what, the exit code, and what is said.
const MISTAKES: [(&str, &str, &str, u8, &[&str]); 5] = [
    ("a typo in a key", "vpcId: vpc-id", "vpcID: vpc-id", 3, &["SD1003", "bad.yaml:7:3", "did you mean `vpcId`?"]),
    ("a wrong word", "authMode: IAM", "authMode: IMA", 3, &["SD1006", "bad.yaml:5:13", "did you mean `IAM`?"]),
    ("a missing role", "test-user-role", "nobody", 4, &["SD1101", "bad.yaml:17:9", "make the role first"]),
    (
        "a missing parameter",
        "vpcId: vpc-id",
        "vpcId: ssm:/no/vpc",
        4,
        &["SD1025", "bad.yaml:7:10", "aws ssm get-parameter"],
    ),
    ("broken YAML", "authMode: IAM", "authMode: [", 3, &["bad.yaml:"]),
];

#[test]
fn a_mistake_names_its_place_and_the_way_out() {
    let desk = Desk::applied();
    for (name, right, wrong, code, said) in MISTAKES {
        desk.write("bad.yaml", &desk.read("minimal.yaml").replace(right, wrong));
        for command in [&["plan", "bad.yaml"][..], &["apply", "bad.yaml", "--auto-approve"]] {
            let ended = desk.run(command).expect(code);
            for text in said {
                assert!(ended.notes_show(text), "{name}: `{text}` is not in\n{}", ended.notes);
            }
            assert_eq!(ended.data, "", "{name}");
        }
    }
}

#[test]
fn nobody_deploys_into_the_wrong_place() {
    let desk = Desk::applied();
    let block = "deployment:\n  account: \"210987654321\"\n";
    desk.write("elsewhere.yaml", &format!("{block}{}", desk.read("minimal.yaml")));
    desk.apply("elsewhere.yaml").expect(4).notes_have("elsewhere.yaml:2:12").notes_have("--profile");
    desk.run(&["apply", "minimal.yaml", "--auto-approve", "--account", "210987654321"])
        .expect(4)
        .notes_have("`--account` says");
    desk.run(&["apply", "minimal.yaml", "--auto-approve", "--region", "eu-west-1"]).expect(4);
    let region = "deployment:\n  region: eu-west-1\n";
    desk.write("elsewhere.yaml", &format!("{region}{}", desk.read("minimal.yaml")));
    desk.run(&["plan", "elsewhere.yaml", "--region", "us-east-1"]).expect(4).notes_have("elsewhere.yaml:2:11");
}

#[test]
fn without_credentials_nothing_begins() {
    let desk = Desk::new();
    let mut args = vec!["plan", "minimal.yaml", "--region", "us-east-1"];
    args.extend(IDENTITY);
    let mut command = desk.command(&args);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    end(&mut command).expect(4).notes_have("SD3001").notes_have("aws sso login");
    end(desk.command(&args[..2]).args(IDENTITY).env("AWS_EC2_METADATA_DISABLED", "true"))
        .expect(4)
        .notes_have("--region");
}

#[test]
fn differences_blocks_and_usage_have_their_codes() {
    let desk = Desk::new();
    desk.run(&["plan", "minimal.yaml"]).expect(0);
    desk.plan("minimal.yaml").expect(2);
    desk.run(&["diff", "minimal.yaml"]).expect(2).data_has("+++ config/domain.studio");
    desk.apply("minimal.yaml").expect(0);
    desk.run(&["diff", "minimal.yaml"]).expect(0);
    desk.write(
        "moved.yaml",
        &desk.read("minimal.yaml").replace("subnet-id", "subnet-2").replace("vpcId: vpc-id", "vpcId: vpc-2"),
    );
    desk.apply("moved.yaml").expect(5).notes_have("--allow-replace security_group.domain");
    for usage in [
        &["plan", "--bogus"][..],
        &["plann"],
        &["apply", "minimal.yaml", "--report", "pdf=x"],
        &["validate", "minimal.yaml", "--report", "md=x"],
    ] {
        desk.raw(usage).expect(64);
    }
    desk.run(&["explain", "SD0000"]).expect(64);
    desk.raw(&["plan", "minimal.yaml", "--destroy", "--out", "p.json"]).expect(64);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let desk = Desk::new();
    desk.run(&["apply", "minimal.yaml"]).expect(10).notes_have("--auto-approve");
    desk.apply("minimal.yaml").expect(0);
    desk.run(&["destroy", "minimal.yaml"]).expect(10).notes_have("--confirm acme/dev/ml/studio");
    desk.run(&["destroy", "minimal.yaml", "--auto-approve", "--confirm", "acme/dev/ml/other"]).expect(10);
    desk.run(&["destroy", "minimal.yaml", "--auto-approve"]).expect(64);
    // Replacing what holds data asks for more than a yes.
    desk.write("moved.yaml", &desk.read("minimal.yaml").replace("authMode: IAM", "authMode: IAM\n  domainName: other"));
    let ended = desk.run(&["apply", "moved.yaml", "--auto-approve", "--allow-replace", "domain.studio"]);
    assert!([0, 5, 10].contains(&ended.code), "{ended:?}");
}

#[test]
fn a_held_lock_stops_a_second_apply() {
    let desk = Desk::new();
    // Killed in its first writing call, after the lock was taken: its process is gone, so the next takes over.
    let line = ["apply", "minimal.yaml", "--auto-approve", "--sandbox-fault", "crash-before=w3"];
    let kill = || desk.logged(&line, &IDENTITY).output().unwrap();
    let killed = kill();
    assert_eq!(killed.status.code(), None, "{killed:?}");
    desk.run(&["unlock", "minimal.yaml"]).expect(0).data_has("is locked by");
    desk.run(&["unlock", "minimal.yaml", "--yes"]).expect(0).data_has("is free");
    desk.run(&["unlock", "minimal.yaml"]).expect(0).data_has("is not locked");
    kill();
    desk.apply("minimal.yaml").expect(0);
    desk.plan("minimal.yaml").expect(0);
}

#[test]
fn a_failure_half_way_says_that_running_again_continues() {
    let desk = Desk::new();
    let fault = "fail=CreateDomain:out of capacity";
    let ended = desk.run(&["apply", "minimal.yaml", "--auto-approve", "--sandbox-fault", fault]).expect(8);
    assert!(ended.shows("studio-deploy apply minimal.yaml --auto-approve --org acme"), "{}", ended.data);
    assert!(ended.shows("` again to continue"), "{}", ended.data);
    assert!(!ended.writes().is_empty());
    desk.run(&["apply", "minimal.yaml", "--auto-approve", "--confirm", NAME]).expect(0);
    desk.plan("minimal.yaml").expect(0);
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let desk = Desk::new();
    desk.run(&["plan", "nothing.yaml"]).expect(3).notes_have("nothing.yaml");
    desk.run(&["plan", "minimal.yaml", "--log-file", "no/such/folder/log"]).expect(1).notes_have("no/such/folder/log");
    desk.run(&["plan", "minimal.yaml", "--report", "md=no/such/folder/x"]).expect(1).notes_have("no/such/folder/x");
}

//! The CloudFormation stack that something is taken over from: gone, or told to keep everything, or nothing is taken over.

use serde_json::{Value as Json, json};

use super::adoption::{ADOPT, STACK, STACK_ID, every, of_mdaa, touched};
use super::{BASE, PLAN, alter, calls, count, faults, put};
use crate::support::account::{APPLY, DESTROY, Lab};
use crate::support::configs::edit;

const RETAINED: &str = "\
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {BucketName: !Sub '${AWS::StackName}-bucket'}
";

fn stack(lab: &Lab, status: &str, template: &str) {
    let stack = json!({"id": STACK_ID, "name": STACK, "status": status, "template": template});
    put(lab, "cloudformation/stack", STACK_ID, &stack);
}

#[test]
fn nothing_is_taken_over_from_a_stack_that_would_take_it_along() {
    let lab = of_mdaa();
    // Deleted for good, known by its ARN or forgotten.
    lab.run(&["plan", "--adopt"], BASE).expect(0);
    let taken = r#"{"Resources": {"Domain": {"Type": "AWS::SageMaker::Domain", "DeletionPolicy": "Retain"},
        "A": {"Type": "AWS::IAM::Role"}, "B": {"Type": "AWS::IAM::Role"}, "C": {"Type": "AWS::IAM::Role"}}}"#;
    for (status, template, why) in [
        ("UPDATE_COMPLETE", taken, "is alive (UPDATE_COMPLETE)"),
        (
            "CREATE_COMPLETE",
            taken,
            "Domain (AWS::SageMaker::Domain), A (AWS::IAM::Role), B (AWS::IAM::Role) and 1 more",
        ),
        ("CREATE_COMPLETE", "Resources:\n  A: {Type: AWS::IAM::Role}\n", "A (AWS::IAM::Role)"),
        ("CREATE_COMPLETE", "a: [", "its template cannot be understood"),
        ("DELETE_IN_PROGRESS", RETAINED, "neither gone nor at rest: DELETE_IN_PROGRESS"),
        ("UPDATE_IN_PROGRESS", RETAINED, "wait until CloudFormation is done with it"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", RETAINED, "wait until CloudFormation is done with it"),
        ("DELETE_FAILED", RETAINED, "--retain-resources LOGICAL_ID"),
        ("ROLLBACK_COMPLETE", RETAINED, "what its rollback has kept stays"),
        ("REVIEW_IN_PROGRESS", RETAINED, "nothing was made by it yet"),
        ("UPDATE_ROLLBACK_FAILED", RETAINED, "continue-update-rollback"),
        ("UPDATE_FAILED", RETAINED, "bring it to rest first"),
    ] {
        stack(&lab, status, template);
        let ended = lab.run(ADOPT, BASE).expect(5);
        assert!(ended.writes().is_empty(), "{status}");
        ended.assert_says(why);
        let ended = lab.run(&["apply", "--auto-approve", "--adopt", "--skip-blocked"], BASE);
        assert_eq!(touched(&ended), [""; 0], "{status}");
    }
    // Another one of that name is as good a reason.
    let other = STACK_ID.replace("0f1e2d", "ffffff");
    put(&lab, "cloudformation/stack", STACK_ID, &json!({"id": STACK_ID, "name": STACK, "status": "DELETE_COMPLETE"}));
    let alive = json!({"id": other, "name": STACK, "status": "UPDATE_COMPLETE", "template": taken});
    put(&lab, "cloudformation/stack", &other, &alive);
    lab.run(ADOPT, BASE).expect(5);
    lab.sandbox.with_world(|world| world.remove("cloudformation/stack", &other)).unwrap();

    stack(&lab, "UPDATE_COMPLETE", RETAINED);
    alter(&lab, "cloudformation/stack", STACK_ID, "exports", &json!({"vpc": ["other-stack"]}));
    alter(&lab, "cloudformation/stack", STACK_ID, "root", &json!(STACK_ID.replace("studio/0f1e2d", "all/1")));
    let ended = lab.run(&["plan", "--adopt"], BASE).expect(0);
    ended.assert_says("retains everything: delete it before anybody updates it");
    ended.assert_says("as a part of the stack arn:aws:cloudformation:us-east-1:123456789012:stack/acme-dev-ml-all/1");
    ended.assert_says("import vpc (by other-stack)");
    // Far above 51,200 bytes, as only a template in a bucket may be, in YAML with every short form.
    let large = large_template();
    assert!(large.len() > 400_000, "{}", large.len());
    stack(&lab, "UPDATE_COMPLETE", &large.replacen("DeletionPolicy: Retain\n", "DeletionPolicy: Delete\n", 1));
    lab.run(ADOPT, BASE).expect(5).assert_says("would take along Thing0 (AWS::SNS::Topic), which it does not retain");
    stack(&lab, "UPDATE_COMPLETE", &large);
    let exports: Json = (0..200).map(|at| (format!("export{at}"), json!([]))).collect::<serde_json::Map<_, _>>().into();
    alter(&lab, "cloudformation/stack", STACK_ID, "exports", &exports);
    lab.run(&["plan", "--adopt"], BASE).expect(0).assert_says("retains everything");
    lab.run(ADOPT, BASE).expect(0);
    lab.run(PLAN, BASE).expect(0);
    // From now on nobody is kept from working by a stack; it is only pointed out.
    stack(&lab, "UPDATE_COMPLETE", taken);
    lab.run(PLAN, BASE).expect(0).assert_says("would take along Domain (AWS::SageMaker::Domain)");
    let tagged = edit(BASE, "team: science", "team: art");
    let ended = lab.run(APPLY, &tagged).expect(0);
    // S3 would refuse to lose CloudFormation's tags.
    assert!(calls(&ended, "PutBucketTagging").len() == 1, "{:?}", ended.writes());
    lab.run(PLAN, &tagged).expect(0);
}

/// A template in YAML with five hundred resources and all functions.
fn large_template() -> String {
    let mut text =
        "AWSTemplateFormatVersion: 2010-09-09\nConditions: {Big: !Equals [!Ref Size, big]}\nResources:\n".to_owned();
    for at in 0..500 {
        text += &format!(
            "  Thing{at}:\n    Type: AWS::SNS::Topic\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n    \
             Condition: Big\n    DependsOn: [Other]\n    Properties:\n      DisplayName: !Sub\n        - '${{A}}-{at}'\n        \
             - {{A: !Select [0, !Split ['-', !GetAtt Other.Arn]]}}\n      TopicName: !Join ['', [!Ref 'AWS::StackName', \
             !ImportValue x]]\n      Tags: !If [Big, [{{Key: a, Value: !FindInMap [Map, !Ref 'AWS::Region', b]}}], !Ref \
             'AWS::NoValue']\n      KmsMasterKeyId:\n        Fn::GetAtt: [Key, Arn]\n      Code: !Base64 |\n        #!/bin/sh\n        \
             echo {at}: {}\n",
            "x".repeat(300)
        );
    }
    text
}

#[test]
fn what_a_gone_stack_of_another_name_made_is_taken_over_by_name_alone() {
    let other = STACK_ID.replace("studio/0f1e2d", "blue/77");
    let lab = of_mdaa();
    every(&lab, |table, json| {
        if table == "s3/bucket" && !json["tags"]["mdaa_org"].is_null() {
            json["tags"]["aws:cloudformation:stack-name"] = json!("acme-dev-ml-blue");
            json["tags"]["aws:cloudformation:stack-id"] = json!(other);
        }
    });
    let status = |status: &str| {
        put(
            &lab,
            "cloudformation/stack",
            &other,
            &json!({"id": other, "name": "acme-dev-ml-blue", "status": status,
            "template": RETAINED}),
        );
    };
    let bucket = |lab: &Lab| lab.tables()["s3/bucket"]["acme-dev-ml-studio"].clone();
    let named = [ADOPT, &["--adopt=bucket.sharing"]].concat();
    let before = bucket(&lab);
    // Alive it owns the bucket, whatever is said; and who may not ask does not know.
    for alive in ["UPDATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_FAILED"] {
        status(alive);
        for flags in [ADOPT, &named, &[&named[..], &["--skip-blocked"]].concat()] {
            let ended = lab.run(flags, BASE);
            assert!(matches!(ended.code, 5 | 8), "{alive} {flags:?}\n{}", ended.data);
            ended.assert_says("the CloudFormation stack acme-dev-ml-blue owns it");
            assert_eq!(bucket(&lab), before);
        }
    }
    status("DELETE_COMPLETE");
    faults(&lab, "deny=cloudformation:DescribeStacks");
    lab.run(&named, BASE).expect(4).assert_says("cloudformation:DescribeStacks");
    lab.run(ADOPT, BASE).expect(5).assert_says("take it over with `--adopt=bucket.sharing`");
    // Another one of its name may have brought the bucket into itself since.
    let again = other.replace("/77", "/88");
    let taken = json!({"id": again, "name": "acme-dev-ml-blue", "status": "CREATE_COMPLETE", "template":
        "Resources: {A: {Type: AWS::S3::Bucket}}"});
    put(&lab, "cloudformation/stack", &again, &taken);
    lab.run(&named, BASE).expect(5).assert_says("the CloudFormation stack acme-dev-ml-blue is alive (CREATE_COMPLETE)");
    assert_eq!(bucket(&lab), before);
    lab.sandbox.with_world(|world| world.remove("cloudformation/stack", &again)).unwrap();
    lab.run(&named, BASE).expect(0);
    // CloudFormation's tags stay for good, and it is ours all the same.
    assert_eq!(bucket(&lab)["tags"]["aws:cloudformation:stack-id"], json!(other));
    lab.run(PLAN, BASE).expect(0);
    let tagged = edit(BASE, "team: science", "team: art");
    lab.run(APPLY, &tagged).expect(0);
    lab.run(PLAN, &tagged).expect(0);
    // Our tags on what another stack lives by prove nothing.
    status("UPDATE_COMPLETE");
    let before = bucket(&lab);
    let destroy = [DESTROY, &["--bucket", "delete", "--drain"]].concat();
    let ended = lab.run(&destroy, &tagged);
    assert_eq!(count(&ended, "DeleteBucket"), 0, "{}", ended.data);
    assert_eq!(bucket(&lab), before);
}

#[test]
fn a_stack_that_may_not_be_read_is_not_taken_for_gone() {
    let lab = of_mdaa();
    stack(&lab, "UPDATE_COMPLETE", RETAINED);
    alter(&lab, "cloudformation/stack", STACK_ID, "exports", &json!({"vpc": ["other-stack"]}));
    for operation in ["DescribeStacks", "GetTemplate", "ListImports"] {
        for command in [&["plan", "--adopt"][..], ADOPT, &["apply", "--auto-approve", "--adopt", "--skip-blocked"]] {
            faults(&lab, &format!("deny=cloudformation:{operation}"));
            let ended = lab.run(command, BASE).expect(4);
            assert!(ended.writes().is_empty(), "{operation}");
            ended.assert_says(&format!("cloudformation:{operation}"));
        }
    }
    // Once everything is ours it is advice.
    lab.run(ADOPT, BASE).expect(0);
    faults(&lab, "deny=cloudformation:DescribeStacks");
    let ended = lab.run(PLAN, BASE).expect(0);
    ended.assert_says("not checked: whether CloudFormation's stack acme-dev-ml-studio still exists");
}

//! Failures, lags, long waits, and things that happen at once.

use serde_json::json;

use super::{BASE, PLAN, alter, count, deployed, describe_domain, domain_id, faults, pass, put, studio};
use crate::support::account::{APPLY, Lab};
use crate::support::configs::edit;

#[test]
fn row_09_a_failed_domain_is_made_again() {
    let lab = Lab::new();
    faults(&lab, "fail=CreateDomain:InternalFailure");
    let ended = lab.run(APPLY, BASE).expect(8);
    ended.assert_says("InternalFailure");
    assert_eq!(describe_domain(&lab)["Status"], "Failed");
    lab.run(APPLY, BASE).expect(0);
    assert_eq!(studio(&lab, "ListDomains", &json!({}))["Domains"].as_array().unwrap().len(), 1);
    lab.run(PLAN, BASE).expect(0);
}

#[test]
fn row_09_a_failure_that_passes_is_tried_again_at_once() {
    let lab = Lab::new();
    faults(
        &lab,
        "fail=CreateDomain:Unable to create Amazon EFS for domain 'd-1' because KMS key 'null' does not exist",
    );
    let ended = lab.run(APPLY, BASE).expect(0);
    assert_eq!((count(&ended, "CreateDomain"), count(&ended, "DeleteDomain")), (2, 1));
}

/// The things that a domain has behind it, by table; those on their way out do not count.
fn behind(lab: &Lab) -> Vec<String> {
    let tables = lab.tables();
    let of = |table: &str, is_nfs: bool| {
        let records = tables.get(table).into_iter().flatten().map(|(_, record)| record);
        let there = records.filter(move |record| {
            record["gone_at"].is_null()
                && (!is_nfs || record["name"].as_str().is_some_and(|name| name.contains("-nfs-")))
        });
        there.map(|record| format!("{table} {}", record["id"])).collect::<Vec<_>>()
    };
    [of("efs/file-system", false), of("efs/mount-target", false), of("ec2/security-group", true)].concat()
}

#[test]
fn row_09_what_a_failed_domain_leaves_goes_with_it() {
    let reasons = ["InternalFailure", "Unable to create Amazon EFS for domain 'd-1' because of a limit"];
    for reason in reasons {
        let lab = Lab::new();
        faults(&lab, &format!("fail=CreateDomain:{reason}"));
        lab.run(APPLY, BASE).expect(8);
        let left = behind(&lab);
        assert_eq!(left.is_empty(), reason != "InternalFailure", "{left:?}");
        let plan = lab.run(&["plan"], BASE).expect(0);
        assert!(!plan.shows("everybody's home"), "{}", plan.data);
        let destroyed = Lab::like(&lab.tables());
        let end = destroyed.run(crate::support::account::DESTROY, BASE).expect(0);
        assert!(!end.shows("everybody's home"), "{}", end.data);
        assert_eq!(behind(&destroyed), Vec::<String>::new());
        let again = lab.run(APPLY, BASE).expect(0);
        assert!(!again.shows("retained home_efs"), "{}", again.data);
        let now = behind(&lab);
        assert!(now.len() == 5 && now.iter().all(|thing| !left.contains(thing)), "{now:?}");
        lab.run(PLAN, BASE).expect(0);
    }
}

#[test]
fn row_09_a_file_system_that_somebody_wrote_to_is_kept() {
    let lab = Lab::new();
    faults(&lab, "fail=CreateDomain:InternalFailure");
    lab.run(APPLY, BASE).expect(8);
    let (id, _) = lab.tables()["efs/file-system"].clone().into_iter().next().unwrap();
    alter(&lab, "efs/file-system", &id, "size", &json!(5_000_000_000_i64));
    lab.run(APPLY, BASE).expect(0);
    assert!(behind(&lab).iter().any(|thing| thing.contains(&id)), "{:?}", behind(&lab));
    let end = lab.run(crate::support::account::DESTROY, BASE).expect(0);
    end.assert_says(&id);
}

#[test]
fn row_09_whatever_happens_on_the_way_nothing_of_a_failed_domain_is_forgotten() {
    use studio_sandbox::Faults;
    let fail = "fail=CreateDomain:InternalFailure";
    let goes = [crate::support::account::DESTROY, &["--home-efs", "delete"]].concat();
    let clean = Lab::new();
    faults(&clean, fail);
    let failing = clean.run(APPLY, BASE).expect(8).calls;
    let failed = clean.tables();
    let healing = clean.run(APPLY, BASE).expect(0).calls;
    let mut tried = 0;
    let mut try_one = |lab: &Lab, faults: &str, from: &str| {
        lab.set_faults_once(faults.parse::<Faults>().unwrap());
        lab.run(APPLY, BASE);
        // By turns it heals first, and is simply destroyed.
        if tried % 2 == 0 {
            lab.run(APPLY, BASE).expect(0);
            assert_eq!(behind(lab).len(), 5, "{from} {faults}: {:?}", behind(lab));
        }
        lab.run(&goes, BASE).expect(0);
        assert_eq!(behind(lab), Vec::<String>::new(), "{from} {faults}, number {tried}");
        tried += 1;
    };
    let begin = failing.iter().position(|call| call.operation == "CreateDomain").unwrap();
    for at in (begin + 1..=failing.len()).step_by(7) {
        try_one(&Lab::new(), &format!("{fail},cut-after={at}"), "failing");
    }
    for (at, call) in healing.iter().enumerate().filter(|(_, call)| call.writes) {
        // What was cut off before it took effect is like what was never begun: of those every other is enough.
        if at % 2 == 0 {
            try_one(&Lab::like(&failed), &format!("cut-before={}", at + 1), &call.operation);
        }
        try_one(&Lab::like(&failed), &format!("cut-after={}", at + 1), &call.operation);
    }
    // The deletion of the failed domain fails, too.
    try_one(&Lab::like(&failed), "fail=DeleteDomain:InternalFailure", "healing");
    println!("{tried} ways to lose what a failed domain left, and nothing was");
}

#[test]
fn what_is_left_out_is_no_success() {
    let lab = deployed();
    // A parameter that somebody else publishes: nothing would be changed about it, and it is blocked.
    let tables = lab.tables();
    let name = tables["ssm/parameter"].keys().find(|name| name.ends_with("/domain/vpc-id")).unwrap().clone();
    alter(&lab, "ssm/parameter", &name, "tags", &json!({"studio-deploy:deployment": "acme/prod/ml/studio"}));
    let skip = [APPLY, &["--skip-blocked"]].concat();
    let nothing = lab.run(&skip, BASE).expect(5);
    assert!(nothing.writes().is_empty());
    lab.run(PLAN, BASE).expect(2);
    let partly = lab.run(&skip, &edit(BASE, "team: science", "team: art")).expect(8);
    partly.assert_says("1 blocked. What is blocked is left out, and the rest is applied.");
    partly.assert_says("1 blocked");
}

#[test]
fn row_10_what_takes_longer_is_waited_for_by_the_next_run() {
    let lab = Lab::new();
    let ended = lab.run(&[APPLY, &["--timeout", "domain.create=1m"]].concat(), BASE).expect(8);
    ended.assert_says("still Pending after 60 s");
    let again = lab.run(APPLY, BASE).expect(0);
    assert_eq!((count(&ended, "CreateDomain"), count(&again, "CreateDomain")), (1, 0));
    lab.run(PLAN, BASE).expect(0);
}

#[test]
fn row_13_a_new_role_is_waited_for_and_a_bad_one_is_not() {
    let lab = Lab::new();
    faults(&lab, "iam-propagation=40s");
    lab.run(APPLY, BASE).expect(0);
    let text = edit(BASE, "  tags:", "  defaultExecutionRole: {arn: 'arn:aws:iam::123456789012:role/gone'}\n  tags:");
    let lab = Lab::new();
    lab.run(PLAN, &text).expect(2);
    lab.sandbox.with_world(|world| world.remove("iam/role", "gone")).unwrap();
    let ended = lab.run(APPLY, &text).expect(4);
    ended.assert_says("no role with the ARN arn:aws:iam::123456789012:role/gone");
}

#[test]
fn row_30_two_hundred_users_at_two_requests_a_second() {
    let users: String = (0..200).map(|n| format!("    user{n}: {{userRole: {{name: users}}}}\n")).collect();
    let text = edit(BASE, "    ann: {userRole: {name: users}}\n    ben: {userRole: {name: users}}\n", &users);
    let lab = Lab::new();
    faults(&lab, "throttle-tps=2");
    let ended = lab.run(APPLY, &text).expect(0);
    assert!(!ended.notes_show("Throttling") && !ended.shows("Throttling"));
    faults(&lab, "");
    let plan = lab.run(PLAN, &text).expect(0);
    assert!(count(&plan, "ListUserProfiles") <= 20, "a list is read by pages, not by profile");
}

#[test]
fn row_31_a_domain_that_somebody_else_changes_is_waited_for() {
    let lab = deployed();
    let id = domain_id(&lab);
    studio(&lab, "UpdateDomain", &json!({"DomainId": id, "TagPropagation": "ENABLED"}));
    let text = edit(&edit(BASE, "echo one", "echo two"), "    ben:", "    cid: {userRole: {name: users}}\n    ben:");
    lab.run(APPLY, &text).expect(0);
    lab.run(PLAN, &text).expect(0);
}

#[test]
fn row_31_a_second_apply_says_who_holds_the_lock() {
    let lab = deployed();
    let holder = json!({
        "holder": "ann", "host": "elsewhere", "pid": 7, "token": "t", "command": "apply", "heartbeat": 4_000_000_000_i64,
    });
    let value = json!({
        "Name": "/studio-deploy/acme/dev/ml/studio/lock", "Value": holder.to_string(), "Type": "String", "Overwrite": true,
    });
    let put_lock = || {
        let answer = lab.sandbox.answer(&crate::support::behind::request("ssm", "PutParameter", &value));
        assert_eq!(answer.status, 200);
    };
    put_lock();
    let text = edit(BASE, "echo one", "echo two");
    let ended = lab.run(APPLY, &text).expect(6);
    assert!(ended.writes().is_empty());
    ended.assert_says("ann on elsewhere (process 7, `apply`)");
    // A silent holder is dead after two minutes, for who waits that long.
    put_lock();
    lab.run(&[APPLY, &["--lock-timeout", "5m"]].concat(), &text).expect(0);
}

#[test]
fn row_34_a_failure_says_all_that_is_known() {
    let lab = deployed();
    faults(&lab, "fail=UpdateDomain:The subnet has no free addresses");
    let ended = lab.run(APPLY, &edit(BASE, "echo one", "echo two")).expect(8);
    ended.assert_says("could not update domain.studio");
    ended.assert_says("The subnet has no free addresses");
    ended.assert_says("Run `studio-deploy apply ");
    ended.assert_says("` again to continue.");
    faults(&lab, "");
    lab.run(APPLY, &edit(BASE, "echo one", "echo two")).expect(0);
}

#[test]
fn row_40_a_failed_profile_fails_the_run_and_is_made_again() {
    let lab = Lab::new();
    faults(&lab, "fail=CreateUserProfile:The portfolio is not enabled");
    let ended = lab.run(APPLY, BASE).expect(8);
    ended.assert_says("The portfolio is not enabled");
    let status = |user: &str| {
        let id = domain_id(&lab);
        studio(&lab, "DescribeUserProfile", &json!({"DomainId": id, "UserProfileName": user}))["Status"].clone()
    };
    let failed = ["ann", "ben"].iter().filter(|user| status(user) == "Failed").count();
    assert_eq!(failed, 1, "the other user is served");
    let again = lab.run(APPLY, BASE).expect(0);
    assert_eq!(count(&again, "CreateUserProfile"), 1);
    lab.run(PLAN, BASE).expect(0);
}

#[test]
fn row_49_a_status_that_never_ends_is_not_waited_for_without_end() {
    let lab = deployed();
    faults(&lab, "freeze=Updating");
    let text = edit(BASE, "echo one", "echo two");
    let ended = lab.run(APPLY, &text).expect(8);
    ended.assert_says("still Updating after 1200 s");
    ended.assert_says("run again to wait for it");
    assert!(count(&ended, "DescribeDomain") < 300);
    faults(&lab, "");
    pass(&lab, 60);
    lab.run(APPLY, &text).expect(0);
}

#[test]
fn row_33_what_stays_is_taken_back_by_the_next_life() {
    let lab = deployed();
    lab.run(crate::support::account::DESTROY, BASE).expect(0);
    let ended = lab.run(APPLY, BASE).expect(0);
    assert_eq!((count(&ended, "CreateBucket"), count(&ended, "CreateKey")), (0, 0));
    lab.run(PLAN, BASE).expect(0);
    // A thing of our name that is not ours is never taken.
    let fresh = Lab::new();
    fresh.run(PLAN, BASE).expect(2);
    put(&fresh, "iam/role", "acme-dev-ml-studio-default-execution-role", &fresh.tables()["iam/role"]["users"]);
    alter(
        &fresh,
        "iam/role",
        "acme-dev-ml-studio-default-execution-role",
        "name",
        &json!("acme-dev-ml-studio-default-execution-role"),
    );
    fresh.run(APPLY, BASE).expect(5).assert_says("--adopt=execution_role.default");
}

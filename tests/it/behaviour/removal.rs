//! Removal: things that go, their order, and things that stay.

use serde_json::json;

use super::{BASE, alter, count, deployed, domain_id, pass, start_app, studio};
use crate::support::account::{APPLY, DESTROY, Lab, PLAN};
use crate::support::configs::{EVERYTHING, LATER, MINIMAL, edit};
use crate::support::ended::Ended;

/// No call was refused because something was in use.
#[track_caller]
fn nothing_was_in_use(ended: &Ended) {
    let refused: Vec<_> =
        ended.calls.iter().filter(|call| call.status == 400 && call.operation.starts_with("Delete")).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

fn make_space(lab: &Lab, name: &str, owner: Option<&str>) {
    let mut space = json!({"DomainId": domain_id(lab), "SpaceName": name, "SpaceSettings": {"AppType": "JupyterLab"}});
    if let Some(owner) = owner {
        space["OwnershipSettings"] = json!({"OwnerUserProfileName": owner});
        space["SpaceSharingSettings"] = json!({"SharingType": "Private"});
    } else {
        space["OwnershipSettings"] = json!({"OwnerUserProfileName": "ann"});
        space["SpaceSharingSettings"] = json!({"SharingType": "Shared"});
    }
    studio(lab, "CreateSpace", &space);
    pass(lab, 20);
}

#[test]
fn row_02_a_drained_domain_goes_in_one_run() {
    let lab = Lab::new();
    let text = edit(BASE, "  tags:", "  defaultSpaceSettings: {}\n  tags:");
    lab.run(APPLY, &text).expect(0);
    let id = domain_id(&lab);
    for (space, owner) in [("one", Some("ann")), ("two", Some("ben")), ("shared", None)] {
        make_space(&lab, space, owner);
        let app = json!({"DomainId": id, "SpaceName": space, "AppType": "JupyterLab", "AppName": "default"});
        studio(&lab, "CreateApp", &app);
    }
    start_app(&lab, "ben");
    // Somebody makes a profile behind our back.
    studio(&lab, "CreateUserProfile", &json!({"DomainId": id, "UserProfileName": "stranger"}));
    pass(&lab, 60);
    let blocked = lab.run(DESTROY, &text).expect(5);
    assert!(blocked.writes().is_empty());
    for word in
        ["app.one/JupyterLab/default", "app.ben/JupyterLab/default", "space.shared", "user_profile.stranger", "--drain"]
    {
        blocked.assert_says(word);
    }
    let ended = lab.run(&[DESTROY, &["--drain"]].concat(), &text).expect(0);
    nothing_was_in_use(&ended);
    assert_eq!(
        (count(&ended, "DeleteApp"), count(&ended, "DeleteSpace"), count(&ended, "DeleteUserProfile")),
        (4, 3, 3)
    );
    assert_eq!(studio(&lab, "ListDomains", &json!({}))["Domains"], json!([]));
}

#[test]
fn row_03_nothing_of_the_network_stays_when_the_files_go() {
    let lab = deployed();
    lab.run(&[DESTROY, &["--home-efs", "delete"]].concat(), BASE).expect(0);
    let tables = lab.tables();
    let none = |table: &str| tables.get(table).is_none_or(std::collections::BTreeMap::is_empty);
    assert!(none("efs/file-system") && none("efs/mount-target") && none("ec2/security-group"), "{:?}", tables.keys());
}

#[test]
fn row_03_cleanup_removes_what_a_deleted_domain_left() {
    let lab = deployed();
    let id = domain_id(&lab);
    let cleanup = ["cleanup", "--domain-id", id.as_str(), "--yes"];
    let lives = lab.run(&cleanup, BASE).expect(5);
    assert!(lives.writes().is_empty());
    let destroyed = lab.run(DESTROY, BASE).expect(0);
    destroyed.assert_says(&format!("studio.yaml --domain-id {id} --org acme"));
    lab.run(&cleanup[..3], BASE).expect(10);
    let ended = lab.run(&cleanup, BASE).expect(0);
    ended.assert_says("Destroy complete: 3 deleted");
    let tables = lab.tables();
    let left: Vec<_> =
        ["efs/file-system", "ec2/security-group"].iter().filter_map(|table| tables.get(*table)).collect();
    // A file system's record stays for a while after it is gone.
    let gone = |record: &serde_json::Value| record["gone_at"].is_i64();
    assert!(left.iter().all(|table| table.values().all(gone)), "{left:?}");
    lab.run(&cleanup, BASE).expect(0).assert_says("left nothing behind");
}

#[test]
fn row_16_a_user_goes_only_with_consent() {
    let lab = deployed();
    let without = edit(BASE, "    ben: {userRole: {name: users}}\n", "");
    let blocked = lab.run(APPLY, &without).expect(5);
    assert!(blocked.writes().is_empty());
    blocked.assert_says("home directory from sight: it stays on the file system under uid ");
    let renamed =
        edit(BASE, "    ben: {userRole: {name: users}}", "    ben: {userRole: {name: users}, profileName: benjamin}");
    let blocked = lab.run(APPLY, &renamed).expect(5);
    assert!(blocked.writes().is_empty());
    blocked.assert_says("replacing it loses ben's home directory from sight: it stays on the file system under uid ");
    blocked.assert_says("--allow-replace user_profile.ben");
    let other = Lab::like(&lab.tables());
    let replace = ["--allow-replace", "user_profile.ben", "--confirm", "acme/dev/ml/studio"];
    other.run(&[APPLY, &replace].concat(), &renamed).expect(0);
    let ended = lab.run(&[APPLY, &["--allow-profile-delete", "ben"]].concat(), &without).expect(0);
    assert_eq!(count(&ended, "DeleteUserProfile"), 1);
}

#[test]
fn row_27_groups_that_are_held_a_while_are_waited_for() {
    let lab = deployed();
    // Longer than all that goes before them takes, shorter than that and the patience for them.
    let until = lab.sandbox.virtual_now() + 300_000;
    let groups = lab.tables()["ec2/security-group"].clone();
    for (id, _) in groups.iter().filter(|(_, group)| group["name"] == "acme-dev-ml-studio") {
        alter(&lab, "ec2/security-group", id, "held_until", &json!(until));
    }
    let ended = lab.run(&[DESTROY, &["--home-efs", "delete"]].concat(), BASE).expect(0);
    assert!(count(&ended, "RevokeSecurityGroupIngress") + count(&ended, "RevokeSecurityGroupEgress") > 0);
    let refused = ended.calls.iter().filter(|call| call.operation == "DeleteSecurityGroup" && call.status == 400);
    assert!(refused.count() > 0, "the sandbox holds one for five minutes");
}

#[test]
fn row_28_apps_in_every_status_are_drained() {
    let lab = deployed();
    let id = domain_id(&lab);
    let app = |name: &str| json!({"DomainId": id, "UserProfileName": "ann", "AppType": "JupyterLab", "AppName": name});
    // Deleted and still listed.
    studio(&lab, "CreateApp", &app("default"));
    pass(&lab, 200);
    studio(&lab, "DeleteApp", &app("default"));
    pass(&lab, 100);
    // Failed.
    lab.sandbox.set_faults("fail=CreateApp:no capacity".parse().unwrap());
    let ben = json!({"DomainId": id, "UserProfileName": "ben", "AppType": "JupyterLab", "AppName": "default"});
    studio(&lab, "CreateApp", &ben);
    pass(&lab, 200);
    // Starting.
    studio(&lab, "CreateApp", &app("default"));
    let ended = lab.run(&[DESTROY, &["--drain"]].concat(), BASE).expect(0);
    nothing_was_in_use(&ended);
    assert_eq!(count(&ended, "DeleteApp"), 1);
}

#[test]
fn row_29_twenty_profiles_are_gone_before_their_domain_goes() {
    let users: String = (0..20).map(|n| format!("    user{n}: {{userRole: {{name: users}}}}\n")).collect();
    let text = edit(BASE, "    ann: {userRole: {name: users}}\n    ben: {userRole: {name: users}}\n", &users);
    let lab = Lab::new();
    lab.run(APPLY, &text).expect(0);
    let ended = lab.run(DESTROY, &text).expect(0);
    nothing_was_in_use(&ended);
    assert_eq!(count(&ended, "DeleteUserProfile"), 20);
}

#[test]
fn row_32_destroy_keeps_what_holds_data() {
    let lab = deployed();
    let ended = lab.run(DESTROY, BASE).expect(0);
    for operation in ["DeleteBucket", "DeleteObjects", "DeleteObject", "ScheduleKeyDeletion", "DeleteFileSystem"] {
        assert_eq!(count(&ended, operation), 0, "{operation}");
    }
    for word in ["retained home_efs.", "retained bucket.sharing", "kms_key.efs"] {
        ended.assert_says(word);
    }
}

#[test]
fn row_32_no_key_goes_while_what_it_encrypts_is_kept() {
    let lab = deployed();
    let key = [DESTROY, &["--kms-key", "delete"]].concat();
    let ended = lab.run(&key, BASE).expect(5);
    assert!(ended.writes().is_empty());
    ended.assert_says("and bucket.sharing: without it, nobody could read what is kept there");
    ended.assert_says("--home-efs delete");
    let policy = edit(BASE, "  tags:", "  removalPolicy: {homeEfs: delete, bucket: delete, kmsKey: delete}\n  tags:");
    lab.run(&[DESTROY, &["--bucket", "retain"]].concat(), &policy).expect(5);
    let kept = lab.run(&[DESTROY, &["--bucket", "retain", "--kms-key", "retain"]].concat(), &policy).expect(0);
    kept.assert_says("retained bucket.sharing");
    kept.assert_says("retained kms_key.efs");
    assert_eq!((count(&kept, "DeleteBucket"), count(&kept, "ScheduleKeyDeletion")), (0, 0));
    // What was kept goes later, by the same command.
    let rest = lab.run(DESTROY, &policy).expect(0);
    assert_eq!((count(&rest, "DeleteBucket"), count(&rest, "ScheduleKeyDeletion")), (1, 1));
}

#[test]
fn an_apply_keeps_what_holds_data_whatever_is_to_go_with_the_environment() {
    let lab = Lab::new();
    let policy = "  removalPolicy: {homeEfs: delete, bucket: delete, kmsKey: delete}\n  userProfiles:";
    let later = edit(LATER, "  userProfiles:", policy);
    // It is what the account is furnished for.
    lab.run(PLAN, &later).expect(2);
    lab.run(APPLY, MINIMAL).expect(0);
    let consents = ["--allow-replace", "domain.studio", "--allow-profile-delete", "example-user-id", "--stop-apps"];
    let confirmed = ["--confirm", "acme/dev/ml/studio"];
    let ended = lab.run(&[APPLY, &consents, &confirmed].concat(), &later).expect(0);
    for operation in ["DeleteBucket", "DeleteObjects", "ScheduleKeyDeletion", "DeleteFileSystem"] {
        assert_eq!(count(&ended, operation), 0, "{operation}");
    }
    for kept in ["bucket.sharing", "kms_key.efs", "home_efs."] {
        ended.assert_says(kept);
    }
    // They go with the environment, as the config says.
    let ended = lab.run(DESTROY, &later).expect(0);
    assert_eq!((count(&ended, "DeleteBucket"), count(&ended, "ScheduleKeyDeletion")), (1, 1));
}

#[test]
fn objects_go_whose_keys_no_xml_can_hold() {
    let lab = Lab::new();
    lab.run(APPLY, EVERYTHING).expect(0);
    let (first, object) = lab.tables()["s3/object"].iter().next().map(|(key, of)| (key.clone(), of.clone())).unwrap();
    let put = |lab: &Lab, prefix: &str| {
        let changed = lab.sandbox.with_world(|world| {
            for c in (1..0x30).chain(0x7f..0xa1).chain([0x2028, 0x202e, 0xfffe, 0xffff]).filter_map(char::from_u32) {
                world.put("s3/object", &format!("{prefix}a{c}b +%41"), &object);
            }
        });
        changed.unwrap();
    };
    // Among the assets they are surplus: found, and gone once that is asked for.
    let (folder, _) = first.rsplit_once('/').unwrap();
    put(&lab, &format!("{folder}/"));
    lab.run(&["plan", "--detailed-exitcode"], EVERYTHING).expect(2);
    let mend = ["--fix", "bucket_object.jupyterLab/testing"];
    lab.run(&[APPLY, &mend].concat(), EVERYTHING).expect(0);
    lab.run(&["plan", "--detailed-exitcode"], EVERYTHING).expect(0);
    // Anywhere in the bucket they go before it.
    let (bucket, _) = first.split_once('/').unwrap();
    put(&lab, &format!("{bucket}/sharing/"));
    lab.run(&[DESTROY, &["--bucket", "delete"]].concat(), EVERYTHING).expect(0);
    assert!(lab.tables().get("s3/object").is_none_or(|objects| objects.is_empty()));
}

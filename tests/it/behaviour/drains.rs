//! Things that users have made in what goes: either all of it is named before the first write, or all of it goes, and
//! nothing of anybody else's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{BASE, count, domain_id, pass, start_app, studio};
use crate::support::account::{APPLY, DESTROY, Lab};
use crate::support::configs::edit;
use crate::support::dice::Dice;
use crate::support::ended::Ended;
use crate::support::picture::Tables;

const CONFIRM: &[&str] = &["--confirm", "acme/dev/ml/studio"];
const BEN: &str = "    ben: {userRole: {name: users}}\n";

/// Three users, and shared spaces.
fn config() -> String {
    let text = edit(BASE, BEN, &format!("{BEN}    cid: {{userRole: {{name: users}}}}\n"));
    edit(&text, "  tags:", "  defaultSpaceSettings: {}\n  tags:")
}

fn make_space(lab: &Lab, id: &str, name: &str, owner: &str, sharing: &str) {
    let space = json!({
        "DomainId": id, "SpaceName": name,
        "OwnershipSettings": {"OwnerUserProfileName": owner}, "SpaceSharingSettings": {"SharingType": sharing},
        "SpaceSettings": {"AppType": "JupyterLab", "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}},
    });
    studio(lab, "CreateSpace", &space);
}

/// Spaces and apps of random owners in every status.
fn furnish(lab: &Lab, dice: &mut Dice) {
    let id = domain_id(lab);
    let users = ["ann", "ben", "cid"];
    let mut owners: Vec<(&str, String)> = users.iter().map(|user| ("UserProfileName", (*user).to_owned())).collect();
    let mut late: Vec<(&str, Json)> = Vec::new();
    for at in 0..dice.roll(4) {
        let name = format!("space{at}");
        make_space(lab, &id, &name, dice.one(&users), dice.one(&["Private", "Shared"]));
        pass(lab, 20);
        match dice.roll(6) {
            0 => late.push(("DeleteSpace", json!({"DomainId": id, "SpaceName": name}))),
            1 => late.push((
                "UpdateSpace",
                json!({"DomainId": id, "SpaceName": name, "SpaceSettings": {"RemoteAccess": "ENABLED"}}),
            )),
            _ => owners.push(("SpaceName", name)),
        }
    }
    for (key, owner) in owners {
        let mut app = json!({"DomainId": id, "AppType": "JupyterLab", "AppName": "default"});
        app[key] = owner.into();
        match dice.one(&["none", "none", "Pending", "InService", "Deleting", "Deleted", "Failed"]) {
            "Pending" => late.push(("CreateApp", app)),
            "InService" => {
                studio(lab, "CreateApp", &app);
            }
            "Deleting" => {
                studio(lab, "CreateApp", &app);
                late.push(("DeleteApp", app));
            }
            "Deleted" => {
                studio(lab, "CreateApp", &app);
                pass(lab, 200);
                studio(lab, "DeleteApp", &app);
                pass(lab, 60);
            }
            "Failed" => {
                lab.sandbox.set_faults("fail=CreateApp:no capacity".parse().unwrap());
                studio(lab, "CreateApp", &app);
                pass(lab, 200);
            }
            _ => {}
        }
    }
    pass(lab, 200);
    for (operation, input) in late {
        studio(lab, operation, &input);
    }
}

/// A space or an app that lives, whose it is, and its status.
struct Made {
    address: String,
    owner: String,
    status: String,
    is_space: bool,
}

fn made(tables: &Tables) -> Vec<Made> {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let of = |table: &str| tables.get(table).into_iter().flatten().map(|(_, record)| record);
    let spaces: BTreeMap<String, String> =
        of("studio/space").map(|space| (text(&space["name"]), text(&space["owner"]))).collect();
    let mut made: Vec<Made> = of("studio/space")
        .map(|space| Made {
            address: format!("space.{}", text(&space["name"])),
            owner: text(&space["owner"]),
            status: text(&space["life"]["status"]),
            is_space: true,
        })
        .collect();
    for app in of("studio/app") {
        let status = text(&app["life"]["status"]);
        if matches!(status.as_str(), "Deleted" | "Failed") {
            continue;
        }
        let (whose, name) = app["owner"].as_object().unwrap().iter().next().unwrap();
        let name = text(name);
        let owner = if whose == "Space" { spaces[&name].clone() } else { name.clone() };
        let address = format!("app.{name}/{}/{}", text(&app["app_type"]), text(&app["name"]));
        made.push(Made { address, owner, status, is_space: false });
    }
    made
}

/// A change that takes users' things with it, and the command and config that say so.
struct Case {
    /// The users whose profiles go.
    users: Vec<&'static str>,
    /// Whether the domain goes with everything in it.
    domain: bool,
    command: Vec<&'static str>,
    text: String,
}

fn case(dice: &mut Dice) -> Case {
    let text = config();
    let without = |user: &str| format!("    {user}: {{userRole: {{name: users}}}}\n");
    let apply = |more: &[&'static str]| [APPLY, more].concat();
    match dice.roll(5) {
        0 => Case {
            users: vec!["ben"],
            domain: false,
            command: apply(&["--allow-profile-delete", "ben"]),
            text: edit(&text, &without("ben"), ""),
        },
        1 => Case {
            users: vec!["ben", "cid"],
            domain: false,
            command: apply(&["--allow-profile-delete", "ben", "--allow-profile-delete", "cid"]),
            text: edit(&edit(&text, &without("ben"), ""), &without("cid"), ""),
        },
        2 => Case {
            users: vec!["ben"],
            domain: false,
            command: apply(&[&["--allow-replace", "user_profile.ben"], CONFIRM].concat()),
            text: edit(&text, &without("ben"), "    ben: {userRole: {name: users}, profileName: benjamin}\n"),
        },
        3 => Case {
            users: vec!["ann", "ben", "cid"],
            domain: true,
            command: apply(&[&["--allow-replace", "domain.studio"], CONFIRM].concat()),
            text: edit(&text, "  vpcId: vpc-1\n", "  vpcId: vpc-1\n  domainName: another\n"),
        },
        _ => Case { users: vec!["ann", "ben", "cid"], domain: true, command: DESTROY.to_vec(), text },
    }
}

/// Runs a case on a world; what is wrong with how it ended.
fn judge(base: &Tables, seed: u64) -> u8 {
    let mut dice = Dice::new(seed);
    let lab = Lab::like(base);
    furnish(&lab, &mut dice);
    let case = case(&mut dice);
    let is_destroy = case.command[0] == "destroy";
    let flags: &[&str] = match (dice.roll(3), is_destroy) {
        (0, _) => &[],
        (1, false) => &["--stop-apps"],
        _ => &["--drain"],
    };
    let before = made(&lab.tables());
    let ended = lab.run(&[&case.command[..], flags].concat(), &case.text);
    let told = format!("seed {seed}: {:?} {flags:?}\n{}\n{}", case.command, ended.data, ended.notes);
    let in_the_way: Vec<&Made> =
        before.iter().filter(|made| case.domain || case.users.contains(&made.owner.as_str())).collect();
    let forbidden = in_the_way
        .iter()
        .any(|made| made.status != "Deleting" && if made.is_space { flags != ["--drain"] } else { flags.is_empty() });
    if forbidden {
        assert_eq!(ended.code, 5, "{told}");
        assert!(ended.writes().is_empty(), "{told}");
        for made in &in_the_way {
            // What goes by itself is nobody's to allow.
            assert!(made.status == "Deleting" || told.contains(&made.address), "{} is not named\n{told}", made.address);
        }
        return 5;
    }
    assert_eq!(ended.code, 0, "{told}");
    let refused: Vec<_> = ended.calls.iter().filter(|call| call.writes && call.status >= 400).collect();
    assert!(refused.iter().all(|call| call.service != "sagemaker"), "{refused:?}\n{told}");
    let after: BTreeSet<String> = made(&lab.tables()).into_iter().map(|made| made.address).collect();
    for made in &before {
        let goes = in_the_way.iter().any(|other| other.address == made.address);
        // What was going anyway may be gone meanwhile.
        assert!(
            if goes {
                !after.contains(&made.address)
            } else {
                made.status == "Deleting" || after.contains(&made.address)
            },
            "{}\n{told}",
            made.address
        );
    }
    0
}

#[test]
fn what_goes_is_held_by_nothing_or_named_before_the_first_write() {
    let lab = Lab::new();
    lab.run(APPLY, &config()).expect(0);
    let base = lab.tables();
    let mut ends: BTreeMap<u8, usize> = BTreeMap::new();
    for seed in 0..120 {
        *ends.entry(judge(&base, seed)).or_default() += 1;
    }
    println!("{} worlds of apps and spaces, by exit code: {ends:?}", ends.values().sum::<usize>());
    assert!(ends.len() == 2 && ends.values().all(|count| *count > 20), "{ends:?}");
}

fn no_refusals(ended: &Ended) {
    let refused: Vec<_> = ended.calls.iter().filter(|call| call.writes && call.status >= 400).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_user_with_an_app_and_a_space_goes_once_all_of_it_may() {
    let lab = Lab::new();
    lab.run(APPLY, &config()).expect(0);
    let id = domain_id(&lab);
    make_space(&lab, &id, "bens", "ben", "Private");
    make_space(&lab, &id, "anns", "ann", "Private");
    pass(&lab, 20);
    for space in ["bens", "anns"] {
        let app = json!({"DomainId": id, "SpaceName": space, "AppType": "JupyterLab", "AppName": "default"});
        studio(&lab, "CreateApp", &app);
    }
    start_app(&lab, "ben");
    let without = edit(&config(), BEN, "");
    let blocked = lab.run(APPLY, &without).expect(5);
    assert!(blocked.writes().is_empty());
    blocked.assert_says("also in the way: app.ben/JupyterLab/default, app.bens/JupyterLab/default, space.bens");
    blocked.assert_says("`--allow-profile-delete ben --drain`");
    blocked.assert_says("private JupyterLab space of ben, 5 GB, InService: the files in it are lost for good");
    assert!(!blocked.shows("anns"), "{}", blocked.data);
    // Stopping apps is no leave to lose files.
    let consent = [APPLY, &["--allow-profile-delete", "ben"]].concat();
    let stop = lab.run(&[&consent[..], &["--stop-apps"]].concat(), &without).expect(5);
    assert!(stop.writes().is_empty());
    stop.assert_says("space.bens is in use and holds user_profile.ben");
    // What somebody else starts meanwhile makes a saved plan stale.
    let saved = lab.path("saved.json");
    let saved = saved.to_str().unwrap();
    let plan = ["plan", "--allow-profile-delete", "ben", "--drain", "--out", saved];
    lab.run(&plan, &without).expect(0);
    let app = json!({"DomainId": id, "SpaceName": "bens", "AppType": "CodeEditor", "AppName": "late"});
    put_late_app(&lab, &app);
    let stale = lab.run(&[APPLY, &["--plan", saved]].concat(), &without).expect(7);
    assert!(stale.writes().is_empty());
    stale.assert_says("app.bens/CodeEditor/late");
    let ended = lab.run(&[&consent[..], &["--drain"]].concat(), &without).expect(0);
    no_refusals(&ended);
    assert_eq!(
        (count(&ended, "DeleteApp"), count(&ended, "DeleteSpace"), count(&ended, "DeleteUserProfile")),
        (3, 1, 1)
    );
    lab.run(super::PLAN, &without).expect(0);
}

/// An app of another type in a space, as an API that is less strict than its guide would let it be.
fn put_late_app(lab: &Lab, app: &Json) {
    let kept = lab.sandbox.with_world(|world| {
        let apps = world.list::<Json>("studio/app", "");
        let (_, mut record) = apps.into_iter().find(|(key, _)| key.contains("bens")).unwrap();
        record["app_type"] = app["AppType"].clone();
        record["name"] = app["AppName"].clone();
        let key = format!("{}/SpaceName/bens/CodeEditor/late", app["DomainId"].as_str().unwrap());
        world.put("studio/app", &key, &record);
    });
    kept.unwrap();
}

#[test]
fn a_domain_that_could_not_be_deleted_is_made_again_only_with_consent() {
    let lab = super::deployed();
    super::faults(&lab, "fail=DeleteDomain:InternalFailure");
    lab.run(DESTROY, BASE).expect(8);
    let blocked = lab.run(APPLY, BASE).expect(5);
    assert!(blocked.writes().is_empty());
    blocked.assert_says(
        "AWS could not delete it (InternalFailure), and making it again loses every user's home directory",
    );
    lab.run(&[APPLY, &["--allow-replace", "domain.studio"], CONFIRM].concat(), BASE).expect(0);
    lab.run(super::PLAN, BASE).expect(0);
}

/// Addresses of what a user made after the plan, as far as it is still there.
fn meanwhile(lab: &Lab) -> Vec<String> {
    let live = made(&lab.tables()).into_iter().filter(|made| made.status != "Deleting");
    live.map(|made| made.address).filter(|address| address.contains("meanwhile")).collect()
}

#[test]
fn what_a_user_starts_after_the_plan_is_never_lost() {
    beside_a_user(5);
}

#[test]
#[ignore = "all of them take two minutes; `just drains` runs it"]
fn what_a_user_starts_at_any_time_is_never_lost() {
    beside_a_user(1);
}

/// Runs beside a user who makes something right before a deletion: of all combinations one of `every`.
#[expect(clippy::print_stdout, reason = "it says how many cases it tried")]
fn beside_a_user(every: usize) {
    let lab = Lab::new();
    lab.run(APPLY, &config()).expect(0);
    let id = domain_id(&lab);
    make_space(&lab, &id, "bens", "ben", "Private");
    make_space(&lab, &id, "anns", "ann", "Shared");
    pass(&lab, 20);
    start_app(&lab, "ben");
    let base = lab.tables();
    let without = edit(&config(), BEN, "");
    let moved = edit(&config(), "  vpcId: vpc-1\n", "  vpcId: vpc-1\n  domainName: another\n");
    let home = ["--home-efs", "delete", "--bucket", "delete", "--drain"];
    let commands = [
        ([APPLY, &["--allow-profile-delete", "ben", "--drain"]].concat(), &without),
        ([APPLY, &["--allow-replace", "domain.studio", "--drain"], CONFIRM].concat(), &moved),
        ([DESTROY, &home].concat(), &config()),
    ];
    let mut ends: BTreeMap<u8, usize> = BTreeMap::new();
    let mut number = 0;
    for (command, text) in &commands {
        for before in ["DeleteApp", "DeleteSpace", "DeleteUserProfile", "DeleteDomain"] {
            for what in ["app@ben", "app@ann", "space@ben", "space@ann", "space-app@bens", "space-app@anns"] {
                number += 1;
                if number % every != 0 {
                    continue;
                }
                let lab = Lab::like(&base);
                super::faults(&lab, &format!("meanwhile={before}:{what}"));
                let ended = lab.run(command, text);
                let told = format!("{command:?}, {what} before {before}\n{}\n{}", ended.data, ended.notes);
                assert!(matches!(ended.code, 0 | 8), "{told}");
                *ends.entry(ended.code).or_default() += 1;
                let live = meanwhile(&lab);
                if ended.code == 8 {
                    assert!(!live.is_empty(), "{told}");
                    assert!(live.iter().all(|address| told.contains(address)), "{live:?} is not named\n{told}");
                    assert!(told.contains("run again"), "{told}");
                    assert_eq!(lab.tables()["efs/file-system"].len(), 1, "{told}");
                }
                // Whoever says again what may go is asked nothing more, and nothing is left over.
                let again = lab.run(command, text);
                assert_eq!(again.code, 0, "{told}\n{}\n{}", again.data, again.notes);
                if command[0] == "apply" {
                    let plan = lab.run(super::PLAN, text);
                    assert_eq!(plan.code, 0, "{told}\n{}", plan.data);
                    let own = !what.ends_with("ben") && !what.ends_with("bens") && **text == without;
                    let was_made = ended.calls.iter().any(|call| call.operation == before);
                    assert_eq!(!meanwhile(&lab).is_empty(), own && was_made, "{told}");
                } else {
                    assert!(lab.tables().get("efs/file-system").is_none_or(BTreeMap::is_empty), "{told}");
                }
            }
        }
    }
    println!("{} runs beside a user, by exit code: {ends:?}", ends.values().sum::<usize>());
    assert!(ends.get(&8).is_some_and(|count| *count > 30 / every), "{ends:?}");
}

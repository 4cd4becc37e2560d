//! A refused read is never "not there": every read of every command, refused from its first call and from later ones.
//!
//! A clean run tells which reads a command makes. Then each is refused from its k-th call on. Refused before the first
//! write, the run ends with 4, names action and resource, and writes nothing; what `docs/denied-reads.md` lists goes on
//! with its notice. Refused later, nothing is lost: running again with the permission ends where a clean run ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::json;
use studio_sandbox::Call;

use crate::faults::{Tried, heal_all};
use crate::support::account::{APPLY, DESTROY, Lab, PLAN};
use crate::support::behind::{domain_id, start_app, studio};
use crate::support::configs::{EVERYTHING, LATER, MINIMAL, SAMPLES, edit, stories};
use crate::support::ended::{Ended, is_lock};
use crate::support::picture::{Picture, Tables, difference, picture};

/// Permissions that are met elsewhere: after the first write, and where MDAA's stack was.
const NOT_MET: [&str; 4] = [
    "s3:GetEncryptionConfiguration",
    "s3:ListBucketMultipartUploads",
    "cloudformation:DescribeStacks",
    "iam:GetRolePolicy",
];

/// A command on a config, in an account.
struct Scene {
    name: String,
    base: Tables,
    command: Vec<String>,
    config: String,
}

impl Scene {
    fn new(name: &str, base: &Tables, command: &[&str], config: &str) -> Self {
        let name = format!("{name}: {}", command.join(" "));
        let command = command.iter().map(ToString::to_string).collect();
        Self { name, base: base.clone(), command, config: config.into() }
    }

    fn run(&self, lab: &Lab) -> Ended {
        lab.run(&self.command.iter().map(String::as_str).collect::<Vec<_>>(), &self.config)
    }
}

/// A scene's undisturbed run.
struct Clean {
    scene: Scene,
    ended: Ended,
    picture: Picture,
}

impl Clean {
    fn of(scene: Scene) -> Self {
        let lab = Lab::like(&scene.base);
        let ended = scene.run(&lab);
        assert!(!matches!(ended.code, 4 | 8), "{}: {}", scene.name, ended.notes);
        Self { picture: picture(&lab.tables()), scene, ended }
    }
}

/// A read, refused from its `from`-th call on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Denial {
    service: String,
    operation: String,
    from: usize,
}

impl Denial {
    fn hits(&self, calls: &[Call]) -> Option<usize> {
        let of_this = calls.iter().enumerate().filter(|(_, call)| call.is(&self.service, &self.operation));
        of_this.map(|(at, _)| at).nth(self.from - 1)
    }

    /// The operation's permission as IAM calls it.
    fn action(&self) -> String {
        let service = if self.service == "tagging" { "tag" } else { &self.service };
        let operation = match (service, self.operation.as_str()) {
            ("s3", "HeadBucket" | "ListObjectsV2") => "ListBucket",
            ("s3", "HeadObject") => "GetObject",
            ("s3", "GetBucketEncryption") => "GetEncryptionConfiguration",
            ("s3", "GetPublicAccessBlock") => "GetBucketPublicAccessBlock",
            ("s3", "ListObjectVersions") => "ListBucketVersions",
            ("s3", "ListMultipartUploads") => "ListBucketMultipartUploads",
            ("s3", "GetBucketLifecycleConfiguration") => "GetLifecycleConfiguration",
            ("s3", "GetBucketReplication") => "GetReplicationConfiguration",
            ("s3", "GetBucketCors") => "GetBucketCORS",
            (_, operation) => operation,
        };
        format!("{service}:{operation}")
    }
}

/// The reads that a run goes on without, with their notices: what the document says.
fn tolerated() -> BTreeMap<String, String> {
    let rows = include_str!("../../docs/denied-reads.md").lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].split('`').nth(1).unwrap().to_owned(), cells[3].to_owned())).collect()
}

/// Returns `true` if running again ends where a clean run ends.
fn lab_heals(scene: &Scene, lab: &Lab, clean: &Clean) -> bool {
    scene.run(lab).code == 0 && difference(&clean.picture, &picture(&lab.tables())).is_empty()
}

/// Refuses one read of the scene: the outcome for counting, or why the attempt broke the law.
fn deny(clean: &Clean, denial: &Denial, met: &(dyn Fn(&str) + Sync)) -> Result<Tried, String> {
    let scene = &clean.scene;
    let lab = Lab::like(&scene.base);
    let Denial { service, operation, from } = denial;
    lab.set_faults_once(format!("deny={service}:{operation}@{from}").parse().unwrap());
    let ended = scene.run(&lab);
    let Some(hit) = denial.hits(&ended.calls) else { return Ok(Tried::Unreached) };
    let action = denial.action();
    let said = ended.said();
    let told = |what: &str| Err(format!("{}, {action}@{from}: {what}\n{said}", scene.name));
    let is_write = |call: &Call| call.writes && !is_lock(call);
    let wrote_before = ended.calls[..hit].iter().any(is_write);
    // Of a bucket of ours everything has to be read; only of a given one an upload may do without.
    let is_compared = operation == "GetBucketEncryption" && !wrote_before;
    // The tags of profiles tell themselves; whose a key or a file system is, only the tagging API says.
    let is_search = operation == "GetResources" && ended.calls[hit].input.get("ResourceARNList").is_none();
    let notice = tolerated().remove(&action).filter(|_| !is_compared && !is_search);
    if wrote_before {
        // The lock's own reads are made up for by the next run, which finds its holder dead.
        let may_end_well = notice.is_some() || is_lock(&ended.calls[hit]);
        if !(ended.code == 8 || ended.code == 0 && may_end_well) {
            return told(&format!("it ended with {} after it had written", ended.code));
        }
        let again = scene.run(&lab);
        if again.code != 0 {
            return told(&format!("running again ended with {}\n{}", again.code, again.notes));
        }
        let mut seen = picture(&lab.tables());
        if again.calls.iter().all(|call| !call.writes) {
            let locks = seen.iter_mut().filter(|line| line.contains("/lock: "));
            locks.for_each(|line| *line = line.replace("\"held\"", "\"free\""));
        }
        let difference = difference(&clean.picture, &seen);
        return if difference.is_empty() { Ok(Tried::Healed) } else { told(&difference) };
    }
    if let Some(notice) = notice {
        met(&action);
        let is_watched = notice.starts_with("not looked at");
        let compares = scene.command[0] == "drift" && (service == "s3" || is_watched);
        if compares && ended.code != 4 {
            return told("drift did not say that it could not compare");
        }
        // Advice is a plan's: no other command shows any, and under the lock it has been shown.
        let is_shown = ended.calls[..hit].iter().all(|call| !call.writes);
        let shows = is_shown && matches!(scene.command[0].as_str(), "plan" | "apply" | "destroy");
        if shows && !(said.contains(&notice) && said.contains(&action)) {
            return told("the notice is missing");
        }
        // What a plan can do without a deletion may need: it lists what hangs on a role once more.
        let is_needed_later = is_watched && ended.code == 8 && lab_heals(scene, &lab, clean);
        // From the first look at tags on all others are refused, too: the second plan needs those that search.
        let is_searched_later = operation == "GetResources" && ended.code == 4 && !ended.calls.iter().any(is_write);
        let as_ever = ended.code == clean.ended.code
            || service == "s3"
            || service == "sts"
            || is_needed_later
            || is_searched_later;
        return if compares || as_ever { Ok(Tried::Healed) } else { told(&format!("it ended with {}", ended.code)) };
    }
    if ended.code != 4 {
        return told(&format!("it ended with {}", ended.code));
    }
    if let Some(write) = ended.calls.iter().find(|call| is_write(call)) {
        return told(&format!("it did {}", write.operation));
    }
    if !said.contains(&action) || !(said.contains("on resource: ") || said.contains(&format!("it needs {action} on ")))
    {
        return told("it does not name the action and the resource");
    }
    let held = picture(&lab.tables()).iter().any(|line| line.contains("/lock: ") && line.contains("\"held\""));
    if held && action != "ssm:GetParameter" { told("the lock is still held") } else { Ok(Tried::Healed) }
}

/// Every read of a clean run with the call that it is refused from: each, or those at which a run begins something else.
fn denials(clean: &Clean, all: bool) -> Vec<Denial> {
    let calls = &clean.ended.calls;
    let reads: BTreeSet<(&str, &str)> =
        calls.iter().filter(|call| !call.writes).map(|call| (call.service.as_str(), call.operation.as_str())).collect();
    let locked = calls.iter().position(|call| call.writes).unwrap_or(calls.len());
    let written = calls.iter().position(|call| call.writes && !is_lock(call)).unwrap_or(calls.len());
    let mut denials = BTreeSet::new();
    for (service, operation) in reads {
        let count = |until: usize| calls[..until].iter().filter(|call| call.is(service, operation)).count();
        let most = count(calls.len());
        let turns = [1, count(locked) + 1, count(written) + 1, most];
        let from: Vec<usize> = if all { (1..=most).collect() } else { turns.to_vec() };
        let denial = |from| Denial { service: service.into(), operation: operation.into(), from };
        denials.extend(from.into_iter().filter(|from| *from <= most).map(denial));
    }
    denials.into_iter().collect()
}

/// The account after `config` was applied.
fn applied(config: &str) -> Lab {
    let lab = Lab::new();
    lab.run(APPLY, config).expect(0);
    lab
}

/// A user has a space and runs an app.
fn occupy(lab: &Lab) {
    let user = "example-user-id";
    let space = json!({
        "DomainId": domain_id(lab), "SpaceName": "one", "SpaceSettings": {"AppType": "JupyterLab"},
        "OwnershipSettings": {"OwnerUserProfileName": user}, "SpaceSharingSettings": {"SharingType": "Private"},
    });
    studio(lab, "CreateSpace", &space);
    start_app(lab, user);
}

fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (name, config, user) in SAMPLES.into_iter().map(|(name, config)| (name, config, "example-user-id")).chain([(
        "everything",
        EVERYTHING,
        "ann",
    )]) {
        let base = applied(config).tables();
        let mut looks: Vec<&[&str]> =
            vec![&["plan"], &["plan", "--destroy"], &["diff"], &["drift"], &["output"], &["graph"], &["unlock"]];
        let url = ["url", "--user", user];
        if name != "sso" {
            looks.push(&url);
        }
        scenes.extend(looks.iter().map(|look| Scene::new(name, &base, look, config)));
    }
    let fresh = Lab::new();
    fresh.run(PLAN, LATER).expect(2);
    scenes.push(Scene::new("given", &fresh.tables(), &["plan"], LATER));
    scenes.push(Scene::new("given", &fresh.tables(), APPLY, LATER));
    for story in stories() {
        let base = crate::faults::base(&story);
        scenes.push(Scene::new(story.name, &base, &story.command, &story.to));
    }
    // Apps and spaces.
    let lab = applied(MINIMAL);
    occupy(&lab);
    let drain = [DESTROY, &["--drain"]].concat();
    for command in [&["plan"][..], &["plan", "--destroy"], &drain] {
        scenes.push(Scene::new("in use", &lab.tables(), command, MINIMAL));
    }
    // Somebody wrote an asset behind our back.
    let mut base = applied(EVERYTHING).tables();
    for object in base.get_mut("s3/object").unwrap().values_mut() {
        for version in object["versions"].as_array_mut().unwrap() {
            version["etag"] = json!("\"another\"");
        }
    }
    for command in [&["plan"][..], &["drift"], APPLY] {
        scenes.push(Scene::new("an asset was written", &base, command, EVERYTHING));
    }
    // A file that goes in parts.
    let large = edit(EVERYTHING, "./testing_asset_dir", "./large_asset_dir");
    scenes.push(Scene::new("a large asset", &applied(EVERYTHING).tables(), APPLY, &large));
    // What a domain that is gone has left.
    let lab = applied(MINIMAL);
    let domain = lab.tables()["studio/domain"].keys().next().unwrap().clone();
    lab.run(DESTROY, MINIMAL).expect(0);
    scenes.push(Scene::new("left behind", &lab.tables(), &["cleanup", "--domain-id", &domain], MINIMAL));
    scenes
}

/// Tries every `step`-th denial of every scene; how many there were.
fn try_all(all: bool, step: usize) -> usize {
    let began = Instant::now();
    let met = std::sync::Mutex::new(BTreeSet::new());
    let mut tried = 0;
    for (at, scene) in scenes().into_iter().enumerate() {
        let clean = Clean::of(scene);
        // Each scene begins at another place, so that together they meet everything.
        let denials: Vec<Denial> = denials(&clean, all).into_iter().skip(at % step).step_by(step).collect();
        let note = |action: &str| {
            met.lock().unwrap().insert(action.to_owned());
        };
        tried += heal_all(&clean.scene.name, &denials, |denial| deny(&clean, denial, &note));
    }
    if step == 1 {
        let met = met.into_inner().unwrap();
        let listed: BTreeSet<String> = tolerated().into_keys().collect();
        let unmet: Vec<&String> = listed.difference(&met).filter(|one| !NOT_MET.contains(&one.as_str())).collect();
        assert!(unmet.is_empty(), "docs/denied-reads.md lists what no command does: {unmet:?}");
    }
    #[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
    {
        println!("{tried} refused reads, from the first call and from later ones, in {:.0?}", began.elapsed());
    }
    tried
}

#[test]
fn a_refused_read_is_never_taken_for_nothing() {
    assert!(try_all(false, 19) > 30);
}

#[test]
#[ignore = "the whole matrix; run by just denied"]
fn no_refused_read_is_ever_taken_for_nothing() {
    try_all(true, 1);
}

//! Settings converge: whatever was set, changed and removed before, an account is what a fresh apply of the last config
//! would have made of it, or the plan says what cannot be undone.
//!
//! The settings are read off the published schema: every leaf of the four trees, each in the smallest config that holds it.

pub mod settings;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::support::account::{APPLY, Lab, PLAN, PLAN_JSON};
use crate::support::ended::Ended;
use crate::support::picture::{self, Tables, difference};
use settings::{Leaf, Schema, Tree};

/// Rest of a config besides the setting: whose role and group there are, and what the setting demands.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// Role and group are given instead of made.
    given: bool,
    sso: bool,
}

/// Part of the structure around a setting that is said together with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Alone,
    WithSiblings,
}

fn config(said: &[(&Leaf, Option<usize>, Width)], rest: Rest) -> Json {
    let user = if rest.sso { json!({}) } else { json!({"userRole": {"name": "users"}}) };
    let mut config = json!({"domain": {
        "authMode": if rest.sso { "SSO" } else { "IAM" },
        "vpcId": "vpc-1",
        "subnetIds": ["subnet-1"],
        "dataAdminRoles": [{"name": "admin"}],
        "userProfiles": {"ann": user},
    }});
    if rest.given {
        config["domain"]["defaultExecutionRole"] = json!({"name": "given"});
        config["domain"]["securityGroupId"] = json!("sg-given");
    }
    for (leaf, value, width) in said {
        let Some(value) = value else { continue };
        let pointer = |keys: &[String]| {
            let keys = leaf.tree.keys().iter().map(|key| (*key).to_owned()).chain(keys.iter().cloned());
            keys.collect::<Vec<String>>()
        };
        let (_, parents) = leaf.keys.split_last().unwrap();
        if *width == Width::WithSiblings {
            for (name, sibling) in &leaf.siblings {
                put(&mut config, &pointer(&[parents, std::slice::from_ref(name)].concat()), sibling.clone());
            }
        }
        put(&mut config, &pointer(&leaf.keys), leaf.values[*value].clone());
        if leaf.keys[0] == "rStudioServerProDomainSettings" {
            config["domain"]["appSecurityGroupManagement"] = json!("Service");
            let role = pointer(&["rStudioServerProDomainSettings".into(), "domainExecutionRoleArn".into()]);
            if at(&config, &role).is_null() {
                put(&mut config, &role, json!("arn:aws:iam::123456789012:role/one"));
            }
        }
    }
    config
}

/// Sets what stands at the end of a path.
pub fn put(json: &mut Json, keys: &[String], value: Json) {
    match keys {
        [] => *json = value,
        [key, rest @ ..] => {
            if !json[key].is_object() && !rest.is_empty() {
                json[key] = json!({});
            }
            put(&mut json[key], rest, value);
        }
    }
}

fn at<'a>(json: &'a Json, keys: &[String]) -> &'a Json {
    keys.iter().fold(json, |json, key| &json[key])
}

/// Values that AWS documents to hold where nothing is said, by the end of the path.
const DEFAULTS: [(&str, &str); 13] = [
    ("StudioWebPortal", "\"ENABLED\""),
    ("DefaultLandingUri", "\"studio::\""),
    ("NotebookOutputOption", "\"Disabled\""),
    ("AccessStatus", "\"DISABLED\""),
    ("LifecycleManagement", "\"DISABLED\""),
    ("Status", "\"DISABLED\""),
    ("EnableDockerAccess", "\"DISABLED\""),
    ("RootlessDocker", "\"DISABLED\""),
    ("StudioWebPortalAccess", "\"DISABLED\""),
    ("DefaultEbsVolumeSizeInGb", "5"),
    ("MaximumEbsVolumeSizeInGb", "100"),
    ("IpAddressType", "\"ipv4\""),
    ("ExecutionRoleSessionNameMode", "\"STATIC\""),
];

/// The leaves of settings, by path.
pub fn flat(json: &Json, path: &str, leaves: &mut BTreeMap<String, Json>) {
    match json {
        Json::Object(members) => members.iter().for_each(|(name, member)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            flat(member, &path, leaves);
        }),
        Json::Array(items) if items.is_empty() => {}
        Json::String(text) if text == "None" => {}
        leaf => {
            leaves.insert(path.to_owned(), leaf.clone());
        }
    }
}

/// The settings in a picture, and all its other lines.
fn parted(tables: &Tables) -> (BTreeMap<String, BTreeMap<String, Json>>, Vec<String>) {
    let mut settings: BTreeMap<String, BTreeMap<String, Json>> = BTreeMap::new();
    let mut others = Vec::new();
    for line in picture::picture(tables) {
        let (what, record) = line.split_once(": ").unwrap();
        let of = ["studio/domain", "studio/user-profile"].into_iter().find(|table| what.starts_with(table));
        match of {
            Some(table) => {
                let record: Json = serde_json::from_str(record).unwrap();
                let mut leaves = BTreeMap::new();
                let prefix = if table == "studio/domain" { "" } else { "UserSettings" };
                flat(&record["settings"], prefix, &mut leaves);
                settings.insert(table.to_owned(), leaves);
            }
            // The record tells what was managed, and so what has to be said of it.
            None if what.contains("/studio-deploy/") => {}
            None => others.push(line),
        }
    }
    (settings, others)
}

/// Makes sure that `lab` is as `fresh` is, but for what a plan says of it that it stays.
fn converged(lab: &Lab, fresh: &Tables, plan: &Json) -> Result<(), String> {
    let (is, others) = parted(&lab.tables());
    let (should, fresh_others) = parted(fresh);
    let difference = difference(&fresh_others, &others);
    if !difference.is_empty() {
        return Err(difference);
    }
    for (of, is) in &is {
        let should = &should[of];
        for (path, value) in should {
            // What AWS says by itself needs not be sent.
            let is_default = is.get(path).is_none() && is_default(of, path, value);
            if is.get(path) != Some(value) && !is_default {
                return Err(format!("{of}: {path} is {:?} and should be {value}", is.get(path)));
            }
        }
        for (path, value) in is.iter().filter(|(path, _)| !should.contains_key(*path)) {
            let inherits = path.strip_prefix("UserSettings.").is_some_and(|rest| {
                of != "studio/domain" && is_of_domain(&parted(fresh).0["studio/domain"], rest, value)
            });
            let is_said = says_that_it_stays(plan, path);
            if !is_default(of, path, value) && !inherits && !is_said {
                return Err(format!("{of}: {path} is still {value}, and nobody was told"));
            }
        }
    }
    Ok(())
}

/// Returns `true` if a plan has a notice that a setting left the config and stays nevertheless.
pub fn says_that_it_stays(plan: &Json, path: &str) -> bool {
    let begin = format!("{path} is no longer in the config");
    let notices = plan["notices"].as_array().into_iter().flatten();
    notices.into_iter().any(|notice| notice["message"].as_str().is_some_and(|message| message.contains(&begin)))
}

/// Returns `true` if a value is the one that AWS documents to hold where nothing is said.
pub fn is_default(of: &str, path: &str, value: &Json) -> bool {
    let name = path.rsplit('.').next().unwrap();
    let auto_mount = if of == "studio/domain" { "\"Enabled\"" } else { "\"DefaultAsDomain\"" };
    let text = value.to_string();
    DEFAULTS.contains(&(name, text.as_str())) || name == "AutoMountHomeEFS" && text == auto_mount
}

fn is_of_domain(domain: &BTreeMap<String, Json>, path: &str, value: &Json) -> bool {
    domain.get(&format!("DefaultUserSettings.{path}")) == Some(value)
}

/// One life of a setting: configs that are applied one after another.
struct ProcessState {
    name: String,
    configs: Vec<Json>,
}

/// An account with nothing of ours in it, where everything is that these configs name.
fn ground(configs: &[Json]) -> Tables {
    let mut ground = Tables::new();
    for config in configs {
        // A sandbox is furnished once, for the config that it is first used with.
        let lab = Lab::new();
        lab.run(PLAN, &config.to_string());
        for (table, records) in lab.tables() {
            let all = ground.entry(table).or_default();
            for (key, record) in records {
                all.entry(key).or_insert(record);
            }
        }
    }
    ground
}

/// A new account in which `config` is applied.
fn fresh(ground: &Tables, config: &Json) -> (Tables, Ended) {
    let lab = Lab::like(ground);
    let ended = lab.run(APPLY, &config.to_string());
    (lab.tables(), ended)
}

/// Lives through the configs, and compares the account after each with a new one.
fn live(life: &ProcessState, depth: &str, ground: &Tables, news: &BTreeMap<String, Tables>) -> Result<(), String> {
    let lab = Lab::like(ground);
    lab.set_faults(format!("merge={depth}").parse().unwrap());
    for (at, config) in life.configs.iter().enumerate() {
        let step = |what: &str, ended: &Ended| format!("step {at}, {what}: {}{}\n{config}", ended.data, ended.notes);
        let ended = lab.run(APPLY, &config.to_string());
        if ended.code != 0 {
            return Err(step("apply", &ended));
        }
        let plan = lab.run(PLAN_JSON, &config.to_string());
        if plan.code != 0 || plan.json()["changes"] != json!([]) {
            return Err(step("plan", &plan));
        }
        converged(&lab, &news[&config.to_string()], &plan.json())
            .map_err(|why| format!("{why}\n{}", step("compared", &ended)))?;
    }
    Ok(())
}

/// The smallest config that a leaf works in. One that it does not work in is refused before the first call that changes
/// something.
fn fit(leaf: &Leaf) -> Option<(Width, bool)> {
    let ways = [(Width::Alone, false), (Width::WithSiblings, false), (Width::Alone, true), (Width::WithSiblings, true)];
    ways.into_iter().find(|(width, sso)| {
        (0..2).all(|value| {
            let config = config(&[(leaf, Some(value), *width)], Rest { given: false, sso: *sso });
            let ended = fresh(&Tables::new(), &config).1;
            assert!(ended.code == 0 || ended.writes().is_empty(), "{config}: {}", ended.notes);
            ended.code == 0
        })
    })
}

/// A leaf with the smallest config that it works in.
#[derive(Clone, Copy)]
struct Fitted<'a> {
    leaf: &'a Leaf,
    width: Width,
    sso: bool,
}

/// Leaves that can be set in one config: of one tree, and each in a structure of its own.
fn batches<'a>(leaves: &[Fitted<'a>]) -> Vec<Vec<Fitted<'a>>> {
    let mut batches: Vec<Vec<Fitted<'a>>> = Vec::new();
    for fitted in leaves {
        let of = |other: &Fitted<'_>| (other.leaf.tree, other.sso);
        let fits = |batch: &&mut Vec<Fitted<'_>>| {
            of(&batch[0]) == of(fitted) && batch.iter().all(|other| other.leaf.keys[0] != fitted.leaf.keys[0])
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(*fitted),
            None => batches.push(vec![*fitted]),
        }
    }
    batches
}

/// The lives of settings: alone, together with what they refer to, and against the domain's.
fn lives(batch: &[Fitted<'_>], leaves: &[Leaf]) -> Vec<ProcessState> {
    let names: Vec<String> = batch.iter().map(|fitted| fitted.leaf.keys.join(".")).collect();
    let tree = batch[0].leaf.tree;
    let sso = batch[0].sso;
    let name = |what: &str| format!("{tree:?} {} {what}", names.join(", "));
    let of_domain = |leaf: &Leaf| {
        let twin = leaves.iter().find(|other| other.tree == Tree::Users && other.keys == leaf.keys);
        twin.filter(|twin| tree == Tree::Profile && twin.keys[0] != "executionRole")
    };
    let both = |outer: Option<usize>, own: Option<usize>, given: bool| {
        let twins = batch.iter().filter_map(|fitted| Some((of_domain(fitted.leaf)?, outer, fitted.width)));
        let own = batch.iter().map(|fitted| (fitted.leaf, own, fitted.width));
        config(&twins.chain(own).collect::<Vec<_>>(), Rest { given, sso })
    };
    let one = |value: Option<usize>, given: bool| both(None, value, given);
    let alone = vec![one(None, false), one(Some(0), false), one(Some(1), false), one(None, false)];
    let together =
        vec![one(Some(0), false), one(None, true), one(Some(1), false), one(Some(1), true), one(None, false)];
    let mut lives = vec![
        ProcessState { name: name("alone"), configs: alone },
        ProcessState { name: name("together"), configs: together },
    ];
    if tree == Tree::Profile {
        let steps = [(Some(0), Some(1)), (Some(0), None), (Some(1), None), (None, None), (Some(1), None)];
        let configs = steps.map(|(outer, own)| both(outer, own, false)).into();
        lives.push(ProcessState { name: name("against the domain"), configs });
    }
    lives
}

fn judge(leaves: &[&Leaf], all: &[Leaf]) {
    let (mut cases, mut unfit, mut fitted, mut failures) = (0, Vec::new(), Vec::new(), Vec::new());
    for leaf in leaves {
        match fit(leaf) {
            Some((width, sso)) => fitted.push(Fitted { leaf, width, sso }),
            None => unfit.push(format!("{:?} {}", leaf.tree, leaf.keys.join("."))),
        }
    }
    for batch in batches(&fitted) {
        for life in lives(&batch, all) {
            let ground = ground(&life.configs);
            let mut news = BTreeMap::new();
            for config in &life.configs {
                let made = || {
                    let (tables, ended) = fresh(&ground, config);
                    assert_eq!(ended.code, 0, "{config}: {}", ended.notes);
                    tables
                };
                news.entry(config.to_string()).or_insert_with(made);
            }
            for depth in ["deep", "shallow"] {
                cases += batch.len() * life.configs.len();
                if let Err(why) = live(&life, depth, &ground, &news) {
                    failures.push(format!("{} ({depth}): {why}", life.name));
                }
            }
        }
    }
    // The domain's role has a key of its own.
    unfit.retain(|leaf| leaf != "Users executionRole");
    assert_eq!(unfit, Vec::<String>::new(), "refused wherever they are set");
    #[expect(clippy::print_stdout, reason = "the count of what was tried is what this is run for")]
    {
        println!("{} settings in {cases} cases", leaves.len());
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n\n"));
}

/// Everything that carries tags, with each set, changed and removed, by either of the blocks that give them.
#[test]
fn tags_converge() {
    let base = |tags: Json, of_module: Json| {
        let mut config = config(&[], Rest { given: false, sso: false });
        config["domain"]["tags"] = tags;
        config["domain"]["lifecycleConfigs"] = json!({"jupyterLab": {"cmds": ["echo one"]}});
        config["deployment"] = json!({"tags": of_module});
        config
    };
    let configs = vec![
        base(json!({}), json!({})),
        base(json!({"one": "1", "two": "2"}), json!({"three": "3"})),
        base(json!({"one": "other", "empty": ""}), json!({"three": "None"})),
        base(json!({"three": "4"}), json!({"three": "5", "two": "6"})),
        base(json!({}), json!({})),
    ];
    let life = ProcessState { name: "tags".into(), configs };
    let ground = ground(&life.configs);
    let news = life.configs.iter().map(|config| (config.to_string(), fresh(&ground, config).0)).collect();
    live(&life, "deep", &ground, &news).unwrap();
}

#[test]
fn settings_converge() {
    let all = Schema::read().leaves();
    // A step that has no factor in common with how the trees repeat themselves.
    let sample: Vec<&Leaf> = all.iter().step_by(61).collect();
    judge(&sample, &all);
}

#[test]
#[ignore = "every setting; run by just converge"]
fn every_setting_converges() {
    let all = Schema::read().leaves();
    judge(&all.iter().collect::<Vec<_>>(), &all);
}

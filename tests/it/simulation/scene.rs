//! A story while it is played: each step, and how all is healed in the end.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::behind;
use super::judge::{self, Forgotten, stays};
use super::stage::{Order, Stage};
use super::story::{Count, Deed, Step, part};
use super::trouble::{OPERATIONS, all_consents, consents, death, harm};
use super::wish::{USERS, Wish};
use crate::support::account::{APPLY, DESTROY, PLAN_JSON};
use crate::support::behind::ask;
use crate::support::dice::Dice;
use crate::support::ended::Ended;
use crate::support::picture::Tables;

/// A story while it is played.
pub struct Scene {
    pub stage: Stage,
    pub log: Vec<String>,
    pub counts: BTreeMap<Count, usize>,
    pub digest: Sha256,
    /// Whether somebody's lock may still be held.
    is_held: bool,
    /// What the record that was lost, or deleted with everything else, cannot tell any more.
    forgotten: Forgotten,
    /// Everything that was said.
    said: String,
}

impl Scene {
    pub fn new(stage: Stage) -> Self {
        let (log, counts, digest, said) = (Vec::new(), BTreeMap::new(), Sha256::new(), String::new());
        Self { stage, log, counts, digest, is_held: false, forgotten: Forgotten::default(), said }
    }

    fn count(&mut self, count: Count, number: usize) {
        *self.counts.entry(count).or_default() += number;
    }

    /// Notes how a command ended.
    fn note(&mut self, order: &Order, code: Option<u8>, ended: &Ended) {
        self.count(Count::Commands, 1);
        self.forgotten.kept |= order.line[0] == DESTROY[0];
        self.count(Count::Calls, ended.calls.len());
        match code {
            Some(code) => self.count(Count::Code(code), 1),
            None => self.count(Count::Kills, 1),
        }
        for call in &ended.calls {
            self.digest.update(format!("{call:?}"));
        }
        self.digest.update(format!("{code:?}"));
        let faults = if order.faults.is_empty() { String::new() } else { format!(" [{}]", order.faults) };
        let end = code.map_or("killed".into(), |code| code.to_string());
        let why = match code {
            Some(0) => String::new(),
            _ => ended
                .notes
                .lines()
                .filter(|line| line.contains("error"))
                .take(3)
                .map(|line| format!("\n     {line}"))
                .collect(),
        };
        let line = format!("   {}{faults} -> {end}, {} calls{why}", order.line.join(" "), ended.calls.len());
        // The folder is another one in every run.
        let folder = self.stage.lab.path("");
        self.log.push(line.replace(folder.to_str().unwrap(), "./"));
        self.said.push_str(&ended.data);
        self.said.push_str(&ended.notes);
    }

    /// Runs a command and judges it.
    fn run(&mut self, order: &Order) -> Result<(Option<u8>, Ended), String> {
        let before = self.stage.tables();
        let (code, ended) = self.stage.run(order);
        let fired = usize::try_from(self.stage.lab.sandbox.fired()).unwrap();
        self.count(Count::Faults, fired);
        self.note(order, code, &ended);
        let judged = judge::command(order, code, &ended).and_then(|()| {
            let now = judge::account(&self.stage, &before, &[order])?;
            self.judge_lock(&now, code, &ended)
        });
        judged.map_err(|why| format!("{why}\n{}\n{}", ended.data, ended.notes))?;
        Ok((code, ended))
    }

    fn judge_lock(&mut self, now: &Tables, code: Option<u8>, ended: &Ended) -> Result<(), String> {
        let is_free = judge::lock_is_free(now);
        if code.is_none() || ended.notes_show("the lock could not be given back") {
            self.is_held |= !is_free;
        } else if is_free {
            self.is_held = false;
        } else if !self.is_held {
            return Err("the lock is still held".into());
        }
        if code == Some(6) {
            if !self.is_held {
                return Err("it is locked by nobody".into());
            }
            // Whoever is silent for long enough is taken for dead.
            self.stage.pass(130);
        }
        Ok(())
    }

    /// Makes sure that nothing is left to do but scripts that apps still run; the plan that says so.
    fn settled(&mut self, text: &str) -> Result<Json, String> {
        let (code, ended) = self.run(&Order::new(PLAN_JSON, text))?;
        self.read_in_full(text)?;
        match code {
            Some(0) => Ok(ended.json()),
            Some(2) if judge::waits_for_apps(&ended.json()) => Ok(ended.json()),
            code => {
                Err(format!("all was said to be done, and plan ends with {code:?}\n{}\n{}", ended.data, ended.notes))
            }
        }
    }

    /// Makes sure that what lists tell of profiles is what a full read finds, once nothing is under way.
    fn read_in_full(&mut self, text: &str) -> Result<(), String> {
        self.stage.pass(600);
        let (_, known) = self.run(&Order::new(PLAN_JSON, text))?;
        let (_, read) = self.run(&Order::new(&[PLAN_JSON, &["--refresh"]].concat(), text))?;
        (known.data == read.data)
            .then_some(())
            .ok_or_else(|| format!("--refresh plans otherwise:\n{}\n{}", known.data, read.data))
    }

    pub fn step(&mut self, step: Step, text: &str) -> Result<(), String> {
        let dice = &mut Dice::new(part(step.seed, 2));
        let apply = |more: &[&str]| Order::new(&[APPLY, more].concat(), text);
        match step.deed {
            Deed::Change => {
                let order = Order::new(&[APPLY, &consents(dice)].concat(), text);
                let (code, _) = self.run(&order)?;
                if code == Some(0) && dice.roll(3) == 0 {
                    self.settled(text)?;
                }
            }
            Deed::Skip => {
                self.run(&Order::new(&[APPLY, &["--skip-blocked"], &consents(dice)].concat(), text))?;
            }
            Deed::Harm => {
                let order = Order { faults: harm(dice), ..Order::new(&[APPLY, &consents(dice)].concat(), text) };
                let (code, _) = self.run(&order)?;
                if code == Some(0) && !order.faults.contains("meanwhile") {
                    self.settled(text)?;
                }
            }
            Deed::Deny => {
                let operation = dice.one(&OPERATIONS);
                let faults = format!("deny={operation}@{}", 1 + dice.roll(3));
                let order = Order { faults, ..Order::new(&[APPLY, &consents(dice)].concat(), text) };
                self.run(&order)?;
            }
            Deed::Kill => {
                let order =
                    Order { faults: death(dice), dies: true, elsewhere: dice.roll(3) == 0, ..apply(&consents(dice)) };
                self.run(&order)?;
            }
            Deed::Both => self.both(dice, text)?,
            Deed::Save => self.save(dice, text)?,
            Deed::Users => self.work(dice),
            Deed::Behind => self.meddle(dice),
            Deed::Look => {
                let line: &[&str] = match dice.roll(7) {
                    6 => return self.read_in_full(text),
                    0 => &["diff"],
                    1 => &["drift"],
                    2 => &["output"],
                    3 => &["url", "--user", "ann"],
                    4 => &["plan", "--destroy"],
                    _ => &["plan", "--skip-blocked"],
                };
                self.run(&Order::new(line, text))?;
            }
            Deed::Destroy => {
                let mut line = DESTROY.to_vec();
                for flag in ["--home-efs", "--bucket", "--kms-key"] {
                    if dice.roll(4) == 0 {
                        line.extend([flag, dice.one(&["delete", "delete", "retain"])]);
                    }
                }
                if dice.roll(2) == 0 {
                    line.push("--drain");
                }
                let faults = match dice.roll(4) {
                    0 => harm(dice),
                    1 => death(dice),
                    _ => String::new(),
                };
                let dies = faults.starts_with("hung") && dice.roll(4) > 0;
                self.run(&Order { faults, dies, ..Order::new(&line, text) })?;
            }
            Deed::Forget => {
                let forget = self.stage.lab.sandbox.with_world(|world| {
                    let names = world.list::<Json>("ssm/parameter", "/studio-deploy/acme/dev/ml/studio/");
                    let names: Vec<String> =
                        names.into_iter().map(|(name, _)| name).filter(|name| !name.ends_with("/lock")).collect();
                    for name in &names {
                        world.remove("ssm/parameter", name);
                    }
                });
                forget.unwrap();
                self.forgotten.all = true;
            }
            Deed::Unlock => {
                let line: &[&str] = if dice.roll(2) == 0 { &["unlock"] } else { &["unlock", "--yes"] };
                self.run(&Order::new(line, text))?;
            }
            Deed::Clean => self.clean(dice, text)?,
            Deed::Decline => drop(self.run(&Order::new(&["apply"], text))?),
            Deed::Wait => {
                let seconds = [5, 60, 600, 90_000][usize::try_from(dice.roll(4)).unwrap()];
                self.stage.pass(seconds);
            }
        }
        Ok(())
    }

    /// Two runs at once.
    fn both(&mut self, dice: &mut Dice, text: &str) -> Result<(), String> {
        let second = match dice.roll(4) {
            0 => Order::new(DESTROY, text),
            1 => Order::new(&["unlock", "--yes"], text),
            2 => Order::new(&[APPLY, &["--lock-timeout", "20m"]].concat(), text),
            _ => Order { elsewhere: true, ..Order::new(APPLY, text) },
        };
        let first = Order::new(&[APPLY, &consents(dice)].concat(), text);
        let after = usize::try_from(dice.roll(80)).unwrap();
        let before = self.stage.tables();
        let ([one, other], made) = self.stage.run_both([&first, &second], after);
        let told = format!("{}{}\nthe other:\n{}{}", one.data, one.notes, other.data, other.notes);
        for (order, ended) in [(&first, &one), (&second, &other)] {
            self.note(order, Some(ended.code), ended);
            judge::command(order, Some(ended.code), ended).map_err(|why| format!("{why}\n{told}"))?;
        }
        let judged = judge::account(&self.stage, &before, &[&first, &second]).and_then(|now| {
            self.judge_lock(&now, None, &one)?;
            judge::in_turn(&made)
        });
        judged.map_err(|why| format!("{why}\n{told}"))
    }

    /// A plan is saved, something may happen, and it is applied.
    fn save(&mut self, dice: &mut Dice, text: &str) -> Result<(), String> {
        let path = self.stage.lab.path("plan.json");
        let path = path.to_str().unwrap();
        drop(std::fs::remove_file(path));
        let mut consents = consents(dice);
        // A plan is approved by name when it is applied.
        let confirm = consents
            .iter()
            .position(|word| *word == "--confirm")
            .map(|at| consents.drain(at..at + 2).collect::<Vec<_>>());
        let (code, _) = self.run(&Order::new(&[&["plan", "--out", path], &consents[..]].concat(), text))?;
        if code != Some(0) {
            return Ok(());
        }
        let happened = dice.roll(4);
        match happened {
            0 => self.work(dice),
            1 => self.meddle(dice),
            _ => {}
        }
        let confirm = confirm.unwrap_or_default();
        let line = [&["apply", "--plan", path, "--auto-approve"], &confirm[..]].concat();
        // What a saved plan consents to need not be said again.
        let order = Order {
            line: line.iter().chain(&consents).map(|word| (*word).to_owned()).collect(),
            ..Order::new(&[], text)
        };
        let (code, ended) = self.run(&order)?;
        if happened > 1 && code == Some(7) {
            return Err(format!("nothing happened, and the plan is stale\n{}{}", ended.data, ended.notes));
        }
        Ok(())
    }

    /// Users start and stop apps, make and delete spaces, and write files.
    fn work(&mut self, dice: &mut Dice) {
        self.stage.set_faults("");
        let Some(id) = self.stage.domain() else { return };
        for _ in 0..=dice.roll(3) {
            let (user, space) = (dice.one(&USERS), dice.one(&["one", "two"]));
            let app = |owner: &str, name: &str| json!({"DomainId": id, owner: name, "AppType": "JupyterLab", "AppName": "default"});
            let (operation, input) = match dice.roll(7) {
                0 | 1 => ("CreateApp", app("UserProfileName", user)),
                2 => ("CreateApp", app("SpaceName", space)),
                3 => ("DeleteApp", app("UserProfileName", user)),
                4 | 5 => (
                    "CreateSpace",
                    json!({"DomainId": id, "SpaceName": space, "OwnershipSettings": {"OwnerUserProfileName": user},
                        "SpaceSharingSettings": {"SharingType": dice.one(&["Private", "Shared"])},
                        "SpaceSettings": {"AppType": "JupyterLab"}}),
                ),
                _ => ("DeleteSpace", json!({"DomainId": id, "SpaceName": space})),
            };
            let done = ask(&self.stage.lab.sandbox, operation, &input).is_ok();
            self.log.push(format!("   {operation} {user} {space}: {}", if done { "done" } else { "refused" }));
            self.stage.pass([1, 20, 200][usize::try_from(dice.roll(3)).unwrap()]);
        }
        let written = self.stage.lab.sandbox.with_world(|world| {
            let version = json!({"id": "v1", "marker": false, "body": "", "size": 0, "etag": "\"0\"", "modified": 0,
                "headers": {}, "tags": {}});
            for (name, _) in world.list::<Json>("s3/bucket", "acme-dev-ml-studio") {
                if !name.contains("studio-two") {
                    world.put(
                        "s3/object",
                        &format!("{name}/sharing/notebook-of-ann.ipynb"),
                        &json!({"versions": [version]}),
                    );
                }
            }
        });
        written.unwrap();
    }

    /// Somebody changes things by hand.
    fn meddle(&mut self, dice: &mut Dice) {
        let done = behind::meddle(&self.stage, dice);
        self.log.push(format!("   by hand: {done}"));
    }

    /// Removes what a deleted domain left.
    fn clean(&mut self, dice: &mut Dice, text: &str) -> Result<(), String> {
        let tables = self.stage.tables();
        let systems = tables.get("efs/file-system").into_iter().flatten();
        let ids: Vec<String> =
            systems.map(|(_, system)| system["creation_token"].as_str().unwrap().to_owned()).collect();
        let ours = ids.iter().filter(|id| self.stage.meddled(&tables).is_none() && !self.stage.is_theirs(id));
        let Some(id) = ours.into_iter().nth(usize::try_from(dice.roll(2)).unwrap()) else { return Ok(()) };
        let yes: &[&str] = if dice.roll(4) > 0 { &["--yes"] } else { &[] };
        self.run(&Order::new(&[&["cleanup", "--domain-id", id], yes].concat(), text)).map(drop)
    }

    /// All is well again: a last apply, with every consent that it takes.
    pub fn heal(&mut self, wish: &Wish, ground: &Tables) -> Result<(), String> {
        let text = wish.text();
        self.stage.pass(200);
        let mut last = None;
        for more in [Vec::new(), all_consents()] {
            let order = Order::new(&[APPLY, &more].concat(), &text);
            let (mut code, mut ended) = self.run(&order)?;
            if code == Some(6) {
                (code, ended) = self.run(&order)?;
            }
            if code == Some(3) {
                // AWS would refuse the last config: nothing more is to be seen.
                return Ok(());
            }
            let is_done = code == Some(0);
            last = Some((code, ended));
            if is_done {
                break;
            }
            if !matches!(code, Some(5)) && more.is_empty() {
                break;
            }
        }
        let (code, ended) = last.unwrap();
        let said = ended.said();
        // No flag outweighs the config's own word, and none makes readable what is encrypted with another key or one that goes.
        let is_for_the_config = wish.is_protected()
            || said.contains("nobody can read it without that key")
            || said.contains("blocked: it is scheduled for deletion");
        // Subnets of another network are as good as a config that AWS refuses.
        if code == Some(5) && is_for_the_config || code == Some(4) && said.contains("[SD3013]") {
            return Ok(());
        }
        if code != Some(0) {
            return Err(format!(
                "nothing is wrong any more, and it ends with {code:?}\n{}\n{}",
                ended.data, ended.notes
            ));
        }
        let plan = self.settled(&text)?;
        let waits = plan["changes"] != json!([]);
        let fresh = Stage::new(ground, &self.stage.weather);
        let (fresh_code, fresh_ended) = fresh.run(&Order::new(APPLY, &text));
        if fresh_code != Some(0) {
            return Err(format!("a fresh apply ends with {fresh_code:?}\n{}\n{}", fresh_ended.data, fresh_ended.notes));
        }
        let now = self.stage.tables();
        // Whoever has nothing to do needs no lock: one whose holder is dead may stay.
        if !judge::lock_is_free(&now) && !self.is_held {
            return Err("the lock is still held".into());
        }
        judge::equal(&now, &fresh.tables(), &plan, self.forgotten, &|line| {
            stays(line) || waits && line.starts_with("+ studio/lifecycle-config")
        })
        .map_err(|why| format!("it is not as a fresh apply makes it:\n{why}\n{said}"))
    }
}

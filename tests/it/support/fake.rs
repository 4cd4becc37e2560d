//! An account in memory that is strict on purpose: it refuses whatever an engine must never do.
//!
//! It refuses to make what exists, to take text that is not known yet, to refer to what does not exist, to delete what
//! something else refers to, and to change what cannot be changed. Its first look at an object after a write still shows
//! what was before.

use std::cell::RefCell;
use std::collections::BTreeMap;

use studio_deploy::cloud::{Cloud, CloudError, Deleted, ErrorKind};
use studio_deploy::model::{Address, Found, Graph, Kind, Node, Observed, Path, Snapshot, Value};
use studio_deploy::plan::{Change, DeletionPolicy, Effect, Record, Removal, Retention, Rules, Unset};

/// Prefix of ids; nothing else begins with it, so that references can be found.
const ID: &str = "id:";

/// The rules of every kind of the fake.
pub struct FakeRules(Kind);

/// The rules of `kind`.
pub fn rules(kind: Kind) -> &'static dyn Rules {
    static ALL: [FakeRules; Kind::ALL.len()] = {
        let mut all = [const { FakeRules(Kind::Domain) }; Kind::ALL.len()];
        let mut at = 0;
        while at < all.len() {
            all[at].0 = Kind::ALL[at];
            at += 1;
        }
        all
    };
    ALL.iter().find(|rules| rules.0 == kind).unwrap()
}

impl Rules for FakeRules {
    fn effect(&self, path: &Path, _: Option<&Value>, _: Option<&Value>) -> Effect {
        if *path == Path::of(["Fixed"]) { Effect::Immutable("loses what is in it") } else { Effect::InPlace }
    }

    fn unset(&self, _: &Path, live: &Value) -> Unset {
        // Lists are cleared by empty ones, anything else by a word, as in SageMaker.
        match live {
            Value::List(_) => Unset::Send(Value::List(Vec::new())),
            _ => Unset::Send("None".into()),
        }
    }

    fn removal(&self, _: &Observed, _: &Retention) -> Removal {
        match self.0 {
            Kind::Bucket => Removal::Retain { why: "it holds data".into(), drops: Vec::new(), later: None },
            _ => Removal::Delete,
        }
    }
}

/// A strict account in memory, for the engine alone.
#[derive(Default)]
pub struct Fake {
    world: RefCell<World>,
}

#[derive(Default)]
struct World {
    objects: BTreeMap<Address, Observed>,
    /// What the next look still shows.
    before: BTreeMap<Address, Option<Observed>>,
    record: Option<Record>,
    made: u64,
}

impl Fake {
    /// Every object's properties, with the ids that they refer to as the addresses of what has them.
    pub fn pictures(&self) -> BTreeMap<Address, Value> {
        let world = self.world.borrow();
        let name = |value: &Value| {
            let text = value.to_json().to_string();
            let named = world
                .objects
                .iter()
                .fold(text, |text, (address, object)| text.replace(&object.id, &format!("<{address}>")));
            Value::from(serde_json::from_str::<serde_json::Value>(&named).unwrap()).sorted()
        };
        world.objects.iter().map(|(address, object)| (address.clone(), name(&object.properties))).collect()
    }

    /// The record as it was last written.
    pub fn record(&self) -> Option<Record> {
        self.world.borrow().record.clone()
    }
}

impl World {
    fn refuse<T>(what: &str, address: &Address, why: impl Into<String>) -> Result<T, CloudError> {
        Err(CloudError::new(ErrorKind::Conflict, format!("{what} {address}"), why))
    }

    fn check(&self, what: &str, node: &Node) -> Result<(), CloudError> {
        if !node.properties.is_known() {
            return Self::refuse(what, &node.address, "the engine did not fill in an output");
        }
        let dangling =
            ids(&node.properties).into_iter().find(|id| self.objects.values().all(|object| object.id != *id));
        dangling
            .map_or(Ok(()), |id| Self::refuse(what, &node.address, format!("it refers to {id}, which is not there")))
    }

    fn put(&mut self, address: &Address, object: Option<Observed>) {
        let before = match object {
            Some(object) => self.objects.insert(address.clone(), object),
            None => self.objects.remove(address),
        };
        self.before.insert(address.clone(), before);
    }
}

fn ids(value: &Value) -> Vec<String> {
    match value {
        Value::Text(_) => value.as_str().filter(|text| text.starts_with(ID)).map(str::to_owned).into_iter().collect(),
        Value::List(items) => items.iter().flat_map(ids).collect(),
        Value::Map(members) => members.values().flat_map(ids).collect(),
        _ => Vec::new(),
    }
}

impl Cloud for Fake {
    async fn observe(&self, _: &Graph, _: Option<&Record>) -> Result<Snapshot, CloudError> {
        let mut world = self.world.borrow_mut();
        world.before.clear();
        Ok(world.objects.iter().map(|(address, object)| (address.clone(), Found::Ours(object.clone()))).collect())
    }

    async fn find(&self, node: &Node, _: &dyn Fn(&Found) -> bool) -> Result<Found, CloudError> {
        let world = self.world.borrow();
        Ok(world.objects.get(&node.address).map_or(Found::Absent, |object| Found::Ours(object.clone())))
    }

    async fn create(&self, node: &Node) -> Result<Observed, CloudError> {
        let mut world = self.world.borrow_mut();
        world.check("create", node)?;
        if world.objects.contains_key(&node.address) {
            return World::refuse("create", &node.address, "it exists");
        }
        world.made += 1;
        let id = format!("{ID}{}-{};", node.address, world.made);
        let object = Observed::new(&id, node.properties.clone()).output("Id", &id);
        world.put(&node.address, Some(object.clone()));
        Ok(object)
    }

    async fn update(&self, node: &Node, observed: &Observed, changes: &[Change]) -> Result<Observed, CloudError> {
        let mut world = self.world.borrow_mut();
        world.check("update", node)?;
        let Some(mut object) = world.objects.get(&node.address).filter(|live| live.id == observed.id).cloned() else {
            return World::refuse("update", &node.address, "it is not there");
        };
        for change in changes {
            if rules(node.address.kind).effect(&change.path, None, None) != Effect::InPlace {
                return World::refuse("update", &node.address, format!("{} cannot be changed", change.path));
            }
            object.properties.set_at(&change.path, change.after.clone().unwrap_or(Value::Null));
        }
        let stale = object.clone();
        world.put(&node.address, Some(object));
        // The answer of an update may still show what was before: the second look decides.
        let lagging = world.before.get(&node.address).cloned().flatten();
        Ok(if changes.len().is_multiple_of(2) { lagging.unwrap_or(stale) } else { stale })
    }

    async fn release(&self, address: &Address, _: &Observed, _: &[Change]) -> Result<(), CloudError> {
        World::refuse("release", address, "nothing here is released")
    }

    async fn delete(
        &self,
        address: &Address,
        observed: &Observed,
        _data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        let mut world = self.world.borrow_mut();
        let holder = world.objects.iter().find(|(_, other)| ids(&other.properties).contains(&observed.id));
        if let Some((holder, _)) = holder {
            let why = format!("{holder} refers to it");
            return World::refuse("delete", address, why);
        }
        if world.objects.get(address).is_some_and(|live| live.id == observed.id) {
            world.put(address, None);
        }
        Ok(Deleted::Gone)
    }

    async fn read_record(&self) -> Result<Option<Record>, CloudError> {
        Ok(self.record())
    }

    async fn write_record(&self, record: Option<&Record>) -> Result<(), CloudError> {
        self.world.borrow_mut().record = record.cloned();
        Ok(())
    }
}

//! Fingerprints of live objects: what each was when it was last read in full, so that it need not be read again.
//!
//! A fingerprint is no cache of an answer but its reconstruction: the object that [`Fingerprint::observed`] makes is equal to
//! the one that was read, member by member, or there is no fingerprint at all. So a plan of reconstructed objects is the plan
//! of read ones, for as long as the timestamps that AWS's list tells of an object are still those of the answer that was read.
//! Tags are told elsewhere, and checked by their digest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::{Action, Plan};
use crate::digest::hex;
use crate::model::{Address, Observed, State, Timestamps, Value};

/// Member of an object's properties that holds its tags.
const TAGS: &str = "Tags";

/// Everything about one object that was read in full, but for its tags, of which there is a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The times that the answer told.
    pub timestamps: Timestamps,
    /// What update and delete name it by.
    pub id: String,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// The properties that are texts.
    pub texts: BTreeMap<String, String>,
    /// The other properties as JSON, once for all objects that have the same.
    pub settings: Arc<str>,
    /// A digest of its tags.
    pub tags: String,
}

impl Fingerprint {
    /// The fingerprint of an object that is usable and was read as a whole; none of one that it could not make again.
    pub fn of(observed: &Observed) -> Option<Self> {
        let timestamps = observed.timestamps?;
        let (mut texts, mut settings) = (BTreeMap::new(), Value::map());
        for (name, value) in observed.properties.entries().filter(|(name, _)| *name != TAGS) {
            match value.as_str() {
                Some(text) => drop(texts.insert(name.clone(), text.to_owned())),
                None => settings.set(name.clone(), value.clone()),
            }
        }
        let tags = observed.properties.get(TAGS)?;
        let fingerprint = Self {
            timestamps,
            id: observed.id.clone(),
            outputs: observed.outputs.clone(),
            texts,
            settings: settings.to_request().to_string().into(),
            tags: digest(tags),
        };
        let again = fingerprint.observed(tags.clone());
        (observed.state == State::Usable && again.as_ref() == Some(observed)).then_some(fingerprint)
    }

    /// Returns `true` if these are the tags that the object had.
    pub fn has_tags(&self, tags: &Value) -> bool {
        digest(tags) == self.tags
    }

    /// The object as it was read, with these tags.
    pub fn observed(&self, tags: Value) -> Option<Observed> {
        let mut properties = Value::from(serde_json::from_str::<Json>(&self.settings).ok()?);
        for (name, text) in &self.texts {
            properties.set(name.clone(), text.as_str());
        }
        properties.set(TAGS, tags);
        let observed = Observed::new(self.id.clone(), properties);
        Some(Observed { outputs: self.outputs.clone(), timestamps: Some(self.timestamps), ..observed })
    }

    /// The fingerprint as JSON: a row, since there are thousands.
    pub fn to_json(&self) -> Json {
        let Timestamps { created, modified } = self.timestamps;
        let settings: Json = serde_json::from_str(&self.settings).unwrap_or_default();
        // Most objects are changed soon after they are made, if ever: the difference takes less room.
        json!([created, modified - created, self.id, self.outputs, self.texts, settings, self.tags])
    }

    /// The fingerprint that [`Self::to_json`] wrote; none of anything else.
    pub fn from_json(row: Json, interner: &mut Interner) -> Option<Self> {
        let Json::Array(row) = row else { return None };
        let [created, age, id, outputs, texts, settings, tags] = <[Json; 7]>::try_from(row).ok()?;
        let created = created.as_i64()?;
        Some(Self {
            timestamps: Timestamps { created, modified: created.checked_add(age.as_i64()?)? },
            id: serde_json::from_value(id).ok()?,
            outputs: serde_json::from_value(outputs).ok()?,
            texts: serde_json::from_value(texts).ok()?,
            settings: interner.intern(&settings.to_string()),
            tags: serde_json::from_value(tags).ok()?,
        })
    }
}

/// A digest of tags: 64 bits tell any change that is not made to be hidden.
fn digest(tags: &Value) -> String {
    hex(&Sha256::digest(tags.to_request().to_string())[..8])
}

/// Texts that many fingerprints share, each held once.
#[derive(Debug, Default)]
pub struct Interner(BTreeSet<Arc<str>>);

impl Interner {
    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

/// Fingerprints of a deployment's objects, by address. Losing them costs reads, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(Arc<BTreeMap<Address, Fingerprint>>);

impl Fingerprints {
    /// The format of a row, which grows when a kind makes something else of the same answer: fingerprints of another format
    /// are none.
    pub const FORMAT: u32 = 1;

    /// The fingerprint of the object at an address.
    pub fn get(&self, address: &Address) -> Option<&Fingerprint> {
        self.0.get(address)
    }

    /// All fingerprints by their addresses.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Fingerprint)> {
        self.0.iter()
    }

    /// Returns `true` if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fingerprints once `plan` was carried out as far as `done`: of what was `verified` after a write, and of what the
    /// plan found and keeps. What was not to be touched keeps its own; what failed has none, so it is read next time.
    #[must_use]
    pub fn after(&self, plan: &Plan, done: &BTreeSet<Address>, mut verified: BTreeMap<Address, Fingerprint>) -> Self {
        let omitted: BTreeSet<&Address> = plan.omitted().collect();
        let kept = self.iter().filter(|(address, _)| omitted.contains(address));
        let mut all: BTreeMap<Address, Fingerprint> =
            kept.map(|(address, fingerprint)| (address.clone(), fingerprint.clone())).collect();
        for step in plan.steps() {
            let fingerprint = match step.action() {
                Action::Keep if step.node().is_some() => step.observed().and_then(Fingerprint::of),
                _ => verified.remove(step.address()).filter(|_| done.contains(step.address())),
            };
            all.remove(step.address());
            all.extend(fingerprint.map(|fingerprint| (step.address().clone(), fingerprint)));
        }
        all.into_iter().collect()
    }
}

/// Fingerprints that share what is equal.
impl FromIterator<(Address, Fingerprint)> for Fingerprints {
    fn from_iter<I: IntoIterator<Item = (Address, Fingerprint)>>(all: I) -> Self {
        let mut interner = Interner::default();
        let all = all.into_iter().map(|(address, fingerprint)| {
            (address, Fingerprint { settings: interner.intern(&fingerprint.settings), ..fingerprint })
        });
        Self(Arc::new(all.collect()))
    }
}

impl Serialize for Fingerprints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: BTreeMap<String, Json> =
            self.iter().map(|(address, fingerprint)| (address.to_string(), fingerprint.to_json())).collect();
        json!({"format": Self::FORMAT, "rows": rows}).serialize(serializer)
    }
}

/// Whatever is not understood is no fingerprint: that must cost no more than a read.
impl<'de> Deserialize<'de> for Fingerprints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Json::deserialize(deserializer)?;
        if json["format"] != Self::FORMAT {
            return Ok(Self::default());
        }
        let Json::Object(rows) = json["rows"].take() else { return Ok(Self::default()) };
        let mut interner = Interner::default();
        let rows = rows
            .into_iter()
            .filter_map(|(address, row)| Some((address.parse().ok()?, Fingerprint::from_json(row, &mut interner)?)));
        Ok(Self(Arc::new(rows.collect())))
    }
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;

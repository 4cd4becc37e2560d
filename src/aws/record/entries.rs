//! The record as entries, which can be stored in any number of parameters: what it says of an address stands in the entry of
//! that address, so that a change of one is a change of one entry.
//!
//! What many entries say alike, such as the settings of a hundred profiles, is an entry of its own under its digest
//! (hash-consing), and a reference to it wherever it is said.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::model::{Address, Path};
use crate::plan::{Fingerprint, Fingerprints, Interner, Record};

/// Entries by their keys: an address, or a shared value's digest, or a location, each marked as such.
pub(super) type Entries = BTreeMap<String, Json>;

/// In front of the digest of a value that is shared; also the key of a reference to one. No member of AWS's is called so.
const SHARED: &str = "=";
/// In front of the location of an asset that lies where nothing names it.
const LEFT: &str = "+";
/// Length of the shortest text that is worth a reference.
const WORTH: usize = 80;

/// Members of the entry of an address.
const PATHS: &str = "p";
const ASSET: &str = "a";
const PENDING: &str = "d";
const UNMADE: &str = "u";
const FINGERPRINT: &str = "f";

/// Place of the settings in a fingerprint's row.
const SETTINGS: usize = 5;

/// Everything that a record says of single things; what is left is its format and the digest of the config.
pub(super) fn of(record: &Record) -> Entries {
    let mut entries = Entries::new();
    let mut shared = Entries::new();
    let mut say = |key: String, member: &str, value: Json| {
        entries.entry(key).or_insert_with(|| json!({}))[member] = value;
    };
    for set in &record.managed {
        let paths = share(json!(set.paths), &mut shared);
        set.of.iter().for_each(|address| say(address.to_string(), PATHS, paths.clone()));
    }
    for (address, digest) in &record.assets {
        say(address.clone(), ASSET, json!(digest));
    }
    record.pending_delete.iter().for_each(|address| say(address.clone(), PENDING, true.into()));
    record.unmade.iter().for_each(|address| say(address.to_string(), UNMADE, true.into()));
    for (address, fingerprint) in record.fingerprints.iter() {
        let mut row = fingerprint.to_json();
        // Profiles differ in a setting or two: each setting is shared for itself.
        if let Json::Object(settings) = &mut row[SETTINGS] {
            let groups = settings.values_mut().filter_map(Json::as_object_mut);
            groups.flat_map(Map::values_mut).for_each(|setting| *setting = share(setting.take(), &mut shared));
        }
        say(address.to_string(), FINGERPRINT, row);
    }
    entries.extend(record.left_assets.iter().map(|location| (format!("{LEFT}{location}"), json!({}))));
    entries.extend(shared);
    entries
}

/// The record that these entries say, with what stands beside them; none when any of them is not understood, but for
/// fingerprints, of which those are left out.
pub(super) fn record(format: u32, config_digest: String, fingerprints: u32, entries: Entries) -> Option<Record> {
    let (shared, entries): (Entries, Entries) = entries.into_iter().partition(|(key, _)| key.starts_with(SHARED));
    let mut record = Record { format, config_digest, ..Record::default() };
    let mut paths: Vec<(Address, BTreeSet<Path>)> = Vec::new();
    let mut rows: Vec<(Address, Fingerprint)> = Vec::new();
    let mut interner = Interner::default();
    for (key, mut entry) in entries {
        if let Some(location) = key.strip_prefix(LEFT) {
            record.left_assets.insert(location.to_owned());
            continue;
        }
        let address: Address = key.parse().ok()?;
        if let Some(said) = entry.get_mut(PATHS) {
            paths.push((address.clone(), serde_json::from_value(given(said.take(), &shared)?).ok()?));
        }
        if let Some(digest) = entry.get_mut(ASSET) {
            record.assets.insert(key.clone(), serde_json::from_value(digest.take()).ok()?);
        }
        if entry.get(PENDING).is_some() {
            record.pending_delete.insert(key);
        }
        if entry.get(UNMADE).is_some() {
            record.unmade.insert(address.clone());
        }
        let row = entry.get_mut(FINGERPRINT).filter(|_| fingerprints == Fingerprints::FORMAT).map(Json::take);
        rows.extend(row.and_then(|row| Some((address, fingerprint(row, &shared, &mut interner)?))));
    }
    record.managed = Record::path_sets(paths.into_iter());
    record.fingerprints = rows.into_iter().collect();
    Some(record)
}

fn fingerprint(mut row: Json, shared: &Entries, interner: &mut Interner) -> Option<Fingerprint> {
    if let Some(Json::Object(settings)) = row.get_mut(SETTINGS) {
        for setting in settings.values_mut().filter_map(Json::as_object_mut).flat_map(Map::values_mut) {
            *setting = given(setting.take(), shared)?;
        }
    }
    Fingerprint::from_json(row, interner)
}

/// A reference to a value in place of it, if it is worth one.
fn share(value: Json, shared: &mut Entries) -> Json {
    let text = value.to_string();
    if text.len() < WORTH || !(value.is_object() || value.is_array()) {
        return value;
    }
    let digest = hex(&Sha256::digest(text)[..8]);
    shared.insert(format!("{SHARED}{digest}"), value);
    json!({SHARED: digest})
}

/// The value that is meant; none when it is a reference to nothing.
fn given(value: Json, shared: &Entries) -> Option<Json> {
    match value.get(SHARED).and_then(Json::as_str) {
        Some(digest) => shared.get(&format!("{SHARED}{digest}")).cloned(),
        None => Some(value),
    }
}

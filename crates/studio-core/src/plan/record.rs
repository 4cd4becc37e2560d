//! Record of what earlier applies have managed: the third side of the three-way compare.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Action, Fingerprints, Step};
use crate::digest::hex;
use crate::model::{Address, Graph, Kind, Observed, Path};

/// The deployment record, kept beside the environment in SSM. Losing it costs no more than the memory of which
/// settings were once set and are to be taken back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Grows when the meaning of a member changes.
    pub format: u32,
    /// A digest of everything that the config asked for.
    pub config_digest: String,
    /// The property paths that applies have set, per address; equal sets stand once.
    pub managed: Vec<PathSet>,
    /// What was uploaded, per asset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assets: BTreeMap<String, AssetDigest>,
    /// Where assets lie that the config named once: they stay, and are nobody else's doing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_assets: BTreeSet<String>,
    /// Lifecycle configs that are to be deleted as soon as nothing uses them any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pending_delete: BTreeSet<String>,
    /// What a run that was interrupted had still to make, so that nobody takes its absence for a loss.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unmade: BTreeSet<Address>,
    /// What was read in full, so that it need not be asked for again. A plan hands them on as they are, so that they are no
    /// change of it.
    #[serde(default, skip_serializing_if = "Fingerprints::is_empty")]
    pub fingerprints: Fingerprints,
}

/// A set of paths that several addresses share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathSet {
    /// The paths.
    pub paths: Vec<Path>,
    /// The addresses.
    pub of: BTreeSet<Address>,
}

/// Digest that an upload of an asset left, to tell later whether anything moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssetDigest {
    /// Of the local content.
    pub content: String,
    /// Of the bucket's listing: keys, sizes and ETags.
    pub listing: String,
    /// Where it lies (`s3://bucket/prefix/`): it stays there when nothing names it any more.
    #[serde(default)]
    pub location: String,
}

impl AssetDigest {
    /// The digest that a look at an asset, or an upload of it, tells.
    pub fn of(observed: &Observed) -> Option<Self> {
        let output = |name: &str| observed.outputs.get(name).cloned();
        Some(Self { content: output("Content")?, listing: output("Listing")?, location: observed.id.clone() })
    }
}

impl Record {
    /// The format that this version writes.
    pub const FORMAT: u32 = 1;

    /// The paths that applies have set on `address`.
    pub fn paths(&self, address: &Address) -> &[Path] {
        self.managed.iter().find(|set| set.of.contains(address)).map_or(&[], |set| &set.paths)
    }

    /// Sets of paths that addresses share, out of the paths of each address.
    pub fn path_sets(paths: impl Iterator<Item = (Address, BTreeSet<Path>)>) -> Vec<PathSet> {
        share(paths)
    }

    /// The same record as if nothing had ever been read.
    #[must_use]
    pub fn without_fingerprints(&self) -> Self {
        Self { fingerprints: Fingerprints::default(), ..self.clone() }
    }

    /// The same record where some addresses are left as an earlier one has them, and others get a part of what it says: it is
    /// of no config.
    #[must_use]
    pub(super) fn without(&self, old: Option<&Self>, left: &BTreeSet<&Address>, partly: &BTreeSet<&Address>) -> Self {
        let empty = Self { format: Self::FORMAT, ..Self::default() };
        let old = old.unwrap_or(&empty);
        let all: BTreeSet<&Address> = self.managed.iter().chain(&old.managed).flat_map(|set| &set.of).collect();
        let paths = all.into_iter().map(|address| {
            let (new, old) = (self.paths(address), old.paths(address));
            let paths: BTreeSet<Path> = match (left.contains(address), partly.contains(address)) {
                (true, _) => old.iter().cloned().collect(),
                (_, true) => new.iter().chain(old).cloned().collect(),
                _ => new.iter().cloned().collect(),
            };
            (address.clone(), paths)
        });
        let is_left = |address: &String| left.iter().any(|left| left.to_string() == *address);
        let mut record = Self { config_digest: old.config_digest.clone(), ..self.clone() };
        record.managed = share(paths.filter(|(_, paths)| !paths.is_empty()));
        record.assets.retain(|address, _| !is_left(address));
        record
            .assets
            .extend(old.assets.iter().filter(|(address, _)| is_left(address)).map(|(a, d)| (a.clone(), d.clone())));
        record.pending_delete.extend(old.pending_delete.iter().filter(|address| is_left(address)).cloned());
        record
    }

    /// The same record with everything that `other` manages besides: what is safe to believe while a run is under way.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let addresses: BTreeSet<&Address> = self.managed.iter().chain(&other.managed).flat_map(|set| &set.of).collect();
        let paths = addresses.into_iter().map(|address| {
            (address.clone(), self.paths(address).iter().chain(other.paths(address)).cloned().collect::<BTreeSet<_>>())
        });
        let mut union = other.clone();
        union.managed = share(paths);
        union.assets.extend(self.assets.clone());
        union.left_assets.extend(self.left_assets.iter().cloned());
        union.pending_delete.extend(self.pending_delete.iter().cloned());
        union.unmade.extend(self.unmade.iter().cloned());
        union.fingerprints = self.fingerprints.clone();
        union
    }

    /// The same record while `steps` are carried out, and after a run that ended with `made` of them.
    #[must_use]
    pub fn with_unmade(mut self, steps: &[Step], made: &BTreeSet<Address>) -> Self {
        let makes =
            |step: &&Step| matches!(step.action(), Action::Create | Action::Replace) && !made.contains(&step.address);
        self.unmade = steps.iter().filter(makes).map(|step| step.address.clone()).collect();
        self
    }
}

/// The record once `steps` are done; none when nothing is left to record.
pub(super) fn next(graph: &Graph, recorded: Option<&Record>, steps: &[Step], destroy: bool) -> Option<Record> {
    if destroy {
        // While something of ours stays behind that a step could not remove, the record stays with it.
        let stays = steps.iter().any(|step| step.blocked.is_some());
        return recorded.filter(|_| stays).cloned();
    }
    let mut assets = recorded.map(|record| record.assets.clone()).unwrap_or_default();
    // What an earlier run uploaded without getting as far as writing it down.
    let kept = steps.iter().filter(|step| step.action() == Action::Keep && step.node().is_some());
    assets.extend(kept.filter_map(|step| Some((step.address.to_string(), AssetDigest::of(step.observed()?)?))));
    let wanted: BTreeSet<String> =
        graph.keys().filter(|address| address.kind == Kind::BucketObject).map(ToString::to_string).collect();
    let mut left_assets = recorded.map(|record| record.left_assets.clone()).unwrap_or_default();
    let unwanted = assets.iter().filter(|(address, _)| !wanted.contains(*address));
    left_assets.extend(unwanted.map(|(_, asset)| asset.location.clone()).filter(|location| !location.is_empty()));
    let lies = |location: &String| {
        assets.iter().any(|(address, asset)| wanted.contains(address) && asset.location == *location)
    };
    left_assets.retain(|location| !lies(location));
    // Only lifecycle configs are superseded; a user's name may hold an @ of its own.
    let held = steps.iter().filter(|step| {
        step.action() == Action::Keep && step.address.kind == Kind::LifecycleConfig && step.address.name.contains('@')
    });
    Some(Record {
        format: Record::FORMAT,
        config_digest: digest(graph),
        managed: share(graph.iter().map(|(address, node)| {
            (address.clone(), node.properties.leaves().into_iter().map(|(path, _)| path).collect())
        })),
        assets: assets.into_iter().filter(|(address, _)| wanted.contains(address)).collect(),
        left_assets,
        pending_delete: held.map(|step| step.address.to_string()).collect(),
        unmade: BTreeSet::new(),
        fingerprints: recorded.map(|record| record.fingerprints.clone()).unwrap_or_default(),
    })
}

/// Groups addresses by their paths.
fn share(paths: impl Iterator<Item = (Address, BTreeSet<Path>)>) -> Vec<PathSet> {
    let mut sets: BTreeMap<BTreeSet<Path>, BTreeSet<Address>> = BTreeMap::new();
    for (address, paths) in paths {
        sets.entry(paths).or_default().insert(address);
    }
    sets.into_iter().map(|(paths, of)| PathSet { paths: paths.into_iter().collect(), of }).collect()
}

/// A digest of everything that the config asks for, outputs left open, so that it is the same on every machine.
fn digest(graph: &Graph) -> String {
    let mut hash = Sha256::new();
    for (address, node) in graph {
        hash.update(address.to_string());
        hash.update(node.properties.sorted().to_json().to_string());
    }
    hex(&hash.finalize()[..16])
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;

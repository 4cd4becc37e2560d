//! What should exist: nodes, and the edges that their texts imply.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Address, Path, Value};

/// The place in the YAML that a property comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Source {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One thing that should exist.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name everywhere.
    pub address: Address,
    /// What it should be, in the API's own names and shapes, as a map.
    pub properties: Value,
    /// Where properties come from; a property without an entry of its own has its nearest ancestor's.
    pub sources: BTreeMap<Path, Source>,
    /// Nodes that must be done first although no data of theirs is used.
    pub after: BTreeSet<Address>,
    /// What holds, as far as it is known, where `properties` say nothing: a profile's settings are then the domain's. It is
    /// what a setting is put to that AWS does not take back. Null for what inherits nothing.
    pub fallback: Value,
}

impl Node {
    /// A node with no source and no order of its own yet.
    pub fn new(address: Address, properties: Value) -> Self {
        Self { address, properties, sources: BTreeMap::new(), after: BTreeSet::new(), fallback: Value::Null }
    }

    /// The YAML line that a property comes from: its own, or its nearest ancestor's.
    pub fn source(&self, path: &Path) -> Option<&Source> {
        (0..=path.0.len()).rev().find_map(|length| self.sources.get(&Path(path.0[..length].to_vec())))
    }

    /// The nodes that must be done first.
    pub fn dependencies(&self) -> BTreeSet<&Address> {
        self.properties.outputs().into_iter().map(|(of, _)| of).chain(&self.after).collect()
    }
}

/// Every node of a deployment, by address.
pub type Graph = BTreeMap<Address, Node>;

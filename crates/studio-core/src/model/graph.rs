//! Desired state: nodes, and the edges that the outputs in their texts imply.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use super::{Address, Path, Value};

/// Location in the YAML: file, line and column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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

/// Desired state of one resource.
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
    /// The files that belong to it, for an asset: `properties` have their digests, and these where they lie.
    pub files: Option<Arc<Manifest>>,
}

impl Node {
    /// A node with no source and no order of its own yet.
    pub fn new(address: Address, properties: Value) -> Self {
        Self {
            address,
            properties,
            sources: BTreeMap::new(),
            after: BTreeSet::new(),
            fallback: Value::Null,
            files: None,
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Kind, Text};

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn output(of: &str) -> Value {
        Text::from("arn:").then(Text::output(address(of), "Arn")).into()
    }

    #[test]
    fn a_node_waits_for_what_its_texts_name_and_what_it_is_told_to() {
        for (name, properties, after, expected) in [
            ("nothing", Value::map(), vec![], vec![]),
            ("a text", [("Role", output("execution_role.a"))].into_iter().collect(), vec![], vec!["execution_role.a"]),
            (
                "in a list of maps",
                [("All", vec![Value::from_iter([("Key", output("kms_key.a"))])])].into_iter().collect(),
                vec![],
                vec!["kms_key.a"],
            ),
            ("no data", json!({"A": "kms_key.a"}).into(), vec!["bucket.a"], vec!["bucket.a"]),
            (
                "both, each once",
                [("Role", output("bucket.a")), ("Key", output("kms_key.a"))].into_iter().collect(),
                vec!["bucket.a"],
                vec!["bucket.a", "kms_key.a"],
            ),
        ] {
            let mut node = Node::new(address("domain.studio"), properties);
            node.after = after.into_iter().map(address).collect();
            let expected: BTreeSet<Address> = expected.into_iter().map(address).collect();
            assert_eq!(node.dependencies(), expected.iter().collect(), "{name}");
        }
    }

    #[test]
    fn a_property_has_its_own_place_or_its_nearest_ancestors() {
        let mut node = Node::new(Address::new(Kind::Domain, "studio"), Value::map());
        assert_eq!(node.source(&Path::of(["A"])), None);
        for (path, line) in [("", 1), ("A", 2), ("A.B.C", 4), ("Tags[a.b]", 9)] {
            let source = Source { file: "studio.yaml".into(), line, column: 7 };
            node.sources.insert(path.parse().unwrap(), source);
        }
        for (path, place) in [
            ("", "studio.yaml:1"),
            ("Z.Z", "studio.yaml:1"),
            ("A", "studio.yaml:2"),
            ("A.B", "studio.yaml:2"),
            ("A.B.C", "studio.yaml:4"),
            ("A.B.C.D", "studio.yaml:4"),
            ("Tags", "studio.yaml:1"),
            ("Tags[a.b]", "studio.yaml:9"),
        ] {
            assert_eq!(node.source(&path.parse().unwrap()).unwrap().to_string(), place, "{path}");
        }
    }
}

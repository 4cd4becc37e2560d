//! Limits of AWS on what is made of the whole config, looked at before the first write.
//!
//! What a single value may be is checked with the config; these need the documents as they will be sent.

use super::policy;
use crate::config::codes;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::model::{Graph, Kind, Path};

/// A limit on the size of a document.
struct Limit {
    kind: Kind,
    property: &'static str,
    /// How many characters it may have, without blanks.
    characters: usize,
    what: &'static str,
}

/// Every limit, by the service's documentation: S3 user guide, "Bucket policies" (20 KB); KMS developer guide, "Resource
/// quotas" (key policy document size, 32 KB); IAM user guide, "IAM and STS quotas" (managed policy, 6,144 characters).
const LIMITS: [Limit; 4] = [
    Limit { kind: Kind::Bucket, property: "Policy", characters: 20_480, what: "the bucket's policy" },
    Limit { kind: Kind::KmsKey, property: "KeyPolicy", characters: 32_768, what: "the key's policy" },
    Limit { kind: Kind::AssetPolicy, property: "PolicyDocument", characters: 6144, what: "the asset role's policy" },
    Limit {
        kind: Kind::ExecutionPolicy,
        property: "PolicyDocument",
        characters: 6144,
        what: "the execution role's policy",
    },
];

/// What AWS would refuse of a graph for its size; what is not known yet counts with the length of its placeholder.
pub fn refused(graph: &Graph) -> Diagnostics {
    let mut refused = Diagnostics::default();
    for limit in LIMITS {
        for node in graph.values().filter(|node| node.address.kind == limit.kind) {
            let size = node.properties.get(limit.property).map_or(0, |document| policy::text(document).len());
            if size <= limit.characters {
                continue;
            }
            let summary =
                format!("AWS refuses {}: it has {size} characters, where {} are allowed", limit.what, limit.characters);
            let mut mistake = Diagnostic::new(&codes::LENGTH, summary)
                .help("name fewer roles: one role that several people assume takes the place of many");
            if let Some(source) = node.source(&Path::of([limit.property])) {
                mistake = mistake.at(&Place { source: source.clone(), length: 1 });
            }
            refused.push(mistake);
        }
    }
    refused
}

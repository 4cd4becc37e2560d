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

/// Documents that may hold only characters of Latin-1, by the API models of IAM (`policyDocumentType`) and KMS
/// (`PolicyType`): `[\u0009\u000A\u000D\u0020-\u00FF]+`.
const LATIN: [(Kind, &str); 5] = [
    (Kind::ExecutionRole, "AssumeRolePolicyDocument"),
    (Kind::AssetRole, "AssumeRolePolicyDocument"),
    (Kind::KmsKey, "KeyPolicy"),
    (Kind::AssetPolicy, "PolicyDocument"),
    (Kind::ExecutionPolicy, "PolicyDocument"),
];

/// What AWS would refuse of a graph for its size or its characters; what is not known yet counts with the length of its
/// placeholder.
pub fn refused(graph: &Graph) -> Diagnostics {
    let mut refused = Diagnostics::default();
    for node in graph.values() {
        for (_, property) in LATIN.iter().filter(|(kind, _)| node.address.kind == *kind) {
            let document = node.properties.get(property).map(policy::text).unwrap_or_default();
            let Some(c) = document.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) else {
                continue;
            };
            let summary = format!("AWS refuses the {property} of {}: it holds `{c}`", node.address);
            let mistake = Diagnostic::new(&codes::IDENTIFIER, summary)
                .help("policies take Latin letters only: use another name for what the config puts into it");
            refused.push(match node.source(&Path::of([*property])) {
                Some(source) => mistake.at(&Place { source: source.clone(), length: 1 }),
                None => mistake,
            });
        }
    }
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

//! Limits of AWS on what is made of the whole config, looked at before the first write.
//!
//! What a single value may be is checked with the config; these need the documents as they will be sent. Trust policies,
//! whose limit is 2,048 characters, hold nothing of the config.

use super::{Desired, policy};
use crate::config::codes;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model::{Address, Kind, Node, Path, Source};

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

/// Mistakes that AWS would refuse in what is made, for its size or its characters. What is not known before an apply
/// counts with the length that it will have.
pub fn refused(desired: &Desired) -> Diagnostics {
    let mut refused = Diagnostics::default();
    for node in desired.graph().values() {
        for (_, property) in LATIN.iter().filter(|(kind, _)| node.address.kind == *kind) {
            let document = node.properties.get(property).map(policy::text).unwrap_or_default();
            let Some(c) = document.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) else {
                continue;
            };
            let summary = format!("AWS refuses the {property} of {}: it holds `{c}`", node.address);
            let mistake = Diagnostic::new(&codes::IDENTIFIER, summary)
                .help("policies take Latin letters only: use another name for what the config puts into it");
            refused.push(at(mistake, node.source(&Path::of([*property])).cloned()));
        }
        for limit in LIMITS.iter().filter(|limit| limit.kind == node.address.kind) {
            let Some(document) = node.properties.get(limit.property) else { continue };
            let document = policy::text(&document.resolve(&|of, attribute| Some(stand_in(desired, of, attribute))));
            let size = document.chars().count();
            if size > limit.characters {
                refused.push(too_large(desired, node, limit, &document, size));
            }
        }
    }
    refused
}

/// The mistake that a document is too large, at what makes up most of it.
fn too_large(desired: &Desired, node: &Node, limit: &Limit, document: &str, size: usize) -> Diagnostic {
    let config = &desired.config.domain;
    let share = |text: &str| if text.is_empty() { 0 } else { document.matches(text).count() * text.len() };
    let admins: usize = desired.roles.data_admins.iter().map(|id| share(&format!("\"{id}:*\""))).sum();
    let parts = [
        ("dataAdminRoles", admins, "name fewer roles: one role that several people assume takes the place of many"),
        ("notebookSharingPrefix", share(&config.notebook_sharing_prefix), "use a shorter prefix"),
        ("assetPrefix", share(&config.asset_prefix), "use a shorter prefix"),
    ];
    let summary =
        format!("AWS refuses {}: it has {size} characters, where {} are allowed", limit.what, limit.characters);
    match parts.into_iter().max_by_key(|(_, share, _)| *share).filter(|(_, share, _)| share * 4 > size) {
        Some((key, share, help)) => {
            let summary = format!("{summary}, and {share} come from `{key}`");
            at(Diagnostic::new(&codes::LENGTH, summary).help(help), desired.source(&["domain", key]))
        }
        None => {
            let help =
                "org, env, domain and module, and the names of given roles and buckets, stand in it: shorten them";
            let source = node.source(&Path::of([limit.property])).cloned();
            at(Diagnostic::new(&codes::LENGTH, summary).help(help), source)
        }
    }
}

/// Text as long as what an output will be.
fn stand_in(desired: &Desired, of: &Address, attribute: &str) -> String {
    let (place, names) = (&desired.deployment, &desired.names);
    match (of.kind, attribute) {
        (Kind::KmsKey, "Arn") => place.arn("kms", "key/00000000-0000-0000-0000-000000000000"),
        (Kind::ExecutionRole, "Arn") => place.iam_arn(&format!("role/{}", names.execution_role)),
        (Kind::AssetRole, "Arn") => place.iam_arn(&format!("role/{}", names.asset_role)),
        (Kind::Bucket, "Arn") => format!("arn:{}:s3:::{}", place.partition, names.bucket),
        (Kind::Bucket, _) => names.bucket.clone(),
        (Kind::Domain, "DomainId") => "d-000000000000".to_owned(),
        // Unique ids of IAM, the longest of what is left.
        _ => "AROA00000000000000000".to_owned(),
    }
}

fn at(mistake: Diagnostic, source: Option<Source>) -> Diagnostic {
    match source {
        Some(source) => mistake.at(&Span { source, length: 1 }),
        None => mistake,
    }
}

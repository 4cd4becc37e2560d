//! Things of somebody else's: whether they may be taken over, and what cannot be done as long as they are not.

use std::collections::BTreeSet;

use super::{Blocked, Notice, Options, Step};
use crate::model::{Address, Deployment, Found, Graph, Kind, Node, Owner, Snapshot};

/// The kinds that MDAA tags and that one environment has for itself, so that they tell whose what lies beside them is. A
/// published parameter's name may be another environment's as well, and a user's profile anybody's.
const TELLING: [Kind; 6] =
    [Kind::ExecutionRole, Kind::AssetRole, Kind::KmsKey, Kind::SecurityGroup, Kind::Bucket, Kind::Domain];

/// Evidence of the tagged things of an environment's names about those beside them that nobody tags.
pub(super) struct Company<'a> {
    /// Somebody else's, and where that was seen.
    claimed: Option<(&'a Address, &'a Owner)>,
    /// Whether any of them is this deployment's, by our tags or all of MDAA's.
    is_proven: bool,
}

impl<'a> Company<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let telling = || snapshot.iter().filter(|(address, _)| TELLING.contains(&address.kind));
        let claimed = telling().find_map(|(address, found)| match found {
            Found::Foreign { owner, .. } if owner.is_claimed() => Some((address, owner)),
            _ => None,
        });
        let proves = |found: &Found| matches!(found, Found::Ours(_) | Found::Foreign { owner: Owner::Mdaa { .. }, .. });
        Self { claimed, is_proven: telling().any(|(_, found)| proves(found)) }
    }

    /// Returns `true` if a thing of somebody else's is taken over.
    pub(super) fn yields(&self, address: &Address, owner: &Owner, options: &Options) -> bool {
        let is_named = options.adopt_addresses.contains(address);
        match owner {
            Owner::Mdaa { .. } => options.adopt || is_named,
            Owner::MdaaByName => self.claimed.is_none() && (is_named || options.adopt && self.is_proven),
            owner => owner.may_yield() && is_named,
        }
    }

    /// Reason why a thing of somebody else's may not be touched, and what would let it.
    pub(super) fn blocked(&self, node: &Node, owner: &Owner, deployment: &Deployment) -> Blocked {
        let address = &node.address;
        let other_name = "choose another org, env, domain or module name";
        let (why, hint) = match owner {
            Owner::Mdaa { stack } => (
                stack.as_ref().map_or_else(
                    || "it carries this deployment's MDAA tags but not ours".to_owned(),
                    |stack| format!("MDAA's CloudFormation stack {stack} owns it"),
                ),
                "take it over with `--adopt`".to_owned(),
            ),
            Owner::MdaaByName => match self.claimed {
                Some((beside, owner)) => (
                    format!(
                        "it has the name that MDAA gives it and no tags, and {beside} of the same environment is not \
                         ours: {}",
                        self.blocked(&Node::new(beside.clone(), node.properties.clone()), owner, deployment).why
                    ),
                    format!("{other_name}, or delete it there first"),
                ),
                None => (
                    "it has the name that MDAA gives it and no tags, and MDAA tags none of its kind".to_owned(),
                    match self.is_proven {
                        true => format!("take it over with `--adopt`, or alone with `--adopt={address}`"),
                        false => format!("if it is yours, take it over with `--adopt={address}`"),
                    },
                ),
            },
            Owner::Partly { missing } => (
                format!("MDAA tags its kind with all five of its tags, and it lacks {}", missing.join(", ")),
                format!("find out whose it is; if it is yours, take it over with `--adopt={address}`"),
            ),
            Owner::Released { stack } => (
                format!("its tags say that it is this deployment's, but the CloudFormation stack {stack} made it, which is gone"),
                format!("find out whose it is; if it is yours, take it over with `--adopt={address}`"),
            ),
            Owner::Deployment(tag) => {
                (format!("the deployment {tag} owns it"), format!("destroy it there first, or {other_name}"))
            }
            Owner::Environment(four) => (
                format!("its tags say that MDAA's environment {four} owns it"),
                format!("{other_name}: the words of both join to the same names"),
            ),
            Owner::Stack(stack) => (
                format!("the CloudFormation stack {stack} owns it"),
                format!("{other_name}, or delete it there first"),
            ),
            // A bucket's name is the only one that accounts share.
            Owner::Account => (
                "another account owns that name, which is unique in the whole world, or this account may not look at it"
                    .to_owned(),
                format!(
                    "{other_name}, or make a bucket whose name ends in -{}-{} and give it as `domainBucket`",
                    deployment.account, deployment.region
                ),
            ),
            Owner::Elsewhere(region) => (
                format!("a bucket of that name is in {region}, and names are unique in the whole world"),
                format!("{other_name}: names leave out the region, so one account cannot use the same in two"),
            ),
            Owner::Several(all) => (
                format!("{} of them carry this deployment's tags: {}", all.len(), all.join("; ")),
                format!(
                    "say which it is: `aws kms create-alias --alias-name {} --target-key-id KEY`",
                    node.properties.text("AliasName").unwrap_or("ALIAS")
                ),
            ),
            Owner::Unknown => (
                "something of that name exists that studio-deploy did not make".to_owned(),
                format!("delete or rename it, or take it over with `--adopt={address}`"),
            ),
        };
        Blocked::new(why, hint)
    }

    /// Things that MDAA made beside what is taken over, and the config no longer names: nothing happens to them.
    pub(super) fn left(&self, snapshot: &Snapshot, graph: &Graph, options: &Options) -> Vec<Notice> {
        let adopts = options.adopt || !options.adopt_addresses.is_empty();
        if !adopts || options.destroy || self.claimed.is_some() {
            return Vec::new();
        }
        let left = snapshot.iter().filter(|(address, _)| !graph.contains_key(*address));
        left.filter_map(|(address, found)| {
            let Found::Foreign { owner: Owner::Mdaa { .. } | Owner::MdaaByName, observed: Some(live) } = found else {
                return None;
            };
            let what = match address.kind {
                Kind::UserProfile => "the user profile",
                Kind::LifecycleConfig => "the lifecycle config",
                Kind::Parameter => "the parameter",
                _ => return None,
            };
            let message = format!(
                "MDAA made {what} {}, and the config does not name it: it stays as it is. Name it in the config to take it \
                 over, or delete it yourself",
                live.id
            );
            Some(Notice::new(Some(address.clone()), message))
        })
        .collect()
    }
}

/// Blocks a step that builds on what is somebody else's: what is left out takes everything with it that would be put
/// into it.
pub(super) fn follow(step: &mut Step, foreign: &BTreeSet<Address>) {
    let on = step.waits_for.iter().find(|of| foreign.contains(*of));
    if let Some(on) = on.filter(|_| step.runs()) {
        let what = format!("it builds on {on}, which is somebody else's");
        step.blocked = Some(Blocked::new(what, format!("whoever owns {on} is named there, with the way out")));
    }
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;

//! The order of creation: each node after what it waits for.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Graph};

/// Two nodes that wait for each other: a bug of the graph, since a config cannot say such a thing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} waits for itself by way of other nodes: this is a bug in studio-deploy")]
pub struct Cycle(pub Address);

/// A topological order of the graph by Kahn's algorithm, wave by wave.
///
/// Each node counts what it still waits for, and a node whose count falls to zero joins the next wave, so that the whole
/// takes no longer than there are edges. Within a wave nodes stand in creation order, whatever the order of the YAML, so that
/// plans read alike. What is left when no wave is left waits for itself.
pub(super) fn order(graph: &Graph) -> Result<Vec<Address>, Cycle> {
    let mut waits_for: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut followers: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (address, node) in graph {
        let needs: Vec<&Address> = node.dependencies().into_iter().filter(|of| graph.contains_key(*of)).collect();
        waits_for.insert(address, needs.len());
        for of in needs {
            followers.entry(of).or_default().push(address);
        }
    }
    let mut order = Vec::with_capacity(graph.len());
    let mut wave: BTreeSet<&Address> =
        waits_for.iter().filter(|(_, count)| **count == 0).map(|(address, _)| *address).collect();
    while !wave.is_empty() {
        let mut next = BTreeSet::new();
        for address in wave {
            waits_for.remove(address);
            order.push(address.clone());
            for follower in followers.remove(address).unwrap_or_default() {
                let Some(count) = waits_for.get_mut(follower) else { continue };
                *count -= 1;
                if *count == 0 {
                    next.insert(follower);
                }
            }
        }
        wave = next;
    }
    waits_for.keys().next().map_or(Ok(order), |stuck| Err(Cycle((*stuck).clone())))
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;

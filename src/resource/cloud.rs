//! The real account behind the engine's seam: each verb goes to the kind's own file.

use std::rc::Rc;

use futures_util::future::try_join_all;

use super::{KINDS, ObserveContext, Resource, of};
use crate::aws::{Account, record, wait};
use crate::cloud::{Cloud, CloudError, Deleted, Slot};
use crate::model::{Address, Found, Graph, Kind, Node, Observed, Snapshot};
use crate::plan::{Change, DeletionPolicy, Record};

impl Cloud for Account {
    async fn in_slot<T>(&self, slot: Rc<dyn Slot>, work: impl Future<Output = T>) -> T {
        wait::in_slot(slot, work).await
    }

    async fn observe(&self, graph: &Graph, record: Option<&Record>) -> Result<Snapshot, CloudError> {
        let mut snapshot = Snapshot::new();
        // First all kinds that can be found by name, at once; then those that only these lead to.
        for late in [false, true] {
            let domain = snapshot.iter().find_map(|(address, found)| match (address.kind, found) {
                (Kind::Domain, Found::Ours(observed) | Found::Foreign { observed: Some(observed), .. }) => {
                    Some(observed.clone())
                }
                _ => None,
            });
            let kinds = KINDS.iter().filter(|kind| kind.observe_after_domain() == late);
            let looks = kinds.map(|kind| look(self, *kind, graph, &snapshot, record, domain.as_ref()));
            let found = try_join_all(looks).await?;
            snapshot.extend(found.into_iter().flatten());
        }
        Ok(snapshot)
    }

    async fn find(&self, node: &Node, seen: &dyn Fn(&Found) -> bool) -> Result<Found, CloudError> {
        let kind = of(node.address.kind);
        self.find_until(seen, async || kind.find(self, node).await).await
    }

    async fn create(&self, node: &Node) -> Result<Observed, CloudError> {
        of(node.address.kind).create(self, node).await
    }

    async fn update(&self, node: &Node, observed: &Observed, changes: &[Change]) -> Result<Observed, CloudError> {
        of(node.address.kind).update(self, node, observed, changes).await
    }

    async fn release(&self, address: &Address, observed: &Observed, changes: &[Change]) -> Result<(), CloudError> {
        of(address.kind).release(self, address, observed, changes).await
    }

    async fn delete(
        &self,
        address: &Address,
        observed: &Observed,
        data: DeletionPolicy,
    ) -> Result<Deleted, CloudError> {
        of(address.kind).delete(self, address, observed, data).await
    }

    async fn read_record(&self) -> Result<Option<Record>, CloudError> {
        record::read(self).await
    }

    async fn write_record(&self, record: Option<&Record>) -> Result<(), CloudError> {
        record::write(self, record).await
    }
}

async fn look(
    account: &Account,
    kind: &dyn Resource,
    graph: &Graph,
    snapshot: &Snapshot,
    record: Option<&Record>,
    domain: Option<&Observed>,
) -> Result<Vec<(Address, Found)>, CloudError> {
    // What is somebody else's may be about to be taken over, and what lies in it with it.
    let known = |of: &Address, attribute: &str| match snapshot.get(of)? {
        Found::Ours(observed) | Found::Foreign { observed: Some(observed), .. } => {
            observed.outputs.get(attribute).cloned()
        }
        _ => None,
    };
    let nodes: Vec<Node> = graph
        .values()
        .filter(|node| node.address.kind == kind.kind())
        .map(|node| Node { properties: node.properties.resolve(&known), ..node.clone() })
        .collect();
    kind.observe(account, ObserveContext { nodes: &nodes, record, domain }).await
}

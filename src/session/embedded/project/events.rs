//! Events: what the core reports, in a person's words. Each is told once and kept: what happened does not change.

mod text;

use std::collections::VecDeque;
use std::sync::Arc;

use super::clients;
use crate::engine::cluster::Cluster;
use crate::engine::context::Id;
use crate::engine::event::{Event as Happened, EventKind};
use crate::engine::node::NodeId;
use crate::session::event::{Event, Hop, NodeRef};
use crate::session::snapshot::Snapshot;
use text::Told;
pub(super) use text::group as group_words;

/// Tells events, and keeps the newest.
#[derive(Default)]
pub(super) struct EventLog {
    newest: Id,
    told: VecDeque<Event>,
    /// Those that were told and let go.
    dropped: u64,
    shared: Arc<[Event]>,
}

impl EventLog {
    /// The newest events, oldest first, and how many were let go.
    pub(super) fn project(&mut self, cluster: &Cluster) -> (Arc<[Event]>, u64) {
        let before = self.newest;
        for happened in cluster.events().after(before) {
            self.newest = happened.id;
            if self.told.len() >= Snapshot::MAX_EVENTS {
                self.told.pop_front();
                self.dropped += 1;
            }
            self.told.push_back(tell(cluster, happened));
        }
        if self.newest != before {
            self.shared = self.told.iter().cloned().collect();
        }
        // What the core let go was told before, unless nobody looked for so long.
        (Arc::clone(&self.shared), self.dropped.max(cluster.events().dropped()))
    }
}

fn tell(cluster: &Cluster, happened: &Happened) -> Event {
    let told = Told::of(cluster, happened);
    let cause_event = happened.cause.event;
    Event {
        id: happened.id,
        at_us: happened.at.0,
        node: node_ref(cluster, happened.node),
        kind: told.kind.into(),
        severity: told.severity,
        text: told.text.into(),
        because: told.because.into(),
        by: told.by,
        changes: told.changes,
        brokers: told.brokers,
        partitions: told.partitions,
        group: group_of(happened),
        cause: happened.cause.id(),
        cause_event,
        via: happened
            .cause
            .hops()
            .iter()
            .map(|hop| Hop {
                id: hop.id,
                name: text::hop_name(hop).into(),
                from: node_ref(cluster, hop.from),
                to: node_ref(cluster, hop.to),
                sent_us: hop.sent.0,
                arrived_us: hop.arrived.0,
            })
            .collect(),
        via_forgotten: happened.cause.forgotten(),
        taken: told.taken,
    }
}

/// The group that an event is about.
fn group_of(happened: &Happened) -> Option<Arc<str>> {
    match &happened.kind {
        EventKind::Group(told) => told.group().cloned(),
        _ => None,
    }
}

/// A node, as screens name it.
pub(super) fn node_ref(cluster: &Cluster, node: NodeId) -> NodeRef {
    match node {
        NodeId::Operator => NodeRef::Operator,
        NodeId::Zk(id) => NodeRef::Zk(id.0),
        NodeId::Broker(id) => NodeRef::Broker(id.0),
        NodeId::Client(id) => clients::node_ref(cluster, id),
    }
}

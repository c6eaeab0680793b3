//! Watches: who wants to hear once of the next change of what.
//!
//! They belong to connections, not to sessions: a server forgets them with the connection, and the client leaves them
//! again on the next. The table says whom a change concerns; telling them is [`ZkServer`](super::ZkServer)'s part.
//!
//! Which watches a change fires is that of ZooKeeper's `DataTree`:
//!
//! | change | data and exists watches on it | child watches on it | child watches on its parent |
//! | --- | --- | --- | --- |
//! | create | created | | children |
//! | delete | deleted | deleted | children |
//! | set data | data | | |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::message::{WatchEvent, WatchKind, ZkPeer};
use super::path;
use super::txn::Change;

/// What a watch is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchTarget {
    /// The znode: its creation, deletion and data (`getData`, `exists`).
    Node,
    /// Its children, and its deletion (`getChildren`).
    Children,
}

/// The watches of one server's clients. A clone is cheap: it shares them until one changes.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    nodes: Arc<Watchers>,
    children: Arc<Watchers>,
}

/// Who watches each path; no path without anyone.
type Watchers = BTreeMap<Arc<str>, BTreeSet<ZkPeer>>;

impl Watches {
    /// Leaves a watch. A second one of the same peer for the same is the same.
    pub fn add(&mut self, target: WatchTarget, path: &Arc<str>, peer: ZkPeer) {
        Arc::make_mut(self.of_mut(target)).entry(Arc::clone(path)).or_default().insert(peer);
    }

    /// Takes the watches that `change` fires: who is to be told what, each peer once per path.
    pub fn fire(&mut self, change: &Change) -> Vec<(ZkPeer, WatchEvent)> {
        let mut fired = Vec::new();
        match change {
            Change::Create { path, .. } => {
                self.take(WatchTarget::Node, path, WatchKind::Created, &mut fired);
                self.take_parent(path, &mut fired);
            }
            Change::Delete { path } => {
                self.take(WatchTarget::Node, path, WatchKind::Deleted, &mut fired);
                self.take(WatchTarget::Children, path, WatchKind::Deleted, &mut fired);
                self.take_parent(path, &mut fired);
            }
            Change::SetData { path, .. } => self.take(WatchTarget::Node, path, WatchKind::DataChanged, &mut fired),
            Change::Check { .. } => {}
        }
        fired
    }

    /// Forgets what `peer` left: its connection is gone.
    pub fn forget(&mut self, peer: ZkPeer) {
        for table in [&mut self.nodes, &mut self.children] {
            if table.values().any(|peers| peers.contains(&peer)) {
                Arc::make_mut(table).retain(|_, peers| {
                    peers.remove(&peer);
                    !peers.is_empty()
                });
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All watches: path, what about it, whose. By target, then path, then peer.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, WatchTarget, ZkPeer)> {
        let tables = [(WatchTarget::Node, &self.nodes), (WatchTarget::Children, &self.children)];
        tables.into_iter().flat_map(|(target, table)| {
            table.iter().flat_map(move |(path, peers)| peers.iter().map(move |peer| (path, target, *peer)))
        })
    }

    fn of_mut(&mut self, target: WatchTarget) -> &mut Arc<Watchers> {
        match target {
            WatchTarget::Node => &mut self.nodes,
            WatchTarget::Children => &mut self.children,
        }
    }

    /// Takes the watches on one path. Whoever watches a znode and its children hears of its deletion once.
    fn take(&mut self, target: WatchTarget, path: &str, kind: WatchKind, fired: &mut Vec<(ZkPeer, WatchEvent)>) {
        let table = self.of_mut(target);
        if !table.contains_key(path) {
            return;
        }
        let Some((path, peers)) = Arc::make_mut(table).remove_entry(path) else { return };
        for peer in peers {
            let event = (peer, WatchEvent { path: Arc::clone(&path), kind });
            if !fired.contains(&event) {
                fired.push(event);
            }
        }
    }

    fn take_parent(&mut self, path: &str, fired: &mut Vec<(ZkPeer, WatchEvent)>) {
        if let Some((parent, _)) = path::split(path) {
            self.take(WatchTarget::Children, parent, WatchKind::ChildrenChanged, fired);
        }
    }
}

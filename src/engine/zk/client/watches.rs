//! The watches that a client has left: to leave them again when it finds another server.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::zk::message::{SetWatches, WatchEvent, WatchKind};
use crate::engine::zk::op::Zxid;

/// One of the three sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatchSet {
    /// The znode was there: tells of data and deletion.
    Data,
    /// The znode was not there: tells of creation.
    Exists,
    /// Tells of children and deletion.
    Children,
}

/// Paths with a watch, by what it is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches {
    data: BTreeSet<Arc<str>>,
    exists: BTreeSet<Arc<str>>,
    children: BTreeSet<Arc<str>>,
}

impl Watches {
    /// Remembers a watch.
    pub(super) fn add(&mut self, set: WatchSet, path: Arc<str>) {
        match set {
            WatchSet::Data => self.data.insert(path),
            WatchSet::Exists => self.exists.insert(path),
            WatchSet::Children => self.children.insert(path),
        };
    }

    /// Forgets what fired.
    pub(super) fn fired(&mut self, event: &WatchEvent) {
        if event.kind != WatchKind::ChildrenChanged {
            self.data.remove(&event.path);
            self.exists.remove(&event.path);
        }
        if matches!(event.kind, WatchKind::ChildrenChanged | WatchKind::Deleted) {
            self.children.remove(&event.path);
        }
    }

    /// All of them for a new connection; `None` where there are none.
    pub(super) fn to_set(&self, seen: Zxid) -> Option<SetWatches> {
        let list = |set: &BTreeSet<Arc<str>>| set.iter().map(Arc::clone).collect::<Vec<_>>();
        let all =
            SetWatches { seen, data: list(&self.data), exists: list(&self.exists), children: list(&self.children) };
        let none = all.data.is_empty() && all.exists.is_empty() && all.children.is_empty();
        (!none).then_some(all)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.data.len() + self.exists.len() + self.children.len()
    }
}

//! Reads, and the watches that they leave: answered by the server that the client is connected to, from its own tree.

use std::sync::Arc;

use super::ZkServer;
use super::message::{SetWatches, WatchEvent, WatchKind, ZkPeer};
use super::op::{Op, OpResult, ZkError};
use super::watch::WatchTarget;
use crate::engine::context::Context;

impl ZkServer {
    /// Answers what changes nothing.
    pub(super) fn read(&mut self, peer: ZkPeer, op: Op, ctx: &mut Context<'_>) -> Result<OpResult, ZkError> {
        match op {
            Op::GetData { path, watch } => {
                let znode = self.state.tree.get(&path).ok_or(ZkError::NoNode)?;
                let data = OpResult::Data { data: znode.data().clone(), stat: znode.stat() };
                self.leave(watch, WatchTarget::Node, &path, peer);
                Ok(data)
            }
            Op::Exists { path, watch } => {
                self.leave(watch, WatchTarget::Node, &path, peer);
                self.state.tree.get(&path).map(|znode| OpResult::Exists(znode.stat())).ok_or(ZkError::NoNode)
            }
            Op::GetChildren { path, watch } => {
                let znode = self.state.tree.get(&path).ok_or(ZkError::NoNode)?;
                let children = znode.children().map(|(name, _)| Arc::clone(name)).collect();
                let list = OpResult::Children { children, stat: znode.stat() };
                self.leave(watch, WatchTarget::Children, &path, peer);
                Ok(list)
            }
            Op::SetWatches(watches) => {
                let fired = self.set_watches(peer, &watches);
                self.tell_watchers(fired, ctx);
                Ok(OpResult::WatchesSet)
            }
            Op::Sync => Ok(OpResult::Synced),
            Op::Write(_) | Op::Multi(_) => Err(ZkError::BadArguments),
        }
    }

    fn leave(&mut self, wanted: bool, target: WatchTarget, path: &Arc<str>, peer: ZkPeer) {
        if wanted {
            self.watches.add(target, path, peer);
        }
    }

    /// Leaves watches again, except where what they wait for has happened since the client saw `watches.seen`: that is
    /// given back, to be told at once. (ZooKeeper's `DataTree.setWatches`.)
    fn set_watches(&mut self, peer: ZkPeer, watches: &SetWatches) -> Vec<(ZkPeer, WatchEvent)> {
        let mut fired = Vec::new();
        let SetWatches { seen, data, exists, children } = watches;
        let tree = &self.state.tree;
        let data = data.iter().map(|path| match tree.get(path) {
            None => (path, WatchTarget::Node, Some(WatchKind::Deleted)),
            Some(znode) if znode.stat().mzxid > *seen => (path, WatchTarget::Node, Some(WatchKind::DataChanged)),
            Some(_) => (path, WatchTarget::Node, None),
        });
        let exists = exists.iter().map(|path| (path, WatchTarget::Node, tree.get(path).map(|_| WatchKind::Created)));
        let children = children.iter().map(|path| match tree.get(path) {
            None => (path, WatchTarget::Children, Some(WatchKind::Deleted)),
            Some(znode) if znode.stat().pzxid > *seen => {
                (path, WatchTarget::Children, Some(WatchKind::ChildrenChanged))
            }
            Some(_) => (path, WatchTarget::Children, None),
        });
        for (path, target, happened) in data.chain(exists).chain(children) {
            match happened {
                Some(kind) => fired.push((peer, WatchEvent { path: Arc::clone(path), kind })),
                None => self.watches.add(target, path, peer),
            }
        }
        fired
    }
}

//! The tree of znodes: data, stats, children in order, and which session's each ephemeral is.
//!
//! A tree of shared nodes: a clone is one reference, and a change copies the nodes on the way from the root to its
//! place if a clone still holds them. So a checkpoint of a lab with 10,000 znodes costs nothing, and the first write
//! under a parent after it costs one copy of that parent's list of children.
//!
//! The tree applies [`Change`]s that `prep` has decided on. It knows neither versions that somebody
//! expects nor watches; it refuses only what would break it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::message::SessionId;
use super::op::{OpResult, Stat, ZkError, Zxid};
use super::path;
use super::txn::Change;

/// All znodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    root: Arc<Znode>,
    /// How many znodes there are, the root among them.
    len: usize,
    /// The paths of each session's ephemerals; no session without any.
    ephemerals: BTreeMap<SessionId, BTreeSet<Arc<str>>>,
}

/// One znode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Znode {
    data: Bytes,
    czxid: Zxid,
    mzxid: Zxid,
    pzxid: Zxid,
    ctime_ms: i64,
    mtime_ms: i64,
    /// How often the data was set.
    version: i32,
    /// How often a child was created: the number of the next sequential one.
    creates: i32,
    ephemeral_owner: Option<SessionId>,
    children: BTreeMap<Arc<str>, Arc<Znode>>,
}

impl Znode {
    /// Its data.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// How often its data was set.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// How often a child was created.
    pub fn creates(&self) -> i32 {
        self.creates
    }

    /// How many children it has.
    pub fn child_count(&self) -> usize {
        self.children.len()
    }

    /// The session that it goes with, if it is ephemeral.
    pub fn ephemeral_owner(&self) -> Option<SessionId> {
        self.ephemeral_owner
    }

    /// The names of its children, and the children, in order.
    pub fn children(&self) -> impl Iterator<Item = (&Arc<str>, &Self)> {
        self.children.iter().map(|(name, child)| (name, child.as_ref()))
    }

    /// Its metadata as a client sees it.
    pub fn stat(&self) -> Stat {
        // A server keeps the count of creates only; with the children that are left it gives creates + deletes.
        let children = i32::try_from(self.children.len()).unwrap_or(i32::MAX);
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            pzxid: self.pzxid,
            ctime_ms: self.ctime_ms,
            mtime_ms: self.mtime_ms,
            version: self.version,
            cversion: self.creates.wrapping_mul(2).wrapping_sub(children),
            aversion: 0,
            ephemeral_owner: self.ephemeral_owner,
            data_length: self.data.len(),
            num_children: self.children.len(),
        }
    }
}

impl Znode {
    /// A znode as it stood on a disk, without its children: data, the transactions that created it, changed it and changed its
    /// children, when the first two were, how often its data was set and a child created, and whose ephemeral it is.
    pub fn restored(
        data: Bytes,
        [czxid, mzxid, pzxid]: [Zxid; 3],
        [ctime_ms, mtime_ms]: [i64; 2],
        [version, creates]: [i32; 2],
        ephemeral_owner: Option<SessionId>,
    ) -> Self {
        let children = BTreeMap::new();
        Self { data, czxid, mzxid, pzxid, ctime_ms, mtime_ms, version, creates, ephemeral_owner, children }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// A tree with what every ZooKeeper has: the root and `/zookeeper`.
    pub fn new() -> Self {
        let mut tree = Self { root: Arc::default(), len: 1, ephemerals: BTreeMap::new() };
        for special in path::SPECIAL {
            if let Some((parent, name)) = path::split(special)
                && let Some(parent) = tree.get_mut(parent)
            {
                // They were never created, so they do not count as creates.
                parent.children.insert(name.into(), Arc::default());
                tree.len += 1;
            }
        }
        tree
    }

    /// A tree with nothing but the root, for [`Tree::restore`].
    pub fn bare() -> Self {
        Self { root: Arc::default(), len: 1, ephemerals: BTreeMap::new() }
    }

    /// Puts back a znode as it stood on a disk; its parent stands already.
    ///
    /// # Errors
    /// `NoNode` where it does not.
    pub fn restore(&mut self, path: &str, znode: Znode) -> Result<(), ZkError> {
        let Some((parent, name)) = path::split(path) else {
            *Arc::make_mut(&mut self.root) = znode;
            return Ok(());
        };
        if let Some(owner) = znode.ephemeral_owner {
            self.ephemerals.entry(owner).or_default().insert(path.into());
        }
        let parent = self.get_mut(parent).ok_or(ZkError::NoNode)?;
        parent.children.insert(name.into(), Arc::new(znode));
        self.len += 1;
        Ok(())
    }

    /// The znode at `path`.
    pub fn get(&self, path: &str) -> Option<&Znode> {
        path::names(path).try_fold(self.root.as_ref(), |node, name| node.children.get(name).map(Arc::as_ref))
    }

    /// How many znodes there are, the root and ZooKeeper's own among them.
    #[expect(clippy::len_without_is_empty, reason = "the root is always there")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The paths of a session's ephemerals, in order.
    pub fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = &Arc<str>> {
        self.ephemerals.get(&session).into_iter().flatten()
    }

    /// The sessions that have ephemerals.
    pub fn owners(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.ephemerals.keys().copied()
    }

    /// How many ephemerals a session has.
    pub fn ephemeral_count(&self, session: SessionId) -> usize {
        self.ephemerals.get(&session).map_or(0, BTreeSet::len)
    }

    /// Makes a change, as part of the transaction `zxid` of the date `time_ms`.
    ///
    /// # Errors
    /// `NoNode`, `NodeExists`, `NotEmpty`, `NoChildrenForEphemerals` for a change that was not decided against this
    /// tree. The tree is as before then.
    pub fn apply(&mut self, change: &Change, zxid: Zxid, time_ms: i64) -> Result<OpResult, ZkError> {
        match change {
            Change::Create { path, data, owner } => {
                let created = Znode {
                    data: data.clone(),
                    czxid: zxid,
                    mzxid: zxid,
                    pzxid: zxid,
                    ctime_ms: time_ms,
                    mtime_ms: time_ms,
                    ephemeral_owner: *owner,
                    ..Znode::default()
                };
                let stat = created.stat();
                self.create(path, created)?;
                Ok(OpResult::Created { path: Arc::clone(path), stat })
            }
            Change::Delete { path } => self.delete(path, zxid).map(|()| OpResult::Deleted),
            Change::SetData { path, data, version } => {
                let znode = self.get_mut(path).ok_or(ZkError::NoNode)?;
                znode.data = data.clone();
                znode.version = *version;
                znode.mzxid = zxid;
                znode.mtime_ms = time_ms;
                Ok(OpResult::Set(znode.stat()))
            }
            Change::Check { .. } => Ok(OpResult::Checked),
        }
    }

    fn create(&mut self, path: &Arc<str>, created: Znode) -> Result<(), ZkError> {
        let (parent, name) = path::split(path).ok_or(ZkError::NodeExists)?;
        let parent = self.get_mut(parent).ok_or(ZkError::NoNode)?;
        if parent.children.contains_key(name) {
            return Err(ZkError::NodeExists);
        }
        if parent.ephemeral_owner.is_some() {
            return Err(ZkError::NoChildrenForEphemerals);
        }
        let owner = created.ephemeral_owner;
        parent.creates = parent.creates.wrapping_add(1);
        parent.pzxid = created.czxid;
        parent.children.insert(name.into(), Arc::new(created));
        self.len += 1;
        if let Some(owner) = owner {
            self.ephemerals.entry(owner).or_default().insert(Arc::clone(path));
        }
        Ok(())
    }

    fn delete(&mut self, path: &str, zxid: Zxid) -> Result<(), ZkError> {
        let (parent, name) = path::split(path).ok_or(ZkError::BadArguments)?;
        let parent = self.get_mut(parent).ok_or(ZkError::NoNode)?;
        let znode = parent.children.get(name).ok_or(ZkError::NoNode)?;
        if !znode.children.is_empty() {
            return Err(ZkError::NotEmpty);
        }
        let owner = znode.ephemeral_owner;
        parent.children.remove(name);
        parent.pzxid = zxid;
        self.len -= 1;
        if let Some(owner) = owner
            && let Some(paths) = self.ephemerals.get_mut(&owner)
        {
            paths.remove(path);
            if paths.is_empty() {
                self.ephemerals.remove(&owner);
            }
        }
        Ok(())
    }

    /// The znode at `path`, to change: what a clone shares on the way there is copied.
    fn get_mut(&mut self, path: &str) -> Option<&mut Znode> {
        path::names(path)
            .try_fold(Arc::make_mut(&mut self.root), |node, name| node.children.get_mut(name).map(Arc::make_mut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(tree: &mut Tree, path: &str) -> Result<OpResult, ZkError> {
        tree.apply(&Change::Create { path: path.into(), data: Bytes::new(), owner: None }, Zxid(1), 0)
    }

    /// Where the znode at `path` is in memory.
    fn place(tree: &Tree, path: &str) -> *const Znode {
        std::ptr::from_ref(tree.get(path).unwrap())
    }

    #[test]
    fn a_clone_shares_all_but_the_way_to_a_change() {
        let mut tree = Tree::new();
        for path in ["/a", "/a/b", "/a/c", "/d"] {
            create(&mut tree, path).unwrap();
        }
        let before = tree.clone();
        assert_eq!(place(&tree, "/"), place(&before, "/"));

        create(&mut tree, "/a/b/new").unwrap();
        for copied in ["/", "/a", "/a/b"] {
            assert_ne!(place(&tree, copied), place(&before, copied), "{copied}");
        }
        for shared in ["/a/c", "/d"] {
            assert_eq!(place(&tree, shared), place(&before, shared), "{shared}");
        }
        assert!(before.get("/a/b/new").is_none());
    }

    #[test]
    fn a_change_that_would_break_the_tree_is_refused_and_leaves_it_alone() {
        let mut tree = Tree::new();
        let delete = |path: &str| Change::Delete { path: path.into() };
        assert_eq!(create(&mut tree, "/no/parent"), Err(ZkError::NoNode));
        assert_eq!(create(&mut tree, "/zookeeper"), Err(ZkError::NodeExists));
        assert_eq!(create(&mut tree, "/"), Err(ZkError::NodeExists));
        assert_eq!(tree.apply(&delete("/zookeeper"), Zxid(1), 0), Err(ZkError::NotEmpty));
        assert_eq!(tree.apply(&delete("/none"), Zxid(1), 0), Err(ZkError::NoNode));
        assert_eq!(tree.apply(&delete("/"), Zxid(1), 0), Err(ZkError::BadArguments));
        assert_eq!((tree.len(), tree.get("/").unwrap().stat().pzxid), (4, Zxid::ZERO));
    }

    #[test]
    fn paths_that_are_none_lead_nowhere() {
        let tree = Tree::new();
        for path in ["", "zookeeper", "/zookeeper/", "//", "/zookeeper//quota"] {
            assert!(tree.get(path).is_none(), "{path:?}");
        }
    }
}

//! From request to transaction: the leader's decision whether a write may be, and what it comes to.
//!
//! The decision is made against the tree as it will be when everything decided before is applied. [`Outstanding`] is what
//! that takes: a record for each znode that a proposal touches which is not committed yet (ZooKeeper's
//! `outstandingChanges`). A multi's members see those before them; one that fails leaves no trace.
//!
//! The checks and their order are those of ZooKeeper's `PrepRequestProcessor`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::message::SessionId;
use super::op::{ANY_VERSION, CreateMode, MultiFailure, Write, ZkError, Zxid};
use super::path;
use super::tree::{Tree, Znode};
use super::txn::{Change, TxnBody};

/// What proposals change that are not committed yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Outstanding {
    /// Touched znodes as they will be, and the proposal that touches them last.
    znodes: BTreeMap<Arc<str>, (Zxid, Option<Record>)>,
    /// What each proposal touches, oldest first.
    touched: VecDeque<(Zxid, Vec<Arc<str>>)>,
}

impl Outstanding {
    /// The transaction that comes of one write, as `zxid`.
    pub(super) fn write(&mut self, tree: &Tree, session: SessionId, write: &Write, zxid: Zxid) -> TxnBody {
        let mut prep = Prep::over(tree, self, session);
        match prep.write(write) {
            Ok(change) => {
                let touched = prep.touched;
                self.add(zxid, touched);
                TxnBody::Change(change)
            }
            Err(error) => TxnBody::Refused(error),
        }
    }

    /// The transaction that comes of a multi, as `zxid`: all its changes, or the first failure.
    pub(super) fn multi(&mut self, tree: &Tree, session: SessionId, writes: &[Write], zxid: Zxid) -> TxnBody {
        let mut prep = Prep::over(tree, self, session);
        let mut changes = Vec::with_capacity(writes.len());
        for (member, write) in writes.iter().enumerate() {
            match prep.write(write) {
                Ok(change) => changes.push(change),
                Err(error) => return TxnBody::MultiRefused(MultiFailure { member, error }),
            }
        }
        let touched = prep.touched;
        self.add(zxid, touched);
        TxnBody::Multi(changes)
    }

    /// The transaction that ends a session, as `zxid`.
    pub(super) fn close_session(&mut self, tree: &Tree, session: SessionId, zxid: Zxid) -> TxnBody {
        let still = |path: &Arc<str>| match self.znodes.get(path) {
            Some((_, record)) => record.is_some_and(|record| record.ephemeral == Some(session)),
            None => true,
        };
        let mut ephemerals: Vec<Arc<str>> = tree.ephemerals(session).filter(|path| still(path)).cloned().collect();
        let is_new = |path: &Arc<str>| tree.get(path).and_then(Znode::ephemeral_owner) != Some(session);
        let coming = self.znodes.iter().filter(|(path, (_, record))| {
            record.is_some_and(|record| record.ephemeral == Some(session)) && is_new(path)
        });
        ephemerals.extend(coming.map(|(path, _)| Arc::clone(path)));
        ephemerals.sort_unstable();
        let mut prep = Prep::over(tree, self, session);
        for path in &ephemerals {
            // An ephemeral has no children, and its parent is there.
            let gone = prep.delete(path, ANY_VERSION);
            debug_assert!(gone.is_ok(), "{path} {gone:?}");
        }
        let touched = prep.touched;
        self.add(zxid, touched);
        TxnBody::CloseSession { ephemerals }
    }

    /// A proposal is applied: the tree says what it did.
    pub(super) fn committed(&mut self, zxid: Zxid) {
        let done = self.touched.partition_point(|(proposal, _)| *proposal <= zxid);
        for (_, paths) in self.touched.drain(..done) {
            for path in paths {
                if self.znodes.get(&path).is_some_and(|(last, _)| *last <= zxid) {
                    self.znodes.remove(&path);
                }
            }
        }
    }

    fn add(&mut self, zxid: Zxid, touched: BTreeMap<Arc<str>, Option<Record>>) {
        self.touched.push_back((zxid, touched.keys().cloned().collect()));
        self.znodes.extend(touched.into_iter().map(|(path, record)| (path, (zxid, record))));
    }
}

/// The tree with what was decided and not applied yet.
struct Prep<'a> {
    tree: &'a Tree,
    outstanding: &'a Outstanding,
    session: SessionId,
    /// Znodes touched by this request, as they will be; `None` for those that will be gone.
    touched: BTreeMap<Arc<str>, Option<Record>>,
}

/// What decisions need to know of a znode.
#[derive(Clone, Copy, Debug)]
struct Record {
    version: i32,
    /// How often a child was created.
    creates: i32,
    children: usize,
    ephemeral: Option<SessionId>,
}

impl Record {
    fn of(znode: &Znode) -> Self {
        Self {
            version: znode.version(),
            creates: znode.creates(),
            children: znode.child_count(),
            ephemeral: znode.ephemeral_owner(),
        }
    }
}

impl<'a> Prep<'a> {
    fn over(tree: &'a Tree, outstanding: &'a Outstanding, session: SessionId) -> Self {
        Self { tree, outstanding, session, touched: BTreeMap::new() }
    }

    /// Decides on one write.
    fn write(&mut self, write: &Write) -> Result<Change, ZkError> {
        match write {
            Write::Create { path, data, mode } => self.create(path, data, *mode),
            Write::Delete { path, version } => self.delete(path, *version),
            Write::SetData { path, data, version } => self.set_data(path, data, *version),
            Write::Check { path, version } => {
                path::validate(path)?;
                self.record(path, *version)?;
                Ok(Change::Check { path: Arc::clone(path) })
            }
        }
    }

    fn create(&mut self, asked: &Arc<str>, data: &Bytes, mode: CreateMode) -> Result<Change, ZkError> {
        // The number completes the name, so `/locks/` is a name for a sequential znode only.
        if mode.is_sequential() { path::validate(&format!("{asked}0")) } else { path::validate(asked) }?;
        let parent_path = asked.rsplit_once('/').map_or("", |(parent, _)| parent);
        let parent_path = if parent_path.is_empty() { path::ROOT } else { parent_path };
        let parent = self.record(parent_path, ANY_VERSION)?;
        let path: Arc<str> =
            if mode.is_sequential() { format!("{asked}{:010}", parent.creates).into() } else { Arc::clone(asked) };
        if self.find(&path).is_some() {
            return Err(ZkError::NodeExists);
        }
        if parent.ephemeral.is_some() {
            return Err(ZkError::NoChildrenForEphemerals);
        }
        let grown = Record { creates: parent.creates.wrapping_add(1), children: parent.children + 1, ..parent };
        self.touched.insert(parent_path.into(), Some(grown));
        let owner = mode.is_ephemeral().then_some(self.session);
        let born = Record { version: 0, creates: 0, children: 0, ephemeral: owner };
        self.touched.insert(Arc::clone(&path), Some(born));
        Ok(Change::Create { path, data: data.clone(), owner })
    }

    fn delete(&mut self, path: &Arc<str>, version: i32) -> Result<Change, ZkError> {
        path::validate(path)?;
        if path::SPECIAL.contains(&path.as_ref()) {
            return Err(ZkError::BadArguments);
        }
        let (parent_path, _) = path::split(path).ok_or(ZkError::BadArguments)?;
        let parent = self.record(parent_path, ANY_VERSION)?;
        if self.record(path, version)?.children > 0 {
            return Err(ZkError::NotEmpty);
        }
        self.touched.insert(parent_path.into(), Some(Record { children: parent.children.saturating_sub(1), ..parent }));
        self.touched.insert(Arc::clone(path), None);
        Ok(Change::Delete { path: Arc::clone(path) })
    }

    fn set_data(&mut self, path: &Arc<str>, data: &Bytes, version: i32) -> Result<Change, ZkError> {
        path::validate(path)?;
        let before = self.record(path, version)?;
        let after = Record { version: before.version.wrapping_add(1), ..before };
        self.touched.insert(Arc::clone(path), Some(after));
        Ok(Change::SetData { path: Arc::clone(path), data: data.clone(), version: after.version })
    }

    /// The znode at `path`, if it has `version`.
    fn record(&self, path: &str, version: i32) -> Result<Record, ZkError> {
        let record = self.find(path).ok_or(ZkError::NoNode)?;
        if version == ANY_VERSION || version == record.version { Ok(record) } else { Err(ZkError::BadVersion) }
    }

    fn find(&self, path: &str) -> Option<Record> {
        let decided = self.touched.get(path).or_else(|| self.outstanding.znodes.get(path).map(|(_, record)| record));
        decided.copied().unwrap_or_else(|| self.tree.get(path).map(Record::of))
    }
}

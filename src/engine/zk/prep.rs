//! From request to transaction: the leader's decision whether a write may be, and what it comes to.
//!
//! The decision is made against the tree as it will be when everything decided before is applied. [`Prep`] is that
//! view: the applied tree, and over it a record for each znode that was touched since. Today a transaction is applied
//! as soon as it is made, so the records live no longer than one multi, whose members see those before them. When
//! proposals wait for a quorum, the records stay until their commit, and nothing else here changes.
//!
//! The checks and their order are those of ZooKeeper's `PrepRequestProcessor`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::message::SessionId;
use super::op::{ANY_VERSION, CreateMode, MultiFailure, Write, ZkError};
use super::path;
use super::tree::{Tree, Znode};
use super::txn::{Change, TxnBody};

/// The transaction that comes of one write.
pub(super) fn write(tree: &Tree, session: SessionId, write: &Write) -> TxnBody {
    match Prep::over(tree, session).write(write) {
        Ok(change) => TxnBody::Change(change),
        Err(error) => TxnBody::Refused(error),
    }
}

/// The transaction that comes of a multi: all its changes, or the first failure.
pub(super) fn multi(tree: &Tree, session: SessionId, writes: &[Write]) -> TxnBody {
    let mut prep = Prep::over(tree, session);
    let mut changes = Vec::with_capacity(writes.len());
    for (member, write) in writes.iter().enumerate() {
        match prep.write(write) {
            Ok(change) => changes.push(change),
            Err(error) => return TxnBody::MultiRefused(MultiFailure { member, error }),
        }
    }
    TxnBody::Multi(changes)
}

/// The transaction that ends a session.
pub(super) fn close_session(tree: &Tree, session: SessionId) -> TxnBody {
    TxnBody::CloseSession { ephemerals: tree.ephemerals(session).map(Arc::clone).collect() }
}

/// The tree with what was decided and not applied yet.
struct Prep<'a> {
    tree: &'a Tree,
    session: SessionId,
    /// Touched znodes as they will be; `None` for those that will be gone.
    touched: BTreeMap<Arc<str>, Option<Record>>,
}

/// What decisions need to know of a znode.
#[derive(Clone, Copy, Debug)]
struct Record {
    version: i32,
    /// How often a child was created.
    creates: i32,
    children: usize,
    ephemeral: bool,
}

impl Record {
    fn of(znode: &Znode) -> Self {
        Self {
            version: znode.version(),
            creates: znode.creates(),
            children: znode.child_count(),
            ephemeral: znode.ephemeral_owner().is_some(),
        }
    }
}

impl<'a> Prep<'a> {
    fn over(tree: &'a Tree, session: SessionId) -> Self {
        Self { tree, session, touched: BTreeMap::new() }
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
                Ok(Change::Check)
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
        if parent.ephemeral {
            return Err(ZkError::NoChildrenForEphemerals);
        }
        let grown = Record { creates: parent.creates.wrapping_add(1), children: parent.children + 1, ..parent };
        self.touched.insert(parent_path.into(), Some(grown));
        let born = Record { version: 0, creates: 0, children: 0, ephemeral: mode.is_ephemeral() };
        self.touched.insert(Arc::clone(&path), Some(born));
        Ok(Change::Create { path, data: data.clone(), owner: mode.is_ephemeral().then_some(self.session) })
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
        Ok(Change::SetData { path: Arc::clone(path), data: data.clone() })
    }

    /// The znode at `path`, if it has `version`.
    fn record(&self, path: &str, version: i32) -> Result<Record, ZkError> {
        let record = self.find(path).ok_or(ZkError::NoNode)?;
        if version == ANY_VERSION || version == record.version { Ok(record) } else { Err(ZkError::BadVersion) }
    }

    fn find(&self, path: &str) -> Option<Record> {
        match self.touched.get(path) {
            Some(record) => *record,
            None => self.tree.get(path).map(Record::of),
        }
    }
}

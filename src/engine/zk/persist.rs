//! What a server keeps on its disk, as ZooKeeper 3.9 writes it: a log of transactions, and snapshots of tree and sessions.
//! Bytes only; who reads and writes files with them is [`engine::files`](crate::engine::files).
//!
//! ```text
//! log.<zxid>       "ZKLG" 2 0   { adler32  length  header  record  'B' }...
//! snapshot.<zxid>  "ZKSN" 2 -1  sessions  access lists  { path  znode }...  "/"  adler32  "/"
//! ```
//!
//! A log's end is the first entry that is cut off, fails its checksum or is zero, as ZooKeeper fills its files up with
//! zeroes. Sources: `FileTxnLog`, `FileSnap`, `SerializeUtils`, `DataTree`, and zookeeper.jute.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::jute::{Reader, Writer};
use super::message::SessionId;
use super::op::{MultiFailure, ZkError, Zxid};
use super::state::{Granted, State};
use super::tree::{Tree, Znode};
use super::txn::{Change, Txn, TxnBody};

/// `ZKLG`, and `ZKSN`.
const LOG_MAGIC: i32 = 0x5a4b_4c47;
const SNAPSHOT_MAGIC: i32 = 0x5a4b_534e;
const VERSION: i32 = 2;
/// The database's id, which ZooKeeper sets and never looks at.
const LOG_DB: i64 = 0;
const SNAPSHOT_DB: i64 = -1;
/// The end of an entry.
const END_OF_RECORD: u8 = b'B';
/// The only access list: everybody may do everything.
const OPEN_ACL: i64 = -1;
const ALL_PERMISSIONS: i32 = 31;

/// `ZooDefs.OpCode`.
mod code {
    pub(super) const CREATE: i32 = 1;
    pub(super) const DELETE: i32 = 2;
    pub(super) const SET_DATA: i32 = 5;
    pub(super) const CHECK: i32 = 13;
    pub(super) const MULTI: i32 = 14;
    pub(super) const CREATE_SESSION: i32 = -10;
    pub(super) const CLOSE_SESSION: i32 = -11;
    pub(super) const ERROR: i32 = -1;
}

/// Something that a server's disk is to keep.
#[derive(Clone, Copy, Debug)]
pub enum ZkRecord<'a> {
    /// A proposal, at the end of the log.
    Proposal(&'a Txn),
    /// The log ends here from now on.
    Truncate(Zxid),
    /// This is the state, and the log is empty.
    State(&'a State),
    /// `acceptedEpoch` and `currentEpoch`.
    Epochs {
        /// The newest epoch that was promised to a leader.
        accepted: i64,
        /// The epoch of the last leader that was followed.
        current: i64,
    },
}

/// The beginning of a log.
pub fn log_header() -> Vec<u8> {
    header(LOG_MAGIC, LOG_DB)
}

fn header(magic: i32, db: i64) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.int(magic).int(VERSION).long(db);
    writer.finish()
}

/// A transaction as an entry of the log.
pub fn entry(txn: &Txn) -> Vec<u8> {
    let (kind, record) = record_of(&txn.body);
    let mut writer = Writer::default();
    writer.long(txn.session.0).int(txn.cxid).long(txn.zxid.0).long(txn.time_ms).int(kind);
    let mut content = writer.finish();
    content.extend_from_slice(&record);
    let mut writer = Writer::default();
    writer.long(i64::from(adler2::adler32_slice(&content))).buffer(&content).byte(END_OF_RECORD);
    writer.finish()
}

fn record_of(body: &TxnBody) -> (i32, Vec<u8>) {
    let mut writer = Writer::default();
    let kind = match body {
        TxnBody::CreateSession { timeout, .. } => {
            writer.int(i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX));
            code::CREATE_SESSION
        }
        TxnBody::CloseSession { ephemerals } => {
            writer.length(ephemerals.len());
            for path in ephemerals {
                writer.string(path);
            }
            code::CLOSE_SESSION
        }
        TxnBody::Change(change) => write_change(change, &mut writer),
        TxnBody::Multi(changes) => {
            writer.length(changes.len());
            for change in changes {
                let mut member = Writer::default();
                let kind = write_change(change, &mut member);
                writer.int(kind).buffer(&member.finish());
            }
            code::MULTI
        }
        TxnBody::Refused(error) | TxnBody::MultiRefused(MultiFailure { error, .. }) => {
            writer.int(error.code());
            code::ERROR
        }
    };
    (kind, writer.finish())
}

fn write_change(change: &Change, writer: &mut Writer) -> i32 {
    match change {
        Change::Create { path, data, owner } => {
            writer.string(path).buffer(data);
            write_open_acl(writer);
            // -1: one more than the parent's, which is what creating a child does.
            writer.bool(owner.is_some()).int(-1);
            code::CREATE
        }
        Change::Delete { path } => {
            writer.string(path);
            code::DELETE
        }
        Change::SetData { path, data, version } => {
            writer.string(path).buffer(data).int(*version);
            code::SET_DATA
        }
        Change::Check { path } => {
            writer.string(path).int(-1);
            code::CHECK
        }
    }
}

fn write_open_acl(writer: &mut Writer) {
    writer.length(1).int(ALL_PERMISSIONS).string("world").string("anyone");
}

/// Passes over an entry of an access list: permissions, scheme, id. All are open here.
fn read_acl(reader: &mut Reader) -> Option<()> {
    reader.int()?;
    reader.buffer()?;
    reader.buffer().map(drop)
}

/// Applies a log to `stored`: the transactions after its own. Returns how many bytes of it are whole; `None` where it is no
/// log.
pub fn replay(log: &Bytes, stored: &mut State) -> Option<usize> {
    let mut reader = Reader::new(log.clone());
    if (reader.int()?, reader.int()?) != (LOG_MAGIC, VERSION) {
        return None;
    }
    reader.long()?;
    let mut whole = log.len() - reader.rest().len();
    while let Some(()) = replay_entry(&mut reader, stored) {
        whole = log.len() - reader.rest().len();
    }
    Some(whole)
}

fn replay_entry(reader: &mut Reader, stored: &mut State) -> Option<()> {
    let txn = read_entry(reader)?;
    if txn.zxid > stored.zxid {
        let done = stored.apply(&txn);
        // A request that was refused is an answer; a change that does not fit is damage.
        done.is_ok().then_some(()).or_else(|| matches!(txn.body, TxnBody::Refused(_)).then_some(()))?;
    }
    Some(())
}

/// An entry of the log; `None` where it is cut off, damaged, or the end.
fn read_entry(reader: &mut Reader) -> Option<Txn> {
    let checksum = reader.long()?;
    let content = reader.buffer().filter(|content| !content.is_empty())?;
    let intact = checksum == i64::from(adler2::adler32_slice(&content)) && reader.byte()? == END_OF_RECORD;
    let mut record = Reader::new(intact.then_some(content)?);
    let (session, cxid, zxid) = (SessionId(record.long()?), record.int()?, Zxid(record.long()?));
    let (time_ms, kind) = (record.long()?, record.int()?);
    Some(Txn { zxid, time_ms, session, cxid, body: read_body(kind, &mut record, session)? })
}

fn read_body(kind: i32, record: &mut Reader, session: SessionId) -> Option<TxnBody> {
    Some(match kind {
        code::CREATE_SESSION => {
            let timeout = Duration::from_millis(u64::try_from(record.int()?).ok()?);
            TxnBody::CreateSession { timeout, owner: None }
        }
        code::CLOSE_SESSION => {
            let paths = (0..record.length()?).map(|_| record.string().map(Arc::from));
            TxnBody::CloseSession { ephemerals: paths.collect::<Option<_>>()? }
        }
        code::MULTI => {
            let changes = (0..record.length()?).map(|_| {
                let kind = record.int()?;
                read_change(kind, &mut Reader::new(record.buffer()?), session)
            });
            TxnBody::Multi(changes.collect::<Option<_>>()?)
        }
        code::ERROR => TxnBody::Refused(ZkError::of(record.int()?)),
        _ => TxnBody::Change(read_change(kind, record, session)?),
    })
}

fn read_change(kind: i32, record: &mut Reader, session: SessionId) -> Option<Change> {
    let path: Arc<str> = record.string()?.into();
    Some(match kind {
        code::CREATE => {
            let data = record.buffer()?;
            for _ in 0..record.length()? {
                read_acl(record)?;
            }
            let ephemeral = record.bool()?;
            Change::Create { path, data, owner: ephemeral.then_some(session) }
        }
        code::DELETE => Change::Delete { path },
        code::SET_DATA => Change::SetData { path, data: record.buffer()?, version: record.int()? },
        code::CHECK => Change::Check { path },
        _ => return None,
    })
}

/// A snapshot of what a server knows.
pub fn snapshot(state: &State) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.length(state.sessions.len());
    for (id, granted) in &state.sessions {
        writer.long(id.0).int(i32::try_from(granted.timeout.as_millis()).unwrap_or(i32::MAX));
    }
    writer.length(1).long(1);
    write_open_acl(&mut writer);
    if let Some(root) = state.tree.get("/") {
        // ZooKeeper calls the root by the empty path, and ends with "/".
        write_znode("", root, &mut writer);
    }
    writer.string("/");
    let mut bytes = header(SNAPSHOT_MAGIC, SNAPSHOT_DB);
    bytes.extend_from_slice(&writer.finish());
    let mut end = Writer::default();
    end.long(i64::from(adler2::adler32_slice(&bytes))).string("/");
    bytes.extend_from_slice(&end.finish());
    bytes
}

fn write_znode(path: &str, znode: &Znode, writer: &mut Writer) {
    let stat = znode.stat();
    writer.string(path).buffer(znode.data()).long(OPEN_ACL);
    writer.long(stat.czxid.0).long(stat.mzxid.0).long(stat.ctime_ms).long(stat.mtime_ms);
    writer.int(stat.version).int(znode.creates()).int(stat.aversion);
    writer.long(stat.ephemeral_owner.map_or(0, |owner| owner.0)).long(stat.pzxid.0);
    for (name, child) in znode.children() {
        write_znode(&format!("{path}/{name}"), child, writer);
    }
}

/// Reads a snapshot that was taken at `zxid`; `None` where it is damaged or none.
pub fn read_snapshot(bytes: &Bytes, zxid: Zxid) -> Option<State> {
    const END: usize = 8 + 4 + 1;
    let content = bytes.slice(..bytes.len().checked_sub(END)?);
    let mut end = Reader::new(bytes.slice(content.len()..));
    if end.long()? != i64::from(adler2::adler32_slice(&content)) {
        return None;
    }
    let mut reader = Reader::new(content);
    if (reader.int()?, reader.int()?) != (SNAPSHOT_MAGIC, VERSION) {
        return None;
    }
    reader.long()?;
    let mut stored = State { zxid, tree: Tree::bare(), ..State::default() };
    for _ in 0..reader.length()? {
        let id = SessionId(reader.long()?);
        let timeout = Duration::from_millis(u64::try_from(reader.int()?).ok()?);
        stored.sessions.insert(id, Granted { timeout, opened_by: None });
    }
    for _ in 0..reader.length()? {
        reader.long()?;
        for _ in 0..reader.length()? {
            read_acl(&mut reader)?;
        }
    }
    loop {
        let path = reader.string()?;
        if path == "/" {
            return Some(stored);
        }
        let path = if path.is_empty() { "/" } else { path.as_str() };
        stored.tree.restore(path, read_znode(&mut reader)?).ok()?;
    }
}

fn read_znode(reader: &mut Reader) -> Option<Znode> {
    let data = reader.buffer()?;
    reader.long()?;
    let (czxid, mzxid) = (Zxid(reader.long()?), Zxid(reader.long()?));
    let (ctime_ms, mtime_ms) = (reader.long()?, reader.long()?);
    let (version, creates, _aversion) = (reader.int()?, reader.int()?, reader.int()?);
    let owner = Some(SessionId(reader.long()?)).filter(|owner| owner.0 != 0);
    let pzxid = Zxid(reader.long()?);
    Some(Znode::restored(data, [czxid, mzxid, pzxid], [ctime_ms, mtime_ms], [version, creates], owner))
}

#[cfg(test)]
mod tests;

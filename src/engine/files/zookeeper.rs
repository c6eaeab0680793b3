//! A ZooKeeper server's directory (`<data>/zookeeper-<id>/version-2`): snapshots and logs of transactions, each named by the
//! zxid that it was taken at, or that it begins with.
//!
//! A start replays the logs over the newest snapshot that is whole, takes a snapshot of that, and removes what came before.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::FileError;
use super::text::replace_durably;
use crate::engine::zk::op::Zxid;
use crate::engine::zk::persist::{self, Stored};
use crate::engine::zk::tree::Tree;
use crate::engine::zk::txn::Txn;

/// The directory.
#[derive(Debug)]
pub struct ZkFiles {
    folder: PathBuf,
    log: Option<Arc<File>>,
    /// A flush of the log is on its way.
    flushing: Arc<AtomicBool>,
    /// It failed, and takes nothing more.
    failed: bool,
}

impl ZkFiles {
    /// Takes up what is in `<data>/zookeeper-<id>`, which is made where it is not there.
    ///
    /// # Errors
    /// [`FileError`]. A log that is damaged ends where the damage begins.
    pub fn open(server: &Path) -> Result<(Self, Stored), FileError> {
        let folder = server.join("version-2");
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        let (snapshots, logs) = (named(&folder, "snapshot.")?, named(&folder, "log.")?);
        let newest = snapshots.iter().rev().find_map(|(zxid, path)| {
            let bytes = fs::read(path).ok()?;
            persist::read_snapshot(&Bytes::from(bytes), *zxid)
        });
        let mut stored = newest.unwrap_or_default();
        for (_, path) in &logs {
            let bytes = fs::read(path).map_err(FileError::of("read", path))?;
            persist::replay(&Bytes::from(bytes), &mut stored);
        }
        let files = Self { folder, log: None, flushing: Arc::default(), failed: false };
        if !logs.is_empty() {
            let sessions = stored.sessions.iter().map(|(id, timeout)| (*id, *timeout));
            files.snapshot(stored.zxid, &persist::snapshot(&stored.tree, sessions))?;
        }
        Ok((files, stored))
    }

    /// Writes a snapshot of the state after `zxid`, and removes what it makes superfluous.
    ///
    /// # Errors
    /// [`FileError`]; what was there before is there then.
    pub fn snapshot(&self, zxid: Zxid, bytes: &[u8]) -> Result<(), FileError> {
        let path = self.folder.join(format!("snapshot.{:x}", zxid.0));
        replace_durably(&path, bytes)?;
        for (_, old) in named(&self.folder, "snapshot.")?.into_iter().filter(|(_, old)| *old != path) {
            fs::remove_file(&old).map_err(FileError::of("remove", &old))?;
        }
        for (_, log) in named(&self.folder, "log.")? {
            fs::remove_file(&log).map_err(FileError::of("remove", &log))?;
        }
        Ok(())
    }

    /// Appends a transaction; `tree` is that before it. Returns what brings it to the disk, unless that is on its way already.
    /// After an error it takes nothing more, and says so once.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn committed(&mut self, txn: &Txn, tree: &Tree) -> Result<Option<ZkFlush>, FileError> {
        if self.failed {
            return Ok(None);
        }
        let appended = self.append(txn, tree);
        self.failed = appended.is_err();
        let log = appended?;
        let begins = !self.flushing.swap(true, Ordering::AcqRel);
        Ok(begins.then(|| ZkFlush { log, flushing: Arc::clone(&self.flushing) }))
    }

    fn append(&mut self, txn: &Txn, tree: &Tree) -> Result<Arc<File>, FileError> {
        let log = match &self.log {
            Some(log) => Arc::clone(log),
            None => self.begin(txn.zxid)?,
        };
        (&*log).write_all(&persist::entry(txn, tree)).map_err(FileError::of("append to", &self.folder))?;
        Ok(log)
    }

    fn begin(&mut self, zxid: Zxid) -> Result<Arc<File>, FileError> {
        let path = self.folder.join(format!("log.{:x}", zxid.0));
        let file = OpenOptions::new().create_new(true).append(true).open(&path);
        let log = Arc::new(file.map_err(FileError::of("create", &path))?);
        (&*log).write_all(&persist::log_header()).map_err(FileError::of("append to", &path))?;
        self.log = Some(Arc::clone(&log));
        Ok(log)
    }
}

/// Brings a log of transactions to the disk. It may run on any thread.
#[derive(Debug)]
#[must_use = "nothing is on the disk before it has run"]
pub struct ZkFlush {
    log: Arc<File>,
    flushing: Arc<AtomicBool>,
}

impl ZkFlush {
    /// Waits for the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn run(self) -> std::io::Result<()> {
        // What comes after this is the next flush's.
        self.flushing.store(false, Ordering::Release);
        self.log.sync_data()
    }
}

/// The files whose names are `prefix` and a zxid, oldest first.
fn named(folder: &Path, prefix: &str) -> Result<Vec<(Zxid, PathBuf)>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::of("list", folder))? {
        let path = entry.map_err(FileError::of("list", folder))?.path();
        let zxid = path.file_name().and_then(|name| name.to_str()?.strip_prefix(prefix));
        if let Some(zxid) = zxid.and_then(|digits| i64::from_str_radix(digits, 16).ok()) {
            found.push((Zxid(zxid), path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

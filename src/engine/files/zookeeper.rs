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
use crate::engine::zk::history::History;
use crate::engine::zk::op::Zxid;
use crate::engine::zk::persist::{self, ZkRecord};
use crate::engine::zk::state::State;
use crate::engine::zk::txn::Txn;

/// The newest epoch that was promised to a leader, and that of the last leader that was followed.
const ACCEPTED_EPOCH: &str = "acceptedEpoch";
const CURRENT_EPOCH: &str = "currentEpoch";

/// The directory.
#[derive(Debug)]
pub struct ZkFiles {
    folder: PathBuf,
    log: Option<Arc<File>>,
    /// What is in the log, and where each of it ends.
    entries: Vec<(Zxid, u64)>,
    /// How many bytes of the log are whole.
    whole: u64,
    /// What the disk did not take: it is tried again with the next transaction.
    owed: Vec<u8>,
    /// A flush of the log is on its way.
    flushing: Arc<AtomicBool>,
}

impl ZkFiles {
    /// Takes up what is in `<data>/zookeeper-<id>`, which is made where it is not there. A log that is damaged ends where the
    /// damage begins; it is kept beside, under another name.
    ///
    /// # Errors
    /// [`FileError`], also where there are snapshots and none of them can be read: to begin anew would be to forget all
    /// topics.
    pub fn open(server: &Path) -> Result<(Self, History), FileError> {
        let folder = server.join("version-2");
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        let (snapshots, logs) = (named(&folder, "snapshot.")?, named(&folder, "log.")?);
        let mut stored = newest(&snapshots)?;
        let mut damaged = Vec::new();
        for (_, path) in &logs {
            let bytes = fs::read(path).map_err(FileError::of("read", path))?;
            let whole = persist::replay(&Bytes::from(bytes.clone()), &mut stored).unwrap_or(0);
            if whole < bytes.len() {
                let beside = path.with_extension(format!("{}.damaged", extension(path)));
                tracing::warn!("{} is whole up to byte {whole}; it is kept as {}", path.display(), beside.display());
                damaged.push((path, beside));
            }
        }
        let (log, entries, whole, owed, flushing) = Default::default();
        let files = Self { folder, log, entries, whole, owed, flushing };
        if !logs.is_empty() {
            let path = files.write_snapshot(&stored)?;
            // Not before: what is whole of it stands nowhere else until then.
            for (log, beside) in damaged {
                fs::rename(log, &beside).map_err(FileError::of("rename", log))?;
            }
            files.remove_all_but(&path)?;
        }
        let epoch = stored.zxid.epoch();
        let mut history = History::after(stored);
        history.accepted_epoch = files.read_epoch(ACCEPTED_EPOCH)?.unwrap_or(epoch);
        history.current_epoch = files.read_epoch(CURRENT_EPOCH)?.unwrap_or(epoch);
        Ok((files, history))
    }

    /// A promise or a beginning; `None` where none was kept.
    fn read_epoch(&self, name: &str) -> Result<Option<i64>, FileError> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let unreadable = |_| FileError::new("understand", &path, std::io::ErrorKind::InvalidData.into());
                text.trim().parse().map(Some).map_err(unreadable)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::new("read", &path, error)),
        }
    }

    /// Writes a snapshot of the state after `zxid`, and removes what it makes superfluous.
    ///
    /// # Errors
    /// [`FileError`]; what was there before is there then.
    pub fn snapshot(&self, state: &State) -> Result<(), FileError> {
        let path = self.write_snapshot(state)?;
        self.remove_all_but(&path)
    }

    fn write_snapshot(&self, state: &State) -> Result<PathBuf, FileError> {
        let path = self.folder.join(format!("snapshot.{:x}", state.zxid.0));
        replace_durably(&path, persist::snapshot(state).as_slice())?;
        Ok(path)
    }

    /// Removes what the snapshot at `newest` makes superfluous.
    fn remove_all_but(&self, newest: &Path) -> Result<(), FileError> {
        for (_, old) in named(&self.folder, "snapshot.")?.into_iter().filter(|(_, old)| old != newest) {
            fs::remove_file(&old).map_err(FileError::of("remove", &old))?;
        }
        for (_, log) in named(&self.folder, "log.")? {
            fs::remove_file(&log).map_err(FileError::of("remove", &log))?;
        }
        Ok(())
    }

    /// Keeps something. Returns what brings it to the disk, unless that is done or on its way already.
    ///
    /// # Errors
    /// [`FileError`]; a proposal is appended with the next one then.
    pub fn keep(&mut self, record: ZkRecord<'_>) -> Result<Option<ZkFlush>, FileError> {
        match record {
            ZkRecord::Proposal(txn) => self.append(txn),
            ZkRecord::Truncate(zxid) => self.truncate(zxid).map(|()| None),
            ZkRecord::State(state) => self.begin_anew(state).map(|()| None),
            ZkRecord::Epochs { accepted, current } => self.write_epochs(accepted, current).map(|()| None),
        }
    }

    /// Ends the log after `zxid`.
    fn truncate(&mut self, zxid: Zxid) -> Result<(), FileError> {
        let keep = self.entries.partition_point(|(entry, _)| *entry <= zxid);
        self.owed.clear();
        self.entries.truncate(keep);
        let Some(log) = &self.log else { return Ok(()) };
        self.whole = self.entries.last().map_or_else(|| persist::log_header().len() as u64, |(_, end)| *end);
        log.set_len(self.whole).and_then(|()| log.sync_data()).map_err(FileError::of("truncate", &self.folder))
    }

    /// Begins anew with a state, and an empty log.
    fn begin_anew(&mut self, state: &State) -> Result<(), FileError> {
        self.log = None;
        self.entries.clear();
        self.owed.clear();
        self.snapshot(state)
    }

    fn write_epochs(&self, accepted: i64, current: i64) -> Result<(), FileError> {
        for (name, epoch) in [(ACCEPTED_EPOCH, accepted), (CURRENT_EPOCH, current)] {
            replace_durably(&self.folder.join(name), epoch.to_string().as_bytes())?;
        }
        Ok(())
    }

    fn append(&mut self, txn: &Txn) -> Result<Option<ZkFlush>, FileError> {
        let entry = persist::entry(txn);
        let end = self.entries.last().map_or_else(|| persist::log_header().len() as u64, |(_, end)| *end);
        self.entries.push((txn.zxid, end + entry.len() as u64));
        self.owed.extend(entry);
        let log = match &self.log {
            Some(log) => Arc::clone(log),
            None => self.begin(txn.zxid)?,
        };
        let cut = || FileError::of("append to", &self.folder);
        // What an earlier attempt left half-written goes first: the file is appended to.
        log.set_len(self.whole).map_err(cut())?;
        (&*log).write_all(&self.owed).map_err(cut())?;
        self.whole += self.owed.len() as u64;
        self.owed.clear();
        let begins = !self.flushing.swap(true, Ordering::AcqRel);
        Ok(begins.then(|| ZkFlush { log, flushing: Arc::clone(&self.flushing) }))
    }

    /// Whether the last transaction is still owed to the disk.
    pub fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    fn begin(&mut self, zxid: Zxid) -> Result<Arc<File>, FileError> {
        let path = self.folder.join(format!("log.{:x}", zxid.0));
        let header = persist::log_header();
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(FileError::of("create", &path))?;
        file.set_len(0).and_then(|()| (&file).write_all(&header)).map_err(FileError::of("append to", &path))?;
        self.whole = header.len() as u64;
        let log = Arc::new(file);
        self.log = Some(Arc::clone(&log));
        Ok(log)
    }
}

/// The newest snapshot that can be read; nothing where there never was one.
fn newest(snapshots: &[(Zxid, PathBuf)]) -> Result<State, FileError> {
    let Some((_, last)) = snapshots.last() else { return Ok(State::default()) };
    let readable = snapshots.iter().rev().find_map(|(zxid, path)| {
        let bytes = fs::read(path).ok()?;
        persist::read_snapshot(&Bytes::from(bytes), *zxid)
    });
    let damaged = || FileError::new("understand", last, std::io::ErrorKind::InvalidData.into());
    readable.ok_or_else(damaged)
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().into_owned()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::zk::message::SessionId;
    use crate::engine::zk::txn::{Change, TxnBody};

    /// What is there, and the state that it comes to.
    fn open(folder: &tempfile::TempDir) -> (ZkFiles, State) {
        let (files, history) = ZkFiles::open(folder.path()).unwrap();
        let state = history.replayed();
        (files, state)
    }

    /// Creates `/n<number>`, as the transaction of that number.
    fn create(files: &mut ZkFiles, known: &mut State, number: i64) -> Result<(), FileError> {
        let change = Change::Create { path: format!("/n{number}").into(), data: Bytes::new(), owner: None };
        let (zxid, body) = (Zxid(number), TxnBody::Change(change));
        let txn = Txn { zxid, time_ms: number, session: SessionId(1), cxid: 0, body };
        known.apply(&txn).unwrap();
        files.keep(ZkRecord::Proposal(&txn)).map(drop)
    }

    #[test]
    fn what_was_committed_is_found_again_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut known = State::default();
        for round in 0..3 {
            let (mut files, found) = open(&folder);
            assert_eq!(found, known);
            (1..4).for_each(|n| create(&mut files, &mut known, round * 3 + n).unwrap());
        }
    }

    #[test]
    fn what_the_disk_did_not_take_is_written_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut known) = open(&folder);
        create(&mut files, &mut known, 1).unwrap();
        // A file that cannot be written to stands for a full disk; half of a transaction may be left of an attempt.
        let log = files.log.take().unwrap();
        let path = folder.path().join("version-2/log.1");
        files.log = Some(Arc::new(File::open(&path).unwrap()));
        create(&mut files, &mut known, 2).unwrap_err();
        (&*log).write_all(b"half").unwrap();
        create(&mut files, &mut known, 3).unwrap_err();
        assert!(files.owes());
        files.log = Some(log);
        create(&mut files, &mut known, 4).unwrap();
        assert!(!files.owes());
        let (_, found) = open(&folder);
        assert_eq!(found, known);
    }

    #[test]
    fn a_snapshot_that_cannot_be_read_is_no_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut known) = open(&folder);
        create(&mut files, &mut known, 1).unwrap();
        drop(ZkFiles::open(folder.path()).unwrap());
        let snapshot = folder.path().join("version-2/snapshot.1");
        let mut bytes = fs::read(&snapshot).unwrap();
        bytes[20] ^= 1;
        fs::write(&snapshot, bytes).unwrap();
        let error = ZkFiles::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("snapshot.1"), "{error}");
    }

    #[test]
    fn a_damaged_log_is_kept_beside() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut known) = open(&folder);
        create(&mut files, &mut known, 1).unwrap();
        let before = known.clone();
        create(&mut files, &mut known, 2).unwrap();
        let log = folder.path().join("version-2/log.1");
        let mut bytes = fs::read(&log).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&log, &bytes).unwrap();
        let (_, found) = open(&folder);
        assert_eq!(found, before);
        assert_eq!(fs::read(folder.path().join("version-2/log.1.damaged")).unwrap(), bytes);
    }

    /// As a full disk has it: half a transaction at the end of the log, and no room for a snapshot at the next start.
    #[test]
    fn a_start_that_fails_forgets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut known) = open(&folder);
        create(&mut files, &mut known, 1).unwrap();
        files.log.as_deref().unwrap().write_all(b"half").unwrap();
        let in_the_way = folder.path().join("version-2/snapshot.1.tmp");
        fs::create_dir(&in_the_way).unwrap();
        ZkFiles::open(folder.path()).unwrap_err();
        fs::remove_dir(&in_the_way).unwrap();
        let (_, found) = open(&folder);
        assert_eq!(found, known);
    }

    #[test]
    fn promises_are_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut known) = open(&folder);
        create(&mut files, &mut known, 1).unwrap();
        drop(files.keep(ZkRecord::Epochs { accepted: 5, current: 4 }).unwrap());
        let (_, history) = ZkFiles::open(folder.path()).unwrap();
        assert_eq!((history.accepted_epoch, history.current_epoch), (5, 4));
        assert_eq!(
            fs::read_to_string(folder.path().join("version-2/acceptedEpoch")).unwrap(),
            "5",
            "as ZooKeeper has it"
        );
    }

    #[test]
    fn what_a_leader_has_cut_off_is_gone_and_the_log_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut known) = open(&folder);
        (1..=3).for_each(|n| create(&mut files, &mut known, n).unwrap());
        let kept = known.clone();
        (4..=6).for_each(|n| create(&mut files, &mut known, n).unwrap());
        drop(files.keep(ZkRecord::Truncate(kept.zxid)).unwrap());
        known = kept.clone();
        create(&mut files, &mut known, 9).unwrap();
        let (_, found) = open(&folder);
        assert_eq!(found, known);
    }

    #[test]
    fn a_leaders_state_takes_the_place_of_all_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut known) = open(&folder);
        (1..=3).for_each(|n| create(&mut files, &mut known, n).unwrap());
        let leaders = State { zxid: Zxid(20), ..State::default() };
        drop(files.keep(ZkRecord::State(&leaders)).unwrap());
        known = leaders;
        create(&mut files, &mut known, 21).unwrap();
        let (_, found) = open(&folder);
        assert_eq!(found, known);
    }
}

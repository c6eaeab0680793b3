//! A segment: one file of batches and its two indexes.
//!
//! What is kept in memory is small and of one size, the [`Tail`]: sizes, and where the indexes left off. An append
//! computes the next tail first and takes it over when everything is written; an append that fails cuts the files back to
//! the tail that still counts. Recovery feeds the same tail from what it finds, so a rebuilt index is the one that
//! appends would have written. Source: `LogSegment.append`, `LogSegment.truncateTo`.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FileError;
use super::folder::{self, Kind, Stage};
use super::handles::Handles;
use super::index::{self, Entry, OffsetEntry, TimeEntry};
use super::walk::{Damage, Found, Walk};
use crate::engine::log::{SegmentInfo, StoredBatch};
use crate::protocol::records::{BatchHeader, HEAD_BYTES};

/// How many pieces one write takes: the least that systems promise (`IOV_MAX`), and even, as a batch is two.
const PIECES: usize = 1024;

/// The files of a segment, by name. Shared with the jobs that read and flush it; the last one closes them.
#[derive(Debug)]
pub(super) struct SegmentFiles {
    /// The pool's number for it.
    number: u64,
    folder: Arc<Path>,
    base_offset: i64,
    stage: Stage,
    handles: Handles,
}

impl SegmentFiles {
    /// Those of the segment at `base_offset`; nothing is opened or made.
    pub(super) fn new(folder: &Arc<Path>, base_offset: i64, stage: Stage, handles: &Handles) -> Arc<Self> {
        let (folder, handles) = (Arc::clone(folder), handles.clone());
        Arc::new(Self { number: handles.next_segment(), folder, base_offset, stage, handles })
    }

    pub(super) fn path(&self, kind: Kind) -> PathBuf {
        folder::path(&self.folder, self.base_offset, kind, self.stage)
    }

    pub(super) fn open(&self, kind: Kind) -> Result<Arc<File>, FileError> {
        let path = || self.path(kind);
        self.handles.get((self.number, kind as u8), path).map_err(|error| FileError::new("open", &path(), error))
    }

    pub(super) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Waits until the file is on the disk.
    pub(super) fn sync(&self, kind: Kind) -> Result<(), FileError> {
        self.open(kind)?.sync_all().map_err(self.error("flush", kind))
    }

    /// How long the file is; `None` where there is none.
    pub(super) fn length(&self, kind: Kind) -> Result<Option<u64>, FileError> {
        match std::fs::metadata(self.path(kind)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error("look at", kind)(error)),
        }
    }

    /// Makes the file, empty.
    fn create(&self, kind: Kind) -> Result<(), FileError> {
        let path = self.path(kind);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.and_then(|file| file.set_len(0).map(|()| file)).map_err(FileError::of("create", &path))?;
        self.handles.put((self.number, kind as u8), Arc::new(file));
        Ok(())
    }

    /// An error of `operation` on the file of `kind`.
    pub(super) fn error(&self, operation: &'static str, kind: Kind) -> impl FnOnce(io::Error) -> FileError {
        let path = self.path(kind);
        move |error| FileError::new(operation, &path, error)
    }
}

impl Drop for SegmentFiles {
    fn drop(&mut self) {
        self.handles.forget(self.number);
    }
}

/// Where a segment's files end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) info: SegmentInfo,
    /// How many entries the offset index has.
    index_entries: u64,
    /// How many entries the time index has.
    time_entries: u64,
    /// Where the batch of the last entry of the offset index begins; 0 where there is none.
    indexed_at: u64,
    /// The last offset of the batch with the largest timestamp, minus the base offset.
    newest: i32,
    /// The timestamp of the last entry of the time index; -1 where there is none.
    timed: i64,
}

/// Entries that are to be written to the indexes.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) index: Vec<u8>,
    pub(super) time_index: Vec<u8>,
}

impl Tail {
    /// That of an empty segment.
    pub(super) fn empty(base_offset: i64) -> Self {
        let info = SegmentInfo::empty(base_offset);
        Self { info, index_entries: 0, time_entries: 0, indexed_at: 0, newest: 0, timed: -1 }
    }

    /// Takes up a batch behind it. `None` where the indexes cannot say where it is: 31 bits for offsets and positions.
    pub(super) fn push(&mut self, batch: &BatchHeader, interval: u64, news: &mut News) -> Option<()> {
        let relative_offset = i32::try_from(batch.last_offset().checked_sub(self.info.base_offset)?).ok()?;
        let at = self.info.size_bytes;
        let position = i32::try_from(at).ok()?;
        if at == 0 {
            self.info.first_timestamp_ms = batch.max_timestamp;
        }
        self.see_time(batch);
        if at - self.indexed_at > interval {
            news.index.extend(OffsetEntry { relative_offset, position }.encode());
            self.index_entries += 1;
            self.indexed_at = at;
            self.push_time(news);
        }
        self.info.size_bytes += batch.size_bytes() as u64;
        self.info.batches = self.info.batches.map(|count| count + 1);
        Some(())
    }

    /// Where the batch of the last entry of the offset index begins; 0 where there is none.
    pub(super) fn indexed_at(&self) -> u64 {
        self.indexed_at
    }

    /// A batch that is in it may have the largest timestamp.
    pub(super) fn see_time(&mut self, batch: &BatchHeader) {
        let relative_offset = i32::try_from(batch.last_offset().saturating_sub(self.info.base_offset));
        if let Some(relative_offset) = relative_offset.ok().filter(|_| batch.max_timestamp > self.info.max_timestamp_ms)
        {
            (self.info.max_timestamp_ms, self.newest) = (batch.max_timestamp, relative_offset);
        }
    }

    /// The largest timestamp gets an entry, unless it has one: from time to time, and when the segment is closed.
    pub(super) fn push_time(&mut self, news: &mut News) {
        if self.info.max_timestamp_ms > self.timed {
            self.timed = self.info.max_timestamp_ms;
            self.time_entries += 1;
            news.time_index.extend(TimeEntry { timestamp: self.timed, relative_offset: self.newest }.encode());
        }
    }
}

/// A segment as it is at a moment: enough to read it on another thread while it grows.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) files: Arc<SegmentFiles>,
    pub(super) tail: Tail,
}

impl View {
    pub(super) fn base_offset(&self) -> i64 {
        self.tail.info.base_offset
    }

    /// Where a batch lies from which on `offset` is to be looked for.
    pub(super) fn floor(&self, offset: i64) -> Result<u64, FileError> {
        let count = self.tail.index_entries;
        if count == 0 {
            return Ok(0);
        }
        let wanted = offset.saturating_sub(self.base_offset());
        let found = index::last_where(&*self.files.open(Kind::Index)?, count, |entry: &OffsetEntry| {
            i64::from(entry.relative_offset) <= wanted
        });
        let found = found.map_err(self.files.error("read", Kind::Index))?;
        // What an index says is a hint: one that lies beyond the file is of no use.
        let position = found.and_then(|entry| u64::try_from(entry.position).ok());
        Ok(position.filter(|position| *position < self.tail.info.size_bytes).unwrap_or(0))
    }

    /// The last offset that is known to lie before all batches with a timestamp of `timestamp_ms` or later.
    fn offset_before(&self, timestamp_ms: i64) -> Result<i64, FileError> {
        let count = self.tail.time_entries;
        if count == 0 {
            return Ok(self.base_offset());
        }
        let file = self.files.open(Kind::TimeIndex)?;
        let found = index::last_where(&file, count, |entry: &TimeEntry| entry.timestamp < timestamp_ms);
        let found = found.map_err(self.files.error("read", Kind::TimeIndex))?;
        Ok(found.map_or(0, |entry| i64::from(entry.relative_offset)) + self.base_offset())
    }

    /// The first batch that reaches to `offset`.
    pub(super) fn find(&self, offset: i64) -> Result<Option<Found>, FileError> {
        self.find_from(self.floor(offset)?, |header| header.last_offset() >= offset)
    }

    /// The first batch with a timestamp of `timestamp_ms` or later.
    pub(super) fn find_time(&self, timestamp_ms: i64) -> Result<Option<Found>, FileError> {
        if self.tail.info.max_timestamp_ms < timestamp_ms {
            return Ok(None);
        }
        let position = self.floor(self.offset_before(timestamp_ms)?)?;
        self.find_from(position, |header| header.max_timestamp >= timestamp_ms)
    }

    fn find_from(&self, position: u64, wanted: impl Fn(&BatchHeader) -> bool) -> Result<Option<Found>, FileError> {
        let mut found = None;
        self.walk(position, |batch| {
            found = Some(*batch).filter(|batch| wanted(&batch.header));
            found.is_none()
        })?
        .map_or(Ok(found), |damage| Err(self.files.error("read", Kind::Log)(io::Error::other(damage))))
    }

    /// Goes over the heads from `position` on, as long as `go_on` says so. Returns the damage that ended it, if one did.
    pub(super) fn walk(
        &self,
        position: u64,
        mut go_on: impl FnMut(&Found) -> bool,
    ) -> Result<Option<Damage>, FileError> {
        let file = self.files.open(Kind::Log)?;
        let mut walk = Walk::heads(&file, position, self.tail.info.size_bytes);
        while let Some(step) = walk.next().map_err(self.files.error("read", Kind::Log))? {
            match step {
                Ok(found) if go_on(&found) => {}
                Ok(_) => break,
                Err(damage) => return Ok(Some(damage)),
            }
        }
        Ok(None)
    }
}

/// A segment. See the [module](self).
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) files: Arc<SegmentFiles>,
    pub(super) tail: Tail,
}

impl Segment {
    /// Makes an empty one.
    pub(super) fn create(files: Arc<SegmentFiles>) -> Result<Self, FileError> {
        Kind::OPEN.into_iter().try_for_each(|kind| files.create(kind))?;
        let tail = Tail::empty(files.base_offset);
        Ok(Self { files, tail })
    }

    pub(super) fn info(&self) -> SegmentInfo {
        self.tail.info
    }

    /// As it is now.
    pub(super) fn view(&self) -> View {
        View { files: Arc::clone(&self.files), tail: self.tail }
    }

    /// Appends batches: all or none.
    ///
    /// # Errors
    /// [`FileError`], torn where the files could not be cut back.
    pub(super) fn append(&mut self, batches: &[StoredBatch], interval: u64) -> Result<(), FileError> {
        let (mut next, mut news) = (self.tail, News::default());
        for batch in batches {
            next.push(&batch.header, interval, &mut news).ok_or_else(|| self.too_far())?;
        }
        let file = self.files.open(Kind::Log)?;
        self.write(&file, batches, &news).map_err(|error| self.cut_back(error))?;
        self.tail = next;
        Ok(())
    }

    fn too_far(&self) -> FileError {
        let why = "the batch lies too far from the segment's beginning for its indexes";
        self.files.error("append to", Kind::Log)(io::Error::new(io::ErrorKind::InvalidInput, why))
    }

    fn write(&self, file: &File, batches: &[StoredBatch], news: &News) -> Result<(), FileError> {
        for some in batches.chunks(PIECES / 2) {
            let heads: Vec<[u8; HEAD_BYTES]> = some.iter().map(|batch| batch.header.encode()).collect();
            let pieces =
                heads.iter().zip(some).flat_map(|(head, batch)| [IoSlice::new(head), IoSlice::new(&batch.body)]);
            write_all(file, &mut pieces.collect::<Vec<_>>()).map_err(self.files.error("append to", Kind::Log))?;
        }
        self.write_news(news)
    }

    fn write_news(&self, news: &News) -> Result<(), FileError> {
        for (kind, bytes) in [(Kind::Index, &news.index), (Kind::TimeIndex, &news.time_index)] {
            if !bytes.is_empty() {
                let file = self.files.open(kind)?;
                (&*file).write_all(bytes).map_err(self.files.error("append to", kind))?;
            }
        }
        Ok(())
    }

    /// Makes the files what the tail says, after `error`: torn where that fails too.
    fn cut_back(&self, error: FileError) -> FileError {
        if self.trim().is_ok() { error } else { error.torn() }
    }

    /// Gives the files the lengths that the tail says.
    fn trim(&self) -> Result<(), FileError> {
        let Tail { info, index_entries, time_entries, .. } = self.tail;
        for (kind, length) in [
            (Kind::Log, info.size_bytes),
            (Kind::Index, index_entries * OffsetEntry::BYTES),
            (Kind::TimeIndex, time_entries * TimeEntry::BYTES),
        ] {
            self.files.open(kind)?.set_len(length).map_err(self.files.error("cut", kind))?;
        }
        Ok(())
    }

    /// It grows no more, or the process ends: its largest timestamp gets its entry.
    pub(super) fn close(&mut self) -> Result<(), FileError> {
        let (mut next, mut news) = (self.tail, News::default());
        next.push_time(&mut news);
        self.write_news(&news).map_err(|error| self.cut_back(error))?;
        self.tail = next;
        Ok(())
    }

    /// Drops the batches that reach to `offset` or beyond. Returns where the log ends then.
    ///
    /// # Errors
    /// [`FileError`], torn once a file has been touched.
    pub(super) fn truncate_to(&mut self, offset: i64) -> Result<i64, FileError> {
        let view = self.view();
        let Some(first) = view.find(offset)? else { return Ok(offset) };
        self.tail = view.tail_before(first.position, offset)?;
        self.trim().map_err(FileError::torn)?;
        Ok(first.header.base_offset.min(offset))
    }

    /// Takes the place of what is in its indexes: `news` as a scan made them.
    pub(super) fn rewrite_indexes(&self, news: &News) -> Result<(), FileError> {
        self.files.create(Kind::Index)?;
        self.files.create(Kind::TimeIndex)?;
        self.write_news(news)
    }
}

impl View {
    /// The tail as it is when the file is cut at `position`, where the batch begins that holds `offset`.
    fn tail_before(&self, position: u64, offset: i64) -> Result<Tail, FileError> {
        let base_offset = self.base_offset();
        if position == 0 {
            return Ok(Tail::empty(base_offset));
        }
        let mut tail = self.tail;
        let file = self.files.open(Kind::Index)?;
        let before = |entry: &OffsetEntry| u64::try_from(entry.position).is_ok_and(|at| at < position);
        let index = self.files.error("read", Kind::Index);
        tail.index_entries = index::partition_point(&file, tail.index_entries, before).map_err(index)?;
        let last =
            index::last::<OffsetEntry>(&file, tail.index_entries).map_err(self.files.error("read", Kind::Index))?;
        tail.indexed_at = last.and_then(|entry| u64::try_from(entry.position).ok()).unwrap_or(0);

        let file = self.files.open(Kind::TimeIndex)?;
        let before = |entry: &TimeEntry| base_offset + i64::from(entry.relative_offset) < offset;
        let index = self.files.error("read", Kind::TimeIndex);
        tail.time_entries = index::partition_point(&file, tail.time_entries, before).map_err(index)?;
        let last =
            index::last::<TimeEntry>(&file, tail.time_entries).map_err(self.files.error("read", Kind::TimeIndex))?;
        tail.timed = last.map_or(-1, |entry| entry.timestamp);
        tail.newest = last.map_or(0, |entry| entry.relative_offset);
        tail.info.max_timestamp_ms = tail.timed;
        self.take_up_rest(tail, position)
    }

    /// What no entry of the time index tells lies behind the last one of the offset index: it is read.
    fn take_up_rest(&self, mut tail: Tail, position: u64) -> Result<Tail, FileError> {
        let mut cut = 0;
        self.walk(tail.indexed_at, |batch| {
            if batch.position >= position {
                cut += 1
            } else {
                tail.see_time(&batch.header)
            }
            true
        })?;
        tail.info.size_bytes = position;
        tail.info.batches = tail.info.batches.map(|count| count.saturating_sub(cut));
        Ok(tail)
    }
}

impl Segment {
    /// One that is found on the disk, from the ends of its files: they are what a clean stop left. `Err` says why they
    /// cannot be; then it has to be scanned.
    pub(super) fn at_rest(files: Arc<SegmentFiles>) -> Result<Result<Self, String>, FileError> {
        let mut tail = Tail::empty(files.base_offset);
        tail.info.size_bytes = files.length(Kind::Log)?.unwrap_or(0);
        let Some(index_bytes) = files.length(Kind::Index)? else { return Ok(Err("there is no offset index".into())) };
        let Some(time_bytes) = files.length(Kind::TimeIndex)? else { return Ok(Err("there is no time index".into())) };
        if index_bytes % OffsetEntry::BYTES != 0 || time_bytes % TimeEntry::BYTES != 0 {
            return Ok(Err("an index ends within an entry".into()));
        }
        (tail.index_entries, tail.time_entries) = (index_bytes / OffsetEntry::BYTES, time_bytes / TimeEntry::BYTES);
        if tail.info.size_bytes > 0 {
            tail.info.batches = None;
        }
        let view = View { files, tail };
        Ok(view.read_ends()?.map(|tail| Self { files: view.files, tail }))
    }
}

impl View {
    /// The tail with what the first head and the last entries of the indexes say.
    fn read_ends(&self) -> Result<Result<Tail, String>, FileError> {
        let mut tail = self.tail;
        if tail.index_entries > 0 {
            let last = index::last::<OffsetEntry>(&*self.files.open(Kind::Index)?, tail.index_entries);
            let last = last.map_err(self.files.error("read", Kind::Index))?;
            let position = last.filter(|entry| entry.relative_offset >= 0).and_then(|e| u64::try_from(e.position).ok());
            match position.filter(|position| (1..tail.info.size_bytes).contains(position)) {
                Some(position) => tail.indexed_at = position,
                None => return Ok(Err("the offset index does not fit the log".into())),
            }
        }
        if tail.time_entries > 0 {
            let last = index::last::<TimeEntry>(&*self.files.open(Kind::TimeIndex)?, tail.time_entries);
            let last = last.map_err(self.files.error("read", Kind::TimeIndex))?;
            match last.filter(|entry| entry.relative_offset >= 0 && entry.timestamp >= 0 && tail.info.size_bytes > 0) {
                Some(TimeEntry { timestamp, relative_offset }) => {
                    (tail.timed, tail.info.max_timestamp_ms, tail.newest) = (timestamp, timestamp, relative_offset);
                }
                None => return Ok(Err("the time index does not fit the log".into())),
            }
        }
        self.read_first(tail)
    }

    fn read_first(&self, mut tail: Tail) -> Result<Result<Tail, String>, FileError> {
        if tail.info.size_bytes == 0 {
            return Ok(Ok(tail));
        }
        let file = self.files.open(Kind::Log)?;
        let mut head = [0; HEAD_BYTES];
        match super::platform::read_exact_at(&file, &mut head, 0).map(|()| BatchHeader::parse(&head)) {
            Ok(Ok(header)) => tail.info.first_timestamp_ms = header.max_timestamp,
            Ok(Err(damage)) => return Ok(Err(damage.to_string())),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Err("the file ends within a batch".into()));
            }
            Err(error) => return Err(self.files.error("read", Kind::Log)(error)),
        }
        Ok(Ok(tail))
    }
}

/// Writes all pieces, in as few writes as the system makes of it.
fn write_all(mut file: &File, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    // Without this a first empty piece would look like a full disk.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match file.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

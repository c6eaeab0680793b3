//! A segment as it is at a moment: what is looked up in it, and what its files say of their ends.

use std::io;
use std::sync::Arc;

use super::{SegmentFiles, Tail};
use crate::engine::files::FileError;
use crate::engine::files::folder::Kind;
use crate::engine::files::index::{self, OffsetEntry, TimeEntry};
use crate::engine::files::platform::read_exact_at;
use crate::engine::files::walk::{Damage, Found, Walk};
use crate::protocol::records::{BatchHeader, HEAD_BYTES};

/// A segment as it is at a moment: enough to read it on another thread while it grows.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) files: Arc<SegmentFiles>,
    pub(crate) tail: Tail,
}

impl View {
    /// The offset that its files are named by.
    pub(crate) fn base_offset(&self) -> i64 {
        self.tail.info.base_offset
    }

    /// Where a batch lies from which on `offset` is to be looked for.
    pub(crate) fn floor(&self, offset: i64) -> Result<u64, FileError> {
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
    pub(crate) fn find(&self, offset: i64) -> Result<Option<Found>, FileError> {
        self.find_from(self.floor(offset)?, |header| header.last_offset() >= offset)
    }

    /// The first batch with a timestamp of `timestamp_ms` or later.
    pub(crate) fn find_time(&self, timestamp_ms: i64) -> Result<Option<Found>, FileError> {
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
    pub(crate) fn walk(
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

    /// The tail as it is when the file is cut at `position`, where the batch begins that holds `offset`.
    pub(crate) fn tail_before(&self, position: u64, offset: i64) -> Result<Tail, FileError> {
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
                cut += 1;
            } else {
                tail.see_time(&batch.header);
            }
            true
        })?;
        tail.info.size_bytes = position;
        tail.info.batches = tail.info.batches.map(|count| count.saturating_sub(cut));
        Ok(tail)
    }

    /// The tail with what the first head and the last entries of the indexes say.
    pub(crate) fn read_ends(&self) -> Result<Result<Tail, String>, FileError> {
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
        match read_exact_at(&file, &mut head, 0).map(|()| BatchHeader::parse(&head)) {
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

//! A segment: one file of batches and its two indexes.
//!
//! What is kept in memory is small and of one size, the [`Tail`]: sizes, and where the indexes left off. An append
//! computes the next tail first and takes it over when everything is written; an append that fails cuts the files back to
//! the tail that still counts. Recovery feeds the same tail from what it finds, so a rebuilt index is the one that
//! appends would have written. Source: `LogSegment.append`, `LogSegment.truncateTo`.

mod files;
mod tail;
mod view;

use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;

pub(super) use files::SegmentFiles;
pub(super) use tail::{News, Tail};
pub(super) use view::View;

use super::FileError;
#[cfg(test)]
use super::faults::write_vectored;
use super::folder::Kind;
use super::index::{Entry as _, OffsetEntry, TimeEntry};
use crate::engine::log::{SegmentInfo, StoredBatch};
use crate::protocol::records::HEAD_BYTES;

/// How many pieces one write takes: the least that systems promise (`IOV_MAX`), and even, as a batch is two.
const PIECES: usize = 1024;

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
        let tail = Tail::empty(files.base_offset());
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
                write_all(&file, &mut [IoSlice::new(bytes)]).map_err(self.files.error("append to", kind))?;
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
            set_length(&*self.files.open(kind)?, length).map_err(self.files.error("cut", kind))?;
        }
        Ok(())
    }

    /// It grows no more, or the process ends: its largest timestamp gets its entry. Returns whether it had none yet.
    pub(super) fn close(&mut self) -> Result<bool, FileError> {
        let (mut next, mut news) = (self.tail, News::default());
        next.push_time(&mut news);
        self.write_news(&news).map_err(|error| self.cut_back(error))?;
        self.tail = next;
        Ok(!news.time_index.is_empty())
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

    /// One that is found on the disk, from the ends of its files: they are what a clean stop left. `Err` says why they
    /// cannot be; then it has to be scanned.
    pub(super) fn at_rest(files: Arc<SegmentFiles>) -> Result<Result<Self, String>, FileError> {
        let mut tail = Tail::empty(files.base_offset());
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

/// Writes all pieces, in as few writes as the system makes of it.
fn write_all(file: &File, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    // Without this a first empty piece would look like a full disk.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match write_vectored(file, pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One write.
#[cfg(not(test))]
fn write_vectored(mut file: &File, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    io::Write::write_vectored(&mut file, pieces)
}

fn set_length(file: &File, length: u64) -> io::Result<()> {
    #[cfg(test)]
    super::faults::cut()?;
    file.set_len(length)
}

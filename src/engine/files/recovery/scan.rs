//! Segments out of their files: as they lie, where that is safe, or by a scan of every batch.

use std::path::Path;
use std::sync::Arc;

use super::{Cut, Repair};
use crate::engine::files::FileError;
use crate::engine::files::folder::{Kind, Stage};
use crate::engine::files::handles::Handles;
use crate::engine::files::jobs::Removal;
use crate::engine::files::log::retire;
use crate::engine::files::segment::{News, Segment, SegmentFiles, Tail, View};
use crate::engine::files::walk::{Damage, Walk};
use crate::engine::log::Epochs;
use crate::protocol::records::BatchHeader;

/// What becomes of a log's segments.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    pub(super) folder: &'a Arc<Path>,
    pub(super) handles: &'a Handles,
    pub(super) index_interval: u64,
    /// Segments that reach beyond are scanned; `None` after a clean stop.
    pub(super) from: Option<i64>,
    /// Those that are done, oldest first.
    pub(super) segments: Vec<Segment>,
    /// Where the log ends, once the last one is done.
    pub(super) end_offset: i64,
    /// The epochs as a file says, put right by the batches that are found.
    pub(super) epochs: Epochs,
    pub(super) cuts: Vec<Cut>,
    pub(super) repairs: Vec<Repair>,
}

impl Scan<'_> {
    /// Takes the segments at `bases`, oldest first. After a bad batch nothing of them counts any more.
    pub(super) fn take_all(&mut self, bases: &[i64]) -> Result<(), FileError> {
        let nexts = bases.iter().skip(1).map(Some).chain([None]);
        let mut bad = false;
        for (base_offset, next) in bases.iter().zip(nexts) {
            if bad {
                self.drop_behind(*base_offset)?;
            } else {
                bad = self.take(*base_offset, next.copied())?;
            }
        }
        Ok(())
    }

    /// Takes one segment; the one behind it begins at `next`. Returns whether something bad was found in it.
    fn take(&mut self, base_offset: i64, next: Option<i64>) -> Result<bool, FileError> {
        let files = SegmentFiles::new(self.folder, base_offset, Stage::Live, self.handles);
        let scanned = self.from.is_some_and(|from| next.is_none_or(|next| next > from));
        if !scanned {
            match at_rest(Arc::clone(&files), next.is_none())? {
                Ok((segment, end_offset)) => {
                    self.segments.push(segment);
                    self.end_offset = next.unwrap_or(end_offset);
                    return Ok(false);
                }
                Err(what) => {
                    let path = files.path(Kind::Log);
                    self.repairs.push(Repair { path, what: format!("scanned, and its indexes written anew: {what}") });
                }
            }
        }
        self.scan(files, next)
    }

    /// Goes over every batch, compares the checksums, writes the indexes anew, and cuts what is behind the first bad one.
    fn scan(&mut self, files: Arc<SegmentFiles>, next: Option<i64>) -> Result<bool, FileError> {
        let size = files.length(Kind::Log)?.unwrap_or(0);
        let log = files.open(Kind::Log)?;
        let mut walk = Walk::batches(&log, 0, size);
        let (mut tail, mut news) = (Tail::empty(files.base_offset()), News::default());
        self.end_offset = files.base_offset();
        let damage = loop {
            let found = match walk.next().map_err(files.error("read", Kind::Log))? {
                None => break None,
                Some(Err(damage)) => break Some(damage),
                Some(Ok(found)) => found,
            };
            if let Err(damage) = self.take_up(&found.header, next, &mut tail, &mut news) {
                break Some(damage);
            }
        };
        if let Some(damage) = &damage {
            log.set_len(tail.info.size_bytes).map_err(files.error("cut", Kind::Log))?;
            let bytes = size - tail.info.size_bytes;
            self.cut(files.path(Kind::Log), tail.info.size_bytes, bytes, damage.to_string());
        } else if next.is_some() {
            tail.push_time(&mut news);
        }
        let segment = Segment { files, tail };
        segment.rewrite_indexes(&news)?;
        self.segments.push(segment);
        Ok(damage.is_some())
    }

    /// Takes up a batch that is good by itself: it has to follow, and to lie before the next segment.
    fn take_up(
        &mut self,
        batch: &BatchHeader,
        next: Option<i64>,
        tail: &mut Tail,
        news: &mut News,
    ) -> Result<(), Damage> {
        let (base_offset, wanted, last_offset) = (batch.base_offset, self.end_offset, batch.last_offset());
        if base_offset < wanted || last_offset < base_offset {
            return Err(Damage::Order { base_offset, wanted });
        }
        if let Some(end) = next.filter(|end| last_offset >= *end) {
            return Err(Damage::Reach { last_offset, end });
        }
        let end = tail.info.base_offset.saturating_add(i64::from(i32::MAX));
        tail.push(batch, self.index_interval, news).ok_or(Damage::Reach { last_offset, end })?;
        self.epochs.found(batch.leader_epoch, base_offset);
        self.end_offset = batch.next_offset();
        Ok(())
    }

    fn cut(&mut self, path: std::path::PathBuf, position: u64, bytes: u64, why: String) {
        self.cuts.push(Cut { path, position, bytes, log_end: self.end_offset, why });
    }

    /// Drops a segment behind a bad batch, and the producers at its beginning.
    fn drop_behind(&mut self, base_offset: i64) -> Result<(), FileError> {
        let files = SegmentFiles::new(self.folder, base_offset, Stage::Live, self.handles);
        let bytes = files.length(Kind::Log)?.unwrap_or(0);
        self.cut(files.path(Kind::Log), 0, bytes, "the segment lies behind a bad batch".into());
        let mut removal = Removal::default();
        retire(self.folder, base_offset, &Kind::OF_SEGMENT, &mut removal)?;
        retire(self.folder, base_offset, &[Kind::Snapshot], &mut removal)?;
        removal.run()
    }
}

/// A segment as it lies, and where it ends, which only of the last one is looked for.
fn at_rest(files: Arc<SegmentFiles>, is_last: bool) -> Result<Result<(Segment, i64), String>, FileError> {
    let base_offset = files.base_offset();
    match Segment::at_rest(files)? {
        Ok(mut segment) if is_last => Ok(segment.view().end()?.map(|(tail, end_offset)| {
            segment.tail = tail;
            (segment, end_offset)
        })),
        Ok(segment) => Ok(Ok((segment, base_offset))),
        Err(why) => Ok(Err(why)),
    }
}

impl View {
    /// Where it ends, by the heads behind the last entry of its index; and the tail with what they say.
    fn end(&self) -> Result<Result<(Tail, i64), String>, FileError> {
        let log = self.files.open(Kind::Log)?;
        let mut walk = Walk::heads(&log, self.tail.indexed_at, self.tail.info.size_bytes);
        let (mut tail, mut end_offset) = (self.tail, self.base_offset());
        while let Some(step) = walk.next().map_err(self.files.error("read", Kind::Log))? {
            match step {
                Ok(found) if found.header.base_offset >= end_offset => {
                    tail.see_time(&found.header);
                    end_offset = found.header.next_offset();
                }
                Ok(_) => return Ok(Err("its offsets do not rise".into())),
                Err(damage) => return Ok(Err(damage.to_string())),
            }
        }
        Ok(Ok((tail, end_offset)))
    }
}

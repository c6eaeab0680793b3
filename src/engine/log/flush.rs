//! What of a log is on the disk: what a power loss leaves of it. Here it is decided when a log is to be flushed; the
//! flush itself is a job that somebody else has done ([`StorageWork`](crate::engine::message::StorageWork)).
//!
//! A log has one flush under way at most. What is cut meanwhile takes the flush with it: what is written at those
//! offsets later was never flushed. Sources: `UnifiedLog.append`, `UnifiedLog.roll`, `LogManager.flushDirtyLogs`.

use super::Log;
use super::storage::{Storage, StorageError};

/// How far a log is wanted on the disk. Offsets, each the end of a batch; 0 where nothing was wanted yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flush {
    /// Up to here `flush.messages` demands it: what lies below is not acknowledged before it is flushed.
    owed: i64,
    /// Up to here it is to be flushed; at least `owed`.
    wanted: i64,
    /// Up to here a flush is under way.
    under_way: Option<i64>,
}

impl Flush {
    /// The log was cut back to `end`.
    pub(super) fn cut(&mut self, end: i64) {
        self.owed = self.owed.min(end);
        self.wanted = self.wanted.min(end);
        self.under_way = self.under_way.map(|up_to| up_to.min(end));
    }
}

impl Log {
    /// What lies below is on the disk.
    pub fn flushed_offset(&self) -> i64 {
        self.memory.flushed_offset()
    }

    /// Everything that was appended so far is to be flushed.
    pub fn want_flush(&mut self) {
        self.flush.wanted = self.end_offset;
    }

    /// A batch was appended: `flush.messages` may demand a flush.
    pub(super) fn flush_by_count(&mut self) {
        if self.end_offset.saturating_sub(self.flushed_offset()) >= self.config.flush_messages {
            self.want_flush();
            self.flush.owed = self.end_offset;
        }
    }

    /// Whether a flush is to begin: one is wanted, and none is under way.
    pub fn wants_flush(&self) -> bool {
        self.flush.under_way.is_none() && self.flush.wanted > self.flushed_offset()
    }

    /// A flush begins. Returns up to where; `None` where there is nothing to begin.
    pub fn begin_flush(&mut self) -> Option<i64> {
        if !self.wants_flush() {
            return None;
        }
        self.flush.under_way = Some(self.flush.wanted);
        self.flush.under_way
    }

    /// The flush that was under way is done: what it reached, and was not cut meanwhile, is on the disk.
    pub fn flushed(&mut self) {
        if let Some(up_to) = self.flush.under_way.take() {
            self.memory.flushed(up_to.min(self.end_offset));
        }
    }

    /// Whether what lies below `until` may not be acknowledged yet, as `flush.messages` has it flushed first.
    pub fn owes_flush(&self, until: i64) -> bool {
        self.flushed_offset() < until && until <= self.flush.owed
    }

    /// The process that wrote it has ended, and with it whatever it wanted flushed.
    pub fn process_ended(&mut self) {
        self.flush = Flush::default();
    }

    /// Takes what a power loss takes: all that is not flushed. Returns whether that was anything. What went from the front
    /// meanwhile does not come back.
    ///
    /// # Errors
    /// [`StorageError`], as [`Log::truncate_to`].
    pub fn lose_unflushed(&mut self, disk: &mut dyn Storage) -> Result<bool, StorageError> {
        let flushed = self.flushed_offset();
        if flushed > self.start_offset {
            return self.truncate_to(flushed, disk);
        }
        let loses = self.end_offset > self.start_offset;
        if loses {
            self.truncate_fully_and_start_at(self.start_offset, disk)?;
        }
        Ok(loses)
    }
}

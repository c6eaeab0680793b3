//! Compaction: of each key the newest record stays. Source: Kafka's `LogCleaner`, `Cleaner` and `LogCleanerManager`.
//!
//! ```text
//!   log start        first dirty         first uncleanable      log end
//!      | cleaned before | to be cleaned now       | left alone     |
//!      +----------------+-------------------------+----------------+
//! ```
//!
//! 1. [`Log::cleanable`] says how much of a log is new since it was last cleaned, the *dirty* part. It ends before the
//!    active segment, before what reaches to the high watermark, and before what `min.compaction.lag.ms` protects.
//! 2. [`Log::plan_cleaning`] makes of that a [`CleanPlan`]: a value, so that the work can be done elsewhere.
//! 3. [`clean`] does it: it notes the newest offset of each key in the dirty part, then goes through the whole log up to
//!    there and leaves out what is overtaken. It is a pure function of the plan and the batches.
//! 4. [`Log::take_up_cleaned`] swaps the new segments in, unless the log was cut or began later meanwhile.
//!
//! What stays keeps its offset; batches keep their place, their last offset and their sequence numbers. A tombstone (a
//! record without a value) stays until `delete.retention.ms` after it was first met: the batch's delete horizon. The last
//! batch of a producer stays, be it empty, for its sequence number; so does the last one of a cleaning.
//!
//! Batches that end a transaction are left alone: there are no transactions yet.
//!
//! [`Log::cleanable`]: super::Log::cleanable
//! [`Log::plan_cleaning`]: super::Log::plan_cleaning
//! [`Log::take_up_cleaned`]: super::Log::take_up_cleaned

mod keys;
mod plan;

use bytes::Bytes;

use super::storage::{SegmentInfo, StoredBatch};
use crate::protocol::records::{BatchError, Record, records_of, rewrite};

use keys::Keys;
pub use plan::{CleanJob, CleanPlan, Cleanable, Cleaner};

/// What came of a cleaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// The new segments, in the order of their offsets.
    pub segments: Vec<CleanedSegment>,
    /// Up to here the log is clean now: the first dirty offset of the next cleaning.
    pub clean_to: i64,
    /// What there was.
    pub before: Amount,
    /// What is left of it.
    pub after: Amount,
}

/// A segment in the place of one or more old ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanedSegment {
    /// Its base offset: that of the first one that it replaces.
    pub base_offset: i64,
    /// The base offsets of those that it replaces.
    pub replaces: Vec<i64>,
    /// What is left of them.
    pub left: Left,
}

/// What is left of cleaned segments, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// In memory.
    InMemory(Vec<StoredBatch>),
    /// On the disk, beside what it replaces.
    OnDisk(SegmentInfo),
}

/// How much something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Records, as the heads of their batches count them.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Amount {
    fn add(&mut self, batch: &StoredBatch) {
        self.records += u64::try_from(batch.header.record_count).unwrap_or(0);
        self.bytes += batch.size_bytes();
    }
}

/// Cleans as `plan` says. `batches_from` gives the log's batches from the one that holds an offset on, wherever they are;
/// `keep` takes what is left of each new segment, its base offset first, batch by batch (a segment may be a gigabyte), and
/// says where it is then. After an error it gets no more of them.
///
/// # Errors
/// [`BatchError`] for a batch that cannot be read, and whatever `keep` fails of. The log is not changed then.
pub fn clean<B, E: From<BatchError>>(
    plan: &CleanPlan,
    batches_from: impl Fn(i64) -> B,
    mut keep: impl FnMut(i64, &mut dyn Iterator<Item = Result<StoredBatch, BatchError>>) -> Result<Left, E>,
) -> Result<Cleaned, E>
where
    B: Iterator<Item = StoredBatch>,
{
    let dirty = batches_from(plan.first_dirty_offset).take_while(|batch| batch.header.base_offset < plan.upper_bound);
    let keys = Keys::of(dirty, plan)?;
    let mut cleaned = Cleaned { clean_to: keys.end(), ..Cleaned::default() };
    for group in plan.groups(keys.end()) {
        let (before, after) = (&mut cleaned.before, &mut cleaned.after);
        let batches = batches_from(group.base_offset).take_while(|batch| batch.header.base_offset < group.end);
        let mut left = batches.filter_map(|batch| {
            before.add(&batch);
            let left = filter(batch, &keys, plan).transpose();
            left.inspect(|left| left.iter().for_each(|left| after.add(left)))
        });
        let left = keep(group.base_offset, &mut left)?;
        cleaned.segments.push(CleanedSegment { base_offset: group.base_offset, replaces: group.replaces, left });
    }
    Ok(cleaned)
}

/// What is left of a batch, if anything.
fn filter(batch: StoredBatch, keys: &Keys, plan: &CleanPlan) -> Result<Option<StoredBatch>, BatchError> {
    let header = &batch.header;
    if header.attributes.is_control() {
        return Ok(Some(batch));
    }
    let horizon = header.delete_horizon_ms();
    let records = records_of(header, &batch.body)?;
    let keep_tombstones = horizon.is_none_or(|horizon| plan.date_ms < horizon);
    let stays = |record: &Record| keys.is_beyond(record.offset) || stays(record, keys, keep_tombstones);
    let all = records.len();
    let kept: Vec<Record> = records.into_iter().filter(stays).collect();
    if kept.is_empty() {
        let stays = plan.is_last_of_producer(header) || header.next_offset() == plan.upper_bound;
        return Ok(stays.then(|| stored(rewrite::emptied(header))));
    }
    let first_met = horizon.is_none() && kept.iter().any(|record| record.value.is_none());
    if kept.len() == all && !first_met {
        return Ok(Some(batch));
    }
    let horizon = if first_met { Some(plan.date_ms.saturating_add(plan.delete_retention_ms)) } else { horizon };
    Ok(Some(stored(rewrite::with_records(header, &kept, horizon))))
}

/// Whether no newer record has the key of this one, and it is a value or a tombstone that is still kept. A record without
/// a key has no place in a compacted log.
fn stays(record: &Record, keys: &Keys, keep_tombstones: bool) -> bool {
    let Some(key) = &record.key else { return false };
    keys.newest(key).is_none_or(|newest| record.offset >= newest) && (record.value.is_some() || keep_tombstones)
}

fn stored((header, body): (crate::protocol::records::BatchHeader, Bytes)) -> StoredBatch {
    StoredBatch { header, body }
}

#[cfg(test)]
mod tests;

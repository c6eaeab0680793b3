//! What a broker reads back from its disk: the part of its logs that has left memory, for those who fetch there.
//!
//! A fetch below [`Log::resident_from`](crate::engine::log::Log::resident_from) parks like one that waits for records; a job
//! reads a stretch, which is kept here for a while, and whoever waits is tried again. Stretches used longest ago go first.

use std::collections::{BTreeMap, VecDeque};

use super::Broker;
use crate::engine::context::{Context, Id};
use crate::engine::log::{Log, StoredBatch};
use crate::engine::message::{Output, StorageJob, StorageWork};
use crate::engine::replica::TopicPartition;

/// So much is read at once: what comes next is most often wanted next.
const STRETCH_BYTES: usize = 4 << 20;

/// So many stretches are kept.
const STRETCHES: usize = 16;

/// So much of them, unless one alone is larger: a consumer may ask for more than a stretch at once.
const KEPT_BYTES: u64 = 64 << 20;

/// Batches that were read back, one after the other.
#[derive(Clone, Debug)]
struct Stretch {
    partition: TopicPartition,
    /// The offset that was asked for.
    from: i64,
    /// What is here ends there: behind the last batch. Where there is none left (compaction took them), where memory begins.
    end: i64,
    batches: Vec<StoredBatch>,
}

impl Stretch {
    fn size_bytes(&self) -> u64 {
        self.batches.iter().map(StoredBatch::size_bytes).sum()
    }

    fn holds(&self, id: &TopicPartition, offset: i64) -> bool {
        self.partition == *id && (self.from..self.end).contains(&offset)
    }
}

/// What was read back, and what is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct ColdReads {
    under_way: BTreeMap<Id, (TopicPartition, i64)>,
    /// The one used last comes last.
    stretches: VecDeque<Stretch>,
}

impl ColdReads {
    /// The batches from the one that holds `offset` on, as far as they were read back.
    pub(super) fn batches_from(
        &self,
        id: &TopicPartition,
        offset: i64,
    ) -> Option<impl Iterator<Item = StoredBatch> + '_> {
        let stretch = self.stretches.iter().find(|stretch| stretch.holds(id, offset))?;
        Some(stretch.batches.iter().filter(move |batch| batch.header.last_offset() >= offset).cloned())
    }

    /// Where a log goes on, if it is known that nothing is stored between there and `offset`.
    pub(super) fn goes_on_at(&self, id: &TopicPartition, offset: i64) -> Option<i64> {
        let empty = self.stretches.iter().find(|stretch| stretch.batches.is_empty() && stretch.holds(id, offset));
        empty.map(|stretch| stretch.end)
    }

    /// The log was cut or is gone: what was read of it does not count any more.
    pub(super) fn forget(&mut self, id: &TopicPartition) {
        self.under_way.retain(|_, (of, _)| of != id);
        self.stretches.retain(|stretch| stretch.partition != *id);
    }

    /// Whether this job is a read of what is still there.
    pub(super) fn is_under_way(&self, job: Id) -> bool {
        self.under_way.contains_key(&job)
    }

    /// A read failed.
    pub(super) fn failed(&mut self, job: Id) {
        self.under_way.remove(&job);
    }

    /// Whether `offset` is here, which then is used, or on its way.
    fn uses(&mut self, id: &TopicPartition, offset: i64) -> bool {
        if let Some(at) = self.stretches.iter().position(|stretch| stretch.holds(id, offset)) {
            if let Some(stretch) = self.stretches.remove(at) {
                self.stretches.push_back(stretch);
            }
            return true;
        }
        self.under_way.values().any(|(of, from)| of == id && *from == offset)
    }

    fn keep(&mut self, stretch: Stretch) {
        self.stretches.push_back(stretch);
        let mut bytes: u64 = self.stretches.iter().map(Stretch::size_bytes).sum();
        while self.stretches.len() > STRETCHES || (bytes > KEPT_BYTES && self.stretches.len() > 1) {
            bytes -= self.stretches.pop_front().map_or(0, |oldest| oldest.size_bytes());
        }
    }
}

impl Broker {
    /// Sees to it that what is wanted of each log is read back, unless it is here: partition, offset, how much.
    pub(crate) fn read_back(&mut self, wanted: Vec<(TopicPartition, i64, usize)>, ctx: &mut Context<'_>) {
        for (partition, from, max_bytes) in wanted {
            if self.cold.uses(&partition, from) {
                continue;
            }
            let id = ctx.next_id();
            self.cold.under_way.insert(id, (partition.clone(), from));
            let work = StorageWork::Read { partition, from, max_bytes: max_bytes.max(STRETCH_BYTES) };
            ctx.output(Output::Storage(StorageJob { id, broker: self.id, work }));
        }
    }

    /// A read is done.
    pub(super) fn on_read_back(&mut self, job: Id, batches: &[StoredBatch]) {
        if let Some((partition, from)) = self.cold.under_way.remove(&job) {
            // Nothing is found there too where retention came first: then there is nothing to know.
            let log = self.replica(&partition).map(|replica| &replica.log).filter(|log| log.log_start_offset() <= from);
            let resident_from = log.map_or(from, Log::resident_from);
            let end = batches.last().map_or(resident_from, |last| last.header.next_offset());
            self.cold.keep(Stretch { partition: partition.clone(), from, end, batches: batches.to_vec() });
            self.touch(&partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocol::records::{BatchBuilder, Compression, validate};

    /// A stretch of partition `partition` with a batch of so many mebibytes.
    fn stretch(partition: i32, mebibytes: usize) -> Stretch {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(0, None, Some(&vec![0; mebibytes << 20]), &[]);
        let batch = validate(&builder.build()).unwrap();
        let batch = StoredBatch { header: batch.header, body: Bytes::copy_from_slice(&batch.body) };
        Stretch { partition: TopicPartition::new("t", partition), from: 0, end: 1, batches: vec![batch] }
    }

    fn kept(reads: &ColdReads) -> Vec<i32> {
        reads.stretches.iter().map(|stretch| stretch.partition.partition).collect()
    }

    #[test]
    fn where_compaction_left_nothing_the_log_goes_on_in_memory() {
        let mut reads = ColdReads::default();
        let id = TopicPartition::new("t", 0);
        reads.keep(Stretch { partition: id.clone(), from: 10, end: 40, batches: Vec::new() });
        assert!(reads.uses(&id, 10) && reads.uses(&id, 39), "it is not read again and again");
        assert_eq!([9, 10, 39, 40].map(|offset| reads.goes_on_at(&id, offset)), [None, Some(40), Some(40), None]);
        reads.keep(stretch(0, 0));
        assert_eq!(reads.goes_on_at(&id, 0), None, "something is stored there");
    }

    #[test]
    fn the_stretches_used_last_are_kept_as_far_as_there_is_room() {
        let mut reads = ColdReads::default();
        (0..20).for_each(|partition| reads.keep(stretch(partition, 0)));
        assert_eq!(kept(&reads), (4..20).collect::<Vec<_>>());
        assert!(reads.uses(&TopicPartition::new("t", 4), 0));
        (20..22).for_each(|partition| reads.keep(stretch(partition, 40)));
        assert_eq!(kept(&reads), [21], "two of 40 MiB are too much");
        reads.keep(stretch(22, 70));
        assert_eq!(kept(&reads), [22], "whoever asked for it has to get it");
        reads.keep(stretch(23, 0));
        assert_eq!(kept(&reads), [23]);
    }
}

//! The disks of a lab that lies in memory: nothing has to be written, but compaction is work there too. What is more than a
//! moment's of it is done by a thread of its own, so that the engine's goes on.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::LabDisks;
use crate::engine::broker::Disk;
use crate::engine::cluster::Cluster;
use crate::engine::log::{Disks, InMemory, Storage, StorageError};
use crate::engine::message::{StorageDone, StorageJob, StorageWork};
use crate::engine::node::{BrokerId, ZkId};
use crate::engine::replica::TopicPartition;
use crate::engine::zk::persist::ZkRecord;

/// So many bytes are cleaned at once, in the step.
const AT_ONCE_BYTES: u64 = 256 * 1024;

/// See the [module](self).
#[derive(Default)]
pub struct MemoryDisks {
    memory: InMemory,
    answers: Option<Arc<dyn Fn(StorageDone) + Send + Sync>>,
}

impl Disks for MemoryDisks {
    fn is_lasting(&self) -> bool {
        self.memory.is_lasting()
    }

    fn create(&mut self, broker: BrokerId, id: &TopicPartition, topic_id: Uuid) -> Result<(), StorageError> {
        self.memory.create(broker, id, topic_id)
    }

    fn log(&mut self, broker: BrokerId, id: &TopicPartition) -> &mut dyn Storage {
        self.memory.log(broker, id)
    }

    fn delete(&mut self, broker: BrokerId, id: &TopicPartition, delay: Duration) -> Result<(), StorageError> {
        self.memory.delete(broker, id, delay)
    }

    fn take_up_again(&mut self, broker: BrokerId) -> Result<Option<Disk>, StorageError> {
        self.memory.take_up_again(broker)
    }

    fn take_up(&mut self, job: StorageJob) -> Option<StorageDone> {
        let StorageWork::Clean { job: cleaning, .. } = &job.work else { return self.memory.take_up(job) };
        let bytes: u64 = cleaning.plan().segments.iter().map(|segment| segment.size_bytes).sum();
        let Some(answers) = self.answers.clone().filter(|_| bytes > AT_ONCE_BYTES) else {
            return self.memory.take_up(job);
        };
        let later = job.clone();
        let thread = std::thread::Builder::new().name("compaction".to_owned()).spawn(move || answers(later.done()));
        match thread {
            Ok(_) => None,
            // The operating system gives no thread: then the engine's does it.
            Err(_) => self.memory.take_up(job),
        }
    }

    fn keep(&mut self, server: ZkId, record: ZkRecord<'_>) {
        self.memory.keep(server, record);
    }
}

impl LabDisks for MemoryDisks {
    fn answer_to(&mut self, answers: Box<dyn Fn(StorageDone) + Send + Sync>) {
        self.answers = Some(answers.into());
    }

    fn answered(&mut self, _done: &StorageDone) {}

    fn close(&mut self, _cluster: &Cluster) {}
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::engine::log::{Log, LogConfig};
    use crate::engine::message::StorageOutcome;
    use crate::protocol::records::{BatchBuilder, Compression, validate};

    /// The cleaning of a log of `records` kilobytes, all of one key.
    fn cleaning(records: usize) -> StorageJob {
        let mut log = Log::new(LogConfig { compact: true, ..LogConfig::default() });
        for _ in 0..records {
            let mut batch = BatchBuilder::new(Compression::None);
            batch.push(0, Some(b"k"), Some(&[7; 1_024]), &[]);
            log.append_as_leader(&validate(&batch.build()).unwrap(), 0, 0, &mut InMemory).unwrap();
        }
        log.roll(&mut InMemory).unwrap();
        let cleanable = log.cleanable(log.log_end_offset(), 0).unwrap();
        let job = Arc::new(log.plan_cleaning(&cleanable, 0, usize::MAX));
        StorageJob {
            id: 3,
            broker: BrokerId(1),
            work: StorageWork::Clean { partition: TopicPartition::new("t", 0), job },
        }
    }

    fn left(done: &StorageDone) -> u64 {
        let StorageOutcome::Cleaned(cleaned) = &done.outcome else { panic!("{done:?}") };
        cleaned.after.records
    }

    #[test]
    fn what_takes_long_is_answered_later_and_the_rest_at_once() {
        let mut disks = MemoryDisks::default();
        let (answer, answers) = sync_channel(1);
        disks.answer_to(Box::new(move |done| answer.send(done).unwrap()));
        let small = disks.take_up(cleaning(3)).expect("three kilobytes are a moment's work");
        assert_eq!((small.id, left(&small)), (3, 1));
        assert!(disks.take_up(cleaning(300)).is_none());
        assert_eq!(left(&answers.recv().unwrap()), 1);
    }
}

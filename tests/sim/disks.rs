//! The disks of a lab under test: some that keep nothing, as in a lab in memory, and can be made to refuse everything; or
//! files, on which the work is done at once, and answered when the simulation says so.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use kscope::engine::broker::Disk;
use kscope::engine::log::{Disks, InMemory, Refusing, Storage, StorageError};
use kscope::engine::message::{StorageDone, StorageJob, StorageOutcome};
use kscope::engine::node::{BrokerId, ZkId};
use kscope::engine::replica::TopicPartition;
use kscope::engine::runtime::LabDisks;
use kscope::engine::runtime::disks::LabFiles;
use kscope::engine::time::Time;
use kscope::engine::zk::persist::ZkRecord;
use uuid::Uuid;

/// Either.
pub(crate) enum TestDisks {
    /// Disks that keep nothing.
    Faulty(FaultyDisks),
    /// Files, and what their threads answer.
    Files(Box<LabFiles>, Receiver<StorageDone>),
}

impl TestDisks {
    /// Files that were taken up.
    pub(crate) fn on(mut files: LabFiles) -> Self {
        let (answer, answers) = sync_channel(1_024);
        files.answer_to(Box::new(move |done| answer.send(done).unwrap()));
        Self::Files(Box::new(files), answers)
    }

    pub(crate) fn get(&mut self) -> &mut dyn Disks {
        match self {
            Self::Faulty(disks) => disks,
            Self::Files(files, _) => &mut **files,
        }
    }

    /// The disks that can be made to refuse.
    pub(crate) fn faulty(&mut self) -> &mut FaultyDisks {
        match self {
            Self::Faulty(disks) => disks,
            Self::Files(..) => panic!("the files of a test are never full"),
        }
    }

    /// Does a job.
    pub(crate) fn outcome(&mut self, job: &StorageJob) -> StorageDone {
        match self {
            Self::Faulty(disks) => disks.outcome(job),
            Self::Files(files, answers) => files.take_up(job.clone()).unwrap_or_else(|| {
                let done = answers.recv_timeout(Duration::from_secs(60)).expect("the disk answers");
                assert_eq!(done.id, job.id, "one job at a time");
                done
            }),
        }
    }

    /// The step is over that handled it.
    pub(crate) fn settled(&mut self, now: Time) {
        if let Self::Files(files, _) = self {
            files.settled(now);
        }
    }

    /// The answer to a job is about to be handled.
    pub(crate) fn answered(&mut self, done: &StorageDone) {
        if let Self::Files(files, _) = self {
            files.answered(done);
        }
    }
}

/// Disks that keep nothing.
pub(crate) struct FaultyDisks {
    /// Whose disk is full.
    pub(crate) full: BTreeSet<BrokerId>,
    works: InMemory,
    fails: Refusing,
}

impl Default for FaultyDisks {
    fn default() -> Self {
        Self { full: BTreeSet::new(), works: InMemory, fails: Refusing(full()) }
    }
}

fn full() -> StorageError {
    StorageError("no space left on device".into())
}

impl FaultyDisks {
    /// What comes of a job.
    pub(crate) fn outcome(&self, job: &StorageJob) -> StorageDone {
        if self.full.contains(&job.broker) { job.came_to(StorageOutcome::Failed(full())) } else { job.done() }
    }

    fn check(&self, broker: BrokerId) -> Result<(), StorageError> {
        if self.full.contains(&broker) { Err(full()) } else { Ok(()) }
    }
}

impl Disks for FaultyDisks {
    fn is_lasting(&self) -> bool {
        false
    }

    fn create(&mut self, broker: BrokerId, _id: &TopicPartition, _topic_id: Uuid) -> Result<(), StorageError> {
        self.check(broker)
    }

    fn log(&mut self, broker: BrokerId, _id: &TopicPartition) -> &mut dyn Storage {
        if self.full.contains(&broker) { &mut self.fails } else { &mut self.works }
    }

    fn delete(&mut self, broker: BrokerId, _id: &TopicPartition, _delay: Duration) -> Result<(), StorageError> {
        self.check(broker)
    }

    fn take_up_again(&mut self, broker: BrokerId) -> Result<Option<Disk>, StorageError> {
        self.check(broker).map(|()| None)
    }

    fn take_up(&mut self, _job: StorageJob) -> Option<StorageDone> {
        None
    }

    fn keep(&mut self, _server: ZkId, _record: ZkRecord<'_>) {}
}

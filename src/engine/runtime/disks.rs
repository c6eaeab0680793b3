//! The disks of a lab that lasts (`--data-dir`): every replica's [`FileLog`], every broker's checkpoints, every ZooKeeper
//! server's transactions, and the threads that do what waits.
//!
//! The engine's thread appends to the page cache and renames; [`workers`] flush, read and unlink. [`open`] takes up what an
//! earlier process left, [`LabFiles::close`] leaves it in order. Between the two a `kill -9` may come at any moment: what was
//! acknowledged is in the page cache by then, and the next [`open`] scans for the rest.

mod cleaning;
mod close;
mod open;
mod retired;
#[cfg(test)]
mod tests;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

pub use open::{DiskError, Opened, open};

use self::retired::Retired;
use self::workers::Workers;
use super::LabDisks;
use crate::engine::FastMap;
use crate::engine::broker::Disk;
use crate::engine::cluster::Cluster;
use crate::engine::context::Id;
use crate::engine::files::broker_dir::{BrokerDir, Checkpoint as File, Identity, Offsets};
use crate::engine::files::data_dir::DataDir;
use crate::engine::files::zookeeper::ZkFiles;
use crate::engine::files::{Cleaned, FileConfig, FileError, FileLog};
use crate::engine::log::{
    CleanJob, Disks, Epochs, Producers, Refusing, SegmentInfo, Storage, StorageError, StoredBatch,
};
use crate::engine::message::{Checkpoint, StorageDone, StorageJob, StorageOutcome, StorageWork};
use crate::engine::node::{BrokerId, ZkId};
use crate::engine::replica::TopicPartition;
use crate::engine::time::Time;
use crate::engine::zk::persist::ZkRecord;

/// Where answers to jobs go.
type Answers = Arc<dyn Fn(StorageDone) + Send + Sync>;

/// The disks. See the [module](self).
pub struct LabFiles {
    dir: DataDir,
    brokers: BTreeMap<BrokerId, BrokerFiles>,
    zookeepers: BTreeMap<ZkId, ZkFiles>,
    workers: Workers,
    /// What its logs have let go.
    retired: Retired,
    answers: Answers,
    /// The flushes that are under way: of which log in which generation, and how far they reach.
    flushing: FastMap<Id, Flushing>,
    /// The newest cleaning under way of each log, and what came of cleanings that are done.
    cleaning: BTreeMap<(BrokerId, TopicPartition), Id>,
    cleaned: Arc<Mutex<BTreeMap<Id, Cleaned>>>,
    /// The log whose cleaning the step in hand hears of.
    held: Option<(BrokerId, TopicPartition)>,
    /// The place of logs that have none.
    nowhere: Refusing,
}

struct Flushing {
    broker: BrokerId,
    partition: TopicPartition,
    generation: u64,
    up_to: i64,
}

/// A broker's directory, and its logs.
struct BrokerFiles {
    shared: Arc<Shared>,
    logs: FastMap<TopicPartition, Place>,
}

/// What a broker's logs and the workers both write to: the checkpoint files, and whose they are.
struct Shared {
    broker: BrokerId,
    dir: BrokerDir,
    /// Held by whoever writes the files.
    files: Mutex<()>,
    state: Mutex<OnDisk>,
}

/// The checkpoint files as they are on the disk, and what of them is not true any more.
#[derive(Default)]
struct OnDisk {
    identity: Option<Identity>,
    files: BTreeMap<File, Offsets>,
    /// Logs of which nothing that stands there is true: they are gone, or begin anew.
    stale: BTreeSet<(String, i32)>,
    /// How often a log was cut or went: a checkpoint that was taken before says too much.
    cuts: u64,
}

impl Shared {
    fn new(broker: BrokerId, dir: BrokerDir, identity: Option<Identity>, files: BTreeMap<File, Offsets>) -> Self {
        let state = OnDisk { identity, files, ..OnDisk::default() };
        Self { broker, dir, files: Mutex::default(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, OnDisk> {
        // It is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a checkpoint that was taken when there had been so many cuts. Where there were more since, the next one comes
    /// soon.
    fn write(&self, checkpoint: Checkpoint, cuts: u64) -> Result<(), FileError> {
        let _writing = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.identify(checkpoint.cluster_id.as_deref())?;
        if self.state().cuts != cuts {
            return Ok(());
        }
        let files: BTreeMap<File, Offsets> = [
            (File::HighWatermark, offsets(checkpoint.high_watermarks)),
            (File::LogStart, offsets(checkpoint.log_starts)),
            (File::Cleaner, offsets(checkpoint.cleaned)),
            (File::RecoveryPoint, offsets(checkpoint.recovery_points)),
        ]
        .into();
        for (which, offsets) in &files {
            self.dir.write_checkpoint(*which, offsets)?;
        }
        let mut state = self.state();
        state.files = files;
        if state.cuts == cuts {
            state.stale.clear();
        }
        Ok(())
    }

    /// Writes down whose directory it is, once the broker knows its cluster.
    fn identify(&self, cluster_id: Option<&str>) -> Result<(), FileError> {
        let Some(cluster_id) = cluster_id else { return Ok(()) };
        let identity = Some(Identity { broker_id: self.broker.0, cluster_id: Some(cluster_id.to_owned()) });
        if self.state().identity != identity {
            identity.iter().try_for_each(|identity| self.dir.set_identity(identity))?;
            self.state().identity = identity;
        }
        Ok(())
    }

    /// A log is about to be cut: what a checkpoint that is on its way says of it will not be true, and the one that is there
    /// must not call flushed what comes in the place of what goes.
    fn cut(&self, id: &TopicPartition, to: i64) -> Result<(), FileError> {
        let _writing = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        state.cuts += 1;
        let points = state.files.entry(File::RecoveryPoint).or_default();
        match points.get_mut(&(id.topic.to_string(), id.partition)).filter(|point| **point > to) {
            Some(point) => *point = to,
            None => return Ok(()),
        }
        self.dir.replace_checkpoint(File::RecoveryPoint, points)
    }

    /// A log is gone, or begins anew: nothing that the files say of it is true.
    fn forget(&self, id: &TopicPartition) {
        let mut state = self.state();
        state.cuts += 1;
        state.stale.insert((id.topic.to_string(), id.partition));
    }

    /// Something is about to be written to a log: the files must say nothing of it that is not true, or the next start
    /// believes it. (The page cache is enough: it is for the end of this process, not of the machine.)
    fn settle(&self, id: &TopicPartition) -> Result<(), FileError> {
        let key = (id.topic.to_string(), id.partition);
        if !self.state().stale.contains(&key) {
            return Ok(());
        }
        let _writing = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        let untrue = std::mem::take(&mut state.stale);
        for (which, offsets) in &mut state.files {
            let before = offsets.len();
            offsets.retain(|key, _| !untrue.contains(key));
            if offsets.len() < before {
                self.dir.replace_checkpoint(*which, offsets)?;
            }
        }
        Ok(())
    }
}

fn offsets(by_partition: BTreeMap<TopicPartition, i64>) -> Offsets {
    by_partition.into_iter().map(|(id, offset)| ((id.topic.to_string(), id.partition), offset)).collect()
}

/// One log's place.
struct Place {
    id: TopicPartition,
    log: FileLog,
    shared: Arc<Shared>,
    retired: Retired,
    /// What a cleaning wrote, until it is swapped in.
    cleaned: Option<Cleaned>,
}

impl Place {
    fn new(id: TopicPartition, log: FileLog, shared: &Arc<Shared>, retired: &Retired) -> Self {
        Self { id, log, shared: Arc::clone(shared), retired: retired.clone(), cleaned: None }
    }
}

impl Storage for Place {
    fn append(&mut self, batch: &StoredBatch) -> Result<(), StorageError> {
        let appended = self.log.append(batch);
        Ok(appended.inspect_err(|error| tracing::error!("{error}"))?)
    }

    fn roll(&mut self, base_offset: i64, producers: &Producers) -> Result<(), StorageError> {
        let rolled = self.log.roll(base_offset, producers);
        Ok(rolled.inspect_err(|error| tracing::error!("{error}"))?)
    }

    fn truncate_to(&mut self, offset: i64, delay: Duration) -> Result<Option<SegmentInfo>, StorageError> {
        self.shared.cut(&self.id, offset)?;
        self.retired.add(self.log.truncate_to(offset)?, delay);
        Ok(self.log.segments().last())
    }

    fn remove_before(&mut self, base_offset: i64, delay: Duration) -> Result<(), StorageError> {
        self.retired.add(self.log.remove_before(base_offset)?, delay);
        Ok(())
    }

    fn restart_at(&mut self, offset: i64, delay: Duration) -> Result<(), StorageError> {
        self.shared.forget(&self.id);
        self.shared.settle(&self.id)?;
        self.retired.add(self.log.restart_at(offset)?, delay);
        Ok(())
    }

    fn replace_oldest(&mut self, _count: usize, delay: Duration) -> Result<bool, StorageError> {
        let Some(cleaned) = self.cleaned.take() else { return Ok(false) };
        let (swapped, removal) = self.log.swap(cleaned)?;
        if swapped {
            self.retired.add(removal, delay);
        } else {
            // At once: the next cleaning of this log writes in the same place.
            retired::unlink(vec![removal]);
        }
        Ok(swapped)
    }

    fn epochs(&mut self, epochs: &Epochs) -> Result<(), StorageError> {
        Ok(self.log.set_epochs(epochs)?)
    }

    fn read(&mut self, from: i64, max_bytes: usize) -> Result<Vec<StoredBatch>, StorageError> {
        Ok(self.log.read(from, max_bytes, i64::MAX)?)
    }

    fn offset_near_time(&mut self, timestamp_ms: i64) -> Result<Option<i64>, StorageError> {
        Ok(self.log.searching_time(timestamp_ms).run()?.map(|batch| batch.header.base_offset))
    }
}

/// What is said where a log was never made, or is gone.
fn no_place() -> StorageError {
    StorageError("the log has no folder".to_owned())
}

impl LabFiles {
    /// Waits until the threads have done all that they were asked for so far.
    pub fn finish_jobs(&self) {
        self.workers.finish();
    }

    fn place(&mut self, broker: BrokerId, id: &TopicPartition) -> Option<&mut Place> {
        self.brokers.get_mut(&broker)?.logs.get_mut(id)
    }

    /// Has `work` done by the thread that flushes, and answers `job` with what comes of it.
    fn sync(
        &self,
        job: StorageJob,
        done: StorageOutcome,
        work: impl FnOnce() -> Result<(), FileError> + Send + 'static,
    ) {
        let answers = Arc::clone(&self.answers);
        self.workers.sync(move || {
            let worked = work().inspect_err(|error| tracing::error!("{error}"));
            let outcome = worked.map_or_else(|error| StorageOutcome::Failed(error.into()), |()| done);
            answers(job.came_to(outcome));
        });
    }

    fn flush(&mut self, job: StorageJob, partition: TopicPartition) -> Option<StorageDone> {
        let Some(place) = self.place(job.broker, &partition) else { return Some(job.done()) };
        let flush = match place.log.flush() {
            Ok(flush) => flush,
            Err(error) => return Some(job.came_to(StorageOutcome::Failed(error.into()))),
        };
        let generation = place.log.generation();
        self.flushing.insert(job.id, Flushing { broker: job.broker, partition, generation, up_to: flush.up_to() });
        self.sync(job, StorageOutcome::Flushed, move || flush.run().map(|_| ()));
        None
    }

    fn read(&mut self, job: StorageJob, partition: &TopicPartition, from: i64, most: usize) -> Option<StorageDone> {
        let Some(place) = self.place(job.broker, partition) else {
            return Some(job.came_to(StorageOutcome::Read(Vec::new())));
        };
        let read = place.log.reading(from, most, i64::MAX);
        let answers = Arc::clone(&self.answers);
        self.workers.read(move || {
            let outcome = match read.run() {
                Ok(batches) => StorageOutcome::Read(batches),
                // Retention came before it: whoever asked is told that it is gone.
                Err(error) if error.source.kind() == ErrorKind::NotFound => StorageOutcome::Read(Vec::new()),
                Err(error) => StorageOutcome::Failed(error.into()),
            };
            answers(job.came_to(outcome));
        });
        None
    }

    fn clean(&mut self, job: StorageJob, partition: TopicPartition, clean: Arc<CleanJob>) -> Option<StorageDone> {
        let plan = clean.plan();
        let bases = plan.segments.first().map_or(0, |first| first.base_offset)..plan.upper_bound;
        let place = self.place(job.broker, &partition);
        let cleaning = place.and_then(|place| place.log.cleaning(bases));
        let Some(cleaning) = cleaning else { return Some(job.came_to(StorageOutcome::Cleaned(Arc::default()))) };
        // An older one is of a process that was killed, or of a log that was deleted: it writes in the same place.
        self.cleaning.insert((job.broker, partition), job.id);
        let (answers, written) = (Arc::clone(&self.answers), Arc::clone(&self.cleaned));
        self.workers.clean(move || {
            let outcome = match cleaning::run(cleaning, clean.plan()) {
                Ok((cleaned, files)) => {
                    written.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, files);
                    StorageOutcome::Cleaned(Arc::new(cleaned))
                }
                Err(cleaning::Failure::Batch(error)) => StorageOutcome::CleaningFailed(error.to_string().into()),
                Err(cleaning::Failure::File(error)) => StorageOutcome::Failed(error.into()),
            };
            answers(job.came_to(outcome));
        });
        None
    }

    /// A cleaning is done: what it wrote waits at its log for the core to take it up. Of one that is not the newest of its
    /// log nothing is left: the next one clears its place first.
    fn hold_cleaned(&mut self, done: &StorageDone) {
        let written = self.cleaned.lock().unwrap_or_else(PoisonError::into_inner).remove(&done.id);
        let newest = self.cleaning.iter().find_map(|(of, id)| (*id == done.id).then(|| of.clone()));
        let Some((broker, partition)) = newest else { return };
        self.cleaning.remove(&(broker, partition.clone()));
        let place = self.place(broker, &partition);
        if let (Some(written), Some(place)) = (written, place) {
            place.cleaned = Some(written);
            self.held = Some((broker, partition));
        }
    }

    fn checkpoint(&mut self, job: StorageJob, checkpoint: Checkpoint) -> Option<StorageDone> {
        let Some(broker) = self.brokers.get(&job.broker) else { return Some(job.done()) };
        let shared = Arc::clone(&broker.shared);
        let cuts = shared.state().cuts;
        self.sync(job, StorageOutcome::CheckpointWritten, move || shared.write(checkpoint, cuts));
        None
    }
}

impl Disks for LabFiles {
    fn is_lasting(&self) -> bool {
        true
    }

    fn create(&mut self, broker: BrokerId, id: &TopicPartition, topic_id: Uuid) -> Result<(), StorageError> {
        let handles = self.dir.handles().clone();
        let files = self.brokers.get_mut(&broker).ok_or_else(no_place)?;
        files.shared.settle(id)?;
        let folder = files.shared.dir.folder_of(&id.topic, id.partition);
        let log = FileLog::create(&folder, 0, Some(topic_id), FileConfig::default(), &handles)?;
        let place = Place::new(id.clone(), log, &files.shared, &self.retired);
        files.logs.insert(id.clone(), place);
        Ok(())
    }

    fn log(&mut self, broker: BrokerId, id: &TopicPartition) -> &mut dyn Storage {
        match self.brokers.get_mut(&broker).and_then(|files| files.logs.get_mut(id)) {
            Some(place) => place,
            None => &mut self.nowhere,
        }
    }

    fn delete(&mut self, broker: BrokerId, id: &TopicPartition, delay: Duration) -> Result<(), StorageError> {
        let Some(files) = self.brokers.get_mut(&broker) else { return Ok(()) };
        let Some(place) = files.logs.remove(id) else { return Ok(()) };
        place.shared.forget(id);
        self.retired.add(place.log.delete()?, delay);
        Ok(())
    }

    fn take_up_again(&mut self, broker: BrokerId) -> Result<Option<Disk>, StorageError> {
        self.workers.finish();
        // What they have answered of this broker's and nobody has heard yet is of logs that are no more.
        self.flushing.retain(|_, flushing| flushing.broker != broker);
        self.brokers.remove(&broker);
        let dir = self.dir.broker(broker.0)?;
        let (files, disk) = open::open_broker(broker, dir, &self.dir, &self.retired)
            .map_err(|error| StorageError(error.to_string()))?;
        self.brokers.insert(broker, files);
        Ok(Some(disk))
    }

    fn take_up(&mut self, job: StorageJob) -> Option<StorageDone> {
        match job.work.clone() {
            StorageWork::Clean { partition, job: cleaning } => self.clean(job, partition, cleaning),
            StorageWork::Flush { partition, .. } => self.flush(job, partition),
            StorageWork::Read { partition, from, max_bytes } => self.read(job, &partition, from, max_bytes),
            StorageWork::Checkpoint(checkpoint) => self.checkpoint(job, checkpoint),
        }
    }

    fn keep(&mut self, server: ZkId, record: ZkRecord<'_>) {
        let Some(files) = self.zookeepers.get_mut(&server) else { return };
        let owed = files.owes();
        match files.keep(record) {
            Ok(Some(flush)) => self.workers.sync(move || {
                if let Err(error) = flush.run() {
                    tracing::error!("cannot flush ZooKeeper's log: {error}");
                }
            }),
            Ok(None) => {}
            // It is told once.
            Err(_) if owed => {}
            Err(error) => tracing::error!("{error}; ZooKeeper tries again with its next transaction"),
        }
    }
}

impl LabDisks for LabFiles {
    fn answer_to(&mut self, answers: Box<dyn Fn(StorageDone) + Send + Sync>) {
        self.answers = answers.into();
    }

    fn answered(&mut self, done: &StorageDone) {
        self.hold_cleaned(done);
        let Some(Flushing { partition, generation, up_to, .. }) = self.flushing.remove(&done.id) else { return };
        if matches!(done.outcome, StorageOutcome::Flushed)
            && let Some(place) = self.place(done.broker, &partition)
            && place.log.generation() == generation
        {
            place.log.flushed(up_to);
        }
    }

    fn settled(&mut self, now: Time) {
        let due = self.retired.settle(now);
        if !due.is_empty() {
            self.workers.sync(move || retired::unlink(due));
        }
        let Some((broker, partition)) = self.held.take() else { return };
        // At once: the next cleaning of that log writes in the same place.
        if let Some(unwanted) = self.place(broker, &partition).and_then(|place| place.cleaned.take())
            && let Err(error) = unwanted.discard().run()
        {
            tracing::warn!("{error}");
        }
    }

    fn close(&mut self, cluster: &Cluster) {
        Self::close(self, cluster);
    }
}

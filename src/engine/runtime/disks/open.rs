//! Taking up a data directory: every replica's folder becomes a log again, several at a time, and every ZooKeeper server's
//! directory a tree.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use super::{BrokerFiles, FileError, LabFiles, Place, Retired, Shared, Workers, no_place};
use crate::engine::FastMap;
use crate::engine::broker::disk::{Disk, Recovery, StoredLog};
use crate::engine::cluster::Found;
use crate::engine::config::Config;
use crate::engine::files::broker_dir::{BrokerDir, Checkpoint, ReplicaFolder};
use crate::engine::files::data_dir::{DataDir, DataDirError, Shape};
use crate::engine::files::recovery::{self, Hints, Recovered};
use crate::engine::files::zookeeper::ZkFiles;
use crate::engine::files::{FileConfig, FileLog};
use crate::engine::log::{self, History, Log, LogConfig, Refusing};
use crate::engine::node::{BrokerId, ZkId};
use crate::engine::replica::TopicPartition;

/// Why a lab cannot be taken up from its data directory.
#[derive(Debug, Error)]
pub enum DiskError {
    /// It is another's, or not one.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The disk fails.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system gives no thread.
    #[error("no thread for the disks: {0}")]
    Thread(#[from] std::io::Error),
    /// A broker's directory is another broker's.
    #[error("{path} is the directory of broker {found}, not of {wanted}: the directories were mixed up", path = path.display())]
    WrongBroker {
        /// Which directory.
        path: std::path::PathBuf,
        /// Whose it is.
        found: i32,
        /// Whose it should be.
        wanted: BrokerId,
    },
}

/// A data directory that was taken up.
pub struct Opened {
    /// Its disks.
    pub disks: LabFiles,
    /// What was found on them.
    pub found: Found,
}

/// Takes up the data directory at `path` for a lab of `config`, or makes it.
///
/// # Errors
/// [`DiskError`].
pub fn open(path: &Path, config: &Config) -> Result<Opened, DiskError> {
    let shape = Shape { brokers: config.brokers, zookeepers: config.zookeepers.into() };
    let dir = DataDir::open(path, shape)?;
    let workers = Workers::start()?;
    let retired = Retired::default();
    let mut found = Found::default();
    let mut brokers = BTreeMap::new();
    for id in config.broker_ids() {
        let broker = dir.broker(id.0)?;
        let (files, disk) = open_broker(id, broker, &dir, &retired)?;
        brokers.insert(id, files);
        found.brokers.insert(id, disk);
    }
    let mut zookeepers = BTreeMap::new();
    for id in (1..=config.zookeepers).map(ZkId) {
        let (files, history) = ZkFiles::open(&path.join(format!("zookeeper-{}", id.0)))?;
        zookeepers.insert(id, files);
        found.zookeepers.insert(id, history);
    }
    let disks = LabFiles {
        dir,
        brokers,
        zookeepers,
        workers,
        retired,
        answers: Arc::new(drop),
        flushing: FastMap::default(),
        cleaning: BTreeMap::new(),
        cleaned: Arc::default(),
        held: None,
        nowhere: Refusing(no_place()),
    };
    Ok(Opened { disks, found })
}

pub(super) fn open_broker(
    id: BrokerId,
    broker: BrokerDir,
    dir: &DataDir,
    retired: &Retired,
) -> Result<(BrokerFiles, Disk), DiskError> {
    let identity = broker.identity()?;
    if let Some(other) = identity.as_ref().filter(|identity| identity.broker_id != id.0) {
        return Err(DiskError::WrongBroker { path: broker.path().into(), found: other.broker_id, wanted: id });
    }
    let clean = broker.take_clean_marker()?.is_some();
    let (folders, removal) = broker.folders()?;
    removal.run()?;
    let recovery_points = broker.read_checkpoint(Checkpoint::RecoveryPoint)?;
    let (watermarks, starts) =
        (broker.read_checkpoint(Checkpoint::HighWatermark)?, broker.read_checkpoint(Checkpoint::LogStart)?);
    let cleaned = broker.read_checkpoint(Checkpoint::Cleaner)?;
    let hints = |folder: &ReplicaFolder| {
        let key = (folder.topic.clone(), folder.partition);
        let offset = |offsets: &super::Offsets| offsets.get(&key).copied().unwrap_or(0);
        let config = FileConfig::default();
        Hints { clean, recovery_point: offset(&recovery_points), log_start: offset(&starts), config }
    };
    let recovered = recover_all(&folders, hints, dir)?;
    let on_disk = [
        (Checkpoint::HighWatermark, watermarks.clone()),
        (Checkpoint::LogStart, starts.clone()),
        (Checkpoint::Cleaner, cleaned.clone()),
        (Checkpoint::RecoveryPoint, recovery_points.clone()),
    ];
    let shared = Arc::new(Shared::new(id, broker, identity.clone(), on_disk.into()));
    let mut files = BrokerFiles { shared: Arc::clone(&shared), logs: FastMap::default() };
    let cluster_id = identity.and_then(|identity| identity.cluster_id).map(Arc::from);
    let mut disk = Disk { cluster_id, ..Disk::default() };
    let mut recovery = Recovery { clean, logs: folders.len(), ..Recovery::default() };
    for (folder, log) in folders.into_iter().zip(recovered) {
        let key = (folder.topic.clone(), folder.partition);
        let (watermark, clean_to) = (watermarks.get(&key).copied().unwrap_or(0), cleaned.get(&key).copied());
        let partition = TopicPartition::new(folder.topic, folder.partition);
        for cut in &log.cuts {
            let (path, bytes) = (cut.path.display(), cut.bytes);
            tracing::warn!(
                "{path}: {bytes} bytes from {} on were cut off, the log ends at {}: {}",
                cut.position,
                cut.log_end,
                cut.why
            );
        }
        let cuts = log.cuts.iter().map(|cut| (partition.clone(), cut.log_end, cut.bytes, cut.why.clone()));
        recovery.cuts.extend(cuts);
        recovery.repairs += log.repairs.len();
        let (file_log, stored) = stored(log, watermark, clean_to);
        let place = Place::new(partition.clone(), file_log, &shared, retired);
        files.logs.insert(partition.clone(), place);
        disk.logs.insert(partition, stored);
    }
    if recovery.logs > 0 {
        disk.recovery = Some(recovery);
    }
    Ok((files, disk))
}

/// As the core knows a log. Its settings come from ZooKeeper, when the controller says what is hosted.
fn stored(found: Recovered, high_watermark: i64, clean_to: Option<i64>) -> (FileLog, StoredLog) {
    let as_log = log::Recovered {
        segments: found.segments,
        start_offset: found.log_start,
        end_offset: found.log_end,
        flushed_offset: found.recovery_point,
        epochs: found.epochs,
        producers: History::restored(found.producers, found.producers_before),
        clean_to,
    };
    let log = Log::recovered(LogConfig::default(), as_log);
    let high_watermark = high_watermark.clamp(log.log_start_offset(), log.log_end_offset());
    let topic_id = found.topic_id.unwrap_or_default();
    (found.file_log, StoredLog { topic_id, log: Arc::new(log), high_watermark })
}

/// Opens the folders, in their order, on as many threads as there are processors: a scan reads, and waits.
fn recover_all<'a>(
    folders: &'a [ReplicaFolder],
    hints: impl Fn(&ReplicaFolder) -> Hints + Sync,
    dir: &DataDir,
) -> Result<Vec<Recovered>, FileError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = folders.len().div_ceil(threads).max(1);
    let recover = |folder: &ReplicaFolder| recovery::open(&folder.path, hints(folder), dir.handles());
    let recover = &recover;
    let opened: Result<Vec<Vec<Recovered>>, FileError> = std::thread::scope(|scope| {
        let open = |share: &'a [ReplicaFolder]| scope.spawn(move || share.iter().map(recover).collect());
        let shares: Vec<_> = folders.chunks(share).map(open).collect();
        // A panic in there is one here.
        shares.into_iter().map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    Ok(opened?.into_iter().flatten().collect())
}

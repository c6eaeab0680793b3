//! The orderly end: everything is flushed, the checkpoints say what is there, and the next start need not look.

use std::num::NonZero;

use super::{BrokerFiles, LabFiles, retired};
use crate::engine::cluster::{BrokerNode, Cluster};
use crate::engine::files::{FileError, Flush};
use crate::engine::message::Checkpoint;

/// A broker's epoch as a ZooKeeper-mode Kafka writes it in the marker of a clean stop.
const NO_EPOCH: i64 = -1;

impl LabFiles {
    /// Leaves the disks as `cluster` is. A broker whose disk fails has no marker, and is scanned at the next start.
    pub(super) fn close(&mut self, cluster: &Cluster) {
        self.workers.end();
        retired::unlink(self.retired.take_all());
        for (id, node) in cluster.brokers() {
            // What a disk that failed has is for the next start to find out.
            if let Some(files) = self.brokers.remove(&id).filter(|_| node.log_dir_works())
                && let Err(error) = close_broker(files, node)
            {
                tracing::error!("{id} could not be stopped in order: {error}");
            }
        }
        for (id, server) in cluster.zookeepers() {
            if let Some(files) = self.zookeepers.remove(&id)
                && let Err(error) = files.snapshot(&server.history().replayed())
            {
                tracing::error!("{id} could not be stopped in order: {error}");
            }
        }
    }
}

fn close_broker(files: BrokerFiles, node: &BrokerNode) -> Result<(), FileError> {
    let BrokerFiles { shared, mut logs } = files;
    let mut flushes = Vec::new();
    let mut checkpoint = Checkpoint::of(node.cluster_id(), node.logs());
    for (id, log, _) in node.logs() {
        if let Some(place) = logs.remove(id) {
            flushes.push(place.log.close(log.producers())?);
        }
        checkpoint.recovery_points.insert(id.clone(), log.log_end_offset());
    }
    flush_all(flushes)?;
    let cuts = shared.state().cuts;
    shared.write(checkpoint, cuts)?;
    shared.dir.leave_clean_marker(NO_EPOCH)
}

/// Several at a time: a flush is a wait, and the disk takes more than one.
fn flush_all(flushes: Vec<Flush>) -> Result<(), FileError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get) * 4;
    let mut shares: Vec<Vec<Flush>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, flush) in flushes.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(number % threads) {
            share.push(flush);
        }
    }
    std::thread::scope(|scope| {
        let flush = |share: Vec<Flush>| scope.spawn(|| share.into_iter().try_for_each(|flush| flush.run().map(drop)));
        let running: Vec<_> = shares.into_iter().map(flush).collect();
        // A panic in there is one here.
        running.into_iter().try_for_each(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

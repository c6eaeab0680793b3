//! Where things stand in the cluster value: small looks that several of this session's parts take.

use std::sync::Arc;

use crate::engine::broker::metadata::MetadataCache;
use crate::engine::cluster::{BrokerNode, Cluster, Process};
use crate::engine::controller::znodes;
use crate::engine::log::Log;
use crate::engine::node::BrokerId;
use crate::engine::replica::{Replica, TopicPartition};
use crate::engine::settings::Settings;
use crate::engine::zk::ZkServer;
use crate::engine::zk::tree::Tree;

/// The tree as the ensemble has it.
pub(super) fn tree(cluster: &Cluster) -> Option<&Tree> {
    cluster.ensemble().map(ZkServer::tree)
}

/// The controller as ZooKeeper has it; it may have died a moment ago.
pub(super) fn controller(cluster: &Cluster) -> Option<BrokerId> {
    znodes::read_controller(tree(cluster)?.get(znodes::CONTROLLER)?.data())
}

/// The metadata that a client would be told: the controller's, else any running broker's.
pub(super) fn metadata(cluster: &Cluster) -> Option<&MetadataCache> {
    let of = |id| cluster.broker(id).and_then(BrokerNode::running);
    let any = || cluster.brokers().find_map(|(_, node)| node.running());
    controller(cluster).and_then(of).or_else(any).map(|broker| broker.metadata.as_ref())
}

/// A replica in a running process.
pub(super) fn replica<'a>(cluster: &'a Cluster, id: BrokerId, partition: &TopicPartition) -> Option<&'a Replica> {
    cluster.broker(id)?.running()?.replicas.get(partition).map(Arc::as_ref)
}

/// A replica's log, of a running broker or on a dead one's disk, with its high watermark.
pub(super) fn log<'a>(cluster: &'a Cluster, id: BrokerId, partition: &TopicPartition) -> Option<(&'a Log, i64)> {
    match &cluster.broker(id)?.process {
        Process::Running(broker) => {
            broker.replicas.get(partition).map(|replica| (&replica.log, replica.high_watermark))
        }
        Process::Dead(disk) => disk.logs.get(partition).map(|stored| (stored.log.as_ref(), stored.high_watermark)),
    }
}

/// The leader's log of a partition, else the longest that there is, with its high watermark.
pub(super) fn best_log<'a>(cluster: &'a Cluster, partition: &TopicPartition) -> Option<(BrokerId, &'a Log, i64)> {
    let ids: Vec<BrokerId> = cluster.brokers().map(|(id, _)| id).collect();
    let (best, high_watermark) = best_log_among(cluster, partition, &ids)?;
    let holds = |id: &BrokerId| log(cluster, *id, partition).is_some_and(|(log, _)| std::ptr::eq(log, best));
    Some((ids.into_iter().find(holds)?, best, high_watermark))
}

/// The same, where it is known who hosts the partition.
pub(super) fn best_log_among<'a>(
    cluster: &'a Cluster,
    partition: &TopicPartition,
    hosts: &[BrokerId],
) -> Option<(&'a Log, i64)> {
    let leads = |id: &BrokerId| replica(cluster, *id, partition).is_some_and(|replica| replica.leader().is_some());
    match hosts.iter().find(|id| leads(id)) {
        Some(leader) => log(cluster, *leader, partition),
        None => hosts.iter().filter_map(|id| log(cluster, *id, partition)).max_by_key(|(log, _)| log.log_end_offset()),
    }
}

/// The settings that brokers go by now: those of the first one that runs, or what all were started with.
pub(super) fn settings(cluster: &Cluster) -> &Settings {
    let running = cluster.brokers().find_map(|(_, node)| node.running());
    running.map_or(&cluster.config().settings, |broker| broker.settings())
}

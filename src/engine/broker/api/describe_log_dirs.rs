//! `DescribeLogDirs` (key 35), versions 1 to 4: which replicas lie in this broker's log directory, and how large they are.
//! Kafka's `ReplicaManager.describeLogDirs`.
//!
//! A broker has one directory (`KAFKA_STORAGE_ERROR` where it failed), and no copies on their way to another. How large its volume is nobody knows: -1.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::replica::{Replica, TopicPartition};
use crate::protocol::describe_log_dirs::{DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic};
use crate::protocol::{ApiKey, DescribeLogDirsRequest, DescribeLogDirsResponse, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DescribeLogDirs, oldest: 1, newest: 4, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::DescribeLogDirs(request) = request else { return Handled::Close };
    if let Err(error_code) = broker.check_log_dir() {
        let failed = DescribeLogDirsResult { error_code, log_dir: broker.log_dir().into(), ..Default::default() };
        return Handled::Ready(DescribeLogDirsResponse { results: vec![failed], ..Default::default() }.into());
    }
    let wanted = wanted(&request);
    let mut topics: BTreeMap<Arc<str>, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for (id, replica) in &broker.replicas {
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(id)) {
            topics.entry(Arc::clone(&id.topic)).or_default().push(describe(id, replica));
        }
    }
    let topics = topics.into_iter().map(|(name, partitions)| DescribeLogDirsTopic { name, partitions }).collect();
    let result = DescribeLogDirsResult { log_dir: broker.log_dir().into(), topics, ..Default::default() };
    Handled::Ready(DescribeLogDirsResponse { results: vec![result], ..Default::default() }.into())
}

/// The partitions that are asked for; none in particular where all are.
fn wanted(request: &DescribeLogDirsRequest) -> Option<BTreeSet<TopicPartition>> {
    let topics = request.topics.as_ref()?;
    let of = |topic: &Arc<str>, partition| TopicPartition::new(Arc::clone(topic), partition);
    Some(topics.iter().flat_map(|t| t.partitions.iter().map(|p| of(&t.topic, *p))).collect())
}

fn describe(id: &TopicPartition, replica: &Replica) -> DescribeLogDirsPartition {
    DescribeLogDirsPartition {
        partition_index: id.partition,
        partition_size: i64::try_from(replica.log.size_bytes()).unwrap_or(i64::MAX),
        offset_lag: (replica.high_watermark - replica.log.log_end_offset()).max(0),
        is_future_key: false,
    }
}

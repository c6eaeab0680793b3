//! `DescribeTopicPartitions` (key 75), version 0 (KIP-966): a topic's partitions page by page. ZooKeeper mode does not have
//! it; the lab does (deviation: describe-topic-partitions), without eligible leader replicas.

use std::sync::Arc;

use super::metadata::TOPIC_OPERATIONS;
use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::metadata::TopicMeta;
use crate::engine::context::Context;
use crate::engine::node::BrokerId;
use crate::engine::topic_name;
use crate::protocol::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use crate::protocol::{ApiKey, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, ErrorCode, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DescribeTopicPartitions, oldest: 0, newest: 0, callers: Callers::Everybody, handle };

/// The most partitions that one answer holds (`max.request.partition.size.limit`).
const MOST: usize = 2_000;

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::DescribeTopicPartitions(request) = request else { return Handled::Close };
    Handled::Ready(describe(broker, &request).into())
}

fn describe(broker: &Broker, request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let mut names: Vec<Arc<str>> = if request.topics.is_empty() {
        broker.metadata.topics.keys().cloned().collect()
    } else {
        request.topics.iter().map(|topic| Arc::clone(&topic.name)).collect()
    };
    names.sort();
    names.dedup();
    let mut room = usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, MOST);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names {
        let first = match &request.cursor {
            Some(cursor) if name < cursor.topic_name => continue,
            Some(cursor) if name == cursor.topic_name => cursor.partition_index,
            _ => 0,
        };
        if room == 0 {
            response.next_cursor = Some(Cursor { topic_name: name, partition_index: 0 });
            break;
        }
        let (topic, next) = page(broker, &name, first, room);
        room -= topic.partitions.len().min(room);
        response.topics.push(topic);
        if let Some(partition_index) = next {
            response.next_cursor = Some(Cursor { topic_name: name, partition_index });
            break;
        }
    }
    response
}

/// A topic's partitions from `first` on, as many as there is room for, and the first one that did not fit.
fn page(
    broker: &Broker,
    name: &Arc<str>,
    first: i32,
    room: usize,
) -> (DescribeTopicPartitionsResponseTopic, Option<i32>) {
    let mut answer = DescribeTopicPartitionsResponseTopic { name: Some(Arc::clone(name)), ..Default::default() };
    let Some(meta) = broker.metadata.topics.get(name) else {
        let valid = topic_name::validate(name).is_ok();
        answer.error_code =
            if valid { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION } else { ErrorCode::INVALID_TOPIC_EXCEPTION };
        return (answer, None);
    };
    answer.topic_id = meta.id;
    answer.is_internal = topic_name::is_internal(name);
    answer.topic_authorized_operations = TOPIC_OPERATIONS;
    answer.partitions = partitions(broker, meta, first).take(room).collect();
    let next = meta.partitions.range(first..).nth(room).map(|(index, _)| *index);
    (answer, next)
}

fn partitions<'a>(
    broker: &'a Broker,
    meta: &'a TopicMeta,
    first: i32,
) -> impl Iterator<Item = DescribeTopicPartitionsResponsePartition> + 'a {
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|id| id.0).collect::<Vec<_>>();
    meta.partitions.range(first..).map(move |(index, partition)| {
        let leader = partition.leader.filter(|leader| broker.metadata.is_alive(*leader));
        DescribeTopicPartitionsResponsePartition {
            error_code: if leader.is_some() { ErrorCode::NONE } else { ErrorCode::LEADER_NOT_AVAILABLE },
            partition_index: *index,
            leader_id: leader.map_or(-1, |leader| leader.0),
            leader_epoch: partition.leader_epoch,
            replica_nodes: ids(&partition.replicas),
            isr_nodes: ids(&partition.isr),
            // Java's admin client takes no null here.
            eligible_leader_replicas: Some(Vec::new()),
            last_known_elr: Some(Vec::new()),
            offline_replicas: ids(&partition.offline),
        }
    })
}

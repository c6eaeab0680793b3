//! `OffsetFetch` (key 9), versions 1 to 9: how far groups have come. From version 8 on of several groups at once (KIP-709).
//!
//! A group or partition without a committed offset is answered with -1, which is no error. Version 0, which reads from
//! ZooKeeper, is not served (deviation: no-zk-offsets).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::each_once::EachOnce;
use crate::engine::context::Context;
use crate::engine::group::Group;
use crate::engine::group::offsets::{Committed, Offsets};
use crate::engine::replica::TopicPartition;
use crate::protocol::offset_fetch::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use crate::protocol::{ApiKey, ErrorCode, OffsetFetchResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::OffsetFetch, oldest: 1, newest: 9, callers: Callers::Everybody, handle };

/// From this version on the answer says what is wrong with the group.
const GROUP_ERROR: i16 = 2;
/// From this version on several groups are asked for.
const SEVERAL: i16 = 8;

/// Who asks up to version 8, as far as it is said: an epoch and a member id.
const OPERATOR: (i32, Option<&str>) = (-1, None);

/// A topic with partitions, or all that there are.
type Wanted = Option<Vec<(Arc<str>, Vec<i32>)>>;

fn handle(broker: &mut Broker, request: Request, origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::OffsetFetch(request) = request else { return Handled::Close };
    if origin.version >= SEVERAL {
        let groups = request.groups.into_iter().map(|group| {
            let wanted = group.topics.map(|topics| {
                topics.into_iter().map(|topic| (topic.name, topic.partition_indexes)).collect::<Vec<_>>()
            });
            let member = (group.member_epoch, group.member_id.as_deref());
            let (error_code, topics) = fetch(broker, &group.group_id, member, wanted);
            let topics = if error_code.is_ok() { topics } else { Vec::new() };
            OffsetFetchResponseGroup { group_id: group.group_id, topics, error_code }
        });
        let groups = groups.collect();
        return Handled::Ready(OffsetFetchResponse { groups, ..OffsetFetchResponse::default() }.into());
    }
    let wanted = request
        .topics
        .map(|topics| topics.into_iter().map(|topic| (topic.name, topic.partition_indexes)).collect::<Vec<_>>());
    let (error_code, topics) = fetch(broker, &request.group_id, OPERATOR, wanted);
    // Version 1 has no other place for what is wrong with the group.
    let topics = topics.into_iter().filter(|_| error_code.is_ok() || origin.version < GROUP_ERROR);
    let topics = topics.map(|topic| one_group(topic, error_code)).collect();
    Handled::Ready(OffsetFetchResponse { topics, error_code, ..OffsetFetchResponse::default() }.into())
}

/// The same in the layout for one group; up to version 1 each partition carries what is wrong with the group.
fn one_group(topic: OffsetFetchResponseTopics, error: ErrorCode) -> OffsetFetchResponseTopic {
    let of = |partition: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: error,
    };
    OffsetFetchResponseTopic { name: topic.name, partitions: topic.partitions.into_iter().map(of).collect() }
}

/// How far a group has come. A member of a group of KIP-848 says who it is, and is refused where that is not so any more.
fn fetch(
    broker: &mut Broker,
    group: &Arc<str>,
    (epoch, member): (i32, Option<&str>),
    wanted: Wanted,
) -> (ErrorCode, Vec<OffsetFetchResponseTopics>) {
    let none = Offsets::default();
    let found = broker.group(group).and_then(|group| {
        let consumer = group.and_then(Group::consumer);
        consumer.map_or(Ok(()), |consumer| consumer.check_fetch(epoch, member))?;
        Ok(group)
    });
    let (error, offsets) = match &found {
        Ok(group) => (ErrorCode::NONE, group.map_or(&none, |group| &group.offsets)),
        Err(error) => (*error, &none),
    };
    let wanted = wanted.unwrap_or_else(|| everything(offsets));
    let mut found = EachOnce::default();
    for (name, partitions) in wanted {
        for index in partitions {
            let committed = offsets.get(&TopicPartition::new(Arc::clone(&name), index));
            found.set(&name, index, partition(index, committed));
        }
    }
    let topics = found.into_topics().into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(_, partition)| partition).collect();
        OffsetFetchResponseTopics { name, partitions }
    });
    (error, topics.collect())
}

fn everything(offsets: &Offsets) -> Vec<(Arc<str>, Vec<i32>)> {
    let mut topics: BTreeMap<Arc<str>, Vec<i32>> = BTreeMap::new();
    for (id, _) in offsets.iter() {
        topics.entry(Arc::clone(&id.topic)).or_default().push(id.partition);
    }
    topics.into_iter().collect()
}

fn partition(partition_index: i32, committed: Option<&Committed>) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: committed.map_or(-1, |committed| committed.offset),
        committed_leader_epoch: committed.map_or(-1, |committed| committed.leader_epoch),
        metadata: Some(committed.map(|committed| Arc::clone(&committed.metadata)).unwrap_or_default()),
        error_code: ErrorCode::NONE,
    }
}

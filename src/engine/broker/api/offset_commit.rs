//! `OffsetCommit` (key 8), versions 2 to 9: how far a member, or a consumer without a group's help, has come. The answer comes
//! when the offsets are on all in-sync replicas.
//!
//! Versions 0 and 1 are not served: they are from before `__consumer_offsets`, and of version 1 (deviation: no-zk-offsets).

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::metadata::MetadataCache;
use crate::engine::context::Context;
use crate::engine::group::offsets::{Commit, Committed};
use crate::engine::replica::TopicPartition;
use crate::protocol::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use crate::protocol::{ApiKey, ErrorCode, OffsetCommitRequest, OffsetCommitResponse, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::OffsetCommit, oldest: 2, newest: 9, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::OffsetCommit(request) = request else { return Handled::Close };
    match commit(broker, &request, origin, ctx) {
        Ok(None) => Handled::Parked,
        Ok(Some(response)) => Handled::Ready(response.into()),
        Err(error) => {
            let cache = Arc::clone(&broker.metadata);
            let refusal = |topic: &Arc<str>, partition: &OffsetCommitRequestPartition| {
                if knows(&cache, topic, partition) { error } else { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION }
            };
            Handled::Ready(all(&request, refusal).into())
        }
    }
}

/// An answer in the order of the request.
fn all(
    request: &OffsetCommitRequest,
    error: impl Fn(&Arc<str>, &OffsetCommitRequestPartition) -> ErrorCode,
) -> OffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| OffsetCommitResponseTopic {
        name: Arc::clone(&topic.name),
        partitions: topic
            .partitions
            .iter()
            .map(|partition| OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error(&topic.name, partition),
            })
            .collect(),
    });
    OffsetCommitResponse { topics: topics.collect(), ..OffsetCommitResponse::default() }
}

/// Has the offsets kept that may be. Returns the answer where there are none.
fn commit(
    broker: &mut Broker,
    request: &OffsetCommitRequest,
    origin: &Origin,
    ctx: &mut Context<'_>,
) -> Result<Option<OffsetCommitResponse>, ErrorCode> {
    let group = &request.group_id;
    broker.check_group(group)?;
    let generation = request.generation_id_or_member_epoch;
    if broker.group(group)?.is_none() {
        if generation >= 0 {
            return Err(ErrorCode::ILLEGAL_GENERATION);
        }
        broker.make_group(group, ctx)?;
    }
    let longest = usize::try_from(broker.settings().offset_metadata_max_bytes).unwrap_or(0);
    let (cache, date_ms) = (Arc::clone(&broker.metadata), ctx.now.date_ms());
    let check = |topic: &Arc<str>, partition: &OffsetCommitRequestPartition| {
        let metadata = partition.committed_metadata.as_ref().map_or(0, |metadata| metadata.len());
        if !knows(&cache, topic, partition) {
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        } else if metadata > longest {
            ErrorCode::OFFSET_METADATA_TOO_LARGE
        } else {
            ErrorCode::NONE
        }
    };
    let response = all(request, check);
    let expire_ms = (request.retention_time_ms >= 0).then(|| date_ms.saturating_add(request.retention_time_ms));
    let mut offsets = Vec::new();
    for topic in &request.topics {
        for partition in topic.partitions.iter().filter(|partition| check(&topic.name, partition).is_ok()) {
            let id = TopicPartition::new(Arc::clone(&topic.name), partition.partition_index);
            offsets.push((id, committed(partition, date_ms, expire_ms)));
        }
    }
    let commit = Commit { origin: origin.clone(), response, offsets };
    let version = origin.version;
    let member = (generation, &request.member_id, request.group_instance_id.as_ref());
    broker.with_named_group(group, ctx, |group, desk| {
        group.check_commit(member, version, desk)?;
        if commit.offsets.is_empty() {
            return Ok(Some(commit.response));
        }
        group.offsets.commit(commit, desk);
        Ok(None)
    })?
}

/// Whether there is such a partition. Where there is not, nothing else is wrong with a commit.
fn knows(cache: &MetadataCache, topic: &Arc<str>, partition: &OffsetCommitRequestPartition) -> bool {
    cache.knows(&TopicPartition::new(Arc::clone(topic), partition.partition_index))
}

fn committed(partition: &OffsetCommitRequestPartition, commit_ms: i64, expire_ms: Option<i64>) -> Committed {
    Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.clone().unwrap_or_default(),
        commit_ms,
        expire_ms,
    }
}

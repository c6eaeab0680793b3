//! `OffsetCommit` (key 8), versions 2 to 9: how far a member, or a consumer without a group's help, has come. The answer comes
//! when the offsets are on all in-sync replicas.
//!
//! Versions 0 and 1 are not served: they are from before `__consumer_offsets`, and of version 1 (deviation: no-zk-offsets).

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::each_once::EachOnce;
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

/// The partitions of a request that are there, each once, and what is to be kept of them.
type Wanted<'a> = EachOnce<&'a OffsetCommitRequestPartition>;

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::OffsetCommit(request) = request else { return Handled::Close };
    let cache = Arc::clone(&broker.metadata);
    let (mut wanted, mut answer) = (Wanted::default(), EachOnce::default());
    for topic in &request.topics {
        for partition in &topic.partitions {
            let index = partition.partition_index;
            if cache.knows(&TopicPartition::new(Arc::clone(&topic.name), index)) {
                wanted.set(&topic.name, index, partition);
            } else {
                // Nothing else is wrong with it; and it is answered before the others of its topic.
                answer.set(&topic.name, index, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
            }
        }
    }
    match commit(broker, &request, &wanted, &mut answer, origin, ctx) {
        Ok(true) => Handled::Parked,
        Ok(false) => Handled::Ready(response(answer).into()),
        Err(error) => {
            wanted.iter().for_each(|(topic, index, _)| answer.set(topic, index, error));
            Handled::Ready(response(answer).into())
        }
    }
}

fn response(answer: EachOnce<ErrorCode>) -> OffsetCommitResponse {
    let of = |(partition_index, error_code)| OffsetCommitResponsePartition { partition_index, error_code };
    let topics = answer.into_topics().into_iter().map(|(name, partitions)| OffsetCommitResponseTopic {
        name,
        partitions: partitions.into_iter().map(of).collect(),
    });
    OffsetCommitResponse { topics: topics.collect(), ..OffsetCommitResponse::default() }
}

/// Has the offsets kept that may be, and puts into `answer` what becomes of each. Returns whether there are any: then the
/// answer comes once they are kept.
fn commit(
    broker: &mut Broker,
    request: &OffsetCommitRequest,
    wanted: &Wanted<'_>,
    answer: &mut EachOnce<ErrorCode>,
    origin: &Origin,
    ctx: &mut Context<'_>,
) -> Result<bool, ErrorCode> {
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
    let date_ms = ctx.now.date_ms();
    let expire_ms = (request.retention_time_ms >= 0).then(|| date_ms.saturating_add(request.retention_time_ms));
    let version = origin.version;
    let member = (generation, &request.member_id, request.group_instance_id.as_ref());
    broker.with_named_group(group, ctx, |group, desk| {
        group.check_commit(member, version, desk)?;
        let mut offsets = Vec::new();
        for (topic, index, partition) in wanted.iter() {
            let too_large = is_longer(partition.committed_metadata.as_deref().unwrap_or_default(), longest);
            let error = if too_large { ErrorCode::OFFSET_METADATA_TOO_LARGE } else { ErrorCode::NONE };
            answer.set(topic, index, error);
            if error.is_ok() {
                let id = TopicPartition::new(Arc::clone(topic), index);
                offsets.push((id, committed(partition, date_ms, expire_ms)));
            }
        }
        if offsets.is_empty() {
            return Ok(false);
        }
        let response = response(std::mem::take(answer));
        group.offsets.commit(Commit { origin: origin.clone(), response, offsets, number: 0 }, desk);
        Ok(true)
    })?
}

/// Whether a note is longer than `offset.metadata.max.bytes` says, which Kafka counts in UTF-16 units
/// (`GroupMetadataManager.validateOffsetMetadataLength`).
fn is_longer(metadata: &str, longest: usize) -> bool {
    // No text has more of them than bytes.
    metadata.len() > longest && metadata.encode_utf16().count() > longest
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

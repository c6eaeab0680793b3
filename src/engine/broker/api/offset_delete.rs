//! `OffsetDelete` (key 47), version 0: an operator forgets how far a group has come in partitions that it does not read now.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::each_once::EachOnce;
use crate::engine::context::Context;
use crate::engine::event::group::Removed;
use crate::engine::group::classic::State;
use crate::engine::replica::TopicPartition;
use crate::protocol::offset_delete::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use crate::protocol::{ApiKey, ErrorCode, OffsetDeleteRequest, OffsetDeleteResponse, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::OffsetDelete, oldest: 0, newest: 0, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::OffsetDelete(request) = request else { return Handled::Close };
    let response = match delete(broker, &request, ctx) {
        Ok(topics) => OffsetDeleteResponse { topics, ..OffsetDeleteResponse::default() },
        Err(error_code) => OffsetDeleteResponse { error_code, ..OffsetDeleteResponse::default() },
    };
    Handled::Ready(response.into())
}

fn delete(
    broker: &mut Broker,
    request: &OffsetDeleteRequest,
    ctx: &mut Context<'_>,
) -> Result<Vec<OffsetDeleteResponseTopic>, ErrorCode> {
    super::check_group_id(&request.group_id)?;
    let cache = Arc::clone(&broker.metadata);
    let deleted = broker.with_named_group(&request.group_id, ctx, |group, desk| {
        if group.classic().is_some_and(|classic| classic.state() != State::Empty && !classic.is_of_consumers()) {
            return Err(ErrorCode::NON_EMPTY_GROUP);
        }
        let ids = request.topics.iter().flat_map(|topic| {
            let id = |index| TopicPartition::new(Arc::clone(&topic.name), index);
            topic.partitions.iter().map(move |partition| id(partition.partition_index))
        });
        // Those that are not there are answered before the others of their topic.
        let (known, unknown): (Vec<_>, Vec<_>) = ids.partition(|id| cache.knows(id));
        let mut answer = EachOnce::default();
        for id in &unknown {
            answer.set(&id.topic, id.partition, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        }
        for id in &known {
            let reads = group.reads(&id.topic);
            let error = if reads { ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC } else { ErrorCode::NONE };
            answer.set(&id.topic, id.partition, error);
        }
        let gone: BTreeSet<TopicPartition> = known.into_iter().filter(|id| !group.reads(&id.topic)).collect();
        group.forget_offsets(Removed::Deleted, |id| gone.contains(id), desk);
        Ok(response(answer))
    })??;
    broker.drop_if_unused(&request.group_id, ctx);
    Ok(deleted)
}

fn response(answer: EachOnce<ErrorCode>) -> Vec<OffsetDeleteResponseTopic> {
    let of = |(partition_index, error_code)| OffsetDeleteResponsePartition { partition_index, error_code };
    let topics = answer.into_topics().into_iter();
    topics
        .map(|(name, partitions)| OffsetDeleteResponseTopic {
            name,
            partitions: partitions.into_iter().map(of).collect(),
        })
        .collect()
}

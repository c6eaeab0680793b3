//! `OffsetDelete` (key 47), version 0: an operator forgets how far a group has come in partitions that it does not read now.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::event::group::Removed;
use crate::engine::group::Group;
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
        let mut named = Vec::new();
        let topics = request.topics.iter().map(|topic| {
            let of = |index: i32| {
                let id = TopicPartition::new(Arc::clone(&topic.name), index);
                let error_code = may_go(group, &id, cache.knows(&id));
                if error_code.is_ok() {
                    named.push(id);
                }
                OffsetDeleteResponsePartition { partition_index: index, error_code }
            };
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index).map(of).collect();
            OffsetDeleteResponseTopic { name: Arc::clone(&topic.name), partitions }
        });
        let topics: Vec<_> = topics.collect();
        group.forget_offsets(Removed::Deleted, |id, _| named.contains(id), desk);
        Ok(topics)
    })??;
    broker.drop_if_unused(&request.group_id, ctx);
    Ok(deleted)
}

fn may_go(group: &Group, id: &TopicPartition, known: bool) -> ErrorCode {
    if !known {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    } else if group.reads(&id.topic) {
        ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC
    } else {
        ErrorCode::NONE
    }
}

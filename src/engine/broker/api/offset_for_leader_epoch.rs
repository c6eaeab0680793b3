//! `OffsetForLeaderEpoch` (key 23), versions 2 to 4: where a leader epoch ends in this leader's log. Followers and consumers
//! find out with it where their logs part (KIP-101, KIP-279, KIP-320).

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::replica::TopicPartition;
use crate::protocol::offset_for_leader_epoch::{EpochEndOffset, OffsetForLeaderPartition, OffsetForLeaderTopicResult};
use crate::protocol::{ApiKey, OffsetForLeaderEpochResponse, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::OffsetForLeaderEpoch, oldest: 0, newest: 4, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::OffsetForLeaderEpoch(request) = request else { return Handled::Close };
    let topics = request
        .topics
        .into_iter()
        .map(|topic| OffsetForLeaderTopicResult {
            partitions: topic.partitions.iter().map(|asked| end_of(broker, &topic.topic, asked)).collect(),
            topic: topic.topic,
        })
        .collect();
    Handled::Ready(OffsetForLeaderEpochResponse { topics, ..OffsetForLeaderEpochResponse::default() }.into())
}

fn end_of(broker: &Broker, topic: &Arc<str>, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let id = TopicPartition::new(Arc::clone(topic), asked.partition);
    match broker.led(&id, asked.current_leader_epoch) {
        Ok(replica) => {
            let (leader_epoch, end_offset) = replica.log.end_offset_for(asked.leader_epoch);
            EpochEndOffset { partition: asked.partition, leader_epoch, end_offset, ..EpochEndOffset::default() }
        }
        Err(error_code) => EpochEndOffset { error_code, partition: asked.partition, ..EpochEndOffset::default() },
    }
}

//! `ListOffsets` (key 2), versions 1 to 9: the offset at a time, or at one of the special places: -1 the latest that a
//! consumer may read, -2 the earliest, -3 that of the largest timestamp (KIP-734), -4 the earliest kept locally, which is
//! the earliest here. -5 (tiered storage) is answered as unknown.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::log::{Storage, StorageError};
use crate::engine::replica::{Replica, TopicPartition};
use crate::protocol::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsTopicResponse, timestamp,
};
use crate::protocol::{ApiKey, ErrorCode, ListOffsetsResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::ListOffsets, oldest: 1, newest: 9, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::ListOffsets(request) = request else { return Handled::Close };
    let from_consumer = request.replica_id < 0;
    let topics = request
        .topics
        .into_iter()
        .map(|topic| ListOffsetsTopicResponse {
            partitions: topic
                .partitions
                .iter()
                .map(|asked| one(broker, &topic.name, asked, from_consumer, ctx))
                .collect(),
            name: topic.name,
        })
        .collect();
    Handled::Ready(ListOffsetsResponse { topics, ..ListOffsetsResponse::default() }.into())
}

fn one(
    broker: &Broker,
    topic: &Arc<str>,
    asked: &ListOffsetsPartition,
    consumer: bool,
    ctx: &mut Context<'_>,
) -> ListOffsetsPartitionResponse {
    let id = TopicPartition::new(Arc::clone(topic), asked.partition_index);
    let mut answer = ListOffsetsPartitionResponse {
        partition_index: asked.partition_index,
        ..ListOffsetsPartitionResponse::default()
    };
    let led = broker.led(&id, asked.current_leader_epoch);
    match led.and_then(|replica| at(replica, asked.timestamp, consumer, ctx.storage(&id))) {
        Ok(found) => {
            answer.offset = found.offset;
            answer.timestamp = found.timestamp_ms;
            answer.leader_epoch = found.leader_epoch;
        }
        Err(error_code) => answer.error_code = error_code,
    }
    answer
}

/// An offset, its timestamp (-1 for the special places) and the epoch in which it was written.
struct Found {
    offset: i64,
    timestamp_ms: i64,
    leader_epoch: i32,
}

fn at(replica: &Replica, asked: i64, consumer: bool, disk: &mut dyn Storage) -> Result<Found, ErrorCode> {
    let failed = |_: StorageError| ErrorCode::KAFKA_STORAGE_ERROR;
    let end = if consumer { replica.high_watermark } else { replica.log.log_end_offset() };
    let place = |offset: i64| Found { offset, timestamp_ms: -1, leader_epoch: epoch_at(replica, offset) };
    match asked {
        timestamp::LATEST => Ok(latest(replica, end, consumer)?),
        timestamp::EARLIEST | timestamp::EARLIEST_LOCAL => Ok(place(replica.log.log_start_offset())),
        timestamp::MAX => Ok(timed(replica, replica.log.offset_of_max_timestamp(disk).map_err(failed)?, end)),
        time if time >= 0 => Ok(timed(replica, replica.log.offset_for_time(time, disk).map_err(failed)?, end)),
        _ => Ok(Found { offset: -1, timestamp_ms: -1, leader_epoch: -1 }),
    }
}

/// The end, for a consumer: a leader whose high watermark is still behind the start of its epoch cannot say truly where
/// that is (KIP-207).
fn latest(replica: &Replica, end: i64, consumer: bool) -> Result<Found, ErrorCode> {
    let behind = replica.leader().is_some_and(|leader| replica.high_watermark < leader.epoch_start);
    if consumer && behind {
        return Err(ErrorCode::OFFSET_NOT_AVAILABLE);
    }
    Ok(Found { offset: end, timestamp_ms: -1, leader_epoch: replica.state.leader_epoch })
}

fn timed(replica: &Replica, found: Option<(i64, i64)>, end: i64) -> Found {
    match found.filter(|(offset, _)| *offset < end) {
        Some((offset, timestamp_ms)) => Found { offset, timestamp_ms, leader_epoch: epoch_at(replica, offset) },
        None => Found { offset: -1, timestamp_ms: -1, leader_epoch: -1 },
    }
}

fn epoch_at(replica: &Replica, offset: i64) -> i32 {
    replica.log.epoch_at(offset).unwrap_or(-1)
}

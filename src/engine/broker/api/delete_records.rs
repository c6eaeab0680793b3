//! `DeleteRecords` (key 21), versions 0 to 2: a partition's leader moves the log start forward (KIP-107). The followers
//! hear of it with what they fetch; the answer waits in the purgatory until all that live have followed, and names their
//! smallest log start, the low watermark.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::purgatory::Waiting;
use crate::engine::context::Context;
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::replica::{Replica, TopicPartition};
use crate::engine::time::millis;
use crate::engine::topic_name;
use crate::protocol::delete_records::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult, HIGH_WATERMARK};
use crate::protocol::{ApiKey, DeleteRecordsResponse, ErrorCode, Request, Response};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DeleteRecords, oldest: 0, newest: 2, callers: Callers::Everybody, handle };

/// The low watermark where there is none.
const NO_LOW_WATERMARK: i64 = -1;

/// Where a log begins now, and how far its followers are to come.
#[derive(Clone, Debug)]
struct Wait {
    id: TopicPartition,
    /// The log start that all are to reach; or what is wrong.
    outcome: Result<i64, ErrorCode>,
}

/// A request that waits for the followers.
#[derive(Clone, Debug)]
pub(crate) struct ParkedDeleteRecords {
    /// In the order of the request.
    waits: Vec<Wait>,
}

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::DeleteRecords(request) = request else { return Handled::Close };
    let timeout = millis(request.timeout_ms);
    let (mut waits, mut deleted) = (Vec::new(), Vec::new());
    for (topic, partition) in request.topics.iter().flat_map(|t| t.partitions.iter().map(move |p| (&t.name, p))) {
        let id = TopicPartition::new(Arc::clone(topic), partition.partition_index);
        let before = broker.replica(&id).map(|replica| replica.log.log_start_offset());
        let outcome = delete(broker, &id, partition.offset, ctx);
        let now = broker.replica(&id).map(|replica| replica.log.log_start_offset());
        deleted.extend(now.filter(|_| now != before).map(|log_start| (id.clone(), log_start)));
        waits.push(Wait { id, outcome });
    }
    if !deleted.is_empty() {
        let client_id = Arc::clone(&origin.client_id);
        ctx.note(EventKind::Broker(BrokerEvent::RecordsDeleted { partitions: deleted, client_id }));
    }
    let parked = ParkedDeleteRecords { waits };
    if let Some(response) = completed(broker, &parked, false) {
        return Handled::Ready(response);
    }
    let watches = parked.waits.iter().map(|wait| wait.id.clone()).collect();
    broker.park(origin, Waiting::DeleteRecords(parked), watches, timeout, ctx);
    Handled::Parked
}

/// Moves the log start of a partition up to `offset`. Returns where it is to be on all replicas. Source:
/// `Partition.deleteRecordsOnLeader`.
fn delete(broker: &mut Broker, id: &TopicPartition, offset: i64, ctx: &mut Context<'_>) -> Result<i64, ErrorCode> {
    if topic_name::is_internal(&id.topic) {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let replica = broker.led(id, -1)?;
    if !replica.log.config().delete {
        return Err(ErrorCode::POLICY_VIOLATION);
    }
    let high_watermark = replica.high_watermark;
    let to = if offset == HIGH_WATERMARK { high_watermark } else { offset };
    if !(0..=high_watermark).contains(&to) {
        return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
    }
    if to > replica.log.log_start_offset()
        && let Some(replica) = broker.replica_mut(id)
    {
        if let Err(error) = replica.log.advance_log_start(to, ctx.storage(id)) {
            return Err(broker.log_dir_failed(&error, ctx));
        }
        broker.touch(id);
    }
    Ok(to)
}

/// The answer, if all that live have followed or it is `late`.
pub(crate) fn completed(broker: &Broker, parked: &ParkedDeleteRecords, late: bool) -> Option<Response> {
    let mut topics: Vec<DeleteRecordsTopicResult> = Vec::new();
    for wait in &parked.waits {
        let reached = wait.outcome.and_then(|wanted| Ok((wanted, low_watermark(broker, broker.led(&wait.id, -1)?))));
        let (low_watermark, error_code) = match reached {
            Ok((wanted, low)) if low >= wanted => (low, ErrorCode::NONE),
            Ok((_, low)) if late => (low, ErrorCode::REQUEST_TIMED_OUT),
            Ok(_) => return None,
            Err(error_code) => (NO_LOW_WATERMARK, error_code),
        };
        let result = DeleteRecordsPartitionResult { partition_index: wait.id.partition, low_watermark, error_code };
        match topics.last_mut().filter(|topic| topic.name == wait.id.topic) {
            Some(topic) => topic.partitions.push(result),
            None => {
                topics.push(DeleteRecordsTopicResult { name: Arc::clone(&wait.id.topic), partitions: vec![result] });
            }
        }
    }
    Some(DeleteRecordsResponse { topics, ..DeleteRecordsResponse::default() }.into())
}

/// The smallest log start of a partition's live replicas, as its leader knows them; -1 while one has not fetched yet.
/// Source: `Partition.lowWatermarkIfLeader`.
fn low_watermark(broker: &Broker, replica: &Replica) -> i64 {
    let followers = replica.leader().into_iter().flat_map(|leader| &leader.progress);
    let alive = followers.filter(|(id, _)| broker.metadata.is_alive(**id));
    let starts = alive.map(|(_, progress)| progress.log_start.unwrap_or(NO_LOW_WATERMARK));
    starts.fold(replica.log.log_start_offset(), i64::min)
}

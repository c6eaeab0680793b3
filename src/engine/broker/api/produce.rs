//! Produce (key 0), versions 3 to 11: a producer appends record batches. Versions 0 to 2 are listed and refused with
//! `UNSUPPORTED_VERSION`: without them in the list librdkafka drops compression.
//!
//! With acks=all the answer waits in the purgatory until the high watermark has passed the batch. An error under acks=0
//! closes the connection, as there is no other way to tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::purgatory::Waiting;
use crate::engine::context::Context;
use crate::engine::log::{AppendError, RecordError};
use crate::engine::replica::TopicPartition;
use crate::engine::time::millis;
use crate::engine::topic_name;
use crate::protocol::Records;
use crate::protocol::produce::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData, PartitionProduceResponse,
    TopicProduceResponse,
};
use crate::protocol::records::Compression;
use crate::protocol::{ApiKey, ErrorCode, ProduceRequest, ProduceResponse, Request, Response};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::Produce, oldest: 0, newest: 11, callers: Callers::Everybody, handle };

/// The oldest version whose record format is served (magic 2).
const OLDEST_SERVED: i16 = 3;
/// The `client.id` that may write to internal topics (`AdminUtils.ADMIN_CLIENT_ID`).
const ADMIN_CLIENT: &str = "__admin_client";
/// The version from which on batches may be compressed with Zstandard (KIP-110).
const ZSTD_FROM: i16 = 7;
/// The version from which on the answer names the new leader (KIP-951).
const NAMES_LEADER: i16 = 10;

/// An acks=all that waits for the replicas, or what waits for `flush.messages`.
#[derive(Clone, Debug)]
pub(crate) struct ParkedProduce {
    /// The answer, as it is if every wait ends well.
    response: ProduceResponse,
    /// What is waited for.
    waits: Vec<Wait>,
}

/// A batch that was appended and waits to be on all in-sync replicas, and on the disk where `flush.messages` says so.
#[derive(Clone, Debug)]
struct Wait {
    id: TopicPartition,
    /// The offset after it: the high watermark to reach.
    until: i64,
    /// Whether all in-sync replicas must have it.
    acks_all: bool,
}

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::Produce(request) = request else { return Handled::Close };
    let acks = request.acks;
    let wait = millis(request.timeout_ms);
    let parked = append_all(broker, request, origin, ctx);
    let failed = errors(&parked.response);
    if failed > 0 {
        broker.stats.error(ApiKey::Produce);
    }
    match acks {
        0 if failed > 0 => Handled::Close,
        0 => Handled::Silent,
        -1 | 1 if parked.waits.iter().any(|wait| wait.acks_all || owes_flush(broker, wait)) => {
            park(broker, origin, parked, wait, ctx)
        }
        _ => Handled::Ready(parked.response.into()),
    }
}

fn errors(response: &ProduceResponse) -> usize {
    response.responses.iter().flat_map(|t| &t.partition_responses).filter(|p| !p.error_code.is_ok()).count()
}

/// Whether a batch must be flushed before it is acknowledged, and is not.
fn owes_flush(broker: &Broker, wait: &Wait) -> bool {
    broker.replica(&wait.id).is_some_and(|replica| replica.log.owes_flush(wait.until))
}

fn park(broker: &mut Broker, origin: &Origin, parked: ParkedProduce, wait: Duration, ctx: &mut Context<'_>) -> Handled {
    if let Some(response) = completed(broker, &parked, false) {
        return Handled::Ready(response);
    }
    let watches = parked.waits.iter().map(|wait| wait.id.clone()).collect();
    broker.park(origin, Waiting::Produce(parked), watches, wait, ctx);
    Handled::Parked
}

/// What is wrong with the request as a whole.
fn check(request: &ProduceRequest, version: i16) -> Result<(), ErrorCode> {
    if version < OLDEST_SERVED {
        Err(ErrorCode::UNSUPPORTED_VERSION)
    } else if !(-1..=1).contains(&request.acks) {
        Err(ErrorCode::INVALID_REQUIRED_ACKS)
    } else if request.transactional_id.is_some() {
        // Transactions are not served yet, and nobody can have begun one.
        Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING)
    } else {
        Ok(())
    }
}

/// Only brokers write to internal topics, and Kafka's own tools.
fn check_internal(id: &TopicPartition, client_id: &str) -> Result<(), ErrorCode> {
    let allowed = !topic_name::is_internal(&id.topic) || client_id == ADMIN_CLIENT;
    if allowed { Ok(()) } else { Err(ErrorCode::INVALID_TOPIC_EXCEPTION) }
}

fn append_all(broker: &mut Broker, request: ProduceRequest, origin: &Origin, ctx: &mut Context<'_>) -> ParkedProduce {
    let whole = check(&request, origin.version);
    let acks = request.acks;
    let mut parked = ParkedProduce { response: ProduceResponse::default(), waits: Vec::new() };
    for topic in request.topic_data {
        let mut partition_responses = Vec::with_capacity(topic.partition_data.len());
        for data in topic.partition_data {
            let id = TopicPartition::new(Arc::clone(&topic.name), data.index);
            let outcome = match whole.and_then(|()| check_internal(&id, &origin.client_id)) {
                Ok(()) => append(broker, &id, &data, (acks, origin.version), ctx),
                Err(code) => Err(code.into()),
            };
            let (answer, wait) = answer_of(data.index, &id, acks, outcome);
            parked.waits.extend(wait);
            partition_responses.push(answer);
        }
        parked.response.responses.push(TopicProduceResponse { name: topic.name, partition_responses });
    }
    if origin.version >= NAMES_LEADER {
        name_leaders(broker, &mut parked.response);
    }
    parked
}

/// Why a batch was not appended.
struct Refusal {
    code: ErrorCode,
    message: Option<Arc<str>>,
    /// The records that are to blame, if it is they.
    record_errors: Vec<BatchIndexAndErrorMessage>,
    /// Where the log begins, if it was the records; else -1.
    log_start_offset: i64,
}

impl Refusal {
    fn new(code: ErrorCode, error: &dyn std::error::Error) -> Self {
        Self { message: Some(error.to_string().into()), ..code.into() }
    }

    /// What the log said.
    fn of_log(error: &AppendError, log_start_offset: i64) -> Self {
        let refusal = Self::new(error.code(), error);
        let AppendError::Records(records) = error else { return refusal };
        let one = |record: &RecordError| BatchIndexAndErrorMessage {
            batch_index: record.index,
            batch_index_error_message: Some(record.message.as_str().into()),
        };
        Self { record_errors: records.iter().map(one).collect(), log_start_offset, ..refusal }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: None, record_errors: Vec::new(), log_start_offset: -1 }
    }
}

/// A batch that was appended.
struct Done {
    base_offset: i64,
    log_append_time_ms: i64,
    log_start_offset: i64,
    until: i64,
}

fn append(
    broker: &mut Broker,
    id: &TopicPartition,
    data: &PartitionProduceData,
    (acks, version): (i16, i16),
    ctx: &mut Context<'_>,
) -> Result<Done, Refusal> {
    let replica = broker.led(id, -1)?;
    if acks == -1 && replica.state.isr.len() < replica.effective_min_insync() {
        return Err(ErrorCode::NOT_ENOUGH_REPLICAS.into());
    }
    let batch = data.records.as_ref().ok_or(ErrorCode::INVALID_RECORD)?.checked_batch();
    let batch = batch.map_err(|error| Refusal::new(error.code(), &error))?;
    if version < ZSTD_FROM && batch.header.attributes.compression() == Some(Compression::Zstd) {
        return Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE.into());
    }
    let (leader_epoch, date_ms) = (replica.state.leader_epoch, ctx.now.date_ms());
    let replica = broker.replica_mut(id).ok_or(ErrorCode::NOT_LEADER_OR_FOLLOWER)?;
    let appended = match replica.log.append_as_leader(&batch, leader_epoch, date_ms, ctx.storage(id)) {
        Ok(appended) => appended,
        Err(error) => {
            let refusal = Refusal::of_log(&error, replica.log.log_start_offset());
            if let AppendError::Storage(failure) = &error {
                broker.log_dir_failed(failure, ctx);
            }
            return Err(refusal);
        }
    };
    replica.advance_high_watermark();
    broker.note_arrival(id, ctx);
    broker.stats.records_in += u64::try_from(batch.record_count()).unwrap_or(0);
    broker.stats.bytes_in += batch.size_bytes() as u64;
    broker.touch(id);
    Ok(Done {
        base_offset: appended.base_offset,
        log_append_time_ms: appended.log_append_time_ms,
        log_start_offset: appended.log_start_offset,
        until: appended.last_offset + 1,
    })
}

/// Appends what the broker itself keeps, as with acks=all. Returns the high watermark to wait for ([`replicated`]).
///
/// # Errors
/// As a producer is told.
pub(crate) fn append_own(
    broker: &mut Broker,
    id: &TopicPartition,
    records: Records,
    ctx: &mut Context<'_>,
) -> Result<i64, ErrorCode> {
    let data = PartitionProduceData { index: id.partition, records: Some(records) };
    append(broker, id, &data, (-1, API.newest), ctx).map(|done| done.until).map_err(|refusal| refusal.code)
}

/// How the wait for the in-sync replicas ended, if it has ([`append_own`]).
pub(crate) fn replicated(broker: &Broker, id: &TopicPartition, until: i64) -> Option<ErrorCode> {
    outcome(broker, &Wait { id: id.clone(), until, acks_all: true })
}

fn answer_of(
    index: i32,
    id: &TopicPartition,
    acks: i16,
    outcome: Result<Done, Refusal>,
) -> (PartitionProduceResponse, Option<Wait>) {
    match outcome {
        Ok(done) => {
            let answer = PartitionProduceResponse {
                index,
                base_offset: done.base_offset,
                log_append_time_ms: done.log_append_time_ms,
                log_start_offset: done.log_start_offset,
                ..PartitionProduceResponse::default()
            };
            (answer, Some(Wait { id: id.clone(), until: done.until, acks_all: acks == -1 }))
        }
        Err(refusal) => {
            let answer = PartitionProduceResponse {
                index,
                error_code: refusal.code,
                base_offset: -1,
                log_start_offset: refusal.log_start_offset,
                record_errors: refusal.record_errors,
                error_message: refusal.message,
                ..Default::default()
            };
            (answer, None)
        }
    }
}

/// The answer, if nothing is left to wait for, or `late`: what is not there by then has timed out.
pub(crate) fn completed(broker: &Broker, parked: &ParkedProduce, late: bool) -> Option<Response> {
    let mut failed: Vec<(&TopicPartition, ErrorCode)> = Vec::new();
    for wait in &parked.waits {
        match outcome(broker, wait) {
            Some(ErrorCode::NONE) => {}
            Some(error) => failed.push((&wait.id, error)),
            None if late => failed.push((&wait.id, ErrorCode::REQUEST_TIMED_OUT)),
            None => return None,
        }
    }
    let mut response = parked.response.clone();
    for topic in &mut response.responses {
        for answer in &mut topic.partition_responses {
            let of_it = |id: &TopicPartition| id.topic == topic.name && id.partition == answer.index;
            if let Some((_, error)) = failed.iter().find(|(id, _)| of_it(id)) {
                answer.error_code = *error;
            }
        }
    }
    Some(response.into())
}

/// How a wait ended, if it has. A leader that goes on leading in a new epoch (the controller took a replica out of the
/// in-sync set) has lost nothing, and its producers wait on; one that does not lead any more is found out at once.
fn outcome(broker: &Broker, wait: &Wait) -> Option<ErrorCode> {
    if let Err(offline) = broker.check_log_dir() {
        return Some(offline);
    }
    let Some(replica) = broker.replica(&wait.id).filter(|replica| replica.leader().is_some()) else {
        return Some(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    };
    if replica.log.owes_flush(wait.until) || (wait.acks_all && replica.high_watermark < wait.until) {
        return None;
    }
    if !wait.acks_all {
        return Some(ErrorCode::NONE);
    }
    let enough = replica.state.isr.len() >= replica.effective_min_insync();
    Some(if enough { ErrorCode::NONE } else { ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND })
}

/// Where this broker does not lead a partition, the answer says who does, and where that one listens.
fn name_leaders(broker: &Broker, response: &mut ProduceResponse) {
    let mut leaders = BTreeSet::new();
    for topic in &mut response.responses {
        for answer in &mut topic.partition_responses {
            let moved = matches!(answer.error_code, ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::FENCED_LEADER_EPOCH);
            let id = TopicPartition::new(Arc::clone(&topic.name), answer.index);
            let Some(meta) = broker.metadata.partition(&id).filter(|_| moved) else { continue };
            if let Some(leader) = meta.leader {
                answer.current_leader = LeaderIdAndEpoch { leader_id: leader.0, leader_epoch: meta.leader_epoch };
                leaders.insert(leader);
            }
        }
    }
    response.node_endpoints = leaders
        .into_iter()
        .filter_map(|leader| Some((leader, broker.metadata.brokers.get(&leader)?)))
        .map(|(leader, endpoint)| NodeEndpoint {
            node_id: leader.0,
            host: Arc::clone(&endpoint.host),
            port: endpoint.port.into(),
            rack: endpoint.rack.clone(),
        })
        .collect();
}

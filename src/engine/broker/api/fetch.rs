//! Fetch (key 1), versions 4 to 17: consumers and followers read record batches. What is not there yet is waited for,
//! up to `max_wait_ms`, until `min_bytes` have come together.
//!
//! `replica_id` -1 is a consumer: it reads below the high watermark, of the leader, or from version 11 on of a follower
//! too (KIP-392). A broker's id is a follower: it reads to the log end, and its fetch offset tells the leader how far it
//! is. -2 is a debugging tool that reads any replica.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::fetch_session::{FINAL_EPOCH, FetchSessions, INITIAL_EPOCH, Wanted};
use crate::engine::broker::purgatory::Waiting;
use crate::engine::context::Context;
use crate::engine::log::StoredBatch;
use crate::engine::log::read::{ReadResult, collect};
use crate::engine::node::BrokerId;
use crate::engine::replica::{Replica, TopicPartition};
use crate::engine::time::{Time, millis};
use crate::protocol::fetch::{EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData};
use crate::protocol::records::Compression;
use crate::protocol::{ApiKey, ErrorCode, FetchRequest, FetchResponse, Records, Request, Response};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::Fetch, oldest: 4, newest: 17, callers: Callers::Everybody, handle };

/// A tool that reads from any replica.
const DEBUGGING_CONSUMER: i32 = -2;
/// From this version on what is compressed with Zstandard may be read (KIP-110).
const ZSTD_FROM: i16 = 10;
/// From this version on consumers may read from followers.
const FROM_FOLLOWERS: i16 = 11;
/// From this version on topics are named by their ids.
const TOPIC_IDS: i16 = 13;
/// From this version on the answer says where leaders listen.
const NAMES_LEADER: i16 = 16;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// A consumer; whether it may read from a follower.
    Consumer { from_followers: bool },
    /// A follower.
    Follower(BrokerId),
    /// A tool.
    Debugger,
}

/// Which session an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionUse {
    /// None, or one that begins with this answer (its id): everything is told.
    Full(i32),
    /// A session that goes on: only news are told.
    Incremental(i32),
}

/// A fetch, as it waits.
#[derive(Clone, Debug)]
pub(crate) struct ParkedFetch {
    session: SessionUse,
    wanted: Arc<[Wanted]>,
    reader: Reader,
    min_bytes: usize,
    max_bytes: usize,
    version: i16,
    /// What was asked of the disk for it: of each partition once.
    read_back: Vec<TopicPartition>,
}

impl ParkedFetch {
    /// Notes what is asked of the disk for it.
    pub(crate) fn reads_back(&mut self, cold: &[(TopicPartition, i64, usize)]) {
        self.read_back.extend(cold.iter().map(|(id, ..)| id.clone()));
    }
}

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::Fetch(request) = request else { return Handled::Close };
    let wait = millis(request.max_wait_ms);
    let mut parked = match begin(broker, request, origin.version) {
        Ok(parked) => parked,
        Err(error_code) => {
            broker.stats.error(ApiKey::Fetch);
            return Handled::Ready(FetchResponse { error_code, ..FetchResponse::default() }.into());
        }
    };
    if let Reader::Follower(follower) = parked.reader {
        note_progress(broker, follower, &parked.wanted, ctx.now.lab);
    }
    if ctx.disks.is_lasting() {
        let cold = on_disk(broker, &parked);
        parked.reads_back(&cold);
        broker.read_back(cold, ctx);
    }
    if let Some(response) = completed(broker, &parked, origin, wait.is_zero() || parked.wanted.is_empty()) {
        return Handled::Ready(deliver(broker, &parked, response));
    }
    let watches = parked.wanted.iter().map(|wanted| wanted.id.clone()).collect();
    broker.park(origin, Waiting::Fetch(parked), watches, wait, ctx);
    Handled::Parked
}

/// What the request is about, with its session looked up or begun.
fn begin(broker: &mut Broker, request: FetchRequest, version: i16) -> Result<ParkedFetch, ErrorCode> {
    let replica_id = if version >= 15 { request.replica_state.replica_id } else { request.replica_id };
    let reader = match replica_id {
        DEBUGGING_CONSUMER => Reader::Debugger,
        id if id >= 0 => Reader::Follower(BrokerId(id)),
        _ => Reader::Consumer { from_followers: version >= FROM_FOLLOWERS },
    };
    let bytes = |bytes: i32| usize::try_from(bytes).unwrap_or(0);
    let most = broker.settings().fetch_max_bytes.max(broker.settings().replica_fetch_response_max_bytes);
    let (min_bytes, max_bytes) = (bytes(request.min_bytes), bytes(request.max_bytes.min(most)));
    let (session, mut wanted) = session(broker, request, version)?;
    FetchSessions::learn_names(&mut wanted, |id| broker.metadata.name_of(id).cloned());
    Ok(ParkedFetch { session, wanted: wanted.into(), reader, min_bytes, max_bytes, version, read_back: Vec::new() })
}

fn session(broker: &mut Broker, request: FetchRequest, version: i16) -> Result<(SessionUse, Vec<Wanted>), ErrorCode> {
    let (id, epoch) = (request.session_id, request.session_epoch);
    let named: Vec<Wanted> = request
        .topics
        .into_iter()
        .flat_map(|topic| {
            let (name, topic_id) = (topic.topic, topic.topic_id);
            topic.partitions.into_iter().map(move |fetch| Wanted {
                id: TopicPartition::new(Arc::clone(&name), fetch.partition),
                topic_id,
                fetch,
            })
        })
        .collect();
    match epoch {
        _ if version < 7 => Ok((SessionUse::Full(0), named)),
        FINAL_EPOCH => {
            broker.sessions.end(id);
            Ok((SessionUse::Full(0), named))
        }
        INITIAL_EPOCH => {
            broker.sessions.end(id);
            let slots = broker.settings().max_incremental_fetch_session_cache_slots;
            let id = broker.sessions.begin(&named, usize::try_from(slots).unwrap_or(0));
            Ok((SessionUse::Full(id), named))
        }
        _ => {
            let all = broker.sessions.go_on(id, epoch, named, &request.forgotten_topics_data)?;
            Ok((SessionUse::Incremental(id), all))
        }
    }
}

/// A follower's fetch offsets tell how far it is: high watermarks may move, and it may join in-sync sets.
fn note_progress(broker: &mut Broker, follower: BrokerId, wanted: &[Wanted], now: Time) {
    for wanted in wanted {
        let epoch = wanted.fetch.current_leader_epoch;
        let Some(replica) = broker.replica(&wanted.id) else { continue };
        let in_range =
            (replica.log.log_start_offset()..=replica.log.log_end_offset()).contains(&wanted.fetch.fetch_offset);
        if replica.leader().is_none() || replica.check_epoch(epoch).is_err() || !in_range {
            continue;
        }
        let known = replica.leader().and_then(|leader| leader.progress.get(&follower)).and_then(|p| p.log_end);
        let moved = broker.replica_mut(&wanted.id).is_some_and(|replica| {
            let begins = replica.follower_begins(follower, wanted.fetch.log_start_offset);
            replica.follower_fetched(follower, wanted.fetch.fetch_offset, now) || begins
        });
        if moved || known != Some(wanted.fetch.fetch_offset) {
            broker.touch(&wanted.id);
        }
        // Even where nothing moved: it may have had to wait for another change of the in-sync set.
        broker.consider_joining(&wanted.id, follower);
    }
}

/// What may be read of logs below what they have in memory, and was not asked for yet: partition, offset, how much.
pub(crate) fn on_disk(broker: &Broker, parked: &ParkedFetch) -> Vec<(TopicPartition, i64, usize)> {
    let is_cold = |wanted: &&Wanted| {
        let replica = find(broker, parked, wanted).ok();
        let cold = replica.is_some_and(|r| r.log.is_on_disk(wanted.fetch.fetch_offset, up_to(r, parked.reader)));
        cold && !parked.read_back.contains(&wanted.id)
    };
    let most = |wanted: &Wanted| usize::try_from(wanted.fetch.partition_max_bytes).unwrap_or(0).min(parked.max_bytes);
    parked
        .wanted
        .iter()
        .filter(is_cold)
        .map(|wanted| (wanted.id.clone(), wanted.fetch.fetch_offset, most(wanted)))
        .collect()
}

/// The answer, if enough has come together, something is wrong with a partition, or it is `late`.
pub(crate) fn completed(broker: &Broker, parked: &ParkedFetch, _origin: &Origin, late: bool) -> Option<Response> {
    let mut left = parked.max_bytes;
    let mut bytes = 0;
    let mut urgent = late;
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    for wanted in parked.wanted.iter() {
        let data = read(broker, parked, wanted, left, bytes == 0);
        let size = data.records.as_ref().map_or(0, Records::len);
        bytes += size;
        left = left.saturating_sub(size);
        urgent |= !data.error_code.is_ok() || data.diverging_epoch.end_offset >= 0;
        let same = |topic: &FetchableTopicResponse| {
            topic.topic_id == wanted.topic_id && (parked.version >= TOPIC_IDS || topic.topic == wanted.id.topic)
        };
        match topics.last_mut().filter(|topic| same(topic)) {
            Some(topic) => topic.partitions.push(data),
            None => topics.push(FetchableTopicResponse {
                topic: Arc::clone(&wanted.id.topic),
                topic_id: wanted.topic_id,
                partitions: vec![data],
            }),
        }
    }
    if !urgent && bytes < parked.min_bytes.max(1) {
        return None;
    }
    Some(FetchResponse { responses: topics, ..FetchResponse::default() }.into())
}

/// What the client gets of a complete answer: within a session only the news. Counts what goes out.
pub(crate) fn deliver(broker: &mut Broker, parked: &ParkedFetch, response: Response) -> Response {
    let Response::Fetch(mut response) = response else { return response };
    let (id, incremental) = match parked.session {
        SessionUse::Full(id) => (id, false),
        SessionUse::Incremental(id) => (id, true),
    };
    response.session_id = id;
    if id != 0 {
        let mut wanted = parked.wanted.iter();
        for topic in &mut response.responses {
            topic.partitions.retain(|data| {
                let news = wanted.next().is_none_or(|wanted| broker.sessions.is_news(id, wanted, data));
                news || !incremental
            });
        }
        response.responses.retain(|topic| !topic.partitions.is_empty());
    }
    if parked.version >= NAMES_LEADER {
        response.node_endpoints = endpoints(broker, &response);
    }
    if !matches!(parked.reader, Reader::Follower(_)) {
        count(broker, &response);
    }
    response.into()
}

fn count(broker: &mut Broker, response: &FetchResponse) {
    for data in response.responses.iter().flat_map(|topic| &topic.partitions) {
        if let Some(records) = &data.records {
            broker.stats.bytes_out += records.len() as u64;
            broker.stats.records_out += records.record_count();
        }
    }
}

fn endpoints(broker: &Broker, response: &FetchResponse) -> Vec<NodeEndpoint> {
    let leaders: std::collections::BTreeSet<i32> = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|data| data.current_leader.leader_id)
        .filter(|id| *id >= 0)
        .collect();
    leaders
        .into_iter()
        .filter_map(|id| Some((id, broker.metadata.brokers.get(&BrokerId(id))?)))
        .map(|(node_id, endpoint)| NodeEndpoint {
            node_id,
            host: Arc::clone(&endpoint.host),
            port: endpoint.port.into(),
            rack: endpoint.rack.clone(),
        })
        .collect()
}

fn read(broker: &Broker, parked: &ParkedFetch, wanted: &Wanted, room: usize, first: bool) -> PartitionData {
    match find(broker, parked, wanted) {
        Ok(replica) => read_replica(broker, replica, parked, wanted, (room, first)),
        Err(error) => refuse(broker, parked, wanted, error),
    }
}

fn find<'a>(broker: &'a Broker, parked: &ParkedFetch, wanted: &Wanted) -> Result<&'a Replica, ErrorCode> {
    if parked.version >= TOPIC_IDS && wanted.id.topic.is_empty() {
        return Err(ErrorCode::UNKNOWN_TOPIC_ID);
    }
    let replica = broker.hosted(&wanted.id)?;
    if parked.version >= TOPIC_IDS && replica.topic_id != wanted.topic_id {
        return Err(ErrorCode::INCONSISTENT_TOPIC_ID);
    }
    replica.check_epoch(wanted.fetch.current_leader_epoch)?;
    let may = match parked.reader {
        Reader::Debugger => true,
        Reader::Consumer { from_followers: true } => replica.leader().is_some() || replica.follower().is_some(),
        Reader::Consumer { .. } => replica.leader().is_some(),
        Reader::Follower(id) => {
            if replica.leader().is_some() && !replica.state.replicas.contains(&id) {
                return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
            }
            replica.leader().is_some()
        }
    };
    if !may {
        Err(ErrorCode::NOT_LEADER_OR_FOLLOWER)
    } else if parked.version < ZSTD_FROM && replica.log.config().compression == Some(Compression::Zstd) {
        // Without looking into batches: by what the topic says (`KafkaApis.maybeConvertFetchedData`).
        Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE)
    } else {
        Ok(replica)
    }
}

fn read_replica(
    broker: &Broker,
    replica: &Replica,
    parked: &ParkedFetch,
    wanted: &Wanted,
    (room, first): (usize, bool),
) -> PartitionData {
    let fetch = &wanted.fetch;
    let mut data = PartitionData {
        partition_index: fetch.partition,
        high_watermark: replica.high_watermark,
        // Without transactions everything below the high watermark is stable.
        last_stable_offset: replica.high_watermark,
        log_start_offset: replica.log.log_start_offset(),
        records: Some(Records::new()),
        ..PartitionData::default()
    };
    if let Some(diverging) = diverging(replica, fetch.last_fetched_epoch, fetch.fetch_offset) {
        data.diverging_epoch = diverging;
        return data;
    }
    let up_to = up_to(replica, parked.reader);
    let most = usize::try_from(fetch.partition_max_bytes).unwrap_or(0).min(room);
    if let Ok(read) = replica.log.read(fetch.fetch_offset, most, up_to, first) {
        let read = if read.on_disk {
            read_back(broker, replica, (&wanted.id, fetch.fetch_offset), |batches| {
                collect(batches, fetch.fetch_offset, most, up_to, first)
            })
            .unwrap_or(read)
        } else {
            read
        };
        data.records = Some(read.records);
    } else {
        data.error_code = ErrorCode::OFFSET_OUT_OF_RANGE;
        (data.high_watermark, data.last_stable_offset, data.log_start_offset) = (-1, -1, -1);
    }
    data
}

/// What was read back of a log from `offset` on; behind a gap that compaction left, what is in memory.
fn read_back(
    broker: &Broker,
    replica: &Replica,
    (id, offset): (&TopicPartition, i64),
    collect: impl FnOnce(&mut dyn Iterator<Item = StoredBatch>) -> ReadResult,
) -> Option<ReadResult> {
    if let Some(from) = broker.cold.goes_on_at(id, offset) {
        return Some(collect(&mut replica.log.batches_from(from)));
    }
    broker.cold.batches_from(id, offset).map(|mut batches| collect(&mut batches))
}

/// What a reader may see of a log lies below.
fn up_to(replica: &Replica, reader: Reader) -> i64 {
    match reader {
        Reader::Follower(_) => replica.log.log_end_offset(),
        _ => replica.high_watermark,
    }
}

/// Where the reader's log parts from this one, if its last epoch says so (KIP-595).
fn diverging(replica: &Replica, last_epoch: i32, offset: i64) -> Option<EpochEndOffset> {
    if last_epoch < 0 {
        return None;
    }
    let (epoch, end_offset) = replica.log.end_offset_for(last_epoch);
    (epoch < last_epoch || end_offset < offset).then_some(EpochEndOffset { epoch, end_offset })
}

fn refuse(broker: &Broker, parked: &ParkedFetch, wanted: &Wanted, error_code: ErrorCode) -> PartitionData {
    let moved = matches!(error_code, ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::FENCED_LEADER_EPOCH);
    let leader = broker.metadata.partition(&wanted.id).filter(|_| moved && parked.version >= 12);
    let current_leader = leader
        .and_then(|meta| Some(LeaderIdAndEpoch { leader_id: meta.leader?.0, leader_epoch: meta.leader_epoch }))
        .unwrap_or_default();
    PartitionData {
        partition_index: wanted.fetch.partition,
        error_code,
        high_watermark: -1,
        current_leader,
        records: Some(Records::new()),
        ..PartitionData::default()
    }
}

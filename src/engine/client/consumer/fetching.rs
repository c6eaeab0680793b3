//! Between a consumer's positions and the brokers: where to begin (`ListOffsets`), what to fetch from whom in which session
//! (KIP-227), what the answers mean.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{About, Consumer, Key, Position};
use crate::engine::client::link::Connected as _;
use crate::engine::client::spec::OffsetReset;
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::{KafkaResponse, Lane};
use crate::engine::node::BrokerId;
use crate::engine::time::{Time, millis};
use crate::protocol::fetch::{FetchPartition, FetchTopic, ForgottenTopic, PartitionData};
use crate::protocol::list_offsets::{ListOffsetsPartition, ListOffsetsTopic, timestamp};
use crate::protocol::records::{BatchReader, records_of};
use crate::protocol::{
    ErrorCode, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, Records, Response,
};

/// The version of Fetch that is spoken: topics by id.
const FETCH_VERSION: i16 = 17;
/// The version of `ListOffsets` that is spoken.
const OFFSETS_VERSION: i16 = 9;
/// `fetch.max.wait.ms`.
const MAX_WAIT_MS: i32 = 500;
/// `fetch.max.bytes`.
const MAX_BYTES: i32 = 50 * 1024 * 1024;
/// `max.partition.fetch.bytes`.
const PARTITION_BYTES: i32 = 1024 * 1024;
/// The same for a consumer with a limit: so that it reads in small steps.
const PARTITION_BYTES_SLOW: i32 = 4_096;

/// A fetch session with a broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    id: i32,
    /// The next request's number; 0 begins a session.
    epoch: i32,
    /// What the broker believes that is wanted: topic id, position, leader epoch.
    told: BTreeMap<Key, (Uuid, i64, i32)>,
    /// Whether a fetch is under way.
    busy: bool,
    /// The next one not before.
    not_before: Time,
}

/// A topic's name and id.
type Topic = (Arc<str>, Uuid);

/// Topics with what belongs to each, in their order.
fn by_topic<T>(parts: impl IntoIterator<Item = (Topic, T)>) -> Vec<(Topic, Vec<T>)> {
    let mut topics: BTreeMap<Topic, Vec<T>> = BTreeMap::new();
    for (topic, part) in parts {
        topics.entry(topic).or_default().push(part);
    }
    topics.into_iter().collect()
}

impl Consumer {
    pub(in super::super) fn on_response(&mut self, response: KafkaResponse, ctx: &mut Context<'_>) {
        let Some(asked) = self.links.answered(response.correlation) else { return };
        match (response.response, asked.about) {
            (Response::Metadata(response), _) => {
                let news = self.metadata.update(response, ctx.now.lab);
                ctx.because(self.trouble.answered(ctx), |ctx| self.take_up(&news, ctx));
            }
            (Response::ListOffsets(response), About::Offsets(asked)) => self.on_offsets(&response, &asked, ctx),
            (Response::Fetch(response), About::Fetch(broker)) => self.on_fetch(broker, response, ctx),
            (response, about) => self.on_group_response(response, about, ctx),
        }
        self.go_on(ctx);
    }

    /// An answer of the group's coordinator, or who that is.
    fn on_group_response(&mut self, response: Response, about: About, ctx: &mut Context<'_>) {
        match (response, about) {
            (Response::FindCoordinator(response), _) => self.on_coordinator(&response, ctx),
            (Response::JoinGroup(response), _) => self.on_joined(response, ctx),
            (Response::ConsumerGroupHeartbeat(response), About::Join) => self.on_epoch(&response, true, ctx),
            (Response::ConsumerGroupHeartbeat(response), About::Heartbeat(_)) => self.on_epoch(&response, false, ctx),
            (Response::SyncGroup(response), _) => self.on_synced(&response, ctx),
            (Response::Heartbeat(response), About::Heartbeat(generation)) => {
                self.on_heartbeat(&response, generation, ctx);
            }
            (Response::OffsetFetch(response), About::Committed(asked)) => {
                self.on_committed_offsets(&response, &asked, ctx);
            }
            (Response::OffsetCommit(response), About::Commit(commit)) => {
                let (offsets, waits, generation) = *commit;
                self.on_commit(&response, &offsets, waits, generation, ctx);
            }
            _ => {}
        }
    }

    /// Whether records of the partition wait to be polled: no more are fetched then.
    fn is_buffered(&self, key: &Key) -> bool {
        self.member.as_ref().is_some_and(|member| member.buffer.has(key))
    }

    fn leader_of(&self, (topic, partition): &Key) -> Option<(BrokerId, i32)> {
        let leader = self.metadata.leader(topic, *partition)?;
        Some((leader.leader?, leader.epoch))
    }

    /// When offsets are to be asked for next, where that is not up to an answer.
    pub(super) fn next_ask_offsets(&self) -> Time {
        let wanted = self.positions.iter().filter(|(_, position)| position.wants_offset());
        wanted
            .filter_map(|(key, position)| Some((self.leader_of(key)?.0, position.not_before)))
            .map(|(leader, not_before)| not_before.max(self.links.not_before(leader, Lane::METADATA)))
            .min()
            .unwrap_or(Time::NEVER)
    }

    /// Asks the leaders where to begin.
    pub(super) fn ask_offsets(&mut self, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        let mut by_leader: BTreeMap<BrokerId, Vec<(Key, i32)>> = BTreeMap::new();
        for (key, position) in &self.positions {
            let wanted = position.wants_offset() && position.not_before <= now;
            if let Some((leader, epoch)) = self.leader_of(key).filter(|_| wanted)
                && self.links.not_before(leader, Lane::METADATA) <= now
            {
                by_leader.entry(leader).or_default().push((key.clone(), epoch));
            }
        }
        let place = match self.spec.from {
            // What an earlier process wrote is not what this one's producers answer for.
            _ if self.spec.audit && ctx.disks.is_lasting() => ctx.now.epoch_ms,
            OffsetReset::Earliest => timestamp::EARLIEST,
            OffsetReset::Latest => timestamp::LATEST,
        };
        for (leader, partitions) in by_leader {
            for (key, _) in &partitions {
                if let Some(position) = self.positions.get_mut(key) {
                    position.asked = true;
                }
            }
            let parts = partitions.iter().map(|((topic, partition), epoch)| {
                let asked = ListOffsetsPartition {
                    partition_index: *partition,
                    current_leader_epoch: *epoch,
                    timestamp: place,
                };
                ((Arc::clone(topic), Uuid::nil()), asked)
            });
            let topics = by_topic(parts)
                .into_iter()
                .map(|((name, _), partitions)| ListOffsetsTopic { name, partitions })
                .collect();
            let request = ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
            let about = About::Offsets(partitions.into_iter().map(|(key, _)| key).collect());
            self.links.ask((leader, Lane::METADATA), OFFSETS_VERSION, request.into(), about, ctx);
        }
    }

    pub(super) fn offsets_failed(&mut self, partitions: &[Key], now: Time) {
        for key in partitions {
            if let Some(position) = self.positions.get_mut(key) {
                position.asked = false;
                position.not_before = now + millis(self.spec.retry_backoff_ms);
            }
        }
    }

    fn on_offsets(&mut self, response: &ListOffsetsResponse, asked: &[Key], ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        self.offsets_failed(asked, now);
        let (mut reset, mut skipped) = (0, 0);
        for topic in &response.topics {
            for told in &topic.partitions {
                let key = (Arc::clone(&topic.name), told.partition_index);
                let Some(position) = self.positions.get_mut(&key) else { continue };
                if told.error_code.is_ok() && told.offset < 0 {
                    // Asked for a time, and there is no record so late yet.
                    continue;
                }
                if told.error_code.is_ok() && told.offset >= 0 {
                    position.offset = Some(told.offset);
                    position.consumed = Some(told.offset).filter(|_| self.member.is_some());
                    position.not_before = Time::ZERO;
                    if let Some(lost_at) = position.lost_at.take() {
                        reset += 1;
                        skipped += u64::try_from(told.offset - lost_at).unwrap_or(0);
                    }
                    if self.spec.audit {
                        self.audit.skip_to(&key.0, key.1, told.offset);
                    }
                } else {
                    self.note_error(told.error_code, now);
                    self.metadata.outdated();
                }
            }
        }
        if reset > 0 {
            ctx.note(EventKind::Client(ClientEvent::OffsetsReset { partitions: reset, skipped }));
        }
    }

    /// When a fetch is to be sent next, where that is not up to an answer.
    pub(super) fn next_fetch(&self) -> Time {
        self.positions
            .iter()
            .filter(|(key, position)| position.offset.is_some() && !self.is_buffered(key))
            .filter_map(|(key, position)| Some((self.leader_of(key)?.0, position.not_before)))
            .filter(|(leader, _)| self.sessions.get(leader).is_none_or(|session| !session.busy))
            .map(|(leader, not_before)| not_before.max(self.may_fetch_at(leader)))
            .min()
            .unwrap_or(Time::NEVER)
    }

    fn may_fetch_at(&self, leader: BrokerId) -> Time {
        let paced = self.sessions.get(&leader).map_or(Time::ZERO, |session| session.not_before);
        paced.max(self.links.not_before(leader, Lane::CLIENT)).max(self.busy_until)
    }

    /// Sends a fetch to every leader that has none to answer.
    pub(super) fn fetch(&mut self, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        let mut by_leader: BTreeMap<BrokerId, BTreeMap<Key, (Uuid, i64, i32)>> = BTreeMap::new();
        for (key, position) in &self.positions {
            let (Some(offset), Some((leader, epoch))) = (position.offset, self.leader_of(key)) else { continue };
            let id = self.metadata.topic(&key.0).map_or(Uuid::nil(), |topic| topic.id);
            if position.not_before <= now && self.may_fetch_at(leader) <= now && !self.is_buffered(key) {
                by_leader.entry(leader).or_default().insert(key.clone(), (id, offset, epoch));
            }
        }
        for (leader, wanted) in by_leader {
            let session = self.sessions.entry(leader).or_default();
            if session.busy {
                continue;
            }
            let request = self.fetch_request(leader, wanted);
            self.links.ask((leader, Lane::CLIENT), FETCH_VERSION, request.into(), About::Fetch(leader), ctx);
        }
    }

    /// The next request of the session: what changed since the last one.
    fn fetch_request(&mut self, leader: BrokerId, wanted: BTreeMap<Key, (Uuid, i64, i32)>) -> FetchRequest {
        let slow = self.spec.max_per_sec.is_some();
        let Self { sessions, positions, .. } = self;
        let session = sessions.entry(leader).or_default();
        let changed = wanted.iter().filter(|(key, want)| session.told.get(*key) != Some(want)).map(|(key, want)| {
            let last_fetched_epoch = positions.get(key).map_or(-1, |position| position.last_epoch);
            let part = FetchPartition {
                partition: key.1,
                current_leader_epoch: want.2,
                fetch_offset: want.1,
                last_fetched_epoch,
                partition_max_bytes: if slow { PARTITION_BYTES_SLOW } else { PARTITION_BYTES },
                ..FetchPartition::default()
            };
            ((Arc::clone(&key.0), want.0), part)
        });
        let topics = by_topic(changed)
            .into_iter()
            .map(|((topic, topic_id), partitions)| FetchTopic { topic, topic_id, partitions })
            .collect();
        let dropped = session.told.iter().filter(|(key, told)| wanted.get(*key).is_none_or(|want| want.0 != told.0));
        let forgotten_topics_data = by_topic(dropped.map(|(key, told)| ((Arc::clone(&key.0), told.0), key.1)))
            .into_iter()
            .map(|((_, topic_id), partitions)| ForgottenTopic { topic: "".into(), topic_id, partitions })
            .collect();
        session.told = wanted;
        session.busy = true;
        FetchRequest {
            max_wait_ms: MAX_WAIT_MS,
            min_bytes: 1,
            max_bytes: MAX_BYTES,
            session_id: session.id,
            session_epoch: session.epoch,
            topics,
            forgotten_topics_data,
            ..FetchRequest::default()
        }
    }

    fn on_fetch(&mut self, broker: BrokerId, response: FetchResponse, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        let Some(session) = self.sessions.get_mut(&broker) else { return };
        session.busy = false;
        session.not_before = now + millis(self.spec.poll_ms);
        if response.error_code.is_error() {
            // The broker does not know the session (any more): a new one.
            *session = Session { not_before: session.not_before, ..Session::default() };
            self.note_error(response.error_code, now);
            return;
        }
        session.id = response.session_id;
        session.epoch = if response.session_id == 0 { 0 } else { session.epoch.checked_add(1).unwrap_or(1) };
        if response.session_id == 0 {
            session.told.clear();
        }
        let before = self.read;
        for topic in response.responses {
            let Some(name) = self.metadata.name_of(topic.topic_id).cloned() else { continue };
            for data in topic.partitions {
                let key = (Arc::clone(&name), data.partition_index);
                self.on_partition(&key, &data, ctx);
            }
        }
        self.at_ease(broker);
        if let Some(most) = self.spec.max_per_sec {
            let work = Duration::from_micros((self.read - before).saturating_mul(1_000_000) / u64::from(most.max(1)));
            self.busy_until = self.busy_until.max(now) + work;
        }
    }

    /// The broker answered a fetch: what it leads and did not complain about is read again.
    fn at_ease(&mut self, broker: BrokerId) {
        for ((topic, partition), position) in &mut self.positions {
            let leader = self.metadata.leader(topic, *partition).and_then(|leader| leader.leader);
            if leader == Some(broker) && position.not_before == Time::ZERO {
                position.troubled = false;
            }
        }
    }

    fn on_partition(&mut self, key: &Key, data: &PartitionData, ctx: &mut Context<'_>) {
        if data.error_code.is_error() {
            self.on_partition_error(key, data.error_code, ctx);
            return;
        }
        let Some(position) = self.positions.get_mut(key) else { return };
        position.not_before = Time::ZERO;
        if data.diverging_epoch.end_offset >= 0 {
            self.diverged(key, data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
            return;
        }
        position.high_watermark = data.high_watermark;
        if let (Some(records), Some(offset)) = (&data.records, position.offset) {
            self.take_in(key, offset, records);
        }
    }

    /// The log was cut back behind what was read, and goes on with other records (KIP-320).
    fn diverged(&mut self, key: &Key, epoch: i32, end_offset: i64) {
        let Some(position) = self.positions.get_mut(key) else { return };
        let end = position.offset.map_or(end_offset, |offset| offset.min(end_offset));
        let go_on = if self.spec.audit { self.audit.cut(&key.0, key.1, end) } else { end };
        position.offset = Some(go_on);
        if let Some(member) = &mut self.member {
            member.buffer.drop_partition(key);
            position.consumed = position.consumed.map(|consumed| consumed.min(go_on));
        }
        position.last_epoch = if go_on == end { epoch } else { -1 };
    }

    fn on_partition_error(&mut self, key: &Key, error: ErrorCode, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        self.note_error(error, now);
        let Some(position) = self.positions.get_mut(key) else { return };
        if error == ErrorCode::OFFSET_OUT_OF_RANGE {
            *position = Position { offset: None, lost_at: position.offset, last_epoch: -1, ..*position };
            return;
        }
        position.not_before = now + millis(self.spec.retry_backoff_ms);
        position.troubled = true;
        self.trouble.refused(ctx);
        self.metadata.outdated();
    }

    /// Reads the records from `offset` on. The first batch may begin below, and the last one be cut off.
    fn take_in(&mut self, key: &Key, offset: i64, records: &Records) {
        let mut next = offset;
        let mut offsets = VecDeque::new();
        let mut last_epoch = None;
        for (header, body) in BatchReader::new(records).map_while(Result::ok) {
            if header.body_bytes() > body.len() {
                break;
            }
            if header.next_offset() <= next {
                continue;
            }
            if !header.attributes.is_control() {
                for record in records_of(&header, &body).unwrap_or_default() {
                    if record.offset >= next {
                        offsets.push_back(record.offset);
                        if self.spec.audit {
                            self.audit.add(&key.0, key.1, &record);
                        }
                    }
                }
            }
            next = header.next_offset();
            last_epoch = Some(header.leader_epoch);
        }
        let count = offsets.len() as u64;
        let Some(position) = self.positions.get_mut(key) else { return };
        position.offset = Some(next);
        position.last_epoch = last_epoch.unwrap_or(position.last_epoch);
        match &mut self.member {
            // Its application polls it.
            Some(member) if next > offset => member.buffer.push(key, offsets, next, position.last_epoch),
            Some(_) => {}
            None => {
                position.read += count;
                self.read += count;
            }
        }
    }
}

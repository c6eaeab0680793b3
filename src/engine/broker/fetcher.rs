//! A follower's fetchers: one per leader, one request in flight each. Kafka's `ReplicaFetcherThread`.
//!
//! A round asks for what all partitions of that leader need: first `OffsetForLeaderEpoch` for those that must cut,
//! then `ListOffsets` for those whose logs do not meet the leader's, then `Fetch` for the rest. A partition that was
//! answered with an error sits out for `replica.fetch.backoff.ms`; it must not hold the others. A round that is not answered
//! is waited for as long as its connection is open (deviation: patient-fetchers).
//!
//! Each fetcher knows its partitions, so that a round costs what its leader leads and not what the broker hosts:
//! whoever changes a replica's part says so with [`Broker::assign_fetcher`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Broker, BrokerTimer};
use crate::engine::context::{Cause, Context, Id, TimerId};
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::log::AppendError;
use crate::engine::message::Lane;
use crate::engine::node::BrokerId;
use crate::engine::replica::{Phase, Replica, Role, TopicPartition, truncate_by_epoch};
use crate::engine::time::{Time, millis};
use crate::protocol::fetch::{FetchPartition, FetchTopic, PartitionData, ReplicaState};
use crate::protocol::list_offsets::{ListOffsetsPartition, ListOffsetsTopic, timestamp};
use crate::protocol::offset_for_leader_epoch::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use crate::protocol::{
    ErrorCode, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, Request, Response,
};

/// The versions that followers speak: the newest.
const FETCH_VERSION: i16 = 17;
const EPOCH_VERSION: i16 = 4;
const LIST_OFFSETS_VERSION: i16 = 9;

/// The way to one leader.
#[derive(Clone, Debug, Default)]
struct Fetcher {
    /// What is fetched here.
    partitions: BTreeSet<TopicPartition>,
    in_flight: Option<Id>,
    /// A retry is coming.
    backing_off: Option<TimerId>,
    /// Partitions that sit out, and until when.
    delayed: BTreeMap<TopicPartition, Time>,
}

/// The fetchers, by leader.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetchers {
    by_leader: BTreeMap<BrokerId, Fetcher>,
    /// Which fetcher has a partition: that of the leader that it follows.
    leaders: BTreeMap<TopicPartition, BrokerId>,
}

impl Fetchers {
    /// Gives a partition to the fetcher of `leader`, or to none.
    fn assign(&mut self, id: &TopicPartition, leader: Option<BrokerId>) {
        let before = match leader {
            Some(leader) => self.leaders.insert(id.clone(), leader),
            None => self.leaders.remove(id),
        };
        if before == leader {
            return;
        }
        if let Some(fetcher) = before.and_then(|leader| self.by_leader.get_mut(&leader)) {
            fetcher.partitions.remove(id);
        }
        if let Some(leader) = leader {
            self.by_leader.entry(leader).or_default().partitions.insert(id.clone());
        }
    }
}

impl Broker {
    /// A replica's part may have changed, or it is gone: its partition moves to the fetcher of the leader that it follows
    /// now. Kafka's `addFetcherForPartitions` and `removeFetcherForPartitions`.
    pub(crate) fn assign_fetcher(&mut self, id: &TopicPartition) {
        let follows = self.replicas.get(id).filter(|replica| replica.follower().is_some());
        self.fetchers.assign(id, follows.and_then(|replica| replica.state.leader));
    }

    /// The partitions that follow `leader`, of all that this broker hosts.
    fn following(&self, leader: BrokerId) -> impl Iterator<Item = (&TopicPartition, &Arc<Replica>, Phase)> {
        let partitions = self.fetchers.by_leader.get(&leader).into_iter().flat_map(|fetcher| &fetcher.partitions);
        partitions.filter_map(move |id| {
            let replica = self.replicas.get(id)?;
            let phase = replica.follower()?.phase;
            debug_assert_eq!(replica.state.leader, Some(leader), "{id} is with the wrong fetcher");
            Some((id, replica, phase))
        })
    }

    /// Something may be to be fetched from `leader`: begins a round unless one is under way.
    pub(super) fn fetch_from(&mut self, leader: BrokerId, ctx: &mut Context<'_>) {
        let fetcher = self.fetchers.by_leader.entry(leader).or_default();
        fetcher.backing_off = None;
        if fetcher.in_flight.is_some() {
            return;
        }
        fetcher.delayed.retain(|_, until| *until > ctx.now.lab);
        if let Some((version, request)) = self.next_round(leader) {
            let id = self.ask(leader, Lane::FETCHER, version, request, ctx);
            if let Some(fetcher) = self.fetchers.by_leader.get_mut(&leader) {
                fetcher.in_flight = Some(id);
            }
        } else if self.following(leader).next().is_some() {
            self.back_off_from(leader, ctx);
        }
    }

    /// Leaves a partition out for a while: its leader answered with an error.
    fn delay(&mut self, id: TopicPartition, leader: BrokerId, ctx: &Context<'_>) {
        let until = ctx.now.lab + millis(self.settings().replica_fetch_backoff_ms);
        self.fetchers.by_leader.entry(leader).or_default().delayed.insert(id, until);
    }

    fn is_delayed(&self, id: &TopicPartition, leader: BrokerId) -> bool {
        self.fetchers.by_leader.get(&leader).is_some_and(|fetcher| fetcher.delayed.contains_key(id))
    }

    /// A partition follows `leader` from now on. A round that only waits for news need not be waited for: the leader
    /// answers it within `replica.fetch.wait.max.ms`, and the next one takes the partition in.
    pub(super) fn wake_fetcher(&mut self, leader: BrokerId, ctx: &mut Context<'_>) {
        if let Some(fetcher) = self.fetchers.by_leader.get_mut(&leader) {
            // What was wrong may be right now.
            fetcher.delayed.clear();
            if let Some(timer) = fetcher.backing_off.take() {
                ctx.cancel(timer);
            }
        }
        self.fetch_from(leader, ctx);
    }

    fn next_round(&self, leader: BrokerId) -> Option<(i16, Request)> {
        let in_phase = |wanted: Phase| {
            let mut topics: BTreeMap<Arc<str>, Vec<(i32, &Arc<Replica>)>> = BTreeMap::new();
            let ready =
                self.following(leader).filter(|(id, _, phase)| *phase == wanted && !self.is_delayed(id, leader));
            for (id, replica, _) in ready {
                topics.entry(Arc::clone(&id.topic)).or_default().push((id.partition, replica));
            }
            topics
        };
        let truncating = in_phase(Phase::Truncating);
        if !truncating.is_empty() {
            return Some((EPOCH_VERSION, self.ask_epochs(truncating)));
        }
        let resetting = in_phase(Phase::Resetting);
        if !resetting.is_empty() {
            return Some((LIST_OFFSETS_VERSION, self.ask_starts(resetting)));
        }
        let fetching = in_phase(Phase::Fetching);
        (!fetching.is_empty()).then(|| (FETCH_VERSION, self.ask_records(fetching)))
    }

    fn ask_epochs(&self, topics: BTreeMap<Arc<str>, Vec<(i32, &Arc<Replica>)>>) -> Request {
        let partition = |(partition, replica): (i32, &Arc<Replica>)| OffsetForLeaderPartition {
            partition,
            current_leader_epoch: replica.state.leader_epoch,
            leader_epoch: replica.log.latest_epoch().unwrap_or(-1),
        };
        let topics = topics
            .into_iter()
            .map(|(topic, partitions)| OffsetForLeaderTopic {
                topic,
                partitions: partitions.into_iter().map(partition).collect(),
            })
            .collect();
        OffsetForLeaderEpochRequest { replica_id: self.id.0, topics }.into()
    }

    fn ask_starts(&self, topics: BTreeMap<Arc<str>, Vec<(i32, &Arc<Replica>)>>) -> Request {
        let partition = |(partition_index, replica): (i32, &Arc<Replica>)| ListOffsetsPartition {
            partition_index,
            current_leader_epoch: replica.state.leader_epoch,
            timestamp: timestamp::EARLIEST,
        };
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| ListOffsetsTopic {
                name,
                partitions: partitions.into_iter().map(partition).collect(),
            })
            .collect();
        ListOffsetsRequest { replica_id: self.id.0, topics, ..ListOffsetsRequest::default() }.into()
    }

    fn ask_records(&self, topics: BTreeMap<Arc<str>, Vec<(i32, &Arc<Replica>)>>) -> Request {
        let settings = self.settings();
        let partition = |(partition, replica): (i32, &Arc<Replica>)| FetchPartition {
            partition,
            current_leader_epoch: replica.state.leader_epoch,
            fetch_offset: replica.log.log_end_offset(),
            log_start_offset: replica.log.log_start_offset(),
            partition_max_bytes: settings.replica_fetch_max_bytes,
            ..FetchPartition::default()
        };
        let topics = topics
            .into_iter()
            .map(|(topic, partitions)| FetchTopic {
                topic_id: partitions.first().map_or(uuid::Uuid::nil(), |(_, replica)| replica.topic_id),
                topic,
                partitions: partitions.into_iter().map(partition).collect(),
            })
            .collect();
        FetchRequest {
            replica_state: ReplicaState { replica_id: self.id.0, replica_epoch: self.epoch.unwrap_or(-1) },
            max_wait_ms: settings.replica_fetch_wait_max_ms,
            min_bytes: settings.replica_fetch_min_bytes,
            max_bytes: settings.replica_fetch_response_max_bytes,
            topics,
            ..FetchRequest::default()
        }
        .into()
    }

    /// A leader answered.
    pub(super) fn on_fetched(&mut self, leader: BrokerId, correlation: Id, response: Response, ctx: &mut Context<'_>) {
        let Some(fetcher) = self.fetchers.by_leader.get_mut(&leader) else { return };
        if fetcher.in_flight.take_if(|id| *id == correlation).is_none() {
            return;
        }
        match response {
            Response::OffsetForLeaderEpoch(answer) => self.take_epochs(leader, &answer, ctx),
            Response::ListOffsets(answer) => self.take_starts(leader, &answer, ctx),
            Response::Fetch(answer) if answer.error_code.is_ok() => self.take_records(leader, answer, ctx),
            _ => return self.back_off_from(leader, ctx),
        }
        // The next round is routine: what it brings has causes of its own.
        ctx.because(Cause::default(), |ctx| self.fetch_from(leader, ctx));
    }

    /// The connection to a leader is gone, or it cannot be reached.
    pub(super) fn fetcher_closed(&mut self, leader: BrokerId, ctx: &mut Context<'_>) {
        let Some(fetcher) = self.fetchers.by_leader.get_mut(&leader) else { return };
        if fetcher.in_flight.take().is_some() {
            self.back_off_from(leader, ctx);
        }
    }

    fn back_off_from(&mut self, leader: BrokerId, ctx: &mut Context<'_>) {
        let wait = millis(self.settings().replica_fetch_backoff_ms);
        if self.following(leader).next().is_none() {
            return;
        }
        let timer = ctx.routine(wait, Self::timer(BrokerTimer::Fetch(leader)));
        self.fetchers.by_leader.entry(leader).or_default().backing_off = Some(timer);
    }

    /// The follower of `leader` in `phase`, to change it; `None` where the controller has spoken since.
    fn follower_of(&mut self, id: &TopicPartition, leader: BrokerId, phase: Phase) -> Option<&mut Replica> {
        self.replica_mut(id).filter(|replica| {
            replica.state.leader == Some(leader) && replica.follower().is_some_and(|follower| follower.phase == phase)
        })
    }

    fn enter(&mut self, id: &TopicPartition, phase: Phase) {
        if let Some(Role::Follower(follower)) = self.replica_mut(id).map(|replica| &mut replica.role) {
            follower.phase = phase;
        }
    }

    fn take_epochs(&mut self, leader: BrokerId, answer: &OffsetForLeaderEpochResponse, ctx: &mut Context<'_>) {
        for (topic, end) in answer.topics.iter().flat_map(|t| t.partitions.iter().map(|end| (&t.topic, end))) {
            let id = TopicPartition::new(Arc::clone(topic), end.partition);
            if !end.error_code.is_ok() {
                self.delay(id, leader, ctx);
                continue;
            }
            let Some(replica) = self.follower_of(&id, leader, Phase::Truncating) else { continue };
            let before = replica.log.log_end_offset();
            let cut = if replica.log.latest_epoch().is_none() {
                // An empty log, or one without epochs: nothing that the leader could lack.
                None
            } else {
                let told = (end.leader_epoch, end.end_offset);
                match truncate_by_epoch(&mut replica.log, replica.high_watermark, told, ctx.storage(&id)) {
                    Ok(cut) => Some(cut),
                    Err(error) => {
                        self.log_dir_failed(&error, ctx);
                        return;
                    }
                }
            };
            replica.high_watermark = replica.high_watermark.min(replica.log.log_end_offset());
            let complete = cut.is_none_or(|cut| cut.complete);
            if let Some(cut) = cut.filter(|cut| cut.records > 0) {
                let (from, epoch) = (cut.to, end.leader_epoch);
                ctx.note(EventKind::Broker(BrokerEvent::Truncated {
                    partition: id.clone(),
                    from,
                    to: before,
                    leader,
                    epoch,
                }));
            }
            if complete {
                self.enter(&id, Phase::Fetching);
            }
            self.cold.forget(&id);
            self.touch(&id);
        }
    }

    fn take_starts(&mut self, leader: BrokerId, answer: &ListOffsetsResponse, ctx: &mut Context<'_>) {
        for (topic, start) in answer.topics.iter().flat_map(|t| t.partitions.iter().map(|p| (&t.name, p))) {
            let id = TopicPartition::new(Arc::clone(topic), start.partition_index);
            if !start.error_code.is_ok() {
                self.delay(id, leader, ctx);
                continue;
            }
            let Some(replica) = self.follower_of(&id, leader, Phase::Resetting) else { continue };
            if start.offset > replica.log.log_end_offset() {
                // The leader no longer has what comes after our log: begin anew where it begins.
                if let Err(error) = replica.log.truncate_fully_and_start_at(start.offset, ctx.storage(&id)) {
                    self.log_dir_failed(&error, ctx);
                    return;
                }
                replica.high_watermark = start.offset;
                self.cold.forget(&id);
                ctx.note(EventKind::Broker(BrokerEvent::StartedAnew {
                    partition: id.clone(),
                    at: start.offset,
                    leader,
                }));
                self.enter(&id, Phase::Fetching);
            } else {
                // Ours is longer than the leader's: cut by epoch.
                self.enter(&id, Phase::Truncating);
            }
            self.touch(&id);
        }
    }

    fn take_records(&mut self, leader: BrokerId, answer: FetchResponse, ctx: &mut Context<'_>) {
        for topic in answer.responses {
            let Some(name) = self.topic_of(leader, topic.topic_id) else { continue };
            for data in topic.partitions {
                let id = TopicPartition::new(Arc::clone(&name), data.partition_index);
                if self.take_partition(&id, leader, data, ctx) {
                    self.delay(id, leader, ctx);
                }
            }
        }
    }

    /// The name of a topic that is followed from `leader`, by its id.
    fn topic_of(&self, leader: BrokerId, topic_id: uuid::Uuid) -> Option<Arc<str>> {
        if let Some(name) = self.metadata.name_of(topic_id) {
            return Some(Arc::clone(name));
        }
        self.following(leader)
            .find(|(_, replica, _)| replica.topic_id == topic_id)
            .map(|(id, ..)| Arc::clone(&id.topic))
    }

    /// Takes what a leader sent of one partition. Returns whether it went wrong, so that the partition sits out.
    fn take_partition(
        &mut self,
        id: &TopicPartition,
        leader: BrokerId,
        data: PartitionData,
        ctx: &mut Context<'_>,
    ) -> bool {
        let Some(replica) = self.follower_of(id, leader, Phase::Fetching) else { return false };
        match data.error_code {
            ErrorCode::NONE => {}
            ErrorCode::OFFSET_OUT_OF_RANGE => {
                self.enter(id, Phase::Resetting);
                return false;
            }
            // An epoch that one of the two has not heard of, a leader that moved: the next LeaderAndIsr settles it.
            _ => return true,
        }
        let (mut moved, mut appended) = (false, false);
        if let Some(records) = data.records.filter(|records| !records.is_empty()) {
            match replica.log.append_as_follower(&records, ctx.storage(id)) {
                Ok(_) => (moved, appended) = (true, true),
                Err(AppendError::Storage(error)) => {
                    self.log_dir_failed(&error, ctx);
                    return true;
                }
                Err(error) => {
                    let reason = error.to_string();
                    ctx.note(EventKind::Broker(BrokerEvent::ReplicaFailed { partition: id.clone(), reason }));
                    return true;
                }
            }
        }
        let behind = data.high_watermark - replica.log.log_end_offset();
        moved |= replica.follow_high_watermark(data.high_watermark);
        if let Role::Follower(follower) = &mut replica.role {
            let most = if behind <= 0 { 0 } else { follower.behind_at_most.max(behind) };
            moved |= std::mem::replace(&mut follower.behind_at_most, most) != most;
        }
        if data.log_start_offset > replica.log.log_start_offset() {
            if let Err(error) = replica.log.advance_log_start(data.log_start_offset, ctx.storage(id)) {
                self.log_dir_failed(&error, ctx);
                return true;
            }
            moved = true;
        }
        if appended {
            self.note_arrival(id, ctx);
        }
        if moved {
            self.touch(id);
        }
        false
    }
}

//! Consumer groups: as their coordinators have them, with what one look cannot tell. What changed with each generation
//! comes from events; who read a partition when comes from looking at the built-in members' positions. Of members outside
//! the lab only the commits are seen.
//!
//! A group whose coordinator is dead, or reads its log, stays as it was seen last, and says so.

mod consumers;
mod deliveries;
mod history;
mod lanes;
mod members;
mod partitions;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::topics;
use crate::engine::client::{Client, Consumer};
use crate::engine::cluster::Cluster;
use crate::engine::context::{Id, TimerId};
use crate::engine::event::{ClientEvent, EventKind, GroupEvent};
use crate::engine::group::classic::{ClassicGroup, State};
use crate::engine::group::shard::Phase;
use crate::engine::group::{Group as Coordinated, Kind};
use crate::engine::node::{ClientId, NodeId};
use crate::engine::runtime::ClockView;
use crate::engine::time::{Clock, Now};
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::consumer_protocol::ConsumerProtocolSubscription;
use crate::session::snapshot::{
    Call, Group, GroupKind, GroupKnown, GroupPartition, GroupState, Session, Snapshot, TopicPartition,
};
use deliveries::Books;
use history::History;
use lanes::Lanes;
use tags::Tags;

/// The groups of a snapshot.
pub(super) type Shared = BTreeMap<Arc<str>, Arc<Group>>;

/// What is remembered of one group.
#[derive(Default)]
struct Remembered {
    tags: Tags,
    history: History,
    lanes: Lanes,
    books: Books,
    /// Partitions that lost their leader, and have not been read since: no rebalance stopped them.
    adrift: BTreeSet<TopicPartition>,
    shown: Arc<Group>,
}

/// What is remembered of all.
#[derive(Default)]
pub(super) struct Groups {
    /// The newest event that was looked at.
    newest: Id,
    by_id: BTreeMap<Arc<str>, Remembered>,
}

/// A group at its coordinator.
struct At<'a> {
    broker: i32,
    partition: i32,
    group: &'a Coordinated,
}

/// What all groups are looked at with.
struct Look<'a> {
    cluster: &'a Cluster,
    topics: &'a topics::Shared,
    now: Now,
    /// How much lab time a cell of a lane stands for, in microseconds.
    cell_us: u64,
    /// Built-in members by member id, with whether their process lives.
    built_in: BTreeMap<&'a str, (&'a Consumer, bool)>,
}

impl Look<'_> {
    /// Lab time at the end of the cell that it is now, in microseconds.
    fn lanes_to_us(&self) -> u64 {
        (self.now.lab.0 / self.cell_us + 1).saturating_mul(self.cell_us)
    }
}

impl Groups {
    /// The groups as they are now, and how many more there are.
    pub(super) fn project(&mut self, cluster: &Cluster, clock: &ClockView, topics: &topics::Shared) -> (Shared, u32) {
        self.read_events(cluster);
        let cell_us = lanes::cell_us(clock.rate_ppm);
        let look = Look { cluster, topics, now: clock.now, cell_us, built_in: built_in(cluster) };
        let (found, phases) = coordinated(&look);
        let more = found.len().saturating_sub(Snapshot::MAX_GROUPS);
        let clients = deliveries::members(&look);
        for (id, at) in found.iter().take(Snapshot::MAX_GROUPS) {
            let remembered = self.by_id.entry(Arc::clone(id)).or_default();
            let clients = (clients.get(id).map_or(&[][..], Vec::as_slice), cluster.departed(id));
            remembered.shown = Arc::new(remembered.show(at, clients, &look));
        }
        self.by_id.retain(|id, remembered| {
            // An active coordinator that does not know it: it was deleted.
            found.contains_key(id) || phases.get(&remembered.shown.offsets_partition) != Some(&true)
        });
        for (_, remembered) in self.by_id.iter_mut().filter(|(id, _)| !found.contains_key(*id)) {
            remembered.age(phases.contains_key(&remembered.shown.offsets_partition), &look);
        }
        let shown = self.by_id.iter().filter(|(_, remembered)| !remembered.shown.id.is_empty());
        let shown = shown.map(|(id, remembered)| (Arc::clone(id), Arc::clone(&remembered.shown)));
        (shown.take(Snapshot::MAX_GROUPS).collect(), u32::try_from(more).unwrap_or(u32::MAX))
    }

    /// Takes up what happened since the last look.
    fn read_events(&mut self, cluster: &Cluster) {
        for event in cluster.events().after(self.newest) {
            self.newest = event.id;
            if let (EventKind::Client(told), NodeId::Client(id)) = (&event.kind, event.node) {
                self.read_client(cluster, id, told, event.at.0);
            }
            let EventKind::Group(told) = &event.kind else { continue };
            match told {
                GroupEvent::Removed { group } => drop(self.by_id.remove(group)),
                told => {
                    let Some(group) = told.group() else { continue };
                    if self.by_id.len() < Snapshot::MAX_GROUPS || self.by_id.contains_key(group) {
                        let remembered = self.by_id.entry(Arc::clone(group)).or_default();
                        remembered.history.take(told, (event.id, event.at.0), &mut remembered.tags);
                    }
                }
            }
        }
    }
}

impl Groups {
    /// A member's own event: it gave up partitions, or got some.
    fn read_client(&mut self, cluster: &Cluster, id: ClientId, told: &ClientEvent, at_us: u64) {
        let client = cluster.clients().find(|(known, _)| *known == id).map(|(_, client)| client);
        let member = client.and_then(Client::as_consumer).and_then(Consumer::membership);
        let Some(member) = member else { return };
        let Some(known) = self.by_id.get_mut(&member.spec().id) else { return };
        known.history.changed_hands(told, at_us);
        if let (ClientEvent::PollTooLate { .. }, Some(client)) = (told, client) {
            let name = member.spec().instance_id.as_ref().unwrap_or(client.name());
            known.history.fell_behind(known.tags.named(name));
        }
    }
}

/// The groups at their coordinators, and of each partition of `__consumer_offsets` that somebody coordinates whether it is
/// read. A broker that was cut off may still think that it coordinates: who leads the partition by ZooKeeper is right.
fn coordinated<'a>(look: &Look<'a>) -> (BTreeMap<Arc<str>, At<'a>>, BTreeMap<i32, bool>) {
    let (mut found, mut phases) = (BTreeMap::new(), BTreeMap::new());
    let offsets = look.topics.get(CONSUMER_OFFSETS);
    let leader = |partition: i32| offsets?.partitions.iter().find(|known| known.id == partition)?.recorded_leader;
    for (id, node) in look.cluster.brokers() {
        for (partition, shard) in node.running().into_iter().flat_map(|broker| broker.groups().shards()) {
            if leader(partition).is_some_and(|leader| leader != id.0) {
                continue;
            }
            let active = shard.phase == Phase::Active;
            phases.insert(partition, active);
            for group in shard.groups().filter(|_| active) {
                found.insert(Arc::clone(&group.id), At { broker: id.0, partition, group: group.as_ref() });
            }
        }
    }
    (found, phases)
}

fn built_in(cluster: &Cluster) -> BTreeMap<&str, (&Consumer, bool)> {
    let consumers = cluster.clients().filter_map(|(_, client)| Some((client.as_consumer()?, client.runs())));
    let members = consumers.filter_map(|(consumer, runs)| Some((consumer.membership()?.id(), consumer, runs)));
    members.filter(|(id, ..)| !id.is_empty()).map(|(id, consumer, runs)| (id.as_ref(), (consumer, runs))).collect()
}

impl Remembered {
    /// The group as it is now.
    fn show(&mut self, at: &At<'_>, clients: deliveries::Members<'_>, look: &Look<'_>) -> Group {
        let lab_us = look.now.lab.0;
        let protocol = self.protocol(at.group, look);
        let members = match &at.group.kind {
            Kind::Classic(classic) => {
                self.tags.settle(classic.members().map(|(id, member)| (id, &*member.client_id)));
                members::all(classic, &self.history, &self.tags, look)
            }
            Kind::Consumer(group) => {
                self.tags.settle(group.image().members().map(|(id, member)| (id, &*member.profile.client_id)));
                consumers::all(group, &self.history, &self.tags, look)
            }
        };
        let topics = topics_of(at.group);
        let partitions = partitions::all(at.group, &topics, (&members, protocol.cooperative), &mut self.lanes, look);
        if !members.is_empty() {
            self.follow_leaders(&partitions, look);
            let stopped = unread(&partitions).filter(|(at, _)| !self.adrift.contains(at));
            self.history.note_stops(stopped, lab_us);
        }
        let deliveries = self.books.look(clients, &partitions, &self.tags, look);
        self.history.note_deliveries(&deliveries);
        let (lag, behind) =
            (partitions.iter().filter_map(|at| at.lag).sum(), partitions.iter().map(|at| at.behind).sum());
        let (trend, lags) = self.lanes.total(lab_us, behind);
        let moving = protocol.state.is_moving();
        Group {
            id: Arc::clone(&at.group.id),
            known: GroupKnown::Now,
            protocol_type: at.group.protocol_type(),
            coordinator: Some(at.broker),
            offsets_partition: at.partition,
            rebalance: self.history.under_way().filter(|_| moving),
            member_count: count(members.len()),
            partition_count: count(partitions.len()),
            stuck: members::stuck(clients.0, &self.tags),
            missing: partitions::missing(at.group, &topics, &self.history.shared(), look),
            topics: topics.into_iter().collect(),
            lag,
            lag_trend_per_sec: trend,
            lags,
            read_per_sec: partitions.iter().map(|partition| partition.read_per_sec).sum(),
            deliveries,
            lanes_to_us: look.lanes_to_us(),
            lane_cell_us: look.cell_us,
            history: self.history.shared(),
            partitions: bounded(partitions, Group::MAX_PARTITIONS),
            members: bounded(members, Group::MAX_MEMBERS),
            ..protocol
        }
    }

    /// Takes down which partitions have no leader to read from.
    fn follow_leaders(&mut self, partitions: &[GroupPartition], look: &Look<'_>) {
        for partition in partitions {
            let known = look.topics.get(&partition.at.topic).and_then(|topic| {
                // They are in the order of their numbers.
                let at = topic.partitions.binary_search_by_key(&partition.at.partition, |known| known.id);
                topic.partitions.get(at.ok()?)
            });
            if known.is_some_and(|known| known.leader.is_none()) {
                self.adrift.insert(partition.at.clone());
            } else if partition.reader.is_some() {
                self.adrift.remove(&partition.at);
            }
        }
        self.adrift.retain(|at| partitions.binary_search_by(|partition| partition.at.cmp(at)).is_ok());
    }

    /// The group as far as its protocol says it.
    fn protocol(&mut self, group: &Coordinated, look: &Look<'_>) -> Group {
        match &group.kind {
            Kind::Classic(classic) => {
                self.history.catch_up(classic);
                Group {
                    kind: GroupKind::Classic,
                    state: state_of(classic.state()),
                    since_us: lab_us_of(classic.since_ms(), look.now),
                    assignor: classic.protocol().cloned(),
                    cooperative: members::are_cooperative(classic),
                    generation: classic.generation(),
                    call: classic.call_ends().map(|ends| call(classic, ends, look.now)),
                    ..Group::default()
                }
            }
            Kind::Consumer(group) => {
                self.history.catch_up_to(group.image().target_epoch, || consumers::target(group));
                let state = consumers::state(group);
                if state == GroupState::Stable {
                    self.history.settle();
                }
                Group {
                    kind: GroupKind::Consumer,
                    state,
                    since_us: self.history.newest_us(),
                    assignor: self.history.assignor(),
                    cooperative: true,
                    generation: group.image().epoch,
                    ..Group::default()
                }
            }
        }
    }

    /// Nobody serves the group: it stays as it was, while time goes on.
    fn age(&mut self, loading: bool, look: &Look<'_>) {
        let known = if loading { GroupKnown::Loading } else { GroupKnown::Last };
        let mut partitions = self.shown.partitions.clone();
        let reading = members::reading(&self.shown, look);
        for partition in &mut partitions {
            self.lanes.go_on(partition, reading.get(&partition.at), look);
        }
        let shown = Arc::make_mut(&mut self.shown);
        (shown.known, shown.partitions) = (known, partitions);
        (shown.lanes_to_us, shown.lane_cell_us) = (look.lanes_to_us(), look.cell_us);
        (shown.coordinator, shown.call) = (None, None);
    }
}

fn call(classic: &ClassicGroup, ends: TimerId, now: Now) -> Call {
    let left = ends.at.since(now.on(ends.clock));
    Call {
        ends_in_ms: whole_ms(left),
        of_ms: whole_ms(classic.call_wait()),
        outside: ends.clock == Clock::Outside,
        initial: classic.waits_for_first(),
    }
}

/// How long a member may still be silent.
fn session((ends, timeout): (TimerId, Duration), now: Now) -> Session {
    let ends_in_ms = whole_ms(ends.at.since(now.on(ends.clock)));
    Session { ends_in_ms, of_ms: whole_ms(timeout), outside: ends.clock == Clock::Outside }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const fn state_of(state: State) -> GroupState {
    match state {
        State::Empty => GroupState::Empty,
        State::PreparingRebalance => GroupState::PreparingRebalance,
        State::CompletingRebalance => GroupState::CompletingRebalance,
        State::Stable => GroupState::Stable,
    }
}

/// The topics that the members want to read, and those that have offsets.
fn topics_of(group: &Coordinated) -> BTreeSet<Arc<str>> {
    let mut topics: BTreeSet<Arc<str>> = group.offsets.iter().map(|(id, _)| Arc::clone(&id.topic)).collect();
    topics.extend(group.consumer().into_iter().flat_map(consumers::topics));
    if let Some(classic) = group.classic().filter(|classic| classic.is_of_consumers()) {
        for (_, member) in classic.members() {
            let wanted = member.protocols.first().map(|protocol| &protocol.metadata);
            let wanted = wanted.and_then(|bytes| ConsumerProtocolSubscription::from_bytes(bytes).ok());
            topics.extend(wanted.into_iter().flat_map(|wanted| wanted.topics));
        }
    }
    topics
}

/// A date as lab time, in microseconds.
fn lab_us_of(date_ms: i64, now: Now) -> u64 {
    u64::try_from(date_ms.saturating_sub(now.epoch_ms)).unwrap_or(0).saturating_mul(1_000)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn bounded<T>(mut all: Vec<T>, most: usize) -> Vec<T> {
    all.truncate(most);
    all
}

/// The partitions of an assignment, as snapshots name them.
fn partitions_of<'a>(ids: impl IntoIterator<Item = &'a crate::engine::replica::TopicPartition>) -> Vec<TopicPartition> {
    ids.into_iter().map(|id| TopicPartition { topic: Arc::clone(&id.topic), partition: id.partition }).collect()
}

/// Those that are read by nobody now, as far as that is seen.
fn unread(partitions: &[GroupPartition]) -> impl Iterator<Item = (&TopicPartition, u64)> {
    partitions.iter().filter_map(|partition| Some((&partition.at, partition.unread_ms?)))
}

//! A group, the log that it writes, and the clock. What it writes is kept at once, unless the log refuses it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::super::{ConsumerGroup, Image, Partitions};
use crate::engine::broker::BrokerTimer;
use crate::engine::broker::connection::{Origin, Peer};
use crate::engine::broker::metadata::{MetadataCache, PartitionMeta, TopicMeta};
use crate::engine::context::{Cause, Context, Effect, Id, Timer};
use crate::engine::event::{EventKind, GroupEvent};
use crate::engine::group::LAB_HOST;
use crate::engine::group::pattern::Pattern;
use crate::engine::group::{Caller, Desk, Group, Kept, Wish};
use crate::engine::log::InMemory;
use crate::engine::message::Lane;
use crate::engine::node::{BrokerId, ClientId, NodeId};
use crate::engine::rng::Rng;
use crate::engine::settings::Settings;
use crate::engine::time::{Clock, Now};
use crate::engine::timers::{Pending, Timers};
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::consumer_group_heartbeat::TopicPartitions;
use crate::protocol::group_records::GroupRecord;
use crate::protocol::{
    ConsumerGroupHeartbeatRequest as Request, ConsumerGroupHeartbeatResponse as Answer, ErrorCode, Response,
};

const COORDINATOR: NodeId = NodeId::Broker(BrokerId(1));

/// What a group is let do. Boxed where it may lead to more of the same.
type Work = Box<dyn FnOnce(&mut Group, &mut Desk<'_, '_>)>;

pub(super) struct World {
    now: Now,
    rng: Rng,
    ids: Id,
    timers: Timers,
    pub(super) settings: Settings,
    metadata: Arc<MetadataCache>,
    pub(super) group: Group,
    /// What it has written.
    pub(super) log: Vec<GroupRecord>,
    /// The group as another coordinator finds it in the log.
    shadow: Group,
    pub(super) answers: BTreeMap<Id, Response>,
    pub(super) events: Vec<GroupEvent>,
    /// What the log says to whatever is to be written, if it refuses it.
    pub(super) refuses: Option<ErrorCode>,
}

impl World {
    /// A group without members, and topics with so many partitions.
    pub(super) fn new(topics: &[(&str, i32)]) -> Self {
        let mut world = Self {
            now: Now { epoch_ms: 1_700_000_000_000, ..Now::default() },
            rng: Rng::split(7, "group"),
            ids: 0,
            timers: Timers::default(),
            settings: Settings::lab(),
            metadata: Arc::default(),
            group: Group::new("g".into(), 0),
            log: Vec::new(),
            shadow: Group::new("g".into(), 0),
            answers: BTreeMap::new(),
            events: Vec::new(),
            refuses: None,
        };
        world.topic(CONSUMER_OFFSETS, 1);
        for (topic, partitions) in topics {
            world.topic(topic, *partitions);
        }
        world
    }

    /// A topic has so many partitions from now on; with none it is deleted.
    pub(super) fn topic(&mut self, name: &str, partitions: i32) {
        let topics = &mut Arc::make_mut(&mut self.metadata).topics;
        let known = topics.remove(name);
        if partitions > 0 {
            let id = known.map_or_else(|| self.rng.uuid(), |known| known.id);
            let partitions = (0..partitions).map(|partition| (partition, PartitionMeta::default())).collect();
            topics.insert(name.into(), Arc::new(TopicMeta { id, partitions }));
        }
    }

    pub(super) fn id_of(&self, topic: &str) -> Uuid {
        self.metadata.id_of(topic)
    }

    /// The topics whose names are like a pattern.
    pub(super) fn like(&self, pattern: &str) -> Vec<Arc<str>> {
        let pattern = Pattern::compile(pattern).unwrap();
        self.metadata.topics.keys().filter(|name| pattern.matches(name)).cloned().collect()
    }

    /// All partitions that there are of some topics.
    pub(super) fn all(&self, topics: &BTreeSet<Arc<str>>) -> Partitions {
        let of = |name| self.metadata.topics.get(name).into_iter();
        let each = |meta: &Arc<TopicMeta>| meta.partitions.keys().map(|p| (meta.id, *p)).collect::<Vec<_>>();
        topics.iter().flat_map(of).flat_map(each).collect()
    }

    /// Lets the group work, and keeps what it writes.
    pub(super) fn act<T>(&mut self, work: impl FnOnce(&mut Group, &mut Desk<'_, '_>) -> T) -> T {
        let mut effects = Vec::new();
        let mut ctx = Context {
            now: self.now,
            node: COORDINATOR,
            clock: Clock::Lab,
            cause: Cause::default(),
            rng: &mut self.rng,
            ids: &mut self.ids,
            effects: &mut effects,
            disks: &mut InMemory,
        };
        let group = Arc::clone(&self.group.id);
        let metadata = Arc::clone(&self.metadata);
        let mut desk =
            Desk { ctx: &mut ctx, settings: &self.settings, metadata, partition: 0, group, wishes: Vec::new() };
        let done = work(&mut self.group, &mut desk);
        let wishes = desk.wishes;
        for effect in effects {
            match effect {
                Effect::Timer { id, timer, cause } => self.timers.set(id, Pending { node: COORDINATOR, timer, cause }),
                Effect::Cancel(id) => self.timers.cancel(id),
                Effect::Event { kind: EventKind::Group(event), .. } => self.events.push(event),
                _ => {}
            }
        }
        for wish in wishes {
            match wish {
                Wish::Reply(origin, response) => drop(self.answers.insert(origin.correlation, response)),
                Wish::Write(write) => {
                    let refuses = self.refuses.filter(|_| !write.records.is_empty());
                    if refuses.is_none() {
                        self.append(write.records);
                    }
                    self.settle(write.then, refuses.map_or(Ok(()), Err));
                }
            }
        }
        done
    }

    fn settle(&mut self, then: Kept, outcome: Result<(), ErrorCode>) {
        let work: Work = Box::new(move |group, desk| group.kept(then, outcome, desk));
        self.act(work);
    }

    /// A heartbeat, and what comes of it.
    pub(super) fn beat(&mut self, request: &Request) -> Answer {
        self.ids += 1;
        let correlation = self.ids;
        let peer = Peer::Node(NodeId::Client(ClientId(1)), Lane::GROUP);
        let client_id = format!("client-of-{}", request.member_id).into();
        let caller = Caller { origin: Origin { peer, correlation, version: 0, client_id }, host: LAB_HOST.into() };
        let done = self.act(|group, desk| group.heartbeat(request, caller, desk));
        if let Err(error_code) = done {
            return Answer { error_code, ..Answer::default() };
        }
        match self.answers.remove(&correlation) {
            Some(Response::ConsumerGroupHeartbeat(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now.lab + time;
        while self.timers.next(Clock::Lab).is_some_and(|(at, _)| at <= until) {
            let Some((id, pending)) = self.timers.take(Clock::Lab) else { break };
            self.now.lab = id.at;
            if let Timer::Broker(BrokerTimer::Group(timer)) = pending.timer {
                self.act(|group, desk| group.on_timer(&timer.kind, desk));
            }
        }
        self.now.lab = until;
    }

    pub(super) fn timers(&self) -> usize {
        self.timers.len()
    }

    pub(super) fn consumer(&self) -> &ConsumerGroup {
        self.group.consumer().expect("a group of KIP-848")
    }

    fn append(&mut self, records: Vec<GroupRecord>) {
        for record in records {
            let (key, value) = record.encode();
            self.shadow.replay(GroupRecord::decode(&key, value.as_ref()).unwrap(), 0);
            self.log.push(record);
        }
    }

    /// The group as another coordinator finds it in the log.
    pub(super) fn replayed(&self) -> &Group {
        &self.shadow
    }

    /// The coordinator goes, and another one reads the log.
    pub(super) fn fail_over(&mut self) {
        self.act(Group::unload);
        assert_eq!(self.timers(), 0, "it takes its timers with it");
        self.group = self.shadow.clone();
        self.act(Group::resume);
    }

    /// The image is what the log says, and nobody's partition is somebody else's.
    pub(super) fn check(&self) {
        let none = Image::default();
        let image = |group: &Group| group.consumer().map_or_else(|| none.clone(), |consumer| consumer.image().clone());
        assert_eq!(image(&self.group), image(&self.shadow), "the log says what is");
        let mut seen = BTreeMap::new();
        let now = image(&self.group);
        for (id, member) in now.members() {
            for partition in member.assigned.iter().chain(&member.pending_revocation) {
                assert_eq!(seen.insert(*partition, Arc::clone(id)), None, "{partition:?} has two owners");
                assert_eq!(now.owner(partition), Some(id));
            }
        }
    }
}

/// A member as Java's: it says all there is to say when it joins and after an error, and then only what has changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    pub(super) id: Arc<str>,
    pub(super) instance: Option<Arc<str>>,
    pub(super) topics: BTreeSet<Arc<str>>,
    pub(super) pattern: Option<Arc<str>>,
    pub(super) assignor: Option<Arc<str>>,
    pub(super) epoch: i32,
    /// What it reads.
    pub(super) owned: Partitions,
    /// What it was told to own.
    pub(super) told: Partitions,
    /// What it has said that it owns.
    pub(super) said: Option<Partitions>,
}

impl Client {
    pub(super) fn new(id: &str, topics: &[&str]) -> Self {
        Self { id: id.into(), topics: topics.iter().map(|topic| Arc::from(*topic)).collect(), ..Self::default() }
    }

    pub(super) fn request(&self) -> Request {
        let full = self.epoch == 0 || self.said.is_none();
        let owns = full || self.said.as_ref() != Some(&self.owned);
        Request {
            group_id: "g".into(),
            member_id: Arc::clone(&self.id),
            member_epoch: self.epoch,
            instance_id: self.instance.clone(),
            rebalance_timeout_ms: if full { 10_000 } else { -1 },
            subscribed_topic_names: full.then(|| self.topics.iter().cloned().collect()),
            subscribed_topic_regex: self.pattern.clone().filter(|_| full),
            server_assignor: self.assignor.clone().filter(|_| full),
            topic_partitions: owns.then(|| by_topic(&self.owned)),
            ..Request::default()
        }
    }

    /// Takes up an answer; without one it says everything again next time, and takes up nothing that it was told before:
    /// the coordinator may have heard that it does not own it.
    pub(super) fn hear(&mut self, answer: Option<&Answer>) {
        let Some(answer) = answer else {
            (self.said, self.told) = (None, self.owned.clone());
            return;
        };
        if answer.error_code.is_error() {
            if !matches!(answer.error_code, ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR) {
                (self.epoch, self.owned) = (0, Partitions::new());
            }
            (self.said, self.told) = (None, self.owned.clone());
            return;
        }
        self.said = Some(self.owned.clone());
        self.epoch = answer.member_epoch;
        if let Some(assignment) = &answer.assignment {
            let topics = assignment.topic_partitions.iter();
            let flat = topics.flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic_id, *partition)));
            self.told = flat.collect();
        }
    }

    /// Gives back what it is not to own any more, then takes what it is to own.
    pub(super) fn follow(&mut self) {
        self.owned = self.told.clone();
    }

    /// A heartbeat, and what it is told to do at once.
    pub(super) fn beat(&mut self, world: &mut World) -> Answer {
        let answer = world.beat(&self.request());
        self.hear(Some(&answer));
        self.follow();
        world.check();
        answer
    }

    pub(super) fn leave(&mut self, world: &mut World, epoch: i32) -> Answer {
        let answer = world.beat(&Request { member_epoch: epoch, ..self.request() });
        world.check();
        (self.epoch, self.owned, self.told, self.said) = (0, Partitions::new(), Partitions::new(), None);
        answer
    }
}

fn by_topic(partitions: &Partitions) -> Vec<TopicPartitions> {
    let of = |(topic_id, partitions)| TopicPartitions { topic_id, partitions };
    super::super::records::grouped(partitions).into_iter().map(of).collect()
}

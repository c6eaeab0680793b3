//! The built-in consumer of assigned partitions: finds the leaders, fetches in sessions, follows leader changes, counts.
//! One that audits also keeps a book of what it read ([`Audit`]).

mod audit;
mod fetching;
mod member;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use audit::{Audit, PartitionAudit, Read};
use fetching::Session;
pub use member::{Book, Membership, Phase};

use super::link::{Alarm, Connected, Links};
use super::metadata::{Metadata, News};
use super::producer::Producer;
use super::score;
use super::spec::{ConsumerSpec, OffsetReset};
use super::trouble::Trouble;
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::Lane;
use crate::engine::node::{BrokerId, ClientId};
use crate::engine::time::{Time, millis};
use crate::protocol::ErrorCode;

/// A topic and a partition.
type Key = (Arc<str>, i32);

/// How far an application is in partitions: the next offset, and the leader epoch of the record before.
type Offsets = BTreeMap<Key, (i64, i32)>;

/// What a request was about.
#[derive(Clone, Debug)]
enum About {
    Metadata,
    /// The partitions whose offsets were asked for.
    Offsets(Vec<Key>),
    /// A fetch from the broker.
    Fetch(BrokerId),
    /// Who coordinates the group.
    Coordinator,
    Join,
    Sync,
    /// In which generation.
    Heartbeat(i32),
    Leave,
    /// How far the group has come in these partitions.
    Committed(Vec<Key>),
    /// Offsets, whether the application waits for them, and in which generation.
    Commit(Box<(Offsets, bool, i32)>),
}

/// How far a consumer is in a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The next offset that it reads; `None` until it knows where to begin.
    pub offset: Option<i64>,
    /// A member of a group: the position behind what its application has polled.
    pub consumed: Option<i64>,
    /// A member of a group: what it committed last, or found committed.
    pub committed: Option<i64>,
    /// The leader epoch of what was polled last.
    consumed_epoch: i32,
    /// Whether its group is to say first how far it has come.
    waits_for_group: bool,
    /// The high watermark, as last heard.
    pub high_watermark: i64,
    /// Records read.
    pub read: u64,
    /// The leader epoch of the last batch that was read, or -1.
    last_epoch: i32,
    /// Where it was when what it wanted was gone; until it knows where to go on.
    lost_at: Option<i64>,
    /// Whether its offset is being asked for.
    asked: bool,
    /// Where it met trouble: not tried before.
    not_before: Time,
    /// Whether it met trouble and has not been read since.
    troubled: bool,
}

impl Position {
    /// High watermark minus position: behind what was polled, where it is a member of a group.
    pub fn lag(&self) -> u64 {
        self.consumed.or(self.offset).map_or(0, |offset| u64::try_from(self.high_watermark - offset).unwrap_or(0))
    }
}

impl Position {
    /// A member's, that its group is to be asked for.
    fn to_ask() -> Self {
        Self { last_epoch: -1, waits_for_group: true, ..Self::default() }
    }

    /// Whether a leader has to be asked where to begin.
    fn wants_offset(&self) -> bool {
        self.offset.is_none() && !self.asked && !self.waits_for_group
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Consumer {
    id: ClientId,
    name: Arc<str>,
    spec: Arc<ConsumerSpec>,
    links: Links<About>,
    metadata: Metadata,
    alarm: Alarm,
    positions: BTreeMap<Key, Position>,
    sessions: BTreeMap<BrokerId, Session>,
    /// When it is through with what it has fetched, if it is slow.
    busy_until: Time,
    read: u64,
    paused: bool,
    /// Whether it has ended.
    closed: bool,
    /// Its part in a group, where it is a member of one.
    member: Option<Membership>,
    audit: Audit,
    /// How many losses of each producer's partition were reported.
    reported: BTreeMap<(ClientId, i32), u64>,
    last_error: Option<(ErrorCode, Time)>,
    trouble: Trouble,
}

impl Consumer {
    pub(super) fn new(id: ClientId, name: Arc<str>, mut spec: ConsumerSpec, bootstrap: Vec<BrokerId>) -> Self {
        if spec.audit {
            spec.from = OffsetReset::Earliest;
        }
        let spec_group = spec.group.clone();
        let (backoff, max_age) = (millis(spec.retry_backoff_ms), millis(spec.metadata_max_age_ms));
        Self {
            id,
            links: Links::new(Arc::clone(&name)),
            name,
            metadata: Metadata::new(spec.topics.clone(), bootstrap, backoff, max_age),
            spec: Arc::new(spec),
            alarm: Alarm::default(),
            positions: BTreeMap::new(),
            sessions: BTreeMap::new(),
            busy_until: Time::ZERO,
            read: 0,
            paused: false,
            closed: false,
            member: spec_group.map(Membership::new),
            audit: Audit::default(),
            reported: BTreeMap::new(),
            last_error: None,
            trouble: Trouble::default(),
        }
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_>) {
        self.go_on(ctx);
    }

    /// What the broker leads cannot be read until it is back or another one leads.
    fn trouble_with(&mut self, broker: BrokerId) {
        for ((topic, partition), position) in &mut self.positions {
            let leader = self.metadata.leader(topic, *partition).and_then(|leader| leader.leader);
            position.troubled |= leader == Some(broker);
        }
    }

    fn note_error(&mut self, error: ErrorCode, now: Time) {
        self.last_error = Some((error, now));
    }

    /// Takes up what a metadata answer changed: new partitions, topics made anew, leaders that were found.
    fn take_up(&mut self, news: &News, ctx: &mut Context<'_>) {
        for topic in &news.recreated {
            self.positions.retain(|(name, _), _| name != topic);
            self.audit.forget(topic);
            self.begin_anew(topic);
            self.sessions.clear();
        }
        // A member reads what it is assigned.
        for name in self.spec.topics.iter().filter(|_| self.member.is_none()) {
            for partition in self.metadata.topic(name).into_iter().flat_map(|topic| topic.partitions.keys()) {
                let fresh = || Position { last_epoch: -1, ..Position::default() };
                self.positions.entry((Arc::clone(name), *partition)).or_insert_with(fresh);
            }
        }
        let mut found: BTreeMap<BrokerId, u32> = BTreeMap::new();
        for moved in &news.moved {
            let position = self.positions.get(&(Arc::clone(&moved.topic), moved.partition));
            if position.is_some_and(|position| position.troubled) {
                *found.entry(moved.leader).or_default() += 1;
            }
        }
        for (leader, partitions) in found {
            ctx.note(EventKind::Client(ClientEvent::LeaderFound { leader, partitions }));
        }
    }

    fn set_alarm(&mut self, ctx: &mut Context<'_>) {
        let overdue = self.links.next_overdue(millis(self.spec.request_timeout_ms));
        let mut at = self.metadata.next_ask().min(overdue);
        if !self.paused {
            at = at.min(self.next_fetch()).min(self.next_ask_offsets());
        }
        at = at.min(self.next_in_group());
        self.alarm.set(at.max(ctx.now.lab + Duration::from_millis(1)), ctx);
    }

    /// Its number.
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What it was told to do.
    pub fn spec(&self) -> &ConsumerSpec {
        &self.spec
    }

    /// Whether it is stopped.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn set_paused(&mut self, paused: bool, ctx: &mut Context<'_>) {
        self.paused = paused;
        self.go_on(ctx);
    }

    /// Its partitions, by topic and number, and how far it is.
    pub fn positions(&self) -> impl Iterator<Item = (&Arc<str>, i32, &Position)> {
        self.positions.iter().map(|((topic, partition), position)| (topic, *partition, position))
    }

    /// Its part in a group, where it is a member of one.
    pub fn membership(&self) -> Option<&Membership> {
        self.member.as_ref()
    }

    /// Records read since its start; processed, where it is a member of a group.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Lag over all partitions.
    pub fn lag(&self) -> u64 {
        self.positions.values().map(Position::lag).sum()
    }

    /// The last error that it met, and when.
    pub fn last_error(&self) -> Option<(ErrorCode, Time)> {
        self.last_error
    }

    /// The auditor's book; `None` for a consumer that keeps none.
    pub fn audit(&self) -> Option<&Audit> {
        self.spec.audit.then_some(&self.audit)
    }

    /// Holds the book against the producers' ledgers and reports losses that were not reported. No node of the network
    /// knows both: whoever holds them calls it, now and then.
    pub fn report_losses<'a>(&mut self, producers: impl Iterator<Item = &'a Producer>, ctx: &mut Context<'_>) {
        if !self.spec.audit {
            return;
        }
        for producer in producers {
            let partitions: Vec<i32> = producer.ledger().acked().map(|(partition, _)| partition).collect();
            for partition in partitions {
                let lost = score::lost(producer, &self.audit, partition);
                let count = lost.iter().map(|(first, last)| last - first + 1).sum::<u64>();
                let reported = self.reported.entry((producer.id(), partition)).or_default();
                if count > *reported
                    && let (Some((_, to)), Some(from)) = (lost.last(), score::nth(&lost, *reported))
                {
                    ctx.note(EventKind::Client(ClientEvent::RecordsLost {
                        producer: producer.id(),
                        topic: Arc::clone(&producer.spec().topic),
                        partition,
                        records: count - *reported,
                        from,
                        to: *to,
                    }));
                }
                *reported = count.max(*reported);
            }
        }
    }
}

impl Connected for Consumer {
    fn alarm(&mut self) -> &mut Alarm {
        &mut self.alarm
    }

    fn overdue(&self, now: Time) -> BTreeSet<BrokerId> {
        self.links.overdue(now, millis(self.spec.request_timeout_ms))
    }

    fn lost(&mut self, broker: BrokerId, lane: Option<Lane>, error: ErrorCode, ctx: &mut Context<'_>) {
        self.note_error(error, ctx.now.lab);
        let lost = self.links.closed(broker, lane, ctx.now.lab);
        if lost.was_up {
            ctx.emit(EventKind::Client(ClientEvent::ConnectionLost { broker, waiting: 0 }));
        }
        self.trouble.lost(lost.was_up, ctx);
        for about in lost.unanswered {
            match about {
                About::Metadata => self.metadata.failed(),
                About::Offsets(partitions) => self.offsets_failed(&partitions, ctx.now.lab),
                About::Fetch(_) => {}
                about => self.group_lost(&about, ctx.now.lab),
            }
        }
        if lane.is_none_or(|lane| lane == Lane::CLIENT) {
            self.sessions.remove(&broker);
            self.trouble_with(broker);
        }
        self.metadata.outdated();
    }

    fn go_on(&mut self, ctx: &mut Context<'_>) {
        if self.metadata.is_settled() && self.positions.values().all(|position| !position.troubled) {
            self.trouble.over();
        }
        if self.is_gone() {
            return;
        }
        ctx.because(self.trouble.cause(), |ctx| {
            self.metadata.ask_if_due(&mut self.links, About::Metadata, ctx);
            self.go_on_in_group(ctx);
            if !self.paused {
                self.ask_offsets(ctx);
                self.fetch(ctx);
            }
        });
        self.set_alarm(ctx);
    }
}

//! The built-in producer: makes records at a rate, gathers them into batches per partition, sends them to the leaders and
//! tries again what failed, as Java's `KafkaProducer` does. It holds no counts of belief: what became of its records is
//! said by the brokers ([`Ledger`]) and by reading back ([`score`](super::score)).

mod ledger;
mod queue;
mod sending;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use ledger::{Acked, Counts, Ledger};
use queue::Queue;

use super::link::{Alarm, Connected, Links};
use super::metadata::Metadata;
use super::spec::{Acks, Partitioner, ProducerSpec};
use super::trouble::Trouble;
use super::workload::Draft;
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::Lane;
use crate::engine::node::{BrokerId, ClientId};
use crate::engine::time::{Time, millis};
use crate::protocol::ErrorCode;
use crate::protocol::partitioner::{RoundRobin, Sticky, partition_for_key};

/// How many records are made at one moment at most, when time has jumped.
const MAX_MADE_AT_ONCE: u32 = 1_000;

/// What a request was about.
#[derive(Clone, Debug)]
enum About {
    Metadata,
    Identity,
    /// The batches in it: partition and the batch's id.
    Produce(Vec<(i32, u64)>),
}

/// The producer id of an idempotent producer (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    /// Not idempotent.
    Off,
    /// A new one is needed; it is asked for once nothing is in flight.
    Wanted,
    /// Asked for.
    Asked,
    /// Id and epoch.
    Known(i64, i16),
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Producer {
    id: ClientId,
    name: Arc<str>,
    /// What its records say of where they come from: name and number, never used again.
    tag: Arc<str>,
    spec: Arc<ProducerSpec>,
    links: Links<About>,
    metadata: Metadata,
    alarm: Alarm,
    queues: BTreeMap<i32, Queue>,
    ledger: Ledger,
    identity: Identity,
    identity_not_before: Time,
    round_robin: RoundRobin,
    sticky: Sticky,
    paused: bool,
    /// When record `next_index` is due: `schedule_from` is that of record 0.
    schedule_from: Time,
    next_index: u64,
    trouble: Trouble,
}

/// By what the auditor knows a producer's records. Where logs outlast the process, those of an earlier one are not its own:
/// `since` is the date at which this one began.
fn tag(name: &str, id: ClientId, since: Option<i64>) -> Arc<str> {
    let since = since.map_or_else(String::new, |date_ms| format!("@{date_ms}"));
    format!("{name}-{}{since}", id.0).into()
}

impl Producer {
    pub(super) fn new(id: ClientId, name: Arc<str>, mut spec: ProducerSpec, bootstrap: Vec<BrokerId>) -> Self {
        spec.idempotent &= spec.acks == Acks::All;
        let topics = vec![Arc::clone(&spec.topic)];
        let (backoff, max_age) = (millis(spec.retry_backoff_ms), millis(spec.metadata_max_age_ms));
        Self {
            id,
            tag: tag(&name, id, None),
            links: Links::new(Arc::clone(&name)),
            name,
            metadata: Metadata::new(topics, bootstrap, backoff, max_age),
            alarm: Alarm::default(),
            queues: BTreeMap::new(),
            ledger: Ledger::default(),
            identity: if spec.idempotent { Identity::Wanted } else { Identity::Off },
            identity_not_before: Time::ZERO,
            round_robin: RoundRobin::default(),
            sticky: Sticky::default(),
            paused: false,
            schedule_from: Time::ZERO,
            next_index: 0,
            trouble: Trouble::default(),
            spec: Arc::new(spec),
        }
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_>) {
        self.schedule_from = ctx.now.lab;
        if ctx.disks.is_lasting() {
            self.tag = tag(&self.name, self.id, Some(ctx.now.epoch_ms));
        }
        self.go_on(ctx);
    }

    fn note_error(&mut self, error: ErrorCode, now: Time) {
        self.ledger.last_error = Some((error, now));
    }

    fn identity_refused(&mut self, now: Time) {
        if self.identity == Identity::Asked {
            self.identity = Identity::Wanted;
            self.identity_not_before = now + millis(self.spec.retry_backoff_ms);
        }
    }

    /// Puts a batch back into its queue, at its old place.
    fn try_again(&mut self, partition: i32, id: u64, now: Time) {
        let not_before = now + millis(self.spec.retry_backoff_ms);
        if self.queues.get_mut(&partition).is_some_and(|queue| queue.put_back(id, not_before)) {
            self.ledger.counts.retries += 1;
        }
    }

    fn in_flight(&self) -> usize {
        self.queues.values().map(Queue::in_flight).sum()
    }

    fn set_alarm(&mut self, ctx: &mut Context<'_>) {
        let delivery = millis(self.spec.delivery_timeout_ms);
        let oldest = self.queues.values().filter_map(Queue::oldest).min();
        let mut at = self.next_due().min(oldest.map_or(Time::NEVER, |made| made + delivery));
        at = at.min(self.metadata.next_ask()).min(self.links.next_overdue(millis(self.spec.request_timeout_ms)));
        if self.identity == Identity::Wanted && self.in_flight() == 0 {
            at = at.min(self.identity_not_before);
        }
        at = at.min(self.next_send());
        // What is due and could not be done waits for an answer or for a broker; it is looked at again soon.
        let soonest = ctx.now.lab + Duration::from_millis(1);
        self.alarm.set(at.max(soonest), ctx);
    }

    fn partitions(&self) -> i32 {
        let count = self.metadata.topic(&self.spec.topic).map_or(0, |topic| topic.partitions.len());
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    /// When the next record is due.
    fn next_due(&self) -> Time {
        if self.paused || self.partitions() == 0 {
            Time::NEVER
        } else {
            self.schedule_from + self.spec.workload.due(self.next_index)
        }
    }

    /// Makes the records that are due. Where the buffer is full they are not made, and counted.
    fn make(&mut self, ctx: &mut Context<'_>) {
        let (now, partitions) = (ctx.now.lab, self.partitions());
        if self.next_index == 0 && partitions == 0 {
            self.schedule_from = now;
        }
        let mut room = MAX_MADE_AT_ONCE;
        while self.next_due() <= now {
            if room == 0 {
                // The rest of a jump is left out.
                self.schedule_from = now - self.spec.workload.due(self.next_index);
                break;
            }
            room -= 1;
            let draft = self.spec.workload.draft(self.next_index);
            self.next_index += 1;
            if self.waiting() >= u64::from(self.spec.buffer_records.max(1)) {
                self.ledger.counts.stalled += 1;
            } else {
                let partition = self.choose(&draft, partitions, ctx);
                self.add(partition, &draft, ctx);
            }
        }
    }

    fn choose(&mut self, draft: &Draft, partitions: i32, ctx: &mut Context<'_>) -> i32 {
        match (self.spec.partitioner, &draft.key) {
            (Partitioner::Key, Some(key)) => partition_for_key(key.as_bytes(), partitions),
            (Partitioner::Key, None) | (Partitioner::Sticky, _) => self.sticky.partition(partitions, ctx.rng.bits()),
            (Partitioner::RoundRobin, _) => self.round_robin.partition(partitions),
            (Partitioner::Region, _) => by_region(draft, partitions),
        }
    }

    fn add(&mut self, partition: i32, draft: &Draft, ctx: &mut Context<'_>) {
        let queue = self.queues.entry(partition).or_default();
        let number = queue.next_number();
        let value = self.spec.workload.value(draft, number, ctx.now.lab);
        let at = (ctx.now.date_ms(), ctx.now.lab);
        let batch_bytes = usize::try_from(self.spec.batch_bytes).unwrap_or(usize::MAX);
        let key = draft.key.as_deref().map(str::as_bytes);
        queue.push(at, key, value.as_bytes(), &queue::headers(&self.tag, number), batch_bytes);
        self.ledger.counts.made += 1;
    }

    /// Gives up what is older than `delivery.timeout.ms`.
    fn give_up_late(&mut self, ctx: &mut Context<'_>) {
        let delivery = millis(self.spec.delivery_timeout_ms);
        let oldest = self.queues.values().filter_map(Queue::oldest).min();
        if oldest.is_none_or(|made| made + delivery > ctx.now.lab) {
            return;
        }
        let (mut records, mut gap) = (0, false);
        for queue in self.queues.values_mut() {
            let given_up = queue.give_up_before(ctx.now.lab - delivery);
            records += given_up.0;
            gap |= given_up.1;
        }
        self.fail(records, gap, ErrorCode::REQUEST_TIMED_OUT, ctx);
    }

    /// Records were given up. `gap`: their sequence numbers are missing now, so a new producer id is needed.
    fn fail(&mut self, records: u64, gap: bool, error: ErrorCode, ctx: &mut Context<'_>) {
        if gap && matches!(self.identity, Identity::Known(..)) {
            self.identity = Identity::Wanted;
        }
        if records > 0 {
            self.ledger.counts.failed += records;
            self.note_error(error, ctx.now.lab);
            ctx.emit(EventKind::Client(ClientEvent::DeliveryFailed { records, error }));
        }
    }

    /// Its number.
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the header `producer` of its records says.
    pub fn tag(&self) -> &Arc<str> {
        &self.tag
    }

    /// What it was told to do.
    pub fn spec(&self) -> &ProducerSpec {
        &self.spec
    }

    /// What became of its records.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its counts.
    pub fn counts(&self) -> Counts {
        self.ledger.counts
    }

    /// The last error that it met, and when.
    pub fn last_error(&self) -> Option<(ErrorCode, Time)> {
        self.ledger.last_error
    }

    /// Whether it is stopped: it makes no records, and goes on with those it has.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn set_paused(&mut self, paused: bool, ctx: &mut Context<'_>) {
        if self.paused && !paused {
            self.schedule_from = ctx.now.lab - self.spec.workload.due(self.next_index);
        }
        self.paused = paused;
        self.go_on(ctx);
    }

    /// Records that wait: made, not acknowledged, not given up.
    pub fn waiting(&self) -> u64 {
        self.queues.values().map(Queue::records).sum()
    }

    /// Waiting records of each partition that it has written to.
    pub fn waiting_per_partition(&self) -> BTreeMap<i32, u64> {
        self.queues.iter().map(|(partition, queue)| (*partition, queue.records())).collect()
    }

    /// Records acknowledged in the last second, by partition.
    pub fn per_partition(&self, now: Time) -> BTreeMap<i32, u64> {
        self.ledger.per_partition(now)
    }
}

/// A partitioner of one's own, as people write them: each region has its partition, the bigger topic its room to grow.
fn by_region(draft: &Draft, partitions: i32) -> i32 {
    i32::try_from(draft.region).unwrap_or(0) % partitions.max(1)
}

impl Connected for Producer {
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
            ctx.emit(EventKind::Client(ClientEvent::ConnectionLost { broker, waiting: self.waiting() }));
        }
        self.trouble.lost(lost.was_up, ctx);
        for about in lost.unanswered {
            match about {
                About::Metadata => self.metadata.failed(),
                About::Identity => self.identity_refused(ctx.now.lab),
                About::Produce(batches) => {
                    for (partition, id) in batches {
                        self.try_again(partition, id, ctx.now.lab);
                    }
                }
            }
        }
        self.metadata.outdated();
    }

    fn go_on(&mut self, ctx: &mut Context<'_>) {
        let settled = matches!(self.identity, Identity::Known(..) | Identity::Off) && self.metadata.is_settled();
        if settled && !self.queues.values().any(Queue::is_troubled) {
            self.trouble.over();
        }
        ctx.because(self.trouble.cause(), |ctx| {
            self.make(ctx);
            self.give_up_late(ctx);
            self.metadata.ask_if_due(&mut self.links, About::Metadata, ctx);
            self.ask_identity(ctx);
            self.send_ready(ctx);
        });
        self.set_alarm(ctx);
    }
}

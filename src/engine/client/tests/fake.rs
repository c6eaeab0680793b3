//! A client alone on a bench: what it sends is held until the test answers, time passes when the test says so.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::client::{Client, ClientSpec, Role};
use crate::engine::context::{Cause, Context, Effect, Hop, Id, Timer, TimerId};
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::log::InMemory;
use crate::engine::message::{KafkaRequest, KafkaResponse, Lane, Payload};
use crate::engine::node::{BrokerId, ClientId, NodeId};
use crate::engine::rng::Rng;
use crate::engine::time::{Clock, Now, Time};
use crate::protocol::metadata::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use crate::protocol::produce::{PartitionProduceData, PartitionProduceResponse, TopicProduceResponse};
use crate::protocol::records::{BatchHeader, BatchReader, Record, records_of};
use crate::protocol::{
    ApiKey, ErrorCode, InitProducerIdResponse, MetadataResponse, ProduceRequest, ProduceResponse, Request, Response,
};

/// The topic of all tests.
pub(super) const TOPIC: &str = "t";
/// Its id.
pub(super) const TOPIC_ID: uuid::Uuid = uuid::Uuid::from_u128(7);

/// A request that the client sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) to: BrokerId,
    pub(super) request: KafkaRequest,
    pub(super) routine: bool,
    /// Why it was sent.
    pub(super) cause: Cause,
}

impl Sent {
    pub(super) fn produce(&self) -> &ProduceRequest {
        match &self.request.request {
            Request::Produce(produce) => produce,
            other => panic!("a Produce, not {other:?}"),
        }
    }

    /// The batches in it, by partition.
    pub(super) fn batches(&self) -> Vec<(i32, BatchHeader, Vec<Record>)> {
        let read = |data: &PartitionProduceData| {
            let (header, body) = BatchReader::new(data.records.as_ref().unwrap()).next().unwrap().unwrap();
            assert_eq!(header.crc, header.checksum(&body));
            (data.index, header, records_of(&header, &body).unwrap())
        };
        self.produce().topic_data.iter().flat_map(|topic| &topic.partition_data).map(read).collect()
    }

    /// The numbers of its records, by partition.
    pub(super) fn numbers(&self) -> Vec<(i32, Vec<u64>)> {
        self.batches()
            .into_iter()
            .map(|(partition, _, records)| (partition, records.iter().map(number).collect()))
            .collect()
    }
}

/// A record's number, from its header.
pub(super) fn number(record: &Record) -> u64 {
    let (_, value) = record.headers.iter().find(|(key, _)| &key[..] == b"n").unwrap();
    std::str::from_utf8(value.as_deref().unwrap()).unwrap().parse().unwrap()
}

pub(super) struct Bench {
    pub(super) client: Client,
    now: Time,
    rng: Rng,
    ids: Id,
    timers: Vec<(TimerId, Timer)>,
    pub(super) sent: Vec<Sent>,
    pub(super) events: Vec<ClientEvent>,
    /// The number and the cause of each of these events.
    pub(super) reasons: Vec<(Id, Cause)>,
}

impl Bench {
    /// A client that has started at time 0, of brokers 1 and 2.
    pub(super) fn new(role: Role) -> Self {
        let spec = ClientSpec { name: "test".into(), role };
        let mut bench = Self {
            client: Client::new(ClientId(1), spec, vec![BrokerId(1), BrokerId(2)]),
            now: Time::ZERO,
            rng: Rng::split(1, "test"),
            ids: 0,
            timers: Vec::new(),
            sent: Vec::new(),
            events: Vec::new(),
            reasons: Vec::new(),
        };
        bench.step(Cause::default(), super::super::Client::start);
        bench
    }

    fn step(&mut self, cause: Cause, work: impl FnOnce(&mut Client, &mut Context<'_>)) {
        let mut effects = Vec::new();
        let mut ctx = Context {
            now: Now { lab: self.now, outside: self.now, epoch_ms: 0 },
            node: NodeId::Client(ClientId(1)),
            clock: Clock::Lab,
            cause,
            rng: &mut self.rng,
            ids: &mut self.ids,
            effects: &mut effects,
            disks: &mut InMemory,
        };
        work(&mut self.client, &mut ctx);
        for effect in effects {
            match effect {
                Effect::Send { to: NodeId::Broker(to), payload: Payload::Request(request), cause } => {
                    self.sent.push(Sent { to, request, routine: cause.is_routine(), cause });
                }
                Effect::Timer { id, timer, .. } => self.timers.push((id, timer)),
                Effect::Cancel(id) => self.timers.retain(|(set, _)| *set != id),
                Effect::Event { id, kind: EventKind::Client(event), cause } => {
                    self.events.push(event);
                    self.reasons.push((id, cause));
                }
                _ => {}
            }
        }
    }

    /// Time passes, and timers fire.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(at) =
            self.timers.iter().map(|(id, _)| *id).min_by_key(|id| (id.at, id.id)).filter(|id| id.at <= end)
        {
            let index = self.timers.iter().position(|(id, _)| *id == at).unwrap();
            let (id, Timer::Client(timer)) = self.timers.remove(index) else { panic!("a client's timer") };
            self.now = self.now.max(id.at);
            self.step(Cause::default(), |client, ctx| client.on_timer(timer, ctx));
        }
        self.now = end;
    }

    /// The oldest request of an API that was not taken.
    pub(super) fn take(&mut self, api: ApiKey) -> Sent {
        let all: Vec<_> = self.sent.iter().map(|sent| sent.request.request.api_key()).collect();
        let at = self.sent.iter().position(|sent| sent.request.request.api_key() == api);
        self.sent.remove(at.unwrap_or_else(|| panic!("no {api:?} among {all:?}")))
    }

    /// How many requests of an API were not taken.
    pub(super) fn count(&self, api: ApiKey) -> usize {
        self.sent.iter().filter(|sent| sent.request.request.api_key() == api).count()
    }

    pub(super) fn answer(&mut self, sent: &Sent, response: impl Into<Response>) {
        let (lane, correlation) = (sent.request.lane, sent.request.correlation);
        let payload = Payload::Response(KafkaResponse { lane, correlation, response: response.into() });
        let (client, broker) = (NodeId::Client(ClientId(1)), NodeId::Broker(sent.to));
        let asked = self.travelled(&sent.cause, sent.request.request.api_key().name(), client, broker);
        let told = self.travelled(&asked, payload.name(), broker, client);
        self.step(told, |client, ctx| client.on_message(broker, payload, ctx));
    }

    /// What a message leads to that was sent because of `cause`: as the cluster has it, what is routine has no story.
    fn travelled(&mut self, cause: &Cause, name: &'static str, from: NodeId, to: NodeId) -> Cause {
        self.ids += 1;
        let previous = cause.via.clone().filter(|_| !cause.is_routine());
        let depth = previous.as_ref().map_or(1, |hop| hop.depth + 1);
        let (sent, arrived) = (self.now, self.now);
        let hop = Hop { id: self.ids, name, about: None, from, to, sent, arrived, depth, previous };
        Cause { event: cause.event, via: Some(Arc::new(hop)) }
    }

    /// A broker's process died: event 99 did it.
    pub(super) fn dies(&mut self, broker: i32) {
        self.sent.retain(|sent| sent.to != BrokerId(broker));
        self.close(broker, None);
    }

    /// A connection that could not be made, or ended.
    pub(super) fn close(&mut self, broker: i32, lane: Option<Lane>) {
        let payload = Payload::Closed { lane };
        self.step(Cause::event(99), |client, ctx| client.on_message(NodeId::Broker(BrokerId(broker)), payload, ctx));
    }

    /// Has an auditor report what `producer`'s records came to.
    pub(super) fn report_losses(&mut self, producer: &Self) {
        let producer = producer.client.as_producer().unwrap();
        self.step(Cause::default(), |client, ctx| {
            client.as_consumer_mut().unwrap().report_losses(std::iter::once(producer), ctx);
        });
    }

    /// Answers the oldest Metadata request: partition i is led by `leaders[i]` (-1: nobody) in `epoch`.
    pub(super) fn tell_leaders(&mut self, leaders: &[i32], epoch: i32) {
        let sent = self.take(ApiKey::Metadata);
        self.answer(&sent, metadata(leaders, epoch));
    }

    /// Answers the oldest `InitProducerId` request.
    pub(super) fn give_id(&mut self, producer_id: i64) {
        let sent = self.take(ApiKey::InitProducerId);
        self.answer(&sent, InitProducerIdResponse { producer_id, ..InitProducerIdResponse::default() });
    }

    /// Answers a Produce: each batch at `offset` or with an error.
    pub(super) fn acknowledge(&mut self, sent: &Sent, outcome: Result<i64, ErrorCode>) {
        let partition_responses = sent
            .batches()
            .iter()
            .map(|(index, ..)| PartitionProduceResponse {
                index: *index,
                error_code: outcome.err().unwrap_or_default(),
                base_offset: outcome.unwrap_or(-1),
                ..PartitionProduceResponse::default()
            })
            .collect();
        let responses = vec![TopicProduceResponse { name: TOPIC.into(), partition_responses }];
        self.answer(sent, ProduceResponse { responses, ..ProduceResponse::default() });
    }
}

pub(super) fn metadata(leaders: &[i32], leader_epoch: i32) -> MetadataResponse {
    let partitions = (0..)
        .zip(leaders)
        .map(|(partition_index, leader_id)| MetadataResponsePartition {
            partition_index,
            leader_id: *leader_id,
            leader_epoch,
            ..MetadataResponsePartition::default()
        })
        .collect();
    let broker = |node_id| MetadataResponseBroker { node_id, ..MetadataResponseBroker::default() };
    MetadataResponse {
        brokers: vec![broker(1), broker(2)],
        controller_id: 1,
        topics: vec![MetadataResponseTopic {
            name: Some(TOPIC.into()),
            topic_id: TOPIC_ID,
            partitions,
            ..MetadataResponseTopic::default()
        }],
        ..MetadataResponse::default()
    }
}

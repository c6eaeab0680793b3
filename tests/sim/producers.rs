//! Producers of a simulation: one of each kind for each partition, one batch in flight each.
//!
//! | kind | acks | what it does after an error |
//! | --- | --- | --- |
//! | careful | all, idempotent | sends the same batch again, until it is acknowledged |
//! | plain | all | goes on with the next record |
//! | quick | 1 | the same |
//! | careless | 0 | never hears of one |

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kscope::engine::broker::Broker;
use kscope::engine::message::{Answer, Command, Ticket};
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::engine::rng::Rng;
use kscope::protocol::produce::{PartitionProduceData, TopicProduceData};
use kscope::protocol::records::{BatchBuilder, Compression};
use kscope::protocol::{ErrorCode, ProduceRequest, Request, Response};
use uuid::Uuid;

use super::harness::Lab;
use super::world;

/// A kind of producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Careful,
    Plain,
    Quick,
    Careless,
}

const KINDS: [Kind; 4] = [Kind::Careful, Kind::Plain, Kind::Quick, Kind::Careless];

impl Kind {
    fn acks(self) -> i16 {
        match self {
            Self::Careful | Self::Plain => -1,
            Self::Quick => 1,
            Self::Careless => 0,
        }
    }
}

/// The key of a producer's record: a few that come again, so that there is something to compact.
pub(crate) fn key(number: i32) -> i32 {
    number % 3
}

/// Whether a record deletes its key.
pub(crate) fn is_tombstone(number: i32) -> bool {
    number % 5 == 4
}

/// A partition of one topic, and of no later one of the same name.
pub(crate) type Place = (Uuid, i32);

/// One producer.
#[derive(Clone, Debug)]
struct Producer {
    /// Its producer id, where it is idempotent; its number for us.
    id: i64,
    topic: Arc<str>,
    /// The newest leader epoch that it has written to.
    epoch: i32,
    /// The number of the record in hand.
    next: i32,
    /// What is asked and not answered.
    asked: Option<Ticket>,
    /// The record in hand was sent, and is to be acknowledged before the next one.
    owed: bool,
    /// What was acknowledged: number of the record, offset.
    acked: Vec<(i32, i64)>,
}

/// All producers.
#[derive(Default)]
pub(crate) struct Producers {
    all: BTreeMap<(Place, Kind), Producer>,
    /// Who asked.
    asked: BTreeMap<Ticket, (Place, Kind)>,
    made: i64,
}

impl Producers {
    /// Records to some partitions.
    pub(crate) fn produce(&mut self, lab: &mut Lab, rng: &mut Rng) {
        for topic in world::topics(lab) {
            for partition in topic.partitions.keys() {
                let kind = KINDS[rng.index(KINDS.len())];
                if rng.chance_ppm(700_000) {
                    self.send(lab, rng, (topic.id, *partition), &topic.name, kind);
                }
            }
        }
    }

    /// Careful producers send again what they owe, and each partition gets a record: it must be writable. Producers whose
    /// topic is gone are let go.
    pub(crate) fn finish(&mut self, lab: &mut Lab, rng: &mut Rng) {
        let topics = world::topics(lab);
        self.all.retain(|((topic, _), _), _| topics.iter().any(|known| known.id == *topic));
        self.asked.retain(|_, key| self.all.contains_key(key));
        for topic in &topics {
            for partition in topic.partitions.keys() {
                let place = (topic.id, *partition);
                if !self.all.contains_key(&(place, Kind::Careful)) {
                    self.send(lab, rng, place, &topic.name, Kind::Careful);
                }
            }
        }
        let owing = self.all.iter().filter(|(_, producer)| producer.owed && producer.asked.is_none());
        let owing: Vec<_> = owing.map(|(key, producer)| (*key, Arc::clone(&producer.topic))).collect();
        for ((place, kind), topic) in owing {
            self.send(lab, rng, place, &topic, kind);
        }
    }

    /// Whether nobody owes or awaits anything, and every partition has taken a record.
    pub(crate) fn is_done(&self, lab: &Lab) -> bool {
        let has_written =
            |place| self.all.get(&(place, Kind::Careful)).is_some_and(|careful| !careful.acked.is_empty());
        let topics = world::topics(lab);
        let mut places =
            topics.iter().flat_map(|topic| topic.partitions.keys().map(|partition| (topic.id, *partition)));
        places.all(has_written) && self.waiting().is_empty()
    }

    /// Who waits for what.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let waiting = self.all.iter().filter(|(_, producer)| producer.owed || producer.asked.is_some());
        waiting.map(|((_, kind), producer)| format!("{kind:?} {producer:?}")).collect()
    }

    /// What was promised: by whom, to which partition, the number and offset of each record.
    pub(crate) fn promised(&self) -> impl Iterator<Item = (Place, Kind, i64, &[(i32, i64)])> {
        let all = self.all.iter().filter(|((_, kind), _)| matches!(kind, Kind::Careful | Kind::Plain));
        all.map(|((place, kind), producer)| (*place, *kind, producer.id, producer.acked.as_slice()))
    }

    /// What kind of producer has this number.
    pub(crate) fn kind(&self, id: i64) -> Option<Kind> {
        self.all.iter().find(|(_, producer)| producer.id == id).map(|((_, kind), _)| *kind)
    }

    /// Sends the record in hand, to somebody who believes to lead.
    fn send(&mut self, lab: &mut Lab, rng: &mut Rng, place: Place, topic: &Arc<str>, kind: Kind) {
        let id = TopicPartition::new(Arc::clone(topic), place.1);
        // Like a client's metadata: whoever leads, but nobody of an older epoch than that last spoken to.
        let seen = self.all.get(&(place, kind)).map_or(0, |producer| producer.epoch);
        let epoch = |broker: &Broker| Some(broker.replicas.get(&id)?.leader()?.epoch).filter(|epoch| *epoch >= seen);
        let leaders = lab.cluster.brokers().filter_map(|(id, node)| Some((id, epoch(node.running()?)?)));
        let leaders: Vec<(BrokerId, i32)> = leaders.collect();
        let Some(&(leader, epoch)) = leaders.get(rng.index(leaders.len())) else { return };
        let made = &mut self.made;
        let producer = self.all.entry((place, kind)).or_insert_with(|| {
            *made += 1;
            let topic = Arc::clone(topic);
            Producer { id: *made, topic, epoch, next: 0, asked: None, owed: false, acked: Vec::new() }
        });
        if producer.asked.is_some() {
            return;
        }
        producer.epoch = epoch;
        let mut batch = BatchBuilder::new(Compression::None);
        if kind == Kind::Careful {
            batch = batch.producer(producer.id, 0, producer.next);
        }
        let (id, number) = (producer.id, producer.next);
        let value = (!is_tombstone(number)).then_some(b"value".as_slice());
        let name = (Bytes::from_static(b"record"), Some(Bytes::from(format!("{id}:{number}"))));
        let date_ms = lab.cluster.now().epoch_ms + i64::try_from(lab.now().as_millis()).unwrap();
        batch.push(date_ms, Some(format!("{id}:{}", key(number)).as_bytes()), value, &[name]);
        let data = PartitionProduceData { index: place.1, records: Some(batch.build()) };
        let topic_data = vec![TopicProduceData { name: Arc::clone(topic), partition_data: vec![data] }];
        let request = ProduceRequest { acks: kind.acks(), timeout_ms: 1_500, topic_data, ..Default::default() };
        let ticket = lab.command(Command::Ask { broker: leader, version: 11, request: Request::Produce(request) });
        if kind == Kind::Careless {
            producer.next += 1;
            return;
        }
        producer.owed = kind == Kind::Careful;
        producer.asked = Some(ticket);
        self.asked.insert(ticket, (place, kind));
    }

    /// A command is answered; perhaps it was a producer's.
    pub(crate) fn hear(&mut self, ticket: Ticket, answer: Answer, lab: &Lab) {
        let Some((place, kind)) = self.asked.remove(&ticket) else { return };
        let Some(producer) = self.all.get_mut(&(place, kind)) else { return };
        producer.asked = None;
        let mut code = ErrorCode::NETWORK_EXCEPTION;
        if let Answer::Response(Response::Produce(done)) = answer {
            let answer = &done.responses[0].partition_responses[0];
            code = answer.error_code;
            if code.is_ok() {
                producer.acked.push((producer.next, answer.base_offset));
                producer.owed = false;
            }
        }
        let lost = [ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode::INVALID_PRODUCER_EPOCH];
        assert!(!lost.contains(&code), "{kind:?} {producer:?} is told {code}\n{}", lab.story());
        if code.is_ok() || kind != Kind::Careful {
            producer.next += 1;
        }
    }
}

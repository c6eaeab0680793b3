//! Between the queues and the brokers: which batches go to which leader when, and what their answers mean. Java's
//! `Sender`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::queue::Batch;
use super::{About, Identity, Producer};
use crate::engine::client::link::Connected as _;
use crate::engine::client::spec::Acks;
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::{KafkaResponse, Lane};
use crate::engine::node::BrokerId;
use crate::engine::time::{Time, millis};
use crate::protocol::produce::{PartitionProduceData, PartitionProduceResponse, TopicProduceData};
use crate::protocol::{
    ErrorCode, InitProducerIdRequest, InitProducerIdResponse, MetadataResponse, ProduceRequest, ProduceResponse,
    Response,
};

/// `max.in.flight.requests.per.connection`.
const MAX_IN_FLIGHT: usize = 5;
/// The version of Produce that is spoken.
const PRODUCE_VERSION: i16 = 11;
/// The version of `InitProducerId` that is spoken.
const IDENTITY_VERSION: i16 = 4;

impl Producer {
    pub(in super::super) fn on_response(&mut self, response: KafkaResponse, ctx: &mut Context<'_>) {
        let Some(asked) = self.links.answered(response.correlation) else { return };
        match (response.response, asked.about) {
            (Response::Metadata(response), _) => self.on_metadata(response, ctx),
            (Response::InitProducerId(response), _) => self.on_identity(&response, ctx),
            (Response::Produce(response), About::Produce(batches)) => self.on_produce(&response, &batches, ctx),
            _ => {}
        }
        self.go_on(ctx);
    }

    fn on_metadata(&mut self, response: MetadataResponse, ctx: &mut Context<'_>) {
        let news = self.metadata.update(response, ctx.now.lab);
        // What follows is done in `go_on`, which knows why.
        self.trouble.answered(ctx);
        if !news.recreated.is_empty() {
            self.ledger.forget();
        }
    }

    fn on_identity(&mut self, response: &InitProducerIdResponse, ctx: &mut Context<'_>) {
        if response.error_code.is_error() {
            self.note_error(response.error_code, ctx.now.lab);
            self.identity_refused(ctx.now.lab);
            return;
        }
        self.identity = Identity::Known(response.producer_id, response.producer_epoch);
        for queue in self.queues.values_mut() {
            queue.restart_sequences();
        }
    }

    /// Asks for a producer id where one is needed. A new one may only begin where nothing of the old one is in flight.
    pub(super) fn ask_identity(&mut self, ctx: &mut Context<'_>) {
        if self.identity != Identity::Wanted || self.identity_not_before > ctx.now.lab || self.in_flight() > 0 {
            return;
        }
        let Some(broker) = self.metadata.any_broker(&self.links, ctx.now.lab) else {
            self.identity_not_before = ctx.now.lab + millis(self.spec.retry_backoff_ms);
            return;
        };
        self.identity = Identity::Asked;
        let request = InitProducerIdRequest { transaction_timeout_ms: i32::MAX, ..InitProducerIdRequest::default() };
        self.links.ask((broker, Lane::METADATA), IDENTITY_VERSION, request.into(), About::Identity, ctx);
    }

    /// What an idempotent producer stamps its batches with; `Err` while it may not send.
    fn stamp(&self) -> Result<Option<(i64, i16)>, ()> {
        match self.identity {
            Identity::Off => Ok(None),
            Identity::Known(id, epoch) => Ok(Some((id, epoch))),
            Identity::Wanted | Identity::Asked => Err(()),
        }
    }

    /// The partitions that have something to send, by leader, and when.
    fn ready_by_leader(&self) -> BTreeMap<BrokerId, Vec<(i32, Time)>> {
        let linger = millis(self.spec.linger_ms);
        let mut ready: BTreeMap<BrokerId, Vec<(i32, Time)>> = BTreeMap::new();
        for (partition, queue) in &self.queues {
            let leader = self.metadata.leader(&self.spec.topic, *partition).and_then(|leader| leader.leader);
            let Some(leader) = leader else { continue };
            let at = queue.ready_at(leader, linger);
            if at < Time::NEVER {
                ready
                    .entry(leader)
                    .or_default()
                    .push((*partition, at.max(self.links.not_before(leader, Lane::CLIENT))));
            }
        }
        ready
    }

    /// When there is something to send next, as far as that is not up to an answer.
    pub(super) fn next_send(&self) -> Time {
        if self.stamp().is_err() {
            return Time::NEVER;
        }
        self.ready_by_leader()
            .into_iter()
            .filter(|(leader, _)| self.links.in_flight(*leader, Lane::CLIENT) < MAX_IN_FLIGHT)
            .flat_map(|(_, partitions)| partitions)
            .map(|(_, at)| at)
            .min()
            .unwrap_or(Time::NEVER)
    }

    /// Sends what is ready. Once one partition of a leader is, what else waits for that leader goes along with it.
    pub(super) fn send_ready(&mut self, ctx: &mut Context<'_>) {
        let Ok(stamp) = self.stamp() else { return };
        loop {
            let now = ctx.now.lab;
            let ready: Vec<(BrokerId, Vec<i32>)> = self
                .ready_by_leader()
                .into_iter()
                .filter(|(leader, partitions)| {
                    let due = partitions.iter().any(|(_, at)| *at <= now);
                    due && self.links.in_flight(*leader, Lane::CLIENT) < MAX_IN_FLIGHT
                })
                .map(|(leader, partitions)| (leader, partitions.into_iter().map(|(partition, _)| partition).collect()))
                .collect();
            if ready.is_empty() {
                return;
            }
            let mut sent = false;
            for (leader, partitions) in ready {
                sent |= self.send_to(leader, &partitions, stamp, ctx);
            }
            if !sent {
                return;
            }
        }
    }

    fn send_to(
        &mut self,
        leader: BrokerId,
        partitions: &[i32],
        stamp: Option<(i64, i16)>,
        ctx: &mut Context<'_>,
    ) -> bool {
        let keep = self.spec.acks != Acks::None;
        let count = self.partitions();
        let now = ctx.now.lab;
        let (mut taken, mut moved): (Vec<(i32, Batch)>, (u32, u64)) = (Vec::new(), (0, 0));
        for partition in partitions {
            let Some(queue) = self.queues.get_mut(partition) else { continue };
            let backing_off = queue.has_retry() && queue.ready_at(leader, std::time::Duration::ZERO) > now;
            if backing_off {
                continue;
            }
            let Some((batch, to_another)) = queue.take(leader, stamp, keep) else { continue };
            if to_another {
                moved = (moved.0 + 1, moved.1 + batch.len());
            }
            if batch.sent == 1 {
                self.ledger.counts.sent += batch.len();
                self.sticky.batch_sent(count, ctx.rng.bits());
            }
            taken.push((*partition, batch));
        }
        if taken.is_empty() {
            return false;
        }
        if moved.0 > 0 {
            ctx.emit(EventKind::Client(ClientEvent::RecordsSentAgain {
                leader,
                partitions: moved.0,
                records: moved.1,
            }));
        }
        self.send_batches(leader, &taken, ctx);
        true
    }

    fn send_batches(&mut self, leader: BrokerId, batches: &[(i32, Batch)], ctx: &mut Context<'_>) {
        let partition_data = batches
            .iter()
            .map(|(index, batch)| PartitionProduceData { index: *index, records: Some(batch.records()) })
            .collect();
        let request = ProduceRequest {
            transactional_id: None,
            acks: self.spec.acks.code(),
            timeout_ms: i32::try_from(self.spec.request_timeout_ms).unwrap_or(i32::MAX),
            topic_data: vec![TopicProduceData { name: Arc::clone(&self.spec.topic), partition_data }],
        };
        let to = (leader, Lane::CLIENT);
        if self.spec.acks == Acks::None {
            self.links.tell(to, PRODUCE_VERSION, request.into(), ctx);
            for (partition, batch) in batches {
                self.ledger.acknowledge(*partition, (batch.first, batch.last()), None, ctx.now.lab);
            }
        } else {
            let about = About::Produce(batches.iter().map(|(partition, batch)| (*partition, batch.id)).collect());
            self.links.ask(to, PRODUCE_VERSION, request.into(), about, ctx);
        }
    }

    fn on_produce(&mut self, response: &ProduceResponse, batches: &[(i32, u64)], ctx: &mut Context<'_>) {
        for (partition, id) in batches {
            let told = response
                .responses
                .iter()
                .filter(|topic| topic.name == self.spec.topic)
                .flat_map(|topic| &topic.partition_responses)
                .find(|told| told.index == *partition);
            match told {
                Some(told) if told.error_code.is_ok() => {
                    self.acknowledged(*partition, *id, Some(told.base_offset), ctx);
                }
                Some(told) if told.error_code == ErrorCode::DUPLICATE_SEQUENCE_NUMBER => {
                    self.acknowledged(*partition, *id, None, ctx);
                }
                Some(told) => self.refused(*partition, *id, told, ctx),
                None => self.try_again(*partition, *id, ctx.now.lab),
            }
        }
    }

    fn acknowledged(&mut self, partition: i32, id: u64, offset: Option<i64>, ctx: &Context<'_>) {
        if let Some(batch) = self.queues.get_mut(&partition).and_then(|queue| queue.land(id)) {
            let offset = offset.filter(|offset| *offset >= 0);
            self.ledger.acknowledge(partition, (batch.first, batch.last()), offset, ctx.now.lab);
        }
    }

    fn refused(&mut self, partition: i32, id: u64, told: &PartitionProduceResponse, ctx: &mut Context<'_>) {
        let error = told.error_code;
        self.note_error(error, ctx.now.lab);
        let Some(queue) = self.queues.get_mut(&partition) else { return };
        // A gap before a batch whose predecessors are on their way again is no gap once they are there.
        let passing = error == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER && !queue.is_oldest(id);
        if error.is_retriable() || passing {
            self.trouble.refused(ctx);
            self.try_again(partition, id, ctx.now.lab);
            self.metadata.outdated();
        } else if let Some(batch) = queue.land(id) {
            self.fail(batch.len(), batch.has_sequence(), error, ctx);
        }
    }
}

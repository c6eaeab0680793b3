//! Built-in clients: producers, consumers and the admin that creates the lab's topics, as nodes of the simulated network.
//!
//! They are clients like any other: they ask brokers over their links in the wire protocol's messages, know of the
//! cluster what Metadata tells them, and learn of a broker's death when a connection closes. No client looks into a
//! broker, and no broker knows that a client is built in.
//!
//! # What is counted, and how
//!
//! A producer numbers its records within each partition, and writes its name and the number into the headers `producer`
//! and `n`. It keeps which numbers were acknowledged at which offsets ([`Ledger`]). The auditor, a consumer of all
//! topics, keeps which numbers it read at which offsets ([`Audit`]). [`scoreboard`] compares the two: a record is lost
//! when it was acknowledged and the auditor has read past its offset without finding its number. Both sides keep
//! intervals, so that their memory does not grow with the number of records.
//!
//! # Causes
//!
//! Steady traffic is routine: it has no cause, and chains of causes do not grow from one record to the next. From an
//! error until everything is acknowledged again, what a client does is caused by that error.

mod admin;
mod consumer;
mod deliveries;
mod link;
mod metadata;
mod numbers;
mod producer;
mod score;
mod spec;
#[cfg(test)]
mod tests;
mod trouble;
mod workload;

use std::sync::Arc;

pub use admin::Admin;
pub use consumer::{Audit, Book, Consumer, Membership, PartitionAudit, Phase, Position, Read};
pub use deliveries::{Deliveries, Delivery, DeliveryKey, Departed, deliveries};
pub use numbers::{Numbers, Placed, Run};
pub use producer::{Acked, Counts, Ledger, Producer};
pub use score::{Score, lost, scoreboard};
pub use spec::{
    Acks, ClientSpec, Commit, ConsumerSpec, GroupProtocol, GroupSpec, OffsetReset, Partitioner, Patience, ProducerSpec,
    Role, TopicSpec, Workload, default_lab,
};

use link::Connected;

use super::context::Context;
use super::message::{KafkaResponse, Payload};
use super::node::{BrokerId, ClientId, NodeId};
use super::time::Time;

/// What a built-in client's timers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTimer {
    /// Something is due; the client knows what.
    Wake,
}

/// A built-in client. See the [module](self).
#[derive(Clone, Debug)]
pub struct Client {
    name: Arc<str>,
    kind: Kind,
    /// When its process was killed, if it was.
    crashed: Option<Time>,
}

#[derive(Clone, Debug)]
enum Kind {
    Producer(Box<Producer>),
    Consumer(Box<Consumer>),
    Admin(Box<Admin>),
}

impl Client {
    /// The client `id`, not started. It finds the cluster by the brokers `bootstrap`.
    pub fn new(id: ClientId, spec: ClientSpec, bootstrap: Vec<BrokerId>) -> Self {
        let name = Arc::clone(&spec.name);
        let kind = match spec.role {
            Role::Producer(spec) => Kind::Producer(Box::new(Producer::new(id, Arc::clone(&name), spec, bootstrap))),
            Role::Consumer(spec) => Kind::Consumer(Box::new(Consumer::new(id, Arc::clone(&name), spec, bootstrap))),
            Role::Admin { topics } => Kind::Admin(Box::new(Admin::new(&name, topics, bootstrap))),
        };
        Self { name, kind, crashed: None }
    }

    /// Whether its process lives: it was not killed, and has not ended in order.
    pub fn runs(&self) -> bool {
        self.crashed.is_none() && !self.as_consumer().is_some_and(Consumer::is_gone)
    }

    /// When its process was killed, if it was.
    pub fn crashed_at(&self) -> Option<Time> {
        self.crashed
    }

    /// Its process is killed. What it had done by then is done.
    pub fn crashed(&mut self, now: Time) {
        self.crashed = Some(now);
        if let Kind::Consumer(consumer) = &mut self.kind {
            consumer.note_processed(now);
        }
    }

    /// It is to end in order: a consumer commits, and leaves its group. A producer stops making records.
    pub fn close(&mut self, ctx: &mut Context<'_>) {
        match &mut self.kind {
            Kind::Producer(producer) => producer.set_paused(true, ctx),
            Kind::Consumer(consumer) => consumer.close(ctx),
            Kind::Admin(_) => {}
        }
    }

    /// Begins.
    pub fn start(&mut self, ctx: &mut Context<'_>) {
        match &mut self.kind {
            Kind::Producer(producer) => producer.start(ctx),
            Kind::Consumer(consumer) => consumer.start(ctx),
            Kind::Admin(admin) => admin.start(ctx),
        }
    }

    /// A broker answered, or its process died. Anything else is not for clients, and passed over.
    pub fn on_message(&mut self, from: NodeId, payload: Payload, ctx: &mut Context<'_>) {
        let NodeId::Broker(broker) = from else { return };
        match payload {
            Payload::Response(response) => self.on_response(response, ctx),
            Payload::Closed { lane } => self.connected().on_closed(broker, lane, ctx),
            _ => {}
        }
    }

    fn on_response(&mut self, response: KafkaResponse, ctx: &mut Context<'_>) {
        match &mut self.kind {
            Kind::Producer(producer) => producer.on_response(response, ctx),
            Kind::Consumer(consumer) => consumer.on_response(response, ctx),
            Kind::Admin(admin) => admin.on_response(response, ctx),
        }
    }

    fn connected(&mut self) -> &mut dyn Connected {
        match &mut self.kind {
            Kind::Producer(producer) => &mut **producer,
            Kind::Consumer(consumer) => &mut **consumer,
            Kind::Admin(admin) => &mut **admin,
        }
    }

    /// A timer of it fired.
    pub fn on_timer(&mut self, timer: ClientTimer, ctx: &mut Context<'_>) {
        self.connected().on_timer(timer, ctx);
    }

    /// Stops it, or lets it go on. A stopped producer makes no records, a stopped consumer does not fetch.
    pub fn set_paused(&mut self, paused: bool, ctx: &mut Context<'_>) {
        match &mut self.kind {
            Kind::Producer(producer) => producer.set_paused(paused, ctx),
            Kind::Consumer(consumer) => consumer.set_paused(paused, ctx),
            Kind::Admin(_) => {}
        }
    }

    /// Its name, which is its `client.id`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// As a producer, if it is one.
    pub fn as_producer(&self) -> Option<&Producer> {
        match &self.kind {
            Kind::Producer(producer) => Some(producer),
            _ => None,
        }
    }

    /// As a consumer, if it is one.
    pub fn as_consumer(&self) -> Option<&Consumer> {
        match &self.kind {
            Kind::Consumer(consumer) => Some(consumer),
            _ => None,
        }
    }

    /// As a consumer, to have it report losses ([`Consumer::report_losses`]).
    pub fn as_consumer_mut(&mut self) -> Option<&mut Consumer> {
        match &mut self.kind {
            Kind::Consumer(consumer) => Some(consumer),
            _ => None,
        }
    }

    /// As the admin, if it is that.
    pub fn as_admin(&self) -> Option<&Admin> {
        match &self.kind {
            Kind::Admin(admin) => Some(admin),
            _ => None,
        }
    }
}

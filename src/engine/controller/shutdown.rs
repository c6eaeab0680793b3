//! Controlled shutdown: a broker that wants to stop has its leaders moved away first. Kafka's
//! `processControlledShutdown`.
//!
//! The broker counts as shutting down from now on: it is told what changes, but leads nothing new and joins no in-sync
//! set. What it alone can lead it goes on leading, and is told so: it may ask again, or stop all the same.

use std::collections::BTreeSet;

use super::context::Partition;
use super::partitions::Strategy;
use super::queue::Step;
use super::write::{StateUpdate, Why};
use super::{Controller, Io, admin};
use crate::engine::broker::connection::Origin;
use crate::engine::event::{ControllerEvent, ElectionReason, EventKind};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::protocol::controlled_shutdown::RemainingPartition;
use crate::protocol::{ControlledShutdownRequest, ControlledShutdownResponse, ErrorCode};

/// A request in hand, and how far it is.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// The leaders are moved; now the followers stop and leave the in-sync sets.
    Followers {
        /// Who asked.
        origin: Origin,
        /// Which broker.
        broker: BrokerId,
        /// What it follows.
        followed: Vec<TopicPartition>,
    },
    /// All is done that can be.
    Answer {
        /// Who asked.
        origin: Origin,
        /// Which broker.
        broker: BrokerId,
    },
}

impl Controller {
    pub(super) fn controlled_shutdown(
        &mut self,
        request: &ControlledShutdownRequest,
        origin: Origin,
        io: &mut Io<'_, '_>,
    ) {
        let broker = BrokerId(request.broker_id);
        let error = match self.cluster.brokers.get(&broker) {
            None => ErrorCode::BROKER_NOT_AVAILABLE,
            Some(live) if request.broker_epoch != -1 && request.broker_epoch < live.epoch => {
                ErrorCode::STALE_BROKER_EPOCH
            }
            Some(_) => ErrorCode::NONE,
        };
        if error.is_error() {
            let response = ControlledShutdownResponse { error_code: error, ..Default::default() };
            return self.reply(origin, response.into());
        }
        self.cluster.shutting_down.insert(broker);
        let hosted = |partition: &Partition| {
            let replicas = &partition.assignment.replicas;
            partition.leadership.is_some() && replicas.len() > 1 && replicas.contains(&broker)
        };
        let (led, followed): (Vec<TopicPartition>, Vec<TopicPartition>) = self
            .cluster
            .partitions_where(|id, partition| hosted(partition) && !self.is_going(&id.topic))
            .into_iter()
            .partition(|id| self.cluster.partition(id).and_then(Partition::leader) == Some(broker));
        let asked = ControllerEvent::ShutdownAsked { broker, leading: led.len() };
        io.ctx.emit(EventKind::Controller(asked));
        self.first([
            Step::Elect {
                partitions: led,
                strategy: Strategy::ControlledShutdown,
                reason: ElectionReason::ControlledShutdown,
            },
            Step::Admin(admin::Step::ShutDown(Asked::Followers { origin, broker, followed })),
        ]);
    }

    pub(super) fn answer_shutdown(&mut self, asked: Asked, io: &mut Io<'_, '_>) {
        match asked {
            Asked::Followers { origin, broker, followed } => {
                for id in &followed {
                    self.batch.stop(broker, id, false);
                }
                self.flush(io.ctx);
                let gone = BTreeSet::from([broker]);
                let shrunk = |id: TopicPartition| {
                    let next = self.without(self.cluster.partition(&id)?.leadership.as_ref()?, &gone)?;
                    Some(StateUpdate { partition: id, next, why: Why::Shrunk })
                };
                let updates = followed.into_iter().filter_map(shrunk).collect();
                let answer = Step::Admin(admin::Step::ShutDown(Asked::Answer { origin, broker }));
                self.first([Step::Write(updates), answer]);
            }
            Asked::Answer { origin, broker } => {
                let remaining = self.cluster.partitions_where(|_, partition| {
                    partition.leader() == Some(broker) && partition.assignment.replicas.len() > 1
                });
                let remaining_partitions = remaining
                    .into_iter()
                    .map(|id| RemainingPartition { topic_name: id.topic, partition_index: id.partition })
                    .collect();
                let response = ControlledShutdownResponse { error_code: ErrorCode::NONE, remaining_partitions };
                self.reply(origin, response.into());
            }
        }
    }
}

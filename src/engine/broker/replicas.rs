//! The replicas that a broker hosts: how it finds them, what wakes when they move, what is checkpointed. Kafka's
//! `ReplicaManager`, without the APIs, which stand in [`super::api`].

use crate::engine::topic_name::CONSUMER_OFFSETS;
use std::sync::Arc;
use std::time::Duration;

use super::api::{delete_records, fetch, produce};
use super::connection::Origin;
use super::purgatory::{ParkId, Waiting};
use super::{Broker, BrokerTimer};
use crate::engine::context::Context;
use crate::engine::message::{Checkpoint, Output, StorageJob, StorageWork};
use crate::engine::replica::{Replica, TopicPartition};
use crate::engine::time::millis;
use crate::protocol::{ErrorCode, Response};

impl Broker {
    /// The replica of a partition, if it is here.
    pub fn replica(&self, id: &TopicPartition) -> Option<&Replica> {
        self.replicas.get(id).map(Arc::as_ref)
    }

    /// The replica, to change it. Whoever changes it says so with [`Broker::touch`].
    pub(crate) fn replica_mut(&mut self, id: &TopicPartition) -> Option<&mut Replica> {
        self.replicas.get_mut(id).map(Arc::make_mut)
    }

    /// The replica, where this broker leads the partition. What Kafka answers where it does not: `NOT_LEADER_OR_FOLLOWER`
    /// for a partition that the cluster knows, `UNKNOWN_TOPIC_OR_PARTITION` for one that it does not.
    pub(crate) fn led(&self, id: &TopicPartition, epoch: i32) -> Result<&Replica, ErrorCode> {
        let replica = self.hosted(id)?;
        replica.check_epoch(epoch)?;
        replica.leader().map(|_| replica).ok_or(ErrorCode::NOT_LEADER_OR_FOLLOWER)
    }

    /// The replica, whatever its part. Errors as [`Broker::led`].
    pub(crate) fn hosted(&self, id: &TopicPartition) -> Result<&Replica, ErrorCode> {
        match self.replica(id) {
            Some(replica) => self.check_log_dir().map(|()| replica),
            None if self.metadata.knows(id) => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
            None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        }
    }

    /// A replica changed: whoever watches it is tried again at the end of the step.
    pub(crate) fn touch(&mut self, id: &TopicPartition) {
        self.purgatory.moved(id);
        if *id.topic == *CONSUMER_OFFSETS {
            self.groups.moved(id.partition);
        }
        if !self.touched.contains(id) {
            self.touched.insert(id.clone());
        }
    }

    /// Parks a request for `wait` at most.
    pub(crate) fn park(
        &mut self,
        origin: &Origin,
        waiting: Waiting,
        watches: Vec<TopicPartition>,
        wait: Duration,
        ctx: &mut Context<'_>,
    ) {
        let id = ctx.next_id();
        let cause = ctx.cause.clone();
        let timer = ctx.timer_because(wait, Self::timer(BrokerTimer::Expire(id)), cause);
        self.purgatory.park(ParkId(id), origin.clone(), waiting, watches, timer);
    }

    /// Tries again whoever watches what moved.
    pub(super) fn wake(&mut self, ctx: &mut Context<'_>) {
        loop {
            let woken = self.purgatory.take_woken();
            if woken.is_empty() {
                return;
            }
            for id in woken {
                self.try_again(id, ctx);
            }
        }
    }

    fn try_again(&mut self, id: ParkId, ctx: &mut Context<'_>) {
        if ctx.disks.is_lasting() {
            self.read_back_for(id, ctx);
        }
        self.complete_if_done(id, false, ctx);
    }

    /// What a fetch waits for may have become readable, and have left memory.
    fn read_back_for(&mut self, id: ParkId, ctx: &mut Context<'_>) {
        let Some((_, Waiting::Fetch(parked))) = self.purgatory.waiting(id) else { return };
        let cold = fetch::on_disk(self, parked);
        if let Some(Waiting::Fetch(parked)) = self.purgatory.waiting_mut(id) {
            parked.reads_back(&cold);
        }
        self.read_back(cold, ctx);
    }

    /// A parked request has waited long enough: it is answered as things stand.
    pub(super) fn expire(&mut self, id: ParkId, ctx: &mut Context<'_>) {
        self.complete_if_done(id, true, ctx);
    }

    fn complete_if_done(&mut self, id: ParkId, late: bool, ctx: &mut Context<'_>) {
        let Some((origin, waiting)) = self.purgatory.waiting(id) else { return };
        let response = match waiting {
            Waiting::Produce(parked) => produce::completed(self, parked, late),
            Waiting::Fetch(parked) => fetch::completed(self, parked, origin, late),
            Waiting::DeleteRecords(parked) => delete_records::completed(self, parked, late),
        };
        if let Some(response) = response {
            self.complete(id, response, ctx);
        }
    }

    fn complete(&mut self, id: ParkId, response: Response, ctx: &mut Context<'_>) {
        let Some((origin, waiting, timer)) = self.purgatory.take(id) else { return };
        ctx.cancel(timer);
        let response = match waiting {
            Waiting::Fetch(parked) => fetch::deliver(self, &parked, response),
            Waiting::Produce(_) | Waiting::DeleteRecords(_) => response,
        };
        self.reply(&origin, Some(response), ctx);
    }

    /// How many requests wait here.
    pub fn parked(&self) -> usize {
        self.purgatory.len()
    }

    /// Writes the high watermarks down: what is left of them if the process is killed. Where the logs are on files, so is
    /// this, with what else a start needs to know of them.
    pub(super) fn write_checkpoint(&mut self, ctx: &mut Context<'_>) {
        self.checkpoint = self.replicas.iter().map(|(id, replica)| (id.clone(), replica.high_watermark)).collect();
        if ctx.disks.is_lasting() && self.log_dir_error.is_none() && self.checkpointing.is_none() {
            let id = ctx.next_id();
            self.checkpointing = Some(id);
            let logs = self.replicas.iter().map(|(id, replica)| (id, &replica.log, replica.high_watermark));
            let work = StorageWork::Checkpoint(Checkpoint::of(self.cluster_id.as_ref(), logs));
            ctx.output(Output::Storage(StorageJob { id, broker: self.id, work }));
        }
        let every = millis(self.settings().replica_high_watermark_checkpoint_interval_ms);
        ctx.routine(every, Self::timer(BrokerTimer::Checkpoint));
    }
}

//! A broker's life: registration in ZooKeeper at the start, controlled shutdown at the end. Kafka's `KafkaServer`.
//!
//! ```text
//!   Connecting -> Preparing -> Registering -> Running -> ShuttingDown -> Flushing -> (stopped)
//!                                  |  ^                      ^
//!                      NodeExists  |  | its old session ends |
//!                                  v  |                      | without a controller, after the last retry:
//!                                Waiting                     | it stops all the same
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::connection::Connections;
use super::{Broker, BrokerTimer, Disk};
use crate::engine::config::Config;
use crate::engine::context::{Context, Id};
use crate::engine::controller::{Controller, znodes};
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::message::{Lane, Output};
use crate::engine::node::{BrokerId, ZkId};
use crate::engine::replica::Replica;
use crate::engine::time::millis;
use crate::engine::zk::client::{Ticket, ZkClient};
use crate::engine::zk::message::SessionId;
use crate::engine::zk::op::{CreateMode, Op, OpResult, Write, ZkError};
use crate::protocol::{ControlledShutdownRequest, Response};

/// How often a broker whose old registration is still there tries again, where Kafka exits
/// (deviation: node-exists-waits).
const REGISTER_AGAIN: Duration = Duration::from_millis(100);

/// Where a broker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a ZooKeeper session.
    Connecting,
    /// It makes sure that Kafka's persistent znodes are there, and reads the cluster's id.
    Preparing(Ticket),
    /// It creates /brokers/ids/N.
    Registering(Ticket),
    /// Its registration of an earlier session is still there; it waits until ZooKeeper ends that.
    Waiting,
    /// It serves.
    Running,
    /// It has asked the controller to move its leaders away, this many times.
    ShuttingDown(i32),
    /// Its leaders are moved away; its logs are being flushed, and it takes nothing any more.
    Flushing,
    /// It is done: the cluster takes its process away.
    Stopped,
}

impl Broker {
    /// Starts a broker's process on what its disk has.
    pub fn start(id: BrokerId, config: Arc<Config>, disk: Disk, ctx: &mut Context<'_>) -> Self {
        let servers = (1..=config.zookeepers).map(ZkId).collect();
        let zk = ZkClient::new(servers, millis(config.settings.zookeeper_session_timeout_ms));
        let min_insync = usize::try_from(config.settings.min_insync_replicas).unwrap_or(1);
        if let Some(recovery) = disk.recovery {
            ctx.note(EventKind::Broker(BrokerEvent::Recovered(recovery)));
        }
        if let Some(reason) = &disk.failed {
            ctx.note(EventKind::Broker(BrokerEvent::LogDirFailed { reason: reason.to_string() }));
        }
        let replicas: BTreeMap<_, _> = disk
            .logs
            .into_iter()
            .map(|(id, stored)| {
                let mut log = Arc::unwrap_or_clone(stored.log);
                log.process_ended();
                let replica = Replica::new(id.clone(), stored.topic_id, log, stored.high_watermark, min_insync);
                (id, Arc::new(replica))
            })
            .collect();
        let mut broker = Self {
            id,
            controller: Controller::new(id, Arc::clone(&config.settings)),
            configs: super::Configs::new(Arc::clone(&config.settings)),
            config,
            stage: Stage::Connecting,
            zk,
            epoch: None,
            registered: None,
            cluster_id: disk.cluster_id,
            connections: Connections::default(),
            checkpoint: BTreeMap::new(),
            checkpointing: None,
            touched: replicas.keys().cloned().collect(),
            replicas,
            metadata: Arc::default(),
            stats: super::Stats::default(),
            controller_epoch: 0,
            sessions: super::FetchSessions::default(),
            fetchers: super::Fetchers::default(),
            isr: super::IsrChanges::default(),
            flushes: super::Flushes::default(),
            cold: super::ColdReads::default(),
            log_dir_error: disk.failed,
            cleaning: super::Cleaning::default(),
            groups: super::Groups::default(),
            producer_ids: super::ProducerIds::default(),
            purgatory: super::Purgatory::default(),
            waited: false,
            creating: BTreeMap::new(),
            leaving: None,
            turn: std::collections::VecDeque::new(),
        };
        broker.zk.connect(ctx);
        broker.start_timers(ctx);
        broker
    }

    fn start_timers(&mut self, ctx: &mut Context<'_>) {
        self.write_checkpoint(ctx);
        let patience = millis(self.settings().replica_lag_time_max_ms);
        ctx.routine(patience / 2, Self::timer(BrokerTimer::ShrinkIsr));
        self.start_flushing(ctx);
        self.start_retention(ctx);
        self.start_cleaner(ctx);
        self.expire_offsets(ctx);
    }

    /// What the process leaves on the disk: after a kill the high watermarks of the last checkpoint, after a clean stop
    /// the true ones.
    pub fn into_disk(self) -> Disk {
        let clean = self.stage == Stage::Stopped;
        let checkpoint = self.checkpoint;
        let logs = self
            .replicas
            .into_iter()
            .map(|(id, replica)| {
                let replica = Arc::unwrap_or_clone(replica);
                let high_watermark =
                    if clean { replica.high_watermark } else { checkpoint.get(&id).copied().unwrap_or(0) };
                let stored =
                    super::disk::StoredLog { topic_id: replica.topic_id, log: Arc::new(replica.log), high_watermark };
                (id, stored)
            })
            .collect();
        Disk { logs, cluster_id: self.cluster_id, failed: self.log_dir_error, recovery: None }
    }

    /// A ZooKeeper session is there.
    pub(super) fn on_session(&mut self, _session: SessionId, new: bool, ctx: &mut Context<'_>) {
        let leaving = matches!(self.stage, Stage::ShuttingDown(_) | Stage::Flushing | Stage::Stopped);
        if !leaving && (new || self.stage == Stage::Connecting) {
            self.prepare(ctx);
        }
    }

    fn prepare(&mut self, ctx: &mut Context<'_>) {
        let mut ops: Vec<Op> = znodes::PERSISTENT
            .iter()
            .map(|path| Op::from(Write::create(*path, Bytes::new(), CreateMode::Persistent)))
            .collect();
        ops.extend(self.config_reads());
        let cluster_id = znodes::cluster_id(ctx.rng.uuid());
        ops.push(Write::create(znodes::CLUSTER_ID, cluster_id, CreateMode::Persistent).into());
        ops.push(Op::get(znodes::CLUSTER_ID));
        self.stage = Stage::Preparing(self.zk.submit(ops, ctx));
    }

    fn register(&mut self, ctx: &mut Context<'_>) {
        let host = &self.config.advertised_host;
        let info = znodes::broker_registration(host, self.port(), self.rack().as_deref(), ctx.now.date_ms());
        let path = znodes::broker_path(self.id);
        let ops = vec![Write::create(path.clone(), info, CreateMode::Ephemeral).into(), Op::exists(path)];
        self.stage = Stage::Registering(self.zk.submit(ops, ctx));
    }

    /// The port that this broker is reached at.
    pub fn port(&self) -> u16 {
        self.config.port(self.id)
    }

    /// `broker.rack`: none in the lab yet.
    pub fn rack(&self) -> Option<Arc<str>> {
        None
    }

    /// A ZooKeeper batch is answered; returns whether it was the lifecycle's.
    pub(super) fn on_lifecycle_done(
        &mut self,
        ticket: Ticket,
        results: &[Result<OpResult, ZkError>],
        ctx: &mut Context<'_>,
    ) -> bool {
        match self.stage {
            Stage::Preparing(mine) if mine == ticket => self.prepared(results, ctx),
            Stage::Registering(mine) if mine == ticket => self.registered(results, ctx),
            _ => return false,
        }
        true
    }

    fn prepared(&mut self, results: &[Result<OpResult, ZkError>], ctx: &mut Context<'_>) {
        let lost = results.iter().any(|r| matches!(r, Err(ZkError::ConnectionLoss | ZkError::SessionExpired)));
        match results {
            [.., changes, all_brokers, own, _, Ok(OpResult::Data { data, .. })] if !lost => {
                self.configs_read(changes, all_brokers, own, ctx);
                self.cluster_id = znodes::read_cluster_id(data).map(Arc::from);
                self.register(ctx);
            }
            // The connection was lost on the way: the client reconnects, and it is tried again.
            _ => self.try_again_soon(Stage::Connecting, ctx),
        }
    }

    fn registered(&mut self, results: &[Result<OpResult, ZkError>], ctx: &mut Context<'_>) {
        match results {
            [Ok(_), Ok(OpResult::Exists(stat))] => {
                self.running(stat.czxid.0, ctx);
            }
            // After a lost connection the registration may be this session's own: the create was done, its answer lost.
            [Err(ZkError::NodeExists), Ok(OpResult::Exists(stat))]
                if stat.ephemeral_owner.is_some() && stat.ephemeral_owner == self.zk.session() =>
            {
                self.running(stat.czxid.0, ctx);
            }
            [Err(ZkError::NodeExists), ..] => {
                if !self.waited {
                    self.waited = true;
                    ctx.note(EventKind::Broker(BrokerEvent::WaitsForOldSession));
                }
                self.try_again_soon(Stage::Waiting, ctx);
            }
            _ => self.try_again_soon(Stage::Connecting, ctx),
        }
    }

    fn running(&mut self, epoch: i64, ctx: &mut Context<'_>) {
        self.epoch = Some(epoch);
        self.registered = Some(epoch);
        self.stage = Stage::Running;
        ctx.emit(EventKind::Broker(BrokerEvent::Registered { epoch }));
        ctx.output(Output::Listening { broker: self.id, open: true });
        self.controller.start(epoch, &mut self.zk, ctx);
    }

    fn try_again_soon(&mut self, stage: Stage, ctx: &mut Context<'_>) {
        self.stage = stage;
        ctx.timer(REGISTER_AGAIN, Self::timer(BrokerTimer::Lifecycle));
    }

    /// The session is over: everything that lived with it is gone, the controller in here resigns, and the broker
    /// registers anew, as Kafka's `KafkaZkClient` does.
    pub(super) fn on_session_expired(&mut self, ctx: &mut Context<'_>) {
        ctx.emit(EventKind::Broker(BrokerEvent::SessionLost));
        self.controller.on_session_lost(ctx);
        self.epoch = None;
        if !matches!(self.stage, Stage::ShuttingDown(_) | Stage::Flushing | Stage::Stopped) {
            self.stage = Stage::Connecting;
        }
        self.zk.connect(ctx);
    }

    pub(super) fn on_lifecycle_timer(&mut self, ctx: &mut Context<'_>) {
        match self.stage {
            Stage::Connecting => self.prepare(ctx),
            Stage::Waiting => self.register(ctx),
            Stage::ShuttingDown(tries) => self.ask_shutdown(tries, ctx),
            Stage::Preparing(_) | Stage::Registering(_) | Stage::Running | Stage::Flushing | Stage::Stopped => {}
        }
    }

    /// Begins a controlled shutdown.
    pub fn shut_down(&mut self, ctx: &mut Context<'_>) {
        if !self.settings().controlled_shutdown_enable || self.stage != Stage::Running {
            return self.stop(ctx);
        }
        ctx.emit(EventKind::Broker(BrokerEvent::ShuttingDown));
        self.ask_shutdown(0, ctx);
        self.finish(ctx);
    }

    fn ask_shutdown(&mut self, tries: i32, ctx: &mut Context<'_>) {
        if tries > self.settings().controlled_shutdown_max_retries {
            return self.stop(ctx);
        }
        self.stage = Stage::ShuttingDown(tries);
        match (self.metadata.controller, self.epoch) {
            (Some(controller), Some(broker_epoch)) => {
                let request = ControlledShutdownRequest { broker_id: self.id.0, broker_epoch };
                self.leaving = Some(self.ask_controller(controller, Lane::LIFECYCLE, 3, request.into(), ctx));
            }
            _ => self.shut_down_later(tries, ctx),
        }
    }

    fn shut_down_later(&mut self, tries: i32, ctx: &mut Context<'_>) {
        self.stage = Stage::ShuttingDown(tries + 1);
        let wait = millis(self.settings().controlled_shutdown_retry_backoff_ms);
        ctx.timer(wait, Self::timer(BrokerTimer::Lifecycle));
    }

    pub(super) fn on_shutdown_answer(&mut self, correlation: Id, response: Response, ctx: &mut Context<'_>) {
        let Some((_, timeout)) = self.leaving.take_if(|(id, _)| *id == correlation) else { return };
        ctx.cancel(timeout);
        let (Stage::ShuttingDown(tries), Response::ControlledShutdown(answer)) = (self.stage, response) else { return };
        if answer.error_code.is_ok() && answer.remaining_partitions.is_empty() {
            self.stop(ctx);
        } else {
            self.shut_down_later(tries, ctx);
        }
    }

    pub(super) fn shutdown_closed(&mut self, peer: BrokerId, ctx: &mut Context<'_>) {
        if let Stage::ShuttingDown(tries) = self.stage
            && self.metadata.controller == Some(peer)
            && let Some((_, timeout)) = self.leaving.take()
        {
            ctx.cancel(timeout);
            self.shut_down_later(tries, ctx);
        }
    }

    pub(super) fn shutdown_unanswered(&mut self, asked: Id, ctx: &mut Context<'_>) {
        if let Stage::ShuttingDown(tries) = self.stage
            && self.leaving.take_if(|(id, _)| *id == asked).is_some()
        {
            self.shut_down_later(tries, ctx);
        }
    }

    /// The orderly end: the logs are flushed, then the session is closed, so that nobody has to wait for it.
    fn stop(&mut self, ctx: &mut Context<'_>) {
        self.stage = Stage::Flushing;
        if self.log_dir_error().is_none() {
            self.flush_all(ctx);
        }
        self.stop_when_flushed(ctx);
    }
}

//! One broker: its process from start to end, request dispatch, hosted replicas, metadata cache.
//!
//! ```text
//!   start -> connect to ZooKeeper -> register /brokers/ids/N -> take up the log directory -> serve -> shut down
//! ```
//!
//! A killed broker leaves only its [`Disk`] behind: logs and the checkpoint of high watermarks. All else is made anew.
//! Every request, of a socket, a built-in client or another broker, passes [`Broker::handle`] and the table of
//! [`api`]; every answer passes [`Broker::reply`].

pub mod api;
mod cleaner;
mod cold;
mod configs;
pub mod connection;
pub mod disk;
mod each_once;
mod fetch_session;
mod fetcher;
mod flush;
pub mod groups;
mod inter;
mod isr;
mod lifecycle;
mod log_dir;
pub mod metadata;
pub mod producer_ids;
mod purgatory;
mod replicas;
mod retention;
pub mod stats;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use self::api::{Callers, Handled};
use self::cleaner::Cleaning;
use self::cold::ColdReads;
use self::configs::Configs;
use self::connection::{Connections, Origin, Peer, Pending};
use self::fetch_session::FetchSessions;
use self::fetcher::Fetchers;
use self::flush::Flushes;
use self::groups::Groups;
use self::isr::IsrChanges;
use self::metadata::MetadataCache;
use self::producer_ids::ProducerIds;
use self::purgatory::{ParkId, Purgatory};
use self::stats::Stats;
use super::config::Config;
use super::context::{Context, Id, Timer, TimerId};
use super::controller::{Controller, ControllerTimer};
use super::group::GroupTimer;
use super::message::{KafkaRequest, KafkaResponse, Lane, Output, Payload, SocketId};
use super::node::{BrokerId, NodeId};
use super::replica::{Replica, TopicPartition};
use super::settings::{BrokerSettings, Settings};
use super::zk::client::{ClientTimer, ZkClient, ZkClientEvent};
use crate::engine::time::millis;
use crate::protocol::{Request, Response};

pub use self::disk::Disk;
pub use self::lifecycle::Stage;

/// What a broker's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerTimer {
    /// A parked request has waited as long as it may.
    Expire(Id),
    /// A follower's fetcher tries again after a failure.
    Fetch(BrokerId),
    /// Look for followers that have fallen behind.
    ShrinkIsr,
    /// Ask the controller again to change in-sync sets.
    ProposeIsr,
    /// Write the high watermarks to disk.
    Checkpoint,
    /// Look for logs that were not flushed for too long.
    Flush,
    /// Look for segments that are too old or too many.
    Retain,
    /// Look for logs to compact.
    Clean,
    /// The controller has not answered this request within `controller.socket.timeout.ms`.
    Unanswered(Id),
    /// The lifecycle's own: try to register again, ask for the shutdown again.
    Lifecycle,
    /// A group's own.
    Group(GroupTimer),
    /// What a group wanted to keep was not replicated in time.
    GroupWrite {
        /// The partition of `__consumer_offsets`.
        partition: i32,
        /// Its number.
        id: Id,
    },
    /// Look for committed offsets that are too old.
    ExpireOffsets,
    /// The controller's own.
    Controller(ControllerTimer),
}

/// A running broker. See the [module](self).
#[derive(Clone, Debug)]
pub struct Broker {
    /// Its id.
    pub id: BrokerId,
    /// The lab's configuration.
    pub config: Arc<Config>,
    /// Where it is in its life.
    pub stage: Stage,
    /// Its session with ZooKeeper.
    pub zk: ZkClient,
    /// The number of its registration (czxid), once it is registered.
    pub epoch: Option<i64>,
    /// The cluster's id, once read.
    pub cluster_id: Option<Arc<str>>,
    /// Who is connected.
    pub connections: Connections,
    /// The replicas that it hosts.
    pub replicas: BTreeMap<TopicPartition, Arc<Replica>>,
    /// What the controller told of the cluster.
    pub metadata: Arc<MetadataCache>,
    /// The controller in it: active in one broker.
    pub controller: Controller,
    /// Counters.
    pub stats: Stats,
    /// Replicas that changed since this was last taken: what a snapshot and the invariants must look at.
    pub touched: BTreeSet<TopicPartition>,
    /// The number of its newest registration, that of an ended session too; none in a process that never had one.
    registered: Option<i64>,
    /// The newest controller epoch that it has seen.
    controller_epoch: i32,
    sessions: FetchSessions,
    fetchers: Fetchers,
    isr: IsrChanges,
    flushes: Flushes,
    cold: ColdReads,
    /// What the log directory failed of: it is offline since.
    log_dir_error: Option<Arc<str>>,
    cleaning: Cleaning,
    groups: Groups,
    producer_ids: ProducerIds,
    purgatory: Purgatory,
    /// Whether it has said that it waits for its old session.
    waited: bool,
    configs: Configs,
    /// Topics that the controller was asked to create, with the number of the request.
    creating: BTreeMap<Arc<str>, Id>,
    /// The request for the own shutdown that is on its way to the controller.
    leaving: Option<(Id, TimerId)>,
    /// Requests whose turn came while another was being answered.
    turn: VecDeque<Pending>,
    /// The checkpoint that is being written.
    checkpointing: Option<Id>,
    /// High watermarks as the last checkpoint has them.
    checkpoint: BTreeMap<TopicPartition, i64>,
}

impl Broker {
    /// Its settings, as they are now.
    pub fn settings(&self) -> &Settings {
        self.configs.settings()
    }

    /// The same with where each comes from.
    pub fn layered_settings(&self) -> &BrokerSettings {
        self.configs.layers()
    }

    /// Where its logs lie.
    pub fn log_dir(&self) -> String {
        format!("{}/{}", self.config.log_dirs, self.id)
    }

    /// A message arrived.
    pub fn on_message(&mut self, from: NodeId, payload: Payload, ctx: &mut Context<'_>) {
        match payload {
            Payload::Request(request) => self.on_request(from, request, ctx),
            Payload::Response(response) => self.on_response(from, response, ctx),
            Payload::Closed { lane } => self.on_closed(from, lane, ctx),
            Payload::ZkReply(message) => {
                let events = self.zk.on_message(from, message, ctx);
                self.on_zk_events(events, ctx);
            }
            Payload::Zk(_) | Payload::ZkPeer(_) => debug_assert!(false, "a broker is no ZooKeeper server"),
        }
        self.finish(ctx);
    }

    /// A timer fired.
    pub fn on_timer(&mut self, timer: BrokerTimer, ctx: &mut Context<'_>) {
        match timer {
            BrokerTimer::Expire(id) => self.expire(ParkId(id), ctx),
            BrokerTimer::Fetch(leader) => self.fetch_from(leader, ctx),
            BrokerTimer::ShrinkIsr => self.shrink_isr(ctx),
            BrokerTimer::ProposeIsr => self.propose_isr_again(ctx),
            BrokerTimer::Checkpoint => self.write_checkpoint(ctx),
            BrokerTimer::Flush => self.flush_by_time(ctx),
            BrokerTimer::Retain => self.retain(ctx),
            BrokerTimer::Clean => self.clean_next(ctx),
            BrokerTimer::Unanswered(id) => self.on_unanswered(id, ctx),
            BrokerTimer::Lifecycle => self.on_lifecycle_timer(ctx),
            BrokerTimer::Group(timer) => self.on_group_timer(&timer, ctx),
            BrokerTimer::GroupWrite { partition, id } => self.on_group_write_late(partition, id, ctx),
            BrokerTimer::ExpireOffsets => self.expire_offsets(ctx),
            BrokerTimer::Controller(timer) => self.controller.on_timer(&timer, &mut self.zk, ctx),
        }
        self.finish(ctx);
    }

    /// A timer of its ZooKeeper client fired.
    pub fn on_zk_timer(&mut self, timer: &ClientTimer, ctx: &mut Context<'_>) {
        let events = self.zk.on_timer(timer, ctx);
        self.on_zk_events(events, ctx);
        self.finish(ctx);
    }

    /// A client connected on a socket.
    pub fn on_connected(&mut self, socket: SocketId, address: Arc<str>) {
        self.connections.connected(Peer::Socket(socket), address);
    }

    /// A client's socket is gone: nobody waits for its answers any more.
    pub fn on_disconnected(&mut self, socket: SocketId, ctx: &mut Context<'_>) {
        self.forget(Peer::Socket(socket), ctx);
        self.finish(ctx);
    }

    /// A request arrived on a socket, or from a node.
    pub fn on_pending(&mut self, pending: Pending, ctx: &mut Context<'_>) {
        if self.stage == Stage::Flushing {
            return self.close(pending.origin.peer, ctx);
        }
        match self.connections.arrived(pending) {
            Ok(Some(pending)) => self.handle(pending, ctx),
            Ok(None) => {}
            Err(peer) => self.close(peer, ctx),
        }
        self.finish(ctx);
    }

    fn on_request(&mut self, from: NodeId, request: KafkaRequest, ctx: &mut Context<'_>) {
        let KafkaRequest { lane, correlation, version, client_id, request } = request;
        if self.registered.is_none() {
            // As Kafka's, it does not listen before it is registered: what is sent to it is meant for the process before.
            return ctx.send(from, Payload::Closed { lane: Some(lane) });
        }
        let origin = Origin { peer: Peer::Node(from, lane), correlation, version, client_id };
        self.on_pending(Pending { origin, request }, ctx);
    }

    fn on_response(&mut self, from: NodeId, response: KafkaResponse, ctx: &mut Context<'_>) {
        let NodeId::Broker(from) = from else { return };
        if self.stage == Stage::Flushing {
            // Nothing is appended any more.
            return;
        }
        let KafkaResponse { lane, correlation, response } = response;
        match lane {
            Lane::CONTROLLER => self.controller.on_response(from, correlation, response, &mut self.zk, ctx),
            Lane::FETCHER => self.on_fetched(from, correlation, response, ctx),
            Lane::ALTER_PARTITION => self.on_isr_answer(correlation, response, ctx),
            Lane::LIFECYCLE => self.on_shutdown_answer(correlation, response, ctx),
            Lane::AUTO_CREATE => self.created_automatically(correlation),
            _ => {}
        }
    }

    /// A connection is gone, or all with that node. Which of the two opened it is not said: what came on it is forgotten,
    /// and what was asked on it is asked again.
    fn on_closed(&mut self, from: NodeId, lane: Option<Lane>, ctx: &mut Context<'_>) {
        if let NodeId::Zk(_) = from {
            let events = self.zk.on_closed(from, ctx);
            return self.on_zk_events(events, ctx);
        }
        match lane {
            Some(lane) => self.forget(Peer::Node(from, lane), ctx),
            None => self.forget_node(from, ctx),
        }
        let NodeId::Broker(peer) = from else { return };
        let is = |closed: Lane| lane.is_none_or(|lane| lane == closed);
        if is(Lane::CONTROLLER) {
            self.controller.on_closed(peer, ctx);
        }
        if is(Lane::FETCHER) {
            self.fetcher_closed(peer, ctx);
        }
        if is(Lane::ALTER_PARTITION) {
            self.isr_closed(peer, ctx);
        }
        if is(Lane::LIFECYCLE) {
            self.shutdown_closed(peer, ctx);
        }
        if is(Lane::AUTO_CREATE) {
            self.creating.clear();
        }
    }

    fn on_zk_events(&mut self, events: Vec<ZkClientEvent>, ctx: &mut Context<'_>) {
        for event in events {
            match event {
                ZkClientEvent::Connected { session, new } => self.on_session(session, new, ctx),
                ZkClientEvent::Disconnected => {}
                ZkClientEvent::Expired => self.on_session_expired(ctx),
                ZkClientEvent::Done { ticket, results } => {
                    let mine = self.on_lifecycle_done(ticket, &results, ctx)
                        || self.on_configs(ticket, &results, ctx)
                        || self.on_producer_ids(ticket, &results, ctx);
                    if !mine {
                        self.controller.on_done(ticket, &results, &mut self.zk, ctx);
                    }
                }
                ZkClientEvent::Watch(watch) => {
                    if !self.on_config_watch(&watch, ctx) {
                        self.controller.on_watch(&watch, &mut self.zk, ctx);
                    }
                }
            }
        }
    }

    /// Handles a request whose turn it is.
    fn handle(&mut self, pending: Pending, ctx: &mut Context<'_>) {
        let Pending { origin, request } = pending;
        let Some(api) = api::api(request.api_key()) else { return self.close(origin.peer, ctx) };
        let allowed = api.callers == Callers::Everybody || matches!(origin.peer, Peer::Node(NodeId::Broker(_), _));
        if !allowed || !(api.oldest..=api.newest).contains(&origin.version) {
            return self.close(origin.peer, ctx);
        }
        self.stats.request(api.key);
        let before = std::mem::replace(&mut ctx.clock, origin.peer.clock());
        match (api.handle)(self, request, &origin, ctx) {
            Handled::Ready(response) => self.reply(&origin, Some(response), ctx),
            Handled::Silent => self.reply(&origin, None, ctx),
            Handled::Close => self.close(origin.peer, ctx),
            Handled::Parked => {}
        }
        ctx.clock = before;
    }

    /// Answers a request, and gives the next one of its connection its turn.
    fn reply(&mut self, origin: &Origin, response: Option<Response>, ctx: &mut Context<'_>) {
        if !self.connections.is_open(origin.peer) {
            return;
        }
        match (origin.peer, response) {
            (Peer::Socket(socket), response) => ctx.output(Output::Reply {
                socket,
                // What the client sent: it was widened when the request came in.
                correlation: u32::try_from(origin.correlation).unwrap_or_default().cast_signed(),
                version: origin.version,
                response,
            }),
            (Peer::Node(node, lane), Some(response)) => {
                ctx.send(node, Payload::Response(KafkaResponse { lane, correlation: origin.correlation, response }));
            }
            (Peer::Node(..), None) => {}
        }
        if let Some(next) = self.connections.answered(origin.peer) {
            self.turn.push_back(next);
        }
    }

    /// Sends a request to another broker (or to itself, as Kafka's controller does).
    fn ask(&self, to: BrokerId, lane: Lane, version: i16, request: Request, ctx: &mut Context<'_>) -> Id {
        let correlation = ctx.next_id();
        let client_id = Arc::from(self.id.to_string());
        let request = KafkaRequest { lane, correlation, version, client_id, request };
        ctx.send(NodeId::Broker(to), Payload::Request(request));
        correlation
    }

    /// Asks the controller, and waits for `controller.socket.timeout.ms`. Returns the request's number, and the timer to
    /// cancel when it is answered.
    fn ask_controller(
        &self,
        controller: BrokerId,
        lane: Lane,
        version: i16,
        request: Request,
        ctx: &mut Context<'_>,
    ) -> (Id, TimerId) {
        let id = self.ask(controller, lane, version, request, ctx);
        let patience = millis(self.settings().controller_socket_timeout_ms);
        (id, ctx.timer(patience, Self::timer(BrokerTimer::Unanswered(id))))
    }

    /// The controller has not answered: each who asked it asks again, perhaps another.
    fn on_unanswered(&mut self, id: Id, ctx: &mut Context<'_>) {
        self.isr_unanswered(id, ctx);
        self.shutdown_unanswered(id, ctx);
        self.creating.retain(|_, asked| *asked != id);
    }

    /// Closes a connection for what came on it.
    fn close(&mut self, peer: Peer, ctx: &mut Context<'_>) {
        match peer {
            Peer::Socket(socket) => ctx.output(Output::Close { socket }),
            Peer::Node(node, lane) => ctx.send(node, Payload::Closed { lane: Some(lane) }),
        }
        self.forget(peer, ctx);
    }

    /// Forgets a connection and what waits on it.
    fn forget(&mut self, peer: Peer, ctx: &mut Context<'_>) {
        self.connections.closed(peer);
        self.turn.retain(|pending| pending.origin.peer != peer);
        for timer in self.purgatory.forget(|origin| origin.peer == peer) {
            ctx.cancel(timer);
        }
    }

    fn forget_node(&mut self, node: NodeId, ctx: &mut Context<'_>) {
        self.connections.node_gone(node);
        let of_node = |origin: &Origin| matches!(origin.peer, Peer::Node(n, _) if n == node);
        self.turn.retain(|pending| !of_node(&pending.origin));
        for timer in self.purgatory.forget(of_node) {
            ctx.cancel(timer);
        }
    }

    /// What every step ends with: replicas that moved wake whoever waits for them, the controller's answers go out, and
    /// requests whose turn has come are handled, until nothing is left to do.
    fn finish(&mut self, ctx: &mut Context<'_>) {
        loop {
            self.wake(ctx);
            while self.serve_groups(ctx) {
                self.wake(ctx);
            }
            for (origin, response) in self.controller.take_replies() {
                self.reply(&origin, Some(response), ctx);
            }
            let Some(next) = self.turn.pop_front() else { break };
            self.handle(next, ctx);
        }
        self.propose_isr(ctx);
        self.flush_touched(ctx);
    }

    fn timer(timer: BrokerTimer) -> Timer {
        Timer::Broker(timer)
    }
}

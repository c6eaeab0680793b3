//! A small world for controllers: a real ZooKeeper, one controller and client per broker, and brokers that answer what
//! they are told. Messages arrive at once and in order; time passes only when a test says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::broker::BrokerTimer;
use crate::engine::broker::connection::{Origin, Peer};
use crate::engine::context::{Cause, Context, Effect, Id, Timer};
use crate::engine::controller::{Controller, Partition, znodes};
use crate::engine::event::{ControllerEvent, Event, EventKind};
use crate::engine::log::InMemory;
use crate::engine::message::{KafkaRequest, Payload, SocketId};
use crate::engine::node::{BrokerId, NodeId, ZkId};
use crate::engine::replica::TopicPartition;
use crate::engine::rng::Rng;
use crate::engine::settings::Settings;
use crate::engine::time::{Clock, Now, Time};
use crate::engine::timers::{Pending, Timers};
use crate::engine::zk::client::{Ticket, ZkClient, ZkClientEvent};
use crate::engine::zk::op::{ANY_VERSION, CreateMode, Op, OpResult, Write};
use crate::engine::zk::{ZkConfig, ZkServer};
use crate::protocol::stop_replica::StopReplicaPartitionError;
use crate::protocol::{
    ErrorCode, LeaderAndIsrResponse, Request, Response, StopReplicaResponse, UpdateMetadataResponse,
};

const ZK: NodeId = NodeId::Zk(ZkId(1));
/// The node that writes to ZooKeeper by hand.
const HAND: BrokerId = BrokerId(99);

struct Node {
    zk: ZkClient,
    controller: Controller,
    registering: Option<Ticket>,
}

pub(super) struct World {
    now: Now,
    rng: Rng,
    ids: Id,
    server: ZkServer,
    nodes: BTreeMap<BrokerId, Node>,
    timers: Timers,
    flying: VecDeque<(NodeId, NodeId, Payload, Cause)>,
    settings: Arc<Settings>,
    pub(super) events: Vec<Event>,
    /// What brokers were told by controllers, since a test last looked.
    pub(super) told: Vec<(BrokerId, Request)>,
    /// What controllers answered to requests, by the number that [`World::ask`] gave.
    pub(super) answers: BTreeMap<Id, Response>,
    /// Brokers that take requests and do not answer.
    pub(super) silent: BTreeSet<BrokerId>,
}

impl World {
    /// Brokers 1 to `brokers`, registered one after the other: 1 is the controller.
    pub(super) fn new(brokers: i32) -> Self {
        Self::with(brokers, Settings::lab())
    }

    pub(super) fn with(brokers: i32, settings: Settings) -> Self {
        let tick = Duration::from_millis(100);
        let mut world = Self {
            now: Now { epoch_ms: 1_700_000_000_000, ..Now::default() },
            rng: Rng::split(7, "world"),
            ids: 0,
            server: ZkServer::new(ZkId(1), ZkConfig { tick, ..ZkConfig::of(1) }),
            nodes: BTreeMap::new(),
            timers: Timers::default(),
            flying: VecDeque::new(),
            settings: settings.into(),
            events: Vec::new(),
            told: Vec::new(),
            answers: BTreeMap::new(),
            silent: BTreeSet::new(),
        };
        world.act(ZK, Cause::default(), |world, ctx| world.server.start(ctx));
        world.start(HAND);
        for id in 1..=brokers {
            world.start(BrokerId(id));
        }
        world
    }

    /// Runs `work` as `node` and carries out what it decides.
    fn act(&mut self, node: NodeId, cause: Cause, work: impl FnOnce(&mut Self, &mut Context<'_>)) {
        let (mut rng, mut ids, mut effects) = (self.rng.clone(), self.ids, Vec::new());
        let now = self.now;
        let clock = Clock::Lab;
        let mut ctx = Context {
            now,
            node,
            clock,
            cause,
            rng: &mut rng,
            ids: &mut ids,
            effects: &mut effects,
            disks: &mut InMemory,
        };
        work(self, &mut ctx);
        (self.rng, self.ids) = (rng, ids);
        for effect in effects {
            match effect {
                Effect::Send { to, payload, cause } => self.flying.push_back((node, to, payload, cause)),
                Effect::Timer { id, timer, cause } => self.timers.set(id, Pending { node, timer, cause }),
                Effect::Cancel(id) => self.timers.cancel(id),
                Effect::Event { id, kind, cause } => self.events.push(Event { id, at: now.lab, node, kind, cause }),
                Effect::Output(_) => {}
            }
        }
    }

    /// Starts a broker: it registers, and its controller stands for election.
    pub(super) fn start(&mut self, id: BrokerId) {
        let zk = ZkClient::new(vec![ZkId(1)], Duration::from_secs(1));
        let controller = Controller::new(id, Arc::clone(&self.settings));
        self.nodes.insert(id, Node { zk, controller, registering: None });
        self.with_node(id, Cause::default(), |node, ctx| node.zk.connect(ctx));
        self.settle();
    }

    /// Kills a broker; ZooKeeper ends its session a second later.
    pub(super) fn kill(&mut self, id: i32) {
        let id = BrokerId(id);
        self.nodes.remove(&id);
        self.timers.died(NodeId::Broker(id));
        self.act(ZK, Cause::default(), |world, ctx| world.server.on_closed(NodeId::Broker(id), ctx));
        for other in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.with_node(other, Cause::default(), |node, ctx| node.controller.on_closed(id, ctx));
        }
        self.settle();
    }

    /// Kills a broker and waits until ZooKeeper knows.
    pub(super) fn kill_and_wait(&mut self, id: i32) {
        self.kill(id);
        self.pass(Duration::from_millis(1_500));
    }

    /// ZooKeeper's process dies and starts again: all connections close, no session ends.
    pub(super) fn restart_zookeeper(&mut self) {
        self.server.stop(0, self.now.lab);
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.flying.push_back((ZK, NodeId::Broker(id), Payload::Closed { lane: None }, Cause::default()));
        }
        self.act(ZK, Cause::default(), |world, ctx| world.server.start(ctx));
        self.settle();
    }

    fn with_node(&mut self, id: BrokerId, cause: Cause, work: impl FnOnce(&mut Node, &mut Context<'_>)) {
        let Some(mut node) = self.nodes.remove(&id) else { return };
        self.act(NodeId::Broker(id), cause, |_, ctx| work(&mut node, ctx));
        for (origin, response) in node.controller.take_replies() {
            self.answers.insert(origin.correlation, response);
        }
        self.nodes.insert(id, node);
    }

    /// Delivers what is on its way, and what follows from it.
    pub(super) fn settle(&mut self) {
        while let Some((from, to, payload, cause)) = self.flying.pop_front() {
            match (to, payload) {
                (NodeId::Zk(_), Payload::Zk(message)) => {
                    self.act(ZK, cause, |world, ctx| world.server.on_message(from, message, ctx));
                }
                (NodeId::Zk(_), _) => self.act(ZK, cause, |world, ctx| world.server.on_closed(from, ctx)),
                (NodeId::Broker(id), Payload::ZkReply(message)) => self.with_node(id, cause, |node, ctx| {
                    let events = node.zk.on_message(from, message, ctx);
                    node.on_zk(id, events, ctx);
                }),
                (NodeId::Broker(id), Payload::Closed { lane: None }) => self.with_node(id, cause, |node, ctx| {
                    let events = node.zk.on_closed(from, ctx);
                    node.on_zk(id, events, ctx);
                }),
                (NodeId::Broker(id), Payload::Request(request)) => self.told(from, id, &request, cause),
                _ => {}
            }
        }
    }

    /// A broker is told something by a controller, and says yes.
    fn told(&mut self, from: NodeId, to: BrokerId, request: &KafkaRequest, cause: Cause) {
        let NodeId::Broker(controller) = from else { return };
        if !self.nodes.contains_key(&to) {
            return self.with_node(controller, cause, |node, ctx| node.controller.on_closed(to, ctx));
        }
        self.told.push((to, request.request.clone()));
        if self.silent.contains(&to) {
            return;
        }
        let response: Response = match &request.request {
            Request::LeaderAndIsr(_) => LeaderAndIsrResponse::default().into(),
            Request::UpdateMetadata(_) => UpdateMetadataResponse::default().into(),
            Request::StopReplica(request) => {
                let partition_errors = request
                    .topic_states
                    .iter()
                    .flat_map(|topic| topic.partition_states.iter().map(move |state| (topic, state)))
                    .map(|(topic, state)| StopReplicaPartitionError {
                        topic_name: Arc::clone(&topic.topic_name),
                        partition_index: state.partition_index,
                        error_code: ErrorCode::NONE,
                    })
                    .collect();
                StopReplicaResponse { partition_errors, ..Default::default() }.into()
            }
            other => panic!("no broker is told {other:?}"),
        };
        self.with_node(controller, cause, |node, ctx| {
            node.controller.on_response(to, request.correlation, response, &mut node.zk, ctx);
        });
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.lab + time;
        self.settle();
        while self.timers.next(Clock::Lab).is_some_and(|(at, _)| at <= end) {
            let Some((id, Pending { node, timer, cause })) = self.timers.take(Clock::Lab) else { break };
            self.set_time(id.at);
            match (node, timer) {
                (NodeId::Zk(_), Timer::Zk(timer)) => {
                    self.act(ZK, cause, |world, ctx| world.server.on_timer(&timer, ctx));
                }
                (NodeId::Broker(id), Timer::ZkClient(timer)) => self.with_node(id, cause, |node, ctx| {
                    let events = node.zk.on_timer(&timer, ctx);
                    node.on_zk(id, events, ctx);
                }),
                (NodeId::Broker(id), Timer::Broker(BrokerTimer::Controller(timer))) => {
                    self.with_node(id, cause, |node, ctx| node.controller.on_timer(&timer, &mut node.zk, ctx));
                }
                _ => {}
            }
            self.settle();
        }
        self.set_time(end);
    }

    fn set_time(&mut self, to: Time) {
        self.now.lab = to;
        self.now.outside = to;
    }

    /// Sends a request to the controller of a broker, in the newest version, and lets everything settle.
    pub(super) fn ask(&mut self, broker: i32, request: impl Into<Request>) -> Id {
        self.ids += 1;
        let (request, correlation) = (request.into(), self.ids);
        let version = *request.api_key().versions().unwrap().end();
        let origin =
            Origin { peer: Peer::Socket(SocketId(correlation)), correlation, version, client_id: "test".into() };
        self.with_node(BrokerId(broker), Cause::default(), |node, ctx| {
            node.controller.on_request(request, origin, &mut node.zk, ctx);
        });
        self.settle();
        correlation
    }

    /// The same, and the answer, which must be there by now.
    pub(super) fn answer(&mut self, broker: i32, request: impl Into<Request>) -> Response {
        let id = self.ask(broker, request);
        self.answers.remove(&id).expect("an answer")
    }

    /// Writes to ZooKeeper as a person with a shell would.
    pub(super) fn by_hand(&mut self, op: impl Into<Op>) {
        let op = op.into();
        self.with_node(HAND, Cause::default(), |node, ctx| {
            node.zk.submit(vec![op], ctx);
        });
        self.settle();
    }

    /// Makes a topic by hand: its replicas, partition by partition.
    pub(super) fn topic(&mut self, name: &str, partitions: &[&[i32]]) {
        let assignments = partitions.iter().map(|replicas| znodes::Assignment::of(ids(replicas)));
        let node = znodes::TopicNode { id: self.rng.uuid(), partitions: (0..).zip(assignments).collect() };
        self.by_hand(Write::create(znodes::topic_path(name), znodes::topic(&node), CreateMode::Persistent));
    }

    /// Data of a znode.
    pub(super) fn data(&self, path: &str) -> Option<Bytes> {
        self.server.tree().get(path).map(|znode| znode.data().clone())
    }

    /// Whether a znode is there.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.server.tree().get(path).is_some()
    }

    /// A partition's state as ZooKeeper has it: leader or -1, leader epoch, in-sync replicas.
    pub(super) fn state(&self, topic: &str, partition: i32) -> (i32, i32, Vec<i32>) {
        let data = self.data(&znodes::state_path(topic, partition)).expect("a state");
        let state = znodes::read_state(&data).unwrap();
        (state.leader.map_or(-1, |id| id.0), state.leader_epoch, state.isr.iter().map(|id| id.0).collect())
    }

    /// The version of a partition's state in ZooKeeper.
    pub(super) fn state_version(&self, topic: &str, partition: i32) -> i32 {
        self.server.tree().get(&znodes::state_path(topic, partition)).expect("a state").version()
    }

    pub(super) fn controller(&self, id: i32) -> &Controller {
        &self.nodes[&BrokerId(id)].controller
    }

    /// The active controllers.
    pub(super) fn active(&self) -> Vec<i32> {
        self.nodes.iter().filter(|(_, node)| node.controller.is_active()).map(|(id, _)| id.0).collect()
    }

    /// What the active controller knows of a partition.
    pub(super) fn partition(&self, topic: &str, partition: i32) -> Partition {
        let active = self.controller(self.active()[0]);
        active.cluster().partition(&TopicPartition::new(topic, partition)).expect("a partition").clone()
    }

    /// The epoch of a broker's registration.
    pub(super) fn broker_epoch(&self, id: i32) -> i64 {
        self.server.tree().get(&znodes::broker_path(BrokerId(id))).expect("a registration").stat().czxid.0
    }

    /// What controllers reported, since a test last looked.
    pub(super) fn reports(&mut self) -> Vec<ControllerEvent> {
        std::mem::take(&mut self.events)
            .into_iter()
            .filter_map(|event| match event.kind {
                EventKind::Controller(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    /// The next controller epoch, as if another controller had taken over unnoticed.
    pub(super) fn depose(&mut self) {
        self.by_hand(Write::set(znodes::CONTROLLER_EPOCH, znodes::controller_epoch(41), ANY_VERSION));
    }
}

impl Node {
    fn on_zk(&mut self, id: BrokerId, events: Vec<ZkClientEvent>, ctx: &mut Context<'_>) {
        for event in events {
            match event {
                ZkClientEvent::Connected { new: true, .. } => self.register(id, ctx),
                ZkClientEvent::Connected { .. } | ZkClientEvent::Disconnected => {}
                ZkClientEvent::Expired => {
                    self.controller.on_session_lost(ctx);
                    self.zk.connect(ctx);
                }
                ZkClientEvent::Done { ticket, results } if self.registering == Some(ticket) => {
                    let Some(Ok(OpResult::Exists(stat))) = results.last() else { continue };
                    if id != HAND {
                        self.controller.start(stat.czxid.0, &mut self.zk, ctx);
                    }
                }
                ZkClientEvent::Done { ticket, results } => {
                    self.controller.on_done(ticket, &results, &mut self.zk, ctx);
                }
                ZkClientEvent::Watch(event) => self.controller.on_watch(&event, &mut self.zk, ctx),
            }
        }
    }

    /// The hand makes the persistent znodes; brokers register.
    fn register(&mut self, id: BrokerId, ctx: &mut Context<'_>) {
        let ops: Vec<Op> = if id == HAND {
            znodes::PERSISTENT.iter().map(|path| Write::create(*path, "", CreateMode::Persistent).into()).collect()
        } else {
            let port = 9_091 + u16::try_from(id.0).unwrap();
            let info = znodes::broker_registration("127.0.0.1", port, None, 0);
            let path = znodes::broker_path(id);
            vec![Write::create(path.clone(), info, CreateMode::Ephemeral).into(), Op::exists(path)]
        };
        self.registering = Some(self.zk.submit(ops, ctx));
    }
}

pub(super) fn ids(numbers: &[i32]) -> Vec<BrokerId> {
    numbers.iter().copied().map(BrokerId).collect()
}

//! The cluster as a value: every node, the network with its messages in flight, the timers, the generators; and
//! [`Cluster::step`], the only way that anything happens to it.
//!
//! One step handles one thing: an input from outside, or the one message or timer that is due first. Handlers put their
//! effects on a list; the step carries them out: messages go on the network, timers are set, events are recorded, and
//! what is for the world outside is handed over.
//!
//! `Clone` is cheap: nodes are shared until one of the two changes, records always.

mod clients;
mod dispatch;
mod ensemble;
mod events;
mod links;
mod nodes;
mod power;
mod room;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use clients::MAX_ENDED;
pub use events::Events;
pub use nodes::{BrokerNode, Process};

use super::broker::Disk;
use super::client::Client;
use super::config::Config;
use super::context::{Effect, Id};
use super::log::{Disks, InMemory};
use super::message::{Answer, Input, Message, Output, SocketId, Ticket};
use super::network::Network;
use super::node::{BrokerId, ClientId, NodeId, ZkId};
use super::replica::TopicPartition;
use super::rng::Rng;
use super::time::{Clock, Now, Time};
use super::timers::{Pending, Timers};
use super::zk::history::History;
use super::zk::{ZkConfig, ZkServer};
use turn::Turn;

/// When something is due next, on each clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// On the lab clock; [`Time::NEVER`] for nothing.
    pub lab: Time,
    /// On the outside clock; [`Time::NEVER`] for nothing.
    pub outside: Time,
}

/// The world outside, as a step meets it.
pub struct Outside<'a> {
    /// What leaves the core.
    pub outputs: &'a mut Vec<Output>,
    /// The disks that it writes to.
    pub disks: &'a mut dyn Disks,
}

impl Outside<'_> {
    fn push(&mut self, output: Output) {
        self.outputs.push(output);
    }
}

/// What was found on the disks of a lab that ran before.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By broker.
    pub brokers: BTreeMap<BrokerId, Disk>,
    /// By ZooKeeper server.
    pub zookeepers: BTreeMap<ZkId, History>,
}

/// The cluster. See the [module](self).
#[derive(Clone, Debug)]
pub struct Cluster {
    config: Arc<Config>,
    /// The time, the sequence of ids, the nodes' generators.
    turn: Turn,
    brokers: BTreeMap<BrokerId, Arc<BrokerNode>>,
    zookeepers: BTreeMap<ZkId, Arc<ZkServer>>,
    clients: BTreeMap<ClientId, Arc<Client>>,
    /// Which clients there were.
    roll: clients::Roll,
    network: Network,
    timers: Timers,
    events: Events,
    /// Commands whose answer is a broker's response, by the correlation of the request.
    asked: BTreeMap<Id, (Ticket, NodeId)>,
    /// Whose the sockets are.
    sockets: BTreeMap<SocketId, BrokerId>,
    /// When the auditor's book was last held against the producers' ledgers.
    audited: Time,
    /// Whether the processes were started.
    booted: bool,
    /// Whether brokers and clients are started once the ensemble serves.
    waits_for_ensemble: bool,
    /// What is left of `--memory`.
    room: room::Room,
    /// Replicas that changed since [`Cluster::take_touched`].
    touched: BTreeSet<(BrokerId, TopicPartition)>,
}

impl Cluster {
    /// A lab as `config` says, at time 0 of the date `epoch_ms`: every process is started at the first step.
    pub fn new(config: Config, epoch_ms: i64) -> Self {
        let seed = config.seed;
        let network = Network::new(config.link_delay, Rng::split(seed, "link"));
        let mut cluster = Self {
            turn: Turn::new(seed, epoch_ms),
            brokers: BTreeMap::new(),
            zookeepers: BTreeMap::new(),
            clients: BTreeMap::new(),
            roll: clients::Roll::default(),
            network,
            timers: Timers::default(),
            events: Events::default(),
            asked: BTreeMap::new(),
            sockets: BTreeMap::new(),
            audited: Time::ZERO,
            booted: false,
            waits_for_ensemble: false,
            room: room::Room::default(),
            touched: BTreeSet::new(),
            config: Arc::new(config),
        };
        cluster.populate();
        cluster
    }

    /// A lab that goes on with what was found on its disks. Ids, and whatever else is drawn, are not those of the run before.
    pub fn going_on(mut config: Config, epoch_ms: i64, found: Found) -> Self {
        let reign = found.zookeepers.values().map(|history| history.accepted_epoch).max().unwrap_or(0);
        let run = Rng::split(config.seed, &format!("run {reign}")).bits();
        config.seed = if reign == 0 { config.seed } else { run };
        let mut cluster = Self::new(config, epoch_ms);
        for (id, disk) in found.brokers {
            if let Some(node) = cluster.brokers.get_mut(&id) {
                Arc::make_mut(node).process = Process::Dead(disk);
            }
        }
        for (id, history) in found.zookeepers {
            let config = cluster.zk_config();
            cluster.zookeepers.insert(id, Arc::new(ZkServer::restored(id, config, history)));
        }
        cluster
    }

    fn zk_config(&self) -> ZkConfig {
        let tick = Duration::from_millis(u64::try_from(self.config.settings.zookeeper_tick_ms).unwrap_or(1));
        ZkConfig { tick, ..ZkConfig::of(self.config.zookeepers) }
    }

    /// Makes the nodes, none of them running yet.
    fn populate(&mut self) {
        let config = self.zk_config();
        for id in (1..=self.config.zookeepers).map(ZkId) {
            self.zookeepers.insert(id, Arc::new(ZkServer::new(id, config.clone())));
        }
        let brokers: Vec<BrokerId> = self.config.broker_ids().collect();
        for id in &brokers {
            self.brokers.insert(*id, Arc::new(BrokerNode::new(*id)));
        }
        for spec in &self.config.clients {
            let id = self.roll.next_id();
            self.clients.insert(id, Arc::new(Client::new(id, spec.clone(), brokers.clone())));
        }
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The time of the last step.
    pub fn now(&self) -> Now {
        self.turn.now
    }

    /// When something is due next; at once before the first step.
    pub fn due(&self) -> Due {
        if !self.booted {
            return Due { lab: Time::ZERO, outside: Time::ZERO };
        }
        let first = |next: Option<(Time, Id)>| next.map_or(Time::NEVER, |(at, _)| at);
        let network = first(self.network.next());
        Due { lab: network.min(first(self.timers.next(Clock::Lab))), outside: first(self.timers.next(Clock::Outside)) }
    }

    /// Handles one input at `now`. What was due before `now` must have been handled before ([`Cluster::due`]).
    ///
    /// [`Input::Due`] handles the one thing that is due first, at its own time, where it is due by `now`; else it does
    /// nothing.
    pub fn step(&mut self, input: Input, now: Now, outputs: &mut Vec<Output>) {
        self.step_on(input, now, &mut Outside { outputs, disks: &mut InMemory });
    }

    /// The same, of a lab whose logs are kept on `outside`'s disks.
    pub fn step_on(&mut self, input: Input, now: Now, outside: &mut Outside<'_>) {
        if !self.booted {
            self.booted = true;
            self.boot(outside);
        }
        match input {
            Input::Due => self.step_due(now, outside),
            other => {
                self.set_now(now.lab, now.outside);
                self.handle_input(other, outside);
            }
        }
    }

    fn set_now(&mut self, lab: Time, outside: Time) {
        self.turn.now.lab = self.turn.now.lab.max(lab);
        self.turn.now.outside = self.turn.now.outside.max(outside);
    }

    /// The one thing that is due first. Where both clocks have something, what is overdue longest goes first, and of
    /// two that are equally overdue the one that was set first.
    fn step_due(&mut self, now: Now, outside: &mut Outside<'_>) {
        let message = self.network.next();
        let timer = self.timers.next(Clock::Lab);
        let real = self.timers.next(Clock::Outside).filter(|(at, _)| *at <= now.outside);
        let lab = [message, timer].into_iter().flatten().min().filter(|(at, _)| *at <= now.lab);
        let outside_first = match (lab, real) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some((lab_at, lab_id)), Some((out_at, out_id))) => {
                let (lab_late, out_late) = (now.lab.since(lab_at), now.outside.since(out_at));
                out_late > lab_late || (out_late == lab_late && out_id < lab_id)
            }
        };
        if outside_first {
            let Some((at, _)) = real else { return };
            // Lab time goes along with outside time, but never past what is still to be handled on it.
            let bound = lab.map_or(now.lab, |(at, _)| at);
            self.set_now((now.lab - now.outside.since(at)).min(bound), at);
            self.fire(Clock::Outside, outside);
        } else if let Some((at, id)) = lab {
            self.set_now(at, now.outside - now.lab.since(at));
            if message.is_some_and(|(_, first)| first == id) {
                if let Some(message) = self.network.take() {
                    self.deliver(message, outside);
                }
            } else {
                self.fire(Clock::Lab, outside);
            }
        }
    }

    fn fire(&mut self, clock: Clock, outside: &mut Outside<'_>) {
        if let Some((id, pending)) = self.timers.take(clock) {
            self.fire_timer(id, pending, outside);
        }
    }

    fn carry_out(&mut self, node: NodeId, effects: Vec<Effect>, outside: &mut Outside<'_>) {
        for effect in effects {
            match effect {
                Effect::Send { to, payload, cause } => {
                    let id = self.turn.next_id();
                    self.network.send(id, self.turn.now.lab, node, to, payload, cause);
                }
                Effect::Timer { id, timer, cause } => self.timers.set(id, Pending { node, timer, cause }),
                Effect::Cancel(id) => self.timers.cancel(id),
                Effect::Event { id, kind, cause } => {
                    self.events.record(super::event::Event { id, at: self.turn.now.lab, node, kind, cause });
                }
                Effect::Output(output) => outside.push(output),
            }
        }
    }

    fn answer(ticket: Ticket, answer: Answer, outside: &mut Outside<'_>) {
        outside.push(Output::Answer { ticket, answer });
    }

    /// The brokers, dead ones too, by id.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, &BrokerNode)> {
        self.brokers.iter().map(|(id, node)| (*id, node.as_ref()))
    }

    /// One broker.
    pub fn broker(&self, id: BrokerId) -> Option<&BrokerNode> {
        self.brokers.get(&id).map(Arc::as_ref)
    }

    /// The ZooKeeper servers, by id.
    pub fn zookeepers(&self) -> impl Iterator<Item = (ZkId, &ZkServer)> {
        self.zookeepers.iter().map(|(id, server)| (*id, server.as_ref()))
    }

    /// The built-in clients, by number: those that run, and the newest that have ended ([`MAX_ENDED`]).
    pub fn clients(&self) -> impl Iterator<Item = (ClientId, &Client)> {
        self.clients.iter().map(|(id, client)| (*id, client.as_ref()))
    }

    /// The messages in flight, by arrival.
    pub fn in_flight(&self) -> impl Iterator<Item = &Message> {
        self.network.in_flight()
    }

    /// The replicas that changed since this was asked last: what a snapshot must project again, and the invariants check.
    pub fn take_touched(&mut self) -> BTreeSet<(BrokerId, TopicPartition)> {
        std::mem::take(&mut self.touched)
    }

    /// What happened: the newest events.
    pub fn events(&self) -> &Events {
        &self.events
    }
}

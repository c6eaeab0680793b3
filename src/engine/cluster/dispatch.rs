//! Who handles what: messages, timers and inputs to the node that they are for; processes that start and end.

use std::sync::Arc;
use std::time::Duration;

use super::{BrokerNode, Cluster, Outside, Process};
use crate::engine::broker::connection::{Origin, Peer, Pending as PendingRequest};
use crate::engine::broker::{Broker, Disk, Stage};
use crate::engine::context::{Cause, Context, Hop, MAX_HOPS, Timer, TimerId};
use crate::engine::event::{BrokerEvent, Event, EventKind, OperatorEvent};
use crate::engine::log::Disks;
use crate::engine::message::{
    Answer, By, Command, Input, KafkaRequest, Lane, Message, Output, Payload, SocketId, Ticket,
};
use crate::engine::node::{BrokerId, ClientId, NodeId};
use crate::engine::time::Clock;
use crate::engine::timers::Pending;
use crate::engine::zk::zab::PeerMessage;
use crate::protocol::Request;

/// How often the auditor's book is held against the producers' ledgers, in lab time.
const AUDIT_EVERY: Duration = Duration::from_millis(200);

impl Cluster {
    /// A message arrives.
    pub(super) fn deliver(&mut self, message: Message, outside: &mut Outside<'_>) {
        let cause = self.arrival(&message);
        let Message { from, to, payload, .. } = message;
        let delivered = match to {
            NodeId::Broker(id) => self.with_broker(id, Clock::Lab, cause, outside, |broker, ctx| {
                broker.on_message(from, payload.clone(), ctx);
            }),
            NodeId::Zk(id) => {
                self.with_zookeeper(id, (Clock::Lab, cause), outside, |server, ctx| match (from, payload.clone()) {
                    (_, Payload::Zk(message)) => server.on_message(from, message, ctx),
                    (NodeId::Zk(peer), Payload::ZkPeer(message)) => server.on_peer(peer, message, ctx),
                    (_, Payload::Closed { .. }) => server.on_closed(from, ctx),
                    _ => {}
                })
            }
            NodeId::Client(id) => self.with_client(id, cause, outside, |client, ctx| {
                client.on_message(from, payload.clone(), ctx);
            }),
            NodeId::Operator => {
                self.operator_hears(from, payload, outside);
                return;
            }
        };
        if !delivered {
            self.refuse(from, to, &payload);
        }
    }

    /// The cause of what a message leads to: the message itself, linked to those before it back to their event.
    fn arrival(&self, message: &Message) -> Cause {
        // What is routine has no story: only the message itself is the cause of what it leads to.
        let before = message.cause.via.as_ref().filter(|_| message.cause.event.is_some());
        let depth = before.map_or(1, |hop| hop.depth.saturating_add(1));
        // The count goes on where the links end, so that a chain can say what it lacks.
        let previous = before.filter(|hop| hop.depth % MAX_HOPS != 0).cloned();
        let hop = Hop {
            id: message.id,
            name: message.payload.name(),
            // Routine is told by nobody: its words would be made for nothing.
            about: message.cause.event.and_then(|_| message.payload.about()).map(Arc::from),
            from: message.from,
            to: message.to,
            sent: message.sent,
            arrived: self.turn.now.lab,
            depth,
            previous,
        };
        Cause { event: message.cause.event, via: Some(Arc::new(hop)) }
    }

    /// Nobody listens at `to`: its operating system says so to whoever tried.
    fn refuse(&mut self, from: NodeId, to: NodeId, payload: &Payload) {
        let lane = match payload {
            Payload::Request(request) => Some(request.lane),
            Payload::Zk(_) => None,
            Payload::ZkPeer(PeerMessage::ToLeader { .. }) => payload.lane(),
            // What is said to the dead in answer needs no answer, and a vote is told again.
            Payload::Response(_) | Payload::Closed { .. } | Payload::ZkReply(_) | Payload::ZkPeer(_) => return,
        };
        let ended_by = match to {
            NodeId::Broker(id) => self.brokers.get(&id).and_then(|node| node.ended_by),
            NodeId::Zk(id) => self.zookeepers.get(&id).and_then(|server| server.ended_by()),
            _ => None,
        };
        let cause = ended_by.map_or_else(Cause::default, Cause::event);
        let id = self.turn.next_id();
        self.network.send(id, self.turn.now.lab, to, from, Payload::Closed { lane }, cause);
    }

    /// A timer fires.
    pub(super) fn fire_timer(&mut self, id: TimerId, pending: Pending, outside: &mut Outside<'_>) {
        let Pending { node, timer, cause } = pending;
        match (node, timer) {
            (NodeId::Broker(broker), Timer::Broker(timer)) => {
                self.with_broker(broker, id.clock, cause, outside, |broker, ctx| broker.on_timer(timer, ctx));
            }
            (NodeId::Broker(broker), Timer::ZkClient(timer)) => {
                self.with_broker(broker, id.clock, cause, outside, |broker, ctx| broker.on_zk_timer(&timer, ctx));
            }
            (NodeId::Zk(server), Timer::Zk(timer)) => {
                self.with_zookeeper(server, (id.clock, cause), outside, |server, ctx| server.on_timer(&timer, ctx));
            }
            (NodeId::Client(client), Timer::Client(timer)) => {
                self.with_client(client, cause, outside, |client, ctx| client.on_timer(timer, ctx));
            }
            (node, timer) => debug_assert!(false, "{node} has no timer {timer:?}"),
        }
    }

    /// Something comes from outside.
    pub(super) fn handle_input(&mut self, input: Input, outside: &mut Outside<'_>) {
        match input {
            Input::Due => debug_assert!(false, "handled by the step itself"),
            Input::Connected { socket, broker, peer } => {
                self.sockets.insert(socket, broker);
                let accepted = self.with_broker(broker, Clock::Outside, Cause::default(), outside, |broker, _| {
                    broker.on_connected(socket, peer);
                });
                if !accepted {
                    self.sockets.remove(&socket);
                    outside.push(Output::Close { socket });
                }
            }
            Input::Disconnected { socket } => {
                if let Some(broker) = self.sockets.remove(&socket) {
                    self.with_broker(broker, Clock::Outside, Cause::default(), outside, |broker, ctx| {
                        broker.on_disconnected(socket, ctx);
                    });
                }
            }
            Input::Request { socket, correlation, version, client_id, request } => {
                let origin = Origin {
                    peer: Peer::Socket(socket),
                    correlation: u64::from(correlation.cast_unsigned()),
                    version,
                    client_id,
                };
                self.request(socket, PendingRequest { origin, request }, outside);
            }
            Input::Storage(done) => {
                self.with_broker(done.broker, Clock::Lab, Cause::default(), outside, |broker, ctx| {
                    broker.on_storage_done(&done, ctx);
                });
            }
            Input::Command { ticket, by, command } => self.command(ticket, by, command, outside),
        }
    }

    fn request(&mut self, socket: SocketId, pending: PendingRequest, outside: &mut Outside<'_>) {
        // A socket that was closed while the request was on its way into the core: nobody waits for the answer.
        let Some(broker) = self.sockets.get(&socket).copied() else { return };
        self.with_broker(broker, Clock::Outside, Cause::default(), outside, |broker, ctx| {
            broker.on_pending(pending, ctx);
        });
    }

    fn command(&mut self, ticket: Ticket, by: By, command: Command, outside: &mut Outside<'_>) {
        let answer = match command {
            Command::Kill(id) => self.kill(id, by, outside),
            Command::PowerLoss(id) => self.lose_power(id, by, outside),
            Command::Start(id) => self.start(id, by, outside),
            Command::KillServer(id) => self.kill_server(id, by),
            Command::StartServer(id) => self.start_server(id, by, outside),
            Command::Shutdown(id) => self.shut_down(id, by, outside),
            Command::Cut(a, b) => self.cut(a, b),
            Command::Heal(a, b) => self.heal(a, b),
            Command::HealAll => self.heal_all(),
            Command::Slow(a, b, by) => self.slow(a, b, by),
            Command::AddClient(spec) => self.add_client(&spec, by, outside),
            Command::CloseClient(id) => self.close_client(id, by, outside),
            Command::CrashClient(id) => self.crash_client(id, by, outside),
            Command::PauseClient(id, paused) => self.pause_client(id, paused, by, outside),
            Command::SlowClient(id, work_us) => self.slow_client(id, work_us, by),
            Command::Ask { broker, version, request } => {
                self.ask(ticket, by, broker, version, request);
                return;
            }
        };
        Self::answer(ticket, answer, outside);
    }

    /// Sends a request as an admin client or a producer would; the answer comes over the network.
    fn ask(&mut self, ticket: Ticket, by: By, broker: BrokerId, version: i16, request: Request) {
        let correlation = self.turn.next_id();
        let lane = operators_lane(correlation);
        let to = NodeId::Broker(broker);
        self.asked.insert(correlation, (ticket, to));
        let payload =
            Payload::Request(KafkaRequest { lane, correlation, version, client_id: "explorer".into(), request });
        let event = self.say(
            NodeId::Operator,
            EventKind::Operator(OperatorEvent::Asked { broker, api: payload.name(), by }),
            Cause::default(),
        );
        let id = self.turn.next_id();
        self.network.send(id, self.turn.now.lab, NodeId::Operator, to, payload, Cause::event(event));
    }

    fn operator_hears(&mut self, from: NodeId, payload: Payload, outside: &mut Outside<'_>) {
        match payload {
            Payload::Response(response) => {
                if let Some((ticket, _)) = self.asked.remove(&response.correlation) {
                    Self::answer(ticket, Answer::Response(response.response), outside);
                }
            }
            Payload::Closed { lane } => {
                let on_it = |id: u64, to: NodeId| to == from && lane.is_none_or(|lane| lane == operators_lane(id));
                let gone: Vec<u64> =
                    self.asked.iter().filter(|(id, (_, to))| on_it(**id, *to)).map(|(id, _)| *id).collect();
                for (ticket, _) in gone.iter().filter_map(|id| self.asked.remove(id)) {
                    Self::answer(ticket, Answer::Closed, outside);
                }
            }
            _ => {}
        }
    }

    /// Records an event of the cluster's own doing.
    pub(super) fn say(&mut self, node: NodeId, kind: EventKind, cause: Cause) -> u64 {
        let id = self.turn.next_id();
        self.events.record(Event { id, at: self.turn.now.lab, node, kind, cause });
        id
    }

    /// kill -9.
    fn kill(&mut self, id: BrokerId, by: By, outside: &mut Outside<'_>) -> Answer {
        if self.broker(id).and_then(BrokerNode::running).is_none() {
            return Answer::Refused(format!("{id} does not run"));
        }
        let event = self.say(NodeId::Broker(id), EventKind::Broker(BrokerEvent::Killed { by }), Cause::default());
        self.end_process(id, event, outside);
        Answer::Done
    }

    /// Takes a broker's process away: its disk stays, its connections are closed by the operating system.
    pub(super) fn end_process(&mut self, id: BrokerId, event: u64, outside: &mut Outside<'_>) {
        let Some(node) = self.brokers.get_mut(&id).map(Arc::make_mut) else { return };
        let Process::Running(broker) = std::mem::replace(&mut node.process, Process::Dead(Disk::default())) else {
            return;
        };
        node.process = Process::Dead(broker.into_disk());
        node.since = self.turn.now.lab;
        node.ended_by = Some(event);
        self.sockets.retain(|_, owner| *owner != id);
        outside.push(Output::Listening { broker: id, open: false });
        self.close_connections(NodeId::Broker(id), event);
    }

    fn start(&mut self, id: BrokerId, by: By, outside: &mut Outside<'_>) -> Answer {
        match self.broker(id) {
            None => Answer::Refused(format!("there is no {id}")),
            Some(node) if node.running().is_some() => Answer::Refused(format!("{id} runs already")),
            Some(_) => {
                self.start_broker(id, Some(by), outside);
                Answer::Done
            }
        }
    }

    pub(super) fn start_broker(&mut self, id: BrokerId, by: Option<By>, outside: &mut Outside<'_>) {
        let event = self.say(NodeId::Broker(id), EventKind::Broker(BrokerEvent::Started { by }), Cause::default());
        let Some(node) = self.brokers.get_mut(&id).map(Arc::make_mut) else { return };
        let Process::Dead(disk) = std::mem::replace(&mut node.process, Process::Dead(Disk::default())) else { return };
        let disk = as_it_is(id, disk, outside.disks);
        let (name, config) = (NodeId::Broker(id), Arc::clone(&self.config));
        let start = |ctx: &mut Context<'_>| Broker::start(id, config, disk, ctx);
        let (broker, effects) = self.turn.lend(name, Clock::Lab, Cause::event(event), &mut *outside.disks, start);
        node.process = Process::Running(Box::new(broker));
        node.since = self.turn.now.lab;
        node.ended_by = None;
        self.carry_out(name, effects, outside);
    }

    fn shut_down(&mut self, id: BrokerId, by: By, outside: &mut Outside<'_>) -> Answer {
        let event = self.say(
            NodeId::Operator,
            EventKind::Operator(OperatorEvent::Shutdown { broker: id, by }),
            Cause::default(),
        );
        let done =
            self.with_broker(id, Clock::Lab, Cause::event(event), outside, super::super::broker::Broker::shut_down);
        if done { Answer::Done } else { Answer::Refused(format!("{id} does not run")) }
    }

    /// Runs `work` on a running broker and carries out what it decides. Returns whether the broker runs.
    fn with_broker(
        &mut self,
        id: BrokerId,
        clock: Clock,
        cause: Cause,
        outside: &mut Outside<'_>,
        work: impl FnOnce(&mut Broker, &mut Context<'_>),
    ) -> bool {
        let Some(broker) = self.brokers.get_mut(&id).and_then(|node| Arc::make_mut(node).running_mut()) else {
            return false;
        };
        let node = NodeId::Broker(id);
        let appended = broker.stats.bytes_in;
        let ((), effects) = self.turn.lend(node, clock, cause, &mut *outside.disks, |ctx| work(broker, ctx));
        let appended = broker.stats.bytes_in - appended;
        let stopped = broker.stage == Stage::Stopped;
        self.touched.extend(std::mem::take(&mut broker.touched).into_iter().map(|partition| (id, partition)));
        self.carry_out(node, effects, outside);
        self.appended(appended, outside);
        if stopped {
            let event = self.say(node, EventKind::Broker(BrokerEvent::Stopped), Cause::default());
            self.end_process(id, event, outside);
        }
        true
    }

    pub(super) fn with_client(
        &mut self,
        id: ClientId,
        cause: Cause,
        outside: &mut Outside<'_>,
        work: impl FnOnce(&mut crate::engine::client::Client, &mut Context<'_>),
    ) -> bool {
        let running = self.clients.get_mut(&id).filter(|client| client.runs());
        let Some(client) = running.map(Arc::make_mut) else { return false };
        let node = NodeId::Client(id);
        let ((), effects) = self.turn.lend(node, Clock::Lab, cause, &mut *outside.disks, |ctx| work(client, ctx));
        self.carry_out(node, effects, outside);
        self.report_losses(id, outside);
        self.note_end(id);
        true
    }

    /// An auditor has read on: what the producers were told is held against it. Only the cluster knows both.
    fn report_losses(&mut self, id: ClientId, outside: &mut Outside<'_>) {
        let audits =
            self.clients.get(&id).is_some_and(|client| client.as_consumer().is_some_and(|c| c.audit().is_some()));
        if !audits || self.turn.now.lab < self.audited + AUDIT_EVERY {
            return;
        }
        self.audited = self.turn.now.lab;
        let clients: Vec<_> = self.clients.values().map(Arc::clone).collect();
        let producers = clients.iter().filter_map(|client| client.as_producer());
        let Some(auditor) = self.clients.get_mut(&id).map(Arc::make_mut).and_then(|client| client.as_consumer_mut())
        else {
            return;
        };
        let node = NodeId::Client(id);
        let report = |ctx: &mut Context<'_>| auditor.report_losses(producers, ctx);
        let ((), effects) = self.turn.lend(node, Clock::Lab, Cause::default(), &mut *outside.disks, report);
        self.carry_out(node, effects, outside);
    }
}

/// A broker's disk when its process starts: one that failed is looked at again, and may be whole now.
fn as_it_is(id: BrokerId, known: Disk, disks: &mut dyn Disks) -> Disk {
    if known.failed.is_none() {
        return known;
    }
    match disks.take_up_again(id) {
        Ok(found) => found.unwrap_or(Disk { failed: None, ..known }),
        Err(error) => Disk { failed: Some(error.to_string().into()), ..known },
    }
}

/// The connection for a question of an operator's: one each, as a question that waits must not hold the next one.
fn operators_lane(correlation: u64) -> Lane {
    Lane(u8::try_from(correlation % 200).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_lets_messages_go_counts_them() {
        let cluster = Cluster::new(crate::engine::config::Config::new(7), 0);
        let (from, to) = (NodeId::Broker(BrokerId(1)), NodeId::Broker(BrokerId(2)));
        let mut cause = Cause::event(7);
        for id in 1..=u64::from(MAX_HOPS) * 2 + 1 {
            let (sent, due) = (cluster.turn.now.lab, cluster.turn.now.lab);
            let message = Message { id, from, to, sent, due, payload: Payload::Closed { lane: None }, cause };
            cause = cluster.arrival(&message);
            let kept = cause.hops();
            assert_eq!(u64::from(cause.forgotten()) + kept.len() as u64, id, "none is lost from the count");
            assert!(kept.len() <= MAX_HOPS as usize && kept.last().is_some_and(|hop| hop.id == id));
        }
        assert_eq!(cause.forgotten(), MAX_HOPS * 2);
        assert_eq!(cause.event, Some(7));
    }
}

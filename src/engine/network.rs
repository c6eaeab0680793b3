//! The simulated network: messages in flight between nodes, with a delay a link (deviation: link-delay), in order
//! a link.
//!
//! It behaves as TCP does: what one node sends another arrives in order or not at all, and a process that dies has its
//! connections closed by its operating system, which the peers hear of after the messages before. What a peer sends
//! before it has heard goes nowhere, for the connection is gone; a process that is started meanwhile never sees it.
//!
//! # Links that are cut
//!
//! A cut link loses nothing by itself: what is sent waits at the sender, as TCP sends again and again, and arrives once
//! the link is healed. Whoever loses patience closes the connection, and with it what did not get through.
//! (Kernels give up after about a quarter of an hour; this network never does.)

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::context::{Cause, Id};
use super::message::{Message, Payload};
use super::node::NodeId;
use super::rng::Rng;
use super::time::Time;

/// A connection in both directions, the smaller node first.
fn pair(a: NodeId, b: NodeId) -> (NodeId, NodeId) {
    if a <= b { (a, b) } else { (b, a) }
}

/// Links, and the messages on them.
#[derive(Clone, Debug)]
pub struct Network {
    /// In the order of arrival; the id breaks ties.
    queue: BTreeMap<(Time, Id), Message>,
    /// When the last message of each link arrives: the next one never arrives before it.
    last: BTreeMap<(NodeId, NodeId), Time>,
    /// Which nodes have spoken with each other since both run.
    connected: BTreeSet<(NodeId, NodeId)>,
    /// Links that are cut.
    cut: BTreeSet<(NodeId, NodeId)>,
    /// Links that are slower than the others, and by how much each way.
    slowed: BTreeMap<(NodeId, NodeId), Duration>,
    /// What waits on cut links, by sender and receiver, oldest first.
    held: BTreeMap<(NodeId, NodeId), VecDeque<Message>>,
    /// The peers of dead processes that have not heard of the death, with the dead: what they send is lost.
    unaware: BTreeSet<(NodeId, NodeId)>,
    delay: (Duration, Duration),
    rng: Rng,
}

impl Network {
    /// Without messages; every link delays by something between the two, drawn from `rng`.
    pub fn new(delay: (Duration, Duration), rng: Rng) -> Self {
        Self {
            queue: BTreeMap::new(),
            last: BTreeMap::new(),
            connected: BTreeSet::new(),
            cut: BTreeSet::new(),
            slowed: BTreeMap::new(),
            held: BTreeMap::new(),
            unaware: BTreeSet::new(),
            delay,
            rng,
        }
    }

    /// Puts a message on its link.
    pub fn send(&mut self, id: Id, now: Time, from: NodeId, to: NodeId, payload: Payload, cause: Cause) {
        if self.unaware.contains(&(from, to)) {
            return;
        }
        let closed = match &payload {
            Payload::Closed { lane } => Some(*lane),
            _ => None,
        };
        if closed.is_none() {
            self.connected.insert(pair(from, to));
        }
        let message = Message { id, from, to, sent: now, due: Time::NEVER, payload, cause };
        if !self.is_cut(from, to) {
            return self.put(message, now);
        }
        let held = self.held.entry((from, to)).or_default();
        if let Some(lane) = closed {
            held.retain(|message| lane.is_some() && message.payload.lane() != lane);
        }
        held.push_back(message);
    }

    /// Gives a message its time of arrival.
    fn put(&mut self, mut message: Message, now: Time) {
        let (low, high) = self.delay;
        let (from, to) = (message.from, message.to);
        let slowed = self.slowed.get(&pair(from, to)).copied().unwrap_or_default();
        let arrival = now + self.rng.between(low, high) + slowed;
        let last = self.last.entry((from, to)).or_insert(Time::ZERO);
        *last = arrival.max(*last);
        message.due = *last;
        self.queue.insert((message.due, message.id), message);
    }

    /// Cuts the link between two nodes, both ways: what is on its way waits too. Returns whether it was whole.
    pub fn cut(&mut self, a: NodeId, b: NodeId) -> bool {
        if a == b || !self.cut.insert(pair(a, b)) {
            return false;
        }
        let of_link = |message: &Message| pair(message.from, message.to) == pair(a, b);
        let caught: Vec<(Time, Id)> = self.queue.iter().filter(|(_, m)| of_link(m)).map(|(key, _)| *key).collect();
        for key in caught {
            if let Some(message) = self.queue.remove(&key) {
                let message = Message { due: Time::NEVER, ..message };
                self.held.entry((message.from, message.to)).or_default().push_back(message);
            }
        }
        true
    }

    /// Heals the link between two nodes: it is as quick as the others, and what waited goes on its way. Returns whether it
    /// was cut or slow.
    pub fn heal(&mut self, a: NodeId, b: NodeId, now: Time) -> bool {
        let slowed = self.slowed.remove(&pair(a, b)).is_some();
        if !self.cut.remove(&pair(a, b)) {
            return slowed;
        }
        for direction in [(a, b), (b, a)] {
            // What the link still had to deliver when it was cut waited too.
            self.last.remove(&direction);
            for message in self.held.remove(&direction).unwrap_or_default() {
                self.put(message, now);
            }
        }
        true
    }

    /// Adds `by` to the delay of a link, each way; nothing for zero.
    pub fn slow(&mut self, a: NodeId, b: NodeId, by: Duration) {
        if by.is_zero() {
            self.slowed.remove(&pair(a, b));
        } else {
            self.slowed.insert(pair(a, b), by);
        }
    }

    /// The links that are cut or slowed, the smaller node first.
    pub fn disturbed(&self) -> BTreeSet<(NodeId, NodeId)> {
        self.cut.iter().chain(self.slowed.keys()).copied().collect()
    }

    /// The links that are cut, the smaller node first.
    pub fn cuts(&self) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        self.cut.iter().copied()
    }

    /// Whether the link between two nodes is cut.
    pub fn is_cut(&self, a: NodeId, b: NodeId) -> bool {
        self.cut.contains(&pair(a, b))
    }

    /// When the next message arrives, and its number.
    pub fn next(&self) -> Option<(Time, Id)> {
        self.queue.first_key_value().map(|(key, _)| *key)
    }

    /// Takes the next message off its link.
    pub fn take(&mut self) -> Option<Message> {
        let (_, message) = self.queue.pop_first()?;
        if matches!(message.payload, Payload::Closed { .. }) {
            self.unaware.remove(&(message.to, message.from));
        }
        Some(message)
    }

    /// A process died: forgets its connections, and names who was connected; each of them is to be sent a
    /// [`Payload::Closed`].
    ///
    /// What is on its way to it is lost with its sockets; what it had sent still arrives.
    pub fn died(&mut self, node: NodeId) -> Vec<NodeId> {
        let peers: Vec<NodeId> = self
            .connected
            .iter()
            .filter_map(|&(a, b)| if a == node { Some(b) } else { (b == node).then_some(a) })
            .filter(|peer| *peer != node)
            .collect();
        self.connected.retain(|&(a, b)| a != node && b != node);
        self.queue.retain(|_, message| message.to != node);
        self.held.retain(|(_, to), _| *to != node);
        self.unaware.retain(|(peer, _)| *peer != node);
        self.unaware.extend(peers.iter().map(|peer| (*peer, node)));
        peers
    }

    /// The messages in flight, by arrival. Those that wait on cut links are not among them.
    pub fn in_flight(&self) -> impl Iterator<Item = &Message> {
        self.queue.values()
    }

    /// How many messages wait on cut links.
    pub fn held(&self) -> usize {
        self.held.values().map(VecDeque::len).sum()
    }

    /// How many messages are in flight.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::node::BrokerId;

    const A: NodeId = NodeId::Broker(BrokerId(1));
    const B: NodeId = NodeId::Broker(BrokerId(2));
    const C: NodeId = NodeId::Broker(BrokerId(3));

    fn network() -> Network {
        Network::new((Duration::from_micros(50), Duration::from_micros(200)), Rng::split(7, "link"))
    }

    fn send(network: &mut Network, id: Id, from: NodeId, to: NodeId) {
        let lane = Some(crate::engine::message::Lane(0));
        let payload = if id == 0 { Payload::Closed { lane } } else { Payload::ZkReply(pong()) };
        network.send(id, Time::ZERO, from, to, payload, Cause::default());
    }

    fn pong() -> crate::engine::zk::message::ServerMessage {
        crate::engine::zk::message::ServerMessage::Pong
    }

    #[test]
    fn what_one_node_sends_another_arrives_in_order() {
        let mut network = network();
        for id in 1..200 {
            send(&mut network, id, A, B);
        }
        let ids: Vec<Id> = std::iter::from_fn(|| network.take()).map(|message| message.id).collect();
        assert_eq!(ids, (1..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_death_loses_what_is_on_its_way_to_the_dead_and_names_its_peers() {
        let mut network = network();
        send(&mut network, 1, A, B);
        send(&mut network, 2, B, A);
        send(&mut network, 3, B, C);
        assert_eq!(network.died(B), [A, C]);
        let left: Vec<Id> = network.in_flight().map(|message| message.id).collect();
        assert!(!left.contains(&1) && left.contains(&2) && left.contains(&3));
        assert_eq!(network.died(B), [], "once");
    }

    /// Takes everything: the numbers, and when the last one arrived.
    fn arrivals(network: &mut Network) -> (Vec<Id>, Time) {
        let taken: Vec<Message> = std::iter::from_fn(|| network.take()).collect();
        (taken.iter().map(|message| message.id).collect(), taken.last().map_or(Time::ZERO, |message| message.due))
    }

    #[test]
    fn what_is_sent_over_a_cut_link_arrives_in_order_once_it_is_healed() {
        let mut network = network();
        send(&mut network, 1, A, B);
        assert!(network.cut(B, A) && !network.cut(A, B), "cut once");
        send(&mut network, 2, A, B);
        send(&mut network, 3, B, A);
        send(&mut network, 4, A, C);
        assert_eq!((network.held(), network.cuts().collect::<Vec<_>>()), (3, vec![(A, B)]));
        assert_eq!(arrivals(&mut network).0, [4], "only the other link works");
        let healed = Time::from_millis(5_000);
        assert!(network.heal(A, B, healed) && !network.heal(A, B, healed));
        let (ids, at) = arrivals(&mut network);
        assert!(at > healed && ids.iter().filter(|id| **id != 3).eq(&[1, 2]) && ids.len() == 3);
    }

    #[test]
    fn who_closes_a_connection_over_a_cut_link_takes_back_what_did_not_get_through() {
        let mut network = network();
        network.cut(A, B);
        send(&mut network, 1, A, B);
        send(&mut network, 2, B, A);
        network.send(3, Time::ZERO, A, B, Payload::Closed { lane: None }, Cause::default());
        network.heal(A, B, Time::ZERO);
        let ids: std::collections::BTreeSet<Id> = arrivals(&mut network).0.into_iter().collect();
        assert_eq!(ids, [2, 3].into());
    }

    #[test]
    fn a_slow_link_takes_longer_and_the_others_do_not() {
        let mut network = network();
        network.slow(A, B, Duration::from_secs(1));
        send(&mut network, 1, A, B);
        send(&mut network, 2, A, C);
        let (ids, at) = arrivals(&mut network);
        assert!(ids == [2, 1] && at >= Time::from_millis(1_000));
        network.slow(A, B, Duration::ZERO);
        network.send(3, at, B, A, Payload::ZkReply(pong()), Cause::default());
        assert!(arrivals(&mut network).1.since(at) <= Duration::from_micros(200));
    }

    #[test]
    fn what_is_said_to_the_dead_before_one_hears_of_it_never_reaches_a_process_started_since() {
        let mut network = network();
        send(&mut network, 1, A, B);
        assert_eq!(network.died(B), [A]);
        network.send(2, Time::ZERO, B, A, Payload::Closed { lane: None }, Cause::default());
        send(&mut network, 3, A, B);
        assert_eq!(arrivals(&mut network).0, [2], "the third was lost with the connection");
        send(&mut network, 4, A, B);
        assert_eq!(arrivals(&mut network).0, [4], "a new connection");
    }
}

//! The simulated network: messages in flight between nodes, with a delay a link (deviation: link-delay), in order
//! a link.
//!
//! It behaves as TCP on one machine does: what one node sends another arrives in order or not at all, and a process that
//! dies has its connections closed by its operating system, which the peers hear of after the messages before.

use std::collections::{BTreeMap, BTreeSet};
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
    delay: (Duration, Duration),
    rng: Rng,
}

impl Network {
    /// Without messages; every link delays by something between the two, drawn from `rng`.
    pub fn new(delay: (Duration, Duration), rng: Rng) -> Self {
        Self { queue: BTreeMap::new(), last: BTreeMap::new(), connected: BTreeSet::new(), delay, rng }
    }

    /// Puts a message on its link.
    pub fn send(&mut self, id: Id, now: Time, from: NodeId, to: NodeId, payload: Payload, cause: Cause) {
        let (low, high) = self.delay;
        let arrival = now + self.rng.between(low, high);
        let last = self.last.entry((from, to)).or_insert(Time::ZERO);
        let due = arrival.max(*last);
        *last = due;
        if !matches!(payload, Payload::Closed { .. }) {
            self.connected.insert(pair(from, to));
        }
        self.queue.insert((due, id), Message { id, from, to, sent: now, due, payload, cause });
    }

    /// When the next message arrives, and its number.
    pub fn next(&self) -> Option<(Time, Id)> {
        self.queue.first_key_value().map(|(key, _)| *key)
    }

    /// Takes the next message off its link.
    pub fn take(&mut self) -> Option<Message> {
        self.queue.pop_first().map(|(_, message)| message)
    }

    /// A process died: forgets its connections, and names who was connected.
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
        peers
    }

    /// The messages in flight, by arrival.
    pub fn in_flight(&self) -> impl Iterator<Item = &Message> {
        self.queue.values()
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
}

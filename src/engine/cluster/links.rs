//! What a person does to links: cut, heal, slow. What it means for messages stands in the network.

use std::time::Duration;

use super::Cluster;
use crate::engine::context::Cause;
use crate::engine::event::{EventKind, OperatorEvent};
use crate::engine::message::Answer;
use crate::engine::network::Network;
use crate::engine::node::NodeId;

impl Cluster {
    /// The links: which are cut, what is in flight on them.
    pub fn network(&self) -> &Network {
        &self.network
    }

    pub(super) fn cut(&mut self, a: NodeId, b: NodeId) -> Answer {
        if let Err(why) = self.link(a, b) {
            return Answer::Refused(why);
        }
        if !self.network.cut(a, b) {
            return Answer::Refused(format!("the link between {a} and {b} is cut already"));
        }
        self.report(OperatorEvent::LinkCut { between: (a.min(b), a.max(b)) })
    }

    pub(super) fn heal(&mut self, a: NodeId, b: NodeId) -> Answer {
        if !self.network.heal(a, b, self.turn.now.lab) {
            return Answer::Refused(format!("the link between {a} and {b} is whole already"));
        }
        self.report(OperatorEvent::LinkHealed { between: (a.min(b), a.max(b)) })
    }

    pub(super) fn heal_all(&mut self) -> Answer {
        for (a, b) in self.network.disturbed() {
            self.heal(a, b);
        }
        Answer::Done
    }

    pub(super) fn slow(&mut self, a: NodeId, b: NodeId, by: Duration) -> Answer {
        if let Err(why) = self.link(a, b) {
            return Answer::Refused(why);
        }
        self.network.slow(a, b, by);
        self.report(OperatorEvent::LinkSlowed { between: (a, b), by })
    }

    /// Whether there is a link between two nodes of this lab.
    fn link(&self, a: NodeId, b: NodeId) -> Result<(), String> {
        let known = |node: NodeId| match node {
            NodeId::Operator => false,
            NodeId::Zk(id) => self.zookeepers.contains_key(&id),
            NodeId::Broker(id) => self.brokers.contains_key(&id),
            NodeId::Client(id) => self.clients.contains_key(&id),
        };
        if a != b && known(a) && known(b) { Ok(()) } else { Err(format!("there is no link between {a} and {b}")) }
    }

    fn report(&mut self, event: OperatorEvent) -> Answer {
        self.say(NodeId::Operator, EventKind::Operator(event), Cause::default());
        Answer::Done
    }
}

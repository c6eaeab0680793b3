//! The ZooKeeper servers' processes: they start and end, and messages reach those that run.

use std::sync::Arc;

use super::{Cluster, Outside};
use crate::engine::context::{Cause, Context};
use crate::engine::event::{EventKind, ZkEvent};
use crate::engine::message::{Answer, By, Payload};
use crate::engine::node::{BrokerId, ClientId, NodeId, ZkId};
use crate::engine::time::Clock;
use crate::engine::zk::{Role, ZkServer};

impl Cluster {
    /// Starts every process that is to run from the beginning: the ensemble, and once all of it serves the rest.
    pub(super) fn boot(&mut self, outside: &mut Outside<'_>) {
        self.waits_for_ensemble = true;
        let zookeepers: Vec<ZkId> = self.zookeepers.keys().copied().collect();
        for id in zookeepers {
            self.start_process(id, None, outside);
        }
    }

    /// The ensemble serves: the brokers and the built-in clients are started, as an operator would do it.
    fn go_on_with_boot(&mut self, outside: &mut Outside<'_>) {
        self.waits_for_ensemble = false;
        let brokers: Vec<BrokerId> = self.brokers.keys().copied().collect();
        for id in brokers {
            self.start_broker(id, None, outside);
        }
        let clients: Vec<ClientId> = self.clients.keys().copied().collect();
        for id in clients {
            self.with_client(id, Cause::default(), outside, super::super::client::Client::start);
        }
    }

    /// What is written in ZooKeeper, as the server has it that knows most: the leader, else the one that has most, those
    /// that run before the dead.
    pub fn ensemble(&self) -> Option<&ZkServer> {
        let knows = |server: &&ZkServer| {
            let leads = matches!(server.role(), Role::Leading(_)) && server.is_serving();
            (leads, server.is_running(), server.zxid())
        };
        self.zookeepers().map(|(_, server)| server).max_by_key(knows)
    }

    /// kill -9.
    pub(super) fn kill_server(&mut self, id: ZkId, by: By) -> Answer {
        match self.zookeepers.get(&id) {
            None => return Answer::Refused(format!("there is no {id}")),
            Some(server) if !server.is_running() => return Answer::Refused(format!("{id} does not run")),
            Some(_) => {}
        }
        let node = NodeId::Zk(id);
        let event = self.say(node, EventKind::Zk(ZkEvent::Killed { by }), Cause::default());
        let now = self.turn.now.lab;
        if let Some(server) = self.zookeepers.get_mut(&id).map(Arc::make_mut) {
            server.stop(event, now);
        }
        self.close_connections(node, event);
        Answer::Done
    }

    pub(super) fn start_server(&mut self, id: ZkId, by: By, outside: &mut Outside<'_>) -> Answer {
        match self.zookeepers.get(&id) {
            None => Answer::Refused(format!("there is no {id}")),
            Some(server) if server.is_running() => Answer::Refused(format!("{id} runs already")),
            Some(_) => {
                self.start_process(id, Some(by), outside);
                Answer::Done
            }
        }
    }

    fn start_process(&mut self, id: ZkId, by: Option<By>, outside: &mut Outside<'_>) {
        let event = self.say(NodeId::Zk(id), EventKind::Zk(ZkEvent::Started { by }), Cause::default());
        self.lend_zookeeper(id, (Clock::Lab, Cause::event(event)), outside, ZkServer::start);
    }

    /// What a process had open is closed by its operating system; its timers are gone.
    pub(super) fn close_connections(&mut self, node: NodeId, event: u64) {
        self.timers.died(node);
        for peer in self.network.died(node) {
            let id = self.turn.next_id();
            let closed = Payload::Closed { lane: None };
            self.network.send(id, self.turn.now.lab, node, peer, closed, Cause::event(event));
        }
    }

    /// Runs `work` on a running server, on the clock of whatever asked for it, and carries out what it decides. Returns whether the server runs.
    pub(super) fn with_zookeeper(
        &mut self,
        id: ZkId,
        why: (Clock, Cause),
        outside: &mut Outside<'_>,
        work: impl FnOnce(&mut ZkServer, &mut Context<'_>),
    ) -> bool {
        let runs = self.zookeepers.get(&id).is_some_and(|server| server.is_running());
        if runs {
            self.lend_zookeeper(id, why, outside, work);
        }
        runs
    }

    fn lend_zookeeper(
        &mut self,
        id: ZkId,
        (clock, cause): (Clock, Cause),
        outside: &mut Outside<'_>,
        work: impl FnOnce(&mut ZkServer, &mut Context<'_>),
    ) {
        let Some(server) = self.zookeepers.get_mut(&id).map(Arc::make_mut) else { return };
        let node = NodeId::Zk(id);
        let ((), effects) = self.turn.lend(node, clock, cause, &mut *outside.disks, |ctx| work(server, ctx));
        self.carry_out(node, effects, outside);
        if self.waits_for_ensemble && self.zookeepers.values().all(|server| server.is_serving()) {
            self.go_on_with_boot(outside);
        }
    }
}

//! ZooKeeper: servers, sessions, and a broker's session as both sides know it.

use std::time::Duration;

use super::events::node_ref;
use crate::engine::cluster::{BrokerNode, Cluster};
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::runtime::ClockView;
use crate::engine::zk::message::{SessionId, ZkPeer};
use crate::engine::zk::session::Session;
use crate::engine::zk::state::Granted;
use crate::engine::zk::{Role, ZkServer};
use crate::session::snapshot::{BrokerSession, ZkServer as Server, ZkSession, ZooKeeper};

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}

pub(super) fn project(cluster: &Cluster, clock: &ClockView) -> ZooKeeper {
    let servers = cluster.zookeepers().map(|(id, server)| Server {
        id: id.0,
        alive: server.is_running(),
        role: role(server).into(),
        zxid: server.zxid().0,
        clients: u32::try_from(server.clients()).unwrap_or(u32::MAX),
    });
    let first = cluster.ensemble();
    let ephemerals = |server: &ZkServer, id| u32::try_from(server.tree().ephemeral_count(id)).unwrap_or(u32::MAX);
    // Where nobody leads, their time stands.
    let held = first.filter(|server| !leads(server)).into_iter().flat_map(|server| {
        server.state().sessions.iter().map(move |(id, granted)| ZkSession {
            id: id.0,
            owner: granted.opened_by.map(|owner| node_ref(cluster, owner.node())),
            timeout_ms: ms(granted.timeout),
            ends_in_ms: ms(granted.timeout),
            ephemerals: ephemerals(server, *id),
        })
    });
    let sessions = first.into_iter().flat_map(|server| {
        server.sessions().map(move |(id, session)| ZkSession {
            id: id.0,
            owner: session.owner.map(|owner| node_ref(cluster, owner.node())),
            timeout_ms: ms(session.timeout),
            ends_in_ms: ms(session.remaining(&clock.now)),
            ephemerals: ephemerals(server, id),
        })
    });
    ZooKeeper {
        servers: servers.collect(),
        sessions: sessions.chain(held).collect(),
        znodes: first.map_or(0, |server| count(server.tree().len())),
        watches: count(cluster.zookeepers().map(|(_, server)| server.watches().iter().count()).sum()),
    }
}

/// Whether a server leads, with a quorum behind it.
fn leads(server: &ZkServer) -> bool {
    matches!(server.role(), Role::Leading(_)) && server.is_serving()
}

/// What a server does, in ZooKeeper's words (`srvr`: `Mode`).
fn role(server: &ZkServer) -> &'static str {
    let alone = server.config().members.len() == 1;
    match server.role() {
        Role::Down => "",
        Role::Leading(_) if alone => "standalone",
        Role::Leading(_) if server.is_serving() => "leader",
        Role::Following(_) if server.is_serving() => "follower",
        Role::Looking(_) | Role::Leading(_) | Role::Following(_) => "looking",
    }
}

/// A broker's session. One that is gone stays as expired until there is another.
pub(super) fn session_of(
    cluster: &Cluster,
    clock: &ClockView,
    id: BrokerId,
    before: Option<BrokerSession>,
) -> Option<BrokerSession> {
    let server = cluster.ensemble()?;
    if !leads(server) {
        return held(server, id, before);
    }
    let mut mine = server.sessions().filter(|(_, session)| session.owner.map(ZkPeer::node) == Some(NodeId::Broker(id)));
    let broker = cluster.broker(id).and_then(BrokerNode::running);
    // While a broker that came back waits for its old session to end, that one is the news.
    let current =
        mine.next().map(|(id, session)| of(id, session, clock, broker.and_then(|b| b.zk.server()).map(|s| s.0)));
    current.or_else(|| before.map(|session| BrokerSession { expired: true, server: None, ends_in_ms: 0, ..session }))
}

/// A broker's session while nobody leads the ensemble: nobody can end it, and its time begins anew with the next leader.
fn held(server: &ZkServer, id: BrokerId, before: Option<BrokerSession>) -> Option<BrokerSession> {
    let mine = |granted: &Granted| granted.opened_by.map(ZkPeer::node) == Some(NodeId::Broker(id));
    let known = server.state().sessions.iter().rfind(|(_, granted)| mine(granted));
    let kept = known.map(|(id, granted)| BrokerSession {
        id: id.0,
        timeout_ms: ms(granted.timeout),
        ends_in_ms: ms(granted.timeout),
        held: true,
        ..BrokerSession::default()
    });
    kept.or(before)
}

fn of(id: SessionId, session: &Session, clock: &ClockView, server: Option<u8>) -> BrokerSession {
    BrokerSession {
        id: id.0,
        server: server.filter(|_| session.server.is_some()),
        timeout_ms: ms(session.timeout),
        silent_ms: ms(session.silent(&clock.now)),
        ends_in_ms: ms(session.remaining(&clock.now)),
        expired: false,
        held: false,
    }
}

//! The words for what happens in ZooKeeper.

use super::Told;
use crate::engine::event::{EventKind, ZkEvent};
use crate::engine::node::{BrokerId, NodeId};
use crate::session::event::Severity;

/// The words of a session, a znode, a watch or a server.
pub(super) fn told(kind: &EventKind, node: NodeId) -> Told {
    let owned = |told: Told, owner: &NodeId| match owner {
        NodeId::Broker(id) => told.about(*id),
        _ => told,
    };
    match kind {
        EventKind::SessionExpired { session, owner, closed: true } => {
            let text = format!("session {session:#x} of {owner} closed");
            owned(Told::new("session_closed", Severity::Info, text, "its owner closed it"), owner)
        }
        EventKind::SessionExpired { session, owner, closed: false } => {
            let text = format!("session {session:#x} of {owner} expired");
            owned(Told::new("session_expired", Severity::Warning, text, "no ping within its time-out"), owner)
        }
        EventKind::SessionOpened { session, owner } => {
            let text = format!("session {session:#x} of {owner} opened");
            owned(Told::new("session_opened", Severity::Info, text, "it connected"), owner)
        }
        EventKind::SessionResumed { session, owner } => {
            let text = format!("session {session:#x} of {owner} goes on");
            owned(Told::new("session_resumed", Severity::Good, text, "it connected again in time"), owner)
        }
        EventKind::ZkDisconnected { server, session } => {
            let text = format!("connection to {server} lost, session {session:#x} may live on");
            Told::new("zk_disconnected", Severity::Warning, text, "")
        }
        EventKind::EphemeralGone { path, .. } => {
            let told = Told::new("ephemeral_gone", Severity::Warning, format!("{path} gone"), "its session ended");
            match path.strip_prefix("/brokers/ids/").and_then(|id| id.parse().ok()) {
                Some(id) => told.about(BrokerId(id)),
                None => told,
            }
        }
        EventKind::WatchFired { path, watcher, change } => {
            let text = format!("watch on {path} fires for {watcher}");
            owned(Told::new("watch_fired", Severity::Info, text, change), watcher)
        }
        EventKind::Zk(event) => server(event, node),
        _ => Told::new("event", Severity::Info, format!("{kind:?}"), ""),
    }
}

fn server(event: &ZkEvent, node: NodeId) -> Told {
    match event {
        ZkEvent::Started { by } => {
            let told = Told::new("zookeeper_started", Severity::Info, format!("{node} started"), "the lab starts");
            by.iter().fold(told, Told::asked)
        }
        ZkEvent::Killed { by } => Told::new("zookeeper_killed", Severity::Bad, format!("{node} killed"), "").asked(by),
        ZkEvent::Looking { round } => {
            let text = format!("{node} looks for a leader of the ensemble, election {round}");
            Told::new("zookeeper_looks", Severity::Warning, text, "")
        }
        ZkEvent::Leads { epoch } => {
            let text = format!("{node} leads the ensemble in epoch {epoch}");
            Told::new("zookeeper_leads", Severity::Good, text, "a quorum has what it has")
        }
        ZkEvent::Follows { leader } => {
            let text = format!("{node} follows {leader}");
            Told::new("zookeeper_follows", Severity::Good, text, "it has what the leader has")
        }
        ZkEvent::LostQuorum => {
            let text = format!("{node} leads no more: fewer than a quorum follow");
            Told::new("zookeeper_lost_quorum", Severity::Bad, text, "")
        }
        ZkEvent::LostLeader { leader } => {
            Told::new("zookeeper_lost_leader", Severity::Warning, format!("{node} lost its leader {leader}"), "")
        }
        ZkEvent::LostFollower { follower } => {
            Told::new("zookeeper_lost_follower", Severity::Warning, format!("{node} lost its follower {follower}"), "")
        }
    }
}

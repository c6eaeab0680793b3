//! Who leads: pure rules, no requests. Kafka's `PartitionLeaderElectionAlgorithms`.
//!
//! Every election raises the leader epoch by one. The last member of the in-sync set is never removed: a partition whose
//! last in-sync replica dies has no leader and keeps its set, so that nobody else can be mistaken for up to date.

use super::context::{Change, Cluster};
use crate::engine::event::ElectionReason;
use crate::engine::node::BrokerId;
use crate::engine::replica::{PartitionState, TopicPartition};

/// A change of leader or in-sync set, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elected {
    /// The change.
    pub(crate) change: Change,
    /// Why; `None` where the leader stays and only the in-sync set changes.
    pub(crate) reason: Option<ElectionReason>,
}

/// A partition that is new: its leader is the first assigned replica that lives, its in-sync set all that live.
pub(crate) fn first(cluster: &Cluster, id: &TopicPartition) -> Option<Elected> {
    let state = cluster.partition(id)?;
    let alive: Vec<BrokerId> = state.replicas.iter().copied().filter(|id| cluster.can_lead(*id)).collect();
    let leader = alive.first().copied()?;
    let state = PartitionState { leader: Some(leader), leader_epoch: 0, isr: alive, ..state.clone() };
    Some(Elected { change: Change { id: id.clone(), state }, reason: Some(ElectionReason::NewPartition) })
}

/// What to do about a partition now that the living brokers have changed: nothing (`None`), take the dead out of its
/// in-sync set, elect another leader, or leave it without one.
pub(crate) fn after_change(cluster: &Cluster, id: &TopicPartition, unclean: bool) -> Option<Elected> {
    let state = cluster.partition(id)?;
    if state.leader_epoch < 0 {
        return first(cluster, id);
    }
    let lives = |id: &BrokerId| cluster.live.contains_key(id);
    let live_isr: Vec<BrokerId> = state.isr.iter().copied().filter(lives).collect();
    if state.leader.as_ref().is_some_and(lives) {
        if live_isr.len() == state.isr.len() {
            return None;
        }
        // The leader lives and goes on without the dead.
        let state = PartitionState { isr: live_isr, leader_epoch: state.leader_epoch + 1, ..state.clone() };
        return Some(Elected { change: Change { id: id.clone(), state }, reason: None });
    }
    elect(cluster, id, state, live_isr, unclean)
}

/// A new leader for a partition that has none that lives.
fn elect(cluster: &Cluster, id: &TopicPartition, state: &PartitionState, live_isr: Vec<BrokerId>, unclean: bool) -> Option<Elected> {
    let in_sync = state.replicas.iter().copied().find(|id| live_isr.contains(id) && cluster.can_lead(*id));
    let leader_epoch = state.leader_epoch + 1;
    let elected = |leader: BrokerId, isr: Vec<BrokerId>, reason| {
        let state = PartitionState { leader: Some(leader), leader_epoch, isr, ..state.clone() };
        Some(Elected { change: Change { id: id.clone(), state }, reason: Some(reason) })
    };
    if let Some(leader) = in_sync {
        return elected(leader, live_isr, ElectionReason::NextInSync);
    }
    if unclean && let Some(leader) = state.replicas.iter().copied().find(|id| cluster.can_lead(*id)) {
        return elected(leader, vec![leader], ElectionReason::Unclean);
    }
    state.leader?;
    let state = PartitionState { leader: None, leader_epoch, isr: keep_last(state, live_isr), ..state.clone() };
    Some(Elected { change: Change { id: id.clone(), state }, reason: Some(ElectionReason::NobodyInSync) })
}

/// The in-sync set without the dead, but never empty: then it keeps what it had.
fn keep_last(state: &PartitionState, live_isr: Vec<BrokerId>) -> Vec<BrokerId> {
    if !live_isr.is_empty() {
        return live_isr;
    }
    match state.leader.filter(|leader| state.isr.contains(leader)) {
        Some(leader) => vec![leader],
        None => state.isr.clone(),
    }
}

/// Leadership to the preferred leader, if it lives, is in sync and does not lead already.
pub(crate) fn preferred(cluster: &Cluster, id: &TopicPartition) -> Option<Elected> {
    let state = cluster.partition(id)?;
    let preferred = state.replicas.first().copied()?;
    let fit = state.isr.contains(&preferred) && cluster.can_lead(preferred) && state.leader != Some(preferred);
    fit.then(|| {
        let state = PartitionState { leader: Some(preferred), leader_epoch: state.leader_epoch + 1, ..state.clone() };
        Elected { change: Change { id: id.clone(), state }, reason: Some(ElectionReason::Preferred) }
    })
}

/// Leadership away from a broker that is leaving; `None` where nobody else in sync could lead. As a follower it leaves the
/// in-sync set.
pub(crate) fn leaving(cluster: &Cluster, id: &TopicPartition, broker: BrokerId) -> Option<Elected> {
    let state = cluster.partition(id)?;
    if !state.isr.contains(&broker) || state.isr.len() < 2 {
        return None;
    }
    let isr: Vec<BrokerId> = state.isr.iter().copied().filter(|id| *id != broker && cluster.live.contains_key(id)).collect();
    let leader_epoch = state.leader_epoch + 1;
    if state.leader != Some(broker) {
        let state = PartitionState { isr, leader_epoch, ..state.clone() };
        return Some(Elected { change: Change { id: id.clone(), state }, reason: None });
    }
    let leader = state.replicas.iter().copied().find(|id| isr.contains(id) && cluster.can_lead(*id))?;
    let state = PartitionState { leader: Some(leader), isr, leader_epoch, ..state.clone() };
    Some(Elected { change: Change { id: id.clone(), state }, reason: Some(ElectionReason::Shutdown) })
}

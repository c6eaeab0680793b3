//! Electing leaders. Kafka's `PartitionStateMachine`, `Election` and `PartitionLeaderElectionAlgorithms`.
//!
//! | strategy | who leads | in sync then |
//! | --- | --- | --- |
//! | [`Offline`](Strategy::Offline) | the first of the assignment that is live and in sync | the live ones of the set |
//! | the same, nobody left in sync, topic allows it | the first that is live | that one alone |
//! | [`Preferred`](Strategy::Preferred) | the head of the assignment, if live and in sync | as before |
//! | [`ControlledShutdown`](Strategy::ControlledShutdown) | the first live and in sync that does not shut down | those that do not |
//! | [`Reassignment`](Strategy::Reassignment) | the first of the target that is live and in sync | as before |
//!
//! A new partition is led by the first live replica of its assignment, and all live ones count as in sync.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::{Leadership, Partition, Stage};
use super::queue::{Resume, Step};
use super::write::{NO_VERSION, StateUpdate, Why};
use super::{Controller, Io, znodes};
use crate::engine::event::ElectionReason;
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::topic_settings::TopicSettings;
use crate::engine::zk::op::{Op, OpResult, ZkError};
use crate::protocol::ErrorCode;

/// By which rule a leader is elected: see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    /// The leader is dead.
    Offline,
    /// The leader is dead, and somebody accepts to lose records.
    Unclean,
    /// The preferred leader is to lead.
    Preferred,
    /// The leader wants to shut down.
    ControlledShutdown,
    /// The leader is not among the target replicas.
    Reassignment,
}

/// What came of looking for a leader.
enum Choice {
    /// This state is to be written.
    Elect(Leadership),
    /// Nobody in sync lives: the topic's settings decide.
    AskSettings,
    /// Nobody can be elected.
    Nobody(ErrorCode),
}

impl Controller {
    /// Elects leaders for all partitions that are without: new ones, and those whose leader died.
    pub(super) fn elect_offline(&mut self, reason: ElectionReason) {
        let waiting = self.cluster.partitions().filter(|(id, p)| p.stage != Stage::Online && !self.is_going(&id.topic));
        let (mut first, mut offline) = (Vec::new(), Vec::new());
        for (id, partition) in waiting {
            if partition.leadership.is_some() {
                offline.push(id);
            } else if let Some(next) = self.first_leadership(partition) {
                first.push(StateUpdate { partition: id, next, why: Why::Elected(ElectionReason::New) });
            }
        }
        let elect = Step::Elect { partitions: offline, strategy: Strategy::Offline, reason };
        self.first([Step::Write(first), elect]);
    }

    /// Elects leaders for partitions that have none, since one out of sync may lead now: those of a topic, or all.
    pub(super) fn elect_uncleanly(&mut self, topic: Option<&str>) {
        let waits = |id: &TopicPartition, partition: &Partition| {
            topic.is_none_or(|topic| *id.topic == *topic)
                && partition.stage == Stage::Offline
                && !self.is_going(&id.topic)
        };
        let partitions = self.cluster.partitions_where(waits);
        let (strategy, reason) = (Strategy::Offline, ElectionReason::Unclean);
        self.first([Step::Elect { partitions, strategy, reason }]);
    }

    /// The first state of a partition; none while no replica lives.
    pub(super) fn first_leadership(&self, partition: &Partition) -> Option<Leadership> {
        let isr: Vec<BrokerId> = self.live_among(&partition.assignment.replicas);
        let node =
            znodes::StateNode { leader: Some(*isr.first()?), leader_epoch: 0, controller_epoch: self.epoch, isr };
        Some(Leadership { node, version: NO_VERSION, recovering: false })
    }

    /// Elects leaders by one rule. What came of each partition stands in `outcomes` afterwards.
    pub(super) fn elect(
        &mut self,
        partitions: Vec<TopicPartition>,
        strategy: Strategy,
        reason: ElectionReason,
        io: &mut Io<'_, '_>,
    ) {
        let (mut updates, mut undecided) = (Vec::new(), Vec::new());
        for id in partitions {
            match self.choose(&id, strategy) {
                Choice::Elect(next) => {
                    self.outcomes.insert(id.clone(), ErrorCode::NONE);
                    updates.push(StateUpdate { partition: id, next, why: Why::Elected(reason) });
                }
                Choice::AskSettings => undecided.push(id),
                Choice::Nobody(error) => {
                    self.outcomes.insert(id, error);
                }
            }
        }
        self.first([Step::Write(updates)]);
        if !undecided.is_empty() {
            let topics: BTreeSet<Arc<str>> = undecided.iter().map(|id| Arc::clone(&id.topic)).collect();
            let ops = topics.iter().map(|topic| Op::get(znodes::topic_config_path(topic))).collect();
            let topics = topics.into_iter().collect();
            self.ask(ops, Resume::SettingsRead { topics, partitions: undecided }, io);
        }
    }

    /// The settings of topics with partitions that nobody in sync could lead are read.
    pub(super) fn settings_read(
        &mut self,
        topics: &[Arc<str>],
        partitions: Vec<TopicPartition>,
        results: &[Result<OpResult, ZkError>],
    ) {
        let allowed: BTreeSet<&Arc<str>> = topics
            .iter()
            .zip(results)
            .filter(|(_, result)| self.allows_unclean(result))
            .map(|(topic, _)| topic)
            .collect();
        let mut updates = Vec::new();
        for id in partitions {
            let choice = allowed.contains(&id.topic).then(|| self.choose(&id, Strategy::Unclean));
            let outcome = match choice {
                Some(Choice::Elect(next)) => {
                    let why = Why::Elected(ElectionReason::Unclean);
                    updates.push(StateUpdate { partition: id.clone(), next, why });
                    ErrorCode::NONE
                }
                _ => ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE,
            };
            self.outcomes.insert(id, outcome);
        }
        self.first([Step::Write(updates)]);
    }

    fn allows_unclean(&self, result: &Result<OpResult, ZkError>) -> bool {
        let overrides = match result {
            Ok(OpResult::Data { data, .. }) => znodes::read_config(data),
            _ => BTreeMap::new(),
        };
        TopicSettings::with_overrides(&self.settings, &overrides).unclean_leader_election_enable
    }

    fn choose(&self, id: &TopicPartition, strategy: Strategy) -> Choice {
        let known = self.cluster.partition(id).filter(|_| !self.is_going(&id.topic));
        let Some((partition, now)) = known.and_then(|p| Some((p, p.leadership.as_ref()?))) else {
            return Choice::Nobody(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        };
        let isr = &now.node.isr;
        let replicas = &partition.assignment.replicas;
        let in_sync = |id: &BrokerId| self.cluster.is_live(*id) && isr.contains(id);
        match strategy {
            Strategy::Offline | Strategy::Unclean => match replicas.iter().copied().find(in_sync) {
                Some(leader) => self.elected(now, leader, self.live_among(isr)),
                None if strategy == Strategy::Offline => Choice::AskSettings,
                None => match self.live_among(replicas).first() {
                    Some(leader) => {
                        let Choice::Elect(next) = self.elected(now, *leader, vec![*leader]) else {
                            return Choice::Nobody(ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE);
                        };
                        Choice::Elect(Leadership { recovering: true, ..next })
                    }
                    None => Choice::Nobody(ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE),
                },
            },
            Strategy::Preferred => match partition.preferred().filter(in_sync) {
                Some(leader) => self.elected(now, leader, isr.clone()),
                None => Choice::Nobody(ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE),
            },
            Strategy::ControlledShutdown => match replicas.iter().copied().find(in_sync) {
                Some(leader) => {
                    let stays = |id: &BrokerId| !self.cluster.shutting_down.contains(id);
                    self.elected(now, leader, isr.iter().copied().filter(stays).collect())
                }
                None => Choice::Nobody(ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE),
            },
            Strategy::Reassignment => match partition.assignment.target().into_iter().find(in_sync) {
                Some(leader) => self.elected(now, leader, isr.clone()),
                None => Choice::Nobody(ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE),
            },
        }
    }

    /// The next state, with this leader.
    fn elected(&self, now: &Leadership, leader: BrokerId, isr: Vec<BrokerId>) -> Choice {
        Choice::Elect(self.next(now, Some(leader), isr))
    }

    /// The state after `now`: another epoch.
    pub(super) fn next(&self, now: &Leadership, leader: Option<BrokerId>, isr: Vec<BrokerId>) -> Leadership {
        let node =
            znodes::StateNode { leader, leader_epoch: now.node.leader_epoch + 1, controller_epoch: self.epoch, isr };
        Leadership { node, version: now.version, recovering: now.recovering }
    }

    fn live_among(&self, brokers: &[BrokerId]) -> Vec<BrokerId> {
        brokers.iter().copied().filter(|id| self.cluster.is_live(*id)).collect()
    }

    /// Replicas on `gone` leave the in-sync sets, but for the last member; where one led, nobody does now.
    pub(super) fn replicas_offline(&mut self, gone: &BTreeSet<BrokerId>) {
        let mut updates = Vec::new();
        for (id, partition) in self.cluster.partitions() {
            let Some(now) = partition.leadership.as_ref().filter(|_| !self.is_going(&id.topic)) else {
                continue;
            };
            if let Some(next) = self.without(now, gone) {
                updates.push(StateUpdate { partition: id, next, why: Why::Shrunk });
            }
        }
        self.first([Step::Write(updates)]);
    }

    /// The state without `gone`; none if nothing changes.
    pub(super) fn without(&self, now: &Leadership, gone: &BTreeSet<BrokerId>) -> Option<Leadership> {
        let mut isr = now.node.isr.clone();
        for member in &now.node.isr {
            if gone.contains(member) && isr.len() > 1 {
                isr.retain(|other| other != member);
            }
        }
        let leader = now.node.leader.filter(|leader| !gone.contains(leader));
        let changes = isr != now.node.isr || leader != now.node.leader;
        changes.then(|| self.next(now, leader, isr))
    }
}

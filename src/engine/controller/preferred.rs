//! Elections that somebody asks for: `ElectLeaders` (KIP-460), the old znode, and the controller's own rebalancing.
//! Kafka's `processReplicaLeaderElection` and `checkAndTriggerAutoLeaderRebalance`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::batch::by_topic;
use super::context::{Partition, Stage};
use super::partitions::Strategy;
use super::queue::{Results, Resume, Step};
use super::{Controller, Io, admin, znodes};
use crate::engine::broker::connection::Origin;
use crate::engine::event::ElectionReason;
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::zk::op::{ANY_VERSION, Op, OpResult, Write};
use crate::protocol::elect_leaders::{PartitionResult, ReplicaElectionResult, election_type};
use crate::protocol::{ElectLeadersRequest, ElectLeadersResponse, ErrorCode};

/// A request whose elections are under way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    origin: Origin,
    /// What is known already: partitions that need no election, or do not exist.
    settled: BTreeMap<TopicPartition, ErrorCode>,
    /// Whether all partitions were asked for: then those that need no election are not listed.
    all: bool,
}

impl Controller {
    pub(super) fn elect_leaders(&mut self, request: &ElectLeadersRequest, origin: Origin) {
        let (strategy, reason) = match request.election_type {
            election_type::PREFERRED => (Strategy::Preferred, ElectionReason::Preferred),
            election_type::UNCLEAN => (Strategy::Unclean, ElectionReason::Unclean),
            _ => {
                let response = ElectLeadersResponse { error_code: ErrorCode::INVALID_REQUEST, ..Default::default() };
                return self.reply(origin, response.into());
            }
        };
        let asked: Vec<TopicPartition> = match &request.topic_partitions {
            None => self.cluster.partitions_where(|_, _| true),
            Some(topics) => topics.iter().flat_map(|t| of_topic(&t.topic, &t.partitions)).collect(),
        };
        let (mut settled, mut partitions) = (BTreeMap::new(), Vec::new());
        for id in asked {
            match self.needs_election(&id, strategy) {
                Ok(()) => partitions.push(id),
                Err(error) => {
                    settled.insert(id, error);
                }
            }
        }
        let asked = Asked { origin, settled, all: request.topic_partitions.is_none() };
        self.first([Step::Elect { partitions, strategy, reason }, Step::Admin(admin::Step::Elected(asked))]);
    }

    fn needs_election(&self, id: &TopicPartition, strategy: Strategy) -> Result<(), ErrorCode> {
        let partition = self.cluster.partition(id).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if self.deletion.is_queued(&id.topic) {
            return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
        }
        let needed = match strategy {
            Strategy::Preferred => partition.leader() != partition.preferred(),
            _ => partition.stage != Stage::Online,
        };
        if needed { Ok(()) } else { Err(ErrorCode::ELECTION_NOT_NEEDED) }
    }

    /// All elections were tried.
    pub(super) fn answer_election(&mut self, asked: Asked) {
        let Asked { origin, settled, all } = asked;
        let mut outcomes = std::mem::take(&mut self.outcomes);
        outcomes.extend(settled.into_iter().filter(|(_, error)| !all || *error != ErrorCode::ELECTION_NOT_NEEDED));
        let result = |(id, error_code): (TopicPartition, ErrorCode)| {
            let error_message = error_code.is_error().then(|| Arc::from(error_code.message()));
            (id.topic, PartitionResult { partition_id: id.partition, error_code, error_message })
        };
        let topic = |topic, partition_result| ReplicaElectionResult { topic, partition_result };
        let results = by_topic(outcomes.into_iter().map(result), topic);
        let response = ElectLeadersResponse { replica_election_results: results, ..Default::default() };
        self.reply(origin, response.into());
    }

    /// The old way: the partitions stand in a znode, which is deleted when they are read.
    pub(super) fn preferred_read(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let asked = match results.first() {
            Some(Ok(OpResult::Data { data, .. })) => znodes::read_preferred_election(data).unwrap_or_default(),
            _ => Vec::new(),
        };
        let partitions = asked
            .into_iter()
            .map(|(topic, partition)| TopicPartition::new(topic, partition))
            .filter(|id| self.needs_election(id, Strategy::Preferred).is_ok())
            .collect();
        let reason = ElectionReason::Preferred;
        self.first([Step::Elect { partitions, strategy: Strategy::Preferred, reason }]);
        let done = self.guarded([Write::delete(znodes::PREFERRED_ELECTION, ANY_VERSION)]);
        self.ask(vec![done, Op::exists_and_watch(znodes::PREFERRED_ELECTION)], Resume::Nothing, io);
    }

    /// Gives leadership back where a broker leads too few of the partitions that prefer it
    /// (`leader.imbalance.per.broker.percentage`).
    pub(super) fn rebalance(&mut self, io: &mut Io<'_, '_>) {
        let mut preferring: BTreeMap<BrokerId, (usize, Vec<TopicPartition>)> = BTreeMap::new();
        for (id, partition) in self.cluster.partitions() {
            let Some(preferred) = partition.preferred().filter(|_| !self.deletion.is_queued(&id.topic)) else {
                continue;
            };
            let (all, elsewhere) = preferring.entry(preferred).or_default();
            *all += 1;
            if partition.leader() != Some(preferred) {
                elsewhere.push(id);
            }
        }
        let percentage = usize::try_from(self.settings.leader_imbalance_per_broker_percentage).unwrap_or(0);
        let partitions: Vec<TopicPartition> = preferring
            .into_iter()
            .filter(|(broker, (all, elsewhere))| {
                self.cluster.is_live(*broker) && elsewhere.len() * 100 > all * percentage
            })
            .flat_map(|(broker, (_, elsewhere))| elsewhere.into_iter().map(move |id| (broker, id)))
            .filter(|(broker, id)| self.cluster.partition(id).is_some_and(|partition| may_return(partition, *broker)))
            .map(|(_, id)| id)
            .collect();
        if !partitions.is_empty() {
            let reason = ElectionReason::Rebalance;
            self.first([Step::Elect { partitions, strategy: Strategy::Preferred, reason }]);
        }
        let seconds = u64::try_from(self.settings.leader_imbalance_check_interval_seconds).unwrap_or(1);
        self.rebalance_later(Duration::from_secs(seconds), io.ctx);
    }
}

fn may_return(partition: &Partition, preferred: BrokerId) -> bool {
    partition.isr().contains(&preferred) && !partition.assignment.is_moving()
}

fn of_topic<'a>(topic: &'a Arc<str>, partitions: &'a [i32]) -> impl Iterator<Item = TopicPartition> + 'a {
    partitions.iter().map(|partition| TopicPartition::new(Arc::clone(topic), *partition))
}

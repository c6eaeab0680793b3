//! What the controller knows of the cluster: Kafka's `ControllerContext`. Plain data and questions about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::znodes::Assignment;
use crate::engine::node::BrokerId;
use crate::engine::replica::{PartitionState, TopicPartition};

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    /// Its registration's number.
    pub(crate) epoch: i64,
    /// Where it listens.
    pub(crate) host: Arc<str>,
    /// At which port.
    pub(crate) port: u16,
    /// `broker.rack`.
    pub(crate) rack: Option<Arc<str>>,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topic {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its partitions' states; `replicas`, `adding` and `removing` are the assignment's.
    pub(crate) partitions: BTreeMap<i32, PartitionState>,
}

/// The context.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cluster {
    /// Registered brokers.
    pub(crate) live: BTreeMap<BrokerId, Live>,
    /// Those of them in a controlled shutdown: they get no new leaderships.
    pub(crate) leaving: BTreeSet<BrokerId>,
    /// Topics by name.
    pub(crate) topics: BTreeMap<Arc<str>, Arc<Topic>>,
    /// Topics to be deleted.
    pub(crate) deleting: BTreeSet<Arc<str>>,
    /// Topics whose own settings allow an unclean election.
    pub(crate) unclean: BTreeSet<Arc<str>>,
}

/// A partition's new state, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Which partition.
    pub(crate) id: TopicPartition,
    /// Its state after the change; `partition_epoch` is that before.
    pub(crate) state: PartitionState,
}

impl Cluster {
    /// Whether a broker lives and is not leaving.
    pub(crate) fn can_lead(&self, id: BrokerId) -> bool {
        self.live.contains_key(&id) && !self.leaving.contains(&id)
    }

    /// A partition's state.
    pub(crate) fn partition(&self, id: &TopicPartition) -> Option<&PartitionState> {
        self.topics.get(&id.topic)?.partitions.get(&id.partition)
    }

    /// A partition's state, to change it.
    pub(crate) fn partition_mut(&mut self, id: &TopicPartition) -> Option<&mut PartitionState> {
        Arc::make_mut(self.topics.get_mut(&id.topic)?).partitions.get_mut(&id.partition)
    }

    /// All partitions.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &PartitionState)> {
        self.topics.iter().flat_map(|(name, topic)| {
            let id = move |partition: &i32| TopicPartition::new(Arc::clone(name), *partition);
            topic.partitions.iter().map(move |(partition, state)| (id(partition), state))
        })
    }

    /// Takes up a topic's assignment. Partitions that were not known have no state yet: they are returned.
    pub(crate) fn assign(&mut self, name: &Arc<str>, assignment: &Assignment) -> Vec<TopicPartition> {
        let topic = Arc::make_mut(self.topics.entry(Arc::clone(name)).or_default());
        topic.id = assignment.topic_id;
        let mut new = Vec::new();
        for (partition, replicas) in &assignment.partitions {
            let state = topic.partitions.entry(*partition).or_insert_with(|| {
                new.push(TopicPartition::new(Arc::clone(name), *partition));
                // No leader epoch yet: `is_new` tells it from a partition that has had one.
                PartitionState { leader_epoch: -1, partition_epoch: -1, ..PartitionState::default() }
            });
            state.replicas.clone_from(replicas);
            state.adding = assignment.adding.get(partition).cloned().unwrap_or_default();
            state.removing = assignment.removing.get(partition).cloned().unwrap_or_default();
        }
        new
    }

    /// The assignment of a topic, as its znode is to hold it.
    pub(crate) fn assignment(&self, name: &str) -> Option<Assignment> {
        let topic = self.topics.get(name)?;
        let some = |ids: &[BrokerId]| (!ids.is_empty()).then(|| ids.to_vec());
        let by = |of: fn(&PartitionState) -> &Vec<BrokerId>| {
            topic.partitions.iter().filter_map(|(p, state)| Some((*p, some(of(state))?))).collect()
        };
        Some(Assignment {
            topic_id: topic.id,
            partitions: topic.partitions.iter().map(|(p, state)| (*p, state.replicas.clone())).collect(),
            adding: by(|state| &state.adding),
            removing: by(|state| &state.removing),
        })
    }

    /// The name of a topic by its id.
    pub(crate) fn name_of(&self, id: Uuid) -> Option<Arc<str>> {
        self.topics.iter().find(|(_, topic)| topic.id == id).map(|(name, _)| Arc::clone(name))
    }

    /// Whether every partition of a topic has a leader.
    pub(crate) fn all_led(&self, name: &str) -> bool {
        self.topics.get(name).is_some_and(|topic| topic.partitions.values().all(|state| state.leader.is_some()))
    }
}

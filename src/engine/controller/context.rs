//! What the controller knows of the cluster: live brokers, topics, who leads. Kafka's `ControllerContext`.
//!
//! It holds and answers; nothing is decided or sent here. The controller is the only writer of partition states, so
//! what stands here is what stands in ZooKeeper, until a write of unknown outcome makes it load everything anew.
//! What is large is shared: a clone of 10,000 partitions copies one pointer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::znodes::{Assignment, Registration, StateNode, TopicNode};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveBroker {
    /// The number of its registration: the czxid of its znode.
    pub epoch: i64,
    /// Where it listens.
    pub registration: Registration,
}

/// Who leads a partition and who is in sync, as ZooKeeper has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// What stands in the znode.
    pub node: StateNode,
    /// The version of the znode: the partition epoch.
    pub version: i32,
    /// Whether the leader was elected unclean and has not recovered yet (KIP-704). Not kept in ZooKeeper.
    pub recovering: bool,
}

/// Where a partition is in its life (`PartitionState`). One that does not exist is not in the context.
///
/// ```text
///   New --first leader--> Online --its leader died--> Offline
///                            ^------- elected -----------'
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Assigned, but never led: it has no state in ZooKeeper.
    New,
    /// Led by a live broker.
    Online,
    /// Its leader is dead, or it has none.
    Offline,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its replicas.
    pub assignment: Assignment,
    /// Where it is in its life.
    pub stage: Stage,
    /// Who leads it, unless it is new.
    pub leadership: Option<Leadership>,
}

impl Partition {
    /// One that was never led.
    pub fn new(assignment: Assignment) -> Self {
        Self { assignment, stage: Stage::New, leadership: None }
    }

    /// The leader, dead or alive.
    pub fn leader(&self) -> Option<BrokerId> {
        self.leadership.as_ref()?.node.leader
    }

    /// The in-sync replicas.
    pub fn isr(&self) -> &[BrokerId] {
        self.leadership.as_ref().map_or(&[], |leadership| &leadership.node.isr)
    }

    /// The head of the assignment.
    pub fn preferred(&self) -> Option<BrokerId> {
        self.assignment.replicas.first().copied()
    }
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Its id.
    pub id: Uuid,
    /// The version of its znode.
    pub version: i32,
    /// Its partitions.
    pub partitions: BTreeMap<i32, Partition>,
}

impl Topic {
    /// What stands in its znode.
    pub fn node(&self) -> TopicNode {
        let assignment = |partition: &Partition| partition.assignment.clone();
        TopicNode { id: self.id, partitions: self.partitions.iter().map(|(id, p)| (*id, assignment(p))).collect() }
    }
}

/// What the controller knows. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct ClusterContext {
    /// The registered brokers.
    pub brokers: BTreeMap<BrokerId, LiveBroker>,
    /// Those of them that want to shut down: they are told what changes, but elected no more.
    pub shutting_down: BTreeSet<BrokerId>,
    /// Those of them whose log directory is offline: the same.
    pub without_disk: BTreeSet<BrokerId>,
    topics: Arc<BTreeMap<Arc<str>, Arc<Topic>>>,
    names: Arc<BTreeMap<Uuid, Arc<str>>>,
}

impl ClusterContext {
    /// Whether a broker may lead and be in sync.
    pub fn is_live(&self, id: BrokerId) -> bool {
        self.brokers.contains_key(&id) && !self.shutting_down.contains(&id) && !self.without_disk.contains(&id)
    }

    /// The brokers that can be talked to, those that are shutting down among them.
    pub fn reachable(&self) -> BTreeSet<BrokerId> {
        self.brokers.keys().copied().collect()
    }

    /// The brokers that may lead.
    pub fn live(&self) -> BTreeSet<BrokerId> {
        self.brokers.keys().copied().filter(|id| self.is_live(*id)).collect()
    }

    /// The topics by name.
    pub fn topics(&self) -> impl Iterator<Item = (&Arc<str>, &Topic)> {
        self.topics.iter().map(|(name, topic)| (name, topic.as_ref()))
    }

    /// A topic.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name).map(Arc::as_ref)
    }

    /// A topic, to change it; made where there is none.
    pub fn topic_mut(&mut self, name: &Arc<str>, id: Uuid) -> &mut Topic {
        Arc::make_mut(&mut self.names).insert(id, Arc::clone(name));
        let topics = Arc::make_mut(&mut self.topics);
        let topic = Arc::make_mut(topics.entry(Arc::clone(name)).or_default());
        topic.id = id;
        topic
    }

    /// Forgets a topic.
    pub fn remove_topic(&mut self, name: &str) {
        if let Some(topic) = Arc::make_mut(&mut self.topics).remove(name) {
            Arc::make_mut(&mut self.names).remove(&topic.id);
        }
    }

    /// The name of the topic with this id.
    pub fn name_of(&self, id: Uuid) -> Option<&Arc<str>> {
        self.names.get(&id)
    }

    /// A partition.
    pub fn partition(&self, id: &TopicPartition) -> Option<&Partition> {
        self.topics.get(&id.topic)?.partitions.get(&id.partition)
    }

    /// A partition, to change it.
    pub fn partition_mut(&mut self, id: &TopicPartition) -> Option<&mut Partition> {
        let topic = Arc::make_mut(&mut self.topics).get_mut(&id.topic)?;
        Arc::make_mut(topic).partitions.get_mut(&id.partition)
    }

    /// All partitions.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &Partition)> {
        self.topics.iter().flat_map(|(name, topic)| {
            let id = |partition: &i32| TopicPartition::new(Arc::clone(name), *partition);
            topic.partitions.iter().map(move |(number, partition)| (id(number), partition))
        })
    }

    /// The partitions that fulfil a condition.
    pub fn partitions_where(&self, condition: impl Fn(&TopicPartition, &Partition) -> bool) -> Vec<TopicPartition> {
        self.partitions().filter(|(id, partition)| condition(id, partition)).map(|(id, _)| id).collect()
    }

    /// Takes up who leads a partition now.
    pub fn lead(&mut self, id: &TopicPartition, leadership: Leadership) {
        let online = leadership.node.leader.is_some_and(|leader| self.brokers.contains_key(&leader));
        if let Some(partition) = self.partition_mut(id) {
            partition.stage = if online { Stage::Online } else { Stage::Offline };
            partition.leadership = Some(leadership);
        }
    }

    /// Those of a partition's replicas that live on brokers of `among`.
    pub fn replicas_among(&self, id: &TopicPartition, among: &BTreeSet<BrokerId>) -> Vec<BrokerId> {
        let replicas = self.partition(id).map_or(&[][..], |partition| &partition.assignment.replicas);
        replicas.iter().copied().filter(|replica| among.contains(replica)).collect()
    }
}

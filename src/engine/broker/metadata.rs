//! What the controller told a broker of the cluster (`UpdateMetadata`): living brokers, topics, leaders. Clients are
//! answered from it. Kafka's `ZkMetadataCache`.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::protocol::UpdateMetadataRequest;
use crate::protocol::update_metadata::UpdateMetadataPartitionState;

/// The leader field of a partition whose topic is being deleted (`LeaderAndIsr.LeaderDuringDelete`).
pub const LEADER_DURING_DELETE: i32 = -2;

/// A living broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The host that clients are told.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// `broker.rack`.
    pub rack: Option<Arc<str>>,
}

/// A partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionMeta {
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// Its epoch.
    pub leader_epoch: i32,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// The assigned replicas.
    pub replicas: Vec<BrokerId>,
    /// Those of them on dead brokers.
    pub offline: Vec<BrokerId>,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicMeta {
    /// Its id.
    pub id: Uuid,
    /// Its partitions.
    pub partitions: BTreeMap<i32, PartitionMeta>,
}

/// The cache.
#[derive(Clone, Debug, Default)]
pub struct MetadataCache {
    /// The controller that spoke last.
    pub controller: Option<BrokerId>,
    /// Living brokers.
    pub brokers: BTreeMap<BrokerId, Endpoint>,
    /// Topics by name.
    pub topics: BTreeMap<Arc<str>, Arc<TopicMeta>>,
    names: BTreeMap<Uuid, Arc<str>>,
}

impl MetadataCache {
    /// Whether the cluster has this partition.
    pub fn knows(&self, id: &TopicPartition) -> bool {
        self.partition(id).is_some()
    }

    /// A partition.
    pub fn partition(&self, id: &TopicPartition) -> Option<&PartitionMeta> {
        self.topics.get(&id.topic)?.partitions.get(&id.partition)
    }

    /// Whether a broker lives, as far as the controller knows.
    pub fn is_alive(&self, id: BrokerId) -> bool {
        self.brokers.contains_key(&id)
    }

    /// The epoch of a broker's registration; -1, "not known", as the ZooKeeper-mode cache does not carry it.
    pub fn epoch_of(&self, _id: BrokerId) -> i64 {
        -1
    }

    /// The name of the topic with this id.
    pub fn name_of(&self, id: Uuid) -> Option<&Arc<str>> {
        self.names.get(&id)
    }

    /// The id of the topic with this name; nil where there is none.
    pub fn id_of(&self, topic: &str) -> Uuid {
        self.topics.get(topic).map_or(Uuid::nil(), |meta| meta.id)
    }

    /// Takes up what the controller says. Topics that it does not mention stay.
    pub fn update(&mut self, request: &UpdateMetadataRequest) {
        self.controller = Some(BrokerId(request.controller_id));
        self.brokers = request
            .live_brokers
            .iter()
            .filter_map(|broker| {
                let endpoint = broker.endpoints.first()?;
                let port = u16::try_from(endpoint.port).ok()?;
                let known = Endpoint { host: Arc::clone(&endpoint.host), port, rack: broker.rack.clone() };
                Some((BrokerId(broker.id), known))
            })
            .collect();
        for topic in &request.topic_states {
            for state in &topic.partition_states {
                self.update_partition(&topic.topic_name, topic.topic_id, state);
            }
        }
    }

    fn update_partition(&mut self, topic: &Arc<str>, id: Uuid, state: &UpdateMetadataPartitionState) {
        if state.leader == LEADER_DURING_DELETE {
            self.remove_partition(topic, state.partition_index);
            return;
        }
        let brokers = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
        let partition = PartitionMeta {
            leader: (state.leader >= 0).then_some(BrokerId(state.leader)),
            leader_epoch: state.leader_epoch,
            isr: brokers(&state.isr),
            replicas: brokers(&state.replicas),
            offline: brokers(&state.offline_replicas),
        };
        let meta = Arc::make_mut(self.topics.entry(Arc::clone(topic)).or_default());
        if meta.id != id {
            self.names.remove(&meta.id);
            self.names.insert(id, Arc::clone(topic));
            meta.id = id;
        }
        meta.partitions.insert(state.partition_index, partition);
    }

    fn remove_partition(&mut self, topic: &Arc<str>, partition: i32) {
        let Some(meta) = self.topics.get_mut(topic) else { return };
        let meta = Arc::make_mut(meta);
        meta.partitions.remove(&partition);
        if meta.partitions.is_empty() {
            self.names.remove(&meta.id);
            self.topics.remove(topic);
        }
    }
}

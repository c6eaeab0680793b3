//! What is to be told to whom, collected over one decision and sent at once. Kafka's `ControllerBrokerRequestBatch`.
//!
//! Within a batch each broker gets LeaderAndIsr first, then UpdateMetadata, then StopReplica.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::channel::Purpose;
use super::context::{ClusterContext, Leadership};
use super::{Controller, numbers};
use crate::engine::context::{Cause, Context};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::protocol::leader_and_isr::{LeaderAndIsrLiveLeader, LeaderAndIsrPartitionState, LeaderAndIsrTopicState};
use crate::protocol::stop_replica::{StopReplicaPartitionState, StopReplicaTopicState};
use crate::protocol::update_metadata::{
    UpdateMetadataBroker, UpdateMetadataEndpoint, UpdateMetadataPartitionState, UpdateMetadataTopicState,
};
use crate::protocol::{LeaderAndIsrRequest, StopReplicaRequest, UpdateMetadataRequest};

/// The leader that stands in metadata while a topic is being deleted (`LeaderAndIsr.LeaderDuringDelete`).
const LEADER_DURING_DELETE: i32 = -2;
/// The leader epoch that goes with the deletion of a topic's replicas (`LeaderAndIsr.EpochDuringDelete`).
const EPOCH_DURING_DELETE: i32 = -2;
/// The leader epoch where there is none to tell (`LeaderAndIsr.NoEpoch`).
const NO_EPOCH: i32 = -1;

/// What is collected.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestBatch {
    /// By broker: which partitions, and whether its replica is new.
    states: BTreeMap<BrokerId, BTreeMap<TopicPartition, bool>>,
    /// By broker: which replicas to stop, and whether to delete them.
    stops: BTreeMap<BrokerId, BTreeMap<TopicPartition, bool>>,
    /// Who gets metadata.
    readers: BTreeSet<BrokerId>,
    /// Of which partitions.
    changed: BTreeSet<TopicPartition>,
    /// Why a broker is told, where that is another reason than the batch's own.
    causes: BTreeMap<BrokerId, Cause>,
}

impl RequestBatch {
    /// `brokers` are to host the partition as its state now says; everybody in `readers` hears of it.
    pub(super) fn host(
        &mut self,
        partition: &TopicPartition,
        brokers: &[BrokerId],
        is_new: bool,
        readers: &BTreeSet<BrokerId>,
    ) {
        for broker in brokers {
            let new = self.states.entry(*broker).or_default().entry(partition.clone()).or_insert(is_new);
            *new |= is_new;
        }
        self.readers.extend(readers);
        self.changed.insert(partition.clone());
    }

    /// `brokers` are to know the live brokers, and these partitions.
    pub(super) fn tell(&mut self, brokers: &BTreeSet<BrokerId>, partitions: impl IntoIterator<Item = TopicPartition>) {
        self.readers.extend(brokers);
        self.changed.extend(partitions);
    }

    /// `broker` is to stop its replica, and to delete it.
    pub(super) fn stop(&mut self, broker: BrokerId, partition: &TopicPartition, delete: bool) {
        let deletes = self.stops.entry(broker).or_default().entry(partition.clone()).or_insert(delete);
        *deletes |= delete;
    }

    /// What `broker` is told is caused by this.
    pub(super) fn because(&mut self, broker: BrokerId, cause: Cause) {
        self.causes.insert(broker, cause);
    }
}

impl Controller {
    /// Sends what was collected.
    pub(super) fn flush(&mut self, ctx: &mut Context<'_>) {
        let batch = std::mem::take(&mut self.batch);
        let told: BTreeSet<BrokerId> =
            batch.states.keys().chain(&batch.readers).chain(batch.stops.keys()).copied().collect();
        let metadata = (!batch.readers.is_empty()).then(|| Arc::new(self.metadata(&batch.changed)));
        for broker in told {
            let Some(epoch) = self.cluster.brokers.get(&broker).map(|live| live.epoch) else { continue };
            let cause = batch.causes.get(&broker).unwrap_or(&ctx.cause).clone();
            ctx.because(cause, |ctx| {
                if let Some(states) = batch.states.get(&broker) {
                    let request = self.leader_and_isr(states, epoch);
                    self.channels.ask(broker, 7, request.into(), Purpose::Tell, ctx);
                }
                if let Some(metadata) = metadata.as_ref().filter(|_| batch.readers.contains(&broker)) {
                    let request = UpdateMetadataRequest { broker_epoch: epoch, ..metadata.as_ref().clone() };
                    self.channels.ask(broker, 8, request.into(), Purpose::Metadata(0), ctx);
                }
                if let Some(stops) = batch.stops.get(&broker) {
                    self.send_stops(broker, epoch, stops, ctx);
                }
            });
        }
        self.note_metadata_sent();
    }

    fn leader_and_isr(&self, states: &BTreeMap<TopicPartition, bool>, broker_epoch: i64) -> LeaderAndIsrRequest {
        let hosted: Vec<(Arc<str>, LeaderAndIsrPartitionState)> = states
            .iter()
            .filter_map(|(id, is_new)| Some((Arc::clone(&id.topic), self.host_state(id, *is_new)?)))
            .collect();
        let leaders: BTreeSet<BrokerId> = hosted.iter().map(|(_, state)| BrokerId(state.leader)).collect();
        let topic_states = by_topic(hosted, |topic_name, partition_states| LeaderAndIsrTopicState {
            topic_id: self.topic_id(&topic_name),
            topic_name,
            partition_states,
        });
        LeaderAndIsrRequest {
            controller_id: self.id.0,
            controller_epoch: self.epoch,
            broker_epoch,
            topic_states,
            live_leaders: leaders.iter().filter_map(|leader| live_leader(&self.cluster, *leader)).collect(),
            ..LeaderAndIsrRequest::default()
        }
    }

    fn topic_id(&self, name: &str) -> Uuid {
        self.cluster.topic(name).map_or(Uuid::nil(), |topic| topic.id)
    }

    fn host_state(&self, id: &TopicPartition, is_new: bool) -> Option<LeaderAndIsrPartitionState> {
        let partition = self.cluster.partition(id)?;
        let Leadership { node, version, recovering } = partition.leadership.as_ref()?;
        Some(LeaderAndIsrPartitionState {
            partition_index: id.partition,
            controller_epoch: node.controller_epoch,
            leader: node.leader.map_or(-1, |leader| leader.0),
            leader_epoch: node.leader_epoch,
            isr: numbers(&node.isr),
            partition_epoch: *version,
            replicas: numbers(&partition.assignment.replicas),
            adding_replicas: numbers(&partition.assignment.adding),
            removing_replicas: numbers(&partition.assignment.removing),
            is_new,
            leader_recovery_state: i8::from(*recovering),
        })
    }

    /// Metadata of `partitions`, with a broker epoch that is still to be filled in.
    fn metadata(&self, partitions: &BTreeSet<TopicPartition>) -> UpdateMetadataRequest {
        let states = partitions.iter().filter_map(|id| Some((Arc::clone(&id.topic), self.metadata_state(id)?)));
        let topic_states = by_topic(states, |topic_name, partition_states| UpdateMetadataTopicState {
            topic_id: self.topic_id(&topic_name),
            topic_name,
            partition_states,
        });
        UpdateMetadataRequest {
            controller_id: self.id.0,
            controller_epoch: self.epoch,
            topic_states,
            live_brokers: live_brokers(&self.cluster),
            ..UpdateMetadataRequest::default()
        }
    }

    fn metadata_state(&self, id: &TopicPartition) -> Option<UpdateMetadataPartitionState> {
        let partition = self.cluster.partition(id)?;
        let Leadership { node, version, .. } = partition.leadership.as_ref()?;
        let deleting = self.deletion.is_queued(&id.topic);
        let replicas = &partition.assignment.replicas;
        let without_disk = &self.cluster.without_disk;
        let is_dead = |id: &BrokerId| !self.cluster.brokers.contains_key(id) || without_disk.contains(id);
        let offline: Vec<BrokerId> = replicas.iter().copied().filter(is_dead).collect();
        Some(UpdateMetadataPartitionState {
            partition_index: id.partition,
            controller_epoch: node.controller_epoch,
            leader: if deleting { LEADER_DURING_DELETE } else { node.leader.map_or(-1, |leader| leader.0) },
            leader_epoch: node.leader_epoch,
            isr: numbers(&node.isr),
            zk_version: *version,
            replicas: numbers(replicas),
            offline_replicas: numbers(&offline),
        })
    }

    fn send_stops(
        &mut self,
        broker: BrokerId,
        broker_epoch: i64,
        stops: &BTreeMap<TopicPartition, bool>,
        ctx: &mut Context<'_>,
    ) {
        let state = |(id, delete): (&TopicPartition, &bool)| {
            let state = StopReplicaPartitionState {
                partition_index: id.partition,
                leader_epoch: self.stop_epoch(id),
                delete_partition: *delete,
            };
            (Arc::clone(&id.topic), state)
        };
        let topic = |topic_name, partition_states| StopReplicaTopicState { topic_name, partition_states };
        let request = StopReplicaRequest {
            controller_id: self.id.0,
            controller_epoch: self.epoch,
            broker_epoch,
            topic_states: by_topic(stops.iter().map(state), topic),
            ..StopReplicaRequest::default()
        };
        let deleted: Vec<TopicPartition> =
            stops.iter().filter(|(_, delete)| **delete).map(|(id, _)| id.clone()).collect();
        let purpose = if deleted.is_empty() { Purpose::Tell } else { Purpose::Delete(deleted) };
        self.channels.ask(broker, 4, request.into(), purpose, ctx);
    }

    /// The leader epoch that goes with the order to stop.
    fn stop_epoch(&self, id: &TopicPartition) -> i32 {
        if self.deletion.is_queued(&id.topic) {
            return EPOCH_DURING_DELETE;
        }
        let leadership = self.cluster.partition(id).and_then(|partition| partition.leadership.as_ref());
        leadership.map_or(NO_EPOCH, |leadership| leadership.node.leader_epoch)
    }
}

/// Puts together what is of one topic; the topics come in order.
pub(super) fn by_topic<S, T>(
    items: impl IntoIterator<Item = (Arc<str>, S)>,
    group: impl Fn(Arc<str>, Vec<S>) -> T,
) -> Vec<T> {
    let mut topics: BTreeMap<Arc<str>, Vec<S>> = BTreeMap::new();
    for (topic, item) in items {
        topics.entry(topic).or_default().push(item);
    }
    topics.into_iter().map(|(topic, items)| group(topic, items)).collect()
}

fn live_leader(cluster: &ClusterContext, id: BrokerId) -> Option<LeaderAndIsrLiveLeader> {
    let registration = &cluster.brokers.get(&id)?.registration;
    Some(LeaderAndIsrLiveLeader {
        broker_id: id.0,
        host_name: Arc::clone(&registration.host),
        port: i32::from(registration.port),
    })
}

fn live_brokers(cluster: &ClusterContext) -> Vec<UpdateMetadataBroker> {
    let broker = |(id, live): (&BrokerId, &super::context::LiveBroker)| UpdateMetadataBroker {
        id: id.0,
        endpoints: vec![UpdateMetadataEndpoint {
            port: i32::from(live.registration.port),
            host: Arc::clone(&live.registration.host),
            listener: "PLAINTEXT".into(),
            security_protocol: 0,
        }],
        rack: live.registration.rack.clone(),
    };
    cluster.brokers.iter().map(broker).collect()
}

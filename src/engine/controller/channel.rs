//! The controller's connections to brokers: one request in flight each, in order, tried again while the broker lives.
//! Kafka's `ControllerChannelManager`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::context::Cluster;
use crate::engine::context::{Cause, Context, Id};
use crate::engine::message::{KafkaRequest, Lane, Payload};
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::replica::{PartitionState, TopicPartition};
use crate::protocol::leader_and_isr::{LeaderAndIsrLiveLeader, LeaderAndIsrPartitionState, LeaderAndIsrTopicState};
use crate::protocol::stop_replica::{StopReplicaPartitionState, StopReplicaTopicState};
use crate::protocol::update_metadata::{
    UpdateMetadataBroker, UpdateMetadataEndpoint, UpdateMetadataPartitionState, UpdateMetadataTopicState,
};
use crate::protocol::{LeaderAndIsrRequest, Request, StopReplicaRequest, UpdateMetadataRequest};

/// The connection to one broker.
#[derive(Clone, Debug, Default)]
struct Channel {
    queue: VecDeque<(Request, Cause)>,
    in_flight: Option<(Id, Request, Cause)>,
}

/// The connections to all brokers.
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    to: BTreeMap<BrokerId, Channel>,
}

/// The version in which each of the controller's requests is sent.
fn version(request: &Request) -> i16 {
    match request {
        Request::LeaderAndIsr(_) => 7,
        Request::StopReplica(_) => 4,
        _ => 8,
    }
}

impl Channels {
    /// Queues a request and sends it if nothing is in flight.
    pub(super) fn send(&mut self, to: BrokerId, request: Request, ctx: &mut Context<'_>) {
        let cause = ctx.cause.clone();
        self.to.entry(to).or_default().queue.push_back((request, cause));
        self.pump(to, ctx);
    }

    fn pump(&mut self, to: BrokerId, ctx: &mut Context<'_>) {
        let Some(channel) = self.to.get_mut(&to).filter(|channel| channel.in_flight.is_none()) else { return };
        let Some((request, cause)) = channel.queue.pop_front() else { return };
        let correlation = ctx.next_id();
        channel.in_flight = Some((correlation, request.clone(), cause.clone()));
        let payload = Payload::Request(KafkaRequest {
            lane: Lane::CONTROLLER,
            correlation,
            version: version(&request),
            client_id: "controller".into(),
            request,
        });
        ctx.because(cause, |ctx| ctx.send(NodeId::Broker(to), payload));
    }

    /// A broker answered: what it was asked, if it was this, and the next request goes out.
    pub(super) fn answered(&mut self, from: BrokerId, correlation: Id, ctx: &mut Context<'_>) -> Option<Request> {
        let channel = self.to.get_mut(&from)?;
        let (_, request, _) = channel.in_flight.take_if(|(id, ..)| *id == correlation)?;
        self.pump(from, ctx);
        Some(request)
    }

    /// The connection was lost: what was in flight goes first when it is tried again.
    pub(super) fn closed(&mut self, broker: BrokerId) -> bool {
        let Some(channel) = self.to.get_mut(&broker) else { return false };
        let Some((_, request, cause)) = channel.in_flight.take() else { return false };
        channel.queue.push_front((request, cause));
        true
    }

    /// Tries again whoever has something to be sent and nothing in flight.
    pub(super) fn retry(&mut self, ctx: &mut Context<'_>) {
        let idle: Vec<BrokerId> = self.to.iter().filter(|(_, c)| c.in_flight.is_none()).map(|(id, _)| *id).collect();
        for broker in idle {
            self.pump(broker, ctx);
        }
    }

    /// A broker is gone: nothing is sent to it any more.
    pub(super) fn remove(&mut self, broker: BrokerId) {
        self.to.remove(&broker);
    }

    /// Whether something is still to be answered by `broker`.
    pub(super) fn is_busy(&self, broker: BrokerId) -> bool {
        self.to.get(&broker).is_some_and(|channel| channel.in_flight.is_some() || !channel.queue.is_empty())
    }
}

/// Who sends: what every request of the controller carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    /// The controller.
    pub(super) id: BrokerId,
    /// Its epoch.
    pub(super) epoch: i32,
}

/// Partitions grouped by topic, with the topic's id.
type ByTopic<'a> = BTreeMap<Arc<str>, Vec<(i32, &'a PartitionState)>>;

fn by_topic<'a>(cluster: &'a Cluster, ids: impl IntoIterator<Item = &'a TopicPartition>) -> ByTopic<'a> {
    let mut topics = ByTopic::new();
    for id in ids {
        if let Some(state) = cluster.partition(id) {
            topics.entry(Arc::clone(&id.topic)).or_default().push((id.partition, state));
        }
    }
    topics
}

fn topic_id(cluster: &Cluster, topic: &str) -> uuid::Uuid {
    cluster.topics.get(topic).map_or(uuid::Uuid::nil(), |topic| topic.id)
}

fn numbers(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}

/// What `broker` is told of those of `ids` that it hosts; `None` where it hosts none.
pub(super) fn leader_and_isr<'a>(
    cluster: &'a Cluster,
    sender: Sender,
    broker: BrokerId,
    ids: impl IntoIterator<Item = &'a TopicPartition>,
    full: bool,
) -> Option<LeaderAndIsrRequest> {
    let hosted = ids.into_iter().filter(|id| cluster.partition(id).is_some_and(|s| s.replicas.contains(&broker) && s.leader_epoch >= 0));
    let topics = by_topic(cluster, hosted);
    if topics.is_empty() && !full {
        return None;
    }
    let mut leaders = BTreeSet::new();
    let partition = |(partition_index, state): &(i32, &PartitionState)| LeaderAndIsrPartitionState {
        partition_index: *partition_index,
        controller_epoch: sender.epoch,
        leader: state.leader.map_or(-1, |id| id.0),
        leader_epoch: state.leader_epoch,
        isr: numbers(&state.isr),
        partition_epoch: state.partition_epoch,
        replicas: numbers(&state.replicas),
        adding_replicas: numbers(&state.adding),
        removing_replicas: numbers(&state.removing),
        ..LeaderAndIsrPartitionState::default()
    };
    let topic_states = topics
        .into_iter()
        .map(|(topic_name, partitions)| {
            leaders.extend(partitions.iter().filter_map(|(_, state)| state.leader));
            LeaderAndIsrTopicState {
                topic_id: topic_id(cluster, &topic_name),
                topic_name,
                partition_states: partitions.iter().map(partition).collect(),
            }
        })
        .collect();
    let live_leaders = leaders
        .iter()
        .filter_map(|id| Some((id, cluster.live.get(id)?)))
        .map(|(id, live)| LeaderAndIsrLiveLeader {
            broker_id: id.0,
            host_name: Arc::clone(&live.host),
            port: live.port.into(),
        })
        .collect();
    Some(LeaderAndIsrRequest {
        controller_id: sender.id.0,
        controller_epoch: sender.epoch,
        broker_epoch: cluster.live.get(&broker).map_or(-1, |live| live.epoch),
        r#type: if full { 2 } else { 1 },
        topic_states,
        live_leaders,
        ..LeaderAndIsrRequest::default()
    })
}

/// What every broker is told of `ids`: `deleted` are those that are not there any more.
pub(super) fn update_metadata<'a>(
    cluster: &'a Cluster,
    sender: Sender,
    ids: impl IntoIterator<Item = &'a TopicPartition>,
    deleted: bool,
) -> UpdateMetadataRequest {
    let partition = |(partition_index, state): (i32, &PartitionState)| UpdateMetadataPartitionState {
        partition_index,
        controller_epoch: sender.epoch,
        leader: if deleted { -2 } else { state.leader.map_or(-1, |id| id.0) },
        leader_epoch: state.leader_epoch,
        isr: numbers(&state.isr),
        zk_version: state.partition_epoch,
        replicas: numbers(&state.replicas),
        offline_replicas: state.replicas.iter().filter(|id| !cluster.live.contains_key(id)).map(|id| id.0).collect(),
    };
    let topic_states = by_topic(cluster, ids)
        .into_iter()
        .map(|(topic_name, partitions)| UpdateMetadataTopicState {
            topic_id: topic_id(cluster, &topic_name),
            topic_name,
            partition_states: partitions.into_iter().map(partition).collect(),
        })
        .collect();
    let live_brokers = cluster
        .live
        .iter()
        .map(|(id, live)| UpdateMetadataBroker {
            id: id.0,
            endpoints: vec![UpdateMetadataEndpoint {
                port: live.port.into(),
                host: Arc::clone(&live.host),
                listener: "PLAINTEXT".into(),
                security_protocol: 0,
            }],
            rack: live.rack.clone(),
        })
        .collect();
    UpdateMetadataRequest {
        controller_id: sender.id.0,
        controller_epoch: sender.epoch,
        topic_states,
        live_brokers,
        ..UpdateMetadataRequest::default()
    }
}

/// Takes replicas away from a broker.
pub(super) fn stop_replica(
    cluster: &Cluster,
    sender: Sender,
    broker: BrokerId,
    ids: &[TopicPartition],
    delete_partition: bool,
) -> StopReplicaRequest {
    let mut topics: BTreeMap<Arc<str>, Vec<StopReplicaPartitionState>> = BTreeMap::new();
    for id in ids {
        // -2 is Kafka's EpochDuringDelete: the topic goes, whatever the epoch.
        let leader_epoch = match cluster.partition(id) {
            Some(state) if !cluster.deleting.contains(&id.topic) => state.leader_epoch,
            _ => -2,
        };
        let state = StopReplicaPartitionState { partition_index: id.partition, leader_epoch, delete_partition };
        topics.entry(Arc::clone(&id.topic)).or_default().push(state);
    }
    StopReplicaRequest {
        controller_id: sender.id.0,
        controller_epoch: sender.epoch,
        broker_epoch: cluster.live.get(&broker).map_or(-1, |live| live.epoch),
        topic_states: topics
            .into_iter()
            .map(|(topic_name, partition_states)| StopReplicaTopicState { topic_name, partition_states })
            .collect(),
        ..StopReplicaRequest::default()
    }
}

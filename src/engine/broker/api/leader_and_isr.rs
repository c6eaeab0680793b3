//! LeaderAndIsr (key 4), version 7, between brokers: the controller tells a broker which partitions it leads and follows.
//!
//! A partition that is new here needs the topic's settings first, which stand in ZooKeeper: the request is parked until
//! they are read, and what follows on the controller's connection waits behind it.
//!
//! The `type` is not looked at: a controller on ZooKeeper never sets it. Kafka 3.9 sends `FULL`, by which a broker finds
//! stray replicas, only from a `KRaft` controller during a migration.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::node::BrokerId;
use crate::engine::replica::{PartitionState, Replica, TopicPartition};
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::leader_and_isr::{
    LeaderAndIsrPartitionError, LeaderAndIsrPartitionState, LeaderAndIsrTopicError, LeaderAndIsrTopicState,
};
use crate::protocol::{ApiKey, ErrorCode, LeaderAndIsrRequest, LeaderAndIsrResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::LeaderAndIsr, oldest: 7, newest: 7, callers: Callers::Brokers, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::LeaderAndIsr(request) = request else { return Handled::Close };
    if let Err(error_code) = broker.check_controller(request.controller_epoch, request.broker_epoch) {
        return Handled::Ready(LeaderAndIsrResponse { error_code, ..LeaderAndIsrResponse::default() }.into());
    }
    let unknown: BTreeSet<Arc<str>> = request
        .topic_states
        .iter()
        .filter(|topic| !broker.configs.knows(&topic.topic_name))
        .map(|topic| Arc::clone(&topic.topic_name))
        .collect();
    if unknown.is_empty() {
        return Handled::Ready(apply(broker, &request, ctx).into());
    }
    broker.read_for_hosting(unknown.into_iter().collect(), origin, request, ctx);
    Handled::Parked
}

/// Does what the controller said before the settings were read, unless another controller has spoken since, or the broker
/// has registered anew.
pub(crate) fn checked(
    broker: &mut Broker,
    request: &LeaderAndIsrRequest,
    ctx: &mut Context<'_>,
) -> LeaderAndIsrResponse {
    match broker.check_controller(request.controller_epoch, request.broker_epoch) {
        Ok(()) => apply(broker, request, ctx),
        Err(error_code) => LeaderAndIsrResponse { error_code, ..LeaderAndIsrResponse::default() },
    }
}

/// Does what the controller says. The settings of all topics are known.
fn apply(broker: &mut Broker, request: &LeaderAndIsrRequest, ctx: &mut Context<'_>) -> LeaderAndIsrResponse {
    let mut leaders = BTreeSet::new();
    let topics = request.topic_states.iter().map(|topic| apply_topic(broker, topic, &mut leaders, ctx)).collect();
    for leader in leaders {
        broker.wake_fetcher(leader, ctx);
    }
    LeaderAndIsrResponse { error_code: ErrorCode::NONE, topics }
}

fn apply_topic(
    broker: &mut Broker,
    topic: &LeaderAndIsrTopicState,
    leaders: &mut BTreeSet<BrokerId>,
    ctx: &mut Context<'_>,
) -> LeaderAndIsrTopicError {
    let (mut led, mut followed) = (Vec::new(), Vec::new());
    let mut partition_errors = Vec::new();
    for state in &topic.partition_states {
        let id = TopicPartition::new(Arc::clone(&topic.topic_name), state.partition_index);
        let error_code = match apply_partition(broker, &id, topic, state, ctx) {
            Ok(Part::Leads) => {
                led.push(id);
                ErrorCode::NONE
            }
            Ok(Part::Follows(leader)) => {
                leaders.insert(leader);
                followed.push(id);
                ErrorCode::NONE
            }
            Ok(Part::Unchanged) => ErrorCode::NONE,
            Err(error) => error,
        };
        partition_errors.push(LeaderAndIsrPartitionError { partition_index: state.partition_index, error_code });
    }
    let is_offsets = *topic.topic_name == *CONSUMER_OFFSETS;
    for id in led.iter().filter(|_| is_offsets) {
        broker.begin_coordinating(id.partition, ctx);
    }
    for id in followed.iter().filter(|_| is_offsets) {
        broker.stop_coordinating(id.partition, ctx);
    }
    if !led.is_empty() {
        ctx.note(EventKind::Broker(BrokerEvent::Leads { partitions: led }));
    }
    if !followed.is_empty() {
        ctx.note(EventKind::Broker(BrokerEvent::Follows { partitions: followed }));
    }
    LeaderAndIsrTopicError { topic_id: topic.topic_id, partition_errors }
}

/// What a partition became.
enum Part {
    /// This broker leads it now and did not before, or not in this epoch.
    Leads,
    /// It follows another leader, or the same in another epoch.
    Follows(BrokerId),
    /// As it was, but perhaps for its in-sync set.
    Unchanged,
}

fn apply_partition(
    broker: &mut Broker,
    id: &TopicPartition,
    topic: &LeaderAndIsrTopicState,
    state: &LeaderAndIsrPartitionState,
    ctx: &mut Context<'_>,
) -> Result<Part, ErrorCode> {
    if !state.replicas.contains(&broker.id.0) {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
    broker.check_log_dir()?;
    let (me, now) = (broker.id, ctx.now.lab);
    let replica = host(broker, id, topic.topic_id, ctx)?;
    let known = replica.state.leader_epoch;
    let fresh = replica.leader().is_none() && replica.follower().is_none();
    if !fresh
        && (state.leader_epoch < known
            || (state.leader_epoch == known && state.partition_epoch < replica.state.partition_epoch))
    {
        return Err(ErrorCode::STALE_CONTROLLER_EPOCH);
    }
    let new_epoch = fresh || state.leader_epoch > known;
    let state = partition_state(state);
    let leader = state.leader;
    if leader == Some(me) {
        if let Err(error) = replica.lead(me, state, now, ctx.storage(id)) {
            return Err(broker.log_dir_failed(&error, ctx));
        }
    } else {
        replica.follow(state);
    }
    broker.assign_fetcher(id);
    broker.touch(id);
    Ok(match leader {
        _ if !new_epoch => Part::Unchanged,
        Some(leader) if leader == me => Part::Leads,
        Some(leader) => Part::Follows(leader),
        None => Part::Unchanged,
    })
}

/// The replica of the partition, made where it is not there. One of an earlier topic of the same name is dropped: the
/// topic's id tells them apart (KIP-516).
fn host<'a>(
    broker: &'a mut Broker,
    id: &TopicPartition,
    topic_id: uuid::Uuid,
    ctx: &mut Context<'_>,
) -> Result<&'a mut Replica, ErrorCode> {
    let mut made = Ok(());
    // A folder that lost its partition.metadata is of the topic that the controller knows, as in Kafka.
    if let Some(replica) = broker.replica_mut(id).filter(|replica| replica.topic_id.is_nil()) {
        replica.topic_id = topic_id;
    }
    if broker.replica(id).is_some_and(|replica| replica.topic_id != topic_id) {
        broker.replicas.remove(id);
        broker.forget_storage(id);
        broker.forget_cleaning(id, ctx);
        made = ctx.disks.delete(broker.id, id, broker.delete_delay());
    }
    if broker.replica(id).is_none() {
        made = made.and_then(|()| ctx.disks.create(broker.id, id, topic_id));
        let replica = broker.new_replica(id, topic_id);
        broker.replicas.insert(id.clone(), Arc::new(replica));
    }
    if let Err(error) = made {
        return Err(broker.log_dir_failed(&error, ctx));
    }
    broker.replica_mut(id).ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)
}

fn partition_state(state: &LeaderAndIsrPartitionState) -> PartitionState {
    let brokers = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    PartitionState {
        leader: (state.leader >= 0).then_some(BrokerId(state.leader)),
        leader_epoch: state.leader_epoch,
        partition_epoch: state.partition_epoch,
        isr: brokers(&state.isr),
        replicas: brokers(&state.replicas),
        adding: brokers(&state.adding_replicas),
        removing: brokers(&state.removing_replicas),
    }
}

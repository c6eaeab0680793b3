//! StopReplica (key 5), version 4, between brokers: the controller takes a replica away, with or without its log.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::replica::{Role, TopicPartition};
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::stop_replica::{StopReplicaPartitionError, StopReplicaPartitionState};
use crate::protocol::{ApiKey, ErrorCode, Request, StopReplicaResponse};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::StopReplica, oldest: 4, newest: 4, callers: Callers::Brokers, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::StopReplica(request) = request else { return Handled::Close };
    if let Err(error_code) = broker.check_controller(request.controller_epoch, request.broker_epoch) {
        return Handled::Ready(StopReplicaResponse { error_code, ..StopReplicaResponse::default() }.into());
    }
    let mut partition_errors = Vec::new();
    let mut deleted = Vec::new();
    for (name, state) in request.topic_states.iter().flat_map(|t| t.partition_states.iter().map(|s| (&t.topic_name, s)))
    {
        let id = TopicPartition::new(Arc::clone(name), state.partition_index);
        let error_code = stop(broker, &id, state, ctx).err().unwrap_or(ErrorCode::NONE);
        if error_code.is_ok() && state.delete_partition {
            deleted.push(id);
        }
        let (topic_name, partition_index) = (Arc::clone(name), state.partition_index);
        partition_errors.push(StopReplicaPartitionError { topic_name, partition_index, error_code });
    }
    if !deleted.is_empty() {
        ctx.note(EventKind::Broker(BrokerEvent::Deleted { partitions: deleted }));
    }
    Handled::Ready(StopReplicaResponse { error_code: ErrorCode::NONE, partition_errors }.into())
}

/// Epoch -2 (`LeaderAndIsr.EpochDuringDelete`) and -1 are not compared: the topic goes, whoever leads.
fn stop(
    broker: &mut Broker,
    id: &TopicPartition,
    state: &StopReplicaPartitionState,
    ctx: &mut Context<'_>,
) -> Result<(), ErrorCode> {
    let Some(replica) = broker.replica_mut(id) else { return Ok(()) };
    if state.leader_epoch >= 0 && state.leader_epoch < replica.state.leader_epoch {
        return Err(ErrorCode::FENCED_LEADER_EPOCH);
    }
    replica.role = Role::Idle;
    if *id.topic == *CONSUMER_OFFSETS {
        broker.stop_coordinating(id.partition, ctx);
    }
    broker.assign_fetcher(id);
    broker.touch(id);
    if state.delete_partition {
        broker.check_log_dir()?;
        broker.replicas.remove(id);
        broker.forget_storage(id);
        broker.forget_cleaning(id, ctx);
        if let Err(error) = ctx.disks.delete(broker.id, id, broker.delete_delay()) {
            return Err(broker.log_dir_failed(&error, ctx));
        }
        if !broker.replicas.keys().any(|other| other.topic == id.topic) {
            broker.configs.forget(&id.topic);
        }
    }
    Ok(())
}

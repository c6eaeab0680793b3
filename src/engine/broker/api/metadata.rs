//! Metadata (key 3), versions 0 to 12: brokers, controller, topics and who leads their partitions, from the cache.
//!
//! A topic that does not exist is created where the request and `auto.create.topics.enable` allow it; this answer says
//! `UNKNOWN_TOPIC_OR_PARTITION`, and the client asks again.

use std::sync::Arc;

use uuid::Uuid;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::broker::metadata::{PartitionMeta, TopicMeta};
use crate::engine::context::Context;
use crate::engine::node::BrokerId;
use crate::engine::topic_name;
use crate::protocol::metadata::{
    MetadataRequestTopic, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
    OPERATIONS_NOT_ASKED_FOR,
};
use crate::protocol::{ApiKey, ErrorCode, MetadataRequest, MetadataResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::Metadata, oldest: 0, newest: 12, callers: Callers::Everybody, handle };

/// Every operation on a topic (READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, `DESCRIBE_CONFIGS`, `ALTER_CONFIGS`), a bit
/// each by its code: without an authorizer everybody may do everything.
pub(crate) const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// Every operation on a cluster (CREATE, ALTER, DESCRIBE, `CLUSTER_ACTION`, `DESCRIBE_CONFIGS`, `ALTER_CONFIGS`,
/// `IDEMPOTENT_WRITE`).
pub(crate) const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::Metadata(request) = request else { return Handled::Close };
    let topics = wanted(broker, &request, origin.version, ctx);
    let cluster_operations = request.include_cluster_authorized_operations;
    let cache = &broker.metadata;
    let brokers = cache
        .brokers
        .iter()
        .map(|(id, endpoint)| MetadataResponseBroker {
            node_id: id.0,
            host: Arc::clone(&endpoint.host),
            port: endpoint.port.into(),
            rack: endpoint.rack.clone(),
        })
        .collect();
    let response = MetadataResponse {
        brokers,
        cluster_id: broker.cluster_id.clone(),
        controller_id: cache.controller.filter(|id| cache.is_alive(*id)).map_or(-1, |id| id.0),
        topics,
        cluster_authorized_operations: if cluster_operations { CLUSTER_OPERATIONS } else { OPERATIONS_NOT_ASKED_FOR },
        ..MetadataResponse::default()
    };
    Handled::Ready(response.into())
}

fn wanted(
    broker: &mut Broker,
    request: &MetadataRequest,
    version: i16,
    ctx: &mut Context<'_>,
) -> Vec<MetadataResponseTopic> {
    let operations =
        if request.include_topic_authorized_operations { TOPIC_OPERATIONS } else { OPERATIONS_NOT_ASKED_FOR };
    let mut topics = match &request.topics {
        Some(topics) if version > 0 || !topics.is_empty() => {
            // Before version 4 a client could not say that it does not want topics made: naming one asked for it.
            let create = version < 4 || request.allow_auto_topic_creation;
            topics.iter().map(|topic| one(broker, topic, create, ctx)).collect()
        }
        _ => all(broker),
    };
    for topic in topics.iter_mut().filter(|topic| topic.error_code.is_ok()) {
        topic.topic_authorized_operations = operations;
    }
    topics
}

fn all(broker: &Broker) -> Vec<MetadataResponseTopic> {
    broker.metadata.topics.iter().map(|(name, meta)| describe(broker, name, meta)).collect()
}

fn one(
    broker: &mut Broker,
    topic: &MetadataRequestTopic,
    create: bool,
    ctx: &mut Context<'_>,
) -> MetadataResponseTopic {
    // An id counts, whatever name stands beside it: Java leaves the empty one there.
    let name = match topic.name.as_ref().filter(|_| topic.topic_id.is_nil()) {
        Some(name) => Arc::clone(name),
        None => match broker.metadata.name_of(topic.topic_id) {
            Some(name) => Arc::clone(name),
            None => return refused(None, topic.topic_id, ErrorCode::UNKNOWN_TOPIC_ID),
        },
    };
    if let Some(meta) = broker.metadata.topics.get(&name) {
        return describe(broker, &name, meta);
    }
    if topic_name::validate(&name).is_err() {
        return refused(Some(name), Uuid::nil(), ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    if create && broker.settings().auto_create_topics_enable {
        let error = broker.create_automatically(&name, ctx);
        return refused(Some(name), Uuid::nil(), error);
    }
    refused(Some(name), Uuid::nil(), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

fn refused(name: Option<Arc<str>>, topic_id: Uuid, error_code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic { error_code, name, topic_id, ..MetadataResponseTopic::default() }
}

fn describe(broker: &Broker, name: &Arc<str>, meta: &TopicMeta) -> MetadataResponseTopic {
    let partitions = meta.partitions.iter().map(|(index, partition)| partition_of(broker, *index, partition));
    MetadataResponseTopic {
        error_code: ErrorCode::NONE,
        name: Some(Arc::clone(name)),
        topic_id: meta.id,
        is_internal: topic_name::is_internal(name),
        partitions: partitions.collect(),
        ..MetadataResponseTopic::default()
    }
}

fn partition_of(broker: &Broker, index: i32, meta: &PartitionMeta) -> MetadataResponsePartition {
    let leader = meta.leader.filter(|leader| broker.metadata.is_alive(*leader));
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|id| id.0).collect::<Vec<_>>();
    let error_code = if leader.is_some() { ErrorCode::NONE } else { ErrorCode::LEADER_NOT_AVAILABLE };
    MetadataResponsePartition {
        error_code,
        partition_index: index,
        leader_id: leader.map_or(-1, |id| id.0),
        leader_epoch: meta.leader_epoch,
        replica_nodes: ids(&meta.replicas),
        isr_nodes: ids(&meta.isr),
        offline_replicas: ids(&meta.offline),
    }
}

//! `FindCoordinator` (key 10), versions 0 to 6: which broker coordinates a group: the leader of its partition of
//! `__consumer_offsets`, which the first such request creates. Version 4 asks for several at once (KIP-699).
//!
//! Transactions come later: a group's coordinator is named truly, a transaction's is not there yet.
//!
//! Up to version 3 an error comes with Kafka's text for it, and so does its absence; from version 4 on the text is empty,
//! other than for a kind of coordinator that Kafka does not know at all. So a running 3.9.2 has it.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::replica::TopicPartition;
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::find_coordinator::{Coordinator, key_type};
use crate::protocol::{ApiKey, ErrorCode, FindCoordinatorResponse, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::FindCoordinator, oldest: 0, newest: 6, callers: Callers::Everybody, handle };

/// From this version on several are asked for at once.
const SEVERAL: i16 = 4;
/// From this version on share groups (KIP-932) have a coordinator, which Kafka 3.9 has not unless told to.
const SHARES: i16 = 6;

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::FindCoordinator(request) = request else { return Handled::Close };
    let kind = (request.key_type, origin.version);
    if origin.version >= SEVERAL {
        let coordinators = request.coordinator_keys.iter().map(|key| find(broker, kind, key, ctx)).collect();
        return Handled::Ready(FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() }.into());
    }
    let found = find(broker, kind, &request.key, ctx);
    let response = FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: found.error_message,
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..FindCoordinatorResponse::default()
    };
    Handled::Ready(response.into())
}

fn find(broker: &mut Broker, (kind, version): (i8, i16), key: &Arc<str>, ctx: &mut Context<'_>) -> Coordinator {
    let outcome = match kind {
        key_type::GROUP => group(broker, key, ctx),
        key_type::TRANSACTION => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        key_type::SHARE if version >= SHARES => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        _ => Err(ErrorCode::INVALID_REQUEST),
    };
    let is_known = matches!(kind, key_type::GROUP | key_type::TRANSACTION | key_type::SHARE);
    let error_code = outcome.as_ref().err().copied().unwrap_or(ErrorCode::NONE);
    let (node_id, host, port) = outcome.unwrap_or((-1, "".into(), -1));
    let error_message = Some(if version < SEVERAL || !is_known { text(error_code) } else { "" }.into());
    Coordinator { key: Arc::clone(key), node_id, host, port, error_code, error_message }
}

/// Kafka's text for what can become of the search (`Errors`).
fn text(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::NONE => "NONE",
        ErrorCode::INVALID_REQUEST => {
            "This most likely occurs because of a request being malformed by the client library or the message was sent \
             to an incompatible broker. See the broker logs for more details."
        }
        _ => "The coordinator is not available.",
    }
}

/// Its id, host and port.
type Found = Result<(i32, Arc<str>, i32), ErrorCode>;

fn group(broker: &mut Broker, group: &str, ctx: &mut Context<'_>) -> Found {
    if !broker.metadata.topics.contains_key(CONSUMER_OFFSETS) {
        broker.create_automatically(&Arc::from(CONSUMER_OFFSETS), ctx);
        return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
    }
    let partition = broker.partition_of_group(group);
    let cache = &broker.metadata;
    cache
        .partition(&TopicPartition::new(CONSUMER_OFFSETS, partition))
        .and_then(|meta| meta.leader)
        .and_then(|leader| Some((leader, cache.brokers.get(&leader)?)))
        .map(|(leader, endpoint)| (leader.0, Arc::clone(&endpoint.host), i32::from(endpoint.port)))
        .ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)
}

//! `DescribeCluster` (key 60), versions 0 and 1: the live brokers and the controller, as this broker's metadata has them.
//!
//! There are no `KRaft` controllers to ask for: `MISMATCHED_ENDPOINT_TYPE`. Any other kind of endpoint:
//! `UNSUPPORTED_ENDPOINT_TYPE`.

use std::sync::Arc;

use super::metadata::CLUSTER_OPERATIONS;
use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::describe_cluster::{DescribeClusterBroker, endpoint_type};
use crate::protocol::{ApiKey, DescribeClusterRequest, DescribeClusterResponse, ErrorCode, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DescribeCluster, oldest: 0, newest: 1, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::DescribeCluster(request) = request else { return Handled::Close };
    Handled::Ready(describe(broker, &request).into())
}

fn describe(broker: &Broker, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let error_code = match request.endpoint_type {
        endpoint_type::BROKERS => ErrorCode::NONE,
        endpoint_type::CONTROLLERS => ErrorCode::MISMATCHED_ENDPOINT_TYPE,
        _ => ErrorCode::UNSUPPORTED_ENDPOINT_TYPE,
    };
    let mut response = DescribeClusterResponse { error_code, ..DescribeClusterResponse::default() };
    if error_code.is_error() {
        response.error_message = Some(error_code.message().into());
        return response;
    }
    let cache = &broker.metadata;
    response.cluster_id = broker.cluster_id.clone().unwrap_or_default();
    response.controller_id = cache.controller.filter(|id| cache.is_alive(*id)).map_or(-1, |id| id.0);
    response.brokers = cache
        .brokers
        .iter()
        .map(|(id, endpoint)| DescribeClusterBroker {
            broker_id: id.0,
            host: Arc::clone(&endpoint.host),
            port: i32::from(endpoint.port),
            rack: endpoint.rack.clone(),
        })
        .collect();
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = CLUSTER_OPERATIONS;
    }
    response
}

//! UpdateMetadata (key 6), version 8, between brokers: the controller tells what the cluster looks like.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, ErrorCode, Request, UpdateMetadataResponse};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::UpdateMetadata, oldest: 8, newest: 8, callers: Callers::Brokers, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::UpdateMetadata(request) = request else { return Handled::Close };
    let error_code = match broker.check_controller(request.controller_epoch, request.broker_epoch) {
        Ok(()) => {
            let before = Arc::clone(&broker.metadata);
            Arc::make_mut(&mut broker.metadata).update(&request);
            broker.groups.heard(&broker.metadata, ctx.now.lab);
            let gone = |name: &&Arc<str>| !broker.metadata.topics.contains_key(*name);
            let gone: Vec<Arc<str>> = before.topics.keys().filter(gone).cloned().collect();
            if !gone.is_empty() {
                broker.forget_offsets_of(&gone, ctx);
            }
            ErrorCode::NONE
        }
        Err(error) => error,
    };
    Handled::Ready(UpdateMetadataResponse { error_code }.into())
}

//! `InitProducerId` (key 22), versions 0 to 5: a producer id for an idempotent producer, epoch 0.
//!
//! With a transactional id it is refused until transactions are served: `COORDINATOR_NOT_AVAILABLE`, as `FindCoordinator`
//! says.

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, ErrorCode, InitProducerIdResponse, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::InitProducerId, oldest: 0, newest: 5, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::InitProducerId(request) = request else { return Handled::Close };
    let refused = |error_code| InitProducerIdResponse {
        error_code,
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    match request.transactional_id.as_deref() {
        Some("") => return Handled::Ready(refused(ErrorCode::INVALID_REQUEST).into()),
        Some(_) => return Handled::Ready(refused(ErrorCode::COORDINATOR_NOT_AVAILABLE).into()),
        None => {}
    }
    match broker.next_producer_id(origin, ctx) {
        Some(producer_id) => {
            Handled::Ready(InitProducerIdResponse { producer_id, ..InitProducerIdResponse::default() }.into())
        }
        None => Handled::Parked,
    }
}

//! Heartbeat (key 12), versions 0 to 4: a member says that it lives, and hears whether it has to join again.

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, ErrorCode, HeartbeatResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::Heartbeat, oldest: 0, newest: 4, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::Heartbeat(request) = request else { return Handled::Close };
    let heard = super::check_group_id(&request.group_id).and_then(|()| {
        broker.with_named_group(&request.group_id, ctx, |group, desk| {
            group.classic_mut().map_or_else(|error| error, |classic| classic.heartbeat(&request, desk))
        })
    });
    let error_code = match heard {
        Ok(error) => error,
        // Nobody is given up by a coordinator that does not know its groups yet.
        Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => ErrorCode::NONE,
        Err(error) => super::unknown_member(error),
    };
    Handled::Ready(HeartbeatResponse { error_code, ..HeartbeatResponse::default() }.into())
}

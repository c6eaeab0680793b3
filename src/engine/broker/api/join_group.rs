//! `JoinGroup` (key 11), versions 0 to 9: a member wants to be part of its group's next generation. The answer comes when the
//! generation has formed.

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, ErrorCode, JoinGroupRequest, JoinGroupResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::JoinGroup, oldest: 0, newest: 9, callers: Callers::Everybody, handle };

/// Before this version the session's time-out stands for the rebalance's.
const REBALANCE_TIMEOUT: i16 = 1;

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::JoinGroup(mut request) = request else { return Handled::Close };
    if origin.version < REBALANCE_TIMEOUT {
        request.rebalance_timeout_ms = request.session_timeout_ms;
    }
    match join(broker, &request, origin, ctx) {
        Ok(()) => Handled::Parked,
        Err(error_code) => {
            let member_id = request.member_id;
            let refusal =
                JoinGroupResponse { error_code, member_id, generation_id: -1, ..JoinGroupResponse::default() };
            Handled::Ready(refusal.into())
        }
    }
}

fn join(
    broker: &mut Broker,
    request: &JoinGroupRequest,
    origin: &Origin,
    ctx: &mut Context<'_>,
) -> Result<(), ErrorCode> {
    let id = &request.group_id;
    super::check_group_id(id)?;
    broker.check_group(id)?;
    let settings = broker.settings();
    let allowed = settings.group_min_session_timeout_ms..=settings.group_max_session_timeout_ms;
    if !allowed.contains(&request.session_timeout_ms) {
        return Err(ErrorCode::INVALID_SESSION_TIMEOUT);
    }
    if broker.group(id)?.is_none() {
        if !request.member_id.is_empty() {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        broker.make_group(id, ctx)?;
    }
    let caller = broker.caller(origin);
    broker.with_named_group(id, ctx, |group, desk| group.join(request, caller, desk))?
}

//! `SyncGroup` (key 14), versions 0 to 5: a member asks for its assignment, and the leader brings everybody's. The answer comes
//! when the assignment is on all in-sync replicas.

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, ErrorCode, Request, SyncGroupRequest, SyncGroupResponse};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::SyncGroup, oldest: 0, newest: 5, callers: Callers::Everybody, handle };

/// From this version on a member says by which protocol it takes its group to be.
const NAMES_PROTOCOL: i16 = 5;

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::SyncGroup(request) = request else { return Handled::Close };
    match sync(broker, &request, origin, ctx) {
        Ok(()) => Handled::Parked,
        Err(error_code) => Handled::Ready(SyncGroupResponse { error_code, ..SyncGroupResponse::default() }.into()),
    }
}

fn sync(
    broker: &mut Broker,
    request: &SyncGroupRequest,
    origin: &Origin,
    ctx: &mut Context<'_>,
) -> Result<(), ErrorCode> {
    // The group's protocol is part of the request from version 5 on (KIP-559).
    if origin.version >= NAMES_PROTOCOL && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    }
    super::check_group_id(&request.group_id)?;
    let caller = broker.caller(origin);
    let synced = broker.with_named_group(&request.group_id, ctx, |group, desk| {
        group.classic_mut().map(|classic| classic.sync(request, caller, desk))
    });
    match synced {
        // The group is being loaded: what was assigned before is not known to be the last word.
        Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => Err(ErrorCode::REBALANCE_IN_PROGRESS),
        other => other.map_err(super::unknown_member)?,
    }
}

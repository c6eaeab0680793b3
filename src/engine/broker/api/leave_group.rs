//! `LeaveGroup` (key 13), versions 0 to 5: members go, or an operator takes them out. From version 3 on several at once.

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::leave_group::{MemberIdentity, MemberResponse};
use crate::protocol::{ApiKey, ErrorCode, LeaveGroupRequest, LeaveGroupResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::LeaveGroup, oldest: 0, newest: 5, callers: Callers::Everybody, handle };

/// From this version on the answer says of each member what became of it.
const SEVERAL: i16 = 3;

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::LeaveGroup(request) = request else { return Handled::Close };
    let several = origin.version >= SEVERAL;
    let one = MemberIdentity { member_id: request.member_id.clone(), ..MemberIdentity::default() };
    let leaving = if several { request.members.clone() } else { vec![one] };
    let response = match leave(broker, &request, &leaving, ctx) {
        Err(error_code) => LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() },
        Ok(members) if several => LeaveGroupResponse { members, ..LeaveGroupResponse::default() },
        Ok(members) => {
            let error_code = members.first().map_or(ErrorCode::NONE, |member| member.error_code);
            LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() }
        }
    };
    Handled::Ready(response.into())
}

fn leave(
    broker: &mut Broker,
    request: &LeaveGroupRequest,
    leaving: &[MemberIdentity],
    ctx: &mut Context<'_>,
) -> Result<Vec<MemberResponse>, ErrorCode> {
    super::check_group_id(&request.group_id)?;
    let left = broker.with_named_group(&request.group_id, ctx, |group, desk| group.leave(leaving, desk));
    let outcomes = match left {
        // Nobody knows the group, and so none of them.
        Err(ErrorCode::GROUP_ID_NOT_FOUND) => vec![ErrorCode::UNKNOWN_MEMBER_ID; leaving.len()],
        other => other?,
    };
    let response = |(member, error_code): (&MemberIdentity, ErrorCode)| MemberResponse {
        member_id: member.member_id.clone(),
        group_instance_id: member.group_instance_id.clone(),
        error_code,
    };
    Ok(leaving.iter().zip(outcomes).map(response).collect())
}

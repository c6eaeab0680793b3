//! `ListGroups` (key 16), versions 0 to 5: the groups that this broker coordinates, by state (KIP-518) and type (KIP-848).

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::list_groups::ListedGroup;
use crate::protocol::{ApiKey, ErrorCode, ListGroupsResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::ListGroups, oldest: 0, newest: 5, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::ListGroups(request) = request else { return Handled::Close };
    let loading = broker.groups().is_loading();
    let error_code = if loading { ErrorCode::COORDINATOR_LOAD_IN_PROGRESS } else { ErrorCode::NONE };
    let has = |filter: &[Arc<str>], name: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    };
    let groups = broker.groups().groups().map(|group| ListedGroup {
        group_id: Arc::clone(&group.id),
        protocol_type: group.protocol_type(),
        group_state: group.state().into(),
        group_type: group.kind().into(),
    });
    let groups = groups
        .filter(|group| {
            has(&request.states_filter, &group.group_state) && has(&request.types_filter, &group.group_type)
        })
        .collect();
    Handled::Ready(ListGroupsResponse { error_code, groups, ..ListGroupsResponse::default() }.into())
}

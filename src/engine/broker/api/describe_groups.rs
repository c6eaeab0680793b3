//! `DescribeGroups` (key 15), versions 0 to 5: a classic group's state, and its members with what they are assigned.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::group::{Group, Kind};
use crate::protocol::describe_groups::DescribedGroup;
use crate::protocol::{ApiKey, DescribeGroupsResponse, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DescribeGroups, oldest: 0, newest: 5, callers: Callers::Everybody, handle };

/// The state of a group that is not there.
const DEAD: &str = "Dead";

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::DescribeGroups(request) = request else { return Handled::Close };
    let groups = request.groups.iter().map(|group| {
        let mut described = describe(broker, group);
        if request.include_authorized_operations && described.error_code.is_ok() {
            described.authorized_operations = super::GROUP_OPERATIONS;
        }
        described
    });
    let groups = groups.collect();
    Handled::Ready(DescribeGroupsResponse { groups, ..DescribeGroupsResponse::default() }.into())
}

fn describe(broker: &mut Broker, group_id: &Arc<str>) -> DescribedGroup {
    let described = match broker.group(group_id) {
        Ok(Some(Group { kind: Kind::Classic(classic), .. })) => classic.describe(),
        // A group of KIP-848 is not one of those that are described here.
        Ok(_) => DescribedGroup { group_state: DEAD.into(), ..DescribedGroup::default() },
        Err(error_code) => DescribedGroup { error_code, ..DescribedGroup::default() },
    };
    DescribedGroup { group_id: Arc::clone(group_id), ..described }
}

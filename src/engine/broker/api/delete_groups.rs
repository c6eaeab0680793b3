//! `DeleteGroups` (key 42), versions 0 to 2: an operator forgets groups without members, and their offsets.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::delete_groups::DeletableGroupResult;
use crate::protocol::{ApiKey, DeleteGroupsResponse, ErrorCode, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DeleteGroups, oldest: 0, newest: 2, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::DeleteGroups(request) = request else { return Handled::Close };
    // Each once, however often it is named.
    let mut named = BTreeSet::new();
    let groups = request.groups_names.into_iter().filter(|group_id| named.insert(Arc::clone(group_id)));
    let results = groups.map(|group_id| {
        let error_code = delete(broker, &group_id, ctx).err().unwrap_or_default();
        DeletableGroupResult { group_id, error_code }
    });
    let results = results.collect();
    Handled::Ready(DeleteGroupsResponse { results, ..DeleteGroupsResponse::default() }.into())
}

fn delete(broker: &mut Broker, group: &Arc<str>, ctx: &mut Context<'_>) -> Result<(), ErrorCode> {
    let found = broker.group(group)?.ok_or(ErrorCode::GROUP_ID_NOT_FOUND)?;
    if found.has_members() {
        return Err(ErrorCode::NON_EMPTY_GROUP);
    }
    broker.delete_group(group, ctx)
}

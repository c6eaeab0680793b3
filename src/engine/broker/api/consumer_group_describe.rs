//! `ConsumerGroupDescribe` (key 69), versions 0 to 1: the state of groups of KIP-848, and of each member what it owns and what
//! it is to own.

use std::sync::Arc;

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::group::consumer::ConsumerGroup;
use crate::protocol::consumer_group_describe::DescribedGroup;
use crate::protocol::{ApiKey, ConsumerGroupDescribeResponse, ErrorCode, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::ConsumerGroupDescribe, oldest: 0, newest: 1, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, _origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::ConsumerGroupDescribe(request) = request else { return Handled::Close };
    let authorized_operations = if request.include_authorized_operations { super::GROUP_OPERATIONS } else { i32::MIN };
    let groups =
        request.group_ids.iter().map(|group| DescribedGroup { authorized_operations, ..describe(broker, group) });
    let groups = groups.collect();
    Handled::Ready(ConsumerGroupDescribeResponse { groups, ..ConsumerGroupDescribeResponse::default() }.into())
}

fn describe(broker: &mut Broker, id: &Arc<str>) -> DescribedGroup {
    let group_id = Arc::clone(id);
    let failed = |error_code, error_message: Option<String>| DescribedGroup {
        error_code,
        error_message: error_message.map(Into::into),
        ..DescribedGroup::default()
    };
    let found = super::check_group_id(id).and_then(|()| broker.group(id));
    let described = match found.map(|found| found.map(|group| group.consumer().cloned())) {
        Ok(Some(Some(group))) => shown(broker, &group),
        Ok(Some(None)) => failed(ErrorCode::GROUP_ID_NOT_FOUND, Some(format!("Group {id} is not a consumer group."))),
        Ok(None) => failed(ErrorCode::GROUP_ID_NOT_FOUND, Some(format!("Group {id} not found."))),
        Err(error) => failed(error, None),
    };
    DescribedGroup { group_id, ..described }
}

fn shown(broker: &Broker, group: &ConsumerGroup) -> DescribedGroup {
    group.describe(broker.settings(), &broker.metadata)
}

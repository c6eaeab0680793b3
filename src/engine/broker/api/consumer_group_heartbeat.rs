//! `ConsumerGroupHeartbeat` (key 68), versions 0 to 1: a member of a group of KIP-848 says how it is, and hears what it is to own. The
//! answer comes when what it says is on all in-sync replicas.
//!
//! Version 1 is that of Kafka 4.0, and the oldest that librdkafka speaks: there members choose their ids (KIP-1082), and may
//! subscribe to patterns of topics (deviation: topic-patterns).

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::group::pattern::Pattern;
use crate::engine::settings::List;
use crate::protocol::consumer_group_heartbeat::member_epoch;
use crate::protocol::{ApiKey, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ErrorCode, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::ConsumerGroupHeartbeat, oldest: 0, newest: 1, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::ConsumerGroupHeartbeat(request) = request else { return Handled::Close };
    match beat(broker, &request, origin, ctx) {
        Ok(()) => Handled::Parked,
        Err((error_code, message)) => {
            let error_message = message.map(Into::into);
            let refusal = ConsumerGroupHeartbeatResponse {
                error_code,
                error_message,
                ..ConsumerGroupHeartbeatResponse::default()
            };
            Handled::Ready(refusal.into())
        }
    }
}

fn beat(
    broker: &mut Broker,
    request: &ConsumerGroupHeartbeatRequest,
    origin: &Origin,
    ctx: &mut Context<'_>,
) -> Result<(), (ErrorCode, Option<String>)> {
    check(request, origin.version, &broker.settings().group_consumer_assignors)
        .map_err(|(error, text)| (error, Some(text)))?;
    let bare = |error| (error, None);
    broker.check_group(&request.group_id).map_err(bare)?;
    let joins = request.member_epoch == member_epoch::JOIN_GROUP;
    if joins {
        broker.make_group(&request.group_id, ctx).map_err(bare)?;
    }
    let caller = broker.caller(origin);
    let id = &request.group_id;
    let done = broker.with_named_group(id, ctx, |group, desk| group.heartbeat(request, caller, desk));
    let is_not = |what: String| move |error| (error, (error == ErrorCode::GROUP_ID_NOT_FOUND).then_some(what));
    done.map_err(is_not(format!("Group {id} not found.")))?.map_err(is_not(if joins {
        format!("Group {id} has members of the classic protocol, and is not upgraded while it has.")
    } else {
        format!("Group {id} is not a consumer group.")
    }))
}

/// From this version on a member has to have an id.
const CHOOSES_ID: i16 = 1;

/// What is wrong with the request by itself, if anything is
/// (`GroupMetadataManager.throwIfConsumerGroupHeartbeatRequestIsInvalid`).
fn check(request: &ConsumerGroupHeartbeatRequest, version: i16, assignors: &List) -> Result<(), (ErrorCode, String)> {
    let invalid = |text: &str| Err((ErrorCode::INVALID_REQUEST, text.to_owned()));
    let is_blank = |text: Option<&str>| text.is_some_and(|text| text.trim().is_empty());
    let epoch = request.member_epoch;
    if is_blank(Some(&request.group_id)) {
        return invalid("GroupId can't be empty.");
    }
    if is_blank(request.instance_id.as_deref()) {
        return invalid("InstanceId can't be empty.");
    }
    if is_blank(request.rack_id.as_deref()) {
        return invalid("RackId can't be empty.");
    }
    if (version >= CHOOSES_ID || epoch != member_epoch::JOIN_GROUP) && is_blank(Some(&request.member_id)) {
        return invalid("MemberId can't be empty.");
    }
    match epoch {
        member_epoch::JOIN_GROUP if request.rebalance_timeout_ms == -1 => {
            return invalid("RebalanceTimeoutMs must be provided in first request.");
        }
        member_epoch::JOIN_GROUP if request.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty()) => {
            return invalid("TopicPartitions must be empty when (re-)joining.");
        }
        member_epoch::JOIN_GROUP
            if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() =>
        {
            return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be set when (re-)joining.");
        }
        member_epoch::LEAVE_GROUP_STATIC_MEMBER if request.instance_id.is_none() => {
            return invalid("InstanceId can't be null.");
        }
        ..member_epoch::LEAVE_GROUP_STATIC_MEMBER => return invalid("MemberEpoch is invalid."),
        _ => {}
    }
    if let Some(pattern) = &request.subscribed_topic_regex
        && let Err(why) = Pattern::compile(pattern)
    {
        let text = format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression: {why}.");
        return Err((ErrorCode::INVALID_REGULAR_EXPRESSION, text));
    }
    match &request.server_assignor {
        Some(wanted) if !assignors.iter().any(|known| known == &**wanted) => {
            let known: Vec<&str> = assignors.iter().collect();
            let text = format!("ServerAssignor {wanted} is not supported. Supported assignors: {}.", known.join(", "));
            Err((ErrorCode::UNSUPPORTED_ASSIGNOR, text))
        }
        _ => Ok(()),
    }
}

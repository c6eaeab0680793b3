//! The APIs that a broker serves: one file each, with the versions it serves beside its handler. `ApiVersions` is made
//! from [`APIS`]. A handler cannot tell a socket from a simulated link.

mod alter_configs;
mod alter_partition;
mod alter_partition_reassignments;
pub mod api_versions;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod controlled_shutdown;
mod create_partitions;
mod create_topics;
mod delete_groups;
pub(super) mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_topic_partitions;
mod elect_leaders;
pub(super) mod fetch;
mod find_coordinator;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
pub(super) mod leader_and_isr;
mod leave_group;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
pub(super) mod produce;
mod stop_replica;
mod sync_group;
mod update_metadata;

use super::Broker;
use super::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, ErrorCode, Request, Response};

/// What a handler did with a request.
#[derive(Debug)]
pub enum Handled {
    /// Answered.
    Ready(Response),
    /// It waits in the purgatory, or for the controller; the answer comes later.
    Parked,
    /// There is no answer (acks=0).
    Silent,
    /// The connection is to be closed (an error under acks=0, a request that makes no sense).
    Close,
}

/// Who may call an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Everybody; listed in `ApiVersions`.
    Everybody,
    /// Nodes of the lab only; refused from a socket.
    Brokers,
}

/// One API as a broker serves it.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Which.
    pub key: ApiKey,
    /// The oldest version served.
    pub oldest: i16,
    /// The newest version served.
    pub newest: i16,
    /// Who may call it.
    pub callers: Callers,
    /// What it does. The request is of this API.
    pub handle: fn(&mut Broker, Request, &Origin, &mut Context<'_>) -> Handled,
}

/// Every API that a broker serves, by key.
pub static APIS: &[Api] = &[
    produce::API,
    fetch::API,
    list_offsets::API,
    metadata::API,
    leader_and_isr::API,
    stop_replica::API,
    update_metadata::API,
    offset_commit::API,
    offset_fetch::API,
    find_coordinator::API,
    join_group::API,
    heartbeat::API,
    leave_group::API,
    sync_group::API,
    describe_groups::API,
    list_groups::API,
    api_versions::API,
    init_producer_id::API,
    offset_for_leader_epoch::API,
    describe_topic_partitions::API,
    create_topics::API,
    delete_topics::API,
    delete_records::API,
    create_partitions::API,
    delete_groups::API,
    elect_leaders::API,
    alter_partition::API,
    alter_partition_reassignments::API,
    list_partition_reassignments::API,
    controlled_shutdown::API,
    describe_configs::API,
    alter_configs::API,
    incremental_alter_configs::API,
    describe_log_dirs::API,
    offset_delete::API,
    describe_cluster::API,
    consumer_group_heartbeat::API,
    consumer_group_describe::API,
];

/// A request that only the active controller serves: it answers in its own time.
fn to_controller(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    broker.controller.on_request(request, origin.clone(), &mut broker.zk, ctx);
    Handled::Parked
}

/// What may be done with a group, as bits: read (3), delete (6), describe (8). Everybody may do all of it.
const GROUP_OPERATIONS: i32 = (1 << 3) | (1 << 6) | (1 << 8);

/// A group with members has a name. Offsets may be kept, looked at and deleted without one, as in times before groups
/// (`GroupCoordinator.isValidGroupId`).
fn check_group_id(id: &str) -> Result<(), ErrorCode> {
    if id.is_empty() { Err(ErrorCode::INVALID_GROUP_ID) } else { Ok(()) }
}

/// What a member is told of a group that is not there.
fn unknown_member(error: ErrorCode) -> ErrorCode {
    if error == ErrorCode::GROUP_ID_NOT_FOUND { ErrorCode::UNKNOWN_MEMBER_ID } else { error }
}

/// The API of `key`, if it is served.
pub fn api(key: ApiKey) -> Option<&'static Api> {
    APIS.iter().find(|api| api.key == key)
}

//! `DescribeGroups` (key 15): the state and the members of classic groups. Definitions only.

use std::sync::Arc;

use bytes::Bytes;

use super::ErrorCode;
use super::definition::message;
use super::metadata::OPERATIONS_NOT_ASKED_FOR;

message! {
    /// The groups of interest.
    pub struct DescribeGroupsRequest (0..=5, flexible 5) {
        /// The groups.
        groups: Vec<Arc<str>>,
        /// Whether to say what the sender may do to them.
        include_authorized_operations: bool [3..],
    }

    /// The groups.
    pub struct DescribeGroupsResponse (0..=5, flexible 5) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// The groups.
        groups: Vec<DescribedGroup>,
    }

    /// A group.
    pub struct DescribedGroup {
        /// Why nothing is known of it.
        error_code: ErrorCode,
        /// Its id.
        group_id: Arc<str>,
        /// Its state as text: `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty` or `Dead`.
        group_state: Arc<str>,
        /// What it is for.
        protocol_type: Arc<str>,
        /// The protocol that was chosen: for consumers the assignor; empty where the group is not stable.
        protocol_data: Arc<str>,
        /// Its members.
        members: Vec<DescribedGroupMember>,
        /// What the sender may do to it, a bit per operation, or [`OPERATIONS_NOT_ASKED_FOR`].
        authorized_operations: i32 [3..] = OPERATIONS_NOT_ASKED_FOR,
    }

    /// A member.
    pub struct DescribedGroupMember {
        /// Its id.
        member_id: Arc<str>,
        /// The static member's name (KIP-345).
        group_instance_id: Option<Arc<str>> [4..],
        /// Its `client.id`.
        client_id: Arc<str>,
        /// Its address, with a slash ahead (`/127.0.0.1`).
        client_host: Arc<str>,
        /// What it said under the protocol that was chosen; empty where the group is not stable.
        member_metadata: Bytes,
        /// What it got; empty where the group is not stable.
        member_assignment: Bytes,
    }
}

//! `ListGroups` (key 16): the groups that a broker coordinates. Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Which groups are of interest.
    pub struct ListGroupsRequest (0..=5, flexible 3) {
        /// The states that a group may be in; empty for any (KIP-518).
        states_filter: Vec<Arc<str>> [4..],
        /// The types that a group may have, `classic` or `consumer`; empty for any (KIP-848).
        types_filter: Vec<Arc<str>> [5..],
    }

    /// The groups.
    pub struct ListGroupsResponse (0..=5, flexible 3) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// Why they cannot be listed.
        error_code: ErrorCode,
        /// The groups.
        groups: Vec<ListedGroup>,
    }

    /// A group.
    pub struct ListedGroup {
        /// Its id.
        group_id: Arc<str>,
        /// What it is for; empty where it only holds offsets.
        protocol_type: Arc<str>,
        /// Its state as text.
        group_state: Arc<str> [4..],
        /// Its type as text.
        group_type: Arc<str> [5..],
    }
}

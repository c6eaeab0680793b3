//! `LeaveGroup` (key 13): members leave a classic group. Definitions only.
//!
//! From version 3 on a request removes many members, static ones by their name (KIP-345).

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Who leaves.
    pub struct LeaveGroupRequest (0..=5, flexible 4) {
        /// The group.
        group_id: Arc<str>,
        /// The member, up to version 2.
        member_id: Arc<str> [..=2],
        /// The members, from version 3 on.
        members: Vec<MemberIdentity> [3..],
    }

    /// A member that leaves.
    pub struct MemberIdentity {
        /// Its id; empty where the static member's name says who it is.
        member_id: Arc<str>,
        /// The static member's name.
        group_instance_id: Option<Arc<str>>,
        /// Why it leaves (KIP-800).
        reason: Option<Arc<str>> [5..],
    }

    /// What became of it.
    pub struct LeaveGroupResponse (0..=5, flexible 4) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// What is wrong with the request as a whole.
        error_code: ErrorCode,
        /// The outcome, by member.
        members: Vec<MemberResponse> [3..],
    }

    /// The outcome for one member.
    pub struct MemberResponse {
        /// Its id.
        member_id: Arc<str>,
        /// The static member's name.
        group_instance_id: Option<Arc<str>>,
        /// Whether it left.
        error_code: ErrorCode,
    }
}

//! `Heartbeat` (key 12): a member of a classic group lives, and hears whether the group rebalances. Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Who lives.
    pub struct HeartbeatRequest (0..=4, flexible 4) {
        /// The group.
        group_id: Arc<str>,
        /// The generation that the member is in.
        generation_id: i32,
        /// The member.
        member_id: Arc<str>,
        /// The static member's name (KIP-345).
        group_instance_id: Option<Arc<str>> [3..],
    }

    /// Whether all is well.
    pub struct HeartbeatResponse (0..=4, flexible 4) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// What the member has to do: [`ErrorCode::REBALANCE_IN_PROGRESS`] says to join again.
        error_code: ErrorCode,
    }
}

//! `SyncGroup` (key 14): the leader of a classic group hands in the assignment, and each member gets its own.
//! Definitions only.

use std::sync::Arc;

use bytes::Bytes;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Who asks, and what the leader has made.
    pub struct SyncGroupRequest (0..=5, flexible 4) {
        /// The group.
        group_id: Arc<str>,
        /// The generation that the member has joined.
        generation_id: i32,
        /// The member.
        member_id: Arc<str>,
        /// The static member's name (KIP-345).
        group_instance_id: Option<Arc<str>> [3..],
        /// What the group is for, as the member knows it (KIP-559).
        protocol_type: Option<Arc<str>> [5..],
        /// The protocol that was chosen, as the member knows it.
        protocol_name: Option<Arc<str>> [5..],
        /// The assignment, by member: from the leader; empty from the others.
        assignments: Vec<SyncGroupRequestAssignment>,
    }

    /// What one member gets.
    pub struct SyncGroupRequestAssignment {
        /// The member.
        member_id: Arc<str>,
        /// What it gets: for consumers a
        /// [`ConsumerProtocolAssignment`](super::consumer_protocol::ConsumerProtocolAssignment).
        assignment: Bytes,
    }

    /// What the member gets.
    pub struct SyncGroupResponse (0..=5, flexible 4) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// Why it gets nothing.
        error_code: ErrorCode,
        /// What the group is for.
        protocol_type: Option<Arc<str>> [5..],
        /// The protocol that was chosen.
        protocol_name: Option<Arc<str>> [5..],
        /// What it gets.
        assignment: Bytes,
    }
}

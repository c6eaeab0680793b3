//! `JoinGroup` (key 11): a member joins a classic group, or joins again when the group rebalances. Definitions only.
//!
//! The answer comes when the group has all of its members together, and says to one of them that it leads.

use std::sync::Arc;

use bytes::Bytes;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Who wants to join.
    pub struct JoinGroupRequest (0..=9, flexible 6) {
        /// The group.
        group_id: Arc<str>,
        /// After how long without a heartbeat the member counts as dead, in milliseconds.
        session_timeout_ms: i32,
        /// How long the group waits for the member to join again, in milliseconds; version 0 takes the session's
        /// time-out, which -1 stands for.
        rebalance_timeout_ms: i32 [1..] = -1,
        /// The member, or empty for one that is new.
        member_id: Arc<str>,
        /// The static member's name (KIP-345).
        group_instance_id: Option<Arc<str>> [5..],
        /// What the group is for: [`consumer_protocol::PROTOCOL_TYPE`](super::consumer_protocol::PROTOCOL_TYPE) for
        /// consumers.
        protocol_type: Arc<str>,
        /// The protocols that the member speaks, the one it likes best first: for consumers its assignors.
        protocols: Vec<JoinGroupRequestProtocol>,
        /// Why it joins (KIP-800).
        reason: Option<Arc<str>> [8..],
    }

    /// A protocol that a member speaks.
    pub struct JoinGroupRequestProtocol {
        /// Its name: for consumers that of an assignor.
        name: Arc<str>,
        /// What the member has to say under it: for consumers a
        /// [`ConsumerProtocolSubscription`](super::consumer_protocol::ConsumerProtocolSubscription).
        metadata: Bytes,
    }

    /// The group as it is now.
    pub struct JoinGroupResponse (0..=9, flexible 6) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [2..],
        /// Why the member is not in the group.
        error_code: ErrorCode,
        /// The group's generation, or -1.
        generation_id: i32 = -1,
        /// What the group is for.
        protocol_type: Option<Arc<str>> [7..],
        /// The protocol that was chosen.
        protocol_name: Option<Arc<str>> [0.., nullable 7..],
        /// The member that leads: it makes the assignment.
        leader: Arc<str>,
        /// Whether the leader is to make no assignment, as the one of before still holds (KIP-814).
        skip_assignment: bool [9..],
        /// The member that joined.
        member_id: Arc<str>,
        /// All members, for the leader; empty for the others.
        members: Vec<JoinGroupResponseMember>,
    }

    /// A member of the group.
    pub struct JoinGroupResponseMember {
        /// Its id.
        member_id: Arc<str>,
        /// The static member's name (KIP-345).
        group_instance_id: Option<Arc<str>> [5..],
        /// What it said under the protocol that was chosen.
        metadata: Bytes,
    }
}

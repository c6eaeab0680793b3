//! `FindCoordinator` (key 10): which broker coordinates a group or a transactional id. Definitions only.
//!
//! From version 4 on a request asks for many keys at once (KIP-699).

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

/// The values of [`FindCoordinatorRequest::key_type`].
pub mod key_type {
    /// The keys are consumer groups.
    pub const GROUP: i8 = 0;
    /// The keys are transactional ids.
    pub const TRANSACTION: i8 = 1;
    /// The keys are partitions of share groups (KIP-932).
    pub const SHARE: i8 = 2;
}

message! {
    /// Whose coordinators are wanted.
    pub struct FindCoordinatorRequest (0..=6, flexible 3) {
        /// The group or transactional id, up to version 3.
        key: Arc<str> [..=3],
        /// What kind of keys they are: see [`key_type`].
        key_type: i8 [1..],
        /// The groups or transactional ids, from version 4 on.
        coordinator_keys: Vec<Arc<str>> [4..],
    }

    /// The coordinators.
    pub struct FindCoordinatorResponse (0..=6, flexible 3) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// Why there is no coordinator, up to version 3.
        error_code: ErrorCode [..=3],
        /// The same for people, up to version 3.
        error_message: Option<Arc<str>> [1..=3],
        /// The coordinator's broker id, or -1, up to version 3.
        node_id: i32 [..=3],
        /// The coordinator's host, up to version 3.
        host: Arc<str> [..=3],
        /// The coordinator's port, up to version 3.
        port: i32 [..=3],
        /// The coordinators, from version 4 on.
        coordinators: Vec<Coordinator> [4..],
    }

    /// The coordinator of one key.
    pub struct Coordinator {
        /// The group or transactional id.
        key: Arc<str>,
        /// The coordinator's broker id, or -1.
        node_id: i32,
        /// The coordinator's host.
        host: Arc<str>,
        /// The coordinator's port, or -1.
        port: i32,
        /// Why there is no coordinator.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
    }
}

//! `DeleteGroups` (key 42): delete groups without members, and their offsets (KIP-229). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The groups to delete.
    pub struct DeleteGroupsRequest (0..=2, flexible 2) {
        /// The groups.
        groups_names: Vec<Arc<str>>,
    }

    /// What became of each group.
    pub struct DeleteGroupsResponse (0..=2, flexible 2) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The outcome, by group.
        results: Vec<DeletableGroupResult>,
    }

    /// The outcome for one group.
    pub struct DeletableGroupResult {
        /// The group.
        group_id: Arc<str>,
        /// Whether it was deleted.
        error_code: ErrorCode,
    }
}

//! `DeleteTopics` (key 20), by name or, from version 6 on, by id (KIP-516). Definitions only.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The topics to delete.
    pub struct DeleteTopicsRequest (0..=6, flexible 4) {
        /// The topics, from version 6 on.
        topics: Vec<DeleteTopicState> [6..],
        /// The topics' names, up to version 5.
        topic_names: Vec<Arc<str>> [..=5],
        /// How long to wait until they are gone, in milliseconds.
        timeout_ms: i32,
    }

    /// A topic to delete.
    pub struct DeleteTopicState {
        /// Its name; null where the id says which.
        name: Option<Arc<str>>,
        /// Its id; nil where the name says which.
        topic_id: Uuid,
    }

    /// What became of each topic.
    pub struct DeleteTopicsResponse (0..=6, flexible 4) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// The outcome, by topic.
        responses: Vec<DeletableTopicResult>,
    }

    /// The outcome for one topic.
    pub struct DeletableTopicResult {
        /// The topic; null where an id was asked for that does not exist.
        name: Option<Arc<str>> [0.., nullable 6..],
        /// Its id.
        topic_id: Uuid [6..],
        /// Whether it was deleted.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>> [5..],
    }
}

//! `IncrementalAlterConfigs` (key 44): changes single settings of topics and brokers (KIP-339). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

/// The values of [`IncrementalAlterableConfig::config_operation`] (`AlterConfigOp.OpType`).
pub mod config_operation {
    /// It gets the value.
    pub const SET: i8 = 0;
    /// It is left alone again: what holds for all holds for it.
    pub const DELETE: i8 = 1;
    /// The values are added to a list.
    pub const APPEND: i8 = 2;
    /// The values are taken out of a list.
    pub const SUBTRACT: i8 = 3;
}

message! {
    /// Whose settings are to be changed.
    pub struct IncrementalAlterConfigsRequest (0..=1, flexible 1) {
        /// The topics and brokers, each at most once.
        resources: Vec<IncrementalAlterConfigsResource>,
        /// Whether to check only.
        validate_only: bool,
    }

    /// A topic or a broker.
    pub struct IncrementalAlterConfigsResource {
        /// What it is: see [`resource_type`](super::describe_configs::resource_type).
        resource_type: i8,
        /// Its name.
        resource_name: Arc<str>,
        /// What is to be changed, each setting at most once.
        configs: Vec<IncrementalAlterableConfig>,
    }

    /// A change of one setting.
    pub struct IncrementalAlterableConfig {
        /// The setting's name.
        name: Arc<str>,
        /// What is done: see [`config_operation`].
        config_operation: i8,
        /// With what; null only where the setting is deleted.
        value: Option<Arc<str>>,
    }

    /// What became of each topic and broker.
    pub struct IncrementalAlterConfigsResponse (0..=1, flexible 1) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The outcome, by topic or broker.
        responses: Vec<IncrementalAlterConfigsResourceResponse>,
    }

    /// The outcome for one topic or broker: all of its changes, or none.
    pub struct IncrementalAlterConfigsResourceResponse {
        /// Why nothing was changed.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
        /// What it is: see [`resource_type`](super::describe_configs::resource_type).
        resource_type: i8,
        /// Its name.
        resource_name: Arc<str>,
    }
}

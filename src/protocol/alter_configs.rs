//! `AlterConfigs` (key 33): all settings of topics and brokers at once; what is not named goes. Definitions only.
//!
//! Deprecated since Kafka 2.3 in favour of [`incremental_alter_configs`](super::incremental_alter_configs), and gone
//! from Kafka 4.0's clients, but older ones know nothing else.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Whose settings are to be replaced.
    pub struct AlterConfigsRequest (0..=2, flexible 2) {
        /// The topics and brokers, each at most once.
        resources: Vec<AlterConfigsResource>,
        /// Whether to check only.
        validate_only: bool,
    }

    /// A topic or a broker.
    pub struct AlterConfigsResource {
        /// What it is: see [`resource_type`](super::describe_configs::resource_type).
        resource_type: i8,
        /// Its name.
        resource_name: Arc<str>,
        /// All settings that it is to have.
        configs: Vec<AlterableConfig>,
    }

    /// A setting.
    pub struct AlterableConfig {
        /// Its name.
        name: Arc<str>,
        /// Its value; null is refused.
        value: Option<Arc<str>>,
    }

    /// What became of each topic and broker.
    pub struct AlterConfigsResponse (0..=2, flexible 2) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The outcome, by topic or broker.
        responses: Vec<AlterConfigsResourceResponse>,
    }

    /// The outcome for one topic or broker: all of its settings, or none.
    pub struct AlterConfigsResourceResponse {
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

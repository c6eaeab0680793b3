//! `DescribeConfigs` (key 32): the settings of topics and brokers. Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

/// The values of [`DescribeConfigsResource::resource_type`] (`ConfigResource.Type`).
pub mod resource_type {
    /// A topic, by its name.
    pub const TOPIC: i8 = 2;
    /// A broker, by its id; the empty name stands for the defaults of all.
    pub const BROKER: i8 = 4;
    /// The loggers of a broker, by its id.
    pub const BROKER_LOGGER: i8 = 8;
}

/// The values of [`DescribeConfigsResourceResult::config_source`] (`DescribeConfigsResponse.ConfigSource`).
pub mod config_source {
    /// Set on the topic.
    pub const TOPIC: i8 = 1;
    /// Set on the broker while it ran.
    pub const DYNAMIC_BROKER: i8 = 2;
    /// Set on all brokers while they ran.
    pub const DYNAMIC_DEFAULT_BROKER: i8 = 3;
    /// From the broker's file.
    pub const STATIC_BROKER: i8 = 4;
    /// Kafka's default.
    pub const DEFAULT: i8 = 5;
}

/// The values of [`DescribeConfigsResourceResult::config_type`] (`DescribeConfigsResponse.ConfigType`).
pub mod config_type {
    /// Not known.
    pub const UNKNOWN: i8 = 0;
    /// `true` or `false`.
    pub const BOOLEAN: i8 = 1;
    /// Text.
    pub const STRING: i8 = 2;
    /// A number of 32 bits.
    pub const INT: i8 = 3;
    /// A number of 16 bits.
    pub const SHORT: i8 = 4;
    /// A number of 64 bits.
    pub const LONG: i8 = 5;
    /// A floating-point number.
    pub const DOUBLE: i8 = 6;
    /// Texts with commas between them.
    pub const LIST: i8 = 7;
    /// The name of a Java class.
    pub const CLASS: i8 = 8;
    /// A secret.
    pub const PASSWORD: i8 = 9;
}

message! {
    /// Whose settings are wanted.
    pub struct DescribeConfigsRequest (0..=4, flexible 4) {
        /// The topics and brokers.
        resources: Vec<DescribeConfigsResource>,
        /// Whether to say too where else each setting is set.
        include_synonyms: bool [1..],
        /// Whether to explain each setting.
        include_documentation: bool [3..],
    }

    /// A topic or a broker.
    pub struct DescribeConfigsResource {
        /// What it is: see [`resource_type`].
        resource_type: i8,
        /// Its name.
        resource_name: Arc<str>,
        /// The settings wanted; null for all.
        configuration_keys: Option<Vec<Arc<str>>> = Some(Vec::new()),
    }

    /// The settings.
    pub struct DescribeConfigsResponse (0..=4, flexible 4) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The settings, by topic or broker.
        results: Vec<DescribeConfigsResult>,
    }

    /// The settings of one topic or broker.
    pub struct DescribeConfigsResult {
        /// Why there are none.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
        /// What it is: see [`resource_type`].
        resource_type: i8,
        /// Its name.
        resource_name: Arc<str>,
        /// The settings.
        configs: Vec<DescribeConfigsResourceResult>,
    }

    /// A setting.
    pub struct DescribeConfigsResourceResult {
        /// Its name.
        name: Arc<str>,
        /// Its value; null where it has none or is secret.
        value: Option<Arc<str>>,
        /// Whether it cannot be changed.
        read_only: bool,
        /// Whether it was left alone, in version 0.
        is_default: bool [..=0],
        /// Where the value comes from: see [`config_source`].
        config_source: i8 [1..] = -1,
        /// Whether the value is kept secret.
        is_sensitive: bool,
        /// Where it is set, the value in force first.
        synonyms: Vec<DescribeConfigsSynonym> [1..],
        /// What kind of value it is: see [`config_type`].
        config_type: i8 [3..],
        /// What it does.
        documentation: Option<Arc<str>> [3..],
    }

    /// A place where a setting is set.
    pub struct DescribeConfigsSynonym {
        /// The name that it has there.
        name: Arc<str>,
        /// Its value there.
        value: Option<Arc<str>>,
        /// Which place: see [`config_source`].
        source: i8,
    }
}

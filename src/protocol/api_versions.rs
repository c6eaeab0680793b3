//! `ApiVersions` (key 18): which APIs a broker serves, in which versions. Definitions only.
//!
//! A request in a version that the broker does not have is answered all the same, in version 0 with
//! `UNSUPPORTED_VERSION`, and the answer's header never has tagged fields: the client cannot know yet (KIP-511).

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// What can you do?
    pub struct ApiVersionsRequest (0..=4, flexible 3) {
        /// The client's name.
        client_software_name: Arc<str> [3..],
        /// The client's version.
        client_software_version: Arc<str> [3..],
    }

    /// What the broker serves.
    pub struct ApiVersionsResponse (0..=4, flexible 3) {
        /// `UNSUPPORTED_VERSION`, or none.
        error_code: ErrorCode,
        /// The APIs.
        api_keys: Vec<ApiVersion>,
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// The features that the broker has (KIP-584).
        supported_features: Vec<SupportedFeatureKey> [3.., tag 0],
        /// The version of the cluster's features, or -1 where there is none (ZooKeeper mode).
        finalized_features_epoch: i64 [3.., tag 1] = -1,
        /// The features that the cluster uses.
        finalized_features: Vec<FinalizedFeatureKey> [3.., tag 2],
        /// Whether a `KRaft` controller is ready to take over from ZooKeeper (KIP-866).
        zk_migration_ready: bool [3.., tag 3],
    }

    /// The versions of one API.
    pub struct ApiVersion {
        /// The API's key. A number, since a client may meet a broker with APIs that it does not know.
        api_key: i16,
        /// The oldest version served.
        min_version: i16,
        /// The newest version served.
        max_version: i16,
    }

    /// A feature that the broker has.
    pub struct SupportedFeatureKey {
        /// Its name.
        name: Arc<str>,
        /// The oldest version.
        min_version: i16,
        /// The newest version.
        max_version: i16,
    }

    /// A feature that the cluster uses.
    pub struct FinalizedFeatureKey {
        /// Its name.
        name: Arc<str>,
        /// The newest version in use.
        max_version_level: i16,
        /// The oldest version in use.
        min_version_level: i16,
    }
}

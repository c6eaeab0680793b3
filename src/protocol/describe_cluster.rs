//! `DescribeCluster` (key 60): the brokers and the controller (KIP-700, KIP-919). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;
use super::metadata::OPERATIONS_NOT_ASKED_FOR;

/// The values of [`DescribeClusterRequest::endpoint_type`].
pub mod endpoint_type {
    /// Brokers.
    pub const BROKERS: i8 = 1;
    /// `KRaft` controllers.
    pub const CONTROLLERS: i8 = 2;
}

message! {
    /// What is of interest.
    pub struct DescribeClusterRequest (0..=1, flexible 0) {
        /// Whether to say what the sender may do to the cluster.
        include_cluster_authorized_operations: bool,
        /// Which nodes to list: see [`endpoint_type`].
        endpoint_type: i8 [1..] = endpoint_type::BROKERS,
    }

    /// The cluster.
    pub struct DescribeClusterResponse (0..=1, flexible 0) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// What is wrong with the request.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
        /// Which nodes are listed: see [`endpoint_type`].
        endpoint_type: i8 [1..] = endpoint_type::BROKERS,
        /// The cluster's id.
        cluster_id: Arc<str>,
        /// The controller's broker id, or -1.
        controller_id: i32 = -1,
        /// The brokers that live.
        brokers: Vec<DescribeClusterBroker>,
        /// What the sender may do to the cluster, a bit per operation, or [`OPERATIONS_NOT_ASKED_FOR`].
        cluster_authorized_operations: i32 = OPERATIONS_NOT_ASKED_FOR,
    }

    /// A broker that lives.
    pub struct DescribeClusterBroker {
        /// Its id.
        broker_id: i32,
        /// The host that it advertises.
        host: Arc<str>,
        /// The port that it advertises.
        port: i32,
        /// Its rack, if it has one.
        rack: Option<Arc<str>>,
    }
}

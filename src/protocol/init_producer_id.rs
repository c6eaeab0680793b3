//! `InitProducerId` (key 22): a producer's id and epoch, for idempotence and transactions (KIP-98, KIP-360).
//! Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Who wants an id.
    pub struct InitProducerIdRequest (0..=5, flexible 2) {
        /// The transactional id; null for a producer that is only idempotent.
        transactional_id: Option<Arc<str>>,
        /// How long a transaction may stay idle before it is aborted, in milliseconds.
        transaction_timeout_ms: i32,
        /// The id that it has, to raise the epoch of; -1 for a new one.
        producer_id: i64 [3..] = -1,
        /// The epoch that it has: another one than the coordinator knows is refused; -1 for none.
        producer_epoch: i16 [3..] = -1,
    }

    /// The id.
    pub struct InitProducerIdResponse (0..=5, flexible 2) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// Why there is none.
        error_code: ErrorCode,
        /// The producer id, or -1.
        producer_id: i64 = -1,
        /// The producer's epoch.
        producer_epoch: i16,
    }
}

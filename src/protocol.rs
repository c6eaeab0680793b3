//! Kafka's wire protocol: typed messages, record batches, error codes. A leaf: it imports nothing of ours.

/// A request of any API.
#[derive(Clone, Debug)]
pub enum Request {}

/// An answer of any API.
#[derive(Clone, Debug)]
pub enum Response {}

pub mod partitioner;

//! One broker: request dispatch, hosted replicas, metadata cache.

/// What a broker's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerTimer {}

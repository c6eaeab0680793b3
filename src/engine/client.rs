//! Built-in clients: producer and consumer as state machines.

/// What a built-in client's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientTimer {}

//! The lab: Kafka brokers, a ZooKeeper, producers and consumers as one deterministic value.
//!
//! Nothing in here (but `runtime` and `listener`, the edge) reads a clock, draws from a global generator, opens a
//! socket or waits. Time and inputs are arguments, everything that happens is an [`effect`](context::Effect) or an
//! [`event`].

pub mod assignor;
pub mod broker;
pub mod client;
pub mod cluster;
pub mod config;
pub mod context;
pub mod controller;
pub mod entity;
pub mod event;
pub mod files;
pub mod group;
pub mod invariants;
pub mod listener;
pub mod log;
pub mod message;
pub mod network;
pub mod node;
pub mod replica;
pub mod rng;
pub mod runtime;
pub mod settings;
pub mod time;
pub mod timers;
pub mod topic_name;
pub mod topic_settings;
pub mod zk;

/// A map to look up in, never to iterate: fixed seeds, so that not even an accident depends on the process.
#[expect(clippy::disallowed_types, reason = "the one home of the type that all others use instead")]
pub type FastMap<K, V> = std::collections::HashMap<K, V, FixedState>;

/// The hasher of [`FastMap`]: ahash with fixed keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedState;

impl std::hash::BuildHasher for FixedState {
    type Hasher = ahash::AHasher;

    fn build_hasher(&self) -> Self::Hasher {
        ahash::RandomState::with_seeds(1, 2, 3, 4).build_hasher()
    }
}

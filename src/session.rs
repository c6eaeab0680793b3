//! The handle that the explorer, demos and the control API talk to: ask, watch, events. It hides whether the cluster
//! is a lab in this process or a real one. The data types here are plain; only `embedded` knows the engine.

pub mod action;
pub mod event;
#[doc(hidden)]
pub mod fixture;
pub mod snapshot;

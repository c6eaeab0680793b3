//! kscope: a Kafka cluster in a terminal. This page is the crate's map.
//!
//! - [`protocol`]: Kafka's wire protocol; a leaf that imports nothing of ours.
//! - [`engine`]: the lab; one deterministic value, [`engine::cluster`], without clock, socket or task.
//! - [`session`]: what the explorer, demos and the control API talk to.
//! - [`view`]: what each screen shows, as plain data; [`theme`]: how a role looks; `ui`: drawing them.

pub mod engine;
pub mod protocol;
pub mod session;
pub mod theme;
pub mod view;

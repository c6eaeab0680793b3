//! kscope: a Kafka cluster in a terminal. This page is the crate's map.
//!
//! - [`protocol`]: Kafka's wire protocol; a leaf that imports nothing of ours.
//! - [`engine`]: the lab; one deterministic value, [`engine::cluster`], without clock, socket or task.
//! - [`session`]: what the explorer, demos and the control API talk to.
//! - [`control`]: the HTTP/JSON control API of a running lab.
//! - [`cli`]: the command line.

pub mod cli;
pub mod control;
pub mod engine;
pub mod protocol;
pub mod session;

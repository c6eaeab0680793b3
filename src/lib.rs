//! kscope: a Kafka cluster in a terminal. This page is the crate's map.
//!
//! - [`protocol`]: Kafka's wire protocol; a leaf that imports nothing of ours.
//! - [`engine`]: the lab; one deterministic value, [`engine::cluster`], without clock, socket or task.
//! - [`session`]: what the explorer, demos and the control API talk to.
//! - [`model`]: what the explorer knows and where the user stands.
//! - [`view`]: what each screen says, as plain values; [`ui`] draws them, [`theme`] gives them colour.
//! - [`app`]: the explorer's loop: keys and snapshots in, frames and actions out.
//! - [`control`]: the HTTP/JSON control API of a running lab.
//! - [`cli`]: the command line.

pub mod app;
pub mod cli;
pub mod control;
pub mod engine;
pub mod model;
pub mod protocol;
pub mod session;
pub mod theme;
pub mod ui;
pub mod view;

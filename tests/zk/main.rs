//! ZooKeeper in the lab: scripts that read as stories, a naive model to compare the tree with, and the promises to
//! clients, each with a test that can fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail as tests do"
)]

mod ensemble;
mod harness;
mod model;
mod promises;
mod quorum;
mod script;

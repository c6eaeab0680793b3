//! The cluster as a value, run without an edge: scripts and seeds.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod sim {
    mod anew;
    mod configs;
    mod describe;
    mod disks;
    mod epoch_script;
    mod epochs;
    mod group_requests;
    mod group_script;
    mod groups;
    mod harness;
    mod judge;
    mod lasting;
    mod life;
    mod memory;
    mod power;
    mod producers;
    mod script;
    mod seeds;
    mod world;
}

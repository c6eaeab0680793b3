//! The cluster as a value, run without an edge: scripts and seeds.

mod sim {
    pub mod harness;
    mod life;
}

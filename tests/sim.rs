//! The cluster as a value, run without an edge: scripts and seeds.

mod sim {
    mod harness;
    mod life;
    mod seeds;
}

//! What a controller does, told as scripts: what happens to the cluster, and what then stands in ZooKeeper, was told to
//! the brokers, and was reported.

mod admin;
mod elections;
mod isr;
mod moves;
mod world;

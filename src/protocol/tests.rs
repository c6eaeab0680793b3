//! The codec against the `kafka-protocol` crate: random messages of every key and version that both have, byte for
//! byte and field for field; and against frames of Java's client where the crate lacks a key or version.

mod compare;
mod consumer_protocol;
mod fields;
mod group_records;
mod java;
mod limits;
pub(in crate::protocol) mod sample;

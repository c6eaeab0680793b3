//! Kafka's own directory.

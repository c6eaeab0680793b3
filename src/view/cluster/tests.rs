//! The Cluster screen's tests.

//! A broker's counters: for rates on the screen, computed at the edge; nothing in the core depends on them.

use std::collections::BTreeMap;

use crate::protocol::ApiKey;

/// Requests of one API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiCount {
    /// Handled.
    pub requests: u64,
    /// Answered with an error.
    pub errors: u64,
}

/// A broker's counters since its process started.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Requests by API.
    pub apis: BTreeMap<ApiKey, ApiCount>,
    /// Records appended as leader.
    pub records_in: u64,
    /// Bytes appended as leader.
    pub bytes_in: u64,
    /// Records read by consumers.
    pub records_out: u64,
    /// Bytes read by consumers.
    pub bytes_out: u64,
}

impl Stats {
    /// A request came.
    pub fn request(&mut self, key: ApiKey) {
        self.apis.entry(key).or_default().requests += 1;
    }

    /// A request was answered with an error.
    pub fn error(&mut self, key: ApiKey) {
        self.apis.entry(key).or_default().errors += 1;
    }
}

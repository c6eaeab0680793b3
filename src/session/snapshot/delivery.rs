//! What became of the records that a group's built-in members were given: once, again, lost; and by name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TopicPartition;

/// What became of the records of a group, as its built-in members' books have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Records that were processed once.
    pub once: u64,
    /// Records that were processed more than once.
    pub again: u64,
    /// Records that nobody has processed though the group goes on behind them: a member committed them, and crashed.
    pub lost: u64,
    /// Which were lost, then which were processed again, at most [`Deliveries::MAX_RUNS`].
    pub runs: Vec<DeliveryRun>,
    /// How many runs more there are.
    pub more: u32,
}

impl Deliveries {
    /// How many runs are named.
    pub const MAX_RUNS: usize = 16;
    /// How many keys of a run are named.
    pub const MAX_KEYS: usize = 4;

    /// Whether every record that was processed was processed once, and none is lost.
    pub const fn are_even(&self) -> bool {
        self.again == 0 && self.lost == 0
    }
}

/// Records at offsets that follow on one another, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRun {
    /// What.
    pub fate: Fate,
    /// Of which partition.
    pub at: TopicPartition,
    /// The first of them.
    pub first: i64,
    /// The last of them.
    pub last: i64,
    /// The keys of the first few, as far as they can be read.
    pub keys: Vec<Arc<str>>,
    /// Who processed them; of lost ones, who had them. Those that live come last.
    pub by: Vec<DeliveredBy>,
}

/// A member that had to do with records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeliveredBy {
    /// Whether its process lives.
    pub alive: bool,
    /// Its tag; its name, where it has none any more.
    pub tag: Arc<str>,
}

/// What became of records that were not processed just once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Processed by nobody, and passed over.
    Lost,
    /// Processed more than once.
    Again,
}

//! A follower's way to the leader's log: first cut what the leader does not have, then copy.

use crate::engine::log::{Log, Storage, StorageError};

/// What a follower is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It asks the leader where its own epochs end there (`OffsetForLeaderEpoch`), and cuts what lies beyond.
    Truncating,
    /// Its log does not meet the leader's: it asks where that begins (`ListOffsets`).
    Resetting,
    /// It copies.
    Fetching,
}

/// A replica's part as follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    /// What it is at.
    pub phase: Phase,
    /// The most that it was behind since it began to follow, in records: the length of the way to catch up.
    pub behind_at_most: i64,
}

/// What came of one answer to `OffsetForLeaderEpoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// The offset that the log was cut to.
    pub to: i64,
    /// How many records were cut.
    pub records: i64,
    /// Whether the logs agree now; else the question is to be asked again with the own, now older, latest epoch.
    pub complete: bool,
}

impl Follower {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Truncating, behind_at_most: 0 }
    }
}

/// Cuts `log` by what the leader said of the follower's latest epoch: the largest epoch it knows that is not larger, and
/// where that ends there. -1 for both where it knows none. See KIP-101 and KIP-279.
///
/// # Errors
/// [`StorageError`], as [`Log::truncate_to`].
pub(crate) fn truncate_by_epoch(
    log: &mut Log,
    high_watermark: i64,
    (epoch, end_offset): (i32, i64),
    disk: &mut dyn Storage,
) -> Result<Truncated, StorageError> {
    let log_end = log.log_end_offset();
    let (to, complete) = if end_offset < 0 {
        // The leader knows nothing of any of our epochs: only what is below the high watermark is certain.
        (high_watermark.min(log_end), true)
    } else {
        let (own_epoch, own_end) = log.end_offset_for(epoch);
        if own_end < 0 {
            // All our epochs are later than the leader's.
            (end_offset.min(log_end), true)
        } else if own_epoch == epoch {
            (end_offset.min(own_end).min(log_end), true)
        } else {
            // The leader's epoch is one that we never saw: cut to where ours before it ends, and ask again.
            (own_end.min(log_end), false)
        }
    };
    log.truncate_to(to, disk)?;
    Ok(Truncated { to, records: log_end - to, complete })
}

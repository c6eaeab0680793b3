//! The newest offset of each key in the dirty part of a log. Kafka's `OffsetMap`, which keeps hashes of the keys where
//! this one keeps the keys themselves; it has the same bound.

use bytes::Bytes;

use super::CleanPlan;
use crate::engine::FastMap;
use crate::engine::log::storage::StoredBatch;
use crate::protocol::records::{BatchError, records_of};

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Looked up only: the order of a hash map is nobody's.
    newest: FastMap<Bytes, i64>,
    /// The offset after the last record that is in here.
    end: i64,
}

impl Keys {
    /// Reads `dirty`, up to the first record of a key for which there is no room any more.
    pub(super) fn of(dirty: impl Iterator<Item = StoredBatch>, plan: &CleanPlan) -> Result<Self, BatchError> {
        let mut keys = Self { newest: FastMap::default(), end: plan.first_dirty_offset };
        for batch in dirty.filter(|batch| !batch.header.attributes.is_control()) {
            for record in records_of(&batch.header, &batch.body)? {
                let Some(key) = record.key.filter(|_| record.offset >= plan.first_dirty_offset) else { continue };
                if let Some(newest) = keys.newest.get_mut(&key) {
                    *newest = record.offset;
                } else if keys.newest.len() >= plan.max_keys {
                    return Ok(keys);
                } else {
                    // A copy: as a part of its batch it would keep all of what was read with it in memory.
                    keys.newest.insert(Bytes::copy_from_slice(&key), record.offset);
                }
                keys.end = record.offset.saturating_add(1);
            }
        }
        keys.end = plan.upper_bound;
        Ok(keys)
    }

    /// The offset of the newest record with `key`.
    pub(super) fn newest(&self, key: &Bytes) -> Option<i64> {
        self.newest.get(key).copied()
    }

    /// Up to here the dirty part was read.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// Whether a record at `offset` was not read: nothing is known of what overtakes it.
    pub(super) fn is_beyond(&self, offset: i64) -> bool {
        offset >= self.end
    }
}

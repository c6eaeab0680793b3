//! A replica's log: segments of record batches behind a storage trait.

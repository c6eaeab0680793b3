//! The producers at an offset, as Kafka keeps them in `<offset>.snapshot`.
//!
//! ```text
//! version i16 = 1 | CRC-32C of what follows u32 | count i32 | count times:
//!     producer id i64, epoch i16, last sequence i32, last offset i64, offset delta i32, timestamp i64,
//!     coordinator epoch i32, first offset of the open transaction i64
//! ```
//!
//! The checksum tells a torn file, so it is written without a detour: what does not match counts as not there.
//! Source: `ProducerStateManager`.

use std::fs;
use std::path::Path;

use bytes::{Buf, BufMut};

use super::FileError;
use crate::engine::log::{ProducerEntry, Producers};

const VERSION: i16 = 1;
/// Where the checksum's reach begins.
const CRC_FROM: usize = 6;
const ENTRY_BYTES: usize = 46;
/// The lab has no transactions yet: no coordinator, no open transaction.
const NO_COORDINATOR: i32 = -1;
const NO_TRANSACTION: i64 = -1;

/// Writes the snapshot at `path`.
pub(super) fn write(path: &Path, producers: &Producers) -> Result<(), FileError> {
    fs::write(path, encode(producers)).map_err(FileError::of("write", path))
}

/// Reads the snapshot at `path`; `None` where it is damaged or of another version.
pub(super) fn read(path: &Path) -> Result<Option<Producers>, FileError> {
    fs::read(path).map(|bytes| decode(&bytes)).map_err(FileError::of("read", path))
}

fn encode(producers: &Producers) -> Vec<u8> {
    let mut entries = Vec::with_capacity(4 + producers.len() * ENTRY_BYTES);
    entries.put_i32(i32::try_from(producers.len()).unwrap_or(i32::MAX));
    for entry in producers.entries() {
        entries.put_i64(entry.producer_id);
        entries.put_i16(entry.epoch);
        entries.put_i32(entry.last_sequence);
        entries.put_i64(entry.last_offset);
        entries.put_i32(entry.offset_delta);
        entries.put_i64(entry.timestamp_ms);
        entries.put_i32(NO_COORDINATOR);
        entries.put_i64(NO_TRANSACTION);
    }
    let mut snapshot = Vec::with_capacity(CRC_FROM + entries.len());
    snapshot.put_i16(VERSION);
    snapshot.put_u32(crc32c::crc32c(&entries));
    snapshot.extend_from_slice(&entries);
    snapshot
}

fn decode(bytes: &[u8]) -> Option<Producers> {
    let mut rest = bytes;
    let version = rest.try_get_i16().ok()?;
    let crc = rest.try_get_u32().ok()?;
    if version != VERSION || crc != crc32c::crc32c(rest) {
        return None;
    }
    let count = usize::try_from(rest.try_get_i32().ok()?).ok()?;
    if rest.len() != count.checked_mul(ENTRY_BYTES)? {
        return None;
    }
    let entries: Option<Vec<ProducerEntry>> = rest.chunks_exact(ENTRY_BYTES).map(entry).collect();
    entries.map(Producers::from_entries)
}

fn entry(mut bytes: &[u8]) -> Option<ProducerEntry> {
    Some(ProducerEntry {
        producer_id: bytes.try_get_i64().ok()?,
        epoch: bytes.try_get_i16().ok()?,
        last_sequence: bytes.try_get_i32().ok()?,
        last_offset: bytes.try_get_i64().ok()?,
        offset_delta: bytes.try_get_i32().ok()?,
        timestamp_ms: bytes.try_get_i64().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `00000000000000000153.snapshot` of a Kafka 3.9.2.
    const OF_KAFKA: [u8; 56] = [
        0x00, 0x01, 0x61, 0x67, 0x38, 0x80, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x98, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x98, 0x00, 0x00, 0x00, 0x01,
        0x00, 0x00, 0x01, 0xa1, 0xfe, 0xbb, 0x41, 0x2f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff,
    ];

    #[test]
    fn it_is_kafkas_to_the_byte() {
        let producers = decode(&OF_KAFKA).expect("the checksum is right");
        let wanted = ProducerEntry {
            producer_id: 0,
            epoch: 0,
            last_sequence: 152,
            last_offset: 152,
            offset_delta: 1,
            timestamp_ms: 0x01a1_febb_412f,
        };
        assert!(producers.entries().eq([wanted]));
        assert_eq!(encode(&producers), OF_KAFKA);
    }

    #[test]
    fn what_is_damaged_is_not_there() {
        for length in 0..OF_KAFKA.len() {
            assert!(decode(&OF_KAFKA[..length]).is_none(), "cut at {length}");
        }
        for at in 0..OF_KAFKA.len() {
            let mut bytes = OF_KAFKA;
            bytes[at] ^= 4;
            assert!(decode(&bytes).is_none(), "a bit of byte {at}");
        }
        assert!(decode(&[OF_KAFKA.as_slice(), &[0]].concat()).is_none());
        let mut more = OF_KAFKA;
        more[9] = 2;
        let crc = crc32c::crc32c(&more[CRC_FROM..]);
        more[2..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
        assert!(decode(&more).is_none(), "a count that is not true");
    }

    #[test]
    fn no_producers_are_a_snapshot_too() {
        assert_eq!(decode(&encode(&Producers::default())), Some(Producers::default()));
    }
}

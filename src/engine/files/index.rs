//! The two sparse indexes of a segment: where an offset lies, and from where on a time is reached.
//!
//! Both are lists of entries of one size, rising, big-endian, relative to the segment's base offset. Nothing of them is
//! kept in memory: a look-up is a binary search by reads of a few bytes, which the page cache answers. Kafka gives the
//! indexes of an active segment their full size beforehand (`segment.index.bytes`) and cuts them when it closes it; ours
//! have always their true size, which Kafka takes as well. Sources: `OffsetIndex`, `TimeIndex`, `AbstractIndex`.

use std::fs::File;
use std::io;

use super::platform::read_exact_at;

/// So many entries are read at once, where a binary search has come down to them.
const AT_ONCE: u64 = 256;

/// An entry of either index.
pub(super) trait Entry: Copy {
    /// Its size in the file.
    const BYTES: u64;

    /// Out of its bytes; `None` where they are too few.
    fn parse(bytes: &[u8]) -> Option<Self>;

    /// Its bytes.
    fn encode(self) -> Vec<u8>;
}

/// The batch at `position` ends with the offset `relative_offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetEntry {
    /// The batch's last offset, minus the segment's base offset.
    pub(super) relative_offset: i32,
    /// Where in the file the batch begins.
    pub(super) position: i32,
}

/// Up to the offset `relative_offset` there is no timestamp above `timestamp`, and the batch that ends with it has it.
/// (deviation: time-index-offset)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeEntry {
    /// The largest timestamp so far, ms since 1970.
    pub(super) timestamp: i64,
    /// The last offset of the batch that has it, minus the segment's base offset.
    pub(super) relative_offset: i32,
}

impl Entry for OffsetEntry {
    const BYTES: u64 = 8;

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (offset, rest) = bytes.split_first_chunk()?;
        let (position, _) = rest.split_first_chunk()?;
        Some(Self { relative_offset: i32::from_be_bytes(*offset), position: i32::from_be_bytes(*position) })
    }

    fn encode(self) -> Vec<u8> {
        [self.relative_offset.to_be_bytes(), self.position.to_be_bytes()].concat()
    }
}

impl Entry for TimeEntry {
    const BYTES: u64 = 12;

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (timestamp, rest) = bytes.split_first_chunk()?;
        let (offset, _) = rest.split_first_chunk()?;
        Some(Self { timestamp: i64::from_be_bytes(*timestamp), relative_offset: i32::from_be_bytes(*offset) })
    }

    fn encode(self) -> Vec<u8> {
        [&self.timestamp.to_be_bytes()[..], &self.relative_offset.to_be_bytes()].concat()
    }
}

/// The entry at `at`, from 0.
pub(super) fn entry<E: Entry>(file: &File, at: u64) -> io::Result<E> {
    let mut bytes = [0; 16];
    let bytes = bytes.get_mut(..usize::try_from(E::BYTES).unwrap_or(0)).unwrap_or_default();
    read_exact_at(file, bytes, at * E::BYTES)?;
    E::parse(bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// The last of `count` entries; `None` where there is none.
pub(super) fn last<E: Entry>(file: &File, count: u64) -> io::Result<Option<E>> {
    count.checked_sub(1).map(|at| entry(file, at)).transpose()
}

/// How many of the first `count` entries `holds` holds for, which it does for no entry after one that it does not hold for.
pub(super) fn partition_point<E: Entry>(file: &File, count: u64, holds: impl Fn(&E) -> bool) -> io::Result<u64> {
    let (mut from, mut to) = (0, count);
    while to - from > AT_ONCE {
        let middle = from + (to - from) / 2;
        if holds(&entry(file, middle)?) { from = middle + 1 } else { to = middle }
    }
    let mut bytes = vec![0; usize::try_from((to - from) * E::BYTES).unwrap_or(0)];
    read_exact_at(file, &mut bytes, from * E::BYTES)?;
    let size = usize::try_from(E::BYTES).unwrap_or(1);
    let held = bytes.chunks_exact(size).take_while(|chunk| E::parse(chunk).is_some_and(|entry| holds(&entry))).count();
    Ok(from + held as u64)
}

/// The last entry that `holds` holds for, under the same condition.
pub(super) fn last_where<E: Entry>(file: &File, count: u64, holds: impl Fn(&E) -> bool) -> io::Result<Option<E>> {
    last(file, partition_point(file, count, holds)?)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn entries_are_kafkas_to_the_byte() {
        let entry = OffsetEntry { relative_offset: 42, position: 0x1033 };
        assert_eq!(entry.encode(), [0, 0, 0, 42, 0, 0, 0x10, 0x33]);
        assert_eq!(OffsetEntry::parse(&entry.encode()), Some(entry));
        let entry = TimeEntry { timestamp: 0x01a1_febb_411c, relative_offset: 42 };
        assert_eq!(entry.encode(), [0, 0, 1, 0xa1, 0xfe, 0xbb, 0x41, 0x1c, 0, 0, 0, 42]);
        assert_eq!(TimeEntry::parse(&entry.encode()), Some(entry));
        assert_eq!(TimeEntry::parse(&entry.encode()[..11]), None);
    }

    #[test]
    fn a_search_finds_the_last_entry_that_holds() {
        for count in [0, 1, 2, 255, 256, 257, 1_000, 5_000] {
            let mut file = tempfile::tempfile().unwrap();
            for at in 0..count {
                file.write_all(&OffsetEntry { relative_offset: at * 10, position: at }.encode()).unwrap();
            }
            let count = u64::try_from(count).unwrap();
            for wanted in [-1, 0, 5, 10, 2_555, 2_560, 9_990, 49_990, i32::MAX] {
                let found = last_where::<OffsetEntry>(&file, count, |e| e.relative_offset <= wanted).unwrap();
                let held = u64::try_from(wanted / 10 + 1).unwrap().min(count);
                let held = if wanted < 0 { 0 } else { held };
                assert_eq!(found.map_or(0, |e| u64::try_from(e.position).unwrap() + 1), held, "{wanted} of {count}");
            }
        }
    }
}

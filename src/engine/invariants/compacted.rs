//! What must hold of logs that are compacted: replicas are cleaned one by one, so they need not have the same bytes. But
//! where two of them have a record at an offset it is the same one, and what only one of them has was overtaken: a newer
//! record has its key, or it is a tombstone that has served its time.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::engine::log::{Log, StoredBatch};
use crate::protocol::records::{Record, records_of};

/// Records by their offsets.
type Records = BTreeMap<i64, Record>;

fn records<'a>(batches: impl Iterator<Item = &'a StoredBatch>) -> Records {
    let all = batches.filter_map(|batch| records_of(&batch.header, &batch.body).ok()).flatten();
    all.map(|record| (record.offset, record)).collect()
}

/// Whether two batches of one place may both be what was written there: the same but for records that one of them lacks.
pub(super) fn agree(one: &StoredBatch, other: &StoredBatch) -> bool {
    if one == other {
        return true;
    }
    let place = |batch: &StoredBatch| {
        let head = batch.header;
        (head.base_offset, head.last_offset_delta, head.leader_epoch, head.producer_id, head.producer_epoch)
    };
    let (mine, theirs) = (records(std::iter::once(one)), records(std::iter::once(other)));
    let same = |(offset, record): (&i64, &Record)| theirs.get(offset).is_none_or(|other| other == record);
    place(one) == place(other) && one.header.base_sequence == other.header.base_sequence && mine.iter().all(same)
}

/// Holds `log` against what was readable, up to `end`. Returns the offset of a record that is not what was written there,
/// or that is missing in one of the two without having been overtaken. `date_ms` is the lab's date.
pub(super) fn find_lost<'a>(
    committed: impl Iterator<Item = &'a StoredBatch>,
    log: &Log,
    end: i64,
    date_ms: i64,
) -> Option<i64> {
    let begin = log.log_start_offset().max(log.resident_from());
    let standing: Vec<StoredBatch> =
        log.batches_from(begin).take_while(|batch| batch.header.base_offset < end).collect();
    let (committed, standing) = (records(committed), records(standing.iter()));
    let mut newest: BTreeMap<&Bytes, i64> = BTreeMap::new();
    for (offset, record) in committed.iter().chain(&standing) {
        if let Some(key) = &record.key {
            let known = newest.entry(key).or_default();
            *known = (*known).max(*offset);
        }
    }
    let horizon = date_ms.saturating_sub(log.config().delete_retention_ms);
    let may_lack = |record: &Record| {
        let overtaken = record.key.as_ref().and_then(|key| newest.get(key)).is_some_and(|newer| *newer > record.offset);
        overtaken || (record.value.is_none() && record.timestamp_ms <= horizon)
    };
    let lost = |mine: &Records, theirs: &Records| {
        let in_range = mine.range(begin..end.max(begin));
        in_range.map(|(_, record)| record).find_map(|record| {
            let stands = theirs.get(&record.offset).map_or_else(|| may_lack(record), |other| other == record);
            (!stands).then_some(record.offset)
        })
    };
    lost(&committed, &standing).or_else(|| lost(&standing, &committed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::InMemory;
    use crate::engine::log::LogConfig;
    use crate::protocol::records::{BatchBuilder, Compression, validate};

    fn log(records: &[(&str, Option<&str>)]) -> Log {
        let mut log = Log::new(LogConfig { compact: true, ..LogConfig::default() });
        for (key, value) in records {
            let mut batch = BatchBuilder::new(Compression::None);
            batch.push(0, Some(key.as_bytes()), value.map(str::as_bytes), &[]);
            log.append_as_leader(&validate(&batch.build()).unwrap(), 0, 0, &mut InMemory).unwrap();
        }
        log
    }

    /// What of `written` is missing where only the offsets of `left` are readable.
    fn lost(written: &Log, left: &[i64], date_ms: i64) -> Option<i64> {
        let left: Vec<_> = written.batches_from(0).filter(|batch| left.contains(&batch.header.base_offset)).collect();
        find_lost(left.iter(), written, written.log_end_offset(), date_ms)
    }

    #[test]
    fn only_what_was_overtaken_may_be_missing() {
        let written = log(&[("a", Some("1")), ("b", Some("1")), ("a", Some("2")), ("b", None)]);
        assert_eq!(lost(&written, &[0, 1, 2, 3], 0), None);
        assert_eq!(lost(&written, &[2, 3], 0), None);
        assert_eq!(lost(&written, &[0, 3], 0), Some(2), "the newest of its key");
        assert_eq!(lost(&written, &[2], 0), Some(3), "a tombstone that is to be kept");
        assert_eq!(lost(&written, &[2], 86_400_000), None, "and one that need not be any more");
        let other = log(&[("a", Some("1")), ("b", Some("9"))]);
        let batches: Vec<_> = written.batches_from(0).collect();
        assert_eq!(find_lost(batches.iter(), &other, 2, 0), Some(1), "not what was written there");
    }

    #[test]
    fn batches_agree_that_lack_records_and_no_others() {
        let (one, other) = (log(&[("a", Some("1"))]), log(&[("a", Some("2"))]));
        let first = |log: &Log| log.batches_from(0).next().unwrap();
        let (header, body) = crate::protocol::records::rewrite::emptied(&first(&one).header);
        assert!(agree(&first(&one), &StoredBatch { header, body }));
        assert!(!agree(&first(&one), &first(&other)));
    }
}

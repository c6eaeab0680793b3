//! A corpus of damaged logs: how each is damaged, and what must come out.
//!
//! The log has segments at 0, 10 and 20, each with two batches of five records, and ends at 30. Its epochs began at 0, 10
//! and 20, and one producer wrote it all. It was stopped in order: whether that is believed is up to the row.

use super::*;

/// What becomes of a log.
struct Row {
    name: &'static str,
    damage: fn(&Path),
    hints: Hints,
    /// Where it ends then.
    log_end: i64,
    /// The cuts: bytes, and a part of why.
    cuts: &'static [(u64, &'static str)],
    /// A part of what each repair says.
    repairs: &'static [&'static str],
}

/// The size of a batch of five records.
const BATCH: u64 = 61 + 5 * 47;
const SEGMENT: u64 = 2 * BATCH;

const CRASH: Hints =
    Hints { clean: false, recovery_point: 0, log_start: 0, config: FileConfig { index_interval_bytes: 200 } };
const CLEAN: Hints = Hints { clean: true, ..CRASH };
const FLUSHED: Hints = Hints { recovery_point: 20, ..CRASH };

fn make(folder: &Path) {
    let mut log = FileLog::create(folder, 0, Some(uuid::Uuid::from_u128(7)), config(), &Handles::new(8)).unwrap();
    let (mut producers, mut epochs) = (Producers::default(), Epochs::default());
    for at in 0..6 {
        let (base_offset, epoch) = (at * 5, (at / 2 + 1) as i32);
        if at % 2 == 0 && at > 0 {
            log.roll(base_offset, &producers).unwrap();
        }
        let builder = BatchBuilder::new(Compression::None).producer(9, 0, base_offset as i32);
        let batch = produced(builder, base_offset, 5, 100 + at, epoch);
        assert_eq!(batch.size_bytes(), BATCH);
        epochs.assign(epoch, base_offset);
        producers.update(&batch.header);
        log.append(&batch).unwrap();
    }
    log.set_epochs(&epochs).unwrap();
    log.close(&producers).unwrap().run().unwrap();
}

/// Changes the file of a segment.
fn change_log(folder: &Path, base_offset: i64, how: impl FnOnce(&mut Vec<u8>)) {
    change(&log_path(folder, base_offset), how);
}

fn remove(folder: &Path, base_offset: i64, kind: Kind) {
    std::fs::remove_file(path_of(folder, base_offset, kind)).unwrap();
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    bytes[at..at + what.len()].copy_from_slice(what);
}

const ROWS: &[Row] = &[
    Row { name: "untouched", damage: |_| {}, hints: CLEAN, log_end: 30, cuts: &[], repairs: &[] },
    Row { name: "untouched, scanned", damage: |_| {}, hints: CRASH, log_end: 30, cuts: &[], repairs: &[] },
    Row {
        name: "torn within a head",
        damage: |folder| change_log(folder, 20, |bytes| bytes.truncate(BATCH as usize + 10)),
        hints: FLUSHED,
        log_end: 25,
        cuts: &[(10, "ends within a batch")],
        repairs: &[],
    },
    Row {
        name: "torn within a body",
        damage: |folder| change_log(folder, 20, |bytes| bytes.truncate(BATCH as usize + 200)),
        hints: FLUSHED,
        log_end: 25,
        cuts: &[(200, "ends within a batch")],
        repairs: &[],
    },
    Row {
        name: "torn, and marked as clean",
        damage: |folder| change_log(folder, 20, |bytes| bytes.truncate(BATCH as usize + 200)),
        hints: CLEAN,
        log_end: 25,
        cuts: &[(200, "ends within a batch")],
        repairs: &["scanned, and its indexes written anew"],
    },
    Row {
        name: "zeroes behind it",
        damage: |folder| change_log(folder, 20, |bytes| bytes.resize(bytes.len() + 4096, 0)),
        hints: FLUSHED,
        log_end: 30,
        cuts: &[(4096, "zeroes")],
        repairs: &[],
    },
    Row {
        name: "zeroes instead of the last pages",
        damage: |folder| change_log(folder, 20, |bytes| bytes[BATCH as usize + 30..].fill(0)),
        hints: FLUSHED,
        log_end: 25,
        cuts: &[(BATCH, "checksum")],
        repairs: &[],
    },
    Row {
        name: "a flipped bit in a record",
        damage: |folder| change_log(folder, 10, |bytes| bytes[100] ^= 1),
        hints: CRASH,
        log_end: 10,
        cuts: &[(SEGMENT, "checksum"), (SEGMENT, "behind a bad batch")],
        repairs: &[],
    },
    Row {
        name: "a flipped bit below the recovery point, which is not looked for",
        damage: |folder| change_log(folder, 10, |bytes| bytes[100] ^= 1),
        hints: FLUSHED,
        log_end: 30,
        cuts: &[],
        repairs: &[],
    },
    Row {
        name: "a flipped bit in the format's number",
        damage: |folder| change_log(folder, 20, |bytes| bytes[16] ^= 4),
        hints: FLUSHED,
        log_end: 20,
        cuts: &[(SEGMENT, "no message format 6")],
        repairs: &[],
    },
    Row {
        name: "a length that is too large",
        damage: |folder| change_log(folder, 20, |bytes| put(bytes, BATCH as usize + 8, &[0x7f, 0xff, 0xff, 0xff])),
        hints: FLUSHED,
        log_end: 25,
        cuts: &[(BATCH, "ends within a batch")],
        repairs: &[],
    },
    Row {
        name: "a length that is too small",
        damage: |folder| change_log(folder, 20, |bytes| put(bytes, BATCH as usize + 8, &[0, 0, 0, 3])),
        hints: FLUSHED,
        log_end: 25,
        cuts: &[(BATCH, "shorter than its own head")],
        repairs: &[],
    },
    Row {
        name: "an offset that goes back",
        damage: |folder| change_log(folder, 20, |bytes| put(bytes, BATCH as usize + 7, &[21])),
        hints: FLUSHED,
        log_end: 25,
        cuts: &[(BATCH, "begins at offset 21, where 25 or more was to come")],
        repairs: &[],
    },
    Row {
        name: "an offset that reaches into the next segment",
        damage: |folder| change_log(folder, 10, |bytes| put(bytes, BATCH as usize + 7, &[16])),
        hints: CRASH,
        log_end: 15,
        cuts: &[(BATCH, "can hold none from 20 on"), (SEGMENT, "behind a bad batch")],
        repairs: &[],
    },
    Row {
        name: "an offset that its index cannot count",
        damage: |folder| change_log(folder, 20, |bytes| put(bytes, BATCH as usize, &[0, 0, 1])),
        hints: FLUSHED,
        log_end: 25,
        cuts: &[(BATCH, "its segment can hold none")],
        repairs: &[],
    },
    Row {
        name: "text behind it",
        damage: |folder| change_log(folder, 20, |bytes| bytes.extend([b'x'; 80])),
        hints: FLUSHED,
        log_end: 30,
        cuts: &[(80, "there is no message format 120")],
        repairs: &[],
    },
    Row {
        name: "an empty last segment",
        damage: |folder| change_log(folder, 20, Vec::clear),
        hints: FLUSHED,
        log_end: 20,
        cuts: &[],
        repairs: &[],
    },
    Row {
        name: "an empty first segment",
        damage: |folder| change_log(folder, 0, Vec::clear),
        hints: CRASH,
        log_end: 30,
        cuts: &[],
        repairs: &[],
    },
    Row {
        name: "a segment that is missing: compaction leaves such gaps",
        damage: |folder| remove(folder, 10, Kind::Log),
        hints: CRASH,
        log_end: 30,
        cuts: &[],
        repairs: &["no log that it belongs to", "no log that it belongs to"],
    },
    Row {
        name: "a log that ends before its start",
        damage: |folder| change_log(folder, 20, Vec::clear),
        hints: Hints { log_start: 23, ..FLUSHED },
        log_end: 23,
        cuts: &[(SEGMENT, "before its start at 23"), (SEGMENT, "before its start at 23")],
        repairs: &[],
    },
    Row {
        name: "no offset index",
        damage: |folder| remove(folder, 10, Kind::Index),
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &["there is no offset index"],
    },
    Row {
        name: "no time index",
        damage: |folder| remove(folder, 20, Kind::TimeIndex),
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &["there is no time index"],
    },
    Row {
        name: "an index of zeroes, as Kafka leaves it when it crashes",
        damage: |folder| change(&path_of(folder, 20, Kind::Index), |bytes| bytes.resize(10_485_760, 0)),
        hints: FLUSHED,
        log_end: 30,
        cuts: &[],
        repairs: &[],
    },
    Row {
        name: "an index of zeroes in a clean directory",
        damage: |folder| change(&path_of(folder, 20, Kind::Index), |bytes| bytes.resize(10_485_760, 0)),
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &["the offset index does not fit the log"],
    },
    Row {
        name: "an index that points behind the log",
        damage: |folder| change(&path_of(folder, 10, Kind::Index), |bytes| put(bytes, 4, &[1])),
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &["the offset index does not fit the log"],
    },
    Row {
        name: "a time index that ends within an entry",
        damage: |folder| change(&path_of(folder, 10, Kind::TimeIndex), |bytes| bytes.truncate(11)),
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &["an index ends within an entry"],
    },
    Row {
        name: "producers that are damaged",
        damage: |folder| {
            for offset in [20, 30] {
                change(&path_of(folder, offset, Kind::Snapshot), |bytes| bytes[20] ^= 1);
            }
        },
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &["the producers in it are damaged", "the producers in it are damaged"],
    },
    Row {
        name: "no producers at all",
        damage: |folder| [10, 20, 30].into_iter().for_each(|offset| remove(folder, offset, Kind::Snapshot)),
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &[],
    },
    Row {
        name: "no epochs",
        damage: |folder| std::fs::remove_file(folder.join("leader-epoch-checkpoint")).unwrap(),
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &["it was missing or damaged"],
    },
    Row {
        name: "epochs of a longer log",
        damage: |folder| {
            std::fs::write(folder.join("leader-epoch-checkpoint"), "0\n4\n1 0\n2 10\n3 20\n8 90\n").unwrap();
        },
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &[],
    },
    Row {
        name: "epochs of a log that was cut and went on otherwise",
        damage: |folder| std::fs::write(folder.join("leader-epoch-checkpoint"), "0\n3\n1 0\n2 10\n9 22\n").unwrap(),
        hints: FLUSHED,
        log_end: 30,
        cuts: &[],
        repairs: &[],
    },
    Row {
        name: "texts and files on their way",
        damage: |folder| {
            std::fs::write(folder.join("leader-epoch-checkpoint.tmp"), "0\n").unwrap();
            std::fs::write(folder.join("00000000000000000000.log.deleted"), "old").unwrap();
            std::fs::write(folder.join("00000000000000000010.snapshot.deleted"), "old").unwrap();
        },
        hints: CLEAN,
        log_end: 30,
        cuts: &[],
        repairs: &[],
    },
];

#[test]
fn damaged_logs_become_logs_again() {
    for row in ROWS {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("orders-0");
        make(&folder);
        (row.damage)(&folder);
        let recovered = recovery::open(&folder, row.hints, &Handles::new(8)).unwrap();
        let name = row.name;
        assert_eq!(recovered.log_end, row.log_end, "{name}");
        let cuts: Vec<_> = recovered.cuts.iter().map(|cut| (cut.bytes, cut.why.as_str())).collect();
        assert_eq!(cuts.len(), row.cuts.len(), "{name}: {cuts:?}");
        for (cut, (bytes, why)) in cuts.iter().zip(row.cuts) {
            assert!(cut.0 == *bytes && cut.1.contains(why), "{name}: {cut:?}");
        }
        let repairs: Vec<_> = recovered.repairs.iter().map(|repair| repair.what.as_str()).collect();
        assert_eq!(repairs.len(), row.repairs.len(), "{name}: {repairs:?}");
        for (repair, wanted) in repairs.iter().zip(row.repairs) {
            assert!(repair.contains(wanted), "{name}: {repair:?}");
        }
        check_whole(name, &folder, recovered, row.hints.recovery_point);
    }
}

/// Whatever happened to it, it is a log: batches, epochs and producers fit together, it takes appends, and opened again
/// it is the same, with nothing left to mend.
fn check_whole(name: &str, folder: &Path, recovered: Recovered, recovery_point: i64) {
    let batches = recovered.file_log.read(0, usize::MAX, i64::MAX).unwrap();
    let mut producers = Producers::default();
    for batch in &batches {
        producers.update(&batch.header);
        let epoch = (batch.header.base_offset / 10 + 1) as i32;
        assert_eq!(recovered.epochs.at(batch.header.base_offset), Some(epoch), "{name}");
        let found = recovered.file_log.searching_time(batch.header.max_timestamp).run().unwrap();
        assert_eq!(found.as_ref(), Some(batch), "{name}");
    }
    assert!(recovered.producers.entries().eq(producers.entries()), "{name}: {:?}", recovered.producers);
    assert!(recovered.epochs.iter().all(|(_, start)| start < recovered.log_end), "{name}");

    let (mut log, end, mut epochs) = (recovered.file_log, recovered.log_end, recovered.epochs);
    epochs.assign(4, end);
    log.set_epochs(&epochs).unwrap();
    let more = produced(BatchBuilder::new(Compression::None).producer(9, 0, end as i32), end, 5, 999, 4);
    log.append(&more).unwrap();
    producers.update(&more.header);
    log.close(&producers).unwrap().run().unwrap();
    for clean in [true, false] {
        let again = open(folder, clean, recovery_point, recovered.log_start);
        assert_eq!((again.log_start, again.log_end), (recovered.log_start, end + 5), "{name}");
        assert_eq!((again.cuts.len(), again.repairs.len()), (0, 0), "{name}: {:?} {:?}", again.cuts, again.repairs);
        assert_eq!(again.epochs.at(end), Some(4), "{name}");
        assert!(again.producers.entries().eq(producers.entries()), "{name}");
        assert_eq!(again.file_log.read(end, 1, i64::MAX).unwrap(), std::slice::from_ref(&more), "{name}");
        assert_eq!(again.topic_id, Some(uuid::Uuid::from_u128(7)), "{name}");
    }
}

#[test]
fn an_empty_folder_begins_where_the_log_does() {
    let temporary = tempfile::tempdir().unwrap();
    let recovered = open(temporary.path(), true, 0, 42);
    assert_eq!((recovered.log_start, recovered.log_end, recovered.recovery_point), (42, 42, 42));
    assert_eq!(recovered.segments, [crate::engine::log::SegmentInfo::empty(42)]);
    assert!(log_path(temporary.path(), 42).exists());
}

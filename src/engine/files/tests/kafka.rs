//! A directory that a real Kafka 3.9.2 wrote (`tests/fixtures/README.md` says how), opened as one of ours, clean and as
//! after a crash. What is written again from it is the same, to the byte where Kafka's own choice is the same.

use super::broker_dir::{BrokerDir, Checkpoint, Identity};
use super::*;
use crate::engine::log::ProducerEntry;
use crate::protocol::records::records_of;

/// Kafka's directory, copied, as opening it changes it.
fn copied() -> (tempfile::TempDir, BrokerDir) {
    let temporary = tempfile::tempdir().unwrap();
    let to = temporary.path().join("broker-1");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kafka-3.9-logdir"), &to);
    let dir = BrokerDir::open(&to).unwrap();
    (temporary, dir)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn open_as_kafka_does(dir: &BrokerDir, topic: &str, clean: bool) -> Recovered {
    let offset = |which: Checkpoint| dir.read_checkpoint(which).unwrap().get(&(topic.to_owned(), 0)).copied();
    let hints = Hints {
        clean,
        recovery_point: if clean { offset(Checkpoint::RecoveryPoint).unwrap_or(0) } else { 0 },
        log_start: offset(Checkpoint::LogStart).unwrap_or(0),
        config: FileConfig::default(),
    };
    recovery::open(&dir.folder_of(topic, 0), hints, &Handles::new(8)).unwrap()
}

#[test]
fn the_directory_says_whose_it_is_and_how_it_was_stopped() {
    let (_temporary, dir) = copied();
    let identity = Identity { broker_id: 1, cluster_id: Some("azAHYS6OTNO_F8rZr72CJA".into()) };
    assert_eq!(dir.identity().unwrap(), Some(identity));
    assert_eq!(dir.take_clean_marker().unwrap(), Some(-1));
    let (folders, removal) = dir.folders().unwrap();
    assert!(removal.is_empty());
    let topics: Vec<_> = folders.iter().map(|folder| (folder.topic.as_str(), folder.partition)).collect();
    assert_eq!(topics, [("compacted", 0), ("empty", 0), ("orders", 0)]);
    let offsets = |which| dir.read_checkpoint(which).unwrap().into_values().collect::<Vec<_>>();
    assert_eq!(offsets(Checkpoint::RecoveryPoint), [40, 0, 440]);
    assert_eq!(offsets(Checkpoint::HighWatermark), [40, 0, 440]);
    assert_eq!(offsets(Checkpoint::LogStart), [60]);
}

#[test]
fn its_logs_are_opened_clean_and_after_a_crash_alike() {
    for clean in [true, false] {
        let (_temporary, dir) = copied();
        let orders = open_as_kafka_does(&dir, "orders", clean);
        assert_eq!((orders.log_start, orders.log_end), (60, 440), "clean: {clean}");
        assert_eq!(orders.recovery_point, if clean { 440 } else { 0 });
        let bases: Vec<_> = orders.segments.iter().map(|segment| (segment.base_offset, segment.size_bytes)).collect();
        assert_eq!(bases, [(0, 16_293), (153, 16_209), (299, 11_989)]);
        assert_eq!((orders.cuts, orders.repairs), (vec![], vec![]));
        assert_eq!(orders.epochs.iter().collect::<Vec<_>>(), [(0, 60)]);
        assert_eq!(orders.topic_id.map(|id| id.is_nil()), Some(false));
        let last = |producer_id, last_sequence, last_offset, offset_delta| {
            (producer_id, last_sequence, last_offset, offset_delta)
        };
        let producers = orders.producers.entries();
        let found: Vec<_> = producers
            .map(|ProducerEntry { producer_id, last_sequence, last_offset, offset_delta, .. }| {
                last(producer_id, last_sequence, last_offset, offset_delta)
            })
            .collect();
        assert_eq!(found, [last(0, 399, 399, 0), last(1, 39, 439, 39)]);
        assert_eq!(orders.producers_before.keys().copied().collect::<Vec<_>>(), [153, 299]);

        let empty = open_as_kafka_does(&dir, "empty", clean);
        assert_eq!((empty.log_start, empty.log_end, empty.segments.len()), (0, 0, 1));
        let compacted = open_as_kafka_does(&dir, "compacted", clean);
        assert_eq!((compacted.log_end, compacted.producers.len()), (40, 1));
    }
}

#[test]
fn its_records_are_read_by_offset_and_by_time() {
    let (_temporary, dir) = copied();
    let orders = open_as_kafka_does(&dir, "orders", true);
    let batches = orders.file_log.read(60, usize::MAX, i64::MAX).unwrap();
    let records: Vec<_> = batches.iter().flat_map(|batch| records_of(&batch.header, &batch.body).unwrap()).collect();
    let number = |record: &crate::protocol::records::Record| {
        let value = String::from_utf8(record.value.clone().unwrap().to_vec()).unwrap();
        value.split(' ').nth(2).and_then(|number| number.parse::<i64>().ok()).unwrap()
    };
    for record in &records {
        // The first 400 in order, then the first 40 once more.
        assert_eq!(number(record), if record.offset < 400 { record.offset + 1 } else { record.offset - 399 });
    }
    assert_eq!(records.last().unwrap().offset, 439);
    for batch in &batches {
        let found = orders.file_log.searching_time(batch.header.max_timestamp).run().unwrap().unwrap();
        assert!(found.header.max_timestamp >= batch.header.max_timestamp);
        assert!(found.header.base_offset <= batch.header.base_offset, "the first of that time");
    }
}

/// Appends Kafka's own batches to a log of ours: batches and offset indexes come out as Kafka wrote them, to the byte. The
/// time indexes name other offsets within the same batches: Kafka's leader names the record, ours the batch's last one, as
/// Kafka does where it rebuilds them.
#[test]
fn what_is_written_from_it_is_the_same() {
    let (temporary, dir) = copied();
    let orders = open_as_kafka_does(&dir, "orders", true);
    let ours = temporary.path().join("ours");
    let mut log = FileLog::create(&ours, 0, orders.topic_id, FileConfig::default(), &Handles::new(8)).unwrap();
    let (mut producers, mut epochs) = (Producers::default(), Epochs::default());
    for batch in orders.file_log.read(0, usize::MAX, i64::MAX).unwrap() {
        if [153, 299].contains(&batch.header.base_offset) {
            log.roll(batch.header.base_offset, &producers).unwrap();
        }
        epochs.assign(batch.header.leader_epoch, batch.header.base_offset);
        producers.update(&batch.header);
        log.append(&batch).unwrap();
    }
    epochs.truncate_from_start(60);
    log.set_epochs(&epochs).unwrap();
    log.close(&producers).unwrap().run().unwrap();
    let kafkas = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kafka-3.9-logdir/orders-0");
    let mut names: Vec<_> = std::fs::read_dir(&kafkas).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut own: Vec<_> = std::fs::read_dir(&ours).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    own.sort();
    assert_eq!(own, names, "the same files");
    for name in names {
        let (kafka, own) = (std::fs::read(kafkas.join(&name)).unwrap(), std::fs::read(ours.join(&name)).unwrap());
        if name.to_string_lossy().ends_with(".timeindex") {
            let times = |bytes: &[u8]| bytes.chunks(12).map(|entry| entry[..8].to_vec()).collect::<Vec<_>>();
            assert_eq!(times(&own), times(&kafka), "{name:?}");
        } else {
            assert_eq!(own, kafka, "{name:?}");
        }
    }
}

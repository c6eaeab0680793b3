//! Compaction by hand, case by case; `log/tests/model.rs` holds it against a list.

use crate::engine::log::clean::{CleanedSegment, Left, clean};
use crate::engine::log::{CleanPlan, Cleaned, InMemory, Log, LogConfig, StoredBatch};
use crate::engine::settings::Ratio;
use crate::protocol::records::{BatchBuilder, BatchError, Compression, Record, records_of, validate};

const DAY: i64 = 86_400_000;

fn config() -> LogConfig {
    LogConfig { compact: true, delete: false, min_cleanable_ratio: Ratio::from_ppm(0), ..LogConfig::default() }
}

fn in_memory(_: i64, left: &mut dyn Iterator<Item = Result<StoredBatch, BatchError>>) -> Result<Left, BatchError> {
    left.collect::<Result<_, _>>().map(Left::InMemory)
}

fn log() -> Log {
    Log::new(config())
}

/// Appends one batch: a key and a value each, without a value a tombstone; its timestamp is its offset.
fn put(log: &mut Log, records: &[(&str, Option<&str>)], codec: Compression, producer: Option<(i64, i32)>) {
    let mut builder = BatchBuilder::new(codec);
    if let Some((id, sequence)) = producer {
        builder = builder.producer(id, 0, sequence);
    }
    for (offset, (key, value)) in (log.log_end_offset()..).zip(records) {
        builder.push(offset, Some(key.as_bytes()), value.map(str::as_bytes), &[]);
    }
    log.append_as_leader(&validate(&builder.build()).unwrap(), 0, 0, &mut InMemory).unwrap();
}

fn one(log: &mut Log, key: &str, value: Option<&str>) {
    put(log, &[(key, value)], Compression::None, None);
}

fn plan(log: &Log, date_ms: i64) -> super::CleanJob {
    let cleanable = log.cleanable(log.log_end_offset(), date_ms).unwrap();
    log.plan_cleaning(&cleanable, date_ms, usize::MAX)
}

/// Closes the active segment, and cleans all before it.
fn roll_and_clean(log: &mut Log, date_ms: i64) -> Cleaned {
    log.roll(&mut InMemory).unwrap();
    let job = plan(log, date_ms);
    let cleaned = job.run().unwrap();
    assert!(log.take_up_cleaned(job.plan(), &cleaned, &mut InMemory).unwrap());
    cleaned
}

fn records(log: &Log) -> Vec<Record> {
    log.batches_from(0).flat_map(|batch| records_of(&batch.header, &batch.body).unwrap()).collect()
}

/// `offset key=value`, in order.
fn told(log: &Log) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let tell = |record: &Record| {
        let value = record.value.as_ref().map_or("none".into(), |value| text(value));
        format!("{} {}={value}", record.offset, record.key.as_ref().map_or("none".into(), |key| text(key)))
    };
    records(log).iter().map(tell).collect::<Vec<_>>().join(", ")
}

fn batches(log: &Log) -> Vec<StoredBatch> {
    log.batches_from(0).collect()
}

#[test]
fn of_each_key_the_newest_record_stays_at_its_offset() {
    let mut log = log();
    put(&mut log, &[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))], Compression::None, None);
    one(&mut log, "c", Some("1"));
    one(&mut log, "b", Some("2"));
    let cleaned = roll_and_clean(&mut log, 0);
    assert_eq!(told(&log), "2 a=2, 3 c=1, 4 b=2");
    assert_eq!((cleaned.before.records, cleaned.after.records), (5, 3));
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.clean_to()), (0, 5, Some(5)));
    let first = &batches(&log)[0].header;
    assert_eq!((first.base_offset, first.last_offset(), first.record_count), (0, 2, 1), "the batch keeps its place");
    for batch in batches(&log) {
        assert_eq!(batch.header.checksum(&batch.body), batch.header.crc);
    }
    assert_eq!(log.read(0, 1_000, 5, true).unwrap().next_offset, 5);
    one(&mut log, "a", Some("3"));
    assert_eq!(told(&log), "2 a=2, 3 c=1, 4 b=2, 5 a=3", "the active segment is left alone");
    roll_and_clean(&mut log, 0);
    assert_eq!(told(&log), "3 c=1, 4 b=2, 5 a=3");
    assert_eq!(log.read(0, 1_000, 6, true).unwrap().records.record_count(), 3, "a gap is read over");
}

#[test]
fn a_tombstone_stays_until_its_horizon() {
    let mut log = Log::new(LogConfig { delete_retention_ms: DAY, ..config() });
    one(&mut log, "a", Some("1"));
    put(&mut log, &[("a", None), ("b", Some("1"))], Compression::None, None);
    roll_and_clean(&mut log, 1_000);
    assert_eq!(told(&log), "1 a=none, 2 b=1");
    let header = batches(&log)[0].header;
    assert_eq!((header.delete_horizon_ms(), header.base_timestamp), (Some(1_000 + DAY), 1_000 + DAY));
    let dates: Vec<i64> = records(&log).iter().map(|record| record.timestamp_ms).collect();
    assert_eq!((dates.as_slice(), header.max_timestamp), ([1, 2].as_slice(), 2), "the records keep their dates");
    one(&mut log, "c", Some("1"));
    roll_and_clean(&mut log, 999 + DAY);
    assert_eq!(told(&log), "1 a=none, 2 b=1, 3 c=1");
    assert_eq!(batches(&log)[0].header, header, "it is the first meeting that counts");
    one(&mut log, "d", Some("1"));
    roll_and_clean(&mut log, 1_000 + DAY);
    assert_eq!(told(&log), "2 b=1, 3 c=1, 4 d=1");
}

#[test]
fn the_last_batch_of_a_producer_stays_for_its_sequence() {
    let mut log = log();
    put(&mut log, &[("a", Some("1"))], Compression::None, Some((7, 0)));
    put(&mut log, &[("a", Some("2")), ("a", Some("3"))], Compression::None, Some((7, 1)));
    one(&mut log, "a", Some("4"));
    one(&mut log, "z", Some("1"));
    roll_and_clean(&mut log, 0);
    assert_eq!(told(&log), "3 a=4, 4 z=1");
    let header = batches(&log)[0].header;
    assert_eq!((header.base_offset, header.record_count, header.last_sequence()), (1, 0, 2));
    let mut follower = Log::new(config());
    follower.append_as_follower(&log.read(0, 10_000, 5, true).unwrap().records, &mut InMemory).unwrap();
    assert_eq!(follower.log_end_offset(), 5);
    put(&mut follower, &[("b", Some("1"))], Compression::None, Some((7, 3)));
    one(&mut log, "b", Some("1"));
    put(&mut log, &[("b", Some("2"))], Compression::None, Some((7, 3)));
    one(&mut log, "c", Some("1"));
    roll_and_clean(&mut log, 0);
    assert!(batches(&log).iter().all(|batch| batch.header.record_count > 0), "it has written since");
}

#[test]
fn the_last_batch_of_a_cleaning_stays_so_that_its_end_is_known() {
    let mut log = log();
    one(&mut log, "a", Some("1"));
    put(&mut log, &[("a", None)], Compression::None, None);
    roll_and_clean(&mut log, 0);
    one(&mut log, "b", Some("1"));
    one(&mut log, "b", None);
    roll_and_clean(&mut log, DAY + 1);
    assert_eq!(told(&log), "3 b=none");
    one(&mut log, "c", None);
    log.roll(&mut InMemory).unwrap();
    let job = plan(&log, i64::MAX);
    let cleaned = job.run().unwrap();
    assert!(log.take_up_cleaned(job.plan(), &cleaned, &mut InMemory).unwrap());
    let headers: Vec<_> = batches(&log).iter().map(|batch| batch.header.record_count).collect();
    assert_eq!(headers, [1], "c is met for the first time: {}", told(&log));
}

#[test]
fn compressed_batches_stay_compressed() {
    for codec in Compression::ALL {
        let mut log = log();
        put(&mut log, &[("a", Some("1")), ("b", Some("1"))], codec, None);
        one(&mut log, "a", Some("2"));
        roll_and_clean(&mut log, 0);
        assert_eq!(told(&log), "1 b=1, 2 a=2");
        assert_eq!(batches(&log)[0].header.attributes.compression(), Some(codec));
    }
}

#[test]
fn a_batch_of_which_all_stays_is_not_written_anew() {
    let mut log = log();
    put(&mut log, &[("a", Some("1")), ("b", Some("1"))], Compression::Gzip, None);
    let before = batches(&log);
    roll_and_clean(&mut log, 0);
    assert_eq!(batches(&log), before);
}

#[test]
fn small_segments_become_one_and_large_ones_do_not() {
    let size = {
        let mut log = log();
        one(&mut log, "a", Some("1"));
        log.size_bytes()
    };
    let mut log = Log::new(LogConfig { segment_bytes: size * 3, ..config() });
    for key in ["a", "b", "c", "d", "e"] {
        one(&mut log, key, Some("1"));
        log.roll(&mut InMemory).unwrap();
    }
    let cleaned = roll_and_clean(&mut log, 0);
    let replaced: Vec<_> = cleaned.segments.iter().map(|segment| segment.replaces.clone()).collect();
    assert_eq!(replaced, [vec![0, 1, 2], vec![3, 4]]);
    let bases: Vec<_> = log.segments().map(|segment| segment.base_offset).collect();
    assert_eq!(bases, [0, 3, 5]);
    assert_eq!(told(&log), "0 a=1, 1 b=1, 2 c=1, 3 d=1, 4 e=1");
}

#[test]
fn with_room_for_few_keys_it_is_cleaned_as_far_as_they_go() {
    let mut log = log();
    for (key, value) in [("a", "1"), ("a", "2"), ("b", "1"), ("c", "1"), ("b", "2")] {
        one(&mut log, key, Some(value));
        log.roll(&mut InMemory).unwrap();
    }
    let cleanable = log.cleanable(5, 0).unwrap();
    let job = log.plan_cleaning(&cleanable, 0, 2);
    let cleaned = job.run().unwrap();
    assert_eq!(cleaned.clean_to, 3, "c found no room");
    assert!(log.take_up_cleaned(job.plan(), &cleaned, &mut InMemory).unwrap());
    assert_eq!(told(&log), "1 a=2, 2 b=1, 3 c=1, 4 b=2");
    let bases: Vec<_> = log.segments().map(|segment| segment.base_offset).collect();
    assert_eq!(bases, [0, 3, 4, 5]);
    roll_and_clean(&mut log, 0);
    assert_eq!(told(&log), "1 a=2, 3 c=1, 4 b=2");
}

#[test]
fn what_was_cut_or_went_meanwhile_voids_it() {
    let prepared = || {
        let mut log = log();
        for key in ["a", "a", "b"] {
            one(&mut log, key, Some("1"));
            log.roll(&mut InMemory).unwrap();
        }
        let job = plan(&log, 0);
        let cleaned = job.run().unwrap();
        (log, job, cleaned)
    };
    let (mut log, job, cleaned) = prepared();
    log.truncate_to(2, &mut InMemory).unwrap();
    one(&mut log, "b", Some("1"));
    log.roll(&mut InMemory).unwrap();
    assert!(!log.take_up_cleaned(job.plan(), &cleaned, &mut InMemory).unwrap(), "it looks the same, and is not");
    let (mut log, job, cleaned) = prepared();
    log.advance_log_start(1, &mut InMemory).unwrap();
    assert!(!log.take_up_cleaned(job.plan(), &cleaned, &mut InMemory).unwrap());
    assert_eq!((log.log_start_offset(), told(&log).as_str()), (1, "1 a=1, 2 b=1"));
    let (mut log, job, cleaned) = prepared();
    one(&mut log, "a", Some("5"));
    assert!(log.take_up_cleaned(job.plan(), &cleaned, &mut InMemory).unwrap(), "an append changes nothing of it");
    assert_eq!(told(&log), "1 a=1, 2 b=1, 3 a=5");
}

#[test]
fn neither_the_active_segment_nor_the_high_watermark_nor_the_lag_is_passed() {
    let mut log = Log::new(LogConfig { min_compaction_lag_ms: 100, ..config() });
    for key in ["a", "a", "a", "a"] {
        one(&mut log, key, Some("1"));
        log.roll(&mut InMemory).unwrap();
    }
    one(&mut log, "a", Some("1"));
    let upper = |log: &Log, high_watermark, date| log.cleanable(high_watermark, date).unwrap().first_uncleanable_offset;
    assert_eq!(upper(&log, 5, 1_000), 4, "the active segment begins there");
    assert_eq!(upper(&log, 3, 1_000), 3);
    assert_eq!(upper(&log, 5, 101), 2, "2 was written 99 ms ago");
    assert_eq!(upper(&log, 5, 50), 0);
    assert_eq!(Log::new(LogConfig { compact: false, ..config() }).cleanable(0, 0), None);
}

#[test]
fn it_waits_until_enough_is_dirty_or_it_has_waited_long_enough() {
    let settings = LogConfig { min_cleanable_ratio: Ratio::from_ppm(500_000), max_compaction_lag_ms: DAY, ..config() };
    let mut log = Log::new(settings);
    let filthy = |log: &Log, date| log.is_filthy(&log.cleanable(log.log_end_offset(), date).unwrap());
    assert!(!filthy(&log, 0), "nothing is there");
    for key in ["a", "b", "c"] {
        one(&mut log, key, Some("1"));
    }
    log.roll(&mut InMemory).unwrap();
    assert!(filthy(&log, 0));
    roll_and_clean(&mut log, 0);
    one(&mut log, "d", Some("1"));
    log.roll(&mut InMemory).unwrap();
    assert!(!filthy(&log, 0), "one of four is new");
    assert!(filthy(&log, DAY + 10));
    roll_and_clean(&mut log, 0);
    assert!(!filthy(&log, DAY + 10), "nothing is new");
}

#[test]
fn a_plan_and_the_batches_are_all_it_takes() {
    let mut log = log();
    one(&mut log, "a", Some("1"));
    one(&mut log, "a", Some("2"));
    log.roll(&mut InMemory).unwrap();
    let plan: CleanPlan = plan(&log, 0).plan().clone();
    let elsewhere = batches(&log);
    let from = |offset: i64| elsewhere.clone().into_iter().skip_while(move |batch| batch.header.last_offset() < offset);
    let cleaned = clean(&plan, from, in_memory).unwrap();
    let CleanedSegment { base_offset, replaces, left } = &cleaned.segments[0];
    let Left::InMemory(batches) = left else { panic!("it was kept in memory") };
    assert_eq!((*base_offset, replaces.as_slice(), batches.as_slice()), (0, [0].as_slice(), &elsewhere[1..]));
}

#[test]
fn a_batch_that_cannot_be_read_stops_it() {
    let mut log = log();
    one(&mut log, "a", Some("1"));
    log.roll(&mut InMemory).unwrap();
    let broken = batches(&log).into_iter().map(|batch| StoredBatch { body: batch.body.slice(1..), ..batch });
    let broken: Vec<_> = broken.collect();
    assert!(clean(plan(&log, 0).plan(), |_| broken.clone().into_iter(), in_memory).is_err());
    log.cleaning_failed();
    assert_eq!(log.cleanable(1, 0), None);
}

/// What is read of a log on files comes in pieces of a megabyte: a key each must not keep all of them.
#[test]
fn noted_keys_keep_no_batch_in_memory() {
    let mut log = log();
    one(&mut log, "a", Some("1"));
    log.roll(&mut InMemory).unwrap();
    let job = plan(&log, 0);
    let StoredBatch { header, body } = batches(&log).remove(0);
    let body = bytes::Bytes::copy_from_slice(&body);
    let read = StoredBatch { header, body: body.clone() };
    let keys = super::Keys::of(std::iter::once(read), job.plan()).unwrap();
    assert_eq!(keys.newest(&"a".into()), Some(0));
    assert!(body.is_unique());
}

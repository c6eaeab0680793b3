//! What a log in memory costs beside its ceiling: a copy and a checksum of the same bytes.
//!
//! Figures to hold, release build: a batch of 1 MiB is checked and appended within 1.5 times `copy_and_checksum`, and read
//! for less than a copy of it. A log of 1,000 MiB is cloned in under a microsecond: nothing of it is copied.

use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use kscope::engine::log::{InMemory, Log, LogConfig};
use kscope::protocol::Records;
use kscope::protocol::records::{BatchBuilder, Compression, validate};

const MIB: usize = 1 << 20;

fn main() {
    divan::main();
}

/// One batch of about 1 MiB, of records of `size` bytes.
fn batch(size: usize) -> Records {
    let mut builder = BatchBuilder::new(Compression::None);
    let value = vec![7; size];
    for at in 0..MIB / (size + 12) {
        builder.push(1_700_000_000_000 + i64::try_from(at).unwrap_or(0), None, Some(&value), &[]);
    }
    builder.build()
}

fn config() -> LogConfig {
    LogConfig { max_message_bytes: 2 * MIB, segment_bytes: 64 * MIB as u64, ..LogConfig::default() }
}

fn log_of(batches: usize) -> Log {
    let mut log = Log::new(config());
    if let Ok(produced) = validate(&batch(MIB - 200)) {
        for _ in 0..batches {
            drop(log.append_as_leader(&produced, 1, 0, &mut InMemory));
        }
    }
    log
}

/// The ceiling: what has to be done to the bytes by anybody.
#[divan::bench]
fn copy_and_checksum(bencher: Bencher) {
    let bytes = batch(1024).to_bytes();
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let copy = Bytes::copy_from_slice(black_box(&bytes));
        (crc32c::crc32c(&copy), copy)
    });
}

/// From a frame to the log: the check on the way in, and the append.
#[divan::bench(args = [100, 1024, 100_000])]
fn check_and_append(bencher: Bencher, record_bytes: usize) {
    let bytes = batch(record_bytes).to_bytes();
    let mut log = Log::new(config());
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        if log.size_bytes() > 32 * MIB as u64 {
            log = Log::new(config());
        }
        let produced = validate(black_box(&Records::from(bytes.clone())));
        produced.map(|produced| log.append_as_leader(&produced, 1, 0, &mut InMemory))
    });
}

/// A fetch of 1 MiB from the middle of a log.
#[divan::bench]
fn read(bencher: Bencher) {
    let log = log_of(64);
    bencher.counter(BytesCount::new(MIB)).bench_local(|| log.read(black_box(30), MIB, log.log_end_offset(), true));
}

/// A checkpoint of a log with 1,000 batches of 1 MiB, which share one body here as replicas do.
#[divan::bench]
fn clone_of_a_gigabyte(bencher: Bencher) {
    let log = log_of(1_000);
    bencher.bench_local(|| black_box(&log).clone());
}

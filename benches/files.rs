//! What a log on files costs beside its ceiling: the same bytes written to the page cache, and read from it.
//!
//! Figures to hold, release build: a batch of 1 MiB is appended within 1.5 times `plain_write`, and read within 1.5 times
//! `plain_read`. 10,000 logs are opened within 5 s after a clean stop (2 s is the aim), on one thread.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use kscope::engine::files::recovery::{self, Hints};
use kscope::engine::files::{FileConfig, FileLog, Handles};
use kscope::engine::log::{Epochs, Producers, StoredBatch};
use kscope::protocol::records::{BatchBuilder, BatchHeader, Compression, validate};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
/// Files begin anew at this size, so that the bench measures the page cache and not the disk.
const MOST: u64 = 64 << 20;
const LOGS: usize = 10_000;

fn main() {
    divan::main();
}

/// One batch of one record of about `bytes`.
fn batch(bytes: usize, base_offset: i64) -> StoredBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(1_700_000_000_000 + base_offset, None, Some(&vec![7; bytes - 80]), &[]);
    match validate(&builder.build()) {
        Ok(produced) => {
            let header = BatchHeader { base_offset, leader_epoch: 0, ..produced.header };
            StoredBatch { header, body: produced.body }
        }
        Err(error) => panic!("{error}"),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"))
}

fn new_log(path: &Path) -> FileLog {
    FileLog::create(path, 0, None, FileConfig::default(), &Handles::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The ceiling: the same bytes into the page cache, by anybody.
#[divan::bench(args = [16 * 1024, MIB])]
fn plain_write(bencher: Bencher, bytes: usize) {
    let folder = folder();
    let path = folder.path().join("plain");
    let file = OpenOptions::new().create(true).append(true).open(path);
    let mut file: File = file.unwrap_or_else(|error| panic!("{error}"));
    let stored = batch(bytes, 0);
    let whole: Bytes = [&stored.header.encode()[..], &stored.body].concat().into();
    let mut size = 0;
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        if size > MOST {
            size = 0;
            file.set_len(0).and_then(|()| file.rewind())?;
        }
        size += whole.len() as u64;
        file.write_all(black_box(&whole))
    });
}

/// An append, index and all.
#[divan::bench(args = [16 * 1024, MIB])]
fn append(bencher: Bencher, bytes: usize) {
    let folder = folder();
    let mut log = new_log(&folder.path().join("a-0"));
    let mut stored = batch(bytes, 0);
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        if log.segments().any(|segment| segment.size_bytes > MOST) {
            drop(log.truncate_to(0));
        }
        stored.header.base_offset = log.end_offset();
        log.append(black_box(&stored))
    });
}

/// The ceiling of a read.
#[divan::bench]
fn plain_read(bencher: Bencher) {
    let folder = folder();
    let path = folder.path().join("plain");
    drop(std::fs::write(&path, vec![7; MIB]));
    let mut file = File::open(path).unwrap_or_else(|error| panic!("{error}"));
    bencher.counter(BytesCount::new(MIB)).bench_local(|| {
        let mut bytes = vec![0; MIB];
        file.rewind().and_then(|()| file.read_exact(&mut bytes)).map(|()| bytes)
    });
}

/// A fetch of 1 MiB from the middle of a log, in batches of `bytes`.
#[divan::bench(args = [1024, 16 * 1024, MIB])]
fn read(bencher: Bencher, bytes: usize) {
    let folder = folder();
    let mut log = new_log(&folder.path().join("a-0"));
    let mut stored = batch(bytes, 0);
    while log.segments().all(|segment| segment.size_bytes < 16 * MIB as u64) {
        stored.header.base_offset = log.end_offset();
        drop(log.append(&stored));
    }
    let middle = log.end_offset() / 2;
    bencher.counter(BytesCount::new(MIB)).bench_local(|| log.read(black_box(middle), MIB, i64::MAX));
}

/// Opens logs of ten batches of 1 KiB after a clean stop.
#[divan::bench(max_time = Duration::from_secs(20), sample_count = 5, sample_size = 1)]
fn open_10_000(bencher: Bencher) {
    let folder = folder();
    let paths: Vec<PathBuf> = (0..LOGS).map(|number| folder.path().join(format!("a-{number}"))).collect();
    let handles = Handles::default();
    for path in &paths {
        let mut log = new_log(path);
        let mut epochs = Epochs::default();
        epochs.assign(0, 0);
        drop((0..10).map(|offset| log.append(&batch(1024, offset))).collect::<Vec<_>>());
        drop((log.set_epochs(&epochs), log.close(&Producers::default())));
    }
    let hints = Hints { clean: true, ..Hints::default() };
    let open = || paths.iter().map(|path| recovery::open(path, hints, &handles)).collect::<Vec<_>>();
    let before = MEMORY.current_usage();
    let opened = open();
    let bytes = MEMORY.current_usage() - before;
    let closed = |opened: Vec<Result<recovery::Recovered, _>>| {
        for recovered in opened.into_iter().flatten() {
            drop(recovered.file_log.close(&recovered.producers));
        }
    };
    let figures = format!("{} logs hold {} KiB, {} files are open", opened.len(), bytes / 1024, handles.open_count());
    drop(writeln!(std::io::stdout(), "{figures}"));
    closed(opened);
    // Divan drops what it measured after the clock has stopped: there they are closed, to be opened as clean ones again.
    bencher.counter(ItemsCount::new(LOGS)).bench_local(|| Closes(Some(open()), closed));
}

/// Logs that are closed when they are dropped.
struct Closes<T, F: Fn(T)>(Option<T>, F);

impl<T, F: Fn(T)> Drop for Closes<T, F> {
    fn drop(&mut self) {
        if let Some(logs) = self.0.take() {
            (self.1)(logs);
        }
    }
}

//! The log on files against a plain list of batches: append, roll, truncate, remove, stop, crash, in any order.

#![expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "a test's small numbers")]

mod cleaning;
mod damage;
mod errors;
mod kafka;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::folder::{self, Kind, Stage};
use super::recovery::{self, Hints, Recovered};
use super::*;
use crate::engine::log::{Epochs, Producers, StoredBatch};
use crate::protocol::records::{BatchBuilder, Compression, validate};

/// A batch of `records` records of 50 bytes, as a leader in `epoch` would store it.
fn batch(base_offset: i64, records: usize, timestamp: i64, epoch: i32) -> StoredBatch {
    produced(BatchBuilder::new(Compression::None), base_offset, records, timestamp, epoch)
}

fn produced(mut builder: BatchBuilder, base_offset: i64, records: usize, timestamp: i64, epoch: i32) -> StoredBatch {
    for at in 0..records {
        builder.push(timestamp, None, Some(&[at as u8; 40]), &[]);
    }
    let produced = validate(&builder.build()).unwrap();
    let header = crate::protocol::records::BatchHeader { base_offset, leader_epoch: epoch, ..produced.header };
    StoredBatch { header, body: produced.body }
}

fn config() -> FileConfig {
    FileConfig { index_interval_bytes: 200 }
}

fn log_path(folder: &Path, base_offset: i64) -> PathBuf {
    folder::path(folder, base_offset, Kind::Log, Stage::Live)
}

fn path_of(folder: &Path, base_offset: i64, kind: Kind) -> PathBuf {
    folder::path(folder, base_offset, kind, Stage::Live)
}

fn open(folder: &Path, clean: bool, recovery_point: i64, log_start: i64) -> Recovered {
    recovery::open(folder, Hints { clean, recovery_point, log_start, config: config() }, &Handles::new(8)).unwrap()
}

/// Changes a file as a fault would.
fn change(path: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    how(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(usize, u8)>),
    Truncate(u8),
    Roll,
    RemoveFirst,
    Restart(u8),
    Flush,
    Read(u16, u8),
    Stop,
    Kill,
    /// The last bytes of the active segment are gone.
    Tear(u16),
    /// Zeroes stand behind it.
    Zeroes(u8),
    /// A bit is another one, in a batch that was not flushed.
    Flip(u16, u16),
    LoseIndexes,
    LoseEpochs,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => proptest::collection::vec((1..6_usize, any::<u8>()), 1..4).prop_map(Step::Append),
        2 => any::<u8>().prop_map(Step::Truncate),
        3 => Just(Step::Roll),
        1 => Just(Step::RemoveFirst),
        1 => any::<u8>().prop_map(Step::Restart),
        2 => Just(Step::Flush),
        2 => (any::<u16>(), any::<u8>()).prop_map(|(bytes, from)| Step::Read(bytes, from)),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
        1 => any::<u16>().prop_map(Step::Tear),
        1 => any::<u8>().prop_map(Step::Zeroes),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(which, bit)| Step::Flip(which, bit)),
        1 => Just(Step::LoseIndexes),
        1 => Just(Step::LoseEpochs),
    ]
}

/// What a log must hold.
#[derive(Default)]
struct Model {
    /// Segments by base offset.
    segments: BTreeMap<i64, Vec<StoredBatch>>,
    end: i64,
    epochs: Epochs,
    producers: Producers,
    before: BTreeMap<i64, Producers>,
}

impl Model {
    fn batches(&self) -> impl Iterator<Item = &StoredBatch> {
        self.segments.values().flatten()
    }

    fn restart(&mut self, offset: i64) {
        *self = Self { segments: BTreeMap::from([(offset, vec![])]), end: offset, ..Self::default() };
    }

    fn truncate(&mut self, to: i64) {
        if self.segments.first_key_value().is_some_and(|(first, _)| *first > to) {
            return self.restart(to);
        }
        let cut = self.batches().find(|batch| batch.header.last_offset() >= to).map(|batch| batch.header.base_offset);
        self.end = cut.unwrap_or(to).min(to);
        self.segments.retain(|base, _| *base <= to);
        self.segments.values_mut().for_each(|all| all.retain(|batch| batch.header.last_offset() < to));
        self.epochs.truncate_from_end(self.end);
        self.before.retain(|base, _| *base <= self.end);
        let (from, producers) =
            self.before.last_key_value().map_or((0, Producers::default()), |(b, p)| (*b, p.clone()));
        self.producers = producers;
        let again: Vec<_> =
            self.batches().map(|batch| batch.header).filter(|batch| batch.base_offset >= from).collect();
        for header in &again {
            self.producers.update(header);
        }
    }

    fn remove_before(&mut self, base: i64) {
        self.segments.retain(|first, _| *first >= base);
        self.before.retain(|first, _| *first >= base);
        self.epochs.truncate_from_start(base);
    }
}

struct Pair {
    _temporary: tempfile::TempDir,
    folder: PathBuf,
    log: Option<FileLog>,
    model: Model,
    epoch: i32,
    sequence: i32,
}

impl Pair {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("orders-0");
        let log = Some(FileLog::create(&folder, 0, None, config(), &Handles::new(8)).unwrap());
        let mut model = Model::default();
        model.restart(0);
        Self { _temporary: temporary, folder, log, model, epoch: 1, sequence: 0 }
    }

    fn log(&mut self) -> &mut FileLog {
        self.log.as_mut().unwrap()
    }

    fn active_base(&self) -> i64 {
        *self.model.segments.last_key_value().unwrap().0
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Append(sizes) => self.append(&sizes),
            Step::Truncate(back) => {
                let to = (self.model.end - i64::from(back % 25)).max(0);
                self.log().truncate_to(to).unwrap().run().unwrap();
                self.model.truncate(to);
                self.begin_epoch();
            }
            Step::Roll => self.roll(),
            Step::RemoveFirst => {
                let second = self.model.segments.keys().nth(1).copied();
                let base = second.unwrap_or(*self.model.segments.keys().next().unwrap());
                self.log().remove_before(base).unwrap().run().unwrap();
                self.model.remove_before(base);
                let epochs = self.model.epochs.clone();
                self.log().set_epochs(&epochs).unwrap();
            }
            Step::Restart(ahead) => {
                let offset = self.model.end + i64::from(ahead) - 100;
                let offset = offset.max(0);
                self.log().restart_at(offset).unwrap().run().unwrap();
                self.model.restart(offset);
            }
            Step::Flush => {
                let up_to = self.log().flush().unwrap().run().unwrap();
                assert_eq!(up_to, self.model.end);
                self.log().flushed(up_to);
            }
            Step::Read(bytes, from) => self.check_read(usize::from(bytes % 2_000), i64::from(from)),
            Step::Stop => {
                let producers = self.model.producers.clone();
                self.log.take().unwrap().close(&producers).unwrap().run().unwrap();
                self.reopen(true, 0);
            }
            fault => self.crash(&fault),
        }
        self.check();
    }

    fn begin_epoch(&mut self) {
        self.epoch += 1;
        let (epoch, end) = (self.epoch, self.model.end);
        self.model.epochs.assign(epoch, end);
        let epochs = self.model.epochs.clone();
        self.log().set_epochs(&epochs).unwrap();
    }

    fn append(&mut self, sizes: &[(usize, u8)]) {
        let mut batches = Vec::new();
        for (records, seed) in sizes {
            let builder = BatchBuilder::new(Compression::None).producer(i64::from(seed % 3), 0, self.sequence);
            let builder = if seed % 4 == 3 { BatchBuilder::new(Compression::None) } else { builder };
            let batch = produced(builder, self.model.end, *records, i64::from(*seed) - 1, self.epoch);
            self.sequence += *records as i32;
            self.model.epochs.assign(self.epoch, self.model.end);
            self.model.producers.update(&batch.header);
            self.model.end = batch.header.next_offset();
            batches.push(batch);
        }
        self.log().append_all(&batches).unwrap();
        let (epochs, base) = (self.model.epochs.clone(), self.active_base());
        self.log().set_epochs(&epochs).unwrap();
        self.model.segments.get_mut(&base).unwrap().extend(batches);
    }

    fn roll(&mut self) {
        if self.model.end > self.active_base() {
            let (end, producers) = (self.model.end, self.model.producers.clone());
            self.log().roll(end, &producers).unwrap();
            self.model.segments.insert(end, vec![]);
            self.model.before.insert(end, producers);
        }
    }

    /// The process is killed, and the disk has what `fault` leaves of it.
    fn crash(&mut self, fault: &Step) {
        let recovery_point = self.log.take().unwrap().flushed_offset();
        let (folder, base) = (self.folder.clone(), self.active_base());
        let active = log_path(&folder, base);
        let mut lost = 0;
        match fault {
            Step::Tear(bytes) => {
                let size = std::fs::metadata(&active).unwrap().len() as usize;
                let left = size.saturating_sub(usize::from(bytes % 600));
                change(&active, |file| file.truncate(left));
                let mut kept = 0;
                let whole = |batch: &&StoredBatch| {
                    kept += batch.size_bytes() as usize;
                    kept <= left
                };
                let all = &self.model.segments[&base];
                let count = all.iter().take_while(whole).count();
                let good: u64 = all[..count].iter().map(StoredBatch::size_bytes).sum();
                lost = left as u64 - good;
                if let Some(first) = all.get(count) {
                    self.model.truncate(first.header.base_offset);
                }
            }
            Step::Zeroes(count) => {
                change(&active, |file| file.resize(file.len() + usize::from(*count), 0));
                lost = u64::from(*count);
            }
            Step::Flip(which, bit) => lost = self.flip(recovery_point, usize::from(*which), usize::from(*bit)),
            Step::LoseIndexes => {
                for base in self.model.segments.keys() {
                    std::fs::remove_file(path_of(&folder, *base, Kind::Index)).unwrap();
                    change(&path_of(&folder, *base, Kind::TimeIndex), |bytes| bytes.push(1));
                }
            }
            Step::LoseEpochs => std::fs::write(folder.join("leader-epoch-checkpoint"), "\0\0").unwrap(),
            _ => {}
        }
        let cut = self.reopen(false, recovery_point);
        assert_eq!(cut, lost, "bytes that were cut");
    }

    /// Flips a bit of a batch in a segment that will be scanned. Returns how much is lost by it.
    fn flip(&mut self, recovery_point: i64, which: usize, bit: usize) -> u64 {
        let ends: Vec<i64> = self.model.segments.keys().skip(1).copied().chain([i64::MAX]).collect();
        let scanned = self.model.segments.iter().zip(ends).filter(|(_, end)| *end > recovery_point);
        let all: Vec<(i64, StoredBatch)> =
            scanned.flat_map(|((base, all), _)| all.iter().map(|batch| (*base, batch.clone()))).collect();
        let Some((base, hit)) = all.get(which % all.len().max(1)) else { return 0 };
        let before = self.model.segments[base].iter().take_while(|batch| *batch != hit);
        let position: u64 = before.map(StoredBatch::size_bytes).sum();
        // What stands before the checksum is not covered by it.
        let covered = hit.size_bytes() as usize - 17;
        let byte = position as usize + 17 + (bit / 8) % covered;
        change(&log_path(&self.folder, *base), |bytes| bytes[byte] ^= 1 << (bit % 8));
        let lost = all.iter().skip_while(|(_, batch)| batch != hit).map(|(_, batch)| batch.size_bytes()).sum();
        let base = *base;
        self.model.truncate(hit.header.base_offset);
        // Unlike a truncation, a bad batch takes the segments behind it, empty ones too, and its own one stays.
        self.model.segments.retain(|first, _| *first <= base);
        self.model.before.retain(|first, _| *first <= base);
        lost
    }

    /// Returns how many bytes were cut.
    fn reopen(&mut self, clean: bool, recovery_point: i64) -> u64 {
        let recovered = open(&self.folder, clean, recovery_point, 0);
        let model = &mut self.model;
        let first = *model.segments.keys().next().unwrap();
        assert_eq!((recovered.log_start, recovered.log_end), (first, model.end));
        let point = if clean { model.end } else { recovery_point.min(model.end) };
        assert_eq!((recovered.recovery_point, recovered.file_log.flushed_offset()), (point, point));
        // An epoch that began at the end and has no batch is forgotten, as in Kafka.
        model.epochs.truncate_from_end(model.end);
        let of_batches = |epochs: &Epochs| model.batches().map(|b| epochs.at(b.header.base_offset)).collect::<Vec<_>>();
        assert_eq!(of_batches(&recovered.epochs), of_batches(&model.epochs));
        model.epochs = recovered.epochs;
        assert!(recovered.producers.entries().eq(model.producers.entries()), "{:?}", recovered.producers);
        for (base, producers) in &model.before {
            assert!(recovered.producers_before[base].entries().eq(producers.entries()));
        }
        (model.producers, model.before) = (recovered.producers, recovered.producers_before);
        self.log = Some(recovered.file_log);
        recovered.cuts.iter().map(|cut| cut.bytes).sum()
    }

    fn check(&mut self) {
        let log = self.log.as_ref().unwrap();
        assert_eq!(log.end_offset(), self.model.end);
        let found: Vec<_> = log.segments().collect();
        assert_eq!(found.len(), self.model.segments.len());
        for (info, (base, batches)) in found.iter().zip(&self.model.segments) {
            assert_eq!(info.base_offset, *base);
            assert_eq!(info.size_bytes, batches.iter().map(StoredBatch::size_bytes).sum::<u64>());
            assert!(info.batches.is_none_or(|count| count == batches.len() as u64), "{info:?}");
            let times = || batches.iter().map(|batch| batch.header.max_timestamp);
            assert_eq!(info.max_timestamp_ms, times().max().unwrap_or(-1), "{info:?}");
            assert_eq!(info.first_timestamp_ms, times().next().unwrap_or(-1), "{info:?}");
        }
        let all: Vec<_> = self.model.batches().cloned().collect();
        assert_eq!(log.read(0, usize::MAX, i64::MAX).unwrap(), all);
        for batch in &all {
            let time = batch.header.max_timestamp;
            let wanted = all.iter().find(|other| other.header.max_timestamp >= time);
            assert_eq!(log.searching_time(time).run().unwrap().as_ref(), wanted, "by time {time}");
        }
        assert_eq!(log.searching_time(1_000).run().unwrap(), None);
    }

    fn check_read(&self, max_bytes: usize, back: i64) {
        let from = self.model.end - back;
        let up_to = self.model.end - back / 4;
        let mut left = max_bytes as u64;
        let mut wanted: Vec<StoredBatch> = Vec::new();
        let there = self.model.batches().filter(|batch| batch.header.last_offset() >= from);
        for batch in there.take_while(|batch| batch.header.last_offset() < up_to) {
            if batch.size_bytes() > left && !wanted.is_empty() {
                break;
            }
            left = left.saturating_sub(batch.size_bytes());
            wanted.push(batch.clone());
        }
        let found = self.log.as_ref().unwrap().read(from, max_bytes, up_to).unwrap();
        assert_eq!(found, wanted, "from {from}, {max_bytes} bytes, up to {up_to}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn it_holds_what_a_list_would(steps in proptest::collection::vec(step(), 1..40)) {
        let mut pair = Pair::new();
        for step in steps {
            pair.apply(step);
        }
    }
}

#[test]
fn a_log_that_was_not_written_to_has_nothing_to_flush() {
    let mut pair = Pair::new();
    pair.append(&[(5, 1), (5, 2)]);
    pair.roll();
    pair.append(&[(5, 3)]);
    pair.apply(Step::Stop);
    let producers = pair.model.producers.clone();
    let flush = pair.log.take().unwrap().close(&producers).unwrap();
    assert!(flush.is_empty() && flush.up_to() == 15, "{flush:?}");
    drop(flush);
    assert_eq!(pair.reopen(true, 0), 0, "and is as it was");
    pair.append(&[(5, 4)]);
    drop(pair.log().flush().unwrap());
    let again = pair.log().flush().unwrap();
    assert!(!again.is_empty(), "what a flush did not do is left to the next");
    let up_to = again.run().unwrap();
    pair.log().flushed(up_to);
    assert!(pair.log().flush().unwrap().is_empty());
}

/// The producers of a clean stop are believed after a crash too, unless what they tell of was cut since.
#[test]
fn the_producers_of_a_clean_stop_go_with_what_is_cut() {
    for (cut_to, kept) in [(13, true), (10, true), (9, false), (2, false)] {
        let mut pair = Pair::new();
        pair.append(&[(5, 1), (5, 2)]);
        pair.apply(Step::Stop);
        pair.append(&[(5, 4)]);
        pair.log().truncate_to(cut_to).unwrap().run().unwrap();
        pair.model.truncate(cut_to);
        assert_eq!(path_of(&pair.folder, 10, Kind::Snapshot).exists(), kept, "cut to {cut_to}");
        pair.append(&[(5, 7), (5, 10)]);
        pair.apply(Step::Kill);
    }
}

#[test]
fn a_job_that_comes_too_late_finds_nothing() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.append(&[(5, 1)]);
        pair.roll();
    }
    let (mut log, folder) = (pair.log.take().unwrap(), pair.folder.clone());
    let (flush, read, generation) = (log.flush().unwrap(), log.reading(0, 1_000, 100), log.generation());
    log.remove_before(5).unwrap().run().unwrap();
    assert_eq!(log.generation(), generation, "nothing is written again where something was removed");
    assert!(read.run().unwrap_err().is_missing());
    let again = log.flush().unwrap();
    log.delete().unwrap().run().unwrap();
    assert!(!folder.exists());
    assert_eq!(flush.run().unwrap(), 15, "what is gone needs no flush");
    again.run().unwrap();
}

//! A log that is retained, compacted and deleted from, held against a plain list of what was written: what stands is
//! what was written there; what is gone was overtaken, too old, too much, or deleted.

use std::collections::BTreeMap;

use super::*;
use crate::engine::log::{CleanJob, Cleaned, RetentionReason};
use crate::engine::settings::Ratio;

const RETENTION_MS: i64 = 1_000;
const RETENTION_BYTES: u64 = 600;

#[derive(Clone, Debug)]
enum Step {
    /// Keys with values; an even value is a tombstone.
    Append(Vec<(u8, u8)>),
    Watermark,
    Truncate(u8),
    Roll,
    Pass(u16),
    Retain,
    PlanCleaning,
    TakeUpCleaned,
    DeleteRecords(u8),
    Flush,
    LosePower,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => proptest::collection::vec((0..4_u8, any::<u8>()), 1..4).prop_map(Step::Append),
        4 => Just(Step::Watermark),
        1 => any::<u8>().prop_map(Step::Truncate),
        3 => Just(Step::Roll),
        3 => (0..900_u16).prop_map(Step::Pass),
        2 => Just(Step::Retain),
        3 => Just(Step::PlanCleaning),
        3 => Just(Step::TakeUpCleaned),
        1 => any::<u8>().prop_map(Step::DeleteRecords),
        1 => Just(Step::Flush),
        1 => Just(Step::LosePower),
        1 => Just(Step::Reopen),
    ]
}

/// A record as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    key: u8,
    value: Option<u8>,
    date_ms: i64,
}

struct World {
    log: Log,
    /// Everything that was written and not cut, by offset.
    written: Vec<Written>,
    high_watermark: i64,
    date_ms: i64,
    epoch: i32,
    planned: Option<(CleanJob, Cleaned)>,
}

impl World {
    fn new() -> Self {
        let config = LogConfig {
            segment_bytes: 400,
            compact: true,
            retention_ms: RETENTION_MS,
            retention_bytes: RETENTION_BYTES as i64,
            delete_retention_ms: 300,
            min_cleanable_ratio: Ratio::from_ppm(0),
            ..LogConfig::default()
        };
        let (log, written, planned) = (Log::new(config), Vec::new(), None);
        Self { log, written, high_watermark: 0, date_ms: 1, epoch: 1, planned }
    }

    fn apply(&mut self, step: Step) {
        let before = self.log.log_start_offset();
        match step {
            Step::Append(records) => self.append(&records),
            Step::Watermark => self.high_watermark = self.log.log_end_offset(),
            Step::Truncate(part) => {
                let unsure = self.log.log_end_offset() - self.high_watermark;
                self.cut(self.high_watermark + unsure * i64::from(part) / 256);
            }
            Step::Roll => self.log.roll(&mut InMemory).unwrap(),
            Step::Pass(ms) => self.date_ms += i64::from(ms),
            Step::Retain => self.retain(),
            Step::PlanCleaning => self.plan_cleaning(),
            Step::TakeUpCleaned => {
                if let Some((job, cleaned)) = self.planned.take() {
                    self.log.take_up_cleaned(job.plan(), &cleaned, &mut InMemory).unwrap();
                }
            }
            Step::DeleteRecords(part) => {
                let readable = self.high_watermark - before;
                self.log.advance_log_start(before + readable * i64::from(part) / 256, &mut InMemory).unwrap();
            }
            Step::Flush => {
                self.log.want_flush();
                self.log.begin_flush();
                self.log.flushed();
            }
            Step::LosePower => {
                self.log.process_ended();
                self.planned = None;
                self.log.lose_unflushed(&mut InMemory).unwrap();
                self.cut(self.log.log_end_offset());
                self.high_watermark = self.high_watermark.min(self.log.log_end_offset());
            }
            Step::Reopen => self.log.process_ended(),
        }
        assert!(self.log.log_start_offset() >= before, "the log start never goes back");
        self.check();
    }

    fn append(&mut self, records: &[(u8, u8)]) {
        let mut builder = BatchBuilder::new(Compression::None);
        for (key, value) in records {
            let value = (value % 2 == 1).then_some(*value);
            builder.push(self.date_ms, Some(&[*key]), value.as_ref().map(std::slice::from_ref), &[]);
            self.written.push(Written { key: *key, value, date_ms: self.date_ms });
        }
        self.log
            .append_as_leader(&validate(&builder.build()).unwrap(), self.epoch, self.date_ms, &mut InMemory)
            .unwrap();
    }

    fn cut(&mut self, to: i64) {
        self.log.truncate_to(to, &mut InMemory).unwrap();
        self.written.truncate(self.log.log_end_offset() as usize);
        self.epoch += 1;
    }

    fn retain(&mut self) {
        let segments: Vec<_> = self.log.segments().collect();
        let (size, before) = (self.log.size_bytes(), self.log.log_start_offset());
        let standing = self.standing(before, self.log.log_end_offset());
        let went = self.log.delete_old_segments(self.high_watermark, self.date_ms, &mut InMemory).unwrap();
        assert_eq!(went.iter().map(|gone| gone.bytes).sum::<u64>(), size - self.log.size_bytes());
        let mut from = before;
        for gone in &went {
            assert!(gone.log_start_offset <= self.high_watermark, "none above the high watermark");
            match gone.reason {
                RetentionReason::Size => assert!(size - gone.bytes >= RETENTION_BYTES, "the limit is a minimum"),
                RetentionReason::Time => {
                    let mut taken = standing.range(from..gone.log_start_offset);
                    assert!(taken.all(|(_, record)| self.date_ms - record.date_ms > RETENTION_MS));
                }
            }
            from = gone.log_start_offset;
        }
        // Whatever is left is young, or not all of it is readable, or it was not the oldest: one that is kept keeps the rest.
        if let Some(oldest) = self.log.segments().next().filter(|oldest| oldest.size_bytes > 0) {
            let end = self.log.segments().nth(1).map_or(self.log.log_end_offset(), |next| next.base_offset);
            let young = self.date_ms - oldest.max_timestamp_ms <= RETENTION_MS;
            assert!(young || end > self.high_watermark, "{oldest:?} of {segments:?} at {}", self.date_ms);
        }
    }

    fn plan_cleaning(&mut self) {
        let cleanable = self.log.cleanable(self.high_watermark, self.date_ms).unwrap();
        if self.log.is_filthy(&cleanable) {
            let job = self.log.plan_cleaning(&cleanable, self.date_ms, usize::MAX);
            let cleaned = job.run().unwrap();
            self.planned = Some((job, cleaned));
        }
    }

    fn check(&self) {
        let (start, end) = (self.log.log_start_offset(), self.log.log_end_offset());
        assert_eq!(end, self.written.len() as i64);
        assert!(start <= self.high_watermark.max(start) && start <= end);
        let standing = self.standing(start, end);
        for (offset, record) in &standing {
            assert_eq!(record, &self.written[*offset as usize], "at {offset}: what is written is never changed");
        }
        let clean_to = self.log.clean_to().unwrap_or(0);
        for offset in start..end {
            let record = &self.written[offset as usize];
            let overtaken = self.written[offset as usize + 1..].iter().any(|later| later.key == record.key);
            let may_go = offset < clean_to && (overtaken || record.value.is_none());
            assert!(may_go || standing.contains_key(&offset), "{offset} {record:?} is gone; clean to {clean_to}");
        }
        let counted: Option<u64> = self.log.segments().map(|segment| segment.batches).sum();
        assert_eq!(counted, Some(self.log.resident().batches));
    }

    /// What can be read, from every offset on: the same.
    fn standing(&self, start: i64, end: i64) -> BTreeMap<i64, Written> {
        let mut all = BTreeMap::new();
        for from in (start..=end).rev() {
            let read = self.log.read(from, usize::MAX, end, true).unwrap();
            let found: BTreeMap<i64, Written> = BatchReader::new(&read.records)
                .map(Result::unwrap)
                .flat_map(|(header, body)| records_of(&header, &body).unwrap())
                .filter(|record| record.offset >= from)
                .map(|record| (record.offset, written(&record)))
                .collect();
            let later: Vec<_> = found.range(from + 1..).map(|(offset, record)| (*offset, record.clone())).collect();
            assert_eq!(later, all.into_iter().collect::<Vec<_>>(), "from {from}");
            all = found;
        }
        all
    }
}

fn written(record: &crate::protocol::records::Record) -> Written {
    let value = record.value.as_ref().map(|value| value[0]);
    Written { key: record.key.as_ref().unwrap()[0], value, date_ms: record.timestamp_ms }
}

proptest! {
    #[test]
    fn what_retention_and_compaction_leave_is_what_a_list_would(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new();
        for step in steps {
            world.apply(step);
        }
    }
}

fn timed(log: &mut Log, date_ms: i64) {
    log.append_as_leader(&batch(&[1], date_ms, None), 1, date_ms, &mut InMemory).unwrap();
}

#[test]
fn a_quiet_log_becomes_empty() {
    let mut log = Log::new(LogConfig { retention_ms: 1_000, ..LogConfig::default() });
    timed(&mut log, 10);
    timed(&mut log, 500);
    assert_eq!(
        log.delete_old_segments(2, 1_500, &mut InMemory).unwrap(),
        [],
        "its newest record is not older than that"
    );
    let gone = log.delete_old_segments(2, 1_501, &mut InMemory).unwrap();
    assert_eq!((gone.len(), gone[0].reason, gone[0].log_start_offset), (1, RetentionReason::Time, 2));
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.size_bytes()), (2, 2, 0));
    timed(&mut log, 1_600);
    assert_eq!(log.read(2, 1_000, 3, true).unwrap().next_offset, 3, "it goes on where it was");
}

#[test]
fn nothing_goes_that_is_not_readable_by_all() {
    let mut log = Log::new(LogConfig { retention_ms: 10, ..LogConfig::default() });
    for date_ms in 0..3 {
        timed(&mut log, date_ms);
        log.roll(&mut InMemory).unwrap();
    }
    log.delete_old_segments(2, 1_000, &mut InMemory).unwrap();
    assert_eq!(log.log_start_offset(), 2);
    log.delete_old_segments(2, 2_000, &mut InMemory).unwrap();
    assert_eq!(log.log_start_offset(), 2);
}

#[test]
fn without_limits_or_the_policy_everything_stays() {
    let limits = LogConfig { retention_ms: -1, retention_bytes: -1, ..LogConfig::default() };
    let kept = LogConfig { delete: false, retention_ms: 0, retention_bytes: 0, ..LogConfig::default() };
    for config in [limits, kept] {
        let mut log = Log::new(config);
        timed(&mut log, 0);
        assert_eq!(log.delete_old_segments(1, i64::MAX, &mut InMemory).unwrap(), []);
        assert_eq!(log.log_start_offset(), 0);
    }
}

#[test]
fn records_without_a_date_age_by_their_arrival() {
    let mut log = Log::new(LogConfig { retention_ms: 100, ..LogConfig::default() });
    timed(&mut log, -1);
    log.arrived(5_000, true);
    assert_eq!(log.delete_old_segments(1, 5_100, &mut InMemory).unwrap(), []);
    assert_eq!(log.delete_old_segments(1, 5_101, &mut InMemory).unwrap().len(), 1);
    timed(&mut log, 7);
    log.arrived(9_000, false);
    timed(&mut log, 9_050);
    log.arrived(9_050, true);
    assert_eq!(
        log.delete_old_segments(3, 9_150, &mut InMemory).unwrap(),
        [],
        "a clock that is not the lab's says nothing"
    );
    assert_eq!(log.delete_old_segments(3, 9_151, &mut InMemory).unwrap().len(), 1);
}

//! What both Rust clients share: the line protocol and the bookkeeping of the failover run (see ../README.md).
//!
//! It judges nothing, and knows no client.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

/// Partitions of the topic of the failover run.
pub const PARTITIONS: i32 = 3;
/// Replicas of each topic.
pub const REPLICAS: i16 = 3;
/// Records under way at a time.
pub const WINDOW: usize = 50;

/// Records acknowledged before the leader is killed.
const BEFORE: usize = 1000;
/// Records produced after it.
const AFTER: i64 = 1000;
/// If nobody says `killed` by then, something is wrong with the driver.
const LIMIT: i64 = 1_000_000;

/// Anything that ends a client.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Prints one line of the protocol.
pub fn say(word: &str, report: &Value) {
    println!("{word} {report}");
}

/// The value of a record that is to be compressed.
#[must_use]
pub fn value_of(codec: &str) -> String {
    format!("a value under {codec} ").repeat(20)
}

/// The partition that a value goes to by hand.
#[must_use]
pub fn partition_of(value: i64) -> i32 {
    i32::try_from(value % i64::from(PARTITIONS)).unwrap_or_default()
}

/// The values to produce, and what became of them.
#[derive(Debug)]
pub struct Stream {
    produced: AtomicI64,
    last: AtomicI64,
    settled: AtomicUsize,
    acked: Mutex<Vec<(i32, i64, i64)>>,
}

impl Stream {
    /// Begins at 0 and listens for the driver.
    #[must_use]
    pub fn start() -> Arc<Self> {
        let stream = Arc::new(Self {
            produced: AtomicI64::new(0),
            last: AtomicI64::new(LIMIT),
            settled: AtomicUsize::new(0),
            acked: Mutex::default(),
        });
        let listener = Arc::clone(&stream);
        std::thread::spawn(move || {
            let mut line = String::new();
            if std::io::stdin().read_line(&mut line).is_ok() && line.trim() == "killed" {
                listener.last.store(listener.produced.load(Ordering::SeqCst) + AFTER, Ordering::SeqCst);
            }
        });
        stream
    }

    /// The next value; none when the leader was killed and enough came after that.
    pub fn next(&self) -> Option<i64> {
        let value = self.produced.load(Ordering::SeqCst);
        (value < self.last.load(Ordering::SeqCst)).then(|| {
            self.produced.store(value + 1, Ordering::SeqCst);
            value
        })
    }

    /// How many values were taken and not yet acknowledged.
    pub fn under_way(&self) -> usize {
        let produced = usize::try_from(self.produced.load(Ordering::SeqCst)).unwrap_or_default();
        produced - self.settled.load(Ordering::SeqCst)
    }

    /// Notes that `value` is at `partition` and `offset`.
    pub fn acknowledged(&self, partition: i32, offset: i64, value: i64) {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner).push((partition, offset, value));
        if self.settled.fetch_add(1, Ordering::SeqCst) + 1 == BEFORE {
            println!("half");
        }
    }

    /// The closing report.
    pub fn done(&self, leader: Option<i32>, read: &Read) {
        let acked = self.acked.lock().unwrap_or_else(PoisonError::into_inner);
        let report = json!({
            "acked": *acked, "leader": leader, "read": read.records, "starts": read.starts, "ends": read.ends,
        });
        say("done", &report);
    }
}

/// What was read back of the failover run's topic.
#[derive(Debug, Default)]
pub struct Read {
    /// Offset and value of every record, by partition.
    pub records: BTreeMap<i32, Vec<(i64, i64)>>,
    /// The first offset of each partition.
    pub starts: Vec<i64>,
    /// The offset behind the last record of each partition.
    pub ends: Vec<i64>,
}

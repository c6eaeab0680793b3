//! The auditor's book: which of the built-in producers' records were read, at which offsets, how often. It is filled by
//! reading and by nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::numbers::{Numbers, Placed};
use crate::protocol::records::Record;

/// What was read of one producer in one partition.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The numbers that were read.
    pub numbers: Numbers,
    /// Where they stand; one that stands in two places is in it twice.
    placed: Placed,
    /// Records whose number had been read before, at another offset.
    pub duplicates: u64,
    /// Numbers that were read and then cut from the log (an unclean election).
    gone: Numbers,
}

impl Read {
    fn add(&mut self, number: u64, offset: i64) {
        if !self.numbers.insert(number) {
            self.duplicates += 1;
        }
        self.placed.push(number, number, offset);
    }

    /// Whether it was read once and cut from the log since.
    pub fn is_gone(&self, number: u64) -> bool {
        self.gone.contains(number)
    }

    /// Whether anything was.
    pub fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// The log was cut back to `offset`: forgets what stands at `restart`, at or before it, and behind.
    fn forget_from(&mut self, restart: i64, offset: i64) {
        for run in self.placed.runs().iter().filter(|run| run.to > offset) {
            let kept = run.first.saturating_add(u64::try_from(offset.saturating_sub(run.from)).unwrap_or(0));
            // Of runs that were joined it is not known what stood behind the cut; reading again will tell.
            if restart == offset {
                self.gone.insert_range(kept, run.last);
            }
        }
        self.placed.forget_from(restart);
        self.numbers = Numbers::default();
        for run in self.placed.runs() {
            self.numbers.insert_range(run.first, run.last);
        }
        self.duplicates = self.placed.len() - self.numbers.len();
    }
}

/// What was read of one partition.
#[derive(Clone, Debug, Default)]
pub struct PartitionAudit {
    /// By the producers' tags.
    pub read: BTreeMap<Arc<str>, Arc<Read>>,
    /// Everything below was read, or is in `skipped`.
    position: i64,
    /// Offsets that were not read, since they were gone before the auditor came.
    skipped: Numbers,
}

impl PartitionAudit {
    /// Whether what was acknowledged at `offset` must have been found by now.
    pub fn has_passed(&self, offset: i64) -> bool {
        let Ok(at) = u64::try_from(offset) else { return false };
        offset < self.position && !self.skipped.contains(at)
    }

    /// The next offset to be read.
    pub fn position(&self) -> i64 {
        self.position
    }

    fn add(&mut self, record: &Record) {
        self.position = self.position.max(record.offset + 1);
        let Some((tag, number)) = origin(record) else { return };
        if let Some(read) = self.read.get_mut(tag) {
            Arc::make_mut(read).add(number, record.offset);
        } else {
            let mut read = Read::default();
            read.add(number, record.offset);
            self.read.insert(tag.into(), Arc::new(read));
        }
    }

    /// Reading begins, or goes on, at a later offset than where it was.
    fn skip_to(&mut self, offset: i64) {
        if let (Ok(from), Ok(to)) = (u64::try_from(self.position), u64::try_from(offset))
            && from < to
        {
            self.skipped.insert_range(from, to - 1);
        }
        self.position = self.position.max(offset);
    }

    /// The log's records from `offset` on are others than those that were read, or are gone. Returns where to read on.
    fn cut(&mut self, offset: i64) -> i64 {
        let mut restart = offset;
        loop {
            let earlier = self.read.values().map(|read| read.placed.restart(restart)).min().unwrap_or(restart);
            if earlier >= restart {
                break;
            }
            restart = earlier;
        }
        for read in self.read.values_mut() {
            Arc::make_mut(read).forget_from(restart, offset);
        }
        self.position = self.position.min(restart);
        restart
    }
}

/// The producer's tag and the record's number, of a record that a built-in producer wrote.
fn origin(record: &Record) -> Option<(&str, u64)> {
    let header = |name: &[u8]| {
        let found = record.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(found.1.as_deref()?).ok()
    };
    Some((header(b"producer")?, header(b"n")?.parse().ok()?))
}

/// The auditor's book of all partitions. Cheap to clone: what is large is shared until it changes.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    partitions: BTreeMap<Arc<str>, BTreeMap<i32, Arc<PartitionAudit>>>,
}

impl Audit {
    /// What was read of a partition, if reading has begun.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionAudit> {
        self.partitions.get(topic)?.get(&partition).map(Arc::as_ref)
    }

    fn edit(&mut self, topic: &Arc<str>, partition: i32) -> &mut PartitionAudit {
        Arc::make_mut(self.partitions.entry(Arc::clone(topic)).or_default().entry(partition).or_default())
    }

    /// A record was read.
    pub(in super::super) fn add(&mut self, topic: &Arc<str>, partition: i32, record: &Record) {
        self.edit(topic, partition).add(record);
    }

    /// Reading goes on at `offset`, the first that is kept.
    pub(in super::super) fn skip_to(&mut self, topic: &Arc<str>, partition: i32, offset: i64) {
        self.edit(topic, partition).skip_to(offset);
    }

    /// The log parts at `offset` from what was read. Returns where to read on.
    pub(in super::super) fn cut(&mut self, topic: &Arc<str>, partition: i32, offset: i64) -> i64 {
        self.edit(topic, partition).cut(offset)
    }

    /// The topic is another one of the same name.
    pub(in super::super) fn forget(&mut self, topic: &str) {
        self.partitions.remove(topic);
    }
}

//! The leader epochs of a log and where each began, by which a follower cuts its log (KIP-101, KIP-279).
//!
//! Source: Kafka's `LeaderEpochFileCache`. Invariant: epochs and their start offsets both rise from entry to entry.

use std::sync::Arc;

/// What stands for "no such epoch, no such offset" (`UNDEFINED_EPOCH`, `UNDEFINED_EPOCH_OFFSET`).
const UNDEFINED: (i32, i64) = (-1, -1);

/// Epochs with their first offsets, both rising. A clone shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    entries: Arc<Vec<(i32, i64)>>,
}

impl Epochs {
    /// `epoch` begins at `start_offset`, unless the latest entry says so already. Entries that contradict it (a later
    /// epoch, or a start that is not earlier) had no records, or none that stand: they go.
    ///
    /// Returns whether that was news.
    pub fn assign(&mut self, epoch: i32, start_offset: i64) -> bool {
        let known = self.entries.last().is_some_and(|(last, start)| *last == epoch && *start <= start_offset);
        if epoch < 0 || start_offset < 0 || known {
            return false;
        }
        let entries = Arc::make_mut(&mut self.entries);
        while entries.pop_if(|(last, start)| *last >= epoch || *start >= start_offset).is_some() {}
        entries.push((epoch, start_offset));
        true
    }

    /// The epochs that a disk kept, with where each begins. Entries that contradict later ones go.
    pub fn from_entries(entries: impl IntoIterator<Item = (i32, i64)>) -> Self {
        let mut epochs = Self::default();
        for (epoch, start_offset) in entries {
            epochs.assign(epoch, start_offset);
        }
        epochs
    }

    /// A batch of `epoch` was found at `base_offset`. What was known of that place and of later ones, and says otherwise,
    /// is not true.
    pub fn found(&mut self, epoch: i32, base_offset: i64) {
        if epoch >= 0 && self.at(base_offset) != Some(epoch) {
            self.truncate_from_end(base_offset);
            if self.latest().is_none_or(|latest| latest < epoch) {
                self.assign(epoch, base_offset);
            }
        }
    }

    /// The latest epoch.
    pub fn latest(&self) -> Option<i32> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// The largest known epoch that is not larger than `epoch`, and the offset where it ends: where the next one begins,
    /// or `log_end` for the latest. (-1, -1) where `epoch` is later than all that is known; where it is earlier, it is
    /// taken to end where the first one begins.
    pub fn end_offset_for(&self, epoch: i32, log_end: i64) -> (i32, i64) {
        if epoch < 0 {
            return UNDEFINED;
        }
        if self.latest() == Some(epoch) {
            return (epoch, log_end);
        }
        let later = self.entries.partition_point(|(known, _)| *known <= epoch);
        let Some((_, end)) = self.entries.get(later) else { return UNDEFINED };
        let floor = later.checked_sub(1).and_then(|at| self.entries.get(at)).map_or(epoch, |(known, _)| *known);
        (floor, *end)
    }

    /// The epoch in which `offset` lies.
    pub fn at(&self, offset: i64) -> Option<i32> {
        let later = self.entries.partition_point(|(_, start)| *start <= offset);
        self.entries.get(later.checked_sub(1)?).map(|(epoch, _)| *epoch)
    }

    /// The log was cut at `end`: epochs that begin there or later go. Returns whether there were any.
    pub fn truncate_from_end(&mut self, end: i64) -> bool {
        let cuts = self.entries.last().is_some_and(|(_, start)| *start >= end);
        if cuts {
            Arc::make_mut(&mut self.entries).retain(|(_, start)| *start < end);
        }
        cuts
    }

    /// The log now begins at `start`: epochs that ended before go, and the one it lies in begins there. Returns whether that
    /// changed anything.
    pub fn truncate_from_start(&mut self, start: i64) -> bool {
        let later = self.entries.partition_point(|(_, begins)| *begins <= start);
        let Some(current) = later.checked_sub(1) else { return false };
        if current == 0 && self.entries.first().is_some_and(|(_, begins)| *begins == start) {
            return false;
        }
        let entries = Arc::make_mut(&mut self.entries);
        entries.drain(..current);
        if let Some((_, begins)) = entries.first_mut() {
            *begins = start;
        }
        true
    }

    /// Whether these are `earlier` ones and later ones, in a log that ends at `log_end`: whoever has only the earlier ones
    /// and walks the batches behind ([`Epochs::found`]) comes to these. The last of the earlier ones need not stand if it
    /// begins at the end: it has no records.
    pub fn continues(&self, earlier: &Self, log_end: i64) -> bool {
        let told = match earlier.entries.split_last() {
            Some(((_, start), told)) if *start == log_end => told,
            _ => &earlier.entries,
        };
        told.iter().all(|(_, start)| *start < log_end) && self.entries.starts_with(told)
    }

    /// The epochs and where each begins, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (i32, i64)> + '_ {
        self.entries.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs() -> Epochs {
        let mut epochs = Epochs::default();
        for (epoch, start) in [(1, 0), (3, 10), (5, 20)] {
            epochs.assign(epoch, start);
        }
        epochs
    }

    fn entries(epochs: &Epochs) -> Vec<(i32, i64)> {
        epochs.iter().collect()
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = epochs();
        assert_eq!(epochs.end_offset_for(5, 33), (5, 33), "the latest ends with the log");
        assert_eq!(epochs.end_offset_for(3, 33), (3, 20));
        assert_eq!(epochs.end_offset_for(4, 33), (3, 20), "the one before, where it is not known");
        assert_eq!(epochs.end_offset_for(0, 33), (0, 0), "earlier than all");
        assert_eq!(epochs.end_offset_for(6, 33), (-1, -1), "later than all");
        assert_eq!(epochs.end_offset_for(-1, 33), (-1, -1));
        assert_eq!(Epochs::default().end_offset_for(0, 33), (-1, -1), "nothing is known");
    }

    #[test]
    fn epochs_continue_others_that_the_batches_lead_on_from() {
        let of = |entries: &[(i32, i64)]| Epochs::from_entries(entries.iter().copied());
        assert!(epochs().continues(&Epochs::default(), 33));
        assert!(epochs().continues(&of(&[(1, 0), (3, 10)]), 33));
        assert!(of(&[(1, 0), (4, 33)]).continues(&of(&[(1, 0), (3, 33)]), 33), "3 had no records");
        assert!(!of(&[(1, 0), (4, 33)]).continues(&of(&[(1, 0), (3, 32)]), 33), "3 had one");
        assert!(!of(&[(1, 0), (4, 33)]).continues(&of(&[(1, 0), (3, 34)]), 33), "no batch below 34 would drive it out");
        assert!(!of(&[(1, 5)]).continues(&of(&[(1, 0)]), 33), "the log's start has moved");
    }

    #[test]
    fn a_new_entry_drives_out_what_contradicts_it() {
        let mut epochs = epochs();
        epochs.assign(6, 20);
        assert_eq!(entries(&epochs), [(1, 0), (3, 10), (6, 20)], "5 had no records");
        epochs.assign(6, 25);
        assert_eq!(epochs.latest(), Some(6), "6 is known, and began earlier");
        epochs.assign(6, 15);
        assert_eq!(entries(&epochs), [(1, 0), (3, 10), (6, 15)], "it began earlier than was known");
        epochs.assign(4, 50);
        assert_eq!(entries(&epochs), [(1, 0), (3, 10), (4, 50)], "a later epoch was not true");
    }

    #[test]
    fn a_batch_knows_better_than_a_file() {
        let mut known = epochs();
        known.found(3, 15);
        assert_eq!(known, epochs(), "it says the same");
        known.found(6, 30);
        assert_eq!(entries(&known), [(1, 0), (3, 10), (5, 20), (6, 30)]);
        known.found(4, 18);
        assert_eq!(entries(&known), [(1, 0), (3, 10), (4, 18)], "what came after it was cut off");
        known.found(2, 40);
        assert_eq!(entries(&known), [(1, 0), (3, 10), (4, 18)], "an older epoch does not begin anew");
        known.found(-1, 50);
        assert_eq!(Epochs::from_entries(known.iter()), known);
    }

    #[test]
    fn cutting_forgets_what_was_cut() {
        let mut epochs = epochs();
        epochs.truncate_from_end(20);
        assert_eq!(epochs.latest(), Some(3));
        epochs.truncate_from_start(12);
        assert_eq!(entries(&epochs), [(3, 12)]);
        assert_eq!((epochs.at(12), epochs.at(11)), (Some(3), None));
        epochs.truncate_from_start(5);
        assert_eq!(entries(&epochs), [(3, 12)], "nothing begins before");
    }
}

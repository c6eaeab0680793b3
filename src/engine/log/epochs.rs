//! The leader epochs of a log and where each began: Kafka's `LeaderEpochFileCache` (KIP-101, KIP-279).

/// Epochs with their first offsets, both rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    entries: Vec<(i32, i64)>,
}

impl Epochs {
    /// `epoch` begins at `start_offset`, unless it is known already or older than the latest. Epochs that would begin
    /// there or later had no records: they go.
    pub fn assign(&mut self, epoch: i32, start_offset: i64) {
        if epoch < 0 || self.latest().is_some_and(|latest| latest >= epoch) {
            return;
        }
        self.entries.retain(|(_, start)| *start < start_offset);
        self.entries.push((epoch, start_offset));
    }

    /// The latest epoch.
    pub fn latest(&self) -> Option<i32> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// The largest known epoch that is not larger than `epoch`, and the offset where it ends: where the next one begins,
    /// or `log_end` for the latest. (-1, -1) where `epoch` is later than all that is known; where it is earlier, it is
    /// taken to end where the first one begins.
    pub fn end_offset_for(&self, epoch: i32, log_end: i64) -> (i32, i64) {
        const UNKNOWN: (i32, i64) = (-1, -1);
        if epoch < 0 {
            return UNKNOWN;
        }
        if self.latest() == Some(epoch) {
            return (epoch, log_end);
        }
        let later = self.entries.partition_point(|(known, _)| *known <= epoch);
        let Some((_, end)) = self.entries.get(later) else { return UNKNOWN };
        let floor = later.checked_sub(1).and_then(|at| self.entries.get(at)).map_or(epoch, |(known, _)| *known);
        (floor, *end)
    }

    /// The epoch in which `offset` lies.
    pub fn at(&self, offset: i64) -> Option<i32> {
        let later = self.entries.partition_point(|(_, start)| *start <= offset);
        self.entries.get(later.checked_sub(1)?).map(|(epoch, _)| *epoch)
    }

    /// The log was cut at `end`: epochs that begin there or later go.
    pub fn truncate_from_end(&mut self, end: i64) {
        self.entries.retain(|(_, start)| *start < end);
    }

    /// The log now begins at `start`: epochs that ended before go, and the one it lies in begins there.
    pub fn truncate_from_start(&mut self, start: i64) {
        let later = self.entries.partition_point(|(_, begins)| *begins <= start);
        if later > 0 {
            self.entries.drain(..later - 1);
            if let Some(first) = self.entries.first_mut() {
                first.1 = start;
            }
        }
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

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = epochs();
        assert_eq!(epochs.end_offset_for(5, 33), (5, 33), "the latest ends with the log");
        assert_eq!(epochs.end_offset_for(3, 33), (3, 20));
        assert_eq!(epochs.end_offset_for(4, 33), (3, 20), "the one before, where it is not known");
        assert_eq!(epochs.end_offset_for(0, 33), (0, 0), "earlier than all");
        assert_eq!(epochs.end_offset_for(6, 33), (-1, -1), "later than all");
        assert_eq!(epochs.end_offset_for(-1, 33), (-1, -1));
    }

    #[test]
    fn an_epoch_without_records_is_forgotten() {
        let mut epochs = epochs();
        epochs.assign(6, 20);
        assert_eq!(epochs.iter().collect::<Vec<_>>(), [(1, 0), (3, 10), (6, 20)]);
        epochs.assign(4, 50);
        assert_eq!(epochs.latest(), Some(6), "an old one is no news");
    }

    #[test]
    fn cutting_forgets_what_was_cut() {
        let mut epochs = epochs();
        epochs.truncate_from_end(20);
        assert_eq!(epochs.latest(), Some(3));
        epochs.truncate_from_start(12);
        assert_eq!(epochs.iter().collect::<Vec<_>>(), [(3, 12)]);
        assert_eq!((epochs.at(12), epochs.at(11)), (Some(3), None));
    }
}

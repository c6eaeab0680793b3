//! What the built-in members of a group did with the records of each partition, taken together: which of them somebody has
//! processed, which were processed again, which are lost. It comes from the members' books, those of dead members too, and
//! from nothing else: so loss and repetition are counted, and told by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Client;
use super::consumer::{Consumer, Membership};
use super::numbers::Numbers;

/// A partition of a topic, and of which topic of that name: one that is made anew begins anew.
pub type DeliveryKey = (Arc<str>, Uuid, i32);

/// What became of one partition's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Offsets that somebody has processed.
    pub processed: Numbers,
    /// Those that were processed more than once: by two members, or twice by one.
    pub again: Numbers,
    /// Offsets that a member had polled when it crashed, and that nobody has processed.
    dropped: Numbers,
}

impl Delivery {
    /// Those that are lost, where `committed` is: a member had polled them and crashed, the group goes on behind them, and
    /// nobody has processed them.
    pub fn lost(&self, committed: i64) -> Vec<(u64, u64)> {
        let Some(last) = u64::try_from(committed).ok().and_then(|end| end.checked_sub(1)) else { return Vec::new() };
        let dropped = self.dropped.intervals().filter(|(first, _)| *first <= last);
        dropped.flat_map(|(first, to)| self.processed.missing(first, to.min(last))).collect()
    }
}

/// What became of the records that these members were given: all that a group ever had, the dead and the gone too.
///
/// Records are told apart by their offsets: after an unclean election, others may stand at the same ones.
pub fn deliveries<'a>(members: &[&'a Client]) -> BTreeMap<DeliveryKey, Delivery> {
    let mut all: BTreeMap<DeliveryKey, Delivery> = BTreeMap::new();
    let of = |client: &&'a Client| client.as_consumer().and_then(Consumer::membership);
    for (topic, partition, book) in members.iter().filter_map(of).flat_map(Membership::books) {
        let delivery = all.entry((Arc::clone(topic), book.topic_id, partition)).or_default();
        for (first, last) in book.again.intervals() {
            delivery.again.insert_range(first, last);
        }
        for (first, last) in book.processed.intervals() {
            for (from, to) in delivery.processed.common(first, last) {
                delivery.again.insert_range(from, to);
            }
            delivery.processed.insert_range(first, last);
        }
    }
    let crashed = members.iter().filter(|client| client.crashed_at().is_some()).filter_map(of);
    for ((topic, partition), topic_id, offset) in crashed.flat_map(Membership::left_in_hand) {
        if let Ok(offset) = u64::try_from(offset) {
            all.entry((Arc::clone(topic), topic_id, *partition)).or_default().dropped.insert(offset);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(ranges: &[(u64, u64)]) -> Numbers {
        let mut numbers = Numbers::default();
        for (first, last) in ranges {
            numbers.insert_range(*first, *last);
        }
        numbers
    }

    #[test]
    fn what_was_dropped_is_lost_only_where_the_group_goes_on_behind_it() {
        let delivery =
            Delivery { processed: numbers(&[(0, 9), (15, 20)]), dropped: numbers(&[(8, 16)]), ..Delivery::default() };
        assert_eq!(delivery.lost(0), []);
        assert_eq!(delivery.lost(10), [], "nobody has committed behind it: it is read again");
        assert_eq!(delivery.lost(12), [(10, 11)]);
        assert_eq!(delivery.lost(21), [(10, 14)], "someone else has processed the rest");
        assert_eq!(delivery.lost(-1), []);
    }
}

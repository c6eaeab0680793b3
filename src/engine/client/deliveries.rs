//! What the built-in members of a group did with the records of each partition, taken together: which of them somebody has
//! processed, which were processed again, which are lost. It comes from the members' books, those of dead members too, and
//! from nothing else: so loss and repetition are counted, and told by name.
//!
//! Of members that ended long ago only what their books say together is kept ([`Departed`]), so that neither memory nor
//! time grow with the number of members that a group ever had.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Client;
use super::consumer::Consumer;
use super::numbers::Numbers;
use super::spec::Commit;

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

/// What became of the records of each partition.
pub type Deliveries = BTreeMap<DeliveryKey, Delivery>;

/// Members of a group that ended so long ago that they are not kept one by one any more.
#[derive(Clone, Debug, Default)]
pub struct Departed {
    /// How many.
    pub members: usize,
    /// How many of them committed before they processed.
    pub before: usize,
    /// The largest number that a name of theirs ended with, `4` of `dashboard-4`: none is to be given twice.
    pub last_number: u32,
    /// Their books, taken together.
    deliveries: Deliveries,
}

impl Departed {
    /// Takes in a member that has ended.
    pub fn take_in(&mut self, client: &Client) {
        let Some(member) = client.as_consumer().and_then(Consumer::membership) else { return };
        self.members += 1;
        self.before += usize::from(member.spec().commit == Commit::Before);
        let number = client.name().rsplit('-').next().and_then(|number| number.parse().ok());
        self.last_number = self.last_number.max(number.unwrap_or(0));
        add(&mut self.deliveries, client);
    }

    /// Whether one of them processed any of these records, or had polled any of them when it crashed.
    pub fn had(&self, key: &DeliveryKey, first: u64, last: u64) -> bool {
        let has = |numbers: &Numbers| !numbers.common(first, last).is_empty();
        self.deliveries.get(key).is_some_and(|delivery| has(&delivery.processed) || has(&delivery.dropped))
    }
}

/// What became of the records that these members, and those that have departed, were given: all that a group ever had, the
/// dead and the gone too.
///
/// Records are told apart by their offsets: after an unclean election, others may stand at the same ones.
pub fn deliveries(members: &[&Client], departed: Option<&Departed>) -> Deliveries {
    let mut all = departed.map_or_else(Deliveries::new, |departed| departed.deliveries.clone());
    for client in members {
        add(&mut all, client);
    }
    all
}

/// Holds one member's books against those of the others. In which order that is done changes nothing.
fn add(all: &mut Deliveries, client: &Client) {
    let Some(member) = client.as_consumer().and_then(Consumer::membership) else { return };
    for (topic, partition, book) in member.books() {
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
    let in_hand = client.crashed_at().map(|_| member.left_in_hand());
    for ((topic, partition), topic_id, offset) in in_hand.into_iter().flatten() {
        if let Ok(offset) = u64::try_from(offset) {
            all.entry((Arc::clone(topic), topic_id, *partition)).or_default().dropped.insert(offset);
        }
    }
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

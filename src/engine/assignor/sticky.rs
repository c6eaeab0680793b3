//! `sticky` and `cooperative-sticky`: balance, and then everybody keeps what they have (KIP-54, KIP-429). Pure
//! functions.
//!
//! # Who has what
//! What a member says it has counts as long as it is subscribed to the topic and the partition exists. Where several
//! say so, the one of the highest generation has it; where those are of one generation, nobody does (KAFKA-13419).
//!
//! # How balance is found
//! - All members subscribed to the same topics: everyone gets the same number, some one more. Members keep what they
//!   have up to that number, and those who have more keep the one more; what is left goes round to whoever has too
//!   few ([`even`]).
//! - Otherwise ([`uneven`]): what nobody has goes to the subscriber that has the least, topics that few are subscribed
//!   to first. Then partitions move, one at a time, from members to others that have at least two fewer, until no such
//!   move is left. At last partitions that two members would swap stay where they were.
//!
//! Kafka's `AbstractStickyAssignor` has the same aims and comes to loads as even; which partitions stay with a member
//! that has too many may differ, and so may the loads where subscriptions differ and several are as good.

mod even;
mod plan;
mod uneven;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Assignment, Member, PartitionCounts, TopicPartition};
use plan::Plan;

/// Who gets what.
pub(super) fn assign(members: &[Member], counts: &PartitionCounts) -> Assignment {
    let mut plan = Plan::new(members, counts);
    if plan.all_want_the_same() {
        even::balance(&mut plan);
    } else {
        uneven::balance(&mut plan);
    }
    plan.assignment()
}

/// Who gets what now: [`assign`] without what another member has still to give up. That member hears that it is to,
/// joins again when it has, and the next assignment gives the partition away.
pub(super) fn assign_cooperatively(members: &[Member], counts: &PartitionCounts) -> Assignment {
    let mut holders: BTreeMap<&TopicPartition, Vec<&Arc<str>>> = BTreeMap::new();
    for member in members {
        for partition in &member.owned {
            holders.entry(partition).or_default().push(&member.id);
        }
    }
    let mut assignment = assign(members, counts);
    for (member, partitions) in &mut assignment {
        // Whoever has it may keep it, even where another says so too.
        partitions.retain(|partition| holders.get(partition).is_none_or(|holders| holders.contains(&member)));
    }
    assignment
}

//! `sticky` and `cooperative-sticky`: balance, and then everybody keeps what they have (KIP-54, KIP-429). Pure
//! functions.
//!
//! # Who has what
//! What a member says it has counts as long as it is subscribed to the topic and the partition exists. Where several
//! say so, the one of the highest generation has it; where those are of one generation, nobody does
//! (`AbstractStickyAssignor`).
//!
//! # How balance is found
//! - All members subscribed to the same topics: everyone gets the same number, some one more. Members keep what they
//!   have up to that number, and those who have more keep the one more; what is left goes round to whoever has too
//!   few ([`even`]).
//! - Otherwise ([`uneven`]): what nobody has goes to the subscriber that has the least, topics that few are subscribed
//!   to first. Then partitions move, one at a time, from members to others that have at least two fewer, the widest gaps
//!   first, until no such move is left. Where two moves in a row would help and neither alone does, the loads stay as
//!   they are.
//!
//! Kafka's `AbstractStickyAssignor` has the same aims. Of 800 random groups its loads were as even in all but eight,
//! where they were more even by such a double move, and five, where they were less; here no fewer partitions stayed
//! with their members in any. Which ones stay with a member that has too many may differ.

mod even;
mod plan;
mod uneven;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Assignment, Member, PartitionCounts, TopicPartition};
use plan::Plan;

/// How what nobody has is dealt out to members that want the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deal {
    /// Partition by partition, a member after the other.
    InTurn,
    /// Member by member, each all that it is short of.
    InRuns,
}

/// Who gets what.
pub(super) fn assign(members: &[Member], counts: &PartitionCounts) -> Assignment {
    assign_by(Deal::InTurn, members, counts)
}

/// Who gets what, where `deal` says how partitions are dealt out.
pub(super) fn assign_by(deal: Deal, members: &[Member], counts: &PartitionCounts) -> Assignment {
    let mut plan = Plan::new(members, counts);
    if plan.all_want_the_same() {
        even::balance(&mut plan, deal);
    } else {
        uneven::balance(&mut plan);
    }
    plan.assignment()
}

/// Who gets what now: [`assign`] without what another member has still to give up. That member hears that it is to,
/// joins again when it has, and the next assignment gives the partition away.
pub(super) fn assign_cooperatively(members: &[Member], counts: &PartitionCounts) -> Assignment {
    let mut holders: BTreeMap<&TopicPartition, Vec<&Member>> = BTreeMap::new();
    for member in members {
        for partition in &member.owned {
            holders.entry(partition).or_default().push(member);
        }
    }
    let mut assignment = assign(members, counts);
    for (id, partitions) in &mut assignment {
        partitions.retain(|partition| may_have(id, holders.get(partition).map(Vec::as_slice).unwrap_or_default()));
    }
    assignment
}

/// Whether a member may have a partition at once that these say they have: nobody else does, or the member itself does
/// and the others are of older generations, so that it has been taken from them.
fn may_have(id: &Arc<str>, holders: &[&Member]) -> bool {
    let (own, others): (Vec<&Member>, Vec<&Member>) = holders.iter().partition(|holder| holder.id == *id);
    let own = own.iter().map(|own| own.generation).max();
    others.iter().all(|other| own.is_some_and(|own| own > other.generation))
}

//! The balance where members are subscribed to different topics: as even as single moves make it.

use std::cmp::Reverse;

use super::plan::{MemberIndex, Plan, Slot};

/// Gives every partition to a subscriber of its topic.
pub(super) fn balance(plan: &mut Plan) {
    for slot in 0..plan.slot_count() {
        if let Some(previous) = plan.previous(slot) {
            plan.give(slot, previous);
        }
    }
    let topics = by_subscribers(plan);
    deal(plan, &topics);
    // Moves that do most come first, since each of them may spare others; the last round makes all that do anything.
    let mut gap = plan.widest_gap();
    while gap > 1 {
        while move_all(plan, &topics, gap) {}
        gap = gap.saturating_sub((gap / 8).max(1));
    }
}

/// The topics in the order of their subscribers, fewest first.
fn by_subscribers(plan: &Plan) -> Vec<usize> {
    let mut topics: Vec<_> = (0..plan.topics.len()).collect();
    topics.sort_by_key(|topic| plan.topics.get(*topic).map(|topic| topic.subscribers.len()));
    topics
}

/// The subscriber of a topic with the fewest partitions, the first among equals.
fn lightest(plan: &Plan, topic: usize) -> Option<MemberIndex> {
    let subscribers = &plan.topics.get(topic)?.subscribers;
    subscribers.iter().copied().min_by_key(|member| plan.load(*member))
}

/// Deals out what nobody has.
fn deal(plan: &mut Plan, topics: &[usize]) {
    for &topic in topics {
        for slot in slots(plan, topic) {
            if plan.owner(slot).is_none()
                && let Some(member) = lightest(plan, topic)
            {
                plan.give(slot, member);
            }
        }
    }
}

fn slots(plan: &Plan, topic: usize) -> std::ops::Range<Slot> {
    plan.topics.get(topic).map(|topic| topic.slots.clone()).unwrap_or_default()
}

/// Makes each topic's moves between members whose loads are at least `gap` apart, two or more; whether there was one.
/// Each makes the sum of the loads' squares smaller, so there comes an end.
fn move_all(plan: &mut Plan, topics: &[usize], gap: usize) -> bool {
    let mut moved = false;
    for &topic in topics {
        while let Some((slot, to)) = next_move(plan, topic, gap) {
            plan.give(slot, to);
            moved = true;
        }
    }
    moved
}

/// The move within a topic that does most: from its owner with the most partitions to its subscriber with the fewest.
/// Of that owner's partitions it takes one that the other had, else one that is new to the owner, else the last.
fn next_move(plan: &Plan, topic: usize, gap: usize) -> Option<(Slot, MemberIndex)> {
    let to = lightest(plan, topic)?;
    let owned = slots(plan, topic).filter_map(|slot| plan.owner(slot).map(|owner| (slot, owner)));
    let (slot, from) = owned.max_by_key(|(slot, owner)| {
        let previous = plan.previous(*slot);
        (plan.load(*owner), Reverse(*owner), previous == Some(to), previous != Some(*owner), *slot)
    })?;
    (plan.load(from) >= plan.load(to).saturating_add(gap)).then_some((slot, to))
}

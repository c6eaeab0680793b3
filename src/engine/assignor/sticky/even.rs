//! The balance where all members are subscribed to the same topics: equal loads, some larger by one.

use super::plan::{MemberIndex, Plan};

/// Gives every partition to somebody.
pub(super) fn balance(plan: &mut Plan) {
    let Some(quota) = plan.slot_count().checked_div(plan.member_count()) else { return };
    // So many members get one more than the quota.
    let mut larger = plan.slot_count() % plan.member_count();
    for (member, slots) in plan.previous_of_each().into_iter().enumerate() {
        let keeps_one_more = slots.len() > quota && larger > 0;
        larger = larger.saturating_sub(usize::from(keeps_one_more));
        for slot in slots.into_iter().take(quota.saturating_add(usize::from(keeps_one_more))) {
            plan.give(slot, member);
        }
    }
    deal(plan, quota);
}

/// Deals out what nobody has: a partition each to those below the quota until they have it, then one more each.
fn deal(plan: &mut Plan, quota: usize) {
    let with = |plan: &Plan, fits: fn(usize, usize) -> bool| {
        (0..plan.member_count()).filter(|member| fits(plan.load(*member), quota)).collect::<Vec<MemberIndex>>()
    };
    let mut round = with(plan, |load, quota| load < quota).into_iter();
    for slot in 0..plan.slot_count() {
        if plan.owner(slot).is_some() {
            continue;
        }
        let next = round.next().or_else(|| {
            let below = with(plan, |load, quota| load < quota);
            round = if below.is_empty() { with(plan, |load, quota| load == quota) } else { below }.into_iter();
            round.next()
        });
        if let Some(member) = next {
            plan.give(slot, member);
        }
    }
}

//! The balance where all members are subscribed to the same topics: equal loads, some larger by one.

use super::Deal;
use super::plan::{MemberIndex, Plan, Slot};

/// Gives every partition to somebody.
pub(super) fn balance(plan: &mut Plan, deal: Deal) {
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
    match deal {
        Deal::InTurn => deal_in_turn(plan, quota),
        Deal::InRuns => deal_in_runs(plan, quota, larger),
    }
}

/// What nobody has.
fn left(plan: &Plan) -> Vec<Slot> {
    (0..plan.slot_count()).filter(|slot| plan.owner(*slot).is_none()).collect()
}

/// The members whose loads are as `fits` says of load and quota.
fn members(plan: &Plan, quota: usize, fits: fn(&usize, &usize) -> bool) -> Vec<MemberIndex> {
    (0..plan.member_count()).filter(|member| fits(&plan.load(*member), &quota)).collect()
}

/// A partition each in turn to those below the quota until they have it, then one more each.
fn deal_in_turn(plan: &mut Plan, quota: usize) {
    let mut round = Vec::new().into_iter();
    for slot in left(plan) {
        let next = round.next().or_else(|| {
            let below = members(plan, quota, usize::lt);
            round = if below.is_empty() { members(plan, quota, usize::eq) } else { below }.into_iter();
            round.next()
        });
        if let Some(member) = next {
            plan.give(slot, member);
        }
    }
}

/// To each member in one go what it is short of; `larger` of those who have not more than the quota get one more.
fn deal_in_runs(plan: &mut Plan, quota: usize, larger: usize) {
    let mut left = left(plan).into_iter();
    for (index, member) in members(plan, quota, usize::le).into_iter().enumerate() {
        let load = quota.saturating_add(usize::from(index < larger));
        for slot in left.by_ref().take(load.saturating_sub(plan.load(member))) {
            plan.give(slot, member);
        }
    }
}

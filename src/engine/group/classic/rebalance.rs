//! From one generation to the next: the members are called together, and whoever comes in time is part of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::desk::{Desk, Kept, TimerKind};
use super::{Call, ClassicGroup, Member, State, join};
use crate::engine::event::GroupEvent;
use crate::engine::event::group::{Gone, Why};
use crate::engine::time::millis;
use crate::protocol::ErrorCode;

impl ClassicGroup {
    /// Calls the members together, unless they are being called already; then perhaps all have come.
    pub(super) fn rebalance(&mut self, why: Why, desk: &mut Desk<'_, '_>) {
        if self.state != State::PreparingRebalance {
            self.call(why, desk);
        }
        self.complete_call_if_all_joined(desk);
    }

    fn call(&mut self, why: Why, desk: &mut Desk<'_, '_>) {
        if self.state == State::CompletingRebalance {
            self.send_assignments_back(ErrorCode::REBALANCE_IN_PROGRESS, desk);
        }
        desk.cancel(&mut self.sync_timer);
        self.pending_sync.clear();
        desk.say(GroupEvent::RebalanceBegan { group: Arc::clone(&desk.group), generation: self.generation, why });
        let longest = self.longest_rebalance_timeout();
        let (wait, initial) = if self.state == State::Empty {
            // The first member of a group seldom comes alone.
            let delay = millis(desk.settings.group_initial_rebalance_delay_ms);
            (delay, Some(longest.saturating_sub(delay)))
        } else {
            (longest, None)
        };
        self.newcomer = false;
        self.enter(State::PreparingRebalance, desk);
        self.call = Some(Call { timer: desk.timer(wait, TimerKind::Join), wait, initial });
    }

    fn longest_rebalance_timeout(&self) -> Duration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    /// Ends the call where everybody is there. The first call of an empty group takes its time.
    pub(super) fn complete_call_if_all_joined(&mut self, desk: &mut Desk<'_, '_>) {
        let all = self.members.values().all(Member::has_joined) && self.pending.is_empty();
        if self.state == State::PreparingRebalance && all && !self.waits_for_first() {
            self.complete_call(desk);
        }
    }

    /// The members have had their time.
    pub(super) fn on_call_ended(&mut self, desk: &mut Desk<'_, '_>) {
        let Some(call) = self.call else { return };
        if let Some(left) = call.initial.filter(|left| self.newcomer && !left.is_zero()) {
            self.newcomer = false;
            let delay = millis(desk.settings.group_initial_rebalance_delay_ms).min(left);
            let timer = desk.timer(delay, TimerKind::Join);
            self.call = Some(Call { timer, wait: delay, initial: Some(left.saturating_sub(delay)) });
            return;
        }
        self.complete_call(desk);
    }

    /// Forms the next generation of those who came. A static member that did not is part of it all the same, until its
    /// session ends.
    fn complete_call(&mut self, desk: &mut Desk<'_, '_>) {
        let mut timer = self.call.take().map(|call| call.timer);
        desk.cancel(&mut timer);
        let late: Vec<Arc<str>> = self
            .members
            .iter()
            .filter(|(_, member)| !member.has_joined() && member.instance_id.is_none())
            .map(|(id, _)| Arc::clone(id))
            .collect();
        for id in late {
            self.drop_member(&id, Gone::DidNotRejoin, desk);
        }
        if !self.members.is_empty() && !self.elect_among_joined() {
            // Only static members are left, and none of them has come: they are waited for again.
            let wait = self.longest_rebalance_timeout();
            self.call = Some(Call { timer: desk.timer(wait, TimerKind::Join), wait, initial: None });
            return;
        }
        self.generation += 1;
        self.pending_sync.clear();
        if self.members.is_empty() {
            return self.become_empty(desk);
        }
        self.protocol = self.chosen_protocol();
        self.topics = self.subscribed_topics();
        self.enter(State::CompletingRebalance, desk);
        self.tell_members(desk);
    }

    /// Sees to it that the leader is one of those who came. Returns whether there is one.
    fn elect_among_joined(&mut self) -> bool {
        let leads = self.leader.as_ref().and_then(|leader| self.members.get(leader));
        if leads.is_some_and(Member::has_joined) {
            return true;
        }
        let joined = self.members.iter().find(|(_, member)| member.has_joined()).map(|(id, _)| Arc::clone(id));
        let elected = joined.is_some();
        self.leader = joined.or_else(|| self.leader.take());
        elected
    }

    fn become_empty(&mut self, desk: &mut Desk<'_, '_>) {
        self.protocol = None;
        self.leader = None;
        self.topics = self.subscribed_topics();
        self.enter(State::Empty, desk);
        desk.say(GroupEvent::Emptied { group: Arc::clone(&desk.group), generation: self.generation });
        let record = self.record(desk);
        desk.keep(vec![record], Kept::Nothing);
    }

    /// Tells the members of their generation, and waits for them to ask for their assignment.
    fn tell_members(&mut self, desk: &mut Desk<'_, '_>) {
        desk.say(GroupEvent::GenerationFormed {
            group: Arc::clone(&desk.group),
            generation: self.generation,
            protocol: self.protocol.clone().unwrap_or_default(),
            leader: self.leader.clone().unwrap_or_default(),
            members: self.members.keys().cloned().collect(),
        });
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in ids {
            let response = self.joined(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.is_new = false;
            // A static member that did not come is told nothing, and has as long as the others to ask for its assignment.
            if let Some(origin) = member.joining.take() {
                desk.reply(origin, response);
            }
            self.pending_sync.insert(Arc::clone(&id));
            self.hear(&id, desk);
        }
        let patience = self.longest_rebalance_timeout();
        self.sync_timer = Some(desk.timer(patience, TimerKind::Sync { generation: self.generation }));
    }

    /// The assignor that most members like best, of those that all know. Of several the one that is first by name.
    pub(super) fn chosen_protocol(&self) -> Option<Arc<str>> {
        let all_know =
            |name: &str| self.members.values().all(|member| member.protocols.iter().any(|known| &*known.name == name));
        let mut votes: BTreeMap<&Arc<str>, u32> = BTreeMap::new();
        for member in self.members.values() {
            if let Some(likes) = member.protocols.iter().find(|known| all_know(&known.name)) {
                *votes.entry(&likes.name).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.iter().find(|(_, count)| **count == most).map(|(name, _)| Arc::clone(name))
    }

    /// Takes a member out, and calls the others together.
    pub(super) fn remove(&mut self, id: &Arc<str>, why: Gone, desk: &mut Desk<'_, '_>) {
        if !self.drop_member(id, why, desk) {
            return;
        }
        match self.state {
            State::Empty => {}
            State::PreparingRebalance => self.complete_call_if_all_joined(desk),
            State::CompletingRebalance | State::Stable => self.rebalance(Why::Gone(Arc::clone(id), why), desk),
        }
    }

    /// Takes a member out. Returns whether it was there.
    pub(super) fn drop_member(&mut self, id: &Arc<str>, why: Gone, desk: &mut Desk<'_, '_>) -> bool {
        let Some(mut member) = self.members.remove(id) else { return false };
        desk.cancel(&mut member.session);
        desk.say(GroupEvent::MemberGone { group: Arc::clone(&desk.group), member: Arc::clone(id), why });
        if let Some(origin) = member.joining.take() {
            desk.reply(origin, join::refused(ErrorCode::UNKNOWN_MEMBER_ID, Arc::clone(id)));
        }
        if let Some(origin) = member.syncing.take() {
            desk.reply(origin, super::sync::refused(ErrorCode::UNKNOWN_MEMBER_ID));
        }
        if let Some(instance) = member.instance_id
            && self.instances.get(&instance) == Some(id)
        {
            self.instances.remove(&instance);
        }
        self.pending_sync.remove(id);
        if self.leader.as_ref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        true
    }

    /// The coordinator moves away: whoever waits here is told to look for the next one.
    pub fn unload(&mut self, desk: &mut Desk<'_, '_>) {
        let mut timers: Vec<_> = std::mem::take(&mut self.pending).into_values().collect();
        timers.extend(self.call.take().map(|call| call.timer));
        timers.extend(self.sync_timer.take());
        for (id, member) in &mut self.members {
            timers.extend(member.session.take());
            if let Some(origin) = member.joining.take() {
                desk.reply(origin, join::refused(ErrorCode::NOT_COORDINATOR, Arc::clone(id)));
            }
            if let Some(origin) = member.syncing.take() {
                desk.reply(origin, super::sync::refused(ErrorCode::NOT_COORDINATOR));
            }
        }
        for timer in timers {
            desk.ctx.cancel(timer);
        }
    }
}

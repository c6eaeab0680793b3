//! Who goes: a member that leaves or falls silent, and a static one that will be back.

use std::sync::Arc;

use super::super::desk::{Caller, Desk};
use super::ConsumerGroup;
use super::heartbeat::{self, Refusal, raise_epoch};
use super::image::{Member, Partitions};
use super::records::Draft;
use crate::engine::event::GroupEvent;
use crate::engine::event::group::{ConsumerGroupEvent, Gone, Why};
use crate::protocol::consumer_group_heartbeat::member_epoch;
use crate::protocol::leave_group::MemberIdentity;
use crate::protocol::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ErrorCode};

impl ConsumerGroup {
    /// A member leaves, or a static one says that it will be back.
    pub(super) fn leave(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Refusal> {
        let id = &request.member_id;
        match &request.instance_id {
            None if self.image.member(id).is_none() => return Err(heartbeat::unknown(id)),
            None => {}
            Some(instance) => {
                let text = || format!("Instance id {instance} is unknown.");
                let current = self.image.instance(instance);
                let current = current.ok_or_else(|| Refusal(ErrorCode::UNKNOWN_MEMBER_ID, text()))?;
                heartbeat::check_instance(current, id, instance)?;
            }
        }
        let response = ConsumerGroupHeartbeatResponse {
            member_id: Some(Arc::clone(id)),
            member_epoch: request.member_epoch,
            ..ConsumerGroupHeartbeatResponse::default()
        };
        let returns = request.member_epoch == member_epoch::LEAVE_GROUP_STATIC_MEMBER;
        let draft = if returns {
            self.without_for_a_while(id, desk)
        } else {
            self.without(&[(Arc::clone(id), Gone::Left)], desk)
        };
        self.keep(draft, Some((caller.origin, response)), desk);
        Ok(())
    }

    /// A member is given up.
    pub(super) fn drop_member(&mut self, id: &Arc<str>, why: Gone, desk: &mut Desk<'_, '_>) {
        if self.image.member(id).is_some() {
            let draft = self.without(&[(Arc::clone(id), why)], desk);
            self.keep(draft, None, desk);
        }
    }

    /// Members go by `LeaveGroup`: that of the classic protocol, and of operators. However many they are, it is one new epoch.
    /// Says what became of each: `UNKNOWN_MEMBER_ID`, `FENCED_INSTANCE_ID`.
    pub fn take_out(&mut self, leaving: &[MemberIdentity], desk: &mut Desk<'_, '_>) -> Vec<ErrorCode> {
        let mut gone: Vec<(Arc<str>, Gone)> = Vec::new();
        let one = |who: &MemberIdentity| match self.meant(who) {
            // Named twice.
            Ok(found) if gone.iter().any(|(id, _)| *id == found.0) => ErrorCode::UNKNOWN_MEMBER_ID,
            Ok(found) => {
                gone.push(found);
                ErrorCode::NONE
            }
            Err(error) => error,
        };
        let outcomes = leaving.iter().map(one).collect();
        if !gone.is_empty() {
            let draft = self.without(&gone, desk);
            self.keep(draft, None, desk);
        }
        outcomes
    }

    /// Whom `LeaveGroup` means. An operator may name a static member by its instance id alone.
    fn meant(&self, who: &MemberIdentity) -> Result<(Arc<str>, Gone), ErrorCode> {
        let known = |id: &Arc<str>| self.image.member(id).is_some();
        match &who.group_instance_id {
            None if known(&who.member_id) => Ok((Arc::clone(&who.member_id), Gone::Left)),
            None => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            Some(instance) => match self.image.instance(instance) {
                None => Err(ErrorCode::UNKNOWN_MEMBER_ID),
                Some(current) if who.member_id.is_empty() => Ok((Arc::clone(current), Gone::Removed)),
                Some(current) if *current == who.member_id => Ok((Arc::clone(current), Gone::Left)),
                Some(_) => Err(ErrorCode::FENCED_INSTANCE_ID),
            },
        }
    }

    /// The group without members: the others get what they had, each at its next heartbeat.
    fn without(&mut self, gone: &[(Arc<str>, Gone)], desk: &mut Desk<'_, '_>) -> Draft {
        let group = Arc::clone(&desk.group);
        let mut draft = Draft::new(&group, &self.image);
        for (id, why) in gone {
            self.stop_waiting_for(id, desk);
            desk.say(GroupEvent::MemberGone { group: Arc::clone(&group), member: Arc::clone(id), why: *why });
            draft.remove_member(id);
        }
        draft.forget_patterns();
        let why = gone.first().map(|(id, why)| Why::Gone(Arc::clone(id), *why));
        raise_epoch(&mut draft, why, desk);
        if draft.image.is_empty() {
            desk.say(GroupEvent::Emptied { group, generation: draft.image.epoch });
        }
        draft
    }

    /// The group while a static member is away: its place is kept until its session ends, and nobody gets what it has.
    fn without_for_a_while(&mut self, id: &Arc<str>, desk: &mut Desk<'_, '_>) -> Draft {
        let group = Arc::clone(&desk.group);
        let mut draft = Draft::new(&group, &self.image);
        let member = self.image.member(id).cloned().unwrap_or_default();
        let away =
            Member { epoch: member_epoch::LEAVE_GROUP_STATIC_MEMBER, pending_revocation: Partitions::new(), ..member };
        draft.current(id, Some(&away));
        if let Some(patience) = self.patience.get_mut(id) {
            desk.cancel(&mut patience.revocation);
        }
        desk.say_of_consumers(ConsumerGroupEvent::MemberAway { member: Arc::clone(id) });
        draft
    }
}

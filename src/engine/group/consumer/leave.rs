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
        let draft = if returns { self.without_for_a_while(id, desk) } else { self.without(id, Gone::Left, desk) };
        self.keep(draft, Some((caller.origin, response)), desk);
        Ok(())
    }

    /// A member is given up.
    pub(super) fn drop_member(&mut self, id: &Arc<str>, why: Gone, desk: &mut Desk<'_, '_>) {
        if self.image.member(id).is_some() {
            let draft = self.without(id, why, desk);
            self.keep(draft, None, desk);
        }
    }

    /// The group without a member: the others get what it had, each at its next heartbeat.
    fn without(&mut self, id: &Arc<str>, why: Gone, desk: &mut Desk<'_, '_>) -> Draft {
        self.stop_waiting_for(id, desk);
        let group = Arc::clone(&desk.group);
        desk.say(GroupEvent::MemberGone { group: Arc::clone(&group), member: Arc::clone(id), why });
        let mut draft = Draft::new(&group, &self.image);
        draft.remove_member(id);
        raise_epoch(&mut draft, Some(Why::Gone(Arc::clone(id), why)), desk);
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

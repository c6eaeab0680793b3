//! `LeaveGroup`: members go, or an operator takes them out.

use std::sync::Arc;

use super::super::desk::Desk;
use super::ClassicGroup;
use crate::engine::event::group::Gone;
use crate::protocol::ErrorCode;

impl ClassicGroup {
    /// Takes a member out. An operator may name a static member by its instance id alone.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID`, `FENCED_INSTANCE_ID`.
    pub fn leave(
        &mut self,
        member: &Arc<str>,
        instance: Option<&Arc<str>>,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), ErrorCode> {
        if let Some(timer) = self.pending.remove(member) {
            desk.ctx.cancel(timer);
            self.complete_call_if_all_joined(desk);
            return Ok(());
        }
        let by_instance = instance.filter(|_| member.is_empty());
        let (id, why) = match by_instance {
            Some(instance) => {
                (self.instances.get(instance).cloned().ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?, Gone::Removed)
            }
            None => (Arc::clone(member), Gone::Left),
        };
        self.check_member(&id, instance)?;
        self.remove(&id, why, desk);
        Ok(())
    }
}

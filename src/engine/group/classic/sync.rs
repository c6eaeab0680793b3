//! `SyncGroup` and `Heartbeat`: the leader brings the assignment, everybody asks for their part, and says that it lives.

use std::sync::Arc;

use bytes::Bytes;

use super::super::desk::{Caller, Desk, Kept};
use super::super::not_kept;
use super::{ClassicGroup, State};
use crate::engine::assignor::assigned_partitions;
use crate::engine::event::GroupEvent;
use crate::engine::event::group::{Assignment, Gone, Why};
use crate::protocol::{ErrorCode, HeartbeatRequest, SyncGroupRequest, SyncGroupResponse};

impl ClassicGroup {
    /// Handles `SyncGroup`.
    pub fn sync(&mut self, request: &SyncGroupRequest, caller: Caller, desk: &mut Desk<'_, '_>) {
        let origin = caller.origin.clone();
        if let Err(error) = self.try_sync(request, caller, desk) {
            desk.reply(origin, refused(error));
        }
    }

    fn try_sync(
        &mut self,
        request: &SyncGroupRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), ErrorCode> {
        self.check_member(&request.member_id, request.group_instance_id.as_ref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::ILLEGAL_GENERATION);
        }
        let differs = |said: &Option<Arc<str>>, is: &Option<Arc<str>>| said.is_some() && said != is;
        if differs(&request.protocol_type, &self.protocol_type) || differs(&request.protocol_name, &self.protocol) {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        let id = &request.member_id;
        match self.state {
            State::Empty => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            State::PreparingRebalance => Err(ErrorCode::REBALANCE_IN_PROGRESS),
            State::CompletingRebalance => {
                self.pending_sync.remove(id);
                let Some(member) = self.members.get_mut(id) else { return Err(ErrorCode::UNKNOWN_MEMBER_ID) };
                member.clock = caller.origin.peer.clock();
                desk.cancel(&mut member.session);
                if let Some(before) = member.syncing.replace(caller.origin) {
                    desk.reply(before, refused(ErrorCode::UNKNOWN_MEMBER_ID));
                }
                if self.leader.as_ref() == Some(id) {
                    self.take_assignment(request, desk);
                }
                Ok(())
            }
            State::Stable => {
                self.pending_sync.remove(id);
                self.stop_waiting_for_syncs(desk);
                desk.reply(caller.origin, self.assigned(id));
                self.hear(id, desk);
                Ok(())
            }
        }
    }

    /// Has the leader's assignment kept. Members that it does not name get nothing.
    fn take_assignment(&mut self, request: &SyncGroupRequest, desk: &mut Desk<'_, '_>) {
        for (id, member) in &mut self.members {
            // Of several the last counts.
            let mine = request.assignments.iter().rfind(|part| part.member_id == *id);
            member.assignment = mine.map(|part| part.assignment.clone()).unwrap_or_default();
        }
        let records = vec![self.record(desk)];
        desk.keep(records, Kept::Assignment { generation: self.generation });
    }

    /// The assignment is on all in-sync replicas, or is not.
    pub fn assignment_kept(&mut self, generation: i32, outcome: Result<(), ErrorCode>, desk: &mut Desk<'_, '_>) {
        if self.state != State::CompletingRebalance || generation != self.generation {
            // Another rebalance has begun meanwhile.
            return;
        }
        if let Err(error) = outcome {
            let error = to_members(error);
            desk.say(GroupEvent::WriteFailed { group: Arc::clone(&desk.group), error });
            self.send_assignments_back(error, desk);
            return self.rebalance(Why::NotKept(error), desk);
        }
        self.enter(State::Stable, desk);
        desk.say(GroupEvent::Assigned {
            group: Arc::clone(&desk.group),
            generation: self.generation,
            assignment: self.assignment(),
        });
        let waiting: Vec<Arc<str>> =
            self.members.iter().filter(|(_, member)| member.syncing.is_some()).map(|(id, _)| Arc::clone(id)).collect();
        for id in waiting {
            let response = self.assigned(&id);
            if let Some(origin) = self.members.get_mut(&id).and_then(|member| member.syncing.take()) {
                desk.reply(origin, response);
            }
            self.hear(&id, desk);
        }
        self.stop_waiting_for_syncs(desk);
    }

    /// Who has what, where the members are consumers.
    pub fn assignment(&self) -> Assignment {
        if !self.is_of_consumers() {
            return Vec::new();
        }
        self.members.iter().map(|(id, member)| (Arc::clone(id), assigned_partitions(&member.assignment))).collect()
    }

    fn assigned(&self, id: &Arc<str>) -> SyncGroupResponse {
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default(),
            ..SyncGroupResponse::default()
        }
    }

    /// Nobody gets anything of this generation.
    pub(super) fn send_assignments_back(&mut self, error: ErrorCode, desk: &mut Desk<'_, '_>) {
        let mut heard = Vec::new();
        for (id, member) in &mut self.members {
            member.assignment = Bytes::new();
            if let Some(origin) = member.syncing.take() {
                desk.reply(origin, refused(error));
                heard.push(Arc::clone(id));
            }
        }
        for id in heard {
            self.hear(&id, desk);
        }
    }

    fn stop_waiting_for_syncs(&mut self, desk: &mut Desk<'_, '_>) {
        if self.pending_sync.is_empty() {
            desk.cancel(&mut self.sync_timer);
        }
    }

    /// The members have had their time to ask for their assignment.
    pub(super) fn on_sync_ended(&mut self, generation: i32, desk: &mut Desk<'_, '_>) {
        let awaits = matches!(self.state, State::CompletingRebalance | State::Stable);
        if !awaits || generation != self.generation {
            return;
        }
        self.sync_timer = None;
        let late: Vec<Arc<str>> = std::mem::take(&mut self.pending_sync).into_iter().collect();
        for id in &late {
            self.drop_member(id, Gone::DidNotSync, desk);
        }
        if !late.is_empty() {
            self.rebalance(Why::NoSync(late), desk);
        }
    }

    /// Handles `Heartbeat`.
    pub fn heartbeat(&mut self, request: &HeartbeatRequest, desk: &mut Desk<'_, '_>) -> ErrorCode {
        if let Err(error) = self.check_member(&request.member_id, request.group_instance_id.as_ref()) {
            return error;
        }
        if request.generation_id != self.generation {
            return ErrorCode::ILLEGAL_GENERATION;
        }
        self.hear_from(&request.member_id, desk);
        match self.state {
            State::Empty => ErrorCode::UNKNOWN_MEMBER_ID,
            State::PreparingRebalance => ErrorCode::REBALANCE_IN_PROGRESS,
            State::CompletingRebalance | State::Stable => ErrorCode::NONE,
        }
    }

    /// Whether a commit of this member and generation may be taken. It counts as a sign of life.
    pub fn check_commit(
        &mut self,
        (generation, member, instance): (i32, &Arc<str>, Option<&Arc<str>>),
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), ErrorCode> {
        if generation < 0 && self.state == State::Empty {
            // An operator, or a consumer that assigns its partitions itself.
            return Ok(());
        }
        if generation < 0 && member.is_empty() && instance.is_none() {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        self.check_member(member, instance)?;
        if generation != self.generation {
            return Err(ErrorCode::ILLEGAL_GENERATION);
        }
        self.hear_from(member, desk);
        if self.state == State::CompletingRebalance { Err(ErrorCode::REBALANCE_IN_PROGRESS) } else { Ok(()) }
    }
}

/// A refusal.
pub(super) fn refused(error_code: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse { error_code, ..SyncGroupResponse::default() }
}

/// What members are told when the log did not take the assignment (`GroupMetadataManager.storeGroup`).
pub(super) fn to_members(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::REQUEST_TIMED_OUT => ErrorCode::REBALANCE_IN_PROGRESS,
        error => not_kept(error, ErrorCode::UNKNOWN_SERVER_ERROR),
    }
}

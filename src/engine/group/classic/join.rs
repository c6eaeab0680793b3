//! `JoinGroup`: a member wants to be part of the next generation.

use std::sync::Arc;
use std::time::Duration;

use super::super::desk::{Caller, Desk, Kept, TimerKind};
use super::sync::to_members;
use super::{ClassicGroup, Member, Protocol, State};
use crate::engine::event::GroupEvent;
use crate::engine::event::group::Why;
use crate::engine::time::millis;
use crate::protocol::join_group::JoinGroupResponseMember;
use crate::protocol::{ErrorCode, JoinGroupRequest, JoinGroupResponse};

/// How long a newcomer's join may take before it counts as gone (`GroupCoordinator.NewMemberJoinTimeoutMs`).
const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// From this version on a member has to join with an id that it was given (KIP-394).
const NEEDS_ID: i16 = 4;
/// From this version on a leader that comes back is told to leave the assignment as it is (KIP-814).
const SKIPS_ASSIGNMENT: i16 = 9;

/// A static member that came back into a stable group: it is told so once the log knows.
#[derive(Clone, Debug)]
pub struct Replacement {
    caller: Caller,
    instance: Arc<str>,
    old_id: Arc<str>,
    new_id: Arc<str>,
    /// The member as it was.
    old: Member,
    /// The leader before.
    leader: Option<Arc<str>>,
}

/// A refusal, with the member id that goes with it.
struct Refusal(ErrorCode, Arc<str>);

impl ClassicGroup {
    /// Handles `JoinGroup`. The group's id and the session's time-out are valid.
    pub fn join(&mut self, request: &JoinGroupRequest, caller: Caller, desk: &mut Desk<'_, '_>) {
        let origin = caller.origin.clone();
        if let Err(Refusal(error_code, member_id)) = self.try_join(request, caller, desk) {
            desk.reply(origin, refused(error_code, member_id));
        }
    }

    fn try_join(&mut self, request: &JoinGroupRequest, caller: Caller, desk: &mut Desk<'_, '_>) -> Result<(), Refusal> {
        let refuse = |error| Refusal(error, Arc::clone(&request.member_id));
        if !self.has_room(&request.member_id, desk.settings.group_max_size) {
            if let Some(timer) = self.pending.remove(&request.member_id) {
                desk.ctx.cancel(timer);
            }
            // The one refusal that does not give the member its id back.
            return Err(Refusal(ErrorCode::GROUP_MAX_SIZE_REACHED, Arc::from("")));
        }
        if !self.can_agree(request) {
            return Err(refuse(ErrorCode::INCONSISTENT_GROUP_PROTOCOL));
        }
        match (&*request.member_id, &request.group_instance_id) {
            ("", Some(instance)) => {
                let id = named(instance, desk);
                match self.instances.get(instance).cloned() {
                    Some(old) => self.replace(&old, id, instance, request, caller, desk),
                    None => self.add(id, request, caller, desk),
                }
                Ok(())
            }
            ("", None) => self.newcomer(request, caller, desk),
            _ if self.pending.contains_key(&request.member_id) => self.join_pending(request, caller, desk),
            _ => self.join_again(request, caller, desk).map_err(refuse),
        }
    }

    /// `group.max.size`.
    fn has_room(&self, member: &Arc<str>, most: i32) -> bool {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        match self.state {
            State::Empty => true,
            State::PreparingRebalance => {
                let joined = self.members.values().filter(|member| member.has_joined()).count();
                self.members.get(member).is_some_and(Member::has_joined) || joined < most
            }
            State::CompletingRebalance | State::Stable => {
                self.members.contains_key(member) || self.members.len() < most
            }
        }
    }

    /// Whether there is an assignor that everybody knows.
    fn can_agree(&self, request: &JoinGroupRequest) -> bool {
        if self.state == State::Empty {
            return !request.protocol_type.is_empty() && !request.protocols.is_empty();
        }
        let all_know = |name: &Arc<str>| {
            self.members.values().all(|member| member.protocols.iter().any(|known| known.name == *name))
        };
        self.protocol_type.as_ref().is_none_or(|kind| *kind == request.protocol_type)
            && request.protocols.iter().any(|protocol| all_know(&protocol.name))
    }

    /// A member without an id: it is given one, and has to come back with it, so that one whose answers get lost does not
    /// leave a trail of members.
    fn newcomer(&mut self, request: &JoinGroupRequest, caller: Caller, desk: &mut Desk<'_, '_>) -> Result<(), Refusal> {
        let id = named(&caller.origin.client_id, desk);
        if caller.origin.version < NEEDS_ID {
            self.add(id, request, caller, desk);
            return Ok(());
        }
        let patience = millis(request.session_timeout_ms);
        let timer = desk.timer(patience, TimerKind::Pending { member: Arc::clone(&id) });
        self.pending.insert(Arc::clone(&id), timer);
        Err(Refusal(ErrorCode::MEMBER_ID_REQUIRED, id))
    }

    /// A member comes with the id that it was given. Such ids are for members without an instance id: Kafka stumbles over
    /// one that has one, and keeps the id for whoever comes without.
    fn join_pending(
        &mut self,
        request: &JoinGroupRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Refusal> {
        if request.group_instance_id.is_some() {
            return Err(Refusal(ErrorCode::UNKNOWN_SERVER_ERROR, Arc::from("")));
        }
        if let Some(timer) = self.pending.remove(&request.member_id) {
            desk.ctx.cancel(timer);
        }
        self.add(Arc::clone(&request.member_id), request, caller, desk);
        Ok(())
    }

    fn join_again(
        &mut self,
        request: &JoinGroupRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), ErrorCode> {
        let id = &request.member_id;
        self.check_member(id, request.group_instance_id.as_ref())?;
        let unchanged = self.members.get(id).is_some_and(|member| is_same(&member.protocols, request));
        let leads = self.leader.as_ref() == Some(id);
        match self.state {
            State::Empty => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            // Its answer was lost: it is told again.
            State::CompletingRebalance if unchanged => {
                desk.reply(caller.origin, self.joined(id));
                Ok(())
            }
            State::Stable if unchanged && !leads => {
                desk.reply(caller.origin, JoinGroupResponse { members: Vec::new(), ..self.joined(id) });
                Ok(())
            }
            _ => {
                self.update(id, request, Some(caller), desk);
                let reason = request.reason.clone().unwrap_or_default();
                self.rebalance(Why::Rejoins { member: Arc::clone(id), reason }, desk);
                Ok(())
            }
        }
    }

    /// Takes in a new member.
    fn add(&mut self, id: Arc<str>, request: &JoinGroupRequest, caller: Caller, desk: &mut Desk<'_, '_>) {
        let member = Member {
            client_id: Arc::clone(&caller.origin.client_id),
            client_host: caller.host,
            instance_id: request.group_instance_id.clone(),
            rebalance_timeout: millis(request.rebalance_timeout_ms),
            session_timeout: millis(request.session_timeout_ms),
            protocols: protocols(request),
            assignment: bytes::Bytes::new(),
            is_new: true,
            joined_ms: Some(desk.date_ms()),
            clock: caller.origin.peer.clock(),
            joining: Some(caller.origin),
            syncing: None,
            session: None,
        };
        if self.members.is_empty() {
            self.protocol_type = Some(Arc::clone(&request.protocol_type));
        }
        if let Some(instance) = &member.instance_id {
            self.instances.insert(Arc::clone(instance), Arc::clone(&id));
        }
        self.leader.get_or_insert_with(|| Arc::clone(&id));
        // While the first members of an empty group are waited for, each that comes prolongs the wait.
        self.newcomer |= self.waits_for_first();
        let clock = member.clock;
        self.members.insert(Arc::clone(&id), member);
        let timer = desk.timer_on(clock, NEW_MEMBER_JOIN_TIMEOUT, TimerKind::Session { member: Arc::clone(&id) });
        if let Some(member) = self.members.get_mut(&id) {
            member.session = Some(timer);
        }
        self.rebalance(Why::Joins(id), desk);
    }

    /// Takes up what a member says anew. With a caller it waits for its answer.
    fn update(&mut self, id: &Arc<str>, request: &JoinGroupRequest, caller: Option<Caller>, desk: &mut Desk<'_, '_>) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.protocols = protocols(request);
        member.rebalance_timeout = millis(request.rebalance_timeout_ms);
        member.session_timeout = millis(request.session_timeout_ms);
        if let Some(caller) = caller {
            member.clock = caller.origin.peer.clock();
            member.joined_ms = Some(desk.date_ms());
            let before = member.joining.replace(caller.origin);
            // It has given up the request before, or its connection is gone.
            if let Some(before) = before {
                desk.reply(before, refused(ErrorCode::UNKNOWN_MEMBER_ID, Arc::clone(id)));
            }
            if !member.is_new {
                desk.cancel(&mut member.session);
            }
        }
    }

    /// A static member came back under a new id: it takes the place of the one before. In a stable group whose assignor does
    /// not change nobody else notices.
    fn replace(
        &mut self,
        old_id: &Arc<str>,
        new_id: Arc<str>,
        instance: &Arc<str>,
        request: &JoinGroupRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) {
        let leader = self.leader.clone();
        let Some(old) = self.rename(old_id, &new_id, desk) else { return };
        desk.say(GroupEvent::MemberReplaced {
            group: Arc::clone(&desk.group),
            instance: Arc::clone(instance),
            old: Arc::clone(old_id),
            new: Arc::clone(&new_id),
        });
        let why = || Why::Rejoins { member: Arc::clone(&new_id), reason: "static member replaced".into() };
        let stays = self.state == State::Stable && {
            self.update(&new_id, request, None, desk);
            self.chosen_protocol() == self.protocol
        };
        if let Some(member) = self.members.get_mut(&new_id) {
            member.client_id = Arc::clone(&caller.origin.client_id);
            member.client_host = Arc::clone(&caller.host);
            member.clock = caller.origin.peer.clock();
        }
        self.hear(&new_id, desk);
        if stays {
            let records = vec![self.record(desk)];
            let (instance, old_id) = (Arc::clone(instance), Arc::clone(old_id));
            let replacement = Replacement { caller, instance, old_id, new_id, old, leader };
            return desk.keep(records, Kept::Replacement(Box::new(replacement)));
        }
        self.update(&new_id, request, Some(caller), desk);
        self.rebalance(why(), desk);
    }

    /// Gives a member another id. Whoever waits under the old one is sent away.
    fn rename(&mut self, old_id: &Arc<str>, new_id: &Arc<str>, desk: &mut Desk<'_, '_>) -> Option<Member> {
        let mut member = self.members.remove(old_id)?;
        let before = member.clone();
        desk.cancel(&mut member.session);
        if let Some(origin) = member.joining.take() {
            desk.reply(origin, refused(ErrorCode::FENCED_INSTANCE_ID, Arc::clone(old_id)));
        }
        if let Some(origin) = member.syncing.take() {
            desk.reply(origin, super::sync::refused(ErrorCode::FENCED_INSTANCE_ID));
        }
        if let Some(instance) = &member.instance_id {
            self.instances.insert(Arc::clone(instance), Arc::clone(new_id));
        }
        if self.leader.as_ref() == Some(old_id) {
            self.leader = Some(Arc::clone(new_id));
        }
        if self.pending_sync.remove(old_id) {
            self.pending_sync.insert(Arc::clone(new_id));
        }
        self.members.insert(Arc::clone(new_id), member);
        Some(before)
    }

    /// The log knows that a static member has a new id, or does not.
    pub fn replacement_kept(
        &mut self,
        replacement: Replacement,
        outcome: Result<(), ErrorCode>,
        desk: &mut Desk<'_, '_>,
    ) {
        let Replacement { caller, instance, old_id, new_id, old, leader } = replacement;
        if self.instances.get(&instance) != Some(&new_id) {
            // Yet another one came meanwhile.
            return desk.reply(caller.origin, refused(ErrorCode::FENCED_INSTANCE_ID, new_id));
        }
        if let Err(error) = outcome {
            // As it was: the member tries again, and whoever reads the log finds the old one.
            if let Some(mut member) = self.rename(&new_id, &old_id, desk) {
                desk.cancel(&mut member.session);
            }
            self.members.insert(Arc::clone(&old_id), Member { joining: None, syncing: None, session: None, ..old });
            self.hear(&old_id, desk);
            return desk.reply(caller.origin, refused(to_members(error), Arc::from("")));
        }
        if self.state != State::Stable {
            // A rebalance has begun: it is for it too.
            return desk.reply(caller.origin, refused(ErrorCode::REBALANCE_IN_PROGRESS, new_id));
        }
        let joined = self.joined(&new_id);
        let leads = self.leader.as_ref() == Some(&new_id);
        let skips = caller.origin.version >= SKIPS_ASSIGNMENT;
        let response = JoinGroupResponse {
            skip_assignment: leads && skips,
            // A client that cannot skip must not think that it leads: it would assign anew.
            leader: if skips { joined.leader } else { leader.unwrap_or_default() },
            members: if leads && skips { joined.members } else { Vec::new() },
            ..joined
        };
        desk.reply(caller.origin, response);
    }

    /// What a member is told when its generation has formed. The leader gets the list of the members.
    pub(super) fn joined(&self, id: &Arc<str>) -> JoinGroupResponse {
        let protocol = self.protocol.clone().unwrap_or_default();
        let leads = self.leader.as_ref() == Some(id);
        let of = |(id, member): (&Arc<str>, &Member)| JoinGroupResponseMember {
            member_id: Arc::clone(id),
            group_instance_id: member.instance_id.clone(),
            metadata: member.metadata(&protocol),
        };
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            members: if leads { self.members.iter().map(of).collect() } else { Vec::new() },
            protocol_name: Some(protocol),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: Arc::clone(id),
            ..JoinGroupResponse::default()
        }
    }

    /// An id was given out, and nobody came with it.
    pub(super) fn on_pending_expired(&mut self, member: &Arc<str>, desk: &mut Desk<'_, '_>) {
        if self.pending.remove(member).is_some() {
            self.complete_call_if_all_joined(desk);
        }
    }
}

/// A refusal.
pub(super) fn refused(error_code: ErrorCode, member_id: Arc<str>) -> JoinGroupResponse {
    JoinGroupResponse { error_code, member_id, generation_id: -1, ..JoinGroupResponse::default() }
}

/// A member id, as Kafka makes them.
fn named(prefix: &str, desk: &mut Desk<'_, '_>) -> Arc<str> {
    format!("{prefix}-{}", desk.ctx.rng.uuid()).into()
}

fn protocols(request: &JoinGroupRequest) -> Vec<Protocol> {
    let of = |p: &crate::protocol::join_group::JoinGroupRequestProtocol| Protocol {
        name: Arc::clone(&p.name),
        metadata: p.metadata.clone(),
    };
    request.protocols.iter().map(of).collect()
}

fn is_same(known: &[Protocol], request: &JoinGroupRequest) -> bool {
    known.len() == request.protocols.len()
        && known.iter().zip(&request.protocols).all(|(k, r)| k.name == r.name && k.metadata == r.metadata)
}

//! `ConsumerGroupHeartbeat`: a member says how it is, and hears what it is to own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::desk::{Caller, Desk};
use super::image::{Member, Partitions, Profile};
use super::reconcile::{self, Target};
use super::records::{Draft, grouped};
use super::{ConsumerGroup, heartbeat_interval_ms, target, topics_of};
use crate::engine::event::GroupEvent;
use crate::engine::event::group::{ConsumerGroupEvent, Why};
use crate::protocol::consumer_group_heartbeat::{Assignment, TopicPartitions, flat, member_epoch};
use crate::protocol::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ErrorCode};

/// A refusal, with a word for people.
#[derive(Debug)]
pub(in super::super) struct Refusal(pub(super) ErrorCode, pub(super) String);

impl ConsumerGroup {
    /// Handles `ConsumerGroupHeartbeat`. What the request says by itself is valid.
    pub fn heartbeat(&mut self, request: &ConsumerGroupHeartbeatRequest, caller: Caller, desk: &mut Desk<'_, '_>) {
        let origin = caller.origin.clone();
        let done = if request.member_epoch < member_epoch::JOIN_GROUP {
            self.leave(request, caller, desk)
        } else {
            self.beat(request, caller, desk)
        };
        if let Err(Refusal(error, message)) = done {
            desk.say_of_consumers(ConsumerGroupEvent::Fenced {
                member: Arc::clone(&request.member_id),
                epoch: request.member_epoch,
                error,
            });
            desk.reply(origin, refused(error, &message));
        }
    }

    fn beat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Refusal> {
        self.check_room(&request.member_id, desk.settings.group_consumer_max_size)?;
        let id = match &*request.member_id {
            "" => desk.ctx.rng.uuid().to_string().into(),
            _ => Arc::clone(&request.member_id),
        };
        let mut draft = Draft::new(&desk.group, &self.image);
        self.find(&id, request, &mut draft, desk)?;
        let before = draft.image.member(&id).cloned().unwrap_or_default();

        // 1. Who it is and what it wants. Whatever changes that is a new epoch of the group.
        let profile = updated(&before.profile, request, &caller);
        let wants_else = draft.image.wanted(&profile) != draft.image.wanted(&before.profile);
        if profile != before.profile {
            draft.profile(&id, Some(&profile));
            draft.forget_patterns();
        }
        let joins = self.image.member(&id).is_none();
        let why = if joins { Why::Joins(Arc::clone(&id)) } else { Why::Subscribes(Arc::clone(&id)) };
        // A new group leaves epoch 0 with its first member, whatever that one wants.
        let is_reason = wants_else || draft.image.epoch == 0;
        raise_epoch(&mut draft, is_reason.then_some(why), desk);

        // 2. Who is to own what.
        if draft.image.epoch > draft.image.target_epoch {
            assign(&mut draft, desk);
        }

        // 3. This member on its way there.
        let owned = request.topic_partitions.as_deref().map(flat);
        let after = reconcile_member(&id, owned.as_ref(), &mut draft, desk);
        // It was heard of, and may have to give partitions back.
        self.wait_for(&id, &after, desk);
        if after != before {
            self.await_revocation(&id, &after, desk);
        }

        let assignment = (is_full(request) || after.assigned != before.assigned).then(|| assignment(&after));
        let response = ConsumerGroupHeartbeatResponse {
            member_id: Some(id),
            member_epoch: after.epoch,
            heartbeat_interval_ms: heartbeat_interval_ms(desk.settings),
            assignment,
            ..ConsumerGroupHeartbeatResponse::default()
        };
        self.keep(draft, Some((caller.origin, response)), desk);
        self.look_if_due(desk);
        Ok(())
    }

    /// `group.consumer.max.size`.
    fn check_room(&self, member: &str, most: i32) -> Result<(), Refusal> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if self.image.len() < most || self.image.member(member).is_some() {
            return Ok(());
        }
        let text = format!("The consumer group has reached its maximum capacity of {most} members.");
        Err(Refusal(ErrorCode::GROUP_MAX_SIZE_REACHED, text))
    }

    /// Whether the member is known, at an epoch that it may be at; one that joins need not be. A static member may take the
    /// place of one that is away.
    fn find(
        &mut self,
        id: &Arc<str>,
        request: &ConsumerGroupHeartbeatRequest,
        draft: &mut Draft,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Refusal> {
        let joins = request.member_epoch == member_epoch::JOIN_GROUP;
        let Some(instance) = &request.instance_id else {
            return match self.image.member(id) {
                Some(member) => check_epoch(member, request),
                None if joins => Ok(()),
                None => Err(unknown(id)),
            };
        };
        let current = self.image.instance(instance).cloned();
        let Some(current) = current else {
            let text = format!("Instance id {instance} is unknown.");
            return if joins { Ok(()) } else { Err(Refusal(ErrorCode::UNKNOWN_MEMBER_ID, text)) };
        };
        let Some(member) = self.image.member(&current) else { return Ok(()) };
        if !joins {
            check_instance(&current, id, instance)?;
            return check_epoch(member, request);
        }
        if member.epoch != member_epoch::LEAVE_GROUP_STATIC_MEMBER {
            let text = format!("Static member {id} with instance id {instance} cannot join: {current} owns it.");
            return Err(Refusal(ErrorCode::UNRELEASED_INSTANCE_ID, text));
        }
        self.stop_waiting_for(&current, desk);
        draft.rename_member(&current, id);
        desk.say(GroupEvent::MemberReplaced {
            group: Arc::clone(&desk.group),
            instance: Arc::clone(instance),
            old: current,
            new: Arc::clone(id),
        });
        Ok(())
    }
}

/// A refusal.
pub(in super::super) fn refused(error_code: ErrorCode, message: &str) -> ConsumerGroupHeartbeatResponse {
    let error_message = (!message.is_empty()).then(|| message.into());
    ConsumerGroupHeartbeatResponse { error_code, error_message, ..ConsumerGroupHeartbeatResponse::default() }
}

pub(super) fn unknown(id: &str) -> Refusal {
    Refusal(ErrorCode::UNKNOWN_MEMBER_ID, format!("Member {id} is not a member of the group."))
}

/// Whether `id` is the member that has this instance id now.
pub(super) fn check_instance(current: &str, id: &str, instance: &str) -> Result<(), Refusal> {
    if current == id {
        return Ok(());
    }
    let text = format!("Static member {id} with instance id {instance} was fenced by member {current}.");
    Err(Refusal(ErrorCode::FENCED_INSTANCE_ID, text))
}

/// A member's epoch is the one that it was told, or the one before where that answer may have been lost: then it owns no more
/// than it did.
fn check_epoch(member: &Member, request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let said = request.member_epoch;
    let lost_the_answer = || {
        let owned = request.topic_partitions.as_deref().map(flat);
        said == member.previous_epoch && owned.is_some_and(|owned| owned.is_subset(&member.assigned))
    };
    if said == member.epoch || said < member.epoch && lost_the_answer() {
        return Ok(());
    }
    let than = if said > member.epoch { "greater" } else { "smaller" };
    let text = format!(
        "The member has a {than} epoch ({said}) than the one known here ({}): it must abandon all its partitions and rejoin.",
        member.epoch
    );
    Err(Refusal(ErrorCode::FENCED_MEMBER_EPOCH, text))
}

/// Takes up what a member says of itself; what it leaves out has not changed.
fn updated(before: &Profile, request: &ConsumerGroupHeartbeatRequest, caller: &Caller) -> Profile {
    let or = |said: &Option<Arc<str>>, before: &Option<Arc<str>>| said.clone().or_else(|| before.clone());
    let topics: Option<BTreeSet<Arc<str>>> =
        request.subscribed_topic_names.as_ref().map(|names| names.iter().cloned().collect());
    let timeout = Some(request.rebalance_timeout_ms).filter(|timeout| *timeout != -1);
    Profile {
        instance_id: or(&request.instance_id, &before.instance_id),
        rack_id: or(&request.rack_id, &before.rack_id),
        client_id: Arc::clone(&caller.origin.client_id),
        client_host: Arc::clone(&caller.host),
        topics: topics.unwrap_or_else(|| before.topics.clone()),
        pattern: or(&request.subscribed_topic_regex, &before.pattern),
        rebalance_timeout_ms: timeout.unwrap_or(before.rebalance_timeout_ms),
        server_assignor: or(&request.server_assignor, &before.server_assignor),
    }
}

/// Raises the group's epoch where there is a reason, or where the topics are not what they were.
pub(super) fn raise_epoch(draft: &mut Draft, why: Option<Why>, desk: &mut Desk<'_, '_>) {
    let topics = topics_of(&draft.image, desk);
    let changed = topics != draft.image.topics;
    if changed {
        draft.topics(Some(&topics));
    }
    let Some(why) = why.or(changed.then_some(Why::TopicsChanged)) else { return };
    let epoch = draft.image.epoch + 1;
    draft.epoch(Some(epoch));
    desk.say_of_consumers(ConsumerGroupEvent::EpochRaised { epoch, why });
}

/// Makes a target assignment for the group's epoch.
fn assign(draft: &mut Draft, desk: &mut Desk<'_, '_>) {
    let assignor = target::chosen(&draft.image, &desk.settings.group_consumer_assignors);
    target::assign(draft, assignor);
    let image = &draft.image;
    let of = |(id, _): (&Arc<str>, &Member)| (Arc::clone(id), image.named(&image.target(id)));
    desk.say_of_consumers(ConsumerGroupEvent::TargetAssigned {
        epoch: image.target_epoch,
        assignor: assignor.name.into(),
        assignment: image.members().map(of).collect(),
    });
}

/// Brings a member a step further. Returns it as it is then.
fn reconcile_member(id: &Arc<str>, owned: Option<&Partitions>, draft: &mut Draft, desk: &mut Desk<'_, '_>) -> Member {
    let image = Arc::clone(&draft.image);
    let member = image.member(id).cloned().unwrap_or_default();
    if member.is_reconciled_to(image.target_epoch) {
        return member;
    }
    let target = Target { epoch: image.target_epoch, partitions: image.target(id) };
    let after = reconcile::step(&member, &target, owned, |partition| image.owner(partition).is_some());
    if after == member {
        return member;
    }
    drop(image);
    draft.current(id, Some(&after));
    let unchanged = Member { previous_epoch: after.previous_epoch, ..member };
    if after != unchanged {
        desk.say_of_consumers(ConsumerGroupEvent::Reconciled {
            member: Arc::clone(id),
            epoch: after.epoch,
            state: after.state,
            owned: draft.image.named(&after.assigned),
            to_revoke: draft.image.named(&after.pending_revocation),
        });
    }
    after
}

/// Whether a member says all there is to say: it does so as it joins, and after an error.
fn is_full(request: &ConsumerGroupHeartbeatRequest) -> bool {
    request.member_epoch == member_epoch::JOIN_GROUP
        || request.rebalance_timeout_ms != -1
            && (request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some())
            && request.topic_partitions.is_some()
}

fn assignment(member: &Member) -> Assignment {
    let of = |(topic_id, partitions)| TopicPartitions { topic_id, partitions };
    Assignment { topic_partitions: grouped(&member.assigned).into_iter().map(of).collect() }
}

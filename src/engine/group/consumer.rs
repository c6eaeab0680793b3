//! A group of KIP-848: its members do nothing but say how they are, and the coordinator assigns.
//!
//! ```text
//!   members or topics change        the assignor runs          each member, at its own heartbeat
//!   ------------------------> epoch ------------> target epoch ------------> member epoch
//! ```
//!
//! The group's epoch is raised when somebody joins, leaves or wants other topics, and when the topics change. A target
//! assignment is made for it at once. Each member is brought to the target by its heartbeats: it hears what to give back, says
//! that it has done so, and gets what is free by then ([`reconcile`]). Nobody stops for it who has nothing to give back.
//!
//! Members name the topics that they want, or give a pattern of names; what that stands for the coordinator looks for
//! ([`patterns`]).
//!
//! # Invariants
//! - A partition has one owner at any time: it is given to nobody while somebody has it, or has still to give it back.
//! - What members hear is in the log: an answer goes out when the records that it rests on are on all in-sync replicas.
//!   What the log refuses has not happened.
//! - Each member's silence is measured: by a timer that its heartbeat winds up.
//!
//! Members that speak the classic protocol are not taken in while there are others, nor the reverse
//! (deviation: no-mixed-groups). Kafka 3.9 has such groups only without ZooKeeper
//! (deviation: group-protocol).
//!
//! Sources: KIP-848; `GroupMetadataManager`, `ConsumerGroup`, `ConsumerGroupMember` of Kafka 3.9.

mod describe;
mod heartbeat;
mod image;
mod leave;
mod patterns;
mod reconcile;
mod records;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use self::records::Draft;
use super::desk::{Desk, Kept, TimerKind, clock_of};
use super::not_kept;
use crate::engine::broker::connection::Origin;
use crate::engine::context::TimerId;
use crate::engine::event::GroupEvent;
use crate::engine::event::group::Gone;
use crate::engine::settings::Settings;
use crate::engine::time::{Clock, millis};
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::group_records::GroupRecord;
use crate::protocol::{ConsumerGroupHeartbeatResponse, ErrorCode};

pub use self::image::{Image, Member, MemberState, Partitions, Profile, Resolved, Topic};
use self::patterns::Looking;

/// Where a group is. The names are Kafka's (`ConsumerGroupState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has no members, and may have offsets.
    Empty,
    /// Its epoch was raised, and no target assignment is made for it yet.
    Assigning,
    /// Somebody is on the way to the target.
    Reconciling,
    /// Everybody owns what they are to own.
    Stable,
}

impl State {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        }
    }
}

/// How long a member is waited for.
#[derive(Clone, Debug)]
struct Patience {
    /// The clock that it is measured on.
    clock: Clock,
    /// When it has been silent for too long.
    session: Option<TimerId>,
    /// How long it may be silent.
    session_timeout: Duration,
    /// When it has taken too long to give partitions back.
    revocation: Option<TimerId>,
}

/// A change that is on its way to the in-sync replicas.
#[derive(Clone, Debug)]
pub struct Change {
    /// The group before: what it is again if the log refuses the change.
    before: Arc<Image>,
    /// The group with it.
    after: Arc<Image>,
    /// Who is told then, and what.
    answer: Option<(Origin, ConsumerGroupHeartbeatResponse)>,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct ConsumerGroup {
    image: Arc<Image>,
    patience: BTreeMap<Arc<str>, Patience>,
    looking: Looking,
}

impl ConsumerGroup {
    /// What the log says of it.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Where it is.
    pub fn state(&self) -> State {
        let image = &self.image;
        if image.is_empty() {
            State::Empty
        } else if image.epoch > image.target_epoch {
            State::Assigning
        } else if image.members().all(|(_, member)| member.is_reconciled_to(image.target_epoch)) {
            State::Stable
        } else {
            State::Reconciling
        }
    }

    /// Whether a commit of this member and epoch may be taken, that came in this version of `OffsetCommit`.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID`, `STALE_MEMBER_EPOCH`, `UNSUPPORTED_VERSION`.
    pub fn check_commit(&self, epoch: i32, member: &str, version: i16) -> Result<(), ErrorCode> {
        /// From this version on `OffsetCommit` can say `STALE_MEMBER_EPOCH`.
        const KNOWS_EPOCHS: i16 = 9;
        if epoch < 0 && self.image.is_empty() {
            // An operator, or a consumer that assigns its partitions itself.
            return Ok(());
        }
        let member = self.image.member(member).ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
        if version < KNOWS_EPOCHS {
            return Err(ErrorCode::UNSUPPORTED_VERSION);
        }
        check_epoch(member, epoch)
    }

    /// Whether this member may ask for offsets; without a member it is an operator.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID`, `STALE_MEMBER_EPOCH`.
    pub fn check_fetch(&self, epoch: i32, member: Option<&str>) -> Result<(), ErrorCode> {
        if epoch < 0 && member.is_none() {
            return Ok(());
        }
        check_epoch(self.image.member(member.unwrap_or_default()).ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?, epoch)
    }

    /// Takes up what a record of the log says.
    pub fn replay(&mut self, record: &GroupRecord) {
        Arc::make_mut(&mut self.image).apply(record);
    }

    /// The records that delete it.
    pub fn tombstones(&self, group: &Arc<str>) -> Vec<GroupRecord> {
        let mut draft = Draft::new(group, &self.image);
        draft.remove_group();
        draft.records
    }

    /// The coordinator is ready: every member has its time from now on.
    pub fn resume(&mut self, desk: &mut Desk<'_, '_>) {
        let image = Arc::clone(&self.image);
        for (id, member) in image.members() {
            self.wait_for(id, member, desk);
            if member.state == MemberState::UnrevokedPartitions {
                self.await_revocation(id, member, desk);
            }
        }
    }

    /// The coordinator moves away. Whoever waits for an answer is told so with the records it waits for.
    pub fn unload(&mut self, desk: &mut Desk<'_, '_>) {
        for mut patience in std::mem::take(&mut self.patience).into_values() {
            patience.stop(desk);
        }
        self.looking.stop(desk);
    }

    /// A timer of it fired.
    pub fn on_timer(&mut self, kind: &TimerKind, desk: &mut Desk<'_, '_>) {
        match kind {
            TimerKind::Session { member } => self.drop_member(member, Gone::Silent, desk),
            TimerKind::Patterns => self.look_for_topics(desk),
            TimerKind::Revocation { member, epoch } => {
                // One that has got on meanwhile is not late.
                if self.image.member(member).is_some_and(|known| known.epoch == *epoch) {
                    self.drop_member(member, Gone::DidNotRevoke, desk);
                }
            }
            TimerKind::Pending { .. } | TimerKind::Join | TimerKind::Sync { .. } => {}
        }
    }

    /// Has a change kept, and becomes what it says. The answer waits for that, and for all that was written before.
    fn keep(
        &mut self,
        draft: Draft,
        answer: Option<(Origin, ConsumerGroupHeartbeatResponse)>,
        desk: &mut Desk<'_, '_>,
    ) {
        let before = std::mem::replace(&mut self.image, draft.image);
        let change = Change { before, after: Arc::clone(&self.image), answer };
        desk.keep(draft.records, Kept::Change(Box::new(change)));
    }

    /// A change is on all in-sync replicas, or is not.
    pub fn kept(&mut self, change: Change, outcome: Result<(), ErrorCode>, desk: &mut Desk<'_, '_>) {
        let Change { before, after, answer } = change;
        if let Err(error) = outcome
            && !is_in_log(error)
            && Arc::ptr_eq(&self.image, &after)
        {
            self.image = before;
            self.looking.forget();
            desk.say(GroupEvent::WriteFailed { group: Arc::clone(&desk.group), error: to_members(error) });
            self.measure_all(desk);
        }
        let Some((origin, response)) = answer else { return };
        match outcome {
            Ok(()) => desk.reply(origin, response),
            Err(error) => desk.reply(origin, heartbeat::refused(to_members(error), "")),
        }
    }

    /// The group is again as it was: who was let go too soon is waited for, and who never came is not.
    fn measure_all(&mut self, desk: &mut Desk<'_, '_>) {
        let image = Arc::clone(&self.image);
        for (id, member) in image.members().filter(|(id, _)| !self.patience.contains_key(*id)).collect::<Vec<_>>() {
            self.wait_for(id, member, desk);
        }
        let strangers: Vec<Arc<str>> = self.patience.keys().filter(|id| image.member(id).is_none()).cloned().collect();
        for id in strangers {
            self.stop_waiting_for(&id, desk);
        }
    }

    /// Begins to measure a member's silence anew, on the clock that it is known to live on.
    fn wait_for(&mut self, id: &Arc<str>, member: &Member, desk: &mut Desk<'_, '_>) {
        let clock = clock_of(&member.profile.client_host);
        let patience = self.patience.entry(Arc::clone(id));
        let session_timeout = session_timeout(desk.settings);
        let patience = patience.or_insert(Patience { clock, session: None, session_timeout, revocation: None });
        (patience.clock, patience.session_timeout) = (clock, session_timeout);
        desk.cancel(&mut patience.session);
        let kind = TimerKind::Session { member: Arc::clone(id) };
        patience.session = Some(desk.timer_on(clock, session_timeout, kind));
    }

    /// A member is to give partitions back: it has its rebalance time-out for that.
    fn await_revocation(&mut self, id: &Arc<str>, member: &Member, desk: &mut Desk<'_, '_>) {
        let Some(patience) = self.patience.get_mut(id) else { return };
        desk.cancel(&mut patience.revocation);
        if member.state == MemberState::UnrevokedPartitions {
            let kind = TimerKind::Revocation { member: Arc::clone(id), epoch: member.epoch };
            let after = millis(member.profile.rebalance_timeout_ms);
            patience.revocation = Some(desk.timer_on(patience.clock, after, kind));
        }
    }

    /// When a member has been silent for too long, and how long that is from when it spoke last.
    pub fn session_ends(&self, member: &str) -> Option<(TimerId, Duration)> {
        let patience = self.patience.get(member)?;
        Some((patience.session?, patience.session_timeout))
    }

    fn stop_waiting_for(&mut self, id: &str, desk: &mut Desk<'_, '_>) {
        if let Some(mut patience) = self.patience.remove(id) {
            patience.stop(desk);
        }
    }
}

impl Patience {
    fn stop(&mut self, desk: &mut Desk<'_, '_>) {
        desk.cancel(&mut self.session);
        desk.cancel(&mut self.revocation);
    }
}

fn check_epoch(member: &Member, epoch: i32) -> Result<(), ErrorCode> {
    if member.epoch == epoch { Ok(()) } else { Err(ErrorCode::STALE_MEMBER_EPOCH) }
}

/// How long a member may be silent: the setting, within its bounds.
fn session_timeout(settings: &Settings) -> Duration {
    let (least, most) =
        (settings.group_consumer_min_session_timeout_ms, settings.group_consumer_max_session_timeout_ms);
    millis(settings.group_consumer_session_timeout_ms.min(most).max(least))
}

/// How often members are to send heartbeats: the setting, within its bounds.
fn heartbeat_interval_ms(settings: &Settings) -> i32 {
    let (least, most) =
        (settings.group_consumer_min_heartbeat_interval_ms, settings.group_consumer_max_heartbeat_interval_ms);
    settings.group_consumer_heartbeat_interval_ms.min(most).max(least)
}

/// Whether records are in the log though they were not acknowledged: they may get to the in-sync replicas yet.
fn is_in_log(error: ErrorCode) -> bool {
    matches!(error, ErrorCode::REQUEST_TIMED_OUT | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND)
}

/// What members are told when the log did not take what they said (`GroupCoordinatorService.handleOperationException`).
fn to_members(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::REQUEST_TIMED_OUT => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        error => not_kept(error, ErrorCode::UNKNOWN_SERVER_ERROR),
    }
}

/// Whether a record says something of a group of KIP-848, so that there is one from it on.
pub fn begins(record: &GroupRecord) -> bool {
    matches!(
        record,
        GroupRecord::ConsumerGroupMetadata { value: Some(_), .. }
            | GroupRecord::ConsumerGroupPartitionMetadata { value: Some(_), .. }
            | GroupRecord::ConsumerGroupRegularExpression { value: Some(_), .. }
            | GroupRecord::ConsumerGroupMemberMetadata { value: Some(_), .. }
            | GroupRecord::ConsumerGroupTargetAssignmentMetadata { value: Some(_), .. }
            | GroupRecord::ConsumerGroupTargetAssignmentMember { value: Some(_), .. }
            | GroupRecord::ConsumerGroupCurrentMemberAssignment { value: Some(_), .. }
    )
}

/// The topics that members want and that are there. A broker that has begun to coordinate before the controller told it of the
/// cluster's topics goes by what the log says.
fn topics_of(image: &Image, desk: &Desk<'_, '_>) -> BTreeMap<Arc<str>, Topic> {
    if !desk.metadata.topics.contains_key(CONSUMER_OFFSETS) {
        return image.topics.clone();
    }
    let wanted: BTreeSet<&Arc<str>> = image.subscribed();
    let of = |name: &Arc<str>| {
        let meta = desk.metadata.topics.get(name)?;
        let partitions = i32::try_from(meta.partitions.len()).ok()?;
        Some((Arc::clone(name), Topic { id: meta.id, partitions }))
    };
    wanted.into_iter().filter_map(of).collect()
}

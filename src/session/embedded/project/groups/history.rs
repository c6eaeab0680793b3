//! What changed with each generation of a group: who had what before and after, why, and what it cost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::events::group_words;
use super::partitions_of;
use super::tags::Tags;
use crate::engine::assignor::assigned_partitions;
use crate::engine::context::Id;
use crate::engine::event::group::{ConsumerGroupEvent, Gone, Why};
use crate::engine::event::{ClientEvent, GroupEvent};
use crate::engine::group::classic::{ClassicGroup, Member, State};
use crate::session::snapshot::{Deliveries, Generation, Group, Rebalance, TopicPartition};

/// For how long after an assignment a partition that nobody reads counts as stopped by it, in microseconds of lab time.
const SETTLES_US: u64 = 5_000_000;

/// Who has what, by member id.
pub(super) type Owned = Vec<(Arc<str>, Vec<TopicPartition>)>;

/// The same, to look a member up in.
pub(super) type ByMember<'a> = BTreeMap<&'a str, &'a [TopicPartition]>;

/// Who has what, to look each of hundreds of members up.
pub(super) fn by_member(owned: Option<&Owned>) -> ByMember<'_> {
    owned.into_iter().flatten().map(|(member, partitions)| (&**member, &**partitions)).collect()
}

/// See the [module](self).
#[derive(Default)]
pub(super) struct History {
    /// Newest first.
    kept: Arc<[Generation]>,
    under_way: Option<Rebalance>,
    /// The assignment in force, or the one that ends, with its generation.
    current: Option<(i32, Owned)>,
    /// The one before that.
    previous: Option<Owned>,
    /// The assignor of the generation that is being formed, and when its members had met.
    formed: Option<(Arc<str>, u64)>,
    /// Whether anything was assigned when the last rebalance began.
    read_before: bool,
    /// What was seen to stand since the last rebalance began, and how long at most.
    stopped: BTreeSet<TopicPartition>,
    stopped_ms: u64,
    /// How many partitions built-in members gave up that nobody has taken yet, and when, oldest first.
    given_up: VecDeque<(u64, u32)>,
    /// How many were taken over in the newest generation, and how long that took at most, in milliseconds: two looks may
    /// be too far apart to see it.
    taken_over: (u32, u64),
    /// When a member of a group of KIP-848 last came a step further.
    reconciled_us: u64,
    /// The tags of built-in members that have not polled in time, and are about to be gone for that.
    behind: BTreeSet<Arc<str>>,
    /// Records that were processed again, and lost ones: when the newest generation began, and by now.
    uneven: [(u64, u64); 2],
}

impl History {
    /// The generations, newest first.
    pub(super) fn shared(&self) -> Arc<[Generation]> {
        Arc::clone(&self.kept)
    }

    /// The rebalance that is under way.
    pub(super) fn under_way(&self) -> Option<Rebalance> {
        self.under_way.clone()
    }

    /// What was assigned last: in force, or ending.
    pub(super) fn current(&self) -> Option<&Owned> {
        self.current.as_ref().map(|(_, owned)| owned)
    }

    /// What was assigned before that.
    pub(super) fn previous(&self) -> Option<&Owned> {
        self.previous.as_ref()
    }

    /// Takes up an event, by its number and its time.
    pub(super) fn take(&mut self, told: &GroupEvent, (id, at_us): (Id, u64), tags: &mut Tags) {
        match told {
            GroupEvent::RebalanceBegan { why, .. } => self.begin(why, (id, at_us), tags),
            GroupEvent::Consumer { event, .. } => self.take_of_consumers(event, (id, at_us), tags),
            GroupEvent::GenerationFormed { members, protocol, .. } => {
                self.formed = Some((Arc::clone(protocol), at_us));
                for member in members {
                    tags.of_new(member);
                }
            }
            GroupEvent::Assigned { generation, assignment, .. } => {
                let owned: Owned =
                    assignment.iter().map(|(member, ids)| (Arc::clone(member), partitions_of(ids))).collect();
                self.remember((*generation, Some(at_us)), at_us, &owned, tags);
                self.replace(*generation, owned);
            }
            GroupEvent::Emptied { generation, .. } => {
                self.given_up.clear();
                if self.current().is_some_and(|owned| !owned.is_empty()) {
                    self.remember((*generation, Some(at_us)), at_us, &Vec::new(), tags);
                }
                self.under_way = None;
                self.replace(*generation, Vec::new());
            }
            GroupEvent::MemberReplaced { old, new, .. } => {
                tags.rename(old, new);
                let all = self.current.iter_mut().map(|(_, owned)| owned).chain(&mut self.previous);
                for (member, _) in all.flatten().filter(|(member, _)| member == old) {
                    *member = Arc::clone(new);
                }
            }
            _ => {}
        }
    }

    /// A built-in member gave up partitions, or got some.
    pub(super) fn changed_hands(&mut self, told: &ClientEvent, at_us: u64) {
        match told {
            ClientEvent::PartitionsRevoked { partitions } if self.given_up.len() < Group::MAX_MEMBERS => {
                self.given_up.push_back((at_us, *partitions));
            }
            ClientEvent::PartitionsAssigned { partitions } => {
                let mut left = *partitions;
                while let Some((since_us, waiting)) = self.given_up.front_mut().filter(|_| left > 0) {
                    let taken = left.min(*waiting);
                    let ms = at_us.saturating_sub(*since_us) / 1_000;
                    self.taken_over = (self.taken_over.0 + taken, self.taken_over.1.max(ms));
                    left -= taken;
                    *waiting -= taken;
                    if *waiting == 0 {
                        self.given_up.pop_front();
                    }
                }
            }
            _ => {}
        }
    }

    /// A built-in member has not polled for `max.poll.interval.ms`: that is why it leaves, or falls silent.
    pub(super) fn fell_behind(&mut self, tag: Option<&Arc<str>>) {
        self.behind.extend(tag.filter(|_| self.behind.len() < Group::MAX_MEMBERS).cloned());
    }

    fn begin(&mut self, why: &Why, (id, at_us): (Id, u64), tags: &mut Tags) {
        self.read_before = self.current().is_some_and(|owned| owned.iter().any(|(_, all)| !all.is_empty()));
        self.stopped.clear();
        self.stopped_ms = 0;
        let why = match why {
            Why::Gone(member, Gone::Left | Gone::Silent) if self.behind.remove(&tags.of_new(member)) => {
                format!("{} was stuck", tags.of_new(member))
            }
            Why::Joins(member) => {
                self.behind.remove(&tags.of_new(member));
                reason(why, tags)
            }
            why => reason(why, tags),
        };
        self.under_way = Some(Rebalance { began_us: at_us, why: why.into(), event: id });
    }

    /// In a group of KIP-848 an epoch is what a generation is; its assignment is there at once, and followed after.
    fn take_of_consumers(&mut self, told: &ConsumerGroupEvent, (id, at_us): (Id, u64), tags: &mut Tags) {
        match told {
            ConsumerGroupEvent::EpochRaised { why, .. } => self.begin(why, (id, at_us), tags),
            ConsumerGroupEvent::TargetAssigned { epoch, assignor, assignment } => {
                let owned: Owned =
                    assignment.iter().map(|(member, ids)| (Arc::clone(member), partitions_of(ids))).collect();
                let under_way = self.under_way.clone();
                self.formed = Some((Arc::clone(assignor), at_us));
                self.remember((*epoch, None), at_us, &owned, tags);
                self.replace(*epoch, owned);
                (self.under_way, self.reconciled_us) = (under_way, at_us);
            }
            ConsumerGroupEvent::Reconciled { .. } => self.reconciled_us = at_us,
            _ => {}
        }
    }

    /// All members of a group of KIP-848 have what they are to have.
    pub(super) fn settle(&mut self) {
        self.under_way = None;
        let reconciled_us = self.reconciled_us;
        self.edit_newest(|newest| {
            newest.settled_us.get_or_insert(reconciled_us.max(newest.at_us));
        });
    }

    /// When the newest generation began, or when all had taken it up, as far as that was seen.
    pub(super) fn newest_us(&self) -> u64 {
        self.kept.first().map_or(0, |newest| newest.settled_us.unwrap_or(newest.at_us))
    }

    /// The assignor of the newest generation.
    pub(super) fn assignor(&self) -> Option<Arc<str>> {
        self.kept.first().map(|newest| Arc::clone(&newest.assignor))
    }

    /// The same for a group of KIP-848, whose newest target is of this epoch.
    pub(super) fn catch_up_to(&mut self, epoch: i32, target: impl FnOnce() -> Owned) {
        if self.current.as_ref().is_none_or(|(known, _)| *known < epoch) {
            self.replace(epoch, target());
        }
    }

    /// What the group has itself, where the events that led there were not seen: it was read from the log.
    pub(super) fn catch_up(&mut self, classic: &ClassicGroup) {
        let known = self.current.as_ref().map(|(generation, _)| *generation);
        if classic.state() == State::Stable && known != Some(classic.generation()) {
            let owned = classic.members().map(|(id, member)| (Arc::clone(id), assigned(member)));
            self.replace(classic.generation(), owned.collect());
        }
    }

    /// Counts what nobody reads because of the last rebalance.
    pub(super) fn note_stops<'a>(&mut self, unread: impl Iterator<Item = (&'a TopicPartition, u64)>, now_us: u64) {
        // Before the first generation nobody read: nothing stopped.
        if !self.read_before {
            return;
        }
        let newest = self.kept.first();
        let settles =
            newest.is_some_and(|newest| now_us < self.newest_us().max(newest.at_us).saturating_add(SETTLES_US));
        if self.under_way.is_none() && !settles {
            return;
        }
        for (at, unread_ms) in unread {
            self.stopped.insert(at.clone());
            self.stopped_ms = self.stopped_ms.max(unread_ms);
        }
        let stopped = super::count(self.stopped.len()).max(self.taken_over.0);
        let stopped_ms = self.stopped_ms.max(self.taken_over.1);
        if self.under_way.is_none() {
            self.edit_newest(|newest| (newest.stopped, newest.stopped_ms) = (stopped, stopped_ms));
        }
    }

    /// Counts what was processed again, and what was lost, since the newest generation began.
    pub(super) fn note_deliveries(&mut self, now: &Deliveries) {
        self.uneven[1] = (now.again, now.lost);
        let [(again, lost), _] = self.uneven;
        let since = (now.again.saturating_sub(again), now.lost.saturating_sub(lost));
        self.edit_newest(|newest| (newest.again, newest.lost) = since);
    }

    /// Changes the newest generation, if that is a change.
    fn edit_newest(&mut self, edit: impl FnOnce(&mut Generation)) {
        let Some(newest) = self.kept.first() else { return };
        let mut changed = newest.clone();
        edit(&mut changed);
        if changed != *newest {
            let older = self.kept.iter().skip(1).cloned();
            self.kept = std::iter::once(changed).chain(older).collect();
        }
    }

    fn replace(&mut self, generation: i32, owned: Owned) {
        self.previous = self.current.take().map(|(_, owned)| owned);
        self.current = Some((generation, owned));
    }

    fn remember(&mut self, (generation, settled_us): (i32, Option<u64>), at_us: u64, owned: &Owned, tags: &mut Tags) {
        let (why, formed) = (self.under_way.take(), self.formed.take());
        self.taken_over = (0, 0);
        // What was given up before this rebalance, and never taken by one of the lab's own, somebody outside has.
        let began_us = self.kept.first().and_then(|before| before.began_us).unwrap_or(0);
        self.given_up.retain(|(since_us, _)| *since_us >= began_us);
        self.uneven[0] = self.uneven[1];
        let tagged = owned.iter().flat_map(|(member, ids)| {
            let tag = tags.of_new(member);
            ids.iter().map(move |at| (at.clone(), Arc::clone(&tag))).collect::<Vec<_>>()
        });
        let mut owners: Vec<_> = tagged.collect();
        owners.sort();
        owners.truncate(Group::MAX_PARTITIONS);
        let newest = Generation {
            generation,
            at_us,
            settled_us,
            began_us: why.as_ref().map(|why| why.began_us),
            event: why.as_ref().map(|why| why.event),
            why: why.map(|why| why.why).unwrap_or_default(),
            formed_us: formed.as_ref().map(|(_, at_us)| *at_us),
            assignor: formed.map(|(assignor, _)| assignor).unwrap_or_default(),
            members: super::count(owned.len()),
            owners,
            stopped: super::count(self.stopped.len()),
            stopped_ms: self.stopped_ms,
            again: 0,
            lost: 0,
        };
        let older = self.kept.iter().take(Group::MAX_HISTORY - 1).cloned();
        self.kept = std::iter::once(newest).chain(older).collect();
    }
}

/// What a member was assigned, in order; nothing where it cannot be read.
fn assigned(member: &Member) -> Vec<TopicPartition> {
    let mut all = partitions_of(&assigned_partitions(&member.assignment));
    all.sort();
    all
}

/// Why a rebalance begins, by the members' tags.
fn reason(why: &Why, tags: &mut Tags) -> String {
    match why {
        Why::Joins(member) => format!("{} joins", tags.of_new(member)),
        Why::Rejoins { member, reason } if reason.is_empty() => format!("{} joins again", tags.of_new(member)),
        Why::Rejoins { member, reason } => format!("{} joins again: {reason}", tags.of_new(member)),
        Why::Gone(member, Gone::Left) => format!("{} left", tags.of_new(member)),
        Why::Gone(member, Gone::Silent) => format!("{} fell silent", tags.of_new(member)),
        Why::Gone(member, why) => format!("{} is gone: {}", tags.of_new(member), group_words::gone(*why)),
        Why::Subscribes(member) => format!("{} wants other topics", tags.of_new(member)),
        Why::NoSync(_) | Why::NotKept(_) | Why::TopicsChanged => group_words::reason(why),
    }
}

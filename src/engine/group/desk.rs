//! What a group works with: the step's context, the settings, and a list of what the broker is to do for it.

use std::sync::Arc;
use std::time::Duration;

use super::GroupRecord;
use super::classic::Replacement;
use super::consumer::Change;
use super::offsets::Commit;
use crate::engine::broker::BrokerTimer;
use crate::engine::broker::connection::Origin;
use crate::engine::broker::metadata::MetadataCache;
use crate::engine::context::{Context, Timer, TimerId};
use crate::engine::event::group::ConsumerGroupEvent;
use crate::engine::event::{EventKind, GroupEvent};
use crate::engine::settings::Settings;
use crate::engine::time::Clock;
use crate::protocol::Response;

/// The address of clients that are nodes of the lab, as `DescribeGroups` shows it and the log keeps it (deviation: lab-host).
pub const LAB_HOST: &str = "/lab";

/// The clock that the patience of a member at this address is measured on: the log says where it lives, and not on which
/// clock that is.
pub(super) fn clock_of(host: &str) -> Clock {
    if host == LAB_HOST { Clock::Lab } else { Clock::Outside }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Where the answer goes.
    pub origin: Origin,
    /// Its address, as `DescribeGroups` shows it.
    pub host: Arc<str>,
}

/// What a group wants of its broker.
#[derive(Debug)]
pub enum Wish {
    /// Answer a request.
    Reply(Origin, Response),
    /// Keep records.
    Write(Write),
}

/// Records for the group's partition of `__consumer_offsets`: one batch.
#[derive(Debug)]
pub struct Write {
    /// Whose.
    pub group: Arc<str>,
    /// What.
    pub records: Vec<GroupRecord>,
    /// What follows once they are kept.
    pub then: Kept,
}

/// What follows once records are on all in-sync replicas.
#[derive(Clone, Debug)]
pub enum Kept {
    /// Nothing: whoever caused them waits for nothing.
    Nothing,
    /// The offsets count, and their owner is answered.
    Commit(Commit),
    /// The members get their assignment.
    Assignment {
        /// Of which generation.
        generation: i32,
    },
    /// A static member is told that it takes its predecessor's place.
    Replacement(Box<Replacement>),
    /// A group of KIP-848 is as its records say; whoever caused that is told.
    Change(Box<Change>),
}

/// A timer of a group's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTimer {
    /// The partition of `__consumer_offsets`.
    pub partition: i32,
    /// The group.
    pub group: Arc<str>,
    /// What it says.
    pub kind: TimerKind,
}

/// What a group's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// A member was silent for its session's time-out.
    Session {
        /// Which.
        member: Arc<str>,
    },
    /// A member that was given an id did not join with it.
    Pending {
        /// Which.
        member: Arc<str>,
    },
    /// The members have had their time to join.
    Join,
    /// The members have had their time to ask for their assignment.
    Sync {
        /// Of which generation.
        generation: i32,
    },
    /// What the patterns of a group's members stand for is to be looked for.
    Patterns,
    /// A member of a group of KIP-848 has had its time to give partitions back.
    Revocation {
        /// Which.
        member: Arc<str>,
        /// The epoch that it was at.
        epoch: i32,
    },
}

/// See the [module](self).
pub struct Desk<'a, 'c> {
    /// The step's context.
    pub ctx: &'a mut Context<'c>,
    /// The coordinator's settings.
    pub settings: &'a Settings,
    /// What the coordinator knows of the cluster's topics.
    pub metadata: Arc<MetadataCache>,
    /// The group's partition of `__consumer_offsets`.
    pub partition: i32,
    /// The group that works here.
    pub group: Arc<str>,
    /// What the broker is to do, in this order.
    pub wishes: Vec<Wish>,
}

impl Desk<'_, '_> {
    /// Answers a request.
    pub fn reply(&mut self, origin: Origin, response: impl Into<Response>) {
        self.wishes.push(Wish::Reply(origin, response.into()));
    }

    /// Has records kept. Where there are none, what follows waits for those that were written before.
    pub fn keep(&mut self, records: Vec<GroupRecord>, then: Kept) {
        self.wishes.push(Wish::Write(Write { group: Arc::clone(&self.group), records, then }));
    }

    /// Sets a timer on the clock of this step.
    pub fn timer(&mut self, after: Duration, kind: TimerKind) -> TimerId {
        let timer = GroupTimer { partition: self.partition, group: Arc::clone(&self.group), kind };
        self.ctx.timer(after, Timer::Broker(BrokerTimer::Group(timer)))
    }

    /// Sets a timer on `clock`: that of the member whose patience it measures. What it does when it fires has no cause but
    /// itself.
    pub fn timer_on(&mut self, clock: Clock, after: Duration, kind: TimerKind) -> TimerId {
        let timer = GroupTimer { partition: self.partition, group: Arc::clone(&self.group), kind };
        let before = std::mem::replace(&mut self.ctx.clock, clock);
        let id = self.ctx.routine(after, Timer::Broker(BrokerTimer::Group(timer)));
        self.ctx.clock = before;
        id
    }

    /// Takes a timer back, if it was set.
    pub fn cancel(&mut self, timer: &mut Option<TimerId>) {
        if let Some(id) = timer.take() {
            self.ctx.cancel(id);
        }
    }

    /// Says that something happened; what follows is caused by it.
    pub fn say(&mut self, event: GroupEvent) {
        self.ctx.emit(EventKind::Group(event));
    }

    /// Says that something happened to a group of KIP-848.
    pub fn say_of_consumers(&mut self, event: ConsumerGroupEvent) {
        self.say(GroupEvent::Consumer { group: Arc::clone(&self.group), event });
    }

    /// The date, ms since 1970.
    pub fn date_ms(&self) -> i64 {
        self.ctx.now.date_ms()
    }
}

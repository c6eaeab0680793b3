//! What a client knows of the cluster: brokers, controller, who leads the partitions of its topics; and when to ask
//! again. As Java's `Metadata`: an answer that knows an older leader epoch does not overrule a newer one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::link::Links;
use crate::engine::context::Context;
use crate::engine::message::Lane;
use crate::engine::node::BrokerId;
use crate::engine::time::Time;
use crate::protocol::metadata::{MetadataRequestTopic, MetadataResponseTopic};
use crate::protocol::{MetadataRequest, MetadataResponse};

/// The version that is spoken.
const VERSION: i16 = 12;
/// `retry.backoff.max.ms`: the wait between two questions doubles up to this.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A partition's leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leader {
    /// Who; `None` where there is none at the moment.
    pub(super) leader: Option<BrokerId>,
    /// In which epoch; -1 for not known.
    pub(super) epoch: i32,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Topic {
    /// Its id.
    pub(super) id: Uuid,
    /// Its partitions.
    pub(super) partitions: BTreeMap<i32, Leader>,
}

/// A partition that is led by another broker than was known before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The topic.
    pub(super) topic: Arc<str>,
    /// The partition.
    pub(super) partition: i32,
    /// The new leader.
    pub(super) leader: BrokerId,
}

/// What came of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Partitions with a new leader, that had another before.
    pub(super) moved: Vec<Moved>,
    /// Topics that were deleted and created again: their names.
    pub(super) recreated: Vec<Arc<str>>,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    names: Vec<Arc<str>>,
    bootstrap: Vec<BrokerId>,
    brokers: Vec<BrokerId>,
    controller: Option<BrokerId>,
    topics: BTreeMap<Arc<str>, Topic>,
    /// Whom it was asked of, until the answer is there.
    asked: bool,
    stale: bool,
    fetched: Time,
    /// Answers in a row that did not tell everything.
    attempts: u32,
    not_before: Time,
    turn: usize,
    backoff: Duration,
    max_age: Duration,
}

impl Metadata {
    pub(super) fn new(names: Vec<Arc<str>>, bootstrap: Vec<BrokerId>, backoff: Duration, max_age: Duration) -> Self {
        Self {
            names,
            bootstrap,
            brokers: Vec::new(),
            controller: None,
            topics: BTreeMap::new(),
            asked: false,
            stale: true,
            fetched: Time::ZERO,
            attempts: 0,
            not_before: Time::ZERO,
            turn: 0,
            backoff,
            max_age,
        }
    }

    /// These topics are wanted too. Returns whether that is news: they are asked for then.
    pub(super) fn want<'a>(&mut self, topics: impl Iterator<Item = &'a Arc<str>>) -> bool {
        let known = self.names.len();
        for topic in topics {
            if !self.names.contains(topic) {
                self.names.push(Arc::clone(topic));
            }
        }
        let news = self.names.len() > known;
        self.stale |= news;
        news
    }

    /// What is known is no longer true: asked again soon.
    pub(super) fn outdated(&mut self) {
        self.stale = true;
    }

    /// Whether everything is known, and nothing speaks against it.
    pub(super) fn is_settled(&self) -> bool {
        !self.asked && !self.stale
    }

    /// No answer will come.
    pub(super) fn failed(&mut self) {
        self.asked = false;
    }

    /// Asks, if it is time to. `about` marks the request.
    pub(super) fn ask_if_due<T>(&mut self, links: &mut Links<T>, about: T, ctx: &mut Context<'_>) {
        if self.asked || self.next_ask() > ctx.now.lab {
            return;
        }
        let Some(broker) = self.any_broker(links, ctx.now.lab) else {
            self.stale = true;
            self.not_before = ctx.now.lab + self.backoff;
            return;
        };
        let name = |name: &Arc<str>| MetadataRequestTopic { name: Some(Arc::clone(name)), ..Default::default() };
        let request = MetadataRequest {
            topics: Some(self.names.iter().map(name).collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        self.asked = true;
        links.ask((broker, Lane::METADATA), VERSION, request.into(), about, ctx);
    }

    /// When it is time to ask; [`Time::NEVER`] while an answer is waited for.
    pub(super) fn next_ask(&self) -> Time {
        if self.asked {
            Time::NEVER
        } else if self.stale {
            self.not_before
        } else {
            self.fetched + self.max_age
        }
    }

    /// Some broker to ask something that all can answer: another one each time, of those that may be tried.
    pub(super) fn any_broker<T>(&mut self, links: &Links<T>, now: Time) -> Option<BrokerId> {
        let all: BTreeSet<BrokerId> = self.brokers.iter().chain(&self.bootstrap).copied().collect();
        let may: Vec<BrokerId> = all.into_iter().filter(|b| links.not_before(*b, Lane::METADATA) <= now).collect();
        self.turn = self.turn.wrapping_add(1);
        may.get(self.turn.checked_rem(may.len())?).copied()
    }

    /// Takes up an answer.
    pub(super) fn update(&mut self, response: MetadataResponse, now: Time) -> News {
        self.asked = false;
        self.fetched = now;
        self.brokers = response.brokers.iter().map(|broker| BrokerId(broker.node_id)).collect();
        self.controller = (response.controller_id >= 0).then_some(BrokerId(response.controller_id));
        let mut news = News::default();
        for topic in response.topics {
            self.update_topic(topic, &mut news);
        }
        let whole = |name: &Arc<str>| {
            let topic = self.topics.get(name);
            topic.is_some_and(|t| !t.partitions.is_empty() && t.partitions.values().all(|p| p.leader.is_some()))
        };
        self.stale = !self.names.iter().all(whole);
        self.attempts = if self.stale { self.attempts + 1 } else { 0 };
        let wait = self.backoff.saturating_mul(1 << self.attempts.saturating_sub(1).min(10)).min(BACKOFF_MAX);
        self.not_before = now + wait.max(self.backoff);
        news
    }

    fn update_topic(&mut self, told: MetadataResponseTopic, news: &mut News) {
        let Some(name) = told.name else { return };
        let known = self.topics.entry(Arc::clone(&name)).or_default();
        if told.partitions.is_empty() {
            // It is gone, or not there yet. What it was is kept: it tells a new topic of this name from the old one.
            for partition in known.partitions.values_mut() {
                partition.leader = None;
            }
            return;
        }
        if known.id != told.topic_id {
            if !known.id.is_nil() {
                news.recreated.push(Arc::clone(&name));
            }
            *known = Topic { id: told.topic_id, partitions: BTreeMap::new() };
        }
        for told in told.partitions {
            let leader = (told.leader_id >= 0).then_some(BrokerId(told.leader_id));
            let partition = told.partition_index;
            let new = Leader { leader, epoch: told.leader_epoch };
            let before = known.partitions.get(&partition).copied();
            if before.is_some_and(|before| new.epoch < before.epoch) {
                continue;
            }
            known.partitions.insert(partition, new);
            if let (Some(leader), Some(before)) = (leader, before)
                && (before.leader != Some(leader))
            {
                news.moved.push(Moved { topic: Arc::clone(&name), partition, leader });
            }
        }
    }

    /// The controller, as the last answer named it.
    pub(super) fn controller(&self) -> Option<BrokerId> {
        self.controller
    }

    /// How many brokers live, as the last answer had it.
    pub(super) fn brokers(&self) -> usize {
        self.brokers.len()
    }

    /// A topic, if it was found.
    pub(super) fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name).filter(|topic| !topic.partitions.is_empty())
    }

    /// A topic by its id.
    pub(super) fn name_of(&self, id: Uuid) -> Option<&Arc<str>> {
        self.topics.iter().find(|(_, topic)| topic.id == id).map(|(name, _)| name)
    }

    /// The id of a topic; nil where it is not known.
    pub(super) fn id_of(&self, topic: &str) -> Uuid {
        self.topics.get(topic).map_or_else(Uuid::nil, |topic| topic.id)
    }

    /// A partition's leader.
    pub(super) fn leader(&self, topic: &str, partition: i32) -> Option<Leader> {
        self.topics.get(topic)?.partitions.get(&partition).copied()
    }
}

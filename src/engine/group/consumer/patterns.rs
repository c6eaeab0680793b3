//! Which topics the patterns stand for that members subscribe to.
//!
//! Looking for them takes all topics of the cluster, so it is work of its own: a heartbeat has it done, and is answered
//! without waiting for it. What is found is in the log, one record for each pattern, and raises the group's epoch where it is
//! something else than before. All patterns of a group are looked for together, at most every ten seconds:
//!
//! - as soon as a member brings a pattern that nobody had;
//! - when there are new topics. (Those that are gone the group drops as it does those that were named.)
//!
//! Internal topics are not left out. Sources: `GroupMetadataManager` of Kafka 4.1, and a running one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::desk::{Desk, TimerKind};
use super::super::pattern::Pattern;
use super::ConsumerGroup;
use super::heartbeat::raise_epoch;
use super::image::{Image, Resolved};
use super::records::Draft;
use crate::engine::broker::metadata::MetadataCache;
use crate::engine::context::TimerId;
use crate::engine::event::group::{ConsumerGroupEvent, Why};
use crate::engine::topic_name::CONSUMER_OFFSETS;

/// How long what was found stands, whatever happens (`REGEX_BATCH_REFRESH_MIN_INTERVAL_MS`).
const INTERVAL_MS: i64 = 10_000;

/// What a coordinator remembers of its looking for topics.
#[derive(Clone, Debug, Default)]
pub(super) struct Looking {
    /// It is about to look.
    timer: Option<TimerId>,
    /// The topics among which it has looked, once it has.
    seen: Option<Arc<MetadataCache>>,
}

impl Looking {
    pub(super) fn stop(&mut self, desk: &mut Desk<'_, '_>) {
        desk.cancel(&mut self.timer);
        self.forget();
    }

    /// What was found may not be in the log: it looks again.
    pub(super) fn forget(&mut self) {
        self.seen = None;
    }

    /// Whether there are topics that it has not seen.
    fn misses_topics(&self, now: &Arc<MetadataCache>) -> bool {
        let is_new = |seen: &Arc<MetadataCache>| now.topics.keys().any(|name| !seen.topics.contains_key(name));
        self.seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, now) && is_new(seen))
    }
}

impl ConsumerGroup {
    /// Has the topics looked for that patterns stand for, if it is time for that.
    pub(super) fn look_if_due(&mut self, desk: &mut Desk<'_, '_>) {
        let image = &self.image;
        let patterns = image.subscribed_patterns();
        // One that has begun to coordinate before it was told of the cluster's topics waits for that.
        let knows_topics = desk.metadata.topics.contains_key(CONSUMER_OFFSETS);
        if patterns.is_empty() || self.looking.timer.is_some() || !knows_topics {
            return;
        }
        let last_ms = image.patterns.values().map(|resolved| resolved.at_ms).max();
        if last_ms.is_some_and(|last_ms| desk.date_ms() <= last_ms.saturating_add(INTERVAL_MS)) {
            return;
        }
        let is_new = patterns.iter().any(|pattern| !image.patterns.contains_key(&***pattern));
        if is_new || self.looking.misses_topics(&desk.metadata) {
            self.looking.timer = Some(desk.timer(Duration::ZERO, TimerKind::Patterns));
        }
    }

    /// Looks for the topics that patterns stand for. Whoever wants others now hears of it by the next heartbeat.
    pub(super) fn look_for_topics(&mut self, desk: &mut Desk<'_, '_>) {
        self.looking = Looking { timer: None, seen: Some(Arc::clone(&desk.metadata)) };
        let mut draft = Draft::new(&desk.group, &self.image);
        let mut changed = false;
        for (pattern, topics) in found(&self.image, &desk.metadata) {
            if self.image.patterns.get(&pattern).map_or(&BTreeSet::new(), |known| &known.topics) != &topics {
                changed = true;
                let (pattern, topics) = (Arc::clone(&pattern), topics.iter().cloned().collect());
                desk.say_of_consumers(ConsumerGroupEvent::PatternResolved { pattern, topics });
            }
            draft.pattern(&pattern, Some(&Resolved { topics, at_ms: desk.date_ms() }));
        }
        raise_epoch(&mut draft, changed.then_some(Why::TopicsChanged), desk);
        if !draft.records.is_empty() {
            self.keep(draft, None, desk);
        }
    }
}

/// The topics that each pattern of a group stands for. What is no pattern (somebody else wrote it into the log) stands for
/// none.
fn found(image: &Image, metadata: &MetadataCache) -> Vec<(Arc<str>, BTreeSet<Arc<str>>)> {
    let topics = |pattern: &str| match Pattern::compile(pattern) {
        Ok(pattern) => metadata.topics.keys().filter(|name| pattern.matches(name)).cloned().collect(),
        Err(_) => BTreeSet::new(),
    };
    image.subscribed_patterns().into_iter().map(|pattern| (Arc::clone(pattern), topics(pattern))).collect()
}

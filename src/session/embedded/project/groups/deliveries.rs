//! What became of a group's records: from the books of its built-in members, with the keys from the leaders' logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Look;
use super::lanes::Lanes;
use super::tags::Tags;
use crate::engine::client::{Client, Consumer, Departed, Membership, deliveries};
use crate::engine::replica::TopicPartition as ReplicaId;
use crate::protocol::records::records_of;
use crate::session::snapshot::{DeliveredBy, Deliveries, DeliveryRun, Fate, GroupPartition, TopicPartition};

/// Of how many offsets the keys are looked for.
const KEYS_FROM: i64 = 64;
/// How much of a key is shown.
const KEY_CHARS: usize = 24;

/// Who had to do with a run, of those that ended so long ago that they are not known by name any more.
const EARLIER: &str = "earlier ones";

/// The built-in members of a group, and what those left that are not kept any more.
pub(super) type Members<'a> = (&'a [&'a Client], Option<&'a Departed>);

/// Where a run begins: partition, topic id, offset.
type Place = (TopicPartition, Uuid, i64);

/// What is remembered from look to look: the books are held against each other once in a cell of the lanes.
#[derive(Default)]
pub(super) struct Books {
    cell: Option<u64>,
    shown: Arc<Deliveries>,
    /// Keys that were read, by partition, topic id and first offset of the run, and how long the run was then: a record does
    /// not change.
    keys: BTreeMap<Place, (i64, Vec<Arc<str>>)>,
}

/// A partition that the group reads, and of which topic of that name.
#[derive(Clone, Copy)]
struct Of<'a> {
    at: &'a TopicPartition,
    topic_id: Uuid,
}

impl Books {
    /// As it is now.
    pub(super) fn look(
        &mut self,
        (members, departed): Members<'_>,
        partitions: &[GroupPartition],
        tags: &Tags,
        look: &Look<'_>,
    ) -> Arc<Deliveries> {
        let cell = Some(Lanes::cell(look.now.lab.0));
        if members.is_empty() && departed.is_none() || self.cell == cell {
            return Arc::clone(&self.shown);
        }
        self.cell = cell;
        let all = deliveries(members, departed);
        let mut found = Deliveries::default();
        let mut runs: Vec<(Fate, Of<'_>, u64, u64)> = Vec::new();
        for partition in partitions {
            let at = &partition.at;
            let Some(topic_id) = look.topics.get(&at.topic).and_then(|topic| topic.id) else { continue };
            let Some(delivery) = all.get(&(Arc::clone(&at.topic), topic_id, at.partition)) else { continue };
            let lost = delivery.lost(partition.committed.unwrap_or(0));
            found.again += delivery.again.len();
            found.once += delivery.processed.len() - delivery.again.len();
            found.lost += lost.iter().map(|(first, last)| last - first + 1).sum::<u64>();
            let of = Of { at, topic_id };
            runs.extend(lost.into_iter().map(|(first, last)| (Fate::Lost, of, first, last)));
            runs.extend(delivery.again.intervals().map(|(first, last)| (Fate::Again, of, first, last)));
        }
        // The newest of a partition first.
        runs.sort_by_key(|(fate, of, first, _)| (*fate, of.at, std::cmp::Reverse(*first)));
        found.more = super::count(runs.len().saturating_sub(Deliveries::MAX_RUNS));
        runs.truncate(Deliveries::MAX_RUNS);
        let mut keys = std::mem::take(&mut self.keys);
        for (fate, of, first, last) in runs {
            let (from, to) = (i64::try_from(first).unwrap_or(i64::MAX), i64::try_from(last).unwrap_or(i64::MAX));
            let place = (of.at.clone(), of.topic_id, from);
            // A run that grows at its end keeps its first keys.
            let is_long = |seen: i64| seen.saturating_sub(from) >= KEYS_FROM;
            let known = keys.remove(&place).filter(|(seen, _)| *seen == to || is_long(*seen));
            let known = known.map_or_else(|| self::keys(of.at, (from, to), look), |(_, known)| known);
            self.keys.insert(place, (to, known.clone()));
            let by = by((members, departed), &of, (first, last), fate, tags);
            found.runs.push(DeliveryRun { fate, at: of.at.clone(), first: from, last: to, keys: known, by });
        }
        if *self.shown != found {
            self.shown = Arc::new(found);
        }
        Arc::clone(&self.shown)
    }
}

/// Who had to do with these records.
fn by(
    (members, departed): Members<'_>,
    of: &Of<'_>,
    (first, last): (u64, u64),
    fate: Fate,
    tags: &Tags,
) -> Vec<DeliveredBy> {
    let has = |member: &Membership| match fate {
        Fate::Again => member.books().any(|(topic, partition, book)| {
            *topic == of.at.topic
                && partition == of.at.partition
                && book.topic_id == of.topic_id
                && !book.processed.common(first, last).is_empty()
        }),
        Fate::Lost => member.left_in_hand().any(|((topic, partition), topic_id, offset)| {
            *topic == of.at.topic
                && *partition == of.at.partition
                && topic_id == of.topic_id
                && u64::try_from(offset).is_ok_and(|offset| (first..=last).contains(&offset))
        }),
    };
    let key = (Arc::clone(&of.at.topic), of.topic_id, of.at.partition);
    let gone = departed.filter(|departed| departed.had(&key, first, last));
    let gone = gone.map(|_| DeliveredBy { alive: false, tag: EARLIER.into() });
    let of = |client: &&Client| {
        let consumer = client.as_consumer()?;
        let member = consumer.membership().filter(|member| has(member))?;
        let alive = client.crashed_at().is_none();
        Some(DeliveredBy { alive, tag: Arc::clone(tags.get(member.id()).unwrap_or(consumer.name())) })
    };
    // Of lost ones, those that live had them too if they work on them at this moment; they are not lost then.
    let mut by: Vec<DeliveredBy> =
        members.iter().filter_map(of).filter(|by| fate == Fate::Again || !by.alive).chain(gone).collect();
    by.sort();
    by
}

/// The keys of the first records of a run, from its leader's log, as far as they are in memory.
fn keys(at: &TopicPartition, (first, last): (i64, i64), look: &Look<'_>) -> Vec<Arc<str>> {
    let last = last.min(first.saturating_add(KEYS_FROM));
    let id = ReplicaId::new(Arc::clone(&at.topic), at.partition);
    let mut replicas = look.cluster.brokers().filter_map(|(_, node)| node.running()?.replica(&id));
    let Some(replica) = replicas.find(|replica| replica.leader().is_some()) else { return Vec::new() };
    let batches = replica.log.batches_from(first).take_while(|batch| batch.header.base_offset <= last);
    let records = batches.filter_map(|batch| records_of(&batch.header, &batch.body).ok()).flatten();
    let wanted = records.filter(|record| (first..=last).contains(&record.offset));
    let named = wanted.filter_map(|record| {
        let key = record.key?;
        Some(String::from_utf8_lossy(&key).chars().take(KEY_CHARS).collect::<String>().into())
    });
    named.take(Deliveries::MAX_KEYS).collect()
}

/// The clients that are, or were, built-in members of a group.
pub(super) fn members<'a>(look: &Look<'a>) -> BTreeMap<Arc<str>, Vec<&'a Client>> {
    let mut members: BTreeMap<Arc<str>, Vec<&Client>> = BTreeMap::new();
    for (_, client) in look.cluster.clients() {
        if let Some(member) = client.as_consumer().and_then(Consumer::membership) {
            members.entry(Arc::clone(&member.spec().id)).or_default().push(client);
        }
    }
    members
}

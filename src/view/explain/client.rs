//! What a built-in producer or consumer is, now: what became of its records, what its acks promise, what its lag means.

use std::sync::Arc;

use crate::session::event::{Event, NodeRef};
use crate::session::snapshot::{Consumer, Partition, Producer, Snapshot};
use crate::view::format::{self, count, plural};
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::page::{Page, Works, story};

/// What each kind of acks promises.
const PROMISES: [(&str, &str); 3] = [
    ("0", "acks=0 asks for no answer: a record that no broker took is gone, and its producer never knows."),
    (
        "1",
        "acks=1: the leader alone answers. A record that the others have not copied yet dies with its leader, though it was acknowledged.",
    ),
    (
        "all",
        "acks=all: answered once every in-sync copy has the record. As long as one of these lives, what was acknowledged is there.",
    ),
];

fn of_topic<'a>(snapshot: &'a Snapshot, topic: &str) -> &'a [Arc<Partition>] {
    snapshot.topics.get(topic).map_or(&[], |topic| &topic.partitions)
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// The page about a producer, if it is there.
pub(super) fn producer(snapshot: &Snapshot, id: u32) -> Option<Page> {
    let producer = snapshot.producers.get(&id)?;
    let partitions = of_topic(snapshot, &producer.topic);
    let mut page = writes(producer, partitions);
    became(producer, &mut page);
    page.section("How it writes", "");
    page.fact("partitioner", safe_str(&producer.partitioner), "chooses the partition of each record");
    let again = if producer.idempotent {
        "numbers its batches: a broker takes none twice, nor out of order"
    } else {
        "a batch that is sent again may be there twice"
    };
    page.fact("idempotent", if producer.idempotent { "yes" } else { "no" }, again);
    page.fact("sends tried again", count(producer.retries), "");
    if let Some((error, at_us)) = &producer.last_error {
        let ago = format::duration_ms(snapshot.clock.lab_us.saturating_sub(*at_us) / 1000);
        page.fact("last error", safe_str(error), &format!("{ago} ago"));
    }
    at_risk(producer, partitions, &mut page);
    let mine = |event: &Event| matches!(&event.node, NodeRef::Producer(of, _) if *of == id);
    page.led_here(&story(snapshot, 4, mine));
    page.words(&["acks", "in-sync replicas", "leader", "min.insync.replicas"]);
    Some(page)
}

fn writes(producer: &Producer, partitions: &[Arc<Partition>]) -> Page {
    let (name, topic) = (safe_str(&producer.name), safe_str(&producer.topic));
    let title = Line::of(Role::Strong, format!("{name} "));
    let none = partitions.iter().filter(|partition| partition.leader.is_none()).count();
    let held = partitions.iter().filter(|partition| partition.held).count();
    let promise = PROMISES.iter().find(|(acks, _)| *acks == producer.acks.as_ref()).map_or("", |(_, words)| words);
    if producer.paused {
        let title = title.with(Role::Dim, "‖ stopped");
        return Page::new(title, Role::Dim, format!("It writes nothing to {topic} now."), promise);
    }
    if producer.waiting > 0 && none + held > 0 {
        let bold = format!("{} wait to be acknowledged.", records(producer.waiting));
        let silent = if held > 0 && producer.acks.as_ref() == "all" {
            format!(", {held} for a copy that is silent")
        } else {
            String::new()
        };
        let plain = format!("{} without a leader{silent}. {promise}", plural(none, "partition"));
        return Page::new(title.with(Role::Warn, "▲ waits"), Role::Warn, bold, plain);
    }
    let bold = format!("It writes {} records a second to {topic}.", count(producer.acked_per_sec));
    if producer.lost > 0 {
        let title = title.with(Role::Bad, "✖ has lost records");
        return Page::new(title, Role::Bad, bold, promise);
    }
    Page::new(title.with(Role::Good, "● writes"), Role::Good, bold, promise)
}

fn records(n: u64) -> String {
    if n == 1 { "1 record".to_owned() } else { format!("{} records", count(n)) }
}

/// What became of the records: each of them is in one of these rows.
fn became(producer: &Producer, page: &mut Page) {
    page.section("What became of its records", "");
    page.fact("made", count(producer.made), &format!("it aims at {} a second", count(producer.target_per_sec)));
    page.fact("acknowledged", count(producer.acked), "a broker said that it has them");
    page.fact("waiting", count(producer.waiting), "sent or queued, not answered yet");
    page.fact("given up", count(producer.failed), "after delivery.timeout.ms, or a final error");
    page.fact("read back", count(producer.readable), "of those acknowledged, found by the auditor");
    let lost = if producer.lost > 0 { "acknowledged, and no longer there" } else { "nothing acknowledged is missing" };
    page.fact("lost", count(producer.lost), lost);
    page.fact("twice", count(producer.duplicated), "found more than once");
}

/// What a leader's death would do to the records of this producer at this moment.
fn at_risk(producer: &Producer, partitions: &[Arc<Partition>], page: &mut Page) {
    page.section("If a leader failed now", "");
    match producer.acks.as_ref() {
        "all" => {
            page.works(Works::Yes, "acknowledged records", "every in-sync copy has it");
            page.works(Works::AtRisk, "records on their way", "are sent again to the new leader");
        }
        acks => {
            let above = |p: &Arc<Partition>| u64::try_from((p.log_end - p.high_watermark).max(0)).unwrap_or(0);
            let most: u64 = partitions.iter().map(above).max().unwrap_or(0);
            let (verdict, words) = match most {
                0 => (Works::Yes, "at this moment all copies have all of it; at the next one they may not".to_owned()),
                n => (Works::No, format!("up to {} that only the leader has would be lost", records(n))),
            };
            page.works(verdict, if acks == "1" { "acknowledged records" } else { "sent records" }, words);
        }
    }
}

/// The page about a consumer, if it is there.
pub(super) fn consumer(snapshot: &Snapshot, id: u32) -> Option<Page> {
    let consumer = snapshot.consumers.get(&id)?;
    let mut page = reads(snapshot, consumer);
    now(consumer, &mut page);
    still_reads(snapshot, consumer, &mut page);
    let mine = |event: &Event| matches!(&event.node, NodeRef::Consumer(of, _) if *of == id);
    page.led_here(&story(snapshot, 4, mine));
    page.words(&["high watermark", "offset", "leader"]);
    Some(page)
}

fn reads(snapshot: &Snapshot, consumer: &Consumer) -> Page {
    let title = Line::of(Role::Strong, format!("{} ", safe_str(&consumer.name)));
    let plain = "Its lag is what it may read and has not read yet: high watermark minus position, over all it reads.";
    let partitions = plural(consumer.assigned.len(), "partition");
    let lag = records(consumer.lag);
    let (stuck, _) = stands(snapshot, consumer);
    let bold = if consumer.paused {
        format!("It stands, {lag} behind.")
    } else {
        format!("It reads {partitions} and is {lag} behind.")
    };
    let (role, state) = match (consumer.paused, stuck) {
        (true, _) => (Role::Dim, "‖ stopped"),
        (false, 0) => (Role::Good, "● reads"),
        (false, _) => (Role::Warn, "▲ waits for a leader"),
    };
    Page::new(title.with(role, state), role, bold, plain)
}

fn now(consumer: &Consumer, page: &mut Page) {
    page.section("Now", "");
    page.fact("read so far", count(consumer.read), &format!("{} a second", count(consumer.read_per_sec)));
    let trend = match consumer.lag_trend_per_sec {
        0 => "steady over the last two seconds".to_owned(),
        n if n > 0 => format!("grows by {} a second", format::grouped(n)),
        n => format!("shrinks by {} a second", format::grouped(-n)),
    };
    page.fact("lag", count(consumer.lag), &trend);
    let worst = consumer.assigned.iter().max_by_key(|assigned| assigned.lag);
    if let Some(worst) = worst.filter(|worst| worst.lag > 0) {
        let at = format!("{}-{}", safe_str(&worst.partition.topic), worst.partition.partition);
        page.fact(
            "most behind on",
            at,
            &format!("{} behind offset {}", count(worst.lag), format::grouped(worst.position)),
        );
    }
    page.fact("partitions", count(number(consumer.assigned.len())), "assigned to it by hand: it is in no group");
}

/// How many of a consumer's partitions have no leader, and how many stand because a copy is silent.
fn stands(snapshot: &Snapshot, consumer: &Consumer) -> (usize, usize) {
    let known = |at: &crate::session::snapshot::TopicPartition| {
        of_topic(snapshot, &at.topic).iter().find(|partition| partition.id == at.partition)
    };
    let mine: Vec<&Arc<Partition>> =
        consumer.assigned.iter().filter_map(|assigned| known(&assigned.partition)).collect();
    let count = |holds: &dyn Fn(&Partition) -> bool| mine.iter().filter(|partition| holds(partition)).count();
    (count(&|partition| partition.leader.is_none()), count(&|partition| partition.held))
}

fn still_reads(snapshot: &Snapshot, consumer: &Consumer, page: &mut Page) {
    page.section("What still works", "");
    let all = consumer.assigned.len();
    let (none, held) = stands(snapshot, consumer);
    let of = format!("{} of {} have a leader to read from", all - none.min(all), plural(all, "partition"));
    page.works(if none > 0 { Works::No } else { Works::Yes }, "reading", of);
    let (verdict, words) = match held {
        0 => (Works::Yes, "every high watermark moves on".to_owned()),
        n => (Works::AtRisk, format!("{} wait for a silent copy", plural(n, "partition"))),
    };
    page.works(verdict, "new records", words);
}

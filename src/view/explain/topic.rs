//! What a topic is, now: its partitions in one look, its settings, who writes and reads it.

use std::sync::Arc;

use crate::session::snapshot::{Partition, Snapshot, Topic};
use crate::view::format::{self, count, plural};
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::text::{name_of, safe_str};

use super::page::{Page, Works};

/// The page about a topic.
pub(super) fn page(snapshot: &Snapshot, topic: &Topic) -> Page {
    let partitions = &topic.partitions;
    let none = partitions.iter().filter(|partition| partition.leader.is_none()).count();
    let short = partitions.iter().filter(|partition| partition.isr.len() < partition.replicas.len()).count();
    let name = Line::of(Role::Strong, format!("{} ", safe_str(&topic.name)));
    let all = plural(partitions.len(), "partition");
    let mut page = if none > 0 {
        let bold = format!("{none} of {all} {} no leader.", if none == 1 { "has" } else { "have" });
        Page::new(
            name.with(Role::Bad, "✖ partly down"),
            Role::Bad,
            bold,
            "Records for these wait at their producers; the other partitions go on, in their own order.",
        )
    } else if short > 0 {
        let bold = format!("{short} of {all} {} with fewer copies in sync.", if short == 1 { "runs" } else { "run" });
        Page::new(
            name.with(Role::Warn, "▲ under-replicated"),
            Role::Warn,
            bold,
            "All take writes and serve reads; a failure more would hurt sooner.",
        )
    } else {
        let bold = format!("{all} with {} copies each, all in order.", topic.replication_factor);
        Page::new(
            name.with(Role::Good, "● in order"),
            Role::Good,
            bold,
            "A topic is a named stream. Each partition is a log of its own: order holds within it, not across.",
        )
    };
    now(snapshot, topic, &mut page);
    page.section("What still works", "");
    let works = if none > 0 { Works::No } else { Works::Yes };
    page.works(works, "reading and writing", format!("{} of {all}", partitions.len() - none));
    acks_all(topic, &mut page);
    page.words(&["leader", "in-sync replicas", "min.insync.replicas", "offset"]);
    page
}

/// Whether writes with acks=all are answered: it takes a leader, copies enough, and none of them silent.
fn acks_all(topic: &Topic, page: &mut Page) {
    let all = plural(topic.partitions.len(), "partition");
    let answered = |p: &&Arc<Partition>| {
        let enough = u32::try_from(p.isr.len()).is_ok_and(|isr| isr >= topic.min_insync_replicas);
        p.leader.is_some() && !p.held && enough
    };
    let answers = topic.partitions.iter().filter(answered).count();
    let works = if answers < topic.partitions.len() { Works::No } else { Works::Yes };
    let held = topic.partitions.iter().filter(|p| p.held).count();
    let waits = if held > 0 { format!("; {held} wait for a silent copy") } else { String::new() };
    page.works(works, "writing, acks=all", format!("{answers} of {all} answer{waits}"));
}

fn now(snapshot: &Snapshot, topic: &Topic, page: &mut Page) {
    page.section("Now", "");
    let rate: u64 = topic.partitions.iter().map(|partition| partition.in_per_sec).sum();
    let records: i64 = topic.partitions.iter().map(|partition| (partition.log_end - partition.log_start).max(0)).sum();
    let bytes: u64 = topic.partitions.iter().map(|partition| partition.size_bytes).sum();
    page.fact(
        "records",
        format::grouped(records),
        &format!("in {}, {} a second come in", format::bytes(bytes), count(rate)),
    );
    page.fact("min.insync.replicas", topic.min_insync_replicas.to_string(), "in sync at least, or acks=all is refused");
    for setting in topic.settings.iter().take(6) {
        page.fact(
            &safe_str(&setting.name),
            safe_str(&setting.value),
            &format!("set for this {}", safe_str(&setting.source)),
        );
    }
    let names = |all: Vec<String>| if all.is_empty() { "nobody built in".to_owned() } else { all.join(", ") };
    let writers = snapshot.producers.values().filter(|producer| producer.topic == topic.name);
    page.fact(
        "written by",
        names(
            writers
                .map(|producer| format!("{} (acks={})", safe_str(&producer.name), safe_str(&producer.acks)))
                .collect(),
        ),
        "",
    );
    let groups = snapshot.groups.values().filter(|group| group.topics.contains(&topic.name));
    let groups = groups.map(|group| format!("{} (a group, lag {})", name_of(&group.id), count(group.lag)));
    let reads = |consumer: &&crate::session::snapshot::Consumer| {
        consumer.group.is_none() && consumer.assigned.iter().any(|at| at.partition.topic == topic.name)
    };
    let readers = snapshot.consumers.values().filter(reads);
    let readers = readers.map(|consumer| format!("{} (lag {})", safe_str(&consumer.name), count(consumer.lag)));
    page.fact("read by", names(groups.chain(readers).collect()), "");
}

//! What a partition is, now: its copies drawn record by record, what still works, what one more failure would do.

use crate::session::event::Event;
use crate::session::snapshot::{BrokerState, Partition, Snapshot, Topic, TopicPartition};
use crate::view::format::{self, grouped, plural};
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::page::{Page, Works, story};

/// Records that the picture shows.
const RECORDS: i64 = 16;

/// The page about a partition, if it is there.
pub(super) fn page(snapshot: &Snapshot, at: &TopicPartition) -> Option<Page> {
    let topic = snapshot.topics.get(&at.topic)?;
    let partition = topic.partitions.iter().find(|partition| partition.id == at.partition)?;
    let mut page = head(snapshot, topic, partition);
    now(snapshot, partition, &mut page);
    still_works(topic, partition, &mut page);
    let about = |event: &Event| event.partitions.contains(at);
    let about_brokers =
        |event: &Event| partition.replicas.iter().any(|id| event.brokers.contains(id)) && event.cause_event.is_some();
    let mut led = story(snapshot, 4, about);
    if led.is_empty() && partition.isr.len() < partition.replicas.len() {
        led = story(snapshot, 4, about_brokers);
    }
    page.led_here(&led);
    heals(snapshot, partition, &mut page);
    page.words(&["in-sync replicas", "high watermark", "leader epoch", "preferred leader"]);
    Some(page)
}

/// `1, 2 and 3`.
fn list(ids: &[i32]) -> String {
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

fn head(snapshot: &Snapshot, topic: &Topic, partition: &Partition) -> Page {
    let name = Line::of(Role::Strong, format!("{}-{} ", safe_str(&topic.name), partition.id));
    let (wanted, have) = (partition.replicas.len(), partition.isr.len());
    let missing: Vec<i32> = partition.replicas.iter().filter(|id| !partition.isr.contains(id)).copied().collect();
    let dead: Vec<i32> = partition
        .replicas
        .iter()
        .filter(|id| snapshot.brokers.get(id).is_some_and(|b| b.state == BrokerState::Dead))
        .copied()
        .collect();
    match partition.leader {
        None => Page::new(
            name.with(Role::Bad, "✖ no leader"),
            Role::Bad,
            "Nobody leads it: it takes no writes and serves no reads.",
            format!(
                "broker-{} led it. The controller will choose the first of {} that lives and is in sync, once ZooKeeper has told it.",
                partition.recorded_leader.unwrap_or(-1),
                list(&partition.replicas)
            ),
        ),
        Some(_) if partition.held => Page::new(
            name.with(Role::Warn, "▲ held"),
            Role::Warn,
            "Its leader lives, and yet it waits: a copy that counts as in sync is silent.",
            format!(
                "broker-{} is dead, but ZooKeeper does not know yet. The high watermark stands: acks=all gets no answer, readers see nothing new.",
                list(&dead)
            ),
        ),
        Some(_) if have < wanted => Page::new(
            name.with(Role::Warn, "▲ under-replicated"),
            Role::Warn,
            format!("{wanted} copies are wanted, {have} {} in sync.", if have == 1 { "is" } else { "are" }),
            format!("Missing: broker-{}. What the others have is safe; one copy less is left.", list(&missing)),
        ),
        Some(leader) => Page::new(
            name.with(Role::Good, "● in order"),
            Role::Good,
            format!("broker-{leader} leads it; {have} copies have all of it."),
            "Records are appended to the leader's log, the others fetch them, and what all have, consumers may read.",
        ),
    }
}

/// The newest records, one cell each, one row per copy.
fn now(snapshot: &Snapshot, partition: &Partition, page: &mut Page) {
    let end =
        partition.copies.values().map(|copy| copy.log_end).max().unwrap_or(partition.log_end).max(partition.log_end);
    let first = (end - RECORDS).max(partition.log_start);
    let cells = format!("one cell is one record, {} to {}", grouped(first), grouped((end - 1).max(first)));
    page.section("Now", if end > first { cells } else { "it holds no record".to_owned() });
    for id in &partition.replicas {
        let dead = snapshot.brokers.get(id).is_none_or(|broker| broker.state == BrokerState::Dead);
        let leads = partition.leader == Some(*id);
        let (role, word) = if dead {
            (Role::Dead, "dead")
        } else if leads {
            (Role::Accent, "leads")
        } else if partition.isr.contains(id) {
            (Role::Dim, "in sync")
        } else {
            (Role::Warn, "behind")
        };
        let line = Line::of(Role::Strong, format!("broker-{id}")).padded(11).with(role, word).padded(20);
        let Some(copy) = partition.copies.get(id) else {
            page.row(line.with(Role::Faint, "its log cannot be seen from here"));
            continue;
        };
        let cells = |from: i64, to: i64| usize::try_from((to.min(end) - from.max(first)).max(0)).unwrap_or(0);
        let readable = cells(first, copy.log_end.min(partition.high_watermark).min(copy.agrees_to));
        let cut = cells(copy.agrees_to, copy.log_end);
        let above = cells(first, copy.log_end).saturating_sub(readable + cut);
        let bar = if leads {
            Role::Record
        } else if dead {
            Role::RecordDead
        } else {
            Role::RecordCopy
        };
        let lacks = (partition.log_end - copy.log_end).max(0);
        let meaning = if cut > 0 {
            format!("{cut} only here, will be cut")
        } else if leads {
            "takes every write".into()
        } else if lacks > 0 {
            format!("{} behind", grouped(lacks))
        } else {
            String::new()
        };
        page.row(
            line.with(bar, "█ ".repeat(readable))
                .with(bar, "░ ".repeat(above))
                .with(Role::Bad, "╱ ".repeat(cut))
                .padded(53)
                .with(Role::Strong, format!("{:>9}", grouped(copy.log_end)))
                .with(Role::Dim, format!("  {meaning}")),
        );
    }
    let above = partition.log_end - partition.high_watermark;
    if above > 0 {
        let words =
            format!("░ above the high watermark {}: no consumer sees these yet", grouped(partition.high_watermark));
        page.row(Line::of(Role::Faint, words));
    }
}

fn still_works(topic: &Topic, partition: &Partition, page: &mut Page) {
    page.section("What still works", "");
    let (in_sync, min) = (partition.isr.len(), usize::try_from(topic.min_insync_replicas).unwrap_or(usize::MAX));
    let Some(leader) = partition.leader else {
        page.works(Works::No, "reading", "no leader: LEADER_NOT_AVAILABLE (5)");
        page.works(Works::No, "writing", "producers keep their records and ask for the new leader");
        return;
    };
    page.works(Works::Yes, "reading", format!("the leader, broker-{leader}, lives"));
    page.works(Works::Yes, "writing, acks=1", "the leader answers as soon as it has the record");
    if partition.held {
        page.works(Works::No, "writing, acks=all", "waits for the silent copy until it leaves the in-sync set");
    } else if in_sync < min {
        page.works(
            Works::No,
            "writing, acks=all",
            format!("{in_sync} in sync, min.insync.replicas asks for {min}: NOT_ENOUGH_REPLICAS (19)"),
        );
    } else {
        page.works(
            Works::Yes,
            "writing, acks=all",
            format!("{in_sync} in sync, and min.insync.replicas asks for {min}"),
        );
    }
    let left = in_sync.saturating_sub(1);
    let (outlook, words) = if left == 0 {
        (Works::No, "if it was the leader, there is nobody left to lead".to_owned())
    } else if left < min {
        (Works::AtRisk, "acks=all stops: NOT_ENOUGH_REPLICAS (19); acks=1 and reading go on".to_owned())
    } else {
        (Works::Yes, format!("all goes on with {}", plural(left, "copy")))
    };
    page.works(outlook, "if one more fails", words);
}

fn heals(snapshot: &Snapshot, partition: &Partition, page: &mut Page) {
    let missing: Vec<i32> = partition
        .replicas
        .iter()
        .filter(|id| !partition.isr.contains(id) || partition.leader.is_none())
        .copied()
        .collect();
    let dead =
        missing.iter().find(|id| snapshot.brokers.get(id).is_none_or(|broker| broker.state == BrokerState::Dead));
    let preferred = partition.replicas.first().copied();
    if partition.isr.len() == partition.replicas.len() && partition.leader.is_some() && partition.leader == preferred {
        return;
    }
    page.section("How it heals", "");
    let mut steps: Vec<(&str, String)> = Vec::new();
    if partition.leader.is_none() {
        let next = partition.isr.iter().find(|id| {
            Some(**id) != partition.recorded_leader
                && snapshot.brokers.get(id).is_some_and(|b| b.state == BrokerState::Running)
        });
        steps.push((
            "a leader is elected",
            next.map_or_else(
                || "none in sync lives: it waits for one".into(),
                |id| format!("broker-{id}, as soon as the session of the dead one has ended"),
            ),
        ));
    }
    if let Some(id) = dead {
        steps.push(("the broker starts", format!("S starts broker-{id}; it comes back as a follower")));
    }
    if let Some(copy) = missing.first().and_then(|id| partition.copies.get(id)) {
        let cut = (copy.log_end - copy.agrees_to).max(0);
        let cut = if cut > 0 {
            format!("drops {} only it had, then reads", plural(usize::try_from(cut).unwrap_or(0), "record"))
        } else {
            "reads".into()
        };
        steps.push(("it cuts and fetches", format!("{cut} on from {}", grouped(copy.agrees_to.min(copy.log_end)))));
        steps.push((
            "it is in sync again",
            format!("once its log end has reached the leader's, now {}", grouped(partition.log_end)),
        ));
    }
    if let Some(preferred) = preferred.filter(|id| partition.leader.is_some_and(|leader| leader != *id)) {
        steps.push((
            "leadership stays",
            format!("until B, or the controller by itself, gives it back to broker-{preferred}"),
        ));
    }
    page.steps(&steps);
    if partition.leader_changed_us > 0 {
        let ago = format::duration_ms(snapshot.clock.lab_us.saturating_sub(partition.leader_changed_us) / 1000);
        page.row(Line::of(
            Role::Faint,
            format!("the leader changed {ago} ago; leader epoch {}", partition.leader_epoch),
        ));
    }
}

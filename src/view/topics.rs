//! The Topics screens as plain data: the list, and one topic with its partitions, the log of one of them, its messages.
//!
//! ```text
//! Topics › trucks_gps › partition 1   10 partitions   3 copies each          412 in/s   11.8 MiB
//!   p  copies      in sync  epoch ...                      table of partitions (or one row of cells)
//! The log of trucks_gps-1 ───────────────────────          segments; a cell per record, a row per replica
//! Messages ─ / filter ─────────── ▶ following the tail     list | the selected record
//! ```

mod json;
mod list;
mod log;
mod messages;
mod partitions;
mod record;
mod segments;

use crate::model::Model;
use crate::session::snapshot::{BrokerState, Partition, Snapshot, Topic};

use super::format;
use super::line::Line;
use super::role::Role;
use super::sheet::{self, Sheet};
use super::text::safe_str;
use super::{Area, Hit};

/// The Topics screens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicsView {
    /// Its lines.
    pub sheet: Sheet,
}

impl TopicsView {
    /// What can be clicked.
    pub fn hits(&self) -> &[Hit] {
        &self.sheet.hits
    }
}

/// From this height of the body on the partitions are a table rather than a row of cells.
const TABLE_ROWS: u16 = 34;
/// From this height on the segments are shown.
const SEGMENT_ROWS: u16 = 38;
/// From this width on the record stands beside the list rather than below it.
const BESIDE: u16 = 124;

/// The Topics screens for a model, in `area`.
pub fn project(model: &Model, area: Area) -> TopicsView {
    let mut sheet = Sheet::default();
    let place = &model.topics;
    let topic = place.topic.as_ref().and_then(|name| model.snapshot.topics.get(name)).filter(|_| place.opened);
    match topic.zip(place.current(&model.snapshot)) {
        Some((topic, partition)) => one(model, topic, partition, area, &mut sheet),
        None => list::project(model, area, &mut sheet),
    }
    TopicsView { sheet }
}

/// One topic, from top to bottom.
fn one(model: &Model, topic: &Topic, partition: &Partition, area: Area, sheet: &mut Sheet) {
    if model.topics.messages.zoomed {
        let inner = inset(area.below(1));
        crumbs(topic, partition, inner, sheet);
        record::project(model, topic, partition, inner.below(2), sheet);
        return;
    }
    let tall = area.height >= TABLE_ROWS;
    let mut rest = if tall { area.below(1) } else { area };
    if tall {
        crumbs(topic, partition, inset(rest), sheet);
        let most = 8 + area.height.saturating_sub(44);
        rest = partitions::table(model, topic, rest.below(2), most, sheet).below(1);
    } else {
        rest = partitions::cells(model, topic, partition, rest, sheet);
    }
    rest = log::project(model, topic, partition, rest, area.height >= SEGMENT_ROWS, sheet);
    if tall {
        rest = rest.below(1);
    }
    let rest = if tall { rest.top(rest.height.saturating_sub(1)) } else { rest };
    messages::project(model, topic, partition, rest, sheet);
}

/// Where one is, and what the topic is like.
fn crumbs(topic: &Topic, partition: &Partition, area: Area, sheet: &mut Sheet) {
    let fact = |line: Line, before: &str, value: &str, after: &str| {
        line.with(Role::Faint, format!("   {before}")).with(Role::Dim, value).with(Role::Faint, after)
    };
    let mut line = Line::of(Role::Faint, "Topics › ")
        .with(Role::Strong, safe_str(&topic.name))
        .with(Role::Faint, " › ")
        .with(Role::Strong, format!("partition {}", partition.id));
    line = fact(line, "", &format::plural(topic.partitions.len(), "partition"), "");
    line = fact(line, "", &topic.replication_factor.to_string(), " copies each");
    line = fact(line, "min.insync.replicas ", &topic.min_insync_replicas.to_string(), "");
    line = fact(line, "kept for ", &kept_for(topic), "");
    let total: u64 = topic.partitions.iter().map(|partition| partition.in_per_sec).sum();
    let size: u64 = topic.partitions.iter().map(|partition| partition.size_bytes).sum();
    let right = Line::of(Role::Strong, format::count(total))
        .with(Role::Faint, " in/s   ")
        .with(Role::Strong, format::bytes(size));
    let room = area.width.saturating_sub(sheet::columns(right.width()) + 2);
    sheet.put(Area { width: room, ..area }, line);
    sheet.put_right(area, right, Role::Ground);
}

/// How long a topic keeps its records.
fn kept_for(topic: &Topic) -> String {
    match u64::try_from(topic.retention_ms) {
        Ok(ms) => format::duration_ms(ms),
        Err(_) => "ever".to_owned(),
    }
}

/// An area without its first column and its last two.
fn inset(area: Area) -> Area {
    Area { x: area.x + 2.min(area.width), width: area.width.saturating_sub(4), ..area }
}

/// How a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It leads.
    Leads,
    /// It follows and is in sync.
    InSync,
    /// It lives and is out of sync.
    Behind,
    /// Its broker is dead.
    Dead,
}

fn standing(snapshot: &Snapshot, partition: &Partition, broker: i32) -> Standing {
    let dead = snapshot.brokers.get(&broker).is_none_or(|known| known.state == BrokerState::Dead);
    if dead {
        Standing::Dead
    } else if partition.leader == Some(broker) {
        Standing::Leads
    } else if partition.isr.contains(&broker) {
        Standing::InSync
    } else {
        Standing::Behind
    }
}

/// A replica as a cell of four columns: the leader filled, marks for what is wrong. `marks` writes brackets too.
fn replica_cell(standing: Standing, broker: i32) -> Line {
    match standing {
        Standing::Leads => Line::of(Role::Leader, format!("{broker:^3}")).with(Role::Text, " "),
        Standing::InSync => Line::of(Role::Text, format!("{broker:^3} ")),
        Standing::Behind => Line::of(Role::Warn, format!("{:<4}", format!("▲{broker}"))),
        Standing::Dead => Line::of(Role::Dead, format!("{:<4}", format!("×{broker}"))),
    }
}

/// How many replicas are in sync, with a sign where that is too few.
fn sync_sign(topic: &Topic, partition: &Partition) -> Line {
    let (have, want) = (partition.isr.len(), partition.replicas.len());
    if partition.leader.is_none() {
        Line::of(Role::Bad, "✖ none")
    } else if u32::try_from(have).is_ok_and(|have| have < topic.min_insync_replicas) {
        Line::of(Role::Bad, format!("✖ {have}/{want}"))
    } else if partition.held {
        Line::of(Role::Warn, "▲ held")
    } else if have < want {
        Line::of(Role::Warn, format!("▲ {have}/{want}"))
    } else {
        Line::of(Role::Faint, format!("  {have}/{want}"))
    }
}

/// A list of broker ids: `1 3`.
fn ids(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The first row of a list of `len` that shows row `chosen` in `rows` rows, with as much before it as after it.
fn window(len: usize, chosen: usize, rows: usize) -> usize {
    chosen.saturating_sub(rows / 2).min(len.saturating_sub(rows))
}

//! A topic's partitions: a table where there is room, otherwise a row of cells with the selected one's facts.

use crate::model::Model;
use crate::model::place::Selection;
use crate::model::sort::{self, Sorting};
use crate::model::topics::Pane;
use crate::session::snapshot::{Partition, Topic, TopicPartition};
use crate::view::chrome::join;
use crate::view::format;
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::{Chosen, Heads, Sheet, columns, left, right};
use crate::view::text::safe_str;
use crate::view::{Area, Hit, Target};

use super::{Standing, ids, replica_cell, standing, sync_sign, window};

/// From this width on the table has the line of the newest records.
const NEWEST_FROM: u16 = 136;
/// Where the columns before that line end.
const FACTS: u16 = 116;

/// The table with at most so many partitions; returns what is left below it.
pub(super) fn table(model: &Model, topic: &Topic, area: Area, most: u16, sheet: &mut Sheet) -> Area {
    let count = topic.partitions.len();
    let shown = usize::from(most).min(count);
    let ordered = model.topics.partitions(topic);
    let at = ordered.iter().position(|partition| partition.id == model.topics.partition).unwrap_or(0);
    let first = window(count, at, shown);
    let copies = usize::try_from(topic.replication_factor).unwrap_or(1).max(2) * 4;
    let newest = usize::from(area.width.saturating_sub(FACTS + 4));
    let heads = heads(model);
    sheet.put(area, header(heads, copies, area.width, newest));
    let rows = area.below(1);
    for (row, partition) in (0..columns(shown)).zip(ordered.into_iter().skip(first)) {
        let selected = partition.id == model.topics.partition;
        let mut line = facts(model, topic, partition, copies, area.width);
        if area.width >= NEWEST_FROM {
            let role = if selected { Role::Record } else { Role::RecordCopy };
            line = join(line.padded(usize::from(FACTS - 1)), newest_records(partition, newest, role));
        }
        let chosen = Chosen::when(selected, model.topics.pane == Pane::Partitions);
        sheet.put_row(rows.row(row), line, chosen, target(topic, partition));
    }
    let below = rows.below(columns(shown));
    let more = count - shown;
    let more = if more > 0 { format!("{more} more") } else { String::new() };
    let hidden = NUMBERS.iter().any(|column| column.name == heads.sorted.0)
        && numbers(area.width).all(|column| column.name != heads.sorted.0);
    let order = if hidden { format!("sorted by {}   ", heads.in_words()) } else { String::new() };
    let legend =
        Line::of(Role::Faint, left("", 8)).with(Role::Faint, left(&more, copies + 2)).with(Role::Accent, order).with(
            Role::Faint,
            "copies: the preferred leader first;  ✖ fewer than min.insync.replicas: acks=all is refused",
        );
    sheet.put(below, legend);
    below.below(1)
}

fn target(topic: &Topic, partition: &Partition) -> Target {
    Target::Select(Selection::Partition(TopicPartition { topic: topic.name.clone(), partition: partition.id }))
}

/// A column of numbers: its name, its width, whether it is left out where the terminal is narrow, its role and its text.
struct Column {
    name: &'static str,
    width: usize,
    wide_only: bool,
    role: Role,
    text: fn(&Partition) -> String,
}

/// The columns of numbers, from left to right.
const NUMBERS: &[Column] = &[
    Column { name: "epoch", width: 6, wide_only: false, role: Role::Dim, text: |p| p.leader_epoch.to_string() },
    Column { name: "log start", width: 11, wide_only: true, role: Role::Dim, text: |p| format::grouped(p.log_start) },
    Column {
        name: "stable",
        width: 11,
        wide_only: true,
        role: Role::Dim,
        text: |p| p.last_stable.map_or_else(|| "–".to_owned(), format::grouped),
    },
    Column {
        name: "high water",
        width: 12,
        wide_only: false,
        role: Role::Strong,
        text: |p| format::grouped(p.high_watermark),
    },
    Column { name: "log end", width: 11, wide_only: false, role: Role::Text, text: |p| format::grouped(p.log_end) },
    Column { name: "size", width: 11, wide_only: true, role: Role::Dim, text: |p| format::bytes(p.size_bytes) },
    Column { name: "segs", width: 6, wide_only: true, role: Role::Dim, text: |p| format::count(p.segment_count()) },
    Column { name: "in/s", width: 7, wide_only: false, role: Role::Dim, text: |p| format::count(p.in_per_sec) },
];

fn numbers(width: u16) -> impl Iterator<Item = &'static Column> {
    NUMBERS.iter().filter(move |column| width >= FACTS || !column.wide_only)
}

fn heads(model: &Model) -> Heads {
    Heads { sorted: model.topics.partition_order.by(sort::PARTITIONS) }
}

fn header(heads: Heads, copies: usize, width: u16, newest: usize) -> Line {
    let line = heads.words("    p", 8).append(heads.words("copies", copies + 2)).append(heads.words("in sync", 17));
    let line = numbers(width).fold(line, |line, column| line.append(heads.number(column.name, column.width)));
    if width < NEWEST_FROM {
        return line;
    }
    line.padded(usize::from(FACTS)).with(Role::Faint, format!("the newest {newest} records"))
}

fn facts(model: &Model, topic: &Topic, partition: &Partition, copies: usize, width: u16) -> Line {
    let selected = partition.id == model.topics.partition;
    let number = if selected { Role::Strong } else { Role::Text };
    let replicas = partition.replicas.iter().fold(Line::default(), |line, broker| {
        join(line, replica_cell(standing(&model.snapshot, partition, *broker), *broker))
    });
    let line = Line::of(number, format!("{:>4}   ", partition.id));
    let line = join(line, replicas.padded(copies + 2)).with(Role::Text, left(&ids(&partition.isr), 8));
    let line = join(line, sync_sign(topic, partition).padded(9));
    numbers(width).fold(line, |line, column| line.with(column.role, right(&(column.text)(partition), column.width)))
}

/// The newest records as a thin line: solid where consumers may read, broken in an open transaction, dots above the high
/// watermark.
fn newest_records(partition: &Partition, width: usize, role: Role) -> Line {
    let stable = partition.last_stable.unwrap_or(partition.high_watermark);
    let first = partition.log_end - i64::try_from(width).unwrap_or(0);
    let mut line = Line::default();
    for offset in first..partition.log_end {
        line = if offset < partition.log_start {
            line.with(Role::Text, " ")
        } else if offset >= partition.high_watermark {
            line.with(Role::Faint, "·")
        } else if offset >= stable {
            line.with(role, if offset % 2 == 0 { "━" } else { " " })
        } else {
            line.with(role, "━")
        };
    }
    line
}

/// What it takes to say how many partitions there was no room for.
const MORE_COLUMNS: usize = 4;

/// The cells and the facts of the selected partition, in two rows; returns what is left below them.
pub(super) fn cells(model: &Model, topic: &Topic, partition: &Partition, area: Area, sheet: &mut Sheet) -> Area {
    let row = Area { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let total: u64 = topic.partitions.iter().map(|partition| partition.in_per_sec).sum();
    let right = Line::of(Role::Faint, "min in sync ")
        .with(Role::Strong, topic.min_insync_replicas.to_string())
        .with(Role::Strong, format!("   {}", format::count(total)))
        .with(Role::Faint, " in/s");
    let mut line = Line::of(Role::Strong, safe_str(&topic.name)).with(Role::Text, "  ");
    let room = usize::from(row.width).saturating_sub(line.width() + right.width() + 3);
    let ordered = model.topics.partitions(topic);
    let at = ordered.iter().position(|other| other.id == partition.id).unwrap_or(0);
    let pitch = 5;
    let all = ordered.len();
    let room = if all * pitch > room { room.saturating_sub(MORE_COLUMNS) } else { room };
    let shown = (room / pitch).max(1);
    let first = window(all, at, shown);
    for other in ordered.into_iter().skip(first).take(shown) {
        let x = row.x + columns(line.width());
        let cell = partition_cell(model, topic, other, other.id == partition.id);
        let width = columns(cell.width());
        sheet.hits.push(Hit { area: Area { x, width, height: 1, ..row }, target: target(topic, other) });
        line = join(line, cell).with(Role::Text, " ");
    }
    if all > shown {
        line = line.with(Role::Dim, format!("+{}", all - shown));
    }
    sheet.put(row, line);
    sheet.put_right(row, right, Role::Ground);
    let facts = partition.replicas.iter().fold(Line::of(Role::Faint, "copies "), |line, broker| {
        join(line, replica_cell(standing(&model.snapshot, partition, *broker), *broker))
    });
    let sign = sync_sign(topic, partition);
    let facts = facts
        .with(Role::Faint, " in sync ")
        .with(Role::Text, ids(&partition.isr))
        .with(Role::Faint, "   epoch ")
        .with(Role::Text, partition.leader_epoch.to_string())
        .with(Role::Faint, "   log start ")
        .with(Role::Text, format::grouped(partition.log_start));
    let order = model.topics.partition_order;
    let facts = if order == Sorting::default() {
        facts
    } else {
        facts.with(Role::Accent, format!("   sorted by {}", heads(model).in_words()))
    };
    let room = row.width.saturating_sub(columns(sign.width()) + 1);
    sheet.put(Area { width: room, ..row.row(1) }, facts);
    sheet.put_right(row.row(1), sign, Role::Ground);
    area.below(2)
}

/// A partition by its number, with a sign for what is wrong with it.
fn partition_cell(model: &Model, topic: &Topic, partition: &Partition, selected: bool) -> Line {
    let dead = partition.replicas.iter().any(|broker| standing(&model.snapshot, partition, *broker) == Standing::Dead);
    let few = u32::try_from(partition.isr.len()).is_ok_and(|count| count < topic.min_insync_replicas);
    let (role, sign) = if partition.leader.is_none() || few {
        (Role::Bad, "✖")
    } else if dead || partition.isr.len() < partition.replicas.len() {
        (Role::Warn, "▲")
    } else {
        (Role::Dim, " ")
    };
    let text = format!("{:>2}{sign}", partition.id);
    if selected { Line::of(Role::Leader, format!("{text} ")) } else { Line::of(role, text).with(Role::Text, " ") }
}

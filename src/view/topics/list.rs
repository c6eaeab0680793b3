//! The list of topics.

use crate::model::Model;
use crate::model::place::Selection;
use crate::model::sort::{self, log_starts};
use crate::session::snapshot::{Partition, Topic};
use crate::view::chrome::join;
use crate::view::filter::{self, Filtered};
use crate::view::format;
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::{Chosen, Heads, Sheet, columns, left};
use crate::view::text::safe_str;
use crate::view::{Area, Target};

use super::inset;

/// From this height on the selected topic's partitions are shown below the list.
const PREVIEW_ROWS: u16 = 34;

pub(super) fn project(model: &Model, area: Area, sheet: &mut Sheet) {
    let topics = &model.snapshot.topics;
    let roomy = area.height > 24;
    let top = if roomy { area.below(1) } else { area };
    if topics.is_empty() {
        let words = Line::of(Role::Strong, "No topics yet. ")
            .with(Role::Key, "t")
            .with(Role::Dim, " creates one; so does any client.");
        sheet.put(inset(top), words);
        return;
    }
    headline(model, inset(top), sheet);
    let table = top.below(if roomy { 3 } else { 2 });
    let heads = Heads { sorted: model.topics.order.by(sort::TOPICS) };
    let head = Area { x: table.x + 2, width: table.width.saturating_sub(2), ..table };
    sheet.put(head, header(heads, area.width));
    let rows = table.below(1);
    let list = model.topics.list(&model.snapshot);
    let room = inset(table.above(1));
    let known = COLUMNS.iter().map(|column| (column.name, column.from));
    let filtered = Filtered {
        filter: &model.topics.filter,
        listed: list.len(),
        all: model.snapshot.topics.len(),
        hidden_order: filter::hidden_order(heads, known, room),
    };
    filter::put(model, &filtered, room, sheet);
    if list.is_empty() {
        let words = Line::of(Role::Text, "No topic has that in its name. ").with(Role::Key, "Esc");
        sheet.put(inset(rows), words.with(Role::Dim, " clears the filter."));
        return;
    }
    let many = columns(list.len());
    let preview = area.height >= PREVIEW_ROWS && many + 20 <= rows.height;
    let at =
        model.topics.topic.as_ref().and_then(|name| list.iter().position(|topic| topic.name == *name)).unwrap_or(0);
    let first = super::window(list.len(), at, usize::from(rows.height));
    for (row, topic) in (0..rows.height).zip(list.into_iter().skip(first)) {
        let selected = model.topics.topic.as_ref() == Some(&topic.name);
        let target = Target::Select(Selection::Topic(topic.name.clone()));
        let line = join(Line::of(Role::Text, " "), line(topic, area.width));
        sheet.put_row(rows.row(row), line, Chosen::when(selected, true), target);
    }
    if preview {
        self::preview(model, rows.below(many + 2), sheet);
    }
}

/// What the selected topic looks like inside, without opening it.
fn preview(model: &Model, area: Area, sheet: &mut Sheet) {
    let topic = model.topics.topic.as_ref().and_then(|name| model.snapshot.topics.get(name));
    if let Some(topic) = topic {
        sheet.put_title(
            inset(area),
            &safe_str(&topic.name),
            "Enter opens it: its log and its messages; e changes its settings",
        );
        let rows = area.below(2);
        super::partitions::table(model, topic, rows, rows.height.saturating_sub(2), sheet);
    }
}

/// The screen's point in words: how many, and which one matters.
fn headline(model: &Model, area: Area, sheet: &mut Sheet) {
    let topics = &model.snapshot.topics;
    let partitions: usize = topics.values().map(|topic| topic.partitions.len()).sum();
    let bold = format!("{} in {}.", format::plural(partitions, "partition"), format::plural(topics.len(), "topic"));
    let rate = |topic: &Topic| topic.partitions.iter().map(|partition| partition.in_per_sec).sum::<u64>();
    let all: u64 = topics.values().map(rate).sum();
    let busiest = topics.values().max_by_key(|topic| rate(topic)).filter(|_| all > 0);
    let plain = busiest.map_or_else(
        || " No records come in.".to_owned(),
        |topic| {
            format!(
                " {} takes {} of {} records a second.",
                safe_str(&topic.name),
                format::count(rate(topic)),
                format::count(all)
            )
        },
    );
    sheet.put(area, Line::of(Role::Accent, "▌ ").with(Role::Strong, bold).with(Role::Text, plain));
}

/// A column behind the topic's name: its head, from which width of the terminal on it is there, how wide it is there and on
/// a wide terminal, and what a topic has in it.
struct Column {
    name: &'static str,
    from: u16,
    narrow: usize,
    wide: usize,
    cell: fn(&Topic) -> Line,
}

/// The columns from left to right.
const COLUMNS: &[Column] = &[
    Column {
        name: "parts",
        from: 0,
        narrow: 6,
        wide: 8,
        cell: |t| Line::of(Role::Text, t.partitions.len().to_string()),
    },
    Column {
        name: "copies",
        from: 100,
        narrow: 7,
        wide: 8,
        cell: |t| Line::of(Role::Text, t.replication_factor.to_string()),
    },
    Column { name: IN_SYNC, from: 0, narrow: 10, wide: 11, cell: health },
    Column {
        name: "records",
        from: 0,
        narrow: 9,
        wide: 13,
        cell: |t| Line::of(Role::Strong, format::grouped(records(t))),
    },
    Column {
        name: "in/s",
        from: 0,
        narrow: 6,
        wide: 8,
        cell: |t| Line::of(Role::Text, format::count(sum(t, |p| p.in_per_sec))),
    },
    Column {
        name: "size",
        from: 68,
        narrow: 10,
        wide: 11,
        cell: |t| Line::of(Role::Text, format::bytes(sum(t, |p| p.size_bytes))),
    },
    Column {
        name: "segs",
        from: 76,
        narrow: 5,
        wide: 7,
        cell: |t| Line::of(Role::Dim, format::count(sum(t, Partition::segment_count))),
    },
    Column { name: "log start", from: 76, narrow: START, wide: 12, cell: |t| Line::of(Role::Dim, log_start(t)) },
    Column { name: "kept for", from: 76, narrow: 9, wide: 10, cell: |t| Line::of(Role::Dim, super::kept_for(t)) },
];

/// The one column of words; the others hold numbers, at their right.
const IN_SYNC: &str = "in sync";
/// Columns of where the logs begin, at the least.
const START: usize = 10;
/// From this width on the columns have their full width.
const WIDE: u16 = 124;
/// From this width on the leaders are shown.
const LEADERS_FROM: u16 = 140;

impl Column {
    fn width(&self, terminal: u16) -> usize {
        if terminal >= WIDE { self.wide } else { self.narrow }
    }

    fn head(&self, heads: Heads, terminal: u16) -> Line {
        let width = self.width(terminal);
        if self.name == IN_SYNC {
            return join(Line::of(Role::Text, "   "), heads.words(self.name, width - 3));
        }
        heads.number(self.name, width)
    }

    fn of(&self, topic: &Topic, terminal: u16) -> Line {
        let (line, width) = ((self.cell)(topic), self.width(terminal));
        if self.name == IN_SYNC {
            return join(Line::of(Role::Text, "   "), line).padded(width);
        }
        join(Line::of(Role::Text, " ".repeat(width.saturating_sub(line.width()))), line)
    }
}

fn shown(terminal: u16) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| column.from <= terminal)
}

/// Columns of the topics' names: what the others leave, and one at the right edge.
fn name_width(terminal: u16) -> usize {
    let others: usize = shown(terminal).map(|column| column.width(terminal)).sum();
    usize::from(terminal.saturating_sub(3)).saturating_sub(others).clamp(8, 25)
}

fn header(heads: Heads, width: u16) -> Line {
    let line = heads.words("topic", name_width(width));
    let line = shown(width).fold(line, |line, column| line.append(column.head(heads, width)));
    if width < LEADERS_FROM { line } else { line.with(Role::Faint, "    leaders") }
}

fn line(topic: &Topic, width: u16) -> Line {
    let name = if topic.internal { Role::Dim } else { Role::Strong };
    let line = Line::of(name, left(&safe_str(&topic.name), name_width(width)));
    let line = shown(width).fold(line, |line, column| join(line, column.of(topic, width)));
    if width < LEADERS_FROM { line } else { join(line.with(Role::Text, "    "), leaders(topic)) }
}

fn sum(topic: &Topic, of: impl Fn(&Partition) -> u64) -> u64 {
    topic.partitions.iter().map(|partition| of(partition)).sum()
}

/// Where the logs begin; if not all at the same offset, from where to where, as long as that can be written.
fn log_start(topic: &Topic) -> String {
    let (least, most) = log_starts(topic);
    if least == most {
        return format::grouped(most);
    }
    let both = format!("{}–{}", format::grouped(least), format::grouped(most));
    if both.chars().count() < START { both } else { "differ".to_owned() }
}

fn records(topic: &Topic) -> i64 {
    topic.partitions.iter().map(|partition| partition.log_end - partition.log_start).sum()
}

/// The worst that is wrong with a topic's partitions.
fn health(topic: &Topic) -> Line {
    let count =
        |holds: &dyn Fn(&Partition) -> bool| topic.partitions.iter().filter(|partition| holds(partition)).count();
    let leaderless = count(&|partition| partition.leader.is_none());
    let fewer = count(&|partition| partition.isr.len() < partition.replicas.len());
    let (role, text) = if topic.deleting {
        (Role::Warn, "▲ going".to_owned())
    } else if leaderless > 0 {
        (Role::Bad, format!("✖ {leaderless}"))
    } else if fewer > 0 {
        (Role::Warn, format!("▲ −{fewer}"))
    } else {
        (Role::Good, "● all".to_owned())
    };
    Line::of(role, text)
}

/// The leader of each partition, in their order; what has none stands out.
fn leaders(topic: &Topic) -> Line {
    topic.partitions.iter().fold(Line::default(), |line, partition| match partition.leader {
        Some(leader) if partition.replicas.first() == Some(&leader) => line.with(Role::Text, format!("{leader} ")),
        Some(leader) => line.with(Role::Accent, format!("{leader} ")),
        None => line.with(Role::Bad, "✖ "),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn logs_that_begin_apart_say_from_where_to_where() {
        let begin = |starts: &[i64]| {
            let partition = |start: &i64| Arc::new(Partition { log_start: *start, ..Partition::default() });
            log_start(&Topic { partitions: starts.iter().map(partition).collect(), ..Topic::default() })
        };
        assert_eq!(begin(&[898, 898]), "898");
        assert_eq!(begin(&[0, 898, 12]), "0–898");
        assert_eq!(begin(&[1_000, 1_898]), "differ", "there is no room for both");
    }
}

//! The list of topics.

use crate::model::Model;
use crate::model::place::Selection;
use crate::model::prompt::Prompt;
use crate::model::sort;
use crate::session::snapshot::Topic;
use crate::view::chrome::join;
use crate::view::format;
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::{Chosen, Heads, Sheet, columns, left, right};
use crate::view::text::safe_str;
use crate::view::{Area, Target};

use super::inset;

/// Columns from the end of the row that are shown only when there is room for them.
const PARTITIONS_FROM: u16 = 100;
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
    filter(model, list.len(), heads, inset(table.above(1)), sheet);
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
        sheet.put_title(inset(area), &safe_str(&topic.name), "Enter opens it: its log and its messages");
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

/// The filter, as it is typed or in force; otherwise the order, where its column is not in view.
fn filter(model: &Model, listed: usize, heads: Heads, area: Area, sheet: &mut Sheet) {
    let field = Area { width: (area.width / 3).min(60), height: 1, ..area };
    match &model.prompt {
        Some(Prompt::Filter(typed)) => sheet.put_field(field, " / ", &typed.text(), typed.cursor.1),
        _ if !model.topics.filter.is_empty() => {
            let line = Line::of(Role::Key, " / ").with(Role::Text, safe_str(&model.topics.filter));
            sheet.put_on(field, line, Role::Field);
        }
        _ => {
            let width = area.width + 4;
            let hidden = (width < PARTITIONS_FROM && WIDE_ONLY.contains(&heads.sorted.0))
                || (width < COPIES_FROM && heads.sorted.0 == "copies");
            let words = if hidden { format!("sorted by {}", heads.in_words()) } else { String::new() };
            sheet.put_right(area, Line::of(Role::Accent, words), Role::Ground);
            return;
        }
    }
    let count = format!(" {listed} of {}", model.snapshot.topics.len());
    sheet.put(Area { x: field.x + field.width, width: 16, ..field }, Line::of(Role::Faint, count));
}

/// From this width on there is a column for the number of copies.
const COPIES_FROM: u16 = 80;

/// Columns of the topics' names: what a narrow terminal has left for them.
fn name_width(width: u16) -> usize {
    usize::from(width.saturating_sub(47)).clamp(8, 25)
}

/// The columns that are left out where the terminal is narrow.
const WIDE_ONLY: [&str; 2] = ["size", "kept for"];

fn header(heads: Heads, width: u16) -> Line {
    let line = heads.words("topic", name_width(width)).append(heads.number("partitions", 11));
    let line = if width < COPIES_FROM { line } else { line.append(heads.number("copies", 8)) };
    let line =
        line.append(heads.words("   in sync", 11)).append(heads.number("records", 14)).append(heads.number("in/s", 9));
    if width < PARTITIONS_FROM {
        return line;
    }
    let line = line.append(heads.number("size", 12)).append(heads.number("kept for", 11));
    line.with(Role::Faint, "    leaders")
}

fn line(topic: &Topic, width: u16) -> Line {
    let name = if topic.internal { Role::Dim } else { Role::Strong };
    let records: i64 = topic.partitions.iter().map(|partition| partition.log_end - partition.log_start).sum();
    let rate: u64 = topic.partitions.iter().map(|partition| partition.in_per_sec).sum();
    let copies = if width < COPIES_FROM { String::new() } else { right(&topic.replication_factor.to_string(), 8) };
    let line = Line::of(name, left(&safe_str(&topic.name), name_width(width)))
        .with(Role::Text, right(&topic.partitions.len().to_string(), 11))
        .with(Role::Text, copies)
        .with(Role::Text, "   ");
    let line = join(line, health(topic))
        .with(Role::Strong, right(&format::grouped(records), 14))
        .with(Role::Text, right(&format::count(rate), 9));
    if width < PARTITIONS_FROM {
        return line;
    }
    let size: u64 = topic.partitions.iter().map(|partition| partition.size_bytes).sum();
    let kept = super::kept_for(topic).unwrap_or_else(|| "default".to_owned());
    let line = line.with(Role::Text, right(&format::bytes(size), 12)).with(Role::Dim, right(&kept, 11));
    join(line.with(Role::Text, "    "), leaders(topic))
}

/// The worst that is wrong with a topic's partitions, in eight columns.
fn health(topic: &Topic) -> Line {
    let count = |holds: &dyn Fn(&crate::session::snapshot::Partition) -> bool| {
        topic.partitions.iter().filter(|partition| holds(partition)).count()
    };
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
    Line::of(role, left(&text, 8))
}

/// The leader of each partition, in their order; what has none stands out.
fn leaders(topic: &Topic) -> Line {
    topic.partitions.iter().fold(Line::default(), |line, partition| match partition.leader {
        Some(leader) if partition.replicas.first() == Some(&leader) => line.with(Role::Text, format!("{leader} ")),
        Some(leader) => line.with(Role::Accent, format!("{leader} ")),
        None => line.with(Role::Bad, "✖ "),
    })
}

//! The messages of the selected partition: the list, with the marks of the log's cells at its left edge, and the selected
//! record beside it or below it.

use crate::model::Model;
use crate::model::place::Selection;
use crate::model::prompt::Prompt;
use crate::model::topics::{Format, Pane};
use crate::session::action::Record;
use crate::session::snapshot::{Partition, Topic, TopicPartition};
use crate::view::format;
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::{Chosen, Sheet, columns, left, right};
use crate::view::text::{safe, safe_str};
use crate::view::{Area, Target};

use super::{BESIDE, record};

/// From this width of the list on a record's whole time of day is shown.
const CLOCK_FROM: u16 = 76;
/// Columns of the empty field for a place, which says what may be typed.
const SEEK: u16 = 36;

pub(super) fn project(model: &Model, topic: &Topic, partition: &Partition, area: Area, sheet: &mut Sheet) {
    let wide = area.width >= BESIDE;
    let frame = Area { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    bar(model, partition, if wide { super::inset(area) } else { frame }, sheet);
    let rest = area.below(1);
    let (list, detail) = split(model, rest, wide);
    rows(model, topic, partition, list, sheet);
    if let Some(detail) = detail {
        record::project(model, topic, partition, detail, sheet);
        if wide {
            for row in 0..detail.height {
                let edge = Area { x: detail.x - 2, width: 1, ..detail.row(row) };
                sheet.put(edge, Line::of(Role::Rule, "│"));
            }
        }
    }
}

/// The list's place and the record's, if both fit.
fn split(model: &Model, area: Area, wide: bool) -> (Area, Option<Area>) {
    if model.topics.messages.selected().is_none() {
        return (area, None);
    }
    if wide {
        let list = area.width * 31 / 50;
        let detail = Area { x: area.x + list + 1, width: area.width.saturating_sub(list + 3), ..area };
        return (Area { width: list.saturating_sub(3), ..area }, Some(detail));
    }
    let below = match area.height {
        ..11 => return (area, None),
        11..20 => 5,
        20..28 => 10,
        _ => 16,
    };
    let list = area.top(area.height - below);
    let detail = area.below(area.height - below);
    (list, Some(Area { x: detail.x + 1, width: detail.width.saturating_sub(2), ..detail }))
}

/// The bar over the list: the filter or the field that is being typed into, how many, whether it follows.
fn bar(model: &Model, partition: &Partition, area: Area, sheet: &mut Sheet) {
    let messages = &model.topics.messages;
    sheet.put_title(area, "Messages", "");
    let (following, role) = if messages.following {
        ("▶ following the tail ", Role::Accent)
    } else {
        ("‖ standing; f follows ", Role::Warn)
    };
    sheet.put_right(area, Line::of(Role::Text, " ").with(role, following), Role::Ground);
    let x = area.x + 11;
    let width = (area.width / 3).min(60);
    let field = Area { x, width, height: 1, ..area };
    let count = count_words(model, partition);
    match &model.prompt {
        Some(Prompt::Filter(typed)) => sheet.put_field(field, " / ", &typed.text(), typed.cursor.1),
        Some(Prompt::Seek(typed)) if typed.is_empty() => {
            // What stands at the right stays in view.
            let width = SEEK.max(width).min(area.width.saturating_sub(36));
            sheet.put_field(Area { width, ..field }, " go to ", "", 0);
            let help = Area { x: x + 8, width: width.saturating_sub(8), ..field };
            sheet.put_on(help, Line::of(Role::Dim, "1200, end, -50, -5m, 14:03"), Role::Field);
            return;
        }
        Some(Prompt::Seek(typed)) => sheet.put_field(field, " go to ", &typed.text(), typed.cursor.1),
        None if !messages.filter.is_empty() => {
            sheet.put_on(field, Line::of(Role::Key, " / ").with(Role::Text, &messages.filter), Role::Field);
        }
        None => {
            sheet.put(
                Area { width: columns(count.chars().count() + 2), ..field },
                Line::of(Role::Faint, format!(" {count} ")),
            );
            return;
        }
    }
    let behind = Area { x: x + width + 1, width: columns(count.chars().count() + 2), height: 1, ..area };
    sheet.put(behind, Line::of(Role::Faint, format!(" {count} ")));
}

fn count_words(model: &Model, partition: &Partition) -> String {
    let messages = &model.topics.messages;
    let all = format::grouped(partition.log_end - partition.log_start);
    if messages.filter.is_empty() {
        return format!("{all} in the log");
    }
    let shown = format::grouped(i64::try_from(messages.shown().len()).unwrap_or(0));
    format!("{shown} of the {} read here", format::grouped(i64::try_from(messages.records.len()).unwrap_or(0)))
}

/// The list: newest at the bottom.
fn rows(model: &Model, topic: &Topic, partition: &Partition, area: Area, sheet: &mut Sheet) {
    let wide = area.width >= 60;
    if wide {
        let time = if area.width >= CLOCK_FROM { 16 } else { 10 };
        let names = Line::of(Role::Faint, right("offset", 12)).with(Role::Faint, left("  time", time));
        let words = model.topics.messages.format == Format::Json
            && model.topics.messages.records.iter().any(|record| record.decoded.is_some());
        let names = if words {
            names.with(Role::Faint, "what key and value say")
        } else {
            names.with(Role::Faint, left("key", 13)).with(Role::Faint, "value")
        };
        sheet.put(area, names);
    }
    let area = if wide { area.below(1) } else { area };
    let messages = &model.topics.messages;
    let shown = messages.shown();
    if shown.is_empty() {
        sheet.put(Area { x: area.x + 2, ..area }, empty(model, partition));
        return;
    }
    let unreadable = shown.last().is_some_and(|record| record.offset >= partition.high_watermark);
    let legend = u16::from(unreadable && area.height > 8);
    let rows = usize::from(area.height - legend.min(area.height));
    let last = shown.len() - 1;
    let at = shown.iter().position(|record| Some(record.offset) == messages.selected).unwrap_or(last);
    let first =
        if messages.following { shown.len().saturating_sub(rows) } else { super::window(shown.len(), at, rows) };
    let mut row = 0;
    for record in shown.iter().skip(first).take(rows) {
        let newest = messages.following && record.offset + 1 == partition.log_end;
        let line = record_line(model, partition, record, usize::from(area.width), newest);
        let target = TopicPartition { topic: topic.name.clone(), partition: partition.id };
        let target = Target::Select(Selection::Record(target, record.offset));
        let selected = Some(record.offset) == messages.selected;
        let chosen = Chosen::when(selected, model.topics.pane == Pane::Messages);
        sheet.put_row(area.row(row), line, chosen, target);
        row += 1;
    }
    if legend > 0 {
        let words =
            Line::of(Role::Record, "    ░ ").with(Role::Faint, "above the high watermark: no consumer sees these yet");
        sheet.put(area.row(row), words);
    }
}

/// Why there is nothing, and what to do.
fn empty(model: &Model, partition: &Partition) -> Line {
    let messages = &model.topics.messages;
    if let Some(error) = &messages.error {
        Line::of(Role::Bad, "✖ ").with(Role::Text, error)
    } else if messages.reading && messages.records.is_empty() {
        Line::of(Role::Dim, "reading …")
    } else if !messages.filter.is_empty() && !messages.records.is_empty() {
        Line::of(Role::Text, "None of the records read here pass the filter. ")
            .with(Role::Key, "Esc")
            .with(Role::Dim, " clears it.")
    } else if partition.leader.is_none() {
        Line::of(Role::Text, "The partition has no leader now: nobody can read it.")
    } else {
        Line::of(Role::Text, "No records yet. ").with(Role::Key, "p").with(Role::Dim, " writes one.")
    }
}

/// The mark of the log's cells, then offset, time, key, value.
fn record_line(model: &Model, partition: &Partition, record: &Record, width: usize, newest: bool) -> Line {
    let readable = record.offset < partition.high_watermark;
    let mark = if !readable {
        "░"
    } else if partition.last_stable.is_some_and(|stable| record.offset >= stable) {
        "▒"
    } else {
        "█"
    };
    let selected = Some(record.offset) == model.topics.messages.selected;
    let (number, text) = match (readable, selected) {
        (false, _) => (Role::Faint, Role::Faint),
        (true, true) => (Role::Strong, Role::Strong),
        (true, false) => (Role::Strong, Role::Text),
    };
    let key = record.key.as_deref().map_or_else(|| "no key".to_owned(), safe);
    let value = record.value.as_deref().map_or_else(|| "tombstone".to_owned(), safe);
    let line = Line::of(Role::Record, format!("{mark}{mark}"))
        .with(number, right(&format::grouped(record.offset), 9))
        .with(Role::Faint, format!("  {}  ", time(record.timestamp_ms, width >= usize::from(CLOCK_FROM))));
    // What Kafka keeps for itself says more in words than in bytes.
    if let (Some(decoded), Format::Json) = (&record.decoded, model.topics.messages.format) {
        let room = width.saturating_sub(line.width() + if newest { 6 } else { 2 });
        // All of them are about a group: its name is enough.
        let words = decoded.line.strip_prefix("group ").unwrap_or(&decoded.line);
        let line = line.with(text, crate::view::line::cut(&safe_str(words), room));
        return if newest { line.with(Role::Accent, "  new") } else { line };
    }
    let line = line.with(if record.key.is_some() { text } else { Role::Faint }, left(&key, 12)).with(Role::Text, " ");
    let room = width.saturating_sub(line.width() + if newest { 6 } else { 2 });
    let value_role = if record.value.is_some() { text } else { Role::Faint };
    let line = line.with(value_role, crate::view::line::cut(&value, room));
    if newest { line.with(Role::Accent, "  new") } else { line }
}

/// A timestamp's time of day, in UTC; where there is little room its seconds, which tell neighbours apart.
fn time(timestamp_ms: i64, whole: bool) -> String {
    let day = timestamp_ms.rem_euclid(86_400_000);
    let seconds = format!("{:02}.{:03}", day / 1000 % 60, day % 1000);
    if whole { format!("{:02}:{:02}:{seconds}", day / 3_600_000, day / 60_000 % 60) } else { seconds }
}

//! One record: its value, then when, where and why there, its headers, who wrote it, its batch, and whether it can be read.

use std::sync::Arc;

use crate::model::Model;
use crate::model::topics::Format;
use crate::session::action::{Decoded, Record};
use crate::session::snapshot::{Partition, Topic};
use crate::view::Area;
use crate::view::format;
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::{Sheet, left};
use crate::view::text::{safe, safe_str};

use super::json;

/// Columns of the names of what is told of a record.
const NAME: usize = 11;
/// How many bytes of a value are shown at most; a value can have a megabyte.
const MOST_BYTES: usize = 16_384;

/// The selected record of the open partition, in `area`.
pub(super) fn project(model: &Model, topic: &Topic, partition: &Partition, area: Area, sheet: &mut Sheet) {
    let Some(record) = model.topics.messages.selected() else { return };
    let format = model.topics.messages.format;
    title(record, format, area, sheet);
    let facts = facts(model, topic, partition, record);
    let words = record.decoded.is_some() && format == Format::Json;
    let small = area.height < 14 && !(words && model.topics.messages.zoomed);
    let rest = area.below(if small { 1 } else { 2 });
    let kept = u16::try_from(facts.len()).unwrap_or(u16::MAX);
    // What Kafka keeps for itself is what one came for: the rest has the rows that are left.
    let kept = if words { 0 } else { kept + 1 };
    let room = if small { 1 } else { rest.height.saturating_sub(kept) };
    let value = value(record, format, usize::from(area.width), small);
    let many = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let cut = many > room;
    for (row, line) in (0..room).zip(value) {
        let last = cut && row + 1 == room && !small;
        let line =
            if last { Line::of(Role::Faint, format!("… {} more lines; Enter shows them", many - row)) } else { line };
        sheet.put(rest.row(row), line);
    }
    let below = rest.below(room.min(many) + u16::from(!small));
    for (row, line) in (0..below.height).zip(facts) {
        sheet.put(below.row(row), line);
    }
}

fn title(record: &Record, format: Format, area: Area, sheet: &mut Sheet) {
    let (what, which) = match (&record.decoded, format) {
        (Some(decoded), Format::Json) => ("", safe_str(&decoded.kind)),
        _ => ("key ", record.key.as_deref().map_or_else(|| "none".to_owned(), safe)),
    };
    let line = Line::of(Role::Dim, "offset ")
        .with(Role::Strong, format::grouped(record.offset))
        .with(Role::Dim, format!("   {what}"))
        .with(Role::Strong, which);
    sheet.put(area, line);
    let first = if record.decoded.is_some() { "words" } else { "JSON" };
    let names = [(Format::Json, first), (Format::Text, "text"), (Format::Hex, "hex")];
    let line = names.iter().fold(Line::of(Role::Text, " "), |line, (which, name)| {
        let role = if *which == format { Role::Accent } else { Role::Faint };
        line.with(role, format!(" {name} "))
    });
    sheet.put_right(area, line, Role::Ground);
}

/// What a record of Kafka's own says: in a line, or part by part.
fn words(decoded: &Decoded, width: usize, one_line: bool) -> Vec<Line> {
    if one_line {
        return vec![Line::of(Role::Text, safe_str(&decoded.line))];
    }
    let part = |(name, what): &(Arc<str>, Arc<str>)| {
        let mut rows = text(what.as_bytes(), width.saturating_sub(NAME).max(1)).into_iter();
        let first = Line::of(Role::Dim, left(name, NAME)).append(rows.next().unwrap_or_default());
        let rest = rows.map(|row| Line::of(Role::Dim, " ".repeat(NAME)).append(row));
        std::iter::once(first).chain(rest).collect::<Vec<_>>()
    };
    decoded.parts.iter().flat_map(part).collect()
}

/// The value in a format; in one line where there is little room.
fn value(record: &Record, format: Format, width: usize, one_line: bool) -> Vec<Line> {
    if let (Some(decoded), Format::Json) = (&record.decoded, format) {
        return words(decoded, width, one_line);
    }
    let Some(value) = record.value.as_deref() else {
        return vec![Line::of(Role::Dim, "a tombstone: it deletes the key when the log is compacted")];
    };
    let shown = value.get(..MOST_BYTES).unwrap_or(value);
    let mut lines = match format {
        Format::Json if one_line => vec![Line::of(Role::Text, safe(shown))],
        Format::Json => json::lines(value).unwrap_or_else(|| text(shown, width)),
        Format::Text => text(shown, width),
        Format::Hex => hex(shown, width),
    };
    if value.len() > MOST_BYTES && format != Format::Json {
        lines.push(Line::of(
            Role::Faint,
            format!("… {} in all", format::bytes(u64::try_from(value.len()).unwrap_or(0))),
        ));
    }
    lines
}

/// Text, with its own line breaks, wrapped by column.
fn text(value: &[u8], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for paragraph in value.split(|byte| *byte == b'\n') {
        let shown = safe(paragraph);
        let mut rest = shown.as_str();
        loop {
            let line = head(rest, width.max(1));
            lines.push(Line::of(Role::Text, line));
            rest = rest.get(line.len()..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
        }
    }
    lines
}

/// As much of a text as fits into a row, by grapheme, at least one.
fn head(text: &str, width: usize) -> &str {
    use unicode_segmentation::UnicodeSegmentation as _;
    use unicode_width::UnicodeWidthStr as _;
    let mut used = 0;
    let end = text.grapheme_indices(true).find(|(at, grapheme)| {
        used += grapheme.width();
        used > width && *at > 0
    });
    end.map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

/// Bytes in rows of 16, or 8 where it is narrow, with their characters.
fn hex(value: &[u8], width: usize) -> Vec<Line> {
    let row = if width >= 76 { 16 } else { 8 };
    let line = |(at, bytes): (usize, &[u8])| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String =
            bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '·' }).collect();
        Line::of(Role::Faint, format!("{:04x}  ", at * row))
            .with(Role::Text, left(&hex.join(" "), row * 3 + 1))
            .with(Role::Dim, text)
    };
    value.chunks(row).enumerate().map(line).collect()
}

fn fact(name: &str, value: impl Into<String>, note: impl Into<String>) -> Line {
    Line::of(Role::Dim, left(name, NAME)).with(Role::Strong, value).with(Role::Faint, note)
}

fn facts(model: &Model, topic: &Topic, partition: &Partition, record: &Record) -> Vec<Line> {
    let set_by = if record.log_append_time { "  set by the broker" } else { "  set by the producer" };
    let mut lines = vec![fact("time", time(record.timestamp_ms), set_by), why_here(model, topic, partition, record)];
    for (at, (name, value)) in record.headers.iter().enumerate() {
        let value = value.as_deref().map_or_else(|| "null".to_owned(), safe);
        lines.push(fact(if at == 0 { "headers" } else { "" }, safe_str(name), format!("  {value}")));
    }
    if let Some((id, epoch, sequence)) = record.producer {
        lines.push(fact("producer", format!("id {id}"), format!("  epoch {epoch}, sequence {sequence}")));
    }
    let (first, last) = record.batch;
    let size = format::bytes(u64::from(record.batch_bytes));
    let compression = if *record.compression == *"none" { "not compressed" } else { &record.compression };
    let records = usize::try_from(last - first + 1).unwrap_or(1);
    lines.push(fact(
        "batch",
        format!("{} to {}", format::grouped(first), format::grouped(last)),
        format!("  {}, {size}, {compression}", format::plural(records, "record")),
    ));
    let now =
        if record.leader_epoch == partition.leader_epoch { "the leader of today" } else { "a leader before this one" };
    lines.push(fact("epoch", record.leader_epoch.to_string(), format!("  written under {now}")));
    lines.push(readable(model, partition, record));
    lines
}

/// A date of the lab's calendar.
fn time(ms: i64) -> String {
    let known = jiff::Timestamp::from_millisecond(ms).ok();
    known.map_or_else(|| format!("{ms} ms"), |time| time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// Why the record is in this partition: the key decides, if it has one.
fn why_here(model: &Model, topic: &Topic, partition: &Partition, record: &Record) -> Line {
    let count = topic.partitions.len();
    let Some(key) = record.key.as_deref() else {
        return fact("partition", partition.id.to_string(), "  chosen by the producer: the record has no key");
    };
    let note = if model.topics.messages.by_key == Some(partition.id) {
        format!("  = murmur2(\"{}\") mod {count}", safe(key))
    } else {
        "  chosen by the producer, not by murmur2 of the key".to_owned()
    };
    fact("partition", partition.id.to_string(), note)
}

fn readable(model: &Model, partition: &Partition, record: &Record) -> Line {
    if record.offset >= partition.high_watermark {
        let have = partition.isr.iter().filter(|id| {
            let copy = partition.copies.get(id);
            copy.is_some_and(|copy| copy.log_end > record.offset)
        });
        let have = have.count();
        return Line::of(Role::Dim, left("readable", NAME))
            .with(Role::Warn, "not yet")
            .with(Role::Faint, format!("  on {have} of {} in-sync copies", partition.isr.len()));
    }
    let alive = partition.isr.iter().filter(|id| model.snapshot.brokers.contains_key(id)).count();
    fact("readable", "yes", format!("  on all {alive} in-sync copies"))
}

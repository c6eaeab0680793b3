//! A table to take along: what the screen in view lists, as rows of plain cells, and the two forms in which it is written.
//!
//! Data can hold anything, and a file is looked at in terminals and editors too. In JSON, control characters and what
//! turns text around are written as `\uXXXX`, which every reader turns back. CSV has no such thing: there the same signs
//! stand for them, and a backslash of the data is written twice, so that nothing is ambiguous. Bytes that are no text are
//! written as hexadecimal digits and say so.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::model::Model;
use crate::model::place::Screen;
use crate::model::sort::log_starts;
use crate::model::topics::Pane;
use crate::session::action::Record;
use crate::session::event::Event;
use crate::session::snapshot::{Broker, Group, GroupPartition, Partition, Topic};

use super::text::is_unsafe;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An object on each line.
    JsonLines,
    /// Names in the first line, then a line for each row (RFC 4180).
    Csv,
}

impl Format {
    /// The form that a file's name asks for.
    pub fn of(path: &str) -> Option<Self> {
        let (_, ending) = path.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// A table to take along.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What its rows are, in the singular: `message`.
    pub of: &'static str,
    /// A name for its file.
    pub file: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// What the screen in view lists, in the order and with the filter in which it is shown.
    pub fn of(model: &Model) -> Self {
        let snapshot = &model.snapshot;
        let place = &model.topics;
        let opened = place.topic.as_ref().and_then(|name| snapshot.topics.get(name)).filter(|_| place.opened);
        match (model.screen, opened) {
            (Screen::Topics, Some(topic)) if place.pane == Pane::Messages => {
                let file = format!("{}-{}.jsonl", topic.name, place.partition);
                let row = |record: &&Record| message(topic, place.partition, record);
                Self::made("message", file, MESSAGE, place.messages.shown().iter().map(row))
            }
            (Screen::Topics, Some(topic)) => {
                let rows = place.partitions(topic);
                let rows = rows.iter().map(|row| partition(topic, row));
                Self::made("partition", format!("{}.csv", topic.name), PARTITION, rows)
            }
            (Screen::Topics, None) => {
                Self::made("topic", "topics.csv".into(), TOPIC, place.list(snapshot).into_iter().map(topic_row))
            }
            (Screen::Groups, _) => Self::of_groups(model),
            (Screen::Events, _) => {
                Self::made("event", "events.jsonl".into(), EVENT, model.events.list(snapshot).into_iter().map(event))
            }
            (Screen::Brokers | Screen::Cluster, _) => {
                let brokers = model.brokers.list(snapshot);
                Self::made("broker", "brokers.csv".into(), BROKER, brokers.into_iter().map(broker))
            }
        }
    }

    fn of_groups(model: &Model) -> Self {
        let (snapshot, place) = (&model.snapshot, &model.groups);
        if let Some(group) = place.current(snapshot).filter(|_| place.opened) {
            let rows = group.partitions.iter().map(|partition| group_partition(group, partition));
            return Self::made("partition", format!("{}.csv", group.id), GROUP_PARTITION, rows);
        }
        Self::made("group", "groups.csv".into(), GROUP, place.list(snapshot).into_iter().map(group_row))
    }

    fn made(of: &'static str, file: String, columns: &[&'static str], rows: impl Iterator<Item = Vec<Value>>) -> Self {
        Self { of, file, columns: columns.to_vec(), rows: rows.collect() }
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The file's text.
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::JsonLines => self.json_lines(),
            Format::Csv => self.csv(),
        }
    }

    fn json_lines(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let cells = self.columns.iter().zip(row).map(|(name, cell)| format!("\"{name}\":{cell}"));
            escape_into(&mut text, &format!("{{{}}}", cells.collect::<Vec<_>>().join(",")));
            text.push('\n');
        }
        text
    }

    fn csv(&self) -> String {
        let mut text = format!("{}\r\n", self.columns.join(","));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(csv_cell).collect();
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

const MESSAGE: &[&str] =
    &["topic", "partition", "offset", "timestamp", "key", "value", "headers", "leader_epoch", "readable"];

fn message(topic: &Topic, partition: i32, record: &Record) -> Vec<Value> {
    let headers = record.headers.iter().map(|(name, value)| json!([&**name, bytes(value.as_deref())]));
    vec![
        json!(&*topic.name),
        json!(partition),
        json!(record.offset),
        json!(date(record.timestamp_ms)),
        bytes(record.key.as_deref()),
        bytes(record.value.as_deref()),
        headers.collect(),
        json!(record.leader_epoch),
        json!(record.readable),
    ]
}

const PARTITION: &[&str] = &[
    "topic",
    "partition",
    "leader",
    "leader_epoch",
    "replicas",
    "isr",
    "log_start",
    "last_stable",
    "high_watermark",
    "log_end",
    "size_bytes",
    "in_per_sec",
];

fn partition(topic: &Topic, partition: &Partition) -> Vec<Value> {
    vec![
        json!(&*topic.name),
        json!(partition.id),
        json!(partition.leader),
        json!(partition.leader_epoch),
        json!(partition.replicas),
        json!(partition.isr),
        json!(partition.log_start),
        json!(partition.last_stable),
        json!(partition.high_watermark),
        json!(partition.log_end),
        json!(partition.size_bytes),
        json!(partition.in_per_sec),
    ]
}

const TOPIC: &[&str] = &[
    "topic",
    "partitions",
    "replication_factor",
    "min_insync_replicas",
    "under_replicated",
    "records",
    "size_bytes",
    "segments",
    "first_log_start",
    "retention_ms",
    "in_per_sec",
];

fn topic_row(topic: &Topic) -> Vec<Value> {
    let partitions = &topic.partitions;
    let fewer = partitions.iter().filter(|partition| partition.isr.len() < partition.replicas.len()).count();
    vec![
        json!(&*topic.name),
        json!(partitions.len()),
        json!(topic.replication_factor),
        json!(topic.min_insync_replicas),
        json!(fewer),
        json!(partitions.iter().map(|partition| partition.log_end - partition.log_start).sum::<i64>()),
        json!(partitions.iter().map(|partition| partition.size_bytes).sum::<u64>()),
        json!(partitions.iter().map(|partition| partition.segment_count()).sum::<u64>()),
        json!(log_starts(topic).0),
        json!(topic.retention_ms),
        json!(partitions.iter().map(|partition| partition.in_per_sec).sum::<u64>()),
    ]
}

const BROKER: &[&str] = &[
    "broker",
    "address",
    "state",
    "controller",
    "leaders",
    "replicas",
    "in_sync",
    "in_per_sec",
    "out_per_sec",
    "log_bytes",
];

fn broker(broker: &Broker) -> Vec<Value> {
    vec![
        json!(broker.id),
        json!(broker.address),
        json!(broker.state),
        json!(broker.controller),
        json!(broker.leaders),
        json!(broker.replicas),
        json!(broker.in_sync),
        json!(broker.in_per_sec),
        json!(broker.out_per_sec),
        json!(broker.log_bytes),
    ]
}

const GROUP: &[&str] =
    &["group", "state", "kind", "assignor", "generation", "coordinator", "members", "partitions", "lag"];

fn group_row(group: &Group) -> Vec<Value> {
    vec![
        json!(&*group.id),
        json!(group.state.name()),
        json!(group.kind),
        json!(group.assignor),
        json!(group.generation),
        json!(group.coordinator),
        json!(group.member_count),
        json!(group.partition_count),
        json!(group.lag),
    ]
}

/// Kafka's own tool has these columns, in this order.
const GROUP_PARTITION: &[&str] =
    &["group", "topic", "partition", "current_offset", "log_end_offset", "lag", "consumer_id", "host", "client_id"];

fn group_partition(group: &Group, partition: &GroupPartition) -> Vec<Value> {
    let owner = partition.owner.as_ref().and_then(|tag| group.tagged(tag));
    vec![
        json!(&*group.id),
        json!(&*partition.at.topic),
        json!(partition.at.partition),
        json!(partition.committed),
        json!(partition.log_end),
        json!(partition.lag),
        json!(owner.map(|owner| &owner.id)),
        json!(owner.map(|owner| &owner.host)),
        json!(owner.map(|owner| &owner.client_id)),
    ]
}

const EVENT: &[&str] = &["id", "at_us", "node", "kind", "severity", "text", "because", "cause_event"];

fn event(event: &Event) -> Vec<Value> {
    vec![
        json!(event.id),
        json!(event.at_us),
        json!(event.node),
        json!(&*event.kind),
        json!(event.severity),
        json!(&*event.text),
        json!(&*event.because),
        json!(event.cause_event),
    ]
}

/// Bytes as text where they are, otherwise as digits that say so; none as null.
fn bytes(bytes: Option<&[u8]>) -> Value {
    let Some(bytes) = bytes else { return Value::Null };
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "hex": hex(bytes) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// A date in UTC, as ISO 8601 has it.
fn date(ms: i64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

fn csv_cell(cell: &Value) -> String {
    let text = match cell {
        Value::Null => return String::new(),
        Value::String(text) => text.replace('\\', "\\\\"),
        Value::Object(object) if object.contains_key("hex") => {
            format!("hex:{}", object.get("hex").and_then(Value::as_str).unwrap_or_default())
        }
        // JSON within a cell keeps its own backslashes.
        other => other.to_string(),
    };
    let mut shown = String::with_capacity(text.len());
    escape_into(&mut shown, &text);
    if shown.contains([',', '"']) { format!("\"{}\"", shown.replace('"', "\"\"")) } else { shown }
}

/// Text with what a terminal would obey, or nobody could see, written as `\uXXXX`.
fn escape_into(shown: &mut String, text: &str) {
    for c in text.chars() {
        if !is_unsafe(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // As above.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(values: &[Value]) -> Table {
        let rows = values.iter().map(|value| vec![json!(7), value.clone()]);
        Table::made("message", "x.csv".into(), &["offset", "value"], rows)
    }

    #[test]
    fn json_lines_can_be_read_back_and_steer_no_terminal() {
        let text = "a\"b\\\n\u{1b}[2J\u{9b}\u{202e}\u{7f}\u{e0041}é";
        let written = table(&[json!(text), Value::Null, bytes(Some(&[0xff, 0]))]).text(Format::JsonLines);
        assert!(written.chars().all(|c| c == '\n' || !is_unsafe(c)), "{written:?}");
        let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], json!({ "offset": 7, "value": text }));
        assert_eq!(lines[1], json!({ "offset": 7, "value": null }));
        assert_eq!(lines[2], json!({ "offset": 7, "value": { "hex": "ff00" } }));
    }

    #[test]
    fn csv_has_one_line_for_each_row_whatever_the_data() {
        let values = [json!("a,\"b\"\r\nc\\u000a"), Value::Null, bytes(Some(&[0xff])), json!([1, 2])];
        let written = table(&values).text(Format::Csv);
        let lines = ["offset,value", "7,\"a,\"\"b\"\"\\u000d\\u000ac\\\\u000a\"", "7,", "7,hex:ff", "7,\"[1,2]\"", ""];
        assert_eq!(written.split("\r\n").collect::<Vec<_>>(), lines);
    }

    #[test]
    fn the_name_of_a_file_says_its_form() {
        assert_eq!(Format::of("a.b/trucks.JSONL"), Some(Format::JsonLines));
        assert_eq!(Format::of("x.csv"), Some(Format::Csv));
        assert_eq!((Format::of("x.txt"), Format::of("csv")), (None, None));
    }
}

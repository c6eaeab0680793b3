//! The messages of the open partition: reading them as they come, going back and forth in them.
//!
//! One reading is under way at a time. While following, what is new is read whenever a snapshot says that the log has
//! grown. A log that became shorter (its leader died, and the new one had less) is read anew.

use crate::model::Model;
use crate::model::field::TextField;
use crate::model::place::{Motion, Screen};
use crate::model::prompt::Prompt;
use crate::model::topics::{Messages, Pane};
use crate::session::action::{Action, Outcome, Position, ReadFrom, Record};
use crate::session::partition_for_key;
use crate::session::snapshot::TopicPartition;

use crate::app::effect::{Effect, Purpose};

use crate::view::format::grouped;

use super::answer::words;
use super::seek;

/// How many records are read at first and at a time when going back.
const PAGE: u32 = 200;
/// How many records are read at a time while following.
const CATCH_UP: u32 = 500;

/// Where murmur2 puts the selected record's key: the view says whether that is where it is.
fn place_by_key(model: &mut Model) {
    let topic = model.topics.topic.as_ref().and_then(|name| model.snapshot.topics.get(name));
    let count = topic.and_then(|topic| i32::try_from(topic.partitions.len()).ok()).filter(|count| *count > 0);
    let messages = &mut model.topics.messages;
    let key = messages.selected().and_then(|record| record.key.as_deref());
    messages.by_key = key.zip(count).map(|(key, count)| partition_for_key(key, count));
}

/// Keeps up with the open partition: reads what is missing of its messages, if no reading is under way.
pub(super) fn poll(model: &mut Model) -> Vec<Effect> {
    place_by_key(model);
    let Some(at) = model.topics.topic_partition().filter(|_| model.screen == Screen::Topics) else {
        return Vec::new();
    };
    let log_end = model.topics.current(&model.snapshot).map(|partition| (partition.log_end, partition.leader));
    let Some((log_end, leader)) = log_end else { return Vec::new() };
    let messages = &mut model.topics.messages;
    if messages.of.as_ref() != Some(&at) {
        let (filter, format) = (std::mem::take(&mut messages.filter), messages.format);
        *messages = Messages { of: Some(at.clone()), following: true, filter, format, ..Messages::default() };
        return jump(messages, at, Position::Tail(PAGE));
    }
    if messages.reading || !messages.following || leader.is_none() {
        return Vec::new();
    }
    let next = messages.records.last().map_or(0, |record| record.offset + 1);
    if log_end < next {
        return jump(messages, at, Position::Tail(PAGE));
    }
    if log_end == next || (messages.records.is_empty() && log_end == 0) {
        return Vec::new();
    }
    messages.reading = true;
    // Far behind, what lies between is skipped: following shows the newest.
    let behind = log_end - next;
    if behind > i64::from(CATCH_UP) {
        return jump(messages, at, Position::Tail(PAGE));
    }
    vec![read(at.clone(), Position::Offset(next), CATCH_UP, Purpose::Tail(at))]
}

fn jump(messages: &mut Messages, at: TopicPartition, to: Position) -> Vec<Effect> {
    messages.reading = true;
    vec![read(at.clone(), to, PAGE, Purpose::Jump(at))]
}

fn read(at: TopicPartition, from: Position, max_records: u32, purpose: Purpose) -> Effect {
    let TopicPartition { topic, partition } = at;
    Effect::Ask(Action::Read(ReadFrom { topic, partition, from, max_records, uncommitted: true }), purpose)
}

/// Records that were read, or why they were not.
pub(super) fn answered(model: &mut Model, purpose: &Purpose, outcome: Outcome) -> Vec<Effect> {
    let (Purpose::Tail(at) | Purpose::Older(at) | Purpose::Jump(at)) = purpose else { return Vec::new() };
    let messages = &mut model.topics.messages;
    if messages.of.as_ref() != Some(at) {
        return Vec::new();
    }
    messages.reading = false;
    let records = match outcome {
        Outcome::Records(records) => records,
        Outcome::Failed(failure) => {
            messages.error = Some(words(&failure));
            return Vec::new();
        }
        Outcome::Done(_) | Outcome::Produced { .. } | Outcome::Offsets(_) => return Vec::new(),
    };
    messages.error = None;
    match purpose {
        Purpose::Older(_) => prepend(messages, records),
        Purpose::Jump(_) => messages.records = records,
        _ => append(messages, records),
    }
    let kept = messages.selected.is_some_and(|offset| messages.records.iter().any(|record| record.offset == offset));
    if messages.following {
        messages.selected = messages.records.last().map(|record| record.offset);
    } else if !kept {
        messages.selected = messages.records.first().map(|record| record.offset);
    }
    let nothing = messages.records.is_empty() && !messages.following && matches!(purpose, Purpose::Jump(_));
    if nothing { beyond_the_end(model) } else { Vec::new() }
}

/// Puts newer records behind; the oldest go. A record that is there already was written again by another leader: it, and
/// what followed it, is replaced.
fn append(messages: &mut Messages, records: Vec<Record>) {
    if let Some(first) = records.first() {
        messages.records.retain(|record| record.offset < first.offset);
    }
    messages.records.extend(records);
    let surplus = messages.records.len().saturating_sub(Messages::MAX);
    messages.records.drain(..surplus);
}

/// Puts older records before; the newest go.
fn prepend(messages: &mut Messages, mut records: Vec<Record>) {
    if let Some(first) = messages.records.first() {
        let first = first.offset;
        records.retain(|record| record.offset < first);
    }
    records.append(&mut messages.records);
    records.truncate(Messages::MAX);
    messages.records = records;
}

/// Moves in the list of messages. Moving up stops following; going to the last follows again.
pub(super) fn go(model: &mut Model, motion: Motion, page: usize) -> Vec<Effect> {
    let topics = &mut model.topics;
    let messages = &mut topics.messages;
    let shown = messages.shown();
    let at = messages.selected.and_then(|offset| shown.iter().position(|record| record.offset == offset));
    let to = motion.along(at.or(shown.len().checked_sub(1)), shown.len(), page);
    let chosen = to.and_then(|to| shown.get(to)).map(|record| record.offset);
    let at_top = to == Some(0) && at == Some(0);
    let at_bottom = to.is_some() && to == at && to == shown.len().checked_sub(1);
    let (log_start, log_end) =
        topics.current(&model.snapshot).map_or((0, 0), |partition| (partition.log_start, partition.log_end));
    let messages = &mut model.topics.messages;
    let first = messages.records.first().map(|record| record.offset);
    let next = messages.records.last().map_or(log_end, |record| record.offset + 1);
    match motion {
        Motion::Up | Motion::PageUp | Motion::First => messages.following = false,
        Motion::Last => return follow(model),
        _ => {}
    }
    messages.selected = chosen.or(messages.selected);
    let Some((at, first)) = messages.of.clone().zip(first) else { return Vec::new() };
    if motion == Motion::First && first > log_start {
        messages.selected = None;
        return jump(messages, at, Position::Earliest);
    }
    // Below the last record that was read: what comes after it, where there is more.
    let down = matches!(motion, Motion::Down | Motion::PageDown);
    if at_bottom && down && !messages.following && !messages.reading && next < log_end {
        messages.reading = true;
        return vec![read(at.clone(), Position::Offset(next), PAGE, Purpose::Tail(at))];
    }
    if at_top && !messages.following && !messages.reading && first > log_start {
        messages.reading = true;
        let from = (first - i64::from(PAGE)).max(log_start);
        let count = u32::try_from(first - from).unwrap_or(PAGE);
        return vec![read(at.clone(), Position::Offset(from), count, Purpose::Older(at))];
    }
    Vec::new()
}

/// Follows the newest records from now on.
pub(super) fn follow(model: &mut Model) -> Vec<Effect> {
    let log_end = model.topics.current(&model.snapshot).map_or(0, |partition| partition.log_end);
    let messages = &mut model.topics.messages;
    messages.following = true;
    messages.selected = messages.records.last().map(|record| record.offset);
    let near = messages.records.last().is_some_and(|record| record.offset + i64::from(CATCH_UP) >= log_end);
    match messages.of.clone() {
        Some(at) if !near => jump(messages, at, Position::Tail(PAGE)),
        _ => Vec::new(),
    }
}

/// Opens the field for an offset or a time.
pub(super) fn ask_offset(model: &mut Model) {
    model.topics.pane = Pane::Messages;
    model.prompt = Some(Prompt::Seek(TextField::default()));
}

/// Enter in a text field of the screen.
pub(super) fn entered(model: &mut Model) -> Vec<Effect> {
    match model.prompt.take() {
        Some(Prompt::Seek(field)) => seek(model, field),
        Some(Prompt::Filter(_)) | None => Vec::new(),
    }
}

fn seek(model: &mut Model, field: TextField) -> Vec<Effect> {
    let to = match seek::parse(&field.text(), model.snapshot.clock.date_ms) {
        Ok(to) => to,
        Err(why) => {
            model.tell(format!("{why}; go to {}", seek::EXAMPLES), true);
            model.prompt = Some(Prompt::Seek(field));
            return Vec::new();
        }
    };
    if to == Position::Tail(0) {
        return follow(model);
    }
    let messages = &mut model.topics.messages;
    messages.following = false;
    messages.selected = None;
    messages.filter.clear();
    messages.of.clone().map_or_else(Vec::new, |at| jump(messages, at, to))
}

/// Nothing is where it was gone to: that is beyond the end. Says so, and follows the end.
fn beyond_the_end(model: &mut Model) -> Vec<Effect> {
    let log_end = model.topics.current(&model.snapshot).map_or(0, |partition| partition.log_end);
    model.tell(format!("no record is so far on: the log ends at offset {}; following it", grouped(log_end)), true);
    follow(model)
}

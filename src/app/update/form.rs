//! Forms: opening them, checking what was entered, sending it, saying what came of it.

use std::sync::Arc;

use crate::model::Model;
use crate::model::export::Export;
use crate::model::field::TextField;
use crate::model::overlay::{Confirm, Confirmed, Form, FormField, FormKind, FormState, Overlay};
use crate::model::place::{Screen, Selection};
use crate::model::topics::fullest;
use crate::session::action::{Action, Failure, NewRecord, Outcome};
use crate::session::partition_for_key;
use crate::session::snapshot::Snapshot;

use crate::app::effect::{Effect, Purpose};
use crate::app::file::Unwritten;
use crate::app::keymap::{Code, KeyPress};

use crate::view::export::{Format, Table};
use crate::view::format::{bytes as size, plural};
use crate::view::text::safe_str;

use super::answer::words;
use super::topic_form::{changed, topic, topic_name};
use super::{both, consumer_form, groups};

/// Opens the form to write a record: to what is selected, or to the fullest topic.
pub(super) fn produce(model: &mut Model) {
    let (topic, partition) = match model.selection() {
        Selection::Topic(name) => (name, None),
        Selection::Partition(at) | Selection::Record(at, _) if model.screen == Screen::Topics => {
            (at.topic, Some(at.partition))
        }
        _ => (fullest(&model.snapshot).unwrap_or_default(), None),
    };
    let fields = vec![
        text("topic", "its name", &topic, 1),
        text("key", "empty: no key", "", 1),
        text("value", "empty: a tombstone", "", 3),
        text("headers", "name=value, one on a line", "", 2),
        text("partition", "automatic: from the key, or any without one", "", 1),
        choice("acks", "who has to have it before it counts", &["all", "1", "0"]),
    ];
    let mut form = Form { focus: 1, ..of(FormKind::Produce, fields) };
    if let (Some(partition), Some(field)) = (partition, form.fields.get_mut(4)) {
        field.field = TextField::with(&partition.to_string());
    }
    model.overlays.push(Overlay::Form(form));
}

/// Opens the form to write what is shown to a file.
pub(super) fn export(model: &mut Model) {
    let table = Table::of(model);
    if table.is_empty() {
        model.tell(format!("nothing to write: no {} is shown", table.of), true);
        return;
    }
    let fields = vec![text("file", "a path; .jsonl for JSON lines, .csv for CSV", &table.file, 1)];
    model.overlays.push(Overlay::Form(of(FormKind::Export, fields)));
}

/// A form that was not touched yet.
pub(super) fn of(kind: FormKind, fields: Vec<FormField>) -> Form {
    Form { kind, fields, focus: 0, subject: None, state: FormState::Editing, by_key: None, shown: None }
}

pub(super) fn text(label: &str, help: &str, text: &str, rows: u16) -> FormField {
    let (label, help, field) = (label.into(), help.into(), TextField::with(text));
    FormField { label, help, field, error: None, rows, choices: Vec::new(), inherited: None }
}

pub(super) fn choice(label: &str, help: &str, choices: &[&str]) -> FormField {
    let first = choices.first().copied().unwrap_or_default();
    let choices = choices.iter().map(|choice| Arc::from(*choice)).collect();
    FormField { choices, ..text(label, help, first, 1) }
}

/// A key in the field that has the focus: choices turn, everything else is for the editor. True where it was taken.
pub(super) fn turned(model: &mut Model, key: KeyPress) -> bool {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return false };
    let Some(field) = form.fields.get_mut(form.focus).filter(|field| !field.choices.is_empty()) else { return false };
    let count = field.choices.len();
    let now = field.field.text();
    let at = field.choices.iter().position(|choice| **choice == *now).unwrap_or(0);
    let to = match key.code {
        Code::Right | Code::Char(' ') => (at + 1) % count,
        Code::Left => (at + count - 1) % count,
        // Typing the beginning of a choice chooses it; nothing else can be typed here.
        Code::Char(c) => field.choices.iter().position(|choice| choice.starts_with(c)).unwrap_or(at),
        _ => at,
    };
    if let Some(chosen) = field.choices.get(to) {
        field.field = TextField::with(chosen);
    }
    consumer_form::turned(form);
    true
}

/// A field was changed: what was said about the form is no longer about this one, and a key may go elsewhere.
pub(super) fn edited(form: &mut Form, snapshot: &Snapshot) {
    let key = Some(entry(form, 1)).filter(|key| form.kind == FormKind::Produce && !key.is_empty());
    let topic = snapshot.topics.get(entry(form, 0).as_str());
    let count = topic.and_then(|topic| i32::try_from(topic.partitions.len()).ok()).filter(|count| *count > 0);
    form.by_key = key.zip(count).map(|(key, count)| (partition_for_key(key.as_bytes(), count), count));
    consumer_form::edited(form, snapshot);
    if form.state != FormState::Waiting {
        form.state = FormState::Editing;
    }
    if let Some(field) = form.fields.get_mut(form.focus) {
        field.error = None;
    }
}

/// Sends the form on top, if it is in order; otherwise says what is not, field by field.
pub(super) fn send(model: &mut Model) -> Vec<Effect> {
    let shown = Table::of(model);
    let (snapshot, both) = (Arc::clone(&model.snapshot), both::groups(model));
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return Vec::new() };
    if form.state == FormState::Waiting {
        return Vec::new();
    }
    for field in &mut form.fields {
        field.error = None;
    }
    let checked = match form.kind {
        FormKind::Export => file(form, &shown).map(|export| vec![Effect::Write(export)]),
        kind => actions(form, both.as_ref(), &snapshot).map(|actions| {
            if let [Action::ResetOffsets(reset)] = actions.as_slice() {
                form.shown = Some(reset.clone());
            }
            // The form waits for the first answer; of the others only a failure is said.
            let purposes = std::iter::once(Purpose::Form(kind)).chain(std::iter::repeat(Purpose::Quiet));
            actions.into_iter().zip(purposes).map(|(action, purpose)| Effect::Ask(action, purpose)).collect()
        }),
    };
    match checked {
        Ok(effects) => {
            form.state = FormState::Waiting;
            effects
        }
        Err(wrong) => {
            for (at, what) in wrong {
                if let Some(field) = form.fields.get_mut(at) {
                    field.error = Some(what);
                }
            }
            form.focus = form.fields.iter().position(|field| field.error.is_some()).unwrap_or(form.focus);
            Vec::new()
        }
    }
}

/// What a form asks the session for; two groups side by side are asked for the same.
fn actions(form: &Form, both: Option<&[Arc<str>; 2]>, snapshot: &Snapshot) -> Result<Vec<Action>, Wrong> {
    let one = |action: Action| vec![action];
    match form.kind {
        FormKind::Produce => record(form).map(Action::Produce).map(one),
        FormKind::NewTopic => topic(form, snapshot).map(Action::CreateTopic).map(one),
        FormKind::AlterTopic => changed(form, snapshot).map(Action::AlterTopic).map(one),
        FormKind::AddConsumer => consumer_form::consumer(form, snapshot).map(Action::AddConsumer).map(one),
        FormKind::AddToBoth => both::consumers(form, both, snapshot).map(|two| two.map(Action::AddConsumer).into()),
        FormKind::Work => {
            let slowed = consumer_form::slowed(form);
            slowed.map(|(ids, work_us)| ids.into_iter().map(|id| Action::SlowConsumer { id, work_us }).collect())
        }
        FormKind::ResetOffsets => groups::reset(form, snapshot.clock.date_ms).map(Action::ResetOffsets).map(one),
        // A file is none of the session's.
        FormKind::Export => Ok(Vec::new()),
    }
}

/// What came of a sent form. The form may be closed by now: then it is said as a message.
pub(super) fn answered(model: &mut Model, kind: FormKind, outcome: &Outcome) {
    let topic = match model.overlays.last() {
        Some(Overlay::Form(form)) => entry(form, 0),
        _ => String::new(),
    };
    let said = match outcome {
        Outcome::Done(what) => Ok(what.to_string()),
        Outcome::Produced { partition, offset: Some(offset) } => {
            Ok(format!("written to {topic}-{partition} at offset {offset}"))
        }
        Outcome::Produced { partition, offset: None } => {
            Ok(format!("sent to {topic}-{partition}; acks=0 tells no offset"))
        }
        Outcome::Offsets(changes) => {
            groups::preview(model, changes);
            return;
        }
        Outcome::Records(_) => return,
        Outcome::Failed(failure) => Err(words(failure)),
    };
    let form = model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Form(form) if form.kind == kind && form.state == FormState::Waiting => Some(form),
        _ => None,
    });
    match (said, form, kind) {
        (Ok(what), Some(form), FormKind::Produce) => form.state = FormState::Done(what),
        (Err(why), Some(form), _) => form.state = FormState::Failed(why),
        (Ok(what), Some(_), _) => {
            model.overlays.pop();
            model.tell(what, false);
        }
        (Ok(what), None, _) => model.tell(what, false),
        (Err(why), None, _) => model.tell(why, true),
    }
}

/// What became of a file. One that is there already is written over only after a question.
pub(super) fn written(model: &mut Model, export: Export, result: Result<(), Unwritten>) {
    let path = safe_str(&export.path);
    let outcome = match result {
        Ok(()) => Outcome::Done(format!("{} written to {path}", export.what).into()),
        Err(Unwritten::Failed(why)) => {
            Outcome::Failed(Failure { error: None, code: None, message: format!("{path}: {why}").into() })
        }
        Err(Unwritten::Exists { bytes }) => {
            let consequences = vec![
                format!("What it holds now is lost: {}.", size(bytes)),
                format!("Instead it gets {}.", export.what),
            ];
            let then = Confirmed::Write(Export { overwrite: true, ..export });
            let question = format!("Write over {path}?");
            model.overlays.push(Overlay::Confirm(Confirm { question, consequences, then }));
            return;
        }
    };
    answered(model, FormKind::Export, &outcome);
}

/// What is wrong, by the number of the field.
pub(super) type Wrong = Vec<(usize, String)>;

fn record(form: &Form) -> Result<NewRecord, Wrong> {
    let bytes =
        |at: usize| Some(entry(form, at)).filter(|text| !text.is_empty()).map(|text| Arc::from(text.into_bytes()));
    let mut wrong = Wrong::new();
    let topic = entry(form, 0);
    check(&mut wrong, 0, topic_name(&topic));
    let headers = pairs(&entry(form, 3)).map_err(|what| wrong.push((3, what))).unwrap_or_default();
    let partition = match entry(form, 4).trim() {
        "" | "automatic" => None,
        number => {
            let partition = number.parse().ok().filter(|partition| *partition >= 0);
            check(&mut wrong, 4, partition.ok_or_else(|| "a number from 0, or empty for automatic".to_owned()));
            partition
        }
    };
    let acks = match entry(form, 5).as_str() {
        "0" => 0,
        "1" => 1,
        _ => -1,
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let headers = headers.into_iter().map(|(name, value)| (Arc::from(name), Arc::from(value.into_bytes()))).collect();
    Ok(NewRecord { topic: topic.into(), partition, key: bytes(1), value: bytes(2), headers, acks })
}

fn file(form: &Form, shown: &Table) -> Result<Export, Wrong> {
    let path = entry(form, 0).trim().to_owned();
    let Some(format) = Format::of(&path) else {
        return Err(vec![(0, "its name has to end in .jsonl or .csv: that says how it is written".to_owned())]);
    };
    let text = shown.text(format).into();
    Ok(Export { path, text, what: plural(shown.len(), shown.of), overwrite: false })
}

pub(super) fn check<T>(wrong: &mut Wrong, at: usize, result: Result<T, String>) {
    if let Err(what) = result {
        wrong.push((at, what));
    }
}

pub(super) fn entry(form: &Form, at: usize) -> String {
    form.fields.get(at).map_or_else(String::new, |field| field.field.text())
}

/// Lines of `name=value`.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
            _ => Err(format!("'{line}' is not name=value")),
        })
        .collect()
}

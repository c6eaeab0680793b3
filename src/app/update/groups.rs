//! What can be done to groups and their members: a consumer less, a crash, a stop, offsets set anew.

use std::sync::Arc;

use crate::model::Model;
use crate::model::overlay::{Confirm, Confirmed, Form, FormKind, FormState, Overlay};
use crate::model::place::{Screen, Selection};
use crate::session::action::{Action, Cut, OffsetChange, OffsetsReset, Position, ResetTo};
use crate::session::snapshot::Group;

use crate::app::command::Command;
use crate::app::effect::{Effect, Purpose};

use crate::view::format::{date, grouped, plural};
use crate::view::line::cut;
use crate::view::sheet::left;
use crate::view::text::{name_of, safe_str};

use super::form::{Wrong, choice, entry, of, text};
use super::{both, consumer_form, seek};

/// Columns of a partition's name in what a reset would change.
const NAME: usize = 16;

/// Carries out a command on groups or consumers.
pub(super) fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::AddConsumer => match both::groups(model) {
            Some(two) => both::add(model, &two),
            None => consumer_form::add(model),
        },
        Command::ResetOffsets => reset_form(model),
        Command::CompareGroups => compare(model),
        _ => return on_consumer(model, command),
    }
    Vec::new()
}

fn compare(model: &mut Model) {
    let snapshot = Arc::clone(&model.snapshot);
    if snapshot.groups.len() < 2 {
        model.tell("there is no other group to compare with; c adds a consumer in a group of its own", true);
        return;
    }
    model.groups.compare(&snapshot);
}

fn on_consumer(model: &mut Model, command: Command) -> Vec<Effect> {
    let struck = match both::in_reach(model) {
        Ok(found) => found,
        Err(why) => {
            model.tell(why, true);
            return Vec::new();
        }
    };
    if command == Command::SlowConsumer {
        let ids: Vec<u32> = struck.into_iter().map(|(id, _)| id).collect();
        consumer_form::slow(model, &ids);
        return Vec::new();
    }
    // Two that are compared stop together and go on together.
    let paused = struck.first().is_some_and(|(_, paused)| *paused);
    let action = |id: u32| match command {
        Command::RemoveConsumer => Action::CloseConsumer(id),
        Command::CrashConsumer => Action::CrashConsumer(id),
        _ => Action::PauseConsumer { id, paused: !paused },
    };
    struck.into_iter().map(|(id, _)| Effect::Ask(action(id), Purpose::Quiet)).collect()
}

/// The group that is selected.
pub(super) fn group_in_reach(model: &Model) -> Option<&Group> {
    let id = match model.selection() {
        Selection::Group(id) | Selection::Member(id, _) | Selection::GroupPartition(id, _) => Some(id),
        _ if model.screen == Screen::Groups => model.groups.group.clone(),
        _ => None,
    };
    let groups = &model.snapshot.groups;
    let id = id.or_else(|| groups.keys().next().cloned())?;
    groups.get(&id).map(AsRef::as_ref)
}

/// Opens the form to set where the selected group goes on.
fn reset_form(model: &mut Model) {
    let Some(group) = group_in_reach(model) else {
        model.tell("there is no group yet; c adds a consumer", true);
        return;
    };
    if group.member_count > 0 {
        let why = format!(
            "{} is {}: offsets can only be reset while nobody is in the group; x removes its members",
            name_of(&group.id),
            group.state.name()
        );
        model.tell(why, true);
        return;
    }
    let mut topics = vec!["all topics"];
    topics.extend(group.topics.iter().map(AsRef::as_ref));
    let fields = vec![
        choice("of", "which topic's offsets", &topics),
        choice("to", "where it goes on", &["earliest", "latest", "offset", "time", "shift by"]),
        text("value", "", "", 1),
    ];
    let subject = Some(Arc::clone(&group.id));
    model.overlays.push(Overlay::Form(Form { subject, ..of(FormKind::ResetOffsets, fields) }));
}

/// The reset that the form wants; the lab's date counts for times.
pub(super) fn reset(form: &Form, now_ms: i64) -> Result<OffsetsReset, Wrong> {
    let typed = entry(form, 2);
    let number =
        || typed.trim().parse::<i64>().map_err(|_| vec![(2, "a whole number of at most 18 digits".to_owned())]);
    let to = match entry(form, 1).as_str() {
        "latest" => ResetTo::Latest,
        "offset" => match number()? {
            offset if offset < 0 => return Err(vec![(2, "an offset from 0".to_owned())]),
            offset => ResetTo::Offset(offset),
        },
        "time" => match seek::parse(&typed, now_ms) {
            Ok(Position::Time(at_ms)) => ResetTo::Time(at_ms),
            Ok(_) => return Err(vec![(2, "a time: -5m, 14:03, 14:03:20, or a date".to_owned())]),
            Err(what) => return Err(vec![(2, what)]),
        },
        "shift by" => ResetTo::Shift(number()?),
        _ => ResetTo::Earliest,
    };
    let topic = Some(entry(form, 0)).filter(|topic| topic != "all topics").map(Arc::from);
    Ok(OffsetsReset { group: form.subject.clone().unwrap_or_default(), topic, to, execute: false })
}

/// What a reset would change is known: it is asked whether to do it.
pub(super) fn preview(model: &mut Model, changes: &[OffsetChange]) {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return };
    if form.kind != FormKind::ResetOffsets || form.state != FormState::Waiting {
        return;
    }
    let Some(wanted) = form.shown.clone() else { return };
    let moved: Vec<&OffsetChange> = changes.iter().filter(|change| change.before != Some(change.after)).collect();
    if moved.is_empty() {
        form.state = FormState::Failed("nothing would change: it is there already".to_owned());
        return;
    }
    let question = format!("Reset {} of {}?", plural(moved.len(), "offset"), name_of(&wanted.group));
    let mut consequences = vec![goal(wanted.to)];
    let cut = moved.iter().filter(|change| change.cut.is_some()).count();
    if cut > 0 {
        consequences.push(format!("▲ {} cut: their logs do not reach there.", are(cut)));
    }
    if changes.len() > moved.len() {
        consequences.push(format!("{} there already, and not among these.", are(changes.len() - moved.len())));
    }
    consequences.extend(moved.into_iter().map(told));
    let then = Confirmed::Ask(Action::ResetOffsets(OffsetsReset { execute: true, ..wanted }));
    model.overlays.push(Overlay::Confirm(Confirm { question, consequences, then }));
}

/// `1 is`, `3 are`.
fn are(count: usize) -> String {
    format!("{count} {}", if count == 1 { "is" } else { "are" })
}

/// Where the group is to go on, in a sentence.
fn goal(to: ResetTo) -> String {
    match to {
        ResetTo::Earliest => "To the first record that is kept.".to_owned(),
        ResetTo::Latest => "To the end, where that is then: what is there now is passed over.".to_owned(),
        ResetTo::Offset(offset) => format!("To offset {}.", grouped(offset)),
        ResetTo::Time(at_ms) => format!("To the first record from {} on.", date(at_ms)),
        ResetTo::Shift(by) if by < 0 => format!("Back by {}.", grouped(by.saturating_neg())),
        ResetTo::Shift(by) => format!("On by {}.", grouped(by)),
    }
}

/// A change in a line: before, after, and what that means. Of a long name the end goes, so that the figures are to be seen.
fn told(change: &OffsetChange) -> String {
    let partition = format!("-{}", change.at.partition);
    let name = cut(&safe_str(&change.at.topic), NAME - partition.len().min(NAME));
    let at = left(&format!("{name}{partition}"), NAME);
    let before = change.before.map_or_else(|| "–".to_owned(), grouped);
    let meaning = match (change.cut, change.before.map(|before| change.after.saturating_sub(before))) {
        (Some(Cut::Start), _) => "  ▲ cut to its start".to_owned(),
        (Some(Cut::End), _) => "  ▲ cut to its end".to_owned(),
        (Some(Cut::NoneSoLate), _) => "  ▲ none so late: its end".to_owned(),
        (None, None) => String::new(),
        (None, Some(by)) if by < 0 => format!("  {} read again", grouped(by.saturating_neg())),
        (None, Some(by)) => format!("  {} passed over", grouped(by)),
    };
    format!("{at} {before:>8} → {:>8}{meaning}", grouped(change.after))
}

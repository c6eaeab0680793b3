//! What can be done to groups and their members: a consumer more or less, a crash, a stop, offsets set anew.

use std::sync::Arc;

use crate::model::Model;
use crate::model::overlay::{Confirm, Confirmed, Form, FormKind, FormState, Overlay};
use crate::model::place::{Screen, Selection};
use crate::model::topics::fullest;
use crate::session::action::{Action, CommitMode, NewConsumer, OffsetChange, OffsetsReset, Position, ResetTo};
use crate::session::snapshot::{Group, Snapshot};

use crate::app::command::Command;
use crate::app::effect::{Effect, Purpose};

use crate::view::format::{grouped, plural};
use crate::view::text::safe_str;

use super::form::{Wrong, check, choice, entry, of, text};
use super::seek;
use super::topic_form::topic_name;

/// Kafka's default: `range`, and ready to become cooperative.
const BOTH: &str = "both";
const BOTH_NAMES: [&str; 2] = ["range", "cooperative-sticky"];
/// The assignors to choose from.
const ASSIGNORS: &[&str] = &["range", "roundrobin", "sticky", "cooperative-sticky", BOTH];
/// How many changes of offsets are told before a reset.
const TOLD: usize = 12;

/// Carries out a command on groups or consumers.
pub(super) fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::AddConsumer => add_form(model),
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

/// The built-in consumer that a key strikes, or why there is none.
fn consumer_in_reach(model: &Model) -> Result<(u32, bool), String> {
    let snapshot = &model.snapshot;
    let member = match model.subject() {
        Selection::Consumer(id) => return Ok((id, snapshot.consumers.get(&id).is_some_and(|known| known.paused))),
        Selection::Member(group, member) => snapshot.groups.get(&group).and_then(|group| group.member(&member)),
        _ => return Err("select a member first: 4 shows the groups, Enter opens one, j and k move".to_owned()),
    };
    let member = member.ok_or_else(|| "that member is gone".to_owned())?;
    match &member.built_in {
        Some(built_in) if built_in.alive => Ok((built_in.consumer, built_in.paused)),
        Some(_) => Err(format!("{} is dead already; c adds another", member.client_id)),
        None => Err(format!("{} is a client outside: it is not ours to stop", safe_str(&member.client_id))),
    }
}

fn on_consumer(model: &mut Model, command: Command) -> Vec<Effect> {
    let (id, paused) = match consumer_in_reach(model) {
        Ok(found) => found,
        Err(why) => {
            model.tell(why, true);
            return Vec::new();
        }
    };
    let action = match command {
        Command::RemoveConsumer => Action::CloseConsumer(id),
        Command::CrashConsumer => Action::CrashConsumer(id),
        _ => Action::PauseConsumer { id, paused: !paused },
    };
    vec![Effect::Ask(action, Purpose::Quiet)]
}

/// The group that is selected.
fn group_in_reach(model: &Model) -> Option<&Group> {
    let id = match model.selection() {
        Selection::Group(id) | Selection::Member(id, _) | Selection::GroupPartition(id, _) => Some(id),
        _ if model.screen == Screen::Groups => model.groups.group.clone(),
        _ => None,
    };
    let groups = &model.snapshot.groups;
    let id = id.or_else(|| groups.keys().next().cloned())?;
    groups.get(&id).map(AsRef::as_ref)
}

/// Opens the form to start a consumer: in the group that is selected, as its members are.
fn add_form(model: &mut Model) {
    let group = group_in_reach(model);
    let topics = group.map(|group| group.topics.join(" ")).filter(|topics| !topics.is_empty());
    let topics = topics.or_else(|| fullest(&model.snapshot).map(|name| name.to_string())).unwrap_or_default();
    let name = group.map_or_else(|| "dashboard".to_owned(), |group| group.id.to_string());
    let theirs = group.and_then(|group| group.members.iter().find_map(|member| member.built_in.as_ref()));
    let only = theirs.and_then(|member| <&[_; 1]>::try_from(member.assignors.as_slice()).ok());
    let first = only.and_then(|[only]| ASSIGNORS.iter().find(|known| ***known == **only)).copied().unwrap_or(BOTH);
    let fields = vec![
        text("group", "group.id: its members share the partitions", &name, 1),
        text("topics", "what it subscribes to; blanks between", &topics, 1),
        choice_of(
            "assignor",
            "who gets what; all members need one in common; both: range, and ready for cooperative-sticky",
            ASSIGNORS,
            first,
        ),
        choice("commits", "after: at least once; before: at most once", &["auto", "after", "before", "never"]),
        text("work on a record", "how long it takes: 0, 50 ms, 2 s; slow members keep others waiting", "0", 1),
        text("instance id", "group.instance.id; empty: a dynamic member", "", 1),
        choice("begins at", "where nothing is committed: auto.offset.reset", &["latest", "earliest"]),
    ];
    model.overlays.push(Overlay::Form(of(FormKind::AddConsumer, fields)));
}

fn choice_of(label: &str, help: &str, choices: &[&str], chosen: &str) -> crate::model::overlay::FormField {
    let mut field = choice(label, help, choices);
    field.field = crate::model::field::TextField::with(chosen);
    field
}

/// The consumer that the form wants.
pub(super) fn consumer(form: &Form, snapshot: &Snapshot) -> Result<NewConsumer, Wrong> {
    let mut wrong = Wrong::new();
    let group = entry(form, 0).trim().to_owned();
    check(&mut wrong, 0, if group.is_empty() { Err("a group needs a name".to_owned()) } else { Ok(()) });
    let typed = entry(form, 1);
    let topics: Vec<Arc<str>> = typed.split([' ', ',']).filter(|name| !name.is_empty()).map(Arc::from).collect();
    let missing = topics.iter().find(|name| !snapshot.topics.contains_key(*name));
    check(
        &mut wrong,
        1,
        match (topics.first(), missing) {
            (None, _) => Err("at least one topic".to_owned()),
            (_, Some(missing)) => topic_name(missing).and(Err(format!("there is no topic {missing}; t creates one"))),
            (Some(_), None) => Ok(()),
        },
    );
    let work_us = work(entry(form, 4).trim()).map_err(|what| wrong.push((4, what))).unwrap_or_default();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let assignors = match entry(form, 2).as_str() {
        BOTH => BOTH_NAMES.map(Arc::from).into(),
        one => vec![one.into()],
    };
    let commit = match entry(form, 3).as_str() {
        "after" => CommitMode::After,
        "before" => CommitMode::Before,
        "never" => CommitMode::Never,
        _ => CommitMode::Auto,
    };
    let instance_id = Some(entry(form, 5).trim().to_owned()).filter(|id| !id.is_empty()).map(Arc::from);
    let from_earliest = entry(form, 6) == "earliest";
    Ok(NewConsumer { group: group.into(), topics, assignors, commit, work_us, instance_id, from_earliest })
}

/// A time of work as it is typed, in microseconds.
fn work(typed: &str) -> Result<u32, String> {
    let split = typed.find(|c: char| !c.is_ascii_digit()).unwrap_or(typed.len());
    let (number, unit) = typed.split_at(split);
    let scale: Option<u64> = match unit.trim() {
        "" if number == "0" => Some(1),
        "us" | "µs" => Some(1),
        "ms" => Some(1_000),
        "s" => Some(1_000_000),
        _ => None,
    };
    let us = number.parse::<u64>().ok().zip(scale).and_then(|(number, scale)| number.checked_mul(scale));
    us.filter(|us| *us <= 60_000_000)
        .and_then(|us| u32::try_from(us).ok())
        .ok_or_else(|| "a time up to 60 s: 0, 500 us, 50 ms, 2 s".to_owned())
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
            safe_str(&group.id),
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
        text("value", "of offset: a number; of time: -5m, 14:03; of shift: -100, 100", "", 1),
    ];
    let subject = Some(Arc::clone(&group.id));
    model.overlays.push(Overlay::Form(Form { subject, ..of(FormKind::ResetOffsets, fields) }));
}

/// The reset that the form wants; the lab's date counts for times.
pub(super) fn reset(form: &Form, now_ms: i64) -> Result<OffsetsReset, Wrong> {
    let typed = entry(form, 2);
    let number = || typed.trim().parse::<i64>().map_err(|_| vec![(2, "a number".to_owned())]);
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
    let now_ms = model.snapshot.clock.date_ms;
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return };
    if form.kind != FormKind::ResetOffsets || form.state != FormState::Waiting {
        return;
    }
    let Ok(wanted) = reset(form, now_ms) else { return };
    let moved: Vec<&OffsetChange> = changes.iter().filter(|change| change.before != Some(change.after)).collect();
    if moved.is_empty() {
        form.state = FormState::Failed("nothing would change: it is there already".to_owned());
        return;
    }
    let question = format!("Reset {} of {}?", plural(moved.len(), "offset"), safe_str(&wanted.group));
    let mut consequences: Vec<String> = moved.iter().take(TOLD).map(|change| told(change)).collect();
    if moved.len() > TOLD {
        consequences.push(format!("and {} more", moved.len() - TOLD));
    }
    let then = Confirmed::Ask(Action::ResetOffsets(OffsetsReset { execute: true, ..wanted }));
    model.overlays.push(Overlay::Confirm(Confirm { question, consequences, then }));
}

/// A change in a line: before, after, and what that means.
fn told(change: &OffsetChange) -> String {
    let at = format!("{}-{}", safe_str(&change.at.topic), change.at.partition);
    let before = change.before.map_or_else(|| "–".to_owned(), grouped);
    let meaning = match change.before.map(|before| change.after - before) {
        None => String::new(),
        Some(by) if by < 0 => format!("  {} read again", grouped(-by)),
        Some(by) => format!("  {} passed over", grouped(by)),
    };
    format!("{at:<20} {before:>9} → {:>9}{meaning}", grouped(change.after))
}

//! The Events screen: the timeline, and the causes of one event.

mod causes;
mod lanes;
#[cfg(test)]
mod tests;

use crate::model::Model;
use crate::model::events::{Causes, Row, Shown};
use crate::model::place::Selection;
use crate::model::prompt::Prompt;
use crate::session::action::Origin;
use crate::session::event::{Event, NodeRef, Severity};
use crate::session::snapshot::Snapshot;

use super::cluster::sign_of;
use super::format;
use super::line::{self, Line};
use super::role::Role;
use super::sheet::{Chosen, Sheet, left};
use super::text::safe_str;
use super::{Area, Hit, Target};

/// The Events screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventsView {
    /// What can be clicked.
    pub hits: Vec<Hit>,
    /// What stands where.
    pub sheet: Sheet,
}

/// The Events screen for a model, in `area`.
pub fn project(model: &Model, area: Area) -> EventsView {
    let place = &model.events;
    let causes = place.event.filter(|_| place.causes).and_then(|id| Causes::of(&model.snapshot, id));
    let sheet = match causes {
        Some(causes) => causes::project(&model.snapshot, &causes, area),
        None => list(model, area),
    };
    EventsView { hits: sheet.hits.clone(), sheet }
}

/// Someone's name on the screen.
fn name(snapshot: &Snapshot, node: &NodeRef) -> String {
    let alone = snapshot.zookeeper.as_ref().is_none_or(|zookeeper| zookeeper.servers.len() < 2);
    match node {
        NodeRef::Operator => "operator".into(),
        NodeRef::Zk(_) if alone => "ZooKeeper".into(),
        NodeRef::Zk(id) => format!("zk-{id}"),
        NodeRef::Broker(id) => format!("broker-{id}"),
        NodeRef::Producer(_, name) | NodeRef::Consumer(_, name) | NodeRef::Outside(name) => safe_str(name),
    }
}

/// Whoever asks for things, by how it was asked.
fn asker(by: Option<&Origin>) -> &'static str {
    match by {
        Some(Origin::Key(_) | Origin::Explorer) => "you",
        Some(Origin::ControlApi) => "control API",
        Some(Origin::Program) => "a program",
        None => "operator",
    }
}

/// The name of whoever an event happened to.
fn actor(snapshot: &Snapshot, event: &Event) -> String {
    if event.node == NodeRef::Operator { asker(event.by.as_ref()).to_owned() } else { name(snapshot, &event.node) }
}

/// The role of an event's words.
fn words_role(event: &Event) -> Role {
    if event.severity == Severity::Bad { Role::Strong } else { Role::Text }
}

/// All events, newest first, with the selected one's story in a line at the bottom.
fn list(model: &Model, area: Area) -> Sheet {
    let snapshot = &*model.snapshot;
    let mut sheet = Sheet::default();
    let rows = model.events.rows(snapshot);
    heading(model, area.row(1), rows.iter().map(|row| row.all().count()).sum(), &mut sheet);
    let field = Area { x: area.x + 2, width: (area.width / 2).min(60), ..area.row(2) };
    filter(model, field, &mut sheet);
    let foot = if area.height > 12 { 4 } else { 0 };
    let body = area.below(3);
    let body = body.top(body.height.saturating_sub(foot));
    if rows.is_empty() {
        sheet.put(Area { x: body.x + 3, width: body.width.saturating_sub(4), ..body }, empty(model));
    }
    let selected = model.events.event.and_then(|id| rows.iter().position(|row| row.holds(id))).unwrap_or(0);
    let first = (selected + 1).saturating_sub(usize::from(body.height));
    for (y, (at, row)) in (0..body.height).zip(rows.iter().enumerate().skip(first)) {
        let target = Target::Select(Selection::Event(row.event.id));
        sheet.put_row(body.row(y), line_of(snapshot, row, area.width), Chosen::when(at == selected, true), target);
    }
    if let Some(row) = rows.get(selected).filter(|_| foot > 0) {
        let foot = area.below(area.height.saturating_sub(foot - 1));
        story(snapshot, row, foot, &mut sheet);
    }
    sheet
}

/// Why nothing is listed, and what to do about it.
fn empty(model: &Model) -> Line {
    let clears = |line: Line| line.with(Role::Key, "Esc").with(Role::Dim, " clears it.");
    let other = |line: Line| line.with(Role::Key, "Tab").with(Role::Dim, " shows other events.");
    let of_kind = model.snapshot.events.iter().any(|event| model.events.shown.holds(event));
    match (model.events.filter.is_empty(), model.events.shown) {
        _ if model.snapshot.events.is_empty() => Line::of(Role::Text, "Nothing has happened yet."),
        (false, Shown::All) => clears(Line::of(Role::Text, "No event that is kept passes the filter. ")),
        (false, _) if of_kind => clears(Line::of(Role::Text, "None of these events passes the filter. ")),
        (_, Shown::News | Shown::All) => other(Line::of(Role::Text, "Nothing went wrong or was healed. ")),
        (_, Shown::Trouble) => other(Line::of(Role::Text, "Nothing went wrong. ")),
    }
}

/// The filter, as it is typed or in force.
fn filter(model: &Model, area: Area, sheet: &mut Sheet) {
    match &model.prompt {
        Some(Prompt::Filter(typed)) => sheet.put_field(area, " / ", &typed.text(), typed.cursor.1),
        _ if !model.events.filter.is_empty() => {
            let line = Line::of(Role::Key, " / ").with(Role::Text, safe_str(&model.events.filter));
            sheet.put_on(area, line, Role::Field);
        }
        _ => {}
    }
}

fn heading(model: &Model, area: Area, listed: usize, sheet: &mut Sheet) {
    let all = model.snapshot.events.len();
    let dropped = model.snapshot.events_dropped;
    let title = Line::of(Role::Text, "  ")
        .with(Role::Strong, "Events")
        .with(Role::Dim, format!("  {listed} of {all} kept, the newest first"));
    let title = if dropped > 0 {
        title.with(Role::Warn, format!("  {} older ones were let go", format::count(dropped)))
    } else {
        title
    };
    let choice = |shown, word: &str| {
        if model.events.shown == shown { Line::of(Role::Accent, word) } else { Line::of(Role::Faint, word) }
    };
    let mut line = Line::of(Role::Key, "Tab").with(Role::Text, "  ");
    for (shown, word) in [(Shown::All, "all"), (Shown::News, "news"), (Shown::Trouble, "trouble")] {
        line.spans.extend(choice(shown, word).with(Role::Text, "  ").spans);
    }
    let room = area.width.saturating_sub(line.columns() + 1);
    sheet.put(Area { width: room, ..area }, title);
    sheet.put_right(area, line, Role::Ground);
}

fn line_of(snapshot: &Snapshot, row: &Row<'_>, width: u16) -> Line {
    let event = row.event;
    let (role, sign) = sign_of(event);
    let mut line = Line::of(Role::Faint, format!("{}  ", format::clock(event.at_us))).with(role, format!("{sign}  "));
    if width >= 100 {
        let who = if row.others.is_empty() { actor(snapshot, event) } else { "leaders".to_owned() };
        line = line.with(Role::Dim, left(&who, 11)).with(Role::Text, " ");
    }
    let wide = usize::from(width) * if width >= 100 { 5 } else { 6 } / 8;
    let text = folded(row).unwrap_or_else(|| safe_str(&event.text));
    if event.because.is_empty() {
        return line.with(words_role(event), text);
    }
    line = line.with(words_role(event), text);
    line = line.cut(wide).padded(wide + 1);
    line.with(Role::Faint, if width >= 100 { "because " } else { "← " }).with(Role::Dim, safe_str(&event.because))
}

/// What a check of retention took of a topic, in a line for all leaders that told of it.
fn folded(row: &Row<'_>) -> Option<String> {
    let (taken, partitions, topic) = row.taken()?;
    let segments = format::plural(usize::try_from(taken.segments).unwrap_or(usize::MAX), "segment");
    let of = format!("{}, {}", safe_str(topic), format::plural(partitions, "partition"));
    Some(format!("retention took {segments} of {of} ({})", format::bytes(taken.bytes)))
}

/// What led to the selected event, and how much it led to; of a folded row, what it is made of.
fn story(snapshot: &Snapshot, row: &Row<'_>, area: Area, sheet: &mut Sheet) {
    let event = row.event;
    if !row.others.is_empty() {
        let title = Area { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
        sheet.put_title(title, "What each leader let go", "segments, in one check of retention");
        let line = row.all().fold(Line::of(Role::Text, " "), |line, event| {
            let taken = event.taken.unwrap_or_default();
            let line = line.with(Role::Strong, format!(" {}", name(snapshot, &event.node)));
            line.with(Role::Dim, format!(" {} ({}) ", format::count(taken.segments), format::bytes(taken.bytes)))
        });
        sheet.put(area.row(1), line);
        return;
    }
    let Some(causes) = Causes::of(snapshot, event.id) else { return };
    sheet.put_title(
        Area { x: area.x + 2, width: area.width.saturating_sub(4), ..area },
        "What led to it",
        "Enter shows the whole chain",
    );
    sheet.put(area.row(1), led_to(&causes, usize::from(area.width)));
    if !causes.after.is_empty() {
        let after = format!("  it led to {}: {}", format::plural(causes.after.len(), "event"), kinds(&causes.after));
        sheet.put(area.row(2), Line::of(Role::Dim, after));
    }
}

/// Events by their kinds, in the order in which these came first: `session expired, leads ×3`.
fn kinds(events: &[&Event]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for event in events {
        match counted.iter_mut().find(|(kind, _)| *kind == &*event.kind) {
            Some((_, count)) => *count += 1,
            None => counted.push((&event.kind, 1)),
        }
    }
    let words = |(kind, count): &(&str, usize)| match count {
        1 => safe_str(kind).replace('_', " "),
        many => format!("{} ×{many}", safe_str(kind).replace('_', " ")),
    };
    counted.iter().map(words).collect::<Vec<_>>().join(", ")
}

/// The causes of an event and the event, in a line: what began it, then the last ones, as many as fit.
fn led_to(causes: &Causes<'_>, width: usize) -> Line {
    let event = |most: usize| Line::of(Role::Strong, line::cut(&safe_str(&causes.event.text), most));
    let start = Line::of(Role::Text, "  ");
    let Some((first, between)) = causes.before.split_first() else {
        let words = if causes.torn { "  its cause has left the ring of events" } else { "  the first cause" };
        return start.append(event(60)).with(Role::Dim, words);
    };
    let cause = |event: &Event| Line::of(Role::Text, line::cut(&safe_str(&event.text), 30)).with(Role::Rule, " ▸ ");
    let torn = if causes.torn { "its beginning has left the ring ▸ " } else { "" };
    let start = start.with(Role::Dim, torn).append(cause(first));
    let left = width.saturating_sub(start.width() + "… ▸ ".chars().count() + 1);
    let event = event(left.min(60));
    let mut room = left.saturating_sub(event.width());
    let fits = |line: &Line| -> bool {
        let fits = line.width() <= room;
        room = room.saturating_sub(line.width());
        fits
    };
    let mut shown: Vec<Line> = between.iter().rev().map(|event| cause(event)).take_while(fits).collect();
    let start = start.with(Role::Rule, if shown.len() < between.len() { "… ▸ " } else { "" });
    shown.reverse();
    shown.into_iter().fold(start, Line::append).append(event)
}

//! The sequence picture proper: a lane per actor, a row per step, arrows between lanes.

use crate::model::events::Causes;
use crate::model::place::Selection;
use crate::session::action::Origin;
use crate::session::event::{Event, NodeRef, kind};
use crate::session::snapshot::Snapshot;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::sheet::Sheet;
use crate::view::text::safe_str;
use crate::view::{Area, Hit, Target};

use super::causes::{Step, Wait, first_row, gap_words, since};
use super::{name, words_role};

/// Columns of the times at the left.
const TIMES: u16 = 13;

/// Columns that the last lane keeps for its words.
const LAST: u16 = 18;

/// More actors than this do not fit: the others share the last lane.
const ACTORS: usize = 6;

/// Who acts, in lanes.
struct Lanes<'a> {
    snapshot: &'a Snapshot,
    /// The lane of whoever asked.
    asker: &'static str,
    /// Names in the order of the lanes.
    names: Vec<String>,
    /// The column of each lane.
    columns: Vec<u16>,
    /// The names of those who die, and the row after which their lane is empty.
    ends: Vec<(String, u16)>,
}

impl<'a> Lanes<'a> {
    fn of(snapshot: &'a Snapshot, steps: &[Step<'_>], area: Area) -> Self {
        let mut by =
            steps.iter().filter_map(|step| if let Step::Event(event) = step { event.by.as_ref() } else { None });
        let asker = super::asker(by.next());
        let mut names: Vec<String> = Vec::new();
        let mut add = |name: String| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        for step in steps {
            match step {
                Step::Wait(..) | Step::Gap(_) => {}
                Step::Hop { from, to, .. } => [from, to].into_iter().for_each(|node| add(lane(snapshot, node, asker))),
                Step::Event(event) => {
                    if by_key(event).is_some() {
                        add(asker.into());
                    }
                    add(lane(snapshot, &event.node, asker));
                }
            }
        }
        // Clients stand at the right, as they stand outside of the cluster.
        names.sort_by_key(|name| name == CLIENTS);
        names.truncate(ACTORS);
        let count = u16::try_from(names.len().saturating_sub(1)).unwrap_or(0).max(1);
        let step = area.width.saturating_sub(TIMES + LAST + 4) / count;
        let columns = (0..).take(names.len()).map(|at: u16| area.x + TIMES + 4 + at * step).collect();
        Self { snapshot, asker, names, columns, ends: Vec::new() }
    }

    /// The column of someone's lane; the last one is everybody's who has none.
    fn column(&self, name: &str) -> u16 {
        let at = self.names.iter().position(|known| known == name);
        let column = at.and_then(|at| self.columns.get(at)).or(self.columns.last());
        column.copied().unwrap_or(TIMES)
    }

    fn of_node(&self, node: &NodeRef) -> u16 {
        self.column(&lane(self.snapshot, node, self.asker))
    }
}

/// The lane of all clients together.
const CLIENTS: &str = "clients";

/// The name of someone's lane.
fn lane(snapshot: &Snapshot, node: &NodeRef, asker: &str) -> String {
    match node {
        NodeRef::Producer(..) | NodeRef::Consumer(..) | NodeRef::Outside(_) => CLIENTS.to_owned(),
        NodeRef::Operator => asker.to_owned(),
        _ => name(snapshot, node),
    }
}

/// What a person did to make an event happen: the key, or the word for it.
fn by_key(event: &Event) -> Option<String> {
    match event.by.as_ref()? {
        Origin::Key(key) => Some(safe_str(key)),
        _ => Some(match event.kind.as_ref() {
            kind::BROKER_KILLED => "kill".into(),
            kind::BROKER_LOST_POWER => "power loss".into(),
            kind::BROKER_STARTED => "start".into(),
            _ => "asks".into(),
        }),
    }
}

/// A row of the picture: a step, or a word between steps.
enum Row<'s, 'a> {
    Step(&'s Step<'a>),
    Word(&'static str),
    Blank,
}

/// Draws the lanes into `area`.
pub(super) fn draw(snapshot: &Snapshot, causes: &Causes<'_>, steps: &[Step<'_>], area: Area, sheet: &mut Sheet) {
    let mut lanes = Lanes::of(snapshot, steps, area);
    let body = area.below(1);
    let rows = rows(causes, steps, usize::from(body.height));
    let is_selected = |row: &Row<'_, '_>| matches!(row, Row::Step(Step::Event(event)) if event.id == causes.event.id);
    let selected = rows.iter().position(is_selected).unwrap_or(0);
    let first = first_row(selected, rows.len(), usize::from(body.height));
    let seen: Vec<&Row<'_, '_>> = rows.iter().skip(first).take(usize::from(body.height)).collect();
    for (y, row) in (body.y..).zip(&seen) {
        if let Row::Step(Step::Event(event)) = row
            && kind::is_sudden_end(&event.kind)
        {
            lanes.ends.push((lane(snapshot, &event.node, lanes.asker), y));
        }
    }
    heads(&lanes, area, sheet);
    let drawn = u16::try_from(seen.len()).unwrap_or(u16::MAX);
    life(&lanes, body.top(drawn), sheet);
    for (y, row) in (0..body.height).zip(seen) {
        match row {
            Row::Blank => {}
            Row::Word(word) => sheet.put(body.row(y), Line::of(Role::Faint, format!("  {word}"))),
            Row::Step(step) => draw_step(&lanes, causes, step, body.row(y), sheet),
        }
    }
}

/// The steps with air between them, as far as there is room, and the words around the selected one.
fn rows<'s, 'a>(causes: &Causes<'_>, steps: &'s [Step<'a>], height: usize) -> Vec<Row<'s, 'a>> {
    let words = 2;
    let waits = steps.iter().filter(|step| matches!(step, Step::Wait(..))).count();
    let airy = steps.len() * 2 + waits * 2 + words <= height;
    let worded = steps.len() + words <= height;
    let mut rows = Vec::new();
    for step in steps {
        let selected = matches!(step, Step::Event(event) if event.id == causes.event.id);
        if selected && worded && !causes.before.is_empty() {
            rows.push(Row::Word("▲ led to it"));
        }
        if airy && matches!(step, Step::Wait(..)) {
            rows.push(Row::Blank);
        }
        rows.push(Row::Step(step));
        if selected && worded && !causes.after.is_empty() {
            rows.push(Row::Word("▼ it led to"));
        } else if airy {
            rows.push(Row::Blank);
        }
    }
    rows
}

fn heads(lanes: &Lanes<'_>, area: Area, sheet: &mut Sheet) {
    for (name, column) in lanes.names.iter().zip(&lanes.columns) {
        let dead = lanes.ends.iter().any(|(end, _)| end == name);
        let crown = lanes.snapshot.controller.is_some_and(|id| *name == format!("broker-{id}"));
        let mut line =
            if dead { Line::of(Role::Bad, format!("✖ {name}")) } else { Line::of(Role::Strong, name.as_str()) };
        if crown {
            line = line.with(Role::Control, " ♛");
        }
        let x = column.saturating_sub(line.columns() / 2);
        sheet.put(Area { x, width: line.columns(), ..area }, line);
    }
}

/// The lines down from the heads; a dead actor's line ends.
fn life(lanes: &Lanes<'_>, area: Area, sheet: &mut Sheet) {
    for (name, x) in lanes.names.iter().zip(&lanes.columns) {
        let end = lanes.ends.iter().find(|(dead, _)| dead == name).map(|(_, y)| *y);
        for y in area.y..area.y + area.height {
            if end.is_none_or(|end| y <= end) {
                sheet.put(Area { x: *x, y, width: 1, height: 1 }, Line::of(Role::Rule, "│"));
            }
        }
    }
}

/// Where a row's time stands.
fn times(row: Area) -> Area {
    Area { x: row.x + 1, width: TIMES, ..row }
}

fn draw_step(lanes: &Lanes<'_>, causes: &Causes<'_>, step: &Step<'_>, row: Area, sheet: &mut Sheet) {
    let time = |words: String, role| Line::of(role, format!("{words:>11}"));
    match step {
        Step::Wait(Wait { us, node, of }) => {
            sheet.put(times(row), time(format!("{}.{} s", us / 1_000_000, us / 100_000 % 10), Role::Warn));
            let x = lanes.of_node(node);
            let (bar, words) = (Line::of(Role::WaitBar, "┃"), of.words());
            let right = (row.x + row.width).saturating_sub(x + 2);
            if line::columns(words) <= right {
                let words = bar.with(Role::Warn, format!(" {words}"));
                sheet.put(Area { x, width: right + 2, ..row }, words);
            } else {
                // The last lane has no room at its right.
                let from = x.saturating_sub(line::columns(words) + 1);
                let words = Line::of(Role::Warn, format!("{words} ")).append(bar);
                sheet.put(Area { x: from, width: x + 1 - from, ..row }, words);
            }
        }
        Step::Gap(count) => sheet.put(row, Line::of(Role::Warn, format!("{:>15}{}", "", gap_words(*count)))),
        Step::Hop { at_us, name, from, to } => {
            sheet.put(times(row), time(since(causes, *at_us), Role::Dim));
            arrow(lanes.of_node(from), lanes.of_node(to), &safe_str(name), row, Role::Ground, sheet);
        }
        Step::Event(event) => draw_event(lanes, causes, event, row, sheet),
    }
}

/// An arrow from one lane to another with its name in the middle.
fn arrow(from: u16, to: u16, name: &str, row: Area, surface: Role, sheet: &mut Sheet) {
    let (low, high) = (from.min(to), from.max(to));
    let width = high.saturating_sub(low);
    if width == 0 {
        // To itself, as when the controller tells its own broker: out at one side and back to the same lane.
        let x = low.min((row.x + row.width).saturating_sub(line::columns(name) + 7));
        let line = Line::of(Role::Text, "●").with(Role::Dim, "─").with(Role::Text, format!(" {name} "));
        let line = line.with(Role::Dim, "─").with(Role::Text, "↩");
        sheet.put_on(Area { x, width: (row.x + row.width).saturating_sub(x), ..row }, line, surface);
        return;
    }
    if width < 4 {
        sheet.put_on(
            Area { x: low + 2, width: row.width.saturating_sub(low + 2), ..row },
            Line::of(Role::Text, name),
            surface,
        );
        return;
    }
    let name = line::cut(name, usize::from(width.saturating_sub(5)));
    let dashes = usize::from(width).saturating_sub(line::columns(&name).into()).saturating_sub(4);
    let (before, after) = ("─".repeat(dashes / 2), "─".repeat(dashes - dashes / 2));
    let shaft = |line: Line| {
        line.with(Role::Dim, before.clone()).with(Role::Text, format!(" {name} ")).with(Role::Dim, after.clone())
    };
    let line = if from < to {
        shaft(Line::of(Role::Text, "●")).with(Role::Text, "▶")
    } else {
        shaft(Line::of(Role::Text, " ◀")).with(Role::Text, "●")
    };
    sheet.put_on(Area { x: low, width: width + 1, ..row }, line, surface);
}

fn draw_event(lanes: &Lanes<'_>, causes: &Causes<'_>, event: &Event, row: Area, sheet: &mut Sheet) {
    let here = event.id == causes.event.id;
    let surface = if here { Role::SelectedRow } else { Role::Ground };
    if here {
        sheet.put_on(row, Line::of(Role::SelectedBar, "▌").padded(usize::from(row.width)), surface);
    }
    let time = Line::of(if here { Role::Strong } else { Role::Dim }, format!("{:>11}", since(causes, event.at_us)));
    sheet.put_on(times(row), time, surface);
    sheet.hits.push(Hit { area: row, target: Target::Select(Selection::Event(event.id)) });
    let x = lanes.of_node(&event.node);
    if let Some(key) = by_key(event).filter(|_| event.node != NodeRef::Operator) {
        arrow(lanes.column(lanes.asker), x, &key, row, surface, sheet);
    }
    let (role, _) = super::sign_of(event);
    let words = if here {
        Role::Accent
    } else if role == Role::Dim {
        Role::Text
    } else {
        words_role(event)
    };
    let text = safe_str(&event.text);
    let sign = if kind::is_sudden_end(&event.kind) { "✖" } else { "●" };
    let right = usize::from((row.x + row.width).saturating_sub(x + 3));
    let left_room = usize::from(x.saturating_sub(row.x + TIMES + 3));
    let wide = usize::from(line::columns(&text));
    if wide <= right || right >= left_room {
        let line = Line::of(role, sign).with(words, format!(" {}", line::cut(&text, right)));
        sheet.put_on(Area { x, width: row.width.saturating_sub(x.saturating_sub(row.x)), ..row }, line, surface);
        return;
    }
    let text = line::cut(&text, left_room);
    let from = x.saturating_sub(line::columns(&text) + 1);
    let line = Line::of(words, format!("{text} ")).with(role, sign);
    sheet.put_on(Area { x: from, width: x + 1 - from, ..row }, line, surface);
}

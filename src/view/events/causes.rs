//! The causes of an event as a sequence picture: actors across, time down, arrows for messages. What is selected is a band
//! over the full width, with what led to it above and what it led to below. A bar on top says where the time went. Where
//! there is no room for lanes, the actors become names in front of each line.

use crate::model::events::Causes;
use crate::model::place::Selection;
use crate::session::event::{Event, NodeRef, kind};
use crate::session::snapshot::Snapshot;
use crate::view::cluster::sign_of;
use crate::view::format;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::sheet::{Sheet, left};
use crate::view::text::safe_str;
use crate::view::{Area, Hit, Target};

use super::{actor, lanes, name, words_role};

/// From this many columns on there is room for lanes.
const LANES: u16 = 110;

/// A pause of so many lab microseconds is waiting, not working.
const WAIT_US: u64 = 100_000;

/// One row of the picture, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step<'a> {
    /// Nothing happened for so many lab microseconds since the step before.
    Wait(Wait<'a>),
    /// So many messages were let go before the next ones: the chain is longer than what is kept.
    Gap(u32),
    /// A message: when it arrived, its name, from whom, to whom, and whether it came before the selected event.
    Hop { at_us: u64, name: &'a str, from: &'a NodeRef, to: &'a NodeRef },
    /// An event.
    Event(&'a Event),
}

/// A pause in a chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wait<'a> {
    /// How long, in lab microseconds.
    pub(super) us: u64,
    /// Who does nothing.
    pub(super) node: &'a NodeRef,
    /// What is waited for.
    pub(super) of: Awaited,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// A server waits for a ping that never comes, until the session's time-out.
    Ping,
    /// A client waits before it tries again.
    BackOff,
    /// Whatever it is that comes next.
    Next,
}

impl Awaited {
    /// In the picture, in a few words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Ping => "silence: nothing comes",
            Self::BackOff => "waiting (back-off)",
            Self::Next => "waiting",
        }
    }

    /// For the bar that says where the time went.
    fn reason(self) -> &'static str {
        match self {
            Self::Ping => "a ping that never came: the session's time-out",
            Self::BackOff => "the client's back-off: how long it waits before it tries again",
            Self::Next => "the next thing to happen",
        }
    }
}

/// The row for messages that were let go.
pub(super) fn gap_words(count: u32) -> String {
    format!(
        "⋮ {} before these, no longer kept",
        format::plural(usize::try_from(count).unwrap_or(usize::MAX), "message")
    )
}

/// The steps of a chain: pauses, messages and events, by time.
pub(super) fn steps<'a>(causes: &Causes<'a>) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let mut last: Option<u64> = None;
    for event in causes.all() {
        if event.via_forgotten > 0 {
            steps.push(Step::Gap(event.via_forgotten));
        }
        for hop in &event.via {
            let client = matches!(hop.from, NodeRef::Producer(..) | NodeRef::Consumer(..));
            let of = if client { Awaited::BackOff } else { Awaited::Next };
            steps.extend(pause(last, hop.sent_us, &hop.from, of));
            steps.push(Step::Hop { at_us: hop.arrived_us, name: &hop.name, from: &hop.from, to: &hop.to });
            last = last.max(Some(hop.arrived_us));
        }
        let expired = event.kind.as_ref() == kind::SESSION_EXPIRED;
        steps.extend(pause(last, event.at_us, &event.node, if expired { Awaited::Ping } else { Awaited::Next }));
        steps.push(Step::Event(event));
        last = last.max(Some(event.at_us));
    }
    steps
}

/// The pause from `last` on to the next step, where it is one.
fn pause(last: Option<u64>, next_us: u64, node: &NodeRef, of: Awaited) -> Option<Step<'_>> {
    let us = next_us.checked_sub(last?).filter(|us| *us >= WAIT_US)?;
    Some(Step::Wait(Wait { us, node, of }))
}

/// The picture of a chain in `area`.
pub(super) fn project(snapshot: &Snapshot, causes: &Causes<'_>, area: Area) -> Sheet {
    let mut sheet = Sheet::default();
    let inner = Area { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
    sheet.put(inner.row(1), heading(causes));
    let steps = steps(causes);
    let airy = area.height >= 30;
    let mut top = if airy { 3 } else { 2 };
    time_bar(&steps, causes, inner.below(top), &mut sheet);
    top += if airy { 3 } else { 2 };
    let bottom = changes_rows(causes, area.height);
    let body = area.below(top);
    let body = body.top(body.height.saturating_sub(bottom + 1));
    if area.width >= LANES {
        lanes::draw(snapshot, causes, &steps, body, &mut sheet);
    } else {
        list(snapshot, causes, &steps, body, &mut sheet);
    }
    if bottom > 0 {
        changes(causes, inner.below(area.height.saturating_sub(bottom + 1)), &mut sheet);
    }
    sheet.put(inner.row(area.height.saturating_sub(1)), footer(causes));
    sheet
}

fn heading(causes: &Causes<'_>) -> Line {
    let mut line = Line::of(Role::Dim, "Events › ").with(Role::Strong, safe_str(&causes.event.text));
    for change in &causes.event.changes {
        let words = format!("   {} {} ▸ {}", safe_str(&change.what), safe_str(&change.before), safe_str(&change.after));
        line = line.with(Role::Dim, words);
    }
    line
}

/// Where the time went: waiting against working, to scale.
fn time_bar(steps: &[Step<'_>], causes: &Causes<'_>, area: Area, sheet: &mut Sheet) {
    let selected = causes.event.id;
    let until = steps.iter().position(|step| matches!(step, Step::Event(event) if event.id == selected)).unwrap_or(0);
    let waited: u64 = steps.iter().take(until).map(|step| if let Step::Wait(wait) = step { wait.us } else { 0 }).sum();
    let began = causes.before.first().map_or(causes.event.at_us, |event| event.at_us);
    let all = causes.event.at_us.saturating_sub(began);
    if all == 0 {
        let words = match (causes.before.is_empty(), causes.event.because.as_ref()) {
            (true, "") => "The first cause: nothing that is known led to it.".to_owned(),
            // Nobody in the cluster sees a link or a machine fail, only that somebody is silent.
            (true, because) if causes.event.kind.as_ref() == kind::SESSION_EXPIRED => {
                format!("The first cause: {}. Nothing in the cluster knows why.", safe_str(because))
            }
            (true, because) => format!("The first cause: {}.", safe_str(because)),
            (false, _) => "All in the same moment.".to_owned(),
        };
        sheet.put(area.row(0), Line::of(Role::Dim, words));
        return;
    }
    let worked = all.saturating_sub(waited);
    let wide = u64::from(area.width);
    // What took any time at all has at least one column.
    let amber = (wide * waited / all).min(wide - u64::from(worked > 0));
    let columns = |n: u64| "━".repeat(usize::try_from(n).unwrap_or(0));
    sheet.put(area.row(0), Line::of(Role::WaitBar, columns(amber)).with(Role::Accent, columns(wide - amber)));
    let seconds = |us: u64| format!("{}.{:03} s", us / 1_000_000, us / 1000 % 1000);
    let waiting = if waited > 0 {
        Line::of(Role::Warn, format!("{} waiting", seconds(waited)))
            .with(Role::Text, format!(" for {}", awaited(steps.get(..until).unwrap_or_default())))
    } else {
        Line::of(Role::Text, "no waiting")
    };
    let working = Line::of(Role::Accent, format!("{} working", seconds(worked)));
    let rest = area.width.saturating_sub(working.columns() + 2);
    sheet.put(Area { width: rest, ..area.row(1) }, waiting);
    sheet.put_right(area.row(1), working, Role::Ground);
}

/// What was waited for longest.
fn awaited(steps: &[Step<'_>]) -> &'static str {
    let waits = steps.iter().filter_map(|step| if let Step::Wait(wait) = step { Some(wait) } else { None });
    waits.max_by_key(|wait| wait.us).map_or("", |wait| wait.of.reason())
}

fn changes_rows(causes: &Causes<'_>, height: u16) -> u16 {
    let rows = u16::try_from(causes.event.changes.len()).unwrap_or(0);
    if rows == 0 || height < rows + 24 { 0 } else { rows + 2 }
}

/// What the selected event changed.
fn changes(causes: &Causes<'_>, area: Area, sheet: &mut Sheet) {
    sheet.put_title(area, "Selected", &line::cut(&safe_str(&causes.event.text), usize::from(area.width / 2)));
    for (y, change) in (1..).zip(&causes.event.changes) {
        let line = Line::of(Role::Dim, left(&safe_str(&change.what), 18))
            .with(Role::Dim, format!("{:>10}  ▸ ", safe_str(&change.before)))
            .with(Role::Strong, left(&safe_str(&change.after), 12))
            .with(Role::Text, safe_str(&change.meaning));
        sheet.put(area.row(y), line);
    }
}

fn footer(causes: &Causes<'_>) -> Line {
    let counts = format!("{} before, {} after   ", format::plural(causes.before.len(), "event"), causes.after.len());
    let line = Line::of(Role::Dim, counts);
    if causes.torn {
        return line.with(Role::Warn, "the chain is torn: its beginning has left the ring of events");
    }
    if causes.all().any(|event| event.via_forgotten > 0) {
        return line.with(Role::Warn, "its events are complete, but not all messages between them are kept");
    }
    let first = causes.before.first().unwrap_or(&causes.event);
    line.with(Role::Faint, format!("the chain is complete; it began with: {}", safe_str(&first.text)))
}

/// How far from the first cause: `0.000`, `+1.204`.
pub(super) fn since(causes: &Causes<'_>, at_us: u64) -> String {
    let began = causes.before.first().map_or(causes.event.at_us, |event| event.at_us);
    let ms = at_us.saturating_sub(began) / 1000;
    if ms == 0 { "0.000".into() } else { format!("+{}.{:03}", ms / 1000, ms % 1000) }
}

/// The rows from which on `height` rows show the selected step with what is around it.
pub(super) fn first_row(selected: usize, count: usize, height: usize) -> usize {
    selected.saturating_sub(height * 2 / 3).min(count.saturating_sub(height))
}

/// The chain as lines: when, who, what.
fn list(snapshot: &Snapshot, causes: &Causes<'_>, steps: &[Step<'_>], area: Area, sheet: &mut Sheet) {
    let id = causes.event.id;
    let selected = steps.iter().position(|step| matches!(step, Step::Event(event) if event.id == id)).unwrap_or(0);
    let first = first_row(selected, steps.len(), usize::from(area.height));
    for (y, step) in (0..area.height).zip(steps.iter().skip(first)) {
        let row = area.row(y);
        match step {
            Step::Wait(Wait { us, of, .. }) => {
                let words = format!("{:>8}   {}", format!("{}.{} s", us / 1_000_000, us / 100_000 % 10), of.words());
                sheet.put(row, Line::of(Role::WaitBar, format!("  ┊{words}")));
            }
            Step::Gap(count) => sheet.put(row, Line::of(Role::Warn, format!("{:>14}{}", "", gap_words(*count)))),
            Step::Hop { at_us, name: message, from, to } => {
                let who = format!("{} → {}", name(snapshot, from), name(snapshot, to));
                let line = Line::of(Role::Faint, format!("   {:>8}   ", since(causes, *at_us)))
                    .with(Role::Faint, format!("  {who}  "));
                sheet.put(row, line.with(Role::Dim, safe_str(message)));
            }
            Step::Event(event) => {
                let (role, sign) = sign_of(event);
                let line = Line::of(Role::Dim, format!("   {:>8}   ", since(causes, event.at_us)))
                    .with(role, format!("{sign} "))
                    .with(Role::Dim, left(&actor(snapshot, event), 10))
                    .with(words_role(event), format!(" {}", safe_str(&event.text)));
                let here = event.id == id;
                let line = if here {
                    Line {
                        spans: Line::of(Role::SelectedBar, "▌")
                            .spans
                            .into_iter()
                            .chain(line.spans.into_iter().map(trimmed))
                            .collect(),
                    }
                } else {
                    line
                };
                sheet.put_on(row, line, if here { Role::SelectedRow } else { Role::Ground });
                sheet.hits.push(Hit { area: row, target: Target::Select(Selection::Event(event.id)) });
            }
        }
    }
}

/// The first piece of a selected row gives one column to the bar at its edge.
fn trimmed(span: line::Span) -> line::Span {
    match span.text.strip_prefix("   ") {
        Some(rest) if span.role == Role::Dim => line::Span { text: format!("  {rest}"), role: span.role },
        _ => span,
    }
}

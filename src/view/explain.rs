//! The explanation of what is selected, with its values now: what it is, now, what still works, what led here, how it heals,
//! words. The screen behind is dimmed, not hidden, and the keys of what is explained act.

mod broker;
mod client;
mod event;
mod group;
mod page;
mod partition;
#[cfg(test)]
mod tests;
mod topic;

use crate::model::Model;
use crate::model::place::Selection;

use super::Area;
use super::line::Line;
use super::overlay::centred;
use super::role::Role;
use super::sheet::Sheet;
use page::Page;

/// Columns of the box; more would make lines that are hard to read.
const WIDTH: u16 = 104;

/// An explanation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExplainView {
    /// Where it lies, border included.
    pub area: Area,
    /// In its border.
    pub title: Line,
    /// Its words, in their places.
    pub sheet: Sheet,
}

/// The explanation of `subject` with its values now, scrolled down by `scroll` rows; `area` is the whole terminal.
pub fn project(model: &Model, subject: &Selection, scroll: u16, area: Area) -> ExplainView {
    let page = page_of(model, subject);
    let rows = page.rows(places(0, area).1.width);
    let (place, body) = places(rows.len(), area);
    let first = usize::from(scroll).min(rows.len().saturating_sub(usize::from(body.height)));
    let mut sheet = Sheet::default();
    for (y, row) in (0..body.height).zip(rows.iter().skip(first)) {
        sheet.put_on(body.row(y), row.left.clone(), Role::Panel);
        if !row.right.spans.is_empty() {
            sheet.put_right(body.row(y), row.right.clone(), Role::Panel);
        }
    }
    let more = rows.len() > first + usize::from(body.height);
    let foot = Area { y: place.y + place.height.saturating_sub(2), height: 1, ..body };
    sheet.put_on(foot, hints(model, subject, more), Role::Panel);
    let title = Line::of(Role::Leader, " i ").with(Role::Text, " ");
    let title = Line { spans: title.spans.into_iter().chain(page.title.spans).collect() }.with(Role::Text, " ");
    ExplainView { area: place, title, sheet }
}

/// The box for so many rows on a terminal, and the place of its words. The header, the sentence and the keys stay free.
fn places(rows: usize, area: Area) -> (Area, Area) {
    let area = area.below(2);
    let area = area.top(area.height.saturating_sub(1));
    let width = WIDTH.min(area.width.saturating_sub(4));
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(4);
    let place = centred(area, width, wanted.min(area.height));
    let inner = width.saturating_sub(4);
    (place, Area { x: place.x + 2, y: place.y + 1, width: inner, height: place.height.saturating_sub(4) })
}

/// The most rows that the explanation of `subject` can be scrolled down by.
pub fn scroll_max(model: &Model, subject: &Selection) -> u16 {
    let area = Area { x: 0, y: 0, width: model.size.0, height: model.size.1 };
    let (_, body) = places(0, area);
    let rows = page_of(model, subject).rows(body.width).len();
    let (_, body) = places(rows, area);
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_sub(body.height)
}

/// The page about a thing.
fn page_of(model: &Model, subject: &Selection) -> Page {
    let snapshot = &*model.snapshot;
    let page = match subject {
        Selection::Broker(id) => snapshot.brokers.get(id).map(|broker| broker::page(snapshot, broker)),
        Selection::Topic(name) => snapshot.topics.get(name).map(|topic| topic::page(snapshot, topic)),
        Selection::Partition(at) | Selection::Record(at, _) | Selection::Replica(_, at) => {
            partition::page(snapshot, at)
        }
        Selection::Producer(id) => client::producer(snapshot, *id),
        Selection::Consumer(id) => client::consumer(snapshot, *id),
        Selection::Group(id) => snapshot.groups.get(id).map(|group| group::page(snapshot, group)),
        Selection::Member(id, member) => {
            let group = snapshot.groups.get(id);
            group.and_then(|group| Some(group::member(snapshot, group, group.member(member)?)))
        }
        Selection::GroupPartition(id, at) => {
            let group = snapshot.groups.get(id);
            group.and_then(|group| Some(group::partition(snapshot, group, group.partition(at)?)))
        }
        Selection::Event(id) => event::page(snapshot, *id),
        Selection::None => None,
    };
    page.unwrap_or_else(Page::nothing)
}

/// The keys that act here.
fn hints(model: &Model, subject: &Selection, more: bool) -> Line {
    let key = |command: &str| {
        let entry = model.commands.iter().find(|entry| entry.name == command);
        entry.and_then(|entry| entry.keys.first()).cloned().unwrap_or_default()
    };
    let mut line = Line::default();
    let mut hint = |key: String, words: String| {
        if !key.is_empty() {
            line = std::mem::take(&mut line).with(Role::Key, key).with(Role::Dim, format!(" {words}   "));
        }
    };
    if let (Selection::Broker(id) | Selection::Replica(id, _), true) =
        (subject, model.snapshot.capabilities.break_things)
    {
        let dead =
            model.snapshot.brokers.get(id).is_some_and(|b| b.state == crate::session::snapshot::BrokerState::Dead);
        let (command, word) = if dead { ("start-broker", "start") } else { ("kill-broker", "kill") };
        hint(key(command), format!("{word} broker-{id}"));
    }
    if model.newest_event_about(subject).is_some() {
        hint(key("open"), "what led here".into());
    }
    if more {
        hint("j k".into(), "more below".into());
    }
    hint("Esc".into(), "close".into());
    line
}

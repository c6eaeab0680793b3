//! The newest events, one line each: when, how bad, what, and because of what. Reasons go first where there is no room.

use crate::model::place::Selection;
use crate::session::event::{Event, Severity, kind};
use crate::view::format;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;
use crate::view::{Area, Hit, Target};

use super::plan::Room;
use super::{ClusterView, Scene};

/// Steps on the way to an effect, and what retention does all the time: the Events screen has them, here they would crowd
/// out the effects.
const STEPS: [&str; 8] = [
    kind::CONFIG_TAKEN_UP,
    kind::LEADS,
    kind::FOLLOWS,
    kind::WATCH_FIRED,
    kind::SESSION_OPENED,
    kind::FOLLOWERS_CAUGHT_UP,
    kind::LEADER_FOUND,
    kind::SEGMENTS_DELETED,
];

/// Whether an event is an effect that a person would want to hear of at once, and no step on the way to one.
pub(in crate::view) fn is_effect(event: &Event) -> bool {
    !STEPS.contains(&event.kind.as_ref())
}

/// An event's sign.
pub(in crate::view) fn sign(event: &Event) -> (Role, &'static str) {
    match event.severity {
        Severity::Info if event.kind.starts_with("controller") => (Role::Control, "♛"),
        Severity::Info => (Role::Dim, "·"),
        Severity::Good => (Role::Good, "◆"),
        Severity::Warning => (Role::Warn, "▲"),
        Severity::Bad => (Role::Bad, "✖"),
    }
}

/// `12.204`: seconds and milliseconds of lab time, for events of the last minute.
fn seconds(at_us: u64) -> String {
    format::clock(at_us).get(6..).unwrap_or_default().to_owned()
}

/// Events, newest first, as many as fit.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView, area: Area) {
    let reasons = scene.plan.room != Room::Compact;
    let text = usize::from(if reasons { area.width * 5 / 8 } else { area.width }).saturating_sub(12);
    let effects = scene.snapshot.events.iter().rev().filter(|event| is_effect(event));
    for (event, y) in effects.zip(area.y..area.y.saturating_add(area.height)) {
        let (role, sign) = sign(event);
        let strong = if event.severity == Severity::Bad { Role::Strong } else { Role::Text };
        let mut row = Line::of(Role::Faint, format!(" {}  ", seconds(event.at_us)))
            .with(role, format!("{sign}  "))
            .with(strong, line::cut(&safe_str(&event.text), text));
        if reasons && !event.because.is_empty() {
            row = row
                .padded(usize::from(area.width * 5 / 8))
                .with(Role::Faint, "because  ")
                .with(Role::Dim, safe_str(&event.because));
        }
        view.put(area, area.x, y, row.cut(usize::from(area.width)));
        if scene.model.cluster.event == Some(event.id) {
            view.selected = Some(Area { y, height: 1, width: 1, ..area });
        }
        view.hits.push(Hit { area: Area { y, height: 1, ..area }, target: Target::Select(Selection::Event(event.id)) });
    }
}

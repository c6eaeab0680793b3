//! The graph of records in over the last ten seconds of lab time, with the marks of what happened: it shares its axis with
//! the events. Quiet on purpose; only the gap is loud.

use crate::session::event::{Severity, kind};
use crate::view::line::Line;
use crate::view::role::Role;

use super::{ClusterView, Scene};

/// What the graph covers: lab microseconds.
const SPAN_US: u64 = 10_000_000;

/// What a sample covers: lab microseconds.
const TENTH_US: u64 = 100_000;

/// With fewer records than this in a tenth of a second, an empty tenth means nothing.
const SPARSE: u64 = 6;

/// Columns of the words at the left and at the right.
const LEFT: u16 = 17;
const RIGHT: u16 = 7;

/// The graph, where the plan has rows for it.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    let samples = &scene.snapshot.flow;
    let (Some(y), false) = (plan.flow, samples.is_empty()) else { return };
    let width = plan.area.width.saturating_sub(LEFT + RIGHT);
    let x = plan.area.x + LEFT;
    view.put(plan.area, plan.area.x, y, Line::of(Role::Dim, " records in"));
    view.put(plan.area, plan.area.x, y + 1, Line::of(Role::Faint, " last 10 s"));
    view.put(plan.area, x + width + 1, y + 1, Line::of(Role::Dim, "now"));
    let most = scale(samples);
    let columns: Vec<u64> = (0..u64::from(width)).map(|column| sample(samples, column, u64::from(width))).collect();
    let before = |at: usize| columns.get(..at).unwrap_or_default().iter().any(|n| *n * 4 > most);
    let mut rows = [Line::default(), Line::default()];
    for (at, n) in columns.iter().enumerate() {
        let eighths = (n * 16).div_ceil(most).min(16);
        let (top, bottom) = (eighths.saturating_sub(8), eighths.min(8));
        let gap = most >= SPARSE && *n * 10 < most && before(at);
        let (role, bottom) = if gap { (Role::WaitBar, 2) } else { (Role::Flow, bottom) };
        for (row, height) in rows.iter_mut().zip([top, bottom]) {
            push(row, role, block(height));
        }
    }
    for (y, row) in (y..).zip(rows) {
        view.put(plan.area, x, y, row);
    }
    marks(scene, view, x, y + 2, width);
}

/// What fills both rows: half as much again as is usual, so that the burst after a gap shows as one and yet leaves the rest
/// its height.
fn scale(samples: &[u32]) -> u64 {
    let mut flowing: Vec<u32> = samples.iter().copied().filter(|n| *n > 0).collect();
    flowing.sort_unstable();
    let usual = flowing.get(flowing.len() / 2).copied().map_or(1, u64::from);
    (usual * 3 / 2).max(1)
}

/// The sample of a column, when `width` columns show the whole span: the newest is at the right, and before the first there
/// is nothing.
fn sample(samples: &[u32], column: u64, width: u64) -> u64 {
    let len = u64::try_from(samples.len()).unwrap_or(0);
    let span = SPAN_US / TENTH_US;
    let at = (column * span / width.max(1) + len).checked_sub(span).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| samples.get(at)).copied().map_or(0, u64::from)
}

fn block(eighths: u64) -> char {
    let at = usize::try_from(eighths).unwrap_or(0);
    [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'].get(at).copied().unwrap_or('█')
}

/// Adds a character to a line; neighbours of one role are one piece.
fn push(line: &mut Line, role: Role, sign: char) {
    match line.spans.last_mut().filter(|span| span.role == role) {
        Some(span) => span.text.push(sign),
        None => *line = std::mem::take(line).with(role, sign),
    }
}

/// The great events under the graph, where they happened; a mark that would cover another is left out.
fn marks(scene: &Scene<'_>, view: &mut ClusterView, x: u16, y: u16, width: u16) {
    let mut free_to = x + width;
    for event in scene.snapshot.events.iter().rev() {
        let age = scene.since_us(event.at_us);
        if age > SPAN_US {
            break;
        }
        let word = match event.kind.as_ref() {
            kind::BROKER_KILLED => event.brokers.first().map(|id| format!("broker-{id} killed ")),
            kind::BROKER_LOST_POWER => event.brokers.first().map(|id| format!("broker-{id} lost power ")),
            // The lab's own start is no news.
            kind::BROKER_STARTED if event.by.is_some() => {
                event.brokers.first().map(|id| format!("broker-{id} started "))
            }
            kind::LEADERS_ELECTED => Some("elected ".to_owned()),
            _ => None,
        };
        let Some(word) = word else { continue };
        let ago = u16::try_from(u64::from(width) * age / SPAN_US).unwrap_or(width);
        let at = (x + width).saturating_sub(ago + 1);
        let (role, sign) = match event.severity {
            Severity::Bad => (Role::Bad, "✖"),
            Severity::Good => (Role::Strong, "◆"),
            _ => (Role::Text, "▴"),
        };
        let line = Line::of(Role::Dim, word).with(role, sign);
        let from = (at + 1).saturating_sub(line.columns());
        if at < free_to && from >= x {
            free_to = from.saturating_sub(1);
            view.put(scene.plan.area, from, y, line);
        }
    }
}

//! Draws the Cluster screen: paths, then cells, then words. What stands where is in the view.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::theme::{Role, Theme};
use crate::view::cluster::{Cell, CellState, ClusterView, Placed};
use crate::view::large::{ROWS, columns as large_columns};
use crate::view::line;

use super::{large, paint};

mod mark;

/// Draws it into `area`.
pub fn draw(frame: &mut Frame<'_>, area: Rect, view: &ClusterView, theme: &Theme) {
    for placed in &view.under {
        draw_placed(frame, area, placed, theme);
    }
    for cell in &view.cells {
        draw_cell(frame, area, cell, theme);
    }
    for placed in &view.over {
        draw_placed(frame, area, placed, theme);
    }
    for words in &view.large {
        let style = theme.style(words.role);
        large::draw(frame, paint::rect(words.area).intersection(area), &words.text, style, theme);
    }
    if let Some(marked) = &view.marked {
        mark::draw(frame, area, marked, theme);
    }
    if let Some(selected) = view.selected {
        let bar = paint::rect(selected).intersection(area);
        for row in 0..bar.height {
            paint::text(frame, bar, row, if theme.marks_cells() { ">" } else { "▌" }, theme.style(Role::SelectedBar));
        }
    }
}

fn draw_placed(frame: &mut Frame<'_>, area: Rect, placed: &Placed, theme: &Theme) {
    let place = paint::rect(placed.area).intersection(area);
    paint::line_clear(frame, place, &placed.line, theme);
}

fn draw_cell(frame: &mut Frame<'_>, area: Rect, cell: &Cell, theme: &Theme) {
    let place = paint::rect(cell.area).intersection(area);
    if place.is_empty() {
        return;
    }
    if cell.state != CellState::Absent {
        paint::fill(frame, place, theme.alone(Role::Ground));
    }
    let middle = place.height.saturating_sub(1) / 2;
    if theme.marks_cells() {
        centred(frame, place, middle, marked(cell, place.width), theme.style(cell.fill));
    } else {
        ground(frame, place, cell, theme);
        number(frame, place, cell, middle, theme);
    }
    if place.height > 1 && !cell.note.is_empty() {
        let style = theme.style(cell.small);
        // Without fills the small print is plain: reversed digits below a reversed mark would read as another cell.
        let style = if theme.marks_cells() { style.remove_modifier(Modifier::REVERSED) } else { style };
        let style = Style { bg: None, ..style };
        note(frame, place, cell, style);
    }
}

/// The mark of a cell where fills do not show. One that is too narrow for a leader's brackets has its number, which is drawn
/// in reverse; of the others the sign ahead stays.
fn marked(cell: &Cell, width: u16) -> &str {
    let narrow = line::columns(&cell.marked) > width;
    if narrow && cell.marked.starts_with('[') { &cell.text } else { &cell.marked }
}

/// What lies below the number: a fill with its edges, a hatch, or nothing.
fn ground(frame: &mut Frame<'_>, place: Rect, cell: &Cell, theme: &Theme) {
    if matches!(cell.state, CellState::Dead { .. }) {
        let hatch = "╱".repeat(usize::from(place.width));
        for row in 0..place.height {
            paint::text(frame, place, row, &hatch, theme.style(Role::Hatch));
        }
        return;
    }
    if cell.state == CellState::Absent {
        return;
    }
    let done = cell.done.min(place.width);
    paint::fill(frame, place, theme.alone(cell.fill));
    paint::fill(frame, Rect { width: done, ..place }, theme.alone(Role::BehindDone));
    if !cell.half {
        return;
    }
    let left = if done > 0 { Role::BehindDone } else { cell.fill };
    let right = if done == place.width { Role::BehindDone } else { cell.fill };
    for (role, sign, x) in [(left, "▐", place.x), (right, "▌", place.right().saturating_sub(1))] {
        let Some(edge) = theme.edge(role) else { continue };
        let edge_place = Rect { x, width: 1, ..place };
        paint::fill(frame, edge_place, theme.alone(Role::Ground));
        for row in 0..place.height {
            paint::text(frame, edge_place, row, sign, edge);
        }
    }
}

fn number(frame: &mut Frame<'_>, place: Rect, cell: &Cell, row: u16, theme: &Theme) {
    let style = theme.style(cell.fill);
    if cell.large {
        let width = large_columns(&cell.text).min(place.width);
        let free = place.height.saturating_sub(ROWS + u16::from(place.height > ROWS));
        let place = Rect { x: place.x + (place.width - width) / 2, y: place.y + free / 2, width, height: ROWS };
        large::draw(frame, place, &cell.text, Style { bg: None, ..style }, theme);
        return;
    }
    let narrow = line::columns(&cell.text) > place.width.saturating_sub(if cell.half { 2 } else { 0 });
    // Where the number needs the edges too, they are full: a digit must not be cut.
    let style = if cell.half && narrow { style } else { Style { bg: None, ..style } };
    centred(frame, place, row, &cell.text, style);
}

fn centred(frame: &mut Frame<'_>, place: Rect, row: u16, text: &str, style: Style) {
    let width = line::columns(text).min(place.width);
    let x = place.x + (place.width - width) / 2;
    paint::text(frame, Rect { x, width, ..place }, row, text, style);
}

fn note(frame: &mut Frame<'_>, place: Rect, cell: &Cell, style: Style) {
    let row = place.height - 1;
    if cell.note_centred {
        centred(frame, place, row, &cell.note, style);
        return;
    }
    let width = line::columns(&cell.note).min(place.width);
    let inset = u16::from(cell.half && width < place.width);
    let x = place.right().saturating_sub(width + inset).max(place.x);
    paint::text(frame, Rect { x, width, ..place }, row, &cell.note, style);
}

//! Draws the mark of the selected cell: a frame beside and around it, and quiet rails along its column. Only what is blank
//! is drawn on, and the free halves of cells' edges: no colour that means something changes.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};

use crate::theme::{Role, Theme};
use crate::view::cluster::Marked;

use super::paint;

/// Draws it within `area`.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, marked: &Marked, theme: &Theme) {
    let (cell, column) = (paint::rect(marked.cell).intersection(area), paint::rect(marked.column).intersection(area));
    if cell.is_empty() {
        return;
    }
    if theme.marks_cells() {
        brackets(frame, cell, theme);
        return;
    }
    let (strong, quiet) = (theme.style(Role::SelectedCell), theme.style(Role::Rule));
    rails(frame, column, marked.half, quiet, |y| !(cell.y..cell.bottom()).contains(&y));
    rails(frame, cell, marked.half, strong, |_| true);
    if marked.framed {
        let (above, below) = (cell.y.saturating_sub(1), cell.bottom());
        lid(frame, cell, marked.half, above, ["▗", "▄", "▖"], strong);
        lid(frame, cell, marked.half, below, ["▝", "▀", "▘"], strong);
    }
}

/// The lines at both sides of some rows: in the columns beside them, or in the outer halves of their own edges.
fn rails(frame: &mut Frame<'_>, rows: Rect, half: bool, style: Style, on: impl Fn(u16) -> bool) {
    let (left, right) = sides(rows, half);
    let signs = if half { ["▌", "▐"] } else { ["▐", "▌"] };
    for y in (rows.y..rows.bottom()).filter(|y| on(*y)) {
        for (x, sign) in [(left, signs[0]), (right, signs[1])] {
            rail(frame, Position { x, y }, sign, half, style);
        }
    }
}

fn sides(rows: Rect, half: bool) -> (u16, u16) {
    if half { (rows.x, rows.right().saturating_sub(1)) } else { (rows.x.saturating_sub(1), rows.right()) }
}

/// One piece of a rail, where nothing else stands.
fn rail(frame: &mut Frame<'_>, at: Position, sign: &str, half: bool, style: Style) {
    let Some(cell) = frame.buffer_mut().cell_mut(at) else { return };
    let free = matches!(cell.symbol(), " " | "╱" | "─") && cell.bg == Color::Reset;
    if free || (matches!(cell.symbol(), " " | "╱") && !half) {
        cell.set_symbol(sign).set_style(style);
    } else if half
        && matches!(cell.symbol(), "▐" | "▌")
        && let Some(color) = style.fg
    {
        cell.set_bg(color);
    }
}

/// The line above or below the cell.
fn lid(frame: &mut Frame<'_>, cell: Rect, half: bool, y: u16, [first, middle, last]: [&str; 3], style: Style) {
    let (left, right) = sides(cell, half);
    for x in left..=right {
        let sign = match x {
            _ if half => middle,
            x if x == left => first,
            x if x == right => last,
            _ => middle,
        };
        if let Some(cell) = frame.buffer_mut().cell_mut(Position { x, y })
            && matches!(cell.symbol(), " " | "▐" | "▌")
        {
            cell.set_symbol(sign).set_style(style);
        }
    }
}

/// Where fills do not show: signs at both ends of the cell's number, or beside a cell that has no room for them.
fn brackets(frame: &mut Frame<'_>, cell: Rect, theme: &Theme) {
    let y = cell.y + cell.height.saturating_sub(1) / 2;
    let last = cell.right().saturating_sub(1);
    let ends = [(cell.x, cell.x.checked_sub(1), [">", "[", "{"]), (last, Some(cell.right()), ["<", "]", "}"])];
    for (inside, outside, signs) in ends {
        let place = [Some(inside), outside].into_iter().flatten().find_map(|x| {
            let sign = sign_over(frame.buffer_mut().cell(Position { x, y })?.symbol(), signs)?;
            Some((Position { x, y }, sign))
        });
        if let Some((at, sign)) = place
            && let Some(cell) = frame.buffer_mut().cell_mut(at)
        {
            cell.set_symbol(sign).set_style(theme.style(Role::SelectedCell));
        }
    }
}

/// The sign of the selection in place of a blank or of a leader's bracket; nothing else gives way.
fn sign_over<'a>(there: &str, [blank, bracket, curly]: [&'a str; 3]) -> Option<&'a str> {
    match there {
        " " => Some(blank),
        sign if sign == bracket => Some(curly),
        _ => None,
    }
}

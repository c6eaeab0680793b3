//! The few strokes that every screen is drawn with. All of them clip: nothing is drawn outside of its area or of the frame.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::theme::{Role, Theme};
use crate::view::Area;
use crate::view::line::Line;

/// An area of a view as ratatui's.
pub fn rect(area: Area) -> Rect {
    Rect::new(area.x, area.y, area.width, area.height)
}

/// Fills an area with a style, blank.
pub fn fill(frame: &mut Frame<'_>, area: Rect, style: Style) {
    let area = area.intersection(frame.area());
    let buffer = frame.buffer_mut();
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.set_symbol(" ").set_style(style);
        }
    }
}

/// Lays a style over what an area shows already, words and all.
pub fn tint(frame: &mut Frame<'_>, area: Rect, style: Style) {
    let area = area.intersection(frame.area());
    frame.buffer_mut().set_style(area, style);
}

/// Text on row `row` of an area.
pub fn text(frame: &mut Frame<'_>, area: Rect, row: u16, text: &str, style: Style) {
    put(frame, Rect { y: area.y.saturating_add(row), height: 1, ..area }.intersection(area), text, style);
}

/// A line at the left of row `row` of an area, on a surface: pieces without a fill of their own take the surface's.
pub fn line(frame: &mut Frame<'_>, area: Rect, row: u16, line: &Line, theme: &Theme, surface: Role) {
    let mut rest = Rect { y: area.y.saturating_add(row), height: 1, ..area }.intersection(area);
    for span in &line.spans {
        let end = put(frame, rest, &span.text, on(theme, span.role, surface));
        rest = Rect { x: end, width: rest.right().saturating_sub(end), ..rest };
    }
}

/// A line into the first row of an area, over what is there: pieces without a fill of their own keep the one below them.
pub fn line_clear(frame: &mut Frame<'_>, area: Rect, line: &Line, theme: &Theme) {
    let mut rest = area;
    for span in &line.spans {
        let end = put(frame, rest, &span.text, theme.style(span.role));
        rest = Rect { x: end, width: rest.right().saturating_sub(end), ..rest };
    }
}

/// A line at the right of row `row` of an area.
pub fn line_right(frame: &mut Frame<'_>, area: Rect, row: u16, content: &Line, theme: &Theme, surface: Role) {
    let width = u16::try_from(content.width()).unwrap_or(u16::MAX).min(area.width);
    let place = Rect { x: area.right().saturating_sub(width), width, ..area };
    line(frame, place, row, content, theme, surface);
}

/// At the left edge of what is selected: a sign where fills do not show.
pub fn selected(frame: &mut Frame<'_>, area: Rect, theme: &Theme, surface: Role) {
    if theme.marks_cells() {
        text(frame, area, 0, ">", on(theme, Role::SelectedBar, surface));
    }
}

/// The style of a role on a surface.
pub fn on(theme: &Theme, role: Role, surface: Role) -> Style {
    let own = theme.style(role);
    if own.bg.is_some() || own.add_modifier.contains(Modifier::REVERSED) { own } else { theme.over(role, surface) }
}

/// A box with a border around an overlay, its surface filled.
pub fn panel(frame: &mut Frame<'_>, area: Rect, title: &Line, theme: &Theme) {
    // Of what is behind it nothing shows through, no line under words either.
    fill(frame, area, theme.alone(Role::Panel));
    let area = area.intersection(frame.area());
    if area.width < 2 || area.height < 2 {
        return;
    }
    let border = on(theme, Role::PanelBorder, Role::Panel);
    let wide = "─".repeat(usize::from(area.width - 2));
    text(frame, area, 0, &format!("┌{wide}┐"), border);
    text(frame, area, area.height - 1, &format!("└{wide}┘"), border);
    for row in 1..area.height - 1 {
        text(frame, area, row, "│", border);
        text(frame, Rect { x: area.right() - 1, width: 1, ..area }, row, "│", border);
    }
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
    line(frame, inner, 0, title, theme, Role::Panel);
}

/// Lays the shade over an area: what is behind an overlay stays to be seen, quietly.
pub fn shade(frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let shade = theme.style(Role::Shade);
    let filled = theme.style(Role::SelectedRow);
    let area = area.intersection(frame.area());
    let buffer = frame.buffer_mut();
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            let fill = if cell.bg == Color::Reset { None } else { filled.bg };
            cell.set_style(
                Style { fg: shade.fg, bg: fill, ..Style::default() }
                    .remove_modifier(Modifier::BOLD | Modifier::REVERSED),
            );
            cell.set_style(Style::default().add_modifier(shade.add_modifier));
        }
    }
}

/// Puts text into a row, clipped; returns the column behind it.
fn put(frame: &mut Frame<'_>, row: Rect, text: &str, style: Style) -> u16 {
    let row = row.intersection(frame.area());
    if row.is_empty() {
        return row.x;
    }
    frame.buffer_mut().set_stringn(row.x, row.y, text, usize::from(row.width), style).0
}

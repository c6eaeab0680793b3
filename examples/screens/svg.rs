//! A screen as an SVG document. Words are text, fitted to their columns whatever the font; lines and blocks are shapes, so
//! that they join. It knows buffers, no screen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Width and height of a cell, in units of the document.
const CELL: (u16, u16) = (8, 16);

/// A part of a cell: x, y, width, height.
type Part = (u16, u16, u16, u16);

/// Signs that are drawn as shapes.
const SHAPES: &[(&str, &[Part])] = &[
    ("█", &[(0, 0, 8, 16)]),
    ("▀", &[(0, 0, 8, 8)]),
    ("▁", &[(0, 14, 8, 2)]),
    ("▂", &[(0, 12, 8, 4)]),
    ("▃", &[(0, 10, 8, 6)]),
    ("▄", &[(0, 8, 8, 8)]),
    ("▅", &[(0, 6, 8, 10)]),
    ("▆", &[(0, 4, 8, 12)]),
    ("▇", &[(0, 2, 8, 14)]),
    ("▌", &[(0, 0, 4, 16)]),
    ("▐", &[(4, 0, 4, 16)]),
    ("▗", &[(4, 8, 4, 8)]),
    ("▖", &[(0, 8, 4, 8)]),
    ("▝", &[(4, 0, 4, 8)]),
    ("▘", &[(0, 0, 4, 8)]),
    ("─", &[(0, 8, 8, 1)]),
    ("━", &[(0, 7, 8, 2)]),
    ("│", &[(4, 0, 1, 16)]),
    ("┃", &[(3, 0, 2, 16)]),
    ("┌", &[(4, 8, 4, 1), (4, 8, 1, 8)]),
    ("┐", &[(0, 8, 5, 1), (4, 8, 1, 8)]),
    ("└", &[(4, 0, 1, 9), (4, 8, 4, 1)]),
    ("┘", &[(4, 0, 1, 9), (0, 8, 5, 1)]),
    ("├", &[(4, 0, 1, 16), (4, 8, 4, 1)]),
    ("┤", &[(4, 0, 1, 16), (0, 8, 4, 1)]),
];

/// A run of neighbouring cells of one row: its first column, how many, and what they share.
struct Run<T> {
    x: u16,
    y: u16,
    columns: u16,
    what: T,
}

/// The document of a screen on a ground of this colour.
pub(crate) fn document(buffer: &Buffer, ground: (u8, u8, u8)) -> String {
    let mut colors = Colors { ground, names: BTreeMap::new() };
    let mut body = String::new();
    backgrounds(buffer, &mut colors, &mut body);
    shapes(buffer, &mut colors, &mut body);
    words(buffer, &mut colors, &mut body);
    let (width, height) = (buffer.area.width * CELL.0, buffer.area.height * CELL.1);
    let mut document = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-8 -8 {} {}\" font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" \
         font-size=\"13.3\" xml:space=\"preserve\">\n<style>.b{{font-weight:bold}}.m{{text-anchor:middle}}",
        width + 16,
        height + 16
    );
    for (color, name) in &colors.names {
        let _ = write!(document, ".{name}{{fill:{color}}}");
    }
    let _ = writeln!(
        document,
        "</style>\n<rect x=\"-8\" y=\"-8\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"{}\"/>",
        width + 16,
        height + 16,
        hex(ground)
    );
    document + &body + "</svg>\n"
}

/// Colours with the short names of their classes.
struct Colors {
    ground: (u8, u8, u8),
    names: BTreeMap<String, String>,
}

impl Colors {
    fn class(&mut self, color: Color) -> String {
        let hex = match color {
            Color::Rgb(r, g, b) => hex((r, g, b)),
            _ => "#cfd6de".to_owned(),
        };
        let next = format!("c{}", self.names.len());
        self.names.entry(hex).or_insert(next).clone()
    }

    /// The colours of a cell's sign and of what lies behind it.
    fn of(&self, cell: &Cell) -> (Color, Option<Color>) {
        let (r, g, b) = self.ground;
        let background = (cell.bg != Color::Reset).then_some(cell.bg);
        if cell.modifier.contains(Modifier::REVERSED) {
            (background.unwrap_or(Color::Rgb(r, g, b)), Some(cell.fg))
        } else {
            (cell.fg, background)
        }
    }
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Neighbours of one row for which `what` says the same; cells for which it says nothing are left out.
fn runs<T: PartialEq>(buffer: &Buffer, mut what: impl FnMut(&Cell) -> Option<T>) -> Vec<Run<T>> {
    let mut runs: Vec<Run<T>> = Vec::new();
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let Some(what) = buffer.cell((x, y)).and_then(&mut what) else { continue };
            match runs.last_mut() {
                Some(run) if run.y == y && run.x + run.columns == x && run.what == what => run.columns += 1,
                _ => runs.push(Run { x, y, columns: 1, what }),
            }
        }
    }
    runs
}

fn rect(body: &mut String, class: &str, (x, y, width, height): Part) {
    let _ = writeln!(body, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
}

/// Fills; those of one colour below each other are one, for seams would show between them.
fn backgrounds(buffer: &Buffer, colors: &mut Colors, body: &mut String) {
    let mut fills: Vec<(Run<Color>, u16)> = Vec::new();
    for run in runs(buffer, |cell| colors.of(cell).1) {
        let above = |(above, rows): &&mut (Run<Color>, u16)| {
            (above.x, above.columns, above.y + *rows) == (run.x, run.columns, run.y) && above.what == run.what
        };
        match fills.iter_mut().find(above) {
            Some((_, rows)) => *rows += 1,
            None => fills.push((run, 1)),
        }
    }
    for (run, rows) in fills {
        let class = colors.class(run.what);
        rect(body, &class, (run.x * CELL.0, run.y * CELL.1, run.columns * CELL.0, rows * CELL.1));
    }
}

fn shapes(buffer: &Buffer, colors: &mut Colors, body: &mut String) {
    let shape = |cell: &Cell| SHAPES.iter().find(|(sign, _)| *sign == cell.symbol()).map(|(_, parts)| *parts);
    let shaped = runs(buffer, |cell| shape(cell).map(|parts| (parts, colors.of(cell).0)));
    for Run { x, y, columns, what: (parts, color) } in shaped {
        let class = colors.class(color);
        let (left, top) = (x * CELL.0, y * CELL.1);
        match parts {
            [(0, part_y, 8, height)] => rect(body, &class, (left, top + part_y, columns * CELL.0, *height)),
            _ => {
                for (at, (part_x, part_y, width, height)) in
                    (0..columns).flat_map(|at| parts.iter().map(move |p| (at, p)))
                {
                    rect(body, &class, (left + at * CELL.0 + part_x, top + part_y, *width, *height));
                }
            }
        }
    }
    for Run { x, y, columns, what } in runs(buffer, |cell| (cell.symbol() == "╱").then(|| colors.of(cell).0)) {
        let class = colors.class(what);
        let mut path = String::new();
        for at in x..x + columns {
            let _ = write!(path, "M{} {}l7 -16h1l-7 16z", at * CELL.0, (y + 1) * CELL.1);
        }
        let _ = writeln!(body, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}

/// Words of plain letters are one text each; every other sign stands in the middle of its own cell.
fn words(buffer: &Buffer, colors: &mut Colors, body: &mut String) {
    let plain = |cell: &Cell| cell.symbol().is_ascii() && cell.symbol() != " ";
    let style = |colors: &Colors, cell: &Cell| (colors.of(cell).0, cell.modifier.contains(Modifier::BOLD));
    for Run { x, y, columns, what: (color, bold) } in runs(buffer, |cell| plain(cell).then(|| style(colors, cell))) {
        let text: String =
            (x..x + columns).filter_map(|x| buffer.cell((x, y))).map(|cell| escaped(cell.symbol())).collect();
        let class = format!("{}{}", colors.class(color), if bold { " b" } else { "" });
        let (left, base, width) = (x * CELL.0, y * CELL.1 + 12, columns * CELL.0);
        let _ = writeln!(
            body,
            "<text class=\"{class}\" x=\"{left}\" y=\"{base}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\">{text}</text>"
        );
    }
    let drawn = |cell: &Cell| cell.symbol() == "╱" || SHAPES.iter().any(|(sign, _)| *sign == cell.symbol());
    let sign = |cell: &Cell| !cell.symbol().is_ascii() && !drawn(cell);
    for (x, y) in (0..buffer.area.height).flat_map(|y| (0..buffer.area.width).map(move |x| (x, y))) {
        let Some(cell) = buffer.cell((x, y)).filter(|cell| sign(cell)) else { continue };
        let class = colors.class(colors.of(cell).0);
        let (middle, base) = (x * CELL.0 + CELL.0 / 2, y * CELL.1 + 12);
        let _ =
            writeln!(body, "<text class=\"{class} m\" x=\"{middle}\" y=\"{base}\">{}</text>", escaped(cell.symbol()));
    }
}

fn escaped(sign: &str) -> &str {
    match sign {
        "&" => "&amp;",
        "<" => "&lt;",
        ">" => "&gt;",
        other => other,
    }
}

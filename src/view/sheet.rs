//! A sheet: lines in their places, what can be clicked, a cursor. Screens made of text say with it what stands where; it is
//! painted without a further thought.

use super::line::{Line, cut};
use super::role::Role;
use super::text::safe_str;
use super::{Area, Hit, Target};

/// A line in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where: one row high.
    pub area: Area,
    /// What.
    pub line: Line,
    /// What it lies on; the whole area is filled with it where it is not the ground.
    pub surface: Role,
}

/// Whether a row of a list is the chosen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// It is not.
    No,
    /// It is, but keys move in another pane.
    Elsewhere,
    /// It is, and keys move it.
    Here,
}

impl Chosen {
    /// By whether it is chosen, and whether keys move here.
    pub fn when(chosen: bool, here: bool) -> Self {
        match (chosen, here) {
            (false, _) => Self::No,
            (true, false) => Self::Elsewhere,
            (true, true) => Self::Here,
        }
    }
}

/// Lines in their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The lines; later ones lie over earlier ones.
    pub placed: Vec<Placed>,
    /// What can be clicked.
    pub hits: Vec<Hit>,
    /// Column and row of the cursor, if a text field has it.
    pub cursor: Option<(u16, u16)>,
}

impl Sheet {
    /// Puts a line into the first row of an area, cut to its width.
    pub fn put(&mut self, area: Area, line: Line) {
        self.put_on(area, line, Role::Ground);
    }

    /// The same on a surface.
    pub fn put_on(&mut self, area: Area, line: Line, surface: Role) {
        if area.height > 0 && area.width > 0 {
            let line = line.cut(usize::from(area.width));
            self.placed.push(Placed { area: area.top(1), line, surface });
        }
    }

    /// Puts a line to the right end of the first row of an area.
    pub fn put_right(&mut self, area: Area, line: Line, surface: Role) {
        let width = columns(line.width()).min(area.width);
        self.put_on(Area { x: area.x + (area.width - width), width, ..area }, line, surface);
    }

    /// Puts a row of a list: a chosen one has a surface of its own and a bar at its edge, a thick one where keys move it; every one takes
    /// clicks.
    pub fn put_row(&mut self, area: Area, line: Line, chosen: Chosen, target: Target) {
        if area.height == 0 {
            return;
        }
        let (bar, surface) = match chosen {
            Chosen::No => (" ", Role::Ground),
            Chosen::Elsewhere => ("▏", Role::SelectedRow),
            Chosen::Here => ("▌", Role::SelectedRow),
        };
        let bar = Line::of(Role::SelectedBar, bar);
        self.put_on(area, super::chrome::join(bar, line), surface);
        self.hits.push(Hit { area: area.top(1), target });
    }

    /// Puts a text field in one row: its label, what was typed, the cursor.
    pub fn put_field(&mut self, area: Area, label: &str, typed: &str, cursor: usize) {
        let label = Line::of(Role::Key, label);
        let before: String = typed.chars().take(cursor).collect();
        let at = columns(label.clone().with(Role::Strong, safe_str(&before)).width());
        // What does not fit goes out of view at the left, so that the cursor stays.
        let last = area.width.saturating_sub(1);
        let gone = usize::from(at.saturating_sub(last));
        let shown: String = safe_str(typed).chars().skip(gone).collect();
        self.put_on(area, label.with(Role::Strong, shown), Role::Field);
        self.cursor = Some((area.x + at.min(last), area.y));
    }

    /// Puts a title with a note and a thin line to the end of the row.
    pub fn put_title(&mut self, area: Area, title: &str, note: &str) {
        let line = Line::of(Role::Title, title)
            .with(Role::Faint, if note.is_empty() { String::new() } else { format!("  {note}") });
        let rest = usize::from(area.width).saturating_sub(line.width() + 1);
        self.put(area, line.with(Role::Rule, format!(" {}", "─".repeat(rest))));
    }
}

/// The heads of a table: what its rows are sorted by, and whether the largest come first.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// The name of the column, and whether the largest come first.
    pub sorted: (&'static str, bool),
}

impl Heads {
    /// A head over numbers, which stand at its right.
    pub fn number(self, name: &str, width: usize) -> Line {
        self.shaped(name, |text| right(text, width))
    }

    /// A head over words, which stand at its left.
    pub fn words(self, name: &str, width: usize) -> Line {
        self.shaped(name, |text| left(text, width))
    }

    /// The column by its name with the sign for the order: for where its head is not in view.
    pub fn in_words(self) -> String {
        format!("{} {}", self.sorted.0, self.sign())
    }

    fn shaped(self, name: &str, shape: impl Fn(&str) -> String) -> Line {
        if name.trim() == self.sorted.0 {
            Line::of(Role::Accent, shape(&format!("{name}{}", self.sign())))
        } else {
            Line::of(Role::Faint, shape(name))
        }
    }

    fn sign(self) -> char {
        if self.sorted.1 { '▾' } else { '▴' }
    }
}

/// A width in columns of the terminal.
pub fn columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// Text at the right of a column `width` wide.
pub fn right(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blank = width.saturating_sub(unicode_width::UnicodeWidthStr::width(text.as_str()));
    format!("{}{text}", " ".repeat(blank))
}

/// Text at the left of a column `width` wide.
pub fn left(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let blank = width.saturating_sub(unicode_width::UnicodeWidthStr::width(text.as_str()));
    text.push_str(&" ".repeat(blank));
    text
}

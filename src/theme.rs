//! Themes: role -> style. The styles are data (`themes/*.ron`); this file only picks what the terminal can show: true colour,
//! 256, 16 or none, Unicode signs or ASCII. It knows no screen.
//!
//! State is never told by colour alone: without colours a role has attributes, and cells carry marks
//! ([`Theme::marks_cells`]). Without Unicode every sign has a stand-in of the same width ([`Theme::finish`]).

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

pub use crate::view::role::Role;
pub use file::ThemeError;
use file::{Entry, ThemeFile};

mod ascii;
mod file;
pub mod palette;
#[cfg(test)]
mod tests;

/// The built-in themes: name and file.
const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../themes/dark.ron")),
    ("light", include_str!("../themes/light.ron")),
    ("high-contrast", include_str!("../themes/high-contrast.ron")),
];

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    #[default]
    True,
    /// The 256 of xterm.
    Indexed,
    /// The sixteen that a terminal names.
    Sixteen,
    /// None (`NO_COLOR`): attributes only.
    Mono,
}

/// Which signs the terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signs {
    /// Unicode.
    #[default]
    Unicode,
    /// ASCII only.
    Ascii,
}

/// What a terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Its colours.
    pub depth: Depth,
    /// Its signs.
    pub signs: Signs,
}

impl Terminal {
    /// What the environment says of the terminal; `get` looks a variable up. `NO_COLOR` counts when it is not empty
    /// (<https://no-color.org>); without a word about colours, sixteen are assumed.
    pub fn detect(get: impl Fn(&str) -> Option<String>) -> Self {
        let has = |name: &str, part: &str| get(name).is_some_and(|value| value.to_lowercase().contains(part));
        let depth = if get("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            Depth::Mono
        } else if has("COLORTERM", "truecolor") || has("COLORTERM", "24bit") || has("TERM", "direct") {
            Depth::True
        } else if has("TERM", "256") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        };
        // The first of these that is set decides, as in setlocale(3).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(&get).find(|value| !value.is_empty());
        let unicode = locale.is_some_and(|value| value.to_lowercase().replace('-', "").contains("utf8"));
        Self { depth, signs: if unicode { Signs::Unicode } else { Signs::Ascii } }
    }
}

/// A theme as one terminal can show it.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name: a built-in one, or the path of a file.
    pub name: String,
    /// One line about it.
    pub doc: String,
    /// The background that its colours were chosen for, where the file says so.
    pub ground: Option<palette::Rgb>,
    terminal: Terminal,
    styles: BTreeMap<Role, Style>,
}

impl Theme {
    /// The names of the built-in themes, in the order in which a key goes through them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The built-in theme `name`, if there is one of that name.
    ///
    /// # Errors
    /// [`ThemeError`] names the file where there is none, or what is wrong in it.
    pub fn built_in(name: &str, terminal: Terminal) -> Result<Self, ThemeError> {
        built_in_file(name).map(|file| Self::assemble(name, &file, terminal))
    }

    /// The theme of a user's file, `text`; `path` names it in errors and menus.
    ///
    /// # Errors
    /// [`ThemeError`] with path, line and column of what is wrong.
    pub fn from_file(path: &str, text: &str, terminal: Terminal) -> Result<Self, ThemeError> {
        let file = file::parse(path, text)?;
        let base = file.base.as_deref().unwrap_or("dark");
        let mut filled = built_in_file(base).map_err(|error| file::whole(path, error.message))?;
        filled.doc = file.doc;
        filled.ground = file.ground.or(filled.ground);
        filled.roles.extend(file.roles);
        Ok(Self::assemble(path, &filled, terminal))
    }

    fn assemble(name: &str, file: &ThemeFile, terminal: Terminal) -> Self {
        let styles = file.roles.iter().map(|(role, entry)| (*role, style_of(entry, terminal.depth))).collect();
        let ground = file.ground.map(|hex| hex.0);
        Self { name: name.to_owned(), doc: file.doc.clone(), ground, terminal, styles }
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// The style of a role laid over another's: its foreground and attributes on the other's background.
    pub fn over(&self, role: Role, surface: Role) -> Style {
        let mut style = self.style(surface);
        let top = self.style(role);
        style.fg = top.fg.or(style.fg);
        style.add_modifier |= top.add_modifier;
        style
    }

    /// The background of a role as a foreground: for half blocks at the edge of a cell. `None` where it has none.
    pub fn edge(&self, role: Role) -> Option<Style> {
        let background = self.style(role).bg?;
        Some(Style::default().fg(background))
    }

    /// The style of a role where nothing of what was drawn before shows through.
    pub fn alone(&self, role: Role) -> Style {
        let ground = self.style(Role::Ground);
        let clear =
            Style { fg: ground.fg.or(Some(Color::Reset)), bg: ground.bg.or(Some(Color::Reset)), ..Style::new() };
        clear.remove_modifier(Modifier::all()).patch(self.style(role))
    }

    /// Whether cells need marks (`[n]`, `!n`, `xn`) because fills do not show.
    pub fn marks_cells(&self) -> bool {
        self.terminal.depth == Depth::Mono || self.terminal.signs == Signs::Ascii
    }

    /// What the terminal can show.
    pub fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// The last step of every frame: puts stand-ins for signs that the terminal does not show.
    pub fn finish(&self, buffer: &mut Buffer, area: Rect) {
        if self.terminal.signs == Signs::Unicode {
            return;
        }
        for position in area.intersection(buffer.area).positions() {
            if let Some(cell) = buffer.cell_mut(position)
                && let Some(ascii) = ascii::stand_in(cell.symbol())
            {
                cell.set_symbol(ascii);
            }
        }
    }
}

/// Reads the built-in theme `name`.
fn built_in_file(name: &str) -> Result<ThemeFile, ThemeError> {
    let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
        let names = Theme::names().collect::<Vec<_>>().join(", ");
        return Err(file::whole(name, format!("there is no theme `{name}`; built in are {names}")));
    };
    file::parse(&format!("themes/{name}.ron"), text)
}

/// An entry as a style of so many colours.
fn style_of(entry: &Entry, depth: Depth) -> Style {
    let attributes = if depth == Depth::Mono { &entry.mono } else { &entry.attr };
    let modifier = attributes.iter().fold(Modifier::empty(), |all, attr| all | Modifier::from(*attr));
    let (fg, bg) = match depth {
        Depth::True => (entry.fg.map(|hex| rgb(hex.0)), entry.bg.map(|hex| rgb(hex.0))),
        Depth::Indexed => (entry.fg256().map(Color::Indexed), entry.bg256().map(Color::Indexed)),
        Depth::Sixteen => (entry.fg16.map(|name| name.0), entry.bg16.map(|name| name.0)),
        Depth::Mono => (None, None),
    };
    Style { fg, bg, ..Style::default() }.add_modifier(modifier)
}

fn rgb((red, green, blue): palette::Rgb) -> Color {
    Color::Rgb(red, green, blue)
}

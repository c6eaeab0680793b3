//! What lies over a screen, as plain data.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::model::Model;
use crate::model::commands::{Category, CommandEntry};
use crate::model::overlay::{Confirm, Overlay, Palette};

use super::Area;
use super::explain::{self, ExplainView};
use super::form;
use super::line::{self, Line};
use super::role::Role;

/// Something over the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum OverlayView {
    /// A box with lines.
    Panel(PanelView),
    /// The explanation of what is selected.
    Explain(ExplainView),
}

/// A box with lines and a text field above them, if it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PanelView {
    /// Where it lies, border included.
    pub area: Area,
    /// In its border.
    pub title: Line,
    /// Its lines.
    pub lines: Vec<PanelLine>,
}

/// A line of a box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PanelLine {
    /// What it says.
    pub line: Line,
    /// Whether it is the chosen one.
    pub chosen: bool,
    /// The column of the cursor, where a text field is in this line.
    pub cursor: Option<u16>,
}

impl From<Line> for PanelLine {
    fn from(line: Line) -> Self {
        Self { line, ..Self::default() }
    }
}

/// The view of an overlay.
pub fn project(model: &Model, overlay: &Overlay) -> OverlayView {
    let all = Area { x: 0, y: 0, width: model.size.0, height: model.size.1 };
    match overlay {
        Overlay::Help { scroll } => OverlayView::Panel(help(model, *scroll, all)),
        Overlay::Palette(palette) => OverlayView::Panel(self::palette(model, palette, all)),
        Overlay::Themes { .. } => OverlayView::Panel(themes(model, all)),
        Overlay::Confirm(confirm) => OverlayView::Panel(self::confirm(confirm, all)),
        Overlay::Explain { subject, scroll } => OverlayView::Explain(explain::project(model, subject, *scroll, all)),
        Overlay::Form(form) => OverlayView::Panel(form::project(form, model.snapshot.clock.date_ms, all)),
    }
}

/// A box in the middle of an area, which leaves the two rows on top and the one below it free.
pub fn centred(all: Area, width: u16, height: u16) -> Area {
    let (width, height) = (width.min(all.width), height.min(all.height.saturating_sub(3)));
    let y = (all.height - height) / 2;
    // Below the sentence where there is room for that.
    let y = y.max(2.min(all.height - height));
    Area { x: all.x + (all.width - width) / 2, y: all.y + y, width, height }
}

/// The widest that the help is.
const HELP_WIDTH: u16 = 112;

fn help(model: &Model, scroll: u16, all: Area) -> PanelView {
    let area = centred(all, HELP_WIDTH, all.height.saturating_sub(3));
    let lines = help_lines(model);
    let rows = usize::from(area.height.saturating_sub(2));
    let first = usize::from(scroll).min(lines.len().saturating_sub(rows));
    let lines = lines.into_iter().skip(first).take(rows).map(PanelLine::from).collect();
    PanelView { area, title: Line::of(Role::Strong, " Help ").with(Role::Faint, "j k scroll, Esc closes "), lines }
}

/// The most rows that the help can be scrolled down by.
pub fn help_scroll_max(model: &Model) -> u16 {
    let rows = usize::from(model.size.1.saturating_sub(5));
    u16::try_from(help_lines(model).len().saturating_sub(rows)).unwrap_or(u16::MAX)
}

/// Every command under its heading, then the way to join and where the log is.
fn help_lines(model: &Model) -> Vec<Line> {
    let addresses = &model.snapshot.addresses;
    let fact = |what: &str, value: &str| Line::of(Role::Dim, format!("  {what:<14}")).with(Role::Text, value);
    let mut lines = vec![
        Line::of(Role::Title, "Join with your own client"),
        fact("bootstrap", &addresses.bootstrap),
        Line::of(Role::Dim, format!("  {:<14}", "join")).with(Role::Strong, model.join_line()),
    ];
    let optional =
        [("ZooKeeper", &addresses.zookeeper), ("control API", &addresses.control), ("log file", &addresses.log_file)];
    lines.extend(optional.iter().filter_map(|(what, value)| value.as_ref().map(|value| fact(what, value))));
    for category in Category::ALL {
        lines.push(Line::default());
        lines.push(Line::of(Role::Title, category.title()));
        let those = model.commands.iter().filter(|entry| entry.category == category);
        lines.extend(those.flat_map(|entry| help_line(model, entry)));
    }
    lines
}

/// Columns before the words of a command in the help: its keys and its name.
const BEFORE_DOC: usize = 34;

/// Words in lines of at most `width` columns; a word that is longer than a line goes on in the next one.
pub(super) fn wrapped(words: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        if !line.is_empty() && line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for c in word.chars() {
            let Some(line) = lines.last_mut() else { continue };
            if !line.is_empty() && line.width() + c.width().unwrap_or(0) > width {
                lines.push(c.to_string());
            } else {
                line.push(c);
            }
        }
    }
    lines
}

fn help_line(model: &Model, entry: &CommandEntry) -> Vec<Line> {
    let keys = entry.keys.join("  ");
    let able = super::chrome::can(model, entry);
    let line = Line::of(Role::Key, format!("  {keys:<14}"));
    let line = line.with(if able { Role::Text } else { Role::Faint }, format!("{:<18}", entry.name));
    let role = if able { Role::Dim } else { Role::Faint };
    let room = usize::from(model.size.0.min(HELP_WIDTH)).saturating_sub(BEFORE_DOC + 2);
    let words = if able { entry.doc.to_owned() } else { format!("{}; not here", entry.doc) };
    let mut docs = wrapped(&words, room).into_iter();
    let first = line.with(role, docs.next().unwrap_or_default());
    let rest = docs.map(|words| Line::of(role, format!("{}{words}", " ".repeat(BEFORE_DOC))));
    std::iter::once(first).chain(rest).collect()
}

fn palette(model: &Model, palette: &Palette, all: Area) -> PanelView {
    let area = centred(all, 84, all.height.saturating_sub(4).min(18));
    let typed = palette.field.text();
    let cursor = line::Line::of(Role::Key, ": ")
        .with(Role::Text, typed.chars().take(palette.field.cursor.1).collect::<String>());
    let cursor = u16::try_from(cursor.width()).ok();
    let mut lines =
        vec![PanelLine { line: Line::of(Role::Key, ": ").with(Role::Strong, typed), chosen: false, cursor }];
    let rows = usize::from(area.height.saturating_sub(3));
    let at = palette.matches.iter().position(|name| Some(*name) == palette.chosen).unwrap_or(0);
    let first = (at + 1).saturating_sub(rows);
    let entries = palette.matches.iter().skip(first).take(rows);
    let entries = entries.filter_map(|name| model.commands.iter().find(|entry| entry.name == *name));
    // Beside the name and the longest key.
    let doc = usize::from(area.width.saturating_sub(2 + 20 + 10));
    lines.extend(entries.map(|entry| {
        let key = entry.keys.first().map_or("", String::as_str);
        let line =
            Line::of(Role::Strong, format!("  {:<18}", entry.name)).with(Role::Dim, super::sheet::left(entry.doc, doc));
        PanelLine {
            line: line.with(Role::Key, format!(" {key}")),
            chosen: Some(entry.name) == palette.chosen,
            cursor: None,
        }
    }));
    if palette.matches.is_empty() {
        lines.push(Line::of(Role::Faint, "  no command has these letters; Esc closes").into());
    }
    PanelView { area, title: Line::of(Role::Strong, " Command "), lines }
}

fn themes(model: &Model, all: Area) -> PanelView {
    let height = u16::try_from(model.themes.len()).unwrap_or(u16::MAX).saturating_add(4);
    let mut lines: Vec<PanelLine> = vec![PanelLine::default()];
    lines.extend(model.themes.iter().map(|name| PanelLine {
        line: Line::of(Role::Text, format!("  {name}")),
        chosen: *name == model.theme,
        cursor: None,
    }));
    PanelView {
        area: centred(all, 40, height),
        title: Line::of(Role::Strong, " Theme ").with(Role::Faint, "Enter keeps it "),
        lines,
    }
}

/// The widest that a question is.
const QUESTION_WIDTH: u16 = 84;
/// Rows of a question that are no consequences: its frame, the blanks around them, the answers.
const ANSWERS: u16 = 5;

/// A question with as many of its consequences as there is room for, and how many there are beyond: the answers are always
/// to be seen.
fn confirm(confirm: &Confirm, all: Area) -> PanelView {
    let width = QUESTION_WIDTH.min(all.width);
    let row = usize::from(width.saturating_sub(6)).max(1);
    let airy = all.height >= 20;
    let room = usize::from(all.height.saturating_sub(3 + ANSWERS)).max(1) + if airy { 0 } else { 2 };
    let told: Vec<Vec<String>> = confirm.consequences.iter().map(|words| wrapped(words, row)).collect();
    let fits = |count: usize, room: usize| told.iter().take(count).map(Vec::len).sum::<usize>() <= room;
    let all_fit = fits(told.len(), room);
    let shown = if all_fit { told.len() } else { (0..told.len()).rev().find(|n| fits(*n, room - 1)).unwrap_or(0) };
    let blank = || airy.then(PanelLine::default);
    let mut lines: Vec<PanelLine> = blank().into_iter().collect();
    let rows = told.iter().take(shown).flatten();
    lines.extend(rows.map(|words| Line::of(Role::Text, format!("  {words}")).into()));
    if !all_fit {
        let more = format!("  … and {} more", told.len() - shown);
        lines.push(Line::of(Role::Dim, more).into());
    }
    lines.extend(blank());
    lines.push(
        Line::of(Role::Bad, "  y")
            .with(Role::Text, " yes    ")
            .with(Role::Key, "any other key")
            .with(Role::Text, " no")
            .into(),
    );
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let title = super::line::cut(&format!(" {} ", confirm.question), usize::from(width.saturating_sub(4)));
    PanelView { area: centred(all, width, height), title: Line::of(Role::Bad, title), lines }
}

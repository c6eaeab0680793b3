//! Forms as lines of a box: labels, fields with what was typed, what is wrong with it, what came of sending it.

mod settings;

use unicode_width::UnicodeWidthStr as _;

use crate::model::field::TextField;
use crate::model::overlay::{Form, FormField, FormKind, FormState};

use super::Area;
use super::chrome::join;
use super::line::Line;
use super::overlay::{PanelLine, PanelView, centred, wrapped};
use super::role::Role;
use super::sheet::left;
use super::text::safe_str;

/// Columns of the labels.
const LABEL: usize = 22;
/// The widest that the box is.
const WIDTH: u16 = 90;

/// The box of a form; `all` is the whole terminal.
pub(super) fn project(form: &Form, all: Area) -> PanelView {
    if form.kind == FormKind::AlterTopic {
        return settings::project(form, all);
    }
    let width = WIDTH.min(all.width);
    let room = usize::from(width.saturating_sub(4)).saturating_sub(LABEL).max(1);
    // Where the terminal is low the blank lines go first, then the rows of long fields.
    let (airy, low) = (all.height >= 24, all.height < 20);
    let mut lines: Vec<PanelLine> = Vec::new();
    if airy {
        lines.push(PanelLine::default());
    }
    for (at, field) in form.fields.iter().enumerate() {
        let focused = at == form.focus && form.state != FormState::Waiting;
        lines.extend(field_lines(field, if low { 1 } else { field.rows }, focused, room));
        if airy || focused || field.error.is_some() {
            lines.extend(note(form, at, field, focused, room));
        }
    }
    lines.extend(state(form, usize::from(width.saturating_sub(2))));
    lines.push(keys(form));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let title = Line::of(Role::Strong, title(form));
    PanelView { area: centred(all, width, height), title, lines }
}

fn title(form: &Form) -> String {
    let title = match form.kind {
        FormKind::Produce => " Write a record ",
        FormKind::NewTopic => " Create a topic ",
        FormKind::AlterTopic => " Change settings ",
        FormKind::AddConsumer => " Add a consumer ",
        FormKind::AddToBoth => {
            let both = form.subject.as_deref().unwrap_or("both");
            return format!(" Add a consumer to {both}, as their members are ");
        }
        FormKind::Work => " Work on a record ",
        FormKind::ResetOffsets => " Reset offsets ",
        FormKind::Export => " Write what is shown to a file ",
    };
    title.to_owned()
}

/// A field's rows: its label before the first one, and a window on its text that holds the cursor.
fn field_lines(field: &FormField, rows: u16, focused: bool, room: usize) -> Vec<PanelLine> {
    let rows = usize::from(rows);
    let first = (field.field.cursor.0 + 1).saturating_sub(rows);
    let role = if focused { Role::Accent } else { Role::Dim };
    let row = |at: usize| {
        let label = if at == 0 { &*field.label } else { "" };
        let before = Line::of(role, format!("  {}", left(label, LABEL - 2)));
        if !field.choices.is_empty() {
            return PanelLine { line: join(before, choices(field, focused)), ..PanelLine::default() };
        }
        let (text, cursor) = text_row(&field.field, first + at, room, focused);
        let cursor = cursor.and_then(|cursor| u16::try_from(LABEL + cursor).ok());
        PanelLine { line: join(before, text), chosen: false, cursor }
    };
    (0..rows).map(row).collect()
}

/// One row of a text field, on the field's surface, with the selection marked; and the cursor's column if it is here.
fn text_row(field: &TextField, row: usize, room: usize, focused: bool) -> (Line, Option<usize>) {
    let chars: Vec<char> = field.lines.get(row).map_or_else(Vec::new, |line| line.chars().collect());
    let here = focused && field.cursor.0 == row;
    let column = if here { field.cursor.1 } else { 0 };
    let shown = |c: &char| safe_str(c.encode_utf8(&mut [0; 4]));
    let width = |chars: &[char]| chars.iter().map(|c| shown(c).width()).sum::<usize>();
    let mut from = 0;
    while from < column && width(chars.get(from..column).unwrap_or_default()) + 1 > room {
        from += 1;
    }
    let cursor = here.then(|| width(chars.get(from..column).unwrap_or_default()));
    let selected = selection(field, row, chars.len());
    let mut line = Line::default();
    let mut used = 0;
    for (at, c) in chars.iter().enumerate().skip(from) {
        let text = shown(c);
        if used + text.width() > room {
            break;
        }
        used += text.width();
        let marked = focused && selected.is_some_and(|(start, end)| (start..end).contains(&at));
        line = line.with(if marked { Role::Cursor } else { Role::Field }, text);
    }
    (line.with(Role::Field, " ".repeat(room - used)), cursor)
}

/// The part of a row that is selected, in characters.
fn selection(field: &TextField, row: usize, length: usize) -> Option<(usize, usize)> {
    let anchor = field.anchor?;
    let (start, end) = if anchor < field.cursor { (anchor, field.cursor) } else { (field.cursor, anchor) };
    if row < start.0 || row > end.0 {
        return None;
    }
    Some((if row == start.0 { start.1 } else { 0 }, if row == end.0 { end.1 } else { length }))
}

fn choices(field: &FormField, focused: bool) -> Line {
    let now = field.field.text();
    field.choices.iter().fold(Line::default(), |line, choice| {
        let role = match (**choice == *now, focused) {
            (true, true) => Role::Leader,
            (true, false) => Role::Strong,
            (false, _) => Role::Faint,
        };
        line.with(role, format!(" {choice} ")).with(Role::Text, " ")
    })
}

/// Below a field: what is wrong with it, or, while it has the focus, what belongs there, in rows of `room` columns.
fn note(form: &Form, at: usize, field: &FormField, focused: bool, room: usize) -> Vec<PanelLine> {
    let (role, words) = match (&field.error, focused) {
        (Some(error), _) => (Role::Bad, format!("✖ {error}")),
        (None, true) => (Role::Faint, help(form, at, field)),
        (None, false) => (Role::Text, String::new()),
    };
    let row = |words| Line::of(Role::Text, " ".repeat(LABEL)).with(role, words).into();
    wrapped(&words, room).into_iter().map(row).collect()
}

/// What belongs into a field; for a record's partition, where its key would put it.
fn help(form: &Form, at: usize, field: &FormField) -> String {
    let automatic = form.kind == FormKind::Produce && at == 4 && field.field.is_empty();
    match form.by_key.filter(|_| automatic) {
        Some((partition, count)) => format!("automatic: murmur2 of the key mod {count} = {partition}"),
        None => field.help.to_string(),
    }
}

/// What came of sending it, in as many rows of `width` columns as its words take.
fn state(form: &Form, width: usize) -> Vec<PanelLine> {
    let (role, sign, words_role, words) = match &form.state {
        FormState::Editing => return vec![PanelLine::default()],
        FormState::Waiting if form.kind == FormKind::Export => (Role::Accent, "", Role::Accent, "writing …".to_owned()),
        FormState::Waiting => (Role::Accent, "", Role::Accent, "sent; waiting for the answer …".to_owned()),
        FormState::Done(what) => (Role::Good, "✓ ", Role::Strong, safe_str(what)),
        FormState::Failed(why) => (Role::Bad, "✖ ", Role::Text, safe_str(why)),
    };
    let room = width.saturating_sub(3 + sign.width()).max(1);
    let rows = wrapped(&words, room).into_iter().enumerate();
    rows.map(|(at, row)| {
        let sign = if at == 0 { sign.to_owned() } else { " ".repeat(sign.width()) };
        Line::of(Role::Text, "  ").with(role, sign).with(words_role, row).into()
    })
    .collect()
}

fn keys(form: &Form) -> PanelLine {
    let focused = form.fields.get(form.focus);
    let choosing = focused.is_some_and(|field| !field.choices.is_empty());
    let key = |line: Line, key: &str, what: &str| line.with(Role::Key, key).with(Role::Dim, format!(" {what}   "));
    let does = match form.kind {
        FormKind::NewTopic => "create it",
        FormKind::AlterTopic => "change it",
        FormKind::AddConsumer => "start it",
        FormKind::AddToBoth => "start both",
        FormKind::Work => "have it work so",
        FormKind::ResetOffsets => "show what it would change",
        FormKind::Produce | FormKind::Export => "write it",
    };
    let mut line = key(Line::of(Role::Text, "  "), "Enter", does);
    if form.fields.len() > 1 {
        line = key(line, "Tab", "next field");
    }
    if choosing {
        line = key(line, "Left Right", "choose");
    }
    if focused.is_some_and(|field| field.rows > 1) {
        line = key(line, "Alt-Enter", "new line");
    }
    key(line, "Esc", "close").into()
}

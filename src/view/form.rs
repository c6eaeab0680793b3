//! Forms as lines of a box: labels, fields with what was typed, what is wrong with it, what came of sending it.

mod settings;

use std::sync::Arc;

use unicode_width::UnicodeWidthStr as _;

use crate::model::field::TextField;
use crate::model::overlay::{Form, FormField, FormKind, FormState};

use super::Area;
use super::chrome::join;
use super::format;
use super::line::Line;
use super::overlay::{PanelLine, PanelView, centred, wrapped};
use super::role::Role;
use super::sheet::left;
use super::text::safe_str;

/// Columns of the labels.
const LABEL: usize = 22;
/// The widest that the box is.
const WIDTH: u16 = 90;
/// Blanks behind the words of a key.
const BEHIND: usize = 3;
/// Columns of a choice beside its words.
const CHOICE: usize = 3;
/// Rows of the terminal that are not the box's: three; and its frame.
const FRAME: u16 = 5;

/// The box of a form; `all` is the whole terminal, `date_ms` the lab's date. Fields that do not all fit scroll with the one
/// that has the focus.
pub(super) fn project(form: &Form, date_ms: i64, all: Area) -> PanelView {
    if form.kind == FormKind::AlterTopic {
        return settings::project(form, all);
    }
    let width = WIDTH.min(all.width);
    // Where the terminal is low the blank lines go first, then the rows of long fields.
    let low = all.height < 20;
    let mut below = if low && form.state == FormState::Editing {
        Vec::new()
    } else {
        state(form, usize::from(width.saturating_sub(2)))
    };
    below.push(keys(form, usize::from(width.saturating_sub(2))));
    let most = usize::from(all.height.saturating_sub(FRAME)).saturating_sub(below.len()).max(1);
    let height = |fields: &[Vec<PanelLine>]| fields.iter().map(Vec::len).sum::<usize>();
    let mut fields = fields(form, date_ms, usize::from(width.saturating_sub(4)), Room { low, airy: all.height >= 24 });
    let airy = all.height >= 24 && height(&fields) < most;
    if !airy {
        fields = self::fields(form, date_ms, usize::from(width.saturating_sub(4)), Room { low, airy });
    }
    let rows = most - usize::from(airy);
    let (first, count) = in_view(&fields, form.focus, rows);
    let out = Out { above: first, below: fields.len() - first - count };
    let mut lines: Vec<PanelLine> = Vec::new();
    if airy {
        lines.push(PanelLine::default());
    }
    lines.extend(fields.into_iter().skip(first).take(count).flatten().take(rows));
    lines.extend(below);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    PanelView { area: centred(all, width, height), title: title(form, out), lines }
}

/// How much room there is for the fields of a form.
#[derive(Clone, Copy)]
struct Room {
    /// So little that each has one row.
    low: bool,
    /// So much that each has a blank below it.
    airy: bool,
}

/// The rows of each field, `width` columns wide.
fn fields(form: &Form, date_ms: i64, width: usize, Room { low, airy }: Room) -> Vec<Vec<PanelLine>> {
    let room = width.saturating_sub(LABEL).max(1);
    let field = |(at, field): (usize, &FormField)| {
        let focused = at == form.focus && form.state != FormState::Waiting;
        let mut rows = field_lines(field, if low { 1 } else { field.rows }, focused, room);
        if airy || focused || field.error.is_some() {
            rows.extend(note(&help(form, at, field, date_ms), field, focused, room));
        }
        rows
    };
    form.fields.iter().enumerate().map(field).collect()
}

/// How many fields are out of sight.
#[derive(Clone, Copy)]
struct Out {
    above: usize,
    below: usize,
}

/// The fields that are shown in `rows` rows: the first one, and how many. The one with the focus is always among them.
fn in_view(fields: &[Vec<PanelLine>], focus: usize, rows: usize) -> (usize, usize) {
    let height = |from: usize, to: usize| fields.iter().take(to).skip(from).map(Vec::len).sum::<usize>();
    let first = (0..focus).find(|first| height(*first, focus + 1) <= rows).unwrap_or(focus);
    let last = (focus + 1..=fields.len()).rev().find(|to| height(first, *to) <= rows).unwrap_or(focus + 1);
    (first, last.min(fields.len()).saturating_sub(first))
}

/// What form it is, and what of it is out of sight.
fn title(form: &Form, out: Out) -> Line {
    let to_both = format!(" Add a consumer to {}, as their members are ", form.subject.as_deref().unwrap_or("both"));
    let title = match form.kind {
        FormKind::Produce => " Write a record ",
        FormKind::NewTopic => " Create a topic ",
        FormKind::AlterTopic => " Change settings ",
        FormKind::AddConsumer => " Add a consumer ",
        FormKind::AddToBoth => &to_both,
        FormKind::Work => " Work on a record ",
        FormKind::ResetOffsets => " Reset offsets ",
        FormKind::Export => " Write what is shown to a file ",
    };
    let words = match (out.above, out.below) {
        (0, 0) => return Line::of(Role::Strong, title),
        (above, 0) => format!(" ▴ {above} more above "),
        (0, below) => format!(" ▾ {below} more below "),
        (above, below) => format!(" ▴ {above} above, ▾ {below} below "),
    };
    Line::of(Role::Strong, title).with(Role::Accent, words)
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
            return PanelLine { line: join(before, choices(field, focused, room).cut(room)), ..PanelLine::default() };
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

/// The values to choose from. Where they are wider than `room` they begin so far to the right that the chosen one is seen.
fn choices(field: &FormField, focused: bool, room: usize) -> Line {
    let now = field.field.text();
    let at = field.choices.iter().position(|choice| **choice == *now).unwrap_or(0);
    let width = |choice: &Arc<str>| choice.width() + CHOICE;
    let up_to = |first: usize| field.choices.iter().take(at + 1).skip(first).map(width).sum::<usize>();
    let first = (0..at).find(|first| up_to(*first) + usize::from(*first > 0) * 2 <= room).unwrap_or(at);
    let begin = if first > 0 { Line::of(Role::Faint, "… ") } else { Line::default() };
    field.choices.iter().enumerate().skip(first).fold(begin, |line, (which, choice)| match (which == at, focused) {
        (true, true) => line.with(Role::Leader, format!("‹{choice}›")).with(Role::Text, " "),
        (true, false) => line.with(Role::Strong, format!("‹{choice}›")).with(Role::Text, " "),
        (false, _) => line.with(Role::Faint, format!(" {choice} ")).with(Role::Text, " "),
    })
}

/// Below a field: what is wrong with it, or, while it has the focus, what belongs there, in rows of `room` columns.
fn note(help: &str, field: &FormField, focused: bool, room: usize) -> Vec<PanelLine> {
    let (role, words) = match (&field.error, focused) {
        (Some(error), _) => (Role::Bad, format!("✖ {error}")),
        (None, true) => (Role::Faint, help.to_owned()),
        (None, false) => (Role::Text, String::new()),
    };
    let row = |words| Line::of(Role::Text, " ".repeat(LABEL)).with(role, words).into();
    wrapped(&words, room).into_iter().map(row).collect()
}

/// What belongs into a field; for a record's partition, where its key would put it.
fn help(form: &Form, at: usize, field: &FormField, date_ms: i64) -> String {
    let automatic = form.kind == FormKind::Produce && at == 4 && field.field.is_empty();
    match form.by_key.filter(|_| automatic) {
        Some((partition, count)) => format!("automatic: murmur2 of the key mod {count} = {partition}"),
        None if (form.kind, at) == (FormKind::ResetOffsets, 2) => reset_help(form, date_ms),
        None => field.help.to_string(),
    }
}

/// What belongs into the value of a reset: it depends on where the group is to go on, and of times on the clock that counts.
fn reset_help(form: &Form, date_ms: i64) -> String {
    let to = form.fields.get(1).map(|field| field.field.text()).unwrap_or_default();
    match to.as_str() {
        "offset" => "the same offset in every partition; where a log has none such, its nearer end".to_owned(),
        "time" => {
            let (now, before) = (format::date(date_ms), format::date(date_ms.saturating_sub(60_000)));
            let before = before.trim_end_matches(" UTC");
            let time = before.rsplit(' ').next().unwrap_or(before);
            format!(
                "by the records' clock, which says {now} (the header has the time since the start): -1m, {time}, {before}."
            )
        }
        "shift by" => "so many records on; -100: a hundred back".to_owned(),
        _ => "nothing: this one takes no value".to_owned(),
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

/// The keys of a form in `width` columns: what sends it and what leaves it always, the others where there is room.
fn keys(form: &Form, width: usize) -> PanelLine {
    let focused = form.fields.get(form.focus);
    let does = match form.kind {
        FormKind::NewTopic => "create it",
        FormKind::AlterTopic => "change it",
        FormKind::AddConsumer => "start it",
        FormKind::AddToBoth => "start both",
        FormKind::Work => "have it work so",
        FormKind::ResetOffsets => "show what it would change",
        FormKind::Produce | FormKind::Export => "write it",
    };
    let others = [
        ("Tab", "next field", form.fields.len() > 1),
        ("Left Right", "choose", focused.is_some_and(|field| !field.choices.is_empty())),
        ("Alt-Enter", "new line", focused.is_some_and(|field| field.rows > 1)),
    ];
    let key = |line: Line, key: &str, what: &str| line.with(Role::Key, key).with(Role::Dim, format!(" {what}   "));
    let mut line = key(Line::of(Role::Text, "  "), "Enter", does);
    let leave = key(Line::default(), "Esc", "close");
    for (name, what, _) in others.into_iter().filter(|(.., useful)| *useful) {
        let longer = key(line.clone(), name, what);
        if longer.width() + leave.width() <= width + BEHIND {
            line = longer;
        }
    }
    join(line, leave).into()
}

//! The form to change a topic's settings: a row for each, with what the topic sets itself in a field and, greyed beside it,
//! what it has from its brokers otherwise. Rows scroll where they do not all fit.

use crate::model::overlay::{Form, FormField, FormState};
use crate::view::Area;
use crate::view::chrome::join;
use crate::view::line::Line;
use crate::view::overlay::{PanelLine, PanelView, centred, wrapped};
use crate::view::role::Role;
use crate::view::sheet::left;
use crate::view::text::safe_str;

use super::{WIDTH, keys, state, text_row};

/// Columns of the names.
const NAME: usize = 33;
/// Columns of what is inherited: a number, from where, what it comes to.
const INHERITED: usize = 28;
/// The least columns of a field.
const FIELD: usize = 8;
/// Rows that are no settings: the frame, the heading, the note, the keys.
const OTHERS: usize = 6;
/// Rows of the note.
const NOTE: usize = 2;

/// The box; `all` is the whole terminal.
pub(super) fn project(form: &Form, all: Area) -> PanelView {
    let width = WIDTH.min(all.width);
    let inner = usize::from(width.saturating_sub(2));
    let most = usize::from(all.height.saturating_sub(3)).saturating_sub(OTHERS).max(1);
    let rows = most.min(form.fields.len());
    let first = (form.focus + 1).saturating_sub(rows);
    let room = inner.saturating_sub(NAME + 1 + INHERITED).max(FIELD);
    let mut lines = vec![heading(form, first, rows, room)];
    for (at, field) in form.fields.iter().enumerate().skip(first).take(rows) {
        lines.push(row(field, at == form.focus && form.state != FormState::Waiting, room));
    }
    lines.extend(note(form, inner));
    lines.push(keys(form, inner));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let topic = safe_str(form.subject.as_deref().unwrap_or_default());
    PanelView {
        area: centred(all, width, height),
        title: Line::of(Role::Strong, format!(" Settings of {topic} ")),
        lines,
    }
}

/// What the columns are, and how many rows are out of sight.
fn heading(form: &Form, first: usize, rows: usize, room: usize) -> PanelLine {
    let hidden = form.fields.len().saturating_sub(rows);
    let names = match (first, hidden) {
        (_, 0) => "setting".to_owned(),
        (0, below) => format!("setting  (▾ {below} more)"),
        (above, hidden) if above < hidden => format!("setting  (▴ {above} ▾ {} more)", hidden - above),
        (above, _) => format!("setting  (▴ {above} more)"),
    };
    let line = Line::of(Role::Faint, format!("  {}", left(&names, NAME - 2)));
    line.with(Role::Faint, left("its own", room + 1)).with(Role::Faint, "otherwise, of its brokers").into()
}

/// A setting: its name, what the topic sets, what it inherits. What is in force is the brighter one.
fn row(field: &FormField, focused: bool, room: usize) -> PanelLine {
    let own = !field.field.is_empty();
    let name = match (&field.error, focused, own) {
        (Some(_), ..) => Role::Bad,
        (None, true, _) => Role::Accent,
        (None, false, true) => Role::Strong,
        (None, false, false) => Role::Dim,
    };
    let sign = if field.error.is_some() { "✖ " } else { "  " };
    let before = Line::of(name, format!("{sign}{}", left(&field.label, NAME - 2)));
    let (text, cursor) = text_row(&field.field, 0, room, focused);
    let inherited = safe_str(field.inherited.as_deref().unwrap_or_default());
    let after = Line::of(Role::Text, " ").with(if own { Role::Faint } else { Role::Dim }, inherited);
    let cursor = cursor.and_then(|cursor| u16::try_from(NAME + cursor).ok());
    PanelLine { line: join(join(before, text), after), chosen: false, cursor }
}

/// What came of sending it; before that what is wrong with the setting in focus, or what it means. Always so many rows, so
/// that nothing moves.
fn note(form: &Form, width: usize) -> Vec<PanelLine> {
    let field = form.fields.get(form.focus).filter(|_| form.state == FormState::Editing);
    let mut lines: Vec<PanelLine> = match field {
        None => state(form, width),
        Some(field) => {
            let (role, words) = match &field.error {
                Some(error) => (Role::Bad, format!("✖ {error}")),
                None => (Role::Faint, field.help.to_string()),
            };
            let rows = wrapped(&words, width.saturating_sub(3).max(1)).into_iter();
            rows.map(|words| Line::of(Role::Text, "  ").with(role, words).into()).collect()
        }
    };
    lines.resize_with(lines.len().max(NOTE), PanelLine::default);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::field::TextField;
    use crate::model::overlay::FormKind;

    fn form(count: usize) -> Form {
        let field = |at: usize| FormField {
            label: format!("setting.{at}").into(),
            help: "What it means.".into(),
            field: TextField::default(),
            error: None,
            rows: 1,
            choices: Vec::new(),
            inherited: Some("5 default".into()),
        };
        let fields = (0..count).map(field).collect();
        let (subject, state) = (Some("t".into()), FormState::Editing);
        Form { kind: FormKind::AlterTopic, fields, focus: 0, subject, state, by_key: None, shown: None }
    }

    fn said(form: &Form, height: u16) -> String {
        let view = project(form, Area { x: 0, y: 0, width: 80, height });
        assert!(view.lines.len() + 2 <= usize::from(view.area.height), "everything is within the box");
        view.lines.iter().map(|line| line.line.text() + "\n").collect()
    }

    #[test]
    fn rows_that_do_not_fit_scroll_with_the_focus_and_are_counted() {
        let mut form = form(40);
        assert!(said(&form, 24).contains("(▾ 25 more)"), "{}", said(&form, 24));
        form.focus = 20;
        let text = said(&form, 24);
        assert!(text.contains("setting.20 ") && text.contains("(▴ 6 ▾ 19 more)"), "{text}");
        form.focus = 39;
        assert!(said(&form, 24).contains("(▴ 25 more)"));
        assert!(!said(&form, 50).contains("more"), "{}", said(&form, 50));
    }

    #[test]
    fn what_is_wrong_takes_the_place_of_what_it_means() {
        let mut form = form(2);
        assert!(said(&form, 24).contains("What it means."));
        form.fields[0].error = Some("setting.0 takes a number".into());
        let text = said(&form, 24);
        assert!(text.contains("✖ setting.0 takes a number") && !text.contains("What it means."), "{text}");
    }
}

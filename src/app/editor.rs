//! Text editing: the only home of tui-textarea. A field is plain data; for each key a text area is made from it, takes the
//! key, and is read back.

use tui_textarea::{CursorMove, Input, Key, TextArea};

use crate::model::field::TextField;

use super::keymap::{Code, KeyPress};

/// Lets a field take a key.
pub fn press(field: &mut TextField, key: KeyPress) {
    if key.code != Code::Enter {
        with_area(field, |area| {
            area.input(input(key));
        });
    }
}

/// Begins a new line where the cursor is.
pub fn new_line(field: &mut TextField) {
    with_area(field, |area| {
        area.insert_newline();
    });
}

/// Inserts pasted text; a field of one line takes line breaks as blanks.
pub fn paste(field: &mut TextField, text: &str, multiline: bool) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = if multiline { text } else { text.replace('\n', " ") };
    with_area(field, |area| {
        area.insert_str(text);
    });
}

fn with_area(field: &mut TextField, act: impl FnOnce(&mut TextArea<'_>)) {
    let mut area = TextArea::new(std::mem::take(&mut field.lines));
    area.set_tab_length(0);
    area.set_yank_text(std::mem::take(&mut field.yank));
    if let Some(anchor) = field.anchor {
        area.move_cursor(jump(anchor));
        area.start_selection();
    }
    area.move_cursor(jump(field.cursor));
    act(&mut area);
    let cursor = area.cursor();
    field.cursor = (cursor.0, cursor.1);
    field.anchor = area.selection_range().map(|(start, end)| if start == field.cursor { end } else { start });
    field.yank = area.yank_text();
    field.lines = area.into_lines();
}

fn jump((row, column): (usize, usize)) -> CursorMove {
    CursorMove::Jump(u16::try_from(row).unwrap_or(u16::MAX), u16::try_from(column).unwrap_or(u16::MAX))
}

fn input(press: KeyPress) -> Input {
    let key = match press.code {
        Code::Char(c) => Key::Char(c),
        Code::F(n) => Key::F(n),
        Code::Enter => Key::Enter,
        Code::Esc => Key::Esc,
        Code::Tab | Code::BackTab => Key::Tab,
        Code::Backspace => Key::Backspace,
        Code::Del => Key::Delete,
        Code::Up => Key::Up,
        Code::Down => Key::Down,
        Code::Left => Key::Left,
        Code::Right => Key::Right,
        Code::Home => Key::Home,
        Code::End => Key::End,
        Code::PgUp => Key::PageUp,
        Code::PgDn => Key::PageDown,
    };
    Input { key, ctrl: press.ctrl, alt: press.alt, shift: press.shift }
}

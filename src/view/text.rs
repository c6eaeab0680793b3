//! Text that came from outside, made safe to show: keys, values, headers, names of topics and clients are data, and none of
//! it may steer the terminal or turn what stands beside it around.

use std::fmt::Write as _;

/// Bytes as text, with everything escaped that a terminal would obey or that cannot be seen: control characters, C1, DEL,
/// bidirectional marks, invisible formatting, and bytes that are no UTF-8 (`\xff`).
pub fn safe(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        escape_into(&mut shown, chunk.valid());
        for byte in chunk.invalid() {
            write(&mut shown, format_args!("\\x{byte:02x}"));
        }
    }
    shown
}

/// The same for text.
pub fn safe_str(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    escape_into(&mut shown, text);
    shown
}

/// The most columns of a name within other words.
const NAME: usize = 40;

/// A name within other words: safe, no longer than they can bear, and to be seen even where it is empty, as a group's may be.
pub fn name_of(id: &str) -> String {
    if id.is_empty() { "''".to_owned() } else { super::line::cut_middle(&safe_str(id), NAME) }
}

fn escape_into(shown: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if is_unsafe(c) => write(shown, format_args!("\\u{{{:x}}}", u32::from(c))),
            _ => shown.push(c),
        }
    }
}

/// Whether a terminal would obey it, or nobody could see it: Unicode's Cc, the bidirectional controls, zero-width characters
/// that hide text, line and paragraph separators, tags, and the byte order mark. The joiner (U+200D) stays: emoji need it.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Writing to a string cannot fail.
fn write(shown: &mut String, args: std::fmt::Arguments<'_>) {
    let _ = shown.write_fmt(args);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_to_be_seen_and_leave_room_for_others() {
        assert_eq!(name_of(""), "''");
        assert_eq!(name_of("dashboard"), "dashboard");
        assert_eq!(name_of(&"x".repeat(300)), format!("{}…{}", "x".repeat(20), "x".repeat(19)));
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(safe(b"\x1b[2Jhi\x07"), "\\u{1b}[2Jhi\\u{7}");
        assert_eq!(safe("\u{9b}31m\u{7f}".as_bytes()), "\\u{9b}31m\\u{7f}");
        assert_eq!(safe(b"a\r\nb\tc"), "a\\r\\nb\\tc");
    }

    #[test]
    fn nothing_turns_its_neighbours_around() {
        assert_eq!(safe_str("a\u{202e}b\u{2066}c\u{feff}"), "a\\u{202e}b\\u{2066}c\\u{feff}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_bytes() {
        assert_eq!(safe(&[b'a', 0xff, 0xc3, b'b']), "a\\xff\\xc3b");
    }

    #[test]
    fn letters_of_all_scripts_stay() {
        for text in ["Grüße", "日本語", "👩‍🚀", "مرحبا"] {
            assert_eq!(safe_str(text), text);
        }
    }
}

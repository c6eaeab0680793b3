//! JSON as lines for people: the bytes as they came, only with line breaks and indents. Numbers keep their digits and fields
//! their order, which a parsed value would lose.

use serde::de::IgnoredAny;

use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::text::safe;

/// The value as indented lines; `None` where it is not JSON, or only a plain number or text.
pub(super) fn lines(value: &[u8]) -> Option<Vec<Line>> {
    let first = value.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if !matches!(first, b'{' | b'[') || serde_json::from_slice::<IgnoredAny>(value).is_err() {
        return None;
    }
    let mut printer = Printer { lines: Vec::new(), line: Line::default(), depth: 0, after_colon: false };
    for token in tokens(value) {
        printer.take(token);
    }
    printer.end_line();
    Some(printer.lines)
}

struct Printer {
    lines: Vec<Line>,
    line: Line,
    depth: usize,
    after_colon: bool,
}

impl Printer {
    fn take(&mut self, token: &[u8]) {
        match token {
            b"{" | b"[" => {
                self.word(Role::Faint, token);
                self.depth += 1;
                self.end_line();
            }
            b"}" | b"]" => {
                self.end_line();
                self.depth = self.depth.saturating_sub(1);
                self.word(Role::Faint, token);
            }
            b"," => {
                self.word(Role::Faint, token);
                self.end_line();
            }
            b":" => {
                self.word(Role::Faint, b": ");
                self.after_colon = true;
                return;
            }
            _ if self.after_colon => self.word(Role::Strong, token),
            _ => self.word(Role::Text, token),
        }
        self.after_colon = false;
    }

    fn word(&mut self, role: Role, token: &[u8]) {
        let mut line = std::mem::take(&mut self.line);
        if line.spans.is_empty() {
            line = line.with(Role::Text, "  ".repeat(self.depth));
        }
        self.line = line.with(role, safe(token));
    }

    fn end_line(&mut self) {
        if !self.line.spans.is_empty() {
            self.lines.push(std::mem::take(&mut self.line));
        }
    }
}

/// The tokens of valid JSON, without the blanks between them.
fn tokens(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = json;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let length = match rest.first()? {
            b'"' => string_length(rest),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => rest.iter().position(|byte| b",:]} \t\r\n".contains(byte)).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at_checked(length.max(1))?;
        rest = behind;
        Some(token)
    })
}

/// The length of the string that begins here, quotes included.
fn string_length(json: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in json.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        lines(json.as_bytes()).expect("JSON").iter().map(Line::text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn fields_keep_their_order_and_numbers_their_digits() {
        assert_eq!(
            text(r#"{"b":1.50,"a":[1,2],"c":{}}"#),
            "{\n  \"b\": 1.50,\n  \"a\": [\n    1,\n    2\n  ],\n  \"c\": {\n  }\n}"
        );
    }

    #[test]
    fn a_string_may_hold_anything() {
        assert_eq!(text(r#"{"q":"a\",{b","e":"\\"}"#), "{\n  \"q\": \"a\\\",{b\",\n  \"e\": \"\\\\\"\n}");
        assert_eq!(text("{\"e\":\"\u{202e}\"}"), "{\n  \"e\": \"\\u{202e}\"\n}");
    }

    #[test]
    fn what_is_no_json_is_left_to_others() {
        for text in ["", "12", "hello", "{\"a\":", "\"text\""] {
            assert!(lines(text.as_bytes()).is_none(), "{text}");
        }
    }
}

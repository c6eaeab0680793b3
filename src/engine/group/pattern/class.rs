//! The characters of a pattern: classes, and those that are written with a backslash.

use std::fmt::Write;

use super::{BAD_ESCAPE, BAD_RANGE, Before, Translator};

/// The names of `[:alpha:]` and others.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];
/// RE2's classes with a letter: those of ASCII.
const PERL: [(&str, &str); 6] = [
    ("d", "[0-9]"),
    ("D", "[^0-9]"),
    ("s", r"[\t\n\f\r ]"),
    ("S", r"[^\t\n\f\r ]"),
    ("w", "[0-9A-Za-z_]"),
    ("W", "[^0-9A-Za-z_]"),
];

impl Translator<'_> {
    /// What stands between `[` and `]`. There are no classes within it but named ones.
    pub(super) fn class(&mut self) -> Result<(), &'static str> {
        let negated = if self.skip("^") { "^" } else { "" };
        self.put("[", Before::Something);
        self.out.push_str(negated);
        let mut first = true;
        while first || !self.skip("]") {
            first = false;
            let item = self.item()?;
            self.out.push_str(&item);
        }
        self.out.push(']');
        Ok(())
    }

    /// A part of a class: a named class, a character, or a range of them.
    fn item(&mut self) -> Result<String, &'static str> {
        if let Some(name) = self.posix()? {
            return Ok(name);
        }
        let escapes = self.skip("\\");
        if let Some(class) = if escapes { self.named_class()? } else { None } {
            return Ok(class);
        }
        let from = if escapes { self.escaped()? } else { self.rest.next().ok_or("missing closing ]")? };
        self.range(from)
    }

    /// `[:alpha:]` or `[:^alpha:]`, if that comes next.
    fn posix(&mut self) -> Result<Option<String>, &'static str> {
        let Some((name, _)) = self.rest.as_str().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
            return Ok(None);
        };
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(BAD_RANGE);
        }
        self.until(":]");
        Ok(Some(format!("[:{name}:]")))
    }

    /// One character, or all up to another one. A dash at the end of a class is one by itself.
    fn range(&mut self, from: char) -> Result<String, &'static str> {
        let mut text = format!(r"\x{{{:X}}}", u32::from(from));
        let rest = self.rest.as_str();
        if rest.starts_with('-') && !rest.starts_with("-]") {
            self.skip("-");
            let to = match self.rest.next() {
                Some('\\') => self.escaped()?,
                other => other.ok_or("missing closing ]")?,
            };
            if to < from {
                return Err(BAD_RANGE);
            }
            let _ = write!(text, r"-\x{{{:X}}}", u32::from(to));
        }
        Ok(text)
    }

    /// `\d`, `\pN`, `\p{Greek}` and others, behind the backslash, if one of these comes next.
    pub(super) fn named_class(&mut self) -> Result<Option<String>, &'static str> {
        if let Some((_, class)) = PERL.into_iter().find(|(name, _)| self.skip(name)) {
            return Ok(Some(class.to_owned()));
        }
        let inverted = match self.peek() {
            Some('p') => false,
            Some('P') => true,
            _ => return Ok(None),
        };
        self.rest.next();
        let name = if self.skip("{") {
            self.until("}").ok_or(BAD_RANGE)?.to_owned()
        } else {
            self.rest.next().map(String::from).ok_or(BAD_RANGE)?
        };
        let (inverted, name) = name.strip_prefix('^').map_or((inverted, &*name), |name| (!inverted, name));
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(BAD_RANGE);
        }
        Ok(Some(format!(r"\{}{{{name}}}", if inverted { 'P' } else { 'p' })))
    }

    /// The character that stands behind a backslash.
    pub(super) fn escaped(&mut self) -> Result<char, &'static str> {
        let is_octal = |c: Option<char>| c.is_some_and(|c| c.is_digit(8));
        match self.rest.next().ok_or("trailing backslash at end of expression")? {
            // One digit is what others take for a reference to a group.
            '1'..='7' if !is_octal(self.peek()) => Err(BAD_ESCAPE),
            digit @ '0'..='7' => {
                let mut code = digit.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(next) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + next;
                    self.rest.next();
                }
                char::from_u32(code).ok_or(BAD_ESCAPE)
            }
            'x' => self.hex(),
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0b'),
            other if other.is_ascii_alphanumeric() => Err(BAD_ESCAPE),
            other => Ok(other),
        }
    }

    /// `\x41` or `\x{41}`, behind the `x`.
    fn hex(&mut self) -> Result<char, &'static str> {
        let digits = if self.skip("{") {
            self.until("}").ok_or(BAD_ESCAPE)?
        } else {
            let (digits, rest) = self.rest.as_str().split_at_checked(2).ok_or(BAD_ESCAPE)?;
            self.rest = rest.chars();
            digits
        };
        let is_number = digits.chars().all(|c| c.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_number).ok_or(BAD_ESCAPE)?;
        char::from_u32(code).ok_or(BAD_ESCAPE)
    }
}

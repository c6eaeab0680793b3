//! From keys to commands: one trie per mode, made from the table and the user's key file. It knows no terminal library but
//! in `KeyPress`, and no model.
//!
//! A key file is a RON map from a command's name to its keys, which take the place of its own:
//! `{ "kill-broker": ["K", "Z Z"], "quit": [] }`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::model::place::Mode;

use super::command::{Command, TABLE, by_name};

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A character as the keyboard made it: `K` is shift and k.
    Char(char),
    /// F1 to F24.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Del,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PgUp,
    /// Page down.
    PgDn,
}

const NAMED: &[(&str, Code)] = &[
    ("Enter", Code::Enter),
    ("Esc", Code::Esc),
    ("Tab", Code::Tab),
    ("BackTab", Code::BackTab),
    ("Backspace", Code::Backspace),
    ("Del", Code::Del),
    ("Up", Code::Up),
    ("Down", Code::Down),
    ("Left", Code::Left),
    ("Right", Code::Right),
    ("Home", Code::Home),
    ("End", Code::End),
    ("PgUp", Code::PgUp),
    ("PgDn", Code::PgDn),
    ("Space", Code::Char(' ')),
];

/// One key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPress {
    /// Which key.
    pub code: Code,
    /// With Ctrl.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
    /// With Shift, where that is not part of the character: it selects in a text field, and no binding asks for it.
    pub shift: bool,
}

impl KeyPress {
    /// A key without Ctrl or Alt.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// Whether it enters a character into a text field.
    pub fn is_text(self) -> bool {
        matches!(self.code, Code::Char(_)) && !self.ctrl && !self.alt
    }

    /// The key of a terminal event; `None` for keys that have no name here.
    pub fn from_event(event: &KeyEvent) -> Option<Self> {
        let code = match event.code {
            KeyCode::Char(c) => Code::Char(c),
            KeyCode::F(n) => Code::F(n),
            KeyCode::Enter => Code::Enter,
            KeyCode::Esc => Code::Esc,
            KeyCode::Tab => Code::Tab,
            KeyCode::BackTab => Code::BackTab,
            KeyCode::Backspace => Code::Backspace,
            KeyCode::Delete => Code::Del,
            KeyCode::Up => Code::Up,
            KeyCode::Down => Code::Down,
            KeyCode::Left => Code::Left,
            KeyCode::Right => Code::Right,
            KeyCode::Home => Code::Home,
            KeyCode::End => Code::End,
            KeyCode::PageUp => Code::PgUp,
            KeyCode::PageDown => Code::PgDn,
            _ => return None,
        };
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match code {
            Code::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
            other => other,
        };
        let shift = !matches!(code, Code::Char(_) | Code::BackTab) && event.modifiers.contains(KeyModifiers::SHIFT);
        Some(Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT), shift })
    }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Code::F(n)) => write!(f, "F{n}"),
            (None, Code::Char(c)) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            (None, Code::Char(c)) => write!(f, "{c}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

impl FromStr for KeyPress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let (mut ctrl, mut alt) = (false, false);
        loop {
            if let Some(after) = rest.strip_prefix("Ctrl-") {
                (ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("Alt-") {
                (alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (NAMED.iter().find(|(name, _)| *name == rest), chars.next(), chars.as_str()) {
            (Some((_, code)), ..) => *code,
            (None, Some(c), "") => Code::Char(if ctrl { c.to_ascii_lowercase() } else { c }),
            (None, Some('F'), number) => match number.parse() {
                Ok(n @ 1..=24) => Code::F(n),
                _ => return Err(format!("'{text}' is no key")),
            },
            _ => return Err(format!("'{text}' is no key; write keys like K, Ctrl-D, F5, Space, g g")),
        };
        Ok(Self { code, ctrl, alt, shift: false })
    }
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeymapError {
    /// It cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says something that makes no sense.
    #[error("{path}:{line}: {what}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What, and what to do.
        what: String,
    },
}

/// What keys lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A command.
    Command(Command),
    /// Nothing yet: a longer binding begins so.
    Prefix,
    /// Nothing.
    Nothing,
}

#[derive(Clone, Debug, Default)]
struct Node {
    command: Option<Command>,
    next: BTreeMap<KeyPress, Self>,
}

/// Every mode's keys.
#[derive(Clone, Debug)]
pub struct Keymap {
    tries: BTreeMap<Mode, Node>,
    keys: BTreeMap<&'static str, Vec<String>>,
}

/// A user's bindings: command names with their keys.
pub type Overrides = BTreeMap<String, Vec<String>>;

impl Keymap {
    /// The table's keys with the user's in their place. The error names the command at fault and what is wrong.
    pub fn new(overrides: &Overrides) -> Result<Self, (String, String)> {
        if let Some(name) = overrides.keys().find(|name| by_name(name).is_none()) {
            return Err((name.clone(), format!("there is no command '{name}'; `?` lists them")));
        }
        let mut keymap = Self { tries: BTreeMap::new(), keys: BTreeMap::new() };
        for spec in TABLE {
            let own = || spec.keys.iter().map(|key| (*key).to_owned()).collect();
            let keys: Vec<String> = overrides.get(spec.name).cloned().unwrap_or_else(own);
            for key in &keys {
                let path = parse(key).map_err(|what| (spec.name.to_owned(), what))?;
                for mode in spec.modes {
                    // Without this a form could not take the letter that a list moves by.
                    if *mode == Mode::Text && path.iter().any(|press| press.is_text()) {
                        continue;
                    }
                    keymap.bind(*mode, &path, spec.command).map_err(|other| {
                        (spec.name.to_owned(), format!("{key} means '{other}' already; give that another key first"))
                    })?;
                }
            }
            keymap.keys.insert(spec.name, keys);
        }
        Ok(keymap)
    }

    /// The table's keys with those of a key file in their place; no file, no change.
    pub fn load(path: Option<&Path>) -> Result<Self, KeymapError> {
        let path = path.unwrap_or(Path::new(""));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::from("{}"),
            Err(source) => return Err(KeymapError::Read { path: path.to_owned(), source }),
        };
        let wrong = |line, what| KeymapError::Wrong { path: path.to_owned(), line, what };
        let overrides: Overrides =
            ron::from_str(&text).map_err(|error| wrong(error.span.start.line, error.code.to_string()))?;
        Self::new(&overrides).map_err(|(name, what)| {
            let line = text.lines().position(|line| line.contains(&format!("\"{name}\""))).map_or(1, |at| at + 1);
            wrong(line, what)
        })
    }

    /// What these keys, pressed one after the other, mean in this mode.
    pub fn find(&self, mode: Mode, keys: &[KeyPress]) -> Found {
        let here = self.walk(mode, keys);
        if here == Found::Nothing && mode.falls_back() { self.walk(Mode::Everywhere, keys) } else { here }
    }

    /// The keys of a command as people write them.
    pub fn keys_of(&self, name: &str) -> Vec<String> {
        self.keys.get(name).cloned().unwrap_or_default()
    }

    fn walk(&self, mode: Mode, keys: &[KeyPress]) -> Found {
        let Some(root) = self.tries.get(&mode) else { return Found::Nothing };
        let end = keys.iter().try_fold(root, |node, key| node.next.get(&KeyPress { shift: false, ..*key }));
        match end {
            Some(Node { command: Some(command), .. }) => Found::Command(*command),
            Some(_) => Found::Prefix,
            None => Found::Nothing,
        }
    }

    /// Binds keys to a command; fails with the name of what they, or their beginning, mean already in this mode or in one
    /// that it falls back on.
    fn bind(&mut self, mode: Mode, path: &[KeyPress], command: Command) -> Result<(), &'static str> {
        for (other, root) in &self.tries {
            let shared = *other == mode
                || (*other == Mode::Everywhere && mode.falls_back())
                || (mode == Mode::Everywhere && other.falls_back());
            if let Some(taken) = shared.then(|| clash(root, path)).flatten().filter(|taken| *taken != command) {
                return Err(TABLE
                    .iter()
                    .find(|spec| spec.command == taken)
                    .map_or("another command", |spec| spec.name));
            }
        }
        let root = self.tries.entry(mode).or_default();
        let node = path.iter().fold(root, |node, key| node.next.entry(*key).or_default());
        node.command = Some(command);
        Ok(())
    }
}

/// The command that stands in the way of these keys: on the way to them, at them, or behind them.
fn clash(root: &Node, path: &[KeyPress]) -> Option<Command> {
    let mut node = root;
    for key in path {
        if node.command.is_some() {
            return node.command;
        }
        node = node.next.get(key)?;
    }
    first_below(node)
}

fn first_below(node: &Node) -> Option<Command> {
    node.command.or_else(|| node.next.values().find_map(first_below))
}

/// Keys written with spaces between them: `g g`.
fn parse(keys: &str) -> Result<Vec<KeyPress>, String> {
    let path: Vec<KeyPress> = keys.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if path.is_empty() { Err("an empty key; write Space for the space bar".into()) } else { Ok(path) }
}

#[cfg(test)]
mod tests;

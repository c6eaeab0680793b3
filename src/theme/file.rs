//! Theme files: RON that gives each role its style, read with the path and the line of what is wrong.
//!
//! ```ron
//! (
//!     doc: "Darker fills.",
//!     base: "dark",
//!     roles: {
//!         leader: (fg: "#04121f", bg: "#57b0ff", attr: [bold], fg16: "black", bg16: "cyan", mono: [reversed, bold]),
//!     },
//! )
//! ```
//!
//! Colours are `#rrggbb`; `fg16`/`bg16` are the names of the sixteen (`red`, `light red`, `gray` ..); `fg256`/`bg256` overrule
//! the nearest of the 256; `attr` and `mono` hold `bold`, `dim`, `italic`, `underlined`, `reversed`, `crossed_out`: `attr` with
//! colours, `mono` instead of them. What a file leaves out comes from its base.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ratatui::style::{Color, Modifier};
use serde::Deserialize;

use super::palette::{self, Rgb};
use crate::view::role::Role;

/// What is wrong with a theme, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {message}")]
pub struct ThemeError {
    /// The file, as it was named.
    pub path: String,
    /// The line, from 1; 1 where the whole file is meant.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A theme file as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThemeFile {
    /// One line about the theme.
    #[serde(default)]
    pub(super) doc: String,
    /// The built-in theme that fills what is left out.
    #[serde(default)]
    pub(super) base: Option<String>,
    /// The terminal's background that the colours were chosen for.
    #[serde(default)]
    pub(super) ground: Option<Hex>,
    /// The styles.
    pub(super) roles: BTreeMap<Role, Entry>,
}

/// A role's style at every colour depth.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Entry {
    /// Foreground.
    pub(super) fg: Option<Hex>,
    /// Background.
    pub(super) bg: Option<Hex>,
    /// Foreground of 256, where the nearest is not good enough.
    pub(super) fg256: Option<u8>,
    /// Background of 256, where the nearest is not good enough.
    pub(super) bg256: Option<u8>,
    /// Foreground of 16.
    pub(super) fg16: Option<Named>,
    /// Background of 16.
    pub(super) bg16: Option<Named>,
    /// Attributes beside the colours.
    pub(super) attr: Vec<Attr>,
    /// Attributes where there are no colours.
    pub(super) mono: Vec<Attr>,
}

/// `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Hex(pub(super) Rgb);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Color::from_str(&text) {
            Ok(Color::Rgb(red, green, blue)) if text.starts_with('#') => Ok(Self((red, green, blue))),
            _ => Err(format!("`{text}` is not a colour such as \"#57b0ff\"")),
        }
    }
}

/// One of the sixteen colours, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Named(pub(super) Color);

impl TryFrom<String> for Named {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Color::from_str(&text) {
            Ok(Color::Rgb(..) | Color::Indexed(_)) | Err(_) => Err(format!(
                "`{text}` is none of the sixteen colours (black, red, light red, gray, dark gray, white ..)"
            )),
            Ok(colour) => Ok(Self(colour)),
        }
    }
}

/// An attribute of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Attr {
    Bold,
    Dim,
    Italic,
    Underlined,
    Reversed,
    CrossedOut,
}

impl From<Attr> for Modifier {
    fn from(attr: Attr) -> Self {
        match attr {
            Attr::Bold => Self::BOLD,
            Attr::Dim => Self::DIM,
            Attr::Italic => Self::ITALIC,
            Attr::Underlined => Self::UNDERLINED,
            Attr::Reversed => Self::REVERSED,
            Attr::CrossedOut => Self::CROSSED_OUT,
        }
    }
}

impl Entry {
    /// The foreground of 256.
    pub(super) fn fg256(&self) -> Option<u8> {
        self.fg256.or_else(|| self.fg.map(|hex| palette::nearest(hex.0)))
    }

    /// The background of 256.
    pub(super) fn bg256(&self) -> Option<u8> {
        self.bg256.or_else(|| self.bg.map(|hex| palette::nearest(hex.0)))
    }
}

/// Reads a theme file; `path` is only for the error.
pub(super) fn parse(path: &str, text: &str) -> Result<ThemeFile, ThemeError> {
    let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    options.from_str(text).map_err(|error| ThemeError {
        path: path.to_owned(),
        line: error.span.start.line,
        column: error.span.start.col,
        message: error.code.to_string(),
    })
}

/// An error about the whole file.
pub(super) fn whole(path: &str, message: impl fmt::Display) -> ThemeError {
    ThemeError { path: path.to_owned(), line: 1, column: 1, message: message.to_string() }
}

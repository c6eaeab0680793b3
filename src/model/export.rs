//! A file that the user wants written: plain data, carried out by the loop.

use std::sync::Arc;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Where, as it was typed.
    pub path: String,
    /// What.
    pub text: Arc<str>,
    /// How many of what: `200 messages`.
    pub what: String,
    /// Whether a file that is there may go.
    pub overwrite: bool,
}

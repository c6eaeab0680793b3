//! The text field that a screen has open in its own place, rather than in a box over it.

use super::field::TextField;

/// What is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// The filter of the list in view; it acts at once.
    Filter(TextField),
    /// A place in the log to go to: an offset or a time.
    Seek(TextField),
}

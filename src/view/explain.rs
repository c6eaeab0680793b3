//! The explanation of what is selected, as plain data.

use crate::model::Model;
use crate::model::place::Selection;

use super::Area;

/// An explanation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExplainView {
    /// Where it lies.
    pub area: Area,
}

/// The explanation of `subject` with its values now, scrolled down by `scroll` rows; `area` is the whole terminal.
pub fn project(_model: &Model, _subject: &Selection, _scroll: u16, area: Area) -> ExplainView {
    ExplainView { area }
}

/// The most rows that the explanation of `subject` can be scrolled down by.
pub fn scroll_max(_model: &Model, _subject: &Selection) -> u16 {
    0
}

//! The Events screen as plain data.

use crate::model::Model;

use super::{Area, Hit};

/// The Events screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventsView {
    /// What can be clicked.
    pub hits: Vec<Hit>,
}

/// The Events screen for a model, in `area`.
pub fn project(_model: &Model, _area: Area) -> EventsView {
    EventsView::default()
}

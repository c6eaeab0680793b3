//! The Topics screens as plain data.

use crate::model::Model;

use super::{Area, Hit};

/// The Topics screens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicsView {
    /// What can be clicked.
    pub hits: Vec<Hit>,
}

/// The Topics screens for a model, in `area`.
pub fn project(_model: &Model, _area: Area) -> TopicsView {
    TopicsView::default()
}

//! The Brokers screen as plain data.

use crate::model::Model;

use super::{Area, Hit};

/// The Brokers screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrokersView {
    /// What can be clicked.
    pub hits: Vec<Hit>,
}

/// The Brokers screen for a model, in `area`.
pub fn project(_model: &Model, _area: Area) -> BrokersView {
    BrokersView::default()
}

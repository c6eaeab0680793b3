//! The Cluster screen as plain data.

use crate::model::Model;

use super::{Area, Hit};

/// The Cluster screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterView {
    /// What can be clicked.
    pub hits: Vec<Hit>,
}

/// The Cluster screen for a model, in `area`.
pub fn project(_model: &Model, _area: Area) -> ClusterView {
    ClusterView::default()
}

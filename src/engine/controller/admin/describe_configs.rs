//! temporary
/// temporary
#[derive(Clone, Debug)]
pub(super) struct Describing;

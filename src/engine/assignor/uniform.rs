//! `uniform`: the coordinator's default for groups of KIP-848 (`UniformAssignor`). A pure function.
//!
//! Balance over all topics first, then everybody keeps what they have: the aims of `sticky`, and so its way. What a
//! member has is what it was to have, which the coordinator knows, so no two members claim the same partition.

use super::{Assignment, Member, PartitionCounts, sticky};

/// Who gets what.
pub(super) fn assign(members: &[Member], counts: &PartitionCounts) -> Assignment {
    sticky::assign(members, counts)
}

//! `uniform`: the coordinator's default for groups of KIP-848 (`UniformAssignor`). A pure function.
//!
//! Balance over all topics first, then everybody keeps what they have: the aims of `sticky`, and so its way, but that
//! members which want the same get runs of partitions instead of every so-many-th. What a member has is what it was to
//! have, which the coordinator knows, so no two members claim the same partition.

use super::sticky::{self, Deal};
use super::{Assignment, Member, PartitionCounts};

/// Who gets what.
pub(super) fn assign(members: &[Member], counts: &PartitionCounts) -> Assignment {
    sticky::assign_by(Deal::InRuns, members, counts)
}

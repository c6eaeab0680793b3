//! One member's way to its target, a step per heartbeat. A pure function (`CurrentAssignmentBuilder`).
//!
//! ```text
//!            what others are to have is given back first
//!   Stable --------------------------------------------> UnrevokedPartitions
//!     ^  ^                                                 |  it has given them back
//!     |  +-------------------------------------------------+
//!     |                                                    v  what it is to have is not free yet
//!     +---- everything is free ------------------- UnreleasedPartitions
//! ```
//!
//! A partition is free when no member has it and none has still to give it back. That is all that keeps two members from one
//! partition, so it is asked of the group as it is in the log.

use uuid::Uuid;

use super::image::{Member, MemberState, Partitions};

/// The target assignment, as far as a member is concerned.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The group epoch that it was made for.
    pub epoch: i32,
    /// What the member is to own.
    pub partitions: Partitions,
}

/// The member after a step towards its target: as it is where nothing can be done yet.
///
/// `owned` is what it says that it owns, where it says so. `is_taken` says whether somebody has a partition.
pub(super) fn step(
    member: &Member,
    target: &Target,
    owned: Option<&Partitions>,
    is_taken: impl Fn(&(Uuid, i32)) -> bool,
) -> Member {
    match member.state {
        MemberState::Stable if member.epoch == target.epoch => member.clone(),
        MemberState::Stable | MemberState::UnreleasedPartitions => next(member, member.epoch, target, owned, is_taken),
        MemberState::UnrevokedPartitions if has_any(owned, &member.pending_revocation) => member.clone(),
        // It has given up what it had to: that is the next epoch.
        MemberState::UnrevokedPartitions => next(member, member.epoch + 1, target, owned, is_taken),
    }
}

/// Whether a member may still own some of these: if it does not say what it owns, it may.
fn has_any(owned: Option<&Partitions>, partitions: &Partitions) -> bool {
    owned.is_none_or(|owned| !owned.is_disjoint(partitions))
}

fn next(
    member: &Member,
    epoch: i32,
    target: &Target,
    owned: Option<&Partitions>,
    is_taken: impl Fn(&(Uuid, i32)) -> bool,
) -> Member {
    let at = |epoch: i32, state, assigned, pending_revocation| Member {
        profile: member.profile.clone(),
        previous_epoch: member.epoch,
        epoch,
        state,
        assigned,
        pending_revocation,
    };
    let kept: Partitions = member.assigned.intersection(&target.partitions).copied().collect();
    let revoked: Partitions = member.assigned.difference(&target.partitions).copied().collect();
    if !revoked.is_empty() && has_any(owned, &revoked) {
        return at(epoch, MemberState::UnrevokedPartitions, kept, revoked);
    }
    let (taken, free): (Partitions, Partitions) =
        target.partitions.difference(&kept).copied().partition(|partition| is_taken(partition));
    let state = if taken.is_empty() { MemberState::Stable } else { MemberState::UnreleasedPartitions };
    at(target.epoch, state, &kept | &free, Partitions::new())
}

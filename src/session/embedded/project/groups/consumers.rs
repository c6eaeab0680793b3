//! Groups of KIP-848: how each member stands on its way to what it is to own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::history::{History, Owned, by_member};
use super::tags::Tags;
use super::{Look, members, partitions_of};
use crate::engine::group::consumer::{ConsumerGroup, Member, State};
use crate::session::snapshot::{GroupMember, GroupState, Standing, TopicPartition};

/// Where a group is.
pub(super) fn state(group: &ConsumerGroup) -> GroupState {
    match group.state() {
        State::Empty => GroupState::Empty,
        State::Assigning => GroupState::Assigning,
        State::Reconciling => GroupState::Reconciling,
        State::Stable => GroupState::Stable,
    }
}

/// The topics that the members want to read.
pub(super) fn topics(group: &ConsumerGroup) -> BTreeSet<Arc<str>> {
    group.image().subscribed().into_iter().cloned().collect()
}

/// What everybody is to own.
pub(super) fn target(group: &ConsumerGroup) -> Owned {
    let image = group.image();
    image.members().map(|(id, _)| (Arc::clone(id), partitions_of(&image.named(&image.target(id))))).collect()
}

/// The members, in the order of their tags. While they change over, what one had is what it still holds.
pub(super) fn all(group: &ConsumerGroup, history: &History, tags: &Tags, look: &Look<'_>) -> Vec<GroupMember> {
    let image = group.image();
    let stable = group.state() == State::Stable;
    let previous = by_member(history.previous());
    let had = |id: &Arc<str>, member: &Member| -> Option<Vec<TopicPartition>> {
        if stable {
            return previous.get(&**id).map(|partitions| partitions.to_vec());
        }
        let held = &member.assigned | &member.pending_revocation;
        Some(partitions_of(&image.named(&held))).filter(|held| !held.is_empty())
    };
    let of = |(id, member): (&Arc<str>, &Member)| {
        let before = had(id, member);
        let there = member.is_reconciled_to(image.target_epoch);
        GroupMember {
            id: Arc::clone(id),
            tag: tags.get(id).cloned().unwrap_or_default(),
            client_id: Arc::clone(&member.profile.client_id),
            host: Arc::clone(&member.profile.client_host),
            instance_id: member.profile.instance_id.clone(),
            leader: false,
            session: group.session_ends(id).map(|ends| super::session(ends, look.now)),
            standing: if there { Standing::In } else { Standing::Reconciling },
            was_there: before.is_some(),
            before: before.unwrap_or_default(),
            after: Some(partitions_of(&image.named(&image.target(id)))),
            epoch: Some(member.epoch),
            ..members::seen(id, look)
        }
    };
    let mut members: Vec<GroupMember> = image.members().map(of).collect();
    members::sort(&mut members);
    members
}

//! Who is to own what: the assignor that the members vote for, run by the coordinator (`TargetAssignmentBuilder`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::image::{Image, Member, Partitions};
use super::records::Draft;
use crate::engine::assignor::{self, PartitionCounts, ServerAssignor, server_assignor};
use crate::engine::settings::List;

/// The assignor that most members want; the first one of the setting where nobody cares. Of several the one that is first
/// by name.
pub(super) fn chosen(image: &Image, configured: &List) -> &'static ServerAssignor {
    let mut votes: BTreeMap<&Arc<str>, u32> = BTreeMap::new();
    for name in image.members().filter_map(|(_, member)| member.profile.server_assignor.as_ref()) {
        *votes.entry(name).or_default() += 1;
    }
    let most = votes.values().copied().max();
    let wanted = votes.iter().find(|(_, count)| Some(**count) == most).map(|(name, _)| &***name);
    let first = configured.iter().next();
    wanted.into_iter().chain(first).find_map(server_assignor).unwrap_or(&assignor::DEFAULT_SERVER_ASSIGNOR)
}

/// Makes a target assignment for the group's epoch. Only what changes is written.
pub(super) fn assign(draft: &mut Draft, assignor: &ServerAssignor) {
    let image = &draft.image;
    let counts: PartitionCounts =
        image.topics.iter().map(|(name, topic)| (Arc::clone(name), topic.partitions)).collect();
    let members: Vec<assignor::Member> = image.members().map(|(id, member)| seen(image, id, member)).collect();
    let assigned = (assignor.assign)(&members, &counts);
    let by_id = |partitions: Vec<assignor::TopicPartition>| -> Partitions {
        let id = |one: assignor::TopicPartition| Some((image.topics.get(&one.topic)?.id, one.partition));
        partitions.into_iter().filter_map(id).collect()
    };
    let assigned: Vec<_> = assigned.into_iter().map(|(member, partitions)| (member, by_id(partitions))).collect();
    for (member, partitions) in assigned {
        if !draft.image.has_target(&member) || draft.image.target(&member) != partitions {
            draft.target(&member, Some(&partitions));
        }
    }
    draft.target_epoch(Some(draft.image.epoch));
}

/// A member as an assignor sees it: what it was to own counts as what it has.
fn seen(image: &Image, id: &Arc<str>, member: &Member) -> assignor::Member {
    assignor::Member {
        id: Arc::clone(id),
        instance_id: member.profile.instance_id.clone(),
        topics: image.wanted(&member.profile).into_iter().cloned().collect(),
        owned: image.named(&image.target(id)),
        generation: image.target_epoch,
    }
}

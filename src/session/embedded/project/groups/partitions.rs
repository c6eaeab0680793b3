//! The partitions that a group reads or has offsets of: whose they are, how far behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lanes::Lanes;
use super::{Look, members};
use crate::engine::group::Group as Coordinated;
use crate::session::snapshot::{
    Generation, GroupMember, GroupPartition, MissingTopic, Standing, Topic, TopicPartition,
};

/// What a member has at this moment: of KIP-848 it keeps what it had until it has changed over.
fn owned(member: &GroupMember) -> &[TopicPartition] {
    match member.standing {
        Standing::Reconciling => &member.before,
        _ => member.after.as_deref().unwrap_or_default(),
    }
}

/// The topic of this name, unless it is not there, or about to be deleted.
fn there<'a>(name: &str, look: &'a Look<'_>) -> Option<&'a Topic> {
    look.topics.get(name).filter(|topic| !topic.deleting)
}

/// The topics that are not there.
pub(super) fn missing(
    group: &Coordinated,
    topics: &BTreeSet<Arc<str>>,
    history: &[Generation],
    look: &Look<'_>,
) -> Vec<MissingTopic> {
    let was_there = |name: &str| history.iter().any(|past| past.owners.iter().any(|(at, _)| &*at.topic == name));
    let of = |name: &Arc<str>| {
        let offsets = super::count(group.offsets.iter().filter(|(id, _)| id.topic == *name).count());
        let deleted = offsets > 0 || look.topics.contains_key(name) || was_there(name);
        MissingTopic { topic: Arc::clone(name), deleted, offsets }
    };
    topics.iter().filter(|name| there(name, look).is_none()).map(of).collect()
}

/// All of them, in their order.
pub(super) fn all(
    group: &Coordinated,
    topics: &BTreeSet<Arc<str>>,
    (members, cooperative): (&[GroupMember], bool),
    lanes: &mut Lanes,
    look: &Look<'_>,
) -> Vec<GroupPartition> {
    let committed: BTreeMap<TopicPartition, i64> = group
        .offsets
        .iter()
        .map(|(id, at)| (TopicPartition { topic: Arc::clone(&id.topic), partition: id.partition }, at.offset))
        .collect();
    let owners: BTreeMap<&TopicPartition, &Arc<str>> =
        members.iter().flat_map(|member| owned(member).iter().map(|at| (at, &member.tag))).collect();
    let readers = members::readers(members, cooperative, look);
    let mut partitions = Vec::new();
    for (name, topic) in topics.iter().filter_map(|name| Some((name, there(name, look)?))) {
        for known in &topic.partitions {
            let at = TopicPartition { topic: Arc::clone(name), partition: known.id };
            let committed = committed.get(&at).copied();
            let mut partition = GroupPartition {
                owner: owners.get(&at).map(|tag| Arc::clone(tag)),
                reader: None,
                unread_ms: None,
                committed,
                position: None,
                log_end: known.high_watermark,
                lag: committed.map(|offset| u64::try_from(known.high_watermark.saturating_sub(offset)).unwrap_or(0)),
                behind: 0,
                trend_per_sec: 0,
                read_per_sec: 0,
                behinds: Vec::new(),
                lane: Vec::new(),
                at,
            };
            // Nobody reads from nobody, whatever is in hand.
            let reader = readers.get(&partition.at).filter(|reader| known.leader.is_some() || reader.works);
            lanes.go_on(&mut partition, reader, look);
            partitions.push(partition);
        }
    }
    lanes.retain(|at| partitions.binary_search_by(|partition| partition.at.cmp(at)).is_ok());
    partitions
}

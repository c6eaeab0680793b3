//! `roundrobin`: all partitions of all topics are dealt out in turn, past the members that are not subscribed to the
//! topic (`RoundRobinAssignor`). A pure function.

use super::{Assignment, Member, PartitionCounts, TopicPartition, in_order, nothing, subscribed};

/// Who gets what.
pub(super) fn assign(members: &[Member], counts: &PartitionCounts) -> Assignment {
    let mut assignment = nothing(members);
    let order = in_order(members);
    let mut turn = order.iter().cycle().peekable();
    for (topic, count) in subscribed(members, counts) {
        for partition in 0..count {
            // Somebody is subscribed, so this ends.
            while turn.next_if(|member| !member.topics.contains(topic)).is_some() {}
            if let Some(member) = turn.next() {
                let partitions = assignment.entry(member.id.clone()).or_default();
                partitions.push(TopicPartition::new(topic.clone(), partition));
            }
        }
    }
    assignment
}

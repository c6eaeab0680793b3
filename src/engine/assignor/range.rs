//! `range`: each topic for itself is cut into as many runs as it has subscribers, the first ones longer by one where
//! that does not come out even. A pure function.
//!
//! Topics with as many partitions and the same subscribers are cut alike, so partition 3 of one goes to whom partition
//! 3 of the other goes to: that is what makes joins possible. The price is that the first members get the longer run
//! of every topic. Kafka's client and, since 3.9, its coordinator do the same (both are called `RangeAssignor`).

use super::{Assignment, Member, PartitionCounts, TopicPartition, in_order, nothing, subscribed};

/// Who gets what.
pub(super) fn assign(members: &[Member], counts: &PartitionCounts) -> Assignment {
    let mut assignment = nothing(members);
    let topics = subscribed(members, counts);
    let members = in_order(members);
    for (topic, count) in topics {
        let subscribers: Vec<_> = members.iter().filter(|member| member.topics.contains(topic)).collect();
        let among = i32::try_from(subscribers.len()).unwrap_or(i32::MAX).max(1);
        let (short, longer) = (count / among, count % among);
        let mut next = 0;
        for (index, member) in (0..).zip(subscribers) {
            let end = next + short + i32::from(index < longer);
            let run = (next..end).map(|partition| TopicPartition::new(topic.clone(), partition));
            assignment.entry(member.id.clone()).or_default().extend(run);
            next = end;
        }
    }
    assignment
}

//! The words for what happens to consumer groups.

use std::sync::Arc;

use super::{NAMED, Told, counted, counted_u64};
use crate::engine::event::group::{Assignment, Gone, GroupEvent, Removed, Why};
use crate::engine::replica::TopicPartition;
use crate::session::event::Severity;

pub(super) fn told(event: &GroupEvent, node: &str) -> Told {
    match event {
        GroupEvent::Loading { partition } => {
            let text = format!("{node} reads __consumer_offsets-{partition}: it coordinates its groups now");
            Told::new("group_loading", Severity::Info, text, "it leads the partition")
        }
        GroupEvent::Loaded { partition, groups, offsets, records } => {
            let found = match &**groups {
                [] => "no group".to_owned(),
                few if few.len() <= NAMED => few.join(" "),
                more => counted(more.len(), "group"),
            };
            let text = format!("{node} coordinates {found}, with {}", counted(*offsets, "committed offset"));
            let read = counted_u64(*records, "record");
            Told::new(
                "group_loaded",
                Severity::Info,
                text,
                &format!("it read {read} of __consumer_offsets-{partition}"),
            )
        }
        GroupEvent::Unloaded { partition, groups } => {
            let text = format!("{node} coordinates {} no more", counted(groups.len(), "group"));
            let because = format!("it does not lead __consumer_offsets-{partition} any more");
            Told::new("group_unloaded", Severity::Info, text, &because)
        }
        GroupEvent::RebalanceBegan { group, generation, why } => {
            let text = format!("{group}: a rebalance begins, generation {generation} ends");
            Told::new("rebalance_began", Severity::Warning, text, &reason(why))
        }
        GroupEvent::GenerationFormed { group, generation, protocol, leader, members } => {
            let text = format!("{group}: generation {generation} has {}", counted(members.len(), "member"));
            let because = format!("all have joined; {} assigns by {protocol}", short(leader));
            Told::new("generation_formed", Severity::Info, text, &because)
        }
        GroupEvent::Assigned { group, generation, assignment } => {
            let text = format!("{group}: generation {generation} is stable: {}", shares(assignment));
            Told::new("group_assigned", Severity::Good, text, "the assignment is on all in-sync replicas")
        }
        GroupEvent::MemberGone { group, member, why } => {
            let severity = if *why == Gone::Left { Severity::Info } else { Severity::Warning };
            Told::new("member_gone", severity, format!("{group}: {} is gone", short(member)), gone(*why))
        }
        GroupEvent::MemberReplaced { group, instance, .. } => {
            let text = format!("{group}: {instance} is back under a new member id");
            Told::new("member_replaced", Severity::Info, text, "a static member keeps its place")
        }
        GroupEvent::Emptied { group, generation } => {
            let text = format!("{group} is empty: nobody reads, its offsets stay");
            Told::new("group_emptied", Severity::Warning, text, &format!("generation {generation} has no members"))
        }
        GroupEvent::Removed { group } => {
            Told::new("group_removed", Severity::Info, format!("{group} is forgotten"), "no members and no offsets")
        }
        GroupEvent::OffsetsRemoved { group, partitions, why } => {
            let text = format!("{group}: {} forgotten", counted(partitions.len(), "committed offset"));
            Told::new("offsets_removed", Severity::Info, text, removed(*why)).on(partitions)
        }
        GroupEvent::WriteFailed { group, error } => {
            let text = format!("{group}: the coordinator could not keep the assignment");
            Told::new("group_write_failed", Severity::Bad, text, error.name())
        }
    }
}

/// A member id without the random part behind its `client.id`.
pub(in super::super::super) fn short(member: &str) -> &str {
    // A UUID has 36 characters, and a dash stands before it.
    match member.len().checked_sub(37) {
        Some(at) if at > 0 && member.is_char_boundary(at) && member[at..].starts_with('-') => &member[..at],
        _ => member,
    }
}

pub(in super::super::super) fn reason(why: &Why) -> String {
    match why {
        Why::Joins(member) => format!("{} joins", short(member)),
        Why::Rejoins { member, reason } if reason.is_empty() => format!("{} joins again", short(member)),
        Why::Rejoins { member, reason } => format!("{} joins again: {reason}", short(member)),
        Why::Gone(member, why) => format!("{} is gone: {}", short(member), gone(*why)),
        Why::NoSync(members) => format!("{} did not ask for their assignment", counted(members.len(), "member")),
        Why::NotKept(error) => format!("the assignment could not be kept: {}", error.name()),
    }
}

pub(in super::super::super) const fn gone(why: Gone) -> &'static str {
    match why {
        Gone::Left => "it left",
        Gone::Removed => "an operator removed it",
        Gone::Silent => "no heartbeat within session.timeout.ms",
        Gone::DidNotRejoin => "it did not join again in time",
        Gone::DidNotSync => "it did not ask for its assignment in time",
    }
}

const fn removed(why: Removed) -> &'static str {
    match why {
        Removed::Expired => "older than offsets.retention.minutes",
        Removed::TopicDeleted => "the topic was deleted",
        Removed::Deleted => "an operator deleted them",
    }
}

/// Who has how much: of a few each by name, of more how many have nothing.
fn shares(assignment: &Assignment) -> String {
    let idle = assignment.iter().filter(|(_, partitions)| partitions.is_empty()).count();
    if assignment.len() <= NAMED {
        let each = |(member, partitions): &(Arc<str>, Vec<TopicPartition>)| match &**partitions {
            [] => format!("{} idle", short(member)),
            [one] => format!("{} {one}", short(member)),
            more => format!("{} {}", short(member), counted(more.len(), "partition")),
        };
        return assignment.iter().map(each).collect::<Vec<_>>().join(", ");
    }
    let partitions: usize = assignment.iter().map(|(_, partitions)| partitions.len()).sum();
    let idle = if idle == 0 { String::new() } else { format!(", {idle} idle") };
    format!("{} for {}{idle}", counted(partitions, "partition"), counted(assignment.len(), "member"))
}

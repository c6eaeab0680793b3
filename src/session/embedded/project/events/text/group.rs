//! The words for what happens to consumer groups.

use std::sync::Arc;

use super::{NAMED, Told, counted, counted_u64};
use crate::engine::event::group::{Assignment, ConsumerGroupEvent, Gone, GroupEvent, Removed, Why};
use crate::engine::group::consumer::MemberState;
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
        GroupEvent::Consumer { group, event } => of_consumers(group, event),
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

/// What happens to groups of KIP-848 only.
fn of_consumers(group: &str, event: &ConsumerGroupEvent) -> Told {
    match event {
        ConsumerGroupEvent::EpochRaised { epoch, why } => {
            Told::new("epoch_raised", Severity::Warning, format!("{group}: epoch {epoch}"), &reason(why))
        }
        ConsumerGroupEvent::TargetAssigned { epoch, assignor, assignment } => {
            let text = format!("{group}: the target of epoch {epoch} is: {}", shares(assignment));
            Told::new("target_assigned", Severity::Info, text, &format!("the coordinator assigns by {assignor}"))
        }
        ConsumerGroupEvent::PatternResolved { pattern, topics } => {
            let found = match &**topics {
                [] => "no topic".to_owned(),
                few if few.len() <= NAMED => few.join(" "),
                more => counted(more.len(), "topic"),
            };
            let text = format!("{group}: the pattern {pattern} stands for {found}");
            Told::new("pattern_resolved", Severity::Info, text, "the coordinator has looked through the topics")
        }
        ConsumerGroupEvent::Reconciled { member, epoch, state, owned, to_revoke } => {
            let (text, because) = reconciled(*state, owned, to_revoke);
            let text = format!("{group}: {} {text}", short(member));
            let severity = if *state == MemberState::Stable { Severity::Good } else { Severity::Info };
            Told::new("member_reconciled", severity, text, &format!("it is at epoch {epoch}: {because}"))
        }
        ConsumerGroupEvent::Fenced { member, epoch, error } => {
            let text = format!("{group}: a heartbeat of {} at epoch {epoch} is refused", short(member));
            Told::new("member_fenced", Severity::Warning, text, error.name())
        }
        ConsumerGroupEvent::MemberAway { member } => {
            let text = format!("{group}: {} goes and will be back", short(member));
            Told::new("member_away", Severity::Info, text, "a static member keeps its place until its session ends")
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
        Why::Subscribes(member) => format!("{} wants other topics", short(member)),
        Why::TopicsChanged => "topics that its members want have changed".to_owned(),
        Why::NotKept(error) => format!("the assignment could not be kept: {}", error.name()),
    }
}

pub(in super::super::super) const fn gone(why: Gone) -> &'static str {
    match why {
        Gone::Left => "it left",
        Gone::Removed => "an operator removed it",
        Gone::Silent => "no heartbeat within session.timeout.ms",
        Gone::DidNotRejoin => "it did not join again in time",
        Gone::DidNotRevoke => "it did not give its partitions back in time",
        Gone::DidNotSync => "it did not ask for its assignment in time",
    }
}

/// What a member of a group of KIP-848 does now, and why.
fn reconciled(state: MemberState, owned: &[TopicPartition], to_revoke: &[TopicPartition]) -> (String, &'static str) {
    let owned = counted(owned.len(), "partition");
    match state {
        MemberState::Stable => (format!("owns {owned}"), "it owns what it is to own"),
        MemberState::UnrevokedPartitions => {
            let gives = counted(to_revoke.len(), "partition");
            (format!("is to give back {gives}, and keeps {owned}"), "others are to have them")
        }
        MemberState::UnreleasedPartitions => {
            (format!("owns {owned}, and waits for more"), "others have still to give them back")
        }
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

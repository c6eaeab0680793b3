//! What a record of `__consumer_offsets` says, in one line for people. No codec.
//!
//! ```text
//! group dashboard: trucks-3 committed 1042, leader epoch 2, 14:03:11.240
//! group dashboard: Stable, generation 4, range, 2 members: dash-1-5fa7 (trucks 0-1), wall (trucks 2-3)
//! group dashboard: trucks-3 deleted
//! group wallboard: target assignment of member l60jV6HsSbu1aJSXrap2tA is to own trucks 2-3
//! ```

use std::fmt::Write;
use std::sync::Arc;

use uuid::Uuid;

use super::{
    ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataValue, ConsumerGroupPartitionMetadataValue,
    GroupMetadataValue, GroupRecord, MemberMetadata, OffsetCommitValue, TopicPartitions, member_state,
};
use crate::protocol::consumer_protocol::{ConsumerProtocolAssignment, PROTOCOL_TYPE};

/// How a topic is called that a record names by its id.
pub type TopicName<'a> = &'a dyn Fn(Uuid) -> Arc<str>;

impl GroupRecord {
    /// The record in one line. Times of day are UTC; records of KIP-848 name topics by their ids, for which
    /// `topic_name` gives the name.
    pub fn text(&self, topic_name: TopicName<'_>) -> String {
        let (group, about, what) = match self {
            Self::OffsetCommit { key, value } => {
                (&key.group, format!("{}-{} ", key.topic, key.partition), value.as_ref().map(offset))
            }
            Self::GroupMetadata { key, value } => (&key.group, String::new(), value.as_ref().map(classic_group)),
            Self::ConsumerGroupMetadata { key, value } => {
                (&key.group_id, "epoch ".into(), value.as_ref().map(|value| value.epoch.to_string()))
            }
            Self::ConsumerGroupPartitionMetadata { key, value } => {
                (&key.group_id, "topics ".into(), value.as_ref().map(topics))
            }
            Self::ConsumerGroupMemberMetadata { key, value } => {
                (&key.group_id, format!("member {} ", key.member_id), value.as_ref().map(member))
            }
            Self::ConsumerGroupTargetAssignmentMetadata { key, value } => {
                let text = value.as_ref().map(|value| format!("of epoch {}", value.assignment_epoch));
                (&key.group_id, "target assignment ".into(), text)
            }
            Self::ConsumerGroupTargetAssignmentMember { key, value } => {
                let owns = |partitions: &[_]| format!("is to own {}", by_id(partitions, topic_name));
                let text = value.as_ref().map(|value| owns(&value.topic_partitions));
                (&key.group_id, format!("target assignment of member {} ", key.member_id), text)
            }
            Self::ConsumerGroupCurrentMemberAssignment { key, value } => {
                let text = value.as_ref().map(|value| current(value, topic_name));
                (&key.group_id, format!("assignment of member {} ", key.member_id), text)
            }
            Self::ConsumerGroupRegularExpression { key, value } => {
                let text = value.as_ref().map(|value| format!("stands for {}", list(&value.topics)));
                (&key.group_id, format!("pattern {} ", key.regular_expression), text)
            }
            Self::Unknown { key_version, .. } => return format!("a record of kind {key_version}, not known here"),
        };
        format!("group {group}: {about}{}", what.as_deref().unwrap_or("deleted"))
    }
}

fn offset(value: &OffsetCommitValue) -> String {
    let mut text = format!("committed {}", value.offset);
    if !value.metadata.is_empty() {
        let _ = write!(text, ", metadata '{}'", value.metadata);
    }
    if value.leader_epoch >= 0 {
        let _ = write!(text, ", leader epoch {}", value.leader_epoch);
    }
    let _ = write!(text, ", {}", time_of_day(value.commit_timestamp));
    if value.expire_timestamp >= 0 {
        let _ = write!(text, ", expires {}", time_of_day(value.expire_timestamp));
    }
    text
}

/// A group is written without members when it is empty, and with them when it is stable
/// (`GroupMetadata`, `ClassicGroup`).
fn classic_group(value: &GroupMetadataValue) -> String {
    if value.members.is_empty() {
        return format!("Empty, generation {}", value.generation);
    }
    let members: Vec<_> = value.members.iter().map(|member| classic_member(&value.protocol_type, member)).collect();
    let count = match members.len() {
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    };
    let protocol = value.protocol.as_deref().unwrap_or("no protocol");
    format!("Stable, generation {}, {protocol}, {count}: {}", value.generation, members.join(", "))
}

fn classic_member(protocol_type: &str, member: &MemberMetadata) -> String {
    let name = member.group_instance_id.as_deref().unwrap_or_else(|| short(&member.member_id, &member.client_id));
    let assignment = Some(&member.assignment).filter(|_| protocol_type == PROTOCOL_TYPE);
    match assignment.and_then(|bytes| ConsumerProtocolAssignment::from_bytes(bytes).ok()) {
        Some(assignment) => {
            let of_topic = |topic: &crate::protocol::consumer_protocol::TopicPartition| {
                format!("{} {}", topic.topic, ranges(&topic.partitions))
            };
            let topics: Vec<_> = assignment.assigned_partitions.iter().map(of_topic).collect();
            format!("{name} ({})", if topics.is_empty() { "nothing".to_owned() } else { topics.join(", ") })
        }
        None => format!("{name} ({} bytes)", member.assignment.len()),
    }
}

/// A member's id as far as it tells members apart: the client's name and four letters of what follows.
fn short<'a>(member_id: &'a str, client_id: &str) -> &'a str {
    let end = client_id.len().saturating_add(5);
    if member_id.starts_with(client_id) { member_id.get(..end).unwrap_or(member_id) } else { member_id }
}

fn topics(value: &ConsumerGroupPartitionMetadataValue) -> String {
    let topics = value.topics.iter().map(|topic| format!("{} ({})", topic.topic_name, topic.num_partitions));
    let topics: Vec<_> = topics.collect();
    if topics.is_empty() { "none".to_owned() } else { topics.join(", ") }
}

fn member(value: &ConsumerGroupMemberMetadataValue) -> String {
    let mut wants = list(&value.subscribed_topic_names);
    if let Some(pattern) = value.subscribed_topic_regex.as_deref().filter(|pattern| !pattern.is_empty()) {
        let _ = write!(wants, " and those like {pattern}");
    }
    let mut text = format!("of client {} at {} wants {wants}", value.client_id, value.client_host);
    if let Some(instance) = &value.instance_id {
        let _ = write!(text, ", instance {instance}");
    }
    if let Some(assignor) = &value.server_assignor {
        let _ = write!(text, ", {assignor}");
    }
    text
}

/// How far a member of KIP-848 is.
pub(super) const fn state(state: i8) -> &'static str {
    match state {
        member_state::STABLE => "stable",
        member_state::UNREVOKED_PARTITIONS => "has partitions to give back",
        member_state::UNRELEASED_PARTITIONS => "waits for partitions of others",
        _ => "in a state not known here",
    }
}

fn current(value: &ConsumerGroupCurrentMemberAssignmentValue, topic_name: TopicName<'_>) -> String {
    let state = state(value.state);
    let owns = by_id(&value.assigned_partitions, topic_name);
    let mut text = format!("{state} at epoch {}, owns {owns}", value.member_epoch);
    if !value.partitions_pending_revocation.is_empty() {
        let _ = write!(text, ", gives back {}", by_id(&value.partitions_pending_revocation, topic_name));
    }
    text
}

pub(super) fn by_id(topics: &[TopicPartitions], topic_name: TopicName<'_>) -> String {
    let of_topic = |topic: &TopicPartitions| format!("{} {}", topic_name(topic.topic_id), ranges(&topic.partitions));
    let topics: Vec<_> = topics.iter().map(of_topic).collect();
    if topics.is_empty() { "nothing".to_owned() } else { topics.join(", ") }
}

pub(super) fn list(names: &[Arc<str>]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Partitions with runs drawn together: `0-3 5 7-8`.
pub(super) fn ranges(partitions: &[i32]) -> String {
    let mut sorted = partitions.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let run = |run: &[i32]| match run {
        [first, .., last] => format!("{first}-{last}"),
        [one] => one.to_string(),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(" ")
}

/// `14:03:11.240` of milliseconds since 1970.
pub(super) fn time_of_day(timestamp_ms: i64) -> String {
    let ms = timestamp_ms.rem_euclid(86_400_000);
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

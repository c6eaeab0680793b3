//! What a record of `__consumer_offsets` says, in full: part by part, with names, for people. No codec.
//!
//! [`Told`] is all that a message view needs of such a record. Whatever bytes there are, something is told: of a kind or a
//! version that is not known here the bytes, with the numbers that say which it is.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::text::{self, TopicName, by_id, list, ranges};
use super::{
    ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataValue, ConsumerGroupPartitionMetadataValue,
    ConsumerGroupRegularExpressionValue, GroupMetadataValue, GroupRecord, MemberMetadata, OffsetCommitValue,
};
use crate::protocol::consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolSubscription, PROTOCOL_TYPE};
use crate::protocol::{DecodeError, versioned};

/// How many bytes of a record that is not known here are told in its line.
const LINE_BYTES: usize = 24;

/// A part of a record: its name, and what it says.
type Part = (&'static str, String);

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What kind of record it is, with the number of that kind: `offset commit (1)`.
    pub kind: String,
    /// What it says, in one line.
    pub line: String,
    /// All that it says, part by part, in the order of its key and its value.
    pub parts: Vec<(&'static str, String)>,
}

impl Told {
    /// What a record with this key and this value says; without a value it deletes. Times of day are UTC.
    pub fn of(key: &Bytes, value: Option<&Bytes>, topic_name: TopicName<'_>) -> Self {
        let Ok(key_version) = versioned::version_of(key) else {
            let line = format!("a key without a kind: {}", hex(key, LINE_BYTES));
            return Self { kind: "no record of a group".to_owned(), line, parts: bytes_of(key, value) };
        };
        let kind = format!("{} ({key_version})", kind(key_version));
        match GroupRecord::decode(key, value) {
            Ok(GroupRecord::Unknown { .. }) => {
                let said = value.map_or_else(|| "deleted".to_owned(), |value| hex(value, LINE_BYTES));
                let line = format!("kind {key_version}, not known here: {} = {said}", hex(key, LINE_BYTES));
                Self { kind, line, parts: bytes_of(key, value) }
            }
            Ok(record) => Self { kind, line: record.text(topic_name), parts: parts(&record, topic_name) },
            Err(error) => Self::of_damaged(kind, key, value, &error, topic_name),
        }
    }

    /// A known kind whose value is not known, or whose key or value is damaged. What the key says is told if it can be.
    fn of_damaged(
        kind: String,
        key: &Bytes,
        value: Option<&Bytes>,
        error: &DecodeError,
        topic_name: TopicName<'_>,
    ) -> Self {
        let bytes = value.map_or_else(|| hex(key, LINE_BYTES), |value| hex(value, LINE_BYTES));
        let what = match error {
            DecodeError::UnknownVersion { version } => format!("a value of version {version}, not known here: {bytes}"),
            error => format!("damaged, {error}: {bytes}"),
        };
        // Without its value it is a tombstone, whose text says what the key is about.
        let about = GroupRecord::decode(key, None).ok();
        let mut parts = about.as_ref().map_or_else(Vec::new, |record| {
            let mut parts = parts(record, topic_name);
            parts.pop();
            parts
        });
        parts.extend(bytes_of(key, value));
        let about = about.map(|record| record.text(topic_name));
        let about = about.as_deref().and_then(|text| text.strip_suffix("deleted")).unwrap_or_default();
        Self { kind, line: format!("{about}{what}"), parts }
    }
}

/// What a kind of record is called, by the version of its key.
const fn kind(key_version: i16) -> &'static str {
    match key_version {
        0 | 1 => "offset commit",
        2 => "group metadata",
        3 => "consumer group metadata",
        4 => "consumer group's partition metadata",
        5 => "consumer group's member metadata",
        6 => "target assignment's metadata",
        7 => "target assignment of a member",
        8 => "current assignment of a member",
        16 => "consumer group's pattern",
        _ => "a kind not known here",
    }
}

/// The bytes of a record.
fn bytes_of(key: &Bytes, value: Option<&Bytes>) -> Vec<Part> {
    let value = value.map_or_else(deletes, |value| hex(value, usize::MAX));
    vec![("key", hex(key, usize::MAX)), ("value", value)]
}

/// Bytes as `0001 6162 …`, at most so many.
fn hex(bytes: &[u8], most: usize) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().take(most).enumerate() {
        if at > 0 && at % 2 == 0 {
            text.push(' ');
        }
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > most {
        text.push_str(" …");
    }
    text
}

fn deletes() -> String {
    "none: a tombstone, which deletes what the key names".to_owned()
}

/// What is in the key, then what is in the value.
fn parts(record: &GroupRecord, topic_name: TopicName<'_>) -> Vec<Part> {
    let of = |group: &str, rest: &[Part]| [&[("group", group.to_owned())], rest].concat();
    let member = |id: &str| [("member", id.to_owned())];
    let (mut parts, value) = match record {
        GroupRecord::OffsetCommit { key, value } => {
            let rest = [("topic", key.topic.to_string()), ("partition", key.partition.to_string())];
            (of(&key.group, &rest), value.as_ref().map(offset))
        }
        GroupRecord::GroupMetadata { key, value } => (of(&key.group, &[]), value.as_ref().map(classic_group)),
        GroupRecord::ConsumerGroupMetadata { key, value } => {
            (of(&key.group_id, &[]), value.as_ref().map(|value| vec![("epoch", value.epoch.to_string())]))
        }
        GroupRecord::ConsumerGroupPartitionMetadata { key, value } => {
            (of(&key.group_id, &[]), value.as_ref().map(topics))
        }
        GroupRecord::ConsumerGroupMemberMetadata { key, value } => {
            (of(&key.group_id, &member(&key.member_id)), value.as_ref().map(member_metadata))
        }
        GroupRecord::ConsumerGroupTargetAssignmentMetadata { key, value } => {
            let epoch = value.as_ref().map(|value| vec![("epoch", value.assignment_epoch.to_string())]);
            (of(&key.group_id, &[]), epoch)
        }
        GroupRecord::ConsumerGroupTargetAssignmentMember { key, value } => {
            let owns = value.as_ref().map(|value| vec![("is to own", by_id(&value.topic_partitions, topic_name))]);
            (of(&key.group_id, &member(&key.member_id)), owns)
        }
        GroupRecord::ConsumerGroupCurrentMemberAssignment { key, value } => {
            let now = value.as_ref().map(|value| current(value, topic_name));
            (of(&key.group_id, &member(&key.member_id)), now)
        }
        GroupRecord::ConsumerGroupRegularExpression { key, value } => {
            (of(&key.group_id, &[("pattern", key.regular_expression.to_string())]), value.as_ref().map(pattern))
        }
        GroupRecord::Unknown { key, value, .. } => return bytes_of(key, value.as_ref()),
    };
    parts.extend(value.unwrap_or_else(|| vec![("value", deletes())]));
    parts
}

fn offset(value: &OffsetCommitValue) -> Vec<Part> {
    let epoch = if value.leader_epoch < 0 { "none".to_owned() } else { value.leader_epoch.to_string() };
    let mut parts = vec![
        ("offset", value.offset.to_string()),
        ("epoch", epoch),
        ("metadata", or_none(&value.metadata)),
        ("committed", time(value.commit_timestamp)),
    ];
    if value.expire_timestamp >= 0 {
        parts.push(("expires", time(value.expire_timestamp)));
    }
    parts
}

fn classic_group(value: &GroupMetadataValue) -> Vec<Part> {
    let optional = |text: &Option<Arc<str>>| text.as_deref().map_or_else(|| "none".to_owned(), or_none);
    let mut parts = vec![
        ("type", or_none(&value.protocol_type)),
        ("generation", value.generation.to_string()),
        ("protocol", optional(&value.protocol)),
        ("leader", optional(&value.leader)),
        ("since", time(value.current_state_timestamp)),
        ("members", value.members.len().to_string()),
    ];
    parts.extend(value.members.iter().flat_map(|member| classic_member(member, &value.protocol_type)));
    parts
}

fn classic_member(member: &MemberMetadata, protocol_type: &str) -> Vec<Part> {
    let mut who = format!("{} of client {} at {}", member.member_id, member.client_id, member.client_host);
    if let Some(instance) = &member.group_instance_id {
        let _ = write!(who, ", instance {instance}");
    }
    let (session, rebalance) = (member.session_timeout, member.rebalance_timeout);
    let _ = write!(who, ", session {session} ms, rebalance {rebalance} ms");
    let consumer = protocol_type == PROTOCOL_TYPE;
    let wants = ConsumerProtocolSubscription::from_bytes(&member.subscription).ok().filter(|_| consumer);
    let wants = wants.map_or_else(|| hex(&member.subscription, usize::MAX), |wants| subscription(&wants));
    let gets = ConsumerProtocolAssignment::from_bytes(&member.assignment).ok().filter(|_| consumer);
    let gets = gets.map_or_else(|| hex(&member.assignment, usize::MAX), |gets| partitions(&gets.assigned_partitions));
    vec![("member", who), ("wants", wants), ("owns", gets)]
}

fn subscription(wants: &ConsumerProtocolSubscription) -> String {
    let mut text = list(&wants.topics);
    if !wants.owned_partitions.is_empty() {
        let owned = partitions(&wants.owned_partitions);
        let _ = write!(text, "; owned {owned} in generation {}", wants.generation_id);
    }
    if let Some(rack) = &wants.rack_id {
        let _ = write!(text, "; rack {rack}");
    }
    text
}

fn partitions(topics: &[crate::protocol::consumer_protocol::TopicPartition]) -> String {
    let texts: Vec<_> = topics.iter().map(|topic| format!("{} {}", topic.topic, ranges(&topic.partitions))).collect();
    if texts.is_empty() { "nothing".to_owned() } else { texts.join(", ") }
}

fn topics(value: &ConsumerGroupPartitionMetadataValue) -> Vec<Part> {
    let topic = |topic: &super::TopicMetadata| {
        let mut text = format!("{} with {} partitions, id {}", topic.topic_name, topic.num_partitions, topic.topic_id);
        for partition in &topic.partition_metadata {
            let _ = write!(text, "; {} in racks {}", partition.partition, list(&partition.racks));
        }
        ("topic", text)
    };
    if value.topics.is_empty() { vec![("topics", "none".to_owned())] } else { value.topics.iter().map(topic).collect() }
}

fn member_metadata(value: &ConsumerGroupMemberMetadataValue) -> Vec<Part> {
    let optional = |text: &Option<Arc<str>>| text.as_deref().map_or_else(|| "none".to_owned(), or_none);
    let mut parts = vec![
        ("instance", optional(&value.instance_id)),
        ("rack", optional(&value.rack_id)),
        ("client", format!("{} at {}", value.client_id, value.client_host)),
        ("wants", list(&value.subscribed_topic_names)),
        ("pattern", optional(&value.subscribed_topic_regex)),
        ("rebalance", format!("{} ms", value.rebalance_timeout_ms)),
        ("assignor", optional(&value.server_assignor)),
    ];
    if let Some(classic) = value.classic_member_metadata.0.as_ref().filter(|it| !it.supported_protocols.is_empty()) {
        let names: Vec<_> = classic.supported_protocols.iter().map(|protocol| Arc::clone(&protocol.name)).collect();
        parts.push(("classic", format!("{}, session {} ms", list(&names), classic.session_timeout_ms)));
    }
    parts
}

fn current(value: &ConsumerGroupCurrentMemberAssignmentValue, topic_name: TopicName<'_>) -> Vec<Part> {
    vec![
        ("epoch", value.member_epoch.to_string()),
        ("before", value.previous_member_epoch.to_string()),
        ("state", format!("{} ({})", text::state(value.state), value.state)),
        ("owns", by_id(&value.assigned_partitions, topic_name)),
        ("gives back", by_id(&value.partitions_pending_revocation, topic_name)),
    ]
}

fn pattern(value: &ConsumerGroupRegularExpressionValue) -> Vec<Part> {
    vec![
        ("topics", list(&value.topics)),
        ("version", format!("{} of the metadata", value.version)),
        ("found", time(value.timestamp)),
    ]
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

/// A time of day, and the milliseconds since 1970 that the record has.
fn time(timestamp_ms: i64) -> String {
    if timestamp_ms < 0 {
        "not said".to_owned()
    } else {
        format!("{}, {timestamp_ms} ms", text::time_of_day(timestamp_ms))
    }
}

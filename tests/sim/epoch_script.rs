//! The members of groups of KIP-848 in a script: what they say to their coordinator, what they hear, and what operators see.
//! They do nothing by themselves, and choose their aliases as their ids.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use kscope::engine::event::group::{ConsumerGroupEvent, Why};
use kscope::engine::replica::TopicPartition;
use kscope::protocol::consumer_group_describe::{self, DescribedGroup};
use kscope::protocol::consumer_group_heartbeat::{TopicPartitions, member_epoch};
use kscope::protocol::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ErrorCode};
use uuid::Uuid;

use super::group_script::named;
use super::harness::Lab;
use super::script::{Words, duration, partition, why};

/// The names of all topics that there have been, by their ids.
pub(super) type Names = BTreeMap<Uuid, Arc<str>>;

/// A member as its client knows it.
#[derive(Clone)]
pub(super) struct Member {
    /// What it says as it joins.
    pub(super) joins: ConsumerGroupHeartbeatRequest,
    pub(super) version: i16,
    /// The epoch that it was told last.
    pub(super) epoch: i32,
}

impl Member {
    /// One that has not joined yet.
    pub(super) fn new(alias: &str, words: &Words<'_>) -> Self {
        let version = words.named.get("version").map_or(1, |text| text.parse().unwrap());
        let joins = ConsumerGroupHeartbeatRequest {
            member_id: if version == 0 { "".into() } else { alias.into() },
            rebalance_timeout_ms: 10_000,
            topic_partitions: Some(Vec::new()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        Self { joins, version, epoch: member_epoch::JOIN_GROUP }
    }

    /// What it says now: as it joins everything, later that it lives, and what a command has it say besides.
    pub(super) fn request(&mut self, words: &mut Words<'_>, names: &Names) -> ConsumerGroupHeartbeatRequest {
        let said = self.said(words);
        let full = &mut self.joins;
        full.subscribed_topic_names = said.subscribed_topic_names.clone().or(full.subscribed_topic_names.take());
        full.subscribed_topic_regex = said.subscribed_topic_regex.clone().or(full.subscribed_topic_regex.take());
        full.server_assignor = said.server_assignor.clone().or(full.server_assignor.take());
        full.instance_id = said.instance_id.clone().or(full.instance_id.take());
        let word = words.plain.get(1).copied().unwrap_or_default();
        let epoch = match word {
            "joins" => member_epoch::JOIN_GROUP,
            "leaves" => member_epoch::LEAVE_GROUP,
            "away" => member_epoch::LEAVE_GROUP_STATIC_MEMBER,
            "" => self.epoch,
            group => {
                full.group_id = group.into();
                member_epoch::JOIN_GROUP
            }
        };
        let base = if epoch == member_epoch::JOIN_GROUP { full.clone() } else { said };
        let owned = words.named.remove("owns").map(|text| by_id(text, names));
        ConsumerGroupHeartbeatRequest {
            group_id: Arc::clone(&full.group_id),
            member_id: words.named.remove("id").map_or_else(|| Arc::clone(&full.member_id), Arc::from),
            instance_id: full.instance_id.clone(),
            member_epoch: words.take("epoch").unwrap_or(epoch),
            topic_partitions: owned.or(base.topic_partitions.clone()),
            ..base
        }
    }

    /// What a command has it say.
    fn said(&mut self, words: &mut Words<'_>) -> ConsumerGroupHeartbeatRequest {
        if let Some(text) = words.named.remove("rebalance") {
            self.joins.rebalance_timeout_ms = i32::try_from(duration(text).as_millis()).unwrap();
        }
        let list = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(Arc::from).collect();
        ConsumerGroupHeartbeatRequest {
            subscribed_topic_names: words.named.remove("topics").map(list),
            subscribed_topic_regex: words.named.remove("pattern").map(Arc::from),
            server_assignor: words.named.remove("assignor").map(Arc::from),
            instance_id: words.named.remove("instance").map(Arc::from),
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }

    /// What an answer says, taken to heart.
    pub(super) fn hear(&mut self, answer: &ConsumerGroupHeartbeatResponse) {
        if answer.error_code.is_ok() {
            // One that left knows where it was.
            self.epoch = Some(answer.member_epoch).filter(|epoch| *epoch >= 0).unwrap_or(self.epoch);
            self.joins.member_id = answer.member_id.clone().unwrap_or_default();
        }
    }
}

/// What a member hears.
pub(super) fn answered(answer: &ConsumerGroupHeartbeatResponse, names: &Names) -> String {
    if !answer.error_code.is_ok() {
        return why(answer.error_code, answer.error_message.as_deref());
    }
    let epoch = match answer.member_epoch {
        member_epoch::LEAVE_GROUP => "out of the group".to_owned(),
        member_epoch::LEAVE_GROUP_STATIC_MEMBER => "away".to_owned(),
        epoch => format!("epoch {epoch}"),
    };
    let Some(assignment) = &answer.assignment else { return epoch };
    let own = |topic: &TopicPartitions| each(names.get(&topic.topic_id), &topic.partitions);
    let own: Vec<_> = assignment.topic_partitions.iter().flat_map(own).collect();
    format!("{epoch}, is to own {}", sorted(own))
}

fn each(name: Option<&Arc<str>>, partitions: &[i32]) -> Vec<TopicPartition> {
    let name = name.map_or("?".into(), Arc::clone);
    partitions.iter().map(|partition| TopicPartition::new(Arc::clone(&name), *partition)).collect()
}

fn sorted(mut partitions: Vec<TopicPartition>) -> String {
    partitions.sort();
    named(&partitions)
}

/// `t-0,t-1` by the topics' ids.
fn by_id(text: &str, names: &Names) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for id in text.split(',').filter(|text| !text.is_empty()).map(partition) {
        let known = names.iter().find(|(_, name)| **name == id.topic).expect("a topic that is there");
        topics.entry(*known.0).or_default().push(id.partition);
    }
    topics.into_iter().map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions }).collect()
}

/// The topics that brokers know, beside those that were known before.
pub(super) fn learn(names: &mut Names, lab: &Lab) {
    for broker in lab.cluster.brokers().filter_map(|(_, node)| node.running()) {
        names.extend(broker.metadata.topics.iter().map(|(name, meta)| (meta.id, Arc::clone(name))));
    }
}

/// What `ConsumerGroupDescribe` says of a group.
pub(super) fn described(group: &DescribedGroup) -> String {
    if group.error_code != ErrorCode::NONE {
        return why(group.error_code, group.error_message.as_deref());
    }
    let (epoch, target, assignor) = (group.group_epoch, group.assignment_epoch, &group.assignor_name);
    let mut out = format!("{}, epoch {epoch}, assigned for epoch {target} by {assignor}", group.group_state);
    let own = |assignment: &consumer_group_describe::Assignment| {
        let topics = assignment.topic_partitions.iter();
        sorted(topics.flat_map(|topic| each(Some(&topic.topic_name), &topic.partitions)).collect())
    };
    for member in &group.members {
        let instance = member.instance_id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let (has, is_to_own) = (own(&member.assignment), own(&member.target_assignment));
        write!(out, "\n{}{instance} at epoch {}: {has}", member.member_id, member.member_epoch).unwrap();
        if has != is_to_own {
            write!(out, ", is to own {is_to_own}").unwrap();
        }
        if let Some(pattern) = member.subscribed_topic_regex.as_ref().filter(|pattern| !pattern.is_empty()) {
            write!(out, ", pattern {pattern}").unwrap();
        }
    }
    out
}

/// What happened to a group of KIP-848.
pub(super) fn event(group: &str, event: &ConsumerGroupEvent) -> String {
    match event {
        ConsumerGroupEvent::EpochRaised { epoch, why } => {
            let why = match why {
                Why::Joins(member) => format!("{member} joins"),
                Why::Gone(member, gone) => format!("{member} is gone ({gone:?})"),
                Why::Subscribes(member) => format!("{member} wants other topics"),
                Why::TopicsChanged => "the topics have changed".into(),
                other => panic!("no reason for an epoch: {other:?}"),
            };
            format!("{group} raises its epoch to {epoch}: {why}")
        }
        ConsumerGroupEvent::TargetAssigned { epoch, assignor, assignment } => {
            let one = |(member, partitions): &(Arc<str>, Vec<_>)| format!("{member} {}", named(partitions));
            let all: Vec<_> = assignment.iter().map(one).collect();
            format!("{group} has a target for epoch {epoch} by {assignor}: {}", all.join(", "))
        }
        ConsumerGroupEvent::PatternResolved { pattern, topics } => {
            format!(
                "{pattern} of {group} stands for {}",
                if topics.is_empty() { "nothing".into() } else { topics.join(" ") }
            )
        }
        ConsumerGroupEvent::Reconciled { member, epoch, state, owned, to_revoke } => {
            let gives = if to_revoke.is_empty() { String::new() } else { format!(", gives back {}", named(to_revoke)) };
            format!("{member} of {group} is {state:?} at epoch {epoch}: owns {}{gives}", named(owned))
        }
        ConsumerGroupEvent::Fenced { member, epoch, error } => {
            format!("{member} of {group} is refused at epoch {epoch}: {error}")
        }
        ConsumerGroupEvent::MemberAway { member } => format!("{member} of {group} goes, and will be back"),
    }
}

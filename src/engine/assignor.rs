//! Assignors: who of a group's members gets which partitions. Pure functions; they know no coordinator and no consumer.
//!
//! In a classic group the member that leads runs one of [`CLIENT_ASSIGNORS`], the one that all members have and most
//! like best; in a group of KIP-848 the coordinator runs one of [`SERVER_ASSIGNORS`]. Both get the members and the
//! partitions of their topics, and give each member its part:
//!
//! | name | who runs it | what it is after |
//! | --- | --- | --- |
//! | `range` | client, server | each topic cut into runs, the same run of each topic for a member (co-partitioning) |
//! | `roundrobin` | client | all partitions dealt out in turn |
//! | `sticky` | client | balance, then everybody keeps what they have |
//! | `cooperative-sticky` | client | the same, and what changes hands is given up before it is given away |
//! | `uniform` | server | as `sticky` |
//!
//! # What holds of every assignor
//! - Each partition of a topic that somebody is subscribed to belongs to exactly one of its subscribers. The exception
//!   is `cooperative-sticky`, which leaves out what another member still has: it is assigned by the rebalance after.
//! - Each member is in the result, with nothing if nothing is left for it.
//! - The same members in another order give the same result.
//!
//! Topics that are subscribed to but do not exist are passed over. Racks (KIP-881) are not looked at: the lab's
//! consumers have none.

mod range;
mod round_robin;
mod sticky;
#[cfg(test)]
mod tests;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

pub use super::replica::TopicPartition;
use crate::protocol::DecodeError;
use crate::protocol::consumer_protocol::{
    self, ConsumerProtocolSubscription, CooperativeStickyAssignorUserData, NO_GENERATION, StickyAssignorUserData,
};

/// A member of a group, as an assignor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: Arc<str>,
    /// Its name, if it is a static member (KIP-345).
    pub instance_id: Option<Arc<str>>,
    /// The topics that it is subscribed to.
    pub topics: BTreeSet<Arc<str>>,
    /// What it has: in a classic group what it says it has, in one of KIP-848 what it was to have.
    pub owned: Vec<TopicPartition>,
    /// The generation that it got it in, or [`NO_GENERATION`]. Where two members claim a partition, the one of the
    /// higher generation has it.
    pub generation: i32,
}

/// How many partitions a topic has, by its name.
pub type PartitionCounts = BTreeMap<Arc<str>, i32>;

/// What each member gets, by its id; partitions in their order.
pub type Assignment = BTreeMap<Arc<str>, Vec<TopicPartition>>;

/// An assignor's function.
pub type Assign = fn(&[Member], &PartitionCounts) -> Assignment;

/// What members do with their partitions when the group rebalances (`ConsumerPartitionAssignor.RebalanceProtocol`,
/// KIP-429).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalanceProtocol {
    /// They give up all of them before they join.
    Eager,
    /// They keep them, and give up only what the assignment takes away; then the group rebalances once more.
    Cooperative,
}

/// What an assignor tells the next leader beside its topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UserData {
    /// Nothing.
    None,
    /// The partitions and the generation ([`StickyAssignorUserData`]).
    Partitions,
    /// The generation ([`CooperativeStickyAssignorUserData`]).
    Generation,
}

/// An assignor that a group's leader runs.
#[derive(Debug)]
pub struct ClientAssignor {
    /// Its name: what members say in `JoinGroup`.
    pub name: &'static str,
    /// What members do with their partitions meanwhile.
    pub protocol: RebalanceProtocol,
    /// Who gets what.
    pub assign: Assign,
    user_data: UserData,
}

/// The assignors of Kafka's consumer (`partition.assignment.strategy`), by name.
pub const CLIENT_ASSIGNORS: &[ClientAssignor] = &[
    ClientAssignor {
        name: "range",
        protocol: RebalanceProtocol::Eager,
        assign: range::assign,
        user_data: UserData::None,
    },
    ClientAssignor {
        name: "roundrobin",
        protocol: RebalanceProtocol::Eager,
        assign: round_robin::assign,
        user_data: UserData::None,
    },
    ClientAssignor {
        name: "sticky",
        protocol: RebalanceProtocol::Eager,
        assign: sticky::assign,
        user_data: UserData::Partitions,
    },
    ClientAssignor {
        name: "cooperative-sticky",
        protocol: RebalanceProtocol::Cooperative,
        assign: sticky::assign_cooperatively,
        user_data: UserData::Generation,
    },
];

/// An assignor that the coordinator of a group of KIP-848 runs.
#[derive(Debug)]
pub struct ServerAssignor {
    /// Its name: what members say in `ConsumerGroupHeartbeat`.
    pub name: &'static str,
    /// Who gets what.
    pub assign: Assign,
}

/// The assignors of Kafka's coordinator (`group.consumer.assignors`), the default first.
pub const SERVER_ASSIGNORS: &[ServerAssignor] =
    &[DEFAULT_SERVER_ASSIGNOR, ServerAssignor { name: "range", assign: range::assign }];

/// The one for members that do not ask for any.
pub const DEFAULT_SERVER_ASSIGNOR: ServerAssignor = ServerAssignor { name: "uniform", assign: uniform::assign };

/// The client's assignor of this name.
pub fn client_assignor(name: &str) -> Option<&'static ClientAssignor> {
    CLIENT_ASSIGNORS.iter().find(|assignor| assignor.name == name)
}

/// The coordinator's assignor of this name.
pub fn server_assignor(name: &str) -> Option<&'static ServerAssignor> {
    SERVER_ASSIGNORS.iter().find(|assignor| assignor.name == name)
}

impl ClientAssignor {
    /// The user data of the subscription of a member that has got `last` in `generation`; `None` for `last` where it
    /// has been assigned nothing yet.
    pub fn user_data(&self, last: Option<&[TopicPartition]>, generation: i32) -> Option<Bytes> {
        match self.user_data {
            UserData::None => None,
            UserData::Partitions => last.map(|partitions| {
                StickyAssignorUserData { previous_assignment: by_topic(partitions), generation }.to_bytes()
            }),
            UserData::Generation => Some(CooperativeStickyAssignorUserData { generation }.to_bytes()),
        }
    }

    /// The member that a subscription speaks of. What it has is in the user data for `sticky`, whose members have
    /// given everything up when they join, and in the subscription for the others; user data that cannot be read count
    /// as none.
    pub fn member(
        &self,
        id: &Arc<str>,
        instance_id: Option<&Arc<str>>,
        subscription: &ConsumerProtocolSubscription,
    ) -> Member {
        let user_data = subscription.user_data.as_ref().filter(|bytes| !bytes.is_empty());
        let (owned, generation) = match self.user_data {
            UserData::Partitions => {
                let said = user_data.and_then(|bytes| StickyAssignorUserData::from_bytes(bytes).ok());
                said.map_or((Vec::new(), NO_GENERATION), |said| (flat(&said.previous_assignment), said.generation))
            }
            UserData::Generation if subscription.generation_id < 0 => {
                let said = user_data.and_then(|bytes| CooperativeStickyAssignorUserData::from_bytes(bytes).ok());
                (flat(&subscription.owned_partitions), said.map_or(NO_GENERATION, |said| said.generation))
            }
            UserData::Generation | UserData::None => (flat(&subscription.owned_partitions), subscription.generation_id),
        };
        Member {
            id: id.clone(),
            instance_id: instance_id.cloned(),
            topics: subscription.topics.iter().cloned().collect(),
            owned,
            generation,
        }
    }

    /// As [`Self::member`], of the bytes that the coordinator passed on.
    pub fn read_member(
        &self,
        id: &Arc<str>,
        instance_id: Option<&Arc<str>>,
        metadata: &Bytes,
    ) -> Result<Member, DecodeError> {
        ConsumerProtocolSubscription::from_bytes(metadata).map(|said| self.member(id, instance_id, &said))
    }
}

/// Partitions as the consumer's protocol has them: topics and partitions in their order.
pub fn by_topic(partitions: &[TopicPartition]) -> Vec<consumer_protocol::TopicPartition> {
    let mut topics: BTreeMap<&Arc<str>, BTreeSet<i32>> = BTreeMap::new();
    for one in partitions {
        topics.entry(&one.topic).or_default().insert(one.partition);
    }
    let topic = |(topic, partitions): (&Arc<str>, BTreeSet<i32>)| consumer_protocol::TopicPartition {
        topic: topic.clone(),
        partitions: partitions.into_iter().collect(),
    };
    topics.into_iter().map(topic).collect()
}

/// What a consumer is assigned. Bytes that cannot be read, and none at all, are nothing.
pub fn assigned_partitions(assignment: &Bytes) -> Vec<TopicPartition> {
    let read = consumer_protocol::ConsumerProtocolAssignment::from_bytes(assignment);
    read.map(|read| flat(&read.assigned_partitions)).unwrap_or_default()
}

/// Partitions one by one, in the order that the consumer's protocol has them in.
pub fn flat(topics: &[consumer_protocol::TopicPartition]) -> Vec<TopicPartition> {
    let of_topic = |topic: &consumer_protocol::TopicPartition| {
        let name = topic.topic.clone();
        topic.partitions.clone().into_iter().map(move |partition| TopicPartition::new(name.clone(), partition))
    };
    topics.iter().flat_map(of_topic).collect()
}

/// Members in the order that `range` and `roundrobin` go by: static members first, by their names, then the others by
/// their ids (`AbstractPartitionAssignor.MemberInfo`).
fn in_order(members: &[Member]) -> Vec<&Member> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|member| (member.instance_id.is_none(), &member.instance_id, &member.id));
    sorted
}

/// The topics that a member is subscribed to and that have partitions, with their counts.
fn subscribed<'a>(members: &[Member], counts: &'a PartitionCounts) -> BTreeMap<&'a Arc<str>, i32> {
    let wanted: BTreeSet<&Arc<str>> = members.iter().flat_map(|member| &member.topics).collect();
    counts.iter().filter(|(topic, count)| **count > 0 && wanted.contains(topic)).map(|(t, count)| (t, *count)).collect()
}

/// An assignment of nothing to everybody.
fn nothing(members: &[Member]) -> Assignment {
    members.iter().map(|member| (member.id.clone(), Vec::new())).collect()
}

//! A classic group as a record of `__consumer_offsets`, and back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::GroupRecord;
use super::super::desk::{Desk, clock_of};
use super::{ClassicGroup, Member, Protocol, State};
use crate::engine::time::millis;
use crate::protocol::group_records::{GroupMetadataKey, GroupMetadataValue, MemberMetadata};

impl ClassicGroup {
    /// The record of the group as it is.
    pub(super) fn record(&self, desk: &Desk<'_, '_>) -> GroupRecord {
        let protocol = self.protocol.clone();
        let value = GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            leader: self.leader.clone().filter(|_| protocol.is_some()),
            current_state_timestamp: self.since_ms,
            members: self.members.iter().map(|(id, member)| stored(id, member, protocol.as_deref())).collect(),
            protocol,
        };
        GroupRecord::GroupMetadata { key: key(&desk.group), value: Some(value) }
    }

    /// The record that deletes the group.
    pub fn tombstone(group: &Arc<str>) -> GroupRecord {
        GroupRecord::GroupMetadata { key: key(group), value: None }
    }

    /// The group that a record tells of. Nobody's patience is measured yet: see [`ClassicGroup::resume`].
    pub fn from_record(value: GroupMetadataValue) -> Self {
        let protocol = value.protocol;
        let members: BTreeMap<_, _> =
            value.members.into_iter().map(|member| restored(member, protocol.as_ref())).collect();
        let instance = |(id, member): (&Arc<str>, &Member)| Some((member.instance_id.clone()?, Arc::clone(id)));
        let mut group = Self {
            state: if members.is_empty() { State::Empty } else { State::Stable },
            protocol_type: Some(value.protocol_type).filter(|kind| !kind.is_empty()),
            generation: value.generation,
            leader: value.leader,
            instances: members.iter().filter_map(instance).collect(),
            members,
            protocol,
            ..Self::new(value.current_state_timestamp)
        };
        group.topics = group.subscribed_topics();
        group
    }

    /// The coordinator is ready: every member has its session's time-out from now on to be heard of.
    pub fn resume(&mut self, desk: &mut Desk<'_, '_>) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in ids {
            self.hear(&id, desk);
        }
    }
}

fn key(group: &Arc<str>) -> GroupMetadataKey {
    GroupMetadataKey { group: Arc::clone(group) }
}

fn whole_millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

fn stored(id: &Arc<str>, member: &Member, protocol: Option<&str>) -> MemberMetadata {
    MemberMetadata {
        member_id: Arc::clone(id),
        group_instance_id: member.instance_id.clone(),
        client_id: Arc::clone(&member.client_id),
        client_host: Arc::clone(&member.client_host),
        rebalance_timeout: whole_millis(member.rebalance_timeout),
        session_timeout: whole_millis(member.session_timeout),
        subscription: protocol.map(|protocol| member.metadata(protocol)).unwrap_or_default(),
        assignment: member.assignment.clone(),
    }
}

/// Of the assignors that it knew only the one that was chosen is kept.
fn restored(member: MemberMetadata, protocol: Option<&Arc<str>>) -> (Arc<str>, Member) {
    let known = |name: &Arc<str>| Protocol { name: Arc::clone(name), metadata: member.subscription.clone() };
    let clock = clock_of(&member.client_host);
    let rebalance_timeout =
        if member.rebalance_timeout > 0 { member.rebalance_timeout } else { member.session_timeout };
    let restored = Member {
        protocols: protocol.map(known).into_iter().collect(),
        client_id: member.client_id,
        client_host: member.client_host,
        instance_id: member.group_instance_id,
        rebalance_timeout: millis(rebalance_timeout),
        session_timeout: millis(member.session_timeout),
        assignment: Bytes::clone(&member.assignment),
        is_new: false,
        joined_ms: None,
        clock,
        joining: None,
        syncing: None,
        session: None,
    };
    (member.member_id, restored)
}

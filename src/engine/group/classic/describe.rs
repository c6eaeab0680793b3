//! A classic group as `DescribeGroups` shows it.

use std::sync::Arc;

use super::{ClassicGroup, Member, State};
use crate::protocol::describe_groups::{DescribedGroup, DescribedGroupMember};

impl ClassicGroup {
    /// What operators see. Only in a stable group it says what its members read: before that it is not decided.
    pub fn describe(&self) -> DescribedGroup {
        let stable = self.state == State::Stable;
        let protocol = self.protocol.clone().filter(|_| stable).unwrap_or_default();
        let of = |(id, member): (&Arc<str>, &Member)| DescribedGroupMember {
            member_id: Arc::clone(id),
            group_instance_id: member.instance_id.clone(),
            client_id: Arc::clone(&member.client_id),
            client_host: Arc::clone(&member.client_host),
            member_metadata: if stable { member.metadata(&protocol) } else { bytes::Bytes::new() },
            member_assignment: if stable { member.assignment.clone() } else { bytes::Bytes::new() },
        };
        DescribedGroup {
            group_state: self.state.name().into(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            members: self.members.iter().map(of).collect(),
            protocol_data: protocol,
            ..DescribedGroup::default()
        }
    }
}

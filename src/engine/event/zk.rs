//! What happens to a ZooKeeper server: its process, and its place in the ensemble.

use crate::engine::message::By;
use crate::engine::node::ZkId;

/// Something that happened to a ZooKeeper server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkEvent {
    /// Its process was started; by nobody where the lab began with it.
    Started {
        /// Who did it, and how.
        by: Option<By>,
    },
    /// Its process was killed.
    Killed {
        /// Who did it, and how.
        by: By,
    },
    /// It looks for a leader, and serves nobody.
    Looking {
        /// How many elections it has begun or heard of.
        round: u64,
    },
    /// A quorum has its history: its epoch begins.
    Leads {
        /// The epoch.
        epoch: i64,
    },
    /// It has what the leader has, and serves clients.
    Follows {
        /// Whom.
        leader: ZkId,
    },
    /// It leads no more: too few followers are heard of.
    LostQuorum,
    /// It follows no more: its leader is not heard of.
    LostLeader {
        /// The leader.
        leader: ZkId,
    },
    /// A follower of this leader is gone.
    LostFollower {
        /// The follower.
        follower: ZkId,
    },
}

//! What the servers of an ensemble say to each other, typed: the votes of an election, and Zab.
//!
//! Plain data: it holds no state and decides nothing. The names are those of ZooKeeper's packets (`QuorumPacket`,
//! `Notification`); what one of its streams says in several packets (`DIFF`, then the proposals) is one message here.
//!
//! ```text
//!   follower                leader
//!      | FOLLOWERINFO ------> |   discovery: which epoch may begin?
//!      | <------ LEADERINFO   |   once a quorum has told
//!      | ACKEPOCH ----------> |   and what do you have?
//!      | <- DIFF TRUNC SNAP   |   synchronisation: what the follower lacks, or has too much
//!      | <------- NEWLEADER   |
//!      | ACK ---------------> |
//!      | <-------- UPTODATE   |   once a quorum has it: clients are served
//!      |                      |
//!      | <-------- PROPOSAL   |   broadcast
//!      | ACK ---------------> |
//!      | <---------- COMMIT   |   once a quorum has it
//! ```
//!
//! Each connection of a follower to a leader has a number, and all that is said on it carries it: what was said on an
//! earlier one and arrives late is known by that.

use std::sync::Arc;
use std::time::Duration;

use super::message::{SessionId, ZkPeer};
use super::op::{Op, Zxid};
use super::state::State;
use super::txn::Txn;
use crate::engine::context::{Cause, Id};
use crate::engine::node::ZkId;

/// Whom a server would have lead, and why. The greatest vote wins: by epoch, then zxid, then id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vote {
    /// The epoch of the last leader that the candidate followed (`currentEpoch`).
    pub epoch: i64,
    /// The candidate's newest transaction, committed or not.
    pub zxid: Zxid,
    /// The candidate.
    pub leader: ZkId,
}

/// How a server that votes stands (`QuorumPeer.ServerState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// It looks for a leader.
    Looking,
    /// It follows the one that it names.
    Following,
    /// It leads.
    Leading,
}

/// A vote on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The vote.
    pub vote: Vote,
    /// The election that it is cast in: each server counts its own (`electionEpoch`).
    pub round: u64,
    /// How the sender stands.
    pub state: PeerState,
}

/// From one server to another.
#[derive(Clone, Debug)]
pub enum PeerMessage {
    /// Of an election.
    Vote(Notification),
    /// From a follower to its leader.
    ToLeader {
        /// The follower's number for the connection.
        connection: Id,
        /// What.
        message: ToLeader,
    },
    /// From a leader to a follower.
    ToFollower {
        /// The follower's number for the connection.
        connection: Id,
        /// What.
        message: ToFollower,
    },
}

impl PeerMessage {
    /// Whether it only says that its sender is there.
    pub const fn is_ping(&self) -> bool {
        matches!(
            self,
            Self::ToLeader { message: ToLeader::Pong { .. }, .. } | Self::ToFollower { message: ToFollower::Ping, .. }
        )
    }

    /// Its name for a reader: ZooKeeper's own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Vote(_) => "vote",
            Self::ToLeader { message, .. } => message.name(),
            Self::ToFollower { message, .. } => message.name(),
        }
    }
}

/// From a follower to its leader.
#[derive(Clone, Debug)]
pub enum ToLeader {
    /// I follow you. My newest promised epoch is this (`acceptedEpoch`).
    FollowerInfo {
        /// It.
        accepted_epoch: i64,
    },
    /// I promise to follow no leader of an earlier epoch.
    AckEpoch {
        /// The epoch of the last leader that I followed (`currentEpoch`); `None` where I had promised this epoch before,
        /// maybe to another: it does not count as one of the quorum.
        current_epoch: Option<i64>,
        /// What I have.
        has: Ends,
    },
    /// I have all up to here, committed or not; an epoch's zxid 0 answers its `NewLeader`.
    Ack {
        /// The transaction.
        zxid: Zxid,
    },
    /// I am here, and so are these.
    Pong {
        /// Sessions that something came from since the last one.
        touched: Vec<SessionId>,
        /// Sessions whose connection to me was closed since, and why: for the chain of causes, no part of the protocol.
        silenced: Vec<(SessionId, Cause)>,
    },
    /// A client of mine asks for a write, or for [`Op::Sync`].
    Request {
        /// Its session.
        session: SessionId,
        /// Its number for the request.
        xid: i32,
        /// What it asks for.
        op: Op,
    },
    /// A client of mine asks for a session. The time-out is what it wants.
    OpenSession {
        /// The session's id to be.
        session: SessionId,
        /// What it wants.
        timeout: Duration,
        /// The client.
        owner: ZkPeer,
    },
    /// A client of mine ends its session.
    CloseSession {
        /// The session.
        session: SessionId,
        /// The client's number for the request.
        xid: i32,
    },
    /// A client has come to me with a session: is it open?
    Revalidate {
        /// The session.
        session: SessionId,
        /// The client.
        owner: ZkPeer,
    },
}

impl ToLeader {
    /// ZooKeeper's name for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FollowerInfo { .. } => "FOLLOWERINFO",
            Self::AckEpoch { .. } => "ACKEPOCH",
            Self::Ack { .. } => "ACK",
            Self::Pong { .. } => "PING answer",
            Self::Request { .. } | Self::OpenSession { .. } | Self::CloseSession { .. } => "REQUEST",
            Self::Revalidate { .. } => "REVALIDATE",
        }
    }
}

/// From a leader to a follower.
#[derive(Clone, Debug)]
pub enum ToFollower {
    /// My epoch is to be this.
    LeaderInfo {
        /// It.
        epoch: i64,
    },
    /// What you lack, and what you have too much.
    Sync(Synchronisation),
    /// You have what I have; my epoch begins.
    NewLeader {
        /// It.
        epoch: i64,
    },
    /// A quorum has it: serve your clients.
    UpToDate,
    /// Write this down.
    Proposal(Arc<Txn>),
    /// A quorum has it: it happens.
    Commit {
        /// The transaction.
        zxid: Zxid,
        /// The ephemerals that go with it, and the events that say so: for the chain of causes, no part of the protocol.
        gone: Vec<(Arc<str>, Id)>,
    },
    /// Are you there?
    Ping,
    /// All that was committed when your client asked is on its way before this.
    Synced {
        /// The client's session.
        session: SessionId,
        /// Its number for the request.
        xid: i32,
    },
    /// What became of `Revalidate`.
    Validated {
        /// The session.
        session: SessionId,
        /// Its time-out, where it is open.
        timeout: Option<Duration>,
    },
}

impl ToFollower {
    /// ZooKeeper's name for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LeaderInfo { .. } => "LEADERINFO",
            Self::Sync(Synchronisation::Log { truncate: Some(_), .. }) => "TRUNC",
            Self::Sync(Synchronisation::Log { .. }) => "DIFF",
            Self::Sync(Synchronisation::Snapshot { .. }) => "SNAP",
            Self::NewLeader { .. } => "NEWLEADER",
            Self::UpToDate => "UPTODATE",
            Self::Proposal(_) => "PROPOSAL",
            Self::Commit { .. } => "COMMIT",
            Self::Ping => "PING",
            Self::Synced { .. } => "SYNC",
            Self::Validated { .. } => "REVALIDATE",
        }
    }
}

/// How a follower comes to the leader's history.
#[derive(Clone, Debug)]
pub enum Synchronisation {
    /// `DIFF`, after `TRUNC` where the follower has what the leader has not.
    Log {
        /// The last transaction to be kept, where some are to go.
        truncate: Option<Zxid>,
        /// What comes after those that both have; all of it is committed.
        lacks: Vec<Arc<Txn>>,
    },
    /// `SNAP`: the log does not reach back to what both have.
    Snapshot {
        /// The whole state.
        state: Box<State>,
        /// The epochs in it.
        ends: Ends,
    },
}

/// Where each epoch ends in a server's history, oldest first, and how far back it knows its log.
///
/// ZooKeeper's followers tell their newest zxid only (deviation: zk-histories). That is not enough where a follower has the newest epoch's
/// transactions and lacks some of the epoch before: two histories agree up to the end of the newest epoch that both have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The last transaction of each epoch, oldest epoch first.
    pub last: Vec<Zxid>,
    /// The transaction up to which there is only the state: the log can be cut after it, not before.
    pub base: Zxid,
}

impl Ends {
    /// The newest transaction.
    pub fn newest(&self) -> Zxid {
        self.last.last().copied().unwrap_or(self.base).max(self.base)
    }

    /// The newest transaction that both have; [`Zxid::ZERO`] where there is none.
    pub fn common(&self, other: &Self) -> Zxid {
        let end_of = |epoch: i64| other.last.iter().copied().find(|zxid| zxid.epoch() == epoch);
        let newest = self.last.iter().rev().find_map(|mine| Some((*mine).min(end_of(mine.epoch())?)));
        newest.unwrap_or(Zxid::ZERO)
    }

    /// A transaction was added.
    pub fn push(&mut self, zxid: Zxid) {
        match self.last.last_mut().filter(|last| last.epoch() == zxid.epoch()) {
            Some(last) => *last = zxid,
            None => self.last.push(zxid),
        }
    }

    /// All after `zxid` was taken away.
    pub fn truncate(&mut self, zxid: Zxid) {
        while self.last.last().is_some_and(|last| last.epoch() > zxid.epoch()) {
            self.last.pop();
        }
        if let Some(last) = self.last.last_mut() {
            *last = zxid.min(*last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zxid(epoch: i64, counter: i64) -> Zxid {
        Zxid((epoch << 32) | counter)
    }

    fn ends(last: &[(i64, i64)]) -> Ends {
        Ends { last: last.iter().map(|(epoch, counter)| zxid(*epoch, *counter)).collect(), base: Zxid::ZERO }
    }

    #[test]
    fn two_histories_agree_up_to_the_newest_epoch_that_both_have() {
        let cases = [
            (vec![(1, 5)], vec![(1, 3)], zxid(1, 3)),
            (vec![(1, 5), (2, 1)], vec![(1, 7)], zxid(1, 5)),
            (vec![(1, 2), (3, 1)], vec![(1, 2), (2, 2)], zxid(1, 2)),
            (vec![(1, 5), (2, 4)], vec![(1, 5), (2, 4), (3, 1)], zxid(2, 4)),
            (vec![], vec![(1, 5)], Zxid::ZERO),
        ];
        for (a, b, common) in cases {
            assert_eq!((ends(&a).common(&ends(&b)), ends(&b).common(&ends(&a))), (common, common), "{a:?} {b:?}");
        }
    }

    #[test]
    fn ends_follow_what_is_added_and_taken_away() {
        let mut ends = ends(&[(1, 5)]);
        for added in [zxid(1, 6), zxid(2, 1), zxid(2, 2), zxid(4, 1)] {
            ends.push(added);
        }
        assert_eq!(ends.last, [zxid(1, 6), zxid(2, 2), zxid(4, 1)]);
        ends.truncate(zxid(2, 1));
        assert_eq!((ends.last.as_slice(), ends.newest()), (&[zxid(1, 6), zxid(2, 1)][..], zxid(2, 1)));
        ends.truncate(zxid(1, 6));
        assert_eq!(ends.last, [zxid(1, 6)]);
    }

    #[test]
    fn the_greatest_vote_is_by_epoch_then_zxid_then_id() {
        let vote = |epoch, counter, id| Vote { epoch, zxid: zxid(1, counter), leader: ZkId(id) };
        let mut votes = [vote(1, 9, 9), vote(2, 1, 1), vote(2, 1, 2), vote(2, 3, 1)];
        votes.reverse();
        votes.sort_unstable();
        assert_eq!(votes, [vote(1, 9, 9), vote(2, 1, 1), vote(2, 1, 2), vote(2, 3, 1)]);
    }
}

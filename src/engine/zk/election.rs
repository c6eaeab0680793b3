//! The election of a leader: each server votes for the best that it knows of, until a quorum agrees.
//!
//! | a notification of | leads to |
//! | --- | --- |
//! | a later round | its round is taken up; the better of its vote and one's own is voted for |
//! | an earlier round | whoever is so far behind is told one's own vote |
//! | this round, a better vote | it is voted for |
//! | one who follows or leads | counted apart: a quorum of them, and word of the leader itself, and one joins them |
//!
//! Where a quorum agrees, a server still waits a while for a better vote, as one that is slower may have more; where all
//! servers have voted there is none to wait for (deviation: zk-all-voted). Votes are sent again after a while, for those that were not there.
//!
//! The source is ZooKeeper's `FastLeaderElection`. A value: it knows neither time nor network.

use std::collections::BTreeMap;
use std::time::Duration;

use super::zab::{Notification, PeerState, Vote};
use crate::engine::node::ZkId;

/// `finalizeWait`: how long a better vote is waited for.
pub const FINALIZE_WAIT: Duration = Duration::from_millis(200);

/// `maxNotificationInterval`: the longest pause before votes are sent again. They are first sent again after
/// [`FINALIZE_WAIT`], then after twice as long each time.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An election as one server sees it.
#[derive(Clone, Debug)]
pub struct Election {
    me: ZkId,
    /// How many servers there are, and how many of them are a quorum.
    size: usize,
    /// What it would vote for if it were alone.
    own: Vote,
    /// Which of its elections it is (`logicalclock`).
    round: u64,
    /// What it votes for.
    vote: Vote,
    /// What others vote for in this round.
    cast: BTreeMap<ZkId, Vote>,
    /// What those say who do not look for a leader.
    settled: BTreeMap<ZkId, Notification>,
    /// How long until votes are sent again.
    pub pause: Duration,
}

/// What comes of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Tell all others the vote.
    Tell,
    /// Tell this one the vote.
    TellSender,
    /// All agree: they are to hear it, where that is news, and the leader is to be followed, or to lead.
    Elected {
        /// Whether the vote is news.
        news: bool,
    },
    /// There is a leader: it is to be followed.
    Known(Vote),
}

/// How many of `size` servers are a quorum.
pub const fn quorum(size: usize) -> usize {
    size / 2 + 1
}

impl Election {
    /// The election number `round` of `me` among `size` servers.
    pub fn new(size: usize, own: Vote, round: u64) -> Self {
        let (cast, settled) = (BTreeMap::new(), BTreeMap::new());
        Self { me: own.leader, size, own, round, vote: own, cast, settled, pause: FINALIZE_WAIT }
    }

    /// Its number.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// What is to be told.
    pub fn notification(&self) -> Notification {
        Notification { vote: self.vote, round: self.round, state: PeerState::Looking }
    }

    /// The votes of this round as far as they are known, one's own among them.
    pub fn votes(&self) -> impl Iterator<Item = (ZkId, Vote)> + '_ {
        self.cast.iter().map(|(voter, vote)| (*voter, *vote)).chain([(self.me, self.vote)])
    }

    /// A notification came.
    pub fn hear(&mut self, from: ZkId, heard: Notification) -> Step {
        if heard.state != PeerState::Looking {
            return self.hear_settled(from, heard);
        }
        self.settled.remove(&from);
        if heard.round < self.round {
            return Step::TellSender;
        }
        let before = (self.round, self.vote);
        if heard.round > self.round {
            self.round = heard.round;
            self.cast.clear();
            self.vote = self.own;
        }
        self.vote = self.vote.max(heard.vote);
        self.cast.insert(from, heard.vote);
        let news = (self.round, self.vote) != before;
        match (self.all_agree(), news) {
            (true, news) => Step::Elected { news },
            (false, true) => Step::Tell,
            (false, false) => Step::Wait,
        }
    }

    /// Whether a quorum votes as this server does: then it waits for better ones, and ends.
    pub fn is_decided(&self) -> bool {
        self.agreeing() >= quorum(self.size)
    }

    /// What it ends with.
    pub fn vote(&self) -> Vote {
        self.vote
    }

    /// Whether there is nobody left to wait for.
    pub fn all_agree(&self) -> bool {
        self.agreeing() == self.size
    }

    fn agreeing(&self) -> usize {
        self.votes().filter(|(_, vote)| *vote == self.vote).count()
    }

    /// One who follows or leads: joined where a quorum says the same, the leader among them.
    fn hear_settled(&mut self, from: ZkId, heard: Notification) -> Step {
        self.settled.insert(from, heard);
        let leader = heard.vote.leader;
        // They may have come to it by different elections: what counts is the leader, and the epoch that it has begun.
        let same = |other: &&Notification| (other.vote.leader, other.vote.epoch) == (leader, heard.vote.epoch);
        // A server that leads by what others say must have led, and died: its own word is wanted.
        let leads = self.settled.get(&leader).filter(same).is_some_and(|word| word.state == PeerState::Leading);
        if leader == self.me || !leads || self.settled.values().filter(same).count() < quorum(self.size) {
            return Step::Wait;
        }
        self.round = heard.round;
        Step::Known(heard.vote)
    }
}

#[cfg(test)]
mod tests {
    use super::super::op::Zxid;
    use super::*;

    fn vote(zxid: i64, leader: u8) -> Vote {
        Vote { epoch: 1, zxid: Zxid(zxid), leader: ZkId(leader) }
    }

    fn said(round: u64, vote: Vote, state: PeerState) -> Notification {
        Notification { vote, round, state }
    }

    fn looking(round: u64, vote: Vote) -> Notification {
        said(round, vote, PeerState::Looking)
    }

    #[test]
    fn the_better_vote_is_taken_over_and_the_worse_left_alone() {
        let mut election = Election::new(3, vote(7, 1), 1);
        assert_eq!(election.hear(ZkId(2), looking(1, vote(6, 2))), Step::Wait);
        assert!(!election.is_decided());
        assert_eq!(election.hear(ZkId(2), looking(1, vote(7, 2))), Step::Tell);
        assert!(election.is_decided() && !election.all_agree(), "two of three");
        assert_eq!(election.hear(ZkId(3), looking(1, vote(7, 2))), Step::Elected { news: false });
    }

    #[test]
    fn who_comes_round_to_the_last_other_vote_says_so() {
        let mut election = Election::new(2, vote(7, 1), 1);
        assert_eq!(election.hear(ZkId(2), looking(1, vote(7, 2))), Step::Elected { news: true });
    }

    #[test]
    fn a_later_round_begins_anew_and_an_earlier_one_is_told_so() {
        let mut election = Election::new(3, vote(7, 1), 4);
        assert_eq!(election.hear(ZkId(3), looking(4, vote(9, 3))), Step::Tell);
        assert_eq!(election.hear(ZkId(2), looking(5, vote(8, 2))), Step::Tell);
        assert_eq!((election.round(), election.vote()), (5, vote(8, 2)), "the vote for 3 was of the round before");
        assert_eq!(election.hear(ZkId(3), looking(4, vote(9, 3))), Step::TellSender);
    }

    #[test]
    fn one_that_comes_late_joins_those_who_have_a_leader_once_that_one_says_so_itself() {
        let mut election = Election::new(3, vote(9, 1), 1);
        let (follows, leads) = (said(6, vote(7, 3), PeerState::Following), said(6, vote(7, 3), PeerState::Leading));
        assert_eq!(election.hear(ZkId(2), follows), Step::Wait);
        assert_eq!(election.hear(ZkId(3), leads), Step::Known(vote(7, 3)));
        assert_eq!(election.round(), 6);
        let mut election = Election::new(5, vote(9, 1), 1);
        for follower in [2, 4, 5] {
            assert_eq!(election.hear(ZkId(follower), follows), Step::Wait, "3 may be dead");
        }
    }

    #[test]
    fn followers_of_this_server_itself_elect_nobody() {
        let mut election = Election::new(3, vote(9, 1), 1);
        let mine = said(1, vote(9, 1), PeerState::Following);
        assert_eq!((election.hear(ZkId(2), mine), election.hear(ZkId(3), mine)), (Step::Wait, Step::Wait));
    }

    #[test]
    fn alone_it_needs_nobody() {
        assert!(Election::new(1, vote(0, 1), 1).all_agree());
        assert_eq!([1, 2, 3, 4, 5, 9].map(quorum), [1, 2, 2, 3, 3, 5]);
    }
}

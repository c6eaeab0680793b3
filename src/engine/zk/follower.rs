//! A follower's side of Zab: finding the leader, coming to its history, writing down and applying what it says.
//!
//! The source is ZooKeeper's `Learner` and `Follower`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::message::SessionId;
use super::op::{OpResult, Zxid};
use super::persist::ZkRecord;
use super::txn::Txn;
use super::zab::{PeerMessage, Synchronisation, ToFollower, ToLeader};
use super::{Role, ZkServer, ZkTimer, say};
use crate::engine::context::{Cause, Context, Id, Timer};
use crate::engine::event::{EventKind, ZkEvent};
use crate::engine::node::ZkId;
use crate::engine::time::Time;

/// How long a follower waits before it tries again to reach a leader that does not lead yet
/// (`leaderConnectDelayDuringRetryMs`).
const DIAL_AGAIN: Duration = Duration::from_millis(100);

/// How often it tries.
const DIALS: u32 = 5;

/// A server that follows, or is about to.
#[derive(Clone, Debug)]
pub struct Follower {
    leader: ZkId,
    /// Its number for the connection to the leader.
    connection: Id,
    stage: Stage,
    /// How often it has tried to reach the leader.
    dials: u32,
    /// When it must be served by.
    deadline: Time,
    /// When the leader was last heard of.
    heard: Time,
    /// Sessions that something came from since the leader asked last.
    touched: BTreeSet<SessionId>,
    /// Sessions whose connection was closed since, and why.
    silenced: BTreeMap<SessionId, Cause>,
}

/// How far a follower has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It asks to follow.
    Dialling,
    /// The leader knows of it.
    Discovery,
    /// It comes to the leader's history.
    Synchronisation,
    /// It serves clients.
    Serving,
}

impl Follower {
    /// Whom it follows.
    pub fn leader(&self) -> ZkId {
        self.leader
    }

    /// How far it has come.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether it serves clients.
    pub fn is_serving(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// Its number for the connection to the leader.
    pub(super) fn connection(&self) -> Id {
        self.connection
    }

    /// Something came in a session.
    pub(super) fn touch(&mut self, session: SessionId) {
        self.silenced.remove(&session);
        self.touched.insert(session);
    }

    /// The connection of a session was closed.
    pub(super) fn silence(&mut self, session: SessionId, why: Cause) {
        self.silenced.insert(session, why);
    }
}

impl ZkServer {
    /// A quorum has voted for `leader`.
    pub(super) fn follow(&mut self, leader: ZkId, ctx: &mut Context<'_>) {
        self.role = Role::Following(Follower {
            leader,
            connection: 0,
            stage: Stage::Dialling,
            dials: 0,
            deadline: ctx.now.lab + self.config.init_time(),
            heard: ctx.now.lab,
            touched: BTreeSet::new(),
            silenced: BTreeMap::new(),
        });
        self.dial(ctx);
    }

    /// Asks the elected leader to be let in.
    pub(super) fn dial(&mut self, ctx: &mut Context<'_>) {
        let accepted_epoch = self.history.accepted_epoch;
        let Role::Following(follower) = &mut self.role else { return };
        if follower.stage == Stage::Dialling {
            follower.connection = ctx.next_id();
            follower.dials += 1;
            self.answer_leader(ToLeader::FollowerInfo { accepted_epoch }, ctx);
        }
    }

    /// A message from the leader.
    pub(super) fn on_leader(&mut self, from: ZkId, connection: Id, message: ToFollower, ctx: &mut Context<'_>) {
        let Role::Following(follower) = &mut self.role else { return };
        if follower.leader != from || follower.connection != connection {
            return;
        }
        follower.heard = ctx.now.lab;
        match message {
            ToFollower::LeaderInfo { epoch } => self.promise(epoch, ctx),
            ToFollower::Sync(how) => self.take_over(how, ctx),
            ToFollower::NewLeader { epoch } => {
                self.history.current_epoch = epoch;
                self.keep_epochs(ctx);
                self.answer_leader(ToLeader::Ack { zxid: Zxid(epoch << 32) }, ctx);
            }
            ToFollower::UpToDate => {
                follower.stage = Stage::Serving;
                ctx.emit(EventKind::Zk(ZkEvent::Follows { leader: from }));
            }
            ToFollower::Proposal(txn) => {
                let zxid = txn.zxid;
                self.write_down(txn, ctx);
                self.answer_leader(ToLeader::Ack { zxid }, ctx);
            }
            ToFollower::Commit { zxid, gone } => self.apply_up_to(zxid, &gone, ctx),
            ToFollower::Ping => {
                let touched = std::mem::take(&mut follower.touched).into_iter().collect();
                let silenced = std::mem::take(&mut follower.silenced).into_iter().collect();
                self.answer_leader(ToLeader::Pong { touched, silenced }, ctx);
            }
            ToFollower::Synced { session, xid } => self.settled(session, xid, Ok(OpResult::Synced), ctx),
            ToFollower::Validated { session, timeout } => self.validated(session, timeout, ctx),
        }
    }

    /// The leader wants to begin an epoch.
    fn promise(&mut self, epoch: i64, ctx: &mut Context<'_>) {
        let before = self.history.accepted_epoch;
        if epoch < before {
            return self.give_up(ctx);
        }
        self.history.accepted_epoch = epoch;
        self.keep_epochs(ctx);
        if let Role::Following(follower) = &mut self.role {
            follower.stage = Stage::Discovery;
        }
        let current_epoch = (epoch > before).then_some(self.history.current_epoch);
        let has = self.history.ends().clone();
        self.answer_leader(ToLeader::AckEpoch { current_epoch, has }, ctx);
    }

    /// Comes to the leader's history: what this server has too much goes, what it lacks comes.
    fn take_over(&mut self, how: Synchronisation, ctx: &mut Context<'_>) {
        if let Role::Following(follower) = &mut self.role {
            follower.stage = Stage::Synchronisation;
        }
        match how {
            Synchronisation::Snapshot { state, ends } => {
                ctx.disks.keep(self.id, ZkRecord::State(&state));
                self.state = (*state).clone();
                self.history.install(*state, ends);
            }
            Synchronisation::Log { truncate, lacks } => {
                if let Some(zxid) = truncate {
                    ctx.disks.keep(self.id, ZkRecord::Truncate(zxid));
                    self.history.truncate(zxid);
                    self.state = self.history.replayed();
                }
                for txn in lacks {
                    self.write_down(txn, ctx);
                }
                self.history.bring_up(&mut self.state);
            }
        }
        self.history.keep_short(&self.state);
    }

    /// The leader says that all up to `zxid` is committed.
    fn apply_up_to(&mut self, zxid: Zxid, gone: &[(Arc<str>, Id)], ctx: &mut Context<'_>) {
        let next: Vec<Arc<Txn>> =
            self.history.since(self.state.zxid).take_while(|txn| txn.zxid <= zxid).cloned().collect();
        for txn in next {
            self.apply_as_told(&txn, gone, ctx);
        }
    }

    /// Looks for another leader where this one is not heard of any more.
    pub(super) fn listen_for_leader(&mut self, ctx: &mut Context<'_>) {
        let Role::Following(follower) = &self.role else { return };
        let patience = self.config.sync_time();
        let too_late = match follower.stage {
            Stage::Serving => follower.heard + patience <= ctx.now.lab,
            _ => follower.deadline <= ctx.now.lab,
        };
        if too_late {
            let leader = follower.leader;
            ctx.emit(EventKind::Zk(ZkEvent::LostLeader { leader }));
            self.give_up(ctx);
        }
    }

    /// The connection to the leader is closed: it is dead, it leads no more, or it does not lead yet.
    pub(super) fn lose_leader(&mut self, ctx: &mut Context<'_>) {
        let Role::Following(follower) = &self.role else { return };
        let (leader, stage) = (follower.leader, follower.stage);
        if stage == Stage::Dialling && follower.dials < DIALS {
            ctx.timer(DIAL_AGAIN, Timer::Zk(ZkTimer::Dial { term: self.term }));
            return;
        }
        ctx.emit(EventKind::Zk(ZkEvent::LostLeader { leader }));
        self.look(ctx);
    }

    fn answer_leader(&self, message: ToLeader, ctx: &mut Context<'_>) {
        let Role::Following(follower) = &self.role else { return };
        let connection = follower.connection;
        say(follower.leader, PeerMessage::ToLeader { connection, message }, ctx);
    }
}

//! The leader's side of Zab: finding an epoch, bringing followers up to date, proposing and committing.
//!
//! | phase | ends when a quorum, the leader among it, |
//! | --- | --- |
//! | Discovery | has told which epochs it has promised: the new one is greater than all |
//! | Promise | has promised the new epoch, and nobody has more than the leader |
//! | Synchronisation | has acknowledged `NEWLEADER`: all that the leader has is committed |
//! | Broadcast | is not heard of any more |
//!
//! A follower that comes later goes through the same steps by itself. A leader that cannot go on looks for a leader again.
//!
//! The sources are ZooKeeper's `Leader` and `LearnerHandler`. A server that has promised a later epoch than the leader's,
//! to one who did not come to lead, would be turned away there for ever; here the leader gives way to a greater epoch.

mod requests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::message::SessionId;
use super::op::Zxid;
use super::prep::Outstanding;
use super::session::Sessions;
use super::txn::Txn;
use super::zab::{Ends, PeerMessage, Synchronisation, ToFollower, ToLeader};
use super::{Role, ZkConfig, ZkServer, hang_up, say};
use crate::engine::context::{Context, Id};
use crate::engine::event::{EventKind, ZkEvent};
use crate::engine::node::ZkId;
use crate::engine::time::{Clock, Now, Time};

/// A server that leads, or is about to.
#[derive(Clone, Debug)]
pub struct Leader {
    phase: Phase,
    /// When the phases before Broadcast must be over.
    deadline: Time,
    /// Who follows, or is about to.
    followers: BTreeMap<ZkId, Learner>,
    /// What was proposed and is not committed, oldest first.
    proposals: VecDeque<Proposal>,
    /// The zxid of the newest proposal, or the beginning of the epoch.
    newest: Zxid,
    outstanding: Outstanding,
    /// The sessions of the ensemble.
    pub(super) sessions: Sessions,
    /// The clocks on which a look at the sessions is due.
    ticking: BTreeSet<Clock>,
}

/// How far the leader has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Which epoch may begin?
    Discovery,
    /// This one, once a quorum has promised it.
    Promise,
    /// Followers come to the leader's history.
    Synchronisation,
    /// Clients are served.
    Broadcast,
}

/// A follower as the leader sees it.
#[derive(Clone, Debug)]
pub struct Learner {
    /// The follower's number for the connection.
    connection: Id,
    /// The newest epoch that it has promised.
    accepted_epoch: i64,
    /// What it has, once it has promised the epoch; and whether that counts for the quorum.
    promised: Option<(Ends, bool)>,
    /// Whether it was sent what it lacks; from then on it gets all proposals.
    is_sent: bool,
    /// Whether it has all that was sent, and begins the epoch.
    is_synchronised: bool,
    /// The newest transaction that it has acknowledged.
    acked: Zxid,
    /// When it was last heard of.
    heard: Time,
}

impl Learner {
    /// Whether it has what the leader has, but for what is on its way.
    pub fn is_synchronised(&self) -> bool {
        self.is_synchronised
    }

    /// The newest transaction that it has acknowledged.
    pub fn acked(&self) -> Zxid {
        self.acked
    }
}

/// A transaction that waits for a quorum.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// It.
    pub txn: Arc<Txn>,
    /// Who has it, the leader among them.
    pub acks: BTreeSet<ZkId>,
    /// Who waits for all before it to be committed: [`Op::Sync`](super::op::Op::Sync) of a client of `ZkId`.
    syncs: Vec<(ZkId, SessionId, i32)>,
}

impl Leader {
    /// Whether a quorum is behind it: its epoch has begun.
    pub fn is_established(&self) -> bool {
        self.phase == Phase::Broadcast
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Who follows, or is about to.
    pub fn followers(&self) -> impl Iterator<Item = (ZkId, &Learner)> {
        self.followers.iter().map(|(id, learner)| (*id, learner))
    }

    /// What was proposed and is not committed, oldest first.
    pub fn proposals(&self) -> impl Iterator<Item = &Proposal> {
        self.proposals.iter()
    }

    fn new(config: &ZkConfig, now: &Now) -> Self {
        Self {
            phase: Phase::Discovery,
            deadline: now.lab + config.init_time(),
            followers: BTreeMap::new(),
            proposals: VecDeque::new(),
            newest: Zxid::ZERO,
            outstanding: Outstanding::default(),
            sessions: Sessions::new(config.tick),
            ticking: BTreeSet::new(),
        }
    }

    /// How many of the followers are as `is` says, and the leader.
    fn count(&self, is: impl Fn(&Learner) -> bool) -> usize {
        1 + self.followers.values().filter(|learner| is(learner)).count()
    }
}

impl ZkServer {
    fn leader_mut(&mut self) -> Option<&mut Leader> {
        match &mut self.role {
            Role::Leading(leader) => Some(leader),
            _ => None,
        }
    }

    /// A quorum has voted for this server: it is to find followers.
    pub(super) fn lead(&mut self, ctx: &mut Context<'_>) {
        self.role = Role::Leading(Box::new(Leader::new(&self.config, &ctx.now)));
        self.go_on(ctx);
    }

    /// A message from one who follows, or is about to.
    pub(super) fn on_follower(&mut self, from: ZkId, connection: Id, message: ToLeader, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        let Some(leader) = self.leader_mut() else { return hang_up(from, ctx) };
        if let ToLeader::FollowerInfo { accepted_epoch } = message {
            let (promised, is_sent, is_synchronised) = (None, false, false);
            let (acked, heard) = (Zxid::ZERO, now);
            let learner = Learner { connection, accepted_epoch, promised, is_sent, is_synchronised, acked, heard };
            leader.followers.insert(from, learner);
            return self.welcome(from, ctx);
        }
        // What was said on an earlier connection means nothing on this one.
        let Some(learner) = leader.followers.get_mut(&from).filter(|learner| learner.connection == connection) else {
            return;
        };
        learner.heard = now;
        match message {
            ToLeader::FollowerInfo { .. } => {}
            ToLeader::AckEpoch { current_epoch, has } => self.on_promise(from, current_epoch, has, ctx),
            ToLeader::Ack { zxid } => self.on_ack(from, zxid, ctx),
            ToLeader::Pong { touched, silenced } => {
                for session in touched {
                    leader.sessions.touch(session, &ctx.now);
                }
                for (session, cause) in silenced {
                    leader.sessions.detach(session, from, &cause);
                }
            }
            ToLeader::Request { session, xid, op } => self.on_request(from, session, xid, &op, ctx),
            ToLeader::OpenSession { session, timeout, owner } => self.propose_session(session, timeout, owner, ctx),
            ToLeader::CloseSession { session, xid } => self.end_session(session, xid, true, ctx),
            ToLeader::Revalidate { session, owner } => {
                let timeout = self.revalidate(session, owner, from, ctx);
                self.tell(from, ToFollower::Validated { session, timeout }, ctx);
            }
        }
    }

    /// One who wants to follow has told which epoch it has promised.
    fn welcome(&mut self, from: ZkId, ctx: &mut Context<'_>) {
        let epoch = self.history.accepted_epoch;
        let Some(leader) = self.leader_mut() else { return };
        if leader.phase == Phase::Discovery {
            return self.go_on(ctx);
        }
        if leader.followers.get(&from).is_some_and(|learner| learner.accepted_epoch > epoch) {
            return self.give_up(ctx);
        }
        self.tell(from, ToFollower::LeaderInfo { epoch }, ctx);
    }

    fn on_promise(&mut self, from: ZkId, current_epoch: Option<i64>, has: Ends, ctx: &mut Context<'_>) {
        let mine = (self.history.current_epoch, self.history.newest());
        let Some(leader) = self.leader_mut() else { return };
        let Some(learner) = leader.followers.get_mut(&from) else { return };
        let theirs = current_epoch.map(|epoch| (epoch, has.newest()));
        learner.promised = Some((has, theirs.is_some()));
        match leader.phase {
            // Whoever has more than the leader must not lose it: another election will find out.
            Phase::Promise if theirs > Some(mine) => self.give_up(ctx),
            Phase::Promise => self.go_on(ctx),
            Phase::Synchronisation | Phase::Broadcast => self.synchronise(from, ctx),
            Phase::Discovery => {}
        }
    }

    /// Goes on to the next phase if a quorum is there for it.
    fn go_on(&mut self, ctx: &mut Context<'_>) {
        let quorum = self.config.quorum();
        let Some(leader) = self.leader_mut() else { return };
        match leader.phase {
            Phase::Discovery if leader.count(|_| true) >= quorum => self.begin_epoch(ctx),
            Phase::Promise if leader.count(|l| matches!(l.promised, Some((_, true)))) >= quorum => {
                leader.phase = Phase::Synchronisation;
                self.begin_synchronisation(ctx);
            }
            Phase::Synchronisation if leader.count(|l| l.is_synchronised) >= quorum => {
                leader.phase = Phase::Broadcast;
                self.begin_broadcast(ctx);
            }
            _ => return,
        }
        self.go_on(ctx);
    }

    /// A quorum has told its promises: the new epoch is greater than all of them.
    fn begin_epoch(&mut self, ctx: &mut Context<'_>) {
        let mine = self.history.accepted_epoch;
        let Some(leader) = self.leader_mut() else { return };
        leader.phase = Phase::Promise;
        let promised = leader.followers.values().map(|learner| learner.accepted_epoch);
        let epoch = promised.chain([mine]).max().unwrap_or(mine) + 1;
        let followers: Vec<ZkId> = leader.followers.keys().copied().collect();
        self.history.accepted_epoch = epoch;
        self.keep_epochs(ctx);
        for follower in followers {
            self.tell(follower, ToFollower::LeaderInfo { epoch }, ctx);
        }
    }

    /// A quorum has promised the epoch: nobody else can begin it, or one before it.
    fn begin_synchronisation(&mut self, ctx: &mut Context<'_>) {
        let epoch = self.history.accepted_epoch;
        self.history.current_epoch = epoch;
        self.keep_epochs(ctx);
        let Some(leader) = self.leader_mut() else { return };
        leader.newest = Zxid(epoch << 32);
        let promised = leader.followers.iter().filter(|(_, learner)| learner.promised.is_some());
        let promised: Vec<ZkId> = promised.map(|(id, _)| *id).collect();
        for follower in promised {
            self.synchronise(follower, ctx);
        }
    }

    /// Sends a follower what it lacks, up to what is committed; then what is proposed.
    fn synchronise(&mut self, to: ZkId, ctx: &mut Context<'_>) {
        let epoch = self.history.accepted_epoch;
        let Role::Leading(leader) = &mut self.role else { return };
        let Some(learner) = leader.followers.get_mut(&to) else { return };
        let Some((has, _)) = &learner.promised else { return };
        let mine = self.history.ends();
        // What is applied here counts as committed: before Broadcast that is all of the history.
        let common = mine.common(has).min(self.state.zxid);
        let how = if common < mine.base || common < has.base {
            Synchronisation::Snapshot { state: Box::new(self.state.clone()), ends: mine.clone() }
        } else {
            let committed = self.state.zxid;
            let lacks = self.history.since(common).take_while(|txn| txn.zxid <= committed).cloned().collect();
            Synchronisation::Log { truncate: (common < has.newest()).then_some(common), lacks }
        };
        learner.is_sent = true;
        let proposed: Vec<Arc<Txn>> = leader.proposals.iter().map(|proposal| Arc::clone(&proposal.txn)).collect();
        self.tell(to, ToFollower::Sync(how), ctx);
        self.tell(to, ToFollower::NewLeader { epoch }, ctx);
        for txn in proposed {
            self.tell(to, ToFollower::Proposal(txn), ctx);
        }
    }

    /// A quorum has the leader's history: all of it is committed, and the epoch begins.
    fn begin_broadcast(&mut self, ctx: &mut Context<'_>) {
        let epoch = self.history.current_epoch;
        let orphans = std::mem::take(&mut self.orphans);
        let Role::Leading(leader) = &mut self.role else { return };
        for (id, granted) in &self.state.sessions {
            leader.sessions.open(*id, granted.timeout, granted.opened_by, &ctx.now);
        }
        let ready: Vec<ZkId> =
            leader.followers.iter().filter(|(_, learner)| learner.is_synchronised).map(|(id, _)| *id).collect();
        ctx.emit(EventKind::Zk(ZkEvent::Leads { epoch }));
        for follower in ready {
            self.tell(follower, ToFollower::UpToDate, ctx);
        }
        for session in orphans {
            self.end_orphan(session, ctx);
        }
        self.keep_ticking(Clock::Lab, ctx);
        self.keep_ticking(Clock::Outside, ctx);
    }

    /// A follower has all up to `zxid`.
    fn on_ack(&mut self, from: ZkId, zxid: Zxid, ctx: &mut Context<'_>) {
        let Some(leader) = self.leader_mut() else { return };
        let Some(learner) = leader.followers.get_mut(&from).filter(|learner| learner.is_sent) else { return };
        learner.acked = learner.acked.max(zxid);
        if zxid.counter() > 0 {
            for proposal in leader.proposals.iter_mut().take_while(|proposal| proposal.txn.zxid <= zxid) {
                proposal.acks.insert(from);
            }
            return self.commit_what_can_be(ctx);
        }
        learner.is_synchronised = true;
        if leader.phase == Phase::Broadcast {
            self.tell(from, ToFollower::UpToDate, ctx);
        } else {
            self.go_on(ctx);
        }
    }

    /// Asks every follower whether it is there, and gives up where too few are.
    pub(super) fn ping_followers(&mut self, ctx: &mut Context<'_>) {
        let (quorum, patience, now) = (self.config.quorum(), self.config.sync_time(), ctx.now.lab);
        let Some(leader) = self.leader_mut() else { return };
        if leader.phase != Phase::Broadcast {
            if leader.deadline <= now {
                self.give_up(ctx);
            }
            return;
        }
        let silent: Vec<ZkId> =
            leader.followers.iter().filter(|(_, l)| l.heard + patience <= now).map(|(id, _)| *id).collect();
        leader.followers.retain(|id, _| !silent.contains(id));
        let enough = leader.count(|learner| learner.is_synchronised) >= quorum;
        let sent: Vec<ZkId> = leader.followers.iter().filter(|(_, l)| l.is_sent).map(|(id, _)| *id).collect();
        for follower in silent {
            hang_up(follower, ctx);
        }
        if !enough {
            ctx.emit(EventKind::Zk(ZkEvent::LostQuorum));
            return self.give_up(ctx);
        }
        for follower in sent {
            self.tell(follower, ToFollower::Ping, ctx);
        }
    }

    /// A follower's connection is gone.
    pub(super) fn lose_follower(&mut self, from: ZkId, ctx: &mut Context<'_>) {
        let Some(leader) = self.leader_mut() else { return };
        if leader.followers.remove(&from).is_some() && leader.is_established() {
            ctx.emit(EventKind::Zk(ZkEvent::LostFollower { follower: from }));
        }
    }

    fn tell(&self, to: ZkId, message: ToFollower, ctx: &mut Context<'_>) {
        let Role::Leading(leader) = &self.role else { return };
        let Some(connection) = leader.followers.get(&to).map(|learner| learner.connection) else { return };
        say(to, PeerMessage::ToFollower { connection, message }, ctx);
    }
}

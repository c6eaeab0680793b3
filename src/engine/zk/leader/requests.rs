//! What the leader makes of requests: proposals in one order, and their commits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::message::{SessionId, ZkPeer};
use super::super::op::{Op, OpResult, ZkError};
use super::super::txn::{Txn, TxnBody};
use super::super::zab::ToFollower;
use super::super::{Role, ZkServer, ZkTimer};
use super::Proposal;
use crate::engine::context::{Context, Timer};
use crate::engine::event::EventKind;
use crate::engine::node::ZkId;
use crate::engine::time::Clock;

impl ZkServer {
    /// A client of the server `from` asks for something that takes the leader.
    pub(in super::super) fn on_request(
        &mut self,
        from: ZkId,
        session: SessionId,
        xid: i32,
        op: &Op,
        ctx: &mut Context<'_>,
    ) {
        let Role::Leading(leader) = &mut self.role else { return };
        if matches!(op, Op::Sync) {
            return match leader.proposals.back_mut() {
                Some(last) => last.syncs.push((from, session, xid)),
                None => self.synced(from, session, xid, ctx),
            };
        }
        let zxid = leader.newest.next();
        let known = leader.sessions.get(session).filter(|session| !session.closing);
        let (tree, outstanding) = (&self.state.tree, &mut leader.outstanding);
        let body = match (known, op) {
            (None, _) => TxnBody::Refused(ZkError::SessionExpired),
            (Some(known), _) if known.server.is_some_and(|server| server != from) => {
                TxnBody::Refused(ZkError::SessionMoved)
            }
            (_, Op::Write(write)) => outstanding.write(tree, session, write, zxid),
            (_, Op::Multi(writes)) => outstanding.multi(tree, session, writes, zxid),
            // Reads are answered by the server that the client is connected to.
            _ => TxnBody::Refused(ZkError::BadArguments),
        };
        self.propose(session, xid, body, ctx);
    }

    /// A client asks for a session.
    pub(in super::super) fn propose_session(
        &mut self,
        session: SessionId,
        asked: Duration,
        owner: ZkPeer,
        ctx: &mut Context<'_>,
    ) {
        let timeout = self.config.grant(asked);
        self.propose(session, 0, TxnBody::CreateSession { timeout, owner: Some(owner) }, ctx);
    }

    /// A client has come to `server` with a session. Its time-out, if it is open.
    pub(in super::super) fn revalidate(
        &mut self,
        session: SessionId,
        owner: ZkPeer,
        server: ZkId,
        ctx: &mut Context<'_>,
    ) -> Option<Duration> {
        let Role::Leading(leader) = &mut self.role else { return None };
        let timeout = leader.sessions.get(session).filter(|session| !session.closing)?.timeout;
        leader.sessions.attach(session, owner, server, &ctx.now);
        Some(timeout)
    }

    /// Ends a session: `closed` by its owner, or because its time is up.
    pub(in super::super) fn end_session(&mut self, session: SessionId, xid: i32, closed: bool, ctx: &mut Context<'_>) {
        let Role::Leading(leader) = &mut self.role else { return };
        let owner = leader.sessions.get(session).and_then(|session| session.owner);
        if !leader.sessions.closing(session) {
            return;
        }
        let zxid = leader.newest.next();
        let body = leader.outstanding.close_session(&self.state.tree, session, zxid);
        if let Some(owner) = owner {
            ctx.emit(EventKind::SessionExpired { session: session.0, owner: owner.node(), closed });
        }
        self.propose(session, xid, body, ctx);
    }

    /// Ends a session whose owner cannot come back.
    pub(super) fn end_orphan(&mut self, session: SessionId, ctx: &mut Context<'_>) {
        self.end_session(session, 0, false, ctx);
    }

    /// Ends the sessions whose time is up, each because of what silenced it.
    pub(in super::super) fn on_expire(&mut self, ctx: &mut Context<'_>) {
        let Role::Leading(leader) = &mut self.role else { return };
        leader.ticking.remove(&ctx.clock);
        for id in leader.sessions.due(ctx.clock, &ctx.now) {
            let Role::Leading(leader) = &mut self.role else { return };
            let silence = leader.sessions.get(id).map(|session| session.silence.clone());
            ctx.because(silence.unwrap_or_default(), |ctx| self.end_session(id, 0, false, ctx));
        }
        self.keep_ticking(ctx.clock, ctx);
    }

    /// A session is open: its time runs.
    pub(in super::super) fn watch_over(
        &mut self,
        id: SessionId,
        timeout: Duration,
        owner: Option<ZkPeer>,
        ctx: &mut Context<'_>,
    ) {
        let Role::Leading(leader) = &mut self.role else { return };
        leader.sessions.open(id, timeout, owner, &ctx.now);
        if let Some(owner) = owner {
            leader.sessions.attach(id, owner, id.server(), &ctx.now);
            self.keep_ticking(owner.clock(), ctx);
        }
    }

    /// Sees to it that a look at the sessions on `clock` is coming, where there are any.
    pub(in super::super) fn keep_ticking(&mut self, clock: Clock, ctx: &mut Context<'_>) {
        let Role::Leading(leader) = &mut self.role else { return };
        let is_wanted = leader.sessions.iter().any(|(_, session)| session.clock() == clock);
        if is_wanted && leader.ticking.insert(clock) {
            let next = leader.sessions.until_tick(ctx.now.on(clock));
            let before = std::mem::replace(&mut ctx.clock, clock);
            ctx.routine(next, Timer::Zk(ZkTimer::Expire { term: self.term }));
            ctx.clock = before;
        }
    }

    /// Gives a transaction its place in the order, and has it written down everywhere.
    fn propose(&mut self, session: SessionId, cxid: i32, body: TxnBody, ctx: &mut Context<'_>) {
        let Role::Leading(leader) = &mut self.role else { return };
        let zxid = leader.newest.next();
        if zxid.epoch() != leader.newest.epoch() {
            // The epoch is full, after four thousand million transactions: the next one begins with an election.
            return self.give_up(ctx);
        }
        leader.newest = zxid;
        let txn = Arc::new(Txn { zxid, time_ms: ctx.now.date_ms(), session, cxid, body });
        let acks = BTreeSet::from([self.id]);
        leader.proposals.push_back(Proposal { txn: Arc::clone(&txn), acks, syncs: Vec::new() });
        let sent: Vec<ZkId> = leader.followers.iter().filter(|(_, l)| l.is_sent).map(|(id, _)| *id).collect();
        self.write_down(Arc::clone(&txn), ctx);
        for follower in sent {
            self.tell(follower, ToFollower::Proposal(Arc::clone(&txn)), ctx);
        }
        self.commit_what_can_be(ctx);
    }

    /// Commits the oldest proposals as long as a quorum has them.
    pub(super) fn commit_what_can_be(&mut self, ctx: &mut Context<'_>) {
        let quorum = self.config.quorum();
        while let Role::Leading(leader) = &mut self.role
            && leader.is_established()
            && leader.proposals.front().is_some_and(|proposal| proposal.acks.len() >= quorum)
            && let Some(proposal) = leader.proposals.pop_front()
        {
            self.commit(&proposal, ctx);
        }
    }

    fn commit(&mut self, proposal: &Proposal, ctx: &mut Context<'_>) {
        let zxid = proposal.txn.zxid;
        if let (Role::Leading(leader), TxnBody::CloseSession { .. }) = (&mut self.role, &proposal.txn.body) {
            leader.sessions.close(proposal.txn.session);
        }
        let gone = self.apply(&proposal.txn, ctx);
        let Role::Leading(leader) = &mut self.role else { return };
        leader.outstanding.committed(zxid);
        let sent: Vec<ZkId> = leader.followers.iter().filter(|(_, l)| l.is_sent).map(|(id, _)| *id).collect();
        for follower in sent {
            self.tell(follower, ToFollower::Commit { zxid, gone: gone.clone() }, ctx);
        }
        for (server, session, xid) in &proposal.syncs {
            self.synced(*server, *session, *xid, ctx);
        }
    }

    /// All that was proposed before a client asked is committed.
    fn synced(&mut self, server: ZkId, session: SessionId, xid: i32, ctx: &mut Context<'_>) {
        if server == self.id {
            self.settled(session, xid, Ok(OpResult::Synced), ctx);
        } else {
            self.tell(server, ToFollower::Synced { session, xid }, ctx);
        }
    }
}

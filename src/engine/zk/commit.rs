//! The way of a transaction: proposed, committed, applied.
//!
//! This is where a quorum will stand, between [`ZkServer::propose`] (the leader's) and [`ZkServer::commit`] (everybody's,
//! in the order of zxids). What is below `apply` depends on nothing but the transaction and what was applied before, so
//! all servers come to the same tree; only telling watchers and answering is each server's own, for its own clients.

use super::message::SessionId;
use super::op::{OpResult, ZkError};
use super::tree::Znode;
use super::txn::{Change, Txn, TxnBody};
use super::{Origin, ZkServer};
use crate::engine::context::Context;
use crate::engine::event::EventKind;

impl ZkServer {
    /// Gives a transaction its place in the order. With one server the quorum is there at once.
    pub(super) fn propose(&mut self, session: SessionId, body: TxnBody, origin: Origin, ctx: &mut Context<'_>) {
        let txn = Txn { zxid: self.zxid.next(), time_ms: ctx.now.date_ms(), session, body };
        ctx.disks.committed(self.id, &txn, &self.tree);
        self.commit(&txn, origin, ctx);
    }

    /// A quorum has it: it happens, and whoever asked for it hears so.
    fn commit(&mut self, txn: &Txn, origin: Origin, ctx: &mut Context<'_>) {
        self.zxid = txn.zxid;
        let result = self.apply(txn, ctx);
        match origin {
            Origin::Connect { peer, connection } => self.greet(peer, connection, txn.session, ctx),
            Origin::Request { peer, xid } => self.answer(peer, xid, result, ctx),
            Origin::Server => {}
        }
    }

    /// Changes what the transaction says, and tells the watchers. The result is that of the request behind it; for
    /// sessions, which have none, it says nothing.
    fn apply(&mut self, txn: &Txn, ctx: &mut Context<'_>) -> Result<OpResult, ZkError> {
        match &txn.body {
            TxnBody::CreateSession { timeout, owner } => {
                self.sessions.open(txn.session, *timeout, *owner, ctx.clock, &ctx.now);
                ctx.emit(EventKind::SessionOpened { session: txn.session.0, owner: owner.node() });
                Ok(OpResult::Synced)
            }
            TxnBody::CloseSession { ephemerals } => {
                self.sessions.close(txn.session);
                for path in ephemerals {
                    self.change(&Change::Delete { path: path.clone() }, txn, ctx)?;
                }
                Ok(OpResult::Synced)
            }
            TxnBody::Change(change) => self.change(change, txn, ctx),
            TxnBody::Multi(changes) => {
                let results: Result<Vec<_>, _> = changes.iter().map(|change| self.change(change, txn, ctx)).collect();
                results.map(|results| OpResult::Multi(Ok(results)))
            }
            TxnBody::Refused(error) => Err(*error),
            TxnBody::MultiRefused(failure) => Ok(OpResult::Multi(Err(*failure))),
        }
    }

    /// Makes one change, and tells the watchers. What they hear of an ephemeral's end is caused by that end.
    fn change(&mut self, change: &Change, txn: &Txn, ctx: &mut Context<'_>) -> Result<OpResult, ZkError> {
        let gone = match change {
            Change::Delete { path } => self.tree.get(path).and_then(Znode::ephemeral_owner).zip(Some(path)),
            _ => None,
        };
        let result = self.tree.apply(change, txn.zxid, txn.time_ms)?;
        let fired = self.watches.fire(change);
        ctx.because(ctx.cause.clone(), |ctx| {
            if let Some((owner, path)) = gone {
                ctx.emit(EventKind::EphemeralGone { path: path.to_string(), session: owner.0 });
            }
            self.tell(fired, ctx);
        });
        Ok(result)
    }
}

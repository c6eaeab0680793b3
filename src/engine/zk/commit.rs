//! What every server does with a transaction: write it down when it is proposed, apply it when it is committed.
//!
//! Applying depends on nothing but the transaction and what was applied before, so all servers come to the same state;
//! only telling watchers and answering is each server's own, for its own clients.

use std::sync::Arc;

use super::ZkServer;
use super::history::History;
use super::op::{OpResult, ZkError};
use super::persist::ZkRecord;
use super::tree::Znode;
use super::txn::{Change, Txn, TxnBody};
use crate::engine::context::{Cause, Context, Id};
use crate::engine::event::EventKind;

impl ZkServer {
    /// Adds a proposal to the log; it counts as written once the page cache has it (deviation: zk-flush).
    pub(super) fn write_down(&mut self, txn: Arc<Txn>, ctx: &mut Context<'_>) {
        ctx.disks.keep(self.id, ZkRecord::Proposal(&txn));
        self.history.append(txn);
    }

    /// Notes what was promised and begun.
    pub(super) fn keep_epochs(&mut self, ctx: &mut Context<'_>) {
        let History { accepted_epoch: accepted, current_epoch: current, .. } = self.history;
        ctx.disks.keep(self.id, ZkRecord::Epochs { accepted, current });
    }

    /// Applies a committed transaction as the leader, which tells what happened. Returns the ephemerals that went with it,
    /// and the events that say so.
    pub(super) fn apply(&mut self, txn: &Txn, ctx: &mut Context<'_>) -> Vec<(Arc<str>, Id)> {
        let ephemerals = self.ephemerals_that_go(txn);
        let result = self.state.apply(txn);
        if let TxnBody::CreateSession { owner: Some(owner), .. } = &txn.body {
            ctx.emit(EventKind::SessionOpened { session: txn.session.0, owner: owner.node() });
        }
        let mut gone = Vec::new();
        for (path, session) in ephemerals {
            let event = ctx.because(ctx.cause.clone(), |ctx| {
                ctx.emit(EventKind::EphemeralGone { path: path.to_string(), session })
            });
            gone.push((path, event));
        }
        self.happened(txn, result, &gone, ctx);
        gone
    }

    /// Applies a committed transaction as a follower, to whom the leader has said what went with it.
    pub(super) fn apply_as_told(&mut self, txn: &Txn, gone: &[(Arc<str>, Id)], ctx: &mut Context<'_>) {
        let result = self.state.apply(txn);
        self.happened(txn, result, gone, ctx);
    }

    /// The ephemerals that a transaction takes away, and whose they are.
    fn ephemerals_that_go(&self, txn: &Txn) -> Vec<(Arc<str>, i64)> {
        let owner = |path: &str| self.state.tree.get(path).and_then(Znode::ephemeral_owner);
        let deleted = |change: &Change| match change {
            Change::Delete { path } => owner(path).map(|owner| (Arc::clone(path), owner.0)),
            _ => None,
        };
        txn.body.changes().iter().filter_map(deleted).collect()
    }

    /// A transaction is applied: the watchers are told, then whoever asked for it. What is told of an ephemeral's end is
    /// caused by that end.
    fn happened(
        &mut self,
        txn: &Txn,
        result: Result<OpResult, ZkError>,
        gone: &[(Arc<str>, Id)],
        ctx: &mut Context<'_>,
    ) {
        if matches!(txn.body, TxnBody::CloseSession { .. }) {
            // Before the watches: nobody is told of his own end.
            self.closed(txn.session, ctx);
        }
        for change in txn.body.changes().iter() {
            let fired = self.watches.fire(change);
            let event = match change {
                Change::Delete { path } => gone.iter().find(|(gone, _)| gone == path).map(|(_, event)| *event),
                _ => None,
            };
            let cause = match event {
                Some(event) => Cause { event: Some(event), ..ctx.cause.clone() },
                None => ctx.cause.clone(),
            };
            ctx.because(cause, |ctx| self.tell_watchers(fired, ctx));
        }
        match &txn.body {
            TxnBody::CreateSession { timeout, owner } => {
                self.watch_over(txn.session, *timeout, *owner, ctx);
                self.opened(txn.session, *timeout, ctx);
            }
            TxnBody::CloseSession { .. } => {}
            _ => self.settled(txn.session, txn.cxid, result, ctx),
        }
        self.history.keep_short(&self.state);
    }
}

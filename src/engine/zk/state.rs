//! What all servers of an ensemble come to alike: the znodes and the sessions, as of a transaction.
//!
//! Applying a transaction needs no decision and nothing but what was applied before, so every server has the same state
//! at the same zxid. A clone is cheap: the tree is shared.

use std::collections::BTreeMap;
use std::time::Duration;

use super::message::{SessionId, ZkPeer};
use super::op::{OpResult, ZkError, Zxid};
use super::tree::Tree;
use super::txn::{Txn, TxnBody};

/// A session as every server knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The session time-out that was granted.
    pub timeout: Duration,
    /// Who opened it; `None` where it was found on a disk, which does not say.
    pub opened_by: Option<ZkPeer>,
}

/// Znodes and sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The znodes.
    pub tree: Tree,
    /// The sessions that are open.
    pub sessions: BTreeMap<SessionId, Granted>,
    /// The last transaction applied.
    pub zxid: Zxid,
}

impl State {
    /// Applies the transaction after [`Self::zxid`]. The result is that of the request behind it; for sessions, which
    /// have none, it says nothing.
    ///
    /// # Errors
    /// What the request was refused with.
    pub fn apply(&mut self, txn: &Txn) -> Result<OpResult, ZkError> {
        self.zxid = txn.zxid;
        match &txn.body {
            TxnBody::CreateSession { timeout, owner } => {
                self.sessions.insert(txn.session, Granted { timeout: *timeout, opened_by: *owner });
            }
            TxnBody::CloseSession { .. } => {
                self.sessions.remove(&txn.session);
            }
            TxnBody::Change(_) | TxnBody::Multi(_) => {}
            TxnBody::Refused(error) => return Err(*error),
            TxnBody::MultiRefused(failure) => return Ok(OpResult::Multi(Err(*failure))),
        }
        let made = txn.body.changes();
        let results: Result<Vec<_>, _> =
            made.iter().map(|change| self.tree.apply(change, txn.zxid, txn.time_ms)).collect();
        let mut results = results?;
        Ok(match &txn.body {
            TxnBody::Change(_) => results.pop().unwrap_or(OpResult::Checked),
            TxnBody::Multi(_) => OpResult::Multi(Ok(results)),
            _ => OpResult::Synced,
        })
    }
}

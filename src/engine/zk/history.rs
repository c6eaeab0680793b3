//! What a server has on its disk: promises, the state at some transaction, and the log of those after it.
//!
//! The log has what was proposed, committed or not: which of it counts is settled by the next leader. So a server that
//! looks for a leader takes all of it as its own, and may be told to cut some of it off again.
//!
//! Every so many transactions the state is kept and the log before the one kept last is let go, as ZooKeeper takes a
//! snapshot every `snapCount` of them: what a follower lacks that was away for longer is sent as a whole state.

use std::collections::VecDeque;
use std::sync::Arc;

use super::op::Zxid;
use super::state::State;
use super::txn::Txn;
use super::zab::Ends;

/// After so many transactions the state is kept. Between one and two of them are in the log: as many as ZooKeeper keeps at
/// hand for followers that were away (`zookeeper.commitLogCount`, 500).
const SNAPSHOT_EVERY: usize = 500;

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The newest epoch that was promised to a leader (`acceptedEpoch`).
    pub accepted_epoch: i64,
    /// The epoch of the last leader that was followed (`currentEpoch`).
    pub current_epoch: i64,
    /// The state before the log.
    base: State,
    /// A later one, to become the base when the log has grown.
    next: Option<State>,
    /// The transactions after the base.
    log: VecDeque<Arc<Txn>>,
    ends: Ends,
}

impl History {
    /// One that goes on from `state`, as it was found on a disk.
    pub fn after(state: State) -> Self {
        let epoch = state.zxid.epoch();
        let last = if state.zxid == Zxid::ZERO { Vec::new() } else { vec![state.zxid] };
        let ends = Ends { last, base: state.zxid };
        Self { accepted_epoch: epoch, current_epoch: epoch, base: state, ends, ..Self::default() }
    }

    /// The newest transaction, committed or not.
    pub fn newest(&self) -> Zxid {
        self.ends.newest()
    }

    /// Where each epoch ends in it.
    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    /// The transactions after `zxid`, oldest first.
    pub fn since(&self, zxid: Zxid) -> impl Iterator<Item = &Arc<Txn>> {
        let from = self.log.partition_point(|txn| txn.zxid <= zxid);
        self.log.range(from..)
    }

    /// Adds a transaction that comes after all others; nothing for one that is there.
    pub fn append(&mut self, txn: Arc<Txn>) {
        if txn.zxid > self.newest() {
            self.ends.push(txn.zxid);
            self.log.push_back(txn);
        }
    }

    /// Takes away all after `zxid`, which is not before the base.
    pub fn truncate(&mut self, zxid: Zxid) {
        self.next = self.next.take().filter(|next| next.zxid <= zxid);
        let keep = self.log.partition_point(|txn| txn.zxid <= zxid);
        self.log.truncate(keep);
        self.ends.truncate(zxid);
    }

    /// Begins anew with a leader's state.
    pub fn install(&mut self, state: State, ends: Ends) {
        self.ends = Ends { base: state.zxid, ..ends };
        self.ends.truncate(state.zxid);
        self.base = state;
        self.next = None;
        self.log.clear();
    }

    /// The state with all of the log applied.
    pub fn replayed(&self) -> State {
        let mut state = self.next.as_ref().unwrap_or(&self.base).clone();
        self.bring_up(&mut state);
        state
    }

    /// Applies to a state of this history what came after it.
    pub fn bring_up(&self, state: &mut State) {
        let after = state.zxid;
        for txn in self.since(after) {
            // A request that was refused is an answer, not a failure.
            let _ = state.apply(txn);
        }
    }

    /// Lets go what lies far back. `committed` is the state that nothing is cut before any more.
    pub fn keep_short(&mut self, committed: &State) {
        let kept = self.next.as_ref().unwrap_or(&self.base).zxid;
        let new = self.log.partition_point(|txn| txn.zxid <= committed.zxid);
        let old = self.log.partition_point(|txn| txn.zxid <= kept);
        if new < old + SNAPSHOT_EVERY {
            return;
        }
        if let Some(next) = self.next.replace(committed.clone()) {
            self.log.drain(..old);
            self.ends.base = next.zxid;
            self.base = next;
        }
    }

    /// How many transactions are in the log.
    pub fn len(&self) -> usize {
        self.log.len()
    }

    /// Whether the log is empty.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::engine::zk::message::SessionId;
    use crate::engine::zk::txn::{Change, TxnBody};

    fn zxid(epoch: i64, counter: i64) -> Zxid {
        Zxid((epoch << 32) | counter)
    }

    fn create(zxid: Zxid) -> Arc<Txn> {
        let change = Change::Create { path: format!("/{:x}", zxid.0).into(), data: Bytes::new(), owner: None };
        Arc::new(Txn { zxid, time_ms: 0, session: SessionId(1), cxid: 0, body: TxnBody::Change(change) })
    }

    #[test]
    fn what_is_cut_off_is_gone_from_the_state() {
        let mut history = History::default();
        (1..=5).for_each(|n| history.append(create(zxid(1, n))));
        let at_three = {
            let mut state = State::default();
            history.since(Zxid::ZERO).take(3).for_each(|txn| drop(state.apply(txn)));
            state
        };
        assert_eq!(history.replayed().zxid, zxid(1, 5));
        history.truncate(zxid(1, 3));
        assert_eq!((history.replayed(), history.newest()), (at_three, zxid(1, 3)));
        history.append(create(zxid(2, 1)));
        assert_eq!(history.since(zxid(1, 3)).count(), 1);
        assert!(history.replayed().tree.get("/100000004").is_none());
    }

    #[test]
    fn the_log_stays_short_and_the_state_the_same() {
        let (mut history, mut state) = (History::default(), State::default());
        for n in 1..=2_345 {
            let txn = create(zxid(1, n));
            history.append(Arc::clone(&txn));
            state.apply(&txn).unwrap();
            history.keep_short(&state);
            assert!(history.len() <= 2 * SNAPSHOT_EVERY, "{}", history.len());
        }
        assert!(history.len() >= SNAPSHOT_EVERY);
        assert_eq!(history.replayed(), state);
        let base = history.ends().base;
        assert_eq!(history.since(base).count(), history.len());
        let mut later = History::after(history.base.clone());
        history.since(base).for_each(|txn| later.append(Arc::clone(txn)));
        assert_eq!(later.replayed(), state);
    }

    #[test]
    fn what_is_not_committed_is_never_in_a_kept_state() {
        let (mut history, mut state) = (History::default(), State::default());
        for n in 1..=1_200 {
            history.append(create(zxid(1, n)));
        }
        for txn in history.since(Zxid::ZERO).take(600).cloned().collect::<Vec<_>>() {
            state.apply(&txn).unwrap();
            history.keep_short(&state);
        }
        history.truncate(zxid(1, 600));
        assert_eq!(history.replayed(), state);
    }
}

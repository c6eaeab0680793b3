//! The operations of a client on their way: queued, sent, answered, and handed over batch by batch.
//!
//! Knows nothing of connections or time; [`ZkClient`](super::ZkClient) decides when to send and when all is lost.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::watches::{WatchSet, Watches};
use super::{Ticket, ZkClientEvent};
use crate::engine::context::Cause;
use crate::engine::zk::message::WatchEvent;
use crate::engine::zk::op::{Op, OpResult, ZkError};

/// How many requests a client has unanswered at most; what is more waits at the client.
/// Kafka's own limit is 10 (`zookeeper.max.in.flight.requests`), made for a server that shares one disk.
pub(super) const MAX_IN_FLIGHT: usize = 1_000;

/// All operations that were submitted and not handed over yet, in their order: first the sent, then the queued.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// The xid of the newest request; 0 before the first.
    last_xid: i32,
    /// The number of the newest batch; 0 before the first.
    last_ticket: u64,
    /// Sent and not answered, oldest first.
    sent: VecDeque<Sent>,
    /// Not sent yet, oldest first.
    queued: VecDeque<Queued>,
    /// Those that the operations belong to, oldest first. None is complete: it would have been handed over.
    batches: VecDeque<Batch>,
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
struct Sent {
    xid: i32,
    watch: Option<AskedWatch>,
}

/// An operation that waits for a connection, and why it is asked.
#[derive(Clone, Debug)]
struct Queued {
    op: Op,
    cause: Cause,
}

/// What was submitted at once.
#[derive(Clone, Debug)]
struct Batch {
    ticket: Ticket,
    /// How many answers make it complete: at least 1.
    size: usize,
    /// Nothing was asked, and an operation stands in for it, so that its turn comes in order.
    empty: bool,
    results: Vec<Result<OpResult, ZkError>>,
    /// Paths on which `results` left watches: the owner has not seen yet what was read there.
    watched: BTreeSet<Arc<str>>,
    /// What those watches have told since.
    held: Vec<WatchEvent>,
}

/// A watch that is left if the answer allows it.
#[derive(Clone, Debug)]
struct AskedWatch {
    path: Arc<str>,
    by: Reader,
}

/// Which operation asks for a watch: the answer decides differently for each.
#[derive(Clone, Copy, Debug)]
enum Reader {
    GetData,
    Exists,
    GetChildren,
}

impl Calls {
    /// Queues a batch.
    pub(super) fn add(&mut self, mut ops: Vec<Op>, cause: &Cause) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let empty = ops.is_empty();
        if empty {
            ops.push(Op::Sync);
        }
        self.batches.push_back(Batch {
            ticket,
            size: ops.len(),
            empty,
            results: Vec::with_capacity(ops.len()),
            watched: BTreeSet::new(),
            held: Vec::new(),
        });
        self.queued.extend(ops.into_iter().map(|op| Queued { op, cause: cause.clone() }));
        ticket
    }

    /// The next operation to send, with its xid and cause; it counts as sent. `None` where there is none, or enough
    /// are on their way.
    pub(super) fn next(&mut self) -> Option<(i32, Op, Cause)> {
        if self.sent.len() >= MAX_IN_FLIGHT {
            return None;
        }
        let Queued { op, cause } = self.queued.pop_front()?;
        // Java's client starts again at 1, too: what is below 0 has meanings of its own on the wire.
        self.last_xid = self.last_xid.checked_add(1).unwrap_or(1);
        self.sent.push_back(Sent { xid: self.last_xid, watch: asked_watch(&op) });
        Some((self.last_xid, op, cause))
    }

    /// Takes an answer, notes the watch that it left in `watches`, and gives out the batch that it completes.
    /// `None` unless it is that of the oldest request: answers come in order.
    pub(super) fn answer(
        &mut self,
        xid: i32,
        result: Result<OpResult, ZkError>,
        watches: &mut Arc<Watches>,
    ) -> Option<Vec<ZkClientEvent>> {
        if self.sent.front()?.xid != xid {
            return None;
        }
        let sent = self.sent.pop_front()?;
        if let (Some(asked), Some(batch)) = (sent.watch, self.batches.front_mut())
            && let Some(set) = set_for(asked.by, &result)
        {
            batch.watched.insert(Arc::clone(&asked.path));
            Arc::make_mut(watches).add(set, asked.path);
        }
        Some(self.settle(result))
    }

    /// A watch fired. It is given back unless what was read when it was left is still held here: the owner must hear
    /// of the change after it has seen the old state, or it would take the old for the new.
    pub(super) fn hold(&mut self, event: WatchEvent) -> Option<WatchEvent> {
        match self.batches.front_mut() {
            Some(batch) if batch.watched.contains(&event.path) => {
                batch.held.push(event);
                None
            }
            _ => Some(event),
        }
    }

    /// Answers all that was sent with `error`; what waits goes on waiting.
    pub(super) fn fail_sent(&mut self, error: ZkError) -> Vec<ZkClientEvent> {
        let count = self.sent.len();
        self.sent.clear();
        (0..count).flat_map(|_| self.settle(Err(error))).collect()
    }

    /// Answers everything with `error`.
    pub(super) fn fail_all(&mut self, error: ZkError) -> Vec<ZkClientEvent> {
        let count = self.pending();
        self.sent.clear();
        self.queued.clear();
        (0..count).flat_map(|_| self.settle(Err(error))).collect()
    }

    /// How many operations are not answered.
    pub(super) fn pending(&self) -> usize {
        self.sent.len() + self.queued.len()
    }

    /// Gives the oldest batch its next result. If that was its last, gives the batch out, and what its watches told.
    fn settle(&mut self, result: Result<OpResult, ZkError>) -> Vec<ZkClientEvent> {
        let Some(batch) = self.batches.front_mut() else { return Vec::new() };
        batch.results.push(result);
        if batch.results.len() < batch.size {
            return Vec::new();
        }
        let Some(Batch { ticket, empty, results, held, .. }) = self.batches.pop_front() else { return Vec::new() };
        let done = ZkClientEvent::Done { ticket, results: if empty { Vec::new() } else { results } };
        std::iter::once(done).chain(held.into_iter().map(ZkClientEvent::Watch)).collect()
    }
}

/// The watch that `op` asks for.
fn asked_watch(op: &Op) -> Option<AskedWatch> {
    let (path, by) = match op {
        Op::GetData { path, watch: true } => (path, Reader::GetData),
        Op::Exists { path, watch: true } => (path, Reader::Exists),
        Op::GetChildren { path, watch: true } => (path, Reader::GetChildren),
        _ => return None,
    };
    Some(AskedWatch { path: Arc::clone(path), by })
}

/// Where the watch belongs that an operation with this result left; `None` if it left none.
fn set_for(by: Reader, result: &Result<OpResult, ZkError>) -> Option<WatchSet> {
    match (by, result) {
        (Reader::GetData | Reader::Exists, Ok(_)) => Some(WatchSet::Data),
        (Reader::Exists, Err(ZkError::NoNode)) => Some(WatchSet::Exists),
        (Reader::GetChildren, Ok(_)) => Some(WatchSet::Children),
        _ => None,
    }
}

//! The way into the engine's thread: what sockets and sessions hand over waits here, stamped with the real time at which
//! it came. Bounded: whoever has no room waits, without blocking a thread.
//!
//! The engine takes all that waits at once, and is woken only where it sleeps: under load a request costs one short lock.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::engine::log::Disks;
use crate::engine::message::{Answer, By, Command, SocketId, StorageDone};
use crate::engine::node::BrokerId;
use crate::protocol::{Request, Response};

/// Inputs of sockets that may wait for the engine, over all connections.
const SOCKET_ROOM: usize = 4_096;

/// Inputs of sessions that may wait for the engine.
const CONTROL_ROOM: usize = 256;

/// Where nothing is due at all, the engine looks up once in this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What a connection gets from the engine.
#[derive(Debug)]
pub(in crate::engine) struct Reply {
    /// The number that the request came with.
    pub(in crate::engine) correlation: i32,
    /// The version to encode the answer in.
    pub(in crate::engine) version: i16,
    /// The answer.
    pub(in crate::engine) response: Response,
    /// The request's share of its connection's budget: given back when the answer is written and this is dropped.
    #[expect(dead_code, reason = "held, never looked at")]
    pub(in crate::engine) permit: Option<OwnedSemaphorePermit>,
}

/// The engine's end of a connection.
#[derive(Debug)]
pub(in crate::engine) struct Link {
    /// Where answers go. Never full: its room is that of the connection's budget.
    pub(in crate::engine) replies: mpsc::Sender<Reply>,
    /// Cancelled to close the connection; itself a child of its broker's process, and ends with that.
    pub(in crate::engine) open: CancellationToken,
}

/// A look at the value, and at the disks where what has left memory is read.
pub(in crate::engine) type Look<C> = Box<dyn FnOnce(&C, &mut dyn Disks) + Send>;

/// A look at the value before each step of a single-stepped lab.
pub(in crate::engine) type Watch<C> = Box<dyn FnMut(&C) + Send>;

/// One thing for the engine to handle. `C` is the cluster.
pub(in crate::engine) enum Entry<C> {
    /// A client connected.
    Connected { socket: SocketId, broker: BrokerId, peer: Arc<str>, link: Link },
    /// A client asks.
    Request {
        socket: SocketId,
        correlation: i32,
        version: i16,
        client_id: Arc<str>,
        request: Request,
        permit: OwnedSemaphorePermit,
    },
    /// A connection has ended.
    Disconnected { socket: SocketId },
    /// Somebody wants something done.
    Command { by: By, command: Command, answer: oneshot::Sender<Answer> },
    /// Somebody wants to look at the value, on the engine's thread.
    Inspect(Look<C>),
    /// The observer is to look now, whether something changed or not.
    Observe { done: oneshot::Sender<()> },
    /// Another rate, in millionths.
    Rate(u64),
    /// Stop time, or let it go on.
    Pause(bool),
    /// Deliver so many messages while time stands; the answer says how many there were.
    Step { messages: u32, watch: Watch<C>, done: oneshot::Sender<u32> },
    /// A storage job is done.
    Stored(StorageDone),
    /// End.
    Stop,
}

impl<C> Entry<C> {
    /// Whether it comes from a socket: that waits while time stands; what a person does acts at once.
    pub(super) fn is_from_socket(&self) -> bool {
        matches!(self, Self::Connected { .. } | Self::Request { .. } | Self::Disconnected { .. })
    }
}

/// An entry, when it came, and its share of the inbox's room.
pub(super) struct Stamped<C> {
    /// Real time since the runtime's start.
    pub(super) at: Duration,
    pub(super) entry: Entry<C>,
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

struct State<C> {
    waiting: Vec<Stamped<C>>,
    /// The engine waits to be woken.
    asleep: bool,
    /// The engine has ended: nothing is taken any more.
    closed: bool,
}

/// The engine has ended, by itself or by a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine has ended")]
pub struct Ended;

/// The inbox. Shared by all who have something to say.
pub(in crate::engine) struct Inbox<C> {
    start: Instant,
    state: Mutex<State<C>>,
    wake: Condvar,
    socket_room: Arc<Semaphore>,
    control_room: Arc<Semaphore>,
    ended: CancellationToken,
}

impl<C> Inbox<C> {
    /// An empty one; real time is counted from now.
    pub(in crate::engine) fn new() -> Arc<Self> {
        Arc::new(Self {
            #[expect(clippy::disallowed_methods, reason = "the runtime owns the clock")]
            start: Instant::now(),
            state: Mutex::new(State { waiting: Vec::new(), asleep: false, closed: false }),
            wake: Condvar::new(),
            socket_room: Arc::new(Semaphore::new(SOCKET_ROOM)),
            control_room: Arc::new(Semaphore::new(CONTROL_ROOM)),
            ended: CancellationToken::new(),
        })
    }

    /// Real time since the start.
    pub(in crate::engine) fn real(&self) -> Duration {
        self.start.elapsed()
    }

    /// Hands `entry` over, as soon as there is room.
    pub(in crate::engine) async fn send(&self, entry: Entry<C>) -> Result<(), Ended> {
        let room = if entry.is_from_socket() { &self.socket_room } else { &self.control_room };
        let room = Arc::clone(room).acquire_owned().await.map_err(|_| Ended)?;
        self.put(entry, Some(room))
    }

    /// Tells the engine to end. Never waits for room.
    pub(super) fn stop(&self) {
        // Ended already is what was wanted.
        let _ = self.put(Entry::Stop, None);
    }

    /// Tells the engine that a storage job is done. Never waits for room: there are no more than the engine has begun.
    pub(super) fn stored(&self, done: StorageDone) {
        // An engine that has ended waits for no job.
        let _ = self.put(Entry::Stored(done), None);
    }

    fn put(&self, entry: Entry<C>, room: Option<OwnedSemaphorePermit>) -> Result<(), Ended> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(Ended);
        }
        // Stamped under the lock: the order of the stamps is that of the queue.
        let at = self.start.elapsed();
        state.waiting.push(Stamped { at, entry, _room: room });
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Moves all that waits behind `into`, oldest first. Where nothing waits it sleeps until something comes, at the
    /// longest until the real time `until` (`None`: nothing is due).
    pub(super) fn take(&self, into: &mut impl Extend<Stamped<C>>, until: Option<Duration>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.waiting.is_empty() && !state.closed {
            let left = until.map_or(LONGEST_SLEEP, |until| until.saturating_sub(self.start.elapsed()));
            if left.is_zero() {
                break;
            }
            state.asleep = true;
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.asleep = false;
        into.extend(state.waiting.drain(..));
    }

    /// The engine has ended: who waits for room or hands something over hears so, and what waits is dropped.
    pub(super) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.socket_room.close();
        self.control_room.close();
        self.ended.cancel();
    }

    /// Waits until the engine has ended.
    pub(super) async fn closed(&self) {
        self.ended.cancelled().await;
    }
}

//! The engine's thread: it owns the cluster and the clock, takes inputs from sockets and sessions, runs what is due when
//! it is due, and delivers what comes out.
//!
//! It is a plain thread that sleeps on a condition variable until the next thing is due (tokio's timers have a grain of a
//! millisecond, which is five hops of a message in here). Nothing but this module and [`listener`](super::listener)
//! knows that the world outside exists.
//!
//! - **Two clocks.** Lab time runs at a rate, stops with pause, and lags where the engine cannot keep up or the process
//!   was stopped; it never jumps over work that is not done. Outside time is real time that only pause stops.
//! - **Pause.** Sockets are not read and stay open; what they had sent waits. What a person does acts at once, on a world
//!   that stands still.
//! - **Looking.** An [`Observer`] is shown the cluster at most ten times a second, only where something changed and
//!   somebody wants to know. Between that and the next timer the thread sleeps.

mod clock;
pub mod disks;
mod driver;
pub(in crate::engine) mod inbox;
mod memory;
mod sockets;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use clock::{RATE_RANGE_PPM, REAL_TIME_PPM};
pub use inbox::Ended;
pub use memory::MemoryDisks;

use super::cluster::{Cluster, Outside};
use super::context::Id;
use super::log::{Disks, InMemory};
use super::message::{Answer, By, Command, Input, StorageDone};
use super::node::BrokerId;
use super::time::{Clock, Now, Time};
use driver::{Driver, Parts, RealTime};
use inbox::{Entry, Inbox};

/// Brokers that may start before their ports are opened: more than a lab has.
const PORT_ORDERS: usize = 4_096;

/// The value that a runtime drives: a [`Cluster`], or a stand-in under test.
pub trait Core: Send + 'static {
    /// When something is due next on `clock`; [`Time::NEVER`] for nothing.
    fn due(&self, clock: Clock) -> Time;

    /// Handles one thing. See [`Cluster::step`].
    fn step(&mut self, input: Input, now: Now, outside: &mut Outside<'_>);

    /// The process ends: what is on the disks is to be whole.
    fn close(&self, disks: &mut dyn LabDisks);

    /// The message that arrives next, if one is in flight.
    fn next_message(&self) -> Option<Id>;

    /// Whether this message is still in flight.
    fn is_in_flight(&self, message: Id) -> bool;
}

impl Core for Cluster {
    fn due(&self, clock: Clock) -> Time {
        let due = Self::due(self);
        match clock {
            Clock::Lab => due.lab,
            Clock::Outside => due.outside,
        }
    }

    fn step(&mut self, input: Input, now: Now, outside: &mut Outside<'_>) {
        self.step_on(input, now, outside);
    }

    fn close(&self, disks: &mut dyn LabDisks) {
        disks.close(self);
    }

    fn next_message(&self) -> Option<Id> {
        self.in_flight().next().map(|message| message.id)
    }

    fn is_in_flight(&self, message: Id) -> bool {
        self.in_flight().any(|other| other.id == message)
    }
}

/// The clocks as an [`Observer`] is told of them.
#[derive(Clone, Copy, Debug)]
pub struct ClockView {
    /// Up to where the lab is handled, and outside time.
    pub now: Now,
    /// The wished rate, in millionths of real time.
    pub rate_ppm: u64,
    /// What the engine manages; 0 while time stands.
    pub effective_ppm: u64,
    /// Whether time stands.
    pub paused: bool,
    /// Since when, in real time.
    pub paused_for: Duration,
    /// Clients on sockets.
    pub connections: usize,
}

impl ClockView {
    /// A clock that runs as it is wished to, with nobody on a socket.
    pub fn at(now: Now, rate_ppm: u64) -> Self {
        Self { now, rate_ppm, effective_ppm: rate_ppm, paused: false, paused_for: Duration::ZERO, connections: 0 }
    }
}

/// Whoever looks at the cluster now and then, on the engine's thread: it should be quick about it.
pub trait Observer<C>: Send + 'static {
    /// Whether anybody wants to know at the moment.
    fn is_wanted(&self) -> bool;

    /// Something changed since the last time. It changes nothing of the core, but takes from it what the steps touched.
    fn observe(&mut self, cluster: &mut C, clock: &ClockView);
}

/// A broker's process started: its port is to be opened, and closed when the token is cancelled.
#[derive(Debug)]
pub(in crate::engine) struct PortOrder {
    /// Whose.
    pub(in crate::engine) broker: BrokerId,
    /// Ends with the process.
    pub(in crate::engine) process: CancellationToken,
}

/// What the listener gets of a runtime.
pub struct Edge<C> {
    /// Where it puts what comes in.
    pub(in crate::engine) inbox: Arc<Inbox<C>>,
    /// Which ports to open.
    pub(in crate::engine) orders: mpsc::Receiver<PortOrder>,
    /// Whether time stands: sockets are not read then.
    pub(in crate::engine) paused: watch::Receiver<bool>,
}

/// The way to a running engine. Clones lead to the same one.
pub struct Handle<C = Cluster> {
    inbox: Arc<Inbox<C>>,
    failure: Arc<OnceLock<String>>,
}

impl<C> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self { inbox: Arc::clone(&self.inbox), failure: Arc::clone(&self.failure) }
    }
}

impl<C: Core> Handle<C> {
    /// Has a command done; waits for what comes of it, which takes lab time where brokers are asked.
    pub async fn command(&self, command: Command) -> Result<Answer, Ended> {
        self.command_by(By::Program, command).await
    }

    /// The same, with how it was given.
    pub async fn command_by(&self, by: By, command: Command) -> Result<Answer, Ended> {
        self.ask(|answer| Entry::Command { by, command, answer }).await
    }

    /// Looks at the value between two steps. Nothing else happens meanwhile: `look` should be quick.
    pub async fn inspect<T: Send + 'static>(&self, look: impl FnOnce(&C) -> T + Send + 'static) -> Result<T, Ended> {
        self.inspect_disks(|cluster, _| look(cluster)).await
    }

    /// The same, for who may have to read what has left memory.
    pub async fn inspect_disks<T: Send + 'static>(
        &self,
        look: impl FnOnce(&C, &mut dyn Disks) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        self.ask(|answer| {
            Entry::Inspect(Box::new(move |cluster, disks| {
                // Whoever asked may have gone.
                let _ = answer.send(look(cluster, disks));
            }))
        })
        .await
    }

    /// Has the observer look now, whether something changed or not; returns when it has.
    pub async fn observe(&self) -> Result<(), Ended> {
        self.ask(|done| Entry::Observe { done }).await
    }

    /// Sets the rate, in millionths of real time, brought into [`RATE_RANGE_PPM`].
    pub async fn set_rate(&self, rate_ppm: u64) -> Result<(), Ended> {
        self.inbox.send(Entry::Rate(rate_ppm)).await
    }

    /// Stops time, or lets it go on.
    pub async fn pause(&self, paused: bool) -> Result<(), Ended> {
        self.inbox.send(Entry::Pause(paused)).await
    }

    /// While time stands: delivers the next `messages` messages with what is due before them. Returns how many there
    /// were; 0 where time runs. `watch` sees the value before each of them, and before what is due in between: the message
    /// that arrives next is the one that is delivered.
    pub async fn step(&self, messages: u32, watch: impl FnMut(&C) + Send + 'static) -> Result<u32, Ended> {
        self.ask(|done| Entry::Step { messages, watch: Box::new(watch), done }).await
    }

    /// Ends the engine's thread after what it is at.
    pub fn stop(&self) {
        self.inbox.stop();
    }

    /// Waits until the engine has ended.
    pub async fn ended(&self) {
        self.inbox.closed().await;
    }

    /// What the engine died of, if it did not end by [`Handle::stop`].
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    async fn ask<T>(&self, entry: impl FnOnce(oneshot::Sender<T>) -> Entry<C>) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        self.inbox.send(entry(answer)).await?;
        answered.await.map_err(|_| Ended)
    }
}

/// The disks of a lab that runs, and the way back for jobs that take long.
pub trait LabDisks: Disks + Send {
    /// Where answers to jobs go that are not done at once. Told before the first job.
    fn answer_to(&mut self, answers: Box<dyn Fn(StorageDone) + Send + Sync>);

    /// The answer to a job is about to be handled.
    fn answered(&mut self, done: &StorageDone);

    /// A step is over, at `now` of the lab's time: what it did not take of the answer that it handled is not wanted.
    fn settled(&mut self, _now: Time) {}

    /// The process ends: the disks are to be left in order, with what `cluster` knows.
    fn close(&mut self, cluster: &Cluster);
}

impl LabDisks for InMemory {
    fn answer_to(&mut self, _answers: Box<dyn Fn(StorageDone) + Send + Sync>) {}

    fn answered(&mut self, _done: &StorageDone) {}

    fn close(&mut self, _cluster: &Cluster) {}
}

/// How a runtime starts.
pub struct Start {
    /// The date of lab time zero: milliseconds since 1970, UTC.
    pub epoch_ms: i64,
    /// Lab time per real time, in millionths.
    pub rate_ppm: u64,
    /// The disks.
    pub disks: Box<dyn LabDisks>,
}

/// A runtime that was started.
pub struct Runtime<C = Cluster> {
    /// The way to it.
    pub handle: Handle<C>,
    /// What [`listener`](super::listener) needs of it.
    pub edge: Edge<C>,
    /// Its thread: ends after [`Handle::stop`], or when the engine dies.
    pub thread: JoinHandle<()>,
}

/// Starts the engine's thread. Fails where the operating system gives no thread.
pub fn start<C: Core, O: Observer<C>>(core: C, observer: O, start: Start) -> std::io::Result<Runtime<C>> {
    let inbox = Inbox::new();
    let (order, orders) = mpsc::channel(PORT_ORDERS);
    let (paused, is_paused) = watch::channel(false);
    let failure = Arc::new(OnceLock::new());
    let Start { epoch_ms, rate_ppm, mut disks } = start;
    let answers = Arc::clone(&inbox);
    disks.answer_to(Box::new(move |done| answers.stored(done)));
    let parts = Parts { core, observer, epoch_ms, rate_ppm, disks, ports: order, paused };
    let (of_thread, died) = (Arc::clone(&inbox), Arc::clone(&failure));
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        // What the closure owns is dropped by the unwinding, and nobody looks at it afterwards.
        let run = std::panic::AssertUnwindSafe(|| run(parts, &of_thread));
        if let Err(panic) = std::panic::catch_unwind(run) {
            let _ = died.set(panic_text(panic.as_ref()));
        }
        of_thread.close();
    })?;
    let edge = Edge { inbox: Arc::clone(&inbox), orders, paused: is_paused };
    Ok(Runtime { handle: Handle { inbox, failure }, edge, thread })
}

impl<C> RealTime for Inbox<C> {
    fn real(&self) -> Duration {
        Self::real(self)
    }
}

fn run<C: Core, O: Observer<C>>(parts: Parts<C, O>, inbox: &Inbox<C>) {
    let mut driver = Driver::new(parts, inbox.real());
    loop {
        let next = driver.turn(inbox);
        if driver.is_stopped() {
            driver.close();
            break;
        }
        inbox.take(driver.inputs(), next);
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the engine panicked".to_owned())
}

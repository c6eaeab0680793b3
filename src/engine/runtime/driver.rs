//! What the engine's thread does, one turn at a time, without the thread: it decides what is handled when, hands it to
//! the cluster, and delivers what comes out. Real time is asked of a [`RealTime`], so that tests can hold it.
//!
//! The order: what is due before an input's time runs first, at its own time. A turn is at most [`SLICE`]; what is left
//! is next turn's. While time stands, what sockets sent waits in its order, and runs before any timer when time goes on.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::clock::LabClock;
use super::inbox::{Entry, Stamped, Watch};
use super::sockets::Sockets;
use super::{ClockView, Core, LabDisks, Observer, PortOrder};
use crate::engine::FastMap;
use crate::engine::cluster::Outside;
use crate::engine::message::{Answer, By, Command, Input, Output, StorageDone, Ticket};
use crate::engine::time::{Clock, Now, Time};

/// The longest that work goes on before inputs and the observer get their turn.
const SLICE: Duration = Duration::from_millis(5);

/// The observer looks at most once in this real time.
const OBSERVED_EVERY: Duration = Duration::from_millis(100);
/// After a look it rests so many times as long as the look took: a large cluster is looked at less often rather than
/// held up by it.
const REST: u32 = 7;

/// How many timers one step goes through at most to find a message: without one in sight, a step is that.
const STEP_TIMERS: u32 = 10_000;

/// Real time, counted from the runtime's start.
pub(super) trait RealTime {
    /// Now.
    fn real(&self) -> Duration;
}

/// The state of the engine's thread.
pub(super) struct Driver<C, O> {
    core: C,
    clock: LabClock,
    epoch_ms: i64,
    /// What is to be handled, oldest first.
    inputs: VecDeque<Stamped<C>>,
    /// What sockets sent while time stands, oldest first.
    held: VecDeque<Stamped<C>>,
    sockets: Sockets,
    ports: mpsc::Sender<PortOrder>,
    tickets: FastMap<Ticket, oneshot::Sender<Answer>>,
    last_ticket: Ticket,
    outputs: Vec<Output>,
    disks: Box<dyn LabDisks>,
    /// Storage jobs that were done at once, and not told yet.
    stored: VecDeque<StorageDone>,
    observer: O,
    /// Something happened since the observer last looked.
    changed: bool,
    observed: Duration,
    /// How long the observer's last look took.
    look_took: Duration,
    paused: tokio::sync::watch::Sender<bool>,
    stopped: bool,
}

/// What a [`Driver`] is made of.
pub(super) struct Parts<C, O> {
    pub(super) core: C,
    pub(super) observer: O,
    pub(super) epoch_ms: i64,
    pub(super) rate_ppm: u64,
    pub(super) disks: Box<dyn LabDisks>,
    pub(super) ports: mpsc::Sender<PortOrder>,
    pub(super) paused: tokio::sync::watch::Sender<bool>,
}

impl<C: Core, O: Observer<C>> Driver<C, O> {
    pub(super) fn new(parts: Parts<C, O>, real: Duration) -> Self {
        Self {
            core: parts.core,
            clock: LabClock::new(real, parts.rate_ppm),
            epoch_ms: parts.epoch_ms,
            inputs: VecDeque::new(),
            held: VecDeque::new(),
            sockets: Sockets::default(),
            ports: parts.ports,
            tickets: FastMap::default(),
            last_ticket: 0,
            outputs: Vec::new(),
            disks: parts.disks,
            stored: VecDeque::new(),
            observer: parts.observer,
            changed: true,
            observed: Duration::ZERO,
            look_took: Duration::ZERO,
            paused: parts.paused,
            stopped: false,
        }
    }

    /// Where new inputs go.
    pub(super) fn inputs(&mut self) -> &mut VecDeque<Stamped<C>> {
        &mut self.inputs
    }

    /// Whether it was told to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The last thing that is done.
    pub(super) fn close(&mut self) {
        self.core.close(&mut *self.disks);
    }

    /// Works for one slice at most, then lets the observer look. Returns the real time at which there is more to do;
    /// `None` where only an input can change anything.
    pub(super) fn turn(&mut self, real: &impl RealTime) -> Option<Duration> {
        let mut now = real.real();
        let end = now.saturating_add(SLICE);
        self.clock.lag(now, self.core.due(Clock::Lab));
        while now < end && !self.stopped && self.work(now) {
            now = real.real();
        }
        if self.let_observe(now) {
            self.look_took = real.real().saturating_sub(now);
        }
        self.next_work(now)
    }

    /// Handles the one thing that comes first; false where nothing is to be done by `real`.
    fn work(&mut self, real: Duration) -> bool {
        let until = self.inputs.front().map_or(real, |input| input.at);
        let now = self.now(until);
        if self.is_due(now) {
            self.step(Input::Due, now);
            return true;
        }
        let Some(input) = self.inputs.pop_front() else { return false };
        if self.clock.is_paused() && input.entry.is_from_socket() {
            self.held.push_back(input);
        } else {
            self.take(input, now, real);
        }
        true
    }

    fn now(&self, real: Duration) -> Now {
        let (lab, outside) = self.clock.at(real);
        Now { lab, outside, epoch_ms: self.epoch_ms }
    }

    fn is_due(&self, now: Now) -> bool {
        !self.clock.is_paused()
            && (self.core.due(Clock::Lab) <= now.lab || self.core.due(Clock::Outside) <= now.outside)
    }

    /// One step, and those of the storage jobs that it leads to and that are done at once.
    fn step(&mut self, input: Input, now: Now) {
        let mut next = Some(input);
        while let Some(input) = next {
            self.core.step(input, now, &mut Outside { outputs: &mut self.outputs, disks: &mut *self.disks });
            self.disks.settled(now.lab);
            self.deliver();
            next = self.stored.pop_front().map(Input::Storage);
        }
        self.changed = true;
    }

    fn take(&mut self, input: Stamped<C>, now: Now, real: Duration) {
        match input.entry {
            Entry::Connected { socket, broker, peer, link } => {
                if self.sockets.connected(socket, broker, link) {
                    self.step(Input::Connected { socket, broker, peer }, now);
                }
            }
            Entry::Request { socket, correlation, version, client_id, request, permit } => {
                if self.sockets.asked(socket, permit) {
                    self.step(Input::Request { socket, correlation, version, client_id, request }, now);
                }
            }
            Entry::Disconnected { socket } => {
                if self.sockets.disconnected(socket) {
                    self.step(Input::Disconnected { socket }, now);
                }
            }
            Entry::Command { by, command, answer } => self.command(by, command, answer, now),
            Entry::Inspect(look) => look(&self.core, &mut *self.disks),
            Entry::Observe { done } => {
                self.observe(real);
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            Entry::Rate(rate_ppm) => {
                self.clock.set_rate(real, rate_ppm);
                self.changed = true;
            }
            Entry::Pause(paused) => self.pause(real, paused),
            Entry::Step { messages, watch, done } => {
                // As above.
                let _ = done.send(self.single_steps(messages, watch, real));
            }
            Entry::Stored(done) => {
                self.disks.answered(&done);
                self.step(Input::Storage(done), now);
            }
            Entry::Stop => self.stopped = true,
        }
    }

    fn command(&mut self, by: By, command: Command, answer: oneshot::Sender<Answer>, now: Now) {
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        self.tickets.insert(ticket, answer);
        self.step(Input::Command { ticket, by, command }, now);
    }

    fn pause(&mut self, real: Duration, paused: bool) {
        self.clock.pause(real, paused);
        self.changed = true;
        self.paused.send_replace(paused);
        if !paused {
            self.held.append(&mut self.inputs);
            std::mem::swap(&mut self.held, &mut self.inputs);
        }
    }

    /// Delivers the next `messages` messages with what is due before them, while time stands.
    fn single_steps(&mut self, messages: u32, mut watch: Watch<C>, real: Duration) -> u32 {
        if !self.clock.is_paused() {
            return 0;
        }
        let delivered = (0..messages).take_while(|_| self.single_step(&mut watch, real)).count();
        u32::try_from(delivered).unwrap_or(messages)
    }

    /// Handles what is due on the lab clock up to and with the next message; false where there is nothing at all.
    fn single_step(&mut self, watch: &mut Watch<C>, real: Duration) -> bool {
        for _ in 0..STEP_TIMERS {
            let due = self.core.due(Clock::Lab);
            if due == Time::NEVER {
                return false;
            }
            watch(&self.core);
            let message = self.core.next_message();
            self.clock.stepped_to(due);
            self.step(Input::Due, self.now(real));
            if message.is_some_and(|id| !self.core.is_in_flight(id)) {
                return true;
            }
        }
        true
    }

    fn deliver(&mut self) {
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Reply { socket, correlation, version, response } => {
                    self.sockets.answered(socket, correlation, version, response);
                }
                Output::Close { socket } => self.sockets.close(socket),
                Output::Storage(job) => self.stored.extend(self.disks.take_up(job)),
                Output::Answer { ticket, answer } => {
                    if let Some(waiting) = self.tickets.remove(&ticket) {
                        // Whoever asked may have gone.
                        let _ = waiting.send(answer);
                    }
                }
                Output::Listening { broker, open: true } => {
                    let process = self.sockets.started(broker);
                    if self.ports.try_send(PortOrder { broker, process }).is_err() {
                        tracing::error!("{broker} cannot listen: nobody opens ports any more");
                    }
                }
                Output::Listening { broker, open: false } => self.sockets.ended(broker),
            }
        }
        self.outputs = outputs;
    }

    /// Lets the observer look, if it is time to; whether it did.
    fn let_observe(&mut self, real: Duration) -> bool {
        let looks = self.changed && real >= self.next_look() && self.observer.is_wanted();
        if looks {
            self.observe(real);
        }
        looks
    }

    fn observe(&mut self, real: Duration) {
        self.changed = false;
        self.observed = real;
        let now = self.now(real);
        let view = ClockView {
            // Lab time never shows what is not handled yet.
            now: Now { lab: now.lab.min(self.core.due(Clock::Lab)), ..now },
            rate_ppm: self.clock.rate_ppm(),
            effective_ppm: self.clock.effective_ppm(real),
            paused: self.clock.is_paused(),
            paused_for: self.clock.paused_for(real),
            connections: self.sockets.len(),
        };
        self.observer.observe(&mut self.core, &view);
    }

    fn next_look(&self) -> Duration {
        self.observed.saturating_add(OBSERVED_EVERY.max(self.look_took.saturating_mul(REST + 1)))
    }

    fn next_work(&self, real: Duration) -> Option<Duration> {
        if !self.inputs.is_empty() {
            return Some(real);
        }
        let look = (self.changed && self.observer.is_wanted()).then(|| self.next_look());
        let lab = self.clock.real_of_lab(self.core.due(Clock::Lab));
        let outside = self.clock.real_of_outside(self.core.due(Clock::Outside));
        [look, lab, outside].into_iter().flatten().min()
    }
}

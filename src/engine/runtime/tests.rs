//! The runtime's rules, with real time in the test's hand and a cluster that notes what it is told.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::driver::{Driver, Parts, RealTime};
use super::inbox::{Entry, Link, Reply, Stamped};
use super::{ClockView, Core, LabDisks, Observer, PortOrder, Start};
use crate::engine::cluster::Outside;
use crate::engine::context::Id;
use crate::engine::log::InMemory;
use crate::engine::message::{Answer, By, Command, Input, Output, SocketId, StorageJob, StorageWork};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::time::{Clock, Now, Time};
use crate::protocol::{DescribeClusterRequest, DescribeClusterResponse};

/// What the stand-in was told: what, and when on both clocks in milliseconds.
type Log = Arc<Mutex<Vec<(String, u64, u64)>>>;

/// A cluster with nothing but timers and messages that were set beforehand.
#[derive(Default)]
struct Stand {
    log: Log,
    lab: BTreeMap<Time, &'static str>,
    outside: BTreeMap<Time, &'static str>,
    /// Set again this much later whenever it fires.
    every: Option<Duration>,
    /// Lab times whose entry is a message; the time is its number.
    messages: Vec<u64>,
    real: Arc<Hand>,
    /// What handling one thing costs in real time.
    cost: Duration,
}

impl Stand {
    fn note(&self, what: String, now: Now) {
        self.log.lock().unwrap().push((what, now.lab.as_millis(), now.outside.as_millis()));
    }
}

impl Core for Stand {
    fn due(&self, clock: Clock) -> Time {
        let timers = if clock == Clock::Lab { &self.lab } else { &self.outside };
        timers.first_key_value().map_or(Time::NEVER, |(at, _)| *at)
    }

    fn close(&self, _disks: &mut dyn LabDisks) {}

    fn step(&mut self, input: Input, now: Now, outside: &mut Outside<'_>) {
        let outputs = &mut *outside.outputs;
        self.real.advance(self.cost);
        match input {
            Input::Due if self.due(Clock::Lab) <= now.lab => {
                let (at, what) = self.lab.pop_first().unwrap();
                self.messages.retain(|message| *message != at.as_millis());
                self.note(what.to_owned(), Now { lab: at, ..now });
                if let Some(every) = self.every {
                    self.lab.insert(at + every, what);
                }
            }
            Input::Due => {
                let (at, what) = self.outside.pop_first().unwrap();
                self.note(what.to_owned(), Now { outside: at, ..now });
            }
            Input::Command { ticket, command, .. } => {
                self.note(format!("{command:?}"), now);
                if let Command::Start(broker) | Command::Kill(broker) = command {
                    let open = matches!(command, Command::Start(_));
                    outputs.push(Output::Listening { broker, open });
                }
                if let Command::Shutdown(broker) = command {
                    let work = StorageWork::Flush { partition: TopicPartition::new("t", 0), up_to: 1 };
                    outputs.push(Output::Storage(StorageJob { id: 7, broker, work }));
                }
                outputs.push(Output::Answer { ticket, answer: Answer::Done });
            }
            Input::Request { socket, correlation, version, .. } => {
                self.note(format!("request {correlation}"), now);
                let response = (correlation >= 0).then(|| DescribeClusterResponse::default().into());
                outputs.push(Output::Reply { socket, correlation, version, response });
            }
            Input::Connected { socket, .. } => self.note(format!("connected {}", socket.0), now),
            Input::Disconnected { socket } => self.note(format!("disconnected {}", socket.0), now),
            Input::Storage(done) => self.note(format!("{} stored {}", done.broker, done.id), now),
        }
    }

    fn next_message(&self) -> Option<Id> {
        self.messages.iter().min().copied()
    }

    fn is_in_flight(&self, message: Id) -> bool {
        self.messages.contains(&message)
    }
}

/// Real time in the test's hand.
#[derive(Default)]
struct Hand(Mutex<Cell<Duration>>);

impl Hand {
    fn advance(&self, by: Duration) {
        let now = self.real();
        self.0.lock().unwrap().set(now + by);
    }
}

impl RealTime for Hand {
    fn real(&self) -> Duration {
        self.0.lock().unwrap().get()
    }
}

#[derive(Clone, Default)]
struct Looks {
    wanted: Arc<AtomicBool>,
    count: Arc<AtomicU32>,
    last: Arc<Mutex<Option<ClockView>>>,
}

impl<C> Observer<C> for Looks {
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    fn observe(&mut self, _: &mut C, clock: &ClockView) {
        self.count.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().unwrap() = Some(*clock);
    }
}

/// A driver under test with all that it is connected to.
struct Bench {
    driver: Driver<Stand, Looks>,
    real: Arc<Hand>,
    log: Log,
    looks: Looks,
    orders: mpsc::Receiver<PortOrder>,
    paused: watch::Receiver<bool>,
    /// The message that came next when a step was watched last.
    next: Arc<Mutex<Option<Id>>>,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Bench {
    fn new(core: Stand) -> Self {
        let (order, orders) = mpsc::channel(8);
        let (paused, is_paused) = watch::channel(false);
        let (real, log, looks) = (Arc::clone(&core.real), Arc::clone(&core.log), Looks::default());
        let parts = Parts {
            core,
            observer: looks.clone(),
            epoch_ms: 0,
            rate_ppm: 1_000_000,
            disks: Box::new(InMemory),
            ports: order,
            paused,
        };
        Self { driver: Driver::new(parts, ms(0)), real, log, looks, orders, paused: is_paused, next: Arc::default() }
    }

    /// With timers at these lab times, in milliseconds.
    fn with(lab: &[(u64, &'static str)]) -> Self {
        let lab = lab.iter().map(|(at, what)| (Time::from_millis(*at), *what)).collect();
        Self::new(Stand { lab, ..Stand::default() })
    }

    fn push(&mut self, entry: Entry<Stand>) {
        let at = self.real.real();
        self.driver.inputs().push_back(Stamped { at, entry, _room: None });
    }

    fn command(&mut self, command: Command) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.push(Entry::Command { by: By::Program, command, answer });
        answered
    }

    fn steps(&mut self, messages: u32) -> u32 {
        let (done, mut told) = oneshot::channel();
        let next = Arc::clone(&self.next);
        let watch = move |core: &Stand| *next.lock().unwrap() = core.next_message();
        self.push(Entry::Step { messages, watch: Box::new(watch), done });
        self.turn();
        told.try_recv().unwrap()
    }

    fn turn(&mut self) -> Option<Duration> {
        self.driver.turn(self.real.as_ref())
    }

    /// Lets `by` pass, as the thread would: sleeping until there is something to do.
    fn run(&mut self, by: u64) {
        let end = self.real.real() + ms(by);
        loop {
            let next = self.turn();
            let now = self.real.real();
            match next {
                _ if now >= end => break,
                Some(next) if next <= now => {}
                Some(next) if next <= end => self.real.advance(next.saturating_sub(now)),
                _ => break self.real.advance(end.saturating_sub(now)),
            }
        }
    }

    fn told(&self) -> Vec<(String, u64, u64)> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// A socket of broker 1, whose process runs.
    fn connect(&mut self, socket: u64) -> (mpsc::Receiver<Reply>, CancellationToken) {
        let process = if let Ok(order) = self.orders.try_recv() {
            order.process
        } else {
            {
                let _answer = self.command(Command::Start(BrokerId(1)));
                self.turn();
                self.orders.try_recv().unwrap().process
            }
        };
        let (replies, answers) = mpsc::channel(8);
        let open = process.child_token();
        let link = Link { replies, open: open.clone() };
        let (socket, broker) = (SocketId(socket), BrokerId(1));
        self.push(Entry::Connected { socket, broker, peer: "test".into(), link });
        (answers, open)
    }

    fn ask(&mut self, socket: u64, correlation: i32, budget: &Arc<Semaphore>) {
        let permit = Arc::clone(budget).try_acquire_owned().unwrap();
        self.push(Entry::Request {
            socket: SocketId(socket),
            correlation,
            version: 0,
            client_id: "test".into(),
            request: DescribeClusterRequest::default().into(),
            permit,
        });
    }
}

fn names(told: &[(String, u64, u64)]) -> Vec<&str> {
    told.iter().map(|(what, ..)| what.as_str()).collect()
}

#[test]
fn what_is_due_before_an_input_runs_first_at_its_own_time() {
    let mut bench = Bench::with(&[(10, "a"), (12, "b"), (18, "c")]);
    bench.real.advance(ms(15));
    let _answer = bench.command(Command::Kill(BrokerId(2)));
    bench.real.advance(ms(5));
    bench.turn();
    let told = bench.told();
    assert_eq!(names(&told), ["a", "b", "Kill(BrokerId(2))", "c"]);
    assert_eq!(told[0].1, 10);
    assert_eq!(told[2].1, 15, "stamped when it came, not when it was taken");
}

#[test]
fn it_sleeps_until_the_next_thing_is_due_at_the_rate() {
    let mut bench = Bench::with(&[(100, "a")]);
    assert_eq!(bench.turn(), Some(ms(100)));
    bench.push(Entry::Rate(100_000));
    let next = bench.turn().unwrap();
    assert_eq!(next.as_millis(), 1_000, "a tenth of real time");
    bench.push(Entry::Pause(true));
    assert_eq!(bench.turn(), None, "nothing is due while time stands");
}

#[test]
fn a_slice_ends_and_what_is_left_comes_next() {
    let lab = (1..=100).map(|at| (Time::from_millis(at), "x")).collect();
    let mut bench = Bench::new(Stand { lab, cost: ms(1), ..Stand::default() });
    bench.real.advance(ms(15));
    assert_eq!(bench.turn().unwrap(), ms(6));
    assert_eq!(bench.told().len(), 5, "5 ms of 1 ms each");
}

#[test]
fn an_engine_that_cannot_keep_up_lags_and_skips_nothing() {
    let core = Stand {
        lab: BTreeMap::from([(Time::from_millis(1), "x")]),
        every: Some(ms(1)),
        cost: ms(2),
        ..Stand::default()
    };
    let mut bench = Bench::new(core);
    bench.looks.wanted.store(true, Ordering::SeqCst);
    bench.run(4_000);
    let told = bench.told();
    let times: Vec<u64> = told.iter().map(|(_, lab, _)| *lab).collect();
    assert_eq!(times, (1..=told.len() as u64).collect::<Vec<_>>(), "each at its own time");
    assert!((1_900..2_100).contains(&told.len()), "{} in 4 s of 2 ms each", told.len());
    let view = bench.looks.last.lock().unwrap().unwrap();
    assert!((450_000..550_000).contains(&view.effective_ppm), "{}", view.effective_ppm);
    assert_eq!(view.rate_ppm, 1_000_000);
}

#[test]
fn a_stop_of_the_process_is_no_time_in_the_lab() {
    let core = Stand { lab: BTreeMap::from([(Time::from_millis(50), "x")]), every: Some(ms(50)), ..Stand::default() };
    let mut bench = Bench::new(core);
    bench.run(100);
    bench.real.advance(ms(3_600_000));
    bench.run(1);
    assert_eq!(bench.told().len(), 3, "two before, and the one that was due when it stopped");
}

#[test]
fn outside_timers_run_on_real_time_whatever_the_rate() {
    let outside = BTreeMap::from([(Time::from_millis(500), "fetch wait")]);
    let mut bench = Bench::new(Stand { outside, ..Stand::default() });
    bench.push(Entry::Rate(1_000));
    bench.run(1_000);
    let told = bench.told();
    assert_eq!((names(&told), told[0].2), (vec!["fetch wait"], 500));
}

#[test]
fn while_time_stands_sockets_wait_and_commands_act() {
    let mut bench = Bench::with(&[(10, "timer")]);
    let (mut replied, _open) = bench.connect(7);
    bench.turn();
    bench.told();
    bench.push(Entry::Pause(true));
    bench.turn();
    assert!(*bench.paused.borrow());
    let budget = Arc::new(Semaphore::new(8));
    bench.ask(7, 1, &budget);
    bench.ask(7, 2, &budget);
    let mut answer = bench.command(Command::Kill(BrokerId(2)));
    bench.real.advance(ms(60_000));
    bench.turn();
    assert_eq!(names(&bench.told()), ["Kill(BrokerId(2))"]);
    assert!(matches!(answer.try_recv(), Ok(Answer::Done)));
    bench.push(Entry::Pause(false));
    bench.ask(7, 3, &budget);
    bench.run(20);
    let told = bench.told();
    assert_eq!(names(&told), ["request 1", "request 2", "request 3", "timer"], "inputs before timers");
    assert_eq!(told[3].1, 10, "and the timer has not run out meanwhile");
    assert_eq!(replied.try_recv().unwrap().correlation, 1);
}

#[test]
fn a_step_delivers_one_message_with_the_timers_before_it() {
    let mut core = Stand { messages: vec![30, 40], ..Stand::default() };
    for (at, what) in [(10, "timer"), (20, "timer"), (30, "message"), (40, "message"), (50, "timer")] {
        core.lab.insert(Time::from_millis(at), what);
    }
    let mut bench = Bench::new(core);
    assert_eq!(bench.steps(1), 0, "time runs");
    bench.push(Entry::Pause(true));
    assert_eq!(bench.steps(1), 1);
    assert_eq!(names(&bench.told()), ["timer", "timer", "message"]);
    assert_eq!(*bench.next.lock().unwrap(), Some(30), "whoever watched saw it come");
    assert_eq!(bench.steps(5), 1, "one message was left");
    assert_eq!(names(&bench.told()), ["message", "timer"]);
    bench.push(Entry::Pause(false));
    bench.turn();
    bench.run(10);
    assert_eq!(bench.told(), []);
}

#[test]
fn the_observer_looks_ten_times_a_second_when_something_changed_and_somebody_watches() {
    let core = Stand { lab: BTreeMap::from([(Time::from_millis(1), "x")]), every: Some(ms(1)), ..Stand::default() };
    let mut bench = Bench::new(core);
    bench.run(1_000);
    let looks = |bench: &Bench| bench.looks.count.swap(0, Ordering::SeqCst);
    assert_eq!(looks(&bench), 0, "nobody watches");
    bench.looks.wanted.store(true, Ordering::SeqCst);
    bench.run(1_000);
    assert!((9..=11).contains(&looks(&bench)));
    bench.push(Entry::Pause(true));
    bench.run(100);
    bench.run(100);
    looks(&bench);
    bench.run(10_000);
    assert_eq!(looks(&bench), 0, "nothing changes while time stands");
    let (done, mut told) = oneshot::channel();
    bench.push(Entry::Observe { done });
    bench.turn();
    assert_eq!((looks(&bench), told.try_recv()), (1, Ok(())), "asked for");
}

#[test]
fn answers_go_back_with_their_share_of_the_budget() {
    let mut bench = Bench::with(&[]);
    let (mut replied, _open) = bench.connect(7);
    let budget = Arc::new(Semaphore::new(3));
    bench.ask(7, 1, &budget);
    bench.ask(7, -2, &budget);
    bench.ask(7, 3, &budget);
    bench.turn();
    assert_eq!(budget.available_permits(), 1, "acks=0 has no answer and gives its share back at once");
    assert_eq!(replied.try_recv().unwrap().correlation, 1);
    assert_eq!(budget.available_permits(), 2);
    assert_eq!(replied.try_recv().unwrap().correlation, 3);
}

#[test]
fn a_death_closes_the_sockets_and_what_comes_from_them_is_forgotten() {
    let mut bench = Bench::with(&[]);
    let (_replied, open) = bench.connect(7);
    bench.turn();
    let budget = Arc::new(Semaphore::new(3));
    let _answer = bench.command(Command::Kill(BrokerId(1)));
    bench.ask(7, 1, &budget);
    let _answer = bench.command(Command::Start(BrokerId(1)));
    bench.ask(7, 2, &budget);
    bench.push(Entry::Disconnected { socket: SocketId(7) });
    bench.turn();
    assert!(open.is_cancelled());
    assert_eq!(budget.available_permits(), 3);
    let told = bench.told();
    assert!(!names(&told).iter().any(|what| what.starts_with("request") || what.starts_with("disconnected")));
    assert!(!bench.orders.try_recv().unwrap().process.is_cancelled(), "the new process listens");
}

#[test]
fn a_connection_taken_by_a_process_that_died_since_is_refused() {
    let mut bench = Bench::with(&[]);
    let (_replied, open) = bench.connect(7);
    let connected = bench.driver.inputs().pop_back().unwrap();
    let _answer = bench.command(Command::Kill(BrokerId(1)));
    let _answer = bench.command(Command::Start(BrokerId(1)));
    bench.driver.inputs().push_back(connected);
    bench.turn();
    assert!(open.is_cancelled());
    assert!(!names(&bench.told()).contains(&"connected 7"));
}

#[test]
fn the_thread_ends_when_told_and_says_what_it_died_of() {
    let start = || Start { epoch_ms: 0, rate_ppm: 1_000_000, disks: Box::new(InMemory) };
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let runtime = super::start(Stand::default(), Looks::default(), start()).unwrap();
    let answer = rt.block_on(runtime.handle.command(Command::Kill(BrokerId(1)))).unwrap();
    assert!(matches!(answer, Answer::Done));
    runtime.handle.stop();
    runtime.thread.join().unwrap();
    assert!(rt.block_on(runtime.handle.observe()).is_err());
    assert_eq!(runtime.handle.failure(), None);

    let runtime = super::start(Stand::default(), Looks::default(), start()).unwrap();
    let inspected = rt.block_on(runtime.handle.inspect(|_| -> u32 { panic!("a fault of ours") }));
    assert!(inspected.is_err());
    runtime.thread.join().unwrap();
    assert_eq!(runtime.handle.failure(), Some("a fault of ours"));
}

#[test]
fn inputs_keep_their_order() {
    let mut queue: VecDeque<Stamped<Stand>> = VecDeque::new();
    let inbox = super::inbox::Inbox::new();
    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    rt.block_on(async {
        for socket in 0..100 {
            inbox.send(Entry::Disconnected { socket: SocketId(socket) }).await.unwrap();
        }
    });
    inbox.take(&mut queue, None);
    assert!(queue.iter().zip(queue.iter().skip(1)).all(|(one, next)| one.at <= next.at));
    let order: Vec<u64> = queue
        .iter()
        .map(|stamped| match stamped.entry {
            Entry::Disconnected { socket } => socket.0,
            _ => panic!("nothing else was sent"),
        })
        .collect();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_storage_job_is_done_at_once_as_a_step_of_its_own() {
    let mut bench = Bench::with(&[]);
    let mut answer = bench.command(Command::Shutdown(BrokerId(2)));
    bench.turn();
    assert_eq!(names(&bench.told()), ["Shutdown(BrokerId(2))", "broker-2 stored 7"]);
    assert!(matches!(answer.try_recv(), Ok(Answer::Done)));
    bench.push(Entry::Pause(true));
    let _answer = bench.command(Command::Shutdown(BrokerId(1)));
    bench.turn();
    assert_eq!(names(&bench.told()), ["Shutdown(BrokerId(1))", "broker-1 stored 7"], "whether time runs or not");
}

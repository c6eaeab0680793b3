//! Drives a cluster through time, collects what it puts out, and does its storage jobs: each takes a drawn time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::disks::{FaultyDisks, TestDisks};
use kscope::engine::cluster::{Cluster, Outside};
use kscope::engine::config::Config;
use kscope::engine::context::Id;
use kscope::engine::event::{Event, EventKind, OperatorEvent};
use kscope::engine::invariants::Invariants;
use kscope::engine::log::StorageError;
use kscope::engine::message::{
    Answer, By, Command, Input, Message, Output, StorageDone, StorageOutcome, StorageWork, Ticket,
};
use kscope::engine::node::BrokerId;
use kscope::engine::rng::Rng;
use kscope::engine::runtime::LabDisks as _;
use kscope::engine::runtime::disks::{self, Opened};
use kscope::engine::settings::Settings;
use kscope::engine::time::{Now, Time};
use kscope::protocol::{Request, Response};

/// A lab under test: its cluster, and what it put out.
pub(crate) struct Lab {
    pub(crate) cluster: Cluster,
    pub(crate) outputs: Vec<Output>,
    tickets: Ticket,
    /// Storage jobs, by when they are done. One whose process has died comes back all the same: the core drops it.
    jobs: BTreeMap<(Time, Id), StorageDone>,
    /// How long storage jobs take, unless all take as long.
    delays: Rng,
    /// So long every storage job takes.
    pub(crate) disks_take: Option<Duration>,
    /// The brokers whose disks cannot be read.
    pub(crate) unreadable: BTreeSet<BrokerId>,
    /// What they work on.
    pub(crate) disks: RefCell<TestDisks>,
    /// The time that has passed, whether or not anything was due.
    time: Time,
    /// What always holds.
    pub(crate) invariants: Invariants,
    /// Messages of these names are kept in `traced` when they arrive.
    pub(crate) traces: BTreeSet<String>,
    pub(crate) traced: Vec<Message>,
}

impl Lab {
    /// The lab's own pace: short time-outs.
    pub(crate) fn config(seed: u64) -> Config {
        Config { settings: Settings::lab().into(), ..Config::new(seed) }
    }

    /// A lab that goes on with what is in `folder`, or begins there.
    pub(crate) fn on_files(config: Config, folder: &Path) -> Self {
        let config = Config { lasting: true, ..config };
        let Opened { disks, found } = disks::open(folder, &config).unwrap();
        let lab = Self::new(config.clone());
        let cluster = Cluster::going_on(config, lab.cluster.now().epoch_ms, found);
        Self { cluster, disks: RefCell::new(TestDisks::on(disks)), ..lab }
    }

    pub(crate) fn new(config: Config) -> Self {
        let delays = Rng::split(config.seed, "disks");
        Self {
            cluster: Cluster::new(config, 1_700_000_000_000),
            outputs: Vec::new(),
            tickets: 0,
            jobs: BTreeMap::new(),
            delays,
            disks_take: None,
            unreadable: BTreeSet::new(),
            disks: RefCell::new(TestDisks::Faulty(FaultyDisks::default())),
            time: Time::ZERO,
            invariants: Invariants::default(),
            traces: BTreeSet::new(),
            traced: Vec::new(),
        }
    }

    fn at(&self, lab: Time) -> Now {
        Now { lab, outside: lab, epoch_ms: self.cluster.now().epoch_ms }
    }

    pub(crate) fn now(&self) -> Time {
        self.time
    }

    /// Handles the one thing that is due next, and checks what must always hold.
    pub(crate) fn step(&mut self) {
        let at = self.due();
        self.time = self.time.max(at);
        let job = self.jobs.first_entry().filter(|job| job.key().0 <= at);
        let input = job.map_or(Input::Due, |job| Input::Storage(job.remove()));
        let first = self.cluster.in_flight().next().filter(|m| self.traces.contains(m.payload.name())).cloned();
        self.handle(input, at);
        if let Some(first) = first.filter(|first| self.cluster.in_flight().all(|m| m.id != first.id)) {
            self.traced.push(first);
        }
        if let Err(violation) = self.invariants.check(&mut self.cluster) {
            panic!("{violation}\n{}", self.story());
        }
    }

    /// When there is something to do next.
    fn due(&self) -> Time {
        let due = self.cluster.due();
        let job = self.jobs.first_key_value().map_or(Time::NEVER, |((at, _), _)| *at);
        due.lab.min(due.outside).min(job)
    }

    /// One step; takes up the storage jobs that come out of it.
    fn handle(&mut self, input: Input, at: Time) {
        let before = self.outputs.len();
        let now = self.at(at);
        if let Input::Storage(done) = &input {
            self.disks.get_mut().answered(done);
        }
        self.cluster.step_on(
            input,
            now,
            &mut Outside { outputs: &mut self.outputs, disks: self.disks.get_mut().get() },
        );
        self.disks.get_mut().settled(now.lab);
        for output in &self.outputs[before..] {
            if let Output::Storage(job) = output {
                let drawn = self.delays.between(Duration::from_micros(100), Duration::from_millis(20));
                let takes = self.disks_take.unwrap_or(drawn);
                let fails = self.unreadable.contains(&job.broker) && matches!(job.work, StorageWork::Read { .. });
                let done = if fails { job.came_to(cannot_read()) } else { self.disks.get_mut().outcome(job) };
                self.jobs.insert((at + takes, job.id), done);
            }
        }
    }

    /// The lab's process ends: `in_order`, or by kill -9. Returns what it was.
    pub(crate) fn end(self, in_order: bool) -> Cluster {
        let TestDisks::Files(mut files, _answers) = self.disks.into_inner() else { panic!("a lab on files") };
        if in_order {
            files.close(&self.cluster);
        }
        self.cluster
    }

    /// Runs for `time`.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        self.run_until(end, |_| false);
    }

    /// Runs until `done`, or to `end`. Returns whether it was done.
    pub(crate) fn run_until(&mut self, end: Time, done: impl Fn(&Self) -> bool) -> bool {
        loop {
            if done(self) {
                return true;
            }
            if self.due() > end {
                self.time = self.time.max(end);
                return false;
            }
            self.step();
        }
    }

    /// Runs until `done`, a minute of lab time at most.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now() + Duration::from_secs(60);
        assert!(self.run_until(end, done), "{what} does not come about within a minute:\n{}", self.story());
    }

    pub(crate) fn command(&mut self, command: Command) -> Ticket {
        self.tickets += 1;
        let ticket = self.tickets;
        self.handle(Input::Command { ticket, by: By::Program, command }, self.now());
        ticket
    }

    pub(crate) fn answer(&self, ticket: Ticket) -> Option<&Answer> {
        self.outputs.iter().find_map(|output| match output {
            Output::Answer { ticket: t, answer } if *t == ticket => Some(answer),
            _ => None,
        })
    }

    /// Asks a broker, and waits for its answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, broker: i32, version: i16, request: impl Into<Request>) -> Response {
        let ticket = self.command(Command::Ask { broker: BrokerId(broker), version, request: request.into() });
        self.wait("an answer", |lab| lab.answer(ticket).is_some());
        match self.answer(ticket) {
            Some(Answer::Response(response)) => response.clone(),
            other => panic!("no response: {other:?}"),
        }
    }

    /// What happened so far, a line each; records that were sent left out.
    pub(crate) fn story(&self) -> String {
        let asked = |e: &Event| matches!(e.kind, EventKind::Operator(OperatorEvent::Asked { api: "Produce", .. }));
        let mut story = String::new();
        for e in self.cluster.events().iter().filter(|event| !asked(event)) {
            writeln!(story, "{} {} {} {:?} <- {:?}", e.id, e.at, e.node, e.kind, e.cause.event).unwrap();
        }
        story
    }

    pub(crate) fn controller(&self) -> Option<i32> {
        let mut active = self
            .cluster
            .brokers()
            .filter(|(_, node)| node.running().is_some_and(|broker| broker.controller.is_active()))
            .map(|(id, _)| id.0);
        active.next()
    }
}

fn cannot_read() -> StorageOutcome {
    StorageOutcome::Failed(StorageError("input/output error".into()))
}

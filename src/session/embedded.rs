//! A session with a lab in this process: starts it, drives the engine's thread, projects the cluster value into snapshots
//! and carries out actions. The only module outside `engine` that knows the engine.

mod actions;
mod look;
mod observer;
mod options;
mod project;
mod read;
mod ready;
mod stepped;

use std::sync::Arc;
use std::thread::JoinHandle;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use options::{LabOptions, OptionError};
pub use ready::NotReady;
pub use stepped::Stepped;

use super::action::Outcome;
use super::snapshot::{Addresses, Snapshot};
use super::{Asked, Session};
use crate::engine::cluster::Cluster;
use crate::engine::listener::ports::{self, PortError, Reserved, Wish};
use crate::engine::listener::{Listener, Ports};
use crate::engine::node::BrokerId;
use crate::engine::runtime::disks::{self, DiskError, Opened};
use crate::engine::runtime::{self, Handle, LabDisks, MemoryDisks, Start};
use actions::Actor;
use observer::{About, Watcher};

/// Actions that may wait to be begun; who has more waits.
const ASKS: usize = 64;

/// Actions that may be under way at a time.
const UNDER_WAY: usize = 64;

/// Requests for a fresh snapshot that may wait.
const REFRESHES: usize = 64;

/// The port of the first broker, unless asked otherwise.
const BROKER_PORT: u16 = 9092;

/// The port of the first ZooKeeper server, unless asked otherwise.
const ZOOKEEPER_PORT: u16 = 2181;

/// Why there is no lab.
#[derive(Debug, Error)]
pub enum LabError {
    /// Its ports are not to be had.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Its data directory cannot be taken up.
    #[error("--data-dir: {0}")]
    Disks(#[from] DiskError),
    /// The operating system gives no thread.
    #[error("no thread for the engine: {0}")]
    Thread(#[from] std::io::Error),
}

/// What the screen shows of the world around the lab.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// The control API's URL.
    pub control: Option<Arc<str>>,
    /// Where the log is.
    pub log_file: Option<Arc<str>>,
}

/// A lab that runs.
pub struct Embedded {
    /// The way to it.
    pub session: Session,
    handle: Handle,
    thread: JoinHandle<()>,
    listener: Listener,
    tasks: TaskTracker,
    end: CancellationToken,
    expected: ready::Expected,
}

/// Starts a lab. Must be called within a tokio runtime.
#[expect(clippy::unused_async, reason = "sockets and tasks need a runtime around them: the signature says so")]
pub async fn open(options: LabOptions, extras: Extras) -> Result<Embedded, LabError> {
    let reserved = reserve(&options)?;
    let about = About { name: options.name(), addresses: addresses(&options, &reserved, extras) };
    let config = options.config(reserved.brokers.iter().map(|(_, port)| port.port()).collect());
    let settings = Arc::clone(&config.settings);
    let epoch_ms = wall_clock_ms();
    let (mut cluster, disks): (Cluster, Box<dyn LabDisks>) = match &options.data_dir {
        Some(path) => {
            let Opened { disks, found } = disks::open(path, &config)?;
            (Cluster::going_on(config, epoch_ms, found), Box::new(disks))
        }
        None => (Cluster::new(config, epoch_ms), Box::<MemoryDisks>::default()),
    };
    let (watcher, snapshots) = Watcher::new(about, &mut cluster, options.rate_ppm);
    let engine = runtime::start(cluster, watcher, Start { epoch_ms, rate_ppm: options.rate_ppm, disks })?;
    let expected = ready::Expected::of(&reserved.brokers);
    let brokers = reserved.brokers.into_iter().map(|(id, port)| (BrokerId(id), port)).collect();
    let listener = Listener::open(engine.edge, Ports { brokers, zookeepers: reserved.zookeepers }, &settings);
    let (end, tasks) = (CancellationToken::new(), TaskTracker::new());
    let actor = Actor::new(engine.handle.clone(), options.patience());
    let session = attend(&engine.handle, actor, snapshots, &tasks, &end);
    Ok(Embedded { session, handle: engine.handle, thread: engine.thread, listener, tasks, end, expected })
}

impl Embedded {
    /// Waits until every broker answers and all partitions have leaders; the snapshot that shows it.
    pub async fn ready(&self) -> Result<Arc<Snapshot>, NotReady> {
        ready::wait(&self.session, &self.expected).await
    }

    /// Ends the lab: closes every socket, ends the engine's thread and every task.
    pub async fn end(self) {
        self.handle.stop();
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.listener.close().await;
        // It ended by itself or by the stop above, in either case soon; a panic of it was told as a failure.
        let _ = self.thread.join();
    }
}

/// The lab's ports.
struct Taken {
    brokers: Vec<(i32, Reserved)>,
    zookeepers: Vec<Reserved>,
}

fn reserve(options: &LabOptions) -> Result<Taken, PortError> {
    let addresses = ports::addresses(options.listen);
    let brokers = ports::reserve(Wish::asked(options.port, BROKER_PORT), options.brokers, &addresses, "--port")?;
    let zookeepers = ports::reserve(
        Wish::asked(options.zk_port, ZOOKEEPER_PORT),
        options.zookeepers.into(),
        &addresses,
        "--zk-port",
    )?;
    Ok(Taken { brokers: (1..).zip(brokers).collect(), zookeepers })
}

fn addresses(options: &LabOptions, taken: &Taken, extras: Extras) -> Addresses {
    let host = options.advertised_host();
    let list = |ports: &mut dyn Iterator<Item = u16>| -> Arc<str> {
        ports.map(|port| format!("{host}:{port}")).collect::<Vec<_>>().join(",").into()
    };
    let mut brokers = taken.brokers.iter().map(|(_, reserved)| reserved.port());
    Addresses {
        bootstrap: list(&mut brokers.clone().take(1)),
        all_brokers: list(&mut brokers),
        zookeeper: Some(list(&mut taken.zookeepers.iter().map(Reserved::port))),
        control: extras.control,
        log_file: extras.log_file,
    }
}

/// The wall clock: milliseconds since 1970, UTC.
fn wall_clock_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Attends to a session's asks until `end`.
fn attend(
    handle: &Handle,
    actor: Actor,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    tasks: &TaskTracker,
    end: &CancellationToken,
) -> Session {
    let (asks, asked) = mpsc::channel(ASKS);
    let (refresh, refreshes) = mpsc::channel(REFRESHES);
    let (words, last_words) = watch::channel(Arc::from("it was told to end"));
    tasks.spawn(end.clone().run_until_cancelled_owned(act(actor, asked)));
    tasks.spawn(end.clone().run_until_cancelled_owned(look(handle.clone(), refreshes)));
    tasks.spawn(end.clone().run_until_cancelled_owned(until_dead(handle.clone(), words)));
    Session::new(snapshots, asks).with_refresh(refresh).with_last_words(last_words)
}

/// Carries actions out, several at a time.
async fn act(actor: Actor, mut asked: mpsc::Receiver<Asked>) {
    let room = Arc::new(tokio::sync::Semaphore::new(UNDER_WAY));
    let tasks = TaskTracker::new();
    while let Some(Asked { action, origin, answer }) = asked.recv().await {
        let Ok(seat) = Arc::clone(&room).acquire_owned().await else { return };
        let actor = actor.clone();
        tasks.spawn(async move {
            let outcome: Outcome = actor.act(action, origin).await;
            // Whoever asked may have gone.
            let _ = answer.send(outcome);
            drop(seat);
        });
    }
}

/// Has snapshots taken when somebody wants one now.
async fn look(handle: Handle, mut refreshes: mpsc::Receiver<oneshot::Sender<()>>) {
    let mut waiting = Vec::new();
    while refreshes.recv_many(&mut waiting, REFRESHES).await > 0 {
        if handle.observe().await.is_err() {
            return;
        }
        for done in waiting.drain(..) {
            // As above.
            let _ = done.send(());
        }
    }
}

/// Waits for the engine to end and says of what.
async fn until_dead(handle: Handle, words: watch::Sender<Arc<str>>) {
    handle.ended().await;
    let why =
        handle.failure().map_or_else(|| "it was told to end".into(), |why| format!("a fault in it: {why}").into());
    words.send_replace(why);
}

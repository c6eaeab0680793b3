//! The lab's sockets: ports, frames, decoding, answers. It decides nothing: what a request means is the brokers' business.
//!
//! Each broker has a port, on `127.0.0.1` and on `::1`. It is open while the broker's process runs; kill the broker, and the
//! port refuses connects and all its connections are closed, as the operating system does for a process that died. See
//! [`ports`] for how nobody else gets it meanwhile.
//!
//! ```text
//! socket -> frames -> codec (decode, check) -> inbox ~~ the engine's thread ~~> replies -> encode -> socket
//! ```
//!
//! All of this runs on tokio's threads. What a client can take is bounded everywhere: connections per broker, bytes and
//! time per frame, requests and bytes on their way per connection, and time without a word.

mod codec;
mod connection;
mod frames;
pub mod ports;
#[cfg(test)]
mod tests;
mod zookeeper;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::message::SocketId;
use super::node::BrokerId;
use super::runtime::inbox::Inbox;
use super::runtime::{Core, Edge, PortOrder};
use super::settings::Settings;
use frames::Limits;
use ports::Reserved;

/// How long a frame may take to arrive.
const FRAME_TIME: Duration = Duration::from_secs(30);

/// After how long a port that could not be opened, or an accept that failed, is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// Connections of a ZooKeeper server at a time.
const ZOOKEEPER_CONNECTIONS: usize = 60;

/// The ports of a lab.
#[derive(Debug, Default)]
pub struct Ports {
    /// Of each broker.
    pub brokers: BTreeMap<BrokerId, Reserved>,
    /// Of each ZooKeeper server.
    pub zookeepers: Vec<Reserved>,
}

/// What all connections share.
struct Shared<C> {
    inbox: Arc<Inbox<C>>,
    paused: watch::Receiver<bool>,
    limits: Limits,
    sockets: AtomicU64,
}

impl<C> Shared<C> {
    fn next_socket(&self) -> SocketId {
        SocketId(self.sockets.fetch_add(1, Ordering::Relaxed))
    }
}

/// A lab's sockets. They are closed when it is.
#[derive(Debug)]
pub struct Listener {
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Listener {
    /// Opens `ports` as the engine asks for them. Must be called within a tokio runtime.
    pub fn open<C: Core>(edge: Edge<C>, ports: Ports, settings: &Settings) -> Self {
        let end = CancellationToken::new();
        let tasks = TaskTracker::new();
        let shared = Arc::new(Shared {
            inbox: edge.inbox,
            paused: edge.paused,
            limits: limits(settings),
            sockets: AtomicU64::new(1),
        });
        for port in ports.zookeepers {
            let room = Arc::new(Semaphore::new(ZOOKEEPER_CONNECTIONS));
            let tracker = tasks.clone();
            let take = move |stream, _, _| zookeeper::serve(stream);
            tasks.spawn(keep_open(Arc::new(port), end.child_token(), tracker, room, take));
        }
        let brokers = Brokers {
            ports: ports.brokers.into_iter().map(|(broker, port)| (broker, Arc::new(port))).collect(),
            max_connections: usize::try_from(settings.max_connections).unwrap_or(0).min(Semaphore::MAX_PERMITS),
            tasks: tasks.clone(),
            shared,
        };
        let until = end.clone();
        let mut orders = edge.orders;
        tasks.spawn(async move {
            while let Some(Some(order)) = until.run_until_cancelled(orders.recv()).await {
                brokers.start(order);
            }
        });
        Self { tasks, end }
    }

    /// Closes every port and waits until every connection has ended. The engine must have ended before.
    pub async fn close(self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        frame_bytes: usize::try_from(settings.socket_request_max_bytes).unwrap_or(0),
        frame_time: FRAME_TIME,
        idle_time: Duration::from_millis(settings.connections_max_idle_ms.unsigned_abs()),
    }
}

/// The brokers' ports, and what it takes to open them.
struct Brokers<C> {
    ports: BTreeMap<BrokerId, Arc<Reserved>>,
    max_connections: usize,
    tasks: TaskTracker,
    shared: Arc<Shared<C>>,
}

impl<C: Core> Brokers<C> {
    /// A broker's process runs: opens its port until the process ends.
    fn start(&self, order: PortOrder) {
        let PortOrder { broker, process } = order;
        let Some(port) = self.ports.get(&broker) else {
            tracing::error!("{broker} has no port");
            return;
        };
        let shared = Arc::clone(&self.shared);
        let take = move |stream, peer, process| connection::serve(stream, peer, broker, process, Arc::clone(&shared));
        let room = Arc::new(Semaphore::new(self.max_connections));
        self.tasks.spawn(keep_open(Arc::clone(port), process, self.tasks.clone(), room, take));
    }
}

/// Listens on `port` until `process` ends, and gives each connection a task of its own.
async fn keep_open<F, T>(
    port: Arc<Reserved>,
    process: CancellationToken,
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    take: F,
) where
    F: Fn(TcpStream, SocketAddr, CancellationToken) -> T + Clone + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let Some(listeners) = process.run_until_cancelled(open(&port)).await else { return };
    for listener in listeners {
        let (process, room, take) = (process.clone(), Arc::clone(&room), take.clone());
        let connections = tasks.clone();
        tasks.spawn(async move {
            let accepting = accept(listener, connections, room, |stream, peer| take(stream, peer, process.clone()));
            process.run_until_cancelled(accepting).await;
        });
    }
}

/// Opens a port that is ours; where that fails (out of descriptors), tries again.
async fn open(port: &Reserved) -> Vec<TcpListener> {
    loop {
        match port.listen() {
            Ok(listeners) => return listeners,
            Err(error) => tracing::warn!(port = port.port(), %error, "cannot listen; trying again"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Accepts connections as long as there is room; more are closed at once.
async fn accept<T: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    take: impl Fn(TcpStream, SocketAddr) -> T,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Ok(seat) = Arc::clone(&room).try_acquire_owned() {
                    let serving = take(stream, peer);
                    tasks.spawn(async move {
                        serving.await;
                        drop(seat);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

//! Raw sockets against the listener, with an engine that is a table: it answers as it is told, when it is told.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ports::{self, Wish};
use super::*;
use crate::engine::cluster::Outside;
use crate::engine::context::Id;
use crate::engine::log::InMemory;
use crate::engine::message::{Answer, Command, Input, Output};
use crate::engine::runtime::{ClockView, Handle, LabDisks, Observer, Start, start};
use crate::engine::time::{Clock, Now, Time};
use crate::protocol::{
    ApiKey, ErrorCode, LeaderAndIsrRequest, MetadataRequest, MetadataResponse, ProduceRequest, Request, Response,
    decode_response, encode_request,
};

const ONE: BrokerId = BrokerId(1);

/// An engine that answers Metadata at once, and Produce when it is told to (by the command `Shutdown`).
#[derive(Default)]
struct Table {
    parked: Vec<(SocketId, i32)>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Core for Table {
    fn due(&self, _: Clock) -> Time {
        Time::NEVER
    }

    fn close(&self, _disks: &mut dyn LabDisks) {}

    fn step(&mut self, input: Input, _: Now, outside: &mut Outside<'_>) {
        let outputs = &mut *outside.outputs;
        let reply = |socket, correlation| Output::Reply {
            socket,
            correlation,
            version: 1,
            response: Some(MetadataResponse::default().into()),
        };
        match input {
            Input::Storage(_) => unreachable!("no job was asked for"),
            Input::Request { socket, correlation, request, .. } => match request {
                Request::Produce(ProduceRequest { acks: 0, .. }) => outputs.push(Output::Close { socket }),
                Request::Produce(_) => self.parked.push((socket, correlation)),
                _ => outputs.push(reply(socket, correlation)),
            },
            Input::Command { ticket, command, .. } => {
                match command {
                    Command::Start(broker) => outputs.push(Output::Listening { broker, open: true }),
                    Command::Kill(broker) => outputs.push(Output::Listening { broker, open: false }),
                    _ => outputs.extend(self.parked.drain(..).map(|(socket, correlation)| reply(socket, correlation))),
                }
                outputs.push(Output::Answer { ticket, answer: Answer::Done });
            }
            Input::Connected { .. } => self.seen.lock().unwrap().push("connected".into()),
            Input::Disconnected { .. } => self.seen.lock().unwrap().push("disconnected".into()),
            Input::Due => {}
        }
    }

    fn next_message(&self) -> Option<Id> {
        None
    }

    fn is_in_flight(&self, _: Id) -> bool {
        false
    }
}

struct Nobody;

impl Observer<Table> for Nobody {
    fn is_wanted(&self) -> bool {
        false
    }

    fn observe(&mut self, _: &mut Table, _: &ClockView) {}
}

/// A running listener with one broker.
struct Lab {
    handle: Handle<Table>,
    listener: Listener,
    at: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Lab {
    async fn new(set: impl FnOnce(&mut Settings)) -> Self {
        let table = Table::default();
        let seen = Arc::clone(&table.seen);
        let runtime =
            start(table, Nobody, Start { epoch_ms: 0, rate_ppm: 1_000_000, disks: Box::new(InMemory) }).unwrap();
        let port = ports::reserve(Wish::Any, 1, &ports::addresses(None), "--port").unwrap().remove(0);
        let zookeeper = ports::reserve(Wish::Any, 1, &ports::addresses(None), "--zk-port").unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], port.port()));
        let ports = Ports { brokers: [(ONE, port)].into(), zookeepers: zookeeper };
        let mut settings = Settings::default();
        set(&mut settings);
        let listener = Listener::open(runtime.edge, ports, &settings);
        let lab = Self { handle: runtime.handle, listener, at, seen };
        lab.command(Command::Start(ONE)).await;
        lab
    }

    async fn command(&self, command: Command) {
        self.handle.command(command).await.unwrap();
    }

    /// Connects, as soon as the port is open.
    async fn client(&self) -> Client {
        let connected = eventually(|| TcpStream::connect(self.at)).await;
        Client(connected.unwrap())
    }

    async fn end(self) {
        self.handle.stop();
        timeout(Duration::from_secs(10), self.listener.close()).await.expect("every connection ends");
    }
}

/// Tries until it works, five seconds at most.
async fn eventually<T, F: Future<Output = io::Result<T>>>(mut attempt: impl FnMut() -> F) -> io::Result<T> {
    let tries = async {
        loop {
            if let Ok(done) = attempt().await {
                return done;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), tries).await.map_err(io::Error::from)
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        // The other side may have closed it: what it says then is in what is read.
        let _ = self.0.write_all(bytes).await;
    }

    async fn ask(&mut self, version: i16, correlation: i32, request: &Request) {
        let frame = encode_request(version, correlation, Some(&"test".into()), request).to_bytes();
        self.send(&frame).await;
    }

    async fn metadata(&mut self, correlation: i32) {
        self.ask(1, correlation, &MetadataRequest::default().into()).await;
    }

    async fn produce(&mut self, correlation: i32, acks: i16) {
        self.ask(3, correlation, &ProduceRequest { acks, ..ProduceRequest::default() }.into()).await;
    }

    /// The next answer; `None` where the connection is closed.
    async fn answer(&mut self, key: ApiKey, version: i16) -> Option<(i32, Response)> {
        let read = async {
            let size = self.0.read_i32().await.ok()?;
            let mut frame = vec![0; usize::try_from(size).unwrap()];
            self.0.read_exact(&mut frame).await.ok()?;
            Some(decode_response(&frame.into(), key, version).unwrap())
        };
        timeout(Duration::from_secs(10), read).await.expect("an answer or an end within 10 s")
    }

    async fn correlation(&mut self) -> Option<i32> {
        self.answer(ApiKey::Metadata, 1).await.map(|(correlation, _)| correlation)
    }

    /// Whether nothing comes for a while.
    async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(50), self.0.peek(&mut [0])).await.is_err()
    }
}

#[tokio::test]
async fn a_request_is_answered() {
    let lab = Lab::new(|_| {}).await;
    let mut client = lab.client().await;
    client.metadata(7).await;
    assert_eq!(client.correlation().await, Some(7));
    lab.end().await;
}

#[tokio::test]
async fn garbage_closes_the_connection_and_the_others_are_served_on() {
    let lab = Lab::new(|settings| settings.socket_request_max_bytes = 1_000).await;
    let mut other = lab.client().await;
    let inter_broker = encode_request(1, 1, None, &LeaderAndIsrRequest::default().into()).to_bytes();
    let too_new = encode_request(13, 1, None, &MetadataRequest::default().into()).to_bytes();
    let garbage: [&[u8]; 8] = [
        &[0xff; 4],
        &1_001_i32.to_be_bytes(),
        &[0, 0, 0, 0],
        &[0, 0, 0, 1, 0],
        b"GET / HTTP/1.1\r\n\r\n",
        &[0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff],
        &inter_broker,
        &too_new,
    ];
    for bytes in garbage {
        let mut client = lab.client().await;
        client.send(bytes).await;
        assert_eq!(client.correlation().await, None, "{bytes:?}");
        other.metadata(1).await;
        assert_eq!(other.correlation().await, Some(1));
    }
    lab.end().await;
}

#[tokio::test]
async fn an_api_versions_request_that_is_too_new_is_answered_in_turn_and_the_connection_stays() {
    let lab = Lab::new(|_| {}).await;
    let mut client = lab.client().await;
    client.produce(1, 1).await;
    let newer = [0, 0, 0, 10, 0, 18, 0, 99, 0, 0, 0, 2, 0xff, 0xff];
    client.send(&newer).await;
    client.metadata(3).await;
    assert!(client.is_quiet().await, "the one before is not answered yet");
    lab.command(Command::Shutdown(ONE)).await;
    assert_eq!(client.correlation().await, Some(1));
    let (correlation, response) = client.answer(ApiKey::ApiVersions, 0).await.unwrap();
    let Response::ApiVersions(response) = response else { panic!("{response:?}") };
    assert_eq!((correlation, response.error_code), (2, ErrorCode::UNSUPPORTED_VERSION));
    assert_eq!(response.api_keys[0].api_key, 18, "the range is listed");
    assert_eq!(client.correlation().await, Some(3));
    lab.end().await;
}

#[tokio::test]
async fn pipelined_requests_are_read_ahead_within_bounds_and_answered_in_order() {
    let lab = Lab::new(|_| {}).await;
    let mut client = lab.client().await;
    for correlation in 0..200 {
        client.produce(correlation, 1).await;
    }
    // 64 are with the engine; the others wait in the sockets until those are answered.
    eventually(|| async {
        let parked = lab.handle.inspect(|table| table.parked.len()).await.unwrap();
        if parked == 64 { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    })
    .await
    .unwrap();
    let mut next = 0;
    while next < 200 {
        lab.command(Command::Shutdown(ONE)).await;
        while next < 200 && !client.is_quiet().await {
            assert_eq!(client.correlation().await, Some(next));
            next += 1;
        }
    }
    lab.end().await;
}

#[tokio::test]
async fn a_close_comes_after_the_answers_before_it() {
    let lab = Lab::new(|_| {}).await;
    let mut client = lab.client().await;
    client.metadata(1).await;
    client.metadata(2).await;
    client.produce(3, 0).await;
    assert_eq!(client.correlation().await, Some(1));
    assert_eq!(client.correlation().await, Some(2));
    assert_eq!(client.correlation().await, None);
    lab.end().await;
}

#[tokio::test]
async fn a_killed_broker_closes_its_connections_and_refuses_new_ones_until_it_starts() {
    let lab = Lab::new(|_| {}).await;
    for _ in 0..3 {
        let mut client = lab.client().await;
        client.produce(1, 1).await;
        lab.command(Command::Kill(ONE)).await;
        assert_eq!(client.correlation().await, None);
        let refused = eventually(|| async {
            match TcpStream::connect(lab.at).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
                _ => Err(io::ErrorKind::WouldBlock.into()),
            }
        });
        refused.await.unwrap();
        assert!(std::net::TcpListener::bind(lab.at).is_err(), "nobody takes it");
        lab.command(Command::Start(ONE)).await;
        let mut client = lab.client().await;
        client.metadata(2).await;
        assert_eq!(client.correlation().await, Some(2), "the same port again");
    }
    lab.end().await;
}

#[tokio::test]
async fn while_time_stands_sockets_are_not_read_and_stay_open() {
    let lab = Lab::new(|_| {}).await;
    let mut client = lab.client().await;
    client.metadata(1).await;
    assert_eq!(client.correlation().await, Some(1));
    lab.handle.pause(true).await.unwrap();
    lab.handle.observe().await.unwrap();
    client.metadata(2).await;
    assert!(client.is_quiet().await);
    lab.handle.pause(false).await.unwrap();
    assert_eq!(client.correlation().await, Some(2));
    lab.end().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_a_place_that_is_free_is_given_again() {
    let lab = Lab::new(|settings| settings.max_connections = 2).await;
    let first = lab.client().await;
    let mut second = lab.client().await;
    second.metadata(1).await;
    assert_eq!(second.correlation().await, Some(1));
    let mut third = lab.client().await;
    assert_eq!(third.correlation().await, None);
    drop(first);
    eventually(|| async {
        let mut again = lab.client().await;
        again.metadata(4).await;
        again.correlation().await.map(|_| ()).ok_or_else(|| io::ErrorKind::WouldBlock.into())
    })
    .await
    .unwrap();
    lab.end().await;
}

#[tokio::test]
async fn idle_connections_are_closed_and_the_engine_hears_of_every_end() {
    let lab = Lab::new(|settings| settings.connections_max_idle_ms = 50).await;
    let mut client = lab.client().await;
    assert_eq!(client.correlation().await, None, "closed for want of a word");
    eventually(|| async {
        let seen = lab.seen.lock().unwrap().clone();
        if seen == ["connected", "disconnected"] { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    })
    .await
    .unwrap();
    lab.end().await;
}

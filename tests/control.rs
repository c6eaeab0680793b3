//! The control API as a script meets it: raw HTTP against a session that is a table of answers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use kscope::control::{Server, serve};
use kscope::session::action::{
    Action, CommitMode, Failure, NewConsumer, OffsetsReset, Origin, Outcome, ResetTo, SettingsChange,
};
use kscope::session::event::{Event, NodeRef, Severity};
use kscope::session::snapshot::{Broker, BrokerState, Consumer, Group, GroupKind, Snapshot, Topic};
use kscope::session::{Asked, Session};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

struct Lab {
    at: SocketAddr,
    server: Server,
    asked: Arc<Mutex<Vec<Action>>>,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

fn snapshot() -> Snapshot {
    let broker = |id| Broker { id, state: BrokerState::Running, leaders: 4, ..Broker::default() };
    let topics = BTreeMap::from([("trucks".into(), Topic { name: "trucks".into(), ..Topic::default() })]);
    let brokers = BTreeMap::from([(1, broker(1)), (2, broker(2))]);
    let consumers = BTreeMap::from([(5, Consumer { id: 5, name: "dashboard-1".into(), ..Consumer::default() })]);
    let groups = BTreeMap::from([("dashboard".into(), Arc::new(Group::default()))]);
    Snapshot {
        brokers: Arc::new(brokers),
        topics: Arc::new(topics),
        consumers: Arc::new(consumers),
        groups: Arc::new(groups),
        ..Snapshot::default()
    }
}

fn event(id: u64) -> Event {
    Event {
        id,
        at_us: 5,
        node: NodeRef::Broker(2),
        kind: "broker_killed".into(),
        severity: Severity::Bad,
        text: "broker-2 was killed".into(),
        because: "you pressed K".into(),
        changes: Vec::new(),
        brokers: vec![2],
        partitions: Vec::new(),
        by: None,
        cause: None,
        cause_event: None,
        via: Vec::new(),
        via_forgotten: 0,
        group: None,
        taken: None,
    }
}

impl Lab {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (snapshots, watched) = watch::channel(Arc::new(snapshot()));
        let (asks, mut asking) = mpsc::channel::<Asked>(8);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let answer = async move {
            while let Some(Asked { action, origin, answer }) = asking.recv().await {
                assert_eq!(origin, Origin::ControlApi);
                let outcome = match &action {
                    Action::StartBroker(_) => {
                        Outcome::Failed(Failure { error: None, code: None, message: "broker-1 runs already".into() })
                    }
                    _ => Outcome::Done("done".into()),
                };
                noted.lock().unwrap().push(action);
                let _ = answer.send(outcome);
            }
        };
        tokio_util::task::TaskTracker::new().spawn(answer);
        Self { at, server: serve(Session::new(watched, asks), listener), asked, snapshots }
    }

    /// Sends `request` and reads the answer: status and body.
    async fn raw(&self, request: String) -> (u16, String) {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let length = body.len();
        self.raw(format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "Host: localhost\r\n", "").await
    }

    async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let headers = "Host: 127.0.0.1:9644\r\nContent-Type: application/json\r\n";
        let (status, body) = self.ask("POST", path, headers, body).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    fn asked(&self) -> Vec<Action> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[tokio::test]
async fn the_cluster_is_its_snapshot() {
    let lab = Lab::new().await;
    let (status, body) = lab.get("/v1/cluster").await;
    assert_eq!(status, 200);
    let read: Snapshot = serde_json::from_str(&body).unwrap();
    assert_eq!(read.brokers, snapshot().brokers);
    lab.server.end().await;
}

#[tokio::test]
async fn brokers_are_killed_started_and_shut_down() {
    let lab = Lab::new().await;
    assert_eq!(lab.post("/v1/brokers/2/kill", "").await.0, 200);
    assert_eq!(lab.post("/v1/brokers/1/shutdown", "").await.0, 200);
    assert_eq!(lab.post("/v1/brokers/2/power-loss", "").await.0, 200);
    assert_eq!(lab.asked(), [Action::KillBroker(2), Action::ShutdownBroker(1), Action::PowerLoss(2)]);
    let (status, body) = lab.post("/v1/brokers/1/start", "").await;
    assert_eq!((status, &body["error"], &body["message"]), (409, &"REFUSED".into(), &"broker-1 runs already".into()));
    lab.asked();
    for (path, status) in [("9/kill", 404), ("x/kill", 404), ("1/explode", 404), ("1/pause", 501)] {
        let (found, body) = lab.post(&format!("/v1/brokers/{path}"), "").await;
        assert_eq!(found, status, "{path}");
        assert!(body["error"].is_string() && body["message"].is_string(), "{body}");
    }
    assert_eq!(lab.asked(), []);
    lab.server.end().await;
}

#[tokio::test]
async fn consumers_come_and_go_and_offsets_are_reset() {
    let lab = Lab::new().await;
    let id = *snapshot().consumers.keys().next().unwrap();
    assert_eq!(lab.post("/v1/consumers", r#"{"group":"wall","topics":["trucks"],"commit":"before"}"#).await.0, 200);
    let wanted = NewConsumer {
        group: "wall".into(),
        topics: vec!["trucks".into()],
        commit: CommitMode::Before,
        ..NewConsumer::default()
    };
    assert_eq!(lab.asked(), [Action::AddConsumer(wanted)]);
    let body = r#"{"group":"wall","topics":["trucks"],"protocol":"consumer","remote_assignor":"range"}"#;
    assert_eq!(lab.post("/v1/consumers", body).await.0, 200);
    let wanted = NewConsumer {
        group: "wall".into(),
        topics: vec!["trucks".into()],
        protocol: GroupKind::Consumer,
        remote_assignor: Some("range".into()),
        ..NewConsumer::default()
    };
    assert_eq!(lab.asked(), [Action::AddConsumer(wanted)]);
    assert_eq!(lab.post(&format!("/v1/consumers/{id}/work"), r#"{"each_us":50000}"#).await.0, 200);
    assert_eq!(lab.asked(), [Action::SlowConsumer { id, work_us: 50_000 }]);
    for what in ["remove", "crash", "pause", "resume"] {
        assert_eq!(lab.post(&format!("/v1/consumers/{id}/{what}"), "").await.0, 200);
    }
    let wanted = [
        Action::CloseConsumer(id),
        Action::CrashConsumer(id),
        Action::PauseConsumer { id, paused: true },
        Action::PauseConsumer { id, paused: false },
    ];
    assert_eq!(lab.asked(), wanted);
    let body = r#"{"to":{"shift":-7},"topic":"trucks","execute":true}"#;
    assert_eq!(lab.post("/v1/groups/dashboard/offsets", body).await.0, 200);
    let (group, topic) = ("dashboard".into(), Some("trucks".into()));
    let wanted = OffsetsReset { group, topic, to: ResetTo::Shift(-7), execute: true };
    assert_eq!(lab.asked(), [Action::ResetOffsets(wanted)]);
    for (path, body, status) in [
        ("/v1/consumers", r#"{"topics":["trucks"]}"#, 400),
        ("/v1/consumers", r#"{"group":"wall","topics":[],"speed":1}"#, 400),
        ("/v1/consumers", r#"{"group":"wall","topics":["trucks"],"protocol":"consumer","assignors":["range"]}"#, 400),
        ("/v1/consumers/999/work", r#"{"each_us":1}"#, 404),
        ("/v1/consumers/1/work", r#"{"each":1}"#, 400),
        ("/v1/consumers/999/crash", "", 404),
        ("/v1/consumers/x/crash", "", 404),
        ("/v1/groups/nobody/offsets", r#"{"to":"earliest"}"#, 404),
        ("/v1/groups/dashboard/offsets", r#"{"to":"tomorrow"}"#, 400),
    ] {
        let (found, answer) = lab.post(path, body).await;
        assert_eq!(found, status, "{path} {body}: {answer}");
    }
    assert_eq!(lab.post(&format!("/v1/consumers/{id}/explode"), "").await.0, 404);
    assert_eq!(lab.asked(), []);
    lab.server.end().await;
}

#[tokio::test]
async fn settings_of_a_topic_are_changed_by_name() {
    let lab = Lab::new().await;
    let path = "/v1/topics/trucks/settings";
    assert_eq!(lab.post(path, r#"{"retention.ms":"60000","segment.bytes":null}"#).await.0, 200);
    let settings = vec![("retention.ms".into(), Some("60000".into())), ("segment.bytes".into(), None)];
    assert_eq!(lab.asked(), [Action::AlterTopic(SettingsChange { name: "trucks".into(), settings })]);
    for (path, body, status) in [
        ("/v1/topics/nope/settings", r#"{"retention.ms":"1"}"#, 404),
        (path, r#"{"retention.ms":1}"#, 400),
        (path, "[]", 400),
        (path, "{", 400),
    ] {
        let (found, answer) = lab.post(path, body).await;
        assert_eq!(found, status, "{path} {body}: {answer}");
        assert!(answer["error"].is_string());
    }
    assert_eq!(lab.asked(), []);
    lab.server.end().await;
}

#[tokio::test]
async fn the_clock_takes_one_thing_at_a_time() {
    let lab = Lab::new().await;
    for body in [r#"{"rate":0.1}"#, r#"{"paused":true}"#, r#"{"step":3}"#] {
        assert_eq!(lab.post("/v1/clock", body).await.0, 200, "{body}");
    }
    let wanted = [Action::SetRate { rate_ppm: 100_000 }, Action::Pause(true), Action::Step { n: 3 }];
    assert_eq!(lab.asked(), wanted);
    let wrong = [
        r#"{"rate":0}"#,
        r#"{"rate":1e9}"#,
        r#"{"rate":"fast"}"#,
        r#"{"speed":1}"#,
        "{}",
        "[",
        r#"{"step":-1}"#,
        r#"{"rate":1,"paused":true}"#,
    ];
    for body in wrong {
        let (status, answer) = lab.post("/v1/clock", body).await;
        assert_eq!((status, &answer["error"]), (400, &"INVALID".into()), "{body}: {answer}");
    }
    let (status, _) = lab.ask("POST", "/v1/clock", "Host: localhost\r\n", r#"{"step":1}"#).await;
    assert_eq!(status, 415, "a form that a web page could send is not JSON");
    assert_eq!(lab.asked(), []);
    lab.server.end().await;
}

#[tokio::test]
async fn who_is_not_on_this_machine_is_refused() {
    let lab = Lab::new().await;
    let kill = "/v1/brokers/2/kill";
    for headers in [
        "Host: example.com\r\n",
        "",
        "Host: localhost.example.com:9644\r\n",
        "Host: localhost\r\nOrigin: http://example.com\r\n",
    ] {
        let (status, body) = lab.ask("POST", kill, headers, "").await;
        assert!(status == 403 || status == 400, "{headers}: {status} {body}");
    }
    assert_eq!(lab.asked(), []);
    for headers in ["Host: [::1]:9644\r\n", "Host: LOCALHOST\r\nOrigin: http://127.0.0.1:3000\r\n"] {
        assert_eq!(lab.ask("POST", kill, headers, "").await.0, 200, "{headers}");
    }
    lab.server.end().await;
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_json() {
    let lab = Lab::new().await;
    let (status, body) = lab.get("/v2/cluster").await;
    assert_eq!(status, 404);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"], "NOT_FOUND");
    let (status, body) = lab.get("/v1/clock").await;
    assert_eq!(status, 405);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"], "METHOD_NOT_ALLOWED");
    lab.server.end().await;
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let lab = Lab::new().await;
    let (status, body) = lab.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(body.contains("# TYPE kscope_broker_up gauge\nkscope_broker_up{broker=\"1\"} 1\n"), "{body}");
    assert!(body.contains("kscope_broker_leaders{broker=\"2\"} 4\n"));
    assert!(body.contains("\nkscope_offline_partitions 0\n"));
    lab.server.end().await;
}

#[tokio::test]
async fn events_are_told_from_now_on_and_the_stream_ends_with_the_server() {
    let lab = Lab::new().await;
    lab.snapshots.send_replace(Arc::new(Snapshot { events: Arc::new([event(1)]), ..snapshot() }));
    let mut stream = TcpStream::connect(lab.at).await.unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut line = async || lines.next_line().await.unwrap().expect("the stream goes on");
    while !line().await.is_empty() {}
    lab.snapshots.send_replace(Arc::new(Snapshot { events: Arc::new([event(1), event(2), event(3)]), ..snapshot() }));
    lab.snapshots.send_replace(Arc::new(Snapshot { events: Arc::new([event(7)]), events_dropped: 6, ..snapshot() }));
    let mut seen = Vec::new();
    while !seen.contains(&"id: 7".to_owned()) {
        let line = line().await;
        if let Some(data) = line.strip_prefix("data: {\"id\"") {
            assert!(data.contains("broker-2 was killed"));
        }
        if line.starts_with("id: ") || line.starts_with("event: dropped") {
            seen.push(line);
        }
    }
    let told = |id: &str| seen.iter().any(|line| line == id);
    assert!(!told("id: 1"), "it was there before");
    assert!(told("id: 3") || told("event: dropped"), "either told or named as dropped: {seen:?}");
    lab.server.end().await;
}

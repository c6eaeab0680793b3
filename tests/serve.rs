//! `kscope serve` as a test suite uses it: the ready line, a client on the port, the control API, a clean end.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use kscope::protocol::create_topics::CreatableTopic;
use kscope::protocol::{ApiKey, CreateTopicsRequest, Response, decode_response, encode_request};
use serde_json::Value;

/// A served lab; killed when the test fails.
struct Served {
    child: Child,
    ready: Value,
}

impl Served {
    fn new(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kscope"))
            .args(["serve", "--no-traffic", "--port", "0", "--zk-port", "0", "--control", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        Self { child, ready }
    }

    fn text(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap_or_else(|| panic!("{field} in {}", self.ready))
    }

    fn brokers(&self) -> Vec<&str> {
        self.text("bootstrap").split(',').collect()
    }

    /// Asks the control API: status and body.
    fn control(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let host = self.text("control").strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{kind}Content-Length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    fn cluster(&self) -> Value {
        let (status, cluster) = self.control("GET", "/v1/cluster", "");
        assert_eq!(status, 200);
        cluster
    }

    fn post(&self, path: &str, body: &str) {
        let (status, answer) = self.control("POST", path, body);
        assert_eq!(status, 200, "{path}: {answer}");
    }

    /// Waits until the cluster is as `is` says.
    fn until(&self, what: &str, is: impl Fn(&Value) -> bool) {
        let end = after(Duration::from_secs(30));
        loop {
            let cluster = self.cluster();
            if is(&cluster) {
                return;
            }
            assert!(!passed(end), "not {what} within 30 s: {cluster:#}");
            // Asking takes a while by itself.
            std::thread::yield_now();
        }
    }

    fn signal(&mut self, signal: &str) -> (ExitStatus, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status, said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test of a real process has real deadlines")]
fn after(wait: Duration) -> Instant {
    Instant::now() + wait
}

#[expect(clippy::disallowed_methods, reason = "as above")]
fn passed(end: Instant) -> bool {
    Instant::now() > end
}

fn state(cluster: &Value, broker: &str) -> String {
    cluster["brokers"][broker]["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn it_says_when_it_is_ready_and_ends_cleanly_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut lab = Served::new(&[]);
        assert_eq!(lab.ready["ready"], true);
        assert_eq!(lab.brokers().len(), 3);
        for address in lab.brokers().into_iter().chain([lab.text("zookeeper")]) {
            TcpStream::connect(address).unwrap();
        }
        let (status, said) = lab.signal(signal);
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(!said.contains("panic") && !said.contains("ERROR"), "{said}");
    }
}

#[test]
fn it_has_as_many_brokers_as_asked_for_and_no_control_api_where_none_is_wanted() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kscope"))
        .args(["serve", "--no-traffic", "--port", "0", "--zk-port", "0", "--control", "off", "--brokers", "5"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["bootstrap"].as_str().unwrap().split(',').count(), 5);
    assert_eq!(ready["control"], Value::Null);
}

#[test]
fn a_broker_is_killed_and_started_by_the_control_api_and_its_port_goes_with_it() {
    let mut lab = Served::new(&[]);
    let address = lab.brokers()[1].to_owned();
    let mut client = TcpStream::connect(&address).unwrap();
    lab.post("/v1/brokers/2/kill", "");
    assert_eq!(client.read(&mut [0; 1]).unwrap_or(0), 0, "its connections are closed");
    let cluster = lab.cluster();
    assert_eq!(state(&cluster, "2"), "dead");
    let killed = cluster["events"].as_array().unwrap().iter().find(|event| event["kind"] == "broker_killed").unwrap();
    assert_eq!((&killed["by"], &killed["because"]), (&"control_api".into(), &"asked for over the control API".into()));
    lab.until("refused", |_| TcpStream::connect(&address).is_err());
    let (status, answer) = lab.control("POST", "/v1/brokers/2/kill", "");
    assert_eq!(status, 409, "{answer}");
    lab.post("/v1/brokers/2/start", "");
    lab.until("running again", |cluster| state(cluster, "2") == "running");
    lab.until("open again", |_| TcpStream::connect(&address).is_ok());
    lab.post("/v1/brokers/3/shutdown", "");
    lab.until("stopped in order", |cluster| state(cluster, "3") == "dead");
    assert_eq!(lab.signal("-TERM").0.code(), Some(0));
}

#[test]
fn the_clock_stands_steps_and_runs_at_another_rate() {
    let lab = Served::new(&[]);
    let time = |cluster: &Value| cluster["clock"]["lab_us"].as_u64().unwrap();
    lab.post("/v1/clock", r#"{"paused":true}"#);
    let stood = lab.cluster();
    lab.until("still for a while", |cluster| cluster["clock"]["outside_waited_ms"].as_u64() > Some(50));
    assert_eq!(time(&lab.cluster()), time(&stood));
    assert_eq!(stood["clock"]["paused"], true);
    lab.post("/v1/clock", r#"{"step":1}"#);
    assert!(time(&lab.cluster()) > time(&stood), "a step goes to the next message");
    lab.post("/v1/clock", r#"{"rate":10}"#);
    lab.post("/v1/clock", r#"{"paused":false}"#);
    lab.until("a second of lab time later", |cluster| time(cluster) > time(&stood) + 1_000_000);
    assert_eq!(lab.cluster()["clock"]["rate_ppm"], 10_000_000);
}

/// Creates a topic as a Kafka client does: asks one broker after the other until one is the controller.
fn create_topic(lab: &Served, name: &str) {
    let topic = CreatableTopic { name: name.into(), num_partitions: 1, replication_factor: 3, ..Default::default() };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() }.into();
    let frame = encode_request(7, 1, None, &request).to_bytes();
    let created = lab.brokers().into_iter().any(|broker| {
        let mut stream = TcpStream::connect(broker).unwrap();
        stream.write_all(&frame).unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut answer).unwrap();
        let (_, response) = decode_response(&answer.into(), ApiKey::CreateTopics, 7).unwrap();
        let Response::CreateTopics(response) = response else { panic!("{response:?}") };
        response.topics[0].error_code.is_ok()
    });
    assert!(created, "no broker is the controller");
}

#[test]
fn settings_of_a_topic_are_changed_by_the_control_api() {
    let lab = Served::new(&[]);
    create_topic(&lab, "t");
    let path = "/v1/topics/t/settings";
    lab.post(path, r#"{"retention.ms":"60000","min.insync.replicas":"2"}"#);
    lab.until("kept for a minute", |cluster| cluster["topics"]["t"]["retention_ms"] == 60_000);
    lab.post(path, r#"{"min.insync.replicas":null}"#);
    lab.until("as the brokers have it", |cluster| {
        let own = cluster["topics"]["t"]["settings"].as_array().unwrap();
        own.len() == 1 && own[0]["name"] == "retention.ms" && cluster["topics"]["t"]["min_insync_replicas"] == 1
    });
    let (status, answer) = lab.control("POST", path, r#"{"retention.ms":"-5"}"#);
    assert_eq!((status, &answer["error"]), (409, &"INVALID_CONFIG".into()), "{answer}");
    lab.until("told by three brokers", |cluster| {
        let taken_up = |event: &&Value| event["kind"] == "config_taken_up";
        cluster["events"].as_array().unwrap().iter().filter(taken_up).count() >= 6
    });
}

#[test]
fn a_seed_and_settings_are_taken() {
    let lab = Served::new(&["--seed", "7", "--set", "num.partitions=4", "--pace", "kafka", "--memory", "64M"]);
    let cluster = lab.cluster();
    let settings = cluster["brokers"]["1"]["settings"].as_array().unwrap();
    let setting = settings.iter().find(|setting| setting["name"] == "num.partitions").unwrap();
    assert_eq!((&setting["value"], &setting["source"]), (&"4".into(), &"set".into()));
    assert_eq!(cluster["memory"]["bound_bytes"], 64 << 20);
}

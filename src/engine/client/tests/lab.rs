//! The default traffic in a whole lab, with brokers dying under it.

use std::time::Duration;

use super::super::{Consumer, Patience, Producer, default_lab, scoreboard};
use crate::engine::cluster::Cluster;
use crate::engine::config::Config;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::{By, Command, Input};
use crate::engine::node::BrokerId;
use crate::engine::settings::Settings;
use crate::engine::time::{Now, Time};

pub(super) struct Lab {
    pub(super) cluster: Cluster,
    pub(super) time: Time,
}

impl Lab {
    pub(super) fn new() -> Self {
        let (_, clients) = default_lab(3, &Patience::LAB);
        let config = Config { settings: Settings::lab().into(), clients, ..Config::new(7) };
        Self { cluster: Cluster::new(config, 1_700_000_000_000), time: Time::ZERO }
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.time + time;
        let mut outputs = Vec::new();
        loop {
            let due = self.cluster.due();
            let at = due.lab.min(due.outside);
            if at > end {
                break;
            }
            let now = Now { lab: at, outside: at, epoch_ms: self.cluster.now().epoch_ms };
            self.cluster.step(Input::Due, now, &mut outputs);
            outputs.clear();
        }
        self.time = end;
    }

    pub(super) fn command(&mut self, command: Command) {
        let now = Now { lab: self.time, outside: self.time, epoch_ms: self.cluster.now().epoch_ms };
        self.cluster.step(Input::Command { ticket: 1, by: By::Program, command }, now, &mut Vec::new());
    }

    fn producer(&self, name: &str) -> &Producer {
        self.cluster.clients().filter_map(|(_, client)| client.as_producer()).find(|p| &**p.name() == name).unwrap()
    }

    pub(super) fn consumer(&self, name: &str) -> &Consumer {
        self.cluster.clients().filter_map(|(_, client)| client.as_consumer()).find(|c| &**c.name() == name).unwrap()
    }

    fn events(&self) -> Vec<ClientEvent> {
        self.cluster
            .events()
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Client(event) => Some(event.clone()),
                _ => None,
            })
            .collect()
    }
}

#[test]
fn steady_traffic_is_written_and_read_back() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(10));
    let news = |event: &ClientEvent| !matches!(event, ClientEvent::PartitionsAssigned { .. });
    let news: Vec<ClientEvent> = lab.events().into_iter().filter(news).collect();
    assert_eq!(news, [], "steady traffic is no news");
    for (name, at_least) in [("trucks", 480), ("shop", 80)] {
        let producer = lab.producer(name);
        let counts = producer.counts();
        assert!(counts.acked >= at_least, "{name}: {counts:?}");
        assert_eq!((counts.failed, counts.stalled), (0, 0));
        assert_eq!(counts.made, counts.acked + producer.waiting());
        let score = scoreboard(producer, lab.consumer("audit").audit().unwrap());
        assert_eq!((score.lost, score.duplicated), (0, 0));
        assert!(score.readable + 60 >= counts.acked, "{score:?}, {counts:?}");
    }
    let dashboard = ["dashboard-1", "dashboard-2", "dashboard-3"].map(|name| lab.consumer(name));
    let read: u64 = dashboard.iter().map(|member| member.read()).sum();
    let lag: u64 = dashboard.iter().map(|member| member.lag()).sum();
    assert!(read > 300 && lag < 30, "{read} {lag}");
    let per_second: u64 = lab.producer("trucks").per_partition(lab.time).values().sum();
    assert!(per_second.abs_diff(60) <= 10, "{per_second}");
}

#[test]
fn leaders_die_and_come_back_and_nothing_that_all_replicas_had_is_lost_or_repeated() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(5));
    for broker in [1, 2, 3] {
        lab.command(Command::Kill(BrokerId(broker)));
        lab.run(Duration::from_secs(10));
        lab.command(Command::Start(BrokerId(broker)));
        lab.run(Duration::from_secs(15));
    }
    let trucks = lab.producer("trucks");
    assert_eq!(trucks.counts().failed, 0);
    assert!(trucks.waiting() < 60, "all goes on: {} wait", trucks.waiting());
    let score = scoreboard(trucks, lab.consumer("audit").audit().unwrap());
    assert_eq!((score.lost, score.duplicated), (0, 0), "{score:?}");
    assert!(score.unread < 60 && score.readable + score.unread == trucks.counts().acked, "{score:?}");
    let events = lab.events();
    let lost = events.iter().filter(|event| matches!(event, ClientEvent::ConnectionLost { .. })).count();
    assert!((3..=18).contains(&lost), "each client once for each death: {lost}");
    assert!(events.iter().any(|event| matches!(event, ClientEvent::RecordsSentAgain { .. })));
    assert!(events.iter().any(|event| matches!(event, ClientEvent::LeaderFound { .. })));
}

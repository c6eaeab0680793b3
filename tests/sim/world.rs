//! What happens to a lab in a simulation, drawn from its seed: brokers are killed, started and shut down, links are cut,
//! slowed and healed, topics come, go, grow and move, leaders are elected, and producers write all the while.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::config::Config;
use kscope::engine::context::Id;
use kscope::engine::controller::znodes::{self, Assignment, StateNode};
use kscope::engine::message::{Command, Output};
use kscope::engine::node::{BrokerId, NodeId, ZkId};
use kscope::engine::replica::TopicPartition;
use kscope::engine::rng::Rng;
use kscope::engine::settings::Settings;
use kscope::protocol::Request;
use kscope::protocol::alter_partition_reassignments::{ReassignablePartition, ReassignableTopic};
use kscope::protocol::create_partitions::CreatePartitionsTopic;
use kscope::protocol::create_topics::{CreatableTopic, CreatableTopicConfig};
use kscope::protocol::delete_records::{DeleteRecordsPartition, DeleteRecordsTopic};
use kscope::protocol::delete_topics::DeleteTopicState;
use kscope::protocol::{
    AlterPartitionReassignmentsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, ElectLeadersRequest,
};
use uuid::Uuid;

use super::configs;
use super::harness::Lab;
use super::producers::Producers;

/// How many things happen to a lab before it is healed.
const TURNS: u32 = 60;
/// No more topics than this at a time.
const TOPICS: usize = 4;

/// What becomes of old records: most topics keep them.
const POLICIES: &[&[(&str, &str)]] = &[
    &[],
    &[],
    &[("retention.bytes", "400"), ("segment.bytes", "250")],
    &[("retention.ms", "3000"), ("segment.ms", "500")],
    &[
        ("cleanup.policy", "compact"),
        ("segment.bytes", "300"),
        ("min.cleanable.dirty.ratio", "0.1"),
        ("delete.retention.ms", "1000"),
    ],
    &[("cleanup.policy", "compact,delete"), ("segment.ms", "300"), ("retention.ms", "5000")],
];

/// A topic, as ZooKeeper has it.
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    pub(crate) partitions: BTreeMap<i32, Assignment>,
}

/// A lab under faults.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) producers: Producers,
    /// The event log, as text.
    pub(crate) log: String,
    rng: Rng,
    logged: Id,
    brokers: i32,
    zookeepers: u8,
    /// How many topics were asked for.
    named: u32,
}

impl World {
    /// In memory.
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(seed, Lab::new)
    }

    /// The same on files in `folder`.
    pub(crate) fn on_files(seed: u64, folder: &Path) -> Self {
        Self::of(seed, |config| Lab::on_files(config, folder))
    }

    fn of(seed: u64, lab: impl FnOnce(Config) -> Lab) -> Self {
        let brokers = 3 + u32::try_from(seed % 3).unwrap() / 2;
        let mut settings = Settings::lab();
        settings.min_insync_replicas = 1 + i32::try_from(seed % 2).unwrap();
        settings.log_initial_task_delay_ms = 500;
        settings.log_retention_check_interval_ms = 300;
        settings.log_cleaner_backoff_ms = 200;
        // Rebalancing by itself happens within the few seconds that a run takes.
        settings.leader_imbalance_check_interval_seconds = 2;
        // One in four has an ensemble; the others draw as if there were none.
        let zookeepers = if seed % 4 == 3 { 3 } else { 1 };
        let config = Config { brokers, zookeepers, settings: settings.into(), ..Lab::config(seed) };
        Self {
            lab: lab(config),
            producers: Producers::default(),
            log: String::new(),
            rng: Rng::split(seed, "script"),
            logged: 0,
            brokers: i32::try_from(brokers).unwrap(),
            zookeepers,
            named: 0,
        }
    }

    /// The run, up to where it is healed.
    pub(crate) fn live(&mut self) {
        self.lab.wait("a controller", |lab| lab.controller().is_some());
        self.run(Duration::from_millis(50));
        self.create();
        for _ in 0..TURNS {
            self.disturb();
            let pause = self.rng.between(Duration::from_micros(100), Duration::from_millis(400));
            self.run(pause);
        }
    }

    /// Runs for `time`, then takes note of answers and events.
    fn run(&mut self, time: Duration) {
        self.lab.run(time);
        for output in std::mem::take(&mut self.lab.outputs) {
            if let Output::Answer { ticket, answer } = output {
                self.producers.hear(ticket, answer, &self.lab);
            }
        }
        for event in self.lab.cluster.events().after(self.logged) {
            let cause = event.cause.id();
            writeln!(self.log, "{} {} {} {:?} {cause:?}", event.id, event.at, event.node, event.kind).unwrap();
            self.logged = event.id;
        }
    }

    fn command(&mut self, command: Command) {
        self.lab.command(command);
    }

    fn any_broker(&mut self) -> BrokerId {
        BrokerId(1 + i32::try_from(self.rng.below(u64::try_from(self.brokers).unwrap())).unwrap())
    }

    fn any_node(&mut self) -> NodeId {
        if self.rng.chance_ppm(250_000) { NodeId::Zk(self.any_server()) } else { NodeId::Broker(self.any_broker()) }
    }

    fn any_server(&mut self) -> ZkId {
        if self.zookeepers == 1 {
            return ZkId(1);
        }
        ZkId(1 + u8::try_from(self.rng.below(self.zookeepers.into())).unwrap())
    }

    /// A ZooKeeper server dies or comes back; where there is one alone, it stays.
    fn disturb_ensemble(&mut self) -> bool {
        if self.zookeepers == 1 || !self.rng.chance_ppm(150_000) {
            return false;
        }
        let server = self.any_server();
        let command =
            if self.rng.chance_ppm(400_000) { Command::KillServer(server) } else { Command::StartServer(server) };
        self.command(command);
        true
    }

    /// One thing at random; mostly records.
    fn disturb(&mut self) {
        if self.disturb_ensemble() {
            return;
        }
        match self.rng.below(24) {
            0 => {
                let broker = self.any_broker();
                self.command(Command::Kill(broker));
            }
            1 | 2 => {
                let broker = self.any_broker();
                self.command(Command::Start(broker));
            }
            3 => {
                let broker = self.any_broker();
                self.command(Command::Shutdown(broker));
            }
            4 | 5 => {
                let (a, b) = (self.any_node(), self.any_node());
                self.command(Command::Cut(a, b));
            }
            6 => self.isolate(),
            7 => {
                let (a, b) = (self.any_node(), self.any_node());
                let by = self.rng.between(Duration::ZERO, Duration::from_millis(300));
                self.command(Command::Slow(a, b, by));
            }
            8 | 9 => self.command(Command::HealAll),
            10..=13 => self.administer(),
            14 => self.delete_records(),
            _ => self.producers.produce(&mut self.lab, &mut self.rng),
        }
    }

    /// Cuts a broker off from everybody.
    fn isolate(&mut self) {
        let broker = self.any_broker();
        let others = (1..=self.brokers).map(|id| NodeId::Broker(BrokerId(id)));
        for other in others.chain((1..=self.zookeepers).map(|id| NodeId::Zk(ZkId(id)))) {
            self.command(Command::Cut(NodeId::Broker(broker), other));
        }
    }

    /// An admin asks for something; nobody waits for the answer.
    fn administer(&mut self) {
        match self.rng.below(7) {
            6 => self.alter(),
            0 => self.create(),
            1 => self.delete(),
            2 => self.grow(),
            3 => self.elect(),
            _ => self.reassign(),
        }
    }

    /// Asks whoever believes to be the controller: perhaps one that is not any more.
    fn ask(&mut self, version: i16, request: impl Into<Request>) {
        let believers = self
            .lab
            .cluster
            .brokers()
            .filter(|(_, node)| node.running().is_some_and(|broker| broker.controller.is_active()));
        let believers: Vec<BrokerId> = believers.map(|(id, _)| id).collect();
        if let Some(broker) = believers.get(self.rng.index(believers.len())) {
            let (broker, request) = (*broker, request.into());
            self.command(Command::Ask { broker, version, request });
        }
    }

    fn create(&mut self) {
        if topics(&self.lab).len() >= TOPICS {
            return;
        }
        // A name comes again now and then: the new topic is not the old one.
        self.named += 1;
        let name: Arc<str> = format!("topic{}", self.named % 6).into();
        let min_insync = 1 + self.rng.below(2);
        let min_insync = min_insync.to_string();
        let mut configs = vec![("min.insync.replicas", min_insync.as_str())];
        configs.extend(POLICIES[self.rng.index(POLICIES.len())]);
        let config =
            |(name, value): &(&str, &str)| CreatableTopicConfig { name: (*name).into(), value: Some((*value).into()) };
        let topic = CreatableTopic {
            name,
            num_partitions: 1 + i32::try_from(self.rng.below(5)).unwrap(),
            replication_factor: if self.rng.chance_ppm(150_000) {
                1
            } else {
                2 + i16::from(self.rng.chance_ppm(700_000))
            },
            configs: configs.iter().map(config).collect(),
            ..Default::default()
        };
        self.ask(7, CreateTopicsRequest { topics: vec![topic], timeout_ms: 1_000, ..Default::default() });
    }

    fn any_topic(&mut self) -> Option<Topic> {
        let mut topics = topics(&self.lab);
        if topics.is_empty() { None } else { Some(topics.swap_remove(self.rng.index(topics.len()))) }
    }

    fn delete(&mut self) {
        if self.rng.chance_ppm(500_000) {
            return;
        }
        let Some(topic) = self.any_topic() else { return };
        let topics = vec![DeleteTopicState { name: Some(topic.name), ..Default::default() }];
        self.ask(6, DeleteTopicsRequest { topics, timeout_ms: 1_000, ..Default::default() });
    }

    fn grow(&mut self) {
        let Some(topic) = self.any_topic().filter(|topic| topic.partitions.len() < 6) else { return };
        let count = i32::try_from(topic.partitions.len()).unwrap() + 1;
        let topic = CreatePartitionsTopic { name: topic.name, count, assignments: None };
        self.ask(3, CreatePartitionsRequest { topics: vec![topic], timeout_ms: 1_000, ..Default::default() });
    }

    /// Deletes what one replica of a partition has below an offset by chance, or all that is readable.
    fn delete_records(&mut self) {
        let leaders = self.lab.cluster.brokers().flat_map(|(broker, node)| {
            let led = node.running().into_iter().flat_map(|broker| broker.replicas.values());
            led.filter(|replica| replica.leader().is_some()).map(move |replica| (broker, replica))
        });
        let known: Vec<_> =
            leaders.map(|(broker, replica)| (broker, replica.id.clone(), replica.high_watermark)).collect();
        let Some((broker, id, high_watermark)) = known.get(self.rng.index(known.len())).cloned() else { return };
        let some = i64::try_from(self.rng.below(u64::try_from(high_watermark).unwrap() + 2)).unwrap();
        let offset = if self.rng.chance_ppm(200_000) { -1 } else { some };
        let partitions = vec![DeleteRecordsPartition { partition_index: id.partition, offset }];
        let request =
            DeleteRecordsRequest { topics: vec![DeleteRecordsTopic { name: id.topic, partitions }], timeout_ms: 1_000 };
        self.command(Command::Ask { broker, version: 2, request: request.into() });
    }

    fn elect(&mut self) {
        self.ask(2, ElectLeadersRequest { topic_partitions: None, timeout_ms: 1_000, ..Default::default() });
    }

    /// Changes a setting of a topic or of all brokers, or leaves it to itself again: smaller segments roll and flush.
    fn alter(&mut self) {
        let Some(topic) = self.any_topic() else { return };
        let bytes = (100 + self.rng.below(2_000)).to_string();
        let value = if self.rng.chance_ppm(300_000) { "" } else { &bytes };
        let (whose, setting) = match self.rng.below(3) {
            0 => ("brokers", "log.segment.bytes"),
            _ => (&*topic.name, "segment.bytes"),
        };
        self.ask(1, configs::alteration(whose, &BTreeMap::from([(setting, value)])));
    }

    /// Moves a partition to brokers by chance, or calls its move off.
    fn reassign(&mut self) {
        let Some(topic) = self.any_topic() else { return };
        let partitions: Vec<i32> = topic.partitions.keys().copied().collect();
        let Some(&partition_index) = partitions.get(self.rng.index(partitions.len())) else { return };
        let mut brokers: Vec<i32> = (1..=self.brokers).collect();
        let count = 1 + self.rng.index(3);
        let replicas = (0..count).map(|_| brokers.swap_remove(self.rng.index(brokers.len()))).collect();
        let replicas = if self.rng.chance_ppm(200_000) { None } else { Some(replicas) };
        let partition = ReassignablePartition { partition_index, replicas };
        let topic = ReassignableTopic { name: topic.name, partitions: vec![partition] };
        self.ask(0, AlterPartitionReassignmentsRequest { topics: vec![topic], timeout_ms: 1_000 });
    }

    /// Everybody comes back, all links work, and everything comes to rest.
    pub(crate) fn heal(&mut self) {
        self.command(Command::HealAll);
        for server in 1..=self.zookeepers {
            self.command(Command::StartServer(ZkId(server)));
        }
        for _ in 0..1_200 {
            for broker in 1..=self.brokers {
                // One that is in the middle of its shutdown stops first.
                self.command(Command::Start(BrokerId(broker)));
            }
            if topics(&self.lab).is_empty() {
                self.create();
            }
            self.producers.finish(&mut self.lab, &mut self.rng);
            self.run(Duration::from_millis(100));
            let idle = topics(&self.lab).is_empty();
            if !idle && self.unrest().is_none() && self.producers.is_done(&self.lab) {
                break;
            }
        }
        if let Some(unrest) = self.unrest() {
            panic!("{unrest}, 120 s after all was healed\n{}{}", self.lab.story(), self.replicas());
        }
        assert!(
            self.producers.is_done(&self.lab),
            "producers still wait: {:?}\n{}",
            self.producers.waiting(),
            self.lab.story()
        );
        if let Err(violation) = self.lab.invariants.sweep(&self.lab.cluster) {
            panic!("{violation}\n{}", self.lab.story());
        }
    }

    /// Every replica as it stands, for a failure's message.
    fn replicas(&self) -> String {
        let mut told = String::new();
        for (broker, node) in self.lab.cluster.brokers() {
            let Some(running) = node.running() else { continue };
            for replica in running.replicas.values() {
                let (id, high, end) = (&replica.id, replica.high_watermark, replica.log.log_end_offset());
                writeln!(told, "{id} on {broker}: {high} of {end}, {:?} {:?}", replica.role, replica.state).unwrap();
            }
        }
        told
    }

    /// What is not as it is to be in a cluster at rest, if anything.
    fn unrest(&self) -> Option<String> {
        if !children(&self.lab, znodes::DELETE_TOPICS).is_empty() {
            return Some(format!("{:?} are being deleted", children(&self.lab, znodes::DELETE_TOPICS)));
        }
        let partitions = topics(&self.lab).into_iter().flat_map(|topic| {
            let of =
                move |(partition, assignment)| (TopicPartition::new(Arc::clone(&topic.name), partition), assignment);
            topic.partitions.into_iter().map(of).collect::<Vec<_>>()
        });
        partitions
            .map(|(id, assignment)| (unrest_of(&self.lab, &id, &assignment), id))
            .find_map(|(what, id)| what.map(|what| format!("{id} {what}")))
    }
}

fn unrest_of(lab: &Lab, id: &TopicPartition, assignment: &Assignment) -> Option<String> {
    if assignment.is_moving() {
        return Some("is being moved".into());
    }
    let Some(state) = state(lab, id) else { return Some("has no state".into()) };
    let Some(leader) = state.leader else { return Some("has no leader".into()) };
    if state.isr.len() != assignment.replicas.len() {
        return Some(format!("is in sync on {:?} of {:?} only", state.isr, assignment.replicas));
    }
    for (broker, node) in lab.cluster.brokers() {
        let replica = node.running().and_then(|broker| broker.replicas.get(id));
        let assigned = assignment.replicas.contains(&broker);
        match replica {
            None if assigned => return Some(format!("is not on {broker}")),
            // A broker that was away while its replica was taken from it keeps the log, as in Kafka.
            Some(_) if !assigned => {}
            Some(replica) if replica.leader().is_some() != (leader == broker) => {
                return Some(format!("has another part on {broker}"));
            }
            Some(replica) if replica.high_watermark != replica.log.log_end_offset() => {
                return Some(format!("is not all readable on {broker}"));
            }
            _ => {}
        }
    }
    None
}

fn data(lab: &Lab, path: &str) -> Option<bytes::Bytes> {
    let server = lab.cluster.ensemble()?;
    Some(server.tree().get(path)?.data().clone())
}

fn children(lab: &Lab, path: &str) -> Vec<String> {
    let server = lab.cluster.ensemble().unwrap();
    let znode = server.tree().get(path);
    znode.map(|znode| znode.children().map(|(name, _)| name.to_string()).collect()).unwrap_or_default()
}

/// The topics, as ZooKeeper has them, without those that are being deleted.
pub(crate) fn topics(lab: &Lab) -> Vec<Topic> {
    let going = children(lab, znodes::DELETE_TOPICS);
    let staying = children(lab, znodes::TOPICS).into_iter().filter(|name| !going.contains(name));
    staying
        .filter_map(|name| {
            let node = znodes::read_topic(&data(lab, &znodes::topic_path(&name))?)?;
            Some(Topic { name: name.into(), id: node.id, partitions: node.partitions })
        })
        .collect()
}

/// A partition's state, as ZooKeeper has it.
pub(crate) fn state(lab: &Lab, id: &TopicPartition) -> Option<StateNode> {
    znodes::read_state(&data(lab, &znodes::state_path(&id.topic, id.partition))?)
}

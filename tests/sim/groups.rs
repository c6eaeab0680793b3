//! Groups under faults: members come, leave, crash, stop and are slow, brokers die and come back with the coordinators on
//! them, links are slow. After every step the invariants hold; in the end everybody reads on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use kscope::engine::client::{
    ClientSpec, Commit, ConsumerSpec, GroupSpec, OffsetReset, Patience, ProducerSpec, Role, TopicSpec, Workload,
};
use kscope::engine::config::Config;
use kscope::engine::message::Command;
use kscope::engine::node::{BrokerId, ClientId, NodeId};
use kscope::engine::rng::Rng;

use super::harness::Lab;
use super::seeds;

/// How many things happen to a lab before it is healed.
const TURNS: u32 = 50;
/// The topic that is read.
const TOPIC: &str = "read";
const PARTITIONS: i32 = 4;
const BROKERS: i32 = 3;

/// A group by its way of committing: what it promises is checked by the invariants.
const GROUPS: &[(&str, Commit)] =
    &[("auto", Commit::Auto { interval_ms: 400 }), ("after", Commit::After), ("before", Commit::Before)];
const ASSIGNORS: &[&str] = &["range", "roundrobin", "sticky", "cooperative-sticky"];

struct World {
    lab: Lab,
    rng: Rng,
    named: u32,
    /// The assignor of each group: all members must know it.
    assignors: BTreeMap<&'static str, &'static str>,
}

impl World {
    fn new(seed: u64) -> Self {
        let topics = vec![TopicSpec { name: TOPIC.into(), partitions: PARTITIONS, replication_factor: 3 }];
        let producer = ProducerSpec {
            topic: TOPIC.into(),
            workload: Workload::Plain { bytes: 50, per_sec: 60, keys: 20 },
            delivery_timeout_ms: 120_000,
            ..ProducerSpec::default()
        };
        let clients = vec![
            ClientSpec { name: "admin".into(), role: Role::Admin { topics } },
            ClientSpec { name: "producer".into(), role: Role::Producer(producer) },
        ];
        let mut rng = Rng::split(seed, "script");
        let assignors = GROUPS.iter().map(|(name, _)| (*name, ASSIGNORS[rng.index(ASSIGNORS.len())])).collect();
        Self { lab: Lab::new(Config { clients, ..Lab::config(seed) }), rng, named: 0, assignors }
    }

    fn live(&mut self) {
        self.lab.wait("a controller", |lab| lab.controller().is_some());
        self.lab.run(Duration::from_secs(1));
        for _ in 0..TURNS {
            self.disturb();
            let pause = self.rng.between(Duration::from_millis(1), Duration::from_millis(900));
            self.lab.run(pause);
            self.sweep();
        }
    }

    #[track_caller]
    fn sweep(&mut self) {
        if let Err(violation) = self.lab.invariants.sweep(&self.lab.cluster) {
            panic!("{violation}\n{}", self.lab.story());
        }
    }

    fn disturb(&mut self) {
        match self.rng.below(16) {
            0..=3 => self.add(),
            4 => self.to_a_member(Command::CloseClient),
            5 | 6 => self.to_a_member(Command::CrashClient),
            7 => {
                let paused = self.rng.chance_ppm(300_000);
                self.to_a_member(|id| Command::PauseClient(id, paused));
            }
            8 => {
                // Some are so slow that they poll too late.
                let work = [0, 1_000, 40_000, 2_000_000][self.rng.index(4)];
                self.to_a_member(|id| Command::SlowClient(id, work));
            }
            9 | 10 => {
                let broker = self.any_broker();
                self.lab.command(Command::Kill(broker));
            }
            11 | 12 => {
                let broker = self.any_broker();
                self.lab.command(Command::Start(broker));
            }
            13 => {
                let broker = self.any_broker();
                self.lab.command(Command::Shutdown(broker));
            }
            14 => {
                let (broker, by) = (self.any_broker(), self.rng.between(Duration::ZERO, Duration::from_millis(400)));
                if let Some(member) = self.any_member() {
                    self.lab.command(Command::Slow(NodeId::Broker(broker), NodeId::Client(member), by));
                }
            }
            _ => {
                self.lab.command(Command::HealAll);
            }
        }
    }

    fn any_broker(&mut self) -> BrokerId {
        BrokerId(1 + i32::try_from(self.rng.below(BROKERS.cast_unsigned().into())).unwrap())
    }

    /// The living members.
    fn members(&self) -> Vec<ClientId> {
        let is_member = |client: &kscope::engine::client::Client| {
            client.runs() && client.as_consumer().is_some_and(|consumer| consumer.membership().is_some())
        };
        self.lab.cluster.clients().filter(|(_, client)| is_member(client)).map(|(id, _)| id).collect()
    }

    fn any_member(&mut self) -> Option<ClientId> {
        let members = self.members();
        members.get(self.rng.index(members.len())).copied()
    }

    fn to_a_member(&mut self, command: impl Fn(ClientId) -> Command) {
        if let Some(member) = self.any_member() {
            self.lab.command(command(member));
        }
    }

    fn add(&mut self) {
        if self.members().len() >= 12 {
            return;
        }
        self.named += 1;
        let (id, commit) = GROUPS[self.rng.index(GROUPS.len())];
        let group = GroupSpec {
            id: id.into(),
            // A static member comes back under its name.
            instance_id: self.rng.chance_ppm(250_000).then(|| format!("static-{}", self.named % 3).into()),
            assignors: vec![self.assignors[id].into()],
            commit,
            work_us: [0, 500, 5_000][self.rng.index(3)],
            max_poll_records: [5, 50, 500][self.rng.index(3)],
            max_poll_interval_ms: 6_000,
            ..Patience::LAB.group()
        };
        let spec = ConsumerSpec {
            topics: vec![TOPIC.into()],
            from: OffsetReset::Earliest,
            group: Some(group),
            ..ConsumerSpec::default()
        };
        let name = format!("member-{}", self.named).into();
        self.lab.command(Command::AddClient(ClientSpec { name, role: Role::Consumer(spec) }));
    }

    /// All brokers live, links are whole, nobody is stopped or slow, and each group has a member: it reads on to the end.
    fn heal(&mut self) {
        self.lab.command(Command::HealAll);
        // One that is shutting down cannot be started before it is down.
        for _ in 0..10 {
            for broker in 1..=BROKERS {
                self.lab.command(Command::Start(BrokerId(broker)));
            }
            self.lab.run(Duration::from_secs(1));
        }
        for member in self.members() {
            self.lab.command(Command::PauseClient(member, false));
            self.lab.command(Command::SlowClient(member, 0));
        }
        for _ in 0..4 {
            self.add();
        }
        self.lab.run(Duration::from_secs(25));
        self.sweep();
        let mut owned: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        let mut story = String::new();
        for (_, client) in self.lab.cluster.clients().filter(|(_, client)| client.runs()) {
            let Some(consumer) = client.as_consumer() else { continue };
            let Some(member) = consumer.membership() else { continue };
            let partitions: Vec<i32> = consumer.positions().map(|(_, partition, _)| partition).collect();
            writeln!(
                story,
                "{} {:?} {} {partitions:?} lag {}",
                consumer.name(),
                member.phase(),
                member.generation(),
                consumer.lag()
            )
            .unwrap();
            owned.entry(member.spec().id.to_string()).or_default().extend(partitions);
            assert!(consumer.lag() < 100, "it reads on:\n{story}\n{}", self.lab.story());
        }
        for (group, mut partitions) in owned {
            partitions.sort_unstable();
            assert_eq!(partitions, (0..PARTITIONS).collect::<Vec<_>>(), "{group}:\n{story}\n{}", self.lab.story());
        }
    }
}

/// `KSCOPE_GROUP_SEEDS=A..B` runs other seeds; `tests/run` runs more of them in an optimised build.
#[test]
fn seeds_of_members_and_coordinators_that_come_and_go_keep_their_promises() {
    let seeds: Vec<u64> = seeds::named("KSCOPE_GROUP_SEEDS", "0..6").collect();
    let run = |seed| {
        let mut world = World::new(seed);
        world.live();
        world.heal();
        world.lab.story()
    };
    seeds::each_twice(&seeds, run, |_, _| {});
}

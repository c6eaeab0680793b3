//! Groups under faults: members come, leave, crash, stop and are slow, brokers die and come back with the coordinators on
//! them, links are slow. After every step the invariants hold; in the end everybody reads on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use kscope::engine::assignor::server_assignor;
use kscope::engine::client::{
    ClientSpec, Commit, Consumer, ConsumerSpec, GroupProtocol, GroupSpec, Membership, OffsetReset, Patience, Phase,
    ProducerSpec, Role, TopicSpec, Workload, deliveries,
};
use kscope::engine::config::Config;
use kscope::engine::event::{Event, EventKind, GroupEvent};
use kscope::engine::group::Group;
use kscope::engine::message::Command;
use kscope::engine::node::{BrokerId, ClientId, NodeId};
use kscope::engine::replica::TopicPartition;
use kscope::engine::rng::Rng;
use kscope::engine::settings::Settings;
use kscope::protocol::create_topics::CreatableTopicConfig;

use super::harness::Lab;
use super::life::create;
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
    protocol: GroupProtocol,
    /// The assignor of each group: all members must know it.
    assignors: BTreeMap<&'static str, &'static str>,
}

impl World {
    fn new(seed: u64, protocol: GroupProtocol) -> Self {
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
        Self { lab: Lab::new(Config { clients, ..Lab::config(seed) }), rng, named: 0, protocol, assignors }
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
            4 => self.tell_a_member(Command::CloseClient),
            5 | 6 => self.tell_a_member(Command::CrashClient),
            7 => {
                let paused = self.rng.chance_ppm(300_000);
                self.tell_a_member(|id| Command::PauseClient(id, paused));
            }
            8 => {
                // Some are so slow that they poll too late.
                let work = [0, 1_000, 40_000, 2_000_000][self.rng.index(4)];
                self.tell_a_member(|id| Command::SlowClient(id, work));
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

    fn tell_a_member(&mut self, command: impl Fn(ClientId) -> Command) {
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
            instance_id: self.rng.chance_ppm(250_000).then(|| self.static_name().into()),
            protocol: self.protocol,
            remote_assignor: server_assignor(self.assignors[id]).map(|assignor| assignor.name.into()),
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

    /// A static member comes back under its name. By the protocol of KIP-848 nobody may who has not said so, and one that
    /// tries gives up: there all have names of their own.
    fn static_name(&self) -> String {
        let names = if self.protocol == GroupProtocol::Classic { 3 } else { u32::MAX };
        format!("static-{}", self.named % names)
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

/// A lab of three brokers with one topic that a producer writes.
fn lab(partitions: i32, per_sec: u32) -> Lab {
    let topics = vec![TopicSpec { name: TOPIC.into(), partitions, replication_factor: 3 }];
    let workload = Workload::Plain { bytes: 50, per_sec, keys: 1_000 };
    let producer = ProducerSpec { topic: TOPIC.into(), workload, ..ProducerSpec::default() };
    let clients = vec![
        ClientSpec { name: "admin".into(), role: Role::Admin { topics } },
        ClientSpec { name: "producer".into(), role: Role::Producer(producer) },
    ];
    let mut lab = Lab::new(Config { clients, ..Lab::config(7) });
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(2));
    lab
}

fn add(lab: &mut Lab, name: String, group: GroupSpec) {
    let (topics, from) = (vec![TOPIC.into()], OffsetReset::Earliest);
    let spec = ConsumerSpec { topics, from, group: Some(group), ..ConsumerSpec::default() };
    lab.command(Command::AddClient(ClientSpec { name: name.into(), role: Role::Consumer(spec) }));
}

fn memberships(lab: &Lab) -> impl Iterator<Item = (&Consumer, &Membership)> {
    lab.cluster.clients().filter_map(|(_, client)| Some((client.as_consumer()?, client.as_consumer()?.membership()?)))
}

fn generations(lab: &Lab) -> usize {
    let formed = |event: &Event| matches!(event.kind, EventKind::Group(GroupEvent::GenerationFormed { .. }));
    lab.cluster.events().iter().filter(|event| formed(event)).count()
}

/// The group where it is coordinated, and by whom.
fn coordinated<'a>(lab: &'a Lab, group: &str) -> Option<(BrokerId, &'a Group)> {
    lab.cluster.brokers().find_map(|(id, node)| {
        let found = node.running()?.groups().groups().find(|known| *known.id == *group)?;
        Some((id, &**found))
    })
}

#[test]
fn a_hundred_members_are_stable_after_one_rebalance() {
    let mut lab = lab(100, 10);
    // The topic of the offsets is there before: its making is no part of it.
    add(&mut lab, "first".into(), GroupSpec { id: "other".into(), ..Patience::LAB.group() });
    lab.run(Duration::from_secs(4));
    let before = generations(&lab);
    for number in 0..100 {
        add(&mut lab, format!("member-{number}"), GroupSpec { id: "g".into(), ..Patience::LAB.group() });
    }
    let began = lab.now();
    let all_in = |lab: &Lab| {
        let of_g: Vec<_> = memberships(lab).filter(|(_, member)| &*member.spec().id == "g").collect();
        of_g.len() == 100 && of_g.iter().all(|(c, m)| m.phase() == Phase::In && c.positions().count() == 1)
    };
    lab.wait("a stable group", all_in);
    assert_eq!(generations(&lab), before + 1, "one rebalance for all of them");
    let took = lab.now().since(began);
    // They come while the first one's delay runs, which prolongs it once.
    assert!(took < Duration::from_millis(2_500), "{took:?}");
}

#[test]
fn a_coordinator_that_dies_loses_no_acknowledged_commit_and_disturbs_no_member() {
    let mut lab = lab(20, 2_000);
    for number in 0..20 {
        let group = GroupSpec { id: "g".into(), commit: Commit::After, max_poll_records: 2, ..Patience::LAB.group() };
        add(&mut lab, format!("member-{number}"), group);
    }
    lab.run(Duration::from_secs(10));
    let committed = |lab: &Lab| memberships(lab).map(|(_, member)| member.commits()).sum::<u64>();
    let before = committed(&lab);
    lab.run(Duration::from_secs(1));
    assert!(committed(&lab) - before > 1_000, "{} commits in a second", committed(&lab) - before);
    let (coordinator, group) = coordinated(&lab, "g").unwrap();
    let generation = group.classic().unwrap().generation();
    lab.command(Command::Kill(coordinator));
    let acknowledged: Vec<(String, i32, i64)> = memberships(&lab)
        .flat_map(|(consumer, _)| {
            consumer.positions().filter_map(|(topic, partition, p)| Some((topic.to_string(), partition, p.committed?)))
        })
        .collect();
    assert_eq!(acknowledged.len(), 20);
    lab.wait("another coordinator", |lab| coordinated(lab, "g").is_some());
    let (_, group) = coordinated(&lab, "g").unwrap();
    for (topic, partition, offset) in acknowledged {
        let found = group.offsets.get(&TopicPartition::new(topic, partition)).map(|committed| committed.offset);
        assert!(found >= Some(offset), "partition {partition}: {offset} was acknowledged, {found:?} is there");
    }
    let before = committed(&lab);
    lab.run(Duration::from_secs(10));
    let (_, group) = coordinated(&lab, "g").unwrap();
    assert_eq!(group.classic().unwrap().generation(), generation, "nobody had to join again");
    assert!(memberships(&lab).all(|(_, member)| member.generation() == generation && member.phase() == Phase::In));
    assert!(committed(&lab) - before > 5_000, "they commit on");
}

/// Power goes on all brokers at once while members commit: the commits that no disk had flushed are gone. The groups go on
/// from those that stand, and whoever commits after processing has lost nothing.
#[test]
fn a_power_loss_of_all_brokers_takes_commits_that_were_not_flushed_and_the_groups_go_on_from_the_others() {
    let mut lab = lab_that_flushes_offsets();
    for (id, commit) in GROUPS {
        for number in 0..2 {
            let group = GroupSpec { id: (*id).into(), commit: *commit, max_poll_records: 5, ..Patience::LAB.group() };
            add(&mut lab, format!("{id}-{number}"), group);
        }
    }
    let committed = |lab: &Lab, group: &str| -> Option<BTreeMap<TopicPartition, i64>> {
        let (_, group) = coordinated(lab, group)?;
        Some(group.offsets.iter().map(|(id, committed)| (id.clone(), committed.offset)).collect())
    };
    lab.run(Duration::from_secs(8));
    let before: Vec<_> = GROUPS.iter().map(|(id, _)| committed(&lab, id).unwrap()).collect();
    for broker in 1..=BROKERS {
        lab.command(Command::PowerLoss(BrokerId(broker)));
    }
    let members: Vec<ClientId> =
        lab.cluster.clients().filter(|(_, c)| c.as_consumer().is_some()).map(|c| c.0).collect();
    for member in members {
        lab.command(Command::CrashClient(member));
    }
    lab.run(Duration::from_millis(100));
    for broker in 1..=BROKERS {
        lab.command(Command::Start(BrokerId(broker)));
    }
    lab.wait("the coordinators", |lab| GROUPS.iter().all(|(id, _)| committed(lab, id).is_some()));
    for (id, commit) in GROUPS {
        add(&mut lab, format!("{id}-new"), GroupSpec { id: (*id).into(), commit: *commit, ..Patience::LAB.group() });
    }
    let mut set_back = 0;
    for ((id, _), before) in GROUPS.iter().zip(&before) {
        let now = committed(&lab, id).unwrap();
        assert_eq!(now.len(), before.len(), "{id}: what was flushed stands");
        set_back += before.iter().filter(|(partition, offset)| now[*partition] < **offset).count();
    }
    assert!(set_back > 0, "no commit was lost: this shows nothing");
    lab.run(Duration::from_secs(25));
    lab.invariants.sweep(&lab.cluster).unwrap_or_else(|violation| panic!("{violation}\n{}", lab.story()));
    for ((id, _), before) in GROUPS.iter().zip(&before) {
        let now = committed(&lab, id).unwrap();
        assert!(before.iter().all(|(partition, offset)| now[partition] > *offset), "{id} reads on: {before:?} {now:?}");
    }
    let of_after = lab.cluster.clients().map(|(_, client)| client).filter(|client| {
        let member = client.as_consumer().and_then(Consumer::membership);
        member.is_some_and(|member| &*member.spec().id == "after")
    });
    let again: u64 =
        deliveries(&of_after.collect::<Vec<_>>(), None).values().map(|delivery| delivery.again.len()).sum();
    assert!(again > 0, "what was processed after the last commit that stands is processed again");
}

/// A lab that flushes what is committed every second, and the records at once.
fn lab_that_flushes_offsets() -> Lab {
    let settings = Settings { log_flush_scheduler_interval_ms: 1_000, log_flush_interval_ms: 1_000, ..Settings::lab() };
    let mut lab = Lab::new(Config { settings: settings.into(), ..Lab::config(11) });
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    let mut request = create(TOPIC, PARTITIONS, 3);
    let flushed = CreatableTopicConfig { name: "flush.messages".into(), value: Some("1".into()) };
    request.topics[0].configs = vec![flushed];
    lab.ask(lab.controller().unwrap(), 7, request);
    let workload = Workload::Plain { bytes: 50, per_sec: 200, keys: 1_000 };
    let producer = ProducerSpec { topic: TOPIC.into(), workload, ..ProducerSpec::default() };
    lab.command(Command::AddClient(ClientSpec { name: "producer".into(), role: Role::Producer(producer) }));
    lab
}

/// `KSCOPE_GROUP_SEEDS=A..B` runs other seeds; `tests/run` runs more of them in an optimised build.
#[test]
fn seeds_of_members_and_coordinators_that_come_and_go_keep_their_promises() {
    let seeds: Vec<u64> = seeds::named("KSCOPE_GROUP_SEEDS", "0..6").collect();
    seeds::each_twice(&seeds, |seed| run(seed, GroupProtocol::Classic), |_, _| {});
}

/// The same by the protocol of KIP-848; `KSCOPE_EPOCH_SEEDS=A..B` runs other seeds.
#[test]
fn seeds_of_members_that_the_coordinator_assigns_to_keep_their_promises() {
    let seeds: Vec<u64> = seeds::named("KSCOPE_EPOCH_SEEDS", "0..4").collect();
    seeds::each_twice(&seeds, |seed| run(seed, GroupProtocol::Consumer), |_, _| {});
}

fn run(seed: u64, protocol: GroupProtocol) -> String {
    let mut world = World::new(seed, protocol);
    world.live();
    world.heal();
    world.lab.story()
}

//! Scenario scripts (`tests/scripts`): a story in prose, commands after `> `, and below each what came of it.
//!
//! A script runs a whole lab, its seed 1 unless it says another, in virtual time; what must always hold is checked after every step.
//! `UPDATE_SCRIPTS=1` writes what is said now; a person then reads the difference.
//!
//! ```text
//! seed 2                                  before the lab is there: chance falls in another way
//! set min.insync.replicas=2               before the lab is there: a broker setting
//! files                                   before the lab is there: it is on files, and `restart`, after a kill -9, goes on with them
//! zookeepers 3                            before the lab is there: how many servers ZooKeeper has
//! brokers 3                               the lab starts; goes on once there is a controller and all have joined
//! topic t partitions=3 replicas=1,2,3 min.insync.replicas=2
//! produce t-0 a b acks=all to=1 pid=7 epoch=0 seq=0 wait=1s      with keys: k/a k/b, and k/ to delete k
//! produce t-0 a@-1s b@+1s codec=gzip      with timestamps before and after the date; compressed
//! fetch t-0 5 version=9 | delete-records t-0 5      as a client, at the leader; -1 for all that is readable
//! kill 1 | power-loss 1 | start 1 | shutdown 1      a broker's process;  kill zk-1 | start zk-1      a ZooKeeper server's
//! disk-full 1 | disk-works 1              a broker's disk refuses everything, or takes everything again
//! disk-unreadable 1 | disks-take 2s       it cannot be read; what waits for a disk waits so long
//! cut 1 2 | cut 1 zk | cut zk-1 zk-2 | heal 1 2 | heal    links;  slow 1 3 500ms
//! run 500ms                               time passes
//! until t-0 leader=2 isr=2,3              time passes until ZooKeeper and the leader say so;  until controller=2
//! partition t-0 | log 2 t-0 | batches 2 t-0      what stands where
//! zk get /controller | zk ls /admin       what stands in ZooKeeper
//! elect t-0 | elect t-0 unclean | reassign t-0 2,3 to=1 | delete t
//! alter t a=1 b= c+=x to=2 | alter broker:2 a=1 | alter brokers a=1      sets, resets, appends to; to the controller
//! settings t a b to=1 | settings broker:2 a                              what holds, and where it comes from
//! coordinator g                           asks for it (`to=2`), which makes `__consumer_offsets`: comes before the others
//! join a g instance=x protocols=range,sticky topics=t,u session=6s rebalance=10s version=9      a member, `a` from here on;
//!                                         with `once` it does not come back with the id that it is given;  join a    again
//! sync a a=t-0,t-1 b=t-2 | sync b         with the assignment, or without;  sync, heartbeat, commit: id=x generation=3
//! heartbeat a | leave a | leave g instance=x       answers that come later stand where they come
//! beat a g topics=t,u pattern=t.* instance=x assignor=range rebalance=10s version=0      a member of KIP-848, which joins
//! beat a owns=t-0,t-1 topics=t            it goes on, and says what is new;  `joins`, `leaves`, `away`, id=x epoch=3
//! commit a t-0=5@note | commit g t-0=5    as a member, or from outside;  version=2 retention=10s
//! offsets g t-0 | delete-offsets g t-0 | delete-group g | group g | consumer-group g | groups state=Stable
//! records g at=2                          what `__consumer_offsets` has of its partition
//! events                                  what happened since it was last asked, each with its cause
//! trace LeaderAndIsr                      from here on, messages of that name are shown as they arrive
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use kscope::engine::config::Config;
use kscope::engine::controller::znodes::{self, StateNode};
use kscope::engine::message::{Answer, Command};
use kscope::engine::node::{BrokerId, NodeId, ZkId};
use kscope::engine::replica::TopicPartition;
use kscope::engine::settings::Settings;
use kscope::engine::topic_name::CONSUMER_OFFSETS;
use kscope::protocol::alter_partition_reassignments::{ReassignablePartition, ReassignableTopic};
use kscope::protocol::create_topics::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
use kscope::protocol::delete_records::{DeleteRecordsPartition, DeleteRecordsTopic};
use kscope::protocol::delete_topics::DeleteTopicState;
use kscope::protocol::elect_leaders::{TopicPartitions, election_type};
use kscope::protocol::fetch::{FetchPartition, FetchTopic};
use kscope::protocol::produce::{PartitionProduceData, TopicProduceData};
use kscope::protocol::records::{BatchBuilder, Compression};
use kscope::protocol::{
    AlterPartitionReassignmentsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
    ElectLeadersRequest, ErrorCode, FetchRequest, ProduceRequest, Records, Request, Response,
};

use tempfile::TempDir;

use super::configs;
use super::describe::{self, Labels};
use super::group_script::Groups;
use super::harness::Lab;

#[test]
fn scripts_say_what_they_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut changed = Vec::new();
    for path in paths {
        let expected = std::fs::read_to_string(&path).unwrap();
        let run = || Script::default().run(&expected);
        let Ok(actual) = std::panic::catch_unwind(run) else {
            changed.push(format!("{} does not end", path.display()));
            continue;
        };
        if std::env::var_os("UPDATE_SCRIPTS").is_some() {
            std::fs::write(&path, actual).unwrap();
        } else if actual != expected {
            changed.push(format!("{} says something else now:\n{actual}", path.display()));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// A script as it runs.
#[derive(Default)]
struct Script {
    seed: Option<u64>,
    zookeepers: Option<u8>,
    settings: Vec<(String, String)>,
    /// Where the lab keeps its files, if it does.
    folder: Option<TempDir>,
    lab: Option<Lab>,
    labels: Labels,
    groups: Groups,
}

/// The words of a command: those in order, and those that are `key=value`.
pub(super) struct Words<'a> {
    pub(super) plain: Vec<&'a str>,
    pub(super) named: BTreeMap<&'a str, &'a str>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        let (named, plain): (Vec<&str>, Vec<&str>) = text.split_whitespace().partition(|word| word.contains('='));
        Self { plain, named: named.into_iter().map(|word| word.split_once('=').unwrap()).collect() }
    }

    pub(super) fn take<T: std::str::FromStr>(&mut self, name: &str) -> Option<T> {
        self.named.remove(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}?")))
    }
}

impl Script {
    /// The script again, with what its commands say now.
    fn run(&mut self, script: &str) -> String {
        let mut out = String::new();
        for line in script.lines().filter(|line| !line.starts_with("  ")) {
            writeln!(out, "{line}").unwrap();
            let Some(command) = line.strip_prefix("> ") else { continue };
            let shown = self.act(command);
            if let Some(lab) = &mut self.lab {
                for message in std::mem::take(&mut lab.traced) {
                    writeln!(out, "  {}", describe::message(&message)).unwrap();
                }
            }
            let heard = self.lab.as_mut().map_or(String::new(), |lab| self.groups.heard(lab));
            for line in shown.lines().chain(heard.lines()) {
                writeln!(out, "  {line}").unwrap();
            }
        }
        if let Some(lab) = &mut self.lab
            && let Err(violation) = lab.invariants.sweep(&lab.cluster)
        {
            panic!("{violation}\n{out}");
        }
        self.groups.with_aliases(out)
    }

    fn lab(&mut self) -> &mut Lab {
        self.lab.as_mut().expect("`brokers N` comes first")
    }

    /// What comes before the lab is there. Returns whether it was that.
    fn prepare(&mut self, verb: &str, rest: &str, words: &Words<'_>) -> bool {
        match verb {
            "set" => self.settings.extend(words.named.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))),
            "seed" => self.seed = Some(rest.parse().unwrap()),
            "zookeepers" => self.zookeepers = Some(rest.parse().unwrap()),
            "files" => self.folder = Some(tempfile::tempdir().unwrap()),
            _ => return false,
        }
        true
    }

    /// Does what a command says; returns what it has to show.
    fn act(&mut self, command: &str) -> String {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let mut words = Words::of(rest);
        if self.prepare(verb, rest, &words) {
            return String::new();
        }
        match verb {
            "brokers" => self.start_lab(rest.parse().unwrap()),
            "restart" => self.restart(),
            "topic" => self.create(&mut words),
            "produce" => self.produce(&mut words),
            "fetch" => self.fetch(&mut words),
            "delete-records" => self.delete_records(&partition(words.plain[0]), words.plain[1].parse().unwrap()),
            "kill" => self.command(kill(node(rest))),
            "power-loss" => self.command(Command::PowerLoss(broker(rest))),
            "disk-full" => {
                self.lab().disks.get_mut().faulty().full.insert(broker(rest));
                String::new()
            }
            "disk-works" => {
                self.lab().disks.get_mut().faulty().full.remove(&broker(rest));
                String::new()
            }
            "disk-unreadable" => {
                self.lab().unreadable.insert(broker(rest));
                String::new()
            }
            "disks-take" => {
                self.lab().disks_take = Some(duration(rest));
                String::new()
            }
            "start" => self.command(start(node(rest))),
            "shutdown" => self.command(Command::Shutdown(broker(rest))),
            "cut" => self.command(Command::Cut(node(words.plain[0]), node(words.plain[1]))),
            "heal" if rest.is_empty() => self.command(Command::HealAll),
            "heal" => self.command(Command::Heal(node(words.plain[0]), node(words.plain[1]))),
            "slow" => self.command(Command::Slow(node(words.plain[0]), node(words.plain[1]), duration(words.plain[2]))),
            "run" => {
                self.lab().run(duration(rest));
                String::new()
            }
            "until" => self.until(&mut words),
            "partition" => describe::partition(&self.lab().cluster, &partition(rest)),
            "log" => describe::log(&self.lab().cluster, broker(words.plain[0]), &partition(words.plain[1])),
            "batches" => describe::batches(&self.lab().cluster, broker(words.plain[0]), &partition(words.plain[1])),
            "zk" => describe::zookeeper(&self.lab().cluster, words.plain[0], words.plain[1]),
            "elect" => self.elect(&mut words),
            "reassign" => self.reassign(&mut words),
            "delete" => self.delete(rest, &mut words),
            "alter" => self.alter(&mut words),
            "settings" => self.settings_of(&mut words),
            "events" => self.labels.show(&self.lab.as_ref().unwrap().cluster),
            "trace" => {
                self.lab().traces.insert(rest.to_owned());
                String::new()
            }
            _ => self.of_groups(verb, &mut words).unwrap_or_else(|| panic!("no command: {command}")),
        }
    }

    fn of_groups(&mut self, verb: &str, words: &mut Words<'_>) -> Option<String> {
        let lab = self.lab.as_mut().expect("`brokers N` comes first");
        let offsets = TopicPartition::new(CONSUMER_OFFSETS, 0);
        let first = state(lab, &offsets).is_none();
        let shown = self.groups.act(lab, verb, words);
        if first {
            // The making of the topic is another story.
            lab.run(Duration::from_millis(100));
            self.labels.skip(&lab.cluster);
        }
        shown
    }

    fn start_lab(&mut self, brokers: u32) -> String {
        let mut settings = Settings::lab();
        for (name, value) in &self.settings {
            settings.set(name, value).unwrap();
        }
        let zookeepers = self.zookeepers.unwrap_or(1);
        let config = Config { brokers, zookeepers, settings: settings.into(), ..Lab::config(self.seed.unwrap_or(1)) };
        let lab = match &self.folder {
            Some(folder) => Lab::on_files(config, folder.path()),
            None => Lab::new(config),
        };
        self.take_up(lab)
    }

    /// The lab's process is killed, and started anew on its files; the disks are as they were.
    fn restart(&mut self) -> String {
        let before = self.lab.take().expect("`brokers N` comes first");
        let (disks_take, unreadable) = (before.disks_take, before.unreadable.clone());
        let config = before.end(false).config().clone();
        // Chance falls in another way: nobody is given an id again.
        let config = Config { seed: config.seed + 1, ..config };
        let mut lab = Lab::on_files(config, self.folder.as_ref().expect("`files` comes before `brokers N`").path());
        self.groups.forget_answers();
        self.labels = Labels::default();
        (lab.disks_take, lab.unreadable) = (disks_take, unreadable);
        let shown = self.take_up(lab);
        // Who leads what from now on is another story.
        self.lab().run(Duration::from_millis(10));
        self.labels.skip(&self.lab.as_ref().unwrap().cluster);
        shown
    }

    /// A lab has started: it is whole when there is a controller, and all brokers have joined.
    fn take_up(&mut self, mut lab: Lab) -> String {
        let brokers = lab.cluster.brokers().count();
        lab.wait("a whole cluster", |lab| {
            let joined = |node: &kscope::engine::cluster::BrokerNode| {
                node.running().is_some_and(|broker| broker.metadata.brokers.len() == brokers)
            };
            lab.controller().is_some() && lab.cluster.brokers().all(|(_, node)| joined(node))
        });
        self.labels.skip(&lab.cluster);
        let shown = format!("controller {}", lab.controller().unwrap());
        self.lab = Some(lab);
        shown
    }

    /// Gives a command; what it was refused for, if it was.
    fn command(&mut self, command: Command) -> String {
        let lab = self.lab();
        let ticket = lab.command(command);
        match lab.answer(ticket) {
            Some(Answer::Refused(why)) => why.clone(),
            _ => String::new(),
        }
    }

    /// Asks a broker; `None` where no answer comes in time.
    fn ask(&mut self, to: BrokerId, version: i16, request: impl Into<Request>, wait: Duration) -> Option<Answer> {
        let lab = self.lab();
        let ticket = lab.command(Command::Ask { broker: to, version, request: request.into() });
        let end = lab.now() + wait;
        lab.run_until(end, |lab| lab.answer(ticket).is_some());
        lab.answer(ticket).cloned()
    }

    /// Asks whoever a command names with `to=`, or the controller.
    fn ask_controller(&mut self, words: &mut Words<'_>, version: i16, request: impl Into<Request>) -> Option<Answer> {
        let to = words.take("to").or_else(|| self.lab().controller()).expect("no controller: say to=");
        let wait = words.named.remove("wait").map_or(Duration::from_secs(5), duration);
        self.ask(BrokerId(to), version, request, wait)
    }

    fn create(&mut self, words: &mut Words<'_>) -> String {
        let name = words.plain[0];
        let partitions: i32 = words.take("partitions").unwrap_or(1);
        let replicas = ids(words.named.remove("replicas").expect("replicas=1,2,3"));
        let assignments = (0..partitions)
            .map(|partition_index| {
                let mut broker_ids = replicas.clone();
                broker_ids.rotate_left(usize::try_from(partition_index).unwrap() % replicas.len());
                CreatableReplicaAssignment { partition_index, broker_ids }
            })
            .collect();
        let setting = |(k, v): (&&str, &&str)| CreatableTopicConfig { name: (*k).into(), value: Some((*v).into()) };
        let configs = words.named.iter().map(setting).collect();
        let topic =
            CreatableTopic { name: name.into(), num_partitions: -1, replication_factor: -1, assignments, configs };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 5_000, ..Default::default() };
        words.named.clear();
        let answer = self.ask_controller(words, 7, request);
        self.lab().run(Duration::from_millis(100));
        self.labels.skip(&self.lab.as_ref().unwrap().cluster);
        said(answer, |response| match response {
            Response::CreateTopics(answer) => {
                why(answer.topics[0].error_code, answer.topics[0].error_message.as_deref())
            }
            other => panic!("{other:?}"),
        })
    }

    fn produce(&mut self, words: &mut Words<'_>) -> String {
        let id = partition(words.plain[0]);
        let acks = match words.named.remove("acks").unwrap_or("all") {
            "all" => -1,
            other => other.parse().unwrap(),
        };
        let date_ms = self.lab().cluster.now().epoch_ms + i64::try_from(self.lab().now().as_millis()).unwrap();
        let data = PartitionProduceData { index: id.partition, records: Some(batch(words, date_ms)) };
        let topic = TopicProduceData { name: id.topic.clone(), partition_data: vec![data] };
        let request = ProduceRequest { acks, timeout_ms: 5_000, topic_data: vec![topic], ..Default::default() };
        let leader = || state(self.lab.as_ref().unwrap(), &id).and_then(|state| state.leader);
        let Some(to) = words.take("to").map(BrokerId).or_else(leader) else { return "nobody leads".into() };
        let wait = words.named.remove("wait").map_or(Duration::from_secs(1), duration);
        match self.ask(to, 11, request, wait) {
            None => format!("no answer within {wait:?}"),
            answer => said(answer, |response| match response {
                Response::Produce(answer) => {
                    let answer = &answer.responses[0].partition_responses[0];
                    match answer.error_code {
                        ErrorCode::NONE => format!("acknowledged at {}", answer.base_offset),
                        error => why(error, answer.error_message.as_deref()) + &describe::record_errors(answer),
                    }
                }
                other => panic!("{other:?}"),
            }),
        }
    }

    /// Asks a partition's leader.
    fn ask_leader(&mut self, id: &TopicPartition, version: i16, request: impl Into<Request>) -> Option<Answer> {
        let leader = state(self.lab(), id).and_then(|state| state.leader).expect("a leader");
        self.ask(leader, version, request, Duration::from_secs(5))
    }

    fn fetch(&mut self, words: &mut Words<'_>) -> String {
        let (id, fetch_offset) = (&partition(words.plain[0]), words.plain[1].parse().unwrap());
        let version = words.take("version").unwrap_or(12);
        let wanted = FetchPartition {
            partition: id.partition,
            fetch_offset,
            partition_max_bytes: 1 << 20,
            ..Default::default()
        };
        let topics = vec![FetchTopic { topic: id.topic.clone(), partitions: vec![wanted], ..Default::default() }];
        let request = FetchRequest { replica_id: -1, max_bytes: 1 << 20, topics, ..Default::default() };
        said(self.ask_leader(id, version, request), |response| match response {
            Response::Fetch(answer) => {
                let data = &answer.responses[0].partitions[0];
                match data.error_code {
                    ErrorCode::NONE => describe::records(data.records.as_ref()),
                    error => why(error, None),
                }
            }
            other => panic!("{other:?}"),
        })
    }

    fn delete_records(&mut self, id: &TopicPartition, offset: i64) -> String {
        let partitions = vec![DeleteRecordsPartition { partition_index: id.partition, offset }];
        let topics = vec![DeleteRecordsTopic { name: id.topic.clone(), partitions }];
        let request = DeleteRecordsRequest { topics, timeout_ms: 2_000 };
        said(self.ask_leader(id, 2, request), |response| match response {
            Response::DeleteRecords(answer) => {
                let result = &answer.topics[0].partitions[0];
                match result.error_code {
                    ErrorCode::NONE => format!("low watermark {}", result.low_watermark),
                    error => why(error, None),
                }
            }
            other => panic!("{other:?}"),
        })
    }

    fn until(&mut self, words: &mut Words<'_>) -> String {
        let controller: Option<i32> = words.take("controller");
        let id = words.plain.first().map(|word| partition(word));
        let leader = words.named.remove("leader").map(|text| (text != "none").then(|| broker(text)));
        let isr = words.named.remove("isr").map(ids);
        let gone = words.plain.get(1) == Some(&"gone");
        let lab = self.lab();
        let begin = lab.now();
        lab.wait("what the script waits for", |lab| {
            let state = id.as_ref().and_then(|id| state(lab, id));
            let leads = |wanted: Option<BrokerId>| state.as_ref().is_some_and(|state| state.leader == wanted);
            let known =
                state.as_ref().is_none_or(|state| describe::leader_knows(&lab.cluster, state, id.as_ref().unwrap()));
            let mut set: Vec<i32> = state.iter().flat_map(|state| state.isr.iter().map(|id| id.0)).collect();
            set.sort_unstable();
            known
                && controller.is_none_or(|wanted| lab.controller() == Some(wanted))
                && leader.is_none_or(leads)
                && isr.as_ref().is_none_or(|wanted| *wanted == set)
                && (!gone || describe::is_gone(&lab.cluster, id.as_ref().unwrap()))
        });
        let took = lab.now().since(begin);
        format!("after {}.{:03} s", took.as_secs(), took.subsec_millis())
    }

    fn elect(&mut self, words: &mut Words<'_>) -> String {
        let id = partition(words.plain[0]);
        let unclean = words.plain.get(1) == Some(&"unclean");
        let election_type = if unclean { election_type::UNCLEAN } else { election_type::PREFERRED };
        let topic = TopicPartitions { topic: id.topic.clone(), partitions: vec![id.partition] };
        let request = ElectLeadersRequest { election_type, topic_partitions: Some(vec![topic]), ..Default::default() };
        said(self.ask_controller(words, 2, request), |response| match response {
            Response::ElectLeaders(answer) => {
                match answer.replica_election_results.first().and_then(|topic| topic.partition_result.first()) {
                    Some(result) => why(result.error_code, result.error_message.as_deref()),
                    None => why(answer.error_code, None),
                }
            }
            other => panic!("{other:?}"),
        })
    }

    fn reassign(&mut self, words: &mut Words<'_>) -> String {
        let id = partition(words.plain[0]);
        let replicas =
            (words.plain[1] != "cancel").then(|| words.plain[1].split(',').map(|t| t.parse().unwrap()).collect());
        let partition = ReassignablePartition { partition_index: id.partition, replicas };
        let topic = ReassignableTopic { name: id.topic.clone(), partitions: vec![partition] };
        let request = AlterPartitionReassignmentsRequest { topics: vec![topic], ..Default::default() };
        said(self.ask_controller(words, 0, request), |response| match response {
            Response::AlterPartitionReassignments(answer) => {
                match answer.responses.first().and_then(|topic| topic.partitions.first()) {
                    Some(result) => why(result.error_code, result.error_message.as_deref()),
                    None => why(answer.error_code, answer.error_message.as_deref()),
                }
            }
            other => panic!("{other:?}"),
        })
    }

    fn alter(&mut self, words: &mut Words<'_>) -> String {
        let to = words.take("to").or_else(|| asks_itself(words.plain[0]));
        let request = configs::alteration(words.plain[0], &words.named);
        words.named.clear();
        let to = to.or_else(|| self.lab().controller()).expect("no controller: say to=");
        said(self.ask(BrokerId(to), 1, request, Duration::from_secs(5)), |response| match response {
            Response::IncrementalAlterConfigs(answer) => {
                why(answer.responses[0].error_code, answer.responses[0].error_message.as_deref())
            }
            other => panic!("{other:?}"),
        })
    }

    fn settings_of(&mut self, words: &mut Words<'_>) -> String {
        let to = words.take("to").or_else(|| asks_itself(words.plain[0])).or_else(|| self.lab().controller());
        let request = configs::description(words.plain[0], &words.plain[1..]);
        said(self.ask(BrokerId(to.unwrap()), 4, request, Duration::from_secs(5)), |response| match response {
            Response::DescribeConfigs(answer) => {
                let lines: Vec<String> = answer.results[0].configs.iter().map(configs::shown).collect();
                lines.join("\n")
            }
            other => panic!("{other:?}"),
        })
    }

    fn delete(&mut self, topic: &str, words: &mut Words<'_>) -> String {
        let name = topic.split(' ').next().unwrap();
        let topics = vec![DeleteTopicState { name: Some(name.into()), ..Default::default() }];
        let request = DeleteTopicsRequest { topics, timeout_ms: 2_000, ..Default::default() };
        said(self.ask_controller(words, 6, request), |response| match response {
            Response::DeleteTopics(answer) => {
                why(answer.responses[0].error_code, answer.responses[0].error_message.as_deref())
            }
            other => panic!("{other:?}"),
        })
    }
}

/// The batch that a `produce` tells of. A word's own `@-5s` or `@+5s` moves its timestamp away from the date.
fn batch(words: &mut Words<'_>, date_ms: i64) -> Records {
    let codec = words.named.remove("codec").unwrap_or("none");
    let codec = Compression::ALL.into_iter().find(|known| known.name() == codec).expect("a codec");
    let mut batch = BatchBuilder::new(codec);
    if let Some(pid) = words.take("pid") {
        batch = batch.producer(pid, words.take("epoch").unwrap_or(0), words.take("seq").unwrap());
    }
    for word in &words.plain[1..] {
        let (word, away) = word.split_once('@').unwrap_or((word, "+0s"));
        let away_ms = i64::try_from(duration(&away[1..]).as_millis()).unwrap();
        let timestamp_ms = if away.starts_with('-') { date_ms - away_ms } else { date_ms + away_ms };
        let (key, value) = word.split_once('/').map_or((None, word), |(key, value)| (Some(key.as_bytes()), value));
        let value = Some(value.as_bytes()).filter(|value| key.is_none() || !value.is_empty());
        batch.push(timestamp_ms, key, value, &[]);
    }
    batch.build()
}

/// The broker whose settings only it can change and tell.
fn asks_itself(whose: &str) -> Option<i32> {
    whose.strip_prefix("broker:").and_then(|id| id.parse().ok())
}

/// What a command's answer says, for people.
pub(super) fn said(answer: Option<Answer>, read: impl FnOnce(&Response) -> String) -> String {
    match answer {
        Some(Answer::Response(response)) => read(&response),
        Some(Answer::Closed) => "connection closed".into(),
        Some(Answer::Silent) => String::new(),
        Some(other) => format!("{other:?}"),
        None => "no answer".into(),
    }
}

pub(super) fn why(error: ErrorCode, message: Option<&str>) -> String {
    match (error, message) {
        (ErrorCode::NONE, _) => "done".into(),
        (error, None | Some("")) => format!("{error} ({})", error.0),
        (error, Some(message)) => format!("{error} ({}): {message}", error.0),
    }
}

/// A partition's state, as ZooKeeper has it.
pub(super) fn state(lab: &Lab, id: &TopicPartition) -> Option<StateNode> {
    let server = lab.cluster.ensemble()?;
    znodes::read_state(server.tree().get(&znodes::state_path(&id.topic, id.partition))?.data())
}

fn broker(text: &str) -> BrokerId {
    BrokerId(text.trim().parse().unwrap_or_else(|_| panic!("no broker: {text}")))
}

fn kill(node: NodeId) -> Command {
    match node {
        NodeId::Zk(server) => Command::KillServer(server),
        NodeId::Broker(broker) => Command::Kill(broker),
        _ => panic!("{node} has no process"),
    }
}

fn start(node: NodeId) -> Command {
    match node {
        NodeId::Zk(server) => Command::StartServer(server),
        NodeId::Broker(broker) => Command::Start(broker),
        _ => panic!("{node} has no process"),
    }
}

fn node(text: &str) -> NodeId {
    match text.strip_prefix("zk") {
        Some("") => NodeId::Zk(ZkId(1)),
        Some(id) => NodeId::Zk(ZkId(id.strip_prefix('-').and_then(|id| id.parse().ok()).expect("zk-N"))),
        None => NodeId::Broker(broker(text)),
    }
}

fn ids(text: &str) -> Vec<i32> {
    text.split(',').map(|id| id.parse().unwrap()).collect()
}

pub(super) fn partition(text: &str) -> TopicPartition {
    let (topic, partition) = text.rsplit_once('-').unwrap_or_else(|| panic!("no partition: {text}"));
    TopicPartition::new(topic, partition.parse().unwrap())
}

pub(super) fn duration(text: &str) -> Duration {
    let number = |unit: &str| text.strip_suffix(unit).and_then(|number| number.parse().ok());
    number("ms")
        .map(Duration::from_millis)
        .or_else(|| number("s").map(Duration::from_secs))
        .unwrap_or_else(|| panic!("no duration: {text}"))
}

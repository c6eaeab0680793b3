//! Labs on files: what the core believes to be on a disk is what a start finds there, after any run and any end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kscope::engine::cluster::{BrokerNode, Cluster};
use kscope::engine::config::Config;
use kscope::engine::log::{Log, StoredBatch};
use kscope::engine::message::{Answer, Command, Output, StorageJob, StorageWork};
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::engine::rng::Rng;
use kscope::engine::runtime::disks::{self, Opened};
use kscope::engine::settings::Settings;
use kscope::protocol::delete_records::{DeleteRecordsPartition, DeleteRecordsTopic};
use kscope::protocol::delete_topics::DeleteTopicState;
use kscope::protocol::fetch::{FetchPartition, FetchTopic};
use kscope::protocol::records::{BatchHeader, BatchReader, records_of};
use kscope::protocol::{DeleteRecordsRequest, DeleteTopicsRequest, FetchRequest, Response};

use super::disks::TestDisks;
use super::harness::Lab;
use super::judge;
use super::life::{create, record};
use super::world::World;

/// What there is of a log from an offset on, wherever it is. (An epoch in which nothing is written is not taken up again, as
/// in Kafka.)
#[derive(PartialEq)]
struct Whole {
    end: i64,
    /// Of each offset.
    epochs: Vec<Option<i32>>,
    segments: Vec<(i64, u64)>,
    batches: Vec<(BatchHeader, bytes::Bytes)>,
}

impl Whole {
    fn assert_is(&self, wanted: &Self, what: &str) {
        let bounds = |whole: &Self| (whole.end, whole.epochs.clone(), whole.segments.clone());
        assert_eq!(bounds(self), bounds(wanted), "{what}: end, epochs, segments");
        let heads = |whole: &Self| whole.batches.iter().map(|(head, _)| *head).collect::<Vec<_>>();
        assert_eq!(heads(self), heads(wanted), "{what}");
        assert!(self == wanted, "{what}: a batch's records differ");
    }

    /// `batches` are those that are compared.
    fn of(log: &Log, from: i64, batches: Vec<StoredBatch>) -> Self {
        Self {
            end: log.log_end_offset(),
            epochs: (from..log.log_end_offset()).map(|offset| log.epoch_at(offset)).collect(),
            segments: log.segments().map(|segment| (segment.base_offset, segment.size_bytes)).collect(),
            batches: batches.into_iter().map(|batch| (batch.header, batch.body)).collect(),
        }
    }
}

/// Holds every log that `cluster` knows against what is found in `folder`.
fn assert_found(cluster: &Cluster, folder: &Path, in_order: bool) {
    let config = cluster.config().clone();
    let Opened { mut disks, found } = disks::open(folder, &config).unwrap();
    for (id, node) in cluster.brokers() {
        let stored = &found.brokers[&id];
        assert_eq!(stored.logs.len(), node.logs().count(), "{id}");
        for (partition, log, high_watermark) in node.logs() {
            let found = &stored.logs[partition];
            let first = log.resident_from();
            let there = kscope::engine::log::Disks::log(&mut disks, id, partition).read(first, usize::MAX).unwrap();
            let whole = Whole::of(log, log.log_start_offset(), log.batches_from(first).collect());
            Whole::of(&found.log, log.log_start_offset(), there).assert_is(&whole, &format!("{partition} of {id}"));
            // What moved since the last checkpoint moves again.
            assert!(found.log.log_start_offset() <= log.log_start_offset(), "{partition} of {id}");
            assert!(found.high_watermark <= high_watermark, "{partition} of {id}");
            if in_order {
                assert_eq!(found.log.log_start_offset(), log.log_start_offset(), "{partition} of {id}");
                assert_eq!(found.high_watermark, high_watermark, "{partition} of {id}");
                assert_eq!(found.log.flushed_offset(), log.log_end_offset(), "{partition} of {id}");
            }
        }
        let recovery = stored.recovery.as_ref();
        assert!(recovery.is_none_or(|recovery| recovery.clean == in_order && recovery.cuts.is_empty()), "{recovery:?}");
    }
    for (id, server) in cluster.zookeepers() {
        let stored = &found.zookeepers[&id];
        assert_eq!(stored.replayed().tree, *server.tree(), "{id}");
    }
}

#[test]
fn what_a_lab_did_under_faults_is_in_its_files() {
    for seed in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::on_files(seed, folder.path());
        world.live();
        world.heal();
        judge::check(&world);
        let in_order = seed % 2 == 0;
        let cluster = world.lab.end(in_order);
        assert_found(&cluster, folder.path(), in_order);
    }
}

/// What a power loss of the machine does to the active segment of a log: what was not flushed is cut off at any byte, or has
/// become zeroes from there on. Returns the offset below which everything must stand.
fn tear(folder: &Path, broker: BrokerId, id: &TopicPartition, log: &Log, rng: &mut Rng) -> i64 {
    let active = log.segments().last().unwrap();
    let flushed = log.flushed_offset();
    let stands = log.batches_from(active.base_offset).filter(|batch| batch.header.last_offset() < flushed);
    let keeps: u64 = stands.map(|batch| batch.size_bytes()).sum();
    let path = folder.join(format!("broker-{}/{id}/{:020}.log", broker.0, active.base_offset));
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let cut = keeps + rng.below(active.size_bytes - keeps + 1);
    file.set_len(cut).unwrap();
    if rng.chance_ppm(300_000) {
        file.set_len(active.size_bytes).unwrap();
    }
    flushed
}

#[test]
fn a_power_loss_of_the_machine_cuts_what_was_not_flushed_at_any_byte() {
    let mut cuts = 0;
    for seed in 20..28 {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::on_files(seed, folder.path());
        world.live();
        let cluster = world.lab.end(false);
        let mut rng = Rng::split(seed, "tears");
        let mut stand = BTreeMap::new();
        for (broker, node) in cluster.brokers() {
            for (id, log, _) in node.logs().filter(|(_, log, _)| log.resident_from() <= log.log_start_offset()) {
                stand.insert((broker, id.clone()), tear(folder.path(), broker, id, log, &mut rng));
            }
        }
        let Opened { mut disks, found } = disks::open(folder.path(), cluster.config()).unwrap();
        for ((broker, id), flushed) in stand {
            let found = &found.brokers[&broker].logs[&id].log;
            let (log, _) = cluster.broker(broker).unwrap().log(&id).unwrap();
            assert!(found.log_end_offset() >= flushed, "{id} of {broker}: {flushed} was flushed, {found:?}");
            let there = kscope::engine::log::Disks::log(&mut disks, broker, &id).read(0, usize::MAX).unwrap();
            let first = log.segments().next().unwrap().base_offset;
            let knew: Vec<_> = log.batches_from(first).take(there.len()).collect();
            assert!(there == knew, "{id} of {broker}: what is left is not what was there");
            assert_eq!(found.log_end_offset(), there.last().map_or(first, |last| last.header.next_offset()));
            cuts += usize::from(found.log_end_offset() < log.log_end_offset());
        }
    }
    assert!(cuts > 20, "{cuts} logs lost something: that shows little");
}

/// A lab on files whose brokers all run, and of whose partitions each has a leader.
fn lab(folder: &Path, memory_bytes: u64) -> Lab {
    let mut lab = Lab::on_files(Config { memory_bytes, ..Lab::config(1) }, folder);
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    lab
}

fn create_topic(lab: &mut Lab) {
    let controller = lab.controller().unwrap();
    let Response::CreateTopics(made) = lab.ask(controller, 7, create("t", 2, 3)) else { panic!() };
    assert!(made.topics[0].error_code.is_ok(), "{made:?}");
    lab.run(Duration::from_millis(100));
}

fn leader(lab: &Lab, partition: i32) -> i32 {
    let id = TopicPartition::new("t", partition);
    let leads = |node: &BrokerNode| node.running()?.replica(&id)?.leader().map(|leader| leader.epoch);
    lab.cluster.brokers().max_by_key(|(_, node)| leads(node)).unwrap().0.0
}

/// Writes a record with acks=all. Returns its offset.
fn write(lab: &mut Lab, partition: i32, value: &str) -> i64 {
    let Response::Produce(done) = lab.ask(leader(lab, partition), 11, record("t", partition, value, -1)) else {
        panic!()
    };
    let answer = &done.responses[0].partition_responses[0];
    assert!(answer.error_code.is_ok(), "{answer:?}\n{}", lab.story());
    answer.base_offset
}

/// All that a consumer reads of a partition from its beginning, up to `end`.
fn read(lab: &mut Lab, partition: i32, end: i64) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    let mut next = 0;
    while next < end {
        let asked =
            FetchPartition { partition, fetch_offset: next, partition_max_bytes: 1 << 20, ..Default::default() };
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic { topic: "t".into(), partitions: vec![asked], ..Default::default() }],
            ..Default::default()
        };
        let Response::Fetch(answer) = lab.ask(leader(lab, partition), 12, request) else { panic!() };
        let data = &answer.responses[0].partitions[0];
        assert!(data.error_code.is_ok(), "{data:?}\n{}", lab.story());
        for batch in BatchReader::new(data.records.as_ref().unwrap()) {
            let (header, body) = batch.unwrap();
            for record in records_of(&header, &body).unwrap() {
                next = record.offset + 1;
                found.push((record.offset, String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
            }
        }
    }
    found
}

#[test]
fn a_lab_goes_on_with_what_the_ones_before_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = [Vec::new(), Vec::new()];
    for round in 0..6 {
        let mut lab = lab(folder.path(), 0);
        if round == 0 {
            create_topic(&mut lab);
        }
        for (partition, wanted) in (0..).zip(&mut wanted) {
            for number in 0..20 {
                let value = format!("{round} {number}");
                wanted.push((write(&mut lab, partition, &value), value));
            }
            assert_eq!(read(&mut lab, partition, 20 * (round + 1)), *wanted, "partition {partition}, round {round}");
        }
        if round % 3 == 1 {
            // A broker that is dead when everything ends is started with the others.
            lab.command(Command::Kill(BrokerId(2)));
        }
        let in_order = round % 2 == 0;
        let cluster = lab.end(in_order);
        assert_found(&cluster, folder.path(), in_order);
    }
}

#[test]
fn what_has_left_memory_is_read_back_from_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = lab(folder.path(), 1 << 20);
    create_topic(&mut lab);
    let value = "x".repeat(10_000);
    let wanted: Vec<_> = (0..400).map(|_| (write(&mut lab, 0, &value), value.clone())).collect();
    assert!(lab.cluster.memory_used() <= 1 << 20, "{} are held", lab.cluster.memory_used());
    let (log, _) = lab.cluster.broker(BrokerId(1)).unwrap().log(&TopicPartition::new("t", 0)).unwrap();
    assert_eq!(log.log_start_offset(), 0, "nothing is lost");
    assert!(log.resident_from() > 200, "most of it has left memory: {}", log.resident_from());
    assert_eq!(read(&mut lab, 0, 400), wanted);

    // A follower that was away reads the same way.
    lab.command(Command::Kill(BrokerId(3)));
    lab.run(Duration::from_secs(2));
    let more: Vec<_> = (0..400).map(|_| (write(&mut lab, 0, &value), value.clone())).collect();
    lab.command(Command::Start(BrokerId(3)));
    lab.wait("all in sync", |lab| {
        let id = TopicPartition::new("t", 0);
        lab.cluster.brokers().all(|(_, node)| node.log(&id).is_some_and(|(log, _)| log.log_end_offset() == 800))
    });
    assert_eq!(read(&mut lab, 0, 800)[400..], more);
}

#[test]
fn a_topic_that_was_deleted_and_made_again_keeps_what_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = lab(folder.path(), 0);
    create_topic(&mut lab);
    for number in 0..50 {
        write(&mut lab, 0, &format!("old {number}"));
    }
    let records = DeleteRecordsPartition { partition_index: 0, offset: 30 };
    let topics = vec![DeleteRecordsTopic { name: "t".into(), partitions: vec![records] }];
    lab.ask(leader(&lab, 0), 2, DeleteRecordsRequest { topics, timeout_ms: 5_000 });
    // The checkpoint says now where that log begins, and how far it was.
    lab.run(Duration::from_secs(12));
    let controller = lab.controller().unwrap();
    let topics = vec![DeleteTopicState { name: Some("t".into()), ..Default::default() }];
    lab.ask(controller, 6, DeleteTopicsRequest { topics, timeout_ms: 5_000, ..Default::default() });
    lab.wait("the topic to be gone", |lab| lab.cluster.brokers().all(|(_, node)| node.logs().count() == 0));
    create_topic(&mut lab);
    let wanted: Vec<_> = (0..20).map(|n| (write(&mut lab, 0, &format!("new {n}")), format!("new {n}"))).collect();
    let cluster = lab.end(false);
    assert_found(&cluster, folder.path(), false);
    let mut again = self::lab(folder.path(), 0);
    assert_eq!(read(&mut again, 0, 20), wanted);
}

/// The jobs that read a log back.
fn reads(lab: &Lab) -> usize {
    let is_read =
        |output: &&Output| matches!(output, Output::Storage(StorageJob { work: StorageWork::Read { .. }, .. }));
    lab.outputs.iter().filter(is_read).count()
}

#[test]
fn what_may_not_be_read_yet_is_not_read_back_and_once_it_may_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { min_insync_replicas: 2, ..Settings::lab() };
    let lab_on_files = || Lab::on_files(Config { settings: settings.clone().into(), ..Lab::config(1) }, folder.path());
    let mut lab = lab_on_files();
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    let Response::CreateTopics(_) = lab.ask(lab.controller().unwrap(), 7, create("t", 1, 3)) else { panic!() };
    lab.run(Duration::from_millis(100));
    for value in ["a", "b"] {
        write(&mut lab, 0, value);
    }
    let leads = leader(&lab, 0);
    let others: Vec<_> = (1..=3).filter(|id| *id != leads).map(BrokerId).collect();
    // Killed before a checkpoint has said how far the high watermark is.
    lab.end(false);

    // While the leader is alone it is too few replicas for the high watermark to move.
    let mut lab = lab_on_files();
    for other in &others {
        lab.command(Command::Kill(*other));
    }
    lab.wait("the leader of before", |lab| {
        let node = lab.cluster.broker(BrokerId(leads)).unwrap();
        node.running().is_some_and(|b| b.replica(&TopicPartition::new("t", 0)).is_some_and(|r| r.leader().is_some()))
    });
    let (log, high_watermark) = lab.cluster.broker(BrokerId(leads)).unwrap().log(&TopicPartition::new("t", 0)).unwrap();
    assert_eq!((log.resident_from(), high_watermark), (2, 0), "nothing of it is in memory");
    let (partition_max_bytes, max_wait_ms) = (1 << 20, 20_000);
    let asked = FetchPartition { partition: 0, fetch_offset: 0, partition_max_bytes, ..Default::default() };
    let topics = vec![FetchTopic { topic: "t".into(), partitions: vec![asked], ..Default::default() }];
    let fetch =
        FetchRequest { replica_id: -1, max_wait_ms, min_bytes: 1, max_bytes: 1 << 20, topics, ..Default::default() };
    let fetch = lab.command(Command::Ask { broker: BrokerId(leads), version: 12, request: fetch.into() });
    lab.run(Duration::from_secs(2));
    assert_eq!((reads(&lab), lab.answer(fetch).is_some()), (0, false), "it waits, and nothing is read for it");

    // One of the others comes back and has it all: nothing is read for it.
    lab.command(Command::Start(others[0]));
    let end = lab.now() + Duration::from_secs(10);
    lab.run_until(end, |lab| lab.answer(fetch).is_some());
    let Some(Answer::Response(answer)) = lab.answer(fetch) else { panic!("no answer\n{}", lab.story()) };
    let Response::Fetch(answer) = answer else { panic!("{answer:?}") };
    let records = answer.responses[0].partitions[0].records.as_ref().unwrap();
    assert_eq!(records.record_count(), 2, "what became readable is read back for the one that waits");
    assert_eq!(reads(&lab), 1);
}

/// The files and folders of a broker that are to be removed, by their names without what is unique.
fn to_be_removed(folder: &Path, broker: i32) -> Vec<String> {
    let mut names = Vec::new();
    for replica in std::fs::read_dir(folder.join(format!("broker-{broker}"))).unwrap().map(Result::unwrap) {
        let name = replica.file_name().into_string().unwrap();
        if name.ends_with("-delete") {
            names.push(name.split('.').next().unwrap().to_owned() + "-delete");
        } else if replica.file_type().unwrap().is_dir() {
            let files = std::fs::read_dir(replica.path()).unwrap().map(|file| file.unwrap().file_name());
            let files = files.map(|file| file.into_string().unwrap());
            names.extend(files.filter(|file| file.ends_with(".log.deleted")).map(|file| format!("{name}/{file}")));
        }
    }
    names.sort();
    names
}

/// A lab on files that keeps what has gone for 5 s, one of whose logs has just lost its first segment.
fn lab_that_lost_a_segment(folder: &Path) -> Lab {
    let settings = Settings { log_segment_bytes: 200, log_segment_delete_delay_ms: 5_000, ..Settings::lab() };
    let mut lab = Lab::on_files(Config { settings: settings.into(), ..Lab::config(1) }, folder);
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    let Response::CreateTopics(_) = lab.ask(lab.controller().unwrap(), 7, create("t", 1, 3)) else { panic!() };
    lab.run(Duration::from_millis(100));
    let value = "x".repeat(100);
    for _ in 0..3 {
        write(&mut lab, 0, &value);
    }
    let topics = vec![DeleteRecordsTopic {
        name: "t".into(),
        partitions: vec![DeleteRecordsPartition { partition_index: 0, offset: 1 }],
    }];
    let leader = leader(&lab, 0);
    lab.ask(leader, 2, DeleteRecordsRequest { topics, timeout_ms: 5_000 });
    lab
}

/// What waits for the disk is done by threads of its own: this waits for them, not for the lab's time.
fn finish_jobs(lab: &Lab) {
    let TestDisks::Files(files, _) = &*lab.disks.borrow() else { panic!("a lab on files") };
    files.finish_jobs();
}

#[test]
fn what_has_gone_stays_on_the_disk_for_as_long_as_the_delay_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = lab_that_lost_a_segment(folder.path());
    let broker = leader(&lab, 0);
    let segment = vec!["t-0/00000000000000000000.log.deleted".to_owned()];
    assert_eq!(to_be_removed(folder.path(), broker), segment, "renamed at once");
    // The answer came when the followers had said, within replica.fetch.wait.max.ms, that they know.
    lab.run(Duration::from_millis(4_400));
    finish_jobs(&lab);
    assert_eq!(to_be_removed(folder.path(), broker), segment, "and there for nearly 5 s");
    lab.run(Duration::from_millis(800));
    finish_jobs(&lab);
    assert_eq!(to_be_removed(folder.path(), broker), Vec::<String>::new(), "and no longer");

    let controller = lab.controller().unwrap();
    let topics = vec![DeleteTopicState { name: Some("t".into()), ..Default::default() }];
    lab.ask(controller, 6, DeleteTopicsRequest { topics, timeout_ms: 5_000, ..Default::default() });
    lab.wait("the topic to be gone", |lab| lab.cluster.brokers().all(|(_, node)| node.logs().count() == 0));
    assert_eq!(to_be_removed(folder.path(), broker), ["t-0-delete"]);
    lab.run(Duration::from_millis(5_200));
    finish_jobs(&lab);
    assert_eq!(to_be_removed(folder.path(), broker), Vec::<String>::new());
}

#[test]
fn what_has_gone_and_is_still_there_when_the_lab_ends_is_gone_afterwards() {
    for in_order in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let lab = lab_that_lost_a_segment(folder.path());
        let broker = leader(&lab, 0);
        let cluster = lab.end(in_order);
        assert_eq!(to_be_removed(folder.path(), broker).is_empty(), in_order, "an orderly end removes it");
        assert_found(&cluster, folder.path(), in_order);
        assert_eq!(to_be_removed(folder.path(), broker), Vec::<String>::new(), "a start removes it");
    }
}

//! Members of groups whose topics are deleted, made anew, or made after they have subscribed.

use std::collections::BTreeMap;
use std::time::Duration;

use kscope::engine::client::{
    Client, ClientSpec, Commit, Consumer, ConsumerSpec, GroupProtocol, GroupSpec, Membership, OffsetReset, Patience,
    ProducerSpec, Role, Workload, deliveries,
};
use kscope::engine::message::Command;
use kscope::protocol::delete_topics::DeleteTopicState;
use kscope::protocol::{DeleteTopicsRequest, Response};

use super::harness::Lab;
use super::life::create;

fn lab() -> Lab {
    let mut lab = Lab::new(Lab::config(5));
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    make(&mut lab, "t", 4);
    let producer = ProducerSpec {
        topic: "t".into(),
        workload: Workload::Plain { bytes: 50, per_sec: 100, keys: 20 },
        metadata_max_age_ms: 2_000,
        ..ProducerSpec::default()
    };
    lab.command(Command::AddClient(ClientSpec { name: "producer".into(), role: Role::Producer(producer) }));
    lab
}

fn make(lab: &mut Lab, topic: &str, partitions: i32) {
    let controller = lab.controller().unwrap();
    let Response::CreateTopics(made) = lab.ask(controller, 7, create(topic, partitions, 3)) else { panic!() };
    assert!(made.topics[0].error_code.is_ok(), "{made:?}");
}

fn delete(lab: &mut Lab, topic: &str) {
    let controller = lab.controller().unwrap();
    let topics = vec![DeleteTopicState { name: Some(topic.into()), ..Default::default() }];
    lab.ask(controller, 6, DeleteTopicsRequest { topics, timeout_ms: 5_000, ..Default::default() });
}

fn join(lab: &mut Lab, name: &str, topics: &[&str], group: &GroupSpec) {
    let spec = ConsumerSpec {
        topics: topics.iter().map(|topic| (*topic).into()).collect(),
        from: OffsetReset::Earliest,
        metadata_max_age_ms: 2_000,
        group: Some(GroupSpec { id: "g".into(), ..group.clone() }),
        ..ConsumerSpec::default()
    };
    lab.command(Command::AddClient(ClientSpec { name: name.into(), role: Role::Consumer(spec) }));
}

fn members(lab: &Lab) -> Vec<&Client> {
    let is_member = |client: &&Client| client.as_consumer().is_some_and(|consumer| consumer.membership().is_some());
    lab.cluster.clients().map(|(_, client)| client).filter(is_member).collect()
}

fn consumers(lab: &Lab) -> impl Iterator<Item = &Consumer> {
    members(lab).into_iter().filter(|client| client.runs()).filter_map(Client::as_consumer)
}

/// How many partitions of each topic are read.
fn read(lab: &Lab) -> BTreeMap<String, usize> {
    let mut read = BTreeMap::new();
    for (topic, _, position) in consumers(lab).flat_map(Consumer::positions) {
        if position.offset.is_some() {
            *read.entry(topic.to_string()).or_default() += 1;
        }
    }
    read
}

/// Commits that were acknowledged, by all members.
fn commits(lab: &Lab) -> u64 {
    consumers(lab).filter_map(Consumer::membership).map(Membership::commits).sum()
}

fn groups() -> impl Iterator<Item = GroupSpec> {
    let commits = [Commit::After, Commit::Before, Commit::Auto { interval_ms: 400 }];
    let ways = [
        (GroupProtocol::Classic, "range"),
        (GroupProtocol::Classic, "cooperative-sticky"),
        (GroupProtocol::Consumer, "range"),
    ];
    commits.into_iter().flat_map(move |commit| {
        ways.into_iter().map(move |(protocol, assignor)| GroupSpec {
            commit,
            protocol,
            assignors: vec![assignor.into()],
            work_us: 3_000,
            max_poll_records: 20,
            ..Patience::LAB.group()
        })
    })
}

#[test]
fn members_read_a_topic_that_is_made_anew_and_begin_their_books_anew() {
    for group in groups() {
        let mut lab = lab();
        join(&mut lab, "a", &["t"], &group);
        join(&mut lab, "b", &["t"], &group);
        lab.run(Duration::from_secs(8));
        assert_eq!(read(&lab), [("t".to_owned(), 4)].into(), "{group:?}");
        delete(&mut lab, "t");
        lab.run(Duration::from_millis(300));
        make(&mut lab, "t", 4);
        lab.run(Duration::from_secs(12));
        let before = commits(&lab);
        lab.run(Duration::from_secs(4));
        assert_eq!(read(&lab), [("t".to_owned(), 4)].into(), "{group:?}\n{}", lab.story());
        let lag: u64 = consumers(&lab).map(Consumer::lag).sum();
        assert!(lag < 100, "{group:?}: lag {lag}");
        assert!(commits(&lab) > before, "{group:?}: they commit on\n{}", lab.story());
        let again: u64 = deliveries(&members(&lab), None).values().map(|delivery| delivery.again.len()).sum();
        assert_eq!(again, 0, "{group:?}: the new topic's records are none of the old one's");
    }
}

#[test]
fn a_member_whose_other_topic_is_deleted_goes_on_with_the_rest() {
    for group in groups() {
        let mut lab = lab();
        make(&mut lab, "gone", 2);
        let producer = ProducerSpec {
            topic: "gone".into(),
            workload: Workload::Plain { bytes: 50, per_sec: 50, keys: 20 },
            ..ProducerSpec::default()
        };
        lab.command(Command::AddClient(ClientSpec { name: "other".into(), role: Role::Producer(producer) }));
        join(&mut lab, "a", &["t", "gone"], &group);
        lab.run(Duration::from_secs(8));
        assert_eq!(read(&lab).values().sum::<usize>(), 6, "{group:?}");
        delete(&mut lab, "gone");
        lab.run(Duration::from_secs(6));
        let before = commits(&lab);
        // Another one comes: nobody may be waited for until the call is over.
        join(&mut lab, "b", &["t"], &group);
        lab.run(Duration::from_secs(8));
        assert_eq!(read(&lab).get("t"), Some(&4), "{group:?}\n{}", lab.story());
        assert!(consumers(&lab).all(|consumer| consumer.positions().count() >= 2), "{group:?}\n{}", lab.story());
        assert!(commits(&lab) > before, "{group:?}: they commit on\n{}", lab.story());
    }
}

#[test]
fn a_topic_that_is_made_after_it_was_subscribed_to_is_read() {
    for group in groups() {
        let mut lab = lab();
        join(&mut lab, "a", &["t", "later"], &group);
        lab.run(Duration::from_secs(8));
        assert_eq!(read(&lab), [("t".to_owned(), 4)].into(), "{group:?}");
        make(&mut lab, "later", 2);
        lab.run(Duration::from_secs(10));
        assert_eq!(read(&lab), [("later".to_owned(), 2), ("t".to_owned(), 4)].into(), "{group:?}\n{}", lab.story());
    }
}

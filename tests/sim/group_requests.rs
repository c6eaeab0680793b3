//! Requests about groups that no client sends as a rule, and what a running Kafka 3.9.2 was seen to answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::config::Config;
use kscope::engine::message::Command;
use kscope::engine::node::BrokerId;
use kscope::protocol::create_partitions::CreatePartitionsTopic;
use kscope::protocol::find_coordinator::{Coordinator, key_type};
use kscope::protocol::join_group::JoinGroupRequestProtocol;
use kscope::protocol::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kscope::protocol::offset_fetch::OffsetFetchRequestTopic;
use kscope::protocol::{
    CreatePartitionsRequest, DeleteGroupsRequest, ErrorCode, FindCoordinatorRequest, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, OffsetCommitRequest, OffsetFetchRequest, Response,
};

use super::harness::Lab;
use super::life::create;

const GROUP: &str = "g";

/// A lab of one broker, which coordinates everything, with a topic `t` of two partitions.
fn lab() -> Lab {
    let config = Lab::config(5);
    let mut settings = (*config.settings).clone();
    settings.offsets_topic_replication_factor = 1;
    let mut lab = Lab::new(Config { brokers: 1, settings: settings.into(), ..config });
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    lab.ask(1, 7, create("t", 2, 1));
    find(&mut lab, 4, key_type::GROUP, &[GROUP]);
    lab.run(Duration::from_secs(1));
    lab
}

fn find(lab: &mut Lab, version: i16, key_type: i8, keys: &[&str]) -> Vec<Coordinator> {
    let coordinator_keys = keys.iter().map(|key| Arc::from(*key)).collect();
    let request = FindCoordinatorRequest { key_type, coordinator_keys, ..FindCoordinatorRequest::default() };
    let Response::FindCoordinator(answer) = lab.ask(1, version, request) else { panic!() };
    answer.coordinators
}

/// A topic of a commit: of each partition its number, an offset, a note.
type Committed<'a> = (&'a str, &'a [(i32, i64, &'a str)]);
/// What is said of each partition of a topic.
type Answered = (Arc<str>, Vec<(i32, ErrorCode)>);

/// What is said when a group commits offsets of topics.
fn commit(lab: &mut Lab, topics: &[Committed<'_>]) -> Vec<Answered> {
    let partition = |(partition_index, committed_offset, note): &(i32, i64, &str)| OffsetCommitRequestPartition {
        partition_index: *partition_index,
        committed_offset: *committed_offset,
        committed_metadata: Some((*note).into()),
        ..OffsetCommitRequestPartition::default()
    };
    let topics = topics.iter().map(|(name, partitions)| OffsetCommitRequestTopic {
        name: (*name).into(),
        partitions: partitions.iter().map(partition).collect(),
    });
    let request = OffsetCommitRequest {
        group_id: GROUP.into(),
        generation_id_or_member_epoch: -1,
        topics: topics.collect(),
        ..OffsetCommitRequest::default()
    };
    let Response::OffsetCommit(answer) = lab.ask(1, 8, request) else { panic!() };
    let of = |topic: kscope::protocol::offset_commit::OffsetCommitResponseTopic| {
        (topic.name, topic.partitions.iter().map(|p| (p.partition_index, p.error_code)).collect())
    };
    answer.topics.into_iter().map(of).collect()
}

/// What is committed of partitions of `t`, in the order of the answer.
fn committed(lab: &mut Lab, partition_indexes: Vec<i32>) -> Vec<(i32, i64)> {
    let topics = vec![OffsetFetchRequestTopic { name: "t".into(), partition_indexes }];
    let request = OffsetFetchRequest {
        group_id: GROUP.into(),
        topics: Some(topics),
        require_stable: true,
        ..OffsetFetchRequest::default()
    };
    let Response::OffsetFetch(answer) = lab.ask(1, 7, request) else { panic!() };
    assert_eq!(answer.error_code, ErrorCode::NONE);
    answer.topics.iter().flat_map(|topic| &topic.partitions).map(|p| (p.partition_index, p.committed_offset)).collect()
}

#[test]
fn a_thousand_coordinators_are_found_at_once_each_as_often_as_it_is_asked_for() {
    let mut lab = lab();
    let keys: Vec<String> = (0..1_000).map(|number| format!("group-{number}")).collect();
    let found = find(&mut lab, 4, key_type::GROUP, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(found.iter().map(|one| &*one.key).eq(keys.iter().map(String::as_str)), "in the order of the request");
    assert!(found.iter().all(|one| (one.error_code, one.node_id) == (ErrorCode::NONE, 1)));
    let found = find(&mut lab, 6, key_type::GROUP, &["a", "", "a"]);
    assert_eq!(found.iter().map(|one| &*one.key).collect::<Vec<_>>(), ["a", "", "a"], "the empty one too");
    assert!(found.iter().all(|one| one.error_code.is_ok() && one.error_message.as_deref() == Some("")));
}

#[test]
fn a_coordinator_of_an_unknown_kind_is_not_found() {
    let mut lab = lab();
    for (version, kind, error) in [
        (4, 3, ErrorCode::INVALID_REQUEST),
        (6, -1, ErrorCode::INVALID_REQUEST),
        (5, key_type::SHARE, ErrorCode::INVALID_REQUEST),
        (6, key_type::SHARE, ErrorCode::COORDINATOR_NOT_AVAILABLE),
    ] {
        let found = find(&mut lab, version, kind, &["a"]);
        let (error_code, node_id, port) = (found[0].error_code, found[0].node_id, found[0].port);
        assert_eq!((error_code, node_id, port), (error, -1, -1), "version {version}, kind {kind}");
    }
    assert_eq!(find(&mut lab, 6, 9, &[]).len(), 0, "nobody was asked for");
}

#[test]
fn why_no_coordinator_is_found_is_said_up_to_version_3_and_of_a_kind_that_nobody_knows() {
    let mut lab = lab();
    let malformed = "This most likely occurs because of a request being malformed by the client library or the message \
                     was sent to an incompatible broker. See the broker logs for more details.";
    for (version, kind, text) in [
        (1, key_type::GROUP, "NONE"),
        (4, key_type::GROUP, ""),
        (1, key_type::TRANSACTION, "The coordinator is not available."),
        (6, key_type::TRANSACTION, ""),
        (6, key_type::SHARE, ""),
        (4, key_type::SHARE, ""),
        (6, 7, malformed),
    ] {
        let request = FindCoordinatorRequest { key: "a".into(), key_type: kind, coordinator_keys: vec!["a".into()] };
        let Response::FindCoordinator(answer) = lab.ask(1, version, request) else { panic!() };
        let said = if version < 4 { answer.error_message } else { answer.coordinators[0].error_message.clone() };
        assert_eq!(said.as_deref(), Some(text), "version {version}, kind {kind}");
    }
}

/// The number of records that each partition of `__consumer_offsets` has.
fn records(lab: &Lab) -> BTreeMap<i32, i64> {
    let logs = lab.cluster.broker(BrokerId(1)).unwrap().logs();
    let offsets = logs.filter(|(id, ..)| &*id.topic == "__consumer_offsets");
    offsets.map(|(id, log, _)| (id.partition, log.log_end_offset())).filter(|(_, end)| *end > 0).collect()
}

#[test]
fn groups_stay_where_they_are_when_their_topic_grows_until_the_broker_starts_anew() {
    let mut lab = lab();
    commit(&mut lab, &[("t", &[(0, 1, "")])]);
    lab.run(Duration::from_secs(1));
    // The hash of `g` is 103: Kafka 3.9.2 goes on with the partitions that were there when it started.
    assert_eq!(records(&lab), BTreeMap::from([(3, 1)]));
    let topic = CreatePartitionsTopic { name: "__consumer_offsets".into(), count: 53, assignments: None };
    let request =
        CreatePartitionsRequest { topics: vec![topic], timeout_ms: 5_000, ..CreatePartitionsRequest::default() };
    let Response::CreatePartitions(grown) = lab.ask(1, 3, request) else { panic!() };
    assert_eq!(grown.results[0].error_code, ErrorCode::NONE);
    lab.run(Duration::from_secs(1));
    commit(&mut lab, &[("t", &[(0, 2, "")])]);
    assert_eq!(records(&lab), BTreeMap::from([(3, 2)]));
    assert_eq!(committed(&mut lab, vec![0]), [(0, 2)]);
    lab.command(Command::Kill(BrokerId(1)));
    lab.command(Command::Start(BrokerId(1)));
    lab.wait("it coordinates again", |lab| {
        let broker = lab.cluster.broker(BrokerId(1)).unwrap().running();
        broker.is_some_and(|broker| broker.groups().shards().count() == 53 && !broker.groups().is_loading())
    });
    // It leads the partitions a moment before it is told of the cluster's topics.
    lab.run(Duration::from_secs(1));
    assert_eq!(committed(&mut lab, vec![0]), [(0, -1)], "it is looked for elsewhere now");
    commit(&mut lab, &[("t", &[(0, 3, "")])]);
    assert_eq!(records(&lab), BTreeMap::from([(3, 2), (103 % 53, 1)]));
}

#[test]
fn what_a_commit_names_twice_is_kept_once_and_what_is_not_there_is_answered_first() {
    let mut lab = lab();
    let said = commit(
        &mut lab,
        &[("t", &[(0, 11, ""), (0, 12, "")]), ("u", &[(0, 1, "")]), ("t", &[(9, 1, ""), (0, 13, "")])],
    );
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(said, [("u".into(), vec![(0, unknown)]), ("t".into(), vec![(9, unknown), (0, ErrorCode::NONE)])]);
    assert_eq!(commit(&mut lab, &[("t", &[])]), [], "a topic of which nothing is committed is not named");
    assert_eq!(committed(&mut lab, vec![0, 1, 0]), [(0, 13), (1, -1)]);
}

#[test]
fn a_note_is_as_long_as_it_has_utf_16_units() {
    let mut lab = lab();
    for (note, taken) in [("x", 4096), ("é", 4096), ("😀", 2048)] {
        assert_eq!(commit(&mut lab, &[("t", &[(0, 1, &note.repeat(taken))])])[0].1, [(0, ErrorCode::NONE)], "{note}");
        let longer = note.repeat(taken + 1);
        let too_large = ErrorCode::OFFSET_METADATA_TOO_LARGE;
        assert_eq!(commit(&mut lab, &[("t", &[(0, 2, &longer)])])[0].1, [(0, too_large)], "{note}");
    }
    assert_eq!(committed(&mut lab, vec![0]), [(0, 1)]);
}

#[test]
fn a_group_is_deleted_once_however_often_it_is_named() {
    let mut lab = lab();
    commit(&mut lab, &[("t", &[(0, 1, "")])]);
    let groups_names = vec![GROUP.into(), "nobody".into(), GROUP.into()];
    let Response::DeleteGroups(answer) = lab.ask(1, 2, DeleteGroupsRequest { groups_names }) else { panic!() };
    let said: Vec<_> = answer.results.iter().map(|one| (&*one.group_id, one.error_code)).collect();
    assert_eq!(said, [(GROUP, ErrorCode::NONE), ("nobody", ErrorCode::GROUP_ID_NOT_FOUND)]);
}

#[test]
fn a_negative_rebalance_timeout_is_over_at_once_and_version_0_takes_the_sessions() {
    let mut lab = lab();
    for (version, outcome) in [(3, ErrorCode::UNKNOWN_MEMBER_ID), (0, ErrorCode::NONE)] {
        let group: Arc<str> = format!("group-{version}").into();
        let range = JoinGroupRequestProtocol { name: "range".into(), ..JoinGroupRequestProtocol::default() };
        let request = JoinGroupRequest {
            group_id: Arc::clone(&group),
            session_timeout_ms: 6_000,
            rebalance_timeout_ms: -1,
            protocol_type: "consumer".into(),
            protocols: vec![range],
            ..JoinGroupRequest::default()
        };
        let Response::JoinGroup(joined) = lab.ask(1, version, request) else { panic!() };
        assert_eq!((joined.error_code, joined.generation_id), (ErrorCode::NONE, 1));
        lab.run(Duration::from_secs(1));
        let member_id = joined.member_id;
        let request = HeartbeatRequest { group_id: group, generation_id: 1, member_id, ..HeartbeatRequest::default() };
        let Response::Heartbeat(heard) = lab.ask(1, 3, request) else { panic!() };
        assert_eq!(heard.error_code, outcome, "version {version}");
    }
}

fn join(lab: &mut Lab, group: &str, member_id: &Arc<str>, instance: Option<&str>) -> JoinGroupResponse {
    let range = JoinGroupRequestProtocol { name: "range".into(), ..JoinGroupRequestProtocol::default() };
    let request = JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: Arc::clone(member_id),
        group_instance_id: instance.map(Arc::from),
        protocol_type: "consumer".into(),
        protocols: vec![range],
        ..JoinGroupRequest::default()
    };
    let Response::JoinGroup(joined) = lab.ask(1, 5, request) else { panic!() };
    joined
}

#[test]
fn an_id_that_was_given_out_is_for_a_member_without_an_instance_id() {
    let mut lab = lab();
    let nobody: Arc<str> = "".into();
    for (group, instance) in [("of nobody", "fresh"), ("of another", "taken")] {
        let given = join(&mut lab, group, &nobody, None);
        assert_eq!(given.error_code, ErrorCode::MEMBER_ID_REQUIRED);
        let taken = (instance == "taken").then(|| join(&mut lab, group, &nobody, Some(instance)));
        let refused = join(&mut lab, group, &given.member_id, Some(instance));
        let said = (refused.error_code, refused.generation_id, &*refused.member_id);
        assert_eq!(said, (ErrorCode::UNKNOWN_SERVER_ERROR, -1, ""), "{group}");
        if let Some(taken) = taken {
            let again = join(&mut lab, group, &taken.member_id, Some(instance));
            assert_eq!(again.error_code, ErrorCode::NONE, "the static member is there as before");
        } else {
            let joined = join(&mut lab, group, &given.member_id, None);
            assert_eq!((joined.error_code, joined.generation_id), (ErrorCode::NONE, 1), "its id still holds");
            assert_eq!(joined.members[0].group_instance_id, None);
        }
    }
}

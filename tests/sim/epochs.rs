//! Groups of KIP-848 as requests see them: what operators are told, and what members of the other protocol are.

use std::sync::Arc;

use kscope::engine::client::{
    ClientSpec, ConsumerSpec, GroupProtocol, GroupSpec, OffsetReset, Patience, Role, TopicSpec,
};
use kscope::engine::config::Config;
use kscope::engine::message::Command;
use kscope::protocol::consumer_group_describe::DescribedGroup;
use kscope::protocol::metadata::MetadataRequestTopic;
use kscope::protocol::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kscope::protocol::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kscope::protocol::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DeleteGroupsRequest, DescribeGroupsRequest, ErrorCode,
    HeartbeatRequest, JoinGroupRequest, ListGroupsRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest,
    Request, Response,
};

use super::harness::Lab;

const TOPIC: &str = "read";
const GROUP: &str = "g";

/// A lab of one broker, which coordinates everything, with members `a` and `b` that share four partitions.
fn lab() -> Lab {
    let topics = vec![TopicSpec { name: TOPIC.into(), partitions: 4, replication_factor: 1 }];
    let clients = vec![ClientSpec { name: "admin".into(), role: Role::Admin { topics } }];
    let config = Lab::config(7);
    let mut settings = (*config.settings).clone();
    settings.offsets_topic_replication_factor = 1;
    let mut lab = Lab::new(Config { clients, brokers: 1, settings: settings.into(), ..config });
    lab.wait("a topic", |lab| {
        lab.cluster.brokers().any(|(_, n)| n.running().is_some_and(|b| b.metadata.topics.contains_key(TOPIC)))
    });
    for name in ["a", "b"] {
        let group = GroupSpec { id: GROUP.into(), protocol: GroupProtocol::Consumer, ..Patience::LAB.group() };
        let spec = ConsumerSpec {
            topics: vec![TOPIC.into()],
            from: OffsetReset::Earliest,
            group: Some(group),
            ..ConsumerSpec::default()
        };
        lab.command(Command::AddClient(ClientSpec { name: name.into(), role: Role::Consumer(spec) }));
    }
    lab.wait("two members", |lab| {
        let members = lab.cluster.clients().filter_map(|(_, client)| client.as_consumer());
        members.filter(|consumer| consumer.positions().count() == 2).count() == 2
    });
    lab.run(std::time::Duration::from_secs(2));
    lab
}

fn described(lab: &mut Lab, group: &str) -> DescribedGroup {
    let request = ConsumerGroupDescribeRequest { group_ids: vec![group.into()], include_authorized_operations: true };
    let Response::ConsumerGroupDescribe(answer) = lab.ask(1, 1, request) else { panic!() };
    answer.groups.into_iter().next().unwrap()
}

fn beat(lab: &mut Lab, version: i16, request: ConsumerGroupHeartbeatRequest) -> (ErrorCode, String) {
    let request = ConsumerGroupHeartbeatRequest { group_id: GROUP.into(), ..request };
    let Response::ConsumerGroupHeartbeat(answer) = lab.ask(1, version, request) else { panic!() };
    (answer.error_code, answer.error_message.as_deref().unwrap_or_default().to_owned())
}

#[test]
fn operators_see_epochs_and_who_owns_what() {
    let mut lab = lab();
    let group = described(&mut lab, GROUP);
    assert_eq!((&*group.group_state, group.group_epoch, group.assignment_epoch), ("Stable", 2, 2));
    assert_eq!((&*group.assignor_name, group.authorized_operations), ("uniform", 328));
    for (member, name) in group.members.iter().zip(["a-", "b-"]) {
        assert!(member.member_id.starts_with(name), "{}", member.member_id);
        assert_eq!((member.member_epoch, &*member.client_host, member.member_type), (2, "/lab", 1));
        assert_eq!(member.subscribed_topic_names, [Arc::from(TOPIC)]);
        assert_eq!(member.assignment, member.target_assignment);
        assert_eq!(member.assignment.topic_partitions[0].partitions.len(), 2);
    }
    let Response::ListGroups(listed) =
        lab.ask(1, 5, ListGroupsRequest { types_filter: vec!["Consumer".into()], ..Default::default() })
    else {
        panic!()
    };
    let listed = &listed.groups[0];
    assert_eq!(
        (&*listed.group_id, &*listed.protocol_type, &*listed.group_state, &*listed.group_type),
        (GROUP, "consumer", "Stable", "consumer")
    );
    let request = DescribeGroupsRequest { groups: vec![GROUP.into()], ..DescribeGroupsRequest::default() };
    let Response::DescribeGroups(classic) = lab.ask(1, 5, request) else { panic!() };
    assert_eq!((&*classic.groups[0].group_state, classic.groups[0].error_code), ("Dead", ErrorCode::NONE));
    assert_eq!(described(&mut lab, "nobody").error_code, ErrorCode::GROUP_ID_NOT_FOUND);
    let delete = DeleteGroupsRequest { groups_names: vec![GROUP.into()] };
    let Response::DeleteGroups(deleted) = lab.ask(1, 2, delete.clone()) else { panic!() };
    assert_eq!(deleted.results[0].error_code, ErrorCode::NON_EMPTY_GROUP);
    let members: Vec<_> = lab.cluster.clients().filter(|(_, c)| c.as_consumer().is_some()).map(|(id, _)| id).collect();
    for member in members {
        lab.command(Command::CloseClient(member));
    }
    lab.run(std::time::Duration::from_secs(1));
    let empty = described(&mut lab, GROUP);
    assert_eq!((&*empty.group_state, empty.group_epoch, empty.members.len()), ("Empty", 4, 0));
    let Response::DeleteGroups(deleted) = lab.ask(1, 2, delete) else { panic!() };
    assert_eq!(deleted.results[0].error_code, ErrorCode::NONE);
    assert_eq!(described(&mut lab, GROUP).error_code, ErrorCode::GROUP_ID_NOT_FOUND);
}

#[test]
fn requests_that_make_no_sense_are_refused_with_words() {
    let mut lab = lab();
    let joins = ConsumerGroupHeartbeatRequest {
        member_epoch: 0,
        rebalance_timeout_ms: 1_000,
        subscribed_topic_names: Some(vec![TOPIC.into()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let wrong: [(ConsumerGroupHeartbeatRequest, ErrorCode, &str); 8] = [
        (
            ConsumerGroupHeartbeatRequest { rebalance_timeout_ms: -1, ..joins.clone() },
            ErrorCode::INVALID_REQUEST,
            "RebalanceTimeoutMs",
        ),
        (
            ConsumerGroupHeartbeatRequest { topic_partitions: None, ..joins.clone() },
            ErrorCode::INVALID_REQUEST,
            "TopicPartitions",
        ),
        (
            ConsumerGroupHeartbeatRequest { subscribed_topic_names: None, ..joins.clone() },
            ErrorCode::INVALID_REQUEST,
            "SubscribedTopicNames",
        ),
        (
            ConsumerGroupHeartbeatRequest { instance_id: Some(" ".into()), ..joins.clone() },
            ErrorCode::INVALID_REQUEST,
            "InstanceId",
        ),
        (ConsumerGroupHeartbeatRequest { member_epoch: 1, ..joins.clone() }, ErrorCode::INVALID_REQUEST, "MemberId"),
        (
            ConsumerGroupHeartbeatRequest { member_epoch: -3, member_id: "x".into(), ..joins.clone() },
            ErrorCode::INVALID_REQUEST,
            "MemberEpoch",
        ),
        (
            ConsumerGroupHeartbeatRequest { member_epoch: -2, member_id: "x".into(), ..joins.clone() },
            ErrorCode::INVALID_REQUEST,
            "InstanceId",
        ),
        (
            ConsumerGroupHeartbeatRequest { server_assignor: Some("mine".into()), ..joins.clone() },
            ErrorCode::UNSUPPORTED_ASSIGNOR,
            "uniform, range",
        ),
    ];
    for (request, error, word) in wrong {
        let (code, text) = beat(&mut lab, 0, request);
        assert!(code == error && text.contains(word), "{code:?} {text}, not {error:?} {word}");
    }
    let (code, text) = beat(&mut lab, 1, joins.clone());
    assert!(code == ErrorCode::INVALID_REQUEST && text.contains("MemberId"), "version 1 wants an id: {text}");
    let pattern =
        ConsumerGroupHeartbeatRequest { member_id: "x".into(), subscribed_topic_regex: Some("re[".into()), ..joins };
    let (code, text) = beat(&mut lab, 1, pattern);
    assert!(code == ErrorCode::INVALID_REGULAR_EXPRESSION && text.contains("missing closing ]"), "{text}");
    assert_eq!(described(&mut lab, GROUP).group_epoch, 2, "none of them changed anything");
}

/// A member with a pattern knows its topics by their ids only. Java leaves an empty name beside them.
#[test]
fn metadata_is_told_by_a_topics_id() {
    let mut lab = lab();
    let id = lab.cluster.brokers().find_map(|(_, node)| Some(node.running()?.metadata.id_of(TOPIC))).unwrap();
    for (topic_id, name, error, found) in [
        (id, Some(""), ErrorCode::NONE, Some(TOPIC)),
        (id, None, ErrorCode::NONE, Some(TOPIC)),
        (uuid::Uuid::from_u128(7), Some(TOPIC), ErrorCode::UNKNOWN_TOPIC_ID, None),
        (uuid::Uuid::nil(), Some(""), ErrorCode::INVALID_TOPIC_EXCEPTION, Some("")),
    ] {
        let topic = MetadataRequestTopic { topic_id, name: name.map(Arc::from) };
        let request = MetadataRequest { topics: Some(vec![topic]), ..MetadataRequest::default() };
        let Response::Metadata(answer) = lab.ask(1, 12, request) else { panic!() };
        let told = &answer.topics[0];
        assert_eq!((told.error_code, told.name.as_deref()), (error, found), "{topic_id} {name:?}");
    }
}

#[test]
fn a_group_has_members_of_one_protocol() {
    let mut lab = lab();
    let join = |member: &str| JoinGroupRequest {
        group_id: GROUP.into(),
        member_id: member.into(),
        session_timeout_ms: 6_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![kscope::protocol::join_group::JoinGroupRequestProtocol {
            name: "range".into(),
            ..Default::default()
        }],
        ..JoinGroupRequest::default()
    };
    let Response::JoinGroup(refused) = lab.ask(1, 3, join("")) else { panic!() };
    assert_eq!(refused.error_code, ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    let member = Arc::clone(&described(&mut lab, GROUP).members[0].member_id);
    let heartbeat = HeartbeatRequest {
        group_id: GROUP.into(),
        member_id: Arc::clone(&member),
        generation_id: 2,
        ..Default::default()
    };
    let Response::Heartbeat(refused) = lab.ask(1, 4, heartbeat) else { panic!() };
    assert_eq!(refused.error_code, ErrorCode::UNKNOWN_MEMBER_ID);
    // The other way round: a group whose members meet.
    let other = JoinGroupRequest { group_id: "classic".into(), ..join("") };
    let Response::JoinGroup(joined) = lab.ask(1, 3, other) else { panic!() };
    assert_eq!((joined.error_code, joined.generation_id), (ErrorCode::NONE, 1));
    let request = ConsumerGroupHeartbeatRequest {
        group_id: "classic".into(),
        rebalance_timeout_ms: 1_000,
        subscribed_topic_names: Some(vec![TOPIC.into()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let Response::ConsumerGroupHeartbeat(refused) = lab.ask(1, 0, request) else { panic!() };
    assert_eq!(refused.error_code, ErrorCode::GROUP_ID_NOT_FOUND);
    assert_eq!(described(&mut lab, "classic").error_code, ErrorCode::GROUP_ID_NOT_FOUND);
}

#[test]
fn commits_and_fetches_say_their_epoch() {
    let mut lab = lab();
    let member = Arc::clone(&described(&mut lab, GROUP).members[0].member_id);
    let commit = |epoch| -> Request {
        let partitions =
            vec![OffsetCommitRequestPartition { partition_index: 0, committed_offset: 7, ..Default::default() }];
        let topics = vec![OffsetCommitRequestTopic { name: TOPIC.into(), partitions }];
        let (group_id, member_id) = (GROUP.into(), Arc::clone(&member));
        OffsetCommitRequest { group_id, member_id, generation_id_or_member_epoch: epoch, topics, ..Default::default() }
            .into()
    };
    let fetch = |epoch| -> Request {
        let topics = Some(vec![OffsetFetchRequestTopics { name: TOPIC.into(), partition_indexes: vec![0] }]);
        let member_id = (epoch >= 0).then(|| Arc::clone(&member));
        let group = OffsetFetchRequestGroup { group_id: GROUP.into(), member_id, member_epoch: epoch, topics };
        OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() }.into()
    };
    for (epoch, error) in [(1, ErrorCode::STALE_MEMBER_EPOCH), (2, ErrorCode::NONE)] {
        let Response::OffsetCommit(answer) = lab.ask(1, 9, commit(epoch)) else { panic!() };
        assert_eq!(answer.topics[0].partitions[0].error_code, error, "a commit at {epoch}");
        let Response::OffsetFetch(answer) = lab.ask(1, 9, fetch(epoch)) else { panic!() };
        assert_eq!(answer.groups[0].error_code, error, "a fetch at {epoch}");
    }
    let Response::OffsetFetch(answer) = lab.ask(1, 9, fetch(-1)) else { panic!() };
    let found = &answer.groups[0].topics[0].partitions[0];
    assert_eq!((answer.groups[0].error_code, found.committed_offset), (ErrorCode::NONE, 7), "an operator's");
}

//! The keys and versions that the `kafka-protocol` crate lacks, against bodies that Java's client 3.9.2 wrote
//! (`ApiMessage.write`) for the same values.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::protocol::*;

/// The topic id of all frames.
const ID: Uuid = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);

fn text(text: &str) -> Arc<str> {
    text.into()
}

fn bytes(hex: &str) -> Bytes {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Our frame of the request is Java's body behind a header, and is read as the request.
fn check_request(version: i16, request: impl Into<Request>, java: &str) {
    let request = request.into();
    let frame = encode_request(version, 7, None, &request).to_bytes().slice(4..);
    let header = if request.api_key().is_flexible(version) { 11 } else { 10 };
    assert_eq!(frame.slice(header..), bytes(java), "{} version {version}", request.api_key().name());
    assert_eq!(decode_request(&frame).map(|(_, request)| request), Ok(request));
}

/// Our frame of the response is Java's body behind a header, and Java's body is read as the response.
fn check_response(version: i16, response: impl Into<Response>, java: &str) {
    let response = response.into();
    let frame = encode_response(7, version, &response).to_bytes().slice(4..);
    let header = if response.api_key().is_flexible(version) { 5 } else { 4 };
    assert_eq!(frame.slice(header..), bytes(java), "{} version {version}", response.api_key().name());
    assert_eq!(decode_response(&frame, response.api_key(), version), Ok((7, response)));
}

#[test]
fn leader_and_isr() {
    use leader_and_isr::*;
    let partition = LeaderAndIsrPartitionState {
        partition_index: 4,
        controller_epoch: 5,
        leader: 6,
        leader_epoch: 7,
        isr: vec![6, 8],
        partition_epoch: 9,
        replicas: vec![6, 8, 10],
        adding_replicas: vec![11],
        removing_replicas: vec![12],
        is_new: true,
        leader_recovery_state: 1,
    };
    let request = LeaderAndIsrRequest {
        controller_id: 1,
        is_k_raft_controller: false,
        controller_epoch: 2,
        broker_epoch: 3,
        r#type: 1,
        topic_states: vec![LeaderAndIsrTopicState {
            topic_name: text("trucks"),
            topic_id: ID,
            partition_states: vec![partition],
        }],
        live_leaders: vec![LeaderAndIsrLiveLeader { broker_id: 6, host_name: text("host"), port: 9092 }],
    };
    check_request(
        7,
        request,
        "0000000100000000020000000000000003010207747275636b730102030405060708090a0b0c0d0e0f10020000000400000005000000\
         0600000007030000000600000008000000090400000006000000080000000a020000000b020000000c01010000020000000605686f73\
         74000023840000",
    );
    let partition_errors =
        vec![LeaderAndIsrPartitionError { partition_index: 4, error_code: ErrorCode::KAFKA_STORAGE_ERROR }];
    let response = LeaderAndIsrResponse {
        error_code: ErrorCode::STALE_CONTROLLER_EPOCH,
        topics: vec![LeaderAndIsrTopicError { topic_id: ID, partition_errors }],
    };
    check_response(7, response, "000b020102030405060708090a0b0c0d0e0f1002000000040038000000");
}

#[test]
fn stop_replica() {
    use stop_replica::*;
    let partition = StopReplicaPartitionState { partition_index: 4, leader_epoch: -2, delete_partition: true };
    let request = StopReplicaRequest {
        controller_id: 1,
        is_k_raft_controller: false,
        controller_epoch: 2,
        broker_epoch: 3,
        topic_states: vec![StopReplicaTopicState { topic_name: text("trucks"), partition_states: vec![partition] }],
    };
    check_request(4, request, "00000001000000000200000000000000030207747275636b730200000004fffffffe01000000");
    let response = StopReplicaResponse {
        error_code: ErrorCode::STALE_BROKER_EPOCH,
        partition_errors: vec![StopReplicaPartitionError {
            topic_name: text("trucks"),
            partition_index: 4,
            error_code: ErrorCode::FENCED_LEADER_EPOCH,
        }],
    };
    check_response(4, response, "004d0207747275636b7300000004004a0000");
}

#[test]
fn update_metadata() {
    use update_metadata::*;
    let partition = UpdateMetadataPartitionState {
        partition_index: 4,
        controller_epoch: 5,
        leader: 6,
        leader_epoch: 7,
        isr: vec![6, 8],
        zk_version: 9,
        replicas: vec![6, 8, 10],
        offline_replicas: vec![10],
    };
    let endpoint =
        UpdateMetadataEndpoint { port: 9092, host: text("host"), listener: text("PLAINTEXT"), security_protocol: 0 };
    let mut request = UpdateMetadataRequest {
        controller_id: 1,
        controller_epoch: 2,
        broker_epoch: 3,
        topic_states: vec![UpdateMetadataTopicState {
            topic_name: text("trucks"),
            topic_id: ID,
            partition_states: vec![partition],
        }],
        live_brokers: vec![
            UpdateMetadataBroker { id: 6, endpoints: vec![endpoint], rack: Some(text("r1")) },
            UpdateMetadataBroker { id: 8, ..Default::default() },
        ],
        ..Default::default()
    };
    let body = "00000001000000000200000000000000030207747275636b730102030405060708090a0b0c0d0e0f1002000000040000000500\
                00000600000007030000000600000008000000090400000006000000080000000a020000000a00000300000006020000238405\
                686f73740a504c41494e5445585400000003723100000000080100";
    check_request(8, request.clone(), &format!("{body}0000"));
    request.r#type = 2;
    check_request(8, request, &format!("{body}0001000102"));
    let error_code = ErrorCode::STALE_CONTROLLER_EPOCH;
    check_response(8, UpdateMetadataResponse { error_code }, "000b00");
}

#[test]
fn controlled_shutdown() {
    use controlled_shutdown::*;
    check_request(3, ControlledShutdownRequest { broker_id: 1, broker_epoch: 3 }, "00000001000000000000000300");
    let response = ControlledShutdownResponse {
        error_code: ErrorCode::STALE_BROKER_EPOCH,
        remaining_partitions: vec![RemainingPartition { topic_name: text("trucks"), partition_index: 4 }],
    };
    check_response(3, response, "004d0207747275636b73000000040000");
}

#[test]
fn produce_before_record_batches() {
    use produce::*;
    let records = Some(Records::from(Bytes::from_static(&[1, 2, 3])));
    let request = ProduceRequest {
        transactional_id: None,
        acks: -1,
        timeout_ms: 1500,
        topic_data: vec![TopicProduceData {
            name: text("trucks"),
            partition_data: vec![PartitionProduceData { index: 4, records }],
        }],
    };
    let partition = PartitionProduceResponse {
        index: 4,
        error_code: ErrorCode::UNSUPPORTED_VERSION,
        base_offset: -1,
        ..Default::default()
    };
    let mut response = ProduceResponse {
        responses: vec![TopicProduceResponse { name: text("trucks"), partition_responses: vec![partition] }],
        ..Default::default()
    };
    let body = "000000010006747275636b7300000001000000040023ffffffffffffffff";
    for version in 0..=2 {
        check_request(version, request.clone(), "ffff000005dc000000010006747275636b73000000010000000400000003010203");
    }
    check_response(0, response.clone(), body);
    response.throttle_time_ms = 9;
    check_response(1, response.clone(), &format!("{body}00000009"));
    response.responses[0].partition_responses[0].log_append_time_ms = 77;
    check_response(2, response, &format!("{body}000000000000004d00000009"));
}

#[test]
fn create_topics_before_version_2() {
    use create_topics::*;
    let config = |name, value: Option<&str>| CreatableTopicConfig { name: text(name), value: value.map(text) };
    let mut request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: text("trucks"),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![CreatableReplicaAssignment { partition_index: 4, broker_ids: vec![6, 8] }],
            configs: vec![config("retention.ms", Some("-1")), config("x", None)],
        }],
        timeout_ms: 1500,
        validate_only: false,
    };
    let body = "000000010006747275636b73ffffffffffff000000010000000400000002000000060000000800000002000c7265\
                74656e74696f6e2e6d7300022d31000178ffff000005dc";
    check_request(0, request.clone(), body);
    request.validate_only = true;
    check_request(1, request, &format!("{body}01"));
    let result = CreatableTopicResult {
        name: text("trucks"),
        error_code: ErrorCode::TOPIC_ALREADY_EXISTS,
        ..Default::default()
    };
    let mut response = CreateTopicsResponse { topics: vec![result], ..Default::default() };
    check_response(0, response.clone(), "000000010006747275636b730024");
    response.topics[0].error_message = Some(text("there"));
    check_response(1, response, "000000010006747275636b73002400057468657265");
}

#[test]
fn delete_topics_version_0() {
    use delete_topics::*;
    let topic_names = vec![text("trucks"), text("cars")];
    let request = DeleteTopicsRequest { topic_names, timeout_ms: 1500, ..Default::default() };
    check_request(0, request, "000000020006747275636b73000463617273000005dc");
    let result = DeletableTopicResult {
        name: Some(text("trucks")),
        error_code: ErrorCode::NOT_CONTROLLER,
        ..Default::default()
    };
    let response = DeleteTopicsResponse { responses: vec![result], ..Default::default() };
    check_response(0, response, "000000010006747275636b730029");
}

#[test]
fn offset_for_leader_epoch_before_version_2() {
    use offset_for_leader_epoch::*;
    let partition = OffsetForLeaderPartition { partition: 4, leader_epoch: 7, ..Default::default() };
    let request = OffsetForLeaderEpochRequest {
        topics: vec![OffsetForLeaderTopic { topic: text("trucks"), partitions: vec![partition] }],
        ..Default::default()
    };
    for version in 0..=1 {
        check_request(version, request.clone(), "000000010006747275636b73000000010000000400000007");
    }
    let end = EpochEndOffset {
        error_code: ErrorCode::NOT_LEADER_OR_FOLLOWER,
        partition: 4,
        end_offset: 99,
        ..Default::default()
    };
    let mut response = OffsetForLeaderEpochResponse {
        topics: vec![OffsetForLeaderTopicResult { topic: text("trucks"), partitions: vec![end] }],
        ..Default::default()
    };
    check_response(0, response.clone(), "000000010006747275636b73000000010006000000040000000000000063");
    response.topics[0].partitions[0].leader_epoch = 7;
    check_response(1, response, "000000010006747275636b7300000001000600000004000000070000000000000063");
}

#[test]
fn describe_configs_version_0() {
    use describe_configs::*;
    let resource = |resource_type, name, keys| DescribeConfigsResource {
        resource_type,
        resource_name: text(name),
        configuration_keys: keys,
    };
    let resources = vec![
        resource(resource_type::TOPIC, "trucks", Some(vec![text("retention.ms")])),
        resource(resource_type::BROKER, "1", None),
    ];
    check_request(
        0,
        DescribeConfigsRequest { resources, ..Default::default() },
        "00000002020006747275636b7300000001000c726574656e74696f6e2e6d7304000131ffffffff",
    );
    let setting = DescribeConfigsResourceResult {
        name: text("retention.ms"),
        value: Some(text("1")),
        read_only: true,
        is_sensitive: true,
        ..Default::default()
    };
    let result = DescribeConfigsResult {
        error_code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        error_message: Some(text("none")),
        resource_type: resource_type::TOPIC,
        resource_name: text("trucks"),
        configs: vec![setting],
    };
    check_response(
        0,
        DescribeConfigsResponse { throttle_time_ms: 2, results: vec![result] },
        "0000000200000001000300046e6f6e65020006747275636b7300000001000c726574656e74696f6e2e6d73000131010001",
    );
}

#[test]
fn alter_partition_by_topic_name() {
    use alter_partition::*;
    for version in 0..=1 {
        let partition = PartitionData {
            partition_index: 4,
            leader_epoch: 7,
            new_isr: vec![6, 8],
            leader_recovery_state: i8::from(version == 1),
            partition_epoch: 9,
            ..Default::default()
        };
        let topic = TopicData { topic_name: text("trucks"), partitions: vec![partition], ..Default::default() };
        let request = AlterPartitionRequest { broker_id: 6, broker_epoch: 3, topics: vec![topic] };
        let recovery = ["", "01"][usize::from(version == 1)];
        let ahead = "0000000600000000000000030207747275636b73020000000400000007030000000600000008";
        check_request(version, request, &format!("{ahead}{recovery}00000009000000"));

        let partition = PartitionResponse {
            partition_index: 4,
            error_code: ErrorCode::INVALID_UPDATE_VERSION,
            leader_id: 6,
            leader_epoch: 7,
            isr: vec![6, 8],
            leader_recovery_state: i8::from(version == 1),
            partition_epoch: 9,
        };
        let topic = TopicResponse { topic_name: text("trucks"), partitions: vec![partition], ..Default::default() };
        let response = AlterPartitionResponse {
            throttle_time_ms: 2,
            error_code: ErrorCode::STALE_BROKER_EPOCH,
            topics: vec![topic],
        };
        let ahead = "00000002004d0207747275636b730200000004005f0000000600000007030000000600000008";
        check_response(version, response, &format!("{ahead}{recovery}00000009000000"));
    }
}

#[test]
fn offset_commit_before_the_broker_kept_the_time() {
    use offset_commit::*;
    let partition = OffsetCommitRequestPartition { partition_index: 4, committed_offset: 1042, ..Default::default() };
    let topic = |partition| OffsetCommitRequestTopic { name: text("trucks"), partitions: vec![partition] };
    let old =
        OffsetCommitRequest { group_id: text("dash"), topics: vec![topic(partition.clone())], ..Default::default() };
    check_request(0, old.clone(), "000464617368000000010006747275636b7300000001000000040000000000000412ffff");
    let partition = OffsetCommitRequestPartition {
        commit_timestamp: 1_700_000_000_000,
        committed_metadata: Some(text("note")),
        ..partition
    };
    let request = OffsetCommitRequest {
        generation_id_or_member_epoch: 3,
        member_id: text("m-1"),
        topics: vec![topic(partition)],
        ..old
    };
    check_request(
        1,
        request,
        "0004646173680000000300036d2d31000000010006747275636b73000000010000000400000000000004120000018bcfe5680000046e6f\
         7465",
    );
    for version in 0..=1 {
        let error_code = ErrorCode::OFFSET_METADATA_TOO_LARGE;
        let partitions = vec![OffsetCommitResponsePartition { partition_index: 4, error_code }];
        let topics = vec![OffsetCommitResponseTopic { name: text("trucks"), partitions }];
        let response = OffsetCommitResponse { topics, ..Default::default() };
        check_response(version, response, "000000010006747275636b730000000100000004000c");
    }
}

#[test]
fn offset_fetch_from_zookeeper() {
    use offset_fetch::*;
    let topic = OffsetFetchRequestTopic { name: text("trucks"), partition_indexes: vec![4, 5] };
    let request = OffsetFetchRequest { group_id: text("dash"), topics: Some(vec![topic]), ..Default::default() };
    check_request(0, request, "000464617368000000010006747275636b73000000020000000400000005");
    let partitions = vec![
        OffsetFetchResponsePartition {
            partition_index: 4,
            committed_offset: 1042,
            metadata: Some(text("note")),
            ..Default::default()
        },
        OffsetFetchResponsePartition {
            partition_index: 5,
            committed_offset: NO_OFFSET,
            error_code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ..Default::default()
        },
    ];
    let topics = vec![OffsetFetchResponseTopic { name: text("trucks"), partitions }];
    check_response(
        0,
        OffsetFetchResponse { topics, ..Default::default() },
        "000000010006747275636b730000000200000004000000000000041200046e6f7465000000000005ffffffffffffffffffff0003",
    );
}

/// Every version that the definitions cover is compared somewhere: those that the crate lacks are the ones above.
#[test]
fn nothing_is_left_uncompared() {
    let here: &[(ApiKey, std::ops::RangeInclusive<i16>)] = &[
        (ApiKey::Produce, 0..=2),
        (ApiKey::LeaderAndIsr, 7..=7),
        (ApiKey::StopReplica, 4..=4),
        (ApiKey::UpdateMetadata, 8..=8),
        (ApiKey::ControlledShutdown, 3..=3),
        (ApiKey::OffsetCommit, 0..=1),
        (ApiKey::OffsetFetch, 0..=0),
        (ApiKey::CreateTopics, 0..=1),
        (ApiKey::DeleteTopics, 0..=0),
        (ApiKey::OffsetForLeaderEpoch, 0..=1),
        (ApiKey::DescribeConfigs, 0..=0),
        (ApiKey::AlterPartition, 0..=1),
    ];
    for &api_key in ApiKey::ALL {
        for version in api_key.versions().into_iter().flatten() {
            let in_java = here.iter().any(|(key, versions)| *key == api_key && versions.contains(&version));
            let in_crate = super::compare::in_crate(api_key, version);
            assert!(in_java || in_crate, "{} version {version} is compared with nothing", api_key.name());
        }
    }
}

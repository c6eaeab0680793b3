//! Random messages of every key and version: our codec and the `kafka-protocol` crate write the same bytes, read the
//! same values, and ours reads back what it wrote.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable, Message};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::fields::{differences, parse};
use super::sample::{Sample, Source};
use crate::protocol::{ApiKey, Request, Response, decode_request, decode_response, encode_request, encode_response};

/// What a peer makes of a body: the bytes that it writes for what it read, and its `Debug` output.
type Peer = fn(&mut Bytes, i16) -> (Vec<u8>, String);

fn peer<T: Decodable + Encodable + std::fmt::Debug>(body: &mut Bytes, version: i16) -> (Vec<u8>, String) {
    let message = T::decode(body, version).expect("the crate reads what we wrote");
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes, version).expect("the crate writes what it read");
    (bytes.to_vec(), format!("{message:?}"))
}

/// The crate's two codecs of an API, with the versions that it has.
struct Codecs {
    request: Peer,
    request_versions: RangeInclusive<i16>,
    response: Peer,
    response_versions: RangeInclusive<i16>,
}

macro_rules! codecs {
    ($($name:ident: $request:ident, $response:ident;)*) => {
        /// The crate's codecs; `None` for the keys that it lacks.
        fn codecs(api_key: ApiKey) -> Option<Codecs> {
            match api_key {
                $(ApiKey::$name => Some(Codecs {
                    request: peer::<theirs::$request>,
                    request_versions: theirs::$request::VERSIONS.min..=theirs::$request::VERSIONS.max,
                    response: peer::<theirs::$response>,
                    response_versions: theirs::$response::VERSIONS.min..=theirs::$response::VERSIONS.max,
                }),)*
                _ => None,
            }
        }
    };
}

codecs! {
    Produce: ProduceRequest, ProduceResponse;
    Fetch: FetchRequest, FetchResponse;
    ListOffsets: ListOffsetsRequest, ListOffsetsResponse;
    Metadata: MetadataRequest, MetadataResponse;
    FindCoordinator: FindCoordinatorRequest, FindCoordinatorResponse;
    ApiVersions: ApiVersionsRequest, ApiVersionsResponse;
    CreateTopics: CreateTopicsRequest, CreateTopicsResponse;
    DeleteTopics: DeleteTopicsRequest, DeleteTopicsResponse;
    DeleteRecords: DeleteRecordsRequest, DeleteRecordsResponse;
    InitProducerId: InitProducerIdRequest, InitProducerIdResponse;
    OffsetForLeaderEpoch: OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
    DescribeConfigs: DescribeConfigsRequest, DescribeConfigsResponse;
    AlterConfigs: AlterConfigsRequest, AlterConfigsResponse;
    IncrementalAlterConfigs: IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
    DescribeLogDirs: DescribeLogDirsRequest, DescribeLogDirsResponse;
    CreatePartitions: CreatePartitionsRequest, CreatePartitionsResponse;
    ElectLeaders: ElectLeadersRequest, ElectLeadersResponse;
    AlterPartitionReassignments: AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse;
    ListPartitionReassignments: ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse;
    AlterPartition: AlterPartitionRequest, AlterPartitionResponse;
    DescribeCluster: DescribeClusterRequest, DescribeClusterResponse;
    DescribeTopicPartitions: DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse;
    OffsetCommit: OffsetCommitRequest, OffsetCommitResponse;
    OffsetFetch: OffsetFetchRequest, OffsetFetchResponse;
    JoinGroup: JoinGroupRequest, JoinGroupResponse;
    Heartbeat: HeartbeatRequest, HeartbeatResponse;
    LeaveGroup: LeaveGroupRequest, LeaveGroupResponse;
    SyncGroup: SyncGroupRequest, SyncGroupResponse;
    DescribeGroups: DescribeGroupsRequest, DescribeGroupsResponse;
    ListGroups: ListGroupsRequest, ListGroupsResponse;
    DeleteGroups: DeleteGroupsRequest, DeleteGroupsResponse;
    OffsetDelete: OffsetDeleteRequest, OffsetDeleteResponse;
    ConsumerGroupHeartbeat: ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
    ConsumerGroupDescribe: ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
}

/// Whether the crate has this version of both messages of an API.
pub(super) fn in_crate(api_key: ApiKey, version: i16) -> bool {
    codecs(api_key)
        .is_some_and(|codecs| codecs.request_versions.contains(&version) && codecs.response_versions.contains(&version))
}

/// Runs `check` on random choices for every version of every API that has a definition.
fn for_every_version(check: impl Fn(ApiKey, i16, &[u8]) -> Result<(), TestCaseError>) {
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    for &api_key in ApiKey::ALL {
        for version in api_key.versions().into_iter().flatten() {
            // One runner each: a runner counts its cases over all of its runs.
            TestRunner::new(config.clone())
                .run(&prop::collection::vec(any::<u8>(), 0..600), |choices| check(api_key, version, &choices))
                .unwrap_or_else(|failure| panic!("{} version {version}: {failure}", api_key.name()));
        }
    }
}

/// The message after the frame's size, and the size held against it.
fn body(frame: &crate::protocol::Frame) -> Bytes {
    let mut bytes = frame.to_bytes();
    let size = bytes.get_i32();
    assert_eq!(usize::try_from(size), Ok(bytes.len()), "the size ahead of the frame");
    bytes
}

#[test]
fn every_request_reads_as_it_was_written() {
    for_every_version(|api_key, version, choices| {
        let mut source = Source::new(choices, version);
        let client_id = Option::<Arc<str>>::sample(&mut source);
        let request = Request::sample(api_key, &mut source).expect("a defined API");
        let bytes = body(&encode_request(version, 7, client_id.as_ref(), &request));
        let (header, read) = decode_request(&bytes).expect("our own frame");
        prop_assert_eq!(read, request);
        prop_assert_eq!(header.request_api_key, api_key);
        prop_assert_eq!(header.request_api_version, version);
        prop_assert_eq!(header.correlation_id, 7);
        prop_assert_eq!(header.client_id, client_id);
        Ok(())
    });
}

#[test]
fn every_response_reads_as_it_was_written() {
    for_every_version(|api_key, version, choices| {
        let response = Response::sample(api_key, &mut Source::new(choices, version)).expect("a defined API");
        // This one field makes a newer ApiVersions response one of version 0.
        if let Response::ApiVersions(response) = &response
            && response.error_code == crate::protocol::ErrorCode::UNSUPPORTED_VERSION
        {
            return Ok(());
        }
        let bytes = body(&encode_response(7, version, &response));
        prop_assert_eq!(decode_response(&bytes, api_key, version), Ok((7, response)));
        Ok(())
    });
}

#[test]
fn requests_are_those_of_the_crate() {
    for_every_version(|api_key, version, choices| {
        let Some(codecs) = codecs(api_key).filter(|codecs| codecs.request_versions.contains(&version)) else {
            return Ok(());
        };
        let mut source = Source::new(choices, version);
        let client_id = Option::<Arc<str>>::sample(&mut source);
        let request = Request::sample(api_key, &mut source).expect("a defined API");
        let ours = body(&encode_request(version, 7, client_id.as_ref(), &request));

        let mut rest = ours.clone();
        let header_version =
            theirs::ApiKey::try_from(api_key.number()).expect("a key of the crate").request_header_version(version);
        let header = theirs::RequestHeader::decode(&mut rest, header_version).expect("the crate reads our header");
        prop_assert_eq!(header.client_id.as_deref(), client_id.as_deref());
        let mut bytes = BytesMut::new();
        header.encode(&mut bytes, header_version).expect("the crate writes the header");
        let (body, debug) = (codecs.request)(&mut rest, version);
        bytes.extend_from_slice(&body);

        prop_assert!(rest.is_empty(), "the crate reads all of it");
        prop_assert_eq!(bytes.freeze(), ours);
        compare_fields(&request, &debug)
    });
}

#[test]
fn responses_are_those_of_the_crate() {
    for_every_version(|api_key, version, choices| {
        let Some(codecs) = codecs(api_key).filter(|codecs| codecs.response_versions.contains(&version)) else {
            return Ok(());
        };
        let response = Response::sample(api_key, &mut Source::new(choices, version)).expect("a defined API");
        let ours = body(&encode_response(7, version, &response));

        let mut rest = ours.clone();
        let header_version =
            theirs::ApiKey::try_from(api_key.number()).expect("a key of the crate").response_header_version(version);
        let header = theirs::ResponseHeader::decode(&mut rest, header_version).expect("the crate reads our header");
        let mut bytes = BytesMut::new();
        header.encode(&mut bytes, header_version).expect("the crate writes the header");
        let (body, debug) = (codecs.response)(&mut rest, version);
        bytes.extend_from_slice(&body);

        prop_assert!(rest.is_empty(), "the crate reads all of it");
        prop_assert_eq!(bytes.freeze(), ours);
        compare_fields(&response, &debug)
    });
}

/// Compares a message (the enum around it is taken off by [`parse`]) with the crate's.
fn compare_fields(ours: &impl std::fmt::Debug, theirs: &str) -> Result<(), TestCaseError> {
    let found = differences(&parse(&format!("{ours:?}")), &parse(theirs), "");
    prop_assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

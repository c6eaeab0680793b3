//! The edges: frames that say more than they hold, nulls, tags, the exceptions of `ApiVersions`, and that record data
//! is shared both ways.

use std::sync::Arc;

use bytes::Bytes;

use crate::protocol::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use crate::protocol::*;

/// A request's frame: its header (client id null; tags where `flexible`) and `body`.
fn request_frame(api_key: ApiKey, version: i16, body: &[u8]) -> Bytes {
    let mut frame = Vec::new();
    frame.extend_from_slice(&api_key.number().to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 7, 0xff, 0xff]);
    if api_key.is_flexible(version) {
        frame.push(0);
    }
    frame.extend_from_slice(body);
    frame.into()
}

fn refusal(api_key: ApiKey, version: i16, body: &[u8]) -> DecodeError {
    decode_request(&request_frame(api_key, version, body)).expect_err("a bad frame")
}

#[test]
fn a_count_that_the_frame_does_not_hold_is_refused() {
    // The frame that makes others ask for 206 GB.
    let count = i32::MAX.to_be_bytes();
    assert_eq!(refusal(ApiKey::Metadata, 1, &count), DecodeError::ArrayTooLong { count: 0x7fff_ffff, left: 0 });
    let varint = [0xff, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(refusal(ApiKey::Metadata, 9, &varint), DecodeError::ArrayTooLong { count: 0xffff_fffe, left: 0 });
    // Two topics need twelve bytes at least, of which eleven are there.
    let topics = [&[0, 0, 0, 7, 0, 0, 0, 2][..], &[0; 11]].concat();
    assert_eq!(refusal(ApiKey::ListOffsets, 1, &topics), DecodeError::ArrayTooLong { count: 2, left: 11 });
    assert_eq!(refusal(ApiKey::Metadata, 1, &[0, 0, 0, 1, 0, 9, b'a']), DecodeError::Truncated { wanted: 9, left: 1 });
    let records = [0xff, 0xff, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0, 0x7f, 0, 0, 0, 1];
    assert_eq!(refusal(ApiKey::Produce, 3, &records), DecodeError::Truncated { wanted: 0x7f00_0000, left: 1 });
}

#[test]
fn a_varint_ends_within_32_bits() {
    assert_eq!(refusal(ApiKey::Metadata, 9, &[0x80; 8]), DecodeError::Varint);
    assert_eq!(refusal(ApiKey::Metadata, 9, &[0xff, 0xff, 0xff, 0xff, 0x1f]), DecodeError::Varint);
    assert_eq!(refusal(ApiKey::Metadata, 9, &[0x80]), DecodeError::Truncated { wanted: 1, left: 0 });
}

#[test]
fn strings_are_checked() {
    assert_eq!(refusal(ApiKey::FindCoordinator, 0, &[0, 1, 0xff]), DecodeError::Utf8);
    let mut long = vec![0x81, 0x80, 0x02];
    long.resize(40_000, b'a');
    assert_eq!(refusal(ApiKey::FindCoordinator, 3, &long), DecodeError::StringTooLong { length: 0x8000 });
}

#[test]
fn a_null_is_refused_where_the_version_has_none() {
    assert_eq!(refusal(ApiKey::Metadata, 0, &[0xff; 4]), DecodeError::Null);
    assert_eq!(refusal(ApiKey::Metadata, 1, &[0, 0, 0, 1, 0xff, 0xff]), DecodeError::Null);
    let (_, request) = decode_request(&request_frame(ApiKey::Metadata, 1, &[0xff; 4])).expect("all topics");
    assert_eq!(request, MetadataRequest { topics: None, ..Default::default() }.into());
}

#[test]
fn a_null_goes_out_as_an_empty_value_where_the_version_has_none() {
    let request = Request::from(MetadataRequest { topics: None, ..Default::default() });
    let frame = encode_request(0, 7, None, &request).to_bytes().slice(4..);
    assert_eq!(frame, request_frame(ApiKey::Metadata, 0, &[0; 4]));
}

#[test]
fn unknown_tags_are_passed_over_and_known_ones_held_to_their_size() {
    let read = |tags: &[u8]| {
        let fixed = [0; 4 + 4 + 4 + 1 + 4 + 4];
        let body = [&fixed[..], &[1, 1, 1], tags].concat();
        decode_request(&request_frame(ApiKey::Fetch, 15, &body)).map(|(_, request)| request)
    };
    let plain = read(&[0]).expect("no tags");
    assert_eq!(read(&[1, 9, 3, 1, 2, 3]).as_ref(), Ok(&plain));
    let Ok(Request::Fetch(named)) = read(&[2, 9, 0, 0, 2, 2, b'c']) else { panic!("two tags") };
    assert_eq!(named.cluster_id.as_deref(), Some("c"));
    assert_eq!(read(&[1, 0, 3, 2, b'c', 0]), Err(DecodeError::TagSize { tag: 0 }));
    assert_eq!(read(&[1, 0, 1, 2, b'c']), Err(DecodeError::Truncated { wanted: 1, left: 0 }));
    assert_eq!(read(&[1, 9, 5, 1]), Err(DecodeError::Truncated { wanted: 5, left: 1 }));
}

#[test]
fn bytes_after_the_last_field_are_passed_over() {
    let (_, request) = decode_request(&request_frame(ApiKey::ApiVersions, 0, &[1, 2, 3])).expect("as Kafka does");
    assert_eq!(request, ApiVersionsRequest::default().into());
}

#[test]
fn unknown_apis_and_versions_are_told_apart() {
    let unknown = Bytes::from_static(&[0x7f, 0, 0, 0, 0, 0, 0, 7, 0xff, 0xff]);
    assert_eq!(decode_request(&unknown), Err(DecodeError::UnknownApi { key: 0x7f00 }));
    // EndTxn is an API of Kafka's, but not of ours yet.
    assert_eq!(refusal(ApiKey::EndTxn, 0, &[]), DecodeError::UnknownApi { key: 26 });
    for version in [-1, 5, i16::MAX] {
        assert_eq!(
            refusal(ApiKey::ApiVersions, version, &[]),
            DecodeError::UnsupportedVersion { api_key: ApiKey::ApiVersions, version, correlation_id: 7 }
        );
    }
}

#[test]
fn api_versions_keeps_to_what_every_client_reads() {
    let refused = ApiVersionsResponse { error_code: ErrorCode::UNSUPPORTED_VERSION, ..Default::default() };
    let frame = encode_response(7, 0, &refused.clone().into()).to_bytes();
    assert_eq!(&frame[..], [0, 0, 0, 10, 0, 0, 0, 7, 0, 35, 0, 0, 0, 0]);
    let read = decode_response(&frame.slice(4..), ApiKey::ApiVersions, 4);
    assert_eq!(read, Ok((7, refused.into())), "though version 4 was asked for");
    // No tags in the header: the error code follows the correlation id.
    let frame = encode_response(7, 4, &ApiVersionsResponse::default().into()).to_bytes();
    assert_eq!(&frame[..], [0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn record_data_is_shared_both_ways() {
    let chunk = |byte, size| Bytes::from(vec![byte; size]);
    let (head, large, tail) = (chunk(1, 61), chunk(2, 100_000), chunk(3, 100_000));
    let records: Records = [head, large.clone(), tail.clone()].into_iter().collect();
    let partition = PartitionData { records: Some(records.clone()), ..Default::default() };
    let topic = FetchableTopicResponse { topic: "t".into(), partitions: vec![partition], ..Default::default() };
    let response = Response::from(FetchResponse { responses: vec![topic], ..Default::default() });

    let frame = encode_response(7, 12, &response);
    let addresses: Vec<_> = frame.chunks().iter().map(|chunk| chunk.as_ptr()).collect();
    assert!(addresses.contains(&large.as_ptr()), "the chunk itself");
    assert!(addresses.contains(&tail.as_ptr()), "the chunk itself");
    assert_eq!(frame.chunks().len(), 4, "what stands ahead with the small chunk, two large ones, what stands behind");

    let whole = frame.to_bytes().slice(4..);
    let (_, read) = decode_response(&whole, ApiKey::Fetch, 12).expect("our own frame");
    assert_eq!(read, response);
    let Response::Fetch(read) = read else { panic!("a Fetch response") };
    let read = read.responses[0].partitions[0].records.as_ref().expect("records").to_bytes();
    assert!(whole.as_ptr_range().contains(&read.as_ptr()), "a share of the frame");
    assert_eq!(read, records.to_bytes());
}

#[test]
fn a_string_that_is_too_long_is_cut_between_characters() {
    let message: Arc<str> = "€".repeat(20_000).into();
    let response = DescribeClusterResponse { error_message: Some(message), ..Default::default() };
    let frame = encode_response(7, 0, &response.into()).to_bytes();
    let Ok((_, Response::DescribeCluster(read))) = decode_response(&frame.slice(4..), ApiKey::DescribeCluster, 0)
    else {
        panic!("our own frame")
    };
    assert_eq!(read.error_message.as_deref(), Some("€".repeat(10_922).as_str()));
}

#[test]
fn error_codes_are_named_and_told_apart() {
    assert_eq!(format!("{:?}", ErrorCode::NOT_LEADER_OR_FOLLOWER), "NOT_LEADER_OR_FOLLOWER(6)");
    assert_eq!(ErrorCode(999).name(), "UNKNOWN_SERVER_ERROR");
    assert_eq!(ErrorCode::ALL.len(), 129 + 1, "those of 3.9, and INVALID_REGULAR_EXPRESSION of 4.0");
    let retriable = ErrorCode::ALL.iter().filter(|code| code.is_retriable()).count();
    assert_eq!(retriable, 31, "as many as in Java's client 3.9");
    assert!(ErrorCode::NONE.is_ok() && !ErrorCode::NONE.is_error());
}

#[test]
fn every_api_is_found_by_its_key() {
    for &api_key in ApiKey::ALL {
        assert_eq!(ApiKey::from_number(api_key.number()), Some(api_key));
    }
    assert_eq!(ApiKey::ALL.len(), 88);
    assert_eq!(ApiKey::from_number(-1), None);
}

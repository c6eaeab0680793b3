//! Subscriptions and assignments: against the `kafka-protocol` crate, against what Java's consumers wrote into a
//! broker's log, and what members of other versions say.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable};
use proptest::prelude::*;

use super::fields::{differences, parse};
use super::sample::{Sample, Source};
use crate::protocol::DecodeError;
use crate::protocol::consumer_protocol::*;

/// What the crate reads behind the version, and the bytes that it writes for it.
fn crate_says<T: Decodable + Encodable + std::fmt::Debug>(bytes: &Bytes, version: i16) -> (Bytes, String) {
    let mut rest = bytes.slice(2..);
    let message = T::decode(&mut rest, version).expect("the crate reads what we wrote");
    assert!(rest.is_empty(), "all of it");
    let mut again = BytesMut::from(&version.to_be_bytes()[..]);
    message.encode(&mut again, version).expect("the crate writes what it read");
    (again.freeze(), format!("{message:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn subscriptions_are_those_of_the_crate(choices in prop::collection::vec(any::<u8>(), 0..400)) {
        for version in ConsumerProtocolSubscription::VERSIONS {
            let subscription = ConsumerProtocolSubscription::sample(&mut Source::new(&choices, version));
            let bytes = subscription.to_bytes(version);
            prop_assert_eq!(ConsumerProtocolSubscription::from_bytes(&bytes), Ok(subscription.clone()));
            let (theirs, debug) = crate_says::<theirs::ConsumerProtocolSubscription>(&bytes, version);
            prop_assert_eq!(theirs, bytes);
            let found = differences(&parse(&format!("{subscription:?}")), &parse(&debug), "");
            prop_assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }

    #[test]
    fn assignments_are_those_of_the_crate(choices in prop::collection::vec(any::<u8>(), 0..400)) {
        for version in ConsumerProtocolAssignment::VERSIONS {
            let assignment = ConsumerProtocolAssignment::sample(&mut Source::new(&choices, version));
            let bytes = assignment.to_bytes(version);
            prop_assert_eq!(ConsumerProtocolAssignment::from_bytes(&bytes), Ok(assignment.clone()));
            let (theirs, debug) = crate_says::<theirs::ConsumerProtocolAssignment>(&bytes, version);
            prop_assert_eq!(theirs, bytes);
            let found = differences(&parse(&format!("{assignment:?}")), &parse(&debug), "");
            prop_assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(
        version in 0_u8..9, bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let bytes: Bytes = [&[0, version], &bytes[..]].concat().into();
        let _ = ConsumerProtocolSubscription::from_bytes(&bytes);
        let _ = ConsumerProtocolAssignment::from_bytes(&bytes);
        let _ = StickyAssignorUserData::from_bytes(&bytes);
        let _ = CooperativeStickyAssignorUserData::from_bytes(&bytes);
    }
}

fn trucks(partitions: &[i32]) -> Vec<TopicPartition> {
    vec![TopicPartition { topic: "trucks".into(), partitions: partitions.to_vec() }]
}

#[test]
fn a_newer_version_is_read_as_the_newest_known() {
    let assignment = ConsumerProtocolAssignment { assigned_partitions: trucks(&[2, 3]), user_data: None };
    let newer = [&[0, 9], &assignment.to_bytes(3)[2..], b"what a later version says"].concat().into();
    assert_eq!(ConsumerProtocolAssignment::from_bytes(&newer), Ok(assignment.clone()));
    assert_eq!(assignment.to_bytes(9), assignment.to_bytes(3));

    let subscription = ConsumerProtocolSubscription {
        topics: vec!["trucks".into()],
        user_data: Some(Bytes::from_static(&[1])),
        owned_partitions: trucks(&[0]),
        generation_id: 4,
        rack_id: Some("r1".into()),
    };
    let newer = [&[0x7f, 0xff], &subscription.to_bytes(3)[2..], &[1]].concat().into();
    assert_eq!(ConsumerProtocolSubscription::from_bytes(&newer), Ok(subscription.clone()));
    let old = ConsumerProtocolSubscription::from_bytes(&subscription.to_bytes(0));
    let generation_id = NO_GENERATION;
    let left = ConsumerProtocolSubscription { owned_partitions: vec![], generation_id, rack_id: None, ..subscription };
    assert_eq!(old, Ok(left), "version 0 knows topics and user data");
}

#[test]
fn what_has_no_version_is_an_error() {
    let below = Bytes::from_static(&[0xff, 0xff, 0, 0, 0, 0]);
    let refused = DecodeError::UnknownVersion { version: -1 };
    assert_eq!(ConsumerProtocolSubscription::from_bytes(&below), Err(refused.clone()));
    assert_eq!(ConsumerProtocolAssignment::from_bytes(&below), Err(refused));
    let truncated = DecodeError::Truncated { wanted: 2, left: 0 };
    assert_eq!(ConsumerProtocolAssignment::from_bytes(&Bytes::new()), Err(truncated));
}

#[test]
fn the_user_data_of_sticky_is_read_in_both_versions() {
    let data = StickyAssignorUserData { previous_assignment: trucks(&[0, 1]), generation: 4 };
    let bytes = data.to_bytes();
    assert_eq!(bytes, Bytes::from_static(b"\0\0\0\x01\0\x06trucks\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\x04"));
    assert_eq!(StickyAssignorUserData::from_bytes(&bytes), Ok(data.clone()));
    let old = StickyAssignorUserData::from_bytes(&bytes.slice(..bytes.len() - 4));
    assert_eq!(old, Ok(StickyAssignorUserData { generation: NO_GENERATION, ..data }));
    StickyAssignorUserData::from_bytes(&Bytes::from_static(&[0, 0, 0, 1])).expect_err("neither version");
}

#[test]
fn the_user_data_of_cooperative_sticky_is_a_generation() {
    let data = CooperativeStickyAssignorUserData { generation: 2 };
    assert_eq!(data.to_bytes(), Bytes::from_static(&[0, 0, 0, 2]), "as Java's consumer sent it");
    assert_eq!(CooperativeStickyAssignorUserData::from_bytes(&data.to_bytes()), Ok(data));
}

//! Records of `__consumer_offsets`: those that a broker of Kafka 3.9.2 (`KRaft`, the new coordinator) wrote for a
//! classic group and one of KIP-848, and values of every version as Java writes them (`MessageUtil.toByteBuffer`).

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::sample::Source;
use crate::protocol::DecodeError;
use crate::protocol::consumer_protocol::ConsumerProtocolSubscription;
use crate::protocol::group_records::*;

/// What [`KAFKA`] names its topic by.
const TRUCKS: Uuid = Uuid::from_u128(0x16e2_6810_d8b7_43f3_a08d_75b7_950e_14f3);
/// `wallboard` and the member `78un-j0aQBqnPEzCiS8jAQ`.
const MEMBER: &str = "000977616c6c626f61726400163738756e2d6a30615142716e50457a436953386a4151";

/// Key, value (none: a tombstone) and what they say.
const KAFKA: &[(&str, Option<&str>, &str)] = &[
    (
        "0001000964617368626f6172640006747275636b7300000000",
        Some("0003000000000000041200000002000968616e642d6f766572000001a1ff70e461"),
        "group dashboard: trucks-0 committed 1042, metadata 'hand-over', leader epoch 2, 18:49:11.009",
    ),
    (
        "0002000964617368626f617264",
        Some("0003000000000000ffffffff000001a1ff70a12400000000"),
        "group dashboard: Empty, generation 0",
    ),
    (
        "0002000964617368626f617264",
        Some(
            "00030008636f6e73756d6572000000030012636f6f70657261746976652d737469636b79002b646173682d312d356661376531323\
             72d306231322d343463312d383062332d656236353136373333343537000001a1ff70bafa00000002002b646173682d312d356661\
             37653132372d306231322d343463312d383062332d656236353136373333343537ffff0006646173682d31000a2f3132372e302e3\
             02e31000493e00000afc8000000340003000000010006747275636b730000000400000002000000010006747275636b7300000002\
             000000000000000100000002ffff0000001e0003000000010006747275636b73000000020000000000000001ffffffff002977616\
             c6c2d65336634393837342d316538332d343461382d623536612d386232353238363464613563000477616c6c0006646173682d32\
             000a2f3132372e302e302e31000493e00000afc8000000200003000000010006747275636b7300000004ffffffff0000000000000\
             002ffff0000001e0003000000010006747275636b73000000020000000200000003ffffffff",
        ),
        "group dashboard: Stable, generation 3, cooperative-sticky, 2 members: dash-1-5fa7 (trucks 0-1), wall (trucks \
         2-3)",
    ),
    ("0001000964617368626f6172640006747275636b7300000000", None, "group dashboard: trucks-0 deleted"),
    ("0002000964617368626f617264", None, "group dashboard: deleted"),
    ("0003000977616c6c626f617264", Some("00000000000200"), "group wallboard: epoch 2"),
    (
        "0004000977616c6c626f617264",
        Some("00000216e26810d8b743f3a08d75b7950e14f307747275636b7300000004010000"),
        "group wallboard: topics trucks (4)",
    ),
    ("0004000977616c6c626f617264", Some("00000100"), "group wallboard: topics none"),
    (
        "0005000977616c6c626f61726400166c36306a5636487353627531614a5358726170327441",
        Some("00000577616c6c0007646173682d320b2f3132372e302e302e310207747275636b7301000493e008756e69666f726d01000100"),
        "group wallboard: member l60jV6HsSbu1aJSXrap2tA of client dash-2 at /127.0.0.1 wants trucks, instance wall, \
         uniform",
    ),
    ("0006000977616c6c626f617264", Some("00000000000200"), "group wallboard: target assignment of epoch 2"),
    (
        "0007",
        Some("00000216e26810d8b743f3a08d75b7950e14f30300000000000000010000"),
        "group wallboard: target assignment of member 78un-j0aQBqnPEzCiS8jAQ is to own trucks 0-1",
    ),
    (
        "0008",
        Some(
            "00000000000100000001010216e26810d8b743f3a08d75b7950e14f3030000000000000001000216e26810d8b743f3a08d75b7950\
             e14f30300000002000000030000",
        ),
        "group wallboard: assignment of member 78un-j0aQBqnPEzCiS8jAQ has partitions to give back at epoch 1, owns \
         trucks 0-1, gives back trucks 2-3",
    ),
    (
        "0008",
        Some("0000000000020000000002010100"),
        "group wallboard: assignment of member 78un-j0aQBqnPEzCiS8jAQ waits for partitions of others at epoch 2, owns \
         nothing",
    ),
    ("0007", None, "group wallboard: target assignment of member 78un-j0aQBqnPEzCiS8jAQ deleted"),
];

fn bytes(hex: &str) -> Bytes {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// A key of [`KAFKA`]: a lone version is followed by [`MEMBER`].
fn key(hex: &str) -> Bytes {
    if hex.len() == 4 { bytes(&format!("{hex}{MEMBER}")) } else { bytes(hex) }
}

fn topic_name(id: Uuid) -> Arc<str> {
    if id == TRUCKS { "trucks".into() } else { "?".into() }
}

#[test]
fn records_of_a_broker_are_read_said_and_written_alike() {
    for (key_hex, value, text) in KAFKA {
        let (key, value) = (key(key_hex), value.map(bytes));
        let record = GroupRecord::decode(&key, value.as_ref()).expect("a record of Kafka's");
        assert_eq!(record.text(&topic_name), *text);
        assert_eq!(record.encode(), (key, value), "{text}");
    }
}

#[test]
fn a_classic_group_holds_what_its_members_said() {
    let Ok(GroupRecord::GroupMetadata { value: Some(group), .. }) =
        GroupRecord::decode(&key(KAFKA[2].0), KAFKA[2].1.map(bytes).as_ref())
    else {
        panic!("a classic group")
    };
    assert_eq!(group.leader.as_ref(), group.members.first().map(|member| &member.member_id));
    assert_eq!(group.members[1].session_timeout, 45_000);
    let said = ConsumerProtocolSubscription::from_bytes(&group.members[0].subscription).expect("a subscription");
    assert_eq!((said.generation_id, said.owned_partitions[0].partitions.as_slice()), (2, &[0, 1][..]));
}

#[test]
fn an_offset_is_read_in_every_version() {
    let java = [
        "000000000000041200046e6f74650000018bcfe56800",
        "000000000000041200046e6f74650000018bcfe568000000018bcfe6b980",
        "000000000000041200046e6f74650000018bcfe56800",
        "00000000000004120000000200046e6f74650000018bcfe56800",
        "000000000000041200000002056e6f74650000018bcfe5680000",
    ];
    for (version, java) in java.iter().enumerate() {
        let value = OffsetCommitValue {
            offset: 1042,
            leader_epoch: if version >= 3 { 2 } else { -1 },
            metadata: "note".into(),
            commit_timestamp: 1_700_000_000_000,
            expire_timestamp: if version == 1 { 1_700_000_086_400 } else { -1 },
        };
        let bytes = bytes(&format!("{version:04x}{java}"));
        let record = GroupRecord::decode(&key(KAFKA[0].0), Some(&bytes)).expect("Java's value");
        assert_eq!(record, (offset_key(), Some(value.clone())).into(), "version {version}");
        if version == usize::try_from(value.version()).unwrap() {
            assert_eq!(record.encode().1, Some(bytes), "version {version}");
        }
    }
}

fn offset_key() -> OffsetCommitKey {
    OffsetCommitKey { group: "dashboard".into(), topic: "trucks".into(), partition: 0 }
}

#[test]
fn a_classic_group_is_read_in_every_version() {
    let java = [
        "0008636f6e73756d657200000004000572616e676500036d2d310000000100036d2d3100016300022f680000afc800000001010000000\
         20203",
        "0008636f6e73756d657200000004000572616e676500036d2d310000000100036d2d3100016300022f680000ea600000afc8000000010\
         1000000020203",
        "0008636f6e73756d657200000004000572616e676500036d2d310000018bcfe568000000000100036d2d3100016300022f680000ea600\
         000afc80000000101000000020203",
        "0008636f6e73756d657200000004000572616e676500036d2d310000018bcfe568000000000100036d2d3100016900016300022f68000\
         0ea600000afc80000000101000000020203",
        "09636f6e73756d6572000000040672616e6765046d2d310000018bcfe5680002046d2d3102690263032f680000ea600000afc80201030\
         2030000",
    ];
    for (version, java) in java.iter().enumerate() {
        let member = MemberMetadata {
            member_id: "m-1".into(),
            group_instance_id: (version >= 3).then(|| "i".into()),
            client_id: "c".into(),
            client_host: "/h".into(),
            rebalance_timeout: if version >= 1 { 60_000 } else { 0 },
            session_timeout: 45_000,
            subscription: Bytes::from_static(&[1]),
            assignment: Bytes::from_static(&[2, 3]),
        };
        let value = GroupMetadataValue {
            protocol_type: "consumer".into(),
            generation: 4,
            protocol: Some("range".into()),
            leader: Some("m-1".into()),
            current_state_timestamp: if version >= 2 { 1_700_000_000_000 } else { -1 },
            members: vec![member],
        };
        let bytes = bytes(&format!("{version:04x}{java}"));
        let record = GroupRecord::decode(&key(KAFKA[1].0), Some(&bytes)).expect("Java's value");
        let key = GroupMetadataKey { group: "dashboard".into() };
        assert_eq!(record, (key, Some(value)).into(), "version {version}");
        if version == 3 {
            assert_eq!(record.encode().1, Some(bytes));
        }
    }
}

#[test]
fn a_member_says_whether_it_came_by_the_classic_protocol() {
    let java = [
        ("00", ClassicMember::default()),
        ("01000100", ClassicMember(None)),
        (
            "010011010000afc8020672616e67650301020000",
            ClassicMember(Some(ClassicMemberMetadata {
                session_timeout_ms: 45_000,
                supported_protocols: vec![ClassicProtocol {
                    name: "range".into(),
                    metadata: Bytes::from_static(&[1, 2]),
                }],
            })),
        ),
    ];
    for (tags, classic_member_metadata) in java {
        let value = ConsumerGroupMemberMetadataValue {
            rack_id: Some("r".into()),
            client_id: "c".into(),
            client_host: "/h".into(),
            subscribed_topic_names: vec!["trucks".into()],
            classic_member_metadata,
            ..Default::default()
        };
        let key = ConsumerGroupMemberMetadataKey { group_id: "g".into(), member_id: "m".into() };
        let record = GroupRecord::from((key, Some(value)));
        let (key, bytes_of_it) = record.encode();
        assert_eq!(bytes_of_it, Some(bytes(&format!("00000002720263032f680207747275636b7300ffffffff00{tags}"))));
        assert_eq!(GroupRecord::decode(&key, bytes_of_it.as_ref()), Ok(record));
    }
}

#[test]
fn the_racks_of_a_topic_are_read() {
    let key = ConsumerGroupPartitionMetadataKey { group_id: "wallboard".into() };
    let topic = TopicMetadata {
        topic_id: Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
        topic_name: "trucks".into(),
        num_partitions: 2,
        partition_metadata: vec![PartitionMetadata { partition: 1, racks: vec!["r1".into()] }],
    };
    let record = GroupRecord::from((key, Some(ConsumerGroupPartitionMetadataValue { topics: vec![topic] })));
    let java = "0000020102030405060708090a0b0c0d0e0f1007747275636b7300000002020000000102037231000000";
    assert_eq!(record.encode().1, Some(bytes(java)));
}

#[test]
fn a_pattern_says_its_topics() {
    let key = ConsumerGroupRegularExpressionKey { group_id: "g".into(), regular_expression: "tr.*".into() };
    let value =
        ConsumerGroupRegularExpressionValue { topics: vec!["trains".into(), "trucks".into()], ..Default::default() };
    let record = GroupRecord::from((key, Some(value)));
    assert_eq!(record.text(&topic_name), "group g: pattern tr.* stands for trains, trucks");
    let (key, value) = record.encode();
    assert_eq!(key, bytes("00100001670004").into_iter().chain(*b"tr.*").collect::<Bytes>());
    assert_eq!(GroupRecord::decode(&key, value.as_ref()), Ok(record));
}

#[test]
fn the_old_key_of_an_offset_is_read_and_the_newer_written() {
    let old = bytes("0000000964617368626f6172640006747275636b7300000000");
    let record = GroupRecord::decode(&old, None).expect("version 0");
    assert_eq!(record, (offset_key(), None::<OffsetCommitValue>).into());
    assert_eq!(record.encode(), (key(KAFKA[0].0), None));
}

#[test]
fn an_offset_that_expires_says_so() {
    let value = OffsetCommitValue { offset: 7, expire_timestamp: 86_400_000 + 60_000, ..Default::default() };
    let record = GroupRecord::from((offset_key(), Some(value)));
    assert_eq!(record.text(&topic_name), "group dashboard: trucks-0 committed 7, 00:00:00.000, expires 00:01:00.000");
}

#[test]
fn a_kind_that_is_not_known_is_kept_as_it_is() {
    for version in [9, 15, 17, -1] {
        let key: Bytes = [&i16::to_be_bytes(version)[..], &[1, 2, 3]].concat().into();
        let value = Bytes::from_static(&[4, 5]);
        let record = GroupRecord::decode(&key, Some(&value)).expect("a kind of another's");
        assert_eq!(record.encode(), (key, Some(value)));
        assert_eq!(record.text(&topic_name), format!("a record of kind {version}, not known here"));
    }
}

fn told(key: &Bytes, value: Option<&Bytes>) -> Told {
    Told::of(key, value, &topic_name)
}

#[test]
fn every_kind_of_record_is_told_in_full_and_so_is_its_deletion() {
    for (key_hex, value, text) in KAFKA {
        let (key, value) = (key(key_hex), value.map(bytes));
        let told = told(&key, value.as_ref());
        let number = i16::from_be_bytes([key[0], key[1]]);
        assert!(told.kind.ends_with(&format!("({number})")) && !told.kind.contains("not known"), "{told:?}");
        assert_eq!(told.line, *text);
        assert_eq!(told.parts[0].0, "group", "{told:?}");
        assert_eq!(told.parts.last().unwrap().1.contains("a tombstone"), value.is_none(), "{told:?}");
    }
}

#[test]
fn a_classic_group_is_told_with_all_that_its_members_said() {
    let (key_hex, value, _) = KAFKA[2];
    let told = told(&key(key_hex), value.map(bytes).as_ref());
    let part = |name: &str| -> Vec<&str> {
        told.parts.iter().filter(|(known, _)| *known == name).map(|(_, what)| what.as_str()).collect()
    };
    assert_eq!(told.kind, "group metadata (2)");
    assert_eq!(part("generation"), ["3"]);
    assert_eq!(part("member").len(), 2);
    assert_eq!(part("owns"), ["trucks 0-1", "trucks 2-3"]);
    assert!(
        part("member").iter().any(|member| member.ends_with("instance wall, session 45000 ms, rebalance 300000 ms"))
    );
    assert!(
        part("wants").iter().any(|wants| wants.starts_with("trucks; owned trucks 0-1 in generation 2")),
        "{told:#?}"
    );
}

#[test]
fn what_is_not_known_is_told_in_bytes_with_its_numbers() {
    let newer_kind = told(&bytes("0011000167"), Some(&bytes("0005")));
    assert_eq!(newer_kind.kind, "a kind not known here (17)");
    assert_eq!(newer_kind.line, "kind 17, not known here: 0011 0001 67 = 0005");
    assert_eq!(newer_kind.parts, [("key", "0011 0001 67".to_owned()), ("value", "0005".to_owned())]);

    let newer_value = told(&key(KAFKA[0].0), Some(&bytes("00050000")));
    assert_eq!(newer_value.line, "group dashboard: trucks-0 a value of version 5, not known here: 0005 0000");
    assert!(newer_value.parts.contains(&("topic", "trucks".to_owned())), "the key is known: {newer_value:?}");
    assert!(newer_value.parts.contains(&("value", "0005 0000".to_owned())), "{newer_value:?}");

    assert!(told(&key(KAFKA[0].0), Some(&bytes("000300"))).line.contains("damaged"));
    assert_eq!(told(&bytes("00"), None).line, "a key without a kind: 00");
}

#[test]
fn damage_is_an_error() {
    let key = key(KAFKA[0].0);
    let newer = Bytes::from_static(&[0, 5, 0, 0]);
    assert_eq!(GroupRecord::decode(&key, Some(&newer)), Err(DecodeError::UnknownVersion { version: 5 }));
    assert_eq!(
        GroupRecord::decode(&key, Some(&Bytes::from_static(&[0, 3, 0]))),
        Err(DecodeError::Truncated { wanted: 8, left: 1 })
    );
    assert_eq!(GroupRecord::decode(&Bytes::new(), None), Err(DecodeError::Truncated { wanted: 2, left: 0 }));
    assert_eq!(
        GroupRecord::decode(&key.slice(..key.len() - 1), None),
        Err(DecodeError::Truncated { wanted: 4, left: 3 })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_record_reads_as_it_was_written(choices in prop::collection::vec(any::<u8>(), 0..400)) {
        for (sample, versions) in SAMPLES {
            for version in versions.clone() {
                let record = sample(&mut Source::new(&choices, version));
                let (key, value) = record.encode();
                prop_assert_eq!(GroupRecord::decode(&key, value.as_ref()), Ok(record.clone()));
                prop_assert!(record.text(&topic_name).starts_with("group "));
            }
        }
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(
        kind in 0_u8..=17, key in prop::collection::vec(any::<u8>(), 0..40),
        version in 0_u8..5, value in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let key = [&[0, kind], &key[..]].concat().into();
        let value = [&[0, version], &value[..]].concat().into();
        prop_assert!(!told(&key, Some(&value)).line.is_empty() && !told(&key, None).parts.is_empty());
        if let Ok(record) = GroupRecord::decode(&key, Some(&value)) {
            let _ = record.text(&topic_name);
            let (key, value) = record.encode();
            prop_assert_eq!(GroupRecord::decode(&key, value.as_ref()), Ok(record));
        }
    }
}

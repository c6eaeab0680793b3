//! What stands in the znodes, against text that Kafka 3.9 wrote.

use super::*;

fn text(data: Vec<u8>) -> String {
    String::from_utf8(data).unwrap()
}

#[test]
fn znodes_read_as_kafka_writes_them() {
    assert_eq!(
        text(controller(BrokerId(1), 1_795_246_975_186)),
        r#"{"version":2,"brokerid":1,"timestamp":"1795246975186","kraftControllerEpoch":-1}"#
    );
    assert_eq!(
        text(broker_registration("127.0.0.1", 29092, None, 1_795_246_974_944)),
        concat!(
            r#"{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"#,
            r#""endpoints":["PLAINTEXT://127.0.0.1:29092"],"jmx_port":-1,"port":29092,"host":"127.0.0.1","#,
            r#""version":5,"timestamp":"1795246974944"}"#
        )
    );
    let state = StateNode { leader: Some(BrokerId(1)), leader_epoch: 0, controller_epoch: 1, isr: vec![BrokerId(1)] };
    let written = r#"{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]}"#;
    assert_eq!(text(super::state(&state)), written);
    assert_eq!(read_state(written.as_bytes()), Some(state));
    assert_eq!(
        text(config(&[("retention.ms".to_owned(), "1000".to_owned())].into())),
        r#"{"version":1,"config":{"retention.ms":"1000"}}"#
    );
    let topic = ConfigEntity::Topic("t".into());
    let change = r#"{"version":2,"entity_path":"topics/t"}"#;
    assert_eq!(text(config_change(&topic)), change);
    assert_eq!(read_config_change(change.as_bytes()), Some(topic));
    assert_eq!(config_change_number("config_change_0000000012"), Some(12));
}

#[test]
fn a_topic_is_its_assignment_and_its_id() {
    let written = concat!(
        r#"{"partitions":{"0":[1],"1":[1]},"topic_id":"9mlEC8qCS8yK0-TcMumsMQ","#,
        r#""adding_replicas":{},"removing_replicas":{},"version":3}"#
    );
    let node = read_topic(written.as_bytes()).unwrap();
    assert_eq!(node.partitions.len(), 2);
    assert_eq!(text(topic(&node)), written);
}

#[test]
fn a_reassignment_stands_beside_the_assignment() {
    let moving = Assignment {
        replicas: [3, 4, 1, 2].map(BrokerId).into(),
        adding: [3, 4].map(BrokerId).into(),
        removing: [1, 2].map(BrokerId).into(),
    };
    assert_eq!(moving.origin(), [1, 2].map(BrokerId));
    assert_eq!(moving.target(), [3, 4].map(BrokerId));
    let node = TopicNode { id: Uuid::from_u128(7), partitions: [(10, moving), (9, Assignment::default())].into() };
    assert_eq!(read_topic(&topic(&node)), Some(node.clone()));
    assert!(text(topic(&node)).contains(r#""adding_replicas":{"10":[3,4]}"#));
}

#[test]
fn kafka_writes_uuids_in_22_letters() {
    let id = Uuid::from_u128(0xf669_440b_ca82_4bcc_8ad3_e4dc_32e9_ac31);
    assert_eq!(uuid_to_text(id), "9mlEC8qCS8yK0-TcMumsMQ");
    assert_eq!(uuid_from_text("9mlEC8qCS8yK0-TcMumsMQ"), Some(id));
    assert_eq!(uuid_from_text("9mlEC8qCS8yK0-TcMumsM"), None);
    assert_eq!(uuid_from_text("9mlEC8qCS8yK0+TcMumsMQ"), None);
    assert_eq!(uuid_from_text(&uuid_to_text(Uuid::nil())), Some(Uuid::nil()));
}

#[test]
fn what_others_wrote_wrongly_is_no_value() {
    assert_eq!(read_state(b"{}"), None);
    assert_eq!(read_controller(b""), None);
    assert_eq!(read_controller_epoch(b"many"), None);
    assert_eq!(read_topic(b"[1]"), None);
}

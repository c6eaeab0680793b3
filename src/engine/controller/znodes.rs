//! The znodes that Kafka keeps in ZooKeeper: paths and JSON as Kafka 3.9 in ZooKeeper mode has them (`ZkData`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::engine::node::BrokerId;
use crate::engine::replica::{PartitionState, TopicPartition};

/// The persistent znodes that every broker makes sure of at its start.
pub const PERSISTENT: &[&str] = &[
    "/consumers",
    "/brokers",
    BROKERS,
    TOPICS,
    "/brokers/seqid",
    "/config",
    "/config/changes",
    "/config/topics",
    "/config/brokers",
    "/config/clients",
    "/config/users",
    "/config/ips",
    "/admin",
    DELETE_TOPICS,
    "/isr_change_notification",
    "/log_dir_event_notification",
    "/cluster",
];
/// The registrations of living brokers.
pub const BROKERS: &str = "/brokers/ids";
/// The topics with their assignments.
pub const TOPICS: &str = "/brokers/topics";
/// The controller: ephemeral.
pub const CONTROLLER: &str = "/controller";
/// How many controllers there have been.
pub const CONTROLLER_EPOCH: &str = "/controller_epoch";
/// The topics to be deleted.
pub const DELETE_TOPICS: &str = "/admin/delete_topics";
/// The cluster's id.
pub const CLUSTER_ID: &str = "/cluster/id";

/// `/brokers/ids/N`.
pub fn broker_path(id: BrokerId) -> String {
    format!("{BROKERS}/{}", id.0)
}

/// `/brokers/topics/T`.
pub fn topic_path(topic: &str) -> String {
    format!("{TOPICS}/{topic}")
}

/// `/brokers/topics/T/partitions`.
pub fn partitions_path(topic: &str) -> String {
    format!("{TOPICS}/{topic}/partitions")
}

/// `/brokers/topics/T/partitions/P`.
pub fn partition_path(id: &TopicPartition) -> String {
    format!("{TOPICS}/{}/partitions/{}", id.topic, id.partition)
}

/// `/brokers/topics/T/partitions/P/state`.
pub fn state_path(id: &TopicPartition) -> String {
    format!("{}/state", partition_path(id))
}

/// `/config/topics/T`.
pub fn topic_config_path(topic: &str) -> String {
    format!("/config/topics/{topic}")
}

/// `/admin/delete_topics/T`.
pub fn delete_topic_path(topic: &str) -> String {
    format!("{DELETE_TOPICS}/{topic}")
}

/// The topic that a path below `/brokers/topics` names.
pub fn topic_of(path: &str) -> Option<&str> {
    path.strip_prefix(TOPICS)?.strip_prefix('/').filter(|topic| !topic.contains('/'))
}

/// `/cluster/id`: 16 random bytes in base64, as Kafka makes them.
pub fn cluster_id(id: Uuid) -> String {
    json!({"version": "1", "id": base64(id)}).to_string()
}

/// The id in `/cluster/id`.
pub fn read_cluster_id(data: &[u8]) -> Option<String> {
    parse(data)?.get("id")?.as_str().map(str::to_owned)
}

/// `/brokers/ids/N`.
pub fn broker_registration(host: &str, port: u16, rack: Option<&str>, date_ms: i64) -> String {
    let mut info = json!({
        "features": {}, "listener_security_protocol_map": {"PLAINTEXT": "PLAINTEXT"},
        "endpoints": [format!("PLAINTEXT://{host}:{port}")], "jmx_port": -1, "port": port, "host": host,
        "version": 5, "timestamp": date_ms.to_string(),
    });
    if let (Some(rack), Some(fields)) = (rack, info.as_object_mut()) {
        fields.insert("rack".into(), rack.into());
    }
    info.to_string()
}

/// Host, port and rack of a registration.
pub fn read_registration(data: &[u8]) -> Option<(Arc<str>, u16, Option<Arc<str>>)> {
    let info = parse(data)?;
    let host = info.get("host")?.as_str()?.into();
    let port = u16::try_from(info.get("port")?.as_u64()?).ok()?;
    Some((host, port, info.get("rack").and_then(Value::as_str).map(Arc::from)))
}

/// `/controller`.
pub fn controller(id: BrokerId, date_ms: i64) -> String {
    json!({"version": 2, "brokerid": id.0, "timestamp": date_ms.to_string(), "kraftControllerEpoch": -1}).to_string()
}

/// The broker that `/controller` names.
pub fn read_controller(data: &[u8]) -> Option<BrokerId> {
    number(parse(data)?.get("brokerid")?).map(BrokerId)
}

/// A topic's assignment: what `/brokers/topics/T` holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The topic's id.
    pub topic_id: Uuid,
    /// The replicas of each partition, the preferred leader first.
    pub partitions: BTreeMap<i32, Vec<BrokerId>>,
    /// Replicas being added, where a reassignment is under way.
    pub adding: BTreeMap<i32, Vec<BrokerId>>,
    /// Replicas being removed.
    pub removing: BTreeMap<i32, Vec<BrokerId>>,
}

/// `/brokers/topics/T`, version 3.
pub fn assignment(topic: &Assignment) -> String {
    let replicas = |by_partition: &BTreeMap<i32, Vec<BrokerId>>| -> Value {
        let row = |(partition, ids): (&i32, &Vec<BrokerId>)| {
            (partition.to_string(), ids.iter().map(|id| Value::from(id.0)).collect::<Value>())
        };
        Value::Object(by_partition.iter().map(row).collect::<Map<_, _>>())
    };
    json!({
        "removing_replicas": replicas(&topic.removing), "partitions": replicas(&topic.partitions),
        "topic_id": base64(topic.topic_id), "adding_replicas": replicas(&topic.adding), "version": 3,
    })
    .to_string()
}

/// What `/brokers/topics/T` holds.
pub fn read_assignment(data: &[u8]) -> Option<Assignment> {
    let topic = parse(data)?;
    let replicas = |field: &str| -> BTreeMap<i32, Vec<BrokerId>> {
        let rows = topic.get(field).and_then(Value::as_object);
        rows.into_iter()
            .flatten()
            .filter_map(|(partition, ids)| Some((partition.parse().ok()?, brokers(ids))))
            .collect()
    };
    Some(Assignment {
        topic_id: topic.get("topic_id").and_then(Value::as_str).and_then(read_base64).unwrap_or_default(),
        partitions: replicas("partitions"),
        adding: replicas("adding_replicas"),
        removing: replicas("removing_replicas"),
    })
}

/// `/brokers/topics/T/partitions/P/state`.
pub fn state(state: &PartitionState, controller_epoch: i32) -> String {
    let isr: Vec<i32> = state.isr.iter().map(|id| id.0).collect();
    json!({
        "controller_epoch": controller_epoch, "leader": state.leader.map_or(-1, |id| id.0), "version": 1,
        "leader_epoch": state.leader_epoch, "isr": isr,
    })
    .to_string()
}

/// What a state znode holds: leader, leader epoch, in-sync set. The rest of the state is not in it.
pub fn read_state(data: &[u8]) -> Option<PartitionState> {
    let state = parse(data)?;
    Some(PartitionState {
        leader: number(state.get("leader")?).filter(|id| *id >= 0).map(BrokerId),
        leader_epoch: number(state.get("leader_epoch")?)?,
        isr: brokers(state.get("isr")?),
        ..PartitionState::default()
    })
}

/// `/config/topics/T`: the settings that the topic has of its own.
pub fn config(settings: &BTreeMap<String, String>) -> String {
    json!({"version": 1, "config": settings}).to_string()
}

/// The settings in `/config/topics/T`.
pub fn read_config(data: &[u8]) -> BTreeMap<String, String> {
    let parsed = parse(data);
    let rows = parsed.as_ref().and_then(|config| config.get("config")?.as_object());
    rows.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

fn parse(data: &[u8]) -> Option<Value> {
    serde_json::from_slice(data).ok()
}

fn number(value: &Value) -> Option<i32> {
    i32::try_from(value.as_i64()?).ok()
}

fn brokers(ids: &Value) -> Vec<BrokerId> {
    ids.as_array().into_iter().flatten().filter_map(number).map(BrokerId).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 22 characters of URL-safe base64 without padding: how Kafka writes a `Uuid`.
pub fn base64(id: Uuid) -> String {
    let bits = id.as_u128();
    // 128 bits are 21 characters of 6 bits and one of 2, which is filled up with zeros.
    let sextet = |at: u32| if at < 21 { (bits >> (122 - 6 * at)) & 0x3f } else { (bits << 4) & 0x3f };
    (0..22)
        .filter_map(|at| usize::try_from(sextet(at)).ok())
        .filter_map(|index| ALPHABET.get(index))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Reads what [`base64`] writes.
pub fn read_base64(text: &str) -> Option<Uuid> {
    if text.len() != 22 {
        return None;
    }
    let digit = |byte: u8| ALPHABET.iter().position(|known| *known == byte).and_then(|at| u128::try_from(at).ok());
    let mut bits = 0_u128;
    for (at, byte) in text.bytes().enumerate() {
        let sextet = digit(byte)?;
        bits = if at < 21 { (bits << 6) | sextet } else { (bits << 2) | (sextet >> 4) };
    }
    Some(Uuid::from_u128(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_kafka_writes_them() {
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(base64(id), "ASNFZ4mrze8BI0VniavN7w");
        assert_eq!(read_base64(&base64(id)), Some(id));
        assert_eq!(read_base64("short"), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let topic = Assignment {
            topic_id: Uuid::from_u128(7),
            partitions: [(0, vec![BrokerId(1), BrokerId(2)])].into(),
            adding: [(0, vec![BrokerId(2)])].into(),
            ..Assignment::default()
        };
        assert_eq!(read_assignment(assignment(&topic).as_bytes()), Some(topic));
        let written = PartitionState { leader: Some(BrokerId(3)), leader_epoch: 4, isr: vec![BrokerId(3)], ..Default::default() };
        assert_eq!(read_state(state(&written, 2).as_bytes()), Some(written));
        let leaderless = PartitionState { isr: vec![BrokerId(1)], ..Default::default() };
        assert_eq!(read_state(state(&leaderless, 2).as_bytes()), Some(leaderless));
        let info = broker_registration("localhost", 9092, Some("r1"), 5);
        assert_eq!(read_registration(info.as_bytes()), Some(("localhost".into(), 9092, Some("r1".into()))));
        assert_eq!(read_state(b"{"), None);
        assert_eq!(topic_of("/brokers/topics/a"), Some("a"));
        assert_eq!(topic_of("/brokers/topics"), None);
    }
}

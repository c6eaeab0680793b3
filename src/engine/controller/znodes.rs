//! Kafka's znodes: their paths, and what stands in them, as Kafka 3.9 in ZooKeeper mode writes it (`kafka.zk.ZkData`).
//!
//! Only paths and JSON, in both directions. What does not read back is `None`: another program may write znodes too.
//! The order of the members is Kafka's own, so that a person who compares the two finds the same text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::engine::entity::ConfigEntity;
use crate::engine::node::BrokerId;

/// The persistent znodes that every broker makes sure of when it starts, parents first (deviation: no-feature-znode).
pub const PERSISTENT: &[&str] = &[
    "/consumers",
    "/brokers",
    BROKER_IDS,
    TOPICS,
    "/brokers/seqid",
    "/config",
    CONFIG_CHANGES,
    TOPIC_CONFIGS,
    "/config/clients",
    "/config/users",
    "/config/brokers",
    "/config/ips",
    "/admin",
    DELETE_TOPICS,
    "/isr_change_notification",
    "/latest_producer_id_block",
    LOG_DIR_EVENTS,
    "/cluster",
];

/// The cluster's id.
pub const CLUSTER_ID: &str = "/cluster/id";
/// The controller's claim: ephemeral.
pub const CONTROLLER: &str = "/controller";
/// How many controllers there have been. Its version guards all writes of a controller.
pub const CONTROLLER_EPOCH: &str = "/controller_epoch";
/// One ephemeral child per registered broker.
pub const BROKER_IDS: &str = "/brokers/ids";
/// One child per topic.
pub const TOPICS: &str = "/brokers/topics";
/// One child per topic with settings of its own.
pub const TOPIC_CONFIGS: &str = "/config/topics";
/// One sequential child per change of settings, which brokers watch; old ones are deleted.
pub const CONFIG_CHANGES: &str = "/config/changes";
/// How the children of [`CONFIG_CHANGES`] begin; their number follows.
pub const CONFIG_CHANGE_PREFIX: &str = "config_change_";
/// One child per topic that is to be deleted.
pub const DELETE_TOPICS: &str = "/admin/delete_topics";
/// Reassignments asked for in the old way; deleted when all are done.
pub const REASSIGN_PARTITIONS: &str = "/admin/reassign_partitions";
/// One sequential child per log directory that failed; deleted by the controller that has seen to it.
pub const LOG_DIR_EVENTS: &str = "/log_dir_event_notification";
/// The name of such a child, which its number follows.
pub const LOG_DIR_EVENT: &str = "/log_dir_event_notification/log_dir_event_";
/// Preferred elections asked for in the old way; deleted when done.
pub const PREFERRED_ELECTION: &str = "/admin/preferred_replica_election";

/// The registration of a broker.
pub fn broker_path(id: BrokerId) -> String {
    format!("{BROKER_IDS}/{}", id.0)
}

/// The assignment of a topic.
pub fn topic_path(topic: &str) -> String {
    format!("{TOPICS}/{topic}")
}

/// The parent of a topic's partitions.
pub fn partitions_path(topic: &str) -> String {
    format!("{TOPICS}/{topic}/partitions")
}

/// The parent of a partition's state.
pub fn partition_path(topic: &str, partition: i32) -> String {
    format!("{TOPICS}/{topic}/partitions/{partition}")
}

/// Leader and in-sync replicas of a partition.
pub fn state_path(topic: &str, partition: i32) -> String {
    format!("{TOPICS}/{topic}/partitions/{partition}/state")
}

/// The settings of a topic.
pub fn topic_config_path(topic: &str) -> String {
    format!("{TOPIC_CONFIGS}/{topic}")
}

/// The wish to delete a topic.
pub fn delete_topic_path(topic: &str) -> String {
    format!("{DELETE_TOPICS}/{topic}")
}

fn write(value: &impl Serialize) -> Vec<u8> {
    // Strings, numbers, lists and maps with text for keys: writing them down cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Option<T> {
    serde_json::from_slice(data).ok()
}

#[derive(Serialize, Deserialize)]
struct ClusterIdNode {
    version: String,
    id: String,
}

/// The data of [`CLUSTER_ID`]: a random id, written as Kafka writes UUIDs.
pub fn cluster_id(id: Uuid) -> Vec<u8> {
    write(&ClusterIdNode { version: "1".to_owned(), id: uuid_to_text(id) })
}

#[derive(Serialize, Deserialize)]
struct LogDirEventNode {
    version: i32,
    broker: i32,
    event: i32,
}

/// What a failed log directory is told by: `LogDirFailureEvent`, the only kind that there is.
const LOG_DIR_FAILURE: i32 = 1;

/// The data of a child of [`LOG_DIR_EVENTS`].
pub fn log_dir_failure(broker: BrokerId) -> Vec<u8> {
    write(&LogDirEventNode { version: 1, broker: broker.0, event: LOG_DIR_FAILURE })
}

/// Reads a child of [`LOG_DIR_EVENTS`]: whose log directory failed.
pub fn read_log_dir_failure(data: &[u8]) -> Option<BrokerId> {
    let node: LogDirEventNode = read(data)?;
    (node.event == LOG_DIR_FAILURE).then_some(BrokerId(node.broker))
}

/// Reads [`CLUSTER_ID`].
pub fn read_cluster_id(data: &[u8]) -> Option<String> {
    read(data).map(|node: ClusterIdNode| node.id)
}

#[derive(Serialize, Deserialize)]
struct ControllerNode {
    version: i32,
    brokerid: i32,
    timestamp: String,
    #[serde(rename = "kraftControllerEpoch", default)]
    kraft_controller_epoch: i32,
}

/// The data of [`CONTROLLER`]. `now_ms` is a lab date.
pub fn controller(id: BrokerId, now_ms: i64) -> Vec<u8> {
    write(&ControllerNode { version: 2, brokerid: id.0, timestamp: now_ms.to_string(), kraft_controller_epoch: -1 })
}

/// Reads [`CONTROLLER`]: the controller's broker id.
pub fn read_controller(data: &[u8]) -> Option<BrokerId> {
    read(data).map(|node: ControllerNode| BrokerId(node.brokerid))
}

/// The data of [`CONTROLLER_EPOCH`]: the number alone.
pub fn controller_epoch(epoch: i32) -> Vec<u8> {
    epoch.to_string().into_bytes()
}

/// Reads [`CONTROLLER_EPOCH`].
pub fn read_controller_epoch(data: &[u8]) -> Option<i32> {
    std::str::from_utf8(data).ok()?.trim().parse().ok()
}

/// What a broker says of itself in its registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The host that clients are told.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// `broker.rack`, if it has one.
    pub rack: Option<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct BrokerNode {
    #[serde(default)]
    features: BTreeMap<String, BTreeMap<String, i32>>,
    #[serde(default)]
    listener_security_protocol_map: BTreeMap<String, String>,
    endpoints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rack: Option<String>,
    jmx_port: i32,
    port: u16,
    host: String,
    version: i32,
    timestamp: String,
}

/// The data of a broker's registration. `now_ms` is a lab date.
pub fn broker_registration(host: &str, port: u16, rack: Option<&str>, now_ms: i64) -> Vec<u8> {
    let host_and_port = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    write(&BrokerNode {
        features: BTreeMap::new(),
        listener_security_protocol_map: [("PLAINTEXT".to_owned(), "PLAINTEXT".to_owned())].into(),
        endpoints: vec![format!("PLAINTEXT://{host_and_port}")],
        rack: rack.map(str::to_owned),
        jmx_port: -1,
        port,
        host: host.to_owned(),
        version: 5,
        timestamp: now_ms.to_string(),
    })
}

/// Reads a broker's registration.
pub fn read_broker_registration(data: &[u8]) -> Option<Registration> {
    let node: BrokerNode = read(data)?;
    Some(Registration { host: node.host.into(), port: node.port, rack: node.rack.map(Arc::from) })
}

/// The replicas of a partition (`ReplicaAssignment`).
///
/// While it is being reassigned, `replicas` holds all: those that stay, those that come and those that go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// All replicas, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Those that a reassignment adds.
    pub adding: Vec<BrokerId>,
    /// Those that it removes.
    pub removing: Vec<BrokerId>,
}

impl Assignment {
    /// An assignment at rest.
    pub fn of(replicas: Vec<BrokerId>) -> Self {
        Self { replicas, ..Self::default() }
    }

    /// Whether it is being reassigned.
    pub fn is_moving(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// What it was before the reassignment.
    pub fn origin(&self) -> Vec<BrokerId> {
        self.replicas.iter().copied().filter(|id| !self.adding.contains(id)).collect()
    }

    /// What it is to become.
    pub fn target(&self) -> Vec<BrokerId> {
        self.replicas.iter().copied().filter(|id| !self.removing.contains(id)).collect()
    }
}

/// The assignment of a topic: what stands in its znode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicNode {
    /// The topic's id; nil in what an older Kafka wrote.
    pub id: Uuid,
    /// By partition.
    pub partitions: BTreeMap<i32, Assignment>,
}

#[derive(Serialize, Deserialize)]
struct TopicJson {
    partitions: BTreeMap<i32, Vec<i32>>,
    #[serde(default)]
    topic_id: Option<String>,
    #[serde(default)]
    adding_replicas: BTreeMap<i32, Vec<i32>>,
    #[serde(default)]
    removing_replicas: BTreeMap<i32, Vec<i32>>,
    version: i32,
}

fn numbers(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}

fn ids(numbers: &[i32]) -> Vec<BrokerId> {
    numbers.iter().copied().map(BrokerId).collect()
}

/// The data of a topic's znode.
pub fn topic(node: &TopicNode) -> Vec<u8> {
    let moving = |of: fn(&Assignment) -> &Vec<BrokerId>| {
        let some = node.partitions.iter().filter(|(_, assignment)| !of(assignment).is_empty());
        some.map(|(partition, assignment)| (*partition, numbers(of(assignment)))).collect()
    };
    write(&TopicJson {
        partitions: node.partitions.iter().map(|(partition, a)| (*partition, numbers(&a.replicas))).collect(),
        topic_id: Some(uuid_to_text(node.id)),
        adding_replicas: moving(|assignment| &assignment.adding),
        removing_replicas: moving(|assignment| &assignment.removing),
        version: 3,
    })
}

/// Reads a topic's znode.
pub fn read_topic(data: &[u8]) -> Option<TopicNode> {
    let json: TopicJson = read(data)?;
    let of = |map: &BTreeMap<i32, Vec<i32>>, partition: i32| map.get(&partition).map(|list| ids(list));
    let partitions = json
        .partitions
        .iter()
        .map(|(partition, replicas)| {
            let assignment = Assignment {
                replicas: ids(replicas),
                adding: of(&json.adding_replicas, *partition).unwrap_or_default(),
                removing: of(&json.removing_replicas, *partition).unwrap_or_default(),
            };
            (*partition, assignment)
        })
        .collect();
    Some(TopicNode { id: json.topic_id.as_deref().and_then(uuid_from_text).unwrap_or_default(), partitions })
}

/// Who leads a partition and who is in sync: what stands in its state's znode (`LeaderAndIsr`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateNode {
    /// The leader, or none.
    pub leader: Option<BrokerId>,
    /// Up by one with each election.
    pub leader_epoch: i32,
    /// The epoch of the controller that wrote it.
    pub controller_epoch: i32,
    /// The in-sync replicas: never empty.
    pub isr: Vec<BrokerId>,
}

#[derive(Serialize, Deserialize)]
struct StateJson {
    controller_epoch: i32,
    leader: i32,
    version: i32,
    leader_epoch: i32,
    isr: Vec<i32>,
}

/// The data of a partition's state.
pub fn state(node: &StateNode) -> Vec<u8> {
    write(&StateJson {
        controller_epoch: node.controller_epoch,
        leader: node.leader.map_or(-1, |id| id.0),
        version: 1,
        leader_epoch: node.leader_epoch,
        isr: numbers(&node.isr),
    })
}

/// Reads a partition's state.
pub fn read_state(data: &[u8]) -> Option<StateNode> {
    let json: StateJson = read(data)?;
    Some(StateNode {
        leader: (json.leader >= 0).then_some(BrokerId(json.leader)),
        leader_epoch: json.leader_epoch,
        controller_epoch: json.controller_epoch,
        isr: ids(&json.isr),
    })
}

#[derive(Serialize, Deserialize)]
struct ConfigJson {
    version: i32,
    config: BTreeMap<String, String>,
}

/// The data of the settings of a topic or a broker: only those that were set on it.
pub fn config(config: &BTreeMap<String, String>) -> Vec<u8> {
    write(&ConfigJson { version: 1, config: config.clone() })
}

/// Reads the settings of a topic or a broker: none where there is nothing to read.
pub fn read_config(data: &[u8]) -> BTreeMap<String, String> {
    read(data).map(|json: ConfigJson| json.config).unwrap_or_default()
}

#[derive(Serialize, Deserialize)]
struct ConfigChangeJson {
    version: i32,
    entity_path: String,
}

/// The data of a notification that the settings of `entity` have changed.
pub fn config_change(entity: &ConfigEntity) -> Vec<u8> {
    write(&ConfigChangeJson { version: 2, entity_path: entity.relative_path() })
}

/// Reads a notification: whose settings have changed.
pub fn read_config_change(data: &[u8]) -> Option<ConfigEntity> {
    ConfigEntity::from_relative_path(&read::<ConfigChangeJson>(data)?.entity_path)
}

/// The number of a notification, by its name.
pub fn config_change_number(name: &str) -> Option<i64> {
    name.strip_prefix(CONFIG_CHANGE_PREFIX)?.parse().ok()
}

#[derive(Serialize, Deserialize)]
struct PartitionJson {
    topic: String,
    partition: i32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    replicas: Option<Vec<i32>>,
}

#[derive(Serialize, Deserialize)]
struct PartitionsJson {
    version: i32,
    partitions: Vec<PartitionJson>,
}

/// Reads [`REASSIGN_PARTITIONS`]: topic, partition, and where it is to go.
pub fn read_reassignments(data: &[u8]) -> Option<Vec<(String, i32, Vec<BrokerId>)>> {
    let json: PartitionsJson = read(data)?;
    let one = |p: PartitionJson| (p.topic, p.partition, ids(&p.replicas.unwrap_or_default()));
    Some(json.partitions.into_iter().map(one).collect())
}

/// Reads [`PREFERRED_ELECTION`]: topic and partition.
pub fn read_preferred_election(data: &[u8]) -> Option<Vec<(String, i32)>> {
    let json: PartitionsJson = read(data)?;
    Some(json.partitions.into_iter().map(|p| (p.topic, p.partition)).collect())
}

/// The alphabet of Kafka's UUIDs: base64 for URLs (RFC 4648, section 5), without padding.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A UUID as Kafka writes it: 22 characters.
pub fn uuid_to_text(id: Uuid) -> String {
    let bits = id.as_u128();
    // 21 groups of six bits, and the last two bits with four zeros behind them.
    let group = |index: u32| if index < 21 { bits >> (122 - 6 * index) } else { bits << 4 } & 0x3f;
    (0..22).filter_map(|index| BASE64.get(usize::try_from(group(index)).ok()?).copied()).map(char::from).collect()
}

/// Reads a UUID in Kafka's writing.
pub fn uuid_from_text(text: &str) -> Option<Uuid> {
    let mut bits = 0_u128;
    let groups =
        text.bytes().map(|byte| BASE64.iter().position(|letter| *letter == byte)).collect::<Option<Vec<_>>>()?;
    let (last, first) = groups.split_last()?;
    if first.len() != 21 {
        return None;
    }
    for group in first {
        bits = (bits << 6) | u128::try_from(*group).ok()?;
    }
    Some(Uuid::from_u128((bits << 2) | (u128::try_from(*last).ok()? >> 4)))
}

#[cfg(test)]
mod tests;

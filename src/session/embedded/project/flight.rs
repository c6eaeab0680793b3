//! Messages on their way: what kind, about what, in a few words.

use std::sync::Arc;

use super::events::node_ref;
use crate::engine::cluster::Cluster;
use crate::engine::message::{Message, Payload};
use crate::engine::node::NodeId;
use crate::engine::zk::message::{ClientMessage, ServerMessage};
use crate::protocol::records::{self, BatchReader};
use crate::protocol::{ApiKey, Records, Request, Response};
use crate::session::event::NodeRef;
use crate::session::snapshot::{InFlight, MessageKind, Snapshot, TopicPartition};

/// Keys are looked for in batches up to this size: a message on a screen is not worth decompressing megabytes for.
const LOOK_INTO_BYTES: usize = 64 * 1024;

/// The longest key that is shown.
const KEY_CHARS: usize = 40;

pub(super) fn project(cluster: &Cluster) -> Vec<InFlight> {
    cluster.in_flight().take(Snapshot::MAX_IN_FLIGHT).map(|message| in_flight(cluster, message)).collect()
}

/// The message that arrives next in a line: who sends it to whom, what it is, what it is about; empty where none is under
/// way.
pub(in crate::session::embedded) fn told_next(cluster: &Cluster) -> Arc<str> {
    let Some(message) = cluster.in_flight().next() else { return Arc::default() };
    let InFlight { kind, from, to, name, partition, partitions, records, offset, text, .. } =
        in_flight(cluster, message);
    let what = partition.map_or_else(String::new, |at| {
        let more = if partitions > 1 { format!(" and {} more", partitions - 1) } else { String::new() };
        format!(" of {}-{}{more}", at.topic, at.partition)
    });
    let carries = match (records, offset) {
        (0, Some(offset)) if kind == MessageKind::ProduceAck => format!(", at offset {offset}"),
        (0, Some(offset)) => format!(", from offset {offset}"),
        (0, None) => String::new(),
        (1, _) => ", 1 record".to_owned(),
        (n, _) => format!(", {n} records"),
    };
    let says = if text.is_empty() { String::new() } else { format!(", {text}") };
    format!("{} → {}: {name}{what}{carries}{says}", named(&from), named(&to)).into()
}

/// A node by its name.
fn named(node: &NodeRef) -> String {
    match node {
        NodeRef::Operator => "the operator".to_owned(),
        NodeRef::Zk(id) => format!("zk-{id}"),
        NodeRef::Broker(id) => format!("broker-{id}"),
        NodeRef::Producer(_, name) | NodeRef::Consumer(_, name) | NodeRef::Outside(name) => name.to_string(),
    }
}

fn in_flight(cluster: &Cluster, message: &Message) -> InFlight {
    let about = About::of(&message.payload);
    let name = match &message.payload {
        Payload::Response(_) => format!("{} answer", message.payload.name()).into(),
        payload => Arc::from(payload.name()),
    };
    InFlight {
        id: message.id,
        kind: kind(message),
        name,
        from: node_ref(cluster, message.from),
        to: node_ref(cluster, message.to),
        sent_us: message.sent.0,
        due_us: message.due.0,
        partition: about.partition,
        partitions: about.partitions,
        records: about.records,
        key: about.key,
        offset: about.offset,
        text: about.text,
    }
}

fn kind(message: &Message) -> MessageKind {
    let of_broker = |node: NodeId| matches!(node, NodeId::Broker(_));
    match &message.payload {
        Payload::Request(request) => match request.request.api_key() {
            ApiKey::Produce => MessageKind::Produce,
            ApiKey::Fetch if of_broker(message.from) => MessageKind::ReplicaFetch,
            ApiKey::Fetch => MessageKind::ConsumerFetch,
            key => other(key, of_broker(message.from)),
        },
        Payload::Response(response) => match response.response.api_key() {
            ApiKey::Produce => MessageKind::ProduceAck,
            ApiKey::Fetch if of_broker(message.to) => MessageKind::ReplicaRecords,
            ApiKey::Fetch => MessageKind::ConsumerRecords,
            key => other(key, of_broker(message.to)),
        },
        Payload::Zk(ClientMessage::Ping) | Payload::ZkReply(ServerMessage::Pong) => MessageKind::Ping,
        Payload::ZkPeer(message) if message.is_ping() => MessageKind::Ping,
        Payload::Zk(_) | Payload::ZkReply(_) | Payload::ZkPeer(_) => MessageKind::ZooKeeper,
        Payload::Closed { .. } if of_broker(message.to) => MessageKind::Control,
        Payload::Closed { .. } => MessageKind::Client,
    }
}

fn other(key: ApiKey, between_brokers: bool) -> MessageKind {
    match key {
        ApiKey::LeaderAndIsr
        | ApiKey::StopReplica
        | ApiKey::UpdateMetadata
        | ApiKey::ControlledShutdown
        | ApiKey::AlterPartition => MessageKind::Control,
        ApiKey::OffsetForLeaderEpoch | ApiKey::ListOffsets if between_brokers => MessageKind::ReplicaFetch,
        _ => MessageKind::Client,
    }
}

/// Which group a request is about, and what it says of it.
fn of_group(request: &Request) -> Arc<str> {
    let words = match request {
        Request::JoinGroup(request) => format!("into {}", request.group_id),
        Request::SyncGroup(request) if request.assignments.is_empty() => {
            format!("of {}, generation {}", request.group_id, request.generation_id)
        }
        Request::SyncGroup(request) => {
            let shares = request.assignments.len();
            format!("of {}, generation {}: shares of {shares} members", request.group_id, request.generation_id)
        }
        Request::Heartbeat(request) => format!("in {}, generation {}", request.group_id, request.generation_id),
        Request::LeaveGroup(request) => format!("from {}", request.group_id),
        Request::OffsetCommit(request) => format!("of {}", request.group_id),
        Request::ConsumerGroupHeartbeat(request) => {
            format!("in {}, epoch {}", request.group_id, request.member_epoch)
        }
        _ => return Arc::default(),
    };
    words.into()
}

/// What a message is about.
struct About {
    partition: Option<TopicPartition>,
    partitions: u32,
    records: u32,
    key: Option<Arc<str>>,
    offset: Option<i64>,
    text: Arc<str>,
}

impl Default for About {
    fn default() -> Self {
        Self { partition: None, partitions: 0, records: 0, key: None, offset: None, text: "".into() }
    }
}

impl About {
    fn of(payload: &Payload) -> Self {
        match payload {
            Payload::Request(request) => Self::request(&request.request),
            Payload::Response(response) => Self::response(&response.response),
            Payload::Closed { .. } => Self { text: "the connection is closed".into(), ..Self::default() },
            Payload::Zk(_) | Payload::ZkReply(_) | Payload::ZkPeer(_) => Self::default(),
        }
    }

    fn request(request: &Request) -> Self {
        let mut about = Self::default();
        match request {
            Request::Produce(request) => {
                for topic in &request.topic_data {
                    for data in &topic.partition_data {
                        about.add(&topic.name, data.index, None);
                        about.take(data.records.as_ref());
                    }
                }
                about.text =
                    format!("acks={}", if request.acks == -1 { "all".into() } else { request.acks.to_string() }).into();
            }
            Request::Fetch(request) => {
                for topic in &request.topics {
                    for partition in &topic.partitions {
                        about.add(&topic.topic, partition.partition, Some(partition.fetch_offset));
                    }
                }
            }
            Request::LeaderAndIsr(request) => {
                for topic in &request.topic_states {
                    for state in &topic.partition_states {
                        about.add(&topic.topic_name, state.partition_index, None);
                    }
                }
                about.text = format!("{} partitions", about.partitions).into();
            }
            Request::UpdateMetadata(request) => {
                for topic in &request.topic_states {
                    for state in &topic.partition_states {
                        about.add(&topic.topic_name, state.partition_index, None);
                    }
                }
                about.text = format!("{} brokers live", request.live_brokers.len()).into();
            }
            request => about.text = of_group(request),
        }
        about
    }

    fn response(response: &Response) -> Self {
        let mut about = Self::default();
        match response {
            Response::Produce(response) => {
                for topic in &response.responses {
                    for answer in &topic.partition_responses {
                        about.add(&topic.name, answer.index, Some(answer.base_offset));
                        if answer.error_code.is_error() {
                            about.text = answer.error_code.name().into();
                        }
                    }
                }
            }
            Response::Fetch(response) => {
                for topic in &response.responses {
                    for data in &topic.partitions {
                        about.add(&topic.topic, data.partition_index, None);
                        about.take(data.records.as_ref());
                        if data.error_code.is_error() {
                            about.text = data.error_code.name().into();
                        }
                    }
                }
            }
            _ => {}
        }
        about
    }

    fn add(&mut self, topic: &Arc<str>, partition: i32, offset: Option<i64>) {
        self.partitions += 1;
        if self.partition.is_none() && !topic.is_empty() {
            self.partition = Some(TopicPartition { topic: Arc::clone(topic), partition });
            self.offset = offset;
        }
    }

    /// Counts the records, and looks for the first one's key.
    fn take(&mut self, records: Option<&Records>) {
        let Some(records) = records else { return };
        for (header, body) in BatchReader::new(records).flatten() {
            let before = self.records;
            self.records += u32::try_from(header.record_count).unwrap_or(0);
            if before == 0 {
                self.offset = self.offset.or(Some(header.base_offset));
            }
            if self.key.is_none() && body.len() <= LOOK_INTO_BYTES {
                let first = records::records_of(&header, &body).ok().and_then(|records| records.into_iter().next());
                let key = first.and_then(|record| record.key);
                self.key =
                    key.map(|key| String::from_utf8_lossy(&key).chars().take(KEY_CHARS).collect::<String>().into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::told_next;
    use crate::session::embedded::options::LabOptions;
    use crate::session::embedded::stepped::Stepped;

    #[test]
    fn the_message_that_arrives_next_is_told_by_who_sends_it_to_whom_and_what_it_is() {
        let mut lab = Stepped::new(&LabOptions::new(false), 1_767_225_600_000);
        lab.pass(Duration::from_secs(7));
        let mut told = std::collections::BTreeSet::new();
        for _ in 0..4_000 {
            lab.pass(Duration::from_micros(500));
            told.insert(told_next(lab.cluster()).to_string());
        }
        let has = |words: [&str; 3]| told.iter().any(|told| words.iter().all(|word| told.contains(word)));
        assert!(has(["broker-", " → dashboard-", ": Fetch answer of trucks_gps-"]), "{told:#?}");
        assert!(has(["broker-", " → trucks: Produce answer of trucks_gps-", ", at offset "]), "{told:#?}");
        assert!(has(["audit → broker-", ": Fetch of ", ", from offset "]), "{told:#?}");
    }
}

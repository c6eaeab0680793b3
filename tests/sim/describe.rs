//! What a script shows: partitions, logs, znodes, messages, events with their causes; short, and the same every time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kscope::engine::cluster::{BrokerNode, Cluster, Process};
use kscope::engine::context::Id;
use kscope::engine::controller::znodes::{self, StateNode};
use kscope::engine::event::{
    BrokerEvent, ControllerEvent, Event, EventKind, LeadershipChange, OperatorEvent, ReassignmentStep, SettingChange,
    ZkEvent,
};
use kscope::engine::log::{Log, RetentionReason, StoredBatch};
use kscope::engine::message::{Message, Payload};
use kscope::engine::node::BrokerId;
use kscope::engine::replica::{Role, TopicPartition};
use kscope::engine::time::Time;
use kscope::protocol::produce::{BatchIndexAndErrorMessage, PartitionProduceResponse};
use kscope::protocol::records::{BatchHeader, BatchReader, Record, records_of};
use kscope::protocol::{ErrorCode, Records, Request, Response};

/// Whether a partition's leader has heard what ZooKeeper says of it.
pub(super) fn leader_knows(cluster: &Cluster, state: &StateNode, id: &TopicPartition) -> bool {
    let Some(leader) = state.leader else { return true };
    let running = cluster.broker(leader).and_then(BrokerNode::running);
    running.and_then(|broker| broker.replicas.get(id)).is_some_and(|replica| {
        let heard = (replica.state.leader_epoch, &replica.state.isr) == (state.leader_epoch, &state.isr);
        heard && replica.leader().is_some()
    })
}

/// Whether nothing is left of a partition, neither in ZooKeeper nor at a broker.
pub(super) fn is_gone(cluster: &Cluster, id: &TopicPartition) -> bool {
    let path = znodes::topic_path(&id.topic);
    cluster.ensemble().is_none_or(|server| server.tree().get(&path).is_none())
        && cluster.brokers().all(|(_, node)| log_of(node, id).is_none())
}

/// A partition: what ZooKeeper has, and each replica.
pub(super) fn partition(cluster: &Cluster, id: &TopicPartition) -> String {
    let mut out = String::new();
    let server = cluster.ensemble().unwrap();
    let path = znodes::state_path(&id.topic, id.partition);
    match server.tree().get(&path).and_then(|znode| znodes::read_state(znode.data())) {
        None => out.push_str("not in ZooKeeper\n"),
        Some(state) => {
            let leader = state.leader.map_or("none".to_owned(), |id| id.0.to_string());
            writeln!(out, "leader {leader}, epoch {}, in sync {}", state.leader_epoch, set(&state.isr)).unwrap();
        }
    }
    for (broker, node) in cluster.brokers() {
        let Some(log) = log_of(node, id) else { continue };
        let end = log.log_end_offset();
        let part = match &node.process {
            Process::Dead(_) => "dead     ".to_owned(),
            Process::Running(running) => {
                let replica = &running.replicas[id];
                let part = match &replica.role {
                    Role::Idle => "idle    ",
                    Role::Leader(_) => "leader  ",
                    Role::Follower(_) => "follower",
                };
                format!("{part}, high watermark {}", replica.high_watermark)
            }
        };
        let epochs: Vec<_> = log.epochs().iter().map(|(epoch, start)| format!("{epoch} from {start}")).collect();
        let epochs = if epochs.is_empty() { "none".to_owned() } else { epochs.join(", ") };
        let part = match log.log_start_offset() {
            0 => part,
            start => format!("{part}, log start {start}"),
        };
        writeln!(out, "{broker}: {part}, log end {end}, epochs: {epochs}").unwrap();
    }
    out
}

/// The records of a broker's log, by the epochs that they were written in.
pub(super) fn log(cluster: &Cluster, broker: BrokerId, id: &TopicPartition) -> String {
    let Some(log) = cluster.broker(broker).and_then(|node| log_of(node, id)) else { return "no log".into() };
    let mut epochs: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for batch in log.batches_from(log.log_start_offset()) {
        for record in records_of(&batch.header, &batch.body).unwrap() {
            // Only whole segments go: what lies below the log start may still be there.
            if record.offset >= log.log_start_offset() {
                epochs.entry(batch.header.leader_epoch).or_default().push(one(&record));
            }
        }
    }
    let epochs: Vec<_> =
        epochs.iter().map(|(epoch, records)| format!("epoch {epoch} [{}]", records.join(" "))).collect();
    if epochs.is_empty() { "empty".into() } else { epochs.join(" ") }
}

/// The batches of a broker's log, a line each: offsets, codec, who wrote it, timestamps, records.
pub(super) fn batches(cluster: &Cluster, broker: BrokerId, id: &TopicPartition) -> String {
    let Some(log) = cluster.broker(broker).and_then(|node| log_of(node, id)) else { return "no log".into() };
    let line = |batch: StoredBatch| {
        let BatchHeader { base_offset, attributes, producer_id, base_sequence, .. } = batch.header;
        assert_eq!(batch.header.checksum(&batch.body), batch.header.crc);
        let records = records_of(&batch.header, &batch.body).unwrap();
        let records: Vec<String> = records.iter().map(one).collect();
        let (last, codec) = (batch.header.last_offset(), attributes.compression().unwrap().name());
        let kind = attributes.timestamp_type();
        let producer =
            if producer_id < 0 { String::new() } else { format!(", producer {producer_id} from {base_sequence}") };
        format!("{base_offset}-{last} {codec} {kind:?}{producer} [{}]", records.join(" "))
    };
    log.batches_from(log.log_start_offset()).map(line).collect::<Vec<_>>().join("\n")
}

/// A record: `offset:value`, `offset:key/value`, or `offset:key/` for a tombstone.
fn one(record: &Record) -> String {
    let text = |bytes: Option<&bytes::Bytes>| String::from_utf8_lossy(bytes.map_or(&[][..], |b| b)).into_owned();
    let key = record.key.as_ref().map_or(String::new(), |key| format!("{}/", text(Some(key))));
    format!("{}:{key}{}", record.offset, text(record.value.as_ref()))
}

/// What a consumer was sent.
pub(super) fn records(records: Option<&Records>) -> String {
    let batches = BatchReader::new(records.unwrap()).map(Result::unwrap);
    let all = batches.flat_map(|(header, body)| records_of(&header, &body).unwrap());
    let all: Vec<_> = all.map(|record| one(&record)).collect();
    if all.is_empty() { "nothing".into() } else { all.join(" ") }
}

/// The records that are to blame for a refused batch, a line each.
pub(super) fn record_errors(answer: &PartitionProduceResponse) -> String {
    let one = |error: &BatchIndexAndErrorMessage| {
        format!("\nrecord {}: {}", error.batch_index, error.batch_index_error_message.as_deref().unwrap_or("?"))
    };
    answer.record_errors.iter().map(one).collect()
}

fn log_of<'a>(node: &'a BrokerNode, id: &TopicPartition) -> Option<&'a Log> {
    match &node.process {
        Process::Running(broker) => broker.replicas.get(id).map(|replica| &replica.log),
        Process::Dead(disk) => disk.logs.get(id).map(|stored| stored.log.as_ref()),
    }
}

/// What stands in ZooKeeper.
pub(super) fn zookeeper(cluster: &Cluster, what: &str, path: &str) -> String {
    let server = cluster.ensemble().unwrap();
    let Some(znode) = server.tree().get(path) else { return "no node".into() };
    match what {
        "get" => format!("{} (version {})", String::from_utf8_lossy(znode.data()), znode.stat().version),
        "ls" => {
            let names: Vec<_> = znode.children().map(|(name, _)| name.to_string()).collect();
            format!("[{}]", names.join(", "))
        }
        _ => panic!("zk {what}?"),
    }
}

fn set(ids: &[BrokerId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| id.0.to_string()).collect();
    format!("[{}]", ids.join(","))
}

fn at(time: Time) -> String {
    let ms = time.as_millis();
    format!("{:3}.{:03}", ms / 1_000, ms % 1_000)
}

/// A message that arrived.
pub(super) fn message(message: &Message) -> String {
    let Message { from, to, payload, due, .. } = message;
    let content = match payload {
        Payload::Request(request) => match &request.request {
            Request::LeaderAndIsr(request) => {
                let partitions = request.topic_states.iter().flat_map(|topic| {
                    let name = &topic.topic_name;
                    topic.partition_states.iter().map(move |state| {
                        format!("{name}-{} leader {} epoch {}", state.partition_index, state.leader, state.leader_epoch)
                    })
                });
                let partitions: Vec<_> = partitions.collect();
                format!("of controller epoch {}: {}", request.controller_epoch, partitions.join(", "))
            }
            Request::OffsetForLeaderEpoch(request) => {
                let asked = request.topics.iter().flat_map(|topic| {
                    topic.partitions.iter().map(move |p| {
                        format!("{}-{}: where does epoch {} end?", topic.topic, p.partition, p.leader_epoch)
                    })
                });
                asked.collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        },
        Payload::Response(response) => match &response.response {
            Response::LeaderAndIsr(answer) => answer.error_code.to_string(),
            Response::OffsetForLeaderEpoch(answer) => {
                let told = answer.topics.iter().flat_map(|topic| {
                    topic.partitions.iter().map(move |p| match p.error_code {
                        ErrorCode::NONE => format!("epoch {} ends at {}", p.leader_epoch, p.end_offset),
                        error => error.to_string(),
                    })
                });
                told.collect::<Vec<_>>().join(", ")
            }
            _ => "answer".to_owned(),
        },
        _ => String::new(),
    };
    format!("{}  {from} -> {to}  {} {content}", at(*due), payload.name()).trim_end().to_owned()
}

/// Requests that change nothing that is told, or that tell of it themselves.
const UNTOLD: &[&str] = &["Produce", "Heartbeat", "OffsetFetch", "OffsetCommit", "DescribeGroups", "ListGroups"];

/// The events that a script has shown, with the labels that it gave them.
#[derive(Default)]
pub(super) struct Labels {
    seen: Id,
    labels: BTreeMap<Id, usize>,
}

impl Labels {
    /// Shows nothing of what happened so far.
    pub(super) fn skip(&mut self, cluster: &Cluster) {
        self.seen = cluster.events().iter().last().map_or(0, |event| event.id);
    }

    /// What happened since: a line each, with a label, and the label of its cause.
    pub(super) fn show(&mut self, cluster: &Cluster) -> String {
        let mut out = String::new();
        for event in cluster.events().after(self.seen) {
            if matches!(&event.kind, EventKind::Operator(OperatorEvent::Asked { api, .. }) if UNTOLD.contains(api)) {
                continue;
            }
            let label = self.labels.len() + 1;
            self.labels.insert(event.id, label);
            let hops = event.cause.hops();
            let via = hops.last().map_or(String::new(), |hop| format!(", {}", hop.name));
            let cause = event.cause.event.and_then(|id| self.labels.get(&id));
            let cause = cause.map_or(String::new(), |cause| format!("  <- {cause}{via}"));
            writeln!(out, "{}  {label:>2} {}: {}{cause}", at(event.at), event.node, text(event)).unwrap();
        }
        self.skip(cluster);
        out
    }
}

fn text(event: &Event) -> String {
    match &event.kind {
        EventKind::SessionOpened { owner, .. } => format!("session of {owner} opened"),
        EventKind::SessionResumed { owner, .. } => format!("session of {owner} resumed"),
        EventKind::SessionExpired { owner, closed: false, .. } => format!("session of {owner} expired"),
        EventKind::SessionExpired { owner, .. } => format!("session of {owner} closed"),
        EventKind::EphemeralGone { path, .. } => format!("{path} gone"),
        EventKind::WatchFired { path, watcher, change } => format!("watch of {watcher} on {path} fired ({change})"),
        EventKind::ZkDisconnected { server, .. } => format!("gives up its connection to {server}"),
        EventKind::Zk(event) => zk(event),
        EventKind::Controller(event) => controller(event),
        EventKind::Broker(event) => broker(event),
        EventKind::Operator(event) => operator(event),
        EventKind::Group(event) => super::group_script::event(event),
        other => format!("{other:?}"),
    }
}

fn zk(event: &ZkEvent) -> String {
    match event {
        ZkEvent::Started { .. } => "started".to_owned(),
        ZkEvent::Killed { .. } => "killed".to_owned(),
        ZkEvent::Looking { .. } => "looks for a leader".to_owned(),
        ZkEvent::Leads { epoch } => format!("leads, epoch {epoch}"),
        ZkEvent::Follows { leader } => format!("follows {leader}"),
        ZkEvent::LostQuorum => "leads no more: too few follow".to_owned(),
        ZkEvent::LostLeader { leader } => format!("lost its leader {leader}"),
        ZkEvent::LostFollower { follower } => format!("lost its follower {follower}"),
    }
}

fn operator(event: &OperatorEvent) -> String {
    match event {
        OperatorEvent::Shutdown { broker, .. } => format!("shut {broker} down"),
        OperatorEvent::Asked { broker, api, .. } => format!("{api} to {broker}"),
        OperatorEvent::LinkCut { between: (a, b) } => format!("cut {a} from {b}"),
        OperatorEvent::LinkHealed { between: (a, b) } => format!("healed {a} and {b}"),
        OperatorEvent::LinkSlowed { between: (a, b), by } => format!("slowed {a} and {b} by {by:?}"),
    }
}

fn named(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn followers(followers: &[(BrokerId, TopicPartition)]) -> String {
    followers.iter().map(|(who, id)| format!("{who} of {id}")).collect::<Vec<_>>().join(", ")
}

fn broker(event: &BrokerEvent) -> String {
    match event {
        BrokerEvent::Killed { .. } => "killed".into(),
        BrokerEvent::Recovered(recovery) => format!("took up {} logs", recovery.logs),
        BrokerEvent::LogDirFailed { reason } => format!("log directory offline: {reason}"),
        BrokerEvent::LostPower { lost, .. } => {
            let lost: Vec<String> =
                lost.iter().map(|l| format!(", {} from {} to {}", l.partition, l.from, l.to)).collect();
            format!("lost power{}", lost.concat())
        }
        BrokerEvent::Started { .. } => "started".into(),
        BrokerEvent::Registered { .. } => "registered".into(),
        BrokerEvent::WaitsForOldSession => "waits for the end of its old session".into(),
        BrokerEvent::SessionLost => "learns that its session is over".into(),
        BrokerEvent::ShuttingDown => "shuts down".into(),
        BrokerEvent::Stopped => "stopped".into(),
        BrokerEvent::Leads { partitions } => format!("leads {}", named(partitions)),
        BrokerEvent::Follows { partitions } => format!("follows {}", named(partitions)),
        BrokerEvent::Deleted { partitions } => format!("deleted {}", named(partitions)),
        BrokerEvent::FollowersLag { followers: who } => format!("too far behind: {}", followers(who)),
        BrokerEvent::FollowersCaughtUp { followers: who } => format!("caught up: {}", followers(who)),
        BrokerEvent::Truncated { partition, from, to, leader, epoch } => {
            format!("cut {partition} from {to} back to {from}: {leader} has nothing else of epoch {epoch}")
        }
        BrokerEvent::SegmentsDeleted { reason, partitions, segments, .. } => {
            let reason = match reason {
                RetentionReason::Time => "older than retention.ms",
                RetentionReason::Size => "beyond retention.bytes",
            };
            let segments = if *segments == 1 { "1 segment".to_owned() } else { format!("{segments} segments") };
            format!("retention took {segments} {reason}: {}", beginning(partitions))
        }
        BrokerEvent::RecordsDeleted { partitions, client_id } => {
            format!("{client_id} deleted records: {}", beginning(partitions))
        }
        BrokerEvent::Compacted { partition, up_to, before, after } => {
            format!("compacted {partition} up to {up_to}: {} records became {}", before.records, after.records)
        }
        BrokerEvent::ConfigAltered { entity, changes, api, .. } => format!("{api} of {entity}: {}", settings(changes)),
        BrokerEvent::ConfigTakenUp { entity, changes } => format!("takes up {entity}: {}", settings(changes)),
        other => format!("{other:?}"),
    }
}

fn beginning(partitions: &[(TopicPartition, i64)]) -> String {
    let told: Vec<_> = partitions.iter().map(|(id, start)| format!("{id} begins at {start}")).collect();
    told.join(", ")
}

fn settings(changes: &[SettingChange]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn changes(changes: &[LeadershipChange]) -> String {
    let told = changes.iter().map(|change| {
        let (id, epoch) = (&change.partition, change.epoch);
        format!("{id} epoch {epoch} in sync {}", set(&change.isr))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn controller(event: &ControllerEvent) -> String {
    match event {
        ControllerEvent::Elected { epoch } => format!("is the controller, epoch {epoch}"),
        ControllerEvent::Resigned { epoch, because } => format!("resigns from epoch {epoch}: {because}"),
        ControllerEvent::BrokerJoined { broker, .. } => format!("{broker} joined"),
        ControllerEvent::BrokerLeft { broker } => format!("{broker} left"),
        ControllerEvent::LogDirOffline { broker } => format!("{broker} has no log directory any more"),
        ControllerEvent::BrokerBounced { broker, .. } => format!("{broker} bounced"),
        ControllerEvent::LeadersElected { leader, changes: of, reason } => {
            format!("elects {leader} ({}): {}", reason.words(), changes(of))
        }
        ControllerEvent::PartitionsOffline { changes: of } => format!("no leader: {}", changes(of)),
        ControllerEvent::IsrShrunk { removed, changes: of } => format!("takes {} out: {}", set(removed), changes(of)),
        ControllerEvent::IsrChanged { leader, added, removed, changes: of } => {
            format!("in sync, says {leader}: +{} -{}: {}", set(added), set(removed), changes(of))
        }
        ControllerEvent::Reassignment { partition, step, adding, removing } => {
            let step = match step {
                ReassignmentStep::Began => "begins",
                ReassignmentStep::CaughtUp => "has caught up",
                ReassignmentStep::Done => "is done",
                ReassignmentStep::Cancelled => "is called off",
            };
            format!("reassignment of {partition} {step}: adding {}, removing {}", set(adding), set(removing))
        }
        ControllerEvent::TopicDeletionBegan { topic } => format!("deletion of {topic} begins"),
        ControllerEvent::TopicDeletionWaits { topic, because } => format!("deletion of {topic} waits: {because}"),
        ControllerEvent::TopicDeleted { topic } => format!("{topic} is deleted"),
        ControllerEvent::ShutdownAsked { broker, leading } => format!("{broker} wants to stop, leads {leading}"),
        other => format!("{other:?}"),
    }
}

//! Where a group goes on: asked of the brokers, and committed at the coordinator, as Kafka's own tool does. A group that has
//! members refuses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Actor, check, error, failed, unexpected};
use crate::engine::cluster::Cluster;
use crate::engine::node::BrokerId;
use crate::protocol::list_offsets::{ListOffsetsPartition, ListOffsetsTopic, timestamp};
use crate::protocol::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use crate::protocol::{ErrorCode, FindCoordinatorRequest, ListOffsetsRequest, OffsetCommitRequest, Response};
use crate::session::action::{Cut, Failure, OffsetChange, OffsetsReset, Outcome, ResetTo};
use crate::session::embedded::look;
use crate::session::snapshot::TopicPartition;

/// The versions that a session speaks: the newest of Kafka 3.9.
const FIND_COORDINATOR: i16 = 6;
const LIST_OFFSETS: i16 = 9;
const OFFSET_COMMIT: i16 = 9;

/// The group as its coordinator has it.
struct Standing {
    state: &'static str,
    empty: bool,
    /// What is committed, and of what topics it may be asked.
    committed: BTreeMap<TopicPartition, i64>,
    /// All partitions that are meant, with their leaders.
    meant: BTreeMap<TopicPartition, Option<BrokerId>>,
}

/// Resets a group's offsets, or says what that would change.
pub(super) async fn reset(actor: &Actor, wanted: OffsetsReset) -> Result<Outcome, Failure> {
    let coordinator = coordinator(actor, &wanted.group).await?;
    let (group, topic) = (Arc::clone(&wanted.group), wanted.topic.clone());
    let standing = actor.inspect(move |cluster| standing(cluster, coordinator, &group, topic.as_ref())).await??;
    if !standing.empty && !wanted.execute {
        let (group, state) = (&wanted.group, standing.state);
        return Err(failed(format!(
            "{group} is {state}: offsets can only be reset while nobody is in the group; x removes its members"
        )));
    }
    let changes = changes(actor, &standing, wanted.to).await?;
    if changes.is_empty() {
        return Err(failed(format!("{} has no offsets there, and reads nothing", wanted.group)));
    }
    if !wanted.execute {
        return Ok(Outcome::Offsets(changes));
    }
    commit(actor, coordinator, &wanted.group, &changes).await?;
    // What is where it is to be already is committed with the rest, and is no news.
    let count = changes.iter().filter(|change| change.before != Some(change.after)).count();
    Ok(super::done(format!("{}: {count} offset{} reset", wanted.group, if count == 1 { "" } else { "s" })))
}

async fn coordinator(actor: &Actor, group: &Arc<str>) -> Result<BrokerId, Failure> {
    let request = FindCoordinatorRequest { coordinator_keys: vec![Arc::clone(group)], ..Default::default() };
    let Response::FindCoordinator(answer) = actor.ask_controller(FIND_COORDINATOR, request.into()).await? else {
        return Err(unexpected());
    };
    let found = answer.coordinators.first().ok_or_else(unexpected)?;
    check(found.error_code, None)?;
    Ok(BrokerId(found.node_id))
}

fn standing(
    cluster: &Cluster,
    coordinator: BrokerId,
    group: &str,
    topic: Option<&Arc<str>>,
) -> Result<Standing, Failure> {
    let broker = cluster.broker(coordinator).and_then(crate::engine::cluster::BrokerNode::running);
    let broker = broker.ok_or_else(|| error(ErrorCode::COORDINATOR_NOT_AVAILABLE, None))?;
    let known = broker.groups().groups().find(|known| &*known.id == group);
    let committed: BTreeMap<TopicPartition, i64> = known
        .iter()
        .flat_map(|group| group.offsets.iter())
        .filter(|(id, _)| topic.is_none_or(|topic| *topic == id.topic))
        .map(|(id, at)| (TopicPartition { topic: Arc::clone(&id.topic), partition: id.partition }, at.offset))
        .collect();
    let metadata = look::metadata(cluster).ok_or_else(|| failed("no broker knows the topics at the moment"))?;
    let mut topics: Vec<&Arc<str>> = committed.keys().map(|at| &at.topic).collect();
    topics.extend(topic);
    topics.dedup();
    let mut meant = BTreeMap::new();
    for name in topics {
        let known = metadata.topics.get(name).ok_or_else(|| super::no_topic(name))?;
        for (partition, state) in &known.partitions {
            let at = TopicPartition { topic: Arc::clone(name), partition: *partition };
            // Of all topics only what has an offset; of a named one every partition.
            if topic.is_some() || committed.contains_key(&at) {
                meant.insert(at, state.leader);
            }
        }
    }
    Ok(Standing {
        state: known.map_or("Dead", |group| group.state()),
        empty: known.is_none_or(|group| group.has_nobody()),
        committed,
        meant,
    })
}

/// Where each partition goes on, as its leader says.
async fn changes(actor: &Actor, standing: &Standing, to: ResetTo) -> Result<Vec<OffsetChange>, Failure> {
    let earliest = listed(actor, standing, timestamp::EARLIEST).await?;
    let latest = listed(actor, standing, timestamp::LATEST).await?;
    let at_time = match to {
        ResetTo::Time(at_ms) => listed(actor, standing, at_ms).await?,
        _ => BTreeMap::new(),
    };
    let change = |at: &TopicPartition| {
        let (first, end) = (*earliest.get(at)?, *latest.get(at)?);
        let before = standing.committed.get(at).copied();
        let (after, cut) = match to {
            ResetTo::Earliest => (first, None),
            ResetTo::Latest => (end, None),
            ResetTo::Offset(offset) => within(offset, first, end),
            ResetTo::Time(_) => match at_time.get(at).copied().filter(|offset| *offset >= 0) {
                Some(offset) => (offset.clamp(first, end), None),
                None => (end, Some(Cut::NoneSoLate)),
            },
            // Who has committed nothing has nothing to be shifted from.
            ResetTo::Shift(by) => within(before?.saturating_add(by), first, end),
        };
        Some(OffsetChange { at: at.clone(), before, after, cut })
    };
    Ok(standing.meant.keys().filter_map(change).collect())
}

/// An offset within a log, and at which of its ends it was cut.
fn within(offset: i64, first: i64, end: i64) -> (i64, Option<Cut>) {
    match offset {
        _ if offset < first => (first, Some(Cut::Start)),
        _ if offset > end => (end, Some(Cut::End)),
        _ => (offset, None),
    }
}

/// The offsets at a time, or at an end, from the partitions' leaders.
async fn listed(actor: &Actor, standing: &Standing, timestamp: i64) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let mut by_leader: BTreeMap<BrokerId, BTreeMap<Arc<str>, Vec<i32>>> = BTreeMap::new();
    for (at, leader) in &standing.meant {
        let leader = leader.ok_or_else(|| error(ErrorCode::LEADER_NOT_AVAILABLE, None))?;
        by_leader.entry(leader).or_default().entry(Arc::clone(&at.topic)).or_default().push(at.partition);
    }
    let mut offsets = BTreeMap::new();
    for (leader, topics) in by_leader {
        let partition = |partition_index| ListOffsetsPartition { partition_index, timestamp, ..Default::default() };
        let topic = |(name, partitions): (Arc<str>, Vec<i32>)| ListOffsetsTopic {
            name,
            partitions: partitions.into_iter().map(partition).collect(),
        };
        let request =
            ListOffsetsRequest { replica_id: -1, isolation_level: 0, topics: topics.into_iter().map(topic).collect() };
        let answer = actor.ask(leader, LIST_OFFSETS, request.into()).await?;
        let Some(Response::ListOffsets(answer)) = answer else { return Err(unexpected()) };
        for topic in answer.topics {
            for partition in topic.partitions {
                check(partition.error_code, None)?;
                let at = TopicPartition { topic: Arc::clone(&topic.name), partition: partition.partition_index };
                offsets.insert(at, partition.offset);
            }
        }
    }
    Ok(offsets)
}

/// Commits as one who is in no generation: the coordinator refuses it while the group has members.
async fn commit(
    actor: &Actor,
    coordinator: BrokerId,
    group: &Arc<str>,
    changes: &[OffsetChange],
) -> Result<(), Failure> {
    let mut topics: BTreeMap<&Arc<str>, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for change in changes {
        topics.entry(&change.at.topic).or_default().push(OffsetCommitRequestPartition {
            partition_index: change.at.partition,
            committed_offset: change.after,
            committed_metadata: Some("".into()),
            ..Default::default()
        });
    }
    let topics =
        topics.into_iter().map(|(name, partitions)| OffsetCommitRequestTopic { name: Arc::clone(name), partitions });
    let request =
        OffsetCommitRequest { group_id: Arc::clone(group), topics: topics.collect(), ..OffsetCommitRequest::default() };
    let answer = actor.ask(coordinator, OFFSET_COMMIT, request.into()).await?;
    let Some(Response::OffsetCommit(answer)) = answer else { return Err(unexpected()) };
    for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
        let refused = Arc::from("the group has members: offsets can only be reset while nobody is in it");
        let why = (partition.error_code == ErrorCode::UNKNOWN_MEMBER_ID).then_some(&refused);
        check(partition.error_code, why)?;
    }
    Ok(())
}

//! What must always hold of groups and of the built-in members: one owner of a partition in a generation, committed offsets
//! that never go back by themselves, and what each way of committing promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Violation, end_in_sync, state};
use crate::engine::client::{Client, Commit, Consumer, Delivery, DeliveryKey, Membership, Phase, deliveries};
use crate::engine::cluster::Cluster;
use crate::engine::context::Id;
use crate::engine::event::{BrokerEvent, ClientEvent, ControllerEvent, EventKind, GroupEvent, Lost, OperatorEvent};
use crate::engine::group::shard::Phase as ShardPhase;
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::replica::TopicPartition;
use crate::engine::topic_name::CONSUMER_OFFSETS;

/// What was seen of groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// The committed offsets, by group and partition, as the coordinator had them.
    committed: BTreeMap<(Arc<str>, TopicPartition), Seen>,
    /// Groups whose commits a power loss took on all that were in sync: they go on where the last one that stands says.
    set_back: BTreeSet<Arc<str>>,
    /// Whether an operator has committed: such a commit may go back, and counts when it has arrived, whenever that is.
    is_operated: bool,
    /// Topics that were deleted. A commit names its topic only: one that was on its way then counts for the topic of that name
    /// that is made next, as in Kafka, and says nothing about what was processed.
    deleted: BTreeSet<Arc<str>>,
    /// The last event that was looked at.
    event: Id,
    /// Where the members were when their partitions were looked at last.
    members: Vec<(Phase, i32, usize)>,
}

/// A committed offset that was seen.
#[derive(Clone, Copy, Debug)]
struct Seen {
    offset: i64,
    /// Which partition of `__consumer_offsets` keeps it.
    shard: i32,
}

/// The built-in members of groups, those that have ended too.
fn members(cluster: &Cluster) -> impl Iterator<Item = (&Consumer, &Membership)> {
    cluster.clients().filter_map(|(_, client)| {
        let consumer = client.as_consumer()?;
        Some((consumer, consumer.membership()?))
    })
}

impl Groups {
    /// After a step.
    pub(super) fn check(
        &mut self,
        cluster: &Cluster,
        touched: &BTreeSet<(BrokerId, TopicPartition)>,
    ) -> Result<(), Violation> {
        let now: Vec<_> = members(cluster).map(|(c, m)| (m.phase(), m.generation(), c.positions().count())).collect();
        if self.members != now {
            self.members = now;
            check_owners(cluster)?;
        }
        self.forgive(cluster);
        if touched.iter().any(|(_, partition)| *partition.topic == *CONSUMER_OFFSETS) {
            self.check_committed(cluster)?;
        }
        Ok(())
    }

    /// An operator may set offsets back, or forget them, and a reader whose place is gone begins elsewhere.
    fn forgive(&mut self, cluster: &Cluster) {
        for event in cluster.events().after(self.event) {
            self.event = event.id;
            match (&event.kind, event.node) {
                (EventKind::Operator(OperatorEvent::Asked { api: "OffsetCommit", .. }), _) => self.is_operated = true,
                (EventKind::Group(GroupEvent::OffsetsRemoved { group, .. } | GroupEvent::Removed { group }), _) => {
                    self.committed.retain(|(of, _), _| of != group);
                }
                (EventKind::Broker(BrokerEvent::LostPower { lost, .. }), _) => {
                    for lost in lost {
                        self.lose(cluster, lost);
                    }
                }
                (EventKind::Controller(ControllerEvent::TopicDeleted { topic }), _) => {
                    self.deleted.insert(Arc::clone(topic));
                }
                (EventKind::Client(ClientEvent::OffsetsReset { .. }), NodeId::Client(id)) => {
                    let reader = cluster.clients().find(|(other, _)| *other == id);
                    let member = reader.and_then(|(_, client)| client.as_consumer()?.membership());
                    if let Some(member) = member {
                        self.committed.retain(|(of, _), _| *of != member.spec().id);
                    }
                }
                _ => {}
            }
        }
    }

    /// Power went on a broker. What it lost of commits that nobody in sync has may be missing.
    fn lose(&mut self, cluster: &Cluster, lost: &Lost) {
        let id = &lost.partition;
        let is_gone = end_in_sync(cluster, id).is_some_and(|end| end < lost.to);
        if *id.topic != *CONSUMER_OFFSETS || !is_gone {
            return;
        }
        let of_it = self.committed.iter().filter(|(_, seen)| seen.shard == id.partition);
        self.set_back.extend(of_it.map(|((group, _), _)| Arc::clone(group)));
        self.committed.retain(|_, seen| seen.shard != id.partition);
    }

    fn check_committed(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        for (id, node) in cluster.brokers() {
            let Some(broker) = node.running() else { continue };
            for (number, shard) in broker.groups().shards() {
                if shard.phase != ShardPhase::Active {
                    continue;
                }
                // One that was cut off does not know yet that it does not coordinate any more.
                let place = TopicPartition::new(CONSUMER_OFFSETS, number);
                let is_stale = || state(cluster, &place).and_then(|state| state.leader) != Some(id);
                for group in shard.groups() {
                    for (partition, committed) in group.offsets.iter() {
                        let key = (Arc::clone(&group.id), partition.clone());
                        let now = Seen { offset: committed.offset, shard: number };
                        let seen = self.committed.entry(key).or_insert(now);
                        if committed.offset < seen.offset && is_stale() {
                            continue;
                        }
                        let may_go_back = self.is_operated || self.deleted.contains(&partition.topic);
                        if committed.offset < seen.offset && !may_go_back {
                            return Err(Violation::CommitWentBack {
                                group: Arc::clone(&group.id),
                                partition: partition.clone(),
                                before: seen.offset,
                                after: committed.offset,
                            });
                        }
                        *seen = now;
                    }
                }
            }
        }
        Ok(())
    }

    /// What the ways of committing promise: of groups whose members all commit after they have processed, every record below
    /// a committed offset was processed; of those that all commit before, none was processed twice.
    pub(super) fn sweep(&self, cluster: &Cluster) -> Result<(), Violation> {
        let mut groups: BTreeMap<&Arc<str>, Vec<(&Client, Commit)>> = BTreeMap::new();
        for (_, client) in cluster.clients() {
            let Some(member) = client.as_consumer().and_then(Consumer::membership) else { continue };
            groups.entry(&member.spec().id).or_default().push((client, member.spec().commit));
        }
        for (group, members) in groups {
            let departed = cluster.departed(group);
            let (gone, gone_before) = departed.map_or((0, 0), |departed| (departed.members, departed.before));
            let before = gone_before + members.iter().filter(|(_, commit)| *commit == Commit::Before).count();
            let count = gone + members.len();
            let clients: Vec<&Client> = members.iter().map(|(client, _)| *client).collect();
            let all = deliveries(&clients, departed);
            if before == count && self.set_back.contains(group) {
                // At most once holds as far as the commits that stand.
            } else if before == count {
                at_most_once(group, &all)?;
            } else if before == 0 {
                self.at_least_once(group, &all)?;
            }
        }
        Ok(())
    }

    fn at_least_once(&self, group: &Arc<str>, all: &BTreeMap<DeliveryKey, Delivery>) -> Result<(), Violation> {
        for ((topic, _, partition), delivery) in all.iter().filter(|((topic, ..), _)| !self.deleted.contains(topic)) {
            let partition = TopicPartition::new(Arc::clone(topic), *partition);
            let Some(committed) = self.committed.get(&(Arc::clone(group), partition.clone())) else { continue };
            let committed = committed.offset;
            let processed = &delivery.processed;
            let (Some((first, _)), Ok(end)) = (processed.intervals().next(), u64::try_from(committed)) else {
                continue;
            };
            if let Some((offset, _)) =
                end.checked_sub(1).and_then(|last| processed.missing(first, last).first().copied())
            {
                let group = Arc::clone(group);
                return Err(Violation::NeverProcessed { group, partition, offset, committed });
            }
        }
        Ok(())
    }
}

fn at_most_once(group: &Arc<str>, all: &BTreeMap<DeliveryKey, Delivery>) -> Result<(), Violation> {
    match all.values().map(|delivery| delivery.again.len()).sum() {
        0 => Ok(()),
        records => Err(Violation::ProcessedTwice { group: Arc::clone(group), records }),
    }
}

/// Two that use one `group.instance.id` are one member to the group: the older one hears that with its next heartbeat.
fn are_one(first: &Consumer, second: &Consumer) -> bool {
    let instance = |consumer: &Consumer| consumer.membership().and_then(|member| member.spec().instance_id.clone());
    instance(first).is_some_and(|id| instance(second) == Some(id))
}

/// In a generation a partition has one owner at most.
fn check_owners(cluster: &Cluster) -> Result<(), Violation> {
    let mut owners: BTreeMap<_, &Consumer> = BTreeMap::new();
    let live = cluster.clients().filter(|(_, client)| client.runs()).filter_map(|(_, client)| client.as_consumer());
    for consumer in live {
        let Some(member) = consumer.membership().filter(|member| member.phase() == Phase::In) else { continue };
        for (topic, partition, _) in consumer.positions() {
            let place = (&member.spec().id, member.generation(), topic, partition);
            let Some(first) = owners.insert(place, consumer) else { continue };
            if !are_one(first, consumer) {
                return Err(Violation::TwoOwners {
                    group: Arc::clone(&member.spec().id),
                    generation: member.generation(),
                    partition: TopicPartition::new(Arc::clone(topic), partition),
                    first: Arc::clone(first.name()),
                    second: Arc::clone(consumer.name()),
                });
            }
        }
    }
    Ok(())
}

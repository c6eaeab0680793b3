//! Reads everything back when all is at rest: every replica of a partition holds the same bytes; what was acknowledged
//! with acks=all stands where its producer was told, once; and what each producer wrote stands in the order in which it
//! wrote it. What retention took from the front is not asked for. Of a topic that is compacted, what was overtaken need not
//! be there, and the invariants say what its replicas must have in common.

use std::collections::{BTreeMap, BTreeSet};

use kscope::engine::log::StoredBatch;
use kscope::engine::node::BrokerId;
use kscope::engine::replica::{Replica, TopicPartition};
use kscope::protocol::records::records_of;

use super::producers::{Kind, Place, is_tombstone, key};
use super::world::{self, World};

/// A record, found: by whom, its number, its offset.
type Found = (i64, i32, i64);

/// Panics at what is not as it must be.
pub(crate) fn check(world: &World) {
    let mut partitions: BTreeMap<Place, Partition> = BTreeMap::new();
    for topic in world::topics(&world.lab) {
        for (partition, assignment) in &topic.partitions {
            let id = TopicPartition::new(topic.name.clone(), *partition);
            partitions.insert((topic.id, *partition), read(world, &id, &assignment.replicas));
        }
    }
    let mut promised = 0;
    for (place, kind, producer, acked) in world.producers.promised() {
        // A topic whose deletion was on its way has gone since.
        let Some(partition) = partitions.get(&place) else { continue };
        let of_producer = partition.records.iter().filter(|found| found.0 == producer);
        let found: BTreeMap<i32, i64> = of_producer.map(|(_, number, offset)| (*number, *offset)).collect();
        let newest = found.keys().copied().chain(acked.iter().map(|(number, _)| *number)).max().unwrap_or(0);
        for (number, offset) in acked.iter().filter(|(_, offset)| *offset >= partition.log_start) {
            let at = found.get(number);
            if at.is_none() && partition.compact && may_be_gone(*number, newest, &found) {
                continue;
            }
            let story = || world.lab.story();
            assert_eq!(at, Some(offset), "{kind:?} {producer}: record {number} of {place:?}\n{}", story());
        }
        promised += acked.len();
        if kind == Kind::Careful && !partition.compact && partition.log_start == 0 {
            assert_eq!(
                found.len(),
                acked.len(),
                "{kind:?} {producer} wrote what it was not told\n{}",
                world.lab.story()
            );
        }
    }
    assert!(promised > 0, "nothing was acknowledged: this seed shows nothing\n{}", world.lab.story());
}

/// How many records of a producer may be there that nobody acknowledged, behind those that were.
const UNTOLD: i32 = 20;

/// Whether compaction may have taken a producer's record: a later one of its key stands, or was a tombstone that may have
/// gone too, or it is one itself.
fn may_be_gone(number: i32, newest: i32, found: &BTreeMap<i32, i64>) -> bool {
    let later = (number + 1..=newest + UNTOLD).filter(|later| key(*later) == key(number));
    is_tombstone(number) || later.into_iter().any(|later| found.contains_key(&later) || is_tombstone(later))
}

/// A partition as it was found.
struct Partition {
    compact: bool,
    /// The log start of the replica that begins last.
    log_start: i64,
    records: Vec<Found>,
}

/// The records of a partition, the same on all replicas; each producer's in order, none twice.
fn read(world: &World, id: &TopicPartition, assigned: &[BrokerId]) -> Partition {
    let replicas = world.lab.cluster.brokers().filter_map(|(broker, node)| {
        let replica = node.running()?.replicas.get(id)?.as_ref();
        assigned.contains(&broker).then_some((broker, replica))
    });
    let replicas: Vec<_> = replicas.collect();
    let log_start = replicas.iter().map(|(_, replica)| replica.log.log_start_offset()).max().unwrap_or(0);
    let (first, replica) = replicas.first().unwrap_or_else(|| panic!("{id} is nowhere"));
    let compact = replica.log.config().compact;
    for (broker, other) in replicas.iter().filter(|_| !compact) {
        let same = batches(world, *first, replica, log_start) == batches(world, *broker, other, log_start);
        assert!(same, "{id} differs on {first} and {broker}\n{}", world.lab.story());
    }
    let mut found: Vec<Found> = Vec::new();
    let mut last: BTreeMap<i64, i32> = BTreeMap::new();
    let mut once = BTreeSet::new();
    for batch in batches(world, *first, replica, log_start) {
        for record in records_of(&batch.header, &batch.body).unwrap() {
            let name = String::from_utf8(record.headers[0].1.as_ref().unwrap().to_vec()).unwrap();
            let (producer, number) = name.split_once(':').unwrap();
            let (producer, number) = (producer.parse().unwrap(), number.parse().unwrap());
            assert!(once.insert((producer, number)), "{id}: {name} stands there twice");
            let before = last.insert(producer, number);
            // A careless producer's records come on connections of their own, and may overtake each other.
            let ordered = world.producers.kind(producer) != Some(Kind::Careless);
            assert!(!ordered || before.is_none_or(|before| before < number), "{id}: {name} comes after {before:?}");
            found.push((producer, number, record.offset));
        }
    }
    Partition { compact, log_start, records: found }
}

/// What of a log begins at `log_start` or later, on the disk and in memory: a producer sends one record at a time.
fn batches(world: &World, broker: BrokerId, replica: &Replica, log_start: i64) -> Vec<StoredBatch> {
    let mut disks = world.lab.disks.borrow_mut();
    let from = replica.log.resident_from();
    let back = disks.get().log(broker, &replica.id).read(log_start, usize::MAX).unwrap();
    let back = back.into_iter().filter(|batch| batch.header.base_offset < from);
    back.chain(replica.log.batches_from(log_start.max(from))).collect()
}

//! Reads everything back when all is at rest: every replica of a partition holds the same bytes; what was acknowledged
//! with acks=all stands where its producer was told, once; and what each producer wrote stands in the order in which it
//! wrote it.

use std::collections::{BTreeMap, BTreeSet};

use kscope::engine::node::BrokerId;
use kscope::engine::replica::{Replica, TopicPartition};
use kscope::protocol::records::records_of;

use super::producers::{Kind, Place};
use super::world::{self, World};

/// A record, found: by whom, its number, its offset.
type Found = (i64, i32, i64);

/// Panics at what is not as it must be.
pub(crate) fn check(world: &World) {
    let mut partitions: BTreeMap<Place, Vec<Found>> = BTreeMap::new();
    for topic in world::topics(&world.lab) {
        for (partition, assignment) in &topic.partitions {
            let id = TopicPartition::new(topic.name.clone(), *partition);
            partitions.insert((topic.id, *partition), read(world, &id, &assignment.replicas));
        }
    }
    let mut promised = 0;
    for (place, kind, producer, acked) in world.producers.promised() {
        // A topic whose deletion was on its way has gone since.
        let Some(records) = partitions.get(&place) else { continue };
        let of_producer = records.iter().filter(|found| found.0 == producer);
        let found: BTreeMap<i32, i64> = of_producer.map(|(_, number, offset)| (*number, *offset)).collect();
        for (number, offset) in acked {
            let at = found.get(number);
            let story = || world.lab.story();
            assert_eq!(at, Some(offset), "{kind:?} {producer}: record {number} of {place:?}\n{}", story());
        }
        promised += acked.len();
        if kind == Kind::Careful {
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

/// The records of a partition, the same on all replicas; each producer's in order, none twice.
fn read(world: &World, id: &TopicPartition, assigned: &[BrokerId]) -> Vec<Found> {
    let replicas = world.lab.cluster.brokers().filter_map(|(broker, node)| {
        let replica = node.running()?.replicas.get(id)?.as_ref();
        assigned.contains(&broker).then_some((broker, replica))
    });
    let mut replicas = replicas.collect::<Vec<_>>().into_iter();
    let (first, replica) = replicas.next().unwrap_or_else(|| panic!("{id} is nowhere"));
    for (broker, other) in replicas {
        assert!(batches(replica) == batches(other), "{id} differs on {first} and {broker}\n{}", world.lab.story());
    }
    let mut found: Vec<Found> = Vec::new();
    let mut last: BTreeMap<i64, i32> = BTreeMap::new();
    let mut once = BTreeSet::new();
    for batch in batches(replica) {
        for record in records_of(&batch.header, &batch.body).unwrap() {
            let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
            let (producer, number) = value.split_once(':').unwrap();
            let (producer, number) = (producer.parse().unwrap(), number.parse().unwrap());
            assert!(once.insert((producer, number)), "{id}: {value} stands there twice");
            let before = last.insert(producer, number);
            // A careless producer's records come on connections of their own, and may overtake each other.
            let ordered = world.producers.kind(producer) != Some(Kind::Careless);
            assert!(!ordered || before.is_none_or(|before| before < number), "{id}: {value} comes after {before:?}");
            found.push((producer, number, record.offset));
        }
    }
    found
}

fn batches(replica: &Replica) -> Vec<kscope::engine::log::StoredBatch> {
    replica.log.batches_from(replica.log.log_start_offset()).collect()
}

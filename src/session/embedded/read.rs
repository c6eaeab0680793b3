//! Reading records straight from the value: what a message view shows. Batches are taken on the engine's thread (they are
//! shared, not copied) and decoded elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::actions::{failed, no_topic};
use super::look;
use crate::engine::cluster::Cluster;
use crate::engine::log::{Disks, StorageError, StoredBatch};
use crate::engine::replica::TopicPartition;
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::group_records::Told;
use crate::protocol::records::{self, TimestampType};
use crate::session::action::{Decoded, Failure, Position, ReadFrom, Record};

/// The most records that one read gives.
const MAX_RECORDS: usize = 10_000;

/// Batches are taken until they have so many bytes.
const MAX_BYTES: usize = 8 << 20;

/// What was taken of a log.
pub(super) struct Taken {
    batches: Vec<StoredBatch>,
    /// The first offset wanted.
    from: i64,
    /// Below it consumers may read.
    high_watermark: i64,
    /// Below it is wanted.
    up_to: i64,
    max_records: usize,
    /// Of Kafka's own topic, whose records say something: the names of topics by their ids.
    names: Option<BTreeMap<Uuid, Arc<str>>>,
}

/// Takes the batches that `wanted` asks for.
///
/// What has left memory is read from `disks`, on the engine's thread: a few megabytes for somebody who waits for them.
pub(super) fn take(cluster: &Cluster, disks: &mut dyn Disks, wanted: &ReadFrom) -> Result<Taken, Failure> {
    let partition = TopicPartition::new(Arc::clone(&wanted.topic), wanted.partition);
    let (broker, log, high_watermark) = look::best_log(cluster, &partition).ok_or_else(|| missing(cluster, wanted))?;
    let disk = disks.log(broker, &partition);
    let unreadable = |error: StorageError| failed(error.to_string());
    let up_to = if wanted.uncommitted { log.log_end_offset() } else { high_watermark };
    let from = match wanted.from {
        Position::Earliest => log.log_start_offset(),
        Position::Offset(offset) => offset,
        // Where no record is so late, there is nothing to read: the place is the end.
        Position::Time(at_ms) => {
            log.offset_for_time(at_ms, disk).map_err(unreadable)?.map_or(up_to, |(offset, _)| offset)
        }
        Position::Tail(records) => up_to - i64::from(records),
    };
    let from = from.max(log.log_start_offset());
    let max_records = usize::try_from(wanted.max_records).unwrap_or(MAX_RECORDS).min(MAX_RECORDS);
    let (mut bytes, mut records) = (0, 0);
    let enough = |batch: &StoredBatch| {
        let wanted = bytes < MAX_BYTES && records < max_records && batch.header.base_offset < up_to;
        bytes += batch.body.len();
        records += usize::try_from(batch.header.record_count).unwrap_or(0);
        wanted
    };
    let resident_from = log.resident_from();
    let back = if from < resident_from { disk.read(from, MAX_BYTES).map_err(unreadable)? } else { Vec::new() };
    // What was read back need not reach to what is in memory: then there is more to ask for.
    let reaches = back.last().is_none_or(|last| last.header.next_offset() >= resident_from);
    let back = back.into_iter().filter(|batch| batch.header.base_offset < resident_from);
    let resident = log.batches_from(from.max(resident_from)).filter(|_| reaches);
    let batches = back.chain(resident).take_while(enough_from(from, enough)).collect();
    let names = (*wanted.topic == *CONSUMER_OFFSETS).then(|| names(cluster));
    Ok(Taken { batches, from, high_watermark, up_to, max_records, names })
}

/// The names of the topics, by their ids.
fn names(cluster: &Cluster) -> BTreeMap<Uuid, Arc<str>> {
    let known = look::metadata(cluster).into_iter().flat_map(|metadata| &metadata.topics);
    known.map(|(name, topic)| (topic.id, Arc::clone(name))).collect()
}

/// A batch that holds the first offset wanted may begin with many that are not: it never is enough by itself.
fn enough_from(from: i64, mut enough: impl FnMut(&StoredBatch) -> bool) -> impl FnMut(&StoredBatch) -> bool {
    move |batch| batch.header.base_offset < from || enough(batch)
}

fn missing(cluster: &Cluster, wanted: &ReadFrom) -> Failure {
    match look::metadata(cluster).and_then(|metadata| metadata.topics.get(&wanted.topic)) {
        Some(topic) if topic.partitions.contains_key(&wanted.partition) => {
            failed(format!("no broker has a copy of {}-{} yet", wanted.topic, wanted.partition))
        }
        Some(topic) => {
            let last = topic.partitions.len().saturating_sub(1);
            failed(format!("{} has no partition {}; it has 0 to {last}", wanted.topic, wanted.partition))
        }
        None => no_topic(&wanted.topic),
    }
}

/// The records of what was taken, oldest first. What cannot be decoded is left out: it was checked when it was written.
pub(super) fn decode(taken: &Taken) -> Vec<Record> {
    let all = taken.batches.iter().filter(|batch| !batch.header.attributes.is_control());
    let decoded = all.flat_map(|batch| {
        let records = records::records_of(&batch.header, &batch.body).unwrap_or_default();
        records.into_iter().map(|record| record_of(batch, &record, taken))
    });
    let wanted = decoded.filter(|record| (taken.from..taken.up_to).contains(&record.offset));
    wanted.take(taken.max_records).collect()
}

/// What a record of `__consumer_offsets` says. Without a key it is none of a group's.
fn decoded(record: &records::Record, names: &BTreeMap<Uuid, Arc<str>>) -> Option<Arc<Decoded>> {
    let name = |id: Uuid| names.get(&id).cloned().unwrap_or_else(|| id.to_string().into());
    let Told { kind, line, parts } = Told::of(record.key.as_ref()?, record.value.as_ref(), &name);
    let parts = parts.into_iter().map(|(name, what)| (name.into(), what.into())).collect();
    Some(Arc::new(Decoded { kind: kind.into(), line: line.into(), parts }))
}

fn record_of(batch: &StoredBatch, record: &records::Record, taken: &Taken) -> Record {
    let header = &batch.header;
    let place = i32::try_from(record.offset - header.base_offset).unwrap_or(0);
    Record {
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        log_append_time: header.attributes.timestamp_type() == TimestampType::LogAppendTime,
        key: record.key.as_ref().map(shared),
        value: record.value.as_ref().map(shared),
        decoded: taken.names.as_ref().and_then(|names| decoded(record, names)),
        headers: record.headers.iter().map(|(name, value)| (text(name), value.as_ref().map(shared))).collect(),
        batch: (header.base_offset, header.last_offset()),
        batch_bytes: u32::try_from(header.size_bytes()).unwrap_or(u32::MAX),
        compression: header.attributes.compression().map_or("unknown", |codec| codec.name()).into(),
        leader_epoch: header.leader_epoch,
        producer: (header.producer_id >= 0)
            .then(|| (header.producer_id, header.producer_epoch, header.base_sequence.wrapping_add(place))),
        readable: record.offset < taken.high_watermark,
    }
}

fn shared(bytes: &Bytes) -> Arc<[u8]> {
    bytes.as_ref().into()
}

fn text(bytes: &Bytes) -> Arc<str> {
    String::from_utf8_lossy(bytes).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::options::LabOptions;
    use super::super::stepped::Stepped;
    use super::*;

    #[test]
    fn a_time_finds_the_first_record_that_is_not_before_it() {
        let mut lab = Stepped::new(&LabOptions::new(false), 1_767_225_600_000);
        lab.pass(Duration::from_secs(3));
        let read = |from| {
            let topic = "trucks_gps".into();
            let wanted = ReadFrom { topic, partition: 0, from, max_records: 1_000, uncommitted: false };
            decode(&take(lab.cluster(), &mut crate::engine::log::InMemory, &wanted).unwrap())
        };
        let all = read(Position::Earliest);
        assert!(all.len() > 5, "{} records are too few to tell", all.len());
        for (before, after) in all.iter().zip(&all[1..]) {
            let found = read(Position::Time(before.timestamp_ms + 1));
            let first = all.iter().find(|record| record.timestamp_ms > before.timestamp_ms);
            assert_eq!(found.first(), first, "after {}", before.offset);
            assert!(after.timestamp_ms >= before.timestamp_ms);
        }
        let last = all.last().unwrap();
        assert_eq!(read(Position::Time(0)), all, "everything is later than 1970");
        assert_eq!(read(Position::Time(last.timestamp_ms + 1)), [], "nothing is so late");
    }

    #[test]
    fn what_a_group_keeps_is_told_in_words() {
        let mut lab = Stepped::new(&LabOptions::new(false), 1_767_225_600_000);
        lab.pass(Duration::from_secs(6));
        let partition = lab.snapshot().groups["dashboard"].offsets_partition;
        let topic = CONSUMER_OFFSETS.into();
        let wanted = ReadFrom { topic, partition, from: Position::Earliest, max_records: 100, uncommitted: false };
        let read = decode(&take(lab.cluster(), &mut crate::engine::log::InMemory, &wanted).unwrap());
        let said: Vec<&str> = read.iter().filter_map(|record| Some(&*record.decoded.as_deref()?.line)).collect();
        assert_eq!(said.len(), read.len(), "all of it is told");
        let in_full = |record: &Record| record.decoded.as_ref().is_some_and(|decoded| &*decoded.parts[0].0 == "group");
        assert!(read.iter().all(in_full), "all of it is known here");
        for words in
            ["group dashboard: Stable, generation 1, range, 3 members", "group dashboard: trucks_gps-4 committed"]
        {
            assert!(said.iter().any(|line| line.starts_with(words)), "{words} in {said:#?}");
        }
    }
}

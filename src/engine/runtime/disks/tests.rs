//! The disks by themselves, with the core's part in the test's hand.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use super::*;
use crate::engine::config::Config;
use crate::engine::log::{Log, LogConfig};
use crate::engine::settings::Ratio;
use crate::protocol::records::{BatchBuilder, Compression, validate};

const BROKER: BrokerId = BrokerId(1);

/// The disks of two brokers in `folder`, and what their threads answer.
fn disks(folder: &Path) -> (LabFiles, Receiver<StorageDone>) {
    let Opened { mut disks, .. } = open(folder, &Config { brokers: 2, ..Config::new(1) }).unwrap();
    let (answer, answers) = sync_channel(8);
    disks.answer_to(Box::new(move |done| answer.send(done).unwrap()));
    (disks, answers)
}

/// A compacted log of three segments that hold a record of the same key each.
fn compacted(disks: &mut LabFiles, id: &TopicPartition) -> Log {
    disks.create(BROKER, id, Uuid::from_u128(1)).unwrap();
    let config = LogConfig { compact: true, min_cleanable_ratio: Ratio::from_ppm(0), ..LogConfig::default() };
    let mut log = Log::new(config);
    for value in ["1", "2", "3"] {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(1, Some(b"key"), Some(value.as_bytes()), &[]);
        log.append_as_leader(&validate(&builder.build()).unwrap(), 0, 0, disks.log(BROKER, id)).unwrap();
        log.roll(disks.log(BROKER, id)).unwrap();
    }
    log
}

/// Asks for what may be cleaned of a log, and waits until that is done.
fn clean(disks: &mut LabFiles, number: Id, id: &TopicPartition, log: &Log) -> Arc<CleanJob> {
    let cleanable = log.cleanable(log.log_end_offset(), 0).unwrap();
    let job = Arc::new(log.plan_cleaning(&cleanable, 0, usize::MAX));
    let work = StorageWork::Clean { partition: id.clone(), job: Arc::clone(&job) };
    assert!(disks.take_up(StorageJob { id: number, broker: BROKER, work }).is_none(), "it takes long");
    disks.finish_jobs();
    job
}

/// A broker is killed while a log of its is cleaned; the process after it has the same log cleaned before it hears of that.
#[test]
fn a_cleaning_that_nobody_wants_takes_nothing_from_the_one_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let id = TopicPartition::new("t", 0);
    let (mut disks, answers) = disks(folder.path());
    let mut log = compacted(&mut disks, &id);
    clean(&mut disks, 1, &id, &log);
    let job = clean(&mut disks, 2, &id, &log);

    let unwanted = answers.recv().unwrap();
    disks.answered(&unwanted);
    disks.settled(Time::ZERO);
    let wanted = answers.recv().unwrap();
    disks.answered(&wanted);
    let StorageOutcome::Cleaned(cleaned) = &wanted.outcome else { panic!("{wanted:?}") };
    assert!(log.take_up_cleaned(job.plan(), cleaned, disks.log(BROKER, &id)).unwrap());
    disks.settled(Time::ZERO);

    assert_eq!(offsets_in(&mut disks, &id), [2], "the newest of the key");
    drop(disks);
    let (mut disks, _answers) = self::disks(folder.path());
    assert_eq!(offsets_in(&mut disks, &id), [2], "and so says a start");
}

#[test]
fn a_flush_counts_though_another_broker_is_taken_up_again_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let id = TopicPartition::new("t", 0);
    let (mut disks, answers) = disks(folder.path());
    let end = compacted(&mut disks, &id).log_end_offset();
    let flush = StorageWork::Flush { partition: id.clone(), up_to: end };
    assert!(disks.take_up(StorageJob { id: 1, broker: BROKER, work: flush }).is_none());
    disks.take_up_again(BrokerId(2)).unwrap();
    disks.answered(&answers.recv().unwrap());
    assert_eq!(disks.place(BROKER, &id).unwrap().log.flushed_offset(), end);
}

/// As soon as there is something to write down: a crash must not leave a directory that is nobody's.
#[test]
fn whose_directory_it_is_stands_there_while_the_lab_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (mut disks, _answers) = disks(folder.path());
    for (number, cluster_id) in [(1, None), (2, Some("azAHYS6OTNO_F8rZr72CJA".into()))] {
        let checkpoint = Checkpoint { cluster_id: cluster_id.clone(), ..Checkpoint::default() };
        disks.take_up(StorageJob { id: number, broker: BROKER, work: StorageWork::Checkpoint(checkpoint) });
        disks.finish_jobs();
        let meta = std::fs::read_to_string(folder.path().join("broker-1/meta.properties")).ok();
        let wanted = cluster_id.map(|id| format!("#\nbroker.id=1\nversion=0\ncluster.id={id}\n"));
        assert_eq!(meta, wanted);
    }
}

/// A power loss of the machine must not find what came after the cut called flushed, as what was there before it was.
#[test]
fn a_cut_lowers_the_recovery_point_that_stands_there() {
    let folder = tempfile::tempdir().unwrap();
    let id = TopicPartition::new("t", 0);
    let (mut disks, _answers) = disks(folder.path());
    let end = compacted(&mut disks, &id).log_end_offset();
    let checkpoint = Checkpoint { recovery_points: [(id.clone(), end)].into(), ..Checkpoint::default() };
    disks.take_up(StorageJob { id: 1, broker: BROKER, work: StorageWork::Checkpoint(checkpoint) });
    disks.finish_jobs();
    let point = || std::fs::read_to_string(folder.path().join("broker-1/recovery-point-offset-checkpoint")).unwrap();
    assert!(point().contains(&format!("t 0 {end}")), "{}", point());
    disks.log(BROKER, &id).truncate_to(1, Duration::ZERO).unwrap();
    assert!(point().contains("t 0 1"), "{}", point());
}

/// The offsets of the batches with a record.
fn offsets_in(disks: &mut LabFiles, id: &TopicPartition) -> Vec<i64> {
    let batches = disks.log(BROKER, id).read(0, usize::MAX).unwrap();
    let filled = batches.iter().filter(|batch| batch.header.record_count > 0);
    filled.map(|batch| batch.header.base_offset).collect()
}

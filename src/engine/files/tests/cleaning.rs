//! Cleaned segments take the place of the old ones, whatever a crash or the log itself does meanwhile.

use super::*;

/// A log with segments at 0, 10, 20 and 30, the last one active, of two batches each.
fn make(folder: &Path) -> (FileLog, Vec<StoredBatch>) {
    let mut log = FileLog::create(folder, 0, None, config(), &Handles::new(8)).unwrap();
    let mut all = Vec::new();
    for base_offset in (0..40).step_by(5) {
        if base_offset % 10 == 0 {
            log.roll(base_offset, &Producers::default()).unwrap();
        }
        all.push(batch(base_offset, 5, base_offset, 1));
        log.append(all.last().unwrap()).unwrap();
    }
    (log, all)
}

/// The first batch of each ten goes; the segments at 0 and 10 become one, and that at 20 is written for itself.
fn clean(log: &FileLog) -> Cleaned {
    let mut cleaning = log.cleaning(0..30).unwrap();
    assert_eq!(cleaning.bases().collect::<Vec<_>>(), [0, 10, 20]);
    let kept: Vec<_> =
        cleaning.old().batches_from(0).map(Result::unwrap).filter(|batch| batch.header.base_offset % 10 == 5).collect();
    cleaning.write(0, kept[..2].to_vec()).unwrap();
    cleaning.write(20, kept[2..].to_vec()).unwrap();
    cleaning.finish().unwrap()
}

fn bases(log: &FileLog) -> Vec<i64> {
    log.read(0, usize::MAX, i64::MAX).unwrap().iter().map(|batch| batch.header.base_offset).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn they_take_the_place_of_the_old_ones() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("a-0");
    let (mut log, _) = make(&folder);
    let cleaned = clean(&log);
    log.append(&batch(40, 5, 40, 1)).expect("the log grows meanwhile");
    let read = log.reading(0, 1_000_000, 100);
    let generation = log.generation();
    let (swapped, removal) = log.swap(cleaned).unwrap();
    assert!(swapped && log.generation() > generation);
    assert_eq!(bases(&log), [5, 15, 25, 30, 35, 40]);
    assert_eq!(log.segments().map(|segment| segment.base_offset).collect::<Vec<_>>(), [0, 20, 30]);
    assert_eq!(log.searching_time(6).run().unwrap().unwrap().header.base_offset, 15);
    removal.run().unwrap();
    assert!(read.run().is_ok_and(|old| old.len() == 9) || read.run().is_err(), "the old one as a whole, or nothing");
    assert!(names(&folder).iter().all(|name| !name.ends_with(".deleted") && !name.ends_with(".cleaned")));
    let snapshots: Vec<_> = names(&folder).into_iter().filter(|name| name.ends_with(".snapshot")).collect();
    let of_segments = [20, 30].map(|base_offset| format!("{base_offset:020}.snapshot"));
    assert!(
        snapshots.iter().all(|name| of_segments.contains(name)),
        "those of segments that are no more stay: {snapshots:?}"
    );
    drop(log);
    for clean in [false, true] {
        let recovered = open(&folder, clean, 0, 0);
        assert_eq!((recovered.cuts.len(), recovered.log_end), (0, 45));
        assert_eq!(bases(&recovered.file_log), [5, 15, 25, 30, 35, 40]);
    }
}

/// The crash may come after any rename: what is there then is the old log or the new one.
#[test]
fn a_crash_leaves_the_old_or_the_new() {
    let (old, new) = ((0..40).step_by(5).collect::<Vec<i64>>(), vec![5, 15, 25, 30, 35]);
    let mut seen = [false, false];
    for renames in 0.. {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("a-0");
        let (mut log, _) = make(&folder);
        let cleaned = clean(&log);
        faults::set_renames(Some(renames));
        let swapped = log.swap(cleaned);
        faults::set_renames(None);
        assert!(swapped.as_ref().is_ok() || log.append(&batch(40, 5, 40, 1)).is_err(), "a torn log takes no append");
        drop(log);
        let recovered = open(&folder, false, 40, 0);
        let found = bases(&recovered.file_log);
        assert!(found == old || found == new, "after {renames} renames: {found:?}");
        assert!(recovered.cuts.is_empty());
        seen[usize::from(found == new)] = true;
        let left =
            names(&folder).into_iter().find(|name| ["leaned", "swap", "leted"].iter().any(|end| name.ends_with(end)));
        assert_eq!(left, None);
        if swapped.is_ok() {
            break;
        }
    }
    assert_eq!(seen, [true, true]);
}

#[test]
fn a_log_that_changed_meanwhile_is_not_swapped() {
    let changes: [fn(&mut FileLog) -> Removal; 3] =
        [|log| log.remove_before(10).unwrap(), |log| log.truncate_to(22).unwrap(), |log| log.restart_at(7).unwrap()];
    for change in changes {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("a-0");
        let (mut log, _) = make(&folder);
        let cleaned = clean(&log);
        change(&mut log).run().unwrap();
        let before = bases(&log);
        let (swapped, removal) = log.swap(cleaned).unwrap();
        assert!(!swapped);
        removal.run().unwrap();
        assert_eq!(bases(&log), before);
        assert!(names(&folder).iter().all(|name| !name.ends_with(".cleaned")));
    }
}

/// Whatever took them away: the old ones are all that there is then.
#[test]
fn nothing_is_let_go_for_cleaned_segments_that_are_not_there() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("a-0");
    let (mut log, all) = make(&folder);
    let cleaned = clean(&log);
    std::fs::remove_file(folder.join("00000000000000000000.log.cleaned")).unwrap();
    assert!(log.swap(cleaned).is_err());
    assert!(log.append(&batch(40, 5, 40, 1)).is_err(), "a torn log takes no append");
    drop(log);
    let recovered = open(&folder, false, 40, 0);
    assert_eq!((recovered.cuts.len(), bases(&recovered.file_log).len()), (0, all.len()));
}

#[test]
fn a_cleaning_begins_without_what_an_earlier_one_left() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("a-0");
    let (log, _) = make(&folder);
    let (before, _left) = (names(&folder), clean(&log));
    log.cleaning(10..20).unwrap().clear().unwrap();
    assert_eq!(names(&folder), before);
}

#[test]
fn what_was_not_finished_is_removed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("a-0");
    let (log, all) = make(&folder);
    assert!(log.cleaning(30..100).is_none(), "the active segment is never cleaned");
    let mut cleaning = log.cleaning(10..20).unwrap();
    cleaning.write(10, all[2..3].to_vec()).unwrap();
    cleaning.abandon().run().unwrap();
    let mut cleaning = log.cleaning(10..20).unwrap();
    cleaning.write(10, all[2..3].to_vec()).unwrap();
    drop((cleaning, log));
    let recovered = open(&folder, false, 40, 0);
    let undone = recovered.repairs.iter().filter(|repair| repair.what == "removed: its cleaning was not finished");
    assert_eq!(undone.count(), 1);
    assert_eq!(bases(&recovered.file_log).len(), all.len());
}

#[test]
fn a_batch_larger_than_a_piece_is_cleaned_too() {
    let temporary = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(temporary.path(), 0, None, config(), &Handles::new(8)).unwrap();
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(1, None, Some(&vec![7; 3 << 20]), &[]);
    let large = produced(builder, 0, 0, 1, 1);
    log.append_all(&[large.clone(), batch(1, 5, 2, 1)]).unwrap();
    log.roll(6, &Producers::default()).unwrap();
    let read: Vec<_> = log.cleaning(0..6).unwrap().old().batches_from(0).map(Result::unwrap).collect();
    assert_eq!(read, [large, batch(1, 5, 2, 1)]);
}

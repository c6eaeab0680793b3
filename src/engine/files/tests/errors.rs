//! A disk that is full or gone: what was refused is not in the log, and a log that is torn says so.

use super::*;

/// Lets faults end with the test that wanted them.
struct Faults;

impl Drop for Faults {
    fn drop(&mut self) {
        faults::set_room(None);
        faults::set_renames(None);
        faults::set_cuts_fail(false);
    }
}

fn log(folder: &Path) -> FileLog {
    FileLog::create(&folder.join("a-0"), 0, None, config(), &Handles::new(8)).unwrap()
}

#[test]
fn what_found_no_room_is_not_in_the_log() {
    let _faults = Faults;
    for room in [0, 1, 30, 61, 62, 700, 900] {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path());
        let kept = [batch(0, 2, 5, 1), batch(2, 3, 6, 1)];
        log.append_all(&kept).unwrap();
        let before: Vec<_> = log.segments().collect();
        faults::set_room(Some(room));
        let refused = [batch(5, 5, 7, 1), batch(10, 5, 8, 1), batch(15, 5, 9, 1)];
        let error = log.append_all(&refused).unwrap_err();
        let system = error.source.to_string();
        assert!(error.to_string().starts_with(&format!("{system}: cannot append to ")) && !error.torn, "{error}");
        faults::set_room(None);
        assert_eq!(log.segments().collect::<Vec<_>>(), before, "room for {room} bytes");
        assert_eq!(log.read(0, usize::MAX, i64::MAX).unwrap(), kept);
        log.append_all(&refused).expect("there is room again");
        assert_eq!(log.read(0, usize::MAX, i64::MAX).unwrap().len(), 5);
        drop(log);
        let recovered = open(&folder.path().join("a-0"), false, 0, 0);
        assert_eq!((recovered.log_end, recovered.cuts.len()), (20, 0));
    }
}

#[test]
fn a_batch_that_lies_before_the_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    log.append(&batch(0, 3, 5, 1)).unwrap();
    for wrong in [vec![batch(2, 1, 6, 1)], vec![batch(0, 3, 6, 1)], vec![batch(3, 2, 6, 1), batch(4, 1, 6, 1)]] {
        let error = log.append_all(&wrong).unwrap_err();
        assert!(error.to_string().contains("and the log ends at") && !error.torn, "{error}");
        assert_eq!((log.end_offset(), log.read(0, usize::MAX, i64::MAX).unwrap().len()), (3, 1), "nothing is written");
    }
    // Compaction leaves gaps, and a follower copies them.
    log.append_all(&[batch(7, 1, 6, 1), batch(9, 1, 6, 1)]).unwrap();
    assert_eq!(log.end_offset(), 10);
}

#[test]
fn an_index_that_finds_no_room_refuses_the_batch() {
    let _faults = Faults;
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    let mut end = 0;
    // The index gets its entries every 200 bytes: one of these batches finds no room for it.
    for room_behind_it in [0, 4, 8, 13] {
        let next = batch(end, 8, end, 1);
        faults::set_room(Some(next.size_bytes() as usize + room_behind_it));
        match log.append(&next) {
            Ok(()) => end += 8,
            Err(error) => assert!(error.to_string().contains("index"), "{error}"),
        }
        assert_eq!(log.end_offset(), end);
        let there = log.read(0, usize::MAX, i64::MAX).unwrap();
        assert_eq!(there.last().map_or(0, |last| last.header.next_offset()), end);
    }
    faults::set_room(None);
    assert_eq!(end, 8, "the first one needed no entry");
    log.append(&batch(8, 8, 50, 1)).unwrap();
    assert_eq!(log.searching_time(50).run().unwrap().unwrap().header.base_offset, 8);
}

#[test]
fn a_log_that_cannot_be_cut_back_takes_no_append() {
    let _faults = Faults;
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    log.append(&batch(0, 5, 1, 1)).unwrap();
    faults::set_room(Some(100));
    faults::set_cuts_fail(true);
    let error = log.append(&batch(5, 5, 2, 1)).unwrap_err();
    assert!(error.torn && error.to_string().ends_with("cannot be undone"), "{error}");
    drop(Faults);
    assert!(log.append(&batch(5, 5, 2, 1)).unwrap_err().torn);
    assert!(log.roll(5, &Producers::default()).unwrap_err().torn);
    assert_eq!(log.read(0, usize::MAX, i64::MAX).unwrap().len(), 1, "it may be read");
    drop(log);
    let recovered = open(&folder.path().join("a-0"), false, 5, 0);
    assert_eq!((recovered.log_end, recovered.cuts[0].bytes), (5, 100), "recovery puts it right");
}

/// The same with a device of Linux's that is always full, and that cannot be cut.
#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    drop(log(folder.path()));
    let recovered = open(&folder.path().join("a-0"), false, 0, 0);
    let mut log = recovered.file_log;
    let path = log_path(&folder.path().join("a-0"), 0);
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    log.handles.forget_all();
    let error = log.append(&batch(0, 5, 1, 1)).unwrap_err();
    assert_eq!(error.source.kind(), std::io::ErrorKind::StorageFull);
    assert!(error.torn);
}

#[test]
fn a_batch_too_far_for_the_index_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    let error = log.append(&batch(i64::from(i32::MAX), 5, 1, 1)).unwrap_err();
    assert!(error.to_string().contains("too far from the segment's beginning"), "{error}");
    log.append(&batch(i64::from(i32::MAX) - 4, 5, 1, 1)).expect("this is the last one that it can hold");
}

/// A step that takes away a part of a log.
type Shorten = fn(&mut FileLog) -> Result<Removal, FileError>;

/// Whatever rename a crash comes after, what is left is a log: a beginning of the old one, or the new one.
#[test]
fn a_crash_between_two_renames_leaves_a_log() {
    let _faults = Faults;
    let steps: [(Shorten, &str); 3] = [
        (|log| log.truncate_to(7), "truncate"),
        (|log| log.remove_before(20), "remove"),
        (|log| log.restart_at(20), "restart"),
    ];
    for (step, name) in steps {
        let mut finished = false;
        for renames in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let mut log = log(folder.path());
            let mut all = Vec::new();
            for base_offset in [0, 5, 10, 15, 20, 25] {
                if base_offset % 10 == 0 {
                    log.roll(base_offset, &Producers::default()).unwrap();
                }
                all.push(batch(base_offset, 5, base_offset, 1));
                log.append(all.last().unwrap()).unwrap();
            }
            faults::set_renames(Some(renames));
            finished = step(&mut log).is_ok();
            faults::set_renames(None);
            drop(log);
            let recovered = open(&folder.path().join("a-0"), false, 0, 0);
            let left = recovered.file_log.read(0, usize::MAX, i64::MAX).unwrap();
            let part = all.windows(left.len().max(1)).any(|window| window == left) || left.is_empty();
            assert!(part && recovered.cuts.is_empty(), "{name}, {renames}: {left:?}");
            if finished {
                let bases: Vec<_> = left.iter().map(|batch| batch.header.base_offset).collect();
                let wanted: &[i64] = match name {
                    "truncate" => &[0],
                    "remove" => &[20, 25],
                    _ => &[],
                };
                assert_eq!(bases, wanted, "{name}");
                break;
            }
        }
        assert!(finished, "{name}");
    }
}

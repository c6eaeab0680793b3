//! A bounded pool of open files: those used last stay open, the others are opened again when they are wanted.
//!
//! A log has three files for each segment, and a broker has thousands of logs; a process has a thousand or so handles. So
//! nobody keeps a handle: whoever wants a file asks the pool with the file's key, and tells it how the path is to be made
//! where the file has to be opened. A key stays with its file: what is removed and made anew has another one.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many stay open at most.
const MOST: u64 = 4096;

/// Which file: a segment's number, and which of its files.
pub(super) type Key = (u64, u8);

/// The open files of a data directory; a clone shares them. A worker that uses one keeps it open meanwhile, even where the
/// pool has let go of it, so the bound is the pool's and one for each thread.
#[derive(Clone, Debug)]
pub struct Handles {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    most: usize,
    next_segment: AtomicU64,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    files: BTreeMap<Key, Slot>,
    /// Counts uses: the date of the last one.
    uses: u64,
}

#[derive(Debug)]
struct Slot {
    file: Arc<File>,
    last_use: u64,
}

impl Handles {
    /// A pool that keeps `most` files open, at least 8.
    pub fn new(most: usize) -> Self {
        Self { pool: Arc::new(Pool { most: most.max(8), next_segment: AtomicU64::new(0), open: Mutex::default() }) }
    }

    /// How many files it keeps open.
    pub fn most(&self) -> usize {
        self.pool.most
    }

    /// How many files it has open now.
    pub fn open_count(&self) -> usize {
        self.open().files.len()
    }

    /// A number for a segment, which no other one gets.
    pub(super) fn next_segment(&self) -> u64 {
        self.pool.next_segment.fetch_add(1, Ordering::Relaxed)
    }

    /// The file of `key`, to be read and to be appended to; opened where it is not open. It has to exist.
    pub(super) fn get(&self, key: Key, path: impl FnOnce() -> PathBuf) -> io::Result<Arc<File>> {
        if let Some(file) = self.open().touch(key) {
            return Ok(file);
        }
        // Opened without the lock: two threads may both do it, and the later one's stays.
        let file = Arc::new(OpenOptions::new().read(true).append(true).open(path())?);
        self.put(key, Arc::clone(&file));
        Ok(file)
    }

    /// Takes up a file that was opened elsewhere.
    pub(super) fn put(&self, key: Key, file: Arc<File>) {
        let mut open = self.open();
        if open.files.len() >= self.pool.most {
            open.close_idle(self.pool.most / 4);
        }
        open.uses += 1;
        let last_use = open.uses;
        open.files.insert(key, Slot { file, last_use });
    }

    /// Closes the files of a segment: they were renamed or removed.
    pub(super) fn forget(&self, segment: u64) {
        let mut open = self.open();
        let mut newer = open.files.split_off(&(segment, 0));
        open.files.append(&mut newer.split_off(&(segment + 1, 0)));
    }

    /// Closes all files.
    #[cfg(test)]
    pub(super) fn forget_all(&self) {
        self.open().files.clear();
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        // The map is whole at every moment: a thread that panicked elsewhere has not harmed it.
        self.pool.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Handles {
    /// A quarter of the files that the process may open: sockets need the others.
    fn default() -> Self {
        Self::new(usize::try_from(allowed_files().min(4 * MOST) / 4).unwrap_or(usize::MAX))
    }
}

/// How many files this process may have open.
#[cfg(unix)]
fn allowed_files() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Where the system does not say it: enough for a laboratory.
#[cfg(not(unix))]
fn allowed_files() -> u64 {
    1024
}

impl Open {
    fn touch(&mut self, key: Key) -> Option<Arc<File>> {
        self.uses += 1;
        let slot = self.files.get_mut(&key)?;
        slot.last_use = self.uses;
        Some(Arc::clone(&slot.file))
    }

    /// Closes the `count` files that were used longest ago: many at once, so that it is seldom done.
    fn close_idle(&mut self, count: usize) {
        let mut by_use: Vec<(u64, Key)> = self.files.iter().map(|(key, slot)| (slot.last_use, *key)).collect();
        by_use.sort_unstable();
        for (_, key) in by_use.into_iter().take(count.max(1)) {
            self.files.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_files_that_were_used_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = |n: u64| folder.path().join(n.to_string());
        (0..20).for_each(|n| std::fs::write(path(n), n.to_string()).unwrap());
        let handles = Handles::new(8);
        for n in 0..20 {
            handles.get((n, 0), || path(n)).unwrap();
            handles.get((0, 0), || path(0)).unwrap();
            assert!(handles.open_count() <= 8);
        }
        handles.get((0, 0), || panic!("0 is used all the time")).unwrap();
        handles.get((19, 0), || panic!("19 was used last")).unwrap();
        let mut reopened = false;
        handles
            .get((1, 0), || {
                reopened = true;
                path(1)
            })
            .unwrap();
        assert!(reopened, "1 was used long ago");
    }

    #[test]
    fn what_is_forgotten_is_one_segments() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "a").unwrap();
        let handles = Handles::new(8);
        for key in [(1, 2), (2, 0), (2, 1), (2, 2), (3, 0)] {
            handles.get(key, || path.clone()).unwrap();
        }
        handles.forget(2);
        assert_eq!(handles.open_count(), 2);
        handles.get((1, 2), || panic!()).unwrap();
        handles.get((3, 0), || panic!()).unwrap();
        assert!(handles.get((2, 1), || folder.path().join("gone")).is_err(), "missing files are not made");
    }
}

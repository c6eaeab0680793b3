//! The threads that wait for the disk, so that the engine's does not: one flushes, writes checkpoints and unlinks, in the order
//! in which it was asked; another one reads, and so never waits for a flush; a third one compacts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

type Task = Box<dyn FnOnce() + Send>;

/// So many tasks wait for a thread at most: more than logs have at a time. Then the engine waits for the disk.
const LINE: usize = 65_536;
/// How many threads there are.
const LINES: usize = 3;

/// The way to the threads. A clone leads to the same ones.
#[derive(Clone)]
pub(super) struct Workers {
    syncs: SyncSender<Task>,
    reads: SyncSender<Task>,
    cleanings: SyncSender<Task>,
    ending: Arc<AtomicBool>,
}

impl Workers {
    /// Starts them.
    pub(super) fn start() -> std::io::Result<Self> {
        let (syncs, to_sync) = sync_channel(LINE);
        let (reads, to_read) = sync_channel(LINE);
        let (cleanings, to_clean) = sync_channel(LINE);
        thread("disk-sync", to_sync)?;
        thread("disk-read", to_read)?;
        thread("disk-clean", to_clean)?;
        Ok(Self { syncs, reads, cleanings, ending: Arc::default() })
    }

    /// Something for the thread that flushes.
    pub(super) fn sync(&self, task: impl FnOnce() + Send + 'static) {
        send(&self.syncs, task);
    }

    /// Something for the thread that reads.
    pub(super) fn read(&self, task: impl FnOnce() + Send + 'static) {
        send(&self.reads, task);
    }

    /// Something for the thread that compacts. Nothing comes of it if the lab ends before its turn.
    pub(super) fn clean(&self, task: impl FnOnce() + Send + 'static) {
        let ending = Arc::clone(&self.ending);
        send(&self.cleanings, move || {
            if !ending.load(Ordering::Relaxed) {
                task();
            }
        });
    }

    /// The lab ends: waits for what cannot be done later, and so not for compactions that have not begun.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        self.finish();
    }

    /// Waits until everything that was asked for so far is done.
    pub(super) fn finish(&self) {
        let (done, dones) = sync_channel(LINES);
        for line in [&self.syncs, &self.reads, &self.cleanings] {
            let done = done.clone();
            send(line, move || {
                // Nobody waits any more: that is fine.
                let _ = done.send(());
            });
        }
        drop(done);
        // It ends when all have said so, or ended.
        while dones.recv().is_ok() {}
    }
}

fn send(line: &SyncSender<Task>, task: impl FnOnce() + Send + 'static) {
    // A thread ends only with its senders, or by a panic in a task, which it has told of.
    if line.send(Box::new(task)).is_err() {
        tracing::error!("a thread for the disks has ended");
    }
}

/// A thread that ends with the last of those who send to it.
fn thread(name: &str, tasks: Receiver<Task>) -> std::io::Result<()> {
    let work = move || tasks.into_iter().for_each(|task| task());
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

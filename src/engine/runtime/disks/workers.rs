//! The threads that wait for the disk, so that the engine's does not: one flushes, writes checkpoints and unlinks, in the order
//! in which it was asked; another one reads, and so never waits for a flush; a third one compacts.

use std::sync::mpsc::{Receiver, Sender, channel};

type Task = Box<dyn FnOnce() + Send>;

/// The way to the threads. A clone leads to the same ones.
#[derive(Clone)]
pub(super) struct Workers {
    syncs: Sender<Task>,
    reads: Sender<Task>,
    cleanings: Sender<Task>,
}

impl Workers {
    /// Starts them.
    pub(super) fn start() -> std::io::Result<Self> {
        let ((syncs, to_sync), (reads, to_read), (cleanings, to_clean)) = (channel(), channel(), channel());
        thread("disk-sync", to_sync)?;
        thread("disk-read", to_read)?;
        thread("disk-clean", to_clean)?;
        Ok(Self { syncs, reads, cleanings })
    }

    /// Something for the thread that flushes.
    pub(super) fn sync(&self, task: impl FnOnce() + Send + 'static) {
        send(&self.syncs, task);
    }

    /// Something for the thread that reads.
    pub(super) fn read(&self, task: impl FnOnce() + Send + 'static) {
        send(&self.reads, task);
    }

    /// Something for the thread that compacts.
    pub(super) fn clean(&self, task: impl FnOnce() + Send + 'static) {
        send(&self.cleanings, task);
    }

    /// Waits until everything that was asked for so far is done.
    pub(super) fn finish(&self) {
        let (done, dones) = channel();
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

fn send(line: &Sender<Task>, task: impl FnOnce() + Send + 'static) {
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

//! A broker's disk (`--data-dir`): Kafka's own folders and files, so that Kafka's own tools read what the lab wrote, and
//! the lab what a Kafka 3.9 wrote. It knows batches, offsets and files, and nothing of brokers, leaders or clients.
//!
//! ```text
//! DATA/lock, DATA/format                         one kscope at a time; version, shape, cluster id   data_dir
//! DATA/broker-1/meta.properties, ..-checkpoint   what Kafka keeps per log directory                 broker_dir
//! DATA/broker-1/orders-0/                        one replica: FileLog                               log
//!     00000000000000000000.log                   batches, back to back                              segment
//!     00000000000000000000.index, .timeindex     where they are, sparsely                           index
//!     00000000000000000153.snapshot              the producers at that offset                       snapshot
//!     leader-epoch-checkpoint, partition.metadata
//! ```
//!
//! # Who does what
//! The core is a value and stays one: it keeps a log's offsets and sizes, and calls its [`FileLog`] for what does not
//! wait (append to the page cache, roll, truncate). What waits leaves as a job that owns what it needs and may run on any
//! thread: [`Flush`], [`Removal`], [`Read`], [`Cleaning`]. [`recovery::open`] makes a [`FileLog`] of a folder again.
//!
//! # What must hold
//! - What an append refused is not in the log: the file is cut back. Where that fails too, the error says so
//!   ([`FileError::torn`]) and the log takes no later append.
//! - A half-finished step leaves the old or the new, never a mixture: renames in Kafka's order, texts by a rename.
//! - A job may come too late: what it wants to read or flush may have been cut or removed. It then finds nothing, and
//!   [`FileLog::generation`] tells its owner that what it found no longer counts.
//! - Handles are few: a [`Handles`] pool keeps the ones used last, and 10,000 logs need no 30,000 of them.
//!
//! Everything here is an edge of the core: it may open files, and nothing else may.

pub mod broker_dir;
mod clean;
pub mod data_dir;
mod error;
#[cfg(test)]
mod faults;
mod folder;
mod handles;
mod index;
mod jobs;
mod log;
mod platform;
mod read;
pub mod recovery;
mod segment;
mod snapshot;
mod text;
mod walk;
pub mod zookeeper;

pub use clean::{Cleaned, Cleaning, Old};
pub use error::FileError;
pub use handles::Handles;
pub use jobs::{Flush, Removal};
pub use log::{FileConfig, FileLog};
pub use read::{Read, Search};

#[cfg(test)]
mod tests;

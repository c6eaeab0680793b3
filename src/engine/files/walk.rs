//! A walk over the batches of a segment's file: heads alone, or whole batches with their checksums.
//!
//! It reads ahead in pieces and jumps over what it is not asked for. It ends at the first thing that is no batch, and says
//! what that is.

use std::fs::File;
use std::io;

use thiserror::Error;

use super::platform::read_exact_at;
use crate::protocol::records::header::CRC_FROM;
use crate::protocol::records::{BatchError, BatchHeader, HEAD_BYTES};

/// How much is read at once by a walk over heads, which may jump over most of it.
const HEADS_AT_ONCE: u64 = 16 * 1024;
/// How much is read at once by a walk over whole batches.
const BATCHES_AT_ONCE: u64 = 1024 * 1024;

/// Why a log ends where it does.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Damage {
    /// The file ends within a batch.
    #[error("the file ends within a batch")]
    Torn,
    /// What a crash leaves of a file that was made longer and not written.
    #[error("there are zeroes where a batch should be")]
    Zeroes,
    /// No head, or not the batch that was written.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Its offsets do not follow those of the batch before.
    #[error("a batch begins at offset {base_offset}, where {wanted} or more was to come")]
    Order {
        /// What its head says.
        base_offset: i64,
        /// What was to come.
        wanted: i64,
    },
    /// Its offsets belong to a later segment, or are too large for this one's indexes.
    #[error("a batch ends at offset {last_offset}, and its segment can hold none from {end} on")]
    Reach {
        /// What its head says.
        last_offset: i64,
        /// The first offset that the segment cannot hold.
        end: i64,
    },
}

/// A batch that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Where it begins.
    pub(super) position: u64,
    /// Its head.
    pub(super) header: BatchHeader,
}

/// The walk. See the [module](self).
#[derive(Debug)]
pub(super) struct Walk<'a> {
    file: &'a File,
    position: u64,
    end: u64,
    /// Whether checksums are compared.
    whole: bool,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    buffer_at: u64,
}

impl<'a> Walk<'a> {
    /// Over the heads in `file` from `position` up to `end`, its size.
    pub(super) fn heads(file: &'a File, position: u64, end: u64) -> Self {
        Self { file, position, end, whole: false, buffer: Vec::new(), buffer_at: 0 }
    }

    /// The same, over whole batches.
    pub(super) fn batches(file: &'a File, position: u64, end: u64) -> Self {
        Self { whole: true, ..Self::heads(file, position, end) }
    }

    /// The next batch; `None` at the end. Damage ends the walk where it is found.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Found, Damage>>> {
        let left = self.end.saturating_sub(self.position);
        if left == 0 {
            return Ok(None);
        }
        let position = self.position;
        Ok(Some(match self.check(left)? {
            Ok(header) => {
                self.position += header.size_bytes() as u64;
                Ok(Found { position, header })
            }
            Err(damage) => {
                self.end = position;
                Err(damage)
            }
        }))
    }

    /// Looks at what begins at the position, with `left` bytes before the end.
    fn check(&mut self, left: u64) -> io::Result<Result<BatchHeader, Damage>> {
        let head = self.bytes(left.min(HEAD_BYTES as u64))?;
        let all_zero = head.iter().all(|byte| *byte == 0);
        let header = match BatchHeader::parse(head) {
            Ok(header) => header,
            Err(_) if all_zero => return Ok(Err(Damage::Zeroes)),
            Err(BatchError::Truncated { .. }) => return Ok(Err(Damage::Torn)),
            Err(error) => return Ok(Err(error.into())),
        };
        let size = header.size_bytes() as u64;
        if size > left {
            return Ok(Err(Damage::Torn));
        }
        if self.whole {
            let counted = self.bytes(size)?.get(CRC_FROM..).unwrap_or_default();
            if crc32c::crc32c(counted) != header.crc {
                return Ok(Err(BatchError::Checksum.into()));
            }
        }
        Ok(Ok(header))
    }

    /// The next `count` bytes, which the file has.
    fn bytes(&mut self, count: u64) -> io::Result<&[u8]> {
        let buffered = self.buffer_at + self.buffer.len() as u64;
        if self.position < self.buffer_at || self.position + count > buffered {
            let at_once = if self.whole { BATCHES_AT_ONCE } else { HEADS_AT_ONCE };
            let wanted = count.max(at_once).min(self.end - self.position);
            self.buffer.resize(usize::try_from(wanted).map_err(io::Error::other)?, 0);
            self.buffer_at = self.position;
            read_exact_at(self.file, &mut self.buffer, self.position)?;
        }
        let from = usize::try_from(self.position - self.buffer_at).unwrap_or(usize::MAX);
        let to = from.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
        self.buffer.get(from..to).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

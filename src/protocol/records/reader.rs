//! Batches out of a rope of bytes, without copying bodies where the rope does not cut through them.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::header::HEAD_BYTES;
use super::{BatchError, BatchHeader};
use crate::protocol::Records;

/// Reads one batch after the other: its head and its body. The last one may be cut off, as in the answer to a fetch; its
/// body is then shorter than the head says.
#[derive(Debug)]
pub struct BatchReader {
    chunks: VecDeque<Bytes>,
    left: usize,
}

impl BatchReader {
    /// Over the batches of `records`.
    pub fn new(records: &Records) -> Self {
        Self { chunks: records.chunks().cloned().collect(), left: records.len() }
    }

    /// The next `size` bytes, or all that are left.
    fn take(&mut self, size: usize) -> Bytes {
        let size = size.min(self.left);
        self.left -= size;
        match self.chunks.front_mut() {
            Some(first) if first.len() >= size => {
                let taken = first.split_to(size);
                if first.is_empty() {
                    self.chunks.pop_front();
                }
                taken
            }
            _ => self.gather(size),
        }
    }

    fn gather(&mut self, mut size: usize) -> Bytes {
        let mut gathered = BytesMut::with_capacity(size);
        while size > 0 {
            let Some(mut chunk) = self.chunks.pop_front() else { break };
            let part = chunk.split_to(chunk.len().min(size));
            size -= part.len();
            gathered.extend_from_slice(&part);
            if !chunk.is_empty() {
                self.chunks.push_front(chunk);
            }
        }
        gathered.freeze()
    }
}

impl Iterator for BatchReader {
    type Item = Result<(BatchHeader, Bytes), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let head = self.take(HEAD_BYTES);
        let header = match BatchHeader::parse(&head) {
            Ok(header) => header,
            Err(error) => {
                self.left = 0;
                return Some(Err(error));
            }
        };
        let body = self.take(header.body_bytes());
        Some(Ok((header, body)))
    }
}

impl Records {
    /// How many records the whole batches in it have, as their heads say.
    pub fn record_count(&self) -> u64 {
        BatchReader::new(self)
            .map_while(Result::ok)
            .map(|(header, _)| u64::try_from(header.record_count).unwrap_or(0))
            .sum()
    }
}

//! A batch from records: what a producer does.

use bytes::{Bytes, BytesMut};

use super::compression::Compression;
use super::header::{Attributes, BatchHeader, HEAD_BYTES, LENGTH_OVERHEAD};
use super::record::{self, Deltas, Header};
use crate::protocol::Records;

/// Builds one batch. Offsets begin at 0: the leader gives out the true ones.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    compression: Compression,
    producer: Option<(i64, i16, i32)>,
    first_timestamp: Option<i64>,
    max_timestamp: i64,
    count: i32,
    plain: BytesMut,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(compression: Compression) -> Self {
        Self { compression, producer: None, first_timestamp: None, max_timestamp: -1, count: 0, plain: BytesMut::new() }
    }

    /// As of an idempotent producer: its id, its epoch, the sequence number of the first record.
    #[must_use]
    pub fn producer(mut self, id: i64, epoch: i16, sequence: i32) -> Self {
        self.producer = Some((id, epoch, sequence));
        self
    }

    /// Adds a record.
    pub fn push(&mut self, timestamp_ms: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) {
        let first = *self.first_timestamp.get_or_insert(timestamp_ms);
        let deltas = Deltas { timestamp: timestamp_ms - first, offset: self.count };
        record::put(&mut self.plain, &deltas, key, value, headers);
        self.max_timestamp = self.max_timestamp.max(timestamp_ms);
        self.count += 1;
    }

    /// How many records it has.
    pub fn len(&self) -> i32 {
        self.count
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of the records so far, before compression.
    pub fn plain_bytes(&self) -> usize {
        self.plain.len()
    }

    /// The batch as one chunk. A codec that fails leaves it uncompressed.
    pub fn build(self) -> Records {
        let plain = self.plain.freeze();
        let (compression, body) = match self.compression {
            Compression::None => (Compression::None, plain),
            codec => match codec.compress(&plain) {
                Ok(packed) => (codec, Bytes::from(packed)),
                Err(_) => (Compression::None, plain),
            },
        };
        let (producer_id, producer_epoch, base_sequence) = self.producer.unwrap_or((-1, -1, -1));
        let mut header = BatchHeader {
            base_offset: 0,
            batch_length: i32::try_from(HEAD_BYTES - LENGTH_OVERHEAD + body.len()).unwrap_or(i32::MAX),
            leader_epoch: -1,
            crc: 0,
            attributes: Attributes::default().with_compression(compression),
            last_offset_delta: (self.count - 1).max(0),
            base_timestamp: self.first_timestamp.unwrap_or(-1),
            max_timestamp: self.max_timestamp,
            producer_id,
            producer_epoch,
            base_sequence,
            record_count: self.count,
        };
        header.crc = header.checksum(&body);
        let mut bytes = BytesMut::with_capacity(HEAD_BYTES + body.len());
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(&body);
        Records::from(bytes.freeze())
    }
}

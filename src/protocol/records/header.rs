//! The head of a record batch: its 61 bytes as a value, read and written in one place.
//!
//! Source: Kafka's protocol guide, "Record Batch" (KIP-98), and `DefaultRecordBatch`. The head is followed by the
//! records, compressed or not; nothing in here looks at them.

use bytes::Buf;

use super::BatchError;
use super::compression::Compression;

/// How long the head of a magic 2 batch is: everything before the first record.
pub const HEAD_BYTES: usize = 61;

/// The base offset and the length field, which the batch's own length does not count.
pub const LENGTH_OVERHEAD: usize = 12;

/// The byte from which on the CRC counts. What stands before (base offset, length, leader epoch, magic, CRC) may be
/// rewritten without computing it again: that is how a leader gives out offsets.
pub const CRC_FROM: usize = 21;

/// Where the number of the format stands.
const MAGIC_AT: usize = 16;

/// The only format that the lab stores: batches since Kafka 0.11.
pub const MAGIC: i8 = 2;

/// "No timestamp", "no producer", "no epoch", "no sequence", as the wire says them.
pub const NONE: i64 = -1;

/// Whether a batch's records carry the time of their creation or that of their append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// What the client said (`CreateTime`).
    #[default]
    CreateTime,
    /// The broker's date at the append (`LogAppendTime`): the batch's largest timestamp holds for all its records.
    LogAppendTime,
}

/// The batch's attributes: compression, kind of timestamp, transactional, control, delete horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(pub i16);

impl Attributes {
    const COMPRESSION: i16 = 0x07;
    const LOG_APPEND_TIME: i16 = 0x08;
    const TRANSACTIONAL: i16 = 0x10;
    const CONTROL: i16 = 0x20;
    const DELETE_HORIZON: i16 = 0x40;

    /// The compression of the records; `None` where the number is of no codec that Kafka has.
    pub fn compression(self) -> Option<Compression> {
        Compression::from_id(self.0 & Self::COMPRESSION)
    }

    /// What the timestamps mean.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 { TimestampType::CreateTime } else { TimestampType::LogAppendTime }
    }

    /// Whether the records belong to a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds a marker that ends a transaction, which no consumer is shown.
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the head's base timestamp is the date until which compaction keeps the batch's tombstones (KIP-534).
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// These with `compression`.
    #[must_use]
    pub fn with_compression(self, compression: Compression) -> Self {
        Self((self.0 & !Self::COMPRESSION) | compression.id())
    }

    /// These with the timestamps of the append.
    #[must_use]
    pub fn with_log_append_time(self) -> Self {
        Self(self.0 | Self::LOG_APPEND_TIME)
    }

    /// These with the timestamps of the records' creation.
    #[must_use]
    pub fn with_create_time(self) -> Self {
        Self(self.0 & !Self::LOG_APPEND_TIME)
    }

    /// These, as part of a transaction.
    #[must_use]
    pub fn with_transactional(self) -> Self {
        Self(self.0 | Self::TRANSACTIONAL)
    }

    /// These, with or without a delete horizon.
    #[must_use]
    pub fn with_delete_horizon(self, has: bool) -> Self {
        Self(if has { self.0 | Self::DELETE_HORIZON } else { self.0 & !Self::DELETE_HORIZON })
    }

    /// These, as a transaction's marker.
    #[must_use]
    pub fn with_control(self) -> Self {
        Self(self.0 | Self::CONTROL)
    }
}

/// A batch's head, field by field. The magic byte is not kept: it is always [`MAGIC`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record that the batch was written with, even if compaction took that record.
    pub base_offset: i64,
    /// How many bytes follow the length field: 49 (an empty batch) and up.
    pub batch_length: i32,
    /// The epoch of the leader that appended it; -1 before that.
    pub leader_epoch: i32,
    /// CRC-32C of everything from byte [`CRC_FROM`] on.
    pub crc: u32,
    /// Compression, kind of timestamp, transactional, control.
    pub attributes: Attributes,
    /// The last record's offset minus `base_offset`; 0 and up. Compaction keeps it.
    pub last_offset_delta: i32,
    /// What the records' timestamps are counted from, ms since 1970; -1 for none. The delete horizon, where the
    /// attributes say so.
    pub base_timestamp: i64,
    /// The largest timestamp of a record, or the date of the append (see [`TimestampType`]); -1 for none.
    pub max_timestamp: i64,
    /// The idempotent producer's id; -1 for none.
    pub producer_id: i64,
    /// The producer's epoch; -1 for none.
    pub producer_epoch: i16,
    /// The sequence number of the first record; -1 for none.
    pub base_sequence: i32,
    /// How many records there are. Compaction lowers it.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads a head from its 61 bytes.
    ///
    /// # Errors
    /// [`BatchError::TooSmall`] if it says to be shorter than a head; [`BatchError::UnknownMagic`] or
    /// [`BatchError::OldMagic`] if it is none of magic 2; [`BatchError::Truncated`] if there are fewer than 61 bytes and
    /// those that are there say neither.
    pub fn parse(head: &[u8]) -> Result<Self, BatchError> {
        check_beginning(head)?;
        let header = Self::take(&mut &*head).map_err(|_| BatchError::Truncated { bytes: head.len() })?;
        if header.size_bytes() < HEAD_BYTES {
            return Err(BatchError::TooSmall { batch_length: header.batch_length });
        }
        Ok(header)
    }

    fn take(head: &mut &[u8]) -> Result<Self, bytes::TryGetError> {
        let base_offset = head.try_get_i64()?;
        let batch_length = head.try_get_i32()?;
        let leader_epoch = head.try_get_i32()?;
        head.try_get_i8()?;
        Ok(Self {
            base_offset,
            batch_length,
            leader_epoch,
            crc: head.try_get_u32()?,
            attributes: Attributes(head.try_get_i16()?),
            last_offset_delta: head.try_get_i32()?,
            base_timestamp: head.try_get_i64()?,
            max_timestamp: head.try_get_i64()?,
            producer_id: head.try_get_i64()?,
            producer_epoch: head.try_get_i16()?,
            base_sequence: head.try_get_i32()?,
            record_count: head.try_get_i32()?,
        })
    }

    /// The 61 bytes.
    pub fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        let mut rest: &mut [u8] = &mut head;
        for field in [
            &self.base_offset.to_be_bytes()[..],
            &self.batch_length.to_be_bytes(),
            &self.leader_epoch.to_be_bytes(),
            &MAGIC.to_be_bytes(),
            &self.crc.to_be_bytes(),
            &self.attributes.0.to_be_bytes(),
            &self.last_offset_delta.to_be_bytes(),
            &self.base_timestamp.to_be_bytes(),
            &self.max_timestamp.to_be_bytes(),
            &self.producer_id.to_be_bytes(),
            &self.producer_epoch.to_be_bytes(),
            &self.base_sequence.to_be_bytes(),
            &self.record_count.to_be_bytes(),
        ] {
            bytes::BufMut::put_slice(&mut rest, field);
        }
        head
    }

    /// The CRC that belongs to this head with the records `body` behind it.
    pub fn checksum(&self, body: &[u8]) -> u32 {
        let head = self.encode();
        let counted = head.get(CRC_FROM..).unwrap_or_default();
        crc32c::crc32c_append(crc32c::crc32c(counted), body)
    }

    /// The offset of the last record, `i64::MAX` at most.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// The offset after the last record: where the next batch may begin.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// The sequence number of the last record: sequences begin again at 0 after `i32::MAX`.
    pub fn last_sequence(&self) -> i32 {
        increment_sequence(self.base_sequence, self.last_offset_delta)
    }

    /// Whether an idempotent producer wrote it.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id > NONE
    }

    /// Until when compaction keeps the batch's tombstones, ms since 1970; `None` before it has seen them once.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp)
    }

    /// The size on the wire, head and length field included.
    pub fn size_bytes(&self) -> usize {
        usize::try_from(self.batch_length).unwrap_or_default().saturating_add(LENGTH_OVERHEAD)
    }

    /// The size of what follows the head.
    pub fn body_bytes(&self) -> usize {
        self.size_bytes().saturating_sub(HEAD_BYTES)
    }
}

/// The shortest batch of any format, after its length field (Kafka's `LegacyRecord.RECORD_OVERHEAD_V0`): what says to be
/// shorter is no batch, whatever follows.
const LEAST_LENGTH: i32 = 14;

/// Checks as much of a head as there is: its length and its format, in the order in which Kafka does
/// (`ByteBufferLogInputStream.nextBatchSize`).
fn check_beginning(head: &[u8]) -> Result<(), BatchError> {
    let length = head.get(8..LENGTH_OVERHEAD).and_then(|length| length.try_into().ok()).map(i32::from_be_bytes);
    match length {
        Some(batch_length) if batch_length < LEAST_LENGTH => Err(BatchError::TooSmall { batch_length }),
        _ => head.get(MAGIC_AT).map_or(Ok(()), |magic| check_magic(magic.cast_signed())),
    }
}

/// Whether a batch of this format is one that the lab stores.
///
/// # Errors
/// [`BatchError::OldMagic`] for the formats before Kafka 0.11, [`BatchError::UnknownMagic`] for what is no format.
fn check_magic(magic: i8) -> Result<(), BatchError> {
    match magic {
        MAGIC => Ok(()),
        0 | 1 => Err(BatchError::OldMagic { magic }),
        _ => Err(BatchError::UnknownMagic { magic }),
    }
}

/// The sequence number `by` records after `sequence`: 0 follows `i32::MAX` (Kafka's `incrementSequence`).
pub fn increment_sequence(sequence: i32, by: i32) -> i32 {
    sequence.checked_add(by).unwrap_or_else(|| by - (i32::MAX - sequence) - 1)
}

/// The sequence number `by` records before `sequence` (Kafka's `decrementSequence`).
pub fn decrement_sequence(sequence: i32, by: i32) -> i32 {
    if by <= sequence { sequence - by } else { i32::MAX - (by - sequence) + 1 }
}

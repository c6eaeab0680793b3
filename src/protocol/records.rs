//! Record batches (magic 2): heads, records, validation, builder. A leaf like all of `protocol`: no log, no broker.
//!
//! Source: Kafka's protocol guide, "Record Batch", and `DefaultRecordBatch`, `LogValidator`.

mod build;
pub mod compression;
pub mod header;
mod reader;
mod record;
pub mod rewrite;

use bytes::Bytes;
use thiserror::Error;

pub use build::BatchBuilder;
pub use compression::Compression;
pub use header::{BatchHeader, HEAD_BYTES, TimestampType};
pub use reader::BatchReader;
pub use record::{Header, Record};

use super::{ErrorCode, Records};

/// How far a batch is decompressed: a small request must not become gigabytes.
pub const MAX_DECOMPRESSED_BYTES: usize = 128 * 1024 * 1024;

/// Why a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// It ends before its end.
    #[error("the batch is cut off after {bytes} bytes")]
    Truncated {
        /// How many bytes there are.
        bytes: usize,
    },
    /// It says to be shorter than a head.
    #[error("a batch of {batch_length} bytes is shorter than its own head")]
    TooSmall {
        /// What it says.
        batch_length: i32,
    },
    /// A format before Kafka 0.11.
    #[error("message format {magic} is older than the one that is served, 2")]
    OldMagic {
        /// Which.
        magic: i8,
    },
    /// No format.
    #[error("there is no message format {magic}")]
    UnknownMagic {
        /// What it says.
        magic: i8,
    },
    /// Its bytes are not those that were sent.
    #[error("the batch's checksum does not match its content")]
    Checksum,
    /// None where there must be one.
    #[error("there is no batch")]
    Missing,
    /// More than one for a partition.
    #[error("more than one batch for one partition")]
    Several,
    /// The head counts other records than there are.
    #[error("the batch's head counts {head} records, its body {body}")]
    Count {
        /// As the head says.
        head: i32,
        /// As there are.
        body: i32,
    },
    /// A transaction's marker, which only a coordinator may write.
    #[error("clients may not write control batches")]
    Control,
    /// A codec that does not exist.
    #[error("the compression type is unknown")]
    UnknownCompression,
    /// The records cannot be decompressed, or not within the bound.
    #[error("{0}")]
    Decompress(String),
    /// The records cannot be compressed.
    #[error("the records cannot be compressed: {0}")]
    Compress(String),
    /// A record is malformed.
    #[error("record {index} of the batch is malformed")]
    Record {
        /// Its place in the batch, from 0.
        index: i32,
    },
    /// The head says another base offset than 0: only a leader gives out offsets.
    #[error("a producer's batch begins at offset 0, not at {base_offset}")]
    BaseOffset {
        /// What it says.
        base_offset: i64,
    },
    /// An idempotent producer without a sequence number.
    #[error("producer {producer_id} sends sequence number {base_sequence}")]
    Sequence {
        /// Whose batch it is.
        producer_id: i64,
        /// What it says.
        base_sequence: i32,
    },
    /// A record's offset is not its place.
    #[error("record {index} of the batch carries another offset than its place")]
    Offset {
        /// Its place in the batch, from 0.
        index: i32,
    },
}

impl BatchError {
    /// What Kafka answers.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Compress(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
            Self::TooSmall { .. } | Self::UnknownMagic { .. } | Self::Checksum => ErrorCode::CORRUPT_MESSAGE,
            _ => ErrorCode::INVALID_RECORD,
        }
    }
}

/// A batch that a client sent and that was found good. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducedBatch {
    /// Its head, as sent.
    pub header: BatchHeader,
    /// Its records, as sent, compressed or not.
    pub body: Bytes,
    /// Whether a record has no key: a compacted topic refuses that.
    pub has_null_key: bool,
    /// The smallest timestamp of a record that has one; -1 where none has.
    pub min_timestamp: i64,
}

impl ProducedBatch {
    /// How many records it has: 1 and up.
    pub fn record_count(&self) -> i32 {
        self.header.record_count
    }

    /// Its size on the wire.
    pub fn size_bytes(&self) -> usize {
        self.header.size_bytes()
    }
}

/// Checks what a client sent for one partition: exactly one batch, whole and true to itself. It may be run on any thread.
///
/// A largest timestamp that is not the records' own is put right, with its checksum, as Kafka does; everything else that
/// does not fit is refused. Source: `ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`,
/// `LogValidator`.
pub fn validate(records: &Records) -> Result<ProducedBatch, BatchError> {
    let mut batches = BatchReader::new(records);
    let (mut header, body) = batches.next().unwrap_or(Err(BatchError::Missing))?;
    if header.body_bytes() > body.len() {
        return Err(BatchError::Truncated { bytes: body.len() + HEAD_BYTES });
    }
    if batches.next().is_some() {
        return Err(BatchError::Several);
    }
    if header.checksum(&body) != header.crc {
        return Err(BatchError::Checksum);
    }
    check_head(&header)?;
    let found = check_records(&header, &body)?;
    if header.max_timestamp != found.max_timestamp && header.attributes.timestamp_type() == TimestampType::CreateTime {
        header.max_timestamp = found.max_timestamp;
        header.crc = header.checksum(&body);
    }
    Ok(ProducedBatch { header, body, has_null_key: found.has_null_key, min_timestamp: found.min_timestamp })
}

/// What a producer may not say in a head.
fn check_head(header: &BatchHeader) -> Result<(), BatchError> {
    let BatchHeader { base_offset, producer_id, base_sequence, .. } = *header;
    if base_offset != 0 {
        Err(BatchError::BaseOffset { base_offset })
    } else if header.has_producer_id() && base_sequence < 0 {
        Err(BatchError::Sequence { producer_id, base_sequence })
    } else if header.attributes.is_control() {
        Err(BatchError::Control)
    } else {
        check_count(header, header.record_count)
    }
}

fn check_count(header: &BatchHeader, counted: i32) -> Result<(), BatchError> {
    let matches = counted >= 1 && header.record_count == counted && header.last_offset_delta == counted - 1;
    if matches { Ok(()) } else { Err(BatchError::Count { head: header.record_count, body: counted }) }
}

/// What a walk over the records found.
struct Found {
    has_null_key: bool,
    /// The largest timestamp of a record; -1 where none has one.
    max_timestamp: i64,
    /// The smallest of one that has one; -1 where none has.
    min_timestamp: i64,
}

/// Walks the records: their number, their offsets.
fn check_records(header: &BatchHeader, body: &Bytes) -> Result<Found, BatchError> {
    let mut index = 0;
    let mut found = Found { has_null_key: false, max_timestamp: header::NONE, min_timestamp: header::NONE };
    for record in record::scan(header, body)? {
        let Ok(record) = record else { return Err(BatchError::Record { index }) };
        if record.deltas.offset != index {
            return Err(BatchError::Offset { index });
        }
        found.has_null_key |= !record.has_key;
        let timestamp = header.base_timestamp.saturating_add(record.deltas.timestamp);
        found.max_timestamp = found.max_timestamp.max(timestamp);
        if timestamp != header::NONE && (found.min_timestamp == header::NONE || timestamp < found.min_timestamp) {
            found.min_timestamp = timestamp;
        }
        index += 1;
    }
    check_count(header, index)?;
    Ok(found)
}

/// The records of a stored batch, oldest first. What cannot be read ends the list with an error.
pub fn records_of(header: &BatchHeader, body: &Bytes) -> Result<Vec<Record>, BatchError> {
    record::read(header, body)
}

#[cfg(test)]
mod tests;

//! A batch in another form than it was written in: with fewer records, as compaction leaves it (KIP-534 for the delete
//! horizon), or compressed in another way. Offsets, sequence numbers and the batch's place stay.
//!
//! Source: `MemoryRecords.filterTo`, `DefaultRecordBatch.writeEmptyHeader`, `LogValidator.buildRecordsAndAssignOffsets`.

use bytes::{Bytes, BytesMut};

use super::BatchError;
use super::compression::Compression;
use super::header::{Attributes, BatchHeader, HEAD_BYTES, LENGTH_OVERHEAD, NONE, TimestampType};
use super::record::{self, Deltas, Record};

/// The batch of `header` with no more than `records`, which are its own, compressed as it was. With a delete horizon the
/// timestamps are counted from there.
pub fn with_records(header: &BatchHeader, records: &[Record], delete_horizon_ms: Option<i64>) -> (BatchHeader, Bytes) {
    let first = records.first().map_or(NONE, |record| record.timestamp_ms);
    let base_timestamp = delete_horizon_ms.unwrap_or(first);
    let mut plain = BytesMut::new();
    for record in records {
        let deltas = Deltas {
            timestamp: record.timestamp_ms.saturating_sub(base_timestamp),
            offset: i32::try_from(record.offset - header.base_offset).unwrap_or(i32::MAX),
        };
        record::put(&mut plain, &deltas, record.key.as_deref(), record.value.as_deref(), &record.headers);
    }
    let max_timestamp = match header.attributes.timestamp_type() {
        TimestampType::CreateTime => records.iter().map(|record| record.timestamp_ms).max().unwrap_or(NONE),
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    let (compression, body) = pack(header.attributes, plain.freeze());
    let attributes = header.attributes.with_compression(compression).with_delete_horizon(delete_horizon_ms.is_some());
    let record_count = i32::try_from(records.len()).unwrap_or(i32::MAX);
    finish(BatchHeader { attributes, base_timestamp, max_timestamp, record_count, ..*header }, body)
}

/// The batch of `header` without a record: it still says how far its producer and its leader's epoch had come.
pub fn emptied(header: &BatchHeader) -> (BatchHeader, Bytes) {
    let attributes = header.attributes.with_compression(Compression::None).with_delete_horizon(false);
    finish(BatchHeader { attributes, base_timestamp: NONE, record_count: 0, ..*header }, Bytes::new())
}

/// The same records, compressed as `codec` says; those that are so already share their bytes.
///
/// # Errors
/// [`BatchError::UnknownCompression`] and [`BatchError::Decompress`], which no batch has that was found good;
/// [`BatchError::Compress`].
pub fn recompressed(
    header: &BatchHeader,
    body: &Bytes,
    codec: Compression,
) -> Result<(BatchHeader, Bytes), BatchError> {
    if header.attributes.compression() == Some(codec) {
        return Ok((*header, body.clone()));
    }
    let plain = record::plain(header, body)?;
    let packed = match codec {
        Compression::None => plain,
        codec => codec.compress(&plain).map_err(|error| BatchError::Compress(error.to_string()))?.into(),
    };
    Ok(finish(BatchHeader { attributes: header.attributes.with_compression(codec), ..*header }, packed))
}

/// The records as the batch had them compressed; plain where the codec fails.
fn pack(attributes: Attributes, plain: Bytes) -> (Compression, Bytes) {
    let codec = attributes.compression().unwrap_or_default();
    match codec {
        Compression::None => (codec, plain),
        codec => codec.compress(&plain).map_or((Compression::None, plain), |packed| (codec, packed.into())),
    }
}

fn finish(mut header: BatchHeader, body: Bytes) -> (BatchHeader, Bytes) {
    header.batch_length = i32::try_from(HEAD_BYTES - LENGTH_OVERHEAD + body.len()).unwrap_or(i32::MAX);
    header.crc = header.checksum(&body);
    (header, body)
}

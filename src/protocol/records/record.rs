//! One record of a batch: read from the batch's (decompressed) body.

use bytes::{BufMut, Bytes, BytesMut};

use super::header::{BatchHeader, TimestampType};
use super::{BatchError, MAX_DECOMPRESSED_BYTES};

/// A header of a record: its name, and its value if it has one.
pub type Header = (Bytes, Option<Bytes>);

/// A record, with what its batch adds: offset and timestamp in full. It shares the batch's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, ms since 1970.
    pub timestamp_ms: i64,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; none is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in their order.
    pub headers: Vec<Header>,
}

/// A record's parts that count from the batch's.
pub(super) struct Deltas {
    pub(super) timestamp: i64,
    pub(super) offset: i32,
}

/// The batch's records one after the other, decompressed within the bound.
pub(super) fn plain(header: &BatchHeader, body: &Bytes) -> Result<Bytes, BatchError> {
    let codec = header.attributes.compression().ok_or(BatchError::UnknownCompression)?;
    codec.decompress(body, MAX_DECOMPRESSED_BYTES).map_err(|error| BatchError::Decompress(error.to_string()))
}

/// What a check looks at in a record.
pub(super) struct Scanned {
    pub(super) deltas: Deltas,
    pub(super) has_key: bool,
}

/// Walks the records. It runs over every record that a producer sends: on slices, without counting a reference.
pub(super) fn scan(
    header: &BatchHeader,
    body: &Bytes,
) -> Result<impl Iterator<Item = Result<Scanned, ()>> + use<>, BatchError> {
    let plain = plain(header, body)?;
    let mut at = 0;
    Ok(std::iter::from_fn(move || {
        let mut rest = plain.get(at..).filter(|rest| !rest.is_empty())?;
        let scanned = take_record(&mut rest).and_then(scan_one);
        // What is broken ends the walk.
        at = if scanned.is_some() { plain.len() - rest.len() } else { plain.len() };
        Some(scanned.ok_or(()))
    }))
}

fn scan_one(mut record: &[u8]) -> Option<Scanned> {
    let deltas = take_deltas(&mut record)?;
    let has_key = take_bytes(&mut record)?.is_some();
    take_bytes(&mut record)?;
    take_headers(&mut record, |_, _| {})?;
    record.is_empty().then_some(Scanned { deltas, has_key })
}

/// Reads all records.
pub(super) fn read(header: &BatchHeader, body: &Bytes) -> Result<Vec<Record>, BatchError> {
    let plain = plain(header, body)?;
    let mut rest = plain.as_ref();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let index = i32::try_from(records.len()).unwrap_or(i32::MAX);
        let record = take_record(&mut rest).and_then(|record| read_one(header, &plain, record));
        records.push(record.ok_or(BatchError::Record { index })?);
    }
    Ok(records)
}

/// Reads one record, which lies in `plain`.
fn read_one(header: &BatchHeader, plain: &Bytes, mut record: &[u8]) -> Option<Record> {
    let deltas = take_deltas(&mut record)?;
    let timestamp_ms = match header.attributes.timestamp_type() {
        TimestampType::CreateTime => header.base_timestamp.saturating_add(deltas.timestamp),
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    let share = |bytes: &[u8]| plain.slice_ref(bytes);
    let (key, value) = (take_bytes(&mut record)?.map(share), take_bytes(&mut record)?.map(share));
    let mut headers = Vec::new();
    take_headers(&mut record, |name, value| headers.push((share(name), value.map(share))))?;
    let offset = header.base_offset.saturating_add(i64::from(deltas.offset));
    Some(Record { offset, timestamp_ms, key, value, headers })
}

/// The bytes of the next record, by its length.
fn take_record<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(rest)?).ok()?;
    take(rest, length)
}

fn take_deltas(record: &mut &[u8]) -> Option<Deltas> {
    let _attributes = take(record, 1)?;
    Some(Deltas { timestamp: take_varlong(record)?, offset: take_varint(record)? })
}

/// Bytes behind their length; -1 for none.
#[expect(clippy::option_option, reason = "the outer one is for what is malformed, the inner one for null")]
fn take_bytes<'a>(record: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = take_varint(record)?;
    if length == -1 {
        return Some(None);
    }
    take(record, usize::try_from(length).ok()?).map(Some)
}

/// Hands each header to `each`: its name, and its value if it has one.
fn take_headers<'a>(record: &mut &'a [u8], mut each: impl FnMut(&'a [u8], Option<&'a [u8]>)) -> Option<()> {
    let count = usize::try_from(take_varint(record)?).ok()?;
    // A header takes two bytes at the least: what claims more than fits is not believed.
    if count > record.len() / 2 {
        return None;
    }
    for _ in 0..count {
        each(take_bytes(record)??, take_bytes(record)?);
    }
    Some(())
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<i32> {
    let raw = take_unsigned(bytes, 5)?;
    let raw = u32::try_from(raw).ok()?;
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

fn take_varlong(bytes: &mut &[u8]) -> Option<i64> {
    let raw = take_unsigned(bytes, 10)?;
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

fn take_unsigned(bytes: &mut &[u8], most: u32) -> Option<u64> {
    let mut value = 0_u64;
    for at in 0..most {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(7 * at)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Writes one record of a batch.
pub(super) fn put(batch: &mut BytesMut, deltas: &Deltas, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) {
    let mut record = BytesMut::new();
    record.put_i8(0);
    put_varlong(&mut record, deltas.timestamp);
    put_varint(&mut record, deltas.offset);
    put_bytes(&mut record, key);
    put_bytes(&mut record, value);
    put_length(&mut record, headers.len());
    for (name, value) in headers {
        put_bytes(&mut record, Some(name));
        put_bytes(&mut record, value.as_deref());
    }
    put_length(batch, record.len());
    batch.extend_from_slice(&record);
}

fn put_length(bytes: &mut BytesMut, length: usize) {
    put_varint(bytes, i32::try_from(length).unwrap_or(i32::MAX));
}

fn put_bytes(bytes: &mut BytesMut, value: Option<&[u8]>) {
    match value {
        None => put_varint(bytes, -1),
        Some(value) => {
            put_length(bytes, value.len());
            bytes.extend_from_slice(value);
        }
    }
}

fn put_varint(bytes: &mut BytesMut, value: i32) {
    put_unsigned(bytes, u64::from(((value << 1) ^ (value >> 31)).cast_unsigned()));
}

fn put_varlong(bytes: &mut BytesMut, value: i64) {
    put_unsigned(bytes, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn put_unsigned(bytes: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        bytes.put_u8(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    bytes.put_u8(u8::try_from(value).unwrap_or(0));
}

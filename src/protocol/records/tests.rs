//! Batches: what is built is read back, what is broken is refused with Kafka's code, and the `kafka-protocol` crate agrees.

#![expect(clippy::cast_possible_wrap, reason = "a test's small numbers")]

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::header::Attributes;
use super::*;

fn batch(compression: Compression, records: &[(&str, &str)]) -> Records {
    let mut builder = BatchBuilder::new(compression).producer(7, 0, 3);
    for (at, (key, value)) in records.iter().enumerate() {
        let headers = [(Bytes::from_static(b"h"), None)];
        builder.push(1_000 + at as i64, Some(key.as_bytes()), Some(value.as_bytes()), &headers);
    }
    builder.build()
}

/// The batch with `change` done to its bytes and, if asked, the checksum made right again.
fn changed(change: impl FnOnce(&mut BytesMut), right: bool) -> Records {
    let mut bytes = BytesMut::from(&batch(Compression::None, &[("a", "1"), ("b", "2")]).to_bytes()[..]);
    change(&mut bytes);
    if right {
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    Records::from(bytes.freeze())
}

#[test]
fn what_is_built_is_good_and_read_back() {
    for codec in Compression::ALL {
        let good = validate(&batch(codec, &[("a", "1"), ("b", "2"), ("c", "3")])).unwrap();
        assert_eq!((good.record_count(), good.has_null_key), (3, false));
        let records = records_of(&good.header, &good.body).unwrap();
        assert_eq!(records[2].value.as_deref(), Some(&b"3"[..]), "{codec:?}");
        assert_eq!((records[2].offset, records[2].timestamp_ms), (2, 1_002));
        assert_eq!(records[0].headers, [(Bytes::from_static(b"h"), None)]);
    }
}

#[test]
fn what_is_broken_gets_kafkas_code() {
    let code = |records: &Records| validate(records).unwrap_err().code();
    let last = |bytes: &mut BytesMut| *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(code(&changed(last, false)), ErrorCode::CORRUPT_MESSAGE, "a flipped bit");
    assert_eq!(code(&changed(|b| b[16] = 9, true)), ErrorCode::CORRUPT_MESSAGE, "no such magic");
    assert_eq!(code(&changed(|b| b[8..12].fill(0), true)), ErrorCode::CORRUPT_MESSAGE, "a size of 0");
    assert_eq!(code(&changed(|b| b[8..12].copy_from_slice(&48_i32.to_be_bytes()), true)), ErrorCode::CORRUPT_MESSAGE);
    assert_eq!(code(&changed(|b| b.truncate(70), false)), ErrorCode::INVALID_RECORD, "cut off");
    assert_eq!(code(&changed(|b| b.truncate(11), false)), ErrorCode::INVALID_RECORD, "cut off within the length");
    assert_eq!(code(&changed(|b| b[16] = 1, true)), ErrorCode::INVALID_RECORD, "a format before Kafka 0.11");
    assert_eq!(code(&changed(|b| b[7] = 1, true)), ErrorCode::INVALID_RECORD, "a base offset of its own");
    assert_eq!(code(&changed(|b| b[53..57].fill(0xff), true)), ErrorCode::INVALID_RECORD, "a producer id, no sequence");
    assert_eq!(code(&changed(|b| b[60] = 3, true)), ErrorCode::INVALID_RECORD, "a count that is not so");
    assert_eq!(code(&changed(|b| b[22] |= 0x20, true)), ErrorCode::INVALID_RECORD, "a control batch");
    assert_eq!(code(&changed(|b| b[22] |= 0x07, true)), ErrorCode::INVALID_RECORD, "no such codec");
    assert_eq!(code(&Records::new()), ErrorCode::INVALID_RECORD, "none");
    let mut two = batch(Compression::None, &[("a", "1")]);
    two.push(batch(Compression::None, &[("b", "1")]).to_bytes());
    assert_eq!(code(&two), ErrorCode::INVALID_RECORD, "two");
}

#[test]
fn a_length_or_a_format_that_cannot_be_is_found_before_the_end_of_the_head_is_there() {
    let code = |bytes: &[u8]| validate(&Records::from(Bytes::copy_from_slice(bytes))).unwrap_err().code();
    let mut short = [0_u8; 20];
    short[16] = 2;
    for (length, wanted) in
        [(13_i32, ErrorCode::CORRUPT_MESSAGE), (-1, ErrorCode::CORRUPT_MESSAGE), (14, ErrorCode::INVALID_RECORD)]
    {
        short[8..12].copy_from_slice(&length.to_be_bytes());
        assert_eq!(code(&short), wanted, "a length of {length}");
    }
    assert_eq!(code(&short[..16]), ErrorCode::INVALID_RECORD, "cut off before its format");
    short[16] = 3;
    assert_eq!(code(&short), ErrorCode::CORRUPT_MESSAGE, "no such format");
}

#[test]
fn records_that_do_not_decompress_are_no_records() {
    let garbage = |compression: Compression| {
        changed(
            |bytes| bytes[21..23].copy_from_slice(&Attributes::default().with_compression(compression).0.to_be_bytes()),
            true,
        )
    };
    for codec in Compression::ALL.into_iter().filter(|codec| *codec != Compression::None) {
        assert_eq!(validate(&garbage(codec)).unwrap_err().code(), ErrorCode::INVALID_RECORD, "{codec:?}");
    }
}

#[test]
fn a_largest_timestamp_that_is_not_so_is_put_right() {
    for wrong in [0_i64, -1, 999_999] {
        let lying = changed(|bytes| bytes[35..43].copy_from_slice(&wrong.to_be_bytes()), true);
        let good = validate(&lying).unwrap();
        assert_eq!(good.header.max_timestamp, 1_001);
        assert_eq!(good.header.crc, good.header.checksum(&good.body), "and with it the checksum");
    }
}

#[test]
fn a_batch_cut_across_chunks_is_the_same() {
    let whole = batch(Compression::None, &[("a", "1"), ("b", "2")]).to_bytes();
    for cut in 1..whole.len() {
        let rope: Records = [whole.slice(..cut), whole.slice(cut..)].into_iter().collect();
        let good = validate(&rope).unwrap();
        assert_eq!(good.body, whole.slice(HEAD_BYTES..));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = validate(&Records::from(Bytes::from(bytes)));
    }

    #[test]
    fn any_damage_is_refused_without_a_panic(at in 0..90_usize, bit in 0..8_u8, codec in 0..5_usize) {
        let mut bytes = BytesMut::from(&batch(Compression::ALL[codec], &[("key", "value"), ("b", "2")]).to_bytes()[..]);
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        if let Ok(good) = validate(&Records::from(bytes.freeze())) {
            let _ = records_of(&good.header, &good.body);
        }
    }

    #[test]
    fn the_kafka_protocol_crate_reads_what_we_build(
        values in proptest::collection::vec(proptest::option::of("[a-z]{0,40}"), 1..20),
        codec in 0..5_usize,
    ) {
        let mut builder = BatchBuilder::new(Compression::ALL[codec]);
        for (at, value) in values.iter().enumerate() {
            builder.push(at as i64, None, value.as_deref().map(str::as_bytes), &[]);
        }
        let mut bytes = builder.build().to_bytes();
        let theirs = kafka_protocol::records::RecordBatchDecoder::decode(&mut bytes).unwrap();
        let read: Vec<_> = theirs.records.iter().map(|r| r.value.clone()).collect();
        let wanted: Vec<_> = values.iter().map(|v| v.as_ref().map(|v| Bytes::from(v.clone()))).collect();
        prop_assert_eq!(read, wanted);
    }
}

#[test]
fn what_is_compressed_anew_is_the_same_batch_but_for_its_codec() {
    for (from, to) in Compression::ALL.into_iter().flat_map(|from| Compression::ALL.map(|to| (from, to))) {
        let sent = validate(&batch(from, &[("a", "1"), ("b", "2"), ("c", "3")])).unwrap();
        let (header, body) = rewrite::recompressed(&sent.header, &sent.body, to).unwrap();
        assert_eq!(header.attributes.compression(), Some(to));
        assert_eq!((header.body_bytes(), header.checksum(&body)), (body.len(), header.crc), "{from:?} to {to:?}");
        let but_for_codec = BatchHeader {
            attributes: sent.header.attributes,
            batch_length: sent.header.batch_length,
            crc: sent.header.crc,
            ..header
        };
        assert_eq!(but_for_codec, sent.header);
        let records = |header, body| records_of(header, body).unwrap();
        assert_eq!(records(&header, &body), records(&sent.header, &sent.body));
        assert_eq!(body.as_ptr() == sent.body.as_ptr(), from == to, "what is so already is shared");
    }
}

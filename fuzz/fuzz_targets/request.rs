//! Frames that a broker reads from a socket: none panics, and a message is the same after it was written again.
#![no_main]

use bytes::Bytes;
use kscope::protocol::{decode_request, encode_request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|frame: &[u8]| {
    let Ok((header, request)) = decode_request(&Bytes::copy_from_slice(frame)) else { return };
    let version = header.request_api_version;
    let written = encode_request(version, header.correlation_id, header.client_id.as_ref(), &request).to_bytes();
    assert_eq!(decode_request(&written.slice(4..)), Ok((header, request)));
});

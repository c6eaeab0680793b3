//! Frames that a client reads from a broker: none panics, and a message is the same after it was written again. The
//! first four bytes say what was asked for: the API's key and the version.
#![no_main]

use bytes::Bytes;
use kscope::protocol::{ApiKey, decode_response, encode_response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((asked, frame)) = data.split_first_chunk::<4>() else { return };
    let [key, version] = [[asked[0], asked[1]], [asked[2], asked[3]]].map(i16::from_be_bytes);
    let Some(api_key) = ApiKey::from_number(key) else { return };
    let Ok((correlation, response)) = decode_response(&Bytes::copy_from_slice(frame), api_key, version) else { return };
    let written = encode_response(correlation, version, &response).to_bytes();
    assert_eq!(decode_response(&written.slice(4..), api_key, version), Ok((correlation, response)));
});

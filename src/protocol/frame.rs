//! From frames to messages and back: headers, and the four ways in and out of the codec.
//!
//! Sockets are not touched here: a frame comes without its size (whoever reads the socket has checked that), and goes
//! out as chunks with its size, ready for a vectored write.

use std::sync::Arc;

use bytes::Bytes;

use super::wire::{Layout, Reader, Wire, Writer};
use super::{ApiKey, DecodeError, ErrorCode, Request, Response};

/// What stands ahead of every request (`RequestHeader.json`, versions 1 and 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API.
    pub request_api_key: ApiKey,
    /// The version of the request and of its answer.
    pub request_api_version: i16,
    /// The client's number for the request: the answer carries it back.
    pub correlation_id: i32,
    /// The client's `client.id`.
    pub client_id: Option<Arc<str>>,
}

/// An encoded message, its size in the first four bytes. Large record data is shared, not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    chunks: Vec<Bytes>,
}

impl Frame {
    /// The chunks in their order; none of them is empty.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// The chunks, to be written one after the other.
    pub fn into_chunks(self) -> Vec<Bytes> {
        self.chunks
    }

    /// The size of the whole, in bytes, with the four bytes that carry the size.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    /// Never: a frame has a header.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The whole in one piece, copied together (for tests and for writing to a file).
    pub fn to_bytes(&self) -> Bytes {
        self.chunks.concat().into()
    }
}

/// Reads a request from `frame`, which begins after the size and ends with the request. Record data in it shares the
/// frame's memory. Bytes after the last field are passed over, as Kafka does.
///
/// Which versions a broker serves is for its handlers to say: this takes every version that has a definition.
pub fn decode_request(frame: &Bytes) -> Result<(RequestHeader, Request), DecodeError> {
    let mut reader = Reader::new(frame, Layout { version: 0, flexible: false });
    let key = i16::decode(&mut reader)?;
    let version = i16::decode(&mut reader)?;
    let correlation_id = i32::decode(&mut reader)?;
    let api_key = ApiKey::from_number(key).ok_or(DecodeError::UnknownApi { key })?;
    let versions = api_key.versions().ok_or(DecodeError::UnknownApi { key })?;
    if !versions.contains(&version) {
        return Err(DecodeError::UnsupportedVersion { api_key, version, correlation_id });
    }
    // The client's name is in the old layout even where the rest of the header is flexible: a broker has to be able
    // to read the header of an ApiVersions request whatever its version (KIP-511).
    let client_id = Option::decode(&mut reader)?;
    reader.layout = Layout { version, flexible: api_key.is_flexible(version) };
    skip_header_tags(&mut reader)?;
    let request = Request::decode(api_key, &mut reader)?;
    let header = RequestHeader { request_api_key: api_key, request_api_version: version, correlation_id, client_id };
    Ok((header, request))
}

/// Writes a request of the version that its header names. Fields that the version does not have are left out.
pub fn encode_request(version: i16, correlation_id: i32, client_id: Option<&Arc<str>>, request: &Request) -> Frame {
    let api_key = request.api_key();
    let mut writer = Writer::new(Layout { version, flexible: false });
    api_key.number().encode(&mut writer);
    version.encode(&mut writer);
    correlation_id.encode(&mut writer);
    Arc::encode_nullable(client_id, &mut writer);
    writer.layout.flexible = api_key.is_flexible(version);
    put_header_tags(&mut writer);
    request.encode(&mut writer);
    Frame { chunks: writer.finish() }
}

/// Writes a response in `version`, which is that of its request. Fields that the version does not have are left out.
pub fn encode_response(correlation_id: i32, version: i16, response: &Response) -> Frame {
    let api_key = response.api_key();
    let mut writer = Writer::new(Layout { version, flexible: api_key.is_flexible(version) });
    correlation_id.encode(&mut writer);
    if api_key != ApiKey::ApiVersions {
        put_header_tags(&mut writer);
    }
    response.encode(&mut writer);
    Frame { chunks: writer.finish() }
}

/// Reads the response to a request of `api_key` in `version`, and the number of that request, from `frame`, which
/// begins after the size.
///
/// An `ApiVersions` response that says `UNSUPPORTED_VERSION` is in version 0, whatever was asked for (KIP-511).
pub fn decode_response(frame: &Bytes, api_key: ApiKey, version: i16) -> Result<(i32, Response), DecodeError> {
    let mut reader = Reader::new(frame, Layout { version, flexible: api_key.is_flexible(version) });
    let correlation_id = i32::decode(&mut reader)?;
    if !api_key.versions().is_some_and(|versions| versions.contains(&version)) {
        return Err(DecodeError::UnsupportedVersion { api_key, version, correlation_id });
    }
    if api_key != ApiKey::ApiVersions {
        skip_header_tags(&mut reader)?;
    } else if reader.peek() == Some(ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes()) {
        reader.layout = Layout { version: 0, flexible: false };
    }
    let response = Response::decode(api_key, &mut reader)?;
    Ok((correlation_id, response))
}

/// Passes over the tagged fields of a flexible header: Kafka 3.9 defines none.
fn skip_header_tags(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    reader.tagged_fields(|_, reader| {
        reader.skip_rest();
        Ok(())
    })
}

/// Ends a flexible header.
fn put_header_tags(writer: &mut Writer) {
    if writer.layout.flexible {
        writer.put_tag_count(&[]);
    }
}

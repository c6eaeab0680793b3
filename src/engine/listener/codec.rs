//! From a frame to a request, on the edge's threads: decoding, and what a broker refuses before anybody looks at it.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use crate::engine::broker::api::{self, Callers};
use crate::protocol::api_versions::ApiVersion;
use crate::protocol::{ApiKey, ApiVersionsResponse, DecodeError, ErrorCode, Request, Response, decode_request};

/// A request, decoded.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) correlation: i32,
    pub(super) version: i16,
    pub(super) client_id: Arc<str>,
    pub(super) request: Request,
}

/// Why there is no request.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    /// An `ApiVersions` request that is too new: it has an answer, and the connection stays (KIP-511).
    #[error("ApiVersions is too new")]
    ApiVersionsTooNew { correlation: i32 },
    /// The bytes are no request.
    #[error(transparent)]
    Malformed(DecodeError),
    /// A request that is not for clients, or a version that no handler serves.
    #[error("{} version {version} is not served", api_key.name())]
    NotServed { api_key: ApiKey, version: i16 },
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::UnsupportedVersion { api_key: ApiKey::ApiVersions, correlation_id, .. } => {
                Self::ApiVersionsTooNew { correlation: correlation_id }
            }
            other => Self::Malformed(other),
        }
    }
}

/// Reads the request in `frame`, which begins after the size.
pub(super) fn decode(frame: &Bytes) -> Result<Asked, Refusal> {
    let (header, request) = decode_request(frame)?;
    let (api_key, version) = (header.request_api_key, header.request_api_version);
    let correlation = header.correlation_id;
    let served = api::api(api_key).filter(|api| api.callers == Callers::Everybody);
    if served.is_none_or(|api| !(api.oldest..=api.newest).contains(&version)) {
        return Err(match api_key {
            ApiKey::ApiVersions => Refusal::ApiVersionsTooNew { correlation },
            _ => Refusal::NotServed { api_key, version },
        });
    }
    let request = checked(request, frame.len());
    Ok(Asked { correlation, version, client_id: header.client_id.unwrap_or_default(), request })
}

/// Checks the batches that a producer sends (CRC, counts, records), here rather than on the engine's thread: what was found
/// travels with them.
fn checked(request: Request, frame_bytes: usize) -> Request {
    let Request::Produce(mut produce) = request else { return request };
    let partitions = produce.topic_data.iter_mut().flat_map(|topic| &mut topic.partition_data);
    for records in partitions.filter_map(|data| data.records.as_mut()) {
        records.check(frame_bytes);
    }
    produce.into()
}

/// The answer to an `ApiVersions` request that is too new, to be sent in version 0: it lists the versions of `ApiVersions`
/// itself, so that the client can ask again.
pub(super) fn api_versions_too_new() -> Response {
    let served = api::api(ApiKey::ApiVersions);
    let range = |api: &api::Api| ApiVersion {
        api_key: ApiKey::ApiVersions.number(),
        min_version: api.oldest,
        max_version: api.newest,
    };
    ApiVersionsResponse {
        error_code: ErrorCode::UNSUPPORTED_VERSION,
        api_keys: served.map(range).into_iter().collect(),
        ..ApiVersionsResponse::default()
    }
    .into()
}

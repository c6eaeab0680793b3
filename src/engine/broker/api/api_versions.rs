//! `ApiVersions` (key 18), versions 0 to 4: what this broker serves, made from the table of [`super::APIS`].
//!
//! A version that is too new never gets here: the edge answers it in version 0 with `UNSUPPORTED_VERSION` and the list.

use super::{APIS, Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::api_versions::ApiVersion;
use crate::protocol::{ApiKey, ApiVersionsResponse, Request};

/// See the [module](self).
pub(crate) const API: Api = Api { key: ApiKey::ApiVersions, oldest: 0, newest: 4, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, _ctx: &mut Context<'_>) -> Handled {
    let Request::ApiVersions(request) = request else { return Handled::Close };
    if origin.version >= 3 {
        let software = format!("{} {}", request.client_software_name, request.client_software_version);
        broker.connections.introduce(origin.peer, software.into());
    }
    Handled::Ready(listed().into())
}

/// The answer: every API that everybody may call. Kafka lists the inter-broker ones too; they are refused from a socket
/// here, so they are not listed.
pub fn listed() -> ApiVersionsResponse {
    let api_keys = APIS
        .iter()
        .filter(|api| api.callers == Callers::Everybody)
        .map(|api| ApiVersion { api_key: api.key.number(), min_version: api.oldest, max_version: api.newest })
        .collect();
    ApiVersionsResponse { api_keys, ..ApiVersionsResponse::default() }
}

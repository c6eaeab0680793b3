//! `IncrementalAlterConfigs` (key 44), versions 0 and 1: changes single settings of topics, of this broker, or of all
//! brokers (KIP-339).
//!
//! What there is stands in ZooKeeper, so the answer comes when it is read and written:
//! [`Broker::incremental_alter_configs`].

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::IncrementalAlterConfigs, oldest: 0, newest: 1, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::IncrementalAlterConfigs(request) = request else { return Handled::Close };
    broker.incremental_alter_configs(&request, origin, ctx);
    Handled::Parked
}

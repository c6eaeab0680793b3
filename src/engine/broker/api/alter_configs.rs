//! `AlterConfigs` (key 33), versions 0 to 2: replaces all settings of topics, of this broker, or of all brokers.
//!
//! What there is stands in ZooKeeper, so the answer comes when it is read and written: [`Broker::alter_configs`].

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::AlterConfigs, oldest: 0, newest: 2, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::AlterConfigs(request) = request else { return Handled::Close };
    broker.alter_configs(&request, origin, ctx);
    Handled::Parked
}

//! `DescribeConfigs` (key 32), versions 0 to 4: the settings of topics and of this broker.
//!
//! Topics' settings stand in ZooKeeper, so the answer comes when they are read: [`Broker::describe_configs`].

use super::{Api, Broker, Callers, Handled};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::protocol::{ApiKey, Request};

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DescribeConfigs, oldest: 0, newest: 4, callers: Callers::Everybody, handle };

fn handle(broker: &mut Broker, request: Request, origin: &Origin, ctx: &mut Context<'_>) -> Handled {
    let Request::DescribeConfigs(request) = request else { return Handled::Close };
    broker.describe_configs(request, origin, ctx);
    Handled::Parked
}

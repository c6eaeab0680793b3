//! `ControlledShutdown` (key 7), version 3, between brokers: moves the leaders of a broker that wants to stop.
//! Only the controller serves it, in `controller::shutdown`; any other broker answers `NOT_CONTROLLER`.

use super::{Api, Callers, to_controller};
use crate::protocol::ApiKey;

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::ControlledShutdown, oldest: 3, newest: 3, callers: Callers::Brokers, handle: to_controller };

//! `CreatePartitions` (key 37), versions 0 to 3: adds partitions to topics.
//! Only the controller serves it, in `controller::admin::create_partitions`; any other broker answers `NOT_CONTROLLER`.

use super::{Api, Callers, to_controller};
use crate::protocol::ApiKey;

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::CreatePartitions, oldest: 0, newest: 3, callers: Callers::Everybody, handle: to_controller };

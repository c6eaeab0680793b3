//! `CreateTopics` (key 19), versions 0 to 7: makes topics: names, settings and assignments are checked and written, and it is answered when all partitions are
//! led, or when the sender's time is up.
//! Only the controller serves it, in `controller::admin::create_topics`; any other broker answers `NOT_CONTROLLER`.

use super::{Api, Callers, to_controller};
use crate::protocol::ApiKey;

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::CreateTopics, oldest: 0, newest: 7, callers: Callers::Everybody, handle: to_controller };

//! `DeleteTopics` (key 20), versions 0 to 6: queues topics for deletion, and is answered when they are gone, or when the sender's time is up.
//! Only the controller serves it, in `controller::admin::delete_topics`; any other broker answers `NOT_CONTROLLER`.

use super::{Api, Callers, to_controller};
use crate::protocol::ApiKey;

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::DeleteTopics, oldest: 0, newest: 6, callers: Callers::Everybody, handle: to_controller };

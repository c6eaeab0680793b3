//! `AlterPartitionReassignments` (key 45), version 0: moves partitions to other brokers, or calls that off (KIP-455).
//! Only the controller serves it, in `controller::reassignment`; any other broker answers `NOT_CONTROLLER`.

use super::{Api, Callers, to_controller};
use crate::protocol::ApiKey;

/// See the [module](self).
pub(crate) const API: Api = Api {
    key: ApiKey::AlterPartitionReassignments,
    oldest: 0,
    newest: 0,
    callers: Callers::Everybody,
    handle: to_controller,
};

//! `AlterPartition` (key 56), version 3, between brokers: takes a leader's change of an in-sync set, and writes it (KIP-497, KIP-903).
//! Only the controller serves it, in `controller::isr`; any other broker answers `NOT_CONTROLLER`.

use super::{Api, Callers, to_controller};
use crate::protocol::ApiKey;

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::AlterPartition, oldest: 3, newest: 3, callers: Callers::Brokers, handle: to_controller };

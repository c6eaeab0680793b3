//! `ElectLeaders` (key 43), versions 0 to 2: elects preferred leaders, or unclean ones where nobody leads (KIP-460).
//! Only the controller serves it, in `controller::preferred`; any other broker answers `NOT_CONTROLLER`.

use super::{Api, Callers, to_controller};
use crate::protocol::ApiKey;

/// See the [module](self).
pub(crate) const API: Api =
    Api { key: ApiKey::ElectLeaders, oldest: 0, newest: 2, callers: Callers::Everybody, handle: to_controller };

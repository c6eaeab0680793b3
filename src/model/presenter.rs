//! Presenter mode: what a hall should see, the keys that were pressed, and what it should not, addresses.

use std::sync::Arc;

use crate::session::snapshot::{Addresses, Snapshot};

/// What stands in the place of an address.
const HIDDEN: &str = "(hidden)";

/// A key that was pressed, for the audience to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// The keys, as people write them.
    pub keys: String,
    /// The name of the command that they gave.
    pub command: &'static str,
    /// When, on the explorer's clock.
    pub at_ms: u64,
}

impl Pressed {
    /// How many are shown at a time.
    pub const MOST: usize = 3;
    /// For how long each is shown: real milliseconds.
    pub const STAYS_MS: u64 = 2_000;
}

/// A snapshot without addresses and paths: they are nobody's business in a hall, and nobody reads them there.
pub(super) fn discreet(snapshot: &Snapshot) -> Snapshot {
    let mut snapshot = snapshot.clone();
    let hide = |address: &Option<Arc<str>>| address.as_ref().map(|_| Arc::from(HIDDEN));
    snapshot.addresses = Addresses {
        bootstrap: HIDDEN.into(),
        all_brokers: HIDDEN.into(),
        zookeeper: hide(&snapshot.addresses.zookeeper),
        control: hide(&snapshot.addresses.control),
        log_file: hide(&snapshot.addresses.log_file),
    };
    for broker in Arc::make_mut(&mut snapshot.brokers).values_mut() {
        broker.address = HIDDEN.into();
        for connection in broker.connections.iter_mut().filter(|connection| connection.socket) {
            connection.peer = HIDDEN.into();
        }
    }
    snapshot
}

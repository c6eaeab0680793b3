//! Shows the cluster to whoever watches: has it projected into a snapshot, and publishes that.

use std::sync::Arc;

use tokio::sync::watch;

use super::project::Projector;
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
    projector: Projector,
}

impl Watcher {
    pub(super) fn new(published: watch::Sender<Arc<Snapshot>>, about: About, cluster: &Cluster) -> Self {
        Self { published, projector: Projector::new(about, cluster) }
    }
}

impl Observer<Cluster> for Watcher {
    fn is_wanted(&self) -> bool {
        self.published.receiver_count() > OWN_RECEIVERS
    }

    fn observe(&mut self, cluster: &Cluster, clock: &ClockView) {
        self.published.send_replace(Arc::new(self.projector.project(cluster, clock)));
    }
}

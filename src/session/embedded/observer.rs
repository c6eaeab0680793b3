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
}

/// Publishes snapshots.
pub(super) struct Watcher {
    published: watch::Sender<Arc<Snapshot>>,
    projector: Projector,
}

impl Watcher {
    /// With the first snapshot, of the cluster before its first step: whoever looks sees at once that it is a lab.
    pub(super) fn new(about: About, cluster: &mut Cluster, rate_ppm: u64) -> (Self, watch::Receiver<Arc<Snapshot>>) {
        let mut projector = Projector::new(about, cluster);
        let clock = ClockView::at(cluster.now(), rate_ppm);
        let first = projector.project(cluster, &clock);
        let (published, snapshots) = watch::channel(Arc::new(first));
        (Self { published, projector }, snapshots)
    }
}

impl Observer<Cluster> for Watcher {
    fn is_wanted(&self) -> bool {
        self.published.receiver_count() > OWN_RECEIVERS
    }

    fn observe(&mut self, cluster: &mut Cluster, clock: &ClockView) {
        self.published.send_replace(Arc::new(self.projector.project(cluster, clock)));
    }
}

//! The handle that the explorer, demos and the control API talk to: ask, watch, events. It hides whether the cluster
//! is a lab in this process or a real one. The data types here are plain; only `embedded` knows the engine.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use action::{Action, Failure, Outcome};
use snapshot::Snapshot;

/// Where Kafka's default partitioner puts a key; here for those who show clusters and know no protocol.
pub use crate::protocol::partitioner::partition_for_key;

pub mod action;
pub mod event;
#[doc(hidden)]
pub mod fixture;
pub mod snapshot;

/// An action on its way to whoever carries it out, with the way back for what comes of it.
pub type Asked = (Action, oneshot::Sender<Outcome>);

/// A cluster to watch and to ask.
#[derive(Clone, Debug)]
pub struct Session {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    asks: mpsc::Sender<Asked>,
}

impl Session {
    /// A session whose snapshots come from one end and whose actions go to the other.
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, asks: mpsc::Sender<Asked>) -> Self {
        Self { snapshots, asks }
    }

    /// Asks for an action and waits for what comes of it. A session that has ended fails everything.
    pub async fn ask(&self, action: Action) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let ended = || {
            Outcome::Failed(Failure {
                error: None,
                code: None,
                message: "the session has ended; start kscope again".into(),
            })
        };
        match self.asks.send((action, answer)).await {
            Ok(()) => answered.await.unwrap_or_else(|_| ended()),
            Err(_) => ended(),
        }
    }

    /// The snapshots: always the newest; closed when the session has ended.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

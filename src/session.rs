//! The handle that the explorer, demos and the control API talk to: ask, watch, events. It hides whether the cluster
//! is a lab in this process or a real one. The data types here are plain; only `embedded` knows the engine.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use action::{Action, Failure, Origin, Outcome};
use snapshot::Snapshot;

pub mod action;
pub mod embedded;
pub mod event;
#[doc(hidden)]
pub mod fixture;
pub mod snapshot;

/// Where Kafka's default partitioner puts a key; here for those who show clusters and know no protocol.
pub use crate::protocol::partitioner::partition_for_key;

/// An action on its way to whoever carries it out.
#[derive(Debug)]
pub struct Asked {
    /// What is to be done.
    pub action: Action,
    /// How it was asked for.
    pub origin: Origin,
    /// The way back for what comes of it.
    pub answer: oneshot::Sender<Outcome>,
}

/// A cluster to watch and to ask.
#[derive(Clone, Debug)]
pub struct Session {
    /// One for all clones: whoever else has one watches, and snapshots are made for them.
    snapshots: Arc<watch::Receiver<Arc<Snapshot>>>,
    asks: mpsc::Sender<Asked>,
    refresh: Option<mpsc::Sender<oneshot::Sender<()>>>,
    last_words: watch::Receiver<Arc<str>>,
}

impl Session {
    /// A session whose snapshots come from one end and whose actions go to the other.
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, asks: mpsc::Sender<Asked>) -> Self {
        let (_, last_words) = watch::channel("the session has ended".into());
        Self { snapshots: Arc::new(snapshots), asks, refresh: None, last_words }
    }

    /// With a way to have a snapshot taken now.
    #[must_use]
    pub fn with_refresh(self, refresh: mpsc::Sender<oneshot::Sender<()>>) -> Self {
        Self { refresh: Some(refresh), ..self }
    }

    /// With what is said of the end, which is when the sender is dropped.
    #[must_use]
    pub fn with_last_words(self, last_words: watch::Receiver<Arc<str>>) -> Self {
        Self { last_words, ..self }
    }

    /// Asks for an action, as a program, and waits for what comes of it. A session that has ended fails everything.
    pub async fn ask(&self, action: Action) -> Outcome {
        self.ask_by(Origin::Program, action).await
    }

    /// The same, with how it was asked for.
    pub async fn ask_by(&self, origin: Origin, action: Action) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let ended = || {
            Outcome::Failed(Failure {
                error: None,
                code: None,
                message: "the session has ended; start kscope again".into(),
            })
        };
        match self.asks.send(Asked { action, origin, answer }).await {
            Ok(()) => answered.await.unwrap_or_else(|_| ended()),
            Err(_) => ended(),
        }
    }

    /// The snapshots: always the newest; closed when the session has ended. As long as it is held, new ones are made.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        let snapshots = watch::Receiver::clone(&self.snapshots);
        self.wake();
        snapshots
    }

    /// A snapshot of now, not of a tenth of a second ago; the newest where the session has ended.
    pub async fn snapshot(&self) -> Arc<Snapshot> {
        let (done, is_done) = oneshot::channel();
        if let Some(refresh) = &self.refresh
            && refresh.send(done).await.is_ok()
        {
            // Where it has ended meanwhile, the newest is what there is.
            let _ = is_done.await;
        }
        Arc::clone(&self.snapshots.borrow())
    }

    /// Waits until the session has ended, and says why.
    pub async fn ended(&self) -> Arc<str> {
        let mut last_words = self.last_words.clone();
        while last_words.changed().await.is_ok() {}
        Arc::clone(&last_words.borrow())
    }

    /// Who makes the snapshots may have slept because nobody watched.
    fn wake(&self) {
        let (done, _) = oneshot::channel();
        if let Some(refresh) = &self.refresh {
            // Where there is no room, somebody else wakes it.
            let _ = refresh.try_send(done);
        }
    }
}

//! A broker's log directory: whole, or offline since its first error. Kafka's `LogDirFailureChannel` and
//! `ReplicaManager.handleLogDirFailure`.
//!
//! A directory that failed once takes nothing any more: what is on it is not known. The process lives on, answers
//! `KAFKA_STORAGE_ERROR` for every replica, and tells the controller by a znode, which then finds other leaders. Kafka
//! ends the process where its last directory fails; here it stays (deviation: log-dir-offline). It is whole again when the
//! process starts anew and can write.

use std::sync::Arc;

use super::Broker;
use crate::engine::context::Context;
use crate::engine::controller::znodes;
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::log::StorageError;
use crate::engine::replica::{Role, TopicPartition};
use crate::engine::zk::op::{CreateMode, Write};
use crate::protocol::ErrorCode;

impl Broker {
    /// What its log directory failed of, if it did.
    pub fn log_dir_error(&self) -> Option<&Arc<str>> {
        self.log_dir_error.as_ref()
    }

    /// Whether the log directory can be used.
    pub(crate) fn check_log_dir(&self) -> Result<(), ErrorCode> {
        if self.log_dir_error.is_none() { Ok(()) } else { Err(ErrorCode::KAFKA_STORAGE_ERROR) }
    }

    /// The log directory failed: every replica on it is offline from now on. Returns what is answered to whoever asked for
    /// what failed.
    pub(crate) fn log_dir_failed(&mut self, error: &StorageError, ctx: &mut Context<'_>) -> ErrorCode {
        if self.log_dir_error.is_none() {
            let reason: Arc<str> = error.0.as_str().into();
            self.log_dir_error = Some(Arc::clone(&reason));
            ctx.emit(EventKind::Broker(BrokerEvent::LogDirFailed { reason: reason.to_string() }));
            self.take_replicas_offline();
            self.stop_coordinating_all(ctx);
            let told = Write::create(
                znodes::LOG_DIR_EVENT,
                znodes::log_dir_failure(self.id),
                CreateMode::PersistentSequential,
            );
            self.zk.submit(vec![told.into()], ctx);
        }
        ErrorCode::KAFKA_STORAGE_ERROR
    }

    fn take_replicas_offline(&mut self) {
        let all: Vec<TopicPartition> = self.replicas.keys().cloned().collect();
        for id in all {
            if let Some(replica) = self.replica_mut(&id) {
                replica.role = Role::Idle;
            }
            self.assign_fetcher(&id);
            self.touch(&id);
        }
    }
}

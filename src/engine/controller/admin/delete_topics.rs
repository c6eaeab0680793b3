//! `DeleteTopics`: writes the wish to `/admin/delete_topics`; the watch on it begins the deletion. Kafka's
//! `ZkAdminManager.deleteTopics`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::super::queue::{Results, Resume as Wait};
use super::super::{Controller, Io, znodes};
use super::{Deadline, Resume, Until};
use crate::engine::broker::connection::Origin;
use crate::engine::zk::op::{CreateMode, OpResult, Write, ZkError};
use crate::protocol::delete_topics::DeletableTopicResult;
use crate::protocol::{DeleteTopicsRequest, DeleteTopicsResponse, ErrorCode};

/// A request whose wishes are being written.
#[derive(Clone, Debug)]
pub(in super::super) struct Deleting {
    origin: Origin,
    deadline: Deadline,
    response: DeleteTopicsResponse,
    /// In the order of the results: place in the response, and topic.
    written: Vec<(usize, Arc<str>)>,
}

impl Controller {
    pub(super) fn delete_topics(
        &mut self,
        request: &DeleteTopicsRequest,
        origin: Origin,
        deadline: Deadline,
        io: &mut Io<'_, '_>,
    ) {
        let asked: Vec<(Option<Arc<str>>, Uuid)> = if origin.version >= 6 {
            request.topics.iter().map(|topic| (topic.name.clone(), topic.topic_id)).collect()
        } else {
            request.topic_names.iter().map(|name| (Some(Arc::clone(name)), Uuid::nil())).collect()
        };
        let mut deleting =
            Deleting { origin, deadline, response: DeleteTopicsResponse::default(), written: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut ops = Vec::new();
        for (name, id) in &asked {
            let result = match self.deletable(name.as_ref(), *id, deleting.origin.version) {
                Ok((name, topic_id)) => {
                    let twice = !seen.insert(Arc::clone(&name));
                    if twice {
                        refused(Some(name), topic_id, ErrorCode::INVALID_REQUEST)
                    } else {
                        let wish = Write::create(znodes::delete_topic_path(&name), Vec::new(), CreateMode::Persistent);
                        ops.push(self.guarded([wish]));
                        deleting.written.push((deleting.response.responses.len(), Arc::clone(&name)));
                        DeletableTopicResult { name: Some(name), topic_id, ..Default::default() }
                    }
                }
                Err(error) => refused(name.clone(), *id, error),
            };
            deleting.response.responses.push(result);
        }
        if ops.is_empty() {
            return self.reply_when(deleting.origin, deleting.response.into(), BTreeMap::new(), deadline, io.ctx);
        }
        self.ask(ops, Wait::Admin(Resume::DeletionsWritten(deleting)), io);
    }

    fn deletable(&self, name: Option<&Arc<str>>, id: Uuid, version: i16) -> Result<(Arc<str>, Uuid), ErrorCode> {
        if !self.settings.delete_topic_enable {
            return Err(if version < 3 { ErrorCode::INVALID_REQUEST } else { ErrorCode::TOPIC_DELETION_DISABLED });
        }
        match name {
            Some(_) if !id.is_nil() => Err(ErrorCode::INVALID_REQUEST),
            Some(name) => {
                let topic = self.cluster.topic(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
                Ok((Arc::clone(name), topic.id))
            }
            None => self.cluster.name_of(id).map(|name| (Arc::clone(name), id)).ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
        }
    }

    /// The wishes are written; one that stood there before is as good.
    pub(super) fn deletions_written(&mut self, deleting: Deleting, results: &Results, io: &mut Io<'_, '_>) {
        let Deleting { origin, deadline, mut response, written } = deleting;
        let mut awaited = BTreeMap::new();
        for ((place, name), result) in written.into_iter().zip(results) {
            match result {
                Ok(OpResult::Multi(Err(failure))) if failure.error != ZkError::NodeExists => {
                    if let Some(result) = response.responses.get_mut(place) {
                        result.error_code = ErrorCode::UNKNOWN_SERVER_ERROR;
                    }
                }
                _ => {
                    awaited.insert(name, Until::Gone);
                }
            }
        }
        self.reply_when(origin, response.into(), awaited, deadline, io.ctx);
    }
}

fn refused(name: Option<Arc<str>>, topic_id: Uuid, error_code: ErrorCode) -> DeletableTopicResult {
    DeletableTopicResult { name, topic_id, error_code, error_message: Some(error_code.message().into()) }
}

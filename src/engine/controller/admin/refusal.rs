//! The answers of a broker that is not the controller, and of one that did not get something done in time.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::protocol::alter_partition_reassignments::ReassignableTopicResponse;
use crate::protocol::create_partitions::CreatePartitionsTopicResult;
use crate::protocol::create_topics::CreatableTopicResult;
use crate::protocol::delete_topics::DeletableTopicResult;
use crate::protocol::{
    AlterPartitionReassignmentsResponse, AlterPartitionResponse, ControlledShutdownResponse, CreatePartitionsResponse,
    CreateTopicsResponse, DeleteTopicsResponse, ElectLeadersResponse, ErrorCode, ListPartitionReassignmentsResponse,
    Request, Response,
};

const ERROR: ErrorCode = ErrorCode::NOT_CONTROLLER;

fn message(error: ErrorCode) -> Arc<str> {
    error.message().into()
}

/// What a broker that is not the controller answers to `request`; none to what any broker answers.
pub(super) fn not_controller(request: &Request) -> Option<Response> {
    Some(match request {
        Request::AlterPartition(_) => AlterPartitionResponse { error_code: ERROR, ..Default::default() }.into(),
        Request::ControlledShutdown(_) => ControlledShutdownResponse { error_code: ERROR, ..Default::default() }.into(),
        Request::ElectLeaders(_) => ElectLeadersResponse { error_code: ERROR, ..Default::default() }.into(),
        Request::AlterPartitionReassignments(request) => {
            let topic = |name: &Arc<str>| ReassignableTopicResponse { name: Arc::clone(name), partitions: Vec::new() };
            let responses = request.topics.iter().map(|t| topic(&t.name)).collect();
            AlterPartitionReassignmentsResponse {
                error_code: ERROR,
                error_message: Some(message(ERROR)),
                responses,
                ..Default::default()
            }
            .into()
        }
        Request::ListPartitionReassignments(_) => ListPartitionReassignmentsResponse {
            error_code: ERROR,
            error_message: Some(message(ERROR)),
            ..Default::default()
        }
        .into(),
        Request::CreateTopics(request) => {
            let names: BTreeSet<&Arc<str>> = request.topics.iter().map(|topic| &topic.name).collect();
            let topics = names.into_iter().map(|name| create_topic(name, ERROR, Some(message(ERROR)))).collect();
            CreateTopicsResponse { topics, ..Default::default() }.into()
        }
        Request::DeleteTopics(request) => {
            let by_name = request.topic_names.iter().map(|name| (Some(Arc::clone(name)), uuid::Uuid::nil()));
            let by_either = request.topics.iter().map(|topic| (topic.name.clone(), topic.topic_id));
            let result = |(name, topic_id)| DeletableTopicResult {
                name,
                topic_id,
                error_code: ERROR,
                error_message: Some(message(ERROR)),
            };
            DeleteTopicsResponse { responses: by_name.chain(by_either).map(result).collect(), ..Default::default() }
                .into()
        }
        Request::CreatePartitions(request) => {
            let result = |name: &Arc<str>| CreatePartitionsTopicResult {
                name: Arc::clone(name),
                error_code: ERROR,
                error_message: Some(message(ERROR)),
            };
            let results = request.topics.iter().map(|topic| result(&topic.name)).collect();
            CreatePartitionsResponse { results, ..Default::default() }.into()
        }
        _ => return None,
    })
}

/// The outcome for a topic that was not created.
pub(super) fn create_topic(
    name: &Arc<str>,
    error_code: ErrorCode,
    error_message: Option<Arc<str>>,
) -> CreatableTopicResult {
    CreatableTopicResult { name: Arc::clone(name), error_code, error_message, ..CreatableTopicResult::default() }
}

/// Puts `error` in place of the success of `topics`.
pub(super) fn fail(response: &mut Response, topics: &BTreeSet<Arc<str>>, error: ErrorCode) {
    match response {
        Response::CreateTopics(response) => {
            for result in response.topics.iter_mut().filter(|r| r.error_code.is_ok() && topics.contains(&r.name)) {
                *result = create_topic(&result.name, error, Some(message(error)));
            }
        }
        Response::DeleteTopics(response) => {
            let named = |name: &Option<Arc<str>>| name.as_ref().is_some_and(|name| topics.contains(name));
            for result in response.responses.iter_mut().filter(|r| r.error_code.is_ok() && named(&r.name)) {
                (result.error_code, result.error_message) = (error, Some(message(error)));
            }
        }
        Response::CreatePartitions(response) => {
            for result in response.results.iter_mut().filter(|r| r.error_code.is_ok() && topics.contains(&r.name)) {
                (result.error_code, result.error_message) = (error, Some(message(error)));
            }
        }
        _ => {}
    }
}

//! Consumers and groups: started, ended, stopped; offsets set anew.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;

use super::{Api, ApiError, done};
use crate::session::action::{Action, NewConsumer, OffsetsReset, Origin, ResetTo};
use crate::session::snapshot::GroupKind;

/// POST /v1/consumers: starts one.
pub(super) async fn add(
    State(api): State<Api>,
    body: Result<Json<NewConsumer>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(consumer) = body.map_err(|rejection| ApiError::body(&rejection))?;
    if consumer.protocol == GroupKind::Consumer && !consumer.assignors.is_empty() {
        let words = "with \"protocol\":\"consumer\" the coordinator assigns: name its assignor in \"remote_assignor\"";
        return Err(ApiError::invalid(words));
    }
    done(api.session.ask_by(Origin::ControlApi, Action::AddConsumer(consumer)).await)
}

/// POST /v1/consumers/{id}/{remove|crash|pause|resume}.
pub(super) async fn act(
    State(api): State<Api>,
    Path((id, what)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let id = known(&api, &id).await?;
    let action = match what.as_str() {
        "remove" => Action::CloseConsumer(id),
        "crash" => Action::CrashConsumer(id),
        "pause" => Action::PauseConsumer { id, paused: true },
        "resume" => Action::PauseConsumer { id, paused: false },
        _ => {
            let words = format!("a consumer cannot {what}: remove, crash, pause, resume; work takes a body");
            return Err(ApiError::not_found(words));
        }
    };
    done(api.session.ask_by(Origin::ControlApi, action).await)
}

/// The number of a consumer that there is.
async fn known(api: &Api, id: &str) -> Result<u32, ApiError> {
    let number = id.parse().ok();
    let consumers = &api.session.snapshot().await.consumers;
    number
        .filter(|number| consumers.contains_key(number))
        .ok_or_else(|| ApiError::not_found(format!("there is no consumer {id}")))
}

/// The body of POST /v1/consumers/{id}/work.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Work {
    each_us: u32,
}

/// POST /v1/consumers/{id}/work: how long it works on each record, in microseconds.
pub(super) async fn work(
    State(api): State<Api>,
    Path(id): Path<String>,
    body: Result<Json<Work>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(Work { each_us }) = body.map_err(|rejection| ApiError::body(&rejection))?;
    let id = known(&api, &id).await?;
    done(api.session.ask_by(Origin::ControlApi, Action::SlowConsumer { id, work_us: each_us }).await)
}

/// The body of POST /v1/groups/{id}/offsets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    to: ResetTo,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    execute: bool,
}

/// POST /v1/groups/{id}/offsets: without `"execute":true` it only says what would change.
pub(super) async fn reset(
    State(api): State<Api>,
    Path(group): Path<String>,
    body: Result<Json<Reset>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(Reset { to, topic, execute }) = body.map_err(|rejection| ApiError::body(&rejection))?;
    if !api.session.snapshot().await.groups.contains_key(group.as_str()) {
        return Err(ApiError::not_found(format!("there is no group {group}")));
    }
    let wanted = OffsetsReset { group: group.into(), topic: topic.map(Into::into), to, execute };
    done(api.session.ask_by(Origin::ControlApi, Action::ResetOffsets(wanted)).await)
}

//! Consumers and groups: started, ended, stopped; offsets set anew.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;

use super::{Api, ApiError, done};
use crate::session::action::{Action, NewConsumer, OffsetsReset, Origin, ResetTo};

/// POST /v1/consumers: starts one.
pub(super) async fn add(
    State(api): State<Api>,
    body: Result<Json<NewConsumer>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(consumer) = body.map_err(|rejection| ApiError::body(&rejection))?;
    done(api.session.ask_by(Origin::ControlApi, Action::AddConsumer(consumer)).await)
}

/// POST /v1/consumers/{id}/{remove|crash|pause|resume}.
pub(super) async fn act(
    State(api): State<Api>,
    Path((id, what)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let missing = || ApiError::not_found(format!("there is no consumer {id}"));
    let number: u32 = id.parse().map_err(|_| missing())?;
    let action = match what.as_str() {
        "remove" => Action::CloseConsumer(number),
        "crash" => Action::CrashConsumer(number),
        "pause" => Action::PauseConsumer { id: number, paused: true },
        "resume" => Action::PauseConsumer { id: number, paused: false },
        _ => {
            let words = format!("a consumer cannot {what}: remove, crash, pause or resume");
            return Err(ApiError::not_found(words));
        }
    };
    if !api.session.snapshot().await.consumers.contains_key(&number) {
        return Err(missing());
    }
    done(api.session.ask_by(Origin::ControlApi, action).await)
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

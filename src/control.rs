//! The HTTP/JSON control API of a running lab, for test suites in any language, on loopback only.
//!
//! ```text
//! GET  /v1/cluster                                  the snapshot
//! GET  /v1/events                                   server-sent events, from now on
//! GET  /metrics                                     Prometheus text
//! POST /v1/brokers/{id}/{kill|power-loss|start|shutdown}
//! POST /v1/zookeepers/{id}/{kill|start}
//! POST /v1/consumers  {"group":"dashboard","topics":["trucks_gps"]}
//! POST /v1/consumers/{id}/{remove|crash|pause|resume}
//! POST /v1/groups/{id}/offsets  {"to":"earliest"}
//! POST /v1/topics/{name}/settings  {"retention.ms":"60000","segment.bytes":null}
//! POST /v1/clock  {"rate":0.1} | {"paused":true} | {"step":1}
//! ```
//!
//! A web page that a browser shows may send requests to loopback, too: a request whose `Host` is not a loopback name is
//! refused (DNS rebinding), and one that changes something must not come from another origin.
//!
//! It knows sessions, not engines. Errors are `{"error": .., "message": ..}` with a fitting status.

mod consumers;
mod error;
mod events;
mod guard;
mod metrics;

use std::collections::BTreeMap;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::session::Session;
use crate::session::action::{Action, Origin, Outcome, SettingsChange};
use error::ApiError;

/// A control API that was started.
#[derive(Debug)]
pub struct Server {
    end: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Ends it: what is being answered is answered, streams are closed.
    pub async fn end(self) {
        self.end.cancel();
        // A panic in it was logged.
        let _ = self.task.await;
    }
}

/// What handlers share.
#[derive(Clone)]
struct Api {
    session: Session,
    end: CancellationToken,
}

/// Serves `session` on `listener`, which should be on loopback. Must be called within a tokio runtime.
pub fn serve(session: Session, listener: TcpListener) -> Server {
    let end = CancellationToken::new();
    let router = router(Api { session, end: end.clone() });
    let until = end.clone();
    let task = TaskTracker::new().spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(until.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(%error, "the control API ended");
        }
    });
    Server { end, task }
}

fn router(api: Api) -> Router {
    Router::new()
        .route("/v1/cluster", get(cluster))
        .route("/v1/events", get(events::stream))
        .route("/metrics", get(metrics::text))
        .route("/v1/brokers/{id}/{what}", post(broker))
        .route("/v1/zookeepers/{id}/{what}", post(zookeeper))
        .route("/v1/consumers", post(consumers::add))
        .route("/v1/consumers/{id}/work", post(consumers::work))
        .route("/v1/consumers/{id}/{what}", post(consumers::act))
        .route("/v1/groups/{id}/offsets", post(consumers::reset))
        .route("/v1/topics/{name}/settings", post(settings))
        .route("/v1/clock", post(clock))
        .fallback(|| async { ApiError::not_found("there is no such resource; see docs/control.md") })
        .method_not_allowed_fallback(|| async { ApiError::method() })
        .layer(middleware::from_fn(guard::check))
        .with_state(api)
}

async fn cluster(State(api): State<Api>) -> impl IntoResponse {
    Json(api.session.snapshot().await)
}

/// POST /v1/brokers/{id}/{kill|power-loss|start|shutdown}.
async fn broker(State(api): State<Api>, Path((id, what)): Path<(String, String)>) -> Result<Json<Value>, ApiError> {
    let id: i32 = id.parse().map_err(|_| ApiError::not_found(format!("there is no broker {id}")))?;
    let action = match what.as_str() {
        "kill" => Action::KillBroker(id),
        "power-loss" => Action::PowerLoss(id),
        "start" => Action::StartBroker(id),
        "shutdown" => Action::ShutdownBroker(id),
        "pause" | "resume" => return Err(ApiError::later(&what)),
        _ => return Err(ApiError::not_found(format!("a broker cannot {what}: kill, power-loss, start or shutdown"))),
    };
    if !api.session.snapshot().await.brokers.contains_key(&id) {
        return Err(ApiError::not_found(format!("there is no broker {id}")));
    }
    done(api.session.ask_by(Origin::ControlApi, action).await)
}

/// POST /v1/zookeepers/{id}/{kill|start}.
async fn zookeeper(State(api): State<Api>, Path((id, what)): Path<(String, String)>) -> Result<Json<Value>, ApiError> {
    let nobody = || ApiError::not_found(format!("there is no ZooKeeper server {id}"));
    let number: u8 = id.parse().map_err(|_| nobody())?;
    let action = match what.as_str() {
        "kill" => Action::KillServer(number),
        "start" => Action::StartServer(number),
        "pause" | "resume" => return Err(ApiError::later(&what)),
        _ => return Err(ApiError::not_found(format!("a ZooKeeper server cannot {what}: kill or start"))),
    };
    let snapshot = api.session.snapshot().await;
    if !snapshot.zookeeper.iter().any(|ensemble| ensemble.servers.iter().any(|server| server.id == number)) {
        return Err(nobody());
    }
    done(api.session.ask_by(Origin::ControlApi, action).await)
}

/// POST /v1/topics/{name}/settings: Kafka's names with new values; null for what is to be as the brokers have it.
async fn settings(
    State(api): State<Api>,
    Path(name): Path<String>,
    body: Result<Json<BTreeMap<String, Option<String>>>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(settings) = body.map_err(|rejection| ApiError::body(&rejection))?;
    if !api.session.snapshot().await.topics.contains_key(name.as_str()) {
        return Err(ApiError::not_found(format!("there is no topic {name}")));
    }
    let settings = settings.into_iter().map(|(name, value)| (name.into(), value.map(Into::into))).collect();
    let change = SettingsChange { name: name.into(), settings };
    done(api.session.ask_by(Origin::ControlApi, Action::AlterTopic(change)).await)
}

/// The body of POST /v1/clock: one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Clock {
    /// Lab time per real time.
    Rate(f64),
    /// Whether time stands.
    Paused(bool),
    /// How many messages to deliver while it stands.
    Step(u32),
}

/// The rates that a lab can run at.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=100.0;

async fn clock(State(api): State<Api>, body: Result<Json<Clock>, JsonRejection>) -> Result<Json<Value>, ApiError> {
    let Json(clock) = body.map_err(|rejection| ApiError::body(&rejection))?;
    let action = match clock {
        Clock::Rate(rate) if RATES.contains(&rate) => Action::SetRate { rate_ppm: millionths(rate) },
        Clock::Rate(rate) => return Err(ApiError::invalid(format!("a rate of {rate}: 0.001 to 100 is wanted"))),
        Clock::Paused(paused) => Action::Pause(paused),
        Clock::Step(n) => Action::Step { n },
    };
    done(api.session.ask_by(Origin::ControlApi, action).await)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rate is within 0.001 and 100, and rounded"
)]
fn millionths(rate: f64) -> u64 {
    (rate * 1e6).round() as u64
}

/// What is answered to an action.
fn done(outcome: Outcome) -> Result<Json<Value>, ApiError> {
    match outcome {
        Outcome::Done(text) => Ok(Json(json!({ "done": text }))),
        Outcome::Failed(failure) => Err(ApiError::refused(&failure)),
        other => Ok(Json(json!(other))),
    }
}

/// Prometheus' text format.
const METRICS_TYPE: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];

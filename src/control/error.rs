//! Errors as the control API tells them: a status, and `{"error": .., "message": ..}`.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::session::action::Failure;

/// An error.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    error: String,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        Self { status, error: error.to_owned(), message: message.into() }
    }

    /// 404.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "this resource has another method: GET or POST")
    }

    /// 400: the body is well-formed but says what cannot be.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID", message)
    }

    /// The body is not what is wanted: 400, or 415 where it is not JSON at all.
    pub(super) fn body(rejection: &JsonRejection) -> Self {
        let status = match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            other => other,
        };
        Self::new(status, "INVALID", rejection.body_text())
    }

    /// 403: who asks may not.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    /// 501: it waits for a later version.
    pub(super) fn later(what: &str) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", format!("{what} is not in this version yet"))
    }

    /// 409: the cluster is not in a state in which that can be done.
    pub(super) fn refused(failure: &Failure) -> Self {
        let error = failure.error.as_deref().unwrap_or("REFUSED").to_owned();
        Self { status: StatusCode::CONFLICT, error, message: failure.message.to_string() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error, "message": self.message }))).into_response()
    }
}

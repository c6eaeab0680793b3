//! Who may ask: programs on this machine, and no web page that a browser happens to show.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;

/// Refuses a request whose `Host` is no loopback name, and one from a page of another origin.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let host = host(request.headers(), request.uri());
    if !host.as_deref().is_some_and(is_loopback) {
        let named = host.unwrap_or_default();
        let message = format!("the host '{named}' is no loopback name; ask localhost, 127.0.0.1 or [::1]");
        return ApiError::forbidden(message).into_response();
    }
    let origin = request.headers().get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("unreadable"));
    if origin.is_some_and(|origin| !is_local_origin(origin)) {
        return ApiError::forbidden("a web page of another origin may not steer the lab").into_response();
    }
    next.run(request).await
}

/// The host that a request names: in its line (HTTP/1.1 absolute form) or in its header.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    // Both must agree where both are there: a proxy and we might read different ones.
    match (uri.authority().map(Authority::as_str), header) {
        (Some(line), Some(header)) if line != header => None,
        (line, header) => line.or(header).map(str::to_owned),
    }
}

/// Whether `host`, with or without a port, is this machine's loopback.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((name, port)) if is_port(port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
}

fn is_local_origin(origin: &str) -> bool {
    origin.strip_prefix("http://").or(origin.strip_prefix("https://")).is_some_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names() {
        for host in ["localhost", "localhost:9644", "LOCALHOST:1", "127.0.0.1:9644", "127.8.9.1", "[::1]", "[::1]:9644"]
        {
            assert!(is_loopback(host), "{host}");
        }
        let others = [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "0.0.0.0",
            "[::2]:1",
            "[::1]x",
            "localhost:80:90",
            "[::1",
            "::1",
            "10.0.0.1:9644",
            "127.0.0.1@example.com",
        ];
        for host in others {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn origins() {
        assert!(is_local_origin("http://localhost:3000"));
        for origin in ["null", "http://example.com", "file://", "http://localhost.example.com"] {
            assert!(!is_local_origin(origin), "{origin}");
        }
    }
}

//! Errors of HTTP have one shape, `{"error": {"code", "message", "hint"}}`, those too that arise before a handler is asked:
//! a path that is not served, a method, a body that is too large or of another kind.

use crate::Error;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::rejection::JsonRejection;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// Longest text of the framework that is taken over.
const TEXT_BYTES: usize = 4 << 10;

/// What is inside of `error`.
pub(super) fn body(error: &Error) -> Value {
    json!({ "code": error.sql_state(), "message": error.to_string(), "hint": error.hint() })
}

/// Gives errors of the framework the shape of ours.
pub(super) async fn shaped(request: Request, next: Next) -> Response {
    let (path, method) = (request.uri().path().to_owned(), request.method().clone());
    let response = next.run(request).await;
    let status = response.status();
    let is_json = |value: &header::HeaderValue| value.as_bytes().starts_with(b"application/json");
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(is_json);
    if !(status.is_client_error() || status.is_server_error()) || is_ours || method == Method::HEAD {
        return response;
    }
    let allowed = response.headers().get(header::ALLOW).cloned();
    let text = match status {
        StatusCode::NOT_FOUND => nothing_at(&path),
        StatusCode::METHOD_NOT_ALLOWED => {
            let methods = allowed.as_ref().and_then(|methods| methods.to_str().ok()).unwrap_or_default();
            format!("`{path}` does not take {method}, it takes {methods}")
        }
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => {
            let said = to_bytes(response.into_body(), TEXT_BYTES).await.unwrap_or_default();
            match String::from_utf8_lossy(&said).trim() {
                "" => "the request cannot be served".to_owned(),
                said => said.to_owned(),
            }
        }
    };
    let mut response = Error::Request { status: status.as_u16(), text }.into_response();
    if let Some(allowed) = allowed {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

fn too_large() -> String {
    format!("the body has more than {} bytes, which is the limit", super::BODY_BYTES)
}

fn nothing_at(path: &str) -> String {
    let all: Value = serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    let paths = all["paths"].as_object().map(|paths| paths.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    match lineward_sql::nearest(path, paths.into_iter()).first() {
        Some(near) => format!("there is nothing at `{path}`; did you mean `{near}`?"),
        None => format!("there is nothing at `{path}`"),
    }
}

/// Why a body is no JSON that a handler takes; `form` is what it takes.
pub(super) fn of_body(rejected: &JsonRejection, form: &str) -> Error {
    match rejected.status().as_u16() {
        413 => Error::Request { status: 413, text: too_large() },
        415 => Error::Request { status: 415, text: format!("the body is not said to be JSON; send {form}") },
        _ => Error::Parameter(format!("the body cannot be read; send {form}")),
    }
}

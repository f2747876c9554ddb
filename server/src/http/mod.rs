//! The HTTP API: SQL, lineage in the shapes of Marquez, and the ways in for OpenLineage events and MLflow's webhooks.
//! `openapi.json` describes it; a test compares the two.

mod answer;
mod errors;
mod events;
mod graph;
mod history;
mod listing;
mod run_lineage;
mod sql;

pub(crate) use events::{keep, may_send};

use crate::ingest::Ingest;
use crate::mlflow::{self, Upstream};
use crate::net::{Accepted, Peer};
use crate::service::{Client, Service};
use crate::{Error, times};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use serde_json::json;
use std::future::Future;
use std::sync::Arc;

/// Largest body of a request, before it is decompressed.
const BODY_BYTES: usize = 64 << 20;

/// What handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub service: Arc<Service>,
    pub ingest: Ingest,
    /// The tracking server of MLflow that is asked for runs.
    pub mlflow: Option<Arc<Upstream>>,
}

/// Serves until told to stop; requests that are under way are answered.
pub(crate) async fn serve(accepted: Accepted, api: Api, stop: impl Future<Output = ()> + Send + 'static) {
    let app = router(api).into_make_service_with_connect_info::<Peer>();
    if let Err(e) = axum::serve(accepted, app).with_graceful_shutdown(stop).await {
        tracing::error!(error = %e, "HTTP stopped");
    }
}

fn router(api: Api) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/api/v1/sql", post(sql::query))
        .route("/api/v1/lineage", get(graph::lineage).post(events::one))
        .route("/api/v1/lineage/batch", post(events::batch))
        .route("/api/v1/mlflow/webhook", post(mlflow::taken))
        .route("/api/v1/column-lineage", get(graph::column_lineage))
        .route("/api/v1/runlineage/upstream", get(run_lineage::upstream))
        .route("/api/v1/namespaces", get(listing::namespaces))
        .route("/api/v1/namespaces/{namespace}", get(listing::namespace))
        .route("/api/v1/namespaces/{namespace}/datasets", get(listing::datasets))
        .route("/api/v1/namespaces/{namespace}/datasets/{dataset}", get(listing::dataset))
        .route("/api/v1/namespaces/{namespace}/jobs", get(listing::jobs))
        .route("/api/v1/namespaces/{namespace}/jobs/{job}", get(listing::job))
        .route("/api/v1/namespaces/{namespace}/jobs/{job}/runs", get(listing::runs))
        .route("/api/v1/namespaces/{namespace}/datasets/{dataset}/versions", get(history::versions))
        .route("/api/v1/jobs/runs/{id}", get(history::run))
        .route("/api/v1/events/lineage", get(history::events))
        .route("/api/v1/sources", get(history::sources))
        .route("/api/v1/tags", get(history::tags))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(axum::middleware::from_fn(errors::shaped))
        .with_state(api)
}

async fn health(State(api): State<Api>) -> Response {
    match api.service.reachable().await {
        Ok(epoch) => Json(json!({ "status": "ok", "epoch": epoch })).into_response(),
        Err(e) => {
            tracing::error!(error = %e, "the store cannot be read");
            let error = Error::Request { status: 503, text: "the store cannot be read".to_owned() };
            let body = json!({ "status": "the store cannot be read", "error": errors::body(&error) });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

async fn metrics(State(api): State<Api>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], api.service.metrics.text()).into_response()
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}

/// Who sends a request; part of every handler but those that tell nothing.
pub(crate) struct Asker(pub Client);

impl axum::extract::FromRequestParts<Api> for Asker {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, api: &Api) -> Result<Self, Error> {
        let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.clone());
        let Some(peer) = peer else { return Err(Error::Unauthenticated("the connection is not known".into())) };
        let address = peer.address.to_string();
        match principal(api, &peer, &parts.headers).await {
            Ok(principal) => {
                peer.let_in();
                let settings = times::of_headers(&parts.headers)?;
                Ok(Self(Client { principal: Arc::new(principal), via: "http", address, settings }))
            }
            Err(error) => {
                api.service.refuse_stranger("http", &address, &error)?;
                Err(error)
            }
        }
    }
}

async fn principal(api: &Api, peer: &Peer, headers: &HeaderMap) -> Result<crate::auth::Principal, Error> {
    let auth = &api.service.auth;
    if let Some(token) = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(token_of)
        && auth.required()
    {
        return auth.token(&token).await;
    }
    if is_of_another_site(headers) {
        return Err(Error::Unauthenticated("pages of other sites need a token".into()));
    }
    if let Some(known) = peer.certificate.as_deref().and_then(|name| auth.certificate(name)) {
        return known;
    }
    if !auth.required() && !is_local_name(headers) {
        // A page of another site can make a browser on this machine ask, under the site's own name.
        return Err(Error::Unauthenticated("without credentials, ask for `localhost` or a loopback address".into()));
    }
    auth.local(peer.address.ip())
}

/// The token in an `Authorization` header: as a bearer, or as the password of any user.
pub(crate) fn token_of(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => {
            let decoded = base64::prelude::BASE64_STANDARD.decode(rest.trim()).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            Some(text.split_once(':')?.1.to_owned())
        }
        _ => None,
    }
}

fn is_local_name(headers: &HeaderMap) -> bool {
    headers.get(header::HOST).is_none_or(|host| host.to_str().is_ok_and(is_local))
}

/// Whether a browser asks for a page that is not of this machine: it would send events, say, without its user knowing.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    !host.is_some_and(|(_, host)| is_local(host))
}

fn is_local(host: &str) -> bool {
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(n, _)| n);
    let name = name.trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Json(json!({ "error": errors::body(&self) }));
        let mut response = (status, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_in_headers() {
        assert_eq!(token_of("Bearer lw_1_2").as_deref(), Some("lw_1_2"));
        assert_eq!(token_of("basic YW5uOmx3XzFfMg==").as_deref(), Some("lw_1_2"));
        assert_eq!(token_of("Digest x"), None);
    }

    #[test]
    fn names_of_this_machine() {
        for (host, local) in [
            ("localhost:5000", true),
            ("127.0.0.1", true),
            ("[::1]:5000", true),
            ("evil.example:5000", false),
            ("127.0.0.1.evil.example", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().expect("a header"))]);
            assert_eq!(is_local_name(&headers), local, "{host}");
            let origin = format!("http://{host}").parse().expect("a header");
            let headers = HeaderMap::from_iter([(header::ORIGIN, origin)]);
            assert_eq!(is_of_another_site(&headers), !local, "{host}");
        }
    }

    #[test]
    fn a_page_without_an_address_is_of_another_site() {
        assert!(!is_of_another_site(&HeaderMap::new()));
        assert!(is_of_another_site(&HeaderMap::from_iter([(header::ORIGIN, "null".parse().expect("a header"))])));
    }

    #[test]
    fn the_description_names_every_route() {
        let description: serde_json::Value = serde_json::from_str(include_str!("openapi.json")).expect("JSON");
        let described: Vec<&String> = description["paths"].as_object().expect("paths").keys().collect();
        let source = include_str!("mod.rs");
        let routed: Vec<&str> =
            source.split(".route(\"").skip(1).filter_map(|rest| rest.split_once('"').map(|(path, _)| path)).collect();
        let routed: Vec<&str> = routed.into_iter().filter(|path| path.starts_with('/')).collect();
        for path in &routed {
            assert!(described.iter().any(|d| d == path), "`{path}` is not in openapi.json");
        }
        assert_eq!(described.len(), routed.len(), "openapi.json names what is not served");
    }
}

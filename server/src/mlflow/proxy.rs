//! Requests that go on to the tracking server, and what is recorded of them.

use super::calls::{Call, Recorded};
use super::{CALL, Upstream, silent, whole};
use crate::Error;
use crate::http::{self, Api, Asker};
use crate::net::{Accepted, Peer};
use crate::service::Client;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;

/// Largest request that is recorded; artifacts may be of any size.
const REQUEST_BYTES: usize = 64 << 20;

/// Headers that are about one connection, by RFC 9110 section 7.6.1, and such as would be wrong behind a proxy: the host,
/// and the page of a browser, which has been looked at by then.
const OWN: [HeaderName; 10] = [
    header::CONNECTION,
    header::HOST,
    header::ORIGIN,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::REFERER,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Headers that are about a request's body, and the encoding of the answer.
const OF_BODY: [HeaderName; 5] =
    [header::ACCEPT_ENCODING, header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::EXPECT];

/// Serves until told to stop; requests that are under way are answered.
pub(crate) async fn serve(accepted: Accepted, api: Api, stop: impl Future<Output = ()> + Send + 'static) {
    let app = Router::new().fallback(forward).with_state(api).into_make_service_with_connect_info::<Peer>();
    if let Err(e) = axum::serve(accepted, app).with_graceful_shutdown(stop).await {
        tracing::error!(error = %e, "the proxy before MLflow stopped");
    }
}

async fn forward(State(api): State<Api>, Asker(client): Asker, request: Request) -> Result<Response, Error> {
    http::may_send(&api, &client)?;
    let nowhere = || Error::Unsupported("there is no tracking server".into());
    let upstream = api.mlflow.clone().ok_or_else(nowhere)?;
    let (parts, body) = request.into_parts();
    let mut headers = passed(&parts.headers);
    if api.service.auth.required() {
        // It was for this server.
        headers.remove(header::AUTHORIZATION);
    }
    let of_client = headers.clone();
    if let Some(known) = &upstream.authorization {
        headers.insert(header::AUTHORIZATION, known.clone());
    }
    let (url, path) = upstream.url(parts.uri.path_and_query().map_or("/", |path| path.as_str()))?;
    let request = upstream.client.request(parts.method.clone(), url);
    let Some(call) = Call::of(&parts.method, &path) else {
        let body = reqwest::Body::wrap_stream(body.into_data_stream());
        return Ok(streamed(request.headers(headers).body(body).send().await.map_err(silent)?));
    };
    let large = |_| Error::Request { status: 413, text: format!("the call has more than {REQUEST_BYTES} bytes") };
    let body = to_bytes(body, REQUEST_BYTES).await.map_err(large)?;
    // So that the answer can be read.
    headers.remove(header::ACCEPT_ENCODING);
    let carrying = Carrying { api, client, upstream, call, of_client };
    let request = request.headers(headers).timeout(CALL);
    // What MLflow carries out is recorded also where the client does not wait for it.
    let carried_out = tokio::spawn(carrying.out(request, body));
    carried_out.await.map_err(|_| Error::Request { status: 500, text: "the call could not be recorded".into() })?
}

/// A call that is recorded, on its way.
struct Carrying {
    api: Api,
    client: Client,
    upstream: Arc<Upstream>,
    call: Call,
    /// Headers of the client.
    of_client: HeaderMap,
}

impl Carrying {
    /// Makes the call, and records it.
    async fn out(self, request: reqwest::RequestBuilder, body: Bytes) -> Result<Response, Error> {
        let answer = request.body(body.clone()).send().await.map_err(silent)?;
        if !answer.status().is_success() {
            return Ok(streamed(answer));
        }
        let Self { api, client, upstream, call, of_client } = self;
        let unrecorded = |error: &Error| {
            api.service.metrics.unrecorded();
            tracing::error!(error = %error, "a call of MLflow was carried out and could not be recorded");
        };
        let (status, headers) = (answer.status(), passed(answer.headers()));
        let said = whole(answer).await.inspect_err(&unrecorded)?;
        let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
        let recorded = call.recorded(&json(&body), &json(&said));
        // What MLflow answers in another way than it is known to would be the same the next time.
        let may_be_repeated = call.may_be_repeated() && recorded != Recorded::Odd;
        if let Err(error) = record(&api, &client, &upstream, recorded, of_client).await {
            unrecorded(&error);
            if may_be_repeated {
                let text = format!("MLflow has done it, but it could not be recorded; send it again: {error}");
                return Err(Error::Request { status: 503, text });
            }
        }
        Ok((status, headers, said).into_response())
    }
}

/// Puts what a call says into the store.
pub(super) async fn record(
    api: &Api,
    client: &Client,
    upstream: &Upstream,
    recorded: Recorded,
    mut of_client: HeaderMap,
) -> Result<(), Error> {
    let document: Value = match recorded {
        Recorded::Nothing => return Ok(()),
        Recorded::Odd => return Err(Error::Unsupported("it is not what MLflow's API describes".into())),
        Recorded::Document(document) => document,
        Recorded::Run(id) => {
            OF_BODY.iter().for_each(|name| drop(of_client.remove(name)));
            upstream.run(&id, of_client).await?
        }
    };
    let taken = http::keep(api, client, vec![document.to_string().into_bytes()]).await?;
    match taken.failed.first() {
        // It is a dead letter then, and counted as one.
        Some((_, reason, place)) => Err(Error::Unsupported(format!("{reason}: {place}"))),
        None => Ok(()),
    }
}

/// An answer as it comes.
fn streamed(answer: reqwest::Response) -> Response {
    let (status, headers) = (answer.status(), passed(answer.headers()));
    (status, headers, Body::from_stream(answer.bytes_stream())).into_response()
}

/// Headers without those that are about one connection.
fn passed(headers: &HeaderMap) -> HeaderMap {
    let mut all = headers.clone();
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    for name in named.flat_map(|names| names.split(',')).filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
        all.remove(name);
    }
    OWN.iter().for_each(|name| drop(all.remove(name)));
    all.remove("keep-alive");
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn headers_of_a_connection_stay_with_it() {
        let headers: HeaderMap = [("connection", "x-own, close"), ("x-own", "1"), ("keep-alive", "5"), ("host", "h")]
            .into_iter()
            .chain([("content-type", "application/json"), ("content-length", "2"), ("origin", "http://localhost")])
            .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_static(value))))
            .collect();
        let mut left: Vec<String> = passed(&headers).keys().map(ToString::to_string).collect();
        left.sort();
        assert_eq!(left, ["content-length", "content-type"]);
    }
}

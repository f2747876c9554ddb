//! Webhooks of MLflow: `POST /api/v1/mlflow/webhook`.
//!
//! A delivery is signed with the secret that it was registered with: HMAC-SHA-256 over its id, its time and its body, as
//! `mlflow.webhooks.delivery` makes it. What is not signed needs a token.

use super::calls::Recorded;
use super::proxy::record;
use crate::Error;
use crate::http::{self, Api, Asker};
use crate::net::Peer;
use crate::service::Client;
use axum::Json;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, FromRequestParts as _, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;

const SIGNATURE: &str = "x-mlflow-signature";
const DELIVERY: &str = "x-mlflow-delivery-id";
const TIMESTAMP: &str = "x-mlflow-timestamp";
/// How far the clocks of both may be apart, in seconds; what is older was taken from somebody and sent again.
const CLOCKS_SECONDS: u64 = 300;
/// Largest delivery.
const BODY_BYTES: usize = 4 << 20;

pub(crate) async fn taken(State(api): State<Api>, request: Request) -> Result<Json<Value>, Error> {
    let (mut parts, body) = request.into_parts();
    let secret = api.mlflow.as_ref().and_then(|mlflow| mlflow.secret.as_deref());
    // Nobody reads a large body of a stranger.
    let asker = match (secret, parts.headers.contains_key(SIGNATURE)) {
        (Some(_), true) => None,
        _ => Some(Asker::from_request_parts(&mut parts, &api).await?),
    };
    let large = |_| Error::Request { status: 413, text: format!("the delivery has more than {BODY_BYTES} bytes") };
    let body = to_bytes(body, BODY_BYTES).await.map_err(large)?;
    let client = match (asker, secret) {
        (Some(Asker(client)), _) => client,
        (None, secret) => signed(&api, &parts, secret.unwrap_or_default(), &body)?,
    };
    http::may_send(&api, &client)?;
    let delivery: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !["entity", "action"].iter().all(|key| delivery[*key].is_string()) || !delivery["data"].is_object() {
        return Err(Error::Parameter("the body is no delivery of a webhook of MLflow".into()));
    }
    let kept = http::keep(&api, &client, vec![body.to_vec()]).await?;
    // The run says what the version was trained on. Where it cannot be asked for now, MLflow sends again.
    let run_id = delivery["data"]["run_id"].as_str().filter(|id| !id.is_empty());
    let mut runs = 0;
    if let (Some(mlflow), Some(id)) = (&api.mlflow, run_id) {
        match record(&api, &client, mlflow, Recorded::Run(id.to_owned()), HeaderMap::new()).await {
            Ok(()) => runs = 1,
            Err(error) => {
                api.service.metrics.unrecorded();
                tracing::error!(error = %error, "the run of a model version could not be recorded");
                // A run that was deleted, or the made-up one of a test, is not there later either.
                if !matches!(error, Error::Unknown(_)) {
                    return Err(error);
                }
            }
        }
    }
    Ok(Json(json!({ "events": kept.events + runs, "failed": kept.failed.len() })))
}

/// Who sent a delivery that is signed.
fn signed(api: &Api, parts: &Parts, secret: &[u8], body: &[u8]) -> Result<Client, Error> {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.clone());
    let Some(peer) = peer else { return Err(Error::Unauthenticated("the connection is not known".into())) };
    let address = peer.address.to_string();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signature = Signature { delivery: header(DELIVERY), timestamp: header(TIMESTAMP), text: header(SIGNATURE) };
    if !signature.holds(secret, body, Utc::now().timestamp()) {
        let error =
            Error::Unauthenticated("the delivery is not signed with the secret of this server, or is old".into());
        api.service.refuse_stranger("http", &address, &error)?;
        return Err(error);
    }
    peer.let_in();
    let principal = Arc::new(api.service.auth.sender("mlflow-webhook"));
    Ok(Client { principal, via: "http", address, settings: Vec::new() })
}

#[derive(Clone, Copy)]
struct Signature<'a> {
    delivery: &'a str,
    timestamp: &'a str,
    text: &'a str,
}

impl Signature<'_> {
    /// Whether it is the signature of a body at about a time, in seconds.
    fn holds(&self, secret: &[u8], body: &[u8], now: i64) -> bool {
        let recent = self.timestamp.parse::<i64>().is_ok_and(|at| now.abs_diff(at) <= CLOCKS_SECONDS);
        let given = self.text.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        let (Ok(mut made), Some(given)) = (Hmac::<Sha256>::new_from_slice(secret), given) else { return false };
        made.update(format!("{}.{}.", self.delivery, self.timestamp).as_bytes());
        made.update(body);
        recent && made.verify_slice(&given).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `mlflow.webhooks.delivery._generate_hmac_signature` of MLflow 3.17.2.
    const TEXT: &str = "v1,XrZfFpc6qRJ1PJ+S221+bF1hE/gwaMU9ZrhoV17eSjY=";

    #[test]
    fn a_signature_holds_for_its_body_and_time() {
        let signature = Signature { delivery: "d-1", timestamp: "1700000000", text: TEXT };
        let (secret, body, now) = (b"a secret", br#"{"entity": "model_version"}"#, 1_700_000_100);
        assert!(signature.holds(secret, body, now));
        assert!(!signature.holds(b"another", body, now));
        assert!(!signature.holds(secret, b"{}", now));
        assert!(!signature.holds(secret, body, now + 300));
        assert!(!signature.holds(secret, body, now - 500));
        for wrong in [
            Signature { delivery: "d-2", ..signature },
            Signature { timestamp: "1700000001", ..signature },
            Signature { timestamp: "", ..signature },
            Signature { text: "", ..signature },
            Signature { text: "v1,AAAA", ..signature },
            Signature { text: &TEXT[3..], ..signature },
        ] {
            assert!(!wrong.holds(secret, body, now), "{} {} {}", wrong.delivery, wrong.timestamp, wrong.text);
        }
    }
}

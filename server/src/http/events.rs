//! The way in for events: `POST /api/v1/lineage` as OpenLineage's clients send them, one or a list, plain or gzip, and
//! `POST /api/v1/lineage/batch` that says what became of each.

use super::{Api, Asker, errors};
use crate::Error;
use crate::ingest::Taken;
use crate::service::Client;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::io::Read as _;

/// Largest body once decompressed: a small one can hold much.
const PLAIN_BYTES: u64 = 256 << 20;
/// Most documents of a request: each that is none becomes a row of its own.
const DOCUMENTS: usize = 10_000;

pub(super) async fn one(
    State(api): State<Api>,
    Asker(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let taken = take(&api, &client, &headers, body).await?;
    match taken.failed.is_empty() {
        true => Ok(StatusCode::CREATED.into_response()),
        false => {
            let (failed, mut said) = (taken.failed.len(), report(&taken));
            let text = format!("{failed} of the documents are no events; `failed_events` says why");
            said["error"] = errors::body(&Error::Request { status: 422, text });
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(said)).into_response())
        }
    }
}

pub(super) async fn batch(
    State(api): State<Api>,
    Asker(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    Ok(Json(report(&take(&api, &client, &headers, body).await?)))
}

async fn take(api: &Api, client: &Client, headers: &HeaderMap, body: Bytes) -> Result<Taken, Error> {
    may_send(api, client)?;
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let documents = tokio::task::spawn_blocking(move || documents(&encoding, &body)).await;
    let documents = documents.map_err(|_| Error::Parameter("the body cannot be read".into()))??;
    keep(api, client, documents).await
}

/// Refuses who may not send events.
pub(crate) fn may_send(api: &Api, client: &Client) -> Result<(), Error> {
    if client.principal.access.ingests() {
        return Ok(());
    }
    let error = Error::Denied("permission denied to send events".into());
    api.service.refuse(client, "", &error)?;
    Err(error)
}

/// Puts documents of somebody who may send them into the store.
pub(crate) async fn keep(api: &Api, client: &Client, documents: Vec<Vec<u8>>) -> Result<Taken, Error> {
    let taken = api.ingest.take(documents).await?;
    api.service.ingested(client, taken.events)?;
    api.service.metrics.ingested(taken.events, taken.repeated, taken.failed.len() as u64);
    api.service.look_again().await;
    Ok(taken)
}

/// The documents of a body: the elements of a list, else the body itself. What is no JSON becomes a dead letter later,
/// so that it is counted like any other.
fn documents(encoding: &str, body: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let plain = match encoding {
        "" | "identity" => body.to_vec(),
        "gzip" => {
            let mut plain = Vec::new();
            let read = MultiGzDecoder::new(body).take(PLAIN_BYTES + 1).read_to_end(&mut plain);
            read.map_err(|_| Error::Parameter("the body says it is gzip, and is not".into()))?;
            plain
        }
        _ => return Err(Error::Request { status: 415, text: "bodies are plain or gzip".into() }),
    };
    if plain.len() as u64 > PLAIN_BYTES {
        let text = format!("the body has more than {PLAIN_BYTES} bytes once unpacked; send fewer events at a time");
        return Err(Error::Request { status: 413, text });
    }
    match serde_json::from_slice::<Vec<&RawValue>>(&plain) {
        Ok(all) if all.len() > DOCUMENTS => {
            Err(Error::Parameter(format!("the list has more than {DOCUMENTS} events; send fewer at a time")))
        }
        Ok(all) => Ok(all.into_iter().map(|one| one.get().as_bytes().to_vec()).collect()),
        Err(_) => Ok(vec![plain]),
    }
}

fn report(taken: &Taken) -> Value {
    let failed = taken.failed.len() as u64;
    let events = taken.failed.iter().map(
        |(index, reason, place)| json!({ "index": index, "reason": format!("{reason}: {place}"), "retriable": false }),
    );
    json!({
        "status": if failed == 0 { "success" } else { "partial_success" },
        "summary": {
            "received": taken.events + failed, "successful": taken.events, "failed": failed,
            "retriable": 0, "non_retriable": failed,
        },
        "failed_events": events.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    #[test]
    fn one_or_many_plain_or_gzip() {
        let list = br#"[{"a":1}, {"b":2}]"#;
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(list).expect("packed");
        let packed = packed.finish().expect("packed");
        let many = vec![br#"{"a":1}"#.to_vec(), br#"{"b":2}"#.to_vec()];
        assert_eq!(documents("", list).expect("two"), many);
        assert_eq!(documents("gzip", &packed).expect("two"), many);
        assert_eq!(documents("", br#"{"a":1}"#).expect("one"), vec![br#"{"a":1}"#.to_vec()]);
        assert_eq!(documents("", b"[{").expect("kept for the dead letters").len(), 1);
        let list_of = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(documents("", list_of(DOCUMENTS).as_bytes()).expect("all").len(), DOCUMENTS);
        assert!(matches!(documents("", list_of(DOCUMENTS + 1).as_bytes()), Err(Error::Parameter(_))));
        assert!(documents("gzip", list).is_err());
        assert!(documents("br", list).is_err());
    }
}

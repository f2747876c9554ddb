//! Answers of queries as bodies: JSON, lines of JSON, or an Arrow stream. The first rows are computed before the status is
//! sent, so that most errors have a status of their own; a later one breaks the body off, which no client takes for an
//! end.

use crate::Error;
use crate::service::Answer;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, WriterBuilder};
use arrow_ipc::writer::StreamWriter;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde_json::{Map, Value, json};

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Lines,
    Arrow,
}

impl Form {
    /// What a client accepts; JSON unless it says otherwise.
    pub fn accepted(headers: &HeaderMap) -> Result<Self, Error> {
        let Some(accept) = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()) else { return Ok(Self::Json) };
        let kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
        for kind in kinds {
            match kind {
                JSON | "*/*" | "application/*" | "" => return Ok(Self::Json),
                LINES | "application/jsonl" => return Ok(Self::Lines),
                ARROW => return Ok(Self::Arrow),
                _ => {}
            }
        }
        let text = format!("answers are {JSON}, {LINES} or {ARROW}; accept one of them");
        Err(Error::Request { status: 406, text })
    }
}

/// The answer as a body in a form.
pub(super) async fn response(mut answer: Answer, form: Form) -> Result<Response, Error> {
    let schema = answer.schema();
    let first = answer.next().await.transpose()?;
    let batches = stream::iter(first.map(Ok)).chain(answer);
    let (kind, body) = match form {
        Form::Json => (JSON, Body::from_stream(json_body(&schema, batches))),
        Form::Lines => (LINES, Body::from_stream(batches.map(|batch| lines(&batch?)))),
        Form::Arrow => (ARROW, Body::from_stream(arrow_body(&schema, batches)?)),
    };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// All rows as objects; for answers that are small by their nature.
pub(super) async fn rows(mut answer: Answer) -> Result<Vec<Map<String, Value>>, Error> {
    let mut all = Vec::new();
    while let Some(batch) = answer.next().await.transpose()? {
        let text = encode::<JsonArray>(&batch)?;
        if batch.num_rows() > 0 {
            let part: Vec<Map<String, Value>> = serde_json::from_slice(&text)
                .map_err(|_| Error::Unsupported("an answer has a value that JSON does not know".into()))?;
            all.extend(part);
        }
    }
    Ok(all)
}

fn encode<F: JsonFormat>(batch: &RecordBatch) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, F>(&mut out);
    writer.write(batch)?;
    writer.finish()?;
    Ok(out)
}

fn lines(batch: &RecordBatch) -> Result<Bytes, Error> {
    Ok(encode::<LineDelimited>(batch)?.into())
}

/// `{"columns": [...], "rows": [...]}`, batch by batch.
fn json_body(
    schema: &SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let columns = schema.fields().iter().map(|f| json!({ "name": f.name(), "type": f.data_type().to_string() }));
    let head = format!("{{\"columns\":{},\"rows\":[", Value::Array(columns.collect()));
    let rows = batches.scan(true, |is_first, batch| {
        let part = batch.and_then(|batch| {
            let text = encode::<JsonArray>(&batch)?;
            let inside = text.trim_ascii().strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]")).unwrap_or_default();
            if inside.is_empty() {
                return Ok(Bytes::new());
            }
            let comma: &[u8] = if std::mem::take(is_first) { b"" } else { b"," };
            Ok([comma, inside].concat().into())
        });
        futures::future::ready(Some(part))
    });
    stream::iter([Ok(Bytes::from(head))]).chain(rows).chain(stream::iter([Ok(Bytes::from_static(b"]}"))]))
}

fn arrow_body(
    schema: &SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + 'static, Error> {
    let writer = StreamWriter::try_new(Vec::new(), schema)?;
    Ok(stream::unfold(Some((writer, Box::pin(batches))), |state| async {
        let (mut writer, mut batches) = state?;
        let written = match batches.next().await {
            Some(Ok(batch)) => writer.write(&batch).map_err(Error::from),
            Some(Err(error)) => Err(error),
            None => {
                let end = writer.finish().map_err(Error::from).map(|()| Bytes::from(std::mem::take(writer.get_mut())));
                return Some((end, None));
            }
        };
        match written {
            Ok(()) => Some((Ok(Bytes::from(std::mem::take(writer.get_mut()))), Some((writer, batches)))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

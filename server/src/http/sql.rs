//! `POST /api/v1/sql`: one query, answered in the form the client accepts.

use super::answer::{Form, response};
use super::errors::of_body;
use super::{Api, Asker};
use crate::Error;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use datafusion::common::ScalarValue;
use serde::Deserialize;
use serde_json::Value;

/// The body of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// One statement.
    query: String,
    /// Values for `$1`, `$2`, ...
    #[serde(default)]
    parameters: Vec<Value>,
    /// Time of which the question is, in place of the header's.
    as_of: Option<String>,
    /// Time at which the answer was known, in place of the header's.
    recorded_as_of: Option<String>,
}

pub(super) async fn query(
    State(api): State<Api>,
    Asker(mut client): Asker,
    headers: HeaderMap,
    body: Result<Json<Question>, JsonRejection>,
) -> Result<Response, Error> {
    let form = "`{\"query\": \"SELECT ...\"}` with `Content-Type: application/json`";
    let Json(question) = body.map_err(|rejected| of_body(&rejected, form))?;
    let form = Form::accepted(&headers)?;
    for (setting, value) in [("lineward.as_of", question.as_of), ("lineward.recorded_as_of", question.recorded_as_of)] {
        client.settings.extend(value.map(|value| (setting, value)));
    }
    let values = question.parameters.into_iter().map(scalar).collect::<Result<_, _>>()?;
    response(api.service.ask(&client, &question.query, values).await?, form).await
}

fn scalar(value: Value) -> Result<ScalarValue, Error> {
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(yes) => ScalarValue::Boolean(Some(yes)),
        Value::String(text) => ScalarValue::Utf8(Some(text)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => ScalarValue::Int64(Some(whole)),
            None => ScalarValue::Float64(number.as_f64()),
        },
        _ => return Err(Error::Parameter("parameters are texts, numbers, true, false or null".into())),
    })
}

//! Namespaces, data sets, jobs and runs, in the shapes of Marquez. Every list is a query as its asker, so it holds what
//! the asker may see.

use super::answer::rows;
use super::history::run_of;
use super::{Api, Asker};
use crate::Error;
use crate::service::Client;
use axum::Json;
use axum::extract::{Path, Query, State};
use datafusion::common::ScalarValue;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Who says what a facet holds.
const PRODUCER: &str = concat!("urn:lineward:", env!("CARGO_PKG_VERSION"));
/// Name of the shape of our facet.
const SENSITIVITY: &str = "urn:lineward:facet:sensitivity:1";

/// Rows a page holds at most.
const PAGE: i64 = 10_000;

/// A row of an answer.
pub(super) type Row = Map<String, Value>;

/// Which part of a list is asked.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(default = "hundred")]
    limit: i64,
    #[serde(default)]
    offset: i64,
}

fn hundred() -> i64 {
    100
}

impl Page {
    pub fn values(&self) -> Result<[ScalarValue; 2], Error> {
        let fits = (0..=PAGE).contains(&self.limit) && self.offset >= 0;
        let values = [self.limit, self.offset].map(|n| ScalarValue::Int64(Some(n)));
        fits.then_some(values).ok_or_else(|| Error::Parameter(format!("`limit` is 0 to {PAGE}, `offset` 0 or more")))
    }
}

/// How many rows a list has in all. A page tells it with its rows; one without rows has to be asked about.
pub(super) async fn total(api: &Api, client: &Client, sql: &str, names: &[&str], page: &[Row]) -> Result<Value, Error> {
    if let Some(row) = page.first() {
        return Ok(row["total"].clone());
    }
    let counted = ask(api, client, &format!("SELECT count(*) AS n FROM ({sql}) AS listed"), names).await?;
    Ok(counted.first().map_or(json!(0), |row| row["n"].clone()))
}

/// An object without the members that are null: the shapes have them absent.
pub(super) fn present(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}

/// The rows of a query with values.
pub(super) async fn ask(api: &Api, client: &Client, sql: &str, values: &[&str]) -> Result<Vec<Row>, Error> {
    let values = values.iter().map(|text| ScalarValue::Utf8(Some((*text).to_owned()))).collect();
    rows(api.service.ask(client, sql, values).await?).await
}

const NAMESPACES: &str = "SELECT namespace AS name, min(seen) AS seen FROM (
    SELECT namespace, first_seen AS seen FROM datasets
    UNION ALL SELECT namespace, recorded_at AS seen FROM jobs) AS n GROUP BY namespace";

pub(super) async fn namespaces(
    State(api): State<Api>,
    Asker(client): Asker,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let [limit, offset] = page.values()?;
    let sql = format!("{NAMESPACES} ORDER BY name LIMIT $1 OFFSET $2");
    let found = rows(api.service.ask(&client, &sql, vec![limit, offset]).await?).await?;
    Ok(Json(json!({ "namespaces": found.iter().map(namespace_of).collect::<Vec<_>>() })))
}

pub(super) async fn namespace(
    State(api): State<Api>,
    Asker(client): Asker,
    Path(name): Path<String>,
) -> Result<Json<Value>, Error> {
    let sql = format!("SELECT * FROM ({NAMESPACES}) AS n WHERE name = $1");
    one(ask(&api, &client, &sql, &[&name]).await?, "namespace", &name).map(|row| Json(namespace_of(&row)))
}

fn namespace_of(row: &Row) -> Value {
    json!({
        "name": row["name"], "createdAt": row["seen"], "updatedAt": row["seen"],
        "ownerName": "anonymous", "isHidden": false,
    })
}

const DATASETS: &str = "SELECT asset_type, namespace, name, version, tags, inherited_tags, first_seen,
    greatest(valid_from, first_seen) AS changed_at, dropped_at, count(*) OVER () AS total
    FROM datasets WHERE namespace = $1";

pub(super) async fn datasets(
    State(api): State<Api>,
    Asker(client): Asker,
    Path(namespace): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let [limit, offset] = page.values()?;
    let values = vec![ScalarValue::Utf8(Some(namespace.clone())), limit, offset];
    let sql = format!("{DATASETS} ORDER BY name, asset_type LIMIT $2 OFFSET $3");
    let found = rows(api.service.ask(&client, &sql, values).await?).await?;
    let total = total(&api, &client, DATASETS, &[&namespace], &found).await?;
    let fields = fields(&api, &client, CURRENT_FIELDS, &found).await?;
    let datasets: Vec<Value> = found.iter().map(|row| fields.shown_in(row, dataset_of(row))).collect();
    Ok(Json(json!({ "totalCount": total, "datasets": datasets })))
}

pub(super) async fn dataset(
    State(api): State<Api>,
    Asker(client): Asker,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Json<Value>, Error> {
    let sql = format!("{DATASETS} AND name = $2 ORDER BY asset_type LIMIT 1");
    let row = one(ask(&api, &client, &sql, &[&namespace, &name]).await?, "data set", &name)?;
    let fields = fields(&api, &client, CURRENT_FIELDS, std::slice::from_ref(&row)).await?;
    Ok(Json(fields.shown_in(&row, dataset_of(&row))))
}

/// Fields of versions of the data sets of a namespace with names in a range.
pub(super) const FIELDS: &str = "SELECT f.name, f.version, f.field, f.data_type, f.ordinal FROM version_fields AS f
    WHERE f.namespace = $1 AND f.name >= $2 AND f.name <= $3";
/// The same of current versions alone.
const CURRENT_FIELDS: &str = "SELECT f.name, f.version, f.field, f.data_type, f.ordinal FROM version_fields AS f
    JOIN datasets AS d ON d.namespace = f.namespace AND d.name = f.name AND d.version = f.version
    WHERE f.namespace = $1 AND f.name >= $2 AND f.name <= $3";

/// Fields by the name and version of their data set, in their order.
pub(super) struct Fields(HashMap<(String, String), Vec<Value>>);

/// The fields of the data sets of a page, as far as its asker may see them.
pub(super) async fn fields(api: &Api, client: &Client, sql: &str, page: &[Row]) -> Result<Fields, Error> {
    let mut all: HashMap<(String, String), Vec<Value>> = HashMap::new();
    let names = || page.iter().filter_map(|row| row["name"].as_str());
    let (Some(first), Some(last), Some(namespace)) =
        (names().min(), names().max(), page.first().and_then(|row| row["namespace"].as_str()))
    else {
        return Ok(Fields(all));
    };
    let found = match ask(api, client, &format!("{sql} ORDER BY f.ordinal"), &[namespace, first, last]).await {
        // Who may see a data set need not see its fields.
        Err(Error::Denied(_)) => Vec::new(),
        found => found?,
    };
    for row in &found {
        let field = present(json!({ "name": row["field"], "type": row["data_type"], "tags": [] }));
        all.entry(version_key(row)).or_default().push(field);
    }
    Ok(Fields(all))
}

fn version_key(row: &Row) -> (String, String) {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("name"), text("version"))
}

impl Fields {
    /// A data set or version with its fields.
    pub(super) fn shown_in(&self, row: &Row, mut shown: Value) -> Value {
        if let Some(fields) = self.0.get(&version_key(row)) {
            shown["fields"] = fields.clone().into();
        }
        shown
    }
}

/// A data set as Marquez shows it; tags are those seen in it, those inherited are told apart.
pub(super) fn dataset_of(row: &Row) -> Value {
    present(json!({
        "id": { "namespace": row["namespace"], "name": row["name"] },
        "type": match row["asset_type"].as_str() { Some("TOPIC") => "STREAM", _ => "DB_TABLE" },
        "name": row["name"], "physicalName": row["name"],
        "createdAt": row["first_seen"], "updatedAt": row["changed_at"], "lastModifiedAt": row["changed_at"],
        "namespace": row["namespace"], "sourceName": row["namespace"],
        "fields": [], "tags": list(&row["tags"]), "currentVersion": row["version"],
        "deleted": !row["dropped_at"].is_null(),
        "facets": { "lineward_sensitivity": {
            "_producer": PRODUCER, "_schemaURL": SENSITIVITY,
            "observed": list(&row["tags"]), "inherited": list(&row["inherited_tags"]),
        } },
    }))
}

const JOBS: &str = "SELECT namespace, name, processing_type, source_code_url, last_run_at, last_state, recorded_at,
    count(*) OVER () AS total FROM jobs WHERE namespace = $1";

pub(super) async fn jobs(
    State(api): State<Api>,
    Asker(client): Asker,
    Path(namespace): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let [limit, offset] = page.values()?;
    let values = vec![ScalarValue::Utf8(Some(namespace.clone())), limit, offset];
    let found = api.service.ask(&client, &format!("{JOBS} ORDER BY name LIMIT $2 OFFSET $3"), values).await?;
    let found = rows(found).await?;
    let total = total(&api, &client, JOBS, &[&namespace], &found).await?;
    Ok(Json(json!({ "totalCount": total, "jobs": found.iter().map(job_of).collect::<Vec<_>>() })))
}

pub(super) async fn job(
    State(api): State<Api>,
    Asker(client): Asker,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Json<Value>, Error> {
    let found = ask(&api, &client, &format!("{JOBS} AND name = $2"), &[&namespace, &name]).await?;
    let row = one(found, "job", &name)?;
    let mut job = job_of(&row);
    let read_or_written = "SELECT DISTINCT io.io, a.namespace, a.name FROM run_io AS io
        JOIN runs AS r ON r.run_sid = io.run_sid
        JOIN asset_versions AS v ON v.version_id = io.version_id JOIN assets AS a ON a.asset_id = v.asset_id
        WHERE r.job_namespace = $1 AND r.job_name = $2 ORDER BY 1, 2, 3";
    let all = ask(&api, &client, read_or_written, &[&namespace, &name]).await?;
    for (field, io) in [("inputs", "INPUT"), ("outputs", "OUTPUT")] {
        let of =
            all.iter().filter(|r| r["io"] == io).map(|r| json!({ "namespace": r["namespace"], "name": r["name"] }));
        job[field] = Value::Array(of.collect());
    }
    Ok(Json(job))
}

/// A job as Marquez shows it.
pub(super) fn job_of(row: &Row) -> Value {
    let name = row["name"].as_str().unwrap_or_default();
    present(json!({
        "id": { "namespace": row["namespace"], "name": row["name"] },
        "type": match row["processing_type"].as_str() { Some("STREAMING") => "STREAM", _ => "BATCH" },
        "name": row["name"], "simpleName": name.rsplit('.').next(),
        "createdAt": row["recorded_at"], "updatedAt": row["last_run_at"], "namespace": row["namespace"],
        "inputs": [], "outputs": [], "location": row["source_code_url"], "facets": {},
        "tags": [], "labels": [],
        "latestRun": row["last_state"].as_str().map(|state| json!({ "state": state_of(state), "endedAt": row["last_run_at"] })),
    }))
}

pub(super) async fn runs(
    State(api): State<Api>,
    Asker(client): Asker,
    Path((namespace, name)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let [limit, offset] = page.values()?;
    let named = [&namespace, &name].map(|text| ScalarValue::Utf8(Some(text.clone())));
    let values = named.into_iter().chain([limit, offset]).collect();
    let sql = "SELECT run_id, state, started_at, ended_at, nominal_start, nominal_end, recorded_at,
            CAST(EXTRACT(EPOCH FROM ended_at - started_at) * 1000 AS BIGINT) AS duration_ms, count(*) OVER () AS total
        FROM runs WHERE job_namespace = $1 AND job_name = $2";
    let page = format!("{sql} ORDER BY coalesce(started_at, ended_at, recorded_at) DESC, run_id LIMIT $3 OFFSET $4");
    let found = rows(api.service.ask(&client, &page, values).await?).await?;
    let total = total(&api, &client, sql, &[&namespace, &name], &found).await?;
    Ok(Json(json!({ "totalCount": total, "runs": found.iter().map(run_of).collect::<Vec<_>>() })))
}

/// The state of a run in Marquez's words.
pub(super) fn state_of(state: &str) -> &'static str {
    match state {
        "START" | "RUNNING" => "RUNNING",
        "COMPLETE" => "COMPLETED",
        "FAIL" => "FAILED",
        "ABORT" => "ABORTED",
        _ => "NEW",
    }
}

pub(super) fn list(value: &Value) -> Value {
    if value.is_null() { json!([]) } else { value.clone() }
}

pub(super) fn one(rows: Vec<Row>, what: &str, name: &str) -> Result<Row, Error> {
    rows.into_iter().next().ok_or_else(|| Error::Unknown(format!("there is no {what} `{name}`")))
}

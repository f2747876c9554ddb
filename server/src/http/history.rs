//! What was: runs by their ids, versions of data sets, events as they were taken; and the words that tags and sources
//! have. In the shapes of Marquez, and each a query as its asker, as in `listing`.

use super::answer::rows;
use super::listing::{FIELDS, Page, Row, ask, fields, list, one, present, state_of, total};
use super::{Api, Asker};
use crate::Error;
use axum::Json;
use axum::extract::{Path, Query, State};
use datafusion::common::ScalarValue;
use serde::Deserialize;
use serde_json::{Value, json};

/// A run by its id, with the versions that it read and wrote.
pub(super) async fn run(
    State(api): State<Api>,
    Asker(client): Asker,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    let sql =
        "SELECT run_id, job_namespace, job_name, state, started_at, ended_at, nominal_start, nominal_end, recorded_at,
            CAST(EXTRACT(EPOCH FROM ended_at - started_at) * 1000 AS BIGINT) AS duration_ms
        FROM runs WHERE run_id = $1 ORDER BY recorded_at DESC LIMIT 1";
    let row = one(ask(&api, &client, sql, &[&id]).await?, "run", &id)?;
    let touched = "SELECT DISTINCT io.io, a.namespace, a.name, v.version FROM run_io AS io
        JOIN runs AS r ON r.run_sid = io.run_sid JOIN asset_versions AS v ON v.version_id = io.version_id
        JOIN assets AS a ON a.asset_id = v.asset_id WHERE r.run_id = $1 ORDER BY 1, 2, 3, 4";
    let touched = ask(&api, &client, touched, &[&id]).await?;
    let versions = |io: &str| -> Vec<Value> { touched.iter().filter(|t| t["io"] == io).map(version_id).collect() };
    let mut run = run_of(&row);
    run["jobVersion"] = present(json!({ "namespace": row["job_namespace"], "name": row["job_name"] }));
    run["inputDatasetVersions"] = versions("INPUT").into();
    run["outputDatasetVersions"] = versions("OUTPUT").into();
    Ok(Json(run))
}

fn version_id(row: &Row) -> Value {
    let id = json!({ "namespace": row["namespace"], "name": row["name"], "version": row["version"] });
    json!({ "datasetVersionId": id, "facets": {} })
}

/// A run as Marquez shows it.
pub(super) fn run_of(row: &Row) -> Value {
    present(json!({
        "id": row["run_id"], "state": row["state"].as_str().map(state_of),
        "createdAt": row["recorded_at"], "updatedAt": row["recorded_at"],
        "nominalStartTime": row["nominal_start"], "nominalEndTime": row["nominal_end"],
        "startedAt": row["started_at"], "endedAt": row["ended_at"], "durationMs": row["duration_ms"],
        "args": {}, "facets": {},
    }))
}

/// The versions of a data set, newest first.
pub(super) async fn versions(
    State(api): State<Api>,
    Asker(client): Asker,
    Path((namespace, name)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let known = "SELECT count(*) AS n FROM datasets WHERE namespace = $1 AND name = $2";
    let found = ask(&api, &client, known, &[&namespace, &name]).await?;
    if found.first().is_none_or(|row| row["n"] == 0) {
        return Err(Error::Unknown(format!("there is no data set `{name}`")));
    }
    let [limit, offset] = page.values()?;
    let named = [&namespace, &name].map(|text| ScalarValue::Utf8(Some(text.clone())));
    let sql = "SELECT a.asset_type, a.namespace, a.name, v.version, greatest(v.valid_from, a.first_seen) AS created_at,
            tags_of(v.version_id) AS tags, r.run_id, r.state, r.started_at, r.ended_at, r.nominal_start, r.nominal_end,
            CAST(EXTRACT(EPOCH FROM r.ended_at - r.started_at) * 1000 AS BIGINT) AS duration_ms, r.recorded_at,
            v.version_id, count(*) OVER () AS total
        FROM assets AS a JOIN asset_versions AS v ON v.asset_id = a.asset_id
        LEFT JOIN runs AS r ON r.run_sid = v.produced_by_run WHERE a.namespace = $1 AND a.name = $2";
    let page = format!("{sql} ORDER BY v.valid_from DESC, v.version_id DESC LIMIT $3 OFFSET $4");
    let found =
        rows(api.service.ask(&client, &page, named.into_iter().chain([limit, offset]).collect()).await?).await?;
    let total = total(&api, &client, sql, &[&namespace, &name], &found).await?;
    let fields = fields(&api, &client, FIELDS, &found).await?;
    let versions: Vec<Value> = found.iter().map(|row| fields.shown_in(row, version_of(row))).collect();
    Ok(Json(json!({ "totalCount": total, "versions": versions })))
}

fn version_of(row: &Row) -> Value {
    let created_by = row["run_id"].as_str().map(|_| run_of(row));
    present(json!({
        "id": { "namespace": row["namespace"], "name": row["name"] },
        "type": match row["asset_type"].as_str() { Some("TOPIC") => "STREAM", _ => "DB_TABLE" },
        "name": row["name"], "physicalName": row["name"], "namespace": row["namespace"],
        "sourceName": row["namespace"], "createdAt": row["created_at"], "version": row["version"],
        "fields": [], "tags": list(&row["tags"]), "createdByRun": created_by, "facets": {},
    }))
}

/// The tags that there are.
pub(super) async fn tags(
    State(api): State<Api>,
    Asker(client): Asker,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let values = page.values()?.to_vec();
    let sql = "SELECT tag, max(regime) AS regime FROM tags GROUP BY tag ORDER BY tag LIMIT $1 OFFSET $2";
    let found = rows(api.service.ask(&client, sql, values).await?).await?;
    let tags = found.iter().map(|row| present(json!({ "name": row["tag"], "description": row["regime"] })));
    Ok(Json(json!({ "tags": tags.collect::<Vec<_>>() })))
}

/// Where data sets are: a source is what their namespace names.
pub(super) async fn sources(
    State(api): State<Api>,
    Asker(client): Asker,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let values = page.values()?.to_vec();
    let sql = "SELECT namespace, min(first_seen) AS seen FROM datasets GROUP BY namespace ORDER BY namespace
        LIMIT $1 OFFSET $2";
    let found = rows(api.service.ask(&client, sql, values).await?).await?;
    Ok(Json(json!({ "sources": found.iter().map(source_of).collect::<Vec<_>>() })))
}

fn source_of(row: &Row) -> Value {
    let name = row["namespace"].as_str().unwrap_or_default();
    let kind = name.split_once("://").map_or("UNKNOWN".to_owned(), |(scheme, _)| scheme.to_ascii_uppercase());
    present(json!({
        "type": kind, "name": name, "connectionUrl": name, "createdAt": row["seen"], "updatedAt": row["seen"],
    }))
}

/// Which events are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Span {
    after: Option<String>,
    before: Option<String>,
    #[serde(rename = "sortDirection")]
    direction: Option<String>,
}

/// Events of OpenLineage as they were taken, newest first.
pub(super) async fn events(
    State(api): State<Api>,
    Asker(client): Asker,
    Query(span): Query<Span>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let direction = match span.direction.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("desc") => "DESC",
        Some("asc") => "ASC",
        Some(_) => return Err(Error::Parameter("`sortDirection` is `asc` or `desc`".into())),
    };
    let time = |name: &str, given: &Option<String>| match given {
        Some(text) => lineward_sql::time::parse(name, text).map(Some),
        None => Ok(None),
    };
    let (after, before) = (time("after", &span.after)?, time("before", &span.before)?);
    let [limit, offset] = page.values()?;
    let at = |micros: Option<i64>| ScalarValue::TimestampMicrosecond(micros, Some("UTC".into()));
    // What is not shown of its content is no event.
    let sql =
        "SELECT payload, count(*) OVER () AS total FROM events WHERE format = 'openlineage' AND payload IS NOT NULL
        AND ($1 IS NULL OR event_time >= $1) AND ($2 IS NULL OR event_time < $2)";
    let page = format!("{sql} ORDER BY event_time {direction}, event_key LIMIT $3 OFFSET $4");
    let found = rows(api.service.ask(&client, &page, vec![at(after), at(before), limit, offset]).await?).await?;
    let total = match found.first() {
        Some(row) => row["total"].clone(),
        None => {
            let counting = format!("SELECT count(*) AS n FROM ({sql}) AS listed");
            let counted = rows(api.service.ask(&client, &counting, vec![at(after), at(before)]).await?).await?;
            counted.first().map_or(json!(0), |row| row["n"].clone())
        }
    };
    let event = |row: &Row| serde_json::from_str::<Value>(row["payload"].as_str()?).ok();
    Ok(Json(json!({ "totalCount": total, "events": found.iter().filter_map(event).collect::<Vec<_>>() })))
}

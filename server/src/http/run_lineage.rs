//! `GET /api/v1/runlineage/upstream` in the shape of Marquez: a run, and the runs that wrote what it read.
//!
//! Lineage of runs goes over versions: a run that wrote another version of a data set is none of them.

use super::graph::depth;
use super::listing::{Row, ask, present, state_of};
use super::{Api, Asker};
use crate::Error;
use crate::service::Client;
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// Runs of an answer. A longer one is refused, since one that is cut off would look complete.
const RUNS_MAX: usize = 10_000;

/// Runs away, at most. A chain takes two queries a run.
const DEPTH_MAX: u32 = 1_000;

/// Runs that one query asks for.
const RUNS_ASKED: usize = 500;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Of {
    run_id: String,
    #[serde(default = "depth")]
    depth: u32,
}

pub(super) async fn upstream(
    State(api): State<Api>,
    Asker(client): Asker,
    Query(asked): Query<Of>,
) -> Result<Json<Value>, Error> {
    if asked.depth > DEPTH_MAX {
        return Err(Error::Parameter(format!("`depth` is 0 to {DEPTH_MAX}")));
    }
    let mut seen = BTreeSet::from([asked.run_id.clone()]);
    let (mut level, mut runs) = (vec![asked.run_id.clone()], Vec::new());
    for hops in 0.. {
        let found = runs_of(&api, &client, &level).await?;
        if hops == 0 && found.is_empty() {
            return Err(Error::Unknown(format!("there is no run `{}`", asked.run_id)));
        }
        let writers = found.iter().flat_map(|run| run.writers()).map(str::to_owned);
        level = writers.filter(|run| seen.insert(run.clone())).collect();
        runs.extend(found.into_iter().map(Run::shown));
        if level.is_empty() || hops == asked.depth {
            break;
        }
        if runs.len() + level.len() > RUNS_MAX {
            let text = format!("there are more than {RUNS_MAX} runs upstream; ask with a smaller `depth`");
            return Err(Error::Parameter(text));
        }
    }
    Ok(Json(json!({ "runs": runs })))
}

/// A run and the versions it read, each as often as there are runs that wrote it.
#[derive(Debug)]
struct Run {
    row: Row,
    inputs: Vec<Row>,
}

impl Run {
    fn writers(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().filter_map(|input| input["written_by"].as_str())
    }

    fn shown(self) -> Value {
        let inputs = self.inputs.iter().map(|input| {
            present(json!({
                "namespace": input["namespace"], "name": input["name"], "version": input["version"],
                "producedByRunId": input["written_by"],
            }))
        });
        let run = &self.row;
        json!({
            "job": { "namespace": run["job_namespace"], "name": run["job_name"] },
            "run": present(json!({
                "id": run["run_id"], "start": run["started_at"], "end": run["ended_at"],
                "status": run["state"].as_str().map(state_of),
            })),
            "inputs": inputs.collect::<Vec<_>>(),
        })
    }
}

/// These runs, in the order of their ids.
async fn runs_of(api: &Api, client: &Client, ids: &[String]) -> Result<Vec<Run>, Error> {
    let mut runs = Vec::new();
    for ids in ids.chunks(RUNS_ASKED) {
        let values: Vec<&str> = ids.iter().map(String::as_str).collect();
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let places = places.join(", ");
        let rows = format!(
            "SELECT run_id, job_namespace, job_name, state, started_at, ended_at FROM runs WHERE run_id IN ({places})
            ORDER BY run_id, recorded_at DESC"
        );
        // A run that goes on writing to what it reads is not upstream of itself.
        let read = format!(
            "SELECT DISTINCT r.run_id, a.namespace, a.name, v.version, w.run_id AS written_by FROM run_io AS io
            JOIN runs AS r ON r.run_sid = io.run_sid JOIN asset_versions AS v ON v.version_id = io.version_id
            JOIN assets AS a ON a.asset_id = v.asset_id
            LEFT JOIN (
                SELECT o.version_id, o.run_sid, w.run_id FROM run_io AS o JOIN runs AS w ON w.run_sid = o.run_sid
                WHERE o.io = 'OUTPUT'
            ) AS w ON w.version_id = io.version_id AND w.run_sid <> io.run_sid
            WHERE io.io = 'INPUT' AND r.run_id IN ({places}) ORDER BY 1, 2, 3, 4, 5"
        );
        let mut inputs: HashMap<String, Vec<Row>> = HashMap::new();
        for row in ask(api, client, &read, &values).await? {
            inputs.entry(row["run_id"].as_str().unwrap_or_default().to_owned()).or_default().push(row);
        }
        let mut rows = ask(api, client, &rows, &values).await?;
        rows.dedup_by(|later, first| later["run_id"] == first["run_id"]);
        runs.extend(rows.into_iter().map(|row| {
            let inputs = row["run_id"].as_str().and_then(|id| inputs.remove(id)).unwrap_or_default();
            Run { row, inputs }
        }));
    }
    Ok(runs)
}

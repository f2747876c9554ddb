//! `GET /api/v1/lineage` and `/api/v1/column-lineage` in the shapes of Marquez: a node and what is around it.
//!
//! Lineage goes from data set to job to data set, over everything runs have read and written, not the newest run alone.
//! Depth counts jobs, as Marquez does.

use super::listing::{Row, ask, dataset_of, job_of};
use super::{Api, Asker};
use crate::Error;
use crate::service::Client;
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

const DEPTH: u32 = 20;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Around {
    node_id: String,
    #[serde(default = "depth")]
    depth: u32,
    #[serde(default)]
    with_downstream: bool,
}

pub(super) fn depth() -> u32 {
    DEPTH
}

pub(super) async fn lineage(
    State(api): State<Api>,
    Asker(client): Asker,
    Query(asked): Query<Around>,
) -> Result<Json<Value>, Error> {
    let pairs = "SELECT DISTINCT r.job_namespace, r.job_name, io.io, a.namespace, a.name FROM run_io AS io
        JOIN runs AS r ON r.run_sid = io.run_sid
        JOIN asset_versions AS v ON v.version_id = io.version_id JOIN assets AS a ON a.asset_id = v.asset_id
        WHERE r.job_name IS NOT NULL";
    let graph = Links::of_rows(&ask(&api, &client, pairs, &[]).await?);
    let mut data = nodes(&api, &client).await?;
    if !graph.knows(&asked.node_id) && !data.contains_key(&asked.node_id) {
        return Err(unknown(&asked.node_id));
    }
    let reached = graph.around(&asked.node_id, asked.depth);
    let shown = reached.iter().map(|id| {
        let (kind, data) = data.remove(id).unwrap_or_else(|| placeholder(id));
        graph.node(id, kind, data, &reached)
    });
    Ok(Json(json!({ "graph": shown.collect::<Vec<_>>() })))
}

/// Every data set and job as Marquez shows it, by node id.
async fn nodes(api: &Api, client: &Client) -> Result<HashMap<String, (&'static str, Value)>, Error> {
    let mut all = HashMap::new();
    let datasets = "SELECT asset_type, namespace, name, version, tags, inherited_tags, first_seen,
        greatest(valid_from, first_seen) AS changed_at, dropped_at FROM datasets";
    for row in ask(api, client, datasets, &[]).await? {
        all.insert(id("dataset", &row["namespace"], &row["name"]), ("DATASET", dataset_of(&row)));
    }
    let jobs =
        "SELECT namespace, name, processing_type, source_code_url, last_run_at, last_state, recorded_at FROM jobs";
    for row in ask(api, client, jobs, &[]).await? {
        all.insert(id("job", &row["namespace"], &row["name"]), ("JOB", job_of(&row)));
    }
    Ok(all)
}

/// A node that is no data set, as a model is none.
fn placeholder(id: &str) -> (&'static str, Value) {
    let (kind, rest) = id.split_once(':').unwrap_or_default();
    let (namespace, name) = rest.rsplit_once(':').unwrap_or((rest, rest));
    let kind = if kind == "job" { "JOB" } else { "DATASET" };
    (kind, json!({ "id": { "namespace": namespace, "name": name }, "name": name, "namespace": namespace }))
}

fn id(kind: &str, namespace: &Value, name: &Value) -> String {
    format!("{kind}:{}:{}", namespace.as_str().unwrap_or_default(), name.as_str().unwrap_or_default())
}

fn unknown(node: &str) -> Error {
    Error::Unknown(format!("there is no node `{node}`; write `dataset:NAMESPACE:NAME` or `job:NAMESPACE:NAME`"))
}

/// Links between nodes, both ways.
#[derive(Debug, Default)]
struct Links {
    to: BTreeMap<String, BTreeSet<String>>,
    from: BTreeMap<String, BTreeSet<String>>,
}

impl Links {
    fn of_rows(rows: &[Row]) -> Self {
        let mut links = Self::default();
        for row in rows {
            let job = id("job", &row["job_namespace"], &row["job_name"]);
            let dataset = id("dataset", &row["namespace"], &row["name"]);
            match row["io"].as_str() {
                Some("INPUT") => links.add(dataset, job),
                _ => links.add(job, dataset),
            }
        }
        links
    }

    fn add(&mut self, from: String, to: String) {
        self.to.entry(from.clone()).or_default().insert(to.clone());
        self.from.entry(to).or_default().insert(from);
    }

    fn knows(&self, id: &str) -> bool {
        self.to.contains_key(id) || self.from.contains_key(id)
    }

    fn around(&self, start: &str, depth: u32) -> BTreeSet<String> {
        let back = self.walk(start, depth, &self.from);
        let forth = self.walk(start, depth, &self.to);
        back.union(&forth).cloned().collect()
    }

    /// Nodes reached over at most so many jobs, with the data sets of the last.
    fn walk(&self, start: &str, depth: u32, links: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([start.to_owned()]);
        let mut waiting = VecDeque::from([(start.to_owned(), 0)]);
        while let Some((node, jobs)) = waiting.pop_front() {
            for next in links.get(&node).into_iter().flatten() {
                let jobs = jobs + u32::from(next.starts_with("job:"));
                if jobs <= depth && reached.insert(next.clone()) {
                    waiting.push_back((next.clone(), jobs));
                }
            }
        }
        reached
    }

    /// A node with its links to other nodes that are shown.
    fn node(&self, id: &str, kind: &str, data: Value, shown: &BTreeSet<String>) -> Value {
        let edges = |links: &BTreeMap<String, BTreeSet<String>>, edge: &dyn Fn(&str) -> Value| {
            let others = links.get(id).into_iter().flatten().filter(|other| shown.contains(*other));
            others.map(|other| edge(other)).collect::<Vec<_>>()
        };
        json!({
            "id": id, "type": kind, "data": data,
            "inEdges": edges(&self.from, &|other| json!({ "origin": other, "destination": id })),
            "outEdges": edges(&self.to, &|other| json!({ "origin": id, "destination": other })),
        })
    }
}

pub(super) async fn column_lineage(
    State(api): State<Api>,
    Asker(client): Asker,
    Query(asked): Query<Around>,
) -> Result<Json<Value>, Error> {
    let columns = Columns::of_rows(&ask(&api, &client, MAPPINGS, &[]).await?);
    let starts = columns.starts(&asked.node_id);
    // A data set nobody said anything about the columns of has an empty graph.
    if starts.is_empty() && !nodes(&api, &client).await?.contains_key(&asked.node_id) {
        return Err(Error::Unknown(format!(
            "there is no column lineage of `{}`; write `dataset:NAMESPACE:NAME` or `datasetField:NAMESPACE:NAME:FIELD`",
            asked.node_id
        )));
    }
    let mut reached = BTreeSet::new();
    for start in &starts {
        reached.extend(columns.links.steps(start, asked.depth, &columns.links.from));
        if asked.with_downstream {
            reached.extend(columns.links.steps(start, asked.depth, &columns.links.to));
        }
    }
    let shown = reached.iter().map(|id| columns.links.node(id, "DATASET_FIELD", columns.data(id), &reached));
    Ok(Json(json!({ "graph": shown.collect::<Vec<_>>() })))
}

impl Links {
    fn steps(&self, start: &str, depth: u32, links: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([start.to_owned()]);
        let mut edge = vec![start.to_owned()];
        for _ in 0..depth {
            let next: BTreeSet<&String> = edge.iter().filter_map(|node| links.get(node)).flatten().collect();
            edge = next.into_iter().filter(|node| reached.insert((*node).clone())).cloned().collect();
            if edge.is_empty() {
                break;
            }
        }
        reached
    }
}

/// Mappings of columns that some run used, once each.
const MAPPINGS: &str = "SELECT DISTINCT
        sa.namespace AS from_namespace, sa.name AS from_name, sf.name AS from_field,
        ta.namespace AS to_namespace, ta.name AS to_name, tf.name AS to_field, m.type AS kind, m.description
    FROM run_mappings AS r JOIN column_mappings AS m ON m.mapping_id = r.mapping_id
    JOIN fields AS sf ON sf.field_id = m.src_field_id JOIN assets AS sa ON sa.asset_id = sf.asset_id
    JOIN fields AS tf ON tf.field_id = m.dst_field_id JOIN assets AS ta ON ta.asset_id = tf.asset_id
    ORDER BY from_namespace, from_name, from_field";

/// Columns and how they come about, as the asker may see them.
#[derive(Debug, Default)]
struct Columns {
    links: Links,
    /// Namespace, data set and field of a node.
    parts: BTreeMap<String, [String; 3]>,
    /// Input fields of a node.
    inputs: BTreeMap<String, Vec<Value>>,
}

impl Columns {
    fn of_rows(rows: &[Row]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            let from = columns.node([&row["from_namespace"], &row["from_name"], &row["from_field"]]);
            let to = columns.node([&row["to_namespace"], &row["to_name"], &row["to_field"]]);
            columns.links.add(from, to.clone());
            columns.inputs.entry(to).or_default().push(json!({
                "namespace": row["from_namespace"], "dataset": row["from_name"], "field": row["from_field"],
                "datasetVersion": null, "fieldType": null,
                "transformationDescription": row["description"], "transformationType": row["kind"],
            }));
        }
        columns
    }

    fn node(&mut self, parts: [&Value; 3]) -> String {
        let parts = parts.map(|part| part.as_str().unwrap_or_default().to_owned());
        let id = format!("datasetField:{}", parts.join(":"));
        self.parts.insert(id.clone(), parts);
        id
    }

    /// The fields that a node id means: one, or all of a data set.
    fn starts(&self, id: &str) -> Vec<String> {
        if self.parts.contains_key(id) {
            return vec![id.to_owned()];
        }
        let of_dataset = |parts: &[String; 3]| id == format!("dataset:{}:{}", parts[0], parts[1]);
        self.parts.iter().filter(|(_, parts)| of_dataset(parts)).map(|(id, _)| id.clone()).collect()
    }

    fn data(&self, id: &str) -> Value {
        let Some([namespace, dataset, field]) = self.parts.get(id) else { return Value::Null };
        json!({
            "namespace": namespace, "dataset": dataset, "field": field, "fieldType": null, "datasetVersion": null,
            "inputFields": self.inputs.get(id).cloned().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(&str, &str)]) -> Links {
        let mut links = Links::default();
        for (from, to) in pairs {
            links.add((*from).to_owned(), (*to).to_owned());
        }
        links
    }

    #[test]
    fn depth_counts_jobs() {
        let chain = links(&[
            ("dataset:n:a", "job:n:1"),
            ("job:n:1", "dataset:n:b"),
            ("dataset:n:b", "job:n:2"),
            ("job:n:2", "dataset:n:c"),
        ]);
        let names = |start: &str, depth| chain.around(start, depth).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names("dataset:n:a", 1), "dataset:n:a dataset:n:b job:n:1");
        assert_eq!(names("dataset:n:a", 0), "dataset:n:a");
        assert_eq!(names("dataset:n:a", 2), "dataset:n:a dataset:n:b dataset:n:c job:n:1 job:n:2");
        assert_eq!(names("job:n:2", 5), "dataset:n:a dataset:n:b dataset:n:c job:n:1 job:n:2");
    }

    #[test]
    fn siblings_are_not_lineage() {
        let fork = links(&[
            ("dataset:n:a", "job:n:1"),
            ("job:n:1", "dataset:n:b"),
            ("dataset:n:a", "job:n:2"),
            ("job:n:2", "dataset:n:c"),
        ]);
        assert!(!fork.around("dataset:n:b", 9).contains("dataset:n:c"));
    }

    #[test]
    fn circles_end() {
        let circle = links(&[("dataset:n:a", "job:n:1"), ("job:n:1", "dataset:n:a")]);
        assert_eq!(circle.around("dataset:n:a", u32::MAX).len(), 2);
    }

    #[test]
    fn columns_and_what_goes_into_them() {
        let row = json!({"from_namespace": "db", "from_name": "in", "from_field": "amount", "to_namespace": "db",
            "to_name": "out", "to_field": "total", "kind": "DIRECT", "description": "sum"});
        let columns = Columns::of_rows(&[row.as_object().cloned().expect("a row")]);
        assert_eq!(columns.starts("dataset:db:out"), ["datasetField:db:out:total"]);
        assert_eq!(columns.starts("datasetField:db:in:amount"), ["datasetField:db:in:amount"]);
        assert!(columns.starts("dataset:db:nothing").is_empty());
        let data = columns.data("datasetField:db:out:total");
        assert_eq!(data["inputFields"][0]["transformationType"], "DIRECT");
        let reached = columns.links.steps("datasetField:db:out:total", 3, &columns.links.from);
        assert_eq!(reached.len(), 2);
    }
}

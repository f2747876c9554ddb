//! Producers that people have, as judges of the way in: openlineage-python over its Kafka transport, and MLflow's
//! client. And Marquez's shapes as a judge of the way out.

use crate::lineward::Lineward;
use crate::readers::python_with;
use crate::servers::{Server, estate};
use lineward_tests::KafkaBroker;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

const PACKAGES: [&str; 7] = [
    "alembic==1.20.1",
    "jsonschema[format]==4.26.0",
    "mlflow-skinny==3.17.2",
    "numpy==2.4.6",
    "openlineage-python[kafka]==1.54.0",
    "pandas==3.1.1",
    "sqlalchemy==2.1.9",
];

/// A script that does what its arguments say; `None` where there is no Python.
fn judge(lineward: &Lineward, arguments: &[&str]) -> Option<String> {
    let python = python_with("venv-judges", &PACKAGES)?;
    let mut command = Command::new(python);
    command.arg(beside("judges.py")).args(arguments).current_dir(lineward.path("")).env("HOME", lineward.path(""));
    Some(lineward.run_command(&mut command).ok().stdout)
}

fn beside(file: &str) -> PathBuf {
    lineward_tests::folder().join("tests/e2e").join(file)
}

#[test]
fn runs_that_openlineage_sends_by_kafka_are_lineage() {
    const TOPIC: &str = "openlineage.events";
    let lineward = Lineward::new();
    let broker = KafkaBroker::start().expect("start");
    broker.create_topic(TOPIC, 3).expect("create a topic");
    let Some(said) = judge(&lineward, &["kafka", &broker.bootstrap(), TOPIC]) else { return };
    assert_eq!(said.trim(), r#"{"client": "KafkaTransport"}"#);
    let source = format!("kafka: {{brokers: '{}', topics: [{TOPIC}], group_id: g}}", broker.bootstrap());
    lineward.write("pipeline.yaml", format!("name: judged\nsource: {{{source}}}\n"));
    lineward.run(["run", "pipeline.yaml", "--until-end"]).ok();

    let formats = lineward.sql("SELECT format, count(*) AS n FROM raw.events GROUP BY 1");
    assert_eq!(json!(formats), json!([{"format": "openlineage", "n": 4}]));
    assert_eq!(lineward.count("SELECT count(*) FROM raw.dead_letters"), 0);
    let runs = lineward.sql("SELECT job_name, state FROM runs ORDER BY 1");
    assert_eq!(
        json!(runs),
        json!([{"job_name": "tokenise", "state": "COMPLETE"}, {"job_name": "train", "state": "COMPLETE"}])
    );
    let upstream = lineward.sql("SELECT depth, name FROM upstream('s3://clinic/tuned') ORDER BY 1");
    assert_eq!(json!(upstream), json!([{"depth": 1, "name": "tokens"}, {"depth": 2, "name": "notes"}]));
    let columns = lineward.sql("SELECT name, field, subtype FROM column_upstream('s3://clinic/tokens', 'tokens')");
    assert_eq!(json!(columns), json!([{"name": "notes", "field": "text", "subtype": "TRANSFORMATION"}]));
    // What was read is not read again.
    lineward.run(["run", "pipeline.yaml", "--until-end"]).ok();
    assert_eq!(lineward.count("SELECT count(*) FROM raw.events"), 4);
}

#[test]
fn a_run_that_mlflow_logged_says_what_the_model_was_trained_on() {
    let lineward = Lineward::new();
    let folder = lineward.path("mlflow");
    std::fs::create_dir(&folder).expect("a folder");
    let Some(documents) = judge(&lineward, &["mlflow", &folder.to_string_lossy()]) else { return };
    assert_eq!(documents.lines().count(), 2, "{documents}");
    lineward.write("mlflow.jsonl", documents);
    lineward.run(["ingest", "mlflow.jsonl"]).ok();
    assert_eq!(lineward.count("SELECT count(*) FROM raw.events WHERE format = 'mlflow'"), 2);
    assert_eq!(lineward.count("SELECT count(*) FROM raw.dead_letters"), 0);
    let data = lineward.sql(
        "SELECT name, context, row_count, length(version) AS digest FROM training_data('tuned') WHERE name IS NOT NULL",
    );
    assert_eq!(json!(data), json!([{"name": "notes.jsonl", "context": "training", "row_count": 2, "digest": 8}]));
    let io = lineward.sql(
        "SELECT a.name, io.io, io.context FROM run_io AS io JOIN asset_versions AS v ON v.version_id = io.version_id
         JOIN assets AS a ON a.asset_id = v.asset_id WHERE io.io = 'INPUT' ORDER BY 1",
    );
    let testing = json!({"name": "held-out.jsonl", "io": "INPUT", "context": "testing"});
    assert_eq!(json!(io), json!([testing, {"name": "notes.jsonl", "io": "INPUT", "context": "training"}]));
    let runs = lineward.sql("SELECT state, job_name LIKE 'experiment/%' AS named FROM runs");
    assert_eq!(json!(runs), json!([{"state": "COMPLETE", "named": true}]));
}

/// Where the specification of OpenLineage is; `None`, told, where it is not here.
fn openlineage() -> Option<PathBuf> {
    let place = lineward_tests::folder().join("../../shared/data/lineage/openlineage");
    if !place.join("spec").is_dir() {
        println!("skipped: the specification of OpenLineage is not here");
        return None;
    }
    Some(place)
}

#[test]
fn exported_events_are_valid_by_the_schema_of_openlineage() {
    let Some(place) = openlineage() else { return };
    let lineward = estate();
    let mut events = String::new();
    for asset in ["model:*", "dataset:*", "deployment:*"] {
        events += &lineward.run(["export", "openlineage", asset]).ok().stdout;
    }
    assert!(events.lines().count() > 5, "{events}");
    // One that no UUID names, and an output that says where it comes from.
    assert!(events.contains("lineward_run"), "every run has a UUID");
    lineward.write("exported.jsonl", &events);
    let Some(said) = judge(&lineward, &["openlineage", &place.join("spec").to_string_lossy(), "exported.jsonl"]) else {
        return;
    };
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["wrong"], json!([]));
    assert_eq!(said["judged"], json!(events.lines().count()));
    assert!(said["facets"].as_u64() > Some(10), "{said}");
}

#[test]
fn events_that_the_schema_of_openlineage_takes_are_taken() {
    let Some(place) = openlineage() else { return };
    let lineward = Lineward::new();
    let scenarios = place.join("compatibility-tests/consumer/scenarios");
    let Some(said) = judge(&lineward, &["raw", &place.join("spec").to_string_lossy(), &scenarios.to_string_lossy()])
    else {
        return;
    };
    let (counts, events) = said.split_once('\n').expect("counts, then events");
    let counts: Value = serde_json::from_str(counts).expect("JSON");
    // The one that is not valid has a name for a UUID, and is taken all the same.
    assert_eq!(counts, json!({"events": 53, "valid": 52}));
    lineward.write("raw.jsonl", events);
    lineward.run(["ingest", "raw.jsonl", "--event-format", "openlineage"]).ok();
    assert_eq!(lineward.count("SELECT count(*) FROM raw.dead_letters"), 0);
    assert_eq!(lineward.count("SELECT count(*) FROM raw.events WHERE format = 'openlineage'"), 53);
    assert!(lineward.count("SELECT count(*) FROM runs") > 10);
    assert!(lineward.count("SELECT count(*) FROM column_lineage") > 10);
}

#[test]
fn answers_have_the_shapes_of_marquez() {
    let lineward = estate();
    let mapped = json!({
        "eventType": "COMPLETE", "eventTime": "2026-05-04T03:02:01Z", "producer": "https://example.org",
        "run": {"runId": "00000000-0000-0000-0000-000000000001"}, "job": {"namespace": "etl", "name": "sum"},
        "inputs": [{"namespace": "db", "name": "sales"}],
        "outputs": [{"namespace": "db", "name": "totals", "facets": {"columnLineage": {"fields": {"total": {
            "inputFields": [{"namespace": "db", "name": "sales", "field": "amount"}],
        }}}}}],
    });
    lineward.write("mapped.jsonl", format!("{mapped}\n"));
    lineward.run(["ingest", "mapped.jsonl"]).ok();
    let server = Server::start(&lineward, &[]);
    let schema = beside("marquez.json");
    let Some(said) = judge(&lineward, &["marquez", &server.http, &schema.to_string_lossy()]) else { return };
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["wrong"], json!([]));
    for kind in ["DATASET", "JOB", "DATASET_FIELD"] {
        assert!(said["found"][kind].as_u64() > Some(1), "no {kind} was judged: {}", said["found"]);
    }
}

//! Producers that people have, as judges of the way in: openlineage-python over its transports, dbt, and MLflow's client.
//! And as judges of the way out Marquez's shapes, OpenLineage's schemas, and packages that read PROV and in-toto.

use crate::lineward::Lineward;
use crate::readers::python_with;
use crate::servers::{Server, estate};
use lineward_tests::KafkaBroker;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// aiohttp and Flask are of MLflow's server; its small package leaves them out.
const PACKAGES: [&str; 12] = [
    "aiohttp==3.14.5",
    "alembic==1.20.1",
    "flask==3.1.3",
    "flask-cors==6.0.5",
    "in-toto-attestation==0.9.3",
    "jsonschema[format]==4.26.0",
    "mlflow-skinny==3.17.2",
    "numpy==2.4.6",
    "openlineage-python[kafka]==1.54.0",
    "pandas==3.1.1",
    "prov==3.2.3",
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
fn runs_that_openlineage_sends_at_once_or_to_a_file_are_lineage() {
    const RUNS: i64 = 200;
    let lineward = Lineward::new();
    let file = lineward.path("events.jsonl");
    if judge(&lineward, &["file", &file.to_string_lossy()]).is_none() {
        return;
    }
    lineward.run(["ingest", "events.jsonl"]).ok();
    let server = Server::start(&lineward, &[]);
    let said = judge(&lineward, &["async", &server.http, &RUNS.to_string()]).expect("Python");
    assert_eq!(said.trim(), r#"{"delivered": true, "failed": 0}"#);
    // The first run came by both ways and is one.
    let runs = lineward.sql("SELECT state, count(*) AS n FROM runs GROUP BY 1");
    assert_eq!(json!(runs), json!([{"state": "COMPLETE", "n": RUNS}]));
    assert_eq!(lineward.count("SELECT count(*) FROM raw.dead_letters"), 0);
    for number in [0, 117] {
        let upstream = lineward.sql(&format!("SELECT name FROM upstream('db/target-{number}')"));
        assert_eq!(json!(upstream), json!([{"name": format!("source-{number}")}]));
    }
}

/// A dbt project on DuckDB, run by `dbt-ol`, which sends what it did to a server.
#[test]
fn what_dbt_built_is_lineage_by_column() {
    const DBT: [&str; 4] = ["dbt-core==1.10.23", "dbt-duckdb==1.10.1", "duckdb==2.0.0", "openlineage-dbt==1.54.0"];
    let lineward = Lineward::new();
    let Some(python) = python_with("venv-dbt", &DBT) else { return };
    for (file, content) in [
        (
            "dbt_project.yml",
            "name: clinic\nversion: '1.0'\nprofile: clinic\nmodels: {clinic: {+materialized: table}}\n",
        ),
        ("profiles.yml", "clinic: {target: dev, outputs: {dev: {type: duckdb, path: clinic.duckdb, threads: 1}}}\n"),
        ("seeds/patients.csv", "patient_id,name\n1,A\n2,B\n"),
        ("seeds/notes.csv", "visit_id,patient_id,note\n10,1,x\n11,2,y\n"),
        (
            "models/joined.sql",
            "select n.visit_id, n.note, p.name as patient_name\n\
             from {{ ref('notes') }} n join {{ ref('patients') }} p on n.patient_id = p.patient_id\n",
        ),
        ("models/corpus.sql", "select visit_id, upper(note) as text from {{ ref('joined') }}\n"),
    ] {
        lineward.write(&format!("dbt/{file}"), content);
    }
    let server = Server::start(&lineward, &[]);
    let transport = format!("transport: {{type: http, url: 'http://{}', timeout: 60}}\n", server.http);
    let config = lineward.write("dbt/openlineage.yml", transport);
    let programs = python.parent().expect("a folder");
    let path = std::env::join_paths([programs.into(), PathBuf::from("/usr/bin"), PathBuf::from("/bin")]);
    for step in ["seed", "run"] {
        let mut command = Command::new(&python);
        command.arg(programs.join("dbt-ol")).args([step, "--profiles-dir", "."]).current_dir(lineward.path("dbt"));
        command.env("PATH", path.as_ref().expect("a path")).env("HOME", lineward.path(""));
        command.env("OPENLINEAGE_CONFIG", &config).env("OPENLINEAGE_NAMESPACE", "dbt");
        command.env("DBT_SEND_ANONYMOUS_USAGE_STATS", "False");
        lineward.run_command(&mut command).ok();
    }
    assert_eq!(lineward.count("SELECT count(*) FROM raw.dead_letters"), 0);
    let upstream = lineward.sql("SELECT depth, name, complete FROM upstream('clinic.main.corpus') ORDER BY 1, 2");
    let row = |depth: i32, name: &str| json!({"depth": depth, "name": format!("clinic.main.{name}"), "complete": true});
    assert_eq!(json!(upstream), json!([row(1, "joined"), row(2, "notes"), row(2, "patients")]));
    let of = |field: &str| {
        let query =
            format!("SELECT name, field FROM column_upstream('clinic.main.corpus', '{field}') ORDER BY depth, 1");
        lineward.sql(&query)
    };
    let column = |name: &str, field: &str| json!({"name": format!("clinic.main.{name}"), "field": field});
    assert_eq!(json!(of("text")), json!([column("joined", "note"), column("notes", "note")]));
    assert_eq!(json!(of("visit_id")), json!([column("joined", "visit_id"), column("notes", "visit_id")]));
    let jobs = lineward.sql("SELECT DISTINCT job_name, state FROM runs WHERE parent_run_id IS NOT NULL ORDER BY 1");
    let job = |name: &str| json!({"job_name": format!("clinic.main.clinic.{name}"), "state": "COMPLETE"});
    assert_eq!(json!(jobs), json!([job("corpus"), job("joined")]));
}

/// The lineage of all models in a form, and what its judge says of it.
fn exported(lineward: &Lineward, form: &str) -> Option<(String, Value)> {
    let document = lineward.run(["export", form, "model:*"]).ok().stdout;
    lineward.write("exported", &document);
    let said = judge(lineward, &[form, "exported"])?;
    Some((document, serde_json::from_str(&said).expect("JSON")))
}

#[test]
fn documents_of_prov_are_read_and_written_again() {
    let lineward = estate();
    let Some((document, said)) = exported(&lineward, "prov") else { return };
    assert_eq!(said["same"], true, "it is another document when it is written again");
    assert_eq!(said["unknown"], json!([]), "a relation has an end that is not in the document");
    let written: Value = serde_json::from_str(&document).expect("JSON");
    for (ours, theirs) in [
        ("entity", "ProvEntity"),
        ("activity", "ProvActivity"),
        ("wasDerivedFrom", "ProvDerivation"),
        ("wasGeneratedBy", "ProvGeneration"),
        ("used", "ProvUsage"),
    ] {
        let count = written[ours].as_object().map_or(0, serde_json::Map::len);
        assert!(count > 0 && said["counts"][theirs] == json!(count), "{ours}: {count}, {}", said["counts"]);
    }
}

#[test]
fn statements_of_in_toto_name_what_a_model_was_trained_on() {
    let lineward = estate();
    let Some((_, said)) = exported(&lineward, "in-toto") else { return };
    let said = said.as_array().expect("a list");
    assert_eq!(said.len() as i64, lineward.count("SELECT count(*) FROM models"));
    for statement in said {
        assert_eq!(statement["type"], "https://slsa.dev/provenance/v1");
        assert_eq!(statement["digests"], true, "{statement}");
        let subject = statement["subject"].as_str().expect("a name");
        let upstream = lineward.sql(&format!(
            "SELECT lower(asset_type) || ':' || namespace || '/' || name || '@' || version AS uri FROM upstream('{subject}')"
        ));
        let mut uris: Vec<&str> = upstream.iter().filter_map(|row| row["uri"].as_str()).collect();
        uris.sort_unstable();
        assert_eq!(statement["dependencies"], json!(uris), "{subject}");
    }
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

/// Clients of MLflow that are given Lineward's address, and a model version that only a webhook tells of.
#[test]
fn clients_of_mlflow_are_recorded_on_their_way_to_its_server() {
    let lineward = Lineward::new();
    let folder = lineward.path("mlflow");
    std::fs::create_dir(&folder).expect("a folder");
    lineward.write("secret", "a secret of webhooks");
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port().to_string()
    };
    let behind = format!("tracking_uri: 'http://127.0.0.1:{port}', webhook_secret_file: secret");
    lineward.write("serve.yaml", format!("mlflow: {{address: '127.0.0.1:0', {behind}}}\n"));
    let server = Server::start(&lineward, &["--config", "serve.yaml"]);
    let said = lineward.log("serve", "err");
    let proxy = said.lines().find_map(|line| line.split("serving MLflow on ").nth(1)).expect("its address").trim();
    let arguments = ["mlflow-proxy", proxy, &server.http, &port, &folder.to_string_lossy(), "a secret of webhooks"];
    let Some(said) = judge(&lineward, &arguments) else { return };
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [through, beside] = &lines[..] else { panic!("{said}") };
    assert_eq!((&through["kept"], &through["found"]), (&json!(1_000_000), &json!(1)), "{said}");
    assert_eq!((&through["state"], &beside["tested"]), (&json!("FINISHED"), &json!(200)), "{said}");

    // The row without a name is what the files of the model were made from.
    let data = "SELECT name, context, row_count, length(version) AS digest FROM training_data('tuned')
        WHERE name IS NOT NULL";
    let notes = json!([{"name": "notes.jsonl", "context": "training", "row_count": 2, "digest": 8}]);
    assert_eq!(json!(lineward.sql(data)), notes);
    let run = through["run"].as_str().expect("an id");
    let state = lineward.sql(&format!("SELECT state, params['epochs'] AS epochs FROM runs WHERE run_id = '{run}'"));
    assert_eq!(json!(state), json!([{"state": "COMPLETE", "epochs": "3"}]));
    let besides =
        "SELECT count(*) FROM models_trained_on('https://data.example/letters.jsonl') WHERE model_name = 'beside'";
    assert_eq!(lineward.count(besides), 1, "{}", lineward.log("serve", "err"));
    assert_eq!(lineward.count("SELECT count(*) FROM raw.dead_letters"), 0);
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

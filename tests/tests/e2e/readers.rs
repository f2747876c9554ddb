//! Others read the store: `deltalake`, DuckDB's `delta_scan` and Polars see the same rows as `lineward sql`.

use crate::lineward::Lineward;
use lineward_tests::cache;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The extension is for one version of DuckDB, the newest for which there is a package.
const PACKAGES: [&str; 6] = [
    "deltalake==1.6.6",
    "duckdb==1.5.5",
    "duckdb-extension-delta==1.5.5",
    "igraph==1.0.0",
    "polars==2.1.0",
    "pyarrow==26.0.1",
];

/// All tables, and an expression that identifies rows and has the same text in both dialects.
pub const TABLES: [(&str, &str); 19] = [
    ("dead_letters", "reason"),
    ("events", "format"),
    ("assets", "name"),
    ("asset_versions", "version"),
    ("jobs", "name"),
    ("runs", "run_id"),
    ("run_io", "io"),
    ("edges", "edge_type"),
    ("findings", "entity"),
    ("tags", "tag"),
    ("accesses", "action"),
    ("fields", "name"),
    ("column_mappings", "type"),
    ("run_mappings", "mapping_id"),
    ("record_index", "subject_key"),
    ("signatures", "key_id"),
    ("policies", "name"),
    ("schemas", "data_type"),
    ("epochs", "writer"),
];

#[test]
fn other_engines_read_every_table() {
    let Some(python) = python() else { return };
    let lineward = Lineward::new();
    fill(&lineward);
    let output = Command::new(python)
        .arg(lineward_tests::folder().join("tests/e2e/readers.py"))
        .arg(lineward.store())
        .args(TABLES.map(|(table, column)| format!("{table}:{column}")))
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (table, column) in TABLES {
        let rows = lineward.sql(&format!("SELECT {column} AS v FROM raw.{table} ORDER BY v"));
        let values: Vec<&Value> = rows.iter().map(|row| &row["v"]).collect();
        assert!(!values.is_empty(), "`{table}` is empty: nothing is compared");
        for reader in ["deltalake", "duckdb", "polars"] {
            assert_eq!(read[table][reader], json!(values), "`{column}` of `{table}` as {reader} reads it");
        }
        let columns = lineward.sql(&format!(
            "SELECT column_name AS v FROM information_schema.columns \
             WHERE table_schema = 'raw' AND table_name = '{table}' ORDER BY ordinal_position"
        ));
        let columns: Vec<&Value> = columns.iter().map(|row| &row["v"]).collect();
        assert_eq!(read[table]["columns"], json!(columns), "columns of `{table}`");
    }
    // Values of other types than text: times, hashes, maps, lists.
    let times = lineward.sql("SELECT CAST(max(received_at) AS BIGINT) AS us FROM raw.events");
    assert_eq!(read["checks"]["received_at_max_us"], times[0]["us"]);
    let keys = lineward.sql("SELECT encode(event_key, 'hex') AS k FROM raw.events ORDER BY k");
    let keys: Vec<&Value> = keys.iter().map(|row| &row["k"]).collect();
    assert_eq!(read["checks"]["event_keys"], json!(keys));
    assert_eq!(read["checks"]["parameters"], json!({"r1": {"epochs": "3"}, "r2": {"epochs": "3"}}));
    let expected = lineward.sql("SELECT DISTINCT categories AS c FROM raw.findings WHERE entity = 'US_SSN'");
    assert_eq!(read["checks"]["ssn_categories"], expected[0]["c"]);
}

/// DuckDB walks the lineage by a recursive query over the tables as they are, and comes to the same versions.
#[test]
fn another_engine_walks_to_the_same_versions() {
    let Some(python) = python() else { return };
    let lineward = Lineward::new();
    random_runs(&lineward);
    let output = Command::new(python)
        .arg(lineward_tests::folder().join("tests/e2e/closure.py"))
        .arg(lineward.store())
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Vec<(i64, i64)> = serde_json::from_slice(&output.stdout).expect("pairs");
    let rows = lineward.sql(
        "SELECT v AS dst, unnest(upstream_ids(v)) AS src FROM (SELECT version_id AS v FROM asset_versions) ORDER BY 2, 1",
    );
    let ours: Vec<(i64, i64)> =
        rows.iter().map(|r| (r["src"].as_i64().expect("an id"), r["dst"].as_i64().expect("an id"))).collect();
    assert!(ours.len() > 1_000, "{} pairs are too few to judge by", ours.len());
    assert!(ours == theirs, "{} pairs by `upstream_ids`, {} by DuckDB", ours.len(), theirs.len());
}

/// A store of runs that read and write at random, cycles among them.
pub fn random_runs(lineward: &Lineward) {
    fill(lineward);
    let mut seed = 7u64;
    let mut below = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let mut events = String::new();
    for n in 0..150 {
        let set =
            |k: u64| json!({"namespace": if k < 30 { "s3://lake" } else { "mlflow://prod" }, "name": format!("x{k}")});
        let inputs: Vec<Value> = (0..below(4)).map(|_| set(below(40))).collect();
        let outputs: Vec<Value> = (0..1 + below(2)).map(|_| set(below(40))).collect();
        let run = json!({
            "eventType": "COMPLETE", "eventTime": format!("2026-06-01T{:02}:{:02}:00Z", n / 60, n % 60),
            "producer": "https://example.org", "run": {"runId": format!("x{n}")}, "job": {"namespace": "n", "name": "x"},
            "inputs": inputs, "outputs": outputs,
        });
        events.push_str(&format!("{run}\n"));
    }
    lineward.write("x.jsonl", events);
    lineward.run(["ingest", "x.jsonl"]).ok();
}

/// A store with rows in every table, by events and a scan, in several commits.
pub fn fill(lineward: &Lineward) {
    let run = |id: &str, event_type: &str| {
        json!({
            "eventType": event_type, "eventTime": "2026-05-04T03:02:01Z", "producer": "https://example.org",
            "run": {"runId": id, "facets": {"executionParameters": {"parameters": [{"key": "epochs", "value": "3"}]}}},
            "job": {"namespace": "n", "name": "j"},
            "inputs": [{"namespace": "s3://lake", "name": "in", "facets": {"schema": {"fields": [
                {"name": "g", "type": "string"}, {"name": "h", "type": "bigint"},
            ]}}}],
            "outputs": [{"namespace": "s3://lake", "name": format!("out-{id}"), "facets": {"columnLineage": {"fields": {
                "f": {"inputFields": [{"namespace": "s3://lake", "name": "in", "field": "g"}]},
            }}}}],
        })
    };
    let access = json!({
        "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "2026-05-04T03:02:01Z",
        "awsRegion": "eu-west-1", "requestParameters": {"bucketName": "lake", "key": "in/a.jsonl"},
    });
    lineward.write("a.jsonl", format!("{}\n{}\n{access}\n{{\"n\":\n7\n", run("r1", "START"), run("r1", "COMPLETE")));
    lineward.write("b.jsonl", format!("{}\n{{\"n\":1}}\n", run("r2", "COMPLETE")));
    let indexed = json!({
        "lineward": "scan", "version": 1, "scan_id": "s1", "scanned_at": "2026-05-04T04:00:00Z", "index_key": "5ca5a1d0",
        "asset": {"type": "dataset", "namespace": "s3://lake", "name": "in"},
        "files": [{"name": "b.jsonl", "records": [{
            "subject": "5ca5a1d0:00112233445566778899aabbccddeeff", "entity": "US_SSN", "row": 0, "byte_offset": 0,
            "byte_len": 11,
        }]}],
    });
    lineward.write("c.jsonl", format!("{indexed}\n"));
    lineward.run(["ingest", "c.jsonl"]).ok();
    lineward.run(["ingest", "a.jsonl"]).exits(2);
    let clearing = "clearing:\n  - {name: hashed, clears: [US_SSN], transformation: {description: 'hmac*'}}\n";
    lineward.write("clearing.yaml", clearing);
    lineward.run(["ingest", "--clearing", "clearing.yaml", "b.jsonl"]).ok();
    lineward.write("corpus/a.jsonl", "{\"ssn\":\"401-22-7731\",\"note\":\"patient seen, MRN: GV-994418\"}\n");
    lineward.run(["scan", "corpus", "--store", "store", "--dataset", "s3://lake/in"]).ok();
}

/// A Python with the packages, in an environment of its own that outlives the run; `None` where there is no Python.
pub fn python() -> Option<PathBuf> {
    python_with("venv-e2e", &PACKAGES)
}

/// A Python with packages, installed once; `None` where there is no Python to install them with.
pub fn python_with(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let runs = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !runs(&["-m", "pip", "--version"]) || !runs(&["-m", "venv", "--help"]) {
        println!("skipped: `python3` with `pip` and `venv` is not here (apt-get install python3-venv python3-pip)");
        return None;
    }
    let python = "venv/bin/python";
    let home = cache::once(name, &packages.join(" "), |home| {
        succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home.join("venv")));
        succeeds(
            Command::new(home.join(python))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(packages),
        );
        Ok(())
    });
    Some(home.expect("an environment").join(python))
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

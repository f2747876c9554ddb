//! Questions as commands: what they print, their exit codes, and that a person's value is nowhere.

use crate::lineward::Lineward;
use serde_json::{Value, json};
use std::fs::File;

const SSN: &str = "401-22-7731";

/// A corpus, a model trained on it, and one of which nobody says what it was trained on.
fn estate() -> Lineward {
    let lineward = Lineward::new();
    let run = |id: &str, inputs: Option<Value>, output: &str, minute: u32| {
        let mut event = json!({
            "eventType": "COMPLETE", "eventTime": format!("2026-03-01T10:{minute:02}:00Z"),
            "producer": "https://example.org", "run": {"runId": id}, "job": {"namespace": "airflow", "name": id},
            "outputs": [{"namespace": "mlflow://prod", "name": output, "facets": {"version": {"datasetVersion": "1"}}}],
        });
        if let Some(inputs) = inputs {
            event["inputs"] = inputs;
        }
        event
    };
    let notes = json!([{"namespace": "s3://clinic", "name": "notes"}]);
    let base = json!([{"namespace": "mlflow://prod", "name": "base", "facets": {"version": {"datasetVersion": "1"}}}]);
    let events =
        [run("train", Some(notes), "base", 1), run("tune", Some(base), "tuned", 2), run("dark", None, "opaque", 3)];
    let text: String = events.iter().map(|event| format!("{event}\n")).collect();
    lineward.write("corpus/a.jsonl", format!("{{\"ssn\":\"{SSN}\"}}\n"));
    lineward.run(["scan", "corpus", "--store", "store", "--dataset", "s3://clinic/notes"]).ok();
    lineward.write("events.jsonl", text);
    lineward.run(["ingest", "events.jsonl"]).ok();
    lineward
}

#[test]
fn questions_have_commands() {
    let lineward = estate();
    let trained = lineward.run(["trained-on", "US_SSN", "--json"]).ok();
    let rows: Value = serde_json::from_str(&trained.stdout).expect("JSON");
    let mut names: Vec<&str> =
        rows.as_array().expect("a list").iter().filter_map(|r| r["model_name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["base", "tuned"]);

    let up = lineward.run(["lineage", "tuned", "--up", "--format", "json"]).ok();
    let picture: Value = serde_json::from_str(&up.stdout).expect("JSON");
    assert_eq!(picture["complete"], true);
    let levels: Vec<i64> =
        picture["nodes"].as_array().expect("nodes").iter().filter_map(|n| n["level"].as_i64()).collect();
    assert!(levels.contains(&-2) && levels.iter().all(|l| *l <= 0), "{levels:?}");
    for (format, begins) in [("dot", "digraph"), ("mermaid", "flowchart"), ("svg", "<svg")] {
        let drawn = lineward.run(["lineage", "tuned", "--format", format]).ok();
        assert!(drawn.stdout.starts_with(begins) && drawn.stdout.contains("base"), "{format}");
    }
    let dark = lineward.run(["lineage", "opaque", "--up", "--format", "json"]).ok();
    assert!(dark.stderr.contains("not complete"), "{}", dark.stderr);

    let changed = lineward.run(["diff", "tuned", "--from", "2026-03-01T10:00:00Z", "--to", "2026-03-02"]);
    assert_eq!(changed.code, Some(1), "{}", changed.stderr);
    assert!(changed.stdout.contains("ADDED"));
    let same = lineward.run(["diff", "tuned", "--from", "2026-03-02", "--to", "2026-03-03"]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);

    for (form, holds) in [("prov", "wasDerivedFrom"), ("openlineage", "schemaURL"), ("in-toto", "resolvedDependencies")]
    {
        let exported = lineward.run(["export", form, "tuned"]).ok();
        assert!(exported.stdout.contains(holds), "{form}");
    }
    // What is exported as events can be ingested again, and gives the same models.
    let events = lineward.run(["export", "openlineage", "tuned"]).ok();
    lineward.write("again.jsonl", events.stdout);
    lineward.run(["ingest", "--store", "copy", "again.jsonl"]).ok();
    let again = lineward.run(["lineage", "tuned", "--up", "--store", "copy", "--format", "json"]).ok();
    assert!(again.stdout.contains("base") && again.stdout.contains("notes"), "{}", again.stdout);
}

#[test]
fn wrong_names_and_times_say_what_to_write() {
    let lineward = estate();
    for (arguments, expected) in [
        (vec!["lineage", "tunde"], "nearest name is `model:mlflow://prod/tuned`"),
        (vec!["lineage", "*"], ""),
        (vec!["trained-on", "US_SSM"], "US_SSN"),
        (vec!["diff", "tuned", "--from", "yesterday"], "is not a time: `yesterday`"),
        (vec!["trained-on", "PHI", "--as-of", "soon"], "`--as-of` is not a time"),
        (vec!["trained-on", "x'; DROP TABLE runs; --"], "no tag or asset `x'; DROP TABLE runs; --`"),
        (vec!["export", "prov", "nothing-like-it"], "no asset `nothing-like-it`"),
        (vec!["lineage", "tuned@9"], "no such version"),
    ] {
        let outcome = lineward.run(arguments.iter().copied());
        let code = if expected.is_empty() { 0 } else { 2 };
        assert_eq!(outcome.code, Some(code), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(expected), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn a_person_is_asked_for_by_fingerprint_and_never_repeated() {
    let lineward = estate();
    let key = "00112233445566778899aabbccddeeff";
    lineward.write("key", key);
    lineward.write("value.txt", format!("{SSN}\n"));
    let fingerprint = lineward.run([
        "sql",
        "--fingerprint-key-file",
        "key",
        "--format",
        "csv",
        "SELECT fingerprint('US_SSN', '401227731')",
    ]);
    let fingerprint = fingerprint.ok().stdout.lines().nth(1).expect("a row").to_owned();
    lineward
        .run([
            "scan",
            "corpus",
            "--store",
            "store",
            "--dataset",
            "s3://clinic/notes",
            "--record-index",
            "--fingerprint-key-file",
            "key",
        ])
        .ok();
    let mut command = lineward.command(["erasure", "--entity", "US_SSN", "--fingerprint-key-file", "key", "--json"]);
    command.stdin(File::open(lineward.path("value.txt")).expect("the value"));
    let by_value = lineward.run_command(&mut command).ok();
    let by_fingerprint = lineward.run(["erasure", &fingerprint, "--json"]).ok();
    assert_eq!(by_value.stdout, by_fingerprint.stdout);
    assert!(by_value.stdout.contains("RETRAIN") && by_value.stdout.contains("tuned"), "{}", by_value.stdout);
    let places = lineward.sql("SELECT subject_key, row, byte_len FROM record_index WHERE entity = 'US_SSN'");
    assert_eq!(places.len(), 1);
    assert_eq!((places[0]["subject_key"].as_str(), &places[0]["row"]), (Some(fingerprint.as_str()), &json!(0)));
    let rows: Value = serde_json::from_str(&by_value.stdout).expect("JSON");
    let file = rows.as_array().expect("rows").iter().find(|r| r["action"] == "DELETE").expect("a file");
    assert_eq!(
        (&file["name"], &file["records"], &file["complete"]),
        (&json!("notes/a.jsonl"), &json!(1), &json!(true))
    );
    for text in [&by_value.stdout, &by_value.stderr, &by_fingerprint.stdout] {
        assert!(!text.contains(SSN) && !text.contains("401227731"));
    }
    let wrong = lineward.run(["erasure", SSN]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("is no fingerprint") && !wrong.stderr.contains(SSN), "{}", wrong.stderr);
}

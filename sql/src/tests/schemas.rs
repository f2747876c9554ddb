//! Which fields each version has, and what a run says of its reads and writes in several events.

use super::past::{ask, session_of};
use serde_json::{Value, json};

fn dataset(name: &str, fields: &[(&str, &str)], facets: Value) -> Value {
    let fields: Vec<Value> = fields.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect();
    let mut dataset = facets;
    dataset["namespace"] = json!("db");
    dataset["name"] = json!(name);
    if !fields.is_empty() {
        dataset["facets"] = json!({ "schema": { "fields": fields } });
    }
    dataset
}

fn run(id: &str, event_type: &str, time: &str, inputs: &[Value], outputs: &[Value]) -> Value {
    json!({ "eventType": event_type, "eventTime": format!("2026-03-{time}:00Z"), "producer": "test",
        "run": { "runId": id }, "job": { "namespace": "n", "name": "j" }, "inputs": inputs, "outputs": outputs })
}

/// A table is written twice, with other fields the second time; what it comes from is only ever read.
fn history() -> Vec<Value> {
    let source = || dataset("source", &[("id", "int"), ("name", "text")], json!({}));
    let first = || dataset("t", &[("id", "int"), ("name", "text")], json!({}));
    let second = || dataset("t", &[("id", "bigint"), ("ssn", "text")], json!({}));
    let mut counted = second();
    counted["outputFacets"] = json!({ "outputStatistics": { "rowCount": 70, "size": 900 } });
    vec![
        run("r1", "START", "01T10:00", &[source()], &[dataset("t", &[], json!({}))]),
        run("r1", "COMPLETE", "01T10:05", &[source()], &[first()]),
        run("r2", "START", "02T10:00", &[source()], &[second()]),
        run("r2", "COMPLETE", "02T10:05", &[], &[counted]),
        // Columns that a reader asked for are not the fields of what somebody else wrote.
        run(
            "r3",
            "COMPLETE",
            "03T10:00",
            &[dataset("t", &[("id", "bigint")], json!({}))],
            &[dataset("u", &[], json!({}))],
        ),
    ]
}

const FIELDS: &str =
    "SELECT name, version, field, data_type, said_by FROM version_fields ORDER BY name, valid_from, ordinal";

#[tokio::test]
async fn each_version_has_the_fields_it_was_written_with() {
    let expected = [
        "source | initial | id | int | reader",
        "source | initial | name | text | reader",
        "t | run:r1 | id | int | writer",
        "t | run:r1 | name | text | writer",
        "t | run:r2 | id | bigint | writer",
        "t | run:r2 | ssn | text | writer",
    ];
    let mut events = history();
    for turn in 0..events.len() {
        events.rotate_left(1);
        let (_place, session) = session_of(&events).await;
        assert_eq!(ask(&session, FIELDS).await, expected, "turned {turn} times");
        let read = "SELECT count(DISTINCT schema_id) AS n FROM run_io";
        assert_eq!(ask(&session, read).await, ["4"], "turned {turn} times");
        let counted = "SELECT r.run_id, i.io, i.row_count, i.size_bytes FROM run_io AS i \
            JOIN runs AS r ON r.run_sid = i.run_sid WHERE i.row_count IS NOT NULL OR i.size_bytes IS NOT NULL";
        assert_eq!(ask(&session, counted).await, ["r2 | OUTPUT | 70 | 900"], "turned {turn} times");
    }
    events.reverse();
    let (_place, session) = session_of(&events).await;
    assert_eq!(ask(&session, FIELDS).await, expected);
    // A schema is kept once, however many versions have it, and as many runs.
    assert_eq!(ask(&session, "SELECT count(*), count(DISTINCT schema_id) FROM raw.schemas").await, ["7 | 4"]);
    let since = "SELECT version FROM version_fields WHERE name = 't' AND field = 'ssn'";
    assert_eq!(ask(&session, since).await, ["run:r2"]);
    ask(&session, "SET lineward.as_of = '2026-03-01T12:00:00Z'").await;
    assert_eq!(ask(&session, "SELECT field FROM version_fields WHERE name = 't' ORDER BY 1").await, ["id", "name"]);
}

/// What a run says of one output while it goes on, and takes back: the last word counts, in whichever order they come in.
#[tokio::test]
async fn a_run_that_says_the_same_again_means_it() {
    let wide = [("a", "int"), ("b", "int")];
    let narrow = &wide[..1];
    let says = |kind: &str, minute: u32, fields: &[(&str, &str)]| {
        let time = format!("01T10:{minute:02}");
        run("r1", kind, &time, &[], &[dataset("t", fields, json!({}))])
    };
    let events = [says("START", 1, narrow), says("RUNNING", 2, &wide), says("COMPLETE", 3, narrow)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (_place, session) = session_of(&order.map(|at| events[at].clone())).await;
        let said = "SELECT field, said_by, said_at FROM version_fields ORDER BY ordinal";
        assert_eq!(ask(&session, said).await, ["a | writer | 2026-03-01T10:03:00Z"], "{order:?}");
        let of_run = "SELECT count(*) AS n, max(i.schema_at) AS at FROM run_io AS i \
            JOIN schemas AS s ON s.schema_id = i.schema_id";
        assert_eq!(ask(&session, of_run).await, ["1 | 2026-03-01T10:03:00Z"], "{order:?}");
    }
}

/// Of what several events say of one read, none depends on which came in first.
#[tokio::test]
async fn what_is_said_of_a_read_does_not_depend_on_the_order() {
    let part = |subset: &str| {
        let facet =
            json!({ "subset": { "inputCondition": { "type": "partition", "partitions": [{ "dimension": subset }] } } });
        dataset("s", &[], json!({ "inputFacets": facet }))
    };
    let counted = dataset("p", &[], json!({ "inputFacets": { "inputStatistics": { "rowCount": 99 } } }));
    let version = |v: &str| {
        let mut named = dataset("p", &[], json!({}));
        named["facets"] = json!({ "version": { "datasetVersion": v } });
        named
    };
    let events = [
        run("w1", "COMPLETE", "01T08:00", &[], &[version("one")]),
        run("w2", "COMPLETE", "01T09:00", &[], &[version("two")]),
        run("r", "RUNNING", "01T10:01", &[part("b"), version("two")], &[]),
        run("r", "RUNNING", "01T10:02", &[part("a"), version("one")], &[]),
        run("r", "COMPLETE", "01T10:03", &[counted], &[]),
    ];
    let mut said = Vec::new();
    for order in [[0, 1, 2, 3, 4], [1, 0, 3, 2, 4]] {
        let (_place, session) = session_of(&order.map(|at| events[at].clone())).await;
        let reads = "SELECT a.name, v.version, i.subset LIKE '%\"a\"%' AS of_a, i.row_count FROM run_io AS i \
            JOIN asset_versions AS v ON v.version_id = i.version_id JOIN assets AS a ON a.asset_id = v.asset_id \
            WHERE i.io = 'INPUT' ORDER BY 1, 2";
        said.push(ask(&session, reads).await);
    }
    assert_eq!(said[0], ["p | one | NULL | 99", "p | two | NULL | NULL", "s | initial | true | NULL"]);
    assert_eq!(said[0], said[1]);
}

/// A job that declares the same data with other fields, and then with none but for more data.
#[tokio::test]
async fn what_a_job_declares_of_fields_is_what_it_declared_last() {
    let job = |day: u32, fields: &[(&str, &str)], outputs: &[&str]| {
        let outputs: Vec<Value> = outputs.iter().map(|name| dataset(name, &[], json!({}))).collect();
        json!({ "eventTime": format!("2026-01-{day:02}T00:00:00Z"), "producer": "test",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent",
            "job": { "namespace": "jobs", "name": "etl" }, "inputs": [dataset("s", fields, json!({}))],
            "outputs": outputs })
    };
    let wide = [("a", "bigint"), ("b", "int")];
    for (fields, outputs) in [(&wide[..], &["t"][..]), (&[], &["t"]), (&[], &["t", "u"])] {
        let (first, second) = (job(1, &[("a", "int")], &["t"]), job(2, fields, outputs));
        let expected: &[&str] = if fields.is_empty() { &["a | int"] } else { &["a | bigint", "b | int"] };
        for events in [[first.clone(), second.clone()], [second, first]] {
            let (_place, session) = session_of(&events).await;
            let said = "SELECT field, data_type FROM version_fields WHERE name = 's' ORDER BY ordinal";
            assert_eq!(ask(&session, said).await, expected, "{outputs:?}");
        }
    }
}

/// A version that has a name of its own, as Delta Lake's have, said before by somebody who read it, or not.
#[tokio::test]
async fn a_version_with_a_name_has_the_fields_it_was_written_with() {
    let named = |fields: &[(&str, &str)]| {
        let mut named = dataset("t", fields, json!({}));
        named["facets"]["version"] = json!({ "datasetVersion": "7" });
        named
    };
    let written = run("w", "COMPLETE", "01T10:00", &[], &[named(&[("id", "int"), ("ssn", "text")])]);
    let read = run("r", "COMPLETE", "01T11:00", &[named(&[("id", "int")])], &[]);
    for events in [vec![written.clone()], vec![written.clone(), read.clone()], vec![read, written]] {
        let (_place, session) = session_of(&events).await;
        assert_eq!(ask(&session, FIELDS).await, ["t | 7 | id | int | writer", "t | 7 | ssn | text | writer"]);
    }
}

#[tokio::test]
async fn the_fields_said_last_count_and_a_declaration_says_them_too() {
    let declared = |time: &str, fields: &[(&str, &str)]| {
        json!({ "eventTime": format!("2026-03-{time}:00Z"), "producer": "test", "schemaURL":
            "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
            "dataset": dataset("d", fields, json!({})) })
    };
    let old = declared("01T10:00", &[("a", "int")]);
    let new = declared("02T10:00", &[("a", "int"), ("b", "date")]);
    for events in [[old.clone(), new.clone()], [new, old]] {
        let (_place, session) = session_of(&events).await;
        let fields = "SELECT field, data_type, said_by FROM version_fields ORDER BY ordinal";
        assert_eq!(ask(&session, fields).await, ["a | int | writer", "b | date | writer"]);
    }
}

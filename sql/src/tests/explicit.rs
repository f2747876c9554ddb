//! Where outputs come from, said of each alone: by runs, by jobs, and of data sets without either.

use super::past::{ask, session_of};
use crate::export::Form;
use serde_json::{Value, json};

fn lake(name: &str) -> Value {
    json!({ "namespace": "s3://lake", "name": name, "type": "DATASET" })
}

/// An output with the explicit lineage facet, of these sources.
fn output(name: &str, inputs: &[Value]) -> Value {
    let mut output = lake(name);
    output["facets"] = json!({ "lineage": { "inputs": inputs } });
    output
}

fn run(day: u32, id: &str, inputs: &[Value], outputs: &[Value]) -> Value {
    json!({ "eventTime": format!("2026-01-{day:02}T00:00:00Z"), "eventType": "COMPLETE", "producer": "test",
        "run": { "runId": id }, "job": { "namespace": "jobs", "name": "split" }, "inputs": inputs, "outputs": outputs })
}

fn declared(day: u32, facets: Value) -> Value {
    json!({ "eventTime": format!("2026-01-{day:02}T00:00:00Z"), "producer": "test",
        "dataset": { "namespace": "s3://lake", "name": "mart", "facets": facets } })
}

fn column(source: &str, field: &str) -> Value {
    json!({ "columnLineage": { "fields": { "all": { "inputFields": [
        { "namespace": "s3://lake", "name": source, "field": field }] } } } })
}

#[tokio::test]
async fn an_output_of_a_run_comes_from_its_own_sources() {
    let outputs = [output("x", &[lake("a")]), output("y", &[]), lake("z")];
    let (_place, session) = session_of(&[run(3, "r1", &[lake("a"), lake("b")], &outputs)]).await;
    let upstream = async |name: &str| {
        ask(&session, &format!("SELECT name, evidence, complete FROM upstream('{name}') ORDER BY name")).await
    };
    assert_eq!(upstream("x").await, ["a | EXPLICIT | true"]);
    assert_eq!(upstream("y").await, [""; 0]);
    assert_eq!(upstream("z").await.len(), 2);
    let down = ask(&session, "SELECT name FROM downstream('b') ORDER BY name").await;
    assert_eq!(down, ["z"]);
    let table = ask(
        &session,
        "SELECT source_path, target_path FROM table_lineage WHERE target_path LIKE '%/x' OR target_path LIKE '%/y'",
    )
    .await;
    assert_eq!(table, ["s3://lake/a | s3://lake/x"]);
}

/// What was said of single outputs is said of them in an export too, and of a run that has no UUID what it is called.
#[tokio::test]
async fn an_export_says_it_of_each_output() {
    let outputs = [output("x", &[lake("a")]), output("y", &[]), lake("z")];
    let (_place, session) = session_of(&[run(3, "r1", &[lake("a"), lake("b")], &outputs)]).await;
    let events = session.export(Form::OpenLineage, "dataset:s3://lake/*").await.expect("an export");
    let id = events[0]["run"]["runId"].as_str().expect("an id");
    assert!(id != "r1" && uuid::Uuid::try_parse(id).is_ok(), "{id}");
    let again = session.export(Form::OpenLineage, "dataset:s3://lake/x").await.expect("an export");
    assert_eq!(again[0]["run"]["runId"], id);
    let (_place, copy) = session_of(&events).await;
    for (name, sources) in [("x", 1), ("y", 0), ("z", 2)] {
        let query = format!("SELECT name, via_run_id, complete FROM upstream('dataset:s3://lake/{name}') ORDER BY 1");
        let all = ask(&session, &query).await;
        assert_eq!(all.len(), sources, "{name}: {all:?}");
        assert_eq!(ask(&copy, &query).await, all);
    }
}

#[tokio::test]
async fn of_what_another_job_hands_on_the_answer_is_not_complete() {
    let job = json!({ "namespace": "jobs", "name": "fetch", "type": "JOB" });
    let events = [run(3, "r1", &[lake("a")], &[output("x", &[lake("b"), job])])];
    let (_place, session) = session_of(&events).await;
    let upstream = ask(&session, "SELECT name, complete FROM upstream('x') ORDER BY name").await;
    for expected in ["a | true", "b | true"] {
        assert!(upstream.iter().any(|row| row == expected), "{upstream:?}");
    }
    assert!(upstream.iter().any(|row| row.ends_with("false")), "{upstream:?}");
}

#[tokio::test]
async fn the_newest_declaration_of_a_data_set_holds() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let events =
            [declared(3, column("a", "ssn")), declared(4, column("b", "name")), declared(5, column("b", "name"))];
        let events = order.map(|at| events[at].clone());
        let (_place, session) = session_of(&events).await;
        let upstream =
            async |time: &str| ask(&session, &format!("SELECT name FROM upstream('mart', NULL, {time})")).await;
        assert_eq!(upstream("NULL").await, ["b"], "{order:?}");
        assert_eq!(upstream("'2026-01-03T12:00:00Z'").await, ["a"], "{order:?}");
        let columns = ask(&session, "SELECT name, field FROM column_upstream('mart', 'all')").await;
        assert_eq!(columns, ["b | name"], "{order:?}");
    }
}

#[tokio::test]
async fn a_reader_says_nothing_of_how_large_a_data_set_is() {
    let sized = |name: &str, facets: &str, rows: u32| {
        let mut data = lake(name);
        let statistics = if facets == "inputFacets" { "inputStatistics" } else { "outputStatistics" };
        data[facets] = json!({ statistics: { "rowCount": rows } });
        data
    };
    let events = [
        run(3, "r1", &[], &[sized("w", "outputFacets", 1_000)]),
        run(4, "r2", &[sized("w", "inputFacets", 10)], &[lake("v")]),
    ];
    let (_place, session) = session_of(&events).await;
    assert_eq!(ask(&session, "SELECT row_count FROM datasets WHERE name = 'w'").await, ["1000"]);
    let read = ask(&session, "SELECT io, row_count FROM raw.run_io WHERE row_count IS NOT NULL ORDER BY io").await;
    assert_eq!(read, ["INPUT | 10", "OUTPUT | 1000"]);
}

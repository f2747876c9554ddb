//! Indexes: what is embedded into them, whoever says that they are one and when.

use super::clearing::{run, scan};
use super::past::{ask, session_of};
use crate::export::Form;
use serde_json::{Value, json};

/// Notes with numbers in them, embedded into a table of vectors that only `typed` says is an index.
fn estate(columns: bool) -> (Vec<Value>, Value) {
    let mapped = [("text", "TRANSFORMATION", false, "embedding")];
    let mut embed = run("r1", "2026-01-03T00:00:00Z", "notes", "vectors", if columns { &mapped } else { &[] });
    embed["outputs"][0]["namespace"] = "postgres://db:5432".into();
    let typed = json!({ "eventTime": "2026-01-05T00:00:00Z", "producer": "https://example.org/catalogue",
        "dataset": { "namespace": "postgres://db:5432", "name": "vectors", "facets": {
            "datasetType": { "datasetType": "TABLE", "subType": "Vector Index" },
            "version": { "datasetVersion": "v1" } } } });
    (vec![scan("s1", "2026-01-02T00:00:00Z", "notes", &[("text", "US_SSN")]), embed], typed)
}

#[tokio::test]
async fn what_is_made_of_data_is_embedded_where_it_is_an_index() {
    for columns in [false, true] {
        let (events, typed) = estate(columns);
        let (_place, untyped) = session_of(&events).await;
        let down = "SELECT asset_type, name, edge_type FROM downstream('notes')";
        assert_eq!(ask(&untyped, down).await, ["TABLE | vectors | DERIVED"]);
        // Said before or after.
        let first: Vec<Value> = [typed.clone()].into_iter().chain(events.clone()).collect();
        let last: Vec<Value> = events.into_iter().chain([typed]).collect();
        for events in [first, last] {
            let (_place, session) = session_of(&events).await;
            assert_eq!(ask(&session, down).await, ["INDEX | vectors | EMBEDDED_INTO"]);
            let up =
                ask(&session, "SELECT asset_type, name, edge_type FROM upstream('index:postgres://db:5432/*')").await;
            assert_eq!(up, ["DATASET | notes | EMBEDDED_INTO"]);
            let exposed = "SELECT asset_type, name, status FROM exposure('US_SSN') ORDER BY name";
            let expected = ["DATASET | notes | observed", "INDEX | vectors | inherited"];
            assert_eq!(ask(&session, exposed).await, expected);
            let paths = "SELECT src, dst, edge_type FROM lineage_paths('notes', 'vectors')";
            let paths = ask(&session, paths).await;
            assert!(paths.len() == 1 && paths[0].ends_with("EMBEDDED_INTO"), "{paths:?}");
        }
    }
}

#[tokio::test]
async fn an_export_says_what_kind_of_data_it_is() {
    let (mut events, typed) = estate(false);
    events.push(typed);
    let mut features = run("r2", "2026-01-06T00:00:00Z", "notes", "daily", &[]);
    features["outputs"][0]["namespace"] = "feast://prod".into();
    events.push(features);
    let (_place, session) = session_of(&events).await;
    let types = "SELECT DISTINCT asset_type, name FROM downstream('notes') ORDER BY 1";
    let expected = ["FEATURE_VIEW | daily", "INDEX | vectors"];
    assert_eq!(ask(&session, types).await, expected);
    let exported = session.export(Form::OpenLineage, "index:postgres://db:5432/*").await.expect("an export");
    let (_place, copy) = session_of(&exported).await;
    let down = ask(&copy, "SELECT asset_type, name, edge_type FROM downstream('notes')").await;
    assert_eq!(down, ["INDEX | vectors | EMBEDDED_INTO"]);
}

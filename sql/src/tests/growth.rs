//! A session that follows a store from epoch to epoch answers as one that is opened anew.

use super::{RECEIVED_AT, clearing, incoming, rows, writer_at};
use crate::LinewardSession;
use crate::export::Form;
use lineward_events::documents;
use lineward_store::{Batch, Incoming};

const QUERIES: [&str; 5] = [
    "SELECT * FROM effective_tags ORDER BY version_id",
    "SELECT * FROM effective_field_tags ORDER BY version_id, field",
    "SELECT * FROM models_trained_on('PII') ORDER BY model_name",
    "SELECT * FROM lineage_gaps ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT * FROM downstream('dataset:s3://ward/patients') ORDER BY version_id",
];

async fn answers(session: &LinewardSession) -> Vec<Vec<String>> {
    let mut answers = Vec::new();
    for query in QUERIES {
        // What names nothing yet is an error in both.
        answers.push(rows(session, query).await.unwrap_or_else(|e| vec![e.to_string()]));
    }
    // What no hop leads to is written by runs all the same.
    let exported = session.export(Form::OpenLineage, "dataset:s3://ward/*").await;
    answers.push(exported.map_or_else(|e| vec![e.to_string()], |all| all.iter().map(ToString::to_string).collect()));
    answers
}

fn written_from_nothing(name: &str) -> serde_json::Value {
    serde_json::json!({
        "eventType": "COMPLETE", "eventTime": "2026-06-01T10:00:00Z", "producer": "https://test.example/p",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": format!("written-{name}")}, "job": {"namespace": "etl", "name": name},
        "inputs": [], "outputs": [{"namespace": "s3://ward", "name": name}]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_refreshed_answers_as_a_new_one() {
    let place = tempfile::tempdir().expect("a folder");
    let uri = place.path().join("store").to_string_lossy().into_owned();
    let mut writer = writer_at(&uri).await;
    let mut following = LinewardSession::open(&uri).await.expect("a session");
    let mut pinned = None;
    let mut events = clearing::estate();
    // Two runs that read nothing: no hop tells of what they wrote.
    events.extend(["census", "beds"].map(written_from_nothing));
    let last = events.len() as i64 - 1;
    for (n, event) in (0..).zip(events) {
        let received_at = RECEIVED_AT + n;
        let text = event.to_string();
        let mut found = documents(text.as_bytes()).expect("documents");
        let event: Incoming = incoming(&found.remove(0).expect("a document"), n, received_at);
        let batch = Batch { events: vec![event], writer: "test".into(), received_at, ..Batch::default() };
        writer.commit(batch).await.expect("committed");
        // An epoch an event, of which the session sees every third.
        if n % 3 != 0 && n != last {
            continue;
        }
        if n == 6 {
            let session = LinewardSession::open(&uri).await.expect("a session");
            let session = following.at(session.snapshot().clone()).await.expect("a session");
            pinned = Some((answers(&session).await, session));
        }
        assert!(following.refresh().await.expect("refreshed"), "epoch {n}");
        let new = LinewardSession::open(&uri).await.expect("a session");
        assert_eq!(answers(&following).await, answers(&new).await, "epoch {n}");
    }
    // A session that has its graph keeps it; one over an older cut gets that cut's.
    let (before, session) = pinned.expect("a session");
    assert_eq!(answers(&session).await, before);
    let back = following.at(session.snapshot().clone()).await.expect("a session");
    assert_eq!(answers(&back).await, before);
    assert_ne!(answers(&following).await, before);
}

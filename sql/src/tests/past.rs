//! What older programs wrote, what jobs declared before they declared something else, and contents that were cleaned: as
//! SQL answers.

use super::{RECEIVED_AT, folder, incoming, rows, writer_at};
use crate::LinewardSession;
use lineward_events::documents;
use lineward_store::Batch;
use serde_json::{Value, json};

/// A session over a new store of these events, received a second apart.
pub(super) async fn session_of(events: &[Value]) -> (tempfile::TempDir, LinewardSession) {
    let place = tempfile::tempdir().expect("a folder");
    let uri = place.path().join("store").to_string_lossy().into_owned();
    let mut batch = Batch { writer: "test".into(), received_at: RECEIVED_AT, ..Batch::default() };
    for (event, offset) in events.iter().zip(0i64..) {
        let found = documents(event.to_string().as_bytes()).expect("a record");
        let found = found.into_iter().map(|d| d.expect("a document"));
        batch.events.extend(found.map(|document| incoming(&document, offset, RECEIVED_AT + offset * 1_000_000)));
    }
    writer_at(&uri).await.commit(batch).await.expect("committed");
    let session = LinewardSession::open(&uri).await.expect("a session");
    (place, session)
}

pub(super) async fn ask(session: &LinewardSession, sql: &str) -> Vec<String> {
    rows(session, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

#[tokio::test]
async fn a_store_of_every_format_gives_its_answers() {
    let store = folder("../store/tests/frozen/format-1").to_string_lossy().into_owned();
    let session = LinewardSession::open(&store).await.expect("a session");
    let trained = ask(
        &session,
        "SELECT model_name, model_version, status, min_depth, complete FROM models_trained_on('US_SSN', NULL, 'possible')",
    )
    .await;
    let expected = [
        "summarizer | 1 | inherited | 2 | false",
        "summarizer | 2 | observed | 1 | true",
        "guesser | 1 | unknown | NULL | false",
    ];
    assert_eq!(trained, expected);
    let columns =
        ask(&session, "SELECT name, field, masking FROM column_upstream('s3://hospital/clean', 'person')").await;
    assert_eq!(columns, ["notes | ssn | true"]);
}

#[tokio::test]
async fn what_a_job_declared_before_is_the_answer_for_that_time() {
    let job = |day: u32, input: &str| {
        json!({ "eventTime": format!("2026-01-{day:02}T00:00:00Z"), "producer": "test",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent",
            "job": { "namespace": "jobs", "name": "etl" },
            "inputs": [{ "namespace": "s3://lake", "name": input }],
            "outputs": [{ "namespace": "s3://lake", "name": "jb" }] })
    };
    for events in [[job(3, "ja"), job(4, "jc")], [job(4, "jc"), job(3, "ja")]] {
        let (_place, session) = session_of(&events).await;
        let upstream =
            async |time: &str| ask(&session, &format!("SELECT name FROM upstream('jb', NULL, {time})")).await;
        assert_eq!(upstream("NULL").await, ["jc"]);
        assert_eq!(upstream("'2026-01-03T12:00:00Z'").await, ["ja"]);
        assert_eq!(upstream("'2026-01-04T12:00:00Z'").await, ["jc"]);
        let changed =
            "SELECT change, src FROM lineage_diff('jb', '2026-01-03T12:00:00Z', '2026-01-05') ORDER BY change";
        let changed = ask(&session, changed).await;
        assert_eq!(changed, ["ADDED | dataset:s3://lake/jc@initial", "REMOVED | dataset:s3://lake/ja@initial"]);
        let table = "SELECT source_path FROM table_lineage WHERE target_path LIKE '%jb'";
        assert_eq!(ask(&session, table).await, ["s3://lake/jc"]);
    }
}

/// A scan of a folder with these files: name, content, whether a social security number is in it.
fn scan(day: u32, root: &str, files: &[(&str, &str, bool)]) -> Value {
    let file = |(name, content, dirty): &(&str, &str, bool)| {
        let found = json!([{ "entity": "US_SSN", "categories": ["pii"], "detector": "us-ssn", "match_count": 1,
            "confidence": 0.9 }]);
        json!({ "name": name, "sha256": content.repeat(32), "findings": if *dirty { found } else { json!([]) } })
    };
    json!({ "lineward": "scan", "version": 1, "scan_id": format!("scan {day}"),
        "scanned_at": format!("2026-01-{day:02}T00:00:00Z"),
        "asset": { "type": "dataset", "namespace": "s3://lake", "name": "corpus", "sha256": root.repeat(32),
            "file_count": files.len() },
        "files": files.iter().map(file).collect::<Vec<_>>() })
}

fn training(day: u32, version: &str) -> Value {
    json!({ "eventTime": format!("2026-01-{day:02}T00:00:00Z"), "eventType": "COMPLETE", "producer": "test",
        "run": { "runId": format!("train-{version}") }, "job": { "namespace": "jobs", "name": "train" },
        "inputs": [{ "namespace": "s3://lake", "name": "corpus" }],
        "outputs": [{ "namespace": "mlflow://prod", "name": "m", "facets": { "version": { "datasetVersion": version } } }] })
}

#[tokio::test]
async fn a_model_of_a_cleaned_corpus_was_not_trained_on_what_was_in_it_before() {
    let dirty = scan(3, "aa", &[("a.txt", "a1", true), ("b.txt", "b1", false)]);
    let rewritten = scan(5, "bb", &[("a.txt", "a2", false), ("b.txt", "b1", false)]);
    let removed = scan(5, "cc", &[("b.txt", "b1", false)]);
    for cleaned in [rewritten, removed] {
        let (_place, session) = session_of(&[dirty.clone(), training(4, "1"), cleaned, training(6, "2")]).await;
        let trained = "SELECT model_version, status, complete FROM models_trained_on('US_SSN', NULL, 'possible')";
        assert_eq!(ask(&session, trained).await, ["1 | observed | true"]);
        let tagged = "SELECT count(*) FROM effective_tags WHERE name = 'corpus'";
        assert_eq!(ask(&session, tagged).await, ["1"]);
    }
}

#[tokio::test]
async fn what_a_scan_found_was_there_before_the_scan() {
    let dirty = scan(5, "aa", &[("a.txt", "a1", true), ("b.txt", "b1", false)]);
    // Under its own name, and under another by its content.
    let mut copy = dirty.clone();
    copy["asset"]["name"] = json!("local");
    let mut named = training(2, "1");
    named["inputs"][0]["facets"] = json!({ "lineward_content": { "merkleRoot": "aa".repeat(32) } });
    for events in [[training(2, "1"), dirty.clone()], [dirty, training(2, "1")], [named, copy]] {
        let (_place, session) = session_of(&events).await;
        for time in ["NULL", "'2026-01-03T00:00:00Z'"] {
            let trained =
                format!("SELECT model_version, status, complete FROM models_trained_on('US_SSN', {time}, 'possible')");
            assert_eq!(ask(&session, &trained).await, ["1 | observed | true"], "{time}");
        }
    }
}

#[tokio::test]
async fn a_base_model_by_a_bare_word_is_upstream_and_nobody_knows_what_it_was_made_from() {
    for (named, shown) in
        [("bert-base-uncased", "bert-base-uncased"), ("models:/base/3", "base"), ("/opt/base", "/opt/base")]
    {
        let mut event = training(4, "1");
        event["inputs"] = json!([]);
        event["outputs"][0]["facets"]["lineward_model"] = json!({ "role": "model", "baseModel": named });
        let (_place, session) = session_of(&[event]).await;
        assert_eq!(ask(&session, "SELECT name FROM upstream('model:m') WHERE name IS NOT NULL").await, [shown]);
        let possible =
            "SELECT model_name, complete FROM models_trained_on('PII', NULL, 'possible') WHERE model_name = 'm'";
        assert_eq!(ask(&session, possible).await, ["m | false"], "{named}");
    }
}

#[tokio::test]
async fn what_a_failed_run_wrote_is_told() {
    let mut failed = training(4, "1");
    failed["eventType"] = json!("FAIL");
    let (_place, session) = session_of(&[failed, training(6, "3")]).await;
    let told = "SELECT gap, run_id FROM lineage_gaps WHERE gap LIKE 'run_%' ORDER BY run_id";
    assert_eq!(ask(&session, told).await, ["run_failed | train-1"]);
}

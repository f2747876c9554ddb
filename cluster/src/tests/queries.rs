//! Queries of a session, computed here and on a cluster.

use super::{InProcess, identity, key};
use crate::{ClusterQueries, Site};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use lineward_events::{Document, FormatChoice, canonical_json, decode, documents};
use lineward_sql::LinewardSession;
use lineward_store::rows::EventRow;
use lineward_store::{Batch, Incoming, StoreWriter, event_key};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const RECEIVED_AT: i64 = 1_769_904_000_000_000;

/// Records of a commit of the estate.
const COMMIT_RECORDS: usize = 8;

/// A store with the estate of the `.slt` files, in several commits, so that its tables have several files.
async fn estate() -> (TempDir, String) {
    let place = tempfile::tempdir().expect("a folder");
    let uri = place.path().join("store").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(slt().join("estate.ndjson")).expect("the estate");
    let mut writer = StoreWriter::open(&uri).await.expect("a store");
    let lines: Vec<(&str, i64)> = text.lines().zip(0..).collect();
    for lines in lines.chunks(COMMIT_RECORDS) {
        let mut batch = Batch { writer: "test".into(), received_at: RECEIVED_AT, ..Batch::default() };
        for (line, offset) in lines {
            let received_at = RECEIVED_AT + offset * 3_600_000_000;
            let Ok(found) = documents(line.as_bytes()) else { continue };
            let event = |document: Result<Document, _>| incoming(&document.expect("a document"), *offset, received_at);
            batch.events.extend(found.into_iter().map(event));
        }
        writer.commit(batch).await.expect("committed");
    }
    (place, uri)
}

fn slt() -> std::path::PathBuf {
    std::path::PathBuf::from("../sql/slt")
}

fn incoming(document: &Document, offset: i64, received_at: i64) -> Incoming {
    let payload = canonical_json(&document.value);
    let event = decode(FormatChoice::Auto, &document.value, &payload).expect("an event");
    let row = EventRow {
        event_key: event_key(&payload),
        source: "file".into(),
        format: event.format.into(),
        event_kind: event.kind.as_str().into(),
        event_type: event.event_type,
        event_time: event.event_time,
        received_at,
        producer: event.producer,
        schema_url: event.schema_url,
        run_id: event.run_id,
        job_namespace: event.job_namespace,
        job_name: event.job_name,
        principal: event.principal,
        topic: Some("estate.ndjson".into()),
        topic_id: None,
        partition: None,
        offset: Some(offset),
        ordinal: document.ordinal as i32,
        payload,
        redactions: None,
    };
    Incoming { row, statements: event.statements }
}

async fn alone(uri: &str) -> LinewardSession {
    let session = LinewardSession::open(uri).await.expect("a session");
    session.set_fingerprint_key(key);
    session
}

/// A session whose queries the cluster computes; files are parts of their own, so that there is something to share out.
async fn together(uri: &str, cluster: &InProcess) -> (LinewardSession, Arc<ClusterQueries>) {
    let mut session = alone(uri).await;
    let site = Site::new(identity(), key);
    let queries = ClusterQueries::new(cluster.cluster(), site, session.fingerprint_key_id())
        .with_part_bytes(1)
        .with_partitions(2);
    let queries = Arc::new(queries);
    session.compute_elsewhere(queries.clone());
    (session, queries)
}

/// The rows of a query as texts, or its error. Without an ORDER BY their order means nothing, so they are sorted.
async fn answer(session: &LinewardSession, sql: &str) -> Result<Vec<String>, String> {
    let rows = session.query(sql).await.map_err(|e| e.to_string())?;
    let batches: Vec<RecordBatch> = rows.try_collect().await.map_err(|e| lineward_sql::Error::from(e).to_string())?;
    let options = FormatOptions::new().with_null("NULL");
    let mut rows = Vec::new();
    for batch in &batches {
        let columns = batch.columns().iter().map(|column: &ArrayRef| ArrayFormatter::try_new(column, &options));
        let columns: Vec<_> = columns.collect::<Result<_, _>>().expect("printable");
        rows.extend((0..batch.num_rows()).map(|row| {
            let cells = columns.iter().map(|column| column.value(row).to_string());
            cells.collect::<Vec<_>>().join(" | ")
        }));
    }
    if !sql.to_ascii_uppercase().contains("ORDER BY") {
        rows.sort();
    }
    Ok(rows)
}

/// The statements of an `.slt` file, without its comments and answers.
fn statements(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").map(|part| part.trim_matches('\n')).filter(|part| !part.is_empty());
    let sql = parts.map(|part| part.split_once("\n----").map_or(part, |(before, _)| before));
    sql.map(|before| {
        let lines = before.lines().skip_while(|line| line.starts_with('#')).skip(1);
        lines.collect::<Vec<_>>().join("\n")
    })
    .collect()
}

/// What EXPLAIN shows differs: there it has two plans, and here as many as travel.
fn is_about_plans(sql: &str) -> bool {
    sql.trim_start().to_ascii_uppercase().starts_with("EXPLAIN")
}

/// The statements of a file asked alone and on the cluster: how many, how many plans travelled, where they differ.
async fn compared(file: &Path, uri: &str, cluster: &InProcess) -> (u64, u64, String) {
    // Sessions of their own: a file may set the times.
    let (here, (there, queries)) = (alone(uri).await, together(uri, cluster).await);
    let (mut asked, mut failures) = (0, String::new());
    for sql in statements(&std::fs::read_to_string(file).expect("an slt file")) {
        let (one, many) = (answer(&here, &sql).await, answer(&there, &sql).await);
        asked += 1;
        if one != many && !is_about_plans(&sql) {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            failures.push_str(&format!("{name}: {sql}\nalone\n{one:#?}\ntogether\n{many:#?}\n\n"));
        }
    }
    (asked, queries.travelled(), failures)
}

#[test]
fn every_query_of_the_slt_files_has_the_same_answer() {
    let cluster = InProcess::new(2);
    super::runtime().block_on(async {
        let (_place, uri) = estate().await;
        let files = std::fs::read_dir(slt()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "slt")).collect();
        let comparing = files.iter().map(|file| compared(file, &uri, &cluster));
        let done: Vec<_> = futures::stream::iter(comparing).buffer_unordered(6).collect().await;
        let failures: String = done.iter().map(|(.., failures)| failures.as_str()).collect();
        assert!(failures.is_empty(), "{failures}");
        let (asked, travelled) = done.iter().fold((0, 0), |(a, t), (asked, travelled, _)| (a + asked, t + travelled));
        // Most ask the graph, or about the session, and do not travel; views and tables do.
        assert!(asked > 150 && travelled > 25, "of {asked} statements {travelled} plans travelled");
    });
}

#[test]
fn a_lineage_function_joins_what_the_cluster_reads() {
    let cluster = InProcess::new(2);
    super::runtime().block_on(async {
        let (_place, uri) = estate().await;
        let (here, (there, queries)) = (alone(&uri).await, together(&uri, &cluster).await);
        for sql in [
            "SELECT m.model_name, count(*) AS events FROM models_trained_on('PHI') AS m \
             JOIN raw.assets AS a ON a.namespace = m.model_namespace AND a.name = m.model_name \
             JOIN events AS e ON e.event_kind = 'run' GROUP BY m.model_name ORDER BY m.model_name",
            "SELECT format, count(*) FROM events GROUP BY format ORDER BY format",
            "SELECT count(*) FROM raw.runs",
            "SELECT count(*) FROM raw.runs AS a, raw.runs AS b",
            "SELECT classify(payload), count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3",
            "SELECT a.name, tags_of(v.version_id) FROM raw.asset_versions AS v \
             JOIN raw.assets AS a ON a.asset_id = v.asset_id ORDER BY a.name, v.version_id",
            // One of the tables of this view has no row, and no file.
            "SELECT gap, count(*) FROM lineage_gaps GROUP BY gap ORDER BY gap",
            "SELECT event_key FROM events WHERE received_at > TIMESTAMP '2026-02-01 05:00:00' ORDER BY event_key",
        ] {
            let before = queries.travelled();
            let one = answer(&here, sql).await.expect(sql);
            assert!(!one.is_empty(), "{sql}");
            assert_eq!(answer(&there, sql).await.expect(sql), one, "{sql}");
            assert!(queries.travelled() > before, "{sql} did not travel");
            assert!(cluster.is_clean(), "what was computed for {sql} is there after it was fetched");
        }
    });
}

#[test]
fn the_times_of_the_session_travel() {
    let cluster = InProcess::new(1);
    super::runtime().block_on(async {
        let (_place, uri) = estate().await;
        let (here, (there, _)) = (alone(&uri).await, together(&uri, &cluster).await);
        let sql = "SELECT (SELECT count(*) FROM events) AS e, (SELECT count(*) FROM current.runs) AS r, count(*) AS n \
                   FROM raw.runs";
        let all = answer(&here, sql).await.expect("rows");
        for session in [&here, &there] {
            answer(session, "SET lineward.recorded_as_of = '2026-02-01T06:30:00Z'").await.expect("set");
        }
        let then = answer(&here, sql).await.expect("rows");
        assert_ne!(then, all, "less was known then");
        assert_eq!(answer(&there, sql).await.expect("rows"), then);
    });
}

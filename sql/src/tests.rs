//! The `.slt` files over a small estate, the registries, and the documentation.
//!
//! An `.slt` file holds blocks, separated by empty lines: `query`, the SQL, `----` and a line for each row with ` | `
//! between the values; or `error`, the SQL, `----` and the message. `#` begins a comment. The estate is
//! `slt/estate.ndjson`, written to a store of its own. `LINEWARD_BLESS=1` writes the answers anew: read them.

use crate::{Error, LinewardSession, functions, scalars, views};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use lineward_classifiers::FingerprintKey;
use lineward_events::{DecodeError, Document, FormatChoice, canonical_json, decode, documents};
use lineward_store::rows::{DeadLetterRow, EventRow};
use lineward_store::{Batch, Incoming, StoreWriter, event_key};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

mod clearing;
mod explicit;
mod fields;
mod growth;
mod indexes;
mod limits;
mod past;
mod profiles;
mod schemas;

pub(crate) const RECEIVED_AT: i64 = 1_769_904_000_000_000;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(name)
}

fn bless() -> bool {
    std::env::var_os("LINEWARD_BLESS").is_some()
}

/// A session over a new store with the estate in it.
pub(crate) async fn estate() -> (tempfile::TempDir, LinewardSession) {
    let place = tempfile::tempdir().expect("a folder");
    let uri = place.path().join("store").to_string_lossy().into_owned();
    let mut batch = Batch { writer: "test".into(), received_at: RECEIVED_AT, ..Batch::default() };
    let text = std::fs::read_to_string(folder("slt/estate.ndjson")).expect("the estate");
    for (line, offset) in text.lines().zip(0i64..) {
        // Received an hour apart, so that what was known when can be asked.
        let received_at = RECEIVED_AT + offset * 3_600_000_000;
        match documents(line.as_bytes()) {
            Ok(found) => {
                let found = found.into_iter().map(|d| d.expect("a document"));
                batch.events.extend(found.map(|document| incoming(&document, offset, received_at)));
            }
            Err(error) => batch.dead_letters.push((dead_letter(&error, line, offset, received_at), None)),
        }
    }
    let mut writer = writer_at(&uri).await;
    writer.commit(batch).await.expect("committed");
    let session = LinewardSession::open(&uri).await.expect("a session");
    session.set_fingerprint_key(|| FingerprintKey::new(&[7; 32]).map_err(|e| e.to_string()));
    (place, session)
}

pub(crate) async fn writer_at(uri: &str) -> StoreWriter {
    StoreWriter::open(uri).await.expect("a store")
}

pub(crate) fn incoming(document: &Document, offset: i64, received_at: i64) -> Incoming {
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

fn dead_letter(error: &DecodeError, line: &str, offset: i64, received_at: i64) -> DeadLetterRow {
    DeadLetterRow {
        source: "file".into(),
        topic: Some("estate.ndjson".into()),
        topic_id: None,
        partition: None,
        offset: Some(offset),
        ordinal: 0,
        reason: error.reason.as_str().into(),
        place: error.place.clone(),
        size_bytes: line.len() as i64,
        payload_hmac: None,
        received_at,
    }
}

pub(crate) async fn rows(session: &LinewardSession, sql: &str) -> Result<Vec<String>, Error> {
    let batches: Vec<RecordBatch> = session.query(sql).await?.try_collect().await?;
    let options = FormatOptions::new().with_null("NULL").with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
    let mut rows = Vec::new();
    for batch in &batches {
        let columns = batch.columns().iter().map(|c: &arrow::array::ArrayRef| ArrayFormatter::try_new(c, &options));
        let columns: Vec<_> = columns.collect::<Result<_, _>>().expect("printable columns");
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|c| c.value(row).to_string());
            rows.push(cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned());
        }
    }
    Ok(rows)
}

/// A block of an `.slt` file: its comments and kind, the SQL, and what is expected.
struct Block {
    head: String,
    is_error: bool,
    sql: String,
    expected: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in text.split("\n\n").map(|part| part.trim_matches('\n')).filter(|part| !part.is_empty()) {
        let (before, expected) = part.split_once("\n----").unwrap_or((part, ""));
        let lines = before.lines().take_while(|l| l.starts_with('#')).count();
        let kind = before.lines().nth(lines).unwrap_or_default();
        let head = before.lines().take(lines + 1).collect::<Vec<_>>().join("\n");
        let sql = before.lines().skip(lines + 1).collect::<Vec<_>>().join("\n");
        assert!(matches!(kind, "query" | "error"), "a block begins with `query` or `error`, not `{kind}`");
        blocks.push(Block { head, is_error: kind == "error", sql, expected: expected.trim_matches('\n').to_owned() });
    }
    blocks
}

async fn answer(session: &LinewardSession, block: &Block) -> String {
    match (rows(session, &block.sql).await, block.is_error) {
        (Ok(rows), false) => rows.join("\n"),
        (Err(error), true) => error.to_string(),
        (Ok(rows), true) => format!("no error but {} rows", rows.len()),
        (Err(error), false) => format!("error: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slt_files() {
    let (_place, session) = estate().await;
    let mut failures = String::new();
    for name in slt_names() {
        let path = folder("slt").join(format!("{name}.slt"));
        let text = std::fs::read_to_string(&path).expect("an slt file");
        let mut blessed = String::new();
        for block in blocks(&text) {
            let found = answer(&session, &block).await;
            let _ = write!(blessed, "{}\n{}\n----\n{}", block.head, block.sql, found);
            blessed.push_str(if found.is_empty() { "\n" } else { "\n\n" });
            if found != block.expected {
                let _ = writeln!(failures, "{name}: {}\nexpected\n{}\nfound\n{found}\n", block.sql, block.expected);
            }
        }
        if bless() {
            std::fs::write(&path, blessed.trim_end().to_owned() + "\n").expect("written");
        }
    }
    assert!(bless() || failures.is_empty(), "{failures}");
}

fn slt_names() -> BTreeSet<String> {
    stems("slt", "slt")
}

fn stems(place: &str, extension: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder(place)).expect("a folder");
    let paths = entries.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == extension));
    paths.filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned())).collect()
}

#[test]
fn every_file_is_listed_and_has_its_cases() {
    let listed: BTreeSet<String> = functions::ALL.iter().map(|f| f.name.to_owned()).collect();
    let helpers = ["mod", "args", "columns", "exec", "graph_tables", "rows", "table", "walk"].map(str::to_owned);
    let files: BTreeSet<String> = stems("src/functions", "rs").into_iter().filter(|f| !helpers.contains(f)).collect();
    assert_eq!(listed, files, "functions::ALL and the files of src/functions");
    let scalars: BTreeSet<String> = scalars::ALL.iter().map(|f| f.name.to_owned()).collect();
    let helpers = ["mod", "support"].map(str::to_owned);
    let files: BTreeSet<String> = stems("src/scalars", "rs").into_iter().filter(|f| !helpers.contains(f)).collect();
    assert_eq!(scalars, files, "scalars::ALL and the files of src/scalars");
    let listed: BTreeSet<String> = listed.union(&scalars).cloned().collect();
    let views: BTreeSet<String> = views::ALL.iter().map(|v| v.name.to_owned()).collect();
    assert_eq!(views, stems("views", "sql"), "views::ALL and the files of views");
    for name in listed.union(&views) {
        assert!(slt_names().contains(name), "`{name}` has no slt/{name}.slt");
    }
    for view in views::ALL {
        assert!(!view.summary().is_empty(), "view `{}` opens with a comment", view.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_is_up_to_date() {
    let (_place, session) = estate().await;
    let reference = crate::reference(&session).await.expect("a reference");
    let path = folder("../docs/generated/sql.md");
    if bless() {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, &reference).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reference, "docs/generated/sql.md is stale; LINEWARD_BLESS=1 writes it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_reference_run() {
    let (_place, session) = estate().await;
    for function in functions::ALL {
        let example = function.example.replace("dataset:s3://lake/notes", "corpus/notes");
        rows(&session, &example).await.unwrap_or_else(|e| panic!("{}: {e}", function.name));
    }
    for scalar in scalars::ALL {
        rows(&session, scalar.example).await.unwrap_or_else(|e| panic!("{}: {e}", scalar.name));
    }
    for view in views::ALL {
        let count = rows(&session, &format!("SELECT count(*) FROM {}", view.name)).await.expect(view.name);
        assert_ne!(count, ["0"], "view `{}` shows something of the estate", view.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_store_answers_too() {
    let place = tempfile::tempdir().expect("a folder");
    let uri = place.path().to_string_lossy().into_owned();
    drop(writer_at(&uri).await);
    let session = LinewardSession::open(&uri).await.expect("a session");
    for view in views::ALL {
        assert_eq!(rows(&session, &format!("SELECT * FROM {}", view.name)).await.expect(view.name), [""; 0]);
    }
    assert_eq!(rows(&session, "SELECT * FROM models_trained_on('PHI')").await.expect("an answer"), [""; 0]);
    let error = rows(&session, "SELECT * FROM upstream('x')").await.expect_err("no asset").to_string();
    assert_eq!(error, "no asset `x`; the store knows none of a similar name");
}

#[tokio::test]
async fn a_place_without_a_store_is_an_error() {
    let place = tempfile::tempdir().expect("a folder");
    let error = LinewardSession::open(&place.path().to_string_lossy()).await.expect_err("no store");
    assert!(error.to_string().contains("is not a Lineward store"), "{error}");
}

//! Stores on disk: what a batch leaves, and what stays of it after crashes, rival writers and damage.
//!
//! A crash is made by taking log entries away again: what was not committed is not in the log, and data files that no
//! log names are not in the table.

#![allow(clippy::print_stderr)]

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use deltalake::datafusion::prelude::SessionContext;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use deltalake::parquet::file::reader::FileReader as _;
use deltalake::parquet::file::serialized_reader::SerializedFileReader;
use lineward_events::{FormatChoice, MINHASHES, Signature, canonical_json, decode, documents};
use lineward_store::project::{Context, Projector};
use lineward_store::rows::*;
use lineward_store::{
    Batch, Error, Hash, Incoming, POLICY_SOURCE, PROJECTIONS, Snapshot, Store, StoreWriter, TABLES, Txn, event_key,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

#[path = "store/newer.rs"]
mod newer;

const SOURCE: &str = "lw1/test/cluster/events/id/0";

fn folder() -> (TempDir, String) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let uri = place.path().join("store").to_string_lossy().into_owned();
    (place, uri)
}

async fn writer(uri: &str) -> StoreWriter {
    StoreWriter::open(uri).await.expect("a store")
}

/// An OpenLineage event at a minute of a day, with inputs and outputs by name.
fn run_event(minute: usize, run: &str, state: &str, inputs: &[&str], outputs: &[&str]) -> String {
    let list = |names: &[&str]| {
        let sets = names.iter().map(|n| format!(r#"{{"namespace":"s3://lake","name":"{n}"}}"#));
        sets.collect::<Vec<_>>().join(",")
    };
    format!(
        r#"{{"eventTime":"2026-01-01T{:02}:{:02}:00Z","eventType":"{state}","producer":"test","run":{{"runId":"{run}"}},
            "job":{{"namespace":"jobs","name":"job of {run}"}},"inputs":[{}],"outputs":[{}]}}"#,
        minute / 60,
        minute % 60,
        list(inputs),
        list(outputs)
    )
}

fn scan_event(minute: usize, name: &str, sha256: &str) -> String {
    format!(
        r#"{{"lineward":"scan","version":1,"scan_id":"scan {minute}","scanned_at":"2026-01-01T{:02}:{:02}:00Z",
            "asset":{{"type":"dataset","namespace":"s3://lake","name":"{name}"}},
            "files":[{{"name":"part-0","sha256":"{}","size_bytes":10,"row_count":2,"signature":{},"findings":[
                {{"entity":"US_SSN","categories":["pii"],"detector":"us-ssn","match_count":2,"confidence":0.9}}]}}]}}"#,
        minute / 60,
        minute % 60,
        sha256.repeat(32),
        signature(sha256)
    )
}

/// The signature of a content, as JSON.
fn signature(sha256: &str) -> String {
    let seed = u64::from_str_radix(sha256, 16).expect("hexadecimal digits");
    let sample = (0..100).map(|n| (n << 32) + seed).collect();
    let signature = Signature::new("5ca5a1d0", 1, 100, true, vec![seed as u16; MINHASHES], sample);
    serde_json::to_string(&signature.expect("a signature")).expect("JSON")
}

/// Events that touch every projection but accesses and need each other: reads before and after writes, a folder with
/// members, copies, late events, a repetition.
fn history() -> Vec<String> {
    vec![
        run_event(10, "r1", "COMPLETE", &[], &["raw"]),
        scan_event(11, "raw", "aa"),
        run_event(30, "r3", "COMPLETE", &["clean"], &["out"]),
        run_event(20, "r2", "COMPLETE", &["raw"], &["clean"]),
        scan_event(31, "copy", "aa"),
        run_event(40, "r4", "COMPLETE", &["raw", "copy"], &["raw/part-1"]),
        run_event(5, "r0", "COMPLETE", &[], &["clean"]),
        run_event(20, "r2", "COMPLETE", &["raw"], &["clean"]),
        run_event(50, "r5", "START", &["raw"], &[]),
        run_event(45, "r6", "COMPLETE", &[], &["raw/part-2"]),
    ]
}

fn incoming(text: &str, offset: i64) -> Incoming {
    let documents = documents(text.as_bytes()).expect("a record");
    let document = documents.into_iter().next().expect("a document").expect("JSON");
    let payload = canonical_json(&document.value);
    let event = decode(FormatChoice::Auto, &document.value, &payload).expect("an event");
    let row = EventRow {
        event_key: event_key(&payload),
        source: "kafka".into(),
        format: event.format.into(),
        event_kind: event.kind.as_str().into(),
        event_type: event.event_type,
        event_time: event.event_time,
        received_at: 2_000_000_000_000_000 + offset * 1_000_000,
        producer: event.producer,
        schema_url: event.schema_url,
        run_id: event.run_id,
        job_namespace: event.job_namespace,
        job_name: event.job_name,
        principal: event.principal,
        topic: Some("events".into()),
        topic_id: Some("id".into()),
        partition: Some(0),
        offset: Some(offset),
        ordinal: 0,
        payload,
        redactions: None,
    };
    Incoming { row, statements: event.statements }
}

fn dead_letter(offset: i64) -> DeadLetterRow {
    DeadLetterRow {
        source: "kafka".into(),
        topic: Some("events".into()),
        topic_id: Some("id".into()),
        partition: Some(0),
        offset: Some(offset),
        ordinal: 0,
        reason: "decode_json".into(),
        place: "line 1".into(),
        size_bytes: 7,
        payload_hmac: Some(Hash([7; 32])),
        received_at: 2_000_000_000_000_000 + offset * 1_000_000,
    }
}

/// The records `from..to` of a topic whose odd offsets are events of the history and whose even ones are poison.
fn batch(from: i64, to: i64) -> Batch {
    let history = history();
    let mut batch = Batch {
        txns: vec![Txn { app_id: SOURCE.into(), version: to }],
        writer: "test".into(),
        received_at: 2_000_000_000_000_000 + to * 1_000_000,
        ..Batch::default()
    };
    for offset in from..to {
        match offset % 2 {
            0 => batch.dead_letters.push((dead_letter(offset), Some(SOURCE.into()))),
            _ => batch.events.push(incoming(&history[offset as usize / 2], offset)),
        }
    }
    batch
}

const RECORDS: i64 = 20;

/// Commits `from..to` in batches of a size.
async fn commit_all(writer: &mut StoreWriter, from: i64, to: i64, size: i64) {
    let mut at = from;
    while at < to {
        let end = (at + size).min(to);
        writer.commit(batch(at, end)).await.expect("committed");
        at = end;
    }
}

/// All rows of a table as text, in an order that does not depend on files.
async fn dump(snapshot: &Snapshot, table: &str) -> Vec<String> {
    let provider = snapshot.provider(table).await.expect("a table");
    let frame = SessionContext::new().read_table(provider).expect("readable");
    let batches = frame.collect().await.expect("rows");
    let options = FormatOptions::new().with_null("NULL");
    let mut rows = Vec::new();
    for batch in &batches {
        let columns = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).expect("printable"));
        let columns: Vec<ArrayFormatter<'_>> = columns.collect();
        rows.extend(
            (0..batch.num_rows())
                .map(|n| columns.iter().map(|c| c.value(n).to_string()).collect::<Vec<_>>().join(" | ")),
        );
    }
    rows.sort();
    rows
}

/// All tables but the epochs, which say how often something was written and not what.
async fn dump_all(uri: &str) -> BTreeMap<&'static str, Vec<String>> {
    let snapshot = Store::open(uri).await.expect("a store").snapshot().await.expect("a snapshot");
    let mut out = BTreeMap::new();
    for table in TABLES.iter().filter(|t| **t != "epochs") {
        out.insert(*table, dump(&snapshot, table).await);
    }
    out
}

fn assert_same(found: &BTreeMap<&str, Vec<String>>, expected: &BTreeMap<&str, Vec<String>>, what: &str) {
    for (table, rows) in expected {
        assert_eq!(found[table], *rows, "{table}: {what}");
    }
}

/// What an undisturbed store holds after the whole history.
async fn undisturbed() -> BTreeMap<&'static str, Vec<String>> {
    let (_place, uri) = folder();
    commit_all(&mut writer(&uri).await, 0, RECORDS, RECORDS).await;
    dump_all(&uri).await
}

fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut out = BTreeSet::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { _ = out.insert(path) }
        }
    }
    out
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).expect("below"));
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        std::fs::copy(&file, target).expect("copied");
    }
}

#[tokio::test]
async fn places_that_are_no_store_are_left_alone() {
    let (place, uri) = folder();
    let missing = Store::open(&uri).await.expect_err("no folder");
    assert!(matches!(missing, Error::NotAStore { .. }), "{missing}");
    assert!(missing.to_string().contains("no such folder"), "{missing}");

    let other = place.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    std::fs::write(other.join("notes.txt"), "mine").expect("a file");
    for opened in [Store::open(&other.to_string_lossy()).await, Store::open_or_create(&other.to_string_lossy()).await] {
        assert!(matches!(opened, Err(Error::NotAStore { .. })));
    }
    assert_eq!(files(&other).len(), 1);

    let file = other.join("notes.txt");
    for opened in [Store::open(&file.to_string_lossy()).await, Store::open_or_create(&file.to_string_lossy()).await] {
        let e = opened.expect_err("a file");
        assert!(matches!(e, Error::NotAStore { .. }) && e.to_string().contains("it is a file"), "{e}");
    }
}

#[tokio::test]
async fn a_store_is_made_once_and_opened_after() {
    let (_place, uri) = folder();
    let made = Store::open_or_create(&uri).await.expect("made");
    assert_eq!(made.uri(), uri);
    Store::open_or_create(&uri).await.expect("opened");
    let snapshot = Store::open(&uri).await.expect("opened").snapshot().await.expect("a snapshot");
    assert_eq!(snapshot.epoch(), 0);
    for table in TABLES {
        assert!(dump(&snapshot, table).await.is_empty(), "{table}");
    }
    assert!(matches!(snapshot.provider("nothing").await.map(|_| ()), Err(Error::Unknown(_))));
}

#[tokio::test]
async fn a_commit_is_what_a_snapshot_reads() {
    let (_place, uri) = folder();
    let mut writer = writer(&uri).await;
    let early = writer.store().snapshot().await.expect("a snapshot");
    let committed = writer.commit(batch(0, RECORDS)).await.expect("committed");
    let snapshot = writer.store().snapshot().await.expect("a snapshot");
    assert_eq!(snapshot.epoch(), committed.epoch);
    assert_eq!(snapshot.version("events"), Some(committed.events_version));

    let mut projector = Projector::default();
    for event in batch(0, RECORDS).events {
        projector.apply(&context(&event.row), &event.statements);
    }
    assert_stored(&snapshot, projector, Some(committed.projected_rows)).await;
    assert_eq!(dump(&snapshot, "events").await.len(), 10);
    assert_eq!(dump(&snapshot, "dead_letters").await.len(), 10);
    assert_eq!(dump(&snapshot, "epochs").await.len(), 1);
    // A reader that opened before sees what was there before.
    assert_eq!(early.epoch(), 0);
    assert!(dump(&early, "events").await.is_empty());
}

fn context(row: &EventRow) -> Context {
    Context { event_key: row.event_key, received_at: row.received_at, at: row.event_time.unwrap_or(row.received_at) }
}

/// The rows of a projector are the rows of the store, revisions included.
async fn assert_stored(snapshot: &Snapshot, mut projector: Projector, count: Option<usize>) {
    async fn same<R: Row + std::fmt::Debug>(snapshot: &Snapshot, mut expected: Vec<R>) -> usize {
        let mut found: Vec<R> = snapshot.rows().await.expect("rows");
        let order = |r: &R| (r.key(), r.recorded().revision);
        found.sort_by_key(order);
        expected.sort_by_key(order);
        assert_eq!(found, expected, "{}", R::TABLE);
        found.len()
    }
    let rows = projector.take_rows();
    let found = same(snapshot, rows.assets).await
        + same(snapshot, rows.versions).await
        + same(snapshot, rows.jobs).await
        + same(snapshot, rows.runs).await
        + same(snapshot, rows.run_io).await
        + same(snapshot, rows.edges).await
        + same(snapshot, rows.findings).await
        + same(snapshot, rows.tags).await
        + same(snapshot, rows.accesses).await
        + same(snapshot, rows.fields).await
        + same(snapshot, rows.column_mappings).await
        + same(snapshot, rows.run_mappings).await
        + same(snapshot, rows.signatures).await
        + same(snapshot, rows.policies).await
        + same(snapshot, rows.schemas).await;
    assert!(count.is_none_or(|count| count == found));
}

/// A projector that has applied the events of a store, decoded again from their payloads, in the order of the log.
fn rebuilt(uri: &str) -> Projector {
    let folder = Path::new(uri).join("events");
    let mut projector = Projector::default();
    let entries = files(&folder.join("_delta_log")).into_iter().filter(|f| f.extension().is_some_and(|e| e == "json"));
    for entry in entries {
        let text = std::fs::read_to_string(entry).expect("an entry");
        let actions = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an action"));
        for path in actions.filter_map(|a| Some(folder.join(a.get("add")?.get("path")?.as_str()?))) {
            let file = std::fs::File::open(path).expect("a data file");
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|b| b.build()).expect("Parquet");
            for batch in reader {
                let batch = batch.expect("rows");
                let payloads = batch.column_by_name("payload").expect("a column").as_string::<i32>();
                let received = batch.column_by_name("received_at").expect("a column");
                let received = received.as_primitive::<TimestampMicrosecondType>();
                for (payload, received_at) in payloads.iter().zip(received) {
                    let (payload, received_at) = (payload.expect("a payload"), received_at.expect("a time"));
                    let document = serde_json::from_str(payload).expect("JSON");
                    let event = decode(FormatChoice::Auto, &document, payload).expect("an event");
                    let at = event.event_time.unwrap_or(received_at);
                    let context = Context { event_key: event_key(payload), received_at, at };
                    projector.apply(&context, &event.statements);
                }
            }
        }
    }
    projector
}

#[tokio::test]
async fn projections_are_rebuilt_from_the_events_of_a_store() {
    let (_place, uri) = folder();
    commit_all(&mut writer(&uri).await, 0, RECORDS, 3).await;
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    assert_stored(&snapshot, rebuilt(&uri), None).await;
}

#[tokio::test]
async fn how_a_topic_is_cut_into_batches_leaves_no_trace() {
    let expected = undisturbed().await;
    for size in [1, 3, 7] {
        let (_place, uri) = folder();
        commit_all(&mut writer(&uri).await, 0, RECORDS, size).await;
        assert_same(&dump_all(&uri).await, &expected, &format!("batches of {size}"));
    }
}

#[tokio::test]
async fn positions_are_committed_with_their_rows() {
    let (_place, uri) = folder();
    let mut first = writer(&uri).await;
    assert_eq!(first.position(SOURCE).await.expect("read"), None);
    first.set_positions(&[Txn { app_id: "lw1/other".into(), version: 3 }], "test").await.expect("written");
    first.commit(batch(0, 4)).await.expect("committed");
    assert_eq!(first.position(SOURCE).await.expect("read"), Some(4));
    drop(first);
    let mut second = writer(&uri).await;
    assert_eq!(second.position(SOURCE).await.expect("read"), Some(4));
    assert_eq!(second.position("lw1/other").await.expect("read"), Some(3));
    // Nothing but a position: a range that held no record.
    let empty = Batch { txns: vec![Txn { app_id: SOURCE.into(), version: 6 }], ..Batch::default() };
    second.commit(empty.clone()).await.expect("committed");
    assert_eq!(second.position(SOURCE).await.expect("read"), Some(6));
    // A source that was assigned and gave nothing stands where it stood.
    second.commit(empty).await.expect("committed");
    let back = second.set_positions(&[Txn { app_id: SOURCE.into(), version: 5 }], "test").await;
    assert!(matches!(back, Err(Error::Fenced { .. })));
}

#[tokio::test]
async fn a_batch_is_committed_once() {
    let (place, uri) = folder();
    let mut writer = writer(&uri).await;
    writer.commit(batch(0, 6)).await.expect("committed");
    let before = files(place.path());
    for refused in [batch(0, 6), batch(0, 4), batch(2, 6)] {
        assert!(matches!(writer.commit(refused).await, Err(Error::Fenced { .. })));
    }
    assert_eq!(files(place.path()), before, "nothing was written");
    writer.commit(batch(6, RECORDS)).await.expect("the writer goes on");
    assert_same(&dump_all(&uri).await, &undisturbed().await, "after refused batches");
}

#[tokio::test]
async fn a_writer_whose_source_went_to_another_is_fenced() {
    let (place, uri) = folder();
    let (mut stale, mut owner) = (writer(&uri).await, writer(&uri).await);
    for writer in [&mut stale, &mut owner] {
        assert_eq!(writer.position(SOURCE).await.expect("read"), None);
    }
    owner.commit(batch(0, 6)).await.expect("committed");
    let before = files(place.path());
    // The same range, less of it, and more of it, which would double the rows at its beginning.
    for to in [6, 4, 12] {
        let e = stale.commit(batch(0, to)).await.expect_err("fenced");
        assert!(matches!(&e, Error::Fenced { table } if table == "events"), "{e}");
    }
    // Neither does another source that goes on carry the stale rows in.
    let mut mixed = batch(0, 6);
    mixed.txns.push(Txn { app_id: "lw1/other".into(), version: 9 });
    assert!(matches!(stale.commit(mixed).await, Err(Error::Fenced { .. })));
    assert_eq!(files(place.path()), before, "nothing was written");
    // It reads its position again and goes on behind the other.
    assert_eq!(stale.position(SOURCE).await.expect("read"), Some(6));
    stale.commit(batch(6, RECORDS)).await.expect("committed");
    assert_same(&dump_all(&uri).await, &undisturbed().await, "after a change of owner");
}

#[tokio::test]
async fn two_writers_in_turn_leave_what_one_leaves() {
    let (_place, uri) = folder();
    let mut writers = [writer(&uri).await, writer(&uri).await];
    for (n, from) in (0..RECORDS).step_by(2).enumerate() {
        // Twice in a row at times, so that each also projects on its own.
        let writer = &mut writers[(n / 2) % 2];
        writer.position(SOURCE).await.expect("read");
        writer.commit(batch(from, from + 2)).await.expect("committed");
    }
    assert_same(&dump_all(&uri).await, &undisturbed().await, "two writers in turn");
}

#[tokio::test]
async fn two_writers_at_once_both_land() {
    let (_place, uri) = folder();
    let commits = |source: usize, uri: String| async move {
        let mut writer = writer(&uri).await;
        for n in 0..8 {
            let minute = source * 100 + n;
            let event = run_event(minute, &format!("run {source} {n}"), "COMPLETE", &["shared"], &["shared"]);
            let txns = vec![Txn { app_id: format!("lw1/{source}"), version: n as i64 + 1 }];
            let events = vec![incoming(&event, minute as i64)];
            // Which of the two projects an event is open; that both events land is not.
            writer.commit(Batch { events, txns, ..Batch::default() }).await.expect("committed");
        }
    };
    tokio::join!(commits(0, uri.clone()), commits(1, uri.clone()));
    drop(writer(&uri).await);
    assert_eq!(dump_all(&uri).await["events"].len(), 16);
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    assert_stored(&snapshot, rebuilt(&uri), None).await;
}

/// A store of half of the history, the other half committed in one batch, and the log entries of that commit by table.
async fn half_and_whole(root: &Path) -> (PathBuf, PathBuf) {
    let (half, whole) = (root.join("half"), root.join("whole"));
    commit_all(&mut writer(&half.to_string_lossy()).await, 0, RECORDS / 2, RECORDS / 2).await;
    copy(&half, &whole);
    commit_all(&mut writer(&whole.to_string_lossy()).await, RECORDS / 2, RECORDS, RECORDS).await;
    (half, whole)
}

#[tokio::test]
async fn a_crash_between_any_two_commits_is_made_good() {
    let expected = undisturbed().await;
    let place = tempfile::tempdir().expect("a temporary folder");
    let (half, whole) = half_and_whole(place.path()).await;
    let old = files(&half).into_iter().map(|f| f.strip_prefix(&half).expect("below").to_path_buf());
    let old: BTreeSet<PathBuf> = old.collect();
    for (n, table) in TABLES.iter().enumerate() {
        let crashed = place.path().join(format!("crashed before {table}"));
        copy(&whole, &crashed);
        for lost in &TABLES[n..] {
            let log = crashed.join(lost).join("_delta_log");
            for entry in files(&log) {
                if !old.contains(entry.strip_prefix(&crashed).expect("below")) {
                    std::fs::remove_file(entry).expect("removed");
                }
            }
        }
        let uri = crashed.to_string_lossy();
        let before = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
        assert_eq!(dump(&before, "events").await.len(), 5, "readers stay at the old epoch");
        let mut writer = writer(&uri).await;
        let position = writer.position(SOURCE).await.expect("read").expect("a position");
        // Up to the commit of `events` the batch is read again, cut elsewhere; after it, the log has it.
        assert_eq!(position, if n <= 1 { RECORDS / 2 } else { RECORDS }, "crashed before {table}");
        commit_all(&mut writer, position, RECORDS, 3).await;
        assert_same(&dump_all(&uri).await, &expected, &format!("crashed before {table}"));
    }
}

#[tokio::test]
async fn after_an_error_between_two_commits_the_next_one_completes_it() {
    let expected = undisturbed().await;
    for table in ["assets", "run_io", "tags", "epochs"] {
        let (_place, uri) = folder();
        let mut writer = writer(&uri).await;
        commit_all(&mut writer, 0, 2, 2).await;
        let log = Path::new(&uri).join(table).join("_delta_log");
        let aside = Path::new(&uri).join(table).join("aside");
        // A disk that fails for this table alone.
        std::fs::rename(&log, &aside).expect("moved");
        std::fs::write(&log, "").expect("a file in its place");
        assert!(writer.commit(batch(2, 10)).await.is_err(), "{table}");
        std::fs::remove_file(&log).expect("removed");
        std::fs::rename(&aside, &log).expect("moved back");
        let position = writer.position(SOURCE).await.expect("read").expect("a position");
        assert_eq!(position, 10, "the events were committed before {table}");
        commit_all(&mut writer, position, RECORDS, 4).await;
        assert_same(&dump_all(&uri).await, &expected, &format!("after an error at {table}"));
    }
}

#[tokio::test]
async fn what_a_torn_write_leaves_is_no_part_of_a_table() {
    let (_place, uri) = folder();
    commit_all(&mut writer(&uri).await, 0, RECORDS / 2, 5).await;
    for table in TABLES {
        let folder = Path::new(&uri).join(table);
        for name in
            ["_delta_log/00000000000000000001.json#77", "_delta_log/00000000000000000009.json#1", "part-x.parquet#2"]
        {
            std::fs::write(folder.join(name), "{\"torn").expect("written");
        }
        std::fs::write(folder.join("part-orphan.zstd.parquet"), "PAR1").expect("written");
    }
    std::fs::write(Path::new(&uri).join("lineward-store.json#3"), "{").expect("written");
    commit_all(&mut writer(&uri).await, RECORDS / 2, RECORDS, 5).await;
    assert_same(&dump_all(&uri).await, &undisturbed().await, "with torn files around");
}

#[tokio::test]
async fn many_small_commits_stay_whole_over_checkpoints() {
    const COMMITS: i64 = 120;
    let (_place, uri) = folder();
    let mut projector = Projector::default();
    let mut writer = writer(&uri).await;
    for n in 0..COMMITS {
        let (input, output) = (format!("{CANARY}-{}", n % 7), format!("{CANARY}-{}", (n + 1) % 7));
        let event = run_event(n as usize, &format!("{CANARY} run {n}"), "COMPLETE", &[&input], &[&output]);
        let events = vec![incoming(&event, n)];
        for event in &events {
            projector.apply(&context(&event.row), &event.statements);
        }
        let txns = vec![Txn { app_id: SOURCE.into(), version: n + 1 }];
        writer.commit(Batch { events, txns, ..Batch::default() }).await.expect("committed");
    }
    let log = Path::new(&uri).join("events").join("_delta_log");
    assert!(log.join("_last_checkpoint").is_file(), "checkpointed on the way");
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    assert_eq!(dump(&snapshot, "events").await.len(), COMMITS as usize);
    assert_stored(&snapshot, projector, None).await;
    assert_no_text_in_statistics(Path::new(&uri));
    // A torn pointer to the checkpoint, or none at all, is no loss.
    std::fs::write(log.join("_last_checkpoint"), "{\"ver").expect("written");
    std::fs::remove_file(Path::new(&uri).join("edges/_delta_log/_last_checkpoint")).unwrap_or_default();
    // With one to a checkpoint that is not there all is read, and who would write is told which table it is.
    let (pointer, runs) = (Path::new(&uri).join("runs/_delta_log/_last_checkpoint"), dump(&snapshot, "runs").await);
    std::fs::write(&pointer, r#"{"version":100000,"size":1}"#).expect("written");
    let after = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    assert!(dump(&after, "runs").await == runs, "other rows than before");
    let told = StoreWriter::open(&uri).await.err().map(|e| format!("{e:?}")).unwrap_or_default();
    assert!(told.contains("\"runs\"") && told.contains("_last_checkpoint"), "{told}");
    std::fs::remove_file(&pointer).expect("removed");
    let mut again = StoreWriter::open(&uri).await.expect("a store");
    assert_eq!(again.position(SOURCE).await.expect("read"), Some(COMMITS));
}

/// A store as a version wrote it that did not know some tables yet: without their folders, and without their names in
/// its epochs.
fn forget_tables(uri: &str, tables: &[&str]) {
    for table in tables {
        std::fs::remove_dir_all(Path::new(uri).join(table)).expect("removed");
    }
    let log = Path::new(uri).join("epochs/_delta_log");
    for entry in files(&log).into_iter().filter(|f| f.extension().is_some_and(|e| e == "json")) {
        let text = std::fs::read_to_string(&entry).expect("an entry");
        let lines = text.lines().map(|line| {
            let mut action: serde_json::Value = serde_json::from_str(line).expect("an action");
            let known = action.pointer_mut("/commitInfo/lineward.epoch/table_versions").and_then(|v| v.as_object_mut());
            if let Some(known) = known {
                tables.iter().for_each(|table| _ = known.remove(*table));
            }
            action.to_string()
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        std::fs::write(&entry, text).expect("written");
    }
}

#[tokio::test]
async fn a_store_of_an_older_version_is_read_and_gets_the_tables_it_lacks() {
    const NEW: [&str; 7] =
        ["fields", "column_mappings", "run_mappings", "record_index", "signatures", "policies", "schemas"];
    let (_place, uri) = folder();
    let mut batch = canaries();
    batch.txns = vec![Txn { app_id: SOURCE.into(), version: 1 }];
    writer(&uri).await.commit(batch).await.expect("committed");
    let expected = dump_all(&uri).await;
    forget_tables(&uri, &NEW);
    // Read as it is, the new tables are empty and the old ones whole.
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    for table in TABLES {
        let rows = dump(&snapshot, table).await;
        let whole = expected.get(table).is_none_or(|before| *before == rows);
        assert!(if NEW.contains(table) { rows.is_empty() } else { whole }, "{table}");
    }
    // Written to, it has in them what its events say.
    let mut writer = writer(&uri).await;
    let events = vec![incoming(&run_event(50, "r9", "COMPLETE", &[], &["later"]), 9)];
    let txns = vec![Txn { app_id: SOURCE.into(), version: 10 }];
    writer.commit(Batch { events, txns, ..Batch::default() }).await.expect("committed");
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    for table in NEW {
        assert_eq!(dump(&snapshot, table).await, expected[table], "{table}");
    }
    let again = StoreWriter::open(&uri).await.expect("opened once more");
    drop(again);
    assert_stored(&snapshot, rebuilt(&uri), None).await;
}

const CANARY: &str = "canary-7f3a";

/// An event and a dead letter with the canary in every column of text.
fn canaries() -> Batch {
    let text = || Some(CANARY.to_owned());
    let document = format!(
        r#"{{"eventTime":"2026-01-01T00:00:00Z","eventType":"COMPLETE","producer":"{CANARY}","schemaURL":"{CANARY}",
            "run":{{"runId":"{CANARY}","facets":{{"parent":{{"run":{{"runId":"{CANARY}"}},
                "job":{{"namespace":"{CANARY}","name":"{CANARY}"}}}}}}}},
            "job":{{"namespace":"{CANARY}","name":"{CANARY}","facets":{{"jobType":{{"integration":"{CANARY}",
                "jobType":"{CANARY}","processingType":"{CANARY}"}}}}}},
            "inputs":[{{"namespace":"{CANARY}","name":"{CANARY}","facets":{{"version":{{"datasetVersion":"{CANARY}"}},
                "schema":{{"fields":[{{"name":"{CANARY}","type":"{CANARY}"}}]}}}}}}],
            "outputs":[{{"namespace":"{CANARY}","name":"{CANARY}/part","facets":{{"columnLineage":{{"fields":{{
                "{CANARY}":{{"inputFields":[{{"namespace":"{CANARY}","name":"{CANARY}","field":"{CANARY}",
                    "transformations":[{{"type":"DIRECT","subtype":"{CANARY}","description":"{CANARY}"}}]}}]}}}}}}}}}}]}}"#
    );
    let mut event = incoming(&document, 1);
    let row = &mut event.row;
    for column in [&mut row.event_type, &mut row.principal, &mut row.topic, &mut row.topic_id, &mut row.redactions] {
        *column = text();
    }
    (row.source, row.event_kind) = (CANARY.into(), CANARY.into());
    let index = r#""index_key":"5ca5a1d0","asset""#;
    let places = format!(
        r#""row_count":2,"records":[{{"subject":"{CANARY}","entity":"{CANARY}","row":1,"byte_offset":2,"byte_len":3}}],"#
    );
    let scan = scan_event(1, CANARY, "aa").replace("US_SSN", CANARY).replace("us-ssn", CANARY);
    let scan = scan.replace(r#""asset""#, index).replace(r#""row_count":2,"#, &places);
    let mut letter = dead_letter(0);
    (letter.source, letter.reason, letter.place) = (CANARY.into(), CANARY.into(), CANARY.into());
    (letter.topic, letter.topic_id) = (text(), text());
    let policy = format!(
        r#"{{"lineward":"policy","version":1,"declared_at":"2026-01-01T00:00:00Z","clearing":[{{"name":"{CANARY}",
            "clears":["{CANARY}"],"transformation":{{"subtype":"{CANARY}","description":"{CANARY}"}},
            "beside":["{CANARY}"],"job":"{CANARY}"}}]}}"#
    );
    let mut policy = incoming(&policy, 3);
    policy.row.source = POLICY_SOURCE.to_owned();
    let events = vec![event, incoming(&scan, 2), policy];
    Batch { events, dead_letters: vec![(letter, None)], ..Batch::default() }
}

#[tokio::test]
async fn no_text_is_kept_in_statistics() {
    let (_place, uri) = folder();
    writer(&uri).await.commit(canaries()).await.expect("committed");
    let tables = dump_all(&uri).await;
    for table in TABLES.iter().filter(|t| !["accesses", "epochs"].contains(t)) {
        assert!(!tables[table].is_empty(), "{table} holds a row to look at");
    }
    assert_no_text_in_statistics(Path::new(&uri));
}

/// No footer and no log entry of a store holds the canary, and no column of bytes has statistics.
fn assert_no_text_in_statistics(root: &Path) {
    let holds = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
    let mut footers = 0;
    for path in files(root) {
        let name = path.to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("a file");
        if name.ends_with(".json") || name.contains("_last_checkpoint") {
            assert!(!holds(&bytes), "{name}");
        } else if name.ends_with(".parquet") {
            footers += 1;
            let end = bytes.len() - 8;
            let length = u32::from_le_bytes(bytes[end..end + 4].try_into().expect("four bytes")) as usize;
            assert!(!holds(&bytes[end - length..end]), "{name}: footer");
            if name.contains("_delta_log") {
                continue;
            }
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("Parquet");
            for column in reader.metadata().row_groups().iter().flat_map(|g| g.columns()) {
                use deltalake::parquet::basic::Type::{BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY};
                if matches!(column.column_type(), BYTE_ARRAY | FIXED_LEN_BYTE_ARRAY) {
                    assert!(column.statistics().is_none(), "{name}: {}", column.column_path());
                    assert!(column.column_index_offset().is_none(), "{name}: {}", column.column_path());
                }
            }
        }
    }
    assert!(footers >= PROJECTIONS.len() - 1, "there were files to look at");
}

/// Where the store of [`in_a_bucket`] is.
const BUCKET_URI: &str = "LINEWARD_TEST_BUCKET_URI";

/// Runs only below [`a_store_in_a_bucket_is_like_one_on_disk`], which sets the environment.
#[tokio::test]
#[ignore = "needs a bucket; run by `a_store_in_a_bucket_is_like_one_on_disk`"]
async fn in_a_bucket() {
    let Ok(uri) = std::env::var(BUCKET_URI) else {
        eprintln!("skipped: {BUCKET_URI} names no place for a store");
        return;
    };
    assert!(matches!(Store::open(&uri).await, Err(Error::NotAStore { .. })));
    let (mut stale, mut owner) = (writer(&uri).await, writer(&uri).await);
    for writer in [&mut stale, &mut owner] {
        assert_eq!(writer.position(SOURCE).await.expect("read"), None);
    }
    commit_all(&mut owner, 0, 12, 7).await;
    assert!(matches!(stale.commit(batch(0, 6)).await, Err(Error::Fenced { .. })));
    drop((owner, stale));
    let mut next = writer(&uri).await;
    assert_eq!(next.position(SOURCE).await.expect("read"), Some(12));
    commit_all(&mut next, 12, RECORDS, 7).await;
    assert_same(&dump_all(&uri).await, &undisturbed().await, "in a bucket");
}

#[test]
fn a_store_in_a_bucket_is_like_one_on_disk() {
    let Some(server) = moto_server() else {
        eprintln!("skipped: no `moto_server` in LINEWARD_MOTO_SERVER, the cache or PATH (pip install 'moto[server]')");
        return;
    };
    let bucket = Bucket::start(&server);
    // The environment of a test is shared by all tests of the process; a process of its own has its own.
    let ran = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "in_a_bucket", "--include-ignored"])
        .env(BUCKET_URI, "s3://lake/stores/first")
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", bucket.port))
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
}

/// An S3 server on a free loopback port, with a bucket `lake`.
struct Bucket {
    server: Child,
    port: u16,
}

impl Bucket {
    fn start(server: &Path) -> Self {
        let mut server = Command::new(server)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut said = BufReader::new(server.stderr.take().expect("piped")).lines();
        let port = said
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://127.0.0.1:").and_then(|(_, port)| port.trim().parse().ok()));
        // Its log is read on, so that the pipe never fills.
        std::thread::spawn(move || said.map_while(Result::ok).for_each(drop));
        let bucket = Self { server, port: port.expect("the port it listens on") };
        bucket.make_bucket();
        bucket
    }

    fn make_bucket(&self) {
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        write!(connection, "PUT /lake HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .expect("asked");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The `moto_server` to use: a named one, one in a Python environment in the cache, or one in the path.
fn moto_server() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("LINEWARD_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("lineward")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/lineward")));
    let in_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).map(|folder| folder.join("moto_server")).collect::<Vec<_>>());
    variable("LINEWARD_MOTO_SERVER")
        .into_iter()
        .chain(cache.map(|cache| cache.join("venv-moto/bin/moto_server")))
        .chain(in_path)
        .find(|server| server.is_file())
}

/// A copy of a store that an older version wrote, of the format's number; `frozen/` has one for each format there was.
fn frozen(format: &str) -> (TempDir, String) {
    let (place, uri) = folder();
    copy(&Path::new("tests/frozen").join(format), Path::new(&uri));
    (place, uri)
}

/// Rows of each table of `frozen/format-1`: seven events of runs, a tag and an access, one line that is none, a clearing
/// policy, and a scan with its index.
const FROZEN_ROWS: [(&str, usize); 18] = [
    ("accesses", 1),
    ("asset_versions", 10),
    ("assets", 6),
    ("column_mappings", 2),
    ("dead_letters", 1),
    ("edges", 5),
    ("epochs", 2),
    ("events", 10),
    ("fields", 4),
    ("findings", 3),
    ("jobs", 3),
    ("policies", 1),
    ("record_index", 74),
    ("run_io", 8),
    ("run_mappings", 1),
    ("runs", 5),
    ("signatures", 2),
    ("tags", 7),
];

/// Rows of the tables that came later, in `frozen/format-1-schemas`: a load that reads a table and writes another twice, with
/// a field more the second time.
const FROZEN_LATER: [(&str, usize); 1] = [("schemas", 7)];

/// A training that reads the notes of the frozen store.
fn later_training() -> Incoming {
    let text = r#"{"eventTime":"2026-12-01T08:00:00Z","eventType":"COMPLETE","producer":"test","run":{"runId":"train-4"},
        "job":{"namespace":"spark","name":"train"},"inputs":[{"namespace":"s3://hospital","name":"notes"}],
        "outputs":[{"namespace":"mlflow://prod","name":"summarizer","facets":{"version":{"datasetVersion":"4"}}}]}"#;
    incoming(text, 0)
}

/// Which version of which asset the runs of a store's trainings read.
async fn trained_on(snapshot: &Snapshot) -> Vec<String> {
    let assets: Vec<AssetRow> = snapshot.rows().await.expect("assets");
    let versions: Vec<AssetVersionRow> = snapshot.rows().await.expect("versions");
    let edges: Vec<EdgeRow> = snapshot.rows().await.expect("edges");
    let name = |version: i64| {
        let row = versions.iter().rev().find(|v| v.version_id == version).expect("a version");
        let asset = assets.iter().rev().find(|a| a.asset_id == row.asset_id).expect("an asset");
        format!("{}@{}", asset.name, row.version)
    };
    let of_training = edges.iter().filter(|e| e.edge_type == "TRAINED_ON" && e.recorded.retracted_at.is_none());
    let mut out: Vec<String> =
        of_training.map(|e| format!("{} -> {}", name(e.src_version_id), name(e.dst_version_id))).collect();
    out.sort();
    out.dedup();
    out
}

/// Writes a frozen store on, and asks what its trainings read: before, and after one more.
async fn assert_goes_on(uri: &str, what: &str) {
    let snapshot = Store::open(uri).await.expect("a store").snapshot().await.expect("a snapshot");
    let before = ["clean@run:mask-1 -> summarizer@1", "notes@run:load-1 -> summarizer@2"];
    assert_eq!(trained_on(&snapshot).await, before, "{what}");
    let mut writer = writer(uri).await;
    let batch = Batch { events: vec![later_training()], writer: "test".into(), ..Batch::default() };
    writer.commit(batch).await.expect("committed");
    drop(writer);
    let snapshot = Store::open(uri).await.expect("a store").snapshot().await.expect("a snapshot");
    let after = [before[0], before[1], "notes@run:load-1 -> summarizer@4"];
    assert_eq!(trained_on(&snapshot).await, after, "{what}");
}

#[tokio::test]
async fn stores_of_every_format_are_read_and_written_on() {
    let (_place, uri) = frozen("format-1");
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    let mut found = Vec::new();
    for (table, _) in FROZEN_ROWS {
        found.push((table, dump(&snapshot, table).await.len()));
    }
    assert_eq!(found, FROZEN_ROWS);
    let later: Vec<&str> = FROZEN_LATER.iter().map(|(table, _)| *table).collect();
    let has_sample = |table: &&str| later.contains(table) || FROZEN_ROWS.iter().any(|(name, _)| name == table);
    assert!(TABLES.iter().all(has_sample), "a table without a sample");
    for table in later {
        assert!(dump(&snapshot, table).await.is_empty(), "{table} came later");
    }
    assert_goes_on(&uri, "format 1").await;
}

/// Tables and columns that format 1 got later.
#[tokio::test]
async fn stores_with_what_came_later_are_read_and_written_on() {
    let (_place, uri) = frozen("format-1-schemas");
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
    for (table, rows) in FROZEN_LATER {
        assert_eq!(dump(&snapshot, table).await.len(), rows, "{table}");
    }
    let schemas = |rows: &[AssetVersionRow]| {
        let current = rows.iter().filter(|v| v.schema_id.is_some() && v.schema_at.is_some());
        current.map(|v| v.version_id).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(schemas(&snapshot.rows().await.expect("versions")), 2);
    let reads: Vec<RunIoRow> = snapshot.rows().await.expect("reads and writes");
    let read = reads.iter().find(|row| &*row.io == "INPUT").expect("a read");
    assert!(read.schema_id.is_some() && read.schema_at.is_some(), "{read:?}");
    // The same schema again is no new one; another is.
    let run = |id: &str, fields: &str| {
        let text = format!(
            r#"{{"eventTime":"2026-05-03T08:00:00Z","eventType":"COMPLETE","producer":"test","run":{{"runId":"{id}"}},
            "job":{{"namespace":"spark","name":"load"}},"inputs":[],"outputs":[{{"namespace":"s3://hospital",
            "name":"notes","facets":{{"schema":{{"fields":[{{"name":"id","type":"bigint"}}{fields}]}}}}}}]}}"#
        );
        incoming(&text, 0)
    };
    let note = r#",{"name":"note","type":"text"}"#;
    for (id, fields, added) in [("load-3", note, 0), ("load-4", "", 1)] {
        let before = dump(&Store::open(&uri).await.expect("a store").snapshot().await.expect("read"), "schemas").await;
        let mut writer = writer(&uri).await;
        let batch = Batch { events: vec![run(id, fields)], writer: "test".into(), ..Batch::default() };
        writer.commit(batch).await.expect("committed");
        drop(writer);
        let after = dump(&Store::open(&uri).await.expect("a store").snapshot().await.expect("read"), "schemas").await;
        assert_eq!(after.len() - before.len(), added, "{id}");
    }
}

/// Makes a table of a store one that never had a column: out of its schema, and out of its files unless these were
/// written since.
fn forget_column(uri: &str, table: &str, column: &str, in_files: bool) {
    let table = Path::new(uri).join(table);
    for entry in files(&table.join("_delta_log")) {
        let text = std::fs::read_to_string(&entry).expect("an entry");
        let lines = text.lines().map(|line| {
            let mut action: serde_json::Value = serde_json::from_str(line).expect("an action");
            if let Some(schema) = action.pointer_mut("/metaData/schemaString") {
                let mut said: serde_json::Value =
                    serde_json::from_str(schema.as_str().expect("a text")).expect("a schema");
                let fields = said["fields"].as_array_mut().expect("fields");
                fields.retain(|field| field["name"] != column);
                *schema = said.to_string().into();
            }
            if let Some(path) = action.pointer("/add/path").and_then(|p| p.as_str()).filter(|_| in_files) {
                let size = drop_column(&table.join(path), column);
                action["add"]["size"] = size.into();
            }
            action.to_string()
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        std::fs::write(&entry, text).expect("written");
    }
}

/// Rewrites a file without a column; its size then.
fn drop_column(path: &Path, column: &str) -> u64 {
    let file = std::fs::File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader");
    let batches: Vec<_> = reader.map(|batch| batch.expect("a batch")).collect();
    let schema = batches[0].schema();
    let kept: Vec<usize> = (0..schema.fields().len()).filter(|at| schema.field(*at).name() != column).collect();
    let without = |batch: &arrow::array::RecordBatch| batch.project(&kept).expect("columns");
    let file = std::fs::File::create(path).expect("a file");
    let schema = without(&batches[0]).schema();
    let mut writer = deltalake::parquet::arrow::ArrowWriter::try_new(file, schema, None).expect("a writer");
    batches.iter().for_each(|batch| writer.write(&without(batch)).expect("written"));
    writer.close().expect("closed");
    std::fs::metadata(path).expect("a file").len()
}

#[tokio::test]
async fn a_table_that_lacks_a_column_of_today_is_read_and_gets_it() {
    // Of each kind of reader one: rows, columns of the graph, the log of events.
    let columns = [
        ("assets", "schema_json"),
        ("edges", "valid_to"),
        ("run_io", "subset"),
        ("events", "redactions"),
        ("runs", "image"),
    ];
    for (table, column) in columns {
        for in_files in [true, false] {
            let what = format!("{table}.{column}, {in_files}");
            let (_place, uri) = frozen("format-1");
            let before = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
            let rows = dump(&before, table).await.len();
            forget_column(&uri, table, column, in_files);
            let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a snapshot");
            let provider = snapshot.provider(table).await.expect("a table");
            let frame = SessionContext::new().read_table(provider).expect("readable");
            let (nulls, all) = (frame.clone().select_columns(&[column]).expect("the column"), frame);
            let nulls = nulls.collect().await.expect("rows");
            assert_eq!(nulls.iter().map(|b| b.column(0).null_count()).sum::<usize>(), rows, "{what}");
            assert_eq!(all.count().await.expect("counted"), rows, "{what}");
            assert_goes_on(&uri, &what).await;
            // The table has the column now, whoever reads it.
            let log = std::fs::read_dir(Path::new(&uri).join(table).join("_delta_log")).expect("a log");
            let texts = log.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("an entry"));
            let said = texts.filter(|t| t.contains("metaData") && t.contains(&format!(r#"\"{column}\""#))).count();
            assert_eq!(said, 1, "{what}");
        }
    }
}

#[tokio::test]
async fn a_table_that_is_lost_is_an_error_and_is_not_made_again() {
    for table in ["edges", "events", "dead_letters", "epochs"] {
        let (_place, uri) = frozen("format-1");
        std::fs::remove_dir_all(Path::new(&uri).join(table)).expect("removed");
        let named = if table == "epochs" { "`events` is at version 3" } else { "the epoch names version " };
        let told = format!("table `{table}` is missing: {named}");
        let read = async || Store::open(&uri).await?.snapshot().await?.provider(table).await.map(|_| ());
        let read = read().await.expect_err("lost").to_string();
        assert!(read.starts_with(&told) && read.contains("; restore its folder from a backup, or "), "{read}");
        let written = StoreWriter::open(&uri).await.err().expect("lost").to_string();
        assert_eq!(written, read);
        assert!(!Path::new(&uri).join(table).exists(), "{table}");
    }
}

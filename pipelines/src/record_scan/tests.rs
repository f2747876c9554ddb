//! What a scan leaves in its event and in the store for finding near copies.

use super::judged::{Kind, dataset, scanned, words};
use super::*;
use lineward_classifiers::RuleSet;
use lineward_classifiers::decoders::Undecoded;
use lineward_events::{Event, Statement, canonical_json};
use lineward_store::Store;
use lineward_store::rows::{EdgeRow, SignatureRow};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

pub(super) fn key() -> FingerprintKey {
    FingerprintKey::new(&[7; 32]).expect("long enough")
}

pub(super) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let rules = Arc::new(RuleSet::built_in().expect("rules"));
        Engine::new(rules).expect("an engine")
    })
}

pub(super) fn record<'a>(name: &'a str, reports: &'a [FileReport], store: &'a str) -> ScanRecord<'a> {
    ScanRecord {
        store,
        dataset: Some(name),
        path: Path::new("/no/such/folder"),
        reports,
        engine: engine(),
        key: key(),
        started_at: 1_769_904_000_000_000,
        places: None,
        found_as: HashMap::new(),
        part: None,
    }
}

/// The events of the files of a scan.
fn events_of(scan: &ScanRecord<'_>) -> Vec<ScanEvent> {
    scan_events(scan, whole_event(scan))
}

/// The event of a scan as the store gets it.
pub(super) fn event(scan: &ScanRecord<'_>) -> Event {
    let event = events_of(scan).remove(0);
    let document = serde_json::to_value(&event).expect("an event is JSON");
    let format = formats::by_name("lineward").map_or(FormatChoice::Auto, FormatChoice::Named);
    lineward_events::decode(format, &document, &canonical_json(&document)).expect("an event")
}

fn signed(event: &Event) -> Vec<&str> {
    let mut names = Vec::new();
    for statement in &event.statements {
        if let Statement::Signed(signed) = statement {
            names.push(signed.asset.name.as_str());
        }
    }
    names
}

#[test]
fn names_of_data_sets_as_other_commands_write_them() {
    for (name, location) in [
        ("s3://lake/notes", "s3://lake/notes"),
        ("dataset:s3://lake/notes", "s3://lake/notes"),
        ("DATASET:lake/notes", "lake/notes"),
        ("file:///mnt/notes", "file:///mnt/notes"),
        ("s3://team@lake/notes", "s3://team@lake/notes"),
        ("C:/notes", "C:/notes"),
    ] {
        assert_eq!(super::data_set_location(name).as_deref(), Ok(location), "{name}");
    }
    for (name, told) in [
        ("model:summarizer", "not of a model"),
        ("table:lake.notes", "not of a table"),
        ("s3://lake/notes@3", "leave it out, as `s3://lake/notes`"),
        ("dataset:notes@v1", "leave it out, as `notes`"),
        ("dataset:", "it is empty"),
        ("", "it is empty"),
    ] {
        let error = super::data_set_location(name).expect_err(name);
        assert!(error.contains(told), "{name}: {error}");
    }
}

#[test]
fn a_data_set_and_its_largest_files_have_signatures() {
    let reports: Vec<FileReport> = (0..FILES_SIGNED_MAX as u64 + 20)
        .map(|n| FileReport {
            path: format!("/no/such/folder/part-{n:03}.txt").into(),
            size_bytes: n / 2,
            ..scanned("part.txt", &format!("file number {n} has one line of its own"))
        })
        .collect();
    let event = event(&record("s3://lake/notes", &reports, ""));
    let names = signed(&event);
    assert_eq!(names.len(), FILES_SIGNED_MAX + 1);
    assert!(
        names.contains(&"notes") && names.contains(&"notes/part-119.txt") && !names.contains(&"notes/part-019.txt")
    );
}

#[test]
fn a_data_set_that_was_not_read_to_its_end_has_no_signature() {
    let good = scanned("a.txt", "one line of six plain words");
    let bad = FileReport {
        problems: vec![lineward_classifiers::readers::Problem { place: "line 1".into(), message: "broken".into() }],
        sketch: None,
        ..good.clone()
    };
    let skipped = FileReport { skipped: true, sketch: None, ..good.clone() };
    let named = |name: &str, report: &FileReport| FileReport {
        path: Path::new("/no/such/folder").join(name),
        ..report.clone()
    };
    let names = |reports: &[FileReport]| {
        let event = event(&record("s3://lake/notes", reports, ""));
        signed(&event).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&[named("a", &good), named("b", &skipped)]), ["notes", "notes/a"]);
    assert_eq!(names(&[named("a", &good), named("b", &bad)]), ["notes/a"]);
}

/// The payload of an event is searched and redacted as a whole before it is stored: of a signature nothing may be taken
/// for a credential.
#[test]
fn no_signature_is_redacted() {
    let mut processor = Processor::new(
        engine(),
        key(),
        ClassifySpec::default().min_confidence,
        formats::by_name("lineward").map_or(FormatChoice::Auto, FormatChoice::Named),
    )
    .expect("a processor");
    for seed in 0..200 {
        let lines: Vec<String> = (0..40).map(|line| words(seed * 1_000 + line, 30)).collect();
        let report = scanned("a.txt", &lines.join("\n"));
        let reports = [FileReport { path: "/no/such/folder/a.txt".into(), ..report }];
        let text = serde_json::to_vec(&events_of(&record("s3://lake/notes", &reports, ""))[0]).expect("JSON");
        let position = Position::File { path: "x".into(), ordinal: 0, line: None, byte_offset: 0 };
        let record = Record {
            source: "scan".into(),
            position,
            key: None,
            value: Some(text),
            timestamp_us: None,
            headers: vec![],
        };
        let done = processor.process(&[record], 1).expect("processed");
        assert_eq!((done.events.len(), done.dead_letters.len()), (1, 0), "seed {seed}");
        assert_eq!(done.events[0].row.redactions, None, "seed {seed}");
    }
}

/// From text to the edge in the store and back through a writer that is opened again.
#[tokio::test]
async fn near_copies_are_edges_of_the_store() {
    let place = tempfile::tempdir().expect("a folder");
    let store = place.path().to_string_lossy().into_owned();
    let rows = dataset(1, 120);
    for (name, rows) in [("s3://lake/a", &rows[..]), ("s3://lake/b", &rows[6..]), ("s3://lake/c", &dataset(2, 120)[..])]
    {
        let reports =
            [FileReport { path: "/no/such/folder/x".into(), ..scanned("x.jsonl", &Kind::Jsonl.written(rows)) }];
        record_scan(&record(name, &reports, &store)).await.expect("recorded");
    }
    let snapshot = Store::open(&store).await.expect("a store").snapshot().await.expect("a snapshot");
    let edges: Vec<EdgeRow> = snapshot.rows().await.expect("edges");
    let near: Vec<&EdgeRow> = edges.iter().filter(|e| e.edge_type == "NEAR_DUPLICATE").collect();
    // The data sets and their files, each with its like.
    assert_eq!(near.len(), 2);
    assert!(near.iter().all(|e| e.evidence == "CONTENT_MATCH" && e.confidence > 0.9 && e.confidence < 1.0));
    let signatures: Vec<SignatureRow> = snapshot.rows().await.expect("signatures");
    assert_eq!(signatures.len(), 6);
    assert!(signatures.iter().all(|s| s.key_id == key().id() && s.minhash.0.len() == 256));
}

#[test]
fn a_scan_of_a_part_is_no_scan_of_the_whole() {
    use lineward_classifiers::Category;
    use lineward_classifiers::scan::Sample;
    let all = || ScanOptions::new(key());
    let part = |options: &ScanOptions| part_of(options, engine()).expect("rules");
    assert_eq!(part(&all()), None);
    assert!(part(&ScanOptions { sample: Some(Sample::Share(0.1)), ..all() }).is_some());
    assert!(part(&ScanOptions { fields: vec!["note".into()], ..all() }).is_some());
    assert!(part(&ScanOptions { confidence_min: Confidence::High, ..all() }).is_some());
    let few = RuleSet::built_in().and_then(|r| r.select(&[], &[Category::Credential])).expect("rules");
    let few = Engine::new(Arc::new(few)).expect("an engine");
    let said = part_of(&all(), &few).expect("rules").expect("a part");

    let whole = |reports: &[FileReport], part: Option<&str>| {
        let record = ScanRecord { part, ..record("s3://lake/notes", reports, "-") };
        let payload = serde_json::to_string(&events_of(&record)[0]).expect("an event is JSON");
        lineward_store::graph::Scan::of_event(&payload, 1, 1)[0].complete
    };
    let file = || scanned("part.txt", "nothing in here");
    assert!(whole(&[file()], None));
    assert!(!whole(&[file()], Some(&said)));
    assert!(!whole(&[file(), FileReport { coverage: Some(0.1), ..file() }], None));
    assert!(!whole(&[FileReport { coverage: None, ..file() }], None));
    let undecoded = Undecoded { too_deep: 1, too_large: 0 };
    assert!(!whole(&[FileReport { undecoded, ..file() }], None));
}

#[test]
fn a_scan_of_many_files_is_several_events_and_none_says_more_than_the_whole() {
    let reports = |bad: usize| -> Vec<FileReport> {
        let template = scanned("part.txt", "nothing in here");
        let report = |n: usize| FileReport {
            path: format!("/no/such/folder/{}/{n:06}.txt", "folder".repeat(30)).into(),
            coverage: Some(if n == bad { 0.5 } else { 1.0 }),
            sketch: None,
            ..template.clone()
        };
        (0..30_000).map(report).collect()
    };
    for (bad, complete) in [(usize::MAX, true), (7, false), (29_999, false)] {
        let reports = reports(bad);
        let events = events_of(&record("s3://lake/notes", &reports, "-"));
        assert!(events.len() > 1, "{}", events.len());
        let mut names = HashSet::new();
        for event in &events {
            let payload = serde_json::to_string(event).expect("an event is JSON");
            assert!(payload.len() < FILES_BYTES_MAX + 100_000, "{}", payload.len());
            let scans = lineward_store::graph::Scan::of_event(&payload, 1, 1);
            assert_eq!(scans[0].complete, complete);
            names.extend(scans.into_iter().skip(1).map(|s| s.name));
            let document = serde_json::from_str(&payload).expect("JSON");
            let format = formats::by_name("lineward").map_or(FormatChoice::Auto, FormatChoice::Named);
            lineward_events::decode(format, &document, &payload).expect("an event");
        }
        assert_eq!(names.len(), reports.len());
    }
}

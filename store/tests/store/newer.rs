//! Stores of a newer version: said in one sentence, whatever that version changed, and left as they are.

use super::{copy, files, folder, frozen};
use lineward_store::{Error, Store, StoreWriter};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All that is in a store, by its place in it.
fn contents(uri: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    files(Path::new(uri)).into_iter().map(|f| (f.clone(), std::fs::read(f).expect("a file"))).collect()
}

#[tokio::test]
async fn a_store_of_another_format_is_refused() {
    const OWN: &str = "this is Lineward 0.1.0, which reads formats up to 1; ";
    const CASES: [(&str, &str); 14] = [
        (r#"{"format": 2, "created_by": "lineward 0.10.1"}"#, "(format 2); OWN use Lineward 0.10.1 or newer"),
        (r#"{"format": 99, "created_by": "lineward 9"}"#, "(format 99); OWN use a newer Lineward"),
        // One that an older version made and a newer one has changed.
        (
            r#"{"format": 2, "created_by": "lineward 0.0.9", "needs": "0.2.0"}"#,
            "(format 2); OWN use Lineward 0.2.0 or newer",
        ),
        (r#"{"format": 2, "created_by": "lineward 0.1.0"}"#, "(format 2); OWN use a newer Lineward"),
        (r#"{"format": 2}"#, "(format 2); OWN use a newer Lineward"),
        (r#"{"format": 2, "created_by": {"name": "lineward", "version": 3}}"#, "(format 2); OWN use a newer Lineward"),
        (r#"{"format": 99999999999999999999}"#, "(a format that is no whole number); OWN use a newer Lineward"),
        (r#"{"format": "2.0-beta"}"#, "(a format that is no whole number); OWN use a newer Lineward"),
        (r#"{"format": {"tables": 2}}"#, "(a format that is no whole number); OWN use a newer Lineward"),
        (r#"{"format": "#, "is damaged (line 1"),
        ("[]", "is damaged (it is no JSON object)"),
        ("{}", "is damaged (it has no `format`)"),
        (r#"{"format": 0, "created_by": "lineward 0.1.0"}"#, "is damaged (its `format` is below 1)"),
        (r#"{"format": -1, "created_by": "lineward 0.1.0"}"#, "is damaged (its `format` is below 1)"),
    ];
    for (marker, expected) in CASES {
        let (_place, uri) = folder();
        Store::open_or_create(&uri).await.expect("made");
        std::fs::write(Path::new(&uri).join("lineward-store.json"), marker).expect("written");
        let before = contents(&uri);
        let written = StoreWriter::open(&uri).await.map(|_| ());
        for opened in [Store::open(&uri).await.map(|_| ()), Store::open_or_create(&uri).await.map(|_| ()), written] {
            let e = opened.expect_err("refused");
            assert_eq!(matches!(e, Error::TooNew { .. }), expected.contains("newer"), "{e:?}");
            let (e, expected) = (e.to_string(), expected.replace("OWN ", OWN));
            assert!(e.contains(&expected), "{e}");
        }
        assert!(contents(&uri) == before, "{marker}");
    }
}

#[tokio::test]
async fn what_a_newer_version_adds_to_a_marker_is_no_damage() {
    for marker in [r#"{"format": 1}"#, r#"{"format": 1, "created_by": "lineward 0.9.0", "region": "eu"}"#] {
        let (_place, uri) = frozen("format-1");
        std::fs::write(Path::new(&uri).join("lineward-store.json"), marker).expect("written");
        assert!(Store::open(&uri).await.expect("opened").snapshot().await.expect("a cut").epoch() > 0);
    }
}

/// Changes the actions of a table's log.
fn change_log(uri: &str, table: &str, change: impl Fn(&mut Value)) {
    for entry in files(&Path::new(uri).join(table).join("_delta_log")) {
        let text = std::fs::read_to_string(&entry).expect("an entry");
        let lines = text.lines().map(|line| {
            let mut action: Value = serde_json::from_str(line).expect("an action");
            change(&mut action);
            action.to_string()
        });
        std::fs::write(&entry, lines.collect::<Vec<_>>().join("\n")).expect("written");
    }
}

/// A table of a newer version in every epoch.
fn add_table(uri: &str) {
    copy(&Path::new(uri).join("tags"), &Path::new(uri).join("incidents"));
    change_log(uri, "epochs", |action| {
        let known = action.pointer_mut("/commitInfo/lineward.epoch/table_versions").and_then(Value::as_object_mut);
        if let Some(known) = known {
            known.insert("incidents".into(), 1.into());
        }
    });
}

/// A column of a newer version.
fn add_column(uri: &str) {
    change_log(uri, "runs", |action| {
        if let Some(schema) = action.pointer_mut("/metaData/schemaString") {
            let mut said: Value = serde_json::from_str(schema.as_str().expect("a text")).expect("a schema");
            let field = json!({ "name": "carbon_kg", "type": "double", "nullable": true, "metadata": {} });
            said["fields"].as_array_mut().expect("fields").push(field);
            *schema = said.to_string().into();
        }
    });
}

/// A Delta feature that readers must know.
fn add_feature(uri: &str) {
    change_log(uri, "runs", |action| {
        if let Some(protocol) = action.get_mut("protocol") {
            *protocol = json!({ "minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["holographicRows"], "writerFeatures": ["holographicRows"] });
        }
    });
}

#[tokio::test]
async fn parts_of_a_newer_version_are_read_around_and_not_written_on() {
    type Change = fn(&str);
    const CASES: [(Change, &str); 2] = [
        (add_table, "(a table that this one does not know); "),
        (add_column, "(table `runs` has columns that this one does not know); "),
    ];
    for (add, expected) in CASES {
        let (_place, uri) = frozen("format-1");
        add(&uri);
        let before = contents(&uri);
        let e = StoreWriter::open(&uri).await.err().expect("refused");
        assert!(matches!(e, Error::TooNew { .. }) && e.to_string().contains(expected), "{e}");
        assert!(e.to_string().ends_with("use a newer Lineward"), "{e}");
        let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a cut");
        assert!(!snapshot.rows::<lineward_store::rows::RunRow>().await.expect("rows").is_empty());
        assert!(contents(&uri) == before, "nothing was written");
    }
}

#[tokio::test]
async fn a_table_that_asks_for_a_feature_of_later_is_said_to() {
    let (_place, uri) = frozen("format-1");
    add_feature(&uri);
    let before = contents(&uri);
    let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a cut");
    let read = snapshot.provider("runs").await.map(|_| ()).expect_err("refused");
    let written = StoreWriter::open(&uri).await.err().expect("refused");
    for e in [read, written] {
        assert!(matches!(e, Error::TooNew { .. }), "{e}: {e:?}");
        assert!(e.to_string().contains("(table `runs` asks for more than this one knows); "), "{e}");
    }
    assert!(contents(&uri) == before, "nothing was written");
}

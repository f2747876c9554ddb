//! Data-set folders on disk: a Delta table through its life, a Hugging Face folder.

use super::*;
use crate::scan::inputs;
use std::fs;
use std::path::PathBuf;

fn names(root: &Path) -> Vec<String> {
    let selected = inputs(&[root.to_path_buf()]);
    let name = |i: &ScanInput| i.path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
    selected.iter().map(|i| name(i) + if i.problem.is_some() { " !" } else { "" }).collect()
}

fn table() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("table");
    fs::create_dir_all(root.join("_delta_log")).expect("made");
    (folder, root)
}

fn commit(root: &Path, version: u64, actions: &str) {
    fs::write(root.join(format!("_delta_log/{version:020}.json")), actions).expect("written");
}

fn file(root: &Path, name: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, "x").expect("written");
}

#[test]
fn only_live_files_of_a_delta_table() {
    let (_keep, root) = table();
    for name in ["a.parquet", "b.parquet", "p=x y/c.parquet", "deletion_vector_1.bin", ".a.parquet.crc"] {
        file(&root, name);
    }
    commit(&root, 0, "{\"protocol\":{\"minReaderVersion\":1}}\n{\"add\":{\"path\":\"a.parquet\"}}\n");
    commit(&root, 1, "{\"remove\":{\"path\":\"a.parquet\"}}\n{\"add\":{\"path\":\"p=x%20y/c.parquet\"}}\n");
    // Changed in place: removed and added in one commit.
    commit(&root, 2, "{\"add\":{\"path\":\"b.parquet\"}}\n");
    commit(&root, 3, "{\"add\":{\"path\":\"b.parquet\"}}\n{\"remove\":{\"path\":\"b.parquet\"}}\n\n");
    assert_eq!(names(&root), ["b.parquet", "p=x y/c.parquet"]);
    fs::remove_file(root.join("b.parquet")).expect("removed");
    assert_eq!(names(&root), ["p=x y/c.parquet", "b.parquet !"]);
}

#[test]
fn columns_that_a_table_maps_have_the_names_of_the_table() {
    let (_keep, root) = table();
    file(&root, "a.parquet");
    file(root.parent().expect("a parent"), "other.parquet");
    let column = |name: &str, physical: &str, of: &str| {
        format!(r#"{{"name":"{name}","type":{of},"metadata":{{"delta.columnMapping.physicalName":"{physical}"}}}}"#)
    };
    let metadata = |fields: &str| {
        let schema = format!(r#"{{"type":"struct","fields":[{fields}]}}"#);
        serde_json::json!({ "metaData": { "schemaString": schema } }).to_string() + "\n"
    };
    let inner = format!(
        r#"{{"type":"array","elementType":{{"type":"struct","fields":[{}]}}}}"#,
        column("ssn", "col-2", "\"string\"")
    );
    let first = [column("people", "col-1", &inner), column("same", "same", "\"string\"")].join(",");
    commit(&root, 0, &(metadata(&first) + "{\"add\":{\"path\":\"a.parquet\"}}\n"));
    let called = || {
        let all = inputs(&[root.parent().expect("a parent").to_path_buf()]);
        let of = |name: &str| all.iter().find(|i| i.path.ends_with(name)).expect("listed").called.clone();
        assert!(of("other.parquet").is_none(), "a file beside the table is none of it");
        let mut called: Vec<(String, String)> =
            of("a.parquet").expect("mapped").iter().map(|(a, b)| (a.clone(), b.clone())).collect();
        called.sort();
        called
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(called(), [pair("col-1", "people"), pair("col-2", "ssn")]);
    // Renamed.
    commit(&root, 1, &metadata(&column("persons", "col-1", "\"string\"")));
    assert_eq!(called(), [pair("col-1", "persons")]);
}

#[test]
fn a_log_hides_nothing_that_it_never_named() {
    let (_keep, root) = table();
    for name in ["a.parquet", "b.parquet", "never.parquet", "inner/people.csv", "notes.txt"] {
        file(&root, name);
    }
    commit(&root, 0, "{\"add\":{\"path\":\"a.parquet\"}}\n{\"add\":{\"path\":\"notes.txt\"}}\n");
    commit(&root, 1, "{\"remove\":{\"path\":\"a.parquet\"}}\n{\"remove\":{\"path\":\"notes.txt\"}}\n");
    commit(&root, 2, "{\"add\":{\"path\":\"b.parquet\"}}\n");
    assert_eq!(names(&root), ["b.parquet", "inner/people.csv", "never.parquet", "notes.txt"]);
}

#[test]
fn a_checkpoint_stands_for_the_commits_before_it() {
    use arrow_array::{ArrayRef, RecordBatch, StringArray, StructArray};
    use arrow_schema::{DataType, Field, Schema};
    use std::sync::Arc;
    let (_keep, root) = table();
    for name in ["a.parquet", "b.parquet", "c.parquet"] {
        file(&root, name);
    }
    let path = Arc::new(Field::new("path", DataType::Utf8, true));
    let paths: ArrayRef = Arc::new(StringArray::from(vec![Some("a.parquet"), None, Some("b.parquet")]));
    let validity = Some(vec![true, false, true].into());
    let add = StructArray::new(vec![Arc::clone(&path)].into(), vec![paths], validity);
    let schema = Arc::new(Schema::new(vec![Field::new("add", DataType::Struct(vec![path].into()), true)]));
    let records = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(add)]).expect("columns fit");
    let checkpoint = root.join(format!("_delta_log/{:020}.checkpoint.parquet", 4));
    let out = fs::File::create(&checkpoint).expect("made");
    let mut writer = parquet::arrow::ArrowWriter::try_new(out, schema, None).expect("a writer");
    writer.write(&records).expect("written");
    writer.close().expect("written");
    commit(&root, 5, "{\"remove\":{\"path\":\"a.parquet\"}}\n{\"add\":{\"path\":\"c.parquet\"}}\n");
    assert_eq!(names(&root), ["b.parquet", "c.parquet"]);
    // A checkpoint that is cut is told, and nothing goes unseen.
    let bytes = fs::read(&checkpoint).expect("read");
    fs::write(&checkpoint, &bytes[..bytes.len() / 2]).expect("written");
    assert_eq!(names(&root), ["_delta_log !", "a.parquet", "b.parquet", "c.parquet"]);
}

#[test]
fn a_log_that_is_not_whole_is_told_and_all_is_scanned() {
    for log in [&[(1, "{}")][..], &[(0, "{\"add\":{\"path\":\"a.parquet\"}}"), (2, "{}")], &[(0, "{\"add\":")], &[]] {
        let (_keep, root) = table();
        file(&root, "a.parquet");
        file(&root, "_delta_log/other.crc");
        log.iter().for_each(|(version, actions)| commit(&root, *version, actions));
        assert_eq!(names(&root), ["_delta_log !", "a.parquet"], "{log:?}");
    }
    let (_keep, root) = table();
    commit(&root, 0, "{\"add\":{\"path\":\"s3://other/a.parquet\"}}");
    assert_eq!(names(&root), ["_delta_log !"]);
}

#[test]
fn hugging_face_folders_have_configurations_and_splits() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for name in ["data/train-00000-of-00001.parquet", "extra/notes.jsonl", "en/test.jsonl", ".hidden/train.txt"] {
        file(root, name);
    }
    let of = |name: &str| {
        let found = inputs(&[root.to_path_buf()]).into_iter().find(|i| i.path == root.join(name)).expect("listed");
        (found.config, found.split)
    };
    // Any folder: no names.
    assert_eq!(of("en/test.jsonl"), (None, None));
    let card = "---\nlicense: mit\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: data/train-*\n\
                - config_name: side\n  data_files: extra/*.jsonl\n---\n# Card\n";
    fs::write(root.join("README.md"), card).expect("written");
    let named = |config: Option<&str>, split: Option<&str>| (config.map(str::to_owned), split.map(str::to_owned));
    assert_eq!(of("data/train-00000-of-00001.parquet"), named(Some("main"), Some("train")));
    assert_eq!(of("extra/notes.jsonl"), named(Some("side"), None));
    assert_eq!(of("en/test.jsonl"), named(Some("en"), Some("test")));
    assert_eq!(of(".hidden/train.txt"), named(None, None));
    assert_eq!(of("README.md"), named(None, None));
    // Broken front matter is text like any other.
    fs::write(root.join("README.md"), "---\nconfigs: [\n---\n").expect("written");
    assert_eq!(of("en/test.jsonl"), (None, None));
}

#[cfg(unix)]
#[test]
fn links_into_the_blobs_of_a_hub_cache_are_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let repository = folder.path().join("datasets--org--name");
    let snapshot = repository.join("snapshots/abc");
    file(&repository, "blobs/123");
    file(folder.path(), "elsewhere.txt");
    fs::create_dir_all(&snapshot).expect("made");
    std::os::unix::fs::symlink("../../blobs/123", snapshot.join("train.txt")).expect("linked");
    std::os::unix::fs::symlink(folder.path().join("elsewhere.txt"), snapshot.join("other.txt")).expect("linked");
    assert_eq!(names(&snapshot), ["train.txt"]);
}

//! Tests of the wire formats, over the data in `testdata/` and over recorded samples where they are present.

mod golden;
mod robustness;
mod samples;

use lineward_events::{DecodeError, Event, FormatChoice, canonical_json, decode, documents, formats};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// An input of `testdata/`: the format whose folder it is in, its path and its text.
struct Input {
    format: String,
    path: PathBuf,
    text: String,
}

fn testdata() -> PathBuf {
    PathBuf::from("testdata")
}

fn inputs() -> Vec<Input> {
    let mut inputs = Vec::new();
    for folder in files_in(&testdata()) {
        let format = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        for path in files_in(&folder) {
            let name = path.to_string_lossy();
            if name.ends_with(".json") && !name.ends_with(".expected.json") {
                let text = fs::read_to_string(&path).expect("test data is readable");
                inputs.push(Input { format: format.clone(), path, text });
            }
        }
    }
    assert!(!inputs.is_empty());
    inputs
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    paths.sort();
    paths
}

/// The documents of a record, all of which must be documents.
fn values_of(record: &str) -> Vec<Value> {
    let documents = documents(record.as_bytes()).expect("a record with documents");
    documents.into_iter().map(|d| d.expect("a document").value).collect()
}

fn decoded(document: &Value) -> Result<Event, DecodeError> {
    decode(FormatChoice::Auto, document, &canonical_json(document))
}

fn recognising(document: &Value) -> Vec<&'static str> {
    formats::all().iter().filter(|f| f.recognises(document)).map(|f| f.name()).collect()
}

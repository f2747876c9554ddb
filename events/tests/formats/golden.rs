//! Each input of `testdata/` against the event that is expected of it. `LINEWARD_BLESS=1` rewrites the expectations.

use crate::{decoded, files_in, inputs, recognising, testdata, values_of};
use lineward_events::{Event, formats};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn inputs_decode_to_the_expected_events() {
    let bless = std::env::var_os("LINEWARD_BLESS").is_some();
    for input in inputs() {
        let place = input.path.display();
        let mut events: Vec<Value> = values_of(&input.text)
            .iter()
            .map(|document| rendered(&decoded(document).unwrap_or_else(|e| panic!("{place}: {e}"))))
            .collect();
        let found = if events.len() == 1 { events.remove(0) } else { Value::Array(events) };
        let found = format!("{found:#}\n");
        let expected = input.path.with_extension("expected.json");
        if bless {
            fs::write(&expected, found).expect("the expectation is writable");
            continue;
        }
        let expected = fs::read_to_string(&expected).unwrap_or_else(|e| panic!("{place}: no expectation: {e}"));
        assert_eq!(found, expected, "{place}: run with LINEWARD_BLESS=1 if the change is meant");
    }
}

#[test]
fn every_input_is_of_exactly_the_format_of_its_folder() {
    for input in inputs() {
        for document in values_of(&input.text) {
            assert_eq!(recognising(&document), [input.format.as_str()], "{}", input.path.display());
        }
    }
}

#[test]
fn every_format_is_registered_once_and_has_test_data() {
    let source = Path::new("src/formats");
    let files: BTreeSet<String> = files_in(source)
        .iter()
        .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
        .filter(|name| name != "mod")
        .collect();
    let names: Vec<String> = formats::all().iter().map(|f| f.name().to_owned()).collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "names are unique");
    assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), files, "one file for each format");
    for name in &names {
        assert!(formats::by_name(name).is_some_and(|f| f.name() == name));
        assert!(files_in(&testdata().join(name)).len() >= 4, "{name}: at least two pairs of test data");
    }
}

#[test]
fn every_expectation_has_its_input() {
    for folder in files_in(&testdata()) {
        for path in files_in(&folder) {
            let name = path.to_string_lossy();
            if let Some(stem) = name.strip_suffix(".expected.json") {
                assert!(Path::new(&format!("{stem}.json")).is_file(), "{name}");
            }
        }
    }
}

#[test]
fn identity_fields_are_paths_with_whole_wildcards() {
    for format in formats::all() {
        let fields = format.identity_fields();
        assert!(!fields.is_empty(), "{}", format.name());
        let unique: BTreeSet<_> = fields.iter().collect();
        assert_eq!(unique.len(), fields.len(), "{}: a path is listed twice", format.name());
        for segment in fields.iter().flat_map(|field| field.split('.')) {
            assert!(!segment.is_empty() && (segment == "*" || !segment.contains('*')), "{}: {segment}", format.name());
        }
    }
}

#[test]
fn a_document_of_no_format_is_kept() {
    let document = json!({"time": "2026-05-04T03:02:01Z", "what": "ever"});
    let event = decoded(&document).expect("an unknown document is an event");
    assert_eq!((event.format, event.kind.as_str()), ("unknown", "unknown"));
    assert_eq!(event.event_time, Some(1_777_863_721_000_000));
    assert!(event.statements.is_empty());
}

#[test]
fn only_pure_envelopes_are_opened() {
    for (record, documents) in [
        (r#"{"Records": [{"a": 1}, {"b": 2}]}"#, 2),
        (r#"{"records": []}"#, 0),
        (r#"{"runs": [{}], "next_page_token": "t"}"#, 1),
        (r#"{"records": [{}, {}], "total": 2}"#, 1),
        (r#"{"Records": "none"}"#, 1),
        (r#"[{"a": 1}, {"b": 2}]"#, 2),
    ] {
        assert_eq!(values_of(record).len(), documents, "{record}");
    }
}

/// An event without what is absent, hashes in hexadecimal.
fn rendered(event: &Event) -> Value {
    pruned(json!({
        "format": event.format,
        "kind": event.kind.as_str(),
        "event_type": event.event_type,
        "event_time": event.event_time,
        "producer": event.producer,
        "schema_url": event.schema_url,
        "run_id": event.run_id,
        "job_namespace": event.job_namespace,
        "job_name": event.job_name,
        "principal": event.principal,
        "statements": event.statements,
        "nameless": Some(event.nameless).filter(|count| *count > 0),
    }))
}

fn pruned(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter().map(|(k, v)| (k, pruned(v))).filter(|(_, v)| !is_absent(v)).collect::<Map<_, _>>(),
        ),
        Value::Array(list) => match hash(&list) {
            Some(digits) => Value::String(digits),
            None => Value::Array(list.into_iter().map(pruned).collect()),
        },
        // An `f32` prints with the digits of an `f64`; three decimals say what it is.
        Value::Number(n) if n.is_f64() => json!((n.as_f64().unwrap_or_default() * 1000.0).round() / 1000.0),
        other => other,
    }
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn hash(list: &[Value]) -> Option<String> {
    let bytes: Option<Vec<u8>> = list.iter().map(|v| v.as_u64().and_then(|n| u8::try_from(n).ok())).collect();
    let bytes = bytes.filter(|bytes| bytes.len() == 32)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

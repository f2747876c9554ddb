//! Damaged inputs: whatever is missing or of another type, decoding gives an event or an error and never panics.

use crate::{decoded, inputs, values_of};
use lineward_events::{FormatChoice, canonical_json, decode, documents, formats};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn every_prefix_of_an_input_is_an_event_or_an_error() {
    for input in inputs() {
        for document in values_of(&input.text) {
            let text = canonical_json(&document);
            for end in 0..text.len() {
                let Ok(found) = documents(&text.as_bytes()[..end]) else { continue };
                for document in found.into_iter().flatten() {
                    let _ = decoded(&document.value);
                }
            }
        }
    }
}

#[test]
fn every_value_may_be_replaced_by_any_other() {
    let replacements = [
        json!(null),
        json!(true),
        json!(-1.5),
        json!(9_223_372_036_854_775_807_i64),
        json!(""),
        json!("x"),
        json!("s3://é%/../%zz?versionId="),
        json!("sha256:"),
        json!("arn:::"),
        json!([]),
        json!([[], {}, null, "x"]),
        json!({}),
        json!({"key": {"key": null}}),
    ];
    for input in inputs() {
        for document in values_of(&input.text) {
            for pointer in pointers(&document) {
                for replacement in &replacements {
                    let mut mutant = document.clone();
                    *mutant.pointer_mut(&pointer).expect("a pointer into the document") = replacement.clone();
                    decode_by_all(&mutant);
                }
            }
        }
    }
}

#[test]
fn every_key_may_be_absent() {
    for input in inputs() {
        for document in values_of(&input.text) {
            for pointer in pointers(&document) {
                let Some((parent, key)) = pointer.rsplit_once('/') else { continue };
                let key = key.replace("~1", "/").replace("~0", "~");
                let mut mutant = document.clone();
                if let Some(Value::Object(map)) = mutant.pointer_mut(parent) {
                    map.remove(&key);
                }
                decode_by_all(&mutant);
            }
        }
    }
}

#[test]
fn errors_say_where_and_never_what() {
    let secret = "hunter2-not-to-be-printed";
    for input in inputs() {
        for document in values_of(&input.text) {
            for pointer in pointers(&document) {
                let mut mutant = document.clone();
                *mutant.pointer_mut(&pointer).expect("a pointer into the document") = json!([secret]);
                for format in formats::all() {
                    if let Err(e) = decode(FormatChoice::Named(*format), &mutant, "") {
                        assert!(!format!("{e} {e:?}").contains(secret), "{}", input.path.display());
                    }
                }
            }
        }
    }
}

#[test]
fn large_documents_take_time_in_proportion() {
    let column = |i: usize| {
        let source = json!({"namespace": "s3://lake", "name": format!("in/{i}"), "field": "a"});
        (format!("c{i}"), json!({"inputFields": [source]}))
    };
    let datasets = |prefix: &str| -> Vec<Value> {
        let facets =
            json!({"version": {"datasetVersion": "1"}, "lineward_model": {"role": "model", "baseModel": "a/b"}});
        (0..20_000)
            .map(|i| json!({"namespace": "s3://lake", "name": format!("{prefix}/{i}"), "facets": facets}))
            .collect()
    };
    let fields: serde_json::Map<_, _> = (0..20_000).map(column).collect();
    let mut outputs = datasets("out");
    outputs[0]["facets"]["columnLineage"] = json!({"fields": fields});
    let document = json!({
        "eventType": "COMPLETE", "run": {"runId": "r"}, "job": {"namespace": "n", "name": "j"},
        "inputs": datasets("in"), "outputs": outputs,
    });
    let start = Instant::now();
    decoded(&document).expect("a large event is an event");
    // Takes some 0.1 s; anything that compares all pairs takes minutes.
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn names_that_are_no_names_are_refused() {
    let long = "n".repeat(5000);
    let file = json!({"s3Bucket": {"name": "b"}, "s3Object": {"key": long}});
    for document in [
        json!({"eventTime": "2026-05-04", "dataset": {"namespace": "n", "name": long}}),
        json!({"type": "SensitiveData:S3Object/Personal", "resourcesAffected": file}),
        json!({"Operation": "DLPRuleMatch", "RecordType": 11, "SharePointMetaData": {"FilePathUrl": long}}),
        json!({"lineward": "scan", "version": 1, "scan_id": "s", "scanned_at": "2026-05-04",
            "asset": {"type": "file", "namespace": "file", "name": long}}),
    ] {
        let error = decoded(&document).expect_err("the name is too long");
        assert_eq!(error.reason.as_str(), "invalid_field");
    }
}

#[test]
fn texts_that_every_statement_repeats_are_bounded() {
    let long = "n".repeat(5000);
    let s3 = json!({"s3Bucket": {"name": "b"}, "s3Object": {"key": "k"}});
    let macie = "SensitiveData:S3Object/Personal";
    let found = json!([{"SensitiveInformationTypeName": "U.S. Social Security Number (SSN)", "Count": 1}]);
    let rule =
        |name: &str| json!([{"Rules": [{"RuleName": name, "ConditionsMatched": {"SensitiveInformation": found}}]}]);
    let scanned = json!({"type": "file", "namespace": "file", "name": "n"});
    let event = |text: &str| {
        [
            json!({"eventTime": "2026-05-04",
                "dataset": {"namespace": "n", "name": "n", "facets": {"version": {"datasetVersion": text}}}}),
            json!({"type": macie, "resourcesAffected": s3, "classificationDetails": {"jobId": text}}),
            json!({"Operation": "DLPRuleMatch", "RecordType": 11, "PolicyDetails": rule(text),
                "SharePointMetaData": {"FilePathUrl": "https://a.example/b"}}),
            json!({"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "userIdentity": {"arn": text}}),
            json!({"eventSource": "s3.amazonaws.com", "eventName": "GetObject",
                "userIdentity": {"sessionContext": {"sessionIssuer": {"arn": text}}}}),
            json!({"lineward": "scan", "version": 1, "scan_id": "s", "scanned_at": "2026-05-04", "ruleset": text,
                "asset": scanned}),
            json!({"eventTime": "2026-05-04", "dataset": {"namespace": "n", "name": "n", "facets": {"columnLineage":
                {"fields": {"f": {"inputFields": [{"namespace": "n", "name": "n", "field": text}]}}}}}}),
            json!({"eventTime": "2026-05-04", "run": {"runId": "r"}, "job": {"namespace": "n", "name": "n"},
                "outputs": [{"namespace": "n", "name": "n", "facets": {"lineage":
                    {"inputs": [{"namespace": "n", "name": text}]}}}]}),
            json!({"eventTime": "2026-05-04", "job": {"namespace": "n", "name": "n", "facets": {"lineage":
                {"entries": [{"namespace": text, "name": "n", "type": "DATASET", "inputs": []}]}}}}),
        ]
    };
    for document in event("short") {
        assert!(decoded(&document).is_ok(), "{document}");
    }
    for document in event(&long) {
        let error = decoded(&document).expect_err("the text is too long");
        assert_eq!(error.reason.as_str(), "invalid_field");
    }
}

/// Decodes by recognition and by every format by name, as a user may force a wrong one.
fn decode_by_all(document: &Value) {
    let _ = decoded(document);
    for format in formats::all() {
        let _ = decode(FormatChoice::Named(*format), document, "");
    }
}

/// JSON pointers to every value of a document but itself.
fn pointers(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(document, "", &mut found);
    found
}

fn collect(value: &Value, place: &str, found: &mut Vec<String>) {
    let mut visit = |key: String, child: &Value| {
        let place = format!("{place}/{key}");
        collect(child, &place, found);
        found.push(place);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| visit(k.replace('~', "~0").replace('/', "~1"), v)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| visit(i.to_string(), v)),
        _ => {}
    }
}

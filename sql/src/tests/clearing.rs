//! Clearing, from OpenLineage events with masking transformations to what `effective_tags`, `exposure` and
//! `models_trained_on` say.

use super::{RECEIVED_AT, incoming, rows, writer_at};
use crate::LinewardSession;
use lineward_events::documents;
use lineward_store::{Batch, Incoming, POLICY_SOURCE};
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000_000;

/// One run that writes `output` from `input`, column by column: source field, subtype, masking, description.
pub(super) fn run(id: &str, at: &str, input: &str, output: &str, columns: &[(&str, &str, bool, &str)]) -> Value {
    let dataset = |name: &str| json!({ "namespace": "s3://ward", "name": name });
    let fields: serde_json::Map<String, Value> = columns
        .iter()
        .map(|(field, subtype, masking, description)| {
            let kind = if *subtype == "FILTER" { "INDIRECT" } else { "DIRECT" };
            let how = json!({ "type": kind, "subtype": subtype, "masking": masking, "description": description });
            let source = json!({ "namespace": "s3://ward", "name": input, "field": field, "transformations": [how] });
            (format!("{field}_{}", subtype.to_lowercase()), json!({ "inputFields": [source] }))
        })
        .collect();
    // Named, so that two runs write one version and not two.
    let mut written = dataset(output);
    written["facets"] = json!({ "version": { "datasetVersion": "v1" } });
    if !columns.is_empty() {
        written["facets"]["columnLineage"] = json!({ "fields": fields });
    }
    json!({
        "eventType": "COMPLETE", "eventTime": at, "producer": "https://example.org/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": { "runId": id }, "job": { "namespace": "spark", "name": format!("make-{output}") },
        "inputs": [dataset(input)], "outputs": [written],
    })
}

fn training(id: &str, at: &str, input: &str, model: &str) -> Value {
    let mut event = run(id, at, input, "unused", &[]);
    event["job"] = json!({ "namespace": "spark", "name": id, "facets": { "jobType": { "jobType": "TRAINING",
        "integration": "PYTHON", "processingType": "BATCH" } } });
    event["outputs"] = json!([{ "namespace": "mlflow://ward", "name": model,
        "facets": { "version": { "datasetVersion": "1" } } }]);
    event
}

pub(super) fn scan(id: &str, at: &str, name: &str, found: &[(&str, &str)]) -> Value {
    let findings: Vec<Value> = found
        .iter()
        .map(|(field, entity)| {
            json!({ "field": field, "entity": entity, "categories": ["pii"], "detector": entity.to_lowercase(),
                "match_count": 3, "confidence": 0.9, "coverage": 1.0 })
        })
        .collect();
    json!({ "lineward": "scan", "version": 1, "scan_id": id, "scanned_at": at,
        "asset": { "type": "dataset", "namespace": "s3://ward", "name": name },
        "files": [{ "findings": findings }] })
}

pub(super) fn policy(name: &str, rule: Value) -> Value {
    let mut rule = rule;
    rule["name"] = name.into();
    json!({ "lineward": "policy", "version": 1, "declared_at": "2026-02-01T00:00:00Z", "clearing": [rule] })
}

pub(super) fn hashed() -> Value {
    json!({ "clears": ["US_SSN"], "transformation": { "subtype": "TRANSFORMATION", "description": "hmac*" },
        "beside": ["visit"] })
}

pub(super) const HMAC: (&str, &str, bool, &str) = ("ssn", "TRANSFORMATION", true, "hmac-sha256 with a secret salt");
pub(super) const VISIT: (&str, &str, bool, &str) = ("visit", "IDENTITY", false, "");

/// What happened: `patients` with social security numbers, and what was made of it.
pub(super) fn estate() -> Vec<Value> {
    let at = |hour: usize| format!("2026-01-10T{hour:02}:00:00Z");
    vec![
        scan("scan-1", &at(0), "patients", &[("ssn", "US_SSN")]),
        // Masked as the policy lists it, and clean.
        run("r-clean", &at(1), "patients", "clean", &[HMAC, VISIT, ("visit", "FILTER", false, "")]),
        scan("scan-2", &at(2), "clean", &[]),
        // Masked as listed, and numbers are there all the same.
        run("r-leaky", &at(1), "patients", "leaky", &[HMAC]),
        scan("scan-3", &at(2), "leaky", &[("note", "US_SSN")]),
        // Masked in a way that no policy lists; not masked at all; a column beside it that nobody vouches for.
        run("r-rot13", &at(1), "patients", "rot13", &[("ssn", "TRANSFORMATION", true, "rot13")]),
        run("r-plain", &at(1), "patients", "plain", &[("ssn", "TRANSFORMATION", false, "hmac-sha256, they say")]),
        run("r-beside", &at(1), "patients", "beside", &[HMAC, ("note", "IDENTITY", false, "")]),
        // Only a condition: nothing says how the values came.
        run("r-filter", &at(1), "patients", "filter", &[("ssn", "FILTER", true, "hmac")]),
        // Two ways, of which one is not cleared.
        run("r-two-a", &at(3), "clean", "two", &[VISIT]),
        run("r-two-b", &at(3), "plain", "two", &[("ssn", "IDENTITY", false, "")]),
        training("r-m1", &at(4), "clean", "m-clean"),
        training("r-m2", &at(4), "leaky", "m-leaky"),
        training("r-m3", &at(4), "two", "m-two"),
        training("r-m4", &at(4), "rot13", "m-rot13"),
    ]
}

pub(super) struct Ward {
    _place: tempfile::TempDir,
    uri: String,
    received: i64,
}

impl Ward {
    pub(super) async fn new(events: Vec<Value>) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let uri = place.path().join("store").to_string_lossy().into_owned();
        let mut ward = Self { _place: place, uri, received: RECEIVED_AT };
        ward.say(events, "file").await;
        ward
    }

    /// Events of a source, received an hour after the last ones.
    pub(super) async fn say(&mut self, events: Vec<Value>, source: &str) {
        self.received += HOUR;
        let incoming = |event: Value| -> Incoming {
            let text = event.to_string();
            let mut found = documents(text.as_bytes()).expect("documents");
            let mut event = incoming(&found.remove(0).expect("a document"), 0, self.received);
            event.row.source = source.to_owned();
            event
        };
        let events = events.into_iter().map(incoming).collect();
        let batch = Batch { events, writer: "test".into(), received_at: self.received, ..Batch::default() };
        writer_at(&self.uri).await.commit(batch).await.expect("committed");
    }

    pub(super) async fn ask(&self, sql: &str) -> Vec<String> {
        rows(&LinewardSession::open(&self.uri).await.expect("a session"), sql).await.expect(sql)
    }

    /// What happened to the tag in each data set.
    async fn tags(&self) -> Vec<String> {
        self.ask(
            "SELECT name, CASE WHEN array_has(contradicted, 'PII.US_SSN') THEN 'contradicted'
                WHEN array_has(own, 'PII.US_SSN') THEN 'own' WHEN array_has(inherited, 'PII.US_SSN') THEN 'inherited'
                WHEN array_has(cleared, 'PII.US_SSN') THEN 'cleared' END
             FROM effective_tags WHERE asset_type = 'DATASET' ORDER BY name",
        )
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn masking_clears_what_a_policy_lists_and_nothing_else() {
    let mut ward = Ward::new(estate()).await;
    // Without a policy nothing is cleared, whatever producers say of masking.
    let before = ward.tags().await;
    assert!(before.iter().all(|row| row.ends_with("own") || row.ends_with("inherited")), "{before:?}");
    ward.say(vec![policy("hashed", hashed())], POLICY_SOURCE).await;
    assert_eq!(
        ward.tags().await,
        [
            "beside | inherited",
            "clean | cleared",
            "filter | inherited",
            "leaky | contradicted",
            "patients | own",
            "plain | inherited",
            "rot13 | inherited",
            "two | inherited",
        ]
    );
    let models = "SELECT model_name, status FROM models_trained_on('US_SSN') ORDER BY model_name";
    assert_eq!(ward.ask(models).await, ["m-leaky | contradicted", "m-rot13 | inherited", "m-two | inherited"]);
    // The family goes with its only member.
    assert_eq!(ward.ask(&models.replace("US_SSN", "PII")).await.len(), 3);
    let exposure =
        "SELECT name, status FROM exposure('US_SSN') WHERE status IN ('cleared', 'contradicted') ORDER BY name";
    assert_eq!(
        ward.ask(exposure).await,
        ["clean | cleared", "leaky | contradicted", "m-clean | cleared", "m-leaky | contradicted"]
    );
    let policies = "SELECT name, version, effect, tags, applies_to FROM policies";
    assert_eq!(ward.ask(policies).await, ["hashed | 1 | CLEAR | [US_SSN] | *"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_counts_from_whom_for_what_and_when_it_says() {
    // Sent with the events of others it is kept and does nothing: who may send events may not clear them.
    let mut ward = Ward::new(estate()).await;
    ward.say(vec![policy("hashed", hashed())], "kafka").await;
    assert_eq!(ward.ask("SELECT count(*) FROM policies").await, ["0"]);
    assert_eq!(ward.ask("SELECT count(*) FROM events WHERE event_kind = 'policy'").await, ["1"]);
    let cleared = |rows: Vec<String>| rows.iter().filter(|row| row.ends_with("cleared")).count();
    for (rule, expected) in [
        (json!({ "valid_from": "2026-01-11T00:00:00Z" }), 0),
        (json!({ "job": "airflow/*" }), 0),
        (json!({ "job": "spark/make-clean" }), 1),
        // What was made before goes by the one before.
        (json!({ "valid_from": "2026-01-11T00:00:00Z" }), 1),
        (json!({ "valid_from": "2026-01-01T00:00:00Z" }), 1),
        (json!({ "valid_to": "2026-01-10T00:30:00Z" }), 0),
        (json!({ "clears": ["EMAIL_ADDRESS"] }), 0),
        (json!({ "clears": ["PII"] }), 1),
        (json!({ "beside": [] }), 0),
    ] {
        let mut all = hashed();
        rule.as_object().expect("a rule").iter().for_each(|(key, value)| all[key] = value.clone());
        ward.say(vec![policy("hashed", all)], POLICY_SOURCE).await;
        assert_eq!(cleared(ward.tags().await), expected, "{rule}");
    }
    // Projected again from the log the same policies hold.
    let versions = ward.ask("SELECT max(version), count(*) FROM policies").await;
    assert_eq!(versions, ["9 | 9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_policy_changes_what_is_known_not_what_was() {
    let mut ward = Ward::new(estate()).await;
    let before = ward.received;
    ward.say(vec![policy("hashed", hashed())], POLICY_SOURCE).await;
    let session = LinewardSession::open(&ward.uri).await.expect("a session");
    let cleared = "SELECT name FROM effective_tags WHERE array_has(cleared, 'PII.US_SSN') AND asset_type = 'DATASET'
        ORDER BY name";
    assert_eq!(rows(&session, cleared).await.expect("an answer"), ["clean", "leaky"]);
    let at = chrono::DateTime::from_timestamp_micros(before).expect("a time").to_rfc3339();
    rows(&session, &format!("SET lineward.recorded_as_of = '{at}'")).await.expect("set");
    assert_eq!(rows(&session, cleared).await.expect("an answer"), [""; 0]);
}

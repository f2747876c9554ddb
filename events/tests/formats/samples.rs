//! Recorded events of real producers, where they are present beside the project; otherwise a test says so and skips.
//! They are third-party data and stay where they are.

use crate::{decoded, files_in};
use lineward_events::{
    Access, AccessAction, AssetType, DataFinding, DeclaredSources, EdgeType, Event, EventKind, Evidence, Inputs, Link,
    RunInfo, RunState, Statement, documents,
};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder or file below the sample data, or nothing (and a word on why) where it is absent.
fn sample(path: &str) -> Option<PathBuf> {
    let path = Path::new("../../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    // The harness shows what a test writes to its captured output only through this macro.
    #[allow(clippy::print_stderr)]
    {
        eprintln!("skipped: no sample data at {}", path.display());
    }
    None
}

/// The documents of a file of one JSON document, or of one a line; `part` is the key below which each has its event.
fn documents_of(path: &Path, part: Option<&str>) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a sample is readable");
    let records: Vec<&str> = match path.extension().and_then(|e| e.to_str()) {
        Some("ndjson" | "jsonl") => text.lines().collect(),
        _ => vec![&text],
    };
    let found = records.into_iter().flat_map(|record| documents(record.as_bytes()).expect("a sample is JSON"));
    let found = found.map(|document| document.expect("a sample holds objects").value);
    found.filter_map(|document| part.map_or(Some(document.clone()), |p| document.get(p).cloned())).collect()
}

fn events_of(path: &Path, part: Option<&str>) -> Vec<Event> {
    let decode = |d: &Value| decoded(d).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    documents_of(path, part).iter().map(decode).collect()
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in files_in(folder) {
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

fn run_of(event: &Event) -> &RunInfo {
    let run = event.statements.iter().find_map(|s| if let Statement::Run(run) = s { Some(run) } else { None });
    run.unwrap_or_else(|| panic!("{:?} has no run", event.event_type))
}

fn findings_of(event: &Event) -> Vec<&DataFinding> {
    event.statements.iter().filter_map(|s| if let Statement::Finding(f) = s { Some(f) } else { None }).collect()
}

fn links_of(event: &Event) -> Vec<&Link> {
    event.statements.iter().filter_map(|s| if let Statement::Link(link) = s { Some(link) } else { None }).collect()
}

fn accesses_of(event: &Event) -> Vec<&Access> {
    event.statements.iter().filter_map(|s| if let Statement::Access(a) = s { Some(a) } else { None }).collect()
}

#[test]
fn openlineage_consumer_events_decode() {
    let Some(folder) = sample("lineage/openlineage/compatibility-tests/consumer/scenarios") else { return };
    let mut paths = Vec::new();
    below(&folder, &mut paths);
    paths.retain(|path| path.parent().is_some_and(|folder| folder.ends_with("events")));
    assert!(paths.len() >= 50, "{} events", paths.len());
    let mut columns = 0;
    for path in &paths {
        for (event, document) in events_of(path, None).iter().zip(documents_of(path, None)) {
            assert_eq!((event.format, event.kind), ("openlineage", EventKind::Run), "{}", path.display());
            assert!(event.event_time.is_some(), "{}", path.display());
            let run = run_of(event);
            let count = |key: &str| document[key].as_array().map_or(0, Vec::len);
            assert_eq!(
                (run.inputs.len(), run.outputs.len()),
                (count("inputs"), count("outputs")),
                "{}",
                path.display()
            );
            assert_eq!(run.inputs_known == Inputs::Declared, document.get("inputs").is_some(), "{}", path.display());
            columns += run.columns.len();
        }
    }
    assert!(columns > 0, "some events have column lineage");
}

#[test]
fn openlineage_fixtures_decode() {
    let Some(folder) = sample("lineage/openlineage/integration-fixtures") else { return };
    let (mut plain, mut templates) = (0, 0);
    for path in files_in(&folder) {
        let text = fs::read_to_string(&path).expect("a fixture is readable");
        let is_template = text.contains("{{") || text.contains("{%");
        // Expectations of container tests leave out parts: without a job's name they are no events, without a run's
        // id they are errors. What templates put into a field is not known here.
        for document in documents_of(&path, None) {
            match decoded(&document) {
                Ok(event) if event.format == "openlineage" && is_template => templates += 1,
                Ok(event) if event.format == "openlineage" => plain += 1,
                Ok(_) => assert_eq!(document.pointer("/job/name"), None, "{}", path.display()),
                Err(_) => assert_eq!(document.pointer("/run/runId"), None, "{}", path.display()),
            }
        }
    }
    assert!(plain >= 5 && templates >= 300, "{plain} events and {templates} templates of events");
}

#[test]
fn marquez_events_decode() {
    let Some(path) = sample("lineage/marquez/metadata.template.json") else { return };
    let events = events_of(&path, None);
    assert!(events.len() >= 20);
    // Their times are templates that the loader fills: no time is no reason to lose the event.
    assert!(events.iter().all(|e| e.format == "openlineage" && e.run_id.is_some() && e.event_time.is_none()));
}

#[test]
fn facet_examples_of_the_specification_decode_on_a_data_set() {
    let Some(folder) = sample("lineage/openlineage/spec-tests") else { return };
    let mut paths = Vec::new();
    below(&folder, &mut paths);
    for path in paths {
        let facets = documents_of(&path, None).remove(0);
        if facets.pointer("/lineage/entries").is_some() {
            of_a_job(&path, &facets);
            continue;
        }
        let event = serde_json::json!({
            "eventTime": "2026-05-04T03:02:01Z", "producer": "p",
            "dataset": {"namespace": "s3://lake", "name": "notes", "facets": facets},
        });
        let event = decoded(&event).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(matches!(event.statements[0], Statement::Asset(_)), "{}", path.display());
        if path.to_string_lossy().contains("SymlinksDatasetFacet") {
            assert!(event.statements.iter().any(|s| matches!(s, Statement::Alias(..))));
        }
        if path.to_string_lossy().contains("ColumnLineageDatasetFacet") {
            let said = sources_of(&event).unwrap_or_else(|| panic!("{}", path.display()));
            assert_eq!(said.evidence, Evidence::Column);
            assert!(!said.sources.inputs.is_empty(), "{}", path.display());
        }
    }
}

fn sources_of(event: &Event) -> Option<&DeclaredSources> {
    event.statements.iter().find_map(|s| if let Statement::Sources(said) = s { Some(&**said) } else { None })
}

/// Every example of the lineage facet of a job says something of a run of the job that it names.
fn of_a_job(path: &Path, facets: &serde_json::Value) {
    let event = serde_json::json!({
        "eventTime": "2026-05-04T03:02:01Z", "eventType": "COMPLETE", "producer": "p",
        "run": {"runId": "605f451b-c768-4c77-9ff4-8501f6324513"},
        "job": {"namespace": "airflow://production", "name": "daily.load", "facets": facets},
    });
    let event = decoded(&event).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let run = run_of(&event);
    let name = path.file_stem().expect("a name").to_string_lossy();
    // What another job hands on is not known; what this one generates comes from nothing.
    let expected = match &*name {
        "dataset-to-job" | "implicit-job" => (1, 0, 0),
        "generator" => (0, 1, 1),
        "job-to-dataset" => (0, 1, 0),
        "job-to-job" => (0, 0, 0),
        "mixed-sources" => (1, 1, 0),
        other => panic!("{other} is new"),
    };
    assert_eq!((run.inputs.len(), run.outputs.len(), run.sources.len()), expected, "{name}");
    assert_eq!(run.inputs_known == Inputs::Declared, name == "generator", "{name}");
}

#[test]
fn the_recorded_training_job_is_a_gap_with_a_hint() {
    let Some(path) = sample("events/cloudtrail/sagemaker_createtrainingjob_real.json") else { return };
    let event = events_of(&path, None).remove(0);
    assert_eq!((event.format, event.kind), ("cloudtrail", EventKind::Run));
    let run = run_of(&event);
    assert_eq!((run.state, run.inputs_known), (RunState::Start, Inputs::Unknown));
    assert!(run.run_id.starts_with("arn:aws:sagemaker:"));
    assert!(run.job.namespace.starts_with("sagemaker://eu-central-1/"));
    let [hint] = run.inputs.as_slice() else { panic!("{} hints", run.inputs.len()) };
    assert_eq!((hint.evidence, hint.context.as_deref()), (Evidence::Declared, Some("environment")));
    assert!(hint.asset.name.starts_with("curated/_versions/") && hint.asset.asset_type == AssetType::File);
    let [output] = run.outputs.as_slice() else { panic!("{} outputs", run.outputs.len()) };
    assert!(output.asset.asset_type == AssetType::Model && output.asset.name.ends_with("/output/model.tar.gz"));
    assert!(run.image.as_deref().is_some_and(|image| image.contains("@sha256:")));
    assert_eq!(run.principal, run.params.get("roleArn").cloned());
    assert_ne!(run.principal, event.principal, "the caller is not the role of the job");
}

#[test]
fn documented_sagemaker_events_decode() {
    let Some(path) = sample("events/cloudtrail/aws_sagemaker_doc_events.ndjson") else { return };
    let events = events_of(&path, Some("event"));
    assert!(events.iter().all(|e| e.format == "cloudtrail" && e.event_time.is_some()));
    let of = |kind: &str| events.iter().find(|e| e.event_type.as_deref() == Some(kind)).expect("a documented event");

    let run = run_of(of("SageMaker Training Job State Change"));
    assert_eq!((run.state, run.inputs_known), (RunState::Complete, Inputs::Declared));
    assert_eq!(run.started_at, Some(1_583_831_889_050_000));
    assert_eq!(run.inputs[0].context.as_deref(), Some("training"));

    let package = links_of(of("SageMaker Model Package State Change"));
    assert_eq!(package[0].src.namespace, "s3://sagemaker-project-p-idy6c3e1fiqj");
    assert_eq!(
        package[0].dst.to_string(),
        "model:sagemaker://us-east-2/123456789012/model-package/versionedmp-p-idy6c3e1fiqj@2"
    );

    for kind in ["SageMaker Endpoint State Change", "CreateEndpoint"] {
        assert_eq!(links_of(of(kind))[0].edge_type, EdgeType::DeployedAs, "{kind}");
    }
    let model = of("CreateModel");
    assert!(matches!(&model.statements[..], [Statement::Asset(a)] if a.name == "model/ExampleModel"));
    assert_eq!(of("SageMaker Image State Change").kind, EventKind::Audit);
}

#[test]
fn recorded_cloudtrail_events_decode() {
    for (path, part) in [
        ("events/cloudtrail/stratus_detonation.ndjson", Some("event")),
        ("events/cloudtrail/aws_docs_cloudtrail_s3_events.ndjson", Some("event")),
        ("events/cloudtrail/otrf_ec2_proxy_s3_exfiltration.ndjson", None),
        ("events/panther/aws_cloudtrail.ndjson", Some("event")),
    ] {
        let Some(path) = sample(path) else { continue };
        let (documents, events) = (documents_of(&path, part), events_of(&path, part));
        for (document, event) in documents.iter().zip(&events) {
            // One that EventBridge delivers is in its `detail`.
            let is_wrapped = document["detail-type"].as_str().is_some_and(|kind| kind.ends_with(" via CloudTrail"));
            let document = if is_wrapped { &document["detail"] } else { document };
            let source = document["eventSource"].as_str().unwrap_or_default();
            let record = source.ends_with(".amazonaws.com") && document["eventName"].is_string();
            assert_eq!(event.format == "cloudtrail", record, "{}: {source}", path.display());
            // What failed makes no lineage.
            if document["errorCode"].is_string() {
                assert!(event.statements.iter().all(|s| matches!(s, Statement::Access(a) if a.error_code.is_some())));
            }
        }
        assert!(events.iter().any(|e| e.format == "cloudtrail"), "{}", path.display());
    }
}

#[test]
fn recorded_s3_accesses_name_object_bytes_and_role() {
    let Some(path) = sample("events/cloudtrail/otrf_ec2_proxy_s3_exfiltration.ndjson") else { return };
    let events = events_of(&path, None);
    let reads: Vec<&Access> = events.iter().flat_map(accesses_of).filter(|a| a.action == AccessAction::Read).collect();
    assert_eq!(reads.len(), 2);
    assert_eq!((reads[0].asset.name.as_str(), reads[0].bytes), ("ring.txt", Some(89)));
    assert!(reads[0].role.as_deref().is_some_and(|role| role.contains(":role/")));
    let lists = events.iter().flat_map(accesses_of).filter(|a| a.action == AccessAction::List);
    assert_eq!(lists.count(), 7);
}

#[test]
fn recorded_macie_findings_decode() {
    let Some(path) = sample("events/dlp/macie_get_findings.json") else { return };
    for event in events_of(&path, Some("EntityResult")) {
        assert_eq!((event.format, event.kind), ("macie", EventKind::Dlp));
        assert!(event.event_time.is_some(), "a time with a blank and an offset");
        let findings = findings_of(&event);
        assert_eq!(findings[0].entity, "PERSON");
        assert_eq!(findings[0].categories, ["pii"]);
        assert_eq!(findings[0].asset.to_string(), "file:s3://testsiemplify2/Full name.xlsx");
    }
    let Some(path) = sample("events/dlp/macie_list_findings.json") else { return };
    assert!(events_of(&path, None).iter().all(|e| e.format == "macie" && !findings_of(e).is_empty()));
}

#[test]
fn recorded_purview_matches_decode() {
    let Some(path) = sample("events/dlp/m365_dlprulematch.ndjson") else { return };
    let events = events_of(&path, None);
    assert!(events.iter().all(|e| (e.format, e.kind) == ("purview", EventKind::Dlp)));
    let entities: Vec<_> = findings_of(&events[1]).iter().map(|f| (f.entity.as_str(), f.match_count)).collect();
    assert_eq!(entities, [("CREDIT_CARD", 12), ("ABA_ROUTING_NUMBER", 1)]);
    let finding = findings_of(&events[1])[0];
    assert!((finding.confidence - 0.85).abs() < 1e-6);
    assert!(finding.asset.name.ends_with("Customers Financial Data Copy.docx"), "escapes are decoded");
    assert_eq!(finding.severity.as_deref(), Some("High"));
}

#[test]
fn recorded_mlflow_documents_decode() {
    let Some(folder) = sample("events/mlflow") else { return };
    for path in [folder.join("runs_get.ndjson"), folder.join("run_proto_with_inputs.json")] {
        let events = events_of(&path, None);
        let run = run_of(&events[0]);
        assert_eq!((run.state, run.inputs_known), (RunState::Complete, Inputs::Declared));
        let contexts: Vec<_> = run.inputs.iter().map(|io| io.context.as_deref().unwrap_or_default()).collect();
        assert_eq!(contexts, ["training", "validation", "training", "training", "base_model"]);
        assert_eq!(run.inputs[0].asset.to_string(), "file:s3://corp-train/support/2026-08/tickets.parquet@e0596627");
        assert_eq!((run.inputs[0].asset.row_count, run.inputs[0].asset.fields.len()), (Some(2), 3));
        assert_eq!(run.inputs[3].asset.to_string(), "dataset:s3://lake/gold/claims@42");
        assert_eq!(run.inputs[4].asset.to_string(), "model:hf://huggingface.co/meta-llama/Llama-3.2-1B");
        if let Some(bare) = events.get(1) {
            let run = run_of(bare);
            assert_eq!((run.inputs_known, run.inputs.len()), (Inputs::Unknown, 1));
            assert_eq!(run.inputs[0].evidence, Evidence::Declared);
        }
    }
    let version = events_of(&folder.join("model_version.json"), None).remove(0);
    assert_eq!(run_of(&version).outputs[0].asset.to_string(), "model:mlflow://default/support-assistant@1");
    assert_eq!(links_of(&version)[0].src.name, "models/m-34838c5b65fe4fde90f3d9bb0d109a0f");
    let logged = events_of(&folder.join("logged_model.json"), None).remove(0);
    assert_eq!(run_of(&logged).outputs[0].asset, links_of(&version)[0].src);
    for name in ["registered_model.json", "webhook_payload_examples.json", "trace.json"] {
        events_of(&folder.join(name), None);
    }
}

#[test]
fn recorded_mlflow_traffic_decodes() {
    let Some(folder) = sample("lineage/mlflow") else { return };
    let webhooks = events_of(&folder.join("webhook_deliveries_mlflow-3.17.2.jsonl"), Some("body"));
    assert!(!webhooks.is_empty() && webhooks.iter().all(|e| e.format == "mlflow" && !e.statements.is_empty()));
    let answers = events_of(&folder.join("rest_session_mlflow-3.17.2.jsonl"), Some("response"));
    let runs = answers.iter().filter(|e| e.format == "mlflow" && e.kind == EventKind::Run);
    let most = runs.map(|e| run_of(e).inputs.len()).max();
    assert!(most >= Some(4), "three data sets and a base model");
}

#[test]
fn events_of_other_products_are_kept_as_unknown() {
    let Some(folder) = sample("events/panther") else { return };
    for path in files_in(&folder) {
        for event in events_of(&path, Some("event")) {
            let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
            assert!(event.format == "unknown" || name.contains("cloudtrail"), "{name}: {}", event.format);
        }
    }
}

//! The formats of others over the estate of the `.slt` files.

use super::Form;
use crate::LinewardSession;
use crate::picture::Ways;
use crate::tests::{RECEIVED_AT, estate, incoming, rows, writer_at};
use lineward_events::{FormatChoice, Statement, canonical_json, decode, documents};
use lineward_store::Batch;
use serde_json::Value;
use std::collections::BTreeSet;

async fn export(form: Form, asset: &str) -> Vec<Value> {
    let (_place, session) = estate().await;
    session.export(form, asset).await.expect("an export")
}

#[tokio::test(flavor = "multi_thread")]
async fn prov_names_every_end_of_every_relation() {
    let document = export(Form::Prov, "triage@1").await.remove(0);
    let ids = |part: &str| document[part].as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let (entities, activities) = (ids("entity"), ids("activity"));
    assert_eq!(activities.len(), 2, "the tuning and the training before it");
    let mut relations = 0;
    for (part, key, known) in [
        ("used", "prov:entity", &entities),
        ("used", "prov:activity", &activities),
        ("wasGeneratedBy", "prov:entity", &entities),
        ("wasGeneratedBy", "prov:activity", &activities),
        ("wasDerivedFrom", "prov:usedEntity", &entities),
        ("wasDerivedFrom", "prov:generatedEntity", &entities),
    ] {
        for relation in document[part].as_object().expect("an object").values() {
            let end = relation[key].as_str().expect("an end").to_owned();
            assert!(known.contains(&end), "{part} {end}");
            relations += 1;
        }
    }
    assert!(relations > 10, "{relations}");
    let summarizer =
        document["entity"].as_object().expect("entities").values().find(|e| e["lineward:name"] == "summarizer");
    assert!(summarizer.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn openlineage_events_are_read_back_with_the_same_inputs_and_outputs() {
    let events = export(Form::OpenLineage, "triage@1").await;
    let mut said = Vec::new();
    for event in &events {
        let payload = canonical_json(event);
        let decoded = decode(FormatChoice::Auto, event, &payload).expect("an event");
        assert_eq!(decoded.format, "openlineage");
        let run = decoded.statements.iter().find_map(|s| if let Statement::Run(run) = s { Some(run) } else { None });
        let run = run.expect("a run");
        let names = |ios: &[lineward_events::Io]| ios.iter().map(|io| io.asset.name.clone()).collect::<Vec<_>>();
        said.push(format!("{}: {:?} -> {:?}", run.run_id, names(&run.inputs), names(&run.outputs)));
    }
    assert_eq!(
        said,
        [
            "r-summarizer: [\"corpus/notes\"] -> [\"summarizer\"]",
            "r-triage: [\"corpus/manuals\", \"summarizer\"] -> [\"triage\"]",
        ]
    );
    // A run of unknown inputs keeps them unknown.
    let mystery = export(Form::OpenLineage, "mystery").await;
    assert!(mystery[0].get("inputs").is_none() && mystery[0]["outputs"][0]["name"] == "mystery");
}

/// What a run read, wrote and mapped is the same in a store that was filled from the export.
#[tokio::test(flavor = "multi_thread")]
async fn openlineage_makes_the_same_lineage_of_runs_again() {
    let (_place, session) = estate().await;
    let place = tempfile::tempdir().expect("a folder");
    let uri = place.path().join("copy").to_string_lossy().into_owned();
    let mut writer = writer_at(&uri).await;
    let mut batch = Batch { writer: "test".into(), received_at: RECEIVED_AT, ..Batch::default() };
    let mut keys = BTreeSet::new();
    for asset in ["model:mlflow://prod/*", "table:*", "dataset:s3://clinic/corpus/notes-clean"] {
        for event in session.export(Form::OpenLineage, asset).await.expect("an export") {
            let found = documents(event.to_string().as_bytes()).expect("documents").remove(0).expect("a document");
            let incoming = incoming(&found, batch.events.len() as i64, RECEIVED_AT);
            if keys.insert(incoming.row.event_key) {
                batch.events.push(incoming);
            }
        }
    }
    assert!(batch.events.len() >= 8, "{}", batch.events.len());
    writer.commit(batch).await.expect("committed");
    let copy = LinewardSession::open(&uri).await.expect("a session");
    let mut compared = 0;
    for query in [
        "SELECT DISTINCT m.name, m.version, u.via_run_id, u.edge_type FROM models AS m, upstream('model:mlflow://prod/triage', 1) AS u \
         WHERE m.name = 'triage' ORDER BY 1, 2, 3, 4",
        "SELECT seed, edge_type, asset_type, namespace, name, version, via_run_id FROM upstream('model:mlflow://prod/*', 1) \
         WHERE via_run_id IS NOT NULL ORDER BY 1, 2, 3, 4, 5, 6",
        "SELECT seed, edge_type, asset_type, namespace, name, version, via_run_id FROM upstream('dwh.mart.notes', 1) \
         WHERE via_run_id IS NOT NULL ORDER BY 1, 2, 3, 4, 5, 6",
        "SELECT seed, name, complete, gap_reason FROM upstream('model:mlflow://prod/mystery') ORDER BY 1, 2",
        "SELECT depth, name, field, type, subtype, masking, run_id, complete FROM column_upstream('dwh.mart.notes', '*') \
         ORDER BY 1, 2, 3, 4",
        "SELECT depth, name, field, type, subtype, masking, run_id, complete FROM column_upstream('dwh.staging.visits', 'patient') \
         ORDER BY 1, 2, 3, 4",
        "SELECT run_id, job_namespace, job_name, state, ended_at, inputs_known FROM runs WHERE run_id IN ('r-triage', 'r-mart', 'r-opaque')
         ORDER BY 1",
    ] {
        let (before, after) = (rows(&session, query).await.expect(query), rows(&copy, query).await.expect(query));
        assert_eq!(after, before, "{query}");
        assert!(!before.is_empty(), "{query}");
        compared += before.len();
    }
    assert!(compared > 15, "{compared}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_in_toto_statement_lists_training_data_with_its_hashes() {
    let statement = export(Form::InToto, "triage@1").await.remove(0);
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["subject"][0]["name"], "model:mlflow://prod/triage@1");
    let definition = &statement["predicate"]["buildDefinition"];
    let dependencies = definition["resolvedDependencies"].as_array().expect("a list");
    let notes = dependencies.iter().find(|d| d["uri"].as_str().is_some_and(|u| u.contains("/corpus/notes@")));
    assert_eq!(notes.expect("the data of the base model")["digest"]["sha256"], "a1".repeat(32));
    assert_eq!(definition["internalParameters"]["complete"], true);
    let mystery = export(Form::InToto, "mystery").await.remove(0);
    assert_eq!(mystery["predicate"]["buildDefinition"]["internalParameters"]["complete"], false);
}

/// Each version has what it came from and no more.
#[tokio::test(flavor = "multi_thread")]
async fn in_toto_statements_are_of_one_version_each() {
    let all = export(Form::InToto, "model:mlflow://prod/*").await;
    assert!(all.len() > 1, "{}", all.len());
    let run_of = |name: &str| {
        let of = all.iter().find(|s| s["subject"][0]["name"].as_str().is_some_and(|n| n.contains(name)));
        of.expect("a statement")["predicate"]["runDetails"]["metadata"]["invocationId"].clone()
    };
    assert_eq!((run_of("prod/triage@1"), run_of("prod/summarizer@1")), ("r-triage".into(), "r-summarizer".into()));
    for statement in &all {
        assert_eq!(statement["subject"].as_array().expect("a list").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_has_both_ways_and_every_hop_between() {
    let (_place, session) = estate().await;
    let picture = session.picture("summarizer", Ways { up: true, down: true }, None).await.expect("a picture");
    let at = |name: &str| picture.nodes.iter().find(|n| n.name == name).map(|n| n.level);
    assert_eq!((at("corpus/notes"), at("summarizer"), at("triage")), (Some(-1), Some(0), Some(1)));
    assert!(picture.links.iter().all(|l| l.src < picture.nodes.len() && l.dst < picture.nodes.len()));
    assert!(picture.complete);
    let up = session.picture("summarizer", Ways { up: true, down: false }, Some(1)).await.expect("a picture");
    assert!(!up.complete && up.nodes.iter().all(|n| n.level <= 0));
    let mystery = session.picture("mystery", Ways { up: true, down: false }, None).await.expect("a picture");
    assert!(!mystery.complete && mystery.nodes[0].gap.is_some());
}

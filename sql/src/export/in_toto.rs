//! An in-toto statement (v1) about a version, with SLSA provenance (v1): the run that made it is the
//! build, everything upstream its resolved dependencies. It is not signed; sign it with the tool of your choice.

use super::{Lineage, time};
use lineward_store::graph::Version;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/provenance/v1";

pub(super) fn statement(lineage: &Lineage<'_>) -> Value {
    let graph = lineage.view.graph();
    let subject: Vec<Value> = lineage.seeds.iter().map(|v| resource(lineage, *v, "name")).collect();
    let upstream = lineage.versions.iter().filter(|v| !lineage.seeds.contains(v));
    let dependencies: Vec<Value> = upstream.map(|v| resource(lineage, *v, "uri")).collect();
    let writes = |outputs: &BTreeSet<Version>| lineage.seeds.iter().any(|seed| outputs.contains(seed));
    let mut writers = lineage.runs.iter().filter(|(_, (_, outputs))| writes(outputs));
    // Of several the one that what it came from is known of.
    let made_by = writers.clone().find(|(_, (inputs, _))| !inputs.is_empty()).or_else(|| writers.next());
    let run = made_by.map(|(r, _)| graph.run(*r));
    let job = run.as_ref().and_then(|run| graph.job(run));
    let mut metadata = Map::new();
    if let Some(run) = &run {
        metadata.insert("invocationId".to_owned(), run.run_id.as_str().into());
        for (name, at) in [("startedOn", run.started_at), ("finishedOn", run.ended_at)] {
            if let Some(at) = at {
                metadata.insert(name.to_owned(), time(at).into());
            }
        }
    }
    let gaps = lineage.gaps();
    let builder =
        job.map_or("urn:lineward:unknown".to_owned(), |j| format!("urn:lineward:job:{}/{}", j.namespace, j.name));
    json!({
        "_type": STATEMENT,
        "subject": subject,
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:lineward:run:v1",
                "externalParameters": run.as_ref().map(|run| json!(run.params)).unwrap_or_else(|| json!({})),
                "internalParameters": { "complete": gaps.is_empty(), "gaps": gaps },
                "resolvedDependencies": dependencies,
            },
            "runDetails": { "builder": { "id": builder }, "metadata": metadata },
        },
    })
}

/// A resource descriptor. A version whose content nobody knows is identified by what it is called: its digest is one of
/// its name, under a name of its own, so that nobody takes it for one of its bytes.
fn resource(lineage: &Lineage<'_>, version: Version, called: &str) -> Value {
    let text = lineage.view.graph().text(version);
    let digest = match lineage.sha256(version) {
        Some(hash) => json!({ "sha256": hash }),
        None => json!({ "linewardName": super::hex(text.as_bytes()) }),
    };
    json!({ called: text, "digest": digest })
}

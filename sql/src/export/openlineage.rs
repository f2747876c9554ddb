//! OpenLineage 2-0-2: one `COMPLETE` event a run, with what it read and wrote of the lineage asked for. Links that no
//! run made have no run event; they are in the other formats.

use super::{Lineage, time};
use lineward_store::graph::Version;
use serde_json::{Value, json};

const PRODUCER: &str = concat!("urn:lineward:", env!("CARGO_PKG_VERSION"));
const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const VERSION_FACET: &str =
    "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet";

pub(super) fn events(lineage: &Lineage<'_>) -> Vec<Value> {
    let graph = lineage.view.graph();
    let mut events: Vec<(i64, Value)> = Vec::new();
    for (&r, (inputs, outputs)) in &lineage.runs {
        let run = graph.run(r);
        let at = run.ended_at.or(run.started_at).unwrap_or(run.recorded_at);
        let (namespace, name) = graph.job(&run).map_or(("unknown", "unknown"), |j| (&*j.namespace, &*j.name));
        // The states that mean an end keep their names; a run that has not ended says so.
        let state = match &*run.state {
            known @ ("START" | "RUNNING" | "COMPLETE" | "ABORT" | "FAIL") => known,
            _ => "OTHER",
        };
        let mut event = json!({
            "eventType": state,
            "eventTime": time(at),
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
            "run": { "runId": run.run_id },
            "job": { "namespace": namespace, "name": name },
            "outputs": outputs.iter().map(|v| dataset(lineage, *v)).collect::<Vec<_>>(),
        });
        // An absent list says that nobody knows; an empty one that there is none.
        if let (true, Some(map)) = (run.inputs_known || !inputs.is_empty(), event.as_object_mut()) {
            map.insert("inputs".to_owned(), inputs.iter().map(|v| dataset(lineage, *v)).collect());
        }
        events.push((at, event));
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(_, event)| event).collect()
}

fn dataset(lineage: &Lineage<'_>, version: Version) -> Value {
    let graph = lineage.view.graph();
    let asset = graph.asset(version);
    json!({
        "namespace": asset.namespace,
        "name": asset.name,
        "facets": {
            "version": {
                "_producer": PRODUCER,
                "_schemaURL": VERSION_FACET,
                "datasetVersion": graph.version_name(version),
            },
        },
    })
}

//! OpenLineage 2-0-2: one event a run, with what it read and wrote of the lineage asked for. What `lineward ingest` reads
//! back is the same lineage of runs: versions with their hashes, models as models, what an input was used for, fields, and
//! which came from which. Links that no run made (copies, members, declared bases) have no run event; they are in the other
//! formats.

use super::{Lineage, hex, time};
use lineward_store::graph::{Kind, Version};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::{Builder, Uuid};

const PRODUCER: &str = concat!("urn:lineward:", env!("CARGO_PKG_VERSION"));
const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
/// Where the facets of the specification are.
const FACETS: &str = "https://openlineage.io/spec/facets";

pub(super) fn events(lineage: &Lineage<'_>) -> Vec<Value> {
    let graph = lineage.view.graph();
    let flows = Flows::of(lineage);
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
            "run": named(&run.run_id),
            "job": { "namespace": namespace, "name": name },
            "outputs": outputs.iter().map(|v| output(lineage, *v, (r, inputs), &flows)).collect::<Vec<_>>(),
        });
        // An absent list says that nobody knows; an empty one that there is none.
        if let (true, Some(map)) = (run.inputs_known || !inputs.is_empty(), event.as_object_mut()) {
            map.insert("inputs".to_owned(), inputs.iter().map(|v| input(lineage, *v, r, &flows)).collect());
        }
        events.push((at, event));
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(_, event)| event).collect()
}

/// A run by its id. The specification wants a UUID: one is made of ids that are none (an ARN, a name), which a facet
/// keeps, so that the same run always has the same one.
fn named(run_id: &str) -> Value {
    if run_id.len() == 36 && Uuid::try_parse(run_id).is_ok() {
        return json!({ "runId": run_id });
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(run_id)[..16]);
    let made = Builder::from_custom_bytes(bytes).into_uuid();
    let own = facet("urn:lineward:facet:run:1", json!({ "runId": run_id }));
    json!({ "runId": made.to_string(), "facets": { "lineward_run": own } })
}

/// What the hops of runs say of their ends: found in one pass, since an export may be of very many.
struct Flows {
    /// What each version that a run wrote came from.
    sources: HashMap<(u32, Version), BTreeSet<Version>>,
    /// Whether a run did nothing but evaluate on a version that it read.
    only_evaluated: HashMap<(u32, Version), bool>,
}

impl Flows {
    fn of(lineage: &Lineage<'_>) -> Self {
        let mut flows = Self { sources: HashMap::new(), only_evaluated: HashMap::new() };
        for hop in &lineage.hops {
            let Some(run) = hop.run else { continue };
            flows.sources.entry((run, hop.dst)).or_default().insert(hop.src);
            *flows.only_evaluated.entry((run, hop.src)).or_insert(true) &= hop.edge_type.as_str() == "EVALUATED_ON";
        }
        flows
    }
}

/// An input with what it was used for, where that is told by the hops out of it.
fn input(lineage: &Lineage<'_>, version: Version, run: u32, flows: &Flows) -> Value {
    let mut said = dataset(lineage, version);
    if flows.only_evaluated.get(&(run, version)) == Some(&true) {
        said["inputFacets"] =
            json!({ "lineward_context": facet("urn:lineward:facet:context:1", json!({ "context": "evaluation" })) });
    }
    said
}

/// An output with the fields that its own came from, or what it came from where that is not all that the run read.
fn output(lineage: &Lineage<'_>, version: Version, (run, inputs): (u32, &BTreeSet<Version>), flows: &Flows) -> Value {
    let graph = lineage.view.graph();
    let mut said = dataset(lineage, version);
    let (mut fields, mut whole): (BTreeMap<&str, Vec<Value>>, Vec<Value>) = Default::default();
    let sources = lineage.view.column_sources(version, run);
    for source in &sources {
        let (asset, mapping) = (graph.asset(source.src), source.mapping);
        let how = json!({
            "type": &*mapping.mapping_type, "subtype": mapping.subtype.as_deref().unwrap_or_default(),
            "description": mapping.description.as_deref().unwrap_or_default(), "masking": mapping.masking,
        });
        let from = json!({
            "namespace": asset.namespace, "name": asset.name, "field": source.src_field, "transformations": [present(how)],
        });
        match source.dst_field {
            Some(field) => fields.entry(field).or_default().push(from),
            None => whole.push(from),
        }
    }
    if !sources.is_empty() {
        let fields: Map<String, Value> =
            fields.into_iter().map(|(field, from)| (field.to_owned(), json!({ "inputFields": from }))).collect();
        let schema = format!("{FACETS}/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet");
        said["facets"]["columnLineage"] = facet(&schema, json!({ "fields": fields, "dataset": whole }));
        return said;
    }
    let own = flows.sources.get(&(run, version)).cloned().unwrap_or_default();
    let known = graph.run(run).inputs_known || !own.is_empty();
    if known && own != *inputs {
        let source = |v: &Version| {
            let asset = graph.asset(*v);
            json!({ "namespace": asset.namespace, "name": asset.name, "type": "DATASET" })
        };
        let schema = format!("{FACETS}/1-0-0/LineageFacet.json#/$defs/LineageDatasetFacet");
        said["facets"]["lineage"] = facet(&schema, json!({ "inputs": own.iter().map(source).collect::<Vec<_>>() }));
    }
    said
}

/// A data set or model with its version, content and fields.
fn dataset(lineage: &Lineage<'_>, version: Version) -> Value {
    let graph = lineage.view.graph();
    let (asset, row) = (graph.asset(version), graph.version(version));
    let named = format!("{FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet");
    let mut facets = json!({ "version": facet(&named, json!({ "datasetVersion": graph.version_name(version) })) });
    let content = [("sha256", row.content_sha256), ("merkleRoot", row.merkle_root)];
    if let Some((kind, hash)) = content.into_iter().find_map(|(kind, hash)| Some((kind, hash?))) {
        let content = Map::from_iter([(kind.to_owned(), hex(&hash.0).into())]);
        facets["lineward_content"] = facet("urn:lineward:facet:content:1", content.into());
    }
    if graph.kind(version) == Kind::Model {
        facets["lineward_model"] = facet("urn:lineward:facet:model:1", json!({ "role": "model" }));
    } else {
        let schema = format!("{FACETS}/1-0-0/DatasetTypeDatasetFacet.json#/$defs/DatasetTypeDatasetFacet");
        facets["datasetType"] = facet(&schema, json!({ "datasetType": asset.asset_type }));
    }
    let fields: Vec<Value> = lineage.view.fields_of(version).into_iter().map(|name| json!({ "name": name })).collect();
    if !fields.is_empty() {
        let schema = format!("{FACETS}/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet");
        facets["schema"] = facet(&schema, json!({ "fields": fields }));
    }
    json!({ "namespace": asset.namespace, "name": asset.name, "facets": facets })
}

/// A facet with who says it and its shape.
fn facet(schema: &str, mut content: Value) -> Value {
    content["_producer"] = PRODUCER.into();
    content["_schemaURL"] = schema.into();
    content
}

/// An object without texts that are empty.
fn present(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| value.as_str() != Some(""));
    }
    object
}

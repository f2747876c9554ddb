//! PROV-JSON (W3C submission of 24 April 2013): versions are entities, runs activities, principals agents.

use super::{Lineage, time};
use serde_json::{Map, Value, json};

pub(super) fn document(lineage: &Lineage<'_>) -> Value {
    let graph = lineage.view.graph();
    let version_id = |v: u32| format!("lineward:version-{}", graph.version_id(v));
    let run_id = |r: u32| format!("lineward:run-{}", graph.run(r).run_sid);
    let mut entities = Map::new();
    for &v in &lineage.versions {
        let (asset, row) = (graph.asset(v), graph.version(v));
        let mut entity = json!({
            "prov:label": graph.text(v),
            "prov:type": asset.asset_type,
            "lineward:namespace": asset.namespace,
            "lineward:name": asset.name,
            "lineward:version": row.version,
        });
        if let (Some(hash), Some(map)) = (lineage.sha256(v), entity.as_object_mut()) {
            map.insert("lineward:sha256".to_owned(), hash.into());
        }
        entities.insert(version_id(v), entity);
    }
    let (mut activities, mut agents) = (Map::new(), Map::new());
    let (mut used, mut generated, mut associated) = (Map::new(), Map::new(), Map::new());
    for (&r, (inputs, outputs)) in &lineage.runs {
        let run = graph.run(r);
        let mut activity = Map::new();
        activity.insert("prov:label".to_owned(), run.run_id.as_str().into());
        let times = [("prov:startTime", run.started_at), ("prov:endTime", run.ended_at)];
        for (name, at) in times.into_iter().filter_map(|(name, at)| Some((name, at?))) {
            activity.insert(name.to_owned(), time(at).into());
        }
        if let Some(job) = graph.job(&run) {
            activity.insert("lineward:job".to_owned(), format!("{}/{}", job.namespace, job.name).into());
        }
        activity.insert("lineward:inputsKnown".to_owned(), run.inputs_known.into());
        activities.insert(run_id(r), activity.into());
        let relate = |to: &mut Map<String, Value>, relation: Value| {
            let id = format!("_:r{}-{}", r, to.len());
            to.insert(id, relation);
        };
        for &v in inputs {
            relate(&mut used, json!({ "prov:activity": run_id(r), "prov:entity": version_id(v) }));
        }
        for &v in outputs {
            relate(&mut generated, json!({ "prov:entity": version_id(v), "prov:activity": run_id(r) }));
        }
        if let Some(principal) = &run.principal {
            let agent = format!("lineward:agent-{}", agents.len());
            let known = agents.iter().find(|(_, a): &(&String, &Value)| a["prov:label"] == principal.as_str());
            let agent = known.map_or(agent, |(id, _)| id.clone());
            agents.insert(agent.clone(), json!({ "prov:label": principal }));
            relate(&mut associated, json!({ "prov:activity": run_id(r), "prov:agent": agent }));
        }
    }
    let mut derived = Map::new();
    for hop in &lineage.hops {
        let mut relation = json!({
            "prov:generatedEntity": version_id(hop.dst),
            "prov:usedEntity": version_id(hop.src),
            "prov:type": hop.edge_type.as_str(),
            "lineward:evidence": hop.evidence.as_str(),
        });
        if let (Some(run), Some(map)) = (hop.run, relation.as_object_mut()) {
            map.insert("prov:activity".to_owned(), run_id(run).into());
        }
        derived.insert(format!("_:d{}", derived.len()), relation);
    }
    let mut document = Map::new();
    document.insert("prefix".to_owned(), json!({ "lineward": "urn:lineward:" }));
    let parts = [
        ("entity", entities),
        ("activity", activities),
        ("agent", agents),
        ("used", used),
        ("wasGeneratedBy", generated),
        ("wasAssociatedWith", associated),
        ("wasDerivedFrom", derived),
    ];
    for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        document.insert(name.to_owned(), part.into());
    }
    document.into()
}

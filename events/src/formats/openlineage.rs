//! OpenLineage 2-0-2: run, job and dataset events with their facets, and three facets of Lineward's own.
//!
//! Names are taken verbatim. The facets `lineward_content` (`{"sha256": ...}` or `{"merkleRoot": ...}`) and
//! `lineward_model` (`{"role": "model", "baseModel": ..., "baseModelRelation": "adapter"}`) on a data set say what OpenLineage
//! has no facet for. The relation is `finetune` unless it is said to be `adapter`, `quantized` or `merge`; `baseModel` may be a list.
//! `lineward_run` (`{"runId": ...}`) on a run is what the run is called where that is no UUID, which `runId` has to be.
//! Error messages and SQL are not taken: they are free text and may quote data.

mod lineage;

use super::Format;
use crate::json::{at, count, instant, items, scalar, sha256_hex, text};
use crate::naming::{check_length, check_lengths, dataset_type, model_named, type_named};
use crate::{
    AssetRef, AssetType, DataFinding, Declaration, DecodeError, EdgeType, Event, EventKey, EventKind, Evidence, Field,
    FindingOrigin, Inputs, Io, JobInfo, JobRef, Link, RunInfo, RunState, Statement, VersionRef, VersionScheme,
};
use lineage::Said;
use serde_json::Value;
use std::collections::BTreeSet;

/// The format. Specification: <https://openlineage.io/spec/2-0-2/OpenLineage.json>.
pub struct OpenLineage;

const NAME: &str = "openlineage";

impl Format for OpenLineage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, document: &Value) -> bool {
        let named = |key| at(document, &[key, "namespace"]).is_some() && at(document, &[key, "name"]).is_some();
        let stamped = ["eventTime", "eventType", "producer", "schemaURL"].iter().any(|k| document.get(k).is_some());
        stamped && (named("job") || named("dataset"))
    }

    fn decode(&self, document: &Value, key: EventKey) -> Result<Event, DecodeError> {
        let mut event = decoded(document, key)?;
        let datasets = items(document, &["inputs"]).iter().chain(items(document, &["outputs"]));
        let nameless = datasets.filter(|dataset| bare(dataset).is_none()).count();
        event.nameless = event.nameless.saturating_add(u32::try_from(nameless).unwrap_or(u32::MAX));
        Ok(event)
    }

    fn identity_fields(&self) -> &'static [&'static str] {
        &[
            "eventTime",
            "eventType",
            "producer",
            "schemaURL",
            "run.runId",
            "run.facets.*._producer",
            "run.facets.*._schemaURL",
            "run.facets.lineward_run.runId",
            "run.facets.nominalTime.*",
            "run.facets.parent.run.runId",
            "run.facets.parent.job.namespace",
            "run.facets.parent.job.name",
            "run.facets.parent.root.run.runId",
            "run.facets.parent.root.job.namespace",
            "run.facets.parent.root.job.name",
            "run.facets.processing_engine.*",
            "job.namespace",
            "job.name",
            "job.facets.*._producer",
            "job.facets.*._schemaURL",
            "job.facets.jobType.*",
            "job.facets.lineage.entries.*.namespace",
            "job.facets.lineage.entries.*.name",
            "job.facets.lineage.entries.*.runId",
            "job.facets.lineage.entries.*.inputs.*.namespace",
            "job.facets.lineage.entries.*.inputs.*.name",
            "job.facets.lineage.entries.*.inputs.*.field",
            "job.facets.lineage.entries.*.fields.*.inputs.*.namespace",
            "job.facets.lineage.entries.*.fields.*.inputs.*.name",
            "job.facets.lineage.entries.*.fields.*.inputs.*.field",
            "job.facets.ownership.owners.*.name",
            "job.facets.sourceCodeLocation.*",
            "inputs.*.namespace",
            "inputs.*.name",
            "inputs.*.facets.*._producer",
            "inputs.*.facets.*._schemaURL",
            "inputs.*.facets.dataSource.*",
            "inputs.*.facets.lineward_content.*",
            "inputs.*.facets.ownership.owners.*.name",
            "inputs.*.facets.schema.fields.*.name",
            "inputs.*.facets.schema.fields.*.type",
            "inputs.*.facets.symlinks.identifiers.*.namespace",
            "inputs.*.facets.symlinks.identifiers.*.name",
            "inputs.*.facets.version.datasetVersion",
            "inputs.*.inputFacets.*._producer",
            "inputs.*.inputFacets.*._schemaURL",
            "outputs.*.namespace",
            "outputs.*.name",
            "outputs.*.facets.*._producer",
            "outputs.*.facets.*._schemaURL",
            "outputs.*.facets.columnLineage.fields.*.inputFields.*.namespace",
            "outputs.*.facets.columnLineage.fields.*.inputFields.*.name",
            "outputs.*.facets.columnLineage.fields.*.inputFields.*.field",
            "outputs.*.facets.dataSource.*",
            "outputs.*.facets.lineage.inputs.*.namespace",
            "outputs.*.facets.lineage.inputs.*.name",
            "outputs.*.facets.lineage.inputs.*.field",
            "outputs.*.facets.lineage.fields.*.inputs.*.namespace",
            "outputs.*.facets.lineage.fields.*.inputs.*.name",
            "outputs.*.facets.lineage.fields.*.inputs.*.field",
            "outputs.*.facets.lineward_content.*",
            "outputs.*.facets.ownership.owners.*.name",
            "outputs.*.facets.schema.fields.*.name",
            "outputs.*.facets.schema.fields.*.type",
            "outputs.*.facets.symlinks.identifiers.*.namespace",
            "outputs.*.facets.symlinks.identifiers.*.name",
            "outputs.*.facets.version.datasetVersion",
            "outputs.*.outputFacets.*._producer",
            "outputs.*.outputFacets.*._schemaURL",
            "dataset.namespace",
            "dataset.name",
            "dataset.facets.*._producer",
            "dataset.facets.*._schemaURL",
            "dataset.facets.dataSource.*",
            "dataset.facets.lineage.inputs.*.namespace",
            "dataset.facets.lineage.inputs.*.name",
            "dataset.facets.lineage.inputs.*.field",
            "dataset.facets.lineage.fields.*.inputs.*.namespace",
            "dataset.facets.lineage.fields.*.inputs.*.name",
            "dataset.facets.lineage.fields.*.inputs.*.field",
            "dataset.facets.lineward_content.*",
            "dataset.facets.ownership.owners.*.name",
            "dataset.facets.schema.fields.*.name",
            "dataset.facets.schema.fields.*.type",
            "dataset.facets.symlinks.identifiers.*.namespace",
            "dataset.facets.symlinks.identifiers.*.name",
            "dataset.facets.version.datasetVersion",
        ]
    }
}

fn decoded(document: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let datasets = items(document, &["inputs"]).iter().chain(items(document, &["outputs"]));
    for dataset in datasets.chain(document.get("dataset")) {
        for name in ["namespace", "name"] {
            check_length(NAME, dataset.get(name).and_then(Value::as_str).unwrap_or_default())?;
        }
        check_lengths(NAME, [text(dataset, &["facets", "version", "datasetVersion"])])?;
        for named in base_names(dataset) {
            check_length(NAME, named)?;
        }
    }
    for named in lineage::named(document) {
        check_lengths(NAME, ["namespace", "name", "field"].map(|key| text(named, &[key])))?;
    }
    if document.get("run").is_some() || document.get("eventType").is_some() {
        run_event(document, key)
    } else if document.get("job").is_some() {
        job_event(document, key)
    } else {
        dataset_event(document, key)
    }
}

fn run_event(document: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let named = text(document, &["run", "facets", "lineward_run", "runId"]);
    let run_id = named.or_else(|| text(document, &["run", "runId"]));
    let run_id = run_id.ok_or_else(|| DecodeError::missing(NAME, "run.runId"))?;
    let job = job_ref(document)?;
    let mut event = envelope(document, key, EventKind::Run);
    event.run_id = Some(run_id.to_owned());
    event.job_namespace = Some(job.namespace.clone());
    event.job_name = Some(job.name.clone());

    let state = event.event_type.as_deref().map_or(RunState::Other, state_named);
    let mut run = RunInfo::new(run_id, job.clone(), state);
    match state {
        RunState::Start => run.started_at = event.event_time,
        RunState::Abort | RunState::Fail | RunState::Complete => run.ended_at = event.event_time,
        RunState::Other | RunState::Running => {}
    }
    run_facets(&mut run, document);
    job_facets(&mut run, document);
    event.principal.clone_from(&run.principal);

    // An absent list says nothing; an empty one says that the run reads nothing.
    if let Some(Value::Array(inputs)) = document.get("inputs") {
        run.inputs = ios(inputs, "inputFacets", &mut event.statements, state);
        // One that has no name is an input nobody knows.
        if run.inputs.len() == inputs.len() {
            run.inputs_known = Inputs::Declared;
        }
    }
    let outputs = items(document, &["outputs"]);
    run.outputs = ios(outputs, "outputFacets", &mut event.statements, state);
    let said = Said::of(document, &job, &run.inputs, (outputs, &run.outputs));
    event.nameless = u32::try_from(said.left_out).unwrap_or(u32::MAX);
    run.inputs.extend(said.inputs);
    run.outputs.extend(said.outputs);
    (run.sources, run.columns) = (said.sources, said.columns);
    // Each output has one entry at most.
    let all_said = !run.outputs.is_empty() && run.sources.len() == run.outputs.len();
    if said.unknown {
        run.inputs_known = Inputs::Unknown;
    } else if document.get("inputs").is_none() && all_said {
        run.inputs_known = Inputs::Declared;
    }
    run.inputs.extend(base_model_inputs(&run.inputs, outputs));
    event.statements.insert(0, Statement::Run(Box::new(run)));
    event.statements.extend(said.others.into_iter().map(|run| Statement::Run(Box::new(run))));
    Ok(event)
}

fn job_event(document: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let job = job_ref(document)?;
    let mut event = envelope(document, key, EventKind::Job);
    event.job_namespace = Some(job.namespace.clone());
    event.job_name = Some(job.name.clone());
    event.principal = owner(document);

    let outputs = items(document, &["outputs"]);
    let mut info = JobInfo {
        integration: upper(document, "integration"),
        job_type: upper(document, "jobType"),
        processing_type: upper(document, "processingType"),
        source_code_url: source_code_url(document),
        inputs: ios(items(document, &["inputs"]), "inputFacets", &mut event.statements, RunState::Other),
        outputs: ios(outputs, "outputFacets", &mut event.statements, RunState::Other),
        inputs_known: Inputs::Declared,
        sources: Vec::new(),
        columns: Vec::new(),
        job,
    };
    let said = Said::of(document, &info.job, &info.inputs, (outputs, &info.outputs));
    event.nameless = u32::try_from(said.left_out).unwrap_or(u32::MAX);
    info.inputs.extend(said.inputs);
    info.outputs.extend(said.outputs);
    (info.sources, info.columns) = (said.sources, said.columns);
    if said.unknown {
        info.inputs_known = Inputs::Unknown;
    }
    event.statements.extend(said.others.into_iter().map(|run| Statement::Run(Box::new(run))));
    event.statements.insert(0, Statement::Job(Box::new(info)));
    Ok(event)
}

fn dataset_event(document: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let dataset = document.get("dataset").ok_or_else(|| DecodeError::missing(NAME, "dataset"))?;
    let asset = asset(dataset).ok_or_else(|| DecodeError::missing(NAME, "dataset.namespace"))?;
    let kind = if asset.asset_type == AssetType::Model { EventKind::Model } else { EventKind::Dataset };
    let mut event = envelope(document, key, kind);
    event.principal =
        text(items(dataset, &["facets", "ownership", "owners"]).first().unwrap_or(&Value::Null), &["name"])
            .map(str::to_owned);
    event.statements.push(Statement::Asset(asset.clone()));
    facet_statements(dataset, &asset, &mut event.statements, RunState::Other);
    event.statements.extend(lineage::declared(dataset, &asset).map(|said| Statement::Sources(Box::new(said))));
    for src in base_models(dataset) {
        let (edge_type, evidence) = (EdgeType::of_base(relation(dataset)), Evidence::Explicit);
        event.statements.push(Statement::Link(Link { src, dst: reference(&asset), edge_type, evidence }));
    }
    Ok(event)
}

fn envelope(document: &Value, key: EventKey, kind: EventKind) -> Event {
    let mut event = Event::new(key, NAME, kind);
    event.event_type = text(document, &["eventType"]).map(str::to_owned);
    event.event_time = instant(document, &["eventTime"]);
    event.producer = text(document, &["producer"]).map(str::to_owned);
    event.schema_url = text(document, &["schemaURL"]).map(str::to_owned);
    event
}

fn job_ref(document: &Value) -> Result<JobRef, DecodeError> {
    let namespace = text(document, &["job", "namespace"]).ok_or_else(|| DecodeError::missing(NAME, "job.namespace"))?;
    let name = text(document, &["job", "name"]).ok_or_else(|| DecodeError::missing(NAME, "job.name"))?;
    Ok(JobRef { namespace: namespace.to_owned(), name: name.to_owned() })
}

fn state_named(name: &str) -> RunState {
    const STATES: [RunState; 5] =
        [RunState::Start, RunState::Running, RunState::Complete, RunState::Abort, RunState::Fail];
    STATES.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(name)).unwrap_or(RunState::Other)
}

fn run_facets(run: &mut RunInfo, document: &Value) {
    let Some(facets) = at(document, &["run", "facets"]) else { return };
    run.nominal_start = instant(facets, &["nominalTime", "nominalStartTime"]);
    run.nominal_end = instant(facets, &["nominalTime", "nominalEndTime"]);
    // Old Airflow integrations wrote `parentRun`.
    if let Some(parent) = facets.get("parent").or_else(|| facets.get("parentRun")) {
        run.parent_run_id = text(parent, &["run", "runId"]).map(str::to_owned);
        run.root_run_id = text(parent, &["root", "run", "runId"]).map(str::to_owned);
    }
    if let Some(engine) = text(facets, &["processing_engine", "name"]) {
        run.integration = Some(engine.to_ascii_uppercase());
        let version = scalar(facets, &["processing_engine", "version"]).unwrap_or_default();
        run.params.insert("processing_engine".to_owned(), format!("{engine} {version}").trim_end().to_owned());
    }
    for parameter in items(facets, &["executionParameters", "parameters"]) {
        // Names of ours are what the store notes of a run; nobody else says that.
        if let (Some(name), Some(value)) = (text(parameter, &["key"]), scalar(parameter, &["value"]))
            && !name.starts_with("lineward.")
        {
            run.params.insert(name.to_owned(), value.into_owned());
        }
    }
}

fn job_facets(run: &mut RunInfo, document: &Value) {
    if at(document, &["job", "facets"]).is_none() {
        return;
    }
    run.integration = upper(document, "integration").or_else(|| run.integration.take());
    run.job_type = upper(document, "jobType");
    run.processing_type = upper(document, "processingType");
    run.principal = owner(document);
    run.git_sha = text(document, &["job", "facets", "sourceCodeLocation", "version"]).map(str::to_owned);
}

fn upper(document: &Value, key: &str) -> Option<String> {
    text(document, &["job", "facets", "jobType", key]).map(str::to_ascii_uppercase)
}

fn owner(document: &Value) -> Option<String> {
    let first = items(document, &["job", "facets", "ownership", "owners"]).first()?;
    text(first, &["name"]).map(str::to_owned)
}

fn source_code_url(document: &Value) -> Option<String> {
    let location = at(document, &["job", "facets", "sourceCodeLocation"])?;
    text(location, &["url"]).or_else(|| text(location, &["repoUrl"])).map(str::to_owned)
}

fn ios(datasets: &[Value], io_facets: &str, statements: &mut Vec<Statement>, state: RunState) -> Vec<Io> {
    let mut ios = Vec::with_capacity(datasets.len());
    for dataset in datasets {
        let Some(mut asset) = asset(dataset) else { continue };
        let facets = dataset.get(io_facets);
        let mut counted = AssetRef::new(asset.asset_type, "", "");
        if let Some(facets) = facets {
            sizes(facets, &mut counted);
        }
        // Who writes says how large it is; who reads may have read a part.
        if io_facets == "outputFacets" {
            asset.row_count = asset.row_count.or(counted.row_count);
            asset.size_bytes = asset.size_bytes.or(counted.size_bytes);
        }
        facet_statements(dataset, &asset, statements, state);
        let mut io = Io { row_count: counted.row_count, size_bytes: counted.size_bytes, ..Io::new(asset) };
        if let Some(facets) = facets {
            io.subset = facets.get("subset").map(Value::to_string);
            // A facet of our own; OpenLineage has no word for what an input is used for.
            io.context = text(facets, &["lineward_context", "context"]).map(str::to_ascii_lowercase);
        }
        ios.push(io);
    }
    ios
}

fn asset(dataset: &Value) -> Option<AssetRef> {
    let mut asset = bare(dataset)?;
    let Some(facets) = dataset.get("facets").filter(|f| f.is_object()) else { return Some(asset) };
    asset.asset_type = asset_type(facets, asset.asset_type);
    if let Some(version) = scalar(facets, &["version", "datasetVersion"]) {
        let content = version.strip_prefix("sha256:").and_then(sha256_hex);
        asset.content_sha256 = content;
        let scheme = match asset.asset_type {
            _ if content.is_some() => VersionScheme::Content,
            AssetType::Model => VersionScheme::ModelVersion,
            _ => version_scheme(facets),
        };
        asset.version = Some(VersionRef { scheme, version: version.into_owned() });
    }
    if let Some(content) = facets.get("lineward_content") {
        let hash = text(content, &["sha256"]).or_else(|| text(content, &["merkleRoot"])).and_then(sha256_hex);
        asset.content_sha256 = hash.or(asset.content_sha256);
    }
    sizes(facets, &mut asset);
    fields(items(facets, &["schema", "fields"]), "", &mut asset.fields);
    Some(asset)
}

/// The type of an asset: a model where a facet says so; else what says most of its name and the words of `datasetType`, as
/// an index may be kept in a table.
fn asset_type(facets: &Value, by_name: AssetType) -> AssetType {
    let said = |key| text(facets, &["datasetType", key]).and_then(type_named);
    let role = text(facets, &["lineward_model", "role"]);
    let said = [said("datasetType"), said("subType").filter(|said| *said != AssetType::Model)];
    if role == Some("model") || said[0] == Some(AssetType::Model) {
        return AssetType::Model;
    }
    let most = |held: AssetType, said: AssetType| if said.says_more_than(held) { said } else { held };
    said.into_iter().flatten().fold(by_name, most)
}

/// An asset by name only, as column lineage names it.
fn bare(named: &Value) -> Option<AssetRef> {
    let namespace = named.get("namespace")?.as_str()?;
    let name = named.get("name")?.as_str().filter(|name| !name.is_empty())?;
    Some(AssetRef::new(dataset_type(namespace, name), namespace, name))
}

fn version_scheme(facets: &Value) -> VersionScheme {
    match text(facets, &["storage", "storageLayer"]) {
        Some(layer) if layer.eq_ignore_ascii_case("delta") => VersionScheme::Delta,
        Some(layer) if layer.eq_ignore_ascii_case("iceberg") => VersionScheme::Iceberg,
        _ => VersionScheme::Declared,
    }
}

/// Rows and bytes, from whichever of the statistics facets is there.
fn sizes(facets: &Value, asset: &mut AssetRef) {
    for facet in ["outputStatistics", "inputStatistics", "dataQualityMetrics"] {
        let Some(facet) = facets.get(facet) else { continue };
        asset.row_count = asset.row_count.or_else(|| count(facet, &["rowCount"]));
        asset.size_bytes = asset.size_bytes.or_else(|| count(facet, &["size"])).or_else(|| count(facet, &["bytes"]));
    }
}

const FIELD_PATH_BYTES_MAX: usize = 1024;

/// Fields of a schema with dotted paths for nested ones. The depth is bounded by the JSON parser's.
fn fields(list: &[Value], prefix: &str, out: &mut Vec<Field>) {
    for field in list {
        let Some(name) = text(field, &["name"]) else { continue };
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        out.push(Field { name: path.clone(), data_type: text(field, &["type"]).map(str::to_owned) });
        // Every nested field repeats the path: below one this long the schema is no longer followed.
        if path.len() <= FIELD_PATH_BYTES_MAX {
            fields(items(field, &["fields"]), &path, out);
        }
    }
}

/// What the facets of a data set say beside the asset itself.
fn facet_statements(dataset: &Value, asset: &AssetRef, statements: &mut Vec<Statement>, state: RunState) {
    let Some(facets) = dataset.get("facets").filter(|f| f.is_object()) else { return };
    for identifier in items(facets, &["symlinks", "identifiers"]) {
        let Some(mut alias) = bare(identifier) else { continue };
        if text(identifier, &["type"]).is_some_and(|t| t.eq_ignore_ascii_case("table")) {
            alias.asset_type = AssetType::Table;
        }
        if alias.namespace != asset.namespace || alias.name != asset.name {
            statements.push(Statement::Alias(alias, reference(asset)));
        }
    }
    // Producers announce a change of state when a run starts; only a run that did not fail has made it.
    if !matches!(state, RunState::Start | RunState::Fail | RunState::Abort) {
        lifecycle(facets, asset, statements);
    }
    if let Some(Value::Array(tags)) = at(facets, &["tags", "tags"]) {
        declarations(tags, text(facets, &["tags", "_producer"]), asset, statements);
    }
}

/// What the tags of a data set declare. The facet lists all of them: what its producer declared before and does not list
/// now is withdrawn.
fn declarations(tags: &[Value], producer: Option<&str>, asset: &AssetRef, statements: &mut Vec<Statement>) {
    let producer = producer.filter(|p| check_length(NAME, p).is_ok());
    let mut findings = Vec::new();
    for mut finding in tags.iter().filter_map(|tag| declared(tag, asset)) {
        finding.detector_version = producer.map(str::to_owned);
        findings.push((finding.field.clone(), finding.entity.clone()));
        statements.push(Statement::Finding(finding));
    }
    statements.push(Statement::Declared(Declaration {
        asset: reference(asset),
        detector: TAGS_DETECTOR.to_owned(),
        producer: producer.map(str::to_owned),
        findings,
    }));
}

fn lifecycle(facets: &Value, asset: &AssetRef, statements: &mut Vec<Statement>) {
    let Some(facet) = facets.get("lifecycleStateChange") else { return };
    let Some(change) = text(facet, &["lifecycleStateChange"]) else { return };
    if change.eq_ignore_ascii_case("DROP") {
        statements.push(Statement::Dropped(reference(asset)));
    } else if change.eq_ignore_ascii_case("RENAME")
        && let Some(previous) = facet.get("previousIdentifier").and_then(bare)
    {
        let dst = reference(asset);
        let link = Link { src: previous.clone(), dst, edge_type: EdgeType::CopyOf, evidence: Evidence::Explicit };
        statements.push(Statement::Link(link));
        statements.push(Statement::Dropped(previous));
    }
}

/// An asset without its schema and sizes, to refer to it.
fn reference(asset: &AssetRef) -> AssetRef {
    let mut reference = AssetRef::new(asset.asset_type, &asset.namespace, &asset.name);
    reference.version.clone_from(&asset.version);
    reference.content_sha256 = asset.content_sha256;
    reference
}

/// Detector of what tags declare.
const TAGS_DETECTOR: &str = "openlineage:tags";

/// Words in a tag that declare sensitive data, with entity and category.
const DECLARING: [(&str, &str, &str); 8] = [
    ("pii", "PII", "pii"),
    ("personal_data", "PII", "pii"),
    ("gdpr_personal_data", "PII", "pii"),
    ("phi", "PHI", "phi"),
    ("pci", "PCI", "financial"),
    ("cardholder_data", "PCI", "financial"),
    ("credential", "CREDENTIAL", "credential"),
    ("credentials", "CREDENTIAL", "credential"),
];

/// The finding that a tag declares: its key or value is one of the words above, and it is not negated.
fn declared(tag: &Value, asset: &AssetRef) -> Option<DataFinding> {
    let key = text(tag, &["key"])?;
    let value = scalar(tag, &["value"]).unwrap_or_default();
    let negated = ["false", "no", "none", "0"].iter().any(|n| value.eq_ignore_ascii_case(n));
    let says = |word: &str| key.eq_ignore_ascii_case(word) || value.eq_ignore_ascii_case(word);
    let (_, entity, category) = DECLARING.iter().find(|(word, ..)| !negated && says(word))?;
    Some(DataFinding {
        asset: reference(asset),
        field: text(tag, &["field"]).map(str::to_owned),
        entity: (*entity).to_owned(),
        categories: vec![(*category).to_owned()],
        detector: TAGS_DETECTOR.to_owned(),
        detector_version: None,
        match_count: 1,
        distinct_count: None,
        confidence: Evidence::Declared.confidence(),
        coverage: 0.0,
        origin: FindingOrigin::Declared,
        policy: text(tag, &["source"]).map(str::to_owned),
        severity: None,
        profile: None,
    })
}

/// What the `lineward_model` facet names as base models: one, or a list of those that were merged.
fn base_names(dataset: &Value) -> impl Iterator<Item = &str> {
    let named = at(dataset, &["facets", "lineward_model", "baseModel"]);
    let one = named.and_then(Value::as_str).into_iter();
    let many = named.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.chain(many).map(str::trim).filter(|name| !name.is_empty())
}

fn base_models(dataset: &Value) -> impl Iterator<Item = AssetRef> {
    // What nobody else can resolve, as a local path, is a base model all the same: a name that vanished here would make
    // the model look as if all that it was made of were known.
    base_names(dataset)
        .map(|named| model_named(named).unwrap_or_else(|| AssetRef::new(AssetType::Model, "file", named)))
}

/// What a model is to its base models, in Hugging Face's words for it.
fn relation(dataset: &Value) -> Option<&str> {
    text(dataset, &["facets", "lineward_model", "baseModelRelation"])
}

/// Base models that the `lineward_model` facets of outputs name are inputs of the run.
fn base_model_inputs(inputs: &[Io], outputs: &[Value]) -> Vec<Io> {
    let mut seen: BTreeSet<_> = inputs.iter().map(|io| (io.asset.namespace.clone(), io.asset.name.clone())).collect();
    let mut bases = Vec::new();
    for output in outputs {
        let context = match relation(output) {
            Some(relation) if EdgeType::of_base(Some(relation)) != EdgeType::FineTunedFrom => {
                format!("base_model:{}", relation.to_ascii_lowercase())
            }
            _ => "base_model".to_owned(),
        };
        for asset in base_models(output) {
            if seen.insert((asset.namespace.clone(), asset.name.clone())) {
                bases.push(Io { context: Some(context.clone()), evidence: Evidence::Explicit, ..Io::new(asset) });
            }
        }
    }
    bases
}

//! MLflow: runs, model versions, registered models and logged models as the REST API returns them, and webhooks.
//!
//! MLflow documents do not say which tracking server they come from, so every name is below the constant namespace
//! `mlflow://default`. Sources, schemas and profiles of data sets are JSON inside strings.

use super::Format;
use crate::json::{at, count, embedded, instant, items, pairs, scalar, text};
use crate::naming::{base_model, data_at, hinted_inputs};
use crate::{
    AssetRef, AssetType, DecodeError, EdgeType, Event, EventKey, EventKind, Evidence, Field, Inputs, Io, JobRef, Link,
    RunInfo, RunState, Statement, VersionScheme,
};
use serde_json::{Value, json};
use std::borrow::Cow;

/// The format. REST API: <https://mlflow.org/docs/latest/rest-api.html>.
pub struct Mlflow;

const NAME: &str = "mlflow";
const NAMESPACE: &str = "mlflow://default";

/// The job of a run of which only the id is known.
const EXPERIMENT_UNKNOWN: &str = "experiment/unknown";

impl Format for Mlflow {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, document: &Value) -> bool {
        shape(document).is_some()
    }

    fn decode(&self, document: &Value, key: EventKey) -> Result<Event, DecodeError> {
        match shape(document) {
            Some(Shape::Run(run)) => run_event(run, key),
            Some(Shape::LoggedModel(model)) => logged_model_event(model, key),
            Some(Shape::ModelVersion(version)) => Ok(model_event("model_version", version, key)),
            Some(Shape::RegisteredModel(model)) => Ok(model_event("registered_model", model, key)),
            Some(Shape::Webhook) => Ok(webhook_event(document, key)),
            None => Err(DecodeError::missing(NAME, "info")),
        }
    }

    fn identity_fields(&self) -> &'static [&'static str] {
        &[
            "info.run_id",
            "info.run_uuid",
            "info.run_name",
            "info.experiment_id",
            "info.user_id",
            "info.artifact_uri",
            "info.start_time",
            "info.end_time",
            "info.model_id",
            "info.name",
            "info.source_run_id",
            "info.creation_timestamp_ms",
            "info.last_updated_timestamp_ms",
            "run.info.run_id",
            "run.info.run_uuid",
            "run.info.run_name",
            "run.info.experiment_id",
            "run.info.user_id",
            "run.info.artifact_uri",
            "run.info.start_time",
            "run.info.end_time",
            "data.metrics.*.timestamp",
            "run.data.metrics.*.timestamp",
            "inputs.dataset_inputs.*.dataset.name",
            "inputs.dataset_inputs.*.dataset.digest",
            "inputs.dataset_inputs.*.dataset.source",
            "inputs.dataset_inputs.*.dataset.schema",
            "run.inputs.dataset_inputs.*.dataset.name",
            "run.inputs.dataset_inputs.*.dataset.digest",
            "run.inputs.dataset_inputs.*.dataset.source",
            "run.inputs.dataset_inputs.*.dataset.schema",
            "inputs.model_inputs.*.model_id",
            "outputs.model_outputs.*.model_id",
            "name",
            "version",
            "source",
            "run_id",
            "user_id",
            "creation_timestamp",
            "last_updated_timestamp",
            "latest_versions.*.name",
            "latest_versions.*.source",
            "latest_versions.*.run_id",
            "latest_versions.*.creation_timestamp",
            "latest_versions.*.last_updated_timestamp",
            "model_version.name",
            "model_version.source",
            "model_version.run_id",
            "registered_model.name",
            "timestamp",
            "data.name",
            "data.version",
            "data.source",
            "data.run_id",
            "data.alias",
        ]
    }
}

/// The kinds of document, with the part that holds the fields.
enum Shape<'a> {
    Run(&'a Value),
    LoggedModel(&'a Value),
    ModelVersion(&'a Value),
    RegisteredModel(&'a Value),
    Webhook,
}

fn shape(document: &Value) -> Option<Shape<'_>> {
    let is_run = |run: &Value| {
        let info = at(run, &["info"]);
        info.is_some_and(|i| scalar(i, &["run_id"]).or_else(|| scalar(i, &["run_uuid"])).is_some())
    };
    let is_logged = |model: &Value| text(model, &["info", "model_id"]).is_some();
    let map = document.as_object()?;
    match (map.get("run"), map.get("model"), map.get("model_version"), map.get("registered_model")) {
        (Some(run), ..) => return is_run(run).then_some(Shape::Run(run)),
        (_, Some(model), ..) if is_logged(model) => return Some(Shape::LoggedModel(model)),
        (_, _, Some(version), _) if version.is_object() => return Some(Shape::ModelVersion(version)),
        (_, _, _, Some(model)) if model.is_object() => return Some(Shape::RegisteredModel(model)),
        _ => {}
    }
    if map.contains_key("info") {
        return if is_run(document) {
            Some(Shape::Run(document))
        } else {
            is_logged(document).then_some(Shape::LoggedModel(document))
        };
    }
    let has = |keys: &[&str]| keys.iter().all(|key| map.contains_key(*key));
    if has(&["entity", "action", "timestamp"]) {
        return map.get("data").is_some_and(Value::is_object).then_some(Shape::Webhook);
    }
    if !has(&["name", "creation_timestamp", "last_updated_timestamp"]) {
        return None;
    }
    Some(if has(&["version"]) { Shape::ModelVersion(document) } else { Shape::RegisteredModel(document) })
}

fn run_event(document: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let info = at(document, &["info"]).ok_or_else(|| DecodeError::missing(NAME, "info"))?;
    let run_id = scalar(info, &["run_id"]).or_else(|| scalar(info, &["run_uuid"]));
    let run_id = run_id.ok_or_else(|| DecodeError::missing(NAME, "info.run_id"))?;
    let tags = pairs(document, &["data", "tags"]);
    let tag = |name: &str| tags.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_ref().to_owned());

    let mut run = RunInfo::new(run_id, experiment(info), state(text(info, &["status"]).unwrap_or_default()));
    run.integration = Some("MLFLOW".to_owned());
    run.started_at = instant(info, &["start_time"]);
    run.ended_at = instant(info, &["end_time"]);
    run.parent_run_id = tag("mlflow.parentRunId");
    run.principal = tag("mlflow.user").or_else(|| text(info, &["user_id"]).map(str::to_owned));
    run.git_sha = tag("mlflow.source.git.commit");
    run.image = tag("mlflow.docker.image.uri");

    let params = pairs(document, &["data", "params"]);
    run_inputs(&mut run, document, &params);
    let outputs = items(document, &["outputs", "model_outputs"]).iter();
    run.outputs = outputs.filter_map(|o| text(o, &["model_id"])).map(|id| Io::new(logged_model(id))).collect();
    run.params = params.into_iter().map(|(key, value)| (key.to_owned(), value.into_owned())).collect();

    let mut event = Event::new(key, NAME, EventKind::Run);
    event.event_type = text(info, &["status"]).map(str::to_owned);
    event.event_time = run.ended_at.or(run.started_at);
    event.producer = Some(NAME.to_owned());
    event.principal.clone_from(&run.principal);
    push_run(&mut event, run, true);
    Ok(event)
}

fn run_inputs(run: &mut RunInfo, document: &Value, params: &[(&str, Cow<'_, str>)]) {
    let datasets = items(document, &["inputs", "dataset_inputs"]);
    // Clients send an empty list for every run that logs no data set: it does not mean that nothing was read.
    if datasets.is_empty() {
        run.inputs = params.iter().flat_map(|(key, value)| hinted_inputs(key, value)).collect();
    } else {
        run.inputs = datasets.iter().filter_map(dataset_input).collect();
        // One that has no name is an input nobody knows.
        if run.inputs.len() == datasets.len() {
            run.inputs_known = Inputs::Declared;
        }
    }
    let models = items(document, &["inputs", "model_inputs"]).iter();
    run.inputs.extend(models.filter_map(|m| text(m, &["model_id"])).map(|id| Io::new(logged_model(id))));
    run.inputs.extend(params.iter().filter_map(|(key, value)| base_model(key, value)));
}

fn experiment(info: &Value) -> JobRef {
    let id = scalar(info, &["experiment_id"]);
    let name = id.map_or(EXPERIMENT_UNKNOWN.to_owned(), |id| format!("experiment/{id}"));
    JobRef { namespace: NAMESPACE.to_owned(), name }
}

fn state(status: &str) -> RunState {
    match status {
        "RUNNING" => RunState::Running,
        "FINISHED" => RunState::Complete,
        "FAILED" => RunState::Fail,
        "KILLED" => RunState::Abort,
        _ => RunState::Other,
    }
}

/// Adds a run to an event; the envelope names its job only where the document does.
fn push_run(event: &mut Event, run: RunInfo, job_known: bool) {
    event.run_id = Some(run.run_id.clone());
    if job_known {
        event.job_namespace = Some(run.job.namespace.clone());
        event.job_name = Some(run.job.name.clone());
    }
    event.statements.push(Statement::Run(Box::new(run)));
}

// Data sets.

fn dataset_input(input: &Value) -> Option<Io> {
    let dataset = at(input, &["dataset"])?;
    let source = embedded(dataset, &["source"]);
    let source = source.as_deref().unwrap_or(&Value::Null);
    let mut asset = located(dataset, source)?;
    if asset.version.is_none()
        && let Some(digest) = text(dataset, &["digest"])
    {
        asset = asset.at(VersionScheme::MlflowDigest, digest);
    }
    asset.fields = columns(dataset);
    asset.row_count = embedded(dataset, &["profile"]).and_then(|profile| count(&profile, &["num_rows"]));
    let mut io = Io::new(asset);
    io.context = pairs(input, &["tags"])
        .into_iter()
        .find(|(key, _)| *key == "mlflow.data.context")
        .map(|(_, value)| value.to_ascii_lowercase());
    io.subset = subset(source);
    Some(io)
}

/// The data set by its source, or by its name where the source is code or unknown.
fn located(dataset: &Value, source: &Value) -> Option<AssetRef> {
    match text(dataset, &["source_type"]).unwrap_or_default() {
        "hugging_face" => {
            let repository = text(source, &["path"])?;
            let asset = AssetRef::new(AssetType::Dataset, "hf://huggingface.co", repository);
            return Some(match text(source, &["revision"]) {
                Some(commit) => asset.at(VersionScheme::HfCommit, commit),
                None => asset,
            });
        }
        "delta_table" => {
            if let Some(asset) = delta_table(source) {
                return Some(asset);
            }
        }
        _ => {}
    }
    if let Some(location) = ["uri", "url", "path"].iter().find_map(|key| text(source, &[key])) {
        return Some(data_at(location));
    }
    if let Some(table) = text(source, &["table_name"]) {
        return Some(AssetRef::new(AssetType::Table, "spark", table));
    }
    let name = text(dataset, &["name"])?;
    Some(AssetRef::new(AssetType::Dataset, NAMESPACE, &format!("dataset/{name}")))
}

fn delta_table(source: &Value) -> Option<AssetRef> {
    let by_path = text(source, &["path"]).map(data_at);
    let by_name = || text(source, &["delta_table_name"]).map(|n| AssetRef::new(AssetType::Table, "delta", n));
    let asset = by_path.or_else(by_name)?;
    Some(match scalar(source, &["delta_table_version"]) {
        Some(version) => asset.at(VersionScheme::Delta, version),
        None => asset,
    })
}

fn columns(dataset: &Value) -> Vec<Field> {
    let Some(schema) = embedded(dataset, &["schema"]) else { return Vec::new() };
    let columns = items(&schema, &["mlflow_colspec"]).iter();
    columns
        .filter_map(|column| {
            let data_type = text(column, &["type"]).map(str::to_owned);
            Some(Field { name: text(column, &["name"])?.to_owned(), data_type })
        })
        .collect()
}

/// Split and configuration of a Hugging Face data set.
fn subset(source: &Value) -> Option<String> {
    let split = text(source, &["split"]);
    let config = text(source, &["config_name"]);
    let subset = match (split, config) {
        (None, None) => return None,
        (Some(split), None) => json!({"split": split}),
        (None, Some(config)) => json!({"config_name": config}),
        (Some(split), Some(config)) => json!({"config_name": config, "split": split}),
    };
    Some(subset.to_string())
}

// Models.

fn logged_model(id: &str) -> AssetRef {
    AssetRef::new(AssetType::Model, NAMESPACE, &format!("models/{id}"))
}

/// A registered model, or the prompt that is stored as one.
fn registered(named: &Value) -> Option<AssetRef> {
    let is_prompt =
        pairs(named, &["tags"]).iter().any(|(key, value)| *key == "mlflow.prompt.is_prompt" && value == "true");
    let asset_type = if is_prompt { AssetType::Prompt } else { AssetType::Model };
    Some(AssetRef::new(asset_type, NAMESPACE, text(named, &["name"])?))
}

fn model_event(event_type: &str, model: &Value, key: EventKey) -> Event {
    let mut event = Event::new(key, NAME, EventKind::Model);
    event.event_type = Some(event_type.to_owned());
    event.event_time = ["last_updated_timestamp", "creation_timestamp"].iter().find_map(|k| instant(model, &[k]));
    event.producer = Some(NAME.to_owned());
    event.principal = text(model, &["user_id"]).map(str::to_owned);
    describe_model(&mut event, model);
    event
}

/// A model version (a document with `version`) or a registered model with its latest versions.
fn describe_model(event: &mut Event, model: &Value) {
    if let Some(version) = scalar(model, &["version"]) {
        model_version(event, model, &version);
        return;
    }
    event.statements.extend(registered(model).map(Statement::Asset));
    for latest in items(model, &["latest_versions"]) {
        if let Some(version) = scalar(latest, &["version"]) {
            model_version(event, latest, &version);
        }
    }
}

fn model_version(event: &mut Event, model: &Value, version: &str) {
    let Some(asset) = registered(model) else { return };
    let asset = asset.at(VersionScheme::ModelVersion, version);
    event.statements.push(Statement::Asset(asset.clone()));
    if let Some(run_id) = text(model, &["run_id"]) {
        let job = JobRef { namespace: NAMESPACE.to_owned(), name: EXPERIMENT_UNKNOWN.to_owned() };
        push_run(event, writer(run_id, job, &asset), false);
    }
    if let Some(src) = text(model, &["source"]).and_then(artifact) {
        let (edge_type, evidence) = (EdgeType::Derived, Evidence::Explicit);
        event.statements.push(Statement::Link(Link { src, dst: asset, edge_type, evidence }));
    }
}

/// The run that wrote a model, of which nothing else is known.
fn writer(run_id: &str, job: JobRef, model: &AssetRef) -> RunInfo {
    let mut run = RunInfo::new(run_id, job, RunState::Other);
    run.integration = Some("MLFLOW".to_owned());
    run.outputs.push(Io::new(model.clone()));
    run
}

/// Where a model version was registered from. `runs:/ID/path` is left out: the run is known by its id.
fn artifact(source: &str) -> Option<AssetRef> {
    if let Some(model) = source.strip_prefix("models:/") {
        return match model.trim_start_matches('/').split_once('/') {
            Some((name, version)) => {
                let model = AssetRef::new(AssetType::Model, NAMESPACE, name);
                Some(model.at(VersionScheme::ModelVersion, version))
            }
            None => Some(logged_model(model)),
        };
    }
    if let Some(path) = source.strip_prefix("mlflow-artifacts:/") {
        return Some(AssetRef::new(AssetType::Model, NAMESPACE, &format!("artifacts/{}", path.trim_matches('/'))));
    }
    source.contains("://").then(|| AssetRef::from_uri(AssetType::Model, source))
}

fn logged_model_event(model: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let info = at(model, &["info"]).ok_or_else(|| DecodeError::missing(NAME, "info"))?;
    let id = text(info, &["model_id"]).ok_or_else(|| DecodeError::missing(NAME, "info.model_id"))?;
    let asset = logged_model(id);
    let mut event = Event::new(key, NAME, EventKind::Model);
    event.event_type = Some("logged_model".to_owned());
    let times = ["last_updated_timestamp_ms", "creation_timestamp_ms"];
    event.event_time = times.iter().find_map(|k| instant(info, &[k]));
    event.producer = Some(NAME.to_owned());
    let tags = pairs(info, &["tags"]);
    event.principal = tags.iter().find(|(key, _)| *key == "mlflow.user").map(|(_, user)| user.as_ref().to_owned());
    event.statements.push(Statement::Asset(asset.clone()));
    if let Some(run_id) = text(info, &["source_run_id"]) {
        push_run(&mut event, writer(run_id, experiment(info), &asset), true);
    }
    if let Some(location) = text(info, &["artifact_uri"]).and_then(artifact) {
        event.statements.push(Statement::Alias(location, asset));
    }
    Ok(event)
}

// Webhooks.

fn webhook_event(document: &Value, key: EventKey) -> Event {
    let entity = text(document, &["entity"]).unwrap_or_default();
    let action = text(document, &["action"]).unwrap_or_default();
    let mut event = Event::new(key, NAME, EventKind::Model);
    event.event_type = Some(format!("{entity}.{action}"));
    event.event_time = instant(document, &["timestamp"]);
    event.producer = Some(NAME.to_owned());
    let Some(data) = document.get("data") else { return event };
    match (entity, action) {
        ("registered_model" | "model_version", "deleted") => {
            event.statements.extend(named(data, AssetType::Model).map(Statement::Dropped));
        }
        ("registered_model" | "model_version", _) => describe_model(&mut event, data),
        _ if entity.starts_with("model_version") || entity.starts_with("registered_model") => {
            event.statements.extend(named(data, AssetType::Model).map(Statement::Asset));
        }
        _ if entity.starts_with("prompt") => {
            event.statements.extend(named(data, AssetType::Prompt).map(Statement::Asset));
        }
        _ => event.kind = EventKind::Audit,
    }
    event
}

fn named(data: &Value, asset_type: AssetType) -> Option<AssetRef> {
    let asset = AssetRef::new(asset_type, NAMESPACE, text(data, &["name"])?);
    Some(match scalar(data, &["version"]) {
        Some(version) => asset.at(VersionScheme::ModelVersion, version),
        None => asset,
    })
}

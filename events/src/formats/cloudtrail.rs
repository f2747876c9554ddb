//! AWS CloudTrail records and the EventBridge events of SageMaker.
//!
//! Taken apart here: training, processing and transform jobs, models, model packages, endpoints, Bedrock model
//! customisation, invocations, and access to S3 objects. Any other call is kept as an audit event without statements.
//! A call that failed makes no lineage: its access is kept with the error code.

use super::Format;
use crate::json::{at, count, instant, items, pairs, scalar, text};
use crate::naming::{base_model, check_lengths, data_at, hinted_inputs, percent_decoded};
use crate::{
    Access, AccessAction, AssetRef, AssetType, DecodeError, EdgeType, Event, EventKey, EventKind, Evidence, Inputs, Io,
    JobRef, Link, RunInfo, RunState, Statement, Timestamp, VersionScheme,
};
use base64::Engine as _;
use serde_json::Value;

/// The format. Records: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html>;
/// SageMaker events: <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>.
pub struct CloudTrail;

const NAME: &str = "cloudtrail";

/// How the `detail-type` of CloudTrail records ends that EventBridge delivers: `AWS API Call via CloudTrail`, and service
/// events, sign-ins and insights after the same pattern.
const WRAPPED_RECORD: &str = " via CloudTrail";

impl Format for CloudTrail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, document: &Value) -> bool {
        match document.get("detail-type").and_then(Value::as_str) {
            Some(kind) if kind.ends_with(WRAPPED_RECORD) => document.get("detail").is_some_and(is_record),
            Some(kind) => kind.starts_with("SageMaker ") && document.get("detail").is_some_and(Value::is_object),
            None => is_record(document),
        }
    }

    fn decode(&self, document: &Value, key: EventKey) -> Result<Event, DecodeError> {
        match document.get("detail-type").and_then(Value::as_str) {
            Some(kind) if kind.ends_with(WRAPPED_RECORD) => {
                let detail = document.get("detail").ok_or_else(|| DecodeError::missing(NAME, "detail"))?;
                record(detail, key)
            }
            Some(kind) => state_change(document, kind, key),
            None => record(document, key),
        }
    }

    fn identity_fields(&self) -> &'static [&'static str] {
        &[
            "eventID",
            "requestID",
            "sharedEventID",
            "eventTime",
            "eventName",
            "eventSource",
            "awsRegion",
            "recipientAccountId",
            "sourceIPAddress",
            "userAgent",
            "vpcEndpointId",
            "errorCode",
            "userIdentity.arn",
            "userIdentity.accountId",
            "userIdentity.principalId",
            "userIdentity.accessKeyId",
            "userIdentity.userName",
            "userIdentity.invokedBy",
            "userIdentity.sessionContext.sessionIssuer.*",
            "userIdentity.sessionContext.attributes.*",
            "resources.*.ARN",
            "resources.*.accountId",
            "tlsDetails.*",
            "additionalEventData.x-amz-id-2",
            "requestParameters.bucketName",
            "requestParameters.key",
            "requestParameters.prefix",
            "requestParameters.versionId",
            "requestParameters.Host",
            "requestParameters.x-amz-copy-source",
            "requestParameters.x-amz-checksum-sha256",
            "requestParameters.modelId",
            "requestParameters.modelName",
            "requestParameters.roleArn",
            "requestParameters.executionRoleArn",
            "requestParameters.trainingJobName",
            "requestParameters.trainingJobArn",
            "requestParameters.endpointName",
            "requestParameters.endpointConfigName",
            "requestParameters.modelPackageName",
            "requestParameters.modelPackageGroupName",
            "requestParameters.jobName",
            "requestParameters.customModelName",
            "requestParameters.baseModelIdentifier",
            "requestParameters.algorithmSpecification.trainingImage",
            "requestParameters.checkpointConfig.s3Uri",
            "requestParameters.inputDataConfig.*.dataSource.s3DataSource.s3Uri",
            "requestParameters.outputDataConfig.*",
            "requestParameters.primaryContainer.image",
            "requestParameters.primaryContainer.modelDataUrl",
            "requestParameters.containers.*.image",
            "requestParameters.containers.*.modelDataUrl",
            "requestParameters.trainingDataConfig.s3Uri",
            "requestParameters.vpcConfig.*",
            "requestParameters.vpcConfig.*.*",
            "responseElements.*",
            "id",
            "account",
            "time",
            "resources.*",
            "detail.TrainingJobName",
            "detail.TrainingJobArn",
            "detail.RoleArn",
            "detail.AlgorithmSpecification.TrainingImage",
            "detail.InputDataConfig.*.DataSource.S3DataSource.S3Uri",
            "detail.OutputDataConfig.*",
            "detail.ModelArtifacts.S3ModelArtifacts",
            "detail.EndpointName",
            "detail.EndpointArn",
            "detail.EndpointConfigName",
            "detail.ModelPackageArn",
            "detail.ModelPackageGroupName",
            "detail.InferenceSpecification.Containers.*.Image",
            "detail.InferenceSpecification.Containers.*.ImageDigest",
            "detail.InferenceSpecification.Containers.*.ModelDataUrl",
            "detail.eventID",
            "detail.requestID",
            "detail.sourceIPAddress",
            "detail.userAgent",
            "detail.userIdentity.arn",
            "detail.userIdentity.accountId",
            "detail.userIdentity.principalId",
            "detail.userIdentity.sessionContext.sessionIssuer.*",
            "detail.resources.*.ARN",
            "detail.requestParameters.bucketName",
            "detail.requestParameters.key",
            "detail.requestParameters.roleArn",
            "detail.responseElements.*",
        ]
    }
}

fn is_record(document: &Value) -> bool {
    let source = document.get("eventSource").and_then(Value::as_str);
    source.is_some_and(|s| s.ends_with(".amazonaws.com")) && text(document, &["eventName"]).is_some()
}

/// What a call asked for and answered, and where it was made.
struct Call<'a> {
    record: &'a Value,
    request: &'a Value,
    response: &'a Value,
    time: Option<Timestamp>,
    error_code: Option<&'a str>,
}

fn record(record: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let name = text(record, &["eventName"]).ok_or_else(|| DecodeError::missing(NAME, "eventName"))?;
    let source = text(record, &["eventSource"]).ok_or_else(|| DecodeError::missing(NAME, "eventSource"))?;
    let mut event = Event::new(key, NAME, EventKind::Audit);
    event.event_type = Some(name.to_owned());
    event.event_time = instant(record, &["eventTime"]);
    event.producer = Some(source.to_owned());
    event.principal = principal(record).map(str::to_owned);
    let call = Call {
        record,
        request: record.get("requestParameters").unwrap_or(&Value::Null),
        response: record.get("responseElements").unwrap_or(&Value::Null),
        time: event.event_time,
        error_code: text(record, &["errorCode"]),
    };
    let owner =
        [&["awsRegion"][..], &["region"], &["recipientAccountId"], &["account"], &["userIdentity", "accountId"]];
    let owner = owner.iter().map(|path| text(record, path));
    check_lengths(NAME, [principal(record), role(record), call.error_code].into_iter().chain(owner))?;
    match source {
        "sagemaker.amazonaws.com" | "runtime.sagemaker.amazonaws.com" => sagemaker(&call, name, &mut event),
        "bedrock.amazonaws.com" | "bedrock-runtime.amazonaws.com" => bedrock(&call, name, &mut event),
        "s3.amazonaws.com" => s3(&call, name, &mut event),
        _ => {}
    }
    Ok(event)
}

fn principal(record: &Value) -> Option<&str> {
    let identity = record.get("userIdentity")?;
    ["arn", "userName", "invokedBy", "principalId", "accountId"].iter().find_map(|k| text(identity, &[k]))
}

fn role(record: &Value) -> Option<&str> {
    text(record, &["userIdentity", "sessionContext", "sessionIssuer", "arn"])
}

impl Call<'_> {
    /// Region and account that own the resource with this ARN, or else those of the call.
    fn owner(&self, arn: Option<&str>) -> Owner {
        let (region, account) = arn.and_then(arn_owner).unwrap_or_default();
        let or = |found: &str, paths: &[&[&str]]| {
            let found = Some(found).filter(|f| !f.is_empty());
            found.or_else(|| paths.iter().find_map(|p| text(self.record, p))).unwrap_or("unknown").to_owned()
        };
        Owner {
            region: or(region, &[&["awsRegion"], &["region"]]),
            account: or(account, &[&["recipientAccountId"], &["account"], &["userIdentity", "accountId"]]),
        }
    }

    fn access(&self, action: AccessAction, asset: AssetRef) -> Statement {
        let transferred = match action {
            AccessAction::Write => "bytesTransferredIn",
            _ => "bytesTransferredOut",
        };
        Statement::Access(Access {
            principal: principal(self.record).map(str::to_owned),
            role: role(self.record).map(str::to_owned),
            action,
            asset,
            bytes: count(self.record, &["additionalEventData", transferred]),
            error_code: self.error_code.map(str::to_owned),
        })
    }
}

/// Where a resource lives.
struct Owner {
    region: String,
    account: String,
}

impl Owner {
    fn sagemaker(&self) -> String {
        format!("sagemaker://{}/{}", self.region, self.account)
    }

    fn asset(&self, asset_type: AssetType, kind: &str, name: &str) -> AssetRef {
        AssetRef::new(asset_type, &self.sagemaker(), &format!("{kind}/{name}"))
    }

    /// A model package by its ARN or name; the number at the end of a versioned one is its version.
    fn model_package(&self, arn_or_name: &str) -> AssetRef {
        let resource = arn_resource(arn_or_name).unwrap_or(arn_or_name);
        let name = resource.strip_prefix("model-package/").unwrap_or(resource);
        match name.rsplit_once('/') {
            Some((group, version)) => {
                let package = self.asset(AssetType::Model, "model-package", group);
                package.at(VersionScheme::ModelVersion, version)
            }
            None => self.asset(AssetType::Model, "model-package", name),
        }
    }
}

/// Region and account in `arn:partition:service:region:account:resource`.
fn arn_owner(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.strip_prefix("arn:")?.splitn(5, ':').skip(2);
    Some((parts.next()?, parts.next()?))
}

/// The resource in `arn:partition:service:region:account:resource`.
fn arn_resource(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.splitn(5, ':').nth(4)
}

fn link(src: AssetRef, dst: &AssetRef, edge_type: EdgeType, evidence: Evidence) -> Statement {
    Statement::Link(Link { src, dst: dst.clone(), edge_type, evidence })
}

// SageMaker.

fn sagemaker(call: &Call<'_>, name: &str, event: &mut Event) {
    match name {
        "CreateTrainingJob" => run(event, call.error_code, || training_job(call)),
        "CreateProcessingJob" => run(event, call.error_code, || processing_job(call)),
        "CreateTransformJob" => run(event, call.error_code, || transform_job(call)),
        "InvokeEndpoint" | "InvokeEndpointAsync" | "InvokeEndpointWithResponseStream" => invoke_endpoint(call, event),
        _ if call.error_code.is_some() => {}
        "CreateModel" => made(event, EventKind::Model, create_model(call)),
        "CreateModelPackage" => made(event, EventKind::Model, create_model_package(call)),
        "CreateEndpointConfig" => made(event, EventKind::Deployment, create_endpoint_config(call)),
        "CreateEndpoint" | "UpdateEndpoint" => made(event, EventKind::Deployment, endpoint(call.request, call)),
        "DeleteModel" => deleted(call, event, AssetType::Model, "model", "modelName"),
        "DeleteEndpointConfig" => {
            deleted(call, event, AssetType::Deployment, "endpoint-config", "endpointConfigName");
        }
        "DeleteEndpoint" => deleted(call, event, AssetType::Deployment, "endpoint", "endpointName"),
        _ => {}
    }
}

/// A job's run. A call that failed started none, but is an event about runs all the same.
fn run(event: &mut Event, error_code: Option<&str>, info: impl FnOnce() -> Option<RunInfo>) {
    event.kind = EventKind::Run;
    if error_code.is_some() {
        return;
    }
    let Some(info) = info() else { return };
    event.run_id = Some(info.run_id.clone());
    event.job_namespace = Some(info.job.namespace.clone());
    event.job_name = Some(info.job.name.clone());
    event.statements.push(Statement::Run(Box::new(info)));
}

fn made(event: &mut Event, kind: EventKind, statements: Option<Vec<Statement>>) {
    event.kind = kind;
    event.statements.extend(statements.into_iter().flatten());
}

fn deleted(call: &Call<'_>, event: &mut Event, asset_type: AssetType, kind: &str, key: &str) {
    event.kind = if asset_type == AssetType::Model { EventKind::Model } else { EventKind::Deployment };
    if let Some(name) = text(call.request, &[key]) {
        event.statements.push(Statement::Dropped(call.owner(None).asset(asset_type, kind, name)));
    }
}

fn sagemaker_run(call: &Call<'_>, kind: &str, name: &str, arn: Option<&str>, state: RunState) -> RunInfo {
    let job = JobRef { namespace: call.owner(arn).sagemaker(), name: name.to_owned() };
    let mut run = RunInfo::new(arn.unwrap_or(name), job, state);
    run.integration = Some("SAGEMAKER".to_owned());
    run.job_type = Some(kind.to_owned());
    run.processing_type = Some("BATCH".to_owned());
    if let Some(role) = text(call.request, &["roleArn"]) {
        run.principal = Some(role.to_owned());
        run.params.insert("roleArn".to_owned(), role.to_owned());
    }
    run
}

fn training_job(call: &Call<'_>) -> Option<RunInfo> {
    let name = text(call.request, &["trainingJobName"])?;
    let arn = text(call.response, &["trainingJobArn"]).or_else(|| text(call.request, &["trainingJobArn"]));
    let mut run = sagemaker_run(call, "TRAINING", name, arn, RunState::Start);
    run.started_at = call.time;
    describe_training(&mut run, call.request);
    run.outputs.extend(expected_model(call.request, name).map(Io::new));
    Some(run)
}

/// What `CreateTrainingJob` and the state change say alike, but for the case of the first letters.
fn describe_training(run: &mut RunInfo, job: &Value) {
    run.image = text(job, &["algorithmSpecification", "trainingImage"]).map(str::to_owned);
    let hyperparameters = pairs(job, &["hyperParameters"]);
    let environment = pairs(job, &["environment"]);
    let parameters = || hyperparameters.iter().chain(&environment).map(|(key, value)| (*key, value.as_ref()));

    // Without channels the job may still read what its parameters name: hints, and no complete list.
    match at(job, &["inputDataConfig"]).and_then(Value::as_array) {
        Some(channels) => {
            run.inputs_known = Inputs::Declared;
            run.inputs = channels.iter().filter_map(channel).collect();
        }
        None => run.inputs = parameters().flat_map(|(key, value)| hinted_inputs(key, value)).collect(),
    }
    run.inputs.extend(parameters().filter_map(|(key, value)| base_model(key, value)));
    run.params.extend(hyperparameters.iter().map(|(key, value)| ((*key).to_owned(), value.as_ref().to_owned())));
}

fn channel(channel: &Value) -> Option<Io> {
    let name = text(channel, &["channelName"]).unwrap_or_default().to_ascii_lowercase();
    let source = at(channel, &["dataSource"])?;
    let mut asset = s3_source(source).or_else(|| file_system(source))?;
    // A channel of this name or content type holds the artifact of an earlier training.
    if matches!(name.as_str(), "model" | "pretrained_model")
        || text(channel, &["contentType"]) == Some("application/x-sagemaker-model")
    {
        asset.asset_type = AssetType::Model;
    }
    let mut io = Io::new(asset);
    io.context = Some(match name.as_str() {
        "train" => "training".to_owned(),
        "eval" | "val" => "validation".to_owned(),
        _ => name,
    });
    Some(io)
}

fn s3_source(source: &Value) -> Option<AssetRef> {
    let s3 = at(source, &["s3DataSource"])?;
    let mut asset = data_at(text(s3, &["s3Uri"])?);
    if text(s3, &["s3DataType"]).is_some_and(|t| t.ends_with("ManifestFile")) {
        asset.asset_type = AssetType::File;
    }
    Some(asset)
}

fn file_system(source: &Value) -> Option<AssetRef> {
    let source = at(source, &["fileSystemDataSource"])?;
    let scheme = text(source, &["fileSystemType"]).unwrap_or("fs").to_ascii_lowercase();
    let id = text(source, &["fileSystemId"])?;
    let path = text(source, &["directoryPath"]).unwrap_or("/");
    Some(AssetRef::from_uri(AssetType::Dataset, &format!("{scheme}://{id}/{}", path.trim_start_matches('/'))))
}

/// The artifact that a training job writes if it ends well.
fn expected_model(job: &Value, name: &str) -> Option<AssetRef> {
    let output = at(job, &["outputDataConfig"])?;
    let set = |key| at(output, &[key]) == Some(&Value::Bool(true));
    // With either option the artifact is not at the usual place; the state change names it.
    if set("disableModelUpload") || set("removeJobNameFromS3OutputPath") {
        return None;
    }
    let path = text(output, &["s3OutputPath"])?.trim_end_matches('/');
    Some(AssetRef::from_uri(AssetType::Model, &format!("{path}/{name}/output/model.tar.gz")))
}

fn processing_job(call: &Call<'_>) -> Option<RunInfo> {
    let name = text(call.request, &["processingJobName"])?;
    let mut run = sagemaker_run(call, "PROCESSING", name, text(call.response, &["processingJobArn"]), RunState::Start);
    run.started_at = call.time;
    run.image = text(call.request, &["appSpecification", "imageUri"]).map(str::to_owned);
    let io = |io: &Value, location: &[&str], name: &str| {
        let context = text(io, &[name]).map(str::to_ascii_lowercase);
        text(io, location).map(|uri| Io { context, ..Io::new(data_at(uri)) })
    };
    if let Some(inputs) = at(call.request, &["processingInputs"]).and_then(Value::as_array) {
        run.inputs_known = Inputs::Declared;
        // The script that runs comes as an input called `code`.
        let data = inputs.iter().filter(|input| text(input, &["inputName"]) != Some("code"));
        run.inputs = data.filter_map(|input| io(input, &["s3Input", "s3Uri"], "inputName")).collect();
    }
    let outputs = items(call.request, &["processingOutputConfig", "outputs"]);
    run.outputs = outputs.iter().filter_map(|output| io(output, &["s3Output", "s3Uri"], "outputName")).collect();
    Some(run)
}

fn transform_job(call: &Call<'_>) -> Option<RunInfo> {
    let name = text(call.request, &["transformJobName"])?;
    let arn = text(call.response, &["transformJobArn"]);
    let mut run = sagemaker_run(call, "TRANSFORM", name, arn, RunState::Start);
    run.started_at = call.time;
    if let Some(input) = at(call.request, &["transformInput", "dataSource"]).and_then(s3_source) {
        run.inputs_known = Inputs::Declared;
        run.inputs.push(Io::new(input));
    }
    if let Some(model) = text(call.request, &["modelName"]) {
        run.inputs.push(Io::new(call.owner(arn).asset(AssetType::Model, "model", model)));
    }
    let output = text(call.request, &["transformOutput", "s3OutputPath"]);
    run.outputs.extend(output.map(|uri| Io::new(data_at(uri))));
    Some(run)
}

fn create_model(call: &Call<'_>) -> Option<Vec<Statement>> {
    let name = text(call.request, &["modelName"])?;
    let owner = call.owner(text(call.response, &["modelArn"]));
    let model = owner.asset(AssetType::Model, "model", name);
    let containers = items(call.request, &["containers"]).iter().chain(at(call.request, &["primaryContainer"]));
    Some(model_of_containers(model, containers, &owner))
}

fn create_model_package(call: &Call<'_>) -> Option<Vec<Statement>> {
    let arn = text(call.response, &["modelPackageArn"]);
    let names = ["modelPackageName", "modelPackageGroupName"];
    let name = arn.or_else(|| names.iter().find_map(|key| text(call.request, &[key])))?;
    let owner = call.owner(arn);
    let containers = items(call.request, &["inferenceSpecification", "containers"]).iter();
    Some(model_of_containers(owner.model_package(name), containers, &owner))
}

/// A model and where its containers take their weights from.
fn model_of_containers<'a>(
    model: AssetRef,
    containers: impl Iterator<Item = &'a Value>,
    owner: &Owner,
) -> Vec<Statement> {
    let mut links = Vec::new();
    for container in containers {
        let artifact = text(container, &["modelDataUrl"])
            .or_else(|| text(container, &["modelDataSource", "s3DataSource", "s3Uri"]))
            .map(|uri| AssetRef::from_uri(AssetType::Model, uri));
        let package = text(container, &["modelPackageName"]).map(|name| owner.model_package(name));
        let explicit = artifact.into_iter().chain(package);
        links.extend(explicit.map(|src| link(src, &model, EdgeType::Derived, Evidence::Explicit)));
        let named = pairs(container, &["environment"]);
        let declared = named.iter().filter_map(|(key, value)| base_model(key, value));
        links.extend(declared.map(|io| link(io.asset, &model, EdgeType::Derived, Evidence::Declared)));
    }
    let mut statements = vec![Statement::Asset(model)];
    statements.append(&mut links);
    statements
}

fn create_endpoint_config(call: &Call<'_>) -> Option<Vec<Statement>> {
    let name = text(call.request, &["endpointConfigName"])?;
    let owner = call.owner(text(call.response, &["endpointConfigArn"]));
    let config = owner.asset(AssetType::Deployment, "endpoint-config", name);
    let variants = ["productionVariants", "shadowProductionVariants"];
    let variants = variants.iter().flat_map(|key| items(call.request, &[key]));
    let links = variants.filter_map(|variant| text(variant, &["modelName"])).map(|model| {
        let model = owner.asset(AssetType::Model, "model", model);
        link(model, &config, EdgeType::DeployedAs, Evidence::Explicit)
    });
    Some(std::iter::once(Statement::Asset(config.clone())).chain(links).collect())
}

/// An endpoint and the configuration it runs, as the call or the state change names them.
fn endpoint(named: &Value, call: &Call<'_>) -> Option<Vec<Statement>> {
    let name = text(named, &["endpointName"])?;
    let arn = text(call.response, &["endpointArn"]).or_else(|| text(named, &["endpointArn"]));
    let owner = call.owner(arn);
    let endpoint = owner.asset(AssetType::Deployment, "endpoint", name);
    let mut statements = vec![Statement::Asset(endpoint.clone())];
    if let Some(config) = text(named, &["endpointConfigName"]) {
        let config = owner.asset(AssetType::Deployment, "endpoint-config", config);
        statements.push(link(config, &endpoint, EdgeType::DeployedAs, Evidence::Explicit));
    }
    Some(statements)
}

fn invoke_endpoint(call: &Call<'_>, event: &mut Event) {
    event.kind = EventKind::Access;
    if let Some(name) = text(call.request, &["endpointName"]) {
        let endpoint = call.owner(None).asset(AssetType::Deployment, "endpoint", name);
        event.statements.push(call.access(AccessAction::Invoke, endpoint));
    }
}

// EventBridge.

fn state_change(document: &Value, kind: &str, key: EventKey) -> Result<Event, DecodeError> {
    let detail = document.get("detail").ok_or_else(|| DecodeError::missing(NAME, "detail"))?;
    let mut event = Event::new(key, NAME, EventKind::Audit);
    event.event_type = Some(kind.to_owned());
    event.event_time = instant(document, &["time"]).or_else(|| instant(detail, &["lastModifiedTime"]));
    // AWS documents `source` both as a string and as a list of one.
    let source = document.get("source").map(|s| s.get(0).unwrap_or(s));
    event.producer = source.and_then(Value::as_str).map(str::to_owned);
    let call =
        Call { record: document, request: detail, response: &Value::Null, time: event.event_time, error_code: None };
    match kind {
        "SageMaker Training Job State Change" => run(&mut event, None, || training_state(&call, detail)),
        "SageMaker Model Package State Change" => {
            made(&mut event, EventKind::Model, model_package_state(&call, detail));
        }
        "SageMaker Model State Change" => made(&mut event, EventKind::Model, None),
        "SageMaker Endpoint State Change" => {
            made(&mut event, EventKind::Deployment, endpoint(detail, &call));
        }
        _ => {}
    }
    Ok(event)
}

fn training_state(call: &Call<'_>, detail: &Value) -> Option<RunInfo> {
    let name = text(detail, &["trainingJobName"])?;
    let state = match text(detail, &["trainingJobStatus"]).unwrap_or_default() {
        "Completed" => RunState::Complete,
        "Failed" => RunState::Fail,
        "Stopped" => RunState::Abort,
        "InProgress" | "Stopping" => RunState::Running,
        _ => RunState::Other,
    };
    let mut run = sagemaker_run(call, "TRAINING", name, text(detail, &["trainingJobArn"]), state);
    run.started_at = instant(detail, &["trainingStartTime"]).or_else(|| instant(detail, &["creationTime"]));
    run.ended_at = instant(detail, &["trainingEndTime"]);
    describe_training(&mut run, detail);
    let artifact = text(detail, &["modelArtifacts", "s3ModelArtifacts"]);
    let model = artifact.map(|uri| AssetRef::from_uri(AssetType::Model, uri));
    let hopeful = matches!(state, RunState::Complete | RunState::Running);
    let model = model.or_else(|| expected_model(detail, name).filter(|_| hopeful));
    run.outputs.extend(model.map(Io::new));
    Some(run)
}

fn model_package_state(call: &Call<'_>, detail: &Value) -> Option<Vec<Statement>> {
    let arn = text(detail, &["modelPackageArn"]);
    let name = arn.or_else(|| text(detail, &["modelPackageGroupName"]))?;
    let owner = call.owner(arn);
    let containers = items(detail, &["inferenceSpecification", "containers"]).iter();
    Some(model_of_containers(owner.model_package(name), containers, &owner))
}

// Bedrock.

fn bedrock(call: &Call<'_>, name: &str, event: &mut Event) {
    match name {
        "CreateModelCustomizationJob" => run(event, call.error_code, || customization_job(call)),
        "InvokeModel"
        | "InvokeModelWithResponseStream"
        | "InvokeModelWithBidirectionalStream"
        | "Converse"
        | "ConverseStream" => {
            event.kind = EventKind::Access;
            if let Some(id) = text(call.request, &["modelId"]) {
                event.statements.push(call.access(AccessAction::Invoke, bedrock_model(call, id)));
            }
        }
        _ => {}
    }
}

/// A Bedrock model by its id or ARN. Foundation models are called by their id alone.
fn bedrock_model(call: &Call<'_>, id: &str) -> AssetRef {
    let resource = arn_resource(id).unwrap_or(id);
    let name = resource.strip_prefix("foundation-model/").unwrap_or(resource);
    AssetRef::new(AssetType::Model, &format!("bedrock://{}", call.owner(Some(id)).region), name)
}

fn customization_job(call: &Call<'_>) -> Option<RunInfo> {
    let name = text(call.request, &["jobName"])?;
    let arn = text(call.response, &["jobArn"]);
    let owner = call.owner(arn);
    let job = JobRef { namespace: format!("bedrock://{}/{}", owner.region, owner.account), name: name.to_owned() };
    let mut run = RunInfo::new(arn.unwrap_or(name), job, RunState::Start);
    run.integration = Some("BEDROCK".to_owned());
    run.job_type = Some("TRAINING".to_owned());
    run.started_at = call.time;
    if let Some(role) = text(call.request, &["roleArn"]) {
        run.principal = Some(role.to_owned());
        run.params.insert("roleArn".to_owned(), role.to_owned());
    }
    let hyperparameters = pairs(call.request, &["hyperParameters"]);
    run.params.extend(hyperparameters.into_iter().map(|(key, value)| (key.to_owned(), value.into_owned())));

    let data = |uri: &str, context: &str| Io { context: Some(context.to_owned()), ..Io::new(data_at(uri)) };
    if let Some(uri) = text(call.request, &["trainingDataConfig", "s3Uri"]) {
        run.inputs_known = Inputs::Declared;
        run.inputs.push(data(uri, "training"));
    }
    let validators = items(call.request, &["validationDataConfig", "validators"]).iter();
    run.inputs.extend(validators.filter_map(|v| text(v, &["s3Uri"])).map(|uri| data(uri, "validation")));
    if let Some(base) = text(call.request, &["baseModelIdentifier"]) {
        run.inputs.push(Io { context: Some("base_model".to_owned()), ..Io::new(bedrock_model(call, base)) });
    }
    if let Some(model) = text(call.request, &["customModelName"]) {
        let namespace = format!("bedrock://{}", owner.region);
        run.outputs.push(Io::new(AssetRef::new(AssetType::Model, &namespace, model)));
    }
    Some(run)
}

// S3.

fn s3(call: &Call<'_>, name: &str, event: &mut Event) {
    let statements = match name {
        "GetObject" | "HeadObject" | "SelectObjectContent" => accessed(call, AccessAction::Read),
        "PutObject" | "CompleteMultipartUpload" | "PostObject" => accessed(call, AccessAction::Write),
        "CopyObject" => copied(call),
        "DeleteObject" => removed(call),
        "DeleteObjects" => removed_many(call),
        "ListObjects" | "ListObjectsV2" | "ListObjectVersions" => listed(call),
        _ => return,
    };
    event.kind = EventKind::Access;
    event.statements = statements;
}

fn accessed(call: &Call<'_>, action: AccessAction) -> Vec<Statement> {
    object_of(call, action).map(|asset| call.access(action, asset)).into_iter().collect()
}

/// The object that a call is about, with the version and content it read or wrote.
fn object_of(call: &Call<'_>, action: AccessAction) -> Option<AssetRef> {
    let mut asset = named_object(call)?;
    // The answer to a deletion names the marker that was put in place of the object, not what was deleted.
    let version = match action {
        AccessAction::Write => scalar(call.response, &["x-amz-version-id"]),
        _ => scalar(call.request, &["versionId"]),
    };
    // S3 calls the version of an object in a bucket without versioning `null`.
    if let Some(version) = version.filter(|v| v != "null") {
        asset = asset.at(VersionScheme::S3VersionId, version);
    }
    asset.content_sha256 = [call.request, call.response].into_iter().find_map(checksum);
    Some(asset)
}

fn named_object(call: &Call<'_>) -> Option<AssetRef> {
    let bucket = text(call.request, &["bucketName"]);
    match (bucket, text(call.request, &["key"])) {
        (Some(bucket), Some(key)) if !bucket.starts_with("arn:") => Some(s3_file(bucket, key)),
        // Called through an access point: the resources name the bucket behind it.
        _ => resources(call).next(),
    }
}

fn resources<'a>(call: &Call<'a>) -> impl Iterator<Item = AssetRef> + use<'a> {
    let objects = items(call.record, &["resources"]).iter().filter(|r| text(r, &["type"]) == Some("AWS::S3::Object"));
    objects.filter_map(|resource| {
        let (bucket, key) = text(resource, &["ARN"])?.strip_prefix("arn:aws:s3:::")?.split_once('/')?;
        (!key.is_empty()).then(|| s3_file(bucket, key))
    })
}

fn s3_file(bucket: &str, key: &str) -> AssetRef {
    AssetRef::new(AssetType::File, &format!("s3://{bucket}"), &percent_decoded(key))
}

/// SHA-256 of a whole object, in base64. That of a multipart upload (`...=-3`) is a hash of hashes and is left out.
fn checksum(parameters: &Value) -> Option<[u8; 32]> {
    let encoded = text(parameters, &["x-amz-checksum-sha256"])?;
    base64::engine::general_purpose::STANDARD.decode(encoded).ok()?.try_into().ok()
}

fn copied(call: &Call<'_>) -> Vec<Statement> {
    let Some(written) = object_of(call, AccessAction::Write) else { return Vec::new() };
    let source = text(call.request, &["x-amz-copy-source"]).and_then(copy_source);
    let mut statements = vec![call.access(AccessAction::Write, written.clone())];
    if let Some(source) = source {
        statements.insert(0, call.access(AccessAction::Read, source.clone()));
        if call.error_code.is_none() {
            statements.push(link(source, &written, EdgeType::CopyOf, Evidence::Explicit));
        }
    }
    statements
}

/// The object in `bucket/key?versionId=id`, URL-encoded, with or without a slash in front.
fn copy_source(source: &str) -> Option<AssetRef> {
    let (path, version) = match source.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (source, None),
    };
    let path = percent_decoded(path.trim_start_matches('/'));
    let (bucket, key) = path.split_once('/').filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())?;
    let asset = AssetRef::new(AssetType::File, &format!("s3://{bucket}"), key);
    Some(match version {
        Some(version) if version != "null" => asset.at(VersionScheme::S3VersionId, version),
        _ => asset,
    })
}

fn removed(call: &Call<'_>) -> Vec<Statement> {
    let Some(asset) = object_of(call, AccessAction::Delete) else { return Vec::new() };
    // With a version id only that version goes; without one the object is gone for its readers.
    let whole = text(call.request, &["versionId"]).is_none();
    let gone = AssetRef { version: None, content_sha256: None, ..asset.clone() };
    let mut statements = vec![call.access(AccessAction::Delete, asset)];
    if whole && call.error_code.is_none() {
        statements.push(Statement::Dropped(gone));
    }
    statements
}

/// The keys of a batch are in the resources, if anywhere; the bucket is known in any case.
fn removed_many(call: &Call<'_>) -> Vec<Statement> {
    let mut assets: Vec<AssetRef> = resources(call).collect();
    if assets.is_empty() {
        let bucket =
            text(call.request, &["bucketName"]).map(|b| AssetRef::new(AssetType::Dataset, &format!("s3://{b}"), "/"));
        assets.extend(named_object(call).or(bucket));
    }
    assets.into_iter().map(|asset| call.access(AccessAction::Delete, asset)).collect()
}

fn listed(call: &Call<'_>) -> Vec<Statement> {
    let Some(bucket) = text(call.request, &["bucketName"]) else { return Vec::new() };
    let prefix = text(call.request, &["prefix"]).unwrap_or("/");
    let asset = AssetRef::new(AssetType::Dataset, &format!("s3://{bucket}"), &percent_decoded(prefix));
    vec![call.access(AccessAction::List, asset)]
}

//! What an event says about the world, in one vocabulary for all wire formats.
//!
//! Statements are claims, not facts: each carries what its producer said. Binding reads to versions, resolving
//! names and deciding what is current is the store's work.

use crate::{AssetRef, Signature, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One claim of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Statement {
    /// A run happened: its job, state, inputs and outputs. Statements of one run accumulate.
    Run(Box<RunInfo>),
    /// A job exists and declares these inputs and outputs; replaces what the job declared before.
    Job(Box<JobInfo>),
    /// An asset exists (with this version, content or schema).
    Asset(AssetRef),
    /// An asset was dropped or deleted.
    Dropped(AssetRef),
    /// Two names mean one asset: the first is an alias of the second.
    Alias(AssetRef, AssetRef),
    /// One asset came from another, said directly.
    Link(Link),
    /// An asset has this many members in all: those that this event, or others of the same scan, link to it.
    Members(AssetRef, i64),
    /// An asset comes from others, said without a run; replaces what was declared of it before.
    Sources(Box<DeclaredSources>),
    /// A principal read, wrote, listed or deleted an asset.
    Access(Access),
    /// Somebody found sensitive data in an asset.
    Finding(DataFinding),
    /// What somebody declares of an asset is this and no more: what they declared before holds no longer.
    Declared(Declaration),
    /// Where in an asset the records of people are, by keyed fingerprint.
    Indexed(Indexed),
    /// What the content of an asset is like.
    Signed(Box<Signed>),
    /// Somebody who may say so trusts a kind of masking to take tags away.
    Clearing(ClearingPolicy),
}

/// A job's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobRef {
    /// Where the job is scheduled, as `sagemaker://eu-central-1/123456789012`.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

/// State of a run, as OpenLineage names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunState {
    /// Something was said of the run without a change of state.
    Other,
    /// It began.
    Start,
    /// It goes on.
    Running,
    /// It was stopped.
    Abort,
    /// It failed.
    Fail,
    /// It ended well.
    Complete,
}

impl RunState {
    /// The name used in tables, as `COMPLETE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "OTHER",
            Self::Start => "START",
            Self::Running => "RUNNING",
            Self::Abort => "ABORT",
            Self::Fail => "FAIL",
            Self::Complete => "COMPLETE",
        }
    }
}

/// What is known of the inputs of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inputs {
    /// The list is what the producer declares; an empty list means "reads nothing".
    Declared,
    /// The producer says nothing of inputs: the list (hints, if any) is not complete. A gap.
    Unknown,
}

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The producer's id of the run, not always a UUID.
    pub run_id: String,
    /// The job it is a run of.
    pub job: JobRef,
    /// Producer of the metadata: `SPARK`, `AIRFLOW`, `SAGEMAKER`, `MLFLOW`, ...
    pub integration: Option<String>,
    /// `TRAINING`, `QUERY`, `TASK`, `DAG`, ...
    pub job_type: Option<String>,
    /// `BATCH` or `STREAMING`.
    pub processing_type: Option<String>,
    /// State this statement reports.
    pub state: RunState,
    /// Start, where the event says it.
    pub started_at: Option<Timestamp>,
    /// End, where the event says it.
    pub ended_at: Option<Timestamp>,
    /// Nominal (scheduled) start.
    pub nominal_start: Option<Timestamp>,
    /// Nominal (scheduled) end.
    pub nominal_end: Option<Timestamp>,
    /// Run that started this one.
    pub parent_run_id: Option<String>,
    /// Outermost run.
    pub root_run_id: Option<String>,
    /// Who or what ran it: an ARN, a user name.
    pub principal: Option<String>,
    /// Commit of the code that ran.
    pub git_sha: Option<String>,
    /// Image that ran, with its digest where known.
    pub image: Option<String>,
    /// Parameters as text.
    pub params: BTreeMap<String, String>,
    /// What `inputs` is worth.
    pub inputs_known: Inputs,
    /// What it reads.
    pub inputs: Vec<Io>,
    /// What it writes.
    pub outputs: Vec<Io>,
    /// Where single outputs come from, where the event says that of them alone. It takes precedence over `columns`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Sources>,
    /// Column lineage between inputs and outputs, where the event gives it; it takes precedence over membership.
    pub columns: Vec<ColumnMapping>,
}

impl RunInfo {
    /// A run of which only the id, the job and the state are known.
    pub fn new(run_id: impl Into<String>, job: JobRef, state: RunState) -> Self {
        Self {
            run_id: run_id.into(),
            job,
            integration: None,
            job_type: None,
            processing_type: None,
            state,
            started_at: None,
            ended_at: None,
            nominal_start: None,
            nominal_end: None,
            parent_run_id: None,
            root_run_id: None,
            principal: None,
            git_sha: None,
            image: None,
            params: BTreeMap::new(),
            inputs_known: Inputs::Unknown,
            inputs: Vec::new(),
            outputs: Vec::new(),
            sources: Vec::new(),
            columns: Vec::new(),
        }
    }
}

/// An input or output of a run or job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Io {
    /// The asset.
    pub asset: AssetRef,
    /// `training`, `validation`, `test`, `feedback`, or the producer's channel name.
    pub context: Option<String>,
    /// The subset facet, as JSON.
    pub subset: Option<String>,
    /// How the producer knows.
    pub evidence: Evidence,
    /// Rows that were read, where the producer counts them: a part of what there is, perhaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<i64>,
    /// Bytes that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
}

impl Io {
    /// An input or output without context, by membership.
    pub fn new(asset: AssetRef) -> Self {
        Self { asset, context: None, subset: None, evidence: Evidence::IoMembership, row_count: None, size_bytes: None }
    }
}

/// A job as declared without a run (OpenLineage `JobEvent`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobInfo {
    /// The job.
    pub job: JobRef,
    /// As in [`RunInfo::integration`].
    pub integration: Option<String>,
    /// As in [`RunInfo::job_type`].
    pub job_type: Option<String>,
    /// As in [`RunInfo::processing_type`].
    pub processing_type: Option<String>,
    /// Where its source code is.
    pub source_code_url: Option<String>,
    /// What `inputs` is worth.
    pub inputs_known: Inputs,
    /// Declared inputs.
    pub inputs: Vec<Io>,
    /// Declared outputs.
    pub outputs: Vec<Io>,
    /// As in [`RunInfo::sources`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Sources>,
    /// As in [`RunInfo::columns`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnMapping>,
}

/// Where an asset comes from: from these and from nothing else; from nothing that is known where there are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// The asset.
    pub output: AssetRef,
    /// What it comes from.
    pub inputs: Vec<AssetRef>,
}

/// Where an asset comes from, said without a run (OpenLineage `DatasetEvent`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeclaredSources {
    /// The asset and what it comes from.
    pub sources: Sources,
    /// How that is known.
    pub evidence: Evidence,
    /// Which of its columns come from which of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnMapping>,
}

/// What an edge of the lineage graph means. Data flows from source to destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EdgeType {
    /// Made from.
    Derived,
    /// A model was trained on data.
    TrainedOn,
    /// A model was evaluated on data; data does not flow into the weights.
    EvaluatedOn,
    /// A model was tuned from a base model.
    FineTunedFrom,
    /// An adapter of a base model.
    AdapterOf,
    /// A quantised form of a model.
    QuantizedFrom,
    /// One of several models merged into one.
    MergedFrom,
    /// A member (file, shard) of a data set; the member is the source.
    Contains,
    /// The same bytes under another name.
    CopyOf,
    /// Nearly the same records, verified.
    NearDuplicate,
    /// Embedded into an index.
    EmbeddedInto,
    /// A model served by a deployment.
    DeployedAs,
}

impl EdgeType {
    /// The name used in tables, as `TRAINED_ON`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Derived => "DERIVED",
            Self::TrainedOn => "TRAINED_ON",
            Self::EvaluatedOn => "EVALUATED_ON",
            Self::FineTunedFrom => "FINE_TUNED_FROM",
            Self::AdapterOf => "ADAPTER_OF",
            Self::QuantizedFrom => "QUANTIZED_FROM",
            Self::MergedFrom => "MERGED_FROM",
            Self::Contains => "CONTAINS",
            Self::CopyOf => "COPY_OF",
            Self::NearDuplicate => "NEAR_DUPLICATE",
            Self::EmbeddedInto => "EMBEDDED_INTO",
            Self::DeployedAs => "DEPLOYED_AS",
        }
    }

    /// What a model is to its base, by the word for it that Hugging Face's model cards have (`base_model_relation`); tuned
    /// from it where there is none.
    pub fn of_base(relation: Option<&str>) -> Self {
        let is = |word: &str| relation.is_some_and(|relation| relation.eq_ignore_ascii_case(word));
        match () {
            () if is("adapter") => Self::AdapterOf,
            () if is("quantized") => Self::QuantizedFrom,
            () if is("merge") => Self::MergedFrom,
            () => Self::FineTunedFrom,
        }
    }
}

/// How an edge is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Evidence {
    /// Said of exactly these two assets.
    Explicit,
    /// From column lineage.
    Column,
    /// Both belong to one run, as input and output.
    IoMembership,
    /// As membership, and the version read was inferred from time.
    VersionInferred,
    /// Equal content.
    ContentMatch,
    /// Declared by a person or in free parameters (a model card, a parameter, an environment variable).
    Declared,
    /// Entered by hand.
    Manual,
}

impl Evidence {
    /// The name used in tables, as `IO_MEMBERSHIP`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Explicit => "EXPLICIT",
            Self::Column => "COLUMN",
            Self::IoMembership => "IO_MEMBERSHIP",
            Self::VersionInferred => "VERSION_INFERRED",
            Self::ContentMatch => "CONTENT_MATCH",
            Self::Declared => "DECLARED",
            Self::Manual => "MANUAL",
        }
    }

    /// How far an edge with this evidence is believed, 0 to 1.
    pub fn confidence(self) -> f32 {
        match self {
            Self::Explicit | Self::ContentMatch | Self::Manual => 1.0,
            Self::Column => 0.95,
            Self::IoMembership => 0.9,
            Self::VersionInferred => 0.7,
            Self::Declared => 0.5,
        }
    }
}

/// One asset came from another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Where the data comes from.
    pub src: AssetRef,
    /// Where it goes.
    pub dst: AssetRef,
    /// What the link means.
    pub edge_type: EdgeType,
    /// How it is known.
    pub evidence: Evidence,
}

/// All that one producer declares of an asset now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// The asset.
    pub asset: AssetRef,
    /// As in [`DataFinding::detector`].
    pub detector: String,
    /// Who declares it, as in [`DataFinding::detector_version`] of what they declare.
    pub producer: Option<String>,
    /// Field and entity of each declared finding.
    pub findings: Vec<(Option<String>, String)>,
}

/// Kind of dependency between two columns, as in OpenLineage's column lineage facet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MappingType {
    /// Values flow.
    Direct,
    /// Values influence (filter, join, group, sort).
    Indirect,
}

/// A column of an output depends on a column of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnMapping {
    /// Index into the run's inputs, or `None` where the input is named only here (see `src`).
    pub src: AssetRef,
    /// Input column.
    pub src_field: String,
    /// The output asset.
    pub dst: AssetRef,
    /// Output column; `None` for a dependency of the whole data set.
    pub dst_field: Option<String>,
    /// Direct or indirect.
    pub mapping: MappingType,
    /// `IDENTITY`, `TRANSFORMATION`, `AGGREGATION`, `JOIN`, `FILTER`, ..., verbatim.
    pub subtype: Option<String>,
    /// The producer says the values are masked.
    pub masking: bool,
    /// The producer's words.
    pub description: Option<String>,
}

/// What a principal did with an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessAction {
    /// Read its data.
    Read,
    /// Wrote its data.
    Write,
    /// Listed it.
    List,
    /// Deleted it.
    Delete,
    /// Called it (a model or endpoint).
    Invoke,
}

/// An access seen in an audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// Who: an ARN, an e-mail address, a user name.
    pub principal: Option<String>,
    /// The role assumed, where there is one.
    pub role: Option<String>,
    /// What was done.
    pub action: AccessAction,
    /// To what.
    pub asset: AssetRef,
    /// Bytes moved.
    pub bytes: Option<i64>,
    /// The call failed or was denied with this code.
    pub error_code: Option<String>,
}

/// Who saw the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingOrigin {
    /// Lineward's own scan of the bytes.
    Scan,
    /// Another product's report (Macie, Purview, Sensitive Data Protection).
    Imported,
    /// Somebody's declaration (a tag, a label, a card).
    Declared,
}

/// Sensitive data of one kind in one asset (or one field of it). Counts only: no value, ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataFinding {
    /// Where.
    pub asset: AssetRef,
    /// Which field, where known.
    pub field: Option<String>,
    /// Entity in Presidio's vocabulary (`US_SSN`), or the producer's own type name where none maps.
    pub entity: String,
    /// Any of `pii`, `phi`, `credential`, `financial`.
    pub categories: Vec<String>,
    /// Detector id: ours (`us-ssn`), or the producer's prefixed (`macie:USA_SOCIAL_SECURITY_NUMBER`).
    pub detector: String,
    /// Version of the detector or rule set.
    pub detector_version: Option<String>,
    /// Occurrences.
    pub match_count: i64,
    /// Distinct values, where known.
    pub distinct_count: Option<i64>,
    /// 0 to 1.
    pub confidence: f32,
    /// Share of the bytes that were looked at, 0 to 1.
    pub coverage: f32,
    /// Who saw it.
    pub origin: FindingOrigin,
    /// The policy or rule that matched at the producer.
    pub policy: Option<String>,
    /// The producer's severity, verbatim.
    pub severity: Option<String>,
    /// What the values of the field are like, where a scan looked at them one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ColumnProfile>,
}

/// How many values of a field something was found in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Values that were looked at.
    pub value_count: i64,
    /// Values among them in which it was found.
    pub matched_values: i64,
    /// What their share says of the field: `column`, `some`, `chance`.
    pub verdict: Option<String>,
}

/// The signature of an asset's content, by which near copies of it are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signed {
    /// The data set or file.
    pub asset: AssetRef,
    /// Its signature.
    pub signature: Signature,
}

/// Places of people's records in one asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Indexed {
    /// The file or shard.
    pub asset: AssetRef,
    /// The places.
    pub records: Vec<IndexedRecord>,
}

/// A place at which a value that names a person was found. The value itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexedRecord {
    /// Keyed fingerprint of the value, `KEYID:HEX`.
    pub subject: String,
    /// Kind of value, as `US_SSN`.
    pub entity: String,
    /// Row group of a Parquet file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_group: Option<i32>,
    /// Record number, from 0; 0 in text without records.
    pub row: i64,
    /// First byte of the value in its field or text.
    pub byte_offset: i64,
    /// Bytes of the value.
    pub byte_len: i32,
}

/// Contexts of data that a model is measured on rather than fitted to.
const EVALUATION: [&str; 7] = ["eval", "evaluation", "test", "testing", "val", "valid", "validation"];

/// Whether data in this context (see [`Io::context`]) is only measured on, so that none of it goes into the weights.
pub fn is_evaluation(context: &str) -> bool {
    EVALUATION.iter().any(|word| context.eq_ignore_ascii_case(word))
}

/// Which tags a kind of masking transformation takes away. A transformation that no policy lists takes nothing away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearingPolicy {
    /// Name of the policy: one of the same name takes its place.
    pub name: String,
    /// Tags in upper case: families (`PII`) with all their entities, or entities (`US_SSN`, `PII.US_SSN`).
    pub tags: Vec<String>,
    /// Subtype of the transformation, with `*`.
    pub subtype: Option<String>,
    /// Description of the transformation, with `*`.
    pub description: Option<String>,
    /// Source columns that hold nothing of it and may pass unmasked, with `*`.
    pub beside: Vec<String>,
    /// Job that is believed, `namespace/name` with `*`.
    pub job: Option<String>,
    /// For data made from this time on.
    pub valid_from: Option<Timestamp>,
    /// For data made before this time.
    pub valid_to: Option<Timestamp>,
}

//! The rows of the store's tables: one struct a table, one place that says what a column means.
//!
//! Tables are append-only. A row says what held from its `recorded_at` on; a later row with the same key and a higher
//! `revision` takes its place, and one with `retracted_at` set takes it away. So every table answers both "what was true
//! at" (`valid_from`, `valid_to`, event times) and "what did we know at" (`recorded_at`). Times are microseconds since
//! the Unix epoch, UTC. Delta has no unsigned and no fixed-size types, hence `i64` and binary.

use crate::bytes::{Bytes, Hash};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Microseconds since the epoch, UTC.
pub type Micros = i64;

/// One of a few fixed words. Rows that are made here borrow it from the program and hold no copy.
pub type Word = Cow<'static, str>;

/// When Lineward learned a row, and from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// When it was recorded: the receipt of the event that says it.
    pub recorded_at: Micros,
    /// When it was found not to hold; the row then takes its predecessors away.
    pub retracted_at: Option<Micros>,
    /// The event that says it.
    pub event_key: Hash,
    /// Counts the rows of one key, from 0.
    pub revision: i64,
}

/// A table row: which table, which key, which bookkeeping.
pub trait Row: Serialize + for<'de> Deserialize<'de> + Clone + PartialEq + Send + Sync + 'static {
    /// Name of the table.
    const TABLE: &'static str;
    /// What identifies a fact over its revisions.
    type Key: std::hash::Hash + Eq + Ord + Clone + Send;
    /// The key of this row.
    fn key(&self) -> Self::Key;
    /// The bookkeeping of this row.
    fn recorded(&self) -> &Recorded;
    /// The bookkeeping of this row.
    fn recorded_mut(&mut self) -> &mut Recorded;
}

macro_rules! row {
    ($type:ident, $table:literal, $key:ty, |$row:ident| $by:expr) => {
        impl Row for $type {
            const TABLE: &'static str = $table;
            type Key = $key;
            fn key(&self) -> $key {
                let $row = self;
                $by
            }
            fn recorded(&self) -> &Recorded {
                &self.recorded
            }
            fn recorded_mut(&mut self) -> &mut Recorded {
                &mut self.recorded
            }
        }
    };
}

/// An asset: a data set, file, model, deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetRow {
    /// Dense id in the order of first mention, from 0.
    pub asset_id: i64,
    /// As `s3://bucket`.
    pub namespace: String,
    /// As `path/to/data`.
    pub name: String,
    /// `DATASET`, `FILE`, `MODEL`, `DEPLOYMENT`, ...
    pub asset_type: String,
    /// Nearest known asset whose name is a folder above this one's.
    pub parent_asset_id: Option<i64>,
    /// The asset this name is an alias of.
    pub canonical_asset_id: Option<i64>,
    /// Earliest event time that mentions it.
    pub first_seen: Micros,
    /// When it was dropped or deleted.
    pub dropped_at: Option<Micros>,
    /// Schema as JSON (`[{"name","data_type"}]`), where an event gave one.
    pub schema_json: Option<String>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(AssetRow, "assets", i64, |r| r.asset_id);

/// A version of an asset: a node of the lineage graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetVersionRow {
    /// Dense id in the order of first mention, from 0.
    pub version_id: i64,
    /// The asset.
    pub asset_id: i64,
    /// The version, verbatim, or `run:ID`, `initial`, `sha256:HEX` where inferred.
    pub version: String,
    /// `delta`, `s3_version_id`, `content`, `model_version`, `inferred`, ...
    pub version_scheme: Word,
    /// No producer named this version.
    pub inferred: bool,
    /// SHA-256 of a file's content.
    pub content_sha256: Option<Hash>,
    /// Merkle root of a data set's files.
    pub merkle_root: Option<Hash>,
    /// Rows, where known.
    pub row_count: Option<i64>,
    /// Bytes, where known.
    pub size_bytes: Option<i64>,
    /// Files, where known.
    pub file_count: Option<i64>,
    /// The run that wrote it (`run_sid`).
    pub produced_by_run: Option<i64>,
    /// Since when it was the asset's content; the smallest time for a version that was there before it was seen.
    pub valid_from: Micros,
    /// Until when, exclusive.
    pub valid_to: Option<Micros>,
    /// When all its files were listed first, where they were.
    pub listed_at: Option<Micros>,
    /// When it was last declared, without a run, what the version comes from.
    pub declared_at: Option<Micros>,
    /// The fields it has, as whoever wrote or declared it says: a set of `schemas`.
    #[serde(default)]
    pub schema_id: Option<i64>,
    /// When that was said.
    #[serde(default)]
    pub schema_at: Option<Micros>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(AssetVersionRow, "asset_versions", i64, |r| r.version_id);

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Dense id in the order of first mention, from 0.
    pub job_id: i64,
    /// Where it is scheduled.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// `SPARK`, `SAGEMAKER`, ...
    pub integration: Option<String>,
    /// `TRAINING`, `QUERY`, ...
    pub job_type: Option<String>,
    /// `BATCH`, `STREAMING`.
    pub processing_type: Option<String>,
    /// Where its source is.
    pub source_code_url: Option<String>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(JobRow, "jobs", i64, |r| r.job_id);

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// Dense id in the order of first mention, from 0.
    pub run_sid: i64,
    /// The producer's id.
    pub run_id: String,
    /// The job.
    pub job_id: i64,
    /// The run that started it (`run_id`).
    pub parent_run_id: Option<String>,
    /// The outermost run (`run_id`).
    pub root_run_id: Option<String>,
    /// `START`, `RUNNING`, `COMPLETE`, `ABORT`, `FAIL`, `OTHER`.
    pub state: Word,
    /// Start.
    pub started_at: Option<Micros>,
    /// End.
    pub ended_at: Option<Micros>,
    /// Scheduled start.
    pub nominal_start: Option<Micros>,
    /// Scheduled end.
    pub nominal_end: Option<Micros>,
    /// Who ran it.
    pub principal: Option<String>,
    /// Commit of its code.
    pub git_sha: Option<String>,
    /// Image that ran.
    pub image: Option<String>,
    /// Some event declared its inputs (perhaps as none); `false` is a gap.
    pub inputs_known: bool,
    /// Parameters.
    pub params: BTreeMap<String, String>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(RunRow, "runs", i64, |r| r.run_sid);

/// A run read or wrote a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunIoRow {
    /// The run.
    pub run_sid: i64,
    /// The version.
    pub version_id: i64,
    /// `INPUT` or `OUTPUT`.
    pub io: Word,
    /// `training`, `validation`, `test`, ...; empty where none was said.
    pub context: String,
    /// Subset facet, JSON.
    pub subset: Option<String>,
    /// How it is known: `IO_MEMBERSHIP`, `VERSION_INFERRED`, `DECLARED`, ... `EXPLICIT` of an output: the run's edges into it say
    /// where it comes from, all that it reads beside them does not.
    pub evidence: Word,
    /// When the event says it.
    pub event_time: Micros,
    /// Rows that the run read or wrote, where its producer counts them.
    pub row_count: Option<i64>,
    /// Bytes that the run read or wrote.
    pub size_bytes: Option<i64>,
    /// The fields that the run says it found or wrote: a set of `schemas`.
    #[serde(default)]
    pub schema_id: Option<i64>,
    /// When that was said.
    #[serde(default)]
    pub schema_at: Option<Micros>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(RunIoRow, "run_io", RunIoKey, |r| run_io_key(r.run_sid, r.version_id, &r.io, &r.context));

/// Key of a [`RunIoRow`]: run, version, whether it is an output, context.
pub type RunIoKey = (i64, i64, bool, Box<str>);

/// The key of what a run read (`INPUT`) or wrote (`OUTPUT`).
pub fn run_io_key(run_sid: i64, version_id: i64, io: &str, context: &str) -> RunIoKey {
    (run_sid, version_id, io == "OUTPUT", context.into())
}

/// A lineage edge between two versions. Data flows from source to destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeRow {
    /// Dense id in the order of first mention, from 0.
    pub edge_id: i64,
    /// Where the data comes from.
    pub src_version_id: i64,
    /// Where it goes.
    pub dst_version_id: i64,
    /// The run that made it flow.
    pub run_sid: Option<i64>,
    /// `TRAINED_ON`, `DERIVED`, ...
    pub edge_type: Word,
    /// `EXPLICIT`, `CONTENT_MATCH`, ...
    pub evidence: Word,
    /// 0 to 1.
    pub confidence: f32,
    /// The producer says values are masked on the way.
    pub masking: bool,
    /// Tags this edge clears, a bit each.
    pub clear_mask: i64,
    /// Since when.
    pub valid_from: Micros,
    /// Until when, exclusive.
    pub valid_to: Option<Micros>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(EdgeRow, "edges", i64, |r| r.edge_id);

/// Sensitive data seen in a version: counts, never values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingRow {
    /// Dense id, from 0.
    pub finding_id: i64,
    /// Where.
    pub version_id: i64,
    /// Which field.
    pub field: Option<String>,
    /// Kind of thing, as `US_SSN`.
    pub entity: String,
    /// Tag of the entity.
    pub tag_id: i32,
    /// Any of `pii`, `phi`, `credential`, `financial`.
    pub categories: Vec<String>,
    /// Who detected it.
    pub detector: String,
    /// Version of the detector or rule set.
    pub detector_version: Option<String>,
    /// Occurrences.
    pub match_count: i64,
    /// Distinct values, where known.
    pub distinct_count: Option<i64>,
    /// 0 to 1.
    pub confidence: f32,
    /// Share of the bytes looked at, 0 to 1.
    pub coverage: f32,
    /// `scan`, `imported`, `declared`, `stream`.
    pub origin: String,
    /// Policy at the producer.
    pub policy: Option<String>,
    /// Severity at the producer.
    pub severity: Option<String>,
    /// When it was seen.
    pub scanned_at: Micros,
    /// Values of the field that were looked at, where a scan looked at them one by one.
    pub value_count: Option<i64>,
    /// Values among them in which it was found.
    pub matched_values: Option<i64>,
    /// What their share says of the field: `column`, `some`, `chance`.
    pub verdict: Option<String>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(FindingRow, "findings", i64, |r| r.finding_id);

/// A tag: a bit in the masks that travel along lineage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagRow {
    /// Bit, 0 to 63. The four categories are 0 to 3.
    pub tag_id: i32,
    /// `PHI`, `PHI.MEDICAL_RECORD_NUMBER`.
    pub tag: String,
    /// The category.
    pub parent: Option<String>,
    /// Law behind it: `GDPR`, `HIPAA`, `PCI DSS`.
    pub regime: Option<String>,
    /// Travels along lineage.
    pub propagate: bool,
    /// 1 to 5.
    pub severity: i32,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(TagRow, "tags", i32, |r| r.tag_id);

/// A principal touched a version, by an audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessRow {
    /// Dense id, from 0.
    pub access_id: i64,
    /// What.
    pub version_id: i64,
    /// `READ`, `WRITE`, `LIST`, `DELETE`, `INVOKE`.
    pub action: String,
    /// Who.
    pub principal: Option<String>,
    /// Role assumed.
    pub role: Option<String>,
    /// Bytes moved.
    pub bytes: Option<i64>,
    /// Denied or failed with.
    pub error_code: Option<String>,
    /// When.
    pub event_time: Micros,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(AccessRow, "accesses", i64, |r| r.access_id);

/// A field (column) of an asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldRow {
    /// Dense id in the order of first mention, from 0.
    pub field_id: i64,
    /// The asset.
    pub asset_id: i64,
    /// Dotted path.
    pub name: String,
    /// Position in the newest schema that names it, from 0; null for a field that only column lineage names.
    pub ordinal: Option<i32>,
    /// The producer's name of the type.
    pub data_type: Option<String>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(FieldRow, "fields", i64, |r| r.field_id);

/// A field of a schema. Schemas are shared: one that does not change is kept once, however many versions have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaRow {
    /// Names the schema: a hash of what is in it.
    pub schema_id: i64,
    /// Position in it, from 0.
    pub ordinal: i32,
    /// The field.
    pub field_id: i64,
    /// The producer's name of its type.
    pub data_type: Option<String>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(SchemaRow, "schemas", (i64, i32), |r| (r.schema_id, r.ordinal));

/// One member of a set of column mappings. Sets are shared: a job that runs daily has one set and many `run_mappings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnMappingRow {
    /// The set: a hash of its members.
    pub mapping_id: i64,
    /// Position in the set, from 0.
    pub ordinal: i32,
    /// Where the values come from.
    pub src_field_id: i64,
    /// Where they go; null where the data set as a whole depends on the source.
    pub dst_field_id: Option<i64>,
    /// `DIRECT` or `INDIRECT`.
    #[serde(rename = "type")]
    pub mapping_type: Word,
    /// `IDENTITY`, `TRANSFORMATION`, `AGGREGATION`, `JOIN`, `FILTER`, ..., verbatim.
    pub subtype: Option<String>,
    /// The producer says the values are masked.
    pub masking: bool,
    /// Tags this mapping clears, a bit each.
    pub clear_mask: i64,
    /// The producer's words.
    pub description: Option<String>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(ColumnMappingRow, "column_mappings", (i64, i32), |r| (r.mapping_id, r.ordinal));

/// A run (or a declaration) applied a set of column mappings between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMappingRow {
    /// The run; null for what was declared without one.
    pub run_sid: Option<i64>,
    /// The set.
    pub mapping_id: i64,
    /// Where the columns come from.
    pub src_version_id: i64,
    /// Where they go.
    pub dst_version_id: i64,
    /// When the event says it.
    pub event_time: Micros,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(RunMappingRow, "run_mappings", (Option<i64>, i64, i64, i64), |r| (
    r.run_sid,
    r.mapping_id,
    r.src_version_id,
    r.dst_version_id
));

/// A policy. Versions of one name follow each other; each holds for data made in its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// Dense id of the name, from 0.
    pub policy_id: i64,
    /// Name.
    pub name: String,
    /// Version, from 1.
    pub version: i32,
    /// What it does: `CLEAR`.
    pub effect: Word,
    /// Which transformations it is about, as JSON: `subtype`, `description`, `beside`.
    pub expr: String,
    /// Tags it is about, in upper case: a family (`PII`) with its entities, or an entity.
    pub tags: Vec<String>,
    /// Jobs it is about: `namespace/name` with `*`.
    pub applies_to: String,
    /// For data made from this time on.
    pub valid_from: Micros,
    /// For data made before this time.
    pub valid_to: Option<Micros>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(PolicyRow, "policies", (i64, i32), |r| (r.policy_id, r.version));

/// A place at which a value that names a person was found, by keyed fingerprint. Appended only: a version that is
/// indexed twice has its rows twice, so count distinct places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordIndexRow {
    /// `KEYID:HEX`, as the SQL function `fingerprint` makes it; the key lies outside the store.
    pub subject_key: String,
    /// Kind of value, as `US_SSN`.
    pub entity: String,
    /// The version of the file or shard.
    pub version_id: i64,
    /// Row group of a Parquet file.
    pub row_group: Option<i32>,
    /// Record number, from 0.
    pub row: i64,
    /// First byte of the value in its field or text.
    pub byte_offset: i64,
    /// Bytes of the value.
    pub byte_len: i32,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}

/// What the content of a version is like, by which near copies are found. Hashes are keyed: nobody without the key can
/// test whether a text is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignatureRow {
    /// The version.
    pub version_id: i64,
    /// Id of the key of its hashes.
    pub key_id: String,
    /// Version of how it was made.
    pub form: i32,
    /// N-grams of words that were read, repetitions counted.
    pub shingle_count: i64,
    /// The sample is of all distinct n-grams.
    pub complete: bool,
    /// 128 hashes of 2 bytes, least significant byte first.
    pub minhash: Bytes,
    /// The least hashes of all, of 8 bytes each, ascending.
    pub sample: Bytes,
    /// When it was scanned.
    pub scanned_at: Micros,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub recorded: Recorded,
}
row!(SignatureRow, "signatures", SignatureKey, |r| (r.version_id, r.key_id.clone(), r.form));

/// Key of a [`SignatureRow`]: version, id of the key, form.
pub type SignatureKey = (i64, String, i32);

/// An event as received, redacted. The one log that all other tables are projected from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// SHA-256 of the canonical JSON of the payload as stored.
    pub event_key: Hash,
    /// `kafka`, `file`, `scan`.
    pub source: String,
    /// Wire format, as `openlineage`.
    pub format: String,
    /// `run`, `dlp`, `access`, ...
    pub event_kind: String,
    /// The producer's type.
    pub event_type: Option<String>,
    /// When it happened.
    pub event_time: Option<Micros>,
    /// When Lineward received it.
    pub received_at: Micros,
    /// Who made it.
    pub producer: Option<String>,
    /// Schema it names.
    pub schema_url: Option<String>,
    /// Run it is about.
    pub run_id: Option<String>,
    /// Job it is about.
    pub job_namespace: Option<String>,
    /// Job it is about.
    pub job_name: Option<String>,
    /// Who acted.
    pub principal: Option<String>,
    /// Kafka topic, or path of the file.
    pub topic: Option<String>,
    /// Kafka topic id.
    pub topic_id: Option<String>,
    /// Kafka partition.
    pub partition: Option<i32>,
    /// Kafka offset, or number of the record in the file.
    pub offset: Option<i64>,
    /// Number of the document in its record.
    pub ordinal: i32,
    /// Canonical JSON with matched values replaced by entity and fingerprint.
    pub payload: String,
    /// Findings in the payload, replaced there: `[{"field","entity","detector","match_count"}]`; null where none.
    pub redactions: Option<String>,
}

/// A record or document that is no event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetterRow {
    /// `kafka`, `file`.
    pub source: String,
    /// Kafka topic, or path of the file.
    pub topic: Option<String>,
    /// Kafka topic id.
    pub topic_id: Option<String>,
    /// Kafka partition.
    pub partition: Option<i32>,
    /// Kafka offset, or number of the record in the file.
    pub offset: Option<i64>,
    /// Number of the document in its record.
    pub ordinal: i32,
    /// Reason code, as `decode_json`.
    pub reason: String,
    /// Where in the record; never what stood there.
    pub place: String,
    /// Bytes of the record.
    pub size_bytes: i64,
    /// Keyed hash (HMAC-SHA-256, key outside the store) of the record: a plain one could be guessed from.
    pub payload_hmac: Option<Hash>,
    /// When Lineward received it.
    pub received_at: Micros,
}

/// A consistent cut through all tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Number of the epoch, from 1.
    pub epoch: i64,
    /// Version of each table that belongs to this epoch.
    pub table_versions: BTreeMap<String, i64>,
    /// Who wrote it.
    pub writer: String,
    /// Rule set in force.
    pub ruleset: Option<String>,
    /// When.
    pub committed_at: Micros,
}

/// Bytes of any length, for columns that are not hashes.
pub type Binary = Bytes;

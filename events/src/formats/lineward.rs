//! Lineward's own events: what a scan of a data set's bytes found, file by file, in counts; and which masking is trusted
//! to clear what (`policy.rs`).
//!
//! The pipelines write these documents from the types below and the store reads them like any other format. A
//! document holds names, hashes and counts, never a value that matched.

mod policy;

pub use policy::{ClearingRule, POLICY_VERSION, PolicyEvent, TransformationRule};

use super::Format;
use crate::json::{at, sha256_hex, text};
use crate::naming::{check_length, check_lengths};
use crate::{
    AssetRef, AssetType, ColumnProfile, DataFinding, DecodeError, DecodeReason, EdgeType, Event, EventKey, EventKind,
    Evidence, FindingOrigin, Indexed, IndexedRecord, Link, Signature, Signed, Statement, parse_time,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The format.
pub struct Lineward;

const NAME: &str = "lineward";

/// Version of the scan document that this crate writes, and the newest that it reads.
pub const SCAN_VERSION: u32 = 1;

/// A scan of one asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanEvent {
    /// Always `scan`; tells the document apart from others.
    pub lineward: String,
    /// Version of the document, [`SCAN_VERSION`].
    pub version: u32,
    /// Id of the scan, unique for each run of the scanner.
    pub scan_id: String,
    /// When the scan ended, RFC 3339.
    pub scanned_at: String,
    /// Name and version of the rule set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruleset: Option<String>,
    /// Version of Lineward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// Id of the key of the record index, where the scan made one: its events then list every place at which a value
    /// that names a person was found, in `records`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_key: Option<String>,
    /// The event tells where values are in some of the files, and nothing of what was scanned: another event of this
    /// scan, which comes after it, says that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub places_only: bool,
    /// What was scanned.
    pub asset: ScanAsset,
    /// Its files. For an asset that is one file: one entry without a name.
    #[serde(default)]
    pub files: Vec<ScanFile>,
}

impl ScanEvent {
    /// A scan of an asset without files yet.
    pub fn new(scan_id: impl Into<String>, scanned_at: impl Into<String>, asset: ScanAsset) -> Self {
        Self {
            lineward: "scan".to_owned(),
            version: SCAN_VERSION,
            scan_id: scan_id.into(),
            scanned_at: scanned_at.into(),
            ruleset: None,
            tool_version: None,
            index_key: None,
            places_only: false,
            asset,
            files: Vec::new(),
        }
    }
}

/// The asset that was scanned: a data set of many files, or one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanAsset {
    /// Asset type in any case, as `dataset`, `file`, `corpus`.
    #[serde(rename = "type")]
    pub asset_type: String,
    /// As in [`AssetRef::namespace`].
    pub namespace: String,
    /// As in [`AssetRef::name`].
    pub name: String,
    /// SHA-256 of the file or Merkle root of the data set, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes of all files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
    /// Rows of all files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<i64>,
    /// Number of its files in all events of this scan, where every one of them was read: what is not among them is no
    /// part of this content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_count: Option<i64>,
    /// What its content is like, where all of it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// One file of the asset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScanFile {
    /// Path below the asset, with `/`; absent where the asset is this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of the file, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
    /// Rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<i64>,
    /// What its content is like, where all of it was read. Of a data set of many files only the largest have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// Why the file could not be read to its end, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ScanFinding>,
    /// Where, by keyed fingerprint; only in a scan with an `index_key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<IndexedRecord>,
}

/// Sensitive data of one kind in one field of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanFinding {
    /// Dotted path of the field; absent for text without fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// As in [`DataFinding::entity`].
    pub entity: String,
    /// As in [`DataFinding::categories`].
    #[serde(default)]
    pub categories: Vec<String>,
    /// Detector id.
    pub detector: String,
    /// Occurrences.
    pub match_count: i64,
    /// Distinct values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_count: Option<i64>,
    /// Values of the field that were looked at, in a record format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_count: Option<i64>,
    /// Values among them in which something was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_values: Option<i64>,
    /// What their share says of the field: `column`, `some`, `chance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// 0 to 1, with the verdict taken into account.
    pub confidence: f32,
    /// Share of the bytes that were looked at, 0 to 1.
    #[serde(default = "whole")]
    pub coverage: f32,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn whole() -> f32 {
    1.0
}

impl Format for Lineward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, document: &Value) -> bool {
        matches!(text(document, &["lineward"]), Some("scan" | policy::KIND))
    }

    fn decode(&self, document: &Value, key: EventKey) -> Result<Event, DecodeError> {
        if text(document, &["lineward"]) == Some(policy::KIND) {
            return policy::decode(document, key);
        }
        let scan = ScanEvent::deserialize(document).map_err(|_| field_at_fault(document))?;
        if scan.lineward != "scan" {
            return Err(DecodeError::new(DecodeReason::InvalidField, format!("{NAME}: `lineward`")));
        }
        if scan.version > SCAN_VERSION {
            return Err(DecodeError::new(DecodeReason::InvalidField, format!("{NAME}: `version`")));
        }
        let mut event = Event::new(key, NAME, EventKind::Scan);
        event.event_type = Some("scan".to_owned());
        event.event_time = parse_time(&scan.scanned_at);
        event.producer = scan.tool_version.as_ref().map(|v| format!("lineward {v}"));
        event.run_id = Some(scan.scan_id.clone());
        event.statements = statements(&scan)?;
        Ok(event)
    }

    fn identity_fields(&self) -> &'static [&'static str] {
        &[
            "lineward",
            "scan_id",
            "scanned_at",
            "ruleset",
            "tool_version",
            "index_key",
            "asset.type",
            "asset.namespace",
            "asset.name",
            "asset.sha256",
            "asset.signature.key",
            "asset.signature.minhash",
            "asset.signature.sample",
            "files.*.name",
            "files.*.sha256",
            "files.*.signature.key",
            "files.*.signature.minhash",
            "files.*.signature.sample",
            "files.*.findings.*.field",
            "files.*.findings.*.entity",
            "files.*.findings.*.detector",
            "files.*.records.*.subject",
            "files.*.records.*.entity",
            "declared_at",
            "clearing.*.name",
            "clearing.*.clears.*",
            "clearing.*.beside.*",
            "clearing.*.job",
            "clearing.*.valid_from",
            "clearing.*.valid_to",
            "clearing.*.transformation.subtype",
            "clearing.*.transformation.description",
        ]
    }
}

/// Names the first field that is absent or of another type. `serde`'s own message may quote the value.
fn field_at_fault(document: &Value) -> DecodeError {
    const TEXTS: [&[&str]; 5] =
        [&["scan_id"], &["scanned_at"], &["asset", "type"], &["asset", "namespace"], &["asset", "name"]];
    let absent = TEXTS.iter().find(|path| at(document, path).and_then(Value::as_str).is_none());
    match absent {
        Some(path) => DecodeError::missing(NAME, &path.join(".")),
        None if document.get("version").and_then(Value::as_u64).is_none() => DecodeError::missing(NAME, "version"),
        None => DecodeError::new(DecodeReason::InvalidField, format!("{NAME}: `asset` or `files`")),
    }
}

fn statements(scan: &ScanEvent) -> Result<Vec<Statement>, DecodeError> {
    check_lengths(NAME, [scan.ruleset.as_deref()])?;
    let dataset = asset(&scan.asset)?;
    let mut statements = vec![Statement::Asset(dataset.clone())];
    statements.extend(signed(&dataset, scan.asset.signature.as_ref()));
    for file in &scan.files {
        let scanned = match &file.name {
            Some(name) => {
                let file = file_asset(&dataset, name, file)?;
                let link = Link {
                    src: file.clone(),
                    dst: dataset.clone(),
                    edge_type: EdgeType::Contains,
                    evidence: Evidence::Explicit,
                };
                statements.push(Statement::Asset(file.clone()));
                statements.push(Statement::Link(link));
                file
            }
            None => dataset.clone(),
        };
        if file.name.is_some() || scan.asset.signature.is_none() {
            statements.extend(signed(&scanned, file.signature.as_ref()));
        }
        statements.extend(file.findings.iter().map(|f| Statement::Finding(finding(f, &scanned, scan))));
        if scan.index_key.is_some() && !file.records.is_empty() {
            statements.push(Statement::Indexed(Indexed { asset: scanned, records: file.records.clone() }));
        }
    }
    // A list is one of a content: without its hash nobody knows which version it is of.
    if let Some(count) = scan.asset.file_count.filter(|_| dataset.content_sha256.is_some()) {
        statements.push(Statement::Members(dataset, count));
    }
    Ok(statements)
}

fn signed(asset: &AssetRef, signature: Option<&Signature>) -> Option<Statement> {
    let signature = signature?.clone();
    Some(Statement::Signed(Box::new(Signed { asset: asset.clone(), signature })))
}

fn asset(scanned: &ScanAsset) -> Result<AssetRef, DecodeError> {
    let invalid = |field| DecodeError::new(DecodeReason::InvalidField, format!("{NAME}: `{field}`"));
    check_length(NAME, &scanned.namespace).and_then(|()| check_length(NAME, &scanned.name))?;
    let asset_type = AssetType::parse(&scanned.asset_type).ok_or_else(|| invalid("asset.type"))?;
    let mut asset = AssetRef::new(asset_type, &scanned.namespace, &scanned.name);
    set_content(&mut asset, scanned.sha256.as_deref(), "asset.sha256")?;
    asset.size_bytes = scanned.size_bytes;
    asset.row_count = scanned.row_count;
    Ok(asset)
}

fn file_asset(dataset: &AssetRef, name: &str, file: &ScanFile) -> Result<AssetRef, DecodeError> {
    check_length(NAME, name)?;
    // The root of a namespace is called `/`; its files have no prefix.
    let path = if dataset.name == "/" { name.to_owned() } else { format!("{}/{name}", dataset.name) };
    let mut asset = AssetRef::new(AssetType::File, &dataset.namespace, &path);
    set_content(&mut asset, file.sha256.as_deref(), "files.sha256")?;
    asset.size_bytes = file.size_bytes;
    asset.row_count = file.row_count;
    Ok(asset)
}

fn set_content(asset: &mut AssetRef, sha256: Option<&str>, field: &str) -> Result<(), DecodeError> {
    let Some(digits) = sha256 else { return Ok(()) };
    let hash =
        sha256_hex(digits).ok_or_else(|| DecodeError::new(DecodeReason::InvalidField, format!("{NAME}: `{field}`")))?;
    // No version is named: which version has this content is for the store to find.
    asset.content_sha256 = Some(hash);
    Ok(())
}

fn finding(finding: &ScanFinding, asset: &AssetRef, scan: &ScanEvent) -> DataFinding {
    DataFinding {
        asset: asset.clone(),
        field: finding.field.clone(),
        entity: finding.entity.clone(),
        categories: finding.categories.clone(),
        detector: finding.detector.clone(),
        detector_version: scan.ruleset.clone(),
        match_count: finding.match_count,
        distinct_count: finding.distinct_count,
        confidence: finding.confidence.clamp(0.0, 1.0),
        coverage: finding.coverage.clamp(0.0, 1.0),
        origin: FindingOrigin::Scan,
        policy: None,
        severity: None,
        profile: profile(finding),
    }
}

fn profile(finding: &ScanFinding) -> Option<ColumnProfile> {
    let (value_count, matched_values) = (finding.value_count?, finding.matched_values?);
    Some(ColumnProfile { value_count, matched_values, verdict: finding.verdict.clone() })
}

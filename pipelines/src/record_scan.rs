//! A scan into the lineage store: as an event like any other, from which the store projects versions and findings.
//!
//! The event holds names, content hashes, signatures and counts. A file that could not be read is in it with the reason, so that its
//! absence from the findings is not taken for cleanliness.
//!
//! With an index a scan is several commits, since the places of values may be more than memory holds: first those places,
//! some in each commit, and the scan itself with all its files as the last. Only the last says that anything was scanned
//! or indexed, so no reader takes a part for the whole. A crash between them leaves places that are true, of contents
//! that count as not indexed and, if no earlier scan saw them, as not scanned. Scanned again the same places are recorded
//! again, and are counted once where they are asked for.

mod places;

pub use places::Places;

use crate::process::{Processor, engine_for, now_micros};
use crate::{Error, config::ClassifySpec};
use lineward_classifiers::scan::{FileReport, ScanOptions, merkle_root};
use lineward_classifiers::{Confidence, Engine, FingerprintKey, RuleSet};
use lineward_connectors::{Position, Record};
use lineward_events::formats::lineward::{ScanAsset, ScanEvent, ScanFile, ScanFinding};
use lineward_events::{AssetRef, AssetType, FormatChoice, SAMPLE_MAX, Signature, formats};
use lineward_store::{Batch, Committed, EventBlock, StoreWriter};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A scan to record.
pub struct ScanRecord<'a> {
    /// Store, made if it does not exist.
    pub store: &'a str,
    /// The data set that was scanned, as an asset's location (`s3://bucket/prefix`); the path itself where `None`.
    pub dataset: Option<&'a str>,
    /// The path that was scanned.
    pub path: &'a Path,
    /// The reports of its files.
    pub reports: &'a [FileReport],
    /// The engine that scanned.
    pub engine: &'a Engine,
    /// Key of fingerprints.
    pub key: FingerprintKey,
    /// When the scan began, microseconds since the epoch.
    pub started_at: i64,
    /// Where people's values are; `None` where the scan kept no such index.
    pub places: Option<&'a Places>,
    /// Files that the places have under another name than `reports`: from theirs to the reports'.
    pub found_as: HashMap<PathBuf, PathBuf>,
    /// Why less was looked for than a scan looks for, as [`part_of`] tells it; `None` for a scan of everything.
    pub part: Option<&'a str>,
}

/// What a scan with these options does not look at or look for, as words; `None` where it looks for everything. Such a
/// scan finds what it finds, but what it does not find may be there.
///
/// # Errors
/// [`Error::Classifier`] where the built-in rules cannot be had.
pub fn part_of(options: &ScanOptions, engine: &Engine) -> Result<Option<String>, Error> {
    let missing = match engine.rules().are_built_in() {
        true => 0,
        false => RuleSet::built_in()?.iter().filter(|(_, rule)| engine.rules().index_of(&rule.id).is_none()).count(),
    };
    let parts = [
        options.sample.is_some().then(|| "a sample of the records".to_owned()),
        (!options.fields.is_empty()).then(|| "some fields".to_owned()),
        (missing > 0).then(|| format!("without {missing} of the built-in detectors")),
        // The default is medium; below it are guesses.
        (options.confidence_min > Confidence::Medium).then(|| "of high confidence only".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join(", ")))
}

/// Places in one event and commit. A larger index is several of them, so that none is larger than a log likes.
const PLACES_MAX: usize = 20_000;

/// Files in one event, as bytes of JSON, for the same reason: no record is longer than 16 MiB.
const FILES_BYTES_MAX: usize = 4 << 20;

/// Hashes in the sample of a file of a data set. The data set itself has more.
const FILE_SAMPLE_MAX: usize = 256;
/// Files of a data set that have a signature of their own, of 5 kB in the event: the largest. In a data set of more files
/// one says little, and all of them are in the signature of the whole.
const FILES_SIGNED_MAX: usize = 100;

/// Records a scan of one path.
///
/// # Errors
/// [`Error::Store`] where the store cannot be written, [`Error::Stopped`] where the scan is no event that it could hold.
pub async fn record_scan(scan: &ScanRecord<'_>) -> Result<Committed, Error> {
    // The same way in as every event: whatever a name or column may hold is searched and redacted.
    let classify = ClassifySpec::default();
    let other = if scan.engine.rules().are_built_in() { None } else { Some(engine_for(&classify.categories)?) };
    let engine = other.as_deref().unwrap_or(scan.engine);
    let format = formats::by_name("lineward").map_or(FormatChoice::Auto, FormatChoice::Named);
    let mut processor = Processor::new(engine, scan.key.clone(), classify.min_confidence, format)?;
    let whole = whole_event(scan);
    let received_at = now_micros();
    // Made before anything is written: what the store would not hold leaves nothing behind.
    let mut blocks = Vec::new();
    for event in scan_events(scan, whole.clone()) {
        blocks.push(block(&mut processor, &event, received_at)?);
    }
    let mut writer = StoreWriter::open(scan.store).await?;
    let batch = |blocks| Batch {
        blocks,
        writer: "scan".into(),
        ruleset: Some(scan.engine.rules().hash().to_owned()),
        received_at,
        ..Batch::default()
    };
    for event in places::events(scan, &whole) {
        let block = block(&mut processor, &event?, received_at)?;
        writer.commit(batch(vec![block])).await?;
    }
    Ok(writer.commit(batch(blocks)).await?)
}

/// An event as it is written.
fn block(processor: &mut Processor<'_>, event: &ScanEvent, received_at: i64) -> Result<EventBlock, Error> {
    let text = serde_json::to_vec(event).map_err(|e| Error::Stopped(e.to_string()))?;
    let record = Record {
        source: "scan".into(),
        position: Position::File { path: event.scan_id.as_str().into(), ordinal: 0, line: None, byte_offset: 0 },
        key: None,
        value: Some(text),
        timestamp_us: None,
        headers: Vec::new(),
    };
    let mut processed = processor.process(&[record], received_at)?;
    if let Some(refused) = processed.dead_letters.first() {
        return Err(Error::Stopped(format!("the scan cannot be recorded: {} at {}", refused.reason, refused.place)));
    }
    for event in &mut processed.events {
        event.row.source = "scan".into();
        event.row.topic = None;
        event.row.offset = None;
    }
    Ok(EventBlock::new(processed.events)?)
}

/// The scan, in as many events as its files need.
fn scan_events(scan: &ScanRecord<'_>, mut whole: ScanEvent) -> Vec<ScanEvent> {
    whole.asset.signature = signature(scan);
    sign_files(scan, &mut whole.files);
    in_parts(whole)
}

/// Shares the files of a scan out over several events where one would be too large.
fn in_parts(mut event: ScanEvent) -> Vec<ScanEvent> {
    let files = std::mem::take(&mut event.files);
    let fails = files.iter().any(|file| file.error.is_some());
    let (mut parts, mut bytes) = (vec![Vec::new()], 0);
    for file in files {
        let size = serde_json::to_vec(&file).map_or(0, |text| text.len());
        if bytes > 0 && bytes + size > FILES_BYTES_MAX {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(file);
        }
    }
    let mut events: Vec<ScanEvent> = Vec::with_capacity(parts.len());
    for files in parts {
        let mut part = ScanEvent { files, ..event.clone() };
        if !events.is_empty() {
            part.asset.signature = None;
        }
        tell_failure(&mut part, fails);
        events.push(part);
    }
    events
}

/// Says in an event that holds a part of a scan's files that others of them were not read. Each event is read by itself,
/// and one without a failure says that the whole was scanned.
fn tell_failure(part: &mut ScanEvent, fails: bool) {
    if fails && part.files.iter().all(|file| file.error.is_none()) {
        part.files
            .push(ScanFile { error: Some("other files of this scan: see there".to_owned()), ..ScanFile::default() });
    }
}

/// Adds the signatures of the largest files of a data set.
fn sign_files(scan: &ScanRecord<'_>, files: &mut [ScanFile]) {
    let is_member = |(file, _): &(&mut ScanFile, &FileReport)| file.name.is_some();
    let mut files: Vec<(&mut ScanFile, &FileReport)> = files.iter_mut().zip(scan.reports).filter(is_member).collect();
    files.sort_by(|(a, x), (b, y)| (y.size_bytes, &a.name).cmp(&(x.size_bytes, &b.name)));
    for (file, report) in files.into_iter().take(FILES_SIGNED_MAX) {
        file.signature = report.sketch.as_ref().and_then(|sketch| sketch.signature(&scan.key, FILE_SAMPLE_MAX));
    }
}

/// The signature of the whole, if all of it was read. What is no text has no part in it.
fn signature(scan: &ScanRecord<'_>) -> Option<Signature> {
    if scan.reports.iter().any(|report| !report.problems.is_empty()) {
        return None;
    }
    let mut sketches = scan.reports.iter().filter_map(|report| report.sketch.as_deref());
    let mut whole = sketches.next()?.clone();
    sketches.for_each(|sketch| whole.merge(sketch));
    whole.signature(&scan.key, SAMPLE_MAX)
}

/// The location that a name of a data set means, as `dataset:s3://lake/notes` is `s3://lake/notes`.
///
/// # Errors
/// What to write instead, for what is no data set and for a version: that of a scan is its content.
pub fn data_set_location(name: &str) -> Result<String, String> {
    let name = name.trim();
    let typed = name.split_once(':').filter(|(_, rest)| !rest.starts_with("//"));
    let (kind, location) = match typed.and_then(|(head, rest)| Some((AssetType::parse(head)?, rest))) {
        Some((kind, rest)) => (Some(kind), rest),
        None => (None, name),
    };
    if let Some(kind) = kind.filter(|kind| !matches!(kind, AssetType::Dataset | AssetType::File)) {
        let kind = kind.as_str().to_ascii_lowercase();
        return Err(format!("a scan is of data and not of a {kind}; write its location, as `s3://lake/notes`"));
    }
    let last = location.rsplit('/').next().unwrap_or_default();
    if last.is_empty() && location.trim_end_matches('/').is_empty() {
        return Err("it is empty; write a location, as `s3://lake/notes`".to_owned());
    }
    match last.split_once('@') {
        Some((before, _)) if !before.is_empty() => {
            let end = location.len() - last.len() + before.len();
            let without = &location[..end];
            Err(format!("a scan names the version by its content; leave it out, as `{without}`"))
        }
        _ => Ok(location.to_owned()),
    }
}

/// The scan in one event with all its files, in the order of their reports, without signatures.
fn whole_event(scan: &ScanRecord<'_>) -> ScanEvent {
    let url = scan.path.to_str().filter(|path| lineward_connectors::object::is_url(path));
    let is_file = match url {
        // An object is listed under its own name, what lies below a prefix is not.
        Some(_) => matches!(scan.reports, [only] if only.path == scan.path),
        None => scan.path.is_file(),
    };
    let root = std::fs::canonicalize(scan.path).unwrap_or_else(|_| PathBuf::from(scan.path));
    let asset_type = if is_file { AssetType::File } else { AssetType::Dataset };
    let asset = match scan.dataset.or(url) {
        Some(location) => AssetRef::from_uri(asset_type, location),
        None => AssetRef::new(asset_type, "file", &root.to_string_lossy()),
    };
    let mut scanned = ScanAsset {
        asset_type: asset_type.as_str().to_owned(),
        namespace: asset.namespace,
        name: asset.name,
        sha256: None,
        size_bytes: Some(scan.reports.iter().map(|r| r.size_bytes as i64).sum()),
        row_count: scan.reports.iter().map(|r| r.rows.map(|n| n as i64)).sum(),
        file_count: None,
        signature: None,
    };
    let files: Vec<ScanFile> = scan.reports.iter().map(|r| scan_file(r, scan, is_file)).collect();
    scanned.sha256 = content(scan.reports, scan.path, is_file).map(hex);
    scanned.file_count = (!is_file && scanned.sha256.is_some()).then_some(files.len() as i64);
    let at = chrono::DateTime::from_timestamp_micros(scan.started_at).unwrap_or_default();
    let id = uuid::Uuid::new_v4().to_string();
    let mut event = ScanEvent::new(id, at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true), scanned);
    event.ruleset = Some(scan.engine.rules().hash().to_owned());
    event.tool_version = Some(env!("CARGO_PKG_VERSION").to_owned());
    event.index_key = scan.places.map(|_| scan.key.id().to_owned());
    event.files = files;
    event
}

/// The content of a file, or the Merkle root of a data set; `None` where a file of it could not be hashed.
fn content(reports: &[FileReport], root: &Path, is_file: bool) -> Option<[u8; 32]> {
    if is_file {
        return reports.first()?.sha256;
    }
    let hashed: Option<Vec<(String, [u8; 32])>> =
        reports.iter().map(|r| Some((relative(&r.path, root), r.sha256?))).collect();
    hashed.filter(|files| !files.is_empty()).map(|files| merkle_root(&files))
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

fn scan_file(report: &FileReport, scan: &ScanRecord<'_>, is_file: bool) -> ScanFile {
    let problem = report.problems.first().map(|p| format!("{}: {}", p.place, p.message));
    let skipped = report.skipped.then(|| "left out as binary".to_owned());
    // An event says of a file that it was scanned, or why not all of it was: to say nothing here is to say all.
    let sampled = (report.coverage != Some(1.0)).then_some("a sample of the records");
    let encoded = (report.undecoded.count() > 0).then_some("without encoded parts beyond the limits of decoding");
    let part = scan.part.or(sampled).or(encoded).map(|part| format!("a part only: {part}"));
    ScanFile {
        name: (!is_file).then(|| relative(&report.path, scan.path)),
        sha256: report.sha256.map(hex),
        size_bytes: Some(report.size_bytes as i64),
        row_count: report.rows.map(|n| n as i64),
        signature: None,
        error: problem.or(skipped).or(part),
        findings: report
            .summaries
            .iter()
            .map(|s| ScanFinding {
                field: s.field.clone(),
                entity: s.entity.clone(),
                categories: s.categories.iter().map(|c| c.as_str().to_owned()).collect(),
                detector: s.detector.clone(),
                match_count: s.match_count as i64,
                distinct_count: Some(s.distinct_count as i64).filter(|_| !s.distinct_capped),
                value_count: s.verdict.map(|_| s.value_count as i64),
                matched_values: s.verdict.map(|_| s.matched_values as i64),
                verdict: s.verdict.map(|verdict| verdict.as_str().to_owned()),
                confidence: s.confidence,
                // Where a sample ended before its input, nobody knows which share it was.
                coverage: report.coverage.unwrap_or(0.0) as f32,
            })
            .collect(),
        records: Vec::new(),
    }
}

fn hex(hash: [u8; 32]) -> String {
    hex::encode(hash)
}

#[cfg(test)]
mod judged;
#[cfg(test)]
mod tests;

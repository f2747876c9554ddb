//! Scans that do not read again what has not changed.
//!
//! After an input was read whole and without a problem, its report and findings are kept in a folder, under a name made
//! of its path and of everything that decides what a scan finds: rules, key, options, version. The next scan gives them
//! again where the input still has the same stamp: size, times and inode of a file, entity tag of an object. So an
//! incremental scan has the result of a full one, gates included. What is kept is what is reported: places, keyed
//! fingerprints, redacted previews.

use super::{FieldSummary, FileReport, ScanInput, ScanOptions, Sketch};
use crate::decoders::Undecoded;
use crate::readers::Format;
use crate::{Engine, Finding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Findings of one input that are kept; an input with more is read again each time.
pub(super) const FINDINGS_MAX: usize = 20_000;
/// A file that changed this short a time ago may change again without its time telling.
const SETTLED: Duration = Duration::from_secs(2);
/// Version of the kept form; another one is not read.
const FORM: u32 = 5;

/// What was kept of earlier scans.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    folder: PathBuf,
    context: [u8; 32],
}

/// What changes when an input does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp(String);

#[derive(Serialize, Deserialize)]
struct Entry {
    form: u32,
    stamp: Stamp,
    format: Option<String>,
    rows: Option<u64>,
    sha256: Option<[u8; 32]>,
    below_confidence: u64,
    skipped: bool,
    members_skipped: u64,
    undecoded: Undecoded,
    coverage: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sketch: Option<Box<Sketch>>,
    summaries: Vec<FieldSummary>,
    findings: Vec<Finding>,
}

impl Kept {
    /// What is kept in a folder for scans like this one.
    pub(super) fn new(folder: &Path, engine: &Engine, options: &ScanOptions) -> Self {
        let decides = format!(
            "{FORM} {} {} {} {:?} {:?} {:?} {:?} {} {} {:?} {:?} {} {:?} {:?}",
            env!("CARGO_PKG_VERSION"),
            engine.rules().hash(),
            options.key.id(),
            options.format,
            options.fields,
            options.confidence_min,
            options.binary,
            options.hash_content,
            options.sketch_content,
            options.limits,
            options.header,
            options.decode,
            options.ner,
            options.sample,
        );
        Self { folder: folder.to_path_buf(), context: Sha256::digest(decides).into() }
    }

    fn place(&self, input: &ScanInput) -> PathBuf {
        let absolute = match input.source {
            Some(_) => input.path.clone(),
            None => std::path::absolute(&input.path).unwrap_or_else(|_| input.path.clone()),
        };
        // The path as given is in the findings, so it is in the name as well.
        let name = Sha256::new()
            .chain_update(self.context)
            .chain_update(absolute.as_os_str().as_encoded_bytes())
            .chain_update([0])
            .chain_update(input.path.as_os_str().as_encoded_bytes());
        let called: Option<BTreeMap<_, _>> = input.called.as_ref().map(|called| called.iter().collect());
        let name = name.chain_update(called.map(|called| format!("{called:?}")).unwrap_or_default());
        self.folder.join(format!("{}.json", hex::encode(name.finalize())))
    }

    /// The report and findings of an input that has not changed.
    pub(super) fn load(&self, input: &ScanInput, stamp: &Stamp) -> Option<(FileReport, Vec<Finding>)> {
        let text = std::fs::read(self.place(input)).ok()?;
        // What cannot be read, or was written by another version, is as good as not there.
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        if entry.form != FORM || entry.stamp != *stamp {
            return None;
        }
        let report = FileReport {
            format: entry.format.as_deref().and_then(Format::parse).map(Format::as_str),
            rows: entry.rows,
            sha256: entry.sha256,
            findings: entry.findings.len() as u64,
            below_confidence: entry.below_confidence,
            skipped: entry.skipped,
            members_skipped: entry.members_skipped,
            undecoded: entry.undecoded,
            coverage: entry.coverage,
            sketch: entry.sketch,
            summaries: entry.summaries,
            unchanged: true,
            ..FileReport::of(input)
        };
        Some((report, entry.findings))
    }

    /// Keeps a report, unless the input had a problem or changed meanwhile. Failing to keep it costs time later, nothing
    /// else, so it is no error.
    pub(super) fn store(&self, input: &ScanInput, stamp: &Stamp, report: &FileReport, findings: Vec<Finding>) {
        if !report.problems.is_empty() || Stamp::of(input).as_ref() != Some(stamp) {
            return;
        }
        let entry = Entry {
            form: FORM,
            stamp: stamp.clone(),
            format: report.format.map(str::to_owned),
            rows: report.rows,
            sha256: report.sha256,
            below_confidence: report.below_confidence,
            skipped: report.skipped,
            members_skipped: report.members_skipped,
            undecoded: report.undecoded,
            coverage: report.coverage,
            sketch: report.sketch.clone(),
            summaries: report.summaries.clone(),
            findings,
        };
        let place = self.place(input);
        // Under another name first: a scan that is killed leaves no half of an entry.
        let partial = place.with_extension(format!("{}.partial", std::process::id()));
        let written = serde_json::to_vec(&entry).map_err(std::io::Error::other).and_then(|text| {
            std::fs::create_dir_all(&self.folder)?;
            std::fs::write(&partial, text)?;
            std::fs::rename(&partial, &place)
        });
        if written.is_err() {
            drop(std::fs::remove_file(&partial));
        }
    }
}

impl Stamp {
    /// The stamp of an input; `None` where it has none, or is too fresh to be trusted.
    pub(super) fn of(input: &ScanInput) -> Option<Self> {
        if let Some(source) = &input.source {
            return source.version().map(|version| Self(format!("{} {version}", source.size_bytes())));
        }
        let metadata = std::fs::metadata(&input.path).ok().filter(std::fs::Metadata::is_file)?;
        let changed = metadata.modified().ok()?;
        let settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age >= SETTLED);
        let since = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
        settled.then(|| Self(format!("{} {since} {}", metadata.len(), identity(&metadata))))
    }
}

/// Inode and time of its last change, which a program that sets the time of a file does not reach.
#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    format!("{} {} {}.{}", metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> String {
    String::new()
}

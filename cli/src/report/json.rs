//! One JSON document: `findings` (written as they come), `files` with their problems, `totals`, and what scanned them.

use super::{Out, Report, Scanned, Totals, rfc3339};
use lineward_classifiers::Finding;
use lineward_classifiers::decoders::Undecoded;
use lineward_classifiers::readers::Problem;
use lineward_classifiers::scan::{FieldSummary, FileReport};
use serde::Serialize;
use std::borrow::Cow;
use std::io;

pub(super) struct Json {
    out: Out,
    first: bool,
}

impl Json {
    pub(super) fn start(mut out: Out) -> io::Result<Self> {
        out.write_all(b"{\"findings\":[")?;
        Ok(Self { out, first: true })
    }
}

/// What stands behind the findings.
#[derive(Serialize)]
struct Rest<'a> {
    files: Vec<FileEntry<'a>>,
    totals: &'a Totals,
    scan: ScanEntry<'a>,
}

#[derive(Serialize)]
struct FileEntry<'a> {
    path: Cow<'a, str>,
    format: Option<&'static str>,
    size_bytes: u64,
    rows: Option<u64>,
    findings: u64,
    below_confidence: u64,
    skipped: bool,
    members_skipped: u64,
    undecoded: Undecoded,
    unchanged: bool,
    coverage: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<&'a str>,
    problems: &'a [Problem],
    fields: &'a [FieldSummary],
}

#[derive(Serialize)]
struct ScanEntry<'a> {
    version: &'static str,
    detectors: usize,
    rules_hash: &'a str,
    fingerprint_key: &'a str,
    started: String,
    seconds: f64,
    bytes_scanned: u64,
    stopped: bool,
    /// Which part of each input was looked at, where it was not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
    exit_code: u8,
}

impl<'a> FileEntry<'a> {
    fn of(file: &'a FileReport) -> Self {
        Self {
            path: file.path.to_string_lossy(),
            format: file.format,
            size_bytes: file.size_bytes,
            rows: file.rows,
            findings: file.findings,
            below_confidence: file.below_confidence,
            skipped: file.skipped,
            members_skipped: file.members_skipped,
            undecoded: file.undecoded,
            unchanged: file.unchanged,
            coverage: file.coverage,
            config: file.config.as_deref(),
            split: file.split.as_deref(),
            problems: &file.problems,
            fields: &file.summaries,
        }
    }
}

impl Report for Json {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        Ok(serde_json::to_writer(&mut self.out, finding)?)
    }

    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let rest = Rest {
            files: scan.files.iter().map(FileEntry::of).collect(),
            totals: scan.totals,
            scan: ScanEntry {
                version: env!("CARGO_PKG_VERSION"),
                detectors: scan.engine.rules().len(),
                rules_hash: scan.engine.rules().hash(),
                fingerprint_key: scan.key_id,
                started: rfc3339(scan.started),
                seconds: scan.elapsed.as_secs_f64(),
                bytes_scanned: scan.bytes_scanned,
                stopped: scan.stopped,
                sample: scan.sample.map(super::sampled),
                exit_code: scan.exit_code,
            },
        };
        // The rest is an object of its own: without its opening brace it goes on where the findings end.
        let rest = serde_json::to_string(&rest)?;
        writeln!(self.out, "\n],\n{}", rest.strip_prefix('{').unwrap_or(&rest))?;
        self.out.flush()
    }
}

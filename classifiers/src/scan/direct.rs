//! Scans of what a program holds already: bytes, a stream, a record batch; and findings as Arrow. For use as a library: no
//! files, no threads.

use super::{FileReport, Progress, ScanInput, ScanOptions, Tallies, Worker, open_options};
use crate::columns::{self, FieldFilter};
use crate::readers::{self, BatchPlace, Open, Opened, Problem, Reader};
use crate::values::{FieldTable, ValueBatch};
use crate::{Engine, Error, Finding};
use arrow_array::builder::{Float32Builder, ListBuilder, StringBuilder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a scan of one thing found.
#[derive(Debug, Clone, PartialEq)]
pub struct Scanned {
    /// Findings, in the order of the input.
    pub findings: Vec<Finding>,
    /// Counts, profiles of columns, and what could not be read.
    pub report: FileReport,
}

/// Scans bytes as a file of this name would be: its format is told by content and extension, packed ones are unpacked.
///
/// ```
/// use lineward_classifiers::{Engine, FingerprintKey, RuleSet, scan};
/// use std::sync::Arc;
///
/// let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
/// let options = scan::ScanOptions::new(FingerprintKey::new(&[7; 32])?);
/// let line = br#"{"note": "call me back", "ssn": "536-22-8726"}"#;
/// let done = scan::scan_bytes(&engine, "people.jsonl", line.to_vec(), &options)?;
/// assert_eq!(done.findings[0].entity, "US_SSN");
/// assert_eq!(done.findings[0].field.as_deref(), Some("ssn"));
/// # Ok::<(), lineward_classifiers::Error>(())
/// ```
///
/// # Errors
/// [`Error::Read`] where the bytes are binary and of no format that is read (unless [`ScanOptions::binary`] says what to
/// do then), or broken from the first byte.
pub fn scan_bytes(engine: &Engine, name: &str, bytes: Vec<u8>, options: &ScanOptions) -> Result<Scanned, Error> {
    opened(engine, name, readers::open_bytes(name, bytes, &open_options(engine, options))?, options)
}

/// Scans a stream, in bounded memory where its format allows (Parquet has its directory at the end and is read whole).
///
/// ```
/// use lineward_classifiers::{Engine, FingerprintKey, RuleSet, scan};
/// use std::sync::Arc;
///
/// let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
/// let options = scan::ScanOptions::new(FingerprintKey::new(&[7; 32])?);
/// let stream = std::io::Cursor::new("write to jane.roe@hospital-north.org\n".repeat(3));
/// let done = scan::scan_reader(&engine, "mail.txt", Box::new(stream), &options)?;
/// assert_eq!(done.findings.len(), 3);
/// assert_eq!(done.findings[2].line, Some(3));
/// # Ok::<(), lineward_classifiers::Error>(())
/// ```
///
/// # Errors
/// As [`scan_bytes`].
pub fn scan_reader(
    engine: &Engine,
    name: &str,
    stream: Box<dyn Read + Send>,
    options: &ScanOptions,
) -> Result<Scanned, Error> {
    opened(engine, name, readers::open_stream(name, stream, &open_options(engine, options))?, options)
}

/// Scans the columns of a record batch, nested ones too. `row` of a finding counts from the batch's first row.
///
/// ```
/// use arrow_array::{ArrayRef, RecordBatch, StringArray};
/// use lineward_classifiers::{Engine, FingerprintKey, RuleSet, scan};
/// use std::sync::Arc;
///
/// let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
/// let options = scan::ScanOptions::new(FingerprintKey::new(&[7; 32])?);
/// let ssn: ArrayRef = Arc::new(StringArray::from(vec![None, Some("536-22-8726")]));
/// let records = RecordBatch::try_from_iter([("ssn", ssn)]).expect("columns of one length");
/// let done = scan::scan_record_batch(&engine, "people", &records, &options)?;
/// assert_eq!(done.findings[0].row, Some(1));
/// let table = scan::findings_as_arrow(&done.findings).expect("columns of one length");
/// assert_eq!(table.num_rows(), 1);
/// # Ok::<(), lineward_classifiers::Error>(())
/// ```
///
/// # Errors
/// [`Error::Engine`] where the engine cannot start.
pub fn scan_record_batch(
    engine: &Engine,
    name: &str,
    records: &RecordBatch,
    options: &ScanOptions,
) -> Result<Scanned, Error> {
    let filter = open_options(engine, options).filter;
    let reader = OneBatch { records: Some(records.clone()), rows: records.num_rows() as u64, filter };
    read(engine, name, Box::new(reader), None, options)
}

/// Findings as a record batch: a column for each key of the output contract, in its order, `categories` as a list.
///
/// # Errors
/// None in practice: the columns are of one length by construction.
pub fn findings_as_arrow(findings: &[Finding]) -> Result<RecordBatch, ArrowError> {
    let text = |of: fn(&Finding) -> Option<&str>| -> ArrayRef {
        let mut out = StringBuilder::new();
        findings.iter().for_each(|f| out.append_option(of(f)));
        Arc::new(out.finish())
    };
    let number = |of: fn(&Finding) -> Option<u64>| -> ArrayRef {
        let mut out = UInt64Builder::new();
        findings.iter().for_each(|f| out.append_option(of(f)));
        Arc::new(out.finish())
    };
    let mut categories = ListBuilder::new(StringBuilder::new());
    let mut score = Float32Builder::new();
    for f in findings {
        categories.append_value(f.categories.iter().map(|c| Some(c.as_str())));
        score.append_value(f.score);
    }
    RecordBatch::try_from_iter_with_nullable([
        ("path", text(|f| Some(&f.path)), false),
        ("row", number(|f| f.row), true),
        ("field", text(|f| f.field.as_deref()), true),
        ("start", number(|f| Some(f.start)), false),
        ("end", number(|f| Some(f.end)), false),
        ("line", number(|f| f.line), true),
        ("detector", text(|f| Some(&f.detector)), false),
        ("entity", text(|f| Some(&f.entity)), false),
        ("categories", Arc::new(categories.finish()) as ArrayRef, false),
        ("confidence", text(|f| Some(f.confidence.as_str())), false),
        ("score", Arc::new(score.finish()) as ArrayRef, false),
        ("fingerprint", text(|f| Some(&f.fingerprint)), false),
        ("preview", text(|f| Some(&f.preview)), false),
    ])
}

fn opened(engine: &Engine, name: &str, open: Open, options: &ScanOptions) -> Result<Scanned, Error> {
    match open {
        Open::Ready(Opened { format, reader }) => read(engine, name, reader, format.map(|f| f.as_str()), options),
        Open::Binary => Err(readers::binary_error(Path::new(name))),
        Open::Skipped => {
            let report = FileReport::of(&ScanInput::file(PathBuf::from(name), 0));
            Ok(Scanned { findings: Vec::new(), report: FileReport { skipped: true, ..report } })
        }
    }
}

/// Reads to the end.
pub(super) fn read(
    engine: &Engine,
    name: &str,
    mut reader: Box<dyn Reader + Send>,
    format: Option<&'static str>,
    options: &ScanOptions,
) -> Result<Scanned, Error> {
    let progress = Progress::default();
    let mut worker = Worker::new(engine, options, &progress)?;
    let mut report = FileReport { format, ..FileReport::of(&ScanInput::file(PathBuf::from(name), 0)) };
    let (mut tallies, mut findings) = (Tallies::new(), Vec::new());
    let mut done = worker.read(0, Path::new(name), reader.as_mut(), &mut tallies, &mut |f| findings.push(f))?;
    let profile = std::mem::take(&mut done.profile);
    report.add(done);
    if !report.problems.is_empty() {
        report.sketch = None;
    }
    report.summaries = profile.judge(worker.summaries(tallies), engine.rules());
    let findings = super::settle::settle_all(findings, &mut report, options.confidence_min);
    Ok(Scanned { findings, report })
}

/// A record batch as a reader.
struct OneBatch {
    records: Option<RecordBatch>,
    rows: u64,
    filter: FieldFilter,
}

impl Reader for OneBatch {
    fn next(&mut self, fields: &mut FieldTable, batch: &mut ValueBatch, _: &mut BatchPlace) -> Result<bool, Problem> {
        let Some(records) = self.records.take() else { return Ok(false) };
        columns::push_batch(&records, 0, &self.filter, fields, batch);
        Ok(true)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }
}

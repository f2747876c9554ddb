//! Scans of files and folders: walk, read, match, report, in input order, on all cores.
//!
//! Files, and the parts of large ones, are shared out among worker threads; what they find is put back in input order
//! (`scan/parallel.rs`). Memory is bounded by the batch size times the number of workers. This module prints nothing:
//! what it finds goes to a [`Sink`].

mod cells;
mod direct;
mod folded;
mod incremental;
pub(crate) mod names;
mod packed;
mod parallel;
mod profile;
#[cfg(test)]
mod properties;
mod settle;
pub mod share;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use cells::Cells;
pub use direct::{Scanned, findings_as_arrow, scan_bytes, scan_reader, scan_record_batch};
pub use names::Ner;
pub(crate) use names::{Names, PIECE_BYTES_MAX};
pub use profile::ColumnVerdict;
pub use settle::Settling;
pub use stream::StreamScanner;

use crate::columns::{FieldFilter, TypedNames};
use crate::decoders::{self, Layers, Undecoded};
use crate::finding::{Category, Confidence, Finding, Match, preview};
use crate::fingerprint::KEPT_BYTES;
use crate::near::{Sketch, Words};
use crate::readers::{
    self, BatchPlace, BinaryPolicy, Format, Header, Limits, Open, OpenOptions, Opened, Problem, Source,
};
use crate::values::{FieldId, FieldTable, ValueBatch};
use crate::{Engine, Error, FingerprintKey, Scanner};
use folded::Folded;
use profile::Profile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How to scan.
#[derive(Clone)]
pub struct ScanOptions {
    /// The format of all inputs, where it is not to be detected.
    pub format: Option<Format>,
    /// Globs over dotted field paths; none is all fields.
    pub fields: Vec<String>,
    /// Least confidence that is reported.
    pub confidence_min: Confidence,
    /// Worker threads, at least 1.
    pub jobs: usize,
    /// What to do with binary content.
    pub binary: BinaryPolicy,
    /// Key of the fingerprints.
    pub key: FingerprintKey,
    /// Put matched values into findings. Only for a person at a terminal.
    pub show_values: bool,
    /// Hash each file's content (for the lineage store).
    pub hash_content: bool,
    /// Make a sketch of each file's content, by which near copies are found (for the lineage store).
    pub sketch_content: bool,
    /// What a packed input may cost.
    pub limits: Limits,
    /// Whether the first line of CSV and TSV names the columns.
    pub header: Header,
    /// Look into encoded parts of values too (see [`crate::decoders`]).
    pub decode: bool,
    /// Where to look for names with the tagger (see [`crate::ner`]), if the rule set has rules for it.
    pub ner: Ner,
    /// Look at a part of each input only.
    pub sample: Option<Sample>,
    /// Folder with what earlier scans found; inputs that have not changed since are not read again.
    pub incremental: Option<PathBuf>,
}

/// Which part of each input is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Sample {
    /// The first records (lines, in plain text) of each file or member of an archive.
    Rows(u64),
    /// This share of the records, from 0 to 1, chosen by their number and so the same each time. Of plain text a share of
    /// its chunks of 4 MiB, the first among them.
    Share(f64),
}

/// Memory that a scan needs whatever it reads: rules, their automata, findings that wait for their turn.
const MEMORY_BASE_BYTES: u64 = 160 << 20;
/// Memory that a thread needs: batches of a few megabytes, what is decoded of them, scratch space.
const MEMORY_JOB_BYTES: u64 = 48 << 20;

impl ScanOptions {
    /// Makes the scan fit into this much memory: with fewer threads where it must be, and smaller limits on what has to
    /// be held in memory whole.
    ///
    /// # Errors
    /// The least number of bytes, where one thread does not fit.
    pub fn fit(&mut self, memory_bytes: u64) -> Result<(), u64> {
        let least = MEMORY_BASE_BYTES + MEMORY_JOB_BYTES;
        if memory_bytes < least {
            return Err(least);
        }
        let free = memory_bytes - MEMORY_BASE_BYTES;
        self.jobs = self.jobs.min(usize::try_from(free / MEMORY_JOB_BYTES).unwrap_or(usize::MAX)).max(1);
        let of_job = free / self.jobs as u64;
        // A record is in memory as a line, as values, and decoded up to three times; a document as text and in pieces.
        let record_bytes = usize::try_from(of_job / 8).unwrap_or(usize::MAX);
        self.limits.record_bytes_max = self.limits.record_bytes_max.min(record_bytes);
        self.limits.document_bytes_max = self.limits.document_bytes_max.min(of_job / 4);
        Ok(())
    }
}

impl ScanOptions {
    /// Whether sketches are made: none of a part of the records or fields is.
    fn sketches(&self) -> bool {
        self.sketch_content && self.sample.is_none() && self.fields.is_empty()
    }

    /// Everything of the default, on one thread.
    pub fn new(key: FingerprintKey) -> Self {
        Self {
            format: None,
            fields: Vec::new(),
            confidence_min: Confidence::Medium,
            jobs: 1,
            binary: BinaryPolicy::default(),
            key,
            show_values: false,
            hash_content: false,
            sketch_content: false,
            limits: Limits::default(),
            header: Header::default(),
            decode: true,
            ner: Ner::default(),
            sample: None,
            incremental: None,
        }
    }
}

/// Counts of one detector in one field of one file: what the lineage store keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSummary {
    /// Dotted path of the field with list positions as `*`; `None` in plain text.
    pub field: Option<String>,
    /// Detector.
    pub detector: String,
    /// Entity.
    pub entity: String,
    /// Categories.
    pub categories: Vec<Category>,
    /// Matches.
    pub match_count: u64,
    /// Distinct values; a lower bound where `distinct_capped`.
    pub distinct_count: u64,
    /// There are more distinct values than were counted.
    pub distinct_capped: bool,
    /// Best score.
    pub score_max: f32,
    /// Values of the field that were looked at; 0 in plain text.
    #[serde(default)]
    pub value_count: u64,
    /// Values among them that hold a match of this detector.
    #[serde(default)]
    pub matched_values: u64,
    /// Share of values that hold a match, 0 to 1; `None` in plain text.
    #[serde(default)]
    pub share: Option<f64>,
    /// What the share says of the field as a whole; `None` in plain text.
    #[serde(default)]
    pub verdict: Option<ColumnVerdict>,
    /// What to believe of the field, 0 to 1: the best score, raised or lowered by the verdict.
    #[serde(default)]
    pub confidence: f32,
}

/// What happened to one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// The input as given or walked to.
    pub path: PathBuf,
    /// The format it was read as; `None` where it was not read.
    pub format: Option<&'static str>,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Configuration of the data set that it belongs to, where the data set names it.
    pub config: Option<String>,
    /// Split of the data set that it belongs to, where the data set names it.
    pub split: Option<String>,
    /// Records, in a record format.
    pub rows: Option<u64>,
    /// SHA-256 of the bytes on disk, where asked for.
    pub sha256: Option<[u8; 32]>,
    /// Findings at or above the least confidence.
    pub findings: u64,
    /// Matches below it, counted and not reported.
    pub below_confidence: u64,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// It was left out: a picture, sound or a film, or other binary content where asked for.
    pub skipped: bool,
    /// Members of an archive that were left out so.
    pub members_skipped: u64,
    /// Encoded places that were not looked into, or not to their end: limits of the decoders (see [`crate::decoders`]).
    pub undecoded: Undecoded,
    /// Share of its records that were looked at, 1 for all; `None` where a sample ended before the input did.
    pub coverage: Option<f64>,
    /// It was not read: it has not changed since an earlier scan, whose findings these are.
    pub unchanged: bool,
    /// Problems beyond those that are listed.
    pub problems_untold: u64,
    /// What its content is like, where asked for and where all of it was read.
    #[serde(skip)]
    pub sketch: Option<Box<Sketch>>,
    /// Counts by field and detector.
    pub summaries: Vec<FieldSummary>,
}

/// Receives what a scan finds, in input order.
pub trait Sink {
    /// A finding of the file that is reported next.
    fn finding(&mut self, finding: Finding);
    /// A file is done; all its findings came before.
    fn file(&mut self, report: FileReport);
}

/// Progress of a scan, readable from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of text scanned.
    pub bytes: AtomicU64,
    /// Files done.
    pub files: AtomicU64,
    /// Findings so far.
    pub findings: AtomicU64,
    /// Set it to stop the scan early.
    pub stop: Arc<AtomicBool>,
}

/// An input of a scan: a file or an object, with the path to report.
#[derive(Debug, Clone, Default)]
pub struct ScanInput {
    /// The file, or the name of the source.
    pub path: PathBuf,
    /// Its bytes, where they do not come from a file of that path.
    pub source: Option<Arc<dyn Source>>,
    /// Bytes on disk, where known.
    pub size_bytes: u64,
    /// Configuration of the data set that it belongs to, where the data set names it.
    pub config: Option<String>,
    /// Split of the data set that it belongs to, where the data set names it.
    pub split: Option<String>,
    /// It could not be reached.
    pub problem: Option<String>,
    /// What its columns are called, by their names in it, where the data set maps them.
    pub called: Option<Arc<HashMap<String, String>>>,
}

impl ScanInput {
    /// A file.
    pub fn file(path: PathBuf, size_bytes: u64) -> Self {
        Self { path, size_bytes, ..Self::default() }
    }
}

/// The files of some paths: a file is itself, a folder all files below it in the order of their names, but of a Delta
/// table none that only its old versions have (see [`crate::datasets`]). Symbolic links inside a folder are not followed,
/// except those of a Hugging Face cache into its own blobs; one named as a path is. What cannot be reached is in the
/// list with its problem.
pub fn inputs(paths: &[PathBuf]) -> Vec<ScanInput> {
    inputs_noting(paths, &mut LinksLeftOut::default())
}

/// As [`inputs`]; notes the links that are not followed.
pub fn inputs_noting(paths: &[PathBuf], left: &mut LinksLeftOut) -> Vec<ScanInput> {
    paths.iter().flat_map(|path| crate::datasets::select(path, listed(path, left))).collect()
}

/// Symbolic links that a listing leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinksLeftOut {
    /// How many there are.
    pub count: u64,
    /// Those among them that lead nowhere, or to themselves.
    pub broken: u64,
    /// The first one.
    pub first: Option<PathBuf>,
}

impl LinksLeftOut {
    fn note(&mut self, link: PathBuf) {
        self.count += 1;
        self.broken += u64::from(std::fs::metadata(&link).is_err());
        self.first.get_or_insert(link);
    }
}

fn listed(path: &Path, left: &mut LinksLeftOut) -> Vec<ScanInput> {
    let mut out = Vec::new();
    for entry in walkdir::WalkDir::new(path).follow_root_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) if entry.file_type().is_symlink() && entry.depth() > 0 && !is_blob(entry.path()) => {
                left.note(entry.into_path());
            }
            // To open a pipe is to wait for whoever writes into it. One that is named itself is meant.
            Ok(entry) if entry.depth() > 0 && is_special(entry.file_type()) => {
                let problem = Some("it is a pipe, a socket or a device; name it itself to scan it".to_owned());
                out.push(ScanInput { path: entry.into_path(), problem, ..ScanInput::default() });
            }
            Ok(entry) => {
                let size_bytes = std::fs::metadata(entry.path()).map_or(0, |m| m.len());
                out.push(ScanInput::file(entry.into_path(), size_bytes));
            }
            Err(e) => {
                let problem = match e.io_error() {
                    Some(io) => readers::io_message(io),
                    None => "a loop of symbolic links".into(),
                };
                let path = e.path().unwrap_or(path).to_path_buf();
                out.push(ScanInput { path, problem: Some(problem), ..ScanInput::default() });
            }
        }
    }
    out
}

/// Whether it is neither file nor folder nor link.
fn is_special(file_type: std::fs::FileType) -> bool {
    !(file_type.is_file() || file_type.is_dir() || file_type.is_symlink())
}

/// Whether a link is one of a Hugging Face cache, where `snapshots/<revision>/` holds links into `blobs/` beside it.
fn is_blob(link: &Path) -> bool {
    let (Ok(target), Some(folder)) = (link.canonicalize(), link.parent().and_then(|p| p.canonicalize().ok())) else {
        return false;
    };
    let snapshots = folder.ancestors().find(|a| a.file_name().is_some_and(|name| name == "snapshots"));
    let blobs = snapshots.and_then(Path::parent).map(|repository| repository.join("blobs"));
    target.is_file() && blobs.is_some_and(|blobs| target.parent() == Some(&blobs))
}

/// Scans inputs. Findings and reports reach the sink in input order; findings in records when their file ends, with the
/// confidence that the verdicts on its columns leave them.
///
/// # Errors
/// [`Error::Engine`] where the matching engine cannot start; what is wrong with an input is in its report instead.
pub fn scan(
    engine: &Engine,
    inputs: &[ScanInput],
    options: &ScanOptions,
    progress: &Progress,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let mut settling = Settling::new(options.confidence_min, sink);
    parallel::scan(engine, inputs, options, progress, &mut settling, options.jobs.max(1))?;
    settling.end();
    Ok(())
}

/// Distinct values counted per field and detector at the most; 16 bytes each.
const DISTINCT_MAX: usize = 100_000;

#[derive(Default)]
struct Tally {
    matches: u64,
    distinct: HashSet<u64, BuildHasherDefault<KeyedHash>>,
    capped: bool,
    score_max: f32,
}

/// The hash of a number that is a keyed hash itself.
#[derive(Default)]
struct KeyedHash(u64);

impl Hasher for KeyedHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Counts by field and rule.
type Tallies = BTreeMap<(Option<String>, u16), Tally>;

/// Adds the counts of another part of the same input.
fn merge_tallies(into: &mut Tallies, from: impl IntoIterator<Item = ((Option<String>, u16), Tally)>) {
    for (key, tally) in from {
        let mine = into.entry(key).or_default();
        mine.matches += tally.matches;
        mine.score_max = mine.score_max.max(tally.score_max);
        mine.capped |= tally.capped;
        for hash in tally.distinct {
            // The count of the whole is capped where that of one thread would be.
            if mine.distinct.len() < DISTINCT_MAX {
                mine.distinct.insert(hash);
            } else if !mine.distinct.contains(&hash) {
                mine.capped = true;
            }
        }
    }
}

/// What reading an input, or a part of one, came to.
#[derive(Debug, Default)]
struct UnitReport {
    /// The input, with the member of an archive that is being read.
    path: PathBuf,
    rows: Option<u64>,
    findings: u64,
    below_confidence: u64,
    problems: Vec<Problem>,
    problems_untold: u64,
    members_skipped: u64,
    undecoded: Undecoded,
    /// A sample left something out.
    sampled: bool,
    /// The findings themselves, where they are to be kept and are not too many.
    kept: Option<Vec<Finding>>,
    /// The rest of the input is not to be read.
    ended_early: bool,
    profile: Profile,
    sketch: Option<Sketch>,
}

impl UnitReport {
    /// Keeps a finding for the next scan, unless they are too many.
    fn keep(&mut self, finding: &Finding) {
        match &mut self.kept {
            Some(kept) if kept.len() < incremental::FINDINGS_MAX => kept.push(finding.clone()),
            other => *other = None,
        }
    }
}

/// Problems of one input that are told with their place; more are counted.
const PROBLEMS_MAX: usize = 100;

impl FileReport {
    fn of(input: &ScanInput) -> Self {
        Self {
            path: input.path.clone(),
            format: None,
            size_bytes: input.size_bytes,
            config: input.config.clone(),
            split: input.split.clone(),
            rows: None,
            sha256: None,
            findings: 0,
            below_confidence: 0,
            problems: Vec::new(),
            skipped: false,
            members_skipped: 0,
            undecoded: Undecoded::default(),
            coverage: Some(1.0),
            unchanged: false,
            problems_untold: 0,
            sketch: None,
            summaries: Vec::new(),
        }
    }

    /// How many problems there were: more than are listed, where there are very many. The last one that is listed then
    /// says how many are not, and is none itself.
    pub fn problem_count(&self) -> u64 {
        (self.problems.len() as u64 + self.problems_untold).saturating_sub(u64::from(self.problems_untold > 0))
    }

    /// Adds what the next part came to.
    fn add(&mut self, part: UnitReport) {
        self.rows = match (self.rows, part.rows) {
            (Some(mine), Some(more)) => Some(mine + more),
            (mine, more) => mine.or(more),
        };
        self.findings += part.findings;
        self.below_confidence += part.below_confidence;
        self.members_skipped += part.members_skipped;
        self.undecoded += part.undecoded;
        self.problems_untold += part.problems_untold;
        if part.sampled {
            self.coverage = None;
        }
        match (&mut self.sketch, part.sketch) {
            (Some(mine), Some(more)) => mine.merge(&more),
            (mine, more) => *mine = mine.take().or(more.map(Box::new)),
        }
        for problem in part.problems {
            // A stop, or an input that is gone, is met by all threads that read of it; it is one problem.
            if problem.place == THE_FILE && self.problems.contains(&problem) {
                continue;
            }
            match self.problems.len() < PROBLEMS_MAX {
                true => self.problems.push(problem),
                false => self.problems_untold += 1,
            }
        }
    }
}

/// One thread's scanner and buffers.
struct Worker<'a> {
    engine: &'a Engine,
    scanner: Scanner<'a>,
    options: &'a ScanOptions,
    progress: &'a Progress,
    open: OpenOptions,
    batch: ValueBatch,
    matches: Vec<Match>,
    /// Fields of the input with this index: parts of one input share them.
    fields: FieldTable,
    fields_of: Option<usize>,
    /// Field paths as they may be shown.
    safe_paths: HashMap<FieldId, String>,
    /// Users' rules that were stopped in the input.
    stopped: BTreeSet<u16>,
    /// Of the matches that were found in decoded text, what they matched.
    decoded: decoders::DecodedValues,
    names: Option<Names>,
    cells: Cells,
    words: Option<Words>,
}

impl<'a> Worker<'a> {
    fn new(engine: &'a Engine, options: &'a ScanOptions, progress: &'a Progress) -> Result<Self, Error> {
        let mut scanner = engine.scanner()?;
        scanner.stop_on(Some(&progress.stop));
        Ok(Self {
            engine,
            scanner,
            options,
            progress,
            open: OpenOptions { stop: Arc::clone(&progress.stop), ..open_options(engine, options) },
            batch: ValueBatch::new(),
            matches: Vec::new(),
            fields: FieldTable::default(),
            fields_of: None,
            safe_paths: HashMap::new(),
            stopped: BTreeSet::new(),
            decoded: decoders::DecodedValues::default(),
            names: Names::new(engine.rules(), options.ner),
            cells: Cells::default(),
            words: options.sketches().then(|| Words::new(&options.key)),
        })
    }

    /// Makes ready for an input, of which [`Worker::read`] reads parts next.
    fn turn_to(&mut self, input: &ScanInput) {
        let everywhere = names::everywhere(self.options.ner, input);
        if let Some(names) = &mut self.names {
            names.look_everywhere(everywhere);
        }
    }

    /// Opens an input; what prevents it goes into the report.
    fn open(&mut self, input: &ScanInput, report: &mut FileReport) -> Result<Option<Opened>, Error> {
        if let Some(problem) = &input.problem {
            report.problems.push(whole_file(problem.clone()));
            return Ok(None);
        }
        let mut open = self.open.clone();
        open.filter = open.filter.with_called(input.called.clone());
        match readers::open(&input.path, input.source.as_ref(), &open) {
            Ok(Open::Ready(opened)) => {
                report.format = opened.format.map(Format::as_str);
                return Ok(Some(opened));
            }
            Ok(Open::Skipped | Open::Binary) => report.skipped = true,
            Err(Error::Read { message, .. }) => report.problems.push(whole_file(message)),
            Err(e) => return Err(e),
        }
        Ok(None)
    }

    /// What comes after the last part of an input.
    fn finish(&self, input: &ScanInput, report: &mut FileReport) {
        if self.options.hash_content && input.problem.is_none() {
            self.hash(input, report);
        }
        self.close(input, report);
    }

    fn hash(&self, input: &ScanInput, report: &mut FileReport) {
        match sha256_of_input(input) {
            Ok(hash) => report.sha256 = Some(hash),
            Err(e) => report.problems.push(whole_file(readers::io_message(&e))),
        }
    }

    /// Ends the report of an input whose content is hashed, where that was asked for.
    fn close(&self, input: &ScanInput, report: &mut FileReport) {
        if report.problems_untold > 0 {
            report.problems.push(whole_file(format!("{} more problems of these kinds", report.problems_untold)));
        }
        if !report.problems.is_empty() {
            // What a sketch of a part is like says little of the whole.
            report.sketch = None;
        }
        if let (Some(Sample::Share(share)), Some(_), None) = (self.options.sample, report.format, &input.problem) {
            report.coverage = Some(share);
        }
        self.progress.files.fetch_add(1, Ordering::Relaxed);
    }

    fn read(
        &mut self,
        index: usize,
        path: &Path,
        reader: &mut dyn readers::Reader,
        tallies: &mut Tallies,
        found: &mut dyn FnMut(Finding),
    ) -> Result<UnitReport, Error> {
        if self.fields_of != Some(index) {
            self.fields = FieldTable::default();
            self.fields_of = Some(index);
            self.safe_paths.clear();
            self.scanner.reset_fields();
        }
        let mut fields = std::mem::take(&mut self.fields);
        let kept = self.options.incremental.is_some().then(Vec::new);
        let mut report = UnitReport { path: path.to_owned(), kept, ..UnitReport::default() };
        let mut place = BatchPlace::default();
        let mut lines = Lines::default();
        let mut counts = HashMap::new();
        loop {
            self.batch.clear();
            let more = reader.next(&mut fields, &mut self.batch, &mut place);
            let is_text = reader.is_text();
            let full = self.take_sample(&mut place, is_text, &mut report);
            let is_zoned = is_text || place.is_piece;
            let zone = is_zoned.then_some(place.accept_from..place.accept_until);
            let base = if is_zoned { place.text_base } else { 0 };
            if let Some(words) = &mut self.words {
                words.add(&self.batch, zone.clone().unwrap_or(0..usize::MAX));
            }
            // An error ends the file, but what the batch holds by then is still scanned.
            self.matches.clear();
            let mut folded = Folded::of(&self.batch);
            if let Some(folded) = &mut folded {
                std::mem::swap(&mut self.batch, &mut folded.batch);
            }
            self.scanner.scan(&self.batch, &fields, &mut self.matches)?;
            self.cells.add(
                &self.batch,
                base,
                self.engine.rules(),
                &mut self.scanner,
                &mut fields,
                &mut self.matches,
            )?;
            let times = |value: u32| folded.as_ref().map_or(1, |folded| folded.times(value));
            report.undecoded += self.scan_decoded(&mut fields, zone.clone(), &times)?;
            if let Some(mut folded) = folded {
                std::mem::swap(&mut self.batch, &mut folded.batch);
                folded.unfold(&mut self.matches, &mut self.decoded);
            }
            if let Some(names) = &mut self.names {
                names.add(&self.batch, base, self.engine.rules(), &mut self.matches);
            }
            self.progress.bytes.fetch_add(self.batch.len() as u64, Ordering::Relaxed);
            if let Some(member) = &place.member {
                let mut inside = path.as_os_str().to_owned();
                inside.push("!");
                inside.push(member);
                report.path = inside.into();
            }
            lines.restart(place.text_lines);
            let matches = std::mem::take(&mut self.matches);
            if !is_text {
                report.profile.values(&self.batch);
            }
            let of_match = |m: &Match| self.batch.spans()[m.value as usize].field;
            let mut matched: Vec<FieldId> = matches.iter().filter_map(of_match).collect();
            matched.sort_unstable();
            matched.dedup();
            self.note_stopped_rules();
            self.learn_paths(&matched, &fields)?;
            for m in &matches {
                if zone.as_ref().is_some_and(|zone| !zone.contains(&m.start)) {
                    continue;
                }
                if m.score < self.options.confidence_min.score_min() {
                    report.below_confidence += 1;
                    continue;
                }
                let finding = self.finding(m, &place, is_text, &mut lines, &report, &mut counts);
                if !is_text {
                    report.profile.matched(&self.batch, m);
                }
                report.findings += 1;
                self.progress.findings.fetch_add(1, Ordering::Relaxed);
                report.keep(&finding);
                found(finding);
            }
            self.matches = matches;
            report.problems.append(&mut reader.problems());
            report.problems_untold += reader.problems_untold();
            match more {
                Ok(true) if full => {
                    report.ended_early = true;
                    break;
                }
                Ok(more) if self.scanner.was_interrupted() || more && self.progress.stop.load(Ordering::Relaxed) => {
                    report.problems.push(whole_file(readers::pipe::STOPPED.into()));
                    report.ended_early = true;
                    break;
                }
                Ok(true) => {}
                Ok(false) => break,
                Err(problem) => {
                    report.problems.push(problem);
                    report.ended_early = true;
                    break;
                }
            }
        }
        self.learn_paths(&report.profile.fields(), &fields)?;
        self.tell_stopped_rules(&mut report);
        report.profile.name(|field| self.safe_paths.get(&field).map(|path| without_positions(path)));
        let named =
            |(field, rule): (Option<FieldId>, u16)| (field.map(|f| without_positions(&self.shown_path(f))), rule);
        merge_tallies(tallies, counts.into_iter().map(|(key, tally)| (named(key), tally)));
        report.sketch = self.words.as_mut().map(Words::take);
        report.rows = reader.rows();
        report.members_skipped = reader.members_skipped();
        self.fields = fields;
        Ok(report)
    }

    /// Leaves of the batch what belongs to the sample. Gives whether nothing behind the batch does.
    fn take_sample(&mut self, place: &mut BatchPlace, is_text: bool, report: &mut UnitReport) -> bool {
        let Some(sample) = self.options.sample else { return false };
        match sample {
            Sample::Rows(lines) if is_text => {
                // Line breaks of the batch up to the first line that is too many.
                let wanted = usize::try_from(lines.saturating_sub(place.text_lines)).unwrap_or(usize::MAX);
                let end = match wanted.checked_sub(1) {
                    Some(last) => memchr::memchr_iter(b'\n', self.batch.value(0)).nth(last),
                    None => Some(0),
                };
                let Some(end) = end else { return false };
                let cut = end < place.accept_until;
                place.accept_until = place.accept_until.min(end);
                report.sampled |= cut;
                cut
            }
            Sample::Rows(rows) => {
                let count = self.batch.spans().len();
                self.batch.retain(|span| span.row < rows);
                let cut = self.batch.spans().len() < count;
                report.sampled |= cut;
                // Members of an archive count their own rows.
                cut && place.member.is_none()
            }
            Sample::Share(share) => {
                match is_text {
                    true if place.text_base > 0 && !is_chosen(place.text_base, share) => self.batch.clear(),
                    true => {}
                    false => self.batch.retain(|span| is_chosen(span.row, share)),
                }
                false
            }
        }
    }

    /// Adds what encoded parts of the batch hold to the matches, at the places where it is encoded. Counts those that were
    /// left encoded, in the zone that a batch of text answers for.
    fn scan_decoded(
        &mut self,
        fields: &mut FieldTable,
        zone: Option<Range<usize>>,
        times: &dyn Fn(u32) -> u64,
    ) -> Result<Undecoded, Error> {
        self.decoded.clear();
        if !self.options.decode {
            return Ok(Undecoded::default());
        }
        let layers = Layers::of(&self.batch);
        if layers.is_empty() {
            return Ok(Undecoded::default());
        }
        let (mut found, mut all) = (Vec::new(), Vec::new());
        for (layer, batch) in layers.batches().enumerate() {
            found.clear();
            self.scanner.scan(batch, fields, &mut found)?;
            decoders::found_in_layer(&layers, layer, &self.batch, batch, &found, &mut all);
            self.cells.of_layer(&layers, layer, (&self.batch, batch), &mut self.scanner, fields, &mut all)?;
        }
        self.decoded = decoders::merge(&mut self.matches, all, self.engine.rules());
        Ok(layers.undecoded(&self.batch, zone, times))
    }

    /// A field's path as it may be shown: a name can hold a value too (a column named after a token, a key of a map of
    /// addresses), so what a rule matches in it is replaced by `*`. Fields are learned at once: a batch for each of a
    /// hundred thousand keys would take longer than their values.
    fn learn_paths(&mut self, wanted: &[FieldId], fields: &FieldTable) -> Result<(), Error> {
        let new: Vec<FieldId> = wanted.iter().copied().filter(|f| !self.safe_paths.contains_key(f)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut names = ValueBatch::new();
        new.iter().for_each(|field| names.push(0, None, fields.path(*field).as_bytes()));
        let mut found = Vec::new();
        // A scan that is stopped tells what it has found by then, and no more of the names than any other.
        self.scanner.stop_on(None);
        let scanned = self.scanner.scan(&names, &FieldTable::default(), &mut found);
        self.scanner.stop_on(Some(&self.progress.stop));
        scanned?;
        // What a rule would have found in them is not known then.
        let is_known = !self.note_stopped_rules();
        found.sort_by_key(|m| (m.value, m.start));
        let mut rest = found.as_slice();
        for (value, field) in (0u32..).zip(new) {
            let (here, later) = rest.split_at(rest.iter().take_while(|m| m.value == value).count());
            rest = later;
            let shown = if is_known { safe_path(fields.path(field), here) } else { "*".to_owned() };
            self.safe_paths.insert(field, shown);
        }
        Ok(())
    }

    /// Notes which users' rules were stopped since this was done; whether there is one.
    fn note_stopped_rules(&mut self) -> bool {
        let stopped = self.scanner.take_stopped_rules();
        let is_some = !stopped.is_empty();
        self.stopped.extend(stopped);
        is_some
    }

    /// Tells which users' rules were stopped.
    fn tell_stopped_rules(&mut self, report: &mut UnitReport) {
        self.note_stopped_rules();
        for rule in std::mem::take(&mut self.stopped) {
            report.problems.push(whole_file(stopped_rule(&self.engine.rules().get(rule).id)));
        }
    }

    /// A field's path as it was learned.
    fn shown_path(&self, field: FieldId) -> String {
        self.safe_paths.get(&field).cloned().unwrap_or_else(|| "*".to_owned())
    }

    fn finding(
        &mut self,
        m: &Match,
        place: &BatchPlace,
        is_text: bool,
        lines: &mut Lines,
        report: &UnitReport,
        counts: &mut HashMap<(Option<FieldId>, u16), Tally>,
    ) -> Finding {
        let decoded = self.decoded.take(m).map(|decoded| decoded.text);
        let rule = self.engine.rules().get(m.rule);
        let text = self.batch.value(m.value);
        let value = String::from_utf8_lossy(decoded.as_deref().or(text.get(m.start..m.end)).unwrap_or_default());
        let span = self.batch.spans()[m.value as usize];
        let field = span.field.map(|f| self.shown_path(f));
        let keyed = self.options.key.keyed(&rule.entity, &value, rule.normalise);
        counts.entry((span.field, m.rule)).or_default().note(m.score, &keyed);
        let base = if is_text || place.is_piece { place.text_base } else { 0 };
        Finding {
            path: report.path.to_string_lossy().into_owned(),
            row: (!is_text).then_some(span.row),
            line: if is_text { Some(lines.at(text, m.start)) } else { place.line_of_row(span.row) },
            field,
            start: base + m.start as u64,
            end: base + m.end as u64,
            detector: rule.id.clone(),
            entity: rule.entity.clone(),
            categories: rule.categories.clone(),
            confidence: Confidence::of(m.score),
            score: m.score,
            fingerprint: self.options.key.shown(&keyed),
            preview: preview(&value),
            value: self.options.show_values.then(|| value.into_owned()),
        }
    }

    fn summaries(&self, tallies: BTreeMap<(Option<String>, u16), Tally>) -> Vec<FieldSummary> {
        tallies
            .into_iter()
            .map(|((field, rule), tally)| {
                let rule = self.engine.rules().get(rule);
                FieldSummary {
                    field,
                    detector: rule.id.clone(),
                    entity: rule.entity.clone(),
                    categories: rule.categories.clone(),
                    match_count: tally.matches,
                    distinct_count: tally.distinct.len() as u64,
                    distinct_capped: tally.capped,
                    score_max: tally.score_max,
                    value_count: 0,
                    matched_values: 0,
                    share: None,
                    verdict: None,
                    confidence: tally.score_max,
                }
            })
            .collect()
    }
}

/// How the inputs of a scan are opened.
fn open_options(engine: &Engine, options: &ScanOptions) -> OpenOptions {
    let typed = TypedNames::of(engine.rules());
    OpenOptions {
        format: options.format,
        filter: FieldFilter::new(options.fields.clone()).with_typed(typed),
        binary: options.binary,
        limits: options.limits,
        header: options.header,
        stop: Arc::default(),
    }
}

/// A path with what was found in it replaced.
pub(crate) fn safe_path(path: &str, found: &[Match]) -> String {
    let mut shown = String::with_capacity(path.len());
    let mut done = 0;
    for m in found.iter().filter(|m| m.score >= Confidence::Medium.score_min()) {
        if let Some(before) = path.get(done..m.start) {
            shown.push_str(before);
            shown.push('*');
        }
        // A match may begin in one before it and end behind it.
        done = done.max(m.end);
    }
    shown.push_str(path.get(done..).unwrap_or_default());
    shown
}

impl Tally {
    fn note(&mut self, score: f32, keyed: &[u8; KEPT_BYTES]) {
        self.matches += 1;
        self.score_max = self.score_max.max(score);
        let hash = keyed.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
        if self.distinct.len() < DISTINCT_MAX {
            self.distinct.insert(hash);
        } else if !self.distinct.contains(&hash) {
            self.capped = true;
        }
    }
}

/// Counts line breaks of a batch up to ascending places, each byte once.
#[derive(Default)]
struct Lines {
    counted_to: usize,
    lines: u64,
}

impl Lines {
    fn restart(&mut self, lines: u64) {
        *self = Self { counted_to: 0, lines };
    }

    fn at(&mut self, text: &[u8], place: usize) -> u64 {
        if place >= self.counted_to {
            self.lines += memchr::memchr_iter(b'\n', &text[self.counted_to..place]).count() as u64;
            self.counted_to = place;
        }
        self.lines + 1
    }
}

/// Whether a number is in a share of all numbers, which are in it evenly and without a pattern.
fn is_chosen(number: u64, share: f64) -> bool {
    // The finaliser of SplitMix64.
    let mut hash = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((hash ^ (hash >> 31)) as f64) < share * u64::MAX as f64
}

/// The place of problems that are those of an input as a whole.
const THE_FILE: &str = "the file";

/// What is said of a user's rule that took too long.
pub(crate) fn stopped_rule(id: &str) -> String {
    format!(
        "the rule `{id}` was stopped before its end, for the time it takes; narrow its `find`, or make its `window` smaller \
         (`lineward rules check` measures it)"
    )
}

fn whole_file(message: String) -> Problem {
    Problem { place: THE_FILE.into(), message }
}

/// `messages.3.content` is `messages.*.content`: one summary for all elements of a list.
pub(crate) fn without_positions(path: &str) -> String {
    let segments =
        path.split('.').map(|s| if !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) { "*" } else { s });
    segments.collect::<Vec<_>>().join(".")
}

/// SHA-256 of an input's bytes as they are stored.
fn sha256_of_input(input: &ScanInput) -> std::io::Result<[u8; 32]> {
    match &input.source {
        None => sha256_of(&input.path),
        Some(source) => {
            let mut hash = Sha256::new();
            let mut buffer = vec![0; source.block_bytes()];
            let mut offset = 0;
            loop {
                match source.read_at(offset, &mut buffer)? {
                    0 => return Ok(hash.finalize().into()),
                    n => {
                        hash.update(&buffer[..n]);
                        offset += n as u64;
                    }
                }
            }
        }
    }
}

/// SHA-256 of a file's bytes on disk.
///
/// # Errors
/// What reading it gives.
pub fn sha256_of(path: &Path) -> std::io::Result<[u8; 32]> {
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(n) => hash.update(&buffer[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Fingerprint of a data set of several files: the SHA-256 of a Merkle tree over its files.
///
/// A leaf is `SHA-256(0x00 || name || 0x00 || content hash)` of one file, in the order of names; an inner node is
/// `SHA-256(0x01 || left || right)`; an odd node goes up as it is (RFC 6962 has the same shape). Names are relative
/// to the data set, so a copy elsewhere has the same root.
pub fn merkle_root(files: &[(String, [u8; 32])]) -> [u8; 32] {
    let mut sorted: Vec<&(String, [u8; 32])> = files.iter().collect();
    sorted.sort();
    let mut level: Vec<[u8; 32]> = sorted
        .iter()
        .map(|(name, content)| {
            Sha256::new().chain_update([0]).chain_update(name).chain_update([0]).chain_update(content).finalize().into()
        })
        .collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => {
                    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
                }
                odd => odd[0],
            })
            .collect();
    }
    level.first().copied().unwrap_or_else(|| Sha256::digest([]).into())
}

//! Scans of files and folders: walk, read, match, report, in input order, on all cores.
//!
//! Files are shared out among worker threads; what they find is put back in input order. Memory is bounded by the
//! batch size times the number of workers. This module prints nothing: what it finds goes to a [`Sink`].

use crate::columns::FieldFilter;
use crate::finding::{Category, Confidence, Finding, Match, preview};
use crate::readers::{self, BatchPlace, BinaryPolicy, Format, Open, OpenOptions, Problem};
use crate::values::{FieldId, FieldTable, ValueBatch};
use crate::{Engine, Error, FingerprintKey, Scanner};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
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
}

/// Counts of one detector in one field of one file: what the lineage store keeps.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// It was left out as binary, as asked for.
    pub skipped: bool,
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
    pub stop: AtomicBool,
}

/// An input of a scan: a file, with the path to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanInput {
    /// The file.
    pub path: PathBuf,
    /// Bytes on disk, where known.
    pub size_bytes: u64,
    /// It could not be reached.
    pub problem: Option<String>,
}

/// The files of some paths: a file is itself, a folder all files below it in the order of their names. Symbolic links
/// inside a folder are not followed; one named as a path is. What cannot be reached is in the list with its problem.
pub fn inputs(paths: &[PathBuf]) -> Vec<ScanInput> {
    let mut out = Vec::new();
    for path in paths {
        for entry in walkdir::WalkDir::new(path).follow_root_links(true).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) if entry.file_type().is_symlink() && entry.depth() > 0 => {}
                Ok(entry) => {
                    let size_bytes = entry.metadata().map_or(0, |m| m.len());
                    out.push(ScanInput { path: entry.into_path(), size_bytes, problem: None });
                }
                Err(e) => {
                    let problem = match e.io_error() {
                        Some(io) => readers::io_message(io),
                        None => "a loop of symbolic links".into(),
                    };
                    let path = e.path().unwrap_or(path).to_path_buf();
                    out.push(ScanInput { path, size_bytes: 0, problem: Some(problem) });
                }
            }
        }
    }
    out
}

/// Scans inputs. Findings and reports reach the sink in input order.
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
    let jobs = options.jobs.clamp(1, inputs.len().max(1));
    if jobs == 1 {
        let mut worker = Worker::new(engine, options, progress)?;
        for input in inputs {
            let report = worker.file(input, &mut |f| sink.finding(f))?;
            sink.file(report);
            if progress.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        return Ok(());
    }
    scan_in_parallel(engine, inputs, options, progress, sink, jobs)
}

enum Message {
    Finding(usize, Finding),
    File(usize, FileReport),
    Failed(Error),
}

fn scan_in_parallel(
    engine: &Engine,
    inputs: &[ScanInput],
    options: &ScanOptions,
    progress: &Progress,
    sink: &mut dyn Sink,
    jobs: usize,
) -> Result<(), Error> {
    let next = AtomicU64::new(0);
    let (sender, receiver) = crossbeam_channel::bounded::<Message>(4_096);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            let next = &next;
            scope.spawn(move || {
                let mut worker = match Worker::new(engine, options, progress) {
                    Ok(worker) => worker,
                    Err(e) => return drop(sender.send(Message::Failed(e))),
                };
                while !progress.stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let Some(input) = inputs.get(index) else { return };
                    let done = worker.file(input, &mut |f| drop(sender.send(Message::Finding(index, f))));
                    let message = match done {
                        Ok(report) => Message::File(index, report),
                        Err(e) => Message::Failed(e),
                    };
                    // The receiver is gone only when the scan failed elsewhere.
                    if sender.send(message).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut order = InOrder::default();
        for message in receiver {
            match message {
                Message::Finding(index, finding) => order.finding(index, finding, sink),
                Message::File(index, report) => order.file(index, report, sink),
                Message::Failed(e) => return Err(e),
            }
        }
        Ok(())
    })
}

/// Puts what several workers send back in input order. The file whose turn it is streams; later ones wait.
#[derive(Default)]
struct InOrder {
    current: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Default)]
struct Waiting {
    findings: Vec<Finding>,
    report: Option<FileReport>,
}

impl InOrder {
    fn slot(&mut self, index: usize) -> &mut Waiting {
        let at = index - self.current;
        if self.waiting.len() <= at {
            self.waiting.resize_with(at + 1, Waiting::default);
        }
        &mut self.waiting[at]
    }

    fn finding(&mut self, index: usize, finding: Finding, sink: &mut dyn Sink) {
        if index == self.current {
            self.slot(index).findings.drain(..).for_each(|f| sink.finding(f));
            sink.finding(finding);
        } else {
            self.slot(index).findings.push(finding);
        }
    }

    fn file(&mut self, index: usize, report: FileReport, sink: &mut dyn Sink) {
        self.slot(index).report = Some(report);
        while self.waiting.front().is_some_and(|w| w.report.is_some()) {
            if let Some(done) = self.waiting.pop_front() {
                done.findings.into_iter().for_each(|f| sink.finding(f));
                if let Some(report) = done.report {
                    sink.file(report);
                }
                self.current += 1;
            }
        }
    }
}

/// Distinct values counted per field and detector at the most; 16 bytes each.
const DISTINCT_MAX: usize = 100_000;

#[derive(Default)]
struct Tally {
    matches: u64,
    distinct: HashSet<u64>,
    capped: bool,
    score_max: f32,
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
    /// Field paths as they may be shown.
    safe_paths: HashMap<FieldId, String>,
}

impl<'a> Worker<'a> {
    fn new(engine: &'a Engine, options: &'a ScanOptions, progress: &'a Progress) -> Result<Self, Error> {
        let filter = FieldFilter::new(options.fields.clone());
        Ok(Self {
            engine,
            scanner: engine.scanner()?,
            options,
            progress,
            open: OpenOptions { format: options.format, filter, binary: options.binary },
            batch: ValueBatch::new(),
            matches: Vec::new(),
            safe_paths: HashMap::new(),
        })
    }

    fn file(&mut self, input: &ScanInput, found: &mut dyn FnMut(Finding)) -> Result<FileReport, Error> {
        let mut report = FileReport {
            path: input.path.clone(),
            format: None,
            size_bytes: input.size_bytes,
            rows: None,
            sha256: None,
            findings: 0,
            below_confidence: 0,
            problems: Vec::new(),
            skipped: false,
            summaries: Vec::new(),
        };
        let mut tallies = BTreeMap::new();
        if let Some(problem) = &input.problem {
            report.problems.push(whole_file(problem.clone()));
        } else {
            match readers::open(&input.path, &self.open) {
                Ok(Open::Ready(mut opened)) => {
                    report.format = opened.format.map(Format::as_str);
                    self.read(opened.reader.as_mut(), &mut report, &mut tallies, found)?;
                }
                Ok(Open::Skipped) => report.skipped = true,
                Err(Error::Read { message, .. }) => report.problems.push(whole_file(message)),
                Err(e) => return Err(e),
            }
            self.hash(&mut report);
        }
        report.summaries = self.summaries(tallies);
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        Ok(report)
    }

    fn hash(&self, report: &mut FileReport) {
        if self.options.hash_content {
            match sha256_of(&report.path) {
                Ok(hash) => report.sha256 = Some(hash),
                Err(e) => report.problems.push(whole_file(readers::io_message(&e))),
            }
        }
    }

    fn read(
        &mut self,
        reader: &mut dyn readers::Reader,
        report: &mut FileReport,
        tallies: &mut BTreeMap<(Option<String>, u16), Tally>,
        found: &mut dyn FnMut(Finding),
    ) -> Result<(), Error> {
        let mut fields = FieldTable::default();
        self.safe_paths.clear();
        self.scanner.reset_fields();
        let mut place = BatchPlace::default();
        let mut lines = Lines::default();
        loop {
            self.batch.clear();
            let more = reader.next(&mut fields, &mut self.batch, &mut place);
            // An error ends the file, but what the batch holds by then is still scanned.
            self.matches.clear();
            self.scanner.scan(&self.batch, &fields, &mut self.matches)?;
            self.progress.bytes.fetch_add(self.batch.len() as u64, Ordering::Relaxed);
            let is_text = reader.rows().is_none();
            lines.restart(place.text_lines);
            let matches = std::mem::take(&mut self.matches);
            for m in &matches {
                if is_text && !(place.accept_from..place.accept_until).contains(&m.start) {
                    continue;
                }
                if m.score < self.options.confidence_min.score_min() {
                    report.below_confidence += 1;
                    continue;
                }
                if let Some(field) = self.batch.spans()[m.value as usize].field {
                    self.learn_path(field, &fields)?;
                }
                let finding = self.finding(m, &place, is_text, &mut lines, report, tallies);
                report.findings += 1;
                self.progress.findings.fetch_add(1, Ordering::Relaxed);
                found(finding);
            }
            self.matches = matches;
            report.problems.append(&mut reader.problems());
            match more {
                Ok(true) if self.progress.stop.load(Ordering::Relaxed) => {
                    report.problems.push(whole_file("the scan was stopped before its end".into()));
                    break;
                }
                Ok(true) => {}
                Ok(false) => break,
                Err(problem) => {
                    report.problems.push(problem);
                    break;
                }
            }
        }
        report.rows = reader.rows();
        Ok(())
    }

    /// A field's path as it may be shown: a name can hold a value too (a column named after a token, a key of a map of
    /// addresses), so what a rule matches in it is replaced by `*`.
    fn learn_path(&mut self, field: FieldId, fields: &FieldTable) -> Result<(), Error> {
        if self.safe_paths.contains_key(&field) {
            return Ok(());
        }
        let path = fields.path(field);
        let mut name = ValueBatch::new();
        name.push(0, None, path.as_bytes());
        let mut found = Vec::new();
        self.scanner.scan(&name, &FieldTable::default(), &mut found)?;
        let mut shown = String::with_capacity(path.len());
        let mut done = 0;
        for m in found.iter().filter(|m| m.score >= Confidence::Medium.score_min()) {
            if let Some(before) = path.get(done..m.start) {
                shown.push_str(before);
                shown.push('*');
                done = m.end;
            }
        }
        shown.push_str(path.get(done..).unwrap_or_default());
        self.safe_paths.insert(field, shown);
        Ok(())
    }

    fn finding(
        &self,
        m: &Match,
        place: &BatchPlace,
        is_text: bool,
        lines: &mut Lines,
        report: &FileReport,
        tallies: &mut BTreeMap<(Option<String>, u16), Tally>,
    ) -> Finding {
        let rule = self.engine.rules().get(m.rule);
        let text = self.batch.value(m.value);
        let value = String::from_utf8_lossy(text.get(m.start..m.end).unwrap_or_default());
        let span = self.batch.spans()[m.value as usize];
        let field = span.field.map(|f| self.safe_paths.get(&f).cloned().unwrap_or_else(|| "*".to_owned()));
        let fingerprint = self.options.key.fingerprint(&rule.entity, &value, rule.normalise);
        let tally = tallies.entry((field.as_deref().map(without_positions), m.rule)).or_default();
        tally.matches += 1;
        tally.score_max = tally.score_max.max(m.score);
        tally.note(&fingerprint);
        let base = if is_text { place.text_base } else { 0 };
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
            fingerprint,
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
                }
            })
            .collect()
    }
}

impl Tally {
    fn note(&mut self, fingerprint: &str) {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        fingerprint.hash(&mut hasher);
        let hash = hasher.finish();
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

fn whole_file(message: String) -> Problem {
    Problem { place: "the file".into(), message }
}

/// `messages.3.content` is `messages.*.content`: one summary for all elements of a list.
fn without_positions(path: &str) -> String {
    let segments =
        path.split('.').map(|s| if !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) { "*" } else { s });
    segments.collect::<Vec<_>>().join(".")
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

//! A scan whose work is done elsewhere: what another process needs to scan a part of an input, what it tells, and how
//! that becomes the same findings and reports as a scan here.
//!
//! The parts of an input are those that the threads of a scan share, numbered in its order ([`super::parallel`]), so
//! where one process stops and the next begins changes no result. Counts travel as they are kept, by field and rule; of
//! values there are keyed hashes only. This module sends nothing: pieces can be written as JSON.

use super::profile::ProfileCounts;
use super::{FileReport, Progress, ScanInput, ScanOptions, Sink, Tallies, Tally, UnitReport, Worker, whole_file};
use crate::decoders::Undecoded;
use crate::near::Sketch;
use crate::readers::{Format, Opened, Problem, Reader};
use crate::{Engine, Error, Finding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// All parts of an input, however many it has.
const ALL_PARTS: Range<u64> = 0..u64::MAX;
/// Shares of one input that has to be read from its beginning to find a part: each reads all before its own.
const SHARES_READ_MAX: u64 = 8;
/// Shares of a group, at the most: files can be small, and empty ones have no size to count.
const GROUP_SHARES_MAX: usize = 10_000;
/// Bytes of a part of JSON Lines and of plain text, about.
const PART_BYTES: [u64; 2] = [2 << 20, 4 << 20];

/// What one process scans of an input: these of its parts. An input that has no parts is its part 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Number of the input among all of the scan.
    pub input: usize,
    /// Parts, half open.
    pub parts: Range<u64>,
}

/// What is told of a share, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Piece {
    /// How the input was opened; told by the share with part 0.
    Opened(Box<OpenedInput>),
    /// Parts of the share were not read, and no part tells why.
    Unread(Vec<Problem>),
    /// A finding of a part.
    Finding(u64, Box<Finding>),
    /// A part is done.
    Part(u64, Box<PartOutcome>),
    /// The share is done, with so many bytes of text.
    Done(u64),
}

impl Piece {
    /// As it travels.
    pub fn write(&self) -> String {
        // Its maps have texts as keys, its numbers are finite: there is nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What was written.
    ///
    /// # Errors
    /// Where it is not a piece.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// How an input was opened.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OpenedInput {
    format: Option<String>,
    skipped: bool,
    problems: Vec<Problem>,
    sha256: Option<[u8; 32]>,
    /// Why there is no hash where one was asked for.
    unhashed: Vec<Problem>,
}

/// What reading a part came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PartOutcome {
    rows: Option<u64>,
    findings: u64,
    below_confidence: u64,
    problems: Vec<Problem>,
    problems_untold: u64,
    members_skipped: u64,
    undecoded: Undecoded,
    sampled: bool,
    ended_early: bool,
    profile: ProfileCounts,
    sketch: Option<Box<Sketch>>,
    tallies: Vec<FieldTally>,
}

/// Counts of a rule in a field.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FieldTally {
    field: Option<String>,
    rule: u16,
    matches: u64,
    distinct: Vec<u64>,
    capped: bool,
    score_max: f32,
}

/// The options as one process gives them to others, who know of no scans before.
pub fn settled(options: &ScanOptions) -> ScanOptions {
    ScanOptions { incremental: None, ..options.clone() }
}

/// Cuts a scan into groups of shares of about so many bytes each, in order. Small inputs are together; of Parquet files
/// the row groups are shared out, of plain text and JSON Lines runs of their parts.
///
/// # Errors
/// [`Error::Engine`] where the matching engine cannot start.
pub fn shares(
    engine: &Engine,
    inputs: &[ScanInput],
    options: &ScanOptions,
    group_bytes: u64,
) -> Result<Vec<Vec<Share>>, Error> {
    let progress = Progress::default();
    let mut worker = Worker::new(engine, options, &progress)?;
    let mut groups: Vec<Vec<Share>> = Vec::new();
    // Bytes of the last group; none where it takes no more.
    let mut filled = None;
    for (index, input) in inputs.iter().enumerate().filter(|(_, input)| input.problem.is_none()) {
        let of_input = |parts: Range<u64>| Share { input: index, parts };
        let runs = runs(&mut worker, input, group_bytes)?;
        if runs.len() > 1 {
            groups.extend(runs.into_iter().map(|parts| vec![of_input(parts)]));
            filled = None;
            continue;
        }
        filled = filled.and_then(|filled: u64| filled.checked_add(input.size_bytes)).filter(|all| *all <= group_bytes);
        if filled.is_none() || groups.last().is_some_and(|group| group.len() >= GROUP_SHARES_MAX) {
            groups.push(Vec::new());
            filled = Some(input.size_bytes);
        }
        groups.last_mut().into_iter().for_each(|group| group.push(of_input(ALL_PARTS)));
    }
    Ok(groups)
}

/// Runs of an input's parts, one where it stays whole. The last is open: how many parts there are is not known before
/// it is read.
fn runs(worker: &mut Worker<'_>, input: &ScanInput, group_bytes: u64) -> Result<Vec<Range<u64>>, Error> {
    let whole = Vec::from([ALL_PARTS]);
    // A sample of the first records ends with the part in which they end.
    if input.size_bytes < group_bytes.saturating_mul(2) || worker.options.sample.is_some() {
        return Ok(whole);
    }
    let Some(Opened { mut reader, format }) = worker.open(input, &mut FileReport::of(input))? else { return Ok(whole) };
    if !reader.splits() {
        return Ok(whole);
    }
    let (parts, runs_max) = match format {
        // Row groups are found by the file's footer.
        Some(Format::Parquet) => (std::iter::from_fn(|| reader.split()).count() as u64, u64::MAX),
        format => {
            let [json, text] = PART_BYTES;
            let part_bytes = if format == Some(Format::Jsonl) { json } else { text };
            (input.size_bytes.div_ceil(part_bytes), SHARES_READ_MAX)
        }
    };
    let count = (input.size_bytes / group_bytes.max(1)).clamp(1, runs_max).min(parts.max(1));
    let each = parts.div_ceil(count);
    let run = |at: u64| at * each..if at + 1 == count { u64::MAX } else { (at + 1) * each };
    Ok((0..count).map(run).collect())
}

/// Scans a share of an input and tells what it finds. The options are [`settled`].
///
/// # Errors
/// [`Error::Engine`] where the matching engine cannot start; what is wrong with the input is told.
pub fn scan_share(
    engine: &Engine,
    input: &ScanInput,
    share: &Share,
    options: &ScanOptions,
    progress: &Progress,
    tell: &mut dyn FnMut(Piece),
) -> Result<(), Error> {
    let before = progress.bytes.load(Ordering::Relaxed);
    let mut worker = Worker::new(engine, options, progress)?;
    parts_of(&mut worker, input, share, tell)?;
    tell(Piece::Done(progress.bytes.load(Ordering::Relaxed) - before));
    Ok(())
}

fn parts_of(
    worker: &mut Worker<'_>,
    input: &ScanInput,
    share: &Share,
    tell: &mut dyn FnMut(Piece),
) -> Result<(), Error> {
    let mut report = FileReport::of(input);
    let opened = worker.open(input, &mut report)?;
    let is_first = share.parts.start == 0;
    if is_first {
        tell(Piece::Opened(Box::new(told(worker, input, &report))));
    }
    // Who cut the input found that it splits.
    let Some(Opened { mut reader, .. }) = opened.filter(|opened| is_first || opened.reader.splits()) else {
        if !is_first {
            tell(Piece::Unread(unread(report)));
        }
        return Ok(());
    };
    if !reader.splits() {
        return one_part(worker, input, share, 0, reader.as_mut(), tell).map(drop);
    }
    for number in 0..share.parts.end {
        let Some(mut part) = reader.split() else {
            // A part of another share was the last that could be read here; there it may have been read well.
            let failed = reader.split_failed().filter(|_| number <= share.parts.start);
            failed.into_iter().for_each(|problem| tell(Piece::Unread(vec![problem])));
            break;
        };
        if number >= share.parts.start && one_part(worker, input, share, number, part.as_mut(), tell)? {
            break;
        }
    }
    Ok(())
}

/// Why parts of an input that is cut could not be read.
fn unread(report: FileReport) -> Vec<Problem> {
    match report.problems.is_empty() {
        true => vec![whole_file("it was changed while it was scanned; scan it again".to_owned())],
        false => report.problems,
    }
}

/// Reads a part and tells of it; whether it ends its input.
fn one_part(
    worker: &mut Worker<'_>,
    input: &ScanInput,
    share: &Share,
    number: u64,
    reader: &mut dyn Reader,
    tell: &mut dyn FnMut(Piece),
) -> Result<bool, Error> {
    let mut tallies = Tallies::new();
    worker.turn_to(input);
    let done = worker.read(share.input, &input.path, reader, &mut tallies, &mut |finding| {
        tell(Piece::Finding(number, Box::new(finding)));
    })?;
    let outcome = PartOutcome::of(done, tallies);
    let ends = outcome.ended_early;
    tell(Piece::Part(number, Box::new(outcome)));
    Ok(ends)
}

fn told(worker: &Worker<'_>, input: &ScanInput, report: &FileReport) -> OpenedInput {
    let mut hashed = FileReport::of(input);
    if worker.options.hash_content && input.problem.is_none() {
        worker.hash(input, &mut hashed);
    }
    OpenedInput {
        format: report.format.map(str::to_owned),
        skipped: report.skipped,
        problems: report.problems.clone(),
        sha256: hashed.sha256,
        unhashed: hashed.problems,
    }
}

impl PartOutcome {
    fn of(done: UnitReport, tallies: Tallies) -> Self {
        // Named one by one, so that what is added to a part's report has to be given a way here.
        let UnitReport {
            path: _,
            rows,
            findings,
            below_confidence,
            problems,
            problems_untold,
            members_skipped,
            undecoded,
            sampled,
            kept: _,
            ended_early,
            profile,
            sketch,
        } = done;
        let tallies = tallies.into_iter().map(|((field, rule), tally)| FieldTally {
            field,
            rule,
            matches: tally.matches,
            distinct: tally.distinct.into_iter().collect(),
            capped: tally.capped,
            score_max: tally.score_max,
        });
        Self {
            rows,
            findings,
            below_confidence,
            problems,
            problems_untold,
            members_skipped,
            undecoded,
            sampled,
            ended_early,
            profile: profile.into(),
            sketch: sketch.map(Box::new),
            tallies: tallies.collect(),
        }
    }

    fn into_parts(self) -> (UnitReport, Vec<FieldTally>) {
        let unit = UnitReport {
            rows: self.rows,
            findings: self.findings,
            below_confidence: self.below_confidence,
            problems: self.problems,
            problems_untold: self.problems_untold,
            members_skipped: self.members_skipped,
            undecoded: self.undecoded,
            sampled: self.sampled,
            ended_early: self.ended_early,
            profile: self.profile.into(),
            sketch: self.sketch.map(|sketch| *sketch),
            ..UnitReport::default()
        };
        (unit, self.tallies)
    }
}

/// Puts what was told of shares together. Shares are given whole and in the order of inputs and parts.
pub struct Gather<'a> {
    worker: Worker<'a>,
    inputs: &'a [ScanInput],
    next: usize,
    gathered: Gathered,
}

/// What is known of the input that is due.
#[derive(Default)]
struct Gathered {
    opened: OpenedInput,
    parts: BTreeMap<u64, PartOutcome>,
    /// Why parts are missing.
    unread: Vec<Problem>,
    /// A part ended the input: what was told of later ones does not count.
    ended: bool,
}

impl<'a> Gather<'a> {
    /// Begins with the first of the inputs.
    ///
    /// # Errors
    /// [`Error::Engine`] where the matching engine cannot start.
    pub fn new(
        engine: &'a Engine,
        inputs: &'a [ScanInput],
        options: &'a ScanOptions,
        progress: &'a Progress,
    ) -> Result<Self, Error> {
        Ok(Self { worker: Worker::new(engine, options, progress)?, inputs, next: 0, gathered: Gathered::default() })
    }

    /// Takes what was told of a share. Reports of inputs before it go to the sink first.
    pub fn share(&mut self, share: &Share, pieces: impl IntoIterator<Item = Piece>, sink: &mut dyn Sink) {
        self.until(share.input, sink);
        for piece in pieces {
            self.piece(piece, sink);
        }
    }

    /// Ends the scan: the rest of the inputs is reported.
    pub fn finish(mut self, sink: &mut dyn Sink) {
        self.until(self.inputs.len(), sink);
    }

    fn piece(&mut self, piece: Piece, sink: &mut dyn Sink) {
        match piece {
            Piece::Opened(opened) => self.gathered.opened = *opened,
            Piece::Finding(..) | Piece::Part(..) | Piece::Unread(_) if self.gathered.ended => {}
            Piece::Unread(problems) => self.gathered.unread.extend(problems),
            Piece::Finding(_, finding) => {
                self.worker.progress.findings.fetch_add(1, Ordering::Relaxed);
                sink.finding(*finding);
            }
            Piece::Part(number, outcome) => {
                self.gathered.ended = outcome.ended_early;
                self.gathered.parts.insert(number, *outcome);
            }
            Piece::Done(bytes) => {
                self.worker.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
        }
    }

    fn until(&mut self, input: usize, sink: &mut dyn Sink) {
        while self.next < input {
            if let Some(done) = self.inputs.get(self.next) {
                let gathered = std::mem::take(&mut self.gathered);
                sink.file(self.report(done, gathered));
            }
            self.next += 1;
        }
    }

    fn report(&mut self, input: &ScanInput, gathered: Gathered) -> FileReport {
        let Gathered { opened, parts, unread, .. } = gathered;
        let mut report = FileReport {
            format: opened.format.as_deref().and_then(Format::parse).map(Format::as_str),
            skipped: opened.skipped,
            problems: opened.problems,
            sha256: opened.sha256,
            ..FileReport::of(input)
        };
        if let Some(problem) = &input.problem {
            report.problems.push(whole_file(problem.clone()));
        }
        let mut profile = super::Profile::default();
        let mut tallies = Tallies::new();
        for (mut unit, counts) in parts.into_values().map(PartOutcome::into_parts) {
            profile.merge(std::mem::take(&mut unit.profile));
            report.add(unit);
            super::merge_tallies(&mut tallies, counts.into_iter().map(counted));
        }
        report.summaries = profile.judge(self.worker.summaries(tallies), self.worker.engine.rules());
        // Several shares fail alike.
        for problem in unread {
            if !report.problems.contains(&problem) {
                report.problems.push(problem);
            }
        }
        report.problems.extend(opened.unhashed);
        self.worker.close(input, &mut report);
        report
    }
}

fn counted(tally: FieldTally) -> ((Option<String>, u16), Tally) {
    let FieldTally { field, rule, matches, distinct, capped, score_max } = tally;
    ((field, rule), Tally { matches, distinct: distinct.into_iter().collect(), capped, score_max })
}

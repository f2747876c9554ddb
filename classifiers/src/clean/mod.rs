//! Cleaned copies of data sets: what a scan finds in a file is masked, hashed, made up anew, or its record left out.
//!
//! A copy keeps the format of its input and everything in it that is not sensitive. When it is written it is scanned like
//! any other file; what is still found is cleaned in another round, and what is left after the last one is told, so that
//! nobody takes a copy for clean that is not. Formats are JSON Lines, CSV, TSV, Parquet and plain text; packed and
//! compressed inputs are refused, and of text in another encoding the copy is in UTF-8. Detection is the engine's affair, and
//! this module decides nothing about it.

mod bounded;
mod csv;
mod jsonl;
mod parquet;
mod surrogate;
#[cfg(test)]
mod tests;
mod text;

use crate::columns::{FieldFilter, TypedNames};
use crate::decoders::{self, Decoded, DecodedValues, Layers, Undecoded};
use crate::engine::overlap::Beaten;
use crate::finding::Match;
use crate::inner_json::{self, Edit};
use crate::readers::{self, Format, Problem};
use crate::scan::{self, FileReport, Names, ScanInput, ScanOptions, Sink};
use crate::values::{FieldTable, ValueBatch};
use crate::{Engine, Error, Finding, Scanner};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::hash::{Hash as _, Hasher as _};
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Rounds of cleaning: replacing a value can lay another one bare.
const ROUNDS_MAX: usize = 3;
/// Rounds behind those in which what is left is masked, whatever the mode: what is put in the place of a value can itself
/// be what lays the next one bare, round after round, and asterisks are no word.
const ROUNDS_OF_MASKS: usize = 3;
/// Places of what is left that are listed.
const LEFT_MAX: usize = 100;
/// Bytes of records that are cleaned at a time, about.
const BATCH_BYTES: usize = 1 << 20;
/// Field paths whose safe form is remembered.
const SHOWN_MAX: usize = 4_096;

/// What becomes of a sensitive value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Its letters and digits become `*`.
    Mask,
    /// It becomes `[ENTITY:fingerprint]`: equal values stay equal.
    Hash,
    /// Its record (in text, its line) is left out.
    Drop,
    /// It becomes a made-up value of the same kind and shape; equal values stay equal.
    Surrogate,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mask, Self::Hash, Self::Drop, Self::Surrogate];

    /// The name used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Hash => "hash",
            Self::Drop => "drop",
            Self::Surrogate => "surrogate",
        }
    }
}

/// Values of one detector in one field that were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// Dotted path of the field; `None` in plain text.
    pub field: Option<String>,
    /// Detector.
    pub detector: String,
    /// Entity.
    pub entity: String,
    /// How many.
    pub count: u64,
}

/// What cleaning came to.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct CleanReport {
    /// Records (lines, in plain text) of the input.
    pub rows: u64,
    /// Records that were left out for what is in them.
    pub rows_dropped: u64,
    /// Records that were left out for their length: longer than a limit on memory allows to look at as a whole.
    pub rows_too_long: u64,
    /// Values that were replaced, or for which their record was left out.
    pub replaced: Vec<Replaced>,
    /// Those among the replaced that were masked although another mode was asked for: what was put in place of values
    /// would not come to rest.
    pub masked_instead: u64,
    /// Rounds it took.
    pub rounds: usize,
    /// What a scan of the copy still finds; the first of them.
    pub left: Vec<Finding>,
    /// How many those are in all.
    pub left_count: u64,
    /// Encoded parts of the copy that were not looked into.
    pub undecoded: Undecoded,
    /// Which records were left out for their length, the first of them; and what that scan could not read as what it is, a
    /// broken line of JSON for example, which is cleaned as text.
    pub problems: Vec<Problem>,
}

/// Writes a cleaned copy of a file. `options` are those of the scan that decides what is sensitive: format, fields, least
/// confidence, key.
///
/// # Errors
/// [`Error::Read`] where the input cannot be read whole or is of a format that cannot be copied, or the output cannot be
/// written. What is left in a copy is no error but in the report.
pub fn clean_file(
    engine: &Engine,
    input: &Path,
    output: &Path,
    mode: Mode,
    options: &ScanOptions,
) -> Result<CleanReport, Error> {
    // What is not there is of no format; that would be the lesser news.
    let metadata = std::fs::metadata(input).map_err(|e| Error::read(input, readers::io_message(&e)))?;
    if metadata.is_dir() {
        return Err(Error::read(input, "it is a directory; a cleaned copy is made of one file at a time"));
    }
    let format = options.format.map_or_else(|| format_of(input), Ok)?;
    let mut cleaner = Cleaner::new(engine, mode, options)?;
    cleaner.input = input.to_owned();
    let mut next = output.as_os_str().to_owned();
    next.push(".next");
    let next = Path::new(&next);
    cleaner.called = (format == Format::Parquet).then(|| crate::datasets::columns_of(input)).flatten();
    cleaner.filter = cleaner.filter.clone().with_called(cleaner.called.clone());
    let plain = if format == Format::Parquet { None } else { in_utf8(input, output)? };
    for round in 1..=ROUNDS_MAX + ROUNDS_OF_MASKS {
        if round > ROUNDS_MAX && mode != Mode::Drop {
            cleaner.mode = Mode::Mask;
        }
        let from = if round == 1 { plain.as_ref().map_or(input, |plain| plain.path()) } else { output };
        cleaner.report.rounds = round;
        let written = cleaner.round(format, from, next);
        let renamed = written.and_then(|()| {
            std::fs::rename(next, output).map_err(|e| Error::read(output, e))?;
            cleaner.check(format, output)
        });
        if renamed.is_err() {
            drop(std::fs::remove_file(next));
        }
        renamed?;
        if cleaner.report.left_count == 0 {
            break;
        }
    }
    cleaner.report.problems.splice(0..0, std::mem::take(&mut cleaner.left_out));
    Ok(cleaner.report)
}

/// A text of another encoding in UTF-8, in which its copy will be: beside the copy, readable by nobody else, and gone when
/// it is not needed any more. `None` where it is UTF-8 already.
fn in_utf8(input: &Path, output: &Path) -> Result<Option<NamedTempFile>, Error> {
    let Some(mut text) = readers::in_utf8(input).map_err(|e| Error::read(input, e))? else { return Ok(None) };
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copied = NamedTempFile::new_in(folder).and_then(|mut plain| {
        std::io::copy(&mut text, &mut plain)?;
        Ok(plain)
    });
    copied.map(Some).map_err(|e| Error::read(input, e))
}

/// The format by a file's name.
fn format_of(input: &Path) -> Result<Format, Error> {
    let name = input.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    Ok(match name.rsplit('.').next().unwrap_or_default() {
        "jsonl" | "ndjson" => Format::Jsonl,
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "parquet" => Format::Parquet,
        "txt" | "md" | "log" | "text" => Format::Text,
        _ => return Err(refused(input)),
    })
}

fn refused(input: &Path) -> Error {
    Error::read(
        input,
        "a cleaned copy can be made of jsonl, csv, tsv, parquet and text only; unpack it first, or name the format",
    )
}

/// Cleans records, and remembers what it did.
struct Cleaner<'e> {
    engine: &'e Engine,
    scanner: Scanner<'e>,
    names: Option<Names>,
    cells: scan::Cells,
    /// The mode that was asked for, and that of this round.
    asked: Mode,
    mode: Mode,
    options: &'e ScanOptions,
    /// What was found inside replacements of the copy of the last round, which is not to be cleaned again.
    accepted: HashSet<Place>,
    /// The same of the copy that is being written.
    accepted_next: HashSet<Place>,
    /// The input, by which what is left in a copy is named.
    input: PathBuf,
    /// Of a text: the ranges of the last copy that are replacements.
    ranges: Vec<Range<u64>>,
    /// Which dates and fractions are looked at, and what columns are called.
    filter: FieldFilter,
    called: Option<Arc<HashMap<String, String>>>,
    /// Field paths as they may be told.
    shown: HashMap<String, String>,
    /// The first records that were too long.
    left_out: Vec<Problem>,
    report: CleanReport,
}

/// Where a finding stands in a copy of records: its record, start, end, and a hash of its fingerprint, which tells apart
/// what stands at one place of several fields. A value counts as made up by its place and never by what it is: a real
/// value may equal what was made up for another.
type Place = (u64, u64, u64, u64);

fn place_of(row: u64, start: u64, end: u64, fingerprint: &str) -> Place {
    let mut hasher = std::hash::DefaultHasher::new();
    fingerprint.hash(&mut hasher);
    (row, start, end, hasher.finish())
}

/// Whether a range lies in one of some that are in order and apart.
fn is_inside<T: Ord>(ranges: &[Range<T>], start: T, end: T) -> bool {
    ranges.get(ranges.partition_point(|r| r.end < end)).is_some_and(|r| r.start <= start && end <= r.end)
}

/// New values of a batch, by their index, and the records in which something was found.
#[derive(Default)]
struct Edits {
    values: BTreeMap<u32, Vec<u8>>,
    rows: HashSet<u64>,
}

impl<'e> Cleaner<'e> {
    fn new(engine: &'e Engine, mode: Mode, options: &'e ScanOptions) -> Result<Self, Error> {
        Ok(Self {
            engine,
            scanner: engine.scanner()?,
            names: Names::new(engine.rules(), options.ner),
            cells: scan::Cells::default(),
            asked: mode,
            mode,
            options,
            accepted: HashSet::new(),
            accepted_next: HashSet::new(),
            input: PathBuf::new(),
            ranges: Vec::new(),
            filter: FieldFilter::default().with_typed(TypedNames::of(engine.rules())),
            called: None,
            shown: HashMap::new(),
            left_out: Vec::new(),
            report: CleanReport::default(),
        })
    }

    /// Writes one round, and remembers what of its copy is replacements.
    fn round(&mut self, format: Format, from: &Path, to: &Path) -> Result<(), Error> {
        let file = File::create(to).map_err(|e| Error::read(to, e))?;
        let mut out = BufWriter::with_capacity(1 << 18, file);
        let counts = (self.report.rows, self.report.rounds);
        // While a copy is written: the number of its next record, for which those that are left out do not count.
        self.report.rows = 0;
        let ranges = match format {
            Format::Jsonl => jsonl::clean(self, from, &mut out).map(|()| Vec::new()),
            Format::Csv => csv::clean(self, from, None, &mut out).map(|()| Vec::new()),
            Format::Tsv => csv::clean(self, from, Some(b'\t'), &mut out).map(|()| Vec::new()),
            Format::Parquet => parquet::clean(self, from, &mut out).map(|()| Vec::new()),
            Format::Text | Format::Markdown => text::clean(self, format, from, &mut out),
            _ => Err(refused(from)),
        }?;
        match counts.1 {
            ..=1 => self.report.rows += self.report.rows_too_long,
            _ => self.report.rows = counts.0,
        }
        self.accepted = std::mem::take(&mut self.accepted_next);
        self.ranges = ranges;
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(|e| Error::read(to, e))
    }

    /// Notes a record that is too long to be held.
    fn leave_out(&mut self, place: String) {
        self.report.rows_too_long += 1;
        if self.left_out.len() < LEFT_MAX {
            let bytes_max = self.options.limits.record_bytes_max;
            let message = format!(
                "longer than {bytes_max} bytes; it is left out of the copy (`--format text` cleans the file as one text)"
            );
            self.left_out.push(Problem { place, message });
        }
    }

    /// Scans the copy and notes what is left.
    fn check(&mut self, format: Format, copy: &Path) -> Result<(), Error> {
        let mut left = Left { cleaner: self, found: Vec::new(), count: 0, report: None };
        let input = ScanInput::file(copy.to_owned(), std::fs::metadata(copy).map_or(0, |m| m.len()));
        let input = ScanInput { called: left.cleaner.called.clone(), ..input };
        let options =
            ScanOptions { format: Some(format), incremental: None, sample: None, ..left.cleaner.options.clone() };
        let engine = left.cleaner.engine;
        scan::scan(engine, &[input], &options, &Default::default(), &mut left)?;
        let Left { found, count, report, .. } = left;
        let told = report.iter().flat_map(|report| &report.problems);
        let stopped: Vec<String> = engine
            .rules()
            .iter()
            .filter(|(_, rule)| rule.is_users)
            .map(|(_, rule)| scan::stopped_rule(&rule.id))
            .collect();
        if let Some(problem) = told.map(|problem| &problem.message).find(|message| stopped.contains(message)) {
            return Err(Error::read(&self.input, problem));
        }
        self.report.problems = match report {
            // An empty file has no format, and nothing in it.
            Some(report) if report.format.is_some() || (report.problems.is_empty() && !report.skipped) => {
                self.report.undecoded = report.undecoded;
                report.problems
            }
            _ => return Err(Error::read(copy, "the copy cannot be read again, so nothing is known of it")),
        };
        self.report.left = found;
        self.report.left_count = count;
        Ok(())
    }

    /// What is to be replaced in a batch, in the order of values and starts.
    fn find(&mut self, batch: &ValueBatch, fields: &mut FieldTable) -> Result<Vec<Found>, Error> {
        let rules = self.engine.rules();
        let mut matches = Vec::new();
        self.scanner.scan(batch, fields, &mut matches)?;
        let min = self.options.confidence_min.score_min();
        let beaten = Beaten::of(self.scanner.beaten(), min);
        self.cells.add(batch, 0, rules, &mut self.scanner, fields, &mut matches)?;
        let mut decoded = self.find_decoded(batch, fields, &mut matches)?;
        if let Some(rule) = self.scanner.take_stopped_rules().first() {
            let id = &rules.get(*rule).id;
            return Err(Error::read(&self.input, scan::stopped_rule(id)));
        }
        if let Some(names) = &mut self.names {
            names.add(batch, 0, rules, &mut matches);
        }
        matches.retain(|m| m.score >= min);
        let mut all: Vec<Found> = matches
            .into_iter()
            .map(|m| {
                let plain = || batch.value(m.value).get(m.start..m.end).unwrap_or_default().to_vec();
                let (value, (start, end)) = match decoded.take(&m) {
                    Some(Decoded { text, stretch }) => (text, stretch),
                    None => (plain(), beaten.reach(&m)),
                };
                let value = String::from_utf8_lossy(&value).into_owned();
                let rule = rules.get(m.rule);
                let fingerprint = self.options.key.fingerprint(&rule.entity, &value, rule.normalise);
                Found { place: Match { start, end, ..m }, value, fingerprint }
            })
            .collect();
        // What goes with a decoded value begins before it.
        all.sort_by_key(|f| (f.place.value, f.place.start, f.place.end));
        Ok(all)
    }

    /// Adds what encoded parts hold, at the places where they are encoded; gives the values behind them.
    fn find_decoded(
        &mut self,
        batch: &ValueBatch,
        fields: &mut FieldTable,
        matches: &mut Vec<Match>,
    ) -> Result<DecodedValues, Error> {
        let layers = Layers::of(batch);
        let (mut found, mut all) = (Vec::new(), Vec::new());
        for (layer, plain) in layers.batches().enumerate().filter(|_| self.options.decode) {
            found.clear();
            self.scanner.scan(plain, fields, &mut found)?;
            decoders::found_in_layer(&layers, layer, batch, plain, &found, &mut all);
            self.cells.of_layer(&layers, layer, (batch, plain), &mut self.scanner, fields, &mut all)?;
        }
        Ok(decoders::merge(matches, all, self.engine.rules()))
    }

    /// The new values of a batch. What is found in the replacements themselves is accepted there from here on.
    fn edit(&mut self, batch: &ValueBatch, fields: &mut FieldTable) -> Result<Edits, Error> {
        let found = self.find(batch, fields)?;
        let mut edits = Edits::default();
        let mut rewritten = ValueBatch::new();
        let mut replaced: Vec<Vec<Range<usize>>> = Vec::new();
        let mut rest = found.as_slice();
        while let Some(first) = rest.first() {
            let value = first.place.value;
            let here = rest.iter().take_while(|f| f.place.value == value).count();
            let (mine, later) = rest.split_at(here);
            rest = later;
            let Some(span) = batch.spans().get(value as usize) else { continue };
            let wanted: Vec<&Found> = mine.iter().filter(|f| !self.accepted.contains(&f.place_in(span.row))).collect();
            if wanted.is_empty() {
                self.accepted_next.extend(mine.iter().map(|f| f.place_in(span.row)));
                continue;
            }
            let field = span.field.map(|f| fields.path(f).to_owned());
            wanted.iter().for_each(|f| self.note(field.as_deref(), f));
            edits.rows.insert(span.row);
            if self.mode != Mode::Drop {
                let (text, ranges) = self.replace(span.row, batch.value(value), mine);
                rewritten.push(span.row, span.field, &text);
                replaced.push(ranges);
                edits.values.insert(value, text);
            }
        }
        if !edits.values.is_empty() {
            for f in self.find(&rewritten, fields)? {
                let (m, ranges) = (f.place, replaced.get(f.place.value as usize));
                let span = rewritten.spans().get(m.value as usize);
                if let Some(span) = span
                    && ranges.is_some_and(|all| is_inside(all, m.start, m.end))
                {
                    self.accepted_next.insert(f.place_in(span.row));
                }
            }
        }
        Ok(edits)
    }

    /// A text with replacements, and where they stand in it; where it holds JSON it does so afterwards. Matches that overlap
    /// are replaced as one; what is a replacement of the round before stays.
    fn replace(&self, row: u64, text: &[u8], found: &[Found]) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut edits = Vec::new();
        let mut rest = found;
        while let Some(first) = rest.first() {
            let (start, mut end, mut whole) = (first.place.start, first.place.end, first);
            let mut count = 1;
            while let Some(next) = rest.get(count).filter(|f| f.place.start < end) {
                if next.place.end - next.place.start > whole.place.end - whole.place.start {
                    whole = next;
                }
                end = end.max(next.place.end);
                count += 1;
            }
            let stays = rest[..count].iter().all(|f| self.accepted.contains(&f.place_in(row)));
            rest = &rest[count..];
            let new = (!stays).then(|| {
                // Where several overlap the range is that of none of them: all of it goes.
                let value = String::from_utf8_lossy(text.get(start..end).unwrap_or_default()).into_owned();
                let exact = whole.place.start == start && whole.place.end == end;
                self.replacement(whole, if exact { &whole.value } else { &value }).into_bytes()
            });
            let end = end.min(text.len());
            edits.push(Edit { range: start.min(end)..end, new });
        }
        inner_json::edited(text, &edits)
    }

    fn replacement(&self, found: &Found, value: &str) -> String {
        let rule = self.engine.rules().get(found.place.rule);
        match self.mode {
            Mode::Mask | Mode::Drop => value.chars().map(|c| if c.is_alphanumeric() { '*' } else { c }).collect(),
            Mode::Hash => format!("[{}:{}]", rule.entity, found.fingerprint),
            Mode::Surrogate => surrogate::of(rule, value, &found.fingerprint),
        }
    }

    /// A field's path as it may be told: without what a rule finds in it.
    fn shown(&mut self, path: &str) -> String {
        if let Some(shown) = self.shown.get(path) {
            return shown.clone();
        }
        let mut name = ValueBatch::new();
        name.push(0, None, path.as_bytes());
        let mut found = Vec::new();
        let shown = match self.scanner.scan(&name, &FieldTable::default(), &mut found) {
            Ok(()) => {
                found.sort_by_key(|m| m.start);
                scan::safe_path(path, &found)
            }
            Err(_) => "*".to_owned(),
        };
        if self.shown.len() >= SHOWN_MAX {
            self.shown.clear();
        }
        self.shown.insert(path.to_owned(), shown.clone());
        shown
    }

    fn note(&mut self, field: Option<&str>, found: &Found) {
        self.report.masked_instead += u64::from(self.mode != self.asked);
        let rule = self.engine.rules().get(found.place.rule);
        let field = field.map(|path| self.shown(&scan::without_positions(path)));
        let same = |r: &&mut Replaced| r.field == field && r.detector == rule.id;
        match self.report.replaced.iter_mut().find(same) {
            Some(replaced) => replaced.count += 1,
            None => {
                let (detector, entity) = (rule.id.clone(), rule.entity.clone());
                self.report.replaced.push(Replaced { field, detector, entity, count: 1 });
            }
        }
    }
}

/// A match with its value, which stays in this module.
struct Found {
    place: Match,
    value: String,
    fingerprint: String,
}

impl Found {
    fn place_in(&self, row: u64) -> Place {
        place_of(row, self.place.start as u64, self.place.end as u64, &self.fingerprint)
    }
}

/// Collects what a scan finds in the copy beside replacements.
struct Left<'a, 'e> {
    cleaner: &'a mut Cleaner<'e>,
    found: Vec<Finding>,
    count: u64,
    report: Option<FileReport>,
}

impl Sink for Left<'_, '_> {
    fn finding(&mut self, finding: Finding) {
        let is_accepted = match finding.row {
            Some(row) => {
                let place = place_of(row, finding.start, finding.end, &finding.fingerprint);
                self.cleaner.accepted.contains(&place)
            }
            None => is_inside(&self.cleaner.ranges, finding.start, finding.end),
        };
        if !is_accepted {
            self.count += 1;
            if self.found.len() < LEFT_MAX {
                // The copy is put in its place later, if at all.
                self.found.push(Finding { path: self.cleaner.input.to_string_lossy().into_owned(), ..finding });
            }
        }
    }

    fn file(&mut self, report: FileReport) {
        self.report = Some(report);
    }
}

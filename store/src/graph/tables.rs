//! The large tables of the graph as Arrow columns: read once, kept as they are, a row made of them where one is asked for.

use super::build::AsOf;
use crate::bytes::Hash;
use crate::error::Error;
use crate::rows::Micros;
use arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryArray, BooleanArray, Float32Array, Int64Array, MapArray, RecordBatch,
    StringViewArray, TimestampMicrosecondArray, UInt8Array, UInt32Array, new_null_array,
};
use arrow::compute::{cast, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, TimeUnit, UInt8Type};
use arrow::error::ArrowError;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash as Hashes;
use std::sync::Arc;

/// A column by name and type; null throughout where the table has none.
pub(super) struct Table<'a> {
    name: &'static str,
    batch: &'a RecordBatch,
}

impl<'a> Table<'a> {
    pub fn new(name: &'static str, batch: &'a RecordBatch) -> Self {
        Self { name, batch }
    }

    fn has(&self, column: &str) -> bool {
        self.batch.column_by_name(column).is_some()
    }

    fn column(&self, column: &str, wanted: &DataType) -> Result<arrow::array::ArrayRef, Error> {
        let Some(found) = self.batch.column_by_name(column) else {
            return Ok(new_null_array(wanted, self.batch.num_rows()));
        };
        if found.data_type() == wanted {
            return Ok(found.clone());
        }
        cast(found, wanted).map_err(|e| Error::rows(self.name, e))
    }

    pub fn numbers(&self, column: &str) -> Result<Int64Array, Error> {
        Ok(self.column(column, &DataType::Int64)?.as_primitive::<arrow::datatypes::Int64Type>().clone())
    }

    pub fn floats(&self, column: &str) -> Result<Float32Array, Error> {
        Ok(self.column(column, &DataType::Float32)?.as_primitive::<arrow::datatypes::Float32Type>().clone())
    }

    pub fn times(&self, column: &str) -> Result<TimestampMicrosecondArray, Error> {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Ok(self.column(column, &time)?.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().clone())
    }

    pub fn flags(&self, column: &str) -> Result<BooleanArray, Error> {
        Ok(self.column(column, &DataType::Boolean)?.as_boolean().clone())
    }

    pub fn texts(&self, column: &str) -> Result<StringViewArray, Error> {
        Ok(self.column(column, &DataType::Utf8View)?.as_string_view().clone())
    }

    /// Numbers of words of which there are few: as they are, or of the words themselves.
    pub fn codes(&self, column: &str, of: fn(&str) -> u8) -> Result<UInt8Array, Error> {
        if let Some(codes) = self.batch.column_by_name(column).and_then(|found| found.as_primitive_opt::<UInt8Type>()) {
            return Ok(codes.clone());
        }
        let (words, mut codes) = (self.texts(column)?, Codes::new(of));
        Ok((0..words.len()).map(|row| codes.of(words.value(row))).collect())
    }

    fn bytes(&self, column: &str) -> Result<BinaryArray, Error> {
        Ok(self.column(column, &DataType::Binary)?.as_binary::<i32>().clone())
    }
}

/// Numbers of the words of a column that has few: the one that came last is mostly the next.
struct Codes {
    known: Vec<(String, u8)>,
    last: usize,
    code: fn(&str) -> u8,
}

impl Codes {
    fn new(code: fn(&str) -> u8) -> Self {
        Self { known: Vec::new(), last: 0, code }
    }

    fn of(&mut self, word: &str) -> u8 {
        if self.known.get(self.last).is_none_or(|(known, _)| known != word) {
            self.last = match self.known.iter().position(|(known, _)| known == word) {
                Some(at) => at,
                None => {
                    self.known.push((word.to_owned(), (self.code)(word)));
                    self.known.len() - 1
                }
            };
        }
        self.known[self.last].1
    }
}

/// Which rows of a table hold: the newest revision of each key that was known at a time, without the retracted. Most
/// keys have one revision (number 0), so that only the others are looked up.
pub(super) struct Held<K> {
    recorded: Option<Micros>,
    newest: HashMap<K, i64, ahash::RandomState>,
    /// A bit by hash for the keys of `newest`: nearly all others are known not to be there without looking.
    maybe: Vec<u64>,
}

/// Bits of [`Held::maybe`]; they stay in a fast cache.
const MAYBE: usize = 1 << 20;

/// The bookkeeping of a batch.
pub(super) struct Bookkeeping {
    /// Not there where nobody asks what was known at a time.
    recorded_at: Option<TimestampMicrosecondArray>,
    /// Not there where nothing is taken back.
    retracted_at: Option<TimestampMicrosecondArray>,
    /// Not there where all are the first.
    revision: Option<Int64Array>,
}

impl Bookkeeping {
    pub fn of(table: &Table) -> Result<Self, Error> {
        Ok(Self {
            recorded_at: table.has("recorded_at").then(|| table.times("recorded_at")).transpose()?,
            retracted_at: table.has("retracted_at").then(|| table.times("retracted_at")).transpose()?,
            revision: table.has("revision").then(|| table.numbers("revision")).transpose()?,
        })
    }

    pub fn revision(&self, row: usize) -> i64 {
        self.revision.as_ref().map_or(0, |revisions| revisions.value(row))
    }

    pub fn retracted(&self, row: usize) -> bool {
        self.retracted_at.as_ref().is_some_and(|times| times.is_valid(row))
    }

    /// Taken back as far as it was known.
    fn retracted_by(&self, row: usize, recorded: Option<Micros>) -> bool {
        let at = self.retracted_at.as_ref().filter(|times| times.is_valid(row)).map(|times| times.value(row));
        at.is_some_and(|at| recorded.is_none_or(|t| at <= t))
    }

    fn known(&self, row: usize, recorded: Option<Micros>) -> bool {
        recorded.is_none_or(|t| self.recorded_at.as_ref().is_some_and(|recorded| recorded.value(row) <= t))
    }
}

impl<K: Hashes + Eq> Held<K> {
    pub fn new(recorded: Option<Micros>) -> Self {
        Self { recorded, newest: HashMap::default(), maybe: vec![0; MAYBE / 64] }
    }

    /// Takes notice of the revisions of a batch: of all batches, before any is asked for.
    pub fn note(&mut self, book: &Bookkeeping, key: impl Fn(usize) -> K) {
        let revisions = book.revision.as_ref().map(|revisions| &revisions.values()[..]).unwrap_or_default();
        for (row, revision) in revisions.iter().enumerate().filter(|(_, revision)| **revision > 0) {
            if book.known(row, self.recorded) {
                let key = key(row);
                let bit = self.bit(&key);
                self.maybe[bit / 64] |= 1 << (bit % 64);
                let held = self.newest.entry(key).or_default();
                *held = (*held).max(*revision);
            }
        }
    }

    pub fn holds(&self, book: &Bookkeeping, row: usize, key: impl Fn() -> K) -> bool {
        book.known(row, self.recorded)
            && !book.retracted_by(row, self.recorded)
            && (self.newest.is_empty() || self.is_newest(&key(), book.revision(row)))
    }

    fn is_newest(&self, key: &K, revision: i64) -> bool {
        let bit = self.bit(key);
        self.maybe[bit / 64] >> (bit % 64) & 1 == 0 || self.newest.get(key).is_none_or(|newest| *newest == revision)
    }

    fn bit(&self, key: &K) -> usize {
        self.newest.hasher().hash_one(key) as usize % MAYBE
    }
}

/// The rows of a table that hold, in one batch, in the order of their ids.
fn current(
    name: &'static str,
    batches: Vec<RecordBatch>,
    id: &str,
    recorded: Option<Micros>,
) -> Result<RecordBatch, Error> {
    let fail = |e| Error::rows(name, e);
    let mut held = Held::new(recorded);
    let mut books = Vec::with_capacity(batches.len());
    for batch in &batches {
        let table = Table::new(name, batch);
        let (book, ids) = (Bookkeeping::of(&table)?, table.numbers(id)?);
        held.note(&book, |row| ids.value(row));
        books.push((book, ids));
    }
    let mut kept = Vec::with_capacity(batches.len());
    for (batch, (book, ids)) in batches.into_iter().zip(books) {
        let holds: BooleanArray = (0..batch.num_rows()).map(|row| held.holds(&book, row, || ids.value(row))).collect();
        kept.push(match holds.false_count() {
            0 => batch,
            _ => filter_record_batch(&batch, &holds).map_err(fail)?,
        });
    }
    let all = concat(kept).map_err(fail)?;
    let ids = Table::new(name, &all).numbers(id)?;
    if ids.values().is_sorted() {
        return Ok(all);
    }
    let mut order: Vec<u32> = (0..all.num_rows() as u32).collect();
    order.sort_by_key(|row| ids.value(*row as usize));
    take_record_batch(&all, &UInt32Array::from(order)).map_err(fail)
}

/// Columns of rows with ids in order: those that were there when the graph was built, shared by all graphs that grew from
/// it, and newer ones.
#[derive(Debug)]
pub(super) struct Layered<C> {
    base: Arc<C>,
    /// Newer rows, in the order of their ids: revisions of rows of `base`, then what comes behind it.
    later: C,
    /// Rows of `base` to their newer revisions.
    changed: HashMap<u32, u32, ahash::RandomState>,
}

/// Columns of rows with ids.
pub(super) trait Ids {
    fn ids(&self) -> &Int64Array;
}

impl<C: Ids> Layered<C> {
    fn new(base: C, none: C) -> Self {
        Self { base: Arc::new(base), later: none, changed: HashMap::default() }
    }

    /// `None` where newer rows do not just follow those of the base or change them.
    fn grown(&self, later: C) -> Option<Self> {
        let mut changed = HashMap::default();
        let last = self.base.ids().values().last().copied().unwrap_or(-1);
        for (row, id) in (0..).zip(later.ids().values()) {
            match place(self.base.ids().values(), *id) {
                Some(at) => _ = changed.insert(at, row),
                None if *id <= last => return None,
                None => {}
            }
        }
        Some(Self { base: self.base.clone(), later, changed })
    }

    pub fn len(&self) -> usize {
        self.base.ids().len() + self.later.ids().len() - self.changed.len()
    }

    /// The columns that have a row, and its place in them.
    fn find(&self, at: u32) -> (&C, usize) {
        match (at as usize).checked_sub(self.base.ids().len()) {
            Some(behind) => (&self.later, self.changed.len() + behind),
            None if self.changed.is_empty() => (&self.base, at as usize),
            None => match self.changed.get(&at) {
                Some(row) => (&self.later, *row as usize),
                None => (&self.base, at as usize),
            },
        }
    }

    pub fn id(&self, at: u32) -> i64 {
        // A revision has the id of what it revises.
        self.base.ids().values().get(at as usize).copied().unwrap_or_else(|| {
            let (columns, row) = self.find(at);
            columns.ids().values()[row]
        })
    }

    /// Where the row of an id is.
    pub fn place(&self, id: i64) -> Option<u32> {
        place(self.base.ids().values(), id).or_else(|| {
            let row = self.later.ids().values().binary_search(&id).ok()?;
            Some((self.base.ids().len() + row - self.changed.len()) as u32)
        })
    }
}

/// All rows in one batch, the columns shared among two threads. Batches are given up column by column, so that there is
/// never much more than all rows once.
fn concat(batches: Vec<RecordBatch>) -> Result<RecordBatch, ArrowError> {
    let Some(schema) = batches.first().map(RecordBatch::schema) else { return Ok(no_rows()) };
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(batches.len()); schema.fields().len()];
    for batch in batches {
        let (_, of_batch, _) = batch.into_parts();
        columns.iter_mut().zip(of_batch).for_each(|(column, part)| column.push(part));
    }
    let own = |parts: Vec<ArrayRef>| arrow::compute::concat(&parts.iter().map(|part| &**part).collect::<Vec<_>>());
    let later = columns.split_off(columns.len() / 2);
    let all: Result<Vec<ArrayRef>, ArrowError> = std::thread::scope(|scope| {
        let later = scope.spawn(|| later.into_iter().map(own).collect::<Result<Vec<_>, _>>());
        let mut all = columns.into_iter().map(own).collect::<Result<Vec<_>, _>>()?;
        let stopped = |_| Err(ArrowError::ComputeError("a thread that reads it stopped".to_owned()));
        all.extend(later.join().unwrap_or_else(stopped)?);
        Ok(all)
    });
    RecordBatch::try_new(schema, all?)
}

/// Whether some row takes another one back.
fn any_retracted(name: &'static str, batches: &[RecordBatch]) -> Result<bool, Error> {
    for batch in batches {
        if Table::new(name, batch).times("retracted_at")?.null_count() < batch.num_rows() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn no_rows() -> RecordBatch {
    RecordBatch::new_empty(arrow::datatypes::Schema::empty().into())
}

/// Where an id is among ids in order: mostly it is its own place.
pub(super) fn place(ids: &[i64], id: i64) -> Option<u32> {
    let own = usize::try_from(id).ok()?;
    if ids.get(own) == Some(&id) {
        return Some(own as u32);
    }
    ids.binary_search(&id).ok().map(|at| at as u32)
}

fn some<T>(valid: bool, value: impl FnOnce() -> T) -> Option<T> {
    valid.then(value)
}

fn hash(column: &BinaryArray, row: usize) -> Option<Hash> {
    some(column.is_valid(row), || column.value(row)).and_then(|bytes| bytes.try_into().ok()).map(Hash)
}

fn time(column: &TimestampMicrosecondArray, row: usize) -> Option<Micros> {
    some(column.is_valid(row), || column.value(row))
}

fn number(column: &Int64Array, row: usize) -> Option<i64> {
    some(column.is_valid(row), || column.value(row))
}

fn text(column: &StringViewArray, row: usize) -> Option<String> {
    some(column.is_valid(row), || column.value(row).to_owned())
}

/// What the graph keeps of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRow {
    /// As in `asset_versions`.
    pub version_id: i64,
    /// The asset.
    pub asset_id: i64,
    /// The version, verbatim, or as inferred.
    pub version: String,
    /// No producer named this version.
    pub inferred: bool,
    /// SHA-256 of a file's content.
    pub content_sha256: Option<Hash>,
    /// Merkle root of a data set's files.
    pub merkle_root: Option<Hash>,
    /// Rows, where known.
    pub row_count: Option<i64>,
    /// Since when it was the asset's content.
    pub valid_from: Micros,
    /// Until when, exclusive.
    pub valid_to: Option<Micros>,
    /// When Lineward learned of it.
    pub recorded_at: Micros,
}

/// All versions, in the order of their ids.
pub(super) type Versions = Layered<VersionColumns>;

/// Columns of versions.
#[derive(Debug)]
pub(super) struct VersionColumns {
    ids: Int64Array,
    assets: Int64Array,
    names: StringViewArray,
    inferred: BooleanArray,
    sha256: BinaryArray,
    merkle: BinaryArray,
    row_count: Int64Array,
    valid_from: TimestampMicrosecondArray,
    valid_to: TimestampMicrosecondArray,
    recorded_at: TimestampMicrosecondArray,
}

impl Ids for VersionColumns {
    fn ids(&self) -> &Int64Array {
        &self.ids
    }
}

/// Columns that are read of `asset_versions`.
pub const VERSION_COLUMNS: &[&str] = &[
    "version_id",
    "asset_id",
    "version",
    "inferred",
    "content_sha256",
    "merkle_root",
    "row_count",
    "valid_from",
    "valid_to",
    "recorded_at",
    "retracted_at",
    "revision",
];

impl VersionColumns {
    /// The versions of assets that there are.
    fn of(batches: Vec<RecordBatch>, as_of: AsOf, exists: impl Fn(i64) -> bool) -> Result<Self, Error> {
        const NAME: &str = "asset_versions";
        let mut all = current(NAME, batches, "version_id", as_of.recorded)?;
        let assets = Table::new(NAME, &all).numbers("asset_id")?;
        let kept: BooleanArray = assets.values().iter().map(|id| Some(exists(*id))).collect();
        if kept.false_count() > 0 {
            all = filter_record_batch(&all, &kept).map_err(|e| Error::rows(NAME, e))?;
        }
        let table = Table::new(NAME, &all);
        Ok(Self {
            ids: table.numbers("version_id")?,
            assets: table.numbers("asset_id")?,
            names: table.texts("version")?,
            inferred: table.flags("inferred")?,
            sha256: table.bytes("content_sha256")?,
            merkle: table.bytes("merkle_root")?,
            row_count: table.numbers("row_count")?,
            valid_from: table.times("valid_from")?,
            valid_to: table.times("valid_to")?,
            recorded_at: table.times("recorded_at")?,
        })
    }

    fn contents(&self) -> bool {
        self.sha256.null_count() + self.merkle.null_count() < 2 * self.ids.len()
    }
}

impl Versions {
    /// The versions of assets that there are.
    pub fn of(batches: Vec<RecordBatch>, as_of: AsOf, exists: impl Fn(i64) -> bool) -> Result<Self, Error> {
        let none = VersionColumns::of(Vec::new(), as_of, &exists)?;
        Ok(Self::new(VersionColumns::of(batches, as_of, exists)?, none))
    }

    /// With newer rows; `None` where they do not just change versions or add some.
    pub fn with(&self, batches: &[RecordBatch], exists: impl Fn(i64) -> bool) -> Result<Option<Self>, Error> {
        if any_retracted("asset_versions", batches)? {
            return Ok(None);
        }
        Ok(self.grown(VersionColumns::of(batches.to_vec(), AsOf::default(), exists)?))
    }

    /// Some version has a known content.
    pub fn contents(&self) -> bool {
        self.base.contents() || self.later.contents()
    }

    pub fn asset_id(&self, at: u32) -> i64 {
        let (columns, row) = self.find(at);
        columns.assets.value(row)
    }

    pub fn name(&self, at: u32) -> &str {
        let (columns, row) = self.find(at);
        columns.names.value(row)
    }

    pub fn valid_from(&self, at: u32) -> Micros {
        let (columns, row) = self.find(at);
        columns.valid_from.values()[row]
    }

    pub fn valid_to(&self, at: u32) -> Option<Micros> {
        let (columns, row) = self.find(at);
        time(&columns.valid_to, row)
    }

    pub fn hashes(&self, at: u32) -> impl Iterator<Item = Hash> {
        let (columns, row) = self.find(at);
        hash(&columns.sha256, row).into_iter().chain(hash(&columns.merkle, row))
    }

    pub fn row(&self, at: u32) -> VersionRow {
        let (columns, row) = self.find(at);
        VersionRow {
            version_id: columns.ids.value(row),
            asset_id: columns.assets.value(row),
            version: columns.names.value(row).to_owned(),
            inferred: columns.inferred.value(row),
            content_sha256: hash(&columns.sha256, row),
            merkle_root: hash(&columns.merkle, row),
            row_count: number(&columns.row_count, row),
            valid_from: columns.valid_from.value(row),
            valid_to: time(&columns.valid_to, row),
            recorded_at: columns.recorded_at.value(row),
        }
    }
}

/// What the graph keeps of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// As in `runs`.
    pub run_sid: i64,
    /// The producer's id.
    pub run_id: String,
    /// The job.
    pub job_id: i64,
    /// `START`, `RUNNING`, `COMPLETE`, `ABORT`, `FAIL`, `OTHER`.
    pub state: String,
    /// Start.
    pub started_at: Option<Micros>,
    /// End.
    pub ended_at: Option<Micros>,
    /// Who ran it.
    pub principal: Option<String>,
    /// Some event declared its inputs, perhaps as none.
    pub inputs_known: bool,
    /// Parameters.
    pub params: BTreeMap<String, String>,
    /// When Lineward learned of it.
    pub recorded_at: Micros,
}

/// All runs, in the order of their ids.
pub(super) type Runs = Layered<RunColumns>;

/// Columns of runs.
#[derive(Debug)]
pub(super) struct RunColumns {
    ids: Int64Array,
    run_id: StringViewArray,
    jobs: Int64Array,
    state: StringViewArray,
    started_at: TimestampMicrosecondArray,
    ended_at: TimestampMicrosecondArray,
    principal: StringViewArray,
    inputs_known: BooleanArray,
    params: Option<MapArray>,
    recorded_at: TimestampMicrosecondArray,
}

/// Columns that are read of `runs`.
pub const RUN_COLUMNS: &[&str] = &[
    "run_sid",
    "run_id",
    "job_id",
    "state",
    "started_at",
    "ended_at",
    "principal",
    "inputs_known",
    "params",
    "recorded_at",
    "retracted_at",
    "revision",
];

impl Ids for RunColumns {
    fn ids(&self) -> &Int64Array {
        &self.ids
    }
}

impl RunColumns {
    fn of(batches: Vec<RecordBatch>, as_of: AsOf) -> Result<Self, Error> {
        let all = current("runs", batches, "run_sid", as_of.recorded)?;
        let table = Table::new("runs", &all);
        Ok(Self {
            ids: table.numbers("run_sid")?,
            run_id: table.texts("run_id")?,
            jobs: table.numbers("job_id")?,
            state: table.texts("state")?,
            started_at: table.times("started_at")?,
            ended_at: table.times("ended_at")?,
            principal: table.texts("principal")?,
            inputs_known: table.flags("inputs_known")?,
            params: all.column_by_name("params").and_then(|c| c.as_map_opt()).cloned(),
            recorded_at: table.times("recorded_at")?,
        })
    }
}

impl Runs {
    pub fn of(batches: Vec<RecordBatch>, as_of: AsOf) -> Result<Self, Error> {
        Ok(Self::new(RunColumns::of(batches, as_of)?, RunColumns::of(Vec::new(), as_of)?))
    }

    /// With newer rows; `None` where they do not just change runs or add some.
    pub fn with(&self, batches: &[RecordBatch]) -> Result<Option<Self>, Error> {
        if any_retracted("runs", batches)? {
            return Ok(None);
        }
        Ok(self.grown(RunColumns::of(batches.to_vec(), AsOf::default())?))
    }

    pub fn run_id(&self, at: u32) -> &str {
        let (columns, row) = self.find(at);
        columns.run_id.value(row)
    }

    pub fn job_id(&self, at: u32) -> i64 {
        let (columns, row) = self.find(at);
        columns.jobs.value(row)
    }

    /// Whether some run is of another job in a later state of these runs.
    pub fn moved(&self, later: &Self) -> bool {
        later.changed.keys().any(|at| self.job_id(*at) != later.job_id(*at))
    }

    pub fn inputs_known(&self, at: u32) -> bool {
        let (columns, row) = self.find(at);
        columns.inputs_known.value(row)
    }

    /// The state of a run, and when it ended.
    pub fn end(&self, at: u32) -> (&str, Option<Micros>) {
        let (columns, row) = self.find(at);
        (columns.state.value(row), time(&columns.ended_at, row))
    }

    /// When a run began, as far as it is known.
    pub fn began(&self, at: u32) -> Micros {
        let (columns, row) = self.find(at);
        let known = time(&columns.started_at, row).or_else(|| time(&columns.ended_at, row));
        known.unwrap_or_else(|| columns.recorded_at.value(row))
    }

    /// Some run does not say what it read, or did not before it was changed.
    pub fn unknown(&self) -> bool {
        self.base.inputs_known.false_count() + self.later.inputs_known.false_count() > 0
    }

    pub fn row(&self, at: u32) -> Run {
        let (columns, row) = self.find(at);
        Run {
            run_sid: columns.ids.value(row),
            run_id: columns.run_id.value(row).to_owned(),
            job_id: columns.jobs.value(row),
            state: columns.state.value(row).to_owned(),
            started_at: time(&columns.started_at, row),
            ended_at: time(&columns.ended_at, row),
            principal: text(&columns.principal, row),
            inputs_known: columns.inputs_known.value(row),
            params: columns.params.as_ref().map(|p| params(p, row)).unwrap_or_default(),
            recorded_at: columns.recorded_at.value(row),
        }
    }
}

fn params(column: &MapArray, row: usize) -> BTreeMap<String, String> {
    let entries = column.value(row);
    let texts = |at: usize| cast(entries.column(at), &DataType::Utf8View).ok();
    let (Some(keys), Some(values)) = (texts(0), texts(1)) else { return BTreeMap::new() };
    let (keys, values) = (keys.as_string_view(), values.as_string_view());
    let pairs = keys.iter().zip(values.iter());
    pairs.filter_map(|(key, value)| Some((key?.to_owned(), value.unwrap_or_default().to_owned()))).collect()
}

//! Building the graph from the rows of the store.

use super::clearing::Clearing;
use super::columns::Columns;
use super::csr::{Attributes, Csr, Linked};
use super::kept::Kept;
use super::names::Names;
use super::near::{Near, NearCopies};
use super::scans::{Scan, Scans};
use super::tables::{Bookkeeping, Held, Run, Runs, Table, VersionRow, Versions};
use super::threads;
use crate::columns;
use crate::error::Error;
use crate::rows::{
    AssetRow, AssetVersionRow, ColumnMappingRow, EdgeRow, FieldRow, FindingRow, JobRow, Micros, PolicyRow, Row,
    RunIoKey, RunIoRow, RunMappingRow, RunRow, TagRow, run_io_key,
};
use arrow::array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::UInt32Type;
use lineward_events::{AssetType, EdgeType, Evidence, is_evaluation};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// The two times of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AsOf {
    /// What was true at this time; the present where `None`.
    pub valid: Option<Micros>,
    /// What was known at this time; all that is known where `None`.
    pub recorded: Option<Micros>,
}

/// All revisions of the rows the graph is made from, in commit order.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct GraphRows {
    pub assets: Vec<AssetRow>,
    pub versions: Vec<AssetVersionRow>,
    pub jobs: Vec<JobRow>,
    pub runs: Vec<RunRow>,
    pub run_io: Vec<RunIoRow>,
    pub edges: Vec<EdgeRow>,
    pub findings: Vec<FindingRow>,
    pub tags: Vec<TagRow>,
    pub scans: Vec<Scan>,
    pub fields: Vec<FieldRow>,
    pub column_mappings: Vec<ColumnMappingRow>,
    pub run_mappings: Vec<RunMappingRow>,
    pub policies: Vec<PolicyRow>,
}

/// The same with the large tables as Arrow columns, as they come from the files: all revisions, in commit order.
#[derive(Debug, Clone, Default)]
pub struct GraphTables {
    /// `asset_versions`, at least the columns [`GraphTables::VERSIONS`].
    pub versions: Vec<RecordBatch>,
    /// `runs`, at least the columns [`GraphTables::RUNS`].
    pub runs: Vec<RecordBatch>,
    /// `run_io`, at least the columns [`GraphTables::RUN_IO`].
    pub run_io: Vec<RecordBatch>,
    /// `edges`, at least the columns [`GraphTables::EDGES`].
    pub edges: Vec<RecordBatch>,
    /// All others; what it has of the tables above does not count.
    pub others: GraphRows,
}

impl GraphTables {
    /// Of a few rows.
    ///
    /// # Errors
    /// [`Error::Rows`] where they do not fit their tables.
    pub fn of_rows(rows: GraphRows) -> Result<Self, Error> {
        Ok(Self {
            versions: vec![columns::encode(&rows.versions)?],
            runs: vec![columns::encode(&rows.runs)?],
            run_io: vec![columns::encode(&rows.run_io)?],
            edges: vec![columns::encode(&rows.edges)?],
            others: rows,
        })
    }

    /// A batch of `edges` as it is held until all of them are read: types and evidence as numbers, ids in half their width
    /// where they fit, and no column that says nothing in it. There are more of these rows than of all others together.
    ///
    /// # Errors
    /// [`Error::Rows`] where a column is of another type than its table says.
    pub fn slim_edges(batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let table = Table::new("edges", batch);
        let schema = batch.schema();
        let mut columns: Vec<(&str, ArrayRef)> = Vec::with_capacity(schema.fields().len());
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            let name = field.name().as_str();
            let says_nothing = || Ok::<_, Error>(table.numbers(name)?.values().iter().all(|value| *value == 0));
            columns.push(match name {
                "edge_type" => (name, Arc::new(table.codes(name, edge_type_code)?)),
                "evidence" => (name, Arc::new(table.codes(name, evidence_code)?)),
                "retracted_at" | "run_sid" if column.null_count() == column.len() => continue,
                "revision" | "clear_mask" if says_nothing()? => continue,
                "edge_id" | "src_version_id" | "dst_version_id" | "run_sid" => (name, narrow(table.numbers(name)?)),
                _ => (name, column.clone()),
            });
        }
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .map_err(|e| Error::rows("edges", e))
    }

    /// Takes in what was added later.
    pub fn extend(&mut self, later: Self) {
        self.versions.extend(later.versions);
        self.runs.extend(later.runs);
        self.run_io.extend(later.run_io);
        self.edges.extend(later.edges);
        let (held, later) = (&mut self.others, later.others);
        held.assets.extend(later.assets);
        held.jobs.extend(later.jobs);
        held.findings.extend(later.findings);
        held.tags.extend(later.tags);
        held.scans.extend(later.scans);
        held.fields.extend(later.fields);
        held.column_mappings.extend(later.column_mappings);
        held.run_mappings.extend(later.run_mappings);
        held.policies.extend(later.policies);
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        let batches = [&self.versions, &self.runs, &self.run_io, &self.edges];
        let o = &self.others;
        batches.into_iter().flatten().map(RecordBatch::num_rows).sum::<usize>()
            + o.assets.len()
            + o.jobs.len()
            + o.findings.len()
            + o.tags.len()
            + o.scans.len()
            + o.fields.len()
            + o.column_mappings.len()
            + o.run_mappings.len()
            + o.policies.len()
    }

    /// Columns that are read of `asset_versions`.
    pub const VERSIONS: &[&str] = super::tables::VERSION_COLUMNS;
    /// Columns that are read of `runs`.
    pub const RUNS: &[&str] = super::tables::RUN_COLUMNS;
    /// Columns that are read of `run_io`.
    pub const RUN_IO: &[&str] = &[
        "run_sid",
        "version_id",
        "io",
        "context",
        "evidence",
        "event_time",
        "recorded_at",
        "retracted_at",
        "revision",
    ];
    /// Columns that are read of `edges`.
    pub const EDGES: &[&str] = &[
        "edge_id",
        "src_version_id",
        "dst_version_id",
        "run_sid",
        "edge_type",
        "evidence",
        "confidence",
        "masking",
        "clear_mask",
        "valid_from",
        "valid_to",
        "recorded_at",
        "retracted_at",
        "revision",
    ];
}

/// Numbers in half their width, where all of them fit.
fn narrow(wide: Int64Array) -> ArrayRef {
    if wide.values().iter().any(|number| u32::try_from(*number).is_err()) {
        return Arc::new(wide);
    }
    Arc::new(wide.unary::<_, UInt32Type>(|number| number as u32))
}

/// A version's place in the graph: a dense index in the order of `version_id`.
pub type Version = u32;

/// What a version is to lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something a model can be trained on.
    Data,
    /// A model.
    Model,
    /// An endpoint or service.
    Deployment,
    /// A prompt template.
    Prompt,
    /// A vector or search index: data in another form.
    Index,
}

impl Kind {
    /// Something a model can be trained on.
    pub fn is_data(self) -> bool {
        matches!(self, Self::Data | Self::Index)
    }
}

/// What links two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// From version to version, by an `edges` row.
    Direct(EdgeType),
    /// From a version to the run that reads it.
    Read,
    /// From a run to a version it writes.
    Written,
}

/// What edges have in common: there are millions of edges and few of these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EdgeClass {
    pub link: Link,
    /// What is in the source gets into the destination; false for evaluation.
    pub carries: bool,
    pub evidence: Evidence,
    pub confidence: f32,
    /// The producer says that values are masked on the way.
    pub masking: bool,
    /// Tags that do not pass.
    pub clear: u64,
    /// Index into the contexts.
    pub context: u32,
}

/// All of a class but its context.
type ClassKey = (u16, u8, u32, u64);

impl EdgeClass {
    /// Of everything that matters but the context; floats by their bits.
    fn key(&self) -> ClassKey {
        let link = match self.link {
            Link::Direct(edge_type) => edge_type as u16,
            Link::Read => 0x100,
            Link::Written => 0x101,
        };
        let said = (self.evidence as u8) << 2 | u8::from(self.carries) << 1 | u8::from(self.masking);
        (link, said, self.confidence.to_bits(), self.clear)
    }
}

/// An edge of the graph, as one of its ends sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub src: u32,
    pub class: EdgeClass,
    /// Index of the run, [`NONE`] where no run is named.
    pub run: u32,
    pub valid_from: Micros,
    pub valid_to: Micros,
}

impl std::ops::Deref for Edge {
    type Target = EdgeClass;

    fn deref(&self) -> &EdgeClass {
        &self.class
    }
}

pub(super) const NONE: u32 = u32::MAX;

/// The lineage graph as known at one time. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct LineageGraph {
    pub(super) assets: Kept<AssetRow>,
    pub(super) versions: Versions,
    /// Versions that there is room for: the nodes of runs come behind them.
    pub(super) room: usize,
    pub(super) asset_of: Arc<Vec<u32>>,
    pub(super) kinds: Arc<Vec<Kind>>,
    pub(super) runs: Runs,
    pub(super) jobs: Kept<JobRow>,
    pub(super) findings: Kept<FindingRow>,
    pub(super) tags: Vec<TagRow>,
    pub(super) scans: Scans,
    pub(super) edges: Csr,
    pub(super) near: NearCopies,
    pub(super) classes: Vec<EdgeClass>,
    pub(super) contexts: Vec<String>,
    /// What runs write, in the order of the runs; of some of it direct edges say where it comes from.
    pub(super) outputs: Arc<Vec<Member>>,
    /// What runs of which something was added later write, whole.
    pub(super) later_outputs: BTreeMap<u32, Vec<Member>>,
    pub(super) names: Names,
    pub(super) columns: Columns,
    pub(super) clearing: Arc<Clearing>,
    /// Since when something is known, once that was asked.
    pub(super) begins: OnceLock<Option<Micros>>,
}

/// Room for versions that later epochs add, so that the numbers of runs stay as they are.
fn room(versions: usize) -> usize {
    versions + versions / 8 + 4_096
}

impl LineageGraph {
    /// The graph of what was known at `recorded` (everything where `None`), of a few rows.
    ///
    /// # Errors
    /// As [`Self::of_tables`].
    pub fn build(rows: GraphRows, recorded: Option<Micros>) -> Result<Self, Error> {
        Self::of_tables(GraphTables::of_rows(rows)?, recorded)
    }

    /// The graph of what was known at `recorded` (everything where `None`). Rows that name versions, assets or runs
    /// which do not exist are left out: the store writes none, and a reader of a damaged one must still get answers.
    ///
    /// # Errors
    /// [`Error::Rows`] where a column is of another type than its table says.
    pub fn of_tables(tables: GraphTables, recorded: Option<Micros>) -> Result<Self, Error> {
        let as_of = AsOf { valid: None, recorded };
        let rows = tables.others;
        let assets = Kept::new(current(rows.assets, recorded));
        let versions = Versions::of(tables.versions, as_of, |id| assets.place(id).is_some())?;
        let runs = Runs::of(tables.runs, as_of)?;
        let asset_of = assets_of(&versions, &assets, 0..versions.len());
        let asset_kinds: Vec<Kind> = assets.iter().map(|a| kind(&a.asset_type)).collect();
        let kinds: Vec<Kind> = asset_of.iter().map(|&a| asset_kinds[a as usize]).collect();
        let jobs = Kept::new(current(rows.jobs, recorded));
        let tags = current(rows.tags, recorded);
        let (fields, sets) = (current(rows.fields, recorded), current(rows.column_mappings, recorded));
        let columns = Columns::new(fields, sets, current(rows.run_mappings, recorded), &versions, &runs);
        let clearing = Clearing::new(&current(rows.policies, recorded), &tags);
        let clear = |ends| clearing.of_edge(&columns, ends, &runs, &jobs);
        let room = room(versions.len());
        let mut linker = Linker::new(&versions, &runs, &kinds, room as u32);
        // Names take about as long as run memberships do.
        let names = std::thread::scope(|scope| {
            let names = scope.spawn(|| Names::new(&assets, &asset_of));
            linker.note_outputs(&tables.run_io)?;
            linker.direct(tables.edges, recorded, (!clearing.is_empty()).then_some(&clear))?;
            linker.runs(&tables.run_io, recorded)?;
            drop(tables.run_io);
            names.join().map_err(|_| Error::rows("assets", "a thread that reads them stopped"))
        })?;
        let Linker { mut parts, linked, near, classes, contexts, mut outputs, .. } = linker;
        parts.push(linked);
        outputs.sort_by_key(|output| output.run);
        let nodes = room + 2 * runs.len();
        let edges = Csr::new(nodes, parts, &order(&classes.list, &contexts));
        Ok(Self {
            edges,
            near: NearCopies::new(near),
            jobs,
            findings: Kept::new(current(rows.findings, recorded)),
            tags,
            scans: Scans::new(rows.scans.into_iter().filter(|s| recorded.is_none_or(|t| s.recorded_at <= t)).collect()),
            assets,
            versions,
            room,
            asset_of: Arc::new(asset_of),
            kinds: Arc::new(kinds),
            runs,
            classes: classes.list,
            contexts,
            outputs: Arc::new(outputs),
            later_outputs: BTreeMap::new(),
            names,
            columns,
            clearing: Arc::new(clearing),
            begins: OnceLock::new(),
        })
    }

    /// Number of versions.
    pub fn version_count(&self) -> usize {
        self.versions.len()
    }

    /// Number of edges, run memberships included.
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// All versions.
    pub fn versions(&self) -> std::ops::Range<Version> {
        0..self.versions.len() as u32
    }

    /// The row of a version.
    pub fn version(&self, version: Version) -> VersionRow {
        self.versions.row(version)
    }

    /// The `version_id` of a version.
    pub fn version_id(&self, version: Version) -> i64 {
        self.versions.id(version)
    }

    /// What a version is called within its asset.
    pub fn version_name(&self, version: Version) -> &str {
        self.versions.name(version)
    }

    /// The row of a version's asset.
    pub fn asset(&self, version: Version) -> &AssetRow {
        self.assets.at(self.asset_of[version as usize])
    }

    /// What a version is.
    pub fn kind(&self, version: Version) -> Kind {
        self.kinds[version as usize]
    }

    /// A run by its index, as [`super::Reached::run`] gives it.
    pub fn run(&self, run: u32) -> Run {
        self.runs.row(run)
    }

    /// The producer's id of a run.
    pub fn run_id(&self, run: u32) -> &str {
        self.runs.run_id(run)
    }

    /// The job of a run.
    pub fn job(&self, run: &Run) -> Option<&JobRow> {
        self.jobs.get(run.job_id)
    }

    /// All current tags.
    pub fn tags(&self) -> &[TagRow] {
        &self.tags
    }

    /// The version of a `version_id`.
    pub fn by_version_id(&self, version_id: i64) -> Option<Version> {
        self.versions.place(version_id)
    }

    /// Of an edge of no run: it leads to the next version of the same asset, of which nobody says how it was made. It has the
    /// same columns; of a version that is declared to come from another they are not known.
    pub(super) fn succeeds(&self, evidence: Evidence, src: Version, dst: Version) -> bool {
        evidence == Evidence::VersionInferred && self.asset_of[src as usize] == self.asset_of[dst as usize]
    }

    /// Something is said to be a member of something.
    pub(super) fn any_contains(&self) -> bool {
        self.classes.iter().any(|c| c.link == Link::Direct(EdgeType::Contains))
    }

    /// A class of edges that clears any of these tags.
    pub(super) fn any_clears(&self, bits: u64) -> bool {
        self.classes.iter().any(|c| c.clear & bits != 0)
    }

    pub(super) fn nodes(&self) -> usize {
        self.room + 2 * self.runs.len()
    }

    pub(super) fn is_run(&self, node: u32) -> bool {
        node as usize >= self.room
    }

    /// The node by which a run carries what it reads.
    pub(super) fn run_node(&self, run: u32) -> u32 {
        self.room as u32 + 2 * run
    }

    /// The bits of tags that travel along lineage.
    pub(super) fn propagating(&self) -> u64 {
        let stays = self.tags.iter().filter(|t| !t.propagate).fold(0, |mask, t| mask | bit(t.tag_id));
        !stays
    }
}

/// The bit of a tag; none for ids that are no bit.
pub(super) fn bit(tag_id: i32) -> u64 {
    u32::try_from(tag_id).ok().and_then(|shift| 1u64.checked_shl(shift)).unwrap_or(0)
}

/// The asset of each version of a range; versions of no asset are left out where they are read.
pub(super) fn assets_of(versions: &Versions, assets: &Kept<AssetRow>, range: std::ops::Range<usize>) -> Vec<u32> {
    range.map(|v| assets.place(versions.asset_id(v as u32)).unwrap_or_default()).collect()
}

/// The order of edges between the same nodes: by what they say, not by when they were read.
pub(super) fn order<'a>(
    classes: &'a [EdgeClass],
    contexts: &'a [String],
) -> impl Fn(&Attributes, &Attributes) -> Ordering + Sync + 'a {
    move |a, b| {
        let ends = |x: &Attributes| (x.run, x.valid_from, x.valid_to);
        let by_class = || {
            let (a, b) = (&classes[a.class as usize], &classes[b.class as usize]);
            a.key().cmp(&b.key()).then_with(|| contexts[a.context as usize].cmp(&contexts[b.context as usize]))
        };
        if a.class == b.class { ends(a).cmp(&ends(b)) } else { by_class().then_with(|| ends(a).cmp(&ends(b))) }
    }
}

pub(super) fn kind(asset_type: &str) -> Kind {
    match AssetType::parse(asset_type) {
        Some(AssetType::Model) => Kind::Model,
        Some(AssetType::Deployment) => Kind::Deployment,
        Some(AssetType::Prompt) => Kind::Prompt,
        Some(AssetType::Index) => Kind::Index,
        _ => Kind::Data,
    }
}

/// The newest revision of each key that was known at `recorded`, without the retracted, in commit order. Most keys have
/// one revision (number 0), so that only the others are looked up.
pub(super) fn current<R: Row>(mut rows: Vec<R>, recorded: Option<Micros>) -> Vec<R> {
    let known = |time: Micros| recorded.is_none_or(|t| time <= t);
    rows.retain(|r| known(r.recorded().recorded_at));
    let mut newest: HashMap<R::Key, i64> = HashMap::new();
    for row in rows.iter().filter(|r| r.recorded().revision > 0) {
        let held = newest.entry(row.key()).or_default();
        *held = (*held).max(row.recorded().revision);
    }
    let holds = |row: &R| newest.is_empty() || newest.get(&row.key()).is_none_or(|r| *r == row.recorded().revision);
    rows.retain(|r| !r.recorded().retracted_at.is_some_and(known) && holds(r));
    rows
}

/// The classes of edges that were met, each once.
#[derive(Debug, Default)]
pub(super) struct Classes {
    pub list: Vec<EdgeClass>,
    last: u32,
    index: HashMap<(ClassKey, u32), u32, ahash::RandomState>,
}

impl Classes {
    /// With classes that are known, under the same numbers.
    pub fn known(list: Vec<EdgeClass>) -> Self {
        let index = (0..).zip(&list).map(|(at, class)| ((class.key(), class.context), at)).collect();
        Self { list, last: 0, index }
    }

    pub fn of(&mut self, class: EdgeClass) -> u32 {
        // What came last mostly comes again.
        if let Some(last) = self.list.get(self.last as usize)
            && *last == class
        {
            return self.last;
        }
        self.last = *self.index.entry((class.key(), class.context)).or_insert_with(|| {
            self.list.push(class);
            self.list.len() as u32 - 1
        });
        self.last
    }
}

/// Some of the direct edges.
struct Direct {
    linked: Vec<Linked>,
    near: Vec<Near>,
    classes: Classes,
    explained: Vec<(u32, u32)>,
}

/// An input or output of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub run: u32,
    pub version: u32,
    /// Index into the contexts.
    pub context: u32,
    pub evidence: Evidence,
    pub at: Micros,
}

/// What the edge of a run between two versions clears.
pub(super) type Clears<'a> = dyn Fn((u32, u32, u32)) -> u64 + Sync + 'a;

/// Makes edges of rows.
pub(super) struct Linker<'a> {
    versions: &'a Versions,
    runs: &'a Runs,
    kinds: &'a [Kind],
    /// Node of the first run.
    first: u32,
    /// Direct edges.
    pub parts: Vec<Vec<Linked>>,
    /// Memberships of runs.
    pub linked: Vec<Linked>,
    pub near: Vec<Near>,
    pub classes: Classes,
    pub contexts: Vec<String>,
    context_index: HashMap<String, u32>,
    /// Versions that some run is said to write.
    written: Vec<bool>,
    /// Outputs of a run that direct edges explain.
    pub explained: HashSet<(u32, u32), ahash::RandomState>,
    /// Runs that evaluate something.
    evaluates: HashSet<u32>,
    outputs: Vec<Member>,
}

impl<'a> Linker<'a> {
    pub fn new(versions: &'a Versions, runs: &'a Runs, kinds: &'a [Kind], first: u32) -> Self {
        Self::known(versions, runs, kinds, first, Classes::default(), vec![String::new()])
    }

    /// With classes and contexts that are known, under the same numbers.
    pub fn known(
        versions: &'a Versions,
        runs: &'a Runs,
        kinds: &'a [Kind],
        first: u32,
        classes: Classes,
        contexts: Vec<String>,
    ) -> Self {
        Self {
            versions,
            runs,
            kinds,
            first,
            parts: Vec::new(),
            linked: Vec::new(),
            near: Vec::new(),
            classes,
            context_index: (0..).zip(&contexts).map(|(at, context)| (context.clone(), at)).collect(),
            contexts,
            written: Vec::new(),
            explained: HashSet::default(),
            evaluates: HashSet::new(),
            outputs: Vec::new(),
        }
    }

    fn version(&self, version_id: i64) -> Option<u32> {
        self.versions.place(version_id)
    }

    fn run(&self, run_sid: i64) -> Option<u32> {
        self.runs.place(run_sid)
    }

    fn context(&mut self, context: &str) -> u32 {
        if let Some(&index) = self.context_index.get(context) {
            return index;
        }
        let index = self.contexts.len() as u32;
        self.contexts.push(context.to_owned());
        self.context_index.insert(context.to_owned(), index);
        index
    }

    /// Every version may be written by a run: for a few rows it is not worth to look.
    pub fn any_written(&mut self) {
        self.written = vec![true; self.versions.len()];
    }

    /// Notes the versions that runs write: only of these it matters which run a direct edge names.
    pub fn note_outputs(&mut self, run_io: &[RecordBatch]) -> Result<(), Error> {
        self.written = vec![false; self.versions.len()];
        for batch in run_io {
            let table = Table::new("run_io", batch);
            let (io, versions) = (table.texts("io")?, table.numbers("version_id")?);
            for (io, id) in io.iter().zip(versions.values()) {
                if let Some(version) = self.version(*id).filter(|_| io == Some("OUTPUT")) {
                    self.written[version as usize] = true;
                }
            }
        }
        Ok(())
    }

    /// The rows of `edges`, shared among as many threads as there are. Each batch is given up as soon as its edges are
    /// made: there is never much more than all of them once.
    /// `clear` says what an edge clears by policy: source, destination, run.
    pub fn direct(
        &mut self,
        batches: Vec<RecordBatch>,
        recorded: Option<Micros>,
        clear: Option<&Clears<'_>>,
    ) -> Result<(), Error> {
        let mut held = Held::new(recorded);
        for batch in &batches {
            let table = Table::new("edges", batch);
            let (book, ids) = (Bookkeeping::of(&table)?, table.numbers("edge_id")?);
            held.note(&book, |row| ids.value(row));
        }
        let share = threads::share(batches.len(), 0);
        let (this, held) = (&*self, &held);
        let mut batches = batches.into_iter();
        let parts: Vec<Result<Direct, Error>> = std::thread::scope(|scope| {
            let shares = std::iter::from_fn(|| Some(batches.by_ref().take(share).collect::<Vec<_>>()));
            let threads: Vec<_> = shares
                .take_while(|share| !share.is_empty())
                .map(|share| scope.spawn(move || this.direct_part(share, held, clear)))
                .collect();
            let stopped = |_| Err(Error::rows("edges", "a thread that reads them stopped"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(stopped)).collect()
        });
        for part in parts {
            let mut part = part?;
            let classes: Vec<u32> = part.classes.list.iter().map(|class| self.classes.of(*class)).collect();
            if !classes.iter().copied().eq(0..classes.len() as u32) {
                part.linked.iter_mut().for_each(|l| l.class = classes[l.class as usize]);
            }
            self.parts.push(part.linked);
            self.near.extend(part.near);
            self.explained.extend(part.explained);
        }
        Ok(())
    }

    fn direct_part(
        &self,
        batches: Vec<RecordBatch>,
        held: &Held<i64>,
        clear: Option<&Clears<'_>>,
    ) -> Result<Direct, Error> {
        let mut part =
            Direct { linked: Vec::new(), near: Vec::new(), classes: Classes::default(), explained: Vec::new() };
        part.linked.reserve(batches.iter().map(RecordBatch::num_rows).sum());
        for batch in batches {
            let table = Table::new("edges", &batch);
            let (book, ids) = (Bookkeeping::of(&table)?, table.numbers("edge_id")?);
            let (src, dst, runs) =
                (table.numbers("src_version_id")?, table.numbers("dst_version_id")?, table.numbers("run_sid")?);
            let edge_types = table.codes("edge_type", edge_type_code)?;
            let evidences = table.codes("evidence", evidence_code)?;
            let (confidence, masking) = (table.floats("confidence")?, table.flags("masking")?);
            let (mask, from, to) = (table.numbers("clear_mask")?, table.times("valid_from")?, table.times("valid_to")?);
            for row in 0..batch.num_rows() {
                if !held.holds(&book, row, || ids.value(row)) {
                    continue;
                }
                let (Some(src), Some(dst)) = (self.version(src.value(row)), self.version(dst.value(row))) else {
                    continue;
                };
                let edge_type = EDGE_TYPES[edge_types.value(row) as usize];
                let evidence = EVIDENCES[evidences.value(row) as usize];
                let valid_from = from.value(row);
                let valid_to = if to.is_null(row) { Micros::MAX } else { to.value(row) };
                if edge_type == EdgeType::NearDuplicate {
                    let similarity = confidence.value(row);
                    part.near.push(Near { version: src, other: dst, similarity, evidence, valid_from, valid_to });
                    continue;
                }
                let run = if runs.is_null(row) { None } else { self.run(runs.value(row)) };
                // Membership and copies say what a version is, not where a run's output comes from.
                let same = matches!(edge_type, EdgeType::Contains | EdgeType::CopyOf);
                if let Some(run) = run.filter(|_| !same && self.written[dst as usize]) {
                    part.explained.push((run, dst));
                }
                // Only column lineage says how values are changed on their way.
                let by_policy = match clear {
                    Some(clear) if edge_type == EdgeType::Derived => clear((src, dst, run.unwrap_or(NONE))),
                    _ => 0,
                };
                let class = part.classes.of(EdgeClass {
                    link: Link::Direct(edge_type),
                    carries: edge_type != EdgeType::EvaluatedOn,
                    evidence,
                    confidence: confidence.value(row),
                    masking: masking.value(row),
                    clear: mask.value(row) as u64 | by_policy,
                    context: 0,
                });
                let linked = Linked { src, dst, class, run: run.unwrap_or(NONE), valid_from, valid_to };
                if edge_type == EdgeType::CopyOf {
                    part.linked.push(Linked { src: dst, dst: src, ..linked });
                }
                part.linked.push(linked);
            }
        }
        Ok(part)
    }

    /// Each run is two nodes: what it is fitted to passes through the first, what it only evaluates through the
    /// second, which carries nothing into models.
    fn runs(&mut self, batches: &[RecordBatch], recorded: Option<Micros>) -> Result<(), Error> {
        let mut held = Held::new(recorded);
        let mut tables = Vec::with_capacity(batches.len());
        for batch in batches {
            let table = Memberships::of(batch)?;
            held.note(&table.book, |row| table.key(row));
            tables.push(table);
        }
        for table in &tables {
            for row in table.rows("INPUT", &held) {
                if let Some(member) = self.member(table, row) {
                    self.input(member);
                }
            }
        }
        for table in &tables {
            for row in table.rows("OUTPUT", &held) {
                if let Some(member) = self.member(table, row) {
                    self.outputs.push(member);
                    self.output(member);
                }
            }
        }
        Ok(())
    }

    pub fn member(&mut self, table: &Memberships, row: usize) -> Option<Member> {
        Some(Member {
            run: self.run(table.runs.value(row))?,
            version: self.version(table.versions.value(row))?,
            context: self.context(table.contexts.value(row)),
            evidence: evidence(table.evidence.value(row)),
            at: table.times.value(row),
        })
    }

    /// What a run reads.
    pub fn input(&mut self, member: Member) {
        let context = &self.contexts[member.context as usize];
        let evaluation = is_evaluation(context);
        if evaluation {
            self.evaluates.insert(member.run);
        }
        let class = self.membership(Link::Read, true, member.evidence, member.context);
        let node = self.first + 2 * member.run + u32::from(evaluation);
        self.link(member.version, node, class, member.run, member.at);
    }

    /// What a run writes, when all that it reads is known. Of an output that is known explicitly its edges say where it
    /// comes from, even where there are none.
    pub fn output(&mut self, member: Member) {
        let Member { run, version, evidence, at, .. } = member;
        if evidence == Evidence::Explicit || self.explained.contains(&(run, version)) {
            return;
        }
        let class = self.membership(Link::Written, true, evidence, 0);
        let node = self.first + 2 * run;
        self.link(node, version, class, run, at);
        if self.evaluates.contains(&run) {
            let carries = self.kinds[version as usize] != Kind::Model;
            let class = self.membership(Link::Written, carries, evidence, 0);
            self.link(node + 1, version, class, run, at);
        }
    }

    fn membership(&mut self, link: Link, carries: bool, evidence: Evidence, context: u32) -> u32 {
        let confidence = evidence.confidence();
        self.classes.of(EdgeClass { link, carries, evidence, confidence, masking: false, clear: 0, context })
    }

    fn link(&mut self, src: u32, dst: u32, class: u32, run: u32, since: Micros) {
        self.linked.push(Linked { src, dst, class, run, valid_from: since, valid_to: Micros::MAX });
    }
}

/// Columns of `run_io`.
pub(super) struct Memberships {
    pub book: Bookkeeping,
    pub runs: Int64Array,
    pub versions: Int64Array,
    pub io: StringViewArray,
    pub contexts: StringViewArray,
    evidence: StringViewArray,
    times: TimestampMicrosecondArray,
}

impl Memberships {
    pub fn of(batch: &RecordBatch) -> Result<Self, Error> {
        let table = Table::new("run_io", batch);
        Ok(Self {
            book: Bookkeeping::of(&table)?,
            runs: table.numbers("run_sid")?,
            versions: table.numbers("version_id")?,
            io: table.texts("io")?,
            contexts: table.texts("context")?,
            evidence: table.texts("evidence")?,
            times: table.times("event_time")?,
        })
    }

    pub fn key(&self, row: usize) -> RunIoKey {
        run_io_key(self.runs.value(row), self.versions.value(row), self.io.value(row), self.contexts.value(row))
    }

    /// The inputs or outputs that hold.
    fn rows(&self, io: &'static str, held: &Held<RunIoKey>) -> impl Iterator<Item = usize> {
        (0..self.runs.len())
            .filter(move |row| self.io.value(*row) == io && held.holds(&self.book, *row, || self.key(*row)))
    }
}

/// An edge type by its name; one that this version does not know still means that data flows.
pub(super) fn edge_type(name: &str) -> EdgeType {
    EDGE_TYPES[edge_type_code(name) as usize]
}

const EDGE_TYPES: [EdgeType; 12] = [
    EdgeType::Derived,
    EdgeType::TrainedOn,
    EdgeType::EvaluatedOn,
    EdgeType::FineTunedFrom,
    EdgeType::AdapterOf,
    EdgeType::QuantizedFrom,
    EdgeType::MergedFrom,
    EdgeType::Contains,
    EdgeType::CopyOf,
    EdgeType::NearDuplicate,
    EdgeType::EmbeddedInto,
    EdgeType::DeployedAs,
];

fn edge_type_code(name: &str) -> u8 {
    code(EDGE_TYPES.map(EdgeType::as_str), name)
}

/// Place of a word among all, the first where it is none of them.
fn code<const N: usize>(all: [&str; N], word: &str) -> u8 {
    all.iter().position(|known| *known == word).unwrap_or_default() as u8
}

/// An evidence class by its name; one that this version does not know is believed least.
fn evidence(name: &str) -> Evidence {
    EVIDENCES[evidence_code(name) as usize]
}

const EVIDENCES: [Evidence; 7] = [
    Evidence::Declared,
    Evidence::Explicit,
    Evidence::Column,
    Evidence::IoMembership,
    Evidence::VersionInferred,
    Evidence::ContentMatch,
    Evidence::Manual,
];

fn evidence_code(name: &str) -> u8 {
    code(EVIDENCES.map(Evidence::as_str), name)
}

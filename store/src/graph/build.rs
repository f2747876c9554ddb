//! Building the graph from the rows of the store.

use super::columns::Columns;
use super::csr::Csr;
use super::names::Names;
use super::scans::Scan;
use crate::bytes::Hash;
use crate::rows::{
    AssetRow, AssetVersionRow, ColumnMappingRow, EdgeRow, FieldRow, FindingRow, JobRow, Micros, Row, RunIoRow,
    RunMappingRow, RunRow, TagRow,
};
use lineward_events::{AssetType, EdgeType, Evidence};
use std::collections::{HashMap, HashSet};

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

/// An edge of the graph.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub src: u32,
    pub dst: u32,
    pub link: Link,
    /// What is in the source gets into the destination; false for evaluation.
    pub carries: bool,
    pub evidence: Evidence,
    pub confidence: f32,
    /// The producer says that values are masked on the way.
    pub masking: bool,
    /// Tags that do not pass.
    pub clear: u64,
    /// Index of the run, [`NONE`] where no run is named.
    pub run: u32,
    /// Index into the contexts.
    pub context: u32,
    pub valid_from: Micros,
    pub valid_to: Micros,
}

pub(super) const NONE: u32 = u32::MAX;

/// The lineage graph as known at one time. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct LineageGraph {
    pub(super) assets: Vec<AssetRow>,
    pub(super) versions: Vec<AssetVersionRow>,
    pub(super) asset_of: Vec<u32>,
    pub(super) kinds: Vec<Kind>,
    pub(super) runs: Vec<RunRow>,
    pub(super) jobs: HashMap<i64, JobRow>,
    pub(super) findings: Vec<FindingRow>,
    pub(super) tags: Vec<TagRow>,
    pub(super) scans: Vec<Scan>,
    pub(super) edges: Vec<Edge>,
    pub(super) contexts: Vec<String>,
    pub(super) out: Csr,
    pub(super) into: Csr,
    pub(super) names: Names,
    pub(super) columns: Columns,
}

impl LineageGraph {
    /// The graph of what was known at `recorded` (everything where `None`). Rows that name versions, assets or runs
    /// which do not exist are left out: the store writes none, and a reader of a damaged one must still get answers.
    pub fn build(rows: GraphRows, recorded: Option<Micros>) -> Self {
        let assets = current(rows.assets, recorded);
        let mut versions = current(rows.versions, recorded);
        let mut runs = current(rows.runs, recorded);
        let asset_index: HashMap<i64, u32> = (0..).zip(&assets).map(|(i, a)| (a.asset_id, i)).collect();
        versions.retain(|v| asset_index.contains_key(&v.asset_id));
        versions.sort_by_key(|v| v.version_id);
        runs.sort_by_key(|r| r.run_sid);
        let asset_of: Vec<u32> = versions.iter().map(|v| asset_index[&v.asset_id]).collect();
        let kinds: Vec<Kind> = asset_of.iter().map(|&a| kind(&assets[a as usize].asset_type)).collect();
        let run_io = current(rows.run_io, recorded);
        let direct = current(rows.edges, recorded);
        let mut linker = Linker::new(&versions, &runs, &kinds);
        linker.direct(&direct);
        linker.runs(&run_io);
        let Linker { edges, contexts, .. } = linker;
        let nodes = versions.len() + 2 * runs.len();
        let names = Names::new(&assets, &versions, &asset_index);
        let (fields, sets) = (current(rows.fields, recorded), current(rows.column_mappings, recorded));
        let columns = Columns::new(fields, sets, current(rows.run_mappings, recorded), &versions, &runs);
        Self {
            out: Csr::new(nodes, edges.iter().map(|e| (e.src, e.dst))),
            into: Csr::new(nodes, edges.iter().map(|e| (e.dst, e.src))),
            jobs: current(rows.jobs, recorded).into_iter().map(|j| (j.job_id, j)).collect(),
            findings: current(rows.findings, recorded),
            tags: current(rows.tags, recorded),
            scans: rows.scans.into_iter().filter(|s| recorded.is_none_or(|t| s.recorded_at <= t)).collect(),
            assets,
            versions,
            asset_of,
            kinds,
            runs,
            edges,
            contexts,
            names,
            columns,
        }
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
    pub fn version(&self, version: Version) -> &AssetVersionRow {
        &self.versions[version as usize]
    }

    /// The row of a version's asset.
    pub fn asset(&self, version: Version) -> &AssetRow {
        &self.assets[self.asset_of[version as usize] as usize]
    }

    /// What a version is.
    pub fn kind(&self, version: Version) -> Kind {
        self.kinds[version as usize]
    }

    /// A run by its index, as [`super::Reached::run`] gives it.
    pub fn run(&self, run: u32) -> &RunRow {
        &self.runs[run as usize]
    }

    /// The job of a run.
    pub fn job(&self, run: &RunRow) -> Option<&JobRow> {
        self.jobs.get(&run.job_id)
    }

    /// All current tags.
    pub fn tags(&self) -> &[TagRow] {
        &self.tags
    }

    /// The version of a `version_id`.
    pub fn by_version_id(&self, version_id: i64) -> Option<Version> {
        self.versions.binary_search_by_key(&version_id, |v| v.version_id).ok().map(|i| i as u32)
    }

    pub(super) fn nodes(&self) -> usize {
        self.versions.len() + 2 * self.runs.len()
    }

    pub(super) fn is_run(&self, node: u32) -> bool {
        node as usize >= self.versions.len()
    }

    /// The node by which a run carries what it reads.
    pub(super) fn run_node(&self, run: u32) -> u32 {
        self.versions.len() as u32 + 2 * run
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

fn kind(asset_type: &str) -> Kind {
    match AssetType::parse(asset_type) {
        Some(AssetType::Model) => Kind::Model,
        Some(AssetType::Deployment) => Kind::Deployment,
        Some(AssetType::Prompt) => Kind::Prompt,
        _ => Kind::Data,
    }
}

/// The newest revision of each key that was known at `recorded`, without the retracted, in commit order. Most keys have
/// one revision (number 0), so that only the others are looked up.
fn current<R: Row>(mut rows: Vec<R>, recorded: Option<Micros>) -> Vec<R> {
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

/// Contexts of data that a model is measured on rather than fitted to.
const EVALUATION: [&str; 7] = ["eval", "evaluation", "test", "testing", "val", "valid", "validation"];

struct Linker<'a> {
    versions: &'a [AssetVersionRow],
    runs: &'a [RunRow],
    kinds: &'a [Kind],
    edges: Vec<Edge>,
    contexts: Vec<String>,
    context_index: HashMap<String, u32>,
    /// Outputs of a run that direct edges explain.
    explained: HashSet<(u32, u32)>,
}

impl<'a> Linker<'a> {
    fn new(versions: &'a [AssetVersionRow], runs: &'a [RunRow], kinds: &'a [Kind]) -> Self {
        let contexts = vec![String::new()];
        let context_index = HashMap::from([(String::new(), 0)]);
        Self { versions, runs, kinds, edges: Vec::new(), contexts, context_index, explained: HashSet::new() }
    }

    fn version(&self, version_id: i64) -> Option<u32> {
        self.versions.binary_search_by_key(&version_id, |v| v.version_id).ok().map(|i| i as u32)
    }

    fn run(&self, run_sid: i64) -> Option<u32> {
        self.runs.binary_search_by_key(&run_sid, |r| r.run_sid).ok().map(|i| i as u32)
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

    fn direct(&mut self, rows: &[EdgeRow]) {
        for row in rows {
            let (Some(src), Some(dst)) = (self.version(row.src_version_id), self.version(row.dst_version_id)) else {
                continue;
            };
            let edge_type = edge_type(&row.edge_type);
            let run = row.run_sid.and_then(|sid| self.run(sid));
            // Membership and copies say what a version is, not where a run's output comes from.
            let same = matches!(edge_type, EdgeType::Contains | EdgeType::CopyOf | EdgeType::NearDuplicate);
            if let Some(run) = run.filter(|_| !same) {
                self.explained.insert((run, dst));
            }
            let edge = Edge {
                src,
                dst,
                link: Link::Direct(edge_type),
                carries: edge_type != EdgeType::EvaluatedOn,
                evidence: evidence(&row.evidence),
                confidence: row.confidence,
                masking: row.masking,
                clear: row.clear_mask as u64,
                run: run.unwrap_or(NONE),
                context: 0,
                valid_from: row.valid_from,
                valid_to: row.valid_to.unwrap_or(Micros::MAX),
            };
            if edge_type == EdgeType::CopyOf {
                self.edges.push(Edge { src: dst, dst: src, ..edge.clone() });
            }
            self.edges.push(edge);
        }
    }

    /// Each run is two nodes: what it is fitted to passes through the first, what it only evaluates through the
    /// second, which carries nothing into models.
    fn runs(&mut self, rows: &[RunIoRow]) {
        let first = self.versions.len() as u32;
        let mut evaluates = HashSet::new();
        for row in rows.iter().filter(|r| r.io == "INPUT") {
            let (Some(version), Some(run)) = (self.version(row.version_id), self.run(row.run_sid)) else { continue };
            let evaluation = EVALUATION.iter().any(|c| row.context.eq_ignore_ascii_case(c));
            if evaluation {
                evaluates.insert(run);
            }
            let evidence = evidence(&row.evidence);
            let context = self.context(&row.context);
            let link = Membership { row, run, evidence, context };
            self.edges.push(link.edge(version, first + 2 * run + u32::from(evaluation), Link::Read, true));
        }
        for row in rows.iter().filter(|r| r.io == "OUTPUT") {
            let (Some(version), Some(run)) = (self.version(row.version_id), self.run(row.run_sid)) else { continue };
            if self.explained.contains(&(run, version)) {
                continue;
            }
            let link = Membership { row, run, evidence: evidence(&row.evidence), context: 0 };
            let node = first + 2 * run;
            self.edges.push(link.edge(node, version, Link::Written, true));
            if evaluates.contains(&run) {
                let carries = self.kinds[version as usize] != Kind::Model;
                self.edges.push(link.edge(node + 1, version, Link::Written, carries));
            }
        }
    }
}

struct Membership<'a> {
    row: &'a RunIoRow,
    run: u32,
    evidence: Evidence,
    context: u32,
}

impl Membership<'_> {
    fn edge(&self, src: u32, dst: u32, link: Link, carries: bool) -> Edge {
        Edge {
            src,
            dst,
            link,
            carries,
            evidence: self.evidence,
            confidence: self.evidence.confidence(),
            masking: false,
            clear: 0,
            run: self.run,
            context: self.context,
            valid_from: self.row.event_time,
            valid_to: Micros::MAX,
        }
    }
}

/// An edge type by its name; one that this version does not know still means that data flows.
fn edge_type(name: &str) -> EdgeType {
    const ALL: [EdgeType; 12] = [
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
    ALL.into_iter().find(|t| t.as_str() == name).unwrap_or(EdgeType::Derived)
}

/// An evidence class by its name; one that this version does not know is believed least.
fn evidence(name: &str) -> Evidence {
    const ALL: [Evidence; 7] = [
        Evidence::Explicit,
        Evidence::Column,
        Evidence::IoMembership,
        Evidence::VersionInferred,
        Evidence::ContentMatch,
        Evidence::Declared,
        Evidence::Manual,
    ];
    ALL.into_iter().find(|e| e.as_str() == name).unwrap_or(Evidence::Declared)
}

/// Content hashes of a version.
pub(super) fn contents(version: &AssetVersionRow) -> impl Iterator<Item = Hash> {
    version.content_sha256.into_iter().chain(version.merkle_root)
}

//! The projection: from events, in the order of the log, to the rows of all other tables.
//!
//! A [`Projector`] is a deterministic state machine without I/O: the same events in the same order give the same rows,
//! however they are cut into batches. Times come from the events, never from a clock. It binds reads to versions,
//! recognises copies by content, links members to their data sets and models to what they were made from. It decodes
//! nothing, and it does not decide what is sensitive.

mod assets;
mod columns;
mod findings;
mod ids;
mod keyed;
mod links;
mod members;
mod near;
mod policies;
mod runs;
mod sources;

use crate::bytes::Hash;
use crate::error::Error;
use crate::rows::{
    AccessRow, AssetRow, AssetVersionRow, ColumnMappingRow, EdgeRow, FieldRow, FindingRow, JobRow, Micros, PolicyRow,
    RecordIndexRow, Recorded, RunIoRow, RunMappingRow, RunRow, SchemaRow, SignatureKey, SignatureRow, TagRow, Word,
};
use arrow::array::RecordBatch;
use assets::{ALWAYS, Since};
use ids::Ids;
use keyed::Keyed;
use lineward_events::{EdgeType, Statement};
pub use near::NEAR_SIMILARITY;
pub use policies::clearing_holds;
pub(crate) use policies::{CLEAR, ClearingExpr};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Maps of the projector. Their hashes are seeded, as names come from outside, and nothing depends on their order.
type Map<K, V> = HashMap<K, V, ahash::RandomState>;

/// What the projector needs of an event.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Key of the event.
    pub event_key: Hash,
    /// When it was received: the recorded time of what it says.
    pub received_at: Micros,
    /// When it happened; the receipt where the event gives no time.
    pub at: Micros,
}

impl Context {
    fn recorded(&self) -> Recorded {
        Recorded { recorded_at: self.received_at, retracted_at: None, event_key: self.event_key, revision: 0 }
    }

    /// A version name for what an event wrote without naming a version.
    fn version_name(&self) -> String {
        format!("event:{}", &hex::encode(self.event_key.0)[..16])
    }
}

/// Rows of all projections, as read from a store or to be written to it.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Rows {
    pub assets: Vec<AssetRow>,
    pub versions: Vec<AssetVersionRow>,
    pub jobs: Vec<JobRow>,
    pub runs: Vec<RunRow>,
    pub run_io: Vec<RunIoRow>,
    pub edges: Vec<EdgeRow>,
    pub findings: Vec<FindingRow>,
    pub tags: Vec<TagRow>,
    pub accesses: Vec<AccessRow>,
    pub fields: Vec<FieldRow>,
    pub column_mappings: Vec<ColumnMappingRow>,
    pub run_mappings: Vec<RunMappingRow>,
    pub signatures: Vec<SignatureRow>,
    pub policies: Vec<PolicyRow>,
    pub schemas: Vec<SchemaRow>,
    /// Only to be written: a projector goes on without those that are.
    pub record_index: Vec<RecordIndexRow>,
}

/// Class of an asset name: a data set and a file of one name are one asset, a model of that name is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Class {
    Data,
    Model,
    Deployment,
    Other,
}

/// Ids by namespace and name, looked up without making a key of the two.
#[derive(Debug, Default)]
struct Names {
    ids: Map<String, Map<String, i64>>,
}

impl Names {
    fn get(&self, namespace: &str, name: &str) -> Option<i64> {
        self.ids.get(namespace)?.get(name).copied()
    }

    fn insert(&mut self, namespace: &str, name: &str, id: i64) {
        match self.ids.get_mut(namespace) {
            Some(names) => names.insert(name.to_owned(), id),
            None => self.ids.entry(namespace.to_owned()).or_default().insert(name.to_owned(), id),
        };
    }
}

/// A read or write that a run declared, bound to a version.
#[derive(Debug, Clone)]
struct Bound {
    asset_id: i64,
    version_id: i64,
    context: String,
    /// The producer named the version (or the content), so it never moves.
    pinned: bool,
    at: Micros,
}

impl Bound {
    /// The order in which a run's inputs and outputs are kept: one that a projector loaded from rows has as well, so
    /// that both give new edges the same ids.
    fn order(&self) -> (i64, &str, i64) {
        (self.asset_id, &self.context, self.version_id)
    }
}

/// The members of a version that were said to be all.
#[derive(Debug)]
struct Listed {
    at: Micros,
    assets: BTreeSet<i64>,
}

#[derive(Debug, Default, Clone)]
struct RunState {
    inputs: Vec<Bound>,
    outputs: Vec<Bound>,
    /// Outputs of which the run says where they come from, and from which inputs.
    sources: BTreeMap<i64, BTreeSet<i64>>,
    /// Pairs that column lineage links explicitly.
    columns: BTreeMap<(i64, i64), bool>,
    /// Sets of column mappings: source and destination version, and the set.
    mappings: BTreeSet<(i64, i64, i64)>,
    /// Edges this run has at present.
    edges: BTreeSet<i64>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Projector {
    assets: Keyed<AssetRow>,
    versions: Keyed<AssetVersionRow>,
    jobs: Keyed<JobRow>,
    runs: Keyed<RunRow>,
    run_io: Keyed<RunIoRow>,
    edges: Keyed<EdgeRow>,
    findings: Keyed<FindingRow>,
    tags: Keyed<TagRow>,
    accesses: Keyed<AccessRow>,
    fields: Keyed<FieldRow>,
    column_mappings: Keyed<ColumnMappingRow>,
    run_mappings: Keyed<RunMappingRow>,
    signatures: Keyed<SignatureRow>,
    policies: Keyed<PolicyRow>,
    schemas: Keyed<SchemaRow>,
    /// Places that wait to be written. Nothing is bound to them, so that an index of any size needs no memory here.
    record_index: Vec<RecordIndexRow>,

    // Derived from the rows; rebuilt by `load`.
    asset_ids: [Names; 4],
    /// Data assets by namespace and name, ordered, for what lies below a folder.
    data_names: BTreeMap<(String, String), i64>,
    /// Versions of an asset, each behind the time since when it holds, in order.
    versions_of: Map<i64, Vec<(Micros, i64)>>,
    version_ids: Ids,
    by_content: Map<[u8; 32], i64>,
    /// Versions of equal content or nearly, each way.
    alike_of: Map<i64, BTreeSet<i64>>,
    job_ids: Names,
    run_sids: Ids,
    run_states: Map<i64, RunState>,
    /// Runs that read an asset, for binding again when a version turns up late.
    readers_of: Map<i64, BTreeSet<i64>>,
    /// Members of each version of a data set, the way back, and the latest time at which one of them was written.
    members_of: Map<i64, BTreeSet<i64>>,
    containers_of: Map<i64, BTreeSet<i64>>,
    members_until: Map<i64, Micros>,
    /// Of versions whose members are all known, when they were listed and the assets they are of; found when asked for.
    listed: Map<i64, Listed>,
    edge_ids: Map<(i64, i64, Option<i64>, Word), i64>,
    /// Edges of no run that say what a version is made of, and sets of its columns that no run maps.
    declared_into: Map<i64, BTreeSet<i64>>,
    declared_columns: Map<i64, BTreeSet<(i64, i64)>>,
    /// Findings by version, field, detector, origin and entity.
    finding_ids: Map<(i64, Option<String>, String, String, String), i64>,
    /// Findings that are declared, by version.
    declared_of: Map<i64, BTreeSet<i64>>,
    tag_ids: Map<String, i32>,
    /// Fields by asset and name.
    field_ids: Map<i64, Map<String, i64>>,
    /// Event, asset and action of the accesses that were recorded: a repeated event counts once. Not the version, which
    /// a repetition may bind to another that has turned up since.
    accessed: HashSet<(Hash, i64, String), ahash::RandomState>,
    /// Versions by their signatures; of each version its signatures, and the versions that were measured to be near it.
    bands: near::Bands,
    keys_of: Map<i64, BTreeSet<SignatureKey>>,
    near_of: Map<i64, BTreeSet<i64>>,
    /// Versions that the event at hand has signed.
    signed: BTreeSet<i64>,
    /// Signatures are kept and not compared.
    skips_near: bool,
}

impl Projector {
    /// A projector that goes on where rows end. Lower revisions of a key come first.
    pub fn load(rows: Rows) -> Self {
        let mut out = Self {
            assets: Keyed::load(rows.assets),
            versions: Keyed::load(rows.versions),
            jobs: Keyed::load(rows.jobs),
            runs: Keyed::load(rows.runs),
            run_io: Keyed::load(rows.run_io),
            edges: Keyed::load(rows.edges),
            findings: Keyed::load(rows.findings),
            tags: Keyed::load(rows.tags),
            accesses: Keyed::load(rows.accesses),
            fields: Keyed::load(rows.fields),
            column_mappings: Keyed::load(rows.column_mappings),
            run_mappings: Keyed::load(rows.run_mappings),
            signatures: Keyed::load(rows.signatures),
            policies: Keyed::load(rows.policies),
            schemas: Keyed::load(rows.schemas),
            ..Self::default()
        };
        out.index_assets();
        out.index_columns();
        out.index_runs();
        out.index_members();
        out.index_findings();
        out.index_signatures();
        out
    }

    /// From now on signatures are compared, or only kept.
    pub(crate) fn compare_signatures(&mut self, compares: bool) {
        self.skips_near = !compares;
    }

    /// Applies the statements of one event.
    ///
    /// What an event says was made comes first: an asset that it also mentions is then seen at the version it made, not
    /// at one that would have to be invented.
    pub fn apply(&mut self, context: &Context, statements: &[Statement]) {
        let makes = |s: &&Statement| match s {
            Statement::Link(link) => link.edge_type != EdgeType::Contains,
            Statement::Sources(_) => true,
            _ => false,
        };
        for statement in statements.iter().filter(makes) {
            self.apply_one(context, statement);
        }
        for statement in statements.iter().filter(|s| !makes(s)) {
            self.apply_one(context, statement);
        }
        self.settle_signed(context);
    }

    fn apply_one(&mut self, context: &Context, statement: &Statement) {
        match statement {
            Statement::Run(run) => self.apply_run(context, run),
            Statement::Job(job) => self.apply_job(context, job),
            Statement::Asset(asset) => {
                self.observe(context, asset);
            }
            Statement::Dropped(asset) => self.apply_dropped(context, asset),
            Statement::Members(asset, count) => self.apply_members(context, asset, *count),
            Statement::Alias(alias, target) => self.apply_alias(context, alias, target),
            Statement::Link(link) => self.apply_link(context, link),
            Statement::Access(access) => self.apply_access(context, access),
            Statement::Finding(finding) => self.apply_finding(context, finding),
            Statement::Sources(said) => self.apply_sources(context, said),
            Statement::Declared(declaration) => self.apply_declaration(context, declaration),
            Statement::Indexed(indexed) => self.apply_indexed(context, indexed),
            Statement::Signed(signed) => self.apply_signed(context, signed),
            Statement::Clearing(policy) => self.apply_clearing(context, policy),
        }
    }

    /// Takes out the rows that were added since the last call as they are written: by table, those without rows left out.
    ///
    /// # Errors
    /// [`Error::Rows`] where rows do not fit their table. What was added is lost then: the projector starts over from rows.
    pub(crate) fn take_batches(&mut self) -> Result<Vec<(&'static str, RecordBatch)>, Error> {
        let batches = [
            ("assets", self.assets.take_batch()?),
            ("asset_versions", self.versions.take_batch()?),
            ("jobs", self.jobs.take_batch()?),
            ("runs", self.runs.take_batch()?),
            ("run_io", self.run_io.take_batch()?),
            ("edges", self.edges.take_batch()?),
            ("findings", self.findings.take_batch()?),
            ("tags", self.tags.take_batch()?),
            ("accesses", self.accesses.take_batch()?),
            ("fields", self.fields.take_batch()?),
            ("column_mappings", self.column_mappings.take_batch()?),
            ("run_mappings", self.run_mappings.take_batch()?),
            ("record_index", self.take_record_index()?),
            ("signatures", self.signatures.take_batch()?),
            ("policies", self.policies.take_batch()?),
            ("schemas", self.schemas.take_batch()?),
        ];
        Ok(batches.into_iter().filter_map(|(table, batch)| Some((table, batch?))).collect())
    }

    /// Takes out the rows that were added since the last call.
    pub fn take_rows(&mut self) -> Rows {
        Rows {
            assets: self.assets.take(),
            versions: self.versions.take(),
            jobs: self.jobs.take(),
            runs: self.runs.take(),
            run_io: self.run_io.take(),
            edges: self.edges.take(),
            findings: self.findings.take(),
            tags: self.tags.take(),
            accesses: self.accesses.take(),
            fields: self.fields.take(),
            column_mappings: self.column_mappings.take(),
            run_mappings: self.run_mappings.take(),
            signatures: self.signatures.take(),
            policies: self.policies.take(),
            schemas: self.schemas.take(),
            record_index: std::mem::take(&mut self.record_index),
        }
    }
}

#[cfg(test)]
mod tests;

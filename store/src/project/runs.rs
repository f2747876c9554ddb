//! Jobs and runs: their states merge whatever order events come in; their inputs and outputs are bound to versions.

use super::assets::Binding;
use super::{Bound, Context, Projector, RunState as State};
use crate::rows::{JobRow, Micros, RunIoRow, RunRow};
use lineward_events::{AssetType, EdgeType, Evidence, Inputs, Io, JobInfo, JobRef, RunInfo, RunState};
use std::collections::HashSet;

/// Input-output pairs of one run that are written out as edges; beyond that membership alone says it.
const RUN_EDGES_MAX: usize = 10_000;

impl Projector {
    pub(super) fn index_runs(&mut self) {
        for job in self.jobs.iter() {
            self.job_ids.insert((job.namespace.clone(), job.name.clone()), job.job_id);
        }
        for run in self.runs.iter() {
            self.run_sids.insert(run.run_id.clone(), run.run_sid);
        }
        let mut io: Vec<RunIoRow> = self.run_io.iter().cloned().collect();
        io.sort_by(|a, b| (a.run_sid, &a.io, a.version_id, &a.context).cmp(&(b.run_sid, &b.io, b.version_id, &b.context)));
        for row in io {
            let Some(version) = self.versions.get(&row.version_id) else { continue };
            let inferred = row.evidence == Evidence::VersionInferred.as_str() || row.evidence == Evidence::Declared.as_str();
            let bound = Bound {
                asset_id: version.asset_id,
                version_id: row.version_id,
                context: row.context,
                pinned: !inferred,
                at: row.event_time,
            };
            let state = self.run_states.entry(row.run_sid).or_default();
            if row.io == INPUT {
                self.readers_of.entry(bound.asset_id).or_default().push(row.run_sid);
                state.inputs.push(bound);
            } else {
                state.outputs.push(bound);
            }
        }
        for edge in self.edges.iter() {
            let key = (edge.src_version_id, edge.dst_version_id, edge.run_sid, edge.edge_type.clone());
            self.edge_ids.insert(key, edge.edge_id);
            let Some(run) = edge.run_sid else { continue };
            let state = self.run_states.entry(run).or_default();
            state.edges.insert(edge.edge_id);
            if edge.evidence == Evidence::Column.as_str() {
                state.columns.insert((edge.src_version_id, edge.dst_version_id), edge.masking);
            }
        }
        for readers in self.readers_of.values_mut() {
            readers.sort_unstable();
            readers.dedup();
        }
    }

    fn job(&mut self, context: &Context, job: &JobRef, describe: impl FnOnce(&mut JobRow)) -> i64 {
        let key = (job.namespace.clone(), job.name.clone());
        let id = match self.job_ids.get(&key) {
            Some(id) => *id,
            None => {
                let job_id = self.jobs.next_id();
                self.jobs.put(
                    context,
                    JobRow {
                        job_id,
                        namespace: job.namespace.clone(),
                        name: job.name.clone(),
                        integration: None,
                        job_type: None,
                        processing_type: None,
                        source_code_url: None,
                        recorded: context.recorded(),
                    },
                );
                self.job_ids.insert(key, job_id);
                job_id
            }
        };
        self.jobs.update(context, &id, describe);
        id
    }

    pub(super) fn apply_job(&mut self, context: &Context, job: &JobInfo) {
        self.job(context, &job.job, |row| {
            describe_job(row, &job.integration, &job.job_type, &job.processing_type);
            row.source_code_url = job.source_code_url.clone().or(row.source_code_url.take());
        });
        if job.inputs.is_empty() && job.outputs.is_empty() {
            return;
        }
        // What a job declares without a run is kept as a run of its own, so that it can be walked; it is replaced whole
        // by the next declaration.
        let mut run = RunInfo::new(
            format!("declared:{}/{}", job.job.namespace, job.job.name),
            job.job.clone(),
            RunState::Other,
        );
        run.inputs_known = Inputs::Declared;
        let declared = |io: &Io| Io { evidence: Evidence::Declared, ..io.clone() };
        run.inputs = job.inputs.iter().map(declared).collect();
        run.outputs = job.outputs.iter().map(declared).collect();
        let sid = self.run(context, &run);
        self.forget_io(context, sid);
        self.bind_io(context, sid, &run);
    }

    /// Takes away the inputs and outputs of a run.
    fn forget_io(&mut self, context: &Context, sid: i64) {
        let Some(state) = self.run_states.get_mut(&sid) else { return };
        let gone = std::mem::take(state);
        for (io, bounds) in [(INPUT, &gone.inputs), (OUTPUT, &gone.outputs)] {
            for bound in bounds {
                self.run_io.retract(context, &(sid, bound.version_id, io.to_owned(), bound.context.clone()));
            }
        }
        let mut edges: Vec<i64> = gone.edges.into_iter().collect();
        edges.sort_unstable();
        edges.iter().for_each(|edge| self.edges.retract(context, edge));
    }

    pub(super) fn apply_run(&mut self, context: &Context, run: &RunInfo) {
        let sid = self.run(context, run);
        self.bind_io(context, sid, run);
        self.bind_columns(context, sid, run);
        self.sync_edges(context, sid);
    }

    /// The run's row, merged: states only advance, the earliest start and the latest end count.
    fn run(&mut self, context: &Context, run: &RunInfo) -> i64 {
        let job_id = self.job(context, &run.job, |row| {
            describe_job(row, &run.integration, &run.job_type, &run.processing_type);
        });
        let sid = match self.run_sids.get(&run.run_id) {
            Some(sid) => *sid,
            None => {
                let run_sid = self.runs.next_id();
                self.runs.put(context, new_run(context, run, run_sid, job_id));
                self.run_sids.insert(run.run_id.clone(), run_sid);
                run_sid
            }
        };
        // A producer that does not know the job says so by this name; it never takes the place of a known one.
        let known = !run.job.name.ends_with("/unknown");
        self.runs.update(context, &sid, |row| {
            if known {
                row.job_id = job_id;
            }
            merge_run(context, row, run);
        });
        sid
    }

    fn bind_io(&mut self, context: &Context, sid: i64, run: &RunInfo) {
        let started = self.runs.get(&sid).and_then(|r| r.started_at);
        for io in &run.inputs {
            self.bind_input(context, sid, io, started.unwrap_or(context.at));
        }
        let name = format!("run:{}", run.run_id);
        for io in &run.outputs {
            let bound = self.write(context, &io.asset, context.at, Some(sid), &name);
            let known = self.run_states.entry(sid).or_default();
            if known.outputs.iter().any(|o| o.version_id == bound.version_id) {
                continue;
            }
            let bound = to_bound(io, bound, context.at);
            known.outputs.push(bound.clone());
            self.put_io(context, sid, OUTPUT, &bound, io.subset.clone(), io.evidence);
        }
        self.sync_edges(context, sid);
    }

    fn bind_input(&mut self, context: &Context, sid: i64, io: &Io, at: Micros) {
        let binding = self.read(context, &io.asset, at);
        let mut bound = to_bound(io, binding, at);
        let state = self.run_states.entry(sid).or_default();
        let same = state.inputs.iter().position(|i| i.asset_id == bound.asset_id && i.context == bound.context);
        if let Some(n) = same {
            let before = &state.inputs[n];
            if before.version_id == bound.version_id || (before.pinned && !bound.pinned) {
                return;
            }
            if !before.pinned && bound.pinned {
                state.inputs[n].pinned = true;
                return self.rebind_input(context, sid, n, bound.version_id);
            }
            if !bound.pinned {
                // The same read, said again after a write: it stays with what was current when the run began.
                return;
            }
        }
        let evidence = match (io.evidence, bound.pinned) {
            (Evidence::Declared, _) => Evidence::Declared,
            (e, true) => e,
            (_, false) => Evidence::VersionInferred,
        };
        bound.pinned = bound.pinned && evidence != Evidence::Declared;
        let asset_id = bound.asset_id;
        self.run_states.entry(sid).or_default().inputs.push(bound.clone());
        let readers = self.readers_of.entry(asset_id).or_default();
        if !readers.contains(&sid) {
            readers.push(sid);
        }
        self.put_io(context, sid, INPUT, &bound, io.subset.clone(), evidence);
    }

    fn put_io(
        &mut self,
        context: &Context,
        sid: i64,
        io: &str,
        bound: &Bound,
        subset: Option<String>,
        evidence: Evidence,
    ) {
        self.run_io.put(
            context,
            RunIoRow {
                run_sid: sid,
                version_id: bound.version_id,
                io: io.to_owned(),
                context: bound.context.clone(),
                subset,
                evidence: evidence.as_str().to_owned(),
                event_time: bound.at,
                recorded: context.recorded(),
            },
        );
    }

    /// Moves an input of a run to another version of the same asset.
    pub(super) fn rebind_input(&mut self, context: &Context, sid: i64, n: usize, version: i64) {
        let Some(input) = self.run_states.get_mut(&sid).and_then(|s| s.inputs.get_mut(n)) else { return };
        if input.version_id == version {
            return;
        }
        let old = (sid, input.version_id, INPUT.to_owned(), input.context.clone());
        input.version_id = version;
        let Some(mut row) = self.run_io.get(&old).cloned() else { return };
        self.run_io.retract(context, &old);
        row.version_id = version;
        self.run_io.put(context, row);
        self.sync_edges(context, sid);
    }

    fn bind_columns(&mut self, context: &Context, sid: i64, run: &RunInfo) {
        if run.columns.is_empty() {
            return;
        }
        let started = self.runs.get(&sid).and_then(|r| r.started_at).unwrap_or(context.at);
        let name = format!("run:{}", run.run_id);
        for mapping in &run.columns {
            let src = self.read(context, &mapping.src, started);
            let dst = self.write(context, &mapping.dst, context.at, Some(sid), &name);
            let state = self.run_states.entry(sid).or_default();
            let src = state.inputs.iter().find(|i| i.asset_id == src.asset_id).map_or(src.version_id, |i| i.version_id);
            // An edge counts as masked when every column that flows over it is.
            let masked = state.columns.entry((src, dst.version_id)).or_insert(true);
            *masked = *masked && mapping.masking;
        }
    }

    /// Makes the run's edges what its inputs, outputs and column lineage say, and takes away those that no longer hold.
    fn sync_edges(&mut self, context: &Context, sid: i64) {
        let Some(state) = self.run_states.get(&sid).cloned() else { return };
        let mut wanted = HashSet::new();
        for ((src, dst), masked) in &state.columns {
            if let Some(edge) = self.link(context, *src, *dst, Some(sid), EdgeType::Derived, Evidence::Column) {
                self.set_masking(context, edge, *masked);
                wanted.insert(edge);
            }
        }
        wanted.extend(self.link_models(context, sid, &state));
        let mut gone: Vec<i64> = state.edges.difference(&wanted).copied().collect();
        gone.sort_unstable();
        gone.iter().for_each(|edge| self.edges.retract(context, edge));
        if let Some(state) = self.run_states.get_mut(&sid) {
            state.edges = wanted;
        }
    }

    fn link_models(&mut self, context: &Context, sid: i64, state: &State) -> Vec<i64> {
        let models: Vec<i64> =
            state.outputs.iter().filter(|o| self.type_of(o.asset_id) == Some(AssetType::Model)).map(|o| o.version_id).collect();
        if models.len().saturating_mul(state.inputs.len()) > RUN_EDGES_MAX {
            return Vec::new();
        }
        let mut out = Vec::new();
        for input in &state.inputs {
            let edge_type = match self.type_of(input.asset_id) {
                Some(AssetType::Model) => EdgeType::FineTunedFrom,
                _ if is_evaluation(&input.context) => EdgeType::EvaluatedOn,
                _ => EdgeType::TrainedOn,
            };
            let key = (sid, input.version_id, INPUT.to_owned(), input.context.clone());
            let evidence = self.run_io.get(&key).map_or(Evidence::IoMembership, |r| evidence_of(&r.evidence));
            out.extend(
                models.iter().filter_map(|m| self.link(context, input.version_id, *m, Some(sid), edge_type, evidence)),
            );
        }
        out
    }

    fn type_of(&self, asset_id: i64) -> Option<AssetType> {
        self.assets.get(&asset_id).and_then(|a| AssetType::parse(&a.asset_type))
    }
}

const INPUT: &str = "INPUT";
const OUTPUT: &str = "OUTPUT";

/// Whether data in this role is only measured on, so that none of it goes into the weights.
fn is_evaluation(context: &str) -> bool {
    matches!(context, "validation" | "test" | "evaluation" | "eval")
}

fn evidence_of(name: &str) -> Evidence {
    [Evidence::Declared, Evidence::VersionInferred, Evidence::Explicit, Evidence::Manual]
        .into_iter()
        .find(|e| e.as_str() == name)
        .unwrap_or(Evidence::IoMembership)
}

fn to_bound(io: &Io, binding: Binding, at: Micros) -> Bound {
    Bound {
        asset_id: binding.asset_id,
        version_id: binding.version_id,
        context: io.context.clone().unwrap_or_default(),
        pinned: binding.pinned,
        at,
    }
}

fn describe_job(
    row: &mut JobRow,
    integration: &Option<String>,
    job_type: &Option<String>,
    processing_type: &Option<String>,
) {
    row.integration = integration.clone().or(row.integration.take());
    row.job_type = job_type.clone().or(row.job_type.take());
    row.processing_type = processing_type.clone().or(row.processing_type.take());
}

fn new_run(context: &Context, run: &RunInfo, run_sid: i64, job_id: i64) -> RunRow {
    RunRow {
        run_sid,
        run_id: run.run_id.clone(),
        job_id,
        parent_run_id: None,
        root_run_id: None,
        state: RunState::Other.as_str().to_owned(),
        started_at: None,
        ended_at: None,
        nominal_start: None,
        nominal_end: None,
        principal: None,
        git_sha: None,
        image: None,
        inputs_known: false,
        params: Default::default(),
        recorded: context.recorded(),
    }
}

fn merge_run(context: &Context, row: &mut RunRow, run: &RunInfo) {
    const ORDER: [RunState; 6] = [
        RunState::Other,
        RunState::Start,
        RunState::Running,
        RunState::Abort,
        RunState::Fail,
        RunState::Complete,
    ];
    let rank = |name: &str| ORDER.iter().position(|s| s.as_str() == name).unwrap_or_default();
    if rank(run.state.as_str()) > rank(&row.state) {
        row.state = run.state.as_str().to_owned();
    }
    let started = run.started_at.or((run.state == RunState::Start).then_some(context.at));
    let ended = run.ended_at.or(matches!(run.state, RunState::Complete | RunState::Fail | RunState::Abort)
        .then_some(context.at));
    row.started_at = [row.started_at, started].into_iter().flatten().min();
    row.ended_at = [row.ended_at, ended].into_iter().flatten().max();
    row.nominal_start = run.nominal_start.or(row.nominal_start);
    row.nominal_end = run.nominal_end.or(row.nominal_end);
    let keep = |new: &Option<String>, old: &mut Option<String>| {
        if new.is_some() {
            old.clone_from(new);
        }
    };
    keep(&run.parent_run_id, &mut row.parent_run_id);
    keep(&run.root_run_id, &mut row.root_run_id);
    keep(&run.principal, &mut row.principal);
    keep(&run.git_sha, &mut row.git_sha);
    keep(&run.image, &mut row.image);
    row.inputs_known |= run.inputs_known == Inputs::Declared;
    row.params.extend(run.params.iter().map(|(k, v)| (k.clone(), v.clone())));
}

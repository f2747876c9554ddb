//! Jobs and runs: their states merge whatever order events come in; their inputs and outputs are bound to versions.

use super::assets::{Binding, By};
use super::{Bound, Context, Projector, RunState as State};
use crate::rows::{AssetVersionRow, JobRow, Micros, RunIoRow, RunRow, run_io_key};
use lineward_events::{
    AssetRef, AssetType, ColumnMapping, EdgeType, Evidence, Inputs, Io, JobInfo, JobRef, RunInfo, RunState,
    is_evaluation,
};
use std::collections::{BTreeMap, BTreeSet};

/// Input-output pairs of one run that are written out as edges; beyond that membership alone says it.
const RUN_EDGES_MAX: usize = 10_000;

impl Projector {
    pub(super) fn index_runs(&mut self) {
        for job in self.jobs.iter() {
            self.job_ids.insert(&job.namespace, &job.name, job.job_id);
        }
        for run in self.runs.iter() {
            self.run_sids.insert(run.run_id.as_str(), run.run_sid);
        }
        for row in self.run_io.iter() {
            let Some(version) = self.versions.get(&row.version_id) else { continue };
            let bound = Bound {
                asset_id: version.asset_id,
                version_id: row.version_id,
                context: row.context.clone(),
                pinned: is_pinned(&row.evidence, version),
                at: row.event_time,
            };
            let state = self.run_states.entry(row.run_sid).or_default();
            if row.io == INPUT {
                self.readers_of.entry(bound.asset_id).or_default().insert(row.run_sid);
                insert(&mut state.inputs, bound);
            } else {
                if row.evidence == Evidence::Explicit.as_str() {
                    state.sources.entry(row.version_id).or_default();
                }
                insert(&mut state.outputs, bound);
            }
        }
        // An edge that was taken back keeps its id for when it holds again.
        for edge in self.edges.all() {
            let key = (edge.src_version_id, edge.dst_version_id, edge.run_sid, edge.edge_type.clone());
            self.edge_ids.insert(key, edge.edge_id);
            if edge.run_sid.is_none() && edge.edge_type == EdgeType::Derived.as_str() {
                self.declared_into.entry(edge.dst_version_id).or_default().insert(edge.edge_id);
            }
        }
        for edge in self.edges.iter() {
            let Some(run) = edge.run_sid else { continue };
            let state = self.run_states.entry(run).or_default();
            state.edges.insert(edge.edge_id);
            let ends = (edge.src_version_id, edge.dst_version_id);
            let mapped = match state.sources.get_mut(&ends.1) {
                Some(sources) => {
                    sources.insert(ends.0);
                    state.mappings.iter().any(|(src, dst, _)| (*src, *dst) == ends)
                }
                None => edge.evidence == Evidence::Column.as_str(),
            };
            if mapped {
                state.columns.insert(ends, edge.masking);
            }
        }
    }

    /// The id of a job, new or known, and described by what `describe` adds; `None` adds nothing.
    fn job(&mut self, context: &Context, job: &JobRef, describe: Option<impl FnOnce(&mut JobRow)>) -> i64 {
        let id = match self.job_ids.get(&job.namespace, &job.name) {
            Some(id) => id,
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
                self.job_ids.insert(&job.namespace, &job.name, job_id);
                job_id
            }
        };
        if let Some(describe) = describe {
            self.jobs.update(context, &id, describe);
        }
        id
    }

    pub(super) fn apply_job(&mut self, context: &Context, job: &JobInfo) {
        let describe = |row: &mut JobRow| {
            describe_job(row, &job.integration, &job.job_type, &job.processing_type);
            row.source_code_url = job.source_code_url.clone().or(row.source_code_url.take());
        };
        self.job(context, &job.job, Some(describe));
        if job.inputs.is_empty() && job.outputs.is_empty() {
            return;
        }
        // What a job declares without a run is kept as a run of its own, so that it can be walked; it is replaced whole
        // by the next declaration.
        let mut run =
            RunInfo::new(format!("declared:{}/{}", job.job.namespace, job.job.name), job.job.clone(), RunState::Other);
        run.inputs_known = job.inputs_known;
        let declared = |io: &Io| Io { evidence: Evidence::Declared, ..io.clone() };
        run.inputs = job.inputs.iter().map(declared).collect();
        run.outputs = job.outputs.iter().map(declared).collect();
        (run.sources, run.columns) = (job.sources.clone(), job.columns.clone());
        let sid = self.run(context, &run);
        let (inputs, outputs) = self.bounds(context, sid, &run);
        let said = named_sources(&run, &inputs, &outputs);
        let state = self.run_states.entry(sid).or_default();
        let later = state.inputs.iter().chain(&state.outputs).map(|bound| bound.at).filter(|at| *at > context.at).min();
        // An older declaration that comes in late does not replace a newer one, or one that was said again since; it held
        // until then.
        let said_again = self.runs.get(&sid).and_then(declared_again).filter(|at| *at > context.at);
        for (side, said, bounds) in [(INPUT, &run.inputs, &inputs), (OUTPUT, &run.outputs, &outputs)] {
            for (io, bound) in said.iter().zip(bounds) {
                let key = run_io_key(sid, bound.version_id, side, &bound.context);
                self.say_fields(context, &key, bound.asset_id, &io.asset.fields);
            }
        }
        if later.is_none() && self.declares_the_same(sid, &run, (&inputs, &outputs), &said) {
            if said_again.is_none() {
                self.replace_columns(context, sid, &run);
            }
            return self.still_declared(context, sid);
        }
        if let Some(until) = later.or(said_again) {
            return self.keep_declared(context, &pairs(&inputs, &outputs, &said), until);
        }
        let state = self.run_states.entry(sid).or_default();
        let held = held_sources(state);
        let (inputs, outputs) = (std::mem::take(&mut state.inputs), std::mem::take(&mut state.outputs));
        state.sources.clear();
        state.columns.clear();
        self.bind_io(context, sid, &run);
        self.bind_sources(context, sid, &run);
        self.replace_columns(context, sid, &run);
        // Only what is declared no longer goes.
        let Some(state) = self.run_states.get(&sid).cloned() else { return };
        self.retract_io(context, (sid, INPUT), &inputs, &state.inputs);
        self.retract_io(context, (sid, OUTPUT), &outputs, &state.outputs);
        self.keep_declared(context, &pairs(&inputs, &outputs, &held), context.at);
    }

    /// The column lineage that a declaration has is all there is.
    fn replace_columns(&mut self, context: &Context, sid: i64, run: &RunInfo) {
        let state = self.run_states.entry(sid).or_default();
        state.columns.clear();
        let before = std::mem::take(&mut state.mappings);
        self.bind_columns(context, sid, run);
        let now = self.run_states.get(&sid).map(|state| state.mappings.clone()).unwrap_or_default();
        self.retract_mappings(context, Some(sid), before.difference(&now).copied());
        self.sync_edges(context, sid);
    }

    /// What a declaration names, without saying it of the run.
    fn bounds(&mut self, context: &Context, sid: i64, run: &RunInfo) -> (Vec<Bound>, Vec<Bound>) {
        let name = format!("run:{}", run.run_id);
        let mut inputs = Vec::with_capacity(run.inputs.len());
        for io in &run.inputs {
            let binding = self.read(context, &io.asset, context.at, Some(sid));
            inputs.push(to_bound(io, binding, context.at));
        }
        let mut outputs = Vec::with_capacity(run.outputs.len());
        for io in &run.outputs {
            let binding = self.write(context, &io.asset, context.at, By::Run(sid), &name);
            outputs.push(to_bound(io, binding, context.at));
        }
        (inputs, outputs)
    }

    /// Whether a declaration names the same versions for the same uses as the last one did.
    fn declares_the_same(
        &self,
        sid: i64,
        run: &RunInfo,
        (inputs, outputs): (&[Bound], &[Bound]),
        sources: &Sources,
    ) -> bool {
        let Some(state) = self.run_states.get(&sid) else { return false };
        if *sources != held_sources(state) {
            return false;
        }
        let same = |io: &'static str, said: &[Io], now: &[Bound], known: &[Bound]| {
            let orders =
                |bounds: &[Bound]| bounds.iter().map(|b| (b.version_id, b.context.clone())).collect::<BTreeSet<_>>();
            let subset = |bound: &Bound| {
                self.run_io.get(&run_io_key(sid, bound.version_id, io, &bound.context)).map(|row| &row.subset)
            };
            orders(now) == orders(known) && said.iter().zip(now).all(|(io, bound)| subset(bound) == Some(&io.subset))
        };
        same(INPUT, &run.inputs, inputs, &state.inputs) && same(OUTPUT, &run.outputs, outputs, &state.outputs)
    }

    /// What a job declared before goes on since it was first said. When it was last said is a parameter of the run: an
    /// older declaration that comes in late has to be told from what came after it.
    fn still_declared(&mut self, context: &Context, sid: i64) {
        let known = self.runs.get(&sid).and_then(declared_again);
        let first = self.run_states.get(&sid).into_iter().flat_map(|s| s.inputs.iter().chain(&s.outputs)).map(|b| b.at);
        if known.or(first.min()).is_none_or(|at| at < context.at) {
            self.runs.update(context, &sid, |row| {
                row.params.insert(DECLARED_AGAIN.to_owned(), context.at.to_string());
            });
        }
    }

    /// Keeps what a job declared until it declared something else, as edges that end then: what was true at a time stays
    /// the answer for that time.
    fn keep_declared(&mut self, context: &Context, pairs: &[(&Bound, &Bound)], until: Micros) {
        if pairs.len() > RUN_EDGES_MAX {
            return;
        }
        for (input, output) in pairs {
            let since = input.at.max(output.at);
            let edge_type = match self.type_of(output.asset_id) {
                Some(AssetType::Model) => self.edge_into_model(input),
                _ => EdgeType::Derived,
            };
            if since < until {
                let ends = (input.version_id, output.version_id);
                self.link_until(context, ends, (edge_type, Evidence::Declared), (since, until));
            }
        }
    }

    fn retract_io(&mut self, context: &Context, (sid, io): (i64, &'static str), before: &[Bound], now: &[Bound]) {
        for old in before {
            if !now.iter().any(|b| b.version_id == old.version_id && b.context == old.context) {
                self.run_io.retract(context, &run_io_key(sid, old.version_id, io, &old.context));
            }
        }
    }

    pub(super) fn apply_run(&mut self, context: &Context, run: &RunInfo) {
        let sid = self.run(context, run);
        self.bind_io(context, sid, run);
        self.bind_sources(context, sid, run);
        self.bind_columns(context, sid, run);
        self.sync_edges(context, sid);
    }

    /// The run's row, merged: states only advance, the earliest start and the latest end count.
    fn run(&mut self, context: &Context, run: &RunInfo) -> i64 {
        let describe = |row: &mut JobRow| describe_job(row, &run.integration, &run.job_type, &run.processing_type);
        let is_described = run.integration.is_some() || run.job_type.is_some() || run.processing_type.is_some();
        let job_id = self.job(context, &run.job, is_described.then_some(describe));
        let is = |sid| self.runs.get(&sid).is_some_and(|r| r.run_id == run.run_id);
        let sid = match self.run_sids.get(run.run_id.as_str(), is) {
            Some(sid) => sid,
            None => {
                let run_sid = self.runs.next_id();
                self.runs.put(context, new_run(context, run, run_sid, job_id));
                self.run_sids.insert(run.run_id.as_str(), run_sid);
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
        if let Some(started) = started {
            self.move_reads(context, sid, |_| started);
        }
        for io in &run.inputs {
            self.bind_input(context, sid, io, started.unwrap_or(context.at));
        }
        let name = format!("run:{}", run.run_id);
        for io in &run.outputs {
            self.bind_output(context, sid, io, &name);
        }
        self.sync_edges(context, sid);
    }

    fn bind_output(&mut self, context: &Context, sid: i64, io: &Io, name: &str) {
        let binding = self.write(context, &io.asset, context.at, By::Run(sid), name);
        let known = self.run_states.entry(sid).or_default();
        let Some(output) = known.outputs.iter_mut().find(|o| o.version_id == binding.version_id) else {
            let bound = to_bound(io, binding, context.at);
            insert(&mut known.outputs, bound.clone());
            self.put_io(context, sid, OUTPUT, &bound, io, io.evidence);
            return self.bind_again_of(context, bound.asset_id, sid);
        };
        output.at = output.at.min(context.at);
        let (at, key) = (output.at, run_io_key(sid, output.version_id, OUTPUT, &output.context));
        let asset_id = output.asset_id;
        self.run_io.update(context, &key, |row| row.event_time = at);
        self.say_again(context, &key, asset_id, io);
    }

    fn bind_input(&mut self, context: &Context, sid: i64, io: &Io, at: Micros) {
        let binding = self.read(context, &io.asset, at, Some(sid));
        let mut bound = to_bound(io, binding, at);
        let evidence = match (io.evidence, bound.pinned) {
            (Evidence::Declared, _) => Evidence::Declared,
            (e, true) => e,
            (_, false) => Evidence::VersionInferred,
        };
        bound.pinned = self.versions.get(&bound.version_id).is_some_and(|v| is_pinned(evidence.as_str(), v));
        let asset_id = bound.asset_id;
        let inputs = &self.run_states.entry(sid).or_default().inputs;
        let same = |i: &Bound| i.asset_id == asset_id && i.context == bound.context;
        let said_again = |i: &Bound| same(i) && i.version_id == bound.version_id && i.pinned;
        // What is said of a read goes with the version that it is bound to, this one or the one it was bound to before.
        let held = inputs.iter().filter(|i| same(i) && (i.version_id == bound.version_id || !bound.pinned));
        let begun = |i: &&Bound| self.versions.get(&i.version_id).map(|v| (v.valid_from, v.version_id));
        let version_id = held.min_by_key(begun).map_or(bound.version_id, |held| held.version_id);
        let key = run_io_key(sid, version_id, INPUT, &bound.context);
        match inputs.iter().position(same) {
            // Said before without a version: only now is it known which.
            Some(n) if bound.pinned && !inputs[n].pinned => {
                self.pin_input(context, sid, n, bound.version_id, evidence);
                self.say_again(context, &key, asset_id, io);
            }
            Some(_) if !bound.pinned || inputs.iter().any(said_again) => self.say_again(context, &key, asset_id, io),
            _ => {
                insert(&mut self.run_states.entry(sid).or_default().inputs, bound.clone());
                self.readers_of.entry(asset_id).or_default().insert(sid);
                self.put_io(context, sid, INPUT, &bound, io, evidence);
                self.settle_read(context, bound.version_id, at);
            }
        }
        // The same read, said again: it stays with what was current when it was first said, or when the run began.
        self.move_reads(context, sid, |i| if i.asset_id == asset_id { at.min(i.at) } else { i.at });
    }

    /// Moves the reads of a run to other times, and with them to the versions that were current then: a start that comes
    /// in late says that they were earlier.
    fn move_reads(&mut self, context: &Context, sid: i64, to: impl Fn(&Bound) -> Micros) {
        let Some(state) = self.run_states.get(&sid) else { return };
        let moved =
            state.inputs.iter().enumerate().map(|(n, i)| (n, to(i))).filter(|(n, at)| state.inputs[*n].at != *at);
        for (n, at) in moved.collect::<Vec<_>>() {
            let Some(input) = self.run_states.get_mut(&sid).and_then(|s| s.inputs.get_mut(n)) else { continue };
            input.at = at;
            let (asset_id, version_id, pinned) = (input.asset_id, input.version_id, input.pinned);
            let key = run_io_key(sid, version_id, INPUT, &input.context);
            self.run_io.update(context, &key, |row| row.event_time = at);
            if !pinned {
                let version = self.version_read(context, asset_id, at, Some(sid));
                self.rebind_input(context, sid, n, version);
            }
            self.settle_read(context, version_id, at);
        }
    }

    fn pin_input(&mut self, context: &Context, sid: i64, n: usize, version: i64, evidence: Evidence) {
        let Some(input) = self.run_states.get_mut(&sid).and_then(|s| s.inputs.get_mut(n)) else { return };
        input.pinned = true;
        let key = run_io_key(sid, input.version_id, INPUT, &input.context);
        self.run_io.update(context, &key, |row| row.evidence = evidence.as_str().into());
        self.rebind_input(context, sid, n, version);
    }

    fn put_io(&mut self, context: &Context, sid: i64, side: &'static str, bound: &Bound, io: &Io, evidence: Evidence) {
        let key = run_io_key(sid, bound.version_id, side, &bound.context);
        // A declaration that takes the place of another and is silent of fields changes none.
        let (schema_id, schema_at) = self.run_io.get(&key).map_or((None, None), |row| (row.schema_id, row.schema_at));
        self.run_io.put(
            context,
            RunIoRow {
                run_sid: sid,
                version_id: bound.version_id,
                io: side.into(),
                context: bound.context.clone(),
                subset: io.subset.clone(),
                evidence: evidence.as_str().into(),
                event_time: bound.at,
                row_count: io.row_count,
                size_bytes: io.size_bytes,
                schema_id,
                schema_at,
                recorded: context.recorded(),
            },
        );
        self.say_fields(context, &key, bound.asset_id, &io.asset.fields);
    }

    /// Moves an input of a run to another version of the same asset.
    pub(super) fn rebind_input(&mut self, context: &Context, sid: i64, n: usize, version: i64) {
        let Some(input) = self.run_states.get_mut(&sid).and_then(|s| s.inputs.get_mut(n)) else { return };
        if input.version_id == version {
            return;
        }
        let before = input.version_id;
        let old = run_io_key(sid, before, INPUT, &input.context);
        let at = input.at;
        input.version_id = version;
        if let Some(mut row) = self.run_io.get(&old).cloned() {
            self.run_io.retract(context, &old);
            row.version_id = version;
            input.pinned |= self.versions.get(&version).is_some_and(|v| is_pinned(&row.evidence, v));
            self.run_io.put(context, row);
        }
        self.rebind_columns(context, sid, before, version);
        self.sync_edges(context, sid);
        self.settle_read(context, version, at);
    }

    /// What is said of where outputs come from goes with the version that was read.
    fn rebind_columns(&mut self, context: &Context, sid: i64, before: i64, now: i64) {
        let Some(state) = self.run_states.get_mut(&sid) else { return };
        if state.inputs.iter().any(|i| i.version_id == before) {
            return;
        }
        for (dst, from) in &mut state.sources {
            if from.remove(&before) && now != *dst {
                from.insert(now);
            }
        }
        let moved: Vec<(i64, i64)> = state.columns.keys().filter(|(src, _)| *src == before).copied().collect();
        for (src, dst) in moved {
            let masked = state.columns.remove(&(src, dst)).unwrap_or_default();
            if now == dst {
                continue;
            }
            let all = state.columns.entry((now, dst)).or_insert(true);
            *all = *all && masked;
        }
        self.rebind_mappings(context, sid, before, now);
    }

    /// Binds what the run says of single outputs, which it may say in several events.
    fn bind_sources(&mut self, context: &Context, sid: i64, run: &RunInfo) {
        let started = self.runs.get(&sid).and_then(|r| r.started_at).unwrap_or(context.at);
        let name = format!("run:{}", run.run_id);
        for said in &run.sources {
            let dst = self.write(context, &said.output, context.at, By::Run(sid), &name).version_id;
            let mut from = BTreeSet::new();
            for input in &said.inputs {
                let src = self.read(context, input, started, Some(sid));
                from.insert(self.run_states.entry(sid).or_default().input_of(src.asset_id, src.version_id));
            }
            from.remove(&dst);
            let state = self.run_states.entry(sid).or_default();
            state.sources.entry(dst).or_default().extend(from);
            let keys = state.outputs.iter().filter(|o| o.version_id == dst).map(|o| o.context.clone());
            for context_of in keys.collect::<Vec<_>>() {
                let key = run_io_key(sid, dst, OUTPUT, &context_of);
                self.run_io.update(context, &key, |row| row.evidence = Evidence::Explicit.as_str().into());
            }
        }
    }

    fn bind_columns(&mut self, context: &Context, sid: i64, run: &RunInfo) {
        if run.columns.is_empty() {
            return;
        }
        let started = self.runs.get(&sid).and_then(|r| r.started_at).unwrap_or(context.at);
        let name = format!("run:{}", run.run_id);
        let mut by_ends: BTreeMap<(i64, i64), Vec<&ColumnMapping>> = BTreeMap::new();
        for mapping in &run.columns {
            let src = self.read(context, &mapping.src, started, Some(sid));
            let dst = self.write(context, &mapping.dst, context.at, By::Run(sid), &name);
            let state = self.run_states.entry(sid).or_default();
            let src = state.input_of(src.asset_id, src.version_id);
            if src == dst.version_id {
                continue;
            }
            // An edge counts as masked when every column that flows over it is.
            let masked = state.columns.entry((src, dst.version_id)).or_insert(true);
            *masked = *masked && mapping.masking;
            by_ends.entry((src, dst.version_id)).or_default().push(mapping);
        }
        for (ends, mappings) in by_ends {
            self.map_columns(context, Some(sid), ends, &mappings);
        }
    }

    /// Makes the run's edges what its inputs, outputs and column lineage say, and takes away those that no longer hold.
    fn sync_edges(&mut self, context: &Context, sid: i64) {
        let Some(state) = self.run_states.get(&sid) else { return };
        let is_model = |o: &Bound| self.type_of(o.asset_id) == Some(AssetType::Model);
        let says_nothing = state.columns.is_empty() && state.sources.is_empty() && state.edges.is_empty();
        if says_nothing && !state.outputs.iter().any(is_model) {
            return;
        }
        let state = state.clone();
        let mut wanted = BTreeSet::new();
        for (dst, from) in &state.sources {
            wanted.extend(self.link_sources(context, sid, &state, *dst, from));
        }
        for ((src, dst), masked) in state.columns.iter().filter(|((_, dst), _)| !state.sources.contains_key(dst)) {
            let since = state.outputs.iter().find(|o| o.version_id == *dst).map_or(context.at, |o| o.at);
            if let Some(edge) = self.link(context, (*src, *dst), Some(sid), EdgeType::Derived, Evidence::Column, since)
            {
                self.set_masking(context, edge, *masked);
                wanted.insert(edge);
            }
        }
        wanted.extend(self.link_models(context, sid, &state));
        state.edges.difference(&wanted).for_each(|edge| self.edges.retract(context, edge));
        if let Some(state) = self.run_states.get_mut(&sid) {
            state.edges = wanted;
        }
    }

    /// The edges into an output from where it is said to come from.
    fn link_sources(&mut self, context: &Context, sid: i64, state: &State, dst: i64, from: &BTreeSet<i64>) -> Vec<i64> {
        let Some(output) = state.outputs.iter().find(|o| o.version_id == dst) else { return Vec::new() };
        let is_model = self.type_of(output.asset_id) == Some(AssetType::Model);
        let mut out = Vec::new();
        for src in from {
            let input = state.inputs.iter().find(|i| i.version_id == *src);
            let edge_type = match input {
                Some(input) if is_model => self.edge_into_model(input),
                None if is_model => EdgeType::TrainedOn,
                _ => EdgeType::Derived,
            };
            if let Some(edge) = self.link(context, (*src, dst), Some(sid), edge_type, Evidence::Explicit, output.at) {
                self.set_masking(context, edge, state.columns.get(&(*src, dst)).copied().unwrap_or_default());
                out.push(edge);
            }
        }
        out
    }

    fn link_models(&mut self, context: &Context, sid: i64, state: &State) -> Vec<i64> {
        let is_plain = |o: &&Bound| !state.sources.contains_key(&o.version_id);
        let models: Vec<&Bound> = state
            .outputs
            .iter()
            .filter(is_plain)
            .filter(|o| self.type_of(o.asset_id) == Some(AssetType::Model))
            .collect();
        if models.len().saturating_mul(state.inputs.len()) > RUN_EDGES_MAX {
            return Vec::new();
        }
        let mut out = Vec::new();
        for input in &state.inputs {
            let edge_type = self.edge_into_model(input);
            let key = run_io_key(sid, input.version_id, INPUT, &input.context);
            let evidence = self.run_io.get(&key).map_or(Evidence::IoMembership, |r| evidence_of(&r.evidence));
            for model in &models {
                let ends = (input.version_id, model.version_id);
                out.extend(self.link(context, ends, Some(sid), edge_type, evidence, model.at));
            }
        }
        out
    }

    /// What an input of a run is to the models it makes.
    fn edge_into_model(&self, input: &Bound) -> EdgeType {
        match self.type_of(input.asset_id) {
            Some(AssetType::Model) => EdgeType::of_base(input.context.strip_prefix("base_model:")),
            _ if is_evaluation(&input.context) => EdgeType::EvaluatedOn,
            _ => EdgeType::TrainedOn,
        }
    }

    fn type_of(&self, asset_id: i64) -> Option<AssetType> {
        self.assets.get(&asset_id).and_then(|a| AssetType::parse(&a.asset_type))
    }
}

/// When a job last declared what it had declared already, in microseconds since the epoch.
const DECLARED_AGAIN: &str = "lineward.declared_again_us";

fn declared_again(run: &RunRow) -> Option<Micros> {
    run.params.get(DECLARED_AGAIN)?.parse().ok()
}

/// Outputs and the inputs that each comes from.
type Sources = BTreeMap<i64, BTreeSet<i64>>;

impl State {
    /// The version of an asset that the run reads, preferably this one; this one where it reads none.
    fn input_of(&self, asset_id: i64, version_id: i64) -> i64 {
        let mut read = self.inputs.iter().filter(|i| i.asset_id == asset_id).map(|i| i.version_id);
        if read.clone().any(|version| version == version_id) { version_id } else { read.next().unwrap_or(version_id) }
    }
}

/// What a run says of single outputs, by all it has said.
fn held_sources(state: &State) -> Sources {
    let mut held = state.sources.clone();
    for (src, dst) in state.columns.keys().filter(|(_, dst)| !state.sources.contains_key(dst)) {
        held.entry(*dst).or_default().insert(*src);
    }
    held
}

/// What a declaration says of single outputs, of which these are the versions, in the order in which it names them.
fn named_sources(run: &RunInfo, inputs: &[Bound], outputs: &[Bound]) -> Sources {
    let is = |asset: &AssetRef, other: &AssetRef| asset.namespace == other.namespace && asset.name == other.name;
    let version = |all: &[Io], bounds: &[Bound], asset: &AssetRef| {
        let at = all.iter().position(|io| is(&io.asset, asset))?;
        Some(bounds.get(at)?.version_id)
    };
    let (src, dst) = (|a: &AssetRef| version(&run.inputs, inputs, a), |a: &AssetRef| version(&run.outputs, outputs, a));
    let mut named = Sources::new();
    for said in &run.sources {
        let Some(dst) = dst(&said.output) else { continue };
        let from = said.inputs.iter().filter_map(src).filter(|src| *src != dst);
        named.entry(dst).or_default().extend(from);
    }
    let explicit: BTreeSet<i64> = named.keys().copied().collect();
    for mapping in &run.columns {
        let (Some(src), Some(dst)) = (src(&mapping.src), dst(&mapping.dst)) else { continue };
        if src != dst && !explicit.contains(&dst) {
            named.entry(dst).or_default().insert(src);
        }
    }
    named
}

/// The inputs and outputs that a declaration links.
fn pairs<'b>(inputs: &'b [Bound], outputs: &'b [Bound], sources: &Sources) -> Vec<(&'b Bound, &'b Bound)> {
    let links = |input: &Bound, output: &Bound| {
        sources.get(&output.version_id).is_none_or(|from| from.contains(&input.version_id))
    };
    let all = outputs.iter().flat_map(|output| inputs.iter().map(move |input| (input, output)));
    all.filter(|(input, output)| links(input, output)).take(RUN_EDGES_MAX + 1).collect()
}

const INPUT: &str = "INPUT";
const OUTPUT: &str = "OUTPUT";

fn evidence_of(name: &str) -> Evidence {
    [Evidence::Declared, Evidence::VersionInferred, Evidence::Explicit, Evidence::Manual]
        .into_iter()
        .find(|e| e.as_str() == name)
        .unwrap_or(Evidence::IoMembership)
}

/// Whether a read never moves: its producer named the version. A declaration is weaker, so its evidence is kept, and
/// whether it named a version shows in the version.
fn is_pinned(evidence: &str, version: &AssetVersionRow) -> bool {
    match evidence == Evidence::Declared.as_str() {
        true => !version.inferred,
        false => evidence != Evidence::VersionInferred.as_str(),
    }
}

fn insert(bounds: &mut Vec<Bound>, bound: Bound) {
    // Most runs read and write one thing each, and there are many runs.
    if bounds.is_empty() {
        bounds.reserve_exact(1);
    }
    let n = bounds.partition_point(|b| b.order() < bound.order());
    bounds.insert(n, bound);
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
        state: RunState::Other.as_str().into(),
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
    const ORDER: [RunState; 6] =
        [RunState::Other, RunState::Start, RunState::Running, RunState::Abort, RunState::Fail, RunState::Complete];
    let rank = |name: &str| ORDER.iter().position(|s| s.as_str() == name).unwrap_or_default();
    if rank(run.state.as_str()) > rank(&row.state) {
        row.state = run.state.as_str().into();
    }
    let started = run.started_at.or((run.state == RunState::Start).then_some(context.at));
    let ended = run
        .ended_at
        .or(matches!(run.state, RunState::Complete | RunState::Fail | RunState::Abort).then_some(context.at));
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

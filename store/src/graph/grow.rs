//! A graph with what later epochs added, without reading again what it was built from.
//!
//! What is large is shared; what was added is small, and is looked through in full for every epoch. A change that would
//! reach far (a version that is taken back, a policy that changes what old edges clear) is not followed: the caller builds
//! the graph anew then. A grown graph answers as one that was built from all rows.

use super::build::{
    Classes, Clears, EdgeClass, GraphTables, Kind, LineageGraph, Link, Linker, Member, Memberships, NONE, assets_of,
    edge_type, kind, order,
};
use super::csr::Linked;
use super::tables::{Runs, Table, Versions};
use crate::error::Error;
use crate::rows::{Micros, Row, RunMappingRow};
use arrow::array::Array as _;
use lineward_events::{EdgeType, Evidence};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

type Edges = HashSet<u32, ahash::RandomState>;

/// What a run reads or writes: whether it writes, version, context.
type MemberKey = (bool, u32, u32);
/// All that a run reads and writes.
type Members = BTreeMap<MemberKey, (Evidence, Micros)>;

impl LineageGraph {
    /// This graph, which was built and has not grown, with the rows that were added since, of all its tables. `None` where
    /// it has to be built anew.
    ///
    /// # Errors
    /// [`Error::Rows`] where a column is of another type than its table says.
    pub fn grown(&self, tables: &GraphTables) -> Result<Option<Self>, Error> {
        let rows = &tables.others;
        // What a policy clears is on all edges; a new tag may be of a family that a policy lists.
        if !rows.policies.is_empty() || !rows.tags.is_empty() && !self.clearing.is_empty() {
            return Ok(None);
        }
        if near_copies_changed(tables)? {
            return Ok(None);
        }
        let Some(assets) = self.assets.grown(newest(&rows.assets)) else { return Ok(None) };
        let retyped = |at: u32| {
            (at as usize) < self.assets.len() && kind(&self.assets.at(at).asset_type) != kind(&assets.at(at).asset_type)
        };
        if assets.fresh().any(retyped) {
            return Ok(None);
        }
        let Some(versions) = self.versions.with(&tables.versions, |id| assets.place(id).is_some())? else {
            return Ok(None);
        };
        let Some(runs) = self.runs.with(&tables.runs)? else { return Ok(None) };
        // Which policies hold for an edge depends on the job of its run, and the edge need not be told anew.
        if !self.clearing.is_empty() && self.runs.moved(&runs) {
            return Ok(None);
        }
        if versions.len() > self.room {
            return Ok(None);
        }
        let known = self.versions.len();
        let (mut asset_of, mut kinds) = (self.asset_of.clone(), self.kinds.clone());
        if versions.len() > known {
            let added = assets_of(&versions, &assets, known..versions.len());
            let own: Vec<Kind> = added.iter().map(|at| kind(&assets.at(*at).asset_type)).collect();
            Arc::make_mut(&mut asset_of).extend(added);
            Arc::make_mut(&mut kinds).extend(own);
        }
        let applied = newest(&rows.run_mappings);
        let (fields, sets) = (newest(&rows.fields), newest(&rows.column_mappings));
        let (Some(jobs), Some(findings), Some(columns)) = (
            self.jobs.grown(newest(&rows.jobs)),
            self.findings.grown(newest(&rows.findings)),
            self.columns.grown(fields, sets, &applied, &versions, &runs),
        ) else {
            return Ok(None);
        };
        let names = self.names.grown(&assets, &asset_of, known);
        let mut grown = Self {
            names,
            assets,
            room: self.room,
            asset_of,
            kinds,
            jobs,
            findings,
            tags: with(&self.tags, newest(&rows.tags)),
            scans: self.scans.grown(rows.scans.clone()),
            edges: Default::default(),
            near: Default::default(),
            classes: Vec::new(),
            contexts: Vec::new(),
            outputs: self.outputs.clone(),
            later_outputs: BTreeMap::new(),
            columns,
            clearing: self.clearing.clone(),
            begins: OnceLock::new(),
            versions,
            runs,
        };
        self.grow_edges(tables, &applied, &mut grown)?;
        Ok(Some(grown))
    }

    fn grow_edges(&self, tables: &GraphTables, applied: &[RunMappingRow], grown: &mut Self) -> Result<(), Error> {
        let (versions, runs, columns) = (&grown.versions, &grown.runs, &grown.columns);
        let clear = |ends| self.clearing.of_edge(columns, ends, runs, &grown.jobs);
        let clear: Option<&Clears<'_>> = if self.clearing.is_empty() { None } else { Some(&clear) };
        let known = Classes::known(self.classes.clone());
        let mut linker = Linker::known(versions, runs, &grown.kinds, self.room as u32, known, self.contexts.clone());
        linker.any_written();
        linker.direct(tables.edges.clone(), None, clear)?;
        let mut new: Vec<Linked> = std::mem::take(&mut linker.parts).into_iter().flatten().collect();
        let mut gone = self.replaced(tables, versions, runs)?;
        if let Some(clear) = clear {
            self.clear_again(applied, (versions, runs), clear, &mut linker.classes, &mut gone, &mut new);
        }
        let touched = self.touched(tables, &linker.classes, &gone, &new, runs)?;
        let members = self.members_of(tables, &touched, &mut linker)?;
        let explaining = new.iter().filter(|l| explains(&linker.classes.list[l.class as usize]));
        linker.explained = explaining.map(|l| (l.run, l.dst)).collect();
        for run in &touched {
            self.explain(*run, &members[run], &gone, &mut linker.explained);
            gone.extend(self.memberships(*run).map(|(_, edge)| edge));
        }
        let mut outputs: BTreeMap<u32, Vec<Member>> = members.keys().map(|run| (*run, Vec::new())).collect();
        for inputs in [true, false] {
            for (run, members) in &members {
                for ((writes, version, context), (evidence, at)) in members {
                    let member =
                        Member { run: *run, version: *version, context: *context, evidence: *evidence, at: *at };
                    match (inputs, writes) {
                        (true, false) => linker.input(member),
                        (false, true) => {
                            outputs.entry(*run).or_default().push(member);
                            linker.output(member);
                        }
                        _ => {}
                    }
                }
            }
        }
        new.append(&mut linker.linked);
        let Linker { classes, contexts, near, .. } = linker;
        grown.later_outputs = outputs;
        grown.near = self.near.grown(near);
        grown.edges = self.edges.grown(gone, new, &order(&classes.list, &contexts));
        grown.classes = classes.list;
        grown.contexts = contexts;
        Ok(())
    }

    /// Edges of which there is a newer row.
    fn replaced(&self, tables: &GraphTables, versions: &Versions, runs: &Runs) -> Result<Edges, Error> {
        let mut gone = Edges::default();
        for batch in &tables.edges {
            let table = Table::new("edges", batch);
            let (src, dst) = (table.numbers("src_version_id")?, table.numbers("dst_version_id")?);
            let (run, types, revision) =
                (table.numbers("run_sid")?, table.texts("edge_type")?, table.numbers("revision")?);
            for row in (0..batch.num_rows()).filter(|row| revision.value(*row) > 0) {
                let (Some(src), Some(dst)) = (versions.place(src.value(row)), versions.place(dst.value(row))) else {
                    continue;
                };
                let run = if run.is_null(row) { None } else { runs.place(run.value(row)) }.unwrap_or(NONE);
                let edge_type = edge_type(types.value(row));
                gone.extend(self.direct(src, dst, run, edge_type));
                if edge_type == EdgeType::CopyOf {
                    gone.extend(self.direct(dst, src, run, edge_type));
                }
            }
        }
        Ok(gone)
    }

    /// Edges of a type that a run says are between two versions: one, in a store.
    fn direct(&self, src: u32, dst: u32, run: u32, edge_type: EdgeType) -> impl Iterator<Item = u32> {
        let entering = self.edges.entering(dst);
        let first = entering.partition_point(|half| half.node < src);
        let between = entering[first..].iter().take_while(move |half| half.node == src).map(|half| half.edge);
        between.filter(move |edge| {
            let own = self.edges.attributes(*edge);
            own.run == run && self.classes[own.class as usize].link == Link::Direct(edge_type)
        })
    }

    /// Edges whose column lineage has changed may clear other tags now.
    fn clear_again(
        &self,
        applied: &[RunMappingRow],
        (versions, runs): (&Versions, &Runs),
        clear: &Clears<'_>,
        classes: &mut Classes,
        gone: &mut Edges,
        new: &mut Vec<Linked>,
    ) {
        for row in applied {
            let (Some(src), Some(dst)) = (versions.place(row.src_version_id), versions.place(row.dst_version_id))
            else {
                continue;
            };
            let run = row.run_sid.and_then(|sid| runs.place(sid)).unwrap_or(NONE);
            let before = self.clearing.of_edge(&self.columns, (src, dst, run), runs, &self.jobs);
            let now = clear((src, dst, run));
            if before == now {
                continue;
            }
            for edge in self.direct(src, dst, run, EdgeType::Derived).collect::<Vec<_>>() {
                if gone.insert(edge) {
                    let own = self.edges.attributes(edge);
                    let class = self.classes[own.class as usize];
                    let class = classes.of(EdgeClass { clear: class.clear & !before | now, ..class });
                    new.push(Linked { src, dst, class, run, valid_from: own.valid_from, valid_to: own.valid_to });
                }
            }
        }
    }

    /// Runs whose edges may be others now.
    fn touched(
        &self,
        tables: &GraphTables,
        classes: &Classes,
        gone: &Edges,
        new: &[Linked],
        runs: &Runs,
    ) -> Result<HashSet<u32>, Error> {
        let mut touched = HashSet::new();
        for batch in &tables.run_io {
            let sids = Table::new("run_io", batch).numbers("run_sid")?;
            touched.extend(sids.values().iter().filter_map(|sid| runs.place(*sid)));
        }
        let speaks = |class: u32| explains(&classes.list[class as usize]);
        touched.extend(gone.iter().map(|edge| self.edges.attributes(*edge)).filter(|e| speaks(e.class)).map(|e| e.run));
        touched.extend(new.iter().filter(|l| speaks(l.class)).map(|l| l.run));
        touched.remove(&NONE);
        Ok(touched)
    }

    /// The membership edges that the graph was built with of a run: the version at the other end, and the edge.
    fn memberships(&self, run: u32) -> impl Iterator<Item = (u32, u32)> {
        let known = (run as usize) < self.runs.len();
        let nodes = known.then(|| self.run_node(run)).into_iter().flat_map(|node| [node, node + 1]);
        nodes.flat_map(|node| {
            let read = self.edges.entering(node).iter().map(|half| (half.node, half.edge));
            read.chain(self.edges.leaving(node).map(|edge| (self.edges.to(edge), edge)))
        })
    }

    /// All that these runs read and write, with the rows that were added.
    fn members_of(
        &self,
        tables: &GraphTables,
        touched: &HashSet<u32>,
        linker: &mut Linker<'_>,
    ) -> Result<BTreeMap<u32, Members>, Error> {
        let mut members: BTreeMap<u32, Members> = BTreeMap::new();
        for &run in touched {
            let of_run = members.entry(run).or_default();
            for (version, edge) in self.memberships(run) {
                let own = self.edges.attributes(edge);
                let class = &self.classes[own.class as usize];
                if class.link == Link::Read {
                    of_run.insert((false, version, class.context), (class.evidence, own.valid_from));
                }
            }
            let first = self.outputs.partition_point(|output| output.run < run);
            for output in self.outputs[first..].iter().take_while(|output| output.run == run) {
                of_run.insert((true, output.version, output.context), (output.evidence, output.at));
            }
        }
        let mut revisions: HashMap<(u32, MemberKey), i64> = HashMap::new();
        for batch in &tables.run_io {
            let table = Memberships::of(batch)?;
            for row in 0..batch.num_rows() {
                let Some(member) = linker.member(&table, row) else { continue };
                let key = (table.io.value(row) == "OUTPUT", member.version, member.context);
                let revision = revisions.entry((member.run, key)).or_insert(-1);
                if table.book.revision(row) <= *revision {
                    continue;
                }
                *revision = table.book.revision(row);
                let of_run = members.entry(member.run).or_default();
                match table.book.retracted(row) {
                    true => _ = of_run.remove(&key),
                    false => _ = of_run.insert(key, (member.evidence, member.at)),
                }
            }
        }
        Ok(members)
    }

    /// Notes the outputs of a run of which an edge that is still there says where they come from.
    fn explain(
        &self,
        run: u32,
        members: &Members,
        gone: &Edges,
        explained: &mut HashSet<(u32, u32), ahash::RandomState>,
    ) {
        for version in members.keys().filter(|(writes, ..)| *writes).map(|(_, version, _)| *version) {
            let mut held = self.edges.entering(version).iter().filter(|half| !gone.contains(&half.edge));
            let explains = |edge: u32| {
                let own = self.edges.attributes(edge);
                own.run == run && explains(&self.classes[own.class as usize])
            };
            if held.any(|half| explains(half.edge)) {
                explained.insert((run, version));
            }
        }
    }
}

/// Whether there is a newer row of a near copy: rare, and all of them are told apart when the graph is built.
fn near_copies_changed(tables: &GraphTables) -> Result<bool, Error> {
    for batch in &tables.edges {
        let table = Table::new("edges", batch);
        let (types, revision) = (table.texts("edge_type")?, table.numbers("revision")?);
        let changed = |row| revision.value(row) > 0 && edge_type(types.value(row)) == EdgeType::NearDuplicate;
        if (0..batch.num_rows()).any(changed) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a direct edge says where its run's output comes from. Membership and copies say what a version is.
fn explains(class: &EdgeClass) -> bool {
    use EdgeType::{Contains, CopyOf, NearDuplicate};
    matches!(class.link, Link::Direct(edge_type) if !matches!(edge_type, Contains | CopyOf | NearDuplicate))
}

/// The newest revision of each key, what was taken back too.
fn newest<R: Row>(rows: &[R]) -> Vec<R> {
    let mut newest: BTreeMap<R::Key, &R> = BTreeMap::new();
    for row in rows {
        let held = newest.entry(row.key()).or_insert(row);
        if row.recorded().revision > held.recorded().revision {
            *held = row;
        }
    }
    newest.into_values().cloned().collect()
}

/// Rows with newer ones, of which there are few.
fn with<R: Row>(held: &[R], newer: Vec<R>) -> Vec<R> {
    let mut rows: BTreeMap<R::Key, R> = held.iter().map(|row| (row.key(), row.clone())).collect();
    for row in newer {
        match row.recorded().retracted_at {
            Some(_) => _ = rows.remove(&row.key()),
            None => _ = rows.insert(row.key(), row),
        }
    }
    rows.into_values().collect()
}

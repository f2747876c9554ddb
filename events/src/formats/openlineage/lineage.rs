//! Where outputs come from, as an event says it: the `lineage` facet of data sets and jobs, and `columnLineage` where a
//! data set has no `lineage` of its own. What says neither is left to the lists of inputs and outputs.
//!
//! A source may be a job. The event's own job is no source of data: what it generates comes from nothing. Of another job
//! it is not known what it hands on, so that the run counts as one that does not say all it reads.

use super::{asset, bare, reference};
use crate::json::{at, items, object, text};
use crate::{AssetRef, ColumnMapping, DeclaredSources, Evidence, Io, JobRef, MappingType, RunInfo, RunState, Sources};
use serde_json::Value;
use std::collections::HashMap;

/// What an event of a run or job says of lineage beside its lists.
#[derive(Default)]
pub(super) struct Said {
    /// Inputs that only lineage names.
    pub inputs: Vec<Io>,
    /// Outputs that only lineage names.
    pub outputs: Vec<Io>,
    /// Where outputs come from.
    pub sources: Vec<Sources>,
    /// Columns.
    pub columns: Vec<ColumnMapping>,
    /// Runs of other jobs that are said to read something.
    pub others: Vec<RunInfo>,
    /// Another job is a source.
    pub unknown: bool,
    /// Data sets that are said to flow into another job, of no run.
    pub left_out: usize,
}

impl Said {
    /// Of a document with these inputs and outputs.
    pub fn of(document: &Value, job: &JobRef, inputs: &[Io], outputs: &[Value]) -> Self {
        let mut known: HashMap<Name, AssetRef> =
            inputs.iter().map(|io| (name(&io.asset), reference(&io.asset))).collect();
        let mut said = Self::default();
        let mut targets: Vec<(AssetRef, &Value, bool)> = Vec::new();
        for output in outputs {
            if let (Some(asset), Some((lineage, explicit))) = (asset(output), lineage_of(output)) {
                targets.push((reference(&asset), lineage, explicit));
            }
        }
        let written: HashMap<Name, AssetRef> =
            outputs.iter().filter_map(asset).map(|asset| (name(&asset), reference(&asset))).collect();
        for entry in items(document, &["job", "facets", "lineage", "entries"]) {
            if is_job(entry) {
                said.flows_to_job(entry, job, &mut known);
            } else if let Some(target) = bare(entry) {
                let listed = written.get(&name(&target)).cloned();
                let is_new = listed.is_none() && !said.outputs.iter().any(|io| io.asset == target);
                said.outputs.extend(is_new.then(|| Io::new(target.clone())));
                if says(entry) {
                    targets.push((listed.unwrap_or(target), entry, true));
                }
            }
        }
        for (target, lineage, explicit) in targets {
            said.flows_to_dataset(target, lineage, explicit, job, &mut known);
        }
        said
    }

    /// What flows into a job: inputs of this one, or of a run of another.
    fn flows_to_job(&mut self, entry: &Value, job: &JobRef, known: &mut HashMap<Name, AssetRef>) {
        let sources = items(entry, &["inputs"]);
        if is(entry, job) {
            for source in sources {
                match bare(source).filter(|_| !is_job(source)) {
                    Some(source) => _ = self.input(source, known),
                    None => self.unknown |= !is(source, job),
                }
            }
            return;
        }
        let data = || sources.iter().filter(|source| !is_job(source)).filter_map(bare);
        let (Some(run_id), Some(other)) = (text(entry, &["runId"]), job_named(entry)) else {
            self.left_out += data().count();
            return;
        };
        let mut run = RunInfo::new(run_id, other, RunState::Other);
        run.inputs = data().map(explicit_io).collect();
        if !run.inputs.is_empty() {
            self.others.push(run);
        }
    }

    fn flows_to_dataset(
        &mut self,
        target: AssetRef,
        lineage: &Value,
        explicit: bool,
        job: &JobRef,
        known: &mut HashMap<Name, AssetRef>,
    ) {
        let foreign = |source: &Value| is_job(source) && !is(source, job);
        if explicit && sources_of(lineage).any(foreign) {
            // All that is named is read; what the other job hands on is not known, so that nothing is said of this output alone.
            self.unknown = true;
            let data = sources_of(lineage).filter(|source| !is_job(source)).filter_map(bare);
            data.for_each(|source| _ = self.input(source, known));
            return;
        }
        if explicit {
            let mut inputs = Vec::new();
            for source in sources_of(lineage) {
                let Some(source) = bare(source).filter(|_| !is_job(source)) else { continue };
                let source = self.input(source, known);
                if !inputs.contains(&source) {
                    inputs.push(source);
                }
            }
            match self.sources.iter_mut().find(|said| said.output == target) {
                Some(said) => {
                    said.inputs.extend(inputs.into_iter().filter(|i| !said.inputs.contains(i)).collect::<Vec<_>>())
                }
                None => self.sources.push(Sources { output: target.clone(), inputs }),
            }
        }
        // Lineage names inputs without their version; the list of inputs has it.
        self.columns.extend(mappings(lineage, explicit, &target, |source| {
            known.get(&name(&source)).cloned().unwrap_or(source)
        }));
    }

    /// A source as the list of inputs has it, which it is added to where it is not in it.
    fn input(&mut self, source: AssetRef, known: &mut HashMap<Name, AssetRef>) -> AssetRef {
        known
            .entry(name(&source))
            .or_insert_with(|| {
                self.inputs.push(explicit_io(source.clone()));
                source
            })
            .clone()
    }
}

/// Where a declared data set comes from; `None` where its facets do not say it. Jobs among the sources are no data.
pub(super) fn declared(dataset: &Value, asset: &AssetRef) -> Option<DeclaredSources> {
    let (lineage, explicit) = lineage_of(dataset)?;
    let output = reference(asset);
    let mut inputs = Vec::new();
    let named = if explicit { sources_of(lineage).collect() } else { column_sources(lineage) };
    for source in named.into_iter().filter(|source| !is_job(source)).filter_map(bare) {
        if !inputs.contains(&source) {
            inputs.push(source);
        }
    }
    let columns = mappings(lineage, explicit, &output, |source| source);
    let evidence = if explicit { Evidence::Explicit } else { Evidence::Column };
    Some(DeclaredSources { sources: Sources { output, inputs }, evidence, columns })
}

type Name = (String, String);

fn name(asset: &AssetRef) -> Name {
    (asset.namespace.clone(), asset.name.clone())
}

fn explicit_io(asset: AssetRef) -> Io {
    Io { evidence: Evidence::Explicit, ..Io::new(asset) }
}

/// The facet of a data set that holds, and whether it is the explicit one.
fn lineage_of(dataset: &Value) -> Option<(&Value, bool)> {
    let explicit = at(dataset, &["facets", "lineage"]).filter(|lineage| says(lineage));
    let columns = || at(dataset, &["facets", "columnLineage"]).filter(|lineage| lineage.is_object());
    explicit.map(|lineage| (lineage, true)).or_else(|| columns().map(|lineage| (lineage, false)))
}

/// Whether explicit lineage says anything: that there is no input is something.
fn says(lineage: &Value) -> bool {
    at(lineage, &["inputs"]).is_some_and(Value::is_array) || at(lineage, &["fields"]).is_some_and(Value::is_object)
}

/// All sources of explicit lineage, those of single fields too.
fn sources_of(lineage: &Value) -> impl Iterator<Item = &Value> {
    let of_fields = object(lineage, &["fields"]).into_iter().flat_map(|fields| fields.values());
    items(lineage, &["inputs"]).iter().chain(of_fields.flat_map(|field| items(field, &["inputs"])))
}

/// All sources of column lineage.
fn column_sources(lineage: &Value) -> Vec<&Value> {
    let of_fields = object(lineage, &["fields"]).into_iter().flat_map(|fields| fields.values());
    of_fields.flat_map(|field| items(field, &["inputFields"])).chain(items(lineage, &["dataset"])).collect()
}

fn is_job(named: &Value) -> bool {
    text(named, &["type"]).is_some_and(|t| t.eq_ignore_ascii_case("JOB"))
}

fn job_named(named: &Value) -> Option<JobRef> {
    let (namespace, name) = (text(named, &["namespace"])?, text(named, &["name"])?);
    Some(JobRef { namespace: namespace.to_owned(), name: name.to_owned() })
}

/// Whether a job is this one: one without a name is.
fn is(named: &Value, job: &JobRef) -> bool {
    is_job(named) && job_named(named).is_none_or(|named| named == *job)
}

/// The columns of a data set and where each comes from: one for every transformation of every source field, and one for
/// a source field without transformations. A source without a field is none of columns.
fn mappings(
    lineage: &Value,
    explicit: bool,
    target: &AssetRef,
    resolve: impl Fn(AssetRef) -> AssetRef,
) -> Vec<ColumnMapping> {
    let (of_field, of_all) = if explicit { ("inputs", "inputs") } else { ("inputFields", "dataset") };
    let mut out = Vec::new();
    let mut add = |sources: &[Value], field: Option<&str>, fallback: &Value| {
        for source in sources.iter().filter(|source| !is_job(source)) {
            let (Some(src), Some(src_field)) = (bare(source), text(source, &["field"])) else { continue };
            let src = resolve(src);
            let mut one = |how: &Value| out.push(mapping(src.clone(), src_field, target, field, how));
            match items(source, &["transformations"]) {
                [] => one(fallback),
                transformations => transformations.iter().for_each(one),
            }
        }
    };
    for (field, entry) in object(lineage, &["fields"]).into_iter().flatten() {
        // Old column lineage says of the field how it is made; the explicit facet has no such word.
        let fallback = if explicit { &Value::Null } else { entry };
        add(items(entry, &[of_field]), Some(field), fallback);
    }
    add(items(lineage, &[of_all]), None, &Value::Null);
    out
}

fn mapping(src: AssetRef, src_field: &str, dst: &AssetRef, dst_field: Option<&str>, how: &Value) -> ColumnMapping {
    let indirect = text(how, &["type"]).is_some_and(|t| t.eq_ignore_ascii_case("INDIRECT"));
    let description = text(how, &["description"]).or_else(|| text(how, &["transformationDescription"]));
    let legacy = text(how, &["transformationType"]);
    ColumnMapping {
        src,
        src_field: src_field.to_owned(),
        dst: dst.clone(),
        dst_field: dst_field.map(str::to_owned),
        mapping: if indirect { MappingType::Indirect } else { MappingType::Direct },
        subtype: text(how, &["subtype"]).or(legacy).map(str::to_owned),
        masking: at(how, &["masking"]) == Some(&Value::Bool(true)) || legacy == Some("MASKED"),
        description: description.map(str::to_owned),
    }
}

//! Where outputs come from, as an event says it: the `lineage` facet of data sets and jobs, and `columnLineage` where a
//! data set has no `lineage` of its own. What says neither is left to the lists of inputs and outputs.
//!
//! A source may be a job. The event's own job is no source of data: what it generates comes from nothing. Of another job
//! it is not known what it hands on, so that the run counts as one that does not say all it reads.

use super::{bare, reference};
use crate::json::{at, items, object, text};
use crate::{AssetRef, ColumnMapping, DeclaredSources, Evidence, Io, JobRef, MappingType, RunInfo, RunState, Sources};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

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
    /// Of a document with these inputs, and outputs as the document has them and as they were read.
    pub fn of(document: &Value, job: &JobRef, inputs: &[Io], (listed, outputs): (&[Value], &[Io])) -> Self {
        let entries = items(document, &["job", "facets", "lineage", "entries"]);
        let facets: Vec<(&Value, Facet<'_>)> =
            listed.iter().filter_map(|output| Some((output, Facet::of(output)?))).collect();
        if entries.is_empty() && facets.is_empty() {
            return Self::default();
        }
        let by_name = |io: &Io| (name(&io.asset), reference(&io.asset));
        let written: HashMap<Name, AssetRef> = outputs.iter().map(by_name).collect();
        let mut reader = Reader { job, known: inputs.iter().map(by_name).collect(), written, of: HashMap::new() };
        let mut said = Self::default();
        for (output, facet) in facets {
            if let Some(output) = bare(output) {
                reader.flows_to_dataset(output, &facet, &mut said);
            }
        }
        for entry in entries {
            if is_job(entry) {
                reader.flows_to_job(entry, &mut said);
            } else if let Some(target) = bare(entry) {
                reader.flows_to_dataset(target, &Facet { lineage: entry, explicit: true }, &mut said);
            }
        }
        said
    }
}

/// What is known while an event is read, by names: an event may name as many data sets as it has room for.
struct Reader<'a> {
    /// The event's own.
    job: &'a JobRef,
    /// Inputs as the list of them has them: lineage names them without their version.
    known: HashMap<Name, AssetRef>,
    /// The same of outputs.
    written: HashMap<Name, AssetRef>,
    /// Outputs of which it is said where they come from: place in [`Said::sources`], and the names that are in there.
    of: HashMap<Name, (usize, HashSet<Name>)>,
}

impl Reader<'_> {
    /// What flows into a job: inputs of this one, or of a run of another.
    fn flows_to_job(&mut self, entry: &Value, said: &mut Said) {
        let sources = items(entry, &["inputs"]);
        let data = || sources.iter().filter_map(data_set);
        if self.is_own(entry) {
            said.unknown |= sources.iter().any(|source| self.is_foreign(source));
            data().for_each(|source| _ = self.input(source, said));
            return;
        }
        let (Some(run_id), Some(other)) = (text(entry, &["runId"]), job_named(entry)) else {
            said.left_out += data().count();
            return;
        };
        let mut run = RunInfo::new(run_id, other, RunState::Other);
        run.inputs = data().map(explicit_io).collect();
        if !run.inputs.is_empty() {
            said.others.push(run);
        }
    }

    fn flows_to_dataset(&mut self, target: AssetRef, facet: &Facet<'_>, said: &mut Said) {
        let target = match self.written.get(&name(&target)) {
            Some(known) => known.clone(),
            None => {
                self.written.insert(name(&target), target.clone());
                said.outputs.push(Io::new(target.clone()));
                target
            }
        };
        if facet.explicit && !says(facet.lineage) {
            return;
        }
        if facet.explicit {
            let sources: Vec<AssetRef> =
                facet.sources().filter_map(data_set).map(|source| self.input(source, said)).collect();
            if facet.sources().any(|source| self.is_foreign(source)) {
                // What the other job hands on is not known, so that nothing is said of this output alone.
                said.unknown = true;
                return;
            }
            let all = &mut said.sources;
            let (at, named) = self.of.entry(name(&target)).or_insert_with(|| {
                all.push(Sources { output: target.clone(), inputs: Vec::new() });
                (all.len() - 1, HashSet::new())
            });
            all[*at].inputs.extend(sources.into_iter().filter(|source| named.insert(name(source))));
        }
        said.columns
            .extend(facet.mappings(&target, |source| self.known.get(&name(&source)).cloned().unwrap_or(source)));
    }

    /// A source as the list of inputs has it, which it is added to where it is not in it.
    fn input(&mut self, source: AssetRef, said: &mut Said) -> AssetRef {
        let known = self.known.entry(name(&source)).or_insert_with(|| {
            said.inputs.push(explicit_io(source.clone()));
            source
        });
        known.clone()
    }

    /// Whether something is the event's own job: one without a name is.
    fn is_own(&self, named: &Value) -> bool {
        is_job(named) && job_named(named).is_none_or(|named| named == *self.job)
    }

    /// Whether something is another job.
    fn is_foreign(&self, named: &Value) -> bool {
        is_job(named) && !self.is_own(named)
    }
}

/// Where a declared data set comes from; `None` where its facets do not say it. Jobs among the sources are no data.
pub(super) fn declared(dataset: &Value, asset: &AssetRef) -> Option<DeclaredSources> {
    let facet = Facet::of(dataset)?;
    let output = reference(asset);
    let mut named = HashSet::new();
    let inputs = facet.sources().filter_map(data_set).filter(|source| named.insert(name(source))).collect();
    let columns = facet.mappings(&output, |source| source);
    let evidence = if facet.explicit { Evidence::Explicit } else { Evidence::Column };
    Some(DeclaredSources { sources: Sources { output, inputs }, evidence, columns })
}

/// Everything that the lineage of an event names.
pub(super) fn named(document: &Value) -> Vec<&Value> {
    let outputs = items(document, &["outputs"]).iter().chain(document.get("dataset"));
    let entries = items(document, &["job", "facets", "lineage", "entries"]);
    let facets = outputs.filter_map(Facet::of).chain(entries.iter().map(|lineage| Facet { lineage, explicit: true }));
    let mut named: Vec<&Value> = entries.iter().collect();
    facets.for_each(|facet| named.extend(facet.sources()));
    named
}

type Name = (String, String);

fn name(asset: &AssetRef) -> Name {
    (asset.namespace.clone(), asset.name.clone())
}

fn explicit_io(asset: AssetRef) -> Io {
    Io { evidence: Evidence::Explicit, ..Io::new(asset) }
}

/// Whether explicit lineage says anything: that there is no input is something.
fn says(lineage: &Value) -> bool {
    at(lineage, &["inputs"]).is_some_and(Value::is_array) || at(lineage, &["fields"]).is_some_and(Value::is_object)
}

fn is_job(named: &Value) -> bool {
    text(named, &["type"]).is_some_and(|t| t.eq_ignore_ascii_case("JOB"))
}

fn job_named(named: &Value) -> Option<JobRef> {
    let (namespace, name) = (text(named, &["namespace"])?, text(named, &["name"])?);
    Some(JobRef { namespace: namespace.to_owned(), name: name.to_owned() })
}

/// A source that is a data set.
fn data_set(source: &Value) -> Option<AssetRef> {
    bare(source).filter(|_| !is_job(source))
}

/// What says where a data set comes from.
struct Facet<'a> {
    lineage: &'a Value,
    /// `lineage`; otherwise `columnLineage`.
    explicit: bool,
}

impl<'a> Facet<'a> {
    /// The facet of a data set that holds.
    fn of(dataset: &'a Value) -> Option<Self> {
        let explicit = at(dataset, &["facets", "lineage"]).filter(|lineage| says(lineage));
        let columns = || at(dataset, &["facets", "columnLineage"]).filter(|lineage| lineage.is_object());
        let explicit = explicit.map(|lineage| Self { lineage, explicit: true });
        explicit.or_else(|| columns().map(|lineage| Self { lineage, explicit: false }))
    }

    /// Lists of sources, with the field they are of and what is said of it; of the whole data set without one.
    fn lists(&self) -> impl Iterator<Item = (Option<&'a str>, &'a Value, &'a [Value])> {
        let (of_field, of_all) = if self.explicit { ("inputs", "inputs") } else { ("inputFields", "dataset") };
        let fields = object(self.lineage, &["fields"]).into_iter().flatten();
        let fields = fields.map(move |(field, entry)| (Some(field.as_str()), entry, items(entry, &[of_field])));
        fields.chain([(None, &Value::Null, items(self.lineage, &[of_all]))])
    }

    /// All sources: those of the whole, then those of single fields.
    fn sources(&self) -> impl Iterator<Item = &'a Value> {
        let of = |whole: bool| self.lists().filter(move |(field, ..)| field.is_none() == whole);
        of(true).chain(of(false)).flat_map(|(.., sources)| sources)
    }

    /// The columns of a data set and where each comes from: one for every transformation of every source field, and one
    /// for a source field without transformations. A source without a field is none of columns.
    fn mappings(&self, target: &AssetRef, resolve: impl Fn(AssetRef) -> AssetRef) -> Vec<ColumnMapping> {
        let mut out = Vec::new();
        for (field, entry, sources) in self.lists() {
            // Old column lineage says of the field how it is made; the explicit facet has no such word.
            let fallback = if self.explicit { &Value::Null } else { entry };
            for source in sources {
                let (Some(src), Some(src_field)) = (data_set(source), text(source, &["field"])) else { continue };
                let src = resolve(src);
                let mut one = |how: &Value| out.push(mapping(src.clone(), src_field, target, field, how));
                match items(source, &["transformations"]) {
                    [] => one(fallback),
                    transformations => transformations.iter().for_each(one),
                }
            }
        }
        out
    }
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

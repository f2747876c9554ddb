//! The questions Lineward exists for: which models were trained on this, and what was this model trained on.

use super::build::{Edge, EdgeClass, Kind, Link, NONE, Version, bit};
use super::csr::Seen;
use super::flow::{Line, Word as _};
use super::gaps::{Gap, GapKind};
use super::names::asset_text;
use super::threads;
use super::walk::{Direction, View};
use lineward_events::EdgeType;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What a model may have been trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A category (`PHI`), an entity (`US_SSN`) or both (`PHI.MEDICAL_RECORD_NUMBER`), in any case.
    Tag(String),
    /// Any of these versions, or a part of one.
    Versions(Vec<Version>),
}

/// How the sensitive data got into a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It was seen in the training data although it was cleared upstream: masking failed.
    Contradicted,
    /// It was seen in the training data itself, or in that of a model it was made from.
    Observed,
    /// It was seen only further upstream of that.
    Inherited,
    /// It was not seen, but not everything upstream is known.
    Unknown,
}

impl Status {
    /// The name used in tables, as `observed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contradicted => "contradicted",
            Self::Observed => "observed",
            Self::Inherited => "inherited",
            Self::Unknown => "unknown",
        }
    }
}

/// A model that was trained on what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model version.
    pub model: Version,
    /// How.
    pub status: Status,
    /// Number of versions it was seen in, copies counted once.
    pub sources: i64,
    /// Hops from the nearest version it was seen in.
    pub min_depth: Option<u32>,
    /// The earliest run that brought it into the model, as an index for [`super::LineageGraph::run`].
    pub first_run: Option<u32>,
    /// The model is served now.
    pub deployed: bool,
    /// Everything upstream of the model is known.
    pub complete: bool,
    /// What is not, where something is not.
    pub gap_reason: Option<String>,
}

/// What is known of a model version as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelState {
    /// The model version.
    pub model: Version,
    /// It is served now.
    pub deployed: bool,
    /// What is not known upstream of it; `None` where everything is.
    pub gap_reason: Option<String>,
}

/// How fine training data is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Granularity {
    /// As the training read it.
    #[default]
    Dataset,
    /// Shards or files, where a data set consists of them: a shard of a corpus is mostly told as a file.
    Shard,
    /// The same.
    File,
}

/// A version a model was trained on, or (without a version) that there is something nobody knows.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingData {
    /// The model version asked about.
    pub model: Version,
    /// The data; `None` where it is not known.
    pub data: Option<Version>,
    /// As the training named it: `training`, `feedback`; empty where it did not.
    pub context: String,
    /// 1 for data of the model itself, 2 for data of its base model, and so on.
    pub depth: u32,
    /// The base model by which it came in.
    pub through: Option<Version>,
    /// What is not known of it.
    pub gap: Option<Gap>,
}

/// Which parts of an answer are wanted, of those that cost more than the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Details {
    /// [`Trained::sources`]; else 0.
    pub sources: bool,
    /// [`Trained::min_depth`]; else `None`.
    pub min_depth: bool,
    /// [`Trained::first_run`]; else `None`.
    pub first_run: bool,
    /// [`Trained::gap_reason`]; else `None`.
    pub gap_reason: bool,
}

impl Details {
    /// Everything.
    pub const ALL: Self = Self { sources: true, min_depth: true, first_run: true, gap_reason: true };
    /// Nothing of it.
    pub const NONE: Self = Self { sources: false, min_depth: false, first_run: false, gap_reason: false };

    fn cover(self, other: Self) -> bool {
        let all = |it: Self| [it.sources, it.min_depth, it.first_run, it.gap_reason];
        all(self).iter().zip(all(other)).all(|(has, wanted)| *has >= wanted)
    }
}

/// Answers that are kept.
const ANSWERS_MAX: usize = 8;

/// A question, with what of its answer was wanted.
type Asked = (What, bool, Details);

/// The last answers to what models were trained on, the one used last in front: dashboards ask the same again.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<Vec<(Asked, Arc<Vec<Trained>>)>>);

impl Answers {
    fn get(&self, what: &What, with_unknown: bool, details: Details) -> Option<Arc<Vec<Trained>>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |(asked, known, had): &Asked| asked == what && *known == with_unknown && had.cover(details);
        let at = kept.iter().position(|(asked, _)| fits(asked))?;
        let found = kept.remove(at);
        let answer = found.1.clone();
        kept.insert(0, found);
        Some(answer)
    }

    fn keep(&self, what: &What, with_unknown: bool, details: Details, answer: Arc<Vec<Trained>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(0, ((what.clone(), with_unknown, details), answer));
        kept.truncate(ANSWERS_MAX);
    }
}

/// Bits of the pass that tells how a model got its data.
const SEEN: u8 = 1;
const CONTRADICTED: u8 = 2;

impl View {
    /// The models that carry what was asked for, in the order of their versions; those of which it is not known
    /// (status `Unknown`) too where `with_unknown`. The last answers are kept.
    pub fn models_trained_on(&self, what: &What, with_unknown: bool, details: Details) -> Arc<Vec<Trained>> {
        self.answers.get(what, with_unknown, details).unwrap_or_else(|| {
            let answer = Arc::new(self.find_models(what, with_unknown, details));
            self.answers.keep(what, with_unknown, details, answer.clone());
            answer
        })
    }

    fn find_models(&self, what: &What, with_unknown: bool, details: Details) -> Vec<Trained> {
        let hiding = matches!(what, What::Versions(_));
        // All of it goes along this order; what needs none is looked at meanwhile.
        let (flow, deployed) = threads::both(
            || self.flow(),
            || {
                self.look_for_hidden_inputs();
                self.deployed()
            },
        );
        let (tag, gap_bits) = threads::both(|| self.tracer(what, details.min_depth), || self.gap_bits(hiding));
        let mut answer = Vec::new();
        for model in self.graph.versions() {
            if self.graph.kind(model) != Kind::Model || !self.exists(model) {
                continue;
            }
            let class = flow.class(model) as usize;
            let gaps = gap_bits[class];
            let carries = tag.own[class] | tag.inflow[class] != 0;
            let asked_for = carries || with_unknown && gaps != 0;
            if !asked_for {
                continue;
            }
            answer.push(Trained {
                model,
                status: if carries { tag.status(class) } else { Status::Unknown },
                sources: 0,
                min_depth: tag.depth.get(model as usize).copied().flatten().filter(|_| carries),
                first_run: if carries && details.first_run { self.first_run(model, &tag) } else { None },
                deployed: deployed[model as usize],
                complete: gaps == 0,
                gap_reason: None,
            });
        }
        if details.sources {
            self.count_sources(&tag, &mut answer);
        }
        for row in answer.iter_mut().filter(|r| details.gap_reason && !r.complete) {
            let class = flow.class(row.model) as usize;
            row.gap_reason = Some(self.gap_reason(row.model, gap_bits[class], hiding));
        }
        answer
    }

    /// Kinds of gaps with the nearest one in words; of those that hide inputs, or of all.
    pub(super) fn gap_reason(&self, version: Version, bits: u8, hiding: bool) -> String {
        let kinds: Vec<_> = GapKind::of_bits(bits).map(GapKind::as_str).collect();
        let kinds = kinds.join(", ");
        match self.nearest_gap(version, hiding) {
            Some(gap) => format!("{kinds}; nearest: {}", asset_text(self.graph.asset(gap))),
            None => kinds,
        }
    }

    /// Where what is asked for was seen and gets to; how far from there only where that is wanted.
    pub(super) fn tracer(&self, what: &What, with_depth: bool) -> Tracer {
        let nodes = self.graph.nodes();
        let mut tracer = Tracer {
            own: vec![0; nodes],
            observed: vec![0; nodes],
            inflow: vec![0; nodes],
            direct: vec![0; nodes],
            contradicted: vec![0; nodes],
            cleared: Vec::new(),
            depth: Vec::new(),
            parts: self.parts_of(what),
        };
        for part in std::mem::take(&mut tracer.parts) {
            self.trace(&part, with_depth, &mut tracer);
            tracer.parts.push(part);
        }
        tracer
    }

    /// What is traced, in parts that every edge passes or stops as a whole: a family where one of its entities is cleared
    /// on its way is that entity, and the rest.
    fn parts_of(&self, what: &What) -> Vec<Part> {
        let (graph, flow) = (&*self.graph, self.flow());
        let nowhere = || vec![0u8; graph.nodes()];
        let tag = match what {
            What::Tag(tag) => tag,
            What::Versions(versions) => {
                let mut own = nowhere();
                for version in self.with_members(versions) {
                    own[flow.class(version) as usize] = SEEN;
                }
                return vec![Part { bits: 0, travels: true, own }];
            }
        };
        let findings: Vec<_> = graph.tagged(tag).collect();
        let named = graph.tags_named(tag).into_iter().fold(0, |all, id| all | bit(id));
        let bits_of = |f: &crate::rows::FindingRow| Some(bit(f.tag_id)).filter(|bits| *bits != 0).unwrap_or(named);
        let mut sets = graph.alike(findings.iter().fold(0, |bits, f| bits | bits_of(f)));
        if sets.is_empty() || findings.iter().any(|f| bits_of(f) == 0) {
            // Seen, but without a bit: nothing can clear it.
            sets.push(0);
        }
        let travels = |set: u64| {
            let bits = if set == 0 { named } else { set };
            bits == 0 || bits & graph.propagating() != 0
        };
        let mut parts: Vec<Part> =
            sets.into_iter().map(|bits| Part { bits, travels: travels(bits), own: nowhere() }).collect();
        for finding in findings {
            let bits = bits_of(finding);
            let part = parts.iter_mut().find(|p| if bits == 0 { p.bits == 0 } else { p.bits & bits != 0 });
            if let (Some(part), Some(version)) = (part, graph.by_version_id(finding.version_id)) {
                part.own[flow.class(version) as usize] = SEEN;
            }
        }
        parts
    }

    /// Adds what is traced of one part.
    fn trace(&self, part: &Part, with_depth: bool, tracer: &mut Tracer) {
        let (graph, flow) = (&*self.graph, self.flow());
        let own = &part.own;
        let mut observed = own.clone();
        if self.graph.any_contains() {
            let members =
                flow.propagate(own, |step, own, flowed| if step.contains() { (own | flowed) & SEEN } else { 0 });
            add(&mut observed, &members);
        }
        let stops: Vec<bool> = graph.classes.iter().map(|class| part.stops(class)).collect();
        let stop = |class: usize| stops[class];
        let depth = match with_depth {
            true => {
                let ways = || self.trace_ways(part, &observed, &stop, tracer);
                Some(threads::both(ways, || self.depths(&observed, &stop)).1)
            }
            false => {
                self.trace_ways(part, &observed, &stop, tracer);
                None
            }
        };
        match depth {
            Some(depth) if tracer.depth.is_empty() => tracer.depth = depth,
            Some(depth) => tracer.depth.iter_mut().zip(depth).for_each(|(held, new)| {
                *held = [*held, new].into_iter().flatten().min();
            }),
            None => {}
        }
        add(&mut tracer.own, own);
        add(&mut tracer.observed, &observed);
    }

    /// Adds the classes into which it flows from where it was seen, and how.
    fn trace_ways(&self, part: &Part, observed: &[u8], stop: &impl Fn(usize) -> bool, tracer: &mut Tracer) {
        let (graph, flow) = (&*self.graph, self.flow());
        let inflow = flow.propagate(observed, |step, own, flowed| match (step.contains(), stop(step.class())) {
            (_, true) => 0,
            (true, _) => flowed,
            (false, _) => own | flowed,
        });
        let (mut contradicted, mut cleared) = (Vec::new(), Vec::new());
        if graph.any_clears(part.bits) {
            cleared = flow.propagate(observed, |step, own, flowed| if step.contains() { flowed } else { own | flowed });
            // What was cleared on the way into one member says nothing of the others.
            let mut arrived =
                flow.arriving(observed, &cleared, |step, own, flowed| if step.contains() { 0 } else { own | flowed });
            for all in [&mut cleared, &mut arrived] {
                all.iter_mut().zip(&inflow).for_each(|(all, passed)| *all &= !passed);
            }
            contradicted = self.contradicted(observed, &arrived);
        }
        let mut seen = observed.to_vec();
        seen.iter_mut().zip(&contradicted).for_each(|(seen, failed)| *seen |= failed * CONTRADICTED);
        // Only what training itself reads: data into a run or a model, models into models.
        let direct = flow.propagate(&seen, |step, own, flowed| {
            let into_model = graph.is_run(step.dst) || graph.kind(step.dst) == Kind::Model;
            if into_model && !stop(step.class()) { own | flowed } else { 0 }
        });
        add(&mut tracer.inflow, &inflow);
        add(&mut tracer.direct, &direct);
        add(&mut tracer.contradicted, &contradicted);
        if tracer.cleared.is_empty() {
            tracer.cleared = cleared;
        } else {
            add(&mut tracer.cleared, &cleared);
        }
    }

    /// Classes where the tag was seen, there or in a member, would have flowed in, and was cleared on every way in.
    fn contradicted(&self, observed: &[u8], cleared: &[u8]) -> Vec<u8> {
        let failed: Vec<u8> = observed.iter().zip(cleared).map(|(seen, cleared)| seen & cleared).collect();
        if failed.iter().all(|failed| *failed == 0) {
            return failed;
        }
        let wholes = self.flow().propagate(&failed, |step, own, flowed| if step.contains() { own | flowed } else { 0 });
        failed.iter().zip(wholes).map(|(failed, whole)| (failed | whole) & SEEN).collect()
    }

    pub(super) fn with_members(&self, versions: &[Version]) -> Vec<Version> {
        let mut seen = HashSet::new();
        let mut all: Vec<Version> = versions.iter().copied().filter(|&v| seen.insert(v)).collect();
        let mut next = 0;
        while let Some(&version) = all.get(next) {
            all.extend(self.members(version).filter(|&m| seen.insert(m)));
            next += 1;
        }
        all
    }

    /// Hops from the nearest version that has it, for all versions.
    fn depths(&self, observed: &[u8], stop: &impl Fn(usize) -> bool) -> Vec<Option<u32>> {
        let (graph, flow) = (&*self.graph, self.flow());
        let passes: Vec<bool> = (0..graph.classes.len()).map(|c| graph.classes[c].carries && !stop(c)).collect();
        let mut depth: Vec<Option<u32>> = vec![None; graph.nodes()];
        let mut frontier: Vec<u32> = graph.versions().filter(|&v| observed[flow.class(v) as usize] != 0).collect();
        for &version in &frontier {
            depth[version as usize] = Some(0);
        }
        let mut hops = 0;
        while !frontier.is_empty() {
            hops += 1;
            let mut reached = Vec::new();
            let mut visit = |node: u32, reached: &mut Vec<u32>| {
                for (to, edge) in self.next(Direction::Downstream, node) {
                    let slot = &mut depth[to as usize];
                    if slot.is_none() && passes[graph.edges.attributes(edge).class as usize] {
                        *slot = Some(hops);
                        reached.push(to);
                    }
                }
            };
            for node in frontier.drain(..) {
                visit(node, &mut reached);
            }
            let runs: Vec<u32> = reached.iter().copied().filter(|&n| graph.is_run(n)).collect();
            for run in runs {
                visit(run, &mut reached);
            }
            frontier.extend(reached.into_iter().filter(|&n| !graph.is_run(n)));
        }
        depth
    }

    /// The earliest run that brings it into a model.
    fn first_run(&self, model: Version, tag: &Tracer) -> Option<u32> {
        let (graph, flow) = (&*self.graph, self.flow());
        let brings = |node: u32, edge: &Edge| {
            let class = flow.class(node) as usize;
            edge.carries && edge.run != NONE && (tag.observed[class] | tag.inflow[class]) != 0
        };
        let start = |run: &u32| (graph.runs.began(*run), *run);
        self.entering(model).filter(|(node, edge)| brings(*node, edge)).map(|(_, edge)| edge.run).min_by_key(start)
    }

    /// Counts for each model the versions it can have it from, a cache line of sources a pass.
    fn count_sources(&self, tag: &Tracer, answer: &mut [Trained]) {
        let (graph, flow) = (&*self.graph, self.flow());
        if answer.iter().all(|row| row.status == Status::Unknown) {
            return;
        }
        let sources: Vec<usize> = (0..tag.own.len()).filter(|&i| tag.own[i] != 0).collect();
        let stops: Vec<Vec<bool>> =
            tag.parts.iter().map(|part| graph.classes.iter().map(|class| part.stops(class)).collect()).collect();
        let mut own = vec![Line::default(); graph.nodes()];
        for chunk in sources.chunks(size_of::<Line>() * 8) {
            let mut found = vec![Line::default(); answer.len()];
            for (part, stops) in tag.parts.iter().zip(&stops) {
                for (at, &source) in chunk.iter().enumerate().filter(|(_, source)| part.own[**source] != 0) {
                    own[source][at / 64] |= 1 << (at % 64);
                }
                let inflow = flow.propagate(&own, |step, own, flowed| {
                    let stopped =
                        stops[step.class()] && !(step.contains() && part.passes(&graph.classes[step.class()]));
                    if stopped { Line::default() } else { own.or(flowed) }
                });
                for (row, found) in answer.iter().zip(&mut found) {
                    let class = flow.class(row.model) as usize;
                    *found = found.or(own[class]).or(inflow[class]);
                }
                for &source in chunk {
                    own[source] = Line::default();
                }
            }
            for (row, found) in answer.iter_mut().zip(found) {
                row.sources += i64::from(found.iter().map(|word| word.count_ones()).sum::<u32>());
            }
        }
    }

    /// Which models are served: from the deployments back over models that are the same weights in another form.
    pub(super) fn deployed(&self) -> &[bool] {
        self.deployed.get_or_init(|| self.find_deployed())
    }

    fn find_deployed(&self) -> Vec<bool> {
        let graph = &*self.graph;
        let alive = |v: &Version| {
            graph.kind(*v) == Kind::Deployment
                && self.exists(*v)
                && graph.versions.valid_to(*v).is_none_or(|end| self.at < end)
                && graph.asset(*v).dropped_at.is_none_or(|t| self.valid().is_some_and(|at| at < t))
        };
        let mut deployed = vec![false; graph.nodes()];
        let mut open: Vec<u32> = graph.versions().filter(alive).collect();
        for &node in &open {
            deployed[node as usize] = true;
        }
        while let Some(node) = open.pop() {
            for (source, edge) in self.entering(node) {
                if self.serves(node, &edge) && !std::mem::replace(&mut deployed[source as usize], true) {
                    open.push(source);
                }
            }
        }
        deployed
    }

    fn serves(&self, node: u32, edge: &Edge) -> bool {
        use EdgeType::{Contains, CopyOf, DeployedAs, Derived, QuantizedFrom};
        let graph = &*self.graph;
        if graph.is_run(node) {
            // Reached from a deployment that the run wrote.
            return !graph.is_run(edge.src) && graph.kind(edge.src) == Kind::Model;
        }
        match graph.kind(node) {
            Kind::Deployment => edge.carries,
            Kind::Model => matches!(edge.link, Link::Direct(Contains | CopyOf | DeployedAs | Derived | QuantizedFrom)),
            _ => false,
        }
    }

    /// Deployment and completeness of every model version.
    pub fn model_states(&self) -> Vec<ModelState> {
        let gap_bits = self.gap_bits(false);
        let (deployed, flow) = (self.deployed(), self.flow());
        let models = self.graph.versions().filter(|&v| self.graph.kind(v) == Kind::Model && self.exists(v));
        let state = |model: Version| {
            let class = flow.class(model) as usize;
            let gaps = gap_bits[class];
            let gap_reason = (gaps != 0).then(|| self.gap_reason(model, gaps, false));
            ModelState { model, deployed: deployed[model as usize], gap_reason }
        };
        models.map(state).collect()
    }

    /// Versions at which or upstream of which something is not known, with what that is where it is wanted in words: the
    /// nearest gap of each is looked for.
    pub fn incomplete(&self, in_words: bool) -> Vec<(Version, Option<String>)> {
        let (gap_bits, flow) = (self.gap_bits(false), self.flow());
        let bits = |version: Version| gap_bits[flow.class(version) as usize];
        let with_gaps = self.graph.versions().filter(|&v| bits(v) != 0 && self.exists(v));
        with_gaps.map(|v| (v, in_words.then(|| self.gap_reason(v, bits(v), false)))).collect()
    }

    /// Each deployment version with each model version it serves, by way of configurations; a deployment of which no
    /// model is known comes once, alone.
    pub fn served(&self) -> Vec<(Version, Option<Version>)> {
        let graph = &*self.graph;
        let mut pairs = Vec::new();
        for deployment in graph.versions().filter(|&v| graph.kind(v) == Kind::Deployment && self.exists(v)) {
            let (mut seen, mut open, mut found) = (HashSet::from([deployment]), vec![deployment], false);
            while let Some(node) = open.pop() {
                for (source, edge) in self.entering(node) {
                    if !self.serves(node, &edge) || !seen.insert(source) {
                        continue;
                    }
                    if !graph.is_run(source) && graph.kind(source) == Kind::Model {
                        found = true;
                        pairs.push((deployment, Some(source)));
                    } else {
                        open.push(source);
                    }
                }
            }
            if !found {
                pairs.push((deployment, None));
            }
        }
        pairs
    }

    /// What the models were trained on: what their training read, and what that of their base models read. A model
    /// whose inputs are not known gets a row without data, so that no answer is empty for lack of knowledge.
    pub fn training_data(&self, models: &[Version], granularity: Granularity) -> Vec<TrainingData> {
        let mut rows = Vec::new();
        let mut seen = Seen::new(self.graph.nodes());
        for &model in models {
            self.training_data_of(model, granularity, &mut seen, &mut rows);
            seen.clear();
        }
        rows
    }

    fn training_data_of(
        &self,
        asked: Version,
        granularity: Granularity,
        seen: &mut Seen,
        rows: &mut Vec<TrainingData>,
    ) {
        let mut models = vec![(asked, 1)];
        seen.insert(asked);
        let mut next = 0;
        while let Some(&(model, depth)) = models.get(next) {
            next += 1;
            let through = (model != asked).then_some(model);
            let hidden = self.hidden_inputs(model);
            let row = |data, context: &str, gap| TrainingData {
                model: asked,
                data,
                context: context.to_owned(),
                depth,
                through,
                gap,
            };
            if let Some(gap) = hidden.clone().filter(|g| g.kind == GapKind::TrainingInputsUnknown) {
                rows.push(row(None, "", Some(gap)));
            }
            for (source, context) in self.trained_from(model) {
                if self.graph.kind(source) == Kind::Model {
                    if seen.insert(source) {
                        models.push((source, depth + 1));
                    }
                    continue;
                }
                for data in self.parts(source, granularity) {
                    if seen.insert(data) {
                        let gap = hidden.clone().or_else(|| self.gaps_of(data).into_iter().next());
                        rows.push(row(Some(data), context, gap));
                    }
                }
            }
        }
    }

    /// What flows straight into a model, with the context under which its run read it.
    fn trained_from(&self, model: Version) -> Vec<(Version, &str)> {
        let graph = &*self.graph;
        let mut sources: HashMap<Version, &str> = HashMap::new();
        let mut order = Vec::new();
        let mut add = |source, context| {
            sources.entry(source).or_insert_with(|| {
                order.push(source);
                context
            });
        };
        for (node, edge) in self.entering(model).filter(|(_, e)| e.carries) {
            if !graph.is_run(node) {
                add(node, self.context_in_run(&edge, node));
                continue;
            }
            for (source, read) in self.entering(node) {
                add(source, graph.contexts[read.context as usize].as_str());
            }
        }
        order.into_iter().map(|source| (source, sources[&source])).collect()
    }

    /// The context in which the run of a direct edge read its source.
    fn context_in_run(&self, edge: &Edge, source: Version) -> &str {
        let reads = self.leaving(source).find(|(_, e)| e.link == Link::Read && e.run == edge.run);
        reads.map_or("", |(_, read)| self.graph.contexts[read.context as usize].as_str())
    }

    /// A version, or the parts it consists of at this granularity.
    fn parts(&self, whole: Version, granularity: Granularity) -> Vec<Version> {
        let wanted = |version: &Version| match granularity {
            Granularity::Dataset => false,
            Granularity::Shard | Granularity::File => {
                matches!(self.graph.asset(*version).asset_type.as_str(), "FILE" | "SHARD")
            }
        };
        if granularity == Granularity::Dataset {
            return vec![whole];
        }
        let parts: Vec<_> = self.with_members(&[whole]).into_iter().filter(wanted).collect();
        if parts.is_empty() { vec![whole] } else { parts }
    }
}

/// Whether a finding is of a category, an entity, or an entity of a category.
fn is_tagged(finding: &crate::rows::FindingRow, tag: &str) -> bool {
    let category = |name: &str| finding.categories.iter().any(|c| c.eq_ignore_ascii_case(name));
    if finding.entity.eq_ignore_ascii_case(tag) || category(tag) {
        return true;
    }
    tag.split_once('.').is_some_and(|(head, entity)| category(head) && finding.entity.eq_ignore_ascii_case(entity))
}

/// What of a tag (or of assets) every edge passes or stops as a whole.
#[derive(Debug)]
pub(super) struct Part {
    /// Bits it is cleared by; none where nothing clears it.
    bits: u64,
    travels: bool,
    /// Classes in which it was seen itself.
    own: Vec<u8>,
}

impl Part {
    fn passes(&self, class: &EdgeClass) -> bool {
        class.clear & self.bits == 0
    }

    fn stops(&self, class: &EdgeClass) -> bool {
        !self.travels || !self.passes(class)
    }
}

fn add(all: &mut [u8], more: &[u8]) {
    all.iter_mut().zip(more).for_each(|(all, more)| *all |= more);
}

/// How one tag (or asset) spreads; all by class except `depth`.
#[derive(Debug)]
pub(super) struct Tracer {
    own: Vec<u8>,
    pub(super) observed: Vec<u8>,
    pub(super) inflow: Vec<u8>,
    direct: Vec<u8>,
    /// Seen although it was cleared on every way in.
    pub(super) contradicted: Vec<u8>,
    /// Some of it would have flowed in, were it not cleared; empty where nothing clears it.
    pub(super) cleared: Vec<u8>,
    pub(super) depth: Vec<Option<u32>>,
    parts: Vec<Part>,
}

impl Tracer {
    pub(super) fn status(&self, class: usize) -> Status {
        let direct = self.observed[class] | self.direct[class];
        if direct & CONTRADICTED != 0 {
            Status::Contradicted
        } else if direct & SEEN != 0 {
            Status::Observed
        } else {
            Status::Inherited
        }
    }
}

impl super::LineageGraph {
    /// Whether anything in the graph is known by this tag: a category, an entity, a tag, or the entity of a finding.
    pub fn knows_tag(&self, tag: &str) -> bool {
        const CATEGORIES: [&str; 4] = ["pii", "phi", "credential", "financial"];
        CATEGORIES.iter().any(|c| c.eq_ignore_ascii_case(tag))
            || !self.tags_named(tag).is_empty()
            || self.tagged(tag).next().is_some()
    }

    /// The findings of a tag: a category, an entity or both.
    pub(super) fn tagged<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a crate::rows::FindingRow> {
        self.findings.iter().filter(move |f| is_tagged(f, tag))
    }

    /// The name of a tag as the store writes it, where it has it; else as it was asked.
    pub fn tag_name(&self, tag: &str) -> String {
        let named = self.tags_named(tag);
        let row = (named.len() == 1).then(|| self.tags.iter().find(|t| t.tag_id == named[0])).flatten();
        row.map_or_else(|| tag.to_ascii_uppercase(), |t| t.tag.clone())
    }
}

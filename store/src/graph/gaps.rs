//! What is not known: runs that do not say what they read, data that nobody has looked at.
//!
//! A question about a model is answered completely only where nothing upstream of it is a gap.

use super::build::{Edge, Kind, Link, NONE, Version};
use super::csr::Bits;
use super::walk::{Direction, View};
use crate::rows::Micros;
use lineward_events::{EdgeType, Evidence};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What kind of thing is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GapKind {
    /// Nobody says what a model was trained on.
    TrainingInputsUnknown,
    /// A model's inputs are only mentioned in parameters or the environment; the list may be longer.
    InputsOnlyHinted,
    /// A run that wrote data does not say what it read.
    InputsUnknown,
    /// Data that flows into a model was never searched for sensitive content.
    DataNotScanned,
    /// A scan did not see all of the data.
    ScanIncomplete,
    /// The run that wrote it failed or was stopped: it may be a part of what it should be. Where it comes from is known.
    RunFailed,
}

impl GapKind {
    /// Those that leave an answer incomplete.
    const ALL: [Self; 5] = [
        Self::TrainingInputsUnknown,
        Self::InputsOnlyHinted,
        Self::InputsUnknown,
        Self::DataNotScanned,
        Self::ScanIncomplete,
    ];

    /// The name used in tables, as `data_not_scanned`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrainingInputsUnknown => "training_inputs_unknown",
            Self::InputsOnlyHinted => "inputs_only_hinted",
            Self::InputsUnknown => "inputs_unknown",
            Self::DataNotScanned => "data_not_scanned",
            Self::ScanIncomplete => "scan_incomplete",
            Self::RunFailed => "run_failed",
        }
    }

    /// Whether it makes unknown what flows in, not only what is inside.
    pub fn hides_inputs(self) -> bool {
        matches!(self, Self::TrainingInputsUnknown | Self::InputsOnlyHinted | Self::InputsUnknown)
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }

    /// Whether it leaves an answer incomplete: one about what is inside, or one about what flows in.
    pub(super) fn counts(self, hiding: bool) -> bool {
        self.bit() & Self::counted(hiding) != 0
    }

    /// The bits of all kinds, or of those that hide inputs.
    fn counted(hiding: bool) -> u8 {
        Self::ALL.into_iter().filter(|k| !hiding || k.hides_inputs()).fold(0, |bits, kind| bits | kind.bit())
    }

    pub(super) fn of_bits(bits: u8) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |kind| kind.bit() & bits != 0)
    }
}

/// Something that is not known of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// What kind.
    pub kind: GapKind,
    /// Of which version.
    pub version: Version,
    /// By which run, as an index for [`super::LineageGraph::run`].
    pub run: Option<u32>,
    /// Since when.
    pub since: Option<Micros>,
    /// In words.
    pub detail: String,
}

impl View {
    /// Kinds of the gaps of each version itself, a bit each.
    fn gap_kinds(&self) -> &[u8] {
        self.gaps.get_or_init(|| {
            self.look_at_all();
            let graph = &*self.graph;
            let (explained, doubtful) = self.explained();
            let scanned = self.all_scanned();
            let kinds = graph.versions().map(|version| {
                if !self.exists(version) {
                    return 0;
                }
                let mut kinds = 0;
                let model = graph.kind(version) == Kind::Model;
                // Few versions are worth a closer look.
                if doubtful.get(version) || model && !explained.get(version) {
                    let mut gaps = Vec::new();
                    self.input_gaps(version, &mut gaps);
                    kinds = gaps.iter().fold(0, |kinds, gap| kinds | gap.kind.bit());
                }
                let unseen = graph.kind(version).is_data().then(|| scanned.gap(version)).flatten();
                kinds | unseen.map_or(0, GapKind::bit)
            });
            kinds.collect()
        })
    }

    /// Nodes that something flows into, and those into which something flows by a run that does not say what it read.
    fn explained(&self) -> (Bits, Bits) {
        let graph = &*self.graph;
        let (mut explained, mut doubtful) = (Bits::new(graph.nodes()), Bits::new(graph.nodes()));
        let counts: Vec<bool> = graph.classes.iter().map(|c| c.link != Link::Direct(EdgeType::EvaluatedOn)).collect();
        let all_known = !graph.runs.unknown();
        for (edge, own) in (0u32..).zip(graph.edges.all()) {
            if counts[own.class as usize] && self.live(edge) {
                explained.insert(graph.edges.to(edge));
                if !all_known && own.run != NONE && !graph.runs.inputs_known(own.run) {
                    doubtful.insert(graph.edges.to(edge));
                }
            }
        }
        (explained, doubtful)
    }

    fn all_scanned(&self) -> &Scanned {
        self.scanned.get_or_init(|| self.scanned_where(|_| true))
    }

    /// Gaps that matter to some model: unknown inputs, and data not searched that flows into a model. By version. Behind
    /// them what failed runs wrote, wherever it flows.
    pub fn gaps_of_models(&self) -> Vec<Gap> {
        let feeds = self.feeds_models();
        let with_gaps = self.graph.versions().zip(self.gap_kinds()).filter(|(_, kinds)| **kinds != 0);
        let gaps = with_gaps.flat_map(|(version, _)| self.gaps_of(version));
        let mut gaps: Vec<Gap> = gaps.filter(|g| g.kind.hides_inputs() || feeds[g.version as usize]).collect();
        gaps.extend(self.run_gaps());
        gaps
    }

    /// What runs wrote that failed or were stopped. No answer is incomplete for it, but nobody should have to guess. Runs that are not known to have ended are not told: an audit log knows no end of a training.
    fn run_gaps(&self) -> Vec<Gap> {
        let graph = &*self.graph;
        let failed: Vec<bool> = (0..graph.runs.len() as u32).map(|run| self.failed(run)).collect();
        if !failed.contains(&true) {
            return Vec::new();
        }
        let mut gaps = Vec::new();
        for version in graph.versions().filter(|&v| self.exists(v)) {
            let made = |e: &Edge| !matches!(e.link, Link::Direct(EdgeType::Contains | EdgeType::CopyOf));
            let by = self.entering(version).filter(|(_, e)| e.run != NONE && made(e)).map(|(_, e)| e.run);
            let runs: BTreeSet<u32> = by.filter(|run| failed[*run as usize]).collect();
            let detail = "the run that wrote it failed or was stopped";
            gaps.extend(runs.into_iter().map(|run| self.gap(GapKind::RunFailed, version, Some(run), detail)));
        }
        gaps
    }

    /// Whether a run had failed or been stopped by the time of the question.
    fn failed(&self, run: u32) -> bool {
        let (state, ended_at) = self.graph.runs.end(run);
        matches!(state, "FAIL" | "ABORT") && ended_at.is_none_or(|at| at <= self.at)
    }

    /// Gap kinds of each class of nodes, as bits, its own and those that flow in from upstream: all, or those that hide
    /// inputs.
    pub(super) fn gap_bits(&self, hiding: bool) -> &[u8] {
        self.gap_flow[usize::from(hiding)].get_or_init(|| {
            let flow = self.flow();
            let counted = GapKind::counted(hiding);
            let mut own = vec![0u8; self.graph.nodes()];
            for (version, kinds) in self.graph.versions().zip(self.gap_kinds()) {
                own[flow.class(version) as usize] |= kinds & counted;
            }
            let inflow = flow.propagate(&own, |_, own, flowed| own | flowed);
            own.iter().zip(inflow).map(|(own, inflow)| own | inflow).collect()
        })
    }

    fn gap(&self, kind: GapKind, version: Version, run: Option<u32>, detail: impl Into<String>) -> Gap {
        let row = self.graph.version(version);
        let started = run.and_then(|r| self.graph.run(r).started_at);
        // Versions that were there before they were seen are valid since ever, which is no date to show.
        let known = || if row.valid_from > 0 { row.valid_from } else { row.recorded_at };
        Gap { kind, version, run, since: Some(started.unwrap_or_else(known)), detail: detail.into() }
    }

    fn input_gaps(&self, version: Version, gaps: &mut Vec<Gap>) {
        let graph = &*self.graph;
        let model = graph.kind(version) == Kind::Model;
        let mut explained = false;
        let mut runs = BTreeMap::new();
        for (source, edge) in self.entering(version) {
            match edge.link {
                Link::Direct(EdgeType::EvaluatedOn) => continue,
                // What a version consists of, or equals, tells nothing of the run that is named beside it.
                Link::Direct(EdgeType::Contains | EdgeType::CopyOf) => {}
                Link::Direct(_) if edge.run != NONE => {
                    let said = matches!(edge.evidence, Evidence::Explicit | Evidence::Column | Evidence::Manual);
                    // That a base model is named says nothing of the data.
                    let of_data = !model || graph.kind(source).is_data();
                    *runs.entry(edge.run).or_insert(false) |= said && of_data;
                }
                _ if edge.run != NONE => _ = runs.entry(edge.run).or_insert(false),
                _ => {}
            }
            explained = true;
        }
        for (run, said) in runs {
            if !said && !graph.runs.inputs_known(run) {
                gaps.push(self.unknown_run(version, model, run));
            }
        }
        if model && !explained && !self.is_leftover(version) {
            let detail = "no run and no link says how the model was made";
            gaps.push(self.gap(GapKind::TrainingInputsUnknown, version, None, detail));
        }
    }

    /// A version that was only inferred from a mention, links to nothing, and was replaced since: nobody's question.
    fn is_leftover(&self, version: Version) -> bool {
        let row = self.graph.version(version);
        row.inferred && row.valid_to.is_some() && self.leaving(version).next().is_none()
    }

    fn unknown_run(&self, version: Version, model: bool, run: u32) -> Gap {
        if !model {
            return self.gap(GapKind::InputsUnknown, version, Some(run), "the run does not say what it read");
        }
        let node = self.graph.run_node(run);
        let is_data = |(source, _): &(u32, Edge)| self.graph.kind(*source).is_data();
        let hints = self.entering(node).filter(is_data).count();
        if hints == 0 {
            let detail = "the run does not say what it read";
            return self.gap(GapKind::TrainingInputsUnknown, version, Some(run), detail);
        }
        let (s, are) = if hints == 1 { ("", "is") } else { ("s", "are") };
        let detail =
            format!("{hints} input{s} {are} mentioned in parameters or the environment; the run declares none");
        self.gap(GapKind::InputsOnlyHinted, version, Some(run), detail)
    }

    /// What is not known of what is in a version.
    fn scan_gap(&self, version: Version) -> Option<Gap> {
        if !self.graph.kind(version).is_data() {
            return None;
        }
        let kind = self.all_scanned().gap(version)?;
        let detail = match kind {
            GapKind::ScanIncomplete => "the scan did not see all of it",
            _ => "never scanned at this version",
        };
        Some(self.gap(kind, version, None, detail))
    }

    /// Which versions carry data into some model, by going backwards from the models.
    fn feeds_models(&self) -> Vec<bool> {
        let graph = &*self.graph;
        let mut feeds = vec![false; graph.nodes()];
        let mut open: Vec<u32> = graph.versions().filter(|&v| graph.kind(v) == Kind::Model).collect();
        for &model in &open {
            feeds[model as usize] = true;
        }
        while let Some(node) = open.pop() {
            for (source, edge) in self.entering(node) {
                if edge.carries && !std::mem::replace(&mut feeds[source as usize], true) {
                    open.push(source);
                }
            }
        }
        feeds
    }

    /// Versions whose records were indexed under a key.
    pub(super) fn indexed(&self, key_id: &str) -> Vec<bool> {
        let mut indexed = self.covered(|s| s.complete && s.index_key.as_deref() == Some(key_id));
        self.spread(&mut indexed);
        indexed.seen
    }

    fn scanned_where(&self, counts: impl Fn(&super::Scan) -> bool) -> Scanned {
        let mut scanned = self.covered(counts);
        let graph = &*self.graph;
        let mut partly = Vec::new();
        for finding in graph.findings.iter().filter(|f| f.origin != "declared") {
            let Some(version) = graph.by_version_id(finding.version_id) else { continue };
            let whole = finding.coverage >= 1.0;
            match whole || finding.origin == "scan" {
                true => scanned.set(version, whole),
                false => partly.push(version),
            }
        }
        // What somebody else found in a part takes nothing from a scan of the whole.
        for version in partly {
            if !scanned.seen[version as usize] {
                scanned.set(version, false);
            }
        }
        self.spread(&mut scanned);
        scanned
    }

    /// Versions that scans name, by content or by name and time.
    fn covered(&self, counts: impl Fn(&super::Scan) -> bool) -> Scanned {
        let graph = &*self.graph;
        let mut scanned = Scanned { seen: vec![false; graph.version_count()], partly: HashSet::new() };
        let whole =
            |by: &dyn Fn(&super::Scan) -> bool| graph.scans.iter().filter(|s| counts(s) && by(s)).collect::<Vec<_>>();
        let by_content: HashMap<_, _> =
            whole(&|s| s.content.is_some()).into_iter().map(|s| (s.content, s.complete)).collect();
        let named = whole(&|s| s.content.is_none());
        let by_name: HashMap<_, _> = named.into_iter().map(|s| ((&s.asset_type, &s.namespace, &s.name), s)).collect();
        let of_asset: Vec<Option<&&super::Scan>> =
            graph.assets.iter().map(|a| by_name.get(&(&a.asset_type, &a.namespace, &a.name))).collect();
        let contents = graph.versions.contents() && !by_content.is_empty();
        for version in graph.versions() {
            let since = graph.versions.valid_from(version);
            let content = if contents {
                graph.versions.hashes(version).find_map(|hash| by_content.get(&Some(hash)).copied())
            } else {
                None
            };
            let name = of_asset[graph.asset_of[version as usize] as usize];
            let until = || graph.versions.valid_to(version);
            let name = name.filter(|s| since <= s.scanned_at && until().is_none_or(|t| s.scanned_at < t));
            if let Some(complete) = content.or(name.map(|s| s.complete)) {
                scanned.set(version, complete);
            }
        }
        scanned
    }

    /// A scan of the whole is one of its members and of its copies; scans of all members are one of the whole.
    fn spread(&self, scanned: &mut Scanned) {
        let graph = &*self.graph;
        let same = |link| matches!(link, Link::Direct(EdgeType::Contains | EdgeType::CopyOf));
        if !graph.classes.iter().any(|c| same(c.link)) {
            return;
        }
        let mut open: Vec<Version> = graph.versions().filter(|&v| scanned.seen[v as usize]).collect();
        while let Some(version) = open.pop() {
            let members = self.entering(version).filter_map(|(node, e)| match e.link {
                Link::Direct(EdgeType::Contains | EdgeType::CopyOf) => Some(node),
                _ => None,
            });
            let wholes = self.leaving(version).filter_map(|(node, e)| match e.link {
                Link::Direct(EdgeType::Contains) if self.all_members_seen(node, scanned) => Some(node),
                _ => None,
            });
            for node in members.chain(wholes).collect::<Vec<_>>() {
                if !std::mem::replace(&mut scanned.seen[node as usize], true) {
                    open.push(node);
                }
            }
        }
    }

    /// Whether all members of a version are known and were seen. Members that are told by their names only may not be all.
    fn all_members_seen(&self, whole: Version, scanned: &Scanned) -> bool {
        let contains = |link| link == Link::Direct(EdgeType::Contains);
        self.entering(whole)
            .filter(|(_, e)| contains(e.link))
            .all(|(member, e)| e.evidence == Evidence::Explicit && scanned.seen[member as usize])
    }

    /// The versions that a version contains.
    pub(super) fn members(&self, whole: Version) -> impl Iterator<Item = Version> {
        let contains = |link| link == Link::Direct(EdgeType::Contains);
        self.entering(whole).filter(move |(_, e)| contains(e.link)).map(|(node, _)| node)
    }

    /// The version of the nearest gap at a version or upstream of it, of all kinds or of those that hide inputs.
    pub(super) fn nearest_gap(&self, version: Version, hiding: bool) -> Option<Version> {
        let nearest = self.nearest[usize::from(hiding)].get_or_init(|| self.nearest_gaps(hiding));
        Some(nearest[version as usize]).filter(|v| *v != NONE)
    }

    /// For each node the version of the nearest gap, by one walk downstream from all gaps at once.
    fn nearest_gaps(&self, hiding: bool) -> Vec<Version> {
        let graph = &*self.graph;
        let counted = GapKind::counted(hiding);
        let mut nearest = vec![NONE; graph.nodes()];
        let with_gaps = graph.versions().zip(self.gap_kinds()).filter(|(_, kinds)| **kinds & counted != 0);
        let mut open: Vec<u32> = with_gaps.map(|(version, _)| version).collect();
        open.iter().for_each(|version| nearest[*version as usize] = *version);
        let carries: Vec<bool> = graph.classes.iter().map(|c| c.carries).collect();
        let mut next = 0;
        while let Some(&node) = open.get(next) {
            next += 1;
            let found = nearest[node as usize];
            for (to, edge) in self.next(Direction::Downstream, node) {
                if nearest[to as usize] == NONE && carries[graph.edges.attributes(edge).class as usize] {
                    nearest[to as usize] = found;
                    open.push(to);
                }
            }
        }
        nearest
    }

    /// The gaps of one version itself.
    pub fn gaps_of(&self, version: Version) -> Vec<Gap> {
        let mut gaps = Vec::new();
        if self.exists(version) {
            self.input_gaps(version, &mut gaps);
            gaps.extend(self.scan_gap(version));
        }
        gaps
    }

    /// What makes unknown what flows into a version.
    pub fn hidden_inputs(&self, version: Version) -> Option<Gap> {
        // Where the kinds are known already, most versions need no closer look.
        if self.gaps.get().is_some_and(|kinds| !GapKind::of_bits(kinds[version as usize]).any(GapKind::hides_inputs)) {
            return None;
        }
        let mut gaps = Vec::new();
        if self.exists(version) {
            self.input_gaps(version, &mut gaps);
        }
        gaps.into_iter().find(|g| g.kind.hides_inputs())
    }

    /// Whether anything can be unknown of what flows into versions that are no models.
    pub fn look_for_hidden_inputs(&self) {
        self.gap_kinds();
    }
}

/// What was searched for sensitive content.
#[derive(Debug)]
pub(super) struct Scanned {
    seen: Vec<bool>,
    partly: HashSet<Version>,
}

impl Scanned {
    fn gap(&self, version: Version) -> Option<GapKind> {
        if self.partly.contains(&version) {
            return Some(GapKind::ScanIncomplete);
        }
        (!self.seen[version as usize]).then_some(GapKind::DataNotScanned)
    }

    fn set(&mut self, version: Version, complete: bool) {
        self.seen[version as usize] = true;
        if !complete {
            self.partly.insert(version);
        }
    }
}

//! What is not known: runs that do not say what they read, data that nobody has looked at.
//!
//! A question about a model is answered completely only where nothing upstream of it is a gap.

use super::build::{Edge, Kind, Link, NONE, Version, contents};
use super::csr::Seen;
use super::walk::View;
use crate::rows::Micros;
use lineward_events::{EdgeType, Evidence};
use std::collections::{BTreeMap, HashMap, HashSet};

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
}

impl GapKind {
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
        }
    }

    /// Whether it makes unknown what flows in, not only what is inside.
    pub fn hides_inputs(self) -> bool {
        matches!(self, Self::TrainingInputsUnknown | Self::InputsOnlyHinted | Self::InputsUnknown)
    }

    pub(super) fn bit(self) -> u64 {
        1 << (self as u64)
    }

    pub(super) fn of_bits(bits: u64) -> impl Iterator<Item = Self> {
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
    /// All gaps, by version.
    pub fn gaps(&self) -> &[Gap] {
        self.gaps.get_or_init(|| {
            let scanned = self.scanned(|_| true);
            let mut gaps = Vec::new();
            for version in self.graph.versions().filter(|&v| self.exists(v)) {
                self.input_gaps(version, &mut gaps);
                if self.graph.kind(version) == Kind::Data {
                    self.scan_gap(version, &scanned, &mut gaps);
                }
            }
            gaps
        })
    }

    /// Gaps that matter to some model: unknown inputs, and data not searched that flows into a model.
    pub fn gaps_of_models(&self) -> Vec<&Gap> {
        let feeds = self.feeds_models();
        self.gaps().iter().filter(|g| g.kind.hides_inputs() || feeds[g.version as usize]).collect()
    }

    /// Gap kinds of each class of nodes, as bits, and those that flow in from upstream.
    pub(super) fn gap_bits(&self, counts: impl Fn(GapKind) -> bool) -> (Vec<u64>, Vec<u64>) {
        let flow = self.flow();
        let mut own = vec![0; self.graph.nodes()];
        for gap in self.gaps().iter().filter(|g| counts(g.kind)) {
            own[flow.class(gap.version) as usize] |= gap.kind.bit();
        }
        let inflow = flow.propagate(&own, |_, own, flowed| own | flowed);
        (own, inflow)
    }

    fn gap(&self, kind: GapKind, version: Version, run: Option<u32>, detail: impl Into<String>) -> Gap {
        let row = self.graph.version(version);
        let started = run.and_then(|r| self.graph.run(r).started_at);
        // Versions that were there before they were seen are valid since ever, which is no date to show.
        let known = || if row.valid_from > 0 { row.valid_from } else { row.recorded.recorded_at };
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
                Link::Direct(EdgeType::Contains | EdgeType::CopyOf | EdgeType::NearDuplicate) => {}
                Link::Direct(_) if edge.run != NONE => {
                    let said = matches!(edge.evidence, Evidence::Explicit | Evidence::Column | Evidence::Manual);
                    // That a base model is named says nothing of the data.
                    let of_data = !model || graph.kind(source) == Kind::Data;
                    *runs.entry(edge.run).or_insert(false) |= said && of_data;
                }
                _ if edge.run != NONE => _ = runs.entry(edge.run).or_insert(false),
                _ => {}
            }
            explained = true;
        }
        for (run, said) in runs {
            if !said && !graph.run(run).inputs_known {
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
        let is_data = |(source, _): &(u32, &Edge)| self.graph.kind(*source) == Kind::Data;
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

    fn scan_gap(&self, version: Version, scanned: &Scanned, gaps: &mut Vec<Gap>) {
        if scanned.partly.contains(&version) {
            gaps.push(self.gap(GapKind::ScanIncomplete, version, None, "the scan did not see all of it"));
        } else if !scanned.seen[version as usize] {
            gaps.push(self.gap(GapKind::DataNotScanned, version, None, "never scanned at this version"));
        }
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

    fn scanned(&self, counts: impl Fn(&super::Scan) -> bool) -> Scanned {
        let mut scanned = self.covered(counts);
        let graph = &*self.graph;
        for finding in graph.findings.iter().filter(|f| f.origin != "declared") {
            if let Some(version) = graph.by_version_id(finding.version_id) {
                scanned.set(version, finding.origin != "scan" || finding.coverage >= 1.0);
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
        for version in graph.versions() {
            let (row, asset) = (graph.version(version), graph.asset(version));
            let content = contents(row).find_map(|hash| by_content.get(&Some(hash)).copied());
            let name = by_name.get(&(&asset.asset_type, &asset.namespace, &asset.name));
            let name = name.filter(|s| row.valid_from <= s.scanned_at && row.valid_to.is_none_or(|t| s.scanned_at < t));
            if let Some(complete) = content.or(name.map(|s| s.complete)) {
                scanned.set(version, complete);
            }
        }
        scanned
    }

    /// A scan of the whole is one of its members and of its copies; scans of all members are one of the whole.
    fn spread(&self, scanned: &mut Scanned) {
        let graph = &*self.graph;
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

    fn all_members_seen(&self, whole: Version, scanned: &Scanned) -> bool {
        self.members(whole).all(|member| scanned.seen[member as usize])
    }

    /// The versions that a version contains.
    pub(super) fn members(&self, whole: Version) -> impl Iterator<Item = Version> {
        let contains = |link| link == Link::Direct(EdgeType::Contains);
        self.entering(whole).filter(move |(_, e)| contains(e.link)).map(|(node, _)| node)
    }

    /// The nearest gap of one of these kinds at a version or upstream of it, for the reason of an answer.
    pub(super) fn gap_upstream(
        &self,
        version: Version,
        counts: impl Fn(GapKind) -> bool,
        seen: &mut Seen,
    ) -> Option<&Gap> {
        seen.clear();
        seen.insert(version);
        let mut open = vec![version];
        let mut next = 0;
        while let Some(&node) = open.get(next) {
            next += 1;
            if !self.graph.is_run(node)
                && let Some(gap) = self.gaps_of(node).iter().find(|g| counts(g.kind))
            {
                return Some(gap);
            }
            open.extend(self.entering(node).filter(|(n, e)| e.carries && seen.insert(*n)).map(|(n, _)| n));
        }
        None
    }

    /// The gaps of one version itself.
    pub fn gaps_of(&self, version: Version) -> &[Gap] {
        let gaps = self.gaps();
        let from = gaps.partition_point(|g| g.version < version);
        let to = gaps.partition_point(|g| g.version <= version);
        &gaps[from..to]
    }
}

struct Scanned {
    seen: Vec<bool>,
    partly: HashSet<Version>,
}

impl Scanned {
    fn set(&mut self, version: Version, complete: bool) {
        self.seen[version as usize] = true;
        if !complete {
            self.partly.insert(version);
        }
    }
}

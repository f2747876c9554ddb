//! Where a tag is: every version that has it, and how it got there.

use super::build::{Kind, Link, Version};
use super::csr::Bits;
use super::questions::{Status, What};
use super::walk::{Direction, View};
use crate::rows::Micros;
use lineward_events::EdgeType;
use std::collections::{HashMap, HashSet};

/// How a version has a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExposedStatus {
    /// As a model is, or data: observed, inherited or contradicted.
    Has(Status),
    /// It would have flowed in, were it not cleared on the way, and was not seen.
    Cleared,
}

impl ExposedStatus {
    /// The name used in tables, as `observed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Has(status) => status.as_str(),
            Self::Cleared => "cleared",
        }
    }
}

/// A version that has a tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposed {
    /// The version.
    pub version: Version,
    /// How.
    pub status: ExposedStatus,
    /// Hops from the nearest version it was seen in; 0 where it was seen in this one.
    pub min_depth: Option<u32>,
    /// A deployment that is active, or a model that one serves.
    pub deployed: bool,
    /// What is not known upstream of it.
    pub gap_reason: Option<String>,
}

/// Where ways begin.
#[derive(Debug)]
pub(super) struct Beginnings {
    /// Versions that were asked for, and their members.
    asked: Bits,
    /// Versions in which a tag was seen.
    seen: Bits,
}

impl View {
    /// All versions that have what was asked for, in their order.
    pub fn exposure(&self, what: &What) -> Vec<Exposed> {
        let (graph, flow) = (&*self.graph, self.flow());
        let tag = self.tracer(what, true);
        let hiding = matches!(what, What::Versions(_));
        let gap_bits = self.gap_bits(hiding);
        let deployed = self.deployed();
        let mut exposed = Vec::new();
        for version in graph.versions().filter(|&v| self.exists(v)) {
            let class = flow.class(version) as usize;
            let has = tag.observed[class] | tag.inflow[class] != 0;
            let status = match (has, graph.kind(version)) {
                (true, Kind::Model) => ExposedStatus::Has(tag.status(class)),
                (true, _) if tag.contradicted[class] != 0 => ExposedStatus::Has(Status::Contradicted),
                (true, _) if tag.observed[class] != 0 => ExposedStatus::Has(Status::Observed),
                (true, _) => ExposedStatus::Has(Status::Inherited),
                (false, _) if tag.cleared.get(class).is_some_and(|c| *c != 0) => ExposedStatus::Cleared,
                (false, _) => continue,
            };
            let gaps = gap_bits[class];
            exposed.push(Exposed {
                version,
                status,
                min_depth: tag.depth[version as usize].filter(|_| has),
                deployed: deployed[version as usize],
                gap_reason: (gaps != 0).then(|| self.gap_reason(version, gaps, hiding)),
            });
        }
        exposed
    }

    /// Where each of some things was itself seen, or what was asked for.
    pub(super) fn beginnings(&self, whats: &[What]) -> Beginnings {
        let graph = &*self.graph;
        let (mut asked, mut seen) = (Bits::new(graph.nodes()), Bits::new(graph.nodes()));
        for what in whats {
            match what {
                What::Versions(versions) => self.with_members(versions).iter().for_each(|v| _ = asked.insert(*v)),
                What::Tag(tag) => {
                    let tagged = graph.tagged(tag).filter_map(|f| graph.by_version_id(f.version_id));
                    tagged.for_each(|version| _ = seen.insert(version));
                }
            }
        }
        Beginnings { asked, seen }
    }

    /// Of some versions those where ways begin: it was seen in them, in what they are copies of, or in their members. Only
    /// these are looked at: a tag may have been seen in very many others.
    pub(super) fn begun_among(&self, beginnings: &Beginnings, among: &[Version]) -> Vec<Version> {
        // Whatever hands its content on to them as it is, and theirs in turn.
        let mut all: Vec<Version> = among.to_vec();
        let mut met: HashSet<Version, ahash::RandomState> = all.iter().copied().collect();
        let mut hands_on: HashMap<Version, Vec<Version>, ahash::RandomState> = HashMap::default();
        let mut next = 0;
        while let Some(&version) = all.get(next) {
            next += 1;
            for (node, _) in self.next(Direction::Upstream, version).filter(|(_, edge)| self.is_same(*edge)) {
                hands_on.entry(node).or_default().push(version);
                if met.insert(node) {
                    all.push(node);
                }
            }
        }
        let mut open: Vec<Version> = all.iter().copied().filter(|version| beginnings.seen.get(*version)).collect();
        let mut has: HashSet<Version, ahash::RandomState> = open.iter().copied().collect();
        while let Some(version) = open.pop() {
            let others = hands_on.get(&version).into_iter().flatten();
            open.extend(others.copied().filter(|other| has.insert(*other)));
        }
        let begins =
            |version: &Version| has.contains(version) && self.exists(*version) || beginnings.asked.get(*version);
        among.iter().copied().filter(begins).collect()
    }

    /// An edge over which a content is handed on as it is: into a copy, or into what it is a member of.
    fn is_same(&self, edge: u32) -> bool {
        let class = &self.graph.classes[self.graph.edges.attributes(edge).class as usize];
        matches!(class.link, Link::Direct(EdgeType::Contains | EdgeType::CopyOf))
    }

    /// Versions of which it is not known what they have: something at them or upstream of them is a gap. Of a tag every gap
    /// counts; data that was asked for flows in without being searched, so that only hidden inputs do.
    pub fn unknown_to(&self, what: &What) -> usize {
        let (flow, gap_bits) = (self.flow(), self.gap_bits(matches!(what, What::Versions(_))));
        let unknown = |v: &Version| self.exists(*v) && gap_bits[flow.class(*v) as usize] != 0;
        self.graph.versions().filter(unknown).count()
    }

    /// The nearest thing not known that hides what flows into a version, at it or upstream of it.
    pub fn hidden_upstream(&self, version: Version) -> Option<super::Gap> {
        self.gap_upstream(version, true)
    }

    /// The nearest thing not known at a version or upstream of it, of all kinds or of those that hide inputs.
    pub fn gap_upstream(&self, version: Version, hiding: bool) -> Option<super::Gap> {
        let nearest = self.nearest_gap(version, hiding)?;
        self.gaps_of(nearest).into_iter().find(|g| g.kind.counts(hiding))
    }
}

impl super::LineageGraph {
    /// Since when something is known: a version, a run or a scan. A version that is its content has no beginning. All of
    /// them are looked at once, since every question about a time asks.
    pub fn begins(&self) -> Option<Micros> {
        *self.begins.get_or_init(|| {
            let versions = self.versions().map(|version| self.versions.valid_from(version));
            let runs = (0u32..).take(self.runs.len()).map(|run| self.runs.began(run));
            let scans = self.scans.iter().map(|scan| scan.scanned_at);
            versions.chain(runs).chain(scans).filter(|at| *at > 0).min()
        })
    }
}

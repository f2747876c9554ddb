//! Walks over the graph: what is upstream or downstream of a set of versions, breadth first.

use super::build::{Edge, Kind, LineageGraph, Link, NONE, Version};
use super::csr::{Attributes, Bits, Seen};
use super::field_labels::FieldTags;
use super::flow::Flow;
use super::gaps::Scanned;
use super::labels::Labels;
use super::questions::Answers;
use crate::rows::Micros;
use lineward_events::{EdgeType, Evidence};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Which way to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the sources.
    Upstream,
    /// Towards what was made from it.
    Downstream,
}

impl Direction {
    /// The other one.
    pub(super) fn against(self) -> Self {
        match self {
            Self::Upstream => Self::Downstream,
            Self::Downstream => Self::Upstream,
        }
    }
}

/// A version a walk reached, and the hop by which it was reached first.
#[derive(Debug, Clone, PartialEq)]
pub struct Reached {
    /// The version.
    pub version: Version,
    /// The version the walk began at.
    pub seed: Version,
    /// Hops from the seed; a run in between does not count.
    pub depth: u32,
    /// What the hop means.
    pub edge_type: EdgeType,
    /// The run that made the hop, as an index for [`LineageGraph::run`].
    pub run: Option<u32>,
    /// How the hop is known.
    pub evidence: Evidence,
    /// How far the hop is believed, 0 to 1.
    pub confidence: f32,
    /// The walk stopped here by its depth, and there is more beyond.
    pub cut: bool,
}

/// A version a walk reached, as it is noted on the way: [`View::reached`] says what the hop means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The version.
    pub version: Version,
    /// The version the walk began at.
    pub seed: Version,
    /// Hops from the seed; a run in between does not count.
    pub depth: u32,
    /// The walk stopped here by its depth, and there is more beyond.
    pub cut: bool,
    pub(super) edge: u32,
    pub(super) second: u32,
}

/// A step from one version to another, straight or through a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Hop {
    /// Where the data comes from.
    pub src: Version,
    /// Where it goes.
    pub dst: Version,
    /// What the hop means.
    pub edge_type: EdgeType,
    /// The run that made it, as an index for [`LineageGraph::run`].
    pub run: Option<u32>,
    /// How it is known.
    pub evidence: Evidence,
    /// How far it is believed, 0 to 1.
    pub confidence: f32,
    /// The producer says that values are masked on the way.
    pub masking: bool,
    /// What is in the source gets into the destination; false for evaluation.
    pub carries: bool,
    /// Since when it holds.
    pub valid_from: Micros,
    /// Until when, exclusive; [`Micros::MAX`] where it still holds.
    pub valid_to: Micros,
}

/// A graph as valid at one time. What is expensive (order, labels, gaps) is computed once and kept.
#[derive(Debug)]
pub struct View {
    pub(super) graph: Arc<LineageGraph>,
    valid: Option<Micros>,
    pub(super) at: Micros,
    /// Findings made after this time do not count.
    pub(super) seen_until: Micros,
    /// Which edges hold, a bit each, once enough of them were asked about.
    holds: OnceLock<Bits>,
    pub(super) flow: OnceLock<Flow>,
    pub(super) labels: OnceLock<Labels>,
    pub(super) field_tags: OnceLock<Vec<FieldTags>>,
    pub(super) scanned: OnceLock<Scanned>,
    pub(super) gaps: OnceLock<Vec<u8>>,
    pub(super) gap_flow: [OnceLock<Vec<u8>>; 2],
    pub(super) nearest: [OnceLock<Vec<Version>>; 2],
    pub(super) deployed: OnceLock<Vec<bool>>,
    pub(super) answers: Answers,
}

/// Versions a walk reaches before it is worth to look at all edges once.
pub(super) const MANY: usize = 20_000;

impl View {
    /// The graph at a time; with `None` at the end of all times, which is the present.
    pub fn new(graph: Arc<LineageGraph>, valid: Option<Micros>) -> Self {
        // An open end is `MAX`, so that the present is just before it.
        let at = valid.unwrap_or(Micros::MAX - 1);
        Self {
            graph,
            valid,
            at,
            seen_until: Micros::MAX,
            holds: OnceLock::new(),
            flow: OnceLock::new(),
            labels: OnceLock::new(),
            field_tags: OnceLock::new(),
            scanned: OnceLock::new(),
            gaps: OnceLock::new(),
            gap_flow: [const { OnceLock::new() }; 2],
            nearest: [const { OnceLock::new() }; 2],
            deployed: OnceLock::new(),
            answers: Answers::default(),
        }
    }

    /// The same graph at another time.
    pub fn at(&self, valid: Micros) -> Self {
        Self::new(self.graph.clone(), Some(valid))
    }

    /// The same graph at another time, with the findings that were made until then.
    pub(super) fn as_seen_at(&self, valid: Micros) -> Self {
        Self { seen_until: valid, ..self.at(valid) }
    }

    /// The graph.
    pub fn graph(&self) -> &LineageGraph {
        &self.graph
    }

    /// The time asked for.
    pub fn valid(&self) -> Option<Micros> {
        self.valid
    }

    /// Whether a version existed.
    pub fn exists(&self, version: Version) -> bool {
        self.graph.versions.valid_from(version) <= self.at
    }

    /// Whether an edge holds.
    pub(super) fn live(&self, edge: u32) -> bool {
        match self.holds.get() {
            Some(bits) => bits.get(edge),
            None => self.holds_at(self.graph.edges.attributes(edge)),
        }
    }

    fn holds_at(&self, edge: &Attributes) -> bool {
        edge.valid_from <= self.at && self.at < edge.valid_to
    }

    /// Looks at the times of all edges at once: what follows asks about many of them.
    pub(super) fn look_at_all(&self) -> &Bits {
        self.holds.get_or_init(|| self.graph.edges.bits(|edge| self.holds_at(edge)))
    }

    /// The live edges that enter a node, with the nodes they come from.
    pub(super) fn entering(&self, node: u32) -> impl Iterator<Item = (u32, Edge)> {
        self.next(Direction::Upstream, node).map(|(node, edge)| (node, self.edge(node, edge)))
    }

    /// The live edges that leave a node, with the nodes they go to.
    pub(super) fn leaving(&self, node: u32) -> impl Iterator<Item = (u32, Edge)> {
        self.next(Direction::Downstream, node).map(move |(to, edge)| (to, self.edge(node, edge)))
    }

    /// All that is known of an edge.
    pub(super) fn edge(&self, src: u32, index: u32) -> Edge {
        let own = self.graph.edges.attributes(index);
        let class = self.graph.classes[own.class as usize];
        Edge { src, class, run: own.run, valid_from: own.valid_from, valid_to: own.valid_to }
    }

    /// The live edges at a node in a direction: the node at the other end, and the edge.
    pub(super) fn next(&self, direction: Direction, node: u32) -> impl Iterator<Item = (u32, u32)> {
        let edges = &self.graph.edges;
        let (halves, leaving) = match direction {
            Direction::Upstream => (edges.entering(node), None),
            Direction::Downstream => (&[][..], Some(edges.leaving(node))),
        };
        let entering = halves.iter().map(|half| (half.node, half.edge));
        let leaving = leaving.into_iter().flatten().map(|edge| (edges.to(edge), edge));
        entering.chain(leaving).filter(|(_, edge)| self.live(*edge))
    }

    /// Everything reachable from the seeds within `max_depth` hops, nearest first, each version once; a seed is part of it
    /// where another seed reaches it. Evaluation hops are walked too and say so.
    pub fn walk(&self, direction: Direction, seeds: &[Version], max_depth: Option<u32>) -> Vec<Reached> {
        self.steps(direction, seeds, max_depth).iter().map(|step| self.reached(direction, step)).collect()
    }

    /// What the hop means by which a walk reached a version.
    pub fn reached(&self, direction: Direction, step: &Step) -> Reached {
        let (first, through_run) = (self.graph.edges.attributes(step.edge), step.second != NONE);
        let class = &self.graph.classes[first.class as usize];
        // A run that is read from and written to: the source's membership tells how the hop is known.
        let reads = match (through_run, direction) {
            (true, Direction::Upstream) => &self.graph.classes[self.graph.edges.attributes(step.second).class as usize],
            _ => class,
        };
        Reached {
            version: step.version,
            seed: step.seed,
            depth: step.depth,
            edge_type: self.edge_type(direction, step),
            run: (first.run != NONE).then_some(first.run),
            evidence: reads.evidence,
            confidence: reads.confidence,
            cut: step.cut,
        }
    }

    fn edge_type(&self, direction: Direction, step: &Step) -> EdgeType {
        let class = |edge: u32| self.graph.classes[self.graph.edges.attributes(edge).class as usize];
        match (class(step.edge).link, direction) {
            (Link::Direct(EdgeType::Derived), _) if self.embeds(step.edge) => EdgeType::EmbeddedInto,
            (Link::Direct(edge_type), _) => edge_type,
            _ if step.second == NONE => EdgeType::Derived,
            (_, Direction::Upstream) => {
                self.through_run(step.version, self.graph.edges.to(step.edge), class(step.edge).carries)
            }
            (_, Direction::Downstream) => {
                self.through_run(self.graph.edges.from(step.edge), step.version, class(step.second).carries)
            }
        }
    }

    /// All hops from a version in a direction, each with its ends in the direction of the data.
    pub fn hops(&self, direction: Direction, from: Version) -> Vec<Hop> {
        self.hops_to(direction, from, &|_| true)
    }

    /// As [`Self::hops`], those to versions that are wanted.
    pub(super) fn hops_to(&self, direction: Direction, from: Version, is_wanted: &dyn Fn(Version) -> bool) -> Vec<Hop> {
        let mut hops = Vec::new();
        let mut add = |version: Version, edge: u32, second: u32| {
            if !is_wanted(version) {
                return;
            }
            hops.push(self.whole_hop(
                direction,
                from,
                Step { version, seed: from, depth: 1, cut: false, edge, second },
            ));
        };
        for (node, edge) in self.next(direction, from) {
            if !self.graph.is_run(node) {
                add(node, edge, NONE);
                continue;
            }
            for (version, second) in self.next(direction, node) {
                add(version, edge, second);
            }
        }
        hops
    }

    fn whole_hop(&self, direction: Direction, from: Version, step: Step) -> Hop {
        let reached = self.reached(direction, &step);
        let (src, dst) = match direction {
            Direction::Upstream => (step.version, from),
            Direction::Downstream => (from, step.version),
        };
        let first = self.edge(src, step.edge);
        let second = (step.second != NONE).then(|| self.edge(src, step.second));
        let other = second.as_ref().unwrap_or(&first);
        Hop {
            src,
            dst,
            edge_type: reached.edge_type,
            run: reached.run,
            evidence: reached.evidence,
            confidence: reached.confidence,
            masking: first.masking,
            carries: first.carries && other.carries,
            valid_from: first.valid_from.max(other.valid_from),
            valid_to: first.valid_to.min(other.valid_to),
        }
    }

    /// The runs that wrote some versions, whether or not it is known from what: run and version, in their order.
    pub fn written(&self, versions: &BTreeSet<Version>) -> Vec<(u32, Version)> {
        let later = &self.graph.later_outputs;
        let held = self.graph.outputs.iter().filter(|output| !later.contains_key(&output.run));
        let written = held.chain(later.values().flatten()).filter(|output| output.at <= self.at);
        let wanted = written.filter(|output| versions.contains(&output.version));
        let all: BTreeSet<_> = wanted.map(|output| (output.run, output.version)).collect();
        all.into_iter().collect()
    }

    /// Whether a walk downstream from one version comes to another.
    pub fn reaches(&self, from: Version, to: Version) -> bool {
        let mut seen = Seen::new(self.graph.nodes());
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for (next, _) in self.next(Direction::Downstream, node) {
                if next == to {
                    return true;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        false
    }

    /// Whether an edge leads from data into an index. That it is one may be said after what it is made of, so no row of
    /// `edges` has to say it.
    fn embeds(&self, edge: u32) -> bool {
        let (graph, edges) = (&*self.graph, &self.graph.edges);
        // Where an edge begins is searched for.
        graph.kind(edges.to(edge)) == Kind::Index && graph.kind(edges.from(edge)) == Kind::Data
    }

    /// What a run that reads `input` and writes `output` makes of them.
    fn through_run(&self, input: Version, output: Version, carries: bool) -> EdgeType {
        match (self.graph.kind(input), self.graph.kind(output)) {
            (_, Kind::Model) if !carries => EdgeType::EvaluatedOn,
            (Kind::Model, Kind::Model) => EdgeType::FineTunedFrom,
            (Kind::Data | Kind::Index, Kind::Model) => EdgeType::TrainedOn,
            (Kind::Data, Kind::Index) => EdgeType::EmbeddedInto,
            (Kind::Model, Kind::Deployment) => EdgeType::DeployedAs,
            _ => EdgeType::Derived,
        }
    }
}

//! Walks over the graph: what is upstream or downstream of a set of versions, breadth first.

use super::build::{Edge, Kind, LineageGraph, Link, NONE, Version};
use super::csr::{Half, Seen};
use super::flow::Flow;
use super::gaps::Gap;
use super::labels::Labels;
use crate::rows::Micros;
use lineward_events::{EdgeType, Evidence};
use std::sync::{Arc, OnceLock};

/// Which way to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the sources.
    Upstream,
    /// Towards what was made from it.
    Downstream,
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
    pub(super) flow: OnceLock<Flow>,
    pub(super) labels: OnceLock<Labels>,
    pub(super) gaps: OnceLock<Vec<Gap>>,
}

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
            flow: OnceLock::new(),
            labels: OnceLock::new(),
            gaps: OnceLock::new(),
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
        self.graph.version(version).valid_from <= self.at
    }

    pub(super) fn live(&self, edge: &Edge) -> bool {
        edge.valid_from <= self.at && self.at < edge.valid_to
    }

    /// The live edges that enter a node, with the nodes they come from.
    pub(super) fn entering(&self, node: u32) -> impl Iterator<Item = (u32, &Edge)> {
        self.ends(self.graph.into.of(node))
    }

    /// The live edges that leave a node, with the nodes they go to.
    pub(super) fn leaving(&self, node: u32) -> impl Iterator<Item = (u32, &Edge)> {
        self.ends(self.graph.out.of(node))
    }

    fn ends<'a>(&'a self, halves: &'a [Half]) -> impl Iterator<Item = (u32, &'a Edge)> {
        let edges = halves.iter().map(|half| (half.node, &self.graph.edges[half.edge as usize]));
        edges.filter(|(_, edge)| self.live(edge))
    }

    fn next(&self, direction: Direction, node: u32) -> impl Iterator<Item = (u32, &Edge)> {
        self.ends(match direction {
            Direction::Upstream => self.graph.into.of(node),
            Direction::Downstream => self.graph.out.of(node),
        })
    }

    /// Everything reachable from the seeds within `max_depth` hops, nearest first, each version once; the seeds
    /// themselves are not part of it. Evaluation hops are walked too and say so.
    pub fn walk(&self, direction: Direction, seeds: &[Version], max_depth: Option<u32>) -> Vec<Reached> {
        let mut seen = Seen::new(self.graph.nodes());
        let mut frontier: Vec<(Version, Version)> =
            seeds.iter().filter(|&&s| seen.insert(s)).map(|&s| (s, s)).collect();
        let mut reached: Vec<Reached> = Vec::new();
        let mut depth = 0;
        while !frontier.is_empty() {
            depth += 1;
            if max_depth.is_some_and(|max| depth > max) {
                self.mark_cut(direction, &mut reached, depth - 1, &mut seen);
                break;
            }
            let from = reached.len();
            for (version, seed) in frontier.drain(..) {
                self.step(direction, version, &mut seen, |hop| reached.push(Reached { seed, depth, ..hop }));
            }
            frontier.extend(reached[from..].iter().map(|r| (r.version, r.seed)));
        }
        reached
    }

    /// All versions one hop away that were not seen, straight or through a run.
    fn step(&self, direction: Direction, from: Version, seen: &mut Seen, mut found: impl FnMut(Reached)) {
        for (node, edge) in self.next(direction, from) {
            if !seen.insert(node) {
                continue;
            }
            if !self.graph.is_run(node) {
                found(self.hop(node, from, edge, None));
                continue;
            }
            for (version, second) in self.next(direction, node) {
                if seen.insert(version) {
                    found(self.hop(version, from, edge, Some(second)));
                }
            }
        }
    }

    /// All hops from a version in a direction, each with its ends in the direction of the data.
    pub fn hops(&self, direction: Direction, from: Version) -> Vec<Hop> {
        let mut hops = Vec::new();
        for (node, edge) in self.next(direction, from) {
            if !self.graph.is_run(node) {
                hops.push(self.whole_hop(direction, from, node, edge, None));
                continue;
            }
            for (version, second) in self.next(direction, node) {
                hops.push(self.whole_hop(direction, from, version, edge, Some(second)));
            }
        }
        hops
    }

    fn whole_hop(&self, direction: Direction, from: Version, to: Version, edge: &Edge, second: Option<&Edge>) -> Hop {
        let reached = self.hop(to, from, edge, second);
        let (src, dst) = match direction {
            Direction::Upstream => (to, from),
            Direction::Downstream => (from, to),
        };
        let both = |of: &dyn Fn(&Edge) -> Micros, pick: fn(Micros, Micros) -> Micros| {
            second.map_or(of(edge), |second| pick(of(edge), of(second)))
        };
        Hop {
            src,
            dst,
            edge_type: reached.edge_type,
            run: reached.run,
            evidence: reached.evidence,
            confidence: reached.confidence,
            masking: edge.masking,
            carries: edge.carries && second.is_none_or(|e| e.carries),
            valid_from: both(&|e| e.valid_from, Micros::max),
            valid_to: both(&|e| e.valid_to, Micros::min),
        }
    }

    /// Whether a walk downstream from one version comes to another.
    pub fn reaches(&self, from: Version, to: Version) -> bool {
        let mut seen = Seen::new(self.graph.nodes());
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for (next, _) in self.leaving(node) {
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

    /// The hop over one edge, or over two edges with a run in between.
    fn hop(&self, version: Version, from: Version, edge: &Edge, second: Option<&Edge>) -> Reached {
        let (read, edge_type) = match (edge.link, second) {
            (Link::Direct(edge_type), _) => (edge, edge_type),
            (Link::Read, Some(written)) => (edge, self.through_run(from, version, written)),
            (Link::Written, Some(read)) => (read, self.through_run(version, from, edge)),
            (_, None) => (edge, EdgeType::Derived),
        };
        Reached {
            version,
            seed: from,
            depth: 0,
            edge_type,
            run: (edge.run != NONE).then_some(edge.run),
            evidence: read.evidence,
            confidence: read.confidence,
            cut: false,
        }
    }

    /// What a run that reads `input` and writes `output` makes of them.
    pub(super) fn through_run(&self, input: Version, output: Version, written: &Edge) -> EdgeType {
        match (self.graph.kind(input), self.graph.kind(output)) {
            (_, Kind::Model) if !written.carries => EdgeType::EvaluatedOn,
            (Kind::Model, Kind::Model) => EdgeType::FineTunedFrom,
            (Kind::Data, Kind::Model) => EdgeType::TrainedOn,
            (Kind::Model, Kind::Deployment) => EdgeType::DeployedAs,
            _ => EdgeType::Derived,
        }
    }

    fn mark_cut(&self, direction: Direction, reached: &mut [Reached], depth: u32, seen: &mut Seen) {
        for row in reached.iter_mut().filter(|r| r.depth == depth) {
            row.cut = self.next(direction, row.version).any(|(node, _)| {
                if !self.graph.is_run(node) {
                    return !seen.contains(node);
                }
                self.next(direction, node).any(|(version, _)| !seen.contains(version))
            });
        }
    }
}

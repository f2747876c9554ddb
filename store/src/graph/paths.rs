//! Paths between versions, shortest first: the evidence behind an answer.

use super::build::Version;
use super::questions::What;
use super::walk::{Direction, Hop, View};
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};

/// Partial paths that are looked at before a search gives up: dense graphs have more paths than anybody reads.
const STEPS_MAX: usize = 200_000;

/// Paths without a repeated version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Paths {
    /// Each from a source to a target, shortest first; equal lengths in the order of their versions.
    pub paths: Vec<Vec<Hop>>,
    /// The search gave up before it had as many as were wanted.
    pub stopped: bool,
}

impl View {
    /// Up to `max` shortest paths from any source to any target. Evaluation hops count only where `evaluation`.
    pub fn paths(&self, sources: &[Version], targets: &[Version], max: usize, evaluation: bool) -> Paths {
        let near = |hops: &Distances| sources.iter().copied().filter(|source| hops.contains_key(source)).collect();
        self.paths_from(&near, targets, max, evaluation)
    }

    /// Up to `max` shortest paths by which any of what was asked for got into any target: from versions in which it was
    /// itself seen, or which were asked for.
    pub fn exposure_paths(&self, whats: &[What], targets: &[Version], max: usize) -> Paths {
        // A tag may be seen in very many versions, and only those near the targets matter.
        let beginnings = self.beginnings(whats);
        let near = |hops: &Distances| {
            let mut among: Vec<Version> = hops.keys().copied().collect();
            among.sort_unstable();
            self.begun_among(&beginnings, &among)
        };
        self.paths_from(&near, targets, max, false)
    }

    /// `sources` tells where paths may begin, among versions of which it is known how far they are from a target.
    fn paths_from(
        &self,
        sources: &dyn Fn(&Distances) -> Vec<Version>,
        targets: &[Version],
        max: usize,
        evaluation: bool,
    ) -> Paths {
        // What is nearer to a target than the longest path that is wanted is mostly little, and it holds all shorter
        // paths: so it is looked at first, then farther, until there are enough or nothing is left. A hop more is several
        // times as much, so that nothing is lost by small steps.
        let mut left = Left::new(targets);
        let mut length = LENGTH;
        loop {
            let whole = self.look_back(&mut left, length, evaluation);
            let length_max = if whole { u32::MAX } else { length };
            let found = self.paths_within(&sources(&left.hops), targets, &left.hops, (max, length_max), evaluation);
            if whole || found.stopped || found.paths.len() >= max {
                return found;
            }
            length = if length < LENGTH_SMALL { length + 1 } else { length * 2 };
        }
    }

    /// Those of at most a length, of versions that are at most so far from a target.
    fn paths_within(
        &self,
        sources: &[Version],
        targets: &[Version],
        left: &Distances,
        (max, length_max): (usize, u32),
        evaluation: bool,
    ) -> Paths {
        let mut open = BinaryHeap::new();
        let mut order = 0usize;
        for source in sources {
            open.push(Reverse((left[source] as usize, order, Partial { at: *source, hops: Vec::new() })));
            order += 1;
        }
        let mut found = Paths::default();
        let mut steps = 0;
        while found.paths.len() < max
            && let Some(Reverse((length, _, partial))) = open.pop()
        {
            if length > length_max as usize {
                break;
            }
            steps += 1;
            if steps > STEPS_MAX {
                found.stopped = true;
                break;
            }
            if !partial.hops.is_empty() && targets.contains(&partial.at) {
                found.paths.push(partial.hops);
                continue;
            }
            // The distance that is left never misleads, so that the first paths found are the shortest.
            let so_far = partial.hops.len() + 1;
            let leads_on = |next: Version| {
                left.get(&next).is_some_and(|rest| so_far + *rest as usize <= length_max as usize)
                    && !partial.visits(next)
            };
            for hop in self.hops_by_target(partial.at, evaluation, &leads_on) {
                let rest = left[&hop.dst];
                let mut hops = partial.hops.clone();
                let at = hop.dst;
                hops.push(hop);
                open.push(Reverse((hops.len() + rest as usize, order, Partial { at, hops })));
                order += 1;
            }
        }
        found
    }

    /// Hops downstream to versions that lead on, one for each: of several, the one that is believed most.
    fn hops_by_target(&self, from: Version, evaluation: bool, leads_on: &dyn Fn(Version) -> bool) -> Vec<Hop> {
        let mut best: Vec<Hop> = Vec::new();
        // What does not lead on is left out first: much more is made from a version that many use than lies on any path.
        let mut hops = self.hops_to(Direction::Downstream, from, leads_on);
        hops.retain(|h| (evaluation || h.carries) && h.dst != from);
        hops.sort_by(|a, b| a.dst.cmp(&b.dst).then(b.confidence.total_cmp(&a.confidence)));
        for hop in hops {
            if best.last().is_none_or(|b| b.dst != hop.dst) {
                best.push(hop);
            }
        }
        best
    }

    /// Goes on with how many hops versions are away from the nearest target, up to a number; whether nothing is beyond.
    fn look_back(&self, left: &mut Left, length: u32, evaluation: bool) -> bool {
        let graph = &*self.graph;
        let carries = |edge: u32| evaluation || graph.classes[graph.edges.attributes(edge).class as usize].carries;
        while left.depth < length && !left.frontier.is_empty() {
            left.depth += 1;
            let mut next = Vec::new();
            let mut visit = |version: Version, hops: &mut Distances| {
                if let Entry::Vacant(place) = hops.entry(version) {
                    place.insert(left.depth);
                    next.push(version);
                }
            };
            for version in std::mem::take(&mut left.frontier) {
                for (node, _) in self.next(Direction::Upstream, version).filter(|(_, edge)| carries(*edge)) {
                    if !graph.is_run(node) {
                        visit(node, &mut left.hops);
                        continue;
                    }
                    let read = self.next(Direction::Upstream, node).filter(|(_, edge)| carries(*edge));
                    read.for_each(|(source, _)| visit(source, &mut left.hops));
                }
            }
            left.frontier = next;
        }
        left.frontier.is_empty()
    }
}

type Distances = HashMap<Version, u32, ahash::RandomState>;

/// Hops that are first looked at.
const LENGTH: u32 = 2;
/// Hops up to which one more is looked at at a time.
const LENGTH_SMALL: u32 = 6;

/// How far versions are from the nearest target, as far as it was looked at.
struct Left {
    hops: Distances,
    frontier: Vec<Version>,
    depth: u32,
}

impl Left {
    fn new(targets: &[Version]) -> Self {
        Self { hops: targets.iter().map(|t| (*t, 0)).collect(), frontier: targets.to_vec(), depth: 0 }
    }
}

#[derive(Debug)]
struct Partial {
    at: Version,
    hops: Vec<Hop>,
}

impl Partial {
    fn visits(&self, version: Version) -> bool {
        self.at == version || self.hops.iter().any(|h| h.src == version)
    }
}

// The heap orders by length and by age; what a partial path holds is never compared.
impl PartialEq for Partial {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Partial {}

impl PartialOrd for Partial {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Partial {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

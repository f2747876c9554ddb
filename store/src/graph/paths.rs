//! Paths between versions, shortest first: the evidence behind an answer.

use super::build::Version;
use super::walk::{Direction, Hop, View};
use std::cmp::Reverse;
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
        let left = self.hops_left(targets, evaluation);
        let mut open = BinaryHeap::new();
        let mut order = 0usize;
        for source in sources.iter().filter(|s| left.contains_key(s)) {
            open.push(Reverse((left[source] as usize, order, Partial { at: *source, hops: Vec::new() })));
            order += 1;
        }
        let mut found = Paths::default();
        let mut steps = 0;
        while found.paths.len() < max
            && let Some(Reverse((_, _, partial))) = open.pop()
        {
            steps += 1;
            if steps > STEPS_MAX {
                found.stopped = true;
                break;
            }
            if !partial.hops.is_empty() && targets.contains(&partial.at) {
                found.paths.push(partial.hops);
                continue;
            }
            for hop in self.hops_by_target(partial.at, evaluation) {
                // The distance that is left never misleads, so that the first paths found are the shortest.
                let Some(rest) = left.get(&hop.dst).filter(|_| !partial.visits(hop.dst)) else { continue };
                let mut hops = partial.hops.clone();
                let at = hop.dst;
                hops.push(hop);
                open.push(Reverse((hops.len() + *rest as usize, order, Partial { at, hops })));
                order += 1;
            }
        }
        found
    }

    /// Hops downstream, one for each version reached: of several, the one that is believed most.
    fn hops_by_target(&self, from: Version, evaluation: bool) -> Vec<Hop> {
        let mut best: Vec<Hop> = Vec::new();
        let mut hops = self.hops(Direction::Downstream, from);
        hops.retain(|h| (evaluation || h.carries) && h.dst != from);
        hops.sort_by(|a, b| a.dst.cmp(&b.dst).then(b.confidence.total_cmp(&a.confidence)));
        for hop in hops {
            if best.last().is_none_or(|b| b.dst != hop.dst) {
                best.push(hop);
            }
        }
        best
    }

    /// How many hops each version is away from the nearest target.
    fn hops_left(&self, targets: &[Version], evaluation: bool) -> HashMap<Version, u32> {
        let mut left: HashMap<Version, u32> = targets.iter().map(|t| (*t, 0)).collect();
        let mut frontier: Vec<Version> = targets.to_vec();
        let mut depth = 0;
        while !frontier.is_empty() {
            depth += 1;
            let mut next = Vec::new();
            for version in frontier {
                for hop in self.hops(Direction::Upstream, version) {
                    if (evaluation || hop.carries) && !left.contains_key(&hop.src) {
                        left.insert(hop.src, depth);
                        next.push(hop.src);
                    }
                }
            }
            frontier = next;
        }
        left
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

//! Which versions a walk reaches, nearest first, level by level. A level of many versions is shared among threads, with the
//! same answer: each notes in order what it meets in its part, and one goes through their notes.

use super::build::{NONE, Version};
use super::csr::Bits;
use super::threads;
use super::walk::{Direction, MANY, Step, View};
use std::collections::{BTreeSet, HashSet};

/// How levels are shared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sharing {
    pub threads: usize,
    /// Versions in a level from which on it is shared.
    pub from: usize,
}

impl Sharing {
    /// Among as many threads as there are processors, where it is worth their start.
    pub fn usual() -> Self {
        Self { threads: threads::count(), from: 1 << 12 }
    }
}

/// A node at the end of an edge, or of a second one where a run lies between.
#[derive(Debug, Clone, Copy)]
struct Met {
    node: u32,
    seed: Version,
    edge: u32,
    second: u32,
}

impl Met {
    fn step(&self, depth: u32) -> Step {
        Step { version: self.node, seed: self.seed, depth, cut: false, edge: self.edge, second: self.second }
    }
}

/// The versions that a walk began at, where they are several: one that another leads to is reached as well.
struct Seeds {
    all: Bits,
    reached: Bits,
    steps: Vec<Step>,
    /// Those from which a way leads back to them. The nodes on it are told to be reached from this one, and not whether
    /// others lead to it.
    around: BTreeSet<Version>,
}

impl Seeds {
    fn meet(&mut self, met: &Met, depth: u32) {
        if self.all.get(met.node) {
            if met.node == met.seed {
                self.around.insert(met.node);
            } else if self.reached.insert(met.node) {
                self.steps.push(met.step(depth));
            }
        }
    }
}

/// A walk under way.
struct Walk<'a> {
    view: &'a View,
    direction: Direction,
    /// Only edges of these classes are walked, where it is not all.
    classes: Option<&'a [bool]>,
    seen: Bits,
    steps: Vec<Step>,
    seeds: Option<Seeds>,
}

impl Walk<'_> {
    /// Goes on level by level from some versions, each the seed of what is reached from it. The depth it came to, and how
    /// many were reached last and not gone on from.
    fn go(&mut self, from: &[Version], max_depth: Option<u32>, sharing: Sharing) -> (u32, usize) {
        let mut from: Vec<(Version, Version)> = from.iter().map(|version| (*version, *version)).collect();
        let mut depth = 0;
        while !from.is_empty() && max_depth.is_none_or(|max| depth < max) {
            let start = self.steps.len();
            if start + from.len() > MANY {
                self.view.look_at_all();
            }
            depth += 1;
            self.level(&from, depth, sharing);
            from.clear();
            from.extend(self.steps[start..].iter().map(|step| (step.version, step.seed)));
        }
        (depth, from.len())
    }

    /// All that is one hop away from these versions, each with the seed it was reached from.
    fn level(&mut self, from: &[(Version, Version)], depth: u32, sharing: Sharing) {
        let (view, direction, classes) = (self.view, self.direction, self.classes);
        if sharing.threads < 2 || from.len() < sharing.from {
            from.iter().for_each(|one| view.look(direction, classes, *one, |met| self.take(&met, depth)));
            return;
        }
        let this = &*self;
        let parts = from.chunks(from.len().div_ceil(sharing.threads));
        let notes = threads::each(parts.collect(), |part| this.notes(part));
        let mut is_known = false;
        for met in notes.iter().flatten() {
            // What lies behind a run is noted behind it, and was taken with the run where that was.
            if met.second == NONE {
                is_known = !self.take(met, depth);
            } else if !is_known {
                self.take(met, depth);
            }
        }
    }

    /// Takes in a node; false where it was seen before.
    fn take(&mut self, met: &Met, depth: u32) -> bool {
        let is_new = self.seen.insert(met.node);
        match &mut self.seeds {
            _ if is_new && !self.view.graph.is_run(met.node) => self.steps.push(met.step(depth)),
            Some(seeds) if !is_new => seeds.meet(met, depth),
            _ => {}
        }
        is_new
    }

    /// What is met on the way from these versions for the first time, and each seed as often as it is met.
    fn notes(&self, from: &[(Version, Version)]) -> Vec<Met> {
        let mut seen = self.seen.clone();
        let mut notes = Vec::new();
        for one in from {
            self.view.look(self.direction, self.classes, *one, |met| {
                let is_new = seen.insert(met.node);
                if is_new || self.seeds.as_ref().is_some_and(|seeds| seeds.all.get(met.node)) {
                    notes.push(met);
                }
                is_new
            });
        }
        notes
    }
}

impl View {
    /// As [`Self::walk`], without what each hop means.
    pub fn steps(&self, direction: Direction, seeds: &[Version], max_depth: Option<u32>) -> Vec<Step> {
        self.steps_shared(direction, seeds, max_depth, Sharing::usual())
    }

    pub(super) fn steps_shared(
        &self,
        direction: Direction,
        seeds: &[Version],
        max_depth: Option<u32>,
        sharing: Sharing,
    ) -> Vec<Step> {
        let mut seen = Bits::new(self.graph.nodes());
        let first: Vec<Version> = seeds.iter().copied().filter(|seed| seen.insert(*seed)).collect();
        let several = || Seeds {
            all: seen.clone(),
            reached: Bits::new(self.graph.nodes()),
            steps: Vec::new(),
            around: BTreeSet::new(),
        };
        let seeds = (first.len() > 1).then(several);
        let mut walk = Walk { view: self, direction, classes: None, seen, steps: Vec::new(), seeds };
        let (depth, left) = walk.go(&first, max_depth, sharing);
        let Walk { seen, mut steps, seeds, .. } = walk;
        // What is left was reached by the last level that was asked for.
        let last = steps.len() - if depth == 0 { 0 } else { left };
        for step in &mut steps[last..] {
            step.cut = self.goes_on(direction, step.version, &seen);
        }
        if let Some(seeds) = seeds {
            let mut reached = self.seeds_reached(direction, &steps, seeds);
            reached.retain(|step| max_depth.is_none_or(|max| step.depth <= max));
            if !reached.is_empty() {
                steps.append(&mut reached);
                steps.sort_by_key(|step| step.depth);
            }
        }
        steps
    }

    /// What flows out of some versions by edges of some classes to what was not seen before, nearest first.
    pub(super) fn flows_out(&self, from: &[Version], classes: &[bool], seen: &mut Bits, sharing: Sharing) -> Vec<Step> {
        let own = std::mem::replace(seen, Bits::new(0));
        let direction = Direction::Downstream;
        let mut walk =
            Walk { view: self, direction, classes: Some(classes), seen: own, steps: Vec::new(), seeds: None };
        walk.go(from, None, sharing);
        *seen = walk.seen;
        walk.steps
    }

    /// The seeds that others lead to.
    fn seeds_reached(&self, direction: Direction, steps: &[Step], seeds: Seeds) -> Vec<Step> {
        let mut reached = seeds.steps;
        if seeds.around.is_empty() {
            return reached;
        }
        let mut places = vec![NONE; self.graph.nodes()];
        for (place, step) in steps.iter().enumerate() {
            places[step.version as usize] = place as u32;
        }
        let held = |version: Version| match steps.get(places[version as usize] as usize) {
            Some(step) => Some((step.seed, step.depth)),
            None => seeds.all.get(version).then_some((version, 0)),
        };
        let against = direction.against();
        reached.retain(|step| !seeds.around.contains(&step.version));
        reached.extend(seeds.around.iter().filter_map(|seed| self.nearest_other(against, *seed, &held)));
        reached
    }

    /// What one hop leads to from a version that was reached from a seed, straight or through a run. `enter` tells whether
    /// to go on behind a run.
    fn look(
        &self,
        direction: Direction,
        classes: Option<&[bool]>,
        (from, seed): (Version, Version),
        mut enter: impl FnMut(Met) -> bool,
    ) {
        let class = |edge: u32| self.graph.edges.attributes(edge).class as usize;
        let walked = |(_, edge): &(u32, u32)| classes.is_none_or(|classes| classes[class(*edge)]);
        for (node, edge) in self.next(direction, from).filter(walked) {
            if enter(Met { node, seed, edge, second: NONE }) && self.graph.is_run(node) {
                for (version, second) in self.next(direction, node).filter(walked) {
                    enter(Met { node: version, seed, edge, second });
                }
            }
        }
    }

    /// How the nearest other seed leads to a seed that leads back to itself. The nodes on such a way are told to be reached
    /// from this one: so the search goes against the direction through them to those that are told to be another's, and on
    /// that one's way from there. `held` tells from which seed, and how far from it, a version was reached.
    pub(super) fn nearest_other(
        &self,
        against: Direction,
        seed: Version,
        held: &impl Fn(Version) -> Option<(Version, u32)>,
    ) -> Option<Step> {
        let mut met = HashSet::from([seed]);
        let mut open: Vec<(Version, Option<(u32, u32)>)> = vec![(seed, None)];
        let (mut hops, mut nearest) = (0, None::<Step>);
        while !open.is_empty() && nearest.is_none_or(|step| hops < step.depth) {
            hops += 1;
            for (from, last) in std::mem::take(&mut open) {
                self.look(against, None, (from, seed), |way| {
                    if !met.insert(way.node) {
                        return false;
                    }
                    if self.graph.is_run(way.node) {
                        return true;
                    }
                    // The last hop, in the direction of the walk.
                    let own = if way.second == NONE { (way.edge, NONE) } else { (way.second, way.edge) };
                    let (edge, second) = last.unwrap_or(own);
                    match held(way.node) {
                        Some((other, _)) if other == seed => open.push((way.node, Some((edge, second)))),
                        Some((other, depth)) if nearest.is_none_or(|step| depth + hops < step.depth) => {
                            let depth = depth + hops;
                            nearest = Some(Step { version: seed, seed: other, depth, cut: false, edge, second });
                        }
                        _ => {}
                    }
                    true
                });
            }
        }
        nearest
    }

    /// Whether a walk that ends at a version would reach more.
    pub(super) fn goes_on(&self, direction: Direction, version: Version, seen: &Bits) -> bool {
        self.next(direction, version).any(|(node, _)| {
            if !self.graph.is_run(node) {
                return !seen.get(node);
            }
            self.next(direction, node).any(|(version, _)| !seen.get(version))
        })
    }
}

//! Which versions a walk reaches, level by level, and nothing of the ways to them: for questions that ask what there is and
//! how far it is away. Nothing but a bit is kept of a node, and of several seeds which one it was reached from, so that
//! threads share a level without telling each other in which order they met what; [`super::reach`] knows the ways.

use super::build::{NONE, Version};
use super::csr::Bits;
use super::reach::Sharing;
use super::walk::{Direction, MANY, Step, View};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Versions of a level that a thread takes at a time; one in tests, so that threads share the levels of small graphs.
const SHARE: usize = if cfg!(test) { 1 } else { 1 << 10 };

/// Versions whose edges are read from memory at once.
const FEW: usize = 16;

/// What a walk reached, nearest first, equally near ones in the order of their numbers.
#[derive(Debug, Default)]
pub struct Levels {
    versions: Vec<Version>,
    /// Where each level ends in `versions`.
    ends: Vec<usize>,
    /// Where there is one seed, this one.
    seed: Option<Version>,
    /// Else the one that each node was reached from.
    owners: Owners,
    /// Versions of the last level that there is more beyond, where the walk ended by its depth.
    cut: Vec<Version>,
}

impl Levels {
    /// How many versions were reached.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Some of them as steps of which it is not known by what edge they were made.
    pub fn steps(&self, range: Range<usize>) -> Vec<Step> {
        let mut level = self.level_of(range.start);
        let step = |at: usize| {
            while self.ends.get(level).is_some_and(|end| *end <= at) {
                level += 1;
            }
            let version = self.versions[at];
            let cut = level + 1 == self.ends.len() && self.cut.binary_search(&version).is_ok();
            let seed = self.seed.unwrap_or_else(|| self.owners.get(version));
            Step { version, seed, depth: level as u32 + 1, cut, edge: NONE, second: NONE }
        };
        range.map(step).collect()
    }

    fn level_of(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end <= at)
    }

    /// Puts seeds that others lead to in their places: each with how far it is away, and from which seed.
    fn take_in(&mut self, seeds: &BTreeMap<Version, (u32, Version)>) {
        let mut levels: BTreeMap<usize, Vec<Version>> = BTreeMap::new();
        for (seed, (depth, other)) in seeds {
            levels.entry(*depth as usize - 1).or_default().push(*seed);
            self.owners.set(*seed, *other);
        }
        let mut all = Self { versions: Vec::with_capacity(self.len() + seeds.len()), ..Self::default() };
        let count = self.ends.len().max(levels.keys().last().map_or(0, |last| last + 1));
        let mut start = 0;
        for level in 0..count {
            let end = self.ends.get(level).copied().unwrap_or(start);
            let first = all.versions.len();
            all.versions.extend(&self.versions[start..end]);
            all.versions.extend(levels.remove(&level).unwrap_or_default());
            all.versions[first..].sort_unstable();
            all.ends.push(all.versions.len());
            start = end;
        }
        (self.versions, self.ends) = (all.versions, all.ends);
    }
}

/// The seed that each node was reached from, plus one: memory that is zero costs nothing until it is used.
#[derive(Debug, Default)]
struct Owners(Vec<u32>);

impl Owners {
    fn get(&self, node: u32) -> Version {
        self.0[node as usize].wrapping_sub(1)
    }

    fn set(&mut self, node: u32, owner: Version) {
        self.0[node as usize] = owner.wrapping_add(1);
    }
}

/// Several seeds, and what is met of them.
struct Seeds {
    all: Bits,
    owners: Owners,
    /// Those that others lead to, with how far they are away and from which.
    reached: BTreeMap<Version, (u32, Version)>,
    /// Those from which a way leads back to them. The nodes on it are told to be reached from this one, and not whether
    /// others lead to it.
    around: BTreeSet<Version>,
}

impl Seeds {
    fn new(seeds: &[Version], all: &Bits, nodes: usize) -> Self {
        let mut owners = Owners(vec![0; nodes]);
        seeds.iter().for_each(|seed| owners.set(*seed, *seed));
        Self { all: all.clone(), owners, reached: BTreeMap::new(), around: BTreeSet::new() }
    }

    /// Takes in what threads met in a level. A node that several met is any one's: all of them are equally near.
    fn take_in(&mut self, met: Told, depth: u32) {
        met.owned.into_iter().for_each(|(node, owner)| self.owners.set(node, owner));
        for (seed, from) in met.seeds {
            if seed == from {
                self.around.insert(seed);
            } else {
                self.reached.entry(seed).or_insert((depth, from));
            }
        }
    }
}

/// What a thread has to tell of a level of a walk from several seeds.
#[derive(Debug, Default)]
struct Told {
    /// Nodes, each with the seed it was reached from.
    owned: Vec<(u32, Version)>,
    /// Seeds that were met, each with the seed from which.
    seeds: Vec<(Version, Version)>,
}

impl Told {
    fn append(&mut self, other: &mut Self) {
        self.owned.append(&mut other.owned);
        self.seeds.append(&mut other.seeds);
    }
}

/// What was met on the way from a level.
struct Met<'a> {
    /// What was seen before the level, where it is not among what is fresh.
    before: Option<&'a Bits>,
    fresh: &'a mut Bits,
    /// Runs that were met, and not gone on from.
    runs: Vec<u32>,
    seeds: Option<&'a Seeds>,
    told: Told,
    /// Seeds that were told: from themselves, and from others. Very many edges may lead to one.
    around: Option<Bits>,
    reached: Option<Bits>,
}

impl<'a> Met<'a> {
    fn new(before: Option<&'a Bits>, fresh: &'a mut Bits, seeds: Option<&'a Seeds>) -> Self {
        Self { before, fresh, runs: Vec::new(), seeds, told: Told::default(), around: None, reached: None }
    }

    #[inline]
    fn is_known(&self, node: u32) -> bool {
        self.before.is_some_and(|seen| seen.get(node)) || self.fresh.get(node)
    }

    fn owner(&self, node: u32) -> Version {
        self.seeds.map_or(NONE, |seeds| seeds.owners.get(node))
    }

    fn meet_seed(&mut self, seed: Version, from: Version, nodes: usize) {
        let told = if seed == from { &mut self.around } else { &mut self.reached };
        if told.get_or_insert_with(|| Bits::new(nodes)).insert(seed) {
            self.told.seeds.push((seed, from));
        }
    }

    /// Takes in a node that is live at an edge's other end.
    fn note(&mut self, node: u32, owner: Version, is_run: bool, tell: &mut impl FnMut(Version)) {
        self.fresh.insert(node);
        if self.seeds.is_some() {
            self.told.owned.push((node, owner));
        }
        match is_run {
            true => self.runs.push(node),
            false => tell(node),
        }
    }
}

impl View {
    /// The versions that a walk reaches within `max_depth` hops, without the ways to them; a seed is among them where
    /// another seed reaches it.
    pub fn levels(&self, direction: Direction, seeds: &[Version], max_depth: Option<u32>) -> Levels {
        self.levels_shared(direction, seeds, max_depth, Sharing::usual())
    }

    pub(super) fn levels_shared(
        &self,
        direction: Direction,
        seeds: &[Version],
        max_depth: Option<u32>,
        sharing: Sharing,
    ) -> Levels {
        let nodes = self.graph.nodes();
        let mut seen = Bits::new(nodes);
        let mut first: Vec<Version> = seeds.iter().copied().filter(|seed| seen.insert(*seed)).collect();
        first.sort_unstable();
        let mut seeds = (first.len() > 1).then(|| Seeds::new(&first, &seen, nodes));
        let mut found = Levels { seed: first.first().copied(), ..Levels::default() };
        let (mut nexts, mut level) = (Vec::new(), 0..0);
        while max_depth.is_none_or(|max| (found.ends.len() as u32) < max) {
            let from = if found.ends.is_empty() { &first[..] } else { &found.versions[level.clone()] };
            if level.start + from.len() > MANY {
                self.look_at_all();
            }
            let (mut next, mut told) = (Vec::new(), Told::default());
            if sharing.threads < 2 || from.len() < sharing.from {
                (next, told) = self.level(direction, from, &mut seen, seeds.as_ref());
            } else {
                nexts.resize_with(sharing.threads, || (Bits::new(nodes), Told::default()));
                self.level_shared(direction, from, &seen, seeds.as_ref(), &mut nexts);
                seen.take_in(nexts.iter_mut().map(|(next, _)| next).collect(), |node| {
                    if !self.graph.is_run(node) {
                        next.push(node);
                    }
                });
                nexts.iter_mut().for_each(|(_, of_thread)| told.append(of_thread));
            }
            if let Some(seeds) = &mut seeds {
                seeds.take_in(told, found.ends.len() as u32 + 1);
            }
            if next.is_empty() {
                break;
            }
            level = found.versions.len()..found.versions.len() + next.len();
            match found.versions.is_empty() {
                true => found.versions = next,
                false => found.versions.append(&mut next),
            }
            found.ends.push(found.versions.len());
        }
        // A walk that came to its end before the depth asked for left nothing.
        if max_depth.is_some_and(|max| max as usize == found.ends.len()) {
            let goes_on = |version: &Version| self.goes_on(direction, *version, &seen);
            found.cut = found.versions[level].iter().copied().filter(goes_on).collect();
        }
        if let Some(seeds) = seeds {
            self.add_seeds(direction, seeds, max_depth, &mut found);
        }
        found
    }

    /// Adds the seeds that others lead to.
    fn add_seeds(&self, direction: Direction, mut seeds: Seeds, max_depth: Option<u32>, found: &mut Levels) {
        (found.seed, found.owners) = (None, seeds.owners);
        if !seeds.around.is_empty() {
            let mut places = vec![NONE; self.graph.nodes()];
            for (place, version) in (0u32..).zip(&found.versions) {
                places[*version as usize] = place;
            }
            let held = |version: Version| match places[version as usize] {
                NONE => seeds.all.get(version).then_some((version, 0)),
                place => Some((found.owners.get(version), found.level_of(place as usize) as u32 + 1)),
            };
            for seed in &seeds.around {
                match self.nearest_other(direction.against(), *seed, &held) {
                    Some(step) => _ = seeds.reached.insert(*seed, (step.depth, step.seed)),
                    None => _ = seeds.reached.remove(seed),
                }
            }
        }
        seeds.reached.retain(|_, (depth, _)| max_depth.is_none_or(|max| *depth <= max));
        if !seeds.reached.is_empty() {
            found.take_in(&seeds.reached);
        }
    }

    /// The versions one hop away from some, in the order of their numbers, and the seeds that were met.
    fn level(
        &self,
        direction: Direction,
        from: &[Version],
        seen: &mut Bits,
        seeds: Option<&Seeds>,
    ) -> (Vec<Version>, Told) {
        let mut next = Vec::new();
        let mut met = Met::new(None, seen, seeds);
        for version in from {
            self.meet(direction, *version, |edge| self.live(edge), &mut met, |version| next.push(version));
        }
        next.sort_unstable();
        (next, met.told)
    }

    /// Notes the nodes one hop away from some versions, those behind runs too, each with the thread that met it.
    fn level_shared(
        &self,
        direction: Direction,
        from: &[Version],
        seen: &Bits,
        seeds: Option<&Seeds>,
        nexts: &mut [(Bits, Told)],
    ) {
        let (taken, holds) = (AtomicUsize::new(0), self.look_at_all());
        let work = |(next, told): &mut (Bits, Told)| {
            let mut met = Met::new(Some(seen), next, seeds);
            loop {
                let start = taken.fetch_add(SHARE, Ordering::Relaxed);
                if start >= from.len() {
                    break;
                }
                for few in from[start..from.len().min(start + SHARE)].chunks(FEW) {
                    self.graph.edges.touch(few, direction == Direction::Upstream);
                    for version in few {
                        self.meet(direction, *version, |edge| holds.get(edge), &mut met, |_| {});
                    }
                }
            }
            *told = met.told;
        };
        std::thread::scope(|scope| {
            let (own, others) = nexts.split_at_mut(1);
            for next in others {
                scope.spawn(|| work(next));
            }
            own.iter_mut().for_each(work);
        });
    }

    /// Notes what is one hop away from a version, straight or behind a run, and tells of the versions among it.
    #[inline]
    fn meet(
        &self,
        direction: Direction,
        from: Version,
        live: impl Fn(u32) -> bool,
        met: &mut Met<'_>,
        mut tell: impl FnMut(Version),
    ) {
        let owner = met.owner(from);
        self.meet_straight(direction, (from, owner), &live, met, &mut tell);
        while let Some(run) = met.runs.pop() {
            self.meet_straight(direction, (run, owner), &live, met, &mut tell);
        }
    }

    /// Notes the nodes at the other ends of a node's edges. Whether a node was seen is asked first: most were, and the edge
    /// lies farther away than that bit.
    #[inline]
    fn meet_straight(
        &self,
        direction: Direction,
        (from, owner): (u32, Version),
        live: &impl Fn(u32) -> bool,
        met: &mut Met<'_>,
        tell: &mut impl FnMut(Version),
    ) {
        let edges = &self.graph.edges;
        match direction {
            Direction::Upstream => {
                for half in edges.entering(from) {
                    self.look_at((half.node, half.edge), owner, live, met, tell);
                }
            }
            Direction::Downstream => {
                for edge in edges.leaving(from) {
                    self.look_at((edges.to(edge), edge), owner, live, met, tell);
                }
            }
        }
    }

    #[inline]
    fn look_at(
        &self,
        (node, edge): (u32, u32),
        owner: Version,
        live: &impl Fn(u32) -> bool,
        met: &mut Met<'_>,
        tell: &mut impl FnMut(Version),
    ) {
        if met.is_known(node) {
            if met.seeds.is_some_and(|seeds| seeds.all.get(node)) && live(edge) {
                met.meet_seed(node, owner, self.graph.nodes());
            }
        } else if live(edge) {
            met.note(node, owner, self.graph.is_run(node), tell);
        }
    }
}

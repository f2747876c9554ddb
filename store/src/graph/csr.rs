//! Compressed adjacency: the edges of a node are one slice, in both directions.
//!
//! Edges are numbered in the order of their sources, so that what leaves a node lies together with all that is known
//! of it, and passes over the whole graph read memory in order. What enters a node refers to these numbers.

use super::threads;
use crate::rows::Micros;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// An edge before it has its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linked {
    pub src: u32,
    pub dst: u32,
    /// Index into the classes.
    pub class: u32,
    /// Index of the run.
    pub run: u32,
    pub valid_from: Micros,
    pub valid_to: Micros,
}

impl Linked {
    fn attributes(&self) -> Attributes {
        Attributes { valid_from: self.valid_from, valid_to: self.valid_to, class: self.class, run: self.run }
    }
}

/// What an edge has of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attributes {
    pub valid_from: Micros,
    pub valid_to: Micros,
    pub class: u32,
    pub run: u32,
}

/// All edges: those the graph was built with, and what later epochs changed in them.
#[derive(Debug, Default)]
pub(super) struct Csr {
    base: Arc<Base>,
    tail: Tail,
}

/// The edges a graph was built with, shared by all graphs that grew from it.
#[derive(Debug, Default)]
struct Base {
    /// First edge that leaves each node.
    out: Vec<u32>,
    /// Where each edge goes.
    to: Vec<u32>,
    attributes: Vec<Attributes>,
    /// First of `halves` for each node.
    into: Vec<u32>,
    halves: Vec<Half>,
}

/// Edges that came later, numbered behind those of the base. A node at which anything changed has whole lists of its own.
#[derive(Debug, Default)]
struct Tail {
    from: Vec<u32>,
    to: Vec<u32>,
    attributes: Vec<Attributes>,
    /// Edges of the base that are no longer there.
    gone: Vec<u32>,
    leaving: Lists<u32>,
    entering: Lists<Half>,
}

/// Lists of some nodes.
#[derive(Debug)]
struct Lists<T> {
    places: HashMap<u32, Range<u32>, ahash::RandomState>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { places: HashMap::default(), items: Vec::new() }
    }
}

impl<T> Lists<T> {
    fn get(&self, node: u32) -> Option<&[T]> {
        if self.places.is_empty() {
            return None;
        }
        let place = self.places.get(&node)?;
        Some(&self.items[place.start as usize..place.end as usize])
    }

    fn add(&mut self, node: u32, list: Vec<T>) {
        let start = self.items.len() as u32;
        self.items.extend(list);
        self.places.insert(node, start..self.items.len() as u32);
    }
}

/// An edge as seen from its destination.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Half {
    /// The source.
    pub node: u32,
    /// Index of the edge.
    pub edge: u32,
}

/// First place of each group, of groups of these sizes; one more at the end.
fn starts(nodes: usize, of: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut starts = vec![0u32; nodes + 1];
    of.for_each(|node| starts[node as usize + 1] += 1);
    for i in 0..nodes {
        starts[i + 1] += starts[i];
    }
    starts
}

/// Edges from which on it is worth to share the work.
const MANY: usize = 100_000;

/// All nodes as ranges, one a thread, of about as many items each.
fn shares(starts: &[u32]) -> Vec<Range<usize>> {
    let (nodes, count) = (starts.len() - 1, starts.last().copied().unwrap_or(0) as usize);
    let threads = threads::of(count, MANY);
    let end = |thread: usize| match thread == threads {
        true => nodes,
        false => starts.partition_point(|start| (*start as usize) < count * thread / threads).min(nodes),
    };
    (0..threads).map(|thread| end(thread)..end(thread + 1)).collect()
}

/// Cuts the items of each share out of all.
fn cut<'a, T>(mut all: &'a mut [T], starts: &[u32], shares: &[Range<usize>]) -> Vec<&'a mut [T]> {
    let mut parts = Vec::with_capacity(shares.len());
    for share in shares {
        let (own, rest) = all.split_at_mut((starts[share.end] - starts[share.start]) as usize);
        parts.push(own);
        all = rest;
    }
    parts
}

/// The order of two edges between the same nodes.
pub(super) type Order<'a> = dyn Fn(&Attributes, &Attributes) -> Ordering + Sync + 'a;

impl Csr {
    /// The edges of a node lie in the order of the nodes at their other ends, edges between the same nodes in an order of
    /// their own: so a graph does not depend on the order in which its rows were read, and one that grew is as one that
    /// was built.
    pub fn new(nodes: usize, parts: Vec<Vec<Linked>>, order: &Order<'_>) -> Self {
        let count = parts.iter().map(Vec::len).sum();
        // Counted side by side, since each is a walk all over the nodes.
        let (out, into) = threads::both(
            || starts(nodes, parts.iter().flatten().map(|l| l.src)),
            || starts(nodes, parts.iter().flatten().map(|l| l.dst)),
        );
        let mut to = vec![0; count];
        let mut attributes = vec![Attributes::default(); count];
        let own = shares(&out);
        std::thread::scope(|scope| {
            let cuts = cut(&mut to, &out, &own).into_iter().zip(cut(&mut attributes, &out, &own));
            for (nodes, (to, attributes)) in own.iter().zip(cuts) {
                let (out, parts) = (&out[nodes.start..=nodes.end], &parts);
                scope.spawn(move || place_leaving(nodes, out, parts, (to, attributes), order));
            }
        });
        drop(parts);
        let mut halves = vec![Half::default(); count];
        let own = shares(&into);
        std::thread::scope(|scope| {
            for (nodes, halves) in own.iter().zip(cut(&mut halves, &into, &own)) {
                let (into, ends) = (&into[nodes.start..=nodes.end], (&out[..], &to[..]));
                scope.spawn(move || place_entering(nodes, into, ends, halves));
            }
        });
        Self { base: Arc::new(Base { out, to, attributes, into, halves }), tail: Tail::default() }
    }

    /// The edges of the base without those that are gone, and with new ones.
    pub fn grown(&self, gone: HashSet<u32, ahash::RandomState>, new: Vec<Linked>, order: &Order<'_>) -> Self {
        let first = self.base.to.len() as u32;
        let mut tail = Tail {
            from: new.iter().map(|l| l.src).collect(),
            to: new.iter().map(|l| l.dst).collect(),
            attributes: new.iter().map(Linked::attributes).collect(),
            ..Tail::default()
        };
        let (mut out, mut into): (Touched, Touched) = (Touched::default(), Touched::default());
        for &edge in &gone {
            out.entry(self.base.from(edge)).or_default();
            into.entry(self.base.to[edge as usize]).or_default();
        }
        for (edge, l) in (first..).zip(&new) {
            out.entry(l.src).or_default().push(edge);
            into.entry(l.dst).or_default().push(edge);
        }
        let attributes = |edge: u32| match edge.checked_sub(first) {
            Some(new) => &tail.attributes[new as usize],
            None => &self.base.attributes[edge as usize],
        };
        let to = |edge: u32| match edge.checked_sub(first) {
            Some(added) => new[added as usize].dst,
            None => self.base.to[edge as usize],
        };
        let (mut leaving, mut entering) = (Lists::default(), Lists::default());
        for (node, added) in out {
            let mut list: Vec<u32> = self.base.leaving(node).filter(|edge| !gone.contains(edge)).chain(added).collect();
            list.sort_by(|a, b| to(*a).cmp(&to(*b)).then_with(|| order(attributes(*a), attributes(*b))));
            leaving.add(node, list);
        }
        for (node, added) in into {
            let added = added.into_iter().map(|edge| Half { node: new[(edge - first) as usize].src, edge });
            let held = self.base.entering(node).iter().copied().filter(|half| !gone.contains(&half.edge));
            let mut list: Vec<Half> = held.chain(added).collect();
            list.sort_by(|a, b| a.node.cmp(&b.node).then_with(|| order(attributes(a.edge), attributes(b.edge))));
            entering.add(node, list);
        }
        tail.leaving = leaving;
        tail.entering = entering;
        tail.gone = gone.into_iter().collect();
        Self { base: self.base.clone(), tail }
    }

    /// Edges there are.
    pub fn len(&self) -> usize {
        self.numbers() - self.tail.gone.len()
    }

    /// Numbers of edges, of those that are gone too.
    fn numbers(&self) -> usize {
        self.base.to.len() + self.tail.to.len()
    }

    /// The edges that leave a node.
    pub fn leaving(&self, node: u32) -> impl Iterator<Item = u32> {
        let (range, list) = match self.tail.leaving.get(node) {
            Some(list) => (0..0, list),
            None => (self.base.leaving(node), &[][..]),
        };
        range.chain(list.iter().copied())
    }

    /// The edges that enter a node, with their sources.
    pub fn entering(&self, node: u32) -> &[Half] {
        self.tail.entering.get(node).unwrap_or_else(|| self.base.entering(node))
    }

    /// Begins to read the edges at some nodes: the memory of all of them is on its way at once, where looking through one
    /// node after the other would wait for each.
    pub fn touch(&self, nodes: &[u32], entering: bool) {
        let base = &*self.base;
        let ends = |starts: &[u32], node: u32| {
            let end = starts.get(node as usize + 1)?;
            let start = starts[node as usize];
            (start < *end).then(|| (start as usize, *end as usize - 1))
        };
        let touched = nodes.iter().fold(0, |all, node| match entering {
            true => ends(&base.into, *node).map_or(all, |(a, b)| all ^ base.halves[a].node ^ base.halves[b].node),
            false => ends(&base.out, *node).map_or(all, |(a, b)| all ^ base.to[a] ^ base.to[b]),
        });
        std::hint::black_box(touched);
    }

    /// Where an edge goes.
    pub fn to(&self, edge: u32) -> u32 {
        match self.base.to.get(edge as usize) {
            Some(to) => *to,
            None => self.tail.to[edge as usize - self.base.to.len()],
        }
    }

    /// Where an edge comes from, by search.
    pub fn from(&self, edge: u32) -> u32 {
        match (edge as usize).checked_sub(self.base.to.len()) {
            Some(new) => self.tail.from[new],
            None => self.base.from(edge),
        }
    }

    pub fn attributes(&self, edge: u32) -> &Attributes {
        match self.base.attributes.get(edge as usize) {
            Some(own) => own,
            None => &self.tail.attributes[edge as usize - self.base.to.len()],
        }
    }

    /// A bit for each edge, of what a function says of it; none for those that are gone.
    pub fn bits(&self, is: impl Fn(&Attributes) -> bool + Sync) -> Bits {
        // Whole words each.
        let shares = self.base.attributes.chunks(threads::share(self.base.attributes.len(), MANY).next_multiple_of(64));
        let parts = threads::each(shares.collect(), |part| Bits::of(part, &is).0);
        let mut bits = Bits(parts.concat());
        bits.0.resize(self.numbers().div_ceil(64), 0);
        for (edge, own) in (self.base.to.len() as u32..).zip(&self.tail.attributes) {
            if is(own) {
                bits.insert(edge);
            }
        }
        self.tail.gone.iter().for_each(|edge| bits.remove(*edge));
        bits
    }

    /// What all edges have of their own, in the order of their numbers; of those that are gone too.
    pub fn all(&self) -> impl Iterator<Item = &Attributes> {
        self.base.attributes.iter().chain(&self.tail.attributes)
    }
}

type Touched = HashMap<u32, Vec<u32>, ahash::RandomState>;

impl Base {
    fn leaving(&self, node: u32) -> Range<u32> {
        // Nodes that came later have nothing here.
        let end = self.out.get(node as usize + 1);
        end.map_or(0..0, |end| self.out[node as usize]..*end)
    }

    fn entering(&self, node: u32) -> &[Half] {
        let end = self.into.get(node as usize + 1);
        end.map_or(&[], |end| &self.halves[self.into[node as usize] as usize..*end as usize])
    }

    fn from(&self, edge: u32) -> u32 {
        self.out.partition_point(|first| *first <= edge) as u32 - 1
    }
}

/// Puts the edges that leave a range of nodes in their places. `out` has the first place of each of these nodes.
fn place_leaving(
    nodes: &Range<usize>,
    out: &[u32],
    parts: &[Vec<Linked>],
    (to, attributes): (&mut [u32], &mut [Attributes]),
    order: &Order<'_>,
) {
    let first = out[0];
    let out: Vec<u32> = out.iter().map(|start| start - first).collect();
    let mut next = out.clone();
    for l in parts.iter().flatten().filter(|l| nodes.contains(&(l.src as usize))) {
        let slot = &mut next[l.src as usize - nodes.start];
        to[*slot as usize] = l.dst;
        attributes[*slot as usize] = l.attributes();
        *slot += 1;
    }
    sort_lists(&out, to, attributes, order);
}

/// Puts the edges that enter a range of nodes in their places, in the order of their sources.
fn place_entering(nodes: &Range<usize>, into: &[u32], (out, to): (&[u32], &[u32]), halves: &mut [Half]) {
    let first = into[0];
    let mut next: Vec<u32> = into.iter().map(|start| start - first).collect();
    for (node, ends) in (0u32..).zip(out.windows(2)) {
        for edge in ends[0]..ends[1] {
            let dst = to[edge as usize] as usize;
            if nodes.contains(&dst) {
                let slot = &mut next[dst - nodes.start];
                halves[*slot as usize] = Half { node, edge };
                *slot += 1;
            }
        }
    }
}

/// Puts the edges of each node in order. Most of them are: rows come in the order in which things are made.
fn sort_lists(out: &[u32], to: &mut [u32], attributes: &mut [Attributes], order: &Order<'_>) {
    let mut list: Vec<(u32, Attributes)> = Vec::new();
    for ends in out.windows(2) {
        let range = ends[0] as usize..ends[1] as usize;
        let in_order = |at: usize| match to[at].cmp(&to[at + 1]) {
            Ordering::Equal => order(&attributes[at], &attributes[at + 1]) != Ordering::Greater,
            way => way == Ordering::Less,
        };
        if range.len() < 2 || (range.start..range.end - 1).all(in_order) {
            continue;
        }
        list.clear();
        list.extend(to[range.clone()].iter().copied().zip(attributes[range.clone()].iter().copied()));
        list.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| order(&a.1, &b.1)));
        for (at, (node, own)) in range.zip(&list) {
            to[at] = *node;
            attributes[at] = *own;
        }
    }
}

/// Nodes seen in the current walk, cleared in constant time.
#[derive(Debug)]
pub(super) struct Seen {
    stamps: Vec<u32>,
    stamp: u32,
}

impl Seen {
    pub fn new(nodes: usize) -> Self {
        Self { stamps: vec![0; nodes], stamp: 1 }
    }

    /// Marks a node; false where it was marked before.
    pub fn insert(&mut self, node: u32) -> bool {
        let fresh = self.stamps[node as usize] != self.stamp;
        self.stamps[node as usize] = self.stamp;
        fresh
    }

    /// Forgets all nodes.
    pub fn clear(&mut self) {
        if self.stamp == u32::MAX {
            self.stamps.fill(0);
            self.stamp = 0;
        }
        self.stamp += 1;
    }
}

/// One bit for each of many.
#[derive(Debug, Clone)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Of the values of a function, in order.
    pub fn of<T>(all: &[T], is: impl Fn(&T) -> bool) -> Self {
        let word = |chunk: &[T]| chunk.iter().enumerate().fold(0, |word, (i, item)| word | u64::from(is(item)) << i);
        Self(all.chunks(64).map(word).collect())
    }

    /// Takes out the first bit that is set from a place on.
    pub fn take(&mut self, from: u32) -> Option<u32> {
        let first = from as usize / 64;
        let word = *self.0.get(first)? & (u64::MAX << (from % 64));
        let (at, word) = match word {
            0 => (first + 1..self.0.len()).map(|at| (at, self.0[at])).find(|(_, word)| *word != 0)?,
            word => (first, word),
        };
        let bit = word.trailing_zeros();
        self.0[at] &= !(1 << bit);
        Some(at as u32 * 64 + bit)
    }

    pub fn get(&self, at: u32) -> bool {
        self.0[at as usize / 64] >> (at % 64) & 1 != 0
    }

    /// Adds the bits of others, which are empty then; tells of each bit that was in none of these, in order.
    pub fn take_in(&mut self, mut others: Vec<&mut Self>, mut fresh: impl FnMut(u32)) {
        for (at, held) in self.0.iter_mut().enumerate() {
            let new = others.iter_mut().fold(0, |all, other| all | std::mem::take(&mut other.0[at])) & !*held;
            *held |= new;
            let mut rest = new;
            while rest != 0 {
                fresh(at as u32 * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    fn remove(&mut self, at: u32) {
        self.0[at as usize / 64] &= !(1 << (at % 64));
    }

    /// Sets a bit; false where it was set before.
    pub fn insert(&mut self, at: u32) -> bool {
        let (word, bit) = (&mut self.0[at as usize / 64], 1 << (at % 64));
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many edges that they are shared among threads, in several parts, most of them at few nodes.
    #[test]
    fn edges_that_are_many_have_their_places() {
        let nodes = 1_000u32;
        let mut state = 7u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % bound) as u32
        };
        let mut all: Vec<Linked> = Vec::new();
        for run in 0..2 * MANY as u32 {
            let most = below(u64::from(nodes));
            let (src, dst) = (below(1 + u64::from(most)), below(u64::from(nodes)));
            all.push(Linked { src, dst, class: below(3), run, valid_from: 0, valid_to: 1 });
        }
        let parts: Vec<Vec<Linked>> = all.chunks(30_000).map(<[Linked]>::to_vec).collect();
        let order = |a: &Attributes, b: &Attributes| a.run.cmp(&b.run);
        // The last nodes have no edges at all.
        let csr = Csr::new(nodes as usize + 5, parts, &order);
        assert_eq!(csr.len(), all.len());
        all.sort_by_key(|l| (l.src, l.dst, l.run));
        for (edge, l) in (0u32..).zip(&all) {
            let own = csr.attributes(edge);
            assert_eq!((csr.from(edge), csr.to(edge), own.run, own.class), (l.src, l.dst, l.run, l.class), "{edge}");
        }
        let second = csr.bits(|own| own.class == 1);
        assert!((0..all.len() as u32).all(|edge| second.get(edge) == (csr.attributes(edge).class == 1)));
        let mut leaving = 0;
        for node in 0..nodes + 5 {
            leaving += csr.leaving(node).inspect(|edge| assert_eq!(csr.from(*edge), node)).count();
        }
        assert_eq!(leaving, all.len());
        all.sort_by_key(|l| (l.dst, l.src, l.run));
        let entering = (0..nodes + 5).flat_map(|node| csr.entering(node).iter().map(move |half| (node, *half)));
        let entering: Vec<(u32, Half)> = entering.collect();
        assert_eq!(entering.len(), all.len());
        for ((node, half), l) in entering.iter().zip(&all) {
            assert_eq!((*node, half.node, csr.attributes(half.edge).run), (l.dst, l.src, l.run));
        }
    }
}

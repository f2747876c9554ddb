//! Compressed adjacency: the edges of a node are one slice, in both directions.
//!
//! Edges are numbered in the order of their sources, so that what leaves a node lies together with all that is known
//! of it, and passes over the whole graph read memory in order. What enters a node refers to these numbers.

use crate::rows::Micros;
use std::ops::Range;

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

/// What an edge has of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attributes {
    pub valid_from: Micros,
    pub valid_to: Micros,
    pub class: u32,
    pub run: u32,
}

/// All edges.
#[derive(Debug, Default)]
pub(super) struct Csr {
    /// First edge that leaves each node.
    out: Vec<u32>,
    /// Where each edge goes.
    to: Vec<u32>,
    attributes: Vec<Attributes>,
    /// First of `halves` for each node.
    into: Vec<u32>,
    halves: Vec<Half>,
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

impl Csr {
    /// Edges from the same source keep their order, and so do edges into the same destination.
    pub fn new(nodes: usize, parts: Vec<Vec<Linked>>) -> Self {
        let count = parts.iter().map(Vec::len).sum();
        let out = starts(nodes, parts.iter().flatten().map(|l| l.src));
        let into = starts(nodes, parts.iter().flatten().map(|l| l.dst));
        let (mut next_out, mut next_into) = (out.clone(), into.clone());
        let mut to = vec![0; count];
        let mut attributes = vec![Attributes::default(); count];
        let mut halves = vec![Half::default(); count];
        for part in parts {
            for l in part {
                let slot = &mut next_out[l.src as usize];
                let edge = *slot;
                *slot += 1;
                to[edge as usize] = l.dst;
                attributes[edge as usize] =
                    Attributes { valid_from: l.valid_from, valid_to: l.valid_to, class: l.class, run: l.run };
                let slot = &mut next_into[l.dst as usize];
                halves[*slot as usize] = Half { node: l.src, edge };
                *slot += 1;
            }
        }
        Self { out, to, attributes, into, halves }
    }

    pub fn len(&self) -> usize {
        self.to.len()
    }

    /// The edges that leave a node.
    pub fn leaving(&self, node: u32) -> Range<u32> {
        self.out[node as usize]..self.out[node as usize + 1]
    }

    /// The edges that enter a node, with their sources.
    pub fn entering(&self, node: u32) -> &[Half] {
        &self.halves[self.into[node as usize] as usize..self.into[node as usize + 1] as usize]
    }

    /// Where an edge goes.
    pub fn to(&self, edge: u32) -> u32 {
        self.to[edge as usize]
    }

    /// Where an edge comes from, by search.
    pub fn from(&self, edge: u32) -> u32 {
        self.out.partition_point(|first| *first <= edge) as u32 - 1
    }

    pub fn attributes(&self, edge: u32) -> &Attributes {
        &self.attributes[edge as usize]
    }

    /// What all edges have of their own, in order.
    pub fn all(&self) -> &[Attributes] {
        &self.attributes
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
#[derive(Debug)]
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

    /// Sets a bit; false where it was set before.
    pub fn insert(&mut self, at: u32) -> bool {
        let (word, bit) = (&mut self.0[at as usize / 64], 1 << (at % 64));
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }
}

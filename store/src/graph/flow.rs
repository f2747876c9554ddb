//! Passing bits along all carrying edges at once.
//!
//! Copies (equal bytes) are one node here, so that a copy neither clears nor adds anything. Bits are only ever added, so
//! that any order of visits comes to the same end: first nodes are swept in the order of their ids, where most steps lead
//! forward; what is not at rest then goes in topological order, strongly connected nodes until nothing changes.

use super::build::{LineageGraph, Link};
use super::csr::Bits;
use super::threads;
use super::walk::View;
use lineward_events::EdgeType;
use std::ops::Range;
use std::sync::OnceLock;

/// The carrying edges at a time, between classes of equal content, in an order in which sources come first.
#[derive(Debug)]
pub(super) struct Flow {
    /// Node to the first node of its class.
    class: Vec<u32>,
    offsets: Vec<u32>,
    steps: Vec<Step>,
    order: OnceLock<Order>,
}

/// Strongly connected components, sources first.
#[derive(Debug)]
struct Order {
    nodes: Vec<u32>,
    /// Each a range of `nodes`.
    components: Vec<std::ops::Range<u32>>,
}

/// Times that steps are followed in the order of their sources before the order of components is worked out.
const SWEEPS_MAX: usize = 32;

/// An edge between classes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub dst: u32,
    /// Index of the edge's class in the graph; the highest bit says that the source is a member of the destination.
    class: u32,
}

const CONTAINS: u32 = 1 << 31;

impl Step {
    /// The source is a member of the destination.
    pub fn contains(&self) -> bool {
        self.class & CONTAINS != 0
    }

    /// Index of the edge's class.
    pub fn class(&self) -> usize {
        (self.class & !CONTAINS) as usize
    }
}

/// Some bits that travel together.
pub(super) trait Word: Copy + Default {
    fn or(self, other: Self) -> Self;
    fn is_zero(&self) -> bool;
    /// Adds bits; whether there were new ones.
    fn add(&mut self, bits: Self) -> bool;
}

macro_rules! word {
    ($($type:ty),*) => {$(
        impl Word for $type {
            fn or(self, other: Self) -> Self {
                self | other
            }

            fn is_zero(&self) -> bool {
                *self == 0
            }

            fn add(&mut self, bits: Self) -> bool {
                let fresh = bits & !*self != 0;
                *self |= bits;
                fresh
            }
        }
    )*};
}
word!(u8, u64);

/// A cache line of bits: it costs about as much to pass on as one word of it.
pub(super) type Line = [u64; 8];

impl Word for Line {
    fn or(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] | other[i])
    }

    fn is_zero(&self) -> bool {
        self.iter().all(|word| *word == 0)
    }

    fn add(&mut self, bits: Self) -> bool {
        let fresh = (0..8).any(|i| bits[i] & !self[i] != 0);
        *self = self.or(bits);
        fresh
    }
}

impl View {
    pub(super) fn flow(&self) -> &Flow {
        self.flow.get_or_init(|| {
            self.look_at_all();
            Flow::new(self)
        })
    }
}

impl Flow {
    fn new(view: &View) -> Self {
        let graph = &*view.graph;
        // What each class of edges is here: nothing, or a step.
        let steps_of: Vec<Option<u32>> = (0u32..)
            .zip(&graph.classes)
            .map(|(at, class)| match class.link {
                _ if !class.carries => None,
                Link::Direct(EdgeType::CopyOf) => None,
                Link::Direct(EdgeType::Contains) => Some(at | CONTAINS),
                _ => Some(at),
            })
            .collect();
        let copies = classes(graph, view);
        let nodes = graph.nodes() as u32;
        let of = |node: u32| copies.as_ref().map_or(node, |class| class[node as usize]);
        let of_nodes = |nodes: Range<u32>| {
            let mut part = Part::default();
            for node in nodes {
                let own = of(node);
                for edge in graph.edges.leaving(node).filter(|edge| view.live(*edge)) {
                    let Some(class) = steps_of[graph.edges.attributes(edge).class as usize] else { continue };
                    let step = Step { dst: of(graph.edges.to(edge)), class };
                    match own {
                        own if own == step.dst => {}
                        own if own == node => part.steps.push(step),
                        own => part.moved.push((own, step)),
                    }
                }
                part.ends.push(part.steps.len() as u32);
            }
            part
        };
        let parts = threads::each(ranges(nodes), of_nodes);
        let (mut offsets, mut steps, mut moved) = (vec![0u32], Vec::new(), Vec::new());
        for part in parts {
            let first = steps.len() as u32;
            offsets.extend(part.ends.iter().map(|end| first + end));
            match steps.is_empty() {
                true => steps = part.steps,
                false => steps.extend(part.steps),
            }
            moved.extend(part.moved);
        }
        if !moved.is_empty() {
            (offsets, steps) = with_moved(&offsets, &steps, moved);
        }
        let class = copies.unwrap_or_else(|| (0..nodes).collect());
        Self { class, offsets, steps, order: OnceLock::new() }
    }

    /// The node that stands for all copies of a node.
    pub fn class(&self, node: u32) -> u32 {
        self.class[node as usize]
    }

    fn steps(&self, node: u32) -> &[Step] {
        &self.steps[self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize]
    }

    /// What flows into each class: the OR over its in-edges of what `pass` lets through, given what the source has of
    /// its own and what flowed into it.
    pub fn propagate<W: Word>(&self, own: &[W], pass: impl Fn(&Step, W, W) -> W) -> Vec<W> {
        let mut inflow = vec![W::default(); own.len()];
        // Ids are given in the order in which things are made, so that nearly all steps lead to a higher one and few
        // sweeps do, each through memory in order. Nothing is lost where that fails: the rest goes by components.
        let mut open = Bits::of(own, |own| !own.is_zero());
        for _ in 0..SWEEPS_MAX {
            if !self.sweep(own, &mut inflow, &mut open, &pass) {
                return inflow;
            }
        }
        let Order { nodes, components } = self.order.get_or_init(|| self.condense());
        for component in components {
            let nodes = &nodes[component.start as usize..component.end as usize];
            loop {
                let mut changed = false;
                for &node in nodes {
                    let (own, flowed) = (own[node as usize], inflow[node as usize]);
                    if own.is_zero() && flowed.is_zero() {
                        continue;
                    }
                    for step in self.steps(node) {
                        changed |= inflow[step.dst as usize].add(pass(step, own, flowed));
                    }
                }
                if nodes.len() == 1 || !changed {
                    break;
                }
            }
        }
        inflow
    }

    /// What the last step brings into each class, once everything has flowed.
    pub fn arriving<W: Word>(&self, own: &[W], inflow: &[W], pass: impl Fn(&Step, W, W) -> W) -> Vec<W> {
        let mut arrived = vec![W::default(); own.len()];
        for (node, (own, flowed)) in (0u32..).zip(own.iter().zip(inflow)) {
            if own.is_zero() && flowed.is_zero() {
                continue;
            }
            for step in self.steps(node) {
                arrived[step.dst as usize].add(pass(step, *own, *flowed));
            }
        }
        arrived
    }

    /// Follows the steps of all open nodes, lowest first; what changes is open then. Whether anything is left open.
    fn sweep<W: Word>(&self, own: &[W], inflow: &mut [W], open: &mut Bits, pass: &impl Fn(&Step, W, W) -> W) -> bool {
        let mut left = false;
        let mut next = 0;
        while let Some(node) = open.take(next) {
            next = node;
            let (own, flowed) = (own[node as usize], inflow[node as usize]);
            for step in self.steps(node) {
                if inflow[step.dst as usize].add(pass(step, own, flowed)) {
                    open.insert(step.dst);
                    left |= step.dst < node;
                }
            }
        }
        left
    }

    /// Tarjan's algorithm without recursion. It emits components sinks first; they are turned round at the end.
    fn condense(&self) -> Order {
        const UNSEEN: u32 = u32::MAX;
        const DONE: u32 = u32::MAX - 1;
        let nodes = self.class.len();
        let (mut index, mut low) = (vec![UNSEEN; nodes], vec![0u32; nodes]);
        // Nodes that are being visited, each with its next step.
        let (mut stack, mut calls): (Vec<u32>, Vec<(u32, u32)>) = (Vec::new(), Vec::new());
        let (mut components, mut emitted) = (Vec::new(), Vec::with_capacity(nodes));
        let mut counter = 0;
        for root in 0..nodes as u32 {
            if index[root as usize] != UNSEEN || self.class[root as usize] != root {
                continue;
            }
            calls.push((root, UNSEEN));
            while let Some((node, at)) = calls.last_mut() {
                let n = *node as usize;
                if *at == UNSEEN {
                    *at = self.offsets[n];
                    index[n] = counter;
                    low[n] = counter;
                    counter += 1;
                    stack.push(*node);
                }
                let rest = &self.steps[*at as usize..self.offsets[n + 1] as usize];
                let mut lowest = low[n];
                let unseen = rest.iter().position(|step| {
                    let seen = index[step.dst as usize];
                    if seen < DONE {
                        lowest = lowest.min(seen);
                    }
                    seen == UNSEEN
                });
                low[n] = lowest;
                if let Some(ahead) = unseen {
                    // Comes back to this step, when its target has been seen.
                    *at += ahead as u32;
                    let next = rest[ahead].dst;
                    calls.push((next, UNSEEN));
                    continue;
                }
                let node = *node;
                calls.pop();
                if low[n] == index[n] {
                    let start = emitted.len() as u32;
                    while let Some(member) = stack.pop() {
                        index[member as usize] = DONE;
                        emitted.push(member);
                        if member == node {
                            break;
                        }
                    }
                    components.push(start..emitted.len() as u32);
                }
                if let Some((parent, _)) = calls.last() {
                    let parent = *parent as usize;
                    low[parent] = low[parent].min(low[n]);
                }
            }
        }
        components.reverse();
        Order { nodes: emitted, components }
    }
}

/// Nodes from which on it is worth to share the work; few in tests, so that all of them put steps together from parts.
const MANY: usize = if cfg!(test) { 4 } else { 100_000 };

/// All nodes in ranges, one for each thread.
fn ranges(nodes: u32) -> Vec<Range<u32>> {
    let share = threads::share(nodes as usize, MANY);
    (0..nodes).step_by(share).map(|first| first..nodes.min(first + share as u32)).collect()
}

/// The steps of some nodes.
#[derive(Debug, Default)]
struct Part {
    /// Where those of each node end.
    ends: Vec<u32>,
    steps: Vec<Step>,
    /// Those of nodes that another stands for, with that one.
    moved: Vec<(u32, Step)>,
}

/// Steps by source with those of nodes that are copies put to the node that stands for them.
fn with_moved(offsets: &[u32], steps: &[Step], mut moved: Vec<(u32, Step)>) -> (Vec<u32>, Vec<Step>) {
    moved.sort_by_key(|(node, _)| *node);
    let (mut all_offsets, mut all) = (Vec::with_capacity(offsets.len()), Vec::with_capacity(steps.len() + moved.len()));
    let mut next = moved.into_iter().peekable();
    all_offsets.push(0);
    for (node, ends) in (0u32..).zip(offsets.windows(2)) {
        all.extend_from_slice(&steps[ends[0] as usize..ends[1] as usize]);
        while let Some((_, step)) = next.next_if(|(to, _)| *to == node) {
            all.push(step);
        }
        all_offsets.push(all.len() as u32);
    }
    (all_offsets, all)
}

/// The node that stands for each, of those with equal content; `None` where there are no copies.
fn classes(graph: &LineageGraph, view: &View) -> Option<Vec<u32>> {
    let copy: Vec<bool> = graph.classes.iter().map(|c| c.link == Link::Direct(EdgeType::CopyOf)).collect();
    if !copy.contains(&true) {
        return None;
    }
    let pairs_of = |nodes: Range<u32>| {
        let edges = &graph.edges;
        let copies = |node: u32| {
            let is_copy = |edge: &u32| copy[edges.attributes(*edge).class as usize] && view.live(*edge);
            edges.leaving(node).filter(is_copy).map(move |edge| (node, edges.to(edge)))
        };
        nodes.flat_map(copies).collect::<Vec<_>>()
    };
    let mut class: Vec<u32> = (0..graph.nodes() as u32).collect();
    for (src, dst) in threads::each(ranges(class.len() as u32), pairs_of).into_iter().flatten() {
        let (a, b) = (find(&mut class, src), find(&mut class, dst));
        // The oldest version stands for its copies.
        class[a.max(b) as usize] = a.min(b);
    }
    for node in 0..class.len() as u32 {
        find(&mut class, node);
    }
    Some(class)
}

fn find(class: &mut [u32], node: u32) -> u32 {
    let mut root = node;
    while class[root as usize] != root {
        root = class[root as usize];
    }
    let mut at = node;
    while class[at as usize] != root {
        at = std::mem::replace(&mut class[at as usize], root);
    }
    root
}

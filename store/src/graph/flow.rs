//! Passing 64 bits along all carrying edges at once, in topological order.
//!
//! Copies (equal bytes) are one node here, so that a copy neither clears nor adds anything. Cycles are real: strongly
//! connected nodes are visited until nothing changes, all others once.

use super::build::{LineageGraph, Link};
use super::walk::View;
use lineward_events::EdgeType;

/// The carrying edges at a time, between classes of equal content, in an order in which sources come first.
#[derive(Debug)]
pub(super) struct Flow {
    /// Node to the first node of its class.
    class: Vec<u32>,
    offsets: Vec<u32>,
    steps: Vec<Step>,
    /// Components, sources first; each a range of `order`.
    components: Vec<std::ops::Range<u32>>,
    order: Vec<u32>,
}

/// An edge between classes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub dst: u32,
    /// Index of the edge in the graph.
    pub edge: u32,
    /// The source is a member of the destination.
    pub contains: bool,
}

impl View {
    pub(super) fn flow(&self) -> &Flow {
        self.flow.get_or_init(|| Flow::new(self))
    }
}

impl Flow {
    fn new(view: &View) -> Self {
        let graph = &*view.graph;
        let mut class = classes(graph, view);
        let carrying: Vec<(u32, Step)> = (0u32..)
            .zip(&graph.edges)
            .filter(|(_, e)| e.carries && view.live(e) && e.link != Link::Direct(EdgeType::CopyOf))
            .map(|(edge, e)| {
                let contains = e.link == Link::Direct(EdgeType::Contains);
                (find(&mut class, e.src), Step { dst: find(&mut class, e.dst), edge, contains })
            })
            .filter(|(src, step)| *src != step.dst)
            .collect();
        let nodes = graph.nodes();
        let mut offsets = vec![0u32; nodes + 1];
        for (src, _) in &carrying {
            offsets[*src as usize + 1] += 1;
        }
        for i in 0..nodes {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let mut steps = vec![Step { dst: 0, edge: 0, contains: false }; carrying.len()];
        for (src, step) in carrying {
            steps[next[src as usize] as usize] = step;
            next[src as usize] += 1;
        }
        for node in 0..nodes as u32 {
            find(&mut class, node);
        }
        let mut flow = Self { class, offsets, steps, components: Vec::new(), order: Vec::new() };
        flow.condense();
        flow
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
    pub fn propagate(&self, own: &[u64], pass: impl Fn(&Step, u64, u64) -> u64) -> Vec<u64> {
        let mut inflow = vec![0u64; own.len()];
        for component in &self.components {
            let nodes = &self.order[component.start as usize..component.end as usize];
            loop {
                let mut changed = false;
                for &node in nodes {
                    let (own, flowed) = (own[node as usize], inflow[node as usize]);
                    if own | flowed == 0 {
                        continue;
                    }
                    for step in self.steps(node) {
                        let bits = pass(step, own, flowed);
                        changed |= bits & !inflow[step.dst as usize] != 0;
                        inflow[step.dst as usize] |= bits;
                    }
                }
                if nodes.len() == 1 || !changed {
                    break;
                }
            }
        }
        inflow
    }

    /// Tarjan's algorithm without recursion. It emits components sinks first; they are turned round at the end.
    fn condense(&mut self) {
        const UNSEEN: u32 = u32::MAX;
        let nodes = self.class.len();
        let (mut index, mut low) = (vec![UNSEEN; nodes], vec![0u32; nodes]);
        let mut on_stack = vec![false; nodes];
        let (mut stack, mut calls): (Vec<u32>, Vec<(u32, u32)>) = (Vec::new(), Vec::new());
        let (mut components, mut emitted) = (Vec::new(), Vec::with_capacity(nodes));
        let mut counter = 0;
        for root in 0..nodes as u32 {
            if index[root as usize] != UNSEEN || self.class[root as usize] != root {
                continue;
            }
            calls.push((root, 0));
            while let Some((node, at)) = calls.pop() {
                let n = node as usize;
                if at == 0 {
                    index[n] = counter;
                    low[n] = counter;
                    counter += 1;
                    stack.push(node);
                    on_stack[n] = true;
                }
                let start = self.offsets[n];
                if let Some(step) = self.steps[start as usize..self.offsets[n + 1] as usize].get(at as usize) {
                    calls.push((node, at + 1));
                    let dst = step.dst as usize;
                    if index[dst] == UNSEEN {
                        calls.push((step.dst, 0));
                    } else if on_stack[dst] {
                        low[n] = low[n].min(index[dst]);
                    }
                    continue;
                }
                if low[n] == index[n] {
                    let start = emitted.len() as u32;
                    while let Some(member) = stack.pop() {
                        on_stack[member as usize] = false;
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
        self.components = components;
        self.order = emitted;
    }
}

/// Classes of nodes with equal content, as a union-find forest.
fn classes(graph: &LineageGraph, view: &View) -> Vec<u32> {
    let mut class: Vec<u32> = (0..graph.nodes() as u32).collect();
    let copies = graph.edges.iter().filter(|e| e.link == Link::Direct(EdgeType::CopyOf) && view.live(e));
    for edge in copies {
        let (a, b) = (find(&mut class, edge.src), find(&mut class, edge.dst));
        // The oldest version stands for its copies.
        class[a.max(b) as usize] = a.min(b);
    }
    class
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

//! Compressed adjacency: the neighbours of a node are one slice.

/// One direction of a graph: for each node the edges that leave (or enter) it.
#[derive(Debug, Default)]
pub(super) struct Csr {
    offsets: Vec<u32>,
    halves: Vec<Half>,
}

/// An edge as seen from one of its ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Half {
    /// The node at the other end.
    pub node: u32,
    /// Index of the edge.
    pub edge: u32,
}

impl Csr {
    /// Groups `(from, to)` pairs by `from`, in the order of the edges.
    pub fn new(nodes: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut offsets = vec![0u32; nodes + 1];
        for (from, _) in edges.clone() {
            offsets[from as usize + 1] += 1;
        }
        for i in 0..nodes {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let mut halves = vec![Half::default(); offsets[nodes] as usize];
        for (edge, (from, node)) in (0u32..).zip(edges) {
            let slot = &mut next[from as usize];
            halves[*slot as usize] = Half { node, edge };
            *slot += 1;
        }
        Self { offsets, halves }
    }

    /// The edges of a node.
    pub fn of(&self, node: u32) -> &[Half] {
        let (start, end) = (self.offsets[node as usize], self.offsets[node as usize + 1]);
        &self.halves[start as usize..end as usize]
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

    /// Whether a node is marked.
    pub fn contains(&self, node: u32) -> bool {
        self.stamps[node as usize] == self.stamp
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

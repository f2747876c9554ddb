//! The bare walk: adjacency and times in plain arrays, nothing else. What a lineage question costs at least.

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::error::Error;
use std::fs::File;
use std::path::Path;

/// One direction: targets and times of validity by source.
pub struct Side {
    offsets: Vec<u32>,
    nodes: Vec<u32>,
    valid: Vec<(i64, i64)>,
}

/// The hops in both directions.
pub struct Bare {
    pub out: Side,
    pub into: Side,
}

impl Bare {
    pub fn read(place: &Path, nodes: usize) -> Result<Self, Box<dyn Error>> {
        let mut rows: Vec<(u32, u32, i64, i64)> = Vec::new();
        for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(place)?)?.build()? {
            let batch = batch?;
            let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().values();
            let (src, dst, from, to) = (column(0), column(1), column(2), column(3));
            rows.extend((0..batch.num_rows()).map(|i| (src[i] as u32, dst[i] as u32, from[i], to[i])));
        }
        let out = Side::new(nodes, rows.iter().map(|r| (r.0, r.1, (r.2, r.3))));
        let into = Side::new(nodes, rows.iter().map(|r| (r.1, r.0, (r.2, r.3))));
        Ok(Self { out, into })
    }
}

impl Side {
    fn new(nodes: usize, hops: impl Iterator<Item = (u32, u32, (i64, i64))> + Clone) -> Self {
        let mut offsets = vec![0u32; nodes + 1];
        hops.clone().for_each(|(from, ..)| offsets[from as usize + 1] += 1);
        for i in 0..nodes {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let (mut to, mut valid) = (vec![0; offsets[nodes] as usize], vec![(0, 0); offsets[nodes] as usize]);
        for (from, node, times) in hops {
            let at = next[from as usize] as usize;
            (to[at], valid[at]) = (node, times);
            next[from as usize] += 1;
        }
        Self { offsets, nodes: to, valid }
    }

    /// Nodes reached from the seeds by hops that hold at a time, without the seeds.
    pub fn walk(&self, seeds: &[u32], depth: usize, at: i64) -> Vec<u32> {
        let mut seen = vec![false; self.offsets.len()];
        let mut reached = seeds.to_vec();
        seeds.iter().for_each(|s| seen[*s as usize] = true);
        let (mut start, mut level) = (0, 0);
        while start < reached.len() && level < depth {
            let end = reached.len();
            for i in start..end {
                let node = reached[i] as usize;
                let range = self.offsets[node] as usize..self.offsets[node + 1] as usize;
                for (to, (from, until)) in self.nodes[range.clone()].iter().zip(&self.valid[range]) {
                    if *from <= at && at < *until && !std::mem::replace(&mut seen[*to as usize], true) {
                        reached.push(*to);
                    }
                }
            }
            (start, level) = (end, level + 1);
        }
        reached.drain(..seeds.len());
        reached
    }
}

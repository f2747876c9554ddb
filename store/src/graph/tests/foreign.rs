//! Graphs that others made: reference outputs of LDBC Graphalytics, and the lineage that model and data set authors
//! declare. Left out, with a word, where the data is not beside the checkout.

use super::*;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// A file or folder of the lineage data beside the checkout.
fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new("../../shared/data/lineage").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: there is no ../shared/data/lineage/{name}");
    None
}

fn text(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).expect("a text file")
}

/// A graph of named nodes and edges.
#[derive(Default)]
struct Named {
    ids: BTreeMap<String, u32>,
    out: Vec<Vec<u32>>,
    fixture: Fixture,
}

impl Named {
    fn node(&mut self, letter: char, name: &str) -> u32 {
        let key = format!("{letter}:{name}");
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let id = self.fixture.add(&key) as u32;
        self.ids.insert(key, id);
        self.out.push(Vec::new());
        id
    }

    fn edge(&mut self, kind: &str, src: u32, dst: u32) {
        self.out[src as usize].push(dst);
        self.fixture.link(kind, i64::from(src), i64::from(dst), &[]);
    }

    /// Depths of all nodes that a queue reaches, without the start: an implementation that shares nothing with the
    /// graph's.
    fn depths(&self, turned: bool, start: u32) -> BTreeMap<u32, u32> {
        let mut next = self.out.clone();
        if turned {
            next = vec![Vec::new(); self.out.len()];
            for (src, all) in (0..).zip(&self.out) {
                all.iter().for_each(|dst| next[*dst as usize].push(src));
            }
        }
        let mut depths = BTreeMap::from([(start, 0)]);
        let mut open = VecDeque::from([start]);
        while let Some(node) = open.pop_front() {
            for to in &next[node as usize] {
                if !depths.contains_key(to) {
                    depths.insert(*to, depths[&node] + 1);
                    open.push_back(*to);
                }
            }
        }
        depths.remove(&start);
        depths
    }

    /// Walks from every node both ways, and compares; how many pairs there were.
    fn compare(self) -> usize {
        let view = self.fixture.view(None);
        let mut pairs = 0;
        for start in 0..self.out.len() as u32 {
            for (direction, turned) in [(Direction::Downstream, false), (Direction::Upstream, true)] {
                // Building the turned adjacency for each node would take minutes: only the connected are asked.
                if view.hops(direction, start).is_empty() {
                    continue;
                }
                let ours: BTreeMap<u32, u32> =
                    view.walk(direction, &[start], None).into_iter().map(|r| (r.version, r.depth)).collect();
                let theirs = self.depths(turned, start);
                assert_eq!(ours, theirs, "{direction:?} from {}", self.fixture.names[start as usize]);
                pairs += ours.len();
            }
        }
        pairs
    }
}

#[test]
fn breadth_first_depths_are_those_of_graphalytics() {
    let Some(folder) = data("graphalytics") else { return };
    for (input, output) in [
        ("bfs/dir-input", "bfs/dir-output"),
        ("bfs/undir-input", "bfs/undir-output"),
        ("example/example-directed-input", "example/example-directed-BFS"),
        ("example/example-undirected-input", "example/example-undirected-BFS"),
    ] {
        let mut graph = Named::default();
        let lines = text(&folder.join(input));
        for line in lines.lines() {
            let mut words = line.split_whitespace();
            let Some(src) = words.next().map(|name| graph.node('d', name)) else { continue };
            for name in words {
                // An undirected graph lists each edge at both of its ends.
                let dst = graph.node('d', name);
                graph.edge("DERIVED", src, dst);
            }
        }
        let said = text(&folder.join(output));
        let expected: BTreeMap<&str, u64> = said
            .lines()
            .filter_map(|l| l.split_once(' '))
            .map(|(n, d)| (n, d.trim().parse().expect("a depth")))
            .collect();
        let (source, _) = expected.iter().find(|(_, depth)| **depth == 0).expect("a source");
        let view = graph.fixture.view(None);
        let mut found: BTreeMap<&str, u64> = expected.keys().map(|name| (*name, i64::MAX as u64)).collect();
        found.insert(source, 0);
        let seed = graph.ids[&format!("d:{source}")];
        for reached in view.walk(Direction::Downstream, &[seed], None) {
            let name = &graph.fixture.names[reached.version as usize][2..];
            let (name, _) = expected.get_key_value(name).expect("a vertex");
            found.insert(name, u64::from(reached.depth));
        }
        assert!(expected.len() > 5, "{input} is too small to judge by");
        assert_eq!(found, expected, "{input}");
    }
}

/// Models and data sets as their authors declare them on the Hugging Face Hub, models that name themselves among them.
#[test]
fn declared_models_are_walked_as_a_plain_queue_walks_them() {
    let Some(file) = data("hf-models/edges.csv") else { return };
    let mut graph = Named::default();
    for line in text(&file).lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [model, kind, upstream, relation] = cells[..] else { continue };
        let letter = if kind == "model" { 'm' } else { 'd' };
        let (src, dst) = (graph.node(letter, upstream), graph.node('m', model));
        let edge = match (kind, relation) {
            ("model", "adapter") => "ADAPTER_OF",
            ("model", "quantized") => "QUANTIZED_FROM",
            ("model", "merge") => "MERGED_FROM",
            ("model", _) => "FINE_TUNED_FROM",
            _ => "TRAINED_ON",
        };
        graph.edge(edge, src, dst);
    }
    let pairs = graph.compare();
    assert!(pairs > 4_000, "{pairs} pairs are too few to judge by");
}

/// Data sets and what they say they are derived from, by the Data Provenance Initiative.
#[test]
fn declared_data_sets_are_walked_as_a_plain_queue_walks_them() {
    let Some(file) = data("data-provenance-initiative/datasets.jsonl") else { return };
    let mut graph = Named::default();
    for line in text(&file).lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let address = row["hugging_face_url"].as_str().unwrap_or_default().trim_start_matches("https://");
        let name = if address.is_empty() { row["id"].as_str().unwrap_or_default() } else { address };
        if name.is_empty() {
            continue;
        }
        let dst = graph.node('d', name);
        for source in row["derived_from_datasets"].as_array().into_iter().flatten().filter_map(|s| s.as_str()) {
            let src = graph.node('d', source);
            graph.edge("DERIVED", src, dst);
        }
    }
    let pairs = graph.compare();
    assert!(pairs > 500, "{pairs} pairs are too few to judge by");
}

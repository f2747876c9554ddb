//! Near copies, judged: generated data sets with known edits, and the similarity of each pair counted plainly.
//!
//! The judge shares no code with the scanner: it splits the records that were generated into n-grams of words and
//! counts. What is measured is the whole way from bytes to edges, but for the disk.

use super::tests::{engine, event, key, record};
use lineward_classifiers::scan::{FileReport, ScanOptions, scan_bytes};
use lineward_events::EdgeType;
use lineward_store::Hash;
use lineward_store::project::{Context, NEAR_SIMILARITY, Projector};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

/// A record: words of a text.
pub(super) type Row = Vec<String>;

/// A generator of numbers without a pattern (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn share(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64
    }

    /// A word; a few are much more frequent than others, as in text.
    fn word(&mut self) -> String {
        let rank = (20_000f64.powf(self.share()) - 1.0) as u64;
        format!("w{rank}")
    }
}

/// This many words.
pub(super) fn words(seed: u64, count: usize) -> String {
    let mut random = Random(seed);
    (0..count).map(|_| random.word()).collect::<Vec<_>>().join(" ")
}

/// Records of a data set of its own.
pub(super) fn dataset(seed: u64, rows: usize) -> Vec<Row> {
    let mut random = Random(seed.wrapping_mul(0x1234_5678_9abc_def1));
    let mut row = || {
        let words = 8 + random.below(40);
        (0..words).map(|_| random.word()).collect()
    };
    (0..rows).map(|_| row()).collect()
}

/// What is done to a data set.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Edit {
    Delete,
    Insert,
    Words,
    Shuffle,
    Mixed,
}

const EDITS: [Edit; 5] = [Edit::Delete, Edit::Insert, Edit::Words, Edit::Shuffle, Edit::Mixed];

impl Edit {
    /// Changes a share of the records (of the words, for [`Edit::Words`]).
    fn applied(self, rows: &[Row], share: f64, random: &mut Random) -> Vec<Row> {
        let mut out = rows.to_vec();
        if matches!(self, Self::Delete | Self::Mixed) {
            out.retain(|_| random.share() >= share);
        }
        if matches!(self, Self::Insert | Self::Mixed) {
            let fresh = dataset(random.next(), (rows.len() as f64 * share) as usize);
            for row in fresh {
                let at = random.below(out.len() + 1);
                out.insert(at, row);
            }
        }
        if matches!(self, Self::Words | Self::Mixed) {
            // A changed word changes five n-grams.
            out.iter_mut().flatten().filter(|_| random.share() < share / 5.0).for_each(|word| word.push_str("new"));
        }
        if self == Self::Shuffle {
            (1..out.len()).rev().for_each(|n| out.swap(n, random.below(n + 1)));
        }
        out
    }
}

/// A form of file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Jsonl,
    Csv,
    Text,
}

impl Kind {
    pub(super) fn written(self, rows: &[Row]) -> String {
        let line = |row: &Row| {
            let text = row.join(" ");
            match self {
                Self::Jsonl => format!("{{\"text\": \"{text}.\"}}\n"),
                Self::Csv => format!("\"{text}\"\n"),
                Self::Text => format!("{text}\n"),
            }
        };
        let head = if matches!(self, Self::Csv) { "text\n" } else { "" };
        std::iter::once(head.to_owned()).chain(rows.iter().map(line)).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "part.jsonl",
            Self::Csv => "part.csv",
            Self::Text => "part.txt",
        }
    }
}

/// The report of a scan of one file.
pub(super) fn scanned(name: &str, text: &str) -> FileReport {
    let options = ScanOptions { sketch_content: true, ..ScanOptions::new(key()) };
    scan_bytes(engine(), name, text.as_bytes().to_vec(), &options).expect("scanned").report
}

/// The data sets of a measurement: families of a base and edits of it, which share lines with other families.
fn estate(families: usize) -> Vec<(String, Vec<Row>)> {
    let boilerplate = dataset(u64::MAX, 60);
    let mut out = Vec::new();
    for family in 0..families {
        let mut random = Random(family as u64 + 1);
        let rows = [25, 60, 150, 400, 900][family % 5];
        let mut base = dataset(family as u64 + 1, rows);
        // Up to a fifth of each data set is lines that many have: a licence, a notice, a template.
        let common = random.below(1 + (rows / 5).min(boilerplate.len()));
        base.extend_from_slice(&boilerplate[..common]);
        out.push((format!("base-{family:03}"), base.clone()));
        for (n, edit) in EDITS.into_iter().enumerate() {
            // J is about 1 - share for a deletion; so J is spread over 0.5 to 0.99.
            let share = 0.01 + 0.5 * random.share() * random.share();
            out.push((format!("edit-{family:03}-{n}-{edit:?}"), edit.applied(&base, share, &mut random)));
        }
    }
    out
}

/// The n-grams of records, by plain means.
fn grams(rows: &[Row]) -> HashSet<Vec<&str>> {
    let of = |row: &'_ Row| row.windows(5).map(|w| w.to_vec()).collect::<Vec<_>>().len();
    assert!(rows.iter().map(of).all(|count| count > 0));
    rows.iter().flat_map(|row| row.windows(5)).map(|w| w.iter().map(String::as_str).collect()).collect()
}

/// The Jaccard similarity of all pairs that have an n-gram in common.
fn similarities(sets: &[HashSet<Vec<&str>>]) -> HashMap<(usize, usize), f64> {
    let mut holders: HashMap<&Vec<&str>, Vec<usize>> = HashMap::new();
    for (n, set) in sets.iter().enumerate() {
        set.iter().for_each(|gram| holders.entry(gram).or_default().push(n));
    }
    let mut common: HashMap<(usize, usize), usize> = HashMap::new();
    for of_gram in holders.values() {
        for (i, a) in of_gram.iter().enumerate() {
            of_gram[i + 1..].iter().for_each(|b| *common.entry((*a, *b)).or_default() += 1);
        }
    }
    let union = |a: usize, b: usize, n: usize| (sets[a].len() + sets[b].len() - n) as f64;
    common.into_iter().map(|((a, b), n)| ((a, b), n as f64 / union(a, b, n))).collect()
}

/// What was found, against what there is.
#[derive(Debug, Default)]
struct Verdict {
    datasets: usize,
    /// Pairs by exact similarity in steps of 0.05, and those of them with an edge.
    buckets: BTreeMap<u32, (usize, usize)>,
    like: (usize, usize),
    /// From 0.825, two standard errors above the bound.
    surely_like: (usize, usize),
    /// Edges of pairs that are less alike than the bound, and the least similarity among them.
    below: usize,
    least: f64,
    /// Pairs of different families: how many share lines, the most alike, and the edges among them.
    unrelated: (usize, f64, usize),
    error_mean: f64,
    error_max: f64,
    text_bytes: usize,
}

impl Verdict {
    fn report(&self) -> String {
        let share = |(all, hit): (usize, usize)| format!("{hit} of {all}, {:.4}", hit as f64 / all.max(1) as f64);
        let mut out = format!("{} data sets, {} bytes of text\n", self.datasets, self.text_bytes);
        out += &format!("recall at J >= 0.8: {}\n", share(self.like));
        out += &format!("recall at J >= 0.825: {}\n", share(self.surely_like));
        out += &format!("edges with J < 0.8: {}, the least J {:.4}\n", self.below, self.least);
        let (pairs, most, edges) = self.unrelated;
        out += &format!("unrelated pairs with lines in common: {pairs}, J up to {most:.3}, {edges} edges\n");
        out += &format!("error of similarity: mean {:.4}, largest {:.4}\n", self.error_mean, self.error_max);
        for (bucket, counts) in &self.buckets {
            out += &format!("J from {:.2}: edges {}\n", f64::from(*bucket) / 20.0, share(*counts));
        }
        out
    }
}

fn judge(families: usize) -> Verdict {
    let estate = estate(families);
    let sets: Vec<HashSet<Vec<&str>>> = estate.iter().map(|(_, rows)| grams(rows)).collect();
    let exact = similarities(&sets);
    let mut verdict = Verdict { datasets: estate.len(), least: 1.0, ..Verdict::default() };
    let mut projector = Projector::default();
    for (n, (name, rows)) in estate.iter().enumerate() {
        let kind = [Kind::Jsonl, Kind::Csv, Kind::Text][n % 3];
        let text = kind.written(rows);
        verdict.text_bytes += text.len();
        let reports = [FileReport { path: PathBuf::from("/no/such/folder/part"), ..scanned(kind.name(), &text) }];
        let location = format!("s3://lake/{name}");
        let event = event(&record(&location, &reports, ""));
        let at = 1_000 + n as i64;
        projector.apply(&Context { event_key: Hash(event.key.0), received_at: at, at }, &event.statements);
    }
    let rows = projector.take_rows();
    let number: HashMap<&str, usize> = estate.iter().enumerate().map(|(n, (name, _))| (name.as_str(), n)).collect();
    let asset: HashMap<i64, &str> = rows.assets.iter().map(|a| (a.asset_id, a.name.as_str())).collect();
    let dataset: HashMap<i64, usize> =
        rows.versions.iter().filter_map(|v| Some((v.version_id, *number.get(asset[&v.asset_id])?))).collect();
    let near = rows.edges.iter().filter(|e| e.edge_type == EdgeType::NearDuplicate.as_str());
    let ends = |e: &lineward_store::rows::EdgeRow| {
        let (a, b) = (*dataset.get(&e.src_version_id)?, *dataset.get(&e.dst_version_id)?);
        Some(((a.min(b), a.max(b)), f64::from(e.confidence)))
    };
    let found: HashMap<(usize, usize), f64> = near.filter_map(ends).collect();
    let family = |n: usize| &estate[n].0[5..8];
    for (pair, similarity) in &exact {
        let edge = found.get(pair);
        let hit = usize::from(edge.is_some());
        let add = |sum: &mut (usize, usize)| *sum = (sum.0 + 1, sum.1 + hit);
        add(verdict.buckets.entry((similarity * 20.0) as u32).or_default());
        if *similarity >= f64::from(NEAR_SIMILARITY) {
            add(&mut verdict.like);
        } else if edge.is_some() {
            verdict.below += 1;
            verdict.least = verdict.least.min(*similarity);
        }
        if *similarity >= 0.825 {
            add(&mut verdict.surely_like);
        }
        if let Some(estimate) = edge {
            verdict.error_mean += (estimate - similarity).abs() / found.len() as f64;
            verdict.error_max = verdict.error_max.max((estimate - similarity).abs());
        }
        if family(pair.0) != family(pair.1) {
            let (count, most, edges) = verdict.unrelated;
            verdict.unrelated = (count + 1, most.max(*similarity), edges + hit);
        }
    }
    assert!(found.keys().all(|pair| exact.contains_key(pair)), "an edge between data sets with nothing in common");
    verdict
}

fn check(verdict: &Verdict) {
    let recall = |(all, hit): (usize, usize)| hit as f64 / all.max(1) as f64;
    assert!(recall(verdict.like) >= 0.95, "{}", verdict.report());
    assert!(recall(verdict.surely_like) >= 0.99, "{}", verdict.report());
    // Four standard errors below the bound.
    assert!(verdict.least > 0.75, "{}", verdict.report());
    assert!(verdict.unrelated.0 > 0 && verdict.unrelated.2 == 0, "{}", verdict.report());
}

#[test]
fn near_copies_are_found_and_nothing_else() {
    check(&judge(12));
}

/// The measurement of `benches/records`: `cargo test --workspace --lib near_copies_judged -- --ignored --nocapture`.
#[test]
#[ignore = "some minutes"]
fn near_copies_judged() {
    let verdict = judge(100);
    eprintln!("{}", verdict.report());
    check(&verdict);
}

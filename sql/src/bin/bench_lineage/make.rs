//! The made-up estate: layers of versions, hubs, re-versioned assets, copies, cycles, duplicates, closed edges, rows out
//! of order and with several revisions, tags and masks. Written as the tables of a store, and once more as plain pairs
//! (`hops.parquet`) for engines that know nothing of stores.

use crate::Numbers;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Int32Array, Int64Array, ListBuilder, MapBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use lineward_store::{PROJECTIONS, StoreWriter, arrow_schema};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

type Done<T = ()> = Result<T, Box<dyn Error>>;

pub const LAYERS: usize = 24;
pub const TICKS: usize = 1000;
/// 2026-01-01, UTC; a tick is an hour.
pub const START: i64 = 1_767_225_600_000_000;
pub const TICK: i64 = 3_600_000_000;
const DEGREE_MAX: usize = 5_000;
const FILE_ROWS: usize = 1 << 20;
/// Different sets of tags that edges clear.
const MASKS: usize = 200;
/// Outputs of a run.
const RUN_OUTPUTS: usize = 8;

/// A hop as other engines see it.
#[derive(Clone, Copy)]
struct Hop {
    src: u32,
    dst: u32,
    from: i64,
    to: i64,
    clear: i64,
    /// Not DERIVED or another type by what the ends are, but COPY_OF.
    copy: bool,
}

/// What an asset version is, by its layer.
pub fn asset_type(layer: usize) -> &'static str {
    match layer {
        l if l == LAYERS - 1 => "DEPLOYMENT",
        l if l >= LAYERS - 3 => "MODEL",
        _ => "DATASET",
    }
}

pub fn layer_of(node: usize, nodes: usize) -> usize {
    node * LAYERS / nodes
}

fn first_of(layer: usize, nodes: usize) -> usize {
    (layer * nodes).div_ceil(LAYERS)
}

/// Assets as runs of consecutive versions of one layer: the asset of each version, its number there, first versions.
pub struct Assets {
    pub of: Vec<u32>,
    pub first: Vec<u32>,
}

impl Assets {
    pub fn new(nodes: usize) -> Self {
        let mut numbers = Numbers::new(3);
        let (mut of, mut first): (Vec<u32>, Vec<u32>) = (Vec::with_capacity(nodes), Vec::new());
        let mut left = 0;
        for node in 0..nodes {
            let turned = node > 0 && layer_of(node, nodes) != layer_of(node - 1, nodes);
            if left == 0 || turned {
                first.push(node as u32);
                left = 1 + numbers.below(200);
            }
            left -= 1;
            of.push(first.len() as u32 - 1);
        }
        Self { of, first }
    }

    /// Namespace and name of an asset.
    pub fn name(&self, asset: usize, nodes: usize) -> (String, String) {
        let layer = layer_of(self.first[asset] as usize, nodes);
        (format!("s3://lake-{}", asset % 16), format!("layer{layer}/set{asset}"))
    }

    pub fn version(&self, node: usize) -> String {
        format!("v{}", node - self.first[self.of[node] as usize] as usize)
    }

    /// A version as it is asked for.
    pub fn text(&self, node: usize, nodes: usize) -> String {
        let (namespace, name) = self.name(self.of[node] as usize, nodes);
        let kind = asset_type(layer_of(node, nodes)).to_lowercase();
        format!("{kind}:{namespace}/{name}@{}", self.version(node))
    }
}

pub async fn make(folder: &Path, edges: usize) -> Done {
    let nodes = edges / 5;
    let store = folder.join("store");
    fs::create_dir_all(folder)?;
    drop(StoreWriter::open(store.to_str().ok_or("a path that is not UTF-8")?).await?);
    let hops = hops(nodes, edges);
    write_tables(&store, nodes, &hops)?;
    write_hops(&folder.join("hops.parquet"), &hops)?;
    println!("{}", json!({ "edges": edges, "versions": nodes, "hops": hops.len() }));
    Ok(())
}

/// Zipf's law with exponent 2.1, cut: the share of degrees up to each.
fn degrees() -> Vec<f64> {
    let weights = (1..=DEGREE_MAX).map(|degree| (degree as f64).powf(-2.1));
    let mut shares: Vec<f64> = weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let whole = shares.last().copied().unwrap_or(1.0);
    shares.iter_mut().for_each(|share| *share /= whole);
    shares
}

fn hops(nodes: usize, edges: usize) -> Vec<Hop> {
    let mut numbers = Numbers::new(1);
    // Policies are few: a quarter of the tags each.
    let masks: Vec<u64> = (0..MASKS).map(|_| numbers.draw() & numbers.draw()).collect();
    let mut hops: Vec<Hop> = Vec::with_capacity(edges + edges / 10);
    let degrees = degrees();
    let second = first_of(1, nodes);
    let copies = nodes * 3 / 100;
    let wanted = edges - copies;
    let mut node = second;
    while hops.len() < wanted {
        let layer = layer_of(node, nodes);
        let (before, own) = (first_of(layer - 1, nodes), first_of(layer, nodes));
        let share = numbers.share();
        let degree = 1 + degrees.partition_point(|up_to| *up_to < share);
        for _ in 0..degree.min(wanted - hops.len()) {
            let src = if numbers.share() < 0.3 {
                // Shared corpora: towards the oldest.
                (numbers.share().powi(4) * own as f64) as usize
            } else {
                before + numbers.below(own - before)
            };
            let (src, dst) = match numbers.share() {
                // Cycles, and the same edge by another run.
                s if s < 0.005 => (node, src),
                s if s < 0.015 && !hops.is_empty() => {
                    let again: Hop = hops[numbers.below(hops.len())];
                    (again.src as usize, again.dst as usize)
                }
                _ => (src, node),
            };
            let from = numbers.below(TICKS);
            let to = if numbers.share() < 0.5 {
                i64::MAX
            } else {
                START + (from + 1 + numbers.below(TICKS - from)) as i64 * TICK
            };
            let clear = if numbers.share() < 0.1 { masks[numbers.below(masks.len())] } else { 0 };
            let from = START + from as i64 * TICK;
            hops.push(Hop { src: src as u32, dst: dst as u32, from, to, clear: clear as i64, copy: false });
        }
        node += 1;
        if node == nodes {
            node = second;
        }
    }
    for _ in 0..copies {
        let node = numbers.below(nodes);
        let layer = layer_of(node, nodes);
        let other = first_of(layer, nodes) + numbers.below(first_of(layer + 1, nodes) - first_of(layer, nodes));
        let (src, dst) = (node.min(other) as u32, node.max(other) as u32);
        if src != dst {
            hops.push(Hop { src, dst, from: START, to: i64::MAX, clear: 0, copy: true });
        }
    }
    // Out of order: two of a hundred change places with any other.
    for at in 0..hops.len() {
        if numbers.share() < 0.02 {
            let other = numbers.below(hops.len());
            hops.swap(at, other);
        }
    }
    hops
}

fn edge_type(hop: &Hop, nodes: usize) -> &'static str {
    let kind = |node: u32| asset_type(layer_of(node as usize, nodes));
    match (kind(hop.src), kind(hop.dst)) {
        _ if hop.copy => "COPY_OF",
        ("MODEL", "MODEL") => "FINE_TUNED_FROM",
        ("DATASET", "MODEL") => "TRAINED_ON",
        ("MODEL", "DEPLOYMENT") => "DEPLOYED_AS",
        _ => "DERIVED",
    }
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn numbers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

fn texts(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<BooleanArray>())
}

/// Recorded at the start, by nobody's event; the revision of each row.
fn recorded(rows: usize, revision: impl Fn(usize) -> i64) -> Vec<ArrayRef> {
    let key: &[u8] = &[7; 32];
    vec![
        times((0..rows).map(|_| Some(START))),
        times((0..rows).map(|_| None)),
        Arc::new((0..rows).map(|_| Some(key)).collect::<BinaryArray>()),
        numbers((0..rows).map(|row| Some(revision(row)))),
    ]
}

fn write_tables(store: &Path, nodes: usize, hops: &[Hop]) -> Done {
    let assets = Assets::new(nodes);
    let mut versions = BTreeMap::new();
    for name in PROJECTIONS {
        versions.insert((*name).to_owned(), 0i64);
    }
    for name in ["events", "dead_letters"] {
        versions.insert(name.to_owned(), 0);
    }
    let runs = nodes.div_ceil(RUN_OUTPUTS);
    let mut write = |name: &str, rows: usize, make: &dyn Fn(std::ops::Range<usize>) -> Vec<ArrayRef>| -> Done {
        add(store, name, 1, rows, make, None)?;
        versions.insert(name.to_owned(), 1);
        Ok(())
    };
    write("assets", assets.first.len(), &|r| asset_columns(r, &assets, nodes))?;
    write("asset_versions", nodes, &|r| version_columns(r, &assets))?;
    write("jobs", 100, &job_columns)?;
    write("runs", runs, &run_columns)?;
    // One of a hundred edges was first written with less confidence, and then again.
    let again = hops.len() / 100;
    write("edges", hops.len() + again, &|r| edge_columns(r, hops, nodes, again))?;
    write("tags", 64, &tag_columns)?;
    let tagged = tagged(nodes);
    write("findings", tagged.len(), &|r| finding_columns(r, &tagged))?;
    let shards = (nodes / 2).min(1_000);
    let records = (nodes * 5).clamp(10_000, 1_000_000);
    write("record_index", records, &|r| record_columns(r, shards))?;
    epoch(store, 1, &versions)
}

/// Names the versions of all tables that belong together, as the store's writer does.
pub fn epoch(store: &Path, epoch: i64, versions: &BTreeMap<String, i64>) -> Done {
    let said = json!({
        "epoch": epoch, "table_versions": versions, "writer": "bench", "ruleset": null, "committed_at": START + epoch,
    });
    log(store, "epochs", epoch, vec![json!({ "commitInfo": { "timestamp": 0, "lineward.epoch": said } })])
}

fn log(store: &Path, table: &str, version: i64, actions: Vec<serde_json::Value>) -> Done {
    let lines: Vec<String> = actions.iter().map(ToString::to_string).collect();
    let place = store.join(table).join("_delta_log").join(format!("{version:020}.json"));
    Ok(fs::write(place, lines.join("\n") + "\n")?)
}

/// Adds rows to a table in one commit, in files of a bounded size.
pub fn add(
    store: &Path,
    table: &str,
    version: i64,
    rows: usize,
    make: &dyn Fn(std::ops::Range<usize>) -> Vec<ArrayRef>,
    schema: Option<SchemaRef>,
) -> Done {
    let schema = schema.or_else(|| arrow_schema(table)).ok_or("no such table")?;
    let mut actions = vec![json!({ "commitInfo": { "timestamp": 0 } })];
    for start in (0..rows).step_by(FILE_ROWS) {
        let range = start..(start + FILE_ROWS).min(rows);
        let columns = make(range.clone());
        let fitted = columns.iter().zip(schema.fields()).map(|(c, field)| cast(c, field.data_type()));
        let batch = RecordBatch::try_new(schema.clone(), fitted.collect::<Result<_, _>>()?)?;
        let name = format!("part-{version}-{start}.parquet");
        let place = store.join(table).join(&name);
        write_file(&place, &batch)?;
        actions.push(json!({ "add": {
            "path": name, "partitionValues": {}, "size": fs::metadata(&place)?.len(), "modificationTime": 0,
            "dataChange": true, "stats": json!({ "numRecords": range.len() }).to_string(),
        }}));
    }
    log(store, table, version, actions)
}

/// As the store's writer writes files.
fn write_file(place: &Path, batch: &RecordBatch) -> Done {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(1 << 17))
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(place)?, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}

fn asset_columns(rows: std::ops::Range<usize>, assets: &Assets, nodes: usize) -> Vec<ArrayRef> {
    let each = || rows.clone();
    let mut columns = vec![
        numbers(each().map(|a| Some(a as i64))),
        texts(each().map(|a| Some(assets.name(a, nodes).0))),
        texts(each().map(|a| Some(assets.name(a, nodes).1))),
        texts(each().map(|a| Some(asset_type(layer_of(assets.first[a] as usize, nodes)).to_owned()))),
        numbers(each().map(|_| None)),
        numbers(each().map(|_| None)),
        times(each().map(|_| Some(START))),
        times(each().map(|_| None)),
        texts(each().map(|_| None)),
    ];
    columns.extend(recorded(rows.len(), |_| 0));
    columns
}

fn version_columns(rows: std::ops::Range<usize>, assets: &Assets) -> Vec<ArrayRef> {
    let each = || rows.clone();
    let none: Vec<Option<&[u8]>> = vec![None; rows.len()];
    let mut columns = vec![
        numbers(each().map(|v| Some(v as i64))),
        numbers(each().map(|v| Some(i64::from(assets.of[v])))),
        texts(each().map(|v| Some(assets.version(v)))),
        texts(each().map(|_| Some("declared".to_owned()))),
        // Five of a hundred runs name no version.
        flags(each().map(|v| v % 20 == 0)),
        Arc::new(BinaryArray::from(none.clone())),
        Arc::new(BinaryArray::from(none)),
        numbers(each().map(|v| Some(v as i64 % 100_000))),
        numbers(each().map(|_| None)),
        numbers(each().map(|_| None)),
        numbers(each().map(|v| Some((v / RUN_OUTPUTS) as i64))),
        times(each().map(|_| Some(0))),
        times(each().map(|_| None)),
        times(each().map(|_| None)),
        times(each().map(|_| None)),
        numbers(each().map(|_| None)),
        times(each().map(|_| None)),
    ];
    columns.extend(recorded(rows.len(), |_| 0));
    columns
}

fn job_columns(rows: std::ops::Range<usize>) -> Vec<ArrayRef> {
    let each = || rows.clone();
    let mut columns = vec![
        numbers(each().map(|j| Some(j as i64))),
        texts(each().map(|_| Some("airflow".to_owned()))),
        texts(each().map(|j| Some(format!("job{j}")))),
    ];
    columns.extend((0..4).map(|_| texts(each().map(|_| None))));
    columns.extend(recorded(rows.len(), |_| 0));
    columns
}

fn run_columns(rows: std::ops::Range<usize>) -> Vec<ArrayRef> {
    let each = || rows.clone();
    let state = |run: usize| if run.is_multiple_of(100) { "FAIL" } else { "COMPLETE" };
    let mut params = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    rows.clone().for_each(|_| _ = params.append(true));
    let params: ArrayRef = Arc::new(params.finish());
    let mut columns = vec![
        numbers(each().map(|r| Some(r as i64))),
        texts(each().map(|r| Some(format!("0190a8e2-7c1f-7000-8000-{r:012x}")))),
        numbers(each().map(|r| Some(r as i64 % 100))),
        texts(each().map(|_| None)),
        texts(each().map(|_| None)),
        texts(each().map(|r| Some(state(r).to_owned()))),
        times(each().map(|r| Some(START + (r % TICKS) as i64 * TICK))),
        times(each().map(|r| Some(START + (r % TICKS) as i64 * TICK + 1))),
        times(each().map(|_| None)),
        times(each().map(|_| None)),
        texts(each().map(|_| None)),
        texts(each().map(|_| None)),
        texts(each().map(|_| None)),
        flags(each().map(|_| true)),
        params,
    ];
    columns.extend(recorded(rows.len(), |_| 0));
    columns
}

/// The edges, and behind them the first revisions of those that were written twice.
fn edge_columns(rows: std::ops::Range<usize>, hops: &[Hop], nodes: usize, again: usize) -> Vec<ArrayRef> {
    let count = hops.len();
    let id = |row: usize| if row < count { row } else { (row - count) * 100 };
    let twice = |row: usize| row < count && row.is_multiple_of(100) && row / 100 < again;
    let each = || rows.clone();
    let hop = |row: usize| &hops[id(row)];
    let run = |row: usize| (!hop(row).copy).then(|| i64::from(hop(row).dst) / RUN_OUTPUTS as i64);
    let evidence = |row: usize| match row % 3 {
        _ if hop(row).copy => "CONTENT_MATCH",
        0 => "COLUMN",
        1 => "IO_MEMBERSHIP",
        _ => "EXPLICIT",
    };
    let mut columns = vec![
        numbers(each().map(|r| Some(id(r) as i64))),
        numbers(each().map(|r| Some(i64::from(hop(r).src)))),
        numbers(each().map(|r| Some(i64::from(hop(r).dst)))),
        numbers(each().map(run)),
        texts(each().map(|r| Some(edge_type(hop(r), nodes).to_owned()))),
        texts(each().map(|r| Some(evidence(id(r)).to_owned()))),
        Arc::new(each().map(|r| Some(if r < count { 0.9 } else { 0.5 })).collect::<Float32Array>()),
        flags(each().map(|r| hop(r).clear != 0)),
        numbers(each().map(|r| Some(hop(r).clear))),
        times(each().map(|r| Some(hop(r).from))),
        times(each().map(|r| Some(hop(r).to).filter(|_| r < count && hop(r).to != i64::MAX))),
    ];
    columns.extend(recorded(rows.len(), |at| i64::from(twice(rows.start + at))));
    columns
}

fn tag_columns(rows: std::ops::Range<usize>) -> Vec<ArrayRef> {
    const CATEGORIES: [&str; 4] = ["PII", "PHI", "CREDENTIAL", "FINANCIAL"];
    let each = || rows.clone();
    let name = |tag: usize| CATEGORIES.get(tag).map_or_else(|| format!("PII.THING_{tag}"), |c| (*c).to_owned());
    let mut columns = vec![
        Arc::new(each().map(|t| Some(t as i32)).collect::<Int32Array>()) as ArrayRef,
        texts(each().map(|t| Some(name(t)))),
        texts(each().map(|t| (t >= 4).then(|| "PII".to_owned()))),
        texts(each().map(|_| None)),
        flags(each().map(|_| true)),
        Arc::new(each().map(|_| Some(1)).collect::<Int32Array>()),
    ];
    columns.extend(recorded(rows.len(), |_| 0));
    columns
}

/// Versions in which something was seen, and the bit of its tag: a tenth of the oldest eighth.
pub fn tagged(nodes: usize) -> Vec<(usize, usize)> {
    let mut numbers = Numbers::new(2);
    let mut tagged = Vec::new();
    for node in 0..nodes / 8 {
        if numbers.share() < 0.1 {
            tagged.push((node, 4 + numbers.below(60)));
        }
    }
    tagged
}

fn finding_columns(rows: std::ops::Range<usize>, tagged: &[(usize, usize)]) -> Vec<ArrayRef> {
    let each = || rows.clone();
    let mut categories = ListBuilder::new(StringBuilder::new());
    rows.clone().for_each(|_| categories.append_value([Some("pii")]));
    let none = || texts(each().map(|_| None));
    let text = |value: &'static str| texts(each().map(move |_| Some(value.to_owned())));
    let mut columns = vec![
        numbers(each().map(|f| Some(f as i64))),
        numbers(each().map(|f| Some(tagged[f].0 as i64))),
        none(),
        texts(each().map(|f| Some(format!("THING_{}", tagged[f].1)))),
        Arc::new(each().map(|f| Some(tagged[f].1 as i32)).collect::<Int32Array>()) as ArrayRef,
        Arc::new(categories.finish()),
        text("bench"),
        none(),
        numbers(each().map(|_| Some(1))),
        numbers(each().map(|_| None)),
        Arc::new(each().map(|_| Some(1.0)).collect::<Float32Array>()),
        Arc::new(each().map(|_| Some(1.0)).collect::<Float32Array>()),
        text("scan"),
        none(),
        none(),
        times(each().map(|_| Some(START))),
        numbers(each().map(|_| None)),
        numbers(each().map(|_| None)),
        none(),
    ];
    columns.extend(recorded(rows.len(), |_| 0));
    columns
}

/// The key of the subject that is asked about.
pub const SUBJECT: &str = "00000001:00000000000000000000000000000000";

/// One subject in each of the first shards, all other records of others.
fn record_columns(rows: std::ops::Range<usize>, shards: usize) -> Vec<ArrayRef> {
    let each = || rows.clone();
    let subject = |r: usize| if r < shards { SUBJECT.to_owned() } else { format!("00000001:{r:032x}") };
    let mut columns = vec![
        texts(each().map(|r| Some(subject(r)))),
        texts(each().map(|_| Some("THING_4".to_owned()))),
        numbers(each().map(|r| Some((r % shards) as i64))),
        Arc::new(each().map(|_| Some(0)).collect::<Int32Array>()) as ArrayRef,
        numbers(each().map(|r| Some((r / shards) as i64))),
        numbers(each().map(|_| Some(0))),
        Arc::new(each().map(|_| Some(9)).collect::<Int32Array>()),
    ];
    columns.extend(recorded(rows.len(), |_| 0));
    columns
}

/// For other engines: a copy is a hop both ways.
fn write_hops(place: &Path, hops: &[Hop]) -> Done {
    let both =
        || hops.iter().copied().chain(hops.iter().filter(|h| h.copy).map(|h| Hop { src: h.dst, dst: h.src, ..*h }));
    let batch = RecordBatch::try_from_iter(vec![
        ("src", numbers(both().map(|h| Some(i64::from(h.src))))),
        ("dst", numbers(both().map(|h| Some(i64::from(h.dst))))),
        ("valid_from", numbers(both().map(|h| Some(h.from)))),
        ("valid_to", numbers(both().map(|h| Some(h.to)))),
        ("clear_mask", numbers(both().map(|h| Some(h.clear)))),
    ])?;
    write_file(place, &batch)
}

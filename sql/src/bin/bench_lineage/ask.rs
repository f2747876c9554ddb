//! The questions: each asked several times through SQL, and of the bare walk. Times and the versions in each answer are
//! written to the folder, for other engines to be compared with.

use crate::make::{self, Assets, LAYERS, START, SUBJECT, TICK, TICKS};
use crate::recursive::Recursive;
use crate::walk::Bare;
use crate::{Numbers, make::layer_of};
use arrow::array::{ArrayRef, AsArray as _, Int64Array};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt as _;
use lineward_sql::LinewardSession;
use lineward_store::Store;
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// Runs of a question.
const RUNS: usize = 7;
/// The same of an estate of more versions than [`LARGE`], where each takes seconds.
const RUNS_LARGE: usize = 3;
/// Versions from which on an estate is large: two graphs of it may not fit in memory side by side.
const LARGE: usize = 10_000_000;
/// Random questions.
const RANDOM: usize = 1_000;

pub async fn ask(folder: &Path) -> Done {
    let store = folder.join("store");
    let uri = store.to_str().ok_or("a path that is not UTF-8")?.to_owned();
    let nodes = nodes(&uri).await?;
    let assets = Assets::new(nodes);
    let bare = Bare::read(&folder.join("hops.parquet"), nodes)?;
    // Of the last versions one with much above it.
    let above = |node: &u32| bare.into.walk(&[*node], usize::MAX, i64::MAX - 1).len();
    let last = (nodes as u32 - 40..nodes as u32).max_by_key(above).unwrap_or(0);
    let first = assets.text(last as usize, nodes);
    let before = memory_bytes("VmRSS");
    let start = Instant::now();
    let session = LinewardSession::open(&uri).await?;
    let opened = seconds(start);
    let rows = ids(&session, &format!("SELECT version_id FROM upstream('{first}')")).await?.len();
    let answered = seconds(start);
    let resident = memory_bytes("VmRSS") - before;
    let mut report = json!({
        "versions": nodes, "open_s": opened, "first_answer_s": answered, "first_rows": rows, "resident_bytes": resident,
        "peak_bytes": memory_bytes("VmHWM"),
    });
    let mut asker = Asker { session, bare, folder: folder.to_owned(), questions: Vec::new(), assets, nodes };
    asker.walks(last).await?;
    asker.recursive().await?;
    asker.tags().await?;
    asker.small().await?;
    asker.random((nodes > 50_000).then_some(3)).await?;
    report["questions"] = Value::Array(std::mem::take(&mut asker.questions));
    let keep = |report: &Value| {
        Ok::<_, Box<dyn Error>>(fs::write(folder.join("ours.json"), serde_json::to_vec_pretty(report)?)?)
    };
    keep(&report)?;
    drop(asker.bare);
    report["fresh"] = fresh(&mut asker.session, &store, nodes).await?;
    keep(&report)?;
    println!("{}", folder.join("ours.json").display());
    Ok(())
}

/// Only the first answer of a process, with what it takes of memory.
pub async fn first_alone(folder: &Path) -> Done {
    let store = folder.join("store");
    let uri = store.to_str().ok_or("a path that is not UTF-8")?.to_owned();
    let nodes = nodes(&uri).await?;
    let first = Assets::new(nodes).text(nodes - 1, nodes);
    let start = Instant::now();
    let session = LinewardSession::open(&uri).await?;
    let rows = ids(&session, &format!("SELECT version_id FROM upstream('{first}')")).await?.len();
    let report = json!({ "first_answer_s": seconds(start), "first_rows": rows, "peak_bytes": memory_bytes("VmHWM"), "resident_bytes": memory_bytes("VmRSS") });
    println!("{report}");
    Ok(())
}

/// Any question, several times in one session; with `{time}` in it at another time each, for which nothing is kept yet.
pub async fn query(folder: &Path, query: &str) -> Done {
    let store = folder.join("store");
    let session = LinewardSession::open(store.to_str().ok_or("a path that is not UTF-8")?).await?;
    let (mut times, mut rows) = (Vec::new(), 0);
    for run in 0..2 * RUNS {
        let query = query.replace("{time}", &time(TICKS * 2 / 3 + run));
        let start = Instant::now();
        rows = count(&session, &query).await?;
        times.push(seconds(start));
    }
    println!("{}", json!({ "rows": rows, "times": times }));
    Ok(())
}

/// Only the random questions, without a bound of depth: for tests that compare the answers.
pub async fn questions(folder: &Path) -> Done {
    let store = folder.join("store");
    let uri = store.to_str().ok_or("a path that is not UTF-8")?.to_owned();
    let nodes = nodes(&uri).await?;
    let bare = Bare::read(&folder.join("hops.parquet"), nodes)?;
    let (assets, session) = (Assets::new(nodes), LinewardSession::open(&uri).await?);
    let mut asker = Asker { session, bare, folder: folder.to_owned(), questions: Vec::new(), assets, nodes };
    asker.random(None).await?;
    Ok(fs::write(folder.join("questions.json"), asker.questions[0].to_string())?)
}

async fn nodes(uri: &str) -> Done<usize> {
    let snapshot = Store::open(uri).await?.snapshot().await?;
    let session = LinewardSession::new(snapshot).await?;
    Ok(ids(&session, "SELECT max(version_id) AS n FROM raw.asset_versions").await?[0] as usize + 1)
}

struct Asker {
    session: LinewardSession,
    bare: Bare,
    folder: PathBuf,
    questions: Vec<Value>,
    assets: Assets,
    nodes: usize,
}

impl Asker {
    fn runs(&self) -> usize {
        if self.nodes > LARGE { RUNS_LARGE } else { RUNS }
    }

    fn text(&self, node: u32) -> String {
        self.assets.text(node as usize, self.nodes)
    }

    /// Asks one question several times, compares with the bare walk, and keeps the answer.
    async fn walk(&mut self, name: &str, up: bool, seeds: &[u32], depth: Option<usize>, tick: Option<usize>) -> Done {
        let function = if up { "upstream" } else { "downstream" };
        let texts: Vec<String> = seeds.iter().map(|s| format!("('{}')", self.text(*s))).collect();
        let asset = match seeds {
            [one] => format!("'{}'", self.text(*one)),
            _ => format!("(SELECT column1 FROM (VALUES {}))", texts.join(", ")),
        };
        let at = tick.map(time);
        let arguments = match (depth, &at) {
            (None, None) => String::new(),
            (depth, at) => {
                let depth = depth.map_or("NULL".to_owned(), |d| d.to_string());
                at.as_ref().map_or(format!(", {depth}"), |at| format!(", {depth}, '{at}'"))
            }
        };
        let call = format!("{function}({asset}{arguments})");
        let query = format!("SELECT version_id FROM {call}");
        let (mut times, mut all, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        let mut answer = Vec::new();
        let mut plain = Vec::new();
        let micros = tick.map_or(i64::MAX - 1, |t| START + t as i64 * TICK);
        for _ in 0..self.runs() {
            let start = Instant::now();
            answer = ids(&self.session, &query).await?;
            times.push(seconds(start));
            let start = Instant::now();
            count(&self.session, &format!("SELECT * FROM {call}")).await?;
            all.push(seconds(start));
            let start = Instant::now();
            let side = if up { &self.bare.into } else { &self.bare.out };
            plain = side.walk(seeds, depth.unwrap_or(usize::MAX), micros);
            bare.push(seconds(start));
        }
        let mut plain: Vec<i64> = plain.into_iter().map(i64::from).collect();
        // A seed of which it is not known where it comes from has a row of its own without a version.
        // Of several seeds those that others reach are rows as well; the peers do not tell them.
        answer.retain(|id| *id >= 0 && !seeds.iter().any(|seed| i64::from(*seed) == *id));
        answer.sort_unstable();
        plain.sort_unstable();
        let file = format!("{name}.ids");
        self.keep(&file, &answer)?;
        self.questions.push(json!({
            "name": name, "kind": "walk", "up": up, "seeds": seeds, "depth": depth, "at": tick.map(|_| micros),
            "rows": answer.len(), "file": file, "times": times, "all_columns": all, "bare": bare,
            "equal_bare": answer == plain,
        }));
        Ok(())
    }

    fn keep(&self, file: &str, ids: &[i64]) -> Done {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        Ok(fs::write(self.folder.join(file), bytes)?)
    }

    async fn walks(&mut self, last: u32) -> Done {
        self.walk("upstream", true, &[last], None, None).await?;
        self.walk("upstream_as_of", true, &[last], None, Some(TICKS * 2 / 3)).await?;
        self.walk("downstream_hub", false, &[0], None, None).await?;
        let step = self.nodes / 1_000;
        let seeds: Vec<u32> = (1..=1_000).map(|i| (self.nodes - 1 - (i * 7 % step.max(8))) as u32).collect();
        let mut seeds = seeds;
        seeds.sort_unstable();
        seeds.dedup();
        self.walk("upstream_seeds", true, &seeds, None, None).await
    }

    /// The walks as recursive queries of the engine itself. Not of a large estate, where each takes a minute and the hops
    /// are in memory once more.
    async fn recursive(&mut self) -> Done {
        if self.nodes > LARGE {
            return Ok(());
        }
        let recursive = Recursive::read(&self.folder.join("hops.parquet")).await?;
        for question in &mut self.questions {
            let seeds = question["seeds"].as_array().into_iter().flatten().filter_map(Value::as_u64);
            let seeds: Vec<u32> = seeds.map(|seed| seed as u32).collect();
            let (up, at) = (question["up"] == true, question["at"].as_i64().unwrap_or(i64::MAX - 1));
            let (mut times, mut found) = (Vec::new(), Vec::new());
            while times.len() < RUNS_LARGE && times.iter().sum::<f64>() < 20.0 {
                let start = Instant::now();
                found = recursive.walk(up, &seeds, at).await?;
                times.push(seconds(start));
            }
            found.retain(|id| !seeds.iter().any(|seed| i64::from(*seed) == *id));
            found.sort_unstable();
            let file = self.folder.join(question["file"].as_str().unwrap_or_default());
            let bytes: Vec<u8> = found.iter().flat_map(|id| id.to_le_bytes()).collect();
            question["recursive"] = json!(times);
            question["equal_recursive"] = json!(fs::read(file)? == bytes);
        }
        Ok(())
    }

    /// Models by a tag; labels of all versions; erasure of a subject; ways of a tag.
    async fn tags(&mut self) -> Done {
        let tag = 7usize;
        let seen: Vec<u32> =
            make::tagged(self.nodes).into_iter().filter(|(_, t)| *t == tag).map(|(v, _)| v as u32).collect();
        let call = format!("models_trained_on('THING_{tag}')");
        let past = format!("models_trained_on('THING_{tag}', '{}')", time(TICKS * 2 / 3));
        for (name, call, at) in [("models", call, None), ("models_as_of", past, Some(TICKS * 2 / 3))] {
            let names = format!("SELECT model_name, model_version FROM {call}");
            let (mut cold, mut warm) = (0.0, Vec::new());
            for run in 0..self.runs() {
                let start = Instant::now();
                count(&self.session, &names).await?;
                if run == 0 {
                    cold = seconds(start);
                } else {
                    warm.push(seconds(start));
                }
            }
            let start = Instant::now();
            let rows = count(&self.session, &format!("SELECT * FROM {call}")).await?;
            let all = seconds(start);
            let own = format!(
                "SELECT v.version_id FROM {call} AS m JOIN current.assets AS a ON a.namespace = m.model_namespace AND \
                 a.name = m.model_name JOIN current.asset_versions AS v ON v.asset_id = a.asset_id AND \
                 v.version = m.model_version"
            );
            let mut answer = ids(&self.session, &own).await?;
            answer.sort_unstable();
            let file = format!("{name}.ids");
            self.keep(&file, &answer)?;
            let is_model = |node: &usize| make::asset_type(layer_of(*node, self.nodes)) == "MODEL";
            let first = (0..self.nodes).find(is_model).unwrap_or(0);
            let after = (0..self.nodes).rev().find(is_model).map_or(0, |node| node + 1);
            self.questions.push(json!({
                "name": name, "kind": "tag", "seeds": seen, "bit": tag, "models": [first, after], "rows": rows,
                "at": at.map(|t| START + t as i64 * TICK), "file": file, "cold": cold, "times": warm,
                "all_columns": [all],
            }));
        }
        let shown = [
            ("labels", "SELECT count(*) FROM graph.labels".to_owned()),
            ("erasure", format!("SELECT namespace, name, version, action FROM erasure_impact('{SUBJECT}')")),
            (
                "exposure_paths",
                format!("SELECT * FROM exposure_paths('THING_{tag}', '{}')", self.text(self.nodes as u32 * 22 / 24)),
            ),
        ];
        for (name, query) in shown {
            let mut times = Vec::new();
            let mut rows = 0;
            for _ in 0..self.runs() {
                let start = Instant::now();
                rows = count(&self.session, &query).await?;
                times.push(seconds(start));
            }
            self.questions.push(json!({ "name": name, "kind": "ours", "rows": rows, "times": times }));
        }
        Ok(())
    }

    /// Three hops from anywhere, of at most 100 rows.
    async fn small(&mut self) -> Done {
        let mut numbers = Numbers::new(5);
        let (mut times, mut bare, mut seeds) = (Vec::new(), Vec::new(), Vec::new());
        while times.len() < RANDOM {
            let seed = numbers.below(self.nodes) as u32;
            let start = Instant::now();
            let plain = self.bare.into.walk(&[seed], 3, i64::MAX - 1).len();
            let alone = seconds(start);
            if plain > 100 {
                continue;
            }
            let query = format!("SELECT version_id FROM upstream('{}', 3)", self.text(seed));
            let start = Instant::now();
            ids(&self.session, &query).await?;
            times.push(seconds(start));
            bare.push(alone);
            seeds.push(seed);
        }
        times[..].sort_by(f64::total_cmp);
        self.questions.push(json!({
            "name": "three_hops", "kind": "small", "seeds": seeds, "p50": times[RANDOM / 2], "p99": times[RANDOM * 99 / 100],
            "times": times, "bare": bare,
        }));
        Ok(())
    }

    /// Random seed, direction and time. Large graphs are asked with a bound of depth, so that other engines come to an
    /// end.
    async fn random(&mut self, depth: Option<usize>) -> Done {
        let mut numbers = Numbers::new(6);
        let mut asked = Vec::new();
        let mut found = Vec::new();
        let mut equal = 0;
        for _ in 0..RANDOM {
            let (seed, up) = (numbers.below(self.nodes) as u32, numbers.below(2) == 0);
            let tick = numbers.below(TICKS);
            let function = if up { "upstream" } else { "downstream" };
            let limit = depth.map_or("NULL".to_owned(), |d: usize| d.to_string());
            let query = format!("SELECT version_id FROM {function}('{}', {limit}, '{}')", self.text(seed), time(tick));
            let mut answer = ids(&self.session, &query).await?;
            answer.retain(|id| *id >= 0);
            answer.sort_unstable();
            let at = START + tick as i64 * TICK;
            let side = if up { &self.bare.into } else { &self.bare.out };
            let mut plain: Vec<i64> =
                side.walk(&[seed], depth.unwrap_or(usize::MAX), at).into_iter().map(i64::from).collect();
            plain.sort_unstable();
            equal += usize::from(plain == answer);
            asked.push(json!({ "up": up, "seed": seed, "at": at, "rows": answer.len() }));
            found.extend(answer);
        }
        self.keep("random.ids", &found)?;
        self.questions.push(json!({
            "name": "random", "kind": "random", "depth": depth, "asked": asked, "file": "random.ids",
            "equal_bare": equal,
        }));
        Ok(())
    }
}

/// Only how long it takes until later epochs are seen.
pub async fn fresh_alone(folder: &Path) -> Done {
    let store = folder.join("store");
    let uri = store.to_str().ok_or("a path that is not UTF-8")?.to_owned();
    let nodes = nodes(&uri).await?;
    let start = Instant::now();
    let mut session = LinewardSession::open(&uri).await?;
    let seed = Assets::new(nodes).text(nodes / LAYERS / 2, nodes);
    ids(&session, &format!("SELECT version_id FROM downstream('{seed}', 1)")).await?;
    let first = seconds(start);
    let fresh = fresh(&mut session, &store, nodes).await?;
    println!("{}", json!({ "versions": nodes, "first_answer_s": first, "fresh": fresh }));
    Ok(())
}

/// A later epoch: how long until its edges are in answers; in a session that goes on, and in one that is opened anew.
async fn fresh(session: &mut LinewardSession, store: &Path, nodes: usize) -> Done<Value> {
    let assets = Assets::new(nodes);
    let seed = assets.text(nodes / LAYERS / 2, nodes);
    let query = format!("SELECT version_id FROM downstream('{seed}', 1)");
    let (mut times, mut anew) = (Vec::new(), Vec::new());
    let uri = store.to_str().ok_or("a path that is not UTF-8")?;
    let mut versions: std::collections::BTreeMap<String, i64> =
        lineward_store::TABLES.iter().map(|t| ((*t).to_owned(), session.snapshot().version(t).unwrap_or(0))).collect();
    versions.remove("epochs");
    for round in 0..3i64 {
        let known = ids(session, &query).await?.len();
        let table = session.snapshot().version("edges").unwrap_or(0) + 1;
        let epoch = session.snapshot().epoch() + 1;
        make::add(store, "edges", table, 1_000, &|r| new_edges(r, nodes, round), None)?;
        versions.insert("edges".to_owned(), table);
        make::epoch(store, epoch, &versions)?;
        let start = Instant::now();
        session.refresh().await?;
        let now = ids(session, &query).await?.len();
        times.push(seconds(start));
        if now != known + 1_000 {
            return Err(format!("{known} rows before 1000 edges were added, {now} after").into());
        }
        if nodes > LARGE {
            continue;
        }
        let start = Instant::now();
        let built = ids(&LinewardSession::open(uri).await?, &query).await?.len();
        anew.push(seconds(start));
        if built != now {
            return Err(format!("{now} rows in a session that goes on, {built} in one that is opened anew").into());
        }
    }
    Ok(json!({ "edges": 1_000, "visible_s": times, "anew_s": anew }))
}

/// Edges from one old version to versions that nothing flows into from it yet.
fn new_edges(rows: std::ops::Range<usize>, nodes: usize, round: i64) -> Vec<ArrayRef> {
    use arrow::array::{BinaryArray, BooleanArray, Float32Array, StringArray, TimestampMicrosecondArray};
    let numbers =
        |of: &dyn Fn(usize) -> Option<i64>| -> ArrayRef { Arc::new(rows.clone().map(of).collect::<Int64Array>()) };
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; rows.len()])) };
    let time = |at: Option<i64>| -> ArrayRef {
        Arc::new(vec![at; rows.len()].into_iter().collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let key: &[u8] = &[8; 32];
    vec![
        numbers(&|r| Some(1_000_000_000 + round * 1_000 + r as i64)),
        numbers(&|_| Some((nodes / LAYERS / 2) as i64)),
        numbers(&|r| Some((nodes / 2 + (round as usize * 1_000 + r) * 3) as i64)),
        numbers(&|_| None),
        text("DERIVED"),
        text("EXPLICIT"),
        Arc::new(Float32Array::from(vec![1.0; rows.len()])),
        Arc::new(BooleanArray::from(vec![false; rows.len()])),
        numbers(&|_| Some(0)),
        time(Some(START)),
        time(None),
        time(Some(START)),
        time(None),
        Arc::new(BinaryArray::from(vec![key; rows.len()])),
        numbers(&|_| Some(0)),
    ]
}

fn time(tick: usize) -> String {
    let micros = START + tick as i64 * TICK;
    chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default().to_rfc3339()
}

fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

/// The first column of an answer; -1 for null.
async fn ids(session: &LinewardSession, query: &str) -> Done<Vec<i64>> {
    let mut stream = session.query(query).await?;
    let mut ids = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        let column = batch.column(0).as_primitive::<Int64Type>();
        match batch.column(0).null_count() {
            0 => ids.extend_from_slice(column.values()),
            _ => ids.extend(column.iter().map(|id| id.unwrap_or(-1))),
        }
    }
    Ok(ids)
}

async fn count(session: &LinewardSession, query: &str) -> Done<usize> {
    let mut stream = session.query(query).await?;
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows();
    }
    Ok(rows)
}

/// A size of this process in bytes, on Linux; else 0.
fn memory_bytes(what: &str) -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with(what));
    let kib = line.and_then(|l| l.split_whitespace().nth(1)).and_then(|n| n.parse::<i64>().ok());
    kib.unwrap_or(0) * 1024
}

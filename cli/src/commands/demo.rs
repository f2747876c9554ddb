//! `lineward demo`: plays the sample estate through the real parts and answers four questions about it.
//!
//! Events go through an in-process broker and a pipeline, corpora are scanned into the same store. Nothing is faked but
//! the broker, which keeps its records in memory: see `EmbeddedBroker`.

use crate::{fingerprint_key, output};
use anyhow::{Context as _, bail};
use clap::Args;
use lineward_classifiers::scan::{self, FileReport, ScanOptions};
use lineward_classifiers::{Finding, FingerprintKey};
use lineward_connectors::kafka::{EmbeddedBroker, KafkaConfig, KafkaSink, KafkaSinkConfig};
use lineward_pipelines::{
    BatchSpec, Counters, PipelineSpec, RunOptions, ScanRecord, SourceSpec, Stop, engine_for, record_scan,
};
use lineward_sql::LinewardSession;
use lineward_sql::render::Format;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A corpus: the data set it stands for, its folder, its files and their texts.
type Corpus = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The corpora.
const CORPORA: &[Corpus] = &[
    (
        "s3://hospital-lake/notes",
        "hospital-notes",
        &[
            ("part-000.jsonl", include_str!("../../demo/corpora/hospital-notes/part-000.jsonl")),
            ("part-001.jsonl", include_str!("../../demo/corpora/hospital-notes/part-001.jsonl")),
            ("part-002.jsonl", include_str!("../../demo/corpora/hospital-notes/part-002.jsonl")),
        ],
    ),
    (
        "s3://ml-corpora/web-clean",
        "web-clean",
        &[
            ("part-000.jsonl", include_str!("../../demo/corpora/web-clean/part-000.jsonl")),
            ("part-001.jsonl", include_str!("../../demo/corpora/web-clean/part-001.jsonl")),
            ("part-002.jsonl", include_str!("../../demo/corpora/web-clean/part-002.jsonl")),
        ],
    ),
    (
        "s3://ml-corpora/code",
        "code",
        &[
            ("deploy.py", include_str!("../../demo/corpora/code/deploy.py")),
            ("release.sh", include_str!("../../demo/corpora/code/release.sh")),
            ("settings.yaml", include_str!("../../demo/corpora/code/settings.yaml")),
            ("sort.py", include_str!("../../demo/corpora/code/sort.py")),
        ],
    ),
];

/// The topics and their events.
const TOPICS: &[(&str, &str)] = &[
    ("lineage", include_str!("../../demo/events/lineage.jsonl")),
    ("audit", include_str!("../../demo/events/audit.jsonl")),
    ("dlp", include_str!("../../demo/events/dlp.jsonl")),
    ("mlflow", include_str!("../../demo/events/mlflow.jsonl")),
];

/// The questions and their SQL.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "Which models were trained on PHI?",
        "SELECT model_name, status, min_depth, deployed, complete\n\
         FROM models_trained_on('PHI') WHERE tag = 'PHI' ORDER BY min_depth, model_name",
    ),
    (
        "Where did this data set's credentials go?",
        "SELECT asset_type, name, depth, edge_type, evidence\n\
         FROM downstream('s3://ml-corpora/code') ORDER BY depth, name",
    ),
    (
        "What is upstream of the deployed model?",
        "SELECT depth, asset_type, name, edge_type, evidence\n\
         FROM upstream('deployment:sagemaker://eu-central-1/210987654321/endpoint/triage-prod') ORDER BY depth, name",
    ),
    ("What do we not know?", "SELECT gap, asset_type, name, detail FROM lineage_gaps ORDER BY gap, name"),
];

/// Name of the file that says a folder is ours to replace.
const MARKER: &str = "lineward-demo.json";

/// Arguments of `lineward demo`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A made-up hospital: three corpora, the events of their training jobs, a fine-tune of a fine-tune and
a deployment go from a broker in this process through a pipeline into a store; the corpora are
scanned; four questions are answered. The store stays: `lineward sql --store DIR/store` asks on.

Exit codes: 0 done, 2 an error.")]
pub(crate) struct DemoArgs {
    /// Folder for the corpora and the store; it must not exist, or be an earlier demo's with --force
    #[arg(long, value_name = "DIR", default_value = "./lineward-demo")]
    dir: PathBuf,
    /// Replace an earlier demo in that folder
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    prepare(&args.dir, args.force)?;
    let key = fingerprint_key::load(None)?;
    let store = args.dir.join("store").to_string_lossy().into_owned();
    let mut out = output::stdout();
    stream(&mut *out, &store, &key)?;
    let runtime = super::runtime()?;
    runtime.block_on(scan_corpora(&mut *out, &args.dir, &store, &key))?;
    runtime.block_on(ask(&mut *out, &store))?;
    writeln!(
        out,
        "\nThat took {:.1} s. The store is yours to question:\n  lineward sql --store {store}\n  lineward sql --store {store} \"SELECT * FROM findings_by_asset\"",
        started.elapsed().as_secs_f64()
    )?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder and writes the corpora into it. Only a folder that an earlier demo made is ever replaced.
fn prepare(dir: &Path, force: bool) -> anyhow::Result<()> {
    let failed = |path: &Path| format!("cannot write `{}`", path.display());
    if dir.exists() {
        match (dir.join(MARKER).is_file(), force) {
            (true, true) => fs::remove_dir_all(dir).with_context(|| failed(dir))?,
            (true, false) => bail!("`{}` holds an earlier demo; replace it with --force", dir.display()),
            (false, _) => bail!("`{}` exists and is no demo; name another folder with --dir", dir.display()),
        }
    }
    fs::create_dir_all(dir).with_context(|| failed(dir))?;
    fs::write(dir.join(MARKER), "{\"made_by\":\"lineward demo\"}\n").with_context(|| failed(dir))?;
    for (_, folder, files) in CORPORA {
        let folder = dir.join("corpora").join(folder);
        fs::create_dir_all(&folder).with_context(|| failed(&folder))?;
        for (name, text) in *files {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| failed(&path))?;
        }
    }
    Ok(())
}

/// Sends the events through the broker and the pipeline into the store.
fn stream(out: &mut dyn Write, store: &str, key: &FingerprintKey) -> anyhow::Result<()> {
    let broker = EmbeddedBroker::start()?;
    let topics: Vec<String> = TOPICS.iter().map(|(topic, _)| (*topic).to_owned()).collect();
    for topic in &topics {
        broker.create_topic(topic, 1)?;
    }
    let sink = KafkaSink::new(&KafkaSinkConfig::new(broker.bootstrap()))?;
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let mut spec = PipelineSpec {
        name: "demo".into(),
        store: None,
        source: SourceSpec {
            kafka: KafkaConfig::new(broker.bootstrap(), &names, "lineward-demo"),
            event_format: "auto".into(),
        },
        batch: BatchSpec { interval_ms: 200, ..BatchSpec::default() },
        classify: Default::default(),
        clearing: Vec::new(),
    };
    let options = RunOptions { store: store.to_owned(), key: key.clone(), until_end: true, clearing: Vec::new() };
    let mut counters = Counters::default();
    // One topic after the other: which of several is read first is chance, and a demo says the same each time.
    for (topic, events) in TOPICS {
        for event in events.lines() {
            sink.send(topic, None, Some(event.as_bytes()), None)?;
        }
        sink.flush(Duration::from_secs(10))?;
        // The embedded broker has a group wait ten seconds for a member that has left.
        spec.source.kafka.group_id = format!("lineward-demo-{topic}");
        counters.add(&lineward_pipelines::run(&spec, &options, &Stop::default(), |_| {})?);
    }
    writeln!(out, "Events from {} topics: {}.", TOPICS.len(), super::counts(&counters))?;
    Ok(())
}

#[derive(Default)]
struct Reports {
    files: Vec<FileReport>,
    findings: u64,
}

impl scan::Sink for Reports {
    fn finding(&mut self, _: Finding) {
        self.findings += 1;
    }

    fn file(&mut self, report: FileReport) {
        self.files.push(report);
    }
}

/// Scans the corpora into the store, under the names that training jobs read them by.
async fn scan_corpora(out: &mut dyn Write, dir: &Path, store: &str, key: &FingerprintKey) -> anyhow::Result<()> {
    let engine = engine_for(&[])?;
    for (dataset, folder, _) in CORPORA {
        let path = dir.join("corpora").join(folder);
        let options =
            ScanOptions { jobs: 2, hash_content: true, sketch_content: true, ..ScanOptions::new(key.clone()) };
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_micros() as i64;
        let mut reports = Reports::default();
        let inputs = scan::inputs(std::slice::from_ref(&path));
        scan::scan(&engine, &inputs, &options, &Default::default(), &mut reports)?;
        let record = ScanRecord {
            places: None,
            found_as: Default::default(),
            part: None,
            store,
            dataset: Some(dataset),
            path: &path,
            reports: &reports.files,
            engine: &engine,
            key: key.clone(),
            started_at: started,
        };
        record_scan(&record).await?;
        writeln!(out, "Scanned {dataset}: {} files, {} findings.", reports.files.len(), reports.findings)?;
    }
    Ok(())
}

async fn ask(out: &mut dyn Write, store: &str) -> anyhow::Result<()> {
    let session = LinewardSession::open(store).await?;
    for (question, sql) in QUESTIONS {
        writeln!(out, "\n{question}\n")?;
        for line in sql.lines() {
            writeln!(out, "  {line}")?;
        }
        writeln!(out)?;
        for statement in LinewardSession::parse(sql)? {
            session.write(statement, Format::Table, &mut *out).await?;
        }
    }
    Ok(())
}

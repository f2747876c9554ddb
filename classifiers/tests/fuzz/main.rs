//! Hostile input for every reader, decoder and validator, and for what is built of them: seeds are mutated, and nothing may
//! panic, run for long or grow without bound. It needs no nightly compiler.
//!
//! A run is decided by its seed number, so a failure can be played again: it names the target and the number of the
//! input, and writes the input to `target/fuzz/`. An input that once failed is kept in `seeds/<target>/` and is tried first,
//! for ever. `LINEWARD_FUZZ_SECONDS` is the time for each target (`make fuzz`: a minute); without it each has a few hundred
//! inputs.

mod mutate;
mod seeds;

use lineward_classifiers::clean::{self, Mode};
use lineward_classifiers::decoders::Layers;
use lineward_classifiers::ner::Tagger;
use lineward_classifiers::readers::Format;
use lineward_classifiers::scan::{self, ScanOptions, scan_bytes};
use lineward_classifiers::{
    Engine, FieldTable, FingerprintKey, RuleSet, ValueBatch, rule_test, structure, tables, validators,
};
use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("engine"));

/// Inputs of each target where no time is named.
const INPUTS: u64 = 200;
/// Longest input.
const BYTES_MAX: usize = 64 << 10;
/// An input that takes longer is a failure: the slowest honest one takes a few milliseconds, and the machine may be busy.
const SLOW: Duration = Duration::from_secs(20);

fn options(format: Option<Format>) -> ScanOptions {
    ScanOptions { format, ..ScanOptions::new(FingerprintKey::new(&[9; 32]).expect("a key")) }
}

/// Runs a target on its kept inputs, its seeds and mutations of them.
fn fuzz(target: &str, seeds: &[Vec<u8>], run: impl Fn(&[u8])) {
    let time = std::env::var("LINEWARD_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).map(Duration::from_secs_f64);
    let started = Instant::now();
    for (number, kept) in seeds::kept(target).iter().chain(seeds).enumerate() {
        one(target, number as u64, kept, &run);
    }
    let mut number = 0;
    while time.map_or(number < INPUTS, |time| started.elapsed() < time) {
        let input = Mutator::new(target, number).mutated(seeds, BYTES_MAX);
        one(target, number, &input, &run);
        number += 1;
    }
}

fn one(target: &str, number: u64, input: &[u8], run: &impl Fn(&[u8])) {
    let started = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| run(input)));
    if outcome.is_err() || started.elapsed() > SLOW {
        let what = if outcome.is_err() { "a panic" } else { "too slow" };
        panic!("{target}: {what} on input {number}, written to {}", keep(target, number, input).display());
    }
}

fn keep(target: &str, number: u64, input: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    let path = folder.join(format!("{target}-{number}"));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    written.map_or_else(|e| PathBuf::from(format!("(not written: {e})")), |()| path)
}

/// A reader's target: the format forced, then told by content.
fn reader(format: Format) {
    let name = format!("a.{}", format.as_str());
    fuzz(format.as_str(), &seeds::of(format), |input| {
        for forced in [Some(format), None] {
            // What is broken is an error or a problem; both are an answer.
            let _ = scan_bytes(&ENGINE, &name, input.to_vec(), &options(forced));
        }
    });
}

#[test]
fn readers_of_records() {
    for format in [Format::Jsonl, Format::Json, Format::Csv, Format::Tsv, Format::Notebook] {
        reader(format);
    }
}

#[test]
fn readers_of_columns() {
    for format in [Format::Parquet, Format::Arrow, Format::Avro] {
        reader(format);
    }
}

#[test]
fn readers_of_text_and_archives() {
    for format in Format::ALL {
        let elsewhere = [
            Format::Jsonl,
            Format::Json,
            Format::Csv,
            Format::Tsv,
            Format::Notebook,
            Format::Parquet,
            Format::Arrow,
            Format::Avro,
        ];
        if !elsewhere.contains(&format) {
            reader(format);
        }
    }
}

#[test]
fn readers_of_compressed_inputs() {
    for (name, seeds) in seeds::compressed() {
        fuzz(&format!("compressed-{name}"), &seeds, |input| {
            let _ = scan_bytes(&ENGINE, "a", input.to_vec(), &options(None));
        });
    }
}

#[test]
fn decoders() {
    fuzz("decoders", &seeds::encoded(), |input| {
        let batch = ValueBatch::of_text(input.to_vec());
        let layers = Layers::of(&batch);
        for (layer, plain) in layers.batches().enumerate() {
            for (index, span) in plain.spans().iter().enumerate() {
                let len = span.end - span.start;
                for (start, end) in [(0, len), (len / 2, len), (0, len / 2), (len / 3, len / 2)] {
                    if let Some((value, start, end)) = layers.source_of(layer, index as u32, start, end) {
                        assert!(value == 0 && start <= end && end <= input.len(), "a place outside the source");
                    }
                }
            }
        }
    });
}

#[test]
fn validators_and_checks() {
    fuzz("validators", &seeds::numbers(), |input| {
        let text = String::from_utf8_lossy(input);
        let text: String = text.chars().take(256).collect();
        for validator in validators::all() {
            let _ = (validator.check)(&text);
        }
    });
    fuzz("structures", &[seeds::numbers(), seeds::encoded()].concat(), |input| {
        let text = String::from_utf8_lossy(input);
        let text: String = text.chars().take(1_024).collect();
        for structure in structure::all() {
            let _ = (structure.check)(&text);
        }
    });
}

#[test]
fn the_engine_and_the_tagger() {
    fuzz("engine", &seeds::texts(), |input| {
        let batch = ValueBatch::of_text(input.to_vec());
        let mut found = Vec::new();
        ENGINE.scanner().expect("scratch").scan(&batch, &FieldTable::default(), &mut found).expect("it scans");
        assert!(found.iter().all(|m| m.start < m.end && m.end <= input.len()), "a match outside the text");
        let text = String::from_utf8_lossy(input);
        let mut spans = Vec::new();
        Tagger::built_in().tag(&text, &mut spans);
        assert!(spans.iter().all(|s| text.get(s.start..s.end).is_some_and(|t| !t.is_empty())), "a span off characters");
        let mut cells = Vec::new();
        tables::find(input, true, 1 << 14, &|name| name.len() % 2 == 0, &mut cells);
        assert!(cells.iter().all(|c| input.get(c.value.clone()).is_some()), "a cell outside the text");
    });
}

#[test]
fn rule_files() {
    fuzz("rules", &seeds::rules(), |input| {
        if let Ok(text) = std::str::from_utf8(input) {
            let _ = rule_test::test_file("own.yaml", text);
        }
    });
}

/// The files of a folder with a log or card of any content: nothing that is there may be lost for it.
fn files_of(folder: &std::path::Path, data: &str) {
    let found = scan::inputs(&[folder.to_path_buf()]);
    let is_there = |input: &scan::ScanInput| input.problem.is_none() && input.path.ends_with(data);
    assert!(found.iter().any(is_there), "a file that no log names is gone");
}

#[test]
fn logs_of_delta_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("_delta_log");
    std::fs::create_dir(&log).expect("a folder");
    std::fs::write(folder.path().join("nobody-names-this.parquet"), b"").expect("written");
    std::fs::write(folder.path().join("part-1.parquet"), b"").expect("written");
    let commit = log.join("00000000000000000000.json");
    fuzz("delta-log", &seeds::delta_commits(), |input| {
        std::fs::write(&commit, input).expect("written");
        files_of(folder.path(), "nobody-names-this.parquet");
    });
    let checkpoint = log.join("00000000000000000001.checkpoint.parquet");
    fuzz("delta-checkpoint", &[seeds::delta_checkpoint()], |input| {
        std::fs::write(&checkpoint, input).expect("written");
        files_of(folder.path(), "nobody-names-this.parquet");
    });
}

#[test]
fn cards_of_hugging_face_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    std::fs::write(folder.path().join("data/train-00000-of-00001.parquet"), b"").expect("written");
    fuzz("huggingface", &seeds::cards(), |input| {
        std::fs::write(folder.path().join("README.md"), input).expect("written");
        files_of(folder.path(), "data/train-00000-of-00001.parquet");
    });
}

#[test]
fn cleaned_copies() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("in"), folder.path().join("out"));
    for format in [Format::Jsonl, Format::Csv, Format::Text, Format::Parquet] {
        fuzz(&format!("clean-{}", format.as_str()), &seeds::of(format), |input| {
            std::fs::write(&from, input).expect("written");
            for mode in [Mode::Mask, Mode::Surrogate, Mode::Drop] {
                let _ = clean::clean_file(&ENGINE, &from, &to, mode, &options(Some(format)));
            }
        });
    }
}

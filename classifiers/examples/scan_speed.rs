//! Scans files and prints the speed: a profiling aid. `cargo run --release --example scan_speed -- PATH...`; `JOBS` threads,
//! one by default. Speed is by the CPU time of the process where the system tells it, so that other work on the machine
//! does not count.
#![allow(clippy::print_stdout, missing_docs)]
use lineward_classifiers::{Engine, FingerprintKey, RuleSet, scan};
use std::collections::BTreeMap;
use std::sync::Arc;

struct Count {
    findings: u64,
    by_detector: Option<BTreeMap<String, u64>>,
}

impl scan::Sink for Count {
    fn finding(&mut self, f: lineward_classifiers::Finding) {
        self.findings += 1;
        if let Some(counts) = &mut self.by_detector {
            *counts.entry(format!("{} {:?}", f.detector, f.confidence)).or_default() += 1;
        }
    }
    fn file(&mut self, _: scan::FileReport) {}
}

/// CPU seconds of this process, on Linux: user and system time in ticks of a hundredth.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let ticks = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Some(ticks.sum::<Result<f64, _>>().ok()? / 100.0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = std::time::Instant::now();
    let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
    println!("engine {:?}, {} rules, {} literals", start.elapsed(), engine.rules().len(), engine.literal_count());
    let paths: Vec<std::path::PathBuf> = std::env::args().skip(1).map(Into::into).collect();
    let inputs = scan::inputs(&paths);
    let jobs = std::env::var("JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    // `DECODE=off` shows what looking for encoded text costs.
    let decode = std::env::var("DECODE").map_or(true, |how| how != "off");
    let ner = match std::env::var("NER").as_deref() {
        Ok("off") => scan::Ner::Off,
        Ok("on") => scan::Ner::On,
        _ => scan::Ner::Auto,
    };
    // `SKETCH=on` shows what sketches for near copies cost.
    let sketch_content = std::env::var("SKETCH").is_ok_and(|how| how == "on");
    let key = FingerprintKey::new(&[1; 32])?;
    let options = scan::ScanOptions { jobs, decode, ner, sketch_content, ..scan::ScanOptions::new(key) };
    for round in 0..4 {
        let progress = scan::Progress::default();
        // Counting costs time: only the last round does it.
        let mut count = Count { findings: 0, by_detector: (round == 3).then(BTreeMap::new) };
        let start = std::time::Instant::now();
        let cpu = cpu_seconds();
        scan::scan(&engine, &inputs, &options, &progress, &mut count)?;
        let bytes = progress.bytes.load(std::sync::atomic::Ordering::Relaxed) as f64;
        let wall = start.elapsed().as_secs_f64();
        let seconds = match (cpu, cpu_seconds()) {
            (Some(before), Some(after)) => after - before,
            _ => wall,
        };
        println!(
            "{:.1} MB in {seconds:.3} s CPU, {wall:.3} s: {:.0} MB/s, {} findings",
            bytes / 1e6,
            bytes / 1e6 / seconds,
            count.findings
        );
        if let Some(counts) = count.by_detector {
            println!("{counts:#?}");
        }
    }
    Ok(())
}

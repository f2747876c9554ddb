//! Scans files and prints the speed: a profiling aid. `cargo run --release --example scan_speed -- PATH...`; `JOBS` threads, one by default.
#![allow(clippy::print_stdout, missing_docs)]
use lineward_classifiers::{Engine, FingerprintKey, RuleSet, scan};
use std::sync::Arc;

#[derive(Default)]
struct Count(u64, std::collections::BTreeMap<String, u64>);

impl scan::Sink for Count {
    fn finding(&mut self, f: lineward_classifiers::Finding) {
        self.0 += 1;
        *self.1.entry(format!("{} {:?}", f.detector, f.confidence)).or_default() += 1;
    }
    fn file(&mut self, _: scan::FileReport) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = std::time::Instant::now();
    let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
    println!("engine {:?}, {} rules, {} anchors", start.elapsed(), engine.rules().len(), engine.anchor_count());
    let paths: Vec<std::path::PathBuf> = std::env::args().skip(1).map(Into::into).collect();
    let inputs = scan::inputs(&paths);
    let jobs = std::env::var("JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    // `DECODE=off` shows what looking for encoded text costs.
    let decode = std::env::var("DECODE").map_or(true, |how| how != "off");
    let options = scan::ScanOptions { jobs, decode, ..scan::ScanOptions::new(FingerprintKey::new(&[1; 32])?) };
    for round in 0..3 {
        let progress = scan::Progress::default();
        let mut count = Count::default();
        let start = std::time::Instant::now();
        scan::scan(&engine, &inputs, &options, &progress, &mut count)?;
        let bytes = progress.bytes.load(std::sync::atomic::Ordering::Relaxed) as f64;
        let seconds = start.elapsed().as_secs_f64();
        println!("{:.1} MB in {seconds:.3} s: {:.0} MB/s, {} findings", bytes / 1e6, bytes / 1e6 / seconds, count.0);
        if round == 2 {
            println!("{:#?}", count.1);
        }
    }
    Ok(())
}

//! Scans files on one thread and prints the speed: a profiling aid, by the thread's CPU time where the system tells it, so
//! that other work on the machine does not count. `cargo run --release --example scan_speed -- PATH...`
#![allow(clippy::print_stdout, missing_docs)]
use lineward_classifiers::{Confidence, Engine, FingerprintKey, RuleSet, scan};
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

/// CPU seconds of this thread, on Linux.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(stat.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = std::time::Instant::now();
    let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
    println!("engine {:?}, {} rules, {} literals", start.elapsed(), engine.rules().len(), engine.literal_count());
    let paths: Vec<std::path::PathBuf> = std::env::args().skip(1).map(Into::into).collect();
    let inputs = scan::inputs(&paths);
    let options = scan::ScanOptions {
        format: None,
        fields: vec![],
        confidence_min: Confidence::Medium,
        jobs: 1,
        binary: Default::default(),
        key: FingerprintKey::new(&[1; 32])?,
        show_values: false,
        hash_content: false,
    };
    for round in 0..4 {
        let progress = scan::Progress::default();
        // Counting costs time: only the last round does it.
        let mut count = Count { findings: 0, by_detector: (round == 3).then(BTreeMap::new) };
        let start = std::time::Instant::now();
        let cpu = cpu_seconds();
        scan::scan(&engine, &inputs, &options, &progress, &mut count)?;
        let bytes = progress.bytes.load(std::sync::atomic::Ordering::Relaxed) as f64;
        let seconds = match (cpu, cpu_seconds()) {
            (Some(before), Some(after)) => after - before,
            _ => start.elapsed().as_secs_f64(),
        };
        println!(
            "{:.1} MB in {seconds:.3} s: {:.0} MB/s, {} findings",
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

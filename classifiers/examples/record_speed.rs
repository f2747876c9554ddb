//! How many JSON records of about 2 KB a core parses, searches and redacts in a second, in the batches that a pipeline
//! takes from Kafka: `cargo run --release --example record_speed [-- TEXT...]`. Records are cut from the files given, by
//! default this project's own pages; one in ten holds an e-mail address.
#![allow(clippy::print_stdout, missing_docs)]
use lineward_classifiers::redact::Redactor;
use lineward_classifiers::{Confidence, Engine, FingerprintKey, RuleSet};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of text in a record; its other fields make it about 2 KB.
const TEXT_BYTES: usize = 1_800;
/// Records of a batch.
const BATCH: usize = 512;

fn record(index: usize, text: &str) -> Value {
    let contact = if index.is_multiple_of(10) { "ops.desk@hospital-north.org" } else { "" };
    json!({
        "eventId": format!("event-{index}"), "eventTime": "2026-11-21T09:30:00Z", "eventName": "PutRecord",
        "actor": { "role": "loader", "contact": contact }, "payload": { "format": "text", "body": text },
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        paths = vec!["README.md".into(), "ARCHITECTURE.md".into(), "docs/guide.md".into()];
    }
    let text = paths.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?.concat();
    let chars: Vec<char> = text.chars().collect();
    let records: Vec<String> = chars
        .chunks(TEXT_BYTES)
        .cycle()
        .take(20_000.max(chars.len() / TEXT_BYTES))
        .enumerate()
        .map(|(index, chunk)| record(index, &chunk.iter().collect::<String>()).to_string())
        .collect();
    let bytes: usize = records.iter().map(String::len).sum();
    let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
    let mut redactor = Redactor::new(&engine, FingerprintKey::new(&[1; 32])?, Confidence::Medium)?;
    for _ in 0..4 {
        let (start, mut found, mut written) = (Instant::now(), 0, 0);
        for batch in records.chunks(BATCH) {
            let mut values = batch.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<Value>, _>>()?;
            let redacted = redactor.redact(&mut values, &|_| &[])?;
            found += redacted.iter().flatten().map(|r| r.match_count).sum::<u64>();
            written += values.iter().map(|value| value.to_string().len()).sum::<usize>();
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{} records of {} bytes in {seconds:.3} s: {:.0} a second, {:.0} MB/s, {found} replaced, {written} bytes out",
            records.len(),
            bytes / records.len(),
            records.len() as f64 / seconds,
            bytes as f64 / seconds / 1e6
        );
    }
    Ok(())
}
